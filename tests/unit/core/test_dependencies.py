"""What code depends on is found in its imports, directly and through others."""

from __future__ import annotations

from pathlib import Path

from pipelines.core.dependencies import modules_used
from pipelines.core.settings import PACKAGE


def names(*places: Path) -> set[str]:
    """Modules used, by their path below the package."""
    return {p.relative_to(PACKAGE).as_posix() for p in modules_used(*places)}


def written(folder: Path, text: str) -> Path:
    """A file of code outside of the package."""
    path = folder / "code.py"
    path.write_text(text, "utf-8")
    return path


def test_a_module_that_is_imported_through_another_counts(tmp_path: Path):
    # clean.columns imports clean.batch, and that core.errors.
    code = written(tmp_path, "from pipelines.clean.columns import typed")
    assert {"clean/columns.py", "clean/batch.py", "core/errors.py"} <= {
        p.relative_to(PACKAGE).as_posix() for p in modules_used(code) if p != code
    }


def test_an_import_inside_a_function_counts(tmp_path: Path):
    code = written(tmp_path, "def f():\n    from pipelines.core.parquet import in_order\n")
    assert PACKAGE / "core" / "parquet.py" in modules_used(code)


def test_a_module_that_a_package_hands_over_counts(tmp_path: Path):
    code = written(tmp_path, "from pipelines.sources.shared import calendar")
    assert PACKAGE / "sources" / "shared" / "calendar.py" in modules_used(code)


def test_what_is_not_imported_does_not_count():
    assert not {n for n in names(PACKAGE / "clean") if n.startswith(("history/", "quality/", "release/", "ingest/"))}


def test_a_folder_stands_for_all_its_files():
    assert {"clean/run.py", "clean/unpack.py", "clean/split.py"} <= names(PACKAGE / "clean")


def test_a_place_that_is_not_there_uses_nothing(tmp_path: Path):
    assert modules_used(tmp_path / "facts.py") == []
