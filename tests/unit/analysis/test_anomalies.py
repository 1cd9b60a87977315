"""Anomalies: what is expected comes from before, small counts are exact, many areas are allowed for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import beta, binomtest, false_discovery_control, norm
from scipy.stats import t as student

from pipelines.analysis.anomalies import anomalies
from pipelines.catalog.dictionary import load_dictionary


def series(values: list[float | None], name: str = "a", is_count: bool = True, family: str = "f") -> pl.DataFrame:
    n = len(values)
    return pl.DataFrame(
        {
            "series_id": [name] * n,
            "family": [family] * n,
            "month": [date(2015 + m // 12, m % 12 + 1, 1) for m in range(n)],
            "value": values,
            "is_count": [is_count] * n,
        },
        schema_overrides={"value": pl.Float64},
    )


def noise(seed: int, months: int = 60, size: float = 100.0) -> list[float]:
    return [float(v) for v in size * np.exp(np.random.default_rng(seed).normal(0, 0.1, months))]


def last(values: list[float | None], **kwargs: Any) -> dict[str, Any]:
    return anomalies(series(values, **kwargs)).sort("month").row(-1, named=True)


def test_a_deviation_is_what_the_formula_says() -> None:
    """The robust deviation of the last month, written out in plain Python."""
    values = noise(1)
    half = [sorted(values[t - 12 : t])[5:7] for t in range(12, 60)]
    usual = [sum(pair) / 2 for pair in half]
    ratio = [math.log((values[t] + 0.1 * m) / (1.1 * m)) for t, m in zip(range(12, 60), usual, strict=True)]
    before = ratio[-25:-1]
    middle = float(np.median(before))
    mad = float(np.median(np.abs(np.array(before) - middle)))
    found = last([*values], is_count=False)
    assert found["z"] == pytest.approx((ratio[-1] - middle) / (1.4826 * mad))
    assert found["p"] == pytest.approx(2 * student.sf(abs(found["z"]), 9))
    assert found["expected"] == pytest.approx(usual[-1] * (1.1 * math.exp(middle) - 0.1))


def test_a_month_does_not_expect_itself_or_what_follows() -> None:
    calm = noise(2)
    wild = [*calm[:48], 9_000.0, *calm[49:]]
    before, after = (anomalies(series([*v])).sort("month") for v in (calm, wild))
    assert before.head(48).equals(after.head(48))
    assert before["expected"][48] == after["expected"][48]


@pytest.mark.parametrize(("factor", "level"), [(1.0, "none"), (5.0, "alert"), (0.2, "alert")])
def test_a_month_far_from_its_past_is_an_alert(factor: float, level: str) -> None:
    values = noise(3)
    assert last([*values[:-1], 100.0 * factor])["level"] == level


@pytest.mark.parametrize(("count", "base"), [(6, [1] * 6 + [0] * 6), (0, [4] * 12), (1, [0] * 12), (9, [2, 0, 1] * 4)])
def test_a_small_count_is_judged_exactly(count: int, base: list[int]) -> None:
    """Of all events of thirteen months, this one's share is a thirteenth: scipy's binomial, twice the smaller tail."""
    found = last([*map(float, base), float(count)])
    total = count + sum(base)
    tails = [binomtest(count, total, 1 / 13, side).pvalue for side in ("less", "greater")]
    assert found["method"] == "poisson"
    assert found["p"] == pytest.approx(min(1.0, 2 * min(tails)))
    assert abs(found["z"]) == pytest.approx(norm.isf(found["p"] / 2), abs=1e-9)
    assert found["expected"] == pytest.approx(sum(base) / 12)


def test_a_calm_past_does_not_make_counting_exact() -> None:
    """2 after months between 5 and 7, as in El Paso sector's cocaine of November 2021, is what counting can give."""
    calm = [6.0, 7.0, 5.0, 6.0, 7.0] * 12
    count = last([*calm, 2.0])
    weight = last([*calm, 2.0], is_count=False)
    assert (count["method"], count["level"], weight["level"]) == ("mad", "none", "alert")
    assert count["expected"] == weight["expected"] == pytest.approx(6.0)
    exact = 2 * binomtest(2, 2 + 12 * 6, 1 / 13, "less").pvalue
    assert count["p"] == pytest.approx(exact)
    assert count["z"] == pytest.approx(-norm.isf(exact / 2))
    assert weight["p"] < 0.05 < exact


def test_a_count_that_came_in_clusters_is_judged_by_how_it_scattered() -> None:
    """The dispersion written out: month and base are divided by it, the tail is an incomplete beta function."""
    cluster = [0.0] * 36
    cluster[::6] = [6.0, 5.0, 6.0, 6.0, 5.0, 6.0]
    found = last([*cluster, 7.0])
    base = [sum(cluster[t - 12 : t]) / 12 for t in range(12, 37)]
    surprise = sum((x - b) ** 2 for x, b in zip(cluster[12:], base, strict=False))
    dispersion = max(surprise / sum(b * 13 / 12 for b in base[:-1]), float(np.var(cluster[24:], ddof=1)) / base[-1])
    upper = beta.cdf(1 / 13, 7 / dispersion, 12 * base[-1] / dispersion + 1)
    assert found["p"] == pytest.approx(2 * upper)
    assert found["p"] > 10 * 2 * binomtest(7, 7 + round(12 * base[-1]), 1 / 13, "greater").pvalue


def test_the_first_event_of_a_quiet_area_is_no_alert() -> None:
    assert last([0.0] * 40 + [1.0])["level"] == "none"


def test_areas_are_adjusted_together() -> None:
    """Benjamini and Hochberg of scipy over the areas of one month."""
    areas = pl.concat([series([*noise(seed)], f"area {seed:02d}") for seed in range(13)])
    month = anomalies(areas).filter(pl.col("month") == date(2019, 12, 1)).sort("series_id")
    assert month["p_adjusted"].to_list() == pytest.approx(false_discovery_control(month["p"].to_numpy()))


def test_another_family_does_not_weaken_a_finding() -> None:
    alone = anomalies(series([*noise(4)]))
    others = [series([*noise(seed)], f"other {seed}", family="g") for seed in range(9)]
    together = anomalies(pl.concat([series([*noise(4)]), *others])).filter(family="f")
    assert together.equals(alone)


FAMILIES, AREAS, MONTHS = 60, 13, 96


def families(draw: Callable[[np.random.Generator, tuple[int, int]], np.ndarray], is_count: bool) -> pl.DataFrame:
    """Sixty families of thirteen areas over eight years in which nothing ever happens but noise."""
    values = draw(np.random.default_rng(20260115), (FAMILIES * AREAS, MONTHS)).astype(float)
    return pl.concat(
        series([*row], f"{n:04d}", is_count, family=f"{n // AREAS:03d}") for n, row in enumerate(values.tolist())
    )


def clusters(mean: float) -> Callable[[np.random.Generator, tuple[int, int]], np.ndarray]:
    """Counts whose variance is three times their mean."""
    return lambda rng, size: rng.negative_binomial(mean / 2, 1 / 3, size)


def loads(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Ten loads a month, the largest of which is most of it."""
    number = rng.poisson(10, size)
    return sum(np.where(number > n, rng.lognormal(0, 2.5, size), 0) for n in range(int(number.max())))


NOISE = {
    "even": [(lambda rng, size: 100 * np.exp(rng.normal(0, 0.3, size)), False)],
    "poisson": [(lambda rng, size, mean=mean: rng.poisson(mean, size), True) for mean in (1, 4, 8, 40)],
    "clusters": [(clusters(mean), True) for mean in (1, 4, 8, 40)],
    "loads": [(loads, False)],
}
FALSE = {"even": (6, 5), "poisson": (3, 2), "clusters": (6, 10), "loads": (6, 8)}
"""Percent of months on watch or alert, and of months of a family with an alert, that the caution promises at most."""


@pytest.mark.parametrize("kind", NOISE)
def test_noise_is_called_remarkable_no_more_often_than_the_caution_says(kind: str) -> None:
    remarkable, held = [], []
    for draw, is_count in NOISE[kind]:
        judged = anomalies(families(draw, is_count)).filter(pl.col("z").is_not_null())
        remarkable.append(100 * (judged["level"] != "none").mean())
        by_month = judged.group_by("family", "month").agg((pl.col("level") == "alert").any())
        held.append(100 * by_month["level"].mean())
    promised = FALSE[kind]
    # Not above what is promised, and not so far below that the promise says nothing.
    assert promised[0] - 1.5 < max(remarkable) <= promised[0], remarkable
    assert promised[1] - 2.5 < max(held) <= promised[1], held


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_caution_states_the_measured_rates(language: str) -> None:
    caution = next(c for t in load_dictionary() if t.name == "anomalies" for c in t.cautions)
    stated = [int(n) for n in re.findall(r"(\d+) %", getattr(caution.text, language))]
    assert stated == [*(FALSE[k][0] for k in FALSE), *(FALSE[k][1] for k in FALSE)]


def test_the_t_distribution_describes_deviations_over_a_mad_of_24_values() -> None:
    """Probability that p promises and share of noise that has it, down to three in a thousand."""
    even = anomalies(families(*NOISE["even"][0]))["p"].drop_nulls().to_numpy()
    for p in (0.2, 0.05, 0.01, 0.003):
        assert np.mean(even < p) == pytest.approx(p, rel=0.15)


def test_a_hole_gives_no_judgement_around_it() -> None:
    values: list[float | None] = [*noise(5, 100)]
    values[50] = None
    found = anomalies(series(values)).sort("month")["no_estimate_reason"].to_list()
    assert found[:36] == ["too_few_months"] * 36
    assert found[36:50] == [None] * 14
    assert found[50] == "not_reported"
    assert found[51:87] == ["too_few_months"] * 36
    assert found[87:] == [None] * 13


def test_a_constant_series_is_not_judged() -> None:
    assert last([50.0] * 60)["no_estimate_reason"] == "no_variation"


def test_the_weight_of_a_sparse_area_is_not_judged() -> None:
    found = last([0.0, 0.0, 3.5] * 20, is_count=False)
    assert (found["no_estimate_reason"], found["z"], found["level"]) == ("sparse", None, None)


def test_pounds_and_kilograms_are_judged_alike() -> None:
    values = noise(6)
    pounds = anomalies(series([*values], is_count=False))
    kilograms = anomalies(series([v * 0.45359237 for v in values], is_count=False))
    assert kilograms["z"].drop_nulls().to_list() == pytest.approx(pounds["z"].drop_nulls().to_list())
    assert kilograms["level"].equals(pounds["level"])


def test_the_order_of_rows_and_of_series_does_not_matter() -> None:
    both = pl.concat([series([*noise(7)], "b"), series([*noise(8)], "a", is_count=False, family="g")])
    assert anomalies(both.sample(fraction=1, shuffle=True, seed=1)).equals(anomalies(both))


def test_only_the_given_months_are_answered() -> None:
    both = pl.concat([series([*noise(7)], "b"), series([*noise(8, 20)], "a")])
    assert anomalies(both).filter(series_id="a").height == 20
