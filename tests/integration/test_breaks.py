"""Months that a publisher calls incomplete for good: marked, and never read as a change.

What belongs here: the seed of known breaks against the footers of the queries, and every released row that a break
reaches. What does not: the formulas on small rows (dbt's unit tests).
"""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.catalog.load import load_catalog
from pipelines.core.settings import PROJECT_ROOT
from pipelines.dbt.lineage import load_lineage
from tests.integration.raw_files import one, rows

NC = "jurisdiction_id = 'US-NC'"
BREAK = (date(2023, 1, 1), date(2023, 12, 1))


def seed() -> list[dict[str, str]]:
    with (PROJECT_ROOT / "dbt_project" / "seeds" / "series_breaks.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_footer_of_the_queries_says_what_the_seed_says(mirror: Path) -> None:
    """WONDER's caveat: over 900 deaths of 2023 missing, over 4,400 in truth; the file itself has 3,520."""
    file = mirror / "cdc_wonder_overdose" / "2025-04-21" / "WONDER_2023.txt"
    footer = " ".join(file.read_text("utf-8").split("Caveats:")[1].replace('"', " ").split())
    assert "North Carolina updated the cause of death information for over 900 death certificates" in footer
    assert "in 2023 is over 4,400 deaths" in footer
    assert "will not be updated on the final mortality datasets" in footer
    (line,) = seed()
    assert (line["jurisdiction_id"], line["indicator_scope"], line["known_since"]) == (
        "US-NC",
        "overdose",
        "2025-04-21",
    )
    assert (line["first_month"], line["last_month"]) == tuple(m.isoformat() for m in BREAK)


def test_every_break_has_a_caution_on_the_tables_that_it_reaches() -> None:
    cautions = {c.code: set(t) for s in load_catalog().values() for c, t in load_lineage().cautions(s)}
    marked = {"overdose_deaths_monthly", "overdose_trends", "overdose_deaths_12mo", "change_points"}
    assert [b for b in seed() if not marked <= cautions[b["caution_code"]]] == []
    assert all(b["citation"] for b in seed())


def test_a_series_that_reaches_into_a_break_has_no_joinpoint(db: duckdb.DuckDBPyConnection) -> None:
    """Read as counts, both series of North Carolina fell by three quarters a year from spring 2023 on."""
    found = rows(
        db,
        "select topic_id, joinpoint, month, apc_before, apc_after, confirmed_by, no_estimate_reason, last_month "
        "from marts.change_points where place_id = 'US-NC' order by topic_id",
    )
    nothing = (0, None, None, None, None, "series_break", date(2023, 12, 1))
    assert found == [("drug_overdose", *nothing), ("synthetic_opioids_t404", *nothing)]
    assert rows(db, "select distinct place_id from marts.change_points where no_estimate_reason = 'series_break'") == [
        ("US-NC",)
    ]


def test_totals_that_hold_the_break_or_are_compared_with_it_are_marked_and_have_no_change(
    db: duckdb.DuckDBPyConnection,
) -> None:
    """The twelve months to November 2025 are compared with those from December 2023 on; the next ones are not."""
    found = rows(
        db,
        "select min(month_ending), max(month_ending), count(yoy_12), count(distinct jurisdiction_id) "
        "from marts.overdose_trends where is_break_affected",
    )
    assert found == [(date(2023, 1, 1), date(2025, 11, 1), 0, 1)]
    unmarked = rows(
        db,
        f"select month_ending from marts.overdose_trends where {NC} and not is_break_affected "
        "and month_ending between date '2023-01-01' and date '2025-11-01'",
    )
    assert unmarked == []
    ours = one(
        db,
        f"select deaths, yoy_12, is_break_affected from marts.overdose_trends where {NC} and basis = 'reported' "
        "and indicator_id = 'drug_overdose' and month_ending = date '2023-12-01'",
    )
    published = one(
        db,
        f"select reported from memory.raw.vsrr where {NC} and vintage = date '2025-07-16' "
        "and indicator_id = 'drug_overdose' and month_ending = date '2023-12-01'",
    )
    assert ours == (published, None, True)


@pytest.mark.parametrize(
    ("basis", "last"), [("final", date(2023, 12, 1)), ("derived", date(2024, 12, 1))], ids=["final", "derived"]
)
def test_months_of_the_break_and_those_that_rest_on_them_are_marked_without_a_band(
    db: duckdb.DuckDBPyConnection, basis: str, last: date
) -> None:
    found = rows(
        db,
        "select jurisdiction_id, min(month), max(month), count(lower), count(upper) "
        f"from marts.overdose_deaths_monthly where basis = '{basis}' and is_break_affected group by all",
    )
    assert found == [("US-NC", date(2023, 1, 1), last, 0, 0)]
    unmarked = rows(
        db,
        f"select month from marts.overdose_deaths_monthly where {NC} and basis = '{basis}' and not is_break_affected "
        f"and month between date '2023-01-01' and date '{last}'",
    )
    assert unmarked == []
