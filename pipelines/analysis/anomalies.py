"""Months that stand out from what came before them, on monthly counts and weights.

What belongs here: expectation, deviation and level of each month of many series. What does not: totals of twelve months
(neighbours share eleven of them, so every surprise would be counted twelve times).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

Floats = np.ndarray[Any, np.dtype[np.float64]]

BASE_MONTHS = 12
SPREAD_MONTHS = 24
FLOOR = 0.1
SPARSE = 5.0
ACTIVE_MONTHS = 27
WATCH, ALERT = 2.0, 3.0
FALSE_SHARE = 0.05
# A deviation over the MAD of 24 values has wider tails than the normal curve: 7.8 % of those of noise lie beyond 2
# and 1.5 % beyond 3, not 4.6 and 0.3 %. A t distribution with 9 degrees of freedom describes them (a test draws them).
DEGREES_OF_FREEDOM = 9


def anomalies(series: pl.DataFrame) -> pl.DataFrame:
    """Expectation of each month from the months before it, and how far the month is from it.

    series: series_id, family (series that are judged together), month (DATE), value (null where missing), is_count.
    Returns series_id, family, month, observed, expected, z, p, p_adjusted, level_by_z, level, method,
    no_estimate_reason.

    method mad: m is the median of x over the BASE_MONTHS before and r(t) = ln((x(t) + c m) / (m + c m)) with
    c = FLOOR, which a zero does not break and a unit does not change; z = (r(t) - median r) / (1.4826 MAD r) over the
    SPREAD_MONTHS before; expected is the value of z = 0; p is two-sided by t with DEGREES_OF_FREEDOM. Counting alone
    scatters a count, however calm its past was: a count is also judged by the exact comparison below with expected in
    the place of the base, and has the smaller deviation and the larger p of the two.
    method poisson, for a count below SPARSE a month in the base: given the sum of the base and the month, the month is
    binomial with one part in BASE_MONTHS + 1 (J. Przyborowski, H. Wilenski, Biometrika 31, 1940); p is twice the
    smaller tail, z the normal deviate of p, expected the mean of the base. Events that come in clusters scatter more:
    month and base are divided by the dispersion before, the largest of 1 (an exact comparison), the variance over the
    mean of the base, and the squared deviations of the SPREAD_MONTHS before from their own bases over what Poisson
    expects of them.
    p_adjusted: Benjamini and Hochberg (1995) over the series of a family in a month. level_by_z: alert (|z| > 3),
    watch (|z| > 2) or none. level allows for chance: alert (|z| > 3 and p_adjusted < 0.05), watch (|z| > 2 and
    p < 0.05 otherwise) or none.
    no_estimate_reason, with neither z nor level: not_reported (the month), too_few_months (before it, without a
    hole), sparse (a weight above 0 in fewer than ACTIVE_MONTHS of the 36 before), no_variation (the months before do
    not vary).
    """
    parts = [_judged(group) for (_,), group in series.sort("series_id").group_by("is_count", maintain_order=True)]
    judged = pl.concat(parts) if parts else _empty()
    return _adjusted(judged).sort("family", "series_id", "month")


def _judged(group: pl.DataFrame) -> pl.DataFrame:
    """All series of a kind at once: a matrix of months by series."""
    from scipy.special import stdtr

    is_count = bool(group["is_count"][0])
    names = group.select("series_id", "family").unique(maintain_order=True).sort("series_id")
    wide = (
        group.pivot("series_id", index="month", values="value")
        .sort("month")
        .upsample("month", every="1mo")
        .select("month", *names["series_id"])
    )
    values = wide.drop("month").to_numpy().astype(float)
    usual = _before(values, BASE_MONTHS, np.median)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log((values + FLOOR * usual) / ((1 + FLOOR) * usual))
        middle = _before(ratio, SPREAD_MONTHS, np.median)
        spread = 1.4826 * _before(ratio, SPREAD_MONTHS, _mad)
        z = np.where(spread > 1e-9, (ratio - middle) / spread, np.nan)
    z = np.where(np.isfinite(z), z, np.nan)
    expected = usual * ((1 + FLOOR) * np.exp(middle) - FLOOR)
    p = 2 * stdtr(DEGREES_OF_FREEDOM, -np.abs(z))
    base = _before(values, BASE_MONTHS, np.mean)
    active = _before((values > 0).astype(float), BASE_MONTHS + SPREAD_MONTHS, np.sum)
    known = ~np.isnan(_before(values, BASE_MONTHS + SPREAD_MONTHS, np.sum))
    reason = np.where(~known, "too_few_months", np.where(np.isnan(z), "no_variation", ""))
    method = np.full(values.shape, "mad", dtype=object)
    if is_count:
        rare = base < SPARSE
        expected = np.where(rare, base, expected)
        counting_z, counting_p = _poisson(values, expected, np.where(rare, _dispersion(values, base), 1.0))
        z = np.where(rare, counting_z, np.copysign(np.minimum(np.abs(counting_z), np.abs(z)), z))
        p = np.where(rare, counting_p, np.maximum(p, counting_p))
        reason, method = np.where(rare, "", reason), np.where(rare, "poisson", method)
    else:
        reason = np.where(known & (active < ACTIVE_MONTHS), "sparse", reason)
    reason = np.where(np.isnan(values), "not_reported", reason)
    shown = reason == ""
    matrix = pl.DataFrame(
        {
            "series_id": np.tile(names["series_id"].to_numpy(), len(values)),
            "family": np.tile(names["family"].to_numpy(), len(values)),
            "month": np.repeat(wide["month"].to_numpy(), names.height),
            "observed": values.ravel(),
            "expected": np.where(shown, expected, np.nan).ravel(),
            "z": np.where(shown, z, np.nan).ravel(),
            "p": np.where(shown, p, np.nan).ravel(),
            "method": method.ravel().tolist(),
            "no_estimate_reason": reason.ravel().tolist(),
        },
        schema_overrides={"method": pl.String, "no_estimate_reason": pl.String, "month": pl.Date},
        nan_to_null=True,
    ).with_columns(
        pl.when(pl.col("no_estimate_reason") == "").then(pl.col("method")),
        pl.when(pl.col("no_estimate_reason") != "").then(pl.col("no_estimate_reason")),
    )
    # The matrix spans the months of all series; only those that were given are answered.
    return matrix.join(group.select("series_id", "month"), on=["series_id", "month"], how="semi")


def _before(values: Floats, months: int, summary: Any) -> Floats:
    """A summary of the months before each one; NaN where they are too few or one is missing."""
    found = np.full(values.shape, np.nan)
    if len(values) > months:
        windows = np.lib.stride_tricks.sliding_window_view(values, months, axis=0)[:-1]
        found[months:] = summary(windows, axis=-1)
    return found


def _mad(windows: Floats, axis: int) -> Floats:
    middle = np.median(windows, axis=axis, keepdims=True)
    return np.asarray(np.median(np.abs(windows - middle), axis=axis))


def _dispersion(values: Floats, base: Floats) -> Floats:
    """How much more than by counting alone the months before scattered around what each of them was to expect."""
    with np.errstate(divide="ignore", invalid="ignore"):
        surprise = _before((values - base) ** 2, SPREAD_MONTHS, np.sum)
        stepwise = surprise / _before(base * (1 + 1 / BASE_MONTHS), SPREAD_MONTHS, np.sum)
        within = BASE_MONTHS / (BASE_MONTHS - 1) * _before(values, BASE_MONTHS, np.var) / base
    return np.fmax(1.0, np.fmax(within, stepwise))


def _poisson(values: Floats, base: Floats, dispersion: Floats) -> tuple[Floats, Floats]:
    """Deviate and two-sided p of a count, given the sum of itself and of BASE_MONTHS of the base."""
    from scipy.special import betainc, ndtri

    fine = ~(np.isnan(values) | np.isnan(base))
    count = np.where(fine, values, 0.0) / dispersion
    others = np.where(fine, BASE_MONTHS * base, 0.0) / dispersion
    # Tails of the binomial as incomplete beta functions, which take the parts of events that a dispersion leaves.
    share = 1 / (BASE_MONTHS + 1)
    low = np.where(others > 0, betainc(np.maximum(others, 1e-9), count + 1, 1 - share), 1.0)
    high = np.where(count > 0, betainc(np.maximum(count, 1e-9), others + 1, share), 1.0)
    p = np.minimum(1.0, 2 * np.minimum(low, high))
    side = np.where(high < low, 1.0, -1.0)
    return np.where(fine, -side * ndtri(p / 2), np.nan), np.where(fine, p, np.nan)


def _adjusted(judged: pl.DataFrame) -> pl.DataFrame:
    """Benjamini and Hochberg within family and month, then the level."""
    together = ["family", "month"]
    tests = pl.col("p").count().over(together)
    rank = pl.col("p").rank("max").over(together)
    stepped = judged.with_columns((pl.col("p") * tests / rank).alias("stepped")).sort("p", descending=True)
    adjusted = pl.col("stepped").cum_min().over(together)
    size = pl.col("z").abs()
    return stepped.with_columns(
        pl.when(pl.col("p").is_not_null()).then(adjusted.clip(pl.col("p"), 1.0)).alias("p_adjusted")
    ).select(
        "series_id",
        "family",
        "month",
        "observed",
        "expected",
        "z",
        "p",
        "p_adjusted",
        pl.when(size > ALERT)
        .then(pl.lit("alert"))
        .when(size > WATCH)
        .then(pl.lit("watch"))
        .when(size.is_not_null())
        .then(pl.lit("none"))
        .alias("level_by_z"),
        pl.when((size > ALERT) & (pl.col("p_adjusted") < FALSE_SHARE))
        .then(pl.lit("alert"))
        .when((size > WATCH) & (pl.col("p") < FALSE_SHARE))
        .then(pl.lit("watch"))
        .when(size.is_not_null())
        .then(pl.lit("none"))
        .alias("level"),
        "method",
        "no_estimate_reason",
    )


def _empty() -> pl.DataFrame:
    floats = dict.fromkeys(("observed", "expected", "z", "p"), pl.Float64)
    texts = dict.fromkeys(("method", "no_estimate_reason"), pl.String)
    return pl.DataFrame(schema={"series_id": pl.String, "family": pl.String, "month": pl.Date, **floats, **texts})
