"""The dbt project in Dagster: every model an asset, one writer of the build file, a record of each build.

What belongs here: running dbt and remembering what was built. What does not: what a model computes.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from pipelines.orchestration.stages import DBT_PROJECT, build_inputs, resolve_origin
from pipelines.release.publish import acquire
from pipelines.settings import PROJECT_ROOT, Settings
from pipelines.vocabulary import DrugflowError, Realm, code_fingerprint, read_json, write_json

OWNERS = ["team:pipeline"]
POOL = "build_file"
MANIFEST = DBT_PROJECT / "target" / "manifest.json"
SUBJECTS = {
    "cbp": "seizures", "seizure": "seizures", "amo": "seizures", "drug": "seizures", "area": "seizures",
    "corridor": "seizures", "cdc": "deaths", "overdose": "deaths", "poisson": "deaths", "population": "deaths",
    "census": "deaths", "indicator": "deaths", "us_t404": "deaths", "bts": "crossings", "crossing": "crossings",
    "port": "crossings", "measures": "crossings",
}  # fmt: skip


def dbt_environment(settings: Settings, realm: Realm) -> dict[str, str]:
    """What the project's profile and sources read from the environment."""
    return {
        "DRUGFLOW_BUILD_FILE": str(settings.stage("build", realm) / "drugflow.duckdb"),
        "DRUGFLOW_HISTORY": str(settings.stage("history", realm)),
        "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def dbt_executable() -> str:
    """dbt of this environment, whether or not it is on the PATH."""
    return str(Path(sys.executable).with_name("dbt"))


def prepare_manifest() -> Path:
    """Parse the project where its files changed since the last time.

    Raises DrugflowError with dbt's own words where it cannot be parsed.
    """
    mark = MANIFEST.with_name("manifest.mark")
    code = code_fingerprint(DBT_PROJECT)
    if MANIFEST.exists() and mark.exists() and mark.read_text() == code:
        return MANIFEST
    done = subprocess.run(
        [dbt_executable(), "--quiet", "parse", "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)],
        capture_output=True,
        text=True,
        env={**os.environ, **dbt_environment(Settings(), "sample")},
        check=False,
    )
    if done.returncode:
        raise DrugflowError(f"dbt cannot parse its project: {done.stdout[-2000:]} {done.stderr[-500:]}")
    mark.write_text(code)
    return MANIFEST


class Translator(DagsterDbtTranslator):
    """Names of models and sources as assets: layer/name, and history/<source> for what dbt reads."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """history/<source>, seeds/<name>, or <layer>/<model>."""
        name = dbt_resource_props["name"]
        kind = dbt_resource_props["resource_type"]
        if kind == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], name])
        if kind == "seed":
            return dg.AssetKey(["seeds", name])
        return dg.AssetKey([dbt_resource_props["fqn"][1], name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The subject that a model is about."""
        name = dbt_resource_props["name"]
        found = [subject for word, subject in SUBJECTS.items() if word in name]
        return found[0] if found else "shared"


def dbt_models(settings: Settings) -> dg.AssetsDefinition:
    """All models, seeds and tests of the project."""

    @dbt_assets(
        manifest=prepare_manifest(),
        name="dbt_build",
        exclude="resource_type:unit_test",
        dagster_dbt_translator=Translator(DagsterDbtTranslatorSettings(enable_asset_checks=True)),
        pool=POOL,
    )
    def dbt_build(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        realm = resolve_origin(settings).realm
        os.environ.update(dbt_environment(settings, realm))
        build = settings.stage("build", realm)
        build.mkdir(parents=True, exist_ok=True)
        inputs = build_inputs(settings, realm)
        whole = not context.is_subset
        with acquire(settings, realm):
            state = read_json(build / "state.json") or {}
            if whole and state.get("complete") and state.get("inputs") == inputs:
                context.log.info("The models are built from exactly these histories already; building them again.")
            write_json(
                build / "state.json",
                {**state, "complete": state.get("inputs") == inputs and not whole and state.get("complete", False)},
            )
            arguments = ["build", "--exclude-resource-type", "unit_test"]
            invocation = dbt.cli(arguments, context=context)
            yield from invocation.stream()
            if whole:
                write_json(
                    build / "state.json",
                    {"inputs": inputs, "complete": True, "run_id": context.run_id, **_results(invocation)},
                )

    return dbt_build


def _results(invocation: Any) -> dict[str, Any]:
    """Results of every data test of a build, for meta.checks."""
    manifest = json.loads(MANIFEST.read_text("utf-8"))["nodes"]
    tests = []
    for result in invocation.get_artifact("run_results.json")["results"]:
        node = manifest.get(result["unique_id"], {})
        if node.get("resource_type") != "test":
            continue
        severity = "warning" if node.get("config", {}).get("severity", "ERROR").lower() == "warn" else "critical"
        tests.append(
            {
                "name": node["name"],
                "severity": severity,
                "passed": result["status"] == "pass",
                "failures": int(result.get("failures") or 0),
                "message": result.get("message"),
            }
        )
    return {"tests": sorted(tests, key=lambda t: t["name"])}


def dbt_resource() -> DbtCliResource:
    """dbt with its profile beside the project."""
    return DbtCliResource(project_dir=str(DBT_PROJECT), profiles_dir=str(DBT_PROJECT), dbt_executable=dbt_executable())


if __name__ == "__main__":
    prepare_manifest()
