"""Published totals: figures that agencies printed, each with the query that gives ours.

What belongs here: reading the list. What does not: comparing it with a release (release.reconciliation).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from pipelines.catalog.base import Text
from pipelines.core.files import read_yaml

LIST = Path(__file__).parents[1] / "release" / "published_totals.yml"

TABLES = {
    "seizures": ("seizures_as_of", "marts.seizures_monthly"),
    "deaths": ("overdose_deaths_as_of", "marts.overdose_deaths_12mo"),
    "crossings": ("crossings_as_of", "marts.border_crossings_monthly"),
}
"""What a query reads: the table macro of a vintage, and the mart that shows what is known today."""


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
    macros = raw["queries"]
    return [
        Total.model_validate({k: v for k, v in entry.items() if k not in ("use", "with")} | _query(macros, entry))
        for entry in raw["totals"]
    ]


def _query(queries: dict[str, str], entry: dict[str, Any]) -> dict[str, str]:
    query, given = queries[entry["use"]], entry.get("with", {})
    then = {name: f"{macro}(date '{entry.get('vintage')}')" for name, (macro, _) in TABLES.items()}
    now = {name: mart for name, (_, mart) in TABLES.items()}
    today = {"today": query.format(**given, **now)} if entry.get("vintage") else {}
    return {"query": query.format(**given, **then), **today}


def figure(value: float | None) -> str:
    """A figure as it is printed."""
    return "none" if value is None else f"{value:,.2f}".removesuffix(".00")
