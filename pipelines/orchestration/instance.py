"""The project's own Dagster instance: its folder, its settings, and runs that a dead process left behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from pipelines.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

PID_TAG = "drugflow/pid"
CONFIG = """\
# Written by drugflow once; yours to edit.
telemetry:
  enabled: false
# Pools limit runs inside one process too: one writer of the build file.
concurrency:
  pools:
    granularity: op
    default_limit: 1
run_monitoring:
  enabled: true
"""


def prepare_home(settings: Settings) -> Path:
    """Create DAGSTER_HOME with its settings and name it in the environment; safe when several start at once."""
    home = settings.dagster_home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    with FileLock(home / ".creating.lock"):
        if not (home / "dagster.yaml").exists():
            (home / "dagster.yaml").write_text(CONFIG, "utf-8")
        if not (home / "history").exists():
            import dagster as dg

            with dg.DagsterInstance.get() as instance:
                instance.get_run_records(limit=1)
    return home


def bury_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs whose process is gone as failed and free their places in the pools.

    Returns their ids. Without this a run killed by the system keeps the next one waiting for minutes.
    """
    import dagster as dg

    buried = []
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    for record in instance.get_run_records(filters):
        run = record.dagster_run
        pid = run.tags.get(PID_TAG)
        if pid is None or _alive(int(pid)):
            continue
        instance.report_run_failed(run, "The process of this run is gone: it was killed, or the machine restarted.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        buried.append(run.run_id)
    return buried


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
