"""The dbt project in Dagster: every model an asset, one writer of the build file, a record of each build.

What belongs here: which models are built, whether they have to be, and a record of the build. What does not: running
dbt (dbt.build), how a model is named and described (translator), what is in a table (dbt.profile), what a model
computes (the dbt project).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslatorSettings, dbt_assets

from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_json, write_json
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.dbt.build import Dbt, Result, failure
from pipelines.dbt.manifest import MANIFEST, dbt_environment, prepare_manifest
from pipelines.dbt.profile import Profile, read_profiles, store_profiles, stored_profiles, wait_until_closed
from pipelines.orchestration.failure import as_failure, failure_of
from pipelines.orchestration.metadata import bars, realm_word, spark
from pipelines.orchestration.translator import Translator, severity_of
from pipelines.refresh.origin import active_sources, resolve_origin
from pipelines.refresh.stages import build_inputs
from pipelines.release.publish import acquire

POOL = "build_file"
_DONE = ("success", "pass")
_SHOWN = ("model", "seed", "test")
"""Kinds of nodes that Dagster knows; dbt reports its exposures too."""


@dataclass(frozen=True)
class Project:
    """The project as it was when the assets were loaded. tests: unique ids of the tests that are asset checks."""

    nodes: Mapping[str, Any]
    translator: Translator
    keys: Mapping[str, dg.AssetKey]
    tests: Mapping[str, dg.AssetCheckKey]


def dbt_models(settings: Settings, dbt: Dbt) -> dg.AssetsDefinition:
    """All models, seeds and tests of the project. dbt: what runs it."""
    nodes: dict[str, Any] = json.loads(prepare_manifest().read_text("utf-8"))["nodes"]
    translator = Translator(DagsterDbtTranslatorSettings(enable_asset_checks=True), nodes)

    @dbt_assets(
        manifest=MANIFEST,
        name="dbt_build",
        exclude="resource_type:unit_test",
        dagster_dbt_translator=translator,
        pool=POOL,
    )
    def dbt_build(context: dg.AssetExecutionContext) -> Iterator[Any]:
        realm = resolve_origin(settings).realm
        project = _project(context.assets_def, nodes, translator)
        with as_failure():
            results, failed = _build(settings, realm, context, project, dbt)
        yield from results
        if failed:
            raise failure_of(failed.problem) from failed

    return dbt_build


def _project(assets: dg.AssetsDefinition, nodes: Mapping[str, Any], translator: Translator) -> Project:
    keys = {i: translator.get_asset_key(n) for i, n in nodes.items() if n["resource_type"] in ("model", "seed")}
    checks = {spec.name: spec.key for spec in assets.check_specs}
    tests = {i: checks[n["name"]] for i, n in nodes.items() if n["resource_type"] == "test" and n["name"] in checks}
    return Project(nodes, translator, {i: k for i, k in keys.items() if k in assets.keys}, tests)


def _build(
    settings: Settings, realm: Realm, context: dg.AssetExecutionContext, project: Project, dbt: Dbt
) -> tuple[list[Any], DrugflowError | None]:
    """Build as the only writer, where the build file is not what it would become; what came of it, and why it failed.

    ``state.json`` says for which inputs the build file is complete: it is not while a build runs, not
    after one that failed or was killed, and not where inputs changed meanwhile. One model built again
    from the inputs of a complete build leaves it complete; from other inputs it makes a mixture.
    """
    build = settings.stage("build", realm)
    whole = not context.is_subset
    with acquire(settings, realm):
        _join_coverage(settings, realm)
        inputs = build_inputs(settings, realm)
        state = read_json(build / "state.json") or {}
        fits = bool(state.get("complete")) and state.get("inputs") == inputs
        if not whole and not state:
            raise DrugflowError("nothing_built_yet")
        wait_until_closed(build, settings.lock_timeout_seconds)
        if whole and fits and (known := _as_built(build, state, project, realm)):
            context.log.info("The models are built from the histories as they are: nothing to do.")
            return known, None
        write_json(build / "state.json", {**state, "complete": False})
        results, failed = _run(settings, realm, context, project, dbt)
        if failed is None:
            done = {"run_id": context.run.run_id, "tests": _tests(results, project, {} if whole else state)}
            same = build_inputs(settings, realm) == inputs
            if whole:
                write_json(build / "state.json", {"inputs": inputs, "complete": same, **done})
            else:
                write_json(build / "state.json", {**state, "complete": fits and same, **done})
                if not fits:
                    context.log.warning("Other models are older than this one: a release needs all of them built.")
        return _told(build, results, project, realm), failed


def _run(
    settings: Settings, realm: Realm, context: dg.AssetExecutionContext, project: Project, dbt: Dbt
) -> tuple[list[Result], DrugflowError | None]:
    """Run dbt for what was selected; the results of what Dagster knows, and why it failed, if it did."""
    target = (settings.stage("build", realm) / "dbt").resolve()
    arguments = ["build", "--exclude-resource-type", "unit_test", *_selected(context, project)]
    if settings.as_of:
        arguments += ["--vars", json.dumps({"as_of": settings.as_of.isoformat()})]
    heard: list[str] = []

    def said(line: str) -> None:
        print(line, flush=True)  # the log of the step in the UI, or refresh.log
        heard[:] = [*heard[-20:], line]

    code, results = dbt.run(arguments, target, dbt_environment(settings, realm), said)
    results = [r for r in results if r.unique_id.partition(".")[0] in _SHOWN]
    if strange := [r.unique_id for r in results if r.unique_id not in project.nodes]:
        # dbt reads its project anew, Dagster as it was when the assets were loaded.
        return [], DrugflowError("dbt_project_changed", nodes=strange[:3])
    return results, failure(results, project.nodes, target, " ".join(heard)) if code else None


def _selected(context: dg.AssetExecutionContext, project: Project) -> list[str]:
    """dbt's arguments for the selected assets and checks; none for everything."""
    if not context.is_subset:
        return []
    chosen = [i for i, key in project.keys.items() if key in context.selected_asset_keys]
    chosen += [i for i, key in project.tests.items() if key in context.selected_asset_check_keys]
    names = ["fqn:" + ".".join(project.nodes[i]["fqn"]) for i in chosen]
    return ["--select", *names, "--indirect-selection", "empty"]


def _join_coverage(settings: Settings, realm: Realm) -> None:
    """Models read the coverage of all sources from one file: never an older one than the histories beside it."""
    from pipelines.history.run import write_coverage

    folder = settings.stage("history", realm)
    if missing := [s for s in active_sources() if not (folder / f"{s}.coverage.parquet").exists()]:
        raise DrugflowError("histories_missing", sources=missing)
    write_coverage(folder, active_sources())


def _as_built(build: Path, state: Mapping[str, Any], project: Project, realm: Realm) -> list[Any] | None:
    """What the last build left, as if it had been made now; None where not all of it is known."""
    profiles, tests = stored_profiles(build), {t["name"]: t for t in state["tests"]}
    tables = {i: _table(project, i) for i in project.keys}
    checks = {i: tests.get(project.nodes[i]["name"]) for i in project.tests}
    if not all(name in profiles for name in tables.values()) or not all(checks.values()):
        return None
    told: list[Any] = []
    for i in _in_order(project):
        profile, texts = profiles[tables[i]], project.translator.column_texts(project.nodes[i])
        unchanged = {"changed": "Nothing: it is built from the same histories."}
        shown = {"realm": realm_word(realm), **_shown(profile, profile, texts), **unchanged}
        told.append(dg.MaterializeResult(asset_key=project.keys[i], metadata=shown))
    return told + [_check(project, i, test["passed"], test["failures"]) for i, test in checks.items() if test]


def _in_order(project: Project) -> list[str]:
    """The assets, each after those that it is made from."""
    graph = {i: [d for d in project.nodes[i]["depends_on"].get("nodes", []) if d in project.keys] for i in project.keys}
    return list(TopologicalSorter(graph).static_order())


def _table(project: Project, unique_id: str) -> str:
    node = project.nodes[unique_id]
    return f"{node['schema']}.{node['alias']}"


def _told(build: Path, results: Sequence[Result], project: Project, realm: Realm) -> list[Any]:
    """The results with the realm, what their tables hold, what changed since the last build, how grave a test is.

    Tables are looked at when dbt has ended: it holds the file until then.
    """
    built = [r for r in results if r.unique_id in project.keys and r.status in _DONE]
    before = stored_profiles(build)
    now = read_profiles(build, [_schema_and_name(project, r.unique_id) for r in built]) if built else {}
    store_profiles(build, {**before, **now})
    told: list[Any] = []
    for result in results:
        if result in built:
            name = _table(project, result.unique_id)
            texts = project.translator.column_texts(project.nodes[result.unique_id])
            shown = _shown(now[name], before.get(name), texts) if name in now else {}
            metadata = {"realm": realm_word(realm), "seconds": round(result.seconds, 3), **shown}
            told.append(dg.MaterializeResult(asset_key=project.keys[result.unique_id], metadata=metadata))
        elif result.unique_id in project.tests and result.status != "skipped":
            told.append(_check(project, result.unique_id, result.status in _DONE, result.failures))
    return told


def _schema_and_name(project: Project, unique_id: str) -> tuple[str, str]:
    node = project.nodes[unique_id]
    return node["schema"], node["alias"]


def _check(project: Project, unique_id: str, passed: bool, failing: int) -> dg.AssetCheckResult:
    """One data test."""
    key, severity = project.tests[unique_id], severity_of(project.nodes[unique_id])
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN if severity == "warning" else dg.AssetCheckSeverity.ERROR,
        metadata={"severity": severity, "failing_rows": failing},
    )


def _shown(profile: Profile, before: Profile | None, texts: Mapping[str, str]) -> dict[str, Any]:
    """What a person wants to see of a table."""
    columns = [dg.TableColumn(name, kind, description=texts.get(name)) for name, kind in profile.columns.items()]
    shown: dict[str, Any] = {
        "dagster/row_count": profile.rows,
        "newest_period": profile.newest,
        "vintage": profile.vintage,
        "changed": profile.change(before),
        **_charts(profile),
        "dagster/column_schema": dg.TableSchema(columns),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _charts(profile: Profile) -> dict[str, Any]:
    """Rows by year, or filled cells by column where there is no period."""
    if profile.rows_by_year:
        return {"chart": spark(profile.rows_by_year), "rows_by_year": bars(profile.rows_by_year)}
    return {"filled": bars(profile.filled)}


def _tests(results: Sequence[Result], project: Project, state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Results of every data test of the build file, for meta.checks: those of this run over those before."""
    tests = {t["name"]: t for t in state.get("tests", [])}
    for result in results:
        node = project.nodes[result.unique_id]
        if node.get("resource_type") == "test":
            tests[node["name"]] = {
                "name": node["name"],
                "severity": severity_of(node),
                "passed": result.status == "pass",
                "failures": result.failures,
                "message": result.message,
            }
    return [tests[name] for name in sorted(tests)]
