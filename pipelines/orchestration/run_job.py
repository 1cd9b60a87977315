"""Running the refresh job in this process, for the command line.

What belongs here: starting the run and turning its events into progress. What does not: whether to run (refresh),
what surrounds it (refresh.protocol).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any

import dagster as dg

from pipelines.core.problem import Problem
from pipelines.core.settings import Settings
from pipelines.dbt.build import Dbt
from pipelines.dbt.manifest import dbt_environment
from pipelines.orchestration.failure import joined, why_step_failed
from pipelines.orchestration.instance import alive, bury_dead_runs, prepare_home
from pipelines.orchestration.jobs import REFRESH
from pipelines.refresh.origin import active_sources, resolve_origin
from pipelines.refresh.protocol import LOG
from pipelines.refresh.refresh import Progress

REPOSITORY, LOCATION = ".dagster/repository", "drugflow"
"""The tag by which the page of a job in the UI finds its runs, and the code location's name in workspace.yaml."""
Build = Callable[[dict[str, Any]], dg.Definitions]
"""Makes the definitions, with loggers: the layer above wires them."""


def run_job(
    settings: Settings, sources: list[str], progress: Progress, run: str, dbt: Dbt, build: Build
) -> Problem | None:
    """Run the job in this process under an id; why it failed, or None.

    dbt: what the steps build with; it is made ready meanwhile. What dbt and Dagster print goes to
    ``data_marts/refresh.log``; the run itself is in the UI.
    """
    progress("start", "started")
    prepare_home(settings)
    failures: list[Problem] = []
    job = build({"progress": _progress_logger(progress, failures)}).resolve_job_def(REFRESH)
    progress("start", "done")
    settings.data_marts.mkdir(parents=True, exist_ok=True)
    realm = resolve_origin(settings).realm
    with (
        # Only now: until here Dagster's import is what everything waits for, and dbt's would take half a core from it.
        dbt.ready(settings.stage("build", realm) / "ready", dbt_environment(settings, realm)),
        dg.DagsterInstance.get() as instance,
        alive(instance, run),
        (settings.data_marts / LOG).open("w", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
    ):
        bury_dead_runs(instance)
        result = job.execute_in_process(
            instance=instance,
            asset_selection=_selection(settings, job, sources),
            run_config={"loggers": {"progress": {}}},
            raise_on_error=False,
            run_id=run,
            tags={"drugflow/origin": settings.origin or "", REPOSITORY: f"__repository__@{LOCATION}"},
        )
    if result.success:
        return None
    return joined(failures) or Problem.of("run_without_reason")


def _selection(settings: Settings, job: dg.JobDefinition, sources: list[str]) -> list[dg.AssetKey] | None:
    """All assets but those of the sources that were not asked for; None for everything.

    Those have an empty history where they have none yet, because models read the history of every source.
    """
    if not sources:
        return None
    history = settings.stage("history", resolve_origin(settings).realm)
    stays = {s for s in active_sources() if s not in sources}
    built = {s for s in stays if (history / f"{s}.parquet").exists()}
    left = {("raw", s) for s in stays} | {("clean", s) for s in stays} | {("history", s) for s in built}
    keys = (k for k in job.asset_layer.executable_asset_keys if tuple(k.path) not in left)
    return sorted(keys, key=lambda k: tuple(k.path))


def _progress_logger(progress: Progress, failures: list[Problem]) -> Any:
    """A Dagster logger that turns the run's events into progress and collects why steps failed."""
    words = {
        dg.DagsterEventType.STEP_START.value: "started",
        dg.DagsterEventType.STEP_SUCCESS.value: "done",
        dg.DagsterEventType.STEP_FAILURE.value: "failed",
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
                failures.append(why_step_failed(event.step_failure_data))

    @dg.logger
    def progress_logger(_context: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("drugflow.progress", level=logging.DEBUG)
        logger.addHandler(Handler())
        return logger

    return progress_logger
