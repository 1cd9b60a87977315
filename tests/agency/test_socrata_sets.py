"""Socrata data sets: whole exports, pages, and what an unchanged look costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.ingest.archive import list_archive
from pipelines.ingest.live import run
from pipelines.ingest.live.run import fetch_source
from pipelines.settings import Settings
from pipelines.sources.catalog import Source, get_source
from tests.agency.conftest import VSRR_HEADER, VSRR_UPDATED, vsrr_csv
from tests.agency.server import Agency

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
    assert "a second time: its pages are in no order" in report.problems[0]
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
    assert "has the columns" in fetch_source(live, SOURCE).problems[0]


def test_a_progress_call_tells_bytes_and_total(agency: Agency, live: Settings, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    fetch_source(live, SOURCE, lambda *said: told.append(said))
    assert told[-1] == (SOURCE, len(vsrr_csv()), len(vsrr_csv()))
