"""Facts about what is there: rows of a month, series that were known, and what usually has a row and now has none.

What belongs here: counting rows and series of a full vintage, against the accepted one before it where there is one.
What does not: figures (settled), bounds (the YAML).

An absent row reads as no seizure, no crossing or a withdrawn count, so a piece that a file lost is the worst lie it
can tell. A partial vintage says nothing by leaving out; its frames are empty.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from pipelines.catalog.scope import scope_text
from pipelines.catalog.source import Source
from pipelines.quality.context import Context

YEAR = 12
NAMED = 60
"""Series that a finding names; the rest are counted."""
NONE = "none"
ROWS_AT_A_TIME = 2_000_000
"""Rows whose series are held in memory together."""


def usual_rows(source: Source, context: Context) -> pl.DataFrame:
    """Rows of each month over those that the accepted vintage before has for it: ``share_of_usual_rows``.

    A month that it does not have is held against the median of its last twelve. A month without a row inside the
    window has share 0. Needs no length of the file, so a file of two months is measured too. For monthly periods.
    """
    empty = pl.DataFrame(schema={"period": pl.Date, "usual": pl.Float64, "share_of_usual_rows": pl.Float64})
    previous = context.previous_rows()
    if previous is None or context.partial:
        return empty
    before, now = (_by_month(source, rows).collect() for rows in (previous, context.rows()))
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


def known_series(source: Source, context: Context) -> pl.DataFrame:
    """Series of the accepted vintage before, by scope: ``share_there`` and the names of the ``missing`` ones, or none.

    A series is a key without its period. A scope that is not there at all misses every one of its series.
    """
    previous = context.previous_rows()
    if previous is None or context.partial:
        return pl.DataFrame(
            schema={"scope": pl.String, "known": pl.UInt32, "share_there": pl.Float64, "missing": pl.String}
        )
    here = _series(source, context.rows()).with_columns(is_here=pl.lit(True))
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


def gone(source: Source, context: Context) -> pl.DataFrame:
    """Rows of the accepted vintage before, inside this one's scope and window, that have none now: key and figures.

    A share of rows hides the largest of them: of a hundred rows that go, one can be a nation's.
    """
    figures = source.names("value")
    previous = context.previous_rows()
    if previous is None or context.partial:
        return context.rows().select(*source.key, *figures).head(0).collect()
    return (
        context.inside(previous, source)
        .join(context.rows().select(source.key), on=source.key, how="anti")
        .select(*source.key, *figures)
        .sort(source.key)
        .collect()
    )


def series_gaps(source: Source, context: Context) -> pl.DataFrame:
    """Series of each scope that lack a month between two of their months: their names in ``broken``, or none."""
    if context.partial:
        return pl.DataFrame(schema={"scope": pl.String, "broken": pl.String})
    period = pl.col(source.period)
    months = (period.max().dt.year() - period.min().dt.year()).cast(pl.Int32) * YEAR + (
        period.max().dt.month().cast(pl.Int32) - period.min().dt.month().cast(pl.Int32)
    )
    return (
        context.rows()
        .group_by(scope_text(source).alias("scope"), _name(source))
        .agg((months + 1 > period.n_unique()).alias("is_broken"))
        .group_by("scope")
        .agg(_named(pl.col("series").filter("is_broken").sort()).alias("broken"))
        .sort("scope")
        .collect()
    )


def steady_absent(
    source: Source, context: Context, series: list[str], weight: str, only: pl.Expr | None = None, least: int = 0
) -> pl.DataFrame:
    """What had a row in each of the twelve months before a month and has none in it.

    Columns ``share_of_series_absent``, ``share_of_usual_absent`` (of what the steady ones weighed in those twelve
    months) and the names of the ``absent``, largest first. The twelve months are the accepted vintage's where it has
    them, else this one's. Looks at months from one year before the end of the accepted vintage on, and at series
    that weighed at least ``least`` in the twelve months.
    """
    told = {"share_of_series_absent": pl.Float64, "share_of_usual_absent": pl.Float64, "absent": pl.String}
    period, months = source.period, pl.col(source.period)
    if context.partial:
        return pl.DataFrame(schema={period: pl.Date, **told})
    here, known = (rows if only is None else rows.filter(only) for rows in (context.rows(), context.reference(source)))
    last = _known_until(source, context)
    if last is not None:
        here = here.filter(months > last.replace(year=last.year - 1))
        known = known.filter(months > last.replace(year=last.year - 2))
    judged = here.select(months.unique()).collect()
    counts, absent = [], []
    # Series are looked at some at a time, so that memory does not grow with the file.
    groups = here.select(pl.len()).collect().item() // ROWS_AT_A_TIME + 1
    group = pl.sum_horizontal(pl.col(s).hash() % groups for s in series) % groups
    for number in range(groups):
        steady = (
            _after_a_year(known.filter(group == number), series, period, weight)
            .filter(pl.col("weight") >= least)
            .join(judged, on=period, how="semi")
            .join(
                here.filter(group == number).select(*series, period, is_here=True).unique().collect(),
                on=[*series, period], how="left",
            )
        )  # fmt: skip
        gone = pl.col("is_here").is_null()
        counts.append(
            steady.group_by(period).agg(
                pl.len().alias("series"),
                pl.col("weight").sum(),
                gone.sum().alias("series_gone"),
                pl.col("weight").filter(gone).sum().alias("weight_gone"),
            )
        )
        absent.append(steady.filter(gone).select(period, "weight", pl.concat_str(series, separator="/").alias("name")))
    names = (
        pl.concat(absent)
        .sort("weight", "name", descending=[True, False])
        .group_by(period, maintain_order=True)
        .agg(_named(pl.col("name")).alias("absent"))
    )
    return (
        pl.concat(counts)
        .group_by(period)
        .sum()
        .join(names, on=period, how="left")
        .select(
            period,
            (pl.col("series_gone") / pl.col("series")).alias("share_of_series_absent"),
            (pl.col("weight_gone") / pl.col("weight")).alias("share_of_usual_absent"),
            pl.col("absent").fill_null(NONE),
        )
        .sort(period)
    )


def _after_a_year(rows: pl.LazyFrame, series: list[str], period: str, weight: str) -> pl.DataFrame:
    """Series and month, for each month before which the series has a row in twelve, with their ``weight`` together."""
    before = pl.col(period).shift(YEAR - 1)
    same = [pl.col(s) == pl.col(s).shift(YEAR - 1) for s in series]
    return (
        rows.group_by(*series, period)
        .agg(pl.col(weight).sum().alias("weight"))
        .sort(*series, period)
        .with_columns(
            is_year=pl.all_horizontal(*same, before == pl.col(period).dt.offset_by(f"-{YEAR - 1}mo")),
            weight=pl.col("weight").rolling_sum(YEAR),
        )
        .filter("is_year")
        .select(*series, pl.col(period).dt.offset_by("1mo"), "weight")
        .collect()
    )


def _by_month(source: Source, rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.group_by(pl.col(source.period).alias("period")).len("rows")


def _name(source: Source) -> pl.Expr:
    names = [k for k in source.key if k not in (source.period, *source.scope)]
    return pl.concat_str([pl.col(k) for k in names], separator="/").alias("series")


def _series(source: Source, rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.select(scope_text(source).alias("scope"), _name(source)).unique()


def _named(names: pl.Expr) -> pl.Expr:
    """The names as one text; beyond NAMED only their number."""
    more = pl.when(names.len() > NAMED).then(pl.format(" and {} more", names.len().cast(pl.Int64) - NAMED))
    return pl.when(names.len() == 0).then(pl.lit(NONE)).otherwise(
        names.head(NAMED).str.join(", ") + more.otherwise(pl.lit(""))
    )  # fmt: skip


def _known_until(source: Source, context: Context) -> date | None:
    previous = context.previous_rows()
    if previous is None:
        return None
    last: date | None = previous.select(pl.col(source.period).max()).collect().item()
    return last
