"""What each released table is built from, and what follows: the tables that a caution is about.

What belongs here: questions about lineage. What does not: reading it from dbt's manifest (dbt.lineage).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from pipelines.catalog.caution import Reach, Trap
from pipelines.catalog.source import Source
from pipelines.catalog.table import Table
from pipelines.core.errors import DrugflowError

DIMENSION = "dim_"
"""How the name of a dimension begins: it says what ids mean and has no figures."""


@dataclass(frozen=True)
class Lineage:
    """tables: every released table by name, in the dictionary's order. above: the sources and marts that each is built
    from, at any distance, but not through a dimension.
    """

    tables: Mapping[str, Table]
    above: Mapping[str, Set[str]]

    def sources(self, table: str) -> list[str]:
        """Sources whose figures are in a released table, by id."""
        return sorted(name for name in self.above.get(table, ()) if self._is_history(name))

    def only_source(self, table: str) -> str | None:
        """The source of a table that has figures of one alone."""
        found = self.sources(table)
        return found[0] if len(found) == 1 else None

    def built_from(self, name: str) -> list[str]:
        """Marts with figures of a source or of a mart, this one among them, in the dictionary's order.

        Raises DrugflowError where there is no such source or mart.
        """
        if name not in self.tables:
            raise DrugflowError(f"There is no source and no mart {name!r} that a table could be built from.")
        return [
            t.name
            for t in self.tables.values()
            if t.table_schema == "marts"
            and not t.name.startswith(DIMENSION)
            and (name in self.above.get(t.name, ()) or t.name == name)
        ]

    def reached(self, rule: Reach, source: str) -> list[str]:
        """Tables that a caution of a source is about, in the dictionary's order.

        A source without a mart has its history alone. Raises DrugflowError where the rule names a table that there is
        not, or reaches none.
        """
        found = set(self.built_from(rule.built_from or source)) or {rule.built_from or source}
        if rule.column:
            found = {t for t in found if any(c.name == rule.column for c in self.tables[t].columns)}
        if unknown := sorted({*rule.also, *rule.but} - self.tables.keys()):
            raise DrugflowError(f"A caution of {source} names {', '.join(unknown)}, which is no released table.")
        found = (found | {*rule.also}) - {*rule.but}
        if not found:
            raise DrugflowError(f"A caution of {source} is about no table: {rule.model_dump(exclude_defaults=True)}.")
        return [name for name in self.tables if name in found]

    def cautions(self, source: Source) -> list[tuple[Trap, list[str]]]:
        """The traps of a source with their tables: those that it tells, then those of tables that name it."""
        told = [(c, self.reached(c.tables, source.id)) for c in source.cautions]
        return [*told, *self.own_cautions(source.id)]

    def own_cautions(self, source: str | None) -> list[tuple[Trap, list[str]]]:
        """The traps that table files tell of a source, or of none, each with its table and what is built from it."""
        return [(c, self.built_from(t.name)) for t in self.tables.values() for c in t.cautions if c.source == source]

    def concerned(self, source: Source) -> list[str]:
        """Tables that a caution about a source as a whole is about, by name: its history, the tables that have figures
        of it alone, and those of its cautions.
        """
        own = {name for name in self.tables if self.only_source(name) == source.id}
        return sorted(own.union(*(tables for _, tables in self.cautions(source))))

    def _is_history(self, name: str) -> bool:
        return name in self.tables and self.tables[name].table_schema == "history"


def lineage_of(tables: Iterable[Table], parents: Mapping[str, Iterable[str]], sources: Set[str]) -> Lineage:
    """The lineage of the dictionary's tables.

    parents: what each model stands on directly, models, seeds and sources by name; sources: the ids of sources.
    """
    named = {t.name: t for t in tables}
    above: dict[str, Set[str]] = {}
    for name, table in named.items():
        if name in sources:
            above[name] = {name}
            continue
        found = _above(name, parents, set())
        above[name] = {n for n in found if n in sources or (n in named and named[n].table_schema == "marts")}
        above[name] |= {*table.built_from}
    return Lineage(named, above)


def _above(name: str, parents: Mapping[str, Iterable[str]], seen: set[str]) -> set[str]:
    for parent in parents.get(name, ()):
        if parent not in seen:
            seen.add(parent)
            if not parent.startswith(DIMENSION):
                _above(parent, parents, seen)
    return seen
