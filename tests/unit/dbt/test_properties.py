"""What dbt reads of a table: the contract that its table file makes with analysts, and nothing beside it."""

from __future__ import annotations

import re
from typing import Any, get_args

import duckdb
import pytest
import yaml

from pipelines.catalog.dictionary import load_dictionary
from pipelines.catalog.load import load_catalog
from pipelines.core.types import MissingReason
from pipelines.dbt.properties import MODELS, STAGING, dbt_files, exposures_yaml, staging_sql


@pytest.fixture(scope="module")
def models() -> dict[str, dict[str, Any]]:
    return {m["name"]: m for m in yaml.safe_load(dbt_files()[MODELS / "marts" / "_marts.yml"])["models"]}


def test_every_mart_of_a_model_is_described_in_the_dictionarys_order(models: dict[str, dict[str, Any]]) -> None:
    marts = [t for t in load_dictionary() if t.table_schema == "marts"]
    assert [t.name for t in marts if t.made_by != "dbt"] == ["reconciliation"]
    assert list(models) == [t.name for t in marts if t.name != "reconciliation"]


def test_types_nulls_keys_and_values_are_enforced(models: dict[str, dict[str, Any]]) -> None:
    deaths = models["overdose_deaths_12mo"]
    assert deaths["config"]["contract"] == {"enforced": True}
    assert deaths["data_tests"] == [
        {"unique_key": {"arguments": {"columns": ["jurisdiction_id", "month_ending", "indicator_id"]}}}
    ]
    columns = {c["name"]: c for c in deaths["columns"]}
    assert columns["month_ending"]["data_type"] == "DATE"
    assert columns["month_ending"]["constraints"] == [{"type": "not_null"}]
    assert "constraints" not in columns["deaths_reported"]
    (check,) = columns["missing_reason"]["constraints"]
    assert check["type"] == "check"
    assert sorted(re.findall(r"'(\w+)'", check["expression"])) == sorted(get_args(MissingReason))


def test_ids_are_tested_to_be_in_their_dimension(models: dict[str, dict[str, Any]]) -> None:
    found = {
        (model["name"], column["name"], test["relationships"]["arguments"]["to"])
        for model in models.values()
        for column in model["columns"]
        for test in column.get("data_tests", [])
        if "relationships" in test
    }
    assert {
        ("seizures_monthly", "area_id", "ref('dim_area')"),
        ("seizures_monthly", "drug_id", "ref('dim_drug')"),
        ("dim_area", "corridor_id", "ref('dim_corridor')"),
        ("dim_port", "state_id", "ref('dim_jurisdiction')"),
        ("border_crossings_monthly", "port_code", "ref('dim_port')"),
        ("population_yearly", "jurisdiction_id", "ref('dim_jurisdiction')"),
        ("overdose_trends", "indicator_id", "ref('dim_indicator')"),
    } <= found
    assert [f for f in found if f[2] == f"ref('{f[0]}')"] == []


def test_every_name_that_duckdb_cannot_read_bare_is_quoted(models: dict[str, dict[str, Any]]) -> None:
    """The contract selects columns by name; a bare ``overlaps`` is an operator and a syntax error."""
    keywords = duckdb.sql(
        "select keyword_name from duckdb_keywords() where keyword_category in ('reserved', 'type_function')"
    ).fetchall()
    words = {name for (name,) in keywords}
    columns = [c for model in models.values() for c in model["columns"]]
    assert {c["name"] for c in columns if c.get("quote")} == {c["name"] for c in columns if c["name"] in words}


def test_each_active_source_has_a_view_under_the_name_of_its_history() -> None:
    views = {path.stem for path in dbt_files() if path.suffix == ".sql"}
    active = {s.id for s in load_catalog().values() if s.status == "active"}
    assert views == {f"stg_{name}" for name in active | {"coverage"}}
    assert staging_sql("cbp_currency", "southbound").splitlines()[::2] == [
        "{{ config(alias='cbp_currency', meta={'subject': 'southbound'}) }}",
        "select * from {{ source('history', 'cbp_currency') }}",
    ]


def test_dbt_reads_the_history_of_each_active_source_and_the_coverage_of_all() -> None:
    (source,) = yaml.safe_load(dbt_files()[STAGING / "_sources.yml"])["sources"]
    active = [s.id for s in load_catalog().values() if s.status == "active"]
    assert [t["name"] for t in source["tables"]] == [*active, "coverage"]


def test_the_release_and_the_as_of_queries_stand_on_the_models_that_they_read() -> None:
    release, as_of = yaml.safe_load(exposures_yaml(load_dictionary(), ["coverage"]))["exposures"]
    assert {"ref('dim_month')", "ref('seizure_trends')", "ref('stg_coverage')"} <= set(release["depends_on"])
    assert "ref('reconciliation')" not in release["depends_on"]
    assert as_of["depends_on"] == ["ref('seizures_as_of')", "ref('overdose_deaths_as_of')", "ref('crossings_as_of')"]
