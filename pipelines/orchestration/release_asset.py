"""The release: the last asset, and the only one that changes what analysts open."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.catalog.load import get_source
from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.dbt.profile import wait_until_closed
from pipelines.ingest.origins import Origin
from pipelines.orchestration.dbt_assets import POOL
from pipelines.orchestration.failure import as_failure
from pipelines.orchestration.metadata import (
    EFFECTS,
    OWNERS,
    bars,
    code_references,
    listing,
    realm_word,
    spark,
    table,
)
from pipelines.refresh.origin import active_sources, resolve_origin
from pipelines.refresh.stages import build_inputs
from pipelines.refresh.survey import built_survey, code_version, is_released, is_told, note_release
from pipelines.release.publish import acquire, publish, refuse_sample_over_official
from pipelines.releases.manifest import DATABASE, Manifest, current_manifest, pinned_release, releases
from pipelines.status.account import read_outline

if TYPE_CHECKING:
    import duckdb

TOTALS = "published_totals_hold"
NOTHING_HELD = "no_vintage_held_back"
SERVED = "is_what_analysts_open"
CHECKS = {
    TOTALS: "Critical: holds the release back. Totals that the agencies published hold in it.",
    NOTHING_HELD: f"{EFFECTS['warning']} The release has the newest vintage of every source.",
    SERVED: f"{EFFECTS['warning']} No earlier release is pinned in front of this one.",
}
_TABLES_SHOWN = 12


def release_asset(settings: Settings, upstream: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """release: copies the checked build into a folder and swaps it in atomically, where anything is new in it."""

    @dg.asset(
        key="release",
        deps=upstream,
        description="The database, Parquet files, validation pages and description that analysts open.",
        group_name="release",
        kinds={"duckdb", "parquet"},
        owners=OWNERS,
        pool=POOL,
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn("drugflow.duckdb", "DuckDB", description="schemas marts, history and meta"),
                    dg.TableColumn("parquet/", "Parquet", description="one file a table"),
                    dg.TableColumn("data_docs/", "HTML", description="results of every validation, readable offline"),
                    dg.TableColumn("datapackage.json", "Frictionless", description="files, checksums and row counts"),
                    dg.TableColumn("manifest.json", "JSON", description="what this release is"),
                ]
            ),
            **code_references(Path(__file__).parent.parent / "release" / "publish.py"),
        },
        check_specs=[dg.AssetCheckSpec(name, asset="release", description=text) for name, text in CHECKS.items()],
    )
    def release() -> Iterator[Any]:
        with as_failure():
            origin = resolve_origin(settings)
            refuse_sample_over_official(settings, origin.realm)
            _refuse_empty(settings, origin.realm)
            before = current_manifest(settings)
            manifest = before if before and _is_current(settings, origin) else _publish(settings, origin)
        yield dg.MaterializeResult(
            metadata=_shown(settings, manifest, before), check_results=_checks(settings, manifest)
        )

    return release


def _is_current(settings: Settings, origin: Origin) -> bool:
    """Whether the current release has all that a new one would have."""
    return is_released(settings, origin, built_survey(settings, origin)) and is_told(settings, origin)


def _publish(settings: Settings, origin: Origin) -> Manifest:
    """A new release from the build file, and a note of what it rests on."""
    name = f"{origin.name} as of {settings.as_of}" if settings.as_of else origin.name
    with acquire(settings, origin.realm):
        wait_until_closed(settings.stage("build", origin.realm), settings.lock_timeout_seconds)
        manifest = publish(settings, origin.realm, name, lambda: build_inputs(settings, origin.realm), code_version())
    note_release(settings, origin)
    return manifest


def _refuse_empty(settings: Settings, realm: Realm) -> None:
    """Raise DrugflowError where no vintage of any source is accepted: empty tables would look like zeros."""
    if not any(read_outline(settings, realm, get_source(s)).accepted for s in active_sources()):
        raise DrugflowError("nothing_accepted")


def _shown(settings: Settings, manifest: Manifest, before: Manifest | None) -> dict[str, Any]:
    """What a person wants to see of a release."""
    rows = {name: int(t["rows"]) for name, t in manifest.tables.items()}
    largest = sorted(rows.items(), key=lambda item: -item[1])[:_TABLES_SHOWN]
    return {
        "dagster/row_count": sum(rows.values()),
        "release_id": manifest.release_id,
        "realm": realm_word(manifest.realm),
        **_newest(settings, manifest),
        "origin": manifest.origin,
        "content_hash": manifest.content_hash,
        "changed": _change(manifest, before),
        "tables": table(
            [
                {
                    "table": name,
                    "rows": count,
                    "rows_before": "–" if before is None else str(before.tables.get(name, {}).get("rows", "new")),
                    "changed": before is None
                    or before.tables.get(name, {}).get("hash") != manifest.tables[name]["hash"],
                }
                for name, count in rows.items()
            ]
        ),
        "chart": _rows_by_release(settings, manifest.realm),
        "rows_by_table": bars(dict(largest)),
        "held_vintages": listing(manifest.held),
        "folder": dg.MetadataValue.path(str(settings.releases / manifest.release_id)),
    }


def _newest(settings: Settings, manifest: Manifest) -> dict[str, str]:
    """Newest period and vintage of any source; those of each are in meta.sources."""
    with _opened(settings, manifest) as connection:
        found = connection.execute(
            "select max(last_period)::varchar, max(last_vintage)::varchar from meta.sources"
        ).fetchone()
    return {name: value or "none" for name, value in zip(("newest_period", "vintage"), found or (), strict=True)}


def _opened(settings: Settings, manifest: Manifest) -> "duckdb.DuckDBPyConnection":
    import duckdb

    return duckdb.connect(str(settings.releases / manifest.release_id / DATABASE), read_only=True)


def _rows_by_release(settings: Settings, realm: Realm) -> str:
    """Rows of every kept release of this realm."""
    rows = {m.release_id: sum(t["rows"] for t in m.tables.values()) for m in releases(settings) if m.realm == realm}
    return spark(rows)


def _change(manifest: Manifest, before: Manifest | None) -> str:
    """What differs from the release before, as a sentence."""
    if before is None:
        return "The first release."
    if before.release_id == manifest.release_id:
        return "Nothing changed: the release stays."
    if before.content_hash == manifest.content_hash:
        return f"Equal content to {before.release_id}."
    names = sorted({*manifest.tables, *before.tables})
    changed = [n for n in names if manifest.tables.get(n, {}).get("hash") != before.tables.get(n, {}).get("hash")]
    return f"Differs from {before.release_id} in {', '.join(changed)}; 'drugflow diff' says how."


def _checks(settings: Settings, manifest: Manifest) -> list[dg.AssetCheckResult]:
    """What the release says of itself. It exists: a failed total would have kept it from being published."""
    pinned = pinned_release(settings)
    totals = {"severity": "critical", **_totals(settings, manifest)}
    if manifest.realm == "sample":
        totals["note"] = "This is a SAMPLE: its agreement with published totals proves nothing."
    return [
        dg.AssetCheckResult(check_name=TOTALS, passed=True, metadata=totals),
        dg.AssetCheckResult(
            check_name=NOTHING_HELD,
            passed=not manifest.held,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"severity": "warning", "held": listing(manifest.held)},
        ),
        dg.AssetCheckResult(
            check_name=SERVED,
            passed=pinned in (None, manifest.release_id),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "severity": "warning",
                "pinned": pinned or "none",
                "how_to_go_on": "drugflow rollback --unpin" if pinned else "nothing",
            },
        ),
    ]


def _totals(settings: Settings, manifest: Manifest) -> dict[str, Any]:
    """Published totals compared, and how many of those known could be."""
    from pipelines.catalog.published_totals import load_totals

    with _opened(settings, manifest) as connection:
        found = connection.execute("select count(*) from meta.checks where stage = 'golden' and passed").fetchone()
    return {"held": int(found[0]) if found else 0, "known": len(load_totals())}
