"""Fingerprints of a source: what its cleaned vintages and its verdicts rest on besides the data.

What belongs here: which files count. What does not: where a fingerprint is compared (clean, quality).
"""

from __future__ import annotations

from pathlib import Path

from pipelines.catalog.load import source_folder
from pipelines.catalog.source import Source
from pipelines.core.dependencies import modules_used
from pipelines.core.fingerprint import code_fingerprint
from pipelines.core.settings import PACKAGE


def cleaning_code(source: Source) -> str:
    """Fingerprint of what a cleaned vintage rests on: the source's folder, the toolkit, what both use, and seeds."""
    return _code(source, ["clean.py"], [PACKAGE / "clean"])


def judging_code(source: Source) -> str:
    """Fingerprint of what a verdict rests on: that of cleaning, the facts of the source, and the toolkit of quality."""
    return _code(source, ["clean.py", "facts.py"], [PACKAGE / "clean", PACKAGE / "quality"])


def _code(source: Source, entries: list[str], toolkits: list[Path]) -> str:
    folder = source_folder(source.id)
    used = modules_used(*(folder / entry for entry in entries), *toolkits)
    return code_fingerprint(folder, *toolkits, *used, *(source.seed(name) for name in source.reads))
