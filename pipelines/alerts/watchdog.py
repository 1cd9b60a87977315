"""The watchdog: did any refresh end lately? It reads files alone, so that it works where Dagster does not."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

from pipelines.alerts.conditions import SILENCE, Condition
from pipelines.alerts.memory import read_memory, write_memory
from pipelines.alerts.record import last_refresh
from pipelines.alerts.tell import tell
from pipelines.core.settings import Settings


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
    what = f"The last refresh ended {since:%Y-%m-%d %H:%M} UTC" if ended else "No refresh is known to have ended"
    sentence = f"{what}, {max(0.0, (now - since).total_seconds()) / 3600:.1f} hours ago" if ended else what
    limit = f"expected: one within {settings.watchdog_hours:g} hours (DRUGFLOW_WATCHDOG_HOURS)"
    found = [_silence(f"{sentence}; {limit}.", since)] if silent else []
    return not silent, [f"{sentence}; {limit}.", *tell(settings, lambda: found, lambda key: key == SILENCE)]


def _ended(settings: Settings, now: datetime) -> datetime | None:
    """When the last refresh ended; None where no account says it, or one of a day that has not come yet.

    A clock that was set forward and back again would otherwise pass for a refresh that ended a moment ago, for years.
    """
    try:
        ended = datetime.fromisoformat((last_refresh(settings) or {})["finished_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return ended if ended - now < timedelta(hours=settings.watchdog_hours) else None


def _silence(sentence: str, since: datetime) -> Condition:
    return Condition(
        SILENCE,
        "silent",
        "The nightly refresh",
        sentence,
        "See whether the daemon or cron runs ('systemctl status drugflow-daemon', 'drugflow ui'), then run "
        "'drugflow refresh'.",
        since.isoformat(timespec="seconds"),
    )


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
