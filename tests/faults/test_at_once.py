"""Several programs on one installation at the same moment, all of them real."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.core.settings import Settings
from pipelines.releases.manifest import current_manifest
from tests.conftest import ROOT
from tests.faults.afterwards import QUESTION, assert_equal_release, assert_nothing_left, assert_one_release_at_a_time
from tests.faults.processes import PATIENCE, analyst, duplicate, environment, run, started

pytestmark = pytest.mark.long


def at_leisure(settings: Settings, folder: Path) -> Settings:
    """A copy whose processes wait for one another."""
    return duplicate(settings, folder).model_copy(update={"lock_timeout_seconds": PATIENCE})


def test_two_refreshes_at_once_give_one_undisturbed_release_and_no_error(
    older: Settings, sample_release: Settings, tmp_path: Path
) -> None:
    own, wanted = at_leisure(older, tmp_path), current_manifest(sample_release)
    assert wanted is not None
    with analyst(own.current, QUESTION) as seen:
        both = [started(own, "refresh") for _ in range(2)]
        try:
            said = [process.communicate(timeout=PATIENCE)[0] for process in both]
        finally:
            for process in both:
                process.kill()
    assert [process.returncode for process in both] == [0, 0], said
    assert_one_release_at_a_time(seen, own)
    assert_equal_release(own, wanted)
    assert_nothing_left(own, sample_release)


def test_a_fresh_home_may_be_opened_by_the_ui_and_a_refresh_at_once(
    older: Settings, sample_release: Settings, tmp_path: Path
) -> None:
    own, wanted = at_leisure(older, tmp_path), current_manifest(sample_release)
    assert wanted is not None
    shutil.rmtree(own.dagster_home)
    with ui(own) as address:
        code, said = run(own, "refresh")
        assert code == 0, said
        wait_for_answer(address)
    assert_equal_release(own, wanted)
    assert (own.dagster_home / ".created").exists()


@contextmanager
def ui(own: Settings) -> Iterator[str]:
    """The UI with its daemon, from its start to the end of the last of its processes; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "ui", "--port", str(port)],
        cwd=ROOT,
        env=environment(own, DRUGFLOW_NIGHTLY_CRON="0 0 1 1 *"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}/server_info"
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=60)
        finally:
            end_group(process.pid)


def end_group(group: int) -> None:
    """End what is left of the processes that one of ours started."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def wait_for_answer(address: str) -> None:
    """Return once the address answers."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(f"{address} never answered")
