"""Three nights of the rehearsal's kind: the nightly job, real files, agencies that fail, and a webhook that listens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

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


def test_the_runs_are_in_the_ui_and_only_the_changed_night_has_a_refresh(season: Season) -> None:
    with dg.DagsterInstance.from_config(str(season.settings.dagster_home)) as instance:
        runs = [(r.job_name, r.status) for r in instance.get_runs()]
    done = dg.DagsterRunStatus.SUCCESS
    assert runs.count(("nightly", done)) == 3
    assert runs.count(("refresh", done)) == 1
    assert len(runs) == 4


def test_a_night_without_news_counts_as_a_look_at_the_sources_that_answered(season: Season) -> None:
    # The freshness policies count from the last materialization of raw/<source>.
    with dg.DagsterInstance.from_config(str(season.settings.dagster_home)) as instance:
        newest = instance.get_runs(filters=dg.RunsFilter(job_name="nightly"), limit=1)[0]
        found = {s: instance.get_latest_materialization_event(dg.AssetKey(["raw", s])) for s in (CBP, VSRR, BTS, AMO)}
        seen = {s: event is not None and event.run_id == newest.run_id for s, event in found.items()}
        versions = {
            event.asset_materialization.tags["dagster/data_version"]
            for event in instance.fetch_materializations(dg.AssetKey(["raw", CBP]), limit=10).records
            if event.asset_materialization and event.asset_materialization.tags
        }
    assert seen == {CBP: True, VSRR: True, BTS: False, AMO: False}
    assert len(versions) == 1, "what is made from it would look out of date"


def test_the_run_shows_a_line_for_every_source(season: Season) -> None:
    with dg.DagsterInstance.from_config(str(season.settings.dagster_home)) as instance:
        newest = instance.get_runs(filters=dg.RunsFilter(job_name="nightly"), limit=1)[0]
        [output] = [
            e.dagster_event.event_specific_data
            for e in instance.all_logs(newest.run_id, of_type=dg.DagsterEventType.STEP_OUTPUT)
            if e.dagster_event
        ]
    shown: Any = output
    records = [r.data for r in shown.metadata["sources"].records]
    assert {r["source"]: r["outcome"] for r in records} == season.came[2].words
    assert all(r["what"] for r in records)


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
