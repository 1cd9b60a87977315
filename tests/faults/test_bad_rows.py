"""Files with bad rows: the row is told by file, line and value, the vintage is held, its other rows are read."""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from pipelines.catalog.load import get_source
from pipelines.clean.files import Limits
from pipelines.clean.run import Raw, clean_vintage
from pipelines.sources.modules import source_module
from tests.faults import containers
from tests.faults.house import (
    BAD,
    CBP,
    FILE,
    GOOD,
    NEW_ROWS,
    ROWS,
    TUCSON,
    House,
    assert_plain,
    assert_told,
    bring,
    cleaned,
    csv_file,
    spoilt,
    spoilt_row,
)

WEIGHT = ",11,412.5"
TUCSON_ROW = NEW_ROWS[1]


@dataclass(frozen=True)
class Row:
    """A file with one bad row: what the sentence says of it."""

    what: str
    content: bytes
    column: str
    value: str | None
    says: str
    line: int = TUCSON


REJECTED = [
    Row("unknown drug", spoilt("Fentanyl", "Nitazenes"), "Drug Type", "'Nitazenes'", "is unknown"),
    Row(
        "unknown component", spoilt("Office of Field Operations", "Coast Guard"), "Component", "'Coast Guard'", "known"
    ),
    Row("unknown area", spoilt("TUCSON", "MEXICO"), "Area of Responsibility", "'MEXICO FIELD OFFICE'", "38 more"),
    Row("text for a weight", spoilt(WEIGHT, ",11,many"), "Sum Qty (lbs)", "'many'", "is not a number"),
    Row("text for events", spoilt(WEIGHT, ",eleven,412.5"), "Count of Event", "'eleven'", "is not a whole number"),
    Row("half an event", spoilt(WEIGHT, ",11.5,412.5"), "Count of Event", "'11.5'", "is not a whole number"),
    Row("no weight", spoilt(WEIGHT, ",11,"), "Sum Qty (lbs)", "''", "is empty"),
    Row("no drug", spoilt("Fentanyl", " "), "Drug Type", "''", "is empty"),
    Row("dashes", spoilt(WEIGHT, ",11,--"), "Sum Qty (lbs)", "'--'", "is not a number"),
    Row("not a number", spoilt(WEIGHT, ",11,NaN"), "Sum Qty (lbs)", "'NaN'", "is not a number"),
    Row("infinity", spoilt(WEIGHT, ",11,-inf"), "Sum Qty (lbs)", "'-inf'", "is not a number"),
    Row("too large for any number", spoilt(WEIGHT, ",11,1e400"), "Sum Qty (lbs)", "'1e400'", "is not a number"),
    Row("too many events for any number", spoilt(WEIGHT, ",1e30,4"), "Count of Event", "'1e30'", "is not a whole"),
    Row("decimal comma", spoilt(WEIGHT, ',11,"412,5"'), "Sum Qty (lbs)", "'412,5'", "is not a number"),
    Row("a unit in the cell", spoilt(WEIGHT, ",11,412.5 lb"), "Sum Qty (lbs)", "'412.5 lb'", "is not a number"),
    Row("year of five digits", spoilt("2024", "20251"), "FY", "'20251 (FYTD)'", "is not a fiscal year"),
    Row("year in words", spoilt("2024 (FYTD)", "FY24"), "FY", "'FY24'", "is not a fiscal year"),
    Row("unknown month", spoilt("DEC", "ABC"), "Month (abbv)", "'ABC'", "is not an English month"),
    Row("month in Spanish", spoilt("DEC", "DIC"), "Month (abbv)", "'DIC'", "is not an English month"),
    Row("too few fields", spoilt_row(TUCSON_ROW.rsplit(",", 1)[0]), "the record", "8 fields", "expected 9"),
    Row("too many fields", spoilt_row(TUCSON_ROW + ",1"), "the record", "10 fields", "expected 9"),
    Row("one word", spoilt_row("Total"), "the record", "1 fields", "expected 9"),
    Row("mark that is never closed", spoilt("Fentanyl", '"Fentanyl'), "the record", None, "never closed"),
    Row("mark inside a cell", spoilt("Fentanyl", 'Fent"anyl'), "the record", None, "quotation mark"),
    Row("text after a closed mark", spoilt("Fentanyl", '"Fentanyl"s'), "the record", None, "after a closing quotation"),
    Row(
        "mark closed three rows later",
        csv_file(*ROWS[:7], TUCSON_ROW.replace("Fent", '"Fent'), *ROWS[8:10], ROWS[10].replace(",4,", '",4,')),
        "the record",
        None,
        "closed on a later line",
    ),
    Row(
        "carriage return in a cell", spoilt_row(TUCSON_ROW.replace("TUC", "TUC\r") + ","), "the record", None, "return"
    ),
    Row(
        "cell of 200,000 characters",
        spoilt_row(TUCSON_ROW.replace("Fentanyl", "x" * 200_000)),
        "Drug Type",
        "'xxxxxxxxxx",
        "is unknown",
    ),
    Row(
        "key of an earlier row",
        csv_file(*ROWS, TUCSON_ROW.replace("412.5", "413")),
        "area_id, drug_id",
        "2023-12-01, OFO, southwest, land_only, tucson_field_office, fentanyl",
        "is the key of an earlier record too",
        len(ROWS) + 2,
    ),
]


@pytest.mark.parametrize("bad", REJECTED, ids=[r.what for r in REJECTED])
def test_a_bad_row_is_told_and_holds_its_vintage_back(house: House, bad: Row) -> None:
    verdict = bring(house, {FILE: bad.content})
    assert (verdict.state, verdict.readable) == ("held", True)
    assert_told(str(verdict.problem), FILE, bad.line, bad.value)
    assert f"{FILE}, line {bad.line}: " in str(verdict.problem)
    assert bad.column in str(verdict.problem)
    assert bad.says in str(verdict.problem)
    rejected = house.clean(BAD, "rejected")
    assert bad.line in rejected["line"].to_list()
    assert house.account(BAD)["records"] >= len(ROWS)


@pytest.mark.parametrize(
    "bad", [r for r in REJECTED if r.line == TUCSON and "later" not in r.what], ids=lambda r: r.what
)
def test_a_bad_row_costs_no_other_row(tmp_path: Path, bad: Row) -> None:
    """Straight through cleaning: all rows but the spoilt one are read, whatever its quotation marks."""
    rows, _ = cleaned(tmp_path, bad.content)
    assert sorted(rows["line"].to_list()) == [n for n in range(2, len(ROWS) + 2) if n != TUCSON]


def test_two_marks_in_two_rows_do_not_swallow_the_rows_between(tmp_path: Path) -> None:
    """Each row is whole where it stands; between the marks lie two of them."""
    rows = [*ROWS[:4], '"' + ROWS[4], *ROWS[5:7], ROWS[7].replace("Fentanyl", 'Fentanyl"'), *ROWS[8:]]
    read, rejected = cleaned(tmp_path, csv_file(*rows))
    assert rejected["line"].to_list() == [6, 9]
    assert sorted([*read["line"], *rejected["line"]]) == list(range(2, len(ROWS) + 2))


@dataclass(frozen=True)
class Figure:
    """A file with a figure that no cell forbids: what quality says of it."""

    what: str
    content: bytes
    value: str
    check: str


FIGURES = [
    Figure("negative weight", spoilt(WEIGHT, ",11,-412.5"), "quantity_lb -412.5", "quantity_lb_not_negative"),
    Figure("negative events", spoilt(WEIGHT, ",-11,412.5"), "events -11", "events_at_least_one"),
    Figure("no event", spoilt(WEIGHT, ",0,412.5"), "events 0", "events_at_least_one"),
    Figure("month before the series", spoilt("2024 (FYTD),DEC", "2018,DEC"), "month 2017-12-01", "month_range"),
]


@pytest.mark.parametrize("bad", FIGURES, ids=[f.what for f in FIGURES])
def test_an_impossible_figure_is_told_and_holds_its_vintage_back(house: House, bad: Figure) -> None:
    verdict = bring(house, {FILE: bad.content})
    assert (verdict.state, verdict.readable) == ("held", True)
    assert_told(str(verdict.problem), f"file {FILE}", TUCSON, bad.value)
    assert str(verdict.problem).startswith(f"{bad.check} failed (1 row): ")


SPELLINGS = {
    ",11,412.5": 412.5,
    ",11,4.125E+02": 412.5,
    ",11,4125e-1": 412.5,
    ",11,+412.5": 412.5,
    ',"1,011","1,412.5"': 1412.5,
    ",11.0,412.50000000000001": 412.5,
    ",11, 412.5 ": 412.5,
    ",1,0": 0.0,
    ",1,-0.0": 0.0,
    ",1,9.03E-05": 0.0000903,
}


@pytest.mark.parametrize(("text", "pounds"), SPELLINGS.items())
def test_every_spelling_of_a_number_is_read(tmp_path: Path, text: str, pounds: float) -> None:
    rows, rejected = cleaned(tmp_path, spoilt(WEIGHT, text))
    assert rejected.is_empty()
    assert str(rows.filter(pl.col("line") == TUCSON)["quantity_lb"][0]) == str(pounds)


# --- many bad rows --------------------------------------------------------------------------------------------


def test_of_many_bad_rows_the_sentence_names_three_and_counts_all(house: House) -> None:
    rows = [r.replace("Fentanyl", "Fentanyl?") for r in ROWS]
    spoilt_rows = [n + 2 for n, r in enumerate(ROWS) if "Fentanyl" in r]
    verdict = bring(house, {FILE: csv_file(*rows)})
    sentence = str(verdict.problem)
    assert_told(sentence, FILE, spoilt_rows[0], "'Fentanyl?'")
    assert f"rejected_rows failed ({len(spoilt_rows)} rows)" in sentence
    assert [n for n in spoilt_rows if f"line {n}: Drug Type" in sentence] == spoilt_rows[:3]
    assert house.clean(BAD, "rejected")["line"].to_list() == spoilt_rows


def test_a_file_without_one_good_row_is_held_and_cannot_be_accepted(house: House) -> None:
    verdict = bring(house, {FILE: csv_file(*(r + ",1" for r in ROWS))})
    assert (verdict.state, verdict.readable) == ("held", False)
    assert_told(str(verdict.problem), FILE, 2, "10 fields")


def test_the_account_of_a_large_file_in_which_every_row_is_bad_stays_small(tmp_path: Path) -> None:
    rows = [f"x{n},{ROWS[n % len(ROWS)]}" for n in range(100_000)]
    folder = tmp_path / "alone"
    _, rejected = cleaned(folder, csv_file(*rows))
    assert rejected.height == 100_000
    assert (folder / "clean" / BAD / "summary.json").stat().st_size < 2_000
    assert rejected["record"].str.len_chars().max() <= 500  # type: ignore[operator]


# --- any damage -----------------------------------------------------------------------------------------------


WHOLE = {
    FILE: csv_file(*ROWS),
    "f.csv.gz": gzip.compress(csv_file(*ROWS), mtime=0),
    "f.zip": containers.zip_of((FILE, csv_file(*ROWS))),
    "f.parquet": containers.parquet_of(csv_file(*ROWS)),
}
DAMAGE = st.tuples(
    st.sampled_from(sorted(WHOLE)),
    st.sampled_from(["cut", "change", "insert", "remove", "repeat"]),
    st.integers(0, 10**6),
)


@given(DAMAGE)
@tries(max_examples=150, deadline=None)
def test_whatever_happens_to_the_bytes_there_is_an_account_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, damage: tuple[str, str, int]
) -> None:
    name, how, seed = damage
    folder = tmp_path_factory.mktemp("damage")
    (folder / name).write_bytes(damaged(WHOLE[name], how, random.Random(seed)))
    raw = Raw(id=BAD, vintage=BAD, folder=folder, files=[name], content="content")
    summary = clean_vintage(get_source(CBP), partial(source_module, CBP), raw, folder / "clean", Limits(), "code")
    assert summary.records == summary.rows + sum(summary.set_aside.values()) + summary.rejected
    if summary.problem is not None:
        assert_told(str(summary.problem), name, None, None)
        assert "error_in_drugflow" not in summary.problem.kinds
    else:
        for row in pl.read_parquet(folder / "clean" / BAD / "rejected.parquet").iter_rows(named=True):
            assert_plain(f"{row['file']} {row['line']} {row['column']} {row['value']!r} {row['reason']}")


def damaged(content: bytes, how: str, dice: random.Random) -> bytes:
    """The bytes with one damage."""
    at = dice.randrange(len(content))
    junk = bytes(dice.choice(b'",\n\r\0;x9-\xff\xe9') for _ in range(dice.randint(1, 4)))
    return {
        "cut": content[:at],
        "change": content[:at] + junk + content[at + len(junk) :],
        "insert": content[:at] + junk + content[at:],
        "remove": content[:at] + content[at + dice.randint(1, 200) :],
        "repeat": content[:at] + content[max(0, at - 200) :],
    }[how]


def test_the_good_vintage_is_as_it_was(furnished: House) -> None:
    """The house that every test copies."""
    assert furnished.clean(GOOD)["month"].unique().sort().to_list() == [date(2023, 10, 1), date(2023, 11, 1)]
