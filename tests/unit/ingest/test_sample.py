"""The embedded sample: reproducible, small, calibrated to published totals, flawed as the agencies' files are.

Expected totals are published figures typed here, with their source; everything is read from the committed files with
the standard library, never through the project's own cleaning.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zipfile
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.archive.sample_guard import SAMPLE_FOLDER
from pipelines.catalog.load import load_catalog
from pipelines.ingest import sample_generator
from pipelines.ingest.origins import ingest, parse_origin
from pipelines.ingest.samples.draw import apportion, exp, monthly_curve, poisson, uniform

SOURCES = {s.id for s in load_catalog().values() if s.status == "active"}
Row = dict[str, str]

# CBP, Drug Seizure Statistics, files fy19-fy22 and fy23-fy26-dec: fentanyl, OFO + USBP, lb
CBP_FENTANYL_LB = {
    "2019": "2803.60",
    "2020": "4791.06",
    "2021": "11201.32",
    "2022": "14699.88",
    "2023": "27022.85",
    "2024": "21889.21",
    "2025": "12027.28",
    "2026 (FYTD)": "3398.28",
}
# NCHS multiple cause of death files, final: drug overdose deaths with T40.4
T404 = {
    2015: 9580,
    2016: 19413,
    2017: 28466,
    2018: 31335,
    2019: 36359,
    2020: 56516,
    2021: 70601,
    2022: 73838,
    2023: 72776,
    2024: 47735,
}
# NCHS Data Briefs 273, 294, 329, 356, 394, 428, 457, 491, 522: resident drug overdose deaths, final
OVERDOSE_RESIDENT = {
    2015: 52404,
    2016: 63632,
    2017: 70237,
    2018: 67367,
    2019: 70630,
    2020: 91799,
    2021: 106699,
    2022: 107941,
    2023: 105007,
}
# CDC VSRR, release of January 2025, 12 months ending in December: reported and predicted
OVERDOSE_VSRR = {2022: (109413, 111029), 2023: (107682, 108472)}
OVERDOSE, SYNTHETIC = "Number of Drug Overdose Deaths", "Synthetic opioids, excl. methadone (T40.4)"


def plain(path: Path) -> bytes:
    """The bytes of a file, unpacked."""
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return {name: book.read(name) for name in book.namelist()}


def rows_of(path: Path, encoding: str = "utf-8-sig") -> list[Row]:
    return list(csv.DictReader(io.StringIO(plain(path).decode(encoding), newline="")))


def only(source: str, published: str) -> Path:
    """The one data file of a vintage."""
    (path,) = (p for p in (SAMPLE_FOLDER / source / published).iterdir() if p.name != "vintage.json")
    return path


@pytest.fixture(scope="module")
def vsrr() -> dict[str, dict[tuple[str, int, str, str], Row]]:
    """Rows of both VSRR releases by state, year, month and indicator."""
    return {
        v: {(r["State"], int(r["Year"]), r["Month"], r["Indicator"]): r for r in rows_of(only("cdc_vsrr_overdose", v))}
        for v in ("2025-07-16", "2026-01-14")
    }


@pytest.fixture(scope="module")
def cbp() -> dict[str, list[Row]]:
    """Rows of each CBP release."""
    root = SAMPLE_FOLDER / "cbp_drug_seizures"
    return {p.name: rows_of(only("cbp_drug_seizures", p.name)) for p in sorted(root.iterdir())}


@pytest.fixture(scope="module")
def bts() -> dict[str, list[Row]]:
    """Rows of both BTS releases."""
    return {v: rows_of(only("bts_border_crossings", v)) for v in ("2022-09-27", "2026-01-21")}


def number(text: str) -> int:
    return int(text.replace(",", ""))


# the tree


def test_regenerating_gives_the_committed_content(tmp_path: Path) -> None:
    sample_generator.generate(tmp_path)
    made = {p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file()}
    kept = {p.relative_to(SAMPLE_FOLDER) for p in SAMPLE_FOLDER.rglob("*") if p.is_file()}
    assert made == kept
    for name in sorted(made):
        old, new = plain(SAMPLE_FOLDER / name), plain(tmp_path / name)
        if name.suffix == ".xlsx":  # the packing of a zip depends on the zlib of the machine
            assert members(old) == members(new), name
        else:
            assert old == new, name


def test_gzip_files_carry_no_time() -> None:
    assert all(p.read_bytes()[4:8] == b"\0\0\0\0" for p in SAMPLE_FOLDER.rglob("*.gz"))


def test_the_tree_is_smaller_than_3_mb() -> None:
    assert sum(p.stat().st_size for p in SAMPLE_FOLDER.rglob("*") if p.is_file()) < 3_000_000


def test_every_source_has_two_vintages_or_more_and_archives_without_a_problem(tmp_path: Path) -> None:
    assert {p.name for p in SAMPLE_FOLDER.iterdir() if p.is_dir()} == SOURCES
    origin = parse_origin("sample")
    assert origin.realm == "sample"
    for source in SOURCES:
        report = ingest(origin, source, tmp_path)
        assert report.problems == []
        assert len(report.added) >= 2


def test_every_vintage_says_sample() -> None:
    notes = list(SAMPLE_FOLDER.rglob("vintage.json"))
    assert {p.parent for p in notes} == {p for p in SAMPLE_FOLDER.glob("*/*") if p.is_dir()}
    for path in notes:
        assert json.loads(path.read_text("utf-8"))["note"].startswith("SAMPLE: generated, not official")
        assert all("SAMPLE" in p.name for p in path.parent.iterdir() if p.name != "vintage.json"), path.parent


# draws


def test_a_draw_is_the_hash_of_its_key_alone() -> None:
    digest = hashlib.blake2b(b"drugflow sample 1|events|2024|OCT", digest_size=8).digest()
    assert uniform("events", 2024, "OCT") == (int.from_bytes(digest, "big") >> 11) / 2**53


def test_apportioning_keeps_the_sum_and_the_proportions() -> None:
    assert apportion(10, [1.0, 1.0, 1.0]) == [4, 3, 3]
    assert apportion(7, [0.0, 5.0, 2.0]) == [0, 5, 2]


def test_own_exponential_agrees_with_tables() -> None:
    assert exp(1.0) == pytest.approx(2.718281828459045, rel=1e-12)
    assert exp(-5.0) == pytest.approx(0.006737946999085467, rel=1e-12)


def test_poisson_draws_have_their_mean() -> None:
    drawn = [poisson(3.0, "test", n) for n in range(4000)]
    assert sum(drawn) / len(drawn) == pytest.approx(3.0, abs=0.1)


def test_monthly_curve_adds_up_to_each_block() -> None:
    curve = monthly_curve([(12, 120.0), (12, 360.0), (3, 60.0)])
    assert len(curve) == 27
    assert [sum(curve[:12]), sum(curve[12:24]), sum(curve[24:])] == pytest.approx([120.0, 360.0, 60.0])


# CBP


def test_cbp_fentanyl_equals_the_published_fiscal_years_to_the_cent(cbp: dict[str, list[Row]]) -> None:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in [*cbp["2022-11-15"], *cbp["2026-01-15"]]:
        if row["Drug Type"] == "Fentanyl":
            sums[row["FY"]] += Decimal(row["Sum Qty (lbs)"])
    assert {fy: str(round(lb, 2)) for fy, lb in sums.items()} == CBP_FENTANYL_LB


def cbp_keys(rows: list[Row]) -> list[tuple[str, ...]]:
    return [(r["FY"][:4], *list(r.values())[1:7]) for r in rows]


def test_cbp_keys_are_unique(cbp: dict[str, list[Row]]) -> None:
    for rows in cbp.values():
        assert len(set(cbp_keys(rows))) == len(rows)


def test_cbp_closed_years_repeat_while_their_text_drifts(cbp: dict[str, list[Row]]) -> None:
    drifted = 0
    for old, new in pairwise(cbp.values()):
        closed = {k: r for k, r in zip(cbp_keys(old), old, strict=True) if "FYTD" not in r["FY"]}
        shared = {k[0] for k in closed} & {k[0] for k in cbp_keys(new)}
        again = {k: r for k, r in zip(cbp_keys(new), new, strict=True) if k[0] in shared}
        assert shared
        years = {k[0] for k in closed}
        assert {k for k in closed if k[0] in shared} == {k for k in again if k[0] in years}
        for key in closed.keys() & again.keys():
            assert closed[key]["Count of Event"] == again[key]["Count of Event"]
            a, b = closed[key]["Sum Qty (lbs)"], again[key]["Sum Qty (lbs)"]
            assert abs(float(a) - float(b)) < 1e-6
            drifted += a != b
    assert drifted > 100


def test_cbp_open_year_moves_both_ways_and_loses_and_gains_rows(cbp: dict[str, list[Row]]) -> None:
    early = {k: r for k, r in zip(cbp_keys(cbp["2025-01-15"]), cbp["2025-01-15"], strict=True) if "FYTD" in r["FY"]}
    late = {
        k: r
        for k, r in zip(cbp_keys(cbp["2025-11-15"]), cbp["2025-11-15"], strict=True)
        if k[0] == "2025" and k[1] in ("OCT", "NOV", "DEC")
    }
    assert early.keys() - late.keys()
    assert late.keys() - early.keys()
    moves = [float(late[k]["Sum Qty (lbs)"]) - float(early[k]["Sum Qty (lbs)"]) for k in early.keys() & late.keys()]
    assert min(moves) < -1
    assert max(moves) > 1


def test_cbp_weight_moves_from_fentanyl_to_heroin_in_tucson(cbp: dict[str, list[Row]]) -> None:
    def tucson(release: str, drug: str) -> float:
        return sum(
            float(r["Sum Qty (lbs)"])
            for r in cbp[release]
            if r["FY"].startswith("2025")
            and r["Month (abbv)"] == "OCT"
            and r["Area of Responsibility"] == "TUCSON FIELD OFFICE"
            and r["Drug Type"] == drug
            and r["Land Filter"] == "Land Only"
        )

    assert tucson("2025-01-15", "Fentanyl") - tucson("2025-11-15", "Fentanyl") > 50
    assert tucson("2025-11-15", "Heroin") - tucson("2025-01-15", "Heroin") > 0


def test_cbp_format_quirks(cbp: dict[str, list[Row]]) -> None:
    raw = plain(only("cbp_drug_seizures", "2026-01-15"))
    assert raw.count(b"\r\n") == raw.count(b"\n")
    newest = cbp["2026-01-15"]
    assert newest[0]["FY"] == "2026 (FYTD)"
    assert {"Other Drugs**", "Lsd", "Khat (Catha Edulis)"} <= {r["Drug Type"] for r in newest}
    assert len({r["Area of Responsibility"] for r in newest}) == 41
    traces = [r for r in newest if float(r["Sum Qty (lbs)"]) == 0]
    assert traces
    assert all(int(r["Count of Event"]) >= 1 for r in traces)
    assert any("e-0" in r["Sum Qty (lbs)"] for rows in cbp.values() for r in rows)


def test_amo_branch_is_renamed_in_the_open_year_and_a_comma_is_quoted() -> None:
    def branches(published: str) -> set[str]:
        return {r["Branch"] for r in rows_of(only("cbp_amo_drug_seizures", published)) if "FYTD" in r["FY"]}

    assert "Ground Tactical Air Controller" in branches("2025-12-15")
    assert "Ground Tactical Air Controller" not in branches("2026-01-15")
    assert "AMO Special Programs Division" in branches("2026-01-15")
    assert b'"AMO Operation Bahamas, Turks And Caicos"' in plain(only("cbp_amo_drug_seizures", "2022-11-15"))


# deaths


@pytest.mark.parametrize("year", sorted(T404))
def test_vsrr_december_t404_equals_the_published_year(
    vsrr: dict[str, dict[tuple[str, int, str, str], Row]], year: int
) -> None:
    assert number(vsrr["2026-01-14"]["US", year, "December", SYNTHETIC]["Data Value"]) == T404[year]


@pytest.mark.parametrize("year", sorted(OVERDOSE_RESIDENT))
def test_vsrr_december_overdose_equals_the_published_year(
    vsrr: dict[str, dict[tuple[str, int, str, str], Row]], year: int
) -> None:
    row = vsrr["2026-01-14"]["US", year, "December", OVERDOSE]
    if year in OVERDOSE_VSRR:
        assert (number(row["Data Value"]), number(row["Predicted Value"])) == OVERDOSE_VSRR[year]
    else:
        assert number(row["Data Value"]) == OVERDOSE_RESIDENT[year]


def test_vsrr_us_is_the_sum_of_50_states_dc_and_new_york_city(
    vsrr: dict[str, dict[tuple[str, int, str, str], Row]],
) -> None:
    for release in vsrr.values():
        nation: dict[tuple[int, str], int] = {}
        parts: dict[tuple[int, str], int] = defaultdict(int)
        count: Counter[tuple[int, str]] = Counter()
        for (state, year, month, indicator), row in release.items():
            if indicator == OVERDOSE and state == "US":
                nation[year, month] = number(row["Data Value"])
            elif indicator == OVERDOSE and state != "PR":
                parts[year, month] += number(row["Data Value"])
                count[year, month] += 1
        assert set(count.values()) == {52}
        assert nation == parts


def test_vsrr_releases_differ_in_style_and_places(vsrr: dict[str, dict[tuple[str, int, str, str], Row]]) -> None:
    older, newer = plain(only("cdc_vsrr_overdose", "2025-07-16")), plain(only("cdc_vsrr_overdose", "2026-01-14"))
    assert older.startswith(b"\xef\xbb\xbfState,Year,Month,Period,Indicator,Data Value,Percent Complete,")
    assert newer.startswith(b"State,Year,Month,Period,Indicator,Data Value,Percent Complete,")
    assert any("," in r["Data Value"] for r in vsrr["2025-07-16"].values())
    assert not any("," in r["Data Value"] for r in vsrr["2026-01-14"].values())
    places = [{k[0] for k in release} for release in vsrr.values()]
    assert [len(p) for p in places] == [53, 54]
    assert places[1] - places[0] == {"PR"}
    assert {"YC", "NY", "US"} <= places[0]
    assert {k[3] for k in vsrr["2026-01-14"]} == {k[3] for k in vsrr["2025-07-16"]}
    assert len({k[3] for k in vsrr["2026-01-14"]}) == 12


def test_vsrr_blanks_have_their_reason_in_the_footnote_and_true_zeros_stay(
    vsrr: dict[str, dict[tuple[str, int, str, str], Row]],
) -> None:
    for release in vsrr.values():
        for row in release.values():
            blank = row["Data Value"] == ""
            reason = "Data suppressed (<10)." in row["Footnote"] or "low data quality" in row["Footnote"]
            assert blank == reason, row
            assert row["Data Value"] not in list("123456789"), row
        notes = " ".join({r["Footnote"] for r in release.values()})
        assert "suppressed" in notes
        assert "low data quality" in notes
        assert "0" in {r["Data Value"] for r in release.values()}
        assert "99.5+" in {r["Percent Complete"] for r in release.values()}


def test_vsrr_is_revised_up_at_the_end_down_in_places_and_not_in_closed_years(
    vsrr: dict[str, dict[tuple[str, int, str, str], Row]],
) -> None:
    older, newer = vsrr["2025-07-16"], vsrr["2026-01-14"]
    last = ("US", 2025, "February", OVERDOSE)
    assert number(newer[last]["Data Value"]) > 1.01 * number(older[last]["Data Value"])
    fell = ("NC", 2024, "March", OVERDOSE)
    assert number(newer[fell]["Data Value"]) < number(older[fell]["Data Value"])
    gone = newer["NC", 2023, "October", SYNTHETIC]
    assert gone["Data Value"] == ""
    assert gone["Predicted Value"] != ""
    for key, row in older.items():
        if key[1] <= 2023 and newer[key]["Data Value"]:
            assert row["Data Value"].replace(",", "") == newer[key]["Data Value"], key
    re_estimated = [
        k
        for k, r in older.items()
        if k[1] <= 2023 and r["Predicted Value"].replace(",", "") != newer[k]["Predicted Value"]
    ]
    assert re_estimated


def test_vsrr_predicted_is_never_below_reported(vsrr: dict[str, dict[tuple[str, int, str, str], Row]]) -> None:
    for release in vsrr.values():
        for row in release.values():
            if row["Data Value"] and row["Predicted Value"]:
                assert number(row["Predicted Value"]) >= number(row["Data Value"])


def wonder_text(published: str, year: int) -> list[Row]:
    """Records of one text export, up to the --- line."""
    path = SAMPLE_FOLDER / "cdc_wonder_overdose" / published / f"WONDER_{year}-SAMPLE.txt.gz"
    records = plain(path).decode().split("\r\n---")[0]
    return list(csv.DictReader(io.StringIO(records, newline=""), delimiter="\t"))


@pytest.mark.parametrize("year", sorted(OVERDOSE_RESIDENT))
def test_wonder_total_equals_the_published_resident_deaths(year: int) -> None:
    (total,) = (r for r in wonder_text("2026-01-20", year) if r["Notes"] == "Total" and not r["Month Code"])
    assert int(total["Deaths"]) == OVERDOSE_RESIDENT[year]


def test_wonder_hides_small_counts_and_ends_in_a_tail_without_a_newline() -> None:
    for path in (SAMPLE_FOLDER / "cdc_wonder_overdose").rglob("*.txt.gz"):
        text = plain(path).decode()
        assert "\r\n---\t" in text
        assert "Dataset: SAMPLE" in text
        assert not text.endswith("\n")
    states = [r for r in wonder_text("2026-01-20", 2018) if not r["Notes"]]
    assert min(int(r["Deaths"]) for r in states) >= 10
    assert len(states) < 51 * 12


def test_wonder_provisional_year_becomes_final() -> None:
    assert all("(provisional)" in r["Month"] for r in wonder_text("2025-04-21", 2024))
    assert not any("provisional" in r["Month"] for r in wonder_text("2026-01-20", 2024))


def test_wonder_t404_states_leave_at_most_nine_deaths_for_each_hidden_state() -> None:
    for published in ("2025-04-21", "2026-01-20"):
        folder = SAMPLE_FOLDER / "cdc_wonder_overdose" / published
        shown: dict[str, dict[str, int]] = defaultdict(dict)
        for path in folder.glob("*.csv.gz"):
            for row in rows_of(path):
                state = row.get("State") or row["Residence State"]
                assert shown[row["Year Code"] + row["Month Code"]].setdefault(state, int(row["Deaths"])) == int(
                    row["Deaths"]
                )
        for year in range(2015, 2024):
            months = [m for key, m in shown.items() if key.startswith(str(year))]
            hidden = sum(51 - len(m) for m in months)
            assert len(months) == 12
            assert 0 < T404[year] - sum(sum(m.values()) for m in months) <= 9 * hidden


# crossings


def test_bts_layouts(bts: dict[str, list[Row]]) -> None:
    header = ["Port Name", "State", "Port Code", "Border", "Date", "Measure", "Value"]
    assert list(bts["2022-09-27"][0]) == header
    assert list(bts["2026-01-21"][0]) == [*header, "Latitude", "Longitude", "Point"]
    assert "May 2022" in {r["Date"] for r in bts["2022-09-27"]}
    assert {len(r["Port Code"]) for r in bts["2022-09-27"]} == {3, 4}
    assert {len(r["Port Code"]) for r in bts["2026-01-21"]} == {4}
    mexican = {r["Port Code"] for r in bts["2026-01-21"] if r["Border"] == "US-Mexico Border"}
    assert len(mexican) == 28
    assert len({r["Port Code"] for r in bts["2026-01-21"] if r["Port Name"] == "Eastport"}) == 2
    assert len({r["Measure"] for r in bts["2026-01-21"]}) == 12


def test_bts_has_equal_and_conflicting_duplicates(bts: dict[str, list[Row]]) -> None:
    for rows in bts.values():
        values: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for r in rows:
            values[r["Port Code"].zfill(4), r["Date"], r["Measure"]].append(int(r["Value"]))
        doubled = [sorted(v) for v in values.values() if len(v) > 1]
        assert any(a == b for a, b in doubled)
        assert [a for a, b in doubled if a != b] == [0]


def test_bts_zeros_are_rows_in_2015_only_and_truck_containers_lack_in_the_last_two_months(
    bts: dict[str, list[Row]],
) -> None:
    for published, last in (("2022-09-27", ("Jun 2022", "Jul 2022")), ("2026-01-21", ("Oct 2025", "Nov 2025"))):
        rows = bts[published]
        zeros = Counter(r["Date"][-4:] for r in rows if r["Value"] == "0")
        assert zeros["2015"] > 1000
        assert sum(n for year, n in zeros.items() if year > "2016") <= 1  # the conflicting duplicate
        per_month = Counter(r["Date"] for r in rows if r["Measure"].startswith("Truck Containers"))
        assert max(per_month[m] for m in last) < 0.5 * per_month[f"Jan {last[0][-4:]}"]


def test_bts_one_figure_was_a_hundred_times_too_small(bts: dict[str, list[Row]]) -> None:
    values = [
        next(
            int(r["Value"])
            for r in rows
            if (r["Port Code"], r["Date"], r["Measure"]) == ("2304", "May 2022", "Pedestrians")
        )
        for rows in bts.values()
    ]
    assert values[1] // 100 == values[0]


# population


def test_census_states_are_the_sum_of_their_counties_and_new_york_city_has_five() -> None:
    for published, encoding, years in (
        ("2021-05-04", "utf-8", range(2010, 2021)),
        ("2025-03-13", "latin-1", range(2020, 2025)),
    ):
        rows = rows_of(only("census_population", published), encoding)
        for year in years:
            column = f"POPESTIMATE{year}"
            states = {r["STNAME"]: int(r[column]) for r in rows if int(r["SUMLEV"]) == 40}
            counties: dict[str, int] = defaultdict(int)
            for r in rows:
                if int(r["SUMLEV"]) == 50:
                    counties[r["STNAME"]] += int(r[column])
            assert len(states) == 51
            assert states == counties
        city = {int(r["COUNTY"]) for r in rows if int(r["STATE"]) == 36 and r["CTYNAME"] != "SAMPLE rest of the state"}
        assert {5, 47, 61, 81, 85} <= city


def test_census_v2024_is_latin_1() -> None:
    raw = plain(only("census_population", "2025-03-13"))
    assert b"Do\xf1a Ana County" in raw
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")
