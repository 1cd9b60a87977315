"""The archive: bytes written once, with a receipt, the same whatever the order they came in."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.archive.vintages import (
    RECEIPT,
    ArchivedVintage,
    RawFile,
    Receipt,
    effective_vintages,
    list_archive,
    parse_release_date,
    store,
)
from pipelines.core.errors import DrugflowError

SOURCE = "cdc_vsrr_overdose"


class Shelf:
    """An archive, and the folder where files to be archived lie."""

    def __init__(self, folder: Path) -> None:
        self.raw = folder / "data_raw"
        self.desk = folder / "desk"
        self.desk.mkdir(parents=True)

    def receipt(self, day: str, content: dict[str, bytes], **given: Any) -> tuple[Receipt, list[Path]]:
        """A receipt for files with this content, and the files."""
        files, entries = [], []
        for name, text in content.items():
            path = self.desk / name
            path.write_bytes(text)
            files.append(path)
            entries.append(RawFile(name=name, sha256=hashlib.sha256(text).hexdigest(), bytes=len(text)))
        said = {"realm": "official", "origin": "mirror:/agencies", "retrieved_at": "2026-01-01T00:00:00+00:00"} | given
        return Receipt(source=SOURCE, vintage=date.fromisoformat(day), files=entries, **said), files

    def store(self, day: str, text: bytes | dict[str, bytes], **given: Any) -> ArchivedVintage | None:
        """Archive a vintage of one file, or of several."""
        receipt, files = self.receipt(day, text if isinstance(text, dict) else {"data.csv": text}, **given)
        return store(self.raw, receipt, files)

    def ids(self) -> list[str]:
        """Every archived vintage."""
        return [v.id for v in list_archive(self.raw, "official", SOURCE)]

    def effective(self) -> list[str]:
        """The vintages that count."""
        return [v.id for v in effective_vintages(self.raw, "official", SOURCE)]

    def tree(self) -> dict[str, bytes]:
        """Every file of the archive by its place, but for the lock of who writes."""
        files = [p for p in self.raw.rglob("*") if p.is_file() and p.name != ".writer.lock"]
        return {str(p.relative_to(self.raw)): p.read_bytes() for p in files}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty archive."""
    return Shelf(tmp_path)


# ---- storing ----


def test_bytes_are_kept_as_they_came(shelf: Shelf):
    text = bytes(range(256)) + b"\r\n"
    stored = shelf.store("2026-01-15", text)
    assert stored is not None
    assert (shelf.raw / "official" / SOURCE / "2026-01-15" / "data.csv").read_bytes() == text
    assert stored.id == "2026-01-15"


def test_a_receipt_lies_beside_the_files(shelf: Shelf):
    shelf.store("2026-01-15", b"a,b\n", url="https://data.cdc.gov/x", etag='"7"', last_modified="Thu, 15 Jan 2026")
    said = json.loads((shelf.raw / "official" / SOURCE / "2026-01-15" / RECEIPT).read_text("utf-8"))
    assert said["files"] == [{"name": "data.csv", "sha256": hashlib.sha256(b"a,b\n").hexdigest(), "bytes": 4}]
    assert (said["origin"], said["url"], said["etag"]) == ("mirror:/agencies", "https://data.cdc.gov/x", '"7"')
    assert (said["retrieved_at"], said["last_modified"]) == ("2026-01-01T00:00:00+00:00", "Thu, 15 Jan 2026")


def test_a_receipt_is_read_back_as_it_was_written(shelf: Shelf):
    receipt, files = shelf.receipt("2026-01-15", {"a.csv": b"1\n", "b.csv": b"2\n"}, scope={"indicator": ["x"]})
    store(shelf.raw, receipt, files)
    assert [v.receipt for v in list_archive(shelf.raw, "official", SOURCE)] == [receipt]


def test_storing_the_same_again_does_nothing(shelf: Shelf):
    shelf.store("2026-01-15", b"a\n")
    before = shelf.tree()
    assert shelf.store("2026-01-15", b"a\n", retrieved_at="2026-02-02T00:00:00+00:00") is None
    assert shelf.tree() == before


def test_other_content_under_one_date_is_kept_beside_the_first(shelf: Shelf):
    shelf.store("2026-01-15", b"a\n")
    before = shelf.tree()
    second = shelf.store("2026-01-15", b"b\n")
    assert second is not None
    assert second.id == "2026-01-15.2"
    assert before.items() <= shelf.tree().items()


def test_issues_of_one_date_are_in_the_order_they_came(shelf: Shelf):
    for n in range(11):
        shelf.store("2026-01-15", f"{n}\n".encode())
    assert shelf.ids() == ["2026-01-15", *(f"2026-01-15.{n}" for n in range(2, 12))]


def test_the_same_bytes_said_to_be_an_excerpt_are_another_issue(shelf: Shelf):
    shelf.store("2026-01-15", b"a\n")
    second = shelf.store("2026-01-15", b"a\n", coverage="partial")
    assert second is not None
    assert second.receipt.coverage == "partial"


def test_official_and_sample_files_never_lie_together(shelf: Shelf):
    shelf.store("2026-01-15", b"a\n", realm="sample")
    assert shelf.ids() == []
    assert [v.id for v in list_archive(shelf.raw, "sample", SOURCE)] == ["2026-01-15"]


def test_a_file_that_changes_while_it_is_copied_is_not_archived(shelf: Shelf):
    receipt, files = shelf.receipt("2026-01-15", {"data.csv": b"a\n"})
    files[0].write_bytes(b"b\n")
    with pytest.raises(DrugflowError, match=r"data\.csv changed while it was copied"):
        store(shelf.raw, receipt, files)
    assert shelf.tree() == {}
    assert [p.name for p in (shelf.raw / "official" / SOURCE).iterdir()] == [".writer.lock"]


def test_a_vintage_is_there_whole_or_not_at_all(shelf: Shelf):
    receipt, files = shelf.receipt("2026-01-15", {"a.csv": b"a\n", "b.csv": b"b\n"})
    files[1].unlink()
    with pytest.raises(OSError, match=r"b\.csv"):
        store(shelf.raw, receipt, files)
    assert shelf.tree() == {}


# ---- listing ----


def test_an_archive_that_is_not_there_is_empty(shelf: Shelf):
    assert shelf.ids() == []
    assert shelf.effective() == []


def test_what_a_killed_run_left_is_no_vintage(shelf: Shelf):
    shelf.store("2026-01-15", b"a\n")
    root = shelf.raw / "official" / SOURCE
    (root / ".2026-02-15.x.part").mkdir()
    (root / ".2026-02-15.x.part" / RECEIPT).write_text("{}")
    assert shelf.ids() == ["2026-01-15"]


@pytest.mark.parametrize("name", ["notes", "2026-1-5", "2026-01-15.x", "2026-01-15 copy", "January"])
def test_other_folders_are_no_vintages(shelf: Shelf, name: str):
    shelf.store("2026-01-15", b"a\n")
    (shelf.raw / "official" / SOURCE / "2026-01-15").rename(shelf.raw / "official" / SOURCE / name)
    assert shelf.ids() == []


def test_vintages_are_listed_by_release_date(shelf: Shelf):
    for day in ("2026-03-01", "2025-12-31", "2026-01-15"):
        shelf.store(day, day.encode())
    assert shelf.ids() == ["2025-12-31", "2026-01-15", "2026-03-01"]


# ---- what counts ----


def test_equal_content_is_no_new_vintage(shelf: Shelf):
    shelf.store("2026-01-15", b"a\n")
    shelf.store("2026-02-15", b"a\n")
    shelf.store("2026-03-15", b"b\n")
    assert shelf.effective() == ["2026-01-15", "2026-03-15"]
    assert shelf.ids() == ["2026-01-15", "2026-02-15", "2026-03-15"]


def test_content_that_comes_back_is_a_vintage_again(shelf: Shelf):
    for day, text in (("2026-01-15", b"a\n"), ("2026-02-15", b"b\n"), ("2026-03-15", b"a\n")):
        shelf.store(day, text)
    assert shelf.effective() == ["2026-01-15", "2026-02-15", "2026-03-15"]


@settings(max_examples=15)
@given(
    st.dictionaries(st.dates(date(2025, 1, 1), date(2025, 12, 31)), st.sampled_from([b"a", b"b", b"c"]), max_size=6),
    st.integers(0, 10**6),
)
def test_the_order_of_arrival_is_of_no_account(
    tmp_path_factory: pytest.TempPathFactory, vintages: dict[date, bytes], seed: int
):
    first, second = Shelf(tmp_path_factory.mktemp("first")), Shelf(tmp_path_factory.mktemp("second"))
    days = sorted(vintages)
    for day in days:
        first.store(day.isoformat(), vintages[day])
    random.Random(seed).shuffle(days)
    for day in [*days, *days]:
        second.store(day.isoformat(), vintages[day])
    assert second.effective() == first.effective()
    assert second.tree() == first.tree()


def test_content_does_not_depend_on_the_order_of_files_nor_on_when_they_came(shelf: Shelf):
    a, _ = shelf.receipt("2026-01-15", {"a.csv": b"1\n", "b.csv": b"2\n"})
    b, _ = shelf.receipt("2026-02-15", {"b.csv": b"2\n", "a.csv": b"1\n"}, note="again", retrieved_at="later")
    assert a.content == b.content


def test_content_depends_on_every_byte(shelf: Shelf):
    a, _ = shelf.receipt("2026-01-15", {"a.csv": b"1\n", "b.csv": b"2\n"})
    b, _ = shelf.receipt("2026-01-15", {"a.csv": b"1\n", "b.csv": b"3\n"})
    assert a.content != b.content


# ---- verifying ----


def only(shelf: Shelf) -> ArchivedVintage:
    """The one vintage of the archive."""
    (found,) = list_archive(shelf.raw, "official", SOURCE)
    return found


def test_whole_files_pass(shelf: Shelf):
    shelf.store("2026-01-15", {"a.csv": b"1\n", "b.csv": b"2\n"})
    only(shelf).verify()


def test_a_changed_byte_is_noticed_with_the_files_name(shelf: Shelf):
    shelf.store("2026-01-15", {"a.csv": b"1\n", "b.csv": b"2\n"})
    (only(shelf).folder / "b.csv").write_bytes(b"3\n")
    with pytest.raises(DrugflowError, match=r"b\.csv no longer has the bytes that were archived.*Restore it"):
        only(shelf).verify()


def test_a_file_that_is_gone_is_noticed_with_its_name(shelf: Shelf):
    shelf.store("2026-01-15", b"1\n")
    (only(shelf).folder / "data.csv").unlink()
    with pytest.raises(DrugflowError, match=r"data\.csv is in its receipt but not in the archive"):
        only(shelf).verify()


@pytest.mark.parametrize("text", ["January", "2026-13-01", "2026-02-30", "15/01/2026", "", "2026-1-5"])
def test_what_is_no_release_date_is_answered_with_the_form(text: str):
    with pytest.raises(DrugflowError, match=r"is not a release date: expected YYYY-MM-DD, such as 2026-01-15"):
        parse_release_date(text)


@pytest.mark.parametrize(("text", "is_taken"), [("2026-01-16", True), ("2026-01-17", False), ("2062-03-15", False)])
def test_a_release_date_after_tomorrow_is_refused(text: str, is_taken: bool):
    """A typing error of 2062 would own the figures until then."""
    if is_taken:
        assert parse_release_date(text, today=date(2026, 1, 15)) == date.fromisoformat(text)
    else:
        with pytest.raises(DrugflowError, match=f"{text} lies in the future"):
            parse_release_date(text, today=date(2026, 1, 15))


def test_without_a_day_the_clock_says_what_lies_in_the_future():
    with pytest.raises(DrugflowError, match="lies in the future"):
        parse_release_date((datetime.now(UTC) + timedelta(days=3)).date().isoformat())


def test_what_was_retracted_takes_no_other_dates_place(shelf: Shelf):
    """The right file under a date too early, then under its own: without the mistake it is a vintage of its own."""
    shelf.store("2026-01-05", b"figures")
    shelf.store("2026-01-15", b"figures")
    found = [v.id for v in effective_vintages(shelf.raw, "official", SOURCE, retracted=["2026-01-05"])]
    assert found == ["2026-01-05", "2026-01-15"]


def test_a_release_date_is_read():
    assert parse_release_date("2026-01-15") == date(2026, 1, 15)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"source": "cdc_vs', r"2025-01-08/receipt\.json is damaged"),
        (b"[]", r"2025-01-08/receipt\.json is damaged or no receipt"),
        (b"null", r"2025-01-08/receipt\.json is damaged or no receipt"),
        (b'{"source": "cdc_vsrr_overdose", "vintage": "soon"}', r"no receipt \(realm: Field required"),
        (None, r"2025-01-08 has no receipt\.json"),
    ],
    ids=["cut short", "another document", "nothing in it", "another shape", "gone"],
)
def test_a_receipt_that_cannot_be_read_is_named_with_what_to_do(shelf: Shelf, text: bytes | None, told: str) -> None:
    """Leaving its vintage out would show older figures as the newest."""
    stored = shelf.store("2025-01-08", b"a")
    assert stored is not None
    if text is None:
        (stored.folder / RECEIPT).unlink()
    else:
        (stored.folder / RECEIPT).write_bytes(text)
    with pytest.raises(DrugflowError, match=rf"{told}.*Restore it from a backup"):
        shelf.ids()
