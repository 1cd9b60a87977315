"""Cleaning one vintage: every file through its source's module, into one tidy frame and an account.

What belongs here: the order of the steps, conservation of records, and what is written where.
What does not: rules of a source (its module), judging values (quality).

Writes below ``data_marts/clean/<realm>/<source>/<vintage>/``: ``clean.parquet`` (frame columns, then
file and line of the publisher's record), ``rejected.parquet``, ``coverage.parquet``, ``summary.json``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel

from pipelines.clean import corrections
from pipelines.clean.columns import typed
from pipelines.clean.files import LINE, REJECTED_SCHEMA, Limits, read_records
from pipelines.sources.catalog import FOLDER, Source
from pipelines.vocabulary import (
    DrugflowError,
    atomic_path,
    code_fingerprint,
    fingerprint,
    read_json,
    write_json,
)

SHARED = ("files", "columns", "part", "calendar", "geography", "cbp", "corrections", "run")


@dataclass(frozen=True)
class Raw:
    """A vintage as cleaning sees it: where its bytes are and what they are said to cover."""

    id: str
    vintage: str
    folder: Path
    files: list[str]
    content: str
    coverage: str = "full"
    scope: dict[str, list[str]] | None = None


class Summary(BaseModel):
    """The account of one cleaned vintage. problem is the sentence why it could not be read, if it could not."""

    source: str
    vintage: str
    fingerprint: str
    content: str = ""
    problem: str | None = None
    coverage: str = "full"
    records: int = 0
    rows: int = 0
    set_aside: dict[str, int] = {}
    rejected: int = 0
    corrected: dict[str, int] = {}
    first_period: str | None = None
    last_period: str | None = None


def cleaning_code(source: Source) -> str:
    """Fingerprint of the code and YAML that cleaning a source depends on."""
    here = Path(__file__).parent
    return code_fingerprint(
        *(here / f"{m}.py" for m in (*SHARED, source.id)), FOLDER / f"{source.id}.yml", FOLDER / "corrections.yaml"
    )


def clean_vintage(
    source: Source, raw: Raw, folder: Path, limits: Limits, code: str, verify: Callable[[], None] = lambda: None
) -> Summary:
    """Clean one vintage unless exactly that was done before.

    verify is called before bytes are used and raises where they are not the archived ones. An
    unreadable vintage is a summary with a problem, never an exception.
    """
    mark = fingerprint([raw.content, raw.id, code])
    out = folder / raw.id
    old = read_json(out / "summary.json")
    if old is not None and old["fingerprint"] == mark:
        return Summary.model_validate(old)
    summary = Summary(source=source.id, vintage=raw.vintage, fingerprint=mark, coverage=raw.coverage)
    try:
        verify()
        _clean(source, raw, out, limits, summary)
    except Exception as error:
        # One vintage never stops the others, whatever is wrong with it or with the code that reads it.
        known = isinstance(error, DrugflowError)
        problem = (
            str(error) if known else f"it could not be read because of an error in drugflow ({error!r}): report it."
        )
        summary = Summary(source=source.id, vintage=raw.vintage, fingerprint=mark, problem=problem)
        for name in ("clean", "rejected", "coverage"):
            (out / f"{name}.parquet").unlink(missing_ok=True)
    write_json(out / "summary.json", summary.model_dump())
    return summary


def _clean(source: Source, raw: Raw, out: Path, limits: Limits, summary: Summary) -> None:
    module: Any = importlib.import_module(f"pipelines.clean.{source.id}")
    frames: list[pl.DataFrame] = []
    rejected: list[dict[str, Any]] = []
    for name in raw.files:
        for records in read_records(raw.folder / name, source, limits, getattr(module, "from_sheet", None)):
            part = typed(name, records, source)
            module.tidy(part, source)
            part.check()
            frames.append(part.frame.with_columns(pl.lit(name).alias("file")).rename({LINE: "line"}))
            rejected += part.rejected
            summary.records += part.records
            for rule, count in part.aside.items():
                summary.set_aside[rule] = summary.set_aside.get(rule, 0) + count
    frame = _conform(source, pl.concat(frames))
    del frames
    if hasattr(module, "resolve"):
        frame = _account(summary, frame, module.resolve(frame))
    frame, summary.corrected = corrections.apply(source, frame)
    frame, doubled = _doubled(source, frame)
    rejected += doubled
    frame = frame.sort([source.period, *(k for k in source.key if k != source.period)])
    summary.rows, summary.rejected = frame.height, len(rejected)
    _conserved(summary)
    coverage = _coverage(source, raw, frame, module)
    summary.first_period, summary.last_period = (
        (
            str(v)
            for v in frame.select(pl.col(source.period).min().alias("a"), pl.col(source.period).max().alias("b")).row(0)
        )
        if frame.height
        else (None, None)
    )
    summary.content = _content(source, frame)
    _write(out / "clean.parquet", frame)
    _write(out / "rejected.parquet", pl.DataFrame(rejected, schema=REJECTED_SCHEMA).sort("file", "line"))
    _write(out / "coverage.parquet", coverage)


def _account(summary: Summary, before: pl.DataFrame, resolved: tuple[pl.DataFrame, dict[str, int]]) -> pl.DataFrame:
    frame, aside = resolved
    if frame.height + sum(aside.values()) != before.height:
        raise DrugflowError(f"{summary.source}: resolve() lost rows: {before.height} in, {frame.height} + {aside} out.")
    for rule, count in aside.items():
        if count:
            summary.set_aside[rule] = summary.set_aside.get(rule, 0) + count
    return frame


def _conserved(summary: Summary) -> None:
    total = summary.rows + sum(summary.set_aside.values()) + summary.rejected
    if total != summary.records:
        raise DrugflowError(
            f"{summary.source} {summary.vintage}: {summary.records} records in, {total} accounted for. "
            "This is an error in the cleaning code; nothing was published."
        )


def _conform(source: Source, frame: pl.DataFrame) -> pl.DataFrame:
    """Exactly the frame columns of the YAML with their types, then file and line."""
    dtypes = {"text": pl.String, "integer": pl.Int64, "number": pl.Float64, "date": pl.Date, "boolean": pl.Boolean}
    columns = [pl.col(c.name).cast(dtypes[c.type]) for c in source.frame]
    return frame.select(*columns, pl.col("file"), pl.col("line").cast(pl.Int64))


def _doubled(source: Source, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """A key that is there twice is rejected whole from the second row on: the publisher must say which holds."""
    second = frame.select(pl.struct(source.key).is_first_distinct().alias("first"))["first"].not_()
    if not second.any():
        return frame, []
    rows = frame.filter(second)
    rejected = [
        {
            "file": row["file"],
            "line": row["line"],
            "column": ", ".join(source.key),
            "value": ", ".join(str(row[k]) for k in source.key),
            "reason": "is the key of an earlier record too",
            "record": ", ".join(str(row[c.name]) for c in source.frame),
        }
        for row in rows.iter_rows(named=True)
    ]
    return frame.filter(~second), rejected


def _coverage(source: Source, raw: Raw, frame: pl.DataFrame, module: Any) -> pl.DataFrame:
    """What the vintage speaks about: for each scope value, the first and last period, and whether it is open.

    Columns: scope (text), first_period, last_period (DATE), is_open (BOOLEAN), rows.
    Raises DrugflowError where vintage.json names a scope that the rows contradict.
    """
    for column, values in (raw.scope or {}).items():
        if column in source.scope:
            found = set(frame[column].cast(pl.String).unique())
            if extra := found - {_scope_id(source, column, v) for v in values}:
                raise DrugflowError(
                    f"{raw.folder.name}: vintage.json limits {column} to {values}, but the files also have "
                    f"{sorted(map(str, extra))[:5]}."
                )
    is_open = getattr(module, "is_open", lambda: pl.lit(None, dtype=pl.Boolean))()
    return (
        frame.group_by(scope_text(source).alias("scope"))
        .agg(
            pl.col(source.period).min().alias("first_period"),
            pl.col(source.period).max().alias("last_period"),
            is_open.any().alias("is_open"),
            pl.len().alias("rows"),
        )
        .sort("scope")
    )


def _scope_id(source: Source, column: str, value: str) -> str:
    for raw in source.columns:
        if raw.categories and value in raw.categories:
            return raw.categories[value]
    return value


def scope_text(source: Source) -> pl.Expr:
    """The scope columns of a row as one text, empty where the source has no scope dimension."""
    if not source.scope:
        return pl.lit("")
    return pl.concat_str([pl.col(c).cast(pl.String) for c in source.scope], separator="/")


def _content(source: Source, frame: pl.DataFrame) -> str:
    """Order-free fingerprint of the figures, so that two export styles of one release are equal.

    Numbers count at six decimals: the last digits of their text drift between exports.
    """
    columns = [pl.col(c.name).round(6) if c.type == "number" else pl.col(c.name) for c in source.frame]
    return fingerprint([str(frame.height), str(int(frame.select(columns).hash_rows(seed=7).sum() or 0))])


def _write(path: Path, frame: pl.DataFrame) -> None:
    with atomic_path(path) as part:
        frame.write_parquet(part, compression="zstd", compression_level=1, statistics=True)
