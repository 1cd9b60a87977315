"""Sample of cdc_wonder_overdose: two sets of query results, by state of residence and month.

What belongs here: the format of CDC WONDER's text and table exports, suppression, provisional years. What does
not: the deaths themselves (shared/sample/deaths).
Quirks: tab-separated text with a ``---`` tail of query parameters and without a last line end, Total rows in
some years, rows under 10 deaths absent, state codes padded in one format only, ``2023 `` and ``(provisional)``
in labels, two T40.4 queries that overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.ingest.samples.draw import uniform
from pipelines.ingest.samples.tree import SampleVintage, delimited
from pipelines.sources.shared.sample.deaths import at, residents
from pipelines.sources.shared.sample.states import STATES

TEXT_HEADER = [
    "Notes", "Month", "Month Code", "Residence State", "Residence State Code", "Deaths", "Population",
    "Crude Rate",
]  # fmt: skip
TABLE_HEADER = (
    "Notes|Year|Year Code|Month|Month Code|{state}|{state} Code|Multiple Cause of death|"
    "Multiple Cause of death Code|Deaths|Population|Crude Rate"
)
SHORT_MONTHS = ["Jan.", "Feb.", "Mar.", "Apr.", "May", "Jun.", "Jul.", "Aug.", "Sep.", "Oct.", "Nov.", "Dec."]
NO_RATE = "Not Applicable"


@dataclass(frozen=True)
class Release:
    """One set of queries. labels: what stands behind a year that is not final; last: newest month."""

    published: str
    asked: str
    last: tuple[int, int]
    labels: dict[int, str]
    missing: float


RELEASES = (
    Release("2025-04-21", "Apr 21, 2025 4:55:30 PM", (2024, 10), {2024: " (provisional)"}, 0.1),
    Release("2026-01-20", "Jan 20, 2026 9:12:05 AM", (2025, 6), {2025: " (provisional and partial)"}, 0.4),
)


def vintages() -> Iterator[SampleVintage]:
    """Both sets, oldest first."""
    for release in RELEASES:
        files: dict[str, bytes] = {}
        for year in range(2015, release.last[0] + 1):
            files[f"WONDER_{year}-SAMPLE.txt.gz"] = _text(release, year).encode()
        closed = "Multiple_Cause_of_Death_2015_2019-SAMPLE.csv.gz"
        recent = "Provisional_Mortality_Statistics_2018_through_Last_Week-SAMPLE.csv.gz"
        files[closed] = _table(release, "State", range(2015, 2020)).encode()
        files[recent] = _table(release, "Residence State", range(2018, release.last[0] + 1)).encode()
        yield SampleVintage("cdc_wonder_overdose", release.published, files)


def _counts(release: Release, indicator: str, year: int, month: int) -> list[tuple[str, int]]:
    """Deaths by state; a year that is not final still lacks some certificates, one in a state and month at most."""
    t = at(year, month)
    out = []
    for postal, series in residents().items():
        deaths = series[indicator][t]
        if year in release.labels and uniform("wonder", release.published, postal, t) < release.missing:
            deaths = max(0, deaths - 1)
        out.append((postal, deaths))
    return out


def _months(release: Release, year: int) -> range:
    return range(1, release.last[1] + 1 if year == release.last[0] else 13)


def _text(release: Release, year: int) -> str:
    """All overdose deaths of one year, as WONDER's text export; Total rows up to 2023."""
    label = release.labels.get(year, "")
    totals = year <= 2023
    rows: list[list[str]] = []
    whole = 0
    for month in _months(release, year):
        name, code = f"{SHORT_MONTHS[month - 1]}, {year}{label}", f"{year}/{month:02}"
        counts = _counts(release, "OD", year, month)
        for postal, deaths in counts:
            if deaths >= 10:
                state = STATES[postal]
                rows.append(["", name, code, state.name, str(int(state.fips)), str(deaths), NO_RATE, NO_RATE])
        whole += sum(n for _, n in counts)
        if totals:
            rows.append(["Total", name, code, "", "", str(sum(n for _, n in counts)), NO_RATE, NO_RATE])
    if totals:
        rows.append(["Total", "", "", "", "", str(whole), NO_RATE, NO_RATE])
    body = "".join(_tabs(r) for r in [TEXT_HEADER, *rows])
    tail = "".join(_tabs([line, *[""] * 7]) for line in _tail(release, year, label, totals))
    return body + tail.removesuffix("\r\n")


def _tabs(cells: list[str]) -> str:
    """A line of the export: tabs, and quotes round a cell with a comma."""
    return "\t".join(f'"{c}"' if "," in c else c for c in cells) + "\r\n"


def _tail(release: Release, year: int, label: str, totals: bool) -> list[str]:
    return [
        "---",
        "Dataset: SAMPLE, generated in the format of Provisional Mortality Statistics, 2018 through Last Week",
        "Query Parameters:",
        "UCD - Drug/Alcohol Induced Causes: Drug poisonings (overdose) Unintentional (X40-X44); Suicide (X60-X64); "
        "Homicide (X85); Undetermined (Y10-Y14)",
        f"Year/Month: {year}{label}",
        "Group By: Month; Residence State",
        f"Show Totals: {'True' if totals else 'Disabled'}",
        "Show Zero Values: False",
        "Show Suppressed: False",
        "---",
        f"Query Date: {release.asked}",
        "---",
        "Suggested Citation: none. SAMPLE: generated, not official, not from CDC WONDER.",
        "---",
        "Messages:",
        "1. Rows with zero Deaths are hidden. Use Quick Options above to show zero rows.",
        "2. Rows with suppressed Deaths are hidden. Use Quick Options above to show suppressed rows.",
    ]


def _table(release: Release, state_title: str, years: range) -> str:
    """T40.4 deaths, as WONDER's table export: rows by year, month and state."""
    rows: list[list[str]] = [TABLE_HEADER.format(state=state_title).split("|")]
    for year in years:
        label = release.labels.get(year, " " if year == 2023 and state_title != "State" else "")
        for month in _months(release, year):
            name, code = f"{SHORT_MONTHS[month - 1]}, {year}{label}", f"{year}/{month:02}"
            for postal, deaths in _counts(release, "T40.4", year, month):
                if deaths >= 10:
                    state = STATES[postal]
                    rows.append(["", f"{year}{label}", str(year), name, code, state.name, state.fips,
                                 "Other synthetic narcotics", "T40.4", str(deaths), NO_RATE, NO_RATE])  # fmt: skip
    return delimited(rows)
