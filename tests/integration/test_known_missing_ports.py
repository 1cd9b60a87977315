"""Crossings of which ports have no row, against gaps that a loop over the raw file finds.

A gap is a month without a row that the port has before and after, or had until just before the two newest months.
What is usual there is the mean of the twelve months on either side that the file reaches. Sums over ports lack it, and
must not be read as if the ports had had 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

import duckdb
import pytest

from pipelines.catalog.load import load_catalog
from tests.integration.raw_files import one, rows
from tests.integration.test_known_comparisons import PORTS

FIRST = 1996 * 12
NEWEST = 2025 * 12 + 1
LIMIT = 0.01
DENOMINATOR = ("personal_vehicles", "pedestrians", "trucks")
NEWEST_RELEASE = "vintage = date '2025-04-01'"

Scope = tuple[str, str]
Counted = dict[tuple[Scope, str, int], float]
"""Crossings of a scope and measure in a month, months counted from year 0."""


def as_date(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def corridor_of(port: str) -> str | None:
    return next((c for c, (ports, _) in PORTS.items() if f"'{port}'" in ports), None)


@pytest.fixture(scope="module")
def ports(db: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict[int, int]]:
    """Crossings by month of each port and measure, from the raw file of April 2025; of a doubled row the larger."""
    found: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for port, measure, year, month, crossings in rows(
        db,
        "select port_code, measure_id, year(month), month(month), max(crossings) from memory.raw.bts "
        f"where {NEWEST_RELEASE} group by all",
    ):
        found[port, measure][year * 12 + month - 1] = crossings
    return found


@pytest.fixture(scope="module")
def gaps(ports: dict[tuple[str, str], dict[int, int]]) -> dict[tuple[str, str, int], float]:
    """The usual crossings of every port, measure and month without a row."""
    found = {}
    for (port, measure), months in ports.items():
        end = NEWEST if max(months) >= NEWEST - 2 else max(months)
        for at in range(min(months), end + 1):
            if at not in months:
                around = [m for m in range(at - 12, at + 13) if m != at and FIRST <= m <= NEWEST]
                found[port, measure, at] = sum(months.get(m, 0) for m in around) / len(around)
    return found


@pytest.fixture(scope="module")
def scopes(db: duckdb.DuckDBPyConnection) -> dict[str, list[Scope]]:
    """The scopes over several ports to which each port belongs."""
    found: dict[str, list[Scope]] = {}
    for port, is_mexican in rows(
        db, f"select port_code, bool_or(is_mexican) from memory.raw.bts where {NEWEST_RELEASE} group by 1"
    ):
        found[port] = [("border", "us_mexico" if is_mexican else "us_canada")]
        if corridor := corridor_of(port):
            found[port].append(("corridor", corridor))
        if port in ("2401", "2402"):
            found[port].append(("port", "2401+2402"))
    return found


def total(parts: Iterable[tuple[str, str, int, float]], scopes: dict[str, list[Scope]]) -> Counted:
    """Sums over the ports of each scope."""
    found: Counted = defaultdict(float)
    for port, measure, at, crossings in parts:
        for scope in scopes[port]:
            found[scope, measure, at] += crossings
    return found


@pytest.fixture(scope="module")
def published(ports: dict[tuple[str, str], dict[int, int]], scopes: dict[str, list[Scope]]) -> Counted:
    return total(((p, m, at, n) for (p, m), months in ports.items() for at, n in months.items()), scopes)


@pytest.fixture(scope="module")
def missing(gaps: dict[tuple[str, str, int], float], scopes: dict[str, list[Scope]]) -> Counted:
    return total(((*gap, usual) for gap, usual in gaps.items()), scopes)


def share(published: Counted, missing: Counted, keys: list[tuple[Scope, str, int]]) -> float:
    """What is usual at gaps over that and what is published."""
    lacking, there = (sum(counted.get(key, 0) for key in keys) for counted in (missing, published))
    return lacking / (lacking + there) if lacking else 0.0


def test_six_of_seven_ports_have_no_pedestrians_in_january_2024(db: duckdb.DuckDBPyConnection) -> None:
    """The sum that is published is one port's, so no yearly sum reaches over it, nor a change that needs one."""
    reported = rows(
        db,
        f"select month, count(distinct port_code), sum(crossings)::bigint from memory.raw.bts where {NEWEST_RELEASE} "
        f"and measure_id = 'pedestrians' and port_code in ({PORTS['san_diego'][0]}) "
        "and month between '2023-12-01' and '2025-01-01' group by 1 order by 1",
    )
    assert [n for _, n, _ in reported] == [7, 1] + [7] * 12
    where = "scope_id = 'san_diego' and measure_id = 'pedestrians' and month between '2023-12-01' and '2025-01-01'"
    ours = rows(
        db,
        "select month, ports_reporting, value, ports_missing, rolling_12 is null, yoy_12 is null, null_reason "
        f"from marts.crossing_trends where {where} order by 1",
    )
    assert [row[:3] for row in ours] == reported
    lacking = (True, True, "missing_port")
    assert [row[3:] for row in ours] == [
        (0, False, False, None), (6, *lacking), *[(0, *lacking)] * 11, (0, False, True, None),
    ]  # fmt: skip


def test_every_sum_over_ports_says_what_it_lacks(
    db: duckdb.DuckDBPyConnection,
    published: Counted,
    missing: Counted,
    gaps: dict[tuple[str, str, int], float],
    scopes: dict[str, list[Scope]],
) -> None:
    """Borders, corridors, and Ysleta with El Paso: the gaps of each month, their share of a year, and a null for it."""
    counts = total(((*gap, 1) for gap in gaps), scopes)
    checked = refused = 0
    for scope, member, measure, month, value, gap_count, found, rolling, reason, partial in rows(
        db,
        "select scope, scope_id, measure_id, month, value, ports_missing, missing_share_12, rolling_12, null_reason, "
        "bool_or(is_partial) over (partition by scope, scope_id, measure_id order by month rows 11 preceding) "
        "from marts.crossing_trends where scope <> 'port' or scope_id = '2401+2402'",
    ):
        at = month.year * 12 + month.month - 1
        keys = [((scope, member), measure, at - n) for n in range(12)]
        assert (value, gap_count) == (published[keys[0]], counts.get(keys[0], 0))
        if not all(key in published for key in keys):
            assert (found, rolling, reason) == (None, None, "missing_month")
            continue
        expected = share(published, missing, keys)
        assert found == pytest.approx(expected, abs=1e-5)
        if abs(expected - LIMIT) > 1e-5 and not partial:
            assert reason == ("missing_port" if expected > LIMIT else None), (scope, member, measure, month)
            assert rolling == (None if expected > LIMIT else sum(published[key] for key in keys))
            refused += expected > LIMIT
        checked += 1
    assert checked > 20_000
    assert refused > 500


def test_a_port_of_its_own_lacks_nothing_but_whole_months(db: duckdb.DuckDBPyConnection) -> None:
    """Its sums need twelve rows, as before; a share could say nothing more."""
    ours = rows(
        db,
        "select distinct ports_missing, missing_share_12 from marts.crossing_trends "
        "where scope = 'port' and scope_id <> '2401+2402' and null_reason is distinct from 'missing_month'",
    )
    assert ours == [(0, 0.0)]
    reasons = rows(
        db, "select distinct null_reason from marts.crossing_trends where scope = 'port' and scope_id <> '2401+2402'"
    )
    assert {r for (r,) in reasons} <= {None, "missing_month", "partial_month", "series_break"}


def test_the_closing_of_lukeville_blanks_no_sum_of_its_corridor(db: duckdb.DuckDBPyConnection) -> None:
    """Shut from 4 December 2023 on, it has a row. Without one, what is usual there would still be below the limit."""
    ours = rows(
        db,
        "select month, rolling_12 is not null, ports_missing from marts.crossing_trends where scope_id = 'tucson' "
        "and measure_id = 'personal_vehicles' and month between '2023-12-01' and '2024-01-01' order by 1",
    )
    assert ours == [(date(2023, 12, 1), True, 0), (date(2024, 1, 1), True, 0)]
    usual, corridor = one(
        db,
        "select sum(crossings) filter (port_code = '2602' and month <> '2023-12-01') / 24, "
        "sum(crossings) filter (month between '2023-01-01' and '2023-12-01') from memory.raw.bts "
        f"where {NEWEST_RELEASE} and port_code in ({PORTS['tucson'][0]}) and measure_id = 'personal_vehicles' "
        "and month between '2022-12-01' and '2024-12-01'",
    )
    assert 0.003 < usual / (usual + corridor) < LIMIT


def test_every_rate_says_what_its_denominator_lacks(
    db: duckdb.DuckDBPyConnection, published: Counted, missing: Counted
) -> None:
    """Fiscal years and twelve months, of each corridor and of all."""
    flagged = set()
    for period, month, member, crossings, found, incomplete in rows(
        db,
        "select distinct period, month, scope_id, crossings, crossings_missing_share, is_crossings_incomplete "
        "from marts.seizures_per_crossing",
    ):
        if crossings is None:
            assert (found, incomplete) == (None, None)
            continue
        at = month.year * 12 + month.month - 1
        members = PORTS if member == "all" else [member]
        keys = [(("corridor", c), m, at - n) for c in members for m in DENOMINATOR for n in range(12)]
        expected = share(published, missing, keys)
        assert crossings == sum(published[key] for key in keys)
        assert found == pytest.approx(expected, abs=1e-5)
        assert incomplete == (expected >= LIMIT)
        if incomplete and period == "fiscal_year":
            flagged.add((month.year, member))
    assert flagged == {(2022, "san_diego"), (2024, "san_diego"), (2024, "all")}


def test_a_corridors_month_says_what_it_lacks(
    db: duckdb.DuckDBPyConnection, published: Counted, missing: Counted, gaps: dict[tuple[str, str, int], float]
) -> None:
    checked = 0
    for month, member, crossings, ports_missing, found, found_12 in rows(
        db,
        "select month, corridor_id, crossings, ports_missing, crossings_missing_share, crossings_missing_share_12 "
        "from marts.corridor_trends",
    ):
        at = month.year * 12 + month.month - 1
        if at > NEWEST:
            assert (crossings, ports_missing, found, found_12) == (None, None, None, None)
            continue
        without = {p for p, m, t in gaps if t == at and m in DENOMINATOR and corridor_of(p) == member}
        assert ports_missing == len(without)
        expected = share(published, missing, [(("corridor", member), m, at) for m in DENOMINATOR])
        assert found == pytest.approx(expected, abs=1e-5)
        checked += len(without)
    assert checked > 10
    rates = "marts.seizures_per_crossing where period = 'rolling_12' and drug_id = 'fentanyl'"
    different = rows(
        db,
        f"select * from marts.corridor_trends as ours join (from {rates}) as rate "
        "on ours.month = rate.month and corridor_id = scope_id "
        "where crossings_missing_share_12 is distinct from rate.crossings_missing_share",
    )
    assert different == []


def test_the_caution_says_the_figures_of_the_raw_file(
    db: duckdb.DuckDBPyConnection, published: Counted, missing: Counted
) -> None:
    """The example that it tells, and the tables that it and the older caution about absent rows must stand beside."""
    at, september = 2024 * 12, 2024 * 12 + 8
    place = ("corridor", "san_diego")
    january = (place, "pedestrians", at)
    of_year = share(published, missing, [(place, "pedestrians", at - n) for n in range(12)])
    of_rate = share(published, missing, [(place, m, september - n) for m in DENOMINATOR for n in range(12)])
    said = [
        f"{published[january]:,.0f}", f"{missing[january] / 1e6:.2f}", f"{of_year:.1%}".replace("%", " %"),
        f"{of_rate:.1%}".replace("%", " %"), f"{PORTS['san_diego'][1] * (1 - of_rate):.2f}",
    ]  # fmt: skip
    cautions = {c.code: c for c in load_catalog()["bts_border_crossings"].cautions}
    for text in (cautions["bts_missing_ports"].text.en, cautions["bts_missing_ports"].text.es):
        assert [figure for figure in said if figure not in text] == []
    beside = {"border_crossings_monthly", "crossing_trends", "seizures_per_crossing", "corridor_trends"}
    for code in ("bts_missing_ports", "bts_absent_is_unknown"):
        assert beside <= set(one(db, f"select tables from meta.cautions where code = '{code}'"))
