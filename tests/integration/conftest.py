"""Fixtures of the tests that look at a whole release."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.core.settings import Settings
from tests.conftest import installation
from tests.integration import raw_files


@dataclass(frozen=True)
class Damage:
    """A full release, and the later date under which it comes again without a tenth of its rows."""

    good: str
    published: str
    at_random: bool


TENTH = {
    "bts_border_crossings": Damage("2025-04-01", "2025-05-01", at_random=True),
    "cbp_drug_seizures": Damage("2026-01-15", "2026-02-15", at_random=False),
    "cdc_vsrr_overdose": Damage("2025-07-16", "2025-08-13", at_random=True),
}


@pytest.fixture(scope="session")
def db(official_release: Settings, mirror: Path, real_data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The release of the real files, read-only, with those files beside it as tables in memory.raw."""
    connection = raw_files.beside_release(official_release.current.resolve() / "drugflow.duckdb")
    for load in (
        raw_files.load_cbp,
        raw_files.load_amo,
        raw_files.load_vsrr,
        raw_files.load_bts,
        raw_files.load_census,
        raw_files.load_wonder,
    ):
        load(connection, mirror)
    raw_files.load_final_deaths(connection, real_data)
    yield connection
    connection.close()


def drugflow(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, on an installation of a test."""
    places = {
        "DRUGFLOW_DATA_RAW": settings.data_raw,
        "DRUGFLOW_DATA_MARTS": settings.data_marts,
        "DRUGFLOW_DAGSTER_HOME": settings.dagster_home,
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DRUGFLOW_", "DAGSTER_HOME"))}
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *arguments],
        capture_output=True,
        text=True,
        env={**kept, **{k: str(v) for k, v in places.items()}},
        cwd=Path(__file__).resolve().parents[2],
        check=False,
    )


def without_a_tenth(file: Path, target: Path, at_random: bool) -> None:
    """Write a copy of a data file that lacks a tenth of its rows: some anywhere, or all at its end."""

    def kept(count: int) -> list[int]:
        left = count - count // 10
        return sorted(random.Random(7).sample(range(count), left)) if at_random else list(range(left))

    if file.suffix == ".parquet":
        frame = pl.read_parquet(file)
        frame[kept(frame.height)].write_parquet(target)
        return
    text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    header, *lines = text.splitlines(keepends=True)
    damaged = b"".join([header, *(lines[at] for at in kept(len(lines)))])
    target.write_bytes(gzip.compress(damaged, 1) if file.suffix == ".gz" else damaged)


@dataclass
class Watch:
    """An analyst's open connection, and one opened anew again and again, while a release is published."""

    current: Path
    errors: list[str] = field(default_factory=list)
    old: list[tuple[str, int]] = field(default_factory=list)
    new: list[tuple[str, int]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    QUERY = "select (select release_id from meta.release), (select sum(events) from marts.seizures_monthly)::bigint"

    def run(self) -> None:
        with duckdb.connect(str(self.current / "drugflow.duckdb"), read_only=True) as held:
            while not self.stopped.wait(0.2):
                self._ask(held, self.old)
                self._look_anew()
            self._ask(held, self.old)
            self._look_anew()

    def _look_anew(self) -> None:
        try:
            with duckdb.connect(str(self.current.resolve() / "drugflow.duckdb"), read_only=True) as opened:
                self._ask(opened, self.new)
        except duckdb.Error as error:
            self.errors.append(str(error))

    def _ask(self, connection: duckdb.DuckDBPyConnection, answers: list[tuple[str, int]]) -> None:
        try:
            (answer,) = connection.execute(self.QUERY).fetchall()
            answers.append(answer)
        except duckdb.Error as error:
            self.errors.append(str(error))


@dataclass(frozen=True)
class SecondPublish:
    """An installation in which damaged files arrived after an official release, and its refresh."""

    settings: Settings
    first_release: str
    done: subprocess.CompletedProcess[str]
    watch: Watch


@pytest.fixture(scope="session")
def damaged_mirror(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real files that lack a tenth of their rows, each under a release date after the good one's."""
    root = tmp_path_factory.mktemp("damaged_mirror")
    for source, damage in TENTH.items():
        (file,) = (mirror / source / damage.good).iterdir()
        folder = root / source / damage.published
        folder.mkdir(parents=True)
        without_a_tenth(file, folder / file.name, damage.at_random)
    return root


@pytest.fixture(scope="session")
def second_publish(
    official_release: Settings, damaged_mirror: Path, tmp_path_factory: pytest.TempPathFactory
) -> SecondPublish:
    """A copy of the official installation after a refresh that met damaged files, watched by readers.

    Read only, but for a test that proves that something leaves it unchanged.
    """
    folder = tmp_path_factory.mktemp("second_publish")
    settings = installation(folder, f"mirror:{damaged_mirror}")
    shutil.copytree(official_release.data_raw, settings.data_raw)
    shutil.copytree(official_release.data_marts, settings.data_marts, symlinks=True)
    first_release = settings.current.resolve().name
    watch = Watch(settings.current)
    reader = threading.Thread(target=watch.run)
    reader.start()
    try:
        done = drugflow(settings, "refresh", "--origin", f"mirror:{damaged_mirror}")
    finally:
        watch.stopped.set()
        reader.join()
    return SecondPublish(settings, first_release, done, watch)


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def command() -> Command:
    """Run the command line on an installation: command(settings, "status", "--json")."""
    return drugflow
