"""Facts about population: each state is the sum of its counties."""

from __future__ import annotations

import polars as pl

from pipelines.catalog.source import Source
from pipelines.quality.context import Context, Fact
from pipelines.sources.shared.geography import SEED, us_states

STATES_AND_DC = 51


def county_parts(source: Source, context: Context) -> pl.DataFrame:
    """Each state less its counties, by series and year: ``state_minus_counties``.

    Where most states have counties, one without is its whole population short.
    """
    rows = context.rows()
    states = us_states(source.seed(SEED)).by_number
    state = pl.col("geo_id").str.head(2).replace_strict(states, default=None, return_dtype=pl.String)
    counties = (
        rows.filter(pl.col("area_level") == "county")
        .with_columns(state.alias("state"))
        .filter(pl.col("state").is_not_null())
        .group_by("series", "state", "year")
        .agg(pl.col("population").sum().alias("counties"))
    )
    most = counties.group_by("series", "year").len().filter(pl.col("len") > STATES_AND_DC // 2).with_columns(most=True)
    return (
        rows.filter(pl.col("area_level") == "state")
        .join(most, on=["series", "year"], how="left")
        .join(counties, left_on=["series", "geo_id", "year"], right_on=["series", "state", "year"], how="left")
        .filter(pl.col("counties").is_not_null() | pl.col("most"))
        .select(
            "series",
            "geo_id",
            "year",
            (pl.col("population") - pl.col("counties").fill_null(0)).alias("state_minus_counties"),
        )
        .sort("series", "geo_id", "year")
        .collect()
    )


FACTS: dict[str, Fact] = {
    "county_parts": county_parts,
}
"""The function behind each batch of the YAML that only this source has."""
