"""The meta tables: what a release says about itself, its sources, vintages, checks and traps.

What belongs here: turning the stages' stored accounts into rows. What does not: computing accounts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any

from pipelines.ingest.archive import effective_vintages
from pipelines.ingest.live.state import SourceState, read_state
from pipelines.quality.verdict import Check, Verdict, read_verdicts
from pipelines.release.held import STEP_DAYS, waiting
from pipelines.settings import Settings
from pipelines.sources.catalog import Source
from pipelines.sources.ledger import Exemption, read_ledger, retractions
from pipelines.vocabulary import Realm, read_json

SEVERITY = {"error": "critical", "warn": "warning"}
LONGEST_GRACE_DAYS = 92
"""A source is late after one more period; a yearly one must not seem due for a whole year."""


@dataclass
class Account:
    """Everything stored about one source in one realm."""

    source: Source
    verdicts: list[Verdict] = field(default_factory=list)
    vintages: list[dict[str, Any]] = field(default_factory=list)
    first_period: date | None = None
    last_period: date | None = None
    """Newest period that every part of the source reaches."""
    furthest_period: date | None = None
    """Newest period that any part of it reaches, be it in an excerpt."""
    parts: list[dict[str, Any]] = field(default_factory=list)
    """How far each part goes (history: _reach), oldest first."""
    last_vintage: date | None = None
    problems: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    """Release dates of the vintages that the history is made of, ISO, oldest first."""
    waiting: list[Verdict] = field(default_factory=list)
    """Held vintages that no accepted one has overtaken: something of theirs is missing in the marts."""
    exceptions: list[tuple[Verdict, Exemption]] = field(default_factory=list)
    """Vintages in the tables by an operator's exception, with the decision."""
    fetching: SourceState | None = None
    """What the last look at the agency's site left; None where the release came from elsewhere."""

    @property
    def held(self) -> list[Verdict]:
        """Vintages held back."""
        return [v for v in self.verdicts if v.state == "held"]

    @property
    def taken(self) -> list[str]:
        """Archive ids of the vintages that the history is made of; a second issue of a date has its own."""
        return [v.archive_id for v in self.verdicts if v.state != "held" and v.vintage in self.accepted]

    @property
    def next_expected(self) -> date | None:
        """Day by which the period after the newest one should be published: at its end, plus the usual lag."""
        if self.last_period is None:
            return None
        # Periods are named by their first day, so the next one ends two steps later; one that is a day, a step later.
        steps = 1 if self.source.period_is_day else 2
        end = self.last_period + timedelta(days=steps * STEP_DAYS[self.source.cadence])
        return end + timedelta(days=self.source.expected_lag_days)

    @property
    def grace_days(self) -> int:
        """Days after next_expected on which the source is due, not late."""
        return min(STEP_DAYS[self.source.cadence], LONGEST_GRACE_DAYS)

    @property
    def latest_expected(self) -> date | None:
        """Last day on which the next period is not late."""
        expected = self.next_expected
        return expected + timedelta(days=self.grace_days) if expected else None

    @property
    def is_uneven(self) -> bool:
        """Whether some part of the source ends earlier than another, or than an excerpt."""
        return self.furthest_period != self.last_period or len({p["last_period"] for p in self.parts}) > 1

    @property
    def tables(self) -> list[str]:
        """Tables that come from it, its history among them, and those that its cautions name."""
        own = {name for name, source in _origins() if source == self.source.id}
        return sorted(own.union(*(c.tables for c in self.source.cautions)))

    def days_late(self, realm: Realm, today: date) -> int | None:
        """Days since the next period was expected, None where the source is not late."""
        expected = self.next_expected
        return (today - expected).days if expected and freshness(self, realm, today) == "late" else None


@cache
def _origins() -> list[tuple[str, str | None]]:
    """Each released table with the one source that it comes from, if it is one."""
    from pipelines.release.dictionary import load_dictionary  # status and an unchanged night do without

    return [(t.name, t.source) for t in load_dictionary()]


def read_outline(settings: Settings, realm: Realm, source: Source) -> Account:
    """The account of a source without its vintages: what status, outcomes and alerts need, from a few files."""
    account = Account(source)
    account.verdicts = read_verdicts(settings.stage("quality", realm), source.id)
    ingest = read_json(settings.stage("ingest", realm) / f"{source.id}.json") or {}
    account.problems = list(ingest.get("problems", []))
    if ingest.get("origin") == "live":
        account.fetching = read_state(settings, source.id)
    history = read_json(settings.stage("history", realm) / f"{source.id}.json") or {}
    for name in ("first_period", "last_period", "furthest_period"):
        if history.get(name):
            setattr(account, name, date.fromisoformat(history[name]))
    account.furthest_period = account.furthest_period or account.last_period
    account.parts = list(history.get("parts", []))
    if history.get("vintages"):
        account.accepted = list(history["vintages"])
        account.last_vintage = date.fromisoformat(account.accepted[-1])
    if account.held:
        account.waiting = waiting(settings, realm, source, account.verdicts)
    if excepted := [v for v in account.verdicts if v.state == "accepted_by_exception"]:
        accepted = [e for e in read_ledger(settings.data_raw, realm) if e.decision == "accept"]
        decided = {(e.source, e.vintage, e.content): e for e in accepted}
        keys = {v.archive_id: (v.source, v.vintage, v.content) for v in excepted}
        account.exceptions = [(v, decided[keys[v.archive_id]]) for v in excepted if keys[v.archive_id] in decided]
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
            "furthest_period": a.furthest_period,
            "last_vintage": a.last_vintage,
            "next_expected": a.next_expected,
            "grace_days": a.grace_days,
            "held_vintages": len(a.held),
            "tables": a.tables,
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
        return "case when last_period is null then 'no_data' else 'sample' end"
    return (
        f"case when last_period is null then 'no_data' when {day} <= next_expected then 'fresh' "
        f"when {day} <= next_expected + grace_days then 'due' else 'late' end"
    )


def late_cautions_sql(freshness: str) -> str:
    """SQL of a caution for each row of the stored facts that is late by that freshness, whenever it is read."""
    whole, part = "strftime(last_period, '%Y-%m')", "strftime(furthest_period, '%Y-%m')"
    return f"""
        select
            concat('late_', source_id) as code,
            concat(
                title_en, ': this source is overdue since ', next_expected, '. Its newest period is ', {whole},
                if(furthest_period > last_period, concat(', of parts of it ', {part}), ''),
                '. That nothing newer is here says nothing about what happened since. See whether the agency has '
                'more: ', landing_page
            ) as text_en,
            concat(
                title_es, ': esta fuente está atrasada desde el ', next_expected,
                '. Su periodo más reciente es ', {whole},
                if(furthest_period > last_period, concat(', y el de algunas partes ', {part}), ''),
                '. Que aquí no haya nada más nuevo no dice nada sobre lo ocurrido después. Vea si la fuente tiene '
                'más: ', landing_page
            ) as text_es,
            tables,
            source_id
        from meta.source_facts
        where {freshness} = 'late'
    """


def freshness(account: Account, realm: Realm, today: date) -> str:
    """The same word as the view's, for the command line."""
    expected, latest = account.next_expected, account.latest_expected
    if expected is None or latest is None:
        return "no_data"
    if realm == "sample":
        return "sample"
    if today <= expected:
        return "fresh"
    return "due" if today <= latest else "late"


def state_of(account: Account, freshness_word: str) -> str:
    """What needs a person first: a source that a person must unblock, then one that fails, else how fresh it is."""
    if account.waiting or (account.problems and not (account.fetching and account.fetching.state == "failing")):
        return "blocked"
    return "failing" if account.problems else freshness_word


def caution_rows(
    realm: Realm, accounts: list[Account], every_table: list[str], without_mexico: list[str]
) -> list[dict[str, Any]]:
    """Cautions of the sources' YAML, and those that this build itself gives rise to; lateness comes with the day.

    every_table: names of all released tables; without_mexico: of those by jurisdiction that have no Mexican row.
    """
    rows: list[dict[str, Any]] = []
    if realm == "sample":
        rows.append(
            {
                "code": "sample_release",
                "text_en": "SAMPLE: every figure of this release is generated and proves nothing.",
                "text_es": "MUESTRA (SAMPLE): todas las cifras de esta versión son generadas y no prueban nada.",
                # By name: who asks for the cautions of a table must be told.
                "tables": every_table,
                "source_id": None,
            }
        )
    if without_mexico:
        rows.append(
            {
                "code": "no_figures_of_mexico",
                "text_en": "Every figure here is of the United States: no Mexican source is released yet. That Mexico "
                "is absent says nothing about Mexico.",
                "text_es": "Todas las cifras son de Estados Unidos: aún no se publica ninguna fuente mexicana. Que "
                "México no figure nada dice sobre México.",
                "tables": without_mexico,
                "source_id": None,
            }
        )
        rows.append(
            {
                "code": "sesnsp_catalogue_2026",
                "text_en": "This release has no figures of SESNSP (Mexico's crime incidence). Who sets them beside "
                "these tables must not compare across January 2026: the catalogue of common crimes (fuero común) goes "
                "from 98 to 114 categories a state, narcomenudeo (retail drug dealing) is split into several, and keys "
                "get leading zeros.",
                "text_es": "Esta versión no tiene cifras del SESNSP (incidencia delictiva de México). Quien las ponga "
                "junto a estas tablas no debe comparar a través de enero de 2026: el catálogo del fuero común pasa de "
                "98 a 114 categorías por estado, el narcomenudeo se divide en varias y las claves llevan ceros a la "
                "izquierda.",
                "tables": without_mexico,
                "source_id": None,
            }
        )
    for account in accounts:
        tables = account.tables
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
        rows += [_exception(account, verdict, entry) for verdict, entry in account.exceptions]
        if account.is_uneven:
            rows.append(_uneven(account))
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
    return rows


def broken(verdict: Verdict) -> list[Check]:
    """The checks that hold a vintage back, or would without an exception."""
    return [c for c in verdict.checks if not c.passed and c.severity == "critical"]


def _exception(account: Account, verdict: Verdict, entry: Exemption) -> dict[str, Any]:
    """The caution that a vintage failed checks and is in the tables all the same, with what they found."""
    found = "; ".join(f"{c.id}: {c.detail}" for c in broken(verdict))
    title, day, reason = account.source.title, entry.accepted_at[:10], entry.reason.rstrip(".")
    return _caution(
        f"exception_{account.source.id}_{verdict.vintage}",
        f"The release of {verdict.vintage} of {title.en} failed checks and is in the tables by an exception of {day}. "
        f"Failed: {found}. Reason given: {reason}.",
        f"La publicación del {verdict.vintage} de {title.es} no pasó todos los controles y está en las tablas por una "
        f"excepción del {day}. Controles que no pasó: {found}. Motivo: {reason}.",
        account.tables,
        account,
    )


def _uneven(account: Account) -> dict[str, Any]:
    """The caution that parts of a source end earlier than others, with each part and its end, oldest first."""
    ends: dict[str, list[str]] = {}
    for part in account.parts:
        ends.setdefault(part["last_period"][:7], []).append(part["part"])
    newest, whole = f"{account.furthest_period:%Y-%m}", f"{account.last_period:%Y-%m}"
    at_the_end = [p["whole_until"] == p["last_period"] for p in account.parts if p["last_period"][:7] == newest]
    excerpt = any(p["whole_until"] for p in account.parts) and not any(at_the_end)
    if len(ends) == 1:
        en = f"Only excerpts go on to {newest}, complete releases end at {whole}"
        es = f"Sólo algunos extractos llegan a {newest}, las publicaciones completas terminan en {whole}"
    else:
        named = [(day, ", ".join(names), excerpt and day == newest) for day, names in ends.items()]
        en = "; ".join(f"until {day}{' (an excerpt)' if marked else ''}: {names}" for day, names, marked in named)
        es = "; ".join(f"hasta {day}{' (un extracto)' if marked else ''}: {names}" for day, names, marked in named)
    title = account.source.title
    return _caution(
        f"uneven_{account.source.id}",
        f"Not all of {title.en} is equally new. {_sentence(en)} Freshness goes by {whole}.",
        f"No todo en «{title.es}» es igual de reciente. {_sentence(es)} La vigencia se mide desde {whole}.",
        account.tables,
        account,
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


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
