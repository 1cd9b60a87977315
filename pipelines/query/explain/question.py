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
from pipelines.core.problem import Phrase
from pipelines.dbt.lineage import load_lineage
from pipelines.query.explain.answer import pairs, said
from pipelines.query.explain.current import Current, Row, quoted

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
        raise DrugflowError("quote_without_partner", text=text, why=str(error)) from error
    if not words:
        raise DrugflowError("nothing_asked")
    table = _table(current, words[0])
    given = _key(table, words[1:])
    found = current.facts(table, given)
    if not found:
        raise DrugflowError("no_such_row", table=table.name, key=pairs(given), why=_no_row(current, table, given))
    if len(found) > 1:
        raise _several(table, given, found)
    return Question(table, {g: found[0][g] for g in table.grain}, found[0])


def _table(current: Current, name: str) -> Table:
    table = current.tables.get(name if "." in name else f"marts.{name}")
    if table is None:
        names = [full.removeprefix("marts.") for full, t in current.tables.items() if not _declined(t)]
        close = difflib.get_close_matches(name.removeprefix("marts."), names, 1)
        hints = [*_meant(close), Phrase.of("hint.tables", names=names)]
        raise DrugflowError("no_such_table", table=name, hints=hints)
    if why := _declined(table):
        raise DrugflowError("not_explained", table=table.full_name, why=why)
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
            hints = [*_meant(difflib.get_close_matches(name, table.grain, 1)), _grain(table)]
            if name in columns:
                raise DrugflowError("column_not_in_key", name=name, table=table.name, hints=hints)
            raise DrugflowError("no_column_of_key", name=name, hints=hints)
        if name in texts:
            raise DrugflowError("key_given_twice", name=name, first=texts[name], second=text)
        texts[name] = text
    free = [g for g in table.grain if g not in texts]
    if len(bare) > len(free):
        raise DrugflowError("one_value_too_many", value=bare[len(free)], table=table.name, key=table.grain)
    texts.update(zip(free, bare, strict=False))
    return {g: _value(table, columns[g], texts[g]) for g in table.grain if g in texts}


def _value(table: Table, column: Column, text: str) -> Any:
    if column.type == "DATE":
        try:
            return date.fromisoformat(f"{text}-01" if _MONTH.match(text) else text)
        except ValueError as error:
            raise DrugflowError("value_is_no_month", value=text, name=column.name, hint=_grain(table)) from error
    if column.type in ("INTEGER", "BIGINT"):
        if not re.fullmatch(r"-?\d{1,18}", text):
            raise DrugflowError("value_is_no_number", value=text, name=column.name)
        return int(text)
    return text


def _meant(close: list[str]) -> list[Phrase]:
    """What was meant, perhaps: one sentence, or none."""
    return [Phrase.of("hint.meant", names=close)] if close else []


def _grain(table: Table) -> Phrase:
    return Phrase.of("hint.key", table=table.name, key=table.grain)


def _several(table: Table, given: Row, found: list[Row]) -> DrugflowError:
    missing = [g for g in table.grain if g not in given]
    differing = {g: sorted({r[g] for r in found}) for g in missing}
    columns = [Phrase.of("hint.column_values", name=g, values=_span(v)) for g, v in differing.items() if len(v) > 1]
    told = {"table": table.name, "rows": len(found), "columns": columns}
    return (
        DrugflowError("several_rows_of", **told, key=pairs(given)) if given else DrugflowError("several_rows", **told)
    )


def _no_row(current: Current, table: Table, given: Row) -> list[Phrase]:
    """Why there is no such row: a value that never occurs, values that do not occur together, or a withdrawal."""
    if gone := _withdrawn(current, table, given):
        return [gone]
    for name, value in given.items():
        known = _known(current, table, name, {})
        if value not in known:
            close = difflib.get_close_matches(str(value), [str(k) for k in known], 3) if isinstance(value, str) else []
            none = Phrase.of("hint.no_such_value", name=name, value=said(value))
            return [none, *_meant(close), Phrase.of("hint.known_values", values=_span(known))]
    together = []
    for name in given:
        others = {k: v for k, v in given.items() if k != name}
        if values := _known(current, table, name, others):
            together.append(Phrase.of("hint.may_be", name=name, values=_span(values)))
    hints = [Phrase.of("hint.others_as_they_are", columns=together)] if together else []
    return [Phrase.of("hint.not_together"), *hints]


def _known(current: Current, table: Table, name: str, others: Row) -> list[Any]:
    where = " and ".join(f'"{k}" = ?' for k in others) or "true"
    query = f'select distinct "{name}" as v from {quoted(table)} where {where} order by 1'
    return [r["v"] for r in current.rows(query, list(others.values()))]


def _withdrawn(current: Current, table: Table, given: Row) -> Phrase | None:
    source = load_catalog().get(load_lineage().only_source(table.name) or "")
    if source is None or not set(source.key) <= set(given):
        return None
    states = current.states(source.id, {k: given[k] for k in source.key})
    if not states or not states[-1].is_withdrawn:
        return None
    first = states[-1].first_vintage
    if len(states) == 1:
        return Phrase.of("hint.withdrawn", vintage=first)
    return Phrase.of("hint.withdrawn_after", vintage=first, before=states[-2].last_vintage)


def _span(values: list[Any]) -> Phrase:
    """The values themselves where they are few, else the first and the last."""
    texts = [said(v) for v in values]
    if len(texts) <= _SHOWN:
        return Phrase.of("hint.values", values=texts)
    if isinstance(values[0], str):
        return Phrase.of("hint.values_and_more", values=texts[:_SHOWN], more=len(texts) - _SHOWN)
    return Phrase.of("hint.from_to", first=texts[0], last=texts[-1])
