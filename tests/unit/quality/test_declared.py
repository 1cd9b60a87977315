"""Facts that a YAML declares, on frames made by hand: which rows count, what an excerpt says, wholes and parts."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import TypeAdapter

from pipelines.catalog.facts import DeclaredFact
from pipelines.quality.declared import declared
from tests.unit.quality.vintages import CROSSINGS, crossings, measured

JANUARY, FEBRUARY = date(2024, 1, 1), date(2024, 2, 1)
ROWS = crossings(
    ("0001", JANUARY, "trucks", 10),
    ("0002", JANUARY, "trucks", 4),
    ("0003", JANUARY, "trucks", 6),
    ("0001", JANUARY, "buses", 1),
    ("0001", FEBRUARY, "buses", None),
)
PARTS: dict[str, Any] = {"kind": "sum_of_parts", "by": ["month", "measure_id"], "value": "crossings"}
"""A fact of parts and their whole, which one port stands for."""


def found(folder: Path, rows: pl.DataFrame, partial: bool = False, **fact: Any) -> list[tuple[Any, ...]]:
    """The rows of a declared fact about a vintage."""
    parsed: DeclaredFact = TypeAdapter(DeclaredFact).validate_python(fact)
    return declared(parsed, CROSSINGS, measured(folder, rows, None, partial=partial)).rows()


def test_rows_of_a_group_are_counted(tmp_path: Path):
    assert found(tmp_path, ROWS, kind="row_count", by=["month"]) == [(JANUARY, 4), (FEBRUARY, 1)]


def test_rows_of_the_whole_vintage_are_counted_where_no_group_is_named(tmp_path: Path):
    assert found(tmp_path, ROWS, kind="row_count", where={"measure_id": "buses"}) == [(2,)]


def test_a_group_without_a_row_that_counts_has_none(tmp_path: Path):
    counted = found(tmp_path, ROWS, kind="row_count", by=["month"], where={"measure_id": "trucks"})
    assert counted == [(JANUARY, 3), (FEBRUARY, 0)]


def test_a_group_is_made_of_the_rows_looked_at_alone(tmp_path: Path):
    counted = found(tmp_path, ROWS, kind="row_count", by=["month"], among={"measure_id": "trucks"})
    assert counted == [(JANUARY, 3)]


def test_rows_left_out_do_not_count(tmp_path: Path):
    besides = {"measure_id": "trucks", "port_code": ["0002", "0003"]}
    assert found(tmp_path, ROWS, kind="row_count", by=["month"], besides=besides) == [(JANUARY, 2), (FEBRUARY, 1)]


@pytest.mark.parametrize(("of_excerpts", "counted"), [(False, []), (True, [(5,)])])
def test_an_excerpt_is_counted_only_where_the_yaml_says_so(tmp_path: Path, of_excerpts: bool, counted: list[Any]):
    assert found(tmp_path, ROWS, partial=True, kind="row_count", of_excerpts=of_excerpts) == counted


def test_a_whole_less_its_parts(tmp_path: Path):
    trucks = {"among": {"measure_id": "trucks"}, "whole": {"port_code": "0001"}}
    assert found(tmp_path, ROWS, **PARTS, **trucks) == [(JANUARY, "trucks", 0)]
    assert found(tmp_path, ROWS, **PARTS, **trucks, besides={"port_code": "0003"}) == [(JANUARY, "trucks", 6)]


def test_a_group_without_a_figure_of_its_whole_is_left_out(tmp_path: Path):
    of_buses = {"among": {"measure_id": "buses"}, "whole": {"port_code": "0001"}}
    assert found(tmp_path, ROWS, **PARTS, **of_buses) == [(JANUARY, "buses", 1)]


def test_a_group_that_lacks_one_of_its_parts_is_left_out(tmp_path: Path):
    whole = {"whole": {"port_code": "0001"}}
    assert found(tmp_path, ROWS, **PARTS, **whole, parts=2) == [(JANUARY, "trucks", 0)]
    assert found(tmp_path, ROWS, **PARTS, **whole, parts=3) == []
