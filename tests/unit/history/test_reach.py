"""How far a source goes: what all of it reaches, so that one new excerpt makes nothing beside it look new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.catalog.load import get_source
from pipelines.catalog.source import Source
from tests.unit.history.test_revisions import FIRST, KINDS, MONTHS, SECOND, SOURCE, THIRD, Key, Row, Told, written


def rows(*kinds: str, until: int, places: tuple[str, ...] = ("Nogales", "Naco")) -> dict[Key, Row]:
    """A row of each place for these kinds in each month until the given one."""
    return {(p, m, k): (1, 5.0, False) for p in places for m in MONTHS[: until + 1] for k in kinds}


def reach(folder: Path, told: list[Told], source: Source = SOURCE) -> dict[str, Any]:
    """What the summary of their history says: all of it, any of it, and each part."""
    summary = written(folder, told, source)[1]
    parts = {p["part"]: p["last_period"] for p in summary["parts"]}
    return {"all": summary["last_period"], "any": summary["furthest_period"], "parts": parts}


def test_a_new_excerpt_of_one_kind_makes_the_others_no_newer(tmp_path: Path):
    told = [Told(FIRST, rows(*KINDS, until=0)), Told(SECOND, rows("drugs", until=2), partial=True)]
    assert reach(tmp_path, told) == {
        "all": "2024-11-01", "any": "2025-01-01", "parts": {"arms": "2024-11-01", "drugs": "2025-01-01"},
    }  # fmt: skip


def test_an_excerpt_of_one_place_does_not_speak_for_the_others(tmp_path: Path):
    told = [Told(FIRST, rows(*KINDS, until=1)), Told(SECOND, rows(*KINDS, until=2, places=("Naco",)), partial=True)]
    found = reach(tmp_path, told)
    assert (found["all"], found["any"]) == ("2024-12-01", "2025-01-01")


def test_a_complete_vintage_is_as_new_as_its_oldest_part(tmp_path: Path):
    found = reach(tmp_path, [Told(FIRST, rows("drugs", until=2) | rows("arms", until=1))])
    assert (found["all"], found["any"]) == ("2024-12-01", "2025-01-01")


def test_a_part_that_only_excerpts_have_counts_as_they_give_it(tmp_path: Path):
    told = [Told(FIRST, rows("arms", until=1), partial=True), Told(SECOND, rows("drugs", until=2), partial=True)]
    assert reach(tmp_path, told)["all"] == "2024-12-01"


def test_a_part_that_the_newest_complete_vintage_dropped_holds_nothing_back(tmp_path: Path):
    told = [
        Told(FIRST, rows(*KINDS, until=0)),
        Told(SECOND, rows("drugs", until=1)),
        Told(THIRD, rows("drugs", until=2)),
    ]
    found = reach(tmp_path, told)
    assert (found["all"], found["parts"]["arms"]) == ("2025-01-01", "2024-11-01")


def test_scopes_that_follow_one_another_in_time_are_no_parts(tmp_path: Path):
    told = [Told(FIRST, rows("drugs", until=2) | rows("arms", until=0))]
    source = SOURCE.model_copy(update={"parts": []})
    assert reach(tmp_path, told, source) == {"all": "2025-01-01", "any": "2025-01-01", "parts": {"": "2025-01-01"}}


def test_without_a_vintage_nothing_is_reached(tmp_path: Path):
    assert reach(tmp_path, []) == {"all": None, "any": None, "parts": {}}


@pytest.mark.parametrize(
    ("source", "columns"),
    [
        ("cdc_vsrr_overdose", ["indicator_id"]),
        ("bts_border_crossings", ["measure_id"]),
        ("cbp_drug_seizures", []),
        ("census_population", ["area_level"]),
    ],
)
def test_what_a_release_carries_on_together(source: str, columns: list[str]):
    """A fiscal year ends and so does a census series; indicators, measures and levels go on."""
    assert get_source(source).part_columns == columns
