"""Operating: rollback, alerts, the watchdog, the Dagster UI."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pipelines.cli.app import BLOCKED, DONE, app, load_settings
from pipelines.console import err, out, plain, show_alerts, tell
from pipelines.core.errors import DrugflowError

if TYPE_CHECKING:
    pass


@app.command(rich_help_panel="Operate")
def rollback(
    release: Annotated[
        str | None, typer.Argument(help="Release id; without it the one before, of other content.")
    ] = None,
    unpin: Annotated[bool, typer.Option("--unpin", help="Go back to the newest release.")] = False,
) -> None:
    """Show analysts an earlier release, pinned until unpinned.

    [dim]Example:[/] drugflow rollback
    """
    from pipelines.release import publish

    settings = load_settings()
    chosen = publish.unpin(settings) if unpin else publish.rollback(settings, release)
    if chosen is None:
        raise DrugflowError("no_release_yet")
    out.print(tell("cli.analysts_see" if unpin else "cli.analysts_see_pinned", release=chosen.release_id))


@app.command(rich_help_panel="Operate")
def alert(
    test: Annotated[bool, typer.Option("--test", help="Send a test message to every address.")] = False,
) -> None:
    """Show what was told through DRUGFLOW_ALERT_URLS and is not over; with --test send a test message.

    [dim]Example:[/] drugflow alert --test
    """
    from pipelines.alerts.deliver import addresses
    from pipelines.alerts.memory import summary
    from pipelines.alerts.tell import try_out

    settings = load_settings()
    if not addresses(settings):
        raise DrugflowError("no_address_for_alerts")
    if not test:
        show_alerts(summary(settings))
        return
    sent = try_out(settings)
    for sentence, arrived in sent:
        (out if arrived else err).print(plain(sentence))
    raise typer.Exit(DONE if all(arrived for _, arrived in sent) else BLOCKED)


@app.command(rich_help_panel="Operate")
def watchdog() -> None:
    """See whether a refresh ended lately; alert once and exit with 1 where none did. For cron or a systemd timer.

    [dim]Example:[/] drugflow watchdog
    """
    from pipelines.alerts.watchdog import watch

    well, said = watch(load_settings())
    for sentence in said:
        (out if well else err).print(plain(sentence))
    raise typer.Exit(DONE if well else BLOCKED)


@app.command(rich_help_panel="Operate")
def prepare() -> None:
    """Create the folders and Dagster's home, and end runs whose process is gone: before daemon and webserver start.

    [dim]Example:[/] drugflow prepare
    """
    from pipelines.dbt.manifest import prepare_manifest
    from pipelines.orchestration.instance import bury_dead_runs_of

    settings = load_settings()
    for folder in (settings.data_raw, settings.data_marts):
        folder.mkdir(parents=True, exist_ok=True)
    for run in bury_dead_runs_of(settings):
        out.print(tell("cli.run_buried", run=run))
    prepare_manifest()
    out.print(tell("cli.ready", place=settings.dagster_home.resolve()))


@app.command(rich_help_panel="Operate")
def ui(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Start the Dagster UI with its daemon on 127.0.0.1; Ctrl+C stops both.

    [dim]Example:[/] drugflow ui --port 3001
    """
    import signal

    from pipelines.dbt.manifest import prepare_manifest
    from pipelines.orchestration.instance import WORKSPACE, bury_dead_runs_of

    bury_dead_runs_of(load_settings())
    prepare_manifest()
    out.print(tell("cli.ui", port=port))
    # A shell lets what it starts in the background ignore this signal, and then nothing stops the UI.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    dagster = str(Path(sys.executable).with_name("dagster"))
    _replace(dagster, "dev", "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port))


def _replace(*command: str) -> NoReturn:
    os.execv(command[0], list(command))
