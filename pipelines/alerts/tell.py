"""Telling what turned since the last word: after a refresh, after a run that died, when nothing ran."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

from filelock import FileLock

from pipelines.alerts.conditions import RUN, Condition, of_sources, run_failed
from pipelines.alerts.deliver import addresses, deliver
from pipelines.alerts.memory import memory_path, read_memory, remember, see, write_memory
from pipelines.alerts.message import Seen, body, meanwhile, title
from pipelines.catalog.load import load_catalog
from pipelines.core.errors import why
from pipelines.core.problem import Problem
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.core.wording import LANGUAGES, say
from pipelines.releases.manifest import current_manifest
from pipelines.status.account import Account, read_outline

_PATIENCE = 120


def after_refresh(settings: Settings, realm: Realm | None, failure: Problem | None) -> list[str]:
    """Tell what a refresh that just ended turned. realm: None where not even that is known.

    Returns sentences about what was told, and what could not be; never raises.
    """

    def conditions() -> list[Condition]:
        found = [run_failed(failure)] if failure else []
        if realm is None:
            return found
        return found + of_sources(known, realm, settings.now().date())

    known, unknown = _accounts(settings, realm)
    # What a damaged account would say of its source is neither begun nor over; nobody waits for a sample's.
    mute = set(unknown) if realm == "official" else {s.id for s in load_catalog().values()}
    return tell(settings, conditions, lambda key: key.split("/")[0] not in mute)


def _accounts(settings: Settings, realm: Realm | None) -> tuple[list[Account], list[str]]:
    """The accounts of the active sources, and those that cannot be read."""
    known, unknown = [], []
    for source in (s for s in load_catalog().values() if s.status == "active"):
        try:
            known += [read_outline(settings, realm, source)] if realm else []
        except Exception:
            unknown.append(source.id)
    return known, unknown


def after_death(settings: Settings, failure: Problem) -> list[str]:
    """Tell that a run failed without having told it itself: its process died, or it was started by hand."""
    return tell(settings, lambda: [run_failed(failure)], lambda key: key == RUN)


def tell(settings: Settings, conditions: Callable[[], list[Condition]], mine: Callable[[str], bool]) -> list[str]:
    """Compare with what was told, send what is news, remember it where at least one address took it.

    Returns sentences; never raises: an alert is about a refresh, and must not undo it.
    """
    language = settings.language
    try:
        with _alone(settings):
            now = settings.now().isoformat(timespec="seconds")
            memory = read_memory(settings)
            news = see(memory, conditions(), mine, now)
            said = []
            if news and addresses(settings):
                text = body(news, seen(settings), str(settings.data_marts), settings.today, language)
                sent = deliver(settings, title(news, language), text, bad=bool(news.turned))
                failed = [d.problem for d in sent if d.problem]
                if len(failed) < len(sent):
                    remember(memory, news, now)
                    said.append(say("alert.sent", {"title": title(news, language)}, language))
                memory.undelivered = failed
                said += [say("alert.not_delivered", {"problem": problem}, language) for problem in failed]
            write_memory(settings, memory)
            return said
    except Exception as error:
        told = {"error": type(error).__name__, "why": why(error)}
        return [say("alert.not_looked_after", told, language)]


def try_out(settings: Settings) -> list[tuple[str, bool]]:
    """Send a test message to each address: its sentence, and whether it arrived."""
    own = settings.language
    place = say("alert.installation", {"place": settings.data_marts}, own)
    others = [say("alert.test_in_short", {}, other) for other in LANGUAGES if other != own]
    text = "\n\n".join([say("alert.test", {}, own), meanwhile(seen(settings), own), place, *others])
    sent = deliver(settings, say("alert.test_title", {}, own), text, bad=False)
    return [(d.told.said(own), d.problem is None) for d in sent]


def seen(settings: Settings) -> Seen:
    """The release that analysts open, and its newest periods, from the release itself."""
    manifest = current_manifest(settings)
    if manifest is None:
        return Seen()
    import duckdb

    rows: list[tuple[str, date | None, date | None]] = []
    try:
        with duckdb.connect(str(settings.current.resolve() / "drugflow.duckdb"), read_only=True) as connection:
            rows = connection.execute(
                "select source_id, last_period, last_vintage from meta.sources where status = 'active' order by 1"
            ).fetchall()
    except duckdb.Error:
        rows = []  # a damaged release is what another alert is about
    return Seen(manifest.release_id, manifest.built_at, manifest.origin, rows)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One teller at a time: a refresh, the watchdog and the daemon may come at once."""
    path = memory_path(settings).with_name(".alerts.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path, timeout=_PATIENCE):
        yield
