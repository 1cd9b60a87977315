"""Seizures, crossings, population and published totals of the real release, against the raw files.

Expected figures come from ``raw_files`` (DuckDB on the agencies' files) or from published totals; never from the
pipeline. Deaths are in test_known_deaths, trends in test_known_trends.
"""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.catalog.published_totals import load_totals
from pipelines.release.reconciliation import check_totals
from tests.integration.raw_files import one, rows

DRUGS = {
    "fentanyl", "heroin", "methamphetamine", "cocaine", "marijuana", "ecstasy", "ketamine", "khat", "lsd", "other",
}  # fmt: skip
FIRST_MONTH, LAST_MONTH = date(2018, 10, 1), date(2025, 12, 1)
MONTHS = 87


@pytest.mark.parametrize(
    "where",
    ["true", "region = 'southwest'", "component = 'OFO'", "component = 'USBP'", "land_filter = 'land_only'"],
    ids=["national", "southwest", "ofo", "usbp", "land only"],
)
def test_fentanyl_by_fiscal_year(db: duckdb.DuckDBPyConnection, where: str) -> None:
    wanted = rows(
        db,
        "select fiscal_year, sum(pounds), sum(events) from memory.raw.cbp_now "
        f"where drug_id = 'fentanyl' and {where} group by 1 order by 1",
    )
    found = rows(
        db,
        "select fiscal_year, sum(quantity_lb), sum(events) from marts.seizures_monthly "
        f"where drug_id = 'fentanyl' and {where} group by 1 order by 1",
    )
    assert [year for year, *_ in found] == list(range(2019, 2027))
    assert [(y, e) for y, _, e in found] == [(y, e) for y, _, e in wanted]
    assert [lb for _, lb, _ in found] == pytest.approx([lb for _, lb, _ in wanted], abs=1e-4)


def test_every_published_seizure_row_is_there_and_no_other(db: duckdb.DuckDBPyConnection) -> None:
    """A weight may keep the float text of the release that first gave it: 1e-6 lb is no revision."""
    key = "month, component, region, land_filter, area_id, drug_id"
    different = rows(
        db,
        f"""
        select {key}, raw.pounds, ours.quantity_lb, raw.events, ours.events
        from memory.raw.cbp_now as raw
        full join (select * from marts.seizures_monthly where not is_filled) as ours using ({key})
        where
            raw.events is distinct from ours.events or coalesce(abs(raw.pounds - ours.quantity_lb) > 1e-6, true)
            or raw.fiscal_year <> ours.fiscal_year or raw.is_fytd <> ours.is_fytd
        """,
    )
    assert different == []


def test_every_place_that_ever_occurred_has_every_drug_and_month(db: duckdb.DuckDBPyConnection) -> None:
    place = "component, region, land_filter, area_id"
    wanted = set(rows(db, f"select distinct {place} from memory.raw.cbp"))
    assert set(rows(db, f"select distinct {place} from marts.seizures_monthly")) == wanted
    count = one(db, f"select count(*), count(distinct (month, drug_id, {place})) from marts.seizures_monthly")
    assert count == (len(wanted) * len(DRUGS) * MONTHS,) * 2
    assert {d for (d,) in rows(db, "select distinct drug_id from marts.seizures_monthly")} == DRUGS


def test_nothing_is_filled_outside_the_published_window(db: duckdb.DuckDBPyConnection) -> None:
    window = "min(month), max(month), count(distinct month)"
    assert one(db, f"select {window} from memory.raw.cbp") == (FIRST_MONTH, LAST_MONTH, MONTHS)
    assert one(db, f"select {window} from marts.seizures_monthly") == (FIRST_MONTH, LAST_MONTH, MONTHS)
    assert one(db, f"select {window} from marts.amo_seizures_monthly") == (FIRST_MONTH, LAST_MONTH, MONTHS)


def test_filling_leaves_sums_unchanged(db: duckdb.DuckDBPyConnection) -> None:
    filled = one(db, "select count(*), sum(events), sum(quantity_lb) from marts.seizures_monthly where is_filled")
    assert filled[0] > 0
    assert filled[1:] == (0, 0.0)
    wanted = one(db, "select sum(events), sum(pounds) from memory.raw.cbp_now")
    assert one(db, "select sum(events), sum(quantity_lb) from marts.seizures_monthly") == pytest.approx(wanted)


def test_a_trace_is_no_filled_zero(db: duckdb.DuckDBPyConnection) -> None:
    """Five fentanyl rows have an event and no weight."""
    traces = rows(
        db,
        "select events, is_filled from marts.seizures_monthly "
        "where drug_id = 'fentanyl' and quantity_lb = 0 and events > 0",
    )
    assert len(traces) == 5
    assert {is_filled for _, is_filled in traces} == {False}


def test_kilograms_are_exact(db: duckdb.DuckDBPyConnection) -> None:
    for table in ("seizures_monthly", "amo_seizures_monthly"):
        worst = one(db, f"select max(abs(quantity_kg - quantity_lb * 0.45359237)) from marts.{table}")
        assert worst < 1e-9


def test_air_and_marine_is_not_in_the_national_table(db: duckdb.DuckDBPyConnection) -> None:
    assert rows(db, "select distinct component from marts.seizures_monthly order by 1") == [("OFO",), ("USBP",)]
    assert rows(db, "select distinct source_id from marts.seizures_monthly") == [("cbp_drug_seizures",)]


def test_air_and_marine_by_fiscal_year(db: duckdb.DuckDBPyConnection) -> None:
    wanted = rows(
        db,
        "select fiscal_year, drug_id, sum(events), round(sum(pounds), 4) from memory.raw.amo "
        "group by all order by 1, 2",
    )
    found = rows(
        db,
        "select fiscal_year, drug_id, sum(events), round(sum(quantity_lb), 4) from marts.amo_seizures_monthly "
        "group by all having sum(events) > 0 order by 1, 2",
    )
    assert found == wanted


# --- border crossings -----------------------------------------------------------------------------------------


def test_every_crossing_of_the_newest_release_is_there_and_no_other(db: duckdb.DuckDBPyConnection) -> None:
    """A doubled key counts once: the same figure twice is one, of two figures the larger stays."""
    different = rows(
        db,
        """
        select port_code, month, measure_id, raw.crossings, ours.crossings
        from (
            select port_code, month, measure_id, max(crossings) as crossings
            from memory.raw.bts where vintage = date '2025-04-01' group by all
        ) as raw
        full join marts.border_crossings_monthly as ours using (port_code, month, measure_id)
        where raw.crossings is distinct from ours.crossings
        """,
    )
    assert different == []


def test_crossings_by_year_and_measure(db: duckdb.DuckDBPyConnection) -> None:
    wanted = rows(
        db,
        """
        select is_mexican, year(month), measure_id, sum(crossings)::bigint
        from (
            select is_mexican, port_code, month, measure_id, max(crossings) as crossings
            from memory.raw.bts where vintage = date '2025-04-01' group by all
        )
        group by all order by all
        """,
    )
    found = rows(
        db,
        """
        select border = 'us_mexico', year(month), measure_id, sum(crossings)::bigint
        from marts.border_crossings_monthly join marts.dim_port using (port_code) group by all order by all
        """,
    )
    assert found == wanted
    assert (True, 2019, "personal_vehicles", 72_856_569) in found
    assert (True, 2024, "pedestrians", 40_769_064) in found


def test_the_larger_of_two_figures_stays_and_is_flagged(db: duckdb.DuckDBPyConnection) -> None:
    """Sasabe, February 2021, bus passengers: 0 and 2,175 in the file."""
    where = "port_code = '2606' and month = date '2021-02-01' and measure_id = 'bus_passengers'"
    said = rows(db, f"select crossings from memory.raw.bts where vintage = date '2025-04-01' and {where} order by 1")
    assert said == [(0,), (2175,)]
    flagged = rows(
        db,
        "select port_code, month, measure_id, crossings from marts.border_crossings_monthly "
        "where is_resolved_duplicate",
    )
    assert flagged == [("2606", date(2021, 2, 1), "bus_passengers", 2175)]


def test_a_figure_given_twice_is_counted_once(db: duckdb.DuckDBPyConnection) -> None:
    """Ten keys, all of June 2019; nothing was decided, so none is flagged."""
    doubled = rows(
        db,
        """
        with said as (
            select port_code, month, measure_id, max(crossings) as crossings
            from memory.raw.bts where vintage = date '2025-04-01'
            group by all having count(*) = 2 and min(crossings) = max(crossings)
        )

        select said.month, said.crossings = ours.crossings, ours.is_resolved_duplicate
        from said left join marts.border_crossings_monthly as ours using (port_code, month, measure_id)
        """,
    )
    assert doubled == [(date(2019, 6, 1), True, False)] * 10


def test_an_absent_crossing_is_never_a_zero(db: duckdb.DuckDBPyConnection) -> None:
    zeros = one(db, "select count(*) from marts.border_crossings_monthly where crossings = 0")
    assert zeros == one(
        db,
        """
        select count(*) from (
            select max(crossings) as crossings from memory.raw.bts
            where vintage = date '2025-04-01' group by port_code, month, measure_id
        ) where crossings = 0
        """,
    )


# --- population -----------------------------------------------------------------------------------------------


def test_population_of_the_us_in_2024(db: duckdb.DuckDBPyConnection) -> None:
    found = one(
        db, "select population, series from marts.population_yearly where jurisdiction_id = 'US' and year = 2024"
    )
    assert found == (340_110_988, "V2024")


def test_population_of_every_state_and_year(db: duckdb.DuckDBPyConnection) -> None:
    different = rows(
        db,
        """
        select state, year, raw.population, ours.population
        from (select * from memory.raw.people where county = '000') as raw
        full join (
            select fips as state, year, population
            from marts.population_yearly join marts.dim_jurisdiction using (jurisdiction_id)
            where fips is not null and jurisdiction_id <> 'US-PR'
        ) as ours using (state, year)
        where raw.population is distinct from ours.population
        """,
    )
    assert different == []


def test_new_york_city_is_its_five_counties(db: duckdb.DuckDBPyConnection) -> None:
    wanted = rows(
        db,
        """
        select year, sum(population)::bigint from memory.raw.people
        where state = '36' and county in ('005', '047', '061', '081', '085') group by 1 order by 1
        """,
    )
    ours = "select year, population from marts.population_yearly where jurisdiction_id = '{}' order by 1"
    city, rest, whole = (dict(rows(db, ours.format(j))) for j in ("US-NYC", "US-NY-XNYC", "US-NY"))
    assert city == dict(wanted)
    assert {year: city[year] + rest[year] for year in city} == whole


def test_series_change_in_2020(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(db, "select series, min(year), max(year) from marts.population_yearly group by 1 order by 1")
    assert found == [("V2020", 2010, 2019), ("V2024", 2020, 2024)]


# --- published totals -----------------------------------------------------------------------------------------


def test_every_published_total_holds(db: duckdb.DuckDBPyConnection) -> None:
    outcomes = [o for o in check_totals(db, "official") if o.total.reason is None]
    assert [(o.total.id, o.ours, o.reason) for o in outcomes if o.verdict != "held"] == []
    assert len(outcomes) == 45


def test_a_known_disagreement_differs_by_what_is_known_and_says_why(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        db,
        "select total_id, round(difference, 2), reason_en is not null, reason_es is not null "
        "from marts.reconciliation where verdict = 'known_disagreement' order by 1",
    )
    assert found == [
        ("known_bts_mx_pv_2019_raw", 72856569 - 73085262, True, True),
        ("known_swb_land_only_fy2024", round(21148.15 - 21115.61, 2), True, True),
    ]


def test_the_release_shows_the_published_totals_as_checks(db: duckdb.DuckDBPyConnection) -> None:
    assert rows(db, "select passed, count(*) from meta.checks where stage = 'golden' group by 1") == [(True, 47)]


def test_published_totals_are_the_groups_list(real_data: Path) -> None:
    path = real_data.parent / "golden_totals.csv"
    if not path.exists():
        pytest.skip(f"the group's list of published totals is not at {path}")
    with path.open(encoding="utf-8", newline="") as handle:
        wanted = {
            r["id"]: (float(r["value"]), r["unit"], float(r["tolerance"]), r["metric"], r["period"], r["basis"])
            for r in csv.DictReader(handle)
        }
    ours = {
        t.id: (t.value, t.unit, t.tolerance, t.metric, t.period, t.basis) for t in load_totals() if t.reason is None
    }
    assert ours == wanted
