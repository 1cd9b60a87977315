"""Origins: where a vintage's files come from, offered as folders to the archive.

What belongs here: listing what an origin has. What does not: storing it (archive), reading it (clean).
The embedded sample is a mirror of generated files in the realm sample.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.archive.sample_guard import SAMPLE_FOLDER, is_in_sample
from pipelines.archive.vintages import ArchivedVintage, Receipt, list_archive, parse_release_date, store
from pipelines.core.errors import DrugflowError, machine_refused
from pipelines.core.fingerprint import sha256_of
from pipelines.core.problem import Phrase, Problem
from pipelines.core.types import Realm
from pipelines.ingest.report import IngestReport, draft_receipt

if TYPE_CHECKING:
    from pipelines.core.settings import Settings

_DATA_SUFFIXES = {".csv", ".tsv", ".txt", ".gz", ".bz2", ".zip", ".xlsx", ".parquet"}

_VINTAGE_KEYS = {"published", "coverage", "scope", "note"}


@dataclass(frozen=True)
class Origin:
    """A place that publishes vintages. folder is None for live."""

    name: str
    realm: Realm
    folder: Path | None


def parse_origin(text: str) -> Origin:
    """Origin from its name: sample, mirror:<folder> or live; archive:<realm> brings nothing that is not archived yet.

    Raises DrugflowError where the name or the folder is wrong.
    """
    if text == "sample":
        return Origin("sample", "sample", SAMPLE_FOLDER)
    if text == "live":
        return Origin("live", "official", None)
    kind, _, place = text.partition(":")
    if kind == "archive" and place in ("official", "sample"):
        return Origin(text, "official" if place == "official" else "sample", Path(os.devnull))
    if kind == "mirror" and place:
        folder = Path(place).expanduser().resolve()
        if not folder.is_dir():
            raise DrugflowError("mirror_is_no_folder", file=folder)
        if is_in_sample(folder):
            raise DrugflowError("mirror_is_the_sample", file=folder)
        return Origin(f"mirror:{folder}", "official", folder)
    raise DrugflowError("no_origin", text=text)


def ingest(origin: Origin, source_id: str, data_raw: Path, settings: Settings | None = None) -> IngestReport:
    """Archive every vintage of one source that the origin has and the archive has not.

    settings: how to behave at the agencies' sites and which day is today; unset: as the environment says.
    A vintage that cannot be taken is a problem in the report, never an exception: the others go on.
    """
    report = IngestReport(source_id)
    today = None if settings is None else settings.now().date()
    if origin.folder is None:
        from pipelines.core.settings import Settings
        from pipelines.ingest.live.run import fetch_source

        return fetch_source((settings or Settings()).model_copy(update={"data_raw": data_raw}), source_id)
    archived = list_archive(data_raw, origin.realm, source_id)
    for folder in offered(origin, source_id):
        try:
            receipt, files = describe(origin, source_id, folder, today)
            stored = None if _is_archived(archived, receipt, files) else store(data_raw, receipt, files)
        except (DrugflowError, OSError) as error:
            found = error.problem if isinstance(error, DrugflowError) else machine_refused(error)
            report.problems.append(Problem.of("vintage_not_taken", source=source_id, file=folder, found=found))
            report.again |= isinstance(error, OSError)
            continue
        if stored is None:
            report.known += 1
        else:
            report.added.append(stored.id)
    return report


def _is_archived(archived: list[ArchivedVintage], receipt: Receipt, files: list[Path]) -> bool:
    """Whether the archive has these very files under that date.

    They are read where it has files of the same names and sizes; others are new without a look into them.
    """

    def said(receipt: Receipt) -> tuple[object, ...]:
        return receipt.vintage, receipt.coverage, receipt.scope

    sizes = [(f.name, f.stat().st_size) for f in files]
    alike = [
        [f.sha256 for f in v.receipt.files]
        for v in archived
        if said(v.receipt) == said(receipt) and [(f.name, f.bytes) for f in v.receipt.files] == sizes
    ]
    return bool(alike) and [sha256_of(f) for f in files] in alike


def offered(origin: Origin, source_id: str) -> list[Path]:
    """What the origin has of a source, in order of name: vintage folders, and data files that lie in no folder."""
    root = origin.folder / source_id if origin.folder else None
    if root is None or not root.is_dir():
        return []
    found = [p for p in root.iterdir() if not p.name.startswith(".")]
    return sorted(p for p in found if p.is_dir() or p.is_symlink() or p.suffix.lower() in _DATA_SUFFIXES)


def nothing_offered(folder: Path, sources: list[str]) -> Problem:
    """Why a mirror that has nothing of these sources is no mirror of theirs: what was expected, and what is there."""
    found = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    high = [p for p in found if p.is_dir() and not is_in_sample(p) and any((p / s).is_dir() for s in sources)]
    low = [folder.parent] if folder.name in sources else []
    if high or low:
        hint = Phrase.of("phrase.mirror_meant", folder=(high or low)[0])
    elif found:
        hint = Phrase.of("phrase.mirror_has", names=[*(p.name for p in found[:5]), *(["…"] if found[5:] else [])])
    else:
        hint = Phrase.of("phrase.mirror_empty")
    example = folder / sources[0] / "2026-01-15" / "figures.csv"
    return Problem.of("mirror_without_files", file=folder, sources=sources, example=example, hint=hint)


def describe(origin: Origin, source_id: str, folder: Path, today: date | None = None) -> tuple[Receipt, list[Path]]:
    """Receipt and files of one vintage folder of a mirror, before they are read; today is the day in UTC unless given.

    Raises DrugflowError where the folder, its name, vintage.json or a thing in it is not what is expected.
    Nothing but hidden names is passed over: what is not taken must not look as if it were.
    """
    if not folder.is_dir():
        raise DrugflowError("vintage_is_no_folder")
    said = _read_vintage_json(folder / "vintage.json")
    vintage = parse_release_date(str(said.get("published", folder.name)), today)
    files = sorted(p for p in folder.iterdir() if p.name != "vintage.json" and not p.name.startswith("."))
    for file in files:
        if not file.is_file():
            what = "folder" if file.is_dir() else "broken_link" if file.is_symlink() else "no_file"
            raise DrugflowError("no_data_file", file=file.name, what=Phrase.of(f"phrase.{what}"))
    if not files:
        raise DrugflowError("vintage_without_file")
    return draft_receipt(origin.name, origin.realm, source_id, vintage, files, said), files


def _read_vintage_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        said = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DrugflowError("vintage_json_is_no_json", why=str(error)) from error
    if not isinstance(said, dict):
        raise DrugflowError("vintage_json_has", found=repr(said), expected=repr(sorted(_VINTAGE_KEYS)))
    if unknown := set(said) - _VINTAGE_KEYS:
        raise DrugflowError("vintage_json_has", found=repr(sorted(unknown)), expected=repr(sorted(_VINTAGE_KEYS)))
    if said.get("coverage", "full") not in ("full", "partial"):
        raise DrugflowError("vintage_json_coverage", found=repr(said["coverage"]))
    if not isinstance(said.get("note", ""), str):
        raise DrugflowError("vintage_json_note", found=repr(said["note"]))
    scope = said.get("scope", {})
    if not isinstance(scope, dict) or not all(map(_are_texts, scope.values())):
        raise DrugflowError("vintage_json_scope", found=repr(scope))
    return said


def _are_texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value))
