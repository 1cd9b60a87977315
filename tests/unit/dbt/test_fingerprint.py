"""Which changes of the dbt project build its models anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.dbt.fingerprint import models_fingerprint

PROPERTIES = """\
version: 2
models:
  - name: things
    description: Things.
    columns:
      - {name: month, data_type: DATE, description: Month., constraints: [{type: not_null}]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    marts = tmp_path / "models" / "marts" / "shared"
    marts.mkdir(parents=True)
    (marts / "things.sql").write_text("select 1 as month", "utf-8")
    (marts / "things.table.yml").write_text("en: Things.", "utf-8")
    (marts / "things.unit.yml").write_text("unit_tests: []", "utf-8")
    (marts / "_marts.yml").write_text(PROPERTIES, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("things.sql", "1", "2"),
        ("_marts.yml", "DATE", "TIMESTAMP"),
        ("_marts.yml", "{type: not_null}", ""),
        ("_marts.yml", "name: month", "name: day"),
    ],
)
def test_sql_and_contracts_build_anew(project: Path, name: str, old: str, new: str) -> None:
    before = models_fingerprint(project)
    change(project, name, old, new)
    assert models_fingerprint(project) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("things.table.yml", "Things", "All things"),
        ("things.unit.yml", "[]", "[{name: x}]"),
        ("_marts.yml", "Things.", "All things."),
        ("_marts.yml", "Month.", "The month."),
    ],
)
def test_a_text_or_a_unit_test_builds_nothing(project: Path, name: str, old: str, new: str) -> None:
    before = models_fingerprint(project)
    change(project, name, old, new)
    assert models_fingerprint(project) == before


def test_what_dbt_writes_builds_nothing(project: Path) -> None:
    before = models_fingerprint(project)
    for folder in ("target", "logs"):
        (project / folder).mkdir()
        shutil.copy(project / "models/marts/shared/things.sql", project / folder)
    assert models_fingerprint(project) == before


def change(project: Path, name: str, old: str, new: str) -> None:
    path = project / "models" / "marts" / "shared" / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
