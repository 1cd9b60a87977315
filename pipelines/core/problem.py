"""A problem is a value: its kind, the source and vintage it is about, where it lies, and details with names.

What belongs here: the value. What does not: its words (wording and the catalogue), the error that carries it (errors).
Whoever reads a problem asks for its kind; nobody asks what its sentence says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    model_serializer,
)

from pipelines.core.kinds import Kind
from pipelines.core.wording import ADVICE, Language, installation_language, knows, say

NOT_CONSERVED: frozenset[Kind] = frozenset({"chunk_lost_records", "resolve_lost_rows", "vintage_lost_records"})
"""Kinds of problem that say that a record went into cleaning and did not come out."""


class _Value(BaseModel):
    """Frozen, of known fields only, stored without what it does not say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_serializer(mode="wrap")
    def _sparse(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value not in (None, {})}


class Text(_Value):
    """One text in both languages."""

    en: str = Field(min_length=1)
    es: str = Field(min_length=1)

    def said(self, language: Language, advice: bool = True) -> str:
        """The text in a language."""
        return self.en if language == "en" else self.es


class Phrase(_Value):
    """A part of a sentence, or a sentence that is about no problem: a key of the catalogue and its values."""

    phrase: str
    detail: dict[str, Value] = {}

    @classmethod
    def of(cls, phrase: str, /, **detail: Any) -> Self:
        """The phrase with these values; see Problem.of."""
        return cls(phrase=phrase, detail={name: value_of(v) for name, v in detail.items()})

    def said(self, language: Language, advice: bool = True) -> str:
        """Its words in a language."""
        return say(self.phrase, self.detail, language, advice)

    def __str__(self) -> str:
        return self.said(installation_language())


class Where(_Value):
    """The place of a problem: a file or folder, a line of it (from 1), a column by the publisher's title."""

    file: str | None = None
    line: int | None = None
    column: str | None = None


class Problem(_Value):
    """What went wrong. vintage: the archive's folder of it. detail: the values that its words name."""

    kind: Kind
    source: str | None = None
    vintage: str | None = None
    where: Where = Where()
    detail: dict[str, Value] = {}

    @classmethod
    def of(
        cls,
        kind: Kind,
        /,
        *,
        source: str | None = None,
        vintage: str | None = None,
        file: Path | str | None = None,
        line: int | None = None,
        column: str | None = None,
        **detail: Any,
    ) -> Self:
        """A problem of a kind. Paths and days become texts; what carries a problem becomes that problem."""
        where = Where(file=None if file is None else str(file), line=line, column=column)
        values = {name: value_of(v) for name, v in detail.items()}
        return cls(kind=kind, source=source, vintage=vintage, where=where, detail=values)

    def at(self, source: str, vintage: str | None = None) -> Self:
        """The problem as one of a source and a vintage."""
        return self.model_copy(update={"source": source, "vintage": vintage or self.vintage})

    @property
    def causes(self) -> list[Problem]:
        """The problems that this one tells of, and those that they tell of."""
        own = [v for value in self.detail.values() for v in (value if isinstance(value, list) else [value])]
        found = [v for v in own if isinstance(v, Problem)]
        return [p for cause in found for p in (cause, *cause.causes)]

    @property
    def kinds(self) -> set[Kind]:
        """Its own kind and those of its causes."""
        return {self.kind, *(p.kind for p in self.causes)}

    @property
    def _values(self) -> Mapping[str, Any]:
        return {"source": self.source, "vintage": self.vintage, **dict(self.where), **self.detail}

    def said(self, language: Language, advice: bool = True) -> str:
        """What happened in a language and, with advice, what to do."""
        told = say(self.kind, self._values, language, advice)
        return f"{told} {self.advice(language)}".rstrip() if advice else told

    def advice(self, language: Language) -> str:
        """What to do about any problem of this kind; empty where its words say it all."""
        return say(self.kind + ADVICE, self._values, language) if knows(self.kind + ADVICE) else ""

    def __str__(self) -> str:
        """What happened and what to do, in the installation's language."""
        return self.said(installation_language())


_One = str | bool | int | float | None | Problem | Phrase | Text
Value = _One | list[_One]
"""What a detail can be: what JSON can hold, and whatever has words of its own."""


def as_told(sentence: str) -> Problem:
    """A sentence of the version before, or of another program, as a problem that is worded as it is."""
    return Problem.of("as_told", sentence=sentence)


def problem_of(value: Problem | str) -> Problem:
    """A problem, or a sentence as the problem that it tells."""
    return as_told(value) if isinstance(value, str) else value


def read_problem(stored: Any) -> Problem:
    """A problem of a stored document: its fields, or the sentence that a version before stored."""
    return Problem.model_validate(problem_of(stored))


Stored = Annotated[Problem, BeforeValidator(problem_of)]
"""A problem in a stored document; one of a version that stored sentences is read as told."""


def value_of(value: Any) -> Any:
    """A value as a detail holds it."""
    if value is None or isinstance(value, str | bool | int | float | _Value):
        return value
    if isinstance(carried := getattr(value, "problem", None), Problem):
        return carried
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Iterable) and not isinstance(value, Path):
        return [value_of(v) for v in value]
    return str(value)


Phrase.model_rebuild()
Problem.model_rebuild()


_REASON: TypeAdapter[Phrase | Text] = TypeAdapter(Phrase | Text)


def record_problem(row: dict[str, Any]) -> Problem:
    """A rejected record, as its row says, as a problem: one of a category that the YAML lacks is a kind of its own."""
    reason = _REASON.validate_json(row["told"])
    is_new = isinstance(reason, Phrase) and reason.phrase == "reason.unknown_category"
    where = {"file": row["file"], "line": row["line"]}
    named = row["column"] or Phrase.of("phrase.the_record")
    value = [] if row["value"] is None else [repr(row["value"])]
    kind: Kind = "category_unknown" if is_new else "record_rejected"
    return Problem.of(kind, **where, title=named, told=[*value, reason])
