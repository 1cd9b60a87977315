"""A source of one figure per place and month, for tests of how its vintages are judged."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pipelines.archive.decisions import Exemption
from pipelines.catalog.load import DESCRIPTION, load_source
from pipelines.catalog.source import Source
from pipelines.core.problem import Phrase, Problem
from pipelines.quality.expectations import default_expectations
from pipelines.quality.run import Candidate, Rules, judge
from pipelines.quality.verdict import Check, Verdict
from tests.unit.tried import described

JANUARY, FEBRUARY, MARCH = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)
SCHEMA = {"place": pl.String, "month": pl.Date, "events": pl.Int64, "is_noted": pl.Boolean}
EXPECTATIONS: list[dict[str, Any]] = [
    {
        "id": "key_unique",
        "type": "expect_compound_columns_to_be_unique",
        "kwargs": {"column_list": ["place", "month"]},
        "why": "A second figure would be counted twice.",
    },
    {
        "id": "events_range",
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "events", "min_value": 0},
        "why": "A count is never negative.",
    },
    {
        "id": "events_usual",
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "events", "max_value": 100},
        "severity": "warning",
        "why": "More than a hundred is unusual.",
    },
    {
        "id": "coverage_did_not_shrink",
        "batch": "coverage",
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "share_of_known_rows", "min_value": 0.95},
        "why": "A release repeats the rows of the one before.",
    },
]
Rows = list[tuple[str, date, int | None]]
PLACES = [f"port {n:02}" for n in range(20)]
GOOD: Rows = [(place, month, 5) for place in PLACES for month in (JANUARY, FEBRUARY)]


class Bench:
    """A source of one figure per place and month, its vintages on disk, and their verdicts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger: list[Exemption] = []
        self.candidates: dict[str, Candidate] = {}
        self._yaml = folder / "tried" / DESCRIPTION
        self._yaml.parent.mkdir()
        self.describe(EXPECTATIONS)

    def describe(self, expectations: list[dict[str, Any]]) -> None:
        """Write the source's YAML with these expectations."""
        text = described(
            frame=[
                {"name": "place", "type": "text", "role": "key"},
                {"name": "month", "type": "date", "role": "key"},
                {"name": "events", "type": "integer", "role": "value"},
                {"name": "is_noted", "type": "boolean", "role": "annotation"},
            ],
            expectations=expectations,
            overrides={e.id: {"left_out": "The test asks its own."} for e in default_expectations()},
        )
        self._yaml.write_text(yaml.safe_dump(text, allow_unicode=True), "utf-8")
        self.source: Source = load_source(self._yaml)

    def add(
        self, vintage: str, rows: Rows, *, partial: bool = False, problem: Problem | None = None, rejected: int = 0
    ) -> None:
        """A cleaned vintage, or one that could not be read, or one some of whose records could not."""
        place = self.folder / "clean" / vintage
        place.mkdir(parents=True, exist_ok=True)
        frame = pl.DataFrame([(*r, False) for r in rows], schema=SCHEMA, orient="row").sort("month", "place")
        frame = frame.with_columns(file=pl.lit("data.csv")).with_row_index("line", offset=2)
        frame.with_columns(pl.col("line").cast(pl.Int64)).write_parquet(place / "clean.parquet")
        frame.select(
            scope=pl.lit(""), first_period=pl.col("month").min(), last_period=pl.col("month").max()
        ).unique().write_parquet(place / "coverage.parquet")
        reason = Phrase.of("reason.not_a_value", expected=Phrase.of("value.number"))
        told = {"file": "data.csv", "line": 7, "column": "Value", "value": "many", "told": reason.model_dump_json()}
        pl.DataFrame([told] * rejected, schema=dict.fromkeys(told, pl.String) | {"line": pl.Int64}).write_parquet(
            place / "rejected.parquet"
        )
        content = str(sorted(rows)) + str(rejected)
        records = len(rows) + rejected
        self.candidates[vintage] = Candidate(vintage, vintage[:10], place, content, partial, problem, records, rejected)

    def judge(self) -> dict[str, Verdict]:
        """A verdict by vintage, judged oldest first."""
        rules = Rules(self.source, {}, self._yaml.read_text("utf-8"))
        found = judge(rules, [self.candidates[v] for v in sorted(self.candidates)], self.verdicts, self.ledger)
        return {v.archive_id: v for v in found}

    @property
    def verdicts(self) -> Path:
        """Where verdicts lie."""
        return self.folder / "quality"

    def states(self) -> list[str]:
        """The state of each vintage, oldest first."""
        return [v.state for v in self.judge().values()]


def check(verdict: Verdict, name: str) -> Check:
    """One check of a verdict."""
    return next(c for c in verdict.checks if c.id == name)


def changed(rows: Rows, at: int, events: int) -> Rows:
    """The rows with another figure at one place."""
    return [(place, month, events if n == at else e) for n, (place, month, e) in enumerate(rows)]


def stamps(folder: Path) -> dict[str, int]:
    """Identity of each stored verdict; a verdict that is made again is another file."""
    return {p.name: p.stat().st_ino for p in folder.glob("tried/*.json")}
