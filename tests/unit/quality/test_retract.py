"""A vintage that was archived by mistake: held for good by an operator, in the ledger of exceptions."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.archive.decisions import read_ledger, retractions
from pipelines.core.errors import DrugflowError
from pipelines.quality.verdict import accept, retract
from tests.unit.quality.bench import GOOD, Bench, changed

WHY = "It is the file of another month."


def withdraw(bench: Bench, vintage: str) -> None:
    bench.ledger.append(retract(bench.folder / "raw", "official", "tried", vintage, WHY))


def test_a_retracted_vintage_is_held_and_says_why(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2062-05-01", GOOD)
    assert bench.states() == ["accepted", "accepted"]
    withdraw(bench, "2062-05-01")
    assert bench.states() == ["accepted", "held"]
    verdict = bench.judge()["2062-05-01"]
    assert verdict.retracted
    assert str(verdict.problem).startswith("An operator retracted it on ")
    assert str(verdict.problem).endswith(WHY)


def test_a_retracted_vintage_is_no_measure_for_the_next(bench: Bench):
    """Twice the rows by mistake: against them the next file would have lost half."""
    double = GOOD + [(f"{place} again", month, 5) for place, month, _ in GOOD]
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", double)
    bench.add("2024-06-01", GOOD)
    assert bench.states() == ["accepted", "accepted", "held"]
    withdraw(bench, "2024-05-01")
    assert bench.states() == ["accepted", "held", "accepted"]


def test_the_earlier_issue_of_the_date_speaks_again(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-04-01.2", changed(GOOD, 0, 6))
    withdraw(bench, "2024-04-01.2")
    found = bench.judge()
    assert (found["2024-04-01"].state, found["2024-04-01.2"].state) == ("accepted", "held")


def test_an_acceptance_takes_a_retraction_back(bench: Bench):
    bench.add("2024-04-01", GOOD)
    withdraw(bench, "2024-04-01")
    held = bench.judge()["2024-04-01"]
    bench.ledger.append(accept(bench.folder / "raw", "official", held, "It was the right file after all."))
    assert bench.states() == ["accepted"]
    assert retractions(read_ledger(bench.folder / "raw", "official"), "tried") == {}
    withdraw(bench, "2024-04-01")
    assert bench.states() == ["held"]


def test_taking_a_retraction_back_is_no_exception_from_checks(bench: Bench):
    bench.add("2024-04-01", changed(GOOD, 0, -3))
    withdraw(bench, "2024-04-01")
    held = bench.judge()["2024-04-01"]
    bench.ledger.append(accept(bench.folder / "raw", "official", held, "It was the right file after all."))
    verdict = bench.judge()["2024-04-01"]
    assert (verdict.state, verdict.retracted) == ("held", False)


def test_a_retraction_needs_a_reason_and_is_made_once(tmp_path: Path):
    with pytest.raises(DrugflowError, match="at least three words"):
        retract(tmp_path, "official", "tried", "2024-04-01", "a mistake")
    retract(tmp_path, "official", "tried", "2024-04-01", WHY)
    with pytest.raises(DrugflowError, match="is retracted already"):
        retract(tmp_path, "official", "tried", "2024-04-01", WHY)
    assert retractions(read_ledger(tmp_path, "official"), "another") == {}
