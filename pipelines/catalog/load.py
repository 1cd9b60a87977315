"""Loading the descriptions of the sources."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_yaml

FOLDER = Path(__file__).parents[1] / "sources"
DESCRIPTION = "source.yml"
UNFILLED = "FILL IN"
"""What 'drugflow new-source' writes in the place of what only a person knows."""


def load_source(path: Path) -> Source:
    """Read and check the description in a source's folder.

    A section that is long may lie beside it in a file of its own, named for it, such as
    published_totals.yml. Raises DrugflowError naming the file, the place in it and what was expected.
    """
    name = f"{path.parent.name}/{path.name}"
    try:
        raw = _whole(path)
        if places := list(_unfilled(raw)):
            raise DrugflowError(f"{name} is not filled in yet: replace {UNFILLED!r} in {', '.join(places)}.")
        source = Source.model_validate(raw)
    except (yaml.YAMLError, ValidationError) as error:
        raise DrugflowError("no_description_of_a_source", file=name, why=str(error)) from error
    if source.id != path.parent.name:
        raise DrugflowError("source_id_is_another", file=name, source=source.id)
    return source


def _whole(path: Path) -> Any:
    """The description with what lies beside it: known_errors.yml is the section known_errors, and so on."""
    raw = read_yaml(path)
    sections = {p.stem: p for p in sorted(path.parent.glob("*.yml")) if p != path}
    if not isinstance(raw, dict) or not sections:
        return raw
    if twice := sorted(raw.keys() & sections):
        name = f"{path.parent.name}/{path.name}"
        raise DrugflowError(f"{name} has {', '.join(twice)}, which a file beside it has too: keep one.")
    return raw | {name: read_yaml(section) for name, section in sections.items()}


def _unfilled(value: Any, place: str = "") -> Iterator[str]:
    """Places in a document that still have UNFILLED, such as title.en or columns.3.unit."""
    if isinstance(value, str) and UNFILLED in value:
        yield place
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value, 1):
            yield from _unfilled(inner, f"{place}.{key}" if place else str(key))


@cache
def load_catalog() -> dict[str, Source]:
    """All sources by id, in the order of their folders' names: every folder with a description is a source."""
    return {p.parent.name: load_source(p) for p in sorted(FOLDER.glob(f"*/{DESCRIPTION}"))}


def source_folder(source_id: str) -> Path:
    """Where everything about one source lies."""
    return FOLDER / source_id


def get_source(source_id: str) -> Source:
    """One source; raises DrugflowError listing the known ids."""
    catalog = load_catalog()
    if source_id not in catalog:
        raise DrugflowError("no_such_source", source=source_id, known=catalog)
    return catalog[source_id]
