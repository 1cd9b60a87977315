"""drugflow asof DATE: what was known on a day, from the archive alone, beside the current release."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr

from pipelines.core.errors import DrugflowError
from pipelines.core.settings import Settings
from pipelines.definitions import run_refresh_job
from pipelines.refresh.as_of import look_back
from pipelines.refresh.lock import BusyError, turn
from pipelines.releases.manifest import Manifest

DAY = date(2025, 2, 1)
LAST_VSRR = "cdc_vsrr_overdose/2025-01-08"


@pytest.fixture(scope="module")
def place(official_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The official archive with derived folders of its own."""
    folder = tmp_path_factory.mktemp("look_back")
    own = official_release.model_copy(
        update={"data_marts": folder / "data_marts", "dagster_home": folder / "dagster_home"}
    )
    for stage in ("clean", "quality"):
        shutil.copytree(official_release.data_marts / stage, own.data_marts / stage)
    return own


@pytest.fixture(scope="module")
def manifest(place: Settings) -> Manifest:
    return look_back(place, DAY, lambda _step, _word: None, run_refresh_job, print)


@pytest.fixture(scope="module")
def then(place: Settings, manifest: Manifest) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database of that day."""
    path = place.data_marts / "asof" / DAY.isoformat() / "drugflow.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def test_no_vintage_published_later_is_in_it(then: duckdb.DuckDBPyConnection):
    newest = dict(then.execute("select source_id, max(vintage) from meta.vintages group by all").fetchall())
    assert newest == {
        "cbp_amo_drug_seizures": date(2022, 11, 15),
        "cbp_drug_seizures": date(2024, 4, 8),
        "cdc_vsrr_overdose": date(2025, 1, 8),
        "bts_border_crossings": date(2022, 9, 27),
        "census_population": date(2024, 12, 19),
    }


def test_it_says_what_it_is(then: duckdb.DuckDBPyConnection):
    assert then.execute("select origin from meta.release").fetchall() == [("archive:official as of 2025-02-01",)]


def test_a_trend_reads_as_the_file_of_the_time_says(then: duckdb.DuckDBPyConnection, mirror: Path):
    """Deaths in the twelve months to December 2023, 107,682 and 108,472 then, and their change over a year."""
    (file,) = (p for p in (mirror / LAST_VSRR).iterdir() if p.name != "vintage.json")
    raw = (
        "select replace(\"Data Value\", ',', '')::double, replace(\"Predicted Value\", ',', '')::double "
        f"from read_csv('{file}', all_varchar = true) where \"State\" = 'US' and \"Year\" = ? "
        "and \"Month\" = 'December' and \"Indicator\" = 'Number of Drug Overdose Deaths'"
    )
    then_2023, then_2022 = (then.execute(raw, [year]).fetchall() for year in ("2023", "2022"))
    rows = then.execute(
        "select deaths, yoy_12 from marts.overdose_trends where jurisdiction_id = 'US' "
        "and indicator_id = 'drug_overdose' and month_ending = date '2023-12-01' order by basis desc"
    ).fetchall()
    assert [deaths for deaths, _ in rows] == list(then_2023[0]) == [107682, 108472]
    assert [yoy for _, yoy in rows] == pytest.approx(
        [(now - before) / before for now, before in zip(then_2023[0], then_2022[0], strict=True)]
    )


def test_doses_do_not_rest_on_what_was_published_later(then: duckdb.DuckDBPyConnection):
    """Parameters of fiscal year 2024 came out on 15 May 2025, and the file of the time ends within that year."""
    rows = then.execute(
        "select fiscal_year, citation, powder_purity, high_doses, null_reason from marts.dose_range "
        "where fiscal_year >= 2023 order by fiscal_year"
    ).fetchall()
    nothing = (None, None, None)
    assert rows == [(2023, *nothing, "no_parameters"), (2024, *nothing, "year_incomplete")]


def test_a_break_that_was_not_published_yet_marks_nothing(then: duckdb.DuckDBPyConnection):
    """The footer that tells of North Carolina came with the query of 2025-04-21: its 4,025 deaths had a change then."""
    found = then.execute(
        "select deaths, is_break_affected, yoy_12 is null from marts.overdose_trends where jurisdiction_id = 'US-NC' "
        "and indicator_id = 'drug_overdose' and month_ending = date '2023-12-01' and basis = 'reported'"
    ).fetchall()
    assert found == [(4025, False, False)]


def test_before_the_final_national_series_its_statistics_say_that_there_is_none(then: duckdb.DuckDBPyConnection):
    """It was shipped on 2026-11-24: no correlation, and a row for each promised series of the nation."""
    lags = then.execute("select distinct no_estimate_reason, months, levels from marts.lead_lag").fetchall()
    assert lags == [("no_final_series_yet", 0, None)]
    series = then.execute(
        "select series_id, k_max, no_estimate_reason from marts.change_points where place_id = 'US' order by all"
    ).fetchall()
    promised = [f"deaths/US/{i}" for i in ("drug_overdose", "synthetic_opioids_t404")]
    assert series == [(name, k, "no_final_series_yet") for name in promised for k in (3, 4)]


def test_nothing_is_left_but_the_release_of_that_day(place: Settings, manifest: Manifest):
    # It took the turn, which leaves a lock and who had it.
    assert sorted(p.name for p in place.data_marts.iterdir()) == [
        ".turn.json",
        ".turn.lock",
        "asof",
        "clean",
        "quality",
    ]
    assert [p.name for p in (place.data_marts / "asof").iterdir()] == [DAY.isoformat()]
    assert not place.dagster_home.exists()


def test_the_current_stages_are_as_they_were(place: Settings, manifest: Manifest, official_release: Settings):
    """It takes clean rows and verdicts over, and another day has other verdicts on the same vintages."""
    for stage in ("clean", "quality"):
        ours, theirs = place.data_marts / stage, official_release.data_marts / stage
        files = sorted(p.relative_to(theirs) for p in theirs.rglob("*") if p.is_file())
        assert sorted(p.relative_to(ours) for p in ours.rglob("*") if p.is_file()) == files
        assert [p for p in files if (ours / p).read_bytes() != (theirs / p).read_bytes()] == []


def test_a_day_before_the_first_vintage_is_refused_with_that_vintage(place: Settings):
    with pytest.raises(DrugflowError, match=r"nothing that was published until 2017-12-15: .* 2017-12-16"):
        look_back(place, date(2017, 12, 15), lambda _step, _word: None, run_refresh_job, print)


def test_no_variable_of_the_environment_makes_a_refresh_look_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DRUGFLOW_AS_OF", "2020-01-01")
    monkeypatch.setenv("DRUGFLOW__AS_OF", "2020-01-01")
    assert Settings().as_of is None


def test_it_steps_aside_where_a_refresh_keeps_the_turn(place: Settings):
    hurried = place.model_copy(update={"lock_timeout_seconds": 0})
    with turn(place, "drugflow refresh", print), pytest.raises(BusyError, match="drugflow refresh, process"):
        look_back(hurried, DAY, lambda _step, _word: None, run_refresh_job, print)


def test_a_state_of_long_ago_alerts_nobody(place: Settings):
    loud = place.model_copy(update={"alert_urls": SecretStr("json://127.0.0.1:1/")})
    assert loud.looking_back(DAY, "official", place.data_marts / "elsewhere").alert_urls is None
