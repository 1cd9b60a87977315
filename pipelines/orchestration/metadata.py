"""What the UI shows beside an asset: schemas, links to code, tables, and small charts.

What belongs here: turning plain values into Dagster's metadata. What does not: computing them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.catalog.dictionary import load_dictionary
from pipelines.catalog.source import Source
from pipelines.catalog.table import Table
from pipelines.core.settings import PROJECT_ROOT
from pipelines.core.types import Realm
from pipelines.dbt.lineage import load_lineage

OWNERS = ["team:pipeline"]
_BAR = 24
_SPARKS = "▁▂▃▄▅▆▇█"
EFFECTS = {
    "critical": "Critical: holds the vintage back.",
    "warning": "Warning: published and shown.",
    "info": "Info: shown.",
}
"""What follows where a check fails, by severity: in front of what it asks, because until then nothing shows it."""
CLEAN_ONLY = "Read while cleaning; no released table has it."


def code_references(*files: Path) -> dict[str, Any]:
    """Metadata that links an asset to its code, labelled by the path inside the project."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        references: list[Any] = [
            dg.LocalFileCodeReference(file_path=str(f), line_number=1, label=str(f.relative_to(PROJECT_ROOT)))
            for f in files
        ]
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=references)}


def raw_columns(source: Source) -> dg.TableSchema:
    """Columns as the publisher writes them, under the first header seen."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(title.names[0], c.type, description=", ".join(_raw_notes(c)))
            for c in source.columns
            for title in c.titles
            if c.pattern is None
        ]
    )


def _raw_notes(column: Any) -> list[str]:
    notes = [f"in {column.unit}"] if column.unit else []
    if column.wide:
        notes.append(f"the header is the record's {column.wide}")
    elif len(column.names) > 1:
        notes.append(f"also written {', '.join(column.names[1:])}")
    notes += ["not read"] if column.ignore else [f"read as {column.id}"]
    return notes if column.required else [*notes, "not in every file"]


def columns_of(source: Source, history: bool) -> dg.TableSchema:
    """Columns of a clean or history frame with types, and what the dictionary says of them."""
    tables = _dictionary()
    if history:
        return _described(tables[f"history.{source.id}"])
    # A context column never reaches the history: then the source's fact says what it is, where it has one.
    own = [t for t in tables.values() if load_lineage().only_source(t.name) == source.id]
    texts = {c.name: c.comment for t in sorted(own, key=lambda t: t.table_schema, reverse=True) for c in t.columns}
    texts = {c.name: c.text.en if c.text else CLEAN_ONLY for c in source.frame} | texts
    return dg.TableSchema(columns=[dg.TableColumn(c.name, c.type, description=texts[c.name]) for c in source.frame])


def coverage_columns() -> dg.TableSchema:
    """Columns of the joined coverage file."""
    return _described(_dictionary()["history.coverage"])


def _described(found: Table) -> dg.TableSchema:
    return dg.TableSchema(columns=[dg.TableColumn(c.name, c.type, description=c.comment) for c in found.columns])


@cache
def _dictionary() -> dict[str, Table]:
    return {t.full_name: t for t in load_dictionary()}


def realm_word(realm: Realm) -> str:
    """A sample says so on everything that is shown of it."""
    return "SAMPLE" if realm == "sample" else "official"


def table(rows: list[dict[str, Any]]) -> Any:
    """Rows as a table in the UI, or a word where there is none."""
    if not rows:
        return "none"
    return dg.MetadataValue.table([dg.TableRecord(r) for r in rows])


def listing(lines: Sequence[object]) -> Any:
    """Sentences as a list, or a word where there is none."""
    return dg.MetadataValue.md("\n".join(f"- {line}" for line in lines)) if lines else "none"


def spark(values: Mapping[str, int]) -> str:
    """A chart in one line, which the UI shows without a click: first name, bars from zero, last name, range."""
    if not values:
        return "nothing to show"
    names, top = list(values), max(values.values()) or 1
    drawn = "".join(_SPARKS[round((len(_SPARKS) - 1) * v / top)] for v in values.values())
    return f"{names[0]} {drawn} {names[-1]} ({min(values.values()):,} to {max(values.values()):,})"


def bars(values: Mapping[str, int]) -> dg.MarkdownMetadataValue:
    """A bar chart in text, one line a value."""
    top = max(values.values(), default=0) or 1
    width = max((len(name) for name in values), default=0)
    lines = [f"{name:<{width}}  {'█' * round(_BAR * v / top):<{_BAR}}  {v:,}" for name, v in values.items()]
    return dg.MetadataValue.md("```\n" + ("\n".join(lines) or "nothing to show") + "\n```")
