"""Files that cannot be read whole: each is told in a sentence, held back, and changes nothing else."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import date

import pytest

from pipelines.catalog.load import get_source
from pipelines.status.advice import about_held
from pipelines.status.overview import read_status
from tests.faults import containers
from tests.faults.house import (
    BAD,
    CBP,
    FILE,
    GOOD,
    HEADER,
    NEW_ROWS,
    ROWS,
    TUCSON,
    House,
    assert_told,
    bring,
    copied,
    csv_file,
    spoilt,
)

LAST = len(ROWS) + 1
"""Line of the last row."""
GOOD_FILE = csv_file(*ROWS)
ZIP = "nationwide-drugs.zip"
GZ = f"{FILE}.gz"
PARQUET = "nationwide-drugs.parquet"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Access Denied</title></head><body>Reference #18.2</body></html>\n"


@dataclass(frozen=True)
class Bad:
    """A bad file: its name and bytes, and what the sentence about it must have."""

    what: str
    name: str
    content: bytes
    line: int | None = None
    value: str | None = None
    says: str = ""
    told: str | None = None
    """The name in the sentence where it is another one: a file inside an archive."""


def with_column(title: str) -> bytes:
    return csv_file(*(f"{r},5" for r in ROWS), header=f"{HEADER},{title}")


def in_line(line: int, old: bytes, new: bytes) -> bytes:
    lines = GOOD_FILE.split(b"\n")
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    return b"\n".join(lines)


COLUMNS = [
    Bad("unknown column", FILE, with_column("Purity"), 1, "'Purity'", "unknown column"),
    Bad("renamed column", FILE, csv_file(*ROWS, header=HEADER.replace("Drug Type", "Drug")), 1, "'Drug'", "unknown"),
    Bad("doubled column", FILE, with_column("Drug Type"), 1, "'Drug Type'", "twice"),
    Bad("one column under both its names", FILE, with_column("Fiscal Year"), 1, "'Fiscal Year'", "twice"),
    Bad(
        "missing column",
        FILE,
        csv_file(*(r.rsplit(",", 1)[0] for r in ROWS), header=HEADER.rsplit(",", 1)[0]),
        1,
        "'Sum Qty (lbs)'",
        "missing",
    ),
    Bad("column without a title", FILE, with_column(""), 1, "''", "unknown column"),
    Bad("first line empty", FILE, b"\n" + GOOD_FILE, 1, None, "first line is empty"),
    Bad("no header", FILE, csv_file(*ROWS[1:], header=ROWS[0]), 1, "'2024 (FYTD)'", "unknown column"),
    Bad("semicolons", FILE, GOOD_FILE.replace(b",", b";"), 1, "';'", "separated by"),
    Bad("tabs", FILE, GOOD_FILE.replace(b",", b"\t"), 1, "'\\t'", "separated by"),
    Bad("title of 10,000 characters", FILE, with_column("x" * 10_000), 1, "10,000 characters", "unknown column"),
    Bad("title of a megabyte", FILE, with_column("x" * 10**6), 1, "characters)", "header cannot be read"),
]
CUT = [
    Bad("empty", FILE, b"", None, "0 bytes", "is empty"),
    Bad("header alone", FILE, csv_file(), None, None, "a header and no record"),
    Bad("header and blank lines", FILE, csv_file() + b"\n\n", None, None, "a header and no record"),
    Bad("header without a line end", FILE, HEADER.encode(), 1, "Sum Qty (lbs)'", "cut off"),
    Bad("cut in the header", FILE, HEADER[:30].encode(), 1, "Component,Regi'", "cut off"),
    Bad("cut in a line", FILE, GOOD_FILE[:-30], LAST, "Land Only,LARED'", "in the middle of a line"),
    Bad("cut in a number", FILE, GOOD_FILE[:-2], LAST, "Cocaine,4,88.", "in the middle of a line"),
    Bad("cut at the last line end", FILE, GOOD_FILE[:-1], LAST, "Cocaine,4,88.5", "in the middle of a line"),
    Bad("gzip cut", GZ, gzip.compress(GOOD_FILE)[:-20], None, None, "cut off or damaged"),
    Bad("gzip cut after its first bytes", GZ, gzip.compress(GOOD_FILE)[:12], None, None, "cut off or damaged"),
    Bad("gzip of nothing", GZ, gzip.compress(b""), None, None, "is empty"),
    Bad("gzip of a cut file", GZ, gzip.compress(GOOD_FILE[:-3]), LAST, "Cocaine,4,88", "in the middle of a line"),
    Bad("gzip damaged", GZ, gzip.compress(GOOD_FILE)[:40] + b"?" * 40, None, None, "cut off or damaged"),
    Bad("zip cut", ZIP, containers.zip_of((FILE, GOOD_FILE))[:-30], None, None, "damaged zip"),
    Bad("zip that is none", ZIP, b"PK\x03\x04" + b"?" * 200, None, None, "damaged zip"),
    Bad("zip without a file", ZIP, containers.zip_of(("folder/", b"")), None, None, "without a file"),
    Bad("Parquet cut", PARQUET, containers.parquet_of(GOOD_FILE)[:-40], None, None, "not a readable Parquet"),
    Bad("Parquet with its middle gone", PARQUET, b"PAR1" + b"\0" * 500 + b"PAR1", None, None, "not a readable Parquet"),
    Bad("Parquet without a row", PARQUET, containers.parquet_of(csv_file()), None, None, "no record"),
]
OTHER_KINDS = [
    Bad("web page", FILE, PAGE, 1, "<!DOCTYPE html>", "web page"),
    Bad("web page after blank lines", FILE, b"\xef\xbb\xbf\n \n" + PAGE, 1, "<!DOCTYPE html>", "web page"),
    Bad("web page without a doctype", FILE, b"<script>captcha()</script>", 1, "<script>", "web page"),
    Bad("web page in a gzip file", GZ, gzip.compress(PAGE), 1, "<!DOCTYPE html>", "web page"),
    Bad("error message in JSON", FILE, b'{"error": true, "message": "Throttled"}', 1, "Throttled", "JSON"),
    Bad("PDF", FILE, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", None, None, "PDF"),
    Bad("old Excel", FILE, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, None, None, "Excel"),
    Bad(
        "Excel that is another Office file", FILE, containers.office_file(("word/document.xml", b"<x/>")), says="Excel"
    ),
    Bad("zip in a zip", ZIP, containers.zip_of((ZIP, containers.zip_of((FILE, GOOD_FILE)))), says="zip archive inside"),
    Bad("Latin-1", FILE, in_line(3, b"TUCSON", "TUCSÓN".encode("latin-1")), 3, "0xD3", "(as Latin-1 it reads 'Ó')"),
    Bad("UTF-16", FILE, GOOD_FILE.decode().encode("utf-16"), None, None, "UTF-16"),
    Bad("UTF-16, big end first", FILE, b"\xfe\xff" + GOOD_FILE.decode().encode("utf-16-be"), None, None, "UTF-16"),
    Bad("UTF-16 without a mark", FILE, GOOD_FILE.decode().encode("utf-16-le"), 1, "zero byte", ""),
    Bad("zero byte", FILE, in_line(6, b"NOV", b"N\0V"), 6, "zero byte", ""),
    Bad("carriage returns alone", FILE, GOOD_FILE.replace(b"\n", b"\r"), 1, None, "carriage return alone"),
    Bad(
        "Parquet with lists",
        PARQUET,
        containers.parquet_with(GOOD_FILE, "Drug Type", ["Fentanyl", "Heroin"]),
        value="'Drug Type'",
        says="plain values",
    ),
]
UNSAFE = [
    Bad("zip bomb", ZIP, containers.zip_of((FILE, b"\0" * 80 * containers.MEGABYTE)), says="bomb"),
    Bad(
        "zip bomb that says it is small",
        ZIP,
        containers.zip_that_says(300, FILE, GOOD_FILE + b"\n" * 80 * containers.MEGABYTE),
        says="damaged",
    ),
    Bad("zip that says it is large", ZIP, containers.zip_that_says(10**9, FILE, GOOD_FILE), says="bomb"),
    Bad("Excel bomb", ZIP, containers.office_file(("xl/sheet.xml", b" " * 80 * containers.MEGABYTE)), says="bomb"),
    Bad("Parquet bomb", PARQUET, containers.parquet_bomb(50_000_000), value="50,000,000 rows", says="bomb"),
    Bad("path upwards", ZIP, containers.zip_of(("../../etc/cron.d/x", GOOD_FILE)), value="'../../etc/cron.d/x'"),
    Bad("path with a drive", ZIP, containers.zip_of(("C:/x.csv", GOOD_FILE)), value="'C:/x.csv'", says="unsafe"),
    Bad("absolute path", ZIP, containers.zip_of(("/etc/passwd", GOOD_FILE)), value="'/etc/passwd'", says="unsafe"),
    Bad("path with backslashes", ZIP, containers.zip_of(("..\\x.csv", GOOD_FILE)), value="x.csv'", says="unsafe"),
    Bad(
        "path upwards behind a good file",
        ZIP,
        containers.zip_of((FILE, GOOD_FILE), ("a/../../x.csv", GOOD_FILE)),
        value="'a/../../x.csv'",
        says="unsafe",
    ),
    Bad("path that cannot be printed", ZIP, containers.zip_of(("a\x1b[31m.csv", GOOD_FILE)), says="unsafe"),
    Bad("locked zip", ZIP, containers.locked_zip(FILE, GOOD_FILE), value=f"'{FILE}'", says="password"),
    Bad("zip of a file without a name", ZIP, containers.nameless_zip(FILE, GOOD_FILE), says="cannot be unpacked"),
    Bad("unknown compression", ZIP, containers.unknown_compression(FILE, GOOD_FILE), says="cannot be unpacked"),
    Bad("zip of 2,000 files", ZIP, containers.zip_of(*((f"{n}.csv", b"x") for n in range(2000))), value="2,000 files"),
    Bad(
        "zip of a good and a bad file",
        ZIP,
        containers.zip_of(("a.csv", csv_file(*ROWS[:3])), ("b.csv", with_column("Purity"))),
        1,
        "'Purity'",
        "unknown column",
        told=f"{ZIP}:b.csv",
    ),
]
ALL = [*COLUMNS, *CUT, *OTHER_KINDS, *UNSAFE]


@pytest.mark.parametrize("bad", ALL, ids=[b.what for b in ALL])
def test_a_file_that_cannot_be_read_is_told_and_held_and_changes_nothing_else(house: House, bad: Bad) -> None:
    verdict = bring(house, {bad.name: bad.content})
    assert (verdict.state, verdict.readable) == ("held", False)
    assert verdict.problem is not None
    assert_told(str(verdict.problem), bad.told or bad.name, bad.line, bad.value)
    assert bad.says in str(verdict.problem)
    assert house.account(BAD)["rows"] == 0


def test_status_says_what_is_held_and_how_to_go_on(house: House) -> None:
    bring(house, {FILE: PAGE})
    found = read_status(house.settings, "official", date(2024, 2, 20))
    (source,) = (s for s in found["sources"] if s["source"] == CBP)
    assert source["state"] == "blocked"
    assert source["last_vintage"] == date.fromisoformat(GOOD)
    (held,) = source["held"]
    assert held["vintage"] == BAD
    assert "web page" in held["why"]
    assert f"drugflow add {CBP} FILE --published {BAD}" in held["how_to_go_on"]


@pytest.mark.parametrize("content", [with_column("Purity"), spoilt("Fentanyl", "Nitazenes")], ids=["column", "drug"])
def test_who_meets_something_new_is_sent_to_the_yaml_first(house: House, content: bytes) -> None:
    """Getting the file again would bring the same column or drug again."""
    verdict = bring(house, {FILE: content})
    advice = str(about_held(get_source(CBP), verdict))
    assert advice.startswith(
        f"If the agency added or renamed it, list it in pipelines/sources/{CBP}/source.yml, then 'drugflow refresh'"
    )
    assert ("drugflow accept" in advice) == verdict.readable


def test_a_good_file_beside_a_bad_one_is_held_with_it(house: House) -> None:
    """A vintage is published whole or not at all."""
    verdict = bring(house, {"a.csv": csv_file(*ROWS[:6]), "b.csv": PAGE})
    assert verdict.state == "held"
    assert_told(str(verdict.problem), "b.csv", 1, "<!DOCTYPE html>")


def test_a_gzip_bomb_is_refused_while_it_is_unpacked_and_taken_once_the_limit_is_raised(house: House) -> None:
    """200 rows are no bomb: the limit is lowered here so that they look like one."""
    settings = house.settings.model_copy(update={"max_unpacked_bytes": 10_000, "chunk_bytes": 4_000})
    small = House(house.mirror, settings)
    rows = [ROWS[n % len(ROWS)].replace("2024", str(2019 + n // len(ROWS))) for n in range(66)]
    history = house.history()
    house.offer(BAD, {GZ: gzip.compress(csv_file(*ROWS, *rows[:55], *(" " * 200 for _ in range(20))))})
    verdict = small.run()[BAD]
    assert verdict.state == "held"
    assert_told(str(verdict.problem), GZ, None, "10,000 bytes")
    assert "decompression bomb" in str(verdict.problem)
    assert house.history().equals(history)
    assert house.run()[BAD].readable


def test_a_line_without_an_end_is_not_read_into_memory(house: House) -> None:
    small = House(house.mirror, house.settings.model_copy(update={"chunk_bytes": 64 * 1024}))
    endless = b"2024," * 500_000
    verdict = bring(small, {FILE: GOOD_FILE + endless + b"\n" + csv_file(*ROWS)})
    assert_told(str(verdict.problem), FILE, LAST + 1, "more than 1,048,576 bytes")


# --- what looks odd and is right ------------------------------------------------------------------------------

HALF = len(ROWS) // 2
RIGHT = {
    "CRLF": {FILE: csv_file(*ROWS, end="\r\n")},
    "byte-order mark": {FILE: b"\xef\xbb\xbf" + GOOD_FILE},
    "every cell quoted": {FILE: csv_file(*('"' + r.replace(",", '","') + '"' for r in ROWS))},
    "columns in another order": {
        FILE: csv_file(*(",".join(r.split(",")[::-1]) for r in ROWS), header=",".join(HEADER.split(",")[::-1]))
    },
    "header in capitals with blanks": {FILE: csv_file(*ROWS, header=HEADER.upper().replace(",", " , "))},
    "gzip": {GZ: gzip.compress(GOOD_FILE)},
    "gzip under the name of a CSV file": {FILE: gzip.compress(GOOD_FILE)},
    "zip": {ZIP: containers.zip_of((FILE, GOOD_FILE))},
    "zip with two files": {
        ZIP: containers.zip_of(("a.csv", csv_file(*ROWS[:HALF])), ("b.csv", csv_file(*ROWS[HALF:])))
    },
    "two files": {"a.csv": csv_file(*ROWS[:HALF]), "b.csv": csv_file(*ROWS[HALF:])},
}


@pytest.fixture(scope="module")
def plain_content(furnished: House, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fingerprint of the figures of the good rows in a plain file."""
    house = copied(furnished, tmp_path_factory.mktemp("plain") / "house")
    verdict = bring(house, {FILE: GOOD_FILE})
    assert verdict.state == "accepted"
    assert house.clean(BAD).height == len(ROWS)
    assert house.history().height == len(ROWS)
    return verdict.content


@pytest.mark.parametrize("files", RIGHT.values(), ids=RIGHT)
def test_another_form_of_a_good_file_gives_the_same_figures(
    house: House, files: dict[str, bytes], plain_content: str
) -> None:
    verdict = bring(house, files)
    assert (verdict.state, verdict.content) == ("accepted", plain_content)


def test_blank_lines_are_counted_and_left_out(house: House, plain_content: str) -> None:
    rows = [*ROWS[:4], "", *ROWS[4:], ",,,,,,,,", "  "]
    verdict = bring(house, {FILE: csv_file(*rows)})
    assert (verdict.state, verdict.content) == ("accepted", plain_content)
    account = house.account(BAD)
    assert (account["records"], account["set_aside"]) == (len(ROWS) + 3, {"blank_line": 3})


def test_the_line_counts_from_the_top_of_the_file_whatever_its_line_ends(house: House) -> None:
    spoilt = [*ROWS[:7], NEW_ROWS[1].replace("412.5", "many"), *ROWS[8:]]
    verdict = bring(house, {FILE: b"\xef\xbb\xbf" + csv_file(*spoilt[:3], "", *spoilt[3:], end="\r\n")})
    assert_told(str(verdict.problem), FILE, TUCSON + 1, "'many'")
