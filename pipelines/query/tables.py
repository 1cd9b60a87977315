"""The tables of two releases, wherever they lie, compared by their content hashes: as before and after an upgrade."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.core.errors import DrugflowError
from pipelines.core.files import load
from pipelines.core.wording import say
from pipelines.releases.manifest import Manifest


@dataclass(frozen=True)
class TableDifference:
    """A table that two releases do not have alike; a side is None where the release lacks it."""

    table: str
    rows_before: int | None
    rows_after: int | None

    @property
    def line(self) -> str:
        """The difference as a sentence, in the installation's language."""
        told = {"table": self.table, "before": self.rows_before, "after": self.rows_after}
        if self.rows_before is None:
            return say("compare.new", told)
        if self.rows_after is None:
            return say("compare.gone", told)
        return say("compare.other_content" if self.rows_before == self.rows_after else "compare.other_rows", told)


def read_manifest(place: Path) -> Manifest:
    """The manifest of a release from its folder, or from the file itself.

    Raises DrugflowError where there is none, or it cannot be read.
    """
    path = place / "manifest.json" if place.is_dir() else place
    if not path.is_file():
        raise DrugflowError("no_manifest", file=path)
    return load(Manifest, path)


def differing_tables(before: Manifest, after: Manifest) -> list[TableDifference]:
    """The tables whose content hash differs, or that only one release has, by name."""
    old, new = before.tables, after.tables
    return [
        TableDifference(t, old[t]["rows"] if t in old else None, new[t]["rows"] if t in new else None)
        for t in sorted(old.keys() | new.keys())
        if t not in old or t not in new or old[t]["hash"] != new[t]["hash"]
    ]
