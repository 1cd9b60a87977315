"""Rates, growth and rolling sums of the real release, against arithmetic on the raw files written out here.

Methods: growth compares sums twelve months apart and needs a base of 20 deaths or 10 events; a rate is crude, with
the population of the year in the middle of the twelve months.
"""

from __future__ import annotations

import math
from datetime import date

import duckdb
import pytest

from tests.integration.raw_files import CBP_FILES, one, rows

MONTHS = 87
DRUG_COUNT = 10
RATES = [
    # jurisdiction, month ending, indicator, basis, mid-window year, condition on raw.people
    ("US", "2023-12-01", "drug_overdose", "reported", 2023, "county = '000'"),
    ("US", "2023-12-01", "drug_overdose", "predicted", 2023, "county = '000'"),
    ("US-AZ", "2019-12-01", "synthetic_opioids_t404", "reported", 2019, "state = '04' and county = '000'"),
    ("US-AZ", "2020-12-01", "synthetic_opioids_t404", "reported", 2020, "state = '04' and county = '000'"),
    ("US-NM", "2024-05-01", "synthetic_opioids_t404", "reported", 2023, "state = '35' and county = '000'"),
    (
        "US-NYC", "2022-12-01", "drug_overdose", "reported", 2022,
        "state = '36' and county in ('005', '047', '061', '081', '085')",
    ),
    ("US-TX", "2016-03-01", "drug_overdose", "reported", 2015, "state = '48' and county = '000'"),
]  # fmt: skip


@pytest.mark.parametrize(("jurisdiction", "month", "indicator", "basis", "year", "where"), RATES)
def test_rate_by_hand(
    db: duckdb.DuckDBPyConnection, jurisdiction: str, month: str, indicator: str, basis: str, year: int, where: str
) -> None:
    """D / P x 100,000 with the population of the year in the middle of the window; R +- 1.96 R / sqrt(D)."""
    vintage = "2026-06-27" if indicator == "synthetic_opioids_t404" else "2025-07-16"
    deaths = one(
        db,
        f"select {basis} from memory.raw.vsrr where vintage = date '{vintage}' and indicator_id = '{indicator}' "
        f"and jurisdiction_id = '{jurisdiction}' and month_ending = date '{month}'",
    )
    people = one(db, f"select sum(population) from memory.raw.people where year = {year} and {where}")
    assert deaths > 100
    found = one(
        db,
        "select deaths, population, population_year, is_population_carried, is_unreliable, rate_per_100k, rate_lower, "
        f"rate_upper from marts.overdose_trends where jurisdiction_id = '{jurisdiction}' and basis = '{basis}' "
        f"and month_ending = date '{month}' and indicator_id = '{indicator}'",
    )
    rate = deaths / people * 100_000
    assert found[:5] == (deaths, people, year, False, False)
    assert found[5:] == pytest.approx(
        (rate, rate - 1.96 * rate / math.sqrt(deaths), rate + 1.96 * rate / math.sqrt(deaths))
    )


@pytest.mark.parametrize(
    ("deaths", "lower", "upper"),
    [(10, 4.7954, 18.3904), (20, 12.2165, 30.8884), (50, 37.1110, 65.9188), (99, 80.4623, 120.5289)],
)
def test_limits_of_small_counts_are_exact(
    db: duckdb.DuckDBPyConnection, deaths: int, lower: float, upper: float
) -> None:
    """Published limits of a Poisson count, brought back from the rate."""
    found = rows(
        db,
        "select distinct round(rate_lower * population / 100000, 4), round(rate_upper * population / 100000, 4), "
        f"is_unreliable from marts.overdose_trends where deaths = {deaths}",
    )
    assert found == [(lower, upper, deaths < 20)]


def test_fewer_than_ten_deaths_have_no_figure_and_no_rate(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        db,
        """
        select distinct trends.deaths, trends.rate_per_100k, trends.rate_lower, trends.yoy_12, trends.missing_reason
        from marts.overdose_trends as trends
        join marts.overdose_deaths_12mo as facts using (jurisdiction_id, month_ending, indicator_id)
        where basis = 'reported' and facts.deaths_reported < 10
        """,
    )
    assert found == [(None, None, None, None, "suppressed")]
    assert one(db, "select min(deaths) from marts.overdose_trends") >= 10


def test_years_beyond_the_estimates_take_the_nearest_and_say_so(db: duckdb.DuckDBPyConnection) -> None:
    found = one(
        db,
        "select population, population_year, is_population_carried from marts.overdose_trends where "
        "jurisdiction_id = 'US' and month_ending = date '2026-01-01' and basis = 'reported' "
        "and indicator_id = 'synthetic_opioids_t404'",
    )
    assert found == (340_110_988, 2024, True)


def test_growth_of_deaths_compares_one_release_twelve_months_apart(db: duckdb.DuckDBPyConnection) -> None:
    """Every row of the T40.4 release of 2026: null where a figure is missing, the base is below 20, or a break lies."""
    different = rows(
        db,
        """
        with published as (
            select jurisdiction_id, month_ending, 'reported' as basis, if(reported >= 10, reported, null) as deaths
            from memory.raw.vsrr where vintage = date '2026-06-27'
            union all
            select jurisdiction_id, month_ending, 'predicted' as basis, if(predicted >= 10, predicted, null) as deaths
            from memory.raw.vsrr where vintage = date '2026-06-27'
        ),

        compared as (
            select now.*, (now.deaths - before.deaths) / before.deaths as growth
            from published as now
            left join published as before
                on now.jurisdiction_id = before.jurisdiction_id and now.basis = before.basis
                and now.month_ending = before.month_ending + interval 12 months and before.deaths >= 20
        )

        select compared.*, ours.yoy_12
        from compared
        join marts.overdose_trends as ours using (jurisdiction_id, month_ending, basis)
        where ours.indicator_id = 'synthetic_opioids_t404' and (
            (compared.growth is null or ours.is_break_affected) <> (ours.yoy_12 is null)
            or abs(compared.growth - ours.yoy_12) > 1e-12
        )
        """,
    )
    assert different == []


def test_growth_is_null_after_a_missing_month(db: duckdb.DuckDBPyConnection) -> None:
    """Arizona's T40.4 counts begin in June 2017: the first growth is that of June 2018."""
    found = one(
        db,
        """
        select min(month_ending) filter (deaths is not null), min(month_ending) filter (yoy_12 is not null)
        from marts.overdose_trends
        where jurisdiction_id = 'US-AZ' and indicator_id = 'synthetic_opioids_t404' and basis = 'reported'
        """,
    )
    assert found == (date(2017, 6, 1), date(2018, 6, 1))


@pytest.fixture(scope="module")
def series(db: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], dict[str, list[float]]]:
    """Monthly events and pounds by (scope, scope_id, drug_id), from the raw files, 0 where a month has no row."""
    months = [m for (m,) in rows(db, "select distinct month from memory.raw.cbp_now order by 1")]
    found: dict[tuple[str, str, str], dict[str, list[float]]] = {}
    for scope, scope_id, where in (
        ("national", "'US'", "true"),
        ("southwest", "'southwest'", "region = 'southwest'"),
        ("component", "component", "true"),
        ("area", "area_id", "true"),
    ):
        for name, drug, month, events, pounds in rows(
            db,
            f"select {scope_id}, drug_id, month, sum(events), sum(pounds::decimal(18, 6)) "
            f"from memory.raw.cbp_now where {where} group by 1, 2, 3",
        ):
            entry = found.setdefault(
                (scope, name, drug), {"events": [0.0] * len(months), "quantity_lb": [0.0] * len(months)}
            )
            at = months.index(month)
            entry["events"][at], entry["quantity_lb"][at] = float(events), float(pounds)
    return found


@pytest.fixture(scope="module")
def standing(db: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], dict[str, list[bool]]]:
    """By series and file: whether the file has a month and every row of it as it is today, an absent row being 0."""
    key = "month, component, region, land_filter, area_id, drug_id"
    months = [m for (m,) in rows(db, "select distinct month from memory.raw.cbp_now order by 1")]
    series = [("national", "'US'"), ("component", "component"), ("area", "area_id"), ("southwest", "region")]
    found: dict[tuple[str, str, str], dict[str, list[bool]]] = {}
    for vintage in CBP_FILES:
        covered = {m for (m,) in rows(db, f"select distinct month from memory.raw.cbp where vintage = '{vintage}'")}
        db.execute(
            f"""
            create or replace temp table moved as
            select {key}
            from (select {key}, events, pounds from memory.raw.cbp where vintage = '{vintage}') as then_
            full join (select {key}, events, pounds from memory.raw.cbp_now) as now_ using ({key})
            where coalesce(then_.events, 0) <> coalesce(now_.events, 0)
                or abs(coalesce(then_.pounds, 0) - coalesce(now_.pounds, 0)) > 1e-6
            """
        )
        for scope, scope_id in series:
            moved = set(rows(db, f"select {scope_id}, drug_id, month from moved"))
            for name, drug in rows(db, f"select distinct {scope_id}, drug_id from memory.raw.cbp_now"):
                found.setdefault((scope, name, drug), {})[vintage] = [
                    m in covered and (name, drug, m) not in moved for m in months
                ]
    return found


def in_one_file(standing: dict[str, list[bool]], at: int, length: int) -> bool:
    """Whether one file has both windows as they are today."""
    return any(all(s[at - length + 1 : at + 1]) and all(s[at - length - 11 : at - 11]) for s in standing.values())


def window(values: list[float], at: int, length: int) -> float | None:
    """Sum of the months up to one of them; None where the window begins before the first month."""
    return sum(values[at - length + 1 : at + 1]) if at >= length - 1 else None


def growth(values: list[float], events: list[float], at: int, length: int) -> float | None:
    """Growth over the same months a year before; None where a month is missing or the base has < 10 events."""
    now, before, seen = (window(v, i, length) for v, i in ((values, at), (values, at - 12), (events, at - 12)))
    if now is None or before is None or seen is None or seen < 10 or before <= 0:
        return None
    return (now - before) / before


@pytest.mark.parametrize("scope", ["national", "southwest", "component", "area"])
def test_rolling_sums_and_growth_of_every_series(
    db: duckdb.DuckDBPyConnection,
    series: dict[tuple[str, str, str], dict[str, list[float]]],
    standing: dict[tuple[str, str, str], dict[str, list[bool]]],
    scope: str,
) -> None:
    """No sum over a window that reaches before the first published month, and no growth over such a base.

    Nor is there growth where no file has both windows as they are today.
    """
    checked = 0
    for measure in ("events", "quantity_lb"):
        for name, drug, *figures in rows(
            db,
            "select scope_id, drug_id, list(value order by month), list(rolling_3 order by month), "
            "list(rolling_12 order by month), list(yoy_3 order by month), list(yoy_12 order by month) "
            f"from marts.seizure_trends where scope = '{scope}' and measure = '{measure}' group by 1, 2",
        ):
            zero = [0.0] * MONTHS
            mine = series.get((scope, name, drug), {"events": zero, "quantity_lb": zero})
            values, events = mine[measure], mine["events"]
            files = standing.get((scope, name, drug), {})
            wanted: list[list[float | None]] = [
                list(values),
                [window(values, i, 3) for i in range(MONTHS)],
                [window(values, i, 12) for i in range(MONTHS)],
                *(
                    [
                        growth(values, events, i, length) if in_one_file(files, i, length) else None
                        for i in range(MONTHS)
                    ]
                    for length in (3, 12)
                ),
            ]
            for expected, given in zip(wanted, figures, strict=True):
                assert [e is None for e in expected] == [g is None for g in given], (measure, name, drug)
                numbers = [(e, g) for e, g in zip(expected, given, strict=True) if e is not None]
                assert [g for _, g in numbers] == pytest.approx([e for e, _ in numbers], rel=1e-6, abs=1e-4)
            checked += 1
    assert checked == 2 * DRUG_COUNT * {"national": 1, "southwest": 1, "component": 2, "area": 41}[scope]


def test_fiscal_year_to_date_compares_the_same_months(db: duckdb.DuckDBPyConnection) -> None:
    """National fentanyl, October to December of each fiscal year, in pounds."""
    found = rows(
        db,
        """
        select fiscal_year, round(fytd, 2), round(fytd_prior_1, 2), round(fytd_prior_3, 2), is_fytd
        from marts.seizure_trends
        where scope = 'national' and drug_id = 'fentanyl' and measure = 'quantity_lb' and fiscal_month = 3 order by 1
        """,
    )
    pounds = [367.56, 669.09, 3208.08, 2715.76, 7304.94, 5323.32, 4510.27, 3398.28]
    assert [(y, lb) for y, lb, *_ in found] == list(zip(range(2019, 2027), pounds, strict=True))
    assert [before for _, _, before, _, _ in found] == [None, *pounds[:-1]]
    assert [before for _, _, _, before, _ in found] == [None, None, None, *pounds[:-3]]
    assert [is_fytd for *_, is_fytd in found] == [False] * 7 + [True]


def test_a_closed_fiscal_year_to_date_is_the_whole_year_in_september(db: duckdb.DuckDBPyConnection) -> None:
    found = one(
        db,
        "select round(fytd, 2) from marts.seizure_trends where scope = 'national' and drug_id = 'fentanyl' "
        "and measure = 'quantity_lb' and month = date '2024-09-01'",
    )
    assert found == 21_889.21


def test_corridors_hold_their_field_office_and_sectors(db: duckdb.DuckDBPyConnection) -> None:
    areas = {
        "san_diego": ("san_diego_field_office", "san_diego_sector", "el_centro_sector"),
        "tucson": ("tucson_field_office", "tucson_sector", "yuma_sector"),
        "el_paso": ("el_paso_field_office", "el_paso_sector", "big_bend_sector"),
        "laredo": ("laredo_field_office", "del_rio_sector", "laredo_sector", "rio_grande_valley_sector"),
    }
    for corridor, members in areas.items():
        wanted = one(
            db,
            f"select sum(pounds) from memory.raw.cbp_now where drug_id = 'fentanyl' and area_id in {members} "
            "and fiscal_year = 2023",
        )
        found = one(
            db,
            f"select fytd from marts.seizure_trends where scope = 'corridor' and scope_id = '{corridor}' "
            "and drug_id = 'fentanyl' and measure = 'quantity_lb' and month = date '2023-09-01'",
        )
        assert found == pytest.approx(wanted, abs=1e-4)
