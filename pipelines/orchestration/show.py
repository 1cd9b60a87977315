"""What the UI shows beside an asset: schemas, links to code, tables and small charts."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.settings import PROJECT_ROOT
from pipelines.sources.catalog import Source

_BAR = 24


def code_references(*files: Path) -> dict[str, Any]:
    """Metadata that links an asset to its code, by path inside the project."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        references: list[Any] = [
            dg.LocalFileCodeReference(file_path=str(f), line_number=1, label=str(f.relative_to(PROJECT_ROOT)))
            for f in files
        ]
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=references)}


def columns_of(source: Source, history: bool) -> dg.TableSchema:
    """Columns of a clean or history frame with types and units."""
    roles = ("key", "value", "annotation") if history else ("key", "value", "annotation", "context")
    columns = [
        dg.TableColumn(c.name, c.type, description=f"{c.role}{f', {c.unit}' if c.unit else ''}")
        for c in source.frame
        if c.role in roles
    ]
    return dg.TableSchema(columns=columns)


def table(rows: list[dict[str, Any]]) -> Any:
    """Rows as a table in the UI, or a word where there is none."""
    if not rows:
        return "none"
    return dg.MetadataValue.table([dg.TableRecord(r) for r in rows])


def bars(values: dict[str, int]) -> str:
    """A bar chart in text, one line a value."""
    top = max(values.values(), default=0) or 1
    lines = [f"{name}  {'█' * round(_BAR * v / top):<{_BAR}}  {v:,}" for name, v in values.items()]
    return "```\n" + "\n".join(lines) + "\n```"
