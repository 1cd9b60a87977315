"""Checksums of files, and fingerprints of code and inputs that tell whether work has to be done again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from pipelines.core.problem import Problem


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, read in chunks."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sums_of(*files: Path) -> dict[str, str]:
    """SHA-256 of each file by its name, to be kept beside files that are used again later."""
    return {f.name: sha256_of(f) for f in files}


def damage(folder: Path, sums: dict[str, str]) -> Problem | None:
    """That a file is gone or no longer has the bytes that were written, or None."""
    for name, kept in sums.items():
        path = folder / name
        if not path.is_file():
            return Problem.of("output_gone", file=path)
        if sha256_of(path) != kept:
            return Problem.of("output_changed", file=path)
    return None


def fingerprint(parts: Iterable[str]) -> str:
    """Short stable hash of an ordered list of strings."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def code_fingerprint(*places: Path) -> str:
    """Hash of every source file (py, yml, csv, sql, po) below the given files and folders."""
    wanted = {".py", ".yml", ".yaml", ".sql", ".csv", ".po"}
    files: list[Path] = []
    for place in places:
        found = [place] if place.is_file() else [p for p in place.rglob("*") if p.suffix in wanted and p.is_file()]
        files += [p for p in found if "target" not in p.parts and "logs" not in p.parts]
    root = Path(__file__).parents[1]
    return fingerprint(f"{os.path.relpath(p, root)}:{sha256_of(p)}" for p in sorted(files))
