"""Facts that a source declares in its YAML: kinds that many sources have, with this source's columns.

What belongs here: the shape of a declaration. What does not: computing the fact (quality.declared), facts that need
Python (the source's facts.py), bounds (the expectations).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipelines.catalog.base import Strict

Scalar = bool | int | float | str
Match = dict[str, Scalar | list[Scalar]]
"""Rows by their values: column of the frame -> its value, or the list of its values."""


class Steady(Strict):
    """Series that had a row in each of twelve months and have none in the next: ``quality.completeness.steady_absent``.

    series: the columns that make a series; weight: the column that tells how much an absent one weighs; where: the rows
    looked at; least: the weight of twelve months from which on a series counts.
    """

    kind: Literal["steady"]
    series: list[str] = Field(min_length=1)
    weight: str
    where: Match = Field(default={})
    least: int = 0

    @property
    def columns(self) -> set[str]:
        """Columns of the frame that it names."""
        return {*self.series, self.weight, *self.where}


class NewestRows(Strict):
    """Rows in the two newest months over the average of the twelve months before, by some columns.

    Gives ``share_of_usual_rows``.
    """

    kind: Literal["newest_rows"]
    by: list[str] = Field(min_length=1)

    @property
    def columns(self) -> set[str]:
        """Columns of the frame that it names."""
        return set(self.by)


class RowCount(Strict):
    """Rows that are counted in each group: ``rows``, 0 where a group has none of them.

    by: the columns of a group; without them the whole vintage is one. among: the rows that make groups; where and
    besides: the rows counted and those of them left out. An excerpt gives no count unless of_excerpts says so, because
    it leaves rows out.
    """

    kind: Literal["row_count"]
    by: list[str] = Field(default=[])
    among: Match = Field(default={})
    where: Match = Field(default={})
    besides: Match = Field(default={})
    of_excerpts: bool = False

    @property
    def columns(self) -> set[str]:
        """Columns of the frame that it names."""
        return {*self.by, *self.among, *self.where, *self.besides}


class SumOfParts(Strict):
    """A whole less the sum of its parts in each group: ``whole_minus_parts``.

    among: the rows looked at; besides: those of them left out; whole: which of the rest is the whole. All others are
    its parts. A group without a figure of the whole is left out; so is one without a figure of each part, where the
    number of parts is given.
    """

    kind: Literal["sum_of_parts"]
    value: str
    by: list[str] = Field(min_length=1)
    whole: Match = Field(min_length=1)
    among: Match = Field(default={})
    besides: Match = Field(default={})
    parts: int | None = Field(default=None, gt=0)

    @property
    def columns(self) -> set[str]:
        """Columns of the frame that it names."""
        return {self.value, *self.by, *self.whole, *self.among, *self.besides}


DeclaredFact = Annotated[Steady | NewestRows | RowCount | SumOfParts, Field(discriminator="kind")]
