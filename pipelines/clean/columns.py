"""From text cells to typed columns, as the source's YAML says.

What belongs here: parsing numbers and categories, and saying which cell of which line could not be.
What does not: rules of one source (its module), ranges of values (quality).
"""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.clean.files import LINE, Records
from pipelines.clean.part import Part
from pipelines.sources.catalog import RawColumn, Source, fold

_THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"


def typed(name: str, records: Records, source: Source) -> Part:
    """A part with one typed column for each column of the YAML; cells that cannot be read are rejected.

    text is trimmed, an empty cell is null; integer is Int64 (also 1,234 and 12.0); number is Float64;
    category is our id as text. A column that the file does not have is all null.
    """
    part = Part(name, records.frame.height, dict(records.set_aside), list(records.rejected))
    part.records += len(records.rejected) + sum(records.set_aside.values())
    frame = records.frame.with_columns(pl.exclude(LINE).str.strip_chars())
    texts = [c.id for c in source.columns if c.id in frame.columns]
    blank = pl.all_horizontal(pl.col(texts) == "")
    part.frame = frame
    part.set_aside(blank, "blank_line")
    raw = part.frame
    part.raw = raw
    columns: list[pl.Expr] = [pl.col(LINE)]
    problems: list[tuple[RawColumn, pl.Expr, str]] = []
    for column in source.columns:
        if column.ignore:
            continue
        if column.id in records.absent:
            columns.append(pl.lit(None, dtype=_dtype(column)).alias(column.id))
            continue
        cell = pl.col(column.id)
        columns.append(_parse(column, raw).alias(column.id))
        if column.type != "text":
            problems.append((column, (cell != "") & _parse(column, raw).is_null(), _expected(column)))
        if not column.nullable:
            problems.append((column, cell == "", f"is empty, expected {_kind(column)}"))
    flags = raw.select(**{str(n): bad for n, (_, bad, _) in enumerate(problems)})
    failing = [n for n in range(len(problems)) if flags[str(n)].any()]
    part.frame = raw.select(columns)
    for n in failing:
        column, _, reason = problems[n]
        part.reject_lines(raw.filter(flags[str(n)])[LINE].to_list(), column.names[0], column.id, reason)
    return part


def _dtype(column: RawColumn) -> Any:
    return {"integer": pl.Int64, "number": pl.Float64}.get(column.type, pl.String)


def _parse(column: RawColumn, frame: pl.DataFrame) -> pl.Expr:
    cell = pl.col(column.id)
    if column.type == "text":
        return pl.when(cell != "").then(cell)
    if column.type == "category":
        wanted = {fold(k): v for k, v in (column.categories or {}).items()}
        seen = frame[column.id].unique().to_list()
        return cell.replace_strict({s: wanted.get(fold(s)) for s in seen}, return_dtype=pl.String)
    dtype = _dtype(column)
    plain = cell.cast(dtype, strict=False)
    if not frame.select(((cell != "") & plain.is_null()).any()).item():
        return pl.when(plain.is_finite()).then(plain) if column.type == "number" else plain
    grouped = pl.when(cell.str.contains(_THOUSANDS)).then(cell.str.replace_all(",", "", literal=True)).otherwise(cell)
    number = grouped.cast(pl.Float64, strict=False)
    number = pl.when(number.is_finite()).then(number)
    if column.type == "number":
        return number
    return pl.when(number == number.floor()).then(number.cast(pl.Int64, strict=False))


def _kind(column: RawColumn) -> str:
    if column.type == "category":
        return "one of " + ", ".join(repr(k) for k in (column.categories or {}))
    return {"integer": "a whole number", "number": "a number", "text": "a text"}[column.type]


def _expected(column: RawColumn) -> str:
    if column.type == "category":
        return f"is unknown, expected {_kind(column)}"
    return f"is not {_kind(column)}"
