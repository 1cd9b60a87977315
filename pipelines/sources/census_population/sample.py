"""Sample of census_population: county files of Vintage 2020 and 2024 and the national workbook of Vintage 2024.

What belongs here: populations by year and the three layouts. What does not: round populations (states).
Quirks: V2024 in Latin-1 (Doña Ana) and padded codes, V2020 in UTF-8 without padding and without a last line end;
state rows among county rows; the series differ for 2020; Connecticut's planning regions; the workbook's titles,
regions, leading dots and notes. Each state is exactly the sum of its counties, of which the sample has a few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache

from pipelines.ingest.samples.draw import between
from pipelines.ingest.samples.tree import NOTE, SampleVintage, delimited, workbook
from pipelines.sources.shared.sample.states import NYC_SHARE, STATES, State

V2020, V2024 = range(2010, 2021), range(2020, 2025)
_NYC = {5: ("Bronx", 17), 47: ("Kings", 31), 61: ("New York", 19), 81: ("Queens", 27), 85: ("Richmond", 6)}
_REGIONS = {1: "Northeast", 2: "Midwest", 3: "South", 4: "West"}
_PLACE = ["SUMLEV", "REGION", "DIVISION", "STATE", "COUNTY", "STNAME", "CTYNAME"]
REST = "SAMPLE rest of the state"
WORKBOOK = "NST-EST2024-POP-SAMPLE.xlsx"

Components = Callable[[list[int], str], list[str]]
Area = tuple[str, str, str, float]
"""SUMLEV, COUNTY, CTYNAME and share of the state."""


def vintages() -> Iterator[SampleVintage]:
    """The three releases, oldest first."""
    older = delimited([_header_2020(), *_rows(V2020, _components_2020)]).removesuffix("\r\n").encode("utf-8")
    newer = delimited([_header_2024(), *_rows(V2024, _components_2024)], end="\n").encode("latin-1")
    sheet = workbook("NST-EST2024-POP", datetime(2024, 12, 19), _sheet_rows())
    yield _vintage("2021-05-04", {"co-est2020-alldata-SAMPLE.csv.gz": older}, "V2020", ["state", "county"])
    yield _vintage("2024-12-19", {WORKBOOK: sheet}, "V2024", ["country", "state", "territory"])
    yield _vintage("2025-03-13", {"co-est2024-alldata-SAMPLE.csv.gz": newer}, "V2024", ["state", "county"])


def _vintage(published: str, files: dict[str, bytes], series: str, levels: list[str]) -> SampleVintage:
    scope = {"series": [series], "area_level": levels}
    note = "A few counties a state, the last one standing for all others."
    return SampleVintage("census_population", published, files, note, "partial", scope)


@cache
def population(postal: str, series: str, year: int) -> int:
    """Residents on 1 July; the series part in 2020."""
    state = STATES[postal]
    growth = between(-0.004, 0.014, "growth", postal)
    base = state.population * 10_000 * (1 + between(-0.006, 0.006, "people", postal))
    shift = 1 + between(-0.03, 0.04, "census", postal) if series == "V2020" else 1.0
    return int(base * shift * (1 + growth * (year - 2020)) + between(0, 40, "people", postal, year, series))


def _areas(state: State, series: str) -> list[Area]:
    """The state's row and its counties; the last county takes the rest."""
    if state.postal == "NY":
        counties = [(f"{c:03}", f"{n} County", NYC_SHARE * s / 100) for c, (n, s) in _NYC.items()]
        counties.append(("103", REST, 1.0))
    elif state.postal == "NM":
        counties = [("013", "Doña Ana County", 0.1), ("001", REST, 1.0)]
    elif state.postal == "CT" and series == "V2024":
        counties = [("110", "Capitol Planning Region", 0.3), ("190", REST, 1.0)]
    elif state.postal == "DC":
        counties = [("001", "District of Columbia", 1.0)]
    else:
        counties = [("001", "SAMPLE county", 0.3), ("003", REST, 1.0)]
    return [("040", "000", state.name, 1.0), *(("050", *c) for c in counties)]


def _rows(years: range, components: Components) -> Iterator[list[str]]:
    series = f"V{years[-1]}"
    for state in STATES.values():
        if state.postal == "PR":
            continue
        whole = [population(state.postal, series, y) for y in years]
        left = list(whole)
        areas = _areas(state, series)
        for n, (level, county, name, share) in enumerate(areas):
            people = whole if n == 0 else left if n == len(areas) - 1 else [int(p * share) for p in whole]
            if n:
                left = [a - b for a, b in zip(left, people, strict=True)]
            codes = [level, str(state.region), str(state.division), state.fips, county]
            if series == "V2020":
                codes = [str(int(c)) for c in codes]
            yield [*codes, state.name, name, *components(people, state.postal + county)]


def _header_2020() -> list[str]:
    head = [*_PLACE, "CENSUS2010POP", "ESTIMATESBASE2010"]
    head += [f"POPESTIMATE{y}" for y in V2020] + [f"NPOPCHG_{y}" for y in V2020]
    for name in ("BIRTHS", "DEATHS", "NATURALINC", "INTERNATIONALMIG", "DOMESTICMIG", "NETMIG", "RESIDUAL"):
        head += [f"{name}{y}" for y in V2020]
    head += ["GQESTIMATESBASE2010", *(f"GQESTIMATES{y}" for y in V2020)]
    for name in ("RBIRTH", "RDEATH", "RNATURALINC", "RINTERNATIONALMIG", "RDOMESTICMIG", "RNETMIG"):
        head += [f"{name}{y}" for y in V2020[1:]]
    return head


def _header_2024() -> list[str]:
    head = [*_PLACE, "ESTIMATESBASE2020"]
    head += [f"POPESTIMATE{y}" for y in V2024] + [f"NPOPCHG{y}" for y in V2024]
    for name in ("BIRTHS", "DEATHS", "NATURALCHG", "INTERNATIONALMIG", "DOMESTICMIG", "NETMIG", "RESIDUAL"):
        head += [f"{name}{y}" for y in V2024]
    head += ["GQESTIMATESBASE2020", *(f"GQESTIMATES{y}" for y in V2024)]
    for name in ("RBIRTH", "RDEATH", "RNATURALCHG", "RINTERNATIONALMIG", "RDOMESTICMIG", "RNETMIG"):
        head += [f"{name}{y}" for y in V2024[1:]]
    return head


def _components_2020(people: list[int], key: str) -> list[str]:
    return [str(people[0] - 7), str(people[0] - 5), *_components(people, people[0] - 5, key)]


def _components_2024(people: list[int], key: str) -> list[str]:
    return [str(people[0] - 5), *_components(people, people[0] - 5, key)]


def _components(people: list[int], base: int, key: str) -> list[str]:
    """Estimates, change and its parts, group quarters and rates, which nobody reads; they only fit each other."""
    change = [p - b for p, b in zip(people, [base, *people[:-1]], strict=True)]
    births = [p * 11 // 1000 for p in people]
    deaths = [int(p * between(0.008, 0.012, "die", key)) for p in people]
    natural = [b - d for b, d in zip(births, deaths, strict=True)]
    abroad = [p * 2 // 1000 for p in people]
    domestic = [c - n - a for c, n, a in zip(change, natural, abroad, strict=True)]
    moved = [a + d for a, d in zip(abroad, domestic, strict=True)]
    quarters = [p * 25 // 1000 for p in people]
    counts = [*people, *change, *births, *deaths, *natural, *abroad, *domestic, *moved, *[0] * len(people)]
    rates = [f"{1000 * n / (p or 1):.4f}" for part in (births, deaths, natural, abroad, domestic, moved)
             for n, p in zip(part[1:], people[1:], strict=True)]  # fmt: skip
    return [*map(str, counts), str(quarters[0]), *map(str, quarters), *rates]


def _sheet_rows() -> Iterator[list[str | int]]:
    title = "Annual Estimates of the Resident Population for the United States, Regions, States, District of Columbia, "
    title += "and Puerto Rico: April 1, 2020 to July 1, 2024"
    accessible = "table with row headers in column A and column headers in rows 3 through 4. "
    yield [f"{accessible}(leading dots indicate sub-parts)"]
    yield [f"SAMPLE, generated, not official. {title}"]
    yield ["Geographic Area", "April 1, 2020 Estimates Base", "Population Estimate (as of July 1)", "", "", "", ""]
    yield ["", "", *map(str, V2024)]
    states = [s for s in STATES.values() if s.postal != "PR"]
    yield _sum_row("United States", states)
    for region, name in _REGIONS.items():
        yield _sum_row(name, [s for s in states if s.region == region])
    for state in sorted(states, key=lambda s: s.name):
        yield _sum_row(f".{state.name}", [state])
    yield []
    yield _sum_row(".Puerto Rico", [STATES["PR"]])
    yield [f"Note: {NOTE}"]
    yield ["Suggested Citation:"]
    yield ["Source: none. Generated in the format of the U.S. Census Bureau, Population Division"]
    yield ["Release Date: December 2024"]


def _sum_row(name: str, states: list[State]) -> list[str | int]:
    people = [sum(population(s.postal, "V2024", y) for s in states) for y in V2024]
    return [name, people[0] - 5 * len(states), *people]
