"""Real processes of drugflow on an installation of a test: ended at a named moment, watched by an analyst.

What belongs here: starting and ending processes, copies of installations, what lies in their folders. What does
not: what must hold afterwards (the tests).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.core.settings import Settings
from tests.conftest import ROOT, installation

STOP = Path(__file__).parent / "stop"
CLI = "pipelines.cli"
PATIENCE = 600
"""Seconds after which a process counts as one that never ends."""


@dataclass(frozen=True)
class Moment:
    """Where a program is ended: the times-th audit event whose arguments match, or some seconds after it."""

    name: str
    event: str
    pattern: str
    times: int = 1
    seconds: float = 0


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """Variables that make a process work on an installation and on no other."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DRUGFLOW_", "DAGSTER_HOME"))}
    scratch = settings.data_marts.parent / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    return {
        **kept,
        "DRUGFLOW_ORIGIN": settings.origin or "",
        "DRUGFLOW_DATA_RAW": str(settings.data_raw),
        "DRUGFLOW_DATA_MARTS": str(settings.data_marts),
        "DRUGFLOW_DAGSTER_HOME": str(settings.dagster_home),
        "DRUGFLOW_KEEP_RELEASES": str(settings.keep_releases),
        "DRUGFLOW_LOCK_TIMEOUT_SECONDS": str(settings.lock_timeout_seconds),
        "TMPDIR": str(scratch),
        **more,
    }


def started(settings: Settings, *arguments: str, module: str = CLI, **more: str) -> subprocess.Popen[str]:
    """The command line, or another module, as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT, env=environment(settings, **more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def run(settings: Settings, *arguments: str, module: str = CLI, **more: str) -> tuple[int, str]:
    """Exit code of the command line, and what it said."""
    process = started(settings, *arguments, module=module, **more)
    try:
        said, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return process.returncode, said


def killed(settings: Settings, moment: Moment, *arguments: str, module: str = CLI, **more: str) -> None:
    """Run the command line and end it with signal 9 at a moment, which it must reach."""
    stop = json.dumps([moment.event, moment.pattern, moment.times, moment.seconds])
    paths = os.pathsep.join([str(STOP), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    code, said = run(settings, *arguments, module=module, PYTHONPATH=paths, DRUGFLOW_TEST_STOP=stop, **more)
    assert code == -signal.SIGKILL, f"'{moment.name}' was never reached; exit code {code}: {said[-2000:]}"


def duplicate(settings: Settings, folder: Path) -> Settings:
    """A copy of an installation, with its archive, its releases and its Dagster home."""
    copy = installation(folder, settings.origin or "sample")
    copy.keep_releases = settings.keep_releases
    for name in ("data_raw", "data_marts", "dagster_home"):
        if getattr(settings, name).exists():
            shutil.copytree(getattr(settings, name), getattr(copy, name), symlinks=True)
    return copy


def listing(folder: Path) -> set[str]:
    """Every path below a folder, relative to it."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


@dataclass
class Analyst:
    """One open connection and one that is opened anew for every question, while something happens."""

    current: Path
    question: str
    answers: set[tuple[object, ...]] = field(default_factory=set)
    asked: int = 0
    errors: list[str] = field(default_factory=list)

    def ask(self, connection: duckdb.DuckDBPyConnection) -> None:
        """One question."""
        self.answers.add(connection.execute(self.question).fetchall()[0])
        self.asked += 1


@contextmanager
def analyst(current: Path, question: str, pause: float = 0.1) -> Iterator[Analyst]:
    """An analyst who asks until the end of the block, at least once on each connection."""
    seen = Analyst(current, question)
    done = threading.Event()

    def work() -> None:
        try:
            with duckdb.connect(str(current.resolve() / "drugflow.duckdb"), read_only=True) as held:
                while True:
                    seen.ask(held)
                    with duckdb.connect(str(current.resolve() / "drugflow.duckdb"), read_only=True) as anew:
                        seen.ask(anew)
                    if done.wait(pause):
                        return
        except Exception as error:
            seen.errors.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
