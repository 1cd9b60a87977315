"""Known upstream errors: flagged while they stand, silent once repaired, never changed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from pydantic import ValidationError

from pipelines.catalog.load import get_source
from pipelines.catalog.source import Source
from pipelines.clean.known_errors import flagged

SOURCE = get_source("bts_border_crossings")
JUNE = date(2022, 6, 1)
ABOUT = {"reason": "A reason of some length.", "evidence": "Two releases.", "status": "open", "column": "is_suspect"}


def crossings(*rows: tuple[str, date, str, int]) -> pl.DataFrame:
    """Rows (port, month, measure, crossings) as a clean frame."""
    columns = ["port_code", "month", "measure_id", "crossings"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(
        is_resolved_duplicate=pl.lit(False), is_suspect=pl.lit(False)
    )


def knowing(**given: Any) -> Source:
    """The source with one known error alone, flagging is_suspect."""
    return Source.model_validate(
        SOURCE.model_dump(by_alias=True) | {"known_errors": [{"id": "tried", **ABOUT, **given}]}
    )


def suspects(frame: pl.DataFrame, **given: Any) -> list[bool]:
    """is_suspect of each row after one known error."""
    return flagged(knowing(**given), frame)[0]["is_suspect"].to_list()


def test_acts_where_the_published_figure_is_the_expected_one():
    frame = crossings(("2304", JUNE, "pedestrians", 1349), ("2305", JUNE, "pedestrians", 1349))
    match = {"port_code": "2304", "month": JUNE, "measure_id": "pedestrians"}
    assert suspects(frame, match=match, expect={"crossings": 1349}) == [True, False]


def test_stops_acting_once_the_publisher_repaired_the_figure():
    frame = crossings(("2304", JUNE, "pedestrians", 194802))
    known = knowing(match={"port_code": "2304", "month": JUNE}, expect={"crossings": 1349})
    after, counts = flagged(known, frame)
    assert counts == {"tried": 0}
    assert after["is_suspect"].to_list() == [False]


def test_flags_and_leaves_the_figure_as_it_is():
    frame = crossings(("2304", JUNE, "pedestrians", 1349))
    after, _ = flagged(knowing(match={"port_code": "2304"}, expect={"crossings": 1349}), frame)
    assert after.drop("is_suspect").equals(frame.drop("is_suspect"))


def test_a_flag_that_was_set_before_stays():
    frame = crossings(("2304", JUNE, "pedestrians", 5), ("2304", JUNE, "trucks", 7)).with_columns(
        is_suspect=pl.lit(True)
    )
    assert suspects(frame, match={"measure_id": "trucks"}, expect={"crossings": 7}) == [True, True]


@pytest.mark.parametrize(
    ("span", "flagged"),
    [
        ({"first": date(2022, 6, 1)}, [False, True, True]),
        ({"last": date(2022, 6, 1)}, [True, True, False]),
        ({"first": date(2022, 6, 1), "last": date(2022, 6, 1)}, [False, True, False]),
    ],
)
def test_a_span_includes_its_ends_and_may_be_open(span: dict[str, date], flagged: list[bool]):
    frame = crossings(*(("2504", date(2022, month, 1), "buses", 0) for month in (5, 6, 7)))
    assert suspects(frame, match={"month": span}, expect={"crossings": 0}) == flagged


def test_a_list_matches_any_of_its_values():
    frame = crossings(*(("2504", JUNE, measure, 0) for measure in ("buses", "trains", "pedestrians")))
    match = {"measure_id": ["buses", "pedestrians"]}
    assert suspects(frame, match=match, expect={"crossings": 0}) == [True, False, True]


def test_a_guard_may_be_a_span_of_figures():
    frame = crossings(("2504", JUNE, "buses", 99), ("2505", JUNE, "buses", 100))
    assert suspects(frame, match={"measure_id": "buses"}, expect={"crossings": {"first": 100}}) == [False, True]


CONTAINERS = {
    "match": {"measure_id": "truck_containers_loaded", "month": {"first": JUNE}},
    "ratio": {
        "by": "measure_id",
        "numerator": ["truck_containers_loaded", "truck_containers_empty"],
        "denominator": ["trucks"],
        "above": 1.1,
    },
}


def port(code: str, trucks: int, loaded: int, empty: int, month: date = JUNE) -> list[tuple[str, date, str, int]]:
    """Trucks, loaded and empty containers of one port and month."""
    figures = {"trucks": trucks, "truck_containers_loaded": loaded, "truck_containers_empty": empty}
    return [(code, month, measure, value) for measure, value in figures.items()]


def test_a_ratio_is_taken_within_one_port_and_month():
    frame = crossings(*port("2304", 100, 90, 30), *port("2305", 100, 70, 30))
    assert suspects(frame, **CONTAINERS) == [False, True, False, False, False, False]


def test_a_ratio_at_the_bound_does_not_act():
    assert not any(suspects(crossings(*port("2304", 100, 80, 30)), **CONTAINERS))


def test_a_ratio_outside_the_matched_months_does_not_act():
    assert not any(suspects(crossings(*port("2304", 100, 900, 30, date(2022, 5, 1))), **CONTAINERS))


def test_a_ratio_without_its_denominator_does_not_act():
    without = [row for row in port("2304", 0, 900, 30) if row[2] != "trucks"]
    assert not any(suspects(crossings(*without), **CONTAINERS))
    assert not any(suspects(crossings(*port("2304", 0, 900, 30)), **CONTAINERS))


def test_a_known_error_without_a_guard_is_refused():
    with pytest.raises(ValidationError, match="has no guard"):
        knowing(match={"port_code": "2304"})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"match": {"port": "2304"}}, "names 'port', which frame does not have"),
        ({"match": {"port_code": 901}}, "port_code is 901, expected a text. Quote a code such as '0901'"),
        ({"match": {"month": "2022-06"}}, "month is '2022-06', expected a date"),
        ({"match": {"month": JUNE}, "column": "crossings"}, "'crossings' is no boolean annotation"),
    ],
)
def test_a_known_error_that_does_not_fit_its_source_says_so(given: dict[str, Any], sentence: str):
    with pytest.raises(ValidationError, match=sentence):
        knowing(expect={"crossings": 1}, **given)


def test_two_known_errors_have_two_ids():
    entry = {"id": "tried", **ABOUT, "match": {"port_code": "2304"}, "expect": {"crossings": 1}}
    with pytest.raises(ValidationError, match=r"known_errors has the id \['tried'\] twice"):
        Source.model_validate(SOURCE.model_dump(by_alias=True) | {"known_errors": [entry, entry]})


PROVED = {
    "2019-08-21": {"bts_warroad_trains_1998_01": 1, "bts_warroad_trains_1998_02": 1},
    "2022-09-27": {
        "bts_laredo_pedestrians_2022_06": 1,
        "bts_santa_teresa_trucks_2022_06": 1,
        "bts_el_paso_buses_2022_04": 1,
        "bts_presidio_trucks_2022_06": 1,
        "bts_columbus_trucks_2022_06": 1,
    },
    "2025-04-01": {"bts_presidio_trucks_2022_06": 1, "bts_columbus_trucks_2022_06": 1},
}
"""The single figures as grep finds them in each release; the repaired ones are gone in the next."""

FILE = """
    select
        lpad("Port Code", 4, '0') as port_code,
        coalesce(try_strptime("Date", '%m/%d/%Y %I:%M:%S %p'), try_strptime("Date", '%b %Y'))::date as month,
        replace(lower(replace("Measure", ' ', '_')), 'full', 'loaded') as measure_id,
        max("Value"::bigint) as crossings
    from read_csv(?, all_varchar = true)
    group by all
"""
OVER = """
    select count(*)
    from published as row
    where month between ? and ? and list_contains(?, measure_id) and 1.1 * (
        select sum(crossings) from published as other
        where other.port_code = row.port_code and other.month = row.month and measure_id = 'trucks'
    ) < (
        select sum(crossings) from published as other
        where other.port_code = row.port_code and other.month = row.month and measure_id like 'truck_containers%'
    )
"""


@pytest.mark.parametrize("vintage", sorted(PROVED))
def test_which_known_errors_act_in_which_real_release(mirror: Path, vintage: str):
    file = str(mirror / SOURCE.id / vintage / "Border_Crossing_Entry_Data.csv.gz")
    with duckdb.connect() as connection:
        connection.execute(f"create table published as {FILE}", [file])
        frame = connection.sql("select *, false as is_resolved_duplicate, false as is_suspect from published").pl()
        loaded, both = ["truck_containers_loaded"], ["truck_containers_loaded", "truck_containers_empty"]
        last = date(2100, 1, 1)
        over = [
            connection.execute(OVER, [date(2023, 7, 1), last, loaded]).fetchall()[0][0],
            connection.execute(OVER, [date(2017, 4, 1), date(2017, 5, 1), both]).fetchall()[0][0],
        ]
    counts = {name: count for name, count in flagged(SOURCE, frame)[1].items() if count}
    expected = {
        "bts_loaded_truck_containers_since_2023_07": over[0],
        "bts_truck_containers_2017_04_05": over[1],
        "bts_san_ysidro_zero_until_1997_02": 5 * 14,
        **PROVED[vintage],
    }
    assert counts == {name: count for name, count in expected.items() if count}
