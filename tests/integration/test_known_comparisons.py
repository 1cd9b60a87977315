"""Comparison tables of the real release, against arithmetic on the raw files and the published answers.

Methods: seizures of the field offices over crossings of their ports, concentration over thirteen fixed areas, a year
over the mean of five, doses as a range, the same months of every fiscal year.
"""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.integration.raw_files import one, rows

SAN_DIEGO = "'2502', '2503', '2504', '2505', '2506', '2507', '2582'"
TUCSON = "'2601', '2602', '2603', '2604', '2606', '2608'"
EL_PASO = "'2401', '2402', '2403', '2404', '2406', '2408', '2410'"
LAREDO = "'2301', '2302', '2303', '2304', '2305', '2307', '2309', '2310'"
PORTS = {
    "san_diego": (SAN_DIEGO, 53.05),
    "tucson": (TUCSON, 334.67),
    "el_paso": (EL_PASO, 7.900),
    "laredo": (LAREDO, 1.339),
}
FENTANYL = "drug_id = 'fentanyl'"


@pytest.mark.parametrize("corridor", PORTS)
def test_kilograms_per_million_crossings_of_a_corridor(db: duckdb.DuckDBPyConnection, corridor: str) -> None:
    ports, published = PORTS[corridor]
    pounds = one(
        db,
        f"select sum(pounds) from memory.raw.cbp_now where fiscal_year = 2024 and {FENTANYL} and component = 'OFO' "
        f"and area_id = '{corridor}_field_office'",
    )
    crossings = one(
        db,
        "select sum(crossings) from (select max(crossings) as crossings from memory.raw.bts "
        f"where vintage = date '2025-04-01' and month between '2023-10-01' and '2024-09-01' and port_code in ({ports}) "
        "and measure_id in ('trucks', 'pedestrians', 'personal_vehicles') group by port_code, month, measure_id)",
    )
    ours = one(
        db,
        "select crossings, kg_per_million from marts.seizures_per_crossing where period = 'fiscal_year' "
        f"and fiscal_year = 2024 and scope_id = '{corridor}' and {FENTANYL}",
    )
    assert ours == (crossings, pytest.approx(pounds * 0.45359237 / float(crossings) * 1e6, rel=1e-7))
    assert ours[1] == pytest.approx(published, rel=1e-3)


def test_seizures_per_million_crossings_of_all_corridors(db: duckdb.DuckDBPyConnection) -> None:
    ours = one(
        db,
        "select events_per_million, kg_per_million from marts.seizures_per_crossing where period = 'fiscal_year' "
        f"and fiscal_year = 2024 and scope_id = 'all' and {FENTANYL}",
    )
    assert ours == pytest.approx((5.047, 66.71), rel=1e-3)


def test_a_fiscal_year_without_its_crossings_has_no_rate_and_says_why(db: duckdb.DuckDBPyConnection) -> None:
    ours = rows(
        db,
        "select distinct crossings, events_per_million, kg_per_million, null_reason, crossing_months "
        "from marts.seizures_per_crossing where period = 'fiscal_year' and fiscal_year = 2025",
    )
    assert ours == [(None, None, None, "crossings_incomplete", 5)]


def test_rolling_twelve_months_to_september_are_the_fiscal_year(db: duckdb.DuckDBPyConnection) -> None:
    different = rows(
        db,
        """
        select * from marts.seizures_per_crossing as year
        join marts.seizures_per_crossing as rolling using (month, scope_id, drug_id)
        where year.period = 'fiscal_year' and rolling.period = 'rolling_12' and month(month) = 9
            and year.kg_per_million is distinct from rolling.kg_per_million
        """,
    )
    assert different == []


@pytest.mark.parametrize(
    ("year", "hhi"),
    list(enumerate([0.4217, 0.3655, 0.4130, 0.3414, 0.3877, 0.4007, 0.3529, 0.3764], 2019)),
)
def test_concentration_is_the_sum_of_squared_shares(db: duckdb.DuckDBPyConnection, year: int, hhi: float) -> None:
    by_hand = rows(
        db,
        f"select area_id, sum(pounds) as pounds from memory.raw.cbp_now where fiscal_year = {year} and {FENTANYL} "
        "and region = 'southwest' group by area_id order by pounds desc",
    )
    total = sum(p for _, p in by_hand)
    ours = one(
        db,
        "select hhi, leading_area_id, effective_areas, area_count, is_fytd from marts.concentration "
        f"where fiscal_year = {year} and {FENTANYL} and measure = 'quantity_lb'",
    )
    assert ours[0] == pytest.approx(sum((p / total) ** 2 for _, p in by_hand))
    assert ours[0] == pytest.approx(hhi, abs=5e-4)
    leading = "tucson_field_office" if year in (2023, 2024, 2025) else "san_diego_field_office"
    assert ours[1] == by_hand[0][0] == leading
    assert ours[2:] == (pytest.approx(1 / ours[0]), 13, year == 2026)


@pytest.mark.parametrize(("year", "published"), [(2024, 1.769), (2025, 0.741)])
def test_statutory_rate_is_a_year_over_the_five_before(
    db: duckdb.DuckDBPyConnection, year: int, published: float
) -> None:
    pounds = dict(
        rows(
            db,
            f"select fiscal_year, sum(pounds) from memory.raw.cbp_now where {FENTANYL} and component = 'OFO' "
            "group by 1",
        )
    )
    ours = one(db, f"select rate from marts.statutory_rate where fiscal_year = {year} and {FENTANYL}")
    assert ours == pytest.approx(pounds[year] / (sum(pounds[y] for y in range(year - 5, year)) / 5))
    assert ours == pytest.approx(published, abs=1e-3)


def test_years_without_five_before_or_without_an_end_have_no_statutory_rate(db: duckdb.DuckDBPyConnection) -> None:
    ours = dict(rows(db, f"select fiscal_year, null_reason from marts.statutory_rate where {FENTANYL}"))
    expected = {**dict.fromkeys(range(2019, 2024), "fewer_than_five_years"), 2024: None, 2025: None}
    assert ours == {**expected, 2026: "year_incomplete"}


def test_doses_are_a_range_with_the_naive_figure_beside_it(db: duckdb.DuckDBPyConnection) -> None:
    pounds = one(db, f"select sum(pounds) from memory.raw.cbp_now where fiscal_year = 2024 and {FENTANYL}")
    kilograms = pounds * 0.45359237
    ours = one(db, "select low_doses, high_doses, naive_doses from marts.dose_range where fiscal_year = 2024")
    by_hand = (kilograms * 1e6 / 110 * 1.94 / 2, kilograms * 0.1136 * 1e6 / 2, kilograms * 1e6 / 2)
    assert ours == pytest.approx(by_hand)
    assert ours == pytest.approx((87.6e6, 563.95e6, 4.964e9), rel=1e-3)


def test_years_without_parameters_have_no_doses(db: duckdb.DuckDBPyConnection) -> None:
    ours = rows(
        db,
        "select low_doses, high_doses, naive_doses, null_reason, min(fiscal_year), max(fiscal_year), count(*) "
        "from marts.dose_range where fiscal_year <> 2024 group by all order by 4",
    )
    none = (None, None, None)
    assert ours == [(*none, "no_parameters", 2019, 2025, 6), (*none, "year_incomplete", 2026, 2026, 1)]


def test_a_year_to_date_of_a_handful_of_events_projects_nothing(db: duckdb.DuckDBPyConnection) -> None:
    """Counted in the raw files: each series with fewer than ten events in a year's October to December."""
    thin = rows(
        db,
        """
        with counted as (
            select drug_id, fiscal_year, coalesce(sum(events) filter (where month(month) >= 10), 0) as national,
                coalesce(sum(events) filter (where month(month) >= 10 and region = 'southwest'), 0) as southwest
            from memory.raw.cbp_now group by all
        ),
        series as (unpivot counted on national, southwest into name scope value events)
        select scope, drug_id from series
        group by all having count(*) < 8 or min(events) < 10 order by all
        """,
    )
    ours = rows(
        db,
        "select scope, drug_id, count(*), count(projected_high) from marts.fytd_pace where null_reason = 'few_events' "
        "group by all order by all",
    )
    assert [(scope, drug) for scope, drug, _, _ in ours] == thin
    assert thin == [("southwest", drug) for drug in ("ecstasy", "ketamine", "khat", "lsd")]
    assert {(measures, bands) for _, _, measures, bands in ours} == {(3, 0)}


def test_no_events_are_called_broken_before_the_release_that_counts_otherwise(db: duckdb.DuckDBPyConnection) -> None:
    """The newest file at hand is of January 2026, when October 2025 on was still counted as before."""
    assert one(db, "select max(vintage) from marts.seizures_monthly") < date(2026, 4, 1)
    tables = ("seizure_trends", "fytd_pace", "drug_mix", "centre_of_mass", "anomalies")
    flagged = {t: one(db, f"select bool_or(is_event_break) from marts.{t}") for t in tables}
    assert flagged == dict.fromkeys(tables, False)


def test_every_fiscal_year_after_the_months_that_the_newest_one_has(db: duckdb.DuckDBPyConnection) -> None:
    published = [367.56, 669.09, 3208.08, 2715.76, 7304.94, 5323.32, 4510.27, 3398.28]
    by_hand = rows(
        db,
        f"select sum(pounds) from memory.raw.cbp_now where {FENTANYL} and month(month) >= 10 "
        "group by fiscal_year order by fiscal_year",
    )
    ours = rows(
        db,
        f"select to_date from marts.fytd_pace where {FENTANYL} and scope = 'national' and measure = 'quantity_lb' "
        "order by fiscal_year",
    )
    assert [o for (o,) in ours] == pytest.approx([b for (b,) in by_hand], abs=1e-4)
    assert [o for (o,) in ours] == pytest.approx(published, abs=0.01)


def test_a_projection_stays_within_what_earlier_years_did(db: duckdb.DuckDBPyConnection) -> None:
    low, middle, high, to_date = one(
        db,
        f"select projected_low, projected, projected_high, to_date from marts.fytd_pace where {FENTANYL} "
        "and scope = 'national' and measure = 'quantity_lb' and fiscal_year = 2026",
    )
    ratios = [
        whole / part
        for whole, part in rows(
            db,
            "select sum(pounds), sum(pounds) filter (where month(month) >= 10) from memory.raw.cbp_now "
            f"where {FENTANYL} and fiscal_year < 2026 group by fiscal_year",
        )
    ]
    assert (low, high) == pytest.approx((to_date * min(ratios), to_date * max(ratios)))
    assert middle == pytest.approx(to_date * sorted(ratios)[3])


def test_shares_of_a_mix_add_up_and_distances_stay_within_0_and_1(db: duckdb.DuckDBPyConnection) -> None:
    wrong = rows(
        db,
        "select month, corridor_id from marts.drug_mix where share is not null group by all "
        "having abs(sum(share) - 1) > 1e-9 or abs(coalesce(sum(share_change), 0)) > 1e-9 "
        "or count(*) <> 4 or min(hellinger) < 0 or max(hellinger) > 1",
    )
    assert wrong == []


def test_the_mix_of_tucson_and_how_far_it_moved(db: duckdb.DuckDBPyConnection) -> None:
    """Fiscal year 2025 against 2024, from the raw files and by the definition of the distance."""
    areas = "('tucson_field_office', 'tucson_sector', 'yuma_sector')"
    drugs = ("cocaine", "fentanyl", "heroin", "methamphetamine")
    events = {
        year: [
            one(
                db,
                f"select sum(events) from memory.raw.cbp_now where area_id in {areas} and drug_id = '{drug}' "
                f"and fiscal_year = {year}",
            )
            for drug in drugs
        ]
        for year in (2024, 2025)
    }
    before, now = ([e / sum(of_year) for e in of_year] for of_year in events.values())
    distance = math.sqrt(1 - sum(math.sqrt(p * q) for p, q in zip(before, now, strict=True)))
    found = rows(
        db,
        "select share, share_change, hellinger from marts.drug_mix where corridor_id = 'tucson' "
        "and month = date '2025-09-01' order by drug_id",
    )
    assert [s for s, _, _ in found] == pytest.approx(now)
    assert [c for _, c, _ in found] == pytest.approx([q - p for p, q in zip(before, now, strict=True)])
    assert [h for _, _, h in found] == pytest.approx([distance] * 4)


def test_centre_of_mass_of_every_month_of_fentanyl(db: duckdb.DuckDBPyConnection) -> None:
    """From the raw files, each area at the mean of its ports' places, to a ten-thousandth of a degree (10 m)."""
    seeds = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
    different = rows(
        db,
        f"""
        with areas as (from read_csv('{seeds / "areas.csv"}', all_varchar = true)),
        ports as (from read_csv('{seeds / "ports.csv"}', all_varchar = true)),
        members as (
            select area_id, port_code from areas join ports using (corridor_id) where component = 'OFO'
            union
            select area_id, port_code from read_csv('{seeds / "sector_ports.csv"}', all_varchar = true)
        ),
        places as (
            select distinct area_id, latitude, longitude from members join ports using (port_code)
            where longitude is not null
        ),
        areas_at as (select area_id, avg(longitude::double) as longitude from places group by 1),
        by_hand as (
            select month, sum(events * longitude) / sum(events) as by_events,
                sum(pounds * longitude) / sum(pounds) as by_weight, sum(events) as events, sum(pounds) as pounds
            from memory.raw.cbp_now join areas_at using (area_id)
            where region = 'southwest' and {FENTANYL} group by month
        )
        select month from by_hand full join (from marts.centre_of_mass where {FENTANYL}) as ours using (month)
        where abs(by_events - longitude_by_events) > 1e-4 or abs(by_weight - longitude_by_weight) > 1e-4
            or (coalesce(by_hand.events, 0) = 0) <> (longitude_by_events is null)
        """,
    )
    assert different == []


def test_centre_of_mass_lies_between_the_outermost_areas(db: duckdb.DuckDBPyConnection) -> None:
    """The ends that docs/methods.md names: each the mean of the ports of a sector."""
    seeds = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
    west, east = (
        one(
            db,
            "select avg(longitude) from (select distinct latitude, longitude "
            f"from read_csv('{seeds / 'sector_ports.csv'}', all_varchar = true) join read_csv('{seeds / 'ports.csv'}', "
            "types = {'port_code': 'varchar'}) "
            f"using (port_code) where area_id = '{sector}' and longitude is not null)",
        )
        for sector in ("san_diego_sector", "rio_grande_valley_sector")
    )
    assert (west, east) == pytest.approx((-116.892, -98.289), abs=0.001)
    least, most = one(
        db,
        "select min(least(longitude_by_events, longitude_by_weight)), "
        "max(greatest(longitude_by_events, longitude_by_weight)) from marts.centre_of_mass",
    )
    assert west - 1e-4 <= least < most <= east + 1e-4
    assert one(db, "select count(distinct area_id) from marts.dim_area where region = 'southwest'") == 13


def test_el_paso_alone_has_no_sum_across_the_separation_of_ysleta(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        db,
        "select scope_id, rolling_12 is null, yoy_12 is null, null_reason from marts.crossing_trends "
        "where scope = 'port' and scope_id in ('2402', '2401+2402') and measure_id = 'trucks' "
        "and month = date '2020-12-01' order by scope_id",
    )
    assert found == [("2401+2402", False, False, None), ("2402", True, True, "series_break")]


def test_deaths_beside_a_corridor_are_those_of_its_border_states(db: duckdb.DuckDBPyConnection) -> None:
    ours = dict(
        rows(db, "select corridor_id, deaths_12mo from marts.corridor_trends where month = date '2024-12-01'"),
    )
    state = dict(
        rows(
            db,
            "select jurisdiction_id, reported from memory.raw.vsrr where vintage = date '2026-06-27' "
            "and indicator_id = 'synthetic_opioids_t404' and month_ending = date '2024-12-01'",
        )
    )
    assert ours == {
        "san_diego": state["US-CA"],
        "tucson": state["US-AZ"],
        "el_paso": state["US-NM"] + state["US-TX"],
        "laredo": state["US-TX"],
    }


def test_every_published_total_is_reconciled_and_none_failed(db: duckdb.DuckDBPyConnection) -> None:
    found = dict(rows(db, "select verdict, count(*) from marts.reconciliation group by 1"))
    assert set(found) == {"held", "known_disagreement"}
    land_only = one(
        db,
        "select round(difference, 2), verdict, reason_en is not null and reason_es is not null "
        "from marts.reconciliation where total_id = 'known_swb_land_only_fy2024'",
    )
    assert land_only == (32.54, "known_disagreement", True)
