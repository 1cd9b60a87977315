"""Facts about VSRR's counts: whether the nation has its figure wherever its parts have theirs."""

from __future__ import annotations

import polars as pl

from pipelines.catalog.source import Source
from pipelines.quality.context import Context, Fact

PARTS_OF_THE_US = 52
"""50 states, DC and New York City, which the publisher counts apart from New York."""


def nation_figures(source: Source, context: Context) -> pl.DataFrame:
    """Counts of each month that most jurisdictions have and the US has no figure of: ``without_nation``, or none."""
    if context.partial:
        return pl.DataFrame(schema={"month_ending": pl.Date, "without_nation": pl.String})
    has_figure = ((pl.col("jurisdiction_id") == "US") & pl.col("deaths_reported").is_not_null()).any()
    lacking = pl.col("indicator_id").filter(~pl.col("has_figure")).sort().str.join(", ")
    return (
        context.rows()
        .filter(pl.col("indicator_id") != "percent_specified")
        .group_by("month_ending", "indicator_id")
        .agg(has_figure=has_figure | (pl.len() <= PARTS_OF_THE_US // 2))
        .group_by("month_ending")
        .agg(pl.when(pl.col("has_figure").all()).then(pl.lit("none")).otherwise(lacking).alias("without_nation"))
        .sort("month_ending")
        .collect()
    )


FACTS: dict[str, Fact] = {
    "nation_figures": nation_figures,
}
"""The function behind each batch of the YAML that only this source has."""
