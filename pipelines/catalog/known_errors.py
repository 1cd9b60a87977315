"""Known upstream errors, as data: each with its reason, its evidence and a guard.

What belongs here: the shape of an entry of ``known_errors`` and its fit with the frame of the source. What does not:
setting the flags that it asks for (clean.known_errors), rules that hold for a whole source (its clean.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pipelines.catalog.base import Strict
from pipelines.catalog.columns import TidyColumn

Scalar = bool | int | float | date | str
_PYTHON: dict[str, tuple[type, ...]] = {
    "text": (str,), "integer": (int,), "number": (int, float), "date": (date,), "boolean": (bool,),
}  # fmt: skip


class Span(Strict):
    """From first to last, both included; an end that is not given is open."""

    first: Scalar | None = None
    last: Scalar | None = None

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.first is None and self.last is None:
            raise ValueError("a span needs first, last or both")
        return self


class Ratio(Strict):
    """Guard over several rows of one place and period: sum of some figures over the sum of others.

    The rows share every key column but ``by``. ``numerator`` and ``denominator`` list values of ``by``. Without a row
    of the denominator, or with a sum of 0, there is no ratio and the entry does not act.
    """

    by: str
    numerator: list[Scalar] = Field(min_length=1)
    denominator: list[Scalar] = Field(min_length=1)
    above: float


class KnownError(Strict):
    """One known error of the publisher. A published figure is never changed.

    match names its rows: key column -> value, list of values or span. expect and ratio are the guard: column ->
    published value or span, and a relation between rows. The entry acts only while the published figures are as the
    guard says; once the publisher repairs them it stops acting.
    """

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    match: dict[str, Span | list[Scalar] | Scalar] = Field(min_length=1)
    expect: dict[str, Span | Scalar] = Field(default_factory=dict)
    ratio: Ratio | None = None
    action: Literal["flag"] = "flag"
    column: str = Field(description="boolean annotation that becomes true")
    reason: str = Field(min_length=10)
    evidence: str = Field(min_length=10)
    status: Literal["open", "reported", "repaired"]

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if not self.expect and self.ratio is None:
            raise ValueError(f"known error {self.id} has no guard: give expect or ratio, so that it ends once repaired")
        return self

    def check(self, columns: Mapping[str, TidyColumn]) -> None:
        """Raise ValueError where the entry does not fit the frame, given by its columns' names."""
        used = [*self.match.items(), *self.expect.items()]
        if self.ratio:
            used += [(self.ratio.by, self.ratio.numerator), (self.ratio.by, self.ratio.denominator)]
        for name, wanted in used:
            if name not in columns:
                raise ValueError(f"known error {self.id} names {name!r}, which frame does not have")
            for value in _values(wanted):
                allowed = _PYTHON[columns[name].type]
                if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
                    raise ValueError(
                        f"known error {self.id}: {name} is {value!r}, expected a {columns[name].type}. "
                        "Quote a code such as '0901'; write a date as 2022-06-01."
                    )
        flag = columns.get(self.column)
        if flag is None or flag.type != "boolean" or flag.role != "annotation":
            raise ValueError(f"known error {self.id}: {self.column!r} is no boolean annotation of the frame")


def _values(wanted: Any) -> list[Scalar]:
    if isinstance(wanted, Span):
        return [v for v in (wanted.first, wanted.last) if v is not None]
    return wanted if isinstance(wanted, list) else [wanted]
