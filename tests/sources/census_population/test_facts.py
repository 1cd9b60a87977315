"""Facts about population, on frames made by hand: the country, its states and their counties."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from pipelines.catalog.load import get_source
from tests.unit.quality.vintages import context, fact

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
    found = fact(CENSUS, "county_parts", context(tmp_path, rows, period="year"))
    assert found.select("geo_id", "state_minus_counties").rows() == [("US-AZ", 1), ("US-CA", 0)]


def test_counties_of_another_series_are_not_added(tmp_path: Path):
    rows = pl.concat([people(("state", "US-AZ", 30), ("county", "04001", 30)),
                      people(("state", "US-AZ", 20), ("county", "04001", 20), series="V2020")])  # fmt: skip
    found = fact(CENSUS, "county_parts", context(tmp_path, rows, period="year"))
    assert found["state_minus_counties"].to_list() == [0, 0]


def test_a_state_without_counties_is_left_out(tmp_path: Path):
    found = fact(CENSUS, "county_parts", context(tmp_path, people(("state", "US-AZ", 30)), period="year"))
    assert found.is_empty()


def test_the_country_less_its_states_without_territories(tmp_path: Path):
    rows = people(("country", "US", 10), ("state", "US-AZ", 4), ("state", "US-CA", 5), ("territory", "US-PR", 3))
    found = fact(CENSUS, "us_parts", context(tmp_path, rows, period="year"))
    assert found["whole_minus_parts"].to_list() == [1]


def test_states_without_their_country_are_not_compared(tmp_path: Path):
    found = fact(CENSUS, "us_parts", context(tmp_path, people(("state", "US-AZ", 4)), period="year"))
    assert found.is_empty()


def test_states_of_a_year_are_counted(tmp_path: Path):
    rows = people(("state", "US-AZ", 4), ("state", "US-CA", 5), ("county", "04001", 4), ("country", "US", 9))
    assert fact(CENSUS, "states_per_year", context(tmp_path, rows, period="year"))["rows"].to_list() == [2]
