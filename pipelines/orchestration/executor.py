"""How runs of the UI and the daemon execute: all steps in one process, watched, after the dead are buried."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.orchestration.instance import alive_until_exit, bury_dead_runs

if TYPE_CHECKING:
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan
    from dagster._core.execution.retries import RetryMode
    from dagster._core.execution.step_dependency_config import StepDependencyConfig


class WatchedExecutor(dg.Executor):
    """Dagster's in-process executor, holding the lock that says that this run is alive.

    One process for all steps: the multiprocess executor would import everything again for each of them.
    """

    def __init__(self, inner: dg.Executor):
        self._inner = inner

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
        """Bury dead runs, then run every step here."""
        if "DAGSTER_HOME" in os.environ:
            bury_dead_runs(plan_context.instance)
            alive_until_exit(plan_context.instance, plan_context.run_id)
        yield from self._inner.execute(plan_context, execution_plan)


@dg.executor(name="one_process", config_schema=dg.in_process_executor.config_schema.as_field())
def one_process_executor(init_context: dg.InitExecutorContext) -> dg.Executor:
    """All steps of a run in its one process."""
    create = dg.in_process_executor.executor_creation_fn
    assert create is not None
    return WatchedExecutor(create(init_context))
