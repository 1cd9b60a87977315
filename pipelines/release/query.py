"""Read-only queries on the current release, and their answers as a table, CSV, JSON or Excel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import duckdb

from pipelines.release.publish import current_manifest
from pipelines.settings import Settings
from pipelines.vocabulary import DrugflowError, Realm

if TYPE_CHECKING:
    from rich.console import Console

FORMATS = ("table", "csv", "json", "xlsx")


class Session:
    """The current release, opened read-only.

    Raises DrugflowError where nothing is released yet.
    """

    def __init__(self, settings: Settings) -> None:
        manifest = current_manifest(settings)
        if manifest is None:
            raise DrugflowError(f"Nothing is released in {settings.data_marts}: run 'drugflow refresh' first.")
        self.realm: Realm = manifest.realm
        self.release_id = manifest.release_id
        folder = settings.current.resolve()
        self.connection = duckdb.connect(str(folder / "drugflow.duckdb"), read_only=True)
        # A query reads this release and nothing else on the machine.
        self.connection.execute("set autoinstall_known_extensions = false; set enable_external_access = false")

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    @property
    def is_sample(self) -> bool:
        """Whether the figures are generated."""
        return self.realm == "sample"

    def run(self, query: str, form: str, output: Path | None, stream: IO[str]) -> None:
        """Answer one query.

        Raises DrugflowError for an unknown format or a query that DuckDB refuses, with its words.
        """
        if form not in FORMATS:
            raise DrugflowError(f"{form!r} is no format: use one of {', '.join(FORMATS)}.")
        if form == "xlsx" and output is None:
            raise DrugflowError("Excel needs a file: add --output answer.xlsx.")
        try:
            relation = self.connection.sql(query)
        except duckdb.Error as error:
            raise DrugflowError(f"DuckDB cannot answer that: {error}") from error
        if relation is None:
            return
        if form == "xlsx" and output is not None:
            self._excel(relation, output)
            return
        text = self._text(relation, form)
        if output is None:
            stream.write(text)
        else:
            output.write_text(text, "utf-8")

    def _text(self, relation: duckdb.DuckDBPyRelation, form: str) -> str:
        if form == "csv":
            return str(relation.pl().write_csv(date_format="%Y-%m-%d"))
        if form == "json":
            rows = relation.pl().to_dicts()
            return json.dumps(rows, default=str, ensure_ascii=False, indent=1) + "\n"
        return str(relation) + "\n"

    def _excel(self, relation: duckdb.DuckDBPyRelation, output: Path) -> None:
        """One sheet of rows and one that says which release they came from, and that a sample is one."""
        import xlsxwriter

        frame = relation.pl()
        lists = [c for c in frame.columns if str(frame.schema[c]).startswith("List")]
        frame = frame.with_columns(
            frame[c].cast(str).alias(c) if not lists else frame[c].list.join(", ") for c in lists
        )
        with xlsxwriter.Workbook(str(output)) as book:
            frame.write_excel(book, worksheet="SAMPLE" if self.is_sample else "answer")
            about = book.add_worksheet("about")
            notes: list[tuple[str, Any]] = [("release", self.release_id), ("realm", self.realm)]
            if self.is_sample:
                notes.append(("warning", "SAMPLE: generated data, not official"))
            for row, pair in enumerate(notes):
                about.write_row(row, 0, pair)

    def prompt(self, console: Console) -> None:
        """Ask for queries until the end of input; an error is a sentence and the next prompt."""
        import sys

        console.print(f"Release {self.release_id}. One query a line; Ctrl+D ends.")
        while True:
            try:
                query = input("drugflow> ").strip()
            except EOFError:
                return
            if query:
                try:
                    self.run(query, "table", None, sys.stdout)
                except DrugflowError as error:
                    console.print(str(error), markup=False)
