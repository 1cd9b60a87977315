"""Full disks, folders that cannot be written to, and damaged files: what is said, and what stays."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.core.errors import DrugflowError
from pipelines.core.fingerprint import sha256_of
from pipelines.dbt.profile import wait_until_closed
from pipelines.refresh.look import ingest_source
from pipelines.refresh.origin import resolve_origin
from pipelines.refresh.stages import build_source_history, clean_source, judge_source
from tests.faults.disks import longest_file, mounted
from tests.faults.house import BAD, CBP, FILE, GOOD, ROWS, House, assert_plain, csv_file
from tests.faults.processes import PATIENCE, listing

TINY = 700
"""Bytes: less than any Parquet file or receipt, so that every stage fails at its first write."""
ROOM_FOR_A_REPORT = 1200
"""Bytes: less than the file that is offered, more than the report of what became of it."""


def flip(path: Path) -> None:
    """Turn one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


# --- a full disk ----------------------------------------------------------------------------------------------


def test_a_disk_that_is_full_while_a_file_is_archived_is_told_and_archives_nothing(house: House) -> None:
    before = house.archive()
    house.offer(BAD, {FILE: csv_file(*ROWS)})
    with longest_file(ROOM_FOR_A_REPORT):
        report = ingest_source(house.settings, resolve_origin(house.settings), CBP)
    (sentence,) = map(str, report.problems)
    assert_plain(sentence)
    assert "File too large" in sentence
    assert report.again
    assert house.archive() == before
    assert house.run()[BAD].state == "accepted"


def test_a_disk_that_is_full_while_a_vintage_is_cleaned_holds_it_until_there_is_room(house: House) -> None:
    history = house.history()
    house.offer(BAD, {FILE: csv_file(*ROWS)})
    ingest_source(house.settings, resolve_origin(house.settings), CBP)
    with longest_file(TINY):
        summaries = clean_source(house.settings, "official", CBP)
    assert_plain(str(summaries[-1].problem))
    assert "it is tried again at the next refresh" in str(summaries[-1].problem)
    assert not list((house.settings.stage("clean", "official") / CBP).rglob("*.part"))
    assert house.history().equals(history)
    assert house.derive()[BAD].state == "accepted"


def test_a_disk_that_is_full_while_a_verdict_is_written_leaves_none(house: House) -> None:
    house.offer(BAD, {FILE: csv_file(*ROWS)})
    ingest_source(house.settings, resolve_origin(house.settings), CBP)
    clean_source(house.settings, "official", CBP)
    with longest_file(TINY), pytest.raises(OSError, match="File too large"):
        judge_source(house.settings, "official", CBP)
    assert not (house.settings.stage("quality", "official") / CBP / f"{BAD}.json").exists()
    assert house.derive()[BAD].state == "accepted"


def test_a_disk_that_is_full_while_a_history_is_written_leaves_the_old_one(house: House) -> None:
    history = house.history()
    house.offer(BAD, {FILE: csv_file(*ROWS)})
    ingest_source(house.settings, resolve_origin(house.settings), CBP)
    clean_source(house.settings, "official", CBP)
    judge_source(house.settings, "official", CBP)
    with longest_file(TINY), pytest.raises(OSError, match="File too large"):
        build_source_history(house.settings, "official", CBP)
    assert house.history().equals(history)
    assert not list(house.settings.stage("history", "official").rglob("*.part"))
    assert house.derive()[BAD].state == "accepted"
    assert house.history().height == len(ROWS)


# --- a folder that cannot be written to -----------------------------------------------------------------------


def test_an_archive_that_cannot_be_written_to_is_told(house: House) -> None:
    house.offer(BAD, {FILE: csv_file(*ROWS)})
    with mounted(house.settings.data_raw) as disk:
        disk.lock()
        report = ingest_source(house.settings, resolve_origin(house.settings), CBP)
        (sentence,) = map(str, report.problems)
        assert_plain(sentence)
        assert "Read-only file system" in sentence
        disk.unlock()
        assert house.run()[BAD].state == "accepted"


def test_an_archive_that_cannot_be_written_to_serves_what_it_has(house: House) -> None:
    with mounted(house.settings.data_raw) as disk:
        disk.lock()
        assert {k: v.state for k, v in house.run().items()} == {GOOD: "accepted"}
        assert house.problems() == []


# --- damaged files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["clean.parquet", "rejected.parquet", "coverage.parquet"])
@pytest.mark.parametrize("change", [flip, Path.unlink], ids=["flipped", "gone"])
def test_a_damaged_clean_file_is_found_said_and_made_again(house: House, name: str, change: object) -> None:
    path = house.settings.stage("clean", "official") / CBP / GOOD / name
    before = sha256_of(path)
    change(path)  # type: ignore[operator]
    (summary,) = clean_source(house.settings, "official", CBP)
    assert_plain(str(summary.mended))
    assert str(path) in str(summary.mended)
    assert sha256_of(path) == before


@pytest.mark.parametrize("name", [f"{CBP}.parquet", f"{CBP}.coverage.parquet"])
def test_a_damaged_history_is_found_said_and_made_again(house: House, name: str) -> None:
    path = house.settings.stage("history", "official") / name
    before = sha256_of(path)
    flip(path)
    summary = build_source_history(house.settings, "official", CBP)
    assert "no longer has the bytes that were written" in str(summary["mended"])
    assert sha256_of(path) == before


def test_a_file_that_is_whole_is_not_made_again(house: House) -> None:
    stamps = {p: p.stat().st_mtime_ns for p in house.settings.data_marts.rglob("*.parquet")}
    house.run()
    assert {p: p.stat().st_mtime_ns for p in house.settings.data_marts.rglob("*.parquet")} == stamps


def test_a_damaged_raw_file_is_refused_by_its_checksum(house: House) -> None:
    house.offer(BAD, {FILE: csv_file(*ROWS)})
    ingest_source(house.settings, resolve_origin(house.settings), CBP)
    flip(house.settings.data_raw / "official" / CBP / BAD / FILE)
    verdict = house.derive()[BAD]
    assert verdict.state == "held"
    assert "no longer has the bytes that were archived" in str(verdict.problem)
    assert_plain(str(verdict.problem))


def test_a_damaged_receipt_is_told_and_nothing_is_guessed(house: House) -> None:
    receipt = house.settings.data_raw / "official" / CBP / GOOD / "receipt.json"
    receipt.write_text(receipt.read_text("utf-8")[:-20], "utf-8")
    with pytest.raises(Exception, match=r"receipt\.json is damaged .*Restore it from a backup"):
        clean_source(house.settings, "official", CBP)


@pytest.mark.parametrize("at", [10, 5000], ids=["mark", "header"])
def test_a_damaged_build_file_is_told_and_nobody_waits_for_it(tmp_path: Path, at: int) -> None:
    path = tmp_path / "drugflow.duckdb"
    duckdb.connect(str(path)).close()
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DrugflowError, match=r"drugflow\.duckdb cannot be opened .*'drugflow refresh --full' makes it"):
        wait_until_closed(tmp_path, PATIENCE)


# --- what a killed process left -------------------------------------------------------------------------------


def test_what_a_killed_process_left_beside_a_file_is_removed_when_it_is_written_again(house: House) -> None:
    settings = house.settings
    folder = settings.stage("clean", "official") / CBP / GOOD
    (folder / ".clean.parquet.999999.part").write_bytes(b"half")
    (folder / "clean.parquet").unlink()
    house.run()
    assert not [p for p in listing(folder) if p.endswith(".part")]


def test_what_a_killed_process_left_in_the_archive_is_removed_by_the_next_vintage(house: House) -> None:
    left = house.settings.data_raw / "official" / CBP / ".2024-03-15.abcdefgh.part"
    left.mkdir()
    (left / FILE).write_bytes(b"half")
    house.offer(BAD, {FILE: csv_file(*ROWS)})
    house.run()
    assert not left.exists()
