"""Census population estimates: two series, county files and the print layout, cells as records.

Rows marked REAL are quoted from co-est2020-alldata.csv, co-est2024-alldata.csv and NST-EST2024-POP.xlsx of the
US Census Bureau, without their columns of births, deaths and migration. The others are made up.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from functools import partial
from pathlib import Path

import fastexcel
import polars as pl
import pytest
import xlsxwriter  # type: ignore[import-untyped]
from pydantic import ValidationError

from pipelines.catalog.columns import RawColumn
from pipelines.catalog.load import get_source
from pipelines.clean.files import Limits
from pipelines.clean.run import Raw, Summary, clean_vintage
from pipelines.sources.modules import source_module

SOURCE = get_source("census_population")
MODULE = partial(source_module, SOURCE.id)
# REAL: Alabama with a county (state codes without zeros), 2019 and 2020 of Vintage 2020
V2020 = """SUMLEV,REGION,STATE,COUNTY,STNAME,CTYNAME,CENSUS2010POP,ESTIMATESBASE2010,POPESTIMATE2019,POPESTIMATE2020
40,3,1,0,Alabama,Alabama,4779736,4780118,4907965,4921532
50,3,1,1,Alabama,Autauga County,54571,54582,55769,56145"""
# REAL: Alabama and the same county, 2023 and 2024 of Vintage 2024
V2024 = """SUMLEV,REGION,STATE,COUNTY,STNAME,CTYNAME,ESTIMATESBASE2020,POPESTIMATE2023,POPESTIMATE2024,NPOPCHG2024
040,3,01,000,Alabama,Alabama,5025369,5117673,5157699,40026
050,3,01,001,Alabama,Autauga County,58800,60436,61464,1028
"""
# REAL: head, a region, a state, the territory and two notes of NST-EST2024-POP.xlsx, 2023 and 2024
SHEET: list[list[str | int | None]] = [
    ["table with row headers in column A"],
    ["Annual Estimates of the Resident Population"],
    ["Geographic Area", "April 1, 2020 Estimates Base", "Population Estimate (as of July 1)"],
    [None, None, 2023, 2024],
    ["United States", 331515736, 336806231, 340110988],
    ["Northeast", 57617706, 57398303, 57832935],
    [".Arizona", 7158110, 7473027, 7582384],
    [None],
    [".Puerto Rico", 3285874, 3203792, 3203295],
    ["Suggested Citation:"],
    ["Release Date: December 2024"],
]


def clean(folder: Path, name: str, content: bytes) -> Summary:
    (folder / name).write_bytes(content)
    return clean_vintage(
        SOURCE,
        partial(source_module, SOURCE.id),
        Raw("v", "2025-01-01", folder, [name], "test"),
        folder / "out",
        Limits(),
        "test",
    )


def workbook(folder: Path, rows: list[list[str | int | None]]) -> bytes:
    book = xlsxwriter.Workbook(str(folder / "made.xlsx"))
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, ["" if c is None else c for c in row])
    book.close()
    return (folder / "made.xlsx").read_bytes()


def rows(folder: Path) -> list[tuple[str, str, str, date, int]]:
    frame = pl.read_parquet(folder / "out" / "v" / "clean.parquet")
    return sorted(frame.select("series", "area_level", "geo_id", "year", "population").rows())


def reasons(folder: Path) -> list[tuple[int, str, str]]:
    return pl.read_parquet(folder / "out" / "v" / "rejected.parquet").select("line", "column", "reason").rows()


def test_vintage_2020_without_zeros_and_without_last_newline(tmp_path: Path) -> None:
    clean(tmp_path, "a.csv", V2020.encode())
    assert rows(tmp_path) == [
        ("V2020", "county", "01001", date(2019, 7, 1), 55_769),
        ("V2020", "county", "01001", date(2020, 7, 1), 56_145),
        ("V2020", "state", "US-AL", date(2019, 7, 1), 4_907_965),
        ("V2020", "state", "US-AL", date(2020, 7, 1), 4_921_532),
    ]


def test_every_cell_of_the_wide_file_is_a_record(tmp_path: Path) -> None:
    summary = clean(tmp_path, "a.csv", V2024.encode())
    assert (summary.records, summary.rows) == (4, 4)


def test_a_rejected_row_stays_one_record(tmp_path: Path) -> None:
    summary = clean(tmp_path, "a.csv", (V2024 + "050,3,01,003,Alabama,Baldwin County,231767,,,0\n").encode())
    assert (summary.records, summary.rows, summary.rejected) == (5, 4, 1)
    assert reasons(tmp_path) == [(4, "POPESTIMATE2023", "is empty, expected a whole number")]


def test_latin_1_is_read(tmp_path: Path) -> None:
    # REAL: Doña Ana County
    text = V2024 + "050,4,35,013,New Mexico,Doña Ana County,219566,226534,229366,2832\n"
    clean(tmp_path, "a.csv", text.encode("latin-1"))
    assert "35013" in {r[2] for r in rows(tmp_path)}


def test_vintage_is_the_last_year_of_the_file(tmp_path: Path) -> None:
    clean(tmp_path, "a.csv", V2024.encode())
    assert {r[0] for r in rows(tmp_path)} == {"V2024"}


def test_file_without_estimates_is_no_vintage(tmp_path: Path) -> None:
    summary = clean(tmp_path, "a.csv", b"SUMLEV,STATE,COUNTY,STNAME,CTYNAME\n040,01,000,Alabama,Alabama\n")
    assert summary.problem is not None
    assert "no POPESTIMATE column" in str(summary.problem)


def test_components_of_change_are_known_and_others_are_not(tmp_path: Path) -> None:
    summary = clean(tmp_path, "a.csv", V2024.replace("NPOPCHG2024", "RNETCHG2024").encode())
    assert summary.problem is not None
    assert "unknown column 'RNETCHG2024'" in str(summary.problem)


def test_a_year_that_the_source_does_not_list_is_an_error(tmp_path: Path) -> None:
    summary = clean(tmp_path, "a.csv", V2024.replace("NPOPCHG2024", "POPESTIMATE2025").encode())
    assert summary.problem is not None
    assert "unknown column 'POPESTIMATE2025'" in str(summary.problem)


@pytest.mark.parametrize(
    ("record", "column"),
    [
        ("162,3,01,000,Alabama,Abbeville city,1,1,1,0", "SUMLEV"),
        ("040,3,02,000,Alabama,Alabama,1,1,1,0", "STNAME"),
        ("040,3,99,000,Alabama,Alabama,1,1,1,0", "STATE"),
        ("040,3,01,001,Alabama,Alabama,1,1,1,0", "COUNTY"),
        ("050,3,01,000,Alabama,Autauga County,1,1,1,0", "COUNTY"),
        ("050,3,01,001,Alabama,Autauga County,1,1,x,0", "POPESTIMATE2024"),
    ],
)
def test_what_cannot_be_read_is_rejected_with_its_column(tmp_path: Path, record: str, column: str) -> None:
    clean(tmp_path, "a.csv", f"{V2024}{record}\n".encode())
    assert [r[:2] for r in reasons(tmp_path)] == [(4, column)]


def test_print_layout_gives_country_states_and_territory(tmp_path: Path) -> None:
    clean(tmp_path, "a.xlsx", workbook(tmp_path, SHEET))
    assert [r[1:] for r in rows(tmp_path) if r[3].year == 2024] == [
        ("country", "US", date(2024, 7, 1), 340_110_988),
        ("state", "US-AZ", date(2024, 7, 1), 7_582_384),
        ("territory", "US-PR", date(2024, 7, 1), 3_203_295),
    ]


def test_print_layout_accounts_for_titles_regions_and_notes(tmp_path: Path) -> None:
    summary = clean(tmp_path, "a.xlsx", workbook(tmp_path, SHEET))
    assert summary.set_aside == {"title": 4, "region_total": 1, "note": 2, "blank_line": 1}
    assert summary.records == 6 + 8


def test_print_layout_with_an_unknown_area_is_rejected(tmp_path: Path) -> None:
    summary = clean(tmp_path, "a.xlsx", workbook(tmp_path, [*SHEET[:7], [".Atlantis", 1, 2, 3]]))
    assert summary.rejected == 1
    assert reasons(tmp_path) == [(8, "STNAME", "is not the name of a US state")]


def test_print_layout_without_years_is_no_vintage(tmp_path: Path) -> None:
    summary = clean(tmp_path, "a.xlsx", workbook(tmp_path, [*SHEET[:3], *SHEET[4:]]))
    assert summary.problem is not None
    assert "years as headings" in str(summary.problem)


def test_a_pattern_is_only_for_ignored_columns() -> None:
    with pytest.raises(ValidationError, match="say ignore: true"):
        RawColumn(id="births", names=["BIRTHS2020"], pattern=r"births\d{4}")


def test_a_pattern_must_be_a_regular_expression() -> None:
    with pytest.raises(ValidationError, match="no regular expression"):
        RawColumn(id="births", names=["BIRTHS2020"], pattern="births(", ignore=True)


@pytest.mark.parametrize(
    ("vintage", "name", "encoding", "cells"),
    [
        ("2021-05-04", "co-est2020-alldata.csv", "utf-8", 3_194 * 11),
        ("2025-03-13", "co-est2024-alldata.csv", "latin-1", 3_195 * 5),
    ],
)
def test_real_county_files_keep_every_cell(
    mirror: Path, tmp_path: Path, vintage: str, name: str, encoding: str, cells: int
) -> None:
    folder = mirror / "census_population" / vintage
    want: dict[tuple[str, int], int] = {}
    with (folder / name).open(encoding=encoding, newline="") as handle:
        for row in csv.DictReader(handle):
            area = f"{int(row['STATE']):02}{int(row['COUNTY']):03}"
            for title, value in row.items():
                if title.startswith("POPESTIMATE"):
                    want[area, int(title.removeprefix("POPESTIMATE"))] = int(value)
    summary = clean_vintage(
        SOURCE,
        partial(source_module, SOURCE.id),
        Raw("v", vintage, folder, [name], "test"),
        tmp_path / "out",
        Limits(),
        "test",
    )
    got = rows(tmp_path)
    assert (summary.problem, summary.records, summary.rejected, len(got)) == (None, cells, 0, cells)
    counties = {(geo, year.year): n for _, level, geo, year, n in got if level == "county"}
    assert counties == {k: n for k, n in want.items() if not k[0].endswith("000")}
    states = sorted((year.year, n) for _, level, _, year, n in got if level == "state")
    assert states == sorted((k[1], n) for k, n in want.items() if k[0].endswith("000"))


def test_real_county_sums_equal_their_states_and_the_states_the_country(mirror: Path, tmp_path: Path) -> None:
    folder = mirror / "census_population" / "2025-03-13"
    raw = Raw("v", "2025-03-13", folder, ["co-est2024-alldata.csv"], "test")
    clean_vintage(SOURCE, MODULE, raw, tmp_path / "out", Limits(), "test")
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for _, level, _, year, population in rows(tmp_path):
        sums[level, year.year] += population
    # Published: NST-EST2024-POP, row United States
    published = {2020: 331_577_720, 2021: 332_099_760, 2022: 334_017_321, 2023: 336_806_231, 2024: 340_110_988}
    assert {y: sums["state", y] for y in published} == published
    assert {y: sums["county", y] for y in published} == published


def test_real_workbook_repeats_the_county_file(mirror: Path, tmp_path: Path) -> None:
    folder = mirror / "census_population"
    raw = Raw("v", "2024-12-19", folder / "2024-12-19", ["NST-EST2024-POP.xlsx"], "test")
    summary = clean_vintage(SOURCE, MODULE, raw, tmp_path / "out", Limits(), "test")
    assert (summary.rejected, summary.rows) == (0, (1 + 51 + 1) * 5)
    sheet = fastexcel.read_excel(str(folder / "2024-12-19" / "NST-EST2024-POP.xlsx")).load_sheet(0, header_row=None)
    assert sheet.height == 68
    assert summary.records == summary.rows + sum(summary.set_aside.values())
    with (folder / "2025-03-13" / "co-est2024-alldata.csv").open(encoding="latin-1", newline="") as handle:
        want = sorted(int(r["POPESTIMATE2024"]) for r in csv.DictReader(handle) if r["SUMLEV"] == "040")
    assert sorted(n for _, level, _, y, n in rows(tmp_path) if (level, y.year) == ("state", 2024)) == want


def test_real_series_differ_for_2020(mirror: Path, tmp_path: Path) -> None:
    found: dict[str, dict[str, int]] = {}
    for vintage, name in (("2021-05-04", "co-est2020-alldata.csv"), ("2025-03-13", "co-est2024-alldata.csv")):
        raw = Raw("v", vintage, mirror / "census_population" / vintage, [name], content=vintage)
        clean_vintage(SOURCE, MODULE, raw, tmp_path / "out", Limits(), "test")
        found[vintage] = {geo: n for _, level, geo, y, n in rows(tmp_path) if (level, y.year) == ("state", 2020)}
    change = {s: round(100 * (found["2025-03-13"][s] / n - 1), 1) for s, n in found["2021-05-04"].items()}
    assert (change["US-NJ"], change["US-AZ"], change["US-DC"]) == (4.4, -3.2, -5.9)
