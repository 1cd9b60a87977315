"""Months, fiscal years and the spellings of dates that the agencies use."""

from __future__ import annotations

from typing import Literal

import polars as pl

MONTHS = {
    "en": (
        "january", "february", "march", "april", "may", "june",
        "july", "august", "september", "october", "november", "december",
    ),
    "es": (
        "enero", "febrero", "marzo", "abril", "mayo", "junio",
        "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
    ),
}  # fmt: skip
OTHER_SPELLINGS = {"en": {}, "es": {"setiembre": 9, "set": 9}}
"""The Spanish of both countries writes September in two ways."""


def month_number(name: pl.Expr, language: Literal["en", "es"] = "en") -> pl.Expr:
    """Month 1..12 from a month's name or its first three letters, any case; null where it is neither.

    Only the names of one language are known, because a file in another one is another file.
    """
    names = MONTHS[language]
    full = {m: i for i, m in enumerate(names, 1)}
    short = {m[:3]: i for i, m in enumerate(names, 1)}
    known = {**full, **short, **OTHER_SPELLINGS[language]}
    return name.str.to_lowercase().replace_strict(known, default=None, return_dtype=pl.Int32)


def first_of_month(year: pl.Expr, month: pl.Expr) -> pl.Expr:
    """DATE of the first day of a month; null where year or month is null, or the year is none of 1900 to 2199."""
    return pl.date(pl.when(year.is_between(1900, 2199)).then(year), month, 1)


def fiscal_month_date(fiscal_year: pl.Expr, month: pl.Expr) -> pl.Expr:
    """Calendar month of a US federal fiscal year: October to December belong to the calendar year before.

    Source: 31 U.S.C. 1102 (the fiscal year begins on 1 October).
    """
    return pl.date(pl.when(month >= 10).then(fiscal_year - 1).otherwise(fiscal_year), month, 1)


def fiscal_year(month: pl.Expr) -> pl.Expr:
    """US federal fiscal year of a calendar date."""
    return month.dt.year() + (month.dt.month() >= 10).cast(pl.Int32)
