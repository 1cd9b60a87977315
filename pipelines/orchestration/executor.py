"""How runs of the UI and the schedule execute: any executor of Dagster, inside the protocol of a refresh.

What belongs here: what a run does before its first step and after its last. What does not: the protocol itself
(refresh.protocol), the steps. A run that has the step of the release is a refresh and leaves the same account as one
of the command line; any other takes the turn alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.core.settings import Settings
from pipelines.orchestration.failure import joined, why_step_failed
from pipelines.orchestration.instance import alive_until_exit, bury_dead_runs
from pipelines.refresh.lock import BusyError, turn
from pipelines.refresh.protocol import Refreshing, refreshing

if TYPE_CHECKING:
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan
    from dagster._core.execution.retries import RetryMode
    from dagster._core.execution.step_dependency_config import StepDependencyConfig

RELEASE = "release"
"""The step that publishes."""
ENDED, STEPPED_ASIDE = "drugflow/ended", "stepped_aside"
"""Tag of a run that says how it ended where Dagster's own status does not, and its value for one that was refused the
turn."""
SCHEDULE = "dagster/schedule_name"


class ProtocolExecutor(dg.Executor):
    """An executor of Dagster that works in the installation's turn, watched, after burying the dead."""

    def __init__(self, inner: dg.Executor, settings: Settings):
        self._inner = inner
        self._settings = settings

    @property
    def retries(self) -> RetryMode:
        """As the inner executor."""
        return self._inner.retries

    @property
    def step_dependency_config(self) -> StepDependencyConfig:
        """As the inner executor."""
        return self._inner.step_dependency_config

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        """Bury dead runs, wait for the turn, let the inner executor run every step, and tell how it ended."""
        instance, run_id = plan_context.instance, plan_context.run_id
        if "DAGSTER_HOME" in os.environ:
            bury_dead_runs(instance)
            alive_until_exit(instance, run_id)
        scheduled = SCHEDULE in plan_context.dagster_run.tags
        who = f"the {'nightly run' if scheduled else 'run'} {run_id[:8]}{'' if scheduled else ' in the UI'}"
        warn = plan_context.log.warning
        try:
            if RELEASE not in execution_plan.step_keys_to_execute:
                with turn(self._settings, who, warn):
                    yield from self._inner.execute(plan_context, execution_plan)
                return
            with refreshing(self._settings, who, warn, run_id) as running:
                yield from self._watched(plan_context, execution_plan, running)
        except BusyError:
            instance.add_run_tags(run_id, {ENDED: STEPPED_ASIDE})
            raise
        for source in running.sources:
            (plan_context.log.info if source.word in ("new", "unchanged") else warn)(source.line)
        for sentence in running.alerts:
            plan_context.log.info(sentence)

    def _watched(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan, running: Refreshing
    ) -> Iterator[dg.DagsterEvent]:
        """The events of the inner executor; why steps failed goes into the account of the refresh."""
        failures = []
        for event in self._inner.execute(plan_context, execution_plan):
            if event.is_step_failure:
                failures.append(why_step_failed(event.step_failure_data))
            yield event
        running.failure = joined(failures)


def protocol_executor(
    settings: Settings, inner: dg.ExecutorDefinition = dg.in_process_executor
) -> dg.ExecutorDefinition:
    """An executor inside the protocol of a refresh; its configuration and needs are those of the inner one.

    On one machine all steps run in one process: the multiprocess executor would import everything again for each.
    """
    create = inner.executor_creation_fn
    assert create is not None

    @dg.executor(
        name="refresh_protocol",
        config_schema=inner.config_schema.as_field(),
        requirements=inner.get_requirements,
    )
    def executor(init_context: dg.InitExecutorContext) -> dg.Executor:
        return ProtocolExecutor(create(init_context), settings)

    return executor
