"""States of the United States and of Mexico: their ids (ISO 3166-2) by abbreviation, official number and name.

Read from the seed of jurisdictions, which the tables join. Numbers of the two countries overlap (26 is Michigan and
Sonora): each country has tables of its own, and a number is an attribute, never a key.
"""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

SEED = "jurisdictions"
"""Name of the seed, for ``source.seed``."""
OFFICIAL_NAMES = MappingProxyType(
    {
        "MX-COA": ["Coahuila de Zaragoza"],
        "MX-CMX": ["Distrito Federal"],
        "MX-MEX": ["México"],
        "MX-MIC": ["Michoacán de Ocampo"],
        "MX-VER": ["Veracruz de Ignacio de la Llave"],
    }
)
"""Names that Mexican agencies write instead of the usual ones (INEGI, Catálogo Único de Claves de Áreas
Geoestadísticas); the Federal District became Mexico City in 2016."""

NEW_YORK_CITY_COUNTIES = ("36005", "36047", "36061", "36081", "36085")
"""The five boroughs: Bronx, Kings, New York, Queens, Richmond."""


@dataclass(frozen=True)
class States:
    """Ids of one country's states.

    by_code: by the letters after the country in the id, which are the postal abbreviation in the United States;
    by_number: by the two digits of the federal statistical office (FIPS, INEGI); by_name: by the name in lower case, in
    both languages for Mexico, with and without accents.
    """

    by_code: dict[str, str]
    by_number: dict[str, str]
    by_name: dict[str, str]


@cache
def us_states(seed: Path) -> States:
    """The 50 states, the District of Columbia and Puerto Rico. Numbers are FIPS codes (ANSI INCITS 38:2009).

    seed is the file of jurisdictions: ``source.seed(SEED)``. New York with and without its city is no row of these.
    """
    return _states(seed, "US", "fips", ["name_en"])


@cache
def mexican_states(seed: Path) -> States:
    """The 32 federal entities of Mexico. Numbers are those of INEGI; seed is the file of jurisdictions."""
    return _states(seed, "MX", "inegi", ["name_en", "name_es"])


def _states(seed: Path, country: str, number: str, names: list[str]) -> States:
    with seed.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["country"] == country and row[number]]
    by_name: dict[str, str] = {}
    for row in rows:
        state = row["jurisdiction_id"]
        for name in [*(row[n] for n in names), *OFFICIAL_NAMES.get(state, [])]:
            by_name |= {name.lower(): state, _without_accents(name.lower()): state}
    return States(
        by_code={row["jurisdiction_id"].removeprefix(f"{country}-"): row["jurisdiction_id"] for row in rows},
        by_number={row[number]: row["jurisdiction_id"] for row in rows},
        by_name=by_name,
    )


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
