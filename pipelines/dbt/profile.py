"""What the build file holds after dbt: rows, newest period, vintage, and what changed since the last build.

What belongs here: reading finished tables cheaply, comparing with the profile stored by the last build.
What does not: dbt (dbt), Dagster's words for it (show).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
from pydantic import BaseModel

from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_json, write_json

_LOCKED = "set lock on file"

STORED = "profiles.json"
PERIODS = ("month_ending", "month", "year", "fiscal_year")
# A new vintage moves this date on every row that it covers, also where no figure changed.
_MOVES_ALONE = "vintage"


class Profile(BaseModel):
    """One table. filled: cells that are not null, by column; parts: year -> rows and a sum of row hashes.

    A table without a period has one part, all.
    """

    rows: int
    newest: str | None = None
    vintage: str | None = None
    columns: dict[str, str] = {}
    filled: dict[str, int] = {}
    parts: dict[str, tuple[int, str]] = {}

    @property
    def rows_by_year(self) -> dict[str, int]:
        """Rows of each year; empty for a table without a period."""
        return {part: rows for part, (rows, _) in self.parts.items() if part != "all"}

    def change(self, before: Profile | None) -> str:
        """What differs from an earlier profile, as a sentence."""
        if before is None:
            return "Built for the first time."
        if self.columns != before.columns:
            return "The columns changed."
        if self.parts == before.parts:
            return "Nothing changed."
        if bool(self.rows_by_year) != bool(before.rows_by_year) and self.rows and before.rows:
            return "Not comparable: the build before was not counted by year."
        sentence = "The figures changed"
        if self.rows != before.rows:
            sentence = f"{self.rows - before.rows:+,} rows, {before.rows:,} before; figures changed"
        parts = sorted(p for p in {*self.parts, *before.parts} if self.parts.get(p) != before.parts.get(p))
        return f"{sentence} in {', '.join(parts)}." if parts != ["all"] else f"{sentence}."


def wait_until_closed(build: Path, timeout: float) -> None:
    """Wait until no other process has the build file open.

    A killed run may leave its dbt behind for some seconds. Raises DrugflowError where it stays open or is damaged.
    """
    path = build / "drugflow.duckdb"
    end = time.monotonic() + timeout
    while True:
        try:
            duckdb.connect(str(path)).close()
            return
        except duckdb.IOException as error:
            said = str(error).splitlines()[0]
            # DuckDB has one class of error for both, so its own words tell a file that another process holds.
            if _LOCKED not in said:
                raise DrugflowError("build_file_unreadable", file=path, why=said) from error
            if time.monotonic() > end:
                raise DrugflowError("build_file_is_open", file=path, why=said) from error
            time.sleep(0.2)


def read_profiles(build: Path, tables: Iterable[tuple[str, str]]) -> dict[str, Profile]:
    """Profiles of the given (schema, table) that exist, by schema.table."""
    with duckdb.connect(str(build / "drugflow.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select schema_name, table_name, list(column_name order by column_index), "
            "list(data_type order by column_index), any_value(table_name in (select view_name from duckdb_views())) "
            "from duckdb_columns() where database_name = current_database() group by all"
        ).fetchall()
        wanted = set(tables)
        return {
            **_macros(connection, wanted),
            **{
                f"{schema}.{name}": _profile(
                    connection, f'"{schema}"."{name}"', dict(zip(names, kinds, strict=True)), view
                )
                for schema, name, names, kinds, view in found
                if (schema, name) in wanted
            },
        }


def _macros(connection: duckdb.DuckDBPyConnection, wanted: set[tuple[str, str]]) -> dict[str, Profile]:
    """Table macros of a date, as they read today. They are in schema main, whatever their model says."""
    names = "select distinct function_name from duckdb_functions() where function_type = 'table_macro'"
    found = {name for (name,) in connection.execute(names).fetchall()}
    profiles = {}
    for schema, name in sorted(wanted):
        if name in found:
            table = f'main."{name}"(current_date)'
            columns = connection.execute(f"describe from {table}").fetchall()
            profiles[f"{schema}.{name}"] = _profile(connection, table, {c[0]: c[1] for c in columns}, False)
    return profiles


def _profile(connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str], is_view: bool) -> Profile:
    """One pass over a table. Views over the histories are counted, not hashed: the history shows their changes."""
    period = next((p for p in PERIODS if p in columns), None)
    dated = next((c for c in ("vintage", "first_vintage") if columns.get(c) == "DATE"), None)
    part = "'all'" if period is None else f"cast({_year(period, columns[period])} as varchar)"
    hashed = [_exact(name, kind) for name, kind in columns.items() if name != _MOVES_ALONE]
    content = "''" if is_view else f"cast(sum(cast(hash({', '.join(hashed)}) as hugeint)) as varchar)"
    newest = f"cast(max({period}) as varchar)" if period else "null"
    vintage = f"cast(max({dated}) as varchar)" if dated else "null"
    filled = ", ".join(f'count("{name}")' for name in columns)
    rows: list[tuple[Any, ...]] = connection.execute(
        f"select {part}, count(*), {content}, {newest}, {vintage}, [{filled}] from {table} group by 1 order by 1"
    ).fetchall()
    return Profile(
        rows=sum(r[1] for r in rows),
        newest=max((r[3] for r in rows if r[3]), default=None),
        vintage=max((r[4] for r in rows if r[4]), default=None),
        columns=columns,
        filled=dict(zip(columns, (sum(counts) for counts in zip(*(r[5] for r in rows), strict=True)), strict=False)),
        parts={r[0] or "no period": (r[1], r[2]) for r in rows},
    )


def _year(column: str, kind: str) -> str:
    return f"year({column})" if kind in ("DATE", "TIMESTAMP") else column


def _exact(column: str, kind: str) -> str:
    """Doubles as published tables are compared: noise in the last digits is no change."""
    return f'round("{column}", 6)' if kind == "DOUBLE" else f'"{column}"'


def stored_profiles(build: Path) -> dict[str, Profile]:
    """Profiles of the builds before, by schema.table."""
    return {name: Profile.model_validate(raw) for name, raw in (read_json(build / STORED) or {}).items()}


def store_profiles(build: Path, profiles: dict[str, Profile]) -> None:
    """Remember profiles for the next build."""
    write_json(build / STORED, {name: p.model_dump() for name, p in profiles.items()})
