"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

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


def _built(folder: Path, origin: str) -> Settings:
    """An installation refreshed once by the first of the test runner's processes that asks for it."""
    settings = installation(folder, origin)
    done = folder / "done"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / ".lock"):
        if not done.exists():
            outcome = run_refresh(settings)
            assert outcome.exit_code == 0, (outcome.failure, outcome.blocked)
            done.touch()
    return settings


@pytest.fixture(scope="session")
def official_release(mirror: Path, shared_folder: Path) -> Settings:
    """An installation refreshed once from the whole mirror of real files. Read only: do not refresh it again."""
    return _built(shared_folder / "official", f"mirror:{mirror}")


@pytest.fixture(scope="session")
def sample_release(shared_folder: Path) -> Settings:
    """An installation refreshed once from the embedded sample. Read only: do not refresh it again."""
    return _built(shared_folder / "sample", "sample")


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep on one process what shares a dear fixture: a file, the hostile files, what follows the second release."""
    for item in items:
        if item.get_closest_marker("long"):
            # Each brings its own installation, so it runs wherever there is a place.
            continue
        group = "faults" if "faults" in item.path.parts else item.path.name
        if "second_publish" in getattr(item, "fixturenames", ()):
            group = "second_publish"
        item.add_marker(pytest.mark.xdist_group(group))
