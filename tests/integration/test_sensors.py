"""What the daemon looks after: a run that failed without a word, and silence. Sensors are called as it calls them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from pipelines.alerts.record import finish
from pipelines.core.files import read_json, write_json
from pipelines.core.settings import Settings
from pipelines.orchestration.executor import ENDED, STEPPED_ASIDE
from pipelines.orchestration.sensors import failed_run_sensor, watchdog_sensor
from tests.agency.sink import Sink, listening
from tests.unit.release.tiny import release, settings_of


@dg.op
def stumbles() -> None:
    raise dg.Failure(description="Checks of the marts failed.", allow_retries=False)


@dg.job
def refresh() -> None:
    stumbles()


@dg.op
def stands() -> None:
    pass


@dg.job
def killed() -> None:
    stands()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with listening() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, sink: Sink) -> Settings:
    settings = settings_of(tmp_path).model_copy(update={"alert_urls": SecretStr(sink.address)})
    release(settings, "20240409T031500Z")
    return settings


def fails(settings: Settings, job: dg.JobDefinition, instance: dg.DagsterInstance) -> None:
    """Run the job, let its process count as gone where no step of it failed, and call the sensor with its failure."""
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    event = result.get_run_failure_event() if not result.success else None
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    if event is None:
        event = instance.report_run_failed(run, "The process of this run is gone.")
    sensor = failed_run_sensor(settings, [job])
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor.name, dagster_instance=instance, dagster_run=run, dagster_event=event
    )
    sensor(context.for_run_failure())


def test_a_failed_run_is_told_with_the_sentence_of_its_step(site: Settings, sink: Sink) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        fails(site, refresh, instance)
        fails(site, refresh, instance)
    assert [m["title"] for m in sink.received] == ["drugflow: The refresh failed"]
    assert "What happened: Checks of the marts failed." in sink.received[0]["message"]


def test_a_run_whose_process_is_gone_is_told_with_its_id(site: Settings, sink: Sink) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        fails(site, killed, instance)
    assert "of killed failed: The process of this run is gone." in sink.received[0]["message"]


@dg.job(tags={ENDED: STEPPED_ASIDE})
def busy() -> None:
    stumbles()


def test_a_run_that_stepped_aside_is_no_alert(site: Settings, sink: Sink) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        fails(site, busy, instance)
    assert sink.received == []


def test_a_failure_before_the_last_refresh_ended_is_no_news(site: Settings, sink: Sink) -> None:
    # The daemon was off while the run failed and the next refresh succeeded.
    finish(site, datetime.now(UTC), None, [])
    path = site.data_marts / "last_refresh.json"
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat(timespec="seconds")
    write_json(path, {**read_json(path), "finished_at": later})
    with dg.DagsterInstance.ephemeral() as instance:
        fails(site, refresh, instance)
    assert sink.received == []


def test_a_failure_after_the_last_refresh_ended_is_told(site: Settings, sink: Sink) -> None:
    finish(site, datetime.now(UTC), None, [])
    with dg.DagsterInstance.ephemeral() as instance:
        fails(site, refresh, instance)
    assert len(sink.received) == 1


def test_the_watchdog_of_the_daemon_says_when_the_last_refresh_ended(
    site: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    finish(site, datetime.now(UTC), None, [])
    with dg.DagsterInstance.ephemeral() as instance:
        said = watchdog_sensor(site)(dg.build_sensor_context(instance=instance))
    assert isinstance(said, dg.SkipReason)
    assert "The last refresh ended" in str(said.skip_message)
