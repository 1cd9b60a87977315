"""What arrives while a refresh runs: the next one takes it, and the one at work neither fails nor shows half of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.archive.vintages import list_archive, store
from pipelines.clean import run as cleaning
from pipelines.core.settings import Settings
from pipelines.ingest.report import make_receipt
from pipelines.refresh.refresh import Outcome
from tests.conftest import run_refresh
from tests.faults.house import CBP, FILE, GOOD, OLD_ROWS, ROWS, House, csv_file, furnish

SECOND, THIRD = "2024-02-15", "2024-03-15"
REVISED = [row.replace(",9,41.5", ",9,42.5") for row in ROWS]


def comes_to_the_mirror(house: House, folder: Path) -> None:
    house.offer(THIRD, {FILE: csv_file(*REVISED)})


def is_added_by_hand(house: House, folder: Path) -> None:
    file = folder / FILE
    file.write_bytes(csv_file(*REVISED))
    store(
        house.settings.data_raw,
        make_receipt("added by hand", "official", CBP, date.fromisoformat(THIRD), [file], {}),
        [file],
    )


@dataclass
class Three:
    """Three refreshes one after another; while the first cleaned, a vintage arrived."""

    settings: Settings
    outcomes: list[Outcome]
    vintages: list[list[str]]
    """Release dates in the history that analysts see, after each."""


def shown(settings: Settings) -> list[str]:
    with duckdb.connect(str(settings.current.resolve() / "drugflow.duckdb"), read_only=True) as connection:
        found = connection.execute(
            f"select distinct vintage::varchar from history.coverage where source_id = '{CBP}' order by 1"
        )
        return [vintage for (vintage,) in found.fetchall()]


@pytest.fixture(scope="module", params=[comes_to_the_mirror, is_added_by_hand], ids=lambda f: f.__name__)
def three(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Three:
    folder = tmp_path_factory.mktemp("arrives")
    arrive: Callable[[House, Path], None] = request.param
    house = furnish(folder)
    house.offer(SECOND, {FILE: csv_file(*ROWS)})
    clean, came = cleaning.clean_vintage, []

    def clean_while_it_arrives(source, *given):  # type: ignore[no-untyped-def]
        summary = clean(source, *given)
        if source.id == CBP and not came:
            came.append(True)
            arrive(house, folder)
        return summary

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cleaning, "clean_vintage", clean_while_it_arrives)
        outcomes, vintages = [run_refresh(house.settings)], [shown(house.settings)]
    assert came
    for _ in range(2):
        outcomes.append(run_refresh(house.settings))
        vintages.append(shown(house.settings))
    return Three(house.settings, outcomes, vintages)


def test_the_refresh_at_work_publishes_what_was_there_when_it_began(three: Three) -> None:
    assert (three.outcomes[0].failure, three.outcomes[0].blocked) == (None, [])
    assert three.vintages[0] == [GOOD, SECOND]


def test_the_next_refresh_takes_what_arrived(three: Three) -> None:
    assert (three.outcomes[1].changed, three.outcomes[1].failure) == (True, None)
    assert three.vintages[1] == [GOOD, SECOND, THIRD]
    assert [v.id for v in list_archive(three.settings.data_raw, "official", CBP)] == [GOOD, SECOND, THIRD]


def test_then_there_is_nothing_left_to_do(three: Three) -> None:
    assert not three.outcomes[2].changed


def test_the_rows_of_the_house_are_not_all_the_same() -> None:
    assert len({csv_file(*OLD_ROWS), csv_file(*ROWS), csv_file(*REVISED)}) == 3
