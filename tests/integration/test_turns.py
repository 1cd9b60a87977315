"""Two refreshes at once, as real processes: one has the turn, the other waits or steps aside with a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.core.settings import Settings
from pipelines.refresh.lock import BusyError, turn
from tests.conftest import ROOT

PATIENCE = 120


@pytest.fixture(scope="module")
def own(sample_release: Settings) -> Settings:
    """The sample release; nothing here changes more of it than who has the turn."""
    return sample_release


def environment(settings: Settings, timeout: float) -> dict[str, str]:
    return {
        **os.environ,
        "DRUGFLOW_ORIGIN": "sample",
        "DRUGFLOW_DATA_RAW": str(settings.data_raw),
        "DRUGFLOW_DATA_MARTS": str(settings.data_marts),
        "DRUGFLOW_DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_HOME": str(settings.dagster_home),
        "DRUGFLOW_LOCK_TIMEOUT_SECONDS": str(timeout),
    }


@contextmanager
def working(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the turn until it is told to end."""
    code = (
        "from pipelines.core.settings import Settings\n"
        "from pipelines.refresh.lock import turn\n"
        "with turn(Settings(), 'the nightly run abc', print):\n"
        "    print('ready', flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(settings, PATIENCE), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        # It may have to wait itself, for a test of another file.
        while (line := process.stdout.readline().strip()) != "ready":
            assert line, "the other process ended"
        yield process
    finally:
        if process.poll() is None:
            process.communicate("\n")


def drugflow(settings: Settings, timeout: float) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "pipelines.cli", "refresh"]
    return subprocess.run(
        program, cwd=ROOT, env=environment(settings, timeout), capture_output=True, text=True, check=False
    )


def test_a_second_refresh_steps_aside_with_a_sentence(own: Settings) -> None:
    with working(own) as other:
        done = drugflow(own, 0)
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert f"Another refresh is at work: the nightly run abc, process {other.pid}, since " in said
    assert "stepped aside: nothing was changed by it" in said
    assert "Traceback" not in done.stderr


def test_a_second_refresh_waits_and_then_goes_on(own: Settings) -> None:
    with working(own) as other:
        waiting = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "refresh"], cwd=ROOT, env=environment(own, PATIENCE), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert waiting.stderr is not None
        first = waiting.stderr.readline()
        assert waiting.poll() is None
        other.communicate("\n")
        out, _ = waiting.communicate()
    assert "Waiting up to 120 s for it." in first
    assert waiting.returncode == 0
    assert "Nothing changed" in out


def test_nobody_waits_for_a_holder_that_was_killed(own: Settings, tmp_path: Path) -> None:
    alone, said = own.model_copy(update={"data_marts": tmp_path}), []
    with working(alone) as other:
        other.kill()
        other.wait()
        with turn(alone, "the next", said.append):
            assert said == []


def test_a_run_of_the_ui_takes_the_same_turn(own: Settings) -> None:
    program = str(Path(sys.executable).with_name("dagster"))
    command = [program, "asset", "materialize", "--select", 'key:"raw/census_population"', "-f",
               "pipelines/definitions.py", "-d", "."]  # fmt: skip
    with working(own):
        done = subprocess.run(command, cwd=ROOT, env=environment(own, 0), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Another refresh is at work: the nightly run abc" in done.stdout + done.stderr


def test_two_threads_of_one_process_take_turns_too(own: Settings, tmp_path: Path) -> None:
    hurried = own.model_copy(update={"data_marts": tmp_path, "lock_timeout_seconds": 0})
    refused = []

    def second() -> None:
        try:
            with turn(hurried, "the second", lambda _said: None):
                pass
        except BusyError:
            refused.append(True)

    with turn(hurried, "the first", lambda _said: None):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert refused == [True]
