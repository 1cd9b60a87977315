"""How much a release still lacks, learnt from how earlier releases were revised.

What belongs here: completeness by lag, and the newest figures divided by it. What does not: which release said what
(the history), the publisher's own prediction (shown beside, never mixed in).
"""

from __future__ import annotations

import polars as pl

SERIES = ("jurisdiction_id", "indicator_id")
MAX_LAG = 12
MIN_RELEASES = 8
SETTLED_MONTHS = 12
"""A release is compared with the newest one only if its newest month is older by so much: before that both lack."""


def revision_profile(figures: pl.DataFrame) -> pl.DataFrame:
    """Completeness of each series by lag: V(release) / V(newest release), over earlier releases.

    figures: jurisdiction_id, indicator_id, release (DATE), month_ending (DATE), lag (months before the newest
    month_ending of the release), value (deaths in twelve months, null where none was published). Releases with equal
    content for a series count once, the first of them. Returns jurisdiction_id, indicator_id, lag, releases (number
    that gave a ratio), completeness_median, completeness_p10, completeness_p90 (ratios; null where releases is 0).
    The percentiles stand at position p (n + 1) among the sorted ratios, so that a new release falls between them with
    probability 0.8 (E. J. Gumbel, Statistics of Extremes, 1958, plotting positions); below 9 they are the extremes.
    """
    newest = figures.filter(pl.col("release") == pl.col("release").max().over(SERIES))
    last = newest.group_by(SERIES).agg(pl.col("month_ending").max().alias("newest_month"))
    settled = newest.select(*SERIES, "month_ending", pl.col("value").alias("settled"))
    ratios = (
        _distinct(figures)
        .join(last, on=SERIES)
        .with_columns(pl.col("month_ending").max().over(*SERIES, "release").alias("own_newest"))
        .filter(pl.col("own_newest").dt.offset_by(f"{SETTLED_MONTHS}mo") <= pl.col("newest_month"))
        .join(settled, on=[*SERIES, "month_ending"], how="inner")
        .filter(pl.col("settled") > 0, pl.col("value").is_not_null())
        .select(*SERIES, "lag", (pl.col("value") / pl.col("settled")).alias("ratio"))
    )
    summary = ratios.group_by(*SERIES, "lag").agg(
        pl.len().cast(pl.Int32).alias("releases"),
        pl.col("ratio").median().alias("completeness_median"),
        pl.col("ratio").sort().alias("sorted"),
    )
    lags = newest.filter(pl.col("lag") <= MAX_LAG).select(*SERIES, "lag").unique()
    return (
        lags.join(summary, on=[*SERIES, "lag"], how="left")
        .with_columns(
            pl.col("releases").fill_null(0),
            _percentile(0.1).alias("completeness_p10"),
            _percentile(0.9).alias("completeness_p90"),
        )
        .drop("sorted")
        .sort(*SERIES, "lag")
    )


def nowcast(figures: pl.DataFrame) -> pl.DataFrame:
    """The newest release's figures, divided by the completeness of their lag.

    figures: as for revision_profile. Returns jurisdiction_id, indicator_id, month_ending, release, lag, reported
    (deaths), nowcast = reported / median completeness, lower = reported / p90, upper = reported / p10 (deaths in
    twelve months, an 80 % band), releases, no_estimate_reason: not_reported (no figure in the newest release) or
    too_few_vintages (fewer than MIN_RELEASES releases to learn from).
    """
    newest = figures.filter(pl.col("release") == pl.col("release").max().over(SERIES))
    enough = pl.col("releases") >= MIN_RELEASES
    told = newest.filter(pl.col("lag") <= MAX_LAG).join(revision_profile(figures), on=[*SERIES, "lag"], how="left")
    estimates = {"nowcast": "completeness_median", "lower": "completeness_p90", "upper": "completeness_p10"}
    return told.select(
        *SERIES,
        "month_ending",
        "release",
        "lag",
        pl.col("value").alias("reported"),
        *(pl.when(enough).then(pl.col("value") / pl.col(c)).alias(name) for name, c in estimates.items()),
        "releases",
        pl.when(pl.col("value").is_null())
        .then(pl.lit("not_reported"))
        .when(~enough)
        .then(pl.lit("too_few_vintages"))
        .alias("no_estimate_reason"),
    ).sort(*SERIES, "month_ending")


def _distinct(figures: pl.DataFrame) -> pl.DataFrame:
    """Figures without releases that say what an earlier one said about the series."""
    content = (
        figures.sort("month_ending")
        .group_by(*SERIES, "release", maintain_order=True)
        .agg(pl.struct("month_ending", "value").implode().hash().first().alias("content"))
        .sort("release")
        .unique([*SERIES, "content"], keep="first", maintain_order=True)
    )
    return figures.join(content.select(*SERIES, "release"), on=[*SERIES, "release"], how="semi")


def _percentile(share: float) -> pl.Expr:
    """The value at position share (n + 1) of the sorted ratios, between neighbours, within the extremes."""
    position = (share * (pl.col("releases") + 1)).clip(1, pl.col("releases"))
    below = position.floor()
    low = pl.col("sorted").list.get(below.cast(pl.Int64) - 1, null_on_oob=True)
    high = pl.col("sorted").list.get(position.ceil().cast(pl.Int64) - 1, null_on_oob=True)
    return low + (position - below) * (high - low)
