"""One page for each source, from one template and the source's YAML: ``docs/sources/<id>.md``.

``make docs`` writes them again.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.catalog.lineage import Lineage
from pipelines.catalog.load import load_catalog
from pipelines.catalog.source import Source
from pipelines.core.settings import PROJECT_ROOT
from pipelines.dbt.lineage import load_lineage
from pipelines.quality.expectations import expectations_of

FOLDER = PROJECT_ROOT / "docs" / "sources"
HEADER = "<!-- Written by: make docs, from pipelines/sources/{id}/source.yml. Edit that, not this. -->"


def page(source: Source, lineage: Lineage) -> str:
    """The page of one source in Markdown."""
    parts = [
        HEADER.format(id=source.id),
        f"# {source.title.en} (`{source.id}`)",
        f"*{source.title.es}*",
        source.description.en,
        _facts(source),
        "## Coverage\n\n" + source.notes.coverage,
        "## Missing values\n\n" + source.notes.missingness,
        "## Lag and revisions\n\n" + source.notes.revisions,
        "## Traps\n\n" + "\n".join(f"- {c.text.en} *({', '.join(tables)})*" for c, tables in lineage.cautions(source)),
        "## What the publisher's file has\n\n" + _columns(source),
        "## What becomes of it\n\n" + _frame(source),
        "## What is checked\n\n" + _expectations(source),
    ]
    return "\n\n".join(parts) + "\n"


def _facts(source: Source) -> str:
    window = f"; a vintage speaks for its {', '.join(source.scope)}" if source.scope else ""
    fetch = source.fetch.dataset or source.fetch.url or source.fetch.note or source.landing_page
    rows = [
        ("Publisher", source.publisher),
        ("Page", source.landing_page),
        ("Licence", source.licence.text),
        ("Status", source.status),
        ("Cadence", source.cadence.replace("_", "-")),
        ("Usual lag", f"{source.expected_lag_days} days from the end of a period"),
        ("Fetched", f"{source.fetch.kind}: {fetch}"),
        ("Formats", ", ".join(source.files.formats) + "; " + ", ".join(source.files.encodings)),
        ("Key", ", ".join(f"`{k}`" for k in source.key) + window),
    ]
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | {_cell(text)} |" for name, text in rows)


def _columns(source: Source) -> str:
    lines = ["| header | type | unit | empty cells | values |", "|---|---|---|---|---|"]
    for c in source.columns:
        if c.ignore:
            continue
        values = "" if not c.categories else f"{len(set(c.categories.values()))} listed"
        if c.wide:
            values = f"a record a cell; the header is its `{c.wide}`"
        lines.append(
            f"| {' / '.join(_cell(n) for n in c.names)} | {c.type} | {c.unit or ''} | "
            f"{'allowed' if c.nullable else 'an error'} | {values} |"
        )
    ignored = [n for c in source.columns if c.ignore for n in c.names[:1]]
    text = "Any other column, category or unit is an error that names file, line and value."
    if ignored:
        text += f" Known and not read: {', '.join(_cell(n) for n in ignored)}."
    return "\n".join(lines) + "\n\n" + text


def _frame(source: Source) -> str:
    lines = ["| column | type | role | unit | differences up to |", "|---|---|---|---|---|"]
    for c in source.frame:
        tolerance = f"{c.tolerance:g} are no revision" if c.tolerance else ""
        lines.append(f"| `{c.name}` | {c.type} | {c.role} | {c.unit or ''} | {tolerance} |")
    return "\n".join(lines)


def _expectations(source: Source) -> str:
    lines = ["| check | severity | why |", "|---|---|---|"]
    lines += [f"| `{e.id}` | {e.severity} | {_cell(e.why)} |" for e in expectations_of(source)]
    return "\n".join(lines) + "\n\nA failed critical check holds the vintage back; a warning is published and shown."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def source_pages() -> dict[Path, str]:
    """The page of each source, by its file."""
    lineage = load_lineage()
    return {FOLDER / f"{source.id}.md": page(source, lineage) for source in load_catalog().values()}
