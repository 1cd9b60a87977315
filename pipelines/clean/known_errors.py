"""Setting the flags that a source's known errors ask for. A published figure is never changed.

What belongs here: which rows an entry means. What does not: the shape of an entry (catalog.known_errors).
"""

from __future__ import annotations

import polars as pl

from pipelines.catalog.known_errors import KnownError, Scalar, Span
from pipelines.catalog.source import Source

ROW = "_row"


def flagged(source: Source, frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """The frame with flags set, and how many rows each known error of the source touched; 0 once it is repaired."""
    counts: dict[str, int] = {}
    for entry in source.known_errors:
        rows = _rows(source, frame, entry)
        counts[entry.id] = rows.len()
        if counts[entry.id]:
            hit = pl.row_index().is_in(rows.implode())
            frame = frame.with_columns((pl.col(entry.column) | hit).alias(entry.column))
    return frame, counts


def _rows(source: Source, frame: pl.DataFrame, entry: KnownError) -> pl.Series:
    """Places in the frame of the rows that match and are as the guard says."""
    ratio = entry.ratio
    numbered = frame.with_row_index(ROW)
    if source.period in entry.match and (ratio is None or ratio.by != source.period):
        # Most entries speak of one month: texts are compared in its rows only.
        numbered = numbered.filter(_is(source.period, entry.match[source.period]))
    conditions = {c: _is(c, v) for c, v in entry.match.items()}
    found = numbered.filter(*conditions.values(), *(_is(c, v) for c, v in entry.expect.items()))
    if ratio is not None and found.height:
        value = pl.col(source.names("value")[0])
        place = [k for k in source.key if k != ratio.by]
        around = numbered.filter(
            *(c for name, c in conditions.items() if name != ratio.by),
            _is(ratio.by, [*ratio.numerator, *ratio.denominator]),
        )
        sums = {
            side: value.filter(_is(ratio.by, values)).sum()
            for side, values in (("numerator", ratio.numerator), ("denominator", ratio.denominator))
        }
        over = (
            around.group_by(place)
            .agg(**sums)
            .filter(pl.col("denominator") > 0, pl.col("numerator") > ratio.above * pl.col("denominator"))
        )
        found = found.join(over, on=place, how="semi")
    return found[ROW]


def _is(column: str, wanted: Span | list[Scalar] | Scalar) -> pl.Expr:
    if isinstance(wanted, Span):
        after = pl.col(column) >= pl.lit(wanted.first)
        before = pl.col(column) <= pl.lit(wanted.last)
        return before if wanted.first is None else after if wanted.last is None else after & before
    return pl.col(column).is_in(wanted) if isinstance(wanted, list) else pl.col(column) == pl.lit(wanted)
