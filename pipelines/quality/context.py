"""The vintage under judgement, as facts and suites see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.catalog.scope import scope_text
from pipelines.catalog.source import Source


@dataclass(frozen=True)
class Context:
    """The clean folder, whether it is partial, and the clean folder of the accepted full one before it.

    repeats: the earlier accepted vintage that has its content, if that is not the one just before it.
    """

    folder: Path
    partial: bool
    previous: Path | None
    repeats: str | None = None

    def rows(self) -> pl.LazyFrame:
        """Clean rows of the vintage."""
        return pl.scan_parquet(self.folder / "clean.parquet")

    def previous_rows(self) -> pl.LazyFrame | None:
        """Clean rows of the accepted full vintage before it."""
        return None if self.previous is None else pl.scan_parquet(self.previous / "clean.parquet")

    def reference(self, source: Source) -> pl.LazyFrame:
        """Clean rows of the accepted full vintage before it, and this one's of periods that that one lacks."""
        previous = self.previous_rows()
        if previous is None:
            return self.rows()
        new = self.rows().join(previous.select(source.period).unique(), on=source.period, how="anti")
        return pl.concat([previous, new], how="diagonal_relaxed")

    def inside(self, rows: pl.LazyFrame, source: Source) -> pl.LazyFrame:
        """Those of the rows that lie in the scope and window of which this vintage speaks."""
        window = pl.scan_parquet(self.folder / "coverage.parquet").select("scope", "first_period", "last_period")
        return (
            rows.with_columns(scope_text(source).alias("scope"))
            .join(window, on="scope")
            .filter(pl.col(source.period).is_between(pl.col("first_period"), pl.col("last_period")))
        )


Fact = Callable[[Source, Context], pl.DataFrame]
"""A fact about a vintage as a small frame, one row a fact; empty where it cannot be established."""
