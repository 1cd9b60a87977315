"""Vintages made by hand from a frame of clean rows, as facts see them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.catalog.load import get_source
from pipelines.catalog.source import Source
from pipelines.quality.context import Context
from pipelines.quality.facts import facts
from pipelines.sources.modules import rules_of


def context(
    folder: Path, rows: pl.DataFrame, before: pl.DataFrame | None = None, *, scope: str = "''", period: str = "month",
    partial: bool = False,
) -> Context:  # fmt: skip
    """A vintage with these clean rows and the accepted one before it; scope is SQL."""
    for name, frame in (("new", rows), ("old", before)):
        if frame is not None:
            (folder / name).mkdir(exist_ok=True)
            frame.write_parquet(folder / name / "clean.parquet")
    window = rows.group_by(pl.sql_expr(scope).cast(pl.String).alias("scope")).agg(
        first_period=pl.col(period).min(), last_period=pl.col(period).max()
    )
    window.write_parquet(folder / "new" / "coverage.parquet")
    return Context(folder / "new", partial, None if before is None else folder / "old")


def fact(source: Source, batch: str, context: Context) -> pl.DataFrame:
    """A facts frame as a verdict reads it, whoever computes it."""
    return facts(source, rules_of(source).facts, batch, context)


CROSSINGS = get_source("bts_border_crossings")


def crossings(*rows: tuple[str, date, str, int | None]) -> pl.DataFrame:
    """Rows of port, month, measure and crossings."""
    schema = {"port_code": pl.String, "month": pl.Date, "measure_id": pl.String, "crossings": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def measured(folder: Path, new: pl.DataFrame, old: pl.DataFrame | None, **given: Any) -> Context:
    """A vintage of crossings, whose scope is the measure."""
    return context(folder, new, old, scope="measure_id", **given)
