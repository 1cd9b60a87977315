"""The watchdog: did any refresh end lately? It reads files alone, so that it works where Dagster does not."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

from pipelines.alerts.conditions import SILENCE, Condition
from pipelines.alerts.memory import read_memory, write_memory
from pipelines.alerts.record import last_refresh
from pipelines.alerts.tell import tell
from pipelines.core.problem import Phrase
from pipelines.core.settings import Settings
from pipelines.status import advice


def watch(settings: Settings, now: datetime | None = None) -> tuple[bool, list[str]]:
    """Whether all is well, and what is to be said of it; alerts once when it is not, and once when it is again.

    now: the moment of the look, by default the machine's. Counts from the last refresh that ended, well or not: one
    that failed was told when it failed. Before the first it counts from the watchdog's own first look.
    """
    now = now or datetime.now(UTC)
    ended = _ended(settings, now)
    since = ended or _first_look(settings, now)
    if ended:
        _forget_first_look(settings)
    silent = now - since > timedelta(hours=settings.watchdog_hours)
    hours = max(0.0, (now - since).total_seconds()) / 3600
    what = (
        Phrase.of("watchdog.ended", moment=f"{since:%Y-%m-%d %H:%M}", hours=hours, limit=settings.watchdog_hours)
        if ended
        else Phrase.of("watchdog.nothing_ended", limit=settings.watchdog_hours)
    )
    found = [_silence(what, since)] if silent else []
    told = tell(settings, lambda: found, lambda key: key == SILENCE)
    return not silent, [what.said(settings.language), *told]


def _ended(settings: Settings, now: datetime) -> datetime | None:
    """When the last refresh ended; None where no account says it, or one of a day that has not come yet.

    A clock that was set forward and back again would otherwise pass for a refresh that ended a moment ago, for years.
    """
    try:
        account = last_refresh(settings)
        ended = datetime.fromisoformat(account.finished_at) if account else None
    except ValueError:
        return None
    if ended is None or ended.tzinfo is None:
        return None
    return ended if ended - now < timedelta(hours=settings.watchdog_hours) else None


def _silence(what: Phrase, since: datetime) -> Condition:
    subject = Phrase.of("alert.the_nightly_refresh")
    return Condition(SILENCE, "silent", subject, [what], [advice.SILENCE], since.isoformat(timespec="seconds"))


def _forget_first_look(settings: Settings) -> None:
    """Should the account of refreshes be lost one day, the count begins anew and not at a look of long ago."""
    memory = read_memory(settings)
    if memory.watched_since is not None:
        memory.watched_since = None
        with contextlib.suppress(OSError):
            write_memory(settings, memory)


def _first_look(settings: Settings, now: datetime) -> datetime:
    memory = read_memory(settings)
    if not _is_moment(memory.watched_since):
        memory.watched_since = now.isoformat(timespec="seconds")
        with contextlib.suppress(OSError):
            settings.data_marts.mkdir(parents=True, exist_ok=True)
            write_memory(settings, memory)
    return datetime.fromisoformat(str(memory.watched_since))


def _is_moment(text: str | None) -> bool:
    try:
        return datetime.fromisoformat(text or "").tzinfo is not None
    except ValueError:
        return False
