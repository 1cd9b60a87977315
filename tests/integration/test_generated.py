"""What the code writes and is committed: one command writes it, and nothing of it differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import generate
from pipelines.core.errors import DrugflowError
from pipelines.dbt.properties import dbt_files
from pipelines.site import readme
from tests.conftest import ROOT


def test_nothing_that_is_generated_differs_from_what_is_committed() -> None:
    files = {**dbt_files(), **generate.page_files()}
    wrong = generate.differing(files) + generate.left(files)
    assert [str(path.relative_to(ROOT)) for path in wrong] == [], "run: make docs"


# ---- that the comparison sees what it looks for ----


def test_a_file_that_is_gone_or_edited_differs(tmp_path: Path) -> None:
    files = {tmp_path / name: "text" for name in ("same", "edited", "gone")}
    (tmp_path / "same").write_text("text", "utf-8")
    (tmp_path / "edited").write_text("another", "utf-8")
    assert generate.differing(files) == [tmp_path / "edited", tmp_path / "gone"]


def test_what_belongs_to_a_source_that_is_gone_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "OWNED", ((tmp_path, "*.md"),))
    for name in ("here.md", "gone.md", "other.txt"):
        (tmp_path / name).touch()
    assert generate.left({tmp_path / "here.md": ""}) == [tmp_path / "gone.md"]


def test_both_readmes_have_each_source_in_their_language() -> None:
    english, spanish = readme.readmes().values()
    assert "| `census_population` | Resident population of the United States, its states and counties |" in english
    assert "| `census_population` | Población residente de Estados Unidos, sus estados y condados |" in spanish


def test_a_readme_that_lost_its_markers_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "README.md").write_text("# drugflow", "utf-8")
    monkeypatch.setattr(readme, "PROJECT_ROOT", tmp_path)
    with pytest.raises(DrugflowError, match=r"README\.md has no place for the table of sources: put it between <!--"):
        readme.readmes()
