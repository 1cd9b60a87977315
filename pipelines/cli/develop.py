"""Developing the project: commands that write into its checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import app
from pipelines.console import out


@app.command(rich_help_panel="Develop")
def new_source(
    file: Annotated[Path, typer.Argument(help="One of the publisher's files: csv, tsv or xlsx, also in a zip or gz.")],
    source_id: Annotated[
        str | None, typer.Option("--id", help="The source's id, such as cbp_currency. Default: from the file's name.")
    ] = None,
) -> None:
    """Write a first description of a source, and its cleaning and test, from the header and rows of a file.

    [dim]Example:[/] drugflow new-source currency-seizures-fy23-fy26-jul.csv --id cbp_currency
    """
    from pipelines.core.settings import PROJECT_ROOT
    from pipelines.sources import new_source as drafts

    written = drafts.new_source(file, PROJECT_ROOT, source_id)
    for path in written:
        out.print(f"Wrote {path.relative_to(PROJECT_ROOT)}")
    for step in drafts.next_steps(written[0].parent.name):
        out.print(step)
