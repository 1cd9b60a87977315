"""What the statistics cost, and how it grows: ``python -m benchmarks trends``.

Reads the series of the build of the current release, and multiplies them: ten times the series under other names, and
ten times the months by going on with the same values. Every figure is computed; nothing is remembered.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import polars as pl

from pipelines.analysis.anomalies import anomalies
from pipelines.analysis.change_points import change_points, parts
from pipelines.analysis.seasonality import decompose
from pipelines.core.settings import Settings
from pipelines.refresh.origin import resolve_origin

TIMES = 10
SEASON = ["scope", "scope_id", "drug_id", "measure"]
ID = ["series_id"]


@dataclass(frozen=True)
class Work:
    """A statistic as the models ask for it. rows: all series, told apart by the columns of by."""

    name: str
    compute: Callable[[pl.DataFrame], pl.DataFrame]
    rows: pl.DataFrame
    by: list[str]


def works(build: Path) -> list[Work]:
    """The statistics of a build file, each with the rows that its model gives it."""
    with duckdb.connect(str(build), read_only=True) as db:
        season = db.sql(
            "select month, scope, scope_id, drug_id, measure, value from intermediate.int_seizure_series "
            "where measure <> 'quantity_lb'"
        ).pl()
        points = db.sql(
            "select series_id, month, value, is_break_affected from intermediate.int_change_point_series"
        ).pl()
        standing = db.sql("select series_id, family, month, value, is_count from intermediate.int_anomaly_series").pl()
    return [
        Work("seasonal decomposition", partial(decompose, by=SEASON), season, SEASON),
        *(
            Work(_named(name, k_max), partial(change_points, k_max=k_max), rows, ID)
            for name, (rows, k_max) in parts(points).items()
        ),
        Work("anomalies", anomalies, standing, ID),
    ]


def _named(part: str, k_max: tuple[int, ...]) -> str:
    return f"change points, {part.replace('_', ' ')}, at most {' and '.join(map(str, k_max))}"


def more_series(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """The same series under ten names."""
    return pl.concat([rows.with_columns((pl.col(name) + f"#{n}").alias(name)) for n in range(TIMES)])


def more_months(rows: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Each series ten times as long: its values again, each time a window of its own later."""
    length = rows.with_columns(pl.len().over(by).alias("length"))
    longer = [
        length.with_columns(pl.col("month").dt.offset_by((n * pl.col("length")).cast(pl.String) + "mo"))
        for n in range(TIMES)
    ]
    return pl.concat(longer).drop("length")


def seconds(work: Callable[[pl.DataFrame], pl.DataFrame], rows: pl.DataFrame) -> float:
    """Processor seconds of one computation."""
    started = time.process_time()
    work(rows)
    return time.process_time() - started


def measure() -> None:
    """Print a row a statistic: on the series as they are, on ten times the series, on ten times the months."""
    settings = Settings()
    build = settings.stage("build", resolve_origin(settings).realm) / "drugflow.duckdb"
    sys.stdout.write("| statistic | rows | as they are | 10x series | 10x months |\n|---|---|---|---|---|\n")
    for work in works(build):
        work.compute(work.rows.head(0))
        sizes = (work.rows, more_series(work.rows, work.by[-1]), more_months(work.rows, work.by))
        costs = " | ".join(f"{seconds(work.compute, rows):.1f} s" for rows in sizes)
        sys.stdout.write(f"| {work.name} | {work.rows.height:,} | {costs} |\n")
        sys.stdout.flush()
