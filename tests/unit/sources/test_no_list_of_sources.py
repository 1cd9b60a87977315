"""A source is found by its folder: no other code or description of the package names one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "pipelines"
IDS = sorted(p.parent.name for p in (PACKAGE / "sources").glob("*/source.yml"))


def lines_that_name(source_id: str, package: Path) -> list[str]:
    """Lines of Python and YAML below the package that name a source outside its folder."""
    word = re.compile(rf"\b{source_id}\b")
    return [
        f"{path.relative_to(package)}:{number}"
        for path in sorted([*package.rglob("*.py"), *package.rglob("*.yml")])
        if not path.is_relative_to(package / "sources" / source_id)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if word.search(line)
    ]


@pytest.mark.parametrize("source_id", IDS)
def test_only_its_folder_names_a_source(source_id: str):
    assert lines_that_name(source_id, PACKAGE) == []


def test_a_source_named_elsewhere_is_seen(tmp_path: Path):
    (tmp_path / "sources" / "cbp_currency").mkdir(parents=True)
    (tmp_path / "sources" / "cbp_currency" / "clean.py").write_text("# cbp_currency\n")
    (tmp_path / "status.py").write_text("ORDER = [\n    'cbp_currency',\n]\n")
    assert lines_that_name("cbp_currency", tmp_path) == ["status.py:2"]
