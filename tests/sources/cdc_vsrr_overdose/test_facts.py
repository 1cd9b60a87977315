"""Facts about VSRR's counts, on frames made by hand: the nation, its parts and their rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.catalog.load import get_source
from tests.unit.quality.vintages import context, fact

VSRR = get_source("cdc_vsrr_overdose")
JANUARY = date(2024, 1, 1)
STATES = [f"US-{n:02}" for n in range(51)]


def deaths(us: int | None, parts: list[int | None], indicator: str = "drug_overdose") -> pl.DataFrame:
    """All-drug deaths of a month: the nation, its parts and Puerto Rico."""
    places = ["US", *[*STATES, "US-NYC"][: len(parts)], "US-PR"]
    frame = pl.DataFrame({"jurisdiction_id": places, "deaths_reported": [us, *parts, 7]})
    return frame.with_columns(month_ending=pl.lit(JANUARY), indicator_id=pl.lit(indicator))


def parts_of(folder: Path, rows: pl.DataFrame) -> list[tuple[Any, ...]]:
    """The fact on these rows."""
    return fact(VSRR, "us_parts", context(folder, rows, period="month_ending")).rows()


@pytest.mark.parametrize(("us", "difference"), [(520, 0), (521, 1), (519, -1)])
def test_the_nation_less_its_52_parts_without_puerto_rico(tmp_path: Path, us: int, difference: int):
    assert parts_of(tmp_path, deaths(us, [10] * 52)) == [(JANUARY, difference)]


def test_a_month_in_which_a_part_is_unpublished_is_left_out(tmp_path: Path):
    assert parts_of(tmp_path, deaths(520, [None, *[10] * 51])) == []
    assert parts_of(tmp_path, deaths(520, [10] * 51)) == []
    assert parts_of(tmp_path, deaths(None, [10] * 52)) == []


def test_drug_classes_are_never_added_up_to_a_nation(tmp_path: Path):
    assert parts_of(tmp_path, deaths(999, [10] * 52, "synthetic_opioids_t404")) == []


@pytest.mark.parametrize(
    ("rows", "counted"),
    [
        (deaths(None, [None] * 52), 53),
        (deaths(510, [10] * 51), 52),
        (deaths(520, [10] * 52).filter(pl.col("jurisdiction_id") != "US"), 52),
        (deaths(520, [10] * 52, "synthetic_opioids_t404"), 0),
    ],
)
def test_rows_of_the_nation_and_its_parts_are_counted_blank_or_not(tmp_path: Path, rows: pl.DataFrame, counted: int):
    assert len(STATES) == 51
    found = fact(VSRR, "us_rows", context(tmp_path, rows, period="month_ending"))
    assert found["rows"].to_list() == [counted]
    excerpt = context(tmp_path, rows, period="month_ending", partial=True)
    assert fact(VSRR, "us_rows", excerpt).is_empty()
