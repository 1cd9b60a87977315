"""What explain refuses to answer, and with which sentence; and reading a record word for word."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.clean.unpack import Limits
from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.query.explain import explain
from pipelines.query.explain.records import records_at
from tests.integration.test_explain import CBP, TUCSON, US, sha256


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("", "Nothing was asked"),
        ("seizures_monthly 'x", "quotation mark without its partner"),
        ("seizure_monthly 2024-03", r"no table 'seizure_monthly'.*Did you mean seizures_monthly\?"),
        ("meta.vintages cdc_vsrr_overdose", "meta.vintages holds no figure: it names the files of each vintage"),
        ("history.coverage cdc_vsrr_overdose", "history.coverage holds no figure: it says which periods"),
        ("overdose_deaths_12mo US 2023-12", r"has 11 rows for .*Add indicator_id \(all_deaths, "),
        ("overdose_deaths_12mo place=US", "place is no column of the key.*jurisdiction_id, month_ending, indicator_id"),
        ("overdose_deaths_12mo deaths_reported=5", "is a column of overdose_deaths_12mo but not of its key"),
        ("overdose_deaths_12mo jurisdiction_id=US jurisdiction_id=US-AZ", "is given twice, as 'US' and 'US-AZ'"),
        ("overdose_deaths_12mo US 2023-12 drug_overdose US", "'US' is one value too many"),
        ("overdose_deaths_12mo US Dec-2023 drug_overdose", "expected a month such as 2023-12"),
        ("population_yearly US last", "'last' is no year: expected a whole number"),
        ("overdose_deaths_12mo US 2023-12 drug_overdoses", r"Did you mean drug_overdose\? Known: all_deaths, "),
        ("overdose_deaths_12mo US 2031-01 drug_overdose", "no month_ending 2031-01-01. Known: from 2015-01-01 to 20"),
        (
            "seizures_monthly 2024-03 USBP southwest land_only tucson_field_office fentanyl",
            "but not together. With the other values as they are, component may be OFO; or area_id may be ",
        ),
    ],
)
def test_a_wrong_question_is_answered_with_a_sentence(official_release: Settings, question: str, sentence: str) -> None:
    with pytest.raises(DrugflowError, match=sentence):
        explain(official_release, question)


def test_without_a_release_the_sentence_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DrugflowError, match="drugflow refresh"):
        explain(Settings(data_marts=tmp_path), US)


def test_a_file_with_other_bytes_is_never_quoted(official_release: Settings, tmp_path: Path) -> None:
    raw = tmp_path / "data_raw"
    source = official_release.data_raw / "official" / "cbp_drug_seizures"
    shutil.copytree(source, raw / "official" / "cbp_drug_seizures")
    path = raw / "official" / CBP
    path.write_bytes(path.read_bytes().replace(b"686.1144506002532", b"686.1144506002533"))
    with pytest.raises(DrugflowError, match=r"fy23-fy26-dec.csv no longer has the bytes that were archived"):
        explain(official_release.model_copy(update={"data_raw": raw}), TUCSON)


def test_a_file_that_was_archived_anew_is_never_quoted(official_release: Settings, tmp_path: Path) -> None:
    """Bytes and receipt agree with each other, but not with the release."""
    raw = tmp_path / "data_raw"
    source = official_release.data_raw / "official" / "cbp_drug_seizures"
    shutil.copytree(source, raw / "official" / "cbp_drug_seizures")
    path = raw / "official" / CBP
    before = sha256(path)
    path.write_bytes(path.read_bytes() + b"\n")
    receipt = path.parent / "receipt.json"
    receipt.write_text(receipt.read_text("utf-8").replace(before, sha256(path)), "utf-8")
    with pytest.raises(DrugflowError, match=r"is not the file that the release .* was built from"):
        explain(official_release.model_copy(update={"data_raw": raw}), TUCSON)


def test_an_archive_without_the_file_says_so(official_release: Settings, tmp_path: Path) -> None:
    with pytest.raises(DrugflowError, match="is not in the archive"):
        explain(official_release.model_copy(update={"data_raw": tmp_path}), TUCSON)


def test_clean_rows_that_are_gone_are_asked_for(official_release: Settings, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(official_release.current.resolve())
    with pytest.raises(DrugflowError, match=r"the clean rows of 2026-01-15 are gone. Run 'drugflow refresh'"):
        explain(official_release.model_copy(update={"data_marts": tmp_path}), TUCSON)


def test_a_record_that_goes_over_two_lines_is_quoted_whole(tmp_path: Path) -> None:
    path = tmp_path / "ports.csv"
    path.write_bytes(b'Port,Location,Value\r\nNogales,"Arizona\r\n(31.3, -110.9)",5\r\nNaco,"Arizona",6\r\n')
    first, second = records_at(path, [2, 4], Limits())
    assert first.text == 'Nogales,"Arizona\r\n(31.3, -110.9)",5'
    assert first.cells == {"Port": "Nogales", "Location": "Arizona\r\n(31.3, -110.9)", "Value": "5"}
    assert second.text == 'Naco,"Arizona",6'


def test_a_latin_1_record_is_read_as_such(tmp_path: Path) -> None:
    path = tmp_path / "counties.csv"
    path.write_bytes("STNAME,CTYNAME\nNew Mexico,Doña Ana County\n".encode("latin-1"))
    (record,) = records_at(path, [2], Limits())
    assert record.text == "New Mexico,Doña Ana County"
