"""The account of the last refresh that ended, well or not: ``data_marts/last_refresh.json``."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ValidationError

from pipelines.core.files import recall, write_json
from pipelines.core.problem import Problem, Stored, problem_of
from pipelines.core.settings import Settings
from pipelines.status.outcome import SourceOutcome


def _outcome(stored: Any) -> Any:
    """A source's outcome; a version before stored its printed line: source, word and a colon, sentence."""
    if not isinstance(stored, str):
        return stored
    head, _, sentence = stored.partition(": ")
    source, _, word = head.partition(" ")
    return {"source": source, "word": word, "told": [problem_of(sentence)]}


class LastRefresh(BaseModel):
    """How the last refresh ended. Times are UTC, ISO 8601; failure: None where it published or had nothing to do."""

    started_at: str
    finished_at: str
    failure: Stored | None = None
    sources: list[Annotated[SourceOutcome, BeforeValidator(_outcome)]] = []

    def shown(self) -> dict[str, Any]:
        """The account for machines, with sentences in the installation's language."""
        return {
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "failure": str(self.failure) if self.failure else None,
            "sources": [s.model_dump(exclude={"told"}) | {"sentence": s.sentence} for s in self.sources],
        }


def finish(settings: Settings, started: datetime, failure: Problem | None, sources: Sequence[SourceOutcome]) -> None:
    """Record that a refresh ended. A disk that takes no more must not turn a good refresh into a failed one."""
    account = LastRefresh(
        started_at=started.isoformat(timespec="seconds"),
        # The machine's own time, also in a rehearsal: the watchdog counts from it.
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        failure=failure,
        sources=list(sources),
    )
    with contextlib.suppress(OSError):
        write_json(settings.data_marts / "last_refresh.json", account)


def last_refresh(settings: Settings) -> LastRefresh | None:
    """How the last refresh ended; None before the first, and where its account cannot be read."""
    try:
        return LastRefresh.model_validate(recall(settings.data_marts / "last_refresh.json"))
    except ValidationError:
        return None
