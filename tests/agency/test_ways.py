"""The way to a site and back: limits in time, bodies that were cut, proxies, the cache, and a disk that refuses."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.archive.vintages import list_archive
from pipelines.core.settings import Settings
from pipelines.core.wording import say
from pipelines.ingest.live import client, run
from pipelines.ingest.live.run import fetch_all, fetch_source
from pipelines.ingest.live.state import read_state
from tests.agency.conftest import settings_of
from tests.agency.server import (
    Agency,
    Document,
    Fault,
    answers,
    drips,
    drips_headers,
    drips_unmeasured,
)
from tests.agency.test_document_pages import DEC, PAGE, publish
from tests.agency.test_document_pages import SOURCE as CBP
from tests.agency.test_plain_files import PLACE
from tests.agency.test_plain_files import SOURCE as CENSUS
from tests.agency.test_plain_files import publish as publish_census

SOURCE, SET = "cdc_vsrr_overdose", "xkb8-kh2a"
EXPORT = "/rows.csv"


def hurried(agency: Agency, folder: Path, seconds: float) -> Settings:
    """Patient with one answer and not with a look."""
    return settings_of(
        agency, folder, live_timeout_seconds=10, live_deadline_seconds=10, live_look_seconds=seconds, live_attempts=5
    )


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ("views", drips_headers(0.02)),
        (EXPORT, drips_headers(0.02)),
        (EXPORT, drips(0.02)),
        ("views", answers(429, Retry_After="1")),
    ],
    ids=["headers", "headers of the export", "a body", "one wait after the other"],
)
def test_a_look_ends_at_its_limit_whatever_drips(agency: Agency, tmp_path: Path, part: str, fault: Fault) -> None:
    settings = hurried(agency, tmp_path, 1)
    agency.fail(part, fault)
    began = time.monotonic()
    report = fetch_source(settings, SOURCE)
    assert time.monotonic() - began < 4
    assert "longer than its limit of 1 s (DRUGFLOW_LIVE_LOOK_SECONDS)" in str(report.problems[0])
    assert read_state(settings, SOURCE).state == "failing"


def test_a_source_that_drips_holds_the_others_no_longer_than_its_limit(agency: Agency, tmp_path: Path) -> None:
    settings = hurried(agency, tmp_path, 2)
    publish_census(agency)
    agency.fail("views", drips_headers(0.02))
    began = time.monotonic()
    reports = fetch_all(settings, [SOURCE, CENSUS], lambda *_said: None)
    assert time.monotonic() - began < 8
    assert (reports[SOURCE].added, reports[CENSUS].added) == ([], ["2025-03-13"])


def test_a_body_without_a_length_that_the_limit_cuts_is_no_whole_one(agency: Agency, tmp_path: Path) -> None:
    settings = hurried(agency, tmp_path, 1)
    agency.fail(PLACE, drips_unmeasured(b"SUMLEV,REGION\n" + b"40,1\n" * 1000, 0.02))
    assert "longer than its limit" in str(fetch_source(settings, CENSUS).problems[0])
    assert list_archive(settings.data_raw, "official", CENSUS) == []


def test_a_backfill_has_no_limit(agency: Agency, tmp_path: Path) -> None:
    settings = hurried(agency, tmp_path, 0.01)
    publish(agency, DEC)
    agency.fail(DEC, lambda _handler: time.sleep(0.1) is not None)
    assert fetch_source(settings, CBP, backfill=True).added == ["2026-01-01"]


def packed(body: bytes) -> Fault:
    return answers(200, body, Content_Encoding="gzip", Content_Type="text/csv")


def test_a_gzip_body_that_was_cut_off_is_refused(agency: Agency, live: Settings) -> None:
    body = b"SUMLEV,REGION\n" + b"".join(b"40,%d\n" % i for i in range(5000))
    agency.fail(PLACE, packed(gzip.compress(body)[:-4000]))
    assert "gzip stream was cut off" in str(fetch_source(live, CENSUS).problems[0])
    agency.heal()
    agency.fail(PLACE, packed(gzip.compress(body)[:-4]))
    assert "gzip stream was cut off" in str(fetch_source(live, CENSUS).problems[0])
    assert list_archive(live.data_raw, "official", CENSUS) == []


@pytest.mark.parametrize("padding", [b"", b"\0" * 100], ids=["nothing", "zeros"])
def test_all_members_of_a_gzip_body_are_taken(agency: Agency, live: Settings, padding: bytes) -> None:
    agency.fail(PLACE, packed(gzip.compress(b"SUMLEV,REGION\n") + gzip.compress(b"40,1\n") + padding))
    fetch_source(live, CENSUS)
    [vintage] = list_archive(live.data_raw, "official", CENSUS)
    assert (vintage.folder / PLACE.rsplit("/")[-1]).read_bytes() == b"SUMLEV,REGION\n40,1\n"


def test_an_encoding_that_was_not_asked_for_is_refused(agency: Agency, live: Settings) -> None:
    agency.fail(PLACE, answers(200, b"??", Content_Encoding="br"))
    assert "the encoding 'br', which was not asked for" in str(fetch_source(live, CENSUS).problems[0])


def test_half_a_page_is_not_kept_for_the_whole(agency: Agency, live: Settings) -> None:
    publish(agency, DEC)
    page = agency.documents[PAGE].body
    agency.fail(PAGE, answers(200, gzip.compress(page)[:-9], Content_Encoding="gzip", ETag='"half"'))
    assert "gzip stream was cut off" in str(fetch_source(live, CBP).problems[0])
    agency.heal()
    agency.seen.clear()
    assert fetch_source(live, CBP).added == ["2026-01-01"]
    assert "If-None-Match" not in dict(agency.seen)[PAGE]


def test_a_page_in_gzip_is_read_and_kept(agency: Agency, live: Settings) -> None:
    publish(agency, DEC)
    page = gzip.compress(agency.documents[PAGE].body)
    agency.fail(PAGE, answers(200, page, Content_Encoding="gzip", ETag='"packed"'), times=1)
    fetch_source(live, CBP)
    agency.fail(PAGE, answers(304, ETag='"packed"', Content_Encoding="gzip"), times=1)
    agency.seen.clear()
    assert fetch_source(live, CBP).known == 1
    assert dict(agency.seen)[PAGE]["If-None-Match"] == '"packed"'


def test_a_text_that_ends_in_mid_line_is_refused_unless_the_publisher_ends_none(agency: Agency, live: Settings) -> None:
    publish(agency, DEC)
    agency.documents[DEC].body = b"FY,x\n2026,1"
    assert "ends in the middle of a line" in str(fetch_source(live, CBP).problems[0])
    assert list_archive(live.data_raw, "official", CBP) == []
    agency.documents[PLACE] = Document(b"SUMLEV,REGION\n40,1")
    assert len(fetch_source(live, CENSUS).added) == 1


@contextlib.contextmanager
def proxy() -> Iterator[tuple[int, list[bytes]]]:
    """A proxy on loopback that writes down what it is asked for and refuses it."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        asked.append(connection.recv(4096).partition(b"\r\n")[0])
                        connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], asked


def test_the_environments_proxy_is_asked_unless_the_host_is_excepted(
    agency: Agency, live: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = {k: v for k, v in live.live_endpoints.items() if k != "data.cdc.gov"}
    live = live.model_copy(update={"live_endpoints": endpoints, "live_attempts": 1, "live_timeout_seconds": 5})
    publish_census(agency)
    with proxy() as (port, asked):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        assert "502" in str(fetch_source(live, SOURCE).problems[0])
        assert asked == [b"CONNECT data.cdc.gov:443 HTTP/1.1"]
        assert fetch_source(live, CENSUS).added == ["2025-03-13"], "an endpoint needs no proxy"
        monkeypatch.setenv("NO_PROXY", "data.cdc.gov")
        # Nobody may be asked for real: the name leads nowhere.
        monkeypatch.setattr(socket, "getaddrinfo", refuse_names)
        assert fetch_source(live, SOURCE).problems != []
        assert len(asked) == 1


def refuse_names(*_asked: object, **_more: object) -> None:
    raise socket.gaierror("no names in tests")


def entries(cache: Path) -> int:
    with contextlib.closing(sqlite3.connect(cache)) as connection:
        return int(connection.execute("select count(*) from entries").fetchone()[0])


def test_a_damaged_cache_is_made_again(agency: Agency, live: Settings, caplog: pytest.LogCaptureFixture) -> None:
    publish(agency, DEC)
    cache = live.live / f"{CBP}.http.sqlite"
    live.live.mkdir(parents=True)
    cache.write_bytes(b"no longer what it was" * 1000)
    assert fetch_source(live, CBP).added == ["2026-01-01"]
    assert entries(cache) > 0
    assert caplog.text == ""


def test_a_cache_that_grew_is_made_again(agency: Agency, live: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(agency, DEC)
    cache = live.live / f"{CBP}.http.sqlite"
    for change in range(3):
        agency.documents[PAGE].body += b"<p>%d</p>" % change
        fetch_source(live, CBP)
    grown = entries(cache)
    monkeypatch.setattr(client, "MAX_CACHE_BYTES", 1000)
    agency.documents[PAGE].body += b"<p>last</p>"
    fetch_source(live, CBP)
    assert entries(cache) < grown


def test_a_cache_that_cannot_be_written_is_no_failure_and_fills_no_log(
    agency: Agency, live: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    publish(agency, DEC)
    cache = live.live / f"{CBP}.http.sqlite"
    fetch_source(live, CBP)
    with contextlib.closing(sqlite3.connect(cache, isolation_level=None)) as connection:
        connection.execute("drop table streams")
        connection.execute("create view streams as select 1 entry_id, 1 chunk_number, 1 chunk_data where false")
    shutil.rmtree(live.data_raw)
    agency.documents[PAGE].body += b"<p>changed</p>"
    fetch_source(live, CBP)
    assert "hishel" not in caplog.text


def test_a_disk_that_keeps_no_memory_of_one_look_stops_no_other(
    agency: Agency, live: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = run.conclude

    def conclude(settings: Settings, state: object, *said: object) -> None:
        if state.source == SOURCE:  # type: ignore[attr-defined]
            raise OSError(28, "No space left on device", "somewhere")
        kept(settings, state, *said)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "conclude", conclude)
    publish_census(agency)
    reports = fetch_all(live, [SOURCE, CENSUS], lambda *_said: None)
    [sentence] = map(str, reports[SOURCE].problems)
    assert sentence.endswith(say("machine_refused.advice", {}, "en"))
    assert (reports[SOURCE].added, reports[SOURCE].again) == (["2025-07-16"], True)
    assert (reports[CENSUS].added, reports[CENSUS].problems) == (["2025-03-13"], [])


def test_a_disk_that_refuses_the_file_is_told_with_what_to_do(agency: Agency, live: Settings) -> None:
    live.data_marts.mkdir(parents=True)
    live.live.write_bytes(b"a file in the place of the folder")
    [fetching, keeping] = map(str, fetch_source(live, SOURCE).problems)
    assert fetching.endswith(say("machine_refused.advice", {}, "en"))
    assert keeping.endswith(say("machine_refused.advice", {}, "en"))
