"""What a table of the build shows of itself: rows, newest period, vintage, what changed."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.dbt.profile import Profile, read_profiles


@pytest.fixture
def build(tmp_path: Path) -> Path:
    with duckdb.connect(str(tmp_path / "drugflow.duckdb")) as connection:
        connection.execute(
            """
            create schema marts;
            create table marts.pace (fiscal_year integer, events integer, vintage date);
            insert into marts.pace values (2024, 1, '2025-01-15'), (2025, 2, '2025-02-15'), (2025, 3, '2025-02-15');
            create macro main.pace_as_of(d) as table select * from marts.pace where vintage <= d;
            """
        )
    return tmp_path


def test_the_fiscal_year_is_the_period_where_there_is_no_month(build: Path) -> None:
    found = read_profiles(build, [("marts", "pace")])["marts.pace"]
    assert (found.rows, found.newest, found.vintage) == (3, "2025", "2025-02-15")
    assert found.rows_by_year == {"2024": 1, "2025": 2}


def test_a_macro_shows_what_it_gives_today(build: Path) -> None:
    found = read_profiles(build, [("marts", "pace_as_of")])["marts.pace_as_of"]
    assert (found.rows, found.newest, found.vintage) == (3, "2025", "2025-02-15")


def test_a_revised_figure_of_a_macro_is_a_change(build: Path) -> None:
    before = read_profiles(build, [("marts", "pace_as_of")])["marts.pace_as_of"]
    with duckdb.connect(str(build / "drugflow.duckdb")) as connection:
        connection.execute("update marts.pace set events = 9 where fiscal_year = 2024")
    after = read_profiles(build, [("marts", "pace_as_of")])["marts.pace_as_of"]
    assert after.change(before) == "The figures changed in 2024."


def test_years_are_not_compared_with_a_build_that_was_not_counted_by_year() -> None:
    before = Profile(rows=2, parts={"all": (2, "7")})
    assert Profile(rows=2, parts={"2025": (2, "7")}).change(before).startswith("Not comparable")
