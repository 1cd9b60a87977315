"""The deaths behind the sample: what happened, before any agency reported it late.

What belongs here: monthly counts by jurisdiction and drug class that VSRR and WONDER both draw on.
What does not: either format, lags and revisions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from pipelines.ingest.samples.draw import (
    Table,
    apportion,
    between,
    between_years,
    monthly_curve,
    normal,
    scatter,
    total,
    uniform,
)
from pipelines.sources.shared.sample import calibration as published
from pipelines.sources.shared.sample.states import NYC_SHARE, STATES

FIRST_YEAR, LAST = 2014, (2025, 12)
MONTHS = [(y, m) for y in range(FIRST_YEAR, LAST[0] + 1) for m in range(1, 13)]
"""Months of the series; VSRR needs 2014 for its first 12-month sums."""

PARTS = [p for p in STATES if p != "PR"]
PARTS.insert(PARTS.index("NY") + 1, "YC")
"""The US as VSRR adds it up: 50 states and DC, New York without its city, and the city (YC)."""

SEASON = (0.98, 0.97, 1.01, 1.01, 1.03, 1.01, 1.02, 1.02, 0.99, 0.99, 0.98, 0.99)
_WEST: Table = {2014: 80, 2016: 85, 2018: 90, 2020: 100, 2022: 115, 2024: 140, 2025: 150}
_T404: dict[int, Table] = {  # relative share of T40.4 among overdoses by census region: it moved from east to west
    1: {2014: 100, 2016: 120, 2018: 125, 2020: 115, 2022: 108, 2025: 95},
    2: {2014: 90, 2016: 110, 2018: 115, 2020: 110, 2022: 105, 2025: 95},
    3: {2014: 70, 2016: 80, 2018: 90, 2020: 100, 2022: 103, 2025: 100},
    4: {2014: 20, 2016: 18, 2018: 28, 2020: 65, 2022: 95, 2024: 105, 2025: 118},
}
_FEW = {"AK", "HI", "ID", "IA", "MT", "NE", "ND", "SD", "VT", "WY"}
"""Small places with a low share of T40.4, so that there is something to suppress in every year."""
_SHARES: dict[str, Table] = {  # percent of overdose deaths that involve the class, US
    "T40.1": {2014: 24, 2015: 25, 2017: 22, 2019: 20, 2020: 14, 2021: 8.5, 2022: 5.5, 2023: 4, 2025: 2.5},
    "T40.2": {2014: 25, 2016: 22, 2018: 18, 2020: 14, 2022: 11, 2023: 9.5, 2025: 10.5},
    "T40.3": {2014: 7, 2016: 5.3, 2019: 3.9, 2022: 3.3, 2025: 3.7},
    "T40.5": {2014: 12, 2016: 16, 2018: 21, 2020: 21.5, 2022: 25, 2023: 28, 2025: 27},
    "T43.6": {2014: 10, 2016: 12, 2018: 19, 2020: 26, 2022: 31, 2024: 36, 2025: 38},
}

Counts = dict[str, list[int]]
"""Series over MONTHS by indicator: ALL, OD and the ICD-10 codes of the classes."""


@dataclass(frozen=True)
class Truth:
    """Deaths by jurisdiction (PARTS and PR). The US is the sum of PARTS; PR stands beside it."""

    counts: dict[str, Counts]

    def of(self, place: str) -> Counts:
        """Series of one place; US is added up here."""
        if place != "US":
            return self.counts[place]
        first = self.counts[PARTS[0]]
        return {i: [sum(self.counts[p][i][t] for p in PARTS) for t in range(len(MONTHS))] for i in first}


def at(year: int, month: int) -> int:
    """Place of a month in MONTHS."""
    return 12 * (year - FIRST_YEAR) + month - 1


def yearly_to_months(totals: dict[int, int], *key: object) -> list[int]:
    """Whole monthly counts over MONTHS with a season and noise; every calendar year adds up to its total."""
    years = range(FIRST_YEAR, LAST[0] + 1)
    curve = monthly_curve([(12, float(totals[y])) for y in years])
    out: list[int] = []
    for n, year in enumerate(years):
        weights = [curve[12 * n + m] * SEASON[m] * (1 + 0.012 * normal("season", *key, year, m)) for m in range(12)]
        out += apportion(totals[year], weights)
    return out


def synthetic_by_month() -> list[int]:
    """US T40.4 deaths over MONTHS: as published, generated in 2014 and 2025."""
    totals = {**published.T404_DEATHS_SHAPE, **{y: sum(m) for y, m in published.T404_DEATHS.items()}}
    generated = yearly_to_months(totals, "T40.4")
    return [published.T404_DEATHS[y][m - 1] if y in published.T404_DEATHS else n
            for (y, m), n in zip(MONTHS, generated, strict=True)]  # fmt: skip


def overdose_by_month(totals: dict[int, int], synthetic: list[int]) -> list[int]:
    """US overdose deaths over MONTHS: the T40.4 deaths and a smooth course of all others; years equal the totals."""
    years = [synthetic[12 * n : 12 * n + 12] for n in range(len(synthetic) // 12)]
    others = {FIRST_YEAR + n: totals[FIRST_YEAR + n] - sum(year) for n, year in enumerate(years)}
    return [s + n for s, n in zip(synthetic, yearly_to_months(others, "OD"), strict=True)]


def _population(place: str) -> float:
    if place in ("NY", "YC"):
        share = NYC_SHARE if place == "YC" else 1 - NYC_SHARE
        return STATES["NY"].population * share
    return float(STATES[place].population)


def _state(place: str) -> str:
    return "NY" if place == "YC" else place


@cache
def truth() -> Truth:
    """Deaths by place of occurrence; the US equals the published totals of the calibration."""
    occurred = {**published.OVERDOSE_DEATHS_SHAPE, **published.OVERDOSE_DEATHS_RESIDENT}
    occurred |= published.OVERDOSE_DEATHS_VSRR
    synthetic = synthetic_by_month()
    overdose = overdose_by_month(occurred, synthetic)
    counts: dict[str, Counts] = {p: {} for p in [*PARTS, "PR"]}
    for t, (year, month) in enumerate(MONTHS):
        when = year + (month - 0.5) / 12
        means = [_population(p) * STATES[_state(p)].risk * _west(p, when) for p in PARTS]
        scale = overdose[t] / total(means)
        deaths = scatter(overdose[t], [m * scale for m in means], "OD", t)
        lethal = _synthetic(synthetic[t], deaths, when, t)
        for p, od, t404 in zip(PARTS, deaths, lethal, strict=True):
            _append(counts[p], _classes(p, od, t404, when, t), _all_causes(p, when, month, t))
        island = max(0, int(26 + 3 * normal("PR", t)))
        t404 = int(island * min(0.6, 0.06 * (year - 2014)))
        _append(counts["PR"], _classes("PR", island, t404, when, t), _all_causes("PR", when, month, t))
    return Truth(counts)


def _west(place: str, when: float) -> float:
    return between_years(_WEST, when) / 100 if STATES[_state(place)].region == 4 else 1.0


def _synthetic(whole: int, deaths: list[int], when: float, t: int) -> list[int]:
    """T40.4 deaths by part: in proportion to the region's share, never more than nine in ten of a part's deaths."""
    shares = [between_years(_T404[STATES[_state(p)].region], when) * (0.5 if p in _FEW else 1) / 100 for p in PARTS]
    wanted = [d * s for d, s in zip(deaths, shares, strict=True)]
    for _ in range(8):
        scale = whole / total(wanted)
        wanted = [min(w * scale, 0.9 * d) for w, d in zip(wanted, deaths, strict=True)]
    out = scatter(whole, wanted, "T40.4", t)
    excess = 0
    for i, d in enumerate(deaths):
        if out[i] > d:
            excess, out[i] = excess + out[i] - d, d
    for i in sorted(range(len(out)), key=lambda i: (out[i] - deaths[i], i)):
        moved = min(excess, (deaths[i] - out[i]) // 2)
        excess, out[i] = excess - moved, out[i] + moved
    if excess:
        raise ValueError(f"month {MONTHS[t]}: {excess} T40.4 deaths have no room among the overdose deaths")
    return out


def _classes(place: str, od: int, t404: int, when: float, t: int) -> Counts:
    """Deaths by drug class of one month: classes overlap, unions lie between their parts and all overdoses."""
    region = STATES[_state(place)].region
    tilt = {"T43.6": 1.5 if region == 4 else 0.85, "T40.5": 0.6 if region == 4 else 1.15}
    month: dict[str, int] = {"OD": od, "T40.4": t404}
    for code, table in _SHARES.items():
        own = between(0.8, 1.2, "class", place, code) * tilt.get(code, 1.0)
        mean = od * between_years(table, when) / 100 * own
        drawn = mean + math.sqrt(mean) * 0.8 * normal(code, place, t) + uniform(code, t, place)
        month[code] = min(od, max(0, int(drawn)))
    natural, methadone = month["T40.2"], month["T40.3"]
    month["T40.2-3"] = min(od, natural + methadone - min(natural, methadone) // 10)
    month["T40.2-4"] = min(od, t404 + month["T40.2-3"] - min(t404, month["T40.2-3"]) * 2 // 5)
    heroin = month["T40.1"]
    month["T40.0-4,6"] = min(od, month["T40.2-4"] + heroin - min(heroin, month["T40.2-4"]) * 7 // 10)
    return {k: [v] for k, v in month.items()}


def _all_causes(place: str, when: float, month: int, t: int) -> int:
    winter = (1.12, 1.06, 1.04, 0.99, 0.97, 0.94, 0.95, 0.95, 0.94, 0.98, 1.0, 1.07)[month - 1]
    pandemic = 1.17 if 2020.25 <= when < 2022.2 else 1.0
    mean = _population(place) * 1e4 * 0.0086 / 12 * winter * pandemic * between(0.85, 1.2, "mortality", place)
    return int(mean + math.sqrt(mean) * normal("ALL", place, t))


def _append(series: Counts, month: Counts, all_causes: int) -> None:
    series.setdefault("ALL", []).append(all_causes)
    for code, values in month.items():
        series.setdefault(code, []).extend(values)


@cache
def residents() -> dict[str, Counts]:
    """Overdose and T40.4 deaths by state of residence (New York State whole), for WONDER.

    About one death in a hundred happened elsewhere. The US by calendar year equals the published
    resident totals, and the published T40.4 totals.
    """
    there = truth()
    resident_years = {**published.OVERDOSE_DEATHS_SHAPE, **published.OVERDOSE_DEATHS_RESIDENT}
    wanted = overdose_by_month(resident_years, synthetic_by_month())
    places = [p for p in STATES if p != "PR"]
    out: dict[str, Counts] = {p: {"OD": [], "T40.4": []} for p in places}
    for t in range(len(MONTHS)):
        sums = {i: [_at(there, p, i, t) for p in places] for i in ("OD", "T40.4")}
        moved = [n * between(0.985, 1.015, "home", t, p) + 0.01 for n, p in zip(sums["OD"], places, strict=True)]
        od = _at_least(apportion(wanted[t], moved), sums["T40.4"])
        for p, deaths, lethal in zip(places, od, sums["T40.4"], strict=True):
            out[p]["OD"].append(deaths)
            out[p]["T40.4"].append(lethal)
    return out


def _at_least(counts: list[int], floors: list[int]) -> list[int]:
    """The counts, none below its floor; the largest gives what is missing, so that the sum stays."""
    out = [max(c, f) for c, f in zip(counts, floors, strict=True)]
    out[out.index(max(out))] -= sum(out) - sum(counts)
    return out


def _at(there: Truth, state: str, indicator: str, t: int) -> int:
    city = there.counts["YC"][indicator][t] if state == "NY" else 0
    return there.counts[state][indicator][t] + city
