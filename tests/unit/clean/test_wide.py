"""Files with figures side by side, such as twelve months: every cell is a record and each of them is accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
from pipelines.clean.files import FileProblem, Limits
from pipelines.clean.run import Raw, Summary, clean_vintage
from pipelines.clean.source_module import SourceModule
from pipelines.core.problem import Text
from tests.unit.tried import described

TITLES = ["Enero", "Febrero", "Marzo"]
COLUMNS: list[dict[str, Any]] = [
    {"id": "year", "names": ["Año"], "type": "integer"},
    {"id": "place", "names": ["Entidad"]},
    {"id": "sex", "names": ["Sexo"], "type": "category", "categories": {"Mujer": "female", "Hombre": "male"}},
    {"id": "victims", "names": TITLES, "type": "integer", "wide": "month", "nullable": True},
]
MONTH_OF = {"Enero": 1, "Febrero": 2, "Marzo": 3}
HEADER = ["Año", "Entidad", "Sexo", *TITLES]
SONORA, YUCATAN = ["2019", "Sonora", "Mujer", "1", "0", "3"], ["2019", "Yucatán", "Hombre", "4", "5", "6"]


def source(**changes: Any) -> Source:
    """A source of victims by place, sex and month."""
    said = {
        "columns": COLUMNS,
        "files": {"formats": ["csv", "xlsx"], "encodings": ["latin-1"]},
        "frame": [
            {"name": "month", "type": "date", "role": "key"},
            {"name": "place", "type": "text", "role": "key"},
            {"name": "sex", "type": "text", "role": "key"},
            {"name": "victims", "type": "integer", "role": "value"},
        ],
    }
    return Source.model_validate(described(**said | changes))


def tidy(batch: RecordBatch, source: Source) -> None:
    """A blank cell is a month that is not out yet; a figure below zero cannot be."""
    batch.set_aside(pl.col("victims").is_null(), "month_not_published")
    batch.reject(pl.col("victims") < 0, "a month", Text(en="is below zero", es="es menor que cero"), "victims")
    month = pl.col("month").replace_strict(MONTH_OF, return_dtype=pl.Int32)
    batch.frame = batch.frame.select(pl.date("year", month, 1).alias("month"), "place", "sex", "victims", "_line")


def clean(folder: Path, file: Path, described: Source | None = None) -> tuple[Summary, pl.DataFrame, pl.DataFrame]:
    """Account, clean rows and rejected records of one file."""
    vintage = Raw(id="2019-04-20", vintage="2019-04-20", folder=file.parent, files=[file.name], content="bytes")
    described = described or source()
    summary = clean_vintage(described, lambda: SourceModule(tidy=tidy), vintage, folder / "clean", Limits(), "code")
    if summary.problem:
        raise FileProblem(summary.problem)
    out = folder / "clean" / vintage.id
    return summary, pl.read_parquet(out / "clean.parquet"), pl.read_parquet(out / "rejected.parquet")


def text(folder: Path, *rows: list[str], header: list[str] = HEADER) -> Path:
    """A file of the publisher in Latin-1."""
    path = folder / "victims.csv"
    path.write_bytes("".join(",".join(row) + "\r\n" for row in (header, *rows)).encode("latin-1"))
    return path


def workbook(folder: Path, *rows: list[Any]) -> Path:
    """A workbook of one sheet."""
    path = folder / "victims.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Hoja1")
        for line, row in enumerate(rows):
            sheet.write_row(line, 0, row)
    return path


def cells(frame: pl.DataFrame) -> list[tuple[str, str, int, int]]:
    """Place, month as text, figure and line of the clean rows."""
    return sorted(frame.select("place", pl.col("month").cast(pl.String), "victims", "line").rows())


# ---- cells are records ----


def test_every_cell_is_a_row_with_its_title_and_the_line_of_its_record(tmp_path: Path) -> None:
    summary, frame, _ = clean(tmp_path, text(tmp_path, SONORA, YUCATAN))
    assert (summary.records, summary.rows) == (6, 6)
    assert cells(frame) == [
        ("Sonora", "2019-01-01", 1, 2),
        ("Sonora", "2019-02-01", 0, 2),
        ("Sonora", "2019-03-01", 3, 2),
        ("Yucatán", "2019-01-01", 4, 3),
        ("Yucatán", "2019-02-01", 5, 3),
        ("Yucatán", "2019-03-01", 6, 3),
    ]


def test_titles_are_found_in_any_order_and_case(tmp_path: Path) -> None:
    header = ["ENTIDAD", "MARZO", "SEXO", "ENERO", "AÑO", "FEBRERO"]
    _, frame, _ = clean(tmp_path, text(tmp_path, ["Sonora", "3", "Mujer", "1", "2019", "0"], header=header))
    assert [(month, figure) for _, month, figure, _ in cells(frame)] == [
        ("2019-01-01", 1),
        ("2019-02-01", 0),
        ("2019-03-01", 3),
    ]


def test_a_blank_cell_is_set_aside_alone(tmp_path: Path) -> None:
    summary, frame, _ = clean(tmp_path, text(tmp_path, [*SONORA[:5], ""], YUCATAN))
    assert (summary.records, summary.rows, summary.set_aside) == (6, 5, {"month_not_published": 1})
    assert frame.height == 5


def test_a_cell_that_is_no_number_is_rejected_alone_and_named_by_its_title(tmp_path: Path) -> None:
    summary, _, rejected = clean(tmp_path, text(tmp_path, SONORA, ["2019", "Yucatán", "Hombre", "4", "many", "6"]))
    assert (summary.records, summary.rows, summary.rejected) == (6, 5, 1)
    bad = rejected.row(0, named=True)
    assert (bad["line"], bad["column"], bad["value"], bad["reason"]) == (3, "Febrero", "many", "is not a whole number")
    assert bad["record"] == "2019,Yucatán,Hombre,4,many,6"


def test_a_blank_cell_is_rejected_where_the_description_does_not_allow_it(tmp_path: Path) -> None:
    strict = source(columns=[*COLUMNS[:3], {**COLUMNS[3], "nullable": False}])
    summary, _, rejected = clean(tmp_path, text(tmp_path, [*SONORA[:5], ""]), strict)
    assert (summary.records, summary.rows) == (3, 2)
    assert rejected.select("column", "reason").rows() == [("Marzo", "is empty, expected a whole number")]


def test_a_fault_in_another_column_rejects_every_cell_of_its_line(tmp_path: Path) -> None:
    summary, frame, rejected = clean(tmp_path, text(tmp_path, SONORA, ["2019", "Yucatán", "Niño", "4", "5", "6"]))
    assert (summary.records, summary.rows, summary.rejected) == (6, 3, 3)
    assert frame["line"].to_list() == [2, 2, 2]
    assert rejected.select("line", "column", "value").unique().rows() == [(3, "Sexo", "Niño")]


def test_a_line_with_two_faults_is_rejected_once(tmp_path: Path) -> None:
    summary, _, rejected = clean(tmp_path, text(tmp_path, SONORA, ["in 2019", "Yucatán", "Hombre", "4", "many", ""]))
    assert (summary.records, summary.rows, summary.rejected) == (6, 3, 3)
    assert rejected["column"].unique().to_list() == ["Año"]


def test_a_rule_of_the_source_rejects_one_cell_and_tells_its_figure(tmp_path: Path) -> None:
    summary, frame, rejected = clean(tmp_path, text(tmp_path, ["2019", "Sonora", "Mujer", "1", "-2", "3"]))
    assert (summary.records, summary.rows) == (3, 2)
    assert rejected.select("value", "reason").rows() == [("-2", "is below zero")]
    assert [figure for _, _, figure, _ in cells(frame)] == [1, 3]


def test_blank_and_torn_lines_stay_one_record_each(tmp_path: Path) -> None:
    summary, _, rejected = clean(tmp_path, text(tmp_path, SONORA, [""] * 6, ["2019", "Yucatán"]))
    assert (summary.records, summary.rows, summary.set_aside, summary.rejected) == (5, 3, {"blank_line": 1}, 1)
    assert rejected["reason"].to_list() == ["has 2 fields, expected 6"]


def test_a_title_that_is_missing_is_a_problem_of_the_file(tmp_path: Path) -> None:
    file = text(tmp_path, SONORA[:5], header=HEADER[:5])
    with pytest.raises(FileProblem, match="the column 'Marzo' is missing"):
        clean(tmp_path, file)


def test_a_title_that_may_be_missing_has_no_record(tmp_path: Path) -> None:
    lenient = source(columns=[*COLUMNS[:3], {**COLUMNS[3], "required": False}])
    summary, frame, _ = clean(tmp_path, text(tmp_path, SONORA[:5], header=HEADER[:5]), lenient)
    assert (summary.records, frame.height) == (2, 2)


def test_a_title_that_nobody_described_is_a_problem_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="unknown column 'Total'"):
        clean(tmp_path, text(tmp_path, [*SONORA, "4"], header=[*HEADER, "Total"]))


# ---- plain workbooks ----


def test_a_workbook_is_read_like_the_text_of_the_same_table(tmp_path: Path) -> None:
    numbers = [[2019, "Sonora", "Mujer", 1, 0, 3], [2019, "Yucatán", "Hombre", 4, 5, 6.0]]
    _, sheet, _ = clean(tmp_path / "a", workbook(tmp_path, HEADER, *numbers))
    _, table, _ = clean(tmp_path / "b", text(tmp_path, SONORA, YUCATAN))
    assert cells(sheet) == cells(table)


def test_an_empty_column_of_a_sheet_is_no_column(tmp_path: Path) -> None:
    _, frame, _ = clean(tmp_path, workbook(tmp_path, [*HEADER, ""], [2019, "Sonora", "Mujer", 1, 0, 3, ""]))
    assert frame.height == 3


def test_a_column_of_figures_without_a_title_is_a_problem_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="unknown column ''"):
        clean(tmp_path, workbook(tmp_path, HEADER, [2019, "Sonora", "Mujer", 1, 0, 3, 4]))


def test_a_blank_row_of_a_sheet_is_set_aside_and_lines_are_the_sheet_s(tmp_path: Path) -> None:
    summary, frame, _ = clean(tmp_path, workbook(tmp_path, HEADER, [""] * 6, [2019, "Sonora", "Mujer", 1, 0, 3]))
    assert (summary.set_aside, set(frame["line"])) == ({"blank_line": 1}, {3})


def test_a_sheet_with_a_header_alone_is_a_problem_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="has a header and no record"):
        clean(tmp_path, workbook(tmp_path, HEADER))


def test_a_workbook_is_refused_where_the_description_does_not_list_it(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="is an Excel workbook: expected CSV"):
        clean(tmp_path, workbook(tmp_path, HEADER, [2019, "Sonora", "Mujer", 1, 0, 3]), source(files={}))


# ---- what a description may say ----


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ({"wide": "place"}, "is the id of another column"),
        ({"names": ["Enero", "sex"]}, "is the id of another column"),
        ({"ignore": True}, "are figures or texts that are read"),
    ],
)
def test_a_wide_column_that_cannot_be_read_is_refused(column: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        source(columns=[*COLUMNS[:3], {**COLUMNS[3], **column}])


def test_a_file_has_one_wide_column_at_the_most() -> None:
    second = {"id": "cases", "names": ["Casos"], "type": "integer", "wide": "quarter"}
    with pytest.raises(ValueError, match="columns victims and cases are wide"):
        source(columns=[*COLUMNS, second])
