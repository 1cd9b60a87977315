"""The properties files that dbt reads of the marts and of the histories, made from the dictionary and the catalogue.

What belongs here: contracts, tests and descriptions in dbt's YAML. What does not: what a table is (catalog), dbt itself
(process), its manifest (manifest).

``python -m pipelines.dbt.properties`` rewrites ``_marts.yml`` and ``_sources.yml`` of the dbt project.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import yaml

from pipelines.catalog.dictionary import load_dictionary
from pipelines.catalog.load import load_catalog
from pipelines.catalog.table import Column, Table
from pipelines.core.files import atomic_path
from pipelines.core.settings import DBT_PROJECT, PROJECT_ROOT

MARTS_YAML = DBT_PROJECT / "models" / "marts" / "_marts.yml"
SOURCES_YAML = DBT_PROJECT / "models" / "staging" / "_sources.yml"
# Names that DuckDB reads as an operator: unquoted, "select overlaps from ..." is a syntax error.
_QUOTED = frozenset({"overlaps"})
_HEADER = """\
# Written by: make docs, from the table files (*.table.yml) and pipelines/sources. Edit those, not this.
"""


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


def render_marts() -> str:
    """The properties file of the marts models as the dictionary says it now."""
    return marts_yaml(t for t in load_dictionary() if t.made_by == "dbt")


def render_sources() -> str:
    """The properties file of what dbt reads: one history a source, and the coverage of all."""
    place = "read_parquet('{{ env_var('DRUGFLOW_HISTORY', '../data_marts/history/sample') }}/{name}.parquet')"
    named = {s.id: s.title.en for s in load_catalog().values() if s.status == "active"}
    named["coverage"] = "What each accepted vintage speaks about, of all sources."
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


def main() -> None:
    """Rewrite the properties files of the marts models and of what dbt reads."""
    for target, text in ((MARTS_YAML, render_marts()), (SOURCES_YAML, render_sources())):
        with atomic_path(target) as part:
            part.write_text(text, "utf-8")
        sys.stdout.write(f"Wrote {target.relative_to(PROJECT_ROOT)}\n")


if __name__ == "__main__":
    main()
