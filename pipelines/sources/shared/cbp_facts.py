"""Facts about fiscal years that CBP's seizure files have in common.

What belongs here: what time may do to a fiscal year of more than one CBP source. What does not: reading the label of a
year (cbp), bounds (the YAML).
"""

from __future__ import annotations

import polars as pl

from pipelines.catalog.source import Source
from pipelines.quality.context import Context


def closed_years(source: Source, context: Context) -> pl.DataFrame:
    """Rows of each fiscal year closed here and in the accepted vintage before that differ: ``changed_rows``.

    A row differs where it is on one side only, its weight moved beyond the tolerance or its events moved.
    """
    schema = {"fiscal_year": pl.Int64, "known_rows": pl.Int64, "changed_rows": pl.Int64}
    previous = context.previous_rows()
    if previous is None or context.partial:
        return pl.DataFrame(schema=schema)
    tolerance = next(c.tolerance for c in source.frame if c.name == "quantity_lb")
    columns = [*source.key, "fiscal_year", "quantity_lb", "events"]
    old = previous.filter(_closed()).select(columns)
    new = context.rows().filter(_closed()).select(columns)
    years = old.select("fiscal_year").unique().join(new.select("fiscal_year").unique(), on="fiscal_year")
    moved = (
        ((pl.col("quantity_lb") - pl.col("quantity_lb_new")).abs() > tolerance)
        | (pl.col("events") != pl.col("events_new"))
    ).fill_null(True)
    return (
        old.join(years, on="fiscal_year", how="semi")
        .join(
            new.join(years, on="fiscal_year", how="semi"),
            on=[*source.key, "fiscal_year"], how="full", coalesce=True, suffix="_new",
        )
        .group_by("fiscal_year")
        .agg(
            pl.col("events").count().cast(pl.Int64).alias("known_rows"),
            moved.sum().cast(pl.Int64).alias("changed_rows"),
        )
        .sort("fiscal_year")
        .collect()
    )  # fmt: skip


def _closed() -> pl.Expr:
    september = pl.date(pl.col("fiscal_year"), 9, 1)
    year = "fiscal_year"
    return ~pl.col("is_fytd").any().over(year) & (pl.col("month").max().over(year) == september)


def closed_labels(source: Source, context: Context) -> pl.DataFrame:
    """Fiscal years whose label says that they are over, with their last month: ``months_to_september``.

    Nothing for an excerpt, which has the months that it has.
    """
    return (
        context.rows()
        .group_by("fiscal_year")
        .agg(pl.col("is_fytd").any(), pl.col("month").max().alias("last_month"))
        .filter(~pl.col("is_fytd"), pl.lit(not context.partial))
        .with_columns(september=pl.date(pl.col("fiscal_year"), 9, 1))
        .select(
            "fiscal_year",
            "last_month",
            ((pl.col("september") - pl.col("last_month")).dt.total_days() // 28).alias("months_to_september"),
        )
        .sort("fiscal_year")
        .collect()
    )
