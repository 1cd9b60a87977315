"""What must hold after any fault: one whole release at a time, the undisturbed content, and nothing left behind.

What belongs here: assertions about an installation. What does not: bringing the faults about.
"""

from __future__ import annotations

import sqlite3

import duckdb

from pipelines.core.files import read_json
from pipelines.core.settings import Settings
from pipelines.releases.manifest import Manifest, current_manifest, releases
from tests.faults.processes import Analyst, listing

ACCOUNTS = {".alerts.lock", ".turn.json", ".turn.lock", "alerts.json", "last_refresh.json", "refresh.log"}
"""What the command line and the night write beside the stages; the undisturbed release is built without them."""
QUESTION = "select release_id, content_hash, (select sum(events) from marts.seizures_monthly)::bigint from meta.release"


def assert_one_release_at_a_time(seen: Analyst, own: Settings) -> None:
    """Every answer was that of one whole release."""
    assert seen.errors == []
    # Every tenth of a second, however long the faults took; the first two questions come before any fault.
    assert seen.asked > 20
    sums = {answer[1]: answer[2] for answer in seen.answers}
    assert {(a[1], a[2]) for a in seen.answers} == set(sums.items())
    # The figures before and after; a release that only tells of a held vintage has those of the one before.
    assert len(set(sums.values())) <= 2


def figures(manifest: Manifest | None) -> dict[str, str]:
    """Hashes of the tables of figures, without what meta says of vintages, checks and cautions."""
    assert manifest is not None
    return {name: str(t["hash"]) for name, t in manifest.tables.items() if not name.startswith("meta.")}


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
    """Everything below data_marts but the releases, the accounts of refreshes and dbt's log files."""
    found = {p for p in listing(settings.data_marts) if not p.startswith("releases/")} - ACCOUNTS
    return {p for p in found if not p.startswith(("build/sample/dbt/", "current/"))}
