"""Border crossings: four layouts, one key, doubled keys, and the real releases.

Quoted rows are the publisher's (BTS Border Crossing Entry Data, keg4-3bc2, US government work), from the releases of
August 2019, September 2022 and April 2025. The layout of March 2019 and that of the SODA interface are known from a
description; their rows carry figures of those releases.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalog.load import get_source
from pipelines.clean.files import Limits
from pipelines.clean.run import Raw, Summary, clean_vintage
from pipelines.sources.bts_border_crossings.clean import KEY, resolve
from pipelines.sources.modules import source_module

SOURCE = get_source("bts_border_crossings")
MODULE = partial(source_module, SOURCE.id)
SEED = Path(__file__).resolve().parents[3] / "dbt_project" / "seeds" / "ports.csv"
HEADER_2022 = "Port Name,State,Port Code,Border,Date,Measure,Value\n"


class Cleaned:
    """A cleaned text: its account, its rows without flags, and the reasons of what was rejected."""

    def __init__(self, folder: Path, text: str, chunk_bytes: int = 1024**2) -> None:
        (folder / "raw").mkdir(exist_ok=True)
        (folder / "raw" / "data.csv").write_text(text, "utf-8", newline="")
        raw = Raw("2025-04-01", "2025-04-01", folder / "raw", ["data.csv"], "content")
        self.summary: Summary = clean_vintage(
            SOURCE, MODULE, raw, folder / "out", Limits(chunk_bytes=chunk_bytes), "code"
        )
        assert self.summary.problem is None, self.summary.problem
        self.frame = pl.read_parquet(folder / "out" / "2025-04-01" / "clean.parquet")
        rejected = pl.read_parquet(folder / "out" / "2025-04-01" / "rejected.parquet")
        self.rejected = rejected.select("line", "column", "value", "reason").rows()

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return self.frame.select(*KEY, "crossings").rows()


def row_of(date_text: str = "May 2022", port: str = "3104", measure: str = "Trucks", value: str = "339") -> str:
    """A file of one record in the layout of 2022."""
    return f"{HEADER_2022}Alcan,Alaska,{port},US-Canada Border,{date_text},{measure},{value}\n"


def test_layout_of_march_2019_with_multi_line_places_and_grouped_figures(tmp_path: Path):
    text = (
        "\ufeffPort Name,State Abbreviation,Port Code,Border,Date,Measure,Value,Location\n"
        'Calexico East,CA,2507,US-Mexico Border,03/01/2019 12:00:00 AM,Trucks,"34,447","CALIFORNIA\n(32.67, -115.48)"\n'
        'Van Buren,ME,108,US-Canada Border,03/01/2019 12:00:00 AM,Rail Containers Full,428,"MAINE\n(47.16, -67.94)"\n'
    )
    cleaned = Cleaned(tmp_path, text)
    assert cleaned.rows == [
        ("0108", date(2019, 3, 1), "rail_containers_loaded", 428),
        ("2507", date(2019, 3, 1), "trucks", 34447),
    ]
    assert cleaned.frame["line"].to_list() == [4, 2]


def test_layout_of_august_2019(tmp_path: Path):
    text = (
        "Port Name,State,Port Code,Border,Date,Measure,Value,Location\n"
        "Calexico East,California,2507,US-Mexico Border,03/01/2019 12:00:00 AM,Trucks,34447,"
        "POINT (-115.48433000000001 32.67524)\n"
        "Van Buren,Maine,108,US-Canada Border,03/01/2019 12:00:00 AM,Rail Containers Full,428,"
        "POINT (-67.94271 47.16207)\n"
    )
    assert Cleaned(tmp_path, text).rows == [
        ("0108", date(2019, 3, 1), "rail_containers_loaded", 428),
        ("2507", date(2019, 3, 1), "trucks", 34447),
    ]


def test_layout_of_2022(tmp_path: Path):
    text = HEADER_2022 + "Alcan,Alaska,3104,US-Canada Border,May 2022,Truck Containers Empty,339\n"
    assert Cleaned(tmp_path, text).rows == [("3104", date(2022, 5, 1), "truck_containers_empty", 339)]


def test_layout_of_2025(tmp_path: Path):
    text = (
        "Port Name,State,Port Code,Border,Date,Measure,Value,Latitude,Longitude,Point\n"
        "Jackman,Maine,0104,US-Canada Border,Jan 2024,Trucks,6556,45.806,-70.397,POINT (-70.396722 45.805661)\n"
    )
    assert Cleaned(tmp_path, text).rows == [("0104", date(2024, 1, 1), "trucks", 6556)]


def test_layout_of_the_soda_interface(tmp_path: Path):
    text = (
        '"port_name","state","port_code","border","date","measure","value","latitude","longitude","point"\n'
        '"Jackman","Maine","0104","US-Canada Border","2024-01-01T00:00:00.000","Trucks","6556","45.806","-70.397",'
        '"POINT (-70.396722 45.805661)"\n'
    )
    assert Cleaned(tmp_path, text).rows == [("0104", date(2024, 1, 1), "trucks", 6556)]


@pytest.mark.parametrize(
    "text",
    [
        "05/01/2022 12:00:00 AM",
        "05/01/2022",
        "5/1/2022",
        "May 2022",
        "2022-05-01T00:00:00.000",
        "2022-05-01 00:00:00",
        "2022-05-01",
    ],
)
def test_every_spelling_of_a_month(tmp_path: Path, text: str):
    assert Cleaned(tmp_path, row_of(text)).frame["month"].to_list() == [date(2022, 5, 1)]


def test_short_and_full_month_names(tmp_path: Path):
    rows = [row_of(name).removeprefix(HEADER_2022) for name in ("Sep 2022", "October 2022")]
    months = Cleaned(tmp_path, HEADER_2022 + "".join(rows)).frame["month"].to_list()
    assert months == [date(2022, 9, 1), date(2022, 10, 1)]


@pytest.mark.parametrize(
    "text",
    ["2022-05-02", "05/15/2022", "13/01/2022", "2022-13-01", "Mai 2022", "May 22", "05/01/2022 01:00:00 PM", "2022"],
)
def test_what_is_no_month_is_rejected_with_its_text(tmp_path: Path, text: str):
    ((line, column, value, reason),) = Cleaned(tmp_path, row_of(text)).rejected
    assert (line, column, value) == (2, "Date", text)
    assert reason.startswith("is not the first day of a month, such as")


@pytest.mark.parametrize(("published", "code"), [("103", "0103"), ("0103", "0103"), ("2402", "2402"), ("7", "0007")])
def test_a_port_code_has_four_digits(tmp_path: Path, published: str, code: str):
    assert Cleaned(tmp_path, row_of(port=published)).frame["port_code"].to_list() == [code]


@pytest.mark.parametrize("published", ["12345", "24A2", "-402", "24.2"])
def test_what_is_no_port_code_is_rejected(tmp_path: Path, published: str):
    assert Cleaned(tmp_path, row_of(port=published)).rejected == [
        (2, "Port Code", published, "is not a code of up to four digits")
    ]


def test_two_spellings_of_one_code_are_one_port(tmp_path: Path):
    other = row_of("Jun 2022", port="0715").removeprefix(HEADER_2022)
    assert set(Cleaned(tmp_path, row_of(port="715") + other).frame["port_code"]) == {"0715"}


def test_one_name_may_be_two_ports(tmp_path: Path):
    text = (
        HEADER_2022 + "Eastport,Maine,103,US-Canada Border,May 2022,Trucks,10\n"
        "Eastport,Idaho,3302,US-Canada Border,May 2022,Trucks,20\n"
    )
    assert [(r[0], r[3]) for r in Cleaned(tmp_path, text).rows] == [("0103", 10), ("3302", 20)]


def test_a_row_without_a_state_is_kept(tmp_path: Path):
    text = HEADER_2022 + "Boston,,401,US-Canada Border,Jun 2022,Personal Vehicle Passengers,7\n"
    assert Cleaned(tmp_path, text).rows == [("0401", date(2022, 6, 1), "personal_vehicle_passengers", 7)]


@pytest.mark.parametrize("kind", ["Truck", "Rail"])
def test_full_and_loaded_are_one_measure(tmp_path: Path, kind: str):
    later = row_of("Jun 2022", measure=f"{kind} Containers Loaded").removeprefix(HEADER_2022)
    cleaned = Cleaned(tmp_path, row_of(measure=f"{kind} Containers Full") + later)
    assert set(cleaned.frame["measure_id"]) == {f"{kind.lower()}_containers_loaded"}


def test_an_unknown_measure_is_rejected(tmp_path: Path):
    ((_, column, value, reason),) = Cleaned(tmp_path, row_of(measure="Bicycles")).rejected
    assert (column, value) == ("Measure", "Bicycles")
    assert reason.startswith("is unknown, expected one of 'Trucks'")


def test_an_unknown_border_is_rejected(tmp_path: Path):
    text = HEADER_2022 + "Hamilton,Bermuda,9999,US-Bermuda Border,May 2022,Trucks,1\n"
    ((_, column, value, _),) = Cleaned(tmp_path, text).rejected
    assert (column, value) == ("Border", "US-Bermuda Border")


@pytest.mark.parametrize("value", ["", "n/a", "3.5"])
def test_a_figure_that_is_missing_or_no_count_is_rejected_and_never_zero(tmp_path: Path, value: str):
    cleaned = Cleaned(tmp_path, row_of(value=value))
    assert cleaned.rows == []
    assert [r[:3] for r in cleaned.rejected] == [(2, "Value", value)]


def test_a_published_zero_is_kept_and_an_absent_row_is_not_filled(tmp_path: Path):
    text = row_of("May 2022", value="0") + row_of("Jul 2022", value="5").removeprefix(HEADER_2022)
    assert [(r[1].month, r[3]) for r in Cleaned(tmp_path, text).rows] == [(5, 0), (7, 5)]


def test_chunks_do_not_change_the_result(tmp_path: Path):
    months = [
        row_of(f"{name} {year}").removeprefix(HEADER_2022) for year in range(1996, 2006) for name in ("Jan", "Jul")
    ]
    text = HEADER_2022 + "".join(months)
    whole, cut = Cleaned(tmp_path, text), Cleaned(tmp_path, text, chunk_bytes=200)
    assert cut.frame.equals(whole.frame)


def test_an_identical_duplicate_is_counted_once_and_not_flagged(tmp_path: Path):
    record = "Del Rio,Texas,2302,US-Mexico Border,Jun 2019,Personal Vehicles,123068\n"
    cleaned = Cleaned(tmp_path, HEADER_2022 + record + record)
    assert cleaned.rows == [("2302", date(2019, 6, 1), "personal_vehicles", 123068)]
    assert cleaned.summary.set_aside == {"identical_duplicate": 1}
    assert cleaned.frame["is_resolved_duplicate"].to_list() == [False]


def test_of_conflicting_duplicates_the_larger_is_kept_and_flagged(tmp_path: Path):
    text = (
        HEADER_2022 + "Sasabe,Arizona,2606,US-Mexico Border,Feb 2021,Bus Passengers,0\n"
        "Sasabe,Arizona,2606,US-Mexico Border,Feb 2021,Bus Passengers,2175\n"
        "Sasabe,Arizona,2606,US-Mexico Border,Mar 2021,Bus Passengers,1\n"
    )
    cleaned = Cleaned(tmp_path, text)
    assert [r[3] for r in cleaned.rows] == [2175, 1]
    assert cleaned.summary.set_aside == {"conflicting_duplicate": 1}
    assert cleaned.frame["is_resolved_duplicate"].to_list() == [True, False]


def test_three_rows_of_one_key_are_told_apart_by_rule(tmp_path: Path):
    records = [row_of(value=value).removeprefix(HEADER_2022) for value in ("7", "0", "7")]
    cleaned = Cleaned(tmp_path, HEADER_2022 + "".join(records))
    assert cleaned.summary.set_aside == {"identical_duplicate": 1, "conflicting_duplicate": 1}
    assert cleaned.frame.select("crossings", "is_resolved_duplicate", "line").rows() == [(7, True, 2)]


def test_a_duplicate_of_an_unpadded_code_is_a_duplicate(tmp_path: Path):
    cleaned = Cleaned(tmp_path, row_of(port="715") + row_of(port="0715").removeprefix(HEADER_2022))
    assert cleaned.summary.set_aside == {"identical_duplicate": 1}


@given(
    st.lists(
        st.tuples(st.sampled_from(["0103", "2402"]), st.sampled_from(["trucks", "buses"]), st.integers(0, 3)),
        min_size=1,
    )
)
def test_resolving_leaves_the_largest_figure_of_each_key_and_counts_the_rest(rows: list[tuple[str, str, int]]):
    frame = pl.DataFrame(rows, schema=["port_code", "measure_id", "crossings"], orient="row").with_columns(
        month=date(2022, 5, 1), is_resolved_duplicate=pl.lit(False)
    )
    figures: dict[tuple[str, str], list[int]] = {}
    for port, measure, value in rows:
        figures.setdefault((port, measure), []).append(value)
    resolved, aside = resolve(frame)
    kept = {(r["port_code"], r["measure_id"]): r for r in resolved.iter_rows(named=True)}
    assert resolved.height == len(kept) == len(figures)
    assert {k: r["crossings"] for k, r in kept.items()} == {k: max(v) for k, v in figures.items()}
    assert {k for k, r in kept.items() if r["is_resolved_duplicate"]} == {
        k for k, v in figures.items() if len(set(v)) > 1
    }
    smaller = sum(value < max(v) for v in figures.values() for value in v)
    assert aside.get("conflicting_duplicate", 0) == smaller
    assert aside.get("identical_duplicate", 0) == len(rows) - smaller - len(figures)


# ---- the real releases

PUBLISHED = """
    select
        lpad("Port Code", 4, '0') as port_code,
        coalesce(try_strptime("Date", '%m/%d/%Y %I:%M:%S %p'), try_strptime("Date", '%b %Y'))::date as month,
        replace(lower(replace("Measure", ' ', '_')), 'full', 'loaded') as measure_id,
        "Value"::bigint as crossings,
        "Port Name" as name,
        "Border" as border
    from read_csv(?, all_varchar = true)
"""


class Release:
    """A real release, cleaned, beside the publisher's file as DuckDB reads it."""

    def __init__(self, folder: Path, vintage: str, out: Path) -> None:
        raw = Raw(vintage, vintage, folder / vintage, ["Border_Crossing_Entry_Data.csv.gz"], vintage)
        self.summary = clean_vintage(SOURCE, MODULE, raw, out, Limits(), "code")
        self.sql = duckdb.connect()
        self.sql.execute(f"create table published as {PUBLISHED}", [str(raw.folder / raw.files[0])])
        self.sql.execute("create table clean as from read_parquet(?)", [str(out / vintage / "clean.parquet")])
        self.sql.execute("create table ports as from read_csv(?, all_varchar = true)", [str(SEED)])

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.sql.execute(query).fetchall()


VINTAGES = ["2019-08-21", "2022-09-27", "2025-04-01"]


@pytest.fixture(scope="module")
def releases(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Release]]:
    out = tmp_path_factory.mktemp("clean")
    found = {vintage: Release(mirror / SOURCE.id, vintage, out) for vintage in VINTAGES}
    yield found
    for release in found.values():
        release.sql.close()


@pytest.mark.parametrize(
    ("vintage", "records", "aside", "last"),
    [
        ("2019-08-21", 346_733, {}, "2019-03-01"),
        ("2022-09-27", 375_612, {"identical_duplicate": 10, "conflicting_duplicate": 1}, "2022-07-01"),
        ("2025-04-01", 399_406, {"identical_duplicate": 10, "conflicting_duplicate": 1}, "2025-02-01"),
    ],
)
def test_account_of_each_real_release(
    releases: dict[str, Release], vintage: str, records: int, aside: dict[str, int], last: str
):
    summary = releases[vintage].summary
    assert (summary.problem, summary.records, summary.rejected) == (None, records, 0)
    assert summary.set_aside == aside
    assert (summary.first_period, summary.last_period) == ("1996-01-01", last)


@pytest.mark.parametrize("vintage", VINTAGES)
def test_each_real_release_is_kept_figure_by_figure(releases: dict[str, Release], vintage: str):
    ours = "select port_code, month, measure_id, crossings from clean"
    theirs = "select port_code, month, measure_id, max(crossings) as crossings from published group by all"
    assert releases[vintage].rows(f"({ours} except {theirs}) union all ({theirs} except {ours})") == []


def test_the_only_figure_decided_by_us_is_sasabe_2021_02(releases: dict[str, Release]):
    for vintage in VINTAGES[1:]:
        assert releases[vintage].rows("select * exclude (file, line) from clean where is_resolved_duplicate") == [
            ("2606", date(2021, 2, 1), "bus_passengers", 2175, True, False)
        ]


@pytest.mark.parametrize(
    ("year", "measure", "total"),
    [
        (2010, "personal_vehicles", 64_044_852),
        (2014, "personal_vehicles", 69_623_693),
        (2019, "personal_vehicles", 72_856_569),
        (2023, "personal_vehicles", 75_891_766),
        (2024, "personal_vehicles", 76_884_566),
        (2023, "pedestrians", 39_421_651),
        (2024, "pedestrians", 40_769_064),
        (2023, "trucks", 7_356_659),
        (2024, "trucks", 7_617_207),
    ],
)
def test_published_totals_of_the_mexican_border(releases: dict[str, Release], year: int, measure: str, total: int):
    """BTS table 4-15 for personal vehicles of 2010, 2014 and 2019; the release of April 2025 for the others."""
    query = f"""
        select sum(crossings) from clean join ports using (port_code)
        where border = 'us_mexico' and measure_id = '{measure}' and year(month) = {year}
    """
    assert releases["2025-04-01"].rows(query) == [(total,)]


def test_published_total_of_san_ysidro(releases: dict[str, Release]):
    query = """
        select sum(crossings) from clean
        where port_code = '2504' and measure_id = 'personal_vehicles' and year(month) = 2023
    """
    assert releases["2025-04-01"].rows(query) == [(15_845_661,)]


# ---- the seed of ports


def seed() -> list[dict[str, str]]:
    with SEED.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_seed_has_every_port_of_every_real_release_once(releases: dict[str, Release]):
    found = {code for r in releases.values() for (code,) in r.rows("select distinct port_code from published")}
    codes = [row["port_code"] for row in seed()]
    assert len(codes) == len(set(codes))
    assert set(codes) == found


def test_the_seed_has_the_newest_names_and_the_published_borders(releases: dict[str, Release]):
    newest: dict[str, tuple[str, str]] = {}
    for vintage in VINTAGES:
        found = releases[vintage].rows("select distinct port_code, name, border from published")
        newest |= {
            code: (name, border.removesuffix(" Border").replace("-", "_").lower()) for code, name, border in found
        }
    assert {row["port_code"]: (row["name"], row["border"]) for row in seed()} == newest


def test_corridors_are_given_to_the_land_ports_of_the_mexican_border_alone():
    corridors: dict[str, set[str]] = {}
    for row in seed():
        if row["corridor_id"]:
            assert row["border"] == "us_mexico"
            corridors.setdefault(row["corridor_id"], set()).add(row["name"])
    assert corridors == {
        "san_diego": {
            "San Ysidro", "Otay Mesa", "Cross Border Xpress", "Tecate", "Calexico", "Calexico East", "Andrade",
        },
        "tucson": {"Nogales", "Douglas", "Naco", "Lukeville", "Sasabe", "San Luis"},
        "el_paso": {"El Paso", "Ysleta", "Tornillo", "Presidio", "Boquillas", "Columbus", "Santa Teresa"},
        "laredo": {
            "Laredo", "Eagle Pass", "Del Rio", "Hidalgo", "Progreso", "Rio Grande City", "Roma", "Brownsville",
        },
    }  # fmt: skip


FIRST_MONTHS_OF_LATER_PORTS = """
    select port_code, min(month) filter (crossings > 0)
    from published
    group by port_code
    having min(month) >= '1997-01-01'
"""


def test_an_opening_date_is_the_first_nonzero_month_of_a_port_that_appears_later(releases: dict[str, Release]):
    first: dict[str, date] = {}
    for release in releases.values():
        first |= dict(release.rows(FIRST_MONTHS_OF_LATER_PORTS))
    given = {row["port_code"]: date.fromisoformat(row["opened_date"]) for row in seed() if row["opened_date"]}
    strays = {"0401", "2501", "3001", "3006", "5301"}
    assert given == {code: month for code, month in first.items() if code not in strays}
    assert given["2401"] == date(2020, 3, 1)
    assert given["2582"] == date(2017, 10, 1)


def test_a_closing_date_is_the_last_nonzero_month_before_two_silent_years(releases: dict[str, Release]):
    last: dict[str, date] = {}
    for release in releases.values():
        last |= dict(release.rows("select port_code, max(month) from published where crossings > 0 group by 1"))
    given = {row["port_code"]: date.fromisoformat(row["closed_date"]) for row in seed() if row["closed_date"]}
    strays = {"0401", "2501", "3001", "3006", "5301"}
    assert given == {c: month for c, month in last.items() if month <= date(2023, 2, 1) and c not in strays}
