"""CBP files that are issued again, uploaded again, withdrawn or missed: the last one speaks, and nothing is silent."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from pipelines.archive.vintages import effective_vintages, list_archive
from pipelines.core.settings import Settings
from pipelines.ingest.live.run import fetch_source
from pipelines.ingest.live.state import read_state
from pipelines.refresh.look import backfill_source
from pipelines.status.outcome import outcomes
from tests.agency.server import Agency, Document, answers, http_date
from tests.agency.test_document_pages import CLOSED, DEC, FILES, NOV, OCT, PAGE, SOURCE, archived, publish

AGAIN = DEC.replace(".csv", "_0.csv")
JANUARY_15 = datetime(2026, 1, 15, 12, tzinfo=UTC)
MARCH = datetime(2026, 3, 3, tzinfo=UTC)


def on(settings: Settings, day: date) -> Settings:
    return settings.model_copy(update={"today": day})


def bodies(settings: Settings) -> list[str]:
    """Contents of the vintages that may speak, oldest first."""
    found = effective_vintages(settings.data_raw, "official", SOURCE)
    return [(v.folder / v.receipt.files[0].name).read_text("utf-8") for v in found]


def content(path: str) -> str:
    """What test_document_pages.publish puts at an address."""
    return f"FY,{path}\n"


@pytest.mark.parametrize("order", [[DEC, AGAIN], [AGAIN, DEC], [AGAIN]], ids=["below", "above", "in its place"])
def test_a_reissue_speaks_whatever_its_last_modified_and_place(
    agency: Agency, live: Settings, order: list[str]
) -> None:
    publish(agency, DEC, modified=JANUARY_15)
    fetch_source(live, SOURCE)
    publish(agency, *order, modified=JANUARY_15)
    agency.documents[AGAIN].modified = http_date(MARCH)
    assert fetch_source(live, SOURCE).added == ["2026-01-16"]
    assert bodies(live) == [content(DEC), content(AGAIN)]
    assert "The day is chosen" in (archived(live)["2026-01-16"].note or "")


def test_two_files_of_one_look_keep_the_days_that_the_site_gives_them(agency: Agency, live: Settings) -> None:
    publish(agency, DEC, AGAIN, modified=JANUARY_15)
    agency.documents[DEC].modified = http_date(datetime(2026, 1, 20, tzinfo=UTC))
    other = DEC.replace("fy23", "fy22")
    publish(agency, other, page="/elsewhere", modified=datetime(2026, 1, 10, tzinfo=UTC))
    agency.documents[PAGE] = Document(f"<a href='{DEC}'>x</a><a href='{other}'>y</a>".encode(), kind="text/html")
    assert fetch_source(live, SOURCE).added == ["2026-01-20", "2026-01-10"]


def test_a_backfill_puts_a_file_that_was_missed_where_the_page_has_it(agency: Agency, live: Settings) -> None:
    publish(agency, CLOSED, OCT)
    agency.fail(CLOSED, answers(404))
    fetch_source(live, SOURCE, backfill=True)
    assert list(archived(live)) == ["2025-11-01"]
    agency.heal()
    assert fetch_source(live, SOURCE, backfill=True).added == ["2025-10-31"]
    assert bodies(live) == [content(CLOSED), content(OCT)]


def test_a_backfill_puts_a_reissue_after_what_it_replaces(agency: Agency, live: Settings) -> None:
    publish(agency, AGAIN, DEC)
    fetch_source(live, SOURCE, backfill=True)
    assert bodies(live) == [content(DEC), content(AGAIN)]


def test_a_missed_file_without_a_free_day_is_left_to_a_person(agency: Agency, live: Settings) -> None:
    first, last = (CLOSED.replace("fy22", fy) for fy in ("fy20", "fy23"))
    publish(agency, first, CLOSED, last)
    agency.fail(CLOSED, answers(404))
    fetch_source(live, SOURCE, backfill=True)
    assert list(archived(live)) == ["2025-11-01", "2025-11-02"]
    agency.heal()
    assert "which leave it no day" in str(fetch_source(live, SOURCE, backfill=True).problems[0])


def test_a_file_uploaded_again_under_its_address_is_a_new_vintage_when_the_page_changed(
    agency: Agency, live: Settings
) -> None:
    publish(agency, DEC, modified=JANUARY_15)
    fetch_source(live, SOURCE)
    agency.documents[PAGE].body += b"<p>Updated</p>"
    agency.documents[DEC] = Document(b"FY,corrected\n", http_date(MARCH))
    assert fetch_source(live, SOURCE).added == ["2026-01-16"]
    assert bodies(live) == [content(DEC), "FY,corrected\n"]
    agency.documents[PAGE].body += b"<p>Updated again</p>"
    agency.documents[DEC] = Document(content(DEC).encode(), http_date(MARCH))
    assert fetch_source(live, SOURCE).added == ["2026-01-17"]
    assert bodies(live)[-1] == content(DEC)


def test_a_file_under_a_known_address_is_asked_for_once_a_week_and_on_condition(agency: Agency, live: Settings) -> None:
    publish(agency, DEC, modified=JANUARY_15)
    for day, asked in ((16, [PAGE, DEC]), (17, [PAGE]), (22, [PAGE]), (24, [PAGE, DEC]), (25, [PAGE])):
        agency.seen.clear()
        fetch_source(on(live, date(2026, 1, day)), SOURCE)
        assert [p for p in agency.asked() if p != "/robots.txt"] == asked, day
        if day == 24:
            assert {"If-None-Match", "If-Modified-Since"} <= set(agency.seen[-1][1])
    assert list(archived(live)) == ["2026-01-15"]


def test_a_lost_memory_costs_no_download_of_what_is_archived(agency: Agency, live: Settings) -> None:
    publish(agency, DEC, modified=JANUARY_15)
    fetch_source(live, SOURCE)
    (live.live / f"{SOURCE}.json").unlink()
    assert fetch_source(live, SOURCE).known == 1
    assert "If-None-Match" in agency.seen[-1][1]


def test_a_known_file_that_fails_keeps_no_new_one_out(agency: Agency, live: Settings) -> None:
    publish(agency, CLOSED)
    fetch_source(live, SOURCE)
    publish(agency, CLOSED, OCT)
    agency.fail(CLOSED, answers(404))
    report = fetch_source(live, SOURCE)
    assert (report.added, len(report.problems)) == (["2025-11-02"], 1)


def test_a_withdrawn_file_is_told(agency: Agency, live: Settings) -> None:
    publish(agency, NOV, DEC)
    fetch_source(live, SOURCE, backfill=True)
    assert read_state(live, SOURCE).notes == []
    publish(agency, NOV)
    fetch_source(live, SOURCE)
    [note] = map(str, read_state(live, SOURCE).notes)
    assert f"no longer links https://www.cbp.gov{DEC}" in note


def test_a_reissue_with_the_same_bytes_is_no_withdrawal(agency: Agency, live: Settings) -> None:
    publish(agency, DEC)
    fetch_source(live, SOURCE)
    publish(agency, AGAIN)
    agency.documents[AGAIN].body = content(DEC).encode()
    assert fetch_source(live, SOURCE).known == 1
    assert read_state(live, SOURCE).notes == []


def test_older_files_that_nobody_took_are_counted_with_the_command_that_fetches_them(
    agency: Agency, live: Settings
) -> None:
    publish(agency, OCT, NOV, DEC)
    report = fetch_source(live, SOURCE)
    said = "2 older files that the page links are not archived. "
    said += f"'drugflow backfill --source {SOURCE}' fetches what is missing."
    assert (report.problems, [str(n) for n in report.notes]) == ([], [said])
    backfill_source(live, SOURCE, lambda *_said: None)
    assert read_state(live, SOURCE).notes == []


def test_what_a_look_found_is_in_the_sources_line(agency: Agency, live: Settings) -> None:
    publish(agency, NOV, DEC)
    agency.fail(NOV, answers(404))
    backfill_source(live, SOURCE, lambda *_said: None)
    line = next(o for o in outcomes(live, "official", {}) if o.source == SOURCE)
    assert f"One older file that the page links is not archived. 'drugflow backfill --source {SOURCE}'" in line.sentence


@pytest.mark.parametrize("place", ["user:pa55@www.cbp.gov", "www.cbp.gov:8443", "www.cbp.gov:none"])
def test_an_address_with_credentials_or_a_port_is_refused_and_kept_nowhere(
    agency: Agency, live: Settings, place: str
) -> None:
    agency.documents[PAGE] = Document(f"<a href='https://{place}{DEC}'>x</a>".encode(), kind="text/html")
    report = fetch_source(live, SOURCE)
    assert "with a name, a password or a port of its own" in str(report.problems[0])
    assert "pa55" not in str(report.problems[0]) + read_state(live, SOURCE).model_dump_json()
    assert list_archive(live.data_raw, "official", SOURCE) == []


def test_a_redirect_to_an_address_with_credentials_is_refused(agency: Agency, live: Settings) -> None:
    publish(agency, DEC)
    agency.fail(DEC, answers(302, Location=f"https://user:pa55@www.cbp.gov{DEC}"))
    sentence = str(fetch_source(live, SOURCE).problems[0])
    assert "has a name, a password or a port" in sentence
    assert "pa55" not in sentence


def test_a_link_that_is_no_address_is_passed_over(agency: Agency, live: Settings) -> None:
    publish(agency, DEC)
    agency.documents[PAGE].body += b"<a href='https://[half/2026-01/x.csv'>x</a>"
    assert fetch_source(live, SOURCE).added == ["2026-01-01"]


def test_in_a_backfill_an_address_that_robots_forbids_is_for_a_person_and_the_others_are_taken(
    agency: Agency, live: Settings
) -> None:
    publish(agency, NOV, DEC)
    agency.documents["/robots.txt"] = Document(f"User-agent: *\nDisallow: {NOV}\n".encode(), kind="text/plain")
    report = fetch_source(live, SOURCE, backfill=True)
    assert report.added == ["2026-01-01"]
    assert f"drugflow add {SOURCE} FILE" in str(report.problems[0])
    assert read_state(live, SOURCE).state == "blocked"


def test_a_backfill_that_a_site_refuses_half_way_tells_what_it_took(agency: Agency, live: Settings) -> None:
    publish(agency, OCT, NOV, DEC)
    agency.fail(NOV, answers(403))
    report = fetch_source(live, SOURCE, backfill=True)
    assert report.added == ["2025-11-01"]
    assert read_state(live, SOURCE).state == "blocked"
    assert agency.asked(f"{FILES}/2026-01") == []
