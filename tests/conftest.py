"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from xdist.scheduler import LoadScopeScheduling

from pipelines.core.settings import Settings
from pipelines.definitions import run_refresh_job
from pipelines.refresh.protocol import refreshing
from pipelines.refresh.refresh import Outcome, refresh

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
    """One refresh as the command line does it, without its terminal.

    The processes of the command line import Great Expectations anew for each; here it is imported once for all tests.
    """
    import great_expectations  # noqa: F401

    with refreshing(settings, "the tests", lambda _said: None) as running:
        return refresh(running, list(sources), full, lambda _step, _word: None, run_refresh_job)


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


READERS_OF_SECOND_PUBLISH = ("integration/test_lies.py", "integration/test_release_contract.py")


class ByDearFixture(LoadScopeScheduling):  # type: ignore[misc]
    """One process for what shares a dear fixture: a file, the hostile files with each other, readers of one release.

    Long tests bring an installation each, so they run wherever there is a place. Groups of xdist_group did this until
    pytest 9.2, with which xdist 3.8 forgets them in silence and every dear fixture was made twice.
    """

    def _split_scope(self, nodeid: str) -> str:
        if self.config.option.markexpr == "long":
            return nodeid
        file = nodeid.split("::")[0]
        if file.endswith(READERS_OF_SECOND_PUBLISH):
            return "second_publish"
        return "faults" if "faults" in file.split("/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByDearFixture:
    """See ByDearFixture."""
    return ByDearFixture(config, log)
