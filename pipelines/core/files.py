"""Files that are whole or absent: atomic writing, scratch folders, JSON and YAML documents.

What belongs here: reading and writing documents. What does not: what they mean.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipelines.core.errors import DrugflowError, why

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound="BaseModel")


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
    """Write a JSON document atomically, in UTF-8, with stable key order; models, such as problems, as their fields."""
    with atomic_path(path) as part:
        text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=_plain)
        part.write_text(text + "\n", "utf-8")


def _plain(value: Any) -> Any:
    """A value that JSON does not know; pydantic, which costs a tenth of a second, is imported by whoever has models."""
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


def read_json(path: Path) -> Any:
    """Read a JSON document, or None where the file is absent.

    Raises DrugflowError where it was damaged.
    """
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DrugflowError("document_damaged", file=path, why=why(error)) from error


def load(model: type[Model], path: Path) -> Model:
    """A JSON document as the model that it must be. Raises DrugflowError where it is absent, damaged or another one."""
    from pydantic import ValidationError

    try:
        return model.model_validate(read_json(path))
    except ValidationError as error:
        raise DrugflowError("document_is_another", file=path, wrong=faults(error)) from error


def faults(error: ValidationError) -> list[str]:
    """The first faults of a document, each with its place in it."""
    return [f"{'.'.join(map(str, e['loc'])) or '*'}: {e['msg']}" for e in error.errors()[:3]]


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
