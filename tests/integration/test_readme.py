"""The queries that the two READMEs quote give the answers that stand beside them."""

from __future__ import annotations

import pytest

from pipelines.release.query import Session
from pipelines.report.quoted_queries import answer, quotes
from pipelines.settings import Settings
from tests.conftest import ROOT


@pytest.mark.parametrize("name", ["README.md", "README.es.md"])
def test_quoted_answers_are_those_of_the_sample(sample_release: Settings, name: str) -> None:
    found = list(quotes((ROOT / name).read_text("utf-8")))
    assert len(found) == 5
    with Session(sample_release) as session:
        for quote in found:
            assert answer(session.connection, quote.query) == quote.answer
