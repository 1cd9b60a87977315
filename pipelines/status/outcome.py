"""How a refresh ended for each source.

What belongs here: the word, and what is said of it. What does not: printing (console), alerts.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipelines.catalog.load import load_catalog
from pipelines.core.problem import Phrase, Problem
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.core.wording import say
from pipelines.status.account import Account, freshness, read_outline, state_of

Word = Literal["new", "unchanged", "late", "held", "failing", "blocked"]


class SourceOutcome(BaseModel):
    """How it ended for one source. vintage: the newest that the marts have, None where they have none."""

    model_config = ConfigDict(frozen=True)

    source: str
    word: Word
    told: list[Problem | Phrase] = []
    """What is said of it, one thing after another."""
    vintage: str | None = None
    days_late: int | None = None
    """Days since the next period was expected, where the source is late, whatever the word."""

    @property
    def sentence(self) -> str:
        """What is said of it, in the installation's language, on one line."""
        return " ".join(" ".join(map(str, self.told)).split())

    @property
    def line(self) -> str:
        """Source, word and sentence."""
        return f"{self.source} {say(f'word.{self.word}', {})}: {self.sentence}"


Known = dict[str, list[str]]
"""Archive ids of the vintages in the histories, by source."""


def known_vintages(settings: Settings, realm: Realm) -> Known:
    """What the histories are made of now: to be asked before a refresh, so that its outcome tells what is new."""
    return {s.id: read_outline(settings, realm, s).taken for s in load_catalog().values() if s.status == "active"}


def outcomes(settings: Settings, realm: Realm, before: Known) -> list[SourceOutcome]:
    """A line for each active source, in the catalogue's order, from the stages' files."""
    today = settings.now().date()
    active = [s for s in load_catalog().values() if s.status == "active"]
    return [outcome_of(read_outline(settings, realm, s), realm, today, before.get(s.id, [])) for s in active]


def outcome_of(account: Account, realm: Realm, today: date, before: list[str]) -> SourceOutcome:
    """How it ended for one source: what a person must know first gives the word, and the rest follows.

    before: the vintages in its history before the refresh; those since count as new, however they came.
    """
    state = state_of(account, freshness(account, realm, today))
    told: list[Problem | Phrase] = []
    word: Word = "unchanged"
    if account.problems:
        word = "failing" if state == "failing" else "blocked"
        since = account.fetching.failing_since if account.fetching else None
        told += [Phrase.of("outcome.since", since=since[:16])] if since else []
        told += account.problems
    if account.waiting:
        word = "held" if word == "unchanged" else word
        told += [Phrase.of("outcome.held", vintage=v.archive_id, found=v.problem) for v in account.waiting]
    if new := [v for v in account.taken if v not in before]:
        word = "new" if word == "unchanged" else word
        told.append(Phrase.of("outcome.took", vintages=new))
    if days_late := account.days_late(realm, today):
        word = "late" if word == "unchanged" else word
        told.append(Phrase.of("outcome.late", expected=account.next_expected, count=days_late))
    told += account.fetching.notes if account.fetching else []
    if account.last_period is None:
        told.append(Phrase.of("outcome.nothing_accepted"))
    else:
        months = {"period": f"{account.last_period:%Y-%m}", "furthest": f"{account.furthest_period:%Y-%m}"}
        key = "outcome.newest" if account.furthest_period == account.last_period else "outcome.newest_uneven"
        told.append(Phrase.of(key, vintage=account.last_vintage, **months))
    vintage = account.last_vintage.isoformat() if account.last_vintage else None
    return SourceOutcome(source=account.source.id, word=word, told=told, vintage=vintage, days_late=days_late)
