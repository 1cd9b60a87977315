"""The asset history/coverage: what the vintages of all sources speak about, in one file that the models read."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.catalog.source import Source
from pipelines.core.settings import PACKAGE, Settings
from pipelines.orchestration.failure import as_failure
from pipelines.orchestration.metadata import (
    OWNERS,
    bars,
    code_references,
    coverage_columns,
    realm_word,
    spark,
)
from pipelines.refresh.origin import resolve_origin

if TYPE_CHECKING:
    import polars as pl


def coverage_asset(settings: Settings, sources: list[Source]) -> dg.AssetsDefinition:
    """history/coverage: what each accepted vintage of every source speaks about, in one file."""

    @dg.asset(
        key=["history", "coverage"],
        deps=[dg.AssetKey(["history", s.id]) for s in sources],
        description="For each accepted vintage and scope: first and last period, and whether the period is open.",
        kinds={"polars", "parquet"},
        group_name="shared",
        owners=OWNERS,
        metadata={
            "dagster/column_schema": coverage_columns(),
            **code_references(PACKAGE / "history" / "run.py"),
        },
    )
    def coverage() -> dg.MaterializeResult[Any]:
        from pipelines.history.run import write_coverage

        with as_failure():
            realm = resolve_origin(settings).realm
            folder = settings.stage("history", realm)
            before = _covered(folder)
            write_coverage(folder, [s.id for s in sources])
            now = _covered(folder)
        return dg.MaterializeResult(metadata={"realm": realm_word(realm), **_spoken(now, before)})

    return coverage


def _covered(folder: Path) -> "pl.DataFrame | None":
    import polars as pl

    path = folder / "coverage.parquet"
    return pl.read_parquet(path) if path.exists() else None


def _spoken(now: "pl.DataFrame | None", before: "pl.DataFrame | None") -> dict[str, Any]:
    """What the vintages speak about, and what is new in it."""
    if now is None or now.is_empty():
        return {"dagster/row_count": 0, "newest_period": "none", "vintage": "none", "changed": "Nothing is accepted."}
    vintages = dict(now.group_by("source_id").n_unique().select("source_id", "vintage").sort("source_id").iter_rows())
    keys = ["source_id", "vintage", "scope"]
    came = now if before is None else now.join(before, on=keys, how="anti")
    gone = 0 if before is None else before.join(now, on=keys, how="anti").height
    new = [f"{s} {v}" for s, v in came.select("source_id", "vintage").unique().sort("source_id", "vintage").iter_rows()]
    said = [f"New: {', '.join(new)}." if new else "", f"{gone} rows left." if gone else ""]
    return {
        "dagster/row_count": now.height,
        "newest_period": str(now["last_period"].max()),
        "vintage": str(now["vintage"].max()),
        "changed": " ".join(filter(None, said)) or "No vintage came or left.",
        "chart": spark(vintages),
        "vintages_by_source": bars(vintages),
    }
