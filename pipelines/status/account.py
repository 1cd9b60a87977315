"""The account of a source: everything that the stages stored about it, and how fresh it is.

What belongs here: putting stored accounts together. What does not: computing them, wording for a reader.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pipelines.archive.decisions import Exemption, read_ledger, retractions
from pipelines.archive.vintages import effective_vintages
from pipelines.catalog.source import LONGEST_DAYS, Source
from pipelines.core.files import read_json
from pipelines.core.problem import Problem, read_problem
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.ingest.live.state import SourceState, read_state
from pipelines.quality.verdict import Check, Verdict, read_verdicts
from pipelines.status.held import waiting

LONGEST_GRACE_DAYS = 92
"""A source is late after one more period; a yearly one must not seem due for a whole year."""


@dataclass
class Account:
    """Everything stored about one source in one realm."""

    source: Source
    verdicts: list[Verdict] = field(default_factory=list)
    vintages: list[dict[str, Any]] = field(default_factory=list)
    first_period: date | None = None
    last_period: date | None = None
    """Newest period that every part of the source reaches."""
    furthest_period: date | None = None
    """Newest period that any part of it reaches, be it in an excerpt."""
    parts: list[dict[str, Any]] = field(default_factory=list)
    """How far each part goes (history: _reach), oldest first."""
    last_vintage: date | None = None
    problems: list[Problem] = field(default_factory=list)
    """What the last look at the origin could not take."""
    accepted: list[str] = field(default_factory=list)
    """Release dates of the vintages that the history is made of, ISO, oldest first."""
    waiting: list[Verdict] = field(default_factory=list)
    """Held vintages that no accepted one has overtaken: something of theirs is missing in the marts."""
    exceptions: list[tuple[Verdict, Exemption]] = field(default_factory=list)
    """Vintages in the tables by an operator's exception, with the decision."""
    fetching: SourceState | None = None
    """What the last look at the agency's site left; None where the release came from elsewhere."""

    @property
    def held(self) -> list[Verdict]:
        """Vintages held back."""
        return [v for v in self.verdicts if v.state == "held"]

    @property
    def taken(self) -> list[str]:
        """Archive ids of the vintages that the history is made of; a second issue of a date has its own."""
        return [v.archive_id for v in self.verdicts if v.state != "held" and v.vintage in self.accepted]

    @property
    def next_expected(self) -> date | None:
        """Day by which the period after the newest one should be published: at its end, plus the usual lag."""
        if self.last_period is None:
            return None
        # Periods are named by their first day, so the next one ends two steps later; one that is a day, a step later.
        steps = 1 if self.source.period_is_day else 2
        end = self.last_period + timedelta(days=steps * LONGEST_DAYS[self.source.cadence])
        return end + timedelta(days=self.source.expected_lag_days)

    @property
    def grace_days(self) -> int:
        """Days after next_expected on which the source is due, not late."""
        return min(LONGEST_DAYS[self.source.cadence], LONGEST_GRACE_DAYS)

    @property
    def latest_expected(self) -> date | None:
        """Last day on which the next period is not late."""
        expected = self.next_expected
        return expected + timedelta(days=self.grace_days) if expected else None

    @property
    def is_uneven(self) -> bool:
        """Whether some part of the source ends earlier than another, or than an excerpt."""
        return self.furthest_period != self.last_period or len({p["last_period"] for p in self.parts}) > 1

    def days_late(self, realm: Realm, today: date) -> int | None:
        """Days since the next period was expected, None where the source is not late."""
        expected = self.next_expected
        return (today - expected).days if expected and freshness(self, realm, today) == "late" else None


def read_outline(settings: Settings, realm: Realm, source: Source) -> Account:
    """The account of a source without its vintages: what status, outcomes and alerts need, from a few files."""
    account = Account(source)
    account.verdicts = read_verdicts(settings.stage("quality", realm), source.id)
    ingest = read_json(settings.stage("ingest", realm) / f"{source.id}.json") or {}
    account.problems = [read_problem(p) for p in ingest.get("problems", [])]
    if ingest.get("origin") == "live":
        account.fetching = read_state(settings, source.id)
    history = read_json(settings.stage("history", realm) / f"{source.id}.json") or {}
    for name in ("first_period", "last_period", "furthest_period"):
        if history.get(name):
            setattr(account, name, date.fromisoformat(history[name]))
    account.furthest_period = account.furthest_period or account.last_period
    account.parts = list(history.get("parts", []))
    if history.get("vintages"):
        account.accepted = list(history["vintages"])
        account.last_vintage = date.fromisoformat(account.accepted[-1])
    if account.held:
        account.waiting = waiting(settings, realm, source, account.verdicts)
    if excepted := [v for v in account.verdicts if v.state == "accepted_by_exception"]:
        accepted = [e for e in read_ledger(settings.data_raw, realm) if e.decision == "accept"]
        decided = {(e.source, e.vintage, e.content): e for e in accepted}
        keys = {v.archive_id: (v.source, v.vintage, v.content) for v in excepted}
        account.exceptions = [(v, decided[keys[v.archive_id]]) for v in excepted if keys[v.archive_id] in decided]
    return account


def read_account(settings: Settings, realm: Realm, source: Source) -> Account:
    """The account of a source, from the stages' files."""
    from pipelines.clean.run import Summary

    account = read_outline(settings, realm, source)
    history = read_json(settings.stage("history", realm) / f"{source.id}.json") or {}
    changes = history.get("changes", {})
    by_id = {v.archive_id: v for v in account.verdicts}
    retracted = retractions(read_ledger(settings.data_raw, realm), source.id)
    for vintage in effective_vintages(settings.data_raw, realm, source.id, retracted):
        stored = read_json(settings.stage("clean", realm) / source.id / vintage.id / "summary.json")
        verdict = by_id.get(vintage.id)
        if stored is None or verdict is None:
            continue
        summary, receipt = Summary.model_validate(stored), vintage.receipt
        change = changes.get(summary.vintage, {}) if verdict.state != "held" else {}
        account.vintages.append(
            {
                "source_id": source.id,
                "vintage": summary.vintage,
                "archive_id": vintage.id,
                "state": verdict.state,
                "problem": verdict.problem.said("en", advice=False) if verdict.problem else None,
                "coverage": receipt.coverage,
                "note": receipt.note,
                "files": [f.name for f in receipt.files],
                "sha256": [f.sha256 for f in receipt.files],
                "record_count": summary.records,
                "row_count": summary.rows,
                "set_aside": sum(summary.set_aside.values()),
                "rejected": summary.rejected,
                **{k: change.get(k, 0) for k in ("added", "revised", "annotated", "withdrawn")},
                "first_period": summary.first_period,
                "last_period": summary.last_period,
                "origin": receipt.origin,
                "retrieved_at": receipt.retrieved_at.removesuffix("+00:00"),
            }
        )
    return account


def freshness(account: Account, realm: Realm, today: date) -> str:
    """The same word as the view's, for the command line."""
    expected, latest = account.next_expected, account.latest_expected
    if expected is None or latest is None:
        return "no_data"
    if realm == "sample":
        return "sample"
    if today <= expected:
        return "fresh"
    return "due" if today <= latest else "late"


def state_of(account: Account, freshness_word: str) -> str:
    """What needs a person first: a source that a person must unblock, then one that fails, else how fresh it is."""
    if account.waiting or (account.problems and not (account.fetching and account.fetching.state == "failing")):
        return "blocked"
    return "failing" if account.problems else freshness_word


def broken(verdict: Verdict) -> list[Check]:
    """The checks that hold a vintage back, or would without an exception."""
    return [c for c in verdict.checks if not c.passed and c.severity == "critical"]
