"""CBP nationwide drug seizures: events and weight by month, area of responsibility and drug, OFO and USBP.

Source of the rules: CBP's files of fiscal years 2019 to 2026, which all have the same nine columns.
"""

from __future__ import annotations

import polars as pl

from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
from pipelines.sources.shared import cbp


def tidy(batch: RecordBatch, source: Source) -> None:
    """One row per month, component, region, land filter, area and drug.

    Values: quantity_lb (lb, as published) and events (seizure events, at least 1). No row means no seizure:
    filling with 0 needs the window of the whole release and is left to the marts.
    """
    cbp.seizure_rows(batch, source)


def is_open() -> pl.Expr:
    """The running fiscal year, labelled (FYTD)."""
    return cbp.open_year()


is_unfinished = cbp.is_unfinished
"""A fiscal year without its September is running, even where the label lacks (FYTD)."""
