"""Rates of rare events and their limits."""

from __future__ import annotations

import polars as pl


def poisson_limits(count: int, level: float = 0.95) -> tuple[float, float]:
    """Exact limits of a Poisson count, in counts.

    lower = chi2(alpha/2, 2 D) / 2, upper = chi2(1 - alpha/2, 2 D + 2) / 2; lower is 0 for D = 0.
    Source: F. Garwood, Fiducial limits for the Poisson distribution, Biometrika 28 (1936); used by NCHS
    for counts below 100. Raises ValueError for a negative count.
    """
    from scipy.special import gammaincinv

    if count < 0:
        raise ValueError(f"a count cannot be negative: {count}")
    alpha = 1 - level
    # Half a chi-square quantile with 2 k degrees is the quantile of a gamma of shape k.
    lower = gammaincinv(count, alpha / 2) if count else 0.0
    return float(lower), float(gammaincinv(count + 1, 1 - alpha / 2))


def poisson_limits_table(largest: int) -> pl.DataFrame:
    """Limits of every count from 0 to largest: deaths (BIGINT), lower, upper (deaths)."""
    limits = [poisson_limits(count) for count in range(largest + 1)]
    return pl.DataFrame(
        {"deaths": range(largest + 1), "lower": [a for a, _ in limits], "upper": [b for _, b in limits]},
        schema={"deaths": pl.Int64, "lower": pl.Float64, "upper": pl.Float64},
    )
