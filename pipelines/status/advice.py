"""What to do about a problem: the one place that gives an operator advice.

What belongs here: advice that depends on a source, a vintage or a state. What any problem of a kind asks for stands in
the catalogue beside its words (key: the kind with ``.advice``). What does not belong here: what happened.
"""

from __future__ import annotations

from pipelines.catalog.source import Source
from pipelines.core.kinds import Kind
from pipelines.core.problem import Phrase, Problem
from pipelines.quality.expectations import expectations_of
from pipelines.quality.verdict import Verdict, impossible
from pipelines.status.account import broken

NEW: frozenset[Kind] = frozenset({"unknown_column", "category_unknown", "too_many_rejected", "other_layout"})
"""Kinds of problem that say that a file has what the source's YAML does not list."""

RUN_FAILED = Phrase.of("advice.run_failed")
SILENCE = Phrase.of("advice.silence")


def about_held(source: Source, verdict: Verdict) -> Phrase:
    """What an operator does about a held vintage."""
    named = {"source": source.id, "vintage": verdict.archive_id, "day": verdict.archive_id[:10]}
    if verdict.retracted:
        return Phrase.of("advice.retracted", **named)
    failed, contents = broken(verdict), [e.id for e in expectations_of(source) if e.batch == "content"]
    if old := next((c.found for c in failed if c.id in contents), None):
        return Phrase.of("advice.old_content", found=old, **named)
    if bounds := impossible(source, verdict):
        return Phrase.of("advice.impossible", checks=bounds, **named)
    if verdict.problem and verdict.problem.kinds & NEW:
        return Phrase.of("advice.new_in_part" if verdict.readable else "advice.new", **named)
    return Phrase.of("advice.compare" if verdict.readable else "advice.unreadable", **named)


def about_look(source: Source, failing: bool) -> list[Problem | Phrase]:
    """What an operator does about a look at the origin that did not take everything. failing: it may pass by itself."""
    return [Phrase.of("advice.failing", page=source.landing_page) if failing else Phrase.of("advice.blocked")]


def about_late(source: Source) -> Phrase:
    """What an operator does about a source whose next period is overdue."""
    return Phrase.of("advice.late", source=source.id, page=source.landing_page)
