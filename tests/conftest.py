"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.definitions import build_definitions
from pipelines.orchestration.refresh import Outcome, refresh
from pipelines.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real public files; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("DRUGFLOW_REAL_DATA", ROOT.parent / "shared" / "real_data"))
    if not (folder / "mirror").is_dir():
        pytest.skip(f"the real files are not at {folder}: set DRUGFLOW_REAL_DATA to the folder that has mirror/")
    return folder.resolve()


@pytest.fixture(scope="session")
def mirror(real_data: Path) -> Path:
    """The mirror of real files: <source>/<release date>/<files>."""
    return real_data / "mirror"


def installation(folder: Path, origin: str) -> Settings:
    """Settings of an installation of its own below a temporary folder."""
    return Settings(
        origin=origin,
        data_raw=folder / "data_raw",
        data_marts=folder / "data_marts",
        dagster_home=folder / "dagster_home",
    )


def run_refresh(settings: Settings, *sources: str, full: bool = False) -> Outcome:
    """One refresh as the command line does it, without its terminal."""
    return refresh(settings, list(sources), full, lambda _step, _word: None, build_definitions)


@pytest.fixture(scope="session")
def official_release(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation refreshed once from the whole mirror of real files. Read only: do not refresh it again."""
    settings = installation(tmp_path_factory.mktemp("official"), f"mirror:{mirror}")
    outcome = run_refresh(settings)
    assert outcome.exit_code == 0, (outcome.failure, outcome.blocked)
    return settings


@pytest.fixture(scope="session")
def sample_release(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation refreshed once from the embedded sample. Read only: do not refresh it again."""
    settings = installation(tmp_path_factory.mktemp("sample"), "sample")
    outcome = run_refresh(settings)
    assert outcome.exit_code == 0, (outcome.failure, outcome.blocked)
    return settings
