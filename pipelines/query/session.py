"""Read-only queries on the current release, and their answers as a table, CSV, JSON or Excel."""

from __future__ import annotations

import io
import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import duckdb
import polars as pl

from pipelines.catalog.dictionary import as_of_macros, load_dictionary
from pipelines.core.errors import DrugflowError, why
from pipelines.core.files import read_json
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.core.wording import say
from pipelines.releases.manifest import DATABASE, Manifest, nothing_to_open

if TYPE_CHECKING:
    from rich.console import Console

FORMATS = ("table", "csv", "json", "xlsx")
MOST_EXCEL_ROWS = 1_048_575
"""Rows of a sheet below its header."""


class Session:
    """The current release, opened read-only.

    Raises DrugflowError where nothing is released yet.
    """

    def __init__(self, settings: Settings) -> None:
        # The link is followed once: between two looks at it another release could become current.
        folder = settings.current.resolve()
        raw = read_json(folder / "manifest.json")
        if raw is None or not (folder / DATABASE).is_file():
            raise nothing_to_open(settings)
        manifest = Manifest.model_validate(raw)
        self.realm: Realm = manifest.realm
        self.release_id = manifest.release_id
        self.connection = duckdb.connect(str(folder / DATABASE), read_only=True)
        # A query reads this release and nothing else on the machine.
        self.connection.execute("set autoinstall_known_extensions = false; set enable_external_access = false")
        self._language = settings.language
        late = f"select text_{self._language}, tables from meta.cautions where code like 'late\\_%' escape '\\'"
        self._late: list[tuple[str, list[str]]] = self.connection.execute(f"{late} order by code").fetchall()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    @property
    def is_sample(self) -> bool:
        """Whether the figures are generated."""
        return self.realm == "sample"

    def late(self, query: str) -> list[str]:
        """What the release says today of the late sources of the tables that a query names."""
        if not self._late:
            return []
        words = set(re.findall(r"\w+", query.casefold()))
        words |= {fact for macro, fact in as_of_macros(load_dictionary()).items() if macro in words}
        return [text for text, tables in self._late if words.intersection(tables)]

    def run(self, query: str, form: str, output: Path | None, stream: IO[str]) -> None:
        """Answer one query. A sample's answer says so itself, since files and pipes leave the terminal's words behind:
        a table in its last line; csv, json and Excel in a first column SAMPLE with the release.

        Raises DrugflowError for an unknown format or a query that DuckDB refuses, with its words.
        """
        if form not in FORMATS:
            raise DrugflowError("no_format", format=form, formats=FORMATS)
        if form == "xlsx" and output is None:
            raise DrugflowError("excel_needs_a_file")
        if output is not None and not output.parent.is_dir():
            raise DrugflowError("no_folder_for_answer", file=output.parent, name=output.name)
        try:
            if (count := len(duckdb.extract_statements(query))) == 0:
                raise DrugflowError("query_is_empty")
            if count > 1:
                raise DrugflowError("several_queries", queries=count)
            # Some errors, such as a text that is no number, come up only when the rows are fetched.
            relation = self.connection.sql(query)
            if relation is None:
                return
            said = self.late(query)
            is_table = form == "table"
            content = f"{relation}\n{self._last_line}".encode() if is_table else self._content(relation, form, said)
        except duckdb.Error as error:
            raise DrugflowError("duckdb_cannot_answer", why=str(error)) from error
        if output is None:
            stream.write(content.decode())
        else:
            output.write_bytes(content)

    def _content(self, relation: duckdb.DuckDBPyRelation, form: str, late: list[str]) -> bytes:
        """The whole answer as a file. Raises DrugflowError where the format has no place for it."""
        try:
            frame = self._marked(relation.pl())
            if form == "xlsx":
                return self._excel(_flat(frame), late)
            return _text(frame, form).encode()
        except (DrugflowError, duckdb.Error):
            raise
        except Exception as error:  # Polars, PyArrow and XlsxWriter each have errors of their own for such values
            raise DrugflowError("column_has_no_form", format=form, why=why(error)) from error

    @property
    def _last_line(self) -> str:
        told = {"release": self.release_id}
        return say("sql.sample_release", told, self._language) + "\n" if self.is_sample else ""

    def _marked(self, frame: pl.DataFrame) -> pl.DataFrame:
        if not self.is_sample:
            return frame
        name = "SAMPLE"
        while name in frame.columns:
            name += "_"
        return frame.select(pl.lit(self.release_id).alias(name), pl.all())

    def _excel(self, frame: pl.DataFrame, late: list[str]) -> bytes:
        """One sheet of rows and one about them: the release, that a sample is one, and which sources are late."""
        import xlsxwriter

        if frame.height > MOST_EXCEL_ROWS:
            raise DrugflowError("too_many_rows_for_excel", most=MOST_EXCEL_ROWS, rows=frame.height)
        content = io.BytesIO()
        # A text stays a text: what begins with "=" must not be calculated on the reader's machine.
        plain = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
        with xlsxwriter.Workbook(content, {**plain, "remove_timezone": True}) as book:
            frame.write_excel(book, worksheet="SAMPLE" if self.is_sample else "answer")
            about = book.add_worksheet("about")
            notes: list[tuple[str, Any]] = [("release", self.release_id), ("realm", self.realm)]
            if self.is_sample:
                notes.append(("warning", say("sample.mark", {}, self._language)))
            notes += [("late", text) for text in late]
            for row, pair in enumerate(notes):
                about.write_row(row, 0, pair)
        return content.getvalue()

    def prompt(self, console: Console) -> None:
        """Ask for queries until the end of input; an error is a sentence and the next prompt."""
        import sys

        console.print(say("sql.prompt", {"release": self.release_id}, self._language))
        for text, _ in self._late:
            console.print(text, markup=False)
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


def _text(frame: pl.DataFrame, form: str) -> str:
    if form == "csv":
        return _flat(frame).write_csv(date_format="%Y-%m-%d")
    return json.dumps(frame.to_dicts(), default=_plain, ensure_ascii=False, indent=1) + "\n"


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists as their values with commas between them: a cell holds one text."""
    lists = [c for c, kind in frame.schema.items() if kind.is_nested()]
    return frame.with_columns(pl.Series(c, [_joined(v) for v in frame[c].to_list()], dtype=pl.String) for c in lists)


def _joined(value: Any) -> str | None:
    if isinstance(value, list) and not any(isinstance(v, list | dict) for v in value):
        return ", ".join("" if v is None else str(v) for v in value)
    return None if value is None else json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A value for JSON: a sum is exact in DuckDB and a number for the reader."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else str(value)
