"""A refresh is killed three times in a row, each time a stage later, and the next one completes at once.

Every moment of tests/faults/moments.py comes once. The installation has a release and a new vintage of two sources
to take in; the answer is the release that an undisturbed refresh makes of the same archive.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from pipelines.release.publish import Manifest, current_manifest, releases
from pipelines.settings import Settings
from pipelines.vocabulary import read_json
from tests.faults.moments import MOMENTS, NEW
from tests.faults.processes import Analyst, Moment, analyst, duplicate, killed, listing, run

NEW_VINTAGES = [("cbp_drug_seizures", NEW), ("cdc_vsrr_overdose", "2026-01-14")]
QUESTION = "select release_id, content_hash, (select sum(events) from marts.seizures_monthly)::bigint from meta.release"
IN_A_ROW = 3


def chains() -> list[list[tuple[str, Moment]]]:
    """All moments in order, dealt out so that those of one chain lie stages apart."""
    every = [(stage, moment) for stage, moments in MOMENTS.items() for moment in moments]
    count = -(-len(every) // IN_A_ROW)
    return [every[n::count] for n in range(count)]


@pytest.fixture(scope="session")
def older(sample_release: Settings, shared_folder: Path) -> Settings:
    """An installation whose release lacks the newest vintage of two sources. Read only: take a copy."""
    folder = shared_folder / "older"
    with FileLock(shared_folder / ".older.lock"):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            own = duplicate(sample_release, folder)
            (own.data_marts / "refresh-sample.json").unlink()
            for source, vintage in NEW_VINTAGES:
                shutil.rmtree(own.data_raw / "sample" / source / vintage)
                shutil.rmtree(own.data_marts / "clean" / "sample" / source / vintage)
            code, said = run(own, "refresh", "--origin", "archive:sample")
            assert code == 0, said
            (folder / "done").touch()
    settings = sample_release.model_copy(update={"lock_timeout_seconds": 0, "keep_releases": 1})
    places = {name: folder / name for name in ("data_raw", "data_marts", "dagster_home")}
    return settings.model_copy(update=places)


def moments_of(chain: list[tuple[str, Moment]]) -> str:
    return "; ".join(f"{stage}, {moment.name}" for stage, moment in chain)


@pytest.mark.long
@pytest.mark.parametrize("chain", chains(), ids=moments_of)
def test_after_a_kill_the_next_refresh_completes_and_gives_the_release_of_an_undisturbed_one(
    chain: list[tuple[str, Moment]],
    older: Settings,
    sample_release: Settings,
    tmp_path: Path,
    record_property: pytest.FixtureRequest,
) -> None:
    record_property("moments", len(chain))
    own = duplicate(older, tmp_path).model_copy(update={"lock_timeout_seconds": 0})
    own.origin = "sample"
    before, wanted = current_manifest(own), current_manifest(sample_release)
    assert before is not None
    assert wanted is not None
    assert before.content_hash != wanted.content_hash
    with analyst(own.current, QUESTION) as seen:
        for _stage, moment in chain:
            killed(own, moment, "refresh")
        # No time to wait for a lock: one that a dead run kept would fail this refresh.
        code, said = run(own, "refresh")
    assert code == 0, said
    assert_one_release_at_a_time(seen, own)
    assert_equal_release(own, wanted)
    assert_no_wait_for_a_place(own)
    assert_nothing_left(own, sample_release)


def assert_one_release_at_a_time(seen: Analyst, own: Settings) -> None:
    """Every answer was that of one whole release."""
    assert seen.errors == []
    assert seen.asked >= 2
    sums = {answer[1]: answer[2] for answer in seen.answers}
    assert {(a[1], a[2]) for a in seen.answers} == set(sums.items())
    assert len(sums) <= 2


def assert_equal_release(own: Settings, wanted: Manifest) -> None:
    """The current release has the undisturbed one's content, table by table."""
    found = current_manifest(own)
    assert found is not None
    assert {n: t["hash"] for n, t in found.tables.items()} == {n: t["hash"] for n, t in wanted.tables.items()}
    assert found.content_hash == wanted.content_hash
    with duckdb.connect(str(own.current.resolve() / "drugflow.duckdb"), read_only=True) as connection:
        assert connection.execute("select release_id from meta.release").fetchall() == [(found.release_id,)]


def assert_no_wait_for_a_place(own: Settings) -> None:
    """No step of the last run was held up by Dagster's pools, and every run before it is over."""
    with sqlite3.connect(own.dagster_home / "history" / "runs.db") as connection:
        runs = connection.execute("select run_id, status from runs order by id").fetchall()
    assert {status for _, status in runs} <= {"SUCCESS", "FAILURE"}
    assert runs[-1][1] == "SUCCESS"
    with sqlite3.connect(own.dagster_home / "history" / "runs" / f"{runs[-1][0]}.db") as connection:
        (blocked,) = connection.execute(
            "select count(*) from event_logs where event like '%blocked by limit%'"
        ).fetchone()
    assert blocked == 0


def assert_nothing_left(own: Settings, undisturbed: Settings) -> None:
    """The folders have what an undisturbed installation has, and whole releases."""
    assert listing(own.data_marts.parent / "tmp") == set()
    assert _archived(own) == _archived(undisturbed)
    assert _derived(own) == _derived(undisturbed)
    assert [p for p in (own.dagster_home / "running").iterdir() if p.name.endswith(".lock")] == []
    kept = {p.name for p in own.releases.iterdir()}
    assert kept == {m.release_id for m in releases(own)}
    assert len(kept) <= own.keep_releases + 1
    whole = listing(undisturbed.current.resolve())
    newest = listing(own.current.resolve())
    assert newest == whole
    assert read_json(own.data_marts / "refresh-sample.json") is not None


def _archived(settings: Settings) -> set[str]:
    return {p for p in listing(settings.data_raw) if not p.endswith("/.writer.lock")}


def _derived(settings: Settings) -> set[str]:
    """Everything below data_marts but the releases and dbt's log files."""
    found = {p for p in listing(settings.data_marts) if not p.startswith("releases/")}
    return {p for p in found if not p.startswith(("build/sample/dbt/", "current/"))}
