"""What quality says of one vintage: its checks and its state, and what a person may decide against it.

What belongs here: the words and files of a verdict. What does not: computing it (run, suite, facts).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, model_validator

from pipelines.archive.decisions import Exemption, read_ledger, record, retractions
from pipelines.catalog.load import load_catalog
from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError
from pipelines.core.files import load
from pipelines.core.problem import Phrase, Problem, Stored, as_told
from pipelines.core.types import Realm, Severity
from pipelines.core.wording import Language

State = Literal["accepted", "accepted_by_exception", "held"]


class Check(BaseModel):
    """One expectation's result. found: each failing row or value that is told, with its file and line or its place."""

    id: str
    severity: Severity
    passed: bool
    failing_rows: int = 0
    evaluated_rows: int = 0
    found: list[Problem | Phrase] = []
    why: str = ""

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, stored: Any) -> Any:
        """A check of a version that stored one sentence in ``detail``."""
        if isinstance(stored, dict) and "detail" in stored:
            stored = {**stored, "found": [as_told(stored["detail"])] if stored["detail"] else []}
            del stored["detail"]
        return stored

    def told(self, language: Language) -> str:
        """What failed, one thing after another."""
        return "; ".join(found.said(language, advice=False) for found in self.found)

    @property
    def detail(self) -> str:
        """What failed, in English, as the release's tables have it."""
        return self.told("en")


class Verdict(BaseModel):
    """The judgement of one vintage. problem: what holds it back, or would without an exception; None for nothing.

    is_replaced: another issue of its date stands in its place; it is kept as the measure of the issues after it.
    """

    source: str
    vintage: str
    archive_id: str
    fingerprint: str
    content: str = ""
    state: State = "accepted"
    problem: Stored | None = None
    readable: bool = True
    clean_sheet: bool = True
    retracted: bool = False
    is_replaced: bool = False
    checks: list[Check] = []
    pages: list[str] = []

    @property
    def holding(self) -> Problem:
        """What holds it back, in no words where it says nothing."""
        return self.problem or as_told("")


def accept(data_raw: Path, realm: Realm, verdict: Verdict, reason: str) -> Exemption:
    """Record an exception for a held vintage, or take its retraction back.

    Raises DrugflowError where the vintage is not held, could not be read, has a value that cannot be, or the reason
    says nothing.
    """
    named = {"source": verdict.source, "vintage": verdict.vintage}
    if verdict.state != "held":
        raise DrugflowError("nothing_to_accept", **named)
    if not verdict.readable:
        raise DrugflowError("unreadable_cannot_be_accepted", **named, found=verdict.problem)
    source = load_catalog().get(verdict.source)
    if source and (failed := impossible(source, verdict)):
        checks = [c for c in verdict.checks if c.id in failed]
        found = [Phrase.of("phrase.check_found_value", check=c.id, found=c.found) for c in checks]
        raise DrugflowError("impossible_cannot_be_accepted", **named, found=found)
    # What was retracted was not judged: taking that back is no exception from checks.
    content = "" if verdict.retracted else verdict.content
    return record(data_raw, realm, source=verdict.source, vintage=verdict.vintage, content=content, reason=reason)


def impossible(source: Source, verdict: Verdict) -> list[str]:
    """The failed checks that say that a value cannot be, such as a count below 0."""
    return [c.id for c in verdict.checks if not c.passed and c.id in source.bounds]


def retract(data_raw: Path, realm: Realm, source_id: str, archive_id: str, reason: str) -> Exemption:
    """Record that an archived vintage is held for good.

    Raises DrugflowError where it is retracted already or the reason says nothing.
    """
    if archive_id in retractions(read_ledger(data_raw, realm), source_id):
        raise DrugflowError("retracted_already", source=source_id, vintage=archive_id)
    return record(data_raw, realm, source=source_id, vintage=archive_id, content="", reason=reason, decision="retract")


def read_verdicts(folder: Path, source_id: str) -> list[Verdict]:
    """The stored verdicts of a source but those of replaced issues, oldest vintage first."""
    found = [v for p in (folder / source_id).glob("*.json") if not (v := load(Verdict, p)).is_replaced]
    return sorted(found, key=lambda v: (v.vintage, v.archive_id))
