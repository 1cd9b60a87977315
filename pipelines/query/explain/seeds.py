"""Rows that no agency's file brings: the lists in dbt_project/seeds.

What belongs here: the seed and its line behind a released row. What does not: where a seed's facts come from
(dbt_project/seeds/README.md).
"""

from __future__ import annotations

import csv
from typing import Any

from pipelines.core.errors import DrugflowError
from pipelines.core.fingerprint import sha256_of
from pipelines.core.settings import DBT_PROJECT, PROJECT_ROOT
from pipelines.query.explain.answer import Line, said

FOLDER = DBT_PROJECT / "seeds"


def find(seed: str, key: dict[str, Any], must: bool) -> Line | None:
    """The line of a seed whose cells have the given values.

    Raises DrugflowError where the seed must have one and has none: it was edited after the release was built.
    """
    path = FOLDER / f"{seed}.csv"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    reader = csv.reader(lines)
    titles = next(reader)
    start = reader.line_num
    for cells in reader:
        row = dict(zip(titles, cells, strict=False))
        if all(_equal(row.get(name, ""), value) for name, value in key.items()):
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
    if must:
        file = f"dbt_project/seeds/{seed}.csv"
        raise DrugflowError("seed_lacks_line", file=file, values=[said(value) for value in key.values()])
    return None


def sentences(line: Line, row: dict[str, Any]) -> list[str]:
    """Where the line stands, and whether it still says what the released row does, in the columns that both have."""
    texts = [
        f"It is line {line.line} of {line.path}, which is shipped with the project; dbt_project/seeds/README.md says "
        "where its facts come from."
    ]
    if any(not _equal(cell, row[name]) for name, cell in line.cells.items() if name in row):
        texts.append(f"{line.path} was edited after the release was built: line {line.line} says something else now.")
    return texts


def _equal(cell: str, value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return cell == {None: "", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return cell != "" and float(cell) == value
    return cell == ("|".join(value) if isinstance(value, list) else str(value))
