"""Lineage, and the tables that a caution is about by its rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.catalog.caution import Reach
from pipelines.catalog.lineage import Lineage, lineage_of
from pipelines.catalog.load import get_source, load_catalog
from pipelines.catalog.table import Table
from pipelines.core.errors import DrugflowError
from pipelines.dbt.lineage import load_lineage, parents

TYPED = Path(__file__).with_name("caution_tables.yml")
SEIZURES, CROSSINGS = "cbp_drug_seizures", "bts_border_crossings"


def table(name: str, schema: str = "marts", columns: tuple[str, ...] = ("month",), **more: Any) -> Table:
    described = [{"name": c, "type": "DATE", "en": "A.", "es": "B."} for c in columns]
    made_by = "dbt" if schema == "marts" else "history"
    return Table(
        name=name, schema=schema, made_by=made_by, en="A.", es="B.", grain=["month"], columns=described, **more
    )


@pytest.fixture
def lineage() -> Lineage:
    """Seizures and crossings, a trend of the first, a rate of both over a model between, ports of the second."""
    tables = [
        table("dim_port", built_from=[]),
        table("dim_area", built_from=[SEIZURES]),
        table("seizures", columns=("month", "events")),
        table("crossings"),
        table("trend", columns=("month", "events")),
        table("rate"),
        table("places"),
        table("coverage", "history"),
        table(SEIZURES, "history"),
        table(CROSSINGS, "history"),
    ]
    models = {
        "stg_seizures": [SEIZURES],
        "stg_crossings": [CROSSINGS],
        "stg_coverage": ["coverage"],
        "dim_port": ["ports", "stg_crossings"],
        "dim_area": ["areas"],
        "seizures": ["stg_seizures", "stg_coverage"],
        "crossings": ["stg_crossings", "stg_coverage"],
        "trend": ["seizures"],
        "int_rate": ["trend", "crossings"],
        "rate": ["int_rate"],
        "places": ["seizures", "dim_port"],
    }
    return lineage_of(tables, models, {SEIZURES, CROSSINGS})


def reached(lineage: Lineage, **rule: Any) -> list[str]:
    return lineage.reached(Reach.model_validate(rule), SEIZURES)


def test_sources_come_through_models_that_are_not_released(lineage: Lineage) -> None:
    assert lineage.sources("rate") == [CROSSINGS, SEIZURES]
    assert lineage.only_source("rate") is None
    assert lineage.only_source("trend") == SEIZURES


def test_a_dimension_hands_on_no_figures(lineage: Lineage) -> None:
    assert lineage.sources("dim_port") == [CROSSINGS]
    assert lineage.only_source("places") == SEIZURES


def test_a_seed_that_lists_what_a_source_names_is_declared(lineage: Lineage) -> None:
    assert lineage.only_source("dim_area") == SEIZURES


def test_a_history_comes_from_its_source_and_the_coverage_from_none(lineage: Lineage) -> None:
    assert lineage.sources(SEIZURES) == [SEIZURES]
    assert lineage.sources("coverage") == []


@pytest.mark.parametrize(
    ("rule", "tables"),
    [
        ({"about": "all"}, ["seizures", "trend", "rate", "places"]),
        ({"about": "all", "column": "events"}, ["seizures", "trend"]),
        ({"about": "all", "except": ["rate"], "also": ["dim_area"]}, ["dim_area", "seizures", "trend", "places"]),
        ({"built_from": "trend"}, ["trend", "rate"]),
        ({"built_from": CROSSINGS}, ["crossings", "rate"]),
        ({"built_from": "rate"}, ["rate"]),
    ],
    ids=str,
)
def test_a_caution_is_about_the_tables_that_its_rule_reaches(
    lineage: Lineage, rule: dict[str, Any], tables: list[str]
) -> None:
    assert reached(lineage, **rule) == tables


def test_a_source_without_a_mart_warns_of_its_history() -> None:
    alone = lineage_of([table(SEIZURES, "history")], {}, {SEIZURES})
    assert reached(alone, about="all") == [SEIZURES]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"built_from": "rates"}, "There is no source and no mart 'rates' that a table could be built from."),
        ({"about": "all", "except": ["rates"]}, f"A caution of {SEIZURES} names rates, which is no released table."),
        ({"about": "all", "column": "kg"}, f"A caution of {SEIZURES} is about no table"),
    ],
    ids=str,
)
def test_a_rule_that_names_what_there_is_not_is_refused(lineage: Lineage, rule: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DrugflowError) as error:
        reached(lineage, **rule)
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize("rule", [{}, {"about": "all", "built_from": "trend"}], ids=str)
def test_a_rule_says_one_thing(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either about: all or built_from"):
        Reach.model_validate(rule)


def test_a_table_tells_its_own_traps_to_what_is_built_from_it() -> None:
    trap = {"code": "x", "text": {"en": "A.", "es": "B."}, "source": SEIZURES}
    tables = [table("seizures", cautions=[trap]), table("trend"), table(SEIZURES, "history")]
    found = lineage_of(tables, {"seizures": [SEIZURES], "trend": ["seizures"]}, {SEIZURES})
    assert [(c.code, t) for c, t in found.own_cautions(SEIZURES)] == [("x", ["seizures", "trend"])]
    assert found.own_cautions(None) == []


def test_parents_of_a_model_are_read_from_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(
        """{"nodes": {
            "model.p.a": {"resource_type": "model", "name": "a", "depends_on": {"nodes": ["model.p.b", "seed.p.c"]}},
            "model.p.b": {"resource_type": "model", "name": "b", "depends_on": {"nodes": ["source.p.history.d"]}},
            "test.p.t": {"resource_type": "test", "name": "t", "depends_on": {"nodes": ["model.p.a"]}}
        }}""",
        "utf-8",
    )
    assert parents(tmp_path / "manifest.json") == {"a": ["b", "c"], "b": ["d"]}


# ---- the lineage of the project ----


def told() -> dict[str, list[str]]:
    """The tables of each caution, by its code."""
    lineage = load_lineage()
    found = [pair for s in load_catalog().values() for pair in lineage.cautions(s)] + lineage.own_cautions(None)
    return {caution.code: tables for caution, tables in found}


def test_the_rules_give_each_caution_the_tables_that_were_listed_by_hand() -> None:
    """A table that came later is not in the lists: it has what its rules give it."""
    typed = yaml.safe_load(TYPED.read_text("utf-8"))
    assert sum(map(len, typed.values())) == 175
    known = set().union(*typed.values())
    cautions = told()
    assert {code: sorted(known.intersection(cautions[code])) for code in typed} == typed


def test_no_rule_has_an_exception_or_an_addition_that_changes_nothing() -> None:
    lineage = load_lineage()
    idle = []
    for source in load_catalog().values():
        for caution in source.cautions:
            plain = set(lineage.reached(caution.tables.model_copy(update={"also": [], "but": []}), source.id))
            idle += [(caution.code, t) for t in caution.tables.also if t in plain]
            idle += [(caution.code, t) for t in caution.tables.but if t not in plain]
    assert idle == []


def test_cautions_of_tables_name_known_sources() -> None:
    named = {c.source for t in load_lineage().tables.values() for c in t.cautions if c.source}
    assert named <= load_catalog().keys()


@pytest.mark.parametrize(
    ("mart", "sources"),
    [
        ("seizures_monthly", ["cbp_drug_seizures"]),
        ("overdose_trends", ["cdc_vsrr_overdose", "census_population"]),
        ("corridor_trends", ["bts_border_crossings", "cbp_drug_seizures", "cdc_vsrr_overdose"]),
        ("centre_of_mass", ["cbp_drug_seizures"]),
        ("dim_indicator", ["cdc_vsrr_overdose"]),
        ("dim_month", []),
        ("reconciliation", []),
    ],
)
def test_a_mart_has_the_sources_of_its_sql(mart: str, sources: list[str]) -> None:
    assert load_lineage().sources(mart) == sources


def test_a_caution_about_a_whole_source_is_about_its_history_and_what_comes_from_it_alone() -> None:
    concerned = load_lineage().concerned(get_source("census_population"))
    assert concerned == ["census_population", "overdose_trends", "population_yearly"]
