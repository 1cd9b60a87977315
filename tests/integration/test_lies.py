"""Planted lies and what an analyst sees: a sample over an official release, damaged files, figures grown old.

Each lie is told to the command line where it costs a refresh, to the stages where it does not.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from pipelines.archive.vintages import list_archive
from pipelines.core.fingerprint import sha256_of
from pipelines.core.settings import Settings
from pipelines.release.reconciliation import check_totals
from pipelines.releases.manifest import Manifest, current_manifest
from tests.conftest import installation
from tests.integration.conftest import TENTH, Command, SecondPublish, without_a_tenth
from tests.integration.raw_files import one, rows
from tests.integration.stage_tools import copy_vintage, history, run_stages

DAMAGED = [(source, damage.published) for source, damage in TENTH.items()]
BEFORE = {
    "cbp_drug_seizures": ["2023-11-15", "2024-04-08"],
    "cdc_vsrr_overdose": ["2019-07-11", "2025-01-08"],
    "bts_border_crossings": ["2022-09-27"],
}
"""Vintages in the archive when the newest full one arrives."""
BTS = "bts_border_crossings"


def open_release(settings: Settings) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(settings.current.resolve() / "drugflow.duckdb"), read_only=True)


def manifest_of(settings: Settings) -> Manifest:
    manifest = current_manifest(settings)
    assert manifest is not None
    return manifest


# --- a file with a tenth of its rows missing ------------------------------------------------------------------


@pytest.fixture(scope="module")
def damaged(second_publish: SecondPublish) -> Iterator[duckdb.DuckDBPyConnection]:
    """What an analyst opens after damaged files came in."""
    connection = open_release(second_publish.settings)
    yield connection
    connection.close()


def test_damaged_files_end_with_exit_code_1_and_a_sentence_each(second_publish: SecondPublish) -> None:
    done = second_publish.done
    assert done.returncode == 1, done.stderr
    held = [line for line in done.stderr.splitlines() if line.startswith("held ")]
    assert [line.split(" is held back: ")[0].split() for line in held] == [
        ["held", f"{source}:", published] for source, published in DAMAGED
    ]
    assert all("of the rows known before" in line for line in held)
    assert "Traceback" not in done.stdout + done.stderr
    assert "drugflow status" in done.stdout


def test_what_is_not_damaged_is_published(second_publish: SecondPublish) -> None:
    assert manifest_of(second_publish.settings).release_id != second_publish.first_release


def test_every_figure_is_still_that_of_the_last_good_files(
    second_publish: SecondPublish, official_release: Settings
) -> None:
    """All marts and histories have the hash that they had before; only meta says more."""
    before, after = manifest_of(official_release).tables, manifest_of(second_publish.settings).tables
    different = {name for name in before if before[name] != after[name]}
    assert {name.split(".")[0] for name in different} == {"meta"}
    assert set(before) == set(after)


def test_published_totals_still_hold(damaged: duckdb.DuckDBPyConnection) -> None:
    assert {o.verdict for o in check_totals(damaged, "official")} == {"held", "known_disagreement"}


@pytest.mark.parametrize(("source", "published"), DAMAGED)
def test_meta_vintages_shows_the_held_file_and_why(
    damaged: duckdb.DuckDBPyConnection, source: str, published: str
) -> None:
    found = one(
        damaged,
        "select state, problem, added, revised, withdrawn, row_count > 0 from meta.vintages "
        f"where source_id = '{source}' and vintage = date '{published}'",
    )
    assert (found[0], *found[2:]) == ("held", 0, 0, 0, True)
    assert "coverage_did_not_shrink failed" in found[1]


@pytest.mark.parametrize(("source", "published"), DAMAGED)
def test_a_caution_in_both_languages_stands_beside_the_figures(
    damaged: duckdb.DuckDBPyConnection, source: str, published: str
) -> None:
    english, spanish, tables = one(
        damaged,
        f"select text_en, text_es, tables from meta.cautions where code = 'held_{source}_{published}' "
        f"and source_id = '{source}'",
    )
    assert published in english
    assert "is held back" in english
    assert published in spanish
    assert "está retenida" in spanish
    facts = {
        "cbp_drug_seizures": "seizures_monthly",
        "cdc_vsrr_overdose": "overdose_deaths_12mo",
        "bts_border_crossings": "border_crossings_monthly",
    }
    assert facts[source] in tables


def test_meta_sources_counts_the_held_files_and_keeps_the_last_good_date(
    damaged: duckdb.DuckDBPyConnection, official_release: Settings
) -> None:
    query = "select source_id, last_vintage, last_period, {} from meta.sources order by 1"
    with open_release(official_release) as before:
        wanted = [(*row, int(row[0] in TENTH)) for row in rows(before, query.format("next_expected"))]
    assert rows(damaged, query.format("next_expected, held_vintages")) == wanted


def test_meta_checks_has_the_failed_check_of_each_held_file(damaged: duckdb.DuckDBPyConnection) -> None:
    failed = rows(
        damaged,
        "select distinct source_id, vintage::varchar from meta.checks "
        "where stage = 'quality' and severity = 'critical' and not passed order by 1, 2",
    )
    assert failed == DAMAGED


def test_the_validation_pages_say_what_is_held(second_publish: SecondPublish) -> None:
    index = (second_publish.settings.current / "data_docs" / "index.html").read_text("utf-8")
    for source, published in DAMAGED:
        assert f"<li>{published}: held: " in index
        assert f'href="{source}/{published}__coverage.html"' in index


def test_the_damaged_bytes_are_kept(second_publish: SecondPublish, damaged_mirror: Path) -> None:
    for source, published in DAMAGED:
        (came,) = (damaged_mirror / source / published).iterdir()
        kept = second_publish.settings.data_raw / "official" / source / published / came.name
        assert sha256_of(kept) == sha256_of(came)


def test_status_names_what_is_held_and_how_to_go_on(second_publish: SecondPublish, command: Command) -> None:
    done = command(second_publish.settings, "status", "--json")
    assert done.returncode == 1
    found = {s["source"]: s for s in json.loads(done.stdout)["sources"]}
    for source, published in DAMAGED:
        assert found[source]["state"] == "blocked"
        (held,) = found[source]["held"]
        assert held["vintage"] == published
        assert f"drugflow accept {source} {published}" in held["how_to_go_on"]
    assert {s for s in found if found[s]["held"]} == set(TENTH)


@pytest.mark.parametrize(
    ("source", "at_random"),
    [
        ("cbp_drug_seizures", True),
        ("cbp_drug_seizures", False),
        ("cdc_vsrr_overdose", True),
        ("cdc_vsrr_overdose", False),
        ("bts_border_crossings", False),
    ],
)
def test_a_damaged_file_is_held_even_where_nobody_saw_it_whole(
    mirror: Path, tmp_path: Path, source: str, at_random: bool
) -> None:
    """The newest full file, damaged before it first arrives: its newest periods are in no other file."""
    newest = TENTH[source].good
    for vintage in [*BEFORE[source], newest]:
        folder = copy_vintage(mirror, source, vintage, tmp_path / "mirror")
    (file,) = folder.iterdir()
    without_a_tenth(mirror / source / newest / file.name, file, at_random)
    settings = installation(tmp_path, f"mirror:{tmp_path / 'mirror'}")
    verdicts = run_stages(settings, source)
    assert [(v.vintage, v.state) for v in verdicts] == [(v, "accepted") for v in BEFORE[source]] + [(newest, "held")]
    assert history(settings, source)["first_vintage"].max() < pl.Series([newest]).str.to_date()[0]


def test_a_damaged_copy_under_the_date_of_a_good_file_does_not_silence_it(mirror: Path, tmp_path: Path) -> None:
    """A mirror that was being written: the same release date, then a file cut short, then the whole one again."""
    source, newest = "cbp_drug_seizures", TENTH["cbp_drug_seizures"].good
    for vintage in [*BEFORE[source], newest]:
        folder = copy_vintage(mirror, source, vintage, tmp_path / "mirror")
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    settings = installation(tmp_path, f"mirror:{tmp_path / 'mirror'}")
    run_stages(settings, source)
    good = history(settings, source)

    without_a_tenth(file, file, at_random=False)
    states = {v.archive_id: v.state for v in run_stages(settings, source)}
    assert states[newest] == "accepted"
    assert states[f"{newest}.2"] == "held"
    assert history(settings, source).equals(good)

    file.write_bytes(whole)
    run_stages(settings, source)
    assert history(settings, source).equals(good)
    assert [v.id for v in list_archive(settings.data_raw, "official", source)][-2:] == [newest, f"{newest}.2"]


# --- a source that has not been updated for months ------------------------------------------------------------


@pytest.fixture
def aged(official_release: Settings, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the release whose stored due dates can be moved; its view is read with today's date."""
    shutil.copyfile(official_release.current.resolve() / "drugflow.duckdb", tmp_path / "copy.duckdb")
    connection = duckdb.connect(str(tmp_path / "copy.duckdb"))
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("next_expected", "word"),
    [
        ("current_date + 1", "fresh"),
        ("current_date", "fresh"),
        ("current_date - 1", "due"),
        ("current_date - grace_days", "due"),
        ("current_date - grace_days - 1", "late"),
        ("current_date - 400", "late"),
    ],
)
def test_freshness_ages_without_a_build(aged: duckdb.DuckDBPyConnection, next_expected: str, word: str) -> None:
    aged.execute(f"update meta.source_facts set next_expected = {next_expected}")
    assert rows(aged, "select distinct freshness from meta.sources") == [(word,)]


LATE = "select source_id, text_en, text_es, tables from meta.cautions where code like 'late%' order by code"


def test_a_release_tells_beside_its_tables_that_a_source_became_late(aged: duckdb.DuckDBPyConnection) -> None:
    aged.execute("update meta.source_facts set next_expected = current_date")
    assert rows(aged, LATE) == []
    aged.execute(f"update meta.source_facts set next_expected = current_date - 400 where source_id = '{BTS}'")
    day = (date.today() - timedelta(days=400)).isoformat()
    ((source, en, es, tables),) = rows(aged, LATE)
    assert source == BTS
    assert f"overdue since {day}. Its newest period is 2025-02. That nothing newer is here" in en
    assert f"atrasada desde el {day}. Su periodo más reciente es 2025-02. Que aquí" in es
    assert {"border_crossings_monthly", "crossing_trends", "seizures_per_crossing", "dim_port", BTS} <= set(tables)


def test_where_parts_go_further_the_late_source_says_so(official_release: Settings) -> None:
    with open_release(official_release) as connection:
        found = {source: (en, es) for source, en, es, _ in rows(connection, LATE)}
    english, spanish = found["cdc_vsrr_overdose"]
    assert "Its newest period is 2025-02, of parts of it 2026-01." in english
    assert "Su periodo más reciente es 2025-02, y el de algunas partes 2026-01." in spanish


def test_the_parquet_copy_of_the_cautions_has_what_was_late_at_its_building(official_release: Settings) -> None:
    copy = f"'{official_release.current.resolve() / 'parquet' / 'meta' / 'cautions.parquet'}'"
    with open_release(official_release) as connection:
        assert duckdb.sql(LATE.replace("meta.cautions", copy)).fetchall() == rows(connection, LATE)
        assert (BTS, "late") in rows(connection, "select source_id, freshness from meta.sources")


def test_a_query_of_a_late_source_is_told_on_standard_error(official_release: Settings, command: Command) -> None:
    done = command(official_release, "sql", "select count(*) as n from marts.crossing_trends", "--format", "csv")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "n"
    assert re.fullmatch(r"Border Crossing Entry Data: this source is overdue since 2025-\d\d-\d\d\. .*\n", done.stderr)


def test_a_refresh_ends_with_how_many_sources_are_late(second_publish: SecondPublish) -> None:
    (line,) = [text for text in second_publish.done.stdout.splitlines() if "sources are late" in text]
    assert re.search(r"bts_border_crossings \d{3,} days.* since the next period was expected", line)
    assert "'drugflow add SOURCE FILE --published YYYY-MM-DD'" in line


def test_a_source_without_an_accepted_file_has_no_data(aged: duckdb.DuckDBPyConnection) -> None:
    aged.execute("update meta.source_facts set last_period = null, next_expected = null")
    assert rows(aged, "select distinct freshness from meta.sources") == [("no_data",)]


def test_a_monthly_source_that_ended_in_february_2025_is_late(official_release: Settings) -> None:
    with open_release(official_release) as connection:
        found = one(
            connection,
            "select last_period::varchar, freshness from meta.sources where source_id = 'bts_border_crossings'",
        )
    assert found == ("2025-02-01", "late")


def test_a_yearly_source_that_missed_its_day_is_not_fresh(official_release: Settings) -> None:
    """Estimates for 1 July 2024; those for 1 July 2025 come 260 days after it: 18 March 2026, a day for leap years."""
    with open_release(official_release) as connection:
        query = "select next_expected, freshness from meta.sources where source_id = 'census_population'"
        expected, word = one(connection, query)
    assert date(2026, 3, 18) <= expected <= date(2026, 3, 19)
    assert (word == "fresh") == (date.today() <= expected)


def test_one_fresh_excerpt_does_not_make_its_source_look_fresh(official_release: Settings, mirror: Path) -> None:
    """CDC's excerpt of June 2026 has T40.4 alone; everything else is that of July 2025."""
    folder = mirror / "cdc_vsrr_overdose"
    excerpt = f"from '{folder}/2026-06-27/xkb8-kh2a_t404.csv'"
    whole = f"from '{folder}/2025-07-16/xkb8-kh2a.parquet'"
    newest = "max(make_date(year::integer, month(strptime(month, '%B')), 1))"
    with open_release(official_release) as connection:
        last = duckdb.sql(f"select {newest} {whole}").fetchall()[0][0]
        furthest = duckdb.sql(f"select {newest} {excerpt}").fetchall()[0][0]
        said = "select last_period, furthest_period from meta.sources where source_id = 'cdc_vsrr_overdose'"
        assert one(connection, said) == (last, furthest)
        assert (last, furthest) == (date(2025, 2, 1), date(2026, 1, 1))
        behind = rows(
            connection,
            "select indicator_id from marts.overdose_deaths_12mo group by all having max(month_ending) < '2026-01-01'",
        )
        texts = one(
            connection,
            "select text_en, text_es from meta.cautions "
            "where code = 'uneven_cdc_vsrr_overdose' and list_contains(tables, 'overdose_deaths_12mo')",
        )
    assert len(behind) == 10
    for text, word in zip(texts, ("ntil", "asta"), strict=True):
        ended, further = text.split(f"{word} 2026-01")
        assert [i for (i,) in behind if i not in ended] == []
        assert f"{word} 2025-02" in ended
        assert further.split(".")[0].endswith("synthetic_opioids_t404")


def test_status_says_late_and_is_no_failure(official_release: Settings, command: Command) -> None:
    done = command(official_release, "status", "--json")
    assert done.returncode == 0
    found = {s["source"]: s for s in json.loads(done.stdout)["sources"]}
    assert found["bts_border_crossings"]["state"] == "late"
    deaths = found["cdc_vsrr_overdose"]
    assert (deaths["newest_period"], deaths["furthest_period"]) == ("2025-02-01", "2026-01-01")
    assert {"part": "drug_overdose", "newest_period": "2025-02-01"} in deaths["parts"]
    assert "cdc_vsrr_overdose goes to 2026-01-01 for synthetic_opioids_t404 alone" in (
        command(official_release, "status").stdout
    )


# --- a sample over an official release ------------------------------------------------------------------------


def test_a_sample_never_replaces_an_official_release(second_publish: SecondPublish, command: Command) -> None:
    settings = second_publish.settings
    before = settings.current.resolve(), sorted(p.name for p in settings.releases.iterdir())
    done = command(settings, "refresh", "--origin", "sample")
    assert done.returncode == 2
    assert "is official, and a SAMPLE never replaces it" in done.stderr
    assert "DRUGFLOW_DATA_MARTS=" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert (settings.current.resolve(), sorted(p.name for p in settings.releases.iterdir())) == before
    assert not (settings.data_raw / "sample").exists()


# --- SAMPLE wherever it shows ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(sample_release: Settings) -> Path:
    """The folder of the sample release."""
    return sample_release.current.resolve()


def test_the_release_is_called_a_sample(sample: Path) -> None:
    assert sample.name.endswith("-SAMPLE")
    with duckdb.connect(str(sample / "drugflow.duckdb"), read_only=True) as connection:
        assert rows(connection, "select realm, origin, is_sample from meta.release") == [("sample", "sample", True)]
        caution = one(connection, "select text_en, text_es, tables from meta.cautions where code = 'sample_release'")
        assert rows(connection, "select distinct freshness from meta.sources") == [("sample",)]
        assert rows(connection, LATE) == []
        of_a_table = "select count(*) from meta.cautions where code = 'sample_release' and list_contains(tables, '{}')"
        tables = rows(connection, "select distinct table_name from meta.dictionary")
        assert [t for (t,) in tables if one(connection, of_a_table.format(t)) == 0] == []
    assert all("SAMPLE" in text for text in caution[:2])
    assert json.loads((sample / "manifest.json").read_text("utf-8"))["realm"] == "sample"


def test_every_parquet_file_says_sample(sample: Path) -> None:
    files = list((sample / "parquet").rglob("*.parquet"))
    assert len(files) > 20
    for file in files:
        said = pq.read_metadata(file).metadata
        assert (file.name, said[b"drugflow_realm"]) == (file.name, b"sample")
        assert said[b"drugflow_release"].decode() == sample.name


def test_every_comment_of_a_table_says_sample(sample: Path) -> None:
    with duckdb.connect(str(sample / "drugflow.duckdb"), read_only=True) as connection:
        comments = rows(
            connection,
            "select table_name, comment from duckdb_tables() where not internal "
            "union all select view_name, comment from duckdb_views() where not internal "
            "union all select function_name, comment from duckdb_functions() "
            "where function_type = 'table_macro' and schema_name = 'main' and not internal",
        )
    assert len(comments) > 40
    assert [name for name, text in comments if not text.startswith("SAMPLE: generated data, not official. ")] == []


def test_the_data_package_says_sample(sample: Path) -> None:
    package = json.loads((sample / "datapackage.json").read_text("utf-8"))
    texts = [package["title"], package["description"], *(r["description"] for r in package["resources"])]
    assert [text for text in texts if not text.startswith("SAMPLE")] == []
    assert package["realm"] == "sample"


def test_every_validation_page_says_sample(sample: Path) -> None:
    pages = list((sample / "data_docs").rglob("*.html"))
    assert len(pages) > 20
    bodies = {p.name: re.sub(r"(?s)<head>.*?</head>", "", p.read_text("utf-8")) for p in pages}
    assert [name for name, body in bodies.items() if "SAMPLE" not in body] == []


def test_every_sample_file_name_says_sample(sample_release: Settings) -> None:
    for folder in (sample_release.data_raw / "sample").rglob("[!.]*"):
        if folder.is_file() and folder.name != "receipt.json":
            assert "SAMPLE" in folder.name
    assert not (sample_release.data_raw / "official").exists()


def test_the_command_line_says_sample(sample_release: Settings, command: Command) -> None:
    answer = command(sample_release, "sql", "select count(*) as n from marts.dim_drug", "--format", "csv")
    assert answer.returncode == 0
    assert answer.stdout == f"SAMPLE,n\n{sample_release.current.resolve().name},10\n"
    assert "SAMPLE" in answer.stderr
    assert "SAMPLE" in command(sample_release, "status").stdout


def test_verify_proves_nothing_on_a_sample(sample_release: Settings, command: Command) -> None:
    done = command(sample_release, "verify")
    assert done.returncode == 0
    assert "0 held, 0 failed, 47 not testable here, 0 known disagreements." in done.stderr
    assert "This is a SAMPLE release: its agreement with published totals proves nothing." in done.stderr


def test_verify_shows_what_the_marts_say_where_a_later_vintage_revised_a_total(
    official_release: Settings, mirror: Path, command: Command
) -> None:
    """Deaths of 2023 as reported in January 2025 hold; the marts have those of July 2025."""
    file = mirror / "cdc_vsrr_overdose" / "2025-07-16" / "xkb8-kh2a.parquet"
    where = "State = 'US' and Year = 2023 and Month = 'December' and Indicator = 'Number of Drug Overdose Deaths'"
    (raw,) = duckdb.sql(f"select \"Data Value\" from '{file}' where {where}").fetchall()
    found = {o["total"]["id"]: o for o in json.loads(command(official_release, "verify", "--json").stdout)}
    total = found["vsrr_od_dec2023_rep"]
    assert (total["verdict"], total["ours"], total["in_marts"]) == ("held", 107682, raw[0])
    assert (total["marts_vintage"], total["differs_today"]) == ("2025-07-16", True)
    said = command(official_release, "verify")
    assert f"{raw[0]:,.0f} (2025-07-16)" in said.stdout
    assert "in the marts today" in said.stderr


def test_an_official_release_never_says_sample(official_release: Settings, command: Command) -> None:
    done = command(official_release, "verify")
    assert (done.returncode, "SAMPLE" in done.stdout + done.stderr) == (0, False)
    assert "45 held, 0 failed, 0 not testable here, 2 known disagreements." in done.stderr
    folder = official_release.current.resolve()
    package = json.loads((folder / "datapackage.json").read_text("utf-8"))
    assert "SAMPLE" not in package["title"] + package["description"]
    assert (package["realm"], folder.name.endswith("SAMPLE")) == ("official", False)
    assert "SAMPLE" not in (folder / "data_docs" / "index.html").read_text("utf-8")
    assert (
        pq.read_metadata(folder / "parquet" / "marts" / "dim_drug.parquet").metadata[b"drugflow_realm"] == b"official"
    )
