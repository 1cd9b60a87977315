"""An explain recipe is checked when the dictionary is read: each mistake is one sentence with file and key."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalog.dictionary import MODELS, SHARED, load_dictionary
from pipelines.catalog.recipe import Choice, Match, Test
from pipelines.core.errors import DrugflowError
from pipelines.dbt.lineage import load_lineage

FACTS = """
en: Facts.
es: Hechos.
grain: [month, place]
columns:
  - {name: month, type: DATE, en: Month., es: Mes.}
  - {name: place, type: VARCHAR, check: [north, south], en: Place., es: Lugar.}
  - {name: area, type: VARCHAR, refers: dim_area.area, en: Area., es: Zona.}
  - {name: n, type: BIGINT, en: Number., es: Número.}
explain: {not_explained: "holds no figure."}
"""
AREAS = """
en: Areas.
es: Zonas.
grain: [area]
columns:
  - {name: area, type: VARCHAR, en: Area., es: Zona.}
  - {name: corridor, type: VARCHAR, en: Corridor., es: Corredor.}
explain: {not_explained: "holds no figure."}
"""
SUMS = """
en: Sums.
es: Sumas.
grain: [month]
columns:
  - {name: month, type: DATE, en: Month., es: Mes.}
  - {name: kind, type: VARCHAR, check: [all, north], en: Kind., es: Tipo.}
  - {name: total, type: BIGINT, en: Total., es: Total.}
explain: {steps: [STEP]}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A dictionary of three marts: facts, their areas, and sums of facts, whose recipe a test writes."""
    shared = tmp_path / SHARED
    shared.parent.mkdir(parents=True)
    shared.write_text("{}", "utf-8")
    folder = tmp_path / MODELS / "marts" / "shared"
    folder.mkdir(parents=True)
    for name, text in (("facts", FACTS), ("dim_area", AREAS), ("sums", SUMS)):
        (folder / f"{name}.table.yml").write_text(text, "utf-8")
        (folder / f"{name}.sql").touch()
    return tmp_path


def write(root: Path, step: str) -> None:
    """Put a step into the recipe of sums."""
    path = root / MODELS / "marts" / "shared" / "sums.table.yml"
    path.write_text(SUMS.replace("STEP", step), "utf-8")


ROWS = "{rows: {table: facts, same: [month], show: n%s}}"


@pytest.mark.parametrize(
    "step",
    [
        "total is {total}.",
        ROWS % "",
        ROWS % ", as: all, where: {place: north, dim_area.corridor: {not: null}}, adds: {to: total}",
        ROWS % ", narrow: [{when: {kind: north}, where: {place: north}}]",
    ],
)
def test_a_recipe_may_name_what_exists(root: Path, step: str) -> None:
    write(root, f'"{step}"' if not step.startswith("{") else step)
    assert {t.name for t in load_dictionary(root)} == {"facts", "dim_area", "sums"}


@pytest.mark.parametrize(
    ("step", "key", "sentence"),
    [
        ('"{totals}."', "steps.0", "totals is no column of sums, and no earlier step named it."),
        ('"{all.count} rows."', "steps.0", "all.count is no column of sums, and no earlier step named it."),
        ("{say: x, rows: {table: facts, show: n}}", "steps.0", "has say and rows: a step is one of say, rows, record"),
        ("{when: {kind: north}}", "steps.0", "has nothing: a step is one of say, rows, record, seed, hook"),
        ("{sya: x}", "steps.0.sya", "Extra inputs are not permitted"),
        ("{hook: unheard_of}", "steps.0.hook", "Input should be 'published_query'"),
        ("{when: {knid: north}, say: x}", "steps.0.when", "knid is no column of sums"),
        ("{when: {kind: nroth}, say: x}", "steps.0.when.kind", "kind is never 'nroth'; it is one of all, north."),
        ("{when: {kind: {is: all, not: north}}, say: x}", "steps.0.when.kind", "must say one thing"),
        ("{say: {by: kind, cases: {nroth: x}}}", "steps.0, cases", "kind is never 'nroth'"),
        ("{say: {cases: {north: x}}}", "steps.0.say", "is a value, or by with cases"),
        ("{rows: {table: fact, show: n}}", "steps.0.rows.table", "there is no table fact in the schema marts."),
        (ROWS % "s", "steps.0.rows.show", "facts has no column ns."),
        (ROWS % ", where: {plcae: north}", "steps.0.rows, plcae", "facts has no such column"),
        (
            ROWS % ", where: {dim_area.x: north}",
            "steps.0.rows, dim_area.x",
            "facts has no such column, and refers to no",
        ),
        (ROWS % ", where: {place: nroth}", "steps.0.rows, place", "place is never 'nroth'"),
        (ROWS % ", where: {place: {column: x}}", "steps.0.rows, place", "sums has no column x."),
        (ROWS % ", where: {place: {from: month}}", "steps.0.rows.where.place", "must be a value, a list, {not: ...}"),
        (ROWS % ", where: {n: [1, null]}", "steps.0.rows.where.n", "has a null in its list"),
        (ROWS % ", adds: {to: x}", "steps.0.rows.adds", "sums has no column x."),
        ("{record: {}}", "steps.0.record", "sums has no column vintage."),
        ("{seed: {name: unheard_of}}", "steps.0.seed.name", "there is no file dbt_project/seeds/unheard_of.csv."),
    ],
)
def test_a_mistake_is_named_with_file_table_and_key(root: Path, step: str, key: str, sentence: str) -> None:
    write(root, step)
    with pytest.raises(DrugflowError) as error:
        load_dictionary(root)
    place = f"sums.table.yml: table sums, key explain.{key}"
    told = str(error.value).splitlines()
    assert [t for t in told if t.startswith(f"{place}: ") and sentence in t], told


@pytest.mark.parametrize("recipe", ["{}", "{steps: [x], not_explained: y}"])
def test_a_recipe_has_steps_or_a_reason(root: Path, recipe: str) -> None:
    write(root, "x")
    path = root / MODELS / "marts" / "shared" / "sums.table.yml"
    path.write_text(path.read_text("utf-8").replace("{steps: [x]}", recipe), "utf-8")
    with pytest.raises(DrugflowError, match="key explain: needs steps, or not_explained with the reason, and not both"):
        load_dictionary(root)


def test_a_loose_brace_is_no_place_for_a_value(root: Path) -> None:
    write(root, '"total is {Total}."')
    with pytest.raises(DrugflowError, match=r"has a brace that is no \{column\} or \{name.column\} in: total is"):
        load_dictionary(root)


@pytest.mark.parametrize(
    ("must", "value", "holds"),
    [
        ("a", "a", True),
        ("a", "b", False),
        (["a", "b"], "b", True),
        (None, None, True),
        (None, [], True),
        (None, 0, False),
        (False, None, False),
        ({"not": None}, "a", True),
        ({"not": ["a", None]}, None, False),
        ({"not": "a"}, None, True),
        ({"below": 100}, 99, True),
        ({"below": 100}, 100, False),
        ({"below": 100}, None, False),
        ({"at_least": 100}, 100, True),
        ({"at_least": 100}, None, False),
    ],
)
def test_a_condition_holds_for_the_values_that_it_names(must: Any, value: Any, holds: bool) -> None:
    assert Test.model_validate(must).holds(value) is holds


@pytest.mark.parametrize(
    ("match", "is_one"),
    [
        ("x", True),
        ({"column": "c"}, True),
        ({"column": "c", "months_before": 12}, True),
        ({"column": "c", "split": "+"}, False),
        (["x", "y"], False),
        ({"not": "x"}, False),
        (None, False),
        ({"months": 12, "to": "month"}, False),
    ],
)
def test_a_match_is_one_value_or_many(match: Any, is_one: bool) -> None:
    assert Match.model_validate(match).is_one is is_one


def test_a_choice_goes_by_the_value_of_a_column() -> None:
    choice = Choice[str].model_validate({"by": "kind", "cases": {True: "yes"}, "otherwise": "no"})
    assert [choice.of({"kind": kind}) for kind in (True, False, None)] == ["yes", "no", "no"]
    assert Choice[str].model_validate("always").of({"day": date(2026, 1, 1)}) == "always"


def test_recipes_name_only_marts_that_share_a_source_with_their_table() -> None:
    """Sources as dbt's manifest has them. A mart may have more: change_points takes the final deaths alone."""
    lineage = load_lineage()
    named = {
        (table.name, step.rows.table)
        for table in load_dictionary()
        for step in (table.explain.steps if table.explain else [])
        if step.rows is not None
    }
    assert ("overdose_trends", "population_yearly") in named
    foreign = {(t, other) for t, other in named if not {*lineage.sources(other)} & {*lineage.sources(t)}}
    assert foreign == set()
