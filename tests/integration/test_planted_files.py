"""Lies planted into copies of the real files and told to the stages of one source: which check catches them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.quality.verdict import Check, Verdict
from tests.conftest import installation
from tests.integration.stage_tools import copy_vintage, run_stages

WONDER = "cdc_wonder_overdose"


def failed(verdict: Verdict) -> dict[str, Check]:
    """The checks that failed, by name."""
    return {c.id: c for c in verdict.checks if not c.passed}


# --- deaths by month: what no file brings -----------------------------------------------------------------------


@pytest.fixture
def queries(mirror: Path, tmp_path: Path) -> Path:
    """The saved queries of all drugs, a file a year."""
    return copy_vintage(mirror, WONDER, "2025-04-21", tmp_path / "mirror")


def test_a_year_whose_query_is_missing_is_held(queries: Path, tmp_path: Path) -> None:
    (queries / "WONDER_2021.txt").unlink()
    (verdict,) = run_stages(installation(tmp_path, f"mirror:{tmp_path / 'mirror'}"), WONDER)
    assert verdict.state == "held"
    assert {"no_month_cut_out", "no_state_cut_out"} <= set(failed(verdict))
    assert failed(verdict)["no_month_cut_out"].failing_rows == 12
    assert "2021-01-01" in failed(verdict)["no_month_cut_out"].detail
    assert "US-CA" in failed(verdict)["no_state_cut_out"].detail


def test_a_large_state_month_without_its_row_is_held(queries: Path, tmp_path: Path) -> None:
    file = queries / "WONDER_2021.txt"
    lines = file.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not (b"2021/03" in line and b"California" in line)]
    assert len(lines) - len(kept) == 1
    file.write_bytes(b"".join(kept))
    (verdict,) = run_stages(installation(tmp_path, f"mirror:{tmp_path / 'mirror'}"), WONDER)
    assert (verdict.state, set(failed(verdict))) == ("held", {"no_state_cut_out"})
    said = failed(verdict)["no_state_cut_out"].detail
    assert all(word in said for word in ("drug_overdose", "US-CA", "2021-03-01"))


@pytest.mark.parametrize("vintage", ["2025-04-21", "2025-10-01"])
def test_the_months_that_are_really_hidden_hold_nothing(mirror: Path, tmp_path: Path, vintage: str) -> None:
    copy_vintage(mirror, WONDER, vintage, tmp_path / "mirror")
    (verdict,) = run_stages(installation(tmp_path, f"mirror:{tmp_path / 'mirror'}"), WONDER)
    assert (verdict.state, failed(verdict)) == ("accepted", {})
