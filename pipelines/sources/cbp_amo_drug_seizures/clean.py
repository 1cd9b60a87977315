"""CBP Air and Marine Operations drug seizures: events and weight by month, branch and drug.

AMO often assists OFO, USBP or a partner agency, so its cases overlap theirs: it stays a source of its own.
Source of the rules: CBP's files of fiscal years 2019 to 2026.
"""

from __future__ import annotations

import polars as pl

from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
from pipelines.sources.shared import cbp


def tidy(batch: RecordBatch, source: Source) -> None:
    """One row per month, branch, region, land filter and drug.

    Values: quantity_lb (lb, published with two decimals) and events (seizure events, at least 1). Component has
    one value, which the YAML checks, and is dropped. Region is part of the key, because a branch sits in several.
    """
    cbp.seizure_rows(batch, source)


def is_open() -> pl.Expr:
    """The running fiscal year, labelled (FYTD)."""
    return cbp.open_year()


is_unfinished = cbp.is_unfinished
"""A fiscal year without its September is running, even where the label lacks (FYTD)."""
