"""What a release says about itself: when the next period is due, and the cautions that the build gives rise to."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from pipelines.archive.decisions import Exemption
from pipelines.catalog.load import get_source, load_catalog
from pipelines.core.settings import PROJECT_ROOT
from pipelines.dbt.lineage import load_lineage
from pipelines.quality.verdict import Check, Verdict
from pipelines.release.cautions import caution_rows
from pipelines.status.account import Account, freshness


def account(source: str, last: str, furthest: str | None = None, parts: dict[str, str] | None = None) -> Account:
    """A source that goes so far; a part that is further than the whole has that from an excerpt."""
    whole = [{"part": n, "last_period": d, "whole_until": min(d, last)} for n, d in (parts or {"": last}).items()]
    day = date.fromisoformat(last)
    return Account(
        get_source(source), last_period=day, furthest_period=date.fromisoformat(furthest or last), parts=whole
    )


def cautions(*accounts: Account, sample: bool = False, no_mexico: tuple[str, ...] = ()) -> dict[str, Any]:
    """Cautions by code."""
    realm = "sample" if sample else "official"
    return {c["code"]: c for c in caution_rows(realm, list(accounts), load_lineage(), list(no_mexico))}


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


def test_a_source_without_a_file_has_no_data_in_either_realm() -> None:
    empty = Account(get_source("census_population"))
    assert [freshness(empty, r, date(2026, 1, 1)) for r in ("official", "sample")] == ["no_data", "no_data"]


@pytest.mark.parametrize(("today", "days"), [("2026-04-17", None), ("2026-04-19", 32)])
def test_days_late_count_from_the_day_on_which_the_next_period_was_expected(today: str, days: int | None) -> None:
    """18 March 2026 for January, counted in months of 31 days; late is who is overdue by more than one."""
    late = account("cbp_drug_seizures", "2025-12-01")
    assert late.days_late("official", date.fromisoformat(today)) == days
    assert late.days_late("sample", date.fromisoformat(today)) is None


# ---- tables of a source ----

MODELS = {p.stem: p.read_text("utf-8") for p in (PROJECT_ROOT / "dbt_project" / "models").rglob("*.sql")}
NATION_ALONE = {("cdc_wonder_overdose", "anomalies")}
"""Reads the nation's series of published deaths, which is a seed, from a model that has WONDER's states too."""


def sources_of(model: str) -> set[str]:
    """Sources that a model is built from; a dimension only says what its ids mean."""
    text = MODELS.get(model, "")
    above = [m for m in re.findall(r"ref\('(\w+)'\)", text) if not m.startswith("dim_")]
    return set(re.findall(r"source\('\w+', '(\w+)'\)", text)).union(*map(sources_of, above)) & set(load_catalog())


def test_a_caution_about_a_source_reaches_every_mart_that_is_built_from_it() -> None:
    marts = [p.stem for p in (PROJECT_ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")]
    built = {(s, m) for m in marts if not m.endswith("_as_of") for s in sources_of(m)}
    assert ("census_population", "overdose_trends") in built
    told = {(s.id, t) for s in load_catalog().values() for t in load_lineage().concerned(s)}
    assert built - told - NATION_ALONE == set()
    assert {(s, s) for s in load_catalog()} <= told


# ---- cautions ----


def test_the_sample_is_told_to_who_asks_for_the_cautions_of_any_table() -> None:
    tables = cautions(sample=True)["sample_release"]["tables"]
    assert {"dim_month", "seizures_monthly", "reconciliation", "cbp_drug_seizures", "coverage", "sources"} <= {*tables}
    assert sorted(tables) == sorted(load_lineage().tables)
    assert "sample_release" not in cautions()


def test_parts_that_end_earlier_are_named_with_their_end() -> None:
    ends = {"drug_overdose": "2025-02-01", "heroin_t401": "2025-02-01", "synthetic_opioids_t404": "2026-01-01"}
    found = cautions(account("cdc_vsrr_overdose", "2025-02-01", "2026-01-01", ends))["uneven_cdc_vsrr_overdose"]
    assert (
        "Until 2025-02: drug_overdose, heroin_t401; until 2026-01 (an excerpt): synthetic_opioids_t404."
        in found["text_en"]
    )
    assert (
        "Hasta 2025-02: drug_overdose, heroin_t401; hasta 2026-01 (un extracto): synthetic_opioids_t404."
        in (found["text_es"])
    )
    assert {"overdose_deaths_12mo", "overdose_trends", "cdc_vsrr_overdose"} <= set(found["tables"])


def test_an_excerpt_that_goes_further_than_complete_releases_is_told() -> None:
    found = cautions(account("cbp_drug_seizures", "2025-12-01", "2026-01-01", {"": "2026-01-01"}))
    assert (
        "Only excerpts go on to 2026-01, complete releases end at 2025-12."
        in (found["uneven_cbp_drug_seizures"]["text_en"])
    )


def test_a_source_that_ends_in_one_month_has_no_such_caution() -> None:
    ends = {"drug_overdose": "2025-02-01", "heroin_t401": "2025-02-01"}
    found = cautions(account("cdc_vsrr_overdose", "2025-02-01", parts=ends))
    assert [code for code in found if code.startswith("uneven")] == []


def test_that_mexico_is_absent_is_said_of_the_tables_without_it() -> None:
    found = cautions(no_mexico=("overdose_trends",))["no_figures_of_mexico"]
    assert found["tables"] == ["overdose_trends"]
    assert "no Mexican source is released yet" in found["text_en"]
    assert "no_figures_of_mexico" not in cautions()


def test_who_brings_figures_of_sesnsp_is_told_of_its_new_catalogue() -> None:
    found = cautions(no_mexico=("overdose_trends",))["sesnsp_catalogue_2026"]
    assert (found["tables"], found["source_id"]) == (["overdose_trends"], None)
    assert all(str(n) in found[text] for n in (2026, 98, 114, "narcomenudeo") for text in ("text_en", "text_es"))


def test_an_exception_names_vintage_checks_values_and_reason_in_both_languages() -> None:
    broken = [
        Check(id="us_is_sum_of_parts", severity="critical", passed=False, detail="us_minus_parts_deaths 3 (May)"),
        Check(id="does_not_end_earlier", severity="critical", passed=False, detail="months_behind 2 (the whole file)"),
        Check(id="reported_magnitude", severity="warning", passed=False, detail="ratio_to_previous_release 2"),
        Check(id="key_unique", severity="critical", passed=True),
    ]
    verdict = Verdict(
        source="cdc_vsrr_overdose", vintage="2026-01-14", archive_id="2026-01-14", fingerprint="", content="x",
        state="accepted_by_exception", checks=broken, problem="Also failed: does_not_end_earlier; see the pages.",
    )  # fmt: skip
    entry = Exemption(
        source="cdc_vsrr_overdose", vintage="2026-01-14", content="x", reason="CDC said so.",
        accepted_at="2026-01-20T08:00:00+00:00",
    )  # fmt: skip
    source = account("cdc_vsrr_overdose", "2025-08-01")
    source.exceptions = [(verdict, entry)]
    found = cautions(source)["exception_cdc_vsrr_overdose_2026-01-14"]
    checks = "us_is_sum_of_parts: us_minus_parts_deaths 3 (May); does_not_end_earlier: months_behind 2 (the whole file)"
    assert found["text_en"].endswith(
        f"is in the tables by an exception of 2026-01-20. Failed: {checks}. Reason given: CDC said so."
    )
    assert found["text_es"].endswith(
        f"por una excepción del 2026-01-20. Controles que no pasó: {checks}. Motivo: CDC said so."
    )
    assert "2026-01-14" in found["text_en"]
    assert "2026-01-14" in found["text_es"]
    assert "overdose_trends" in found["tables"]
