"""Known upstream errors, as data: each with its reason, evidence and a guard.

A correction acts only while the publisher's value is the one that expect says; once the publisher
repairs it, the correction stops acting and the count in the summary is 0.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import polars as pl
import yaml
from pydantic import Field

from pipelines.sources.catalog import FOLDER, Source, Strict


class Correction(Strict):
    """One known error. match: frame column -> value, or [first, last] for dates."""

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    source: str
    match: dict[str, Any]
    expect: dict[str, Any] = Field(min_length=1, description="column -> published value, or {above: column-free bound}")
    action: Literal["flag"] = "flag"
    column: str = Field(description="boolean annotation that becomes true")
    reason: str = Field(min_length=10)
    evidence: str = Field(min_length=10)
    status: Literal["open", "reported", "repaired"]


@cache
def load_corrections() -> list[Correction]:
    """All corrections of ``sources/corrections.yaml``."""
    raw = yaml.safe_load((FOLDER / "corrections.yaml").read_text("utf-8")) or []
    return [Correction.model_validate(r) for r in raw]


def apply(source: Source, frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """The frame with flags set, and how many rows each correction touched."""
    counts: dict[str, int] = {}
    for correction in load_corrections():
        if correction.source != source.id:
            continue
        hit = pl.all_horizontal(*_conditions(correction.match), *_guards(correction.expect)).fill_null(False)
        counts[correction.id] = int(frame.select(hit.sum()).item())
        if counts[correction.id]:
            frame = frame.with_columns((pl.col(correction.column) | hit).alias(correction.column))
    return frame, counts


def _conditions(match: dict[str, Any]) -> list[pl.Expr]:
    return [
        pl.col(c).is_between(*(pl.lit(b) for b in v)) if isinstance(v, list) else pl.col(c) == v
        for c, v in match.items()
    ]


def _guards(expect: dict[str, Any]) -> list[pl.Expr]:
    return [pl.col(c) > v["above"] if isinstance(v, dict) else pl.col(c) == v for c, v in expect.items()]
