"""Telling generated sample data from the agencies' files, so that they never become official.

What belongs here: the signs of the sample, whatever way a file takes into the archive. What does not: making the
sample (sample_generator), reading rows (clean).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pipelines.core.errors import DrugflowError
from pipelines.core.problem import Phrase, Problem
from pipelines.core.types import Realm

SAMPLE_FOLDER = Path(__file__).parents[1] / "ingest" / "sample"
_HEAD = 256 * 1024
"""Unpacked bytes that are looked at; the sample's smaller files are looked at whole."""
_FEWEST_CELLS = 4
"""Cells of a line that is a record: headers, footers and questions of an export are the agencies' own words."""
_NAMED = re.compile(r"-SAMPLE\b")
_SAYS = re.compile(rb"SAMPLE[:,] generated")


def refuse_generated(realm: Realm, files: Sequence[Path], note: str | None, inside: bool = True) -> None:
    """Raise DrugflowError where a file that would be official is the sample's, also renamed, unpacked or edited."""
    if realm == "official" and (found := generated(files, note, inside)):
        raise DrugflowError("sample_is_not_taken", found=found)


def generated(files: Sequence[Path], note: str | None, inside: bool = True) -> Problem | None:
    """Which of the files is generated and by what it is known; None where none is.

    inside: look into the files too, which costs 0.1 s once and milliseconds a file; else at names and places alone.
    """
    signs = ((file, _sign(file, note, inside)) for file in files)
    return next((Problem.of("file_is_the_sample", file=file, sign=sign) for file, sign in signs if sign), None)


def is_in_sample(place: Path) -> bool:
    """Whether a path leads into the embedded sample, through links too."""
    return place.resolve().is_relative_to(SAMPLE_FOLDER.resolve())


def _sign(file: Path, note: str | None, inside: bool) -> Phrase | None:
    """By what a file is known as generated, or None."""
    if is_in_sample(file):
        return Phrase.of("phrase.sample_folder", folder=SAMPLE_FOLDER)
    if _NAMED.search(file.name):
        return Phrase.of("phrase.sample_name")
    if note is not None and note.startswith("SAMPLE"):
        return Phrase.of("phrase.sample_note", note=note[:40])
    if not inside:
        return None
    head = _head(file)
    if _SAYS.search(head):
        return Phrase.of("phrase.sample_says_so")
    records = _records(head)
    is_sample = 2 * len(records & _generated()) > len(records)
    return Phrase.of("phrase.sample_records") if is_sample else None


@cache
def _generated() -> frozenset[bytes]:
    """The first records of every file of the sample."""
    return frozenset().union(*(_records(_head(p)) for p in SAMPLE_FOLDER.glob("*/*/*") if p.suffix != ".json"))


def _records(head: bytes) -> set[bytes]:
    lines = (line.rstrip(b",\t") for line in head.splitlines()[1:])
    return {line for line in lines if line.count(b",") + line.count(b"\t") >= _FEWEST_CELLS - 1}


def _head(file: Path) -> bytes:
    """The first bytes of a file as they are unpacked; of a zip or workbook the first of each part."""
    import bz2
    import gzip
    import zipfile

    with file.open("rb") as raw:
        start = raw.read(4)
    # What cannot be unpacked is no sample; cleaning says what is wrong with it.
    with contextlib.suppress(Exception):
        if start.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(file) as parts:
                return b"".join(parts.open(name).read(_HEAD) for name in parts.namelist()[:20])
        opened = gzip.open if start.startswith(b"\x1f\x8b") else bz2.open if start.startswith(b"BZh") else open
        with opened(file, "rb") as text:
            return text.read(_HEAD)
    return b""
