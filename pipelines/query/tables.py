"""The tables of two releases, wherever they lie, compared by their content hashes: as before and after an upgrade."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.core.errors import DrugflowError
from pipelines.core.files import load
from pipelines.releases.manifest import Manifest


@dataclass(frozen=True)
class TableDifference:
    """A table that two releases do not have alike; a side is None where the release lacks it."""

    table: str
    rows_before: int | None
    rows_after: int | None

    @property
    def line(self) -> str:
        """The difference as a sentence."""
        if self.rows_before is None:
            return f"{self.table}: new, {self.rows_after:,} rows"
        if self.rows_after is None:
            return f"{self.table}: gone, it had {self.rows_before:,} rows"
        if self.rows_before == self.rows_after:
            return f"{self.table}: other content in {self.rows_after:,} rows"
        return f"{self.table}: other content, {self.rows_before:,} rows before and {self.rows_after:,} after"


def read_manifest(place: Path) -> Manifest:
    """The manifest of a release from its folder, or from the file itself.

    Raises DrugflowError where there is none, or it cannot be read.
    """
    path = place / "manifest.json" if place.is_dir() else place
    if not path.is_file():
        raise DrugflowError(f"{path} is no file: expected the folder of a release, or its manifest.json.")
    return load(Manifest, path)


def differing_tables(before: Manifest, after: Manifest) -> list[TableDifference]:
    """The tables whose content hash differs, or that only one release has, by name."""
    old, new = before.tables, after.tables
    return [
        TableDifference(t, old[t]["rows"] if t in old else None, new[t]["rows"] if t in new else None)
        for t in sorted(old.keys() | new.keys())
        if t not in old or t not in new or old[t]["hash"] != new[t]["hash"]
    ]
