"""Running the refresh job in this process, for the command line and the nightly run.

What belongs here: starting the run and turning its events into progress. What does not: whether to run (refresh).
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Callable
from typing import Any

from pipelines.core.settings import DBT_PROJECT, Settings
from pipelines.refresh.refresh import Progress
from pipelines.refresh.stages import (
    resolve_origin,
)

Build = Callable[[Settings, dict[str, Any]], Any]
"""Makes the definitions, with loggers: the layer above wires them."""


def run_job(settings: Settings, sources: list[str], progress: Progress, build: Build) -> str | None:
    """Run the job in this process; the sentence why it failed, or None.

    What dbt and Dagster print goes to ``data_marts/refresh.log``; the run itself is in the UI. Cleaning, validation
    and dbt have processes of their own, which import their libraries while this one does other work.
    """
    from pipelines.refresh.workers import own_processes

    with own_processes():
        return _run(settings, sources, progress, build)


def _run(settings: Settings, sources: list[str], progress: Progress, build: Build) -> str | None:
    from pipelines.dbt.manifest import dbt_environment
    from pipelines.dbt.ready import ready_dbt
    from pipelines.orchestration.instance import alive, bury_dead_runs, prepare_home, show_under_job

    progress("start", "started")
    prepare_home(settings)
    import dagster as dg

    failures: list[str] = []
    definitions = build(settings, {"progress": _progress_logger(progress, failures)})
    progress("start", "done")
    job = definitions.resolve_job_def("refresh")
    settings.data_marts.mkdir(parents=True, exist_ok=True)
    run_id = str(uuid.uuid4())
    realm = resolve_origin(settings).realm
    with (
        # Only now: until here Dagster's import is what everything waits for, and dbt's would take half a core from it.
        ready_dbt(settings.stage("build", realm) / "ready", DBT_PROJECT, dbt_environment(settings, realm)),
        dg.DagsterInstance.get() as instance,
        alive(instance, run_id),
        (settings.data_marts / "refresh.log").open("w", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
    ):
        bury_dead_runs(instance)
        show_under_job(instance, job.name)
        result = job.execute_in_process(
            instance=instance,
            asset_selection=_selection(job, sources),
            run_config={"loggers": {"progress": {}}},
            raise_on_error=False,
            run_id=run_id,
            tags={"drugflow/origin": settings.origin or ""},
        )
    if result.success:
        return None
    return " ".join(failures) or "The run failed; its log is in the UI ('drugflow ui', Runs)."


def _selection(job: Any, sources: list[str]) -> list[Any] | None:
    """All assets but the raw and clean ones of the sources that were not asked for; None for everything."""
    if not sources:
        return None
    keys = job.asset_layer.executable_asset_keys
    return sorted((k for k in keys if k.path[0] not in ("raw", "clean") or k.path[1] in sources), key=lambda k: k.path)


def _why(failed: Any) -> str:
    """Why a step failed: the sentence that it was given, else what was raised."""
    if failed.user_failure_data is not None and failed.user_failure_data.description:
        return str(failed.user_failure_data.description)
    cause = failed.error.cause if failed.error.cause is not None else failed.error
    return str(cause.message.split("\n")[0])


def _progress_logger(progress: Progress, failures: list[str]) -> Any:
    """A Dagster logger that turns the run's events into progress and collects why steps failed."""
    import dagster as dg
    from dagster import DagsterEventType

    words = {
        DagsterEventType.STEP_START.value: "started",
        DagsterEventType.STEP_SUCCESS.value: "done",
        DagsterEventType.STEP_FAILURE.value: "failed",
    }

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            event = (getattr(record, "dagster_meta", None) or {}).get("dagster_event")
            if event is None and record.levelno == logging.WARNING:
                progress(record.dagster_meta["orig_message"], "said")  # type: ignore[attr-defined]
            if event is None or event.event_type_value not in words:
                return
            progress(event.step_key.replace("__", "/"), words[event.event_type_value])
            if words[event.event_type_value] == "failed":
                failures.append(_why(event.step_failure_data))

    @dg.logger
    def progress_logger(_context: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("drugflow.progress", level=logging.DEBUG)
        logger.addHandler(Handler())
        return logger

    return progress_logger
