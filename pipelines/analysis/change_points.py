"""Change points of many monthly series, by two methods that know nothing of each other.

What belongs here: from a frame of series to rows of joinpoints, each with the opinion of PELT. What does not: the
joinpoint model itself (joinpoint).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pipelines.analysis.joinpoint import GAP, Floats, Joinpoints, best, fit_joinpoints

MIN_MONTHS = 36
NEAR = 2
"""Months within which two methods name the same change."""

PELT_COST = "linear"
PELT = f"pelt_{PELT_COST}"

SCHEMA: dict[str, Any] = {
    "series_id": pl.String,
    "k_max": pl.Int32,
    "joinpoint": pl.Int32,
    "k": pl.Int32,
    "month": pl.Date,
    "apc_before": pl.Float64,
    "apc_before_lower": pl.Float64,
    "apc_before_upper": pl.Float64,
    "apc_after": pl.Float64,
    "apc_after_lower": pl.Float64,
    "apc_after_upper": pl.Float64,
    "bic": pl.Float64,
    "residual_lag1": pl.Float64,
    "confirmed_by": pl.List(pl.String),
    "is_at_spacing_limit": pl.Boolean,
    "pelt_cost": pl.String,
    "pelt_penalty": pl.Float64,
    "first_month": pl.Date,
    "last_month": pl.Date,
    "months": pl.Int32,
    "no_estimate_reason": pl.String,
}


def parts(series: pl.DataFrame) -> dict[str, tuple[pl.DataFrame, tuple[int, ...]]]:
    """The series in two parts by name, each with the k_max that change_points is asked for.

    A hundred series of states are short and noisy: a fourth joinpoint says the least there.
    """
    is_state = pl.col("series_id").str.starts_with("deaths/US-")
    return {"nation_and_border": (series.filter(~is_state), (3, 4)), "states": (series.filter(is_state), (3,))}


def change_points(series: pl.DataFrame, k_max: tuple[int, ...] = (3, 4)) -> pl.DataFrame:
    """Joinpoints of each series, by BIC among at most k_max of them, once for each k_max.

    series: series_id, month (DATE), value (null where no figure is published), is_break_affected (True in a month that
    is known to be incomplete for good). A series is read from its last hole on; one row without a month stands for a
    series that has none.
    Returns the columns of SCHEMA: one row a joinpoint, numbered from 1, with the annual percent change of the segment
    before and after it (95 % limits by least squares at fixed joinpoints); or one row numbered 0 with a
    no_estimate_reason: no_joinpoint (BIC prefers a straight line, whose change is apc_before), too_few_months (fewer
    than MIN_MONTHS without a hole), zero_value (the logarithm of 0 does not exist; nothing is added to make it exist),
    series_break (a month that is_break_affected is among them: a fall into it is no change in the world),
    no_final_series_yet (no month at all).
    confirmed_by: the other method, where it finds a change within NEAR months. is_at_spacing_limit: the joinpoint
    stands exactly GAP months from its neighbour or from an end of the series, where the search had to stop.
    """
    rows: list[dict[str, Any]] = []
    for (series_id,), group in series.sort("series_id", "month").group_by("series_id", maintain_order=True):
        months, values, is_broken = _last_run(group)
        shared = {"series_id": series_id, "months": len(months), "pelt_cost": PELT_COST}
        if months:
            shared |= {"first_month": months[0], "last_month": months[-1]}
        reason = _refusal(values, is_broken) if group["month"].count() else "no_final_series_yet"
        if reason:
            rows += [{**shared, "k_max": most, "joinpoint": 0, "no_estimate_reason": reason} for most in k_max]
            continue
        penalty, breaks = pelt(values)
        fits = fit_joinpoints(values, max(k_max))
        for most in k_max:
            chosen = best(fits, most)
            told = {**shared, "k_max": most, "k": chosen.k, "bic": chosen.bic, "residual_lag1": chosen.lag1}
            rows += [{**told, "pelt_penalty": penalty, **row} for row in _rows(chosen, months, breaks)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def pelt(counts: Floats) -> tuple[float, list[int]]:
    """Penalty and change points (positions from 0) of ln(count) by PELT, each segment a line of its own.

    The cost of a segment is the squared error of a straight line in time (ruptures, model linear), which need not meet
    its neighbours. Penalty of a change: 3 s^2 ln n, for its place, level and slope (BIC), with s^2 the half variance of
    month-to-month changes. A series without any variation of these has no change point.
    Source: R. Killick, P. Fearnhead, I. A. Eckley, Optimal detection of changepoints with a linear computational cost,
    Journal of the American Statistical Association 107 (2012).
    """
    from ruptures import Pelt

    logs = np.log(counts)
    penalty = 3 * float(np.var(np.diff(logs))) / 2 * float(np.log(len(logs)))
    if penalty < 1e-12:
        return penalty, []
    return penalty, Pelt(custom_cost=_line_cost(), min_size=GAP, jump=1).fit(logs).predict(pen=penalty)[:-1]


def _line_cost() -> Any:
    """The cost named linear in ruptures, from running sums: its own solves a regression for each segment."""
    from ruptures.base import BaseCost

    class Line(BaseCost):  # type: ignore[misc]
        model = PELT_COST
        min_size = GAP

        def fit(self, signal: Floats) -> Line:
            self.signal = signal
            y = signal.ravel() - signal.mean()
            t = np.arange(len(y), dtype=float) - (len(y) - 1) / 2
            products = np.column_stack([np.ones_like(t), t, y, t * t, t * y, y * y])
            # Plain numbers: a segment is looked at so often that an array of six would cost more than its sums.
            self.sums = np.vstack([np.zeros(6), np.cumsum(products, axis=0)]).tolist()
            return self

        def error(self, start: int, end: int) -> float:
            n, t, y, tt, ty, yy = (b - a for a, b in zip(self.sums[start], self.sums[end], strict=True))
            slope_part = (ty - t * y / n) ** 2 / (tt - t * t / n)
            return float(max(0.0, yy - y * y / n - slope_part))

    return Line()


def _last_run(group: pl.DataFrame) -> tuple[list[date], Floats, bool]:
    """Months and values after the last hole, up to the last published month, and whether a break is among them."""
    there = group.drop_nulls("value")
    months: list[date] = there["month"].to_list()
    numbers = there.select(pl.col("month").dt.year().cast(pl.Int32) * 12 + pl.col("month").dt.month()).to_series()
    holes = np.flatnonzero(np.diff(numbers.to_numpy()) != 1)
    start = int(holes[-1]) + 1 if len(holes) else 0
    values = there["value"].to_numpy()[start:].astype(float)
    return months[start:], values, bool(there["is_break_affected"][start:].any())


def _refusal(values: Floats, is_broken: bool) -> str | None:
    if len(values) < MIN_MONTHS:
        return "too_few_months"
    if is_broken:
        return "series_break"
    return None if np.all(values > 0) else "zero_value"


def _rows(fit: Joinpoints, months: list[date], breaks: list[int]) -> Iterator[dict[str, Any]]:
    if fit.k == 0:
        yield {"joinpoint": 0, "no_estimate_reason": "no_joinpoint", **_segment(fit, 0, "before")}
    edges = [0, *fit.joints, len(months) - 1]
    for number, joint in enumerate(fit.joints):
        nearest = min(joint - edges[number], edges[number + 2] - joint)
        yield {
            "joinpoint": number + 1,
            "month": months[joint],
            "confirmed_by": [PELT] if any(abs(b - joint) <= NEAR for b in breaks) else [],
            "is_at_spacing_limit": nearest == GAP,
            **_segment(fit, number, "before"),
            **_segment(fit, number + 1, "after"),
        }


def _segment(fit: Joinpoints, number: int, side: str) -> dict[str, float]:
    return {
        f"apc_{side}": fit.apc[number],
        f"apc_{side}_lower": fit.apc_lower[number],
        f"apc_{side}_upper": fit.apc_upper[number],
    }
