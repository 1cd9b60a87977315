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

    parts: list[pl.DataFrame] = []
    for _, group in series.sort(*by, "month").group_by(by, maintain_order=True):
        if group.height < MIN_MONTHS or (group["value"] > 0).sum() < MIN_ACTIVE_SHARE * group.height:
            continue
        months = group["month"]
        if months.n_unique() != (months[-1].year - months[0].year) * 12 + months[-1].month - months[0].month + 1:
            continue
        per_day = (group["value"] / group["month"].dt.month_end().dt.day()).to_numpy()
        fit = STL(np.log1p(per_day), period=PERIOD, robust=True).fit()
        parts.append(
            group.select("month", *by).with_columns(
                pl.Series("seasonal", fit.seasonal),
                pl.Series("trend", fit.trend),
                pl.lit(strength(fit.seasonal, fit.resid)).alias("seasonal_strength"),
            )
        )
    schema = {c: series.schema[c] for c in ["month", *by]}
    floats = dict.fromkeys(("seasonal", "trend", "seasonal_strength"), pl.Float64)
    return pl.concat(parts) if parts else pl.DataFrame(schema={**schema, **floats})
