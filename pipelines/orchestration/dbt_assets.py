"""The dbt project in Dagster: every model an asset, one writer of the build file, a record of each build.

What belongs here: running dbt and remembering what was built. What does not: how a model is named and
described (translator), what is in a table (profile), what a model computes (the dbt project).
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslatorSettings, DbtCliInvocation, DbtCliResource, dbt_assets
from dagster_dbt.errors import DagsterDbtCliRuntimeError
from packaging.version import Version

from pipelines.core.errors import DrugflowError
from pipelines.core.files import read_json, write_json
from pipelines.core.settings import DBT_PROJECT, Settings
from pipelines.core.types import Realm
from pipelines.dbt.manifest import DBT, MANIFEST, dbt_environment, prepare_manifest
from pipelines.dbt.profile import Profile, read_profiles, store_profiles, stored_profiles, wait_until_closed
from pipelines.orchestration.metadata import as_sentence, bars, realm_word, spark
from pipelines.orchestration.translator import Translator, severity_of
from pipelines.refresh.stages import active_sources, build_inputs, resolve_origin
from pipelines.release.publish import acquire

POOL = "build_file"
_DBT_SAID = "Errors parsed from dbt logs:"


class Dbt(DbtCliResource):
    """dbt as a child that ends with its run, without two things that nothing here uses.

    Before every command DbtCliResource asks the executable for its version (3.5 s) and loads the adapter
    into this process (2 s), which only counting rows through dbt needs. Measured on 2 cores with dagster-dbt
    0.29.27.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Any) -> Any:
        return None


def dbt_models(settings: Settings) -> dg.AssetsDefinition:
    """All models, seeds and tests of the project."""
    nodes: dict[str, Any] = json.loads(prepare_manifest().read_text("utf-8"))["nodes"]
    translator = Translator(DagsterDbtTranslatorSettings(enable_asset_checks=True), nodes)

    @dbt_assets(
        manifest=MANIFEST,
        name="dbt_build",
        exclude="resource_type:unit_test",
        dagster_dbt_translator=translator,
        pool=POOL,
    )
    def dbt_build(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        realm = resolve_origin(settings).realm
        os.environ.update(dbt_environment(settings, realm))
        with as_sentence():
            events, failure = _build(settings, realm, context, dbt, translator, nodes)
        yield from events
        if failure:
            raise dg.Failure(description=str(failure), allow_retries=False) from failure

    return dbt_build


def _build(
    settings: Settings,
    realm: Realm,
    context: dg.AssetExecutionContext,
    dbt: DbtCliResource,
    translator: Translator,
    nodes: Mapping[str, Any],
) -> tuple[list[Any], DrugflowError | None]:
    """Run dbt as the only writer; Dagster's events of it, and why it failed, if it did.

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
            raise DrugflowError("Nothing is built yet, so one model has nothing to stand on: materialize everything.")
        wait_until_closed(build, settings.lock_timeout_seconds)
        write_json(build / "state.json", {**state, "complete": False})
        target = (build / "dbt").resolve()
        (target / "run_results.json").unlink(missing_ok=True)
        arguments = ["build", "--exclude-resource-type", "unit_test"]
        if settings.as_of:
            arguments += ["--vars", json.dumps({"as_of": settings.as_of.isoformat()})]
        invocation = dbt.cli(arguments, context=context, target_path=target)
        events, failure = _collect(context, invocation, nodes)
        if failure is None:
            done = {"run_id": context.run.run_id, "tests": _tests(invocation, nodes, {} if whole else state)}
            same = build_inputs(settings, realm) == inputs
            if whole:
                write_json(build / "state.json", {"inputs": inputs, "complete": same, **done})
            else:
                write_json(build / "state.json", {**state, "complete": fits and same, **done})
                if not fits:
                    context.log.warning("Other models are older than this one: a release needs all of them built.")
        return _told(build, events, translator, nodes, realm), failure


def _join_coverage(settings: Settings, realm: Realm) -> None:
    """Models read the coverage of all sources from one file: never an older one than the histories beside it."""
    from pipelines.history.run import write_coverage

    folder = settings.stage("history", realm)
    if missing := [s for s in active_sources() if not (folder / f"{s}.coverage.parquet").exists()]:
        raise DrugflowError(
            f"The models need the history of every source, and {', '.join(missing)} has none: materialize it first."
        )
    write_coverage(folder, active_sources())


def _collect(
    context: dg.AssetExecutionContext, invocation: DbtCliInvocation, nodes: Mapping[str, Any]
) -> tuple[list[Any], DrugflowError | None]:
    """All events of a run of dbt. Tables are looked at afterwards: dbt holds the file until its end."""
    events: list[Any] = []
    try:
        for event in invocation.stream():
            events.append(event)
            if isinstance(event, dg.Output):
                context.log.info(f"dbt built {nodes[_id(event)]['name']}.")
    except DagsterDbtCliRuntimeError as error:
        context.log.debug(str(error))
        return events, DrugflowError(_why(invocation, nodes, str(error)))
    except KeyError as error:
        # dbt reads its project anew, Dagster as it was when the assets were loaded.
        invocation.process.terminate()
        invocation.process.wait()
        return events, DrugflowError(f"The dbt project got {error} since it was loaded: reload it, or refresh again.")
    return events, None


def _id(event: Any) -> str:
    return str(event.metadata["unique_id"].value)


def _why(invocation: DbtCliInvocation, nodes: Mapping[str, Any], said: str) -> str:
    """What failed, in dbt's words, as one sentence."""
    path = invocation.target_path / "run_results.json"
    results = json.loads(path.read_text("utf-8"))["results"] if path.exists() else []
    bad = [
        f"{nodes[r['unique_id']]['name']} ({' '.join(str(r['message']).split())})"
        for r in results
        if r["status"] in ("error", "fail") and r["unique_id"] in nodes
    ]
    what = "; ".join(bad) or " ".join(said.partition(_DBT_SAID)[2].split())[:500] or "dbt ended before its first model"
    return f"The marts could not be built, so the old release stays: {what}. dbt's log is {path.with_name('dbt.log')}."


def _told(build: Path, events: list[Any], translator: Translator, nodes: Mapping[str, Any], realm: Realm) -> list[Any]:
    """The events with the realm, what their tables hold, what changed since the last build, how grave a test is."""
    built = {_id(e): e for e in events if isinstance(e, dg.Output)}
    tables = {i: (nodes[i]["schema"], nodes[i]["alias"]) for i in built}
    before = stored_profiles(build)
    now = read_profiles(build, tables.values()) if tables else {}
    store_profiles(build, {**before, **now})
    told: list[Any] = []
    for event in events:
        if isinstance(event, dg.Output):
            name = ".".join(tables[_id(event)])
            texts = translator.column_texts(nodes[_id(event)])
            shown = _shown(now[name], before.get(name), texts) if name in now else {}
            told.append(event.with_metadata({**event.metadata, "realm": realm_word(realm), **shown}))
        elif isinstance(event, dg.AssetCheckResult):
            metadata: dict[str, Any] = {**event.metadata, "severity": severity_of(nodes[_id(event)])}
            told.append(event._replace(metadata=metadata))
        else:
            told.append(event)
    return told


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


def _tests(invocation: DbtCliInvocation, nodes: Mapping[str, Any], state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Results of every data test of the build file, for meta.checks: those of this run over those before."""
    tests = {t["name"]: t for t in state.get("tests", [])}
    for result in invocation.get_artifact("run_results.json")["results"]:
        node = nodes.get(result["unique_id"], {})
        if node.get("resource_type") == "test":
            tests[node["name"]] = {
                "name": node["name"],
                "severity": severity_of(node),
                "passed": result["status"] == "pass",
                "failures": int(result.get("failures") or 0),
                "message": result.get("message"),
            }
    return [tests[name] for name in sorted(tests)]


def dbt_resource() -> DbtCliResource:
    """dbt with its profile beside the project."""
    return Dbt(
        project_dir=str(DBT_PROJECT),
        profiles_dir=str(DBT_PROJECT),
        dbt_executable=sys.executable,
        global_config_flags=DBT,
    )
