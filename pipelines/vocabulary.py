"""Words that every stage shares: realms, changes, reasons, and the error a user reads.

What belongs here: names that must mean the same in every stage. What does not: logic of one stage.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

Model = TypeVar("Model", bound="BaseModel")

Realm = Literal["official", "sample"]
"""Official: the agencies' own files (live, mirror, added by hand). Sample: generated, proves nothing."""

SAMPLE = "SAMPLE: generated data, not official"
"""What is written wherever a figure of the realm sample shows."""

Change = Literal["added", "revised", "annotated", "withdrawn"]
"""Why a history row exists. Annotated: only a quality note changed, the figure did not."""

MissingReason = Literal["suppressed", "low_quality", "not_reported", "not_applicable", "withdrawn"]

Severity = Literal["critical", "warning", "info"]


LOOK_AT_THE_DISK = "Look at the disk's free space and at who may write there, then run 'drugflow refresh' again."


class DrugflowError(Exception):
    """A sentence for the person who meets it: what, which value, what was expected, what to do."""


def why(error: BaseException) -> str:
    """What an error of a library or the operating system says, in one line, without numbers of errors."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    said = (str(error).strip().splitlines() or ["no reason given"])[0]
    return re.sub(r"\[Errno -?\d+\] ?", "", said)[:200]


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, read in chunks."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sums_of(*files: Path) -> dict[str, str]:
    """SHA-256 of each file by its name, to be kept beside files that are used again later."""
    return {f.name: sha256_of(f) for f in files}


def damage(folder: Path, sums: dict[str, str]) -> str | None:
    """The sentence that a file is gone or no longer has the bytes that were written, or None."""
    for name, kept in sums.items():
        path = folder / name
        if not path.is_file():
            return f"{path} is gone: it is made again."
        if sha256_of(path) != kept:
            return f"{path} no longer has the bytes that were written: it is made again. Look at the disk."
    return None


def fingerprint(parts: Iterable[str]) -> str:
    """Short stable hash of an ordered list of strings."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def code_fingerprint(*places: Path) -> str:
    """Hash of every source file (py, yml, csv, sql) below the given files and folders."""
    wanted = {".py", ".yml", ".yaml", ".sql", ".csv"}
    files: list[Path] = []
    for place in places:
        found = [place] if place.is_file() else [p for p in place.rglob("*") if p.suffix in wanted and p.is_file()]
        files += [p for p in found if "target" not in p.parts and "logs" not in p.parts]
    root = Path(__file__).parent
    return fingerprint(f"{os.path.relpath(p, root)}:{sha256_of(p)}" for p in sorted(files))


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``, synced and renamed onto it at the end, removed on failure.

    What a killed process left of an earlier try is removed: its lock is gone with it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with _held(part):
        try:
            _sweep(path, part)
            yield part
            with part.open("rb+") as handle:
                os.fsync(handle.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def _held(part: Path) -> Iterator[None]:
    """Create a file and hold its lock, which says that whoever writes it is alive."""
    while True:
        with part.open("wb") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Between its making and its lock another process may have taken it for a dead one.
            if part.exists():
                yield
                return


def _sweep(path: Path, own: Path) -> None:
    for part in path.parent.glob(f".{path.name}.*.part"):
        try:
            with part.open("rb") as handle:
                if part != own:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    part.unlink()
        except OSError:
            continue


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A temporary folder until the end of the block; those of dead processes are removed first.

    A process that is killed with all its children at once, as by systemd or for want of memory, leaves its own.
    """
    for left in Path(tempfile.gettempdir()).glob("drugflow-*-*-*"):
        process = left.name.split("-")[2]
        if process.isdigit() and not _is_alive(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    prefix = f"drugflow-{purpose}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def write_json(path: Path, value: Any) -> None:
    """Write a JSON document atomically, in UTF-8, with stable key order."""
    with atomic_path(path) as part:
        part.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n", "utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON document, or None where the file is absent.

    Raises DrugflowError where it was damaged.
    """
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DrugflowError(
            f"{path} is damaged ({why(error)}): restore it from a backup. Below data_marts it may be deleted instead; "
            "the next refresh makes it again."
        ) from error


def load(model: type[Model], path: Path) -> Model:
    """A JSON document as the model that it must be. Raises DrugflowError where it is absent, damaged or another one."""
    from pydantic import ValidationError

    try:
        return model.model_validate(read_json(path))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'all of it'}: {e['msg']}" for e in error.errors()[:3])
        raise DrugflowError(
            f"{path} is not what it should be ({wrong}): restore it from a backup. Below data_marts it may be deleted "
            "instead; the next refresh makes it again."
        ) from error


def recall(path: Path) -> Any:
    """Read a JSON document that is a convenience, or None where it is absent or cannot be read."""
    try:
        return read_json(path)
    except (OSError, DrugflowError):
        return None


def read_yaml(path: Path) -> Any:
    """Read a YAML document with the parser of libyaml, which is ten times as fast as the one in Python."""
    import yaml

    return yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
