"""Small releases written by hand: every table of the dictionary, filled with the few rows that a test is about.

What belongs here: the shape of a release on disk. What does not: expected results, and how a release is really built.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from pipelines.catalog.dictionary import Table, load_dictionary
from pipelines.core.files import write_json
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.releases.manifest import Manifest

Rows = dict[str, list[dict[str, Any]]]
_BLANK: dict[str, Any] = {
    "VARCHAR": "", "BOOLEAN": False, "INTEGER": 0, "BIGINT": 0, "DOUBLE": 0.0, "DATE": date(2020, 1, 1),
    "TIMESTAMP": datetime(2026, 1, 1),
}  # fmt: skip


def write_release(settings: Settings, release_id: str, rows: Rows, realm: Realm = "official") -> None:
    """A release with the given rows (``schema.table`` -> rows) and no others, built at the time its id says.

    A column that a row leaves out is null where it may be, else blank. The last release written is the current one.
    """
    folder = settings.releases / release_id
    folder.mkdir(parents=True)
    built = datetime.strptime(release_id[:15], "%Y%m%dT%H%M%S")
    connection = duckdb.connect(str(folder / "drugflow.duckdb"))
    connection.begin()
    for schema in ("marts", "history", "meta"):
        connection.execute(f"create schema {schema}")
    for table in _dictionary():
        if table.full_name != "meta.sources":
            fill(connection, table, rows.get(table.full_name, []))
    # Freshness ages in a real release; here it is what source_facts says in subject.
    connection.execute("create view meta.sources as select *, subject as freshness from meta.source_facts")
    connection.commit()
    connection.close()
    manifest = Manifest(
        release_id=release_id,
        realm=realm,
        origin="by hand",
        built_at=built.isoformat(),
        code_version="by hand",
        content_hash="",
        tables={},
    )
    write_json(folder / "manifest.json", manifest.model_dump())
    settings.current.unlink(missing_ok=True)
    settings.current.symlink_to(Path("releases") / release_id, target_is_directory=True)


@cache
def _dictionary() -> list[Table]:
    return load_dictionary()


def fill(connection: duckdb.DuckDBPyConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Create one table as the dictionary says, with the given rows."""
    columns = ", ".join(f'"{c.name}" {c.type}' for c in table.columns)
    connection.execute(f'create table {table.table_schema}."{table.name}" ({columns})')
    names = {c.name for c in table.columns}
    for row in rows:
        assert set(row) <= names, set(row) - names
        values = [row.get(c.name, None if c.nullable else _blank(c.type)) for c in table.columns]
        marks = ", ".join("?" for _ in values)
        connection.execute(f'insert into {table.table_schema}."{table.name}" values ({marks})', values)


def _blank(kind: str) -> Any:
    return [] if kind.endswith("[]") else _BLANK[kind]
