"""What quality says of one vintage: its checks, its state, and the ledger of exceptions.

What belongs here: the words and files of a verdict. What does not: computing it (run, suite, facts).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from pipelines.vocabulary import DrugflowError, Realm, Severity, read_json, write_json

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
    """The judgement of one vintage. problem is one sentence, None where nothing holds it back."""

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
    checks: list[Check] = []
    pages: list[str] = []


class Exemption(BaseModel):
    """An operator's decision about a vintage; a later one about the same overrules it.

    accept publishes a held vintage, known by its release date and the content of its rows. retract holds one that was
    archived by mistake, known by its folder in the archive; content is empty then.
    """

    source: str
    vintage: str
    content: str
    reason: str
    accepted_at: str
    decision: Literal["accept", "retract"] = "accept"


def ledger_path(data_raw: Path, realm: Realm) -> Path:
    """The ledger lies with the archive: it must survive a rebuild of everything derived."""
    return data_raw / realm / "accepted.json"


def read_ledger(data_raw: Path, realm: Realm) -> list[Exemption]:
    """All exceptions, oldest first."""
    return [Exemption.model_validate(e) for e in read_json(ledger_path(data_raw, realm)) or []]


def accept(data_raw: Path, realm: Realm, verdict: Verdict, reason: str) -> Exemption:
    """Record an exception for a held vintage.

    Raises DrugflowError where the vintage is not held, could not be read, or the reason says nothing.
    """
    name = f"{verdict.source} {verdict.vintage}"
    if verdict.state != "held":
        raise DrugflowError(f"{name} is not held back, so there is nothing to accept.")
    if not verdict.readable:
        raise DrugflowError(f"{name} cannot be read, so it has no rows to accept: {verdict.problem}")
    return _record(
        data_raw, realm, source=verdict.source, vintage=verdict.vintage, content=verdict.content, reason=reason
    )


def retract(data_raw: Path, realm: Realm, source_id: str, archive_id: str, reason: str) -> Exemption:
    """Record that an archived vintage is held for good.

    Raises DrugflowError where it is retracted already or the reason says nothing.
    """
    if archive_id in retractions(read_ledger(data_raw, realm), source_id):
        raise DrugflowError(f"{source_id} {archive_id} is retracted already.")
    return _record(data_raw, realm, source=source_id, vintage=archive_id, content="", reason=reason, decision="retract")


def _record(data_raw: Path, realm: Realm, **said: Any) -> Exemption:
    if len(said["reason"].split()) < 3:
        raise DrugflowError("Give a reason that a reader of the release can judge, in at least three words.")
    entry = Exemption(**said, accepted_at=datetime.now(UTC).isoformat(timespec="seconds"))
    entries = [*read_ledger(data_raw, realm), entry]
    write_json(ledger_path(data_raw, realm), [e.model_dump() for e in entries])
    return entry


def retractions(ledger: list[Exemption], source_id: str) -> dict[str, Exemption]:
    """The vintages of a source that are retracted, by archive id.

    An acceptance of the release date takes back what was retracted under it before.
    """
    found: dict[str, Exemption] = {}
    for entry in (e for e in ledger if e.source == source_id):
        if entry.decision == "retract":
            found[entry.vintage] = entry
        else:
            found = {k: v for k, v in found.items() if k[:10] != entry.vintage}
    return found


def read_verdicts(folder: Path, source_id: str) -> list[Verdict]:
    """The stored verdicts of a source, oldest vintage first."""
    found = [Verdict.model_validate(read_json(p)) for p in (folder / source_id).glob("*.json")]
    return sorted(found, key=lambda v: (v.vintage, v.archive_id))
