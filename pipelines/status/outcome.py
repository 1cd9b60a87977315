"""How a refresh ended for each source, one line a source.

What belongs here: the word and the sentence. What does not: printing (console), alerts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipelines.catalog.load import load_catalog
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.status.account import Account, freshness, read_outline, state_of

Word = Literal["new", "unchanged", "late", "held", "failing", "blocked"]


@dataclass(frozen=True)
class SourceOutcome:
    """One source's line. vintage: the newest that the marts have, None where they have none."""

    source: str
    word: Word
    sentence: str
    vintage: str | None = None
    days_late: int | None = None
    """Days since the next period was expected, where the source is late, whatever the word."""

    @property
    def line(self) -> str:
        """Source, word and sentence."""
        return f"{self.source} {self.word}: {self.sentence}"


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
    """The line of one source: what a person must know first gives the word, and the rest follows in the sentence.

    before: the vintages in its history before the refresh; those since count as new, however they came.
    """
    state = state_of(account, freshness(account, realm, today))
    said: list[str] = []
    word: Word = "unchanged"
    if account.problems:
        word = "failing" if state == "failing" else "blocked"
        since = account.fetching.failing_since if account.fetching else None
        said.append(f"{f'since {since[:16]}Z: ' if since else ''}{' '.join(account.problems)}")
    if account.waiting:
        word = "held" if word == "unchanged" else word
        said += [f"{v.archive_id} is held back: {v.problem}" for v in account.waiting]
    if new := [v for v in account.taken if v not in before]:
        word = "new" if word == "unchanged" else word
        said.append(f"Took {', '.join(new)}.")
    if days_late := account.days_late(realm, today):
        word = "late" if word == "unchanged" else word
        said.append(f"The next period was expected by {account.next_expected}, {days_late} days ago.")
    said += account.fetching.notes if account.fetching else []
    if account.last_period is None:
        said.append("Nothing is accepted yet.")
    else:
        further = (
            f" (parts of it {account.furthest_period:%Y-%m})" if account.furthest_period != account.last_period else ""
        )
        said.append(f"Newest period {account.last_period:%Y-%m}{further}, vintage {account.last_vintage}.")
    vintage = account.last_vintage.isoformat() if account.last_vintage else None
    return SourceOutcome(account.source.id, word, " ".join(" ".join(said).split()), vintage, days_late)
