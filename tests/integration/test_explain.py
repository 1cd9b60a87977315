"""From a figure of the real release back to the publisher's line.

Lines, figures and checksums are found in the mirror's files with the standard library, never through the pipeline.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.query.explain import explain
from tests.conftest import installation
from tests.integration.release_by_hand import write_release
from tests.integration.stage_tools import history, run_stages

CBP = "cbp_drug_seizures/2026-01-15/nationwide-drugs-fy23-fy26-dec.csv"
CBP_BEFORE = "cbp_drug_seizures/2024-04-08/nationwide-drugs-fy21-fy24.csv"
VSRR = "cdc_vsrr_overdose/2025-07-16/xkb8-kh2a.parquet"
VSRR_BEFORE = "cdc_vsrr_overdose/2025-01-08/VSRR_Provisional_Drug_Overdose_Death_Counts.csv"
BTS = "bts_border_crossings/2025-04-01/Border_Crossing_Entry_Data.csv.gz"
BTS_BEFORE = "bts_border_crossings/2022-09-27/Border_Crossing_Entry_Data.csv.gz"
COUNTIES = "census_population/2021-05-04/co-est2020-alldata.csv"
WORKBOOK = "census_population/2024-12-19/NST-EST2024-POP.xlsx"
TUCSON = (
    "seizures_monthly month=2024-03-01 component=OFO region=southwest land_filter=land_only "
    "area_id=tucson_field_office drug_id=fentanyl"
)
US = "overdose_deaths_12mo US 2023-12-01 drug_overdose"


def sha256(path: Path) -> str:
    """Checksum of a file of the mirror."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def texts(path: Path, encoding: str = "utf-8-sig") -> list[str]:
    """Lines of a file, without their ends; line n is at n - 1."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return content.decode(encoding).replace("\r\n", "\n").split("\n")


def the_line(path: Path, *cells: str, encoding: str = "utf-8-sig") -> tuple[int, str]:
    """Number and text of the only line that has the given cells among its own."""
    found = [
        (number, text)
        for number, text in enumerate(texts(path, encoding), 1)
        if all(cell in text for cell in cells) and set(cells) <= set(next(csv.reader([text])))
    ]
    assert len(found) == 1, found[:5]
    return found[0]


def the_row(path: Path, **cells: Any) -> tuple[int, dict[str, Any]]:
    """Number (from 1) and cells of the only row of a Parquet file with the given cells."""
    rows = pq.read_table(path).to_pylist()
    found = [(n, row) for n, row in enumerate(rows, 1) if all(row[k] == v for k, v in cells.items())]
    assert len(found) == 1, found[:5]
    return found[0]


def fentanyl_of_march(mirror: Path) -> list[dict[str, str]]:
    """The records of fentanyl in March 2024 in the newest CBP file."""
    with (mirror / CBP).open(encoding="utf-8-sig", newline="") as lines:
        return [
            row for row in csv.DictReader(lines)
            if (row["FY"], row["Month (abbv)"], row["Drug Type"]) == ("2024", "MAR", "Fentanyl")
        ]  # fmt: skip


def test_a_seizure_leads_to_its_line(official_release: Settings, mirror: Path) -> None:
    number, text = the_line(mirror / CBP, "2024", "MAR", "Land Only", "TUCSON FIELD OFFICE", "Fentanyl")
    *_, events, pounds = text.split(",")
    found = explain(official_release, TUCSON)
    newest = found.lines[0]
    assert (newest.line, newest.record, newest.unit) == (number, text, "line")
    assert (newest.file, newest.vintage, newest.archive_id) == (Path(CBP).name, date(2026, 1, 15), "2026-01-15")
    assert newest.sha256 == sha256(mirror / CBP)
    assert newest.cells["Count of Event"] == events
    assert (found.row["events"], found.row["quantity_lb"]) == (int(events), float(pounds))
    assert found.row["quantity_kg"] == pytest.approx(float(pounds) * 0.45359237, rel=1e-15)


def test_a_seizure_shows_where_its_value_was_first_published(official_release: Settings, mirror: Path) -> None:
    """No earlier file has March 2024: the one before ends in March 2024 and calls the year (FYTD)."""
    number, text = the_line(mirror / CBP_BEFORE, "2024 (FYTD)", "MAR", "Land Only", "TUCSON FIELD OFFICE", "Fentanyl")
    found = explain(official_release, TUCSON)
    assert [line.vintage for line in found.lines] == [date(2026, 1, 15), date(2024, 4, 8)]
    assert (found.lines[1].line, found.lines[1].record) == (number, text)
    assert [(s.first_vintage, s.last_vintage, s.change) for s in found.history] == [(date(2024, 4, 8), None, "added")]


def test_the_conversion_is_written_out(official_release: Settings) -> None:
    found = explain(official_release, TUCSON)
    pounds, kilograms = found.row["quantity_lb"], found.row["quantity_kg"]
    assert any(f"quantity_kg = {pounds!r} lb x 0.45359237 = {kilograms!r} kg" in step for step in found.steps)
    assert any("dbt_project/models/marts/seizures/seizures_monthly.sql" in step for step in found.steps)


def test_a_revised_seizure_shows_both_figures(official_release: Settings, mirror: Path) -> None:
    """Miami, March 2024: 0.11 lb in the release of April 2024, 5.29 lb in that of January 2026."""
    cells = ("MAR", "Coastal/Interior", "MIAMI FIELD OFFICE", "Fentanyl")
    _, old = the_line(mirror / CBP_BEFORE, "2024 (FYTD)", *cells)
    number, new = the_line(mirror / CBP, "2024", *cells)
    found = explain(official_release, "seizures_monthly 2024-03 OFO coastal_interior other miami_field_office fentanyl")
    assert [(s.values["quantity_lb"], s.change) for s in found.history] == [
        (float(old.split(",")[-1]), "added"), (float(new.split(",")[-1]), "revised"),
    ]  # fmt: skip
    assert [line.line for line in found.lines] == [number]


def test_a_filled_zero_rests_on_a_file_without_such_a_record(official_release: Settings, mirror: Path) -> None:
    path = mirror / "cbp_drug_seizures" / "2022-11-15" / "nationwide-drugs-fy19-fy22.csv"
    there = [t for t in texts(path) if t.startswith("2019,OCT,") and "ATLANTA" in t and ",Fentanyl," in t]
    assert there == []
    found = explain(
        official_release, "seizures_monthly 2018-10 OFO coastal_interior other atlanta_field_office fentanyl"
    )
    assert (found.row["is_filled"], found.row["quantity_lb"]) == (True, 0)
    assert [(line.file, line.line, line.record, line.sha256) for line in found.lines] == [
        (path.name, None, None, sha256(path))
    ]
    assert any("No row in the vintage = no seizure" in step for step in found.steps)
    assert "no record with this key" in found.text()


def test_deaths_lead_to_the_row_of_a_parquet_file(official_release: Settings, mirror: Path) -> None:
    place = {"State": "US", "Year": 2023, "Month": "December"}
    number, row = the_row(mirror / VSRR, **place, Indicator="Number of Drug Overdose Deaths")
    found = explain(official_release, US)
    line = found.lines[0]
    assert (line.unit, line.line, line.file, line.sha256) == ("row", number, Path(VSRR).name, sha256(mirror / VSRR))
    assert float(line.cells["Data Value"]) == row["Data Value"] == found.row["deaths_reported"]
    assert float(line.cells["Predicted Value"]) == row["Predicted Value"] == found.row["deaths_predicted"]
    assert f"row {number}" in found.text()


ARIZONA = "Synthetic opioids, excl. methadone (T40.4)"


def arizona(mirror: Path, file: str, year: int) -> tuple[int, dict[str, Any]]:
    """Row and cells of Arizona's twelve months to December in a Parquet release, or line and cells in a CSV one."""
    if file.endswith(".parquet"):
        return the_row(mirror / file, **{"State": "AZ", "Year": year, "Month": "December", "Indicator": ARIZONA})
    number, text = the_line(mirror / file, "AZ", str(year), "December", ARIZONA)
    (cells,) = csv.DictReader([texts(mirror / file)[0], text])
    return number, cells


def test_a_rate_says_of_each_count_since_which_vintage_it_stands(official_release: Settings, mirror: Path) -> None:
    """Arizona's count to December 2024 is of July 2025; the one to December 2023, behind yoy_12, of January 2025."""
    row, cells = arizona(mirror, VSRR, 2024)
    line, before = arizona(mirror, VSRR_BEFORE, 2023)
    assert not [t for t in texts(mirror / VSRR_BEFORE) if t.startswith("AZ,2024,December,") and ARIZONA in t]
    now, then = f"deaths_reported={cells['Data Value']:.0f}", f"deaths_reported={before['Data Value'].replace(',', '')}"
    found = explain(official_release, "overdose_trends US-AZ 2024-12 synthetic_opioids_t404 reported")
    key = "jurisdiction_id=US-AZ month_ending={}-12-01 indicator_id=synthetic_opioids_t404 has {} since {}"
    (step,) = (s for s in found.steps if "since" in s and "US-AZ month_ending" in s)
    assert key.format(2024, now, "2025-07-16") in step
    assert key.format(2023, then, "2025-01-08") in step
    assert [(x.vintage, x.line, x.role) for x in found.lines if x.role.startswith("first")][:2] == [
        (date(2025, 7, 16), row, f"first vintage with {now}"),
        (date(2025, 1, 8), line, f"first vintage with {then}"),
    ]


def test_two_counts_of_a_record_stand_each_since_its_own_vintage(official_release: Settings, mirror: Path) -> None:
    """Arizona to December 2024: the prediction was revised in June 2026, the count was not."""
    _, old = arizona(mirror, VSRR, 2024)
    _, new = arizona(mirror, "cdc_vsrr_overdose/2026-06-27/xkb8-kh2a_t404.csv", 2024)
    reported, predicted = new["data_value"], new["predicted_value"]
    assert old["Data Value"] == float(reported)
    assert old["Predicted Value"] != float(predicted)
    found = explain(official_release, "overdose_deaths_12mo US-AZ 2024-12 synthetic_opioids_t404")
    counts = f"deaths_reported={reported} since 2025-07-16, deaths_predicted={predicted}"
    assert found.lines[0].role == f"newest vintage that has the record: {counts} since 2026-06-27"


def test_a_value_that_came_back_stands_since_it_came_back() -> None:
    """Events 1, 2 and 1 again: the present 1 is that of the third release, also where the weight never moved."""
    from pipelines.catalog.load import get_source
    from pipelines.query.explain.answer import State
    from pipelines.query.explain.evidence import _stands

    releases = [date(2024, month, 1) for month in (1, 2, 3)]
    states = [
        State(
            source="cbp_drug_seizures", key={}, change="revised", value_vintage=day, first_vintage=day,
            last_vintage=None, replaced_vintage=None, values={"quantity_lb": 5.0, "events": events},
        )
        for day, events in zip(releases, (1, 2, 1), strict=True)
    ]  # fmt: skip
    stands = _stands(get_source("cbp_drug_seizures"), states, ())
    assert [(first.value_vintage, values) for first, values in stands] == [
        (releases[0], "quantity_lb=5.0"), (releases[2], "events=1"),
    ]  # fmt: skip


def test_percent_specified_leads_to_its_own_record(official_release: Settings, mirror: Path) -> None:
    place = {"State": "US", "Year": 2023, "Month": "December"}
    number, row = the_row(mirror / VSRR, **place, Indicator="Percent with drugs specified")
    found = explain(official_release, US)
    assert found.lines[1].line == number
    assert found.row["percent_specified"] == row["Data Value"]


def test_the_history_of_deaths_has_what_was_published_before(official_release: Settings, mirror: Path) -> None:
    _, text = the_line(mirror / VSRR_BEFORE, "US", "2023", "December", "Number of Drug Overdose Deaths")
    before = next(csv.reader([text]))[5]
    states = [s for s in explain(official_release, US).history if s.key["indicator_id"] == "drug_overdose"]
    assert [(s.first_vintage, s.last_vintage, s.change) for s in states] == [
        (date(2025, 1, 8), date(2025, 1, 8), "added"), (date(2025, 7, 16), None, "revised"),
    ]  # fmt: skip
    assert states[0].values["deaths_reported"] == int(float(before.replace(",", "")))


def test_new_york_is_the_sum_of_two_records(official_release: Settings, mirror: Path) -> None:
    shared = {"Year": 2023, "Month": "December", "Indicator": "Number of Drug Overdose Deaths"}
    (city, in_city), (rest, in_rest) = (the_row(mirror / VSRR, State=s, **shared) for s in ("YC", "NY"))
    found = explain(official_release, "overdose_deaths_12mo US-NY 2023-12 drug_overdose")
    assert found.row["deaths_reported"] == in_city["Data Value"] + in_rest["Data Value"]
    assert [line.line for line in found.lines] == [city, rest]
    assert [f.key["jurisdiction_id"] for f in found.facts] == ["US-NYC", "US-NY-XNYC"]
    terms = f"{in_city['Data Value']:.0f} (US-NYC) + {in_rest['Data Value']:.0f} (US-NY-XNYC)"
    assert any(terms in step for step in found.steps)


def test_a_missing_count_says_why(official_release: Settings, mirror: Path) -> None:
    _, row = the_row(mirror / VSRR, State="AK", Year=2015, Month="January", Indicator="Cocaine (T40.5)")
    assert row["Data Value"] is None
    assert "low data quality" in row["Footnote"]
    found = explain(official_release, "overdose_deaths_12mo US-AK 2015-01 cocaine_t405")
    assert found.row["deaths_reported"] is None
    assert any("deaths_reported is missing (low_quality)" in step and "never zero" in step for step in found.steps)


def test_a_crossing_leads_into_a_gzip_file(official_release: Settings, mirror: Path) -> None:
    """Laredo, pedestrians of June 2022: 1,349 in the release of 2022, 194,802 in that of 2025."""
    _, old = the_line(mirror / BTS_BEFORE, "2304", "Jun 2022", "Pedestrians")
    number, new = the_line(mirror / BTS, "2304", "Jun 2022", "Pedestrians")
    found = explain(official_release, "border_crossings_monthly 2304 2022-06 pedestrians")
    assert (found.lines[0].line, found.lines[0].record) == (number, new)
    assert found.lines[0].sha256 == sha256(mirror / BTS)
    assert [s.values["crossings"] for s in found.history] == [int(old.split(",")[6]), int(new.split(",")[6])]
    assert [s.values["crossings"] for s in found.history] == [1349, 194802]


def test_a_state_of_the_history_leads_to_the_vintage_that_had_it(official_release: Settings, mirror: Path) -> None:
    """Laredo, pedestrians of June 2022, as the release of 2022 said, which that of 2025 revised."""
    number, old = the_line(mirror / BTS_BEFORE, "2304", "Jun 2022", "Pedestrians")
    found = explain(official_release, "history.bts_border_crossings 2304 2022-06 pedestrians 2022-09-27")
    (line,) = found.lines
    assert (found.row["crossings"], line.line, line.record) == (1349, number, old)
    assert line.role == "last vintage that has this state of the record: crossings=1349 since 2022-09-27"
    assert found.text().startswith("history.bts_border_crossings port_code=2304 month=2022-06-01")


def test_a_withdrawn_state_of_the_history_shows_the_line_before(official_release: Settings, mirror: Path) -> None:
    """Toledo, May 2019: 11 vehicles in the release of 2022, no such row in that of 2025."""
    number, old = the_line(mirror / BTS_BEFORE, "4105", "May 2019", "Personal Vehicles")
    assert not [t for t in texts(mirror / BTS) if ",4105," in t and "May 2019,Personal Vehicles," in t]
    found = explain(official_release, "history.bts_border_crossings 4105 2019-05 personal_vehicles 2025-04-01")
    (line,) = found.lines
    assert (found.row["change"], line.line, line.record) == ("withdrawn", number, old)


def test_a_resolved_duplicate_says_that_the_larger_stays(official_release: Settings) -> None:
    found = explain(official_release, "border_crossings_monthly 2606 2021-02 bus_passengers")
    assert any("twice with different figures; the larger one stays" in step for step in found.steps)


def test_a_withdrawn_crossing_is_told_from_a_wrong_key(official_release: Settings) -> None:
    with pytest.raises(DrugflowError, match=r"withdrew it in the vintage of 2025-04-01, last published .* 2022-09-27"):
        explain(official_release, "border_crossings_monthly 0401 2022-06 personal_vehicle_passengers")


def test_new_york_city_is_five_counties(official_release: Settings, mirror: Path) -> None:
    with (mirror / COUNTIES).open(encoding="latin-1", newline="") as lines:
        rows = [(n, r) for n, r in enumerate(csv.DictReader(lines), 2) if (r["SUMLEV"], r["STATE"]) == ("50", "36")]
    five = [(n, int(r["POPESTIMATE2015"])) for n, r in rows if int(r["COUNTY"]) in (5, 47, 61, 81, 85)]
    found = explain(official_release, "population_yearly US-NYC 2015")
    assert [line.line for line in found.lines] == [n for n, _ in five]
    assert found.row["population"] == sum(count for _, count in five)
    assert all(int(line.cells["POPESTIMATE2015"]) == count for line, (_, count) in zip(found.lines, five, strict=True))


def test_the_rest_of_new_york_is_the_state_without_the_city(official_release: Settings) -> None:
    found = explain(official_release, "population_yearly US-NY-XNYC 2015")
    assert [line.key["geo_id"] for line in found.lines] == ["US-NY", "36005", "36047", "36061", "36081", "36085"]
    state, *counties = (int(line.cells["POPESTIMATE2015"]) for line in found.lines)
    assert found.row["population"] == state - sum(counties)


def test_a_population_leads_to_a_row_of_a_workbook(official_release: Settings, mirror: Path) -> None:
    """The cell is looked up in the workbook's XML: row 5 is the United States, column F the year 2023."""
    with zipfile.ZipFile(mirror / WORKBOOK) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    cell = re.search(r'<c r="F5"[^>]*><v>(\d+)</v>', sheet)
    assert cell is not None
    found = explain(official_release, "population_yearly US 2023")
    (line,) = found.lines
    assert (line.unit, line.line, line.sha256) == ("row", 5, sha256(mirror / WORKBOOK))
    assert (line.cells["A5"], line.cells["F5"]) == ("United States", cell[1])
    assert found.row["population"] == int(cell[1])


def test_a_nation_from_states_shows_some_and_counts_all(official_release: Settings) -> None:
    found = explain(official_release, "population_yearly US 2015", limit=3)
    assert (found.fact_count, len(found.facts), len(found.lines), found.lines_left_out) == (51, 3, 3, 48)
    assert "… and 48 more records." in found.text()


def test_final_national_deaths_lead_to_the_seed(official_release: Settings, real_data: Path) -> None:
    published = (real_data / "reference" / "us_t404_final_monthly_2015_2024.csv").read_text("utf-8").splitlines()
    deaths = next(line.split(",")[1] for line in published if line.startswith("2024-03"))
    found = explain(official_release, "overdose_deaths_monthly US 2024-03 synthetic_opioids_t404 final")
    (line,) = found.lines
    assert line.path == "dbt_project/seeds/us_t404_final_monthly.csv"
    assert (line.line, line.record) == (2 + 9 * 12 + 2, f"2024-03-01,{deaths},2026-11-24")
    assert found.row["deaths"] == int(deaths)


def test_state_deaths_lead_to_a_line_of_a_saved_query(official_release: Settings, mirror: Path) -> None:
    path = mirror / "cdc_wonder_overdose" / "2025-04-21" / "WONDER_2021.txt"
    number, text = next((n, t) for n, t in enumerate(texts(path), 1) if t.split("\t")[2:4] == ["2021/03", "Arizona"])
    found = explain(official_release, "overdose_deaths_monthly US-AZ 2021-03 drug_overdose final")
    assert (found.lines[0].line, found.lines[0].record) == (number, text)
    assert found.row["deaths"] == int(text.split("\t")[5])


def test_a_hidden_month_names_the_files_without_it(official_release: Settings, mirror: Path) -> None:
    folder = mirror / "cdc_wonder_overdose" / "2025-10-01"
    files = sorted(p for p in folder.iterdir() if p.suffix == ".csv")
    assert not [t for p in files for t in texts(p, "latin-1") if "2020/03" in t and "Wyoming" in t]
    found = explain(official_release, "overdose_deaths_monthly US-WY 2020-03 synthetic_opioids_t404 final")
    assert (found.row["deaths"], found.row["missing_reason"]) == (None, "suppressed")
    assert [(line.file, line.line, line.sha256) for line in found.lines] == [(p.name, None, sha256(p)) for p in files]
    assert any("0 to 9 deaths" in step for step in found.steps)


def test_a_trend_is_a_sum_of_facts(official_release: Settings, mirror: Path) -> None:
    records = fentanyl_of_march(mirror)
    pounds = sorted((float(r["Sum Qty (lbs)"]) for r in records), reverse=True)
    found = explain(official_release, "seizure_trends 2024-03 national US fentanyl quantity_lb", limit=4)
    assert found.nonzero_count == len(records) == sum(p > 0 for p in pounds)
    assert found.row["value"] == pytest.approx(sum(pounds), abs=1e-4)
    assert [f.values["quantity_lb"] for f in found.facts] == pounds[:4]
    assert [float(line.cells["Sum Qty (lbs)"]) for line in found.lines] == pounds[:4]
    assert found.lines_left_out == len(records) - 4


def test_a_trend_counts_filled_zeros_among_its_facts(official_release: Settings) -> None:
    with duckdb.connect(str(official_release.current.resolve() / "drugflow.duckdb"), read_only=True) as release:
        count = release.execute(
            "select count(*) from marts.seizures_monthly where month = date '2024-03-01' and drug_id = 'fentanyl'"
        ).fetchone()
    assert count is not None
    assert explain(official_release, "seizure_trends 2024-03 national US fentanyl events").fact_count == count[0]


def test_a_corridor_is_its_field_office_and_sectors(official_release: Settings, mirror: Path) -> None:
    areas = ("TUCSON FIELD OFFICE", "TUCSON SECTOR", "YUMA SECTOR")
    events = sum(int(r["Count of Event"]) for r in fentanyl_of_march(mirror) if r["Area of Responsibility"] in areas)
    found = explain(official_release, "seizure_trends 2024-03 corridor tucson fentanyl events")
    assert found.row["value"] == events == sum(f.values["events"] for f in found.facts)


def test_a_trend_of_nothing_lists_its_zeros(official_release: Settings) -> None:
    found = explain(official_release, "seizure_trends 2020-07 area buffalo_sector heroin quantity_lb")
    assert (found.row["value"], found.nonzero_count, found.lines) == (0, 0, [])
    assert [f.values["quantity_lb"] for f in found.facts] == [0] * found.fact_count


def test_a_rate_is_made_of_deaths_and_people(official_release: Settings) -> None:
    found = explain(official_release, "overdose_trends US 2023-12 drug_overdose reported")
    assert [(f.table, *f.values.values()) for f in found.facts] == [
        ("overdose_deaths_12mo", found.row["deaths"]),
        ("population_yearly", found.row["population"]),
        ("overdose_deaths_12mo", round(found.row["deaths"] / (1 + found.row["yoy_12"]))),
    ]
    assert found.row["rate_per_100k"] == pytest.approx(found.row["deaths"] / found.row["population"] * 1e5)
    assert {line.source for line in found.lines} == {"cdc_vsrr_overdose", "census_population"}


@pytest.mark.parametrize(
    ("question", "seed", "record"),
    [
        ("dim_drug fentanyl", "drugs", "fentanyl,Fentanyl,Fentanilo,opioid"),
        ("dim_area tucson_sector", "areas", "tucson_sector,Tucson Sector,USBP,southwest,tucson,single,US-AZ"),
        ("dim_jurisdiction MX-SON", "jurisdictions", "MX-SON,,26,Sonora,Sonora,MX"),
    ],
)
def test_a_dimension_leads_to_the_line_of_its_seed(
    official_release: Settings, question: str, seed: str, record: str
) -> None:
    (line,) = explain(official_release, question).lines
    assert (line.path, line.record) == (f"dbt_project/seeds/{seed}.csv", record)


def test_every_row_of_a_seed_is_what_the_release_says(official_release: Settings) -> None:
    for question in ("dim_port 2604", "dim_corridor laredo", "dim_indicator drug_overdose", "dim_port 2402"):
        assert not any("edited after the release" in step for step in explain(official_release, question).steps)


def test_the_calendar_has_no_line(official_release: Settings) -> None:
    found = explain(official_release, "dim_month 2024-03")
    assert found.lines == []
    assert any("history.coverage" in step for step in found.steps)


def test_names_may_be_left_out_and_months_cut(official_release: Settings) -> None:
    bare = explain(
        official_release, "marts.seizures_monthly 2024-03 OFO southwest land_only tucson_field_office fentanyl"
    )
    mixed = explain(
        official_release, "seizures_monthly drug_id=fentanyl 2024-03 OFO southwest land_only tucson_field_office"
    )
    assert bare == mixed == explain(official_release, TUCSON)


def test_a_key_that_leaves_one_row_is_enough(official_release: Settings) -> None:
    short = "seizures_monthly month=2024-03 area_id=tucson_sector drug_id=fentanyl land_filter=land_only"
    assert explain(official_release, short).key["component"] == "USBP"


def test_a_withdrawn_seizure_shows_the_last_vintage_that_had_it(sample_release: Settings) -> None:
    with duckdb.connect(str(sample_release.current.resolve() / "drugflow.duckdb"), read_only=True) as release:
        row = release.execute(
            "select month, component, region, land_filter, area_id, drug_id, first_vintage "
            "from history.cbp_drug_seizures where change = 'withdrawn' and replaced_vintage is null order by all"
        ).fetchone()
    assert row is not None
    *key, gone = row
    found = explain(sample_release, f"seizures_monthly {' '.join(map(str, key))}")
    (line,) = found.lines
    assert (found.row["events"], found.row["is_filled"]) == (0, True)
    assert line.vintage is not None
    assert line.vintage < gone
    content = texts(sample_release.data_raw / "sample" / "cbp_drug_seizures" / str(line.archive_id) / line.file)
    assert line.line is not None
    assert content[line.line - 1] == line.record
    assert any(f"that of {gone} covers its period and no longer has it" in step for step in found.steps)


def test_a_sample_is_called_one(sample_release: Settings) -> None:
    found = explain(sample_release, "dim_drug fentanyl")
    assert (found.realm, found.text().splitlines()[0]) == ("sample", "SAMPLE: generated data, not official.")


HEADER = "FY,Month (abbv),Component,Region,Land Filter,Area of Responsibility,Drug Type,Count of Event,Sum Qty (lbs)"
PLACE = "Office of Field Operations,Southwest Border,Land Only,TUCSON FIELD OFFICE"


def test_a_line_is_found_in_the_right_file_of_a_zip_archive(tmp_path: Path) -> None:
    """Both files have a line 3; the figure is in the second one. The rows are made up."""
    folder = tmp_path / "mirror" / "cbp_drug_seizures" / "2026-01-15"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "drugs.zip", "w") as archive:
        for year, drugs in (("2024", ("Fentanyl", "Heroin")), ("2025", ("Cocaine", "Fentanyl"))):
            rows = [f"{year},MAR,{PLACE},{drug},{n},{n}.5" for n, drug in enumerate(drugs, 1)]
            archive.writestr(f"fy{year}.csv", "\n".join([HEADER, *rows, ""]))
    home = installation(tmp_path, f"mirror:{tmp_path / 'mirror'}")
    (verdict,) = run_stages(home, "cbp_drug_seizures")
    assert verdict.state == "accepted", verdict.problem
    key = {
        "month": date(2025, 3, 1), "component": "OFO", "region": "southwest", "land_filter": "land_only",
        "area_id": "tucson_field_office", "drug_id": "fentanyl",
    }  # fmt: skip
    vintage = date(2026, 1, 15)
    fact = {**key, "events": 2, "quantity_lb": 2.5, "source_id": "cbp_drug_seizures", "vintage": vintage}
    taken = {
        "source_id": "cbp_drug_seizures", "vintage": vintage, "archive_id": "2026-01-15", "state": "accepted",
        "files": ["drugs.zip"], "sha256": [sha256(folder / "drugs.zip")],
    }  # fmt: skip
    rows_by_table: dict[str, list[dict[str, Any]]] = {
        "marts.seizures_monthly": [fact],
        "history.cbp_drug_seizures": history(home, "cbp_drug_seizures").to_dicts(),
        "meta.vintages": [taken],
    }
    write_release(home, "20260201T000000Z", rows_by_table)
    (line,) = explain(home, "seizures_monthly drug_id=fentanyl").lines
    assert (line.member, line.line, line.record) == ("fy2025.csv", 3, f"2025,MAR,{PLACE},Fentanyl,2,2.5")


def test_an_explanation_is_plain_data(official_release: Settings) -> None:
    found = explain(official_release, TUCSON)
    read = json.loads(found.model_dump_json())
    assert read["lines"][0]["record"] == found.lines[0].record
    assert read["key"]["month"] == "2024-03-01"


def test_a_port_beyond_the_list_says_so(tmp_path: Path) -> None:
    home = installation(tmp_path, "sample")
    write_release(home, "20260201T000000Z", {"marts.dim_port": [{"port_code": "9999", "name": "Unlisted port 9999"}]})
    found = explain(home, "dim_port 9999")
    assert found.lines == []
    assert any("does not list this port" in step for step in found.steps)


def test_a_seed_that_was_edited_since_is_named(tmp_path: Path) -> None:
    home = installation(tmp_path, "sample")
    row = {"drug_id": "fentanyl", "name_en": "Fentanyl", "name_es": "Fentanyl", "drug_class": "opioid"}
    write_release(home, "20260201T000000Z", {"marts.dim_drug": [row]})
    assert any("edited after the release was built" in step for step in explain(home, "dim_drug fentanyl").steps)


def test_a_row_that_explain_cannot_follow_names_its_model(tmp_path: Path) -> None:
    """A count of a source that the catalogue does not have."""
    home = installation(tmp_path, "sample")
    key = {"jurisdiction_id": "US", "month": date(2025, 3, 1), "indicator_id": "drug_overdose", "basis": "final"}
    write_release(home, "20260201T000000Z", {"marts.overdose_deaths_monthly": [{**key, "source_id": "elsewhere"}]})
    found = explain(home, "overdose_deaths_monthly US")
    assert found.lines == []
    assert any("dbt_project/models/marts/deaths/overdose_deaths_monthly.sql" in step for step in found.steps)
