"""The sample of a source that has no generator of its own: files made from its description alone.

What belongs here: every column filled by its type, its categories and the stanza ``sample``, in the publisher's
format. What does not: a source; flaws and revisions that only one publisher has (its sample.py).

A release has one record for every choice of every text column and every period. A figure depends on its source, column,
choices and period alone, so that releases repeat each other; those of a release's newest period are a tenth too low,
because agencies report late.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import product

from pipelines.catalog.columns import RawColumn, fold
from pipelines.catalog.source import SampleColumn, Source
from pipelines.core.errors import DrugflowError
from pipelines.ingest.samples.draw import uniform
from pipelines.ingest.samples.tree import SampleVintage, delimited, workbook

NEWEST = date(2026, 1, 15)
"""Day of the newest release of a sample that names no days."""
LATE = 0.1
MOST_RECORDS = 100_000
"""Records of a release at the most; a sample is small."""
MONTHS = {"weekly": 0, "monthly": 1, "quarterly": 3, "half_yearly": 6, "yearly": 12}
"""Months of a period, by cadence; a week has none."""
_ENGLISH = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_SPANISH = (
    "Enero", "Febrero", "Marzo", "Abril", "Mayo", "Junio", "Julio", "Agosto", "Septiembre", "Octubre", "Noviembre",
    "Diciembre",
)  # fmt: skip
Cells = dict[str, str]
"""One record: column's id to text."""


def vintages(source: Source) -> Iterator[SampleVintage]:
    """Every sample release of the source, oldest first.

    Raises DrugflowError naming the column that the description does not say how to fill.
    """
    for published in sorted(source.sample.published) or _default_days(source):
        rows = [_header(source), *_table(source, _periods(source, published))]
        name, content = _file(source, published, rows)
        yield SampleVintage(source.id, published.isoformat(), {name: content})


def _default_days(source: Source) -> list[date]:
    """Two days, so far apart that the newer release has a period more."""
    return [NEWEST.replace(year=NEWEST.year - 1), NEWEST] if MONTHS[source.cadence] > 3 else [date(2025, 7, 15), NEWEST]


def _periods(source: Source, published: date) -> list[date]:
    """First days of the periods of a release, oldest first: those that have ended the usual lag before it."""
    known = published - timedelta(days=source.expected_lag_days)
    if not (months := MONTHS[source.cadence]):
        newest = known - timedelta(days=known.weekday() + 7)
        return [newest - timedelta(weeks=n) for n in reversed(range(source.sample.periods))]
    ended = (12 * known.year + known.month - 1) // months * months
    first = [ended - months * (n + 1) for n in reversed(range(source.sample.periods))]
    return [date(n // 12, n % 12 + 1, 1) for n in first]


def _header(source: Source) -> list[str]:
    return [title.names[0] for title in _titles(source)]


def _titles(source: Source) -> list[RawColumn]:
    """The columns of the file: all but families of ignored columns, and optional texts that nothing is said about."""
    filled = {*source.sample.columns, *(c for choices in source.sample.together for choice in choices for c in choice)}
    return [
        title
        for title in source.titles
        if title.pattern is None and (title.required or title.type != "text" or title.id in filled)
    ]


def _table(source: Source, periods: list[date]) -> Iterator[list[str]]:
    """The records' cells in the header's order. Those that differ in a wide column's title alone are one record."""
    lines: dict[tuple[str, ...], Cells] = {}
    for number, choice in enumerate(_choices(source), 1):
        if number * len(periods) > MOST_RECORDS:
            raise DrugflowError(
                f"{source.id}/source.yml: the sample would have every value of every column with every other, "
                f"more than {MOST_RECORDS:,} records in all. List some choices in sample.together."
            )
        for period in periods:
            record, figures = _record(source, choice, period, is_newest=period == periods[-1])
            lines.setdefault(tuple(record.values()), record).update(figures)
    titles = _titles(source)
    for line in lines.values():
        yield [line.get(title.id, "") for title in titles]


def _choices(source: Source) -> Iterator[Cells]:
    """Every combination of the values of the columns that do not depend on the period."""
    together = source.sample.together
    filled = {column for choices in together for choice in choices for column in choice}
    alone = {c.id: _values(source, c) for c in source.columns if c.id not in filled}
    singles = [[{column: value} for value in values] for column, values in alone.items() if values]
    for parts in product(*together, *singles):
        yield {column: value for part in parts for column, value in part.items()}


def _values(source: Source, column: RawColumn) -> list[str]:
    """What a column can hold, in the publisher's words; nothing where it is a figure, a period or not filled."""
    said = source.sample.columns.get(column.id)
    if said and said.values:
        return said.values
    if column.categories:
        first = {meaning: word for word, meaning in reversed(column.categories.items())}
        return [word for word in column.categories if first[column.categories[word]] == word]
    if said or column.ignore or column.nullable or not column.required or column.type != "text":
        return []
    raise DrugflowError(
        f"{source.id}/source.yml does not say how the sample fills the column {column.names[0]!r}: add "
        f"sample.columns.{column.id} with values or a period, or list it in sample.together."
    )


def _record(source: Source, choice: Cells, period: date, is_newest: bool) -> tuple[Cells, Cells]:
    """Cells that identify a record of the file, and its figures by title."""
    record, figures = dict(choice), {}
    for column in source.columns:
        said = source.sample.columns.get(column.id)
        title = column.id
        if said and said.period:
            text = _spelled(source, column, said.period, period)
            if column.wide is None:
                record[column.id] = text
                continue
            title = _title(source, column, text)
        if column.type in ("integer", "number") and not column.ignore and column.id not in choice:
            figures[title] = _figure(source, column, said, (period, *choice.values()), is_newest)
    return record, figures


def _spelled(source: Source, column: RawColumn, form: str, period: date) -> str:
    month = period.month - 1
    words = {
        "year": period.year,
        "month": period.month,
        "day": period.day,
        "quarter": month // 3 + 1,
        "half": month // 6 + 1,
        "month_en": _ENGLISH[month],
        "mon_en": _ENGLISH[month][:3],
        "month_es": _SPANISH[month],
        "fiscal_year": period.year + (period.month >= 10),
    }
    try:
        return form.format(**words)
    except (KeyError, IndexError, ValueError) as error:
        raise DrugflowError(
            f"{source.id}/source.yml: sample.columns.{column.id}.period is {form!r}; expected names in braces out of "
            f"{', '.join(words)}."
        ) from error


def _title(source: Source, column: RawColumn, text: str) -> str:
    title = next((name for name in column.names if fold(name) == fold(text)), None)
    if title is None:
        raise DrugflowError(
            f"{source.id}/source.yml: sample.columns.{column.id}.period gives {text!r}, which is none of the titles "
            f"{', '.join(column.names)}."
        )
    return title


def _figure(
    source: Source, column: RawColumn, said: SampleColumn | None, key: tuple[object, ...], is_newest: bool
) -> str:
    least, most = _bounds(source, column, said)
    draw = uniform(source.id, column.id, *key)
    late = 1 - LATE * is_newest
    if column.type == "integer":
        return str(max(int(least), int((least + (most - least + 1) * draw) * late)))
    return str(max(least, round((least + (most - least) * draw) * late, 2)))


def _bounds(source: Source, column: RawColumn, said: SampleColumn | None) -> tuple[float, float]:
    """The least and the most of a figure: as the stanza says, else as the expectations on the clean column do."""
    least, most = 1.0, 100.0
    for expectation in source.expectations:
        if expectation.batch == "rows" and expectation.kwargs.get("column") == column.id:
            low, high = (expectation.kwargs.get(bound) for bound in ("min_value", "max_value"))
            least = max(least, float(low)) if isinstance(low, int | float) else least
            most = min(most, float(high)) if isinstance(high, int | float) else most
    if said:
        least = said.least if said.least is not None else min(least, said.most or least)
        most = said.most if said.most is not None else max(most, least)
    return least, max(least, most)


def _file(source: Source, published: date, rows: list[list[str]]) -> tuple[str, bytes]:
    """Name and plain content of the release's file in the first format and encoding that the source lists."""
    form, stem = source.files.formats[0], source.sample.file or source.id
    if form == "xlsx":
        created = datetime(published.year, published.month, published.day)
        return f"{stem}-SAMPLE.xlsx", workbook("SAMPLE", created, _numbers(source, rows))
    if form == "parquet":
        raise DrugflowError(
            f"{source.id}/source.yml lists the format parquet first, which no sample is made in: list csv, tsv or xlsx "
            "first, or write sample.py."
        )
    text = delimited(rows, separator="\t" if form == "tsv" else ",", end="\r\n")
    if source.files.end_marker:
        text += f"{source.files.end_marker}\r\nSAMPLE: generated, not official\r\n"
    if not source.files.final_newline:
        text = text.removesuffix("\r\n")
    try:
        return f"{stem}-SAMPLE.{form}.gz", text.encode(source.files.encodings[0])
    except UnicodeEncodeError as error:
        raise DrugflowError(
            f"{source.id}/source.yml lists the encoding {source.files.encodings[0]} first, which lacks the character "
            f"{text[error.start]!r} of its sample."
        ) from error


def _numbers(source: Source, rows: list[list[str]]) -> Iterator[list[str | float]]:
    """The rows as a workbook has them: figures are numbers."""
    figures = [title.type in ("integer", "number") for title in _titles(source)]
    header, *records = rows
    yield list(header)
    for record in records:
        yield [float(c) if is_figure and c else c for c, is_figure in zip(record, figures, strict=True)]
