"""Judging vintages: what is held, which issue of a date speaks, what an exception opens, what is remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.archive.decisions import read_ledger, record
from pipelines.core.errors import DrugflowError
from pipelines.core.problem import Problem
from pipelines.quality.verdict import Verdict, accept, read_verdicts
from tests.unit.quality.bench import (
    EXPECTATIONS,
    GOOD,
    JANUARY,
    PLACES,
    Bench,
    Rows,
    changed,
    check,
    stamps,
)

WHY = "The agency explained it on its page."

# ---- what is held ----


def test_a_vintage_in_order_is_accepted(bench: Bench):
    bench.add("2024-04-01", GOOD)
    verdict = bench.judge()["2024-04-01"]
    assert (verdict.state, verdict.problem, verdict.clean_sheet) == ("accepted", None, True)


def test_a_critical_finding_holds_the_vintage_and_names_file_line_and_value(bench: Bench):
    bench.add("2024-04-01", changed(GOOD, 0, -3))
    verdict = bench.judge()["2024-04-01"]
    assert verdict.state == "held"
    assert str(verdict.problem) == "events_range failed (1 row): events -3 (file data.csv, line 2)."


def test_a_warning_holds_nothing_and_is_shown(bench: Bench):
    bench.add("2024-04-01", changed(GOOD, 0, 500))
    verdict = bench.judge()["2024-04-01"]
    assert (verdict.state, verdict.problem, verdict.clean_sheet) == ("accepted", None, False)
    finding = check(verdict, "events_usual")
    assert (finding.passed, finding.severity, finding.failing_rows) == (False, "warning", 1)


def test_a_held_vintage_does_not_hold_the_next_one(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", changed(GOOD, 0, -3))
    bench.add("2024-06-01", GOOD)
    assert bench.states() == ["accepted", "held", "accepted"]


def test_a_vintage_that_could_not_be_read_is_held_with_the_reason(bench: Bench):
    problem = Problem.of("file_is_utf16", file="data.csv", expected="UTF-8")
    bench.add("2024-04-01", [], problem=problem)
    verdict = bench.judge()["2024-04-01"]
    assert (verdict.state, verdict.problem, verdict.readable) == ("held", problem, False)
    assert not check(verdict, "readable").passed


def test_a_rejected_record_holds_the_vintage(bench: Bench):
    bench.add("2024-04-01", GOOD, rejected=1)
    verdict = bench.judge()["2024-04-01"]
    assert verdict.state == "held"
    assert "data.csv, line 7: Value 'many' is not a number" in str(verdict.problem)


def test_a_share_of_rejected_records_that_the_source_allows_is_a_warning(bench: Bench):
    bench.source = bench.source.model_copy(update={"max_rejected_share": 0.1})
    bench.add("2024-04-01", GOOD, rejected=1)
    verdict = bench.judge()["2024-04-01"]
    assert verdict.state == "accepted"
    assert (check(verdict, "rejected_rows").passed, check(verdict, "rejected_rows").severity) == (False, "warning")


def test_a_tenth_of_the_rows_missing_is_held(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", GOOD[: len(GOOD) * 9 // 10])
    assert bench.states() == ["accepted", "held"]


def test_a_tenth_of_the_rows_missing_after_an_excerpt_is_held(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", GOOD[:2], partial=True)
    bench.add("2024-06-01", GOOD[: len(GOOD) * 9 // 10])
    assert bench.states() == ["accepted", "accepted", "held"]


def test_an_excerpt_is_not_held_for_what_it_leaves_out(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", GOOD[:2], partial=True)
    assert bench.states() == ["accepted", "accepted"]


# ---- issues of one date ----


def test_a_later_issue_is_measured_by_the_one_that_it_would_replace(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-04-01.2", GOOD[: len(GOOD) * 9 // 10])
    verdicts = bench.judge()
    assert {name: v.state for name, v in verdicts.items()} == {"2024-04-01": "accepted", "2024-04-01.2": "held"}


def test_a_later_issue_that_holds_speaks_alone_and_keeps_the_first_as_its_measure(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-04-01.2", changed(GOOD, 0, 6))
    assert list(bench.judge()) == ["2024-04-01.2"]
    assert [v.archive_id for v in read_verdicts(bench.verdicts, "tried")] == ["2024-04-01.2"]
    before = stamps(bench.verdicts)
    bench.judge()
    assert stamps(bench.verdicts) == before


def test_a_replaced_issue_speaks_again_once_the_later_one_is_gone(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-04-01.2", changed(GOOD, 0, 6))
    bench.judge()
    del bench.candidates["2024-04-01.2"]
    bench.judge()
    assert [v.archive_id for v in read_verdicts(bench.verdicts, "tried")] == ["2024-04-01"]


def test_the_date_after_is_measured_by_the_issue_that_speaks(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-04-01.2", [*GOOD, *((f"new {place}", JANUARY, 5) for place in PLACES)])
    bench.add("2024-05-01", GOOD)
    assert {name: v.state for name, v in bench.judge().items()} == {"2024-04-01.2": "accepted", "2024-05-01": "held"}


# ---- exceptions ----


def shrunken(bench: Bench, rows: Rows = GOOD[:-4]) -> Verdict:
    """The verdict of a vintage that is held because it lacks known rows, which a person may accept."""
    bench.add("2024-03-01", GOOD)
    bench.add("2024-04-01", rows)
    held = bench.judge()["2024-04-01"]
    assert held.state == "held"
    return held


def test_an_exception_publishes_a_held_vintage_and_keeps_its_finding(bench: Bench):
    held = shrunken(bench)
    bench.ledger.append(accept(bench.folder / "raw", "official", held, "The agency explained it on its page."))
    verdict = bench.judge()["2024-04-01"]
    assert verdict.state == "accepted_by_exception"
    assert not check(verdict, "coverage_did_not_shrink").passed


def test_an_exception_is_for_one_content_only(bench: Bench):
    held = shrunken(bench)
    bench.ledger.append(accept(bench.folder / "raw", "official", held, "The agency explained it on its page."))
    bench.add("2024-04-01", GOOD[:-5])
    assert bench.states() == ["accepted", "held"]


def test_an_exception_that_is_in_the_ledger_shows_no_value_that_cannot_be(bench: Bench):
    held = shrunken(bench, changed(GOOD, 0, -3))
    bench.ledger.append(
        record(bench.folder / "raw", "official", source="tried", vintage="2024-04-01", content=held.content, reason=WHY)
    )
    assert bench.states() == ["accepted", "held"]


def test_the_ledger_is_read_as_it_was_written(bench: Bench):
    entry = accept(bench.folder / "raw", "official", shrunken(bench), "Explained on its page.")
    assert read_ledger(bench.folder / "raw", "official") == [entry]
    assert read_ledger(bench.folder / "raw", "sample") == []


@pytest.mark.parametrize(
    ("state", "readable", "reason", "said"),
    [
        ("accepted", True, "A reason of some length.", "is not held back"),
        ("held", False, "A reason of some length.", "cannot be read"),
        ("held", True, "just because", "at least three words"),
    ],
)
def test_an_exception_needs_a_held_readable_vintage_and_a_reason(
    tmp_path: Path, state: Any, readable: bool, reason: str, said: str
):
    verdict = Verdict(
        source="tried", vintage="2024-04-01", archive_id="2024-04-01", fingerprint="x", state=state, readable=readable
    )
    with pytest.raises(DrugflowError, match=said):
        accept(tmp_path, "official", verdict, reason)
    assert read_ledger(tmp_path, "official") == []


# ---- what is remembered ----


def test_a_verdict_is_made_once_for_a_content_and_a_suite(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", GOOD)
    first = bench.judge()
    before = stamps(bench.verdicts)
    assert bench.judge() == first
    assert stamps(bench.verdicts) == before


def test_another_suite_makes_another_verdict(bench: Bench):
    bench.add("2024-04-01", GOOD)
    assert bench.states() == ["accepted"]
    stricter = [e | {"kwargs": {"column": "events", "min_value": 6}} if e["id"] == "events_range" else e
                for e in EXPECTATIONS]  # fmt: skip
    bench.describe(stricter)
    assert bench.states() == ["held"]


def test_another_content_makes_another_verdict(bench: Bench):
    bench.add("2024-04-01", GOOD)
    assert bench.states() == ["accepted"]
    bench.add("2024-04-01", changed(GOOD, 0, -3))
    assert bench.states() == ["held"]


def test_verdicts_of_a_vintage_taken_away_go(bench: Bench):
    bench.add("2024-04-01", GOOD)
    bench.add("2024-05-01", GOOD)
    bench.judge()
    del bench.candidates["2024-05-01"]
    bench.judge()
    assert [v.archive_id for v in read_verdicts(bench.verdicts, "tried")] == ["2024-04-01"]
    assert [p.name for p in bench.verdicts.glob("tried/2024-05-01*")] == []
