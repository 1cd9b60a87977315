"""Cleaning a few rows of a source, for the tests in its folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from pipelines.catalog.load import get_source
from pipelines.clean.files import Limits
from pipelines.clean.run import Raw, Summary, clean_vintage
from pipelines.sources.modules import source_module

ROWS = Path(__file__).parent


def cleaned(source_id: str, name: str) -> tuple[Summary, pl.DataFrame, pl.DataFrame]:
    """The account, the clean rows and the rejected records of a file in ``tests/sources/<source_id>``."""
    raw = Raw(id="2026-01-15", vintage="2026-01-15", folder=ROWS / source_id, files=[name], content=name)
    with TemporaryDirectory() as folder:
        made = clean_vintage(
            get_source(source_id), partial(source_module, source_id), raw, Path(folder), Limits(), "code"
        )
        assert made.problem is None, made.problem
        out = Path(folder) / raw.id
        return made, pl.read_parquet(out / "clean.parquet"), pl.read_parquet(out / "rejected.parquet")
