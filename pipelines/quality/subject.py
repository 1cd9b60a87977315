"""The vintage under judgement, as facts and suites see it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl


@dataclass(frozen=True)
class Subject:
    """Its clean folder, whether it is partial, and the clean folder of the accepted full one before it."""

    folder: Path
    partial: bool
    previous: Path | None

    def rows(self) -> pl.LazyFrame:
        """Clean rows of the vintage."""
        return pl.scan_parquet(self.folder / "clean.parquet")

    def previous_rows(self) -> pl.LazyFrame | None:
        """Clean rows of the accepted full vintage before it."""
        return None if self.previous is None else pl.scan_parquet(self.previous / "clean.parquet")
