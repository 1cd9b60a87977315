"""Origins: where a vintage's files come from, offered as folders to the archive.

What belongs here: listing what an origin has. What does not: storing it (archive), reading it (clean).
The embedded sample is a mirror of generated files in the realm sample.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipelines.ingest.archive import RawFile, Receipt, parse_release_date, store
from pipelines.vocabulary import DrugflowError, Realm, sha256_of

SAMPLE_FOLDER = Path(__file__).parent / "sample"
_VINTAGE_KEYS = {"published", "coverage", "scope", "note"}


@dataclass(frozen=True)
class Origin:
    """A place that publishes vintages. folder is None for live."""

    name: str
    realm: Realm
    folder: Path | None


@dataclass
class IngestReport:
    """What one look at an origin did for one source."""

    source: str
    added: list[str] = field(default_factory=list)
    known: int = 0
    problems: list[str] = field(default_factory=list)


def parse_origin(text: str) -> Origin:
    """Origin from its name: sample, mirror:<folder> or live.

    Raises DrugflowError where the name or the folder is wrong.
    """
    if text == "sample":
        return Origin("sample", "sample", SAMPLE_FOLDER)
    if text == "live":
        return Origin("live", "official", None)
    kind, _, place = text.partition(":")
    if kind == "mirror" and place:
        folder = Path(place).expanduser().resolve()
        if not folder.is_dir():
            raise DrugflowError(
                f"The mirror {folder} is not a folder. Expected <folder>/<source>/<release date>/<files>; "
                "check the path and that it is mounted."
            )
        return Origin(f"mirror:{folder}", "official", folder)
    raise DrugflowError(f"{text!r} is no origin: use sample, mirror:<folder> or live.")


def ingest(origin: Origin, source_id: str, data_raw: Path) -> IngestReport:
    """Archive every vintage of one source that the origin has and the archive has not.

    A vintage that cannot be taken is a problem in the report, never an exception: the others go on.
    """
    report = IngestReport(source_id)
    if origin.folder is None:
        report.problems.append(
            f"Fetching {source_id} from its agency is not built yet: drop files by hand with "
            f"'drugflow add {source_id} FILE --published DATE' or use --origin mirror:<folder>."
        )
        return report
    root = origin.folder / source_id
    for folder in (
        sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")) if root.is_dir() else []
    ):
        try:
            receipt, files = describe(origin, source_id, folder)
            stored = store(data_raw, receipt, files)
        except (DrugflowError, OSError) as error:
            report.problems.append(f"{folder}: {error}")
            continue
        if stored is None:
            report.known += 1
        else:
            report.added.append(stored.id)
    return report


def describe(origin: Origin, source_id: str, folder: Path) -> tuple[Receipt, list[Path]]:
    """Receipt and files of one vintage folder of a mirror."""
    said = _read_vintage_json(folder / "vintage.json")
    vintage = parse_release_date(str(said.get("published", folder.name)))
    files = sorted(
        p for p in folder.iterdir() if p.is_file() and p.name != "vintage.json" and not p.name.startswith(".")
    )
    if not files:
        raise DrugflowError("the vintage has no file: expected at least one data file beside vintage.json.")
    return make_receipt(origin.name, origin.realm, source_id, vintage, files, said), files


def make_receipt(
    origin: str, realm: Realm, source_id: str, vintage: date, files: list[Path], said: dict[str, Any]
) -> Receipt:
    """Receipt for files at hand, read now."""
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
        files=[RawFile(name=f.name, sha256=sha256_of(f), bytes=f.stat().st_size) for f in files],
    )


def _read_vintage_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        said = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DrugflowError(f"vintage.json is not JSON ({error}): correct or remove it.") from error
    if not isinstance(said, dict) or (unknown := set(said) - _VINTAGE_KEYS):
        names = sorted(unknown) if isinstance(said, dict) else said
        raise DrugflowError(f"vintage.json has {names}; expected only {sorted(_VINTAGE_KEYS)}.")
    if said.get("coverage", "full") not in ("full", "partial"):
        raise DrugflowError(f"vintage.json says coverage {said['coverage']!r}; expected full or partial.")
    return said
