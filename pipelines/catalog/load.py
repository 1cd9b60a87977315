"""Loading the descriptions of the sources."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_yaml

FOLDER = Path(__file__).parents[1] / "sources"


def load_source(path: Path) -> Source:
    """Read and check one YAML file.

    Raises DrugflowError naming the file, the place in it and what was expected.
    """
    try:
        raw = read_yaml(path)
        source = Source.model_validate(raw)
    except (yaml.YAMLError, ValidationError) as error:
        raise DrugflowError(f"{path.name} does not describe a source: {error}") from error
    if source.id != path.stem:
        raise DrugflowError(f"{path.name} says id {source.id}; the id must equal the file's name")
    return source


@cache
def load_catalog() -> dict[str, Source]:
    """All sources by id, in the order of their files' names."""
    return {p.stem: load_source(p) for p in sorted(FOLDER.glob("*.yml"))}


def get_source(source_id: str) -> Source:
    """One source; raises DrugflowError listing the known ids."""
    catalog = load_catalog()
    if source_id not in catalog:
        raise DrugflowError(f"There is no source {source_id!r}. Known: {', '.join(catalog)}.")
    return catalog[source_id]
