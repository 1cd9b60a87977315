"""dbt that waits for its command: the command's own environment, output and exit code, and nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.core.settings import DBT_PROJECT, Settings
from pipelines.dbt.manifest import DBT, dbt_environment
from pipelines.dbt.ready import _located, ready_dbt

PLACES = {"DBT_PROFILES_DIR": str(DBT_PROJECT), "DBT_LOG_FORMAT": "json"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("build")
    return dbt_environment(Settings(data_marts=folder), "sample")


def dbt(environment: dict[str, str], target: Path, *arguments: str) -> subprocess.Popen[str]:
    places = {**PLACES, "DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": str(target)}
    return subprocess.Popen(
        [sys.executable, *DBT, *arguments],
        env={**os.environ, **environment, **places},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for_socket(folder: Path) -> None:
    """A command that comes before the socket is there runs by itself."""
    for _ in range(600):
        if list(folder.glob(".*/socket")):
            return
        time.sleep(0.1)
    pytest.fail("no dbt waits")


def pids(output: str) -> set[int]:
    return {json.loads(line)["info"]["pid"] for line in output.splitlines() if line.startswith("{")}


@pytest.fixture(scope="module")
def served(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, int, str]]:
    """Two commands while one dbt waits: each with its process id, exit code and output; the folder afterwards."""
    folder = tmp_path_factory.mktemp("ready")
    found = []
    with ready_dbt(folder, DBT_PROJECT, environment):
        wait_for_socket(folder)
        for arguments in (["list", "--select", "dim_month"], ["list", "--select", "dim_area", "--nonsense"]):
            process = dbt(environment, folder / "target", *arguments)
            output, _ = process.communicate(timeout=120)
            found.append((process.pid, process.returncode, output))
    assert not list(folder.glob(".*")), "the socket and its folder are gone"
    return found


def test_the_first_command_is_run_by_the_process_that_waits(served: list[tuple[int, int, str]]) -> None:
    pid, code, output = served[0]
    assert code == 0
    assert "drugflow.marts.shared.dim_month" in output
    assert pids(output)
    assert pid not in pids(output)


def test_the_next_command_runs_by_itself_and_its_failure_is_its_exit_code(
    served: list[tuple[int, int, str]],
) -> None:
    _, code, output = served[1]
    assert code == 2
    assert "--nonsense" in output


def test_a_failure_of_the_process_that_waits_is_the_commands_exit_code(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with ready_dbt(tmp_path / "ready", DBT_PROJECT, environment):
        wait_for_socket(tmp_path / "ready")
        process = dbt(environment, tmp_path / "target", "list", "--nonsense")
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "nonsense" in output


@pytest.mark.parametrize(
    ("place", "located"),
    [("../data_marts/history/sample", True), ("/another/history", False)],
    ids=["known", "another"],
)
def test_a_parse_that_names_another_place_of_histories_is_not_used(place: str, located: bool) -> None:
    """It would build the sample's figures into an official release."""
    metas = [{"external_location": f"read_parquet('{place}/{{name}}.parquet')"} for _ in range(2)]
    config = SimpleNamespace(meta=metas[0])
    source = SimpleNamespace(meta=metas[0], source_meta=metas[1], config=config)
    assert _located(SimpleNamespace(sources={"cbp": source}), "/ours/history/official") is located
    if located:
        assert {m["external_location"] for m in metas} == {"read_parquet('/ours/history/official/{name}.parquet')"}
