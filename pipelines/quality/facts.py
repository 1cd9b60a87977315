"""Facts about a vintage as small frames, one row a fact, for table-level expectations.

What belongs here: counting and summing a vintage against itself and against the one before, and the list of all
facts. What does not: what is there or absent (presence), what may not move (settled), bounds (the YAML).

Every function takes the vintage and the accepted full one before it, and returns an empty frame where the
fact cannot be established (no earlier vintage, a partial one): an expectation on no row holds.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipelines.catalog.columns import FRAME_TYPES
from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError
from pipelines.quality.completeness import gone, known_series, series_gaps, usual_rows
from pipelines.quality.context import Context, Fact
from pipelines.quality.declared import declared
from pipelines.quality.stability import content, last_period, settled

USUAL_MONTHS = 13


def shape(source: Source, context: Context) -> pl.DataFrame:
    """Each column of the frame that the YAML describes or the vintage has: ``expected_type``, ``found_type``.

    A type is Polars' word, ``absent`` for a column that is not there, ``unknown`` for one that the YAML lacks;
    file and line, which every frame has, are left out. ``is_as_described`` tells whether the two agree.
    """
    found = {n: str(t) for n, t in context.rows().collect_schema().items() if n not in ("file", "line")}
    expected = {c.name: FRAME_TYPES[c.type] for c in source.frame}
    names = list(dict.fromkeys([*expected, *found]))
    return pl.DataFrame(
        {
            "column": names,
            "expected_type": [expected.get(n, "unknown") for n in names],
            "found_type": [found.get(n, "absent") for n in names],
            "is_as_described": [expected.get(n) == found.get(n) for n in names],
        }
    )


def newest_period(source: Source, context: Context) -> pl.DataFrame:
    """Rows of the newest period over rows of the period before it: ``share_of_previous_rows``."""
    counts = context.rows().group_by(pl.col(source.period).alias("period")).len("rows").sort("period").tail(2).collect()
    if counts.height < 2:
        return pl.DataFrame(schema={"period": pl.Date, "share_of_previous_rows": pl.Float64})
    before, newest = counts["rows"].to_list()
    return pl.DataFrame({"period": [counts["period"][1]], "share_of_previous_rows": [newest / before]})


def every_period(source: Source, context: Context) -> pl.DataFrame:
    """Rows of each month over the median of the months around it, six on each side: ``share_of_usual_rows``.

    A month inside the window without a row has share 0: it was cut out of the file, even where no earlier vintage
    knows it. Nothing for a window shorter than thirteen months. For sources whose period is a month.
    """
    counts = context.rows().group_by(pl.col(source.period).alias("period")).len("rows").collect()
    empty = pl.DataFrame(schema={"period": pl.Date, "share_of_usual_rows": pl.Float64})
    if counts.is_empty():
        return empty
    window = counts.select(pl.date_range(pl.col("period").min(), pl.col("period").max(), "1mo"))
    if window.height < USUAL_MONTHS:
        return empty
    usual = pl.col("rows").rolling_median(USUAL_MONTHS, min_samples=USUAL_MONTHS // 2 + 1, center=True)
    return (
        window.join(counts, on="period", how="left")
        .sort("period")
        .with_columns(pl.col("rows").fill_null(0).cast(pl.Float64))
        .select("period", (pl.col("rows") / usual).alias("share_of_usual_rows"))
    )


def coverage(source: Source, context: Context) -> pl.DataFrame:
    """Share of the keys known before, inside this vintage's scope and window, that are still there.

    One row ``share_of_known_rows``; none for a partial vintage, in which an absent key says nothing.
    """
    empty = pl.DataFrame(schema={"known_rows": pl.Int64, "share_of_known_rows": pl.Float64})
    previous = context.previous_rows()
    if previous is None or context.partial:
        return empty
    known = context.inside(previous, source).select(source.key)
    total = known.select(pl.len()).collect().item()
    if not total:
        return empty
    kept = known.join(context.rows().select(source.key), on=source.key, how="semi").select(pl.len()).collect().item()
    return pl.DataFrame({"known_rows": [total], "share_of_known_rows": [kept / total]})


def magnitude(source: Source, context: Context) -> pl.DataFrame:
    """Sum of the first value column over the keys common with the vintage before, new over old.

    One row ``ratio_to_previous_release``; none without common keys.
    """
    value = source.names("value")[0]
    previous = context.previous_rows()
    empty = pl.DataFrame(schema={"old": pl.Float64, "new": pl.Float64, "ratio_to_previous_release": pl.Float64})
    if previous is None:
        return empty
    old, new = (
        previous.select(*source.key, pl.col(value).alias("old"))
        .join(context.rows().select(*source.key, pl.col(value).alias("new")), on=source.key)
        .drop_nulls(["old", "new"])
        .select(pl.col("old").sum().cast(pl.Float64), pl.col("new").sum().cast(pl.Float64))
        .collect()
        .row(0)
    )
    if not old:
        return empty
    return pl.DataFrame({"old": [old], "new": [new], "ratio_to_previous_release": [new / old]})


GENERIC: dict[str, Fact] = {
    "shape": shape,
    "newest_period": newest_period,
    "every_period": every_period,
    "coverage": coverage,
    "magnitude": magnitude,
    "usual_rows": usual_rows,
    "known_series": known_series,
    "series_gaps": series_gaps,
    "gone": gone,
    "content": content,
    "last_period": last_period,
    "settled": settled,
}


def facts(source: Source, own: Mapping[str, Fact], batch: str, context: Context) -> pl.DataFrame:
    """The facts frame that a YAML's batch names: a fact of every source, one that the YAML declares, or one of own.

    own are the functions of the source's facts.py by their batches. Raises DrugflowError for a name that nobody
    computes.
    """
    if batch in source.facts:
        return declared(source.facts[batch], source, context)
    compute = GENERIC.get(batch) or own.get(batch)
    if compute is None:
        raise DrugflowError(
            f"{source.id}: nobody computes the facts {batch!r}: declare them under facts in its source.yml, or write "
            "them in its facts.py."
        )
    return compute(source, context)
