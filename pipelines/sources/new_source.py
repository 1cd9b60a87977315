"""A first description of a source, with its cleaning and its test, from one of the publisher's files.

What belongs here: writing the drafts that a person then fills in. What does not: reading the file and guessing (guess).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from pipelines.catalog.load import DESCRIPTION, UNFILLED
from pipelines.core.errors import DrugflowError
from pipelines.sources.guess import Column, Table, guess, read_table, slug

EXAMPLES = 3
"""Rows of the test's file, and choices of the sample."""
_ID = re.compile(r"[a-z][a-z0-9_]*")


def new_source(file: Path, root: Path, source_id: str | None = None) -> list[Path]:
    """Write a first source.yml, clean.py, test and rows for a publisher's file into the project at root.

    file: csv, tsv or xlsx, plain or in a zip or gz; UTF-8 or Latin-1. source_id: unset, from the file's name. Returns
    the files written, which lie in ``pipelines/sources/<id>`` and ``tests/sources/<id>``. Raises DrugflowError where
    root is no checkout of the project, one of them is there already, or the file cannot be read as a table.
    """
    if not (root / "pyproject.toml").is_file() or not (root / "pipelines" / "sources").is_dir():
        raise DrugflowError("no_checkout", folder=root)
    name = source_id or slug(file.name.split(".")[0])
    if not _ID.fullmatch(name) or name == "shared":
        raise DrugflowError("no_id_of_a_source", name=name)
    table = read_table(file)
    columns = guess(table)
    folder, tests = root / "pipelines" / "sources" / name, root / "tests" / "sources" / name
    texts = {
        folder / DESCRIPTION: _description(name, file.name, table, columns),
        folder / "clean.py": _cleaning(columns),
        tests / "rows.csv": _fixture(table),
        tests / "test_clean.py": _test(name),
    }
    if there := [path for path in texts if path.exists()]:
        raise DrugflowError("draft_is_there", file=there[0].relative_to(root))
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return list(texts)


def next_steps(source_id: str) -> list[str]:
    """What a person does with the drafts, one sentence a step."""
    return [
        f"1. Replace each {UNFILLED!r} in pipelines/sources/{source_id}/{DESCRIPTION}, and look at every guess in it.",
        "2. Write in clean.py which rows are kept, and in test_clean.py what the rows of rows.csv become.",
        "3. make docs sample",
        f"4. Put the file into FOLDER/{source_id}/<release date>/ and run drugflow refresh --origin mirror:FOLDER "
        f"--source {source_id}",
        "CONTRIBUTING.md goes through the same steps with an example: Adding a source.",
    ]


def _description(name: str, file: str, table: Table, columns: list[Column]) -> str:
    """The text of source.yml. What only a person can know says so and is refused until it is filled in."""
    todo = UNFILLED
    encodings = "" if table.encoding == "utf-8" else ", encodings: [latin-1]"
    lines = [
        f"# First drafted from {file}. Replace each {todo!r}; the categories and types are guesses.",
        f"id: {name}",
        f"title: {{en: {todo}, es: {todo}}}",
        f"description: {{en: {todo}, es: {todo}}}",
        f"publisher: {todo}",
        f"landing_page: {todo}",
        f"licence: {{id: {todo}, text: {todo}}}",
        f"subject: {todo}  # seizures, deaths, crossings, mexico or southbound",
        f"cadence: {todo}  # weekly, monthly, quarterly, half_yearly or yearly",
        f"expected_lag_days: {todo}  # usual days from the end of a period to its publication",
        f"fetch: {{kind: manual, note: {todo}}}  # or socrata, document_page, files",
        f"files: {{formats: [{table.form}]{encodings}}}",
        "columns:",
        *(line for column in columns for line in _column_lines(column)),
        "frame:",
        *_frame_lines(columns),
        "period: month",
        *_expectation_lines(columns),
        "cautions:  # traps that a reader of the figures must know",
        f"  - {{code: {todo}, text: {{en: {todo}, es: {todo}}}, tables: {{about: all}}}}",
        "notes:",
        f"  coverage: {todo}",
        f"  missingness: {todo}",
        f"  revisions: {todo}",
        "sample:",
        *_sample_lines(table, columns),
    ]
    return "\n".join(lines) + "\n"


def _column_lines(column: Column) -> Iterator[str]:
    said: dict[str, Any] = {"id": column.id, "names": column.names}
    if column.wide:
        said["wide"] = "month"
    if column.type != "text":
        said["type"] = column.type
    if column.nullable:
        said["nullable"] = True
    if not column.categories:
        yield f"  - {_flow(said)}"
        return
    yield f"  - id: {column.id}"
    yield f"    names: {_flow(column.names)}"
    yield "    type: category"
    if column.nullable:
        yield "    nullable: true"
    yield "    categories:"
    for word, meaning in column.categories.items():
        yield f"      {_flow(word)}: {_flow(meaning)}"


def _frame_lines(columns: list[Column]) -> Iterator[str]:
    yield "  - {name: month, type: date, role: key}"
    for column in (c for c in columns if c.meaning != "period"):
        role = f"role: value, unit: {UNFILLED}" if column.meaning == "figure" else "role: key"
        kind = "text" if column.type == "category" else column.type
        yield f"  - {{name: {column.id}, type: {kind}, {role}, text: {{en: {UNFILLED}, es: {UNFILLED}}}}}"
    if not any(c.meaning == "figure" for c in columns):
        yield f"  - {{name: {UNFILLED}, type: {UNFILLED}, role: value, unit: {UNFILLED}}}"


def _expectation_lines(columns: list[Column]) -> Iterator[str]:
    """A floor under every figure: without one, a file shifted by a column could pass."""
    figures = [c.id for c in columns if c.meaning == "figure"]
    yield "expectations:" if figures else "expectations: []"
    for name in figures:
        yield f"  - id: {name}_not_negative"
        yield "    type: expect_column_values_to_be_between"
        yield f"    kwargs: {{column: {name}, min_value: 0}}"
        yield f"    why: {UNFILLED}"


def _sample_lines(table: Table, columns: list[Column]) -> Iterator[str]:
    """Some choices of the file's own, so that the generated sample has no impossible ones, and its periods."""
    periods = {c.id: f"{{month_{c.wide}}}" if c.wide else c.form for c in columns if c.wide or c.meaning == "period"}
    yield "  columns:" if periods else "  columns: {}"
    for name, form in periods.items():
        yield f"    {name}: {_flow({'period': form or UNFILLED})}"
    chosen = [c for c in columns if c.meaning == "name"]
    at = [table.header.index(c.names[0]) for c in chosen]
    choices = list(dict.fromkeys(tuple(row[n] for n in at) for row in table.rows))
    yield "  together:" if chosen else "  together: []"
    for n, choice in enumerate(_spread(choices) if chosen else []):
        said = {c.id: text for c, text in zip(chosen, choice, strict=True)}
        yield f"    {'-' if n == 0 else ' '} - {_flow(said)}"


def _spread(values: Sequence[Any]) -> list[Any]:
    """The first, the last and those at equal distances between."""
    last = len(values) - 1
    return [values[n] for n in dict.fromkeys(last * k // (EXAMPLES - 1) for k in range(EXAMPLES))]


def _flow(value: Any) -> str:
    """A value on one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


def _cleaning(columns: list[Column]) -> str:
    """The text of clean.py."""
    year = next((c for c in columns if c.form == "{year}"), None)
    wide = next((c for c in columns if c.wide), None)
    kept = "".join(f'        "{c.id}",\n' for c in columns if c.meaning != "period")
    month, helpers = "pl.lit(None, pl.Date)", ""
    if year and wide:
        name = f'month_number(pl.col("month"), "{wide.wide}")'
        month, helpers = f'first_of_month(pl.col("{year.id}"), {name})', "first_of_month, month_number"
    imports = f"from pipelines.sources.shared.calendar import {helpers}\n" if helpers else ""
    return _CLEAN.format(todo=UNFILLED, imports=imports, month=month, kept=kept)


_CLEAN = '''"""{todo}: what the file is, and where its rules come from."""

from __future__ import annotations

import polars as pl

from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
{imports}

def tidy(batch: RecordBatch, source: Source) -> None:
    """{todo}: one row per what."""
    # Reject what cannot be used: batch.reject(pl.col("x") < 0, "X", Text(en="is …", es="es …"), "x").
    batch.frame = batch.frame.select(
        {month}.alias("month"),
{kept}        "_line",
    )
'''


def _fixture(table: Table) -> str:
    """Some rows of the file as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([table.header, *_spread(table.rows)])
    return out.getvalue()


def _test(name: str) -> str:
    """The text of test_clean.py."""
    return _TEST.format(todo=UNFILLED, id=name)


_TEST = '''"""{id}: its rules, on some rows of the publisher's file."""

from __future__ import annotations

from tests.sources.cleaning import cleaned


def test_every_record_becomes_a_row() -> None:
    summary, frame, rejected = cleaned("{id}", "rows.csv")
    assert rejected.height == 0
    # {todo}: compare frame with what the rows say, computed by hand.
    assert frame.height == summary.records
'''
