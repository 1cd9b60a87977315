"""The job and its schedule."""

from typing import Any

import dagster as dg

from pipelines.core.settings import Settings

REFRESH = "refresh"


def refresh_job(executor: dg.ExecutorDefinition) -> Any:
    """Everything from the origin to the release."""
    return dg.define_asset_job(
        REFRESH,
        selection=dg.AssetSelection.all(),
        description="Look at the origin, clean, validate, compare vintages, build the marts and publish a release. "
        "A step that has nothing new to work on returns at once.",
        executor_def=executor,
    )


def nightly_schedule(settings: Settings, job: Any) -> dg.ScheduleDefinition:
    """The refresh of every night; on unless switched off in the UI."""
    return dg.ScheduleDefinition(
        name="nightly_refresh",
        job=job,
        cron_schedule=settings.nightly_cron,
        execution_timezone=settings.nightly_timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Refreshes every source unattended.",
    )
