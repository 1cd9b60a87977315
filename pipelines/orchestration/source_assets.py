"""Assets of the sources: raw, clean and history, one of each a source, with their checks.

What belongs here: what the UI shows of a stage. What does not: the stages themselves (stages).
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.orchestration.dbt import OWNERS
from pipelines.orchestration.show import bars, code_references, columns_of, table
from pipelines.orchestration.stages import (
    build_source_history,
    clean_source,
    ingest_source,
    judge_source,
    resolve_origin,
)
from pipelines.quality.verdict import Check, Verdict
from pipelines.settings import Settings
from pipelines.sources.catalog import FOLDER, Source

RETRY = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
ACCEPTED = "vintages_accepted"
ARRIVED = "every_vintage_taken"
CLEAN = Path(__file__).parent.parent / "clean"
DAYS = {"weekly": 7, "monthly": 31, "quarterly": 92, "half_yearly": 184, "yearly": 366}


def source_assets(settings: Settings, source: Source) -> list[dg.AssetsDefinition]:
    """raw/<source>, clean/<source> and history/<source>."""
    return [_raw(settings, source), _clean(settings, source), _history(settings, source)]


def _common(source: Source) -> dict[str, Any]:
    return {
        "group_name": source.subject,
        "owners": OWNERS,
        "tags": {"source": source.id, "cadence": source.cadence},
    }


def _raw(settings: Settings, source: Source) -> Any:
    @dg.asset(
        key=["raw", source.id],
        description=f"Archived files of {source.title.en} ({source.publisher}), byte for byte, with receipts.",
        kinds={"file"},
        retry_policy=RETRY,
        check_specs=[
            dg.AssetCheckSpec(
                ARRIVED, asset=["raw", source.id], description="Every vintage of the origin was archived."
            )
        ],
        metadata={
            "landing_page": dg.MetadataValue.url(source.landing_page),
            "licence": source.licence.text,
            **code_references(FOLDER / f"{source.id}.yml"),
        },
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(days=2 * DAYS[source.cadence])),
        **_common(source),
    )
    def raw() -> Iterator[Any]:
        origin = resolve_origin(settings)
        report = ingest_source(settings, origin, source.id)
        yield dg.MaterializeResult(
            metadata={
                "origin": origin.name,
                "realm": "SAMPLE" if origin.realm == "sample" else "official",
                "new_vintages": dg.MetadataValue.json(report.added),
                "known_vintages": report.known,
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=ARRIVED,
                    passed=not report.problems,
                    severity=dg.AssetCheckSeverity.ERROR,
                    metadata={"problems": dg.MetadataValue.md("\n".join(f"- {p}" for p in report.problems) or "none")},
                )
            ],
        )

    return raw


def _clean(settings: Settings, source: Source) -> Any:
    specs = [dg.AssetCheckSpec(e.id, asset=["clean", source.id], description=e.why) for e in source.expectations]
    ours = {
        "readable": "Every file of every vintage was read whole.",
        "rejected_rows": "No record was rejected.",
        "records_conserved": "Records in = clean + set aside + rejected.",
        ACCEPTED: "No vintage is held back.",
    }
    specs += [dg.AssetCheckSpec(name, asset=["clean", source.id], description=text) for name, text in ours.items()]

    @dg.asset(
        key=["clean", source.id],
        deps=[dg.AssetKey(["raw", source.id])],
        description=source.description.en,
        kinds={"polars", "parquet", "greatexpectations"},
        check_specs=specs,
        metadata={
            "dagster/column_schema": columns_of(source, history=False),
            **code_references(CLEAN / f"{source.id}.py", FOLDER / f"{source.id}.yml"),
        },
        **_common(source),
    )
    def clean(context: dg.AssetExecutionContext) -> Iterator[Any]:
        realm = resolve_origin(settings).realm
        summaries = clean_source(settings, realm, source.id)
        verdicts = judge_source(settings, realm, source.id)
        rows = [
            {
                "vintage": s.vintage, "state": v.state, "records": s.records, "rows": s.rows,
                "set_aside": sum(s.set_aside.values()), "rejected": s.rejected, "newest_period": s.last_period or "",
            }
            for s, v in zip(summaries, verdicts, strict=True)
        ]  # fmt: skip
        for verdict in verdicts:
            if verdict.state == "held":
                context.log.error(f"{source.id} {verdict.archive_id} is held back: {verdict.problem}")
        newest = summaries[-1] if summaries else None
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": newest.rows if newest else 0,
                "vintage": newest.vintage if newest else "none",
                "newest_period": (newest.last_period if newest else None) or "none",
                "vintages": table(rows),
                "rows_by_vintage": dg.MetadataValue.md(bars({s.vintage: s.rows for s in summaries})),
            },
            check_results=list(_check_results(verdicts)),
        )

    return clean


def _check_results(verdicts: list[Verdict]) -> Iterator[dg.AssetCheckResult]:
    """One result a check: failed where any vintage fails it, with each vintage's sentence."""
    held = [v for v in verdicts if v.state == "held"]
    yield dg.AssetCheckResult(
        check_name=ACCEPTED,
        passed=not held,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"held": dg.MetadataValue.md("\n".join(f"- {v.archive_id}: {v.problem}" for v in held) or "none")},
    )
    lost = [v for v in verdicts if v.problem and "records in" in v.problem]
    yield dg.AssetCheckResult(check_name="records_conserved", passed=not lost, severity=dg.AssetCheckSeverity.ERROR)
    by_id: dict[str, list[tuple[Verdict, Check]]] = {}
    for verdict in verdicts:
        for check in verdict.checks:
            by_id.setdefault(check.id, []).append((verdict, check))
    for name, results in by_id.items():
        failed = [(v, c) for v, c in results if not c.passed]
        critical = any(c.severity == "critical" for _, c in failed or results)
        yield dg.AssetCheckResult(
            check_name=name,
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if critical else dg.AssetCheckSeverity.WARN,
            metadata={
                "vintages_checked": len(results),
                "rows_checked": sum(c.evaluated_rows for _, c in results),
                "failing_rows": sum(c.failing_rows for _, c in failed),
                "failed": dg.MetadataValue.md("\n".join(f"- {v.archive_id}: {c.detail}" for v, c in failed) or "none"),
            },
        )


def _history(settings: Settings, source: Source) -> Any:
    @dg.asset(
        key=["history", source.id],
        deps=[dg.AssetKey(["clean", source.id])],
        description=f"Every published state of every figure of {source.title.en}, from its first vintage on.",
        kinds={"polars", "parquet"},
        metadata={
            "dagster/column_schema": columns_of(source, history=True),
            **code_references(Path(__file__).parent.parent / "history" / "revisions.py"),
        },
        **_common(source),
    )
    def history() -> dg.MaterializeResult[Any]:
        realm = resolve_origin(settings).realm
        summary = build_source_history(settings, realm, source.id)
        last = summary["vintages"][-1] if summary["vintages"] else None
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": summary["rows"],
                "newest_period": summary["last_period"] or "none",
                "vintage": last or "none: no vintage is accepted, see the checks of the clean asset",
                "changed_in_last_vintage": dg.MetadataValue.json(summary["changes"].get(last, {})),
                "changes": table([{"vintage": v, **c} for v, c in summary["changes"].items()]),
                "revised_by_vintage": dg.MetadataValue.md(
                    bars({v: c["revised"] for v, c in summary["changes"].items()})
                ),
            }
        )

    return history


def coverage_asset(settings: Settings, sources: list[Source]) -> dg.AssetsDefinition:
    """history/coverage: what each accepted vintage of every source speaks about, in one file."""

    @dg.asset(
        key=["history", "coverage"],
        deps=[dg.AssetKey(["history", s.id]) for s in sources],
        description="For each accepted vintage and scope: first and last period, and whether the period is open.",
        kinds={"polars", "parquet"},
        group_name="shared",
        owners=OWNERS,
    )
    def coverage() -> dg.MaterializeResult[Any]:
        from pipelines.history.run import write_coverage

        rows = write_coverage(settings.stage("history", resolve_origin(settings).realm), [s.id for s in sources])
        return dg.MaterializeResult(metadata={"dagster/row_count": rows})

    return coverage
