"""The error that a user reads, and what an error of a library or the operating system says in one line."""

from __future__ import annotations

import re
from typing import Any

from pipelines.core.kinds import Kind
from pipelines.core.problem import Problem, as_told


class DrugflowError(Exception):
    """A problem for the person who meets it; as a text it is worded in the language of the installation.

    kind: what went wrong, with the values that its words name; or a whole problem.
    """

    def __init__(self, kind: Kind | Problem | str, /, **detail: Any):
        if isinstance(kind, str):
            kind = as_told(kind) if " " in kind else Problem.of(kind, **detail)  # type: ignore[arg-type]
        super().__init__(kind)
        self.problem = kind

    def __str__(self) -> str:
        return str(self.problem)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem,)


def why(error: BaseException) -> str:
    """What an error of a library or the operating system says, in one line, without numbers of errors."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    said = (str(error).strip().splitlines() or ["no reason given"])[0]
    return re.sub(r"\[Errno -?\d+\] ?", "", said)[:200]


def machine_refused(error: BaseException) -> Problem:
    """What the disk or the operating system refuses."""
    return Problem.of("machine_refused", why=why(error))
