"""What the description of one source must say: the model of its YAML file.

What belongs here: the shape of a source's description and the checks that YAML alone can fail.
What does not: reading data files (clean), fetching (ingest), judging values (quality).
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from pipelines.catalog.base import Strict, Text
from pipelines.catalog.caution import Caution
from pipelines.catalog.columns import RawColumn, TidyColumn, fold
from pipelines.catalog.expectations import Expectation, Override
from pipelines.catalog.facts import DeclaredFact
from pipelines.catalog.known_errors import KnownError
from pipelines.catalog.totals import PublishedTotals
from pipelines.core.errors import DrugflowError
from pipelines.core.settings import SEEDS

Cadence = Literal["weekly", "monthly", "quarterly", "half_yearly", "yearly"]
LONGEST_DAYS: dict[Cadence, int] = {"weekly": 7, "monthly": 31, "quarterly": 92, "half_yearly": 184, "yearly": 366}
"""Longest time between two periods, in days."""
Subject = Literal["seizures", "deaths", "crossings", "mexico", "southbound"]


class Licence(Strict):
    """Terms under which the publisher releases the data."""

    id: str
    text: str
    url: str | None = None


class Fetch(Strict):
    """How the live origin gets the files; hosts is the allow-list, also after redirects."""

    kind: Literal["socrata", "document_page", "files", "manual"]
    hosts: list[str] = Field(default=[])
    url: str | None = None
    dataset: str | None = None
    link_pattern: str | None = Field(default=None, description="path of a data file; group released is its month")
    paged: bool = Field(default=False, description="socrata: by pages in row order instead of the whole export")
    page_rows: int = Field(default=50_000, gt=0)
    coverage: Literal["full", "partial"] = Field(default="full", description="as in vintage.json")
    scope: dict[str, list[str]] = Field(default={}, description="as in vintage.json")
    note: str | None = None

    @model_validator(mode="after")
    def _needs(self) -> Self:
        need = {"socrata": self.dataset, "document_page": self.link_pattern, "files": self.url, "manual": self.note}
        if not need[self.kind]:
            raise ValueError(f"fetch.kind {self.kind} needs its dataset, link_pattern, url or note")
        if self.kind != "manual" and not self.hosts:
            raise ValueError("fetch.hosts is the allow-list of live hosts and may not be empty")
        if self.kind == "document_page":
            if not self.url:
                raise ValueError("fetch.kind document_page needs the url of the page")
            try:
                groups = re.compile(self.link_pattern or "").groupindex
            except re.error as error:
                raise ValueError(f"fetch.link_pattern is no regular expression ({error})") from error
            if "released" not in groups:
                raise ValueError("fetch.link_pattern needs the group (?P<released>...), the month of release")
        return self


class Files(Strict):
    """What a vintage's data files look like."""

    formats: list[Literal["csv", "tsv", "xlsx", "parquet"]] = Field(default=["csv"])
    encodings: list[Literal["utf-8", "latin-1"]] = Field(default=["utf-8"])
    final_newline: bool = Field(default=True, description="the publisher always ends the last line")
    end_marker: str | None = Field(default=None, description="a line equal to this ends the records")


class Notes(Strict):
    """What the source's page says beyond its columns."""

    coverage: str = Field(min_length=20)
    missingness: str = Field(min_length=20)
    revisions: str = Field(min_length=20)


class SampleColumn(Strict):
    """How the generated sample fills one column of the publisher's file.

    period: the spelling of the period, such as "{year}-{month:02}-01"; of a column that is spread over titles, that of
    its titles. values: texts, each with every other. least, most: bounds of a number; unset: those of the
    expectations, else 1 and 100.
    """

    period: str | None = None
    values: list[str] | None = Field(default=None, min_length=1)
    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.period is None and self.values is None and self.least is None and self.most is None) or (
            self.period is not None and self.values is not None
        ):
            raise ValueError("say how the sample fills the column: period, values, or least and most")
        return self


class Sample(Strict):
    """What the sample generator must be told beside the columns, for a source without a sample.py of its own."""

    file: str | None = Field(
        default=None, pattern=r"^[\w .-]+$", description="the publisher's file name without its ending; unset: the id"
    )
    published: list[date] = Field(default=[], description="days of the releases; unset: the last two of the sample")
    periods: int = Field(default=24, gt=0, description="periods in a release, the newest one last")
    columns: dict[str, SampleColumn] = Field(default={})
    together: list[list[dict[str, str]]] = Field(
        default=[], description="lists of choices, each of which fills several columns at once"
    )


class Source(Strict):
    """Everything that is known about one source before its data are read."""

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    title: Text
    description: Text
    publisher: str
    landing_page: str
    licence: Licence
    subject: Subject
    status: Literal["active", "contract"] = "active"
    cadence: Cadence
    expected_lag_days: int = Field(ge=0, description="usual days from the end of a period to its publication")
    fetch: Fetch
    files: Files = Files()
    columns: list[RawColumn] = Field(min_length=1)
    frame: list[TidyColumn] = Field(min_length=1)
    period: str = Field(description="the date column of the frame")
    period_is_day: bool = Field(default=False, description="a period is one day, such as 1 July, and has no length")
    scope: list[str] = Field(default=[], description="frame columns whose values bound what a vintage speaks about")
    parts: list[str] | None = Field(
        default=None, description="scope columns whose every value a release carries on; unset: those of the key"
    )
    max_rejected_share: float = Field(default=0.0, ge=0, lt=1)
    settled_after_months: int | None = Field(
        default=None, ge=0, description="months before a release's newest period from which on figures do not move"
    )
    reads: list[str] = Field(default=[], description="seeds (dbt_project/seeds) that its cleaning and its facts read")
    facts: dict[str, DeclaredFact] = Field(default={}, description="facts of a known kind, by the batch that they are")
    expectations: list[Expectation] = Field(default=[], description="those of this source alone")
    overrides: dict[str, Override] = Field(
        default={}, description="of an expectation of quality/defaults.yml, by its id: what is otherwise here"
    )
    known_errors: list[KnownError] = Field(default=[], description="errors of the publisher, flagged and never changed")
    published_totals: PublishedTotals = PublishedTotals()
    cautions: list[Caution] = Field(default=[])
    notes: Notes
    sample: Sample = Sample()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [c.name for c in self.frame]
        if missing := set(self.parts or []) - set(self.scope):
            raise ValueError(f"parts names {sorted(missing)}, which scope does not have")
        for what, used in (("period", [self.period]), ("scope", self.scope)):
            if missing := set(used) - set(names):
                raise ValueError(f"{what} names {sorted(missing)}, which frame does not have")
        if len(set(names)) < len(names):
            raise ValueError("frame has a column twice")
        if not self.names("key") or not self.names("value"):
            raise ValueError("frame needs at least one column with role key and one with role value")
        if self.period not in self.names("key"):
            raise ValueError(f"period {self.period} must be a column with role key")
        for expectation in self.expectations:
            named = {expectation.kwargs.get("column"), *expectation.kwargs.get("column_list", [])} - {None}
            if expectation.batch == "rows" and (unknown := named - set(names)):
                raise ValueError(f"expectation {expectation.id} names {sorted(unknown)}, which frame does not have")
        for name, fact in self.facts.items():
            if unknown := fact.columns - set(names):
                raise ValueError(f"fact {name} names {sorted(unknown)}, which frame does not have")
        for entry in self.known_errors:
            entry.check({c.name: c for c in self.frame})
        if doubled := _twice([e.id for e in self.known_errors]):
            raise ValueError(f"known_errors has the id {doubled} twice")
        if unread := {t.of for t in self.published_totals.totals if t.of} - set(self.reads):
            raise ValueError(f"published_totals are of the seeds {sorted(unread)}, which reads does not have")
        headers = [fold(n) for c in self.columns for n in c.names]
        if twice := {h for h in headers if headers.count(h) > 1}:
            raise ValueError(f"columns claim the header {sorted(twice)} twice")
        self._wide_once()
        if _twice([e.id for e in self.expectations]):
            raise ValueError("expectations has an id twice")
        return self

    def _wide_once(self) -> None:
        wide = [c for c in self.columns if c.wide]
        if len(wide) > 1:
            raise ValueError(f"columns {wide[0].id} and {wide[1].id} are wide; a file can have one such column")
        ids = [c.id for c in self.columns]
        if taken := {n for c in wide for n in (c.wide or "", *c.names)} & set(ids):
            raise ValueError(f"column {wide[0].id}: {sorted(taken)} is the id of another column")

    @property
    def wide(self) -> RawColumn | None:
        """The column whose names are titles side by side, such as twelve months; None where there is none."""
        return next((c for c in self.columns if c.wide), None)

    @property
    def titles(self) -> list[RawColumn]:
        """The columns of the publisher's file."""
        return [title for column in self.columns for title in column.titles]

    def seed(self, name: str) -> Path:
        """The file of a seed that reads lists.

        Raises DrugflowError for any other: what is computed from it would stay as it is when the seed changes.
        """
        if name not in self.reads:
            raise DrugflowError(f"{self.id} reads the seed {name}: add it to reads in its source.yml.")
        return SEEDS / f"{name}.csv"

    def names(self, *roles: str) -> list[str]:
        """Frame columns of the given roles, in order."""
        return [c.name for c in self.frame if c.role in roles]

    @property
    def bounds(self) -> set[str]:
        """Ids of the critical expectations with a floor of 0 or more on a figure: a value beyond them cannot be."""
        figures = {c.name for c in self.frame if c.role == "value" and c.type in ("integer", "number")}
        return {
            e.id
            for e in self.expectations
            if e.severity == "critical"
            and e.batch == "rows"
            and e.kwargs.get("column") in figures
            and e.kwargs.get("min_value", -1) >= 0
        }

    @property
    def key(self) -> list[str]:
        """Columns that identify a row of the clean frame."""
        return self.names("key")

    @property
    def part_columns(self) -> list[str]:
        """Scope columns whose values advance side by side; a fiscal year, which is outside the key, ends for good."""
        return [c for c in self.scope if c in self.key] if self.parts is None else self.parts


def _twice(ids: list[str]) -> list[str]:
    return sorted({i for i in ids if ids.count(i) > 1})
