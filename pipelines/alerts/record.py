"""The account of the last refresh that ended, well or not: ``data_marts/last_refresh.json``."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

from pipelines.core.files import recall, write_json
from pipelines.core.settings import Settings


def finish(settings: Settings, started: datetime, failure: str | None, sources: list[str]) -> None:
    """Record that a refresh ended. A disk that takes no more must not turn a good refresh into a failed one."""
    account = {
        "started_at": started.isoformat(timespec="seconds"),
        # The machine's own time, also in a rehearsal: the watchdog counts from it.
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "failure": failure,
        "sources": sources,
    }
    with contextlib.suppress(OSError):
        write_json(settings.data_marts / "last_refresh.json", account)


def last_refresh(settings: Settings) -> dict[str, Any] | None:
    """started_at, finished_at, failure (a sentence or None) and a line for each source; None before the first."""
    found: dict[str, Any] | None = recall(settings.data_marts / "last_refresh.json")
    return found
