"""Comparisons of seizures on the real release, against published answers and arithmetic on the raw files."""

from __future__ import annotations

import math

import duckdb
import pytest

from tests.integration.raw_files import one, rows

LB_TO_KG = 0.45359237
HHI = {2019: 0.4217, 2020: 0.3655, 2021: 0.4130, 2022: 0.3414, 2023: 0.3877, 2024: 0.4007, 2025: 0.3529, 2026: 0.3764}
LEADING = {**dict.fromkeys((2019, 2020, 2021, 2022, 2026), "san_diego"), **dict.fromkeys((2023, 2024, 2025), "tucson")}
OCTOBER_TO_DECEMBER_LB = {
    2019: 367.56, 2020: 669.09, 2021: 3208.08, 2022: 2715.76,
    2023: 7304.94, 2024: 5323.32, 2025: 4510.27, 2026: 3398.28,
}  # fmt: skip
MAIN = ("fentanyl", "heroin", "methamphetamine", "cocaine")


def test_concentration_of_fentanyl_is_the_published_one(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        db,
        "select fiscal_year, hhi, leading_area_id, areas, months from marts.concentration "
        "where drug_id = 'fentanyl' and measure = 'quantity_kg' order by all",
    )
    assert {year: hhi for year, hhi, *_ in found} == pytest.approx(HHI, abs=0.0005)
    assert {year: area for year, _, area, *_ in found} == {y: f"{a}_field_office" for y, a in LEADING.items()}
    assert {areas for *_, areas, _ in found} == {13}
    assert [months for *_, months in found] == [12] * 7 + [3]


def test_shares_of_the_areas_are_squared_and_added_as_in_the_file(db: duckdb.DuckDBPyConnection) -> None:
    shares = rows(
        db,
        "select sum(pounds) / sum(sum(pounds)) over () from memory.raw.cbp_now where fiscal_year = 2023 "
        "and region = 'southwest' and drug_id = 'cocaine' group by area_id",
    )
    hhi, effective, leading = one(
        db,
        "select hhi, effective_number, leading_share from marts.concentration "
        "where fiscal_year = 2023 and drug_id = 'cocaine' and measure = 'quantity_kg'",
    )
    assert sum(s for (s,) in shares) == pytest.approx(1)
    assert hhi == pytest.approx(sum(s * s for (s,) in shares))
    assert (effective, leading) == pytest.approx((1 / hhi, max(s for (s,) in shares)))


def test_the_statutory_rate_is_the_published_one_and_only_of_whole_years(db: duckdb.DuckDBPyConnection) -> None:
    found = dict(rows(db, "select fiscal_year, rate from marts.statutory_rate where drug_id = 'fentanyl'"))
    assert {year: rate for year, rate in found.items() if rate is not None} == pytest.approx(
        {2024: 1.769, 2025: 0.741}, abs=0.001
    )
    assert set(found) == set(range(2019, 2027))


def test_the_dose_range_of_2024_is_the_published_one_and_other_years_have_none(db: duckdb.DuckDBPyConnection) -> None:
    kilograms = LB_TO_KG * one(
        db, "select sum(pounds) from memory.raw.cbp_now where fiscal_year = 2024 and drug_id = 'fentanyl'"
    )
    found = one(
        db, "select quantity_kg, low_doses, high_doses, naive_doses from marts.dose_range where fiscal_year = 2024"
    )
    assert found == pytest.approx((kilograms, 87.6e6, 563.95e6, 4.964e9), rel=0.001)
    other = rows(db, "select low_doses, high_doses, naive_doses from marts.dose_range where fiscal_year <> 2024")
    assert set(other) == {(None, None, None)}


def test_the_same_months_of_every_fiscal_year_stand_beside_the_open_one(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        db,
        "select fiscal_year, to_date, through_fiscal_month from marts.fytd_pace "
        "where scope = 'national' and drug_id = 'fentanyl' and measure = 'quantity_lb'",
    )
    assert {year: pounds for year, pounds, _ in found} == pytest.approx(OCTOBER_TO_DECEMBER_LB, abs=0.01)
    assert {months for *_, months in found} == {3}


def test_the_band_of_the_open_year_is_what_closed_years_did_afterwards(db: duckdb.DuckDBPyConnection) -> None:
    whole = dict(
        rows(
            db,
            "select fiscal_year, sum(pounds) from memory.raw.cbp_now where drug_id = 'fentanyl' and fiscal_year < 2026 "
            "group by all",
        )
    )
    ratios = [pounds / OCTOBER_TO_DECEMBER_LB[year] for year, pounds in whole.items()]
    low, high = one(
        db,
        "select projected_low, projected_high from marts.fytd_pace where scope = 'national' and drug_id = 'fentanyl' "
        "and measure = 'quantity_lb' and fiscal_year = 2026",
    )
    expected = tuple(OCTOBER_TO_DECEMBER_LB[2026] * r for r in (min(ratios), max(ratios)))
    assert (low, high) == pytest.approx(expected, rel=0.0001)


def test_a_closed_year_is_not_projected(db: duckdb.DuckDBPyConnection) -> None:
    query = "select distinct no_projection_reason, projected_low from marts.fytd_pace where not is_open"
    assert rows(db, query) == [("closed_year", None)]


def test_the_mix_of_drugs_moves_as_the_files_say(db: duckdb.DuckDBPyConnection) -> None:
    """Twelve months to September 2025 and to September 2024, which are fiscal years, at the Southwest Border."""
    events = {
        (year, drug): count
        for year, drug, count in rows(
            db,
            "select fiscal_year, drug_id, sum(events) from memory.raw.cbp_now where region = 'southwest' "
            f"and drug_id in {MAIN} and fiscal_year in (2024, 2025) group by all",
        )
    }
    share = {
        (year, drug): events[year, drug] / sum(events[year, d] for d in MAIN) for year in (2024, 2025) for drug in MAIN
    }
    distance = math.sqrt(sum((math.sqrt(share[2025, d]) - math.sqrt(share[2024, d])) ** 2 for d in MAIN) / 2)
    found = rows(
        db,
        "select drug_id, share, change_in_share, hellinger_distance from marts.drug_mix "
        "where month = date '2025-09-01' and scope_id = 'southwest'",
    )
    assert {d: s for d, s, *_ in found} == pytest.approx({d: share[2025, d] for d in MAIN})
    assert {d: c for d, _, c, _ in found} == pytest.approx({d: share[2025, d] - share[2024, d] for d in MAIN})
    assert [h for *_, h in found] == pytest.approx([distance] * 4)


def test_shares_of_a_mix_add_up_to_one_and_their_changes_to_zero(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        db,
        "select sum(share), sum(change_in_share), count(*) from marts.drug_mix where share_before is not null "
        "and share is not null group by month, scope_id",
    )
    assert len(found) > 100
    assert {n for *_, n in found} == {4}
    assert [s for s, *_ in found] == pytest.approx([1.0] * len(found))
    assert [c for _, c, _ in found] == pytest.approx([0.0] * len(found), abs=1e-12)


def test_the_centre_of_mass_lies_where_the_only_area_lies(db: duckdb.DuckDBPyConnection) -> None:
    """In a month in which one area alone had a drug, the mean is that area's: here the mean of its ports."""
    month, drug, area = rows(
        db,
        "select month, drug_id, any_value(area_id) from memory.raw.cbp_now where region = 'southwest' and pounds > 0 "
        "group by all having count(distinct area_id) = 1 and any_value(area_id) like '%field_office' order by all",
    )[0]
    corridor = area.removesuffix("_field_office")
    longitude = one(db, f"select avg(longitude) from marts.dim_port where corridor_id = '{corridor}'")
    found = one(
        db,
        f"select longitude_by_weight from marts.centre_of_mass where month = date '{month}' and drug_id = '{drug}'",
    )
    assert found == pytest.approx(longitude, abs=1e-4)


def test_every_area_of_the_southwest_border_has_a_place(db: duckdb.DuckDBPyConnection) -> None:
    nowhere = "select count(*) from marts.centre_of_mass where quantity_kg > 0 and longitude_by_weight is null"
    bounds = "select min(longitude_by_events), max(longitude_by_events) from marts.centre_of_mass"
    assert one(db, nowhere) == 0
    west, east = one(db, bounds)
    assert -117.2 < west < east < -97.4
    weights = (
        "select sum(quantity_kg) from marts.centre_of_mass where drug_id = 'fentanyl' and month = date '2024-05-01'"
    )
    pounds = (
        "select sum(pounds) from memory.raw.cbp_now where region = 'southwest' and drug_id = 'fentanyl' "
        "and month = date '2024-05-01'"
    )
    assert one(db, weights) == pytest.approx(one(db, pounds) * LB_TO_KG)
