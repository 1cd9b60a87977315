"""Facts about what is there: rows of a month, series that were known, and what usually has a row and now has none.

What belongs here: counting rows and series of a full vintage, against the accepted one before it where there is one.
What does not: figures (settled), bounds (the YAML).

An absent row reads as no seizure, no crossing or a withdrawn count, so a piece that a file lost is the worst lie it
can tell. A partial vintage says nothing by leaving out; its frames are empty.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from pipelines.quality.subject import Subject, scope_of
from pipelines.sources.catalog import Source

YEAR = 12
NAMED = 60
"""Series that a finding names; the rest are counted."""
NONE = "none"


def usual_rows(source: Source, subject: Subject) -> pl.DataFrame:
    """Rows of each month over those that the accepted vintage before has for it: ``share_of_usual_rows``.

    A month that it does not have is held against the median of its last twelve. A month without a row inside the
    window has share 0. Needs no length of the file, so a file of two months is measured too. For monthly periods.
    """
    empty = pl.DataFrame(schema={"period": pl.Date, "usual": pl.Float64, "share_of_usual_rows": pl.Float64})
    previous = subject.previous_rows()
    if previous is None or subject.partial:
        return empty
    before, now = (_by_month(source, rows).collect() for rows in (previous, subject.rows()))
    if before.is_empty() or now.is_empty():
        return empty
    usual = before.sort("period").tail(YEAR)["rows"].median()
    return (
        now.select(pl.date_range(pl.col("period").min(), pl.col("period").max(), "1mo"))
        .join(now, on="period", how="left")
        .join(before.rename({"rows": "usual"}), on="period", how="left")
        .with_columns(pl.col("usual").cast(pl.Float64).fill_null(usual))
        .select("period", "usual", (pl.col("rows").fill_null(0) / pl.col("usual")).alias("share_of_usual_rows"))
        .sort("period")
    )


def known_series(source: Source, subject: Subject) -> pl.DataFrame:
    """Series of the accepted vintage before, by scope: ``share_there`` and the names of the ``missing`` ones, or none.

    A series is a key without its period. A scope that is not there at all misses every one of its series.
    """
    previous = subject.previous_rows()
    if previous is None or subject.partial:
        return pl.DataFrame(
            schema={"scope": pl.String, "known": pl.UInt32, "share_there": pl.Float64, "missing": pl.String}
        )
    here = _series(source, subject.rows()).with_columns(is_here=pl.lit(True))
    return (
        _series(source, previous)
        .join(here, on=["scope", "series"], how="left")
        .group_by("scope")
        .agg(
            pl.len().alias("known"),
            pl.col("is_here").count().truediv(pl.len()).alias("share_there"),
            _named(pl.col("series").filter(pl.col("is_here").is_null()).sort()).alias("missing"),
        )
        .sort("scope")
        .collect()
    )


def series_gaps(source: Source, subject: Subject) -> pl.DataFrame:
    """Series of each scope that lack a month between two of their months: their names in ``broken``, or none."""
    if subject.partial:
        return pl.DataFrame(schema={"scope": pl.String, "broken": pl.String})
    period = pl.col(source.period)
    months = (period.max().dt.year() - period.min().dt.year()).cast(pl.Int32) * YEAR + (
        period.max().dt.month().cast(pl.Int32) - period.min().dt.month().cast(pl.Int32)
    )
    return (
        subject.rows()
        .group_by(scope_of(source), _name(source))
        .agg((months + 1 > period.n_unique()).alias("is_broken"))
        .group_by("scope")
        .agg(_named(pl.col("series").filter("is_broken").sort()).alias("broken"))
        .sort("scope")
        .collect()
    )


def steady_absent(
    source: Source, subject: Subject, series: list[str], weight: str, only: pl.Expr | None = None
) -> pl.DataFrame:
    """What had a row in each of the twelve months before a month and has none in it.

    Columns ``share_of_series_absent``, ``share_of_usual_absent`` (of what the steady ones weighed in those twelve
    months) and the names of the ``absent``, largest first. The twelve months are the accepted vintage's where it has
    them, else this one's. Looks at months from one year before the end of the accepted vintage on.
    """
    empty = pl.DataFrame(
        schema={source.period: pl.Date, "share_of_series_absent": pl.Float64, "share_of_usual_absent": pl.Float64,
                "absent": pl.String}
    )  # fmt: skip
    if subject.partial:
        return empty
    period, months = source.period, pl.col(source.period)
    now = _weights(subject.rows(), only, series, period, weight)
    if now.is_empty():
        return empty
    known = subject.reference(source).pipe(_weights, only, series, period, weight)
    judged = now.select(period).unique()
    last = _known_until(source, subject)
    if last is not None:
        judged = judged.filter(months > last.replace(year=last.year - 1))
        known = known.filter(months > last.replace(year=last.year - 2))
    steady = (
        pl.concat([known.with_columns(months.dt.offset_by(f"{lag}mo")) for lag in range(1, YEAR + 1)])
        .group_by(*series, period)
        .agg(pl.len().alias("months"), pl.col("weight").sum())
        .filter(pl.col("months") == YEAR)
        .join(judged, on=period, how="semi")
        .join(now.select(*series, period, pl.lit(True).alias("is_here")), on=[*series, period], how="left")
    )
    gone = pl.col("is_here").is_null()
    return (
        steady.sort("weight", descending=True)
        .group_by(period, maintain_order=True)
        .agg(
            gone.mean().alias("share_of_series_absent"),
            (pl.col("weight").filter(gone).sum() / pl.col("weight").sum()).alias("share_of_usual_absent"),
            _named(pl.concat_str(series, separator="/").filter(gone)).alias("absent"),
        )
        .sort(period)
    )


def _by_month(source: Source, rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.group_by(pl.col(source.period).alias("period")).len("rows")


def _name(source: Source) -> pl.Expr:
    names = [k for k in source.key if k not in (source.period, *source.scope)]
    return pl.concat_str([pl.col(k) for k in names], separator="/").alias("series")


def _series(source: Source, rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.select(scope_of(source), _name(source)).unique()


def _named(names: pl.Expr) -> pl.Expr:
    """The names as one text; beyond NAMED only their number."""
    more = pl.when(names.len() > NAMED).then(pl.format(" and {} more", names.len().cast(pl.Int64) - NAMED))
    return pl.when(names.len() == 0).then(pl.lit(NONE)).otherwise(
        names.head(NAMED).str.join(", ") + more.otherwise(pl.lit(""))
    )  # fmt: skip


def _weights(rows: pl.LazyFrame, only: pl.Expr | None, series: list[str], period: str, weight: str) -> pl.DataFrame:
    rows = rows if only is None else rows.filter(only)
    return rows.group_by(*series, period).agg(pl.col(weight).sum().alias("weight")).collect()


def _known_until(source: Source, subject: Subject) -> date | None:
    previous = subject.previous_rows()
    if previous is None:
        return None
    last: date | None = previous.select(pl.col(source.period).max()).collect().item()
    return last
