"""CDC VSRR: 12-month-ending overdose death counts, in every layout since 2017.

Source of the rules: the dataset's footnotes and its technical notes (NCHS VSRR).
"""

from __future__ import annotations

import polars as pl

from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
from pipelines.core.problem import Text
from pipelines.sources.shared.calendar import first_of_month, month_number
from pipelines.sources.shared.geography import SEED, us_states

OWN_CODES = {"YC": "US-NYC", "NY": "US-NY-XNYC", "US": "US"}
"""The publisher's NY leaves New York City (YC) out."""
OWN_NAMES = {"new york city": "US-NYC", "new york": "US-NY-XNYC", "united states": "US"}

MOST_DEATHS = 1e10
"""More than all people alive: such a figure is no count, and would not fit the column's type."""


def tidy(batch: RecordBatch, source: Source) -> None:
    """One row per jurisdiction, month and indicator.

    A blank count carries the reason that its footnote gives; it is never 0, and a figure whose footnote says that
    it is hidden is a blank that somebody filled. percent_specified is a row of its own, because the publisher puts
    a percent into the column of the counts. percent_complete 99.5+ (at least 99.5) is kept as 99.5.
    """
    states, state = us_states(source.seed(SEED)), pl.col("state")
    codes, names = states.by_code | OWN_CODES, states.by_name | OWN_NAMES
    batch.reject(
        ~state.is_in(list(codes)),
        "State",
        Text(en="is no jurisdiction of this source", es="no es una jurisdicción de esta fuente"),
        "state",
    )
    named = pl.col("state_name").str.to_lowercase().replace_strict(names, default=None, return_dtype=pl.String)
    jurisdiction = state.replace_strict(codes, default=None, return_dtype=pl.String)
    batch.reject(
        named.ne_missing(jurisdiction),
        "State Name",
        Text(en="does not go with the record's State", es="no corresponde al State del registro"),
        "state_name",
    )
    batch.reject(
        ~pl.col("year").is_between(1900, 2199),
        "Year",
        Text(en="is not a year such as 2024", es="no es un año como 2024"),
        "year",
    )
    batch.reject(
        month_number(pl.col("month")).is_null(),
        "Month",
        Text(en="is not an English month name", es="no es el nombre de un mes en inglés"),
        "month",
    )
    is_percent = pl.col("indicator") == "percent_specified"
    for column, title in (("data_value", "Data Value"), ("predicted_value", "Predicted Value")):
        value = pl.col(column)
        possible = (value == value.round()) & (value.abs() < MOST_DEATHS)
        batch.reject(
            ~is_percent & ~possible,
            title,
            Text(en="is not a whole number of deaths", es="no es un número entero de muertes"),
            column,
        )
    complete = pl.col("percent_complete").str.strip_suffix("+").cast(pl.Float64, strict=False)
    batch.reject(
        pl.col("percent_complete").is_not_null() & complete.is_null(),
        "Percent Complete",
        Text(en="is not a percent such as 100 or 99.5+", es="no es un porcentaje como 100 o 99.5+"),
        "percent_complete",
    )
    note = pl.col("footnote").fill_null("").str.replace_all(r"\s+", " ")
    hidden = (
        pl.when(note.str.contains("(?i)suppressed"))
        .then(pl.lit("suppressed"))
        .when(note.str.contains("(?i)low data quality|data not shown"))
        .then(pl.lit("low_quality"))
    )
    blank = pl.col("data_value").is_null()
    _reject_contradictions(batch, blank, hidden.is_not_null(), is_percent)
    batch.frame = batch.frame.select(
        jurisdiction.alias("jurisdiction_id"),
        first_of_month(pl.col("year"), month_number(pl.col("month"))).alias("month_ending"),
        pl.col("indicator").alias("indicator_id"),
        pl.when(~is_percent).then(pl.col("data_value")).cast(pl.Int64).alias("deaths_reported"),
        pl.col("predicted_value").cast(pl.Int64).alias("deaths_predicted"),
        pl.when(is_percent).then(pl.col("data_value")).alias("percent_specified"),
        pl.when(blank).then(pl.coalesce(hidden, pl.lit("not_reported"))).alias("missing_reason"),
        complete.alias("percent_complete"),
        "percent_pending",
        (
            (pl.col("footnote_symbol").fill_null("") == "*") | note.str.contains("(?i)^[*]?(likely )?underreported")
        ).alias("is_provisional"),
        "_line",
    )


def _reject_contradictions(batch: RecordBatch, blank: pl.Expr, hidden: pl.Expr, is_percent: pl.Expr) -> None:
    """Reject figures that their own record denies.

    In seven releases a blank and a footnote that hides it always went together, and a predicted 0 stood only beside
    a reported 0. The layout of 2017, which has no footnote symbol, never said why a figure is blank.
    """
    shown = Text(
        en="is a figure, but the record's footnote says that it is hidden",
        es="es una cifra, pero la nota al pie del registro dice que está oculta",
    )
    batch.reject(~blank & hidden, "Data Value", shown, "data_value")
    if "footnote_symbol" in batch.raw.columns:
        batch.reject(
            blank & ~hidden,
            "Data Value",
            Text(
                en="is blank, but no footnote says that it is hidden",
                es="está en blanco, pero ninguna nota al pie dice que esté oculta",
            ),
            "data_value",
        )
    predicted = pl.col("predicted_value")
    zero = (predicted == 0) & pl.col("data_value").ne_missing(0)
    batch.reject(
        zero,
        "Predicted Value",
        Text(en="is 0, but the reported figure is not", es="es 0, pero la cifra notificada no lo es"),
        "predicted_value",
    )
    unexpected = predicted.is_not_null() & (is_percent | (pl.col("indicator") == "all_deaths"))
    batch.reject(
        unexpected,
        "Predicted Value",
        Text(en="is a figure, but nobody predicts this indicator", es="es una cifra, pero nadie estima este indicador"),
        "predicted_value",
    )
