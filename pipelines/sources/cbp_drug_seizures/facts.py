"""Facts about CBP's nationwide seizures: the unit of the weight, the list of areas, fiscal years that are over."""

from __future__ import annotations

import polars as pl

from pipelines.catalog.source import Source
from pipelines.quality.context import Context, Fact
from pipelines.sources.shared.cbp_facts import closed_labels, closed_years


def weight_per_event(source: Source, context: Context) -> pl.DataFrame:
    """Pounds per event of each month over the median of the twelve months before: ``ratio_to_usual``.

    The median over drugs, because single drugs leap (one load of ketamine) and a wrong unit moves them all at once.
    """
    pounds_per_event = pl.col("quantity_lb").sum() / pl.col("events").sum()
    usual = pl.col("lb_per_event").rolling_median(12).shift(1).over("drug_id", order_by="month")
    return (
        context.reference(source)
        .group_by("drug_id", "month")
        .agg(pounds_per_event.alias("lb_per_event"))
        .with_columns(usual.alias("usual"))
        .drop("lb_per_event")
        .join(context.rows().group_by("drug_id", "month").agg(pounds_per_event.alias("lb_per_event")),
              on=["drug_id", "month"])
        .group_by("month")
        .agg((pl.col("lb_per_event") / pl.col("usual")).median().alias("ratio_to_usual"))
        .drop_nulls()
        .sort("month")
        .collect()
    )  # fmt: skip


def areas(source: Source, context: Context) -> pl.DataFrame:
    """Component and region under which each area is published, with its first month: ``is_as_listed``.

    listed is what the list of areas (dbt_project/seeds/areas.csv) says of it.
    """
    place = pl.concat_str("component", "region", separator=" ")
    listed = pl.read_csv(source.seed("areas"), infer_schema=False).select("area_id", place.alias("listed"))
    return (
        context.rows()
        .group_by("area_id", "component", "region")
        .agg(pl.col("month").min().alias("first_month"))
        .collect()
        .join(listed, on="area_id", how="left")
        .with_columns((pl.col("listed") == place).fill_null(False).alias("is_as_listed"))
        .sort("area_id", "component", "region")
    )


FACTS: dict[str, Fact] = {
    "areas": areas,
    "closed_labels": closed_labels,
    "closed_years": closed_years,
    "weight_per_event": weight_per_event,
}
"""The function behind each batch of the YAML that only this source has."""
