"""Rows of change points: the second opinion, what is refused, and what must not matter."""

from __future__ import annotations

import csv
from datetime import date

import numpy as np
import polars as pl
import pytest
import ruptures

from pipelines.analysis.change_points import MIN_MONTHS, change_points, pelt
from pipelines.core.settings import PROJECT_ROOT


def series(values: list[float | None], name: str = "a", first_year: int = 2015) -> pl.DataFrame:
    months = [date(first_year + n // 12, n % 12 + 1, 1) for n in range(len(values))]
    return pl.DataFrame({"series_id": [name] * len(values), "month": months, "value": values}).with_columns(
        is_break_affected=pl.lit(False)
    )


def walk(seed: int, months: int = 60) -> list[float]:
    return [float(v) for v in np.exp(np.random.default_rng(seed).normal(0, 0.1, months).cumsum() + 6)]


@pytest.fixture(scope="module")
def national() -> pl.DataFrame:
    """Final monthly deaths of the United States with T40.4, 2015 to 2024, as published."""
    with (PROJECT_ROOT / "dbt_project" / "seeds" / "us_t404_final_monthly.csv").open() as file:
        return series([float(row["deaths"]) for row in csv.DictReader(file)])


def test_both_methods_find_july_2023_and_only_one_august_2021(national: pl.DataFrame) -> None:
    found = change_points(national).filter(pl.col("k_max") == 3)
    confirmed = dict(zip(found["month"], found["confirmed_by"].to_list(), strict=True))
    assert confirmed[date(2023, 7, 1)] == ["pelt_linear"]
    assert confirmed[date(2021, 8, 1)] == []


def test_three_and_four_joinpoints_stand_side_by_side(national: pl.DataFrame) -> None:
    assert change_points(national).group_by("k_max").agg("k", "joinpoint").sort("k_max").to_dicts() == [
        {"k_max": 3, "k": [3] * 3, "joinpoint": [1, 2, 3]},
        {"k_max": 4, "k": [4] * 4, "joinpoint": [1, 2, 3, 4]},
    ]


def test_a_segment_ends_with_the_change_with_which_the_next_one_begins(national: pl.DataFrame) -> None:
    found = change_points(national, (4,))
    assert found["apc_after"].to_list()[:-1] == found["apc_before"].to_list()[1:]
    assert (found["apc_before_lower"] < found["apc_before"]).all()
    assert (found["apc_after"] < found["apc_after_upper"]).all()


@pytest.mark.parametrize("seed", range(4))
def test_pelt_is_that_of_ruptures_with_its_own_linear_cost(seed: int) -> None:
    """The library solves a regression for each segment; our cost from running sums must give the same changes."""
    counts = np.array(walk(seed))
    logs, at = np.log(counts), np.arange(60, dtype=float)
    penalty, found = pelt(counts)
    assert penalty == pytest.approx(3 * np.log(60) * np.diff(logs).var() / 2)
    signal = np.column_stack([logs, at, np.ones(60)])
    assert found == ruptures.Pelt(model="linear", min_size=6, jump=1).fit(signal).predict(pen=penalty)[:-1]


def test_a_series_with_a_zero_is_refused_and_nothing_is_added_to_it() -> None:
    found = change_points(series([*walk(1)[:40], 0.0, *walk(1)[:20]]), (3,))
    assert found.select("joinpoint", "k", "month", "apc_before", "bic", "no_estimate_reason").rows() == [
        (0, None, None, None, None, "zero_value")
    ]


def test_a_series_is_read_from_its_last_hole_on() -> None:
    values = walk(2, 60)
    found = change_points(series([0.0, *values[:5], None, *values]), (2,))
    assert set(found["months"]) == {60}
    assert set(found["first_month"]) == {date(2015, 8, 1)}


def test_a_short_run_after_a_hole_has_no_estimate() -> None:
    values: list[float | None] = [*walk(3, 60), None, *walk(3, MIN_MONTHS - 1)]
    assert change_points(series(values), (3,))["no_estimate_reason"].to_list() == ["too_few_months"]


def test_a_series_without_any_figure_has_a_row_that_says_so() -> None:
    found = change_points(series([None, None]), (3,))
    assert found.select("months", "first_month", "no_estimate_reason").rows() == [(0, None, "too_few_months")]


def test_a_constant_series_has_no_joinpoint() -> None:
    (row,) = change_points(series([40.0] * 60), (3,)).to_dicts()
    assert (row["no_estimate_reason"], row["month"], row["k"]) == ("no_joinpoint", None, 0)
    assert row["apc_before"] == pytest.approx(0, abs=1e-6)


def test_the_order_of_rows_and_of_series_does_not_matter() -> None:
    both = pl.concat([series(walk(4), "b"), series(walk(5), "a")])
    assert change_points(both.sample(fraction=1, shuffle=True, seed=1)).equals(change_points(both))


def test_a_series_does_not_depend_on_its_neighbours() -> None:
    both = pl.concat([series(walk(4), "b"), series(walk(5), "a")])
    assert change_points(both).filter(pl.col("series_id") == "a").equals(change_points(series(walk(5), "a")))


def test_no_series_no_rows() -> None:
    assert change_points(series([])).height == 0


def test_a_joinpoint_that_the_spacing_holds_back_says_so() -> None:
    """Slopes turn after month 20 and again after month 23: the model can come no nearer than 6 months."""
    months = np.arange(60)
    logs = 5 + 0.02 * months + 0.3 * np.maximum(0, months - 20) - 0.35 * np.maximum(0, months - 23)
    noise = np.random.default_rng(1).normal(0, 1e-3, 60)
    found = change_points(series([float(v) for v in np.exp(logs + noise)]), (2,))
    held = dict(zip(found["month"], found["is_at_spacing_limit"], strict=True))
    first, second = sorted(held)
    assert (second.year - first.year) * 12 + second.month - first.month == 6
    assert list(held.values()) == [True, True]


def test_a_joinpoint_with_room_on_both_sides_is_not_held_back() -> None:
    months = np.arange(60)
    logs = 5 + 0.05 * months - 0.1 * np.maximum(0, months - 30)
    found = change_points(series([float(v) for v in np.exp(logs + np.random.default_rng(1).normal(0, 1e-3, 60))]), (1,))
    assert found["is_at_spacing_limit"].to_list() == [False]


@pytest.mark.parametrize("turn", [6, 53])
def test_a_joinpoint_at_the_least_distance_from_an_end_is_held_back(turn: int) -> None:
    months = np.arange(60)
    logs = 5 + 0.05 * months - 0.4 * np.maximum(0, months - turn)
    found = change_points(series([float(v) for v in np.exp(logs + np.random.default_rng(1).normal(0, 1e-3, 60))]), (1,))
    assert found["is_at_spacing_limit"].to_list() == [True]


def broken(frame: pl.DataFrame, *positions: int) -> pl.DataFrame:
    return frame.with_columns(is_break_affected=pl.int_range(pl.len()).is_in(positions))


@pytest.mark.parametrize("at", [10, 59])
def test_a_series_with_months_that_stay_incomplete_has_no_joinpoint(at: int) -> None:
    """Wherever they are: a fall into them and a rise out of them are none."""
    (row,) = change_points(broken(series(walk(6, 60)), at), (3,)).to_dicts()
    assert (row["no_estimate_reason"], row["joinpoint"], row["month"], row["k"]) == ("series_break", 0, None, None)
    assert (row["apc_before"], row["bic"], row["months"]) == (None, None, 60)


def test_a_break_before_the_last_hole_is_not_read() -> None:
    found = change_points(broken(series([*walk(7, 5), None, *walk(7, 60)]), 2), (2,))
    assert "series_break" not in found["no_estimate_reason"].to_list()


def test_a_promised_series_without_a_month_says_that_there_is_none_yet() -> None:
    absent = series([1.0]).with_columns(month=pl.lit(None, pl.Date), value=pl.lit(None, pl.Float64))
    found = change_points(absent, (3, 4))
    assert found.select("k_max", "joinpoint", "months", "no_estimate_reason").rows() == [
        (3, 0, 0, "no_final_series_yet"),
        (4, 0, 0, "no_final_series_yet"),
    ]
