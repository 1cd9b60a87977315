"""One refresh from the command line: look, see whether anything changed, run the job if so, and tell the outcome.

What belongs here: the decision to run, the run, its outcome. What does not: what surrounds it (protocol), printing
(cli), the stages. Dagster, dbt and Great Expectations are imported only once something changed.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from pipelines.catalog.load import get_source
from pipelines.core.errors import DrugflowError, machine_refused, why
from pipelines.core.problem import Problem
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.ingest.origins import Origin
from pipelines.refresh.look import Fetching, look_at_origin
from pipelines.refresh.origin import active_sources, refuse_wrong_mirror, resolve_origin
from pipelines.refresh.protocol import Refreshing
from pipelines.refresh.stages import build_inputs
from pipelines.refresh.survey import code_version, forget_release, is_released, is_told, note_release, survey
from pipelines.release.publish import acquire, publish, refuse_sample_over_official
from pipelines.releases.manifest import Manifest, current_manifest
from pipelines.status.account import read_outline

Progress = Callable[[str, str], None]
"""Called with a step's name and one of started, done, failed; or with a sentence that a step said, and said."""
RunJob = Callable[[Settings, list[str], Progress, str], Problem | None]
"""Runs the refresh job under an id for some sources (none: all) and returns why it failed, or None.

The layer above has it, and imports Dagster only when it is called.
"""


@dataclass
class Outcome:
    """What a refresh did. blocked: what is held back or was not taken; failure: why nothing was published."""

    origin: Origin
    changed: bool
    manifest: Manifest | None
    blocked: list[Problem] = field(default_factory=list)
    failure: Problem | None = None

    @property
    def exit_code(self) -> int:
        """0 done or nothing to do; 1 something is blocked, the rest is released; 2 nothing was released that should be.

        A release from before says nothing of this refresh.
        """
        if self.manifest is None or self.failure:
            return 2
        return 1 if self.blocked else 0


def refresh(
    running: Refreshing,
    sources: list[str],
    full: bool,
    progress: Progress,
    run_job: RunJob,
    fetching: Fetching = lambda _source, _got, _total: None,
) -> Outcome:
    """Bring the marts up to date with the origin. run_job is called only where something changed.

    The origin is looked at first, all sources of it, so that an unchanged night costs that look alone.
    Raises DrugflowError for wrong use (unknown origin, a sample over an official release), or a damaged archive.
    """
    settings = running.settings
    origin = resolve_origin(settings)
    refuse_sample_over_official(settings, origin.realm)
    refuse_wrong_mirror(settings, origin, sources)
    settings = settings.model_copy(update={"origin": origin.name})
    current = current_manifest(settings)
    try:
        look_at_origin(settings, origin, sources or active_sources(), running.run, fetching)
    except OSError as error:
        running.failure = machine_refused(error)
        return Outcome(origin, False, current, [], running.failure)
    if not full and current is not None and is_released(settings, origin, survey(settings, origin)):
        if is_told(settings, origin):
            return Outcome(origin, False, current, blocked(settings, origin.realm))
        with contextlib.suppress(DrugflowError):  # the models are not built from these histories: they are now
            running.failure = _tell_answers(settings, origin)
            shown = current_manifest(settings) or current
            return Outcome(origin, False, shown, blocked(settings, origin.realm), running.failure)
    if full:
        forget_release(settings, origin.realm)
        for stage in ("clean", "quality", "history", "build"):
            shutil.rmtree(settings.stage(stage, origin.realm), ignore_errors=True)
    running.failure = _run_on_this_disk(settings, sources, progress, run_job, running.run)
    return Outcome(origin, True, current_manifest(settings), blocked(settings, origin.realm), running.failure)


def _tell_answers(settings: Settings, origin: Origin) -> Problem | None:
    """Release the same tables with a meta.sources that says how the agencies answer by now; no model is built.

    Returns why the disk refused it, or None. Raises DrugflowError where the models are not built from the histories
    as they are.
    """
    try:
        with acquire(settings, origin.realm):
            publish(settings, origin.realm, origin.name, lambda: build_inputs(settings, origin.realm), code_version())
        note_release(settings, origin)
    except OSError as error:
        return machine_refused(error)
    return None


def _run_on_this_disk(
    settings: Settings, sources: list[str], progress: Progress, run_job: RunJob, run: str
) -> Problem | None:
    """run_job, where Dagster's own files may meet a full or locked disk too."""
    try:
        return run_job(settings, sources, progress, run)
    except OSError as error:
        return machine_refused(error)
    except Exception as error:
        # SQLAlchemy's wrapping of what SQLite says; importing it here would cost an unchanged night its seconds.
        if not isinstance(getattr(error, "orig", None), sqlite3.Error):
            raise
        return Problem.of("runs_cannot_be_written", folder=settings.dagster_home, why=why(error.orig))  # type: ignore[attr-defined]


def blocked(settings: Settings, realm: Realm) -> list[Problem]:
    """What the last refresh could not take in."""
    found: list[Problem] = []
    for source_id in active_sources():
        account = read_outline(settings, realm, get_source(source_id))
        found += [Problem.of("source_blocked", source=source_id, found=p) for p in account.problems]
        found += [
            Problem.of("vintage_held", source=source_id, vintage=v.archive_id, found=v.holding) for v in account.waiting
        ]
    return found
