"""What a source's cleaning module offers, and what stands in where it leaves something out.

What belongs here: the extension point between the toolkit and the module of one source. What does not: finding the
module (pipelines.sources.modules), any rule of a source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
from pipelines.clean.files import FromSheet

Tidy = Callable[[RecordBatch, Source], None]
Resolve = Callable[[pl.DataFrame], tuple[pl.DataFrame, dict[str, int]]]


def _keep_all(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    return frame, {}


def _unknown() -> pl.Expr:
    return pl.lit(None, dtype=pl.Boolean)


def _finished(first_period: date, last_period: date) -> bool:
    return False


@dataclass(frozen=True)
class SourceModule:
    """The functions that ``sources/<id>/clean.py`` may define; only tidy must be there.

    tidy(batch, source): leaves in ``batch.frame`` the columns of the source's frame and the column ``_line``, one row
    per published figure. Sets aside under a rule, or rejects with a reason, every row that it does not keep.

    resolve(frame): the frame with one row per key, and how many rows each rule set aside. frame has the columns of the
    source's frame, then file and line, and holds whole years. Left out: every row is kept.

    is_open(): whether the scope of a row may still be restated, as a Boolean expression on the frame. Left out: not
    known.

    is_unfinished(first_period, last_period): whether a scope of a full vintage whose rows span these periods is open,
    whatever its rows say. Left out: no.

    from_sheet(name, sheet, source): the records of a workbook's sheet, for layouts with more than a header and its
    rows. sheet has text columns and ``_line``. Raises FileProblem for another layout. Left out: where the source's
    formats list xlsx, a workbook is read as a header in the first row and one record a row.
    """

    tidy: Tidy
    resolve: Resolve = _keep_all
    is_open: Callable[[], pl.Expr] = _unknown
    is_unfinished: Callable[[date, date], bool] = _finished
    from_sheet: FromSheet | None = None
