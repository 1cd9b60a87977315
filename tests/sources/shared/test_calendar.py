"""Fiscal calendar and month names, for any date."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.shared.calendar import first_of_month, fiscal_month_date, fiscal_year, month_number

DATES = st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31))


def year_of(*days: date) -> list[int]:
    """Fiscal year of each day."""
    return pl.DataFrame({"day": days}).select(fiscal_year(pl.col("day")))["day"].to_list()


def month_of(year: int, month: int) -> date:
    """Calendar month of a fiscal year and month number."""
    frame = pl.DataFrame({"year": [year], "month": [month]})
    found: date = frame.select(fiscal_month_date(pl.col("year"), pl.col("month")).alias("date"))["date"][0]
    return found


@given(st.lists(DATES, min_size=1, max_size=50))
def test_a_fiscal_year_runs_from_october_to_september(days: list[date]):
    for day, year in zip(days, year_of(*days), strict=True):
        assert date(year - 1, 10, 1) <= day <= date(year, 9, 30)


@given(DATES)
def test_fiscal_year_and_month_give_the_calendar_month_back(day: date):
    assert month_of(year_of(day)[0], day.month) == day.replace(day=1)


@given(st.integers(1901, 2199))
def test_the_twelve_months_of_a_fiscal_year_follow_each_other(year: int):
    months = [month_of(year, m) for m in (10, 11, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9)]
    assert months[0] == date(year - 1, 10, 1)
    ends = [m.replace(day=calendar.monthrange(m.year, m.month)[1]) for m in months]
    assert [end + timedelta(days=1) for end in ends[:-1]] == months[1:]


@pytest.mark.parametrize(
    ("day", "year"),
    [(date(2023, 9, 30), 2023), (date(2023, 10, 1), 2024), (date(2024, 9, 30), 2024), (date(2025, 12, 31), 2026)],
)
def test_the_fiscal_year_changes_on_the_first_of_october(day: date, year: int):
    assert year_of(day) == [year]


def test_october_of_fiscal_year_2026_is_october_2025():
    assert month_of(2026, 10) == date(2025, 10, 1)


def test_january_of_fiscal_year_2026_is_january_2026():
    assert month_of(2026, 1) == date(2026, 1, 1)


def test_a_missing_day_has_no_fiscal_year():
    frame = pl.DataFrame({"day": [None]}, schema={"day": pl.Date})
    assert frame.select(fiscal_year(pl.col("day")))["day"].to_list() == [None]


@given(st.integers(1, 12), st.sampled_from([str.upper, str.lower, str.title]), st.booleans())
def test_month_names_are_read_whole_or_short_in_any_case(number: int, case: object, short: bool):
    name = calendar.month_abbr[number] if short else calendar.month_name[number]
    frame = pl.DataFrame({"name": [case(name)]})  # type: ignore[operator]
    assert frame.select(month_number(pl.col("name")))["name"].to_list() == [number]


@pytest.mark.parametrize("name", ["Octubre", "Sept", "10", "", "Octobers", "ENERO"])
def test_what_is_no_english_month_has_no_number(name: str):
    assert pl.DataFrame({"name": [name]}).select(month_number(pl.col("name")))["name"].to_list() == [None]


SPANISH = {
    1: ["enero", "ENE"], 2: ["Febrero", "feb"], 3: ["marzo", "mar"], 4: ["ABRIL", "abr"], 5: ["mayo", "may"],
    6: ["junio", "Jun"], 7: ["julio", "jul"], 8: ["agosto", "ago"], 9: ["septiembre", "Setiembre", "sep", "set"],
    10: ["octubre", "oct"], 11: ["noviembre", "nov"], 12: ["Diciembre", "dic"],
}  # fmt: skip


@pytest.mark.parametrize(("number", "names"), SPANISH.items())
def test_spanish_month_names_are_read_where_the_file_is_spanish(number: int, names: list[str]):
    frame = pl.DataFrame({"name": names}).select(month_number(pl.col("name"), "es"))
    assert frame["name"].to_list() == [number] * len(names)


@pytest.mark.parametrize("name", ["January", "JAN", "apr", "dec", "1", ""])
def test_what_is_no_spanish_month_has_no_number(name: str):
    assert pl.DataFrame({"name": [name]}).select(month_number(pl.col("name"), "es"))["name"].to_list() == [None]


def test_a_month_without_a_year_has_no_date():
    frame = pl.DataFrame({"year": [2024, None, 2024], "month": [5, 5, None]})
    found = frame.select(first_of_month(pl.col("year"), pl.col("month")).alias("date"))["date"].to_list()
    assert found == [date(2024, 5, 1), None, None]
