"""Joinpoint regression: published answers, an independent least squares, and simulated breaks."""

from __future__ import annotations

import csv
import itertools
import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from pipelines.analysis.joinpoint import GAP, Joinpoints, best, fit_joinpoints
from pipelines.core.settings import PROJECT_ROOT

Floats = np.ndarray[Any, np.dtype[np.float64]]


@pytest.fixture(scope="module")
def deaths() -> Floats:
    """Final monthly deaths of the United States with T40.4, 2015 to 2024, as published."""
    with (PROJECT_ROOT / "dbt_project" / "seeds" / "us_t404_final_monthly.csv").open() as file:
        return np.array([float(row["deaths"]) for row in csv.DictReader(file)])


@pytest.fixture(scope="module")
def national(deaths: Floats) -> list[Joinpoints]:
    return fit_joinpoints(deaths, 4)


def month(position: int) -> str:
    return f"{2015 + position // 12}-{position % 12 + 1:02d}"


def design(n: int, joints: tuple[int, ...]) -> Floats:
    at = np.arange(n, dtype=float)
    return np.column_stack([np.ones(n), at, *[np.where(at > j, at - j, 0.0) for j in joints]])


def broken_line(n: int, joints: tuple[int, ...], slopes: tuple[float, ...], start: float = 5.0) -> Floats:
    """ln of a series with the given monthly slopes, without noise."""
    steps = [slopes[sum(at >= j for j in joints)] for at in range(n - 1)]
    return start + np.concatenate([[0.0], np.cumsum(steps)])


PUBLISHED = [
    (3, ["2016-11", "2021-08", "2023-07"], [82.3, 26.5, 6.7, -41.9], -508.6),
    (4, ["2017-01", "2019-10", "2020-05", "2023-06"], [89.7, 12.5, 140.3, 9.4, -40.8], -570.8),
]


@pytest.mark.parametrize(("k", "months", "apc", "bic"), PUBLISHED)
def test_the_national_series_has_its_published_joinpoints(
    national: list[Joinpoints], k: int, months: list[str], apc: list[float], bic: float
) -> None:
    fit = national[k]
    assert [month(j) for j in fit.joints] == months
    assert fit.apc == pytest.approx(apc, abs=0.1)
    assert fit.bic == pytest.approx(bic, abs=0.1)


def test_neighbouring_residuals_of_the_national_series_are_correlated(national: list[Joinpoints]) -> None:
    assert national[3].lag1 == pytest.approx(0.74, abs=0.005)


@pytest.mark.parametrize("k", [3, 4])
def test_limits_are_those_of_ordinary_least_squares_at_fixed_joinpoints(
    deaths: Floats, national: list[Joinpoints], k: int
) -> None:
    """statsmodels fits the same lines; the slope of a segment is a sum of its coefficients.

    statsmodels does not know that the joinpoints were estimated too, so the degrees of freedom are set here.
    """
    fit = national[k]
    freedom = len(deaths) - 2 * k - 2
    ols = sm.OLS(np.log(deaths), design(len(deaths), fit.joints)).fit()
    for segment in range(k + 1):
        sums = np.array([0.0, 1.0, *[float(bend < segment) for bend in range(k)]])
        slope, error = sums @ ols.params, math.sqrt(sums @ ols.normalized_cov_params @ sums * ols.ssr / freedom)
        limits = slope + error * t.ppf([0.025, 0.975], freedom)
        assert (fit.apc_lower[segment], fit.apc_upper[segment]) == pytest.approx(
            tuple(100 * (math.exp(12 * b) - 1) for b in limits), rel=1e-6
        )
    assert fit.sse == pytest.approx(ols.ssr)


def test_four_joinpoints_of_a_noisy_series_are_those_of_all_choices() -> None:
    """Trying every choice by least squares gives (11, 23, 30, 51); (12, 23, 50, 71) has a BIC that is 0.925 higher."""
    logs = broken_line(84, (20, 50), (0.03, -0.02, 0.05)) + np.random.default_rng(7).normal(0, 0.1, 84)
    found = fit_joinpoints(np.exp(logs), 4)[4]
    other = sm.OLS(logs, design(84, (12, 23, 50, 71))).fit()
    assert found.joints == (11, 23, 30, 51)
    assert 84 * math.log(other.ssr / 84) + 10 * math.log(84) - found.bic == pytest.approx(0.925, abs=5e-4)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_no_model_is_better_than_the_one_found(k: int) -> None:
    """Every allowed choice of joinpoints of a short series, each fitted by numpy's least squares."""
    logs = np.random.default_rng(3).normal(5, 0.4, 36).cumsum() / 30
    sse = {
        joints: float(np.linalg.lstsq(design(36, joints), logs, rcond=None)[1][0])
        for joints in itertools.combinations(range(GAP, 36 - GAP), k)
        if all(b - a >= GAP for a, b in itertools.pairwise(joints))
    }
    assert fit_joinpoints(np.exp(logs), k)[k].joints == min(sse, key=lambda j: sse[j])


def test_breaks_of_a_simulated_series_are_recovered() -> None:
    logs = broken_line(120, (30, 75), (0.05, -0.03, 0.02))
    counts = np.exp(logs + np.random.default_rng(1).normal(0, 0.02, 120))
    chosen = best(fit_joinpoints(counts, 4), 4)
    assert chosen.k == 2
    assert [abs(found - true) <= 1 for found, true in zip(chosen.joints, (30, 75), strict=True)] == [True, True]
    assert chosen.apc == pytest.approx([100 * math.expm1(12 * b) for b in (0.05, -0.03, 0.02)], abs=2.5)


def test_a_steady_series_has_no_joinpoint() -> None:
    chosen = best(fit_joinpoints(np.full(60, 250.0), 4), 4)
    assert (chosen.k, chosen.apc) == (0, pytest.approx((0.0,), abs=1e-6))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.01, 1000))
def test_scaling_a_series_moves_no_joinpoint_and_no_percent(seed: int, factor: float) -> None:
    counts = np.exp(np.random.default_rng(seed).normal(0, 0.1, 48).cumsum() + 6)
    before, after = fit_joinpoints(counts, 2)[2], fit_joinpoints(counts * factor, 2)[2]
    assert after.joints == before.joints
    assert after.apc == pytest.approx(before.apc, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, -3.0, math.nan])
def test_a_value_without_a_logarithm_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="counts above 0"):
        fit_joinpoints(np.array([5.0] * 40 + [value] + [5.0] * 40), 3)


def test_a_series_too_short_for_a_line_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 12 months, not 12"):
        fit_joinpoints(np.full(12, 9.0), 1)


def test_a_short_series_has_fewer_joinpoints_than_allowed() -> None:
    assert len(fit_joinpoints(np.exp(np.random.default_rng(0).normal(0, 1, 20)), 4)) == 3
