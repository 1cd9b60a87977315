"""What surrounds a refresh, whoever starts it: the command line, the schedule, the UI, a look back.

What belongs here: the turn, what was known before, the account of how it ended, the alerts. What does not: what a
refresh does (refresh, and the steps of the job), wording and sending of alerts (alerts), printing (console). Imports
no Dagster.
"""

from __future__ import annotations

import contextlib
import traceback
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipelines.alerts.record import finish
from pipelines.alerts.tell import after_refresh
from pipelines.core.errors import DrugflowError, why
from pipelines.core.problem import Problem
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.refresh.lock import turn
from pipelines.refresh.origin import NoOriginError, resolve_origin
from pipelines.release.publish import refuse_sample_over_official, settle
from pipelines.status.outcome import Known, SourceOutcome, known_vintages, outcomes

LOG = "refresh.log"
"""Below data_marts: what the last refresh of the command line printed, and errors that nobody foresaw."""


@dataclass
class Refreshing:
    """A refresh from its turn to its end.

    run: id of the run that does the work, where there is any. before: the vintages in the histories at its beginning.
    failure: why nothing was published, as whoever does the work notes it. At the end of the block there are a line
    for every source, and sentences about what was told to whom and what could not be (alerts).
    """

    settings: Settings
    run: str
    started: datetime
    before: Known
    failure: Problem | None = None
    sources: list[SourceOutcome] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)


@contextlib.contextmanager
def refreshing(
    settings: Settings,
    who: str,
    tell: Callable[[str], None],
    run: str | None = None,
    log: Path | None = None,
) -> Iterator[Refreshing]:
    """Refresh in the installation's turn, then record and tell how it ended; also where the block raises.

    who: how a waiting refresh names this one; tell: hears that this one waits, and what an alert said of an error.
    run: id of the run, unset: a new one. log: the file that is told where an error came from that nobody foresaw.
    Raises BusyError where another refresh kept the turn, DrugflowError with the sentence of what the block raised;
    both leave the release. A sample that would replace an official release, and an origin that nobody chose, are wrong
    use, which is no refresh to record or alert about.
    """
    with turn(settings, who, tell):
        if settings.origin in ("sample", "archive:sample"):
            refuse_sample_over_official(settings, "sample")
        started = settings.now()
        try:
            settle(settings)
            before = known_vintages(settings, resolve_origin(settings).realm)
            running = Refreshing(settings, run or str(uuid.uuid4()), started, before)
            yield running
            _conclude(running)
        except NoOriginError:
            raise
        except Exception as error:
            problem = (
                error.problem
                if isinstance(error, DrugflowError)
                else _unforeseen(log or settings.data_marts / LOG, error)
            )
            finish(settings, started, problem, [])
            for said in after_refresh(settings, _realm(settings), problem):
                tell(said)
            raise DrugflowError(problem) from error


def _conclude(running: Refreshing) -> None:
    """Record and tell how a refresh ended that ran to its end."""
    settings = running.settings
    realm = resolve_origin(settings).realm
    running.sources = outcomes(settings, realm, running.before)
    finish(settings, running.started, running.failure, running.sources)
    running.alerts = after_refresh(settings, realm, running.failure)


def _unforeseen(log: Path, error: Exception) -> Problem:
    """An error that nobody foresaw; where it happened goes into the log of the refresh."""
    with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as handle:
        traceback.print_exception(error, file=handle)
    return Problem.of("refresh_ended_with", error=type(error).__name__, why=why(error), log=log)


def _realm(settings: Settings) -> Realm | None:
    """The realm of a refresh that failed, None where its origin is what is wrong."""
    try:
        return resolve_origin(settings).realm
    except Exception:
        return None
