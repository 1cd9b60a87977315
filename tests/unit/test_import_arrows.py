"""Who may import whom: the floors of the house, read from the syntax trees of all modules.

A part of the package may import the parts on lower floors, and no part that is its neighbour, save where NEIGHBOURS
says so. No two files import each other, directly or through others. Nothing but orchestration and definitions imports
Dagster; nothing but quality imports Great Expectations, and only inside functions, because it costs seconds and 300 MB.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "pipelines"
LONGEST = 400

FLOORS = (
    {"core"},
    {"analysis"},
    {"catalog", "releases", "archive", "dbt"},
    {"clean", "quality", "history", "ingest"},
    {"sources", "status"},
    {"release", "site", "alerts"},
    {"refresh", "query"},
    {"orchestration", "console"},
    {"definitions"},
    {"cli", "generate"},
)
"""From the lowest floor to the highest."""

NEIGHBOURS = {"dbt": {"catalog"}, "site": {"query"}, "status": {"sources"}}
"""What a part may import besides what lies below it: dbt reads what the catalogue says of a table, the site reads a
release as any reader does."""

FILES = sorted(p for p in PACKAGE.rglob("*.py"))
MODELS = sorted((ROOT / "dbt_project" / "models").rglob("*.py"))


@dataclass(frozen=True)
class Import:
    """One import of a module. inside: in a function; line: where it stands."""

    name: str
    line: int
    inside: bool


def imports(path: Path) -> Iterator[Import]:
    """Every import of a file, also those inside functions and those for type checking."""
    tree = ast.parse(path.read_text("utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    within = {id(n) for function in functions for n in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, id(node) in within)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively: write the whole name"
            for alias in node.names:
                yield Import(f"{node.module}.{alias.name}", node.lineno, id(node) in within)


def part(name: str) -> str | None:
    """The part of the package that a module's name lies in; None outside of it or for the package alone."""
    words = name.split(".")
    return words[1] if words[0] == "pipelines" and len(words) > 1 else None


def part_of(path: Path) -> str:
    """The part of the package that a file lies in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def name(path: Path) -> str:
    """A file as the tests show it."""
    return str(path.relative_to(ROOT))


def floor(part: str) -> int:
    """The floor of a part of the package."""
    return next(number for number, parts in enumerate(FLOORS) if part in parts)


def allowed(part: str) -> set[str]:
    """What a part may import."""
    below = set().union(*FLOORS[: floor(part)])
    return below | NEIGHBOURS.get(part, set()) | {part}


def test_every_part_of_the_package_has_a_floor():
    assert {part_of(p) for p in FILES} - {"__init__"} == set().union(*FLOORS)


@pytest.mark.parametrize("path", [p for p in FILES if part_of(p) != "__init__"], ids=name)
def test_imports_lead_down(path: Path):
    may = allowed(part_of(path))
    wrong = [f"line {i.line}: {i.name}" for i in imports(path) if (there := part(i.name)) and there not in may]
    assert wrong == []


def module_name(path: Path, root: Path = ROOT) -> str:
    """A file's name as an import has it."""
    words = path.relative_to(root).with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


def imported_modules(paths: list[Path], root: Path = ROOT) -> dict[str, set[str]]:
    """Each module with those that it imports anywhere in it, also for type checking alone."""
    known = {module_name(p, root): p for p in paths}
    found = {}
    for own, path in known.items():
        names = {i.name for i in imports(path)}
        found[own] = {n if n in known else n.rpartition(".")[0] for n in names} & (known.keys() - {own})
    return found


def test_no_file_imports_itself_through_others():
    try:
        TopologicalSorter(imported_modules(FILES)).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' <- '.join(error.args[1])}")


def test_a_circle_is_seen(tmp_path: Path):
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "a.py").write_text("from pipelines.b import x")
    (folder / "b.py").write_text("def f():\n    from pipelines import a")
    with pytest.raises(CycleError):
        TopologicalSorter(imported_modules(sorted(folder.iterdir()), tmp_path)).prepare()


@pytest.mark.parametrize("path", [p for p in FILES if part_of(p) not in ("orchestration", "definitions")], ids=name)
def test_only_orchestration_and_definitions_import_dagster(path: Path):
    assert [i for i in imports(path) if i.name.split(".")[0].startswith("dagster")] == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_only_quality_imports_great_expectations_and_only_inside_functions(path: Path):
    found = [i for i in imports(path) if i.name.split(".")[0] == "great_expectations"]
    assert [i for i in found if part_of(path) != "quality" or not i.inside] == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_module_is_too_long(path: Path):
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", MODELS, ids=name)
def test_models_in_python_import_nothing_of_the_package_but_statistics_and_their_memory(path: Path):
    assert {part(i.name) for i in imports(path)} - {None} <= {"analysis", "core"}


# ---- that the test itself sees what it looks for ----


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import dagster as dg", [Import("dagster", 1, False)]),
        ("from pipelines.clean import run", [Import("pipelines.clean.run", 1, False)]),
        ("from pipelines import clean", [Import("pipelines.clean", 1, False)]),
        ("def f():\n    import great_expectations", [Import("great_expectations", 2, True)]),
        ("def f():\n    def g():\n        from a import b", [Import("a.b", 3, True)]),
        ("if TYPE_CHECKING:\n    import dagster", [Import("dagster", 2, False)]),
        ("class A:\n    import dagster", [Import("dagster", 2, False)]),
    ],
)
def test_imports_are_found_wherever_they_stand(tmp_path: Path, text: str, found: list[Import]):
    (tmp_path / "a.py").write_text(text)
    assert list(imports(tmp_path / "a.py")) == found


def test_a_relative_import_is_not_overlooked(tmp_path: Path):
    (tmp_path / "a.py").write_text("from . import run")
    with pytest.raises(AssertionError, match="imports relatively"):
        list(imports(tmp_path / "a.py"))
