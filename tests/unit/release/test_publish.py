"""Publishing: complete before visible, one atomic swap, N kept, pinned until unpinned, no sample over official.

The build is made by hand from the dictionary: every table is there and empty, which is enough to publish.
"""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.catalog.dictionary import load_dictionary
from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_json, write_json
from pipelines.core.fingerprint import sha256_of
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.quality.verdict import Verdict
from pipelines.release.publish import (
    acquire,
    prune,
    publish,
    refuse_sample_over_official,
    rollback,
    settle,
    swap,
    unpin,
)
from pipelines.releases.manifest import Manifest, current_manifest, releases
from tests.unit.release.tiny import release, settings_of

FIRST, SECOND, THIRD = "20260115T000000Z", "20260215T000000Z", "20260315T000000Z"


def kept(settings: Settings) -> list[str]:
    """Ids of the releases, oldest first."""
    return [m.release_id for m in releases(settings)]


def current(settings: Settings) -> str | None:
    """Id of the release that analysts open."""
    manifest = current_manifest(settings)
    return manifest.release_id if manifest else None


@pytest.fixture
def three(tmp_path: Path) -> Settings:
    """Three official releases, the newest one current."""
    settings = settings_of(tmp_path)
    for name in (FIRST, SECOND, THIRD):
        release(settings, name)
    return settings


# ---- the swap ----


def test_nothing_is_current_before_the_first_release(tmp_path: Path):
    assert current(settings_of(tmp_path)) is None
    assert kept(settings_of(tmp_path)) == []


def test_current_is_a_link_that_survives_a_move_of_the_folder(three: Settings):
    assert three.current.readlink() == Path("releases") / THIRD
    moved = three.data_marts.rename(three.data_marts.with_name("moved"))
    assert read_json(moved / "current" / "manifest.json")["release_id"] == THIRD


def test_a_reader_never_finds_current_missing_or_half(three: Settings):
    seen: list[Any] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(json.loads((three.current / "manifest.json").read_text("utf-8"))["release_id"])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for n in range(200):
            swap(three, (FIRST, SECOND)[n % 2])
    finally:
        done.set()
        reader.join()
    assert set(seen) <= {FIRST, SECOND, THIRD}
    assert len(seen) > 1


def test_an_open_reader_keeps_its_release_over_a_swap(three: Settings):
    with duckdb.connect(str(three.current.resolve() / "drugflow.duckdb"), read_only=True) as connection:
        swap(three, FIRST)
        assert connection.execute("select count(*) from marts.deaths").fetchone() == (2,)


def test_a_swap_leaves_nothing_behind(three: Settings):
    swap(three, FIRST)
    assert sorted(p.name for p in three.data_marts.iterdir()) == ["current", "releases"]


# ---- what a kill or a damage leaves ----


def test_a_pin_that_was_written_but_not_yet_shown_is_shown_by_the_next_refresh(three: Settings):
    write_json(three.data_marts / "pinned.json", {"release_id": FIRST})
    settle(three)
    assert current(three) == FIRST


def test_an_unpinning_that_was_not_yet_shown_is_shown_by_the_next_refresh(three: Settings):
    rollback(three, FIRST)
    (three.data_marts / "pinned.json").unlink()
    settle(three)
    assert current(three) == THIRD


def test_nothing_is_chosen_in_the_place_of_a_current_release_that_is_gone(three: Settings):
    shutil.rmtree(three.releases / THIRD)
    settle(three)
    assert current(three) is None


def test_retention_never_deletes_the_pinned_release(three: Settings):
    write_json(three.data_marts / "pinned.json", {"release_id": FIRST})
    prune(three.model_copy(update={"keep_releases": 1}))
    assert FIRST in kept(three)


def test_a_damaged_manifest_of_an_old_release_stops_neither_retention_nor_rollback(three: Settings):
    (three.releases / FIRST / "manifest.json").write_text("{")
    prune(three)
    assert kept(three) == [SECOND, THIRD]
    assert rollback(three, None).release_id == SECOND


# ---- retention ----


def test_releases_are_listed_oldest_first_and_unfinished_ones_are_none(three: Settings):
    (three.releases / ".20260415T000000Z.part").mkdir()
    (three.releases / "20260415T000000Z").mkdir()
    assert kept(three) == [FIRST, SECOND, THIRD]


@pytest.mark.parametrize(("keep", "left"), [(1, [SECOND, THIRD]), (2, [FIRST, SECOND, THIRD])])
def test_so_many_releases_are_kept_beside_the_current_one(three: Settings, keep: int, left: list[str]):
    prune(three.model_copy(update={"keep_releases": keep}))
    assert kept(three) == left


def test_the_release_that_analysts_see_is_kept_however_old(three: Settings):
    rollback(three, FIRST)
    prune(three.model_copy(update={"keep_releases": 1}))
    assert kept(three) == [FIRST, THIRD]
    assert current(three) == FIRST


# ---- rollback ----


def test_a_rollback_shows_the_release_before(three: Settings):
    assert rollback(three, None).release_id == SECOND
    assert current(three) == SECOND


def test_a_second_rollback_goes_one_further(three: Settings):
    rollback(three, None)
    rollback(three, None)
    assert current(three) == FIRST


def test_a_rollback_to_a_named_release(three: Settings):
    rollback(three, FIRST)
    assert current(three) == FIRST


def test_a_rollback_pins(three: Settings):
    rollback(three, FIRST)
    assert read_json(three.data_marts / "pinned.json") == {"release_id": FIRST}


def test_an_unpin_shows_the_newest_again(three: Settings):
    rollback(three, FIRST)
    newest = unpin(three)
    assert newest is not None
    assert (newest.release_id, current(three)) == (THIRD, THIRD)
    assert not (three.data_marts / "pinned.json").exists()


def test_an_unknown_release_is_answered_with_the_kept_ones(three: Settings):
    with pytest.raises(DrugflowError, match=f"There is no release nonsense. Kept: {FIRST}, {SECOND}, {THIRD}"):
        rollback(three, "nonsense")
    assert current(three) == THIRD


def test_before_the_first_release_there_is_none(three: Settings):
    rollback(three, FIRST)
    with pytest.raises(DrugflowError, match="There is no release of other content before the current one"):
        rollback(three, None)
    assert current(three) == FIRST


def test_a_rollback_without_a_release_says_so(tmp_path: Path):
    settings = settings_of(tmp_path)
    settings.data_marts.mkdir()
    with pytest.raises(DrugflowError, match="Kept: none"):
        rollback(settings, None)
    assert unpin(settings) is None


# ---- sample and official ----


@pytest.mark.parametrize(("now", "then"), [("official", "official"), ("sample", "official"), ("sample", "sample")])
def test_these_releases_may_follow_each_other(tmp_path: Path, now: Realm, then: Realm):
    settings = settings_of(tmp_path)
    release(settings, FIRST, now)
    refuse_sample_over_official(settings, then)


def test_a_sample_never_follows_an_official_release(three: Settings):
    with pytest.raises(DrugflowError, match=f"The current release {THIRD} is official, and a SAMPLE never replaces it"):
        refuse_sample_over_official(three, "sample")


def test_a_sample_may_be_the_first_release(tmp_path: Path):
    refuse_sample_over_official(settings_of(tmp_path), "sample")


def test_a_rollback_from_official_to_a_sample_is_refused(tmp_path: Path):
    settings = settings_of(tmp_path)
    release(settings, f"{FIRST}-SAMPLE", "sample")
    release(settings, SECOND)
    with pytest.raises(DrugflowError, match="SAMPLE never replaces it"):
        rollback(settings, f"{FIRST}-SAMPLE")
    assert current(settings) == SECOND
    assert not (settings.data_marts / "pinned.json").exists()


def test_an_unpin_prefers_an_official_release_to_the_pinned_sample(tmp_path: Path):
    settings = settings_of(tmp_path)
    release(settings, f"{FIRST}-SAMPLE", "sample")
    release(settings, f"{SECOND}-SAMPLE", "sample")
    rollback(settings, f"{FIRST}-SAMPLE")
    release(settings, THIRD, current=False)
    unpin(settings)
    assert current(settings) == THIRD


def test_an_unpin_never_shows_a_sample_over_an_official_release(three: Settings):
    release(three, "20260415T000000Z-SAMPLE", "sample", current=False)
    rollback(three, FIRST)
    unpin(three)
    assert current(three) == THIRD


# ---- one writer ----


def test_a_second_writer_is_told_to_wait(tmp_path: Path):
    settings = settings_of(tmp_path).model_copy(update={"lock_timeout_seconds": 0})
    sentence = r"Another refresh has been writing.*drugflow status"
    with acquire(settings, "official"), pytest.raises(DrugflowError, match=sentence):
        acquire(settings, "sample")


def test_the_next_writer_may_write_once_the_first_is_done(tmp_path: Path):
    settings = settings_of(tmp_path).model_copy(update={"lock_timeout_seconds": 0})
    with acquire(settings, "official"):
        pass
    with acquire(settings, "official"):
        pass


# ---- publishing a build ----


class Build:
    """A private build with every table of the dictionary, all of them empty, and one judged vintage."""

    def __init__(self, folder: Path, realm: Realm = "sample", keep: int = 5) -> None:
        self.settings = settings_of(folder, keep)
        self.realm = realm
        self.now = "inputs"
        self.build = self.settings.stage("build", realm)
        self.build.mkdir(parents=True)
        history = self.settings.stage("history", realm)
        history.mkdir(parents=True)
        with duckdb.connect(str(self.build / "drugflow.duckdb")) as connection:
            connection.execute("create schema marts")
            for table in load_dictionary():
                columns = ", ".join(f'"{c.name}" {c.type}' for c in table.columns)
                if table.table_schema == "marts":
                    connection.execute(f'create table marts."{table.name}" ({columns})')
                elif table.table_schema == "history":
                    connection.execute(f"create or replace temp table one ({columns})")
                    connection.execute(f"copy one to '{history / table.name}.parquet'")
            connection.execute("create macro main.twice(x) as table select 2 * x as answer")
        self.page("cdc_vsrr_overdose", "2025-01-08")
        self.state()

    def state(self, **given: Any) -> None:
        """What the models' build says of itself."""
        test = {"name": "unique_key", "severity": "critical", "passed": True, "failures": 0, "message": None}
        write_json(self.build / "state.json", {"complete": True, "inputs": "inputs", "tests": [test], **given})

    def failing(self, severity: str) -> dict[str, Any]:
        """A test of the marts that failed."""
        return {"name": "sums_hold", "severity": severity, "passed": False, "failures": 3, "message": "3 rows"}

    def page(self, source: str, vintage: str) -> None:
        """A verdict with a page."""
        name = f"{source}/{vintage}__rows.html"
        verdict = Verdict(source=source, vintage=vintage, archive_id=vintage, fingerprint="0", pages=[name])
        folder = self.settings.stage("quality", self.realm)
        write_json(folder / source / f"{vintage}.json", verdict.model_dump())
        (folder / name).write_text('<html><head></head><body class="x">All rows held.</body></html>', "utf-8")

    def publish(self) -> Manifest:
        """Publish what is built."""
        return publish(self.settings, self.realm, "sample", lambda: self.now, "0.1")

    def refused(self, sentence: str) -> None:
        """Publishing raises this sentence, and no trace of a new release is left."""
        before = current(self.settings), kept(self.settings)
        with pytest.raises(DrugflowError, match=sentence):
            self.publish()
        assert (current(self.settings), kept(self.settings)) == before
        hidden = list(self.settings.releases.glob(".*")) if self.settings.releases.exists() else []
        assert hidden == []


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Manifest]:
    """A sample release of an empty build, one of whose tests warned."""
    build = Build(tmp_path_factory.mktemp("published"))
    build.state(tests=[build.failing("warning")])
    return build.settings, build.publish()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two releases of one build where one is kept beside the current, a rollback, a third one, and an unpin."""
    build = Build(tmp_path_factory.mktemp("story"), keep=1)
    settings, told = build.settings, {}
    for name in (".20260101T000000Z.part", ".20260101T000000Z.gone"):
        (settings.releases / name).mkdir(parents=True)
        (settings.releases / name / "drugflow.duckdb").write_bytes(b"half")
    told["first"] = build.publish()
    told["hidden"] = list(settings.releases.glob(".*"))
    told["second"] = build.publish()
    told["current"] = current(settings)
    rollback(settings, told["first"].release_id)
    told["third"] = build.publish()
    told["kept_pinned"], told["current_pinned"] = kept(settings), current(settings)
    unpin(settings)
    told["current_unpinned"] = current(settings)
    return told


def test_a_release_has_all_its_parts(published: tuple[Settings, Manifest]):
    settings, _ = published
    assert {p.name for p in settings.current.iterdir()} == {
        "drugflow.duckdb", "parquet", "data_docs", "datapackage.json", "manifest.json",
    }  # fmt: skip


def test_a_release_is_current_as_soon_as_it_is_published(published: tuple[Settings, Manifest]):
    settings, manifest = published
    assert current_manifest(settings) == manifest


def test_no_unfinished_folder_is_left(published: tuple[Settings, Manifest]):
    settings, manifest = published
    assert [p.name for p in settings.releases.iterdir()] == [manifest.release_id]


def test_every_table_has_a_row_count_and_a_hash(published: tuple[Settings, Manifest]):
    _, manifest = published
    wanted = {f"{t.table_schema}.{t.name}" for t in load_dictionary() if t.table_schema != "meta"}
    assert wanted <= set(manifest.tables)
    assert all(t["rows"] >= 0 and t["hash"] for t in manifest.tables.values())


def test_every_table_is_in_the_database_with_a_comment(published: tuple[Settings, Manifest]):
    settings, _ = published
    with duckdb.connect(str(settings.current.resolve() / "drugflow.duckdb"), read_only=True) as connection:
        tables = "select schema_name || '.' || table_name, comment from duckdb_tables() where not internal"
        found = dict(connection.execute(tables).fetchall())
    mark = "SAMPLE: generated data, not official. "
    wanted = {f"{t.table_schema}.{t.name}": mark + t.en for t in load_dictionary() if t.table_schema != "meta"}
    assert wanted.items() <= found.items()


def test_macros_of_the_build_are_in_the_release(published: tuple[Settings, Manifest]):
    settings, _ = published
    with duckdb.connect(str(settings.current.resolve() / "drugflow.duckdb"), read_only=True) as connection:
        assert connection.execute("select answer from twice(21)").fetchone() == (42,)


def test_the_package_describes_the_parquet_files_as_they_are(published: tuple[Settings, Manifest]):
    settings, _ = published
    package = read_json(settings.current / "datapackage.json")
    resources = {r["path"]: r for r in package["resources"]}
    files = sorted((settings.current / "parquet").rglob("*.parquet"))
    assert sorted(resources) == [str(f.relative_to(settings.current)) for f in files]
    for file in files:
        described = resources[str(file.relative_to(settings.current))]
        assert described["hash"].removeprefix("sha256:") == sha256_of(file)
        assert described["rows"] == pq.read_metadata(file).num_rows


def test_sample_is_written_wherever_it_shows(published: tuple[Settings, Manifest]):
    settings, manifest = published
    folder = settings.current.resolve()
    assert manifest.release_id.endswith("-SAMPLE")
    assert (manifest.realm, folder.name) == ("sample", manifest.release_id)
    with duckdb.connect(str(folder / "drugflow.duckdb"), read_only=True) as connection:
        assert connection.execute("select realm, is_sample from meta.release").fetchone() == ("sample", True)
        cautions = "select text_en, text_es from meta.cautions where code = 'sample_release'"
        (texts,) = connection.execute(cautions).fetchall()
    assert all("SAMPLE" in text for text in texts)
    package = read_json(folder / "datapackage.json")
    assert all("SAMPLE" in r["description"] for r in package["resources"])
    for file in (folder / "parquet").rglob("*.parquet"):
        assert pq.read_schema(file).metadata[b"drugflow_realm"] == b"sample"


def test_sample_is_written_on_every_page(published: tuple[Settings, Manifest]):
    settings, _ = published
    pages = list((settings.current / "data_docs").rglob("*.html"))
    assert len(pages) == 2
    assert [p.name for p in pages if "SAMPLE" not in p.read_text("utf-8")] == []


def test_pages_are_reached_from_their_index(published: tuple[Settings, Manifest]):
    settings, _ = published
    docs = settings.current / "data_docs"
    assert 'href="cdc_vsrr_overdose/2025-01-08__rows.html"' in (docs / "index.html").read_text("utf-8")
    assert "All rows held." in (docs / "cdc_vsrr_overdose" / "2025-01-08__rows.html").read_text("utf-8")


def test_two_releases_of_one_build_have_one_content(story: dict[str, Any]):
    assert story["first"].release_id != story["second"].release_id
    assert story["first"].content_hash == story["second"].content_hash


def test_the_newest_release_is_current(story: dict[str, Any]):
    assert story["current"] == story["second"].release_id


def test_what_a_killed_run_left_is_swept(story: dict[str, Any]):
    assert story["hidden"] == []


def test_a_pinned_release_stays_while_new_ones_are_built(story: dict[str, Any]):
    assert story["current_pinned"] == story["first"].release_id
    assert story["kept_pinned"] == [story["first"].release_id, story["third"].release_id]


def test_the_release_built_meanwhile_is_current_once_unpinned(story: dict[str, Any]):
    assert story["current_unpinned"] == story["third"].release_id


def test_a_warning_of_a_test_does_not_stop_a_release(published: tuple[Settings, Manifest]):
    assert published[1].failed_checks == ["sums_hold"]


def test_builds_that_are_not_whole_are_refused_and_the_old_release_stays(tmp_path: Path):
    build = Build(tmp_path)
    release(build.settings, f"{FIRST}-SAMPLE", "sample")
    not_built = "not built from the histories as they are now"
    build.state(complete=False)
    build.refused(not_built)
    build.state(inputs="older")
    build.refused(not_built)
    build.state(tests=[build.failing("critical")])
    build.refused("Checks of the marts failed, so the old release stays: sums_hold")
    (build.build / "state.json").unlink()
    build.refused(not_built)


def test_a_history_that_changes_meanwhile_stops_the_release(tmp_path: Path):
    build = Build(tmp_path)
    release(build.settings, f"{FIRST}-SAMPLE", "sample")
    answers = iter(["inputs", "other", "other"])
    before = current(build.settings)
    with pytest.raises(DrugflowError, match="nothing was published"):
        publish(build.settings, "sample", "sample", lambda: next(answers), "0.1")
    assert current(build.settings) == before
    assert list(build.settings.releases.glob(".*")) == []


def test_a_build_without_one_of_its_tables_is_refused(tmp_path: Path):
    build = Build(tmp_path)
    release(build.settings, f"{FIRST}-SAMPLE", "sample")
    with duckdb.connect(str(build.build / "drugflow.duckdb")) as connection:
        connection.execute("drop table marts.dim_month")
    build.refused("marts.dim_month breaks its contract, so nothing was published")


def test_a_null_where_the_contract_has_none_is_refused(tmp_path: Path):
    build = Build(tmp_path)
    with duckdb.connect(str(build.build / "drugflow.duckdb")) as connection:
        connection.execute("insert into marts.dim_month (month) values (date '2024-05-01')")
    build.refused("marts.dim_month breaks its contract, so nothing was published")


def test_a_sample_build_is_refused_over_an_official_release(tmp_path: Path):
    build = Build(tmp_path)
    release(build.settings, FIRST)
    build.refused("SAMPLE never replaces it")


def test_an_official_build_that_misses_published_totals_is_refused(tmp_path: Path):
    build = Build(tmp_path, "official")
    release(build.settings, FIRST)
    build.refused("Published totals do not hold, so the old release stays")


def test_a_release_that_lost_its_folder_is_not_current(three: Settings):
    shutil.rmtree(three.releases / THIRD)
    assert current(three) is None
    assert kept(three) == [FIRST, SECOND]
