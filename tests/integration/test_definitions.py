"""What Dagster loads: the asset graph, what every asset says of itself, and what loading costs.

The whole graph is in docs/asset_graph.txt, which test_generated compares.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from pipelines.catalog.dictionary import dictionary_rows
from pipelines.catalog.load import load_catalog
from pipelines.core.settings import Settings
from pipelines.definitions import build_definitions
from pipelines.orchestration.asset_graph import graph_text
from pipelines.quality.expectations import expectations_of
from tests.conftest import ROOT, installation

SOURCES = [s for s in load_catalog().values() if s.status == "active"]
SUBJECTS = {"seizures", "deaths", "crossings", "mexico", "southbound"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation with a night of its own."""
    own = installation(tmp_path_factory.mktemp("definitions"), "sample")
    return own.model_copy(update={"nightly_cron": "30 2 * * 1-5", "nightly_timezone": "America/Mexico_City"})


@pytest.fixture(scope="module")
def definitions(settings: Settings) -> dg.Definitions:
    return build_definitions(settings)


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    """Every asset by its key as text."""
    return {s.key.to_user_string(): s for s in definitions.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def checks(definitions: dg.Definitions) -> dict[str, list[dg.AssetCheckSpec]]:
    """Every check by its asset."""
    found: dict[str, list[dg.AssetCheckSpec]] = {}
    for asset in definitions.assets or []:
        assert isinstance(asset, dg.AssetsDefinition)
        for spec in asset.check_specs:
            found.setdefault(spec.asset_key.to_user_string(), []).append(spec)
    return found


def test_the_graph_as_text_has_assets_with_what_they_stand_on_and_their_checks(definitions: dg.Definitions) -> None:
    lines = graph_text(definitions).splitlines()
    at = lines.index("asset marts/dim_drug (seizures)")
    assert lines[at + 1 : at + 3] == ["  from  seeds/drugs", "  check unique_key_dim_drug_drug_id"]
    assert "schedule nightly_refresh: job refresh, 30 2 * * 1-5 America/Mexico_City, RUNNING" in lines


def test_every_source_has_a_raw_a_clean_and_a_history_asset(specs: dict[str, dg.AssetSpec]) -> None:
    wanted = {f"{stage}/{s.id}" for s in SOURCES for stage in ("raw", "clean", "history")}
    assert wanted <= set(specs)


def test_assets_of_a_source_are_in_the_group_of_its_subject(specs: dict[str, dg.AssetSpec]) -> None:
    groups = {(s.id, specs[f"{stage}/{s.id}"].group_name) for s in SOURCES for stage in ("raw", "clean", "history")}
    assert groups == {(s.id, s.subject) for s in SOURCES}
    assert {spec.group_name for spec in specs.values()} <= SUBJECTS | {"shared", "release"}


def test_every_asset_has_owners_kinds_and_a_description(specs: dict[str, dg.AssetSpec]) -> None:
    without = [k for k, s in specs.items() if not (s.owners and s.kinds and s.description)]
    assert without == []
    assert [k for k, s in specs.items() if (s.description or "").startswith("dbt ")] == []


def test_every_asset_links_to_files_that_exist(specs: dict[str, dg.AssetSpec]) -> None:
    for key, spec in specs.items():
        references = spec.metadata["dagster/code_references"].code_references
        assert references, key
        for reference in references:
            assert Path(reference.file_path).is_file(), (key, reference.file_path)
            assert not Path(reference.label).is_absolute(), (key, reference.label)


def test_every_asset_has_its_columns_with_a_word_on_each(specs: dict[str, dg.AssetSpec]) -> None:
    without = {
        key: [c.name for c in schema.columns if not c.description] if schema else "no columns"
        for key, spec in specs.items()
        for schema in [spec.metadata.get("dagster/column_schema")]
    }
    assert {key: names for key, names in without.items() if names} == {}


def test_columns_of_histories_are_those_of_the_dictionary_in_its_words(specs: dict[str, dg.AssetSpec]) -> None:
    texts = {(r["table_name"], r["column_name"]): r["description_en"] for r in dictionary_rows()}
    for source in SOURCES:
        for column in specs[f"history/{source.id}"].metadata["dagster/column_schema"].columns:
            assert column.description.startswith(texts[source.id, column.name]), (source.id, column.name)


def test_columns_of_a_model_are_those_of_its_contract(specs: dict[str, dg.AssetSpec]) -> None:
    models = yaml.safe_load((ROOT / "dbt_project/models/marts/_marts.yml").read_text("utf-8"))["models"]
    for model in models:
        columns = specs[f"marts/{model['name']}"].metadata["dagster/column_schema"].columns
        assert [(c.name, c.type) for c in columns] == [(c["name"], c["data_type"]) for c in model["columns"]]
        assert all(c.description for c in columns)


def test_every_check_says_what_it_holds_the_asset_to_and_what_follows(
    checks: dict[str, list[dg.AssetCheckSpec]],
) -> None:
    sentence = re.compile(r"(Critical|Warning|Info): [^.]+\. \S.*")
    wrong = [(key, c.name) for key, found in checks.items() for c in found if not sentence.match(c.description or "")]
    assert wrong == []


def test_a_check_is_as_grave_as_its_source_says(checks: dict[str, list[dg.AssetCheckSpec]]) -> None:
    effects = {"critical": "Critical: holds the vintage back. ", "warning": "Warning: published and shown. "}
    declared = {(s.id, e.id): effects[e.severity] + e.why for s in SOURCES for e in expectations_of(s)}
    shown = {(s.id, c.name): c.description for s in SOURCES for c in checks[f"clean/{s.id}"]}
    assert len({text.split(":")[0] for text in declared.values()}) == 2
    assert declared.items() <= shown.items()


def test_every_expectation_of_a_source_is_a_check_of_its_clean_asset(
    checks: dict[str, list[dg.AssetCheckSpec]],
) -> None:
    for source in SOURCES:
        names = {c.name for c in checks[f"clean/{source.id}"]}
        assert {e.id for e in expectations_of(source)} | {"readable", "rejected_rows", "records_conserved"} <= names


def test_raw_assets_have_a_freshness_policy_by_cadence(specs: dict[str, dg.AssetSpec]) -> None:
    days = {"weekly": 14, "monthly": 62, "quarterly": 184, "half_yearly": 368, "yearly": 732}
    for source in SOURCES:
        policy: Any = specs[f"raw/{source.id}"].freshness_policy
        assert policy is not None, source.id
        assert policy.fail_window.to_timedelta().days == days[source.cadence]


def test_ingestion_is_retried_and_nothing_else_is(definitions: dg.Definitions) -> None:
    retried = {
        a.key.to_user_string(): a.op.retry_policy.max_retries
        for a in definitions.assets or []
        if isinstance(a, dg.AssetsDefinition) and a.op.retry_policy
    }
    assert retried == {f"raw/{s.id}": 3 for s in SOURCES}


def test_whatever_touches_the_build_file_is_in_its_pool(definitions: dg.Definitions) -> None:
    pooled = {a.op.name for a in definitions.assets or [] if isinstance(a, dg.AssetsDefinition) and a.op.pool}
    assert pooled == {"dbt_build", "release"}
    assert {a.op.pool for a in definitions.assets or [] if isinstance(a, dg.AssetsDefinition)} == {None, "build_file"}


def test_the_night_is_on_with_the_time_and_zone_of_the_settings(definitions: dg.Definitions) -> None:
    schedule = definitions.resolve_schedule_def("nightly_refresh")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 2 * * 1-5", "America/Mexico_City")
    assert schedule.job_name == "refresh"


def test_the_daemon_watches_failed_runs_and_silence_unless_switched_off(definitions: dg.Definitions) -> None:
    sensors = {s.name: s.default_status for s in definitions.sensors or [] if isinstance(s, dg.SensorDefinition)}
    assert sensors == dict.fromkeys(("failed_run_alert", "watchdog"), dg.DefaultSensorStatus.RUNNING)


def test_workspace_yaml_loads_the_definitions(settings: Settings) -> None:
    done = _dagster(settings, "definitions", "validate", "-w", "workspace.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "drugflow" in done.stdout + done.stderr


def test_pyproject_does_not_take_precedence_over_workspace_yaml() -> None:
    assert "dagster" not in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]


def test_loading_the_definitions_imports_no_great_expectations() -> None:
    assert not _imported("import pipelines.definitions") & {"great_expectations", "pandas"}


def test_an_unchanged_refresh_imports_no_dagster_dbt_or_great_expectations(sample_release: Settings) -> None:
    heavy = {"dagster", "dagster_dbt", "dbt", "great_expectations", "polars", "duckdb"}
    code = "import sys; from pipelines.cli import app; app(['refresh'], standalone_mode=False)"
    found = _imported(code, _environment(sample_release))
    assert "typer" in found
    assert found & heavy == set()


def _imported(code: str, environment: dict[str, str] | None = None) -> set[str]:
    """Top-level modules that a new process has after running the code."""
    script = f"import atexit, sys; atexit.register(lambda: print('MODULES', *sys.modules)); {code}"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("MODULES "))
    assert environment is None or "Nothing changed" in done.stdout, done.stdout + done.stderr
    return {name.partition(".")[0] for name in line.split()[1:]}


def _environment(settings: Settings) -> dict[str, str]:
    """Variables that make another process work on the same installation."""
    return {
        "DRUGFLOW_ORIGIN": str(settings.origin),
        "DRUGFLOW_DATA_RAW": str(settings.data_raw),
        "DRUGFLOW_DATA_MARTS": str(settings.data_marts),
        "DRUGFLOW_DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_HOME": str(settings.dagster_home),
    }


def _dagster(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [Path(sys.executable).with_name("dagster"), *arguments],
        cwd=ROOT,
        env={**os.environ, **_environment(settings)},
        capture_output=True,
        text=True,
        check=False,
    )
