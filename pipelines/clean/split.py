"""From text to records: cutting a stream into chunks, a chunk into fields, and finding the lines that cannot be.

What belongs here: record boundaries, quotation marks, field counts. What does not: columns (files).

The fast reader is believed only where its counts of separators and line ends equal those of the text; where
they do not, the piece is halved until the bad lines stand in small pieces, which are read line by line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import polars as pl

from pipelines.clean.unpack import FileProblem
from pipelines.core.problem import Phrase

LINE = "_line"
NEWLINE, QUOTE = b"\n", b'"'
REJECTED_SCHEMA: dict[str, Any] = {
    "file": pl.String,
    "line": pl.Int64,
    "column": pl.String,
    "value": pl.String,
    "reason": pl.String,
    "told": pl.String,
    "record": pl.String,
}
"""reason: in English, for whoever opens the file; told: the same as a phrase in JSON, for every language."""
LONGEST_RECORD = 1024**2
"""Bytes of one record at the most. A quotation mark that stays open longer than this is a broken one."""
LONGEST_FIELD = 131_072
"""Characters of one field at the most: the csv module's own limit, which other libraries lift for the whole process."""
LONGEST_VALUE, LONGEST_TEXT = 100, 500
"""Characters kept of a rejected value and of a rejected record."""
_SMALL = 64 * 1024
_BLOCK = 1024**2
_MOST_LINES = 64
"""Lines that one quoted field may span; three is the most that an agency's file had (BTS, Location)."""
_FIELD_TOO_LONG = Phrase.of("reason.field_too_long", most=LONGEST_FIELD)
_REASONS = (
    ("expected after", Phrase.of("reason.text_after_quote")),
    ("field larger", _FIELD_TOO_LONG),
    ("new-line character", Phrase.of("reason.carriage_return_in_field")),
)
"""What Python's csv says of a record, for which it has one class of error alone, and what we say."""


@dataclass
class Split:
    """Records of a piece of text: fields as text and the line each starts on, blank lines, rejected records."""

    frame: pl.DataFrame
    blank: int
    rejected: pl.DataFrame


def no_rejected() -> pl.DataFrame:
    """No rejected record."""
    return pl.DataFrame(schema=REJECTED_SCHEMA)


def chunks(name: str, stream: IO[bytes], size: int) -> Iterator[tuple[bytes, int, bool]]:
    """Pieces that end at the end of a record, their line ends, and whether one is the file's end without a line end.

    Raises FileProblem where a line is longer than any record can be.
    """
    rest, line = b"", 1
    while block := stream.read(size):
        if QUOTE not in rest and QUOTE not in block:
            # The usual text, without copying it twice.
            cut = block.rfind(NEWLINE)
            piece = b"".join((rest, memoryview(block)[: cut + 1])) if cut >= 0 else b""
            rest = block[cut + 1 :] if cut >= 0 else rest + block
        else:
            together = rest + block
            cut = _end_of_record(together)
            piece, rest = together[: cut + 1], together[cut + 1 :]
        if piece:
            line_ends = occurrences(piece, NEWLINE)
            yield piece, line_ends, False
            line += line_ends
        elif len(rest) > LONGEST_RECORD and NEWLINE not in rest:
            refuse_carriage_returns(name, rest, line)
            begins = rest[:40].decode("utf-8", "replace")
            raise FileProblem("line_too_long", file=name, line=line, most=LONGEST_RECORD, begins=begins)
    if rest:
        yield rest, rest.count(NEWLINE), True


def occurrences(text: bytes, sign: bytes) -> int:
    """How often one byte is there: ``text.count(sign)`` in a fifth of the time, where every tenth byte is one."""
    codes, code = np.frombuffer(text, np.uint8), ord(sign)
    return sum(int(np.count_nonzero(codes[at : at + _BLOCK] == code)) for at in range(0, len(codes), _BLOCK))


def refuse_carriage_returns(name: str, text: bytes, line: int) -> None:
    """Raise FileProblem where the line of text ends its records in carriage returns."""
    first = text.split(NEWLINE, 1)[0].removesuffix(b"\r")
    if b"\r" in first:
        raise FileProblem("carriage_returns_alone", file=name, line=line)


def _end_of_record(text: bytes) -> int:
    """Place of the last line end that is not inside quotation marks; -1 where there is none yet.

    Looks back as far as a record can be long; with a mark that stays open longer, any line end will do,
    because the piece is read line by line anyway.
    """
    last = cut = text.rfind(NEWLINE)
    if cut < 0:
        return -1
    odd = text.count(QUOTE, 0, cut) % 2
    stop = max(0, cut - LONGEST_RECORD)
    while odd:
        before = text.rfind(NEWLINE, stop, cut)
        if before < 0:
            return last if stop else -1
        odd ^= text.count(QUOTE, before, cut) % 2
        cut = before
    return cut


def split(name: str, text: bytes, width: int, separator: str, line: int) -> Split:
    """Records of whole lines of UTF-8 text, with the columns _line, "0", "1", … of the file's fields.

    line is the number of the text's first line. Blank lines are counted and left out.
    """
    frame = _fast(text, width, separator, line)
    if frame is not None:
        return without_blank(frame)
    middle = text.rfind(NEWLINE, 0, len(text) // 2) if len(text) > _SMALL else -1
    cut = _end_of_record(text[: middle + 1])
    if cut < 0:
        return _by_line(name, text, width, separator, line)
    first = split(name, text[: cut + 1], width, separator, line)
    second = split(name, text[cut + 1 :], width, separator, line + text.count(NEWLINE, 0, cut + 1))
    return Split(
        pl.concat([first.frame, second.frame]),
        first.blank + second.blank,
        pl.concat([first.rejected, second.rejected]),
    )


def _fast(text: bytes, width: int, separator: str, line: int) -> pl.DataFrame | None:
    """All fields of the text, or None where the reader's counts differ from the text's."""
    titles = [str(n) for n in range(width)]
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
        return None
    separators = occurrences(text, separator.encode())
    line_ends = occurrences(text, NEWLINE) + (not text.endswith(NEWLINE))
    if QUOTE not in text:
        if separators != (width - 1) * frame.height or line_ends != frame.height:
            return None
        return frame.with_row_index(LINE, offset=line).cast({LINE: pl.Int64})
    inside = pl.DataFrame([frame[t].str.count_matches(separator, literal=True) for t in titles])
    breaks = pl.DataFrame([frame[t].str.count_matches("\n", literal=True) for t in titles])
    within = breaks.sum_horizontal()
    extra = int(within.sum() or 0)
    quoted = int(inside.sum_horizontal().sum() or 0)
    if separators - quoted != (width - 1) * frame.height or line_ends - extra != frame.height:
        return None
    if not extra:
        return frame.with_row_index(LINE, offset=line).cast({LINE: pl.Int64})
    # A mark that opens in one record and closes in another swallows what is between: a field with as many
    # separators as the records it spans would have.
    if any((swallows(breaks[t], inside[t], width)).any() for t in titles):
        return None
    before = within.cast(pl.Int64).cum_sum().shift(1, fill_value=0)
    return frame.with_columns((before + pl.int_range(pl.len()) + line).alias(LINE)).select(LINE, *titles)


def swallows(line_ends: Any, separators: Any, width: int) -> Any:
    """Whether a field with so many line ends and separators holds a whole record (numbers or columns of them)."""
    return (line_ends > 0) & (separators >= line_ends * (width - 1))


def without_blank(frame: pl.DataFrame) -> Split:
    """The records of a frame with the columns _line, "0", "1", … without those whose fields are all empty."""
    first, *others = (c for c in frame.columns if c != LINE)
    empty = frame[first].str.strip_chars() == ""
    if empty.any():
        rows = frame.filter(empty)
        blank = rows.filter(pl.all_horizontal(pl.lit(True), *(pl.col(c).str.strip_chars() == "" for c in others)))
        if blank.height:
            return Split(frame.join(blank.select(LINE), on=LINE, how="anti"), blank.height, no_rejected())
    return Split(frame, 0, no_rejected())


def _by_line(name: str, text: bytes, width: int, separator: str, line: int) -> Split:
    """The same, record by record, telling the line of every bad one. One bad line costs no other."""
    lines = text.decode("utf-8").split("\n")
    if not lines[-1]:
        lines.pop()
    rows: list[list[Any]] = []
    rejected: list[list[Any]] = []
    blank = at = 0
    while at < len(lines):
        found, span = _record(lines, at, width, separator)
        if isinstance(found, Phrase):
            record = lines[at].rstrip("\r")[:LONGEST_TEXT]
            rejected.append([name, line + at, None, None, found.said("en"), found.model_dump_json(), record])
        elif any(cell.strip() for cell in found):
            rows.append([line + at, *found])
        else:
            blank += 1
        at += span
    titles = [LINE, *(str(n) for n in range(width))]
    schema = {t: pl.Int64 if t == LINE else pl.String for t in titles}
    return Split(
        pl.DataFrame(rows, schema=schema, orient="row"),
        blank,
        pl.DataFrame(rejected, schema=REJECTED_SCHEMA, orient="row"),
    )


def _record(lines: list[str], at: int, width: int, separator: str) -> tuple[list[str] | Phrase, int]:
    """Fields of the record that begins on a line and the lines it takes; or why it is none, and one line."""
    text, span = lines[at], 1
    marks = text.count('"')
    while marks % 2 and span < _MOST_LINES and at + span < len(lines):
        text += "\n" + lines[at + span]
        marks += lines[at + span].count('"')
        span += 1
    if marks % 2:
        return Phrase.of("reason.quote_never_closed"), 1
    try:
        fields = next(csv.reader([text], delimiter=separator, strict=True), [])
    except csv.Error as error:
        unknown = Phrase.of("reason.no_record")
        return next((told for sign, told in _REASONS if sign in str(error)), unknown), 1
    if any(len(field) > LONGEST_FIELD for field in fields):
        return _FIELD_TOO_LONG, 1
    if not any(field.strip() for field in fields):
        return [""] * width, span
    if span > 1 and (len(fields) != width or any(swallows(f.count("\n"), f.count(separator), width) for f in fields)):
        return Phrase.of("reason.quote_closed_later"), 1
    if len(fields) != width:
        return Phrase.of("reason.fields", found=len(fields), expected=width), 1
    return fields, span
