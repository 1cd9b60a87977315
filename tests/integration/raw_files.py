"""The agencies' files as DuckDB tables, read without the pipeline, beside the release that came from them.

What belongs here: reading the raw files as they are, with the ids that the analysts' contract gives. What
does not: any import from ``pipelines``, so that an expected figure never comes from the code under test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

CBP_FILES = {
    "2022-11-15": "nationwide-drugs-fy19-fy22.csv",
    "2023-11-15": "nationwide-drugs-fy20-fy23.csv",
    "2024-04-08": "nationwide-drugs-fy21-fy24.csv",
    "2026-01-15": "nationwide-drugs-fy23-fy26-dec.csv",
}
CBP_OWNERS = {
    2019: "2022-11-15",
    2020: "2023-11-15",
    2021: "2024-04-08",
    2022: "2024-04-08",
    2023: "2026-01-15",
    2024: "2026-01-15",
    2025: "2026-01-15",
    2026: "2026-01-15",
}
"""The newest release that covers a fiscal year owns it."""
AMO_FILES = {"2022-11-15": "amo-drug-seizures-fy19-fy22.csv", "2026-01-15": "amo-drug-seizures-fy23-fy26-dec.csv"}
VSRR_FILES = {
    "2017-12-16": "VSRR_Provisional_Drug_Overdose_Death_Counts.csv",
    "2019-04-24": "VSRR_Provisional_Drug_Overdose_Death_Counts.csv",
    "2019-04-30": "VSRR_Provisional_Drug_Overdose_Death_Counts.csv",
    "2019-07-11": "VSRR_Provisional_Drug_Overdose_Death_Counts.csv",
    "2025-01-08": "VSRR_Provisional_Drug_Overdose_Death_Counts.csv",
    "2025-07-16": "xkb8-kh2a.parquet",
    "2026-06-27": "xkb8-kh2a_t404.csv",
}
BTS_FILES = dict.fromkeys(("2019-08-21", "2022-09-27", "2025-04-01"), "Border_Crossing_Entry_Data.csv.gz")
SHORT_MONTHS = "['JAN','FEB','MAR','APR','MAY','JUN','JUL','AUG','SEP','OCT','NOV','DEC']"
LONG_MONTHS = (
    "['January','February','March','April','May','June','July','August','September','October','November','December']"
)
INDICATORS = {
    "Number of Deaths": "all_deaths",
    "Number of Drug Overdose Deaths": "drug_overdose",
    "Opioids (T40.0-T40.4,T40.6)": "opioids_t400_t404_t406",
    "Natural & semi-synthetic opioids (T40.2)": "natural_semisynthetic_t402",
    "Methadone (T40.3)": "methadone_t403",
    "Natural & semi-synthetic opioids, incl. methadone (T40.2, T40.3)": "natural_semisynthetic_incl_methadone",
    "Natural, semi-synthetic, & synthetic opioids, incl. methadone (T40.2-T40.4)": (
        "natural_semisynthetic_synthetic_incl_methadone"
    ),
    "Synthetic opioids, excl. methadone (T40.4)": "synthetic_opioids_t404",
    "Heroin (T40.1)": "heroin_t401",
    "Cocaine (T40.5)": "cocaine_t405",
    "Psychostimulants with abuse potential (T43.6)": "psychostimulants_t436",
}
MEASURES = {
    "Trucks": "trucks",
    "Truck Containers Loaded": "truck_containers_loaded",
    "Truck Containers Full": "truck_containers_loaded",
    "Truck Containers Empty": "truck_containers_empty",
    "Trains": "trains",
    "Train Passengers": "train_passengers",
    "Rail Containers Loaded": "rail_containers_loaded",
    "Rail Containers Full": "rail_containers_loaded",
    "Rail Containers Empty": "rail_containers_empty",
    "Buses": "buses",
    "Bus Passengers": "bus_passengers",
    "Personal Vehicles": "personal_vehicles",
    "Personal Vehicle Passengers": "personal_vehicle_passengers",
    "Pedestrians": "pedestrians",
}


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """All rows of an answer."""
    return connection.execute(query).fetchall()


def one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    """The only row of an answer; its only column where it has one."""
    (row,) = connection.execute(query).fetchall()
    return row[0] if len(row) == 1 else row


def beside_release(database: Path) -> duckdb.DuckDBPyConnection:
    """A connection in whose catalog ``r`` a release is open read-only; raw tables go to ``memory.raw``."""
    connection = duckdb.connect()
    connection.execute("create schema raw; create table raw.ids (kind varchar, said varchar, id varchar)")
    for kind, ids in (("indicator", INDICATORS), ("measure", MEASURES)):
        connection.executemany("insert into raw.ids values (?, ?, ?)", [[kind, s, i] for s, i in ids.items()])
    connection.execute(f"attach '{database}' as r (read_only); use r")
    return connection


def load_cbp(connection: duckdb.DuckDBPyConnection, mirror: Path) -> None:
    """raw.cbp: every row of every file; raw.cbp_now: of each fiscal year, the rows of the file that owns it."""
    connection.execute(_create("cbp", [_cbp(mirror / "cbp_drug_seizures" / v / f, v) for v, f in CBP_FILES.items()]))
    owners = ", ".join(f"({year}, date '{vintage}')" for year, vintage in CBP_OWNERS.items())
    connection.execute(
        "create table memory.raw.cbp_now as select * from memory.raw.cbp "
        f"where (fiscal_year, vintage) in (values {owners})"
    )


def load_amo(connection: duckdb.DuckDBPyConnection, mirror: Path) -> None:
    """raw.amo: every row of both files; they do not overlap."""
    folder = mirror / "cbp_amo_drug_seizures"
    connection.execute(_create("amo", [_cbp(folder / v / f, v, area='"Branch"') for v, f in AMO_FILES.items()]))


def load_vsrr(connection: duckdb.DuckDBPyConnection, mirror: Path) -> None:
    """raw.vsrr: every count of every file; percent_specified is no count and is left out."""
    folder = mirror / "cdc_vsrr_overdose"
    connection.execute(_create("vsrr", [_vsrr(folder / v / f, v) for v, f in VSRR_FILES.items()]))


def load_bts(connection: duckdb.DuckDBPyConnection, mirror: Path) -> None:
    """raw.bts: every row of every file, doubled rows included."""
    folder = mirror / "bts_border_crossings"
    connection.execute(_create("bts", [_bts(folder / v / f, v) for v, f in BTS_FILES.items()]))


def load_census(connection: duckdb.DuckDBPyConnection, mirror: Path) -> None:
    """raw.people: state (two FIPS digits), county (three; 000 is the state itself), year, population.

    Vintage 2020 for the years to 2019, Vintage 2024 from 2020 on.
    """
    files = {"2021-05-04/co-est2020-alldata.csv": "utf-8", "2025-03-13/co-est2024-alldata.csv": "latin-1"}
    folder = mirror / "census_population"
    parts = [
        f"""
        select
            lpad("STATE", 2, '0') as state, lpad("COUNTY", 3, '0') as county, right(estimate, 4)::integer as year,
            population::bigint as population
        from (
            unpivot (from read_csv('{folder / name}', all_varchar = true, encoding = '{encoding}'))
            on columns('^POPESTIMATE20[0-9]{{2}}$') into name estimate value population
        )
        where {("year <= 2019" if "2020" in name else "year >= 2020")}"""
        for name, encoding in files.items()
    ]
    connection.execute(_create("people", parts))


def load_wonder(connection: duckdb.DuckDBPyConnection, mirror: Path) -> None:
    """raw.wonder: all-drug deaths by month and state (two FIPS digits); the lines after ``---`` are no rows."""
    parts = []
    for path in sorted((mirror / "cdc_wonder_overdose" / "2025-04-21").glob("WONDER_*.txt")):
        parts.append(
            "select strptime(\"Month Code\", '%Y/%m')::date as month, lpad(\"Residence State Code\", 2, '0') as state, "
            '"Month" like \'%provisional%\' as is_provisional, "Deaths"::bigint as deaths '
            f"from read_csv('{path}', delim = '\\t', all_varchar = true, null_padding = true) "
            'where regexp_matches("Month Code", \'^[0-9]{4}/[0-9]{2}$\') and "Residence State Code" is not null'
        )
    connection.execute(_create("wonder", parts))


def load_final_deaths(connection: duckdb.DuckDBPyConnection, real_data: Path) -> None:
    """raw.final_deaths: the published national T40.4 series, month and deaths."""
    path = real_data / "reference" / "us_t404_final_monthly_2015_2024.csv"
    connection.execute(_create("final_deaths", [f"select month, deaths from read_csv('{path}', comment = '#')"]))


def _create(name: str, parts: list[str]) -> str:
    return f"create table memory.raw.{name} as " + " union all by name ".join(parts)


def _cbp(path: Path, vintage: str, area: str = '"Area of Responsibility"') -> str:
    return f"""
        select
            date '{vintage}' as vintage,
            left("FY", 4)::integer as fiscal_year,
            "FY" like '%(FYTD)' as is_fytd,
            make_date(
                left("FY", 4)::integer - (list_position({SHORT_MONTHS}, "Month (abbv)") >= 10)::integer,
                list_position({SHORT_MONTHS}, "Month (abbv)"), 1
            ) as month,
            case "Component"
                when 'Office of Field Operations' then 'OFO' when 'U.S. Border Patrol' then 'USBP' else 'AMO'
            end as component,
            case "Region"
                when 'Southwest Border' then 'southwest' when 'Northern Border' then 'northern'
                else 'coastal_interior'
            end as region,
            case "Land Filter" when 'Land Only' then 'land_only' else 'other' end as land_filter,
            replace(lower({area}), ' ', '_') as area_id,
            case "Drug Type"
                when 'Khat (Catha Edulis)' then 'khat' when 'Other Drugs**' then 'other' else lower("Drug Type")
            end as drug_id,
            "Count of Event"::bigint as events,
            "Sum Qty (lbs)"::double as pounds
        from read_csv('{path}', all_varchar = true)"""


def _vsrr(path: Path, vintage: str) -> str:
    if path.suffix == ".parquet":
        table = f"'{path}'"
        names = {n: f'"{n}"' for n in ("State", "Year", "Month", "Indicator", "Data Value", "Predicted Value")}
    else:
        table = f"read_csv('{path}', all_varchar = true)"
        with path.open(encoding="utf-8-sig") as lines:
            header = lines.readline().strip().split(",")
        names = {h.replace("_", " ").title(): f'"{h}"' for h in header}
    reported = _number(names["Data Value"])
    # The column did not exist before 2018.
    predicted = _number(names["Predicted Value"]) if "Predicted Value" in names else "null::bigint"
    return f"""
        select
            date '{vintage}' as vintage,
            case {names["State"]}
                when 'US' then 'US' when 'YC' then 'US-NYC' when 'NY' then 'US-NY-XNYC' else 'US-' || {names["State"]}
            end as jurisdiction_id,
            make_date({names["Year"]}::integer, list_position({LONG_MONTHS}, {names["Month"]}), 1) as month_ending,
            (select id from memory.raw.ids where kind = 'indicator' and said = {names["Indicator"]}) as indicator_id,
            {reported} as reported,
            {predicted} as predicted
        from {table}
        where {names["Indicator"]} <> 'Percent with drugs specified'"""


def _number(column: str) -> str:
    return f"replace({column}::varchar, ',', '')::double::bigint"


def _bts(path: Path, vintage: str) -> str:
    return f"""
        select
            date '{vintage}' as vintage,
            lpad("Port Code", 4, '0') as port_code,
            coalesce(
                try_strptime("Date", '%b %Y'), try_strptime("Date", '%B %Y'),
                try_strptime("Date", '%m/%d/%Y %H:%M:%S %p')
            )::date as month,
            (select id from memory.raw.ids where kind = 'measure' and said = "Measure") as measure_id,
            "Border" = 'US-Mexico Border' as is_mexican,
            "Value"::bigint as crossings
        from read_csv('{path}', all_varchar = true)"""
