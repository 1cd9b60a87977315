"""What changed between two releases: small releases by hand, every count known from the rows written."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.query.diff import diff
from pipelines.query.difference import Difference, Period, TableDifference
from tests.integration.release_by_hand import Rows, write_release

OLD, NEW = "20260101T000000Z", "20260201T000000Z"
JAN, FEB = date(2024, 1, 1), date(2024, 2, 1)
FIRST, SECOND = date(2024, 4, 8), date(2026, 1, 15)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """An installation without a release."""
    return Settings(data_raw=tmp_path / "data_raw", data_marts=tmp_path / "data_marts")


def seizure(month: date, drug: str, pounds: float, events: int = 1, **more: Any) -> dict[str, Any]:
    """A row of seizures_monthly in Tucson, kilograms included."""
    place = {"component": "OFO", "region": "southwest", "land_filter": "land_only", "area_id": "tucson_field_office"}
    figures = {"events": events, "quantity_lb": pounds, "quantity_kg": pounds * 0.45359237}
    return {"month": month, **place, "drug_id": drug, **figures, "vintage": FIRST, "first_vintage": FIRST, **more}


def deaths(place: str, reported: int | None, **more: Any) -> dict[str, Any]:
    """A row of overdose_deaths_12mo."""
    key = {"jurisdiction_id": place, "month_ending": JAN, "indicator_id": "drug_overdose"}
    return {**key, "deaths_reported": reported, "vintage": FIRST, "first_vintage": FIRST, **more}


def compared(home: Settings, old: Rows, new: Rows, limit: int = 5) -> Difference:
    """The difference of two releases with the given rows."""
    write_release(home, OLD, old)
    write_release(home, NEW, new)
    return diff(home, OLD, NEW, limit)


def seizures(home: Settings, old: list[dict[str, Any]], new: list[dict[str, Any]], limit: int = 5) -> TableDifference:
    """The difference of seizures_monthly alone."""
    found = compared(home, {"marts.seizures_monthly": old}, {"marts.seizures_monthly": new}, limit)
    return next(t for t in found.tables if t.table == "seizures_monthly")


def test_equal_releases_have_no_difference(home: Settings) -> None:
    rows = {"marts.seizures_monthly": [seizure(JAN, "fentanyl", 686.1)]}
    found = compared(home, rows, rows)
    assert found.is_empty
    assert "Nothing changed" in found.text()


def test_a_release_has_no_difference_to_itself(home: Settings) -> None:
    write_release(home, OLD, {"marts.seizures_monthly": [seizure(JAN, "fentanyl", 686.1)]})
    assert diff(home, OLD, "current").is_empty


def test_a_new_period_is_named_with_its_rows_and_is_no_added_row(home: Settings) -> None:
    old = [seizure(JAN, "fentanyl", 1)]
    found = seizures(home, old, [*old, seizure(FEB, "fentanyl", 2), seizure(FEB, "heroin", 3)])
    assert found.new_periods == [Period(period=FEB, rows=2)]
    assert (found.added_rows, found.rows_a, found.rows_b) == (0, 1, 3)


def test_a_period_that_is_gone_is_named(home: Settings) -> None:
    old = [seizure(JAN, "fentanyl", 1), seizure(FEB, "fentanyl", 2)]
    found = seizures(home, old, old[:1])
    assert found.dropped_periods == [Period(period=FEB, rows=1)]
    assert found.removed_rows == 0


def test_rows_of_known_periods_that_came_or_went_are_counted_and_named(home: Settings) -> None:
    old = [seizure(JAN, "fentanyl", 1), seizure(JAN, "heroin", 1)]
    new = [seizure(JAN, "fentanyl", 1), seizure(JAN, "khat", 1), seizure(JAN, "lsd", 1)]
    found = seizures(home, old, new)
    assert (found.added_rows, found.removed_rows) == (2, 1)
    assert [(e.what, e.key["drug_id"]) for e in found.examples] == [
        ("added", "khat"), ("added", "lsd"), ("removed", "heroin"),
    ]  # fmt: skip


def test_a_revised_figure_shows_old_and_new(home: Settings) -> None:
    found = seizures(home, [seizure(JAN, "fentanyl", 0.111, 2)], [seizure(JAN, "fentanyl", 5.292, 3)])
    assert (found.revised_rows, found.revised) == (1, {"events": 1, "quantity_lb": 1, "quantity_kg": 1})
    shown = [(e.column, e.old, e.new) for e in found.examples]
    assert shown == [("events", 2, 3), ("quantity_lb", 0.111, 5.292)]
    assert found.examples[0].key == {
        "month": JAN, "component": "OFO", "region": "southwest", "land_filter": "land_only",
        "area_id": "tucson_field_office", "drug_id": "fentanyl",
    }  # fmt: skip


@pytest.mark.parametrize(("pounds", "revised"), [(100 + 0.9e-6, 0), (100 + 1.1e-6, 1)])
def test_a_weight_is_revised_beyond_the_tolerance_of_its_source(home: Settings, pounds: float, revised: int) -> None:
    """cbp_drug_seizures declares 1e-6 lb: the last digits of its text drift between files."""
    found = seizures(home, [seizure(JAN, "fentanyl", 100)], [seizure(JAN, "fentanyl", pounds)])
    assert found.revised_rows == revised
    assert found.is_empty is (revised == 0)


def test_another_vintage_alone_is_counted_apart(home: Settings) -> None:
    old = [seizure(JAN, "fentanyl", 1), seizure(JAN, "heroin", 1)]
    new = [{**old[0], "vintage": SECOND}, {**old[1], "vintage": SECOND, "quantity_lb": 2.0}]
    found = seizures(home, old, new)
    assert (found.vintage_only_rows, found.revised_rows) == (1, 1)


def test_a_flag_alone_is_no_revision(home: Settings) -> None:
    old = [seizure(JAN, "fentanyl", 1, is_fytd=True)]
    found = seizures(home, old, [seizure(JAN, "fentanyl", 1, is_fytd=False)])
    assert (found.annotated_rows, found.annotated, found.revised_rows) == (1, {"is_fytd": 1}, 0)


def test_a_seizure_that_became_a_filled_zero_is_withdrawn(home: Settings) -> None:
    old = [seizure(JAN, "fentanyl", 79.46, 2)]
    found = seizures(home, old, [seizure(JAN, "fentanyl", 0, 0, is_filled=True)])
    assert (found.withdrawn_rows, found.revised_rows, found.removed_rows) == (1, 0, 0)
    assert ("withdrawn", "quantity_lb", 79.46, 0.0) in [(e.what, e.column, e.old, e.new) for e in found.examples]


def test_a_filled_zero_that_became_a_seizure_is_revised(home: Settings) -> None:
    old = [seizure(JAN, "fentanyl", 0, 0, is_filled=True)]
    found = seizures(home, old, [seizure(JAN, "fentanyl", 2, 1)])
    assert (found.revised_rows, found.withdrawn_rows) == (1, 0)


def test_withdrawn_deaths_are_told_from_suppressed_ones(home: Settings) -> None:
    old = [deaths("US-AZ", 100), deaths("US-WY", 12), deaths("US-CA", 500)]
    new = [
        deaths("US-AZ", None, missing_reason="withdrawn"),
        deaths("US-WY", None, missing_reason="suppressed"),
        deaths("US-CA", 510),
    ]
    found = compared(home, {"marts.overdose_deaths_12mo": old}, {"marts.overdose_deaths_12mo": new})
    table = next(t for t in found.tables if t.table == "overdose_deaths_12mo")
    assert (table.withdrawn_rows, table.revised_rows) == (1, 2)
    assert table.revised == {"deaths_reported": 2, "missing_reason": 1}
    first = next(e for e in table.examples if e.what == "revised" and e.column == "deaths_reported")
    assert (first.key["jurisdiction_id"], first.old, first.new) == ("US-WY", 12, None)


def test_examples_are_limited_and_counts_are_not(home: Settings) -> None:
    drugs = ("fentanyl", "heroin", "khat", "lsd")
    old = [seizure(JAN, drug, 10) for drug in drugs]
    new = [seizure(JAN, drug, 10 + n) for n, drug in enumerate(drugs, 1)]
    found = seizures(home, old, new, limit=2)
    assert found.revised == {"quantity_lb": 4, "quantity_kg": 4}
    assert [(e.key["drug_id"], e.new) for e in found.examples] == [("lsd", 14), ("khat", 13)]


def test_the_answer_does_not_depend_on_the_order_of_rows(home: Settings, tmp_path: Path) -> None:
    drugs = ("fentanyl", "heroin", "khat", "lsd")
    old = [seizure(JAN, drug, 10) for drug in drugs]
    new = [seizure(JAN, drug, 12) for drug in drugs]
    other = Settings(data_raw=tmp_path / "raw2", data_marts=tmp_path / "marts2")
    assert seizures(home, old, new) == seizures(other, old[::-1], new[::-1])


def test_a_yearly_table_is_matched_on_its_year(home: Settings) -> None:
    def people(year: int, count: int) -> dict[str, Any]:
        return {"jurisdiction_id": "US-AZ", "year": year, "population": count, "series": "V2024"}

    old, new = [people(2023, 7473027)], [people(2023, 7473028), people(2024, 7582384)]
    found = compared(home, {"marts.population_yearly": old}, {"marts.population_yearly": new})
    table = next(t for t in found.tables if t.table == "population_yearly")
    assert table.new_periods == [Period(period=2024, rows=1)]
    assert [(e.old, e.new) for e in table.examples] == [(7473027, 7473028)]


def test_only_facts_are_compared(home: Settings) -> None:
    found = compared(home, {}, {})
    assert [t.table for t in found.tables] == [
        "seizures_monthly", "amo_seizures_monthly", "overdose_deaths_12mo", "overdose_deaths_monthly",
        "border_crossings_monthly", "population_yearly",
    ]  # fmt: skip


def check(name: str, passed: bool, vintage: date | None = FIRST) -> dict[str, Any]:
    """A row of meta.checks."""
    return {
        "stage": "quality", "source_id": "cbp_drug_seizures", "vintage": vintage, "check_name": name,
        "severity": "warning", "passed": passed, "failing_rows": int(not passed),
    }  # fmt: skip


def test_checks_that_turned_and_new_failures(home: Settings) -> None:
    old = [check("stays", True), check("breaks", True), check("heals", False), check("still_bad", False)]
    new = [
        check("stays", True), check("breaks", False), check("heals", True), check("still_bad", False),
        check("breaks", False, SECOND), check("stays", True, SECOND),
    ]  # fmt: skip
    found = compared(home, {"meta.checks": old}, {"meta.checks": new})
    assert [(c.check_name, c.vintage, c.what) for c in found.checks] == [
        ("breaks", FIRST, "turned_failed"), ("heals", FIRST, "turned_passed"), ("breaks", SECOND, "new_failure"),
    ]  # fmt: skip


def test_a_check_of_no_vintage_is_matched_too(home: Settings) -> None:
    old, new = check("unique_key_dim_port", True, None), check("unique_key_dim_port", False, None)
    found = compared(home, {"meta.checks": [old]}, {"meta.checks": [new]})
    assert [c.what for c in found.checks] == ["turned_failed"]


def test_vintages_newly_accepted_and_held(home: Settings) -> None:
    def vintage(day: date, state: str, problem: str | None = None) -> dict[str, Any]:
        place = {"source_id": "cbp_drug_seizures", "vintage": day, "archive_id": day.isoformat()}
        return {**place, "state": state, "problem": problem}

    old = [vintage(FIRST, "accepted"), vintage(date(2025, 1, 1), "held", "cut off")]
    new = [
        vintage(FIRST, "accepted"),
        vintage(date(2025, 1, 1), "accepted_by_exception"),
        vintage(SECOND, "held", "a month is missing"),
    ]
    found = compared(home, {"meta.vintages": old}, {"meta.vintages": new})
    assert [(v.archive_id, v.was, v.now, v.problem) for v in found.vintages] == [
        ("2025-01-01", "held", "accepted_by_exception", None), ("2026-01-15", None, "held", "a month is missing"),
    ]  # fmt: skip


def test_a_source_whose_freshness_is_another_word(home: Settings) -> None:
    old = [{"source_id": "bts_border_crossings", "subject": "late"}, {"source_id": "census", "subject": "fresh"}]
    new = [{"source_id": "bts_border_crossings", "subject": "fresh"}, {"source_id": "census", "subject": "fresh"}]
    found = compared(home, {"meta.source_facts": old}, {"meta.source_facts": new})
    assert [(f.source_id, f.was, f.now) for f in found.freshness] == [("bts_border_crossings", "late", "fresh")]


def test_previous_is_the_release_before_the_current(home: Settings) -> None:
    for release in ("20260101T000000Z", "20260201T000000Z", "20260301T000000Z"):
        write_release(home, release, {})
    found = diff(home, "previous", "current")
    assert (found.a, found.b) == ("20260201T000000Z", "20260301T000000Z")


def test_a_sample_is_never_compared_with_official_figures(home: Settings) -> None:
    write_release(home, f"{OLD}-SAMPLE", {}, "sample")
    write_release(home, NEW, {})
    with pytest.raises(DrugflowError, match=r"is sample and .* is official"):
        diff(home, f"{OLD}-SAMPLE", "current")


def test_two_samples_are_compared_and_called_samples(home: Settings) -> None:
    write_release(home, f"{OLD}-SAMPLE", {}, "sample")
    write_release(home, f"{NEW}-SAMPLE", {}, "sample")
    assert diff(home, "previous", "current").text().startswith("SAMPLE")


def test_without_a_release_the_sentence_says_what_to_do(home: Settings) -> None:
    with pytest.raises(DrugflowError, match="drugflow refresh"):
        diff(home, "previous", "current")


def test_an_unknown_release_lists_the_kept_ones(home: Settings) -> None:
    write_release(home, OLD, {})
    with pytest.raises(DrugflowError, match=rf"no release '2020'.*Kept: {OLD}"):
        diff(home, "2020", "current")


def test_the_first_release_has_no_previous(home: Settings) -> None:
    write_release(home, OLD, {})
    with pytest.raises(DrugflowError, match=f"no official release before the current one, {OLD}"):
        diff(home, "previous", "current")


def test_a_release_without_its_database_is_named(home: Settings) -> None:
    write_release(home, OLD, {})
    write_release(home, NEW, {})
    (home.releases / OLD / "drugflow.duckdb").unlink()
    with pytest.raises(DrugflowError, match=rf"no release '{OLD}'"):
        diff(home, OLD, "current")


def test_the_text_names_tables_counts_and_figures(home: Settings) -> None:
    old = [seizure(JAN, "fentanyl", 0.111), seizure(JAN, "heroin", 1)]
    new = [seizure(JAN, "fentanyl", 5.292), seizure(JAN, "heroin", 1), seizure(FEB, "heroin", 1)]
    text = compared(home, {"marts.seizures_monthly": old}, {"marts.seizures_monthly": new}).text()
    assert f"From release {OLD} to {NEW}" in text
    assert "marts.seizures_monthly: 2 -> 3 rows" in text
    assert "new periods: 2024-02-01 (1 rows)" in text
    assert "1 rows with a revised figure (quantity_lb 1, quantity_kg 1)" in text
    assert "quantity_lb 0.111 -> 5.292" in text
