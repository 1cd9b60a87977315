"""The sample of a source without a generator of its own: what its description alone makes, read with other readers."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import fastexcel
import pytest

from pipelines.archive.sample_guard import refuse_generated
from pipelines.catalog.load import load_catalog, source_folder
from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError
from pipelines.ingest import sample_generator
from pipelines.ingest.samples import from_description
from pipelines.ingest.samples.tree import SampleVintage, write
from tests.unit import tried

MONTHS = ["Enero", "Febrero", "Marzo", "Abril", "Mayo", "Junio", "Julio", "Agosto", "Septiembre", "Octubre",
          "Noviembre", "Diciembre"]  # fmt: skip
FRAME = [
    {"name": "month", "type": "date", "role": "key"},
    {"name": "place", "type": "text", "role": "key"},
    {"name": "events", "type": "integer", "role": "value"},
]
PLAIN: dict[str, Any] = {
    "columns": [
        {"id": "date", "names": ["Date", "Month"]},
        {"id": "place", "names": ["Place"]},
        {"id": "kind", "names": ["Kind"], "type": "category",
         "categories": {"Rifle": "rifle", "RIFLE": "rifle", "Pistol": "pistol"}},
        {"id": "events", "names": ["Count of Events"], "type": "integer"},
        {"id": "remark", "names": ["Remark"], "ignore": True},
        {"id": "older", "names": ["Older"], "required": False},
        {"id": "rest", "names": ["rest"], "ignore": True, "pattern": "rest .*"},
    ],
    "sample": {
        "published": ["2025-12-15", "2026-01-15"],
        "periods": 3,
        "columns": {"date": {"period": "{year}-{month:02}-01"}, "place": {"values": ["Nogales", "El Paso"]}},
    },
}  # fmt: skip
WIDE: dict[str, Any] = {
    "columns": [
        {"id": "year", "names": ["Año"], "type": "integer"},
        {"id": "state_code", "names": ["Clave_Ent"], "type": "integer"},
        {"id": "state", "names": ["Entidad"]},
        {"id": "events", "names": MONTHS, "type": "integer", "nullable": True, "wide": "month"},
    ],
    "files": {"formats": ["csv"], "encodings": ["latin-1"]},
    "sample": {
        "file": "Víctimas",
        "published": ["2026-01-15"],
        "periods": 14,
        "columns": {
            "year": {"period": "{year}"},
            "events": {"period": "{month_es}", "least": 0, "most": 9},
        },
        "together": [[{"state_code": "26", "state": "Sonora"}, {"state_code": "31", "state": "Yucatán"}]],
    },
}


def described(base: dict[str, Any], **changes: Any) -> Source:
    """A source of events by month and place, whose expected lag is 45 days."""
    return Source.model_validate(tried.described(frame=FRAME, **base | changes))


def sample(**changes: Any) -> dict[str, Any]:
    """The stanza of PLAIN with other entries."""
    return {**PLAIN["sample"], **changes}


def only(vintage: SampleVintage) -> tuple[str, bytes]:
    """The one file of a release."""
    ((name, content),) = vintage.files.items()
    return name, content


def table(vintage: SampleVintage, encoding: str = "utf-8", delimiter: str = ",") -> list[dict[str, str]]:
    """Records of the release's text file."""
    return list(csv.DictReader(io.StringIO(only(vintage)[1].decode(encoding), newline=""), delimiter=delimiter))


# ---- records ----


def test_every_choice_of_every_column_has_a_record_in_every_period() -> None:
    newest = list(from_description.vintages(described(PLAIN)))[-1]
    found = [(r["Date"], r["Place"], r["Kind"]) for r in table(newest)]
    choices = [("Nogales", "Rifle"), ("Nogales", "Pistol"), ("El Paso", "Rifle"), ("El Paso", "Pistol")]
    months = ["2025-09-01", "2025-10-01", "2025-11-01"]
    assert sorted(found) == sorted((month, *choice) for month in months for choice in choices)


def test_a_release_ends_with_the_last_month_that_was_over_the_usual_lag_before() -> None:
    releases = {v.published: {r["Date"] for r in table(v)} for v in from_description.vintages(described(PLAIN))}
    assert {p: max(dates) for p, dates in releases.items()} == {"2025-12-15": "2025-09-01", "2026-01-15": "2025-11-01"}


@pytest.mark.parametrize(
    ("cadence", "newest"),
    [("weekly", "2025-11-24"), ("monthly", "2025-11-01"), ("quarterly", "2025-07-01"), ("yearly", "2024-01-01")],
)
def test_periods_are_as_long_as_the_cadence_says(cadence: str, newest: str) -> None:
    stanza = sample(columns={**PLAIN["sample"]["columns"], "date": {"period": "{year}-{month:02}-{day:02}"}})
    release = list(from_description.vintages(described(PLAIN, cadence=cadence, sample=stanza)))[-1]
    assert max(r["Date"] for r in table(release)) == newest


def test_the_header_has_the_publisher_s_first_spelling_and_no_family_or_unfilled_option() -> None:
    first, *_ = from_description.vintages(described(PLAIN))
    assert only(first)[1].split(b"\r\n")[0] == b"Date,Place,Kind,Count of Events,Remark"


def test_columns_that_belong_together_are_filled_together() -> None:
    (release,) = from_description.vintages(described(WIDE))
    places = {(r["Clave_Ent"], r["Entidad"]) for r in table(release, "latin-1")}
    assert places == {("26", "Sonora"), ("31", "Yucatán")}


def test_a_wide_column_has_a_cell_for_each_month_and_none_beyond_the_newest() -> None:
    (release,) = from_description.vintages(described(WIDE))
    rows = table(release, "latin-1")
    assert list(rows[0]) == ["Año", "Clave_Ent", "Entidad", *MONTHS]
    filled = {(r["Año"], r["Entidad"]): [m for m in MONTHS if r[m]] for r in rows}
    assert filled == {
        (year, state): months
        for state in ("Sonora", "Yucatán")
        for year, months in (("2024", MONTHS[9:]), ("2025", MONTHS[:11]))
    }


def test_a_source_whose_folder_has_no_generator_has_its_sample_from_the_description() -> None:
    source = described(PLAIN)
    assert list(sample_generator.vintages(source)) == list(from_description.vintages(source))


def test_a_source_whose_folder_has_a_generator_has_its_sample_from_there() -> None:
    own = next(s for s in load_catalog().values() if (source_folder(s.id) / "sample.py").is_file())
    made = import_module(f"pipelines.sources.{own.id}.sample").vintages()
    assert list(sample_generator.vintages(own)) == list(made)


# ---- figures ----


def figures(vintage: SampleVintage) -> dict[tuple[str, str, str], int]:
    return {(r["Date"], r["Place"], r["Kind"]): int(r["Count of Events"]) for r in table(vintage)}


def test_releases_repeat_each_other_but_for_the_newest_month_which_was_too_low() -> None:
    source = described(PLAIN, sample=sample(published=["2025-12-20", "2026-01-20"]))
    older, newer = map(figures, from_description.vintages(source))
    shared = older.keys() & newer.keys()
    assert {k for k in shared if older[k] != newer[k]} <= {k for k in shared if k[0] == "2025-10-01"}
    moved = [(older[k], newer[k]) for k in shared if older[k] != newer[k]]
    assert moved
    assert all(old < new for old, new in moved)


def test_figures_keep_the_bounds_of_the_stanza() -> None:
    stanza = sample(columns={**PLAIN["sample"]["columns"], "events": {"least": 7, "most": 9}}, periods=36)
    newest = list(from_description.vintages(described(PLAIN, sample=stanza)))[-1]
    assert set(figures(newest).values()) == {7, 8, 9}


def test_figures_keep_the_bounds_of_the_expectations_where_the_stanza_has_none() -> None:
    bounds = {
        "id": "events_range",
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "events", "min_value": 3, "max_value": 5},
        "why": "Only a test says so.",
    }
    newest = list(from_description.vintages(described(PLAIN, expectations=[bounds], sample=sample(periods=36))))[-1]
    assert set(figures(newest).values()) == {3, 4, 5}


def test_the_same_description_gives_the_same_bytes() -> None:
    once, again = (list(from_description.vintages(described(WIDE))) for _ in range(2))
    assert once == again


# ---- the publisher's format ----


def test_text_is_in_the_publisher_s_encoding_and_packed_when_written(tmp_path: Path) -> None:
    (release,) = from_description.vintages(described(WIDE))
    name, content = only(release)
    assert name == "Víctimas-SAMPLE.csv.gz"
    assert content.startswith("Año,".encode("latin-1"))
    write(tmp_path, release)
    assert (tmp_path / "tried/2026-01-15" / name).read_bytes().startswith(b"\x1f\x8b")


def test_a_table_with_tabs_ends_in_the_publisher_s_marker() -> None:
    first, *_ = from_description.vintages(described(PLAIN, files={"formats": ["tsv"], "end_marker": "---"}))
    name, content = only(first)
    assert name == "tried-SAMPLE.tsv.gz"
    assert content.endswith(b"\r\n---\r\nSAMPLE: generated, not official\r\n")
    assert content.split(b"\r\n")[0] == b"Date\tPlace\tKind\tCount of Events\tRemark"


def test_a_publisher_that_ends_no_last_line_is_followed() -> None:
    first, *_ = from_description.vintages(described(PLAIN, files={"final_newline": False}))
    assert not only(first)[1].endswith(b"\n")


def test_a_workbook_has_the_header_and_its_figures_are_numbers() -> None:
    (release,) = from_description.vintages(described(WIDE, files={"formats": ["xlsx"]}))
    name, content = only(release)
    rows = fastexcel.read_excel(content).load_sheet(0, header_row=None).to_polars().rows()
    assert name == "Víctimas-SAMPLE.xlsx"
    assert rows[0] == ("Año", "Clave_Ent", "Entidad", *MONTHS)
    typed = fastexcel.read_excel(content).load_sheet(0).to_polars()
    assert typed.select("Año", "Clave_Ent", "Entidad").row(0) == (2024, 26, "Sonora")
    assert typed["Octubre"].dtype.is_numeric()
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert b"SAMPLE: generated, not official" in book.read("docProps/core.xml")


@pytest.mark.parametrize("form", ["csv", "tsv", "xlsx"])
def test_no_generated_file_is_taken_as_official(tmp_path: Path, form: str) -> None:
    release, *_ = from_description.vintages(described(PLAIN, files={"formats": [form]}))
    write(tmp_path, release)
    for file in (tmp_path / "tried" / release.published).iterdir():
        if file.name != "vintage.json":
            with pytest.raises(DrugflowError, match="SAMPLE"):
                refuse_generated("official", [file], None, inside=False)


def test_every_release_says_that_it_is_generated() -> None:
    said = [v.vintage_json() for v in from_description.vintages(described(PLAIN))]
    assert [b"SAMPLE: generated, not official" in text for text in said] == [True, True]


# ---- what the description must say ----


def test_two_releases_are_made_where_none_is_named() -> None:
    stanza = {k: v for k, v in PLAIN["sample"].items() if k != "published"}
    days = {
        cadence: [v.published for v in from_description.vintages(described(PLAIN, sample=stanza, cadence=cadence))]
        for cadence in ("monthly", "yearly")
    }
    assert days == {"monthly": ["2025-07-15", "2026-01-15"], "yearly": ["2025-01-15", "2026-01-15"]}


POLAND = [[{"state_code": "1", "state": "Łódź"}]]
ENGLISH = {"year": {"period": "{year}"}, "events": {"period": "{month_en}"}}
REFUSED = {
    "unfilled": (
        PLAIN | {"sample": sample(columns={"date": {"period": "{year}"}})},
        "does not say how the sample fills the column 'Place'",
    ),
    "unknown word": (
        PLAIN | {"sample": sample(columns=PLAIN["sample"]["columns"] | {"date": {"period": "{jahr}"}})},
        "expected names in braces out of year, month",
    ),
    "parquet": (PLAIN | {"files": {"formats": ["parquet"]}}, "list csv, tsv or xlsx first, or write sample.py"),
    "encoding": (WIDE | {"sample": WIDE["sample"] | {"together": POLAND}}, "lacks the character 'Ł'"),
    "unknown title": (
        WIDE | {"sample": WIDE["sample"] | {"columns": ENGLISH}},
        "gives 'October', which is none of the titles Enero, Febrero",
    ),
}


@pytest.mark.parametrize(("base", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_made_is_a_sentence_that_names_the_place(base: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DrugflowError, match=sentence) as raised:
        list(from_description.vintages(described(base)))
    assert "tried/source.yml" in str(raised.value)


def test_choices_that_would_be_too_many_are_refused() -> None:
    many = {"values": [f"place {n}" for n in range(20_000)]}
    stanza = sample(columns=PLAIN["sample"]["columns"] | {"place": many})
    with pytest.raises(DrugflowError, match="more than 100,000 records in all"):
        list(from_description.vintages(described(PLAIN, sample=stanza)))


def test_a_column_is_filled_in_one_way() -> None:
    with pytest.raises(ValueError, match="say how the sample fills the column"):
        described(PLAIN, sample=sample(columns={"date": {"period": "{year}", "values": ["2024"]}}))


def test_releases_are_made_oldest_first_whatever_the_order_of_the_days() -> None:
    stanza = sample(published=["2026-01-15", "2025-12-15"])
    days = [date.fromisoformat(v.published) for v in from_description.vintages(described(PLAIN, sample=stanza))]
    assert days == sorted(days)
