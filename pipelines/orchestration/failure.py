"""Why a run failed, as a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster._core.execution.plan.objects import StepFailureData


def why_step_failed(failed: StepFailureData) -> str:
    """The sentence that a step was failed with, else what was raised in it."""
    if failed.user_failure_data is not None and failed.user_failure_data.description:
        return str(failed.user_failure_data.description)
    if failed.error is None:
        return "A step failed without a reason."
    cause = failed.error.cause if failed.error.cause is not None else failed.error
    return str(cause.message.strip().split("\n")[0])
