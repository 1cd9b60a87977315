"""The release: the last asset, and the only one that changes what analysts open."""

from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.orchestration.dbt import OWNERS, POOL
from pipelines.orchestration.show import code_references
from pipelines.orchestration.stages import build_inputs, code_version, resolve_origin
from pipelines.release.publish import acquire, publish, refuse_sample_over_official
from pipelines.settings import Settings

CURRENT = "published_totals_hold"


def release_asset(settings: Settings, upstream: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """release: copies the checked build into a folder and swaps it in atomically."""

    @dg.asset(
        key="release",
        deps=upstream,
        description="The database, Parquet files, validation pages and description that analysts open.",
        group_name="release",
        kinds={"duckdb", "parquet"},
        owners=OWNERS,
        pool=POOL,
        metadata=code_references(Path(__file__).parent.parent / "release" / "publish.py"),
    )
    def release(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        origin = resolve_origin(settings)
        refuse_sample_over_official(settings, origin.realm)
        with acquire(settings, origin.realm):
            manifest = publish(
                settings, origin.realm, origin.name, build_inputs(settings, origin.realm), code_version()
            )
        return dg.MaterializeResult(
            metadata={
                "release_id": manifest.release_id,
                "realm": "SAMPLE" if manifest.realm == "sample" else "official",
                "content_hash": manifest.content_hash,
                "tables": len(manifest.tables),
                "rows": sum(t["rows"] for t in manifest.tables.values()),
                "held_vintages": dg.MetadataValue.md("\n".join(f"- {h}" for h in manifest.held) or "none"),
                "folder": dg.MetadataValue.path(str(settings.releases / manifest.release_id)),
            }
        )

    return release
