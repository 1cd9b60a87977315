"""Running dbt as a child that ends with its run, and reading what came of it.

What belongs here: one command of dbt and its results. What does not: which models (orchestration), what they compute
(the dbt project), what is in the tables (profile).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.core.errors import DrugflowError
from pipelines.core.files import scratch_folder
from pipelines.core.fingerprint import code_fingerprint
from pipelines.core.problem import Phrase
from pipelines.core.settings import DBT_PROJECT
from pipelines.dbt.manifest import DBT, MANIFEST

PARSED, RESULTS = "partial_parse.msgpack", "run_results.json"
READY = ["-m", "pipelines.dbt.ready"]
"""Arguments that make this Python a dbt that waits for its command."""


@dataclass(frozen=True)
class Result:
    """What came of one node. status: success, pass, warn, fail, error or skipped, in dbt's words."""

    unique_id: str
    status: str
    seconds: float = 0
    failures: int = 0
    message: str | None = None


class Dbt:
    """dbt as a run's steps start it: from nothing, or where one was made ready, that one for the first command."""

    def __init__(self) -> None:
        self._ready: subprocess.Popen[str] | None = None

    @contextmanager
    def ready(self, folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
        """Until the end of the block, the first command finds a dbt that has imported and parsed meanwhile.

        folder: where it keeps what it parsed. environment: what its profile and sources read.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with scratch_folder("dbt") as scratch:
            process = _start(READY, folder, {**environment, "TMPDIR": str(scratch)}, subprocess.PIPE)
            self._ready = process
            try:
                yield
            finally:
                self._ready = None
                _end(process)

    def run(
        self, arguments: Sequence[str], target: Path, environment: Mapping[str, str], said: Callable[[str], None]
    ) -> tuple[int, list[Result]]:
        """Run a command; its exit code, and the results of its nodes in the order in which they ended.

        target: the folder that it writes into. environment: what its profile and sources read. said: hears each line.
        """
        target.mkdir(parents=True, exist_ok=True)
        (target / RESULTS).unlink(missing_ok=True)
        process = self._handed_over(arguments, target, environment)
        if process is None:
            process = _start([*DBT, *arguments], target, environment, subprocess.DEVNULL)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said(line.rstrip("\n"))
            code = process.wait()
        finally:
            # Whatever ends the run ends dbt, which would go on writing the build file.
            _end(process)
        return code, _results(target)

    def _handed_over(
        self, arguments: Sequence[str], target: Path, environment: Mapping[str, str]
    ) -> subprocess.Popen[str] | None:
        """The dbt that was made ready, with the command given to it; None where there is none, or it has died."""
        process, self._ready = self._ready, None
        if process is None or process.stdin is None or process.poll() is not None:
            return None
        order = {
            "arguments": list(arguments),
            "environment": _environment(target, environment),
            "code": code_fingerprint(DBT_PROJECT),
        }
        try:
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.close()
        except OSError:
            _end(process)
            return None
        return process


def failure(results: Sequence[Result], nodes: Mapping[str, Any], target: Path, said: str) -> DrugflowError:
    """What failed, in dbt's words, as one sentence. said: dbt's last words, where no node failed."""
    bad = [
        f"{nodes[r.unique_id]['name']} ({' '.join(str(r.message).split())})"
        for r in results
        if r.status in ("error", "fail") and r.unique_id in nodes
    ]
    what = "; ".join(bad) or " ".join(said.split())[-500:] or Phrase.of("phrase.dbt_ended_early")
    return DrugflowError("marts_not_built", what=what, log=target / "dbt.log")


def _start(module: Sequence[str], target: Path, environment: Mapping[str, str], stdin: int) -> subprocess.Popen[str]:
    """A dbt that writes into target, and begins from the parse of the project as it is.

    Never from an older one, of which dbt 1.11 loses some tests.
    """
    (target / PARSED).unlink(missing_ok=True)
    if (known := MANIFEST.with_name(PARSED)).exists():
        shutil.copyfile(known, target / PARSED)
    return subprocess.Popen(
        [sys.executable, *module],
        cwd=DBT_PROJECT,
        env=_environment(target, environment),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _environment(target: Path, environment: Mapping[str, str]) -> dict[str, str]:
    places = {"DBT_TARGET_PATH": target, "DBT_LOG_PATH": target}
    places |= {"DBT_PROJECT_DIR": DBT_PROJECT, "DBT_PROFILES_DIR": DBT_PROJECT}
    plain = {"PYTHONUNBUFFERED": "1", "DBT_USE_COLORS": "false"}
    return {**os.environ, **environment, **{k: str(v) for k, v in places.items()}, **plain}


def _end(process: subprocess.Popen[str]) -> None:
    """End a process that may have ended; it has nothing to finish, DuckDB rolls back by itself."""
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()


def _results(target: Path) -> list[Result]:
    path = target / RESULTS
    if not path.exists():
        return []
    return [
        Result(r["unique_id"], r["status"], r.get("execution_time") or 0, int(r.get("failures") or 0), r.get("message"))
        for r in json.loads(path.read_text("utf-8"))["results"]
    ]
