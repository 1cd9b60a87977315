"""From text cells to typed columns, as the source's YAML says.

What belongs here: parsing numbers and categories, and saying which cell of which line could not be.
What does not: rules of one source (its module), ranges of values (quality).
"""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.catalog.columns import RawColumn, fold
from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
from pipelines.clean.files import Records
from pipelines.clean.split import LINE
from pipelines.core.problem import Phrase

_THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"
_LISTED = 200
"""Characters of categories that a sentence lists; where there are more it names the first three."""


def typed(name: str, records: Records, source: Source) -> RecordBatch:
    """A batch with one typed column for each column of the YAML; cells that cannot be read are rejected.

    text is trimmed, an empty cell is null; integer is Int64 (also 1,234 and 12.0); number is Float64;
    category is our id as text. A column that the file does not have is all null. Of a wide column every cell is a
    record: a row with the cell's title and its value. A fault in another column of its line rejects each of them.
    """
    refused = [records.rejected] if records.rejected.height else []
    batch = RecordBatch(records.name or name, records.frame.height, dict(records.set_aside), refused)
    batch.records += records.rejected.height + sum(records.set_aside.values())
    frame = records.frame.with_columns(pl.exclude(LINE).str.strip_chars())
    texts = [c.id for c in source.titles if c.id in frame.columns]
    batch.frame = frame
    batch.set_aside(pl.all_horizontal(pl.col(texts) == ""), "blank_line")
    batch.raw = raw = batch.frame
    wanted = [c for c in source.titles if not c.ignore]
    batch.frame = parsed = raw.select(LINE, *(_column(c, records, raw).alias(c.id) for c in wanted))
    if wide := source.wide:
        _spread(batch, wide, [c.id for c in wide.titles if c.id in raw.columns])
    for column in (c for c in wanted if c.id not in records.absent):
        here = pl.lit(True) if wide is None or column.id not in wide.names else pl.col(wide.wide or "") == column.id
        empty = raw[column.id] == ""
        faults = [(empty, Phrase.of("reason.empty", expected=_kind(column)))] if not column.nullable else []
        if column.type != "text":
            key = "reason.unknown_category" if column.type == "category" else "reason.not_a_value"
            faults.insert(0, (~empty & parsed[column.id].is_null(), Phrase.of(key, expected=_kind(column))))
        for fault, reason in faults:
            if fault.any():
                lines = raw[LINE].filter(fault).implode()
                batch.reject(here & pl.col(LINE).is_in(lines), column.names[0], reason, column.id)
    return batch


def _spread(batch: RecordBatch, wide: RawColumn, titles: list[str]) -> None:
    """Make every cell under the titles a row of its own and count it as a record."""
    lines = batch.frame.height
    others = [c for c in batch.frame.columns if c not in wide.names]
    batch.frame = batch.frame.unpivot(titles, index=others, variable_name=wide.wide, value_name=wide.id)
    batch.records += batch.frame.height - lines


def _dtype(column: RawColumn) -> Any:
    return {"integer": pl.Int64, "number": pl.Float64}.get(column.type, pl.String)


def _column(column: RawColumn, records: Records, frame: pl.DataFrame) -> pl.Expr:
    if column.id in records.absent:
        return pl.lit(None, dtype=_dtype(column))
    return _parse(column, frame)


def _parse(column: RawColumn, frame: pl.DataFrame) -> pl.Expr:
    cell = pl.col(column.id)
    if column.type == "text":
        return pl.when(cell != "").then(cell)
    if column.type == "category":
        wanted = {fold(k): v for k, v in (column.categories or {}).items()}
        seen = frame[column.id].unique().to_list()
        return cell.replace_strict({s: wanted.get(fold(s)) for s in seen}, return_dtype=pl.String)
    plain = cell.cast(_dtype(column), strict=False)
    if frame.select(((cell != "") & plain.is_null()).any()).item():
        grouped = (
            pl.when(cell.str.contains(_THOUSANDS)).then(cell.str.replace_all(",", "", literal=True)).otherwise(cell)
        )
        number = grouped.cast(pl.Float64, strict=False)
        if column.type == "integer":
            number = pl.when(number.is_finite()).then(number)
            whole = pl.when(number == number.floor()).then(number.cast(pl.Int64, strict=False))
            return pl.coalesce(plain, whole)
        plain = number
    if column.type == "integer":
        return plain
    # A zero with a sign is a zero: otherwise two exports of one figure would differ.
    return pl.when(plain == 0).then(0.0).when(plain.is_finite()).then(plain)


def _kind(column: RawColumn) -> Phrase:
    """What a cell of the column holds."""
    if column.type == "category":
        names = [repr(k) for k in column.categories or {}]
        if len(names) > 3 and sum(map(len, names)) > _LISTED:
            return Phrase.of("value.one_of_more", names=names[:3], more=len(names) - 3)
        return Phrase.of("value.one_of", names=names)
    return Phrase.of(f"value.{column.type}")
