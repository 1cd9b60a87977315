"""Draws that are the same on every machine and in every Python version.

What belongs here: numbers from hashed keys, and integer or purely arithmetic functions. What does not:
anything about a source. Python's random, math.exp and the float sum() are avoided on purpose: their last
bits differ between versions (sum() compensates since 3.12) and C libraries; + - * / and sqrt do not.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from itertools import pairwise

SEED = "drugflow sample 1"
_TOP = 1 << 53

Table = dict[float, float]
"""Values at points in time, in years; between them lie straight lines."""


def _digest(key: tuple[object, ...], size: int) -> bytes:
    return hashlib.blake2b("|".join([SEED, *map(str, key)]).encode(), digest_size=size).digest()


def uniform(*key: object) -> float:
    """A number in [0, 1) that depends on the key alone."""
    return (int.from_bytes(_digest(key, 8), "big") >> 11) / _TOP


def between(low: float, high: float, *key: object) -> float:
    """A number in [low, high) that depends on the key alone."""
    return low + (high - low) * uniform(*key)


def normal(*key: object) -> float:
    """About a standard normal number: eight uniforms added, within +-4.9 (Irwin-Hall)."""
    data = _digest(key, 64)
    total = sum(int.from_bytes(data[i : i + 8], "big") >> 11 for i in range(0, 64, 8))
    return (total / _TOP - 4.0) * math.sqrt(1.5)


def exp(x: float) -> float:
    """e^x for |x| < 30 from multiplications alone (Taylor series of x/1024, squared ten times)."""
    small, term, value = x / 1024.0, 1.0, 1.0
    for n in range(1, 9):
        term = term * small / n
        value += term
    for _ in range(10):
        value *= value
    return value


def spread(sigma: float, *key: object) -> float:
    """A log-normal factor with median 1."""
    return exp(sigma * normal(*key))


def poisson(mean: float, *key: object) -> int:
    """A Poisson count; by the normal approximation above 30."""
    if mean <= 0:
        return 0
    if mean > 30:
        return max(0, int(mean + math.sqrt(mean) * normal(*key) + 0.5))
    left = uniform(*key)
    term, count = exp(-mean), 0
    while left >= term and count < 200:
        left -= term
        count += 1
        term *= mean / count
    return count


def total(values: Sequence[float]) -> float:
    """The exactly rounded sum."""
    return math.fsum(values)


def apportion(whole: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers in proportion to the weights that add up to ``whole`` (largest remainders)."""
    base = total(weights)
    shares = [whole * w / base for w in weights]
    parts = [int(s) for s in shares]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - shares[i], i))
    for i in order[: whole - sum(parts)]:
        parts[i] += 1
    return parts


def scatter(whole: int, means: Sequence[float], *key: object) -> list[int]:
    """Counts that scatter about the means as Poisson counts do and add up to ``whole``."""
    noisy = [max(0.0, m + math.sqrt(m) * normal(*key, i)) for i, m in enumerate(means)]
    return apportion(whole, noisy)


def monthly_curve(blocks: Sequence[tuple[int, float]]) -> list[float]:
    """A smooth monthly series whose sums over consecutive blocks (months, total) are the totals.

    Straight lines between the middles of the blocks, corrected until the sums agree to 1e-9.
    """
    middles: list[float] = []
    start = 0
    for months, _ in blocks:
        middles.append(start + (months - 1) / 2)
        start += months
    curve = _lines(middles, [t / m for m, t in blocks], start)
    for _ in range(60):
        ratios, at = [], 0
        for months, wanted in blocks:
            ratios.append(wanted / total(curve[at : at + months]))
            at += months
        curve = [c * r for c, r in zip(curve, _lines(middles, ratios, start), strict=True)]
    out, at = [], 0
    for months, wanted in blocks:
        scale = wanted / total(curve[at : at + months])
        out += [c * scale for c in curve[at : at + months]]
        at += months
    return out


def between_years(table: Table, year: float) -> float:
    """Value of a table at a point in time, on straight lines between its years."""
    years = sorted(table)
    if year <= years[0]:
        return float(table[years[0]])
    for a, b in pairwise(years):
        if year <= b:
            return table[a] + (table[b] - table[a]) * (year - a) / (b - a)
    return float(table[years[-1]])


def _lines(places: Sequence[float], values: Sequence[float], length: int) -> list[float]:
    """Values at 0..length-1 on straight lines through the places, level beyond the ends."""
    out, j = [], 0
    for x in range(length):
        while j + 2 < len(places) and x > places[j + 1]:
            j += 1
        share = (x - places[j]) / (places[j + 1] - places[j])
        share = min(1.0, max(0.0, share))
        out.append(values[j] + (values[j + 1] - values[j]) * share)
    return out
