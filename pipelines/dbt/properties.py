"""The files of the dbt project that follow from the table files and from the sources' descriptions.

What belongs here: contracts, tests and descriptions in dbt's YAML, the staging views, the exposures. What does not:
what a table is (catalog), writing the files (pipelines.generate), dbt itself (process), its manifest (manifest).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from pipelines.catalog.dictionary import load_dictionary
from pipelines.catalog.load import load_catalog
from pipelines.catalog.source import Source
from pipelines.catalog.table import Column, Table
from pipelines.core.settings import DBT_PROJECT

MODELS = DBT_PROJECT / "models"
STAGING = MODELS / "staging"
COVERAGE = "coverage"
"""The one history that is of all sources: what each of their vintages speaks about."""
# Names that DuckDB reads as an operator: unquoted, "select overlaps from ..." is a syntax error.
_QUOTED = frozenset({"overlaps"})
_WRITTEN = "Written by: make docs, from the table files (*.table.yml) and pipelines/sources. Edit those, not this."
_HEADER = f"# {_WRITTEN}\n"
_EXPOSURES = """\
version: 2

exposures:
  - name: release
    label: Release for analysts
    type: analysis
    maturity: medium
    description: >-
      The folder data_marts/current: drugflow.duckdb and Parquet files with the schemas marts, history and meta,
      made from these models after every check passed. Analysts of both governments open it read-only.
    owner:
      name: drugflow
    depends_on:
{release}

  - name: questions_as_of_a_date
    label: As-of queries
    type: analysis
    maturity: medium
    description: >-
      What was known on a date: the table macros of the released database, such as
      `from {macro}(date '2025-02-01')`.
    owner:
      name: drugflow
    depends_on:
{macros}
"""


def dbt_files() -> dict[Path, str]:
    """Each file of the dbt project that is written by make docs, with its text."""
    tables = load_dictionary()
    active = [s for s in load_catalog().values() if s.status == "active"]
    subjects = {s.id: str(s.subject) for s in active} | {COVERAGE: "shared"}
    return {
        MODELS / "marts" / "_marts.yml": marts_yaml(t for t in tables if t.made_by == "dbt"),
        MODELS / "exposures.yml": exposures_yaml(tables, list(subjects)),
        STAGING / "_sources.yml": sources_yaml(active),
        **{STAGING / f"stg_{name}.sql": staging_sql(name, subject) for name, subject in subjects.items()},
    }


def marts_yaml(tables: Iterable[Table]) -> str:
    """The dbt properties file of the given tables, each an enforced contract with its tests."""
    lines = [f"{_HEADER}version: 2\n\nmodels:\n"]
    for table in tables:
        model = {
            "name": table.name,
            "description": table.en,
            "config": {"contract": {"enforced": True}, "meta": {"subject": table.subject}},
            "data_tests": [{"unique_key": {"arguments": {"columns": table.grain}}}],
        }
        lines.append("".join(f"{'  - ' if k == 'name' else '    '}{_line({k: v})}" for k, v in model.items()))
        lines.append("    columns:\n")
        lines += [f"      - {_flow(_column(table, column))}" for column in table.columns]
        lines.append("\n")
    return "".join(lines).rstrip("\n") + "\n"


def exposures_yaml(tables: Iterable[Table], histories: Iterable[str]) -> str:
    """Who reads the models: the release has the marts and the staged histories, its macros look back on facts."""
    made = [t for t in tables if t.made_by == "dbt"]
    macros = [t.as_of for t in made if t.as_of]
    release = [*(t.name for t in made), *(f"stg_{name}" for name in histories)]
    listed = {"release": release, "macros": macros}
    lines = {key: "\n".join(f"      - ref('{name}')" for name in names) for key, names in listed.items()}
    return _HEADER + _EXPOSURES.format(macro=macros[0], **lines)


def staging_sql(history: str, subject: str) -> str:
    """The view from which models read a history, under its released name."""
    return (
        f"{{{{ config(alias='{history}', meta={{'subject': '{subject}'}}) }}}}\n"
        f"-- {_WRITTEN}\n"
        f"select * from {{{{ source('history', '{history}') }}}}\n"
    )


def sources_yaml(sources: Iterable[Source]) -> str:
    """The properties file of what dbt reads: one history a source, and the coverage of all."""
    place = "read_parquet('{{ env_var('DRUGFLOW_HISTORY', '../data_marts/history/sample') }}/{name}.parquet')"
    named = {s.id: s.title.en for s in sources}
    named[COVERAGE] = "What each accepted vintage speaks about, of all sources."
    lines = [_HEADER, "version: 2\n\nsources:\n  - name: history\n"]
    lines.append("    description: Revision histories, one Parquet file a source, written by the history stage.\n")
    lines.append(f"    config:\n      meta:\n        {_line({'external_location': place})}    tables:\n")
    lines += [f"      - {_flow({'name': name, 'description': text})}" for name, text in named.items()]
    return "".join(lines)


def _column(table: Table, column: Column) -> dict[str, Any]:
    text: dict[str, Any] = {"name": column.name, "data_type": column.type, "description": column.comment}
    if column.name in _QUOTED:
        text["quote"] = True
    constraints: list[dict[str, Any]] = [] if column.nullable else [{"type": "not_null"}]
    if column.check:
        # A constraint of the table costs nothing; a test of each column would be a query and a tenth of a second.
        values = ", ".join(f"'{value}'" for value in column.check)
        constraints.append({"type": "check", "expression": f"{column.name} in ({values})"})
    if constraints:
        text["constraints"] = constraints
    if column.refers and (place := column.refers.split("."))[0] != table.name:
        arguments = {"to": f"ref('{place[0]}')", "field": place[1]}
        text["data_tests"] = [{"relationships": {"arguments": arguments}}]
    return text


def _flow(value: Any) -> str:
    """One line of YAML."""
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=sys.maxsize)


def _line(pair: dict[str, Any]) -> str:
    """``key: value`` with the value on the same line."""
    ((key, value),) = pair.items()
    return f"{key}: {_flow({'v': value})[4:-2]}\n"
