"""Everything that Dagster loads, wired in one place for the UI, the command line and the tests."""

from __future__ import annotations

import dagster as dg

from pipelines.catalog.load import load_catalog
from pipelines.core.settings import Settings
from pipelines.orchestration.dbt_assets import dbt_models, dbt_resource
from pipelines.orchestration.executor import one_process_executor
from pipelines.orchestration.jobs import nightly_job, nightly_schedule, refresh_job
from pipelines.orchestration.release_asset import release_asset
from pipelines.orchestration.run_job import run_job
from pipelines.orchestration.sensors import failed_run_sensor, watchdog_sensor
from pipelines.orchestration.source_assets import coverage_asset, source_assets
from pipelines.refresh.refresh import Progress


def build_definitions(settings: Settings, loggers: dict[str, dg.LoggerDefinition] | None = None) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors for one installation."""
    sources = [s for s in load_catalog().values() if s.status == "active"]
    models = dbt_models(settings)
    assets: list[dg.AssetsDefinition] = [a for s in sources for a in source_assets(settings, s)]
    assets += [coverage_asset(settings, sources), models]
    marts = [key for key in models.keys if key.path[0] == "marts"]
    assets.append(release_asset(settings, sorted(marts, key=lambda k: list(k.path))))
    refresh, nightly = refresh_job(settings), nightly_job(settings, run_refresh_job)
    return dg.Definitions(
        assets=assets,
        jobs=[refresh, nightly],
        schedules=[nightly_schedule(settings, nightly)],
        sensors=[failed_run_sensor(settings, [refresh, nightly]), watchdog_sensor(settings)],
        resources={"dbt": dbt_resource()},
        executor=one_process_executor(settings),
        loggers=loggers,
    )


def run_refresh_job(settings: Settings, sources: list[str], progress: Progress) -> str | None:
    """Run the refresh job in this process for some sources (none: all); why it failed, or None."""
    return run_job(settings, sources, progress, build_definitions)


@dg.definitions
def defs() -> dg.Definitions:
    """What the UI loads; built when it is loaded, so that the command line builds its own only."""
    # Runs of the command line name this logger; the UI can repeat them only where it knows it.
    return build_definitions(Settings(), {"progress": dg.colored_console_logger})
