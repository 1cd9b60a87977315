"""One night as in production: dagster-daemon and dagster-webserver as processes, and the schedule."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.core.settings import PROJECT_ROOT, Settings
from pipelines.dbt.manifest import prepare_manifest
from pipelines.orchestration.instance import prepare_home
from rehearsals.installation import environment
from tests.agency.sink import free_port

START_SECONDS, LIMIT_SECONDS = 45, 1500
"""Time for the daemon to load before the minute of the schedule; most that a night may take."""


def scheduled_night(settings: Settings) -> str:
    """Start both processes with the schedule's next minute, wait for the run that it starts; its id.

    Raises RuntimeError where the run does not come, fails, or the webserver does not answer.
    """
    prepare_home(settings)
    prepare_manifest()
    import dagster as dg

    minute = datetime.now(UTC) + timedelta(seconds=START_SECONDS + 60)
    env = environment(settings, DRUGFLOW_NIGHTLY_CRON=f"{minute.minute} {minute.hour} * * *")
    port = free_port()
    log = settings.data_marts / "rehearsed-daemon.log"
    with (
        log.open("w", encoding="utf-8") as said,
        running(["dagster-daemon", "run"], env, said),
        running(["dagster-webserver", "-h", "127.0.0.1", "-p", str(port)], env, said),
        dg.DagsterInstance.get() as instance,
    ):
        known = {r.run_id for r in instance.get_runs()}
        answered = False
        end = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < end:
            time.sleep(1)
            answered = answered or _answers(port)
            runs = instance.get_runs(filters=dg.RunsFilter(tags={"dagster/schedule_name": "nightly_refresh"}))
            for run in runs:
                if run.run_id in known or not run.is_finished:
                    continue
                if run.status != dg.DagsterRunStatus.SUCCESS or not answered:
                    raise RuntimeError(f"The run {run.run_id} of the schedule ended as {run.status.value}; see {log}.")
                return str(run.run_id)
    raise RuntimeError(f"The schedule started no run that ended within {LIMIT_SECONDS} s; see {log}.")


@contextmanager
def running(command: list[str], env: dict[str, str], said: object) -> Iterator[None]:
    """A program of this environment, ended at the end of the block with whatever it started."""
    program = [str(Path(sys.executable).with_name(command[0])), *command[1:], "-w", "workspace.yaml"]
    process = subprocess.Popen(program, cwd=PROJECT_ROOT, env=env, stdout=said, stderr=subprocess.STDOUT)  # type: ignore[call-overload]
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False
