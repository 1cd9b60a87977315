"""What CBP's seizure files have in common: fiscal year labels, fiscal months, one row per month and place.

What belongs here: rules that hold for more than one CBP source. What does not: the columns and categories
of one file (its YAML), and the meaning of one source (its module).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
from pipelines.clean.files import LINE
from pipelines.core.problem import Text
from pipelines.sources.shared.calendar import fiscal_month_date, month_number

# "2024" once the year is closed, "2024 (FYTD)" while it runs. A file with closed years only looks like a
# column of integers, so the label is always read as text.
FISCAL_YEAR_LABEL = r"(?i)^(20\d{2})\s*(\(FYTD\))?$"


def seizure_rows(batch: RecordBatch, source: Source) -> None:
    """One row per month, place and drug, with exactly the columns of the source's frame.

    Needs the raw columns fiscal_year_label and month_name (text) and the frame's other columns by their own
    names. Adds month (DATE, first day of the calendar month), fiscal_year (INTEGER) and is_fytd (BOOLEAN).
    A weight of 0 lb with an event is a trace and stays; a negative weight stays too, for the quality stage
    to judge. Rejects a label that is no fiscal year and a name that is no month.
    """
    label, name = pl.col("fiscal_year_label"), pl.col("month_name")
    batch.reject(
        ~label.str.contains(FISCAL_YEAR_LABEL),
        "FY",
        Text(
            en="is not a fiscal year such as 2024 or, while the year runs, 2024 (FYTD)",
            es="no es un año fiscal como 2024 o, mientras el año corre, 2024 (FYTD)",
        ),
        "fiscal_year_label",
    )
    batch.reject(
        month_number(name).is_null(),
        "Month (abbv)",
        Text(en="is not an English month such as OCT", es="no es un mes en inglés como OCT"),
        "month_name",
    )
    year = label.str.extract(FISCAL_YEAR_LABEL, 1).cast(pl.Int32)
    batch.frame = batch.frame.with_columns(
        fiscal_month_date(year, month_number(name)).alias("month"),
        year.cast(pl.Int64).alias("fiscal_year"),
        label.str.extract(FISCAL_YEAR_LABEL, 2).is_not_null().alias("is_fytd"),
    ).select(*(c.name for c in source.frame), LINE)


def open_year() -> pl.Expr:
    """Whether a row of the frame belongs to the running fiscal year, which every release restates whole.

    A closed year was identical in every pair of releases seen; the running one moves both ways and loses rows.
    """
    return pl.col("is_fytd")


def is_unfinished(first_period: date, last_period: date) -> bool:
    """Whether a fiscal year whose rows end in a month is running, whatever its label says: it ends in September."""
    return last_period.month != 9
