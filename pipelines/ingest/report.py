"""The report of one look at an origin, and the receipt of the files that it took."""

from __future__ import annotations

from dataclasses import field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from pipelines.archive.sample_guard import refuse_generated
from pipelines.archive.vintages import RECEIPT, RawFile, Receipt
from pipelines.core.errors import DrugflowError
from pipelines.core.fingerprint import sha256_of
from pipelines.core.problem import Stored
from pipelines.core.types import Realm


@dataclass
class IngestReport:
    """What one look at an origin did for one source. It is stored, and read from what was stored."""

    source: str
    added: list[str] = field(default_factory=list)
    known: int = 0
    problems: list[Stored] = field(default_factory=list)
    again: bool = False
    """Whether a problem lies in the machine (a full disk, no permission), so that the same look may succeed later."""
    blocked: bool = False
    """Whether a problem goes on until a person acts."""
    notes: list[Stored] = field(default_factory=list)
    """What is no problem and somebody should know."""


def make_receipt(
    origin: str, realm: Realm, source_id: str, vintage: date, files: list[Path], said: dict[str, Any]
) -> Receipt:
    """Receipt for files at hand, read now.

    Raises DrugflowError where two files have one name, a name cannot be kept, or generated files would be official.
    """
    draft = draft_receipt(origin, realm, source_id, vintage, files, said)
    return draft.model_copy(
        update={"files": [RawFile(name=f.name, sha256=sha256_of(f), bytes=f.stat().st_size) for f in files]}
    )


def draft_receipt(
    origin: str, realm: Realm, source_id: str, vintage: date, files: list[Path], said: dict[str, Any]
) -> Receipt:
    """The receipt before a byte of its files is read: without them, as the archive fills it while it copies.

    Raises DrugflowError as make_receipt does.
    """
    refuse_generated(realm, files, said.get("note"), inside=False)
    names = [f.name for f in files]
    for name in names:
        if names.count(name) > 1:
            raise DrugflowError("two_files_of_a_name", file=name)
        if name == RECEIPT or not name.isprintable():
            raise DrugflowError("name_cannot_be_kept", file=name)
    scope = {k: [v] if isinstance(v, str) else list(v) for k, v in said.get("scope", {}).items()}
    return Receipt(
        source=source_id,
        realm=realm,
        vintage=vintage,
        origin=origin,
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        coverage=said.get("coverage", "full"),
        scope=scope,
        note=said.get("note"),
        files=[],
    )
