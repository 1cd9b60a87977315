"""Two bad vintages in one refresh of real files: what is released, what analysts read, how an operator goes on.

The mirror has a small real vintage of each source. Above them lie a newest CBP file with a drug that nobody
knows in one row, and a newest BTS file that is the error page of the site. Then an operator accepts the first
as it is and adds the right file for the second.
"""

from __future__ import annotations

import csv
import gzip
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.core.settings import Settings
from pipelines.refresh.refresh import Outcome
from tests.conftest import installation, run_refresh
from tests.faults.house import assert_plain

CBP, BTS = "cbp_drug_seizures", "bts_border_crossings"
SMALL = {
    CBP: "2024-04-08",
    "cbp_amo_drug_seizures": "2026-01-15",
    "cdc_vsrr_overdose": "2017-12-16",
    "cdc_wonder_overdose": "2025-04-21",
    "census_population": "2024-12-19",
}
OLD_BTS, NEW_BTS, BAD_CBP = "2022-09-27", "2025-04-01", "2026-01-15"
BAD_BTS = "2025-04-02"
"""A day later than the real file: totals that are published for the whole file do not hold for a part of it."""
CBP_FILE, BTS_FILE = "nationwide-drugs-fy23-fy26-dec.csv", "Border_Crossing_Entry_Data.csv"
PAGE = b"<!DOCTYPE html>\n<html><head><title>403 Forbidden</title></head></html>\n"
# A row that is in none of the published totals, or the release would rightly stop there.
SPOILT = "2025,DEC,Office of Field Operations,Southwest Border,Land Only,TUCSON FIELD OFFICE,Heroin,"
REASON = "CBP confirmed by mail that the row stays out until it is renamed"


@dataclass(frozen=True)
class Site:
    """The installation, the release of one refresh, and what the command line said beside it."""

    settings: Settings
    outcome: Outcome
    release: Path
    status: subprocess.CompletedProcess[str]
    spoilt_line: int
    spoilt_pounds: float

    def one(self, query: str) -> tuple[Any, ...]:
        """The only row of a query on the release."""
        (row,) = self.rows(query)
        return row

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query on the release."""
        with duckdb.connect(str(self.release / "drugflow.duckdb"), read_only=True) as connection:
            return connection.sql(query).fetchall()


def drugflow(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line as an operator runs it."""
    places = {
        "DRUGFLOW_DATA_RAW": str(settings.data_raw),
        "DRUGFLOW_DATA_MARTS": str(settings.data_marts),
        "DRUGFLOW_DAGSTER_HOME": str(settings.dagster_home),
    }
    command = str(Path(sys.executable).with_name("drugflow"))
    return subprocess.run(
        [command, *arguments], env={**os.environ, **places}, capture_output=True, text=True, check=False
    )


def recent_crossings(packed: Path) -> bytes:
    """Header and rows of 2020 and later of a real file: the whole one would only cost time."""
    header, *rows = gzip.decompress(packed.read_bytes()).splitlines(keepends=True)
    return header + b"".join(r for r in rows if re.search(rb",[A-Z][a-z]{2} 202\d,", r))


def only_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad_input")


@pytest.fixture(scope="module")
def first(mirror: Path, place: Path) -> Site:
    """The refresh that meets both bad vintages."""
    ours = place / "mirror"
    for source, vintage in SMALL.items():
        (ours / source / vintage).mkdir(parents=True)
        for file in (mirror / source / vintage).iterdir():
            (ours / source / vintage / file.name).symlink_to(file)
    for vintage in (OLD_BTS, BAD_BTS):
        (ours / BTS / vintage).mkdir(parents=True)
    old = recent_crossings(only_file(mirror / BTS / OLD_BTS))
    (ours / BTS / OLD_BTS / BTS_FILE).write_bytes(old)
    (ours / BTS / BAD_BTS / BTS_FILE).write_bytes(PAGE)
    lines = (mirror / CBP / BAD_CBP / CBP_FILE).read_text("utf-8").splitlines(keepends=True)
    (at,) = (n for n, text in enumerate(lines) if text.startswith(SPOILT))
    pounds = float(lines[at].rsplit(",", 1)[1])
    lines[at] = lines[at].replace("Heroin", "Nitazenes")
    (ours / CBP / BAD_CBP).mkdir()
    (ours / CBP / BAD_CBP / CBP_FILE).write_text("".join(lines), "utf-8", newline="")
    settings = installation(place, f"mirror:{ours}")
    outcome = run_refresh(settings)
    return Site(settings, outcome, settings.current.resolve(), drugflow(settings, "status"), at + 1, pounds)


@pytest.fixture(scope="module")
def untouched(first: Site) -> Outcome:
    """A refresh in which nothing changed."""
    return run_refresh(first.settings)


@pytest.fixture(scope="module")
def commands(first: Site, untouched: Outcome, mirror: Path, place: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    """What the operator types: an exception that is refused, one that is recorded, and the right file."""
    right = place / "downloads" / BTS_FILE
    right.parent.mkdir()
    right.write_bytes(recent_crossings(only_file(mirror / BTS / NEW_BTS)))
    return {
        "page": drugflow(first.settings, "accept", BTS, BAD_BTS, "--reason", "we want it all the same"),
        "short": drugflow(first.settings, "accept", CBP, BAD_CBP, "--reason", "fine"),
        "accept": drugflow(first.settings, "accept", CBP, BAD_CBP, "--reason", REASON),
        "add": drugflow(first.settings, "add", BTS, str(right), "--published", BAD_BTS),
    }


@pytest.fixture(scope="module")
def second(first: Site, commands: dict[str, subprocess.CompletedProcess[str]]) -> Site:
    """The refresh after the operator went on."""
    outcome = run_refresh(first.settings)
    return Site(
        first.settings, outcome, first.settings.current.resolve(), drugflow(first.settings, "status"),
        first.spoilt_line, first.spoilt_pounds,
    )  # fmt: skip


@pytest.fixture(scope="module")
def raw(mirror: Path, place: Path, first: Site) -> Iterator[duckdb.DuckDBPyConnection]:
    """The agencies' files as tables, for expected figures."""
    connection = duckdb.connect()
    for name, vintage in (("cbp_old", SMALL[CBP]), ("cbp_new", BAD_CBP)):
        connection.read_csv(str(only_file(mirror / CBP / vintage)), all_varchar=True).to_table(name)
    for name, vintage in (("bts_old", OLD_BTS), ("bts_new", NEW_BTS)):
        file = place / f"{name}.csv"
        file.write_bytes(recent_crossings(only_file(mirror / BTS / vintage)))
        connection.read_csv(str(file), all_varchar=True).to_table(name)
    yield connection
    connection.close()


def by_year(raw: duckdb.DuckDBPyConnection, table: str) -> dict[Any, Any]:
    """Pounds of heroin by fiscal year, straight from CBP's file."""
    return dict(
        raw.sql(
            f"""select cast(left("FY", 4) as integer), sum(cast("Sum Qty (lbs)" as double)) from {table}
            where "Drug Type" = 'Heroin' group by 1 order by 1"""
        ).fetchall()
    )


HEROIN = "select fiscal_year, sum(quantity_lb) from marts.seizures_monthly where drug_id = 'heroin' group by 1"
TRUCKS = """select count(*), sum(crossings), max(month)::varchar from marts.border_crossings_monthly
    where measure_id = 'trucks'"""


def trucks(raw: duckdb.DuckDBPyConnection, table: str) -> tuple[Any, ...]:
    """Port months of trucks, their sum, and the newest month, straight from the BTS file."""
    row = raw.sql(
        f"""select count(*), sum("Value"::bigint), max(strptime("Date", '%b %Y'))::date::varchar from {table}
        where "Measure" = 'Trucks'"""
    ).fetchone()
    assert row is not None
    return row


# --- the refresh that meets both ------------------------------------------------------------------------------


def test_a_release_is_published_and_the_exit_code_says_that_something_is_blocked(first: Site) -> None:
    assert first.outcome.failure is None
    assert first.outcome.manifest is not None
    assert first.outcome.exit_code == 1


def test_each_blocked_vintage_has_one_sentence_with_file_line_and_value(first: Site) -> None:
    page, drug = map(str, first.outcome.blocked)
    assert page.startswith(f"{BTS} {BAD_BTS} is held back: {BTS_FILE}, line 1: this is a web page ('<!DOCTYPE html>")
    assert drug.startswith(f"{CBP} {BAD_CBP} is held back: rejected_rows failed (1 row): ")
    assert f"{CBP_FILE}, line {first.spoilt_line}: Drug Type 'Nitazenes' is unknown" in drug
    assert_plain(page)
    assert_plain(drug)


def test_the_other_sources_are_released(first: Site) -> None:
    found = dict(first.rows("select source_id, last_vintage::varchar from meta.sources"))
    assert found == {**SMALL, BTS: OLD_BTS}
    for table in ("amo_seizures_monthly", "overdose_deaths_12mo", "overdose_deaths_monthly", "population_yearly"):
        assert first.one(f"select count(*) > 0 from marts.{table}") == (True,)


def test_seizures_are_those_of_the_last_good_file(first: Site, raw: duckdb.DuckDBPyConnection) -> None:
    assert dict(first.rows(HEROIN)) == pytest.approx(by_year(raw, "cbp_old"))
    assert first.one("select max(month)::varchar, max(vintage)::varchar from marts.seizures_monthly") == (
        "2024-03-01", SMALL[CBP],
    )  # fmt: skip


def test_crossings_are_those_of_the_last_good_file(first: Site, raw: duckdb.DuckDBPyConnection) -> None:
    assert first.one(TRUCKS) == trucks(raw, "bts_old")


def test_the_release_tells_which_vintages_are_held_and_why(first: Site) -> None:
    held = first.rows(
        "select source_id, archive_id, problem, record_count, row_count, rejected, added + revised + withdrawn "
        "from meta.vintages where state = 'held' order by source_id"
    )
    told = [problem.said("en", advice=False) for problem in first.outcome.blocked]
    said = [sentence.split(" is held back: ", 1)[1] for sentence in told]
    with (first.settings.data_raw / "official" / CBP / BAD_CBP / CBP_FILE).open(encoding="utf-8", newline="") as file:
        records = sum(1 for _ in csv.reader(file)) - 1
    assert held == [(BTS, BAD_BTS, said[0], 0, 0, 0, 0), (CBP, BAD_CBP, said[1], records, records - 1, 1, 0)]


def test_the_cautions_tell_it_in_both_languages(first: Site) -> None:
    for source, vintage, table in (
        (CBP, BAD_CBP, "seizures_monthly"),
        (BTS, BAD_BTS, "border_crossings_monthly"),
    ):
        en, es, tables = first.one(
            f"select text_en, text_es, tables from meta.cautions where code = 'held_{source}_{vintage}'"
        )
        assert "is held back" in str(en)
        assert "está retenida" in str(es)
        assert table in tables


def test_the_failed_checks_are_in_the_release(first: Site) -> None:
    failed = first.rows(
        "select source_id, vintage::varchar, check_name from meta.checks "
        "where not passed and severity = 'critical' order by 1"
    )
    assert failed == [(BTS, BAD_BTS, "readable"), (CBP, BAD_CBP, "rejected_rows")]


def test_the_archive_has_every_file_byte_for_byte(first: Site, place: Path) -> None:
    for file in (f for f in (place / "mirror").rglob("*") if f.is_file() and f.name != "vintage.json"):
        archived = first.settings.data_raw / "official" / file.relative_to(place / "mirror")
        assert archived.read_bytes() == file.read_bytes()


def test_status_shows_what_is_held_and_how_to_go_on(first: Site) -> None:
    said = first.status.stdout
    assert first.status.returncode == 1
    assert f"{BTS} {BAD_BTS} is held back" in said
    assert f"drugflow add {BTS} FILE --published {BAD_BTS}" in said
    assert f"{CBP} {BAD_CBP} is held back" in said
    assert f"drugflow accept {CBP} {BAD_CBP} --reason" in said
    assert f"drugflow accept {BTS}" not in said
    assert len(re.findall(r"\bblocked\b", said)) == 2


def test_status_shows_no_traceback(first: Site) -> None:
    for line in (first.status.stdout + first.status.stderr).splitlines():
        assert_plain(line)


def test_a_refresh_in_which_nothing_changed_still_says_what_is_blocked(first: Site, untouched: Outcome) -> None:
    assert not untouched.changed
    assert untouched.blocked == first.outcome.blocked
    assert untouched.exit_code == 1


# --- the operator goes on -------------------------------------------------------------------------------------


def test_a_page_cannot_be_accepted(commands: dict[str, subprocess.CompletedProcess[str]]) -> None:
    refused = commands["page"]
    assert refused.returncode == 2
    assert f"{BTS} {BAD_BTS} cannot be read, so it has no rows to accept" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_exception_needs_a_reason_that_can_be_judged(
    commands: dict[str, subprocess.CompletedProcess[str]],
) -> None:
    assert commands["short"].returncode == 2
    assert "Give a reason" in commands["short"].stderr


def test_the_exception_and_the_right_file_are_recorded(
    commands: dict[str, subprocess.CompletedProcess[str]],
) -> None:
    assert (commands["accept"].returncode, commands["add"].returncode) == (0, 0)
    assert f"Archived {BTS} {BAD_BTS}.2" in commands["add"].stdout


def test_the_next_refresh_publishes_and_is_blocked_by_nothing(first: Site, second: Site) -> None:
    assert second.outcome.failure is None
    assert (second.outcome.blocked, second.outcome.exit_code) == ([], 0)
    assert second.release != first.release
    assert second.status.returncode == 0
    assert "held back" not in second.status.stdout


def test_the_accepted_vintage_is_published_without_its_bad_row(second: Site, raw: duckdb.DuckDBPyConnection) -> None:
    """Closed years of the file before stay, the new file owns its own; the row's pounds are missing in one year."""
    expected = {**by_year(raw, "cbp_old"), **by_year(raw, "cbp_new")}
    expected[2025] -= second.spoilt_pounds
    assert dict(second.rows(HEROIN)) == pytest.approx(expected)
    assert second.one("select max(month)::varchar from marts.seizures_monthly") == ("2025-12-01",)


def test_the_exception_is_told_with_its_reason(second: Site) -> None:
    (en,) = second.one(f"select text_en from meta.cautions where code = 'exception_{CBP}_{BAD_CBP}'")
    assert REASON in str(en)
    (en,) = second.one(f"select text_en from meta.cautions where code = 'rejected_{CBP}_{BAD_CBP}'")
    assert str(en).startswith("1 record ")
    assert second.one("select count(*) from meta.cautions where code like 'held%'") == (0,)
    state, problem = second.one(
        f"select state, problem from meta.vintages where source_id = '{CBP}' and archive_id = '{BAD_CBP}'"
    )
    assert state == "accepted_by_exception"
    assert "'Nitazenes' is unknown" in str(problem)


def test_the_right_file_heals_its_source(second: Site, raw: duckdb.DuckDBPyConnection) -> None:
    assert second.one(TRUCKS) == trucks(raw, "bts_new")
    states = second.rows(f"select archive_id, state from meta.vintages where source_id = '{BTS}' order by 1")
    assert states == [(OLD_BTS, "accepted"), (f"{BAD_BTS}.2", "accepted")]


def test_the_bad_bytes_are_still_in_the_archive(second: Site) -> None:
    assert (second.settings.data_raw / "official" / BTS / BAD_BTS / BTS_FILE).read_bytes() == PAGE
