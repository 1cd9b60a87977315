"""Published totals: the list is whole, and each total held, failed or could not be tested here."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.catalog.load import load_catalog
from pipelines.catalog.published_totals import load_totals
from pipelines.release.reconciliation import Outcome, check_totals, revised_since, total_checks

SEED = Path(__file__).resolve().parents[3] / "dbt_project" / "seeds" / "us_t404_final_monthly.csv"
TABLES = """
create schema marts;
create schema meta;
create table meta.vintages (source_id varchar, vintage date, state varchar);
create table marts.overdose_deaths_monthly (
    jurisdiction_id varchar, month date, indicator_id varchar, basis varchar, deaths bigint);
create table deaths (
    vintage date, jurisdiction_id varchar, indicator_id varchar, month_ending date, deaths_reported bigint,
    deaths_predicted bigint);
create macro overdose_deaths_as_of(d) as table select * from deaths where vintage = d;
create view marts.overdose_deaths_12mo as
    select * from deaths qualify vintage = max(vintage) over (partition by jurisdiction_id, indicator_id, month_ending);
"""


@pytest.fixture
def release() -> Iterator[duckdb.DuckDBPyConnection]:
    """A release in which one vintage of the overdose deaths was accepted, with the published national series."""
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        connection.execute("insert into meta.vintages values ('cdc_vsrr_overdose', date '2025-01-08', 'accepted')")
        connection.execute(
            "insert into deaths values"
            " ('2025-01-08', 'US', 'drug_overdose', '2022-12-01', 109413, 111029),"
            " ('2025-01-08', 'US', 'drug_overdose', '2023-12-01', 107682, 108472)"
        )
        connection.execute(
            "insert into marts.overdose_deaths_monthly "
            f"select 'US', month, 'synthetic_opioids_t404', 'final', deaths from read_csv('{SEED}')"
        )
        yield connection


def outcomes(release: duckdb.DuckDBPyConnection, realm: str = "official") -> dict[str, Outcome]:
    """The outcome of each total."""
    return {o.total.id: o for o in check_totals(release, realm)}  # type: ignore[arg-type]


# ---- the list ----


def test_every_published_total_is_in_the_list_as_it_was_published(real_data: Path):
    golden = real_data.parent / "golden_totals.csv"
    if not golden.exists():
        pytest.skip(f"the published totals are not at {golden}")
    ours = {t.id: t for t in load_totals()}
    rows = [r for r in csv.DictReader(golden.open(encoding="utf-8")) if r["testable_on"] in ("mirror", "seed")]
    assert len(rows) > 40
    for row in rows:
        total = ours[row["id"]]
        published = float(row["value"]), row["unit"], float(row["tolerance"])
        assert (total.value, total.unit, total.tolerance) == published, row["id"]
        assert (total.vintage is None) == (row["testable_on"] == "seed"), row["id"]


def test_every_total_has_its_own_id():
    ids = [t.id for t in load_totals()]
    assert len(set(ids)) == len(ids)


def test_every_total_of_a_vintage_names_a_source_of_the_catalogue():
    assert {t.source for t in load_totals() if t.vintage} <= set(load_catalog())


def test_a_total_of_a_vintage_is_asked_of_that_vintage_alone():
    for total in load_totals():
        if total.vintage:
            assert f"_as_of(date '{total.vintage}')" in total.query, total.id


def test_a_total_of_a_published_series_is_asked_of_the_mart_that_shows_it():
    found = next(t for t in load_totals() if t.id == "nchs_t404_2015")
    assert (found.source, found.vintage, found.today) == ("us_t404_final_monthly", None, None)
    assert "from marts.overdose_deaths_monthly" in found.query


def test_what_a_mart_shows_today_is_asked_besides():
    found = next(t for t in load_totals() if t.id == "vsrr_od_dec2022_rep")
    assert "from overdose_deaths_as_of(date '2025-01-08')" in found.query
    assert found.today == found.query.replace("overdose_deaths_as_of(date '2025-01-08')", "marts.overdose_deaths_12mo")


def test_no_query_has_a_gap_left_open():
    assert [t.id for t in load_totals() if "{" in t.query or "None" in t.query] == []


# ---- verdicts ----


def test_a_figure_that_agrees_held(release: duckdb.DuckDBPyConnection):
    found = outcomes(release)["vsrr_od_dec2023_rep"]
    assert (found.verdict, found.ours, found.reason) == ("held", 107682.0, None)


def test_reported_and_predicted_are_compared_each_with_its_own(release: duckdb.DuckDBPyConnection):
    assert outcomes(release)["vsrr_od_dec2023_pred"].ours == 108472.0


def test_the_published_series_holds_without_any_vintage(release: duckdb.DuckDBPyConnection):
    release.execute("delete from meta.vintages")
    found = outcomes(release)
    assert {found[f"nchs_t404_{year}"].verdict for year in range(2015, 2025)} == {"held"}


def test_a_figure_that_differs_failed_and_both_are_shown(release: duckdb.DuckDBPyConnection):
    release.execute("update deaths set deaths_reported = 106881 where month_ending = '2023-12-01'")
    found = outcomes(release)["vsrr_od_dec2023_rep"]
    assert (found.verdict, found.ours, found.total.value) == ("failed", 106881.0, 107682.0)


def test_a_figure_that_is_missing_failed(release: duckdb.DuckDBPyConnection):
    release.execute("delete from deaths where month_ending = '2023-12-01'")
    found = outcomes(release)["vsrr_od_dec2023_rep"]
    assert (found.verdict, found.ours) == ("failed", None)


@pytest.mark.parametrize("change", ["state = 'held'", "vintage = date '2025-01-09'", "source_id = 'other'"])
def test_a_vintage_that_is_not_here_is_not_testable_and_says_which(release: duckdb.DuckDBPyConnection, change: str):
    release.execute(f"update meta.vintages set {change}")
    found = outcomes(release)["vsrr_od_dec2023_rep"]
    assert (found.verdict, found.ours) == ("not_testable", None)
    assert found.reason is not None
    assert found.reason.en == "The release of 2025-01-08 of cdc_vsrr_overdose is not in this archive."


def test_a_vintage_accepted_by_exception_is_tested(release: duckdb.DuckDBPyConnection):
    release.execute("update meta.vintages set state = 'accepted_by_exception'")
    assert outcomes(release)["vsrr_od_dec2023_rep"].verdict == "held"


def test_a_sample_proves_nothing(release: duckdb.DuckDBPyConnection):
    found = outcomes(release, "sample")
    assert {o.verdict for o in found.values()} == {"not_testable"}
    assert {o.reason.en for o in found.values() if o.reason} == {"SAMPLE data prove nothing."}


@pytest.mark.parametrize(("value", "verdict"), [(9580, "held"), (9581, "failed"), (9579, "failed")])
def test_the_tolerance_of_a_count_is_nothing(release: duckdb.DuckDBPyConnection, value: int, verdict: str):
    release.execute(
        f"update marts.overdose_deaths_monthly set deaths = deaths + {value - 9580} where month = date '2015-01-01'"
    )
    assert outcomes(release)["nchs_t404_2015"].verdict == verdict


def test_a_provisional_figure_is_not_taken_for_a_final_one(release: duckdb.DuckDBPyConnection):
    release.execute(
        "insert into marts.overdose_deaths_monthly "
        "select * replace ('provisional' as basis) from marts.overdose_deaths_monthly"
    )
    assert outcomes(release)["nchs_t404_2015"].verdict == "held"


# ---- what the marts show today ----


def revise(release: duckdb.DuckDBPyConnection, reported: int | None) -> None:
    """A later vintage with another reported count for 2023."""
    row = ["2025-07-16", "US", "drug_overdose", "2023-12-01", reported, 108472]
    release.execute("insert into deaths values (?, ?, ?, ?, ?, ?)", row)


def test_a_total_that_held_shows_what_the_marts_say_after_a_revision(release: duckdb.DuckDBPyConnection):
    revise(release, 106881)
    found = outcomes(release)["vsrr_od_dec2023_rep"]
    assert (found.verdict, found.ours) == ("held", 107682.0)
    assert (found.in_marts, str(found.marts_vintage), found.differs_today) == (106881.0, "2025-07-16", True)
    assert revised_since([found]) == revised_since(check_totals(release, "official"))
    assert str(revised_since([found])).startswith("1 of these figures is another one in the marts today")


def test_a_figure_that_the_marts_lost_differs_too(release: duckdb.DuckDBPyConnection):
    revise(release, None)
    found = outcomes(release)["vsrr_od_dec2023_rep"]
    assert (found.verdict, found.in_marts, found.differs_today) == ("held", None, True)


def test_a_later_vintage_that_repeats_the_figure_is_no_difference(release: duckdb.DuckDBPyConnection):
    revise(release, 107682)
    found = outcomes(release)["vsrr_od_dec2023_rep"]
    assert (str(found.marts_vintage), found.differs_today) == ("2025-07-16", False)
    assert revised_since(check_totals(release, "official")) is None


def test_a_seed_and_a_sample_have_no_figure_of_today(release: duckdb.DuckDBPyConnection):
    revise(release, 106881)
    assert outcomes(release)["nchs_t404_2015"].in_marts is None
    assert revised_since(check_totals(release, "sample")) is None


# ---- rows of meta.checks ----


def test_only_totals_that_were_tested_are_checks(release: duckdb.DuckDBPyConnection):
    found = check_totals(release, "official")
    checks = total_checks(found)
    assert len(checks) == 14
    assert {c["stage"] for c in checks} == {"golden"}
    assert all(c["passed"] and c["severity"] == "critical" for c in checks)


def test_a_total_that_failed_is_a_check_with_both_figures(release: duckdb.DuckDBPyConnection):
    release.execute("update deaths set deaths_reported = 106881 where month_ending = '2023-12-01'")
    (check,) = (c for c in total_checks(check_totals(release, "official")) if c["check_name"] == "vsrr_od_dec2023_rep")
    assert (check["passed"], check["failing_rows"], check["vintage"]) == (False, 1, "2025-01-08")
    assert check["detail"] == "published 107,682 deaths, ours 106,881"


@pytest.mark.parametrize(
    ("value", "ours", "detail"),
    [
        (64044852.0, 64044851.0, "published 64,044,852 lb, ours 64,044,851"),
        (3398.28, 3398.5, "published 3,398.28 lb, ours 3,398.50"),
        (3398.28, None, "published 3,398.28 lb, ours none"),
    ],
)
def test_figures_of_a_check_are_written_out(value: float, ours: float | None, detail: str):
    total = next(t for t in load_totals() if t.unit == "lb").model_copy(update={"value": value})
    (check,) = total_checks([Outcome(total=total, ours=ours, verdict="failed")])
    assert check["detail"] == detail
