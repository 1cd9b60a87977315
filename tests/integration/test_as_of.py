"""What was known on a day: the three as-of macros of the real release, against the raw files of that day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.core.settings import Settings
from tests.conftest import installation
from tests.integration.raw_files import one, rows
from tests.integration.stage_tools import copy_vintage, macros_over, run_stages

FACTS = {
    "seizures_as_of": "seizures_monthly",
    "overdose_deaths_as_of": "overdose_deaths_12mo",
    "crossings_as_of": "border_crossings_monthly",
}
FIRST = {"seizures_as_of": "2022-11-15", "overdose_deaths_as_of": "2017-12-16", "crossings_as_of": "2019-08-21"}


# --- any macro ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("macro", "fact"), FACTS.items())
def test_as_of_today_is_the_fact_table_row_for_row(db: duckdb.DuckDBPyConnection, macro: str, fact: str) -> None:
    macro_rows, fact_rows = f"select * from {macro}(current_date)", f"select * from marts.{fact}"
    assert rows(db, f"{macro_rows} except all {fact_rows}") == []
    assert rows(db, f"{fact_rows} except all {macro_rows}") == []


@pytest.mark.parametrize(("macro", "fact"), FACTS.items())
def test_the_macro_has_the_columns_of_the_fact_table(db: duckdb.DuckDBPyConnection, macro: str, fact: str) -> None:
    def columns(query: str) -> list[tuple[str, str]]:
        return [(name, kind) for name, kind, *_ in rows(db, f"describe {query}")]

    assert columns(f"from {macro}(current_date)") == columns(f"from marts.{fact}")


@pytest.mark.parametrize(("macro", "day"), FIRST.items())
def test_before_the_first_release_nothing_was_known(db: duckdb.DuckDBPyConnection, macro: str, day: str) -> None:
    assert one(db, f"select count(*) from {macro}(date '{day}' - 1)") == 0
    assert one(db, f"select count(*) from {macro}(date '{day}')") > 0


@pytest.mark.parametrize("macro", FACTS)
def test_no_row_comes_from_a_later_release(db: duckdb.DuckDBPyConnection, macro: str) -> None:
    for day in ("2019-04-24", "2022-11-15", "2024-05-01", "2025-07-15"):
        later = one(
            db,
            f"select count(*) from {macro}(date '{day}') where vintage > date '{day}' or first_vintage > date '{day}' "
            "or first_vintage > vintage",
        )
        assert later == 0


# --- overdose deaths ------------------------------------------------------------------------------------------


def test_deaths_of_december_2023_as_february_2025_knew_them(db: duckdb.DuckDBPyConnection) -> None:
    key = "jurisdiction_id = 'US' and month_ending = date '2023-12-01' and indicator_id = 'drug_overdose'"
    then = f"select deaths_reported, deaths_predicted from overdose_deaths_as_of(date '2025-02-01') where {key}"
    assert one(db, then) == (107_682, 108_472)
    assert one(db, f"select deaths_reported from marts.overdose_deaths_12mo where {key}") == 106_881


def test_a_withdrawn_count_is_missing_with_that_reason(db: duckdb.DuckDBPyConnection) -> None:
    """West Virginia's drug classes were in the release of 2017 and not in that of April 2019."""
    gone = rows(
        db,
        """
        select jurisdiction_id, month_ending, indicator_id from memory.raw.vsrr where vintage = date '2017-12-16'
        except
        select jurisdiction_id, month_ending, indicator_id from memory.raw.vsrr where vintage = date '2019-04-24'
        """,
    )
    assert len(gone) == 174
    query = "select jurisdiction_id, month_ending, indicator_id from overdose_deaths_as_of(date '{}') where {}"
    assert set(rows(db, query.format("2019-04-24", "missing_reason = 'withdrawn'"))) == set(gone)
    assert set(rows(db, query.format("2019-04-24", "predicted_missing_reason = 'withdrawn'"))) == set(gone)
    assert rows(db, query.format("2019-04-23", "missing_reason = 'withdrawn'")) == []
    shown = rows(
        db,
        "select distinct deaths_reported, deaths_predicted, percent_complete, vintage, first_vintage "
        "from overdose_deaths_as_of(date '2019-04-24') where missing_reason = 'withdrawn'",
    )
    assert shown == [(None, None, None, date(2019, 4, 24), date(2019, 4, 24))]


def test_a_withdrawn_count_that_comes_back_is_a_figure_again(db: duckdb.DuckDBPyConnection) -> None:
    back = one(
        db,
        "select count(deaths_reported) from marts.overdose_deaths_12mo where jurisdiction_id = 'US-WV' "
        "and indicator_id = 'heroin_t401' and month_ending <= date '2017-05-01'",
    )
    assert back == 29
    assert one(db, "select count(*) from marts.overdose_deaths_12mo where missing_reason = 'withdrawn'") == 0


def test_two_export_styles_of_one_release_say_the_same(db: duckdb.DuckDBPyConnection) -> None:
    figures = "select * exclude (vintage, percent_specified_vintage) from overdose_deaths_as_of(date '{}')"
    first, second = figures.format("2019-04-24"), figures.format("2019-04-30")
    assert rows(db, f"({first} except all {second}) union all ({second} except all {first})") == []
    new = one(db, "select count(*) from history.cdc_vsrr_overdose where first_vintage = date '2019-04-30'")
    assert new == 0


def test_a_release_of_one_indicator_withdraws_nothing(db: duckdb.DuckDBPyConnection) -> None:
    """The release of June 2026 has T40.4 only and is partial: all other figures stay as they were."""
    withdrawn = "select count(*) from history.cdc_vsrr_overdose where change = 'withdrawn' and first_vintage > date "
    assert one(db, f"{withdrawn} '2025-07-16'") == 0
    others = "select * from overdose_deaths_as_of(date '{}') where indicator_id <> 'synthetic_opioids_t404'"
    before, after = others.format("2026-06-26"), others.format("2026-06-27")
    assert rows(db, f"({before} except all {after}) union all ({after} except all {before})") == []
    assert one(db, f"select count(*) from ({after})") > 60_000


def test_a_release_of_one_indicator_revises_and_extends_that_indicator(db: duckdb.DuckDBPyConnection) -> None:
    national = (
        "select max(month_ending), max(vintage), max_by(deaths_reported, month_ending) "
        "from overdose_deaths_as_of(date '{}') where jurisdiction_id = 'US' and indicator_id = 'synthetic_opioids_t404'"
    )
    assert one(db, national.format("2026-06-26"))[:2] == (date(2025, 2, 1), date(2025, 7, 16))
    assert one(db, national.format("2026-06-27")) == (date(2026, 1, 1), date(2026, 6, 27), 36_825)


# --- seizures -------------------------------------------------------------------------------------------------


def test_the_running_year_differed_and_the_closed_one_did_not(db: duckdb.DuckDBPyConnection) -> None:
    """Fentanyl of October to March of fiscal years 2023 and 2024 as May 2024 knew it, and as it is now."""
    sums = (
        "select fiscal_year, round(sum({}), 2), sum(events) from {} where drug_id = 'fentanyl' "
        "and fiscal_year in (2023, 2024) and month(month) in (10, 11, 12, 1, 2, 3) and {} group by 1 order by 1"
    )
    raw_then = rows(db, sums.format("pounds", "memory.raw.cbp", "vintage = date '2024-04-08'"))
    raw_now = rows(db, sums.format("pounds", "memory.raw.cbp", "vintage = date '2026-01-15'"))
    assert raw_then[0] == raw_now[0]
    assert raw_then[1] == (2024, 10_026.44, 508)
    assert raw_now[1] == (2024, 10_030.47, 512)
    assert rows(db, sums.format("quantity_lb", "seizures_as_of(date '2024-05-01')", "true")) == raw_then
    assert rows(db, sums.format("quantity_lb", "marts.seizures_monthly", "true")) == raw_now


def test_the_whole_closed_year_agrees_in_every_row(db: duckdb.DuckDBPyConnection) -> None:
    different = one(
        db,
        """
        select count(*)
        from (select * from seizures_as_of(date '2024-05-01') where fiscal_year = 2023) as before
        full join (select * from marts.seizures_monthly where fiscal_year = 2023) as today
            using (month, component, region, land_filter, area_id, drug_id)
        where before.events is distinct from today.events
            or coalesce(abs(before.quantity_lb - today.quantity_lb) > 1e-6, true)
        """,
    )
    assert different == 0


def test_the_running_year_is_marked_until_it_closes(db: duckdb.DuckDBPyConnection) -> None:
    running = "select distinct fiscal_year from {} where is_fytd"
    assert rows(db, running.format("seizures_as_of(date '2024-05-01')")) == [(2024,)]
    assert rows(db, running.format("marts.seizures_monthly")) == [(2026,)]


def test_zeros_are_filled_only_inside_the_window_known_that_day(db: duckdb.DuckDBPyConnection) -> None:
    window = "select min(month), max(month), count(distinct month) from seizures_as_of(date '{}')"
    assert one(db, window.format("2023-01-01")) == (date(2018, 10, 1), date(2022, 9, 1), 48)
    assert one(db, window.format("2024-05-01")) == (date(2018, 10, 1), date(2024, 3, 1), 66)


def test_places_not_yet_seen_have_no_row(db: duckdb.DuckDBPyConnection) -> None:
    place = "component, region, land_filter, area_id"
    wanted = rows(db, f"select distinct {place} from memory.raw.cbp where vintage = date '2022-11-15' order by all")
    assert rows(db, f"select distinct {place} from seizures_as_of(date '2023-01-01') order by all") == wanted


@pytest.fixture(scope="module")
def vanished(
    official_release: Settings, mirror: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[str]]]:
    """Seizures where a second release lacks three rows of its running year; and those rows as the file has them.

    No real pair of releases at hand lost a row, though other pairs did.
    """
    folder = tmp_path_factory.mktemp("vanished")
    copy_vintage(mirror, "cbp_drug_seizures", "2024-04-08", folder / "mirror")
    later = copy_vintage(mirror, "cbp_drug_seizures", "2024-04-08", folder / "mirror", published="2024-05-08")
    (file,) = later.iterdir()
    lines = file.read_text("utf-8").splitlines()
    lost = [at for at, line in enumerate(lines) if line.startswith("2024 (FYTD),JAN,") and ",Fentanyl," in line][:3]
    file.write_text("\n".join(line for at, line in enumerate(lines) if at not in lost) + "\n", "utf-8")
    settings = installation(folder, f"mirror:{folder / 'mirror'}")
    verdicts = run_stages(settings, "cbp_drug_seizures")
    assert [v.state for v in verdicts] == ["accepted", "accepted"]
    connection = macros_over(settings, "cbp_drug_seizures", official_release.current.resolve())
    yield connection, [lines[at] for at in lost]
    connection.close()


def test_a_withdrawn_seizure_is_a_filled_zero(vanished: tuple[duckdb.DuckDBPyConnection, list[str]]) -> None:
    connection, lost = vanished
    assert len(lost) == 3
    shown = (
        "select events, quantity_lb, is_filled, vintage, first_vintage from seizures_as_of(date '{}') "
        "where month = date '2024-01-01' and drug_id = 'fentanyl' and upper(replace(area_id, '_', ' ')) = '{}' "
        "and land_filter = '{}'"
    )
    for line in lost:
        _, _, _, _, land, area, _, events, pounds = line.split(",")
        place = area, "land_only" if land == "Land Only" else "other"
        before, after = (rows(connection, shown.format(day, *place)) for day in ("2024-04-08", "2024-05-08"))
        assert before == [(int(events), float(pounds), False, date(2024, 4, 8), date(2024, 4, 8))]
        assert after == [(0, 0.0, True, date(2024, 5, 8), date(2024, 5, 8))]


def test_nothing_else_is_withdrawn(vanished: tuple[duckdb.DuckDBPyConnection, list[str]]) -> None:
    connection, _ = vanished
    changes = (
        "select change, count(*) from history.cbp_drug_seizures where first_vintage = date '2024-05-08' group by 1"
    )
    assert rows(connection, changes) == [("withdrawn", 3)]


# --- border crossings -----------------------------------------------------------------------------------------


def test_laredo_pedestrians_before_their_correction(db: duckdb.DuckDBPyConnection) -> None:
    """A figure known to be wrong is shown as published, and flagged."""
    laredo = (
        "select crossings, is_suspect, vintage, first_vintage from {} where port_code = '2304' "
        "and month = date '2022-06-01' and measure_id = 'pedestrians'"
    )
    then = one(db, laredo.format("crossings_as_of(date '2022-10-01')"))
    today = one(db, laredo.format("marts.border_crossings_monthly"))
    assert then == (1_349, True, date(2022, 9, 27), date(2022, 9, 27))
    assert today == (194_802, False, date(2025, 4, 1), date(2025, 4, 1))


def test_a_withdrawn_crossing_is_absent_never_zero(db: duckdb.DuckDBPyConnection) -> None:
    key = "port_code, month, measure_id"
    gone = set(
        rows(
            db,
            f"select {key} from memory.raw.bts where vintage = date '2022-09-27' "
            f"except select {key} from memory.raw.bts where vintage = date '2025-04-01'",
        )
    )
    assert len(gone) == 15
    assert gone <= set(rows(db, f"select {key} from crossings_as_of(date '2025-03-31')"))
    assert not gone & set(rows(db, f"select {key} from crossings_as_of(date '2025-04-01')"))


def test_a_measure_that_is_not_there_yet_has_no_row(db: duckdb.DuckDBPyConnection) -> None:
    """The release of September 2022 had no truck containers for June and July; they came later."""
    trucks = (
        "select month, count(*) > 0 from {} where measure_id like 'truck_containers%' "
        "and month between date '2022-05-01' and date '2022-07-01' group by 1 order by 1"
    )
    assert rows(db, trucks.format("crossings_as_of(date '2022-10-01')")) == [(date(2022, 5, 1), True)]
    assert len(rows(db, trucks.format("marts.border_crossings_monthly"))) == 3
