"""CBP Air and Marine Operations drug seizures: the same rules as the nationwide file, kept apart from it.

Real rows are quoted from CBP's files (see README.md beside them). Expected totals are
CBP's files added up here with DuckDB or the csv module.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.catalog.load import get_source
from pipelines.clean.files import Limits
from pipelines.clean.run import Raw, Summary, clean_vintage
from pipelines.core.fingerprint import sha256_of
from pipelines.quality.expectations import expectations_of
from pipelines.sources.cbp_amo_drug_seizures.clean import is_open
from pipelines.sources.modules import source_module

SOURCE = get_source("cbp_amo_drug_seizures")
MODULE = partial(source_module, SOURCE.id)
FIXTURES = Path(__file__).parent
HEADER = "FY,Month (abbv),Component,Region,Land Filter,Branch,Drug Type,Count of Event,Sum Qty (lbs)\r\n"
TUCSON = "Air and Marine Operations,Southwest Border,Land,Tucson Air Branch,Fentanyl,3,3.56"
GOOD = f"2026 (FYTD),DEC,{TUCSON}\r\n"

Clean = Callable[[str | Path], tuple[Summary, pl.DataFrame, pl.DataFrame]]
"""Text of a file, or its path, to the account, the clean rows and the rejected records."""


@pytest.fixture
def clean(tmp_path: Path) -> Clean:
    def run(file: str | Path) -> tuple[Summary, pl.DataFrame, pl.DataFrame]:
        raw = tmp_path / "raw"
        raw.mkdir(exist_ok=True)
        name = file.name if isinstance(file, Path) else "amo.csv"
        (raw / name).write_bytes(file.read_bytes() if isinstance(file, Path) else file.encode())
        content = sha256_of(raw / name)
        vintage = Raw(id="2026-01-15", vintage="2026-01-15", folder=raw, files=[name], content=content)
        summary = clean_vintage(SOURCE, MODULE, vintage, tmp_path / "clean", Limits(), "code")
        assert summary.problem is None, summary.problem
        out = tmp_path / "clean" / vintage.id
        return summary, pl.read_parquet(out / "clean.parquet"), pl.read_parquet(out / "rejected.parquet")

    return run


def test_a_record_becomes_a_row_without_its_component(clean: Clean) -> None:
    _, frame, _ = clean(HEADER + GOOD)
    assert frame.columns == [
        "month", "branch", "region", "land_filter", "drug_id", "quantity_lb", "events", "fiscal_year", "is_fytd",
        "file", "line",
    ]  # fmt: skip
    assert frame.row(0) == (
        date(2025, 12, 1), "tucson_air_branch", "southwest", "land_only", "fentanyl", 3.56, 3, 2026, True, "amo.csv", 2,
    )  # fmt: skip
    assert frame.select(is_open().alias("open"))["open"].to_list() == [True]


@pytest.mark.parametrize("component", ["U.S. Border Patrol", "Office of Field Operations"])
def test_another_component_does_not_belong_here(clean: Clean, component: str) -> None:
    summary, _, rejected = clean(HEADER + GOOD + GOOD.replace("Air and Marine Operations", component))
    assert (summary.rows, summary.rejected) == (1, 1)
    bad = rejected.row(0, named=True)
    assert (bad["line"], bad["column"], bad["value"]) == (3, "Component", component)
    assert bad["reason"] == "is unknown, expected one of 'Air and Marine Operations'"


@pytest.mark.parametrize("text", ["Land", "Land Only", "LAND"])
def test_land_is_this_file_s_word_for_land_only(clean: Clean, text: str) -> None:
    _, frame, _ = clean(HEADER + GOOD.replace(",Land,", f",{text},"))
    assert frame["land_filter"].to_list() == ["land_only"]


def test_other_is_a_land_filter_and_a_region_and_a_drug(clean: Clean) -> None:
    row = "2026 (FYTD),DEC,Air and Marine Operations,Other,Other,Houston Air And Marine Branch,Other Drugs**,1,0.5\r\n"
    _, frame, _ = clean(HEADER.replace("FY,", "Fiscal Year,") + row)
    assert frame.select("region", "land_filter", "drug_id").row(0) == ("coastal_interior", "other", "other")


def test_every_branch_seen_so_far_has_an_id(clean: Clean) -> None:
    branches: set[str] = set()
    ids: set[str] = set()
    for path in sorted(FIXTURES.glob("*.csv")):
        with path.open(newline="") as handle:
            branches |= {r["Branch"] for r in csv.DictReader(handle)}
        summary, frame, _ = clean(path)
        assert summary.rejected == 0
        ids |= set(frame["branch"])
    assert len(branches) == 31
    assert ids == {"_".join(re.findall(r"[a-z]+", b.lower())) for b in branches}
    listed = next(c.categories or {} for c in SOURCE.columns if c.id == "branch")
    assert set(listed) == branches


def test_a_branch_name_with_a_comma_is_one_cell(clean: Clean) -> None:
    _, frame, _ = clean(FIXTURES / "amo-drug-seizures-fy19-fy22__rows.csv")
    bahamas = frame.filter(branch="amo_operation_bahamas_turks_and_caicos")
    assert bahamas.select("month", "drug_id", "quantity_lb").rows() == [(date(2019, 1, 1), "cocaine", 0.01)]


def test_an_unknown_branch_is_rejected_with_its_line_and_value(clean: Clean) -> None:
    _, _, rejected = clean(HEADER + GOOD + GOOD.replace("Tucson Air Branch", "Nogales Air Branch"))
    bad = rejected.row(0, named=True)
    assert (bad["file"], bad["line"], bad["column"], bad["value"]) == ("amo.csv", 3, "Branch", "Nogales Air Branch")


def test_one_branch_in_two_regions_is_two_rows(clean: Clean) -> None:
    _, frame, _ = clean(FIXTURES / "amo-drug-seizures-fy23-fy26-jul__rows.csv")
    division = frame.filter(branch="amo_special_programs_division", drug_id="methamphetamine")
    assert sorted(division.select("region", "quantity_lb").rows()) == [("coastal_interior", 0.73), ("southwest", 149.8)]


def test_traces_of_zero_pounds_stay(clean: Clean) -> None:
    _, frame, _ = clean(FIXTURES / "amo-drug-seizures-fy19-fy22__rows.csv")
    traces = frame.filter(quantity_lb=0).sort("month").select("month", "branch", "drug_id", "events")
    assert traces.rows() == [
        (date(2021, 10, 1), "great_lakes_air_and_marine_branch", "fentanyl", 1),
        (date(2021, 11, 1), "jacksonville_air_and_marine_branch", "fentanyl", 1),
        (date(2022, 1, 1), "manassas_air_branch", "fentanyl", 2),
        (date(2022, 2, 1), "manassas_air_branch", "fentanyl", 3),
    ]


def test_the_largest_row_is_kept_and_noticed(clean: Clean) -> None:
    _, frame, _ = clean(FIXTURES / "amo-drug-seizures-fy19-fy22__rows.csv")
    largest = frame.sort("quantity_lb", descending=True).row(0, named=True)
    assert (largest["month"], largest["branch"]) == (date(2021, 6, 1), "bellingham_air_branch")
    assert (largest["quantity_lb"], largest["events"]) == (403547.62, 1)
    check = next(e for e in expectations_of(SOURCE) if e.id == "quantity_lb_outlier")
    assert check.severity == "warning"
    assert check.kwargs["max_value"] < largest["quantity_lb"]


@pytest.mark.parametrize(
    ("record", "column", "value"),
    [
        (GOOD.replace("2026 (FYTD)", "FY26"), "FY", "FY26"),
        (GOOD.replace("DEC", "DEZ"), "Month (abbv)", "DEZ"),
        (GOOD.replace("3.56", "3.56 lb"), "Sum Qty (lbs)", "3.56 lb"),
        (GOOD.replace("Fentanyl", "Xylazine"), "Drug Type", "Xylazine"),
    ],
)
def test_a_cell_that_cannot_be_read_is_rejected(clean: Clean, record: str, column: str, value: str) -> None:
    summary, _, rejected = clean(HEADER + GOOD + record)
    assert (summary.rows, summary.rejected) == (1, 1)
    bad = rejected.row(0, named=True)
    assert (bad["line"], bad["column"], bad["value"]) == (3, column, value)


# --- whole real files ----------------------------------------------------------------------------------------------


def the_file(mirror: Path, vintage: str) -> Path:
    (path,) = (mirror / SOURCE.id / vintage).glob("*.csv")
    return path


@pytest.mark.parametrize("vintage", ["2022-11-15", "2026-01-15"])
def test_every_real_file_is_clean_and_adds_up_to_the_agency_s_rows(mirror: Path, clean: Clean, vintage: str) -> None:
    path = the_file(mirror, vintage)
    raw = duckdb.connect()
    expected = raw.execute(
        """
        select make_date(left(FY, 4)::int - ("Month (abbv)" in ('OCT', 'NOV', 'DEC'))::int,
                month(strptime("Month (abbv)", '%b')), 1),
            trim(regexp_replace(lower(Branch), '[^a-z]+', '_', 'g'), '_'), lower("Drug Type"),
            left(FY, 4)::int, FY like '%(FYTD)', lower(split_part(Region, ' ', 1)), "Land Filter" = 'Land',
            "Count of Event"::int, "Sum Qty (lbs)"::double
        from read_csv(?, all_varchar = true)
        """,
        [str(path)],
    ).fetchall()
    summary, frame, rejected = clean(path)
    assert (summary.rejected, rejected.height, summary.set_aside) == (0, 0, {})
    region = pl.col("region").replace("coastal_interior", "coastal/interior")
    found = frame.select(
        "month", "branch", "drug_id", "fiscal_year", "is_fytd", region, pl.col("land_filter") == "land_only", "events",
        "quantity_lb",
    )  # fmt: skip
    assert sorted(found.rows()) == sorted(expected)


@pytest.mark.parametrize(
    ("vintage", "by_year"),
    [
        ("2022-11-15", {2019: 389.01, 2020: 558.32, 2021: 785.82, 2022: 1325.46}),
        ("2026-01-15", {2023: 1453.12, 2024: 1847.32, 2025: 944.42, 2026: 52.28}),
    ],
)
def test_fentanyl_totals_of_the_two_releases(
    mirror: Path, clean: Clean, vintage: str, by_year: dict[int, float]
) -> None:
    """Pounds, computed from CBP's files; fiscal year 2026 is October to December."""
    _, frame, _ = clean(the_file(mirror, vintage))
    found = frame.filter(drug_id="fentanyl").group_by("fiscal_year").agg(pl.col("quantity_lb").sum())
    assert dict(found.rows()) == pytest.approx(by_year, abs=0.005)


@pytest.mark.parametrize(("vintage", "above"), [("2022-11-15", 2), ("2026-01-15", 1)])
def test_only_three_real_rows_are_outliers(mirror: Path, clean: Clean, vintage: str, above: int) -> None:
    bound = next(e for e in expectations_of(SOURCE) if e.id == "quantity_lb_outlier").kwargs["max_value"]
    _, frame, _ = clean(the_file(mirror, vintage))
    assert frame.filter(pl.col("quantity_lb") > bound).height == above


@pytest.mark.parametrize("vintage", ["2022-11-15", "2026-01-15"])
def test_no_month_of_a_real_file_would_be_taken_for_a_cut_one(mirror: Path, clean: Clean, vintage: str) -> None:
    bound = next(e for e in expectations_of(SOURCE) if e.id == "newest_month_complete").kwargs["min_value"]
    _, frame, _ = clean(the_file(mirror, vintage))
    rows = frame.group_by("month").len().sort("month")["len"].cast(pl.Float64)
    assert float((rows / rows.shift(1)).drop_nulls().min() or 0) > bound  # type: ignore[arg-type]


def test_an_excerpt_of_a_later_release_is_clean(real_data: Path, clean: Clean) -> None:
    excerpt = real_data / "reference" / "excerpts" / "amo-drug-seizures-fy23-fy26-jul__excerpt.csv"
    summary, frame, _ = clean(excerpt)
    assert (summary.records, summary.rows, summary.rejected) == (22, 22, 0)
    assert "amo_special_programs_division" in set(frame["branch"])


def test_the_link_pattern_takes_every_link_that_robots_may_read(real_data: Path) -> None:
    pattern = re.compile(SOURCE.fetch.link_pattern or "")
    links = list(csv.DictReader((real_data / "reference" / "cbp_csv_links_seen_2026-09.csv").open()))
    wanted = {r["url"] for r in links if r["dataset"] == "cbp_amo_drugs" and "robots_disallowed" not in r["kind"]}
    assert len(wanted) == 13
    assert {r["url"] for r in links if pattern.search(r["url"])} == wanted
