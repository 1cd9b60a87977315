"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
