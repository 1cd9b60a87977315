"""What a person reads on the terminal: a refresh, a status, published totals and alerts as lines and tables.

What belongs here: order, colours, tables. What does not: the words. They stand in the catalogue, with Rich's markup,
under keys such as ``cli.release``.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from pipelines.core.wording import say

if TYPE_CHECKING:
    from rich.status import Status

    from pipelines.alerts.record import LastRefresh
    from pipelines.core.settings import Settings
    from pipelines.refresh.protocol import Refreshing
    from pipelines.refresh.refresh import Outcome as RefreshOutcome
    from pipelines.refresh.refresh import Progress
    from pipelines.release.reconciliation import Outcome
    from pipelines.status.outcome import SourceOutcome

PIPED_WIDTH = 160
out = Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
_MARKUP = re.compile(r"\\+(?=\[|\Z)|\[")
COLOURS = {
    "fresh": "green",
    "new": "green",
    "due": "yellow",
    "late": "red",
    "blocked": "red",
    "failing": "yellow",
    "sample": "cyan",
    "held": "red",
}
VERDICTS = {"held": "green", "failed": "red"}
OUTCOMES = ("new", "unchanged", "late", "held", "failing", "blocked")
"""Words of a source's outcome; the longest gives the column's width."""
LACKING = ("held", "blocked", "failing")
"""Words of sources whose newest figures a refresh could not take."""


def plain(text: str) -> str:
    """A text whose brackets are printed as they are.

    Backslashes before a bracket are doubled and end with a tag of no effect: Rich would count them as that bracket's.
    """
    return _MARKUP.sub(lambda found: "\\[" if found[0] == "[" else f"{found[0] * 2}[none][/none]", text)


def tell(key: str, **values: Any) -> str:
    """The catalogue's text of a key, with its markup; what the values hold is printed as it is."""
    return say(key, values, escape=plain)


def step_lines(status: Status) -> Progress:
    """Steps as lines on standard error, the one at work in the status."""

    def progress(step: str, word: str) -> None:
        if word == "started":
            status.update(f"{step} …")
        elif word == "said":
            err.print(f"  [yellow]![/] {plain(step)}")
        else:
            colour = "green" if word == "done" else "red"
            err.print(f"  [{colour}]{'✓' if word == 'done' else '✗'}[/] {step}")

    return progress


def download_line(source: str, got: int, total: int | None) -> str:
    """A download in one line: a bar where the site says how much there is, else what came."""
    if not total:
        return tell("cli.download", source=source, megabytes=got / 1e6)
    done = min(20, 20 * got // total)
    bar = f"[green]{'━' * done}[/][dim]{'━' * (20 - done)}[/]"
    return f"{source} {bar} {tell('cli.download_of', megabytes=got / 1e6, total=total / 1e6)}"


def show_refresh(running: Refreshing, outcome: RefreshOutcome) -> None:
    """A refresh that ended: a line for every source and what was told on standard error, the release on output."""
    width = max(len(tell(f"word.{word}")) for word in OUTCOMES)
    for source in running.sources:
        err.print(_source_line(source, width))
    for sentence in running.alerts:
        err.print(plain(sentence))
    _show_outcome(outcome, running.settings)
    if late := late_line({s.source: s.days_late for s in running.sources}):
        out.print(f"\n{late}")


def late_line(days: dict[str, int | None]) -> str | None:
    """How many sources are late, by how many days since the next period was expected, and what to do; None for none."""
    late = sorted(((n, s) for s, n in days.items() if n), reverse=True)
    if not late:
        return None
    named = [say("cli.days_late", {"source": source, "count": n}) for n, source in late]
    return tell("cli.sources_late", count=len(late), sources=len(days), named=named)


def _show_outcome(outcome: RefreshOutcome, settings: Settings) -> None:
    manifest = outcome.manifest
    if settings.today:
        err.print(tell("cli.rehearsal", day=settings.today))
    if outcome.failure:
        err.print(tell("cli.nothing_published", failure=outcome.failure))
        if manifest:
            err.print(tell("cli.still_the_release", release=manifest.release_id))
        return
    if manifest is None:
        err.print(tell("cli.nothing_is_released"))
        return
    if not outcome.changed:
        out.print(tell("cli.nothing_changed", origin=outcome.origin.name, release=manifest.release_id))
        return
    sample = manifest.realm == "sample"
    rows = sum(t["rows"] for t in manifest.tables.values())
    mark = tell("cli.sample") if sample else ""
    out.print(f"\n{mark}" + tell("cli.release_in", release=manifest.release_id, tables=len(manifest.tables), rows=rows))
    out.print(f"  {settings.current / 'drugflow.duckdb'}\n")
    # Without the environment on the PATH a newcomer's next command must be the one that is there.
    us = "drugflow" if shutil.which("drugflow") else os.path.relpath(Path(sys.executable).with_name("drugflow"))
    out.print(tell("cli.next"))
    query = "select * from marts.overdose_deaths_12mo where jurisdiction_id = 'US' order by month_ending desc limit 5"
    third = "cli.next_real_files" if sample else "cli.next_totals"
    steps = [("cli.next_ui", "make ui"), ("cli.next_question", f'{us} sql "{query}"')]
    steps.append((third, f"{us} refresh --origin mirror:FOLDER" if sample else f"{us} verify"))
    width = max(len(tell(key)) for key, _ in steps)
    for number, (key, command) in enumerate(steps, 1):
        out.print(f"  {number}. {tell(key):<{width}}  [bold]{command}[/]")
    if outcome.blocked:
        out.print("\n" + tell("cli.what_is_held", command=f"{us} status"))


def _source_line(source: SourceOutcome, width: int) -> str:
    colour = COLOURS.get(source.word, "dim")
    return f"[{colour}]{tell(f'word.{source.word}'):<{width}}[/] {source.source}: {plain(source.sentence)}"


def minute(moment: str | None) -> str | None:
    """A stored time as people read it, to the minute, in UTC."""
    return moment[:16].replace("T", " ") if moment else None


def show_status(found: dict[str, Any], last: LastRefresh | None) -> None:
    """Release, sources, what is held and how to go on, the last refresh and the alerts."""
    _show_release(found)
    out.print(_states(found["sources"]))
    for s in found["sources"]:
        for held in s["held"]:
            _show_held(s["source"], held)
        for exception in s["exceptions"]:
            told = {"source": s["source"], "vintage": exception["vintage"]}
            day = exception["accepted_at"][:10]
            out.print("\n" + tell("cli.exception", **told, day=day, reason=exception["reason"]))
            _show_failed(exception["failed"])
            out.print(f"  {tell('cli.exception_out', **told)}")
        for problem in s["problems"]:
            out.print(f"\n[red]{s['source']}[/]: {plain(problem)}")
        for note in s["notes"]:
            out.print(f"\n{s['source']}: {plain(note)}")
        if s["days_late"]:
            told = {"source": s["source"], "expected": s["next_expected"], "page": s["landing_page"]}
            out.print("\n" + tell("cli.is_late", **told, count=s["days_late"]))
        if s["furthest_period"] != s["newest_period"]:
            further = [p["part"] for p in s["parts"] if p["newest_period"] == str(s["furthest_period"])]
            told = {"source": s["source"], "furthest": s["furthest_period"], "newest": s["newest_period"]}
            out.print("\n" + (tell("cli.uneven", **told, parts=further) if further else tell("cli.excerpt", **told)))
    late = {s["source"]: s["days_late"] for s in found["sources"] if s["freshness"] != "contract"}
    if line := late_line(late):
        out.print(f"\n{line}")
    if last:
        _show_last(last, any(late.values()))
    if found["alerts"]["addresses"] or found["alerts"]["undelivered"]:
        show_alerts(found["alerts"])


def _show_release(found: dict[str, Any]) -> None:
    release = found["release"]
    if found["rehearsed_day"]:
        out.print(tell("cli.rehearsal", day=found["rehearsed_day"]))
    if release is None and found["kept_releases"]:
        out.print(tell("cli.nothing_to_open", why=found["nothing_to_open"]))
    elif release is None:
        out.print(tell("cli.nothing_released_yet"))
    else:
        mark = tell("cli.sample_status") if release["realm"] == "sample" else ""
        told = {"release": release["release_id"], "built": release["built_at"], "origin": release["origin"]}
        out.print(mark + tell("cli.release", **told))
        if release["rehearsed_day"]:
            out.print(tell("cli.release_rehearsed", day=release["rehearsed_day"]))
    if found["pinned"]:
        out.print(tell("cli.pinned", release=found["pinned"]))


def _states(sources: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    titles = ("source", "state", "newest", "vintage", "attempt", "expected", "archived", "held")
    for title in titles:
        table.add_column(tell(f"cli.title_{title}"))
    for s in sources:
        colour = COLOURS.get(s["state"], "white")
        cells = [
            s["newest_period"],
            s["last_vintage"],
            minute(s["last_attempt"]),
            s["next_expected"],
            s["archived_vintages"],
            len(s["held"]),
        ]
        since = f" {tell('cli.since', moment=minute(s['failing_since']))}" if s["failing_since"] else ""
        state = f"[{colour}]{tell('word.' + s['state'])}{since}[/]"
        table.add_row(s["source"], state, *("–" if c is None else str(c) for c in cells))
    return table


def _show_held(source: str, held: dict[str, Any]) -> None:
    told = {"source": source, "vintage": held["vintage"]}
    if held["overtaken"]:
        out.print("\n" + tell("cli.overtaken", **told))
        return
    out.print("\n" + tell("cli.retracted" if held["retracted"] else "cli.held", **told, why=held["why"]))
    if not held["retracted"]:
        _show_failed([f for f in held["failed"] if f["found"] not in held["why"]])
        for page in dict.fromkeys(f["page"] for f in held["failed"] if f["page"]):
            out.print(f"  {tell('cli.validation', page=page)}")
    out.print(f"  {plain(held['how_to_go_on'])}")


def _show_last(last: LastRefresh, any_late: bool) -> None:
    """How the last refresh ended."""
    lacks = [f"{s.source} {say(f'word.{s.word}', {})}" for s in last.sources if s.word in LACKING]
    word = tell("cli.last_took_what_there_was" if any_late else "cli.last_went_well")
    word = tell("cli.last_went_on_without", lacks=lacks) if lacks else word
    word = tell("cli.last_failed", failure=last.failure) if last.failure else word
    out.print("\n" + tell("cli.last_refresh", moment=minute(last.finished_at)) + f" {word}")


def _show_failed(checks: list[dict[str, Any]]) -> None:
    for check in checks:
        out.print(f"  {check['check']}: {plain(check['found'])}")


def show_alerts(found: dict[str, Any]) -> None:
    """What was told and is not over, and what did not arrive."""
    out.print(tell("cli.alerts_go_to", count=found["addresses"]))
    for told in found["open"]:
        since, told_at = minute(told["since"]), minute(told["told_at"])
        word = say(f"alert.{told['word']}", {})
        out.print("  " + tell("cli.alert", subject=told["subject"], word=word, since=since, told=told_at))
    if found["undelivered"]:
        out.print(tell("cli.not_delivered", why=found["undelivered"]))


def show_totals(outcomes: list[Outcome]) -> None:
    """Published totals beside ours, and what the marts say today where that is something else."""
    from pipelines.catalog.published_totals import figure

    table = Table(box=None, pad_edge=False)
    for title in ("verdict", "figure", "period", "vintage", "published", "ours", "unit", "today"):
        table.add_column(tell(f"verify.{title}"), justify="right" if title in ("published", "ours") else "left")
    for o in outcomes:
        t = o.total
        newest = o.marts_vintage or tell("verify.no_row")
        today = f"{figure(o.in_marts)} ({newest})" if o.differs_today else ""
        word = f"[{VERDICTS.get(o.verdict, 'white')}]{tell(f'verify.is_{o.verdict}')}[/]"
        vintage = t.vintage or tell("verify.seed")
        table.add_row(word, t.metric, t.period, vintage, figure(t.value), figure(o.ours), t.unit, today)
    out.print(table)
