"""From a vintage's bytes to text records with our column names: decoding and matching headers, strictly.

What belongs here: everything that is the same for every source before a column has a meaning. What does not:
containers (unpack), record boundaries (split), types and categories (columns), a source's meaning (its module).

A problem of the whole file raises FileProblem; a record that cannot be split is rejected with its line. Text
is read in chunks, so memory does not grow with the file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import polars as pl

from pipelines.catalog.columns import RawColumn, fold
from pipelines.catalog.source import Source
from pipelines.clean.split import (
    LINE,
    LONGEST_FIELD,
    LONGEST_TEXT,
    NEWLINE,
    REJECTED_SCHEMA,
    Split,
    chunks,
    no_rejected,
    refuse_carriage_returns,
    split,
    without_blank,
)
from pipelines.clean.unpack import FileProblem, Limits, members
from pipelines.core.kinds import Kind
from pipelines.core.problem import Phrase

__all__ = ["LINE", "REJECTED_SCHEMA", "FileProblem", "Limits", "Records", "match_header", "read_records", "sheet_of"]

_OTHER_KINDS = {
    b"PK\x03\x04": "zip_inside",
    b"\x1f\x8b": "gzip_inside",
    b"PAR1": "parquet_inside",
    b"\xd0\xcf\x11\xe0": "xls",
    b"%PDF": "pdf",
    b"7z\xbc\xaf": "seven_zip",
    b"Rar!": "rar",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
"""First bytes of other kinds of file, with the end of the key that names each (form.…)."""


_UNREAD = Phrase.of("reason.text_in_unread_columns")


@dataclass
class Records:
    """A chunk of records as text columns named by our ids, with the line each one starts on.

    absent lists the ids of optional columns that the file does not have. name is the file, or the file inside
    an archive, that the lines belong to.
    """

    frame: pl.DataFrame
    absent: list[str]
    set_aside: dict[str, int] = field(default_factory=dict)
    rejected: pl.DataFrame = field(default_factory=no_rejected)
    name: str = ""


FromSheet = Callable[[str, pl.DataFrame, Source], Records]
"""Records of a workbook's sheet, given as text columns and _line, by the file's name and the source."""


def read_records(path: Path, source: Source, limits: Limits, from_sheet: FromSheet | None = None) -> Iterator[Records]:
    """Every record of one archived file, in chunks.

    Raises FileProblem where the file is empty, of another kind, badly encoded, unsafe to unpack,
    or has columns that the source does not list.
    """
    if path.stat().st_size == 0:
        raise FileProblem("file_without_bytes", file=path.name, expected=_kinds(source))
    for name, stream, kind in members(path, limits):
        if kind == "parquet":
            yield _from_parquet(path, source, limits)
        elif kind == "xlsx":
            if from_sheet is None and "xlsx" not in source.files.formats:
                raise FileProblem("workbook_not_expected", file=name, expected=_kinds(source))
            yield (from_sheet or _from_sheet)(name, sheet_of(name, stream.read()), source)
        else:
            yield from _from_text(name, stream, source, limits)


def _kinds(source: Source) -> list[str]:
    return [k.upper() if k != "xlsx" else "Excel" for k in source.files.formats]


def match_header(
    name: str, header: list[str], columns: list[RawColumn], line: int = 1
) -> tuple[list[str | None], list[str]]:
    """Our ids for a header (None where the column is ignored) and the optional ids it lacks.

    Raises FileProblem for an unknown, doubled or missing column, with the file, line and name.
    """
    known = {fold(n): c for c in columns for n in c.names}
    families = [c for c in columns if c.pattern]
    ids: list[str | None] = []
    seen: set[str] = set()
    for title in header:
        column = known.get(fold(title)) or next(
            (c for c in families if re.fullmatch(c.pattern or "", fold(title))), None
        )
        if column is None:
            expected = [c.names[0] for c in columns]
            raise FileProblem("unknown_column", file=name, line=line, column=title, expected=expected)
        if column.id in ids or fold(title) in seen:
            raise FileProblem("column_twice", file=name, line=line, column=title)
        seen.add(fold(title))
        ids.append(None if column.ignore else column.id)
    absent = [c for c in columns if not c.ignore and c.id not in ids]
    if missing := [c.names[0] for c in absent if c.required]:
        told = {"file": name, "line": line, "column": missing[0]}
        if not header:
            raise FileProblem("column_missing_of_none", **told)
        found = [repr(title) if len(title) <= 40 else f"{title[:40]!r}…" for title in header[:40]]
        raise FileProblem("column_missing", **told, found=found)
    return ids, [c.id for c in absent]


def _from_parquet(path: Path, source: Source, limits: Limits) -> Records:
    try:
        rows = pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
        schema = pl.read_parquet_schema(path)
        size = rows * len(schema) * 8
        if size <= limits.allowed(path.stat().st_size):
            frame = pl.read_parquet(path, glob=False)
    except BaseException as error:
        raise _unreadable(error, "parquet_unreadable", path.name) from error
    if size > limits.allowed(path.stat().st_size):
        raise FileProblem("parquet_bomb", file=path.name, rows=rows, bytes=path.stat().st_size)
    ids, absent = match_header(path.name, frame.columns, source.titles)
    for title, dtype in frame.schema.items():
        if dtype.is_nested() or dtype == pl.Binary:
            raise FileProblem("column_of_nested_values", file=path.name, column=title, type=str(dtype))
    text = [
        (pl.col(c).cast(pl.Int64, strict=False).cast(pl.String) if _integral(frame[c]) else pl.col(c).cast(pl.String))
        .fill_null("")
        .alias(i)
        for c, i in zip(frame.columns, ids, strict=True)
        if i
    ]
    if not frame.height:
        raise FileProblem("columns_without_record", file=path.name)
    return Records(frame.select(*text).with_row_index(LINE, offset=1).cast({LINE: pl.Int64}), absent, name=path.name)


def _integral(column: pl.Series) -> bool:
    return column.dtype.is_float() and bool((column.drop_nulls() % 1 == 0).all())


def _unreadable(error: BaseException, kind: Kind, name: str) -> BaseException:
    """The problem to raise for a reader's error; a crash inside a compiled reader is no Exception in Python."""
    if isinstance(error, Exception) or type(error).__name__ == "PanicException":
        return FileProblem(kind, file=name)
    return error


def sheet_of(name: str, content: bytes) -> pl.DataFrame:
    """First sheet of a workbook as text cells, one row a line, with the row's number in the sheet as _line.

    Raises FileProblem where the bytes are no workbook or its first sheet is empty.
    """
    import fastexcel

    try:
        sheet = fastexcel.read_excel(content).load_sheet(0, header_row=None, skip_rows=0, dtypes="string")
        frame: pl.DataFrame = sheet.to_polars()
    except BaseException as error:
        raise _unreadable(error, "workbook_unreadable", name) from error
    if not frame.width:
        raise FileProblem("first_sheet_empty", file=name)
    return frame.fill_null("").with_row_index(LINE, offset=1).cast({LINE: pl.Int64})


def _from_sheet(name: str, sheet: pl.DataFrame, source: Source) -> Records:
    """Records of a sheet that is a plain table: the header in its first row, one record a row.

    Columns that are empty from top to bottom are no columns of the table.
    """
    fields = [c for c in sheet.columns if c != LINE and (sheet[c].str.strip_chars() != "").any()]
    ids, absent = match_header(name, [sheet[f][0] for f in fields], source.titles)
    if sheet.height == 1:
        raise FileProblem("header_without_record", file=name)
    body = sheet.slice(1).select(LINE, *(pl.col(f).alias(str(n)) for n, f in enumerate(fields)))
    return _named(name, without_blank(body), ids, absent)


def _from_text(name: str, stream: IO[bytes], source: Source, limits: Limits) -> Iterator[Records]:
    separator = ","
    ids: list[str | None] = []
    absent: list[str] = []
    line, footer, any_record, marker = 0, 0, False, None
    for piece, line_ends, last in chunks(name, stream, limits.chunk_bytes):
        text = _decode(name, piece, source, line + 1, first=line == 0)
        if line == 0:
            title, line_end, text = text.partition(NEWLINE)
            refuse_carriage_returns(name, title, 1)
            if not line_end:
                raise FileProblem("ends_in_first_line", file=name, line=1, tail=_tail(title))
            separator = _separator(title.decode(), source)
            ids, absent = match_header(name, _titles(name, title.decode(), separator), source.titles)
            line, line_ends = 1, line_ends - 1
        if marker is None:
            marker = _find_marker(text, source.files.end_marker)
            records, tail = (text, b"") if marker is None else (text[:marker], text[marker:])
        else:
            records, tail = b"", text
        footer += sum(1 for row in tail.splitlines() if row.strip(b" \t\r,"))
        if last and marker is None and source.files.final_newline and not records.endswith(NEWLINE):
            at = line + records.count(NEWLINE) + 1
            raise FileProblem("ends_in_a_line", file=name, line=at, tail=_tail(records))
        if records:
            found = _named(name, split(name, records, len(ids), separator, line + 1), ids, absent)
            any_record = any_record or found.frame.height > 0 or found.rejected.height > 0
            yield found
        line += line_ends
    if line == 0:
        raise FileProblem("file_empty", file=name, expected=_kinds(source))
    if not any_record:
        raise FileProblem("header_without_record", file=name)
    if marker is None and source.files.end_marker and separator == "\t":
        raise FileProblem("ends_without_footer", file=name, line=line, footer=source.files.end_marker)
    if footer:
        nothing = pl.DataFrame(schema={LINE: pl.Int64, **dict.fromkeys((i for i in ids if i), pl.String)})
        yield Records(nothing, absent, {"footer": footer}, name=name)


def _tail(text: bytes) -> str:
    return text.rsplit(NEWLINE, 1)[-1][-60:].decode("utf-8", "ignore")


def _titles(name: str, title: str, separator: str) -> list[str]:
    try:
        titles = next(csv.reader([title.rstrip("\r")], delimiter=separator), [])
    except csv.Error as error:
        raise FileProblem("header_unreadable", file=name, line=1, header=title) from error
    if any(len(t) > LONGEST_FIELD for t in titles):
        raise FileProblem("header_unreadable", file=name, line=1, header=title)
    if not any(t.strip() for t in titles):
        raise FileProblem("first_line_empty", file=name, line=1)
    if len(titles) == 1 and (other := next((s for s in ";\t|," if s in title), None)):
        told = {"found": other, "expected": separator, "header": title}
        raise FileProblem("other_separator", file=name, line=1, **told)
    return titles


def _named(name: str, found: Split, ids: list[str | None], absent: list[str]) -> Records:
    """The fields that are read, under our ids. A record that has text in other fields only is rejected."""
    fields = [str(n) for n, _ in enumerate(ids)]
    kept = {f: i for f, i in zip(fields, ids, strict=True) if i}
    frame, rejected = found.frame, found.rejected
    first = next(iter(kept))
    if (frame[first].str.strip_chars() == "").any():
        unread = frame.filter(pl.all_horizontal(pl.lit(True), *(pl.col(f).str.strip_chars() == "" for f in kept)))
        if unread.height:
            frame = frame.join(unread.select(LINE), on=LINE, how="anti")
            told = unread.select(
                pl.lit(name).alias("file"),
                pl.col(LINE).alias("line"),
                pl.lit(None, pl.String).alias("column"),
                pl.lit(None, pl.String).alias("value"),
                pl.lit(_UNREAD.said("en")).alias("reason"),
                pl.lit(_UNREAD.model_dump_json()).alias("told"),
                pl.concat_str(fields, separator=",").str.slice(0, LONGEST_TEXT).alias("record"),
            )
            rejected = pl.concat([rejected, told])
    aside = {"blank_line": found.blank} if found.blank else {}
    return Records(frame.select(LINE, *(pl.col(f).alias(i) for f, i in kept.items())), absent, aside, rejected, name)


def _separator(title: str, source: Source) -> str:
    wanted = ["\t" if f == "tsv" else "," for f in source.files.formats if f in ("csv", "tsv")]
    return max(wanted or [","], key=title.count)


def _find_marker(text: bytes, marker: str | None) -> int | None:
    if marker is None:
        return None
    for form in (marker.encode(), b'"' + marker.encode() + b'"'):
        if text.startswith(form):
            return 0
        if (at := text.find(NEWLINE + form)) >= 0:
            return at + 1
    return None


def _decode(name: str, chunk: bytes, source: Source, line: int, first: bool) -> bytes:
    """The chunk as UTF-8 without a byte-order mark.

    Raises FileProblem for a web page, UTF-16, binary or wrongly encoded bytes, with the line and the byte.
    """
    if first:
        chunk = _recognized(name, chunk, source)
    if (at := chunk.find(b"\0")) >= 0:
        raise FileProblem("zero_byte", file=name, line=line + chunk.count(NEWLINE, 0, at))
    if chunk.isascii():
        return chunk
    try:
        chunk.decode("utf-8")
    except UnicodeDecodeError as error:
        if "latin-1" in source.files.encodings:
            return chunk.decode("latin-1").encode()
        bad, at = chunk[error.start], line + chunk.count(NEWLINE, 0, error.start)
        told = {"byte": f"0x{bad:02X}", "latin": bytes([bad]).decode("latin-1")}
        raise FileProblem("byte_is_not_utf8", file=name, line=at, **told) from error
    return chunk


def _recognized(name: str, chunk: bytes, source: Source) -> bytes:
    """The first chunk without a byte-order mark, once it is clear that it is a text of records."""
    if chunk[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileProblem("file_is_utf16", file=name, expected=source.files.encodings[0].upper())
    if other := next((told for sign, told in _OTHER_KINDS.items() if chunk.startswith(sign)), None):
        form = Phrase.of(f"form.{other}")
        raise FileProblem("file_of_another_kind", file=name, form=form, expected=_kinds(source))
    chunk = chunk.removeprefix(b"\xef\xbb\xbf")
    start = chunk[:1024].lstrip()
    if start.startswith((b"<", b"{", b"[")):
        form = Phrase.of("form.page" if start.startswith(b"<") else "form.json")
        told = {"begins": start[:40].decode("utf-8", "replace"), "expected": _kinds(source)}
        raise FileProblem("answer_in_place_of_file", file=name, line=1, form=form, **told)
    return chunk
