"""One refresh from the command line: see whether anything changed, run the job if so, and tell the outcome.

What belongs here: the decision to run, the run, its outcome. What does not: printing (cli), the stages.
Dagster, dbt and Great Expectations are imported only once something changed.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.catalog.load import get_source
from pipelines.core.errors import LOOK_AT_THE_DISK, DrugflowError, why
from pipelines.core.files import recall, write_json
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.ingest.origins import Origin
from pipelines.refresh.stages import (
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
from pipelines.release.publish import acquire, publish, refuse_sample_over_official
from pipelines.releases.manifest import Manifest, current_manifest
from pipelines.status.account import read_outline

Progress = Callable[[str, str], None]
"""Called with a step's name and one of started, done, failed; or with a sentence that a step said, and said."""
RunJob = Callable[[Settings, list[str], Progress], str | None]
"""Runs the refresh job for some sources (none: all) and returns why it failed, or None.

The layer above has it, and imports Dagster only when it is called.
"""


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
    run_job: RunJob,
    fetching: Fetching = lambda _source, _got, _total: None,
) -> Outcome:
    """Bring the marts up to date with the origin. run_job is called only where something changed.

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
    failure = _run_on_this_disk(settings, sources, progress, run_job)
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


def _run_on_this_disk(settings: Settings, sources: list[str], progress: Progress, run_job: RunJob) -> str | None:
    """run_job, where Dagster's own files may meet a full or locked disk too."""
    try:
        return run_job(settings, sources, progress)
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
