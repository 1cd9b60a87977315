"""The lineage of the released tables, read from dbt's manifest."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from pipelines.catalog.dictionary import load_dictionary
from pipelines.catalog.lineage import Lineage, lineage_of
from pipelines.catalog.load import load_catalog
from pipelines.dbt.manifest import prepare_manifest


@cache
def load_lineage() -> Lineage:
    """What each released table is built from, as the models say now.

    Parses the dbt project where it changed. Raises DrugflowError with dbt's words where it cannot be parsed.
    """
    return lineage_of(load_dictionary(), parents(prepare_manifest()), load_catalog().keys())


def parents(manifest: Path) -> dict[str, list[str]]:
    """What each model stands on directly: names of models, seeds and sources."""
    nodes = json.loads(manifest.read_text("utf-8"))["nodes"].values()
    return {n["name"]: [_name(i) for i in n["depends_on"]["nodes"]] for n in nodes if n["resource_type"] == "model"}


def _name(unique_id: str) -> str:
    """The name in dbt's id of a node, such as model.<project>.<name> or source.<project>.<schema>.<name>."""
    return unique_id.rpartition(".")[2]
