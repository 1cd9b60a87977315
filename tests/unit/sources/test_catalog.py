"""Every source's description is whole, in both languages and in the analysts' words; a bad one says what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.catalog.caution import Trap
from pipelines.catalog.columns import fold
from pipelines.catalog.dictionary import load_dictionary
from pipelines.catalog.load import DESCRIPTION, FOLDER, get_source, load_catalog, load_source, source_folder
from pipelines.catalog.source import Source
from pipelines.core.errors import DrugflowError
from pipelines.dbt.lineage import load_lineage
from pipelines.quality.expectations import expectations_of
from pipelines.quality.facts import GENERIC
from pipelines.sources.modules import rules_of, source_module

SOURCES = [
    "bts_border_crossings",
    "cbp_amo_drug_seizures",
    "cbp_drug_seizures",
    "cdc_vsrr_overdose",
    "cdc_wonder_overdose",
    "census_population",
]
INDICATORS = {
    "all_deaths", "drug_overdose", "opioids_t400_t404_t406", "natural_semisynthetic_t402", "methadone_t403",
    "natural_semisynthetic_incl_methadone", "natural_semisynthetic_synthetic_incl_methadone",
    "synthetic_opioids_t404", "heroin_t401", "cocaine_t405", "psychostimulants_t436",
}  # fmt: skip
DRUGS = {
    "fentanyl", "heroin", "methamphetamine", "cocaine", "marijuana", "ecstasy", "ketamine", "khat", "lsd", "other",
}  # fmt: skip
MEASURES = {
    "trucks", "truck_containers_loaded", "truck_containers_empty", "trains", "train_passengers",
    "rail_containers_loaded", "rail_containers_empty", "buses", "bus_passengers", "personal_vehicles",
    "personal_vehicle_passengers", "pedestrians",
}  # fmt: skip
REGIONS, COMPONENTS, LAND = {"southwest", "northern", "coastal_interior"}, {"OFO", "USBP"}, {"land_only", "other"}
PERCENT = {"percent_specified"}
"""VSRR's percent stands among the indicators of the file; no analyst's table has it as one."""

WORDS = [
    ("cbp_drug_seizures", "drug_id", DRUGS),
    ("cbp_drug_seizures", "region", REGIONS),
    ("cbp_drug_seizures", "component", COMPONENTS),
    ("cbp_drug_seizures", "land_filter", LAND),
    ("cbp_amo_drug_seizures", "drug_id", DRUGS),
    ("cbp_amo_drug_seizures", "region", REGIONS),
    ("cbp_amo_drug_seizures", "land_filter", LAND),
    ("cdc_vsrr_overdose", "indicator", INDICATORS | PERCENT),
    ("bts_border_crossings", "measure_id", MEASURES),
]


def test_the_six_core_sources_are_described():
    assert set(SOURCES) <= set(load_catalog())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/source.yml")), ids=lambda p: p.parent.name)
def test_every_description_is_valid(path: Path):
    assert load_source(path).id == path.parent.name


@pytest.mark.parametrize("source", load_catalog().values(), ids=lambda s: s.id)
class TestEverySource:
    def test_has_two_languages(self, source: Source):
        texts = [source.title, source.description, *(c.text for c in source.cautions)]
        assert all(t.en.strip() and t.es.strip() and t.en != t.es for t in texts)

    def test_has_cautions(self, source: Source):
        assert source.cautions

    def test_says_where_it_comes_from_and_under_which_terms(self, source: Source):
        assert source.landing_page.startswith("https://")
        assert source.publisher
        assert source.licence.text

    def test_names_the_hosts_it_may_be_fetched_from(self, source: Source):
        assert source.fetch.kind == "manual" or source.fetch.hosts
        assert not [h for h in source.fetch.hosts if "*" in h or "/" in h or " " in h]

    def test_key_holds_a_date_and_no_figure(self, source: Source):
        kinds = {c.name: (c.type, c.role) for c in source.frame}
        assert kinds[source.period] == ("date", "key")
        assert source.names("value")
        assert not [c.name for c in source.frame if c.role == "key" and c.type == "number"]

    def test_every_figure_has_a_unit(self, source: Source):
        figures = [c for c in source.frame if c.role == "value" and c.type in ("integer", "number")]
        assert [c.name for c in figures if not c.unit] == []

    def test_has_a_cleaning_module(self, source: Source):
        assert source.status == "contract" or callable(source_module(source.id).tidy)

    def test_checks_the_key_the_range_and_completeness(self, source: Source):
        kinds = {(e.batch, e.type) for e in expectations_of(source)}
        unique = [
            e for e in expectations_of(source) if e.type == "expect_compound_columns_to_be_unique" and e.batch == "rows"
        ]
        assert [set(e.kwargs["column_list"]) for e in unique] == [set(source.key)]
        assert unique[0].severity == "critical"
        assert ("rows", "expect_column_values_to_be_between") in kinds
        assert {"newest_period", "coverage", "magnitude"} <= {batch for batch, _ in kinds}

    def test_expectations_look_at_columns_that_are_there(self, source: Source):
        frame = {c.name for c in source.frame}
        looked = {
            name
            for e in expectations_of(source)
            if e.batch == "rows"
            for name in [e.kwargs.get("column"), *e.kwargs.get("column_list", [])]
            if name
        }
        assert looked <= frame

    def test_facts_that_are_judged_are_computed_by_someone(self, source: Source):
        batches = {e.batch for e in expectations_of(source)} - {"rows"}
        assert batches - set(GENERIC) - set(source.facts) - set(rules_of(source).facts) == set()

    def test_reads_seeds_that_are_there(self, source: Source):
        assert [s for s in source.reads if not source.seed(s).is_file()] == []

    def test_every_expectation_says_why(self, source: Source):
        assert [e.id for e in expectations_of(source) if len(e.why.split()) < 5] == []

    def test_says_of_every_figure_which_values_cannot_be(self, source: Source):
        """An operator may accept anything else."""
        figures = {c.name for c in source.frame if c.role == "value" and c.type in ("integer", "number")}
        assert {e.kwargs["column"] for e in expectations_of(source) if e.id in source.bounds} == figures

    def test_loses_no_record_unless_a_share_is_stated(self, source: Source):
        assert source.max_rejected_share == 0 or any("undercount" in c.text.en for c in source.cautions)


@pytest.mark.parametrize(("source_id", "column", "words"), WORDS)
def test_categories_are_the_contracts_words_and_all_of_them(source_id: str, column: str, words: set[str]):
    found = next(c for c in get_source(source_id).columns if c.id == column)
    assert set((found.categories or {}).values()) == words


def test_the_causes_of_wonder_are_indicators_of_the_contract():
    found = next(c for c in get_source("cdc_wonder_overdose").columns if c.id == "cause")
    assert set((found.categories or {}).values()) <= INDICATORS


def told() -> list[tuple[Trap, list[str]]]:
    """Every caution with its tables."""
    lineage = load_lineage()
    return [pair for s in load_catalog().values() for pair in lineage.cautions(s)] + lineage.own_cautions(None)


def test_caution_codes_are_unique():
    codes = [c.code for c, _ in told()]
    assert sorted(codes) == sorted(set(codes))


def tables_with(code: str) -> set[str]:
    return {t for c, tables in told() if c.code == code for t in tables}


def test_every_table_of_corridors_says_where_yuma_is_counted():
    """Corridors of areas, not of ports: no port lies in another corridor if Yuma sector moves."""
    of_ports = {"dim_port", "crossing_trends", "seizures_per_crossing"}
    marts = [t for t in load_dictionary() if t.table_schema == "marts"]
    of_corridors = {t.name for t in marts for c in t.columns if c.name == "corridor_id" or "corridor" in c.check}
    by_place = {t.name for t in marts for c in t.columns if c.name == "place_id" and "corridor" in c.en}
    assert {"seizure_trends", "change_points", "dim_area"} <= of_corridors | by_place
    assert (of_corridors | by_place) - of_ports <= tables_with("cbp_yuma_assignment")


def test_every_table_with_a_land_filter_says_what_it_is_not():
    filtered = {
        t.name for t in load_dictionary() for c in t.columns if t.table_schema == "marts" and c.name == "land_filter"
    }
    assert filtered == {"seizures_monthly", "amo_seizures_monthly"}
    assert filtered <= tables_with("cbp_land_only_is_not_southwest")


TWELVE_MONTHS = {
    "vsrr_twelve_month_totals", "vsrr_reported_or_predicted", "vsrr_nation_not_from_states", "t404_is_mostly_fentanyl",
}  # fmt: skip
"""What must be known of any reported total of twelve months, of whatever places."""


def test_every_table_with_deaths_of_twelve_months_carries_their_cautions():
    """By the names of the columns, so that a new table with such a column fails until its cautions are listed."""
    codes: dict[str, set[str]] = {}
    for caution, tables in told():
        for table in tables:
            codes.setdefault(table, set()).add(caution.code)
    lacking, reached = {}, set()
    for table in (t for t in load_dictionary() if t.table_schema == "marts"):
        columns = {c.name for c in table.columns}
        if not columns & {"deaths_12mo", "deaths_reported"} and not {"deaths", "month_ending"} <= columns:
            continue
        reached.add(table.name)
        needed = set(TWELVE_MONTHS)
        needed |= {"vsrr_overlapping_classes"} if "indicator_id" in columns else set()
        needed |= {"vsrr_new_york"} if "jurisdiction_id" in columns else set()
        needed |= {"vsrr_occurrence_over_residents"} if columns & {"rate_per_100k", "deaths_12mo"} else set()
        if missing := needed - codes.get(table.name, set()):
            lacking[table.name] = sorted(missing)
    assert lacking == {}
    assert reached == {"overdose_deaths_12mo", "overdose_trends", "corridor_trends", "nowcast"}


def test_a_seed_that_is_not_declared_cannot_be_read():
    with pytest.raises(DrugflowError, match=r"bts_border_crossings reads the seed areas: add it to reads"):
        get_source("bts_border_crossings").seed("areas")


# ---- what a bad description says ----


def written(folder: Path, changes: dict[str, Any], *removed: str) -> Path:
    """The description of the overdose deaths with changes at dotted places, written to a file."""
    raw = yaml.safe_load((source_folder("cdc_vsrr_overdose") / DESCRIPTION).read_text("utf-8"))
    for place, value in changes.items():
        at: Any = raw
        *way, last = place.split(".")
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        at[int(last) if isinstance(at, list) else last] = value
    for key in removed:
        del raw[key]
    path = folder / "cdc_vsrr_overdose" / DESCRIPTION
    path.parent.mkdir()
    totals = source_folder("cdc_vsrr_overdose") / "published_totals.yml"
    (path.parent / totals.name).write_text(totals.read_text("utf-8"), "utf-8")
    path.write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    return path


def test_a_good_description_written_again_is_read(tmp_path: Path):
    assert load_source(written(tmp_path, {})) == get_source("cdc_vsrr_overdose")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cadance": "monthly"}, ["cadance", "Extra inputs are not permitted"]),
        ({"title.es": ""}, ["title.es", "at least 1 character"]),
        ({"cadence": "sometimes"}, ["cadence", "'monthly'", "sometimes"]),
        ({"subject": "weather"}, ["subject", "'deaths'", "weather"]),
        ({"expected_lag_days": -1}, ["expected_lag_days", "greater than or equal to 0"]),
        ({"expected_lag_days": "soon"}, ["expected_lag_days", "valid integer", "soon"]),
        ({"period": "moment"}, ["period names ['moment'], which frame does not have"]),
        ({"scope": ["drug"]}, ["scope names ['drug'], which frame does not have"]),
        ({"frame.3.role": "figure"}, ["frame.3.role", "'value'", "figure"]),
        ({"frame.3.name": "jurisdiction_id"}, ["frame has a column twice"]),
        ({"frame.3.tolerance": -0.5}, ["frame.3.tolerance", "greater than or equal to 0"]),
        ({"columns.0.names": ["state", "  YEAR "]}, ["columns claim the header ['year'] twice"]),
        ({"columns.0.names": []}, ["columns.0.names", "at least 1 item"]),
        ({"columns.0.type": "category"}, ["columns.0", "type category goes with a list of categories"]),
        ({"columns.0.categories": {"a": "b"}}, ["columns.0", "type category goes with a list of categories"]),
        ({"columns.0.pattern": "x.*"}, ["columns.0", "a pattern names ignored columns only"]),
        ({"columns.1.ignore": True, "columns.1.pattern": "x("}, ["columns.1", "no regular expression"]),
        ({"fetch": {"kind": "socrata", "hosts": ["data.cdc.gov"]}}, ["fetch", "needs its dataset"]),
        ({"fetch": {"kind": "socrata", "dataset": "xkb8-kh2a"}}, ["fetch.hosts", "may not be empty"]),
        ({"fetch": {"kind": "pigeon"}}, ["fetch.kind", "'socrata'", "pigeon"]),
        ({"expectations.1.id": "indicator_known"}, ["expectations has an id twice"]),
        ({"expectations.1.severity": "grave"}, ["expectations.1.severity", "'critical'", "grave"]),
        ({"expectations.1.type": "drop table"}, ["expectations.1.type", "drop table"]),
        ({"expectations.1.why": "because"}, ["expectations.1.why", "at least 10 characters"]),
        ({"facts.us_rows.by": ["year"]}, ["fact us_rows names ['year'], which frame does not have"]),
        ({"facts.us_rows.kind": "guess"}, ["facts.us_rows", "'row_count'", "guess"]),
        ({"cautions.0.tables": {}}, ["cautions.0.tables", "either about: all or built_from"]),
        ({"max_rejected_share": 1}, ["max_rejected_share", "less than 1"]),
        ({"files": {"formats": ["dbf"]}}, ["files.formats.0", "'csv'", "dbf"]),
        ({"id": "cdc_vsrr"}, ["says id cdc_vsrr", "must equal the folder's name"]),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_a_bad_description_names_the_file_the_place_and_what_is_wrong(
    tmp_path: Path, changes: dict[str, Any], said: list[str]
):
    with pytest.raises(DrugflowError) as raised:
        load_source(written(tmp_path, changes))
    for part in ["cdc_vsrr_overdose/source.yml", *said]:
        assert part in str(raised.value)


TOTAL = {
    "id": "a", "vintage": "2025-01-08", "metric": "m", "period": "2024", "value": 1, "unit": "deaths", "tolerance": 0,
    "basis": "b", "use": "one",
}  # fmt: skip


def beside(folder: Path, name: str, section: Any) -> Path:
    """The description of the overdose deaths with a section of this name in a file beside it."""
    path = written(folder, {})
    (path.parent / f"{name}.yml").write_text(yaml.safe_dump(section), "utf-8")
    return path


def test_a_section_may_lie_in_a_file_of_its_own(tmp_path: Path):
    total = TOTAL | {"with": {"year": 2024}}
    found = load_source(beside(tmp_path, "published_totals", {"queries": {"one": "select 1"}, "totals": [total]}))
    assert [(t.id, t.given) for t in found.published_totals.totals] == [("a", {"year": 2024})]


def test_a_section_in_two_places_is_refused(tmp_path: Path):
    with pytest.raises(DrugflowError, match=r"cdc_vsrr_overdose/source\.yml has notes, which a file beside it has too"):
        load_source(beside(tmp_path, "notes", {}))


def test_a_file_beside_the_description_that_is_no_section_is_refused(tmp_path: Path):
    with pytest.raises(DrugflowError, match=r"(?s)cdc_vsrr_overdose/source\.yml.*known_erors.*not permitted"):
        load_source(beside(tmp_path, "known_erors", []))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"use": "two"}, r"totals use the queries \['two'\], which queries does not have"),
        ({"known_difference": 3}, "a known difference needs its reason in both languages"),
        ({"of": "areas"}, "say of which vintage it is, or of which seed"),
        ({"of": "areas", "vintage": None}, r"are of the seeds \['areas'\], which reads does not have"),
    ],
)
def test_a_published_total_that_could_not_be_compared_is_refused(tmp_path: Path, changes: dict[str, Any], said: str):
    section = {"queries": {"one": "select 1"}, "totals": [TOTAL | changes]}
    with pytest.raises(DrugflowError, match=said):
        load_source(beside(tmp_path, "published_totals", section))


@pytest.mark.parametrize("key", ["title", "publisher", "licence", "cadence", "fetch", "columns", "frame", "period"])
def test_a_description_that_lacks_something_names_it(tmp_path: Path, key: str):
    with pytest.raises(DrugflowError, match=rf"(?s)cdc_vsrr_overdose/source\.yml.*{key}.*Field required"):
        load_source(written(tmp_path, {}, key))


@pytest.mark.parametrize("text", ["", "a list: [", "- one\n- two\n", "plain words"])
def test_a_file_that_is_no_description_says_so(tmp_path: Path, text: str):
    path = tmp_path / "cdc_vsrr_overdose" / DESCRIPTION
    path.parent.mkdir()
    path.write_text(text, "utf-8")
    with pytest.raises(DrugflowError, match=r"cdc_vsrr_overdose/source\.yml does not describe a source"):
        load_source(path)


def test_an_unknown_source_is_answered_with_the_known_ones():
    with pytest.raises(DrugflowError) as raised:
        get_source("cdc_vssr")
    assert "'cdc_vssr'" in str(raised.value)
    assert [s for s in SOURCES if s not in str(raised.value)] == []


@pytest.mark.parametrize("title", ["Data Value", "data value", " DATA  VALUE ", "\ufeffData Value", "Data\tValue"])
def test_headers_are_compared_without_case_and_spacing(title: str):
    assert fold(title) == "data value"
