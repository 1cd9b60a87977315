"""The error band of derived months and the marks of months that still grow, against the raw files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.site.quoted_queries import quotes
from tests.conftest import ROOT
from tests.integration.raw_files import one, rows

NATION = "jurisdiction_id = 'US' and indicator_id = 'synthetic_opioids_t404'"
SETTLED = date(2025, 1, 1)
"""The newest release ends in January 2026: of its newest twelve months none is settled."""

Month = tuple[date, int, int | None]


@pytest.fixture(scope="module")
def derived(db: duckdb.DuckDBPyConnection) -> list[Month]:
    """Every national month derived from the files themselves, with its final count where there is one."""
    return rows(
        db,
        f"""
        with totals as (
            select month_ending as month, reported, lag(reported) over (order by month_ending) as before
            from memory.raw.vsrr where vintage = date '2026-06-27' and {NATION}
        )

        select totals.month, totals.reported - totals.before + anchors.deaths, final.deaths
        from totals
        join memory.raw.final_deaths as anchors on totals.month = anchors.month + interval 12 months
        left join memory.raw.final_deaths as final on final.month = totals.month
        where totals.before is not null order by totals.month
        """,
    )


def year_before(month: date) -> date:
    return month.replace(year=month.year - 1)


def bands(derived: list[Month]) -> dict[date, tuple[float, float]]:
    """By hand: twice the largest error of the newest 24 months that are at least a year older than the month."""
    found = {}
    for month, count, _ in derived:
        past = [abs(final / c - 1) for m, c, final in derived if final is not None and m <= year_before(month)][-24:]
        if len(past) == 24 and month <= SETTLED:
            found[month] = count * (1 - 2 * max(past)), count * (1 + 2 * max(past))
    return found


def test_the_released_bands_are_those_of_the_files(db: duckdb.DuckDBPyConnection, derived: list[Month]) -> None:
    ours = rows(
        db,
        f"select month, lower, upper from marts.overdose_deaths_monthly where {NATION} and basis = 'derived' "
        "and lower is not null",
    )
    expected = bands(derived)
    assert set(expected) == {month for month, _, _ in ours}
    for month, lower, upper in ours:
        assert (lower, upper) == pytest.approx(expected[month]), month


def test_the_band_held_the_newest_twelve_final_months_as_often_as_the_methods_say(
    db: duckdb.DuckDBPyConnection, derived: list[Month]
) -> None:
    """No error of the year before a month is in its band, so this is what it would have held."""
    newest = [(m, final) for m, _, final in derived if final is not None][-12:]
    assert newest[-1][0] == date(2024, 12, 1)
    ours = {
        month: (lower, upper)
        for month, lower, upper in rows(
            db, f"select month, lower, upper from marts.overdose_deaths_monthly where {NATION} and basis = 'derived'"
        )
    }
    held = [month for month, final in newest if ours[month][0] <= final <= ours[month][1]]
    (by_year,) = (q for q in quotes((ROOT / "docs" / "methods.md").read_text("utf-8")) if "as year" in q.query)
    (said,) = (line for line in by_year.answer.splitlines() if line.startswith("│  2024 │"))
    assert [int(cell) for cell in said.strip("│").split("│")][:3] == [2024, len(held), len(newest)]
    assert len(held) == 12


def test_a_band_of_past_percentiles_would_have_missed_most_of_2024(derived: list[Month]) -> None:
    """The mistake that this band replaces: the middle nine tenths of all errors known a year before."""
    held = 0
    for month, count, final in derived:
        if month.year == 2024 and final is not None:
            past = sorted(f / c for m, c, f in derived if f is not None and m <= year_before(month))
            low, high = past[round(0.05 * (len(past) - 1))], past[round(0.95 * (len(past) - 1))]
            held += count * low <= final <= count * high
    assert held <= 3


def test_a_month_is_partial_where_the_query_calls_its_year_so(db: duckdb.DuckDBPyConnection, mirror: Path) -> None:
    """Straight from the labels of the query: 2025 (provisional and partial), of T40.4."""
    file = mirror / "cdc_wonder_overdose" / "2025-10-01"
    file /= "Provisional_Mortality_Statistics_2018_through_Last_Week_MANUAL_DOWNLOAD.csv"
    labelled = rows(
        db,
        "select distinct strptime(\"Month Code\", '%Y/%m')::date, \"Month\" like '%partial%' "
        f"from read_csv('{file}', all_varchar = true) where \"Month\" like '%provisional%' order by 1",
    )
    ours = rows(
        db,
        "select distinct month, is_partial from marts.overdose_deaths_monthly "
        "where basis = 'provisional' and indicator_id = 'synthetic_opioids_t404' order by 1",
    )
    assert {partial for _, partial in labelled} == {True, False}
    assert ours == labelled
    assert (
        one(db, "select count(*) from marts.overdose_deaths_monthly where is_partial and basis <> 'provisional'") == 0
    )


def test_months_of_a_release_that_still_grow_are_marked(db: duckdb.DuckDBPyConnection) -> None:
    """Every provisional count; no final one; of derived ones the newest twelve and those the publisher marks."""
    found = rows(
        db,
        "select basis, bool_and(is_provisional), bool_or(is_provisional) from marts.overdose_deaths_monthly "
        "where basis <> 'derived' group by basis order by basis",
    )
    assert found == [("final", False, False), ("provisional", True, True)]
    nation = rows(
        db,
        f"select month, is_provisional from marts.overdose_deaths_monthly where {NATION} and basis = 'derived' "
        "and month >= date '2024-10-01'",
    )
    # The file of 2026-06-27 calls the totals from January 2025 on underreported, as its footnotes say.
    assert all(mark == (month >= date(2025, 1, 1)) for month, mark in nation)
    assert len(nation) == 15
    tail = rows(
        db,
        """
        select derived.jurisdiction_id, derived.month
        from marts.overdose_deaths_monthly as derived
        join (select vintage, max(month_ending) as newest from marts.overdose_deaths_12mo group by vintage)
            using (vintage)
        where derived.basis = 'derived' and not derived.is_provisional
            and derived.month > newest - interval 12 months
        """,
    )
    assert tail == []
