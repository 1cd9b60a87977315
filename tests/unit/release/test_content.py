"""Content hashes: equal for equal rows, whatever the order, the build and the last digits of a double."""

from __future__ import annotations

import random
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.release.content_hash import content_hash, table_hash

COLUMNS = "month date, drug_id varchar, events bigint, pounds double, states varchar[], is_filled boolean"
Row = tuple[Any, ...]
ROWS: list[Row] = [
    ("2024-05-01", "fentanyl", 12, 79.463197, ["US-AZ", "US-CA"], False),
    ("2024-05-01", "heroin", None, None, [], True),
    ("2024-06-01", None, 0, 0.0, None, None),
]


def hashed(rows: list[Row], columns: str = COLUMNS, name: str = "marts.seizures") -> tuple[int, str]:
    """Row count and hash of a table with these rows."""
    schema, table = name.split(".")
    with duckdb.connect() as connection:
        connection.execute(f"create schema {schema}; create table {name} ({columns})")
        if rows:
            connection.executemany(f"insert into {name} values ({', '.join('?' * len(rows[0]))})", rows)
        return table_hash(connection, schema, table)


def doubles(*values: float | None) -> str:
    """Hash of a table with one column of doubles."""
    return hashed([(v,) for v in values], "pounds double")[1]


def texts(*rows: tuple[str | None, ...]) -> str:
    """Hash of a table with two columns of text."""
    return hashed(list(rows), "a varchar, b varchar")[1]


# ---- what does not count ----


def test_the_order_of_rows_does_not_count():
    assert hashed(ROWS) == hashed(ROWS[::-1])


@settings(max_examples=15)
@given(st.lists(st.sampled_from(ROWS), max_size=8), st.integers(0, 10**6))
def test_no_order_of_any_rows_counts(rows: list[Row], seed: int):
    other = rows.copy()
    random.Random(seed).shuffle(other)
    assert hashed(rows) == hashed(other)


def test_two_builds_of_the_same_rows_are_equal():
    assert hashed(ROWS) == hashed(ROWS)


@pytest.mark.parametrize(
    ("one", "other"),
    [(0.1 + 0.2, 0.3), (9928.78, 9928.780000001), (1 / 3, 0.333333333), (1e-7, 1.0000000001e-7), (0.0, -0.0)],
)
def test_digits_behind_the_ninth_do_not_count(one: float, other: float):
    assert doubles(one) == doubles(other)


def test_the_sum_of_doubles_in_another_order_is_the_same_content():
    weights = [random.Random(5).uniform(0, 1000) for _ in range(1000)]
    assert doubles(sum(weights)) == doubles(sum(sorted(weights)))


def test_when_and_where_a_build_was_made_does_not_count():
    columns = "release_id varchar, built_at timestamp, origin varchar"
    one = hashed([("a", "2026-01-01 00:00:00", "mirror:/a")], columns, "meta.release")
    other = hashed([("b", "2026-02-02 02:02:02", "mirror:/b")], columns, "meta.release")
    assert one == other


def test_when_and_from_where_a_vintage_was_read_does_not_count():
    columns = "source_id varchar, origin varchar, retrieved_at timestamp"
    one = hashed([("cdc", "mirror:/a", "2026-01-01 00:00:00")], columns, "meta.vintages")
    other = hashed([("cdc", "mirror:/b", "2026-02-02 02:02:02")], columns, "meta.vintages")
    assert one == other
    assert one != hashed([("bts", "mirror:/a", "2026-01-01 00:00:00")], columns, "meta.vintages")


def test_an_origin_of_another_table_counts():
    columns = "source_id varchar, origin varchar"
    one, other = hashed([("cdc", "a")], columns), hashed([("cdc", "b")], columns)
    assert one != other


# ---- what counts ----


def test_the_ninth_digit_counts():
    assert doubles(9928.78000) != doubles(9928.78001)
    assert doubles(0.333333333) != doubles(0.333333334)


@pytest.mark.parametrize(
    "changed",
    [
        ("2024-05-02", "fentanyl", 12, 79.463197, ["US-AZ", "US-CA"], False),
        ("2024-05-01", "cocaine", 12, 79.463197, ["US-AZ", "US-CA"], False),
        ("2024-05-01", "fentanyl", 13, 79.463197, ["US-AZ", "US-CA"], False),
        ("2024-05-01", "fentanyl", None, 79.463197, ["US-AZ", "US-CA"], False),
        ("2024-05-01", "fentanyl", 12, None, ["US-AZ", "US-CA"], False),
        ("2024-05-01", "fentanyl", 12, 79.463197, ["US-CA", "US-AZ"], False),
        ("2024-05-01", "fentanyl", 12, 79.463197, ["US-AZ, US-CA"], False),
        ("2024-05-01", "fentanyl", 12, 79.463197, ["US-AZ", "US-CA"], True),
    ],
)
def test_any_change_of_a_row_counts(changed: Row):
    assert hashed([changed, *ROWS[1:]]) != hashed(ROWS)


def test_a_row_more_counts_also_if_it_is_there_already():
    assert hashed([*ROWS, ROWS[0]]) != hashed(ROWS)


def test_rows_are_counted():
    assert hashed(ROWS)[0] == 3
    assert hashed([])[0] == 0


def test_a_missing_value_is_no_empty_text_and_no_word():
    assert len({texts((None, "x")), texts(("", "x")), texts(("NULL", "x")), texts(("\\N", "x"))}) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a|b", "c"), ("a", "b|c")), (("a", ""), ("", "a")), (("a", None), (None, "a")), (("a|", "b"), ("a", "|b"))],
)
def test_where_a_text_ends_counts(one: tuple[str | None, ...], other: tuple[str | None, ...]):
    assert texts(one) != texts(other)


def test_values_may_not_change_places_between_rows():
    assert texts(("a", "1"), ("b", "2")) != texts(("a", "2"), ("b", "1"))


def test_columns_are_told_apart_by_their_place():
    assert hashed([(1, 2)], "a bigint, b bigint") != hashed([(2, 1)], "a bigint, b bigint")


# ---- the hash of a release ----


def test_a_release_is_hashed_over_its_tables_in_any_order():
    assert content_hash({"marts.a": "1", "marts.b": "2"}) == content_hash({"marts.b": "2", "marts.a": "1"})


@pytest.mark.parametrize(
    "other", [{"marts.a": "1"}, {"marts.a": "1", "marts.b": "3"}, {"marts.a": "2", "marts.b": "1"}, {}]
)
def test_any_change_of_a_table_changes_the_release(other: dict[str, str]):
    assert content_hash(other) != content_hash({"marts.a": "1", "marts.b": "2"})
