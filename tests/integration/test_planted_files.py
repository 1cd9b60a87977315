"""Lies planted into copies of the real files and told to the stages of one source: which check catches them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from pipelines.archive.vintages import list_archive
from pipelines.catalog.load import get_source
from pipelines.quality.verdict import Check, Verdict, retract
from pipelines.status.account import read_account
from pipelines.status.overview import read_status
from tests.conftest import installation
from tests.integration.stage_tools import copy_vintage, coverage, derive, history, run_stages

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


# --- seizures: a place or a year under another label -------------------------------------------------------------

CBP = "cbp_drug_seizures"


@pytest.fixture
def seizures(mirror: Path, tmp_path: Path) -> Path:
    """The newest file of seizures."""
    (file,) = copy_vintage(mirror, CBP, "2026-01-15", tmp_path / "mirror").glob("*.csv")
    return file


def judged(file: Path) -> Verdict:
    folder = file.parents[3]
    (verdict,) = run_stages(installation(folder, f"mirror:{folder / 'mirror'}"), file.parents[1].name)
    return verdict


def test_an_area_that_changes_its_region_is_held(seizures: Path) -> None:
    """From fiscal year 2025 on Tucson lies at the coast: the Southwest Border would lose it."""
    text = seizures.read_bytes()
    old, new = b",Southwest Border,", b",Coastal/Interior,"
    lines = [
        line.replace(old, new) if line.startswith((b"2025", b"2026")) and b",TUCSON FIELD OFFICE," in line else line
        for line in text.splitlines(keepends=True)
    ]
    seizures.write_bytes(b"".join(lines))
    verdict = judged(seizures)
    assert verdict.state == "held"
    assert "tucson_field_office" in failed(verdict)["area_as_listed"].detail
    assert "coastal_interior" in failed(verdict)["area_as_listed"].detail


def test_a_running_year_without_its_mark_is_open_and_told(seizures: Path) -> None:
    seizures.write_bytes(seizures.read_bytes().replace(b"2026 (FYTD)", b"2026"))
    verdict = judged(seizures)
    assert (verdict.state, set(failed(verdict))) == ("accepted", {"closed_year_is_over"})
    assert "2026" in failed(verdict)["closed_year_is_over"].detail
    settings = installation(seizures.parents[3], f"mirror:{seizures.parents[2]}")
    assert dict(coverage(settings, CBP).select("scope", "is_open").iter_rows())["2026"] is True


# --- a file under another release date ----------------------------------------------------------------------------


def test_a_retracted_vintage_leaves_every_table_and_stays_in_the_archive(mirror: Path, tmp_path: Path) -> None:
    """The file of January 2026 archived once more as if it were of February, with another figure in the open year."""
    source = "cbp_drug_seizures"
    copy_vintage(mirror, source, "2026-01-15", tmp_path / "mirror")
    settings = installation(tmp_path, f"mirror:{tmp_path / 'mirror'}")
    run_stages(settings, source)
    right = history(settings, source)
    (file,) = copy_vintage(mirror, source, "2026-01-15", tmp_path / "mirror", "2026-02-15").glob("*.csv")
    spoilt = re.sub(rb"(?m)^(2026 \(FYTD\),.*,\d+),[\d.]+(\r?)$", rb"\1,99\2", file.read_bytes(), count=1)
    assert spoilt != file.read_bytes()
    file.write_bytes(spoilt)
    run_stages(settings, source)
    assert not history(settings, source).equals(right)

    retract(settings.data_raw, "official", source, "2026-02-15", "It is a spoilt copy of the file of January.")
    derive(settings, source)
    assert history(settings, source).equals(right)
    account = read_account(settings, "official", get_source(source))
    assert [(v["archive_id"], v["state"]) for v in account.vintages] == [
        ("2026-01-15", "accepted"), ("2026-02-15", "held"),
    ]  # fmt: skip
    assert account.vintages[1]["problem"].endswith("It is a spoilt copy of the file of January.")
    assert account.waiting == []
    (shown,) = (s for s in read_status(settings, "official", date(2026, 2, 20))["sources"] if s["source"] == source)
    assert shown["state"] != "blocked"
    assert [(h["vintage"], h["retracted"]) for h in shown["held"]] == [("2026-02-15", True)]
    assert "spoilt copy" in shown["held"][0]["why"]
    assert f"drugflow accept {source} 2026-02-15" in shown["held"][0]["how_to_go_on"]
    for vintage in list_archive(settings.data_raw, "official", source):
        vintage.verify()
