"""Fixtures of the tests that bring bad input, and of those that break a refresh."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from pipelines.core.settings import Settings
from tests.faults.house import House, copied, furnish
from tests.faults.moments import NEW_VINTAGES
from tests.faults.processes import duplicate, run


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house with one good vintage. Read only: take a copy."""
    return furnish(tmp_path_factory.mktemp("house"))


@pytest.fixture
def house(furnished: House, tmp_path: Path) -> House:
    """A house of one's own with one good vintage."""
    return copied(furnished, tmp_path / "house")


@pytest.fixture(scope="session")
def older(sample_release: Settings, shared_folder: Path) -> Settings:
    """An installation whose release lacks the newest vintage of two sources. Read only: take a copy."""
    folder = shared_folder / "older"
    with FileLock(shared_folder / ".older.lock"):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            own = duplicate(sample_release, folder)
            (own.data_marts / "refresh-sample.json").unlink()
            for source, vintage in NEW_VINTAGES:
                shutil.rmtree(own.data_raw / "sample" / source / vintage)
                shutil.rmtree(own.data_marts / "clean" / "sample" / source / vintage)
            code, said = run(own, "refresh", "--origin", "archive:sample")
            assert code == 0, said
            (folder / "done").touch()
    settings = sample_release.model_copy(update={"lock_timeout_seconds": 0, "keep_releases": 1})
    places = {name: folder / name for name in ("data_raw", "data_marts", "dagster_home")}
    return settings.model_copy(update=places)
