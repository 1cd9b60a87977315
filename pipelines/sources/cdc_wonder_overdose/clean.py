"""CDC WONDER: monthly overdose deaths by state of residence, from text and CSV exports of saved queries.

Source of the rules: the query parameters, messages and caveats in the exports' own footers, and the help
pages of the databases D77, D157 and D176. Which column is residence was settled by the figures: D77 and D157
say ``State``, D176 says ``Residence State``, and all state months that they share are equal.
"""

from __future__ import annotations

import polars as pl

from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
from pipelines.core.problem import Text
from pipelines.sources.shared.calendar import first_of_month, month_number
from pipelines.sources.shared.geography import SEED, us_states

ALL_DRUGS = "drug_overdose"
SUPPRESSED = "suppressed"
_STATUS = r"(?i: \(provisional(?: and partial)?\))?"
"""What a label may add. Another word would be read as a final figure, so it is refused until it is known."""
CELL = ["jurisdiction_id", "month", "indicator_id"]


def tidy(batch: RecordBatch, source: Source) -> None:
    """One row per state of residence, month, indicator and basis.

    A file without a cause column is a query of all drugs. deaths is null with missing_reason ``suppressed``
    where the publisher writes Suppressed (1 to 9 deaths); hidden and zero months are usually not in the file.
    basis is ``provisional`` where the label of the year or month says so, ``final`` elsewhere.
    Total rows (they include the hidden states) are set aside.
    """
    batch.set_aside(pl.col("notes").str.to_lowercase() == "total", "total")
    batch.reject(
        pl.col("notes").is_not_null(),
        "Notes",
        Text(en="is neither empty nor Total", es="no está vacía ni es Total"),
        "notes",
    )

    label = pl.concat_str(pl.col("year_text", "month_text").fill_null(""), separator=" ").str.to_lowercase()
    # The code, because the label is text: "Jan., 2018", "2023 ", "2024 (provisional)".
    month = (pl.col("month_code") + "/01").str.to_date("%Y/%m/%d", strict=False)
    batch.reject(
        month.is_null(),
        "Month Code",
        Text(en="is not a month such as 2018/01", es="no es un mes como 2018/01"),
        "month_code",
    )
    misfit = Text(en="does not go with the record's Month Code", es="no corresponde al Month Code del registro")
    batch.reject(_labelled_month().ne_missing(month), "Month", misfit, "month_text")
    year = pl.col("year_text").str.extract(rf"^(\d{{4}}){_STATUS}$").ne_missing(month.dt.strftime("%Y"))
    batch.reject(pl.col("year_text").is_not_null() & year, "Year", misfit, "year_text")

    states = us_states(source.seed(SEED))
    state = pl.col("state_code").str.zfill(2).replace_strict(states.by_number, default=None, return_dtype=pl.String)
    batch.reject(
        state.is_null(),
        "State Code",
        Text(en="is not the FIPS code of a US state", es="no es el código FIPS de un estado de EE. UU."),
        "state_code",
    )
    named = pl.col("state_name").str.to_lowercase().replace_strict(states.by_name, default=None, return_dtype=pl.String)
    batch.reject(
        named.ne_missing(state),
        "State",
        Text(en="does not go with the record's State Code", es="no corresponde al State Code del registro"),
        "state_name",
    )

    indicator = pl.col("cause") if "cause" in batch.raw.columns else pl.lit(ALL_DRUGS)
    batch.reject(
        indicator.is_null(),
        "Multiple Cause of death Code",
        Text(en="is empty, expected T40.4", es="está vacía, se esperaba T40.4"),
        "cause",
    )

    text = pl.col("deaths_text").str.to_lowercase()
    deaths = text.cast(pl.Int64, strict=False)
    unreadable = deaths.is_null() & text.ne_missing(SUPPRESSED)
    batch.reject(
        unreadable,
        "Deaths",
        Text(en="is neither a whole number nor Suppressed", es="no es un número entero ni Suppressed"),
        "deaths_text",
    )

    batch.frame = batch.frame.select(
        state.alias("jurisdiction_id"),
        month.alias("month"),
        indicator.alias("indicator_id"),
        pl.when(label.str.contains("provisional", literal=True))
        .then(pl.lit("provisional"))
        .otherwise(pl.lit("final"))
        .alias("basis"),
        deaths.alias("deaths"),
        pl.when(deaths.is_null()).then(pl.lit(SUPPRESSED)).alias("missing_reason"),
        label.str.contains("partial", literal=True).alias("is_partial"),
        "_line",
    )


def _labelled_month() -> pl.Expr:
    """First day of the month that a label such as ``Jan., 2018`` names; null where it names none or says more."""
    label = pl.col("month_text").str.extract_groups(rf"^(?<month>[A-Za-z]+)\.?, (?<year>\d{{4}}){_STATUS}$")
    year = label.struct.field("year").cast(pl.Int32, strict=False)
    return first_of_month(year, month_number(label.struct.field("month")))


def resolve(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Count a figure once that several queries of the vintage repeat, the final one before a provisional one.

    Figures that differ stay: with one basis they are a doubled key, which the core rejects; a final and a
    provisional figure are two keys. The same record twice in one file stays too, for the core to reject.
    """
    figure = [*CELL, "deaths"]
    ordered = frame.sort(*CELL, "basis", "file", "line", nulls_last=True)
    repeated = ordered.select((pl.col("file") != pl.col("file").first().over(figure)).alias("repeated"))["repeated"]
    return ordered.filter(~repeated), {"same_figure_in_other_query": int(repeated.sum())}


def is_open() -> pl.Expr:
    """A provisional month may still change."""
    return pl.col("basis") == "provisional"
