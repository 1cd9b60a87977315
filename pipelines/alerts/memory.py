"""What the operators were told, in ``data_marts/alerts.json``, and what is news compared with it.

Losing the file costs one repeated alert for each thing that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from pipelines.alerts.conditions import Condition
from pipelines.alerts.deliver import addresses
from pipelines.core.files import recall, write_json
from pipelines.core.problem import Phrase, Stored
from pipelines.core.settings import Settings


def _subject(stored: Any) -> Any:
    return Phrase.of("phrase.as_told", text=stored) if isinstance(stored, str) else stored


def _undelivered(stored: Any) -> Any:
    return [stored] if isinstance(stored, str) else stored or []


class Told(BaseModel):
    """One thing that the operators know of. Times are UTC, ISO 8601. A version before stored the subject's words."""

    word: str
    subject: Annotated[Phrase, BeforeValidator(_subject)]
    since: str
    told_at: str


class Memory(BaseModel):
    """seen: when each thing that is wrong was first seen. undelivered: why the last alert did not arrive, if so."""

    model_config = ConfigDict(extra="ignore")

    seen: dict[str, str] = {}
    told: dict[str, Told] = {}
    undelivered: Annotated[list[Stored], BeforeValidator(_undelivered)] = []
    watched_since: str | None = None


@dataclass(frozen=True)
class News:
    """What turned wrong, each with since when, and what is over."""

    turned: list[tuple[Condition, str]]
    over: list[tuple[str, Told]]

    def __bool__(self) -> bool:
        return bool(self.turned or self.over)


def memory_path(settings: Settings) -> Path:
    """Where the memory lies."""
    return settings.data_marts / "alerts.json"


def read_memory(settings: Settings) -> Memory:
    """The memory; an unreadable one counts as none."""
    try:
        return Memory.model_validate(recall(memory_path(settings)) or {})
    except ValidationError:
        return Memory()


def write_memory(settings: Settings, memory: Memory) -> None:
    """Store the memory; raises OSError."""
    write_json(memory_path(settings), memory.model_dump(mode="json"))


def see(memory: Memory, conditions: list[Condition], mine: Callable[[str], bool], now: str) -> News:
    """What is news, and since when; notes in the memory what is seen.

    mine: the keys that this look speaks about; others are neither begun nor over. A source that failed and is now
    blocked is news, because a person must act; the other way round is not.
    """
    present = {c.key: c for c in conditions if mine(c.key)}
    memory.seen = {k: v for k, v in memory.seen.items() if not mine(k) or k in present}
    turned = []
    for key, condition in present.items():
        since = condition.since or memory.seen.setdefault(key, now)
        told = memory.told.get(key)
        if told is None or (told.word == "failing" and condition.word == "blocked"):
            turned.append((condition, since))
    over = [(key, told) for key, told in memory.told.items() if mine(key) and key not in present]
    return News(turned, over)


def remember(memory: Memory, news: News, now: str) -> None:
    """Note that the news was told."""
    for condition, since in news.turned:
        memory.told[condition.key] = Told(word=condition.word, subject=condition.subject, since=since, told_at=now)
    for key, _ in news.over:
        del memory.told[key]


def summary(settings: Settings) -> dict[str, Any]:
    """What status shows: how many addresses there are, what was told and is not over, why an alert did not arrive."""
    memory = read_memory(settings)
    return {
        "addresses": len(addresses(settings)),
        "open": [
            {"about": key, **told.model_dump(exclude={"subject"}), "subject": told.subject.said(settings.language)}
            for key, told in sorted(memory.told.items())
        ],
        "undelivered": " ".join(p.said(settings.language) for p in memory.undelivered) or None,
    }
