"""CBP nationwide drug seizures: what a record of the agency becomes, and what is refused.

Real rows are quoted from CBP's files (see README.md beside them). Expected totals are
CBP's files added up here with DuckDB, or figures that CBP or the press published.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalog.load import get_source
from pipelines.clean.columns import typed
from pipelines.clean.files import LINE, Limits, Records, read_records
from pipelines.clean.run import Raw, Summary, clean_vintage
from pipelines.core.fingerprint import sha256_of
from pipelines.quality.expectations import expectations_of
from pipelines.sources.cbp_drug_seizures.clean import is_open
from pipelines.sources.modules import source_module
from pipelines.sources.shared.cbp import seizure_rows

SOURCE = get_source("cbp_drug_seizures")
MODULE = partial(source_module, SOURCE.id)
FIXTURES = Path(__file__).parent
HEADER = (
    "FY,Month (abbv),Component,Region,Land Filter,Area of Responsibility,Drug Type,Count of Event,Sum Qty (lbs)\r\n"
)
OFFICE, PATROL = "Office of Field Operations", "U.S. Border Patrol"
TUCSON = f"{OFFICE},Southwest Border,Land Only,TUCSON FIELD OFFICE,Fentanyl,15,607.3267276717775"
MONTHS = ("OCT", "NOV", "DEC", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP")
AREA_TEXT = "replace(lower(\"Area of Responsibility\"), ' ', '_')"

Clean = Callable[[str | Path], tuple[Summary, pl.DataFrame, pl.DataFrame]]
"""Text of a file, or its path, to the account, the clean rows and the rejected records."""


@pytest.fixture
def clean(tmp_path: Path) -> Clean:
    def run(file: str | Path) -> tuple[Summary, pl.DataFrame, pl.DataFrame]:
        raw = tmp_path / "raw"
        raw.mkdir(exist_ok=True)
        name = file.name if isinstance(file, Path) else "seizures.csv"
        (raw / name).write_bytes(file.read_bytes() if isinstance(file, Path) else file.encode())
        content = sha256_of(raw / name)
        vintage = Raw(id="2026-01-15", vintage="2026-01-15", folder=raw, files=[name], content=content)
        summary = clean_vintage(SOURCE, MODULE, vintage, tmp_path / "clean", Limits(), "code")
        assert summary.problem is None, summary.problem
        out = tmp_path / "clean" / vintage.id
        return summary, pl.read_parquet(out / "clean.parquet"), pl.read_parquet(out / "rejected.parquet")

    return run


def only_rejected(clean: Clean, record: str) -> dict[str, object]:
    """The one rejected record, after checking that the good one beside it stayed."""
    summary, frame, rejected = clean(f"{HEADER}2024 (FYTD),OCT,{TUCSON}\r\n{record}\r\n")
    assert (summary.records, summary.rows, summary.rejected) == (2, 1, 1)
    assert frame["fiscal_year"].to_list() == [2024]
    return rejected.row(0, named=True)


# --- the calendar ------------------------------------------------------------------------------------------------


def test_october_of_the_running_fiscal_year_2024_is_october_2023(clean: Clean) -> None:
    _, frame, _ = clean(f"{HEADER}2024 (FYTD),OCT,{TUCSON}\r\n")
    assert frame.select("month", "fiscal_year", "is_fytd").row(0) == (date(2023, 10, 1), 2024, True)


@pytest.mark.parametrize(
    ("label", "month", "expected"),
    [
        ("2024 (FYTD)", "DEC", date(2023, 12, 1)),
        ("2024 (FYTD)", "JAN", date(2024, 1, 1)),
        ("2019", "OCT", date(2018, 10, 1)),
        ("2019", "SEP", date(2019, 9, 1)),
        ("2024 (fytd)", "oct", date(2023, 10, 1)),
        ("2024(FYTD)", "October", date(2023, 10, 1)),
    ],
)
def test_fiscal_months_become_calendar_months(clean: Clean, label: str, month: str, expected: date) -> None:
    _, frame, _ = clean(f"{HEADER}{label},{month},{TUCSON}\r\n")
    assert frame["month"].to_list() == [expected]


@given(year=st.integers(2000, 2098), position=st.integers(0, 11), is_fytd=st.booleans())
def test_twelve_fiscal_months_run_from_october_without_a_gap(year: int, position: int, is_fytd: bool) -> None:
    columns = [c.id for c in SOURCE.columns]
    cells = [f"{year} (FYTD)" if is_fytd else str(year), MONTHS[position], OFFICE, "Southwest Border", "Land Only"]
    cells += ["TUCSON FIELD OFFICE", "Fentanyl", "1", "2.0"]
    part = typed("file.csv", _records(dict(zip(columns, cells, strict=True))), SOURCE)
    seizure_rows(part, SOURCE)
    month = part.frame["month"][0]
    assert (month.year - (year - 1)) * 12 + month.month - 10 == position
    assert part.frame.select("fiscal_year", "is_fytd").row(0) == (year, is_fytd)


def _records(cells: dict[str, str]) -> Records:
    return Records(pl.DataFrame({LINE: [2], **{k: [v] for k, v in cells.items()}}), [])


def test_a_closed_year_is_not_open(clean: Clean) -> None:
    _, frame, _ = clean(f"{HEADER}2023,OCT,{TUCSON}\r\n2024 (FYTD),OCT,{TUCSON}\r\n")
    assert frame.select("fiscal_year", is_open().alias("open")).rows() == [(2023, False), (2024, True)]


@pytest.mark.parametrize("label", ["2024 (YTD)", "FY2024", "24", "2024 (FYTD) revised", "1024", "20245"])
def test_a_label_that_is_no_fiscal_year_is_rejected_with_a_sentence(clean: Clean, label: str) -> None:
    bad = only_rejected(clean, f"{label},OCT,{TUCSON}")
    assert (bad["line"], bad["column"], bad["value"]) == (3, "FY", label)
    assert bad["reason"] == "is not a fiscal year such as 2024 or, while the year runs, 2024 (FYTD)"


@pytest.mark.parametrize("month", ["13", "OKT", "Q1"])
def test_a_text_that_is_no_month_is_rejected_with_a_sentence(clean: Clean, month: str) -> None:
    bad = only_rejected(clean, f"2024 (FYTD),{month},{TUCSON}")
    assert (bad["line"], bad["column"], bad["value"]) == (3, "Month (abbv)", month)
    assert bad["reason"] == "is not an English month such as OCT"


# --- categories and their spellings -------------------------------------------------------------------------------


def test_every_area_and_drug_of_the_agency_has_an_id(clean: Clean) -> None:
    path = FIXTURES / "nationwide-drugs-fy19-fy22__rows.csv"
    records = list(csv.DictReader(path.open(newline="")))
    summary, frame, _ = clean(path)
    assert summary.rows == len(records) == 47
    assert frame["area_id"].n_unique() == 41
    expected = {(r["Area of Responsibility"].lower().replace(" ", "_"), r["Component"] == OFFICE) for r in records}
    assert set(frame.select("area_id", pl.col("component") == "OFO").rows()) == expected
    assert set(frame["drug_id"]) == {
        "fentanyl", "heroin", "methamphetamine", "cocaine", "marijuana", "ecstasy", "ketamine", "khat", "lsd", "other",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["Other Drugs**", "Other Drugs*", "Other Drugs", "other drugs**"])
def test_footnote_marks_of_other_drugs_are_no_other_drug(clean: Clean, text: str) -> None:
    _, frame, _ = clean(f"{HEADER}2019,JUL,{OFFICE},Northern Border,Other,DETROIT FIELD OFFICE,{text},45,10.05\r\n")
    assert frame["drug_id"].to_list() == ["other"]


@pytest.mark.parametrize(
    ("region", "region_id"),
    [
        ("Southwest Border", "southwest"),
        ("Southwest Land Border", "southwest"),
        ("SOUTHWEST BORDER", "southwest"),
        ("Northern Border", "northern"),
        ("Northern Land Border", "northern"),
        ("Coastal/Interior", "coastal_interior"),
        ("Central/Coastal/Other", "coastal_interior"),
        ("Other", "coastal_interior"),
    ],
)
def test_spellings_of_a_region_in_cbp_sister_files(clean: Clean, region: str, region_id: str) -> None:
    _, frame, _ = clean(f"{HEADER}2019,JUL,{OFFICE},{region},Other,DETROIT FIELD OFFICE,Lsd,1,0.5\r\n")
    assert frame["region"].to_list() == [region_id]


def test_sister_spellings_of_header_land_filter_and_case_give_the_same_row(clean: Clean) -> None:
    usual = f"2022,MAR,{OFFICE},Southwest Border,Land Only,TUCSON FIELD OFFICE,Fentanyl,34,437.61384221154606\r\n"
    _, first, _ = clean(HEADER + usual)
    sister = usual.replace("Land Only", "Land").replace("TUCSON FIELD OFFICE", " Tucson Field Office ")
    _, second, _ = clean(HEADER.replace("FY,", "Fiscal Year,", 1) + sister.replace("Fentanyl", "FENTANYL"))
    assert first.equals(second)
    assert first.select("region", "land_filter", "area_id").row(0) == ("southwest", "land_only", "tucson_field_office")


def test_both_land_filters_of_one_field_office_are_two_rows(clean: Clean) -> None:
    _, frame, _ = clean(FIXTURES / "nationwide-drugs-fy19-fy22__rows.csv")
    tucson = frame.filter(month=date(2022, 3, 1), area_id="tucson_field_office", drug_id="fentanyl")
    assert tucson.sort("land_filter").select("land_filter", "events", "quantity_lb").rows() == [
        ("land_only", 34, 437.61384221154606),
        ("other", 1, 0.29541943108),
    ]


@pytest.mark.parametrize(
    ("column", "old", "new"),
    [
        ("Drug Type", "Fentanyl", "Carfentanil"),
        ("Area of Responsibility", "TUCSON FIELD OFFICE", "NOGALES FIELD OFFICE"),
        ("Component", OFFICE, "Air and Marine Operations"),
        ("Region", "Southwest Border", "Southeast Border"),
        ("Land Filter", "Land Only", "Sea"),
    ],
)
def test_an_unknown_category_is_rejected_with_its_line_and_value(clean: Clean, column: str, old: str, new: str) -> None:
    bad = only_rejected(clean, f"2024 (FYTD),OCT,{TUCSON}".replace(old, new))
    assert (bad["file"], bad["line"], bad["column"], bad["value"]) == ("seizures.csv", 3, column, new)
    assert str(bad["reason"]).startswith("is unknown, expected one of ")


def test_an_unknown_column_refuses_the_file(tmp_path: Path) -> None:
    (tmp_path / "amo.csv").write_text(HEADER.replace("Area of Responsibility", "Branch"), "utf-8")
    vintage = Raw(id="v", vintage="2026-01-15", folder=tmp_path, files=["amo.csv"], content="content")
    summary = clean_vintage(SOURCE, MODULE, vintage, tmp_path / "clean", Limits(), "code")
    assert summary.problem is not None
    assert str(summary.problem).startswith("amo.csv, line 1: unknown column 'Branch'. Expected FY, Month (abbv),")


# --- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "area_id", "month"),
    [
        (f"2021,AUG,{PATROL},Southwest Border,Land Only,YUMA SECTOR,Fentanyl,1,0.0", "yuma_sector", date(2021, 8, 1)),
        (
            f"2024 (FYTD),DEC,{PATROL},Northern Border,Land Only,SPOKANE SECTOR,Fentanyl,1,0.0",
            "spokane_sector",
            date(2023, 12, 1),
        ),
    ],
)
def test_a_trace_of_zero_pounds_stays_a_row(clean: Clean, record: str, area_id: str, month: date) -> None:
    _, frame, _ = clean(f"{HEADER}{record}\r\n")
    assert frame.select("month", "area_id", "quantity_lb", "events").row(0) == (month, area_id, 0.0, 1)


def test_scientific_notation_is_a_weight(clean: Clean) -> None:
    row = f"2019,JAN,{OFFICE},Northern Border,Land Only,SEATTLE FIELD OFFICE,Lsd,1,6.61386786e-05\r\n"
    _, frame, _ = clean(HEADER + row)
    assert frame["quantity_lb"].to_list() == [0.0000661386786]


@pytest.mark.parametrize("weight", ["12 lbs", "N/A", "NaN", "inf", "1,2,3"])
def test_text_in_the_weight_is_rejected(clean: Clean, weight: str) -> None:
    cell = f'"{weight}"' if "," in weight else weight
    bad = only_rejected(clean, f"2024 (FYTD),NOV,{TUCSON}".replace("607.3267276717775", cell))
    assert (bad["line"], bad["column"], bad["value"]) == (3, "Sum Qty (lbs)", weight)
    assert bad["reason"] == "is not a number"


@pytest.mark.parametrize(
    ("events", "reason"), [("1.5", "is not a whole number"), ("", "is empty, expected a whole number")]
)
def test_a_count_that_is_no_whole_number_is_rejected(clean: Clean, events: str, reason: str) -> None:
    bad = only_rejected(clean, f"2024 (FYTD),NOV,{TUCSON}".replace(",15,", f",{events},"))
    assert (bad["line"], bad["column"], bad["reason"]) == (3, "Count of Event", reason)


def test_an_empty_weight_is_never_read_as_zero(clean: Clean) -> None:
    bad = only_rejected(clean, f"2024 (FYTD),NOV,{TUCSON}".replace("607.3267276717775", ""))
    assert bad["reason"] == "is empty, expected a number"


def test_a_negative_weight_is_kept_for_the_check_that_blocks_it(clean: Clean) -> None:
    summary, frame, _ = clean(f"{HEADER}2024 (FYTD),OCT,{TUCSON}\r\n".replace("607.3267", "-607.3267"))
    assert summary.rejected == 0
    assert frame["quantity_lb"].to_list() == [-607.3267276717775]
    check = next(e for e in expectations_of(SOURCE) if e.id == "quantity_lb_not_negative")
    assert (check.severity, check.batch, check.kwargs) == (
        "critical",
        "rows",
        {"column": "quantity_lb", "min_value": 0},
    )


def test_the_second_row_of_a_key_is_rejected(clean: Clean) -> None:
    bad = only_rejected(clean, f"2024 (FYTD),OCT,{TUCSON}".replace(",15,", ",16,"))
    assert (bad["line"], bad["reason"]) == (3, "is the key of an earlier record too")


def test_a_closed_and_a_running_label_of_one_month_are_one_key(clean: Clean) -> None:
    bad = only_rejected(clean, f"2024,OCT,{TUCSON}")
    assert bad["reason"] == "is the key of an earlier record too"


# --- the live page -------------------------------------------------------------------------------------------------


def test_the_link_pattern_takes_every_link_that_robots_may_read(real_data: Path) -> None:
    pattern = re.compile(SOURCE.fetch.link_pattern or "")
    links = list(csv.DictReader((real_data / "reference" / "cbp_csv_links_seen_2026-09.csv").open()))
    wanted = {
        r["url"] for r in links if r["dataset"] == "cbp_nationwide_drugs" and "robots_disallowed" not in r["kind"]
    }
    assert len(wanted) == 13
    assert {r["url"] for r in links if pattern.search(r["url"])} == wanted


# --- whole real files ----------------------------------------------------------------------------------------------

VINTAGES = ("2022-11-15", "2023-11-15", "2024-04-08", "2026-01-15")


def the_file(mirror: Path, vintage: str) -> Path:
    (path,) = (mirror / SOURCE.id / vintage).glob("*.csv")
    return path


def raw_table(path: Path) -> duckdb.DuckDBPyConnection:
    """The file in DuckDB as table raw, with the calendar month worked out by date arithmetic."""
    connection = duckdb.connect()
    connection.execute(
        f"""
        create table raw as
        select *, left(FY, 4)::int as y, "Sum Qty (lbs)"::double as lb, "Count of Event"::int as n, {AREA_TEXT} as area,
            strptime(left(FY, 4) || ' ' || "Month (abbv)", '%Y %b')::date
                - case when "Month (abbv)" in ('OCT', 'NOV', 'DEC') then interval 1 year else interval 0 year end as m
        from read_csv(?, all_varchar = true)
        """,
        [str(path)],
    )
    return connection


@pytest.mark.parametrize("vintage", VINTAGES)
def test_every_real_file_is_clean_and_adds_up_to_the_agency_s_rows(mirror: Path, clean: Clean, vintage: str) -> None:
    path = the_file(mirror, vintage)
    raw = raw_table(path)
    summary, frame, rejected = clean(path)
    assert (summary.rejected, rejected.height, summary.set_aside) == (0, 0, {})
    by_month = raw.sql(
        "select m::date, area, left(Component, 6) = 'Office', count(*), sum(n), sum(lb) from raw group by all"
    )
    expected = {(r[0], r[1], r[2]): r[3:] for r in by_month.fetchall()}
    found = frame.group_by("month", "area_id", pl.col("component") == "OFO").agg(
        pl.len(), pl.col("events").sum(), pl.col("quantity_lb").sum()
    )
    assert {r[:3] for r in found.rows()} == set(expected)
    for row in found.rows():
        rows, events, weight = expected[row[:3]]
        assert row[3:] == (rows, events, pytest.approx(weight, abs=1e-6))


@pytest.mark.parametrize("vintage", VINTAGES)
def test_drugs_regions_and_land_filters_of_every_real_file(mirror: Path, clean: Clean, vintage: str) -> None:
    path = the_file(mirror, vintage)
    raw = raw_table(path)
    _, frame, _ = clean(path)
    by_kind = raw.sql(
        """
        select lower(regexp_extract("Drug Type", '^\\w+')), lower(regexp_extract(Region, '^\\w+')),
            "Land Filter" = 'Land Only', y, contains(FY, 'FYTD'), round(sum(lb), 4), sum(n)
        from raw group by all
        """
    )
    found = frame.group_by(
        "drug_id",
        pl.col("region").str.split("_").list.first(),
        pl.col("land_filter") == "land_only",
        "fiscal_year",
        "is_fytd",
    ).agg(pl.col("quantity_lb").sum().round(4), pl.col("events").sum())
    assert sorted(found.rows()) == sorted(by_kind.fetchall())


@pytest.mark.parametrize(
    ("vintage", "fiscal_year", "expected"),
    [
        ("2022-11-15", 2019, 2803.60),
        ("2022-11-15", 2020, 4791.06),
        ("2022-11-15", 2021, 11201.32),
        ("2022-11-15", 2022, 14699.88),
        ("2026-01-15", 2023, 27022.85),
        ("2026-01-15", 2024, 21889.21),
        ("2026-01-15", 2025, 12027.28),
        ("2026-01-15", 2026, 3398.28),
    ],
)
def test_published_fentanyl_totals(mirror: Path, clean: Clean, vintage: str, fiscal_year: int, expected: float) -> None:
    """Nationwide, OFO and USBP, pounds; 2021, 2022 and 2024 are the press's too, 2026 is October to December."""
    _, frame, _ = clean(the_file(mirror, vintage))
    total = frame.filter(fiscal_year=fiscal_year, drug_id="fentanyl")["quantity_lb"].sum()
    assert total == pytest.approx(expected, abs=0.01)


def test_published_parts_of_the_fentanyl_total(mirror: Path, clean: Clean) -> None:
    _, frame, _ = clean(the_file(mirror, "2026-01-15"))
    fentanyl = frame.filter(drug_id="fentanyl")
    southwest = fentanyl.filter(region="southwest").group_by("fiscal_year").agg(pl.col("quantity_lb").sum())
    by_year = dict(southwest.rows())
    assert [by_year[y] for y in (2023, 2024, 2025)] == pytest.approx([26717.83, 21148.15, 11488.28], abs=0.01)
    land = fentanyl.filter(region="southwest", fiscal_year=2024, land_filter="land_only")["quantity_lb"].sum()
    assert land == pytest.approx(21115.61, abs=0.01)
    assert fentanyl.filter(fiscal_year=2024)["events"].sum() == 1116
    assert fentanyl.filter(month=date(2023, 4, 1))["quantity_lb"].sum() == pytest.approx(3220.32, abs=0.01)


def test_field_offices_seized_12493_lb_of_fentanyl_in_2022(mirror: Path, clean: Clean) -> None:
    _, frame, _ = clean(the_file(mirror, "2022-11-15"))
    total = frame.filter(fiscal_year=2022, drug_id="fentanyl", component="OFO")["quantity_lb"].sum()
    assert total == pytest.approx(12493.06, abs=0.01)


@pytest.mark.parametrize(("before", "after"), [*pairwise(VINTAGES)])
def test_a_closed_year_is_the_same_in_the_next_release(mirror: Path, clean: Clean, before: str, after: str) -> None:
    closed = pl.col("is_fytd").not_()
    _, old, _ = clean(the_file(mirror, before))
    _, new, _ = clean(the_file(mirror, after))
    old, new = old.filter(closed), new.filter(closed)
    years = set(old["fiscal_year"]) & set(new["fiscal_year"])
    assert years
    old, new = (f.filter(pl.col("fiscal_year").is_in(list(years))).sort(SOURCE.key) for f in (old, new))
    assert old.select(SOURCE.key, "events").equals(new.select(SOURCE.key, "events"))
    assert (old["quantity_lb"] - new["quantity_lb"]).abs().max() < 1e-6  # type: ignore[operator]


def bound(expectation: str, side: str = "min_value") -> float:
    return float(next(e for e in expectations_of(SOURCE) if e.id == expectation).kwargs[side])


@pytest.mark.parametrize("vintage", VINTAGES)
def test_the_bound_on_the_newest_month_parts_whole_months_from_those_without_a_component(
    mirror: Path, vintage: str
) -> None:
    raw = raw_table(the_file(mirror, vintage))
    least_whole, most_cut = raw.sql(
        """
        select min(r), max(cut) from (
            select count(*)::double / lag(count(*)) over (order by m) as r,
                count(*) filter (Component like 'Office%') / lag(count(*)) over (order by m) as cut
            from raw group by m
        )
        """
    ).fetchone() or (0, 1)
    assert most_cut < bound("newest_month_complete") < least_whole


@pytest.mark.parametrize("vintage", VINTAGES)
def test_no_real_row_to_december_2025_is_an_outlier(mirror: Path, vintage: str) -> None:
    raw = raw_table(the_file(mirror, vintage))
    assert (raw.sql("select max(lb) from raw").fetchone() or (0,))[0] < bound("quantity_lb_outlier", "max_value")


@pytest.mark.parametrize(
    ("label", "last", "is_open"),
    [("2026", "DEC", True), ("2026", "AUG", True), ("2026", "SEP", False), ("2026 (FYTD)", "SEP", True)],
)
def test_a_year_without_its_september_is_open_whatever_its_label(
    clean: Clean, tmp_path: Path, label: str, last: str, is_open: bool
) -> None:
    """December and August lie in two calendar years, which are cleaned apart."""
    clean(f"{HEADER}{label},OCT,{TUCSON}\r\n{label},{last},{TUCSON}\r\n2025,SEP,{TUCSON}\r\n")
    coverage = pl.read_parquet(tmp_path / "clean" / "2026-01-15" / "coverage.parquet")
    assert dict(coverage.select("scope", "is_open").iter_rows()) == {"2025": False, "2026": is_open}


def test_an_excerpt_of_a_later_release_is_clean(real_data: Path, clean: Clean) -> None:
    excerpt = real_data / "reference" / "excerpts" / "nationwide-drugs-fy23-fy26-jul__laredo_tucson_excerpt.csv"
    summary, frame, _ = clean(excerpt)
    assert (summary.records, summary.rows, summary.rejected) == (83, 83, 0)
    assert frame["is_fytd"].all()


def test_records_are_read_alike_in_small_pieces(mirror: Path) -> None:
    path = the_file(mirror, "2024-04-08")
    pieces = read_records(path, SOURCE, Limits(chunk_bytes=10_000))
    frames = []
    for records in pieces:
        part = typed(path.name, records, SOURCE)
        seizure_rows(part, SOURCE)
        part.check()
        frames.append(part.frame)
    assert len(frames) > 50
    assert pl.concat(frames)["quantity_lb"].sum() == pytest.approx(
        (raw_table(path).sql("select sum(lb) from raw").fetchone() or (0,))[0], abs=1e-6
    )
