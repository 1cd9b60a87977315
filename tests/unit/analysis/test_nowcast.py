"""Completeness of releases and what is made of it: published values, simulated releases, held-out bands."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from pipelines.analysis.nowcast import MIN_RELEASES, nowcast, revision_profile

COMPLETE = [0.90, 0.95, 0.98, 0.99]
"""True completeness by lag of the simulated releases."""


def month(number: int) -> date:
    return date(2000 + number // 12, number % 12 + 1, 1)


def release(number: int, values: list[float | None], place: str = "US") -> pl.DataFrame:
    """A release whose newest month is the given one, with figures for lags 0, 1, ..."""
    lags = list(range(len(values)))
    return pl.DataFrame(
        {
            "jurisdiction_id": [place] * len(lags),
            "indicator_id": ["drug_overdose"] * len(lags),
            "release": [month(number + 4)] * len(lags),
            "month_ending": [month(number - lag) for lag in lags],
            "lag": lags,
            "value": values,
        },
        schema_overrides={"lag": pl.Int32, "value": pl.Float64},
    )


def simulated(releases: int, seed: int, place: str = "US") -> tuple[pl.DataFrame, dict[date, float]]:
    """Monthly releases that lack some deaths, each lag with noise of its own, and the truth by month.

    The newest one comes two years after the others and knows them all; its own newest months lack as the others do.
    """
    noise = np.random.default_rng(seed)
    truth = {number: float(noise.uniform(5_000, 9_000)) for number in range(releases + 40)}

    def said(number: int) -> float:
        return truth[number]

    frames = []
    for number in range(10, 10 + releases):
        lacking = [said(number - lag) * c * float(np.exp(noise.normal(0, 0.02))) for lag, c in enumerate(COMPLETE)]
        frames.append(release(number, [*lacking], place))
    last = releases + 34
    fresh = [said(last - lag) * c * float(np.exp(noise.normal(0, 0.02))) for lag, c in enumerate(COMPLETE)]
    settled = [said(last - lag) for lag in range(len(COMPLETE), last)]
    frames.append(release(last, [*fresh, *settled], place))
    return pl.concat(frames), {month(number): value for number, value in truth.items()}


def test_completeness_is_the_median_share_of_the_newest_figure() -> None:
    """Three releases had 90, 80 and 97 of what is 100 now: median 0.90, extremes 0.80 and 0.97."""
    old = [release(n, [v]) for n, v in ((0, 90.0), (1, 80.0), (2, 97.0))]
    newest = release(20, [50.0, *[100.0] * 20])
    (row,) = revision_profile(pl.concat([*old, newest])).filter(lag=0).to_dicts()
    assert row["releases"] == 3
    assert (row["completeness_p10"], row["completeness_median"], row["completeness_p90"]) == (0.8, 0.9, 0.97)


def test_percentiles_stand_at_p_times_n_plus_one() -> None:
    """Of nine sorted ratios the first is the tenth percentile, the ninth the ninetieth."""
    old = [release(n, [90.0 + n]) for n in range(9)]
    newest = release(40, [50.0, *[100.0] * 40])
    (row,) = revision_profile(pl.concat([*old, newest])).filter(lag=0).to_dicts()
    assert (row["completeness_p10"], row["completeness_p90"]) == (0.90, 0.98)


def test_equal_content_counts_once() -> None:
    first = release(0, [80.0, 90.0])
    again = first.with_columns(pl.lit(month(5)).alias("release"))
    newest = release(20, [50.0, *[100.0] * 21])
    found = revision_profile(pl.concat([first, again, newest])).filter(pl.col("lag") < 2)
    assert found["releases"].to_list() == [1, 1]


def test_a_release_younger_than_a_year_teaches_nothing() -> None:
    """Its newest months are not settled in the newest release either."""
    newest = release(20, [50.0, *[100.0] * 20])
    found = revision_profile(pl.concat([release(9, [90.0]), release(8, [70.0]), newest])).filter(lag=0)
    assert found.select("releases", "completeness_median").rows() == [(1, 0.7)]


def test_a_missing_figure_gives_no_ratio_and_no_zero() -> None:
    newest = release(20, [50.0, *[100.0] * 20])
    (row,) = revision_profile(pl.concat([release(0, [None]), newest])).filter(lag=0).to_dicts()
    assert (row["releases"], row["completeness_median"]) == (0, None)


@pytest.mark.parametrize(("releases", "reason"), [(MIN_RELEASES - 1, "too_few_vintages"), (MIN_RELEASES, None)])
def test_below_eight_releases_there_is_no_nowcast(releases: int, reason: str | None) -> None:
    figures, _ = simulated(releases, 1)
    (row,) = nowcast(figures).filter(lag=0).to_dicts()
    assert row["no_estimate_reason"] == reason
    assert [row[c] is None for c in ("nowcast", "lower", "upper")] == [reason is not None] * 3


def test_a_nowcast_is_the_figure_over_its_completeness() -> None:
    figures, _ = simulated(12, 2)
    (row,) = nowcast(figures).filter(lag=1).to_dicts()
    (profile,) = revision_profile(figures).filter(lag=1).to_dicts()
    assert row["nowcast"] == pytest.approx(row["reported"] / profile["completeness_median"])
    assert row["lower"] == pytest.approx(row["reported"] / profile["completeness_p90"])
    assert row["upper"] == pytest.approx(row["reported"] / profile["completeness_p10"])


def test_a_figure_that_the_newest_release_lacks_is_not_estimated() -> None:
    figures, _ = simulated(10, 3)
    newest = (pl.col("release") == pl.col("release").max()) & (pl.col("lag") == 0)
    hidden = figures.with_columns(pl.when(~newest).then(pl.col("value")))
    (row,) = nowcast(hidden).filter(lag=0).to_dicts()
    assert (row["nowcast"], row["no_estimate_reason"]) == (None, "not_reported")


@pytest.mark.parametrize("releases", [9, 19])
def test_the_band_holds_four_in_five_of_the_totals_that_are_held_out(releases: int) -> None:
    """300 places with releases of their own: the newest figures are completed before their truth is known."""
    simulations = [simulated(releases, seed, f"US-{seed}") for seed in range(300)]
    found = nowcast(pl.concat([figures for figures, _ in simulations])).filter(pl.col("lag") < len(COMPLETE))
    truth = pl.DataFrame(
        [
            {"jurisdiction_id": f"US-{seed}", "month_ending": at, "truth": value}
            for seed, (_, values) in enumerate(simulations)
            for at, value in values.items()
        ]
    )
    told = found.join(truth, on=["jurisdiction_id", "month_ending"])
    inside = told.select(pl.col("truth").is_between("lower", "upper").mean()).item()
    assert told.height == 1200
    assert inside == pytest.approx(0.8, abs=0.03)


def test_the_order_of_rows_does_not_matter() -> None:
    figures, _ = simulated(12, 4)
    assert nowcast(figures.sample(fraction=1, shuffle=True, seed=1)).equals(nowcast(figures))


def test_scaling_deaths_scales_the_nowcast_and_no_completeness() -> None:
    figures, _ = simulated(12, 5)
    tenfold = figures.with_columns(pl.col("value") * 10)
    scaled, upper = (nowcast(f).filter(pl.col("lag") < len(COMPLETE))["upper"] for f in (tenfold, figures))
    assert scaled.to_list() == pytest.approx((upper * 10).to_list())
    assert revision_profile(tenfold)["completeness_median"].to_list() == pytest.approx(
        revision_profile(figures)["completeness_median"].to_list()
    )
