"""What a misbehaving agency leads to in the release: nothing while it misbehaves, the new figures once it is over.

One installation with a release that came from the agencies on loopback. Every lasting fault meets it in a refresh of
its own; then one refresh meets faults that pass at four sources, and a renamed column at a fifth.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest

from pipelines.archive.vintages import store
from pipelines.catalog.load import get_source
from pipelines.core.files import read_json, write_json
from pipelines.core.fingerprint import sha256_of
from pipelines.core.settings import Settings
from pipelines.ingest.live import run
from pipelines.ingest.live.state import read_state
from pipelines.ingest.report import make_receipt
from pipelines.refresh.refresh import Outcome
from pipelines.releases.manifest import Manifest, current_manifest
from pipelines.status.overview import read_status
from tests.agency.conftest import settings_of
from tests.agency.server import (
    Agency,
    DataSet,
    Document,
    Fault,
    Handler,
    announces,
    answers,
    breaks_off,
    drips,
    http_date,
    serving,
    stalls,
    zipped,
)  # fmt: skip
from tests.agency.test_document_pages import PAGE as CBP_PAGE
from tests.agency.test_faults import CAPTCHA, PAGE
from tests.agency.test_plain_files import PLACE as CENSUS_FILE
from tests.conftest import run_refresh
from tests.faults.corpus.layouts import LAYOUTS, Layout
from tests.faults.house import assert_plain

CBP, AMO, VSRR, BTS, CENSUS = (
    "cbp_drug_seizures", "cbp_amo_drug_seizures", "cdc_vsrr_overdose", "bts_border_crossings", "census_population",
)  # fmt: skip
AMO_PAGE = "/document/stats/amo-drug-seizures"
JANUARY, FEBRUARY = "/sites/default/files/2024-01/", "/sites/default/files/2024-02/"
CBP_NAME, AMO_NAME = "nationwide-drugs-fy23-fy24-dec.csv", "amo-drug-seizures-fy23-fy24-dec.csv"
UPDATED, LATER = 1_720_000_000, 1_730_000_000
"""rowsUpdatedAt of both data sets: 2024-07-03 and, in the second release, 2024-10-27."""
FILES = {
    CBP: LAYOUTS["CBP"], AMO: LAYOUTS["AMO"], VSRR: LAYOUTS["VSRR 12 columns"], BTS: LAYOUTS["BTS 2025"],
    CENSUS: LAYOUTS["Census 2024"],
}  # fmt: skip
WONDER = LAYOUTS["WONDER CSV"]


def changed(layout: Layout, figure: str) -> bytes:
    """The layout's file with another figure in its last record."""
    rows = [[*r] for r in layout.rows]
    rows[-1][layout.header.index(layout.figures[-1])] = figure
    return layout.with_table(layout.header, rows).write()


def publish(agency: Agency, page: str, folder: str, name: str, content: bytes, day: datetime) -> None:
    """A document page that links one file."""
    agency.documents[page] = Document(f'<html><a href="{folder}{name}">CSV</a></html>'.encode(), kind="text/html")
    agency.documents[folder + name] = Document(content, http_date(day))


@dataclass
class Town:
    """An installation whose release came from the agencies of one server."""

    agency: Agency
    settings: Settings
    first: Manifest

    def refresh(self) -> Outcome:
        return run_refresh(self.settings)

    def archive(self) -> dict[str, str]:
        root = self.settings.data_raw
        return {str(p.relative_to(root)): sha256_of(p) for p in sorted(root.rglob("*")) if p.is_file()}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.current / "drugflow.duckdb"), read_only=True) as connection:
            return connection.sql(query).fetchall()

    def told(self, source: str) -> tuple[str, str | None]:
        """What analysts read of the last look."""
        ((state, problem),) = self.rows(
            f"select fetch_state, fetch_problem from meta.sources where source_id = '{source}'"
        )
        return state, problem

    def status(self, source: str) -> dict[str, Any]:
        found = read_status(self.settings, "official", date(2024, 11, 1))["sources"]
        return next(s for s in found if s["source"] == source)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The first release: every site has one small file in its publisher's layout, WONDER's is added by hand."""
    folder = tmp_path_factory.mktemp("town")
    with serving() as agency:
        agency.sets["xkb8-kh2a"] = DataSet(FILES[VSRR].write(), UPDATED)
        agency.sets["keg4-3bc2"] = DataSet(FILES[BTS].write(), UPDATED)
        publish(agency, CBP_PAGE, JANUARY, CBP_NAME, FILES[CBP].write(), datetime(2024, 1, 15, tzinfo=UTC))
        publish(agency, AMO_PAGE, JANUARY, AMO_NAME, FILES[AMO].write(), datetime(2024, 1, 15, tzinfo=UTC))
        agency.documents[CENSUS_FILE] = Document(FILES[CENSUS].write(), http_date(datetime(2025, 3, 13, tzinfo=UTC)))
        settings = settings_of(agency, folder, live_timeout_seconds=5, live_deadline_seconds=5)
        by_hand = folder / WONDER.file
        by_hand.write_bytes(WONDER.write())
        receipt = make_receipt("added by hand", "official", WONDER.source, date(2024, 1, 15), [by_hand], WONDER.said)
        store(settings.data_raw, receipt, [by_hand])
        outcome = run_refresh(settings)
        assert (outcome.exit_code, outcome.blocked, outcome.failure) == (0, [], None)
        first = current_manifest(settings)
        assert first is not None
        yield Town(agency, settings, first)


@contextmanager
def paged(source: str) -> Iterator[None]:
    """A source that is fetched by pages of seven rows, whatever its YAML says."""
    whole = get_source(source)
    fetch = whole.fetch.model_copy(update={"paged": True, "page_rows": 7})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            run, "get_source", lambda s: whole.model_copy(update={"fetch": fetch}) if s == source else get_source(s)
        )
        yield


def grows(town: Town) -> Fault:
    """Rows come while pages are fetched: each time it is asked there is one more."""

    def fault(_handler: Handler) -> bool:
        data = town.agency.sets["keg4-3bc2"]
        data.body += data.body.splitlines(keepends=True)[-1]
        return False

    return fault


@dataclass(frozen=True)
class Lasting:
    """A fault that lasts: where it happens, what state and sentence it leads to, and how the source is fetched."""

    source: str
    part: str
    fault: Fault
    state: str
    said: str
    paged: bool = False
    ordered: bool = True
    patience: float = 5


VIEW, EXPORT = "/api/views/xkb8-kh2a.json", "/api/views/xkb8-kh2a/rows.csv"
WHOLE = FILES[VSRR].write()
LASTING = {
    "429 with Retry-After": Lasting(VSRR, VIEW, answers(429, Retry_After="3600"), "failing", "asks to wait 3600 s"),
    "500 for good": Lasting(VSRR, VIEW, answers(500), "failing", "answered 500"),
    "403": Lasting(CBP, CBP_PAGE, answers(403), "blocked", "drugflow add cbp_drug_seizures FILE --published"),
    "a captcha with 503": Lasting(AMO, AMO_PAGE, answers(503, CAPTCHA), "blocked", "asks for a human (captcha)"),
    "a slow drip": Lasting(VSRR, EXPORT, drips(0.05), "failing", "took longer than 0.8 s", patience=0.8),
    "a stall": Lasting(CENSUS, CENSUS_FILE, stalls(1.2), "failing", "did not answer in time", patience=0.8),
    "a reset in mid-body": Lasting(VSRR, EXPORT, breaks_off(WHOLE, reset=True), "failing", "broke off"),
    "a short body": Lasting(CENSUS, CENSUS_FILE, breaks_off(WHOLE, reset=False), "failing", "broke off"),
    "broken gzip": Lasting(VSRR, EXPORT, answers(200, b"\x1f\x8bzz", Content_Encoding="gzip"), "failing", "broke off"),
    "a page with 200": Lasting(CENSUS, CENSUS_FILE, answers(200, PAGE), "failing", "gave a web page"),
    "a foreign host": Lasting(
        VSRR, EXPORT, answers(302, Location="https://evil.example/rows.csv"), "failing", "not among the hosts"
    ),
    "an endless redirect": Lasting(CBP, CBP_PAGE, answers(302, Location=CBP_PAGE), "failing", "in a circle"),
    "rows that change between pages": Lasting(BTS, "$offset", answers(200), "failing", "", paged=True),
    "pages in no order": Lasting(BTS, "no fault", answers(200), "failing", "in no order", paged=True, ordered=False),
    "an empty file": Lasting(VSRR, EXPORT, answers(200), "failing", "gave an empty file"),
    "5 GB": Lasting(CENSUS, CENSUS_FILE, announces(5 * 1024**3), "failing", "announces 5,368,709,120 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", LASTING)
def test_a_fault_that_lasts_leaves_tables_and_archive_as_they_were_and_is_told(town: Town, name: str) -> None:
    fault = LASTING[name]
    meeting = fault.fault
    if name == "rows that change between pages":
        fault, meeting = replace(fault, said="the agency counted"), grows(town)
    archive = town.archive()
    kept = {k: DataSet(v.body, v.updated) for k, v in town.agency.sets.items()}
    for data in town.agency.sets.values():
        data.updated += 86_400 if fault.source in (VSRR, BTS) and fault.part != VIEW else 0
    patience = dict.fromkeys(("live_timeout_seconds", "live_deadline_seconds"), fault.patience)
    short = town.settings.model_copy(update=patience)
    only = [fault.source]
    try:
        town.agency.fail(fault.part, meeting)
        town.agency.ordered = fault.ordered
        with paged(fault.source) if fault.paged else pytest.MonkeyPatch.context():
            outcome = run_refresh(short, *only)
    finally:
        town.agency.heal()
        town.agency.ordered = True
        town.agency.sets.update(kept)
    (sentence,) = map(str, outcome.blocked)
    assert sentence.startswith(f"{fault.source}: ")
    assert fault.said in sentence
    assert_plain(sentence)
    assert (outcome.changed, outcome.exit_code, outcome.failure) == (False, 1, None)
    state = town.status(fault.source)
    assert (state["state"], state["problems"]) == (fault.state, [sentence.partition(": ")[2]])
    assert state["failing_since"] is not None
    assert town.archive() == archive
    now = current_manifest(town.settings)
    assert now is not None
    assert now.tables == town.first.tables
    assert town.told(fault.source) == (fault.state, sentence.partition(": ")[2])
    assert town.refresh().blocked == []
    assert town.status(fault.source)["failing_since"] is None
    assert town.told(fault.source) == ("ok", None)


def test_no_release_is_made_while_the_answers_stay_the_same(town: Town) -> None:
    link = town.settings.current.readlink()
    assert town.refresh().blocked == []
    assert town.settings.current.readlink() == link


def test_where_the_models_are_not_built_from_the_histories_they_are_before_it_is_told(town: Town) -> None:
    """Someone materialized a history in the UI and no model; then CBP's page turns away."""
    state = town.settings.stage("build", "official") / "state.json"
    write_json(state, {**read_json(state), "inputs": "of other histories"})
    town.agency.fail(CBP_PAGE, answers(403))
    outcome = town.refresh()
    town.agency.heal()
    assert (outcome.changed, outcome.failure) == (True, None)
    assert town.told(CBP)[0] == "blocked"
    assert town.refresh().blocked == []
    assert town.told(CBP) == ("ok", None)


@pytest.fixture(scope="module")
def second(town: Town) -> Outcome:
    """The refresh after all have published again: four sites misbehave once or oddly, the fifth renamed a column.

    VSRR: 500, then a column with another name. BTS: a reset in mid-body. CBP: 429 with Retry-After. AMO: a body that
    comes in gzip and without a date, so that its folder's month is its vintage. The
    Census file is gone and its host has a page about it.
    """
    agency = town.agency
    agency.sets["xkb8-kh2a"] = DataSet(FILES[VSRR].write().replace(b"Data Value", b"Deaths"), LATER)
    agency.sets["keg4-3bc2"] = DataSet(changed(FILES[BTS], "4321"), LATER)
    publish(agency, CBP_PAGE, FEBRUARY, CBP_NAME, changed(FILES[CBP], "55.25"), datetime(2024, 2, 15, tzinfo=UTC))
    publish(agency, AMO_PAGE, FEBRUARY, AMO_NAME, changed(FILES[AMO], "66.5"), datetime(2024, 2, 15, tzinfo=UTC))
    agency.fail(VIEW, answers(500), times=1)
    agency.fail("/api/views/keg4-3bc2/rows.csv", breaks_off(agency.sets["keg4-3bc2"].body, reset=True), times=1)
    agency.fail(FEBRUARY + CBP_NAME, answers(429, Retry_After="1"), times=1)
    agency.fail(FEBRUARY + AMO_NAME, zipped(changed(FILES[AMO], "66.5")))
    agency.fail(CENSUS_FILE, answers(200, PAGE))
    return town.refresh()


def test_what_came_through_is_released_and_what_did_not_is_told(town: Town, second: Outcome) -> None:
    assert (second.changed, second.exit_code, second.failure) == (True, 1, None)
    vsrr, census = sorted(map(str, second.blocked))
    assert census.startswith(f"{CENSUS}: ")
    assert "gave a web page" in census
    assert vsrr.startswith(f"{VSRR} 2024-10-27 is held back: xkb8-kh2a.csv, line 1: unknown column 'Deaths'")


def test_the_new_release_has_the_new_figures_and_the_last_good_ones_of_the_held_source(
    town: Town, second: Outcome
) -> None:
    new = {
        CBP: town.rows(
            "select value_vintage::text, quantity_lb from history.cbp_drug_seizures where change = 'revised'"
        ),
        AMO: town.rows(
            "select value_vintage::text, quantity_lb from history.cbp_amo_drug_seizures where change = 'revised'"
        ),
        BTS: town.rows(
            "select value_vintage::text, crossings from history.bts_border_crossings where change = 'revised'"
        ),
    }
    assert new == {CBP: [("2024-02-15", 55.25)], AMO: [("2024-02-01", 66.5)], BTS: [("2024-10-27", 4321)]}
    assert second.manifest is not None
    for source in (VSRR, CENSUS, WONDER.source):
        assert second.manifest.tables[f"history.{source}"] == town.first.tables[f"history.{source}"]


def test_the_new_release_says_what_is_held_and_what_fails(town: Town, second: Outcome) -> None:
    assert town.rows("select source_id, vintage::text from meta.vintages where state = 'held'") == [
        (VSRR, "2024-10-27")
    ]
    states = dict(town.rows("select source_id, fetch_state from meta.sources where fetch_state is not null"))
    assert {s: states[s] for s in FILES} == {CBP: "ok", AMO: "ok", VSRR: "ok", BTS: "ok", CENSUS: "failing"}
    ((problem,),) = town.rows(f"select fetch_problem from meta.sources where source_id = '{CENSUS}'")
    assert problem == str(read_state(town.settings, CENSUS).problems[0])
    assert town.status(VSRR)["state"] == "blocked"
    assert "add it with 'drugflow add cdc_vsrr_overdose FILE" in town.status(VSRR)["held"][0]["how_to_go_on"]
