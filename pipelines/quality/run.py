"""Judging the vintages of a source, oldest first, and remembering the verdicts.

What belongs here: which rows a suite sees, when a vintage is held, where a verdict is stored. What
does not: expectations (the YAML), facts (facts), Great Expectations itself (suite).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import polars as pl

from pipelines.archive.decisions import Exemption, retractions
from pipelines.catalog.expectations import Expectation
from pipelines.catalog.source import Source
from pipelines.core.files import read_json, write_json
from pipelines.core.fingerprint import fingerprint
from pipelines.core.problem import Phrase, Problem, record_problem
from pipelines.quality.context import Context, Fact
from pipelines.quality.expectations import expectations_of
from pipelines.quality.facts import facts
from pipelines.quality.verdict import Check, Verdict, impossible

ROWS_AT_A_TIME = 1_000_000
WHERE = ["file", "line"]
LONGEST_PROBLEM = 1200
"""Characters that a sentence in an alert and a caution may have."""


@dataclass(frozen=True)
class Candidate:
    """A cleaned vintage that wants in. problem is why it could not be read, if it could not."""

    archive_id: str
    vintage: str
    folder: Path
    content: str
    partial: bool
    problem: Problem | None
    records: int
    rejected: int


@dataclass(frozen=True)
class Rules:
    """What the vintages of a source are judged by.

    facts are the functions of its facts.py by their batches. code is the fingerprint of all that a verdict rests on
    besides the data and the decisions.
    """

    source: Source
    facts: Mapping[str, Fact]
    code: str


def judge(rules: Rules, candidates: list[Candidate], folder: Path, ledger: list[Exemption]) -> list[Verdict]:
    """A verdict for each vintage, oldest first, each against the last accepted full one before it.

    Issues of one date are judged in the order of their arrival, each against what it would replace: a copy that lost
    rows must not pass because the date before has none of them. The last one that is not held has a verdict, and the
    last one if it is held. Stored below ``folder/<source>/``; a verdict is made again only where content, rules,
    exceptions or the accepted vintage before it changed.
    """
    verdicts: list[Verdict] = []
    previous: Candidate | None = None
    trusted: Candidate | None = None
    accepted: list[Candidate] = []
    judged: set[str] = set()
    for _, issues in groupby(candidates, key=lambda c: c.vintage):
        found: list[tuple[Candidate, Verdict]] = []
        for candidate in issues:
            repeats = _repeats(candidate, accepted)
            verdict = _verdict(rules, candidate, previous, trusted, repeats, ledger, folder)
            found.append((candidate, verdict))
            if verdict.state != "held" and not candidate.partial:
                # An excerpt is no measure for the next vintage: it lacks nearly every row.
                previous = candidate
                trusted = candidate if verdict.clean_sheet else trusted
        # The date speaks through its last issue that is not held; a later one that is held shows beside it.
        let_in = [at for at, (_, verdict) in enumerate(found) if verdict.state != "held"]
        shown = sorted({*let_in[-1:], len(found) - 1})
        accepted += [found[at][0] for at in let_in[-1:]]
        judged |= {candidate.archive_id for candidate, _ in found}
        verdicts += [_told(found[at][1], folder, at not in shown) for at in range(len(found))]
    _forget(folder / rules.source.id, judged)
    return [v for v in verdicts if not v.is_replaced]


def _told(verdict: Verdict, folder: Path, is_replaced: bool) -> Verdict:
    """The verdict, stored with whether another issue of its date stands in its place."""
    if verdict.is_replaced != is_replaced:
        verdict = verdict.model_copy(update={"is_replaced": is_replaced})
        write_json(folder / verdict.source / f"{verdict.archive_id}.json", verdict.model_dump(mode="json"))
    return verdict


def _repeats(candidate: Candidate, accepted: list[Candidate]) -> str | None:
    """The accepted vintage that has this content, unless it is the last one: two styles of one release are one."""
    if accepted and accepted[-1].content == candidate.content:
        return None
    return next((a.vintage for a in reversed(accepted) if a.content == candidate.content), None)


def _verdict(
    rules: Rules,
    candidate: Candidate,
    previous: Candidate | None,
    trusted: Candidate | None,
    repeats: str | None,
    ledger: list[Exemption],
    folder: Path,
) -> Verdict:
    """The stored verdict, or a new one where anything that it rests on changed."""
    source = rules.source
    exempt = [
        e
        for e in ledger
        if e.decision == "accept"
        and (e.source, e.vintage, e.content) == (source.id, candidate.vintage, candidate.content)
    ]
    retracted = retractions(ledger, source.id).get(candidate.archive_id)
    mark = fingerprint(
        [
            rules.code,
            candidate.archive_id,
            candidate.content,
            str(candidate.partial),
            candidate.problem.model_dump_json() if candidate.problem else "",
            f"{candidate.rejected} of {candidate.records}",
            previous.content if previous else "",
            trusted.content if trusted else "",
            repeats or "",
            *(e.reason for e in exempt),
            *([f"retracted {retracted.accepted_at} {retracted.reason}"] if retracted else []),
        ]
    )
    path = folder / source.id / f"{candidate.archive_id}.json"
    stored = read_json(path)
    if stored is not None and stored["fingerprint"] == mark:
        return Verdict.model_validate(stored)
    if retracted:
        verdict = _withheld(source, candidate, retracted, mark)
    else:
        context = Context(candidate.folder, candidate.partial, previous.folder if previous else None, repeats)
        verdict = _judge_one(rules, candidate, context, trusted, exempt, folder, mark)
    write_json(path, verdict.model_dump(mode="json"))
    return verdict


def _withheld(source: Source, candidate: Candidate, retracted: Exemption, mark: str) -> Verdict:
    """The verdict of a vintage that an operator retracted: nothing of it is judged."""
    return Verdict(
        source=source.id,
        vintage=candidate.vintage,
        archive_id=candidate.archive_id,
        fingerprint=mark,
        content=candidate.content,
        state="held",
        problem=Problem.of("retracted", day=retracted.accepted_at[:10], reason=retracted.reason),
        readable=candidate.problem is None,
        clean_sheet=False,
        retracted=True,
    )


def _judge_one(
    rules: Rules,
    candidate: Candidate,
    context: Context,
    trusted: Candidate | None,
    exempt: list[Exemption],
    folder: Path,
    mark: str,
) -> Verdict:
    from pipelines.quality.suite import columns_checked, run_suite

    source = rules.source
    verdict = Verdict(
        source=source.id,
        vintage=candidate.vintage,
        archive_id=candidate.archive_id,
        fingerprint=mark,
        content=candidate.content,
    )
    readable = Check(
        id="readable", severity="critical", passed=candidate.problem is None,
        found=[candidate.problem] if candidate.problem else [],
        why="A vintage that cannot be read whole is never published in part.",
    )  # fmt: skip
    verdict.checks.append(readable)
    if candidate.problem is not None:
        verdict.state, verdict.readable, verdict.problem, verdict.clean_sheet = "held", False, candidate.problem, False
        return verdict
    verdict.checks.append(_rejected(source, candidate))
    verdict.readable = bool(context.rows().select(pl.len()).collect().item())
    every = expectations_of(source)
    for batch in dict.fromkeys(e.batch for e in every):
        expectations = [e for e in every if e.batch == batch]
        if batch == "rows":
            wanted = [c.name for c in source.frame if c.name in columns_checked(expectations)]
            chunks: Iterator[pl.DataFrame] = _new_rows(source, candidate, trusted, wanted)
            where = WHERE
        else:
            frame = facts(source, rules.facts, batch, context)
            chunks, where = iter([frame] if frame.height else []), _labels(frame, expectations)
        checks, page = run_suite(f"{source.id} {candidate.vintage} {batch}", expectations, chunks, where)
        verdict.checks += checks
        name = f"{source.id}/{candidate.archive_id}__{batch}.html"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(page, "utf-8")
        verdict.pages.append(name)
        if batch == "shape" and not all(c.passed for c in checks):
            # The other batches would ask for columns that are not there.
            break
    failed = [c for c in verdict.checks if not c.passed and c.severity == "critical"]
    verdict.clean_sheet = all(c.passed for c in verdict.checks)
    if failed:
        verdict.problem = _problem(failed)
        # A decision from before a bound was known opens nothing to a value that cannot be.
        verdict.state = "accepted_by_exception" if exempt and not impossible(source, verdict) else "held"
    return verdict


def _problem(failed: list[Check]) -> Problem:
    """What failed, check by check; beyond a page of words only the names, whose details are in the pages."""
    told: list[Problem] = []
    length = 0
    for check in failed:
        problem = Problem.of("check_failed", check=check.id, count=check.failing_rows, found=check.found)
        length += len(problem.said("en"))
        if told and length > LONGEST_PROBLEM:
            told.append(Problem.of("checks_also_failed", checks=[c.id for c in failed[len(told) :]]))
            break
        told.append(problem)
    return Problem.of("checks_failed", found=told)


def _rejected(source: Source, candidate: Candidate) -> Check:
    share = candidate.rejected / candidate.records if candidate.records else 0.0
    found: list[Problem | Phrase] = []
    if candidate.rejected:
        first = pl.read_parquet(candidate.folder / "rejected.parquet", n_rows=3)
        found += [record_problem(row) for row in first.iter_rows(named=True)]
    return Check(
        id="rejected_rows",
        severity="critical" if share > source.max_rejected_share else "warning",
        passed=candidate.rejected == 0,
        failing_rows=candidate.rejected,
        evaluated_rows=candidate.records,
        found=found,
        why=f"A rejected record is an undercount; this source allows a share of {source.max_rejected_share:g}.",
    )


def _labels(frame: pl.DataFrame, expectations: list[Expectation]) -> list[str]:
    measured = {e.kwargs.get("column") for e in expectations}
    return [c for c in frame.columns if c not in measured]


def _new_rows(
    source: Source, candidate: Candidate, trusted: Candidate | None, wanted: list[str]
) -> Iterator[pl.DataFrame]:
    """Rows that the last accepted full vintage without a finding does not have as they are, in spans of periods."""
    rows = pl.scan_parquet(candidate.folder / "clean.parquet")
    before = pl.scan_parquet(trusted.folder / "clean.parquet") if trusted else None
    names = source.names("key", "value", "annotation")
    for first, last in _spans(source, rows):
        inside = pl.col(source.period).is_between(first, last)
        chunk = rows.filter(inside)
        if before is not None:
            chunk = chunk.join(before.filter(inside).select(names), on=names, how="anti", nulls_equal=True)
        frame = chunk.select(*wanted, *WHERE).collect()
        if frame.height:
            yield frame


def _spans(source: Source, rows: pl.LazyFrame) -> list[tuple[date, date]]:
    counts = rows.group_by(pl.col(source.period).alias("period")).len("rows").sort("period").collect()
    spans: list[tuple[date, date]] = []
    size = ROWS_AT_A_TIME
    for period, count in counts.iter_rows():
        if size + count > ROWS_AT_A_TIME:
            spans.append((period, period))
            size = 0
        spans[-1] = (spans[-1][0], period)
        size += count
    return spans


def _forget(folder: Path, known: set[str]) -> None:
    """Drop verdicts and pages of vintages that left the archive."""
    for path in folder.glob("*.*") if folder.is_dir() else []:
        if path.stem.split("__")[0] not in known:
            path.unlink()
