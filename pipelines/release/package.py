"""The release's description for machines: a Frictionless data package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.catalog.load import load_catalog
from pipelines.catalog.source import Source
from pipelines.catalog.table import Column, Table
from pipelines.core.fingerprint import sha256_of
from pipelines.core.types import SAMPLE
from pipelines.dbt.lineage import load_lineage

FIELD_TYPES = {
    "VARCHAR": "string", "BIGINT": "integer", "INTEGER": "integer", "DOUBLE": "number", "DATE": "date",
    "BOOLEAN": "boolean", "TIMESTAMP": "datetime", "VARCHAR[]": "any", "DATE[]": "any",
}  # fmt: skip
"""Types as Frictionless reads them from Parquet: a list comes as an array of numpy, which only ``any`` takes."""


def write_datapackage(folder: Path, tables: list[Table], counts: dict[str, int], release: dict[str, Any]) -> None:
    """Write ``datapackage.json`` with every Parquet file, its sha256, rows and columns.

    It has no byte counts: Frictionless counts none in a Parquet file, and takes any that is given for wrong.
    """
    from frictionless import Package, Resource

    mark = f"{SAMPLE}. " if release["is_sample"] else ""
    catalog, lineage = load_catalog(), load_lineage()
    resources = []
    for table in tables:
        path = folder / "parquet" / table.table_schema / f"{table.name}.parquet"
        descriptor = {
            "name": f"{table.table_schema}_{table.name}",
            "path": str(path.relative_to(folder)),
            "format": "parquet",
            "mediatype": "application/vnd.apache.parquet",
            "hash": f"sha256:{sha256_of(path)}",
            "rows": counts[f"{table.table_schema}.{table.name}"],
            "description": mark + table.en,
            "schema": {
                "fields": [
                    {
                        "name": c.name,
                        "type": _field_type(c),
                        "description": c.text_en,
                        "constraints": {"required": not c.nullable},
                    }
                    for c in table.columns
                ],
                "primaryKey": list(table.grain),
            },
        }
        if sources := lineage.sources(table.name):
            licences = {catalog[s].licence: _licence(catalog[s]) for s in sources}
            descriptor["licenses"] = list(licences.values())
        resources.append(Resource.from_descriptor(descriptor))
    package = Package(
        name="drugflow",
        title=mark + "drugflow: drug seizures, overdose deaths and border crossings",
        description=mark + "Every figure traces to an agency's file; see meta.vintages.",
        version=release["release_id"],
        created=release["built_at"].isoformat() + "Z",
        resources=resources,
        sources=[{"title": s.title.en, "path": s.landing_page} for s in catalog.values()],
        licenses=list({s.licence: _licence(s) for s in catalog.values()}.values()),
    )
    package.custom = {"realm": release["realm"], "content_hash": release["content_hash"]}
    # Given a path it writes into the system's temporary folder first, where a killed run would leave the file.
    (folder / "datapackage.json").write_text(package.to_json(), "utf-8")


def _field_type(column: Column) -> str:
    """Its type; a nullable integer is a number, because Frictionless reads the column as floats with NaN for null."""
    kind = FIELD_TYPES[column.type]
    return "number" if kind == "integer" and column.nullable else kind


def _licence(source: Source) -> dict[str, str]:
    said = {"name": source.licence.id, "title": source.licence.text}
    return said | ({"path": source.licence.url} if source.licence.url else {})
