"""Sample of cbp_amo_drug_seizures: three releases of the Air and Marine Operations file.

What belongs here: everything about this source. What does not: OFO and USBP seizures; the two are never added.
Quirks: ``Branch`` instead of an area, ``Land``/``Other``, a branch with a comma in quotes, an office renamed in
FY2021, a branch renamed and moved to another region inside the open year, late rows, events with 0.0 lb.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from pipelines.ingest.samples.draw import between, poisson, spread, uniform
from pipelines.ingest.samples.tree import SampleVintage, delimited
from pipelines.sources.shared.sample.seizure_shapes import FISCAL_MONTHS, INTERIOR, NORTHERN, SOUTHWEST

HEADER = [
    "FY", "Month (abbv)", "Component", "Region", "Land Filter", "Branch", "Drug Type", "Count of Event",
    "Sum Qty (lbs)",
]  # fmt: skip
BAHAMAS = "AMO Operation Bahamas, Turks And Caicos"
OLD_OFFICE = "HQ Foreign Operations & Investigations Branch"
NEW_OFFICE = "HQ Investigative & Foreign Operations Branch"
CONTROLLER = "Ground Tactical Air Controller"
RENAMED = "AMO Special Programs Division"
_SOUTHWEST, _SEA, _NORTH = ((SOUTHWEST, "Land"),), ((INTERIOR, "Other"),), ((NORTHERN, "Land"), (NORTHERN, "Other"))
BRANCHES: dict[str, tuple[tuple[tuple[str, str], ...], float]] = {
    "Tucson Air Branch": (_SOUTHWEST, 6.0),
    "San Diego Air And Marine Branch": (((SOUTHWEST, "Land"), (SOUTHWEST, "Other")), 4.0),
    "Yuma Air Branch": (_SOUTHWEST, 2.0),
    "El Paso Air Branch": (_SOUTHWEST, 2.0),
    "Laredo Air Branch": (_SOUTHWEST, 2.0),
    "Mc Allen Air And Marine Branch": (_SOUTHWEST, 3.0),
    "Houston Air And Marine Branch": (_SEA, 1.5),
    "Miami Air And Marine Branch": (_SEA, 2.5),
    "Jacksonville Air And Marine Branch": (_SEA, 1.0),
    "Caribbean Air And Marine Branch": (_SEA, 3.0),
    "New Orleans Air And Marine Branch": (_SEA, 0.8),
    "Great Lakes Air And Marine Branch": (_NORTH, 0.8),
    "Bellingham Air Branch": (_NORTH, 0.6),
    "Manassas Air Branch": (_SEA, 0.4),
    "NASOC - Corpus Christi": (_SEA, 1.5),
    "NASOC - Jacksonville": (_SEA, 1.0),
    CONTROLLER: (((INTERIOR, "Other"), (SOUTHWEST, "Land")), 2.0),
    OLD_OFFICE: (_SEA, 0.5),
    BAHAMAS: (_SEA, 0.5),
}
"""Where a branch works and its events in an average month."""

DRUGS = {  # events in a hundred, median pounds of an event
    "Cocaine": (22, 160.0),
    "Fentanyl": (14, 14.0),
    "Heroin": (6, 4.0),
    "Marijuana": (26, 90.0),
    "Methamphetamine": (32, 35.0),
}


@dataclass(frozen=True)
class Cell:
    """One row: a key, events, and weight in hundredths of a pound."""

    fy: int
    month: int
    region: str
    land: str
    branch: str
    drug: str
    events: int
    hundredths: int


def vintages() -> Iterator[SampleVintage]:
    """All releases, oldest first."""
    early = [_before_revision(c) for c in _open_year(2) if uniform("reported late", c.fy, *_key(c)) > 0.15]
    late = [replace(c, branch=RENAMED, region=SOUTHWEST, land="Land") if _moves(c) else c for c in _open_year(3)]
    closed = [c for c in seizures() if c.fy < 2026]
    for published, window, cells in (
        ("2022-11-15", "fy19-fy22", [c for c in closed if c.fy <= 2022]),
        ("2025-12-15", "fy23-fy26-nov", [c for c in closed if c.fy >= 2023] + early),
        ("2026-01-15", "fy23-fy26-dec", [c for c in closed if c.fy >= 2023] + _merged(late)),
    ):
        newest_first = window != "fy19-fy22"
        cells = sorted(cells, key=lambda c: (-c.fy if newest_first else c.fy, *_key(c)))
        name = f"amo-drug-seizures-{window}-SAMPLE.csv.gz"
        content = delimited([HEADER, *map(_row, cells)]).encode()
        yield SampleVintage("cbp_amo_drug_seizures", published, {name: content})


def _open_year(months: int) -> list[Cell]:
    return [c for c in seizures() if c.fy == 2026 and c.month < months]


def _before_revision(cell: Cell) -> Cell:
    """The open year one release earlier: some weights are other than in the end, in both directions."""
    if uniform("amo revised", cell.fy, *_key(cell)) > 0.15:
        return cell
    return replace(cell, hundredths=int(cell.hundredths * between(0.8, 1.15, "amo change", *_key(cell))))


def _moves(cell: Cell) -> bool:
    return cell.branch == CONTROLLER


def _merged(cells: list[Cell]) -> list[Cell]:
    """One row a key: the renamed branch brings rows of two regions together."""
    rows: dict[tuple[str, ...], Cell] = {}
    for cell in cells:
        old = rows.get(_key(cell))
        if old is not None:
            cell = replace(cell, events=cell.events + old.events, hundredths=cell.hundredths + old.hundredths)
        rows[_key(cell)] = cell
    return list(rows.values())


def _key(cell: Cell) -> tuple[str, ...]:
    return FISCAL_MONTHS[cell.month], cell.region, cell.land, cell.branch, cell.drug


def _row(cell: Cell) -> list[str]:
    month, region, land, branch, drug = _key(cell)
    fy = "2026 (FYTD)" if cell.fy == 2026 else str(cell.fy)
    weight = repr(cell.hundredths / 100)
    return [fy, month, "Air and Marine Operations", region, land, branch, drug, str(cell.events), weight]


@cache
def seizures() -> tuple[Cell, ...]:
    """Seizures with Air and Marine Operations, FY2019 to December 2025."""
    cells: list[Cell] = []
    for fy in range(2019, 2027):
        for month in range(3 if fy == 2026 else 12):
            for branch, (places, rate) in BRANCHES.items():
                name = NEW_OFFICE if branch == OLD_OFFICE and fy >= 2021 else branch
                if (branch == BAHAMAS and fy > 2022) or (branch == OLD_OFFICE and fy > 2022):
                    continue
                for region, land in places:
                    cells += _drawn(fy, month, name, region, land, rate / len(places))
    return tuple(cells)


def _drawn(fy: int, month: int, branch: str, region: str, land: str, rate: float) -> Iterator[Cell]:
    for drug, (share, median) in DRUGS.items():
        if (drug == "Fentanyl" and region != SOUTHWEST) or (drug == "Cocaine" and region == NORTHERN):
            share = 2
        key = (fy, month, branch, region, land, drug)
        events = poisson(rate * share / 100 * 1.6, "amo", *key)
        if events:
            pounds = events * median * spread(1.2, "amo lb", *key) * (6 if region == INTERIOR else 1)
            if uniform("amo trace", *key) < 0.05:
                pounds = between(0, 0.008, "amo crumb", *key)
            yield Cell(fy, month, region, land, branch, drug, events, int(pounds * 100 + 0.5))
