"""One protocol round any executor: a run of the job leaves the account of a refresh, whatever executes its steps.

The job runs as the daemon's process has it, with its own executor, on a copy of the sample release.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.alerts.record import last_refresh
from pipelines.core.files import read_json
from pipelines.core.settings import Settings
from pipelines.definitions import build_definitions
from pipelines.orchestration.executor import ENDED, STEPPED_ASIDE
from pipelines.orchestration.instance import prepare_home
from pipelines.refresh.lock import turn
from pipelines.refresh.origin import active_sources
from tests.conftest import installation

RAW, RELEASE = dg.AssetKey(["raw", "census_population"]), dg.AssetKey("release")


def in_process(_patience: str) -> Any:
    return build_definitions(Settings()).resolve_job_def("refresh")


def in_processes(_patience: str) -> Any:
    return build_definitions(Settings(), inner=dg.multiprocess_executor).resolve_job_def("refresh")


@pytest.fixture(scope="module")
def own(sample_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A copy of the sample release that this process's environment names, as a run's process has it."""
    copy = installation(tmp_path_factory.mktemp("protocol"), "sample")
    shutil.copytree(sample_release.data_raw, copy.data_raw)
    shutil.copytree(sample_release.data_marts, copy.data_marts, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("origin", "data_raw", "data_marts", "dagster_home"):
            patch.setenv(f"DRUGFLOW_{name.upper()}", str(getattr(copy, name)))
        prepare_home(copy)
        yield copy
    os.environ.pop("DAGSTER_HOME", None)


def runs(job: Callable[[str], Any], *assets: dg.AssetKey, **tags: str) -> dg.DagsterRun:
    """Some assets, or all, as a run of the job; the run at its end."""
    with dg.DagsterInstance.get() as instance:
        result = dg.execute_job(
            # Dagster keeps what it loaded by the arguments.
            dg.build_reconstructable_job(__name__, job.__name__, (str(Settings().lock_timeout_seconds),)),
            instance=instance,
            asset_selection=list(assets) or None,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags=tags,
            raise_on_error=False,
        )
        run = instance.get_run_by_id(result.run_id)
    assert run is not None
    return run


def messages(run: dg.DagsterRun) -> list[str]:
    with dg.DagsterInstance.get() as instance:
        return [event.user_message for event in instance.all_logs(run.run_id)]


@pytest.mark.parametrize("job", [in_process, in_processes], ids=lambda f: f.__name__)
def test_a_run_that_has_the_release_is_a_refresh_with_an_account(own: Settings, job: Callable[[str], Any]) -> None:
    (own.data_marts / "last_refresh.json").unlink(missing_ok=True)
    run = runs(job, RAW, RELEASE)
    assert run.status == dg.DagsterRunStatus.SUCCESS
    account = last_refresh(own)
    assert account is not None
    assert account.failure is None
    assert [s.source for s in account.sources] == active_sources()
    assert {s.line for s in account.sources} <= set(messages(run))


def test_a_run_of_one_asset_is_none(own: Settings) -> None:
    (own.data_marts / "last_refresh.json").unlink(missing_ok=True)
    assert runs(in_process, RAW).status == dg.DagsterRunStatus.SUCCESS
    assert last_refresh(own) is None


def test_everything_without_news_builds_and_publishes_nothing(own: Settings) -> None:
    release, built = own.current.readlink(), read_json(own.stage("build", "sample") / "state.json")
    run = runs(in_process)
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert own.current.readlink() == release
    assert read_json(own.stage("build", "sample") / "state.json") == built


def test_every_asset_and_check_of_a_night_without_news_has_its_state_of_before(
    own: Settings, sample_release: Settings
) -> None:
    """What is not built again counts as done, with its figures: nothing in the UI looks stale or unchecked."""
    with (
        dg.DagsterInstance.get() as instance,
        dg.DagsterInstance.from_config(str(sample_release.dagster_home)) as first,
    ):
        newest = instance.get_runs(limit=1)[0]
        definitions = build_definitions(own)
        assets = [a for a in definitions.assets or [] if isinstance(a, dg.AssetsDefinition)]
        for asset in assets:
            for key in asset.keys:
                event = instance.get_latest_materialization_event(key)
                assert event is not None
                assert event.run_id == newest.run_id, key
            for spec in asset.check_specs:
                run_id, passed = evaluated(instance, spec.key)
                assert (run_id, passed) == (newest.run_id, evaluated(first, spec.key)[1]), spec.key
        event = instance.get_latest_materialization_event(dg.AssetKey(["marts", "seizures_monthly"]))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["dagster/row_count"].value > 0


def evaluated(instance: dg.DagsterInstance, check: dg.AssetCheckKey) -> tuple[str, bool]:
    """The run that evaluated a check last, and whether it passed."""
    (record,) = instance.event_log_storage.get_asset_check_execution_history(check, limit=1)
    assert record.event is not None
    assert record.event.dagster_event is not None
    return record.run_id, record.event.dagster_event.asset_check_evaluation_data.passed


def test_a_run_that_is_refused_the_turn_says_so_in_a_tag_and_leaves_no_account(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own.data_marts / "last_refresh.json").unlink(missing_ok=True)
    monkeypatch.setenv("DRUGFLOW_LOCK_TIMEOUT_SECONDS", "0")
    with turn(own, "drugflow refresh", print):
        run = runs(in_process, RAW, RELEASE)
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert run.tags[ENDED] == STEPPED_ASIDE
    assert last_refresh(own) is None


def test_who_waits_for_a_run_of_the_schedule_hears_that_it_is_the_nightly_one(own: Settings) -> None:
    run = runs(in_process, RAW, **{"dagster/schedule_name": "nightly_refresh"})
    # Written when it took the turn; the file stays until the next one takes it.
    assert read_json(own.data_marts / ".turn.json")["who"] == f"the nightly run {run.run_id[:8]}"


def test_a_step_that_fails_is_the_failure_of_the_account(own: Settings) -> None:
    receipt = next((own.data_raw / "sample" / "census_population").glob("*/receipt.json"))
    kept = receipt.read_text("utf-8")
    receipt.write_text("{}", "utf-8")
    try:
        run = runs(in_process, RAW, RELEASE)
    finally:
        receipt.write_text(kept, "utf-8")
    assert run.status == dg.DagsterRunStatus.FAILURE
    account = last_refresh(own)
    assert account is not None
    assert f"{receipt} is damaged or no receipt" in str(account.failure)


def test_the_state_of_the_schedule_of_a_home_of_before_still_counts(tmp_path: Path) -> None:
    """Switched off in the UI while it ran the job nightly: the row that version 0.1 wrote, with its selector's hash."""
    own = installation(tmp_path, "sample")
    prepare_home(own)
    from dagster._core.definitions.run_request import InstigatorType
    from dagster._core.remote_origin import RemoteRepositoryOrigin
    from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData
    from dagster._core.workspace.load import location_origins_from_yaml_paths

    (location,) = location_origins_from_yaml_paths(["workspace.yaml"])
    origin = RemoteRepositoryOrigin(location, "__repository__").get_instigator_origin("nightly_refresh")
    with dg.DagsterInstance.get() as instance:
        instance.add_instigator_state(
            InstigatorState(
                origin, InstigatorType.SCHEDULE, InstigatorStatus.STOPPED, ScheduleInstigatorData("15 3 * * *", None)
            )
        )
        schedule = build_definitions(own).resolve_schedule_def("nightly_refresh")
        (state,) = instance.all_instigator_state()
    assert (state.instigator_name, state.status) == (schedule.name, InstigatorStatus.STOPPED)
