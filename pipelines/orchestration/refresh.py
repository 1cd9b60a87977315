"""One refresh from the command line: see whether anything changed, run the job if so, and tell the outcome.

What belongs here: the decision to run, the run, its outcome. What does not: printing (cli), the stages.
Dagster, dbt and Great Expectations are imported only once something changed.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.ingest.origins import Origin
from pipelines.orchestration.stages import (
    DBT_PROJECT,
    Fetching,
    active_sources,
    answers,
    build_inputs,
    code_version,
    decisions,
    is_settled,
    look_at_agencies,
    refuse_wrong_mirror,
    resolve_origin,
    survey,
)
from pipelines.release.meta import read_outline
from pipelines.release.publish import Manifest, acquire, current_manifest, publish, refuse_sample_over_official
from pipelines.settings import Settings
from pipelines.sources.catalog import get_source
from pipelines.vocabulary import LOOK_AT_THE_DISK, DrugflowError, Realm, recall, why, write_json

Progress = Callable[[str, str], None]
"""Called with a step's name and one of started, done, failed; or with a sentence that a step said, and said."""
Build = Callable[[Settings, dict[str, Any]], Any]
"""Makes the definitions, with loggers: the layer above wires them, and imports Dagster only when called."""


@dataclass
class Outcome:
    """What a refresh did. blocked: sentences about what is held back; failure: why nothing was published."""

    origin: Origin
    changed: bool
    manifest: Manifest | None
    blocked: list[str] = field(default_factory=list)
    failure: str | None = None

    @property
    def exit_code(self) -> int:
        """0 done or nothing to do; 1 something is blocked, the rest is released; 2 nothing was released that should be.

        A release from before says nothing of this refresh.
        """
        if self.manifest is None or self.failure:
            return 2
        return 1 if self.blocked else 0


def refresh(
    settings: Settings,
    sources: list[str],
    full: bool,
    progress: Progress,
    build: Build,
    fetching: Fetching = lambda _source, _got, _total: None,
) -> Outcome:
    """Bring the marts up to date with the origin. build is called only where something changed.

    The agencies' sites are looked at first, so that an unchanged night costs that look alone.

    Raises DrugflowError for wrong use (unknown origin, a sample over an official release).
    """
    origin = resolve_origin(settings)
    refuse_sample_over_official(settings, origin.realm)
    refuse_wrong_mirror(settings, origin, sources)
    settings = settings.model_copy(update={"origin": origin.name})
    state = settings.data_marts / f"refresh-{origin.realm}.json"
    look_at_agencies(settings, origin, sources or active_sources(), fetching)
    before, answered = survey(settings, origin), answers(settings, origin)
    current = current_manifest(settings)
    noted = {"answers": {}, **(recall(state) or {})}
    if not full and current is not None and current.realm == origin.realm and noted.get("survey") == before:
        if noted["answers"] == answered:
            return Outcome(origin, False, current, blocked(settings, origin.realm))
        with contextlib.suppress(DrugflowError):  # the models are not built from these histories: they are now
            return _tell_answers(settings, origin, current, state, {"survey": before, "answers": answered})
    if full:
        state.unlink(missing_ok=True)
        for stage in ("clean", "quality", "history", "build"):
            shutil.rmtree(settings.stage(stage, origin.realm), ignore_errors=True)
    decided = decisions(settings, origin.realm)
    failure = _run_on_this_disk(settings, sources, progress, build)
    after = current_manifest(settings)
    # What a person decided or added while the run was at work is for the next one.
    whole = failure is None and not sources
    if whole and decisions(settings, origin.realm) == decided and is_settled(settings, origin.realm):
        write_json(state, {"survey": survey(settings, origin), "answers": answered})
    return Outcome(origin, True, after, blocked(settings, origin.realm), failure)


def _tell_answers(settings: Settings, origin: Origin, current: Manifest, state: Path, noted: dict[str, Any]) -> Outcome:
    """Release the same tables with a meta.sources that says how the agencies answer by now; no model is built.

    Raises DrugflowError where the models are not built from the histories as they are.
    """
    failure = None
    try:
        with acquire(settings, origin.realm):
            publish(settings, origin.realm, origin.name, lambda: build_inputs(settings, origin.realm), code_version())
        write_json(state, noted)
    except OSError as error:
        failure = f"{why(error)}. {LOOK_AT_THE_DISK}"
    shown = current_manifest(settings) or current
    return Outcome(origin, False, shown, blocked(settings, origin.realm), failure)


def _run_on_this_disk(settings: Settings, sources: list[str], progress: Progress, build: Build) -> str | None:
    """run_job, where Dagster's own files may meet a full or locked disk too."""
    try:
        return run_job(settings, sources, progress, build)
    except OSError as error:
        return f"{why(error)}. {LOOK_AT_THE_DISK}"
    except Exception as error:
        # SQLAlchemy's wrapping of what SQLite says; importing it here would cost an unchanged night its seconds.
        if not isinstance(getattr(error, "orig", None), sqlite3.Error):
            raise
        place = settings.dagster_home
        return f"Dagster's runs in {place} cannot be written ({why(error.orig)}). {LOOK_AT_THE_DISK}"  # type: ignore[attr-defined]


def blocked(settings: Settings, realm: Realm) -> list[str]:
    """Sentences about what the last refresh could not take in."""
    sentences = []
    for source_id in active_sources():
        account = read_outline(settings, realm, get_source(source_id))
        sentences += [f"{source_id}: {p}" for p in account.problems]
        sentences += [f"{source_id} {v.archive_id} is held back: {v.problem}" for v in account.waiting]
    return sentences


def run_job(settings: Settings, sources: list[str], progress: Progress, build: Build) -> str | None:
    """Run the job in this process; the sentence why it failed, or None.

    What dbt and Dagster print goes to ``data_marts/refresh.log``; the run itself is in the UI. Cleaning, validation
    and dbt have processes of their own, which import their libraries while this one does other work.
    """
    from pipelines.orchestration.workers import own_processes

    with own_processes():
        return _run(settings, sources, progress, build)


def _run(settings: Settings, sources: list[str], progress: Progress, build: Build) -> str | None:
    from pipelines.orchestration.dbt_ready import ready_dbt
    from pipelines.orchestration.instance import alive, bury_dead_runs, prepare_home, show_under_job
    from pipelines.orchestration.manifest import dbt_environment

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
