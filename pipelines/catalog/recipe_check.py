"""Whether the names in the explain recipes exist: tables, columns, files, and the values that sentences show.

What belongs here: what only the whole dictionary can tell. What does not: the shape of a recipe (recipe).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipelines.catalog.recipe import MANY, PLACE, TERMS, Choice, Filter, Recipe, Record, Rows, Step, Test
from pipelines.catalog.table import Column, Table
from pipelines.core.settings import DBT_PROJECT


def reference(table: Table, key: str) -> tuple[str, str, str] | None:
    """For ``dim_area.corridor_id``: the table's column that refers to the dimension, the dimension, its column."""
    dimension, _, column = key.partition(".")
    for own in table.columns:
        if own.refers and own.refers.split(".")[0] == dimension:
            return own.name, dimension, column
    return None


def pinned(table: Table, step: Rows) -> bool:
    """Whether the step is about one row: it gives each column of the table's grain a single value."""
    return all((match := step.matches.get(g)) is not None and match.is_one for g in table.grain)


def recipe_problems(tables: Iterable[Table]) -> list[str]:
    """A sentence for each name or value in a recipe that does not exist, with the file and the key."""
    by_name = {t.full_name: t for t in tables}
    return [p for t in by_name.values() if t.explain is not None for p in _Check(t, t.explain, by_name).problems()]


class _Check:
    """The walk through one recipe. known: what a sentence or a condition may name so far; None: no column."""

    def __init__(self, table: Table, recipe: Recipe, tables: dict[str, Table]) -> None:
        self.table, self.recipe, self.tables = table, recipe, tables
        self.own: dict[str, Column] = {c.name: c for c in table.columns}
        self.known: dict[str, Column | None] = dict(self.own)

    def problems(self) -> Iterator[str]:
        """Every problem, in the order of the recipe."""
        here = f"{self.table.name}.table.yml: table {self.table.name}, key explain"
        if self.recipe.macro:
            yield from self._file(f"{here}.macro", f"macros/{self.recipe.macro}.sql")
        for number, step in enumerate(self.recipe.steps):
            yield from self._step(f"{here}.steps.{number}", step)
        for number, dated in enumerate(self.recipe.vintages):
            yield from self._step(f"{here}.vintages.{number}", dated)

    def _step(self, place: str, step: Step) -> Iterator[str]:
        yield from self._when(f"{place}.when", step.when)
        if step.about:
            yield from self._columns(f"{place}.about", [step.about])
        if step.rows is not None:
            yield from self._rows(f"{place}.rows", step.rows)
        if step.record is not None:
            yield from self._record(f"{place}.record", step.record)
        if step.seed is not None:
            yield from self._columns(f"{place}.seed.same", step.seed.same)
            yield from self._file(f"{place}.seed.name", f"seeds/{step.seed.name}.csv")
        for say in step.says:
            yield from self._choice(place, say)
            yield from self._names(place, [name for sentence in say.all for name in PLACE.findall(sentence)])

    def _rows(self, place: str, rows: Rows) -> Iterator[str]:
        other = self.tables.get(f"marts.{rows.table}")
        if other is None:
            yield f"{place}.table: there is no table {rows.table} in the schema marts."
            return
        yield from self._filter(place, rows, other)
        for number, narrowed in enumerate(rows.narrow):
            yield from self._when(f"{place}.narrow.{number}.when", narrowed.when)
            yield from self._filter(f"{place}.narrow.{number}", narrowed, other)
        theirs = {c.name: c for c in other.columns}
        yield from self._choice(f"{place}.show", rows.show)
        for name in (name for shown in rows.show.all for name in shown):
            if name not in theirs:
                yield f"{place}.show: {rows.table} has no column {name}."
        if rows.adds is not None:
            yield from self._columns(f"{place}.adds", [rows.adds.to])
            yield from self._choice(f"{place}.adds.times", rows.adds.times)
        if rows.name:
            named: Mapping[str, Column | None] = theirs if pinned(other, rows) else dict.fromkeys(MANY)
            self.known |= {f"{rows.name}.{name}": column for name, column in named.items()}

    def _filter(self, place: str, chosen: Filter, other: Table) -> Iterator[str]:
        for key, match in chosen.matches.items():
            found = reference(other, key)
            table = self.tables[f"marts.{found[1]}"] if found else other
            column = next((c for c in table.columns if c.name == (found[2] if found else key)), None)
            if column is None:
                yield f"{place}, {key}: {other.name} has no such column, and refers to no dimension that has it."
            else:
                yield from _values(f"{place}, {key}", column, match.fixed)
            yield from self._columns(f"{place}, {key}", match.columns)

    def _record(self, place: str, record: Record) -> Iterator[str]:
        needed = [record.vintage, *([record.state] if record.state else []), *([record.adds.to] if record.adds else [])]
        if record.source is None:
            needed.append("source_id")
        for name, match in record.key.items():
            yield from self._columns(f"{place}.key.{name}", match.columns)
        yield from self._columns(place, needed)
        if record.name:
            self.known |= {f"{record.name}.{n}": None for n in ([TERMS] if record.lists else record.columns)}

    def _choice(self, place: str, choice: Choice[Any]) -> Iterator[str]:
        if choice.by:
            yield from self._columns(f"{place}, by", [choice.by])
            yield from _values(f"{place}, cases", self.own.get(choice.by), list(choice.cases))

    def _when(self, place: str, when: Mapping[str, Test]) -> Iterator[str]:
        yield from self._names(place, when)
        for name, test in when.items():
            yield from _values(f"{place}.{name}", self.known.get(name), test.fixed)

    def _file(self, place: str, file: str) -> Iterator[str]:
        if not (DBT_PROJECT / file).is_file():
            yield f"{place}: there is no file dbt_project/{file}."

    def _columns(self, place: str, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            if name not in self.own:
                yield f"{place}: {self.table.name} has no column {name}."

    def _names(self, place: str, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            if name not in self.known:
                yield f"{place}: {name} is no column of {self.table.name}, and no earlier step named it."


def _values(place: str, column: Column | None, values: Any) -> Iterator[str]:
    """A sentence for each value that the column can never have: the step would never be taken."""
    for value in values if isinstance(values, list) else [values]:
        if column and column.check and value is not None and value not in column.check:
            yield f"{place}: {column.name} is never {value!r}; it is one of {', '.join(column.check)}."
