"""CDC WONDER exports: text and CSV, suppressed and provisional figures, queries that overlap.

Rows marked REAL are quoted from exports of CDC WONDER, a US federal source: WONDER_2018.txt and WONDER_2024.txt
(D176, saved 2025-04-21) and the T40.4 queries D77, D157 and D176 (saved about 2025-10-01). The others are made up.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from pipelines.catalog.load import get_source
from pipelines.clean.files import Limits
from pipelines.clean.run import Raw, Summary, clean_vintage
from pipelines.sources.modules import source_module

SOURCE = get_source("cdc_wonder_overdose")
MODULE = partial(source_module, SOURCE.id)
TEXT_HEADER = "Notes\tMonth\tMonth Code\tResidence State\tResidence State Code\tDeaths\tPopulation\tCrude Rate"
CSV_HEADER = (
    "Notes,Year,Year Code,Month,Month Code,{0}State,{0}State Code,"
    "Multiple Cause of death,Multiple Cause of death Code,Deaths,Population,Crude Rate"
)
NA = "Not Applicable"

# REAL: first rows, the totals and the head of the footer of WONDER_2018.txt
TEXT_2018 = [
    TEXT_HEADER,
    f'\t"Jan., 2018"\t2018/01\tAlabama\t1\t56\t{NA}\t{NA}',
    f'\t"Jan., 2018"\t2018/01\tAlaska\t2\t11\t{NA}\t{NA}',
    f'\t"Jan., 2018"\t2018/01\tArizona\t4\t142\t{NA}\t{NA}',
    f'Total\t"Jan., 2018"\t2018/01\t\t\t5659\t{NA}\t{NA}',
    f"Total\t\t\t\t\t67367\t{NA}\t{NA}",
    "---\t\t\t\t\t\t\t",
    '"Dataset: Provisional Mortality Statistics, 2018 through Last Week"\t\t\t\t\t\t\t',
    "Query Parameters:\t\t\t\t\t\t\t",
    "---\t\t\t\t\t\t\t",
]
# REAL: first row of WONDER_2024.txt
TEXT_2024 = [TEXT_HEADER, f'\t"Jan., 2024 (provisional)"\t2024/01\tAlabama\t1\t116\t{NA}\t{NA}', "---\t\t\t\t\t\t\t"]


def t404(year: str, month: str, code: str, state: str, fips: str, deaths: str) -> str:
    return f',{year},{code[:4]},"{month}",{code},{state},{fips},Other synthetic narcotics,T40.4,{deaths},{NA},{NA}'


# REAL: the first row of D157 and of D176, and the last of D157 and of D176
D157 = [
    CSV_HEADER.format(""),
    t404("2018", "Jan., 2018", "2018/01", "Alabama", "01", "12"),
    t404("2023 ", "Dec., 2023 ", "2023/12", "Wisconsin", "55", "74"),
]
D176 = [
    CSV_HEADER.format("Residence "),
    t404("2018", "Jan., 2018", "2018/01", "Alabama", "01", "12"),
    t404("2025 (provisional and partial)", "Mar., 2025 (provisional and partial)", "2025/03", "Wisconsin", "55", "20"),
]


def clean(folder: Path, **files: list[str]) -> tuple[Summary, pl.DataFrame]:
    """The account and the frame of a vintage made of the given lines, written with CRLF."""
    raw = folder / "raw"
    raw.mkdir()
    for name, lines in files.items():
        (raw / f"{name}.txt").write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return run(Raw("2025-10-01", "2025-10-01", raw, [f"{n}.txt" for n in files], "test"), folder / "out")


def run(raw: Raw, out: Path) -> tuple[Summary, pl.DataFrame]:
    summary = clean_vintage(SOURCE, MODULE, raw, out, Limits(), "test")
    assert summary.problem is None, summary.problem
    return summary, pl.read_parquet(out / raw.id / "clean.parquet")


def rejected(folder: Path) -> list[tuple[int, str, str]]:
    return pl.read_parquet(folder / "out" / "2025-10-01" / "rejected.parquet").select("line", "column", "reason").rows()


def test_text_export_gives_all_drug_deaths_by_state_and_month(tmp_path: Path) -> None:
    _, frame = clean(tmp_path, a=TEXT_2018)
    assert frame.select("jurisdiction_id", "month", "indicator_id", "basis", "deaths", "line").rows() == [
        ("US-AK", date(2018, 1, 1), "drug_overdose", "final", 11, 3),
        ("US-AL", date(2018, 1, 1), "drug_overdose", "final", 56, 2),
        ("US-AZ", date(2018, 1, 1), "drug_overdose", "final", 142, 4),
    ]


def test_totals_and_footer_are_set_aside_under_their_names(tmp_path: Path) -> None:
    summary, _ = clean(tmp_path, a=TEXT_2018)
    assert (summary.records, summary.rows, summary.set_aside) == (9, 3, {"total": 2, "footer": 4})


def test_text_export_needs_no_newline_after_its_footer(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "a.txt").write_bytes("\r\n".join(TEXT_2018).encode())
    summary, _ = run(Raw("2025-10-01", "2025-10-01", raw, ["a.txt"], "test"), tmp_path / "out")
    assert summary.rows == 3


def test_text_export_cut_inside_a_record_is_no_vintage(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\r\n".join(TEXT_2018[:4]).encode())
    raw = Raw("2025-10-01", "2025-10-01", tmp_path, ["a.txt"], "test")
    summary = clean_vintage(SOURCE, MODULE, raw, tmp_path / "out", Limits(), "test")
    assert summary.problem is not None
    assert "cut off" in str(summary.problem)


@pytest.mark.parametrize("lines", [D157, D176], ids=["State", "Residence State"])
def test_both_names_of_the_residence_column_are_read(tmp_path: Path, lines: list[str]) -> None:
    _, frame = clean(tmp_path, a=lines)
    assert frame.row(0)[:3] == ("US-AL", date(2018, 1, 1), "synthetic_opioids_t404")


def test_figures_by_occurrence_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(CSV_HEADER.format("Occurrence ") + "\n" + D157[1] + "\n")
    raw = Raw("2025-10-01", "2025-10-01", tmp_path, ["a.txt"], "test")
    summary = clean_vintage(SOURCE, MODULE, raw, tmp_path / "out", Limits(), "test")
    assert summary.problem is not None
    assert "'Occurrence State'" in str(summary.problem)


def test_basis_and_is_partial_come_from_the_label(tmp_path: Path) -> None:
    _, frame = clean(tmp_path, text=TEXT_2024, d176=D176, d157=D157)
    got = {(r["month"].year, r["basis"], r["is_partial"]) for r in frame.iter_rows(named=True)}
    assert got == {
        (2018, "final", False),
        (2023, "final", False),
        (2024, "provisional", False),
        (2025, "provisional", True),
    }


def test_suppressed_is_missing_with_its_reason_and_never_zero(tmp_path: Path) -> None:
    lines = [
        D157[0],
        t404("2018", "Jan., 2018", "2018/01", "Wyoming", "56", "Suppressed"),
        t404("2018", "Jan., 2018", "2018/01", "Alaska", "02", "0"),
    ]
    _, frame = clean(tmp_path, a=lines)
    assert frame.select("jurisdiction_id", "deaths", "missing_reason").rows() == [
        ("US-AK", 0, None),
        ("US-WY", None, "suppressed"),
    ]


def test_equal_figures_of_two_queries_count_once(tmp_path: Path) -> None:
    summary, frame = clean(tmp_path, d157=D157, d176=D176)
    assert summary.set_aside == {"same_figure_in_other_query": 1}
    assert frame.filter(pl.col("month") == date(2018, 1, 1))["deaths"].to_list() == [12]


def test_a_final_figure_is_kept_before_an_equal_provisional_one(tmp_path: Path) -> None:
    final = [D157[0], t404("2024", "Jan., 2024", "2024/01", "Alabama", "01", "30")]
    provisional = [D157[0], t404("2024 (provisional)", "Jan., 2024", "2024/01", "Alabama", "01", "30")]
    _, frame = clean(tmp_path, a_first_by_name=provisional, b=final)
    assert frame["basis"].to_list() == ["final"]


def test_a_final_and_a_provisional_figure_that_differ_are_two_rows(tmp_path: Path) -> None:
    final = [D157[0], t404("2024", "Jan., 2024", "2024/01", "Alabama", "01", "31")]
    provisional = [D157[0], t404("2024 (provisional)", "Jan., 2024", "2024/01", "Alabama", "01", "30")]
    summary, frame = clean(tmp_path, a=provisional, b=final)
    assert frame.select("basis", "deaths").rows() == [("final", 31), ("provisional", 30)]
    assert summary.rejected == 0


def test_figures_of_one_basis_that_differ_are_rejected(tmp_path: Path) -> None:
    other = [D157[0], t404("2018", "Jan., 2018", "2018/01", "Alabama", "01", "13")]
    summary, _ = clean(tmp_path, a=D157, b=other)
    assert summary.rejected == 1
    assert rejected(tmp_path)[0][2] == "is the key of an earlier record too"


def test_a_record_twice_in_one_file_is_rejected(tmp_path: Path) -> None:
    summary, _ = clean(tmp_path, a=[*D157, D157[1]])
    assert (summary.rejected, summary.set_aside) == (1, {})


@pytest.mark.parametrize(
    ("record", "column"),
    [
        (t404("2018", "Jan., 2018", "2018/01", "Alabama", "02", "12"), "State"),
        (t404("2018", "Jan., 2018", "2018/01", "Guam", "66", "12"), "State Code"),
        (t404("2018", "Jan., 2018", "2018/13", "Alabama", "01", "12"), "Month Code"),
        (t404("2018", "Jan., 2018", "2018/01", "Alabama", "01", "Unreliable"), "Deaths"),
        (t404("2018", "Jan., 2018", "2018/01", "Alabama", "01", ""), "Deaths"),
        (D157[1].replace("T40.4", "T40.1"), "Multiple Cause of death Code"),
        (D157[1].replace("T40.4", ""), "Multiple Cause of death Code"),
        (f"Note{D157[1]}", "Notes"),
    ],
)
def test_what_cannot_be_read_is_rejected_with_its_column(tmp_path: Path, record: str, column: str) -> None:
    summary, _ = clean(tmp_path, a=[*D157, record])
    assert summary.rejected == 1
    assert rejected(tmp_path)[0][:2] == (4, column)


def test_real_text_exports_keep_every_state_row(mirror: Path, tmp_path: Path) -> None:
    folder = mirror / "cdc_wonder_overdose" / "2025-04-21"
    names = sorted(p.name for p in folder.glob("*.txt"))
    want: dict[tuple[str, int], int] = {}
    aside = Counter[str]()
    for name in names:
        body, _, footer = (folder / name).read_bytes().decode().partition("\n---")
        aside["footer"] += sum(1 for line in ("---" + footer).splitlines() if line.strip())
        for row in list(csv.reader(body.splitlines(), delimiter="\t"))[1:]:
            if row[0] == "Total":
                aside["total"] += 1
            else:
                want[row[2], int(row[4])] = int(row[5])
    summary, frame = run(Raw("2025-04-21", "2025-04-21", folder, names, "test"), tmp_path)
    assert (summary.rows, summary.rejected, summary.set_aside) == (len(want), 0, dict(aside))
    by_year = Counter[str]()
    for (month, _), deaths in want.items():
        by_year[month[:4]] += deaths
    got = frame.group_by(pl.col("month").dt.year().cast(pl.String)).agg(pl.col("deaths").sum()).rows()
    assert dict(got) == dict(by_year)
    assert by_year["2018"] == 67_064
    assert by_year["2023"] == 104_888


def test_real_t404_queries_overlap_without_a_difference(mirror: Path, tmp_path: Path) -> None:
    folder = mirror / "cdc_wonder_overdose" / "2025-10-01"
    names = sorted(p.name for p in folder.glob("*.csv"))
    want: dict[tuple[str, str], int] = {}
    records = 0
    for name in names:
        with (folder / name).open(newline="") as handle:
            for row in csv.DictReader(handle):
                records += 1
                key = row["Month Code"], row.get("State Code") or row["Residence State Code"]
                assert want.setdefault(key, int(row["Deaths"])) == int(row["Deaths"])
    summary, frame = run(Raw("2025-10-01", "2025-10-01", folder, names, "test"), tmp_path)
    assert (records, len(want)) == (10_008, 5_640)
    assert (summary.rows, summary.rejected) == (5_640, 0)
    assert summary.set_aside == {"same_figure_in_other_query": 4_368}
    assert frame["deaths"].sum() == sum(want.values())
    assert frame.filter(pl.col("basis") == "provisional")["month"].min() == date(2024, 1, 1)


def test_real_states_leave_0_to_9_deaths_of_the_nation_for_each_absent_state(mirror: Path, real_data: Path) -> None:
    """The published national T40.4 months minus the states: proof of residence and of overdose as underlying cause."""
    states: dict[str, dict[str, int]] = {}
    for path in (mirror / "cdc_wonder_overdose" / "2025-10-01").glob("*.csv"):
        with path.open(newline="") as handle:
            for row in csv.DictReader(handle):
                state = row.get("State") or row["Residence State"]
                states.setdefault(row["Month Code"].replace("/", "-"), {})[state] = int(row["Deaths"])
    lines = (real_data / "reference" / "us_t404_final_monthly_2015_2024.csv").read_text().splitlines()
    nation = {r["month"][:7]: int(r["deaths"]) for r in csv.DictReader(x for x in lines if not x.startswith("#"))}
    gaps = [(n - sum(states[m].values())) / (51 - len(states[m])) for m, n in nation.items()]
    assert len(gaps) == 120
    assert min(gaps) >= 0
    assert max(gaps) <= 9
