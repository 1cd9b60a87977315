"""Assembling a release: the analysts' database, its Parquet copies, its pages and its description.

What belongs here: copying finished tables into the contract's shape (dictionary) with comments. What
does not: computing figures (dbt), making the folder visible (publish).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from pipelines.catalog.dictionary import as_of_macros, dictionary_rows, load_dictionary
from pipelines.catalog.load import load_catalog
from pipelines.catalog.table import Table
from pipelines.core.errors import DrugflowError
from pipelines.core.problem import Problem
from pipelines.core.settings import Settings
from pipelines.core.types import SAMPLE, Realm
from pipelines.dbt.lineage import load_lineage
from pipelines.release.cautions import caution_rows, late_cautions_sql
from pipelines.release.content_hash import content_hash, table_hash
from pipelines.release.data_docs import data_docs
from pipelines.release.meta_tables import check_rows, freshness_sql, source_rows
from pipelines.release.package import write_datapackage
from pipelines.release.reconciliation import check_totals, reconciliation_rows, total_checks
from pipelines.status.account import read_account

T = TypeVar("T")
STORED = {"meta.source_facts": "sources", "meta.caution_facts": "cautions"}
"""Tables that are not exported, with the view that shows each as of the day on which it is read."""


def assemble(
    settings: Settings,
    realm: Realm,
    origin: str,
    folder: Path,
    release_id: str,
    now: datetime,
    code_version: str,
    build_state: dict[str, Any],
) -> Any:
    """Write everything of a release below ``folder`` and return its Manifest.

    Raises DrugflowError where the build lacks a table, breaks the contract, or a published total that
    must hold does not.
    """
    from pipelines.releases.manifest import Manifest

    folder.mkdir(parents=True)
    mark = f"{SAMPLE}. " if realm == "sample" else ""
    accounts = [read_account(settings, realm, s) for s in load_catalog().values()]
    dictionary, lineage = load_dictionary(), load_lineage()
    connection = duckdb.connect(str(folder / "drugflow.duckdb"))
    try:
        connection.execute("set autoinstall_known_extensions = false; set preserve_insertion_order = true")
        connection.execute(f"attach '{settings.stage('build', realm) / 'drugflow.duckdb'}' as build (read_only)")
        # In transactions: hundreds of comments and rows, written one by one, would each wait for the disk.
        connection.execute("begin transaction")
        for schema in ("marts", "history", "meta"):
            connection.execute(f"create schema {schema}")
        origins = {"dbt": 'build.marts."{name}"', "history": f"read_parquet('{_history(settings, realm)}')"}
        copied = [t for t in dictionary if t.made_by in origins]
        for table in copied:
            _create(connection, table, mark)
        connection.execute("commit")
        _side_by_side(connection, copied, lambda c, t: _copy(c, t, origins[t.made_by].format(name=t.name)))
        _macros(connection, as_of_macros(dictionary), mark)
        connection.execute("detach build")
        connection.execute("begin transaction")
        by_name = {t.name: t for t in dictionary if t.made_by == "release"}
        _fill(connection, by_name["source_facts"], source_rows(accounts, lineage), mark)
        _fill(connection, by_name["vintages"], [v for a in accounts for v in a.vintages], mark)
        _fill(connection, by_name["dictionary"], dictionary_rows(dictionary), mark)
        without_mexico = _without_mexico(connection, dictionary)
        cautions = caution_rows(realm, accounts, lineage, without_mexico)
        _fill(connection, by_name["caution_facts"], cautions, mark)
        totals = check_totals(connection, realm, settings.as_of)
        checks = check_rows(accounts, build_state, total_checks(totals))
        if failed := [c["check_name"] for c in checks if c["stage"] == "golden" and not c["passed"]]:
            raise DrugflowError("published_totals_do_not_hold", totals=failed)
        _fill(connection, by_name["checks"], checks, mark)
        _fill(connection, by_name["reconciliation"], reconciliation_rows(totals), mark)
        _views(connection, by_name, mark, freshness_sql(realm, settings.today))
        connection.execute("commit")
        changing = {"meta.release", *(f"meta.{view}" for view in STORED.values())}
        hashed = [t for t in dictionary if t.full_name not in changing]
        found = _side_by_side(connection, hashed, lambda c, t: table_hash(c, t.table_schema, t.name))
        tables = {f"{t.table_schema}.{t.name}": value for t, value in zip(hashed, found, strict=True)}
        overall = content_hash({name: value for name, (_, value) in tables.items()})
        release = {
            "release_id": release_id,
            "built_at": now.replace(tzinfo=None),
            "realm": realm,
            "origin": origin,
            "is_sample": realm == "sample",
            "code_version": code_version,
            "content_hash": overall,
            "rehearsed_day": settings.today,
        }
        _fill(connection, by_name["release"], [release], mark)
        exported = [t for t in dictionary if t.full_name not in STORED]
        _side_by_side(connection, exported, lambda c, t: _export(c, t, folder / "parquet", realm, release_id))
        counts = {f"{t.table_schema}.{t.name}": _count(connection, t) for t in exported}
    finally:
        connection.close()
    data_docs(settings, realm, accounts, folder / "data_docs")
    write_datapackage(folder, exported, counts, release)
    return Manifest(
        release_id=release_id,
        realm=realm,
        origin=origin,
        built_at=now.isoformat(timespec="seconds"),
        code_version=code_version,
        content_hash=overall,
        tables={name: {"rows": rows, "hash": value} for name, (rows, value) in tables.items()},
        held=[
            Problem.of("vintage_held", source=v.source, vintage=v.archive_id, found=v.holding)
            for a in accounts
            for v in a.held
            if not v.retracted
        ],
        failed_checks=sorted({c["check_name"] for c in checks if not c["passed"]}),
        rehearsed_day=settings.today.isoformat() if settings.today else None,
    )


def _history(settings: Settings, realm: Realm) -> str:
    return f"{settings.stage('history', realm)}/{{name}}.parquet"


def _create(connection: duckdb.DuckDBPyConnection, table: Table, mark: str) -> None:
    columns = ", ".join(f'"{c.name}" {c.type}{"" if c.nullable else " not null"}' for c in table.columns)
    connection.execute(f'create table {table.table_schema}."{table.name}" ({columns})')
    _comment(connection, table, "table", mark)


def _comment(connection: duckdb.DuckDBPyConnection, table: Table, kind: str, mark: str) -> None:
    name = f'{table.table_schema}."{table.name}"'
    connection.execute(f"comment on {kind} {name} is {_quoted(mark + table.en)}")
    for column in table.columns:
        connection.execute(f'comment on column {name}."{column.name}" is {_quoted(column.comment)}')


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _copy(connection: duckdb.DuckDBPyConnection, table: Table, origin: str) -> None:
    """Copy rows sorted by the grain, so that two builds of equal content are equal files of rows."""
    names = ", ".join(f'"{c.name}"' for c in table.columns)
    order = ", ".join(f'"{g}"' for g in table.grain)
    try:
        connection.execute(
            f'insert into {table.table_schema}."{table.name}" ({names}) select {names} from {origin} order by {order}'
        )
    except duckdb.Error as error:
        name = f"{table.table_schema}.{table.name}"
        raise DrugflowError("contract_broken", table=name, why=str(error)) from error


def _fill(connection: duckdb.DuckDBPyConnection, table: Table, rows: list[dict[str, Any]], mark: str) -> None:
    _create(connection, table, mark)
    if not rows:
        return
    names = [c.name for c in table.columns]
    row = "(" + ", ".join(f"cast(? as {c.type})" for c in table.columns) + ")"
    for some in (rows[i : i + 100] for i in range(0, len(rows), 100)):
        connection.execute(
            f'insert into {table.table_schema}."{table.name}" values {", ".join([row] * len(some))}',
            [r[n] for r in some for n in names],
        )


def _macros(connection: duckdb.DuckDBPyConnection, facts: dict[str, str], mark: str) -> None:
    """The as-of macros, as the build defined them."""
    found = connection.execute(
        "select function_name, parameters, macro_definition from duckdb_functions() "
        "where database_name = 'build' and schema_name = 'main' and function_type = 'table_macro' order by 1"
    ).fetchall()
    for name, parameters, definition in found:
        connection.execute(f"create macro main.{name}({', '.join(parameters)}) as table {definition}")
        if name not in facts:
            continue
        text = (
            f"marts.{facts[name]} as it was known on a date, from the vintages published until then: "
            f"select * from {name}(date '2024-05-01'). / marts.{facts[name]} como se conocía en una fecha."
        )
        connection.execute(f"comment on macro table main.{name} is {_quoted(mark + text)}")


def _without_mexico(connection: duckdb.DuckDBPyConnection, dictionary: list[Table]) -> list[str]:
    """Tables of figures by jurisdiction of which no row is about Mexico."""
    query = "select count(*) = 0 from {} where jurisdiction_id like 'MX%'"
    by_place = [t for t in dictionary if "jurisdiction_id" in t.grain and t.name != "dim_jurisdiction"]
    found = (t.name for t in by_place if connection.execute(query.format(t.full_name)).fetchall() == [(True,)])
    return sorted(set(found))


def _views(connection: duckdb.DuckDBPyConnection, by_name: dict[str, Table], mark: str, freshness: str) -> None:
    """A release ages without a build: what is late is computed when it is read, in a rehearsal on its day."""
    names = [c.name for c in by_name["sources"].columns]
    columns = ", ".join(f"{freshness} as freshness" if n == "freshness" else f'"{n}"' for n in names)
    connection.execute(f"create view meta.sources as select {columns} from meta.source_facts")
    late = late_cautions_sql(freshness)
    connection.execute(f"create view meta.cautions as select * from meta.caution_facts union all {late}")
    for view in STORED.values():
        _comment(connection, by_name[view], "view", mark)


def _export(connection: duckdb.DuckDBPyConnection, table: Table, folder: Path, realm: Realm, release_id: str) -> None:
    path = folder / table.table_schema / f"{table.name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    marks = f"{{drugflow_realm: '{realm}', drugflow_release: '{release_id}'}}"
    connection.execute(
        f"copy (select * from {table.table_schema}.\"{table.name}\") to '{path}' "
        f"(format parquet, compression zstd, kv_metadata {marks})"
    )


def _side_by_side(
    connection: duckdb.DuckDBPyConnection, tables: list[Table], work: Callable[[duckdb.DuckDBPyConnection, Table], T]
) -> list[T]:
    """work on each table, several at once: DuckDB gives a small or sorted table one core only."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        return list(threads.map(lambda table: work(connection.cursor(), table), tables))


def _count(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    row = connection.execute(f'select count(*) from {table.table_schema}."{table.name}"').fetchone()
    return int(row[0]) if row else 0
