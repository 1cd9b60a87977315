"""Published totals of all sources, each with the SQL that gives our figure.

What belongs here: filling in the queries. What does not: the figures (a source's published_totals), comparing them with
a release (release.reconciliation).
"""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel, ConfigDict

from pipelines.catalog.base import Text
from pipelines.catalog.dictionary import as_of_macros, load_dictionary
from pipelines.catalog.load import load_catalog
from pipelines.catalog.totals import PublishedTotals, StatedTotal
from pipelines.core.errors import DrugflowError


class Total(BaseModel):
    """One published figure and the query that gives ours.

    query: SQL with one figure; vintage: the source's release that it speaks about (null: source is the seed of a
    published series); today: the same SQL of what the marts show (null: query reads them). A figure that is known to
    differ says by how much (ours - value, within tolerance) and why, in both languages.
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


@cache
def load_totals() -> list[Total]:
    """Every published total, in the order of the sources and of their lists."""
    macros = as_of_macros(load_dictionary())
    return [
        _total(source.id, source.published_totals, stated, macros)
        for source in load_catalog().values()
        for stated in source.published_totals.totals
    ]


def _total(source_id: str, published: PublishedTotals, stated: StatedTotal, macros: dict[str, str]) -> Total:
    """A published figure with its query; macros are the table macros by their names, with the mart that they give."""
    query = published.queries[stated.use]
    then = {mart: f"{macro}(date '{stated.vintage}')" for macro, mart in macros.items()}
    now = {mart: f"marts.{mart}" for mart in macros.values()}
    try:
        ours = query.format(**stated.given, **(then if stated.vintage else now))
        today = query.format(**stated.given, **now) if stated.vintage else None
    except KeyError as error:
        raise DrugflowError(
            f"{source_id}: the query {stated.use} of {stated.id} asks for {error}, which is neither a mart with an "
            "as-of macro nor given under with."
        ) from error
    return Total(
        source=stated.of or source_id,
        query=ours,
        today=today,
        **stated.model_dump(exclude={"of", "use", "given"}),
    )


def figure(value: float | None) -> str:
    """A figure as it is printed."""
    return "none" if value is None else f"{value:,.2f}".removesuffix(".00")
