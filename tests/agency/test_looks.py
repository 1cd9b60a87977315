"""All sources at once: nobody waits for or falls with another, and an unchanged night is nearly free."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from pipelines.archive.vintages import list_archive
from pipelines.catalog.load import get_source
from pipelines.core.settings import Settings
from pipelines.dbt.lineage import load_lineage
from pipelines.ingest.live.state import read_state
from pipelines.refresh.look import ingest_source, look_at_origin
from pipelines.refresh.origin import active_sources, resolve_origin
from pipelines.refresh.stages import clean_source, judge_source
from pipelines.refresh.survey import survey
from pipelines.release.meta_tables import source_rows
from pipelines.status.account import read_account
from pipelines.status.overview import read_status
from tests.agency.conftest import VSRR_UPDATED, settings_of, vsrr_csv
from tests.agency.server import Agency, DataSet, answers
from tests.agency.test_document_pages import DEC, PAGE, publish
from tests.agency.test_plain_files import publish as publish_census

SOURCE, SET = "cdc_vsrr_overdose", "xkb8-kh2a"


@pytest.fixture
def live(agency: Agency, tmp_path: Path) -> Settings:
    """As elsewhere, with time enough that a busy machine is not taken for a stalled agency."""
    return settings_of(agency, tmp_path, live_timeout_seconds=10, live_deadline_seconds=10)


@pytest.fixture
def all_sites(agency: Agency) -> Agency:
    """Every site of the catalogue has something small."""
    agency.sets["keg4-3bc2"] = DataSet(b"Port Name,State\nBuffalo,NY\n", VSRR_UPDATED)
    publish(agency, DEC)
    amo = DEC.replace("nationwide-drugs", "amo-drug-seizures")
    publish(agency, amo, page="/document/stats/amo-drug-seizures")
    publish_census(agency)
    return agency


def look(settings: Settings) -> None:
    look_at_origin(settings, resolve_origin(settings), active_sources())


def test_one_failing_site_never_stops_the_others(all_sites: Agency, live: Settings) -> None:
    all_sites.fail("keg4", answers(500))
    all_sites.fail(PAGE, answers(403))
    look(live)
    states = {s: read_state(live, s).state for s in active_sources()}
    assert states == {
        "bts_border_crossings": "failing",
        "cbp_amo_drug_seizures": "ok",
        "cbp_drug_seizures": "blocked",
        "cdc_vsrr_overdose": "ok",
        "cdc_wonder_overdose": "never",
        "census_population": "ok",
    }


def test_an_unchanged_night_is_at_most_one_request_a_source_and_changes_nothing(
    all_sites: Agency, live: Settings
) -> None:
    look(live)
    before = survey(live, resolve_origin(live))
    all_sites.seen.clear()
    look(live)
    assert len(all_sites.asked()) == len(active_sources()) - 1, all_sites.asked()
    assert survey(live, resolve_origin(live)) == before


def test_a_failing_night_does_not_look_like_a_change(all_sites: Agency, live: Settings) -> None:
    look(live)
    before = survey(live, resolve_origin(live))
    all_sites.fail("/", answers(403))
    look(live)
    assert survey(live, resolve_origin(live)) == before


def test_different_hosts_are_asked_side_by_side(all_sites: Agency, live: Settings) -> None:
    running = {"now": 0, "most": 0}

    def slow(_handler: object) -> bool:
        running["now"] += 1
        running["most"] = max(running["most"], running["now"])
        time.sleep(0.1)
        running["now"] -= 1
        return False

    all_sites.fail("/", slow)
    look(live)
    assert running["most"] >= 2


def test_requests_to_one_host_keep_their_distance(agency: Agency, tmp_path: Path) -> None:
    publish(agency, DEC)
    publish(agency, DEC.replace("nationwide-drugs", "amo-drug-seizures"), page="/document/stats/amo-drug-seizures")
    settings = settings_of(agency, tmp_path, live_interval_seconds=0.1, live_timeout_seconds=10)
    began = time.monotonic()
    look_at_origin(settings, resolve_origin(settings), ["cbp_drug_seizures", "cbp_amo_drug_seizures"])
    assert len(agency.seen) == 5, "robots.txt once, two pages, two files"
    assert time.monotonic() - began >= 4 * 0.1


def test_a_look_imports_neither_dagster_nor_dbt_nor_great_expectations(agency: Agency, live: Settings) -> None:
    code = (
        "import sys\n"
        "from pipelines.core.settings import Settings\n"
        "from pipelines.refresh.look import look_at_origin\n"
        "from pipelines.refresh.origin import resolve_origin\n"
        "s = Settings.model_validate_json(sys.argv[1])\n"
        f"look_at_origin(s, resolve_origin(s), ['{SOURCE}'])\n"
        "print(sorted({'dagster', 'dbt', 'great_expectations', 'polars', 'duckdb'} & set(sys.modules)))\n"
    )
    given = json.dumps(live.model_dump(mode="json"))
    done = subprocess.run([sys.executable, "-c", code, given], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert read_state(live, SOURCE).state == "ok"


def test_a_run_does_not_repeat_the_look_that_was_made_for_it(agency: Agency, tmp_path: Path) -> None:
    settings = settings_of(agency, tmp_path, live_pause_seconds=900)
    origin = resolve_origin(settings)
    look_at_origin(settings, origin, [SOURCE])
    agency.seen.clear()
    assert ingest_source(settings, origin, SOURCE).added == ["2025-07-16"]
    assert agency.seen == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (vsrr_csv().replace(b"Data Value", b"Deaths"), "Data Value"),
        (vsrr_csv().replace(b"Alaska", "Álaska".encode("latin-1")), "utf-8"),
    ],
    ids=["a renamed column", "a wrong charset"],
)
def test_what_an_agency_changed_is_archived_as_it_is_and_held_back(
    agency: Agency, live: Settings, body: bytes, said: str
) -> None:
    agency.fail("/rows.csv", answers(200, body, Content_Type="text/csv"))
    look_at_origin(live, resolve_origin(live), [SOURCE])
    [vintage] = list_archive(live.data_raw, "official", SOURCE)
    assert (vintage.folder / f"{SET}.csv").read_bytes() == body
    clean_source(live, "official", SOURCE)
    [verdict] = judge_source(live, "official", SOURCE)
    assert verdict.state == "held"
    assert said.casefold() in str(verdict.problem).casefold()


@pytest.mark.parametrize(("status", "word"), [(403, "blocked"), (500, "failing")])
def test_status_and_meta_sources_say_what_the_last_look_met(
    agency: Agency, live: Settings, status: int, word: str
) -> None:
    agency.fail("views", answers(status))
    look_at_origin(live, resolve_origin(live), [SOURCE])
    row = next(s for s in read_status(live, "official", date(2025, 9, 1))["sources"] if s["source"] == SOURCE)
    state = read_state(live, SOURCE)
    assert (row["state"], row["last_attempt"], row["failing_since"]) == (word, state.last_attempt, state.failing_since)
    assert row["problems"] == [str(p) for p in state.problems]
    [stored] = source_rows([read_account(live, "official", get_source(SOURCE))], load_lineage())
    assert (stored["fetch_state"], stored["fetch_problem"]) == (word, str(state.problems[0]))
    assert f"{stored['failing_since']}+00:00" == state.failing_since
