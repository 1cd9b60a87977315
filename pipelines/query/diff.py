"""Comparing two releases: new periods, revised and withdrawn figures, checks, vintages and freshness.

What belongs here: the comparison, as queries over both files. What does not: its words (difference).

A fact is a table of the schema marts with source_id, vintage and first_vintage; rows are matched on the grain that the
dictionary names. A figure counts as revised beyond the tolerance that its source's YAML declares.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.catalog.dictionary import load_dictionary
from pipelines.catalog.load import load_catalog
from pipelines.catalog.table import Column, Table
from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.dbt.lineage import load_lineage
from pipelines.query.difference import (
    CheckChange,
    Difference,
    Example,
    FreshnessChange,
    Period,
    RowChange,
    TableDifference,
    VintageChange,
)
from pipelines.releases.manifest import Manifest, current_manifest, kept_releases, nothing_to_open, releases

PROVENANCE = ("source_id", "vintage", "first_vintage")
SHOWN = 5
KG_PER_LB = 0.45359237
SAME_DIGITS = 1e-9
"""Relative difference below which two computed doubles are one figure, as in a release's content hash."""


def diff(settings: Settings, a: str, b: str, limit: int = SHOWN) -> Difference:
    """What changed from release a to release b, each an id, ``current`` or ``previous``.

    limit: examples shown for each kind of change of a table; counts are exact.

    Raises DrugflowError where there is no such release, its database is gone, or one of the two is a sample and the
    other is not.
    """
    first, second = _release(settings, a), _release(settings, b)
    if first.realm != second.realm:
        ids = {"first": first.release_id, "second": second.release_id}
        raise DrugflowError("releases_of_two_realms", **ids, realm=first.realm, other=second.realm)
    difference = Difference(a=first.release_id, b=second.release_id, realm=first.realm)
    if first.release_id == second.release_id:
        return difference
    connection = duckdb.connect()
    try:
        for alias, manifest in (("a", first), ("b", second)):
            path = settings.releases / manifest.release_id / "drugflow.duckdb"
            if not path.exists():
                raise DrugflowError("database_of_release_gone", file=path)
            connection.execute(f"attach {_quoted(path)} as {alias} (read_only)")
        _compare_tables(connection, difference, limit)
        difference.checks = _checks(connection)
        difference.vintages = _vintages(connection)
        difference.freshness = _freshness(connection)
    finally:
        connection.close()
    return difference


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _release(settings: Settings, word: str) -> Manifest:
    """The manifest of a kept release; previous is the one before the current, of the same realm."""
    kept = releases(settings)
    current = current_manifest(settings)
    if current is None or not kept:
        raise nothing_to_open(settings)
    if word == "current":
        return current
    if word == "previous":
        before = [m for m in kept if m.realm == current.realm and m.order < current.order]
        if not before:
            told = {"realm": current.realm, "release": current.release_id}
            raise DrugflowError("no_release_before", **told, kept=kept_releases(kept))
        return before[-1]
    chosen = next((m for m in kept if m.release_id == word), None)
    if chosen is None:
        raise DrugflowError("no_release_to_compare", word=word, kept=kept_releases(kept))
    return chosen


@dataclass(frozen=True)
class _Shape:
    """A fact as both releases have it. values and notes: column -> tolerance, where it is a number."""

    table: Table
    values: dict[str, float | None]
    notes: dict[str, float | None]
    provenance: list[str]
    new: list[str]
    dropped: list[str]

    @property
    def period(self) -> str:
        """The column of the grain that is a month or a year."""
        types = {c.name: c.type for c in self.table.columns}
        return next((g for g in self.table.grain if types[g] == "DATE"), "year")


def _compare_tables(connection: duckdb.DuckDBPyConnection, difference: Difference, limit: int) -> None:
    columns = {alias: _columns(connection, alias) for alias in ("a", "b")}
    known = [t for t in load_dictionary() if t.table_schema == "marts"]
    difference.new_tables = [t.name for t in known if t.name in columns["b"] and t.name not in columns["a"]]
    difference.dropped_tables = sorted(set(columns["a"]) - set(columns["b"]))
    for table in known:
        old, new = columns["a"].get(table.name), columns["b"].get(table.name)
        if old and new and set(PROVENANCE) <= set(old) & set(new):
            difference.tables.append(_compare(connection, _shape(table, old, new), limit))


def _columns(connection: duckdb.DuckDBPyConnection, alias: str) -> dict[str, list[str]]:
    found = connection.execute(
        "select table_name, list(column_name order by column_index) from duckdb_columns() "
        "where database_name = ? and schema_name = 'marts' group by table_name",
        [alias],
    ).fetchall()
    return dict(found)


def _shape(table: Table, old: list[str], new: list[str]) -> _Shape:
    source = load_catalog().get(load_lineage().only_source(table.name) or "")
    declared = {c.name: c for c in source.frame} if source else {}
    values: dict[str, float | None] = {}
    notes: dict[str, float | None] = {}
    for column in table.columns:
        if column.name in (*table.grain, *PROVENANCE) or column.name not in set(old) & set(new):
            continue
        said = declared.get(column.name)
        if said is not None:
            is_value, tolerance = said.role == "value", said.tolerance
        elif column.name == "quantity_kg" and "quantity_lb" in declared:
            is_value, tolerance = True, declared["quantity_lb"].tolerance * KG_PER_LB
        else:
            is_value, tolerance = _measures(column), 0.0
        (values if is_value else notes)[column.name] = tolerance if column.type == "DOUBLE" else None
    return _Shape(
        table, values, notes, list(PROVENANCE), [c for c in new if c not in old], [c for c in old if c not in new]
    )


def _measures(column: Column) -> bool:
    """Whether a column that is not its source's own carries a figure: not a flag, nor what follows from the key."""
    return column.type != "BOOLEAN" and column.name != "fiscal_year"


def _differs(name: str, tolerance: float | None) -> str:
    old, new = f'"old {name}"', f'"new {name}"'
    if tolerance is None:
        return f"{old} is distinct from {new}"
    allowed = f"greatest({tolerance!r}, {SAME_DIGITS!r} * abs({old}))"
    return f"({old} is null) <> ({new} is null) or coalesce(abs({old} - {new}) > {allowed}, false)"


def _compare(connection: duckdb.DuckDBPyConnection, shape: _Shape, limit: int) -> TableDifference:
    """Full outer join on the grain; only rows that differ are kept, in the temporary table changed."""
    name, grain = shape.table.name, shape.table.grain
    compared = {**shape.values, **shape.notes}
    sides = {side: f'(select *, true as "in {side}" from {side}.marts."{name}")' for side in ("a", "b")}
    pairs = [f'a."{c}" as "old {c}", b."{c}" as "new {c}"' for c in (*compared, *shape.provenance)]
    flags = [f'({_differs(c, tolerance)}) as "differs {c}"' for c, tolerance in compared.items()]
    keys = ", ".join(f'"{g}"' for g in grain)
    connection.execute(
        f"""
        create or replace temp table changed as
        with joined as (
            select {keys}, "in a", "in b", {", ".join(pairs)}
            from {sides["a"]} as a full join {sides["b"]} as b using ({keys})
        ),
        flagged as (select *, {", ".join(flags)} from joined),
        judged as (
            select *, case
                when "in a" is null then 'added'
                when "in b" is null then 'removed'
                when {_withdrawn(compared)} then 'withdrawn'
                when {_any(f'"differs {c}"' for c in shape.values)} then 'revised'
                when {_any(f'"differs {c}"' for c in shape.notes)} then 'annotated'
                when {_any(_differs(c, None) for c in shape.provenance)} then 'vintage_only'
            end as what
            from flagged
        )
        select * from judged where what is not null
        """
    )
    found = TableDifference(
        table=name,
        rows_a=_count(connection, f'select count(*) from a.marts."{name}"'),
        rows_b=_count(connection, f'select count(*) from b.marts."{name}"'),
        new_periods=_periods(connection, shape, "b", "a"),
        dropped_periods=_periods(connection, shape, "a", "b"),
        new_columns=shape.new,
        dropped_columns=shape.dropped,
    )
    counts: dict[RowChange, int] = dict(
        connection.execute("select what, count(*) from changed group by what").fetchall()
    )
    found.added_rows = counts.get("added", 0) - sum(p.rows for p in found.new_periods)
    found.removed_rows = counts.get("removed", 0) - sum(p.rows for p in found.dropped_periods)
    found.withdrawn_rows = counts.get("withdrawn", 0)
    found.revised_rows = counts.get("revised", 0)
    found.annotated_rows = counts.get("annotated", 0)
    found.vintage_only_rows = counts.get("vintage_only", 0)
    found.revised = _by_column(connection, "revised", list(shape.values)) if found.revised_rows else {}
    found.annotated = _by_column(connection, "annotated", list(shape.notes)) if found.annotated_rows else {}
    found.examples = _examples(connection, shape, counts, limit)
    return found


def _any(conditions: Iterable[str]) -> str:
    return " or ".join(f"({c})" for c in conditions) or "false"


def _withdrawn(compared: dict[str, float | None]) -> str:
    """A seizure that became a filled zero, or deaths that are missing because a newer vintage lacks them."""
    conditions = []
    if "is_filled" in compared:
        conditions.append('not "old is_filled" and "new is_filled"')
    if "missing_reason" in compared:
        conditions.append(
            "\"new missing_reason\" = 'withdrawn' and \"old missing_reason\" is distinct from 'withdrawn'"
        )
    return f"coalesce({_any(conditions)}, false)"


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _periods(connection: duckdb.DuckDBPyConnection, shape: _Shape, has: str, lacks: str) -> list[Period]:
    name, period = shape.table.name, shape.period
    found = connection.execute(
        f'select "{period}", count(*) from {has}.marts."{name}" as has '
        f'where not exists (from {lacks}.marts."{name}" as lacks where lacks."{period}" = has."{period}") '
        "group by 1 order by 1"
    ).fetchall()
    return [Period(period=p, rows=rows) for p, rows in found]


def _by_column(connection: duckdb.DuckDBPyConnection, what: str, columns: list[str]) -> dict[str, int]:
    counts = ", ".join(f'count(*) filter ("differs {c}")' for c in columns)
    row = connection.execute(f"select {counts} from changed where what = '{what}'").fetchone() if columns else None
    return {c: count for c, count in zip(columns, row or (), strict=True) if count}


def _examples(
    connection: duckdb.DuckDBPyConnection, shape: _Shape, changes: dict[RowChange, int], limit: int
) -> list[Example]:
    """Rows that one release lacks in the order of the key; else the largest changes of each column.

    changes: kinds of change that there are.
    """
    grain = shape.table.grain
    keys = ", ".join(f'"{g}"' for g in grain)
    numbers = {c.name for c in shape.table.columns if c.type in ("INTEGER", "BIGINT", "DOUBLE")}
    examples: list[Example] = []

    def add(what: RowChange, condition: str, order: str = "", column: str | None = None) -> None:
        figures = f'"old {column}", "new {column}"' if column else "null, null"
        rows = connection.execute(
            f"select {keys}, {figures} from changed where what = '{what}' and {condition} "
            f"order by {order}{keys} limit {int(limit)}"
        ).fetchall()
        for *key, old, new in rows:
            examples.append(Example(what=what, key=dict(zip(grain, key, strict=True)), column=column, old=old, new=new))

    one_sided: tuple[tuple[RowChange, str], ...] = (("added", "a"), ("removed", "b"))
    for what, other in one_sided:
        if changes.get(what):
            add(what, f'"{shape.period}" in (select "{shape.period}" from {other}.marts."{shape.table.name}")')
    both: tuple[RowChange, ...] = ("withdrawn", "revised")
    for what in both:
        for column in _by_column(connection, what, list(shape.values)) if changes.get(what) else ():
            if column == "quantity_kg" and "quantity_lb" in shape.values:
                continue  # the same change again
            old, new = f'"old {column}"', f'"new {column}"'
            # A figure that came or went has no size of change; it stands first.
            order = f"({old} is null or {new} is null) desc, abs({new} - {old}) desc, " if column in numbers else ""
            add(what, f'"differs {column}"', order, column)
    return examples


def _checks(connection: duckdb.DuckDBPyConnection) -> list[CheckChange]:
    """Checks that turned, and failures of checks that a does not have; ordered by stage, source, vintage and name."""
    found = connection.execute(
        """
        select
            case
                when a.check_name is null then 'new_failure'
                when b.passed then 'turned_passed'
                else 'turned_failed'
            end,
            b.stage, b.source_id, b.vintage, b.check_name, b.severity, b.failing_rows, b.detail
        from b.meta.checks as b
        left join a.meta.checks as a
            on b.stage = a.stage and b.check_name = a.check_name
            and b.source_id is not distinct from a.source_id and b.vintage is not distinct from a.vintage
        where (a.check_name is null and not b.passed) or a.passed <> b.passed
        order by b.stage, b.source_id nulls first, b.vintage nulls first, b.check_name
        """
    ).fetchall()
    names = ("what", "stage", "source_id", "vintage", "check_name", "severity", "failing_rows", "detail")
    return [CheckChange(**dict(zip(names, row, strict=True))) for row in found]


def _vintages(connection: duckdb.DuckDBPyConnection) -> list[VintageChange]:
    """Vintages newly accepted or held, or no longer there."""
    found = connection.execute(
        """
        select source_id, vintage, archive_id, a.state, b.state, b.problem
        from a.meta.vintages as a full join b.meta.vintages as b using (source_id, vintage, archive_id)
        where a.state is distinct from b.state
        order by source_id, vintage, archive_id
        """
    ).fetchall()
    names = ("source_id", "vintage", "archive_id", "was", "now", "problem")
    return [VintageChange(**dict(zip(names, row, strict=True))) for row in found]


def _freshness(connection: duckdb.DuckDBPyConnection) -> list[FreshnessChange]:
    """Freshness of each source as both releases say it today."""
    found = connection.execute(
        """
        select source_id, a.freshness, b.freshness
        from a.meta.sources as a full join b.meta.sources as b using (source_id)
        where a.freshness is distinct from b.freshness
        order by source_id
        """
    ).fetchall()
    return [FreshnessChange(source_id=s, was=was, now=now) for s, was, now in found]
