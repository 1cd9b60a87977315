"""dbt's manifest: parsed again where the project changed, by one process at a time. Imports neither Dagster nor dbt."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from pipelines.core.errors import DrugflowError
from pipelines.core.fingerprint import code_fingerprint
from pipelines.core.settings import DBT_PROJECT, PROJECT_ROOT, Settings
from pipelines.core.types import Realm
from pipelines.dbt.parent import PARENT

MANIFEST = DBT_PROJECT / "target" / "manifest.json"
DBT = ["-m", "pipelines.dbt.process"]
"""Arguments that make this Python dbt."""


PLACES = ("DRUGFLOW_BUILD_FILE", "DRUGFLOW_HISTORY")
"""What an installation tells dbt of its folders. A parse is made without: it then serves every installation."""


def dbt_environment(settings: Settings, realm: Realm) -> dict[str, str]:
    """What the project's profile and sources, and the process itself, read from the environment."""
    return {
        "DRUGFLOW_BUILD_FILE": str(settings.stage("build", realm).resolve() / "drugflow.duckdb"),
        "DRUGFLOW_HISTORY": str(settings.stage("history", realm).resolve()),
        "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        "DBT_PROJECT_DIR": str(DBT_PROJECT),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        # Its file of every debug event costs a tenth of a build.
        "DBT_LOG_LEVEL_FILE": "info",
        PARENT: str(os.getpid()),
    }


def prepare_manifest() -> Path:
    """Parse the project where its files changed since the last time.

    Raises DrugflowError with dbt's own words where it cannot be parsed.
    """
    MANIFEST.parent.mkdir(exist_ok=True)
    mark = MANIFEST.with_name("manifest.mark")
    with FileLock(MANIFEST.with_name(".manifest.lock")):
        code = code_fingerprint(DBT_PROJECT)
        if MANIFEST.exists() and mark.exists() and mark.read_text() == code:
            return MANIFEST
        # A parse that is killed must not pass for whole under the mark of the one before.
        mark.unlink(missing_ok=True)
        # Whole: of a project that changed, a partial parse loses what some of its tests say (dbt 1.11).
        command = [
            "--quiet",
            "parse",
            "--no-partial-parse",
            "--project-dir",
            str(DBT_PROJECT),
            "--profiles-dir",
            str(DBT_PROJECT),
        ]
        environment = {**os.environ, **dbt_environment(Settings(), "sample"), "DBT_LOG_PATH": str(MANIFEST.parent)}
        done = subprocess.run(
            [sys.executable, *DBT, *command],
            capture_output=True,
            text=True,
            # An installation may write into dbt's target alone.
            env={name: value for name, value in environment.items() if name not in PLACES},
            check=False,
        )
        if done.returncode:
            raise DrugflowError(f"dbt cannot parse its project: {done.stdout[-2000:]} {done.stderr[-500:]}")
        mark.write_text(code)
    return MANIFEST


if __name__ == "__main__":
    prepare_manifest()
