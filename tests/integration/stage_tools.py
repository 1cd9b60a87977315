"""The stages of one source without Dagster and dbt, and the as-of macros over what they wrote.

What belongs here: running stages on an installation of a test, and small mirrors. What does not: expected figures.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import polars as pl

from pipelines.core.settings import Settings
from pipelines.quality.verdict import Verdict
from pipelines.refresh.look import ingest_source
from pipelines.refresh.origin import resolve_origin
from pipelines.refresh.stages import build_source_history, clean_source, judge_source


def run_stages(settings: Settings, source: str) -> list[Verdict]:
    """Ingest, clean, judge and build the history of one source; the verdicts, oldest vintage first."""
    ingest_source(settings, resolve_origin(settings), source)
    return derive(settings, source)


def derive(settings: Settings, source: str) -> list[Verdict]:
    """Everything after the archive."""
    clean_source(settings, "official", source)
    verdicts = judge_source(settings, "official", source)
    build_source_history(settings, "official", source)
    return verdicts


def history(settings: Settings, source: str) -> pl.DataFrame:
    """The history of a source as it was written."""
    return pl.read_parquet(settings.stage("history", "official") / f"{source}.parquet")


def coverage(settings: Settings, source: str) -> pl.DataFrame:
    """What each accepted vintage of a source speaks about, as it was written."""
    return pl.read_parquet(settings.stage("history", "official") / f"{source}.coverage.parquet")


def copy_vintage(mirror: Path, source: str, vintage: str, target: Path, published: str | None = None) -> Path:
    """Copy one vintage of a mirror into another mirror, under another release date if one is given."""
    folder = target / source / (published or vintage)
    shutil.copytree(mirror / source / vintage, folder, dirs_exist_ok=True)
    said = folder / "vintage.json"
    if published and said.exists():
        said.write_text(json.dumps({**json.loads(said.read_text("utf-8")), "published": published}), "utf-8")
    return folder


def macros_over(settings: Settings, source: str, release: Path) -> duckdb.DuckDBPyConnection:
    """A database with the release's as-of macros and dimensions, and the histories of an installation."""
    connection = duckdb.connect()
    connection.execute("create schema history; create schema marts")
    folder = settings.stage("history", "official")
    connection.execute(f"create view history.{source} as from read_parquet('{folder / source}.parquet')")
    connection.execute(f"create view history.coverage as from read_parquet('{folder / source}.coverage.parquet')")
    connection.execute(f"attach '{release / 'drugflow.duckdb'}' as released (read_only)")
    connection.execute("create table marts.dim_drug as from released.marts.dim_drug")
    name = {"cbp_drug_seizures": "seizures_as_of", "cdc_vsrr_overdose": "overdose_deaths_as_of"}[source]
    row = connection.execute(
        "select macro_definition from duckdb_functions() where database_name = 'released' and function_name = ?", [name]
    ).fetchone()
    assert row is not None
    connection.execute(f"create macro main.{name}(d) as table {row[0]}")
    return connection
