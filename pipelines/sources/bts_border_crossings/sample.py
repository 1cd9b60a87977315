"""Sample of bts_border_crossings: a release in the layout of 2022 and one in the layout of 2025.

What belongs here: drawing crossings, the two layouts and their flaws. What does not: the table of ports.
Quirks: ``May 2022``, port codes of three and four digits beside each other (then padded), 7 and 10 columns, zeros
as rows in 2015 and absent later, doubled keys (equal and conflicting), truck containers missing from the last two
months, a revision by a factor of a hundred, Ysleta split from El Paso, implausible loaded containers from 2023-07.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from pipelines.ingest.samples.draw import Table, between, between_years, normal, uniform
from pipelines.ingest.samples.tree import SampleVintage, delimited
from pipelines.sources.bts_border_crossings.sample_ports import PORTS, Port

HEADER = ["Port Name", "State", "Port Code", "Border", "Date", "Measure", "Value", "Latitude", "Longitude", "Point"]
SHORT_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
MEASURES = (
    "Trucks", "Truck Containers Loaded", "Truck Containers Empty", "Trains", "Train Passengers",
    "Rail Containers Loaded", "Rail Containers Empty", "Buses", "Bus Passengers", "Personal Vehicles",
    "Personal Vehicle Passengers", "Pedestrians",
)  # fmt: skip
MONTHS = [(y, m) for y in range(2015, 2026) for m in range(1, 13)]
_PEOPLE: Table = {
    2015: 97, 2019.9: 102, 2020.2: 100, 2020.3: 45, 2020.6: 55, 2021.6: 70, 2021.95: 92, 2024: 103, 2026: 102,
}  # fmt: skip
_FREIGHT: Table = {2015: 76, 2019: 88, 2020.2: 88, 2020.35: 68, 2020.7: 90, 2023: 102, 2026: 106}
_SEASON = (0.96, 0.91, 1.04, 1.0, 1.02, 0.99, 1.03, 1.02, 0.96, 1.0, 1.0, 1.07)
OPENED = {"2582": (2017, 10), "2401": (2020, 3)}
DOUBLED = (("2310", (2019, 6), "Personal Vehicles"), ("2302", (2019, 6), "Trucks"))
"""Keys that are there twice with one figure."""
CONFLICT = ("2606", (2021, 3), "Pedestrians")
"""A key that is there twice with two figures, 0 and the right one."""
MISTYPED = ("2304", (2022, 5), "Pedestrians")
"""A figure that the older release has a hundred times too small."""


@dataclass(frozen=True)
class Release:
    """One export. columns: how many of the ten columns it has; padded_since: first month with four-digit codes."""

    published: str
    last: tuple[int, int]
    columns: int
    padded_since: tuple[int, int]
    by_port: bool


RELEASES = (
    Release("2022-09-27", (2022, 7), 7, (2022, 5), by_port=True),
    Release("2026-01-21", (2025, 11), 10, (2015, 1), by_port=False),
)


def vintages() -> Iterator[SampleVintage]:
    """Both releases, oldest first."""
    for release in RELEASES:
        rows = list(_rows(release))
        if not release.by_port:
            rows.sort(key=lambda r: (MEASURES.index(r[5]), r[1], r[2]))
        content = delimited([HEADER[: release.columns], *rows], end="\n").encode()
        yield SampleVintage(
            "bts_border_crossings", release.published, {"Border_Crossing_Entry_Data-SAMPLE.csv.gz": content}
        )


def _rows(release: Release) -> Iterator[list[str]]:
    for port in PORTS:
        for month in (m for m in MONTHS if m <= release.last):
            for measure, value in crossings(port, month).items():
                key = (port.code, month, measure)
                if _is_shown(release, port, month, measure, value):
                    small = release is RELEASES[0] and key == MISTYPED
                    yield _row(release, port, month, measure, value // 100 if small else value)
                    if key in DOUBLED:
                        yield _row(release, port, month, measure, value)
                    if key == CONFLICT:
                        yield _row(release, port, month, measure, 0)


def _is_shown(release: Release, port: Port, month: tuple[int, int], measure: str, value: int) -> bool:
    """Whether the release has the row: zeros fade out after 2015, containers come late."""
    if month < OPENED.get(port.code, (2015, 1)):
        return False
    if value == 0:
        return month[0] == 2015 or (month[0] == 2016 and uniform("zero", port.code, month, measure) < 0.6)
    age = 12 * (release.last[0] - month[0]) + release.last[1] - month[1]
    late = age < 2 and measure.startswith("Truck Containers")
    return not late or uniform("in time", port.code, measure) < 0.1


def _row(release: Release, port: Port, month: tuple[int, int], measure: str, value: int) -> list[str]:
    code = port.code if month >= release.padded_since else str(int(port.code))
    date = f"{SHORT_MONTHS[month[1] - 1]} {month[0]}"
    row = [port.name, port.state, code, port.border, date, measure, str(value)]
    return [*row, port.latitude, port.longitude, port.point][: release.columns]


@cache
def crossings(port: Port, month: tuple[int, int]) -> dict[str, int]:
    """One port's entries in a month by measure, zeros included."""
    when = month[0] + (month[1] - 0.5) / 12
    people = between_years(_PEOPLE, when) / 100 * _SEASON[month[1] - 1]
    freight = between_years(_FREIGHT, when) / 100 * (1 + (_SEASON[month[1] - 1] - 1) / 2)
    one = _with_unsplit(port, month)
    cars = _count(1000 * one.vehicles * people, 0.04, "cars", port.code, month)
    feet = _count(1000 * one.pedestrians * people, 0.06, "feet", port.code, month)
    trucks = _count(1000 * one.trucks * freight, 0.05, "trucks", port.code, month)
    buses = _count(port.buses * people, 0.08, "buses", port.code, month)
    trains = _count(port.trains * freight, 0.05, "trains", port.code, month)
    loaded = int(trucks * between(0.62, 0.78, "loaded", port.code))
    empty = trucks - loaded
    if month >= (2023, 7):
        loaded = int(loaded * (1.9 if month >= (2024, 1) else 1.35))
    wagons = _count(trains * 75.0, 0.04, "wagons", port.code, month)
    riders = _count(cars * (1.85 if port.border.startswith("US-M") else 2.0), 0.01, "riders", port.code, month)
    values = (
        trucks, loaded, empty, trains, trains * 3 + trains // 7, int(wagons * 0.55), wagons - int(wagons * 0.55),
        buses, _count(buses * 16.0, 0.05, "bus riders", port.code, month), cars, riders, feet,
    )  # fmt: skip
    return dict(zip(MEASURES, values, strict=True))


def _with_unsplit(port: Port, month: tuple[int, int]) -> Port:
    """The port; El Paso with what it also counted before Ysleta became a port of its own."""
    if port.code != "2402" or month >= OPENED["2401"]:
        return port
    ysleta = next(p for p in PORTS if p.code == "2401")
    return replace(
        port,
        vehicles=port.vehicles + ysleta.vehicles,
        pedestrians=port.pedestrians + ysleta.pedestrians,
        trucks=port.trucks + ysleta.trucks,
    )


def _count(mean: float, sigma: float, *key: object) -> int:
    return max(0, int(mean * (1 + sigma * normal(*key)) + 0.5))
