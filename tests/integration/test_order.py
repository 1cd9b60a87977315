"""Vintages may arrive in any order, again and again, and go and come back: the result is a function of the archive."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as property_settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipelines.archive.vintages import list_archive
from pipelines.core.settings import Settings
from pipelines.refresh.look import ingest_source
from pipelines.refresh.origin import active_sources, resolve_origin
from pipelines.releases.manifest import current_manifest
from tests.conftest import installation, run_refresh
from tests.integration.stage_tools import copy_vintage, coverage, derive, history, run_stages

CBP = "cbp_drug_seizures"
VSRR = "cdc_vsrr_overdose"
VINTAGES = {
    CBP: ["2022-11-15", "2023-11-15", "2024-04-08", "2026-01-15"],
    # Full releases that overlap, two export styles of one release, and one indicator alone.
    VSRR: ["2017-12-16", "2019-04-24", "2019-04-30", "2019-07-11", "2026-06-27"],
}


@dataclass(frozen=True)
class Loaded:
    """An installation with some vintages of one source, and the mirror it reads."""

    source: str
    settings: Settings
    mirror: Path

    def arrive(self, real: Path, vintage: str, published: str | None = None) -> Path:
        """Put a vintage of the real mirror into this one."""
        return copy_vintage(real, self.source, vintage, self.mirror, published)

    def archived(self) -> list[str]:
        return [v.id for v in list_archive(self.settings.data_raw, "official", self.source)]

    def leave(self, archive_id: str) -> None:
        """Lose a vintage from the archive, as a person with a shell could."""
        shutil.rmtree(self.settings.data_raw / "official" / self.source / archive_id)


def empty(source: str, folder: Path) -> Loaded:
    mirror = folder / "mirror"
    (mirror / source).mkdir(parents=True)
    return Loaded(source, installation(folder, f"mirror:{mirror}"), mirror)


def assert_same_history(one: Loaded, other: Loaded) -> None:
    """The same rows in the same order, and the same bytes in the file."""
    assert_frame_equal(history(one.settings, one.source), history(other.settings, other.source))
    assert_frame_equal(coverage(one.settings, one.source), coverage(other.settings, other.source))
    files = [x.settings.stage("history", "official") / f"{x.source}.parquet" for x in (one, other)]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.fixture(scope="module")
def forward(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loaded]:
    """Each source with all its vintages, there at once. Read only."""
    loaded = {}
    for source, vintages in VINTAGES.items():
        loaded[source] = empty(source, tmp_path_factory.mktemp("forward"))
        for vintage in vintages:
            loaded[source].arrive(mirror, vintage)
        verdicts = run_stages(loaded[source].settings, source)
        assert [(v.vintage, v.state) for v in verdicts] == [(v, "accepted") for v in vintages]
    return loaded


@pytest.fixture
def copied(forward: dict[str, Loaded], tmp_path: Path, request: pytest.FixtureRequest) -> Loaded:
    """A copy of an installation with all vintages, to be changed."""
    whole = forward[request.param]
    shutil.copytree(whole.mirror.parent, tmp_path / "copy", symlinks=True)
    mirror = tmp_path / "copy" / "mirror"
    return Loaded(whole.source, installation(tmp_path / "copy", f"mirror:{mirror}"), mirror)


both = pytest.mark.parametrize("copied", [CBP, VSRR], indirect=True)
only_cbp = pytest.mark.parametrize("copied", [CBP], indirect=True)


def load_in_order(source: str, mirror: Path, order: Sequence[str], folder: Path) -> Loaded:
    """Every stage after every arrival, as a refresh a night would run them."""
    loaded = empty(source, folder)
    for vintage in order:
        loaded.arrive(mirror, vintage)
        run_stages(loaded.settings, source)
    return loaded


def test_any_order_of_arrival_gives_the_same_seizures(forward: dict[str, Loaded], mirror: Path) -> None:
    @property_settings(
        max_examples=2, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @example(order=VINTAGES[CBP][::-1])
    @given(order=st.permutations(VINTAGES[CBP]))
    def check(order: list[str]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            assert_same_history(load_in_order(CBP, mirror, order, Path(folder)), forward[CBP])

    check()


@pytest.mark.parametrize("order", [[4, 3, 2, 1, 0], [2, 4, 0, 3, 1]], ids=["newest first", "mixed"])
def test_any_order_of_arrival_gives_the_same_deaths(
    forward: dict[str, Loaded], mirror: Path, tmp_path: Path, order: list[int]
) -> None:
    loaded = load_in_order(VSRR, mirror, [VINTAGES[VSRR][at] for at in order], tmp_path)
    assert_same_history(loaded, forward[VSRR])


@both
def test_the_same_vintages_again_change_nothing(copied: Loaded, forward: dict[str, Loaded]) -> None:
    before = copied.archived()
    report = ingest_source(copied.settings, resolve_origin(copied.settings), copied.source)
    assert (report.added, report.known, report.problems) == ([], len(before), [])
    derive(copied.settings, copied.source)
    assert copied.archived() == before
    assert_same_history(copied, forward[copied.source])


@both
def test_a_vintage_taken_away_and_added_back_leaves_no_trace(copied: Loaded, forward: dict[str, Loaded]) -> None:
    whole = history(forward[copied.source].settings, copied.source)
    for vintage in VINTAGES[copied.source]:
        copied.leave(vintage)
        verdicts = derive(copied.settings, copied.source)
        assert vintage not in [v.vintage for v in verdicts]
        assert not history(copied.settings, copied.source).equals(whole)
        run_stages(copied.settings, copied.source)
        assert_same_history(copied, forward[copied.source])


@both
def test_equal_content_under_a_later_date_is_no_new_vintage(
    copied: Loaded, forward: dict[str, Loaded], mirror: Path
) -> None:
    newest = VINTAGES[copied.source][-1]
    copied.arrive(mirror, newest, published="2026-07-20")
    verdicts = run_stages(copied.settings, copied.source)
    assert copied.archived()[-1] == "2026-07-20"
    assert [v.vintage for v in verdicts] == VINTAGES[copied.source]
    assert_same_history(copied, forward[copied.source])


@only_cbp
def test_equal_content_that_arrives_before_its_first_date_is_no_new_vintage(
    copied: Loaded, forward: dict[str, Loaded], mirror: Path
) -> None:
    copied.leave("2026-01-15")
    shutil.rmtree(copied.mirror / CBP / "2026-01-15")
    copied.arrive(mirror, "2026-01-15", published="2026-02-20")
    assert [v.vintage for v in run_stages(copied.settings, CBP)][-1] == "2026-02-20"
    copied.arrive(mirror, "2026-01-15")
    assert [v.vintage for v in run_stages(copied.settings, CBP)] == VINTAGES[CBP]
    assert_same_history(copied, forward[CBP])


@only_cbp
def test_a_second_content_under_one_date_replaces_the_first(
    copied: Loaded, forward: dict[str, Loaded], mirror: Path
) -> None:
    """First a file that CBP corrects the same day: one event more in one row of the running year."""
    copied.leave("2024-04-08")
    (file,) = (copied.mirror / CBP / "2024-04-08").iterdir()
    right = file.read_text("utf-8")
    line = next(x for x in right.splitlines() if x.startswith("2024 (FYTD),FEB,") and ",Fentanyl," in x)
    *place, events, pounds = line.split(",")
    file.write_text(right.replace(line, ",".join([*place, str(int(events) + 1), pounds])), "utf-8")
    run_stages(copied.settings, CBP)
    wrong = history(copied.settings, CBP)
    assert not wrong.equals(history(forward[CBP].settings, CBP))

    file.write_text(right, "utf-8")
    verdicts = run_stages(copied.settings, CBP)
    assert copied.archived() == ["2022-11-15", "2023-11-15", "2024-04-08", "2024-04-08.2", "2026-01-15"]
    assert [v.archive_id for v in verdicts] == ["2022-11-15", "2023-11-15", "2024-04-08.2", "2026-01-15"]
    assert_same_history(copied, forward[CBP])


# --- the whole release ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reloaded(official_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation that lost its whole archive, then got it back newest vintage first.

    It keeps what was derived. Stages run while a source has its newest vintage only (of the small sources; large
    ones have tests above), and a refresh once all are back.
    """
    folder = tmp_path_factory.mktemp("reloaded")
    settings = installation(folder, official_release.origin or "")
    for stage in ("clean", "quality", "history"):
        shutil.copytree(official_release.data_marts / stage, settings.data_marts / stage)
    for source in active_sources():
        archive = official_release.data_raw / "official" / source
        for at, vintage in enumerate(sorted(archive.glob("[!.]*"), reverse=True)):
            shutil.copytree(vintage, settings.data_raw / "official" / source / vintage.name)
            if at == 0 and source not in (VSRR, "bts_border_crossings"):
                derive(settings, source)
    outcome = run_refresh(settings)
    assert (outcome.exit_code, outcome.changed) == (0, True), (outcome.failure, outcome.blocked)
    return settings


def test_a_release_does_not_depend_on_the_order_of_arrival(official_release: Settings, reloaded: Settings) -> None:
    once, again = current_manifest(official_release), current_manifest(reloaded)
    assert once is not None
    assert again is not None
    assert again.release_id != once.release_id
    assert {n: t["hash"] for n, t in again.tables.items()} == {n: t["hash"] for n, t in once.tables.items()}
    assert again.content_hash == once.content_hash
