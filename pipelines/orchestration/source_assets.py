"""Assets of the sources: raw, clean and history, one of each a source, with their checks.

What belongs here: what the UI shows of a stage. What does not: the stages themselves (stages).
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.archive.vintages import list_archive
from pipelines.catalog.load import DESCRIPTION, source_folder
from pipelines.catalog.source import LONGEST_DAYS, Source
from pipelines.core.fingerprint import fingerprint
from pipelines.core.problem import NOT_CONSERVED
from pipelines.core.settings import Settings
from pipelines.core.types import Realm, Severity
from pipelines.core.wording import installation_language
from pipelines.ingest.live.state import read_state, seconds_since
from pipelines.ingest.origins import Origin
from pipelines.orchestration.failure import as_failure
from pipelines.orchestration.metadata import (
    EFFECTS,
    OWNERS,
    bars,
    code_references,
    columns_of,
    listing,
    raw_columns,
    realm_word,
    spark,
    table,
)
from pipelines.quality.expectations import expectations_of
from pipelines.quality.verdict import Check, Verdict
from pipelines.refresh.look import ingest_source
from pipelines.refresh.origin import active_sources, resolve_origin
from pipelines.refresh.stages import build_source_history
from pipelines.refresh.workers import Workers

if TYPE_CHECKING:
    from pipelines.clean.run import Summary

RETRY = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
ARRIVED = "every_vintage_taken"
ANSWERED = "publisher_answered_lately"
ACCEPTED = "vintages_accepted"
RECENT = "data_are_recent"
OURS = {
    "readable": "Every file of every vintage was read whole.",
    "rejected_rows": "No record was rejected.",
    "records_conserved": "Records in = clean + set aside + rejected.",
    ACCEPTED: "No vintage is held back.",
}
"""Critical, each of them. A source may allow a share of rejected records; no more than that is a warning."""
CODE = Path(__file__).parent.parent


def source_assets(settings: Settings, source: Source, workers: Workers) -> list[dg.AssetsDefinition]:
    """raw/<source>, clean/<source> and history/<source>. workers: what cleans and judges."""
    return [_raw(settings, source), _clean(settings, source, workers), _history(settings, source)]


def _common(source: Source) -> dict[str, Any]:
    return {
        "group_name": source.subject,
        "owners": OWNERS,
        "tags": {"source": source.id, "cadence": source.cadence},
    }


def _freshness(source: Source) -> dg.FreshnessPolicy:
    """How long a source may go without a look at its publisher, by how often it publishes.

    Whether the publisher answered is another question, and so is whether its figures are recent: see the checks of the
    raw and of the history asset.
    """
    return dg.FreshnessPolicy.time_window(fail_window=2 * _step(source), warn_window=_step(source))


def _step(source: Source) -> timedelta:
    return timedelta(days=LONGEST_DAYS[source.cadence])


def _raw(settings: Settings, source: Source) -> Any:
    arrived = dg.AssetCheckSpec(
        ARRIVED,
        asset=["raw", source.id],
        description="Critical: what it names is in no release. Every vintage of the origin was archived.",
    )
    answered = dg.AssetCheckSpec(
        ANSWERED,
        asset=["raw", source.id],
        description=f"{EFFECTS['warning']} The publisher's site answered a look within {_step(source).days} days.",
    )

    @dg.asset(
        key=["raw", source.id],
        description=f"Archived files of {source.title.en} ({source.publisher}), byte for byte, with receipts.",
        kinds={"file"},
        retry_policy=RETRY,
        check_specs=[arrived, answered],
        metadata={
            "landing_page": dg.MetadataValue.url(source.landing_page),
            "licence": source.licence.text,
            "dagster/column_schema": raw_columns(source),
            **code_references(source_folder(source.id) / DESCRIPTION, CODE / "ingest" / "origins.py"),
        },
        freshness_policy=_freshness(source),
        **_common(source),
    )
    def raw(context: dg.AssetExecutionContext) -> Iterator[Any]:
        with as_failure():
            origin = resolve_origin(settings)
            report = ingest_source(settings, origin, source.id, context.run.run_id, _sources_of(context.run))
        yield dg.MaterializeResult(
            metadata=archived(settings, origin, source, report.added),
            data_version=dg.DataVersion(content_version(settings, origin.realm, source.id)),
            check_results=[
                dg.AssetCheckResult(
                    check_name=ARRIVED,
                    passed=not report.problems,
                    severity=dg.AssetCheckSeverity.ERROR,
                    metadata={"severity": "critical", "problems": listing(report.problems)},
                ),
                _answered(settings, origin, source),
            ],
        )

    return raw


def _answered(settings: Settings, origin: Origin, source: Source) -> dg.AssetCheckResult:
    """A look that failed is none: every night of them materializes the asset all the same."""
    asks = origin.folder is None and source.fetch.kind != "manual"
    last = read_state(settings, source.id).last_success if asks else None
    return dg.AssetCheckResult(
        check_name=ANSWERED,
        passed=not asks or seconds_since(settings, last) <= _step(source).total_seconds(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"severity": "warning", "last_answer": (last or "never") if asks else f"{origin.name} asks no site"},
    )


def _sources_of(run: dg.DagsterRun) -> list[str]:
    """The sources that a run looks at."""
    chosen = run.asset_selection
    return [s for s in active_sources() if chosen is None or dg.AssetKey(["raw", s]) in chosen]


def content_version(settings: Settings, realm: Realm, source_id: str) -> str:
    """The data version of a raw asset: a look that finds nothing makes nothing after it look out of date."""
    return fingerprint(f"{v.id}:{v.receipt.content}" for v in list_archive(settings.data_raw, realm, source_id))


def archived(settings: Settings, origin: Origin, source: Source, added: list[str]) -> dict[str, Any]:
    """The archive of one source: what a look added, its newest vintage, all of them, and their sizes."""
    archive = list_archive(settings.data_raw, origin.realm, source.id)
    size = {v.id: sum(f.bytes for f in v.receipt.files) for v in archive}
    rows = [
        {
            "vintage": v.id,
            "files": len(v.receipt.files),
            "bytes": size[v.id],
            "coverage": v.receipt.coverage,
            "origin": v.receipt.origin,
            "retrieved_at": v.receipt.retrieved_at,
        }
        for v in archive
    ]
    known = len(archive) - len(added)
    return {
        "realm": realm_word(origin.realm),
        "origin": origin.name,
        "vintage": archive[-1].id if archive else "none",
        "newest_release_date": archive[-1].receipt.vintage.isoformat() if archive else "none",
        "files": sum(len(v.receipt.files) for v in archive),
        "bytes": sum(size.values()),
        "changed": f"{len(added)} new: {', '.join(added)}; {known} known before."
        if added
        else f"Nothing new; {known} vintages are known.",
        "chart": spark(size),
        "vintages": table(rows),
        "bytes_by_vintage": bars(size),
    }


def _clean(settings: Settings, source: Source, workers: Workers) -> Any:
    expectations = expectations_of(source)
    severities: dict[str, Severity] = {e.id: e.severity for e in expectations}
    severities |= dict.fromkeys(OURS, "critical")
    asked = {**{e.id: e.why for e in expectations}, **OURS}
    texts = {name: f"{EFFECTS[severities[name]]} {text}" for name, text in asked.items()}

    @dg.asset(
        key=["clean", source.id],
        deps=[dg.AssetKey(["raw", source.id])],
        description=source.description.en,
        kinds={"polars", "parquet", "greatexpectations"},
        check_specs=[dg.AssetCheckSpec(n, asset=["clean", source.id], description=t) for n, t in texts.items()],
        metadata={
            "dagster/column_schema": columns_of(source, history=False),
            **code_references(source_folder(source.id) / "clean.py", source_folder(source.id) / DESCRIPTION),
        },
        **_common(source),
    )
    def clean(context: dg.AssetExecutionContext) -> Iterator[Any]:
        with as_failure():
            realm = resolve_origin(settings).realm
            summaries, verdicts = workers.judged(settings, realm, source.id, context.run.run_id)
        for mended in (s.mended for s in summaries if s.mended):
            context.log.warning(str(mended))
        for verdict in verdicts:
            if verdict.state == "held" and not verdict.retracted:
                context.log.error(f"{source.id} {verdict.archive_id} is held back: {verdict.problem}")
        yield dg.MaterializeResult(
            metadata={"realm": realm_word(realm), **_cleaned(summaries, verdicts)},
            check_results=list(_check_results(verdicts, severities)),
        )

    return clean


def _cleaned(summaries: "list[Summary]", verdicts: list[Verdict]) -> dict[str, Any]:
    """The clean vintages of one source, the newest in front, without those that a later issue replaced."""
    judged = {v.archive_id for v in verdicts}
    summaries = [s for s in summaries if s.archive_id in judged]
    rows = [
        {
            "vintage": s.vintage, "state": v.state, "records": s.records, "rows": s.rows,
            "set_aside": sum(s.set_aside.values()), "rejected": s.rejected, "newest_period": s.last_period or "",
        }
        for s, v in zip(summaries, verdicts, strict=True)
    ]  # fmt: skip
    if not summaries:
        return {"dagster/row_count": 0, "vintage": "none", "newest_period": "none", "changed": "Nothing is archived."}
    newest, before = summaries[-1], summaries[-2] if len(summaries) > 1 else None
    by_vintage = {s.vintage: s.rows for s in summaries}
    more = f", {newest.rows - before.rows:+,} against the vintage of {before.vintage}" if before else ""
    return {
        "dagster/row_count": newest.rows,
        "vintage": newest.vintage,
        "newest_period": newest.last_period or "none",
        "changed": f"{newest.rows:,} rows in the newest vintage{more}.",
        "chart": spark(by_vintage),
        "vintages": table(rows),
        "rows_by_vintage": bars(by_vintage),
    }


def _check_results(verdicts: list[Verdict], severities: dict[str, Severity]) -> Iterator[dg.AssetCheckResult]:
    """One result a check: failed where any vintage fails it, with each vintage's sentence.

    A check that met no vintage passes and says so.
    """
    held = [v for v in verdicts if v.state == "held" and not v.retracted]
    yield dg.AssetCheckResult(
        check_name=ACCEPTED,
        passed=not held,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"severity": "critical", "held": listing([f"{v.archive_id}: {v.problem}" for v in held])},
    )
    lost = [v for v in verdicts if v.problem and v.problem.kinds & NOT_CONSERVED]
    yield dg.AssetCheckResult(
        check_name="records_conserved",
        passed=not lost,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"severity": "critical", "lost": listing([f"{v.archive_id}: {v.problem}" for v in lost])},
    )
    by_id: dict[str, list[tuple[Verdict, Check]]] = {
        n: [] for n in severities if n not in (ACCEPTED, "records_conserved")
    }
    for verdict in verdicts:
        for check in verdict.checks:
            by_id.setdefault(check.id, []).append((verdict, check))
    for name, results in by_id.items():
        failed = [(v, c) for v, c in results if not c.passed]
        worst = "critical" if any(c.severity == "critical" for _, c in failed) else "warning"
        severity = worst if failed else severities[name]
        yield dg.AssetCheckResult(
            check_name=name,
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if severity == "critical" else dg.AssetCheckSeverity.WARN,
            metadata={
                "severity": severity,
                "vintages_checked": len(results),
                "rows_checked": sum(c.evaluated_rows for _, c in results),
                "failing_rows": sum(c.failing_rows for _, c in failed),
                "failed": listing([f"{v.archive_id}: {c.told(installation_language())}" for v, c in failed]),
            },
        )


def _history(settings: Settings, source: Source) -> Any:
    spec = dg.AssetCheckSpec(
        RECENT,
        asset=["history", source.id],
        description=f"{EFFECTS['warning']} The period after the newest one is not overdue, by the publisher's cadence "
        "and usual lag.",
    )

    @dg.asset(
        key=["history", source.id],
        deps=[dg.AssetKey(["clean", source.id])],
        description=f"Every published state of every figure of {source.title.en}, from its first vintage on.",
        kinds={"polars", "parquet"},
        check_specs=[spec],
        metadata={
            "dagster/column_schema": columns_of(source, history=True),
            **code_references(CODE / "history" / "revisions.py", source_folder(source.id) / DESCRIPTION),
        },
        **_common(source),
    )
    def history(context: dg.AssetExecutionContext) -> Iterator[Any]:
        with as_failure():
            realm = resolve_origin(settings).realm
            summary = build_source_history(settings, realm, source.id, context.run.run_id)
        if summary.get("mended"):
            context.log.warning(str(summary["mended"]))
        last = summary["vintages"][-1] if summary["vintages"] else None
        changes = summary["changes"]
        revised = {v: c["revised"] for v, c in changes.items()}
        yield dg.MaterializeResult(
            metadata={
                "realm": realm_word(realm),
                "dagster/row_count": summary["rows"],
                "newest_period": summary["last_period"] or "none",
                "vintage": last or "none: no vintage is accepted, see the checks of the clean asset",
                "changed": _changed(changes[last], last) if last else "Nothing is accepted.",
                "chart": f"figures revised: {spark(revised)}",
                "changes": table([{"vintage": v, **c} for v, c in changes.items()]),
                "revised_by_vintage": bars(revised),
            },
            check_results=[_recent(settings, realm, source)],
        )

    return history


def _changed(counts: dict[str, int], vintage: str) -> str:
    said = [f"{count:,} {word}" for word, count in counts.items() if count]
    return f"The vintage of {vintage} brought {', '.join(said) or 'nothing new'}."


def _recent(settings: Settings, realm: Realm, source: Source) -> dg.AssetCheckResult:
    """Freshness by the data's own dates: a publisher may have stopped although we look every night."""
    from pipelines.status.account import freshness, read_account

    account = read_account(settings, realm, source)
    word = freshness(account, realm, settings.now().date())
    return dg.AssetCheckResult(
        check_name=RECENT,
        passed=word in ("fresh", "due", "sample"),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "severity": "warning",
            "freshness": word,
            "newest_period": str(account.last_period),
            "next_expected": str(account.next_expected),
        },
    )
