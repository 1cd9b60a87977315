"""The dbt project's models, seeds and tests as Dagster shows them: keys, subjects, words, columns, code.

What belongs here: names and descriptions. What does not: running dbt (dbt), what is in a table (profile).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject

from pipelines.catalog.load import load_catalog
from pipelines.core.errors import DrugflowError
from pipelines.core.settings import DBT_PROJECT
from pipelines.core.types import Severity
from pipelines.orchestration.metadata import EFFECTS, OWNERS, code_references, columns_of, coverage_columns

# A dbt comment or a docstring at the head of a model.
_HEAD = re.compile(r'\A(?:\{\{.*?\}\}\s*)?(?:\{#-?\s*(.*?)\s*-?#\}|"""(.*?)""")', re.DOTALL)


class Translator(DagsterDbtTranslator):
    """Names of models and sources as assets: layer/name, and history/<source> for what dbt reads."""

    def __init__(self, settings: Any, nodes: Mapping[str, Any]):
        super().__init__(settings)
        self._nodes = nodes

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """history/<source>, seeds/<name>, or <layer>/<model>."""
        name = dbt_resource_props["name"]
        kind = dbt_resource_props["resource_type"]
        if kind == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], name])
        if kind == "seed":
            return dg.AssetKey(["seeds", name])
        return dg.AssetKey([dbt_resource_props["fqn"][1], name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The subject that a model says it is about, or that of what it reads or repeats."""
        if dbt_resource_props["resource_type"] == "source":
            return None  # the history asset says it
        if subject := dbt_resource_props["config"].get("meta", {}).get("subject"):
            return str(subject)
        if base := self._macro_base(dbt_resource_props):
            return self.get_group_name(base)
        raise DrugflowError(f"{dbt_resource_props['original_file_path']} has no subject: set meta.subject in its YAML.")

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        """The same owners as every asset."""
        return OWNERS

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The model's own description, what it is made from, or the comment at its head; then its code."""
        code = dbt_resource_props.get("raw_code") or ""
        text = dbt_resource_props.get("description") or self._described(dbt_resource_props, code)
        language = "python" if str(dbt_resource_props["original_file_path"]).endswith(".py") else "sql"
        return f"{text}\n\n```{language}\n{code.strip()}\n```" if code else text

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """Table, columns with types, and the files that the asset comes from."""
        files = [DBT_PROJECT / dbt_resource_props["original_file_path"]]
        if patch := dbt_resource_props.get("patch_path"):
            files.append(DBT_PROJECT / patch.partition("://")[2])
        known = super().get_metadata(dbt_resource_props)
        columns = self._columns(dbt_resource_props) or known.get("dagster/column_schema")
        return {**known, **({"dagster/column_schema": columns} if columns else {}), **code_references(*files)}

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetCheckSpec | None:
        """A data test, with a sentence that says what it holds the table to."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None:
            return None
        test = manifest["nodes"][unique_id]
        effect = "Critical: holds the release back." if severity_of(test) == "critical" else EFFECTS["warning"]
        asked = spec.description or _sentence(test)
        return dg.AssetCheckSpec(
            name=spec.name,
            asset=spec.asset_key,
            description=f"{effect} {asked}" if asked else None,
            additional_deps=[d.asset_key for d in spec.additional_deps],
            blocking=spec.blocking,
            metadata=spec.metadata,
        )

    def column_texts(self, dbt_resource_props: Mapping[str, Any]) -> dict[str, str]:
        """What each column is, from the definition."""
        schema = self.get_metadata(dbt_resource_props).get("dagster/column_schema")
        return {c.name: c.description for c in schema.columns if c.description} if schema else {}

    def _described(self, props: Mapping[str, Any], code: str) -> str:
        """What a model without a description in the dictionary is."""
        if source := _staged(props):
            catalog = load_catalog()
            what = catalog[source].title.en if source in catalog else "what each vintage speaks about"
            return f"The history of {what}, as the models read it."
        if base := self._macro_base(props):
            example = f"select * from {props['name']}(date '2024-05-01')"
            return f"A table macro: {base['name']} as it stood on a given day, such as `{example}`."
        head = _HEAD.match(code)
        return " ".join(next(t for t in head.groups() if t).split()) if head else f"dbt {props['resource_type']}"

    def _columns(self, props: Mapping[str, Any]) -> dg.TableSchema | None:
        """Columns of a model without a contract: those of its source or of the table that it repeats."""
        if source := _staged(props):
            catalog = load_catalog()
            return columns_of(catalog[source], history=True) if source in catalog else coverage_columns()
        if base := self._macro_base(props):
            return super().get_metadata(base).get("dagster/column_schema")
        released = self._nodes.get(f"model.drugflow.{props['name'].removeprefix('int_')}")
        if props["fqn"][1] != "intermediate" or released is None:
            return None
        # A model behind a released table repeats its columns under their names: the texts stand there.
        texts = {**released["columns"], **{n: c for n, c in props["columns"].items() if c["description"]}}
        return dg.TableSchema(
            columns=[
                dg.TableColumn(n, c.get("data_type") or "?", description=texts.get(n, c)["description"])
                for n, c in props["columns"].items()
            ]
        )

    def _macro_base(self, props: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The table whose earlier states a table macro gives."""
        if props.get("config", {}).get("materialized") != "table_macro":
            return None
        first = props["depends_on"]["nodes"][:1]
        return self._nodes[first[0]] if first else None


def _staged(props: Mapping[str, Any]) -> str | None:
    """The source behind a staging model."""
    return props["name"].removeprefix("stg_") if props["fqn"][1] == "staging" else None


def severity_of(test: Mapping[str, Any]) -> Severity:
    """How grave it is where a data test fails: dbt's own default stops the release."""
    return "warning" if test.get("config", {}).get("severity", "ERROR").lower() == "warn" else "critical"


def _sentence(test: Mapping[str, Any]) -> str | None:
    """What a generic data test asks, in words."""
    if test.get("description"):
        return str(test["description"])
    kind = (test.get("test_metadata") or {}).get("name")
    given = (test.get("test_metadata") or {}).get("kwargs", {})
    column = test.get("column_name")
    if kind == "unique_key":
        return f"No two rows share {', '.join(given['columns'])}."
    if kind == "relationships":
        to = re.sub(r"^ref\(['\"](\w+)['\"]\)$", r"\1", str(given["to"]).strip("{} "))
        return f"Every {column} is in {to}."
    if kind == "not_null":
        return f"{column} is never null."
    return None
