"""How runs of the UI and the daemon execute: all steps in one process, watched, in turn, after burying the dead.

A run that publishes a release is a refresh: it leaves the same account as one of the command line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.core.settings import Settings
from pipelines.orchestration.instance import alive_until_exit, bury_dead_runs
from pipelines.refresh.lock import turn
from pipelines.refresh.stages import resolve_origin
from pipelines.refresh.unattended import conclude
from pipelines.status.outcome import known_vintages

if TYPE_CHECKING:
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan
    from dagster._core.execution.retries import RetryMode
    from dagster._core.execution.step_dependency_config import StepDependencyConfig

RELEASE = "release"
"""The step that publishes."""


class WatchedExecutor(dg.Executor):
    """Dagster's in-process executor, holding the lock that says that this run is alive.

    One process for all steps: the multiprocess executor would import everything again for each of them.
    settings: of the installation whose turn the run takes; None where a step of the run takes it itself.
    """

    def __init__(self, inner: dg.Executor, settings: Settings | None):
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
        """Bury dead runs, wait for the turn, then run every step here."""
        if "DAGSTER_HOME" in os.environ:
            bury_dead_runs(plan_context.instance)
            alive_until_exit(plan_context.instance, plan_context.run_id)
        settings = self._settings
        if settings is None:
            yield from self._inner.execute(plan_context, execution_plan)
            return
        with turn(settings, f"the run {plan_context.run_id[:8]} in the UI", plan_context.log.warning):
            started, published = settings.now(), False
            before = known_vintages(settings, resolve_origin(settings).realm)
            for event in self._inner.execute(plan_context, execution_plan):
                published = published or (event.is_step_success and event.step_key == RELEASE)
                yield event
            if published:
                realm = resolve_origin(settings).realm
                lines, alerts = conclude(settings, realm, started, before, None)
                for said in [*(s.line for s in lines), *alerts]:
                    plan_context.log.info(said)


def one_process_executor(settings: Settings | None) -> dg.ExecutorDefinition:
    """All steps of a run in its one process, in the installation's turn; see WatchedExecutor."""

    @dg.executor(
        name="one_process" if settings else "one_process_without_turn",
        config_schema=dg.in_process_executor.config_schema.as_field(),
    )
    def one_process(init_context: dg.InitExecutorContext) -> dg.Executor:
        create = dg.in_process_executor.executor_creation_fn
        assert create is not None
        return WatchedExecutor(create(init_context), settings)

    return one_process
