"""What a misbehaving agency leads to: the state, the sentence, and the archive afterwards."""

from __future__ import annotations

import json

import pytest

from pipelines.archive.vintages import list_archive
from pipelines.core.settings import Settings
from pipelines.ingest.live.run import fetch_source
from pipelines.ingest.live.state import read_state
from tests.agency.conftest import settings_of, vsrr_csv
from tests.agency.server import (
    Agency,
    Document,
    announces,
    answers,
    breaks_off,
    drips,
    stalls,
    zipped,
)

SOURCE, SET = "cdc_vsrr_overdose", "xkb8-kh2a"
EXPORT = "/rows.csv"
PAGE = b"<!DOCTYPE html><html><title>Service unavailable</title></html>"
CAPTCHA = b"<html><body>Please solve this CAPTCHA</body></html>"


def archived(settings: Settings) -> list[str]:
    return [v.id for v in list_archive(settings.data_raw, "official", SOURCE)]


PASSING = {
    "429 with Retry-After": ("views", answers(429, Retry_After="1")),
    "500": ("views", answers(500)),
    "503 at the export": (EXPORT, answers(503)),
    "an end in mid-body": (EXPORT, breaks_off(vsrr_csv(), reset=False)),
    "a reset in mid-body": (EXPORT, breaks_off(vsrr_csv(), reset=True)),
    "a stall": (EXPORT, stalls(0.5)),
    "an empty file": (EXPORT, answers(200)),
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_tried_again_and_leaves_no_trace(agency: Agency, live: Settings, fault: str) -> None:
    part, misbehave = PASSING[fault]
    agency.fail(part, misbehave, times=1)
    report = fetch_source(live, SOURCE)
    assert (report.added, report.problems) == (["2025-07-16"], [])
    state = read_state(live, SOURCE)
    assert (state.state, state.problems, state.failing_since) == ("ok", [], None)


LASTING = {
    "429 for an hour": ("views", answers(429, Retry_After="3600"), "failing", "asks to wait 3600 s"),
    "429 again and again": ("views", answers(429), "failing", "answered 429"),
    "500 for good": ("views", answers(500), "failing", "answered 500"),
    "403": ("views", answers(403), "blocked", "drugflow add cdc_vsrr_overdose FILE --published"),
    "403 at the export": (EXPORT, answers(403), "blocked", "drugflow add cdc_vsrr_overdose FILE --published"),
    "a captcha with 200": (EXPORT, answers(200, CAPTCHA), "blocked", "asks for a human"),
    "a captcha in place of metadata": ("views", answers(200, CAPTCHA), "blocked", "asks for a human"),
    "a captcha with 503": (EXPORT, answers(503, CAPTCHA), "blocked", "drugflow add cdc_vsrr_overdose FILE --published"),
    "a captcha with 429": ("views", answers(429, CAPTCHA, Retry_After="1"), "blocked", "asks for a human (captcha)"),
    "404": ("views", answers(404), "failing", "correct the source's YAML"),
    "a slow drip": (EXPORT, drips(0.05), "failing", "took longer than 0.3 s"),
    "a stall": (EXPORT, stalls(0.5), "failing", "did not answer in time"),
    "a reset in mid-body": (EXPORT, breaks_off(vsrr_csv(), reset=True), "failing", "broke off"),
    "a short body": (EXPORT, breaks_off(vsrr_csv(), reset=False), "failing", "broke off"),
    "a page with 200": (EXPORT, answers(200, PAGE), "failing", "gave a web page"),
    "metadata that is a page": ("views", answers(200, PAGE), "failing", "gave no JSON"),
    "metadata of something else": ("views", answers(200, b"[]"), "failing", "no rowsUpdatedAt"),
    "a foreign host": (
        EXPORT,
        answers(302, Location="https://evil.example/rows.csv?signature=hidden"),
        "failing",
        "evil.example is not among the hosts",
    ),
    "an unsafe redirect": (EXPORT, answers(302, Location="http://data.cdc.gov/x.csv"), "failing", "by https"),
    "an endless redirect": (EXPORT, answers(302, Location="/api/views/xkb8-kh2a/rows.csv"), "failing", "in a circle"),
    "an empty file": (EXPORT, answers(200), "failing", "gave an empty file"),
    "5 GB": (EXPORT, announces(5 * 1024**3), "failing", "allowed (DRUGFLOW_LIVE_MAX_BYTES)"),
    "a page of 17 MiB": (
        "/api/views/",
        announces(17 * 1024**2),
        "failing",
        "more than the 16,777,216 bytes that a page may have",
    ),
    "rows that are missing": (EXPORT, answers(200, vsrr_csv(6)), "failing", "gave 6 rows; the agency counted 7 before"),
    "no gzip": (EXPORT, answers(200, b"\x1f\x8bzz", Content_Encoding="gzip"), "failing", "broke off"),
    "a workbook": (EXPORT, answers(200, b"PK\x03\x04zzzz"), "failing", "is no .csv file"),
}


@pytest.mark.parametrize("fault", LASTING)
def test_a_fault_that_lasts_is_a_state_and_a_sentence_and_leaves_the_archive_alone(
    agency: Agency, live: Settings, fault: str
) -> None:
    assert fetch_source(live, SOURCE).added == ["2025-07-16"]
    agency.sets[SET].updated += 86_400
    agency.seen.clear()
    part, misbehave, word, said = LASTING[fault]
    agency.fail(part, misbehave)
    report = fetch_source(live, SOURCE)
    state = read_state(live, SOURCE)
    assert (report.added, state.state) == ([], word)
    assert said in str(report.problems[0])
    assert state.problems == report.problems
    assert state.failing_since == state.last_attempt
    assert "hidden" not in str(report.problems[0])
    assert archived(live) == ["2025-07-16"]
    assert not (live.live / f"{SOURCE}.part").exists()


def test_a_source_that_recovers_is_no_longer_failing_and_gets_what_it_missed(agency: Agency, live: Settings) -> None:
    agency.fail("views", answers(500))
    fetch_source(live, SOURCE)
    since = read_state(live, SOURCE).failing_since
    fetch_source(live, SOURCE)
    assert read_state(live, SOURCE).failing_since == since
    agency.heal()
    assert fetch_source(live, SOURCE).added == ["2025-07-16"]
    assert read_state(live, SOURCE).failing_since is None


def test_gzip_in_transfer_leaves_the_bytes_as_they_are(agency: Agency, live: Settings) -> None:
    agency.fail(EXPORT, zipped(vsrr_csv()))
    fetch_source(live, SOURCE)
    file = live.data_raw / "official" / SOURCE / "2025-07-16" / f"{SET}.csv"
    assert file.read_bytes() == vsrr_csv()


def test_rows_that_change_during_the_export_are_fetched_again_until_all_counts_agree(
    agency: Agency, live: Settings
) -> None:
    def grow(_handler: object) -> bool:
        agency.sets[SET].body = vsrr_csv(8)
        agency.sets[SET].updated += 86_400
        return False

    agency.fail(EXPORT, grow, times=1)
    assert fetch_source(live, SOURCE).added == ["2025-07-17"]
    file = live.data_raw / "official" / SOURCE / "2025-07-17" / f"{SET}.csv"
    assert file.read_bytes() == vsrr_csv(8)


def test_a_download_never_holds_the_file_in_memory(agency: Agency, live: Settings) -> None:
    import tracemalloc

    from pipelines.ingest.live.client import Client
    from pipelines.ingest.live.download import download

    size = 30_000_000
    agency.documents["/big.csv"] = Document(b"a,b\n" * (size // 4))
    with Client(live.model_copy(update={"live_deadline_seconds": 20}), "big", ["data.cdc.gov"]) as client:
        tracemalloc.start()
        download(client, "https://data.cdc.gov/big.csv", live.live / "big.csv", lambda _got, _total: None, True)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (live.live / "big.csv").stat().st_size == size
    assert peak < size / 5


def test_the_app_token_goes_to_the_agency_and_nowhere_else(
    agency: Agency, tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    settings = settings_of(agency, tmp_path, socrata_app_token="s3cret", contact="data@example.org")
    fetch_source(settings, SOURCE)
    assert {h["X-App-Token"] for _, h in agency.seen} == {"s3cret"}
    assert all("data@example.org" in h["User-Agent"] and "drugflow/" in h["User-Agent"] for _, h in agency.seen)
    kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"s3cret" not in kept
    assert "s3cret" not in caplog.text + repr(settings) + json.dumps(settings.model_dump(mode="json"), default=str)


def test_the_token_does_not_follow_a_redirect_to_another_host(agency: Agency, tmp_path) -> None:
    settings = settings_of(agency, tmp_path, socrata_app_token="s3cret")
    agency.fail("/api/views/keg4-3bc2.json", answers(302, Location="https://data.transportation.gov/moved.json"))
    fetch_source(settings, "bts_border_crossings")
    headers = dict(agency.seen)
    assert "X-App-Token" in headers["/api/views/keg4-3bc2.json"]
    assert "X-App-Token" not in headers["/moved.json"]
