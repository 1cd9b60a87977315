"""Why a run failed, as a value that goes through Dagster: in the metadata of a failed step.

What belongs here: a problem as a failure of Dagster, and back. What does not: the words (core.wording).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.core.errors import DrugflowError, machine_refused
from pipelines.core.problem import Problem, as_told, read_problem

if TYPE_CHECKING:
    from dagster._core.execution.plan.objects import StepFailureData

PROBLEM = "problem"
"""Metadata of a failure: the problem as JSON, from which another process words it in its own language."""


def failure_of(problem: Problem) -> dg.Failure:
    """The failure of a step by a problem. No retry repeats it."""
    value = dg.MetadataValue.json(problem.model_dump(mode="json"))
    return dg.Failure(description=str(problem), metadata={PROBLEM: value}, allow_retries=False)


@contextmanager
def as_failure() -> Iterator[None]:
    """A DrugflowError, and what the disk refuses, fail the step with their problem."""
    import duckdb

    try:
        yield
    except DrugflowError as error:
        raise failure_of(error.problem) from error
    except (OSError, duckdb.IOException) as error:
        raise failure_of(Problem.of("release_stays", found=machine_refused(error))) from error


def why_step_failed(failed: StepFailureData) -> Problem:
    """The problem that a step failed with, else what was raised in it."""
    told = failed.user_failure_data
    if told is not None and PROBLEM in told.metadata:
        return read_problem(told.metadata[PROBLEM].value)
    if told is not None and told.description:
        return as_told(str(told.description))
    if failed.error is None:
        return Problem.of("step_without_reason")
    cause = failed.error.cause if failed.error.cause is not None else failed.error
    return as_told(str(cause.message.strip().split("\n")[0]))


def joined(failures: Sequence[Problem]) -> Problem | None:
    """Several failures of a run as one; None of none."""
    if len(failures) < 2:
        return failures[0] if failures else None
    return Problem.of("steps_failed", found=list(failures))
