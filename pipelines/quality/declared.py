"""Facts that a source declares in its YAML (catalog.facts), computed.

What belongs here: one function a kind. What does not: facts of every source (facts), of one source (its facts.py).
"""

from __future__ import annotations

import polars as pl

from pipelines.catalog.facts import DeclaredFact, Match, NewestRows, RowCount, Steady, SumOfParts
from pipelines.catalog.source import Source
from pipelines.quality.completeness import steady_absent
from pipelines.quality.context import Context


def declared(fact: DeclaredFact, source: Source, context: Context) -> pl.DataFrame:
    """The frame of a declared fact; its columns are told at its kind in ``catalog.facts``."""
    if isinstance(fact, Steady):
        where = _matches(fact.where) if fact.where else None
        return steady_absent(source, context, fact.series, fact.weight, where, fact.least)
    if isinstance(fact, NewestRows):
        return newest_rows(fact, source, context)
    if isinstance(fact, RowCount):
        return row_count(fact, source, context)
    return sum_of_parts(fact, context)


def newest_rows(fact: NewestRows, source: Source, context: Context) -> pl.DataFrame:
    """Rows of each group in the two newest months over its average of the twelve months before them.

    Columns: the period, those of the group, ``share_of_usual_rows``. A group that this vintage has nowhere in those
    twelve months is compared with the vintage before, so that a group that vanished has share 0.
    """
    period = source.period
    now = _monthly(context.rows(), period, fact.by)
    if now.is_empty():
        return now.drop("rows").with_columns(share_of_usual_rows=pl.lit(None, pl.Float64))
    known = _usual(now, period, fact.by)
    previous = context.previous_rows()
    if previous is not None:
        before = _usual(_monthly(previous, period, fact.by), period, fact.by)
        known = pl.concat([known, before.join(known, on=fact.by, how="anti")])
    newest = now.select(pl.col(period).max())
    months = pl.concat([newest, newest.select(pl.col(period).dt.offset_by("-1mo"))])
    return (
        known.join(months, how="cross")
        .join(now, on=[*fact.by, period], how="left")
        .select(period, *fact.by, (pl.col("rows").fill_null(0) / pl.col("usual")).alias("share_of_usual_rows"))
        .sort(period, *fact.by)
    )


def _monthly(rows: pl.LazyFrame, period: str, by: list[str]) -> pl.DataFrame:
    return rows.group_by(period, *by).len("rows").collect()


def _usual(monthly: pl.DataFrame, period: str, by: list[str]) -> pl.DataFrame:
    last = pl.col(period).max()
    year = pl.col(period).is_between(last.dt.offset_by("-13mo"), last.dt.offset_by("-2mo"))
    return monthly.filter(year).group_by(by).agg(pl.col("rows").mean().alias("usual"))


def row_count(fact: RowCount, source: Source, context: Context) -> pl.DataFrame:
    """Rows counted in each group: the columns of the group, then ``rows``."""
    is_counted = _matches(fact.where) & ~_matches(fact.besides, empty=False)
    rows = context.rows().filter(_matches(fact.among)).with_columns(is_counted.alias("rows"))
    count = pl.col("rows").sum().cast(pl.Int64)
    found = (rows.group_by(fact.by).agg(count).sort(fact.by) if fact.by else rows.select(count)).collect()
    return found if fact.of_excerpts or not context.partial else found.clear()


def sum_of_parts(fact: SumOfParts, context: Context) -> pl.DataFrame:
    """The whole less its parts in each group: the columns of the group, then ``whole_minus_parts``."""
    is_whole, value = _matches(fact.whole), pl.col(fact.value)
    every_part = pl.col("parts") == fact.parts if fact.parts is not None else pl.lit(True)
    return (
        context.rows()
        .filter(_matches(fact.among) & ~_matches(fact.besides, empty=False))
        .group_by(fact.by)
        .agg(
            (value.filter(is_whole).sum() - value.filter(~is_whole).sum()).alias("whole_minus_parts"),
            (value.is_not_null() & ~is_whole).sum().alias("parts"),
            (value.is_not_null() & is_whole).sum().alias("wholes"),
        )
        .filter(pl.col("wholes") == 1, every_part)
        .select(*fact.by, "whole_minus_parts")
        .sort(fact.by)
        .collect()
    )


def _matches(match: Match, empty: bool = True) -> pl.Expr:
    """Whether a row has the values of a match; empty is the answer of a match without columns."""
    if not match:
        return pl.lit(empty)
    return pl.all_horizontal(
        pl.col(column).is_in(wanted if isinstance(wanted, list) else [wanted]).fill_null(False)
        for column, wanted in match.items()
    )
