"""Small files in every layout that the publishers use, as tables of text and as bytes.

What belongs here: headers, records, and how a layout writes them. What does not: what they mean (meaning), what
happens to them (mutations). Layouts are the publishers'; figures are made up and mean nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import polars as pl

from pipelines.core.settings import SEEDS
from pipelines.sources.shared.geography import us_states

Rows = list[list[str]]


@dataclass(frozen=True)
class Layout:
    """One layout with a small file in it. figures, dates: headers of the cells that such mutations spoil."""

    name: str
    source: str
    file: str
    header: list[str]
    rows: Rows
    figures: list[str]
    dates: list[str]
    kind: str = "csv"
    encoding: str = "utf-8"
    footer: str = ""
    final_newline: bool = True
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def separator(self) -> str:
        return "\t" if self.kind == "tsv" else ","

    @property
    def is_text(self) -> bool:
        return self.kind in ("csv", "tsv")

    def with_table(self, header: list[str], rows: Rows) -> Layout:
        return replace(self, header=header, rows=rows)

    def write(self, quoting: int = csv.QUOTE_MINIMAL, separator: str | None = None, end: str = "\n") -> bytes:
        """The file's bytes."""
        if self.kind == "parquet":
            return _parquet(self.header, self.rows)
        if self.kind == "xlsx":
            return _workbook(self.header, self.rows)
        text = self.text(quoting, separator, end)
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError:
            return text.encode()

    def text(self, quoting: int = csv.QUOTE_MINIMAL, separator: str | None = None, end: str = "\n") -> str:
        """The file as text, before its encoding."""
        out = io.StringIO()
        table = [self.header, *self.rows]
        csv.writer(out, delimiter=separator or self.separator, lineterminator=end, quoting=quoting).writerows(table)  # type: ignore[arg-type]
        text = out.getvalue() + self.footer
        return text if self.final_newline or self.footer else text.removesuffix(end)


def _parquet(header: list[str], rows: Rows) -> bytes:
    """Numbers as doubles, as the CDC's own Parquet has them; a column with any other text is text."""
    columns = {}
    for n, title in enumerate(header):
        cells = [r[n] for r in rows]
        if all(re.fullmatch(r"(-?[0-9]+(\.[0-9]+)?)?", c) for c in cells):
            columns[title] = pl.Series([float(c) if c else None for c in cells], dtype=pl.Float64)
        else:
            columns[title] = pl.Series([c or None for c in cells], dtype=pl.String)
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def _workbook(header: list[str], rows: Rows) -> bytes:
    """The print layout NST-EST: titles, headings over two rows (areas and bases have none), areas, notes."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": datetime(2024, 12, 19)})
    sheet = book.add_worksheet("NST-EST2024-POP")
    top = [
        ["table with row headers in column A and column headers in rows 3 through 4."],
        ["Annual Estimates of the Resident Population: April 1, 2020 to July 1, 2024"],
        ["Geographic Area", "April 1, 2020 Estimates Base", "Population Estimate (as of July 1)"],
    ]
    notes = [["Note: made up."], ["Suggested Citation:"], ["Release Date: December 2024"]]
    years = ["" if title in ("area", "base") else title for title in header]
    for row, cells in enumerate([*top, years, *rows, *notes]):
        for column, cell in enumerate(cells):
            if cell:
                sheet.write(row, column, int(cell) if cell.isdigit() and row > len(top) else cell)
    book.close()
    return out.getvalue()


# --- CBP and AMO ----------------------------------------------------------------------------------------------

_MONTHS = [("2023", "SEP"), ("2024 (FYTD)", "OCT"), ("2024 (FYTD)", "NOV"), ("2024 (FYTD)", "DEC")]


def _weights(start: int) -> Iterator[tuple[str, str]]:
    """Events and pounds, each pair another one."""
    n = start
    while True:
        n += 1
        yield str(n % 23 + 1), f"{n * 7919 % 4001 / 8:g}"


def _cbp() -> Layout:
    header = ["FY", "Month (abbv)", "Component", "Region", "Land Filter", "Area of Responsibility", "Drug Type"]
    ofo, usbp = "Office of Field Operations", "U.S. Border Patrol"
    places = [
        (ofo, "Southwest Border", "Land Only", "SAN DIEGO FIELD OFFICE"),
        (ofo, "Southwest Border", "Land Only", "TUCSON FIELD OFFICE"),
        (ofo, "Northern Border", "Land Only", "BUFFALO FIELD OFFICE"),
        (ofo, "Coastal/Interior", "Other", "MIAMI FIELD OFFICE"),
        (usbp, "Southwest Border", "Land Only", "YUMA SECTOR"),
    ]
    drugs = ("Fentanyl", "Khat (Catha Edulis)", "Other Drugs**")
    figure = _weights(0)
    rows = [[fy, m, *place, drug, *next(figure)] for fy, m in _MONTHS for place in places for drug in drugs]
    return _seizures("CBP", "cbp_drug_seizures", "nationwide-drugs-fy23-fy24-dec.csv", header, rows)


def _amo() -> Layout:
    header = ["FY", "Month (abbv)", "Component", "Region", "Land Filter", "Branch", "Drug Type"]
    places = [
        ("Southwest Border", "Land", "Tucson Air Branch"),
        ("Southwest Border", "Land", "Laredo Air Branch"),
        ("Northern Border", "Other", "Great Lakes Air And Marine Branch"),
        ("Coastal/Interior", "Other", "AMO Operation Bahamas, Turks And Caicos"),
        ("Coastal/Interior", "Other", "Caribbean Air And Marine Branch"),
    ]
    drugs = ("Cocaine", "Heroin", "Methamphetamine")
    figure = _weights(500)
    rows = [
        [fy, m, "Air and Marine Operations", *place, drug, *next(figure)]
        for fy, m in _MONTHS for place in places for drug in drugs
    ]  # fmt: skip
    return _seizures("AMO", "cbp_amo_drug_seizures", "amo-drug-seizures-fy23-fy24-dec.csv", header, rows)


def _seizures(name: str, source: str, file: str, header: list[str], rows: Rows) -> Layout:
    header = [*header, "Count of Event", "Sum Qty (lbs)"]
    return Layout(name, source, file, header, rows, header[-2:], header[:2])


_US = us_states(SEEDS / "jurisdictions.csv")

# --- VSRR -----------------------------------------------------------------------------------------------------

_STATES = {"AK": "Alaska", "AZ": "Arizona", "NY": "New York", "PR": "Puerto Rico", "YC": "New York City"}
_NATION = {"US": "United States"} | {p.removeprefix("US-"): n.title() for n, p in _US.by_name.items() if p != "US-PR"}
"""Every release has a row of overdose deaths for all of them. Connecticut's is blank, so that nothing must add up."""
_FINAL = "Numbers may differ from published reports using final data. See Technical Notes."
_INDICATORS = (
    "Number of Deaths",
    "Number of Drug Overdose Deaths",
    "Synthetic opioids, excl. methadone (T40.4)",
    "Percent with drugs specified",
)


def _vsrr(name: str, file: str, header: list[str], grouped: bool, kind: str = "csv", start: str = "utf-8") -> Layout:
    records = []
    for s, (state, title) in enumerate((_STATES | _NATION).items()):
        for m, month in enumerate(("January", "February", "March")):
            for i, indicator in enumerate(_INDICATORS):
                if state not in _STATES and i != 1:
                    continue
                count = 4034 - 1000 * i + 37 * s + 11 * m
                value = f"{88.0952381 + s + m / 8:g}" if i == 3 else f"{count:,}" if grouped else str(count)
                low = (state, i) in (("PR", 2), ("CT", 1))
                records.append(
                    {
                        "state": state, "state name": title, "year": "2024", "month": month,
                        "period": "12 month-ending", "indicator": indicator, "data value": "" if low else value,
                        "percent complete": "100", "percent pending investigation": f"{s * 0.125:g}",
                        "footnote": _FINAL + (" Data not shown due to low data quality." if low else ""),
                        "footnote symbol": "**", "predicted value": "" if low or i in (0, 3) else str(count + 9),
                    }
                )  # fmt: skip
    rows = [[r[t.replace("_", " ").casefold()] for t in header] for r in records]
    value, year, month = (next(t for t in header if t.replace("_", " ").casefold() == n) for n in _SPOILT)
    return Layout(name, "cdc_vsrr_overdose", file, header, rows, [value], [year, month], kind, start)


_SPOILT = ("data value", "year", "month")
_TWELVE = [
    "State", "Year", "Month", "Period", "Indicator", "Data Value", "Percent Complete", "Percent Pending Investigation",
    "State Name", "Footnote", "Footnote Symbol", "Predicted Value",
]  # fmt: skip
_TEN = [
    "State", "State Name", "Year", "Month", "Period", "Indicator", "Data Value", "Percent Complete",
    "Percent Pending Investigation", "Footnote",
]  # fmt: skip
_SODA = [
    "state", "year", "month", "period", "indicator", "percent_complete", "percent_pending_investigation", "state_name",
    "footnote", "footnote_symbol", "data_value", "predicted_value",
]  # fmt: skip
_VSRR_FILE = "VSRR_Provisional_Drug_Overdose_Death_Counts.csv"

# --- BTS ------------------------------------------------------------------------------------------------------

_PORTS = [
    ("Nogales", "Arizona", "2604", "US-Mexico Border", "31.333", "-110.933"),
    ("San Luis", "Arizona", "2608", "US-Mexico Border", "32.485", "-114.782"),
    ("Laredo", "Texas", "2304", "US-Mexico Border", "27.500", "-99.507"),
    ("Houlton", "Maine", "0106", "US-Canada Border", "46.126", "-67.840"),
    ("Eastport", "Idaho", "3302", "US-Canada Border", "48.999", "-116.180"),
]
_MEASURES = ("Trucks", "Personal Vehicles", "Pedestrians", "Buses")


def _bts(name: str, header: list[str], dates: list[str], padded: bool = True) -> Layout:
    """Locations of the layout of 2019 spread over three lines, as those of some ports did."""
    rows = []
    for d, day in enumerate(dates):
        for p, (port, state, code, border, lat, lon) in enumerate(_PORTS):
            for m, measure in enumerate(_MEASURES):
                cell = {
                    "port name": port, "state": state, "port code": code if padded else code.lstrip("0"),
                    "border": border, "date": day, "measure": measure,
                    "value": str(34447 // (m + 1) + 131 * p + 17 * d),
                    "location": f"{port}, {state}\n({lat}, {lon})\n" if p == 4 else f"POINT ({lon} {lat})",
                    "latitude": lat, "longitude": lon, "point": f"POINT ({lon}422 {lat}661)",
                }  # fmt: skip
                rows.append([cell[t.replace("_", " ").casefold()] for t in header])
    value, date = (next(t for t in header if t.casefold() == n) for n in ("value", "date"))
    return Layout(name, "bts_border_crossings", "Border_Crossing_Entry_Data.csv", header, rows, [value], [date])


_BTS = ["Port Name", "State", "Port Code", "Border", "Date", "Measure", "Value"]

# --- WONDER ---------------------------------------------------------------------------------------------------

_RESIDENCE = [("Alabama", 1), ("Alaska", 2), ("Arizona", 4), ("California", 6), ("Colorado", 8), ("New Mexico", 35)]
_FOOTER = (
    '"---"\t\t\t\t\t\t\t\n"Dataset: Provisional Mortality Statistics, 2018 through Last Week"\t\t\t\t\t\t\t\n'
    '"Suppressed" counts are 1 to 9, see "Caveats".'
)


def _wonder_text() -> Layout:
    header = ["Notes", "Month", "Month Code", "Residence State", "Residence State Code", "Deaths", "Population"]
    rows = []
    for m, month in enumerate(("Jan.", "Feb.", "Mar.", "Apr.")):
        for s, (state, code) in enumerate(_RESIDENCE):
            deaths = "Suppressed" if s == 1 else str(50 + 31 * s + 7 * m)
            rows.append(["", f"{month}, 2018", f"2018/{m + 1:02}", state, str(code), deaths, *["Not Applicable"] * 2])
        rows.append(["Total", f"{month}, 2018", f"2018/{m + 1:02}", "", "", "5659", *["Not Applicable"] * 2])
    said = {"coverage": "partial", "scope": {"indicator": "drug_overdose"}}
    return Layout(
        "WONDER text", "cdc_wonder_overdose", "WONDER_2018.txt", [*header, "Crude Rate"], rows, ["Deaths"],
        ["Month", "Month Code"], "tsv", footer=_FOOTER, said=said,
    )  # fmt: skip


def _wonder_csv() -> Layout:
    header = ["Notes", "Year", "Year Code", "Month", "Month Code", "State", "State Code", "Multiple Cause of death"]
    header += ["Multiple Cause of death Code", "Deaths", "Population", "Crude Rate"]
    rows = []
    for year, label, first, months in ((2014, "", 11, ("Nov.", "Dec.")), (2015, " (provisional)", 1, ("Jan.", "Feb."))):
        for m, month in enumerate(months):
            for s, (state, code) in enumerate(_RESIDENCE):
                rows.append(
                    ["", f"{year}{label}", str(year), f"{month}, {year}{label}", f"{year}/{m + first:02}", state,
                     f"{code:02}", "Other synthetic narcotics", "T40.4", str(12 + 9 * s + 5 * m),
                     "Not Applicable", "Not Applicable"]
                )  # fmt: skip
    said = {"coverage": "partial", "scope": {"indicator": "synthetic_opioids_t404"}}
    return Layout(
        "WONDER CSV", "cdc_wonder_overdose", "Multiple_Cause_of_Death.csv", header, rows, ["Deaths"],
        ["Year", "Month", "Month Code"], said=said,
    )  # fmt: skip


# --- Census ---------------------------------------------------------------------------------------------------

_PLACES = sorted((f, n.title()) for n, i in _US.by_name.items() for f, j in _US.by_number.items() if i == j)
_COUNTIES = {"35": ("Bernalillo County", "Doña Ana County"), "04": ("Cochise County", "Yuma County")}


def _people(code: str, year: int) -> int:
    return 600_000 + int(code) * 1009 + (year - 2018) * 37


def _census(name: str, file: str, years: list[int], padded: bool) -> Layout:
    header = ["SUMLEV", "REGION", "DIVISION", "STATE", "COUNTY", "STNAME", "CTYNAME", f"ESTIMATESBASE{years[0]}"]
    header += [*(f"POPESTIMATE{y}" for y in years), *(f"BIRTHS{y}" for y in years)]

    def row(level: str, state: str, county: str, title: str, part: str, people: list[int]) -> list[str]:
        codes = (
            [level, "3", "6", state, county]
            if padded
            else [level[1:], "3", "6", state.lstrip("0"), county.lstrip("0") or "0"]
        )
        return [*codes, title, part, str(people[0] - 5), *map(str, people), *(str(p * 11 // 1000) for p in people)]

    rows = []
    for code, title in (p for p in _PLACES if p[0] != "72"):
        total = [_people(code, y) for y in years]
        rows.append(row("040", code, "000", title, title, total))
        first = [t // 3 for t in total]
        for n, county in enumerate(_COUNTIES.get(code, ())):
            part = [t - f for t, f in zip(total, first, strict=True)] if n else first
            rows.append(row("050", code, f"{13 + 14 * n:03}", title, county, part))
    said = {"coverage": "partial", "scope": {"series": f"V{years[-1]}", "level": ["state", "county"]}}
    return Layout(
        name, "census_population", file, header, rows, [f"POPESTIMATE{years[-1]}"],
        [f"POPESTIMATE{y}" for y in years], encoding="latin-1", final_newline=False, said=said,
    )  # fmt: skip


def _census_workbook() -> Layout:
    years = list(range(2020, 2025))
    states = [(t, [_people(c, y) for y in years]) for c, t in _PLACES if c != "72"]
    country = [sum(p[n] for _, p in states) for n in range(len(years))]
    areas = [("United States", country), ("Northeast", [57_000_000 + n for n in range(5)])]
    areas += [(f".{t}", p) for t, p in states] + [(".Puerto Rico", [3_200_000 + n for n in range(5)])]
    rows = [[t, str(p[0] - 5), *map(str, p)] for t, p in areas]
    rows.insert(-1, [""] * 7)
    said = {"coverage": "partial", "scope": {"series": "V2024", "level": ["state"]}}
    return Layout(
        "Census workbook", "census_population", "NST-EST2024-POP.xlsx", ["area", "base", *map(str, years)], rows,
        ["2024"], ["2020", "2024"], "xlsx", said=said,
    )  # fmt: skip


_MAKERS: list[Callable[[], Layout]] = [
    _cbp,
    lambda: _vsrr("VSRR 10 columns", _VSRR_FILE, _TEN, True, start="utf-8-sig"),
    lambda: _bts("BTS 2019", [*_BTS, "Location"], [f"0{m}/01/2019 12:00:00 AM" for m in (1, 2, 3)], False),
    _wonder_text,
    lambda: _census("Census 2020", "co-est2020-alldata.csv", [2018, 2019, 2020], False),
    _amo,
    lambda: _vsrr("VSRR 12 columns", _VSRR_FILE, _TWELVE, False),
    lambda: _vsrr("VSRR SODA", "xkb8-kh2a.csv", _SODA, False),
    lambda: _vsrr("VSRR Parquet", "xkb8-kh2a.parquet", _TWELVE, False, "parquet"),
    lambda: _bts("BTS 2022", _BTS, ["Apr 2022", "May 2022", "Jun 2022"]),
    lambda: _bts("BTS 2025", [*_BTS, "Latitude", "Longitude", "Point"], ["Jan 2024", "Feb 2024", "Mar 2024"]),
    lambda: _bts(
        "BTS SODA", [t.lower().replace(" ", "_") for t in [*_BTS, "Latitude", "Longitude", "Point"]],
        [f"2024-0{m}-01T00:00:00.000" for m in (4, 5, 6)],
    ),
    _wonder_csv,
    lambda: _census("Census 2024", "co-est2024-alldata.csv", [2022, 2023, 2024], True),
    _census_workbook,
]  # fmt: skip
LAYOUTS = {layout.name: layout for layout in (make() for make in _MAKERS)}
