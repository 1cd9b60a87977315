"""Columns of a source: as the publisher writes them, and as the clean frame has them."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from pipelines.catalog.base import Strict, Text


class RawColumn(Strict):
    """One column as the publisher writes it.

    id is our name for it while cleaning; names are the headers seen, any case and spacing.
    """

    id: str
    names: list[str] = Field(min_length=1)
    type: Literal["text", "integer", "number", "category"] = "text"
    unit: str | None = None
    required: bool = Field(default=True, description="the column must be in every file")
    nullable: bool = Field(default=False, description="a cell may be empty")
    categories: dict[str, str] | None = Field(default=None, description="publisher's value: our id")
    ignore: bool = Field(default=False, description="known, read by nobody")
    wide: str | None = Field(
        default=None,
        description="each of names is a column of its own and each of its cells a record: the title goes into this one",
    )
    pattern: str | None = Field(
        default=None, description="a family of ignored columns: regular expression that the whole folded header matches"
    )

    @model_validator(mode="after")
    def _categories(self) -> Self:
        if (self.type == "category") != bool(self.categories):
            raise ValueError(f"column {self.id}: type category goes with a list of categories")
        return self

    @model_validator(mode="after")
    def _wide(self) -> Self:
        if self.wide is not None and (self.ignore or self.type == "category"):
            raise ValueError(f"column {self.id}: the cells of a wide column are figures or texts that are read")
        return self

    @property
    def titles(self) -> list[RawColumn]:
        """The columns of the file: itself, or one for each name of a wide column, with that name as its id."""
        if self.wide is None:
            return [self]
        return [self.model_copy(update={"id": name, "names": [name], "wide": None}) for name in self.names]

    @model_validator(mode="after")
    def _pattern(self) -> Self:
        if self.pattern is not None:
            if not self.ignore:
                raise ValueError(f"column {self.id}: a pattern names ignored columns only; say ignore: true")
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"column {self.id}: {self.pattern!r} is no regular expression ({error})") from error
        return self


FRAME_TYPES = {"text": "String", "integer": "Int64", "number": "Float64", "date": "Date", "boolean": "Boolean"}
"""The Polars type of each type of a clean frame's column."""


class TidyColumn(Strict):
    """One column of the clean frame.

    A difference in a value is a revision; in an annotation, a note that changed while the figure did not;
    context stays in the clean frame and never reaches the history.
    """

    name: str
    type: Literal["text", "integer", "number", "date", "boolean"]
    role: Literal["key", "value", "annotation", "context"]
    unit: str | None = None
    tolerance: float = Field(default=0.0, ge=0, description="largest difference that is no revision")
    text: Text | None = Field(default=None, description="what it is; unset: as in the dictionary's shared columns")


def fold(text: str) -> str:
    """Header or category as compared: no outer space, single inner spaces, lower case."""
    return " ".join(text.replace("\ufeff", "").split()).casefold()
