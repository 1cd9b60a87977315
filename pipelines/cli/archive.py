"""The archive: adding files by hand, and decisions about vintages."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.app import app, current_realm, load_settings, publishing_command
from pipelines.console import out, tell
from pipelines.core.errors import DrugflowError
from pipelines.core.problem import Phrase

if TYPE_CHECKING:
    from pipelines.core.types import Realm


def _known(source: str, vintage: str, known: Collection[str]) -> str:
    if vintage not in known:
        ids = [*known] or Phrase.of("phrase.none")
        raise DrugflowError("no_such_vintage", source=source, vintage=vintage, known=ids)
    return vintage


@app.command(rich_help_panel="Archive")
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

    [dim]Example:[/] drugflow add SOURCE nationwide-drugs-fy23-fy26-dec.csv --published 2026-01-15
    """
    from pipelines.archive.vintages import parse_release_date, store
    from pipelines.catalog.load import get_source
    from pipelines.ingest.report import make_receipt

    said = {"coverage": "partial" if partial else "full", "note": note}
    settings = load_settings()
    day = parse_release_date(published, settings.now().date())
    receipt = make_receipt("added by hand", "official", get_source(source).id, day, files, said)
    stored = store(settings.data_raw, receipt, files)
    if stored is None:
        out.print(tell("cli.archived_already", source=source, day=published))
    else:
        told = {"source": source, "vintage": stored.id, "command": publishing_command(settings)}
        out.print(tell("cli.archived", **told, count=len(files)))


@app.command(rich_help_panel="Archive")
def accept(
    source: Annotated[str, typer.Argument(help="Source id.")],
    vintage: Annotated[str, typer.Argument(help="The held vintage, as 'drugflow status' names it.")],
    reason: Annotated[str, typer.Option(help="Why it may be published all the same; shown in the release.")],
) -> None:
    """Publish a held vintage by exception; the reason goes into a ledger that every release shows.

    [dim]Example:[/] drugflow accept SOURCE 2026-02-11 --reason "CDC removed Guam; announced on its page"
    """
    from pipelines.catalog.load import get_source
    from pipelines.quality.verdict import accept as record
    from pipelines.quality.verdict import read_verdicts

    settings = load_settings()
    realm = current_realm(settings)
    verdicts = {v.archive_id: v for v in read_verdicts(settings.stage("quality", realm), get_source(source).id)}
    record(settings.data_raw, realm, verdicts[_known(source, vintage, verdicts)], reason)
    out.print(tell("cli.accepted", source=source, vintage=vintage))
    out.print(tell("cli.accepted_but"))


@app.command(rich_help_panel="Archive")
def retract(
    source: Annotated[str, typer.Argument(help="Source id.")],
    vintage: Annotated[str, typer.Argument(help="The vintage, as its folder in the archive is named.")],
    reason: Annotated[str, typer.Option(help="Why it was archived by mistake; shown in the release.")],
) -> None:
    """Hold a vintage for good that was archived by mistake; its bytes stay, and 'drugflow accept' takes it back.

    [dim]Example:[/] drugflow retract SOURCE 2025-04-11 --reason "The file is that of 2025-04-01"
    """
    from pipelines.archive.vintages import list_archive
    from pipelines.catalog.load import get_source
    from pipelines.quality.verdict import retract as record
    from pipelines.releases.manifest import current_manifest

    settings = load_settings()
    # What was added by hand is official, also before anything was released.
    realm: Realm = "official" if current_manifest(settings) is None else current_realm(settings)
    archived = [v.id for v in list_archive(settings.data_raw, realm, get_source(source).id)]
    record(settings.data_raw, realm, source, _known(source, vintage, archived), reason)
    out.print(tell("cli.retraction", source=source, vintage=vintage))
