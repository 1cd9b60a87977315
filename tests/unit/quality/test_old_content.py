"""An old release under a new date: when the content of a vintage is taken for an earlier one's, and what follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.quality.bench import EXPECTATIONS, GOOD, MARCH, PLACES, Bench, Rows, changed

CONTENT = {
    "id": "content_is_not_an_old_one",
    "batch": "content",
    "type": "expect_column_values_to_be_null",
    "kwargs": {"column": "found"},
    "why": "A release that repeats an old one takes back what came since.",
}
LATER: Rows = [*GOOD, *((place, MARCH, 5) for place in PLACES)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty bench whose source asks for the content."""
    bench = Bench(tmp_path)
    bench.describe([*EXPECTATIONS, CONTENT])
    return bench


def test_the_content_of_the_release_before_the_last_is_held_and_named(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", LATER)
    bench.add("2024-06-01", GOOD)
    verdict = bench.judge()["2024-06-01"]
    assert verdict.state == "held"
    assert "the content of vintage 2024-04-01 again." in str(verdict.problem)


def test_the_content_of_the_last_release_is_no_old_one(bench: Bench):
    for vintage in ("2024-04-01", "2024-05-01", "2024-06-01"):
        bench.add(vintage, GOOD)
    assert bench.states() == ["accepted"] * 3


def test_a_held_release_between_two_equal_ones_is_no_release(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", changed(LATER, 0, -3))
    bench.add("2024-06-01", GOOD)
    assert bench.states() == ["accepted", "held", "accepted"]


def test_an_excerpt_brought_news_that_the_old_release_would_take_back(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", [(PLACES[0], MARCH, 5)], partial=True)
    bench.add("2024-06-01", GOOD)
    assert bench.states() == ["accepted", "accepted", "held"]


def test_the_verdict_is_made_anew_when_the_release_between_is_taken_away(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", LATER)
    bench.add("2024-06-01", GOOD)
    assert bench.states() == ["accepted", "accepted", "held"]
    del bench.candidates["2024-05-01"]
    assert bench.states() == ["accepted", "accepted"]
    bench.add("2024-05-01", LATER)
    assert bench.states() == ["accepted", "accepted", "held"]
