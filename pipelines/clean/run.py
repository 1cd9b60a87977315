"""Cleaning one vintage: every file through its source's module, into one tidy frame and an account.

What belongs here: the order of the steps, conservation of records, and what is written where.
What does not: rules of a source (its module), judging values (quality).

Writes below ``data_marts/clean/<realm>/<source>/<vintage>/``: ``clean.parquet`` (frame columns, then
file and line of the publisher's record), ``rejected.parquet``, ``coverage.parquet``, ``summary.json``.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from pydantic import BaseModel

from pipelines.catalog.columns import FRAME_TYPES
from pipelines.catalog.scope import scope_text
from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
from pipelines.clean.columns import typed
from pipelines.clean.files import LINE, FileProblem, Limits, Records, read_records
from pipelines.clean.known_errors import flagged
from pipelines.clean.source_module import SourceModule
from pipelines.clean.spill import Spans
from pipelines.clean.split import LONGEST_TEXT, LONGEST_VALUE, no_rejected
from pipelines.core.errors import DrugflowError, why
from pipelines.core.files import atomic_path, read_json, write_json
from pipelines.core.fingerprint import damage, fingerprint, sums_of
from pipelines.core.parquet import in_order, parquet_of
from pipelines.core.prefetch import ahead
from pipelines.core.problem import Phrase, Problem, Stored, record_problem

UNSETTLED = ""
"""Fingerprint of a vintage whose problem does not lie in its bytes alone: it is cleaned again next time."""
WRITTEN = ("clean", "rejected", "coverage")
ROWS_IN_A_GROUP = 250_000
"""Rows of a Parquet row group: what a stage that wants some months has to read."""
MOST_REJECTED = 1_000_000
"""Rejected records that are kept for reading. A vintage with more of them is another kind of file."""


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
    """The account of one cleaned vintage. problem is why it could not be read, if it could not.

    files: checksums of what was written. mended: why it was cleaned again although nothing had changed.
    """

    source: str
    vintage: str
    archive_id: str = ""
    fingerprint: str
    content: str = ""
    problem: Stored | None = None
    coverage: str = "full"
    records: int = 0
    rows: int = 0
    set_aside: dict[str, int] = {}
    rejected: int = 0
    corrected: dict[str, int] = {}
    first_period: str | None = None
    last_period: str | None = None
    files: dict[str, str] = {}
    mended: Problem | None = None


def clean_vintage(
    source: Source,
    module: Callable[[], SourceModule],
    raw: Raw,
    folder: Path,
    limits: Limits,
    code: str,
    verify: Callable[[], None] = lambda: None,
) -> Summary:
    """Clean one vintage unless exactly that was done before and its files are as they were written.

    module loads the source's functions; code is the fingerprint of all code and descriptions that cleaning rests on.
    verify raises where the bytes are not the archived ones; it is called beside the reading, and nothing is written
    before its answer. An unreadable vintage is a summary with a problem, never an exception.
    """
    mark = fingerprint([raw.content, raw.id, code, str(limits.max_unpacked_bytes), str(limits.max_unpack_ratio)])
    out = folder / raw.id
    old = read_json(out / "summary.json")
    mended = damage(out, old["files"]) if old is not None and old["fingerprint"] == mark else None
    if old is not None and old["fingerprint"] == mark and mended is None:
        return Summary.model_validate(old)
    summary = Summary(source=source.id, vintage=raw.vintage, archive_id=raw.id, fingerprint=mark, coverage=raw.coverage)
    (out / "error.txt").unlink(missing_ok=True)
    try:
        with ThreadPoolExecutor(max_workers=1) as pool:
            _clean(source, module, raw, out, limits, summary, pool.submit(verify).result)
        summary.files = sums_of(*(out / f"{name}.parquet" for name in WRITTEN))
    except (Exception, pl.exceptions.PanicException) as error:
        # One vintage never stops the others, whatever is wrong with it or with the code that reads it. What only
        # the bytes decide stays decided; anything else (a full disk, a damaged archive) is tried again.
        settled = mark if isinstance(error, FileProblem) else UNSETTLED
        problem = _problem(error, out).at(source.id, raw.id)
        summary = Summary(
            source=source.id, vintage=raw.vintage, archive_id=raw.id, fingerprint=settled,
            coverage=raw.coverage, problem=problem,
        )  # fmt: skip
        for name in WRITTEN:
            (out / f"{name}.parquet").unlink(missing_ok=True)
    write_json(out / "summary.json", summary.model_dump(mode="json"))
    return summary.model_copy(update={"mended": mended})


def _problem(error: BaseException, out: Path) -> Problem:
    """Why a vintage could not be read; what only a developer can use goes to error.txt in its folder."""
    if isinstance(error, DrugflowError):
        return error.problem
    if isinstance(error, OSError | MemoryError):
        return Problem.of("cannot_be_read_now", why=why(error))
    out.mkdir(parents=True, exist_ok=True)
    (out / "error.txt").write_text("".join(traceback.format_exception(error)), "utf-8")
    return Problem.of("error_in_drugflow", why=why(error), log=f"{'/'.join(out.parts[-4:])}/error.txt")


def _clean(
    source: Source,
    load: Callable[[], SourceModule],
    raw: Raw,
    out: Path,
    limits: Limits,
    summary: Summary,
    verified: Callable[[], None],
) -> None:
    module = load()
    spans = Spans(source.period, out / ".spans")
    try:
        try:
            rejected = _read(source, raw, limits, module, summary, spans)
        finally:
            # Of bytes that are not the archived ones nothing else may be said, whatever reading them met.
            verified()
        with atomic_path(out / "clean.parquet") as part:
            coverage = _write_clean(source, module, spans, part, summary, rejected)
            if raw.coverage == "full":
                coverage = _reopened(coverage, module.is_unfinished)
            refused = pl.concat(rejected).sort("file", "line", maintain_order=True)
            if not summary.rows and not refused.height:
                raise FileProblem("no_record_is_left", files=raw.files, records=summary.records)
            summary.rejected = refused.height
            _conserved(summary)
            _inside_scope(source, raw, coverage)
            _write(out / "rejected.parquet", refused)
            _write(out / "coverage.parquet", coverage)
    finally:
        spans.discard()


def _read(
    source: Source, raw: Raw, limits: Limits, module: SourceModule, summary: Summary, spans: Spans
) -> list[pl.DataFrame]:
    """Every record of every file into spans, counted; returns the rejected ones."""
    rejected = [no_rejected()]
    for name in raw.files:
        found = ahead(read_records(raw.folder / name, source, limits, module.from_sheet))
        for batch in ahead(_tidied(name, records, source, module) for records in found):
            spans.add(_conform(source, batch.frame.with_columns(pl.lit(name).alias("file")).rename({LINE: "line"})))
            rejected += batch.refused
            summary.records += batch.records
            summary.rejected += sum(f.height for f in batch.refused)
            if summary.rejected > MOST_REJECTED:
                raise FileProblem("too_many_rejected", file=batch.file, most=MOST_REJECTED, first=_first(rejected))
            for rule, count in batch.aside.items():
                summary.set_aside[rule] = summary.set_aside.get(rule, 0) + count
    return rejected


def _write_clean(
    source: Source, module: SourceModule, spans: Spans, path: Path, summary: Summary, rejected: list[pl.DataFrame]
) -> pl.DataFrame:
    """Apply the rules that compare rows, write the clean rows sorted by period and key, and return their coverage."""
    coverages = []
    with parquet_of(path, ROWS_IN_A_GROUP) as append:
        resolved = ahead(_resolved(source, module, spans, summary, rejected))
        for frame, coverage in ahead(_ordered(source, module, resolved, summary, rejected)):
            coverages.append(coverage)
            append(frame)
    coverage = _together(coverages)
    if coverage.height:
        summary.first_period, summary.last_period = (
            str(v) for v in coverage.select(pl.col("first_period").min(), pl.col("last_period").max()).row(0)
        )
    return coverage


def _resolved(
    source: Source, module: SourceModule, spans: Spans, summary: Summary, rejected: list[pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """Clean rows of whole years; counts into the summary what the rules that compare rows did."""
    for rows in spans.frames():
        frame = _account(summary, rows, module.resolve(rows))
        frame, keyless = _keyless(source, frame)
        frame, corrected = flagged(source, frame)
        rejected.append(keyless)
        for name, count in corrected.items():
            summary.corrected[name] = summary.corrected.get(name, 0) + count
        yield frame


def _ordered(
    source: Source, module: SourceModule, frames: Iterator[pl.DataFrame], summary: Summary, rejected: list[pl.DataFrame]
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The same rows by period and key, each key once, and their coverage; counted into the summary."""
    content = 0
    for rows in frames:
        frame = in_order(rows, [source.period, *(k for k in source.key if k != source.period)])
        frame, doubled = _doubled(source, frame)
        rejected.append(doubled)
        summary.rows += frame.height
        content += _content(source, frame)
        yield frame, _coverage(source, frame, module)
    summary.content = fingerprint([str(summary.rows), str(content % 2**64)])


def _tidied(name: str, records: Records, source: Source, module: SourceModule) -> RecordBatch:
    batch = typed(name, records, source)
    module.tidy(batch, source)
    batch.check()
    return batch


def _first(rejected: list[pl.DataFrame]) -> Problem:
    """The first rejected record."""
    return record_problem(next(frame for frame in rejected if frame.height).row(0, named=True))


def _account(summary: Summary, before: pl.DataFrame, resolved: tuple[pl.DataFrame, dict[str, int]]) -> pl.DataFrame:
    frame, aside = resolved
    if frame.height + sum(aside.values()) != before.height:
        told = {"rows": before.height, "kept": frame.height, "aside": sum(aside.values())}
        raise DrugflowError("resolve_lost_rows", source=summary.source, **told)
    for rule, count in aside.items():
        if count:
            summary.set_aside[rule] = summary.set_aside.get(rule, 0) + count
    return frame


def _conserved(summary: Summary) -> None:
    total = summary.rows + sum(summary.set_aside.values()) + summary.rejected
    if total != summary.records:
        told = {"records": summary.records, "accounted": total}
        raise DrugflowError("vintage_lost_records", source=summary.source, vintage=summary.vintage, **told)


def _conform(source: Source, frame: pl.DataFrame) -> pl.DataFrame:
    """Exactly the frame columns of the YAML with their types, then file and line."""
    columns = [pl.col(c.name).cast(getattr(pl, FRAME_TYPES[c.type])) for c in source.frame]
    return frame.select(*columns, pl.col("file"), pl.col("line").cast(pl.Int64))


def _doubled(source: Source, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A key that is there twice is rejected whole from the second row on: the publisher must say which holds.

    Rows come sorted by key, those of one key in the order of the file, so equal keys are neighbours.
    """
    repeats = pl.all_horizontal(pl.col(k) == pl.col(k).shift(1) for k in source.key).fill_null(False)
    first = ~frame.select(repeats.alias("repeats"))["repeats"]
    if first.all():
        return frame, no_rejected()
    key = pl.concat_str([pl.col(k).cast(pl.String) for k in source.key], separator=", ")
    twice = frame.filter(~first)
    return frame.filter(first), _refused(
        source, twice, pl.lit(", ".join(source.key)), key, Phrase.of("reason.key_of_an_earlier_record")
    )


def _keyless(source: Source, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A row without a value in a key column could be found by nobody, so it is rejected."""
    lacks = frame.select(pl.any_horizontal(pl.col(k).is_null() for k in source.key).alias("lacks"))["lacks"]
    if not lacks.any():
        return frame, no_rejected()
    column = pl.coalesce(pl.when(pl.col(k).is_null()).then(pl.lit(k)) for k in source.key)
    nothing = pl.lit(None, pl.String)
    reason = Phrase.of("reason.no_possible_value")
    return frame.filter(~lacks), _refused(source, frame.filter(lacks), column, nothing, reason)


def _refused(source: Source, rows: pl.DataFrame, column: pl.Expr, value: pl.Expr, reason: Phrase) -> pl.DataFrame:
    """Clean rows as rejected records."""
    cells = [pl.col(c.name).cast(pl.String).fill_null("") for c in source.frame]
    return rows.select(
        "file",
        "line",
        column.alias("column"),
        value.str.slice(0, LONGEST_VALUE).alias("value"),
        pl.lit(reason.said("en")).alias("reason"),
        pl.lit(reason.model_dump_json()).alias("told"),
        pl.concat_str(cells, separator=", ").str.slice(0, LONGEST_TEXT).alias("record"),
    )


def _coverage(source: Source, frame: pl.DataFrame, module: SourceModule) -> pl.DataFrame:
    """What the rows speak about: for each scope value, the first and last period, and whether it is open.

    Columns: scope (text), first_period, last_period (DATE), is_open (BOOLEAN), rows, values (a struct of the scope
    columns; of the period where the source has none).
    """
    return frame.group_by(scope_text(source).alias("scope")).agg(
        pl.col(source.period).min().alias("first_period"),
        pl.col(source.period).max().alias("last_period"),
        module.is_open().any().alias("is_open"),
        pl.len().alias("rows"),
        pl.struct(pl.col(c).first().cast(pl.String) for c in source.scope or [source.period]).alias("values"),
    )


def _together(coverages: list[pl.DataFrame]) -> pl.DataFrame:
    return (
        pl.concat(coverages)
        .group_by("scope")
        .agg(
            pl.col("first_period").min(),
            pl.col("last_period").max(),
            pl.col("is_open").any(),
            pl.col("rows").sum(),
            pl.col("values").first(),
        )
        .sort("scope")
    )


def _reopened(coverage: pl.DataFrame, is_unfinished: Callable[[date, date], bool]) -> pl.DataFrame:
    """The coverage in which a scope that ends too early is open, whatever its rows say. An excerpt tells no end."""
    ends = [is_unfinished(*row) for row in coverage.select("first_period", "last_period").iter_rows()]
    return coverage.with_columns(pl.col("is_open") | pl.Series(ends, dtype=pl.Boolean))


def _inside_scope(source: Source, raw: Raw, coverage: pl.DataFrame) -> None:
    """Raise FileProblem where vintage.json names a scope that the rows contradict."""
    for said, values in (raw.scope or {}).items():
        column = said if said in source.scope else f"{said}_id"
        if column in source.scope:
            found = set(coverage["values"].struct.field(column))
            if extra := found - {_scope_id(source, v) for v in values}:
                told = {"limited": said, "values": [repr(v) for v in values]}
                also = [repr(v) for v in sorted(map(str, extra))[:5]]
                raise FileProblem("scope_contradicted", file=raw.folder.name, **told, also=also)


def _scope_id(source: Source, value: str) -> str:
    for raw in source.columns:
        if raw.categories and value in raw.categories:
            return raw.categories[value]
    return value


def _content(source: Source, frame: pl.DataFrame) -> int:
    """Order-free sum over the figures, so that two export styles of one release are equal.

    Numbers count at six decimals: the last digits of their text drift between exports.
    """
    columns = [pl.col(c.name).round(6) if c.type == "number" else pl.col(c.name) for c in source.frame]
    return int(frame.select(columns).hash_rows(seed=7).sum() or 0)


def _write(path: Path, frame: pl.DataFrame) -> None:
    with atomic_path(path) as part:
        frame.write_parquet(part, compression="zstd", compression_level=1, statistics=True)
