"""The release's description for machines: a Frictionless data package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.release.dictionary import Table
from pipelines.sources.catalog import load_catalog
from pipelines.vocabulary import sha256_of

FIELD_TYPES = {
    "VARCHAR": "string", "BIGINT": "integer", "INTEGER": "integer", "DOUBLE": "number", "DATE": "date",
    "BOOLEAN": "boolean", "TIMESTAMP": "datetime", "VARCHAR[]": "list", "DATE[]": "list",
}  # fmt: skip


def write_datapackage(folder: Path, tables: list[Table], counts: dict[str, int], release: dict[str, Any]) -> None:
    """Write ``datapackage.json`` with every Parquet file, its sha256, rows and columns."""
    from frictionless import Package, Resource

    mark = "SAMPLE: generated data, not official. " if release["is_sample"] else ""
    resources = []
    for table in tables:
        path = folder / "parquet" / table.table_schema / f"{table.name}.parquet"
        descriptor = {
            "name": f"{table.table_schema}_{table.name}",
            "path": str(path.relative_to(folder)),
            "format": "parquet",
            "mediatype": "application/vnd.apache.parquet",
            "bytes": path.stat().st_size,
            "hash": f"sha256:{sha256_of(path)}",
            "rows": counts[f"{table.table_schema}.{table.name}"],
            "description": mark + table.en,
            "schema": {
                "fields": [
                    {
                        "name": c.name,
                        "type": FIELD_TYPES[c.type],
                        "description": c.en,
                        "constraints": {"required": not c.nullable},
                    }
                    for c in table.columns
                ],
                "primaryKey": list(table.grain),
            },
        }
        resources.append(Resource.from_descriptor(descriptor))
    package = Package(
        name="drugflow",
        title=mark + "drugflow: drug seizures, overdose deaths and border crossings",
        description=mark + "Every figure traces to an agency's file; see meta.vintages.",
        version=release["release_id"],
        created=release["built_at"].isoformat() + "Z",
        resources=resources,
        sources=[{"title": s.title.en, "path": s.landing_page} for s in load_catalog().values()],
        licenses=[{"name": "CC0-1.0", "title": "US federal government works are in the public domain"}],
    )
    package.custom = {"realm": release["realm"], "content_hash": release["content_hash"]}
    # Given a path it writes into the system's temporary folder first, where a killed run would leave the file.
    (folder / "datapackage.json").write_text(package.to_json(), "utf-8")
