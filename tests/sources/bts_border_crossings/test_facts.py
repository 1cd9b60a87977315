"""Facts about border crossings, on frames made by hand: measures of the newest months, doubled keys."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from pipelines.catalog.load import get_source
from tests.unit.quality.vintages import crossings, fact, measured

CROSSINGS = get_source("bts_border_crossings")
JANUARY, FEBRUARY = date(2024, 1, 1), date(2024, 2, 1)
PORTS = [f"{n:04}" for n in range(10)]
MONTHS_14 = pl.date_range(date(2023, 1, 1), date(2024, 2, 1), "1mo", eager=True).to_list()


def usual(folder: Path, new: pl.DataFrame, old: pl.DataFrame | None = None) -> dict[tuple[date, str], float]:
    """Share of the usual rows by month and measure."""
    found = fact(CROSSINGS, "newest_measures", measured(folder, new, old))
    return {(m, k): s for m, k, s in found.iter_rows()}


def test_newest_measures_compare_two_months_with_the_year_before_them(tmp_path: Path):
    rows = [(p, m, "trucks", 1) for m in MONTHS_14[:12] for p in PORTS]
    rows += [(p, MONTHS_14[12], "trucks", 1) for p in PORTS[:9]] + [(p, MONTHS_14[13], "trucks", 1) for p in PORTS[:5]]
    assert usual(tmp_path, crossings(*rows)) == {(JANUARY, "trucks"): 0.9, (FEBRUARY, "trucks"): 0.5}


def test_a_measure_without_a_row_in_the_newest_month_has_share_zero(tmp_path: Path):
    rows = [(p, m, k, 1) for m in MONTHS_14 for p in PORTS for k in ("trucks", "buses")]
    rows = [r for r in rows if (r[1], r[2]) != (FEBRUARY, "buses")]
    assert usual(tmp_path, crossings(*rows))[(FEBRUARY, "buses")] == 0.0


def test_a_measure_that_vanished_altogether_has_share_zero(tmp_path: Path):
    old = crossings(*[(p, m, k, 1) for m in MONTHS_14 for p in PORTS for k in ("trucks", "buses")])
    found = usual(tmp_path, old.filter(measure_id="trucks"), old)
    assert found[(JANUARY, "buses")] == found[(FEBRUARY, "buses")] == 0.0
    assert found[(FEBRUARY, "trucks")] == 1.0


def test_keys_whose_figure_was_chosen_among_several_are_counted(tmp_path: Path):
    rows = crossings(("0001", JANUARY, "trucks", 5), ("0002", JANUARY, "trucks", 5), ("0003", JANUARY, "trucks", 5))
    chosen = rows.with_columns(is_resolved_duplicate=pl.col("port_code") != "0002")
    assert fact(CROSSINGS, "conflicting_duplicates", measured(tmp_path, chosen, None)).rows() == [(2,)]
