"""The ledger of what people decided about vintages of a source. It lies with the archive.

What belongs here: reading and writing decisions. What does not: whether one is possible (quality), what follows.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, RootModel

from pipelines.core.errors import DrugflowError
from pipelines.core.files import load, write_json
from pipelines.core.types import Realm


class Exemption(BaseModel):
    """An operator's decision about a vintage; a later one about the same overrules it.

    accept publishes a held vintage, known by its release date and the content of its rows; without content it takes a
    retraction back and no more. retract holds one that was
    archived by mistake, known by its folder in the archive; content is empty then.
    """

    source: str
    vintage: str
    content: str
    reason: str
    accepted_at: str
    decision: Literal["accept", "retract"] = "accept"


class _Ledger(RootModel[list[Exemption]]):
    """The document."""


def ledger_path(data_raw: Path, realm: Realm) -> Path:
    """The ledger lies with the archive: it must survive a rebuild of everything derived."""
    return data_raw / realm / "accepted.json"


def read_ledger(data_raw: Path, realm: Realm) -> list[Exemption]:
    """All exceptions, oldest first."""
    path = ledger_path(data_raw, realm)
    return load(_Ledger, path).root if path.exists() else []


def record(data_raw: Path, realm: Realm, **said: Any) -> Exemption:
    """Write a decision down. Raises DrugflowError where its reason says nothing."""
    if len(said["reason"].split()) < 3:
        raise DrugflowError("reason_says_nothing")
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
