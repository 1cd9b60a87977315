"""The archive: every vintage's bytes, written once, with a receipt beside them.

What belongs here: storing, listing and verifying raw files. What does not: where they come from
(origins), reading what is in them (clean). Nothing here edits or deletes a raw file.

Layout: ``data_raw/<realm>/<source>/<release date>/<files> + receipt.json``. A second, different
content under one date is kept as ``<release date>.2``, ``.3`` and so on; the last one that is not held speaks.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.archive.sample_guard import refuse_generated
from pipelines.core.errors import DrugflowError
from pipelines.core.files import faults, write_json
from pipelines.core.fingerprint import fingerprint, sha256_of
from pipelines.core.types import Realm

RECEIPT = "receipt.json"
_CHUNK = 1024 * 1024
_FOLDER = re.compile(r"^(\d{4}-\d{2}-\d{2})(?:\.(\d+))?$")


class RawFile(BaseModel):
    """One archived file."""

    name: str
    sha256: str
    bytes: int


class Receipt(BaseModel):
    """Where a vintage's files came from and what they say they cover."""

    model_config = ConfigDict(extra="forbid")

    source: str
    realm: Realm
    vintage: date = Field(description="release date")
    origin: str
    url: str | None = None
    retrieved_at: str = Field(description="UTC, ISO 8601")
    published_at: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    coverage: Literal["full", "partial"] = "full"
    scope: dict[str, list[str]] = {}
    note: str | None = None
    files: list[RawFile]

    @property
    def content(self) -> str:
        """Fingerprint of the bytes and of what they are said to cover."""
        said = [self.coverage, *(f"{k}={v}" for k, v in sorted(self.scope.items()))]
        return fingerprint([*said, *sorted(f"{f.name}:{f.sha256}" for f in self.files)])


class ArchivedVintage(BaseModel):
    """A receipt and the folder it lies in."""

    folder: Path
    receipt: Receipt
    issue: int = 1

    @property
    def id(self) -> str:
        """Folder name: the release date, with the number of the issue from the second on."""
        return self.folder.name

    def verify(self) -> None:
        """Compare every file with its receipt.

        Raises DrugflowError naming the first file that is absent or whose bytes changed.
        """
        for file in self.receipt.files:
            path = self.folder / file.name
            if not path.exists():
                raise DrugflowError("archived_file_gone", file=path)
            found = sha256_of(path)
            if found != file.sha256:
                raise DrugflowError("archived_file_changed", file=path, found=found[:12], receipt=file.sha256[:12])


def is_ahead(day: date, today: date) -> bool:
    """Whether a release date lies after tomorrow: nobody published that yet, and it would outrank all that follow."""
    return day > today + timedelta(days=1)


def parse_release_date(text: str, today: date | None = None) -> date:
    """Release date from a folder name or an option.

    today is the day in UTC unless given. Raises DrugflowError with the expected form, or for a day after tomorrow.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise DrugflowError("not_a_release_date", text=text) from error
    if is_ahead(day, today or datetime.now(UTC).date()):
        # No word of today: a problem that changed every night would look like a change of the mirror.
        raise DrugflowError("release_date_in_future", text=text)
    return day


def list_archive(data_raw: Path, realm: Realm, source_id: str) -> list[ArchivedVintage]:
    """All archived vintages of a source, oldest first, also those that a later issue replaced.

    Raises DrugflowError naming a receipt that is gone or damaged: without it nobody knows what its vintage says.
    """
    root = data_raw / realm / source_id
    found: list[ArchivedVintage] = []
    for folder in root.iterdir() if root.is_dir() else []:
        if match := _FOLDER.match(folder.name):
            found.append(ArchivedVintage(folder=folder, receipt=_receipt(folder), issue=int(match[2] or 1)))
    return sorted(found, key=lambda v: (v.receipt.vintage, v.issue))


def _receipt(folder: Path) -> Receipt:
    """The receipt in a vintage's folder. A folder without one is no fewer figures in silence: it is told too."""
    path = folder / RECEIPT
    try:
        return Receipt.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise DrugflowError("receipt_gone", file=folder, receipt=RECEIPT) from error
    except ValidationError as error:
        raise DrugflowError("receipt_damaged", file=path, wrong=faults(error)) from error


def effective_vintages(
    data_raw: Path, realm: Realm, source_id: str, retracted: Collection[str] = ()
) -> list[ArchivedVintage]:
    """The vintages that may speak, oldest first, every issue of each date.

    Of several issues under one date the last one that is not held back speaks, which quality decides. A date
    whose last content equals that of the date before is no new vintage; what was archived by mistake (retracted)
    takes no other date's place. A function of the archive alone, so the order of arrival does not matter.
    """
    by_date: dict[date, list[ArchivedVintage]] = {}
    for vintage in list_archive(data_raw, realm, source_id):
        by_date.setdefault(vintage.receipt.vintage, []).append(vintage)
    kept: list[ArchivedVintage] = []
    before: str | None = None
    for issues in by_date.values():
        content = next((v.receipt.content for v in reversed(issues) if v.id not in retracted), None)
        if content is None or content != before:
            kept += issues
        before = content or before
    return kept


def store(data_raw: Path, receipt: Receipt, files: list[Path]) -> ArchivedVintage | None:
    """Copy files into the archive under the receipt's date; None where exactly that is there already.

    A receipt without files gets them from the copying, so that each byte is read once; one that names them must fit.
    The folder is written beside its place, synced, and renamed: it is there whole or not at all. One process at a
    time writes to a source's archive, and removes what a killed one left.
    Raises DrugflowError where a copied file does not have the receipt's checksum, or is generated and no sample.
    """
    if _is_known(data_raw, receipt):
        return None
    refuse_generated(receipt.realm, files, receipt.note)
    root = data_raw / receipt.realm / receipt.source
    root.mkdir(parents=True, exist_ok=True)
    from filelock import FileLock

    with FileLock(root / ".writer.lock"):
        for left in root.glob(".*.part"):
            shutil.rmtree(left, ignore_errors=True)
        return None if _is_known(data_raw, receipt) else _store(data_raw, receipt, files, root)


def _of_that_date(data_raw: Path, receipt: Receipt) -> list[ArchivedVintage]:
    found = list_archive(data_raw, receipt.realm, receipt.source)
    return [v for v in found if v.receipt.vintage == receipt.vintage]


def _is_known(data_raw: Path, receipt: Receipt) -> bool:
    return any(v.receipt.content == receipt.content for v in _of_that_date(data_raw, receipt))


def _copied(source: Path, target: Path) -> RawFile:
    """Copy a file to the disk; its name, and the checksum and size of the bytes that were copied."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reading, target.open("wb") as writing:
        while chunk := reading.read(_CHUNK):
            digest.update(chunk)
            size += writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())
    return RawFile(name=target.name, sha256=digest.hexdigest(), bytes=size)


def _store(data_raw: Path, receipt: Receipt, files: list[Path], root: Path) -> ArchivedVintage | None:
    issue = max((v.issue for v in _of_that_date(data_raw, receipt)), default=0) + 1
    name = receipt.vintage.isoformat() + (f".{issue}" if issue > 1 else "")
    part = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=root))
    names = [f.name for f in receipt.files] or [f.name for f in files]
    try:
        copies = [_copied(source, part / name) for source, name in zip(files, names, strict=True)]
        for source, copy, entry in zip(files, copies, receipt.files, strict=False):
            if copy.sha256 != entry.sha256:
                raise DrugflowError("file_changed_while_copied", file=source)
        receipt = receipt.model_copy(update={"files": copies})
        if _is_known(data_raw, receipt):
            return None
        write_json(part / RECEIPT, receipt.model_dump(mode="json"))
        part.chmod(0o755)
        part.rename(root / name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return ArchivedVintage(folder=root / name, receipt=receipt, issue=issue)
