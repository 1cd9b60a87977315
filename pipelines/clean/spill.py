"""Holding a vintage's chunks until they can be looked at together, in memory while few, by year once many.

What belongs here: keeping memory bounded by the rows of some years, however large the file. What does not:
rules about rows (run and the sources' modules), which only ever compare rows of one period.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl

ROWS_IN_MEMORY = 2_000_000


class Spans:
    """Chunks in, frames of whole years out, oldest first. Rows without a period come with the first frame."""

    def __init__(self, period: str, folder: Path) -> None:
        self._year = pl.col(period).dt.year().fill_null(0)
        self._folder = folder
        self._held: list[pl.DataFrame] = []
        self._rows = 0
        self._years: dict[int, int] = {}
        self._chunks = 0
        # A killed run's chunks must not come out among those of this one.
        self.discard()

    def add(self, frame: pl.DataFrame) -> None:
        """Take one chunk."""
        self._held.append(frame)
        self._rows += frame.height
        if self._rows > ROWS_IN_MEMORY:
            self._spill()

    def frames(self) -> Iterator[pl.DataFrame]:
        """Everything that was added, in frames of whole years; nothing is kept afterwards."""
        if not self._years:
            yield pl.concat(self._held)
            self._held = []
            return
        self._spill()
        for years in self._groups():
            parts = [p for y in years for p in sorted(self._folder.glob(f"{y}_*.parquet"))]
            yield pl.concat([pl.read_parquet(p) for p in parts])
        self.discard()

    def discard(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _spill(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        together = pl.concat(self._held).with_columns(self._year.alias("_year"))
        for (year,), part in together.partition_by("_year", as_dict=True, include_key=False).items():
            part.write_parquet(self._folder / f"{year}_{self._chunks:06}.parquet", compression="lz4", statistics=False)
            self._years[int(year)] = self._years.get(int(year), 0) + part.height
        self._held, self._rows = [], 0
        self._chunks += 1

    def _groups(self) -> list[list[int]]:
        groups: list[list[int]] = []
        size = 0
        for year, rows in sorted(self._years.items()):
            if not groups or size + rows > ROWS_IN_MEMORY:
                groups.append([])
                size = 0
            groups[-1].append(year)
            size += rows
        return groups
