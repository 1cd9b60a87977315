"""What is wrong now, as conditions that begin and end: a failed run, and four states of a source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from pipelines.core.problem import Phrase, Problem
from pipelines.core.types import Realm
from pipelines.status import advice
from pipelines.status.account import Account, freshness, state_of

RUN, SILENCE = "run", "silence"
Word = Literal["failed", "silent", "failing", "blocked", "held", "late"]


@dataclass(frozen=True)
class Condition:
    """key: what it is about, stable from night to night: run, silence, or a source and a stroke before the rest.

    found and to_do: what happened and what to do, one thing after another. since: as far as the pipeline itself knows
    it, ISO 8601; None: since it was first seen.
    """

    key: str
    word: Word
    subject: Phrase
    found: list[Problem | Phrase]
    to_do: list[Problem | Phrase]
    since: str | None = None


def run_failed(problem: Problem) -> Condition:
    """Nothing was published."""
    return Condition(RUN, "failed", Phrase.of("alert.the_refresh"), [problem], [advice.RUN_FAILED])


def of_sources(accounts: Iterable[Account], realm: Realm, today: date) -> list[Condition]:
    """Conditions of all sources, in their order. A sample has none: nobody waits for its figures."""
    return [] if realm == "sample" else [c for a in accounts for c in _of_source(a, realm, today)]


def _of_source(account: Account, realm: Realm, today: date) -> Iterable[Condition]:
    source = account.source
    name = Phrase.of("alert.source", source=source.id, title=source.title)
    word = freshness(account, realm, today)
    if account.problems:
        failing = state_of(account, word) == "failing"
        yield Condition(
            f"{source.id}/fetch",
            "failing" if failing else "blocked",
            name,
            [*account.problems],
            advice.about_look(source, failing),
            account.fetching.failing_since if account.fetching else None,
        )
    for verdict in account.waiting:
        yield Condition(
            f"{source.id}/held/{verdict.archive_id}",
            "held",
            name,
            [Phrase.of("alert.vintage_held", vintage=verdict.archive_id, found=verdict.holding)],
            [advice.about_held(source, verdict)],
        )
    if word == "late" and account.latest_expected and account.last_period:
        yield Condition(
            f"{source.id}/late",
            "late",
            name,
            [Phrase.of("alert.next_is_late", period=f"{account.last_period:%Y-%m}", expected=account.next_expected)],
            [advice.about_late(source)],
            (account.latest_expected + timedelta(days=1)).isoformat(),
        )
