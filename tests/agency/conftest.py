"""Fixtures of the tests against an agency of our own on loopback."""

from __future__ import annotations

from calendar import month_name
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.catalog.load import load_catalog
from pipelines.core.settings import Settings
from tests.agency.server import Agency, DataSet, serving

VSRR_UPDATED = 1752674192
"""rowsUpdatedAt of xkb8-kh2a as the CDC gave it: 2025-07-16 13:56:32 UTC."""


@pytest.fixture
def agency() -> Iterator[Agency]:
    """An agency with one Socrata data set of seven rows in the form of the CDC's."""
    with serving() as running:
        running.sets["xkb8-kh2a"] = DataSet(vsrr_csv(), VSRR_UPDATED)
        yield running


@pytest.fixture
def live(agency: Agency, tmp_path: Path) -> Settings:
    """An installation whose agencies all answer from loopback, with waits of hundredths of a second."""
    return settings_of(agency, tmp_path)


def settings_of(agency: Agency, folder: Path, **updates: object) -> Settings:
    hosts = {h for s in load_catalog().values() for h in s.fetch.hosts}
    values = {
        "origin": "live",
        "data_raw": folder / "data_raw",
        "data_marts": folder / "data_marts",
        "dagster_home": folder / "dagster_home",
        "live_endpoints": dict.fromkeys(hosts, agency.address),
        "live_interval_seconds": 0,
        "live_timeout_seconds": 0.3,
        "live_deadline_seconds": 0.3,
        "live_attempts": 3,
        "live_backoff_seconds": 0.01,
        "live_longest_wait_seconds": 2,
        "live_pause_seconds": 0,
        **updates,
    }
    return Settings.model_validate(values)


VSRR_HEADER = "State,Year,Month,Period,Indicator,Data Value,Percent Complete,Percent Pending Investigation,State Name,Footnote,Footnote Symbol,Predicted Value"  # noqa: E501


def vsrr_csv(rows: int = 7, value: int = 1000) -> bytes:
    """A small file in the form of the CDC's, one row a month of 2024."""
    lines = [VSRR_HEADER]
    for month in month_name[1 : rows + 1]:
        lines.append(
            f'AK,2024,{month},12 month-ending,Number of Drug Overdose Deaths,"{value:,}",100,0.1,Alaska,,,{value}'
        )
    return ("\n".join(lines) + "\n").encode()
