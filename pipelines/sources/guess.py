"""What a publisher's file seems to hold: its header, and a type and categories for each of its columns.

What belongs here: reading a file that nobody has described yet, and guessing. What does not: writing the guesses down
(new_source), reading a described source (clean). A guess is a start: only a person knows what a figure means.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pipelines.clean.files import sheet_of
from pipelines.clean.unpack import Limits, members
from pipelines.core.errors import DrugflowError
from pipelines.core.problem import Phrase
from pipelines.sources.shared.calendar import MONTHS

MOST_CATEGORIES = 60
"""Distinct texts up to which a column looks like a list of categories."""
FEWEST_REPEATS = 4
"""Rows that each category has at the least, on average."""
ROWS_LOOKED_AT = 200_000
BYTES_LOOKED_AT = 64 * 1024**2
_INTEGER = re.compile(r"[+-]?(0|[1-9]\d*|[1-9]\d{0,2}(,\d{3})+)(\.0+)?")
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?([eE][+-]?\d+)?|[+-]?\.\d+")
_CODE = re.compile(r"(^|_)(code|clave|cve|fips|id|inegi|number|no)(_|$)")
_PERIOD = re.compile(r"(^|_)(year|anio|fy|month|mes|date|fecha|period|periodo|week|quarter|half)(_|$)")
_FORMS = {
    "{year}": r"(19|20)\d\d(\.0+)?",
    "{year}-{month:02}-01": r"\d{4}-\d\d-01",
    "{month_en}": "(?i)" + "|".join(MONTHS["en"]),
    "{month_es}": "(?i)" + "|".join(MONTHS["es"]),
    "{mon_en}": "(?i)jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec",
    "{month}": r"[1-9]|1[0-2]",
}
"""Spellings of a part of the period, and what matches them."""
Rows = list[list[str]]


@dataclass(frozen=True)
class Column:
    """What is guessed about one column of the file.

    meaning: a figure, a name of what is counted (also a code), or a part of the period; form: how that part is spelled,
    as in the stanza for the sample, where it is known; wide: the language of months that stand side by side.
    """

    id: str
    names: list[str]
    type: str
    nullable: bool = False
    categories: dict[str, str] | None = None
    meaning: Literal["figure", "name", "period"] = "name"
    form: str | None = None
    wide: str | None = None


@dataclass(frozen=True)
class Table:
    """What was read of the file: its format, encoding, header and first rows."""

    form: str
    encoding: str
    header: list[str]
    rows: Rows


def read_table(file: Path) -> Table:
    """Header and first rows of the first data file in an archived or plain file.

    Raises DrugflowError where there is no table of named columns with a row below them.
    """
    if not file.is_file():
        raise DrugflowError("draft_from_no_file", file=file)
    for name, stream, kind in members(file, Limits()):
        if kind == "parquet":
            raise DrugflowError("draft_from_parquet", file=name)
        table = _from_sheet(name, stream.read()) if kind == "xlsx" else _from_text(name, stream.read(BYTES_LOOKED_AT))
        return _checked(name, table)
    raise DrugflowError("draft_from_nothing", file=file.name)


def _from_sheet(name: str, content: bytes) -> Table:
    header, *rows = (list(row)[1:] for row in sheet_of(name, content).head(ROWS_LOOKED_AT + 1).iter_rows())
    while header and not header[-1].strip() and not any(row[len(header) - 1].strip() for row in rows):
        header = header[:-1]
    return Table("xlsx", "utf-8", header, [row[: len(header)] for row in rows])


def _from_text(name: str, content: bytes) -> Table:
    if len(content) == BYTES_LOOKED_AT:
        content = content.rpartition(b"\n")[0]
    encoding, text = _decoded(content)
    first = text.partition("\n")[0]
    separator = max(",\t;|", key=first.count)
    if first.count(separator) and separator not in ",\t":
        raise DrugflowError("draft_other_separator", file=name, separator=separator)
    try:
        header, *rows = _take(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except (csv.Error, ValueError) as error:
        found = str(error) or Phrase.of("phrase.it_is_empty")
        raise DrugflowError("draft_from_no_table", file=name, why=found) from error
    return Table("tsv" if separator == "\t" else "csv", encoding, header, rows)


def _take(lines: Iterator[list[str]]) -> Rows:
    return [row for _, row in zip(range(ROWS_LOOKED_AT + 1), lines, strict=False)]


def _decoded(content: bytes) -> tuple[str, str]:
    """Encoding and text, without a byte-order mark."""
    try:
        return "utf-8", content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "latin-1", content.decode("latin-1")


def _checked(name: str, table: Table) -> Table:
    """The table with titles without outer space and whole rows only; see read_table."""
    titles = [" ".join(title.split()) for title in table.header]
    if len(titles) < 2 or not all(titles):
        raise DrugflowError("draft_without_header", file=name, line=1, header=", ".join(titles)[:80])
    if twice := next((t for n, t in enumerate(titles) if t.casefold() in map(str.casefold, titles[:n])), None):
        raise DrugflowError("draft_column_twice", file=name, column=twice)
    rows = [[c.strip() for c in row] for row in table.rows if len(row) == len(titles) and any(c.strip() for c in row)]
    if not rows:
        raise DrugflowError("draft_without_row", file=name)
    return Table(table.form, table.encoding, titles, rows)


def slug(text: str) -> str:
    """An id from a text: small letters without accents, digits and underscores; ñ becomes ni, as in anio."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text.casefold()).replace("ñ", "ni"))
    return re.sub(r"[^a-z0-9]+", "_", plain.encode("ascii", "ignore").decode()).strip("_")


def guess(table: Table) -> list[Column]:
    """The columns of the file; twelve months that stand side by side are one."""
    language, months = _months_side_by_side(table.header)
    cells = dict(zip(table.header, zip(*table.rows, strict=True), strict=True))
    found: list[Column] = []
    for title in table.header:
        if title not in months:
            found.append(_column(title, cells[title], [c.id for c in found]))
    if months:
        value = _column("value", [cell for month in months for cell in cells[month]], [c.id for c in found])
        found.append(Column(value.id, months, value.type, value.nullable, None, "figure", wide=language))
    return found


def _months_side_by_side(header: Sequence[str]) -> tuple[str | None, list[str]]:
    """Language and titles of the twelve months, whole or in three letters; nothing where one is missing."""
    for language, names in MONTHS.items():
        for length in (3, None):
            wanted = [name[:length] for name in names]
            found = [t for m in wanted for t in header if t.casefold() == m]
            if len(found) == len(wanted):
                return language, found
    return None, []


def _column(title: str, cells: Sequence[str], taken: Sequence[str]) -> Column:
    base = slug(title) or "column"
    base = base if base[0].isalpha() else f"n_{base}"
    name = next(n for n in (base, *(f"{base}_{k}" for k in range(2, 1000))) if n not in taken)
    said = {c for c in cells if c}
    kind, ids = _type(said, len(cells))
    form, is_number = _form(said), kind in ("integer", "number")
    column = Column(name, [title], kind, len(said) < len(set(cells)), ids)
    if _PERIOD.search(base) and (form or not is_number):
        return replace(column, type="text" if ids else kind, categories=None, meaning="period", form=form)
    return replace(column, meaning="figure" if is_number and not _CODE.search(base) else "name")


def _type(said: set[str], rows: int) -> tuple[str, dict[str, str] | None]:
    """Type of a column from its distinct texts and the number of its cells; the categories where it is a list."""
    if said and all(map(_INTEGER.fullmatch, said)):
        return "integer", None
    if said and all(map(_NUMBER.fullmatch, said)) and not any(re.match(r"0\d", c) for c in said):
        return "number", None
    ids = {c: slug(c) for c in sorted(said)}
    is_list = 0 < len(said) <= MOST_CATEGORIES and len(said) * FEWEST_REPEATS <= rows
    if is_list and all(ids.values()) and not all(c[0].isdigit() for c in said):
        return "category", ids
    return "text", None


def _form(said: set[str]) -> str | None:
    """How a part of the period is spelled; None where it is none of the usual ways."""
    known = ((form, re.compile(pattern)) for form, pattern in _FORMS.items())
    return next((form for form, pattern in known if said and all(map(pattern.fullmatch, said))), None)
