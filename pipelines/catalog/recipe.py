"""The explain recipe of a released table: what one of its rows is made of, as data.

A recipe is the key ``explain`` of a table. It is a list of steps, which explain takes in order for the row that is
asked for: a sentence, released rows of other tables, a record of the row's source, a line of a seed, or a hook. Or it
is the reason why the table is not explained.

What belongs here: the shape of a recipe, and the mistakes that a recipe shows by itself. What does not: whether the
names that it mentions exist (recipe_check), following it for a row (query.explain).
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

PLACE = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?)\}")
"""A value inside a sentence: {column} of the row, or {name.column} of what an earlier step named."""
MANY = ("count", "nonzero", "total")
"""What a sentence may say of a named step with many rows: {name.count}, and so on; total is that of the figure."""
TERMS = "terms"
"""The same of a record with a list in its key: ``5 (a) + 7 (b)``."""

Hook = Literal["published_query"]
"""Steps that no recipe can say. Each is a function of pipelines/query/explain/hooks.py."""
T = TypeVar("T")


def _plain(value: Any) -> Any:
    for one in value if isinstance(value, list) else [value]:
        if one is not None and not isinstance(one, bool | int | float | date | str):
            raise ValueError("is no value or list of values")
    return value


Fixed = Annotated[Any, AfterValidator(_plain)]
"""A value, a list of values, or null."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Names = Annotated[list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]


class _Strict(BaseModel):
    """Unknown keys are errors: a misspelt key must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Value(_Strict):
    """``x`` or ``{is: x}``, a list for one of several, null for a missing one; ``{not: ...}`` for any other."""

    is_: Fixed = Field(default=None, alias="is")
    not_: Fixed = Field(default=None, alias="not")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: Any) -> Any:
        return raw if isinstance(raw, dict) else {"is": raw}

    @property
    def negates(self) -> bool:
        """Whether it names what the value must not be."""
        return "not_" in self.model_fields_set

    @property
    def fixed(self) -> Any:
        """The value or the values that it names, whether they must be or must not."""
        return self.not_ if self.negates else self.is_


class Test(_Value):
    """What a value must be. An empty list counts as missing. below and at_least compare numbers; none is missing."""

    __test__ = False  # pytest takes a class of this name for tests

    below: float | None = None
    at_least: float | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("must say one thing: a value, a list, or one of is, not, below and at_least")
        return self

    def holds(self, value: Any) -> bool:
        """Whether a value is as it must be."""
        if self.below is not None:
            return value is not None and bool(value < self.below)
        if self.at_least is not None:
            return value is not None and bool(value >= self.at_least)
        wanted = self.fixed if isinstance(self.fixed, list) else [self.fixed]
        return ((None if value == [] else value) in wanted) is not self.negates


When = dict[str, Test]
"""Every one must hold: column of the row, or name.column of an earlier step, -> what it must be."""


class Match(_Value):
    """What a column of another table must be for a row of this one: one of three kinds.

    Fixed, as in _Value.
    From the row: ``{column: c}``; of a list, any of its values. months_before goes that many months back, split parts
    a text at a sign into a list, day makes a date of a year, such as "07-01".
    A span of months, both ends included: two of its first month (``from``: a column of the row, or ``fiscal_year``:
    October before the year that a column names), its last (``to``: a column) and their number (``months``: a number,
    or a column that has it).
    """

    column: str | None = None
    months_before: int = 0
    split: str | None = None
    day: str | None = Field(default=None, pattern=r"^\d{2}-\d{2}$")
    from_: str | None = Field(default=None, alias="from")
    fiscal_year: str | None = None
    to: str | None = None
    months: Fixed = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = self.model_fields_set
        is_own = self.column is not None and given <= {"column", "months_before", "split", "day"}
        if not (given in ({"is_"}, {"not_"}) or is_own or self.is_span):
            raise ValueError(
                "must be a value, a list, {not: ...}, {column: ...} with months_before, split or day, or two of from "
                "(or fiscal_year), to and months"
            )
        if isinstance(self.fixed, list) and None in self.fixed:
            raise ValueError("has a null in its list, which no row is equal to: ask for null alone")
        return self

    @property
    def is_span(self) -> bool:
        """Whether it is a span of months."""
        given = self.model_fields_set
        ends = {"from_", "fiscal_year", "to", "months"}
        return len(given) == 2 and given <= ends and given != {"from_", "fiscal_year"}

    @property
    def is_one(self) -> bool:
        """Whether it leaves a single value, for whatever row."""
        if self.column is not None:
            return self.split is None
        return self.is_ is not None and not isinstance(self.is_, list)

    @property
    def columns(self) -> list[str]:
        """The columns of the row that it takes a value from."""
        named = [self.column, self.from_, self.fiscal_year, self.to, self.months]
        return [n for n in named if isinstance(n, str)]


class Choice(_Strict, Generic[T]):
    """One of several, by a column of the row; without a case and otherwise: nothing. A value alone is always it."""

    by: str | None = None
    cases: dict[Any, T] = {}
    otherwise: T | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: Any) -> Any:
        return raw if isinstance(raw, dict) else {"otherwise": raw}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.by is None) != (not self.cases) or not self.all:
            raise ValueError("is a value, or by with cases (and otherwise)")
        return self

    @property
    def all(self) -> list[T]:
        """Whatever it may be."""
        return [*self.cases.values(), *([] if self.otherwise is None else [self.otherwise])]

    def of(self, row: dict[str, Any]) -> T | None:
        """The one for a row."""
        return self.otherwise if self.by is None else self.cases.get(row.get(self.by), self.otherwise)


Say = Choice[str]
"""A sentence, with values in braces."""


class Filter(_Strict):
    """Which rows: those equal to this row in the columns of same, and that match where.

    A key of where is a column of the table, or ``dim_area.corridor_id`` for that of a dimension which one of the
    table's columns refers to.
    """

    same: list[str] = []
    where: dict[str, Match] = {}

    @property
    def matches(self) -> dict[str, Match]:
        """same and where together."""
        return {**{name: Match(column=name) for name in self.same}, **self.where}


class Narrowed(Filter):
    """A filter that holds for some rows only."""

    when: When


class Adds(_Strict):
    """That the figures, times a factor, add up to a column of the row: explain says so where they do not."""

    to: str
    times: Choice[float] = Choice(otherwise=1.0)


class Rows(Filter):
    """Released rows that the row is made of. A step that fixes the whole grain of its table is about one row.

    show: the columns to show; the first is the figure. order: the largest figure first, or by the grain. follow: go on
    to the records of these rows (of many, of those that are not zero).
    """

    table: str
    name: Name | None = Field(default=None, alias="as")
    narrow: list[Narrowed] = []
    show: Choice[Names]
    order: Literal["largest", "grain"] = "largest"
    follow: bool = False
    adds: Adds | None = None


class Record(_Strict):
    """The publisher's record of the row, or one for each value of a list in key.

    source: by default the row's source_id. key: what differs from the row's columns of the same names. vintage: the
    column with the newest vintage that covers the row. columns: the record's values that the row rests on; unset: all.
    absent and withdrawn: what it means that no vintage has it, or a newer one not any more. optional: ask for it only
    where some vintage has it. state: the column with the first vintage of one state; unset: the newest state.
    """

    name: Name | None = Field(default=None, alias="as")
    source: str | None = None
    key: dict[str, Match] = {}
    vintage: str = "vintage"
    columns: list[str] = []
    absent: Say = Choice(otherwise="No vintage has such a record.")
    withdrawn: Say = Choice(otherwise="It is left out.")
    optional: bool = False
    state: str | None = None
    adds: Adds | None = None

    @property
    def lists(self) -> list[str]:
        """The columns of the key that have a list of values."""
        return [name for name, match in self.key.items() if isinstance(match.is_, list)]


class Seed(_Strict):
    """The line of a seed that the row comes from. same: unset, the table's grain. absent: what it means without."""

    name: str
    same: list[str] = []
    absent: Say | None = None


class Step(_Strict):
    """One step: exactly one of say, rows, record, seed and hook. A text alone is a say.

    when: the step is for rows as it says. about: the step is about this column only, and left out where another table
    is explained by others of this one.
    """

    when: When = {}
    about: str | None = None
    say: Say | None = None
    rows: Rows | None = None
    record: Record | None = None
    seed: Seed | None = None
    hook: Hook | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: Any) -> Any:
        return {"say": raw} if isinstance(raw, str) else raw

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [k for k in ("say", "rows", "record", "seed", "hook") if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError(f"has {' and '.join(given) or 'nothing'}: a step is one of say, rows, record, seed, hook")
        return self

    @property
    def says(self) -> list[Say]:
        """Everything that it may say."""
        said = [self.say]
        if self.record is not None:
            said += [self.record.absent, self.record.withdrawn]
        if self.seed is not None:
            said.append(self.seed.absent)
        return [s for s in said if s is not None]


class Recipe(_Strict):
    """How a row of a table is explained. macro: the macro that makes both the table and its as-of twin.

    vintages: sentences where the usual one about vintage and first_vintage does not hold; the first that is for the row
    is said. not_explained: why the table has nothing to explain, as the end of a sentence that begins with its name.
    """

    macro: str | None = None
    steps: list[Step] = []
    vintages: list[Step] = []
    not_explained: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.steps) == bool(self.not_explained):
            raise ValueError("needs steps, or not_explained with the reason, and not both")
        for sentence in (s for step in [*self.steps, *self.vintages] for say in step.says for s in say.all):
            if {"{", "}"} & set(PLACE.sub("", sentence)):
                raise ValueError(f"has a brace that is no {{column}} or {{name.column}} in: {sentence}")
        return self
