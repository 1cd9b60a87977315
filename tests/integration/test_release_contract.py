"""What every release must be: the analysts' contract, both languages, files that agree, pages that work offline.

The tables and columns below are the contract that people's saved queries depend on: columns may be added, never
renamed. Both the release of the real files and that of the sample are held to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from frictionless import Package

from pipelines.catalog.load import load_catalog
from pipelines.core.fingerprint import sha256_of
from pipelines.release.content_hash import content_hash, table_hash
from tests.integration.conftest import SecondPublish
from tests.integration.raw_files import one, rows

PROVENANCE = ["source_id", "vintage", "first_vintage"]
SEIZED = ["events", "quantity_lb", "quantity_kg", "is_filled", "is_fytd", "fiscal_year", *PROVENANCE]
STATE = ["first_vintage", "last_vintage", "change"]
# fmt: off
CONTRACT: dict[str, list[str]] = {
    "marts.dim_month": ["month", "fiscal_year", "fiscal_month", "days"],
    "marts.dim_drug": ["drug_id", "name_en", "name_es", "drug_class"],
    "marts.dim_area": ["area_id", "name", "component", "region", "corridor_id", "state_allocation", "states"],
    "marts.dim_corridor": [
        "corridor_id", "name", "position", "field_office", "sectors", "us_states", "mx_states", "source",
    ],
    "marts.dim_port": [
        "port_code", "name", "state_id", "border", "corridor_id", "latitude", "longitude", "opened_date",
        "closed_date", "note",
    ],
    "marts.dim_jurisdiction": ["jurisdiction_id", "fips", "inegi", "name_en", "name_es", "country"],
    "marts.dim_indicator": ["indicator_id", "icd10", "name_en", "name_es", "is_drug_class", "overlaps"],
    "marts.seizures_monthly": ["month", "component", "region", "land_filter", "area_id", "drug_id", *SEIZED],
    "marts.amo_seizures_monthly": ["month", "branch", "region", "land_filter", "drug_id", *SEIZED],
    "marts.overdose_deaths_12mo": [
        "jurisdiction_id", "month_ending", "indicator_id", "deaths_reported", "deaths_predicted", "missing_reason",
        "percent_complete", "percent_pending", "percent_specified", "percent_specified_vintage", "is_provisional",
        *PROVENANCE,
    ],
    "marts.overdose_deaths_monthly": [
        "jurisdiction_id", "month", "indicator_id", "basis", "deaths", "lower", "upper", "missing_reason", *PROVENANCE,
    ],
    "marts.border_crossings_monthly": [
        "port_code", "month", "measure_id", "crossings", "is_resolved_duplicate", "is_partial", "is_suspect",
        *PROVENANCE,
    ],
    "marts.population_yearly": ["jurisdiction_id", "year", "population", "series", *PROVENANCE],
    "marts.seizure_trends": [
        "month", "scope", "scope_id", "drug_id", "measure", "value", "rolling_3", "rolling_12", "yoy_3", "yoy_12",
        "seasonal", "trend", "seasonal_strength", "fytd",
    ],
    "marts.overdose_trends": [
        "jurisdiction_id", "month_ending", "indicator_id", "basis", "deaths", "rate_per_100k", "rate_lower",
        "rate_upper", "is_unreliable", "yoy_12",
    ],
    "marts.change_points": [
        "series_id", "k_max", "joinpoint", "month", "apc_before", "apc_before_lower", "apc_before_upper", "apc_after",
        "apc_after_lower", "apc_after_upper", "confirmed_by",
    ],
    "marts.anomalies": ["series_id", "month", "expected", "observed", "z", "p_adjusted", "level"],
    "marts.lead_lag": [
        "lag", "levels", "levels_limit", "differences", "differences_limit", "prewhitened", "prewhitened_limit",
        "caution",
    ],
    "marts.revision_profile": [
        "source_id", "lag", "releases", "completeness_median", "completeness_p10", "completeness_p90",
    ],
    "marts.nowcast": [
        "jurisdiction_id", "month_ending", "deaths_reported", "nowcast", "lower", "upper", "deaths_predicted",
    ],
    "marts.crossing_trends": ["month", "scope", "scope_id", "measure_id", "value", "rolling_12", "yoy_12"],
    "marts.seizures_per_crossing": [
        "period", "month", "scope_id", "drug_id", "fiscal_year", "events", "quantity_kg", "crossings",
        "events_per_million", "kg_per_million", "null_reason",
    ],
    "marts.corridor_trends": [
        "month", "corridor_id", "fentanyl_events", "fentanyl_kg", "crossings", "kg_per_million_12", "deaths_states",
        "deaths_12mo",
    ],
    "marts.drug_mix": ["month", "corridor_id", "drug_id", "share", "share_change", "hellinger"],
    "marts.concentration": ["fiscal_year", "drug_id", "measure", "hhi", "effective_areas", "leading_area_id"],
    "marts.dose_range": ["fiscal_year", "low_doses", "high_doses", "naive_doses", "citation"],
    "marts.statutory_rate": ["fiscal_year", "drug_id", "quantity_kg", "mean_prior_5_kg", "rate"],
    "marts.centre_of_mass": ["month", "drug_id", "longitude_by_events", "longitude_by_weight"],
    "marts.fytd_pace": [
        "fiscal_year", "scope", "drug_id", "measure", "to_date", "projected", "projected_low", "projected_high",
    ],
    "marts.reconciliation": ["total_id", "published", "ours", "difference", "tolerance", "verdict", "reason_en"],
    "history.cbp_drug_seizures": [
        "month", "component", "region", "land_filter", "area_id", "drug_id", "events", "quantity_lb", *STATE,
    ],
    "history.cbp_amo_drug_seizures": [
        "month", "branch", "region", "land_filter", "drug_id", "events", "quantity_lb", *STATE,
    ],
    "history.cdc_vsrr_overdose": [
        "jurisdiction_id", "month_ending", "indicator_id", "deaths_reported", "deaths_predicted", *STATE,
    ],
    "history.cdc_wonder_overdose": ["jurisdiction_id", "month", "indicator_id", "basis", "deaths", *STATE],
    "history.bts_border_crossings": ["port_code", "month", "measure_id", "crossings", *STATE],
    "history.census_population": ["year", "population", "series", *STATE],
    "meta.release": ["release_id", "built_at", "origin", "code_version", "content_hash"],
    "meta.sources": [
        "source_id", "title_en", "title_es", "publisher", "licence", "cadence", "expected_lag_days", "status",
        "first_period", "last_period", "last_vintage", "next_expected", "freshness",
    ],
    "meta.vintages": [
        "source_id", "vintage", "files", "sha256", "row_count", "rejected", "added", "revised", "withdrawn",
    ],
    "meta.dictionary": ["table_schema", "table_name", "column_name", "description_en", "description_es"],
    "meta.cautions": ["code", "text_en", "text_es", "tables"],
    "meta.checks": ["check_name", "severity", "passed", "failing_rows"],
}
# fmt: on
MACROS = ["crossings_as_of", "overdose_deaths_as_of", "seizures_as_of"]
FILES = ["data_docs", "datapackage.json", "drugflow.duckdb", "manifest.json", "parquet"]
COLUMNS = (
    "select column_name, data_type, is_nullable, comment from duckdb_columns() "
    "where schema_name = '{}' and table_name = '{}' order by column_index"
)


@pytest.fixture(scope="module", params=["official_release", "sample_release"], ids=["official", "sample"])
def folder(request: pytest.FixtureRequest) -> Path:
    """The folder of a release."""
    settings = request.getfixturevalue(request.param)
    return Path(settings.current.resolve())


@pytest.fixture(scope="module")
def release(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Its database, read-only."""
    connection = duckdb.connect(str(folder / "drugflow.duckdb"), read_only=True)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    return found


def relations(release: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of every released table and view."""
    return rows(
        release,
        "select schema_name, table_name from duckdb_tables() where not internal union all "
        "select schema_name, view_name from duckdb_views() where not internal order by all",
    )


# --- tables and columns ---------------------------------------------------------------------------------------


def test_a_release_has_its_files(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == FILES


@pytest.mark.parametrize(("name", "columns"), CONTRACT.items(), ids=CONTRACT)
def test_a_table_of_the_contract_has_its_columns(
    release: duckdb.DuckDBPyConnection, name: str, columns: list[str]
) -> None:
    found = [column for column, *_ in rows(release, COLUMNS.format(*name.split(".")))]
    assert [c for c in columns if c not in found] == []
    assert one(release, f"select count(*) from {name}") > 0


def test_only_the_released_schemas_are_there(release: duckdb.DuckDBPyConnection) -> None:
    assert {schema for schema, _ in relations(release)} == {"marts", "history", "meta"}


def test_the_macros_answer_questions_about_a_day(release: duckdb.DuckDBPyConnection) -> None:
    macros = (
        "select function_name from duckdb_functions() where function_type = 'table_macro' and schema_name = 'main' "
    )
    assert [name for (name,) in rows(release, macros + "and not internal order by 1")] == MACROS
    for name in MACROS:
        assert one(release, f"select count(*) from {name}(current_date)") > 0


def test_every_active_source_has_a_history(release: duckdb.DuckDBPyConnection) -> None:
    active = {s.id for s in load_catalog().values() if s.status == "active"}
    histories = {name for schema, name in relations(release) if schema == "history"}
    assert histories == active | {"coverage"}


def test_a_key_has_one_current_state_in_a_history(release: duckdb.DuckDBPyConnection) -> None:
    for source in load_catalog().values():
        key = ", ".join(source.key)
        twice = f"select {key} from history.{source.id} where last_vintage is null group by all having count(*) > 1"
        assert (source.id, rows(release, twice)) == (source.id, [])


def test_every_as_of_macro_says_what_it_gives_in_both_languages(release: duckdb.DuckDBPyConnection) -> None:
    told = dict(
        release.execute(
            "select function_name, comment from duckdb_functions() "
            "where function_type = 'table_macro' and function_name like '%\\_as\\_of' escape '\\'"
        ).fetchall()
    )
    assert sorted(told) == ["crossings_as_of", "overdose_deaths_as_of", "seizures_as_of"]
    assert all("as it was known on a date" in text and "como se conocía" in text for text in told.values())


def test_every_table_and_column_has_a_comment(release: duckdb.DuckDBPyConnection) -> None:
    silent = rows(
        release,
        "select schema_name, table_name, '' from duckdb_tables() where coalesce(comment, '') = '' union all "
        "select schema_name, view_name, '' from duckdb_views() where not internal and coalesce(comment, '') = '' "
        "union all select schema_name, table_name, column_name from duckdb_columns() "
        "where not internal and coalesce(comment, '') = ''",
    )
    assert silent == []


# --- the dictionary -------------------------------------------------------------------------------------------


def test_the_dictionary_has_every_table_and_column_and_no_other(release: duckdb.DuckDBPyConnection) -> None:
    said = rows(
        release,
        "select table_schema, table_name, column_name, data_type from meta.dictionary where column_name is not null",
    )
    there = rows(
        release, "select schema_name, table_name, column_name, data_type from duckdb_columns() where not internal"
    )
    assert sorted(said) == sorted(there)
    tables = rows(
        release, "select table_schema, table_name from meta.dictionary where column_name is null order by all"
    )
    assert tables == relations(release)


def test_the_dictionary_speaks_both_languages(release: duckdb.DuckDBPyConnection) -> None:
    """A text in one language only, or the same in both, would be a gap."""
    gaps = rows(
        release,
        """
        select table_name, column_name from meta.dictionary
        where coalesce(description_en, '') = '' or coalesce(description_es, '') = ''
            or description_en = description_es
            or (column_name is not null and is_nullable and (null_rule_en is null or null_rule_es is null))
            or (null_rule_en is null) <> (null_rule_es is null) or null_rule_en = null_rule_es
        """,
    )
    assert gaps == []


def test_cautions_speak_both_languages_and_name_released_tables(release: duckdb.DuckDBPyConnection) -> None:
    assert rows(release, "select code from meta.cautions where text_en = text_es or '' in (text_en, text_es)") == []
    assert rows(release, "select code from meta.cautions group by 1 having count(*) > 1") == []
    facts = {name for _, name in relations(release)}
    named = {t for (tables,) in rows(release, "select tables from meta.cautions") for t in tables}
    assert {f.split(".")[1] for f in CONTRACT if f.endswith(("monthly", "12mo", "trends", "yearly"))} <= named
    assert named & facts


def test_a_caution_says_that_mexico_is_absent_from_the_tables_by_jurisdiction(
    release: duckdb.DuckDBPyConnection,
) -> None:
    by_place = rows(
        release,
        "select schema_name, table_name from duckdb_columns() where column_name = 'jurisdiction_id' "
        "and table_name <> 'dim_jurisdiction'",
    )
    assert ("marts", "overdose_deaths_12mo") in by_place
    empty = "select count(*) from {}.{} where jurisdiction_id like 'MX%'"
    without = {table for schema, table in by_place if one(release, empty.format(schema, table)) == 0}
    assert set(one(release, "select tables from meta.cautions where code = 'no_figures_of_mexico'")) == without


def test_columns_that_are_never_null_have_no_null(release: duckdb.DuckDBPyConnection) -> None:
    found = []
    for schema, table in relations(release):
        never = rows(
            release,
            "select column_name from meta.dictionary where not is_nullable "
            f"and table_schema = '{schema}' and table_name = '{table}'",
        )
        counts = ", ".join(f'count(*) - count("{name}")' for (name,) in never)
        nulls = release.execute(f'select {counts} from {schema}."{table}"').fetchall()[0]
        found += [(schema, table, name, count) for (name,), count in zip(never, nulls, strict=True) if count]
    assert found == []


def test_no_figure_is_nan_or_infinite(release: duckdb.DuckDBPyConnection) -> None:
    found = []
    for schema, table in relations(release):
        doubles = [name for name, kind, *_ in rows(release, COLUMNS.format(schema, table)) if kind == "DOUBLE"]
        if doubles:
            wrong = " or ".join(f'not isfinite("{name}")' for name in doubles)
            found += rows(release, f"select '{table}' from {schema}.\"{table}\" where {wrong} limit 1")
    assert found == []


def test_every_fact_names_a_source_and_a_vintage_that_the_release_has(release: duckdb.DuckDBPyConnection) -> None:
    """The published national series of final monthly deaths is shipped, not fetched: it has no vintage of its own."""
    for name, columns in CONTRACT.items():
        if set(PROVENANCE) <= set(columns):
            unknown = rows(
                release,
                f"select distinct source_id, vintage from {name} where source_id <> 'us_t404_final_monthly' "
                "except select source_id, vintage from meta.vintages where state <> 'held'",
            )
            assert (name, unknown) == (name, [])


# --- files ----------------------------------------------------------------------------------------------------


def test_the_content_hash_is_that_of_the_tables(
    release: duckdb.DuckDBPyConnection, manifest: dict[str, Any], folder: Path
) -> None:
    hashes = {}
    for name, said in manifest["tables"].items():
        count, hashes[name] = table_hash(release, *name.split("."))
        assert (name, count, hashes[name]) == (name, said["rows"], said["hash"])
    overall = content_hash(hashes)
    package = json.loads((folder / "datapackage.json").read_text("utf-8"))
    said = one(release, "select release_id, content_hash from meta.release")
    assert said == (folder.name, overall)
    assert (manifest["content_hash"], package["content_hash"]) == (overall, overall)
    assert (manifest["release_id"], package["version"]) == (folder.name, folder.name)


def test_the_content_hash_covers_every_table_but_the_date_of_building(
    release: duckdb.DuckDBPyConnection, manifest: dict[str, Any]
) -> None:
    tables = {f"{schema}.{name}" for schema, name in relations(release)}
    assert tables - set(manifest["tables"]) == {"meta.release", "meta.sources", "meta.cautions"}


def test_the_data_package_is_valid(folder: Path) -> None:
    descriptor = json.loads((folder / "datapackage.json").read_text("utf-8"))
    report = Package.validate_descriptor(descriptor)
    assert report.flatten(["type", "message"]) == []
    named = {r["name"] for r in descriptor["resources"]}
    assert {f.replace(".", "_") for f in CONTRACT} <= named


def test_every_resource_of_the_data_package_is_valid(folder: Path) -> None:
    """The first rows of each; a whole release takes Frictionless more than an hour."""
    descriptor = json.loads((folder / "datapackage.json").read_text("utf-8"))
    report = Package.from_descriptor(descriptor, basepath=str(folder)).validate(limit_rows=400)
    assert len(report.tasks) == len(descriptor["resources"])
    assert report.flatten(["title", "message"]) == []


def test_the_data_package_gives_the_licences_of_the_sources(folder: Path) -> None:
    package = json.loads((folder / "datapackage.json").read_text("utf-8"))
    said = {(licence["name"], licence["title"]) for licence in package["licenses"]}
    assert said == {(s.licence.id, s.licence.text) for s in load_catalog().values()}
    of = {r["name"]: r.get("licenses", []) for r in package["resources"]}
    assert ["data use restrictions" in x["title"] for x in of["history_cdc_wonder_overdose"]] == [True]


def test_the_data_package_agrees_with_the_files(folder: Path, release: duckdb.DuckDBPyConnection) -> None:
    resources = json.loads((folder / "datapackage.json").read_text("utf-8"))["resources"]
    for resource in resources:
        path = folder / resource["path"]
        assert resource["hash"] == f"sha256:{sha256_of(path)}"
        found = pq.read_metadata(path)
        assert resource["rows"] == found.num_rows
        schema, table = path.parent.name, path.stem
        columns = [name for name, *_ in rows(release, COLUMNS.format(schema, table))]
        assert [f["name"] for f in resource["schema"]["fields"]] == columns == pq.read_schema(path).names
    listed = {folder / r["path"] for r in resources}
    assert listed == set((folder / "parquet").rglob("*.parquet"))


def test_parquet_files_hold_the_rows_of_the_tables(folder: Path) -> None:
    """In a connection of its own: a release is opened read-only, with nothing else attached."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{folder / 'drugflow.duckdb'}' as released (read_only)")
        for table in ("marts.seizures_monthly", "marts.overdose_deaths_12mo", "meta.cautions", "marts.dim_corridor"):
            file = folder / "parquet" / (table.replace(".", "/") + ".parquet")
            query = f"from released.{table} except all from '{file}'"
            assert (table, rows(connection, query)) == (table, [])


def test_validation_pages_fetch_nothing(folder: Path) -> None:
    fetched = re.compile(
        r"""(?ix) (?:src|href|action|data)\s*=\s*["']?\s*(?:https?:)?// | url\(\s*["']?\s*(?:https?:)?//
        | @import | <script\b[^>]*\bsrc | \bimport\s*\(? \s*["']""",
    )
    pages = [p for p in (folder / "data_docs").rglob("*") if p.is_file()]
    assert {p.suffix for p in pages} == {".html"}
    assert [p.name for p in pages if fetched.search(p.read_text("utf-8"))] == []


def test_every_link_of_the_validation_pages_leads_to_a_page(folder: Path) -> None:
    index = folder / "data_docs" / "index.html"
    links = re.findall(r'href="([^"#]+)"', index.read_text("utf-8"))
    assert links
    assert [link for link in links if not (index.parent / link).is_file()] == []
    linked = {(index.parent / link).resolve() for link in links} | {index.resolve()}
    assert {p.resolve() for p in index.parent.rglob("*.html")} == linked


# --- while a release is published -----------------------------------------------------------------------------


def test_an_open_reader_sees_no_error_while_the_next_release_is_published(second_publish: SecondPublish) -> None:
    watch = second_publish.watch
    assert watch.errors == []
    assert len(watch.old) > 10
    assert {release_id for release_id, _ in watch.old} == {second_publish.first_release}


def test_a_new_reader_sees_the_old_release_whole_and_then_the_new_one_whole(second_publish: SecondPublish) -> None:
    newer = second_publish.settings.current.resolve().name
    order = list(dict.fromkeys(release_id for release_id, _ in second_publish.watch.new))
    assert order == [second_publish.first_release, newer]
    assert len(set(second_publish.watch.new)) == 2


def test_current_is_a_relative_link_to_a_release(second_publish: SecondPublish) -> None:
    """The folder can be moved or mounted elsewhere."""
    link = second_publish.settings.current.readlink()
    assert link.parts[0] == "releases"
    kept = {p.name for p in second_publish.settings.releases.iterdir()}
    assert {second_publish.first_release, link.name} <= kept
    assert [name for name in kept if name.startswith(".")] == []
