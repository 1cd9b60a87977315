"""No private name of a framework, and nothing that a module remembers or sets behind its reader's back.

Read from the syntax trees of all modules, as far as a tree can tell: imports of a name with an underscore, use of one
on an object that this project does not define it for, methods over private ones of a framework's class, ``global``,
module-level lists, dictionaries and sets that are changed, and variables of the environment set on import.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*(ROOT / "pipelines").rglob("*.py"), *(ROOT / "dbt_project" / "models").rglob("*.py")])
FRAMEWORKS = ("dagster", "dbt", "great_expectations")
"""Beginnings of the names of their packages, such as dagster_dbt and dbt_common."""
CHANGES = {
    "add", "append", "clear", "difference_update", "discard", "extend", "insert", "pop", "popitem", "remove",
    "setdefault", "update",
}  # fmt: skip


def name(path: Path) -> str:
    """A file as the tests show it."""
    return str(path.relative_to(ROOT))


def is_private(text: str) -> bool:
    """Whether some part of a dotted name begins with one underscore."""
    return any(part.startswith("_") and not part.startswith("__") for part in text.split("."))


def of_framework(module: str | None) -> bool:
    """Whether a module is one of a framework's."""
    return (module or "").split(".")[0].startswith(FRAMEWORKS)


def without_type_checking(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those below ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from without_type_checking(node)


def private_imports(tree: ast.AST) -> list[str]:
    """Imports of a private module or name of a framework."""
    found = []
    for node in without_type_checking(tree):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if of_framework(a.name) and is_private(a.name)]
        elif isinstance(node, ast.ImportFrom) and of_framework(node.module):
            names = [f"{node.module}.{a.name}" for a in node.names]
            found += [n for n in names if is_private(n)]
    return found


def own_names(tree: ast.AST) -> set[str]:
    """Names with an underscore that a file defines: functions, classes, variables, attributes of self."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            found.add(node.attr)
    return found


def is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def private_uses(tree: ast.AST) -> list[str]:
    """Attributes with an underscore of objects for which the file does not define them.

    A class of a framework is no exception where the file inherits from it: ``self._x`` has to be its own.
    """
    own, found = own_names(tree), []
    for node in without_type_checking(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own:
            if not (isinstance(node.value, ast.Name) and node.value.id in sys.stdlib_module_names):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("getattr", "setattr"):
            asked = node.args[1] if len(node.args) > 1 else None
            if isinstance(asked, ast.Constant) and is_private(str(asked.value)):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def framework_names(tree: ast.AST) -> dict[str, str]:
    """What each name stands for that an import from a framework binds: a module, or module.name."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {a.asname or a.name.split(".")[0]: a.name for a in node.names if of_framework(a.name)}
        elif isinstance(node, ast.ImportFrom) and of_framework(node.module):
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def overridden(tree: ast.AST) -> list[str]:
    """Private methods and attributes of a framework's class that a class in the file defines anew."""
    known, found = framework_names(tree), []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        own = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
        own |= {a.attr for a in ast.walk(node) if isinstance(a, ast.Attribute) and isinstance(a.ctx, ast.Store)}
        for base in node.bases:
            first, _, rest = ast.unparse(base).partition(".")
            if first in known:
                cls = imported(f"{known[first]}.{rest}".rstrip("."))
                found += [f"{node.name}.{m}" for m in sorted(own) if is_private(m) and hasattr(cls, m)]
    return found


def imported(dotted: str) -> object:
    """The class that a dotted name is."""
    module, _, attribute = dotted.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def state_of_modules(tree: ast.Module) -> list[str]:
    """``global`` statements, and changes of a module's own lists, dictionaries and sets in its functions."""
    held = {
        t.id
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for t in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(t, ast.Name)
    }

    def is_held(node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id in held

    def changes(node: ast.AST) -> bool:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            return node.func.attr in CHANGES and is_held(node.func.value)
        if isinstance(node, ast.Subscript):
            return isinstance(node.ctx, ast.Store | ast.Del) and is_held(node.value)
        return isinstance(node, ast.Global)

    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = {n.lineno: ast.unparse(n) for f in functions for n in ast.walk(f) if changes(n)}
    return [f"line {line}: {text}" for line, text in sorted(found.items())]


def set_on_import(tree: ast.Module) -> list[str]:
    """Changes of the environment by statements that run when a module is imported."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    top = [s for s in tree.body if not isinstance(s, functions) and not is_main(s)]
    nodes = [n for s in top for n in ast.walk(s)]
    changes = [
        n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
        and (n.func.attr == "putenv" or (n.func.attr in CHANGES and ast.unparse(n.func.value) == "os.environ"))
    ]  # fmt: skip
    changes += [
        n for n in nodes
        if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) and ast.unparse(n.value) == "os.environ"
    ]  # fmt: skip
    return [f"line {n.lineno}: {ast.unparse(n)}" for n in changes]


def is_main(statement: ast.stmt) -> bool:
    """Whether a statement is ``if __name__ == "__main__"``."""
    return isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_private_name_of_a_framework_is_imported_or_used(path: Path) -> None:
    assert private_imports(tree_of(path)) + private_uses(tree_of(path)) == []


@pytest.mark.parametrize("path", [p for p in FILES if framework_names(tree_of(p))], ids=name)
def test_no_private_part_of_a_framework_is_replaced(path: Path) -> None:
    assert overridden(tree_of(path)) == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_module_has_a_state_that_changes(path: Path) -> None:
    """A function that keeps what it read from the package's own files (functools.cache) is none: that never changes."""
    assert state_of_modules(tree_of(path)) == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_import_sets_a_variable_of_the_environment(path: Path) -> None:
    assert set_on_import(tree_of(path)) == []


# ---- that the test itself sees what it looks for ----


@pytest.mark.parametrize(
    "text",
    [
        "from dagster._core.storage.event_log import SqliteEventLogStorage",
        "import dagster._core.events",
        "from dbt_common.ui import _style",
        "def f():\n    from great_expectations._docs import x",
    ],
)
def test_a_private_import_is_seen(text: str) -> None:
    assert len(private_imports(ast.parse(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "import dagster as dg\nx = dg._core",
        "def f(storage):\n    storage._connect = None",
        "def f(spec):\n    return spec._replace(description='x')",
        "class A(dg.Executor):\n    def f(self):\n        return self._plan",
        "setattr(storage, '_connect', anew)",
    ],
)
def test_a_private_use_is_seen(text: str) -> None:
    assert len(private_uses(ast.parse(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "if TYPE_CHECKING:\n    from dagster._core.events import DagsterEvent",
        "from pipelines.clean.run import _sentence",
        "from dagster import __version__",
    ],
)
def test_what_is_only_for_types_ours_or_documented_is_no_private_import(text: str) -> None:
    assert private_imports(ast.parse(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "class A:\n    def __init__(self):\n        self._x = 1\n\n    def f(self):\n        return self._x",
        "os._exit(1)",
    ],
)
def test_what_a_file_defines_itself_is_no_private_use(text: str) -> None:
    assert private_uses(ast.parse(text)) == []


def test_a_replaced_private_part_is_seen() -> None:
    text = (
        "import dagster_dbt\nclass Mine(dagster_dbt.DbtCliResource):\n"
        "    def _initialize_dbt_core_adapter(self, args): ...\n    def cli(self): ...\n    def _own(self): ..."
    )
    assert overridden(ast.parse(text)) == ["Mine._initialize_dbt_core_adapter"]


@pytest.mark.parametrize(
    "text",
    [
        "_pool = None\ndef f():\n    global _pool\n    _pool = 1",
        "BEGUN = {}\ndef f():\n    BEGUN['a'] = 1",
        "HELD: list[int] = []\ndef f():\n    HELD.append(1)",
        "HELD = {}\ndef f():\n    del HELD['a']",
    ],
)
def test_a_state_of_a_module_is_seen(text: str) -> None:
    assert len(state_of_modules(ast.parse(text))) == 1


def test_a_constant_is_no_state() -> None:
    text = "NAMES = {'a': 1}\ndef f(names):\n    own = dict(NAMES)\n    own.update(names)\n    return own"
    assert state_of_modules(ast.parse(text)) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("import os\nos.environ.setdefault('A', '1')", 1),
        ("import os\nos.environ['A'] = '1'", 1),
        ("import os\nif True:\n    os.putenv('A', '1')", 1),
        ("import os\ndef f():\n    os.environ['A'] = '1'", 0),
        ("import os\nif __name__ == '__main__':\n    os.environ['A'] = '1'", 0),
    ],
)
def test_a_variable_that_an_import_sets_is_seen(text: str, count: int) -> None:
    assert len(set_on_import(ast.parse(text))) == count
