"""Queries quoted in documents, with their true output.

In a document a fenced ``sql`` block followed by a fenced ``text`` block is a query and its answer.
``python -m pipelines.site.quoted_queries FILE…`` runs the queries on the current release and writes
the answers again; the tests compare them with a fresh sample.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.core.files import atomic_path
from pipelines.core.settings import Settings
from pipelines.query.session import Session

_INSIDE = r"(?:(?!```).)*?"
_PAIR = re.compile(rf"```sql\n(?P<query>{_INSIDE})\n```\n+```text\n(?P<answer>{_INSIDE})\n?```", re.S)


@dataclass(frozen=True)
class Quote:
    """One quoted query and the answer beside it."""

    query: str
    answer: str


def quotes(text: str) -> Iterator[Quote]:
    """The quoted queries of a document, in order."""
    for match in _PAIR.finditer(text):
        yield Quote(match["query"], match["answer"])


def answer(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """The answer as documents show it: DuckDB's own table, without the line of types' trailing spaces."""
    return "\n".join(line.rstrip() for line in str(connection.sql(query)).rstrip().splitlines())


def rewrite(path: Path, connection: duckdb.DuckDBPyConnection) -> int:
    """Put the release's answers into a document; returns how many queries it quotes."""
    count = 0

    def fill(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"```sql\n{match['query']}\n```\n\n```text\n{answer(connection, match['query'])}\n```"

    text = _PAIR.sub(fill, path.read_text("utf-8"))
    with atomic_path(path) as part:
        part.write_text(text, "utf-8")
    return count


def main(files: list[str]) -> None:
    """Rewrite the given documents from the current release."""
    with Session(Settings()) as session:
        for name in files:
            sys.stdout.write(f"{name}: {rewrite(Path(name), session.connection)} queries\n")


if __name__ == "__main__":
    main(sys.argv[1:])
