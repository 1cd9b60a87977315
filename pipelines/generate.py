"""Every file that is written by the code and committed: ``make docs`` writes them, one test compares them.

What belongs here: which files there are, in the order in which one follows from another. What does not: their text.

``python -m pipelines.generate`` writes those that differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.core.errors import DrugflowError
from pipelines.core.files import atomic_path
from pipelines.core.settings import PROJECT_ROOT, Settings
from pipelines.dbt.properties import STAGING, dbt_files
from pipelines.definitions import build_definitions
from pipelines.orchestration.asset_graph import graph_text
from pipelines.site.readme import readmes
from pipelines.site.source_pages import FOLDER, source_pages

GRAPH = PROJECT_ROOT / "docs" / "asset_graph.txt"
OWNED = ((STAGING, "*"), (FOLDER, "*.md"))
"""Folders whose files are all written here: what is there besides belongs to a source that is gone."""


def page_files() -> dict[Path, str]:
    """Each file that follows from dbt's manifest, so from the files that dbt reads, with its text."""
    # As in a fresh clone: no variable of this machine stands in the graph.
    graph = graph_text(build_definitions(Settings.model_construct()))
    return {**source_pages(), **readmes(), GRAPH: graph}


def differing(files: dict[Path, str]) -> list[Path]:
    """Those of the given files that are not there, or not as they are written."""
    return [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]


def left(files: dict[Path, str]) -> list[Path]:
    """What lies among the generated files and is none of them."""
    return [p for folder, kind in OWNED for p in sorted(folder.glob(kind)) if p not in files]


def main() -> None:
    """Write what differs: first what dbt reads, then what follows from it."""
    _write(models := dbt_files())
    _write(pages := page_files())
    for path in left({**models, **pages}):
        path.unlink()
        sys.stdout.write(f"Removed {path.relative_to(PROJECT_ROOT)}\n")


def _write(files: dict[Path, str]) -> None:
    for path in differing(files):
        with atomic_path(path) as part:
            part.write_text(files[path], "utf-8")
        sys.stdout.write(f"Wrote {path.relative_to(PROJECT_ROOT)}\n")


if __name__ == "__main__":
    try:
        main()
    except DrugflowError as error:
        sys.exit(str(error))
