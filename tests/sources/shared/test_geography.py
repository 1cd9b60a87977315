"""States of both countries by abbreviation, official number and name."""

from __future__ import annotations

import pytest

from pipelines.core.settings import SEEDS
from pipelines.sources.shared.geography import mexican_states, us_states

US = us_states(SEEDS / "jurisdictions.csv")
MEXICO = mexican_states(SEEDS / "jurisdictions.csv")


@pytest.mark.parametrize(
    ("code", "number", "name", "state"),
    [
        ("AZ", "04", "arizona", "US-AZ"),
        ("DC", "11", "district of columbia", "US-DC"),
        ("NY", "36", "new york", "US-NY"),
        ("PR", "72", "puerto rico", "US-PR"),
    ],
)
def test_a_state_of_the_united_states(code: str, number: str, name: str, state: str):
    assert (US.by_code[code], US.by_number[number], US.by_name[name]) == (state, state, state)


def test_the_50_states_the_district_and_puerto_rico_are_all():
    assert len(US.by_code) == len(US.by_number) == len(US.by_name) == 52


@pytest.mark.parametrize(
    ("code", "number", "names", "state"),
    [
        ("BCN", "02", ["baja california"], "MX-BCN"),
        ("COA", "05", ["coahuila", "coahuila de zaragoza"], "MX-COA"),
        ("CMX", "09", ["ciudad de méxico", "ciudad de mexico", "mexico city", "distrito federal"], "MX-CMX"),
        ("MEX", "15", ["estado de méxico", "méxico", "mexico", "state of mexico"], "MX-MEX"),
        ("MIC", "16", ["michoacán", "michoacan de ocampo"], "MX-MIC"),
        ("SON", "26", ["sonora"], "MX-SON"),
        ("VER", "30", ["veracruz", "veracruz de ignacio de la llave"], "MX-VER"),
    ],
)
def test_a_state_of_mexico_under_all_its_names(code: str, number: str, names: list[str], state: str):
    assert {MEXICO.by_code[code], MEXICO.by_number[number], *(MEXICO.by_name[n] for n in names)} == {state}


def test_mexico_has_32_federal_entities():
    assert sorted(MEXICO.by_number) == [f"{n:02}" for n in range(1, 33)]
    assert len(MEXICO.by_code) == 32


def test_a_number_of_both_countries_is_another_state_in_each():
    assert (US.by_number["26"], MEXICO.by_number["26"]) == ("US-MI", "MX-SON")
