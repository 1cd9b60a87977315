"""What the models of all descriptions share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from pipelines.core.problem import Text

__all__ = ["Strict", "Text"]


class Strict(BaseModel):
    """Unknown keys are errors: a misspelt setting must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)
