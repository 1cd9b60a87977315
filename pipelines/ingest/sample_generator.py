"""Writes the embedded sample: generated vintages of every active source in its publisher's format.

    python -m pipelines.ingest.sample_generator [FOLDER]

What belongs here: who generates a source, and the command. What does not: the content of a file. A source's own
generator is sources/<id>/sample.py with ``vintages()``; without one the sample is made from its description. Run the
command after a change of a generator or a new source and commit the folder; a test compares the two. The published
totals that the figures add up to, and where they were published, are in sources/shared/sample/calibration.py.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from pipelines.archive.sample_guard import SAMPLE_FOLDER
from pipelines.catalog.load import load_catalog, source_folder
from pipelines.catalog.source import Source
from pipelines.ingest.samples import from_description
from pipelines.ingest.samples.tree import SampleVintage, write

README = """# SAMPLE: generated, not official

The embedded sample, a mirror `<source>/<release date>/<files>` in the agencies' formats. Every count and weight is
generated; only the published totals listed in `pipelines/sources/shared/sample/calibration.py` are real. Do not edit:
run `make sample`.
"""


def vintages(source: Source) -> Iterator[SampleVintage]:
    """Every sample vintage of one source, oldest first."""
    if (source_folder(source.id) / "sample.py").is_file():
        own: Iterator[SampleVintage] = importlib.import_module(f"pipelines.sources.{source.id}.sample").vintages()
        return own
    return from_description.vintages(source)


def generate(root: Path) -> None:
    """Write the whole tree below root; the folders of the active sources are replaced."""
    for source in load_catalog().values():
        if source.status == "active":
            made = list(vintages(source))
            shutil.rmtree(root / source.id, ignore_errors=True)
            for vintage in made:
                write(root, vintage)
    root.mkdir(parents=True, exist_ok=True)
    (root / "README.md").write_text(README, "utf-8")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_FOLDER)
