"""Problems are told apart by their kinds: no code asks what a sentence says, and none writes one where a kind belongs.

Read from the syntax trees. What an agency's file or another program says is data, not a sentence of ours; each place
that has to read such words is listed with its reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).resolve().parents[3] / "pipelines"
FILES = sorted(ROOT.rglob("*.py"))
WORDS = re.compile(r"[A-Za-z]{2,}[,.:;']? +[A-Za-z]{2,}")
"""Two words one after the other, as only a sentence has them."""
ASKING = {"startswith", "endswith", "find", "index", "count", "partition", "rpartition", "split", "removeprefix",
          "removesuffix", "match", "search", "fullmatch", "findall"}  # fmt: skip
OTHERS_SAY = {
    "dbt/profile.py": "DuckDB has one class of error for a locked file and a damaged one",
    "catalog/load.py": "a draft marks what its author has to fill in",
    "catalog/dictionary.py": "Pydantic puts two words of its own before ours",
    "clean/split.py": "Python's csv has one class of error for every broken record",
    "archive/sample_guard.py": "a file of the sample says so in its own words",
    "sources": "the publisher's files and their words",
}
FOR_DEVELOPERS = (
    "analysis", "catalog", "dbt/manifest.py", "history/revisions.py", "ingest/samples", "orchestration/translator.py",
    "quality/expectations.py", "quality/facts.py", "quality/suite.py", "site", "sources/modules.py", "sources/shared",
)  # fmt: skip
"""What is wrong in the project's own YAML, SQL and code, before any data are read: in English, as those files are."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_listed(path: Path, listed: Iterator[str]) -> bool:
    return any(name(path) == place or name(path).startswith(f"{place}/") for place in listed)


def sentence(node: ast.AST, named: frozenset[str] = frozenset()) -> bool:
    """Whether an expression is a text with two words one after the other, has one in it, or names such a constant."""
    if isinstance(node, ast.JoinedStr):
        return bool(WORDS.search("".join(str(p.value) for p in node.values if isinstance(p, ast.Constant))))
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(sentence(element, named) for element in node.elts)
    if isinstance(node, ast.Name):
        return node.id in named
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(WORDS.search(node.value))


def given(tree: ast.AST) -> frozenset[str]:
    """Names that a module gives to sentences."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=True))
                found |= {t.id for t, value in pairs if isinstance(t, ast.Name) and sentence(value, frozenset(found))}
    return frozenset(found)


@cache
def given_in(module: str) -> frozenset[str]:
    """Names that a module of the package gives to sentences; none of a module of another package."""
    path = ROOT.parent.joinpath(*module.split(".")).with_suffix(".py")
    return given(tree_of(path)) if path.is_file() and ROOT in path.parents else frozenset()


def constants(tree: ast.AST) -> frozenset[str]:
    """Names of sentences: of the module, imported, and those under which a loop goes through several."""
    found = set(given(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {n.asname or n.name for n in node.names if n.name in given_in(node.module or "")}
    for node in ast.walk(tree):
        if isinstance(node, ast.comprehension | ast.For) and sentence(node.iter, frozenset(found)):
            found |= {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
    return frozenset(found)


def asked(tree: ast.AST) -> list[str]:
    """Comparisons with a sentence, calls that look for one, and cases of a match that are one."""
    found, named = [], constants(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            told = any(sentence(side, named) for side in (node.left, *node.comparators))
        elif isinstance(node, ast.MatchValue):
            told = sentence(node.value, named)
        else:
            told = is_asking(node) and any(sentence(argument, named) for argument in node.args)
        if told:
            found.append(f"line {node.lineno}: {ast.unparse(node)}")  # type: ignore[attr-defined]
    return found


def is_asking(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether it is a call that looks for something in a text."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKING


def raised(tree: ast.AST) -> list[str]:
    """Errors and failures made of a sentence in place of a kind."""
    found, named = [], constants(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func).rpartition(".")[2]
        said = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "description")]
        is_problem = called.endswith("Error") or called in ("FileProblem", "Failure", "as_told")
        if is_problem and any(sentence(argument, named) for argument in said):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("path", [p for p in FILES if not is_listed(p, iter(OTHERS_SAY))], ids=name)
def test_no_code_asks_what_a_sentence_says(path: Path) -> None:
    assert asked(tree_of(path)) == []


@pytest.mark.parametrize("path", [p for p in FILES if not is_listed(p, iter(FOR_DEVELOPERS))], ids=name)
def test_no_sentence_is_raised_where_a_kind_belongs(path: Path) -> None:
    assert raised(tree_of(path)) == []


@pytest.mark.parametrize("place", [*OTHERS_SAY, *FOR_DEVELOPERS])
def test_every_exemption_is_of_a_place_that_is_there(place: str) -> None:
    assert (ROOT / place).exists()


# ---- that the test itself sees what it looks for ----


@pytest.mark.parametrize(
    "text",
    [
        "'accounted for' in problem",
        "problem == 'stepped aside'",
        "problem.startswith('Nothing was')",
        "re.search(r'is held back', said)",
        "f'{a} is held' in said",
        "said.startswith(('late', 'is held back'))",
        "LOST = 'accounted for'\nLOST in problem",
        "HELD, LATE = 'is held back', 'late'\nsaid == HELD",
        "from pipelines.catalog.load import UNFILLED\nUNFILLED in said",
        "NEW = ('unknown column', 'is unknown')\nany(mark in said for mark in NEW)",
        "match said:\n    case 'stepped aside':\n        pass",
    ],
)
def test_a_question_about_a_sentence_is_seen(text: str) -> None:
    assert len(asked(ast.parse(text))) == 1


@pytest.mark.parametrize(
    "text", ["'held' in states", "name.startswith('dim_')", "line.partition(': ')", "word == 'late'"]
)
def test_a_word_or_a_sign_is_no_sentence(text: str) -> None:
    assert asked(ast.parse(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "raise DrugflowError(f'{a} is held back.')",
        "dg.Failure(description='It failed again.')",
        "as_told('No way out')",
        "text = f'{a} is held back.'\nraise DrugflowError(text)",
    ],
)
def test_a_raised_sentence_is_seen(text: str) -> None:
    assert len(raised(ast.parse(text))) == 1
