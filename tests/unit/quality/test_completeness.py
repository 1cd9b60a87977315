"""Facts about what is there, on frames made by hand: rows of a month, known series, gaps, steady series."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.quality.completeness import known_series, series_gaps, steady_absent, usual_rows
from tests.unit.quality.vintages import CROSSINGS, crossings, measured

PORTS = [f"{n:04}" for n in range(10)]
YEAR = pl.date_range(date(2023, 1, 1), date(2023, 12, 1), "1mo", eager=True).to_list()
JANUARY, FEBRUARY = date(2024, 1, 1), date(2024, 2, 1)
KNOWN = crossings(*[(p, m, k, 10) for m in YEAR for p in PORTS for k in ("trucks", "buses")])


def month(month: date, ports: list[str], *measures: str) -> pl.DataFrame:
    """Rows of one month."""
    return crossings(*[(p, month, k, 10) for p in ports for k in measures or ("trucks", "buses")])


# ---- rows of a month ----


def shares(folder: Path, new: pl.DataFrame, old: pl.DataFrame | None, **given: Any) -> dict[date, float]:
    """Share of the usual rows by month."""
    found = usual_rows(CROSSINGS, measured(folder, new, old, **given))
    return dict(found.select("period", "share_of_usual_rows").iter_rows())


def test_new_months_are_held_against_the_usual_month_of_the_release_before(tmp_path: Path):
    new = pl.concat([month(JANUARY, PORTS[:1], "trucks"), month(FEBRUARY, PORTS)])
    assert shares(tmp_path, new, KNOWN) == {JANUARY: 0.05, FEBRUARY: 1.0}


def test_a_known_month_is_held_against_itself(tmp_path: Path):
    old = pl.concat([KNOWN, month(JANUARY, PORTS[:5])])
    assert shares(tmp_path, month(JANUARY, PORTS[:5]), old) == {JANUARY: 1.0}


def test_a_month_inside_the_window_without_a_row_has_share_zero(tmp_path: Path):
    new = pl.concat([month(YEAR[-1], PORTS), month(FEBRUARY, PORTS)])
    assert shares(tmp_path, new, KNOWN) == {YEAR[-1]: 1.0, JANUARY: 0.0, FEBRUARY: 1.0}


def test_usual_rows_need_a_full_vintage_before_a_full_one(tmp_path: Path):
    assert shares(tmp_path, month(JANUARY, PORTS), None) == {}
    assert shares(tmp_path, month(JANUARY, PORTS[:1]), KNOWN, partial=True) == {}


# ---- known series ----


def missing(folder: Path, new: pl.DataFrame, old: pl.DataFrame | None, **given: Any) -> dict[str, tuple[float, str]]:
    """Share that is there and names of what is missing, by measure."""
    found = known_series(CROSSINGS, measured(folder, new, old, **given))
    return {scope: (share, names) for scope, _, share, names in found.iter_rows()}


def test_series_that_are_gone_are_named_by_scope(tmp_path: Path):
    new = KNOWN.filter(~((pl.col("measure_id") == "buses") & pl.col("port_code").is_in(["0003", "0001"])))
    assert missing(tmp_path, new, KNOWN) == {"buses": (0.8, "0001, 0003"), "trucks": (1.0, "none")}


def test_a_scope_that_is_gone_misses_all_its_series(tmp_path: Path):
    assert missing(tmp_path, KNOWN.filter(measure_id="trucks"), KNOWN)["buses"] == (0.0, ", ".join(PORTS))


def test_a_series_that_lost_months_only_and_a_new_one_are_no_matter(tmp_path: Path):
    new = pl.concat([KNOWN.filter(month=YEAR[0]), month(YEAR[0], ["9999"])])
    assert missing(tmp_path, new, KNOWN) == {"buses": (1.0, "none"), "trucks": (1.0, "none")}


def test_beyond_sixty_names_the_rest_is_counted(tmp_path: Path):
    many = [f"{n:04}" for n in range(63)]
    found = missing(tmp_path, month(JANUARY, many[:1], "trucks"), month(JANUARY, many, "trucks"))
    assert found["trucks"][1] == ", ".join(many[1:61]) + " and 2 more"


def test_known_series_need_a_full_vintage_before_a_full_one(tmp_path: Path):
    assert missing(tmp_path, KNOWN, None) == {}
    assert missing(tmp_path, KNOWN.head(1), KNOWN, partial=True) == {}


# ---- gaps ----


def broken(folder: Path, rows: pl.DataFrame, **given: Any) -> dict[str, str]:
    """Names of broken series by measure."""
    return dict(series_gaps(CROSSINGS, measured(folder, rows, None, **given)).iter_rows())


def test_a_month_missing_between_two_breaks_a_series(tmp_path: Path):
    gap = (pl.col("port_code") == "0004") & (pl.col("measure_id") == "buses") & (pl.col("month") == YEAR[6])
    assert broken(tmp_path, KNOWN.filter(~gap)) == {"buses": "0004", "trucks": "none"}
    assert broken(tmp_path, KNOWN.filter(~gap), partial=True) == {}


@pytest.mark.parametrize("end", [YEAR[0], YEAR[-1]])
def test_a_series_that_begins_later_or_ends_earlier_is_whole(tmp_path: Path, end: date):
    rows = KNOWN.filter(~((pl.col("port_code") == "0004") & (pl.col("month") == end)))
    assert broken(tmp_path, rows) == {"buses": "none", "trucks": "none"}


# ---- steady series ----


def absent(
    folder: Path, new: pl.DataFrame, old: pl.DataFrame | None, *series: str, **given: Any
) -> dict[date, tuple[float, float, str]]:
    """Share of series, share of what they weigh, and names, by month that has twelve before it."""
    found = steady_absent(CROSSINGS, measured(folder, new, old), [*series] or ["port_code"], "crossings", **given)
    return {m: (by_series, by_weight, names) for m, by_series, by_weight, names in found.iter_rows()}


HEAVY = KNOWN.with_columns(crossings=pl.when(pl.col("port_code") == "0000").then(110).otherwise(10).cast(pl.Int64))


def test_a_port_with_a_row_in_each_of_twelve_months_and_none_in_the_next(tmp_path: Path):
    # Ten ports, of which 0000 has 110 of 200 crossings of a measure and month.
    new = pl.concat([HEAVY, month(JANUARY, PORTS[1:])])
    assert absent(tmp_path, new, HEAVY) == {JANUARY: (0.1, 0.55, "0000")}


def test_without_a_release_before_the_file_itself_tells_what_is_steady(tmp_path: Path):
    new = pl.concat([HEAVY, month(JANUARY, PORTS[:9])])
    assert absent(tmp_path, new, None) == {JANUARY: (0.1, 0.05, "0009")}


def test_the_release_before_tells_what_is_steady_where_the_file_lost_it_too(tmp_path: Path):
    kept = pl.concat([HEAVY, month(JANUARY, PORTS)]).filter(pl.col("port_code") != "0000")
    assert absent(tmp_path, kept, HEAVY)[JANUARY] == (0.1, 0.55, "0000")
    assert absent(tmp_path, kept, None)[JANUARY] == (0.0, 0.0, "none")


def test_what_was_absent_in_one_of_the_twelve_months_is_not_steady(tmp_path: Path):
    old = HEAVY.filter(~((pl.col("port_code") == "0000") & (pl.col("month") == YEAR[5])))
    assert absent(tmp_path, pl.concat([old, month(JANUARY, PORTS[1:])]), old) == {JANUARY: (0.0, 0.0, "none")}


def test_only_the_rows_asked_for_count(tmp_path: Path):
    new = pl.concat([HEAVY, month(JANUARY, PORTS, "buses"), month(JANUARY, PORTS[:5], "trucks")])
    trucks = pl.col("measure_id") == "trucks"
    assert absent(tmp_path, new, HEAVY)[JANUARY][0] == 0.0
    assert absent(tmp_path, new, HEAVY, only=trucks)[JANUARY][0] == 0.5
    assert absent(tmp_path, new, HEAVY, "port_code", "measure_id")[JANUARY][0] == 0.25


def test_an_excerpt_says_nothing_by_leaving_out(tmp_path: Path):
    excerpt = measured(tmp_path, month(JANUARY, PORTS[:1]), HEAVY, partial=True)
    assert steady_absent(CROSSINGS, excerpt, ["port_code"], "crossings").is_empty()
