"""Fixtures of the tests that bring bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.house import House, copied, furnish


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house with one good vintage. Read only: take a copy."""
    return furnish(tmp_path_factory.mktemp("house"))


@pytest.fixture
def house(furnished: House, tmp_path: Path) -> House:
    """A house of one's own with one good vintage."""
    return copied(furnished, tmp_path / "house")
