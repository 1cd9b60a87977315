"""Joinpoint regression: where the yearly rate of change of a monthly count changes.

What belongs here: the segmented log-linear model, its search and its limits, on one series without holes. What does
not: which series are asked (change_points), other methods of finding a change (change_points).
Source: H.-J. Kim, M. P. Fay, E. J. Feuer, D. N. Midthune, Permutation tests for joinpoint regression with applications
to cancer rates, Statistics in Medicine 19 (2000), with BIC in place of the permutation tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

GAP = 6
"""Months between two joinpoints, and between a joinpoint and an end of the series, at the least."""

_SITES = {1: 2000, 2: 400, 3: 200}
_SITES_OF_MORE = 40
"""Candidate months up to which every model is tried at once, by number of joinpoints: its cost grows with a power."""

_STARTS = 6


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


def fit_joinpoints(counts: Floats, most: int, step: int | None = None) -> list[Joinpoints]:
    """The best model for each number of joinpoints from 0 to most, as far as the series is long enough.

    counts: one value above 0 a month, without holes. The model is ln(count) = a + b t + sum of c_j max(0, t - t_j),
    unweighted and continuous, with t_j on observed months, at least GAP months apart and from each end.
    step: months between the candidates of the first, coarse search; 1 tries every model, None does so where the
    series is short enough for it.

    BIC = n ln(SSE / n) + (2 k + 2) ln n. Raises ValueError for a value that is not above 0 (its logarithm does not
    exist) and for a series too short for a straight line with limits.
    """
    if not np.all(counts > 0):
        raise ValueError("a joinpoint model needs counts above 0: the logarithm of 0 does not exist")
    if len(counts) <= 2 * GAP:
        raise ValueError(f"a joinpoint model needs more than {2 * GAP} months, not {len(counts)}")
    logs = np.log(counts)
    gram, target = _hinges(logs)
    fits = [_fit(logs, ())]
    for k in range(1, most + 1):
        sites = _SITES.get(k, _SITES_OF_MORE)
        joints = _search(gram, target, k, step or math.ceil((len(logs) - 2 * GAP) / sites))
        # Two coefficients a joinpoint are estimated, and the limits need a degree of freedom.
        if joints is None or len(logs) - 2 * k - 2 < 1:
            break
        fits.append(_fit(logs, joints))
    return fits


def best(fits: list[Joinpoints], most: int) -> Joinpoints:
    """The model with the lowest BIC among those with at most `most` joinpoints; of equal ones the simplest."""
    return min((f for f in fits if f.k <= most), key=lambda f: (f.bic, f.k))


def _hinges(logs: Floats) -> tuple[Floats, Floats]:
    """Inner products of all hinges max(0, t - t_j), and with the series, after the straight line is taken out.

    What a set of hinges takes off the sum of squares is then target' gram^-1 target over the set.
    """
    months = np.arange(len(logs), dtype=float)
    line, _ = np.linalg.qr(np.column_stack([np.ones_like(months), months]))
    hinges = np.maximum(0.0, months[:, None] - months[None, :])
    rest = hinges - line @ (line.T @ hinges)
    return rest.T @ rest, rest.T @ (logs - line @ (line.T @ logs))


def _search(gram: Floats, target: Floats, k: int, step: int) -> tuple[int, ...] | None:
    """Joints of the best model with k hinges: a coarse grid first, then every month around its best models."""
    everywhere = np.arange(GAP, len(target) - GAP)
    coarse = _ranked(gram, target, everywhere[::step], k)
    if not coarse:
        return _top(_ranked(gram, target, everywhere, k))
    if step == 1:
        return _top(coarse)
    found = [_refined(gram, target, joints, step) for _, joints in sorted(coarse, reverse=True)[:_STARTS]]
    return max(found)[1]


def _refined(gram: Floats, target: Floats, joints: tuple[int, ...], step: int) -> tuple[float, tuple[int, ...]]:
    """The best model around a given one, until it no longer moves."""
    gain = -math.inf
    while True:
        around = np.unique(np.add.outer(joints, np.arange(-step, step + 1)))
        around = around[(around >= GAP) & (around < len(target) - GAP)]
        better, moved = max(_ranked(gram, target, around, len(joints)))
        if better <= gain * (1 + 1e-12):
            return gain, joints
        gain, joints = better, moved


def _top(ranked: list[tuple[float, tuple[int, ...]]]) -> tuple[int, ...] | None:
    return max(ranked)[1] if ranked else None


def _ranked(gram: Floats, target: Floats, sites: Any, k: int) -> list[tuple[float, tuple[int, ...]]]:
    """What models take off the sum of squares: for each choice of all joints but the last two, the best last two.

    sites: candidate months, ascending. An earlier joint is projected out of all later hinges, and the last two are
    solved in closed form over all pairs at once.
    """
    small, aim = gram[np.ix_(sites, sites)], target[sites]
    return _branch(small, aim, np.asarray(sites), k, 0.0)


def _branch(gram: Floats, target: Floats, sites: Any, k: int, gained: float) -> list[tuple[float, tuple[int, ...]]]:
    if len(sites) < k:
        return []
    scale = np.maximum(np.diagonal(gram), 1e-12)
    if k == 1:
        gains = target**2 / scale
        at = int(np.argmax(gains))
        return [(gained + float(gains[at]), (int(sites[at]),))]
    if k == 2:
        return _pair(gram, target, sites, gained)
    found: list[tuple[float, tuple[int, ...]]] = []
    for at in range(len(sites) - k + 1):
        later = int(np.searchsorted(sites, sites[at] + GAP))
        if later >= len(sites):
            break
        unit = gram[later:, at] / math.sqrt(scale[at])
        own = target[at] / math.sqrt(scale[at])
        rest = gram[later:, later:] - unit[:, None] * unit[None, :]
        tails = _branch(rest, target[later:] - unit * own, sites[later:], k - 1, gained + float(own * own))
        found += [(gain, (int(sites[at]), *joints)) for gain, joints in tails]
    return found


def _pair(gram: Floats, target: Floats, sites: Any, gained: float) -> list[tuple[float, tuple[int, ...]]]:
    """The best two of the sites, GAP months apart: the two by two system solved for all pairs at once."""
    scale = np.diagonal(gram)
    determinant = scale[:, None] * scale[None, :] - gram * gram
    squares = target * target
    top = squares[:, None] * scale[None, :]
    top += top.T - 2 * gram * (target[:, None] * target[None, :])
    far = sites[None, :] - sites[:, None] >= GAP
    gains = np.where(far, top / np.where(far, determinant, 1.0), -math.inf)
    at = int(np.argmax(gains))
    first, second = divmod(at, len(sites))
    if not far[first, second]:
        return []
    return [(gained + float(gains[first, second]), (int(sites[first]), int(sites[second])))]


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
