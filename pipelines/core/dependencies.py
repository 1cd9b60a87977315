"""Which modules of the project a piece of code uses, read from its import statements.

What belongs here: finding the files on which a cached result depends, so that nobody keeps a list of them. What does
not: hashing them (fingerprint).
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from pipelines.core.settings import PACKAGE


def modules_used(*places: Path) -> list[Path]:
    """The Python files at the given places (files, or folders with all below them) and every module of the project
    that these import, directly or through others, at any depth of a file. Places that do not exist have none.
    """
    waiting = [f for place in places for f in ([place] if place.is_file() else place.rglob("*.py"))]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path.read_text("utf-8"))
    return sorted(found)


@cache
def _imported(code: str) -> tuple[Path, ...]:
    """Files of the package's modules that a file with this code imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    found = (_file(name) for name in names if name.split(".")[0] == PACKAGE.name)
    return tuple(path for path in found if path is not None)


def _file(module: str) -> Path | None:
    """The file of a module of the package; None for a name that is something inside a module."""
    place = PACKAGE.parent.joinpath(*module.split("."))
    return next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()), None)
