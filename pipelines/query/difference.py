"""What changed between two releases: the shape of the answer and its text.

What belongs here: counts, examples and their words. What does not: comparing (diff).
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel

from pipelines.core.types import Realm
from pipelines.core.wording import say

RowChange = Literal["added", "removed", "withdrawn", "revised", "annotated", "vintage_only"]

_PERIODS = 6


class Period(BaseModel):
    """A period that one of the releases lacks. period: first day of the month, or the year."""

    period: date | int
    rows: int


class Example(BaseModel):
    """One row that changed. column is null for a row that one of the releases lacks."""

    what: RowChange
    key: dict[str, Any]
    column: str | None = None
    old: Any = None
    new: Any = None


class TableDifference(BaseModel):
    """One fact table. Every row of it is counted once at most; counts are exact, examples are the largest changes.

    new_periods and dropped_periods: periods that only b, or only a, has. added_rows and removed_rows: rows of other
    periods that only one of the two has. withdrawn_rows: a figure that a newer vintage no longer has (a seizure that
    became a filled zero, deaths with the reason withdrawn). revised_rows: a figure moved beyond its tolerance, revised
    counts figures by column. annotated_rows: flags, percents and other notes alone. vintage_only_rows: source_id,
    vintage or first_vintage alone. new_columns and dropped_columns are not compared.
    """

    table: str
    rows_a: int
    rows_b: int
    new_periods: list[Period] = []
    dropped_periods: list[Period] = []
    added_rows: int = 0
    removed_rows: int = 0
    withdrawn_rows: int = 0
    revised_rows: int = 0
    revised: dict[str, int] = {}
    annotated_rows: int = 0
    annotated: dict[str, int] = {}
    vintage_only_rows: int = 0
    new_columns: list[str] = []
    dropped_columns: list[str] = []
    examples: list[Example] = []

    @property
    def is_empty(self) -> bool:
        """Whether the two tables hold the same."""
        return not any(v for name, v in self if name not in ("table", "rows_a", "rows_b"))


class CheckChange(BaseModel):
    """A check of meta.checks that turned, or that failed and was not there before."""

    what: Literal["turned_failed", "turned_passed", "new_failure"]
    stage: str
    source_id: str | None
    vintage: date | None
    check_name: str
    severity: str
    failing_rows: int | None
    detail: str | None


class VintageChange(BaseModel):
    """A vintage whose state differs; null where a release does not know it."""

    source_id: str
    vintage: date
    archive_id: str
    was: str | None
    now: str | None
    problem: str | None


class FreshnessChange(BaseModel):
    """A source whose freshness is another word, both read today."""

    source_id: str
    was: str | None
    now: str | None


class Difference(BaseModel):
    """What changed from release a to release b."""

    a: str
    b: str
    realm: Realm
    tables: list[TableDifference] = []
    new_tables: list[str] = []
    dropped_tables: list[str] = []
    checks: list[CheckChange] = []
    vintages: list[VintageChange] = []
    freshness: list[FreshnessChange] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        lists = (self.new_tables, self.dropped_tables, self.checks, self.vintages, self.freshness)
        return not any(lists) and all(t.is_empty for t in self.tables)

    def text(self) -> str:
        """The difference as plain text for a terminal, in the installation's language."""
        out = [say("diff.sample", {})] if self.realm == "sample" else []
        out.append(say("diff.title", {"a": self.a, "b": self.b}))
        if self.is_empty:
            return "\n".join([*out, f"  {say('diff.nothing_changed', {})}"])
        for table in self.tables:
            out += _table_text(table)
        out += ["\n" + say("diff.new_table", {"table": name}) for name in self.new_tables]
        out += ["\n" + say("diff.table_gone", {"table": name}) for name in self.dropped_tables]
        out += _section(say("diff.vintages", {}), [_vintage_text(v) for v in self.vintages])
        out += _section(say("diff.checks", {}), [_check_text(c) for c in self.checks])
        freshness = [f"{f.source_id}: {_turn(f.was, f.now)}" for f in self.freshness]
        out += _section(say("diff.freshness", {}), freshness)
        same = [t.table for t in self.tables if t.is_empty]
        out += _section(say("diff.unchanged", {}), [", ".join(same)] if same else [])
        return "\n".join(out)


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _table_text(table: TableDifference) -> list[str]:
    if table.is_empty:
        return []
    out = [_periods("new", table.new_periods), _periods("dropped", table.dropped_periods)]
    counts = [
        ("added", table.added_rows, {}),
        ("removed", table.removed_rows, {}),
        ("withdrawn", table.withdrawn_rows, {}),
        ("revised", table.revised_rows, table.revised),
        ("annotated", table.annotated_rows, table.annotated),
        ("vintage_only", table.vintage_only_rows, {}),
    ]
    out += [say(f"diff.{what}", {"count": n, "columns": _by_column(columns)}) for what, n, columns in counts if n]
    out += [say("diff.new_columns", {"columns": table.new_columns})] if table.new_columns else []
    out += [say("diff.dropped_columns", {"columns": table.dropped_columns})] if table.dropped_columns else []
    out += [_example_text(e) for e in table.examples]
    title = say("diff.table", {"table": table.table, "before": table.rows_a, "after": table.rows_b})
    return _section(title, [line for line in out if line])


def _by_column(counts: dict[str, int]) -> str:
    return f" ({', '.join(f'{name} {count:,}' for name, count in counts.items())})" if counts else ""


def _periods(which: str, periods: list[Period]) -> str:
    """A few periods one by one, many as a span."""
    if len(periods) > _PERIODS:
        rows = sum(p.rows for p in periods)
        ends = {"first": periods[0].period, "last": periods[-1].period}
        return say(f"diff.{which}_span", {"periods": len(periods), **ends, "rows": rows})
    named = [say("diff.period", {"period": p.period, "rows": p.rows}) for p in periods]
    return say(f"diff.{which}_periods", {"named": named}) if periods else ""


def _example_text(example: Example) -> str:
    told = {"what": say(f"diff.example_{example.what}", {}), "place": _place(example)}
    if example.column is None:
        return say("diff.example", told)
    old, new = (say("diff.missing", {}) if v is None else str(v) for v in (example.old, example.new))
    return say("diff.example_figure", {**told, "column": example.column, "old": old, "new": new})


def _place(example: Example) -> str:
    return " ".join(f"{name}={value}" for name, value in example.key.items())


def _vintage_text(change: VintageChange) -> str:
    problem = f": {change.problem}" if change.problem else ""
    return f"{change.source_id} {change.archive_id}: {_turn(change.was, change.now)}{problem}"


def _turn(was: str | None, now: str | None) -> str:
    old, new = (say(f"state.{word}" if word else "diff.not_there", {}) for word in (was, now))
    return f"{old} -> {new}"


def _check_text(change: CheckChange) -> str:
    about = " ".join(str(v) for v in (change.source_id, change.vintage) if v is not None)
    detail = f": {change.detail}" if change.detail and change.what != "turned_passed" else ""
    place = f"{change.severity}, {about}" if about else change.severity
    return f"{change.stage} {change.check_name} ({place}): {say(f'diff.{change.what}', {})}{detail}"
