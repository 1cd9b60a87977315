"""The fact that finds a month cut out of a file that is not in the order of time."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.catalog.load import get_source, load_catalog
from pipelines.quality.context import Context
from pipelines.quality.expectations import expectations_of
from pipelines.quality.facts import every_period

SEIZURES = get_source("cbp_drug_seizures")
MONTHS = [date(2022 + n // 12, n % 12 + 1, 1) for n in range(24)]


def share(folder: Path, rows_by_month: dict[date, int]) -> dict[date, float]:
    """Share of usual rows by month, of a vintage with so many rows in each month."""
    months = [month for month, count in rows_by_month.items() for _ in range(count)]
    pl.DataFrame({"month": months}, schema={"month": pl.Date}).write_parquet(folder / "clean.parquet")
    found = every_period(SEIZURES, Context(folder, False, None))
    assert found.columns == ["period", "share_of_usual_rows"]
    return dict(found.iter_rows())


def test_months_of_one_size_have_share_one(tmp_path: Path) -> None:
    assert share(tmp_path, dict.fromkeys(MONTHS, 10)) == dict.fromkeys(MONTHS, 1.0)


def test_a_month_without_a_row_has_share_zero(tmp_path: Path) -> None:
    found = share(tmp_path, {m: 10 for m in MONTHS if m != date(2022, 9, 1)})
    assert found.pop(date(2022, 9, 1)) == 0.0
    assert set(found.values()) == {1.0}


def test_half_a_month_has_half_the_usual_rows(tmp_path: Path) -> None:
    assert share(tmp_path, {**dict.fromkeys(MONTHS, 10), MONTHS[0]: 5, MONTHS[-1]: 4})[MONTHS[0]] == 0.5


def test_a_lasting_change_of_size_is_no_cut(tmp_path: Path) -> None:
    """BTS stopped publishing zeros between 2015 and 2017: 1,332 rows a month before, about 760 after."""
    sizes = {m: 1332 if m < date(2023, 1, 1) else 760 for m in MONTHS}
    assert min(share(tmp_path, sizes).values()) >= 760 / 1332


def test_a_window_shorter_than_thirteen_months_says_nothing(tmp_path: Path) -> None:
    assert share(tmp_path, {m: 10 for m in MONTHS[:12] if m != date(2022, 5, 1)}) == {}
    assert len(share(tmp_path, dict.fromkeys(MONTHS[:13], 10))) == 13


def test_a_vintage_without_a_row_says_nothing(tmp_path: Path) -> None:
    assert share(tmp_path, {}) == {}


@pytest.mark.parametrize(
    "source", ["cbp_drug_seizures", "cbp_amo_drug_seizures", "cdc_vsrr_overdose", "bts_border_crossings"]
)
def test_full_monthly_releases_are_held_where_a_month_was_cut_out(source: str) -> None:
    (expectation,) = (e for e in expectations_of(load_catalog()[source]) if e.batch == "every_period")
    assert expectation.severity == "critical"
    assert expectation.kwargs["min_value"] > 0
