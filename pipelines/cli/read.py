"""Reading: what is released, how fresh it is, one figure down to its line, two releases compared."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipelines.cli.app import BLOCKED, DONE, WRONG, app, current_realm, load_settings
from pipelines.console import err, out, plain, show_status, tell

if TYPE_CHECKING:
    pass


@app.command(rich_help_panel="Read")
def status(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Show what is released, how fresh each source is, what is held back and how to go on.

    [dim]Example:[/] drugflow status --json
    """
    from pipelines.alerts.memory import summary
    from pipelines.alerts.record import last_refresh
    from pipelines.status.overview import read_status

    settings = load_settings()
    found, last = read_status(settings, current_realm(settings), settings.now().date()), last_refresh(settings)
    found |= {"alerts": summary(settings), "rehearsed_day": settings.today}
    if as_json:
        out.print_json(json.dumps({**found, "last_refresh": last.shown() if last else None}, default=str))
    else:
        show_status(found, last)
    stuck = any(s["state"] in ("blocked", "failing") for s in found["sources"]) or bool(last and last.failure)
    raise typer.Exit(WRONG if found["release"] is None else BLOCKED if stuck else DONE)


@app.command(rich_help_panel="Read")
def sources(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the sources: what they are, who publishes them, how often, under which licence.

    [dim]Example:[/] drugflow sources
    """
    from pipelines.catalog.load import load_catalog

    catalog, language = load_catalog(), load_settings().language
    if as_json:
        out.print_json(
            json.dumps(
                {
                    k: s.model_dump(include={"title", "publisher", "landing_page", "licence", "cadence", "status"})
                    for k, s in catalog.items()
                }
            )
        )
        return
    table = Table(box=None, pad_edge=False)
    for title in ("source", "title", "publisher", "cadence", "status", "licence"):
        table.add_column(tell(f"sources.{title}"))
    for s in catalog.values():
        cadence, status = tell(f"sources.is_{s.cadence}"), tell(f"sources.is_{s.status}")
        table.add_row(s.id, s.title.said(language), s.publisher, cadence, status, s.licence.id)
    out.print(table)


@app.command(rich_help_panel="Read")
def sql(
    query: Annotated[str | None, typer.Argument(help="One SQL query; without it, a prompt.")] = None,
    form: Annotated[str, typer.Option("--format", help="table, csv, json or xlsx.")] = "table",
    output: Annotated[Path | None, typer.Option(help="Write to this file; its ending may give the format.")] = None,
) -> None:
    """Query the current release, read-only.

    An answer from a sample says so: csv, json and Excel have a first column SAMPLE with the release. Which sources
    of the tables are late is told on standard error.

    [dim]Example:[/] drugflow sql "select * from seizures_as_of(date '2024-05-01') limit 5" --output answer.xlsx
    """
    from pipelines.query.session import Session

    with Session(load_settings()) as session:
        if session.is_sample and (query is None or form != "table" or output):
            err.print(tell("sql.sample"))
        if query is None:
            session.prompt(err)
            return
        chosen = output.suffix.lstrip(".") if output and form == "table" else form
        session.run(query, chosen, output, sys.stdout)
        for text in session.late(query):
            err.print(plain(text))


@app.command(rich_help_panel="Read")
def verify(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Compare published totals with the current release: held, failed, not testable here, known to disagree.

    [dim]Example:[/] drugflow verify
    """
    from pipelines.console import show_totals
    from pipelines.query.session import Session
    from pipelines.release.reconciliation import check_totals, revised_since

    with Session(load_settings()) as session:
        outcomes = check_totals(session.connection, session.realm)
    if as_json:
        kept = [o.model_dump(mode="json", exclude={"total": {"query", "today"}}) for o in outcomes]
        out.print_json(json.dumps(kept))
    else:
        show_totals(outcomes)
    count = {w: sum(o.verdict == w for o in outcomes) for w in ("held", "failed", "not_testable", "known_disagreement")}
    err.print(tell("verify.counts", **count, count=count["known_disagreement"]))
    if moved := revised_since(outcomes):
        err.print(plain(str(moved)))
    if session.is_sample:
        err.print(tell("verify.sample"))
    raise typer.Exit(BLOCKED if count["failed"] else DONE)


@app.command(rich_help_panel="Read")
def explain(figure: Annotated[str, typer.Argument(help='"<table> <key>"')]) -> None:
    """Go from a figure to the agency's file, line, checksum and vintage, and the steps between.

    [dim]Example:[/] drugflow explain "overdose_deaths_12mo US 2023-12 drug_overdose"
    """
    from pipelines.query.explain import explain as trace

    out.print(plain(trace(load_settings(), figure).text()))


@app.command(rich_help_panel="Read")
def diff(
    a: Annotated[str, typer.Argument(help="Release id, current or previous.")] = "previous",
    b: Annotated[str, typer.Argument(help="Release id, current or previous.")] = "current",
) -> None:
    """Say what changed between two releases: new periods, revised and withdrawn figures, checks that turned.

    [dim]Example:[/] drugflow diff previous current
    """
    from pipelines.query.diff import diff as compare

    out.print(plain(compare(load_settings(), a, b).text()))


@app.command(rich_help_panel="Read")
def compare(
    before: Annotated[Path, typer.Argument(help="Folder of a release, or its manifest.json.")],
    after: Annotated[Path, typer.Argument(help="Folder of the other release, or its manifest.json.")],
) -> None:
    """Name the tables of two releases whose content differs, also of two installations: before and after an upgrade.

    Exit code 0: all tables are equal. 1: some differ.

    [dim]Example:[/] drugflow compare /backup/releases/20260115T031502Z data_marts/current
    """
    from pipelines.query.tables import differing_tables, read_manifest

    old, new = read_manifest(before), read_manifest(after)
    differences = differing_tables(old, new)
    for difference in differences:
        out.print(plain(difference.line))
    equal = len(old.tables.keys() | new.tables.keys()) - len(differences)
    told = {"differing": len(differences), "before": old.release_id, "after": new.release_id}
    err.print(tell("compare.counts", equal=equal, **told))
    raise typer.Exit(BLOCKED if differences else DONE)
