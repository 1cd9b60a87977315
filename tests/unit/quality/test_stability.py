"""Facts about what may not move, on frames made by hand: settled figures, the end of a series, an old content."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.catalog.load import load_catalog
from pipelines.quality.context import Context
from pipelines.quality.stability import content, last_period, settled
from tests.unit.quality.vintages import CROSSINGS, crossings, measured

MONTHS = pl.date_range(date(2023, 1, 1), date(2023, 12, 1), "1mo", eager=True).to_list()
KNOWN = crossings(*[(p, m, "trucks", 10) for m in MONTHS for p in ("0001", "0002")])
"""With six months until a figure is settled, the ten rows before June are: December less six is June."""


def moved(folder: Path, new: pl.DataFrame, **given: Any) -> tuple[int, float, float]:
    """Settled rows, share revised, share gone."""
    assert CROSSINGS.settled_after_months == 6
    (row,) = settled(CROSSINGS, measured(folder, new, KNOWN, **given)).rows()
    return row


def at(port: str, month: int) -> pl.Expr:
    return (pl.col("port_code") == port) & (pl.col("month") == date(2023, month, 1))


def figure(where: pl.Expr, crossings: int | None) -> pl.DataFrame:
    """What is known, with another figure somewhere."""
    new = pl.when(where).then(pl.lit(crossings, pl.Int64)).otherwise("crossings")
    return KNOWN.with_columns(new.alias("crossings"))


def test_a_release_that_repeats_what_is_settled_moves_nothing(tmp_path: Path):
    assert moved(tmp_path, KNOWN.reverse()) == (10, 0.0, 0.0)


def test_another_settled_figure_is_revised(tmp_path: Path):
    assert moved(tmp_path, figure(at("0001", 5), 11)) == (10, 0.1, 0.0)


def test_a_figure_that_is_not_settled_may_move(tmp_path: Path):
    assert moved(tmp_path, figure(at("0001", 6), 11)) == (10, 0.0, 0.0)


def test_a_settled_row_that_is_absent_or_blank_is_gone(tmp_path: Path):
    assert moved(tmp_path, figure(at("0001", 5), None)) == (10, 0.0, 0.1)
    assert moved(tmp_path, KNOWN.filter(~at("0001", 5))) == (10, 0.0, 0.1)


def test_only_what_the_vintage_speaks_about_is_compared(tmp_path: Path):
    assert moved(tmp_path, KNOWN.filter(pl.col("month") >= date(2023, 4, 1))) == (4, 0.0, 0.0)


def test_a_difference_within_the_tolerance_is_no_revision(tmp_path: Path):
    frame = [c.model_copy(update={"tolerance": 1.0}) if c.name == "crossings" else c for c in CROSSINGS.frame]
    lenient = CROSSINGS.model_copy(update={"frame": frame})
    found = [settled(lenient, measured(tmp_path, figure(at("0001", 5), n), KNOWN)) for n in (11, 12)]
    assert [f["share_revised"].item() for f in found] == [0.0, 0.1]


def test_nothing_is_settled_for_an_excerpt_or_without_a_release_before(tmp_path: Path):
    assert settled(CROSSINGS, measured(tmp_path, KNOWN, None)).is_empty()
    assert settled(CROSSINGS, measured(tmp_path, KNOWN.head(1), KNOWN, partial=True)).is_empty()


def test_every_source_says_when_its_figures_are_settled():
    assert [s.id for s in load_catalog().values() if s.status == "active" and s.settled_after_months is None] == []


# ---- the end ----


def behind(folder: Path, new: pl.DataFrame, old: pl.DataFrame | None, **given: Any) -> dict[str, int]:
    """Months behind by scope."""
    return dict(
        last_period(CROSSINGS, measured(folder, new, old, **given)).select("scope", "months_behind").iter_rows()
    )


def test_a_release_that_reaches_as_far_or_further_is_not_behind(tmp_path: Path):
    further = pl.concat([KNOWN, crossings(("0001", date(2024, 1, 1), "trucks", 1))])
    assert behind(tmp_path, KNOWN, KNOWN) == {"the whole file": 0, "trucks": 0}
    assert behind(tmp_path, further, KNOWN) == {"the whole file": 0, "trucks": 0}


def test_a_scope_that_ends_earlier_is_behind_by_its_months(tmp_path: Path):
    old = pl.concat([KNOWN, crossings(("0001", date(2024, 2, 1), "buses", 1))])
    new = pl.concat([KNOWN, crossings(("0001", date(2022, 12, 1), "buses", 1))])
    assert behind(tmp_path, new, old) == {"buses": 14, "the whole file": 2, "trucks": 0}


def test_files_without_a_common_scope_are_compared_as_a_whole(tmp_path: Path):
    new = crossings(("0001", date(2022, 12, 1), "buses", 1))
    assert behind(tmp_path, new, KNOWN) == {"the whole file": 12}


def test_an_excerpt_and_a_first_vintage_are_behind_nothing(tmp_path: Path):
    assert behind(tmp_path, KNOWN.head(1), KNOWN, partial=True) == {}
    assert behind(tmp_path, KNOWN, None) == {}


# ---- the content ----


@pytest.mark.parametrize("repeats", [None, "2023-01-15"])
def test_the_vintage_that_had_this_content_before_is_named(tmp_path: Path, repeats: str | None):
    assert content(CROSSINGS, Context(tmp_path, False, None, repeats))["found"].to_list() == [repeats]
