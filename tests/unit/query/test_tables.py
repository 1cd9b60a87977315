"""Comparing the tables of two releases by their manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.core.errors import DrugflowError
from pipelines.core.files import write_json
from pipelines.query.tables import differing_tables, read_manifest
from pipelines.releases.manifest import Manifest


def manifest(**tables: tuple[int, str]) -> Manifest:
    """A manifest with these tables: rows and hash."""
    told: dict[str, Any] = {name: {"rows": rows, "hash": value} for name, (rows, value) in tables.items()}
    return Manifest(
        release_id="20260115T031502Z", realm="official", origin="live", built_at="2026-01-15T03:15:02+00:00",
        code_version="0.1.0", content_hash="0", tables=told,
    )  # fmt: skip


def lines(before: Manifest, after: Manifest) -> list[str]:
    return [d.line for d in differing_tables(before, after)]


def test_tables_with_one_hash_are_equal():
    assert lines(manifest(deaths=(3, "aa")), manifest(deaths=(3, "aa"))) == []


def test_another_hash_is_a_difference_also_with_as_many_rows():
    assert lines(manifest(deaths=(3, "aa")), manifest(deaths=(3, "bb"))) == ["deaths: other content in 3 rows"]


def test_rows_before_and_after_are_told():
    found = lines(manifest(deaths=(1200, "aa")), manifest(deaths=(3, "bb")))
    assert found == ["deaths: other content, 1,200 rows before and 3 after"]


def test_a_table_of_one_release_alone_is_a_difference():
    found = lines(manifest(deaths=(3, "aa")), manifest(crossings=(4, "aa")))
    assert found == ["crossings: new, 4 rows", "deaths: gone, it had 3 rows"]


def test_a_folder_without_a_release_is_a_sentence(tmp_path: Path):
    with pytest.raises(DrugflowError, match="expected the folder of a release"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(("value", "code"), [("aa", 0), ("bb", 1)])
def test_the_exit_code_tells_whether_all_are_equal(tmp_path: Path, value: str, code: int):
    for name, told in (("old", "aa"), ("new", value)):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "manifest.json", manifest(deaths=(3, told)).model_dump())
    assert CliRunner().invoke(app, ["compare", str(tmp_path / "old"), str(tmp_path / "new")]).exit_code == code
