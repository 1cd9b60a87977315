"""The best joinpoints of a series: every choice is tried, or excluded by a proof that it cannot be the best.

What belongs here: the search for the continuous broken line with the least sum of squares, for each number of joints.
What does not: which number is chosen, slopes and limits (joinpoint).

A broken line is built from left to right. Of a beginning that ends at month t, only its least sum of squares as a
function of its value v there matters: a parabola. A beginning is given up in three cases, none of which loses the best
line by more than rounding:

- its sum and that of the best rest, even of one that need not meet it, are no less than a line already known (branch
  and bound);
- nor are the sums of what lies before, on and after its next segment, even where these need not meet;
- at every v some other beginning with as many joints costs no more (dynamic programming with functional pruning).

The line already known comes from the same search among every second of these months, and so on: coarse to fine.
Source of the parabolas: P. Fearnhead, R. Maidstone, A. Letchford, Detecting changes in slope with an L0 penalty,
Journal of Computational and Graphical Statistics 28 (2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.intp]]

_COARSEST = 30
"""Candidate months at the most in the first, coarsest search."""

_ROUNDING = 1e-12
"""Sums of squares nearer than this share of the straight line's are equal."""

_NOTHING = 1e-20
"""Squared error a month that is rounding alone."""

_AT_ONCE = 500_000
"""Pairs of a beginning and a next joint that are looked at together, for the sake of memory."""

_HALVINGS = 20
_PARTS = 4
"""Where parabolas lie on one another, halving tells nothing: parts a parabola, at which it is given up."""


def search(logs: Floats, most: int, gap: int) -> dict[int, tuple[int, ...]]:
    """Joints of the best continuous broken line with k joints, for each k from 1 to most that the series has room for.

    logs: one value a month. Joints are positions in it, at least gap from each other and from both ends; gap is at
    least 2. No other choice has a sum of squares that is lower by more than 1e-12 of that of the straight line.
    Cost: at most the square of the months times the parabolas that stay, a handful in noise, some tens in a walk.
    """
    months = np.arange(len(logs), dtype=float)
    rest = logs - np.polyval(np.polyfit(months, logs, 1), months)
    straight = float(rest @ rest)
    slack = max(_ROUNDING * straight, _NOTHING * len(rest))
    inner = np.arange(gap, len(logs) - gap)
    step = 1 << max(0, math.ceil(math.log2(max(1, len(inner)) / _COARSEST)))
    # Joints never make a line worse than the straight one; a little more lets one in that is not better either.
    found: dict[int, tuple[float, tuple[int, ...]]] = dict.fromkeys(range(1, most + 1), (straight + 2 * slack, ()))
    while step:
        grid = _grid(rest, inner[::step], gap, most)
        for k in found:
            found[k] = _improved(grid, k, *found[k], slack)
        step //= 2
    return {k: joints for k, (_, joints) in found.items() if joints}


@dataclass(frozen=True)
class _Grid:
    """What is known of all segments between candidate months.

    nodes: months where a segment may begin and end: 0, the candidates, and the month after the last one.
    terms: of the segment from node i to node j (i included, j not) with value u at i and v at j, the sum of squares is
    terms[0] u^2 + 2 terms[1] u v + terms[2] v^2 - 2 terms[3] u - 2 terms[4] v + terms[5]; each is nodes by nodes.
    alone: sum of squares of a line of its own from i to j, infinite where they are too near.
    first: parabolas of the segment from month 0 to each node.
    before[r]: of the months before a node, with r joints among them, a sum that no broken line is below; after[r]: of
    the months from a node on. With r = 1 it is the best broken line itself; with more, its segments need not meet.
    """

    nodes: Places
    terms: Floats
    alone: Floats
    first: Floats
    before: list[Floats]
    after: list[Floats]


def _grid(values: Floats, candidates: Places, gap: int, most: int) -> _Grid:
    at = np.arange(len(values))
    sums, moments, squares = (np.concatenate([[0.0], np.cumsum(x)]) for x in (values, values * at, values * values))
    nodes = np.concatenate([[0], candidates, [len(values)]])
    start, end = nodes[:, None], nodes[None, :]
    is_far = end - start >= gap
    n = np.where(is_far, end - start, gap).astype(float)
    total = sums[end] - sums[start]
    to_end = (moments[end] - moments[start] - start * total) / n
    quadratic = [(n + 1) * (2 * n + 1) / (6 * n), (n * n - 1) / (6 * n), (n - 1) * (2 * n - 1) / (6 * n)]
    terms = np.stack([*quadratic, total - to_end, to_end, squares[end] - squares[start]])
    lines = _lengthened(np.zeros(3), terms)
    alone = np.where(is_far, _least(lines), math.inf)
    first = lines[:, 0, :]
    left = np.where(is_far, _least(_lengthened(first[:, :, None], terms)), math.inf)
    right = np.where(is_far, _least(_lengthened(lines, terms[:, None, :, -1])), math.inf)
    before, after = [alone[0], left[1:].min(axis=0)], [alone[:, -1], right[:, :-1].min(axis=1)]
    for _ in range(2, most):
        before.append((before[-1][:, None] + alone)[1:].min(axis=0))
        after.append((alone + after[-1][None, :])[:, :-1].min(axis=1))
    return _Grid(nodes, terms, alone, first, before, after)


def _lengthened(parabolas: Floats, terms: Floats) -> Floats:
    """Beginnings with one more segment: their least sum of squares by the value at its end.

    A parabola (a, b, c) is a v^2 - 2 b v + c. The value at the joint is eliminated.
    """
    a, b = parabolas[0] + terms[0], parabolas[1] + terms[3]
    return np.stack(
        [
            terms[2] - terms[1] * terms[1] / a,
            terms[4] - terms[1] * b / a,
            parabolas[2] + terms[5] - b * b / a,
        ]
    )


def _least(parabolas: Floats) -> Any:
    a, b, c = parabolas
    return c - b * b / a


def _improved(
    grid: _Grid, k: int, known: float, joints: tuple[int, ...], slack: float
) -> tuple[float, tuple[int, ...]]:
    """Sum of squares and joints of the best line with k joints, or what is known where none is better."""
    at = np.arange(1, len(grid.nodes) - 1)
    paths, parabolas = at[:, None], grid.first[:, at]
    for done in range(1, k + 1):
        left = known - slack - grid.after[k - done]
        keep = _least(parabolas) < left[at]
        at, paths, parabolas = at[keep], paths[keep], parabolas[:, keep]
        if done == k:
            break
        keep = _undominated(at, parabolas, left)
        at, paths, parabolas = at[keep], paths[keep], parabolas[:, keep]
        row, at, parabolas = _branched(grid, at, parabolas, done, known - slack - grid.after[k - done - 1])
        paths = np.column_stack([paths[row], at])
    if not len(at):
        return known, joints
    sums = _least(_lengthened(parabolas, grid.terms[:, at, -1]))
    top = int(np.argmin(sums))
    if not sums[top] < known - slack:
        return known, joints
    return float(sums[top]), tuple(map(int, grid.nodes[paths[top]]))


def _branched(grid: _Grid, at: Places, parabolas: Floats, done: int, left: Floats) -> tuple[Places, Places, Floats]:
    """Each beginning with each next joint that may be on the best line: which beginning, the joint, the parabola.

    left: what the months before a node may cost for the line to be better than what is known.
    """
    is_open = grid.before[done - 1][:, None] + grid.alone < left[None, :]
    is_open[:, -1] = False
    parts = []
    size = max(1, _AT_ONCE // len(grid.nodes))
    for start in range(0, max(1, len(at)), size):
        row, to = np.nonzero(is_open[at[start : start + size]])
        row += start
        longer = _lengthened(parabolas[:, row], grid.terms[:, at[row], to])
        keep = _least(longer) < left[to]
        parts.append((row[keep], to[keep], longer[:, keep]))
    rows, nodes, found = zip(*parts, strict=True)
    return np.concatenate(rows), np.concatenate(nodes), np.concatenate(found, axis=1)


def _undominated(at: Places, parabolas: Floats, left: Floats) -> Any:
    """Which parabolas are the lowest of their node for some value, below what is left there; rather more than fewer.

    The values of a node where any of its parabolas is low enough are an interval, which is halved again and again. In a
    part of it a parabola is excluded whose lowest point there is above the highest point of another.
    """
    a, b, c = parabolas
    middle = b / a
    room = left[at]
    reach = np.sqrt(np.maximum(0.0, room - (c - b * middle)) / a)
    low, high = np.full(len(left), math.inf), np.full(len(left), -math.inf)
    np.minimum.at(low, at, middle - reach)
    np.maximum.at(high, at, middle + reach)
    which, part, low, high = np.arange(len(at)), at, low[at], high[at]
    keep = np.zeros(len(at), dtype=bool)
    for _ in range(_HALVINGS):
        half = (low + high) / 2
        low, high = np.concatenate([low, half]), np.concatenate([half, high])
        which, part = np.concatenate([which, which]), np.concatenate([2 * part, 2 * part + 1])
        height = _heights(parabolas[:, which])
        top = np.full(int(part.max(initial=0)) + 1, math.inf)
        np.minimum.at(top, part, np.maximum(height(low), height(high)))
        is_open = height(np.clip(middle[which], low, high)) <= np.minimum(top[part], room[which])
        count = np.bincount(part[is_open], minlength=len(top))
        keep[which[is_open & (count[part] == 1)]] = True
        # Parts are numbered anew, those with one parabola left out: they are settled.
        is_open &= count[part] > 1
        number = np.cumsum(count > 1) - 1
        which, part, low, high = which[is_open], number[part[is_open]], low[is_open], high[is_open]
        if not len(which) or len(which) > _PARTS * len(at):
            break
    keep[which] = True
    return keep


def _heights(parabolas: Floats) -> Any:
    a, b, c = parabolas
    return lambda value: (a * value - 2 * b) * value + c
