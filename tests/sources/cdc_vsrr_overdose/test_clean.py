"""VSRR overdose deaths: every layout since 2017, and what a blank figure means.

Quoted rows are the publisher's (CDC NCHS, VSRR Provisional Drug Overdose Death Counts, xkb8-kh2a, US government work),
from the releases of 2017-12-16, 2019-04-24 and 2019-04-30 (two export styles of one release), 2025-01-08, 2025-07-16
and 2026-06-27. The form with lines of commas alone at the end is that of an export of October 2019.
"""

from __future__ import annotations

import csv
import random
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.catalog.load import get_source
from pipelines.clean.files import Limits
from pipelines.clean.run import Raw, Summary, clean_vintage
from pipelines.sources.modules import source_module

SOURCE = get_source("cdc_vsrr_overdose")
MODULE = partial(source_module, SOURCE.id)
NAMES_12 = (
    "State,Year,Month,Period,Indicator,Data Value,Percent Complete,Percent Pending Investigation,"
    "State Name,Footnote,Footnote Symbol,Predicted Value"
)
FINAL = "Numbers may differ from published reports using final data. See Technical Notes."
RUNNING = "Underreported due to incomplete data."
STATE_NAMES = {
    "US": "United States", "NY": "New York", "YC": "New York City", "DC": "District of Columbia", "PR": "Puerto Rico",
    "MI": "Michigan", "AZ": "Arizona", "NM": "New Mexico", "AR": "Arkansas", "NC": "North Carolina",
}  # fmt: skip
CSV_NAME = "VSRR_Provisional_Drug_Overdose_Death_Counts.csv"


class Cleaned:
    """A cleaned vintage: its account, its rows, and the reasons of what was rejected."""

    def __init__(self, folder: Path, name: str, chunk_bytes: int = 1024**2) -> None:
        raw = Raw("2025-01-08", "2025-01-08", folder, [name], "content")
        out = folder / f"out-{name}"
        self.summary: Summary = clean_vintage(SOURCE, MODULE, raw, out, Limits(chunk_bytes=chunk_bytes), "code")
        assert self.summary.problem is None, self.summary.problem
        self.frame = pl.read_parquet(out / "2025-01-08" / "clean.parquet")
        rejected = pl.read_parquet(out / "2025-01-08" / "rejected.parquet")
        self.rejected = rejected.select("line", "column", "value", "reason").rows()

    def one(self) -> dict[str, Any]:
        """The only row."""
        assert self.frame.height == 1, self.frame
        return self.frame.row(0, named=True)

    def column(self, name: str) -> list[Any]:
        """A column in the order of jurisdiction, month and indicator."""
        return self.frame.sort("jurisdiction_id", "month_ending", "indicator_id")[name].to_list()


def clean(folder: Path, text: str, name: str = "vsrr.csv", chunk_bytes: int = 1024**2) -> Cleaned:
    """Clean a file of this text."""
    (folder / name).write_text(text, "utf-8", newline="")
    return Cleaned(folder, name, chunk_bytes)


def row_of(**given: str) -> str:
    """A file of one record in the twelve columns; what is not given is the national all-drug count of 2023."""
    cells = dict(
        zip(
            NAMES_12.split(","),
            ["US", "2023", "December", "12 month-ending", "Number of Drug Overdose Deaths", "107,682", "100",
             "0.119509257", "United States", RUNNING, "*", "108,472"],
            strict=True,
        )
    )  # fmt: skip
    if "state" in given:
        cells["State Name"] = STATE_NAMES.get(given["state"], given["state"])
    cells |= {k.replace("_", " ").title(): v for k, v in given.items()}
    return f"{NAMES_12}\n" + ",".join(f'"{v}"' for v in cells.values()) + "\n"


# ---- layouts ----


def test_ten_columns_of_2017_with_byte_order_mark_and_thousands(tmp_path: Path):
    text = (
        "\ufeffState,State Name,Year,Month,Period,Indicator,Data Value,Percent Complete,"
        "Percent Pending Investigation,Footnote\n"
        'AK,Alaska,2015,January,12 month-ending,Number of Deaths,"4,034",100,0,\n'
        'AZ,Arizona,2015,January,12 month-ending,Number of Drug Overdose Deaths,"1,193",100,0.3266974896,\n'
        'AK,Alaska,2017,January,12 month-ending,Number of Deaths,"4,376",100,0.0685557587,'
        "*Likely underreported due to incomplete data\n"
    )
    cleaned = clean(tmp_path, text)
    assert cleaned.frame.select("jurisdiction_id", "month_ending", "indicator_id", "deaths_reported").rows() == [
        ("US-AK", date(2015, 1, 1), "all_deaths", 4034),
        ("US-AZ", date(2015, 1, 1), "drug_overdose", 1193),
        ("US-AK", date(2017, 1, 1), "all_deaths", 4376),
    ]
    assert cleaned.frame["deaths_predicted"].to_list() == [None, None, None]
    assert cleaned.frame["is_provisional"].to_list() == [False, False, True]


@pytest.mark.parametrize(
    ("start", "reported", "predicted"), [("", "67152", "69894"), ("\ufeff", '"67,152"', '"69,894"')]
)
def test_twelve_columns_of_2019_in_both_export_styles(tmp_path: Path, start: str, reported: str, predicted: str):
    text = (
        f"{start}{NAMES_12}\nUS,2018,September,12 month-ending,Number of Drug Overdose Deaths,{reported},100,"
        f"0.248523296603293,United States,{RUNNING},*,{predicted}\n"
    )
    row = clean(tmp_path, text).one()
    assert (row["jurisdiction_id"], row["month_ending"]) == ("US", date(2018, 9, 1))
    assert (row["deaths_reported"], row["deaths_predicted"]) == (67152, 69894)
    assert row["percent_pending"] == 0.248523296603293


def test_two_export_styles_of_one_release_have_one_content(tmp_path: Path):
    line = f",100,0.248523296603293,United States,{RUNNING},*,"
    start = "US,2018,September,12 month-ending,Number of Drug Overdose Deaths,"
    plain = clean(tmp_path, f"{NAMES_12}\n{start}67152{line}69894\n", "plain.csv")
    grouped = clean(tmp_path, f'\ufeff{NAMES_12}\n{start}"67,152"{line}"69,894"\n', "grouped.csv")
    assert plain.summary.content == grouped.summary.content


def test_names_of_the_soda_interface(tmp_path: Path):
    text = (
        "state,year,month,period,indicator,percent_complete,percent_pending_investigation,state_name,footnote,"
        "footnote_symbol,data_value,predicted_value\n"
        'US,2023,June,12 month-ending,"Synthetic opioids, excl. methadone (T40.4)",100,0.156031139,United States,'
        f"{FINAL},**,77695,78308\n"
    )
    row = clean(tmp_path, text).one()
    assert (row["indicator_id"], row["month_ending"]) == ("synthetic_opioids_t404", date(2023, 6, 1))
    assert (row["deaths_reported"], row["deaths_predicted"], row["is_provisional"]) == (77695, 78308, False)


def test_parquet_in_which_years_and_percents_are_floats(tmp_path: Path):
    titles = NAMES_12.split(",")
    cells = ["US", 2023.0, "December", "12 month-ending", "Number of Drug Overdose Deaths", 106881.0, 100.0,
             0.170331272, "United States", FINAL, "**", 108550.0]  # fmt: skip
    rows = [cells, [*cells[:4], "Number of Deaths", 3101016.0, *cells[6:11], None]]
    pl.DataFrame(rows, schema=titles, orient="row").write_parquet(tmp_path / "xkb8-kh2a.parquet")
    cleaned = Cleaned(tmp_path, "xkb8-kh2a.parquet")
    assert cleaned.column("deaths_reported") == [3101016, 106881]
    assert cleaned.column("deaths_predicted") == [None, 108550]
    assert cleaned.column("percent_complete") == [100.0, 100.0]
    assert cleaned.column("month_ending") == [date(2023, 12, 1)] * 2


def test_the_order_of_the_columns_does_not_matter(tmp_path: Path):
    header, record = list(csv.reader(row_of().splitlines()))
    order = list(range(len(header)))
    random.Random(7).shuffle(order)
    shuffled = "\n".join(",".join(f'"{cells[i]}"' for i in order) for cells in (header, record)) + "\n"
    assert clean(tmp_path, row_of(), "a.csv").one() == {**clean(tmp_path, shuffled, "b.csv").one(), "file": "a.csv"}


def test_lines_of_commas_at_the_end_are_set_aside_and_counted(tmp_path: Path):
    cleaned = clean(tmp_path, row_of() + 3 * (11 * "," + "\n"))
    assert (cleaned.summary.records, cleaned.summary.rows, cleaned.summary.set_aside) == (4, 1, {"blank_line": 3})


def test_windows_line_ends_change_nothing(tmp_path: Path):
    unix, windows = clean(tmp_path, row_of(), "a.csv"), clean(tmp_path, row_of().replace("\n", "\r\n"), "b.csv")
    assert unix.summary.content == windows.summary.content


def test_line_numbers_are_those_of_the_file(tmp_path: Path):
    two = row_of() + row_of(state="AZ").split("\n", 1)[1]
    frame = clean(tmp_path, two).frame
    assert dict(frame.select("jurisdiction_id", "line").iter_rows()) == {"US": 2, "US-AZ": 3}


# ---- what a blank means ----


@pytest.mark.parametrize("space", [" ", "  ", "   ", "\t"])
@pytest.mark.parametrize("base", [FINAL, RUNNING])
@pytest.mark.parametrize(
    ("added", "reason"),
    [("Data not shown due to low data quality.", "low_quality"), ("Data suppressed (<10).", "suppressed")],
)
def test_the_footnote_says_why_a_figure_is_missing(tmp_path: Path, space: str, base: str, added: str, reason: str):
    row = clean(tmp_path, row_of(data_value="", footnote=base + space + added)).one()
    assert row["deaths_reported"] is None
    assert row["missing_reason"] == reason


def test_the_layout_of_2017_gives_no_reason_for_a_blank(tmp_path: Path):
    header, cells = (line.split(",") for line in row_of(data_value="", footnote="").replace('"', "").splitlines())
    names = [n for n in header if n not in ("Footnote Symbol", "Predicted Value")]
    text = "\n".join([",".join(names), ",".join(dict(zip(header, cells, strict=False))[n] for n in names), ""])
    assert clean(tmp_path, text).one()["missing_reason"] == "not_reported"


HIDING = (f"{FINAL} Data suppressed (<10).", f"{FINAL} Data not shown due to low data quality.")


@pytest.mark.parametrize(
    ("given", "column", "reason"),
    [
        # A spreadsheet that shows an empty cell as 0 turns hidden counts into none.
        ({"data_value": "0", "footnote": HIDING[0]}, "Data Value", "the record's footnote says that it is hidden"),
        ({"data_value": "0", "footnote": HIDING[1]}, "Data Value", "the record's footnote says that it is hidden"),
        ({"data_value": "12", "footnote": HIDING[1]}, "Data Value", "the record's footnote says that it is hidden"),
        ({"data_value": "", "footnote": FINAL}, "Data Value", "no footnote says that it is hidden"),
        ({"data_value": "", "footnote": ""}, "Data Value", "no footnote says that it is hidden"),
        ({"predicted_value": "0"}, "Predicted Value", "is 0, but the reported figure is not"),
        ({"data_value": "", "footnote": HIDING[0], "predicted_value": "0"}, "Predicted Value", "is 0, but"),
        ({"indicator": "Number of Deaths"}, "Predicted Value", "nobody predicts this indicator"),
    ],
)
def test_a_figure_that_its_own_record_denies_is_rejected(
    tmp_path: Path, given: dict[str, str], column: str, reason: str
):
    cleaned = clean(tmp_path, row_of(state="AZ") + row_of(**given).split("\n", 1)[1])
    ((line, named, _, said),) = cleaned.rejected
    assert (line, named, cleaned.summary.rows) == (3, column, 1)
    assert reason in said


def test_two_states_that_changed_places_are_rejected(tmp_path: Path):
    text = row_of(state="AZ", state_name="New Mexico") + row_of(state="NM", state_name="Arizona").split("\n", 1)[1]
    cleaned = clean(tmp_path, text + row_of(state="NY").split("\n", 1)[1])
    assert [r[1:] for r in cleaned.rejected] == [
        ("State Name", "New Mexico", "does not go with the record's State"),
        ("State Name", "Arizona", "does not go with the record's State"),
    ]
    assert cleaned.column("jurisdiction_id") == ["US-NY-XNYC"]


def test_a_figure_that_is_there_has_no_reason(tmp_path: Path):
    assert clean(tmp_path, row_of()).one()["missing_reason"] is None


def test_a_published_zero_stays_zero(tmp_path: Path):
    row = clean(tmp_path, row_of(state="AR", indicator="Heroin (T40.1)", data_value="0", predicted_value="0")).one()
    assert (row["deaths_reported"], row["deaths_predicted"], row["missing_reason"]) == (0, 0, None)


def test_a_prediction_stands_where_the_count_is_missing(tmp_path: Path):
    # NC 2024-05, T40.4, release of 2025-01-08.
    note = f"{RUNNING}  Data not shown due to low data quality."
    text = row_of(
        state="NC", year="2024", month="May", indicator="Synthetic opioids, excl. methadone (T40.4)", data_value="",
        predicted_value="2,745", footnote=note,
    )  # fmt: skip
    row = clean(tmp_path, text).one()
    assert (row["deaths_reported"], row["deaths_predicted"], row["missing_reason"]) == (None, 2745, "low_quality")


# ---- percents ----


def test_the_percent_of_specified_drugs_is_no_count_of_deaths(tmp_path: Path):
    # US 2023-12, release of 2025-01-08.
    text = row_of(indicator="Percent with drugs specified", data_value="96.05597964", predicted_value="")
    row = clean(tmp_path, text).one()
    assert row["percent_specified"] == 96.05597964
    assert (row["deaths_reported"], row["deaths_predicted"], row["missing_reason"]) == (None, None, None)


def test_a_count_of_deaths_is_no_percent(tmp_path: Path):
    assert clean(tmp_path, row_of()).one()["percent_specified"] is None


@pytest.mark.parametrize(("text", "percent"), [("100", 100.0), ("99.4", 99.4), ("99.5+", 99.5), ("", None)])
def test_percent_complete_is_read_with_its_plus(tmp_path: Path, text: str, percent: float | None):
    # 99.5+ is from LA 2022-11, release of 2025-01-08.
    assert clean(tmp_path, row_of(percent_complete=text)).one()["percent_complete"] == percent


@pytest.mark.parametrize(("symbol", "note", "provisional"), [("*", RUNNING, True), ("**", FINAL, False)])
def test_a_running_year_is_provisional(tmp_path: Path, symbol: str, note: str, provisional: bool):
    assert clean(tmp_path, row_of(footnote_symbol=symbol, footnote=note)).one()["is_provisional"] is provisional


# ---- places and indicators ----


@pytest.mark.parametrize(
    ("state", "jurisdiction"),
    [("US", "US"), ("NY", "US-NY-XNYC"), ("YC", "US-NYC"), ("DC", "US-DC"), ("PR", "US-PR"), ("MI", "US-MI")],
)
def test_new_york_is_without_new_york_city(tmp_path: Path, state: str, jurisdiction: str):
    assert clean(tmp_path, row_of(state=state)).one()["jurisdiction_id"] == jurisdiction


@pytest.mark.parametrize(
    ("title", "indicator"),
    [
        ("Number of Deaths", "all_deaths"),
        ("Number of Drug Overdose Deaths", "drug_overdose"),
        ("Opioids (T40.0-T40.4,T40.6)", "opioids_t400_t404_t406"),
        ("Natural & semi-synthetic opioids (T40.2)", "natural_semisynthetic_t402"),
        ("Methadone (T40.3)", "methadone_t403"),
        (
            "Natural & semi-synthetic opioids, incl. methadone (T40.2, T40.3)",
            "natural_semisynthetic_incl_methadone",
        ),
        (
            "Natural, semi-synthetic, & synthetic opioids, incl. methadone (T40.2-T40.4)",
            "natural_semisynthetic_synthetic_incl_methadone",
        ),
        ("Synthetic opioids, excl. methadone (T40.4)", "synthetic_opioids_t404"),
        ("Heroin (T40.1)", "heroin_t401"),
        ("Cocaine (T40.5)", "cocaine_t405"),
        ("Psychostimulants with abuse potential (T43.6)", "psychostimulants_t436"),
    ],
)
def test_every_indicator_has_the_analysts_name(tmp_path: Path, title: str, indicator: str):
    assert clean(tmp_path, row_of(indicator=title, predicted_value="")).one()["indicator_id"] == indicator


# ---- what cannot be read ----


@pytest.mark.parametrize(
    ("given", "column", "value"),
    [
        ({"state": "ZZ"}, "State", "ZZ"),
        ({"month": "Diciembre"}, "Month", "Diciembre"),
        ({"data_value": "12.5"}, "Data Value", "12.5"),
        ({"data_value": "many"}, "Data Value", "many"),
        ({"predicted_value": "12.5"}, "Predicted Value", "12.5"),
        ({"percent_complete": "all"}, "Percent Complete", "all"),
        ({"indicator": "Nitazenes (T40.9)"}, "Indicator", "Nitazenes (T40.9)"),
        ({"period": "monthly"}, "Period", "monthly"),
        ({"year": ""}, "Year", ""),
    ],
)
def test_a_record_that_cannot_be_read_is_rejected_with_its_place(
    tmp_path: Path, given: dict[str, str], column: str, value: str
):
    good = row_of(state="AZ")
    cleaned = clean(tmp_path, good + row_of(**given).split("\n", 1)[1])
    assert [(r[0], r[1], r[2]) for r in cleaned.rejected] == [(3, column, value)]
    assert (cleaned.summary.rows, cleaned.summary.rejected, cleaned.summary.records) == (1, 1, 2)


def test_a_key_that_is_there_twice_is_rejected_the_second_time(tmp_path: Path):
    cleaned = clean(tmp_path, row_of() + row_of(data_value="1").split("\n", 1)[1])
    assert cleaned.one()["deaths_reported"] == 107682
    assert [(line, reason) for line, _, _, reason in cleaned.rejected] == [(3, "is the key of an earlier record too")]


# ---- the real releases ----

RELEASES = ["2017-12-16", "2019-04-24", "2019-04-30", "2019-07-11", "2025-01-08", "2025-07-16", "2026-06-27"]


@pytest.fixture(scope="module")
def releases(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Summary, pl.DataFrame]]:
    """Each real release: its file, its account and its clean rows."""
    found = {}
    for release in RELEASES:
        folder = mirror / SOURCE.id / release
        (path,) = (p for p in folder.iterdir() if p.name != "vintage.json")
        raw, out = Raw(release, release, folder, [path.name], "content"), tmp_path_factory.mktemp("vsrr")
        summary = clean_vintage(SOURCE, MODULE, raw, out, Limits(), "code")
        found[release] = (path, summary, pl.read_parquet(out / release / "clean.parquet"))
    return found


def raw_sql(path: Path) -> str:
    """A query of the raw file's indicator, footnote and figures under one spelling of their names, all as text."""
    if path.suffix == ".parquet":
        return (
            'select Indicator as indicator, Footnote as footnote, "Data Value"::varchar as data_value, '
            f""""Predicted Value"::varchar as predicted_value from '{path}'"""
        )
    predicted = "null" if path.parent.name == "2017-12-16" else "predicted_value"
    return (
        f"select indicator, footnote, data_value, {predicted} as predicted_value "
        f"from read_csv('{path}', all_varchar = true, normalize_names = true)"
    )


@pytest.mark.parametrize("release", RELEASES)
def test_every_record_of_a_real_release_is_kept(releases: dict[str, tuple[Path, Summary, pl.DataFrame]], release: str):
    path, summary, frame = releases[release]
    (count,) = duckdb.sql(f"select count(*) from ({raw_sql(path)})").fetchone() or (0,)
    assert summary.problem is None
    assert (summary.records, summary.rows, summary.rejected, summary.set_aside) == (count, count, 0, {})
    assert frame.height == count


@pytest.mark.parametrize("release", RELEASES)
def test_every_figure_of_a_real_release_is_read(releases: dict[str, tuple[Path, Summary, pl.DataFrame]], release: str):
    path, _, frame = releases[release]
    wanted = duckdb.sql(
        f"""
        with raw as ({raw_sql(path)}),
        numbers as (
            select indicator = 'Percent with drugs specified' as is_percent,
                replace(data_value, ',', '')::double as figure, replace(predicted_value, ',', '')::double as predicted
            from raw)
        select count(figure) filter (not is_percent), sum(figure) filter (not is_percent),
            count(figure) filter (is_percent), count(predicted), sum(predicted) from numbers
        """
    ).fetchone()
    found = frame.select(
        pl.col("deaths_reported").count().alias("a"),
        pl.col("deaths_reported").sum().cast(pl.Float64).alias("b"),
        pl.col("percent_specified").count().alias("c"),
        pl.col("deaths_predicted").count().alias("d"),
        pl.when(pl.col("deaths_predicted").count() > 0).then(pl.col("deaths_predicted").sum()).first().alias("e"),
    ).row(0)
    assert found == wanted


@pytest.mark.parametrize("release", RELEASES)
def test_every_blank_of_a_real_release_has_the_reason_of_its_footnote(
    releases: dict[str, tuple[Path, Summary, pl.DataFrame]], release: str
):
    path, _, frame = releases[release]
    wanted = duckdb.sql(
        f"""
        select count(*) filter (footnote like '%suppressed (<10)%'),
            count(*) filter (footnote like '%low data quality%' and footnote not like '%suppressed%'),
            count(*) from ({raw_sql(path)}) where data_value is null
        """
    ).fetchone()
    blank = frame.filter(pl.col("deaths_reported").is_null() & pl.col("percent_specified").is_null())
    reasons = dict(blank.group_by("missing_reason").len().iter_rows())
    assert (reasons.get("suppressed", 0), reasons.get("low_quality", 0), blank.height) == wanted
    assert set(reasons) <= {"suppressed", "low_quality"}


def test_two_real_export_styles_of_april_2019_are_one_content(
    releases: dict[str, tuple[Path, Summary, pl.DataFrame]],
):
    assert releases["2019-04-24"][1].content == releases["2019-04-30"][1].content
    assert releases["2019-07-11"][1].content != releases["2019-04-30"][1].content


@pytest.mark.parametrize(
    ("release", "state", "indicator", "month", "reported", "predicted"),
    [
        ("2025-01-08", "US", "drug_overdose", date(2023, 12, 1), 107682, 108472),
        ("2025-07-16", "US", "drug_overdose", date(2023, 12, 1), 106881, 108550),
        ("2025-01-08", "US", "synthetic_opioids_t404", date(2023, 12, 1), 74681, 75414),
        ("2025-01-08", "US-NY-XNYC", "synthetic_opioids_t404", date(2023, 12, 1), 2664, 2678),
        ("2025-01-08", "US-NYC", "synthetic_opioids_t404", date(2023, 12, 1), 2465, 2477),
        ("2026-06-27", "US", "synthetic_opioids_t404", date(2023, 6, 1), 77695, 78308),
        ("2026-06-27", "US-AZ", "synthetic_opioids_t404", date(2026, 1, 1), 1982, 1996),
        ("2019-04-30", "US", "drug_overdose", date(2018, 9, 1), 67152, 69894),
        ("2017-12-16", "US-AK", "all_deaths", date(2015, 1, 1), 4034, None),
    ],
)
def test_known_figures(
    releases: dict[str, tuple[Path, Summary, pl.DataFrame]], release: str, state: str, indicator: str, month: date,
    reported: int, predicted: int | None,
):  # fmt: skip
    frame = releases[release][2].filter(
        pl.col("jurisdiction_id") == state, pl.col("indicator_id") == indicator, pl.col("month_ending") == month
    )
    assert frame.select("deaths_reported", "deaths_predicted").rows() == [(reported, predicted)]


@pytest.mark.parametrize(
    ("month", "total"), [(date(2020, 12, 1), 92478), (date(2023, 12, 1), 107682), (date(2024, 7, 1), 90157)]
)
def test_the_nation_is_its_states_with_dc_and_new_york_city(
    releases: dict[str, tuple[Path, Summary, pl.DataFrame]], month: date, total: int
):
    rows = releases["2025-01-08"][2].filter(
        pl.col("indicator_id") == "drug_overdose", pl.col("month_ending") == month, pl.col("jurisdiction_id") != "US-PR"
    )
    is_us = pl.col("jurisdiction_id") == "US"
    assert rows.filter(is_us)["deaths_reported"].to_list() == [total]
    assert rows.filter(~is_us)["deaths_reported"].sum() == total


@pytest.mark.parametrize(
    ("release", "first"),
    [("2017-12-16", 2017), ("2019-07-11", 2018), ("2025-01-08", 2023), ("2025-07-16", 2024), ("2026-06-27", 2025)],
)
def test_years_are_provisional_from_the_one_that_is_not_closed(
    releases: dict[str, tuple[Path, Summary, pl.DataFrame]], release: str, first: int
):
    years = releases[release][2].group_by(pl.col("month_ending").dt.year() >= first).agg(pl.col("is_provisional"))
    assert {(late, flag) for late, flags in years.iter_rows() for flag in set(flags)} == {(True, True), (False, False)}


def test_the_size_of_the_pieces_changes_nothing(tmp_path: Path, mirror: Path):
    (tmp_path / CSV_NAME).write_bytes((mirror / SOURCE.id / "2019-04-30" / CSV_NAME).read_bytes())
    small = Cleaned(tmp_path, CSV_NAME, chunk_bytes=50_000)
    whole = Cleaned(tmp_path, CSV_NAME)
    assert small.frame.equals(whole.frame)
