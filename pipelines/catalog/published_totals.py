"""Published totals: figures that agencies printed, each with the query that gives ours.

What belongs here: reading the list. What does not: comparing it with a release (release.reconciliation).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from pipelines.catalog.base import Text
from pipelines.catalog.dictionary import as_of_macros, load_dictionary
from pipelines.core.files import read_yaml

LIST = Path(__file__).parents[1] / "release" / "published_totals.yml"


class Total(BaseModel):
    """One published figure and the query that gives ours.

    query: SQL with one figure; vintage: the source's release that it speaks about (null: the seed); today: the same SQL
    of what the marts show (null: query reads them). A figure that is known to differ says by how much (ours - value,
    within tolerance) and why, in both languages.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    source: str
    vintage: str | None = None
    metric: str
    period: str
    value: float
    unit: str
    tolerance: float
    basis: str
    query: str
    today: str | None = None
    known_difference: float | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _explained(self) -> Self:
        if (self.known_difference is None) != (self.reason is None):
            raise ValueError(f"{self.id}: a known difference needs its reason in both languages, and the reverse")
        return self


@cache
def load_totals() -> list[Total]:
    """Every published total, in the file's order."""
    raw = read_yaml(LIST)
    queries, macros = raw["queries"], as_of_macros(load_dictionary())
    return [
        Total.model_validate(
            {k: v for k, v in entry.items() if k not in ("use", "with")} | _query(queries, macros, entry)
        )
        for entry in raw["totals"]
    ]


def _query(queries: dict[str, str], macros: dict[str, str], entry: dict[str, Any]) -> dict[str, str]:
    """The query with each mart in braces as of the vintage, and the same with the marts of today."""
    query, given = queries[entry["use"]], entry.get("with", {})
    then = {fact: f"{macro}(date '{entry.get('vintage')}')" for macro, fact in macros.items()}
    now = {fact: f"marts.{fact}" for fact in macros.values()}
    today = {"today": query.format(**given, **now)} if entry.get("vintage") else {}
    return {"query": query.format(**given, **then), **today}


def figure(value: float | None) -> str:
    """A figure as it is printed."""
    return "none" if value is None else f"{value:,.2f}".removesuffix(".00")
