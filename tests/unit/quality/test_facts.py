"""Facts about a vintage, on frames made by hand: coverage, size, parts of a total, closed years, usual ports."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.catalog.load import get_source
from pipelines.quality.context import Subject
from pipelines.quality.facts import coverage, magnitude, newest_period
from pipelines.quality.facts_by_source import (
    bts_newest_measures,
    cbp_areas,
    cbp_closed_labels,
    cbp_closed_years,
    census_county_parts,
    census_states_per_year,
    census_us_parts,
    vsrr_us_parts,
    wonder_absent_months,
    wonder_absent_states,
    wonder_national_gap,
)

JANUARY, FEBRUARY, MARCH = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)


def subject(
    folder: Path, rows: pl.DataFrame, before: pl.DataFrame | None = None, *, scope: str = "''", period: str = "month",
    partial: bool = False,
) -> Subject:  # fmt: skip
    """A vintage with these clean rows and the accepted one before it; scope is SQL."""
    for name, frame in (("new", rows), ("old", before)):
        if frame is not None:
            (folder / name).mkdir(exist_ok=True)
            frame.write_parquet(folder / name / "clean.parquet")
    window = rows.group_by(pl.sql_expr(scope).cast(pl.String).alias("scope")).agg(
        first_period=pl.col(period).min(), last_period=pl.col(period).max()
    )
    window.write_parquet(folder / "new" / "coverage.parquet")
    return Subject(folder / "new", partial, None if before is None else folder / "old")


CROSSINGS = get_source("bts_border_crossings")


def crossings(*rows: tuple[str, date, str, int | None]) -> pl.DataFrame:
    """Rows of port, month, measure and crossings."""
    schema = {"port_code": pl.String, "month": pl.Date, "measure_id": pl.String, "crossings": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


PORTS = [f"{n:04}" for n in range(10)]
FULL = crossings(*[(p, m, "trucks", 10) for p in PORTS for m in (JANUARY, FEBRUARY)])


def measured(folder: Path, new: pl.DataFrame, old: pl.DataFrame | None, **given: Any) -> Subject:
    """A vintage of crossings, whose scope is the measure."""
    return subject(folder, new, old, scope="measure_id", **given)


def test_coverage_of_the_same_rows_is_whole(tmp_path: Path):
    found = coverage(CROSSINGS, measured(tmp_path, FULL, FULL.reverse()))
    assert found.rows() == [(20, 1.0)]


def test_coverage_counts_the_known_keys_that_are_gone(tmp_path: Path):
    found = coverage(CROSSINGS, measured(tmp_path, FULL.filter(pl.int_range(pl.len()) != 3), FULL))
    assert found["share_of_known_rows"].to_list() == [0.95]


def test_coverage_ignores_figures_and_new_keys(tmp_path: Path):
    more = pl.concat([FULL.with_columns(crossings=pl.lit(1, pl.Int64)), crossings(("9999", JANUARY, "trucks", 1))])
    assert coverage(CROSSINGS, measured(tmp_path, more, FULL))["share_of_known_rows"].to_list() == [1.0]


def test_coverage_looks_only_inside_the_window(tmp_path: Path):
    newer = FULL.filter(month=FEBRUARY)
    assert coverage(CROSSINGS, measured(tmp_path, newer, FULL)).rows() == [(10, 1.0)]


def test_coverage_looks_only_at_scopes_the_vintage_has(tmp_path: Path):
    old = pl.concat([FULL, crossings(*[(p, JANUARY, "buses", 1) for p in PORTS])])
    assert coverage(CROSSINGS, measured(tmp_path, FULL, old)).rows() == [(20, 1.0)]


def test_coverage_says_nothing_of_the_first_vintage_or_an_excerpt(tmp_path: Path):
    assert coverage(CROSSINGS, measured(tmp_path, FULL, None)).is_empty()
    assert coverage(CROSSINGS, measured(tmp_path, FULL.head(1), FULL, partial=True)).is_empty()


def test_coverage_says_nothing_where_nothing_was_known(tmp_path: Path):
    later = crossings(("0001", MARCH, "trucks", 1))
    assert coverage(CROSSINGS, measured(tmp_path, later, FULL)).is_empty()


def test_newest_period_compares_the_last_two(tmp_path: Path):
    rows = pl.concat([FULL, crossings(*[(p, MARCH, "trucks", 1) for p in PORTS[:4]])])
    assert newest_period(CROSSINGS, measured(tmp_path, rows, None)).rows() == [(MARCH, 0.4)]


def test_newest_period_needs_two_periods(tmp_path: Path):
    assert newest_period(CROSSINGS, measured(tmp_path, FULL.filter(month=JANUARY), None)).is_empty()


def test_magnitude_is_new_over_old_on_common_keys(tmp_path: Path):
    new = crossings(("0000", JANUARY, "trucks", 15), ("0001", JANUARY, "trucks", 10), ("7777", JANUARY, "trucks", 999))
    assert magnitude(CROSSINGS, measured(tmp_path, new, FULL)).rows() == [(20.0, 25.0, 1.25)]


def test_magnitude_leaves_out_a_figure_that_is_missing_on_one_side(tmp_path: Path):
    new = crossings(("0000", JANUARY, "trucks", None), ("0001", JANUARY, "trucks", 20))
    assert magnitude(CROSSINGS, measured(tmp_path, new, FULL)).rows() == [(10.0, 20.0, 2.0)]


@pytest.mark.parametrize("old", [None, crossings(("9999", JANUARY, "trucks", 1)), FULL.with_columns(crossings=0)])
def test_magnitude_needs_common_figures_that_are_not_zero(tmp_path: Path, old: pl.DataFrame | None):
    assert magnitude(CROSSINGS, measured(tmp_path, FULL, old)).is_empty()


# ---- parts of the US ----

VSRR = get_source("cdc_vsrr_overdose")
STATES = [f"US-{n:02}" for n in range(51)]


def deaths(us: int | None, parts: list[int | None], indicator: str = "drug_overdose") -> pl.DataFrame:
    """All-drug deaths of a month: the nation, its parts and Puerto Rico."""
    places = ["US", *[*STATES, "US-NYC"][: len(parts)], "US-PR"]
    frame = pl.DataFrame({"jurisdiction_id": places, "deaths_reported": [us, *parts, 7]})
    return frame.with_columns(month_ending=pl.lit(JANUARY), indicator_id=pl.lit(indicator))


def parts_of(folder: Path, rows: pl.DataFrame) -> list[tuple[Any, ...]]:
    """The fact on these rows."""
    return vsrr_us_parts(VSRR, subject(folder, rows, period="month_ending")).rows()


@pytest.mark.parametrize(("us", "difference"), [(520, 0), (521, 1), (519, -1)])
def test_the_nation_less_its_52_parts_without_puerto_rico(tmp_path: Path, us: int, difference: int):
    assert parts_of(tmp_path, deaths(us, [10] * 52)) == [(JANUARY, difference)]


def test_a_month_in_which_a_part_is_unpublished_is_left_out(tmp_path: Path):
    assert parts_of(tmp_path, deaths(520, [None, *[10] * 51])) == []
    assert parts_of(tmp_path, deaths(520, [10] * 51)) == []
    assert parts_of(tmp_path, deaths(None, [10] * 52)) == []


def test_drug_classes_are_never_added_up_to_a_nation(tmp_path: Path):
    assert parts_of(tmp_path, deaths(999, [10] * 52, "synthetic_opioids_t404")) == []


# ---- closed years ----

CBP = get_source("cbp_drug_seizures")


def seizures(*rows: tuple[str, int, float, int, bool]) -> pl.DataFrame:
    """Rows of area, fiscal year, weight, events and whether the year runs."""
    schema = {"area_id": pl.String, "fiscal_year": pl.Int64, "quantity_lb": pl.Float64, "events": pl.Int64,
              "is_fytd": pl.Boolean}  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(
        month=pl.date("fiscal_year", 9, 1), component=pl.lit("OFO"), region=pl.lit("southwest"),
        land_filter=pl.lit("land_only"), drug_id=pl.lit("fentanyl"),
    )  # fmt: skip


CLOSED = seizures(("a", 2023, 5.0, 1, False), ("b", 2023, 6.0, 2, False), ("a", 2024, 7.0, 3, False))


def closed(folder: Path, new: pl.DataFrame, old: pl.DataFrame | None, partial: bool = False) -> dict[int, int]:
    """Changed rows by fiscal year."""
    found = cbp_closed_years(CBP, subject(folder, new, old, scope="fiscal_year", partial=partial))
    return dict(found.select("fiscal_year", "changed_rows").iter_rows())


def test_a_closed_year_published_again_has_no_changed_row(tmp_path: Path):
    assert closed(tmp_path, CLOSED.reverse(), CLOSED) == {2023: 0, 2024: 0}


@pytest.mark.parametrize(("weight", "changed_rows"), [(5.0 + 5e-7, 0), (5.0 - 5e-7, 0), (5.00001, 1), (9.0, 1)])
def test_a_weight_of_a_closed_year_may_move_by_the_tolerance(tmp_path: Path, weight: float, changed_rows: int):
    new = seizures(("a", 2023, weight, 1, False), ("b", 2023, 6.0, 2, False), ("a", 2024, 7.0, 3, False))
    assert closed(tmp_path, new, CLOSED) == {2023: changed_rows, 2024: 0}


def test_events_of_a_closed_year_may_not_move(tmp_path: Path):
    new = seizures(("a", 2023, 5.0, 2, False), ("b", 2023, 6.0, 2, False), ("a", 2024, 7.0, 3, False))
    assert closed(tmp_path, new, CLOSED) == {2023: 1, 2024: 0}


def test_a_row_that_comes_or_goes_in_a_closed_year_is_a_change(tmp_path: Path):
    new = seizures(("a", 2023, 5.0, 1, False), ("a", 2024, 7.0, 3, False), ("c", 2024, 1.0, 1, False))
    assert closed(tmp_path, new, CLOSED) == {2023: 1, 2024: 1}


def test_a_year_that_ran_in_either_vintage_is_not_compared(tmp_path: Path):
    running = seizures(("a", 2023, 5.0, 1, False), ("b", 2023, 6.0, 2, False), ("a", 2024, 1.0, 1, True))
    assert closed(tmp_path, CLOSED, running) == {2023: 0}
    assert closed(tmp_path, running, CLOSED) == {2023: 0}


def test_a_year_that_ends_before_september_is_not_compared(tmp_path: Path):
    unfinished = CLOSED.with_columns(month=pl.date("fiscal_year", 8, 1))
    assert closed(tmp_path, unfinished, CLOSED) == {}


def test_a_label_of_a_closed_year_needs_its_september(tmp_path: Path):
    rows = CLOSED.with_columns(month=pl.when(pl.col("fiscal_year") == 2024).then(date(2023, 12, 1)).otherwise("month"))
    running = seizures(("a", 2025, 1.0, 1, True)).with_columns(month=date(2024, 12, 1))
    found = cbp_closed_labels(CBP, subject(tmp_path, pl.concat([rows, running]), scope="fiscal_year"))
    assert found.rows() == [(2023, date(2023, 9, 1), 0), (2024, date(2023, 12, 1), 9)]
    excerpt = subject(tmp_path, rows, scope="fiscal_year", partial=True)
    assert cbp_closed_labels(CBP, excerpt).is_empty()


def test_an_area_under_another_region_or_component_is_told(tmp_path: Path):
    """The list of areas says OFO and southwest of Tucson's field office; nobody lists the last one."""
    rows = seizures(*((f"{name}_field_office", 2023, 1.0, 1, False) for name in ("laredo", "tucson", "atlantis")))
    is_tucson = pl.col("area_id").str.starts_with("tucson")
    moved = rows.filter(is_tucson).with_columns(region=pl.lit("coastal_interior"))
    found = cbp_areas(CBP, subject(tmp_path, pl.concat([rows, moved]), scope="fiscal_year"))
    assert found.select("area_id", "region", "listed", "is_as_listed").rows() == [
        ("atlantis_field_office", "southwest", None, False),
        ("laredo_field_office", "southwest", "OFO southwest", True),
        ("tucson_field_office", "coastal_interior", "OFO southwest", False),
        ("tucson_field_office", "southwest", "OFO southwest", True),
    ]


def test_a_year_outside_the_newer_window_is_not_compared(tmp_path: Path):
    assert closed(tmp_path, CLOSED.filter(fiscal_year=2024), CLOSED) == {2024: 0}


def test_closed_years_need_two_full_vintages(tmp_path: Path):
    assert closed(tmp_path, CLOSED, None) == {}
    assert closed(tmp_path, CLOSED.head(1), CLOSED, partial=True) == {}


# ---- newest measures ----

MONTHS_14 = pl.date_range(date(2023, 1, 1), date(2024, 2, 1), "1mo", eager=True).to_list()


def usual(folder: Path, new: pl.DataFrame, old: pl.DataFrame | None = None) -> dict[tuple[date, str], float]:
    """Share of the usual rows by month and measure."""
    found = bts_newest_measures(CROSSINGS, measured(folder, new, old))
    return {(m, k): s for m, k, s in found.iter_rows()}


def test_newest_measures_compare_two_months_with_the_year_before_them(tmp_path: Path):
    rows = [(p, m, "trucks", 1) for m in MONTHS_14[:12] for p in PORTS]
    rows += [(p, MONTHS_14[12], "trucks", 1) for p in PORTS[:9]] + [(p, MONTHS_14[13], "trucks", 1) for p in PORTS[:5]]
    assert usual(tmp_path, crossings(*rows)) == {(JANUARY, "trucks"): 0.9, (FEBRUARY, "trucks"): 0.5}


def test_a_measure_without_a_row_in_the_newest_month_has_share_zero(tmp_path: Path):
    rows = [(p, m, k, 1) for m in MONTHS_14 for p in PORTS for k in ("trucks", "buses")]
    rows = [r for r in rows if (r[1], r[2]) != (FEBRUARY, "buses")]
    assert usual(tmp_path, crossings(*rows))[(FEBRUARY, "buses")] == 0.0


def test_a_measure_that_vanished_altogether_has_share_zero(tmp_path: Path):
    old = crossings(*[(p, m, k, 1) for m in MONTHS_14 for p in PORTS for k in ("trucks", "buses")])
    found = usual(tmp_path, old.filter(measure_id="trucks"), old)
    assert found[(JANUARY, "buses")] == found[(FEBRUARY, "buses")] == 0.0
    assert found[(FEBRUARY, "trucks")] == 1.0


# ---- census and WONDER ----

CENSUS = get_source("census_population")


def people(*rows: tuple[str, str, int], series: str = "V2024") -> pl.DataFrame:
    """Rows of level, place and population of one year."""
    frame = pl.DataFrame(
        rows, schema={"area_level": pl.String, "geo_id": pl.String, "population": pl.Int64}, orient="row"
    )
    return frame.with_columns(series=pl.lit(series), year=pl.lit(date(2024, 7, 1)))


def test_a_state_less_its_counties(tmp_path: Path):
    rows = people(("state", "US-AZ", 30), ("county", "04001", 10), ("county", "04003", 19), ("state", "US-CA", 5),
                  ("county", "06001", 5))  # fmt: skip
    found = census_county_parts(CENSUS, subject(tmp_path, rows, period="year"))
    assert found.select("geo_id", "state_minus_counties").rows() == [("US-AZ", 1), ("US-CA", 0)]


def test_counties_of_another_series_are_not_added(tmp_path: Path):
    rows = pl.concat([people(("state", "US-AZ", 30), ("county", "04001", 30)),
                      people(("state", "US-AZ", 20), ("county", "04001", 20), series="V2020")])  # fmt: skip
    found = census_county_parts(CENSUS, subject(tmp_path, rows, period="year"))
    assert found["state_minus_counties"].to_list() == [0, 0]


def test_a_state_without_counties_is_left_out(tmp_path: Path):
    found = census_county_parts(CENSUS, subject(tmp_path, people(("state", "US-AZ", 30)), period="year"))
    assert found.is_empty()


def test_the_country_less_its_states_without_territories(tmp_path: Path):
    rows = people(("country", "US", 10), ("state", "US-AZ", 4), ("state", "US-CA", 5), ("territory", "US-PR", 3))
    found = census_us_parts(CENSUS, subject(tmp_path, rows, period="year"))
    assert found["us_minus_parts"].to_list() == [1]


def test_states_without_their_country_are_not_compared(tmp_path: Path):
    found = census_us_parts(CENSUS, subject(tmp_path, people(("state", "US-AZ", 4)), period="year"))
    assert found.is_empty()


def test_states_of_a_year_are_counted(tmp_path: Path):
    rows = people(("state", "US-AZ", 4), ("state", "US-CA", 5), ("county", "04001", 4), ("country", "US", 9))
    assert census_states_per_year(CENSUS, subject(tmp_path, rows, period="year"))["states"].to_list() == [2]


def test_the_gap_to_the_published_nation_is_spread_over_hidden_states(tmp_path: Path):
    # The national final series says 699 deaths in January 2015; 49 of 51 states are hidden here.
    month = date(2015, 1, 1)
    rows = pl.DataFrame(
        {"jurisdiction_id": ["US-OH", "US-MA"], "month": [month] * 2, "indicator_id": ["synthetic_opioids_t404"] * 2,
         "basis": ["final"] * 2, "deaths": [100, 60]}
    )  # fmt: skip
    found = wonder_national_gap(WONDER, subject(tmp_path, rows))
    assert found.rows() == [(month, pytest.approx((699 - 160) / 49))]


WONDER = get_source("cdc_wonder_overdose")


def queried(*rows: tuple[str, int, int | None]) -> pl.DataFrame:
    """All-drug rows of a state in a month of 2024 with its deaths, provisional from April on."""
    schema = {"jurisdiction_id": pl.String, "number": pl.Int64, "deaths": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").select(
        "jurisdiction_id",
        pl.date(2024, pl.col("number"), 1).alias("month"),
        pl.lit("drug_overdose").alias("indicator_id"),
        pl.when(pl.col("number") >= 4).then(pl.lit("provisional")).otherwise(pl.lit("final")).alias("basis"),
        "deaths",
    )


def test_a_month_without_any_state_has_the_rows_of_the_months_around(tmp_path: Path):
    rows = queried(("US-CA", 1, 900), ("US-NV", 1, 40), ("US-CA", 4, 910), ("US-CA", 5, 905))
    found = wonder_absent_months(WONDER, subject(tmp_path, rows))
    assert found.rows() == [("drug_overdose", FEBRUARY, 2), ("drug_overdose", MARCH, 2)]


def test_an_absent_span_of_a_state_has_the_smaller_figure_around_it(tmp_path: Path):
    """Hidden by the publisher (null) is at most 9; at the end of the window only one figure is near."""
    rows = queried(
        ("US-CA", 1, 900), ("US-CA", 4, 950), ("US-CA", 5, 905), ("US-NV", 2, 50), ("US-NV", 3, None), ("US-NV", 5, 60),
        ("US-WY", 3, 12),
    )  # fmt: skip
    found = wonder_absent_states(WONDER, subject(tmp_path, rows))
    april, may = date(2024, 4, 1), date(2024, 5, 1)
    assert found.rows() == [
        ("drug_overdose", "US-CA", FEBRUARY, MARCH, 900),
        ("drug_overdose", "US-NV", JANUARY, JANUARY, 50),
        ("drug_overdose", "US-WY", JANUARY, FEBRUARY, 12),
        ("drug_overdose", "US-WY", april, may, 12),
        ("drug_overdose", "US-NV", april, april, 9),
    ]
