"""Files at a fixed address: ETag, Last-Modified and 304; and sources that only a person can fetch."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pipelines.ingest.archive import list_archive
from pipelines.ingest.live.run import fetch_source
from pipelines.settings import Settings
from tests.agency.server import Agency, Document, http_date

SOURCE = "census_population"
PLACE = "/programs-surveys/popest/datasets/2020-2024/counties/totals/co-est2024-alldata.csv"


def publish(agency: Agency, body: bytes = b"SUMLEV,REGION\n", day: int = 13) -> None:
    agency.documents[PLACE] = Document(body, http_date(datetime(2025, 3, day, 14, tzinfo=UTC)))


def test_the_day_of_last_modified_is_the_vintage_and_the_yaml_says_what_it_covers(
    agency: Agency, live: Settings
) -> None:
    publish(agency)
    assert fetch_source(live, SOURCE).added == ["2025-03-13"]
    [vintage] = list_archive(live.data_raw, "official", SOURCE)
    assert vintage.receipt.coverage == "partial"
    assert vintage.receipt.scope == {"series": ["V2024"], "level": ["state", "county"]}
    assert vintage.receipt.last_modified == "Thu, 13 Mar 2025 14:00:00 GMT"


def test_a_last_modified_in_the_future_is_no_release_date(agency: Agency, live: Settings) -> None:
    """A server whose clock runs ahead: the file is of the day on which it came."""
    publish(agency)
    rehearsed = live.model_copy(update={"today": date(2025, 3, 11)})
    assert fetch_source(rehearsed, SOURCE).added == ["2025-03-11"]
    [vintage] = list_archive(live.data_raw, "official", SOURCE)
    assert vintage.receipt.last_modified == "Thu, 13 Mar 2025 14:00:00 GMT"


def test_an_unchanged_file_costs_one_request_without_a_body(agency: Agency, live: Settings) -> None:
    publish(agency)
    fetch_source(live, SOURCE)
    agency.seen.clear()
    assert fetch_source(live, SOURCE).known == 1
    [(path, headers)] = agency.seen
    assert path == PLACE
    assert {"If-None-Match", "If-Modified-Since"} <= set(headers)


def test_a_changed_file_is_a_new_vintage(agency: Agency, live: Settings) -> None:
    publish(agency)
    fetch_source(live, SOURCE)
    publish(agency, b"SUMLEV,REGION\n40,1\n", day=20)
    assert fetch_source(live, SOURCE).added == ["2025-03-20"]


def test_the_same_bytes_under_another_date_are_no_new_vintage(agency: Agency, live: Settings) -> None:
    publish(agency)
    fetch_source(live, SOURCE)
    (live.live / f"{SOURCE}.json").unlink()
    publish(agency, day=20)
    assert fetch_source(live, SOURCE).added == []


def test_a_source_that_a_person_fetches_is_never_asked_for(agency: Agency, live: Settings) -> None:
    report = fetch_source(live, "cdc_wonder_overdose")
    assert (report.added, report.problems, agency.seen) == ([], [], [])
