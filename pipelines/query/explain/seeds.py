"""Rows that no agency's file brings: the lists in dbt_project/seeds, and the calendar.

What belongs here: the seed and its line behind a row of a dimension. What does not: where a seed's facts come from
(dbt_project/seeds/README.md).
"""

from __future__ import annotations

import csv
from typing import Any

from pipelines.core.errors import DrugflowError
from pipelines.core.fingerprint import sha256_of
from pipelines.core.settings import PROJECT_ROOT
from pipelines.query.explain.answer import Line

FOLDER = PROJECT_ROOT / "dbt_project" / "seeds"
SEED_OF = {
    "dim_drug": "drugs",
    "dim_area": "areas",
    "dim_corridor": "corridors",
    "dim_port": "ports",
    "dim_jurisdiction": "jurisdictions",
    "dim_indicator": "indicators",
}


def find(seed: str, key: dict[str, str]) -> Line:
    """The line of a seed whose cells have the given values.

    Raises DrugflowError where the seed has none: it was edited after the release was built.
    """
    if (line := search(seed, key)) is None:
        values = ", ".join(key.values())
        raise DrugflowError(
            f"dbt_project/seeds/{seed}.csv has no line for {values} any more: it was edited after the release was "
            "built. Run 'drugflow refresh' and ask again."
        )
    return line


def search(seed: str, key: dict[str, str]) -> Line | None:
    """The same, or None where the seed has no such line."""
    path = FOLDER / f"{seed}.csv"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    reader = csv.reader(lines)
    titles = next(reader)
    start = reader.line_num
    for cells in reader:
        row = dict(zip(titles, cells, strict=False))
        if all(row.get(name) == value for name, value in key.items()):
            return Line(
                source=seed,
                vintage=None,
                archive_id=None,
                file=path.name,
                path=path.relative_to(PROJECT_ROOT).as_posix(),
                sha256=sha256_of(path),
                line=start + 1,
                record="".join(lines[start : reader.line_num]).rstrip("\r\n"),
                cells=row,
                key=dict(key),
                role="shipped with the project",
            )
        start = reader.line_num
    return None


def differs(line: Line, row: dict[str, Any]) -> bool:
    """Whether the seed's line says something else than the released row, in a column that both have."""
    return any(not _equal(cell, row[name]) for name, cell in line.cells.items() if name in row)


def _equal(cell: str, value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return cell == {None: "", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return cell != "" and float(cell) == value
    return cell == ("|".join(value) if isinstance(value, list) else str(value))


def changed(line: Line) -> str:
    """The sentence for a seed that no longer says what the release says."""
    return f"{line.path} was edited after the release was built: line {line.line} says something else now."
