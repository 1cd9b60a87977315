"""Origins: what a mirror offers, and that one bad vintage never stops the others."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.archive.sample_guard import SAMPLE_FOLDER
from pipelines.archive.vintages import effective_vintages, list_archive
from pipelines.catalog.load import load_catalog
from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.ingest.origins import Origin, ingest, parse_origin
from pipelines.ingest.report import IngestReport, make_receipt
from tests.conftest import ROOT

SOURCE = "cdc_vsrr_overdose"


class Mirror:
    """A mirror of one source, and an archive that reads it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "mirror"
        self.raw = folder / "data_raw"
        self.root.mkdir(parents=True)

    @property
    def origin(self) -> Origin:
        """The mirror as the command line names it."""
        return parse_origin(f"mirror:{self.root}")

    def vintage(self, name: str, said: Any = None, **files: bytes) -> Path:
        """A vintage folder with files, and a vintage.json where something is said."""
        folder = self.root / SOURCE / name
        folder.mkdir(parents=True)
        for title, text in (files or {"data.csv": f"{name}\n".encode()}).items():
            (folder / title.replace("_", ".")).write_bytes(text)
        if said is not None:
            text = said if isinstance(said, str) else json.dumps(said)
            (folder / "vintage.json").write_text(text, "utf-8")
        return folder

    def ingest(self) -> IngestReport:
        """One look at the mirror."""
        return ingest(self.origin, SOURCE, self.raw)

    def receipts(self) -> dict[str, Any]:
        """The receipts in the archive by id."""
        return {v.id: v.receipt for v in list_archive(self.raw, "official", SOURCE)}


@pytest.fixture
def mirror_of(tmp_path: Path) -> Mirror:
    """An empty mirror."""
    return Mirror(tmp_path)


# ---- names ----


def test_the_sample_is_a_realm_of_its_own():
    origin = parse_origin("sample")
    assert (origin.name, origin.realm, origin.folder) == ("sample", "sample", SAMPLE_FOLDER)


def test_the_sample_has_every_source_that_a_mart_reads():
    models = [p.read_text("utf-8") for p in (ROOT / "dbt_project").glob("m*/**/*.sql")]
    read = {name for text in models for name in re.findall(r"ref\('stg_(\w+)'\)", text)} & set(load_catalog())
    assert read
    assert read <= {p.name for p in SAMPLE_FOLDER.iterdir()}


def test_a_mirror_is_official_and_named_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "agencies").mkdir()
    monkeypatch.chdir(tmp_path)
    origin = parse_origin("mirror:agencies")
    assert (origin.name, origin.realm) == (f"mirror:{tmp_path.resolve()}/agencies", "official")


def test_a_mirrors_name_gives_the_same_mirror_again(tmp_path: Path):
    origin = parse_origin(f"mirror:{tmp_path}")
    assert parse_origin(origin.name) == origin


def test_live_is_official():
    assert (parse_origin("live").realm, parse_origin("live").folder) == ("official", None)


@pytest.mark.parametrize("text", ["", "Sample", "mirror", "mirror:", "ftp://agency", "live:cdc"])
def test_what_is_no_origin_is_answered_with_those_that_are(text: str):
    with pytest.raises(DrugflowError, match="is no origin: use sample, mirror:<folder>, live or archive:official"):
        parse_origin(text)


def test_a_mirror_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(DrugflowError, match=r"The mirror .*/agencies is not a folder.*Check the path"):
        parse_origin(f"mirror:{tmp_path}/agencies")


# ---- taking vintages ----


def test_every_vintage_is_archived_byte_by_byte(mirror_of: Mirror):
    mirror_of.vintage("2025-01-08", data_csv=b"a\n", more_zip=b"PK\x03\x04")
    mirror_of.vintage("2025-07-16")
    assert mirror_of.ingest().added == ["2025-01-08", "2025-07-16"]
    files = {f.name: f.sha256 for f in mirror_of.receipts()["2025-01-08"].files}
    assert files == {
        "data.csv": hashlib.sha256(b"a\n").hexdigest(),
        "more.zip": hashlib.sha256(b"PK\x03\x04").hexdigest(),
    }


def test_a_second_look_finds_nothing_new(mirror_of: Mirror):
    mirror_of.vintage("2025-01-08")
    mirror_of.ingest()
    report = mirror_of.ingest()
    assert (report.added, report.known, report.problems) == ([], 1, [])


def test_a_receipt_says_which_mirror(mirror_of: Mirror):
    mirror_of.vintage("2025-01-08")
    mirror_of.ingest()
    receipt = mirror_of.receipts()["2025-01-08"]
    assert receipt.origin == f"mirror:{mirror_of.root.resolve()}"
    assert (receipt.realm, receipt.source, receipt.coverage) == ("official", SOURCE, "full")
    assert receipt.retrieved_at.endswith("+00:00")


def test_the_mirror_is_left_as_it_was(mirror_of: Mirror):
    mirror_of.vintage("2025-01-08", {"coverage": "partial"})
    before = {p: p.stat().st_mtime_ns for p in mirror_of.root.rglob("*")}
    mirror_of.ingest()
    assert {p: p.stat().st_mtime_ns for p in mirror_of.root.rglob("*")} == before


def test_a_source_that_the_mirror_lacks_is_no_problem(mirror_of: Mirror):
    assert mirror_of.ingest() == IngestReport(SOURCE)


def test_hidden_folders_and_files_are_left_alone(mirror_of: Mirror):
    (mirror_of.vintage("2025-01-08") / ".DS_Store").write_bytes(b"x")
    mirror_of.vintage(".2025-07-16")
    mirror_of.ingest()
    assert [f.name for f in mirror_of.receipts()["2025-01-08"].files] == ["data.csv"]
    assert list(mirror_of.receipts()) == ["2025-01-08"]


def test_a_vintage_that_changed_under_its_date_is_a_second_issue(mirror_of: Mirror):
    folder = mirror_of.vintage("2025-01-08")
    mirror_of.ingest()
    (folder / "data.csv").write_bytes(b"corrected\n")
    assert mirror_of.ingest().added == ["2025-01-08.2"]


def test_a_vintage_taken_out_of_the_mirror_stays_in_the_archive(mirror_of: Mirror):
    folder = mirror_of.vintage("2025-01-08")
    mirror_of.ingest()
    (folder / "data.csv").unlink()
    folder.rmdir()
    mirror_of.ingest()
    assert list(mirror_of.receipts()) == ["2025-01-08"]


# ---- names of files ----


def receipt_of(folder: Path, *places: str) -> list[str]:
    """Names in the receipt of files at these places."""
    files = [folder / place for place in places]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(str(file).encode())
    receipt = make_receipt("added by hand", "official", SOURCE, date(2026, 1, 15), files, {})
    return [f.name for f in receipt.files]


def test_a_receipt_names_the_files(tmp_path: Path):
    assert receipt_of(tmp_path, "a.csv", "b.csv") == ["a.csv", "b.csv"]


def test_two_files_of_one_name_are_refused(tmp_path: Path):
    with pytest.raises(DrugflowError, match=r"two files named 'data\.csv'"):
        receipt_of(tmp_path, "first/data.csv", "second/data.csv")


def test_a_file_with_the_receipts_name_is_refused(tmp_path: Path):
    with pytest.raises(DrugflowError, match=r"'receipt\.json'"):
        receipt_of(tmp_path, "data.csv", "receipt.json")


# ---- vintage.json ----


def test_vintage_json_says_what_the_folder_does_not(mirror_of: Mirror):
    said = {"published": "2026-06-27", "coverage": "partial", "scope": {"indicator": "T40.4"}, "note": "one indicator"}
    mirror_of.vintage("an excerpt", said)
    assert mirror_of.ingest().added == ["2026-06-27"]
    receipt = mirror_of.receipts()["2026-06-27"]
    assert (receipt.coverage, receipt.scope, receipt.note) == ("partial", {"indicator": ["T40.4"]}, "one indicator")


def test_vintage_json_is_no_data_file(mirror_of: Mirror):
    mirror_of.vintage("2025-01-08", {"note": "whole"})
    mirror_of.ingest()
    assert [f.name for f in mirror_of.receipts()["2025-01-08"].files] == ["data.csv"]


def test_a_scope_may_list_several_values(mirror_of: Mirror):
    mirror_of.vintage("2025-01-08", {"scope": {"indicator": ["T40.4", "T40.5"]}})
    mirror_of.ingest()
    assert mirror_of.receipts()["2025-01-08"].scope == {"indicator": ["T40.4", "T40.5"]}


@pytest.mark.parametrize(
    ("name", "said", "sentence"),
    [
        ("2025-01-08", "{not json", "vintage.json is not JSON"),
        ("2025-01-08", {"coverge": "partial"}, "vintage.json has ['coverge']; expected only"),
        ("2025-01-08", {"coverage": "some"}, "vintage.json says coverage 'some'; expected full or partial"),
        ("2025-01-08", ["partial"], "vintage.json has ['partial']"),
        ("2025-01-08", {"published": "last week"}, "'last week' is not a release date"),
        ("2025-01-08", {"scope": ["T40.4"]}, "vintage.json says scope"),
        ("2025-01-08", {"scope": {"indicator": 5}}, "vintage.json says scope"),
        ("2025-01-08", {"scope": {"indicator": [5]}}, "vintage.json says scope"),
        ("2025-01-08", {"note": ["a", "b"]}, "vintage.json says note"),
        ("latest", None, "'latest' is not a release date: expected YYYY-MM-DD"),
    ],
    ids=["json", "key", "coverage", "list", "published", "scope", "scope_number", "scope_numbers", "note", "folder"],
)
def test_a_vintage_that_cannot_be_taken_is_a_sentence_and_the_others_go_on(
    mirror_of: Mirror, name: str, said: Any, sentence: str
):
    bad = mirror_of.vintage(name, said)
    mirror_of.vintage("2024-12-01")
    mirror_of.vintage("2025-07-16")
    report = mirror_of.ingest()
    assert report.added == ["2024-12-01", "2025-07-16"]
    (problem,) = map(str, report.problems)
    assert problem.startswith(f"{bad}: ")
    assert sentence in problem


def test_a_vintage_without_a_file_is_a_problem(mirror_of: Mirror):
    folder = mirror_of.vintage("2025-01-08", {"note": "nothing else"})
    (folder / "data.csv").unlink()
    report = mirror_of.ingest()
    assert report.added == []
    assert "the vintage has no file" in str(report.problems[0])


def test_an_archive_is_no_mirror(mirror_of: Mirror):
    mirror_of.vintage("2025-01-08", {"coverage": "partial"})
    mirror_of.ingest()
    report = ingest(parse_origin(f"mirror:{mirror_of.raw / 'official'}"), SOURCE, mirror_of.raw.with_name("other"))
    assert report.added == []
    assert "receipt.json" in str(report.problems[0])


# ---- the real mirror ----


def test_the_real_mirror_is_taken_whole_in_any_order(mirror: Path, tmp_path: Path):
    origin = parse_origin(f"mirror:{mirror}")
    report = ingest(origin, SOURCE, tmp_path / "data_raw")
    assert report.problems == []
    assert [v.id for v in effective_vintages(tmp_path / "data_raw", "official", SOURCE)] == [
        "2017-12-16", "2019-04-24", "2019-04-30", "2019-07-11", "2025-01-08", "2025-07-16", "2026-06-27",
    ]  # fmt: skip
    partial = list_archive(tmp_path / "data_raw", "official", SOURCE)[-1].receipt
    assert partial.coverage == "partial"


def test_a_vintage_folder_in_the_future_is_refused_until_its_day(mirror_of: Mirror):
    mirror_of.vintage("2026-01-14")
    mirror_of.vintage("2026-01-17")
    mirror_of.vintage("typed", {"published": "2062-03-15"})

    def look(day: date) -> IngestReport:
        return ingest(mirror_of.origin, SOURCE, mirror_of.raw, Settings(today=day))

    report = look(date(2026, 1, 15))
    assert report.added == ["2026-01-14"]
    assert [str(p).split(": ", 1)[1].split(",")[0] for p in report.problems] == [
        "2026-01-17 lies in the future", "2062-03-15 lies in the future",
    ]  # fmt: skip
    assert look(date(2026, 1, 16)).added == ["2026-01-17"]
