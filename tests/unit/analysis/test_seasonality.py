"""Seasonal decomposition: a series with a season has one, noise has none, a short series has no answer."""

from __future__ import annotations

import math
import random
from datetime import date

import numpy as np
import polars as pl
import pytest

from pipelines.analysis.seasonality import decompose, strength


def months(count: int, first: date = date(2018, 10, 1)) -> list[date]:
    """Consecutive months."""
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count)]


def days(month: date) -> int:
    """Days of a month."""
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return (following - month).days


def series(values: list[float], name: str = "a", first: date = date(2018, 10, 1)) -> pl.DataFrame:
    """A monthly series of these values per day."""
    at = months(len(values), first)
    return pl.DataFrame(
        {"month": at, "name": [name] * len(values), "value": [v * days(m) for v, m in zip(values, at, strict=True)]}
    )


def wave(count: int, height: float = 5.0) -> list[float]:
    """A level of 10 with a yearly wave, per day."""
    return [10 + height * math.sin(2 * math.pi * n / 12) for n in range(count)]


def noise(count: int) -> list[float]:
    """A level of 10 with noise of no season, per day."""
    chance = random.Random(20240101)
    return [max(0.1, chance.gauss(10, 3)) for _ in range(count)]


def strengths(frame: pl.DataFrame) -> dict[str, float]:
    """Strength by series."""
    return dict(decompose(frame, ["name"]).group_by("name").agg(pl.col("seasonal_strength").first()).iter_rows())


def test_a_series_with_a_yearly_wave_has_strength_near_one():
    assert strengths(series(wave(84)))["a"] > 0.99


def test_noise_has_strength_near_zero():
    assert strengths(series(noise(120)))["a"] < 0.35


def test_a_wave_in_noise_lies_between():
    mixed = [w + (n - 10) / 3 for w, n in zip(wave(120), noise(120), strict=True)]
    assert strengths(series(noise(120)))["a"] < strengths(series(mixed))["a"] < strengths(series(wave(120)))["a"]


def test_the_seasonal_part_has_the_wave_it_was_given():
    found = decompose(series(wave(84)), ["name"]).sort("month")
    expected = np.log1p(np.array(wave(84)))
    expected -= expected.reshape(7, 12).mean(axis=1).repeat(12)
    assert np.abs(found["seasonal"].to_numpy()[12:-12] - expected[12:-12]).max() < 0.05


def test_trend_and_season_are_logs_of_figures_per_day():
    found = decompose(series([10.0] * 48), ["name"])
    assert found["trend"].to_list() == pytest.approx([math.log1p(10)] * 48)
    assert found["seasonal"].to_list() == pytest.approx([0.0] * 48, abs=1e-9)


def test_months_of_unequal_length_are_no_season():
    found = decompose(series([10.0] * 60), ["name"])
    assert found["seasonal"].abs().max() == pytest.approx(0, abs=1e-9)


def test_a_series_gets_one_row_a_month():
    found = decompose(series(wave(40)), ["name"])
    assert found.select("month", "name").sort("month").rows() == [(m, "a") for m in months(40)]


@pytest.mark.parametrize(("count", "rows"), [(35, 0), (36, 36)])
def test_fewer_than_36_months_have_no_row(count: int, rows: int):
    assert decompose(series(wave(count)), ["name"]).height == rows


@pytest.mark.parametrize(("active", "rows"), [(35, 0), (36, 48)])
def test_a_series_with_more_than_a_quarter_of_its_months_at_zero_has_no_row(active: int, rows: int):
    assert decompose(series([0.0] * (48 - active) + [5.0] * active), ["name"]).height == rows


def test_a_series_with_a_missing_month_has_no_row():
    whole = series(wave(60))
    assert decompose(whole.filter(pl.col("month") != date(2020, 5, 1)), ["name"]).is_empty()


def test_a_series_that_cannot_be_told_leaves_the_others_alone():
    both = pl.concat([series(wave(60)), series(wave(20), "short")])
    assert set(strengths(both)) == {"a"}


def test_no_answer_has_the_columns_of_an_answer():
    none, some = decompose(series(wave(10)), ["name"]), decompose(series(wave(48)), ["name"])
    assert none.schema == some.schema
    assert some.columns == ["month", "name", "seasonal", "trend", "seasonal_strength"]


def test_the_order_of_rows_and_series_is_of_no_account():
    frame = pl.concat([series(wave(60)), series(noise(60), "b"), series(wave(72, 2.0), "c")])
    straight = decompose(frame, ["name"]).sort("name", "month")
    shuffled = decompose(frame.sample(fraction=1, shuffle=True, seed=3), ["name"]).sort("name", "month")
    assert shuffled.equals(straight)


def test_a_series_is_the_same_alone_and_among_others():
    alone = decompose(series(noise(60), "b"), ["name"])
    among = decompose(pl.concat([series(wave(60)), series(noise(60), "b")]), ["name"]).filter(name="b")
    assert among.equals(alone)


def test_strength_of_a_season_without_residue_is_one():
    assert strength(np.array([1.0, -1.0] * 12), np.zeros(24)) == 1


def test_strength_of_a_residue_without_season_is_zero():
    assert strength(np.zeros(24), np.array([1.0, -1.0] * 12)) == 0


def test_strength_is_never_negative():
    season, residue = np.array([1.0, -1.0] * 12), np.array([-1.5, 1.5] * 12)
    assert strength(season, residue) == 0


def test_a_series_that_never_moves_has_no_season():
    assert strength(np.zeros(24), np.zeros(24)) == 0


def test_strength_is_the_published_formula():
    # Hyndman and Athanasopoulos: max(0, 1 - Var(R) / Var(S + R)); here S is 2, -2 and R is 1, 1, -1, -1.
    season, residue = np.array([2.0, -2.0, 2.0, -2.0]), np.array([1.0, 1.0, -1.0, -1.0])
    assert strength(season, residue) == pytest.approx(1 - 1 / 5)
