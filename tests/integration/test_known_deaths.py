"""Deaths of the real release, against the figures in the agencies' files.

The reported and predicted counts of every release, what a blank means, New York, and single months.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.integration import raw_files
from tests.integration.raw_files import one, rows

FULL_VSRR = ("2017-12-16", "2019-04-24", "2019-04-30", "2019-07-11", "2025-01-08", "2025-07-16")


@pytest.mark.parametrize("vintage", raw_files.VSRR_FILES)
def test_every_published_count_of_a_release_is_in_the_table_as_of_that_day(
    db: duckdb.DuckDBPyConnection, vintage: str
) -> None:
    different = rows(
        db,
        f"""
        select raw.*, ours.deaths_reported, ours.deaths_predicted
        from (select * from memory.raw.vsrr where vintage = date '{vintage}') as raw
        left join overdose_deaths_as_of(date '{vintage}') as ours using (jurisdiction_id, month_ending, indicator_id)
        where
            ours.jurisdiction_id is null or raw.reported is distinct from ours.deaths_reported
            or raw.predicted is distinct from ours.deaths_predicted or ours.vintage <> date '{vintage}'
        """,
    )
    assert different == []


@pytest.mark.parametrize("vintage", FULL_VSRR)
def test_no_count_is_shown_that_the_newest_full_release_has_not(db: duckdb.DuckDBPyConnection, vintage: str) -> None:
    """US-NY is ours; everything else with a figure must be a row of that release."""
    extra = rows(
        db,
        f"""
        select jurisdiction_id, month_ending, indicator_id
        from overdose_deaths_as_of(date '{vintage}')
        where jurisdiction_id <> 'US-NY' and coalesce(deaths_reported, deaths_predicted) is not null
        except
        select jurisdiction_id, month_ending, indicator_id from memory.raw.vsrr where vintage = date '{vintage}'
        """,
    )
    assert extra == []


def test_a_count_that_an_excerpt_revised_keeps_the_percent_specified_known_before(
    db: duckdb.DuckDBPyConnection, mirror: Path
) -> None:
    """The excerpt of June 2026 has T40.4 alone; how many certificates name a drug stands in the release before it."""
    file = mirror / "cdc_vsrr_overdose" / "2025-07-16" / "xkb8-kh2a.parquet"
    answers = rows(
        db,
        f"""
        with published as (
            select
                'US' as jurisdiction_id, "Data Value" as percent,
                strptime("Year"::integer || "Month", '%Y%B')::date as month_ending
            from '{file}' where "State" = 'US' and "Indicator" = 'Percent with drugs specified'
        )
        select
            ours.vintage, ours.percent_specified_vintage, count(*), count(published.percent),
            count(*) filter (where abs(ours.percent_specified - published.percent) > 1e-6)
        from marts.overdose_deaths_12mo as ours left join published using (jurisdiction_id, month_ending)
        where jurisdiction_id = 'US' and indicator_id = 'synthetic_opioids_t404'
        group by all order by all
        """,
    )
    june, july = date(2026, 6, 27), date(2025, 7, 16)
    # 2015-01 to 2025-02 have a percent; the eleven months after have none yet.
    assert answers == [(june, july, 122, 122, 0), (june, None, 11, 0, 0)]


def test_reported_deaths_of_the_us_december_2023_fell_between_releases(db: duckdb.DuckDBPyConnection) -> None:
    figures = {
        vintage: one(
            db,
            f"select deaths_reported, deaths_predicted from overdose_deaths_as_of(date '{vintage}') where "
            "jurisdiction_id = 'US' and month_ending = date '2023-12-01' and indicator_id = 'drug_overdose'",
        )
        for vintage in ("2025-01-08", "2025-07-16")
    }
    assert figures["2025-01-08"] == (107_682, 108_472)
    assert figures["2025-07-16"][0] == 106_881


def test_a_missing_count_has_a_reason_and_is_never_zero(db: duckdb.DuckDBPyConnection) -> None:
    wrong = one(
        db,
        """
        select count(*) from marts.overdose_deaths_12mo
        where (deaths_reported is null) <> (missing_reason is not null)
            or (deaths_predicted is null) <> (predicted_missing_reason is not null)
        """,
    )
    assert wrong == 0
    blanks = rows(
        db,
        """
        select count(*), count(ours.deaths_reported), count(ours.missing_reason)
        from memory.raw.vsrr as raw join marts.overdose_deaths_12mo as ours
            using (jurisdiction_id, month_ending, indicator_id, vintage)
        where raw.reported is null
        """,
    )
    count, with_figure, with_reason = blanks[0]
    assert count > 10_000
    assert (with_figure, with_reason) == (0, count)


def test_true_zeros_are_kept(db: duckdb.DuckDBPyConnection) -> None:
    zeros = rows(
        db,
        """
        select ours.deaths_reported, ours.missing_reason, count(*)
        from memory.raw.vsrr as raw join marts.overdose_deaths_12mo as ours
            using (jurisdiction_id, month_ending, indicator_id, vintage)
        where raw.reported = 0
        group by all
        """,
    )
    wanted = one(
        db,
        """
        select count(*) from memory.raw.vsrr where reported = 0 and vintage = date '2025-07-16'
            and (jurisdiction_id, month_ending, indicator_id) not in (
                select (jurisdiction_id, month_ending, indicator_id) from memory.raw.vsrr
                where vintage = date '2026-06-27'
            )
        """,
    )
    later = one(db, "select count(*) from memory.raw.vsrr where reported = 0 and vintage = date '2026-06-27'")
    assert wanted + later > 100
    assert zeros == [(0, None, wanted + later)]


def test_the_footnote_says_why_a_count_is_missing(db: duckdb.DuckDBPyConnection, mirror: Path) -> None:
    """Counted by footnote in the newest full release, which owns every indicator but T40.4."""
    path = mirror / "cdc_vsrr_overdose" / "2025-07-16" / "xkb8-kh2a.parquet"
    wanted = rows(
        db,
        f"""
        select case when "Footnote" like '%suppressed%' then 'suppressed' else 'low_quality' end, count(*)
        from '{path}'
        where "Data Value" is null and "Indicator" not like '%excl. methadone (T40.4)' group by 1 order by 1
        """,
    )
    found = rows(
        db,
        """
        select missing_reason, count(*) from marts.overdose_deaths_12mo
        where deaths_reported is null and jurisdiction_id <> 'US-NY' and indicator_id <> 'synthetic_opioids_t404'
        group by 1 order by 1
        """,
    )
    assert found == wanted


def test_new_york_is_the_city_and_the_rest_of_the_state(db: duckdb.DuckDBPyConnection) -> None:
    """Both parts from one release: the newest, which for T40.4 is that of 2026."""
    different = rows(
        db,
        """
        with parts as (
            select month_ending, indicator_id, vintage, sum(reported) as reported, count(reported) as parts
            from memory.raw.vsrr
            where jurisdiction_id in ('US-NYC', 'US-NY-XNYC')
                and vintage = case indicator_id
                    when 'synthetic_opioids_t404' then date '2026-06-27' else date '2025-07-16'
                end
            group by all
        )

        select month_ending, indicator_id, reported, parts, ours.deaths_reported
        from parts
        full join (select * from marts.overdose_deaths_12mo where jurisdiction_id = 'US-NY') as ours
            using (month_ending, indicator_id)
        where case parts when 2 then reported end is distinct from ours.deaths_reported
        """,
    )
    assert different == []
    count = one(db, "select count(deaths_reported) from marts.overdose_deaths_12mo where jurisdiction_id = 'US-NY'")
    assert count > 1000


def test_new_york_has_no_predicted_count(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        db,
        "select distinct deaths_predicted, predicted_missing_reason from marts.overdose_deaths_12mo "
        "where jurisdiction_id = 'US-NY'",
    )
    assert found == [(None, "not_applicable")]


def test_monthly_final_deaths_are_the_published_series(db: duckdb.DuckDBPyConnection) -> None:
    ours = """
        select month, deaths from marts.overdose_deaths_monthly
        where jurisdiction_id = 'US' and indicator_id = 'synthetic_opioids_t404' and basis = 'final' order by 1
        """
    assert rows(db, ours) == rows(db, "select month, deaths from memory.raw.final_deaths order by 1")


def test_monthly_final_deaths_add_up_to_the_published_years(db: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        db,
        """
        select year(month), sum(deaths) from marts.overdose_deaths_monthly
        where jurisdiction_id = 'US' and indicator_id = 'synthetic_opioids_t404' and basis = 'final'
        group by 1 order by 1
        """,
    )
    assert dict(found) == {
        2015: 9_580, 2016: 19_413, 2017: 28_466, 2018: 31_335, 2019: 36_359,
        2020: 56_516, 2021: 70_601, 2022: 73_838, 2023: 72_776, 2024: 47_735,
    }  # fmt: skip


def test_monthly_deaths_of_states_are_those_of_wonder(db: duckdb.DuckDBPyConnection) -> None:
    """All drugs, 2018 to October 2024: figure and basis of every published state month, and no other figure."""
    different = rows(
        db,
        """
        with raw as (
            select jurisdiction_id, month, if(is_provisional, 'provisional', 'final') as basis, wonder.deaths
            from memory.raw.wonder join marts.dim_jurisdiction on fips = state
        ),

        ours as (
            select jurisdiction_id, month, basis, deaths from marts.overdose_deaths_monthly
            where indicator_id = 'drug_overdose' and deaths is not null and basis <> 'derived'
        )

        select * from raw full join ours using (jurisdiction_id, month, basis)
        where raw.deaths is distinct from ours.deaths
        """,
    )
    assert different == []


def test_a_state_month_that_wonder_leaves_out_is_suppressed_not_zero(db: duckdb.DuckDBPyConnection) -> None:
    absent = rows(
        db,
        """
        select ours.deaths, ours.missing_reason, count(*)
        from marts.overdose_deaths_monthly as ours
        join marts.dim_jurisdiction using (jurisdiction_id)
        left join memory.raw.wonder as raw on raw.state = fips and raw.month = ours.month
        where ours.indicator_id = 'drug_overdose' and ours.basis <> 'derived' and raw.state is null
        group by all
        """,
    )
    (count,) = (n for deaths, reason, n in absent if (deaths, reason) == (None, "suppressed"))
    assert len(absent) == 1
    assert count == 51 * 82 - one(db, "select count(*) from memory.raw.wonder")
