"""Known upstream errors, as data: each with its reason, its evidence and a guard.

What belongs here: the shape of ``sources/corrections.yaml`` and setting the flags it asks for. What does
not: rules that hold for a whole source (its module). A published figure is never changed.

A correction acts only while the publisher's figures are as its guard says; once the publisher repairs
them it stops acting, and its count in the summary is 0.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, Literal, Self

import polars as pl
import yaml
from pydantic import Field, ValidationError, model_validator

from pipelines.catalog.base import Strict
from pipelines.catalog.load import FOLDER
from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_yaml

ROW = "_row"
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
    of the denominator, or with a sum of 0, there is no ratio and the correction does not act.
    """

    by: str
    numerator: list[Scalar] = Field(min_length=1)
    denominator: list[Scalar] = Field(min_length=1)
    above: float


class Correction(Strict):
    """One known error.

    match names its rows: key column -> value, list of values or span. expect and ratio are the guard:
    column -> published value or span, and a relation between rows.
    """

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    source: str
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
            raise ValueError(f"correction {self.id} has no guard: give expect or ratio, so that it stops once repaired")
        return self

    def check(self, source: Source) -> None:
        """Raise DrugflowError where the correction does not fit the frame of its source."""
        columns = {c.name: c for c in source.frame}
        used = [*self.match.items(), *self.expect.items()]
        if self.ratio:
            used += [(self.ratio.by, self.ratio.numerator), (self.ratio.by, self.ratio.denominator)]
        for name, wanted in used:
            if name not in columns:
                raise DrugflowError(f"corrections.yaml, {self.id}: {source.id} has no column {name!r}.")
            for value in _values(wanted):
                allowed = _PYTHON[columns[name].type]
                if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
                    raise DrugflowError(
                        f"corrections.yaml, {self.id}: {name} is {value!r}, expected a {columns[name].type}. "
                        "Quote a code such as '0901'; write a date as 2022-06-01."
                    )
        flag = columns.get(self.column)
        if flag is None or flag.type != "boolean" or flag.role != "annotation":
            raise DrugflowError(
                f"corrections.yaml, {self.id}: {self.column!r} is no boolean annotation of {source.id}."
            )


@cache
def load_corrections() -> list[Correction]:
    """All corrections of ``sources/corrections.yaml``.

    Raises DrugflowError where the file is not YAML, an entry is not a correction, or an id is there twice.
    """
    try:
        raw = read_yaml(FOLDER / "corrections.yaml") or []
        found = [Correction.model_validate(r) for r in raw]
    except (yaml.YAMLError, ValidationError) as error:
        raise DrugflowError(f"corrections.yaml does not list corrections: {error}") from error
    ids = [c.id for c in found]
    if twice := {i for i in ids if ids.count(i) > 1}:
        raise DrugflowError(f"corrections.yaml has the id {min(twice)!r} twice.")
    return found


def apply(
    source: Source, frame: pl.DataFrame, corrections: list[Correction] | None = None
) -> tuple[pl.DataFrame, dict[str, int]]:
    """The frame with flags set, and how many rows each correction of the source touched.

    corrections are those of ``sources/corrections.yaml`` unless given. Raises DrugflowError where one does not
    fit the source's frame.
    """
    counts: dict[str, int] = {}
    for correction in load_corrections() if corrections is None else corrections:
        if correction.source != source.id:
            continue
        correction.check(source)
        rows = _rows(source, frame, correction)
        counts[correction.id] = rows.len()
        if counts[correction.id]:
            hit = pl.row_index().is_in(rows.implode())
            frame = frame.with_columns((pl.col(correction.column) | hit).alias(correction.column))
    return frame, counts


def _rows(source: Source, frame: pl.DataFrame, correction: Correction) -> pl.Series:
    """Places in the frame of the rows that match and are as the guard says."""
    ratio = correction.ratio
    numbered = frame.with_row_index(ROW)
    if source.period in correction.match and (ratio is None or ratio.by != source.period):
        # Most entries speak of one month: texts are compared in its rows only.
        numbered = numbered.filter(_is(source.period, correction.match[source.period]))
    conditions = {c: _is(c, v) for c, v in correction.match.items()}
    found = numbered.filter(*conditions.values(), *(_is(c, v) for c, v in correction.expect.items()))
    if ratio is not None and found.height:
        value = pl.col(source.names("value")[0])
        place = [k for k in source.key if k != ratio.by]
        around = numbered.filter(
            *(c for name, c in conditions.items() if name != ratio.by),
            _is(ratio.by, [*ratio.numerator, *ratio.denominator]),
        )
        sums = {
            side: value.filter(_is(ratio.by, values)).sum()
            for side, values in (("numerator", ratio.numerator), ("denominator", ratio.denominator))
        }
        over = (
            around.group_by(place)
            .agg(**sums)
            .filter(pl.col("denominator") > 0, pl.col("numerator") > ratio.above * pl.col("denominator"))
        )
        found = found.join(over, on=place, how="semi")
    return found[ROW]


def _is(column: str, wanted: Span | list[Scalar] | Scalar) -> pl.Expr:
    if isinstance(wanted, Span):
        after = pl.col(column) >= pl.lit(wanted.first)
        before = pl.col(column) <= pl.lit(wanted.last)
        return before if wanted.first is None else after if wanted.last is None else after & before
    return pl.col(column).is_in(wanted) if isinstance(wanted, list) else pl.col(column) == pl.lit(wanted)


def _values(wanted: Any) -> list[Scalar]:
    if isinstance(wanted, Span):
        return [v for v in (wanted.first, wanted.last) if v is not None]
    return wanted if isinstance(wanted, list) else [wanted]
