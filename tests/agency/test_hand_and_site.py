"""What a person did beside an agency's site: added by hand, taken back. The site's true release still speaks."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines.archive.decisions import read_ledger, retractions
from pipelines.archive.vintages import effective_vintages, list_archive, store
from pipelines.core.settings import Settings
from pipelines.ingest.live.run import fetch_source
from pipelines.ingest.live.state import read_state
from pipelines.ingest.report import make_receipt
from pipelines.quality.verdict import retract
from pipelines.refresh.survey import is_settled
from tests.agency.conftest import vsrr_csv
from tests.agency.server import Agency, Document, answers
from tests.agency.test_document_pages import CLOSED, DEC, FILES, NOV, OCT, PAGE, SOURCE, archived, publish
from tests.agency.test_reissues import AGAIN, bodies, content

VSRR = "cdc_vsrr_overdose"
REASON = "It was added under a wrong date"


def added_by_hand(settings: Settings, source: str, folder: Path, name: str, body: bytes, day: date) -> None:
    file = folder / name
    file.write_bytes(body)
    store(settings.data_raw, make_receipt("added by hand", "official", source, day, [file], {}), [file])


def speaking(settings: Settings, source: str) -> list[str]:
    """Vintages that may speak, oldest first, without those that were taken back."""
    withdrawn = retractions(read_ledger(settings.data_raw, "official"), source)
    found = effective_vintages(settings.data_raw, "official", source, withdrawn)
    return [v.id for v in found if v.id not in withdrawn]


def test_a_data_set_that_was_added_by_hand_and_taken_back_is_taken_from_the_site(
    agency: Agency, live: Settings, tmp_path: Path
) -> None:
    added_by_hand(live, VSRR, tmp_path, "earlier.csv", vsrr_csv(3), date(2025, 2, 11))
    added_by_hand(live, VSRR, tmp_path, "now.csv", vsrr_csv(), date(2025, 12, 21))
    retract(live.data_raw, "official", VSRR, "2025-12-21", REASON)
    assert fetch_source(live, VSRR).added == ["2025-07-16"]
    assert speaking(live, VSRR) == ["2025-02-11", "2025-07-16"]


def test_a_file_that_was_added_by_hand_and_taken_back_is_taken_from_the_page(
    agency: Agency, live: Settings, tmp_path: Path
) -> None:
    publish(agency, DEC, modified=datetime(2026, 1, 15, tzinfo=UTC))
    added_by_hand(live, SOURCE, tmp_path, DEC.rsplit("/")[-1], content(DEC).encode(), date(2026, 1, 28))
    retract(live.data_raw, "official", SOURCE, "2026-01-28", REASON)
    fetch_source(live, SOURCE)
    assert speaking(live, SOURCE) == ["2026-01-15"]


def test_a_file_of_the_site_that_was_taken_back_stays_so_while_the_site_gives_it(
    agency: Agency, live: Settings
) -> None:
    publish(agency, DEC, modified=datetime(2026, 1, 15, tzinfo=UTC))
    fetch_source(live, SOURCE)
    retract(live.data_raw, "official", SOURCE, "2026-01-15", REASON)
    publish(agency, DEC, NOV, modified=datetime(2026, 1, 15, tzinfo=UTC))
    fetch_source(live, SOURCE)
    assert list(archived(live)) == ["2026-01-15"]


@pytest.mark.parametrize("order", [[DEC, AGAIN], [AGAIN, DEC]], ids=["below", "above"])
def test_a_reissue_that_was_added_by_hand_speaks_over_the_file_that_it_replaced(
    agency: Agency, live: Settings, tmp_path: Path, order: list[str]
) -> None:
    publish(agency, *order, modified=datetime(2026, 1, 10, tzinfo=UTC))
    added_by_hand(live, SOURCE, tmp_path, AGAIN.rsplit("/")[-1], content(AGAIN).encode(), date(2026, 1, 20))
    fetch_source(live, SOURCE)
    assert bodies(live)[-1] == content(AGAIN)


def test_an_export_with_the_bytes_that_were_added_by_hand_may_be_a_caches(
    agency: Agency, live: Settings, tmp_path: Path
) -> None:
    """rowsUpdatedAt moved and the bytes did not: within a week the new ones may still be on their way."""
    added_by_hand(live, VSRR, tmp_path, "now.csv", vsrr_csv(), date(2025, 7, 1))
    on_the_day = live.model_copy(update={"today": date(2025, 7, 17)})
    fetch_source(on_the_day, VSRR)
    assert read_state(live, VSRR).rows_updated_at is None
    agency.sets["xkb8-kh2a"].body = vsrr_csv(value=999)
    assert fetch_source(on_the_day, VSRR).added == ["2025-07-16"]


def test_a_new_file_that_fails_keeps_the_months_other_new_one_not_out(agency: Agency, live: Settings) -> None:
    publish(agency, CLOSED, OCT)
    agency.fail(CLOSED, answers(404))
    report = fetch_source(live, SOURCE)
    assert report.added == ["2025-11-01"]
    assert "answered 404" in str(report.problems[0])
    assert read_state(live, SOURCE).state == "failing"


def test_a_site_that_asks_for_a_long_wait_is_asked_for_nothing_more(agency: Agency, live: Settings) -> None:
    publish(agency, OCT, NOV, DEC)
    agency.fail(OCT, answers(429, Retry_After="3600"))
    report = fetch_source(live, SOURCE, backfill=True)
    assert "It asks to wait 3600 s" in str(report.problems[0])
    assert [p for p in agency.asked(FILES) if p != OCT] == []


@pytest.mark.parametrize(
    ("page", "state"),
    [(b"<html>We are moving</html>", "failing"), (b"<html>Please solve this captcha</html>", "blocked")],
)
def test_a_web_page_is_no_robots_txt(agency: Agency, live: Settings, page: bytes, state: str) -> None:
    publish(agency, DEC)
    agency.documents["/robots.txt"] = Document(page, kind="text/html")
    report = fetch_source(live, SOURCE)
    assert "robots.txt gave a web page where rules were expected" in str(report.problems[0])
    assert read_state(live, SOURCE).state == state
    assert list_archive(live.data_raw, "official", SOURCE) == []
    agency.documents["/robots.txt"] = Document(b"User-agent: *\n", kind="text/plain")
    assert fetch_source(live, SOURCE).added == ["2026-01-01"]


@pytest.mark.parametrize("path", [DEC, PAGE], ids=["a file", "the page"])
def test_a_redirect_to_what_robots_forbids_is_not_followed(agency: Agency, live: Settings, path: str) -> None:
    publish(agency, DEC)
    agency.documents["/robots.txt"] = Document(b"User-agent: *\nDisallow: /private/\n", kind="text/plain")
    agency.fail(path, answers(302, Location="https://www.cbp.gov/private/x.csv"))
    report = fetch_source(live, SOURCE)
    assert "robots.txt of www.cbp.gov asks programs not to fetch https://www.cbp.gov/private/x.csv" in str(
        report.problems[0]
    )
    assert agency.asked("/private") == []
    assert read_state(live, SOURCE).state == "blocked"


@pytest.mark.parametrize("proxy", ["user:secretpw@proxy.example.org:port", "http://us er:secretpw@x:1:2"])
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    agency: Agency, live: Settings, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    report = fetch_source(live, VSRR)
    assert "HTTPS_PROXY or ALL_PROXY is not the address of a proxy" in str(report.problems[0])
    assert "secretpw" not in (live.live / f"{VSRR}.json").read_text("utf-8")


def test_a_memory_with_a_time_that_is_none_stops_no_look(agency: Agency, live: Settings) -> None:
    publish(agency, DEC)
    fetch_source(live, SOURCE)
    path = live.live / f"{SOURCE}.json"
    said = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(said | {"files_seen_at": "soon", "last_attempt": "2026-01-15T00:00:00"}), "utf-8")
    assert fetch_source(live, SOURCE).problems == []


def test_what_was_archived_during_a_refresh_is_not_marked_as_done(live: Settings, tmp_path: Path) -> None:
    """Nobody cleaned it, so the next refresh has something to do."""
    assert is_settled(live, "official")
    added_by_hand(live, VSRR, tmp_path, "now.csv", vsrr_csv(), date(2025, 7, 16))
    assert not is_settled(live, "official")
