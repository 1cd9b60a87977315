"""The refresh job and its nightly schedule."""

from __future__ import annotations

from typing import Any

import dagster as dg

from pipelines.orchestration.executor import one_process_executor
from pipelines.settings import Settings

REFRESH = "refresh"


def refresh_job() -> Any:
    """Everything from the origin to the release."""
    return dg.define_asset_job(
        REFRESH,
        selection=dg.AssetSelection.all(),
        description="Read the origin, clean, validate, compare vintages, build the marts and publish a release.",
        executor_def=one_process_executor,
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
