"""The queries that the READMEs and cookbooks quote give the answers that stand beside them."""

from __future__ import annotations

import io
import re

import pytest

from pipelines.catalog.dictionary import load_dictionary
from pipelines.catalog.load import load_catalog
from pipelines.core.settings import Settings
from pipelines.query.session import Session
from pipelines.site.quoted_queries import answer, quotes
from tests.conftest import ROOT


@pytest.mark.parametrize("name", ["README.md", "README.es.md"])
def test_quoted_answers_are_those_of_the_sample(sample_release: Settings, name: str) -> None:
    found = list(quotes((ROOT / name).read_text("utf-8")))
    assert len(found) == 5
    with Session(sample_release) as session:
        for quote in found:
            assert answer(session.connection, quote.query) == quote.answer


@pytest.mark.parametrize("name", ["README.md", "README.es.md"])
def test_under_each_answer_the_command_line_writes_the_line_that_the_readme_names(
    sample_release: Settings, name: str
) -> None:
    text = (ROOT / name).read_text("utf-8")
    with Session(sample_release) as session:
        for quote in quotes(text):
            printed = io.StringIO()
            session.run(quote.query, "table", None, printed)
            table, _, last = printed.getvalue().rstrip().rpartition("\n")
            assert "\n".join(line.rstrip() for line in table.rstrip().splitlines()) == quote.answer
            assert f"`{last.replace(session.release_id, '…')}`" in text


def test_both_readmes_say_the_same() -> None:
    """The Spanish one has every section, table row, command, folder and document of the English one."""
    english, spanish = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.es.md"))
    assert english.count("\n## ") == spanish.count("\n## ")
    assert english.count("\n| ") == spanish.count("\n| ")
    for pattern in (r"[`\n]make \w+", r"`drugflow (\w+)", r"`([a-z_]+/)`", r"DRUGFLOW_\w+"):
        assert set(re.findall(pattern, english)) == set(re.findall(pattern, spanish)), pattern
    documents = [re.findall(r"\]\((?!README)([\w./]+)\)", text) for text in (english, spanish)]
    assert set(documents[0]) - {"docs/cookbook.md"} == set(documents[1]) - {"docs/cookbook.es.md"}
    assert [s for s in load_catalog() if f"`{s}`" not in spanish] == []


def test_spanish_pages_call_a_release_version_and_those_who_publish_agencies() -> None:
    texts = [(ROOT / name).read_text("utf-8") for name in ("README.es.md", "docs/cookbook.es.md")]
    texts += [text for t in load_dictionary() for text in (t.es, *(c.es for c in t.columns))]
    assert [text for text in texts if re.search("(?i)instituci[oó]n|publicación con los archivos", text)] == []


COOKBOOKS = ["docs/cookbook.md", "docs/cookbook.es.md"]


@pytest.mark.parametrize("name", [*COOKBOOKS, "docs/methods.md"])
def test_the_answers_of_cookbooks_and_methods_are_those_of_the_real_files(
    official_release: Settings, name: str
) -> None:
    found = list(quotes((ROOT / name).read_text("utf-8")))
    assert found
    with Session(official_release) as session:
        wrong = [q.query for q in found if answer(session.connection, q.query) != q.answer]
    assert wrong == []


def test_the_cookbooks_queries_run_on_the_sample(sample_release: Settings) -> None:
    with Session(sample_release) as session:
        for quote in quotes((ROOT / COOKBOOKS[0]).read_text("utf-8")):
            session.connection.execute(quote.query)


def test_both_cookbooks_ask_the_same_questions_and_say_how_not_to_read_them() -> None:
    english, spanish = ((ROOT / name).read_text("utf-8") for name in COOKBOOKS)
    queries = [q.query for q in quotes(english)]
    assert len(queries) >= 25
    assert queries == [q.query for q in quotes(spanish)]
    assert english.count("\n## ") == english.count("**How not to.**") == len(queries)
    assert spanish.count("\n## ") == spanish.count("**Cómo no leerlo.**") == len(queries)
