"""Frames of many rows: their order, and writing them one after another into a Parquet file.

What belongs here: what cleaning and history both do with millions of rows. What does not: what the rows mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

_WHOLE = 2**63
"""Whole numbers that a column of places may have."""


def in_order(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Rows in the order of the named columns, equal ones as they came, as ``frame.sort(names)`` would have them.

    The place of each value among those of its column makes one whole number of a row, which sorts in half the time
    of several columns. Where a column has no such place (floating point, nulls) or the numbers would be too long,
    the columns are compared.
    """
    number, possible = pl.lit(0, pl.Int64), 1
    for name in names:
        column = frame[name]
        kind = column.dtype
        if not frame.height or column.null_count() or not (kind in (pl.String, pl.Date) or kind.is_integer()):
            return frame.sort(*names, maintain_order=True)
        place, count = _texts(column) if kind == pl.String else _numbers(column)
        number, possible = number * count + place, possible * count
    if possible >= _WHOLE:
        return frame.sort(*names, maintain_order=True)
    return frame.sort(number, maintain_order=True)


def _texts(column: pl.Series) -> tuple[pl.Expr, int]:
    """Rank of each text among the distinct ones, and how many there are."""
    distinct = column.unique().sort()
    return pl.col(column.name).cast(pl.Enum(distinct)).to_physical().cast(pl.Int64), distinct.len()


def _numbers(column: pl.Series) -> tuple[pl.Expr, int]:
    """Distance of each whole number or date from the smallest, and how many there could be."""
    plain = column.to_physical()
    smallest, largest = plain.min(), plain.max()
    assert isinstance(smallest, int)
    assert isinstance(largest, int)
    return pl.col(column.name).to_physical().cast(pl.Int64) - smallest, largest - smallest + 1


@contextmanager
def parquet_of(path: Path, rows_in_a_group: int | None = None) -> Iterator[Callable[[pl.DataFrame], None]]:
    """A function that appends frames of one schema to a Parquet file; the file is whole at the end of the block.

    rows_in_a_group: rows of a row group, what a reader of some rows has to take; unset: those of each frame.
    """
    writer: pq.ParquetWriter | None = None

    def append(frame: pl.DataFrame) -> None:
        nonlocal writer
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if writer is None:
            # Figures and line numbers hardly repeat: looking for those that do costs a fifth of the time.
            repeating = [c for c, kind in frame.schema.items() if kind in (pl.String, pl.Date)]
            writer = pq.ParquetWriter(
                path, table.schema, compression="zstd", compression_level=1, use_dictionary=repeating
            )
        writer.write_table(table, row_group_size=rows_in_a_group)

    try:
        yield append
    finally:
        if writer is not None:
            writer.close()
