"""What a careful person reads in a file, written without the code under test.

What belongs here: from bytes to a table, from a table to figures by key. None says that no honest reading exists:
the file must be refused or the record rejected. Vocabularies are those of the small files alone.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from calendar import month_name
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pyarrow.parquet as pq

from pipelines.core.settings import SEEDS
from pipelines.sources.shared.geography import us_states
from tests.faults.corpus.layouts import LAYOUTS, Layout, Rows

Figures = dict[tuple[Any, ...], tuple[Any, ...]]
"""Values by key, both in the order of the source's frame."""
Table = tuple[list[str], Rows]
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_MONTHS = {n[:w].casefold(): i for i, n in enumerate(month_name) if n for w in (3, len(n))}


class Unreadable(Exception):
    """No honest reading."""


def table_of(layout: Layout, content: bytes) -> Table | None:
    """Header and records of any bytes that claim to be of a layout; None where they are not."""
    try:
        if layout.kind == "parquet":
            return _parquet(content)
        if layout.kind == "xlsx":
            return _workbook(content)
        return _text(layout, content)
    except Exception:  # any failure of an independent reader means the same: it cannot be read
        return None


def _text(layout: Layout, content: bytes) -> Table | None:
    encodings = ["utf-8-sig", "latin-1"] if layout.encoding == "latin-1" else ["utf-8-sig"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        return None
    if "\0" in text:
        return None
    if layout.footer:
        text, found, _ = text.partition('\n"---"')
        if not found:
            return None
        text += "\n"
    elif layout.encoding != "latin-1" and not text.endswith("\n"):
        return None
    table = list(csv.reader(io.StringIO(text, newline=""), delimiter=layout.separator, strict=True))
    return table[0], table[1:]


def _parquet(content: bytes) -> Table:
    table = pq.read_table(io.BytesIO(content))
    columns = [[_written(v) for v in table.column(n).to_pylist()] for n in range(table.num_columns)]
    return table.column_names, [list(r) for r in zip(*columns, strict=True)]


def _written(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)


def _workbook(content: bytes) -> Table | None:
    spaces = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        if book.testzip() is not None:
            return None
        shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        texts = ["".join(t.text or "" for t in s.iter(f"{{{spaces['m']}}}t")) for s in shared.findall("m:si", spaces)]
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    rows = []
    for row in sheet.iterfind(".//m:row", spaces):
        cells = [""] * 7
        for cell in row.iterfind("m:c", spaces):
            value = cell.findtext("m:v", "", spaces)
            cells["ABCDEFG".index(cell.attrib["r"][0])] = texts[int(value)] if cell.get("t") == "s" else value
        rows.append(cells)
    return ["area", "base", *rows[3][2:]], [r for r in rows[4:] if not (r[0] and not any(r[1:]))]


def figures_of(layout: Layout, table: Table | None) -> Figures | None:
    """Figures by key that a table says; None where a record of it cannot honestly be read."""
    if table is None:
        return None
    header, rows = table
    try:
        titles = [plain(h).replace("_", " ") for h in header]
        expected = {plain(h).replace("_", " ") for h in layout.header}
        if layout.kind == "xlsx":
            titles = [t.removesuffix(".0") for t in titles]
        if layout.source == "census_population":
            expected |= {f"{p}{y}" for y in range(2010, 2025) for p in ("popestimate", "")}
        if len(set(titles)) != len(titles) or not set(titles) <= expected:
            return None
        records = []
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(titles):
                return None
            records.append(dict(zip(titles, (c.strip() for c in row), strict=True)))
        if not records:
            return None
        return _READERS[layout.source](records)
    except (Unreadable, KeyError, ValueError, OverflowError):
        return None


def plain(text: str) -> str:
    """A name as compared: byte-order marks, outer and doubled spaces and case mean nothing."""
    return " ".join(text.replace("\ufeff", "").split()).casefold()


def number(text: str) -> float:
    """A figure; raises Unreadable."""
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if not _NUMBER.fullmatch(text) or not text.isascii():
        raise Unreadable(text)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise Unreadable(text)
    return value + 0.0


def whole(text: str) -> int:
    """A whole figure, exactly where it is written as one; raises Unreadable."""
    if re.fullmatch(r"[+-]?\d+", text) and text.isascii():
        value = int(text)
    else:
        near = number(text)
        if near != int(near):
            raise Unreadable(text)
        value = int(near)
    if not -(2**63) <= value < 2**63:
        raise Unreadable(text)
    return value


def _add(figures: Figures, key: tuple[Any, ...], value: tuple[Any, ...]) -> None:
    if key in figures:
        raise Unreadable(key)
    figures[key] = value


def _one_of(known: dict[str, str], text: str) -> str:
    return known[plain(text)]


_REGIONS = {
    "southwest border": "southwest", "northern border": "northern", "coastal/interior": "coastal_interior",
    "other": "coastal_interior",
}  # fmt: skip
_LAND = {"land only": "land_only", "land": "land_only", "other": "other"}
_DRUGS = {
    "fentanyl": "fentanyl", "khat (catha edulis)": "khat", "other drugs**": "other", "cocaine": "cocaine",
    "heroin": "heroin", "methamphetamine": "methamphetamine", "other drugs": "other", "other drugs*": "other",
}  # fmt: skip
_COMPONENTS = {"office of field operations": "OFO", "u.s. border patrol": "USBP"}


def _fiscal(record: dict[str, str]) -> date:
    label = re.fullmatch(r"(20\d\d)\s*(\(FYTD\))?", record["fy"], re.IGNORECASE | re.ASCII)
    if not label:
        raise Unreadable(record["fy"])
    month = _MONTHS[record["month (abbv)"].casefold()]
    return date(int(label[1]) - (month >= 10), month, 1)


def _weight(record: dict[str, str]) -> tuple[float, int]:
    return number(record["sum qty (lbs)"]), whole(record["count of event"])


def _cbp(records: list[dict[str, str]]) -> Figures:
    figures: Figures = {}
    for r in records:
        area = plain(r["area of responsibility"]).replace(" ", "_")
        if r["area of responsibility"].upper() not in {x[5] for x in LAYOUTS["CBP"].rows}:
            raise Unreadable(area)
        key = (_fiscal(r), _one_of(_COMPONENTS, r["component"]), _one_of(_REGIONS, r["region"]),
               _one_of(_LAND, r["land filter"]), area, _one_of(_DRUGS, r["drug type"]))  # fmt: skip
        _add(figures, key, _weight(r))
    return figures


def _amo(records: list[dict[str, str]]) -> Figures:
    figures: Figures = {}
    branches = {plain(x[5]) for x in LAYOUTS["AMO"].rows}
    for r in records:
        if plain(r["branch"]) not in branches or plain(r["component"]) != "air and marine operations":
            raise Unreadable(r)
        branch = "_".join(re.findall("[a-z]+", plain(r["branch"])))
        key = (_fiscal(r), branch, _one_of(_REGIONS, r["region"]), _one_of(_LAND, r["land filter"]),
               _one_of(_DRUGS, r["drug type"]))  # fmt: skip
        _add(figures, key, _weight(r))
    return figures


_INDICATORS = {
    "number of deaths": "all_deaths", "number of drug overdose deaths": "drug_overdose",
    "synthetic opioids, excl. methadone (t40.4)": "synthetic_opioids_t404",
    "percent with drugs specified": "percent_specified",
}  # fmt: skip
_US = us_states(SEEDS / "jurisdictions.csv")
_JURISDICTIONS = {p.removeprefix("US-"): p for p in _US.by_name.values()} | {
    "US": "US", "NY": "US-NY-XNYC", "PR": "US-PR", "YC": "US-NYC",
}  # fmt: skip


def _vsrr(records: list[dict[str, str]]) -> Figures:
    figures: Figures = {}
    for r in records:
        if plain(r["period"]) != "12 month-ending":
            raise Unreadable(r)
        indicator = _one_of(_INDICATORS, r["indicator"])
        key = (_JURISDICTIONS[r["state"]], date(whole(r["year"]), _MONTHS[r["month"].casefold()], 1), indicator)
        is_percent = indicator == "percent_specified"
        text, predicted = r["data value"], r.get("predicted value", "")
        low = "low data quality" in r["footnote"]
        reason = None if text else "low_quality" if low else "not_reported"
        pending = r["percent pending investigation"]
        value = (
            None if is_percent or not text else whole(text),
            whole(predicted) if predicted else None,
            number(text) if is_percent and text else None,
            reason,
            number(r["percent complete"].removesuffix("+")) if r["percent complete"] else None,
            number(pending) if pending else None,
            r.get("footnote symbol", "") == "*" or plain(r["footnote"]).startswith(("underreported", "*underreported")),
        )
        _add(figures, key, value)
    return figures


_MEASURES = {
    "trucks": "trucks", "personal vehicles": "personal_vehicles", "pedestrians": "pedestrians", "buses": "buses",
}  # fmt: skip


def _bts(records: list[dict[str, str]]) -> Figures:
    """A key that is there twice counts once; of two figures the larger, marked."""
    figures: Figures = {}
    for r in records:
        if not re.fullmatch(r"[0-9]{1,4}", r["port code"]) or plain(r["border"]) not in (
            "us-mexico border", "us-canada border",
        ):  # fmt: skip
            raise Unreadable(r)
        key = (r["port code"].zfill(4), _first_day(r["date"]), _one_of(_MEASURES, r["measure"]))
        value = whole(r["value"])
        old = figures.get(key, (value, False, False))
        figures[key] = (max(value, old[0]), old[1] or old[0] != value, False)
    return figures


def _first_day(text: str) -> date:
    for form in (
        r"(?P<m>\d{1,2})/0?1/(?P<y>\d{4})( 12:00:00 AM)?",
        r"(?P<m>[A-Za-z]+) (?P<y>\d{4})",
        r"(?P<y>\d{4})-(?P<m>\d{2})-01([T ]00:00:00(\.0+)?)?",
    ):
        if (found := re.fullmatch(form, text, re.ASCII)) and 1900 <= int(found["y"]) < 2200:
            month = found["m"]
            return date(int(found["y"]), int(month) if month.isdigit() else _MONTHS[month.casefold()], 1)
    raise Unreadable(text)


_RESIDENCE = {"alabama": 1, "alaska": 2, "arizona": 4, "california": 6, "colorado": 8, "new mexico": 35}
_POSTAL = {1: "AL", 2: "AK", 4: "AZ", 6: "CA", 8: "CO", 35: "NM"}


_STATUS = r"( \(provisional( and partial)?\))?"


def _wonder(records: list[dict[str, str]]) -> Figures:
    """Month and year stand in a record twice or thrice; a record that contradicts itself says nothing."""
    figures: Figures = {}
    for r in records:
        if plain(r["notes"]) == "total":
            continue
        state = plain(r.get("residence state", r.get("state", "")))
        code = whole(r.get("residence state code", r.get("state code", "")))
        year, slash, month = r["month code"].partition("/")
        named = re.fullmatch(rf"([A-Za-z]{{3}})[a-z]*\.?, (\d{{4}}){_STATUS}", r["month"])
        if r["notes"] or _RESIDENCE.get(state) != code or not slash or not named or len(year) != 4:
            raise Unreadable(r)
        if (named[2], _MONTHS[named[1].casefold()]) != (year, whole(month)):
            raise Unreadable(r)
        if r.get("year") and not re.fullmatch(year + _STATUS, r["year"]):
            raise Unreadable(r)
        cause = {"t40.4": "synthetic_opioids_t404"}[plain(r["multiple cause of death code"])] if (
            "multiple cause of death code" in r
        ) else "drug_overdose"  # fmt: skip
        label = f"{r.get('year', '')} {r['month']}".casefold()
        key = (f"US-{_POSTAL[code]}", date(int(year), whole(month), 1), cause,
               "provisional" if "provisional" in label else "final")  # fmt: skip
        hidden = plain(r["deaths"]) == "suppressed"
        _add(figures, key, (None if hidden else whole(r["deaths"]), "suppressed" if hidden else None,
                            "partial" in label))  # fmt: skip
    return figures


_STATE = {r[5].casefold(): r[3] for r in LAYOUTS["Census 2024"].rows} | {"puerto rico": "72"}


def _census(records: list[dict[str, str]]) -> Figures:
    sheet = "area" in records[0]
    years = sorted(t for t in records[0] if re.fullmatch("[0-9]{4}" if sheet else "popestimate[0-9]{4}", t))
    if not years:
        raise Unreadable
    figures: Figures = {}
    for r in records:
        if plain(r.get("area", "")) in ("northeast", "midwest", "south", "west"):
            continue
        level, place = _printed_area(r["area"]) if sheet else _coded_area(r)
        for year in years:
            _add(figures, (f"V{years[-1][-4:]}", level, place, date(int(year[-4:]), 7, 1)), (whole(r[year]),))
    return figures


def _printed_area(text: str) -> tuple[str, str]:
    area = text.lstrip(".").casefold()
    if area == "united states":
        return "country", "US"
    return ("territory" if area == "puerto rico" else "state"), _US.by_number[_STATE[area]]


def _coded_area(r: dict[str, str]) -> tuple[str, str]:
    level = {"40": "state", "040": "state", "50": "county", "050": "county"}[r["sumlev"]]
    state, county = r["state"].zfill(2), r["county"].zfill(3)
    if _STATE.get(r["stname"].casefold()) != state or (level == "county") == (county == "000"):
        raise Unreadable(r)
    if not re.fullmatch("[0-9]{1,3}", r["county"]):
        raise Unreadable(r)
    return level, state + county if level == "county" else _US.by_number[state]


_READERS = {
    "cbp_drug_seizures": _cbp,
    "cbp_amo_drug_seizures": _amo,
    "cdc_vsrr_overdose": _vsrr,
    "bts_border_crossings": _bts,
    "cdc_wonder_overdose": _wonder,
    "census_population": _census,
}
