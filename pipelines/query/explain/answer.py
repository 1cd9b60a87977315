"""What explain answers: a figure, the steps that made it, the publisher's lines, and what was published when.

What belongs here: the shape of the answer and its text. What does not: finding any of it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel

from pipelines.core.types import Realm


class Line(BaseModel):
    """One record of a file, word for word, after its bytes were found to be those of the receipt.

    line is the line of a text file on which the record begins, or the row of a Parquet file or of a sheet (unit says
    which), from 1; null where the file has no such record, which is what a filled zero rests on. path is relative to
    the archive, or to the project for a seed; vintage and archive_id are null for a seed. member is the file inside a
    zip archive, or the sheet of a workbook. cells: header, or a cell's name in the sheet -> text.
    """

    source: str
    vintage: date | None
    archive_id: str | None
    file: str
    path: str
    member: str | None = None
    sha256: str
    line: int | None
    unit: Literal["line", "row"] = "line"
    record: str | None
    cells: dict[str, str] = {}
    key: dict[str, Any]
    role: str


class State(BaseModel):
    """One state of one key in history.<source>; values: value and annotation columns."""

    source: str
    key: dict[str, Any]
    change: str
    value_vintage: date
    first_vintage: date
    last_vintage: date | None
    replaced_vintage: date | None
    excerpt_vintages: list[date] = []
    values: dict[str, Any]

    @property
    def is_withdrawn(self) -> bool:
        """Whether the state says that a vintage no longer had the row."""
        return self.change == "withdrawn"


class Fact(BaseModel):
    """A released row that a figure is made of."""

    table: str
    key: dict[str, Any]
    values: dict[str, Any]


class Explanation(BaseModel):
    """The whole answer about one released row.

    steps: sentences, from the publisher's record to the released row. facts: the released rows it is made of, at most
    a limit; fact_count and nonzero_count count all of them. lines_left_out: records behind it that are not shown.
    history: every state of the shown records' keys, oldest first.
    """

    release_id: str
    realm: Realm
    table_schema: str = "marts"
    table: str
    key: dict[str, Any]
    row: dict[str, Any]
    steps: list[str]
    facts: list[Fact] = []
    fact_count: int = 0
    nonzero_count: int = 0
    lines: list[Line] = []
    lines_left_out: int = 0
    history: list[State] = []

    def text(self) -> str:
        """The answer as plain text, for a terminal."""
        out = ["SAMPLE: generated data, not official.", ""] if self.realm == "sample" else []
        out += [f"{self.table_schema}.{self.table} {pairs(self.key)} (release {self.release_id})"]
        out += [f"  {name}: {said(value)}" for name, value in self.row.items() if name not in self.key]
        out += ["", "How it was made"]
        out += [f"  {n}. {step}" for n, step in enumerate(self.steps, 1)]
        if self.facts:
            out += ["", f"Released rows it is made of ({self.fact_count}, {self.nonzero_count} of them not zero)"]
            out += [f"  {f.table} {pairs(f.key)}: {pairs(f.values)}" for f in self.facts]
        if self.lines:
            out += ["", "In the files"]
            out += [text for line in self.lines for text in _line_text(line)]
        if self.lines_left_out:
            out.append(f"  … and {self.lines_left_out} more records.")
        if self.history:
            out += ["", "What was published when"]
            out += [_state_text(state) for state in self.history]
        return "\n".join(out)


def said(value: Any) -> str:
    """A value as a person reads it; a missing one says so."""
    if value is None:
        return "(missing)"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def pairs(values: dict[str, Any]) -> str:
    """``name=value`` with a blank between, as explain takes it."""
    texts = {name: said(value) for name, value in values.items()}
    return " ".join(f"{name}='{text}'" if " " in text else f"{name}={text}" for name, text in texts.items())


def listed(values: list[str]) -> str:
    """``a, b and c``."""
    return values[0] if len(values) == 1 else ", ".join(values[:-1]) + " and " + values[-1]


def _line_text(line: Line) -> list[str]:
    vintage = f" {line.vintage}" if line.vintage else ""
    member = f" ({line.member})" if line.member else ""
    place = "no record with this key" if line.line is None else f"{line.unit} {line.line}"
    out = [f"  {line.source}{vintage}: {line.path}{member}, {place}", f"    {line.role}; sha256 {line.sha256}"]
    return out + [f"    {text}" for text in (line.record or "").splitlines()]


def _state_text(state: State) -> str:
    until = f" to {state.last_vintage}" if state.last_vintage else " until now"
    return f"  {state.source} {pairs(state.key)}: {state.change} {state.first_vintage}{until}: {pairs(state.values)}"
