"""Temporary folders: gone with the block, and those of processes that were killed are removed by the next."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipelines.core.files import scratch_folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_gone_after_the_block(home: Path) -> None:
    with scratch_folder("dbt") as folder:
        (folder / "a").write_text("a")
    assert list(home.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_a_live_one_uses_is_not(home: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (home / f"drugflow-dbt-{dead.pid}-abc").mkdir()
    live = home / f"drugflow-quality-{os.getpid()}-abc"
    live.mkdir()
    with scratch_folder("dbt") as folder:
        assert set(home.iterdir()) == {live, folder}
