"""Publishing and deleting old releases, ended with signal 9 at each of their steps, one after the other.

The release is made from an empty build, so that each try takes seconds; whole refreshes are killed by make faults.
"""

from __future__ import annotations

import duckdb
import pytest

from pipelines.core.settings import Settings
from pipelines.releases.manifest import current_manifest, releases
from tests.faults.moments import MOMENTS
from tests.faults.processes import Analyst, Moment, analyst, killed, listing, run
from tests.unit.release.test_publish import Build

PUBLISHING = "tests.faults.publish_again"
STEPS = [
    next(m for m in MOMENTS["assembly"] if not m.seconds),
    MOMENTS["export"][0],
    *MOMENTS["publish"],
    *MOMENTS["retention"][:2],
]
QUESTION = "select release_id, (select count(*) from marts.dim_month) from meta.release"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Analyst, list[set[str]]]:
    """Two whole releases, a kill at each step, and then one that nobody disturbs."""
    build = Build(tmp_path_factory.mktemp("killed"), keep=1)
    build.publish()
    build.publish()
    broken = []
    with analyst(build.settings.current, QUESTION) as seen:
        for step in STEPS:
            killed(build.settings, step, module=PUBLISHING)
            broken.append(_broken(build.settings))
        code, said = run(build.settings, module=PUBLISHING)
        assert code == 0, said
    return build.settings, seen, broken


def _broken(settings: Settings) -> set[str]:
    """Visible release folders that lack a part, and a current link that leads nowhere."""
    whole = {m.release_id for m in releases(settings)}
    found = {p.name for p in settings.releases.glob("[!.]*")} - whole
    return found if current_manifest(settings) else {*found, "current"}


def test_no_kill_leaves_a_visible_folder_that_is_not_whole(
    ended: tuple[Settings, Analyst, list[set[str]]],
) -> None:
    assert ended[2] == [set()] * len(STEPS)


def test_an_analyst_is_answered_all_the_while(ended: tuple[Settings, Analyst, list[set[str]]]) -> None:
    _, seen, _ = ended
    assert seen.errors == []
    assert seen.asked > len(STEPS)


def test_the_next_publishing_clears_away_what_the_killed_ones_left(
    ended: tuple[Settings, Analyst, list[set[str]]],
) -> None:
    settings, _, _ = ended
    assert list(settings.releases.glob(".*")) == []
    assert list(settings.data_marts.glob(".current*")) == []
    assert listing(settings.data_marts.parent / "tmp") == set()


def test_so_many_whole_releases_are_kept_as_are_asked_for(ended: tuple[Settings, Analyst, list[set[str]]]) -> None:
    settings, _, _ = ended
    kept = releases(settings)
    assert len(kept) == settings.keep_releases + 1
    current = current_manifest(settings)
    assert current is not None
    assert kept[-1].release_id == current.release_id
    for manifest in kept:
        folder = settings.releases / manifest.release_id
        assert listing(folder) == listing(settings.current.resolve())
        with duckdb.connect(str(folder / "drugflow.duckdb"), read_only=True) as connection:
            assert connection.execute("select release_id from meta.release").fetchall() == [(manifest.release_id,)]


def test_a_moment_that_never_comes_is_a_failure_of_the_test(ended: tuple[Settings, Analyst, list[set[str]]]) -> None:
    never = Moment("never", "os.rename", "no such path")
    with pytest.raises(AssertionError, match="was never reached"):
        killed(ended[0], never, module=PUBLISHING)
