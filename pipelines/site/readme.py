"""The parts of both READMEs that follow from the sources' descriptions: what stands between two markers."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.catalog.load import load_catalog
from pipelines.core.errors import DrugflowError
from pipelines.core.settings import PROJECT_ROOT

BEGIN, END = "<!-- The table of sources, written by: make docs -->", "<!-- End of the table of sources -->"
HEADS = {"README.md": "| source | what | page |", "README.es.md": "| fuente | qué | página (en inglés) |"}


def readmes() -> dict[Path, str]:
    """Both READMEs with the table of sources as it is now, by their file."""
    return {(path := PROJECT_ROOT / name): _with_table(path, head) for name, head in HEADS.items()}


def _with_table(path: Path, head: str) -> str:
    """Raises DrugflowError where the page has lost the markers."""
    text = path.read_text("utf-8")
    between = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not between.search(text):
        raise DrugflowError(f"{path.name} has no place for the table of sources: put it between {BEGIN} and {END}.")
    language = "es" if path.name.endswith(".es.md") else "en"
    rows = [
        f"| `{s.id}` | {getattr(s.title, language)} | [docs/sources](docs/sources/{s.id}.md) |"
        for s in load_catalog().values()
    ]
    table = "\n".join([BEGIN, head, "|---|---|---|", *rows, END])
    return between.sub(lambda _: table, text)
