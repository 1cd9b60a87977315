"""CBP's document pages: which links count, in which order, what is fetched, what robots.txt forbids."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pipelines.archive.vintages import Receipt, list_archive, store
from pipelines.catalog.load import DESCRIPTION, get_source, load_source, source_folder
from pipelines.cli import app
from pipelines.cli import refresh as commands
from pipelines.core.settings import Settings
from pipelines.ingest.live import run
from pipelines.ingest.live.document_page import find_links
from pipelines.ingest.live.run import fetch_source
from pipelines.ingest.live.state import read_state
from pipelines.ingest.report import make_receipt
from tests.agency.server import Agency, Document, answers, http_date

SOURCE = "cbp_drug_seizures"
PAGE = "/document/stats/nationwide-drug-seizures"
FILES = "/sites/default/files"
NOV = f"{FILES}/2025-12/nationwide-drugs-fy23-fy26-nov.csv"
DEC = f"{FILES}/2026-01/nationwide-drugs-fy23-fy26-dec.csv"
OCT = f"{FILES}/2025-11/nationwide-drugs-fy23-fy26-oct.csv"
CLOSED = f"{FILES}/2025-11/nationwide-drugs-fy22-fy25.csv"
OLD = f"{FILES}/assets/documents/2023-Oct/nationwide-drugs-fy20-fy23.csv"


def publish(agency: Agency, *paths: str, page: str = PAGE, modified: datetime | None = None) -> None:
    """A page that links these files among others, each with its own content."""
    links = "".join(f'<a class="file" href="{p}">CSV</a><a href="{p[:-4]}.pdf">PDF</a>' for p in paths)
    agency.documents[page] = Document(f"<html><body>{links}</body></html>".encode(), kind="text/html")
    for path in paths:
        agency.documents[path] = Document(f"FY,{path}\n".encode(), modified and http_date(modified))


def archived(settings: Settings) -> dict[str, Receipt]:
    return {v.id: v.receipt for v in list_archive(settings.data_raw, "official", SOURCE)}


def test_the_newest_month_is_fetched_whatever_its_place_on_the_page(agency: Agency, live: Settings) -> None:
    publish(agency, DEC, NOV, OLD, modified=datetime(2026, 1, 15, 12, tzinfo=UTC))
    assert fetch_source(live, SOURCE).added == ["2026-01-15"]
    receipt = archived(live)["2026-01-15"]
    assert receipt.url == f"https://www.cbp.gov{DEC}"
    assert receipt.published_at == "2026-01-15T12:00:00+00:00"
    assert receipt.last_modified == "Thu, 15 Jan 2026 12:00:00 GMT"
    assert receipt.etag is not None


def test_a_folder_that_is_still_to_come_hides_no_newer_file(agency: Agency, live: Settings) -> None:
    ahead = DEC.replace("2026-01", "2062-01")
    publish(agency, DEC, ahead)
    report = fetch_source(live, SOURCE)
    assert report.added == ["2026-01-01"]
    said = "lies in the folder of 2062-01, which is still to come: it is not taken."
    assert str(report.problems[0]).startswith(f"https://www.cbp.gov{ahead} {said}")


def test_a_last_modified_outside_the_folders_month_is_no_release_date(agency: Agency, live: Settings) -> None:
    publish(agency, DEC, modified=datetime(2026, 9, 1, tzinfo=UTC))
    assert fetch_source(live, SOURCE).added == ["2026-01-01"]
    assert archived(live)["2026-01-01"].published_at is None


def test_two_files_of_one_month_are_two_vintages_in_the_order_of_the_page(agency: Agency, live: Settings) -> None:
    publish(agency, CLOSED, OCT, modified=datetime(2025, 11, 14, tzinfo=UTC))
    assert fetch_source(live, SOURCE).added == ["2025-11-14", "2025-11-15"]
    assert [r.files[0].name for r in archived(live).values()] == [CLOSED.rsplit("/")[-1], OCT.rsplit("/")[-1]]


def test_an_unchanged_page_costs_one_request(agency: Agency, live: Settings) -> None:
    publish(agency, DEC)
    fetch_source(live, SOURCE)
    agency.seen.clear()
    assert fetch_source(live, SOURCE).known == 1
    assert agency.asked() == [PAGE]
    assert "If-None-Match" in agency.seen[0][1]


def test_a_page_that_claims_to_be_fresh_for_a_day_hides_no_new_release(agency: Agency, live: Settings) -> None:
    for paths in ([NOV], [NOV, DEC]):
        publish(agency, *paths)
        agency.documents[PAGE].cache = "max-age=86400"
        fetch_source(live, SOURCE)
    assert list(archived(live)) == ["2025-12-01", "2026-01-01"]


def test_backfill_fetches_every_linked_month_that_is_not_archived(agency: Agency, live: Settings) -> None:
    publish(agency, NOV, DEC, CLOSED)
    fetch_source(live, SOURCE)
    report = fetch_source(live, SOURCE, backfill=True)
    assert (report.added, report.known) == (["2025-11-01", "2025-12-01"], 1)
    assert list(archived(live)) == ["2025-11-01", "2025-12-01", "2026-01-01"]


def test_in_a_backfill_one_missing_file_does_not_stop_the_others(agency: Agency, live: Settings) -> None:
    publish(agency, NOV, DEC, CLOSED)
    agency.fail(NOV, answers(404))
    report = fetch_source(live, SOURCE, backfill=True)
    assert report.added == ["2025-11-01", "2026-01-01"]
    assert [NOV in str(p) for p in report.problems] == [True]


def test_the_command_backfills(agency: Agency, live: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(agency, NOV, DEC)
    monkeypatch.setattr(commands, "load_settings", lambda **_updates: live)
    done = CliRunner().invoke(app, ["backfill", "--source", SOURCE])
    assert done.exit_code == 0
    assert list(archived(live)) == ["2025-12-01", "2026-01-01"]


def test_only_document_pages_can_be_backfilled(live: Settings) -> None:
    assert "only document pages" in str(fetch_source(live, "cdc_vsrr_overdose", backfill=True).problems[0])


def test_robots_txt_is_honoured(agency: Agency, live: Settings) -> None:
    publish(agency, DEC)
    agency.documents["/robots.txt"] = Document(b"User-agent: *\nDisallow: /sites/default/files/\n", kind="text/plain")
    report = fetch_source(live, SOURCE)
    assert "robots.txt of www.cbp.gov asks programs not to fetch" in str(report.problems[0])
    assert agency.asked(FILES) == []
    assert archived(live) == {}
    assert read_state(live, SOURCE).state == "blocked"
    assert f"'drugflow add {SOURCE} FILE --published YYYY-MM-DD'" in str(report.problems[0])


def test_a_refused_page_is_blocked_with_the_way_by_hand_and_the_file_added_so_is_taken(
    agency: Agency, live: Settings, tmp_path: Path
) -> None:
    publish(agency, DEC)
    agency.fail(PAGE, answers(403))
    sentence = str(fetch_source(live, SOURCE).problems[0])
    assert f"https://www.cbp.gov{PAGE} answered 403" in sentence
    assert f"'drugflow add {SOURCE} FILE --published YYYY-MM-DD'" in sentence
    assert read_state(live, SOURCE).state == "blocked"
    file = tmp_path / DEC.rsplit("/")[-1]
    file.write_bytes(agency.documents[DEC].body)
    store(live.data_raw, make_receipt("added by hand", "official", SOURCE, date(2026, 1, 15), [file], {}), [file])
    agency.heal()
    report = fetch_source(live, SOURCE)
    assert (report.added, report.known) == ([], 1)
    assert read_state(live, SOURCE).state == "ok"
    assert list(archived(live)) == ["2026-01-15"]


def test_a_page_that_asks_for_a_human_is_blocked(agency: Agency, live: Settings) -> None:
    agency.documents[PAGE] = Document(b"<html>Are you a robot?</html>", kind="text/html")
    fetch_source(live, SOURCE)
    assert read_state(live, SOURCE).state == "blocked"


def test_a_page_without_a_matching_link_says_so(agency: Agency, live: Settings) -> None:
    publish(agency, f"{FILES}/2026-01/renamed.csv")
    assert "links no file that matches fetch.link_pattern" in str(fetch_source(live, SOURCE).problems[0])


PAGES = {
    "cbp_currency": (
        "currency-seizures",
        "currency-seizures-fy23-fy26-dec",
        r"currency-seizures-fy\d{2}-fy\d{2}(?:-[a-z]{3,4})?",
    ),
    "cbp_weapons": (
        "weapons-and-ammunition-seizures",
        "weapons-ammunition-seizures-fy23-fy26-dec",
        r"weapons-ammunition-seizures-fy\d{2}-fy\d{2}(?:-[a-z]{3,4})?",
    ),
    "cbp_encounters": (
        "nationwide-encounters",
        "nationwide-encounters-fy23-fy26-dec-state",
        r"nationwide-encounters-fy\d{2}-fy\d{2}(?:-[a-z]{3,4})?-state",
    ),
}
"""A source: its page, a file name seen there, and the pattern of its names."""


@pytest.mark.parametrize("name", PAGES)
def test_another_page_needs_only_yaml(
    agency: Agency, live: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    slug, seen, pattern = PAGES[name]
    raw = yaml.safe_load((source_folder(SOURCE) / DESCRIPTION).read_text("utf-8"))
    raw["id"] = name
    raw["fetch"]["url"] = f"https://www.cbp.gov/document/stats/{slug}"
    raw["fetch"]["link_pattern"] = rf"/sites/default/files/(?P<released>\d{{4}}-\d{{2}})/{pattern}(?:_\d+)?\.csv$"
    path = tmp_path / name / DESCRIPTION
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(raw), "utf-8")
    source = load_source(path)
    monkeypatch.setattr(run, "get_source", lambda _id: source)
    publish(agency, f"{FILES}/2026-01/{seen}_0.csv", page=f"/document/stats/{slug}")
    assert fetch_source(live, name).added == ["2026-01-01"]


@pytest.mark.parametrize("source_id", [SOURCE, "cbp_amo_drug_seizures"])
def test_the_links_seen_on_the_real_pages_are_found_except_those_that_robots_forbids(
    real_data: Path, source_id: str
) -> None:
    dataset = {SOURCE: "cbp_nationwide_drugs", "cbp_amo_drug_seizures": "cbp_amo_drugs"}[source_id]
    with (real_data / "reference" / "cbp_csv_links_seen_2026-09.csv").open(encoding="utf-8") as handle:
        rows = [r for r in csv.DictReader(handle) if r["dataset"] == dataset]
    page = "".join(f"<a href='{r['url']}'>x</a>" for r in rows)
    links = find_links(page, "https://www.cbp.gov/", get_source(source_id).fetch.link_pattern or "")
    assert {link.url for link in links} == {r["url"] for r in rows if "robots" not in r["kind"]}
    assert [link.released for link in links] == sorted(link.released for link in links)
    newest = {SOURCE: date(2026, 9, 1), "cbp_amo_drug_seizures": date(2026, 8, 1)}
    assert links[-1].released == newest[source_id]
