"""How runs of the UI and the daemon execute: all steps in one process, watched, in turn, after burying the dead."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.orchestration.instance import alive_until_exit, bury_dead_runs
from pipelines.orchestration.turn import turn
from pipelines.settings import Settings

if TYPE_CHECKING:
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan
    from dagster._core.execution.retries import RetryMode
    from dagster._core.execution.step_dependency_config import StepDependencyConfig


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
        with ExitStack() as stack:
            if self._settings is not None:
                who = f"the run {plan_context.run_id[:8]} in the UI"
                stack.enter_context(turn(self._settings, who, plan_context.log.warning))
            yield from self._inner.execute(plan_context, execution_plan)


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
