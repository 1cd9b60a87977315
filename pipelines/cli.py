"""drugflow on the command line.

What belongs here: commands, options, what a person reads, exit codes. What does not: any work; it is
imported when a command needs it, so that help and an unchanged refresh stay fast.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.table import Table

from pipelines.console import download_line, err, out, plain, show_alerts, show_night, show_status, step_lines
from pipelines.core.errors import LOOK_AT_THE_DISK, DrugflowError, why
from pipelines.core.types import SAMPLE

if TYPE_CHECKING:
    from pipelines.core.settings import Settings
    from pipelines.core.types import Realm
    from pipelines.refresh.refresh import Progress

app = typer.Typer(
    name="drugflow",
    help="Fentanyl seizures, overdose deaths and border crossings: from the agencies' files to tested marts.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
DONE, BLOCKED, WRONG = 0, 1, 2


def main() -> None:
    """Run the command line; a DrugflowError, or what the disk refuses, is a sentence and exit code 2, no traceback."""
    try:
        app()
    except DrugflowError as error:
        err.print(f"[red]drugflow:[/] {plain(str(error))}")
        sys.exit(WRONG)
    except OSError as error:
        err.print(f"[red]drugflow:[/] {plain(why(error))}. {LOOK_AT_THE_DISK}")
        sys.exit(WRONG)
    finally:
        gc.freeze()  # a refresh ends half a second sooner where its libraries are not searched for garbage again


def _settings(**updates: Any) -> Settings:
    from pydantic import ValidationError

    from pipelines.core.settings import Settings

    try:
        return Settings().model_copy(update={k: v for k, v in updates.items() if v is not None})
    except ValidationError as error:
        problems = "; ".join(f"DRUGFLOW_{e['loc'][0]}".upper() + f": {e['msg']}" for e in error.errors())
        raise DrugflowError(f"The settings cannot be used: {problems}.") from error


def _realm(settings: Settings) -> Realm:
    from pipelines.refresh.stages import realm_of

    return realm_of(settings)


def _refresh(settings: Settings) -> str:
    """The command that publishes what was just archived: by default a refresh after a sample reads the sample again."""
    from pipelines.releases.manifest import current_manifest, newest_release

    current = current_manifest(settings) or newest_release(settings)
    is_sample = settings.origin == "sample" if settings.origin else current is None or current.realm == "sample"
    return f"drugflow refresh{' --origin archive:official' * is_sample}"


def _run_job(settings: Settings, sources: list[str], progress: Progress) -> str | None:
    from pipelines.definitions import run_refresh_job

    return run_refresh_job(settings, sources, progress)


@app.command()
def refresh(
    origin: Annotated[
        str | None,
        typer.Option(
            help="sample, mirror:<folder>, live or archive:official (only what is archived already, as files added by "
            "hand). Default: that of the current release, else sample."
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
    from pipelines.refresh.lock import BusyError
    from pipelines.refresh.stages import refuse_wrong_mirror
    from pipelines.refresh.unattended import refresh_unattended

    for name in source or []:
        get_source(name)
    settings = _settings(origin=origin)
    if origin:
        refuse_wrong_mirror(settings, parse_origin(origin), source or [])  # a typing error is no refresh that failed
    with err.status("Looking for changes …") as status:

        def fetching(name: str, got: int, total: int | None) -> None:
            status.update(download_line(name, got, total))

        def waiting(sentence: str) -> None:
            err.print(plain(sentence))

        try:
            night = refresh_unattended(
                settings, source or [], full, step_lines(status), _run_job, "drugflow refresh", waiting, fetching
            )
        except BusyError as busy:
            err.print(f"[yellow]drugflow:[/] {plain(str(busy))}")
            raise typer.Exit(BLOCKED) from busy
    show_night(night, settings)
    raise typer.Exit(night.outcome.exit_code)


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Show what is released, how fresh each source is, what is held back and how to go on.

    [dim]Example:[/] drugflow status --json
    """
    from pipelines.alerts.memory import summary
    from pipelines.alerts.record import last_refresh
    from pipelines.status.overview import read_status

    settings = _settings()
    found = read_status(settings, _realm(settings), settings.now().date())
    found |= {"alerts": summary(settings), "last_refresh": last_refresh(settings), "rehearsed_day": settings.today}
    if as_json:
        out.print_json(json.dumps(found, default=str))
    else:
        show_status(found)
    stuck = any(s["state"] in ("blocked", "failing") for s in found["sources"])
    stuck = stuck or bool(found["last_refresh"] and found["last_refresh"]["failure"])
    raise typer.Exit(WRONG if found["release"] is None else BLOCKED if stuck else DONE)


@app.command()
def sources(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the sources: what they are, who publishes them, how often, under which licence.

    [dim]Example:[/] drugflow sources
    """
    from pipelines.catalog.load import load_catalog

    catalog = load_catalog()
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
        table.add_column(title)
    for s in catalog.values():
        table.add_row(s.id, s.title.en, s.publisher, s.cadence, s.status, s.licence.id)
    out.print(table)


@app.command()
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

    with Session(_settings()) as session:
        if session.is_sample and (query is None or form != "table" or output):
            err.print(f"[cyan]{SAMPLE}.[/]")
        if query is None:
            session.prompt(err)
            return
        chosen = output.suffix.lstrip(".") if output and form == "table" else form
        session.run(query, chosen, output, sys.stdout)
        for text in session.late(query):
            err.print(plain(text))


@app.command()
def verify(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Compare published totals with the current release: held, failed, not testable here, known to disagree.

    [dim]Example:[/] drugflow verify
    """
    from pipelines.console import show_totals
    from pipelines.query.session import Session
    from pipelines.release.reconciliation import check_totals, revised_since

    with Session(_settings()) as session:
        outcomes = check_totals(session.connection, session.realm)
    if as_json:
        kept = [o.model_dump(mode="json", exclude={"total": {"query", "today"}}) for o in outcomes]
        out.print_json(json.dumps(kept))
    else:
        show_totals(outcomes)
    count = {w: sum(o.verdict == w for o in outcomes) for w in ("held", "failed", "not_testable", "known_disagreement")}
    known = f"{count['known_disagreement']} known disagreement{'s' * (count['known_disagreement'] != 1)}"
    err.print(f"{count['held']} held, {count['failed']} failed, {count['not_testable']} not testable here, {known}.")
    if moved := revised_since(outcomes):
        err.print(moved)
    if session.is_sample:
        err.print("[cyan]This is a SAMPLE release: its agreement with published totals proves nothing.[/]")
    raise typer.Exit(BLOCKED if count["failed"] else DONE)


@app.command()
def explain(figure: Annotated[str, typer.Argument(help='"<table> <key>"')]) -> None:
    """Go from a figure to the agency's file, line, checksum and vintage, and the steps between.

    [dim]Example:[/] drugflow explain "overdose_deaths_12mo US 2023-12 drug_overdose"
    """
    from pipelines.query.explain import explain as trace

    out.print(plain(trace(_settings(), figure).text()))


@app.command()
def diff(
    a: Annotated[str, typer.Argument(help="Release id, current or previous.")] = "previous",
    b: Annotated[str, typer.Argument(help="Release id, current or previous.")] = "current",
) -> None:
    """Say what changed between two releases: new periods, revised and withdrawn figures, checks that turned.

    [dim]Example:[/] drugflow diff previous current
    """
    from pipelines.query.diff import diff as compare

    out.print(plain(compare(_settings(), a, b).text()))


@app.command()
def add(
    source: Annotated[str, typer.Argument(help="Source id; see 'drugflow sources'.")],
    files: Annotated[
        list[Path], typer.Argument(help="The publisher's files, as downloaded.", exists=True, dir_okay=False)
    ],
    published: Annotated[str, typer.Option(help="Release date, YYYY-MM-DD.")],
    partial: Annotated[bool, typer.Option("--partial", help="A subset: an absent row says nothing.")] = False,
    note: Annotated[str | None, typer.Option(help="What to know about this vintage.")] = None,
) -> None:
    """Archive files by hand as one official vintage of a source.

    [dim]Example:[/] drugflow add cbp_drug_seizures nationwide-drugs-fy23-fy26-dec.csv --published 2026-01-15
    """
    from pipelines.archive.vintages import parse_release_date, store
    from pipelines.catalog.load import get_source
    from pipelines.ingest.report import make_receipt

    said = {"coverage": "partial" if partial else "full", "note": note}
    settings = _settings()
    day = parse_release_date(published, settings.now().date())
    receipt = make_receipt("added by hand", "official", get_source(source).id, day, files, said)
    stored = store(settings.data_raw, receipt, files)
    if stored is None:
        out.print(f"{source} {published} is in the archive already, byte for byte.")
    else:
        out.print(f"Archived {source} {stored.id} ({len(files)} files). Publish it with [bold]{_refresh(settings)}[/].")


@app.command()
def backfill(
    source: Annotated[str, typer.Option(help="Source id with a document page; see 'drugflow sources'.")],
) -> None:
    """Fetch every monthly release that the agency's page still links and the archive has not.

    [dim]Example:[/] drugflow backfill --source cbp_drug_seizures
    """
    from pipelines.catalog.load import get_source
    from pipelines.refresh.stages import backfill_source

    get_source(source)
    settings = _settings()
    with err.status("Reading the page …") as status:
        report = backfill_source(
            settings, source, lambda name, got, total: status.update(download_line(name, got, total))
        )
    for problem in report.problems:
        err.print(f"[yellow]Not fetched:[/] {plain(problem)}")
    out.print(f"Archived {len(report.added)} releases of {source}; {report.known} were there already.")
    if report.added:
        out.print(f"Publish them with [bold]{_refresh(settings)}[/].")
    raise typer.Exit(BLOCKED if report.problems else DONE)


def _known(source: str, vintage: str, known: Collection[str]) -> str:
    if vintage not in known:
        raise DrugflowError(f"There is no vintage {vintage} of {source}. Known: {', '.join(known) or 'none'}.")
    return vintage


@app.command()
def accept(
    source: Annotated[str, typer.Argument(help="Source id.")],
    vintage: Annotated[str, typer.Argument(help="The held vintage, as 'drugflow status' names it.")],
    reason: Annotated[str, typer.Option(help="Why it may be published all the same; shown in the release.")],
) -> None:
    """Publish a held vintage by exception; the reason goes into a ledger that every release shows.

    [dim]Example:[/] drugflow accept cdc_vsrr_overdose 2026-02-11 --reason "CDC removed Guam; announced on its page"
    """
    from pipelines.catalog.load import get_source
    from pipelines.quality.verdict import accept as record
    from pipelines.quality.verdict import read_verdicts

    settings = _settings()
    realm = _realm(settings)
    verdicts = {v.archive_id: v for v in read_verdicts(settings.stage("quality", realm), get_source(source).id)}
    record(settings.data_raw, realm, verdicts[_known(source, vintage, verdicts)], reason)
    out.print(f"Recorded. [bold]drugflow refresh[/] publishes {source} {vintage} with a caution that says why.")
    out.print("A published total that it breaks still stops the release: no exception covers that.")


@app.command()
def retract(
    source: Annotated[str, typer.Argument(help="Source id.")],
    vintage: Annotated[str, typer.Argument(help="The vintage, as its folder in the archive is named.")],
    reason: Annotated[str, typer.Option(help="Why it was archived by mistake; shown in the release.")],
) -> None:
    """Hold a vintage for good that was archived by mistake; its bytes stay, and 'drugflow accept' takes it back.

    [dim]Example:[/] drugflow retract bts_border_crossings 2025-04-11 --reason "The file is that of 2025-04-01"
    """
    from pipelines.archive.vintages import list_archive
    from pipelines.catalog.load import get_source
    from pipelines.quality.verdict import retract as record
    from pipelines.releases.manifest import current_manifest

    settings = _settings()
    # What was added by hand is official, also before anything was released.
    realm: Realm = "official" if current_manifest(settings) is None else _realm(settings)
    archived = [v.id for v in list_archive(settings.data_raw, realm, get_source(source).id)]
    record(settings.data_raw, realm, source, _known(source, vintage, archived), reason)
    out.print(f"Recorded. [bold]drugflow refresh[/] takes {source} {vintage} out of every table and says why.")


@app.command()
def alert(
    test: Annotated[bool, typer.Option("--test", help="Send a test message to every address.")] = False,
) -> None:
    """Show what was told through DRUGFLOW_ALERT_URLS and is not over; with --test send a test message.

    [dim]Example:[/] drugflow alert --test
    """
    from pipelines.alerts.deliver import addresses
    from pipelines.alerts.memory import summary
    from pipelines.alerts.tell import try_out

    settings = _settings()
    if not addresses(settings):
        raise DrugflowError(
            "No address for alerts: set DRUGFLOW_ALERT_URLS, such as mailtos://… or json://host/path (see "
            "docs/operations.md)."
        )
    if not test:
        show_alerts(summary(settings))
        return
    sent = try_out(settings)
    for sentence, arrived in sent:
        (out if arrived else err).print(plain(sentence))
    raise typer.Exit(DONE if all(arrived for _, arrived in sent) else BLOCKED)


@app.command()
def watchdog() -> None:
    """See whether a refresh ended lately; alert once and exit with 1 where none did. For cron or a systemd timer.

    [dim]Example:[/] drugflow watchdog
    """
    from pipelines.alerts.watchdog import watch

    well, said = watch(_settings())
    for sentence in said:
        (out if well else err).print(plain(sentence))
    raise typer.Exit(DONE if well else BLOCKED)


@app.command()
def asof(
    day: Annotated[datetime, typer.Argument(help="The day to look back to.", formats=["%Y-%m-%d"])],
) -> None:
    """Build every table as it would have read on a day, beside the current release, from the archive alone.

    [dim]Example:[/] drugflow asof 2025-02-01
    """
    from pipelines.refresh.as_of import look_back

    settings = _settings()
    with err.status(f"Looking back to {day:%Y-%m-%d} …") as status:
        manifest = look_back(settings, day.date(), step_lines(status), _run_job)
    folder = settings.data_marts / "asof" / f"{day:%Y-%m-%d}"
    for sentence in manifest.held:
        err.print(f"[yellow]Held:[/] {plain(sentence)}")
    mark = "[cyan]SAMPLE, generated, not official:[/] " if manifest.realm == "sample" else ""
    out.print(f"{mark}what was published until {day:%Y-%m-%d} is in")
    out.print(f"  {folder / 'drugflow.duckdb'}", soft_wrap=True)
    out.print("The current release is untouched. Delete the folder when it is no longer needed.")


@app.command()
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

    settings = _settings()
    chosen = publish.unpin(settings) if unpin else publish.rollback(settings, release)
    if chosen is None:
        raise DrugflowError("There is no release yet: run 'drugflow refresh'.")
    pinned = "" if unpin else " and pinned until 'drugflow rollback --unpin'"
    out.print(f"Analysts see {chosen.release_id} now{pinned}.")


@app.command()
def prepare() -> None:
    """Create the folders and Dagster's home, and end runs whose process is gone: before daemon and webserver start.

    [dim]Example:[/] drugflow prepare
    """
    from pipelines.dbt.manifest import prepare_manifest
    from pipelines.orchestration.instance import bury_dead_runs_of

    settings = _settings()
    for folder in (settings.data_raw, settings.data_marts):
        folder.mkdir(parents=True, exist_ok=True)
    for run in bury_dead_runs_of(settings):
        out.print(f"Marked as failed, its process is gone: {run}")
    prepare_manifest()
    out.print(f"Ready: DAGSTER_HOME={settings.dagster_home.resolve()}")


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Start the Dagster UI with its daemon on 127.0.0.1; Ctrl+C stops both.

    [dim]Example:[/] drugflow ui --port 3001
    """
    import signal

    from pipelines.dbt.manifest import prepare_manifest
    from pipelines.orchestration.instance import WORKSPACE, bury_dead_runs_of

    bury_dead_runs_of(_settings())
    prepare_manifest()
    out.print(f"Dagster UI on http://127.0.0.1:{port} (Ctrl+C stops it)")
    # A shell lets what it starts in the background ignore this signal, and then nothing stops the UI.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    dagster = str(Path(sys.executable).with_name("dagster"))
    _replace(dagster, "dev", "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port))


def _replace(*command: str) -> NoReturn:
    os.execv(command[0], list(command))


if __name__ == "__main__":
    main()
