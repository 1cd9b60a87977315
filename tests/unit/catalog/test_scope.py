"""The scope of a row as one text."""

from __future__ import annotations

import polars as pl

from pipelines.catalog.scope import joined


def text(*values: str) -> str:
    """The scope text of one row."""
    frame = pl.DataFrame({str(n): [v] for n, v in enumerate(values)})
    return frame.select(joined(pl.col(c) for c in frame.columns)).item()


def test_values_are_joined_by_a_stroke():
    assert text("US", "2024") == "US/2024"


def test_a_stroke_inside_a_value_makes_no_other_scope_of_it():
    assert len({text("a/b", "c"), text("a", "b/c"), text("a\\", "b/c"), text("a\\/b", "c")}) == 4
