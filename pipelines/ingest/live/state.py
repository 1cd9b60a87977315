"""What one look at a source leaves for the next: ``data_marts/live/<source>.json``.

It decides nothing alone: a marker counts only while the vintage it names is in the archive, so that losing
either costs one download and never a vintage.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from pipelines.core.files import recall, write_json
from pipelines.core.problem import Problem, Stored
from pipelines.core.settings import Settings


class SourceState(BaseModel):
    """One source's memory. Times are UTC, ISO 8601."""

    model_config = ConfigDict(extra="ignore")

    source: str
    state: Literal["never", "ok", "failing", "blocked"] = "never"
    last_attempt: str | None = None
    last_success: str | None = None
    failing_since: str | None = None
    problems: list[Stored] = []
    rows_updated_at: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    vintage: str | None = None
    """Archive folder that the marker (rows_updated_at, or etag and last_modified) belongs to."""
    taken: dict[str, str] = {}
    """Document pages: URL of each file taken, and its folder in the archive."""
    conditions: dict[str, dict[str, str]] = {}
    """Document pages: URL of each file of the newest month, and the headers that ask whether it is still the same."""
    page: str | None = None
    """Document pages: SHA-256 of the page when the newest month's files were last looked at."""
    files_seen_at: str | None = None
    """Document pages: when the newest month's files were last looked at."""
    notes: list[Stored] = []
    """What the last look found that is no failure and that somebody should know."""

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, stored: Any) -> Any:
        """The memory of a version that kept one sentence in ``problem``."""
        if isinstance(stored, dict) and stored.get("problem"):
            return {"problems": [stored["problem"]], **stored}
        return stored


def state_path(settings: Settings, source_id: str) -> Path:
    """Where a source's memory lies."""
    return settings.live / f"{source_id}.json"


def read_state(settings: Settings, source_id: str) -> SourceState:
    """A source's memory; an unreadable one counts as none."""
    try:
        return SourceState.model_validate(recall(state_path(settings, source_id)) or {"source": source_id})
    except ValidationError:
        return SourceState(source=source_id)


def conclude(settings: Settings, state: SourceState, problems: list[Problem], blocked: bool) -> None:
    """Record how a look ended and store the memory."""
    now = settings.now().isoformat(timespec="seconds")
    state.last_attempt = now
    state.problems = problems
    if not problems:
        state.state, state.last_success, state.failing_since = "ok", now, None
    else:
        state.state = "blocked" if blocked else "failing"
        state.failing_since = state.failing_since or now
    write_json(state_path(settings, state.source), state.model_dump(mode="json"))


def seconds_since(settings: Settings, text: str | None) -> float:
    """Age of a stored time in seconds; infinite where there is none, it is none or it lies in the future."""
    try:
        age = (settings.now() - datetime.fromisoformat(text or "")).total_seconds()
    except (ValueError, TypeError):
        return float("inf")
    return age if age >= 0 else float("inf")
