"""Refreshing: reading the origin, looking back to a day, fetching what a page still links."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.app import BLOCKED, DONE, app, load_settings, publishing_command, run_job
from pipelines.console import download_line, err, out, plain, show_refresh, step_lines, tell

if TYPE_CHECKING:
    pass


@app.command(rich_help_panel="Refresh")
def refresh(
    origin: Annotated[
        str | None,
        typer.Option(
            help="sample, mirror:<folder>, live or archive:official (only what is archived already, as files added by "
            "hand). Default: that of the current release, else sample where the archive has nothing official."
        ),
    ] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only this source; may be given several times.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Derive everything again from the archive.")] = False,
) -> None:
    """Read the origin, validate, rebuild what changed and publish a release.

    Exit code 0: done, or nothing to do.
    1: something is held, blocked or failing and the rest is released, or another refresh has the turn.
    2: wrong use, or nothing was released that should have been.

    [dim]Example:[/] drugflow refresh --origin mirror:/data/agencies
    """
    from pipelines.catalog.load import get_source
    from pipelines.ingest.origins import parse_origin
    from pipelines.refresh import refresh as one_refresh
    from pipelines.refresh.lock import BusyError
    from pipelines.refresh.origin import refuse_wrong_mirror
    from pipelines.refresh.protocol import refreshing

    for name in source or []:
        get_source(name)
    settings = load_settings(origin=origin)
    if origin:
        refuse_wrong_mirror(settings, parse_origin(origin), source or [])  # a typing error is no refresh that failed
    with err.status(tell("cli.looking")) as status:

        def fetching(name: str, got: int, total: int | None) -> None:
            status.update(download_line(name, got, total))

        def waiting(sentence: str) -> None:
            err.print(plain(sentence))

        try:
            with refreshing(settings, "drugflow refresh", waiting) as running:
                steps = step_lines(status)
                outcome = one_refresh.refresh(running, source or [], full, steps, run_job, fetching)
        except BusyError as busy:
            err.print(f"[yellow]drugflow:[/] {plain(str(busy))}")
            raise typer.Exit(BLOCKED) from busy
    show_refresh(running, outcome)
    raise typer.Exit(outcome.exit_code)


@app.command(rich_help_panel="Refresh")
def asof(
    day: Annotated[datetime, typer.Argument(help="The day to look back to.", formats=["%Y-%m-%d"])],
) -> None:
    """Build every table as it would have read on a day, beside the current release, from the archive alone.

    [dim]Example:[/] drugflow asof 2025-02-01
    """
    from pipelines.refresh.as_of import look_back
    from pipelines.refresh.lock import BusyError

    settings = load_settings()
    try:
        with err.status(tell("cli.looking_back", day=day.date())) as status:
            manifest = look_back(settings, day.date(), step_lines(status), run_job, lambda said: err.print(plain(said)))
    except BusyError as busy:
        err.print(f"[yellow]drugflow:[/] {plain(str(busy))}")
        raise typer.Exit(BLOCKED) from busy
    folder = settings.data_marts / "asof" / f"{day:%Y-%m-%d}"
    for held in manifest.held:
        err.print(f"[yellow]![/] {plain(str(held))}")
    mark = tell("cli.sample") if manifest.realm == "sample" else ""
    out.print(mark + tell("cli.asof", day=day.date()))
    out.print(f"  {folder / 'drugflow.duckdb'}", soft_wrap=True)
    out.print(tell("cli.asof_folder"))


@app.command(rich_help_panel="Refresh")
def backfill(
    source: Annotated[str, typer.Option(help="Source id with a document page; see 'drugflow sources'.")],
) -> None:
    """Fetch every monthly release that the agency's page still links and the archive has not.

    [dim]Example:[/] drugflow backfill --source SOURCE
    """
    from pipelines.catalog.load import get_source
    from pipelines.refresh.look import backfill_source

    get_source(source)
    settings = load_settings()
    with err.status(tell("cli.reading_page")) as status:
        report = backfill_source(
            settings, source, lambda name, got, total: status.update(download_line(name, got, total))
        )
    for problem in report.problems:
        err.print(tell("cli.not_fetched", problem=problem))
    out.print(tell("cli.backfilled", source=source, count=len(report.added), known=report.known))
    if report.added:
        out.print(tell("cli.publish_them", command=publishing_command(settings)))
    raise typer.Exit(BLOCKED if report.problems else DONE)
