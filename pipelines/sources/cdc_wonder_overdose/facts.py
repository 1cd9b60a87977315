"""Facts about WONDER's counts: hidden and absent states, held against the published nation."""

from __future__ import annotations

import polars as pl

from pipelines.catalog.source import Source
from pipelines.quality.context import Context, Fact

STATES_AND_DC = 51
HIDDEN = 9
"""Largest count that the publisher hides."""


def national_gap(source: Source, context: Context) -> pl.DataFrame:
    """Published national T40.4 deaths of a month less its states, over the hidden states: ``gap_per_absent_state``.

    Only final months of the published series; the plain difference where no state is hidden.
    """
    nation = pl.scan_csv(source.seed("us_t404_final_monthly"), try_parse_dates=True).select(
        "month", pl.col("deaths").alias("nation")
    )
    absent = pl.lit(STATES_AND_DC) - pl.col("rows")
    return (
        context.rows()
        .filter(pl.col("indicator_id") == "synthetic_opioids_t404", pl.col("basis") == "final")
        .group_by("month")
        .agg(pl.col("deaths").sum().alias("states"), pl.col("deaths").count().cast(pl.Int64).alias("rows"))
        .join(nation, on="month")
        .select(
            "month",
            ((pl.col("nation") - pl.col("states")) / pl.max_horizontal(absent, pl.lit(1))).alias(
                "gap_per_absent_state"
            ),
        )
        .sort("month")
        .collect()
    )


def absent_months(source: Source, context: Context) -> pl.DataFrame:
    """Months inside an indicator's window that no state has a row for: ``rows_around``.

    The larger number of state rows in the nearest months before and after that have any.
    """
    counts = context.rows().group_by("indicator_id", "month").len("rows").collect()
    around = [pl.col("rows").forward_fill().over("indicator_id"), pl.col("rows").backward_fill().over("indicator_id")]
    return (
        _window(counts)
        .join(counts, on=["indicator_id", "month"], how="left")
        .sort("indicator_id", "month")
        .with_columns(pl.max_horizontal(around).cast(pl.Int64).alias("rows_around"))
        .filter(pl.col("rows").is_null())
        .select("indicator_id", "month", "rows_around")
    )


def absent_states(source: Source, context: Context) -> pl.DataFrame:
    """Spans of months that a state has no row for, inside its indicator's window: ``deaths_around``, largest first.

    The smaller of the state's nearest figures before and after, of any basis; the only one at an end of the window.
    """
    state = ["indicator_id", "jurisdiction_id"]
    shown = (
        context.rows()
        .group_by(*state, "month")
        .agg(pl.col("deaths").fill_null(HIDDEN).max().cast(pl.Int64).alias("deaths"))
        .collect()
    )
    around = [pl.col("deaths").forward_fill().over(state), pl.col("deaths").backward_fill().over(state)]
    absent = pl.col("deaths").is_null()
    return (
        _window(shown)
        .join(shown.select(state).unique(), on="indicator_id")
        .join(shown, on=[*state, "month"], how="left")
        .sort(*state, "month")
        .with_columns(pl.min_horizontal(around).alias("deaths_around"), absent.rle_id().over(state).alias("span"))
        .filter(absent)
        .group_by(*state, "span")
        .agg(
            pl.col("month").min().alias("first_month"),
            pl.col("month").max().alias("last_month"),
            pl.col("deaths_around").first(),
        )
        .drop("span")
        .sort("deaths_around", *state, "first_month", descending=[True, False, False, False])
    )


def _window(rows: pl.DataFrame) -> pl.DataFrame:
    """Every month between the first and the last one of each indicator."""
    months = pl.date_range(pl.col("month").min(), pl.col("month").max(), "1mo").alias("month")
    return rows.group_by("indicator_id").agg(months).explode("month")


FACTS: dict[str, Fact] = {
    "absent_months": absent_months,
    "absent_states": absent_states,
    "national_gap": national_gap,
}
"""The function behind each batch of the YAML that only this source has."""
