"""From a vintage's bytes to text records: unpacking, decoding and splitting, strictly.

What belongs here: everything that is the same for every source before a column has a meaning.
What does not: types and categories (columns), the meaning of a source (its own module).

A problem of the whole file raises FileProblem; a record that cannot be split is rejected with its
line. Text is read in chunks, so memory does not grow with the file.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

import polars as pl

from pipelines.sources.catalog import RawColumn, Source, fold
from pipelines.vocabulary import DrugflowError

LINE = "_line"
NEWLINE = b"\n"
REJECTED_SCHEMA = {
    "file": pl.String,
    "line": pl.Int64,
    "column": pl.String,
    "value": pl.String,
    "reason": pl.String,
    "record": pl.String,
}


class FileProblem(DrugflowError):
    """A whole file cannot be read; the sentence names it, the place and what was expected."""


@dataclass(frozen=True)
class Limits:
    """Bounds on unpacking and on the text parsed at a time, in bytes."""

    max_unpacked_bytes: int = 8 * 1024**3
    max_unpack_ratio: int = 200
    chunk_bytes: int = 64 * 1024**2


@dataclass
class Records:
    """A chunk of records as text columns named by our ids, with the line each one starts on.

    absent lists the ids of optional columns that the file does not have.
    """

    frame: pl.DataFrame
    absent: list[str]
    set_aside: dict[str, int] = field(default_factory=dict)
    rejected: list[dict[str, Any]] = field(default_factory=list)


def read_records(path: Path, source: Source, limits: Limits, from_sheet: Any = None) -> Iterator[Records]:
    """Every record of one archived file, in chunks.

    Raises FileProblem where the file is empty, of another kind, badly encoded, unsafe to unpack,
    or has columns that the source does not list.
    """
    size = path.stat().st_size
    if size == 0:
        raise FileProblem(f"{path.name} is empty (0 bytes): expected {_kinds(source)}. Fetch it again.")
    for name, stream, kind in _members(path, limits):
        with stream:
            if kind == "parquet":
                yield _from_parquet(name, stream, source)
            elif kind == "xlsx":
                if from_sheet is None:
                    raise FileProblem(f"{name} is an Excel workbook: expected {_kinds(source)}.")
                yield from_sheet(name, _sheet(name, stream.read()))
            else:
                yield from _from_text(name, stream, source, limits)


def _kinds(source: Source) -> str:
    return " or ".join(k.upper() if k != "xlsx" else "Excel" for k in source.files.formats)


class _Bounded(io.RawIOBase):
    """A decompressed stream that refuses to grow past the limits."""

    def __init__(self, name: str, inner: Any, packed: int, limits: Limits) -> None:
        self._name, self._inner, self._limits = name, inner, limits
        self._allowed = min(limits.max_unpacked_bytes, max(packed * limits.max_unpack_ratio, 64 * 1024**2))
        self._seen = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            data: bytes = self._inner.read(size if size >= 0 else self._allowed + 1)
        except (EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
            raise FileProblem(f"{self._name} cannot be unpacked ({error}): it was cut off or damaged.") from error
        self._seen += len(data)
        if self._seen > self._allowed:
            raise FileProblem(
                f"{self._name} unpacks to more than {self._allowed:,} bytes: refused as a decompression bomb. "
                "If it is genuine, raise DRUGFLOW_MAX_UNPACKED_BYTES and DRUGFLOW_MAX_UNPACK_RATIO."
            )
        return data


def _members(path: Path, limits: Limits) -> Iterator[tuple[str, Any, str]]:
    """(name, stream, kind) of each data file in an archived file; kind is text, parquet or xlsx."""
    packed = path.stat().st_size
    with path.open("rb") as handle:
        magic = handle.read(8)
    if magic.startswith(b"\x1f\x8b"):
        with gzip.open(path) as inner:
            yield path.name, _Bounded(path.name, inner, packed, limits), "text"
    elif magic.startswith(b"BZh"):
        with bz2.open(path) as inner:
            yield path.name, _Bounded(path.name, inner, packed, limits), "text"
    elif magic.startswith(b"PAR1"):
        yield path.name, path.open("rb"), "parquet"
    elif magic.startswith(b"PK"):
        yield from _zip_members(path, limits)
    else:
        yield path.name, path.open("rb"), "text"


def _zip_members(path: Path, limits: Limits) -> Iterator[tuple[str, Any, str]]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise FileProblem(f"{path.name} is a damaged zip archive ({error}): fetch it again.") from error
    with archive:
        entries = [e for e in archive.infolist() if not e.is_dir()]
        total = sum(e.file_size for e in entries)
        if total > limits.max_unpacked_bytes or total > max(
            path.stat().st_size * limits.max_unpack_ratio, 64 * 1024**2
        ):
            raise FileProblem(
                f"{path.name} says it unpacks to {total:,} bytes from {path.stat().st_size:,}: refused as a "
                "decompression bomb. If it is genuine, raise DRUGFLOW_MAX_UNPACK_RATIO."
            )
        for entry in entries:
            place = PurePosixPath(entry.filename.replace("\\", "/"))
            if place.is_absolute() or ".." in place.parts:
                raise FileProblem(
                    f"{path.name} holds the path {entry.filename!r}, which leaves the folder: refused as unsafe."
                )
        if any(e.filename == "[Content_Types].xml" for e in entries):
            yield path.name, path.open("rb"), "xlsx"
            return
        if not entries:
            raise FileProblem(f"{path.name} is a zip archive without a file.")
        for entry in entries:
            stream = _Bounded(f"{path.name}:{entry.filename}", archive.open(entry), entry.compress_size, limits)
            yield f"{path.name}:{entry.filename}", stream, "text"


def match_header(
    name: str, header: list[str], columns: list[RawColumn], line: int = 1
) -> tuple[list[str | None], list[str]]:
    """Our ids for a header (None where the column is ignored) and the optional ids it lacks.

    Raises FileProblem for an unknown, doubled or missing column, with the file, line and name.
    """
    known = {fold(n): c for c in columns for n in c.names}
    families = [c for c in columns if c.pattern]
    ids: list[str | None] = []
    for title in header:
        column = known.get(fold(title)) or next(
            (c for c in families if re.fullmatch(c.pattern or "", fold(title))), None
        )
        if column is None:
            raise FileProblem(
                f"{name}, line {line}: unknown column {title!r}. Expected {', '.join(c.names[0] for c in columns)}. "
                "If the publisher added it, list it in the source's YAML."
            )
        if column.id in ids:
            raise FileProblem(f"{name}, line {line}: the column {title!r} is there twice.")
        ids.append(None if column.ignore else column.id)
    absent = [c for c in columns if not c.ignore and c.id not in ids]
    if missing := [c.names[0] for c in absent if c.required]:
        raise FileProblem(f"{name}, line {line}: the column {missing[0]!r} is missing. Found {', '.join(header)}.")
    return ids, [c.id for c in absent]


def _from_parquet(name: str, stream: IO[bytes], source: Source) -> Records:
    try:
        frame = pl.read_parquet(stream)
    except Exception as error:
        raise FileProblem(f"{name} is not a readable Parquet file ({error}): fetch it again.") from error
    ids, absent = match_header(name, frame.columns, source.columns)
    text = [
        (pl.col(c).cast(pl.Int64, strict=False).cast(pl.String) if _integral(frame[c]) else pl.col(c).cast(pl.String))
        .fill_null("")
        .alias(i)
        for c, i in zip(frame.columns, ids, strict=True)
        if i
    ]
    return Records(frame.select(*text).with_row_index(LINE, offset=1).cast({LINE: pl.Int64}), absent)


def _integral(column: pl.Series) -> bool:
    return column.dtype.is_float() and bool((column.drop_nulls() % 1 == 0).all())


def _sheet(name: str, content: bytes) -> pl.DataFrame:
    """First sheet as text cells, one row a line, with the row's number in the sheet."""
    import fastexcel

    try:
        sheet = fastexcel.read_excel(content).load_sheet(0, header_row=None, dtypes="string")
    except fastexcel.FastExcelError as error:
        raise FileProblem(f"{name} is not a readable Excel workbook ({error}): fetch it again.") from error
    frame: pl.DataFrame = sheet.to_polars()
    return frame.fill_null("").with_row_index(LINE, offset=1).cast({LINE: pl.Int64})


def _from_text(name: str, stream: IO[bytes], source: Source, limits: Limits) -> Iterator[Records]:
    separator = ","
    ids: list[str | None] = []
    absent: list[str] = []
    line, footer, any_record, marker = 0, 0, False, None
    for piece, last in _chunks(stream, limits.chunk_bytes):
        text = _decode(name, piece, source, line + 1, first=line == 0)
        if line == 0:
            title, _, text = text.partition(NEWLINE)
            separator = _separator(title.decode(), source)
            header = next(csv.reader([title.decode().rstrip("\r")], delimiter=separator), [])
            ids, absent = match_header(name, header, source.columns)
            line = 1
        if marker is None:
            marker = _find_marker(text, source.files.end_marker)
            records, tail = (text, b"") if marker is None else (text[:marker], text[marker:])
        else:
            records, tail = b"", text
        footer += sum(1 for row in tail.splitlines() if row.strip(b" \t\r,"))
        if last and marker is None and source.files.final_newline and not records.endswith(NEWLINE):
            raise FileProblem(
                f"{name}, line {line + records.count(NEWLINE) + 1}: the file ends in the middle of a line "
                f"({records.rsplit(NEWLINE, 1)[-1][-60:].decode()!r}): it was cut off. Fetch it again."
            )
        if records:
            split = _split(name, records, ids, absent, separator, line + 1)
            any_record = any_record or split.frame.height > 0 or bool(split.rejected)
            yield split
        line += text.count(NEWLINE)
    if line == 0:
        raise FileProblem(f"{name} is empty: expected {_kinds(source)}. Fetch it again.")
    if not any_record:
        raise FileProblem(f"{name} has a header and no record: expected at least one. Fetch it again.")
    if footer:
        yield Records(
            pl.DataFrame(schema={LINE: pl.Int64, **dict.fromkeys((i for i in ids if i), pl.String)}),
            absent,
            {"footer": footer},
        )


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


def _chunks(stream: IO[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Pieces that end at the end of a record, and whether a piece is the last."""
    rest = b""
    while True:
        block = stream.read(size)
        if not block:
            if rest:
                yield rest, True
            return
        rest += block
        cut = len(rest)
        while (cut := rest.rfind(NEWLINE, 0, cut)) >= 0 and rest.count(b'"', 0, cut) % 2:
            pass
        if cut < 0:
            continue
        piece, rest = rest[: cut + 1], rest[cut + 1 :]
        yield piece, False


def _decode(name: str, chunk: bytes, source: Source, line: int, first: bool) -> bytes:
    """The chunk as UTF-8 without a byte-order mark.

    Raises FileProblem for HTML, UTF-16, binary or wrongly encoded bytes, with the line and the byte.
    """
    if first:
        if chunk[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise FileProblem(
                f"{name} is UTF-16: expected {source.files.encodings[0].upper()}. Save it again as UTF-8."
            )
        chunk = chunk.removeprefix(b"\xef\xbb\xbf")
        if chunk.lstrip()[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
            raise FileProblem(
                f"{name}, line 1: this is a web page ({chunk.lstrip()[:40].decode('utf-8', 'replace')!r}), not "
                f"{_kinds(source)}: the site answered with an error or a captcha. Fetch it again."
            )
    if (at := chunk.find(b"\0")) >= 0:
        raise FileProblem(
            f"{name}, line {line + chunk.count(NEWLINE, 0, at)}: a zero byte, so this is not text. Fetch it again."
        )
    try:
        chunk.decode("utf-8")
    except UnicodeDecodeError as error:
        if "latin-1" in source.files.encodings:
            return chunk.decode("latin-1").encode()
        bad = chunk[error.start]
        raise FileProblem(
            f"{name}, line {line + chunk.count(NEWLINE, 0, error.start)}: the byte 0x{bad:02X} is not UTF-8 "
            f"(as Latin-1 it reads {bytes([bad]).decode('latin-1')!r}). Save the file as UTF-8."
        ) from error
    return chunk


def _split(name: str, text: bytes, ids: list[str | None], absent: list[str], separator: str, line: int) -> Records:
    """Records of a chunk; falls back to a record by record reading where the fast one cannot be trusted."""
    width = len(ids)
    titles = [i or f"_ignored_{n}" for n, i in enumerate(ids)]
    try:
        frame = pl.read_csv(
            io.BytesIO(text),
            has_header=False,
            schema=dict.fromkeys(titles, pl.String),
            separator=separator,
            infer_schema=False,
            empty_string_is_null=False,
        )
    except pl.exceptions.PolarsError:
        return _split_slowly(name, text, ids, absent, separator, line)
    inside = pl.sum_horizontal(pl.col(titles).str.count_matches(separator, literal=True).sum())
    breaks = pl.sum_horizontal(pl.col(titles).str.count_matches("\n", literal=True).sum())
    quoted = b'"' in text
    separators, newlines = (
        (int(v) for v in frame.select(inside.alias("s"), breaks.alias("n")).row(0)) if quoted else (0, 0)
    )
    whole = text.count(separator.encode()) - separators == (width - 1) * frame.height
    if not whole or text.count(NEWLINE) - newlines != frame.height:
        return _split_slowly(name, text, ids, absent, separator, line)
    if newlines:
        before = (
            pl.sum_horizontal(pl.col(titles).str.count_matches("\n", literal=True)).cum_sum().shift(1, fill_value=0)
        )
        frame = frame.with_columns((before.cast(pl.Int64) + pl.int_range(pl.len()) + line).alias(LINE))
    else:
        frame = frame.with_row_index(LINE, offset=line).cast({LINE: pl.Int64})
    kept = [i for i in ids if i]
    return Records(frame.select(LINE, *kept), absent)


def _split_slowly(
    name: str, text: bytes, ids: list[str | None], absent: list[str], separator: str, line: int
) -> Records:
    """The same through the standard library's reader, which tells the line of every bad record."""
    width = len(ids)
    rows: list[list[Any]] = []
    rejected: list[dict[str, Any]] = []
    blank = 0
    lines = text.decode("utf-8").splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        start = reader.line_num
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            reason = f"cannot be read as a record ({error})"
        else:
            if not any(cell.strip() for cell in row):
                blank += 1
                continue
            if len(row) == width:
                rows.append([line + start, *row])
                continue
            reason = f"has {len(row)} fields, expected {width}"
        record = "".join(lines[start : reader.line_num]).rstrip("\r\n")
        rejected.append(
            {
                "file": name,
                "line": line + start,
                "column": None,
                "value": None,
                "reason": reason,
                "record": record[:500],
            }
        )
    titles = [LINE, *(i or f"_ignored_{n}" for n, i in enumerate(ids))]
    schema = {t: pl.Int64 if t == LINE else pl.String for t in titles}
    frame = pl.DataFrame(rows, schema=schema, orient="row").select(LINE, *(i for i in ids if i))
    return Records(frame, absent, {"blank_line": blank} if blank else {}, rejected)
