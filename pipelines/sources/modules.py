"""Finding what a source's folder defines in Python.

What belongs here: the convention ``sources/<id>/clean.py`` and ``facts.py``. What does not: what such a module must
offer (clean.source_module, quality.context), the description of a source (catalog).
"""

from __future__ import annotations

import importlib
from dataclasses import fields
from types import ModuleType

from pipelines.catalog.source import Source
from pipelines.clean.source_module import SourceModule
from pipelines.core.errors import DrugflowError
from pipelines.quality.run import Rules
from pipelines.sources.fingerprints import judging_code


def rules_of(source: Source) -> Rules:
    """What a source's vintages are judged by: its description, the facts of ``sources/<id>/facts.py``, and their code.

    A source whose YAML says everything needs no facts.py. Raises DrugflowError where that file defines no FACTS.
    """
    module = _imported(source.id, "facts")
    facts = {} if module is None else getattr(module, "FACTS", None)
    if facts is None:
        raise DrugflowError(f"pipelines/sources/{source.id}/facts.py lacks FACTS, its functions by their batches.")
    return Rules(source, facts, judging_code(source))


def source_module(source_id: str) -> SourceModule:
    """The functions of ``sources/<id>/clean.py``, with the toolkit's defaults for those that it leaves out.

    Raises DrugflowError where there is no such file or it defines no tidy.
    """
    module = _imported(source_id, "clean")
    if module is None:
        raise DrugflowError(
            f"pipelines/sources/{source_id}/clean.py is missing: write it with the function tidy(batch, source)."
        )
    offered = {f.name: getattr(module, f.name) for f in fields(SourceModule) if hasattr(module, f.name)}
    if "tidy" not in offered:
        raise DrugflowError(f"pipelines/sources/{source_id}/clean.py lacks the function tidy(batch, source).")
    return SourceModule(**offered)


def _imported(source_id: str, part: str) -> ModuleType | None:
    """A module of the source's folder; None where there is no such file."""
    name = f"{__package__}.{source_id}.{part}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and name.startswith(error.name):
            return None
        raise
