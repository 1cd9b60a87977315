"""A look at an agency's site that is killed: the next one has all of it, and nothing piles up."""

from __future__ import annotations

import json

import pytest

from pipelines.archive.vintages import list_archive
from pipelines.core.settings import Settings
from pipelines.refresh.look import look_at_origin
from pipelines.refresh.origin import resolve_origin
from tests.agency.server import Agency
from tests.faults.processes import Moment, killed, listing

VSRR = "cdc_vsrr_overdose"
PART = rf"official/{VSRR}/\.2025-07-16\.\w+\.part"
MOMENTS = [
    Moment("the site is asked", "socket.connect", "127.0.0.1"),
    Moment("the file is begun", "open", rf"/{VSRR}\.part/\S+ \S*w"),
    Moment("the vintage's folder is made", "os.mkdir", PART),
    Moment("the file is copied into it", "open", rf"{PART}/\S+ r\+"),
    Moment("it is made visible", "os.rename", rf"{PART} \S+/2025-07-16 "),
    Moment("what the site said is noted", "os.rename", rf"live/\.{VSRR}\.json"),
    Moment("the report is written", "os.rename", rf"ingest/official/\.{VSRR}\.json"),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda m: m.name)
def test_the_look_after_a_killed_one_has_the_whole_file_once(agency: Agency, live: Settings, moment: Moment) -> None:
    endpoints = json.dumps(live.live_endpoints)
    killed(
        live, moment, "refresh", "--source", VSRR, DRUGFLOW_LIVE_ENDPOINTS=endpoints, DRUGFLOW_LIVE_PAUSE_SECONDS="0"
    )
    look_at_origin(live, resolve_origin(live), [VSRR])
    assert json.loads((live.stage("ingest", "official") / f"{VSRR}.json").read_text("utf-8"))["problems"] == []
    (vintage,) = list_archive(live.data_raw, "official", VSRR)
    vintage.verify()
    assert (vintage.folder / vintage.receipt.files[0].name).read_bytes() == agency.sets["xkb8-kh2a"].body
    left = [path for path in listing(live.data_raw) | listing(live.data_marts) if ".part" in path]
    assert left == []
