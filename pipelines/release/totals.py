"""Published totals: figures that agencies printed, compared with a release.

What belongs here: reading the list and comparing. What does not: the figures (published_totals.yml).
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict

from pipelines.vocabulary import Realm, read_yaml

LIST = Path(__file__).parent / "published_totals.yml"


class Total(BaseModel):
    """One published figure and the query that gives ours.

    query: SQL with one figure; vintage: the source's release that it speaks about (null: the seed).
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    source: str
    vintage: str | None = None
    metric: str
    period: str
    value: float
    unit: str
    tolerance: float
    basis: str
    query: str


class Outcome(BaseModel):
    """A total beside ours. verdict: held, failed, not_testable (reason says why)."""

    total: Total
    ours: float | None = None
    verdict: Literal["held", "failed", "not_testable"]
    reason: str = ""


@cache
def load_totals() -> list[Total]:
    """Every published total, in the file's order."""
    raw = read_yaml(LIST)
    macros = raw["queries"]
    return [
        Total.model_validate({k: v for k, v in entry.items() if k not in ("use", "with")} | _query(macros, entry))
        for entry in raw["totals"]
    ]


def _query(queries: dict[str, str], entry: dict[str, Any]) -> dict[str, str]:
    return {"query": queries[entry["use"]].format(**entry.get("with", {}), vintage=entry.get("vintage"))}


def check_totals(connection: duckdb.DuckDBPyConnection, realm: Realm, as_of: date | None = None) -> list[Outcome]:
    """Compare every published total with the release that is open. A sample proves nothing: not testable.

    as_of: the day that the release looks back to; series shipped with the project are younger than it.
    """
    outcomes = []
    for total in load_totals():
        if realm == "sample":
            outcomes.append(Outcome(total=total, verdict="not_testable", reason="SAMPLE data prove nothing"))
            continue
        if total.vintage is None and as_of is not None:
            reason = f"the published series shipped with the project was compiled after {as_of}"
            outcomes.append(Outcome(total=total, verdict="not_testable", reason=reason))
            continue
        if total.vintage is not None and not _has(connection, total):
            reason = f"the release of {total.vintage} of {total.source} is not in this archive"
            outcomes.append(Outcome(total=total, verdict="not_testable", reason=reason))
            continue
        row = connection.execute(total.query).fetchone()
        ours = None if row is None or row[0] is None else float(row[0])
        held = ours is not None and abs(ours - total.value) <= total.tolerance + 1e-9
        outcomes.append(Outcome(total=total, ours=ours, verdict="held" if held else "failed"))
    return outcomes


def _has(connection: duckdb.DuckDBPyConnection, total: Total) -> bool:
    row = connection.execute(
        "select count(*) from meta.vintages where source_id = ? and vintage = cast(? as date) and state <> 'held'",
        [total.source, total.vintage],
    ).fetchone()
    return bool(row and row[0])


def total_checks(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """Rows for meta.checks of the totals that could be tested."""
    return [
        {
            "stage": "golden",
            "source_id": o.total.source,
            "vintage": o.total.vintage,
            "check_name": o.total.id,
            "severity": "critical",
            "passed": o.verdict == "held",
            "failing_rows": int(o.verdict == "failed"),
            "detail": f"published {_figure(o.total.value)} {o.total.unit}, ours {_figure(o.ours)}",
        }
        for o in outcomes
        if o.verdict != "not_testable"
    ]


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:,.2f}".removesuffix(".00")
