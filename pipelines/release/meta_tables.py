"""Rows of the meta tables: what a release says about its sources and checks.

What belongs here: turning accounts into rows. What does not: accounts (status.account), cautions.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.catalog.lineage import Lineage
from pipelines.core.types import Realm
from pipelines.status.account import Account

SEVERITY = {"error": "critical", "warn": "warning"}


def source_rows(accounts: list[Account], lineage: Lineage) -> list[dict[str, Any]]:
    """Stored facts behind the view meta.sources; freshness is computed when it is read."""
    return [
        {
            "source_id": a.source.id,
            "title_en": a.source.title.en,
            "title_es": a.source.title.es,
            "publisher": a.source.publisher,
            "landing_page": a.source.landing_page,
            "licence": a.source.licence.text,
            "cadence": a.source.cadence,
            "expected_lag_days": a.source.expected_lag_days,
            "status": a.source.status,
            "subject": a.source.subject,
            "first_period": a.first_period,
            "last_period": a.last_period,
            "furthest_period": a.furthest_period,
            "last_vintage": a.last_vintage,
            "next_expected": a.next_expected,
            "grace_days": a.grace_days,
            "held_vintages": len(a.held),
            "tables": lineage.concerned(a.source),
            **_fetching(a),
        }
        for a in accounts
    ]


def _fetching(account: Account) -> dict[str, Any]:
    """How the last look at the agency's site ended, as of the build."""
    state = account.fetching
    if state is None or account.source.fetch.kind == "manual":
        return {"fetch_state": "not_fetched", "failing_since": None, "fetch_problem": None, "last_attempt": None}
    return {
        "fetch_state": "not_fetched" if state.state == "never" else state.state,
        "failing_since": _utc(state.failing_since),
        "fetch_problem": " ".join(p.said("en") for p in state.problems) or None,
        "last_attempt": _utc(state.last_attempt),
    }


def _utc(text: str | None) -> str | None:
    return text.removesuffix("+00:00") if text else None


def freshness_sql(realm: Realm, today: date | None = None) -> str:
    """SQL of the freshness of a row of the stored facts, as of the day it is read; in a rehearsal as of its day."""
    day = f"date '{today}'" if today else "current_date"
    if realm == "sample":
        return "case when last_period is null then 'no_data' else 'sample' end"
    return (
        f"case when last_period is null then 'no_data' when {day} <= next_expected then 'fresh' "
        f"when {day} <= next_expected + grace_days then 'due' else 'late' end"
    )


def check_rows(
    accounts: list[Account], build_state: dict[str, Any], totals: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Every result behind this release: cleaning and quality by vintage, models, published totals."""
    rows = [
        {
            "stage": "clean" if check.id in ("readable", "rejected_rows") else "quality",
            "source_id": verdict.source,
            "vintage": verdict.vintage,
            "check_name": check.id,
            "severity": check.severity,
            "passed": check.passed,
            "failing_rows": check.failing_rows,
            "detail": check.detail or None,
        }
        for account in accounts
        for verdict in account.verdicts
        for check in verdict.checks
    ]
    rows += [
        {
            "stage": "dbt",
            "source_id": None,
            "vintage": None,
            "check_name": result["name"],
            "severity": result["severity"],
            "passed": result["passed"],
            "failing_rows": result["failures"],
            "detail": result["message"],
        }
        for result in build_state.get("tests", [])
    ]
    return rows + totals
