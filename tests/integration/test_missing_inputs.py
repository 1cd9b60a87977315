"""An input that is missing is an error with a sentence, never an empty result."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.refresh.look import ingest_source
from pipelines.refresh.origin import NoOriginError, realm_of, resolve_origin
from pipelines.refresh.stages import build_source_history, clean_and_judge
from tests.conftest import installation
from tests.faults.house import CBP, FILE, GOOD, ROWS, House, copied, csv_file, furnish
from tests.unit.release.tiny import release

SECOND = "2024-02-15"


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> House:
    return furnish(tmp_path_factory.mktemp("house"))


@pytest.fixture
def house(furnished: House, tmp_path: Path) -> House:
    return copied(furnished, tmp_path / "house")


def verdicts(house: House) -> Path:
    return house.settings.stage("quality", "official") / CBP


def test_a_history_is_not_built_where_all_verdicts_are_gone(house: House) -> None:
    before = house.history()
    shutil.rmtree(verdicts(house))
    with pytest.raises(DrugflowError, match=f"{CBP} {GOOD} is archived and nobody judged it"):
        build_source_history(house.settings, "official", CBP)
    assert house.history().equals(before)


def test_a_history_is_not_built_where_one_verdict_is_gone(house: House) -> None:
    house.offer(SECOND, {FILE: csv_file(*ROWS)})
    house.run()
    (verdicts(house) / f"{SECOND}.json").unlink()
    with pytest.raises(DrugflowError, match=f"{SECOND} is archived and nobody judged it"):
        build_source_history(house.settings, "official", CBP)


def test_a_history_is_not_built_without_a_vintage_that_was_archived_before_its_run(house: House) -> None:
    """Someone adds a file and materializes the history alone."""
    clean_and_judge(house.settings, "official", CBP, "a run")
    house.offer(SECOND, {FILE: csv_file(*ROWS)})
    ingest_source(house.settings, resolve_origin(house.settings), CBP)
    with pytest.raises(DrugflowError, match=f"{SECOND} is archived and nobody judged it"):
        build_source_history(house.settings, "official", CBP, "another run")


def test_in_the_run_that_judged_a_history_is_built_without_what_arrived_meanwhile(house: House) -> None:
    clean_and_judge(house.settings, "official", CBP, "a run")
    house.offer(SECOND, {FILE: csv_file(*ROWS)})
    ingest_source(house.settings, resolve_origin(house.settings), CBP)
    assert build_source_history(house.settings, "official", CBP, "a run")["vintages"] == [GOOD]


def test_a_source_without_a_vintage_has_an_empty_history(house: House) -> None:
    shutil.rmtree(house.settings.data_raw / "official" / CBP)
    clean_and_judge(house.settings, "official", CBP)
    build_source_history(house.settings, "official", CBP)
    assert pl.read_parquet(house.settings.stage("history", "official") / f"{CBP}.parquet").is_empty()


# ---- where the figures come from ----


@pytest.fixture
def unasked(house: House) -> Settings:
    """An official archive, no release, and nobody says where the figures come from."""
    return house.settings.model_copy(update={"origin": None})


def test_an_official_archive_without_a_release_is_a_question_with_the_choices(unasked: Settings) -> None:
    with pytest.raises(NoOriginError) as asked:
        resolve_origin(unasked)
    for choice in (CBP, "archive:official", "mirror:FOLDER", "--origin live", "--origin sample"):
        assert choice in str(asked.value)


def test_status_speaks_of_the_official_archive_meanwhile(unasked: Settings) -> None:
    assert realm_of(unasked) == "official"


def test_a_fresh_installation_reads_the_sample(tmp_path: Path) -> None:
    fresh = installation(tmp_path, "sample").model_copy(update={"origin": None})
    assert (resolve_origin(fresh).name, realm_of(fresh)) == ("sample", "sample")


def test_a_release_answers_the_question(unasked: Settings) -> None:
    unasked.releases.mkdir(parents=True, exist_ok=True)
    release(unasked, "20240409T031500Z")
    with pytest.raises(DrugflowError, match="The current release came from mirror:/agencies"):
        resolve_origin(unasked)
