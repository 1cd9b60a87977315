"""Runs as a data engineer meets them: killed ones, single models, one source, other programs in the way.

All tests share one copy of the sample release and stand in order: each builds on what the one before left.
Processes, databases and dbt are real.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from pipelines.alerts.record import last_refresh
from pipelines.catalog.dictionary import load_dictionary
from pipelines.core.files import read_json, write_json
from pipelines.core.settings import Settings
from pipelines.definitions import build_definitions
from pipelines.orchestration.instance import prepare_home
from pipelines.refresh.origin import active_sources
from pipelines.refresh.refresh import Outcome
from pipelines.releases.manifest import current_manifest
from tests.conftest import ROOT, installation, run_refresh

POOL = "build_file"
PATIENCE = 120.0
SHRUNK = "census_population"


@pytest.fixture(scope="module")
def own(sample_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A copy of the sample release with a Dagster home of its own."""
    copy = installation(tmp_path_factory.mktemp("runs"), "sample")
    shutil.copytree(sample_release.data_raw, copy.data_raw)
    shutil.copytree(sample_release.data_marts, copy.data_marts, symlinks=True)
    # Without its memory of the last refresh, the next one runs although nothing changed.
    (copy.data_marts / "refresh-sample.json").unlink()
    # And the models count as built from other histories, so that it builds them.
    state = copy.stage("build", "sample") / "state.json"
    write_json(state, {**read_json(state), "inputs": "of other histories"})
    return copy


@pytest.fixture
def instance(own: Settings) -> Iterator[dg.DagsterInstance]:
    prepare_home(own)
    with dg.DagsterInstance.get() as found:
        yield found


@pytest.fixture(scope="module")
def killed(own: Settings) -> str:
    """Id of a refresh that was killed with signal 9 while dbt was running."""
    prepare_home(own)
    process = subprocess.Popen(
        [_program("drugflow"), "refresh"],
        cwd=ROOT,
        env=_environment(own),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(lambda: process.poll() is not None or not _state(own)["complete"])
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with dg.DagsterInstance.get() as instance:
        return instance.get_run_records(limit=1)[0].dagster_run.run_id


@pytest.fixture(scope="module")
def recovered(own: Settings, killed: str) -> Outcome:
    """The next refresh."""
    return run_refresh(own)


def test_a_killed_refresh_leaves_the_release_and_an_incomplete_build(own: Settings, killed: str) -> None:
    assert (own.current / "drugflow.duckdb").is_file()
    assert _state(own)["complete"] is False


def test_dagster_takes_the_killed_run_for_a_running_one_that_holds_the_pool(
    killed: str, instance: dg.DagsterInstance
) -> None:
    run = instance.get_run_by_id(killed)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.STARTED
    assert instance.event_log_storage.get_concurrency_run_ids() == {killed}


def test_the_next_refresh_publishes(recovered: Outcome) -> None:
    assert recovered.failure is None
    assert recovered.exit_code == 0


def test_the_next_refresh_marks_the_killed_run_as_failed(
    killed: str, recovered: Outcome, instance: dg.DagsterInstance
) -> None:
    run = instance.get_run_by_id(killed)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.FAILURE


def test_no_place_in_the_pool_stays_taken(recovered: Outcome, instance: dg.DagsterInstance) -> None:
    assert instance.event_log_storage.get_concurrency_run_ids() == set()


def test_the_page_of_the_job_in_the_ui_has_the_runs_of_the_command_line(
    own: Settings, killed: str, recovered: Outcome, tmp_path: Path
) -> None:
    asked = """{ pipelineOrError(params: {pipelineName: "refresh", repositoryName: "__repository__",
        repositoryLocationName: "drugflow"}) { ... on Pipeline { runs { runId status } } } }"""
    answer = tmp_path / "answer.json"
    subprocess.run(
        [_program("dagster-graphql"), "-w", "workspace.yaml", "-t", asked, "-o", answer],
        cwd=ROOT, env=_environment(own), capture_output=True, check=True,
    )  # fmt: skip
    newest, oldest = json.loads(answer.read_text("utf-8"))["data"]["pipelineOrError"]["runs"]
    assert newest["status"] == "SUCCESS"
    assert (oldest["runId"], oldest["status"]) == (killed, "FAILURE")


@pytest.fixture(scope="module")
def one_model(own: Settings, recovered: Outcome) -> dict[str, Any]:
    """marts/dim_drug materialized by Dagster's own command while another process reads the release."""
    before = {"current": own.current.resolve(), "manifest": read_json(own.current / "manifest.json")}
    query = "select count(*) from marts.dim_drug"
    with _reader(own.current / "drugflow.duckdb", query) as reader:
        done = _asset_materialize(own, "marts/dim_drug")
        answers = reader()
    return {**before, "done": done, "answers": answers}


def test_one_model_is_materialized_while_an_analyst_has_the_release_open(one_model: dict[str, Any]) -> None:
    assert one_model["done"].returncode == 0, one_model["done"].stderr[-2000:]
    assert one_model["answers"] == ["10", "10"]


def test_one_model_changes_nothing_that_analysts_see(own: Settings, one_model: dict[str, Any]) -> None:
    assert own.current.resolve() == one_model["current"]
    assert read_json(own.current / "manifest.json") == one_model["manifest"]


def test_one_model_from_the_same_histories_leaves_the_build_complete(
    own: Settings, one_model: dict[str, Any], instance: dg.DagsterInstance
) -> None:
    run = instance.get_run_records(limit=1)[0].dagster_run
    assert _state(own)["complete"] is True
    assert _state(own)["run_id"] == run.run_id


def test_only_that_model_was_materialized(one_model: dict[str, Any], instance: dg.DagsterInstance) -> None:
    run = instance.get_run_records(limit=1)[0].dagster_run
    events = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert [e.asset_materialization.asset_key.to_user_string() for e in events if e.asset_materialization] == [
        "marts/dim_drug"
    ]


@pytest.mark.parametrize(
    ("asset", "shown"),
    [
        ("raw/cdc_vsrr_overdose", {"files", "bytes", "newest_release_date", "vintage", "changed", "chart"}),
        ("clean/cdc_vsrr_overdose", {"dagster/row_count", "newest_period", "vintage", "changed", "chart"}),
        ("history/cdc_vsrr_overdose", {"dagster/row_count", "newest_period", "vintage", "changed", "chart"}),
        ("history/coverage", {"dagster/row_count", "newest_period", "vintage", "changed", "chart"}),
        ("staging/stg_cdc_vsrr_overdose", {"dagster/row_count", "newest_period", "vintage", "chart"}),
        ("intermediate/int_seizure_series", {"dagster/row_count", "newest_period", "changed", "dagster/column_schema"}),
        ("marts/seizures_monthly", {"dagster/row_count", "newest_period", "vintage", "changed", "chart"}),
        ("marts/fytd_pace", {"dagster/row_count", "newest_period", "vintage", "changed", "chart"}),
        ("marts/seizures_as_of", {"dagster/row_count", "newest_period", "vintage", "changed", "chart"}),
        ("marts/dim_port", {"dagster/row_count", "changed", "filled"}),
        (
            "release",
            {"dagster/row_count", "release_id", "newest_period", "vintage", "content_hash", "changed", "chart"},
        ),
    ],
)
def test_a_materialization_shows_what_a_person_wants_to_see(
    recovered: Outcome, instance: dg.DagsterInstance, asset: str, shown: set[str]
) -> None:
    event = instance.get_latest_materialization_event(dg.AssetKey(asset.split("/")))
    assert event is not None
    assert event.asset_materialization is not None
    assert shown <= set(event.asset_materialization.metadata)


def test_every_materialization_says_sample_and_has_a_word_on_every_column(
    own: Settings, recovered: Outcome, instance: dg.DagsterInstance
) -> None:
    for spec in build_definitions(own).resolve_all_asset_specs():
        event = instance.get_latest_materialization_event(spec.key)
        assert event is not None, spec.key
        assert event.asset_materialization is not None
        shown = event.asset_materialization.metadata
        assert shown["realm"].value == "SAMPLE", spec.key
        schema: Any = shown.get("dagster/column_schema")
        assert [c.name for c in (schema.value.columns if schema else []) if not c.description] == [], spec.key


def test_every_result_of_a_check_says_how_grave_it_is(
    own: Settings, recovered: Outcome, instance: dg.DagsterInstance
) -> None:
    words = {"Critical": "critical", "Warning": "warning"}
    assets = [a for a in build_definitions(own).assets or [] if isinstance(a, dg.AssetsDefinition)]
    for spec in (c for a in assets for c in a.check_specs):
        (record,) = instance.event_log_storage.get_asset_check_execution_history(spec.key, limit=1)
        assert record.event is not None
        assert record.event.dagster_event is not None
        found = record.event.dagster_event.asset_check_evaluation_data
        assert found.metadata["severity"].value == words[str(spec.description).split(":")[0]], spec.key


def test_a_look_at_a_macro_counts_what_it_gives_today(
    own: Settings, recovered: Outcome, instance: dg.DagsterInstance
) -> None:
    event = instance.get_latest_materialization_event(dg.AssetKey(["marts", "seizures_as_of"]))
    assert event is not None
    assert event.asset_materialization is not None
    shown = event.asset_materialization.metadata
    with duckdb.connect(str(own.current / "drugflow.duckdb"), read_only=True) as connection:
        asked = "select count(*), max(month)::varchar from seizures_as_of(current_date)"
        counted = connection.execute(asked).fetchone()
    assert (shown["dagster/row_count"].value, shown["newest_period"].value) == counted


def test_row_counts_of_models_are_those_of_the_release(
    own: Settings, recovered: Outcome, instance: dg.DagsterInstance
) -> None:
    modelled = {t.full_name for t in load_dictionary() if t.table_schema == "marts" and t.made_by == "dbt"}
    tables = sorted(modelled & set(read_json(own.current / "manifest.json")["tables"]))
    assert tables
    shown = {}
    for name in tables:
        event = instance.get_latest_materialization_event(dg.AssetKey(name.split(".")))
        assert event is not None
        assert event.asset_materialization is not None
        shown[name] = event.asset_materialization.metadata["dagster/row_count"].value
    with duckdb.connect(str(own.current / "drugflow.duckdb"), read_only=True) as connection:
        counted = {t: (connection.execute(f"select count(*) from {t}").fetchone() or (0,))[0] for t in tables}
    assert shown == counted


@pytest.fixture(scope="module")
def release_alone(own: Settings, one_model: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """The asset release materialized as the UI does it, without an account of an earlier refresh."""
    (own.data_marts / "last_refresh.json").unlink(missing_ok=True)
    return _asset_materialize(own, "release")


def test_a_release_that_the_ui_publishes_counts_as_a_refresh(
    own: Settings, release_alone: subprocess.CompletedProcess[str]
) -> None:
    assert release_alone.returncode == 0, release_alone.stderr[-2000:]
    account = last_refresh(own)
    assert account is not None
    assert account.failure is None
    assert account.started_at <= account.finished_at
    assert [s.source for s in account.sources] == active_sources()


def test_one_model_is_no_refresh(own: Settings, release_alone: subprocess.CompletedProcess[str]) -> None:
    (own.data_marts / "last_refresh.json").unlink()
    assert _asset_materialize(own, "marts/dim_drug").returncode == 0
    assert last_refresh(own) is None


def test_a_run_waits_for_another_writer_and_says_so(own: Settings, recovered: Outcome) -> None:
    hurried = own.model_copy(update={"lock_timeout_seconds": 0})
    lock = own.data_marts / "build" / ".writer.lock"
    with _holding(f"from filelock import FileLock; held = FileLock({str(lock)!r}); held.acquire()"):
        said = _failure(_materialize(hurried, "marts/dim_drug"))
    assert "Another refresh has been writing" in said


def test_a_build_file_open_in_another_program_is_named(own: Settings, recovered: Outcome) -> None:
    hurried = own.model_copy(update={"lock_timeout_seconds": 0})
    build = own.stage("build", "sample") / "drugflow.duckdb"
    with _holding(f"import duckdb; held = duckdb.connect({str(build)!r})"):
        said = _failure(_materialize(hurried, "marts/dim_drug"))
    assert f"{build} is open in another program" in said
    assert _state(own)["complete"] is True


def test_a_refresh_that_could_publish_nothing_ends_with_2_and_the_old_release_stands(
    own: Settings, recovered: Outcome
) -> None:
    (own.data_marts / "refresh-sample.json").unlink(missing_ok=True)
    before = current_manifest(own)
    lock = own.data_marts / "build" / ".writer.lock"
    with _holding(f"from filelock import FileLock; held = FileLock({str(lock)!r}); held.acquire()"):
        outcome = run_refresh(own.model_copy(update={"lock_timeout_seconds": 0}))
    assert outcome.failure is not None
    assert "Another refresh has been writing" in str(outcome.failure)
    assert (outcome.exit_code, outcome.manifest) == (2, before)
    assert current_manifest(own) == before


@pytest.fixture(scope="module")
def mixture(own: Settings, one_model: dict[str, Any]) -> dg.ExecuteInProcessResult:
    """One source with one vintage less, and what is made from it alone, materialized together."""
    shutil.rmtree(own.data_raw / "sample" / SHRUNK / "2024-12-19")
    return _materialize(own, f"clean/{SHRUNK}", f"history/{SHRUNK}", f"staging/stg_{SHRUNK}", "marts/population_yearly")


def test_one_source_and_its_model_are_materialized(mixture: dg.ExecuteInProcessResult) -> None:
    assert mixture.success


def test_one_model_from_other_histories_makes_the_build_incomplete(
    own: Settings, mixture: dg.ExecuteInProcessResult
) -> None:
    assert _state(own)["complete"] is False


def test_a_mixture_is_never_released(own: Settings, mixture: dg.ExecuteInProcessResult) -> None:
    before = own.current.resolve()
    assert "nothing was published" in _failure(_materialize(own, "release"))
    assert own.current.resolve() == before


def test_a_model_that_cannot_be_built_is_named_with_the_reason(
    own: Settings, mixture: dg.ExecuteInProcessResult
) -> None:
    (own.stage("history", "sample") / f"{SHRUNK}.parquet").write_text("no Parquet")
    said = _failure(_materialize(own, f"staging/stg_{SHRUNK}", "marts/population_yearly"))
    assert "The marts could not be built, so the old release stays" in said
    assert f"stg_{SHRUNK}" in said
    assert "too small to be a Parquet file" in said


def test_a_source_that_is_not_updated_for_months_is_noticed_though_it_is_read(official_release: Settings) -> None:
    # The newest crossings of the mirror are of February 2025.
    key = dg.AssetCheckKey(dg.AssetKey(["history", "bts_border_crossings"]), "data_are_recent")
    with dg.DagsterInstance.from_config(str(official_release.dagster_home)) as instance:
        record = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)[0]
    assert record.event is not None
    assert record.event.dagster_event is not None
    found = record.event.dagster_event.asset_check_evaluation_data
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.metadata["freshness"].value == "late"
    assert found.metadata["newest_period"].value == "2025-02-01"


def test_two_processes_create_one_fresh_home(tmp_path: Path) -> None:
    settings = installation(tmp_path, "sample")
    code = (
        "from pipelines.core.settings import Settings\n"
        "from pipelines.orchestration.instance import prepare_home\n"
        "prepare_home(Settings())"
    )
    environment = _environment(settings)
    both = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        assert instance.get_runs() == []
        assert instance.all_instigator_state() == []


def _materialize(settings: Settings, *assets: str) -> dg.ExecuteInProcessResult:
    """Some assets, in this process, with Dagster, dbt and the files as they are."""
    prepare_home(settings)
    job = build_definitions(settings).resolve_job_def("refresh")
    with dg.DagsterInstance.get() as instance:
        return job.execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey(a.split("/")) for a in assets], raise_on_error=False
        )


def _asset_materialize(settings: Settings, asset: str) -> subprocess.CompletedProcess[str]:
    """One asset by Dagster's own command, with the executor that runs of the UI have."""
    return subprocess.run(
        [
            _program("dagster"), "asset", "materialize", "--select", f'key:"{asset}"',
            "-f", "pipelines/definitions.py", "-d", ".",
        ],
        cwd=ROOT, env=_environment(settings), capture_output=True, text=True, check=False,
    )  # fmt: skip


def _failure(result: dg.ExecuteInProcessResult) -> str:
    """What the UI shows of the step that failed."""
    failed = [e for e in result.all_node_events if e.is_step_failure]
    assert failed, "no step failed"
    said = failed[0].step_failure_data.user_failure_data
    assert said is not None, failed[0].step_failure_data.error
    return str(said.description)


def _state(settings: Settings) -> dict[str, Any]:
    return dict(read_json(settings.stage("build", "sample") / "state.json"))


def _program(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def _environment(settings: Settings) -> dict[str, str]:
    """Variables that make another process work on the same installation."""
    return {
        **os.environ,
        "DRUGFLOW_ORIGIN": str(settings.origin),
        "DRUGFLOW_DATA_RAW": str(settings.data_raw),
        "DRUGFLOW_DATA_MARTS": str(settings.data_marts),
        "DRUGFLOW_DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_HOME": str(settings.dagster_home),
    }


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "gave up waiting"
        time.sleep(0.05)


@contextmanager
def _holding(code: str) -> Iterator[None]:
    """Another process that runs the code and stays until the end of the block."""
    script = f"{code}; print('ready', flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "ready"
        yield
    finally:
        process.communicate("\n")


@contextmanager
def _reader(database: Path, query: str) -> Iterator[Callable[[], list[str]]]:
    """An analyst's process that asks once, keeps the database open, and asks again when it is called."""
    script = (
        "import duckdb, sys; connection = duckdb.connect(sys.argv[1], read_only=True);\n"
        "for _ in range(2):\n"
        "    print(connection.execute(sys.argv[2]).fetchone()[0], flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(database), query],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    first = process.stdout.readline().strip()

    def again() -> list[str]:
        return [first, process.communicate("\n\n")[0].strip()]

    try:
        yield again
    finally:
        if process.poll() is None:
            process.communicate("\n\n")
