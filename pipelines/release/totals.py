"""Published totals: figures that agencies printed, compared with a release.

What belongs here: reading the list and comparing. What does not: the figures (published_totals.yml).
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

import duckdb
from pydantic import BaseModel, ConfigDict, model_validator

from pipelines.sources.catalog import Text
from pipelines.vocabulary import Realm, read_yaml

LIST = Path(__file__).parent / "published_totals.yml"


class Total(BaseModel):
    """One published figure and the query that gives ours.

    query: SQL with one figure; vintage: the source's release that it speaks about (null: the seed). A figure that is
    known to differ says by how much (ours - value, within tolerance) and why, in both languages.
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
    known_difference: float | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _explained(self) -> Self:
        if (self.known_difference is None) != (self.reason is None):
            raise ValueError(f"{self.id}: a known difference needs its reason in both languages, and the reverse")
        return self


class Outcome(BaseModel):
    """A total beside ours. verdict: held, known_disagreement, failed, not_testable; the reason is in both languages."""

    total: Total
    ours: float | None = None
    verdict: Literal["held", "known_disagreement", "failed", "not_testable"]
    reason: Text | None = None


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
    return [_compare(connection, total, realm, as_of) for total in load_totals()]


def _compare(connection: duckdb.DuckDBPyConnection, total: Total, realm: Realm, as_of: date | None) -> Outcome:
    if realm == "sample":
        reason = Text(en="SAMPLE data prove nothing.", es="Los datos de MUESTRA (SAMPLE) no prueban nada.")
        return Outcome(total=total, verdict="not_testable", reason=reason)
    if total.vintage is None and as_of is not None:
        reason = Text(
            en=f"The published series shipped with the project was compiled after {as_of}.",
            es=f"La serie publicada que se incluye en el proyecto se compiló después del {as_of}.",
        )
        return Outcome(total=total, verdict="not_testable", reason=reason)
    if total.vintage is not None and not _has(connection, total):
        reason = Text(
            en=f"The release of {total.vintage} of {total.source} is not in this archive.",
            es=f"La publicación del {total.vintage} de {total.source} no está en este archivo.",
        )
        return Outcome(total=total, verdict="not_testable", reason=reason)
    row = connection.execute(total.query).fetchone()
    ours = None if row is None or row[0] is None else float(row[0])
    expected = total.value + (total.known_difference or 0)
    if ours is None or abs(ours - expected) > total.tolerance + 1e-9:
        reason = Text(en="It does not hold: report it.", es="No coincide: repórtelo.")
        return Outcome(total=total, ours=ours, verdict="failed", reason=reason)
    verdict: Literal["held", "known_disagreement"] = "held" if total.reason is None else "known_disagreement"
    return Outcome(total=total, ours=ours, verdict=verdict, reason=total.reason)


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
            "passed": o.verdict != "failed",
            "failing_rows": int(o.verdict == "failed"),
            "detail": f"published {_figure(o.total.value)} {o.total.unit}, ours {_figure(o.ours)}",
        }
        for o in outcomes
        if o.verdict != "not_testable"
    ]


def reconciliation_rows(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """Rows of marts.reconciliation: every published total beside ours."""
    return [
        {
            "total_id": o.total.id,
            "source_id": o.total.source,
            "vintage": o.total.vintage,
            "metric": o.total.metric,
            "period": o.total.period,
            "unit": o.total.unit,
            "published": o.total.value,
            "ours": o.ours,
            "difference": None if o.ours is None else round(o.ours - o.total.value, 6),
            "tolerance": o.total.tolerance,
            "verdict": o.verdict,
            "reason_en": o.reason.en if o.reason else None,
            "reason_es": o.reason.es if o.reason else None,
            "basis": o.total.basis,
        }
        for o in outcomes
    ]


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:,.2f}".removesuffix(".00")
