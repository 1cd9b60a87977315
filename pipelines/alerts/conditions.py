"""What is wrong now, as conditions that begin and end: a failed run, and four states of a source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.core.types import Realm
from pipelines.status.account import Account, freshness, state_of
from pipelines.status.overview import how_to_go_on

RUN, SILENCE = "run", "silence"


@dataclass(frozen=True)
class Condition:
    """key: what it is about, stable from night to night. word: failed, silent, failing, blocked, held or late.

    since: as far as the pipeline itself knows it, ISO 8601; None: since it was first seen.
    """

    key: str
    word: str
    subject: str
    sentence: str
    to_do: str
    since: str | None = None


def run_failed(sentence: str) -> Condition:
    """Nothing was published."""
    return Condition(
        RUN,
        "failed",
        "The refresh",
        sentence,
        "Read the sentence; 'drugflow refresh' tries again at once, the next night by itself. The log of the run is in "
        "the UI ('drugflow ui', Runs) and in data_marts/refresh.log.",
    )


def of_sources(accounts: Iterable[Account], realm: Realm, today: date) -> list[Condition]:
    """Conditions of all sources, in their order. A sample has none: nobody waits for its figures."""
    return [] if realm == "sample" else [c for a in accounts for c in _of_source(a, realm, today)]


def _of_source(account: Account, realm: Realm, today: date) -> Iterable[Condition]:
    source = account.source
    name = f"{source.id} ({source.title.en})"
    word = freshness(account, realm, today)
    if account.problems:
        failing = state_of(account, word) == "failing"
        yield Condition(
            f"{source.id}/fetch",
            "failing" if failing else "blocked",
            name,
            " ".join(account.problems),
            "Nothing yet: the next refresh tries again. If it lasts, look at the publisher's page "
            f"{source.landing_page}."
            if failing
            else "Do what the sentence says; 'drugflow status' repeats it.",
            account.fetching.failing_since if account.fetching else None,
        )
    for verdict in account.waiting:
        yield Condition(
            f"{source.id}/held/{verdict.archive_id}",
            "held",
            name,
            f"The vintage {verdict.archive_id} is held back: {verdict.problem}",
            how_to_go_on(source, verdict),
        )
    if word == "late" and account.latest_expected and account.last_period:
        yield Condition(
            f"{source.id}/late",
            "late",
            name,
            f"The newest period is {account.last_period:%Y-%m}; the next was expected by {account.next_expected}.",
            f"Look at the publisher's page {source.landing_page}: did it stop, move or rename its file? "
            f"'drugflow add {source.id} FILE --published YYYY-MM-DD' takes one that you download.",
            (account.latest_expected + timedelta(days=1)).isoformat(),
        )
