"""Seasonal decomposition of monthly series."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

PERIOD = 12
MIN_MONTHS = 36
MIN_ACTIVE_SHARE = 0.75


def strength(seasonal: np.ndarray[Any, Any], residual: np.ndarray[Any, Any]) -> float:
    """Strength of seasonality, 0 (none) to 1: max(0, 1 - Var(R) / Var(S + R)).

    Source: R. J. Hyndman, G. Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., section 4.3.
    """
    total = float(np.var(seasonal + residual))
    return 0.0 if total == 0 else max(0.0, 1 - float(np.var(residual)) / total)


def decompose(series: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Robust STL of log(1 + value per day), period 12, of each series.

    series: month (DATE), value, and the columns of by, without holes in a series' months. Returns month,
    by, seasonal, trend (both in log(1 + value per day)) and seasonal_strength. A series shorter than 36
    months, with a hole, or with more than a quarter of its months at zero has no row: there is no season to
    estimate.
    Source: R. B. Cleveland et al., STL, Journal of Official Statistics 6 (1990).
    """
    from statsmodels.tsa.seasonal import STL

    month, value = pl.col("month"), pl.col("value")
    span = (month.max().dt.year() - month.min().dt.year()) * 12 + month.max().dt.month() - month.min().dt.month() + 1
    lengths = (
        series.group_by(by)
        .agg(
            pl.len().alias("months"),
            (month.n_unique() == span).alias("is_whole"),
            ((value > 0).sum() >= MIN_ACTIVE_SHARE * pl.len()).alias("is_active"),
        )
        .filter("is_whole", "is_active", pl.col("months") >= MIN_MONTHS)
        .sort(by)
    )
    rows = series.join(lengths.select(by), on=by, how="semi", nulls_equal=True).sort(*by, "month")
    levels = np.log1p(rows.select(value / month.dt.month_end().dt.day()).to_series().to_numpy())
    seasonal, trend, strengths = np.empty(len(levels)), np.empty(len(levels)), np.empty(len(levels))
    first = 0
    for length in lengths["months"]:
        part = slice(first, first + length)
        fit = STL(levels[part], period=PERIOD, robust=True).fit()
        seasonal[part], trend[part], strengths[part] = fit.seasonal, fit.trend, strength(fit.seasonal, fit.resid)
        first += length
    return rows.select("month", *by).with_columns(
        pl.Series("seasonal", seasonal),
        pl.Series("trend", trend),
        pl.Series("seasonal_strength", strengths),
    )
