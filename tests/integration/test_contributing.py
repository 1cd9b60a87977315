"""The worked example of CONTRIBUTING.md is run as it stands there."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from pipelines.clean.files import Limits
from pipelines.clean.run import Raw, Summary, clean_vintage
from pipelines.release.dictionary import load_dictionary
from pipelines.sources.catalog import Source, load_source
from tests.conftest import ROOT

BLOCK = re.compile(r"```\w+\n(?:#|--) (?P<path>\S+)\n(?P<text>.*?)```", re.S)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("example")
    for match in BLOCK.finditer((ROOT / "CONTRIBUTING.md").read_text("utf-8")):
        path = folder / match["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(match["text"], "utf-8")
    spec = importlib.util.spec_from_file_location(
        "pipelines.clean.cbp_currency", folder / "pipelines/clean/cbp_currency.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules["pipelines.clean.cbp_currency"] = module
    yield folder
    del sys.modules["pipelines.clean.cbp_currency"]


@pytest.fixture(scope="module")
def source(example: Path) -> Source:
    return load_source(example / "pipelines/sources/cbp_currency.yml")


@pytest.fixture(scope="module")
def cleaned(example: Path, source: Source) -> tuple[Summary, pl.DataFrame]:
    raw = Raw("2026-08-15", "2026-08-15", example / "tests/fixtures/cbp_currency", ["two_rows.csv"], "x")
    summary = clean_vintage(source, raw, example / "clean", Limits(), "code")
    return summary, pl.read_parquet(example / "clean/2026-08-15/clean.parquet")


def test_every_row_of_the_fixture_is_clean(cleaned: tuple[Summary, pl.DataFrame]) -> None:
    summary, _ = cleaned
    assert (summary.problem, summary.records, summary.rows, summary.rejected) == (None, 2, 2, 0)


def test_october_of_a_fiscal_year_is_in_the_calendar_year_before(cleaned: tuple[Summary, pl.DataFrame]) -> None:
    _, frame = cleaned
    months = dict(zip(frame["area"], frame["month"].cast(pl.String), strict=True))
    assert months == {"LAREDO FIELD OFFICE": "2025-10-01", "TUCSON FIELD OFFICE": "2025-07-01"}


def test_the_history_table_follows_from_the_yaml_in_both_languages(source: Source) -> None:
    from pipelines.release.dictionary import FOLDER

    table = next(t for t in load_dictionary(FOLDER, [source]) if t.full_name == "history.cbp_currency")
    amount = next(c for c in table.columns if c.name == "amount_usd")
    assert (amount.type, amount.unit, amount.en, amount.es) == ("DOUBLE", "usd", "Amount seized.", "Monto decomisado.")


def test_the_staging_model_reads_the_history_of_the_source(example: Path) -> None:
    text = (example / "dbt_project/models/staging/stg_cbp_currency.sql").read_text("utf-8")
    assert "source('history', 'cbp_currency')" in text
