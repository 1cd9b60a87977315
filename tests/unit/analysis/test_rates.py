"""Limits of a Poisson count: DOMAIN's table, and a computation that knows no chi-square."""

from __future__ import annotations

import math

import pytest

from pipelines.analysis.rates import poisson_limits, poisson_limits_table

# Published 95 % limits of counts, as NCHS and SEER print them; four decimals.
PUBLISHED = [
    (1, 0.0253, 5.5716),
    (5, 1.6235, 11.6683),
    (10, 4.7954, 18.3904),
    (20, 12.2165, 30.8884),
    (50, 37.1110, 65.9188),
    (99, 80.4623, 120.5289),
]


def tail(count: int, mean: float) -> float:
    """Probability of at most ``count`` events, adding up the terms of the distribution."""
    return math.fsum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(count + 1))


def mean_where(count: int, wanted: float) -> float:
    """The mean at which at most ``count`` events have the wanted probability, by halving."""
    low, high = 1e-9, 10.0 * (count + 5)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(count, middle) > wanted else (low, middle)
    return (low + high) / 2


@pytest.mark.parametrize(("count", "lower", "upper"), PUBLISHED)
def test_limits_are_the_published_ones(count: int, lower: float, upper: float):
    assert poisson_limits(count) == pytest.approx((lower, upper), abs=1e-4)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 19, 20, 42, 99])
def test_limits_are_those_of_an_independent_computation(count: int):
    lower, upper = mean_where(count - 1, 0.975), mean_where(count, 0.025)
    assert poisson_limits(count) == pytest.approx((lower, upper), abs=1e-6)


@pytest.mark.parametrize("level", [0.8, 0.9, 0.99])
def test_another_level_has_its_own_limits(level: float):
    alpha = 1 - level
    lower, upper = mean_where(9, 1 - alpha / 2), mean_where(10, alpha / 2)
    assert poisson_limits(10, level) == pytest.approx((lower, upper), abs=1e-6)


def test_no_death_has_a_lower_limit_of_zero_and_an_upper_one_of_its_own():
    lower, upper = poisson_limits(0)
    assert lower == 0
    assert upper == pytest.approx(-math.log(0.025), abs=1e-9)


def test_limits_enclose_the_count_and_grow_with_it():
    limits = [poisson_limits(count) for count in range(120)]
    assert all(lower <= count < upper for count, (lower, upper) in enumerate(limits))
    assert limits == sorted(limits)
    assert [u for _, u in limits] == sorted(u for _, u in limits)


def test_a_negative_count_is_an_error():
    with pytest.raises(ValueError, match="cannot be negative: -1"):
        poisson_limits(-1)


def test_the_table_has_every_count_with_its_limits():
    table = poisson_limits_table(99)
    assert table["deaths"].to_list() == list(range(100))
    for count, lower, upper in PUBLISHED:
        assert table.row(count)[1:] == pytest.approx((lower, upper), abs=1e-4)
