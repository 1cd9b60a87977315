"""Writing generated vintages as a mirror tree: <source>/<release date>/<files and vintage.json>.

What belongs here: the shape of a vintage, text and compression. What does not: what is in a file.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

NOTE = "SAMPLE: generated, not official. Only national totals follow published figures."


@dataclass(frozen=True)
class SampleVintage:
    """One generated release. files: name to plain bytes; a name that ends in .gz is compressed when written."""

    source: str
    published: str
    files: dict[str, bytes]
    note: str = ""
    coverage: str = "full"
    scope: dict[str, list[str]] = field(default_factory=dict)

    def vintage_json(self) -> bytes:
        """What vintage.json says; the note begins with SAMPLE."""
        said: dict[str, object] = {"published": self.published, "coverage": self.coverage}
        if self.scope:
            said["scope"] = self.scope
        said["note"] = f"{NOTE} {self.note}".strip()
        return (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode()


def delimited(rows: Iterable[Sequence[object]], *, separator: str = ",", end: str = "\r\n") -> str:
    """Rows as text, quoted only where needed."""
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=end).writerows(rows)
    return out.getvalue()


def workbook(name: str, created: datetime, rows: Iterable[Sequence[str | float]]) -> bytes:
    """An Excel workbook of one sheet; an empty text leaves its cell out. Its properties say that it is generated."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"title": "SAMPLE", "comments": NOTE, "created": created})
    sheet = book.add_worksheet(name)
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            if cell != "":
                sheet.write(row, column, cell)
    book.close()
    return out.getvalue()


def write(root: Path, vintage: SampleVintage) -> None:
    """Write one vintage below root, replacing files of the same names."""
    folder = root / vintage.source / vintage.published
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {**vintage.files, "vintage.json": vintage.vintage_json()}.items():
        packed = gzip.compress(content, compresslevel=9, mtime=0) if name.endswith(".gz") else content
        (folder / name).write_bytes(packed)
