"""Building a source's history file from its accepted vintages, in bounded memory.

What belongs here: reading clean vintages, chunking by period, fingerprints, counts. What does not:
how two vintages compare (revisions).

Writes ``data_marts/history/<realm>/<source>.parquet``, ``<source>.coverage.parquet`` and ``<source>.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.catalog.columns import FRAME_TYPES
from pipelines.catalog.scope import joined, scope_text
from pipelines.catalog.source import Source
from pipelines.core.dependencies import modules_used
from pipelines.core.files import atomic_path, read_json, write_json
from pipelines.core.fingerprint import code_fingerprint, damage, fingerprint, sha256_of, sums_of
from pipelines.core.parquet import parquet_of
from pipelines.core.prefetch import ahead
from pipelines.history.revisions import STATE, Vintage, columns, revise

ROWS_AT_A_TIME = 4_000_000


@dataclass(frozen=True)
class Accepted:
    """A clean vintage that quality let through."""

    published: date
    partial: bool
    folder: Path
    content: str


def build_history(source: Source, accepted: list[Accepted], folder: Path) -> dict[str, Any]:
    """Write the history of one source unless its inputs are the same as before and its files as they were written.

    Returns the summary: rows, counts of changes by vintage, periods (see _reach), fingerprint, checksums of the
    files, and mended: why it was made again although its inputs are the same.
    With no accepted vintage the files are written with no row, so that models stay buildable.
    """
    mark = _mark(source, accepted)
    out = folder / f"{source.id}.parquet"
    summary: dict[str, Any] = read_json(folder / f"{source.id}.json") or {}
    mended = damage(folder, summary["files"]) if summary.get("fingerprint") == mark else None
    if summary.get("fingerprint") == mark and mended is None:
        return summary
    rows, changes = _write_history(source, accepted, out)
    coverage = _coverage(source, accepted)
    covered = folder / f"{source.id}.coverage.parquet"
    with atomic_path(covered) as part:
        coverage.write_parquet(part)
    summary = {
        "source": source.id,
        "fingerprint": mark,
        "rows": rows,
        "changes": changes,
        "vintages": [str(v.published) for v in accepted],
        "first_period": str(coverage["first_period"].min()) if coverage.height else None,
        **_reach(source, accepted),
        "files": sums_of(out, covered),
    }
    write_json(folder / f"{source.id}.json", summary)
    return {**summary, "mended": mended}


def _mark(source: Source, accepted: list[Accepted]) -> str:
    """Fingerprint of all that a history follows from: code, roles and tolerances, vintages and what they cover."""
    described = source.model_dump_json(include={"frame", "period", "scope", "parts"})
    vintages = (f"{v.published}:{v.partial}:{v.content}:{sha256_of(v.folder / 'coverage.parquet')}" for v in accepted)
    code = code_fingerprint(*modules_used(Path(__file__).parent))
    return fingerprint([code, described, *vintages])


def _write_history(source: Source, accepted: list[Accepted], out: Path) -> tuple[int, dict[str, dict[str, int]]]:
    rows, changes = (
        0,
        {str(v.published): dict.fromkeys(("added", "revised", "annotated", "withdrawn"), 0) for v in accepted},
    )
    tables = (
        revise(source, (_read(source, v, first, last) for v in accepted)) for first, last in _windows(source, accepted)
    )
    with atomic_path(out) as part, parquet_of(part) as append:
        for table in ahead(tables):
            rows += table.height
            for vintage, change, count in table.group_by("first_vintage", "change").len().iter_rows():
                changes[str(vintage)][change] += count
            append(table)
        if not rows:
            append(_empty(source))
    return rows, changes


def _empty(source: Source) -> pl.DataFrame:
    kinds = {c.name: getattr(pl, FRAME_TYPES[c.type]) for c in source.frame} | {"scope": pl.String} | STATE
    return pl.DataFrame(schema={c: kinds[c] for c in columns(source)})


def _windows(source: Source, accepted: list[Accepted]) -> list[tuple[date, date]]:
    """Spans of whole years that together hold every period, each small enough to compare in memory."""
    if not accepted:
        return []
    counts = (
        pl.concat(
            [
                pl.scan_parquet(v.folder / "clean.parquet")
                .group_by(pl.col(source.period).dt.year().alias("year"))
                .len()
                for v in accepted
            ]
        )
        .group_by("year")
        .agg(pl.col("len").max())
        .sort("year")
        .collect()
    )
    spans: list[list[int]] = []
    size = 0
    for year, count in counts.iter_rows():
        if not spans or size + count > ROWS_AT_A_TIME:
            spans.append([year, year])
            size = 0
        spans[-1][1], size = year, size + count
    return [(date(a, 1, 1), date(b, 12, 31)) for a, b in spans]


def _read(source: Source, vintage: Accepted, first: date, last: date) -> Vintage:
    frame = (
        pl.scan_parquet(vintage.folder / "clean.parquet")
        .filter(pl.col(source.period).is_between(first, last))
        .select(*source.names("key", "value", "annotation"), scope_text(source).alias("scope"))
        .collect()
    )
    return Vintage(vintage.published, vintage.partial, frame, pl.read_parquet(vintage.folder / "coverage.parquet"))


def write_coverage(folder: Path, source_ids: list[str]) -> int:
    """Join the coverage of all sources into ``coverage.parquet``; returns its rows."""
    frame = pl.concat([pl.read_parquet(folder / f"{s}.coverage.parquet") for s in source_ids])
    with atomic_path(folder / "coverage.parquet") as part:
        frame.write_parquet(part)
    return frame.height


def _reach(source: Source, accepted: list[Accepted]) -> dict[str, Any]:
    """How far a source goes. last_period: what every part of it reaches; furthest_period: what any does; parts: each.

    One new excerpt must not make everything beside it look new. So an excerpt moves no part that complete vintages
    have; a part that the newest complete vintage has no more has ended, and holds the source back no longer.
    """
    if not accepted:
        return {"last_period": None, "furthest_period": None, "parts": []}
    pieces = [pl.col("values").struct.field(c) for c in source.part_columns]
    part = joined(pieces) if pieces else pl.lit("")
    whole = ~pl.col("is_partial")
    parts = (
        pl.concat(
            pl.read_parquet(v.folder / "coverage.parquet").select(
                part.alias("part"), "last_period", published=pl.lit(v.published), is_partial=pl.lit(v.partial)
            )
            for v in accepted
        )
        .with_columns(newest=pl.col("published").filter(whole).max())
        .group_by("part")
        .agg(
            pl.col("last_period").max(),
            whole_until=pl.col("last_period").filter(whole).max(),
            has_ended=(pl.col("published").max() < pl.col("newest").first()).fill_null(False),
        )
        .sort("last_period", "part")
    )
    goes_on = parts.filter(~pl.col("has_ended"))
    reached = goes_on.select(pl.coalesce("whole_until", "last_period").min()).item()
    return {
        "last_period": str(reached) if reached else None,
        "furthest_period": str(parts["last_period"].max()) if reached else None,
        "parts": parts.with_columns(pl.col("last_period", "whole_until").cast(pl.String)).to_dicts(),
    }


def _coverage(source: Source, accepted: list[Accepted]) -> pl.DataFrame:
    schema = {
        "source_id": pl.String, "vintage": pl.Date, "is_partial": pl.Boolean, "scope": pl.String,
        "first_period": pl.Date, "last_period": pl.Date, "is_open": pl.Boolean, "row_count": pl.Int64,
    }  # fmt: skip
    frames = [
        pl.read_parquet(v.folder / "coverage.parquet").select(
            pl.lit(source.id).alias("source_id"),
            pl.lit(v.published).alias("vintage"),
            pl.lit(v.partial).alias("is_partial"),
            "scope",
            "first_period",
            "last_period",
            "is_open",
            pl.col("rows").cast(pl.Int64).alias("row_count"),
        )
        for v in accepted
    ]
    return pl.concat([pl.DataFrame(schema=schema), *frames])
