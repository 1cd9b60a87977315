"""The benchmark of the statistics runs on what a build has now: what it selects, multiplies and computes."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from benchmarks.trends import TIMES, Work, more_months, more_series, works
from pipelines.core.settings import Settings
from pipelines.refresh.origin import resolve_origin

FEW = 2


@pytest.fixture(scope="module")
def few(sample_release: Settings) -> list[Work]:
    """Every statistic on the two longest series of the embedded sample, whose rows are real ones."""
    build = sample_release.stage("build", resolve_origin(sample_release).realm) / "drugflow.duckdb"
    found = []
    for work in works(build):
        longest = work.rows.group_by(work.by).len().sort("len", *work.by, descending=True).head(FEW)
        found.append(replace(work, rows=work.rows.join(longest, on=work.by, how="semi")))
    return found


def span(rows: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Rows, different months and months from the first to the last of each series."""
    first, last = pl.col("month").min(), pl.col("month").max()
    return (
        rows.group_by(by)
        .agg(
            pl.len().alias("rows"),
            pl.col("month").n_unique().alias("months"),
            ((last.dt.year() - first.dt.year()) * 12 + last.dt.month() - first.dt.month() + 1).alias("reach"),
        )
        .sort(by)
    )


def test_all_statistics_that_are_remembered_are_measured(few: list[Work]) -> None:
    assert [work.name for work in few] == [
        "seasonal decomposition",
        "change points, nation and border, at most 3 and 4",
        "change points, states, at most 3",
        "anomalies",
    ]


def test_every_statistic_is_computed_on_the_rows_of_its_model(few: list[Work]) -> None:
    for work in few:
        computed = work.compute(work.rows)
        assert set(work.by) <= set(computed.columns), work.name
        assert work.rows.height > 0, work.name
        assert computed.height > 0, work.name


def test_ten_times_the_series_have_the_same_months_under_ten_names(few: list[Work]) -> None:
    for work in few:
        once, more = span(work.rows, work.by), span(more_series(work.rows, work.by[-1]), work.by)
        assert more.height == TIMES * once.height, work.name
        assert sorted(more["rows"]) == sorted([*once["rows"]] * TIMES), work.name


def test_ten_times_the_months_follow_one_another(few: list[Work]) -> None:
    for work in few:
        once, more = span(work.rows, work.by), span(more_months(work.rows, work.by), work.by)
        assert more["rows"].to_list() == [TIMES * n for n in once["rows"]], work.name
        assert more["months"].to_list() == [TIMES * n for n in once["months"]], work.name
        assert more["reach"].to_list() == [TIMES * n for n in once["reach"]], work.name


def test_ten_times_the_series_give_ten_times_the_results(few: list[Work]) -> None:
    for work in few:
        more = work.compute(more_series(work.rows, work.by[-1]))
        assert more.height == TIMES * work.compute(work.rows).height, work.name
