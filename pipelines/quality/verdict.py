"""What quality says of one vintage: its checks and its state, and what a person may decide against it.

What belongs here: the words and files of a verdict. What does not: computing it (run, suite, facts).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from pipelines.archive.decisions import Exemption, read_ledger, record, retractions
from pipelines.catalog.load import load_catalog
from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError
from pipelines.core.files import load
from pipelines.core.types import Realm, Severity

State = Literal["accepted", "accepted_by_exception", "held"]


class Check(BaseModel):
    """One expectation's result. detail is a sentence with the file, line and value of what failed."""

    id: str
    severity: Severity
    passed: bool
    failing_rows: int = 0
    evaluated_rows: int = 0
    detail: str = ""
    why: str = ""


class Verdict(BaseModel):
    """The judgement of one vintage. problem is one sentence, None where nothing holds it back.

    is_replaced: another issue of its date stands in its place; it is kept as the measure of the issues after it.
    """

    source: str
    vintage: str
    archive_id: str
    fingerprint: str
    content: str = ""
    state: State = "accepted"
    problem: str | None = None
    readable: bool = True
    clean_sheet: bool = True
    retracted: bool = False
    is_replaced: bool = False
    checks: list[Check] = []
    pages: list[str] = []


def accept(data_raw: Path, realm: Realm, verdict: Verdict, reason: str) -> Exemption:
    """Record an exception for a held vintage, or take its retraction back.

    Raises DrugflowError where the vintage is not held, could not be read, has a value that cannot be, or the reason
    says nothing.
    """
    name = f"{verdict.source} {verdict.vintage}"
    if verdict.state != "held":
        raise DrugflowError(f"{name} is not held back, so there is nothing to accept.")
    if not verdict.readable:
        raise DrugflowError(f"{name} cannot be read, so it has no rows to accept: {verdict.problem}")
    source = load_catalog().get(verdict.source)
    if source and (failed := impossible(source, verdict)):
        found = "; ".join(f"{c.id} found {c.detail}" for c in verdict.checks if c.id in failed)
        raise DrugflowError(
            f"{name} has a value that cannot be, and no exception shows one: {found}. Ask the agency, and add its "
            f"corrected file with 'drugflow add {verdict.source} FILE --published {verdict.vintage}'. If the bound is "
            f"wrong, correct it in pipelines/sources/{verdict.source}/source.yml."
        )
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
        raise DrugflowError(f"{source_id} {archive_id} is retracted already.")
    return record(data_raw, realm, source=source_id, vintage=archive_id, content="", reason=reason, decision="retract")


def read_verdicts(folder: Path, source_id: str) -> list[Verdict]:
    """The stored verdicts of a source but those of replaced issues, oldest vintage first."""
    found = [v for p in (folder / source_id).glob("*.json") if not (v := load(Verdict, p)).is_replaced]
    return sorted(found, key=lambda v: (v.vintage, v.archive_id))
