"""The Dagster UI as a data engineer uses it, in a real browser.

Needs Chromium on the machine: the file that DRUGFLOW_CHROMIUM names, else chromium, chromium-browser or google-chrome
on the PATH (Debian: apt-get install chromium). Nothing is downloaded, and the browser talks to 127.0.0.1 only.

The pictures of the README are taken here; after a visible change take them again and look at them:

    DRUGFLOW_WRITE_IMAGES=1 .venv/bin/python -m pytest tests/browser
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import dagster as dg
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pipelines.core.files import read_json
from pipelines.core.settings import Settings
from pipelines.orchestration.instance import prepare_home
from pipelines.refresh.lock import turn
from tests.conftest import ROOT, installation

IMAGES = ROOT / "docs" / "images"
PATIENCE = 180.0
LOOK = 60_000
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
# One subject from the agencies' files to the release, with every source at the side.
STAIRCASE = '+key:"marts/overdose_trends" or key:"release"'


@pytest.fixture(scope="module")
def own(sample_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A copy of the sample release that nobody built or ran anything for yet: no models, no Dagster home."""
    copy = installation(tmp_path_factory.mktemp("ui"), "sample")
    shutil.copytree(sample_release.data_raw, copy.data_raw)
    shutil.copytree(sample_release.data_marts, copy.data_marts, symlinks=True)
    shutil.rmtree(copy.stage("build", "sample"))
    (copy.data_marts / "refresh-sample.json").unlink()
    return copy


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    named = os.environ.get("DRUGFLOW_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: install it, or set DRUGFLOW_CHROMIUM to its path")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def ui(own: Settings, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the real UI with its daemon, started by drugflow ui from another folder."""
    folder = tmp_path_factory.mktemp("elsewhere")
    port = _free_port()
    with (folder / "ui.log").open("w") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("drugflow"), "ui", "--port", str(port)],
            cwd=folder, env=_environment(own), stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(lambda: process.poll() is not None or _answers(f"{address}/server_info"))
        assert process.poll() is None, (folder / "ui.log").read_text()
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def page(browser: Browser, ui: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1600, "height": 1000}, locale="en-US", timezone_id="UTC")
    page = context.new_page()
    page.set_default_timeout(LOOK)
    page.goto(f"{ui}/asset-groups")
    yield page
    context.close()


@pytest.fixture(scope="module")
def run(page: Page, own: Settings) -> dg.DagsterRun:
    """The run that the button "Materialize all" of the asset graph started, at its end."""
    prepare_home(own)
    with dg.DagsterInstance.get() as instance:
        page.get_by_role("button", name="Materialize all").click()
        _wait(lambda: bool(instance.get_runs(limit=1)))
        run_id = instance.get_runs(limit=1)[0].run_id

        def finished() -> bool:
            run = instance.get_run_by_id(run_id)
            return run is not None and run.is_finished

        _wait(finished)
        run = instance.get_run_by_id(run_id)
    assert run is not None
    return run


def test_the_asset_graph_shows_the_subjects(page: Page) -> None:
    for group in ("seizures", "deaths", "crossings", "shared", "release"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible()


def test_materialize_all_runs_to_success(run: dg.DagsterRun, page: Page, ui: str) -> None:
    assert run.status == dg.DagsterRunStatus.SUCCESS
    page.goto(f"{ui}/runs/{run.run_id}")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()


def test_materialize_all_publishes_a_release(run: dg.DagsterRun, own: Settings, sample_release: Settings) -> None:
    before, after = (read_json(s.current / "manifest.json") for s in (sample_release, own))
    assert after["release_id"] != before["release_id"]
    assert after["content_hash"] == before["content_hash"]


def test_the_schedule_started_by_hand_waits_for_a_refresh_at_work_and_says_so(
    run: dg.DagsterRun, page: Page, ui: str, own: Settings
) -> None:
    page.goto(f"{ui}/automation")
    page.get_by_text("nightly_refresh").first.click()
    page.get_by_role("button", name="Preview tick result").click()
    page.get_by_role("button", name="Continue").click()
    launch = page.get_by_role("button", name="Launch all & commit tick result")
    with dg.DagsterInstance.get() as instance:

        def newest() -> dg.DagsterRun:
            return instance.get_runs(limit=1)[0]

        def waits() -> bool:
            said = (event.user_message for event in instance.all_logs(newest().run_id))
            return any("Another refresh is at work: drugflow refresh" in message for message in said)

        with turn(own, "drugflow refresh", print):
            launch.click()
            _wait(lambda: newest().run_id != run.run_id and waits())
            assert not newest().is_finished
        _wait(lambda: newest().is_finished)
        assert newest().status == dg.DagsterRunStatus.SUCCESS
        page.goto(f"{ui}/runs/{newest().run_id}")
    # The page draws only the events that are in sight.
    page.get_by_placeholder("Filter…").first.fill("Another refresh")
    expect(page.get_by_text("Another refresh is at work: drugflow refresh").first).to_be_visible()


def test_no_asset_of_the_graph_has_failed(run: dg.DagsterRun, page: Page, ui: str) -> None:
    page.goto(f"{ui}/asset-groups~{quote(STAIRCASE, safe='')}/")
    page.get_by_text("Hide navigation").click()
    expect(page.get_by_text("deaths", exact=True).first).to_be_visible()
    page.keyboard.press("Alt+e")
    expect(page.get_by_text("overdose_trends").first).to_be_visible()
    # Laid out anew, the graph is fitted into the window.
    page.reload()
    expect(page.get_by_text("overdose_trends").first).to_be_visible()
    expect(page.get_by_text("Failed")).to_have_count(0)
    _picture(page, "dagster_asset_graph")


def test_every_check_of_a_source_is_green(run: dg.DagsterRun, page: Page, ui: str) -> None:
    page.goto(f"{ui}/assets/clean/cdc_vsrr_overdose?view=checks")
    title = page.get_by_text(re.compile(r"^Checks \(\d+\)$"))
    expect(title).to_be_visible()
    count = int(re.sub(r"\D", "", title.inner_text()))
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(count)
    page.get_by_text("us_is_sum_of_parts", exact=True).first.click()
    expect(page.get_by_text("rows_checked").first).to_be_visible()
    _picture(page, "dagster_checks")


def test_a_table_shows_its_rows_columns_and_what_changed(run: dg.DagsterRun, page: Page, ui: str) -> None:
    page.goto(f"{ui}/assets/marts/seizures_monthly")
    expect(page.get_by_text("First day of the calendar month.").first).to_be_visible()
    page.goto(f"{ui}/assets/marts/seizures_monthly?view=events")
    for shown in ("newest_period", "changed", "chart"):
        expect(page.get_by_text(shown, exact=True).first).to_be_visible()


def _picture(page: Page, name: str) -> None:
    """A picture of the page: into the docs where the environment asks for it."""
    page.wait_for_load_state("networkidle")
    picture = page.screenshot()
    assert picture
    if os.environ.get("DRUGFLOW_WRITE_IMAGES"):
        (IMAGES / f"{name}.png").write_bytes(picture)


def _environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "DRUGFLOW_ORIGIN": "sample",
        "DRUGFLOW_DATA_RAW": str(settings.data_raw),
        "DRUGFLOW_DATA_MARTS": str(settings.data_marts),
        "DRUGFLOW_DAGSTER_HOME": str(settings.dagster_home),
    }


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "gave up waiting"
        time.sleep(0.2)
