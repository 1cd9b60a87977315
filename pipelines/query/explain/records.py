"""One record of a file, word for word, by the line that cleaning wrote down for it.

What belongs here: finding a line again inside plain, packed and zip files, and a row of Parquet and Excel. What does
not: unpacking (clean.unpack), what a record means (clean), whether the bytes are the archived ones (evidence).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import polars as pl

from pipelines.clean.unpack import Limits, members

_BOM = "\ufeff"
_BLOCK = 1024**2


@dataclass(frozen=True)
class Record:
    """A record. unit: what line counts; header: first line of a text file; cells: title -> text."""

    line: int
    text: str
    cells: dict[str, str]
    unit: Literal["line", "row"] = "row"
    member: str | None = None
    header: str | None = None


def records_at(path: Path, lines: Iterable[int], limits: Limits) -> list[Record]:
    """The records that begin on the given lines (rows, from 1), in the order of lines.

    A zip archive with several files gives one record for each of them that has the line. Raises FileProblem where the
    file cannot be unpacked within the limits.
    """
    wanted = sorted(set(lines))
    found: list[Record] = []
    for name, stream, kind in members(path, limits):
        if kind == "parquet":
            found += _from_parquet(path, wanted)
        elif kind == "xlsx":
            found += _from_sheet(path, wanted)
        else:
            found += _from_text(stream, wanted, None if name == path.name else name.removeprefix(f"{path.name}:"))
    return sorted(found, key=lambda r: r.line)


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers; a line ends at a line feed only, as cleaning counts them."""
    rest, number = b"", 0
    while block := stream.read(_BLOCK):
        *whole, rest = (rest + block).split(b"\n")
        for raw in whole:
            number += 1
            yield number, raw + b"\n"
    if rest:
        yield number + 1, rest


def _from_text(stream: IO[bytes], wanted: list[int], member: str | None) -> Iterator[Record]:
    """A record may go over several lines (a quoted line break), so the CSV reader says where it ends."""
    numbered = _lines(stream)
    left = set(wanted)
    header, separator, titles = "", ",", list[str]()
    for number, raw in numbered:
        if number == 1:
            header = _decode(raw).lstrip(_BOM).rstrip("\r\n")
            separator = max((",", "\t"), key=header.count)
            titles = next(csv.reader([header], delimiter=separator), [])
        if number not in left:
            continue
        left.discard(number)
        taken = [raw]
        cells = _cells(raw, numbered, taken, separator)
        text = "".join(map(_decode, taken)).rstrip("\r\n")
        yield Record(number, text, dict(zip(titles, cells, strict=False)), "line", member, header)
        if not left:
            return


def _cells(raw: bytes, numbered: Iterator[tuple[int, bytes]], taken: list[bytes], separator: str) -> list[str]:
    def lines() -> Iterator[str]:
        yield _decode(raw)
        for _, more in numbered:
            taken.append(more)
            yield _decode(more)

    try:
        return next(csv.reader(lines(), delimiter=separator), [])
    except csv.Error:
        return []


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _from_parquet(path: Path, wanted: list[int]) -> list[Record]:
    whole = pl.scan_parquet(path)
    found = []
    for line in wanted:
        for row in whole.slice(line - 1, 1).collect().iter_rows(named=True):
            cells = {title: "" if value is None else str(value) for title, value in row.items()}
            found.append(Record(line, ", ".join(f"{k}={v}" for k, v in cells.items()), cells))
    return found


def _from_sheet(path: Path, wanted: list[int]) -> list[Record]:
    """Rows of the first sheet; a cell is named as in the workbook, such as C10."""
    import fastexcel

    book = fastexcel.read_excel(path)
    sheet: pl.DataFrame = book.load_sheet(0, header_row=None, skip_rows=0, dtypes="string").to_polars()
    found = []
    for line in wanted:
        for row in sheet.slice(line - 1, 1).iter_rows():
            cells = {f"{_letters(n)}{line}": value for n, value in enumerate(row) if value is not None}
            text = ", ".join(f"{k}={v}" for k, v in cells.items())
            found.append(Record(line, text, cells, member=book.sheet_names[0]))
    return found


def _letters(column: int) -> str:
    text = ""
    number = column + 1
    while number:
        number, letter = divmod(number - 1, 26)
        text = chr(ord("A") + letter) + text
    return text
