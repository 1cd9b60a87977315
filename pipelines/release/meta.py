"""The meta tables: what a release says about itself, its sources, vintages, checks and traps.

What belongs here: turning the stages' stored accounts into rows. What does not: computing accounts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pipelines.ingest.archive import effective_vintages
from pipelines.ingest.live.state import SourceState, read_state
from pipelines.quality.verdict import Verdict, read_ledger, read_verdicts, retractions
from pipelines.release.held import STEP_DAYS, waiting
from pipelines.settings import Settings
from pipelines.sources.catalog import Source, load_catalog
from pipelines.vocabulary import Realm, read_json

SEVERITY = {"error": "critical", "warn": "warning"}


@dataclass
class Account:
    """Everything stored about one source in one realm."""

    source: Source
    verdicts: list[Verdict] = field(default_factory=list)
    vintages: list[dict[str, Any]] = field(default_factory=list)
    first_period: date | None = None
    last_period: date | None = None
    last_vintage: date | None = None
    problems: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    """Release dates of the vintages that the history is made of, ISO, oldest first."""
    waiting: list[Verdict] = field(default_factory=list)
    """Held vintages that no accepted one has overtaken: something of theirs is missing in the marts."""
    fetching: SourceState | None = None
    """What the last look at the agency's site left; None where the release came from elsewhere."""

    @property
    def held(self) -> list[Verdict]:
        """Vintages held back."""
        return [v for v in self.verdicts if v.state == "held"]

    @property
    def next_expected(self) -> date | None:
        """Day by which the period after the newest one should be published: one step later, plus the usual lag."""
        if self.last_period is None:
            return None
        end = self.last_period + timedelta(days=2 * STEP_DAYS[self.source.cadence])
        return end + timedelta(days=self.source.expected_lag_days)

    @property
    def latest_expected(self) -> date | None:
        """Last day on which the next period is not late: a step after it was expected."""
        expected = self.next_expected
        return expected + timedelta(days=STEP_DAYS[self.source.cadence]) if expected else None


def read_outline(settings: Settings, realm: Realm, source: Source) -> Account:
    """The account of a source without its vintages: what status, outcomes and alerts need, from a few files."""
    account = Account(source)
    account.verdicts = read_verdicts(settings.stage("quality", realm), source.id)
    ingest = read_json(settings.stage("ingest", realm) / f"{source.id}.json") or {}
    account.problems = list(ingest.get("problems", []))
    if ingest.get("origin") == "live":
        account.fetching = read_state(settings, source.id)
    history = read_json(settings.stage("history", realm) / f"{source.id}.json") or {}
    for name in ("first_period", "last_period"):
        if history.get(name):
            setattr(account, name, date.fromisoformat(history[name]))
    if history.get("vintages"):
        account.accepted = list(history["vintages"])
        account.last_vintage = date.fromisoformat(account.accepted[-1])
    if account.held:
        account.waiting = waiting(settings, realm, source, account.verdicts)
    return account


def read_account(settings: Settings, realm: Realm, source: Source) -> Account:
    """The account of a source, from the stages' files."""
    from pipelines.clean.run import Summary

    account = read_outline(settings, realm, source)
    history = read_json(settings.stage("history", realm) / f"{source.id}.json") or {}
    changes = history.get("changes", {})
    by_id = {v.archive_id: v for v in account.verdicts}
    retracted = retractions(read_ledger(settings.data_raw, realm), source.id)
    for vintage in effective_vintages(settings.data_raw, realm, source.id, retracted):
        stored = read_json(settings.stage("clean", realm) / source.id / vintage.id / "summary.json")
        verdict = by_id.get(vintage.id)
        if stored is None or verdict is None:
            continue
        summary, receipt = Summary.model_validate(stored), vintage.receipt
        change = changes.get(summary.vintage, {}) if verdict.state != "held" else {}
        account.vintages.append(
            {
                "source_id": source.id,
                "vintage": summary.vintage,
                "archive_id": vintage.id,
                "state": verdict.state,
                "problem": verdict.problem,
                "coverage": receipt.coverage,
                "note": receipt.note,
                "files": [f.name for f in receipt.files],
                "sha256": [f.sha256 for f in receipt.files],
                "record_count": summary.records,
                "row_count": summary.rows,
                "set_aside": sum(summary.set_aside.values()),
                "rejected": summary.rejected,
                **{k: change.get(k, 0) for k in ("added", "revised", "annotated", "withdrawn")},
                "first_period": summary.first_period,
                "last_period": summary.last_period,
                "origin": receipt.origin,
                "retrieved_at": receipt.retrieved_at.removesuffix("+00:00"),
            }
        )
    return account


def source_rows(accounts: list[Account]) -> list[dict[str, Any]]:
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
            "last_vintage": a.last_vintage,
            "next_expected": a.next_expected,
            "grace_days": STEP_DAYS[a.source.cadence],
            "held_vintages": len(a.held),
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
        "fetch_problem": state.problem,
        "last_attempt": _utc(state.last_attempt),
    }


def _utc(text: str | None) -> str | None:
    return text.removesuffix("+00:00") if text else None


def freshness_sql(realm: Realm, today: date | None = None) -> str:
    """SQL of the freshness of a row of the stored facts, as of the day it is read; in a rehearsal as of its day."""
    day = f"date '{today}'" if today else "current_date"
    if realm == "sample":
        return "'sample'"
    return (
        f"case when last_period is null then 'no_data' when {day} <= next_expected then 'fresh' "
        f"when {day} <= next_expected + grace_days then 'due' else 'late' end"
    )


def freshness(account: Account, realm: Realm, today: date) -> str:
    """The same word as the view's, for the command line."""
    expected, latest = account.next_expected, account.latest_expected
    if realm == "sample":
        return "sample"
    if expected is None or latest is None:
        return "no_data"
    if today <= expected:
        return "fresh"
    return "due" if today <= latest else "late"


def state_of(account: Account, freshness_word: str) -> str:
    """What needs a person first: a source that a person must unblock, then one that fails, else how fresh it is."""
    if account.waiting or (account.problems and not (account.fetching and account.fetching.state == "failing")):
        return "blocked"
    return "failing" if account.problems else freshness_word


def caution_rows(settings: Settings, realm: Realm, accounts: list[Account]) -> list[dict[str, Any]]:
    """Cautions of the sources' YAML, and those that this build itself gives rise to."""
    rows: list[dict[str, Any]] = []
    if realm == "sample":
        rows.append(
            {
                "code": "sample_release",
                "text_en": "SAMPLE: every figure of this release is generated and proves nothing.",
                "text_es": "MUESTRA (SAMPLE): todas las cifras de esta versión son generadas y no prueban nada.",
                "tables": ["*"],
                "source_id": None,
            }
        )
    for account in accounts:
        tables = sorted({t for c in account.source.cautions for t in c.tables})
        for caution in account.source.cautions:
            rows.append(_caution(caution.code, caution.text.en, caution.text.es, caution.tables, account))
        for verdict in account.held:
            rows.append(
                _caution(
                    f"held_{account.source.id}_{verdict.archive_id}",
                    f"The release of {verdict.vintage} of {account.source.title.en} is held back; figures are those "
                    f"of the vintages before it. Reason: {verdict.problem}",
                    f"La publicación del {verdict.vintage} de {account.source.title.es} está retenida; las cifras son "
                    f"las de las publicaciones anteriores. Motivo: {verdict.problem}",
                    tables,
                    account,
                )
            )
        for vintage in account.vintages:
            if vintage["rejected"] and vintage["state"] != "held":
                rows.append(
                    _caution(
                        f"rejected_{account.source.id}_{vintage['archive_id']}",
                        f"{vintage['rejected']} records of the release of {vintage['vintage']} could not be read: its "
                        "figures may be undercounts.",
                        f"{vintage['rejected']} registros de la publicación del {vintage['vintage']} no se pudieron "
                        "leer: sus cifras pueden ser menores que las reales.",
                        tables,
                        account,
                    )
                )
    for entry in (e for e in read_ledger(settings.data_raw, realm) if e.decision == "accept"):
        rows.append(
            {
                "code": f"exception_{entry.source}_{entry.vintage}",
                "text_en": f"{entry.source} {entry.vintage} was accepted by exception: {entry.reason}",
                "text_es": f"{entry.source} {entry.vintage} se aceptó por excepción: {entry.reason}",
                "tables": sorted({t for c in load_catalog()[entry.source].cautions for t in c.tables}),
                "source_id": entry.source,
            }
        )
    return rows


def _caution(code: str, en: str, es: str, tables: list[str], account: Account) -> dict[str, Any]:
    return {"code": code, "text_en": en, "text_es": es, "tables": tables, "source_id": account.source.id}


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
