"""What a person reads on the terminal: a refresh, a status, published totals and alerts as lines and tables."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from rich.status import Status

    from pipelines.core.settings import Settings
    from pipelines.refresh.refresh import Progress
    from pipelines.refresh.unattended import Night
    from pipelines.release.reconciliation import Outcome
    from pipelines.status.outcome import SourceOutcome

PIPED_WIDTH = 160
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)
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
LACKING = ("held", "blocked", "failing")
"""Words of sources whose newest figures a refresh could not take."""


def plain(text: str) -> str:
    """A text whose brackets are printed as they are."""
    return text.replace("[", "\\[")


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
    amount = f"{got / 1e6:,.1f} MB"
    if not total:
        return f"{source} {amount} …"
    done = min(20, 20 * got // total)
    return f"{source} [green]{'━' * done}[/][dim]{'━' * (20 - done)}[/] {amount} of {total / 1e6:,.1f}"


def show_night(night: Night, settings: Settings) -> None:
    """A refresh that ended: a line for every source and what was told on standard error, the release on output."""
    for source in night.sources:
        err.print(_source_line(source))
    _show_outcome(night, settings)
    if late := late_line({s.source: s.days_late for s in night.sources}):
        out.print(f"\n{late}")


def late_line(days: dict[str, int | None]) -> str | None:
    """How many sources are late, by how many days since the next period was expected, and what to do; None for none."""
    late = sorted(((n, s) for s, n in days.items() if n), reverse=True)
    if not late:
        return None
    named = ", ".join(f"{source} {n:,} days" for n, source in late)
    return (
        f"[red]{len(late)} of {len(days)} sources {'is' if len(late) == 1 else 'are'} late:[/] {named} since the next "
        "period was expected. Look at the agency's page for a newer file: 'drugflow refresh --origin live' fetches it, "
        "'drugflow add SOURCE FILE --published YYYY-MM-DD' takes one that you download."
    )


def _show_outcome(night: Night, settings: Settings) -> None:
    for sentence in night.alerts:
        err.print(plain(sentence))
    outcome, manifest = night.outcome, night.outcome.manifest
    if settings.today:
        err.print(f"[cyan]REHEARSAL:[/] {settings.today} counts as today (DRUGFLOW_TODAY).")
    if outcome.failure:
        err.print(f"[red]Nothing was published:[/] {plain(outcome.failure)}")
        if manifest:
            err.print(f"Analysts still see the release {manifest.release_id}.")
        return
    if manifest is None:
        err.print("[red]Nothing is released.[/]")
        return
    if not outcome.changed:
        out.print(f"Nothing changed: {outcome.origin.name} has nothing new, the release {manifest.release_id} stays.")
        return
    sample = manifest.realm == "sample"
    rows = sum(t["rows"] for t in manifest.tables.values())
    mark = "[cyan]SAMPLE, generated, not official:[/] " if sample else ""
    out.print(f"\n{mark}release [bold]{manifest.release_id}[/] with {len(manifest.tables)} tables and {rows:,} rows in")
    out.print(f"  {settings.current / 'drugflow.duckdb'}\n")
    # Without the environment on the PATH a newcomer's next command must be the one that is there.
    us = "drugflow" if shutil.which("drugflow") else os.path.relpath(Path(sys.executable).with_name("drugflow"))
    out.print("Next:")
    out.print("  1. look at it in the Dagster UI:  [bold]make ui[/]")
    query = "select * from marts.overdose_deaths_12mo where jurisdiction_id = 'US' order by month_ending desc limit 5"
    out.print(f'  2. ask it something:              [bold]{us} sql "{query}"[/]')
    if sample:
        out.print(f"  3. read real files:               [bold]{us} refresh --origin mirror:FOLDER[/]")
    else:
        out.print(f"  3. compare published totals:      [bold]{us} verify[/]")
    if outcome.blocked:
        out.print(f"\nWhat is held back and how to go on: [bold]{us} status[/]")


def _source_line(source: SourceOutcome) -> str:
    colour = COLOURS.get(source.word, "dim")
    return f"[{colour}]{source.word:<9}[/] {source.source}: {plain(source.sentence)}"


def minute(moment: str | None) -> str | None:
    """A stored time as people read it, to the minute, in UTC."""
    return moment[:16].replace("T", " ") if moment else None


def show_status(found: dict[str, Any]) -> None:
    """Release, sources, what is held and how to go on, and the alerts."""
    release = found["release"]
    if found["rehearsed_day"]:
        out.print(f"[cyan]REHEARSAL:[/] {found['rehearsed_day']} counts as today (DRUGFLOW_TODAY).")
    if release is None and found["kept_releases"]:
        out.print(f"[red]Analysts can open nothing:[/] {plain(found['nothing_to_open'])}")
    elif release is None:
        out.print("Nothing is released yet: run [bold]drugflow refresh[/].")
    else:
        mark = "[cyan]SAMPLE, not official[/] · " if release["realm"] == "sample" else ""
        out.print(f"{mark}release {release['release_id']} · built {release['built_at']} · from {release['origin']}")
        if release["rehearsed_day"]:
            out.print(f"[cyan]REHEARSAL:[/] this release was built as if it were {release['rehearsed_day']}.")
    if found["pinned"]:
        out.print(f"[yellow]Pinned to {found['pinned']}[/]: newer releases wait until 'drugflow rollback --unpin'.")
    table = Table(box=None, pad_edge=False)
    titles = ["source", "state", "newest period", "last vintage", "last attempt", "next expected", "archived", "held"]
    for title in titles:
        table.add_column(title)
    for s in found["sources"]:
        colour = COLOURS.get(s["state"], "white")
        cells = [
            s["newest_period"],
            s["last_vintage"],
            minute(s["last_attempt"]),
            s["next_expected"],
            s["archived_vintages"],
            len(s["held"]),
        ]
        since = f" since {minute(s['failing_since'])}" if s["failing_since"] else ""
        table.add_row(s["source"], f"[{colour}]{s['state']}{since}[/]", *("–" if c is None else str(c) for c in cells))
    out.print(table)
    for s in found["sources"]:
        for held in s["held"]:
            if held["overtaken"]:
                out.print(f"\n{s['source']} {held['vintage']} was held back; a later vintage has overtaken it.")
                continue
            if held["retracted"]:
                out.print(f"\n{s['source']} {held['vintage']} is in no table. {plain(held['why'])}")
                out.print(f"  {plain(held['how_to_go_on'])}")
                continue
            out.print(f"\n[red]{s['source']} {held['vintage']}[/] is held back: {plain(held['why'])}")
            _show_failed([f for f in held["failed"] if f["found"] not in held["why"]])
            for page in dict.fromkeys(f["page"] for f in held["failed"] if f["page"]):
                out.print(f"  Its validation: {page}")
            out.print(f"  {plain(held['how_to_go_on'])}")
        for exception in s["exceptions"]:
            name, day = f"{s['source']} {exception['vintage']}", exception["accepted_at"][:10]
            out.print(f"\n[yellow]{name}[/] is in the tables by an exception of {day}: {plain(exception['reason'])}")
            _show_failed(exception["failed"])
            out.print(f"  'drugflow retract {name} --reason \"…\"' takes it out of them.")
        for problem in s["problems"]:
            out.print(f"\n[red]{s['source']}[/]: {plain(problem)}")
        for note in s["notes"]:
            out.print(f"\n{s['source']}: {plain(note)}")
        if s["days_late"]:
            said = f"{s['days_late']:,} days ago; the agency's page is {s['landing_page']}"
            out.print(f"\n{s['source']} is late: its next period was expected by {s['next_expected']}, {said}")
        if s["furthest_period"] != s["newest_period"]:
            further = [p["part"] for p in s["parts"] if p["newest_period"] == str(s["furthest_period"])]
            said = f"goes to {s['furthest_period']} for {', '.join(further) or 'an excerpt'} alone"
            out.print(f"\n{s['source']} {plain(said)}; all of it reaches {s['newest_period']}.")
    late = {s["source"]: s["days_late"] for s in found["sources"] if s["freshness"] != "contract"}
    if line := late_line(late):
        out.print(f"\n{line}")
    if found["last_refresh"]:
        ended = found["last_refresh"]
        lacks = [line.partition(":")[0] for line in ended["sources"] if line.split()[1].rstrip(":") in LACKING]
        word = "took what there was; what is late is above." if any(late.values()) else "went well."
        word = f"went on without: {', '.join(lacks)}." if lacks else word
        word = f"[red]failed:[/] {plain(ended['failure'])}" if ended["failure"] else word
        out.print(f"\nThe last refresh ended {minute(ended['finished_at'])} UTC and {word}")
    if found["alerts"]["addresses"] or found["alerts"]["undelivered"]:
        show_alerts(found["alerts"])


def _show_failed(checks: list[dict[str, Any]]) -> None:
    for check in checks:
        out.print(f"  {check['check']}: {plain(check['found'])}")


def show_alerts(found: dict[str, Any]) -> None:
    """What was told and is not over, and what did not arrive."""
    out.print(f"Alerts go to {found['addresses']} {'address' if found['addresses'] == 1 else 'addresses'}.")
    for told in found["open"]:
        out.print(
            f"  {plain(told['subject'])}: {told['word']} since {minute(told['since'])}, told {minute(told['told_at'])}"
        )
    if found["undelivered"]:
        out.print(f"[red]Not delivered:[/] {plain(found['undelivered'])}")


def show_totals(outcomes: list[Outcome]) -> None:
    """Published totals beside ours, and what the marts say today where that is something else."""
    from pipelines.catalog.published_totals import figure

    table = Table(box=None, pad_edge=False)
    for title in ("verdict", "figure", "period", "vintage", "published", "ours", "unit", "marts today"):
        table.add_column(title, justify="right" if title in ("published", "ours") else "left")
    for o in outcomes:
        t = o.total
        today = f"{figure(o.in_marts)} ({o.marts_vintage or 'no row'})" if o.differs_today else ""
        word = f"[{VERDICTS.get(o.verdict, 'white')}]{o.verdict.replace('_', ' ')}[/]"
        table.add_row(word, t.metric, t.period, t.vintage or "seed", figure(t.value), figure(o.ours), t.unit, today)
    out.print(table)
