"""The bench on which vintages are judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.quality.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty bench."""
    return Bench(tmp_path)
