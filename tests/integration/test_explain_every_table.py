"""Explain answers for rows of every table of the dictionary, or says why there is nothing to explain."""

from __future__ import annotations

import shlex
from typing import Any

import duckdb
import pytest

from pipelines.catalog.dictionary import load_dictionary
from pipelines.catalog.table import Table
from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.query.explain import explain

TABLES = load_dictionary()


def ends(settings: Settings, table: Table) -> list[dict[str, Any]]:
    """The first and the last row of a released table, in the order of its grain."""
    order = [f'"{g}"' for g in table.grain]
    query = f'select * from {table.table_schema}."{table.name}" order by {{}} limit 1'
    rows = []
    with duckdb.connect(str(settings.current.resolve() / "drugflow.duckdb"), read_only=True) as release:
        for way in ("asc", "desc"):
            found = release.execute(query.format(", ".join(f"{o} {way}" for o in order)))
            rows += [dict(zip([d[0] for d in found.description], row, strict=True)) for row in found.fetchall()]
    return rows


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.full_name)
def test_a_row_of_every_table_is_explained(sample_release: Settings, table: Table) -> None:
    recipe = table.explain
    assert recipe is not None, (
        f"{table.full_name} has no explain recipe. Write the key explain into {table.name}.table.yml: steps that say "
        "which rows, records or seeds one of its rows comes from, or not_explained with the reason. "
        "pipelines/catalog/recipe.py says what a step may be, and every other table file is an example."
    )
    if recipe.not_explained:
        with pytest.raises(DrugflowError) as refused:
            explain(sample_release, table.full_name)
        assert str(refused.value) == f"{table.full_name} {recipe.not_explained}"
        return
    rows = ends(sample_release, table)
    if table.table_schema != "history" or (sample_release.data_raw / "sample" / table.name).exists():
        assert rows, f"the sample has no row of {table.full_name}: every mart needs some there"
    for row in rows:
        key = " ".join(f"{g}={shlex.quote(str(row[g]))}" for g in table.grain)
        found = explain(sample_release, f"{table.full_name} {key}")
        assert found.row == row
        assert found.steps
        wrong = ("report this difference", "not in this release", "goes no further")
        assert [s for s in found.steps if any(w in s for w in wrong)] == [], key


HISTORIES = [t for t in TABLES if t.table_schema == "history" and t.explain and t.explain.steps]


@pytest.mark.parametrize("table", HISTORIES, ids=lambda t: t.full_name)
def test_a_state_of_every_history_leads_to_a_line(sample_release: Settings, table: Table) -> None:
    for row in ends(sample_release, table):
        key = " ".join(f"{g}={shlex.quote(str(row[g]))}" for g in table.grain)
        lines = explain(sample_release, f"{table.full_name} {key}").lines
        assert [line.record for line in lines if line.record], key
