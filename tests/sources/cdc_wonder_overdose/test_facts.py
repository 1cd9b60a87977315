"""Facts about WONDER's counts, on frames made by hand: the gap to the nation, absent months and states."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.catalog.load import get_source
from tests.unit.quality.vintages import context, fact

WONDER = get_source("cdc_wonder_overdose")
JANUARY, FEBRUARY, MARCH = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)


def test_the_gap_to_the_published_nation_is_spread_over_hidden_states(tmp_path: Path):
    # The national final series says 699 deaths in January 2015; 49 of 51 states are hidden here.
    month = date(2015, 1, 1)
    rows = pl.DataFrame(
        {"jurisdiction_id": ["US-OH", "US-MA"], "month": [month] * 2, "indicator_id": ["synthetic_opioids_t404"] * 2,
         "basis": ["final"] * 2, "deaths": [100, 60]}
    )  # fmt: skip
    found = fact(WONDER, "national_gap", context(tmp_path, rows))
    assert found.rows() == [(month, pytest.approx((699 - 160) / 49))]


def queried(*rows: tuple[str, int, int | None]) -> pl.DataFrame:
    """All-drug rows of a state in a month of 2024 with its deaths, provisional from April on."""
    schema = {"jurisdiction_id": pl.String, "number": pl.Int64, "deaths": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").select(
        "jurisdiction_id",
        pl.date(2024, pl.col("number"), 1).alias("month"),
        pl.lit("drug_overdose").alias("indicator_id"),
        pl.when(pl.col("number") >= 4).then(pl.lit("provisional")).otherwise(pl.lit("final")).alias("basis"),
        "deaths",
    )


def test_a_month_without_any_state_has_the_rows_of_the_months_around(tmp_path: Path):
    rows = queried(("US-CA", 1, 900), ("US-NV", 1, 40), ("US-CA", 4, 910), ("US-CA", 5, 905))
    found = fact(WONDER, "absent_months", context(tmp_path, rows))
    assert found.rows() == [("drug_overdose", FEBRUARY, 2), ("drug_overdose", MARCH, 2)]


def test_an_absent_span_of_a_state_has_the_smaller_figure_around_it(tmp_path: Path):
    """Hidden by the publisher (null) is at most 9; at the end of the window only one figure is near."""
    rows = queried(
        ("US-CA", 1, 900), ("US-CA", 4, 950), ("US-CA", 5, 905), ("US-NV", 2, 50), ("US-NV", 3, None), ("US-NV", 5, 60),
        ("US-WY", 3, 12),
    )  # fmt: skip
    found = fact(WONDER, "absent_states", context(tmp_path, rows))
    april, may = date(2024, 4, 1), date(2024, 5, 1)
    assert found.rows() == [
        ("drug_overdose", "US-CA", FEBRUARY, MARCH, 900),
        ("drug_overdose", "US-NV", JANUARY, JANUARY, 50),
        ("drug_overdose", "US-WY", JANUARY, FEBRUARY, 12),
        ("drug_overdose", "US-WY", april, may, 12),
        ("drug_overdose", "US-NV", april, april, 9),
    ]
