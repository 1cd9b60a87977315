"""Millions of rows in order, by one number instead of several columns, and frames that become one Parquet file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.parquet import in_order, parquet_of

TEXTS = st.sampled_from(["", "0901", "715", "A", "a", "é", "ñ", "Ω", "zz", "\U0001f6c2"]) | st.text(max_size=3)
DAYS = st.dates(date(1950, 1, 1), date(2062, 12, 1))
NUMBERS = st.integers(-3, 3) | st.sampled_from([-(2**63), 2**63 - 1, 2**40])
FIGURES = st.floats(allow_nan=False)


def by_hand(frame: pl.DataFrame, names: list[str]) -> list[int]:
    """Places of the rows as Python's own stable sort has them, nothing before something."""
    rows = frame.select(names).rows()
    return sorted(range(len(rows)), key=lambda at: [(v is not None, v) for v in rows[at]])


def ordered(frame: pl.DataFrame, names: list[str]) -> list[int]:
    """Places of the rows as in_order has them."""
    return in_order(frame.with_row_index("at"), names)["at"].to_list()


@given(st.lists(st.tuples(DAYS, TEXTS, TEXTS), max_size=30))
def test_dates_and_texts_come_as_a_stable_sort_has_them(rows: list[tuple[date, str, str]]) -> None:
    frame = pl.DataFrame(rows, schema={"day": pl.Date, "port": pl.String, "measure": pl.String}, orient="row")
    names = ["day", "port", "measure"]
    assert ordered(frame, names) == by_hand(frame, names)


@given(st.lists(st.tuples(st.none() | TEXTS, NUMBERS, FIGURES), max_size=20), st.permutations([0, 1, 2]))
def test_nothing_long_numbers_and_figures_are_compared_as_they_are(
    rows: list[tuple[str | None, int, float]], order: list[int]
) -> None:
    frame = pl.DataFrame(rows, schema={"text": pl.String, "number": pl.Int64, "figure": pl.Float64}, orient="row")
    names = [frame.columns[at] for at in order]
    assert ordered(frame, names) == by_hand(frame, names)


def test_equal_rows_stay_as_they_came() -> None:
    frame = pl.DataFrame({"day": [date(2025, 1, 1)] * 3, "port": ["0901"] * 3, "line": [9, 3, 7]})
    assert in_order(frame, ["day", "port"])["line"].to_list() == [9, 3, 7]


def test_a_column_that_needs_too_many_numbers_is_still_compared() -> None:
    frame = pl.DataFrame({"a": [2**62, 0], "b": [1, 2], "c": [1, 2]})
    assert in_order(frame, ["a", "b", "c"])["b"].to_list() == [2, 1]


def test_frames_come_back_one_after_another_in_groups_of_rows(tmp_path: Path) -> None:
    first = pl.DataFrame({"port": ["a", "b", "c"], "day": [date(2025, 1, 1)] * 3, "crossings": [1, None, 3]})
    second = first.with_columns(port=pl.lit("ñ"))
    with parquet_of(tmp_path / "rows.parquet", 2) as append:
        append(first)
        append(second)
    assert pl.read_parquet(tmp_path / "rows.parquet").equals(pl.concat([first, second]))
    groups = "select distinct row_group_num_rows from parquet_metadata(?) order by all"
    assert duckdb.execute(groups, [str(tmp_path / "rows.parquet")]).fetchall() == [(1,), (2,)]


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    with parquet_of(tmp_path / "rows.parquet"):
        pass
    assert not (tmp_path / "rows.parquet").exists()


def test_an_error_of_the_block_is_the_one_that_is_raised(tmp_path: Path) -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError), parquet_of(tmp_path / "rows.parquet") as append:
        append(pl.DataFrame({"a": [1]}).select("b"))
