"""The current release as explain reads it: rows as mappings, vintages, states of a key.

What belongs here: queries that several rooms of explain need. What does not: what a figure is made of (recipes).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.catalog.dictionary import load_dictionary
from pipelines.catalog.load import get_source
from pipelines.catalog.source import Source
from pipelines.catalog.table import Table
from pipelines.core.settings import Settings
from pipelines.query.explain.answer import State
from pipelines.query.session import Session

Row = dict[str, Any]


@dataclass(frozen=True)
class ReleasedVintage:
    """A vintage that the release took in. sha256: file name -> checksum that the release recorded."""

    source: str
    vintage: date
    archive_id: str
    rejected: int
    sha256: dict[str, str]


class Current:
    """The open release and the installation it belongs to. checksums: archived files verified so far."""

    def __init__(self, settings: Settings, session: Session) -> None:
        self.settings = settings
        self.session = session
        self.checksums: dict[Path, str] = {}
        self._vintages: dict[str, list[ReleasedVintage]] = {}

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Tables that this release has, by schema and name, such as marts.dim_drug."""
        there = self.rows("select concat_ws('.', table_schema, table_name) as name from information_schema.tables")
        names = {r["name"] for r in there}
        return {t.full_name: t for t in load_dictionary() if t.full_name in names}

    def rows(self, query: str, values: list[Any] | None = None) -> list[Row]:
        """All rows of a query; values fill its question marks."""
        found = self.session.connection.execute(query, values or [])
        names = [d[0] for d in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def facts(self, table: Table, key: Row) -> list[Row]:
        """Rows of a table with the given values, in the order of its grain."""
        where = " and ".join(f'"{name}" = ?' for name in key) or "true"
        order = ", ".join(f'"{g}"' for g in table.grain)
        return self.rows(f"select * from {quoted(table)} where {where} order by {order}", list(key.values()))

    def vintages(self, source_id: str) -> list[ReleasedVintage]:
        """Vintages of a source that were not held back, oldest first."""
        if source_id not in self._vintages:
            self._vintages[source_id] = [
                ReleasedVintage(
                    source_id,
                    row["vintage"],
                    row["archive_id"],
                    row["rejected"],
                    dict(zip(row["files"], row["sha256"], strict=True)),
                )
                for row in self.rows(
                    "select vintage, archive_id, rejected, files, sha256 from meta.vintages "
                    "where source_id = ? and state <> 'held' order by vintage, archive_id",
                    [source_id],
                )
            ]
        return self._vintages[source_id]

    def states(self, source_id: str, key: Row) -> list[State]:
        """Every state of one key in history.<source>, oldest first."""
        source = get_source(source_id)
        where = " and ".join(f'"{name}" = ?' for name in key)
        found = self.rows(
            f'select * from history."{source_id}" where {where} order by first_vintage', list(key.values())
        )
        return [_state(source, row) for row in found]


def quoted(table: Table) -> str:
    """Schema and name for a query."""
    return f'{table.table_schema}."{table.name}"'


def _state(source: Source, row: Row) -> State:
    kept = ("change", "value_vintage", "first_vintage", "last_vintage", "replaced_vintage")
    return State(
        source=source.id,
        key={k: row[k] for k in source.key},
        values={name: row[name] for name in source.names("value", "annotation")},
        excerpt_vintages=row["excerpt_vintages"] or [],
        **{name: row[name] for name in kept},
    )
