"""A dbt that has imported its libraries and parsed the project before the run needs it.

What belongs here: starting that process and handing a command over to it. What does not: what the command is
(dbt_assets), running dbt without it (process). Importing dbt and the statistics takes 4 s and parsing up to 8 s of one
core; on a second core, while Dagster starts and files are read, they cost no time.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ADDRESS = "DRUGFLOW_READY_DBT"
"""Environment variable: where the process listens, as folder and name of a socket."""
ANYWHERE = "../data_marts/history/sample"
"""Where models/staging/_sources.yml has the histories of an installation that says nothing."""
PARSED = "partial_parse.msgpack"
_LIBRARIES = (
    "pandas", "pyarrow", "polars", "ruptures", "scipy.special", "statsmodels.tsa.ar_model", "statsmodels.tsa.seasonal",
)  # fmt: skip
_BEGUN = b"b"


@contextmanager
def ready_dbt(folder: Path, project: Path, environment: dict[str, str]) -> Iterator[None]:
    """Until the end of the block, the next dbt command that this process starts finds one waiting.

    folder: where it keeps what it parsed. project: dbt's project. environment: what its profile and sources read.
    Where the process is not there, or has served already, dbt starts as always. One refresh at a time has a folder,
    so whatever lies there was left by a killed one.
    """
    from pipelines.dbt.manifest import MANIFEST

    for left in folder.glob(".*"):
        shutil.rmtree(left, ignore_errors=True)
    scratch = folder / f".{os.getpid()}"
    scratch.mkdir(parents=True)
    # Never one of an older project: a partial parse of what changed loses some of it (dbt 1.11).
    (folder / PARSED).unlink(missing_ok=True)
    if (known := MANIFEST.with_name(PARSED)).exists():
        shutil.copyfile(known, folder / PARSED)
    address = scratch / "socket"
    places = dict.fromkeys(("DBT_TARGET_PATH", "DBT_LOG_PATH"), folder)
    places |= dict.fromkeys(("DBT_PROFILES_DIR", "DBT_PROJECT_DIR"), project)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.dbt.ready"],
        env={**os.environ, **environment, **{k: str(v) for k, v in places.items()}, ADDRESS: str(address)},
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.environ[ADDRESS] = str(address)
    try:
        yield
    finally:
        os.environ.pop(ADDRESS, None)
        process.kill()
        process.wait()
        shutil.rmtree(scratch, ignore_errors=True)


def hand_over(arguments: list[str], code: str) -> int | None:
    """Let the waiting process run a dbt command with this one's environment and output; its exit code.

    code: fingerprint of the project. None where no process waits: then nothing has run.
    """
    address = os.environ.pop(ADDRESS, None)
    if address is None:
        return None
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as line:
        try:
            os.chdir(Path(address).parent)  # a socket's address may not be longer than 107 bytes; a name always fits
            line.connect(Path(address).name)
        except OSError:
            return None
        finally:
            os.chdir(here)
        order = {"arguments": arguments, "code": code, "folder": str(here), "environment": dict(os.environ)}
        content = json.dumps(order).encode()
        try:
            socket.send_fds(line, [len(content).to_bytes(8, "big")], [1, 2])
            line.sendall(content)
            if line.recv(1) != _BEGUN:
                return None
        except OSError:
            return None
        answer = line.recv(1)
    return answer[0] if answer else 1


def _serve() -> None:
    """Import, parse, wait for one command, run it, tell its exit code and end."""
    from pipelines.core.fingerprint import code_fingerprint
    from pipelines.dbt.manifest import PLACES
    from pipelines.dbt.parent import PARENT, end_with

    address = Path(os.environ[ADDRESS])
    threading.Thread(target=end_with, args=(int(os.environ[PARENT]), address.parent), daemon=True).start()
    tempfile.tempdir = str(address.parent)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address.name)
    listener.listen(1)
    from dbt.cli.main import dbtRunner

    parsed_code = code_fingerprint(Path(os.environ["DBT_PROJECT_DIR"]))
    # Without this installation's folders, which would make dbt parse everything anew.
    history = {name: os.environ.pop(name) for name in PLACES}["DRUGFLOW_HISTORY"]
    manifest: Any = dbtRunner().invoke(["--quiet", "parse", "--no-write-json"]).result
    if manifest is not None and not _located(manifest, history):
        manifest = None
    for name in _LIBRARIES:
        __import__(name)
    gc.freeze()  # a million objects of libraries and the manifest, which stay to the end, are not searched again
    line, _ = listener.accept()
    listener.close()
    size, outputs, _, _ = socket.recv_fds(line, 8, 2)
    with line.makefile("rb") as stream:
        order = json.loads(stream.read(int.from_bytes(size, "big")))
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    for number, output in enumerate(outputs, 1):
        os.dup2(output, number)
        os.close(output)
    threading.Thread(target=_end_with_line, args=(line,), daemon=True).start()
    line.sendall(_BEGUN)
    usable = manifest if order["code"] == parsed_code and "--vars" not in order["arguments"] else None
    done = dbtRunner(manifest=usable).invoke(order["arguments"])
    if done.exception:
        print(done.exception, flush=True)
    line.sendall(bytes([0 if done.success else 2 if done.exception else 1]))


def _located(manifest: Any, history: str) -> bool:
    """Point every source of a parse at this installation's histories; False where one of them names another place.

    A manifest that still named the sample's histories would build them into an official release.
    """
    for source in manifest.sources.values():
        for meta in (source.meta, source.source_meta, source.config.meta):
            # Two of them may be one object.
            meta["external_location"] = str(meta.get("external_location")).replace(ANYWHERE, history)
            if history not in meta["external_location"]:
                return False
    return True


def _end_with_line(line: socket.socket) -> None:
    """Leave at once when the command that is served is stopped; DuckDB rolls back by itself."""
    line.recv(1)
    os._exit(1)


if __name__ == "__main__":
    _serve()
