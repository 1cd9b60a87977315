"""What must hold of a vintage: an expectation, and what a source says otherwise of one that every source has.

What belongs here: the shape of both in the YAML. What does not: the expectations of every source
(quality/defaults.yml), how the two are put together (quality.expectations), judging (quality).
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from pipelines.catalog.base import Strict
from pipelines.core.types import Severity


class Expectation(Strict):
    """One Great Expectations expectation on the clean rows or on the facts about the vintage.

    batch names the frame: rows (new or revised rows) or a facts frame made by the source's quality code.
    """

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    batch: str = "rows"
    type: str = Field(pattern=r"^expect_[a-z_]+$")
    kwargs: dict[str, Any] = Field(default={})
    severity: Severity = "critical"
    why: str = Field(min_length=10)


class Override(Strict):
    """What a source says of an expectation that every source has: its own bounds or severity, or that it has none.

    why: the measurement behind it; unset fields are as in the defaults. left_out: the reason why the source goes
    without. id: the name of the check in this source.
    """

    id: str | None = Field(default=None, pattern=r"^[a-z0-9_]+$")
    min_value: float | None = None
    max_value: float | None = None
    severity: Severity | None = None
    why: str | None = Field(default=None, min_length=10)
    left_out: str | None = Field(default=None, min_length=10)

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if self.left_out is not None and self.model_fields_set != {"left_out"}:
            raise ValueError("an expectation that is left out has no bounds, severity, id or why")
        if self.left_out is None and self.why is None:
            raise ValueError("say why, with the measurement behind it; or left_out, with the reason")
        return self

    def of(self, default: Expectation) -> Expectation:
        """The default expectation with what the source says."""
        bounds = {"min_value": self.min_value, "max_value": self.max_value}
        return default.model_copy(
            update={
                "id": self.id or default.id,
                "kwargs": default.kwargs | {k: v for k, v in bounds.items() if v is not None},
                "severity": self.severity or default.severity,
                "why": self.why or default.why,
            }
        )
