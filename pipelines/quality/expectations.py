"""The expectations of a source: those of every source as it bounds them, then its own.

What belongs here: reading defaults.yml and putting the two together. What does not: the shape of an expectation and of
an override (catalog.expectations), running them (suite).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pipelines.catalog.expectations import Expectation
from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_yaml

DEFAULTS = Path(__file__).with_name("defaults.yml")
KEY = "{key}"
"""Stands in the defaults for the columns of a source's key."""


@cache
def default_expectations() -> tuple[Expectation, ...]:
    """The expectations that every source has unless it says otherwise, in the order of the file."""
    return tuple(Expectation.model_validate(entry) for entry in read_yaml(DEFAULTS))


def expectations_of(source: Source) -> list[Expectation]:
    """Every expectation that a source's vintages must meet.

    Raises DrugflowError where the source overrides an expectation that is no default, or has an id twice.
    """
    defaults = default_expectations()
    if unknown := source.overrides.keys() - {e.id for e in defaults}:
        raise DrugflowError(
            f"{source.id}/source.yml: overrides names {sorted(unknown)}, which quality/defaults.yml does not have."
        )
    found = []
    for default in defaults:
        override = source.overrides.get(default.id)
        if override is None:
            found.append(_with_key(default, source))
        elif override.left_out is None:
            found.append(_with_key(override.of(default), source))
    found += source.expectations
    ids = [e.id for e in found]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise DrugflowError(
            f"{source.id}/source.yml: expectations has {', '.join(twice)}, which quality/defaults.yml has. Override "
            "that one, or give yours another id."
        )
    return found


def _with_key(expectation: Expectation, source: Source) -> Expectation:
    kwargs = {name: source.key if value == KEY else value for name, value in expectation.kwargs.items()}
    return expectation.model_copy(update={"kwargs": kwargs})
