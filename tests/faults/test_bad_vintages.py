"""Vintages that are wrong as a whole: their folder, what they say of themselves, the archive under them.

And the faults that only one source's files can have.
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalog.load import get_source
from pipelines.clean.files import Limits
from pipelines.clean.run import Raw, clean_vintage
from pipelines.core.errors import DrugflowError
from pipelines.ingest.report import make_receipt
from pipelines.quality.verdict import accept
from pipelines.refresh.look import ingest_source
from pipelines.refresh.origin import resolve_origin
from pipelines.refresh.survey import is_settled
from pipelines.sources.modules import source_module
from tests.faults import containers
from tests.faults.house import (
    BAD,
    CBP,
    FILE,
    GOOD,
    OLD_ROWS,
    ROWS,
    House,
    assert_plain,
    assert_told,
    bring,
    cleaned,
    csv_file,
    spoilt,
)

GOOD_FILE = csv_file(*ROWS)
VSRR = "cdc_vsrr_overdose"
VSRR_HEADER = (
    "State,Year,Month,Period,Indicator,Data Value,Percent Complete,Percent Pending Investigation,State Name,"
    "Footnote,Footnote Symbol,Predicted Value"
)
VSRR_ROW = "AK,2024,April,12 month-ending,Number of Drug Overdose Deaths,350,100,0.1,Alaska,,,360"
SAID: dict[str, tuple[Any, str]] = {
    "no JSON": ("{'coverage': 'partial'}", "is not JSON"),
    "cut": ('{"coverage": "par', "is not JSON"),
    "a list": ("[1]", "[1]"),
    "unknown key": ({"cover": "partial"}, "['cover']"),
    "unknown coverage": ({"coverage": "half"}, "'half'"),
    "scope without names": ({"scope": ["fentanyl"]}, "['fentanyl']"),
    "scope with a number": ({"scope": {"fiscal_year": 2024}}, "2024"),
    "note that is no text": ({"note": 5}, "note 5"),
    "impossible date": ({"published": "2024-02-31"}, "'2024-02-31'"),
    "date in words": ({"published": "next week"}, "'next week'"),
}


def offered(house: House) -> str:
    """The sentence about the one vintage that is not taken; nothing else may change."""
    archive, history = house.archive(), house.history()
    assert [v.state for v in house.run().values()] == ["accepted"]
    assert house.archive() == archive
    assert house.history().equals(history)
    (sentence,) = house.problems()
    assert_plain(sentence)
    return sentence


@pytest.mark.parametrize(("said", "value"), SAID.values(), ids=SAID)
def test_a_vintage_that_says_nonsense_of_itself_is_not_taken(house: House, said: Any, value: str) -> None:
    folder = house.offer(BAD, {FILE: GOOD_FILE}, said)
    sentence = offered(house)
    assert sentence.startswith(f"{CBP}: {folder}: ")
    assert value in sentence


@pytest.mark.parametrize("name", ["2024-13-01", "2024-02-30", "latest", "15.02.2024", "2024"])
def test_a_folder_that_is_no_date_is_not_taken(house: House, name: str) -> None:
    house.offer(name, {FILE: GOOD_FILE})
    assert f"{name!r} is not a release date: expected YYYY-MM-DD" in offered(house)


def test_a_folder_that_is_no_date_is_taken_where_it_says_one(house: House) -> None:
    house.offer("February release", {FILE: GOOD_FILE}, {"published": BAD})
    assert house.run()[BAD].state == "accepted"


def test_a_vintage_without_a_file_is_not_taken(house: House) -> None:
    house.offer(BAD, {}, {"coverage": "full"})
    assert "no file" in offered(house)


def test_a_folder_inside_a_vintage_is_not_passed_over(house: House) -> None:
    folder = house.offer(BAD, {FILE: GOOD_FILE})
    (folder / "part 2").mkdir()
    (folder / "part 2" / "more.csv").write_bytes(GOOD_FILE)
    assert "'part 2' is a folder" in offered(house)


def test_a_broken_link_is_not_passed_over(house: House) -> None:
    folder = house.offer(BAD, {FILE: GOOD_FILE})
    (folder / "more.csv").symlink_to(folder / "nowhere.csv")
    assert "'more.csv' is a broken link" in offered(house)


def test_a_file_beside_the_vintages_is_not_passed_over(house: House) -> None:
    (house.mirror / CBP / "nationwide.csv").write_bytes(GOOD_FILE)
    assert "nationwide.csv: this is no folder" in offered(house)


def test_a_link_to_a_file_is_archived_as_the_file(house: House, tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_bytes(GOOD_FILE)
    folder = house.offer(BAD, {})
    (folder / FILE).symlink_to(tmp_path / "real.csv")
    assert house.run()[BAD].state == "accepted"
    archived = house.settings.data_raw / "official" / CBP / BAD / FILE
    assert not archived.is_symlink()
    assert archived.read_bytes() == GOOD_FILE


def test_a_bad_vintage_does_not_stop_a_good_one_that_comes_with_it(house: House) -> None:
    house.offer("2024-02-31", {FILE: GOOD_FILE})
    house.offer("2024-03-10", {FILE: spoilt(",11,412.5", ",11,many")})
    house.offer("2024-03-15", {FILE: GOOD_FILE})
    verdicts = house.run()
    assert {v.archive_id: v.state for v in verdicts.values()} == {
        GOOD: "accepted", "2024-03-10": "held", "2024-03-15": "accepted",
    }  # fmt: skip
    # The held one blocks nothing: the good one after it speaks for the same months.
    (problem,) = house.problems()
    assert "2024-02-31" in problem


def test_two_files_of_one_name_are_no_vintage(tmp_path: Path) -> None:
    files = [tmp_path / "a" / FILE, tmp_path / "b" / FILE]
    for file in files:
        file.parent.mkdir()
        file.write_bytes(GOOD_FILE)
    with pytest.raises(DrugflowError, match=f"two files named '{FILE}'"):
        make_receipt("added by hand", "official", CBP, date(2024, 2, 15), files, {})


# --- what a vintage says against what it has ------------------------------------------------------------------


def test_a_scope_that_the_rows_contradict_holds_the_vintage_back(house: House) -> None:
    verdict = bring(house, {FILE: GOOD_FILE}, {"coverage": "partial", "scope": {"fiscal_year": "2023"}})
    assert (verdict.state, verdict.readable) == ("held", False)
    assert_told(str(verdict.problem), BAD, None, "limits fiscal_year to '2023', but the files also have '2024'")


def test_a_scope_may_be_said_in_the_publishers_words(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(csv_file(VSRR_ROW, header=VSRR_HEADER))
    said = {"Number of Drug Overdose Deaths": True, "Heroin (T40.1)": False}
    for indicator, fits in said.items():
        raw = Raw(BAD, BAD, tmp_path, [FILE], indicator, "partial", {"indicator": [indicator]})
        summary = clean_vintage(
            get_source(VSRR), partial(source_module, VSRR), raw, tmp_path / "clean", Limits(), "code"
        )
        assert (summary.problem is None) == fits
    assert_told(str(summary.problem), "vintage.json", None, "'Heroin (T40.1)', but the files also have 'drug_overdose'")


def test_a_scope_that_the_rows_keep_is_taken(house: House) -> None:
    verdict = bring(house, {FILE: GOOD_FILE}, {"coverage": "partial", "scope": {"fiscal_year": ["2024"]}})
    assert verdict.state == "accepted"


# --- one date, several contents -------------------------------------------------------------------------------


def test_a_bad_second_content_does_not_take_away_the_good_first_one(house: House) -> None:
    """The mirror's file of a date that is published already is replaced by half of itself."""
    history = house.history()
    house.offer(GOOD, {FILE: csv_file(*OLD_ROWS)[:-70]})
    verdicts = house.run()
    assert {k: v.state for k, v in verdicts.items()} == {GOOD: "accepted", f"{GOOD}.2": "held"}
    assert house.history().equals(history)
    assert_told(" ".join(house.problems()), FILE, 7, "in the middle of a line")


def test_a_good_third_content_replaces_both(house: House) -> None:
    house.offer(GOOD, {FILE: csv_file(*OLD_ROWS)[:-70]})
    house.run()
    house.offer(GOOD, {FILE: GOOD_FILE})
    assert {k: v.state for k, v in house.run().items()} == {f"{GOOD}.3": "accepted"}
    assert house.problems() == []
    assert house.history().height == len(ROWS)


def test_a_bad_vintage_is_healed_by_a_good_file_under_its_date(house: House) -> None:
    bring(house, {FILE: spoilt("Fentanyl", "Nitazenes")})
    house.offer(BAD, {FILE: GOOD_FILE})
    assert {k: v.state for k, v in house.run().items()} == {GOOD: "accepted", f"{BAD}.2": "accepted"}
    assert house.history().height == len(ROWS)


# --- an operator's exception ----------------------------------------------------------------------------------


def test_a_held_vintage_that_is_accepted_publishes_its_readable_rows(house: House) -> None:
    verdict = bring(house, {FILE: spoilt("Fentanyl", "Nitazenes")})
    accept(house.settings.data_raw, "official", verdict, "CBP confirmed the new name by telephone")
    assert house.run()[BAD].state == "accepted_by_exception"
    assert house.history().height == len(ROWS) - 1
    assert house.problems() == []


@pytest.mark.parametrize("content", [b"<html></html>", csv_file(*(r + ",1" for r in ROWS))], ids=["page", "all bad"])
def test_a_vintage_without_a_readable_row_cannot_be_accepted(house: House, content: bytes) -> None:
    verdict = bring(house, {FILE: content})
    with pytest.raises(DrugflowError, match="has no rows to accept"):
        accept(house.settings.data_raw, "official", verdict, "we want it all the same")


# --- the archive and the machine under it ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "damaged",
    [GOOD_FILE.replace(b"412.5", b"999.5"), b"<html></html>", b"", GOOD_FILE[:-30]],
    ids=lambda b: str(len(b)),
)
def test_a_damaged_archive_is_told_and_read_again_once_it_is_restored(house: House, damaged: bytes) -> None:
    history = house.history()
    house.offer(BAD, {FILE: GOOD_FILE})
    ingest_source(house.settings, resolve_origin(house.settings), CBP)
    archived = house.settings.data_raw / "official" / CBP / BAD / FILE
    archived.write_bytes(damaged)
    verdict = house.derive()[BAD]
    assert verdict.state == "held"
    assert_told(str(verdict.problem), FILE, None, "no longer has the bytes that were archived")
    assert house.history().equals(history)
    assert not is_settled(house.settings, "official")

    archived.write_bytes(GOOD_FILE)
    assert house.derive()[BAD].state == "accepted"
    assert is_settled(house.settings, "official")


# --- faults of one source's files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        (",2024,", ",20241,", "Year"),
        (",2024,", ",99999999999,", "Year"),
        (",2024,", ",MMXXIV,", "Year"),
        (",April,", ",Abril,", "Month"),
        (",350,", ",350.5,", "Data Value"),
        (",350,", ",1e30,", "Data Value"),
        (",360", ",-9e18", "Predicted Value"),
        (",100,0.1,", ",all,0.1,", "Percent Complete"),
        ("AK,", "AX,", "State"),
    ],
)
def test_a_bad_cell_of_a_death_count_is_rejected(tmp_path: Path, old: str, new: str, column: str) -> None:
    bad = VSRR_ROW.replace("AK", "AL").replace("Alaska", "Alabama").replace(old.replace("AK", "AL"), new)
    rows, rejected = cleaned(tmp_path, csv_file(VSRR_ROW, bad, header=VSRR_HEADER), source=VSRR)
    assert rows["line"].to_list() == [2]
    assert rejected.select("line", "column").rows() == [(3, column)]


def problem(folder: Path, source: str, name: str, content: bytes) -> str:
    """Why a file of a source cannot be read."""
    (folder / name).write_bytes(content)
    raw = Raw(id=BAD, vintage=BAD, folder=folder, files=[name], content="content")
    summary = clean_vintage(get_source(source), partial(source_module, source), raw, folder / "clean", Limits(), "code")
    assert summary.problem is not None
    return str(summary.problem)


WONDER_TEXT = (
    b"Notes\tMonth\tMonth Code\tResidence State\tResidence State Code\tDeaths\tPopulation\tCrude Rate\n"
    b'\t"Jan., 2018"\t2018/01\tAlabama\t1\t56\tNot Applicable\tNot Applicable\n'
    b'\t"Feb., 2018"\t2018/02\tAlabama\t1\t63\tNot Applicable\tNot Applicable\n'
    b'"---"\t\t\t\t\t\t\t\n"Dataset: made up"\t\t\t\t\t\t\t'
)


def test_a_query_that_was_cut_off_at_a_line_end_lacks_its_footer(tmp_path: Path) -> None:
    cut = WONDER_TEXT[: WONDER_TEXT.index(b'"---"')]
    assert_told(problem(tmp_path, "cdc_wonder_overdose", "WONDER.txt", cut), "WONDER.txt", 3, "without the footer")
    rows, _ = cleaned(tmp_path / "whole", WONDER_TEXT, "WONDER.txt", "cdc_wonder_overdose")
    assert rows["deaths"].to_list() == [56, 63]


def test_a_workbook_that_is_another_office_file_is_told(tmp_path: Path) -> None:
    document = containers.office_file(("word/document.xml", b"<document/>"))
    sentence = problem(tmp_path, "census_population", "NST-EST2024-POP.xlsx", document)
    assert_told(sentence, "NST-EST2024-POP.xlsx", None, "not a readable Excel workbook")


def test_a_crossing_without_a_figure_is_no_blank_line(tmp_path: Path) -> None:
    """Name and place are not read; a row that has nothing else lost its figures."""
    header = "Port Name,State,Port Code,Border,Date,Measure,Value,Latitude,Longitude,Point"
    rows = [
        "Nogales,Arizona,2604,US-Mexico Border,Jan 2024,Trucks,30000,31.3,-110.9,POINT (-110.9 31.3)",
        "Douglas,Arizona,,,,,,31.3,-109.5,POINT (-109.5 31.3)",
        ",,,,,,,,,",
    ]
    read, rejected = cleaned(tmp_path, csv_file(*rows, header=header), source="bts_border_crossings")
    assert (read.height, rejected["line"].to_list()) == (1, [3])
    assert rejected["reason"].to_list() == ["has text only in columns that are not read"]
    summary = json.loads((tmp_path / "clean" / BAD / "summary.json").read_text("utf-8"))
    assert summary["set_aside"] == {"blank_line": 1}


def test_two_marks_in_place_names_do_not_swallow_the_rows_between(tmp_path: Path) -> None:
    """Port names are not read, so nothing else would show that rows are gone."""
    header = "Port Name,State,Port Code,Border,Date,Measure,Value,Latitude,Longitude,Point"
    rows = [
        f"Port {n},Arizona,{n},US-Mexico Border,Jan 2024,Trucks,{n},31.3,-110.9,POINT (-110.9 31.3)"
        for n in range(2601, 2611)
    ]
    rows[2], rows[6] = '"' + rows[2], rows[6].replace(",", '",', 1)
    read, rejected = cleaned(tmp_path, csv_file(*rows, header=header), source="bts_border_crossings")
    assert sorted([*read["line"], *rejected["line"]]) == list(range(2, 12))
    assert rejected["line"].to_list() == [4, 8]


def test_the_newest_real_file_cut_anywhere_is_never_taken(mirror: Path, furnished: House, tmp_path: Path) -> None:
    """CBP's file of January 2026, cut in the middle of a line at ten places."""
    whole = (mirror / CBP / "2026-01-15" / "nationwide-drugs-fy23-fy26-dec.csv").read_bytes()
    for tenth in range(1, 10):
        cut = whole[: len(whole) * tenth // 10]
        cut = cut if not cut.endswith(b"\n") else cut[:-5]
        folder = tmp_path / str(tenth)
        folder.mkdir()
        line = cut.count(b"\n") + 1
        assert_told(problem(folder, CBP, FILE, cut), FILE, line, "it was cut off")


def test_the_newest_real_file_cut_at_a_line_end_is_held(house: House, mirror: Path) -> None:
    """Nothing in the file itself shows the cut, but half of the known rows are gone."""
    for vintage in ("2024-04-08", "2026-01-15"):
        shutil.copytree(mirror / CBP / vintage, house.mirror / CBP / vintage)
    shutil.rmtree(house.mirror / CBP / GOOD)
    shutil.rmtree(house.settings.data_raw / "official" / CBP / GOOD)
    (file,) = (house.mirror / CBP / "2026-01-15").iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    file.chmod(0o644)
    file.write_bytes(b"".join(lines[: len(lines) // 2]))
    verdicts = house.run()
    assert [verdicts[v].state for v in ("2024-04-08", "2026-01-15")] == ["accepted", "held"]
    assert "coverage_did_not_shrink failed" in str(verdicts["2026-01-15"].problem)
    assert_plain(str(verdicts["2026-01-15"].problem))
