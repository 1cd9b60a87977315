"""Everything that Dagster loads, wired in one place for the UI, the command line and the tests."""

from __future__ import annotations

import dagster as dg

from pipelines.catalog.load import load_catalog
from pipelines.core.problem import Problem
from pipelines.core.settings import Settings
from pipelines.dbt.build import Dbt
from pipelines.orchestration.coverage_asset import coverage_asset
from pipelines.orchestration.dbt_assets import dbt_models
from pipelines.orchestration.executor import protocol_executor
from pipelines.orchestration.jobs import nightly_schedule, refresh_job
from pipelines.orchestration.release_asset import release_asset
from pipelines.orchestration.run_job import run_job
from pipelines.orchestration.sensors import failed_run_sensor, watchdog_sensor
from pipelines.orchestration.source_assets import source_assets
from pipelines.refresh.refresh import Progress
from pipelines.refresh.workers import Workers


def build_definitions(
    settings: Settings,
    loggers: dict[str, dg.LoggerDefinition] | None = None,
    workers: Workers | None = None,
    dbt: Dbt | None = None,
    inner: dg.ExecutorDefinition = dg.in_process_executor,
) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors for one installation.

    workers, dbt: what cleans and judges, and what builds the models, where something was made ready for that.
    inner: the executor of the steps.
    """
    sources = [s for s in load_catalog().values() if s.status == "active"]
    models, cleaning = dbt_models(settings, dbt or Dbt()), workers or Workers()
    assets: list[dg.AssetsDefinition] = [a for s in sources for a in source_assets(settings, s, cleaning)]
    assets += [coverage_asset(settings, sources), models]
    marts = [key for key in models.keys if key.path[0] == "marts"]
    assets.append(release_asset(settings, sorted(marts, key=lambda k: list(k.path))))
    executor = protocol_executor(settings, inner)
    refresh = refresh_job(executor)
    return dg.Definitions(
        assets=assets,
        jobs=[refresh],
        schedules=[nightly_schedule(settings, refresh)],
        sensors=[failed_run_sensor(settings, [refresh]), watchdog_sensor(settings)],
        executor=executor,
        loggers=loggers,
    )


def run_refresh_job(
    settings: Settings, sources: list[str], progress: Progress, run: str, workers: Workers | None = None
) -> Problem | None:
    """Run the refresh job in this process for some sources (none: all); why it failed, or None."""
    dbt = Dbt()
    return run_job(
        settings, sources, progress, run, dbt, lambda loggers: build_definitions(settings, loggers, workers, dbt)
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What the UI loads; built when it is loaded, so that the command line builds its own only."""
    # Runs of the command line name this logger; the UI can repeat them only where it knows it.
    return build_definitions(Settings(), {"progress": dg.colored_console_logger})
