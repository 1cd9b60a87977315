"""The message catalogue: complete in both languages, with the same values in each, and no text that nothing says.

Keys and values are compared with the code itself: every call that words something is read from the syntax trees.
"""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from pipelines.core.kinds import Kind
from pipelines.core.wording import ADVICE, LANGUAGES, Language, catalogue

ROOT = Path(__file__).resolve().parents[3]
KINDS: tuple[str, ...] = get_args(Kind)
PLACE = {"file", "line", "column", "source", "vintage"}
"""Values that every problem may have, beside its details."""
NOT_WORDS = {"retry_after"}
"""Names that an error takes and that its words do not."""


@dataclass(frozen=True)
class Said:
    """A call that words a key. whole: every value it gives is written in the call."""

    place: str
    key: str
    values: frozenset[str]
    whole: bool


@cache
def said() -> tuple[Said, ...]:
    """Every call of the package that words a key, or makes a problem or a phrase of it."""
    return tuple(call for path in sorted((ROOT / "pipelines").rglob("*.py")) for call in calls(path))


def calls(path: Path) -> Iterator[Said]:
    """Those of one file. A key that is put together has a star for each part that is not known."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = called(node.func)
        is_error = name.endswith("Error") or name in ("FileProblem", "Garbled", "kind")
        if not (is_error or name in ("say", "tell", "_said", "Problem.of", "Phrase.of")):
            continue
        values = frozenset(k.arg for k in node.keywords if k.arg and k.arg not in NOT_WORDS)
        whole = all(k.arg for k in node.keywords) and name != "say"
        for key in keys(node.args[0]):
            yield Said(f"{path.relative_to(ROOT)}:{node.lineno}", key, values, whole)


def called(func: ast.expr) -> str:
    """What is called, with the class of a class method."""
    if isinstance(func, ast.Attribute):
        return f"{func.value.id}.{func.attr}" if isinstance(func.value, ast.Name) and func.attr == "of" else func.attr
    return func.id if isinstance(func, ast.Name) else ""


def keys(node: ast.expr) -> list[str]:
    """The keys that an expression can be; of a sentence, which has blanks, none."""
    if isinstance(node, ast.IfExp):
        return [*keys(node.body), *keys(node.orelse)]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [] if " " in node.value else [node.value]
    if isinstance(node, ast.JoinedStr):
        text = "".join(str(p.value) if isinstance(p, ast.Constant) else "*" for p in node.values)
        return [] if " " in text else [text]
    if isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant):
        return [f"{node.left.value}*"]
    return []


def placeholders(texts: tuple[str, ...]) -> set[tuple[str, str]]:
    """The names that texts have values for, each with its form."""
    found = {(name, form or "") for text in texts for _, name, form, _ in string.Formatter().parse(text) if name}
    return found


def names(key: str) -> set[str]:
    """Names that the words of a key need, and of a kind also those of its advice; a plural counts count."""
    texts = (*catalogue("en")[key], *catalogue("en").get(key + ADVICE, ()))
    counted = {"count"} if len(catalogue("en")[key]) > 1 else set()
    return {name for name, _ in placeholders(texts)} | counted


def matching(key: str) -> list[str]:
    """Keys of the catalogue that a key with stars can be."""
    return [k for k in catalogue("en") if re.fullmatch(re.escape(key).replace(r"\*", r"[\w.]+"), k)]


# ---- the two catalogues ----


def test_both_languages_have_the_same_keys():
    assert list(catalogue("en")) == list(catalogue("es"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language: Language):
    assert [key for key, texts in catalogue(language).items() if not texts or not all(t.strip() for t in texts)] == []


def test_both_languages_have_the_same_values_in_the_same_forms_and_as_many_plurals():
    english, spanish = catalogue("en"), catalogue("es")
    other = [k for k in english if placeholders(english[k]) != placeholders(spanish[k])]
    other += [k for k in english if len(english[k]) != len(spanish[k])]
    assert other == []


def test_markup_of_the_terminal_is_the_same_in_both_languages():
    markup = re.compile(r"\[/?(?:[a-z]+)?\]")
    english, spanish = catalogue("en"), catalogue("es")
    assert [k for k in english if markup.findall("".join(english[k])) != markup.findall("".join(spanish[k]))] == []


def test_no_spanish_text_is_the_english_one_but_for_names_and_values():
    """A text of words must have been translated; one of values alone, or a name, is the same."""
    same = [k for k in catalogue("en") if catalogue("en")[k] == catalogue("es")[k]]
    wordy = [k for k in same if re.search(r"[a-z]{3}", re.sub(r"\{[^}]*\}|drugflow", "", "".join(catalogue("en")[k])))]
    assert wordy == []


# ---- the catalogues and the code ----


def test_every_kind_of_problem_has_words_in_both_languages():
    for language in LANGUAGES:
        assert set(KINDS) <= set(catalogue(language))


def test_every_key_without_a_dot_is_a_kind_and_advice_is_about_a_kind():
    plain = {k for k in catalogue("en") if "." not in k}
    about = {k.removesuffix(ADVICE) for k in catalogue("en") if k.endswith(ADVICE)}
    assert (plain, about - set(KINDS)) == (set(KINDS), set())


def test_every_key_that_the_code_says_is_in_the_catalogue():
    assert [f"{c.place} {c.key}" for c in said() if not matching(c.key)] == []


def test_every_key_of_the_catalogue_is_said_somewhere():
    used = {k for c in said() for k in matching(c.key)} | named_elsewhere()
    assert sorted(k for k in catalogue("en") if k.removesuffix(ADVICE) not in used) == []


def named_elsewhere() -> set[str]:
    """Keys that stand in the code as texts and are handed on."""
    found: set[str] = set()
    for path in (ROOT / "pipelines").rglob("*.py"):
        if path.name == "kinds.py":
            continue
        tree = ast.parse(path.read_text("utf-8"))
        found |= {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return found & set(catalogue("en"))


def test_calls_give_the_values_that_the_words_need():
    wrong = []
    for call in (c for c in said() if c.whole and "*" not in c.key and matching(c.key)):
        given = call.values - (PLACE if call.key in KINDS else set())
        needed = names(call.key) - (PLACE if call.key in KINDS else set())
        if given != needed and not (call.key in KINDS and needed <= given):
            wrong.append(f"{call.place} {call.key} gives {sorted(given)}, needs {sorted(needed)}")
    assert wrong == []


# ---- that the test itself sees what it looks for ----


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('raise FileProblem("file_empty", file=name)', [("file_empty", {"file"})]),
        ('Problem.of("a", b=1)', [("a", {"b"})]),
        ('say(f"word.{word}", {})', [("word.*", set())]),
        ('tell("word." + state)', [("word.*", set())]),
        ('tell("cli.a" if x else "cli.b", c=1)', [("cli.a", {"c"}), ("cli.b", {"c"})]),
        ('raise DrugflowError("A sentence as it was.")', []),
        ('raise RepeatableError("busy", retry_after=3, file=url)', [("busy", {"file"})]),
    ],
)
def test_calls_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, found: list[tuple[str, set[str]]]):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "a.py").write_text(text)
    assert [(c.key, set(c.values)) for c in calls(tmp_path / "a.py")] == found
