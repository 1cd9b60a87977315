"""The dictionary is the analysts' contract: a file a table, complete in both languages and consistent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import duckdb
import pytest

from pipelines.catalog.dictionary import MODELS, RELEASE, SHARED, as_of_macros, dictionary_rows, load_dictionary
from pipelines.catalog.load import load_catalog
from pipelines.catalog.table import Column, Table
from pipelines.core.errors import DrugflowError
from pipelines.core.types import Change, MissingReason, Realm, Severity
from pipelines.history.revisions import columns as history_columns

# As promised to analysts; people's saved queries depend on these names.
DIMENSIONS = {
    "dim_month": "month fiscal_year fiscal_month days",
    "dim_drug": "drug_id name_en name_es drug_class",
    "dim_area": "area_id name component region corridor_id state_allocation states",
    "dim_corridor": "corridor_id name position field_office sectors us_states mx_states",
    "dim_port": "port_code name state_id border corridor_id latitude longitude note",
    "dim_jurisdiction": "jurisdiction_id fips inegi name_en name_es country",
    "dim_indicator": "indicator_id icd10 name_en name_es is_drug_class overlaps",
}
GRAINS = {
    "seizures_monthly": "month component region land_filter area_id drug_id",
    "amo_seizures_monthly": "month branch region land_filter drug_id",
    "overdose_deaths_12mo": "jurisdiction_id month_ending indicator_id",
    "overdose_deaths_monthly": "jurisdiction_id month indicator_id basis",
    "border_crossings_monthly": "port_code month measure_id",
    "population_yearly": "jurisdiction_id year",
}
MEASURES = {
    "seizures_monthly": "events quantity_lb quantity_kg is_filled is_fytd fiscal_year",
    "amo_seizures_monthly": "events quantity_lb quantity_kg is_filled is_fytd fiscal_year",
    "overdose_deaths_12mo": "deaths_reported deaths_predicted missing_reason percent_complete percent_pending "
    "percent_specified is_provisional",
    "overdose_deaths_monthly": "deaths lower upper missing_reason",
    "border_crossings_monthly": "crossings is_resolved_duplicate is_partial is_suspect",
    "population_yearly": "population series",
}
SUFFIX_UNITS = {"_kg": "kg", "_lb": "lb", "_per_100k": "per_100k", "_days": "days"}
FRAME_TYPES = {"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE", "boolean": "BOOLEAN"}


@pytest.fixture(scope="module")
def tables() -> list[Table]:
    return load_dictionary()


@pytest.fixture(scope="module")
def marts(tables: list[Table]) -> dict[str, Table]:
    return {t.name: t for t in tables if t.table_schema == "marts"}


@pytest.fixture(scope="module")
def every_column(tables: list[Table]) -> list[tuple[str, Column]]:
    return [(f"{t.full_name}.{c.name}", c) for t in tables for c in t.columns]


def test_every_table_and_column_has_both_languages(tables: list[Table], every_column: list[tuple[str, Column]]) -> None:
    same = [t.full_name for t in tables if t.en == t.es] + [n for n, c in every_column if c.en == c.es]
    assert same == []


def test_texts_are_whole_sentences(tables: list[Table], every_column: list[tuple[str, Column]]) -> None:
    texts = [(t.full_name, x) for t in tables for x in (t.en, t.es)]
    texts += [(n, x) for n, c in every_column for x in (c.en, c.es, c.null_en, c.null_es) if x]
    assert [(n, x) for n, x in texts if not x.endswith(".") or x != x.strip() or "  " in x] == []


def test_null_rules_say_when_in_both_languages(every_column: list[tuple[str, Column]]) -> None:
    nullable = [(n, c) for n, c in every_column if c.nullable]
    assert len(nullable) > 50
    assert [n for n, c in nullable if not re.match(r"Null (where|in|for|outside) ", c.null_en or "")] == []
    assert [n for n, c in nullable if not re.match(r"Nulo (si|en|para|fuera) ", c.null_es or "")] == []


def test_no_spanish_text_lost_its_accents(tables: list[Table], every_column: list[tuple[str, Column]]) -> None:
    bare = r"\b(ano|anos|mas|segun|ningun|poblacion|publicacion|jurisdiccion|edicion|numero|ultimo|codigo)\b"
    texts = [(t.full_name, t.es) for t in tables] + [(n, f"{c.es} {c.null_es or ''}") for n, c in every_column]
    assert [(n, re.findall(bare, x, re.I)) for n, x in texts if re.search(bare, x, re.I)] == []


def test_names_are_snake_case(tables: list[Table]) -> None:
    names = [t.name for t in tables] + [c.name for t in tables for c in t.columns]
    assert [n for n in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", n)] == []


@pytest.mark.parametrize(("suffix", "unit"), SUFFIX_UNITS.items())
def test_a_unit_suffix_means_that_unit(every_column: list[tuple[str, Column]], suffix: str, unit: str) -> None:
    suffixed = [(n, c.unit) for n, c in every_column if c.name.endswith(suffix)]
    assert suffixed
    assert [(n, u) for n, u in suffixed if u != unit] == []


def test_percentages_are_in_percent(every_column: list[tuple[str, Column]]) -> None:
    percentages = [c for _, c in every_column if c.name.startswith("percent_") and c.type == "DOUBLE"]
    assert {c.unit for c in percentages} == {"percent"}


def test_one_column_name_has_one_unit_everywhere(every_column: list[tuple[str, Column]]) -> None:
    units: dict[str, set[str | None]] = {}
    for _, column in every_column:
        units.setdefault(column.name, set()).add(column.unit)
    assert {n: u for n, u in units.items() if len(u) > 1} == {}


def test_flags_are_booleans(every_column: list[tuple[str, Column]]) -> None:
    assert [n for n, c in every_column if c.name.startswith("is_") != (c.type == "BOOLEAN")] == [
        "marts.dim_indicator.overlaps",
        "meta.checks.passed",
    ]


def test_dimensions_have_the_promised_columns(marts: dict[str, Table]) -> None:
    for name, promised in DIMENSIONS.items():
        assert set(promised.split()) <= {c.name for c in marts[name].columns}, name


def test_facts_have_the_promised_grain_and_measures(marts: dict[str, Table]) -> None:
    for name, grain in GRAINS.items():
        assert marts[name].grain == grain.split(), name
        assert set(MEASURES[name].split()) <= {c.name for c in marts[name].columns}, name


def test_every_fact_says_its_source_and_vintages(marts: dict[str, Table]) -> None:
    for name in GRAINS:
        common = {c.name: (c.type, c.nullable) for c in marts[name].columns}
        assert common["source_id"] == ("VARCHAR", False), name
        assert common["vintage"] == common["first_vintage"] == ("DATE", False), name


def test_state_numbers_are_attributes_never_keys(tables: list[Table]) -> None:
    """26 is Michigan in FIPS and Sonora in INEGI: a join by number would mix the countries."""
    holders = [(t.name, c.name, c.type) for t in tables for c in t.columns if c.name in ("fips", "inegi")]
    assert holders == [("dim_jurisdiction", "fips", "VARCHAR"), ("dim_jurisdiction", "inegi", "VARCHAR")]
    assert [t.full_name for t in tables if {"fips", "inegi"} & set(t.grain)] == []


def test_history_tables_are_what_the_sources_say(tables: list[Table]) -> None:
    catalog = load_catalog()
    for table in (t for t in tables if t.table_schema == "history" and t.name != "coverage"):
        source = catalog[table.name]
        assert [c.name for c in table.columns] == history_columns(source)
        by_name = {c.name: c for c in table.columns}
        for column in (c for c in source.frame if c.role != "context"):
            ours = by_name[column.name]
            assert ours.type == FRAME_TYPES[column.type], (table.name, column.name)
            assert ours.unit == column.unit, (table.name, column.name)
            assert ours.nullable == (column.role != "key"), (table.name, column.name)


def test_tables_name_known_sources(tables: list[Table]) -> None:
    assert {source for t in tables for source in t.built_from} <= set(load_catalog())


@pytest.mark.parametrize(
    ("column", "words"),
    [("missing_reason", MissingReason), ("change", Change), ("realm", Realm), ("severity", Severity)],
)
def test_accepted_values_are_the_shared_vocabulary(
    every_column: list[tuple[str, Column]], column: str, words: Any
) -> None:
    # In a history a text of its own says which of them its source has.
    lists = [(n, c.check) for n, c in every_column if c.name == column and (c.check or not n.startswith("history."))]
    assert lists
    ours = {"marts.overdose_deaths_monthly.missing_reason": ["negative"]}  # no publisher's: our own difference
    assert all(sorted(values) == sorted([*get_args(words), *ours.get(n, [])]) for n, values in lists)


def test_accepted_values_are_named_in_both_languages(tables: list[Table]) -> None:
    """Who filters on a code must find it where the column is described."""
    lists = {(t.full_name, c.name): c.check for t in tables for c in t.columns if c.check}
    assert {"land_filter", "measure", "measure_id", "border"} <= {column for _, column in lists}
    unnamed = [
        (f"{row['table_schema']}.{row['table_name']}", row["column_name"], value)
        for row in dictionary_rows(tables)
        for value in lists.get((f"{row['table_schema']}.{row['table_name']}", row["column_name"]), [])
        for text in (row["description_en"], row["description_es"])
        if not re.search(rf"\b{value}\b", text)
    ]
    assert unnamed == []


def test_a_column_names_in_its_comment_the_values_that_its_text_does_not() -> None:
    column = Column(name="land_filter", type="VARCHAR", en="A filter.", es="Un filtro.", check=["land_only", "other"])
    assert column.comment == "A filter. Values: land_only, other."
    assert column.text_es == "Un filtro. Valores: land_only, other."
    said = Column(name="a", type="VARCHAR", en="land_only or other.", es="land_only u other.", check=column.check)
    assert said.comment == "land_only or other."


def test_no_shared_text_promises_mexican_rows(tables: list[Table]) -> None:
    """Only dim_jurisdiction has Mexican entities so far."""
    texts = [(t.full_name, c.name, x) for t in tables for c in t.columns for x in (c.en, c.es)]
    assert [place[:2] for place in texts if "MX-" in place[2] and place[0] != "marts.dim_jurisdiction"] == []


def test_rows_have_the_columns_of_meta_dictionary(tables: list[Table]) -> None:
    rows = dictionary_rows(tables)
    (described,) = (t for t in tables if t.full_name == "meta.dictionary")
    assert all(list(row) == [c.name for c in described.columns] for row in rows)
    assert len(rows) == len(tables) + sum(len(t.columns) for t in tables)
    assert sum(row["column_name"] is None for row in rows) == len(tables)
    for column in described.columns:
        assert column.nullable or all(row[column.name] is not None for row in rows), column.name


def test_every_type_is_a_duckdb_type(every_column: list[tuple[str, Column]]) -> None:
    for kind in {c.type for _, c in every_column}:
        assert duckdb.sql(f"select typeof(null::{kind})").fetchall() == [(kind,)]


def test_a_mart_is_about_what_its_folder_says(marts: dict[str, Table]) -> None:
    subjects = {name: marts[name].subject for name in ("nowcast", "corridor_trends", "anomalies")}
    assert subjects == {"nowcast": "deaths", "corridor_trends": "seizures", "anomalies": "shared"}


def test_dimensions_come_first_then_facts_then_what_is_made_from_them(tables: list[Table]) -> None:
    names = [t.full_name for t in tables]
    facts = [names.index(f"marts.{name}") for name in GRAINS]
    assert max(names.index(f"marts.{name}") for name in DIMENSIONS) < min(facts)
    assert max(facts) < names.index("marts.seizure_trends") < names.index("meta.release")
    assert names.index("meta.release") < names.index("history.census_population")


def test_each_fact_of_a_publisher_that_revises_says_which_macro_looks_back_on_it(tables: list[Table]) -> None:
    assert as_of_macros(tables) == {
        "seizures_as_of": "seizures_monthly",
        "overdose_deaths_as_of": "overdose_deaths_12mo",
        "crossings_as_of": "border_crossings_monthly",
    }


def test_a_stored_table_has_the_columns_of_the_view_that_shows_it(tables: list[Table]) -> None:
    columns = {t.full_name: t.columns for t in tables}
    assert columns["meta.caution_facts"] == columns["meta.cautions"]
    shown = [c for c in columns["meta.sources"] if c.name != "freshness"]
    assert columns["meta.source_facts"][: len(shown)] == shown


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A dictionary of one mart with one column, made so that a test can spoil it."""
    shared = tmp_path / SHARED
    shared.parent.mkdir(parents=True)
    shared.write_text("month: {type: DATE, en: Month., es: Mes.}\n", "utf-8")
    write(tmp_path, "things", "month")
    return tmp_path


def write(root: Path, name: str, columns: str, grain: str = "month", more: str = "", model: str = ".sql") -> None:
    """A mart: its model and its table file."""
    place = root / MODELS / "marts" / "shared" / f"{name}.table.yml"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"{{en: Things., es: Cosas., grain: [{grain}], columns: [{columns}]{more}}}\n", "utf-8")
    if model:
        place.with_name(name + model).touch()


def problems(root: Path) -> list[str]:
    with pytest.raises(DrugflowError) as error:
        load_dictionary(root)
    return str(error.value).splitlines()


def test_a_shared_column_can_be_renamed_and_made_nullable(root: Path) -> None:
    write(root, "things", "month, {use: month, name: x, nullable: true, null_en: Null where x., null_es: Nulo si x.}")
    (table,) = load_dictionary(root)
    assert [(c.name, c.type, c.nullable) for c in table.columns] == [("month", "DATE", False), ("x", "DATE", True)]


def test_a_table_may_have_all_columns_of_another_but_some(root: Path) -> None:
    write(root, "others", "{all_of: things, except: [n]}, {name: m, type: DATE, en: M., es: M.}", model=".py")
    write(root, "things", "month, {name: n, type: DATE, en: N., es: N.}")
    others, _ = load_dictionary(root)
    assert [c.name for c in others.columns] == ["month", "m"]


def test_a_new_mart_stands_after_those_that_have_a_position(root: Path) -> None:
    write(root, "a", "month")
    write(root, "z", "month", more=", position: 1")
    assert [t.name for t in load_dictionary(root)] == ["z", "a", "things"]


def test_a_table_without_a_model_is_made_by_the_release_in_the_schema_of_its_folder(root: Path) -> None:
    place = root / RELEASE / "meta" / "notes.table.yml"
    place.parent.mkdir(parents=True)
    place.write_text("{en: Notes., es: Notas., grain: [month], columns: [month]}", "utf-8")
    notes = load_dictionary(root)[-1]
    assert (notes.full_name, notes.made_by, notes.subject) == ("meta.notes", "release", None)


@pytest.mark.parametrize(
    ("columns", "grain", "sentence"),
    [
        (
            "month, {name: n, type: BIGINT, nullable: true, en: N., es: N.}",
            "month",
            "things.table.yml: table things, column n: may be null, so null_en and null_es must say when and why.",
        ),
        (
            "month, {name: n, type: BIGINT, en: N., es: N., null_en: Null where x., null_es: Nulo si x.}",
            "month",
            "things.table.yml: table things, column n: has a null rule but is not nullable: set nullable or remove the "
            "rule.",
        ),
        ("month, day", "month", "things.table.yml: table things, column day: columns.yml has no column of that name."),
        ("month, month", "month", "things.table.yml: table things: has month twice."),
        ("month", "day", "things.table.yml: table things: has day in its grain but not among its columns."),
        (
            "month, {name: n, type: BIGINT, en: N.}",
            "month",
            "things.table.yml: table things, column n, key es: Field required.",
        ),
        (
            "month, {name: n, type: VARCHAR, refers: dim_thing.id, en: N., es: N.}",
            "month",
            "marts.things, column n: refers to dim_thing.id, which is not the key of a dimension.",
        ),
        (
            "{name: n, type: BIGINT, en: N., es: N.}",
            "n",
            "columns.yml: column month is used by no table; remove it or use it.",
        ),
        ("month, {all_of: others}", "month", "things.table.yml: all_of names others, which has no file."),
    ],
)
def test_mistakes_are_named_with_file_table_and_column(root: Path, columns: str, grain: str, sentence: str) -> None:
    write(root, "things", columns, grain)
    assert sentence in problems(root)


def test_a_key_is_never_null(root: Path) -> None:
    write(root, "things", "{use: month, nullable: true, null_en: Null where x., null_es: Nulo si x.}")
    (problem,) = problems(root)
    assert "has month in its grain, which may be null: a key is never null" in problem


def test_a_table_file_lies_beside_its_model(root: Path) -> None:
    write(root, "others", "month", model="")
    assert problems(root) == ["others.table.yml: there is no model beside it, others.sql or others.py."]


def test_a_table_file_does_not_repeat_what_its_place_says(root: Path) -> None:
    write(root, "things", "month", more=", schema: marts, subject: shared")
    assert problems(root) == ["things.table.yml says schema, subject, which its name and folder say."]


def test_a_table_has_one_file(root: Path) -> None:
    place = root / RELEASE / "marts" / "things.table.yml"
    place.parent.mkdir(parents=True)
    place.write_text("{en: Things., es: Cosas., grain: [month], columns: [month]}", "utf-8")
    assert problems(root) == ["things.table.yml is there twice: a table has one file."]


def test_a_folder_that_is_no_subject_is_refused(root: Path) -> None:
    (root / MODELS / "marts" / "shared").rename(root / MODELS / "marts" / "weather")
    told = problems(root)
    assert all(p.startswith("things.table.yml: table things, key subject") and "'weather'" in p for p in told), told
