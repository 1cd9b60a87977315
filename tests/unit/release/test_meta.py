"""What a release says about itself: when the next period is due, and the cautions that the build gives rise to."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.release.meta import Account, caution_rows, freshness
from pipelines.sources.catalog import get_source
from tests.unit.release.tiny import settings_of

TABLES = ["dim_month", "seizures_monthly", "sources"]


def account(source: str, last: str, furthest: str | None = None, parts: dict[str, str] | None = None) -> Account:
    """A source that goes so far; a part that is further than the whole has that from an excerpt."""
    whole = [{"part": n, "last_period": d, "whole_until": min(d, last)} for n, d in (parts or {"": last}).items()]
    day = date.fromisoformat(last)
    return Account(
        get_source(source), last_period=day, furthest_period=date.fromisoformat(furthest or last), parts=whole
    )


def cautions(folder: Path, *accounts: Account, sample: bool = False, no_mexico: tuple[str, ...] = ()) -> dict[str, Any]:
    """Cautions by code."""
    realm = "sample" if sample else "official"
    return {c["code"]: c for c in caution_rows(settings_of(folder), realm, list(accounts), TABLES, list(no_mexico))}


# ---- freshness ----


@pytest.mark.parametrize(
    ("today", "word"), [("2026-03-15", "fresh"), ("2026-03-25", "due"), ("2026-06-15", "due"), ("2026-11-28", "late")]
)
def test_a_yearly_source_of_days_is_late_a_quarter_after_its_next_day_was_due(today: str, word: str) -> None:
    """Estimates for 1 July 2024; those for 1 July 2025 come 260 days after that day, about 18 March 2026."""
    assert freshness(account("census_population", "2024-07-01"), "official", date.fromisoformat(today)) == word


@pytest.mark.parametrize(("today", "word"), [("2026-03-15", "fresh"), ("2026-04-17", "due"), ("2026-04-19", "late")])
def test_a_monthly_source_is_due_after_the_end_of_the_next_month(today: str, word: str) -> None:
    """December 2025; January 2026 ends on the 31st and comes 45 days later, about 17 March."""
    assert freshness(account("cbp_drug_seizures", "2025-12-01"), "official", date.fromisoformat(today)) == word


# ---- cautions ----


def test_the_sample_is_told_to_who_asks_for_the_cautions_of_any_table(tmp_path: Path) -> None:
    assert cautions(tmp_path, sample=True)["sample_release"]["tables"] == TABLES
    assert "sample_release" not in cautions(tmp_path)


def test_parts_that_end_earlier_are_named_with_their_end(tmp_path: Path) -> None:
    ends = {"drug_overdose": "2025-02-01", "heroin_t401": "2025-02-01", "synthetic_opioids_t404": "2026-01-01"}
    found = cautions(tmp_path, account("cdc_vsrr_overdose", "2025-02-01", "2026-01-01", ends))[
        "uneven_cdc_vsrr_overdose"
    ]
    assert (
        "Until 2025-02: drug_overdose, heroin_t401; until 2026-01 (an excerpt): synthetic_opioids_t404."
        in found["text_en"]
    )
    assert (
        "Hasta 2025-02: drug_overdose, heroin_t401; hasta 2026-01 (un extracto): synthetic_opioids_t404."
        in (found["text_es"])
    )
    assert {"overdose_deaths_12mo", "overdose_trends", "cdc_vsrr_overdose"} <= set(found["tables"])


def test_an_excerpt_that_goes_further_than_complete_releases_is_told(tmp_path: Path) -> None:
    found = cautions(tmp_path, account("cbp_drug_seizures", "2025-12-01", "2026-01-01", {"": "2026-01-01"}))
    assert (
        "Only excerpts go on to 2026-01, complete releases end at 2025-12."
        in (found["uneven_cbp_drug_seizures"]["text_en"])
    )


def test_a_source_that_ends_in_one_month_has_no_such_caution(tmp_path: Path) -> None:
    ends = {"drug_overdose": "2025-02-01", "heroin_t401": "2025-02-01"}
    found = cautions(tmp_path, account("cdc_vsrr_overdose", "2025-02-01", parts=ends))
    assert [code for code in found if code.startswith("uneven")] == []


def test_that_mexico_is_absent_is_said_of_the_tables_without_it(tmp_path: Path) -> None:
    found = cautions(tmp_path, no_mexico=("overdose_trends",))["no_figures_of_mexico"]
    assert found["tables"] == ["overdose_trends"]
    assert "no Mexican source is released yet" in found["text_en"]
    assert "no_figures_of_mexico" not in cautions(tmp_path)


def test_who_brings_figures_of_sesnsp_is_told_of_its_new_catalogue(tmp_path: Path) -> None:
    found = cautions(tmp_path, no_mexico=("overdose_trends",))["sesnsp_catalogue_2026"]
    assert (found["tables"], found["source_id"]) == (["overdose_trends"], None)
    assert all(str(n) in found[text] for n in (2026, 98, 114, "narcomenudeo") for text in ("text_en", "text_es"))
