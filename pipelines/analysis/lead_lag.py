"""Whether one monthly series runs ahead of another, and whether that survives when shared trends are taken out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

Floats = np.ndarray[Any, np.dtype[np.float64]]

LAGS = range(-9, 10)
MAX_ORDER = 12
MIN_MONTHS = 36
FORMS = ("levels", "differences", "prewhitened")
SCHEMA: dict[str, Any] = {
    "lag": pl.Int32,
    **{
        f"{form}{suffix}": kind
        for form in FORMS
        for suffix, kind in (("", pl.Float64), ("_pairs", pl.Int32), ("_limit", pl.Float64))
    },
}


def lead_lag(seizures: pl.DataFrame, deaths: pl.DataFrame, lags: range = LAGS) -> pl.DataFrame:
    """Correlations by lag over the months that both series have.

    seizures: month (DATE), seizures; deaths: month (DATE), deaths. Returns the columns of correlations, first_month,
    last_month, months (that both have) and no_estimate_reason, with every correlation null: no_final_series_yet (no
    deaths at all), too_few_months (fewer than MIN_MONTHS, or a hole among them) or zero_value (the logarithm of 0 does
    not exist).
    """
    both = seizures.join(deaths, on="month").drop_nulls().sort("month")
    months = both["month"]
    span = {
        "first_month": pl.lit(months.min(), pl.Date),
        "last_month": pl.lit(months.max(), pl.Date),
        "months": pl.lit(both.height, pl.Int32),
    }
    x, y = both["seizures"].to_numpy().astype(float), both["deaths"].to_numpy().astype(float)
    if reason := _refusal(both) if deaths.height else "no_final_series_yet":
        nothing = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name != "lag"]
        found = pl.DataFrame({"lag": list(lags)}, schema={"lag": pl.Int32}).with_columns(nothing)
    else:
        found = correlations(x, y, lags)
    return found.with_columns(**span, no_estimate_reason=pl.lit(reason, pl.String))


def correlations(seizures: Floats, deaths: Floats, lags: range = LAGS) -> pl.DataFrame:
    """Correlation of deaths in month t with seizures in month t + lag: positive lag, deaths first.

    seizures, deaths: one value a month, the same months, without holes, above 0; their logarithms are compared.
    Returns lag and, for each of levels, differences (of neighbouring months) and prewhitened (what an autoregression
    of each series' own differences leaves), <form> (Pearson, overlapping pairs), <form>_pairs (their number) and
    <form>_limit, 1.96 / sqrt(months of the form): outside +-limit is one in twenty by chance for series without
    memory. Levels have memory, so their limit is far too narrow.
    Source: L. D. Haugh, Checking the independence of two covariance-stationary time series, Journal of the American
    Statistical Association 71 (1976).
    """
    x, y = np.log(seizures), np.log(deaths)
    dx, dy = np.diff(x), np.diff(y)
    rx, ry = _residuals(dx), _residuals(dy)
    shared = min(len(rx), len(ry))
    pairs = {"levels": (x, y), "differences": (dx, dy), "prewhitened": (rx[-shared:], ry[-shared:])}
    columns: dict[str, list[Any]] = {"lag": list(lags)}
    for form, (ahead, behind) in pairs.items():
        found = [_correlation(ahead, behind, lag) for lag in lags]
        columns[form] = [r for r, _ in found]
        columns[f"{form}_pairs"] = [n for _, n in found]
        columns[f"{form}_limit"] = [1.96 / math.sqrt(len(ahead))] * len(found)
    return pl.DataFrame(columns, schema=SCHEMA)


def _refusal(both: pl.DataFrame) -> str | None:
    months = both["month"]
    if both.height < MIN_MONTHS:
        return "too_few_months"
    if (months[-1].year - months[0].year) * 12 + months[-1].month - months[0].month + 1 != both.height:
        return "too_few_months"
    return None if both.select((pl.col("seizures", "deaths") > 0).all()).row(0) == (True, True) else "zero_value"


def _residuals(values: Floats) -> Floats:
    """What an autoregression leaves of a series, its order chosen by BIC."""
    from statsmodels.tsa.ar_model import AutoReg, ar_select_order

    if np.ptp(values) < 1e-12:
        return np.zeros_like(values)
    order = ar_select_order(values, MAX_ORDER, ic="bic").ar_lags
    return np.asarray(AutoReg(values, order or 0).fit().resid)


def _correlation(x: Floats, y: Floats, lag: int) -> tuple[float | None, int]:
    """Pearson's r of y(t) and x(t + lag); None where a series does not vary."""
    ahead = x[max(0, lag) : len(x) + min(0, lag)]
    behind = y[max(0, -lag) : len(y) - max(0, lag)]
    if np.ptp(ahead) < 1e-12 or np.ptp(behind) < 1e-12:
        return None, len(ahead)
    return float(np.corrcoef(ahead, behind)[0, 1]), len(ahead)
