"""Releases when the clock goes back, a folder is deleted by hand, or releases change under a reader."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.query.session import Session
from pipelines.refresh.origin import resolve_origin
from pipelines.release import publish as publishing
from pipelines.release.publish import prune, refuse_sample_over_official, rollback, swap, unpin
from pipelines.releases.manifest import current_manifest, releases
from tests.conftest import ROOT
from tests.unit.release.test_publish import Build
from tests.unit.release.tiny import TABLES, release, settings_of

SWAPS, READERS, QUESTIONS = 20, 2, 1500
NAMES = [f"202601{day:02}T000000Z" for day in range(1, SWAPS + 2)]


def current(settings: Settings) -> str | None:
    """Id of the release that analysts open."""
    manifest = current_manifest(settings)
    return manifest.release_id if manifest else None


def ids(settings: Settings) -> list[str]:
    """Kept releases, oldest first."""
    return [m.release_id for m in releases(settings)]


# --- the clock ------------------------------------------------------------------------------------------------


class Clock:
    """Stands for the class datetime in one module: its days go back by one with each look."""

    looks = 0

    @classmethod
    def now(cls, zone: object) -> datetime:
        cls.looks += 1
        assert zone is UTC
        return datetime(2026, 3, 10, tzinfo=UTC) - timedelta(days=cls.looks)


@pytest.fixture(scope="module")
def backwards(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, list[str]]:
    """Three releases, each published a day before the one before it, by the clock; one is kept beside the current."""
    build = Build(tmp_path_factory.mktemp("clock"), keep=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "datetime", Clock)
        published = []
        for night in range(3):
            build.state(tests=[{**build.failing("warning"), "failures": night}])
            published.append(build.publish().release_id)
    assert published == sorted(published, reverse=True)
    return build.settings, published


def test_a_clock_set_back_does_not_change_which_release_is_the_newest(backwards: tuple[Settings, list[str]]) -> None:
    settings, published = backwards
    assert current(settings) == published[-1]
    assert ids(settings) == published[1:]


def test_a_rollback_after_a_clock_set_back_shows_the_release_published_before(
    backwards: tuple[Settings, list[str]],
) -> None:
    settings, published = backwards
    assert rollback(settings, None).release_id == published[1]
    assert unpin(settings) == releases(settings)[-1]
    assert current(settings) == published[2]


def test_a_pinned_release_outlives_one_published_by_a_clock_set_back(tmp_path: Path) -> None:
    build = Build(tmp_path, keep=1)
    first = build.publish().release_id
    rollback(build.settings, first)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "datetime", Clock)
        second = build.publish().release_id
    assert current(build.settings) == first
    assert ids(build.settings) == [first, second]
    unpin(build.settings)
    assert current(build.settings) == second


# --- a release deleted by hand --------------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path: Path) -> Settings:
    """Three official releases, the newest one current."""
    settings = settings_of(tmp_path)
    for name in NAMES[:3]:
        release(settings, name)
    return settings


@pytest.fixture(params=["folder", "database"])
def lost(request: pytest.FixtureRequest, three: Settings) -> Settings:
    """The current release was deleted by hand, whole or its database alone."""
    folder = three.releases / NAMES[2]
    shutil.rmtree(folder) if request.param == "folder" else (folder / "drugflow.duckdb").unlink()
    return three


def test_a_query_says_which_release_is_gone_and_how_to_go_on(lost: Settings) -> None:
    with pytest.raises(DrugflowError, match=rf"{NAMES[2]} is gone .*drugflow refresh.*drugflow rollback.*{NAMES[1]}"):
        Session(lost)


def test_a_rollback_shows_the_newest_release_that_is_left(lost: Settings) -> None:
    assert rollback(lost, None).release_id == NAMES[1]
    assert current(lost) == NAMES[1]


def test_what_is_refreshed_next_comes_from_the_origin_of_the_newest_kept_release(
    lost: Settings, tmp_path: Path
) -> None:
    mirror = tmp_path / "agencies"
    mirror.mkdir()
    manifest = lost.releases / NAMES[1] / "manifest.json"
    said = json.loads(manifest.read_text("utf-8"))
    manifest.write_text(json.dumps({**said, "origin": f"mirror:{mirror}"}), "utf-8")
    assert resolve_origin(lost).name == f"mirror:{mirror}"


def test_a_sample_does_not_take_the_place_of_an_official_release_that_is_gone(lost: Settings) -> None:
    with pytest.raises(DrugflowError, match="SAMPLE never replaces it"):
        refuse_sample_over_official(lost, "sample")


def test_a_pinned_release_that_is_gone_holds_back_no_new_one(tmp_path: Path) -> None:
    build = Build(tmp_path)
    first = build.publish().release_id
    build.publish()
    rollback(build.settings, first)
    shutil.rmtree(build.settings.releases / first)
    third = build.publish().release_id
    assert current(build.settings) == third


def test_a_release_that_lost_its_database_is_not_offered_for_a_rollback(three: Settings) -> None:
    (three.releases / NAMES[0] / "drugflow.duckdb").unlink()
    with pytest.raises(DrugflowError, match=f"There is no release {NAMES[0]}. Kept: {NAMES[1]}, {NAMES[2]}"):
        rollback(three, NAMES[0])


# --- rollback -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(3))
def test_any_kept_release_is_shown_by_a_rollback_and_stays_until_it_is_unpinned(three: Settings, at: int) -> None:
    rollback(three, NAMES[at])
    for name in NAMES[3:6]:
        release(three, name, current=False)
        prune(three.model_copy(update={"keep_releases": 2}))
        assert current(three) == NAMES[at]
    assert ids(three) == [NAMES[at], *NAMES[4:6]]
    unpin(three)
    assert current(three) == NAMES[5]


# --- a reader -------------------------------------------------------------------------------------------------

READER = """
import duckdb, sys, pathlib
current, asked = pathlib.Path(sys.argv[1]), 0
print("ready", flush=True)
while asked < int(sys.argv[2]) or not pathlib.Path(sys.argv[3]).exists():
    with duckdb.connect(str(current / "drugflow.duckdb"), read_only=True) as connection:
        seen = {connection.execute(f"select name from marts.part_{n}").fetchone()[0] for n in (1, 2, 3)}
        assert len(seen) == 1, f"mixed: {seen}"
        asked += 3
print(asked, flush=True)
"""
MARKED = TABLES + "".join(f"create table marts.part_{n} as select '{{name}}' as name;\n" for n in (1, 2, 3))


def test_thousands_of_questions_across_twenty_swaps_meet_no_error_and_no_mixture(tmp_path: Path) -> None:
    """Each swap also deletes an older release, which readers may have open.

    DuckDB follows the link before it opens the file: a reader has as long as the kept releases last, here a second.
    """
    settings = settings_of(tmp_path, keep=5)
    release(settings, NAMES[0], sql=MARKED.replace("{name}", NAMES[0]))
    over = tmp_path / "over"
    command = [sys.executable, "-c", READER, str(settings.current), str(QUESTIONS), str(over)]
    readers = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(READERS)
    ]
    try:
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
        for name in NAMES[1:]:
            release(settings, name, sql=MARKED.replace("{name}", name), current=False)
            swap(settings, name)
            prune(settings)
            time.sleep(0.2)
        over.touch()
        answers = [reader.communicate(timeout=120) for reader in readers]
    finally:
        for reader in readers:
            reader.kill()
    assert [said for _, said in answers] == [""] * READERS
    assert all(int(asked) >= QUESTIONS for asked, _ in answers)
    assert ids(settings) == NAMES[-6:]
