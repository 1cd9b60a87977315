"""From ``"<table> <key>"`` to one row of the current release.

What belongs here: reading the question and helping with a wrong one. What does not: explaining the row.
"""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.catalog.load import load_catalog
from pipelines.catalog.table import Column, Table
from pipelines.core.errors import DrugflowError
from pipelines.dbt.lineage import load_lineage
from pipelines.query.explain.answer import listed, pairs, said
from pipelines.query.explain.current import Current, Row, quoted

FORM = 'Say "<table> <key>", such as "overdose_deaths_12mo US 2023-12 drug_overdose".'
_NAMED = re.compile(r"^([a-z][a-z0-9_]*)=(.*)$", re.DOTALL)
_MONTH = re.compile(r"^\d{4}-\d{2}$")
_SHOWN = 12


@dataclass(frozen=True)
class Question:
    """The row that is asked for. key: the grain's columns in order."""

    table: Table
    key: Row
    row: Row


def ask(current: Current, text: str) -> Question:
    """The row of the release that the text names.

    Values without a name are taken in the order of the table's grain, past the named ones; a month may be written
    2023-12. A key column may be left out where the others leave one row.

    Raises DrugflowError with one sentence or two: unknown table or column, a value that is none, no such row (with
    the values that there are), or several rows (with the columns that tell them apart).
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise DrugflowError(f"{text!r} has a quotation mark without its partner ({error}). {FORM}") from error
    if not words:
        raise DrugflowError(f"Nothing was asked. {FORM}")
    table = _table(current, words[0])
    given = _key(table, words[1:])
    found = current.facts(table, given)
    if not found:
        raise DrugflowError(_no_row(current, table, given))
    if len(found) > 1:
        raise DrugflowError(_several(table, given, found))
    return Question(table, {g: found[0][g] for g in table.grain}, found[0])


def _table(current: Current, name: str) -> Table:
    table = current.tables.get(name if "." in name else f"marts.{name}")
    if table is None:
        names = [full.removeprefix("marts.") for full, t in current.tables.items() if not _declined(t)]
        close = difflib.get_close_matches(name.removeprefix("marts."), names, 1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise DrugflowError(f"There is no table {name!r} in the release.{hint} Tables: {', '.join(names)}.")
    if why := _declined(table):
        raise DrugflowError(f"{table.full_name} {why}")
    return table


def _declined(table: Table) -> str | None:
    """Why the table has nothing to explain, as its recipe says."""
    return table.explain.not_explained if table.explain else None


def _key(table: Table, words: list[str]) -> Row:
    """Values by key column, in the order of the grain."""
    columns = {c.name: c for c in table.columns}
    texts: dict[str, str] = {}
    bare: list[str] = []
    for word in words:
        named = _NAMED.match(word)
        if named is None:
            bare.append(word)
            continue
        name, text = named.groups()
        if name not in table.grain:
            what = f"is a column of {table.name} but not of its key" if name in columns else "is no column of its key"
            close = difflib.get_close_matches(name, table.grain, 1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise DrugflowError(f"{name} {what}.{hint} The key of {table.name} is {', '.join(table.grain)}.")
        if name in texts:
            raise DrugflowError(f"{name} is given twice, as {texts[name]!r} and {text!r}: keep one of them.")
        texts[name] = text
    free = [g for g in table.grain if g not in texts]
    if len(bare) > len(free):
        raise DrugflowError(
            f"{bare[len(free)]!r} is one value too many: the key of {table.name} is {', '.join(table.grain)}. "
            "Quote a value that has blanks."
        )
    texts.update(zip(free, bare, strict=False))
    return {g: _value(table, columns[g], texts[g]) for g in table.grain if g in texts}


def _value(table: Table, column: Column, text: str) -> Any:
    if column.type == "DATE":
        try:
            return date.fromisoformat(f"{text}-01" if _MONTH.match(text) else text)
        except ValueError as error:
            raise DrugflowError(
                f"{text!r} is no {column.name}: expected a month such as 2023-12 or 2023-12-01. "
                f"The key of {table.name} is {', '.join(table.grain)}."
            ) from error
    if column.type in ("INTEGER", "BIGINT"):
        if not re.fullmatch(r"-?\d{1,18}", text):
            raise DrugflowError(f"{text!r} is no {column.name}: expected a whole number such as 2023.")
        return int(text)
    return text


def _several(table: Table, given: Row, found: list[Row]) -> str:
    missing = [g for g in table.grain if g not in given]
    differing = {g: sorted({r[g] for r in found}) for g in missing}
    texts = [f"{g} ({_span(values)})" for g, values in differing.items() if len(values) > 1]
    asked = f" for {pairs(given)}" if given else ""
    return f"{table.name} has {len(found):,} rows{asked}. Add {listed(texts)}."


def _no_row(current: Current, table: Table, given: Row) -> str:
    """Why there is no such row: a value that never occurs, values that do not occur together, or a withdrawal."""
    head = f"{table.name} has no row {pairs(given)}."
    if gone := _withdrawn(current, table, given):
        return f"{head} {gone}"
    for name, value in given.items():
        known = _known(current, table, name, {})
        if value not in known:
            close = difflib.get_close_matches(str(value), [str(k) for k in known], 3) if isinstance(value, str) else []
            hint = f"Did you mean {' or '.join(close)}? " if close else ""
            return f"{head} There is no {name} {said(value)}. {hint}Known: {_span(known)}."
    together = []
    for name in given:
        others = {k: v for k, v in given.items() if k != name}
        if values := _known(current, table, name, others):
            together.append(f"{name} may be {_span(values)}")
    hint = f" With the other values as they are, {'; or '.join(together)}." if together else ""
    return f"{head} Each of these values occurs, but not together.{hint}"


def _known(current: Current, table: Table, name: str, others: Row) -> list[Any]:
    where = " and ".join(f'"{k}" = ?' for k in others) or "true"
    query = f'select distinct "{name}" as v from {quoted(table)} where {where} order by 1'
    return [r["v"] for r in current.rows(query, list(others.values()))]


def _withdrawn(current: Current, table: Table, given: Row) -> str | None:
    source = load_catalog().get(load_lineage().only_source(table.name) or "")
    if source is None or not set(source.key) <= set(given):
        return None
    states = current.states(source.id, {k: given[k] for k in source.key})
    if not states or not states[-1].is_withdrawn:
        return None
    before = f", last published in the vintage of {states[-2].last_vintage}" if len(states) > 1 else ""
    return f"The publisher withdrew it in the vintage of {states[-1].first_vintage}{before}."


def _span(values: list[Any]) -> str:
    """The values themselves where they are few, else the first and the last."""
    texts = [said(v) for v in values]
    if len(texts) <= _SHOWN:
        return ", ".join(texts)
    if isinstance(values[0], str):
        return f"{', '.join(texts[:_SHOWN])} and {len(texts) - _SHOWN} more"
    return f"from {texts[0]} to {texts[-1]}"
