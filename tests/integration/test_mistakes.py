"""Mistakes that others made with these figures, one test each: the released tables do not make them.

What belongs here: the wrong figure, computed from the raw files, and that no released one is it.
"""

from __future__ import annotations

import duckdb
import pytest

from tests.integration.raw_files import one, rows

T404 = "indicator_id = 'synthetic_opioids_t404'"
FENTANYL = "drug_id = 'fentanyl'"


def test_predicted_is_not_compared_with_reported(db: duckdb.DuckDBPyConnection) -> None:
    """A year's change has one basis on both sides."""
    mixed = rows(
        db,
        """
        select now.jurisdiction_id
        from marts.overdose_trends as now
        join marts.overdose_trends as before
            on now.jurisdiction_id = before.jurisdiction_id and now.indicator_id = before.indicator_id
            and now.basis = before.basis and now.month_ending = before.month_ending + interval 12 months
        where now.yoy_12 is not null
            and abs(now.yoy_12 - (now.deaths - before.deaths) / before.deaths::double) > 1e-12
        """,
    )
    assert mixed == []


def test_suppressed_is_not_read_as_0(db: duckdb.DuckDBPyConnection) -> None:
    """A count that the files leave empty has no figure and a reason; a published 0 stays in the facts."""
    found = rows(
        db,
        "select distinct ours.deaths_reported, ours.missing_reason is null from memory.raw.vsrr as raw "
        "join marts.overdose_deaths_12mo as ours using (jurisdiction_id, month_ending, indicator_id) "
        "where raw.vintage = ours.vintage and raw.reported is null",
    )
    assert found == [(None, False)]


def test_nationwide_and_southwest_are_not_one_series(db: duckdb.DuckDBPyConnection) -> None:
    """Every fiscal year of a scope is that scope's."""
    ours = dict(
        rows(
            db,
            f"select (scope, fiscal_year)::varchar, full_year from marts.fytd_pace where {FENTANYL} "
            "and measure = 'quantity_lb' and full_year is not null",
        )
    )
    by_hand = dict(
        rows(
            db,
            f"select ('national', fiscal_year)::varchar, sum(pounds) from memory.raw.cbp_now where {FENTANYL} "
            "and fiscal_year < 2026 group by fiscal_year union all "
            f"select ('southwest', fiscal_year)::varchar, sum(pounds) from memory.raw.cbp_now where {FENTANYL} "
            "and fiscal_year < 2026 and region = 'southwest' group by fiscal_year",
        )
    )
    assert ours == pytest.approx(by_hand, abs=1e-4)


def test_overlapping_12_month_totals_get_no_z_score(db: duckdb.DuckDBPyConnection) -> None:
    """No table has a score beside a twelve-month total."""
    found = rows(
        db,
        "select table_name from duckdb_columns() where database_name = 'r' and schema_name = 'marts' "
        "group by table_name having bool_or(column_name in ('z', 'z_score')) and "
        "bool_or(column_name = 'month_ending' or column_name like '%\\_12' escape '\\' "
        "or column_name like '%\\_12mo' escape '\\')",
    )
    assert found == []
    judged = dict(
        rows(db, "select month, observed from marts.anomalies where measure = 'deaths' and observed is not null")
    )
    assert judged == dict(rows(db, "select month, deaths::double from memory.raw.final_deaths"))


def test_vehicles_passengers_and_trucks_are_not_summed_as_crossings(db: duckdb.DuckDBPyConnection) -> None:
    """The denominator has vehicles, not the people in them."""
    with_people, right = (
        one(
            db,
            "select sum(least) from (select min(raw.crossings) as least from memory.raw.bts as raw "
            "where raw.vintage = (select max(vintage) from memory.raw.bts) "
            "and exists (select 1 from marts.dim_port as port where port.port_code = raw.port_code "
            "and port.corridor_id is not null) and month between '2023-10-01' and '2024-09-01' "
            f"and measure_id in ('personal_vehicles', '{people}', 'trucks') group by port_code, month, measure_id)",
        )
        for people in ("personal_vehicle_passengers", "pedestrians")
    )
    ours = one(
        db,
        "select crossings from marts.seizures_per_crossing where period = 'fiscal_year' and fiscal_year = 2024 "
        f"and scope_id = 'all' and {FENTANYL}",
    )
    assert ours == right != with_people


def test_amo_is_not_added_to_ofo_and_usbp(db: duckdb.DuckDBPyConnection) -> None:
    """A year of the nation or the Southwest Border is OFO plus USBP in every table that has one, a port's is OFO's."""
    pounds = one(db, f"select sum(pounds) from memory.raw.cbp_now where fiscal_year = 2024 and {FENTANYL}")
    joint = one(db, f"select sum(pounds) from memory.raw.amo where fiscal_year = 2024 and {FENTANYL}")
    found = one(
        db,
        "select (select quantity_kg / 0.45359237 from marts.dose_range where fiscal_year = 2024), "
        f"(select full_year from marts.fytd_pace where fiscal_year = 2024 and {FENTANYL} and scope = 'national' "
        "and measure = 'quantity_lb'), (select fytd from marts.seizure_trends where month = date '2024-09-01' "
        f"and scope = 'national' and {FENTANYL} and measure = 'quantity_lb')",
    )
    assert joint > 1
    assert found == pytest.approx((pounds, pounds, pounds), abs=1e-3)
    border, ports, border_ports, amo_border = one(
        db,
        "select sum(pounds) filter (region = 'southwest'), sum(pounds) filter (component = 'OFO'), "
        "sum(pounds) filter (component = 'OFO' and region = 'southwest'), (select sum(pounds) from memory.raw.amo "
        f"where fiscal_year = 2024 and region = 'southwest' and {FENTANYL}) "
        f"from memory.raw.cbp_now where fiscal_year = 2024 and {FENTANYL}",
    )
    of_parts = one(
        db,
        "select (select sum(quantity_lb) from marts.seizures_monthly where fiscal_year = 2024 "
        f"and region = 'southwest' and {FENTANYL}), (select total from marts.concentration where fiscal_year = 2024 "
        f"and {FENTANYL} and measure = 'quantity_lb'), (select quantity_kg / 0.45359237 from marts.statutory_rate "
        f"where fiscal_year = 2024 and {FENTANYL}), (select quantity_kg / 0.45359237 from marts.seizures_per_crossing "
        f"where period = 'fiscal_year' and fiscal_year = 2024 and scope_id = 'all' and {FENTANYL}), "
        "(select sum(fentanyl_kg) / 0.45359237 from marts.corridor_trends "
        "where month between '2023-10-01' and '2024-09-01')",
    )
    assert amo_border > 1
    assert of_parts == pytest.approx((border, border, ports, border_ports, border), abs=1e-3)


def test_a_nation_is_not_summed_from_published_states_for_t404(db: duckdb.DuckDBPyConnection) -> None:
    """The nation is the publisher's own row; the states that are published fall short of it in early years."""
    states = one(
        db,
        "select sum(reported) from memory.raw.vsrr where vintage = date '2026-06-27' and jurisdiction_id <> 'US' "
        f"and month_ending = date '2016-12-01' and {T404}",
    )
    nation = one(
        db,
        "select reported from memory.raw.vsrr where vintage = date '2026-06-27' and jurisdiction_id = 'US' "
        f"and month_ending = date '2016-12-01' and {T404}",
    )
    ours = one(
        db,
        "select deaths from marts.overdose_trends where jurisdiction_id = 'US' and basis = 'reported' "
        f"and month_ending = date '2016-12-01' and {T404}",
    )
    assert ours == nation != states


def test_months_are_not_seeded_with_a_twelfth_of_a_year_nor_clipped_at_0(db: duckdb.DuckDBPyConnection) -> None:
    """A derived month, where there is one, has a final count twelve months before it, and is never made 0."""
    unanchored = rows(
        db,
        """
        select derived.month from marts.overdose_deaths_monthly as derived
        left join marts.overdose_deaths_monthly as final
            on final.basis = 'final' and final.jurisdiction_id = derived.jurisdiction_id
            and final.indicator_id = derived.indicator_id and final.month = derived.month - interval 12 months
        where derived.basis = 'derived' and derived.deaths is not null and (final.deaths is null or derived.deaths <= 0)
        """,
    )
    assert unanchored == []


def test_an_unfinished_tail_is_not_a_fall(db: duckdb.DuckDBPyConnection) -> None:
    """Counts that the publisher calls underreported carry that mark beside their change."""
    found = rows(
        db,
        "select distinct is_provisional from marts.overdose_trends where basis = 'reported' and yoy_12 is not null "
        f"and month_ending = date '2026-01-01' and {T404} and jurisdiction_id in ('US', 'US-AZ', 'US-NM')",
    )
    beside = rows(
        db,
        "select distinct is_deaths_provisional from marts.corridor_trends where month = date '2026-01-01'",
    )
    assert found == beside == [(True,)]
    months = rows(
        db,
        "select distinct is_provisional, lower is null from marts.overdose_deaths_monthly where basis = 'derived' "
        f"and jurisdiction_id = 'US' and {T404} and month > date '2025-01-01'",
    )
    states = rows(
        db,
        "select distinct is_provisional, is_partial from marts.overdose_deaths_monthly where basis = 'provisional' "
        f"and jurisdiction_id in ('US-AZ', 'US-NM') and {T404} and month >= date '2025-01-01'",
    )
    assert months == states == [(True, True)]


def test_us_codes_are_not_joined_to_mexican_codes_by_number(db: duckdb.DuckDBPyConnection) -> None:
    """26 is Michigan and Sonora: no jurisdiction has both codes, no fact names one by number or has a Mexican row."""
    assert one(db, "select count(*) from marts.dim_jurisdiction where fips is not null and inegi is not null") == 0
    shared = one(
        db,
        "select list(jurisdiction_id order by 1) from marts.dim_jurisdiction where '26' in (fips, inegi)",
    )
    assert shared == ["MX-SON", "US-MI"]
    numbered = rows(
        db,
        "select table_name from duckdb_columns() where database_name = 'r' and schema_name = 'marts' "
        "and column_name in ('fips', 'inegi') and table_name <> 'dim_jurisdiction'",
    )
    assert numbered == []
    tables = rows(
        db,
        "select table_name from duckdb_columns() where database_name = 'r' and schema_name = 'marts' "
        "and column_name = 'jurisdiction_id' and table_name <> 'dim_jurisdiction'",
    )
    assert len(tables) >= 5
    mexican = [t for (t,) in tables if one(db, f"select count(*) from marts.{t} where jurisdiction_id not like 'US%'")]
    assert mexican == []
