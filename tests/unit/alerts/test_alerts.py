"""Alerts: once when something turns, once when it is over, with what operators need, through a real webhook."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipelines.alerts.deliver import addresses, deliver
from pipelines.alerts.memory import memory_path, read_memory, summary
from pipelines.alerts.record import finish, last_refresh
from pipelines.alerts.tell import after_death, after_refresh
from pipelines.alerts.watchdog import watch
from pipelines.catalog.load import get_source
from pipelines.core.files import write_json
from pipelines.core.problem import as_told
from pipelines.core.settings import Settings
from tests.agency.sink import Sink, listening
from tests.unit.release.tiny import release, settings_of

CBP, VSRR = "cbp_drug_seizures", "cdc_vsrr_overdose"
SOURCES = """
create schema meta;
create table meta.sources (source_id varchar, status varchar, last_period date, last_vintage date);
insert into meta.sources values ('cbp_drug_seizures', 'active', date '2024-03-01', date '2024-04-08'),
    ('cdc_vsrr_overdose', 'active', null, null);
"""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with listening() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, sink: Sink) -> Settings:
    """An installation with a release; its alerts go to the sink."""
    settings = settings_of(tmp_path).model_copy(update={"alert_urls": SecretStr(sink.address)})
    release(settings, "20240409T031500Z", sql=SOURCES)
    return settings


def on(settings: Settings, day: str) -> Settings:
    return settings.model_copy(update={"today": date.fromisoformat(day)})


def history(settings: Settings, source: str, newest: str, vintage: str) -> None:
    write_json(
        settings.stage("history", "official") / f"{source}.json",
        {"first_period": "2015-01-01", "last_period": newest, "vintages": [vintage], "changes": {}},
    )


def look(settings: Settings, source: str, problem: str | None = None, blocked: bool = False) -> None:
    """What a look at a site leaves behind."""
    problems = [problem] if problem else []
    write_json(settings.stage("ingest", "official") / f"{source}.json", {"origin": "live", "problems": problems})
    state = "blocked" if blocked else "failing" if problem else "ok"
    since = "2024-05-02T03:15:00+00:00" if problem else None
    write_json(settings.live / f"{source}.json", {"source": source, "state": state, "failing_since": since})


def verdict(settings: Settings, source: str, vintage: str, problem: str | None, first: str | None) -> None:
    """A judged vintage."""
    state = "held" if problem else "accepted"
    write_json(
        settings.stage("quality", "official") / source / f"{vintage}.json",
        {"source": source, "vintage": vintage, "archive_id": vintage, "fingerprint": "", "state": state,
         "problem": problem, "readable": first is not None},
    )  # fmt: skip
    write_json(
        settings.stage("clean", "official") / source / vintage / "summary.json",
        {"first_period": first, "last_period": vintage[:8] + "01" if first else None},
    )


def titles(sink: Sink) -> list[str]:
    return [m["title"] for m in sink.received]


# ---- once when it turns, once when it is over ----


def test_a_source_that_turns_late_is_told_once_and_once_when_it_recovers(site: Settings, sink: Sink) -> None:
    # March 2024 + two months of 31 days + 45 days of lag = 2024-06-16, and a month of grace: late from 2024-07-18 on.
    history(site, CBP, "2024-03-01", "2024-04-08")
    for day in ("2024-07-17", "2024-07-18", "2024-07-19"):
        after_refresh(on(site, day), "official", None)
    assert titles(sink) == [f"drugflow: {CBP} late"]
    assert "late since 2024-07-18" in sink.received[0]["message"]
    history(site, CBP, "2024-06-01", "2024-07-15")
    for day in ("2024-07-20", "2024-07-21"):
        after_refresh(on(site, day), "official", None)
    assert titles(sink)[1:] == [f"drugflow: {CBP} no longer late"]


def test_a_failing_look_is_told_once_and_again_only_when_a_person_must_act(site: Settings, sink: Sink) -> None:
    for problem, blocked in (("answered 500.", False), ("answered 500.", False), ("answered 403.", True),
                             ("answered 500.", False), (None, False), (None, False)):  # fmt: skip
        look(site, CBP, problem, blocked)
        after_refresh(site, "official", None)
    assert titles(sink) == [
        f"drugflow: {CBP} failing",
        f"drugflow: {CBP} blocked",
        f"drugflow: {CBP} no longer blocked",
    ]
    assert "answered 403." in sink.received[1]["message"]
    assert "since 2024-05-02 03:15 UTC" in sink.received[1]["message"]


def test_each_held_vintage_is_told_with_what_to_do(site: Settings, sink: Sink) -> None:
    verdict(site, VSRR, "2024-05-15", "a column is gone.", None)
    after_refresh(site, "official", None)
    after_refresh(site, "official", None)
    assert titles(sink) == [f"drugflow: {VSRR} held"]
    assert "The vintage 2024-05-15 is held back: a column is gone." in sink.received[0]["message"]
    assert f"drugflow add {VSRR} FILE --published 2024-05-15" in sink.received[0]["message"]


def test_a_held_vintage_is_over_once_a_later_one_covers_its_periods(site: Settings, sink: Sink) -> None:
    verdict(site, VSRR, "2024-04-17", None, "2015-01-01")
    verdict(site, VSRR, "2024-05-15", "a column is gone.", None)
    after_refresh(site, "official", None)
    verdict(site, VSRR, "2024-06-12", None, "2015-01-01")
    after_refresh(site, "official", None)
    assert titles(sink) == [f"drugflow: {VSRR} held", f"drugflow: {VSRR} no longer held"]


def test_a_held_vintage_whose_periods_no_other_covers_stays(site: Settings, sink: Sink) -> None:
    verdict(site, CBP, "2022-11-15", "a column is gone.", "2018-10-01")
    verdict(site, CBP, "2023-11-15", None, "2019-10-01")
    after_refresh(site, "official", None)
    assert titles(sink) == [f"drugflow: {CBP} held"]


def test_a_failed_refresh_is_told_once_and_once_when_one_goes_well(site: Settings, sink: Sink) -> None:
    full = as_told("the disk is full.")
    for failure in (full, full, None, None):
        after_refresh(site, "official", failure)
    assert titles(sink) == ["drugflow: The refresh failed", "drugflow: The refresh no longer failed"]


def test_a_run_that_died_is_told_unless_its_refresh_told_it(site: Settings, sink: Sink) -> None:
    after_refresh(site, "official", as_told("the disk is full."))
    after_death(site, as_told("The process of this run is gone."))
    assert len(sink.received) == 1
    after_refresh(site, "official", None)
    after_death(site, as_told("The process of this run is gone."))
    assert "The process of this run is gone." in sink.received[-1]["message"]


def test_a_dead_run_says_nothing_of_sources(site: Settings, sink: Sink) -> None:
    look(site, CBP, "answered 403.", blocked=True)
    after_refresh(site, "official", None)
    after_death(site, as_told("gone."))
    assert titles(sink) == [f"drugflow: {CBP} blocked", "drugflow: The refresh failed"]


def test_a_sample_has_nothing_to_tell(site: Settings, sink: Sink) -> None:
    write_json(site.stage("ingest", "sample") / f"{CBP}.json", {"problems": ["anything"]})
    after_refresh(site, "sample", None)
    assert sink.received == []


# ---- what it says ----


def test_an_alert_says_what_since_when_what_analysts_see_and_what_to_do(site: Settings, sink: Sink) -> None:
    after_refresh(on(site, "2024-05-03"), "official", as_told("Checks of the marts failed."))
    [sent] = sink.received
    lines = sent["message"].splitlines()
    assert lines[0] == "REHEARSAL: 2024-05-03 counts as today."
    assert any(line.startswith("The refresh: failed since 2024-05-03 ") for line in lines)
    assert "What happened: Checks of the marts failed." in lines
    assert any(line.startswith("What to do: ") for line in lines)
    assert "Analysts see the release 20240409T031500Z, built 2024-04-09 03:15 UTC from mirror:/agencies." in lines
    assert f"  {CBP}: newest period 2024-03, vintage 2024-04-08" in lines
    assert f"  {VSRR}: no data" in lines
    assert lines[-1].startswith("En español: La actualización: falló (desde 2024-05-03")
    assert sent["type"] == "warning"


# ---- delivery ----


def test_what_was_not_delivered_is_said_and_sent_the_next_time(site: Settings, sink: Sink) -> None:
    sink.status = 500
    said = after_refresh(site, "official", as_told("the disk is full."))
    assert said == [
        "Alert not delivered: The service did not take the message. (json, number 1 of DRUGFLOW_ALERT_URLS)"
    ]
    assert summary(site)["undelivered"] in said[0]
    sink.status = 200
    after_refresh(site, "official", as_told("the disk is full."))
    assert len(sink.received) == 1
    assert summary(site)["undelivered"] is None


def test_one_address_that_fails_keeps_no_alert_from_the_others(site: Settings, sink: Sink) -> None:
    both = site.model_copy(update={"alert_urls": SecretStr(f"json://127.0.0.1:9/x, {sink.address}")})
    for _ in range(2):
        said = after_refresh(both, "official", as_told("the disk is full."))
    assert len(sink.received) == 1
    assert said == []


@pytest.mark.parametrize(
    "address", ["json://u:secret-word@127.0.0.1:9/x", "nosuch://secret-word", "slack://secret-word", "secret-word"]
)
def test_no_address_is_quoted_where_delivery_fails(
    site: Settings, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], address: str
) -> None:
    caplog.set_level(logging.DEBUG)
    own = site.model_copy(update={"alert_urls": SecretStr(address)})
    said = after_refresh(own, "official", as_told("the disk is full."))
    assert len(said) == 1
    heard = "".join([*said, caplog.text, *capfd.readouterr(), memory_path(site).read_text(), repr(own)])
    assert "secret-word" not in heard


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), (" , ", 0), ("json://a", 1), ("json://a,json://b", 2), ("json://a json://b\njson://c", 3),
     ("mailtos://u:p@host?to=a@x.org,b@x.org, json://b", 2)],
)  # fmt: skip
def test_addresses_part_at_commas_and_blanks_before_the_next_kind(site: Settings, text: str, count: int) -> None:
    assert len(addresses(site.model_copy(update={"alert_urls": SecretStr(text)}))) == count


def test_without_an_address_nothing_is_told_until_there_is_one(site: Settings, sink: Sink) -> None:
    assert after_refresh(site.model_copy(update={"alert_urls": None}), "official", "the disk is full.") == []
    after_refresh(site, "official", as_told("the disk is full."))
    assert titles(sink) == ["drugflow: The refresh failed"]


def test_a_damaged_account_of_a_source_hides_no_failure_and_ends_nothing(site: Settings, sink: Sink) -> None:
    night = on(site, "2024-05-03")
    history(night, CBP, "2024-03-01", "2024-04-08")
    look(night, CBP, "The site answered 403.", blocked=True)
    after_refresh(night, "official", None)
    (night.stage("history", "official") / f"{CBP}.json").write_text("{")
    after_refresh(night, "official", as_told("a file is damaged."))
    assert titles(sink) == [f"drugflow: {CBP} blocked", "drugflow: The refresh failed"]


def test_a_sample_speaks_of_no_source(site: Settings, sink: Sink) -> None:
    night = on(site, "2024-05-03")
    look(night, CBP, "The site answered 403.", blocked=True)
    after_refresh(night, "official", None)
    after_refresh(night, "sample", None)
    assert titles(sink) == [f"drugflow: {CBP} blocked"]


def test_a_memory_that_cannot_be_read_costs_one_repeated_alert(site: Settings, sink: Sink) -> None:
    after_refresh(site, "official", as_told("the disk is full."))
    memory_path(site).write_text("{")
    after_refresh(site, "official", as_told("the disk is full."))
    after_refresh(site, "official", as_told("the disk is full."))
    assert len(sink.received) == 2


def test_a_memory_that_cannot_be_written_fails_no_refresh(site: Settings) -> None:
    memory_path(site).mkdir()
    [said] = after_refresh(site, "official", as_told("the disk is full."))[-1:]
    assert said.startswith("Alerts could not be looked after:")


def test_delivery_never_raises(site: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import apprise

    def broken(*_args: Any, **_more: Any) -> None:
        raise RuntimeError("secret-word")

    monkeypatch.setattr(apprise.Apprise, "instantiate", broken)
    [sent] = deliver(site, "title", "body")
    assert sent.sentence == "Sending failed: RuntimeError. (json, number 1 of DRUGFLOW_ALERT_URLS)"


# ---- the watchdog ----


def test_silence_is_told_once_and_once_when_a_refresh_ends_again(site: Settings, sink: Sink) -> None:
    finish(site, datetime.now(UTC), None, [])
    now = datetime.now(UTC)
    assert watch(site, now + timedelta(hours=29))[0]
    for hours in (31, 32):
        well, said = watch(site, now + timedelta(hours=hours))
        assert not well
        assert f"{hours:.1f} hours ago" in said[0]
    assert titles(sink) == ["drugflow: The nightly refresh silent"]
    finish(site, datetime.now(UTC), None, [])
    after_refresh(site, "official", None)
    assert titles(sink)[1:] == ["drugflow: The nightly refresh no longer silent"]
    assert watch(site)[0]


def test_a_refresh_that_failed_is_no_silence(site: Settings) -> None:
    finish(site, datetime.now(UTC), as_told("the disk is full."), [])
    assert watch(site)[0]


def test_before_the_first_refresh_silence_counts_from_the_first_look(site: Settings) -> None:
    first = datetime(2024, 5, 1, tzinfo=UTC)
    assert watch(site, first)[0]
    assert watch(site, first + timedelta(hours=30))[0]
    assert not watch(site, first + timedelta(hours=31))[0]


def test_a_clock_that_was_set_back_is_no_silence(site: Settings) -> None:
    finish(site, datetime.now(UTC), None, [])
    assert watch(site, datetime.now(UTC) - timedelta(days=9))[0]


@pytest.mark.parametrize("account", ["{", "{}", '{"finished_at": null}', "[]"])
def test_without_a_readable_account_silence_counts_from_a_look_of_now(site: Settings, account: str) -> None:
    now = datetime(2024, 5, 1, tzinfo=UTC)
    watch(site, now)
    finish(site, datetime.now(UTC), None, [])
    watch(site)
    (site.data_marts / "last_refresh.json").write_text(account)
    later = datetime.now(UTC)
    assert watch(site, later)[0]
    assert not watch(site, later + timedelta(hours=31))[0]


def test_an_account_from_the_future_is_none(site: Settings) -> None:
    finish(site, datetime.now(UTC), None, [])
    long_ago = datetime.now(UTC) - timedelta(days=400)
    assert watch(site, long_ago)[0]
    assert not watch(site, long_ago + timedelta(hours=31))[0]


def test_the_watchdog_does_not_end_what_a_refresh_told(site: Settings, sink: Sink) -> None:
    finish(site, datetime.now(UTC), None, [])
    after_refresh(site, "official", as_told("the disk is full."))
    watch(site)
    assert set(read_memory(site).told) == {"run"}
    assert len(sink.received) == 1


# ---- language, and what a version before stored ----


def test_an_alert_is_in_the_installations_language_and_in_short_in_the_other(site: Settings, sink: Sink) -> None:
    history(site, CBP, "2024-03-01", "2024-04-08")
    spanish = on(site, "2024-07-18").model_copy(update={"language": "es"})
    said = after_refresh(spanish, "official", None)
    [sent] = sink.received
    assert sent["title"] == f"drugflow: {CBP}: los datos están atrasados"
    assert said == [f"Aviso enviado: {sent['title']}."]
    lines = sent["message"].splitlines()
    assert lines[2] == f"{CBP} ({get_source(CBP).title.es}): los datos están atrasados desde 2024-07-18."
    assert "Qué pasó: El periodo más reciente es 2024-03; el siguiente se esperaba" in sent["message"]
    assert lines[-1] == f"In English: {CBP}: late (since 2024-07-18)."


def test_a_memory_of_a_version_before_is_read(site: Settings, sink: Sink) -> None:
    told = {"word": "held", "subject": f"{CBP} (CBP drug seizures)", "since": "2024-05-02", "told_at": "2024-05-02"}
    write_json(memory_path(site), {"told": {f"{CBP}/held/2024-05-01": told}, "undelivered": "It did not arrive."})
    assert summary(site)["undelivered"] == "It did not arrive."
    assert summary(site)["open"][0]["subject"] == told["subject"]
    after_refresh(site, "official", None)
    assert titles(sink) == [f"drugflow: {CBP} no longer held"]


def test_an_account_of_a_version_before_is_read(site: Settings) -> None:
    stored = {
        "started_at": "2024-05-02T03:15:00+00:00", "finished_at": "2024-05-02T03:16:00+00:00",
        "failure": "The marts could not be built.", "sources": [f"{CBP} held: 2024-05-01 is held back: a column."],
    }  # fmt: skip
    write_json(site.data_marts / "last_refresh.json", stored)
    account = last_refresh(site)
    assert account is not None
    assert str(account.failure) == "The marts could not be built."
    assert [(s.source, s.word, s.sentence) for s in account.sources] == [
        (CBP, "held", "2024-05-01 is held back: a column.")
    ]
