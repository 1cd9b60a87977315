"""Queries: read-only, of this release alone, with answers as text, CSV, JSON or Excel."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import fastexcel
import pytest

from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.query.session import FORMATS, Session
from tests.unit.release.tiny import release, settings_of


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation with one official release."""
    settings = settings_of(tmp_path_factory.mktemp("query"))
    release(settings, "20260115T000000Z")
    return settings


@pytest.fixture
def session(installation: Settings) -> Iterator[Session]:
    """The release, opened."""
    with Session(installation) as opened:
        yield opened


def answer(session: Session, query: str, form: str) -> str:
    """What a query prints."""
    stream = io.StringIO()
    session.run(query, form, None, stream)
    return stream.getvalue()


ALL = "select * from marts.deaths order by month"

# ---- formats ----


def test_the_formats_are_those_of_the_help():
    assert FORMATS == ("table", "csv", "json", "xlsx")


def test_csv_has_a_header_iso_dates_and_empty_cells_for_nulls(session: Session):
    rows = list(csv.reader(io.StringIO(answer(session, "select place, month, deaths, rate from marts.deaths", "csv"))))
    assert rows == [
        ["place", "month", "deaths", "rate"],
        ['México, "Norte"', "2024-05-01", "12", "1.5"],
        ["", "2024-06-01", "", ""],
    ]


def test_csv_writes_lists_too(session: Session):
    rows = list(csv.DictReader(io.StringIO(answer(session, ALL, "csv"))))
    assert rows[0]["states"] == "US-AZ, US-CA"
    assert rows[0]["days"] == "2024-05-02"
    assert (rows[1]["states"], rows[1]["days"]) == ("", "")


def test_csv_of_no_row_has_its_header(session: Session):
    assert answer(session, "select place, deaths from marts.deaths where false", "csv") == "place,deaths\n"


def test_json_has_one_object_a_row_with_numbers_dates_and_nulls(session: Session):
    assert json.loads(answer(session, ALL, "json")) == [
        {
            "place": 'México, "Norte"', "month": "2024-05-01", "deaths": 12, "rate": 1.5,
            "states": ["US-AZ", "US-CA"], "days": ["2024-05-02"],
        },
        {"place": None, "month": "2024-06-01", "deaths": None, "rate": None, "states": [], "days": None},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "number"),
    [("sum(deaths)", 12), ("count(*)", 2), ("sum(rate::decimal(18, 6))", 1.5), ("avg(deaths)", 12.0)],
)
def test_a_sum_is_a_number_in_json(session: Session, expression: str, number: float):
    (row,) = json.loads(answer(session, f"select {expression} as answer from marts.deaths", "json"))
    assert row == {"answer": number}
    assert not isinstance(row["answer"], str)


def test_json_keeps_accents_readable(session: Session):
    assert "México" in answer(session, "select place from marts.deaths", "json")


def test_a_table_shows_the_columns_and_rows(session: Session):
    text = answer(session, "select place, deaths from marts.deaths order by deaths", "table")
    assert "place" in text
    assert "México" in text
    assert "12" in text


def sheets(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every sheet of a workbook by its name, with its header."""
    book = fastexcel.read_excel(path)
    return {n: book.load_sheet(n, header_row=None).to_polars().rows() for n in book.sheet_names}


def test_excel_has_the_rows_and_says_which_release_they_are_from(session: Session, tmp_path: Path):
    session.run("select place, deaths from marts.deaths order by month", "xlsx", tmp_path / "a.xlsx", io.StringIO())
    found = sheets(tmp_path / "a.xlsx")
    assert found["answer"][:2] == [("place", "deaths"), ('México, "Norte"', "12")]
    assert ("release", "20260115T000000Z") in found["about"]


LATE = "BTS: overdue since 2025-07-12. Its newest period is 2025-02."


@pytest.fixture
def late(tmp_path: Path) -> Iterator[Session]:
    """A release that one source of two is late in."""
    tables = ["border_crossings_monthly", "corridor_trends"]
    rows = [("late_bts", LATE, "", tables, "bts"), ("bts_lately_odd", "Another trap.", "", tables, "bts")]
    folder = release(settings_of(tmp_path), "20260115T000000Z")
    with duckdb.connect(str(folder / "drugflow.duckdb")) as connection:
        connection.executemany("insert into meta.cautions values (?, ?, ?, ?, ?)", rows)
    with Session(settings_of(tmp_path)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM marts.Corridor_Trends", [LATE]),
        ("select * from crossings_as_of(date '2025-01-01')", [LATE]),
        ("select * from marts.deaths", []),
        ("select * from marts.corridor_trends_2", []),
    ],
)
def test_a_query_is_told_which_late_sources_its_tables_rest_on(late: Session, query: str, said: list[str]):
    assert late.late(query) == said


def test_excel_says_beside_the_rows_which_source_is_late(late: Session, tmp_path: Path):
    query = "with corridor_trends as (select 1 as one) select * from corridor_trends"
    late.run(query, "xlsx", tmp_path / "a.xlsx", io.StringIO())
    assert ("late", LATE) in sheets(tmp_path / "a.xlsx")["about"]
    late.run("select 1 as one", "xlsx", tmp_path / "b.xlsx", io.StringIO())
    assert "late" not in str(sheets(tmp_path / "b.xlsx"))


def test_excel_writes_lists_and_dates_too(session: Session, tmp_path: Path):
    session.run(ALL, "xlsx", tmp_path / "a.xlsx", io.StringIO())
    text = str(sheets(tmp_path / "a.xlsx")["answer"])
    assert "US-AZ, US-CA" in text
    assert "2024-05-02" in text


def test_excel_of_a_sample_says_so(tmp_path: Path):
    settings = settings_of(tmp_path)
    release(settings, "20260115T000000Z-SAMPLE", "sample")
    with Session(settings) as session:
        session.run("select 1 as one", "xlsx", tmp_path / "a.xlsx", io.StringIO())
    found = sheets(tmp_path / "a.xlsx")
    assert found["SAMPLE"] == [("SAMPLE", "one"), ("20260115T000000Z-SAMPLE", "1")]
    assert ("warning", "SAMPLE: generated data, not official") in found["about"]


def test_a_samples_file_says_so_in_every_row(tmp_path: Path):
    settings = settings_of(tmp_path)
    release(settings, "20260115T000000Z-SAMPLE", "sample")
    with Session(settings) as session:
        session.run("select 'mine' as \"SAMPLE\", deaths from marts.deaths", "csv", tmp_path / "a.csv", io.StringIO())
        session.run("select deaths from marts.deaths", "json", tmp_path / "a.json", io.StringIO())
        session.run("select deaths from marts.deaths where false", "csv", tmp_path / "none.csv", io.StringIO())
    mark = "20260115T000000Z-SAMPLE"
    assert (tmp_path / "a.csv").read_text("utf-8") == f"SAMPLE_,SAMPLE,deaths\n{mark},mine,12\n{mark},mine,\n"
    rows = [{"SAMPLE": mark, "deaths": 12}, {"SAMPLE": mark, "deaths": None}]
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == rows
    assert (tmp_path / "none.csv").read_text("utf-8") == "SAMPLE,deaths\n"


@pytest.mark.parametrize("form", ["csv", "json", "table"])
def test_an_answer_can_go_to_a_file(session: Session, tmp_path: Path, form: str):
    session.run(ALL, form, tmp_path / "answer", io.StringIO())
    assert "México" in (tmp_path / "answer").read_text("utf-8")


def test_a_text_that_looks_like_a_formula_stays_a_text(session: Session, tmp_path: Path):
    session.run("select '=1+1' as note", "xlsx", tmp_path / "a.xlsx", io.StringIO())
    assert fastexcel.read_excel(tmp_path / "a.xlsx").load_sheet(0).to_polars().rows() == [("=1+1",)]


def test_infinity_and_times_with_a_zone_have_a_place_in_excel(session: Session, tmp_path: Path):
    query = "select 'infinity'::double as x, timestamptz '2026-01-15 00:00:00+00' as moment"
    session.run(query, "xlsx", tmp_path / "a.xlsx", io.StringIO())
    assert fastexcel.read_excel(tmp_path / "a.xlsx").load_sheet(0).to_polars().height == 1


@pytest.mark.parametrize(("value", "form"), [("interval 1 month", "csv"), ("interval 1 month", "json"),
                                             ("interval 1 month", "xlsx"), ("'a'::blob", "csv")])  # fmt: skip
def test_a_value_that_a_format_has_no_place_for_is_a_sentence_and_leaves_no_file(
    session: Session, tmp_path: Path, value: str, form: str
):
    with pytest.raises(DrugflowError, match=rf"no form as {form} .*cast\(x as varchar\)"):
        session.run(f"select {value} as x", form, tmp_path / f"a.{form}", io.StringIO())
    assert list(tmp_path.iterdir()) == []


def test_more_rows_than_excel_takes_is_a_sentence_and_leaves_no_file(session: Session, tmp_path: Path):
    with pytest.raises(DrugflowError, match="Excel takes 1,048,575 rows and the answer has 1,048,576"):
        session.run("from range(1048576)", "xlsx", tmp_path / "a.xlsx", io.StringIO())
    assert list(tmp_path.iterdir()) == []


def test_two_queries_at_once_are_refused(session: Session):
    with pytest.raises(DrugflowError, match="One query at a time: this one has 2"):
        answer(session, "select 1; select 2", "csv")


def test_excel_needs_a_file(session: Session):
    with pytest.raises(DrugflowError, match="Excel needs a file: add --output"):
        answer(session, ALL, "xlsx")


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
def test_a_folder_that_is_not_there_is_named(session: Session, tmp_path: Path, form: str):
    with pytest.raises(DrugflowError, match=r"There is no folder .*/nowhere to write answer into"):
        session.run(ALL, form, tmp_path / "nowhere" / "answer", io.StringIO())


def test_an_unknown_format_is_answered_with_the_known_ones(session: Session):
    with pytest.raises(DrugflowError, match="'pdf' is no format: use one of table, csv, json, xlsx"):
        answer(session, ALL, "pdf")


# ---- errors ----


@pytest.mark.parametrize("form", ["table", "csv", "json"])
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("selct 1", "selct"),
        ("select * from marts.seizures", "seizures"),
        ("select daeths from marts.deaths", "daeths"),
        ("select cast(place as integer) from marts.deaths", "place|Could not convert"),
        ("select error('on purpose') from marts.deaths", "on purpose"),
    ],
)
def test_a_query_that_cannot_be_answered_is_a_sentence_with_duckdbs_words(
    session: Session, form: str, query: str, words: str
):
    with pytest.raises(DrugflowError, match=f"(?s)DuckDB cannot answer that.*({words})"):
        answer(session, query, form)


def test_a_session_goes_on_after_an_error(session: Session):
    with pytest.raises(DrugflowError):
        answer(session, "selct 1", "csv")
    assert answer(session, "select 1 as one", "csv") == "one\n1\n"


def test_nothing_released_is_a_sentence(tmp_path: Path):
    with pytest.raises(DrugflowError, match=r"Nothing is released in .*data_marts: run 'drugflow refresh' first"):
        Session(settings_of(tmp_path))


# ---- read-only ----


@pytest.mark.parametrize(
    "query",
    [
        "insert into marts.deaths values ('x', null, 1, 1, null, null)",
        "update marts.deaths set deaths = 0",
        "delete from marts.deaths",
        "drop table marts.deaths",
        "create table marts.mine (a integer)",
        "create or replace view marts.deaths as select 1",
        "comment on table marts.deaths is 'mine'",
    ],
)
def test_a_query_changes_nothing(session: Session, installation: Settings, query: str):
    path = installation.current / "drugflow.duckdb"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(DrugflowError, match="read-only"):
        answer(session, query, "table")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('{secret}')",
        "select * from read_text('{secret}')",
        "select * from read_blob('{secret}')",
        "select * from '{secret}'",
        "select * from glob('{folder}/*')",
        "copy (select 1) to '{folder}/out.csv'",
        "attach '{folder}/other.duckdb' as other",
        "export database '{folder}/export'",
        "install httpfs",
        "load '{folder}/httpfs.duckdb_extension'",
        "set enable_external_access = true",
    ],
)
def test_a_query_reaches_no_file_of_the_machine(session: Session, tmp_path: Path, query: str):
    (tmp_path / "secret.csv").write_text("password\nsesame\n")
    text = query.format(secret=tmp_path / "secret.csv", folder=tmp_path)
    with pytest.raises(DrugflowError, match="DuckDB cannot answer that"):
        answer(session, text, "csv")
    assert [p.name for p in tmp_path.iterdir()] == ["secret.csv"]


# ---- readers and releases ----


def test_a_reader_keeps_what_it_opened_and_the_next_one_sees_the_new_release(tmp_path: Path):
    settings = settings_of(tmp_path)
    table = "create schema marts; create table marts.deaths as select {} as deaths"
    release(settings, "20260115T000000Z", sql=table.format(1))
    with Session(settings) as first:
        release(settings, "20260215T000000Z", sql=table.format(2))
        assert answer(first, "select deaths from marts.deaths", "csv") == "deaths\n1\n"
    with Session(settings) as second:
        assert answer(second, "select deaths from marts.deaths", "csv") == "deaths\n2\n"
        assert second.release_id == "20260215T000000Z"


def test_tables_are_named_without_a_catalog(session: Session):
    assert answer(session, "select current_database() as name", "csv") == "name\ndrugflow\n"
