"""A refresh that may run unattended: in its turn, with a line for every source, an account of it, and alerts.

What belongs here: what surrounds a refresh on the command line and in the nightly run alike. What does not: the
refresh itself (refresh), wording and sending of alerts (alerts), printing (console). Imports no Dagster.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pipelines.alerts.record import finish
from pipelines.alerts.tell import after_refresh
from pipelines.core.errors import DrugflowError, why
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.refresh.lock import turn
from pipelines.refresh.refresh import Outcome, Progress, RunJob, refresh
from pipelines.refresh.stages import Fetching, resolve_origin
from pipelines.release.publish import refuse_sample_over_official, settle
from pipelines.status.outcome import Known, SourceOutcome, known_vintages, outcomes


@dataclass
class Night:
    """A refresh and what was said of it. alerts: sentences about what was told to whom, and what could not be."""

    outcome: Outcome
    sources: list[SourceOutcome] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)


def refresh_unattended(
    settings: Settings,
    sources: list[str],
    full: bool,
    progress: Progress,
    run_job: RunJob,
    who: str,
    tell: Callable[[str], None],
    fetching: Fetching = lambda _source, _got, _total: None,
) -> Night:
    """Refresh in this installation's turn, then record and tell how it ended; also where it ends with an error.

    who: how a waiting refresh names this one; tell: hears that this one waits.
    Raises BusyError where another refresh kept the turn, DrugflowError as refresh does; both leave the release. A
    sample that would replace an official release is wrong use, which is no refresh to record or alert about.
    """
    with turn(settings, who, tell):
        if settings.origin in ("sample", "archive:sample"):
            refuse_sample_over_official(settings, "sample")
        started = settings.now()
        try:
            settle(settings)
            realm = resolve_origin(settings).realm
            before = known_vintages(settings, realm)
            outcome = refresh(settings, sources, full, progress, run_job, fetching)
        except Exception as error:
            sentence = str(error) if isinstance(error, DrugflowError) else _unforeseen(settings, error)
            finish(settings, started, sentence, [])
            for said in after_refresh(settings, _realm(settings), sentence):
                tell(said)
            raise DrugflowError(sentence) from error
        lines, alerts = conclude(settings, realm, started, before, outcome.failure)
        return Night(outcome, lines, alerts)


def conclude(
    settings: Settings, realm: Realm, started: datetime, before: Known, failure: str | None
) -> tuple[list[SourceOutcome], list[str]]:
    """Record and tell how a refresh ended that ran to its end, whoever started it: its lines, and its alerts.

    before: the vintages in the histories when it started.
    """
    lines = outcomes(settings, realm, before)
    finish(settings, started, failure, lines)
    return lines, after_refresh(settings, realm, failure)


def _unforeseen(settings: Settings, error: Exception) -> str:
    """A sentence about an error that nobody foresaw; where it happened goes into the log of the refresh."""
    log = settings.data_marts / "refresh.log"
    with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as handle:
        traceback.print_exception(error, file=handle)
    return f"The refresh ended with {type(error).__name__}: {why(error)}. Where it happened is at the end of {log}."


def _realm(settings: Settings) -> Realm | None:
    """The realm of a refresh that failed, None where its origin is what is wrong."""
    try:
        return resolve_origin(settings).realm
    except Exception:
        return None
