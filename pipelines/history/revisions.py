"""From vintages to revisions: what was published when, what replaced it, what was withdrawn.

What belongs here: the comparison of vintages, as a pure function of their clean frames. What does
not: files and fingerprints (run), judging a vintage (quality).

A history row is one state of one key:

``value_vintage``     vintage in which the present value was first published (an annotation does not move it)
``first_vintage``     first vintage of this state
``last_vintage``      last vintage that showed this state; null while it is current
``replaced_vintage``  vintage that replaced it; null while it is current
``excerpt_vintages``  partial vintages that showed it (a full vintage speaks through its coverage)
``change``            added, revised (a value moved beyond its tolerance), annotated, withdrawn (values null)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.catalog.columns import TidyColumn
from pipelines.catalog.source import Source
from pipelines.core.parquet import in_order

STATE = {
    "value_vintage": pl.Date,
    "first_vintage": pl.Date,
    "last_vintage": pl.Date,
    "replaced_vintage": pl.Date,
    "excerpt_vintages": pl.List(pl.Date),
    "change": pl.String,
}
_SEEN = "_seen"
_NEW = "_new"


@dataclass(frozen=True)
class Vintage:
    """One vintage to compare. frame: key, value, annotation columns and scope; coverage: see clean.run."""

    published: date
    partial: bool
    frame: pl.DataFrame
    coverage: pl.DataFrame


def columns(source: Source) -> list[str]:
    """Columns of a history frame, in order."""
    return [*source.names("key"), *source.names("value", "annotation"), "scope", *STATE]


def revise(source: Source, vintages: Iterable[Vintage]) -> pl.DataFrame:
    """All states of all keys, given vintages from oldest to newest.

    Withdrawal acts only inside a full vintage's scope and window. The result does not depend on the
    order of rows in the frames.
    """
    key = source.names("key")
    measures = [c for c in source.frame if c.role in ("value", "annotation")]
    current: pl.DataFrame | None = None
    closed: list[pl.DataFrame] = []
    for vintage in vintages:
        if current is None:
            current = _started(vintage.frame, vintage)
            continue
        both = current.join(
            vintage.frame.with_columns(pl.lit(True).alias(_NEW)), on=key, how="full", coalesce=True, suffix=_NEW
        )
        current, ended = _step(source, both, measures, vintage)
        closed.append(ended)
    if current is None:
        raise ValueError("a history needs at least one vintage")
    done = current.with_columns(pl.lit(None, dtype=pl.Date).alias("last_vintage")).select(columns(source))
    states = pl.concat([*(c.select(columns(source)) for c in closed), done])
    return in_order(states, [source.period, *(k for k in key if k != source.period), "first_vintage"])


def _started(frame: pl.DataFrame, vintage: Vintage) -> pl.DataFrame:
    published = pl.lit(vintage.published, dtype=pl.Date)
    return frame.with_columns(
        published.alias("value_vintage"),
        published.alias("first_vintage"),
        pl.lit(None, dtype=pl.Date).alias("last_vintage"),
        pl.lit(None, dtype=pl.Date).alias("replaced_vintage"),
        _excerpt(vintage).alias("excerpt_vintages"),
        pl.lit("added").alias("change"),
        published.alias(_SEEN),
    )


def _excerpt(vintage: Vintage) -> pl.Expr:
    return pl.lit([vintage.published] if vintage.partial else [], dtype=pl.List(pl.Date))


def _differs(column: TidyColumn) -> pl.Expr:
    old, new = pl.col(column.name), pl.col(column.name + _NEW)
    if column.type == "number":
        apart = (old - new).abs() > column.tolerance
        return pl.when(old.is_null() | new.is_null()).then(old.is_null() != new.is_null()).otherwise(apart)
    return old.ne_missing(new)


def _carried(column: TidyColumn) -> pl.Expr:
    """The new state's value. A note leaves the figure as first published, or drift below the tolerance would add up."""
    new = pl.col(column.name + _NEW)
    if column.role == "value":
        new = pl.when(pl.col("_what") == "annotated").then(column.name).otherwise(new)
    return new.alias(column.name)


def _step(
    source: Source, both: pl.DataFrame, measures: list[TidyColumn], vintage: Vintage
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The current states after one more vintage, and the states that it ended."""
    key, published = source.names("key"), pl.lit(vintage.published, dtype=pl.Date)
    shown, known = pl.col(_NEW).fill_null(False), pl.col("first_vintage").is_not_null()
    gone = known & (pl.col("change") == "withdrawn")
    revised = pl.any_horizontal(_differs(c) for c in measures if c.role == "value")
    annotated = pl.any_horizontal(False, *(_differs(c) for c in measures if c.role == "annotation"))
    both = both.with_columns(
        pl.when(~known | (gone & shown))
        .then(pl.lit("added"))
        .when(shown & revised)
        .then(pl.lit("revised"))
        .when(shown & annotated)
        .then(pl.lit("annotated"))
        .when(shown)
        .then(pl.lit("same"))
        .otherwise(pl.lit("absent"))
        .alias("_what")
    )
    if not vintage.partial:
        both = both.join(
            vintage.coverage.select("scope", "first_period", "last_period"), on="scope", how="left"
        ).with_columns(
            pl.when(
                (pl.col("_what") == "absent")
                & ~gone
                & pl.col(source.period).is_between(pl.col("first_period"), pl.col("last_period"))
            )
            .then(pl.lit("withdrawn"))
            .otherwise("_what")
            .alias("_what")
        )
    stay = both.filter(pl.col("_what").is_in(["same", "absent"]))
    move = both.filter(~pl.col("_what").is_in(["same", "absent"]))
    same = pl.col("_what") == "same"
    excerpt = pl.col("excerpt_vintages").list.concat(_excerpt(vintage)) if vintage.partial else "excerpt_vintages"
    stay = stay.with_columns(
        pl.when(same).then(published).otherwise(_SEEN).alias(_SEEN),
        pl.when(same).then(excerpt).otherwise("excerpt_vintages").alias("excerpt_vintages"),
    )
    ended = move.filter(known).with_columns(pl.col(_SEEN).alias("last_vintage"), published.alias("replaced_vintage"))
    begun = move.select(
        *key,
        *(_carried(c) for c in measures),
        pl.coalesce("scope" + _NEW, "scope").alias("scope"),
        pl.when(pl.col("_what") == "annotated").then("value_vintage").otherwise(published).alias("value_vintage"),
        published.alias("first_vintage"),
        pl.lit(None, dtype=pl.Date).alias("last_vintage"),
        pl.lit(None, dtype=pl.Date).alias("replaced_vintage"),
        _excerpt(vintage).alias("excerpt_vintages"),
        pl.col("_what").alias("change"),
        published.alias(_SEEN),
    )
    return pl.concat([stay.select(begun.columns), begun]), ended
