"""Socrata data sets: whole exports, pages, and what an unchanged look costs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipelines.archive.vintages import effective_vintages, list_archive
from pipelines.catalog.load import get_source
from pipelines.catalog.source import Source
from pipelines.core.settings import Settings
from pipelines.ingest.live import run
from pipelines.ingest.live.run import fetch_source
from pipelines.ingest.live.state import read_state
from tests.agency.conftest import VSRR_HEADER, VSRR_UPDATED, vsrr_csv
from tests.agency.server import Agency, answers

SOURCE, SET = "cdc_vsrr_overdose", "xkb8-kh2a"


@pytest.fixture
def paged(monkeypatch: pytest.MonkeyPatch) -> Source:
    """The CDC's data set, fetched by pages of three rows."""
    source = get_source(SOURCE)
    source = source.model_copy(update={"fetch": source.fetch.model_copy(update={"paged": True, "page_rows": 3})})
    monkeypatch.setattr(run, "get_source", lambda _id: source)
    return source


def archived_bytes(settings: Settings, vintage: str) -> bytes:
    return (settings.data_raw / "official" / SOURCE / vintage / f"{SET}.csv").read_bytes()


def test_the_published_date_becomes_the_vintage_and_the_receipt_says_where_it_came_from(
    agency: Agency, live: Settings
) -> None:
    fetch_source(live, SOURCE)
    [vintage] = list_archive(live.data_raw, "official", SOURCE)
    assert vintage.id == "2025-07-16"
    assert vintage.receipt.published_at == "2025-07-16T13:56:32+00:00"
    assert vintage.receipt.url == "https://data.cdc.gov/api/views/xkb8-kh2a/rows.csv?accessType=DOWNLOAD"
    assert vintage.receipt.origin == "live"
    assert archived_bytes(live, "2025-07-16") == vsrr_csv()


def test_an_unchanged_set_costs_one_small_request(agency: Agency, live: Settings) -> None:
    fetch_source(live, SOURCE)
    agency.seen.clear()
    report = fetch_source(live, SOURCE)
    assert (report.added, report.known, report.problems) == ([], 1, [])
    assert agency.asked() == [f"/api/views/{SET}.json"]


def test_a_new_rows_updated_at_is_a_new_vintage(agency: Agency, live: Settings) -> None:
    fetch_source(live, SOURCE)
    agency.sets[SET].updated = VSRR_UPDATED + 30 * 86_400
    agency.sets[SET].body = vsrr_csv(8)
    assert fetch_source(live, SOURCE).added == ["2025-08-15"]


def test_what_the_archive_lost_is_fetched_again(agency: Agency, live: Settings) -> None:
    fetch_source(live, SOURCE)
    folder = live.data_raw / "official" / SOURCE / "2025-07-16"
    folder.rename(folder.with_name("elsewhere"))
    assert fetch_source(live, SOURCE).added == ["2025-07-16"]


def test_a_lost_or_damaged_memory_costs_a_download_and_adds_nothing(agency: Agency, live: Settings) -> None:
    fetch_source(live, SOURCE)
    for file in [live.live / f"{SOURCE}.json", live.live / f"{SOURCE}.http.sqlite"]:
        file.write_bytes(b"no longer what it was" * 100)
    report = fetch_source(live, SOURCE)
    assert (report.added, report.known, report.problems) == ([], 1, [])


@pytest.mark.parametrize("rows", [0, 2, 3, 7])
def test_pages_are_put_together_in_row_order(agency: Agency, live: Settings, paged: Source, rows: int) -> None:
    agency.sets[SET].body = vsrr_csv(rows)
    assert fetch_source(live, SOURCE).added == ["2025-07-16"]
    got = archived_bytes(live, "2025-07-16").decode().splitlines()
    assert got == vsrr_csv(rows).decode().splitlines()
    assert got[0] == VSRR_HEADER


def test_pages_without_an_order_are_refused_although_their_count_agrees(
    agency: Agency, live: Settings, paged: Source
) -> None:
    agency.ordered = False
    report = fetch_source(live, SOURCE)
    assert "a second time: its pages are in no order" in str(report.problems[0])
    assert list_archive(live.data_raw, "official", SOURCE) == []


def test_rows_that_change_between_pages_are_refused_and_the_set_is_fetched_again(
    agency: Agency, live: Settings, paged: Source
) -> None:
    def shrink(_handler: object) -> bool:
        agency.sets[SET].body = vsrr_csv(5)
        return False

    agency.fail("$offset=3", shrink, times=1)
    assert fetch_source(live, SOURCE).added == ["2025-07-16"]
    assert len(archived_bytes(live, "2025-07-16").splitlines()) == 1 + 5


def test_a_column_renamed_between_pages_is_refused(agency: Agency, live: Settings, paged: Source) -> None:
    def rename(_handler: object) -> bool:
        agency.sets[SET].body = vsrr_csv().replace(b"Indicator", b"Measure" + str(len(agency.seen)).encode())
        return False

    agency.fail("$offset", rename)
    assert "has the columns" in str(fetch_source(live, SOURCE).problems[0])


def test_a_progress_call_tells_bytes_and_total(agency: Agency, live: Settings, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    fetch_source(live, SOURCE, lambda *said: told.append(said))
    assert told[-1] == (SOURCE, len(vsrr_csv()), len(vsrr_csv()))


DAY = 86_400


def on(settings: Settings, day: date) -> Settings:
    return settings.model_copy(update={"today": day})


def newest(settings: Settings) -> tuple[str, bytes]:
    """The vintage that speaks, and its bytes."""
    vintage = effective_vintages(settings.data_raw, "official", SOURCE)[-1]
    return vintage.id, archived_bytes(settings, vintage.id)


def give(agency: Agency, body: bytes, updated: int) -> None:
    agency.sets[SET].body, agency.sets[SET].updated = body, updated


RIGHT, WRONG = vsrr_csv(value=1000), vsrr_csv(value=9)


def test_a_set_that_goes_back_to_what_it_was_speaks_from_the_day_it_was_fetched(agency: Agency, live: Settings) -> None:
    today = on(live, date(2025, 8, 1))
    for body, updated in ((RIGHT, VSRR_UPDATED), (WRONG, VSRR_UPDATED + 5 * DAY), (RIGHT, VSRR_UPDATED)):
        give(agency, body, updated)
        fetch_source(today, SOURCE)
    assert newest(live) == ("2025-08-01", RIGHT)
    note = list_archive(live.data_raw, "official", SOURCE)[-1].receipt.note
    assert note is not None
    assert "The site dates it 2025-07-16T13:56:32+00:00" in note
    agency.seen.clear()
    assert fetch_source(today, SOURCE).known == 1
    assert agency.asked() == [f"/api/views/{SET}.json"]


@pytest.mark.parametrize("memory", ["kept", "lost"])
def test_a_correction_stamped_before_what_it_corrects_speaks(agency: Agency, live: Settings, memory: str) -> None:
    today = on(live, date(2025, 8, 1))
    give(agency, WRONG, VSRR_UPDATED + 5 * DAY)
    fetch_source(today, SOURCE)
    if memory == "lost":
        (live.live / f"{SOURCE}.json").unlink()
    give(agency, RIGHT, VSRR_UPDATED + DAY)
    assert fetch_source(today, SOURCE).added == ["2025-08-01"]
    assert newest(live) == ("2025-08-01", RIGHT)


def test_a_set_that_goes_back_and_forth_within_a_day_ends_with_the_last(agency: Agency, live: Settings) -> None:
    today = on(live, date(2025, 7, 16))
    for body, updated in ((RIGHT, VSRR_UPDATED), (WRONG, VSRR_UPDATED + 60), (RIGHT, VSRR_UPDATED)):
        give(agency, body, updated)
        fetch_source(today, SOURCE)
    assert newest(live) == ("2025-07-17", RIGHT)


@pytest.mark.parametrize("updated", [2_920_000_000, 10**30, 0, -5])
def test_a_rows_updated_at_that_has_not_come_is_refused(agency: Agency, live: Settings, updated: int) -> None:
    agency.sets[SET].updated = updated
    assert f"says rowsUpdatedAt {updated}" in str(fetch_source(live, SOURCE).problems[0])
    assert list_archive(live.data_raw, "official", SOURCE) == []
    assert read_state(live, SOURCE).state == "failing"


def test_an_export_that_is_behind_the_metadata_is_fetched_again_at_the_next_look(
    agency: Agency, live: Settings
) -> None:
    today = on(live, date(2025, 7, 18))
    fetch_source(today, SOURCE)
    agency.sets[SET].updated += DAY
    agency.fail("/rows.csv", answers(200, RIGHT, Content_Type="text/csv"), times=1)
    agency.sets[SET].body = vsrr_csv(value=1001)
    assert (fetch_source(today, SOURCE).known, len(list_archive(live.data_raw, "official", SOURCE))) == (1, 1)
    assert fetch_source(today, SOURCE).added == ["2025-07-17"]
    assert newest(live) == ("2025-07-17", vsrr_csv(value=1001))


def test_an_export_that_stays_as_it_was_for_a_week_is_believed(agency: Agency, live: Settings) -> None:
    fetch_source(on(live, date(2025, 7, 18)), SOURCE)
    agency.sets[SET].updated += DAY
    fetch_source(on(live, date(2025, 7, 25)), SOURCE)
    agency.seen.clear()
    assert fetch_source(on(live, date(2025, 7, 25)), SOURCE).known == 1
    assert agency.asked() == [f"/api/views/{SET}.json"]
