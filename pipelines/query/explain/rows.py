"""The rows of a mart that a step of a recipe speaks of: its filters as a query.

What belongs here: from filters and one row to rows of another table. What does not: what is said of them (follow).
Names of columns come from the dictionary, and every value is a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipelines.catalog.recipe import Match
from pipelines.catalog.recipe_check import reference
from pipelines.catalog.table import Table
from pipelines.query.explain.current import Current, Row, quoted


@dataclass(frozen=True)
class Found:
    """Rows of a mart. total: sum of the figure over all of them, as DECIMAL with six places, as the models add."""

    rows: list[Row]
    total: float


@dataclass
class _Query:
    table: Table
    conditions: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    joins: dict[str, str] = field(default_factory=dict)

    def add(self, key: str, match: Match, row: Row) -> None:
        column = self._column(key)
        if match.is_span:
            self._where(f"{column} between ? and ?", *months(match, row))
            return
        wanted = value_of(match, row)
        words = ("is distinct from", "not in", "is not null") if match.negates else ("=", "in", "is null")
        if wanted is None and not match.column:
            self._where(f"{column} {words[2]}")
        elif isinstance(wanted, list):
            marks = ", ".join("?" for _ in wanted)
            self._where(f"{column} {words[1]} ({marks})" if wanted else "false", *wanted)
        else:
            self._where(f"{column} {words[0]} ?", wanted)

    def _where(self, condition: str, *values: Any) -> None:
        self.conditions.append(condition)
        self.values += values

    def _column(self, key: str) -> str:
        if (found := reference(self.table, key)) is None:
            return f'this."{key}"'
        own, dimension, column = found
        theirs = next(c.refers.split(".")[1] for c in self.table.columns if c.name == own and c.refers)
        self.joins[dimension] = f'join marts."{dimension}" on this."{own}" = "{dimension}"."{theirs}"'
        return f'"{dimension}"."{column}"'


def find(
    current: Current, table: Table, filters: Iterable[tuple[str, Match]], row: Row, figure: str, order: str
) -> Found:
    """Rows of the table that fit, the largest figure first or in the order of the grain."""
    query = _Query(table)
    for key, match in filters:
        query.add(key, match, row)
    grain = [f'this."{g}"' for g in table.grain]
    by = [f'this."{figure}" desc', *grain] if order == "largest" else grain
    found = current.rows(
        f'select this.*, cast(sum(try_cast(this."{figure}" as decimal(18, 6))) over () as double) as "(total)" '
        f"from {quoted(table)} as this {' '.join(query.joins.values())} "
        f"where {' and '.join(query.conditions) or 'true'} order by {', '.join(by)}",
        query.values,
    )
    total = found[0]["(total)"] if found else None
    return Found([{k: v for k, v in r.items() if k != "(total)"} for r in found], total or 0.0)


def value_of(match: Match, row: Row) -> Any:
    """The value, or the list of values, that a match without months asks for."""
    if match.column is None:
        return match.fixed
    value = row.get(match.column)
    if value is None:
        return None
    if match.split:
        return str(value).split(match.split)
    if match.day:
        return date.fromisoformat(f"{value}-{match.day}")
    return shifted(value, -match.months_before) if match.months_before else value


def months(match: Match, row: Row) -> tuple[date | None, date | None]:
    """First and last month of a span; (None, None) for a row that lacks one of them, which no month is between."""
    count = row.get(match.months) if isinstance(match.months, str) else match.months
    first = row.get(match.from_) if match.from_ else None
    if match.fiscal_year and (year := row.get(match.fiscal_year)) is not None:
        first = date(year - 1, 10, 1)
    last = row.get(match.to) if match.to else None
    if first is None and last is not None and count is not None:
        first = shifted(last, 1 - count)
    if last is None and first is not None and count is not None:
        last = shifted(first, count - 1)
    return (None, None) if first is None or last is None else (first, last)


def shifted(month: date, by: int) -> date:
    """The month that is so many months later."""
    count = month.year * 12 + month.month - 1 + by
    return month.replace(year=count // 12, month=count % 12 + 1)
