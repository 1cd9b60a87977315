"""Figures that an agency published, or that anyone can add up from its files, as a source's folder lists them.

What belongs here: the shape of ``published_totals``. What does not: the SQL that a release is asked with
(published_totals), comparing (release.reconciliation).
"""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from pipelines.catalog.base import Strict, Text


class StatedTotal(Strict):
    """One published figure.

    vintage: the release of the source that it speaks about. of: the published series, shipped as a seed, that it is of
    instead. tolerance is absolute, in the unit. use: the query that gives ours, given what stands under ``with``. A
    figure that is known to differ from ours says by how much (ours - value) and why; any other difference fails.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    vintage: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    of: str | None = None
    metric: str
    period: str
    value: float
    unit: str
    tolerance: float = Field(ge=0)
    basis: str
    use: str
    given: dict[str, str | int] = Field(default={}, alias="with")
    known_difference: float | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.known_difference is None) != (self.reason is None):
            raise ValueError(f"{self.id}: a known difference needs its reason in both languages, and the reverse")
        if (self.vintage is None) == (self.of is None):
            raise ValueError(f"{self.id}: say of which vintage it is, or of which seed")
        return self


class PublishedTotals(Strict):
    """The published figures of a source.

    queries: SQL that gives one figure and, second, the newest vintage behind it. A mart's name in braces, such as
    {seizures_monthly}, stands for that table as of the figure's vintage, and for the mart itself as it is today.
    """

    queries: dict[str, str] = Field(default={})
    totals: list[StatedTotal] = Field(default=[])

    @model_validator(mode="after")
    def _answered(self) -> Self:
        if unknown := {t.use for t in self.totals} - set(self.queries):
            raise ValueError(f"totals use the queries {sorted(unknown)}, which queries does not have")
        return self
