"""The models' own tests: dbt's unit tests pass, and its data tests notice what they are there for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.catalog.dictionary import load_dictionary
from pipelines.core.settings import PROJECT_ROOT, Settings

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
DBT = str(Path(sys.executable).with_name("dbt"))
UNIT_TESTS = 60
"""As many as there were when this was written: a file that dbt does not read any more would pass in silence."""


def declared() -> list[dict[str, Any]]:
    """The unit tests that the properties files of the models declare."""
    files = sorted((DBT_PROJECT / "models").rglob("*.unit.yml"))
    return [test for file in files for test in yaml.safe_load(file.read_text("utf-8"))["unit_tests"]]


def dbt_test(settings: Settings, folder: Path, *select: str, command: str = "test") -> dict[str, str]:
    """Outcome of each selected test (or model, with run) against the build file in a folder, by name."""
    project = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    done = subprocess.run(
        [
            DBT,
            "--log-path",
            str(folder),
            command,
            "--select",
            *select,
            *project,
            "--target-path",
            str(folder / "target"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "DRUGFLOW_BUILD_FILE": str(folder / "drugflow.duckdb"),
            "DRUGFLOW_HISTORY": str(settings.stage("history", "sample")),
            "PYTHONPATH": str(PROJECT_ROOT),
        },
    )
    results = folder / "target" / "run_results.json"
    assert results.exists(), done.stdout[-3000:] + done.stderr[-1000:]
    outcomes = json.loads(results.read_text("utf-8"))["results"]
    return {r["unique_id"].split(".")[2 if r["unique_id"].startswith("test.") else -1]: r["status"] for r in outcomes}


def build_copy(settings: Settings, folder: Path) -> Path:
    """A copy of the sample's build file: dbt needs the relations that a unit test stands in for, with their types."""
    shutil.copy(settings.stage("build", "sample") / "drugflow.duckdb", folder / "drugflow.duckdb")
    return folder / "drugflow.duckdb"


@pytest.fixture(scope="module")
def unit_outcomes(sample_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("dbt_units")
    build_copy(sample_release, folder)
    return dbt_test(sample_release, folder, "test_type:unit")


def test_every_unit_test_passes(unit_outcomes: dict[str, str]) -> None:
    assert {name: status for name, status in unit_outcomes.items() if status != "pass"} == {}


def test_every_declared_unit_test_ran(unit_outcomes: dict[str, str]) -> None:
    assert set(unit_outcomes) == {test["name"] for test in declared()}
    assert len(unit_outcomes) >= UNIT_TESTS


PROVEN = {
    # The two models that it puts together have unit tests: int_deaths_published and int_deaths_derived.
    "test_known_deaths.py": {"overdose_deaths_monthly"},
    "test_known_statistics.py": {"change_points", "anomalies", "lead_lag", "revision_profile", "nowcast"},
    "test_known_comparisons.py": {
        "seizures_per_crossing", "corridor_trends", "drug_mix", "concentration", "dose_range", "statutory_rate",
        "centre_of_mass", "fytd_pace", "reconciliation",
    },
}  # fmt: skip
"""Tables whose formulas are held to published answers and to the raw files instead, by the test file that does so."""


def test_each_released_fact_and_trend_has_unit_tests_or_known_answers() -> None:
    released = {t.name for t in load_dictionary() if t.table_schema == "marts" and not t.name.startswith("dim_")}
    assert released - {test["model"] for test in declared()} - set().union(*PROVEN.values()) == set()
    for file, tables in PROVEN.items():
        text = (Path(__file__).parent / file).read_text("utf-8")
        assert [table for table in sorted(tables) if f"marts.{table}" not in text] == []


LIES = {
    "a row is lost": (
        "delete from marts.seizures_monthly"
        " where rowid = (select min(rowid) from marts.seizures_monthly where not is_filled)",
        "seizures_account_for_every_row",
    ),
    "a filled zero is not zero": (
        "update marts.amo_seizures_monthly set quantity_lb = 1"
        " where rowid = (select min(rowid) from marts.amo_seizures_monthly where is_filled)",
        "amo_seizures_account_for_every_row",
    ),
    "a row is doubled under another key": (
        "insert into marts.border_crossings_monthly select * replace (date '1990-01-01' as month)"
        " from marts.border_crossings_monthly where crossings > 0 limit 1",
        "crossings_account_for_every_row",
    ),
    "a month is not in the calendar": (
        "delete from marts.dim_month where month = date '2023-10-01'",
        "facts_have_their_month",
    ),
    "a figure is changed": (
        "update marts.overdose_deaths_12mo set deaths_reported = deaths_reported + 1"
        " where jurisdiction_id = 'US' and indicator_id = 'drug_overdose'",
        "overdose_deaths_account_for_every_row",
    ),
    "a missing part counts as zero": (
        "update marts.overdose_deaths_12mo set deaths_reported = 0"
        " where jurisdiction_id = 'US-NY' and indicator_id = 'drug_overdose'",
        "new_york_adds_up",
    ),
    "a suppressed month is read as zero": (
        "update marts.overdose_deaths_monthly set deaths = 0 where missing_reason = 'suppressed'",
        "monthly_deaths_account_for_every_row",
    ),
    "a scope is added to another": (
        "update marts.seizure_trends set value = 2 * value + 1 where scope = 'national' and measure = 'quantity_kg'",
        "seizure_trends_add_up",
    ),
    "a basis is lost": (
        "delete from marts.overdose_trends where basis = 'predicted' and jurisdiction_id = 'US'",
        "overdose_trends_account_for_every_row",
    ),
    "a drug is not in the dimension": (
        "delete from marts.dim_drug where drug_id = 'khat'",
        "relationships_seizures_monthly_drug_id__drug_id__ref_dim_drug_",
    ),
    "a port is not in the dimension": (
        "delete from marts.dim_port where port_code = (select min(port_code) from marts.border_crossings_monthly)",
        "relationships_border_crossings_monthly_port_code__port_code__ref_dim_port_",
    ),
    "an area is not in the dimension": (
        "delete from marts.dim_area where area_id = 'tucson_field_office'",
        "relationships_seizures_monthly_area_id__area_id__ref_dim_area_",
    ),
    "a jurisdiction is not in the dimension": (
        "delete from marts.dim_jurisdiction where jurisdiction_id = 'US-NYC'",
        "relationships_population_yearly_jurisdiction_id__jurisdiction_id__ref_dim_jurisdiction_",
    ),
}
"""Lies told to a build, and the data test that must notice each."""


@pytest.fixture(scope="module")
def outcomes_of_lies(sample_release: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("dbt_lies")
    with duckdb.connect(str(build_copy(sample_release, folder))) as connection:
        for sql, _ in LIES.values():
            connection.execute(sql)
    return dbt_test(sample_release, folder, "test_type:singular", "test_name:relationships")


@pytest.mark.parametrize(("lie", "noticed_by"), [(lie, name) for lie, (_, name) in LIES.items()])
def test_a_lie_is_noticed(outcomes_of_lies: dict[str, str], lie: str, noticed_by: str) -> None:
    assert outcomes_of_lies[noticed_by] == "fail", lie


LOST = ("2504", "2023-05-01", "pedestrians")
"""San Ysidro's pedestrians of a month, about half of those of its corridor."""


@pytest.fixture(scope="module")
def without_a_ports_month(
    sample_release: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[duckdb.DuckDBPyConnection, int]]:
    """A build that lost that row before its sums were made, with the whole one beside it; and what the row said."""
    folder = tmp_path_factory.mktemp("dbt_lost_port")
    with duckdb.connect(str(build_copy(sample_release, folder))) as connection:
        (lost,) = connection.execute(
            "delete from marts.border_crossings_monthly where (port_code, month, measure_id) = (?, ?::date, ?) "
            "returning crossings",
            LOST,
        ).fetchall()
    outcomes = dbt_test(sample_release, folder, "int_crossing_gaps+", command="run")
    assert set(outcomes.values()) == {"success"}
    connection = duckdb.connect(str(folder / "drugflow.duckdb"), read_only=True)
    connection.execute(f"attach '{sample_release.stage('build', 'sample') / 'drugflow.duckdb'}' as whole (read_only)")
    yield connection, lost[0]
    connection.close()


def test_the_month_of_a_big_port_that_is_lost_leaves_a_flag_and_no_yearly_sum(
    without_a_ports_month: tuple[duckdb.DuckDBPyConnection, int],
) -> None:
    connection, lost = without_a_ports_month
    found = connection.execute(
        """
        select ours.month, whole.value - ours.value, ours.ports_missing, whole.rolling_12 is null,
            ours.rolling_12 is null, ours.yoy_12 is null, ours.null_reason
        from marts.crossing_trends as ours
        join whole.marts.crossing_trends as whole using (month, scope, scope_id, measure_id)
        where scope_id = 'san_diego' and measure_id = 'pedestrians'
            and month in ('2023-04-01', '2023-05-01', '2024-04-01', '2024-05-01', '2025-04-01', '2025-05-01')
        order by month
        """
    ).fetchall()
    assert [row[1:] for row in found] == [
        (0, 0, False, False, False, None),
        (lost, 1, False, True, True, "missing_port"),
        (0, 0, False, True, True, "missing_port"),
        (0, 0, False, False, True, None),
        (0, 0, False, False, True, None),
        (0, 0, False, False, False, None),
    ]


def test_the_month_of_a_big_port_that_is_lost_marks_the_rates(
    without_a_ports_month: tuple[duckdb.DuckDBPyConnection, int],
) -> None:
    connection, lost = without_a_ports_month
    found = connection.execute(
        """
        select ours.scope_id, whole.crossings - ours.crossings, ours.is_crossings_incomplete,
            whole.is_crossings_incomplete
        from marts.seizures_per_crossing as ours
        join whole.marts.seizures_per_crossing as whole using (period, month, scope_id, drug_id)
        where period = 'fiscal_year' and drug_id = 'fentanyl' and ours.fiscal_year = 2023
            and scope_id in ('san_diego', 'tucson')
        order by scope_id
        """
    ).fetchall()
    assert found == [("san_diego", lost, True, False), ("tucson", 0, False, False)]
    (month,) = connection.execute(
        "select ports_missing, crossings_missing_share > 0.01 from marts.corridor_trends "
        "where corridor_id = 'san_diego' and month = ?::date",
        LOST[1:2],
    ).fetchall()
    assert month == (1, True)
