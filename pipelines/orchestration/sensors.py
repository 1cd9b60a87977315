"""What the daemon looks after between the nights: runs that died without a word, and nights that did not come.

What belongs here: when to look. What does not: what is told and how often (alerts).
"""

import os
from datetime import datetime
from typing import Any

import dagster as dg

from pipelines.alerts.record import last_refresh
from pipelines.alerts.tell import after_death
from pipelines.alerts.watchdog import watch
from pipelines.core.problem import Problem
from pipelines.core.settings import Settings
from pipelines.orchestration.executor import ENDED, STEPPED_ASIDE
from pipelines.orchestration.failure import why_step_failed
from pipelines.orchestration.instance import bury_dead_runs

WATCH_SECONDS = 600


def failed_run_sensor(settings: Settings, jobs: list[Any]) -> dg.SensorDefinition:
    """Alerts on a failed run of the given jobs, also of one whose process is gone and could not do it itself."""

    @dg.run_failure_sensor(
        name="failed_run_alert",
        monitored_jobs=jobs,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Says through DRUGFLOW_ALERT_URLS that a run failed, unless the run said so itself.",
    )
    def failed_run_alert(context: dg.RunFailureSensorContext) -> None:
        run = context.instance.get_run_by_id(context.dagster_run.run_id)
        stepped_aside = run is not None and run.tags.get(ENDED) == STEPPED_ASIDE
        if stepped_aside or _was_overtaken(settings, context):
            return
        for sentence in after_death(settings, reason(context)):
            context.log.info(sentence)

    return failed_run_alert


def _was_overtaken(settings: Settings, context: dg.RunFailureSensorContext) -> bool:
    """Whether a refresh ended after the run, and said how: a daemon that slept hears of failures late."""
    record = context.instance.get_run_record_by_id(context.dagster_run.run_id)
    last, ended = last_refresh(settings), (record.end_time if record else None) or 0.0
    return last is not None and datetime.fromisoformat(last.finished_at).timestamp() > ended


def reason(context: dg.RunFailureSensorContext) -> Problem:
    """Why a run failed: what its first failed step says, else what ended the run."""
    for event in context.get_step_failure_events():
        return why_step_failed(event.step_failure_data)
    run = context.dagster_run
    said = context.failure_event.message or Problem.of("step_without_reason")
    return Problem.of("run_failed", run=run.run_id[:8], job=run.job_name, said=said)


def watchdog_sensor(settings: Settings) -> dg.SensorDefinition:
    """Alerts once where no refresh ended for DRUGFLOW_WATCHDOG_HOURS, and marks runs of dead processes as failed."""

    @dg.sensor(
        name="watchdog",
        minimum_interval_seconds=WATCH_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Notices that no refresh ended for DRUGFLOW_WATCHDOG_HOURS, and runs whose process is gone.",
    )
    def watchdog(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        buried = bury_dead_runs(context.instance) if "DAGSTER_HOME" in os.environ else []
        _, said = watch(settings)
        dead = [f"Marked as failed, its process is gone: {run}." for run in buried]
        return dg.SkipReason(" ".join([*said, *dead]))

    return watchdog
