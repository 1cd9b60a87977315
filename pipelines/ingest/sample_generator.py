"""Writes the embedded sample: generated vintages of six sources in the agencies' formats.

    python -m pipelines.ingest.sample_generator [FOLDER]

What belongs here: the list of sources and the command. What does not: any content (samples/). Run it after a change
in samples/ and commit the folder; a test compares the two. Published totals that the figures add up to, and where
they were published, are in samples/calibration.py: national CBP fentanyl by fiscal year; US T40.4 deaths by month;
US overdose deaths by year, which are NCHS final resident totals 2015-2023 in WONDER and, in VSRR, the same up to 2021
and VSRR's own totals for 2022 and 2023. 2014, 2024 and 2025 have round figures of no publication.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from pipelines.archive.sample_guard import SAMPLE_FOLDER
from pipelines.ingest.samples import amo, bts, cbp, census, vsrr, wonder
from pipelines.ingest.samples.tree import SampleVintage, write

SOURCES = (cbp, amo, vsrr, wonder, bts, census)
README = """# SAMPLE: generated, not official

The embedded sample, a mirror `<source>/<release date>/<files>` in the agencies' formats. Every count and weight is
generated; only the published totals listed in `../samples/calibration.py` are real. Do not edit: run
`python -m pipelines.ingest.sample_generator`.
"""


def vintages() -> Iterator[SampleVintage]:
    """Every vintage of the sample, source by source, oldest first."""
    for source in SOURCES:
        yield from source.vintages()


def generate(root: Path) -> None:
    """Write the whole tree below root; the folders of the six sources are replaced."""
    made = list(vintages())
    for source in {v.source for v in made}:
        shutil.rmtree(root / source, ignore_errors=True)
    for vintage in made:
        write(root, vintage)
    (root / "README.md").write_text(README, "utf-8")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_FOLDER)
