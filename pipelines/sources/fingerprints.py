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
    """Fingerprint of the source's folder, of the cleaning toolkit, and of the modules that these two use."""
    return _code(source, "clean.py", PACKAGE / "clean")


def _code(source: Source, entry: str, toolkit: Path) -> str:
    folder = source_folder(source.id)
    return code_fingerprint(folder, toolkit, *modules_used(folder / entry, toolkit))
