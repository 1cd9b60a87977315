"""The mutations: what can happen to a file, made the same way every time.

What belongs here: spoiling a layout's small file, with what a careful person would still read in it. What does not:
what the pipeline makes of it (run).
"""

from __future__ import annotations

import bz2
import csv
import gzip
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tests.faults import containers
from tests.faults.corpus.layouts import Layout, Rows
from tests.faults.corpus.meaning import Table, table_of

Must = Literal["equal", "held", ""]
KINDS = ("bytes", "rows", "columns", "separators", "encodings", "quotes", "numbers", "dates")


@dataclass(frozen=True)
class Mutation:
    """One spoilt file. means: the table that a careful person reads in it, None where there is none.

    must: the outcome that is the only right one, empty where the reading decides.
    """

    layout: Layout
    kind: str
    what: str
    content: bytes
    means: Table | None
    must: Must = ""

    @property
    def name(self) -> str:
        return f"{self.layout.name}: {self.kind}: {self.what}"


Found = Iterator[tuple[str, bytes, Table | None, Must]]
Written = tuple[str, bytes, Table, Must]


def mutations(layout: Layout, kind: str) -> list[Mutation]:
    """All mutations of one kind of a layout's file, in a fixed order."""
    dice = random.Random(f"{layout.name} {kind}")
    return [Mutation(layout, kind, *found) for found in _MAKERS[kind](layout, dice)]


def _table(layout: Layout) -> Table:
    return list(layout.header), [list(r) for r in layout.rows]


def _written(
    layout: Layout, what: str, header: list[str], rows: Rows, must: Must = ""
) -> tuple[str, bytes, Table, Must]:
    """A table that is another one, written as its layout writes tables."""
    return what, layout.with_table(header, rows).write(), (header, rows), must


# --- bytes ----------------------------------------------------------------------------------------------------


def _bytes(layout: Layout, dice: random.Random) -> Found:
    """What these bytes are now, an independent reader says."""
    content = layout.write()
    for how in ("cut", "change", "insert", "remove", "repeat", "digit", "flip"):
        for n in range(3 if how in ("digit", "flip") else 2):
            spoilt = damaged(content, how, dice)
            yield f"{how} {n + 1}", spoilt, table_of(layout, spoilt), ""
    yield "nothing", b"", None, "held"
    yield "one byte", content[:1], None, "held"
    yield "the beginning alone", content[: content.find(b"\n") + 1] if layout.is_text else content[:200], None, "held"
    padded, middle = content + b"\0" * 4096, len(content) // 2
    yield "zeros at the end", padded, None if layout.is_text else table_of(layout, padded), ""
    yield "zeros in the middle", content[:middle] + b"\0" * 512 + content[middle + 512 :], None, "held"


def damaged(content: bytes, how: str, dice: random.Random) -> bytes:
    """The bytes with one damage."""
    at = dice.randrange(len(content))
    if how == "digit":
        places = [n for n, byte in enumerate(content) if byte in b"0123456789"]
        at = dice.choice(places)
        others = string.digits.replace(chr(content[at]), "")
        return content[:at] + dice.choice(others).encode() + content[at + 1 :]
    if how == "flip":
        return content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]
    junk = bytes(dice.choice(b'",\n\r\0;x9-\xff\xe9') for _ in range(dice.randint(1, 4)))
    return {
        "cut": content[:at],
        "change": content[:at] + junk + content[at + len(junk) :],
        "insert": content[:at] + junk + content[at:],
        "remove": content[:at] + content[at + dice.randint(1, 200) :],
        "repeat": content[:at] + content[max(0, at - 200) :],
    }[how]


# --- rows -----------------------------------------------------------------------------------------------------


def _rows(layout: Layout, dice: random.Random) -> Found:
    header, rows = _table(layout)
    at = dice.randrange(4, len(rows) - 8)
    other = [*rows[at]]
    other[header.index(layout.figures[0])] = "77"
    mixed = [*rows]
    dice.shuffle(mixed)
    tenth = max(1, len(rows) // 10)
    blank = [""] * len(header)
    yield _written(layout, "one row lost", header, rows[:at] + rows[at + 1 :])
    yield _written(layout, "a tenth lost", header, rows[:at] + rows[at + tenth :])
    yield _written(layout, "the first third lost", header, rows[len(rows) // 3 :])
    yield _written(layout, "the last third lost", header, rows[: -len(rows) // 3])
    yield _written(layout, "all but one lost", header, rows[at : at + 1])
    yield _written(layout, "a row twice", header, [*rows[: at + 1], *rows[at:]])
    yield _written(layout, "a row twice, with two figures", header, [*rows[: at + 1], other, *rows[at + 1 :]])
    yield _written(layout, "all rows twice", header, rows + rows)
    must: Must = "equal"
    yield _written(layout, "two rows exchanged", header, [*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :]], must)
    yield _written(layout, "backwards", header, rows[::-1], must)
    yield _written(layout, "shuffled", header, mixed, must)
    yield _written(layout, "blank rows", header, [*rows[:at], blank, blank, *rows[at:], blank], must)
    if layout.kind == "parquet":
        return
    yield "the header again", layout.with_table(header, [*rows[:at], header, *rows[at:]]).write(), None, "held"
    total = ["Total", *[""] * (len(header) - 2), "9999"]
    # WONDER's own totals say so in their first column, and are set aside under that name.
    meaning = _table(layout) if layout.source == "cdc_wonder_overdose" else None
    yield "a total below", layout.with_table(header, [*rows, total]).write(), meaning, "equal" if meaning else "held"
    if not layout.is_text:
        return
    lines = layout.text().encode(layout.encoding).split(b"\n")
    line = lines[at]
    half = len(line) // 2
    spoilt = {
        "a row cut short": [*lines[:at], line.rsplit(layout.separator.encode(), 2)[0], *lines[at + 1 :]],
        "a field too many": [*lines[:at], line + layout.separator.encode() + b"1", *lines[at + 1 :]],
        "two rows in one line": [*lines[:at], line + lines[at + 1], *lines[at + 2 :]],
        "one row in two lines": [*lines[:at], line[:half], line[half:], *lines[at + 1 :]],
        "a message in the middle": [*lines[:at], b"Error 504: upstream request timeout", *lines[at:]],
    }
    for what, found in spoilt.items():
        yield what, b"\n".join(found), None, "held"


# --- columns --------------------------------------------------------------------------------------------------


def _columns(layout: Layout, dice: random.Random) -> Found:
    header, rows = _table(layout)
    width = range(len(header))
    figure = header.index(layout.figures[0])

    def taken(order: list[int]) -> tuple[list[str], Rows]:
        return [header[n] for n in order], [[r[n] for n in order] for r in rows]

    def titled(n: int, title: str) -> list[str]:
        return [*header[:n], title, *header[n + 1 :]]

    turned: Must = "equal"
    if layout.kind == "xlsx":
        yield "areas last", layout.with_table(*taken([*width[1:], 0])).write(), None, "held"
        yield _written(layout, "a year less", *taken([n for n in width if n != figure]))
    else:
        mixed = [*width]
        dice.shuffle(mixed)
        yield _written(layout, "backwards", *taken([*width][::-1]), turned)
        yield _written(layout, "shuffled", *taken(mixed), turned)
        yield _written(layout, "capitals", [h.upper() for h in header], rows, turned)
        yield _written(layout, "spaces around", [f" {h} " for h in header], rows, turned)
        yield (
            "a figure's column lost",
            layout.with_table(*taken([n for n in width if n != figure])).write(),
            None,
            "held",
        )
        yield "the first column lost", layout.with_table(*taken([*width[1:]])).write(), taken([*width[1:]]), ""
        yield (
            "an unknown column",
            layout.with_table([*header, "Comment"], [[*r, "1"] for r in rows]).write(),
            None,
            "held",
        )
        yield "no header", layout.with_table(rows[0], rows[1:]).write(), None, "held"
    if layout.source != "census_population":
        yield "a renamed column", layout.with_table(titled(figure, "Total Deaths (final)"), rows).write(), None, "held"
    else:
        yield "a renamed column", layout.with_table(titled(figure, "POPESTIMATE2O24"), rows).write(), None, "held"
    if layout.kind != "parquet":
        again = [[*r, r[figure]] for r in rows]
        yield "a column twice", layout.with_table([*header, header[figure]], again).write(), None, "held"
    for n in (figure, 2):
        a, b = n, n - 1 if n else 1
        swapped = [*header]
        swapped[a], swapped[b] = header[b], header[a]
        if layout.kind != "xlsx":
            yield _written(layout, f"titles {b} and {a} exchanged", swapped, rows)
    if layout.is_text:
        at = dice.randrange(5, len(rows) - 5)
        lines = layout.text().encode(layout.encoding).split(b"\n")
        moved = [x.replace(layout.separator.encode(), b"", 1) if n >= at else x for n, x in enumerate(lines)]
        yield "cells moved by one from a row on", b"\n".join(moved), None, "held"
        yield "an empty title", layout.with_table(titled(1, ""), rows).write(), None, "held"


# --- separators -----------------------------------------------------------------------------------------------


def _separators(layout: Layout, dice: random.Random) -> Found:
    """For containers that have none, the separators inside cells."""
    table = _table(layout)
    if not layout.is_text:
        header, rows = table
        for mark in (";", "\t", "|", "\n", "\r\n", "\u2028", "\x0b", "\\t"):
            for column in (0, header.index(layout.figures[0])):
                at = dice.randrange(2, len(rows) - 3)
                spoilt = [[*r] for r in rows]
                spoilt[at][column] += mark + "x"
                yield _written(layout, f"{mark!r} in column {column}", header, spoilt)
        return
    for other in (";", "|", ":", "\x1f", "," if layout.kind == "tsv" else "\t"):
        quiet = table if layout.kind == "tsv" and other == "," else None
        yield f"{other!r} for all", layout.write(separator=other), quiet, "" if quiet else "held"
    own = layout.separator.encode()
    lines = layout.text().encode(layout.encoding).split(b"\n")
    at = dice.randrange(3, len(lines) - 12)
    one = [*lines[:at], lines[at].replace(own, b";"), *lines[at + 1 :]]
    yield "one row with semicolons", b"\n".join(one), None, "held"
    doubled = [*lines[:at], lines[at].replace(own, own * 2, 1), *lines[at + 1 :]]
    yield "one separator doubled", b"\n".join(doubled), None, "held"
    body = layout.write()
    yield "Windows line ends", body.replace(b"\n", b"\r\n"), table, "" if "\n" in layout.rows[-1][-1] else "equal"
    yield "Macintosh line ends", body.replace(b"\n", b"\r"), None, "held"
    half = body.find(b"\n", len(body) // 2)
    yield "Windows line ends from the middle on", body[:half] + body[half:].replace(b"\n", b"\r\n"), table, ""
    yield "a separator after every row", body.replace(b"\n", own + b"\n"), None, ""
    after = [x + own if x and n else x for n, x in enumerate(lines)]
    yield "a separator after every row but the header", b"\n".join(after), None, "held"
    if not any("\n" in c for r in layout.rows for c in r) and not layout.footer:
        yield "empty lines between all", body.replace(b"\n", b"\n\n"), table, "equal"
        yield "Unicode line ends", layout.text(end="\u2028").encode(), None, "held"


# --- encodings ------------------------------------------------------------------------------------------------


def _encodings(layout: Layout, dice: random.Random) -> Found:
    """Of whole files, and of the first letter cell of one record."""
    table = _table(layout)
    header, rows = table
    column = next(n for n, c in enumerate(rows[0]) if c.strip(string.digits + " -.") and len(c) > 3)
    at = dice.randrange(3, len(rows) - 3)
    while not rows[at][column].strip():
        at -= 1

    def cell(text: str) -> Layout:
        spoilt = [[*r] for r in rows]
        spoilt[at][column] = text
        return layout.with_table(header, spoilt)

    was = rows[at][column]
    look_alike = was.translate(str.maketrans("aeoc", "аеос"))
    for what, text in {
        "Cyrillic letters": look_alike,
        "a zero-width space": was[:2] + "\u200b" + was[2:],
        "a replacement mark": was[:2] + "\ufffd" + was[3:],
        "read as Latin-1": (was + "é").encode().decode("latin-1"),
        "full-width letters": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in was),
        "an accent": was[:2] + "\u0301" + was[2:],
    }.items():
        yield _written(layout, what, *_table(cell(text)))
    for what, text in {"spaces that do not break": f"\u00a0{was}\u00a0", "outer spaces": f"  {was} "}.items():
        yield what, cell(text).write(), table, ""
    if not layout.is_text:
        for name, packed in (("gzip", gzip.compress), ("bz2", bz2.compress)):
            yield f"in {name}", packed(layout.write()), None, "held"
        return
    text = layout.text()
    must: Must = "equal"
    yield "a byte-order mark", b"\xef\xbb\xbf" + text.encode("utf-8"), table, must
    yield "UTF-8", text.encode(), table, must
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037", "utf-7"):
        same = text.encode(encoding, "replace")
        if encoding == "utf-7" and same.decode() == text:
            continue
        yield encoding, same, table_of(layout, same), "held" if encoding != "utf-7" else ""
    yield "one letter in Latin-1", cell(was + "é").text().encode("latin-1"), _table(cell(was + "é")), ""
    body = layout.write()
    yield "in gzip", gzip.compress(body, mtime=0), table, must
    yield "in bz2", bz2.compress(body), table, must
    yield "in a zip", containers.zip_of((layout.file, body)), table, must
    yield "in a zip in a zip", containers.zip_of(("a.zip", containers.zip_of((layout.file, body)))), None, "held"
    yield "a surrogate", body[: body.find(b"\n") + 1] + b"\xed\xa0\x80" + body[body.find(b"\n") + 1 :], None, ""


# --- quotes ---------------------------------------------------------------------------------------------------


def _quotes(layout: Layout, dice: random.Random) -> Found:
    """Marks in one record, in two, or in all. What is read must be the file as it was, or nothing."""
    table = _table(layout)
    header, rows = table
    at = dice.randrange(3, len(rows) - 9)
    if not layout.is_text:
        for mark in ('"', "'", "\u201c", '""', "`"):
            for column in (0, header.index(layout.figures[0])):
                spoilt = [[*r] for r in rows]
                spoilt[at][column] = mark + spoilt[at][column] + mark
                yield _written(layout, f"{mark} around column {column}", header, spoilt)
        return
    own = layout.separator
    yield "around every cell", layout.write(csv.QUOTE_ALL), table, "equal"
    yield "around texts", layout.write(csv.QUOTE_NONNUMERIC), table, "equal"
    lines = layout.text().encode(layout.encoding).split(b"\n")
    line = lines[at]

    def with_line(*replaced: bytes) -> bytes:
        return b"\n".join([*lines[:at], *replaced, *lines[at + len(replaced) :]])

    cells = line.decode(layout.encoding).split(own)
    place = next(n for n, c in enumerate(cells) if c and '"' not in c)
    last = len(cells) - 1 if '"' not in cells[-1] else place

    def with_cell(n: int, text: str) -> bytes:
        return with_line(own.join([*cells[:n], text, *cells[n + 1 :]]).encode(layout.encoding))

    def with_text(text: str) -> Written:
        spoilt = [[*r] for r in rows]
        column = next(n for n, c in enumerate(rows[at]) if c and own not in c)
        was = rows[at][column]
        spoilt[at][column] = text.format(was[:1], was[1:])
        return _written(layout, text.format("a", "bc"), header, spoilt)

    yield "opened, never closed", with_cell(place, '"' + cells[place]), table, ""
    yield "closed, never opened", with_cell(place, cells[place] + '"'), table, ""
    yield "opened in the last cell", with_cell(last, '"' + cells[last]), table, ""
    yield "in the middle of a cell", with_cell(place, cells[place][:1] + '"' + cells[place][1:]), table, ""
    yield with_text('{}"{}')
    yield "text after a closing mark", with_cell(place, f'"{cells[place]}"s'), table, ""
    yield with_text("'{}{}'")
    yield (
        "printer's marks",
        layout.with_table(header, [[f"“{c}”" for c in r] for r in rows]).text().encode(),
        None,
        "held",
    )
    yield "a line end inside", with_cell(place, f'"{cells[place]}\n"'), table, ""
    yield "with backslashes", with_cell(place, f'"{cells[place]}\\""'), None, ""
    for gap in (1, 3, 6):
        swallowing = [line[:0] + b'"' + line, *lines[at + 1 : at + gap], lines[at + gap] + b'"']
        yield f"around {gap + 1} records", with_line(*swallowing), table, ""
    yield "in the header", b'"' + b"\n".join(lines), None, "held"
    if any(own in c for r in rows for c in r):
        bare = "\n".join(own.join(r).replace("\n", " ") for r in [header, *rows]) + "\n"
        yield "taken away", (bare + layout.footer).encode(layout.encoding), None, "held"


# --- numbers and dates ----------------------------------------------------------------------------------------

NUMBERS = (
    "", "0", "-1", "7", "12.0", "12.5", "1,234", "12,34", "1.234,5", "1e2", "1e400", "9223372036854775808", "00012",
    "+12", "-0", ".5", "5.", "NaN", "inf", "NA", "n/a", "*", "-", "1 234", "1_234", "0x1F", "１２", "١٢", "−5", "12%",
    "$12", "12 lb", "(12)", "12.0000000000000001", "#REF!", "TRUE", "Suppressed", "2024-01-01",
)  # fmt: skip


def _numbers(layout: Layout, dice: random.Random) -> Found:
    """One figure is another text. Where that is a figure, exactly this one changes."""
    wanted = NUMBERS[dice.randrange(2) :: 2]
    yield from _cells(layout, [(layout.figures[n % len(layout.figures)], v) for n, v in enumerate(wanted)], dice)


_SPELLINGS = {
    "FY": ["2023", "2024", "2024(FYTD)", "2024 (fytd)", "FY2024", "24", "2024.0", "2042", "1924", "2024 (FYTD)*", ""],
    "Month (abbv)": ["JAN", "Sep", "October", "OKT", "10", "DIC", "O", "", "OCT 2023", "Q1", "FEB"],
    "Year": ["2023", "2024.0", "2,024", "24", "2201", "1899", "", "2024*", "MMXXIV", "12024"],
    "Month": ["May", "jun", "Juli", "13", "", "Q1", "Total", "January-March", "Jan., 2018", "Feb., 2031", "May., 2012"],
    "Date": [
        "13/01/2019 12:00:00 AM", "02/01/2019 12:00:00 AM", "02/15/2019 12:00:00 AM", "2/1/2019",
        "03/01/2019 12:00:00 PM",
        "Mar-19", "March 2019", "Mar 19", "2019-03", "2019-03-01", "2019-03-02", "2019-03-01T00:00:00.000",
        "2019-13-01T00:00:00.000", "43525", "", "Marzo 2019", "Jul 2018", "00/01/2019 12:00:00 AM",
    ],
    "Month Code": ["2018/13", "2018/1", "2018-01", "2018/03", "2019/01", "201801", "", "1018/01", "2018/00", "18/01"],
}  # fmt: skip


def _dates(layout: Layout, dice: random.Random) -> Found:
    """One date is another text; in Census files, whose dates are headings, one heading."""
    header, rows = _table(layout)
    if layout.source == "census_population":
        for title in layout.dates:
            for year in ("2009", "2035", "2019", "20 24", "2O24", "24", "2024.0", "July 2024"):
                other = [*header]
                other[header.index(title)] = title[: -len(title[-4:])] + year
                means = (other, rows) if layout.kind == "xlsx" else None
                if year.isdigit() and len(year) == 4 and other[header.index(title)] != title:
                    means = (other, rows)
                yield f"{title} is {other[header.index(title)]!r}", layout.with_table(other, rows).write(), means, ""
        return
    spellings = {k.casefold(): v for k, v in _SPELLINGS.items()}
    found = [(c, v) for c in layout.dates for v in spellings[c.casefold()]]
    if layout.kind == "tsv":
        found += [("Month", v) for v in _SPELLINGS["Date"][:6]]
    yield from _cells(layout, found, dice)


def _cells(layout: Layout, wanted: list[tuple[str, str]], dice: random.Random) -> Found:
    for column, text in wanted:
        header, rows = _table(layout)
        at = dice.randrange(2, len(rows) - 2)
        n = header.index(column)
        while not rows[at][n]:
            at -= 1
        was, rows[at][n] = rows[at][n], text
        yield _written(layout, f"{column} of row {at + 1} from {was!r} to {text!r}", header, rows)


_MAKERS: dict[str, Callable[[Layout, random.Random], Found]] = {
    "bytes": _bytes,
    "rows": _rows,
    "columns": _columns,
    "separators": _separators,
    "encodings": _encodings,
    "quotes": _quotes,
    "numbers": _numbers,
    "dates": _dates,
}
