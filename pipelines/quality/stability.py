"""Facts about what may not move: settled figures, the end of a series, a content that was there before.

What belongs here: comparing a full vintage with the accepted one before it, where time should have left no trace.
What does not: rows that are there or not (presence), bounds and the months until a figure is settled (the YAML).
"""

from __future__ import annotations

import polars as pl

from pipelines.catalog.scope import scope_text
from pipelines.catalog.source import Source
from pipelines.quality.context import Context

WHOLE = "the whole file"


def content(source: Source, context: Context) -> pl.DataFrame:
    """The earlier accepted vintage, other than the one just before, that had this content: ``found``, null if none.

    A release that repeats an old one takes back everything that came between them.
    """
    return pl.DataFrame({"found": [context.repeats]}, schema={"found": pl.String})


def last_period(source: Source, context: Context) -> pl.DataFrame:
    """Months by which this vintage ends before the accepted one before it: ``months_behind``, 0 where it does not.

    For the whole file, because windows that roll may share no scope, and for every scope that both have.
    """
    previous = context.previous_rows()
    if previous is None or context.partial:
        return pl.DataFrame(
            schema={"scope": pl.String, "known_until": pl.Date, "now_until": pl.Date, "months_behind": pl.Int32}
        )
    known, now = pl.col("known_until"), pl.col("now_until")
    behind = (known.dt.year() - now.dt.year()) * 12 + known.dt.month().cast(pl.Int32) - now.dt.month().cast(pl.Int32)
    return (
        _ends(source, previous, "known_until")
        .join(_ends(source, context.rows(), "now_until"), on="scope")
        .with_columns(behind.clip(lower_bound=0).cast(pl.Int32).alias("months_behind"))
        .sort("scope")
        .collect()
    )


def settled(source: Source, context: Context) -> pl.DataFrame:
    """Share of known settled rows whose first figure is another now, ``share_revised``, or is gone, ``share_gone``.

    Settled: more months older than the newest of the accepted vintage before than the YAML's settled_after_months.
    Rows inside this vintage's scope and window only. Gone: without a row, or blank where there was a figure.
    """
    empty = pl.DataFrame(schema={"settled_rows": pl.Int64, "share_revised": pl.Float64, "share_gone": pl.Float64})
    previous = context.previous_rows()
    if previous is None or context.partial or source.settled_after_months is None:
        return empty
    value = source.names("value")[0]
    tolerance = next(c.tolerance for c in source.frame if c.name == value)
    old, new, is_here = pl.col("old"), pl.col("new"), pl.col("is_here").is_not_null()
    period = pl.col(source.period)
    found = (
        previous.filter(period < period.max().dt.offset_by(f"-{source.settled_after_months}mo"))
        .pipe(context.inside, source)
        .select(*source.key, pl.col(value).alias("old"))
        .join(
            context.rows().select(*source.key, pl.col(value).alias("new"), pl.lit(True).alias("is_here")),
            on=source.key,
            how="left",
        )
        .select(
            pl.len().cast(pl.Int64).alias("settled_rows"),
            ((old - new).abs() > tolerance).sum().truediv(pl.len()).alias("share_revised"),
            (~is_here | (old.is_not_null() & new.is_null())).sum().truediv(pl.len()).alias("share_gone"),
        )
        .collect()
    )
    return found if found["settled_rows"].item() else empty


def _ends(source: Source, rows: pl.LazyFrame, name: str) -> pl.LazyFrame:
    last = pl.col(source.period).max().alias(name)
    whole = rows.select(pl.lit(WHOLE).alias("scope"), last)
    return pl.concat([whole, rows.group_by(scope_text(source).alias("scope")).agg(last)]) if source.scope else whole
