"""Joinpoint regression: where the yearly rate of change of a monthly count changes.

What belongs here: the segmented log-linear model and its limits, on one series without holes. What does not: the
search for its joints (joinpoint_search), which series are asked and other methods of finding a change (change_points).
Source: H.-J. Kim, M. P. Fay, E. J. Feuer, D. N. Midthune, Permutation tests for joinpoint regression with applications
to cancer rates, Statistics in Medicine 19 (2000), with BIC in place of the permutation tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.analysis.joinpoint_search import search

Floats = np.ndarray[Any, np.dtype[np.float64]]

GAP = 6
"""Months between two joinpoints, and between a joinpoint and an end of the series, at the least."""


@dataclass(frozen=True)
class Joinpoints:
    """A fitted model with k joinpoints.

    joints: positions in the series, from 0. apc, apc_lower, apc_upper: annual percent change of each of the k + 1
    segments, 100 (exp(12 b) - 1) with b the slope of ln(count) a month. sse: of ln(count). lag1: correlation of
    neighbouring residuals; the limits assume that it is 0 and are too narrow where it is above.
    """

    joints: tuple[int, ...]
    apc: tuple[float, ...]
    apc_lower: tuple[float, ...]
    apc_upper: tuple[float, ...]
    sse: float
    bic: float
    lag1: float

    @property
    def k(self) -> int:
        """Number of joinpoints."""
        return len(self.joints)


def fit_joinpoints(counts: Floats, most: int) -> list[Joinpoints]:
    """The best model for each number of joinpoints from 0 to most, as far as the series is long enough.

    counts: one value above 0 a month, without holes. The model is ln(count) = a + b t + sum of c_j max(0, t - t_j),
    unweighted and continuous, with t_j on observed months, at least GAP months apart and from each end. No other
    choice of as many joinpoints has a lower sum of squares, however long the series (joinpoint_search).

    BIC = n ln(SSE / n) + (2 k + 2) ln n. Raises ValueError for a value that is not above 0 (its logarithm does not
    exist) and for a series too short for a straight line with limits.
    """
    if not np.all(counts > 0):
        raise ValueError("a joinpoint model needs counts above 0: the logarithm of 0 does not exist")
    if len(counts) <= 2 * GAP:
        raise ValueError(f"a joinpoint model needs more than {2 * GAP} months, not {len(counts)}")
    logs = np.log(counts)
    # Two coefficients a joinpoint are estimated, and the limits need a degree of freedom.
    most = min(most, (len(logs) - 3) // 2)
    return [_fit(logs, ()), *(_fit(logs, joints) for joints in search(logs, most, GAP).values())]


def best(fits: list[Joinpoints], most: int) -> Joinpoints:
    """The model with the lowest BIC among those with at most `most` joinpoints; of equal ones the simplest."""
    return min((f for f in fits if f.k <= most), key=lambda f: (f.bic, f.k))


def _fit(logs: Floats, joints: tuple[int, ...]) -> Joinpoints:
    """Least squares at fixed joints: slopes and t limits.

    Residual variance and t quantile both have n - 2 k - 2 degrees of freedom: the joints were estimated too.
    """
    from scipy.special import stdtrit

    n, k = len(logs), len(joints)
    months = np.arange(n, dtype=float)
    columns = [np.ones(n), months, *(np.maximum(0.0, months - j) for j in joints)]
    design = np.column_stack(columns)
    inverse = np.linalg.inv(design.T @ design)
    coefficients, *_ = np.linalg.lstsq(design, logs, rcond=None)
    residuals = logs - design @ coefficients
    # The residuals of an exact line are rounding; a floor keeps its BIC a number.
    sse = max(float(residuals @ residuals), n * 1e-20)
    freedom = n - 2 * k - 2
    # A segment's slope is the first slope and every bend up to it.
    sums = np.hstack([np.zeros((k + 1, 1)), np.tri(k + 1)])
    slopes = sums @ coefficients
    errors = np.sqrt(np.einsum("ij,jk,ik->i", sums, inverse, sums) * sse / freedom)
    reach = float(stdtrit(freedom, 0.975)) * errors
    apc, lower, upper = (tuple(map(float, 100 * np.expm1(12 * b))) for b in (slopes, slopes - reach, slopes + reach))
    return Joinpoints(
        joints, apc, lower, upper, sse, n * math.log(sse / n) + (2 * k + 2) * math.log(n), _lag1(residuals)
    )


def _lag1(residuals: Floats) -> float:
    centred = residuals - residuals.mean()
    total = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / total if total > len(centred) * 1e-20 else 0.0
