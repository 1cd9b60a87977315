"""The search for joinpoints against all choices there are: simulated series, real ones, and long ones."""

from __future__ import annotations

import csv
import itertools
import math
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.analysis.joinpoint_search import search
from pipelines.core.settings import PROJECT_ROOT

Floats = np.ndarray[Any, np.dtype[np.float64]]

GAP = 6
WONDER = "cdc_wonder_overdose/2025-04-21"


def broken(seed: int, n: int) -> Floats:
    """ln of a count with two bends and noise."""
    slopes = np.where(np.arange(n - 1) < 20, 0.03, np.where(np.arange(n - 1) < 50, -0.02, 0.05))
    return 5 + np.concatenate([[0.0], slopes.cumsum()]) + np.random.default_rng(seed).normal(0, 0.1, n)


def walk(seed: int, n: int) -> Floats:
    return np.random.default_rng(seed).normal(0, 0.1, n).cumsum()


def noise(seed: int, n: int) -> Floats:
    return np.random.default_rng(seed).normal(0, 0.1, n)


def season(seed: int, n: int) -> Floats:
    return noise(seed, n) + 0.2 * np.sin(np.arange(n) * math.pi / 6)


def nation() -> Floats:
    """ln of final monthly deaths of the United States with T40.4, 2015 to 2024, as published."""
    with (PROJECT_ROOT / "dbt_project" / "seeds" / "us_t404_final_monthly.csv").open() as file:
        return np.log([float(row["deaths"]) for row in csv.DictReader(file)])


def sum_of_squares(logs: Floats, joints: tuple[int, ...]) -> float:
    """Of numpy's least squares at fixed joints."""
    months = np.arange(len(logs), dtype=float)
    design = np.column_stack([np.ones_like(months), months, *[np.maximum(0, months - j) for j in joints]])
    rest = logs - design @ np.linalg.lstsq(design, logs, rcond=None)[0]
    return float(rest @ rest)


def lowest_sums(series: Floats, k: int) -> Floats:
    """The least sum of squares of each row of series over all choices of k joints, by trying every one.

    Written with hinges max(0, t - t_j) orthogonal to the straight line: the search under test knows only segments.
    Joints but the last two are projected out one after another; the last two are solved in closed form.
    """
    months = np.arange(series.shape[1], dtype=float)
    line, _ = np.linalg.qr(np.column_stack([np.ones_like(months), months]))
    rest = series - series @ line @ line.T
    sites = np.arange(GAP, len(months) - GAP)
    hinges = np.maximum(0.0, months[:, None] - sites)
    hinges -= line @ (line.T @ hinges)
    return (rest * rest).sum(axis=1) - _gains(hinges.T @ hinges, rest @ hinges, k)


def _gains(gram: Floats, target: Floats, k: int) -> Floats:
    scale = np.diagonal(gram)
    if k == 1:
        return (target * target / scale).max(axis=1)
    if k == 2:
        first, second = np.triu_indices(len(gram), GAP)
        if not len(first):
            return np.full(len(target), -math.inf)
        both = gram[first, second]
        one, two = target[:, first], target[:, second]
        top = one * one * scale[second] + two * two * scale[first] - 2 * one * two * both
        return (top / (scale[first] * scale[second] - both * both)).max(axis=1)
    found = np.full(len(target), -math.inf)
    for at in range(len(gram) - (k - 1) * GAP):
        later = slice(at + GAP, None)
        share = gram[later, at] / scale[at]
        projected = gram[later, later] - np.outer(share, gram[at, later])
        rest = target[:, later] - np.outer(target[:, at], share)
        found = np.maximum(found, target[:, at] ** 2 / scale[at] + _gains(projected, rest, k - 1))
    return found


def disagreements(series: Floats, most: int) -> list[tuple[int, int]]:
    """Rows of series, and k, for which the search found another sum of squares than the lowest."""
    found = [search(logs, most, GAP) for logs in series]
    assert all(
        b - a >= GAP for f in found for j in f.values() for a, b in itertools.pairwise((0, *j, len(series[0]) - 1))
    )
    return [
        (row, k)
        for k in range(1, most + 1)
        for row, lowest in enumerate(lowest_sums(series, k))
        if sum_of_squares(series[row], found[row][k]) != pytest.approx(lowest, rel=1e-8)
    ]


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_trying_every_choice_here_means_least_squares_of_every_choice(k: int):
    logs = walk(3, 41)
    choices = [
        joints
        for joints in itertools.combinations(range(GAP, 41 - GAP), k)
        if all(b - a >= GAP for a, b in itertools.pairwise(joints))
    ]
    assert lowest_sums(logs[None, :], k)[0] == pytest.approx(min(sum_of_squares(logs, j) for j in choices))


@pytest.mark.parametrize(
    ("kind", "seeds", "months"),
    [
        (broken, range(6, 160), 84),
        (walk, range(60), 84),
        (broken, range(30), 96),
        (walk, range(30), 96),
        (noise, range(20), 96),
        (season, range(20), 96),
        (broken, range(15), 120),
        (walk, range(15), 120),
        (walk, range(6), 150),
        (noise, range(4), 150),
    ],
)
def test_no_choice_of_up_to_four_joints_is_better_than_the_one_found(
    kind: Callable[[int, int], Floats], seeds: range, months: int
):
    assert disagreements(np.array([kind(seed, months) for seed in seeds]), 4) == []


@pytest.mark.parametrize("months", [84, 96, 120])
def test_no_choice_is_better_in_any_window_of_the_national_series(months: int):
    logs = nation()
    windows = [logs[start : start + months] for start in range(0, len(logs) - months + 1, 3)]
    assert disagreements(np.array(windows), 4) == []


def test_no_choice_is_better_in_the_deaths_of_any_state(mirror: Path):
    """Every state with a figure in all of 72 months, 2018 to 2023. Suppressed months are no numbers."""
    deaths: dict[str, list[float]] = defaultdict(list)
    for year in range(2018, 2024):
        with (mirror / WONDER / f"WONDER_{year}.txt").open() as file:
            for row in csv.DictReader(file, delimiter="\t"):
                if row["Month Code"] and row["Deaths"].isdigit():
                    deaths[row["Residence State"]].append(float(row["Deaths"]))
    whole = np.log([values for values in deaths.values() if len(values) == 72])
    assert len(whole) > 30
    assert disagreements(whole, 4) == []


@pytest.mark.parametrize("kind", [broken, walk, season])
@pytest.mark.parametrize(("months", "k"), [(1200, 2), (240, 3)])
def test_no_choice_is_better_in_a_long_series(kind: Callable[[int, int], Floats], months: int, k: int):
    assert disagreements(kind(1, months)[None, :], k) == []


def test_bends_of_a_line_without_noise_are_found_exactly():
    """At odd months, which no coarse grid has; a third joint has nothing left to explain."""
    months = np.arange(300.0)
    logs = 2 + 0.01 * months - 0.05 * np.maximum(0, months - 77) + 0.08 * np.maximum(0, months - 191)
    found = search(logs, 3, GAP)
    assert found[2] == (77, 191)
    assert sum_of_squares(logs, found[3]) == pytest.approx(0, abs=1e-15)


def test_a_constant_series_has_some_joints_for_each_number_of_them():
    assert [len(joints) for joints in search(np.full(60, 5.5), 4, GAP).values()] == [1, 2, 3, 4]


def test_joints_stand_where_there_is_just_room_for_them():
    """Two joints of 19 months, 6 from each end and from each other: only months 6 and 12."""
    assert search(walk(0, 19), 3, GAP)[2] == (6, 12)
    assert set(search(walk(0, 19), 3, GAP)) == {1, 2}


@pytest.mark.parametrize("values", ["zigzag", "spike", "steps"])
def test_many_models_that_are_equal_do_not_hide_a_better_one(values: str):
    at = np.arange(84)
    series = {"zigzag": at % 2 * 1.0, "spike": (at == 40) * 1.0, "steps": at // 12 % 3 * 1.0}[values]
    assert disagreements(series[None, :], 4) == []
