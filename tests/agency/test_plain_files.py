"""Files at a fixed address: ETag, Last-Modified and 304; and sources that only a person can fetch."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from pipelines.archive.vintages import effective_vintages, list_archive, store
from pipelines.core.settings import Settings
from pipelines.ingest.live.run import fetch_source
from pipelines.ingest.live.state import read_state
from pipelines.ingest.report import make_receipt
from tests.agency.server import Agency, Document, answers, http_date

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


def newest(settings: Settings) -> tuple[str, bytes]:
    """The vintage that speaks, and its bytes."""
    vintage = effective_vintages(settings.data_raw, "official", SOURCE)[-1]
    return vintage.id, (vintage.folder / PLACE.rsplit("/")[-1]).read_bytes()


RIGHT, WRONG = b"SUMLEV,REGION\n40,1\n", b"SUMLEV,REGION\n40,9\n"


def test_a_file_that_comes_back_in_place_of_a_wrong_one_speaks(agency: Agency, live: Settings) -> None:
    for body, day in ((RIGHT, 13), (WRONG, 20), (RIGHT, 25)):
        publish(agency, body, day)
        fetch_source(live, SOURCE)
    assert newest(live) == ("2025-03-25", RIGHT)


def test_a_file_that_comes_back_with_its_old_date_speaks_from_the_day_it_was_fetched(
    agency: Agency, live: Settings
) -> None:
    on_the_day = live.model_copy(update={"today": date(2025, 4, 2)})
    for body, day in ((RIGHT, 13), (WRONG, 20), (RIGHT, 13)):
        publish(agency, body, day)
        fetch_source(on_the_day, SOURCE)
    assert newest(live) == ("2025-04-02", RIGHT)
    note = list_archive(live.data_raw, "official", SOURCE)[-1].receipt.note
    assert note is not None
    assert "The site dates it 2025-03-13T14:00:00+00:00" in note


def test_a_file_that_a_person_added_stays_although_the_site_gives_an_older_one(
    agency: Agency, live: Settings, tmp_path: Path
) -> None:
    publish(agency, WRONG)
    fetch_source(live, SOURCE)
    file = tmp_path / PLACE.rsplit("/")[-1]
    file.write_bytes(RIGHT)
    store(live.data_raw, make_receipt("added by hand", "official", SOURCE, date(2025, 3, 20), [file], {}), [file])
    (live.live / f"{SOURCE}.json").unlink()
    assert fetch_source(live, SOURCE).known == 1
    assert newest(live) == ("2025-03-20", RIGHT)


def test_a_last_modified_that_has_not_come_is_no_release_date(agency: Agency, live: Settings) -> None:
    agency.documents[PLACE] = Document(RIGHT, http_date(datetime(2049, 1, 1, tzinfo=UTC)))
    assert fetch_source(live.model_copy(update={"today": date(2025, 4, 2)}), SOURCE).added == ["2025-04-02"]
    assert list_archive(live.data_raw, "official", SOURCE)[0].receipt.published_at is None


def test_a_304_that_nobody_asked_for_is_a_failure(agency: Agency, live: Settings) -> None:
    agency.fail(PLACE, answers(304))
    assert "Nothing was named that it could be unchanged from" in str(fetch_source(live, SOURCE).problems[0])
    assert read_state(live, SOURCE).state == "failing"
