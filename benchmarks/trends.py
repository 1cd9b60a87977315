"""What the statistics cost, and that their cost is linear: ``python -m benchmarks trends``.

Reads the series of the build of the current release, and multiplies them: ten times the series under other names, and
ten times the months by going on with the same values. Every figure is computed; nothing is remembered.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import duckdb
import polars as pl

from pipelines.analysis.anomalies import anomalies
from pipelines.analysis.change_points import change_points
from pipelines.analysis.seasonality import decompose
from pipelines.orchestration.stages import resolve_origin
from pipelines.settings import Settings

TIMES = 10
SEASON = ["scope", "scope_id", "drug_id", "measure"]


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
    path = settings.stage("build", resolve_origin(settings).realm) / "drugflow.duckdb"
    with duckdb.connect(str(path), read_only=True) as build:
        season = build.sql("from intermediate.int_seizure_series where measure <> 'quantity_lb'").pl()
        points = build.sql("select series_id, month, value from intermediate.int_change_point_series").pl()
        standing = build.sql(
            "select series_id, family, month, value, is_count from intermediate.int_anomaly_series"
        ).pl()
    works: list[tuple[str, Callable[[pl.DataFrame], pl.DataFrame], pl.DataFrame, list[str]]] = [
        ("seasonal decomposition", lambda rows: decompose(rows, SEASON), season, SEASON),
        ("change points, at most 3", lambda rows: change_points(rows, (3,)), points, ["series_id"]),
        ("anomalies", anomalies, standing, ["series_id"]),
    ]
    sys.stdout.write("| statistic | rows | as they are | 10x series | 10x months |\n|---|---|---|---|---|\n")
    for name, work, rows, by in works:
        work(rows.head(0))
        costs = [seconds(work, part) for part in (rows, more_series(rows, by[-1]), more_months(rows, by))]
        sys.stdout.write(f"| {name} | {rows.height:,} | {' | '.join(f'{c:.1f} s' for c in costs)} |\n")
        sys.stdout.flush()
