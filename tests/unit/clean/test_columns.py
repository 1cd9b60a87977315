"""From text cells to typed columns: every spelling of a number, and a sentence for what is none."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
from pipelines.clean.columns import typed
from pipelines.clean.files import LINE, Records
from tests.unit.tried import described

COLUMNS = [
    {"id": "place", "names": ["Place"]},
    {"id": "count", "names": ["Count of Event"], "type": "integer", "nullable": True},
    {"id": "weight", "names": ["Sum Qty (lbs)"], "type": "number", "nullable": True},
    {
        "id": "drug",
        "names": ["Drug Type"],
        "type": "category",
        "categories": {"Cocaine": "cocaine", "Other Drugs**": "other"},
        "nullable": True,
    },
    {"id": "needed", "names": ["Needed"], "type": "integer"},
    {"id": "extra", "names": ["Extra"], "type": "number", "required": False, "nullable": True},
    {"id": "unread", "names": ["Unread"], "ignore": True},
]
SOURCE = Source.model_validate(described(columns=COLUMNS))
DEFAULTS = {"place": "Nogales", "count": "1", "weight": "1", "drug": "Cocaine", "needed": "1"}
FIRST_LINE = 2


def read(**cells: list[str]) -> RecordBatch:
    """The typed batch of a file whose named columns have these cells; the others are filled with good ones."""
    height = len(next(iter(cells.values())))
    frame = pl.DataFrame({c: cells.get(c, [good] * height) for c, good in DEFAULTS.items()})
    frame = frame.with_row_index(LINE, offset=FIRST_LINE).cast({LINE: pl.Int64})
    batch = typed("tried.csv", Records(frame, ["extra"]), SOURCE)
    batch.check()
    return batch


def values(batch: RecordBatch, column: str) -> list[Any]:
    """What was read, in the file's order."""
    return batch.frame.sort(LINE)[column].to_list()


def reasons(batch: RecordBatch) -> list[tuple[int, str, str | None, str]]:
    """Line, publisher's column, value and reason of each rejected record."""
    return sorted((r["line"], r["column"], r["value"], r["reason"]) for r in batch.rejected)


INTEGERS = st.integers(-(10**15), 10**15)
SPELLINGS = st.sampled_from(["{:d}", "{:,d}", "{:d}.0", "{:,d}.00", "  {:d} ", "{:+d}", "{:+,d}"])


@given(st.lists(st.tuples(INTEGERS, SPELLINGS), min_size=1, max_size=30))
def test_a_whole_number_is_read_in_every_spelling(cells: list[tuple[int, str]]):
    batch = read(count=[spelling.format(number) for number, spelling in cells])
    assert values(batch, "count") == [number for number, _ in cells]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_a_number_written_in_full_is_read_to_the_last_digit(numbers: list[float]):
    assert values(read(weight=[repr(n) for n in numbers]), "weight") == numbers


@given(st.lists(st.tuples(st.integers(-(10**11), 10**11), st.booleans()), min_size=1, max_size=30))
def test_thousands_separators_change_no_figure(cells: list[tuple[int, bool]]):
    thousandths = [number for number, _ in cells]
    texts = [f"{n / 1000:,.3f}" if grouped else f"{n / 1000:.3f}" for n, grouped in cells]
    read_back = values(read(weight=texts), "weight")
    assert [round(w * 1000) for w in read_back] == thousandths


@given(
    st.lists(
        st.one_of(
            st.sampled_from(["", "0", "1,234", "12.0", "5.5", "1,23", "n/a", "nan", "1e3", "-7", ".", "1 234", "*"]),
            st.text(alphabet="0123456789,.-+e ", max_size=6),
        ),
        min_size=2,
        max_size=5,
    )
)
def test_how_a_cell_is_read_does_not_depend_on_its_neighbours(cells: list[str]):
    for column in ("count", "weight"):
        together = read(**{column: cells})
        alone = [values(read(**{column: [cell]}), column) for cell in cells]
        assert values(together, column) == [v for found in alone for v in found]


@given(st.lists(st.text(alphabet="0123456789,.abc-* ", max_size=5), min_size=1, max_size=20))
def test_every_record_is_clean_or_rejected(cells: list[str]):
    batch = read(count=cells, weight=cells[::-1], needed=cells)
    assert batch.frame.height + len(batch.rejected) + sum(batch.aside.values()) == len(cells)
    assert len({r["line"] for r in batch.rejected}) == len(batch.rejected)


@given(st.lists(st.sampled_from(["", " ", "0", "3"]), min_size=1, max_size=20))
def test_an_empty_cell_is_null_and_never_zero(cells: list[str]):
    wanted = [int(c) if c.strip() else None for c in cells]
    batch = read(count=cells, weight=cells)
    assert values(batch, "count") == wanted
    assert values(batch, "weight") == wanted


@pytest.mark.parametrize("cell", ["1,23", "12,34,567", ",500", "1,2345", "1.234,5", "1,234,", "(5)", "$5", "5 lb", "*"])
def test_what_only_looks_like_a_number_is_rejected(cell: str):
    batch = read(weight=["1", cell], place=["Nogales", "Naco"])
    assert reasons(batch) == [(3, "Sum Qty (lbs)", cell, "is not a number")]
    assert values(batch, "place") == ["Nogales"]


@pytest.mark.parametrize("cell", ["nan", "NaN", "inf", "-inf", "Infinity", "1e999"])
def test_a_number_must_be_finite(cell: str):
    for column in ("weight", "count"):
        assert [r[2] for r in reasons(read(**{column: ["1", cell]}))] == [cell]


@pytest.mark.parametrize("cell", ["5.5", "1,234.5", "0.1"])
def test_a_fraction_is_no_whole_number(cell: str):
    assert reasons(read(count=["2", cell])) == [(3, "Count of Event", cell, "is not a whole number")]


@pytest.mark.parametrize("cell", ["9223372036854775808", "99999999999999999999"])
def test_a_number_too_large_to_keep_is_rejected_not_bent(cell: str):
    assert [r[2] for r in reasons(read(count=["2", cell]))] == [cell]


def test_an_empty_cell_where_one_is_due_is_rejected():
    batch = read(needed=["1", "", "3"])
    assert reasons(batch) == [(3, "Needed", "", "is empty, expected a whole number")]


def test_a_record_with_two_faults_is_rejected_once():
    batch = read(count=["x", "1"], needed=["y", "1"])
    assert [r[0] for r in reasons(batch)] == [2]


def test_a_rejected_record_keeps_what_the_publisher_wrote():
    batch = read(place=["Nogales"], count=["many"], weight=["5.5"])
    assert batch.rejected[0]["file"] == "tried.csv"
    assert batch.rejected[0]["record"] == "Nogales,many,5.5,Cocaine,1"


@pytest.mark.parametrize("cell", ["Cocaine", "cocaine", "COCAINE", "  Cocaine  ", "\tCocaine"])
def test_a_category_is_known_in_any_case_and_spacing(cell: str):
    assert values(read(drug=[cell]), "drug") == ["cocaine"]


def test_an_unknown_category_is_rejected_with_the_list_of_known_ones():
    expected = "is unknown, expected one of 'Cocaine', 'Other Drugs**'"
    assert reasons(read(drug=["Cocaine", "Nitazene"])) == [(3, "Drug Type", "Nitazene", expected)]


def test_an_empty_category_is_null():
    assert values(read(drug=["Cocaine", ""]), "drug") == ["cocaine", None]


def test_text_is_trimmed_and_kept_as_written():
    assert values(read(place=[" San Ysidro, CA "]), "place") == ["San Ysidro, CA"]


def test_a_code_keeps_its_leading_zero():
    assert values(read(place=["0104"]), "place") == ["0104"]


def test_an_optional_column_that_the_file_lacks_is_null():
    batch = read(count=["1", "2"])
    assert values(batch, "extra") == [None, None]
    assert batch.frame.schema["extra"] == pl.Float64


def test_types_are_those_of_the_description():
    batch = read(count=["", ""], weight=["", ""])
    assert batch.frame.schema == {
        LINE: pl.Int64, "place": pl.String, "count": pl.Int64, "weight": pl.Float64, "drug": pl.String,
        "needed": pl.Int64, "extra": pl.Float64,
    }  # fmt: skip


def test_a_blank_line_is_set_aside_and_counted():
    blank = {c: ["1" if c != "place" else "Naco", " "] for c in DEFAULTS} | {"drug": ["Cocaine", ""]}
    batch = read(**blank)
    assert batch.aside == {"blank_line": 1}
    assert values(batch, "place") == ["Naco"]


def test_numbers_that_are_read_are_finite():
    batch = read(weight=["1e308", "-1e308", "5e-324"])
    assert all(math.isfinite(v) for v in values(batch, "weight"))
