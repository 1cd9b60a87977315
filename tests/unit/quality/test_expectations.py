"""The expectations of a source: what every source must meet, with its own bounds, and what it alone must meet."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.catalog.expectations import Expectation
from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError
from pipelines.quality.expectations import expectations_of
from tests.unit.tried import described

OWN = {
    "id": "count_not_negative",
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "count", "min_value": 0},
    "why": "A count cannot be negative.",
}


def expected(**said: Any) -> dict[str, Expectation]:
    """The expectations of a source that says this, by their ids."""
    return {e.id: e for e in expectations_of(Source.model_validate(described(**said)))}


def test_a_source_that_says_nothing_has_the_expectations_of_every_source():
    assert list(expected()) == [
        "has_shape", "content_is_not_an_old_one", "key_unique", "newest_month_complete", "no_month_cut_out",
        "coverage_did_not_shrink", "magnitude", "months_have_their_usual_rows", "does_not_end_earlier",
        "settled_figures_stand", "settled_rows_stand",
    ]  # fmt: skip


def test_the_shape_is_looked_at_first():
    """A batch that lacks a column cannot be asked for it."""
    assert next(iter(expected(expectations=[OWN]).values())).batch == "shape"


def test_the_key_of_a_source_is_unique_without_its_saying_so():
    frame = [
        {"name": "month", "type": "date", "role": "key"},
        {"name": "place", "type": "text", "role": "key"},
        {"name": "count", "type": "integer", "role": "value"},
    ]
    assert expected(frame=frame)["key_unique"].kwargs == {"column_list": ["month", "place"]}


def test_a_source_has_its_own_expectations_besides():
    assert expected(expectations=[OWN])["count_not_negative"].why == "A count cannot be negative."


def test_a_source_sets_its_own_bound_with_its_own_reason():
    why = "In 40 releases at least 97 of 100 rows were still there."
    found = expected(overrides={"coverage_did_not_shrink": {"min_value": 0.97, "why": why}})["coverage_did_not_shrink"]
    assert (found.kwargs["min_value"], found.why) == (0.97, why)
    assert (found.kwargs["column"], found.severity) == ("share_of_known_rows", "critical")


def test_a_source_gives_a_check_another_severity_and_name():
    override = {"id": "weight_magnitude", "severity": "critical", "why": "Weights repeat exactly in every release."}
    found = expected(overrides={"magnitude": override})
    assert found["weight_magnitude"].severity == "critical"
    assert "magnitude" not in found


def test_a_source_leaves_a_check_out_with_a_reason():
    found = expected(overrides={"no_month_cut_out": {"left_out": "It has years, not months."}})
    assert "no_month_cut_out" not in found


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ({"min_value": 0.5}, "say why"),
        ({"left_out": "It has years.", "min_value": 0.5}, "that is left out has no bounds"),
        ({"least": 0.5, "why": "Measured in two releases."}, "Extra inputs are not permitted"),
    ],
)
def test_an_override_without_a_reason_or_with_two_meanings_is_refused(override: dict[str, Any], said: str):
    with pytest.raises(ValidationError, match=said):
        expected(overrides={"magnitude": override})


def test_an_override_of_what_is_no_default_is_refused():
    with pytest.raises(DrugflowError, match=r"tried/source\.yml: overrides names \['moon_phase'\]"):
        expected(overrides={"moon_phase": {"left_out": "There is no moon."}})


def test_an_expectation_with_the_id_of_a_default_is_refused():
    with pytest.raises(DrugflowError, match=r"tried/source\.yml: expectations has magnitude, which"):
        expected(expectations=[OWN | {"id": "magnitude"}])
