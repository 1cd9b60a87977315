"""Three nights of the rehearsal's kind: the job of the schedule, real files, failing agencies, and a webhook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from pipelines.core.files import read_json
from pipelines.core.settings import Settings
from pipelines.releases.manifest import current_manifest
from pipelines.status.overview import read_status
from rehearsals.agencies import Publisher
from rehearsals.calendar import AMO, BTS, BTS_VIEW, CBP, CENSUS, VSRR, Night, Publication
from rehearsals.installation import installation
from rehearsals.nights import Came, run_job, run_night
from tests.agency.server import answers, serving
from tests.agency.sink import listening

AMO_PAGE = "/document/stats/amo-drug-seizures"
LATE = {AMO: "late", VSRR: "late", BTS: "failing", CENSUS: "failing"}
NIGHTS = [
    Night(
        date(2024, 4, 9),
        {AMO: "new", CBP: "new", VSRR: "new", BTS: "failing", CENSUS: "failing"},
        [Publication(CBP, "2024-04-08"), Publication(AMO, "2022-11-15"), Publication(VSRR, "2017-12-16")],
        turned=((BTS, "failing"), (AMO, "late"), (VSRR, "late"), (CENSUS, "failing")),
        changed=True,
    ),
    # Its newest month is March 2024: two months, 45 days of lag and a month of grace end on 2024-07-17.
    Night(date(2024, 7, 17), LATE),
    Night(date(2024, 7, 18), {**LATE, CBP: "late", AMO: "blocked"}, turned=((CBP, "late"), (AMO, "blocked"))),
]


@dataclass
class Season:
    """The installation and what came of each night; messages: the alerts whole."""

    settings: Settings
    came: list[Came]
    messages: list[dict[str, Any]]


@pytest.fixture(scope="module")
def season(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Season]:
    """The three nights in order. BTS answers 500 in all, Census has no file, AMO's page ends at 403."""
    folder = tmp_path_factory.mktemp("nights")
    with serving() as agency, listening() as sink:
        settings = installation(folder, agency.address, sink.address)
        publisher = Publisher(agency, mirror, folder / "mirror")
        agency.fail(BTS_VIEW, answers(500))
        came = []
        for night in NIGHTS:
            for item in night.published:
                publisher.publish(item, settings)
            if night is NIGHTS[2]:
                agency.fail(AMO_PAGE, answers(403))
            came.append(run_night(night, settings, sink, run_job, ""))
        yield Season(settings, came, list(sink.received))


@pytest.mark.parametrize("number", range(3))
def test_a_night_ends_as_the_calendar_says(season: Season, number: int) -> None:
    assert season.came[number].wrong == []


def test_failing_sources_never_stop_the_others(season: Season) -> None:
    with duckdb.connect(str(season.settings.current / "drugflow.duckdb"), read_only=True) as connection:
        found = dict(connection.execute("select source_id, last_vintage::varchar from meta.sources").fetchall())
    assert {s: found[s] for s in (CBP, AMO, VSRR)} == {CBP: "2024-04-08", AMO: "2022-11-15", VSRR: "2017-12-16"}
    assert found[BTS] is None


def test_every_night_is_one_run_of_the_job_in_the_ui(season: Season) -> None:
    with dg.DagsterInstance.from_config(str(season.settings.dagster_home)) as instance:
        runs = [(r.job_name, r.status) for r in instance.get_runs()]
    assert runs == [("refresh", dg.DagsterRunStatus.SUCCESS)] * 3


def test_a_night_without_news_counts_as_a_look_at_the_sources_that_answered(season: Season) -> None:
    with dg.DagsterInstance.from_config(str(season.settings.dagster_home)) as instance:
        newest = instance.get_runs(limit=1)[0]
        seen = {s: passed(instance, newest, s, "every_vintage_taken") for s in (CBP, VSRR, BTS, AMO)}
        # BTS never answered; AMO's page did the night before, and it is a monthly source.
        lately = {s: passed(instance, newest, s, "publisher_answered_lately") for s in (CBP, VSRR, BTS, AMO)}
        looks = [instance.get_latest_materialization_event(dg.AssetKey(["raw", s])) for s in (CBP, VSRR, BTS, AMO)]
        versions = {
            event.asset_materialization.tags["dagster/data_version"]
            for event in instance.fetch_materializations(dg.AssetKey(["raw", CBP]), limit=10).records
            if event.asset_materialization and event.asset_materialization.tags
        }
    assert seen == {CBP: True, VSRR: True, BTS: False, AMO: False}
    assert lately == {CBP: True, VSRR: True, BTS: False, AMO: True}
    assert {event.run_id for event in looks if event} == {newest.run_id}
    assert len(versions) == 1, "what is made from it would look out of date"


def passed(instance: dg.DagsterInstance, run: dg.DagsterRun, source: str, check: str) -> bool:
    """Whether a check of a source's look passed in this very run."""
    key = dg.AssetCheckKey(dg.AssetKey(["raw", source]), check)
    (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None
    assert record.event.run_id == run.run_id
    assert record.event.dagster_event is not None
    return record.event.dagster_event.asset_check_evaluation_data.passed


def test_a_night_without_news_builds_no_model_and_publishes_nothing(season: Season) -> None:
    assert season.came[1].release == season.came[0].release
    with dg.DagsterInstance.from_config(str(season.settings.dagster_home)) as instance:
        first = instance.get_runs()[-1]
        runs = {
            record.asset_materialization.metadata["changed"].value: record.run_id
            for record in instance.fetch_materializations(dg.AssetKey(["marts", "seizures_monthly"]), limit=10).records
            if record.asset_materialization
        }
    assert runs["Nothing: it is built from the same histories."] != first.run_id
    assert runs["Built for the first time."] == first.run_id
    state = read_json(season.settings.stage("build", "official") / "state.json")
    assert state["run_id"] == first.run_id


def test_the_run_says_a_line_for_every_source(season: Season) -> None:
    with dg.DagsterInstance.from_config(str(season.settings.dagster_home)) as instance:
        newest = instance.get_runs(limit=1)[0]
        said = [e.user_message for e in instance.all_logs(newest.run_id)]
    found = {source: next(s for s in said if s.startswith(f"{source} ")) for source in season.came[2].words}
    assert {source: line.split()[1].rstrip(":") for source, line in found.items()} == season.came[2].words
    assert all(line.partition(": ")[2] for line in found.values())


def test_an_alert_tells_what_analysts_see_meanwhile(season: Season) -> None:
    last = season.messages[-1]["message"]
    assert f"Analysts see the release {season.came[2].release}" in last
    assert f"  {CBP}: newest period 2024-03, vintage 2024-04-08" in last
    assert f"  {BTS}: no data" in last
    assert "drugflow add cbp_amo_drug_seizures FILE --published" in last
    assert "late since 2024-07-18" in last


def test_release_and_view_say_that_the_day_was_injected(season: Season) -> None:
    manifest = current_manifest(season.settings)
    assert manifest is not None
    assert manifest.rehearsed_day == "2024-07-18"
    first = season.settings.releases / season.came[0].release
    with duckdb.connect(str(first / "drugflow.duckdb"), read_only=True) as connection:
        said = connection.execute("select rehearsed_day::varchar from meta.release").fetchall()
        word = connection.execute(f"select freshness from meta.sources where source_id = '{CBP}'").fetchall()
    assert said == [("2024-04-09",)]
    assert word == [("fresh",)], "of the rehearsed day; on the machine's own it would be late"


def test_status_counts_from_the_injected_day(season: Season) -> None:
    states = {s["source"]: s["state"] for s in read_status(season.settings, "official", NIGHTS[2].day)["sources"]}
    assert {s: states[s] for s in (CBP, AMO, BTS)} == {CBP: "late", AMO: "blocked", BTS: "failing"}
