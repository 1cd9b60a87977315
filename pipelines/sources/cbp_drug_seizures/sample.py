"""Sample of cbp_drug_seizures: four releases of the nationwide file, OFO and USBP.

What belongs here: drawing seizures, revising the open year, the format. What does not: the tables of shape.
Quirks: FYTD labels, months in alphabetical order, ``Other Drugs**``, events with 0.0 lb, scientific notation,
native units (OFO 0.01 g, USBP 0.0001 lb), closed years whose text drifts in the last digit, an open year that
moves both ways, rows that vanish or appear, weight moved from fentanyl to heroin, a gross error set right later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache

from pipelines.ingest.samples.draw import between, monthly_curve, poisson, spread, total, uniform
from pipelines.ingest.samples.tree import SampleVintage, delimited
from pipelines.sources.shared.sample import calibration as published
from pipelines.sources.shared.sample.seizure_shapes import (
    AREAS,
    BORDER_SHARE,
    DRUGS,
    EVENTS,
    FISCAL_MONTHS,
    FISCAL_YEARS,
    INTERIOR,
    OFO,
    POUNDS,
    SOUTHWEST,
    SPARSE,
    USBP,
    Area,
)

HEADER = [
    "FY", "Month (abbv)", "Component", "Region", "Land Filter", "Area of Responsibility", "Drug Type",
    "Count of Event", "Sum Qty (lbs)",
]  # fmt: skip
CENTIGRAM_LB = 2.20462262e-05
"""Pounds in 0.01 g, as CBP converts OFO weights."""


@dataclass(frozen=True)
class Cell:
    """One row: a key, events, and weight in the component's own unit (OFO 0.01 g, USBP 0.0001 lb)."""

    fy: int
    month: int
    area: Area
    land: str
    drug: str
    events: int
    units: int

    @property
    def lb(self) -> float:
        """Weight in pounds as a double, in the order of operations of the first text."""
        return self.units / 100 * 0.00220462262 if self.area.component == OFO else self.units / 10000

    def text(self, drift: bool) -> str:
        """The weight as printed; with drift the last digit may differ, as between CBP's releases."""
        if not drift:
            return repr(self.lb)
        return repr(self.units * CENTIGRAM_LB if self.area.component == OFO else self.units * 0.0001)


@dataclass(frozen=True)
class Release:
    """One file. years: fiscal years; open: fiscal year to date and its number of months, if one is open."""

    published: str
    window: str
    years: range
    open: tuple[int, int] | None
    drift: bool


RELEASES = (
    Release("2022-11-15", "fy19-fy22", range(2019, 2023), None, drift=False),
    Release("2025-01-15", "fy22-fy25-dec", range(2022, 2026), (2025, 3), drift=True),
    Release("2025-11-15", "fy22-fy25", range(2022, 2026), None, drift=False),
    Release("2026-01-15", "fy23-fy26-dec", range(2023, 2027), (2026, 3), drift=True),
)


def vintages() -> Iterator[SampleVintage]:
    """All releases, oldest first."""
    for release in RELEASES:
        cells = _as_known(release)
        newest_first = release.open is not None
        cells.sort(key=lambda c: (-c.fy if newest_first else c.fy, *_key(c)))
        rows = [_row(release, c) for c in cells]
        content = delimited([HEADER, *rows]).encode()
        name = f"nationwide-drugs-{release.window}-SAMPLE.csv.gz"
        yield SampleVintage("cbp_drug_seizures", release.published, {name: content})


def _key(cell: Cell) -> tuple[str, ...]:
    return FISCAL_MONTHS[cell.month], cell.area.component, cell.area.region, cell.land, cell.area.name, cell.drug


def _row(release: Release, cell: Cell) -> list[str]:
    is_open = release.open is not None and cell.fy == release.open[0]
    return [
        f"{cell.fy} (FYTD)" if is_open else str(cell.fy),
        FISCAL_MONTHS[cell.month],
        cell.area.component,
        cell.area.region,
        cell.land,
        cell.area.name,
        cell.drug,
        str(cell.events),
        cell.text(release.drift),
    ]


@cache
def seizures() -> tuple[Cell, ...]:
    """What was seized in the end; fentanyl adds up to the published totals."""
    cells: list[Cell] = []
    for drug in DRUGS:
        levels = _monthly_levels(drug)
        for fy in FISCAL_YEARS:
            months = 3 if fy == 2026 else 12
            drawn = [c for m in range(months) for c in _drawn(drug, fy, m, levels[(fy - 2019) * 12 + m])]
            cells += _scaled(drug, fy, drawn)
    return tuple(cells)


def _monthly_levels(drug: str) -> list[float]:
    """National events by month, October 2018 on: a smooth course and a season (harvest, spring)."""
    curve = monthly_curve([(12, float(n)) for n in EVENTS[drug]])
    season = (1.02, 0.96, 0.95, 0.97, 0.97, 1.04, 1.06, 1.04, 1.0, 0.99, 1.0, 1.0)
    return [v * season[i % 12] * spread(0.05, "level", drug, i) for i, v in enumerate(curve)]


def _drawn(drug: str, fy: int, month: int, level: float) -> Iterator[Cell]:
    """One month's rows with raw weights; an area without an event has no row."""
    for area, land, share in _shares(drug, fy):
        events = poisson(level * share, "events", drug, fy, month, area.name, land)
        if events:
            key = (drug, fy, month, area.name, land)
            mean = _pounds_per_event(drug, fy, area) * spread(1.1 / (1 + events) ** 0.4, "lb", *key)
            if land == "Other" and area.region == SOUTHWEST:
                mean *= 0.2  # airports and mail: many small parcels
            trace = events < 4 and uniform("trace", *key) < (0.08 if area.component == USBP else 0.01)
            pounds = between(0.000005, 0.00015, "crumb", *key) if trace else mean * events
            unit = 0.0001 if area.component == USBP else CENTIGRAM_LB
            floor = 0 if area.component == USBP else 1
            yield Cell(fy, month, area, land, drug, events, max(floor, int(pounds / unit + 0.5)))


@cache
def _shares(drug: str, fy: int) -> list[tuple[Area, str, float]]:
    """Share of national events by area and land filter; they add up to about 1."""
    weights: list[tuple[Area, str, float]] = []
    sums = {True: 0.0, False: 0.0}
    for area in AREAS:
        border = area.region == SOUTHWEST
        if not border and uniform("never", drug, area.name) < SPARSE[drug]:
            continue
        weight = area.weight * spread(0.4, "weight", drug, area.name)
        if drug == "Fentanyl":
            weight = (weight + 3 * _fentanyl_share(area, fy)) / 4
        sums[border] += weight
        for land, part in _land_filters(area):
            weights.append((area, land, weight * part))
    border_share = BORDER_SHARE[drug] / 100
    return [
        (a, land, w / sums[a.region == SOUTHWEST] * (border_share if a.region == SOUTHWEST else 1 - border_share))
        for a, land, w in weights
    ]


def _land_filters(area: Area) -> list[tuple[str, float]]:
    if area.region == INTERIOR:
        return [("Other", 1.0)]
    if area.component == USBP:
        return [("Land Only", 1.0)]
    return [("Land Only", 0.9), ("Other", 0.1)] if area.region == SOUTHWEST else [("Land Only", 0.7), ("Other", 0.3)]


def _fentanyl_share(area: Area, fy: int) -> float:
    first, last = area.fentanyl
    return max(0.4, first + (last - first) * min(6, fy - 2019) / 6)


def _pounds_per_event(drug: str, fy: int, area: Area) -> float:
    """Relative weight of an event; only proportions matter, a fiscal year is scaled as a whole."""
    if drug == "Fentanyl":
        events = next(s for a, _, s in _shares(drug, fy) if a.name == area.name)
        return _fentanyl_share(area, fy) / (events + 0.002)
    own = spread(0.5, "size", drug, area.name)
    if area.component == USBP:
        return own * (0.6 if drug != "Marijuana" else 1.2)
    return own * (1.6 if area.region == SOUTHWEST else 0.7)


def _scaled(drug: str, fy: int, cells: list[Cell]) -> list[Cell]:
    """The cells of a fiscal year with weights that follow its national total; fentanyl exactly."""
    raw = total([c.lb for c in cells])
    if drug != "Fentanyl":
        wanted = POUNDS[drug][fy - 2019] * (0.25 if fy == 2026 else 1.0)
        return [replace(c, units=_rounded(c, wanted / raw)) for c in cells]
    exact = published.FENTANYL_LB.get(fy, published.FENTANYL_LB_FY2026_TO_DECEMBER)
    out = [replace(c, units=_rounded(c, float(exact) / raw)) for c in cells]
    largest = max((i for i, c in enumerate(out) if c.area.component == OFO), key=lambda i: out[i].units)
    lacking = exact - sum((_decimal(c) for c in out), Decimal(0))
    units = out[largest].units + int((lacking / Decimal("0.0000220462262")).to_integral_value())
    out[largest] = replace(out[largest], units=units)
    return out


def _rounded(cell: Cell, factor: float) -> int:
    if cell.units * (CENTIGRAM_LB if cell.area.component == OFO else 0.0001) < 0.0003:
        return cell.units  # a trace stays a trace
    return int(cell.units * factor + 0.5)


def _decimal(cell: Cell) -> Decimal:
    return cell.units * (Decimal("0.0000220462262") if cell.area.component == OFO else Decimal("0.0001"))


def _as_known(release: Release) -> list[Cell]:
    """The cells of a release: closed years as they are, an open year as it looked then."""
    cells = [c for c in seizures() if c.fy in release.years]
    if release.open is None:
        return cells
    fy, months = release.open
    closed = [c for c in cells if c.fy != fy]
    opened = [c for c in cells if c.fy == fy and c.month < months]
    return [*closed, *(_early(opened) if fy < max(FISCAL_YEARS) else opened)]


def _early(cells: list[Cell]) -> list[Cell]:
    """An open year before its corrections: other weights, absent and spurious rows, unsettled substances."""
    out: list[Cell] = []
    for cell in cells:
        key = (cell.fy, *_key(cell))
        draw = uniform("revised", *key)
        if cell.area.component == OFO and cell.events == 1 and uniform("late", *key) < 0.02:
            continue  # entered into the system later
        if draw < 0.09 and cell.units > 100:
            change = between(-0.3, 0.3, "change", *key)
            events = max(1, cell.events + (1 if draw < 0.03 else -1 if draw < 0.06 else 0))
            cell = replace(cell, units=max(1, int(cell.units * (1 + change))), events=events)
        out.append(cell)
    out = _unsettled(out)
    present = {_key(c) for c in out}
    ghosts = [a for a in AREAS if a.name in ("PORTLAND FIELD OFFICE", "TAMPA FIELD OFFICE", "HAVRE SECTOR")]
    for area in ghosts:  # withdrawn when the year closes
        ghost = Cell(cells[0].fy, 1, area, _land_filters(area)[0][0], "Heroin", 1, 1234)
        if _key(ghost) not in present:
            out.append(ghost)
    return out


def _unsettled(cells: list[Cell]) -> list[Cell]:
    """Heroin that was first called fentanyl in Tucson in October, and marijuana typed with a wrong unit."""
    moved = 3_600_000  # 0.01 g: about 79 lb
    out = []
    for cell in cells:
        if cell.area.name == "TUCSON FIELD OFFICE" and cell.month == 0 and cell.land == "Land Only":
            if cell.drug == "Fentanyl":
                cell = replace(cell, units=cell.units + moved)
            elif cell.drug == "Heroin":
                cell = replace(cell, units=max(1, cell.units - moved))
        if cell.area.name == "ATLANTA FIELD OFFICE" and cell.month == 1 and cell.drug == "Marijuana":
            cell = replace(cell, units=cell.units * 20)
        out.append(cell)
    return out
