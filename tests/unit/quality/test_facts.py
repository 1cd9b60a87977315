"""Facts about a vintage, on frames made by hand: coverage, newest period, size."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.quality.facts import coverage, magnitude, newest_period
from tests.unit.quality.vintages import CROSSINGS, crossings, measured

JANUARY, FEBRUARY, MARCH = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)
PORTS = [f"{n:04}" for n in range(10)]
FULL = crossings(*[(p, m, "trucks", 10) for p in PORTS for m in (JANUARY, FEBRUARY)])


def test_coverage_of_the_same_rows_is_whole(tmp_path: Path):
    found = coverage(CROSSINGS, measured(tmp_path, FULL, FULL.reverse()))
    assert found.rows() == [(20, 1.0)]


def test_coverage_counts_the_known_keys_that_are_gone(tmp_path: Path):
    found = coverage(CROSSINGS, measured(tmp_path, FULL.filter(pl.int_range(pl.len()) != 3), FULL))
    assert found["share_of_known_rows"].to_list() == [0.95]


def test_coverage_ignores_figures_and_new_keys(tmp_path: Path):
    more = pl.concat([FULL.with_columns(crossings=pl.lit(1, pl.Int64)), crossings(("9999", JANUARY, "trucks", 1))])
    assert coverage(CROSSINGS, measured(tmp_path, more, FULL))["share_of_known_rows"].to_list() == [1.0]


def test_coverage_looks_only_inside_the_window(tmp_path: Path):
    newer = FULL.filter(month=FEBRUARY)
    assert coverage(CROSSINGS, measured(tmp_path, newer, FULL)).rows() == [(10, 1.0)]


def test_coverage_looks_only_at_scopes_the_vintage_has(tmp_path: Path):
    old = pl.concat([FULL, crossings(*[(p, JANUARY, "buses", 1) for p in PORTS])])
    assert coverage(CROSSINGS, measured(tmp_path, FULL, old)).rows() == [(20, 1.0)]


def test_coverage_says_nothing_of_the_first_vintage_or_an_excerpt(tmp_path: Path):
    assert coverage(CROSSINGS, measured(tmp_path, FULL, None)).is_empty()
    assert coverage(CROSSINGS, measured(tmp_path, FULL.head(1), FULL, partial=True)).is_empty()


def test_coverage_says_nothing_where_nothing_was_known(tmp_path: Path):
    later = crossings(("0001", MARCH, "trucks", 1))
    assert coverage(CROSSINGS, measured(tmp_path, later, FULL)).is_empty()


def test_newest_period_compares_the_last_two(tmp_path: Path):
    rows = pl.concat([FULL, crossings(*[(p, MARCH, "trucks", 1) for p in PORTS[:4]])])
    assert newest_period(CROSSINGS, measured(tmp_path, rows, None)).rows() == [(MARCH, 0.4)]


def test_newest_period_needs_two_periods(tmp_path: Path):
    assert newest_period(CROSSINGS, measured(tmp_path, FULL.filter(month=JANUARY), None)).is_empty()


def test_magnitude_is_new_over_old_on_common_keys(tmp_path: Path):
    new = crossings(("0000", JANUARY, "trucks", 15), ("0001", JANUARY, "trucks", 10), ("7777", JANUARY, "trucks", 999))
    assert magnitude(CROSSINGS, measured(tmp_path, new, FULL)).rows() == [(20.0, 25.0, 1.25)]


def test_magnitude_leaves_out_a_figure_that_is_missing_on_one_side(tmp_path: Path):
    new = crossings(("0000", JANUARY, "trucks", None), ("0001", JANUARY, "trucks", 20))
    assert magnitude(CROSSINGS, measured(tmp_path, new, FULL)).rows() == [(10.0, 20.0, 2.0)]


@pytest.mark.parametrize("old", [None, crossings(("9999", JANUARY, "trucks", 1)), FULL.with_columns(crossings=0)])
def test_magnitude_needs_common_figures_that_are_not_zero(tmp_path: Path, old: pl.DataFrame | None):
    assert magnitude(CROSSINGS, measured(tmp_path, FULL, old)).is_empty()
