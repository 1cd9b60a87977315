"""What the rows of the models depend on in the dbt project, as one hash.

What belongs here: which of the project's files decide a row. What does not: the inputs of the models (refresh.stages).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines.core.files import read_yaml
from pipelines.core.fingerprint import fingerprint, sha256_of
from pipelines.core.settings import DBT_PROJECT

_DECIDE = {".sql", ".py", ".csv", ".yml", ".yaml"}
_TELL = (".table.yml", ".unit.yml", "exposures.yml")
"""Ends of files that decide no row: texts, whose contract the generated properties have, unit tests, exposures."""


def models_fingerprint(project: Path = DBT_PROJECT) -> str:
    """Hash of models, macros, seeds, contracts and data tests. A text that is put better builds nothing anew."""
    files = [p for p in project.rglob("*") if p.suffix in _DECIDE and p.is_file() and not p.name.endswith(_TELL)]
    files = [p for p in files if not {"target", "logs"} & {*p.relative_to(project).parts}]
    return fingerprint(f"{p.relative_to(project)}:{_content(p)}" for p in sorted(files))


def _content(path: Path) -> str:
    if path.suffix not in (".yml", ".yaml"):
        return sha256_of(path)
    return json.dumps(_without_texts(read_yaml(path)), sort_keys=True, default=str)


def _without_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_texts(v) for k, v in value.items() if k != "description"}
    return [_without_texts(v) for v in value] if isinstance(value, list) else value
