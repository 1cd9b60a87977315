"""Releases made by hand, small enough for unit tests: a folder with a database, a manifest, and the link to it."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.core.files import write_json
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.release.publish import swap
from pipelines.releases.manifest import Manifest

TABLES = """
create schema marts;
create schema meta;
create table marts.deaths (place varchar, month date, deaths bigint, rate double, states varchar[], days date[]);
insert into marts.deaths values
    ('México, "Norte"', date '2024-05-01', 12, 1.5, ['US-AZ', 'US-CA'], [date '2024-05-02']),
    (null, date '2024-06-01', null, null, [], null);
"""
CAUTIONS = """
create schema if not exists meta;
create table meta.cautions (code varchar, text_en varchar, text_es varchar, tables varchar[], source_id varchar);
"""


def settings_of(folder: Path, keep: int = 5) -> Settings:
    """An installation below a folder."""
    return Settings(
        data_raw=folder / "data_raw",
        data_marts=folder / "data_marts",
        dagster_home=folder / "dagster_home",
        keep_releases=keep,
    )


def release(
    settings: Settings, release_id: str, realm: Realm = "official", *, sql: str = TABLES, current: bool = True
) -> Path:
    """A complete release; its id, such as 20260115T000000Z, says when it was built."""
    folder = settings.releases / release_id
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "drugflow.duckdb")) as connection:
        connection.execute(sql)
        connection.execute(CAUTIONS)
    stamp = release_id.split("-")[0]
    manifest = Manifest(
        release_id=release_id,
        realm=realm,
        origin="sample" if realm == "sample" else "mirror:/agencies",
        built_at=f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:11]}:{stamp[11:13]}:{stamp[13:15]}+00:00",
        code_version="0",
        content_hash=release_id,
        tables={"marts.deaths": {"rows": 2, "hash": "0"}},
    )
    write_json(folder / "manifest.json", manifest.model_dump())
    if current:
        swap(settings, release_id)
    return folder
