"""Results of statistics are kept by series: only what changed is computed, and nothing old is taken for new."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from pipelines.core import remember
from pipelines.core.remember import by_series
from pipelines.core.settings import PROJECT_ROOT

ROWS = pl.DataFrame({"area": ["A", "A", "B", "B"], "month": [1, 2, 1, 2], "value": [1.0, 2.0, 10.0, None]})


class Sums:
    """Sums by area, and which areas it was asked for. An area whose sum is 99 has no result."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, rows: pl.DataFrame, times: int = 1) -> pl.DataFrame:
        self.asked.append(sorted(rows["area"].unique()))
        return rows.group_by("area").agg((pl.col("value").sum() * times).alias("total")).filter(pl.col("total") != 99)


def totals(rows: pl.DataFrame, sums: Sums, folder: Path, **parameters: int) -> dict[str, float]:
    found = by_series("sums", rows, ["area"], sums, parameters, folder)
    return dict(found.select("area", "total").iter_rows())


def changed(value: float) -> pl.DataFrame:
    """ROWS with another first value of area A."""
    return ROWS.with_columns(
        pl.when((pl.col("area") == "A") & (pl.col("month") == 1)).then(value).otherwise("value").alias("value")
    )


def test_a_series_that_did_not_change_is_not_computed_again(tmp_path: Path):
    sums = Sums()
    assert totals(ROWS, sums, tmp_path) == {"A": 3, "B": 10}
    assert totals(changed(5.0), sums, tmp_path) == {"A": 7, "B": 10}
    assert sums.asked == [["A", "B"], ["A"]]


def test_the_order_of_rows_is_no_change(tmp_path: Path):
    sums = Sums()
    totals(ROWS, sums, tmp_path)
    assert totals(ROWS.reverse(), sums, tmp_path) == {"A": 3, "B": 10}
    assert len(sums.asked) == 1


def test_a_series_without_a_result_is_remembered_too(tmp_path: Path):
    sums = Sums()
    assert totals(changed(97.0), sums, tmp_path) == {"B": 10}
    assert totals(changed(97.0), sums, tmp_path) == {"B": 10}
    assert len(sums.asked) == 1


def test_a_series_that_left_leaves_the_result(tmp_path: Path):
    sums = Sums()
    totals(ROWS, sums, tmp_path)
    assert totals(ROWS.filter(pl.col("area") == "B"), sums, tmp_path) == {"B": 10}


def test_a_missing_value_and_a_zero_are_different_series(tmp_path: Path):
    sums = Sums()
    totals(ROWS, sums, tmp_path)
    totals(ROWS.with_columns(pl.col("value").fill_null(0.0)), sums, tmp_path)
    assert sums.asked == [["A", "B"], ["B"]]


@pytest.mark.parametrize("damage", [b"", b"PAR1 and then nothing"])
def test_a_damaged_file_of_results_is_computed_anew(tmp_path: Path, damage: bytes):
    sums = Sums()
    totals(ROWS, sums, tmp_path)
    (tmp_path / "sums.parquet").write_bytes(damage)
    assert totals(ROWS, sums, tmp_path) == {"A": 3, "B": 10}
    assert len(sums.asked) == 2


@pytest.mark.parametrize("damage", [b"", b'{"code": "', b"\xff\xfe", b"[]", b"{}", b"null"])
def test_with_a_damaged_account_everything_is_computed_anew(tmp_path: Path, damage: bytes):
    sums = Sums()
    totals(ROWS, sums, tmp_path)
    (tmp_path / "sums.json").write_bytes(damage)
    assert totals(ROWS, sums, tmp_path) == {"A": 3, "B": 10}
    assert totals(ROWS, sums, tmp_path) == {"A": 3, "B": 10}
    assert len(sums.asked) == 2


def test_with_another_parameter_everything_is_computed_anew(tmp_path: Path):
    sums = Sums()
    assert totals(ROWS, sums, tmp_path, times=1) == {"A": 3, "B": 10}
    assert totals(ROWS, sums, tmp_path, times=2) == {"A": 6, "B": 20}


def test_with_the_same_parameters_nothing_is_computed_again(tmp_path: Path):
    sums = Sums()
    totals(ROWS, sums, tmp_path, times=2)
    assert totals(ROWS, sums, tmp_path, times=2) == {"A": 6, "B": 20}
    assert len(sums.asked) == 1


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a copy of all files that make results, in place of the project's own."""
    folder = tmp_path / "code"
    shutil.copytree(remember.STATISTICS, folder / "analysis")
    shutil.copytree(remember.MODELS, folder / "models")
    shutil.copy(remember.__file__, folder / "remember.py")
    monkeypatch.setattr(remember, "STATISTICS", folder / "analysis")
    monkeypatch.setattr(remember, "MODELS", folder / "models")
    monkeypatch.setattr(remember, "__file__", str(folder / "remember.py"))
    return folder


@pytest.mark.parametrize(
    "name", ["models/int_change_points.py", "models/int_anomalies.py", "analysis/joinpoint.py", "remember.py"]
)
def test_with_a_changed_file_of_code_everything_is_computed_anew(code: Path, tmp_path: Path, name: str):
    sums = Sums()
    totals(ROWS, sums, tmp_path)
    with (code / name).open("a") as file:
        file.write("# another thought\n")
    totals(ROWS, sums, tmp_path)
    assert sums.asked == [["A", "B"], ["A", "B"]]


def test_with_the_same_files_of_code_nothing_is_computed_again(code: Path, tmp_path: Path):
    sums = Sums()
    totals(ROWS, sums, tmp_path)
    totals(ROWS, sums, tmp_path)
    assert len(sums.asked) == 1


def test_every_model_that_remembers_is_among_the_files_that_are_looked_at():
    models = (PROJECT_ROOT / "dbt_project" / "models").rglob("*.py")
    remembering = {path for path in models if "pipelines.core.remember" in path.read_text("utf-8")}
    assert len(remembering) >= 3
    assert remembering <= set(remember.MODELS.glob("*.py"))


def test_no_rows_give_an_empty_result_with_its_columns(tmp_path: Path):
    assert by_series("sums", ROWS.clear(), ["area"], Sums(), folder=tmp_path).columns == ["area", "total"]
