"""First drafts of a source: what a header and rows tell, what only a person knows, and what is refused."""

from __future__ import annotations

import bz2
import csv
import gzip
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import yaml

from pipelines.catalog.load import load_source
from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError
from pipelines.sources.guess import slug
from pipelines.sources.new_source import new_source, next_steps

MONTHS = ["Enero", "Febrero", "Marzo", "Abril", "Mayo", "Junio", "Julio", "Agosto", "Septiembre", "Octubre",
          "Noviembre", "Diciembre"]  # fmt: skip
HEADER = ["Año", "Clave_Ent", "Entidad", "Sexo", *MONTHS]
ROWS = [
    [year, code, state, sex, *(str(n) for n in range(11)), "" if year == "2019" else "11"]
    for year in ("2018", "2019")
    for code, state in (("26", "Sonora"), ("31", "Yucatán"))
    for sex in ("Hombre", "Mujer")
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the project's checkout."""
    root = tmp_path / "checkout"
    (root / "pipelines" / "sources").mkdir(parents=True)
    (root / "pyproject.toml").touch()
    return root


def text(folder: Path, header: list[str], *rows: list[str], name: str = "table.csv", encoding: str = "utf-8") -> Path:
    """A file of the publisher; tabs where its name ends in tsv."""
    path = folder / name
    with path.open("w", encoding=encoding, newline="") as out:
        csv.writer(out, delimiter="\t" if name.endswith("tsv") else ",").writerows([header, *rows])
    return path


def drafted(file: Path, checkout: Path, source_id: str = "tried") -> dict[str, Any]:
    """The description written for a file."""
    description, *_ = new_source(file, checkout, source_id)
    assert description == checkout / "pipelines" / "sources" / source_id / "source.yml"
    said: dict[str, Any] = yaml.safe_load(description.read_text("utf-8"))
    return said


def columns(said: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The columns by their id."""
    return {c["id"]: c for c in said["columns"]}


def guessed(checkout: Path, title: str, *cells: str) -> dict[str, Any]:
    """What is guessed about a column with these cells beside a column of figures."""
    file = text(checkout, [title, "Deaths"], *([cell, str(n)] for n, cell in enumerate(cells)))
    return next(c for c in drafted(file, checkout)["columns"] if c["names"] == [title])


# ---- what a file tells ----


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "20", "1,119", "12.0"], "integer"),
        (["1.5", "20", "-3", "1e-05"], "number"),
        (["01", "02", "10", "11"], "text"),
        (["*", "7", "8", "9"], "text"),
        (["a", "b", "c", "d"], "text"),
    ],
)
def test_the_type_of_a_column_is_what_all_of_its_cells_are(checkout: Path, cells: list[str], kind: str) -> None:
    assert guessed(checkout, "Something", *cells).get("type", "text") == kind


def test_few_texts_that_come_again_and_again_are_categories(checkout: Path) -> None:
    column = guessed(checkout, "Sexo", *["Hombre", "Mujer", "No identificado"] * 4)
    assert column["categories"] == {"Hombre": "hombre", "Mujer": "mujer", "No identificado": "no_identificado"}


def test_texts_that_are_all_different_are_no_categories(checkout: Path) -> None:
    assert "categories" not in guessed(checkout, "Remark", *(f"remark {n}" for n in range(40)))


def test_a_column_with_an_empty_cell_may_be_empty(checkout: Path) -> None:
    assert guessed(checkout, "Events", "1", "", "3", "4")["nullable"] is True
    shutil.rmtree(checkout / "pipelines/sources/tried")
    shutil.rmtree(checkout / "tests")
    assert "nullable" not in guessed(checkout, "Events", "1", "2", "3", "4")


def test_headers_stay_as_published_and_ids_are_plain(checkout: Path) -> None:
    file = text(checkout, ["Año", "Rango de  edad", "¿Cuántos? (0-17)", "2024"], ["2019", "x", "y", "z"])
    assert {c["names"][0]: c["id"] for c in drafted(file, checkout)["columns"]} == {
        "Año": "anio",
        "Rango de edad": "rango_de_edad",
        "¿Cuántos? (0-17)": "cuantos_0_17",
        "2024": "n_2024",
    }


def test_two_headers_never_get_one_id(checkout: Path) -> None:
    file = text(checkout, ["Total", "Total*", "Total**"], ["1", "2", "3"])
    assert list(columns(drafted(file, checkout))) == ["total", "total_2", "total_3"]


@pytest.mark.parametrize(("written", "expected"), [("AÑO", "anio"), ("An\u0303o", "anio"), ("México", "mexico")])
def test_an_id_has_no_accents(written: str, expected: str) -> None:
    assert slug(written) == expected


def test_months_side_by_side_are_one_column(checkout: Path) -> None:
    said = drafted(text(checkout, HEADER, *ROWS), checkout)
    wide = columns(said)["value"]
    assert wide == {"id": "value", "names": MONTHS, "wide": "month", "type": "integer", "nullable": True}
    assert said["sample"]["columns"] == {"anio": {"period": "{year}"}, "value": {"period": "{month_es}"}}


def test_eleven_months_are_no_columns_side_by_side(checkout: Path) -> None:
    header = [*HEADER[:-1], "Total"]
    said = drafted(text(checkout, header, *ROWS), checkout)
    assert [c for c in said["columns"] if "wide" in c] == []


def test_what_names_something_is_a_key_and_what_counts_it_a_value(checkout: Path) -> None:
    said = drafted(text(checkout, HEADER, *ROWS), checkout)
    assert [(c["name"], c["type"], c["role"]) for c in said["frame"]] == [
        ("month", "date", "key"),
        ("clave_ent", "integer", "key"),
        ("entidad", "text", "key"),
        ("sexo", "text", "key"),
        ("value", "integer", "value"),
    ]


def test_every_figure_has_a_floor(checkout: Path) -> None:
    said = drafted(text(checkout, ["State", "Deaths", "Rate"], ["Sonora", "7", "1.5"]), checkout)
    assert [(e["kwargs"]["column"], e["kwargs"]["min_value"]) for e in said["expectations"]] == [
        ("deaths", 0),
        ("rate", 0),
    ]


def test_a_file_without_a_figure_leaves_its_value_to_be_filled_in(checkout: Path) -> None:
    said = drafted(text(checkout, ["State", "Deaths"], ["Sonora", "*"], ["Sinaloa", "7"]), checkout)
    assert [c["name"] for c in said["frame"] if c["role"] == "value"] == ["FILL IN"]


def test_the_sample_has_choices_that_the_file_has(checkout: Path) -> None:
    (choices,) = drafted(text(checkout, HEADER, *ROWS), checkout)["sample"]["together"]
    assert [tuple(c.values()) for c in choices] == [
        ("26", "Sonora", "Hombre"),
        ("26", "Sonora", "Mujer"),
        ("31", "Yucatán", "Mujer"),
    ]


@pytest.mark.parametrize(
    ("title", "cells", "form"),
    [
        ("Date", ["2024-01-01", "2024-02-01"], "{year}-{month:02}-01"),
        ("Month (abbv)", ["OCT", "NOV"], "{mon_en}"),
        ("Mes", ["enero", "Febrero"], "{month_es}"),
        ("Mes", ["1", "12"], "{month}"),
        ("Period", ["12 month-ending", "6 month-ending"], "FILL IN"),
    ],
)
def test_a_part_of_the_period_is_spelled_as_in_the_file(
    checkout: Path, title: str, cells: list[str], form: str
) -> None:
    said = drafted(text(checkout, [title, "Deaths"], *([cell, "7"] for cell in cells)), checkout)
    assert [c["period"] for c in said["sample"]["columns"].values()] == [form]


def test_a_number_about_years_is_a_figure(checkout: Path) -> None:
    said = drafted(text(checkout, ["State", "pob_mid_year"], ["Sonora", "2,944,840"], ["Sinaloa", "3026943"]), checkout)
    assert [c["name"] for c in said["frame"] if c["role"] == "value"] == ["pob_mid_year"]


# ---- every kind of file ----


def packed(folder: Path, kind: str) -> Path:
    """The table as one kind of file."""
    if kind == "xlsx":
        path = folder / "table.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            for n, row in enumerate([HEADER, *ROWS]):
                sheet.write_row(n, 0, [int(c) if c.isdigit() else c for c in row])
        return path
    plain = text(folder, HEADER, *ROWS, name="table.tsv" if kind == "tsv" else "table.csv",
                 encoding="latin-1" if kind == "latin-1" else "utf-8-sig" if kind == "bom" else "utf-8")  # fmt: skip
    packers = {"gz": gzip.compress, "bz2": bz2.compress}
    if kind in packers:
        path = folder / f"table.csv.{kind}"
        path.write_bytes(packers[kind](plain.read_bytes()))
        return path
    if kind == "zip":
        with zipfile.ZipFile(folder / "table.zip", "w") as archive:
            archive.write(plain, "inside/table.csv")
        return folder / "table.zip"
    return plain


@pytest.mark.parametrize("kind", ["csv", "bom", "tsv", "latin-1", "gz", "bz2", "zip", "xlsx"])
def test_every_kind_of_file_gives_the_same_columns(checkout: Path, tmp_path: Path, kind: str) -> None:
    said = drafted(packed(tmp_path, kind), checkout)
    assert list(columns(said)) == ["anio", "clave_ent", "entidad", "sexo", "value"]
    assert said["files"]["formats"] == [{"tsv": "tsv", "xlsx": "xlsx"}.get(kind, "csv")]
    assert said["files"].get("encodings") == (["latin-1"] if kind == "latin-1" else None)


# ---- what a person fills in ----


def test_the_description_is_refused_until_it_is_filled_in_and_every_place_is_named(checkout: Path) -> None:
    description, *_ = new_source(text(checkout, ["Mes", "Casos"], ["1", "7"]), checkout, "tried")
    with pytest.raises(DrugflowError, match=r"tried/source\.yml is not filled in yet") as raised:
        load_source(description)
    for place in ("title.en", "title.es", "publisher", "subject", "cadence", "frame.2.unit", "cautions.1.code"):
        assert place in str(raised.value)


FILLED = {
    "title": {"en": "A title", "es": "Un título"},
    "description": {"en": "What it is", "es": "Qué es"},
    "publisher": "An agency",
    "landing_page": "https://agency.example",
    "licence": {"id": "OPEN", "text": "Free use"},
    "subject": "mexico",
    "cadence": "monthly",
    "expected_lag_days": 20,
    "fetch": {"kind": "manual", "note": "Download it by hand."},
    "cautions": [{"code": "a_trap", "text": {"en": "Take care.", "es": "Tenga cuidado."}, "tables": {"about": "all"}}],
    "notes": dict.fromkeys(("coverage", "missingness", "revisions"), "Nothing is known about it yet."),
}


def test_a_draft_that_is_filled_in_describes_a_source(checkout: Path) -> None:
    said = drafted(text(checkout, HEADER, *ROWS), checkout) | FILLED
    for column in said["frame"][1:]:
        column["text"] = {"en": "A column", "es": "Una columna"}
        column.pop("unit", None)
    for expectation in said["expectations"]:
        expectation["why"] = "A count cannot be negative."
    source = Source.model_validate(said)
    assert (source.key, source.wide is not None) == (["month", "clave_ent", "entidad", "sexo"], True)


def test_the_drafts_of_python_can_be_read_by_python(checkout: Path) -> None:
    _, cleaning, _, test = new_source(text(checkout, HEADER, *ROWS), checkout, "tried")
    for path in (cleaning, test):
        compile(path.read_text("utf-8"), str(path), "exec")
    assert 'first_of_month(pl.col("anio"), month_number(pl.col("month"), "es"))' in cleaning.read_text("utf-8")


def test_the_rows_of_the_test_are_the_first_the_middle_and_the_last(checkout: Path) -> None:
    _, _, rows, _ = new_source(text(checkout, HEADER, *ROWS), checkout, "tried")
    assert rows == checkout / "tests" / "sources" / "tried" / "rows.csv"
    with rows.open(encoding="utf-8", newline="") as lines:
        assert list(csv.reader(lines)) == [HEADER, ROWS[0], ROWS[3], ROWS[7]]


def test_the_next_steps_name_the_file_to_fill_in_and_the_command_that_publishes() -> None:
    told = " ".join(next_steps("tried"))
    assert "pipelines/sources/tried/source.yml" in told
    assert "drugflow refresh --origin mirror:FOLDER --source tried" in told


# ---- what is refused ----


def test_nothing_is_written_over(checkout: Path) -> None:
    file = text(checkout, HEADER, *ROWS)
    written = {path: path.read_bytes() for path in new_source(file, checkout, "tried")}
    with pytest.raises(DrugflowError, match="is there already and is not written over"):
        new_source(text(checkout, ["Other", "Deaths"], ["x", "1"]), checkout, "tried")
    assert {path: path.read_bytes() for path in written} == written


def test_one_file_that_is_there_keeps_every_other_from_being_written(checkout: Path) -> None:
    test = checkout / "tests" / "sources" / "tried" / "test_clean.py"
    test.parent.mkdir(parents=True)
    test.write_text("# mine", "utf-8")
    with pytest.raises(DrugflowError, match=r"tests/sources/tried/test_clean\.py is there already"):
        new_source(text(checkout, HEADER, *ROWS), checkout, "tried")
    assert list((checkout / "pipelines" / "sources").iterdir()) == []


@pytest.mark.parametrize("name", ["Cbp", "1st", "a-b", "shared", "../x", ""])
def test_an_id_that_cannot_be_a_folder_of_python_is_refused(checkout: Path, name: str) -> None:
    file = text(checkout, HEADER, *ROWS, name="2024.csv")
    with pytest.raises(DrugflowError, match="cannot be a source's id"):
        new_source(file, checkout, name)


def test_the_id_comes_from_the_file_s_name_where_none_is_given(checkout: Path) -> None:
    description, *_ = new_source(text(checkout, HEADER, *ROWS, name="Estatal-Víctimas 2019.csv"), checkout)
    assert description.parent.name == "estatal_victimas_2019"


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DrugflowError, match="is not a checkout of the project"):
        new_source(text(tmp_path, HEADER, *ROWS), tmp_path, "tried")


REFUSED = {
    "junk above the header": (b"DataDASAACSV\n\nMes,Casos\n1,7\n", "is not a header of two or more named columns"),
    "nameless column": (b"Mes,,Casos\n1,2,7\n", "is not a header of two or more named columns"),
    "same header twice": (b"Mes,Casos,casos\n1,2,7\n", "the column 'casos' is there twice"),
    "semicolons": (b"Mes;Casos\n1;7\n", "the columns are separated by ';'"),
    "no row": (b"Mes,Casos\n", "has a header and no whole row"),
    "empty": (b"", "cannot be read as a table of text"),
    "web page": (b"<html><body>403</body></html>\n", "is not a header of two or more named columns"),
}


@pytest.mark.parametrize(("content", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_no_table_is_a_sentence(checkout: Path, content: bytes, sentence: str) -> None:
    file = checkout / "table.csv"
    file.write_bytes(content)
    with pytest.raises(DrugflowError, match=sentence):
        new_source(file, checkout, "tried")


def test_a_file_that_is_not_there_is_a_sentence(checkout: Path) -> None:
    with pytest.raises(DrugflowError, match="is not a file"):
        new_source(checkout / "absent.csv", checkout, "tried")


def test_a_damaged_archive_is_a_sentence(checkout: Path) -> None:
    file = checkout / "table.csv.gz"
    file.write_bytes(gzip.compress(b"Mes,Casos\n1,7\n" * 1000)[:40])
    with pytest.raises(DrugflowError, match="cannot be unpacked"):
        new_source(file, checkout, "tried")
