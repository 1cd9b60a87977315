"""Comparing published totals with a release.

What belongs here: comparing, and the rows that tell of it. What does not: the list (catalog.published_totals).
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import duckdb
from pydantic import BaseModel

from pipelines.catalog.published_totals import Total, figure, load_totals
from pipelines.core.problem import Phrase, Text
from pipelines.core.types import Realm


class Outcome(BaseModel):
    """A total beside ours. verdict: held, known_disagreement, failed, not_testable; the reason is in both languages.

    ours is as of the total's vintage. in_marts is the same figure as the marts show it today, marts_vintage the newest
    vintage behind it, differs_today whether that is another figure: a later vintage revised it, which is no failure.
    """

    total: Total
    ours: float | None = None
    verdict: Literal["held", "known_disagreement", "failed", "not_testable"]
    reason: Text | None = None
    in_marts: float | None = None
    marts_vintage: date | None = None
    differs_today: bool = False


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
    ours, _ = _figures(connection, total.query)
    today: dict[str, Any] = {}
    if total.today is not None:
        marts, newest = _figures(connection, total.today)
        apart = ours is not None and (marts is None or abs(marts - ours) > total.tolerance + 1e-9)
        today = {"in_marts": marts, "marts_vintage": newest, "differs_today": apart}
    expected = total.value + (total.known_difference or 0)
    if ours is None or abs(ours - expected) > total.tolerance + 1e-9:
        reason = Text(en="It does not hold: report it.", es="No coincide: repórtelo.")
        return Outcome(total=total, ours=ours, verdict="failed", reason=reason, **today)
    verdict: Literal["held", "known_disagreement"] = "held" if total.reason is None else "known_disagreement"
    return Outcome(total=total, ours=ours, verdict=verdict, reason=total.reason, **today)


def _figures(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[float | None, date | None]:
    """The figure of a query, and the newest vintage behind it where the query gives one."""
    found, *vintage = connection.execute(query).fetchone() or (None,)
    return None if found is None else float(found), vintage[0] if vintage else None


def _has(connection: duckdb.DuckDBPyConnection, total: Total) -> bool:
    row = connection.execute(
        "select count(*) from meta.vintages where source_id = ? and vintage = cast(? as date) and state <> 'held'",
        [total.source, total.vintage],
    ).fetchone()
    return bool(row and row[0])


def revised_since(outcomes: list[Outcome]) -> Phrase | None:
    """What a reader of the marts must know of totals that hold for their vintage alone; None where there are none."""
    if not (count := sum(o.differs_today for o in outcomes)):
        return None
    return Phrase.of("verify.revised_since", count=count)


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
            "detail": f"published {figure(o.total.value)} {o.total.unit}, ours {figure(o.ours)}",
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
