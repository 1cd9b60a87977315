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
from pipelines.archive.vintages import Receipt, parse_release_date, store
from pipelines.core.errors import LOOK_AT_THE_DISK, DrugflowError, why
from pipelines.core.types import Realm
from pipelines.ingest.report import IngestReport, make_receipt

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
            raise DrugflowError(
                f"The mirror {folder} is not a folder. Expected <folder>/<source>/<release date>/<files>; "
                "check the path and that it is mounted."
            )
        if is_in_sample(folder):
            raise DrugflowError(f"The mirror {folder} is the embedded sample, generated and not official: use sample.")
        return Origin(f"mirror:{folder}", "official", folder)
    raise DrugflowError(f"{text!r} is no origin: use sample, mirror:<folder>, live or archive:official.")


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
    for folder in offered(origin, source_id):
        try:
            receipt, files = describe(origin, source_id, folder, today)
            stored = store(data_raw, receipt, files)
        except (DrugflowError, OSError) as error:
            said = str(error) if isinstance(error, DrugflowError) else f"{why(error)}. {LOOK_AT_THE_DISK}"
            report.problems.append(f"{folder}: {said}")
            report.again |= isinstance(error, OSError)
            continue
        if stored is None:
            report.known += 1
        else:
            report.added.append(stored.id)
    return report


def offered(origin: Origin, source_id: str) -> list[Path]:
    """What the origin has of a source, in order of name: vintage folders, and data files that lie in no folder."""
    root = origin.folder / source_id if origin.folder else None
    if root is None or not root.is_dir():
        return []
    found = [p for p in root.iterdir() if not p.name.startswith(".")]
    return sorted(p for p in found if p.is_dir() or p.is_symlink() or p.suffix.lower() in _DATA_SUFFIXES)


def nothing_offered(folder: Path, sources: list[str]) -> str:
    """Why a mirror that has nothing of these sources is no mirror of theirs: what was expected, and what is there."""
    found = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    high = [p for p in found if p.is_dir() and not is_in_sample(p) and any((p / s).is_dir() for s in sources)]
    low = [folder.parent] if folder.name in sources else []
    if high or low:
        hint = f"did you mean mirror:{(high or low)[0]}?"
    elif found:
        hint = f"it has {', '.join(p.name for p in found[:5])}{' …' * (len(found) > 5)}; check the path."
    else:
        hint = "it is empty; check the path and that it is mounted."
    form = f"<folder>/<source>/<release date>/<files>, such as {folder / sources[0] / '2026-01-15' / 'figures.csv'}"
    return f"The mirror {folder} has no files of {', '.join(sources)}. Expected {form}: {hint}"


def describe(origin: Origin, source_id: str, folder: Path, today: date | None = None) -> tuple[Receipt, list[Path]]:
    """Receipt and files of one vintage folder of a mirror; today is the day in UTC unless given.

    Raises DrugflowError where the folder, its name, vintage.json or a thing in it is not what is expected.
    Nothing but hidden names is passed over: what is not taken must not look as if it were.
    """
    if not folder.is_dir():
        raise DrugflowError("this is no folder: expected <release date>/<files>, such as 2026-01-15/figures.csv.")
    said = _read_vintage_json(folder / "vintage.json")
    vintage = parse_release_date(str(said.get("published", folder.name)), today)
    files = sorted(p for p in folder.iterdir() if p.name != "vintage.json" and not p.name.startswith("."))
    for file in files:
        if not file.is_file():
            what = "a folder" if file.is_dir() else "a broken link" if file.is_symlink() else "no ordinary file"
            raise DrugflowError(f"{file.name!r} is {what}: a vintage holds data files only. Remove or mend it.")
    if not files:
        raise DrugflowError("the vintage has no file: expected at least one data file beside vintage.json.")
    return make_receipt(origin.name, origin.realm, source_id, vintage, files, said), files


def _read_vintage_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        said = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DrugflowError(f"vintage.json is not JSON ({error}): correct or remove it.") from error
    if not isinstance(said, dict):
        raise DrugflowError(f"vintage.json has {said!r}; expected only {sorted(_VINTAGE_KEYS)}.")
    if unknown := set(said) - _VINTAGE_KEYS:
        raise DrugflowError(f"vintage.json has {sorted(unknown)}; expected only {sorted(_VINTAGE_KEYS)}.")
    if said.get("coverage", "full") not in ("full", "partial"):
        raise DrugflowError(f"vintage.json says coverage {said['coverage']!r}; expected full or partial.")
    if not isinstance(said.get("note", ""), str):
        raise DrugflowError(f"vintage.json says note {said['note']!r}; expected a text.")
    scope = said.get("scope", {})
    if not isinstance(scope, dict) or not all(map(_are_texts, scope.values())):
        raise DrugflowError(f"vintage.json says scope {scope!r}; expected names, each with a text or a list of texts.")
    return said


def _are_texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value))
