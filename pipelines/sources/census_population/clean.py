"""US Census Bureau population estimates: country, states, territory and counties on 1 July of each year.

Source of the rules: the file layouts of the Population Estimates Program (co-est2020-alldata, co-est2024-alldata)
and the titles of the table NST-EST2024-POP. The five counties of New York City are added up later, not here.
"""

from __future__ import annotations

import polars as pl

from pipelines.catalog.source import Source
from pipelines.clean.batch import RecordBatch
from pipelines.clean.files import LINE, FileProblem, Records, match_header
from pipelines.core.problem import Text
from pipelines.sources.shared.geography import SEED, us_states

PREFIX = "population_"
COUNTRY_NAME = "united states"
TERRITORIES = ("US-PR",)
REGIONS = ("northeast", "midwest", "south", "west")
PLACE_COLUMNS = ["SUMLEV", "STATE", "COUNTY", "STNAME"]
"""Publisher's headers that the workbook lacks and from_sheet fills in."""
NO_COUNTY = r"^0*$"
COUNTY = r"^\d{1,3}$"


def tidy(batch: RecordBatch, source: Source) -> None:
    """One row per area and year.

    series is the vintage of the estimates, ``V`` and the last year of the file. area_level is ``country``,
    ``state`` (50 states and DC), ``territory`` (Puerto Rico, outside the US total) or ``county``; geo_id ``US``,
    ``US-AZ`` or five FIPS digits such as ``36005``. year is 1 July of the year, population persons.

    Raises FileProblem where the file has no POPESTIMATE column.
    """
    years = sorted(c for c in batch.raw.columns if c.startswith(PREFIX))
    if not years:
        what = Text(
            en="there is no POPESTIMATE column, expected one for each year",
            es="no hay ninguna columna POPESTIMATE, se esperaba una por año",
        )
        raise FileProblem("other_layout", file=batch.file, what=what)
    level, county = pl.col("area_level"), pl.col("county_code").fill_null("")
    states = us_states(source.seed(SEED))
    state = pl.col("state_code").str.zfill(2).replace_strict(states.by_number, default=None, return_dtype=pl.String)
    named = pl.col("state_name").str.to_lowercase().replace_strict(states.by_name, default=None, return_dtype=pl.String)
    is_country, is_territory = level == "country", (level == "state") & state.is_in(TERRITORIES)
    batch.reject(
        ~is_country & named.is_null(),
        "STNAME",
        Text(en="is not the name of a US state", es="no es el nombre de un estado de EE. UU."),
        "state_name",
    )
    batch.reject(
        ~is_country & state.is_null(),
        "STATE",
        Text(en="is not the FIPS code of a US state", es="no es el código FIPS de un estado de EE. UU."),
        "state_code",
    )
    batch.reject(
        ~is_country & (named != state),
        "STNAME",
        Text(en="does not go with the record's STATE code", es="no corresponde al código STATE del registro"),
        "state_name",
    )
    misfit = pl.when(level == "county").then(~county.str.contains(COUNTY) | county.str.contains(NO_COUNTY))
    batch.reject(
        misfit.otherwise(~county.str.contains(NO_COUNTY)),
        "COUNTY",
        Text(en="does not go with SUMLEV", es="no corresponde a SUMLEV"),
        "county_code",
    )
    wide = batch.frame.select(
        pl.lit(f"V{years[-1].removeprefix(PREFIX)}").alias("series"),
        pl.when(is_territory).then(pl.lit("territory")).otherwise(level).alias("area_level"),
        pl.when(is_country)
        .then(pl.lit("US"))
        .when(level == "county")
        .then(pl.col("state_code").str.zfill(2) + county.str.zfill(3))
        .otherwise(state)
        .alias("geo_id"),
        LINE,
        *years,
    )
    place = ["series", "area_level", "geo_id", LINE]
    long = wide.unpivot(years, index=place, variable_name="title", value_name="population")
    # In a wide file every cell is a record. The batch has counted a record a row, so each kept row is replaced by
    # its cells; a row that was rejected or set aside whole stays one record.
    batch.records += long.height - wide.height
    batch.frame = long.select(
        "series",
        "area_level",
        "geo_id",
        pl.date(pl.col("title").str.strip_prefix(PREFIX).cast(pl.Int32), 7, 1).alias("year"),
        "population",
        LINE,
    )


def from_sheet(name: str, sheet: pl.DataFrame, source: Source) -> Records:
    """Records of the print layout NST-EST: areas in the first column (``.Alabama``), a column for each year.

    Titles, headings, regions, blank lines and notes are set aside under their names. A row with figures whose
    area is unknown stays, so that tidy rejects it.

    Raises FileProblem where no row has the years as headings, or a year is none of the source's columns.
    """
    first, *others = (c for c in sheet.columns if c != LINE)
    heading = _heading(name, sheet, others)
    line = int(heading[LINE])
    _refuse_unread(name, line, heading, sheet, others)
    years = {c: heading[c] for c in others if _is_year(heading[c])}
    titles = [*PLACE_COLUMNS, *(f"POPESTIMATE{y[:4]}" for y in years.values())]
    ids, absent = match_header(name, titles, source.columns, line)

    area = pl.col(first).str.strip_chars().str.strip_chars_start(".").alias("area")
    has_figures = pl.any_horizontal(pl.col(c).str.strip_chars() != "" for c in others)
    body = sheet.filter(pl.col(LINE) > line).with_columns(area, has_figures.alias("has_figures"))
    is_region = pl.col("has_figures") & pl.col("area").str.to_lowercase().is_in(REGIONS)
    notes = body.filter(~pl.col("has_figures"))
    records = body.filter(pl.col("has_figures") & ~is_region)
    aside = {
        "title": line,
        "region_total": body.height - notes.height - records.height,
        "note": notes.filter(pl.col("area") != "").height,
        "blank_line": notes.filter(pl.col("area") == "").height,
    }
    states = us_states(source.seed(SEED))
    code_of = {n: f for f, i in states.by_number.items() for n, j in states.by_name.items() if i == j}
    is_country = pl.col("area").str.to_lowercase() == COUNTRY_NAME
    place = [
        pl.when(is_country).then(pl.lit("010")).otherwise(pl.lit("040")),
        pl.col("area").str.to_lowercase().replace_strict(code_of, default="", return_dtype=pl.String),
        pl.lit(""),
        pl.col("area"),
    ]
    cells = [e.alias(str(i)) for e, i in zip([*place, *map(pl.col, years)], ids, strict=True)]
    return Records(records.select(LINE, *cells), absent, {k: v for k, v in aside.items() if v})


def _heading(name: str, sheet: pl.DataFrame, others: list[str]) -> dict[str, str]:
    """The row whose cells after the first are mostly years."""
    for row in sheet.head(20).iter_rows(named=True):
        if sum(_is_year(row[c]) for c in others) >= 2:
            return row
    what = Text(
        en="none of the first 20 rows has years as headings; expected the layout of NST-EST2024-POP.xlsx",
        es="ninguna de las primeras 20 filas tiene años por encabezado; se esperaba el formato de NST-EST2024-POP.xlsx",
    )
    raise FileProblem("other_layout", file=name, what=what)


def _refuse_unread(name: str, line: int, heading: dict[str, str], sheet: pl.DataFrame, others: list[str]) -> None:
    """Raise FileProblem where a column of figures would be left out because its heading is no year.

    Only the estimates base, whose title stands one row higher, has none in this row.
    """
    if odd := next((heading[c] for c in others if heading[c].strip() and not _is_year(heading[c])), None):
        what = Text(
            en=f"the heading {odd[:80]!r} is not a year such as 2024",
            es=f"el encabezado {odd[:80]!r} no es un año como 2024",
        )
        raise FileProblem("other_layout_in_line", file=name, line=line, what=what)
    body = sheet.filter(pl.col(LINE) > line)
    untitled = [c for c in others if not heading[c].strip() and (body[c].str.strip_chars() != "").any()]
    if len(untitled) > 1:
        what = Text(
            en=f"{len(untitled)} columns of figures have no year as heading, expected only the estimates base",
            es=f"{len(untitled)} columnas de cifras no tienen un año como encabezado, sólo se esperaba la base",
        )
        raise FileProblem("other_layout_in_line", file=name, line=line, what=what)


def _is_year(cell: str) -> bool:
    return cell.removesuffix(".0").isdigit() and len(cell.removesuffix(".0")) == 4
