"""One stage of the BTS source in a process of its own: ``python -m benchmarks.stages STAGE FOLDER [ARGUMENT]``."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.core.settings import Settings

SOURCE = "bts_border_crossings"
COPIES_OF_DATES = 3
YEARS_APART = 31


def settings(folder: str) -> Settings:
    """An installation below a scratch folder."""
    root = Path(folder)
    return Settings(
        origin=f"mirror:{root / 'mirror'}",
        data_raw=root / "raw",
        data_marts=root / "marts",
        dagster_home=root / "dagster",
    )


def multiply(folder: str, original: str, times: str) -> None:
    """Write the newest BTS file ``times`` over, with other ports and years, into a mirror below the folder.

    A copy has ports of its own and, two in three, its years moved by 31 or 62, so that keys stay unique
    and inside what the checks allow. Doubled keys, of which the file has eleven, are left out: a hundred times as many
    conflicts hold a release.
    """
    import duckdb

    target = Path(folder) / "mirror" / SOURCE / "2025-04-01" / "Border_Crossing_Entry_Data.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect()
    con.execute("set preserve_insertion_order = false")
    con.execute(
        "create table o as select * from read_csv(?, all_varchar = true) "
        'qualify row_number() over (partition by "Port Code", "Date", "Measure" order by "Value"::bigint desc) = 1',
        [original],
    )
    con.execute(
        'create table p as select "Port Code", row_number() over (order by 1) - 1 as n, count(*) over () as ports '
        'from (select distinct "Port Code" from o)'
    )
    con.execute(
        f"""
        copy (
            select
                "Port Name", "State",
                lpad(cast(n + ports * (k // {COPIES_OF_DATES}) as varchar), 4, '0') as "Port Code",
                "Border",
                left("Date", 4) || cast(right("Date", 4)::integer + {YEARS_APART} * (k % {COPIES_OF_DATES}) as varchar)
                    as "Date",
                "Measure", "Value", "Latitude", "Longitude", "Point"
            from o join p using ("Port Code") cross join range({int(times)}) as copies (k)
        ) to '{target}' (header, delimiter ',')
        """
    )


def limit(folder: str, cbp: str, vsrr: str, bts: str) -> None:
    """The bare script on the given files."""
    import duckdb

    con = duckdb.connect(str(Path(folder) / "limit.duckdb"))
    for name, value in (("cbp", cbp), ("vsrr", vsrr), ("bts", bts)):
        con.execute(f"set variable {name} = '{value}'")
    con.execute((Path(__file__).parent / "limit.sql").read_text("utf-8"))


def ingest(folder: str) -> None:
    """Archive the mirror."""
    from pipelines.refresh.look import ingest_source
    from pipelines.refresh.origin import resolve_origin

    chosen = settings(folder)
    report = ingest_source(chosen, resolve_origin(chosen), SOURCE)
    assert not report.problems, report.problems


def clean(folder: str) -> None:
    """Clean the archived vintages."""
    from pipelines.refresh.stages import clean_source

    assert all(s.problem is None for s in clean_source(settings(folder), "official", SOURCE))


def judge(folder: str) -> None:
    """Validate them."""
    from pipelines.refresh.stages import judge_source

    held = [v.problem for v in judge_source(settings(folder), "official", SOURCE) if v.state != "accepted"]
    assert not held, held


def history(folder: str) -> None:
    """Compare them."""
    from pipelines.refresh.stages import build_source_history

    build_source_history(settings(folder), "official", SOURCE)


def facts(folder: str, build: str) -> None:
    """The fact table from the history, by the SQL that a build has as its as-of macro."""
    import duckdb

    place = settings(folder).stage("history", "official")
    con = duckdb.connect(str(Path(folder) / "facts.duckdb"))
    con.execute("create schema if not exists history")
    con.execute(f"create or replace view history.{SOURCE} as from read_parquet('{place / SOURCE}.parquet')")
    con.execute(f"create or replace view history.coverage as from read_parquet('{place / SOURCE}.coverage.parquet')")
    con.execute(f"attach '{build}' as build (read_only)")
    found = con.execute(
        "select parameters, macro_definition from duckdb_functions() "
        "where database_name = 'build' and function_name = 'crossings_as_of'"
    ).fetchone()
    assert found is not None, "refresh once before measuring"
    con.execute("detach build")
    con.execute(f"create or replace macro crossings_as_of({found[0][0]}) as table {found[1]}")
    con.execute("create or replace table border_crossings_monthly as from crossings_as_of(date '9999-12-31')")


if __name__ == "__main__":
    {f.__name__: f for f in (multiply, limit, ingest, clean, judge, history, facts)}[sys.argv[1]](*sys.argv[2:])
