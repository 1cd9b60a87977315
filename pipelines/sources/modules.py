"""Finding what a source's folder defines in Python.

What belongs here: the convention ``sources/<id>/clean.py``. What does not: what such a module must offer
(clean.source_module), the description of a source (catalog).
"""

from __future__ import annotations

import importlib
from dataclasses import fields

from pipelines.clean.source_module import SourceModule
from pipelines.core.errors import DrugflowError


def source_module(source_id: str) -> SourceModule:
    """The functions of ``sources/<id>/clean.py``, with the toolkit's defaults for those that it leaves out.

    Raises DrugflowError where there is no such file or it defines no tidy.
    """
    name = f"{__package__}.{source_id}.clean"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        raise DrugflowError(
            f"pipelines/sources/{source_id}/clean.py is missing: write it with the function tidy(batch, source)."
        ) from error
    offered = {f.name: getattr(module, f.name) for f in fields(SourceModule) if hasattr(module, f.name)}
    if "tidy" not in offered:
        raise DrugflowError(f"pipelines/sources/{source_id}/clean.py lacks the function tidy(batch, source).")
    return SourceModule(**offered)
