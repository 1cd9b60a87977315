"""A caution: a trap that a reader of the tables must know, and the rule that says which tables have it.

What belongs here: what a description or a table file says. What does not: the tables that a rule reaches (lineage).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pipelines.catalog.base import Strict, Text


class Trap(Strict):
    """What an analyst must know before quoting a table; shipped in meta.cautions."""

    code: str = Field(pattern=r"^[a-z0-9_]+$")
    text: Text
    evidence: str | None = None


class Reach(Strict):
    """Which tables a caution is about. A rule, so that a new mart has the cautions of what it is built from.

    about: all, the marts that are built from the source whose description says it. built_from: a mart or another
    source; that mart itself and the marts that are built from it. column: of these, those that have the column. except:
    tables of the rule that the caution is not about; also: tables that the rule does not reach. A dimension has no
    figures, so only also names one.
    """

    about: Literal["all"] | None = None
    built_from: str | None = None
    column: str | None = None
    also: list[str] = Field(default=[])
    but: list[str] = Field(default=[], alias="except")

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.about is None) == (self.built_from is None):
            raise ValueError("says either about: all or built_from: a table or a source")
        return self


class Caution(Trap):
    """A trap of a source, and which tables have it."""

    tables: Reach
