"""A released table and its columns: what one table file must say.

What belongs here: the shape of a table's description and the checks that it alone can fail. What does not: finding
and joining the files (dictionary), building tables (dbt), exporting them (release).
"""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.catalog.caution import Trap
from pipelines.catalog.recipe import Recipe
from pipelines.catalog.source import Subject

Schema = Literal["marts", "history", "meta"]
_NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
_COLUMN = r"^dim_[a-z_]+\.[a-z][a-z0-9_]*$"
_TYPE = r"^(VARCHAR|BOOLEAN|INTEGER|BIGINT|DOUBLE|DATE|TIMESTAMP)(\[\])?$"


class _Strict(BaseModel):
    """Unknown keys are errors: a misspelt key must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)


class Column(_Strict):
    """One released column. check lists the only values it may have (nulls aside): a mart refuses any other.

    refers names the dimension's column that holds each of its values: dbt tests it (in the dimension itself
    it is the key, and nothing is tested).
    """

    name: str = Field(pattern=_NAME)
    type: str = Field(pattern=_TYPE, description="DuckDB type")
    unit: str | None = None
    nullable: bool = False
    en: str = Field(min_length=1)
    es: str = Field(min_length=1)
    null_en: str | None = Field(default=None, description="when and why it is null")
    null_es: str | None = None
    check: list[str] = []
    refers: str | None = Field(default=None, pattern=_COLUMN)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        rule = bool(self.null_en), bool(self.null_es)
        if self.nullable and not all(rule):
            raise ValueError("may be null, so null_en and null_es must say when and why")
        if not self.nullable and any(rule):
            raise ValueError("has a null rule but is not nullable: set nullable or remove the rule")
        if self.check and self.type != "VARCHAR":
            raise ValueError(f"has a list of accepted values, which is for VARCHAR, not for {self.type}")
        return self

    @property
    def text_en(self) -> str:
        """English text, with the values of check where it does not name them: a reader must filter on them."""
        return self._naming(self.en, "Values")

    @property
    def text_es(self) -> str:
        """The same in Spanish."""
        return self._naming(self.es, "Valores")

    @property
    def comment(self) -> str:
        """English text with unit and null rule, as COMMENT ON and dbt show it."""
        unit = f"Unit: {self.unit}." if self.unit else None
        return " ".join(text for text in (self.text_en, unit, self.null_en) if text)

    def _naming(self, text: str, word: str) -> str:
        named = set(self.check) <= set(re.findall(r"\w+", text))
        return text if named else f"{text} {word}: {', '.join(self.check)}."


class OwnCaution(Trap):
    """A trap of one table and of what is built from it. source: the one that it is about, where it is about one."""

    source: str | None = None


class Table(_Strict):
    """One released table or view. grain names the columns that tell its rows apart.

    Its name, schema, subject and maker come from the place of its file (dictionary). made_by: dbt has a model of that
    name; history writes the Parquet file; release writes the table when a release is assembled.
    """

    name: str = Field(pattern=_NAME)
    table_schema: Schema = Field(alias="schema")
    subject: Subject | Literal["shared"] | None = Field(default=None, description="of a mart: its folder")
    made_by: Literal["dbt", "history", "release"]
    en: str = Field(min_length=1)
    es: str = Field(min_length=1)
    grain: list[str] = Field(min_length=1)
    position: int | None = Field(default=None, description="rank among the tables of its schema; unset: last, by name")
    built_from: list[str] = Field(default=[], description="sources whose lists a seed has; dbt cannot know")
    as_of: str | None = Field(default=None, pattern=_NAME, description="table macro that gives it as known on a date")
    columns: list[Column] = Field(min_length=1)
    cautions: list[OwnCaution] = []
    explain: Recipe | None = Field(default=None, description="what a row of it is made of")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [c.name for c in self.columns]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"has {', '.join(twice)} twice")
        if missing := sorted(set(self.grain) - set(names)):
            raise ValueError(f"has {', '.join(missing)} in its grain but not among its columns")
        loose = sorted(c.name for c in self.columns if c.name in self.grain and c.nullable)
        if loose and self.table_schema != "meta":
            raise ValueError(f"has {', '.join(loose)} in its grain, which may be null: a key is never null")
        return self

    @property
    def full_name(self) -> str:
        """Schema and name, as in a query."""
        return f"{self.table_schema}.{self.name}"
