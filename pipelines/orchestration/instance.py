"""The project's own Dagster instance: its folder, its settings, and runs that a dead process left behind.

What belongs here: creating the instance, and telling live runs from dead ones. What does not: what a run
does (assets), how it is started (refresh, the UI).
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pipelines.core.files import atomic_path
from pipelines.core.settings import PROJECT_ROOT, Settings
from pipelines.orchestration.event_files import held_open

if TYPE_CHECKING:
    import dagster as dg

WORKSPACE = PROJECT_ROOT / "workspace.yaml"
CONFIG = """\
# Written by drugflow once; yours to edit.
telemetry:
  enabled: false
nux:
  enabled: false
# Pools limit runs inside one process too: one writer of the build file.
concurrency:
  pools:
    granularity: op
    default_limit: 1
run_monitoring:
  enabled: true
  # A run that waits for the place of a killed one goes on after this time.
  free_slots_after_run_end_seconds: 30
"""


def prepare_home(settings: Settings) -> Path:
    """Create DAGSTER_HOME with its settings and name it in the environment; safe when several start at once."""
    home = settings.dagster_home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    # Two processes that create the tables at once kill one another: "table secondary_indexes already exists".
    created = home / ".created"
    if not created.exists():
        with FileLock(home / ".creating.lock"):
            if not (home / "dagster.yaml").exists():
                with atomic_path(home / "dagster.yaml") as part:
                    part.write_text(CONFIG, "utf-8")
            if not created.exists():
                _create_tables()
                created.touch()
    return home


def _create_tables() -> None:
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        instance.get_run_records(limit=1)
        instance.all_instigator_state()
        instance.event_log_storage.get_concurrency_run_ids()


@contextmanager
def alive(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Hold a lock for as long as this process works on a run, and keep its event files open.

    The operating system drops it when the process dies, however it dies, so that nobody mistakes a new
    process with an old number for the run.
    """
    lock = _run_lock(run_id)
    with lock.acquire(timeout=0), held_open(instance, run_id):
        yield
    Path(lock.lock_file).unlink(missing_ok=True)


def alive_until_exit(instance: dg.DagsterInstance, run_id: str) -> None:
    """The same for a process that ends with its run: Dagster notes the outcome after the last step."""
    held = ExitStack()
    held.enter_context(alive(instance, run_id))
    atexit.register(held.close)


def bury_dead_runs_of(settings: Settings) -> list[str]:
    """Prepare the project's instance and bury what a dead process left in it; returns the runs' ids."""
    prepare_home(settings)
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        return bury_dead_runs(instance)


def bury_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs whose process is gone as failed, and free the places in the pools of every finished run.

    Returns the ids of the dead runs. Without this a run killed by the system keeps the next one waiting
    for minutes. A run without a lock here belongs to another machine, or has not begun: it is left alone.
    """
    dead = []
    for path in (Path(os.environ["DAGSTER_HOME"]) / "running").glob("*.lock"):
        if _is_held(path):
            continue
        run = instance.get_run_by_id(path.stem)
        if run is not None and not run.is_finished:
            instance.report_run_failed(run, "The process of this run is gone: it was killed, or the machine restarted.")
            dead.append(run.run_id)
        path.unlink(missing_ok=True)
    for run_id in instance.event_log_storage.get_concurrency_run_ids():
        holder = instance.get_run_by_id(run_id)
        if holder is None or holder.is_finished:
            instance.event_log_storage.free_concurrency_slots_for_run(run_id)
    return dead


def _run_lock(run_id: str) -> FileLock:
    folder = Path(os.environ["DAGSTER_HOME"]) / "running"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{run_id}.lock")


def _is_held(path: Path) -> bool:
    try:
        with FileLock(path).acquire(timeout=0):
            return False
    except Timeout:
        return True
