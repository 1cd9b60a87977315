"""Lead and lag: which way is positive, what survives without a trend, what is refused."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from pipelines.analysis.lead_lag import correlations, lead_lag


def months(count: int) -> list[date]:
    return [date(2018 + n // 12, n % 12 + 1, 1) for n in range(count)]


def frames(seizures: list[float], deaths: list[float]) -> tuple[pl.DataFrame, pl.DataFrame]:
    return (
        pl.DataFrame({"month": months(len(seizures)), "seizures": seizures}),
        pl.DataFrame({"month": months(len(deaths)), "deaths": deaths}),
    )


def test_positive_lag_means_that_deaths_come_first() -> None:
    noise = np.random.default_rng(1).normal(0, 1, 104)
    deaths, seizures = np.exp(noise[4:]), np.exp(noise[:-4])
    found = correlations(seizures, deaths)
    strongest = found.sort("levels", descending=True).row(0, named=True)
    assert (strongest["lag"], strongest["levels"]) == (4, pytest.approx(1.0))


def test_a_correlation_is_pearsons_over_overlapping_pairs() -> None:
    noise = np.random.default_rng(2)
    x, y = noise.normal(0, 1, 60), noise.normal(0, 1, 60)
    found = correlations(np.exp(x), np.exp(y)).filter(lag=-3).row(0, named=True)
    pairs = [(x[t - 3], y[t]) for t in range(3, 60)]
    assert found["levels_pairs"] == 57
    assert found["levels"] == pytest.approx(np.corrcoef(np.transpose(pairs))[0, 1])


def test_a_shared_trend_correlates_in_levels_and_not_without_it() -> None:
    """Two independent series on one trend: levels correlate at every lag, and after prewhitening hardly one does."""
    noise = np.random.default_rng(3)
    trend = 4 * np.sin(np.linspace(0, math.pi, 90))
    found = correlations(*(np.exp(trend + noise.normal(0, 0.2, 90)) for _ in range(2)))
    assert found["levels"].min() > 0.6
    assert found.filter(pl.col("prewhitened").abs() > pl.col("prewhitened_limit")).height <= 2


def test_a_true_lead_survives_prewhitening() -> None:
    steps = np.random.default_rng(4).normal(0, 1, 120)
    walk = steps.cumsum() / 10
    found = correlations(np.exp(walk[:-5]), np.exp(walk[5:])).sort("prewhitened", descending=True)
    assert found.row(0, named=True)["lag"] == 5
    assert found.row(0, named=True)["prewhitened"] > 0.9


def test_limits_are_those_of_series_without_memory() -> None:
    found = correlations(*(np.exp(np.random.default_rng(n).normal(0, 1, 75)) for n in (5, 6)))
    assert found["levels_limit"].to_list() == pytest.approx([1.96 / math.sqrt(75)] * 19)
    assert found["differences_limit"].to_list() == pytest.approx([0.2278] * 19, abs=5e-5)


def test_scaling_a_series_changes_nothing() -> None:
    x, y = (np.exp(np.random.default_rng(n).normal(0, 1, 60)) for n in (7, 8))
    for name, column in correlations(x * 0.45359237, y).to_dict().items():
        assert column.to_list() == pytest.approx(correlations(x, y)[name].to_list()), name


def test_a_constant_series_has_no_correlation() -> None:
    found = correlations(np.full(60, 5.0), np.exp(np.random.default_rng(9).normal(0, 1, 60)))
    assert found["levels"].null_count() == found.height == found["prewhitened"].null_count()


def test_only_shared_months_are_read_in_any_order() -> None:
    x, y = (np.exp(np.random.default_rng(n).normal(0, 1, 60)).tolist() for n in (10, 11))
    seizures, deaths = frames(x, y[:48])
    found = lead_lag(seizures.sample(fraction=1, shuffle=True, seed=1), deaths)
    assert found.row(0, named=True)["months"] == 48
    assert found.row(0, named=True)["last_month"] == date(2021, 12, 1)
    assert found["levels"].to_list() == correlations(np.array(x[:48]), np.array(y[:48]))["levels"].to_list()


@pytest.mark.parametrize(
    ("seizures", "deaths", "reason"),
    [
        ([5.0] * 35, [5.0] * 35, "too_few_months"),
        ([5.0] * 39 + [0.0], [5.0] * 40, "zero_value"),
        ([], [5.0] * 40, "too_few_months"),
        ([5.0] * 40, [], "no_final_series_yet"),
    ],
)
def test_what_cannot_be_compared_says_why(seizures: list[float], deaths: list[float], reason: str) -> None:
    empty = {"month": pl.Date, "seizures": pl.Float64, "deaths": pl.Float64}
    x, y = (f.cast({k: v for k, v in empty.items() if k in f.columns}) for f in frames(seizures, deaths))
    found = lead_lag(x, y)
    assert found["lag"].to_list() == list(range(-9, 10))
    assert set(found["no_estimate_reason"]) == {reason}
    assert found["levels"].null_count() == 19


def test_a_hole_is_not_bridged() -> None:
    x, y = frames([float(n + 1) for n in range(60)], [float(n + 1) for n in range(60)])
    found = lead_lag(x, y.filter(pl.col("month") != date(2020, 1, 1)))
    assert set(found["no_estimate_reason"]) == {"too_few_months"}
