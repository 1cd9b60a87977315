"""From an archived file to the data files in it, without trusting a size, a name or a claim.

What belongs here: recognizing containers by their first bytes, and refusing what is unsafe to unpack. What
does not: text, columns, records (files). Nothing is ever unpacked to disk.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pipelines.core.errors import DrugflowError, why

Kind = Literal["text", "parquet", "xlsx"]
ALWAYS_ALLOWED = 64 * 1024**2
"""Bytes that any archive may unpack to, however small it is: a header alone repeated compresses very well."""
_MOST_ENTRIES = 1000
_DRIVE = re.compile(r"^[A-Za-z]:")
_DAMAGED = (
    EOFError, OSError, RuntimeError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, zipfile.LargeZipFile,
)  # fmt: skip
"""What Python's readers raise on damaged bytes; RuntimeError is also an unknown compression or a password."""


class FileProblem(DrugflowError):
    """A whole file cannot be read; the problem names it, the place and what was expected."""


@dataclass(frozen=True)
class Limits:
    """Bounds on unpacking and on the text parsed at a time, in bytes."""

    max_unpacked_bytes: int = 8 * 1024**3
    max_unpack_ratio: int = 200
    chunk_bytes: int = 16 * 1024**2

    def allowed(self, packed: int) -> int:
        """Largest size that so many packed bytes may unpack to."""
        return min(self.max_unpacked_bytes, max(packed * self.max_unpack_ratio, ALWAYS_ALLOWED))


def members(path: Path, limits: Limits) -> Iterator[tuple[str, Any, Kind]]:
    """(name, stream, kind) of each data file in an archived file, in the archive's order.

    Raises FileProblem where the archive is damaged, cut off, a decompression bomb, locked, or holds a path
    that leaves its folder.
    """
    name, packed = path.name, path.stat().st_size
    with path.open("rb") as handle:
        magic = handle.read(8)
    if magic.startswith(b"PK"):
        yield from _zip_members(path, limits)
    elif magic.startswith((b"\x1f\x8b", b"BZh")):
        opened: Any = gzip.open if magic.startswith(b"\x1f\x8b") else bz2.open
        with opened(path) as inner:
            yield name, _Bounded(name, inner, limits.allowed(packed)), "text"
    else:
        with path.open("rb") as stream:
            yield name, stream, "parquet" if magic.startswith(b"PAR1") else "text"


class _Bounded(io.RawIOBase):
    """A decompressed stream that refuses to grow past its limit."""

    def __init__(self, name: str, inner: Any, allowed: int) -> None:
        self._name, self._inner, self._allowed = name, inner, allowed
        self._seen = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            data: bytes = self._inner.read(size if size >= 0 else self._allowed + 1)
        except _DAMAGED as error:
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise  # the disk, not the file
            raise FileProblem("cannot_be_unpacked", file=self._name, why=why(error)) from error
        self._seen += len(data)
        if self._seen > self._allowed:
            raise FileProblem("unpacks_to_more_than", file=self._name, bytes=self._allowed)
        return data


def _zip_members(path: Path, limits: Limits) -> Iterator[tuple[str, Any, Kind]]:
    packed = path.stat().st_size
    try:
        archive = zipfile.ZipFile(path)
    except (*_DAMAGED, NotImplementedError) as error:
        raise FileProblem("zip_damaged", file=path.name, why=why(error)) from error
    with archive:
        # Not is_dir(): it fails on an entry whose name a damaged byte made empty.
        entries = [e for e in archive.infolist() if not e.filename.endswith("/")]
        for entry in entries:
            _refuse_unsafe(path.name, entry)
        if not entries:
            raise FileProblem("zip_without_file", file=path.name)
        if len(entries) > _MOST_ENTRIES:
            raise FileProblem("zip_with_too_many_files", file=path.name, files=len(entries), most=_MOST_ENTRIES)
        # What the directory says is only a first look; the streams count what really comes out.
        said = sum(e.file_size for e in entries)
        if said > limits.allowed(packed):
            raise FileProblem("unpacks_to_too_much", file=path.name, bytes=said, packed=packed)
        if any(e.filename == "[Content_Types].xml" for e in entries):
            # The workbook reader unpacks by itself, so every part is unpacked here first, and counted.
            for entry in entries:
                part = _opened(path.name, archive, entry, limits)
                while part.read(1024**2):
                    pass
            with path.open("rb") as stream:
                yield path.name, stream, "xlsx"
            return
        for entry in entries:
            yield f"{path.name}:{entry.filename}", _opened(path.name, archive, entry, limits), "text"


def _opened(name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits) -> _Bounded:
    member = f"{name}:{entry.filename}"
    try:
        inner = archive.open(entry)
    except (*_DAMAGED, NotImplementedError) as error:
        raise FileProblem("cannot_be_unpacked", file=member, why=why(error)) from error
    return _Bounded(member, inner, limits.allowed(entry.compress_size))


def _refuse_unsafe(name: str, entry: zipfile.ZipInfo) -> None:
    place = PurePosixPath(entry.filename.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts or _DRIVE.match(entry.filename):
        raise FileProblem("path_leaves_folder", file=name, path=entry.filename)
    if not entry.filename.isprintable():
        raise FileProblem("path_cannot_be_printed", file=name, path=entry.filename)
    if entry.flag_bits & 1:
        raise FileProblem("zip_is_locked", file=name, path=entry.filename)
