"""Sample of cdc_vsrr_overdose: two releases of the 12-column export.

What belongs here: reporting lag, revisions and the format. What does not: the deaths themselves (shared/sample/deaths).
Quirks: BOM and "4,034" in the older release, plain numbers in the newer; 99.5+; suppressed and low-quality
blanks told by the footnote only; a percent among counts; YC beside NY; PR in the newer release only; drug rows
for some states only; predicted values re-estimated back to 2015; a count that fell and values that went away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.ingest.samples.draw import between, uniform
from pipelines.ingest.samples.tree import SampleVintage, delimited
from pipelines.sources.shared.sample import calibration as published
from pipelines.sources.shared.sample.deaths import MONTHS, PARTS, at, truth
from pipelines.sources.shared.sample.states import STATES

HEADER = [
    "State", "Year", "Month", "Period", "Indicator", "Data Value", "Percent Complete",
    "Percent Pending Investigation", "State Name", "Footnote", "Footnote Symbol", "Predicted Value",
]  # fmt: skip
MONTH_NAMES = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
]  # fmt: skip
PERCENT = "Percent with drugs specified"
TITLES = {
    "ALL": "Number of Deaths",
    "OD": "Number of Drug Overdose Deaths",
    "T40.0-4,6": "Opioids (T40.0-T40.4,T40.6)",
    "T40.2": "Natural & semi-synthetic opioids (T40.2)",
    "T40.3": "Methadone (T40.3)",
    "T40.2-3": "Natural & semi-synthetic opioids, incl. methadone (T40.2, T40.3)",
    "T40.2-4": "Natural, semi-synthetic, & synthetic opioids, incl. methadone (T40.2-T40.4)",
    "T40.4": "Synthetic opioids, excl. methadone (T40.4)",
    "T40.1": "Heroin (T40.1)",
    "T40.5": "Cocaine (T40.5)",
    "T43.6": "Psychostimulants with abuse potential (T43.6)",
}
ALL_CLASSES = {"US", "YC", "NY", "AZ", "CA", "NM", "TX", "FL", "OH", "WV", "KY", "MD", "MA", "NC", "WA", "VT", "SD"}
"""Places with a row for every drug class; the others have T40.4 alone, to keep the sample small."""
NO_CLASSES = {"LA", "PA"}
GOOD_SINCE = {"AZ": (2017, 4), "CA": (2019, 1), "TX": (2018, 7), "AL": (2018, 3), "ID": (2019, 6), "MT": (2018, 10),
              "NE": (2020, 2), "ND": (2017, 9), "KS": (2018, 1), "PR": (2017, 1)}  # fmt: skip
"""First month whose drug classes are shown; before it too few certificates name a drug."""
_LATE = (0.19, 0.075, 0.035, 0.017, 0.008, 0.004)
_NAMES = {"US": "United States", "YC": "New York City", **{p: s.name for p, s in STATES.items()}}


@dataclass(frozen=True)
class Release:
    """One release. last: its newest month; provisional: first month that is still underreported."""

    published: str
    last: tuple[int, int]
    provisional: tuple[int, int]
    places: list[str]
    old_style: bool


RELEASES = (
    Release("2025-07-16", (2025, 2), (2024, 1), sorted(["US", *PARTS]), old_style=True),
    Release("2026-01-14", (2025, 8), (2025, 1), sorted(["US", *PARTS, "PR"]), old_style=False),
)


def vintages() -> Iterator[SampleVintage]:
    """Both releases, oldest first."""
    for release in RELEASES:
        text = delimited([HEADER, *_rows(release)], end="\n")
        content = ("\ufeff" if release.old_style else "") + text
        name = "VSRR_Provisional_Drug_Overdose_Death_Counts-SAMPLE.csv.gz"
        yield SampleVintage("cdc_vsrr_overdose", release.published, {name: content.encode()})


def _rows(release: Release) -> Iterator[list[str]]:
    reported = _reported(release)
    for place in release.places:
        for title, code in _indicators(place):
            series = _percents(place, reported[place]["OD"]) if code is None else reported[place][code]
            first = at(2015, 1)
            months = list(range(first, at(*release.last) + 1))
            if release.old_style:  # that export sorted months by their names
                months.sort(key=lambda t: (MONTHS[t][0], MONTH_NAMES[MONTHS[t][1] - 1]))
            for t in months:
                yield _row(release, place, title, code, t, series[t])


def _indicators(place: str) -> list[tuple[str, str | None]]:
    codes = ["ALL", "OD"]
    if place not in NO_CLASSES:
        codes += [c for c in TITLES if c not in codes] if place in ALL_CLASSES else ["T40.4"]
    rows: list[tuple[str, str | None]] = [(TITLES[c], c) for c in codes]
    return sorted([*rows, (PERCENT, None)], key=lambda r: r[0])


def _reported(release: Release) -> dict[str, dict[str, list[float]]]:
    """12-month sums as known at the release. The US is the sum of its parts, published or not."""
    last = at(*release.last)
    known: dict[str, dict[str, list[int]]] = {}
    for place in [*PARTS, "PR"]:
        known[place] = {}
        for code, series in truth().counts[place].items():
            monthly = [n - _missing(release, place, code, t, n) for t, n in enumerate(series[: last + 1])]
            if release.old_style and place == "NC" and code in ("OD", "T40.4"):
                monthly[at(2024, 3)] += 40  # later moved to other causes: a count that falls
            known[place][code] = monthly
    us = {c: [sum(known[p][c][t] for p in PARTS) for t in range(last + 1)] for c in TITLES}
    sums: dict[str, dict[str, list[float]]] = {}
    for place, counts in {**known, "US": us}.items():
        sums[place] = {c: [float(sum(v[max(0, t - 11) : t + 1])) for t in range(last + 1)] for c, v in counts.items()}
    return sums


def _missing(release: Release, place: str, code: str, t: int, deaths: int) -> int:
    """Deaths of a month that no certificate with a cause tells of yet, the same share for every drug class."""
    lag = at(*release.last) - t
    if lag >= len(_LATE):
        return 0
    pace = 0.3 if code == "ALL" else between(0.4, 1.7, "lag", place) * between(0.8, 1.2, "lag", place, t)
    return int(deaths * min(0.6, _LATE[lag] * pace) + 0.5)


def _percents(place: str, overdose: list[float]) -> list[float]:
    """Percent of the 12 months' certificates that name a drug."""
    out = []
    for t, deaths in enumerate(overdose):
        best = between(93, 99.5, "named", place)
        good = _good_since(place)
        years = (good - t) / 12
        percent = best if years <= 0 else max(60.0, min(best, 89.0) - 5 * years)
        named = min(deaths, int(deaths * percent / 100 + between(0, 2, "named", place, t)))
        out.append(round(100 * named / deaths, 7) if deaths else 100.0)
    return out


def _good_since(place: str) -> int:
    return at(*GOOD_SINCE[place]) if place in GOOD_SINCE else 0


def _row(release: Release, place: str, title: str, code: str | None, t: int, value: float) -> list[str]:
    year, month = MONTHS[t]
    provisional = (year, month) >= release.provisional
    reason = _blank(release, place, code, t, value)
    predicted = "" if code in (None, "ALL") else str(_predicted(release, place, str(code), t, int(value)))
    if reason and not (place == "NC" and code == "T40.4"):  # NC shows a predicted value beside the blank
        predicted = ""
    base = (
        "Underreported due to incomplete data."
        if provisional
        else ("Numbers may differ from published reports using final data. See Technical Notes.")
    )
    gap = "  " if release.old_style else " "
    shown = "" if reason else (repr(value) if code is None else str(int(value)))
    if code is None and shown.endswith(".0"):
        shown = shown[:-2]
    return [
        place,
        str(year),
        MONTH_NAMES[month - 1],
        "12 month-ending",
        title,
        _grouped(release, shown),
        _complete(place, t, provisional),
        _pending(release, place, t, provisional),
        _NAMES[place],
        base + (gap + reason if reason else ""),
        "*" if provisional else "**",
        _grouped(release, predicted),
    ]


def _blank(release: Release, place: str, code: str | None, t: int, value: float) -> str:
    """The footnote's sentence where the publisher leaves the value out, else an empty text."""
    if code in (None, "ALL"):
        return ""
    lost = not release.old_style and place == "NC" and code == "T40.4" and MONTHS[t] in ((2023, 10), (2023, 11))
    if lost or (code != "OD" and t < _good_since(place)):
        return "Data not shown due to low data quality."
    return "Data suppressed (<10)." if 0 < value < 10 else ""


def _predicted(release: Release, place: str, code: str, t: int, value: int) -> int:
    """The value CDC would adjust to: at least the reported one, re-estimated for some places at each release."""
    if place == "US" and code == "OD":
        return value + _us_gap(release, t, value)
    version = release.published if uniform("re-estimated", place, code) < 0.4 else ""
    share = between(0.0, 0.006, "gap", place, code, version)
    return value + int(value * (share + 1.15 * _late_share(release, place, t)) + 0.5)


def _us_gap(release: Release, t: int, value: int) -> int:
    """Predicted minus reported, US: the published differences of December 2022 and 2023, and between them."""
    ends = {y: published.OVERDOSE_DEATHS_VSRR_PREDICTED[y] - n for y, n in published.OVERDOSE_DEATHS_VSRR.items()}
    first, second = at(2022, 12), at(2023, 12)
    if first <= t <= second:
        return ends[2022] + (ends[2023] - ends[2022]) * (t - first) // 12
    share = (
        ends[2022] / published.OVERDOSE_DEATHS_VSRR[2022]
        if t < first
        else (ends[2023] / published.OVERDOSE_DEATHS_VSRR[2023])
    )
    return int(value * (share + 1.15 * _late_share(release, "US", t)) + 0.5)


def _late_share(release: Release, place: str, t: int) -> float:
    """Share of a 12-month sum that is still missing."""
    lag = at(*release.last) - t
    pace = 1.05 if place == "US" else between(0.4, 1.7, "lag", place)
    share = 0.0
    for late in _LATE[lag:] if lag >= 0 else ():
        share += late * pace / 12
    return share


def _complete(place: str, t: int, provisional: bool) -> str:
    draw = uniform("complete", place, t)
    if not provisional or draw < 0.55:
        return "100"
    return "99.5+" if draw < 0.9 else f"{between(97, 99.4, 'complete', t, place):.1f}"


def _pending(release: Release, place: str, t: int, provisional: bool) -> str:
    if not provisional:
        return "0.0" if release.old_style else "0"
    lag = at(*release.last) - t
    return f"{between(0.02, 0.25, 'pending', place, release.published, t) * (1 + 3 / (lag + 1)):.6f}"


def _grouped(release: Release, text: str) -> str:
    """Thousands separators, as the older export style has them."""
    return f"{int(text):,}" if release.old_style and text.isdigit() else text
