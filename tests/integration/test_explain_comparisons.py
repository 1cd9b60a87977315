"""Every comparison table answers where its row comes from."""

from __future__ import annotations

import re

import pytest

from pipelines.core.settings import Settings
from pipelines.query.explain import explain

ASKED = [
    "crossing_trends 2024-09 corridor tucson trucks",
    "crossing_trends 2024-09 port 2401+2402 trucks",
    "seizures_per_crossing fiscal_year 2024-09 all fentanyl",
    "seizures_per_crossing rolling_12 2024-05 tucson fentanyl",
    "corridor_trends 2024-09 el_paso",
    "drug_mix 2025-12 tucson fentanyl",
    "concentration 2024 fentanyl quantity_lb",
    "dose_range 2024",
    "statutory_rate 2024 fentanyl",
    "centre_of_mass 2025-12 fentanyl",
    "fytd_pace 2026 southwest fentanyl quantity_lb",
]


@pytest.mark.parametrize("asked", ASKED)
def test_a_comparison_names_the_rows_that_it_is_made_of(official_release: Settings, asked: str) -> None:
    found = explain(official_release, asked, limit=2)
    assert found.nonzero_count > 0
    assert found.facts
    assert re.search(rf"dbt_project/models/marts/(seizures|crossings)/{found.table}\.sql", found.steps[0])


def test_a_known_disagreement_says_why_and_how_ours_is_computed(official_release: Settings) -> None:
    found = explain(official_release, "reconciliation known_swb_land_only_fy2024")
    assert any("both land filters" in s for s in found.steps)
    assert any("seizures_as_of" in s for s in found.steps)


def test_a_missing_comparison_says_why(official_release: Settings) -> None:
    found = explain(official_release, "dose_range 2023")
    assert any("no_parameters" in s for s in found.steps)
