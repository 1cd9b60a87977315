"""Comparisons: rates, shares, ranges and projections, from the facts that they are made of.

What belongs here: which released rows a comparison reads, and its formula with the row's own numbers. What does not:
the facts' records (ask for the facts), trends that are one sum (trends).
"""

from __future__ import annotations

import re

from pipelines.query.explain.answer import Fact, said
from pipelines.query.explain.chains import Chain, Resolver, inputs, model
from pipelines.query.explain.current import Current, Row

_SEIZURES = "(select f.*, a.corridor_id from marts.seizures_monthly as f join marts.dim_area as a using (area_id))"
_CROSSINGS = (
    "(select f.*, p.border, p.corridor_id from marts.border_crossings_monthly as f join marts.dim_port as p "
    "using (port_code))"
)
_YEAR = "fiscal_year = $fiscal_year"
_TWELVE = "month between cast($month as date) - interval 11 months and $month"
_ALLOWED = "measure_id in ('personal_vehicles', 'pedestrians', 'trucks')"
_ASK = "Ask for any of the rows below to see the agency's file, line and checksum."


def _gather(current: Current, chain: Chain, table: str, source: str, where: str, row: Row, shown: list[str]) -> None:
    """Put the rows of a fact behind the comparison, those that are not zero first."""
    values = {k: v for k, v in row.items() if re.search(rf"\${k}\b", where)}
    grain = current.tables[table].grain
    order = ", ".join([f"{shown[0]} desc", *grain])
    found = current.named(f"select * from {source} where {where} order by {order}", values)
    chain.facts += [Fact(table=table, key={g: f[g] for g in grain}, values={s: f[s] for s in shown}) for f in found]
    chain.fact_count += len(found)
    chain.nonzero_count += sum(bool(f[shown[0]]) for f in found)


def _start(table: str, reads: list[str], row: Row, formula: str) -> Chain:
    """The sentences that every comparison begins with; a missing figure says why it is missing."""
    chain = Chain([model(table), inputs(reads), formula], is_sum=True)
    if row.get("null_reason"):
        chain.steps.append(f"A figure is missing ({row['null_reason']}). It is never zero and never extrapolated.")
    chain.steps.append(_ASK)
    return chain


def crossing_trends(current: Current, row: Row) -> Chain:
    """value adds the ports of the scope; the sums run over twelve such values."""
    members = {
        "border": "border = $scope_id",
        "corridor": "corridor_id = $scope_id",
        "port": "list_contains(string_split($scope_id, '+'), port_code)",
    }
    formula = (
        f"value = {row['value']} adds {row['ports_reporting']} ports in {row['month']}; rolling_12 = "
        f"{said(row['rolling_12'])} adds twelve such values, and yoy_12 = {said(row['yoy_12'])} compares it with the "
        "twelve months before. The rows below are those of value."
    )
    if row["ports_missing"] or row["missing_share_12"]:
        formula += (
            f" {row['ports_missing']} ports have no row in the month and are not 0; such holes usually have "
            f"{said(row['missing_share_12'])} of the twelve months, and from 0.01 on there is no sum."
        )
    chain = _start("crossing_trends", ["border_crossings_monthly", "dim_port"], row, formula)
    where = f"month = $month and measure_id = $measure_id and {members[row['scope']]}"
    _gather(current, chain, "border_crossings_monthly", _CROSSINGS, where, row, ["crossings"])
    return chain


def seizures_per_crossing(current: Current, row: Row) -> Chain:
    """OFO seizures of twelve months over the crossings of the same ports."""
    formula = (
        f"kg_per_million = {said(row['quantity_kg'])} / {said(row['crossings'])} x 1000000 = "
        f"{said(row['kg_per_million'])}; the same with {said(row['events'])} events. Numerator: OFO, Southwest Border, "
        "both land filters. Denominator: personal vehicles, pedestrians and trucks."
    )
    if row["crossings_missing_share"]:
        formula += f" Ports without a row usually have {said(row['crossings_missing_share'])} of it, not added here."
    reads = ["seizures_monthly", "border_crossings_monthly", "dim_area", "dim_port"]
    chain = _start("seizures_per_crossing", reads, row, formula)
    whole = row["period"] == "fiscal_year"
    member = "corridor_id is not null" if row["scope_id"] == "all" else "corridor_id = $scope_id"
    months = f"{_YEAR} and month <= $month" if whole else _TWELVE
    drug = "component = 'OFO' and region = 'southwest' and drug_id = $drug_id and"
    where = f"{drug} {member} and {months}"
    _gather(current, chain, "seizures_monthly", _SEIZURES, where, row, ["quantity_lb", "events"])
    since = "month > make_date($fiscal_year - 1, 9, 1) and month <= $month" if whole else _TWELVE
    where = f"{_ALLOWED} and {member} and {since}"
    _gather(current, chain, "border_crossings_monthly", _CROSSINGS, where, row, ["crossings"])
    return chain


def corridor_trends(current: Current, row: Row) -> Chain:
    """Seizures, crossings and deaths of a month beside one another."""
    formula = (
        "Its columns stand side by side and none is made of another; the rates are those of seizures_per_crossing. "
        f"deaths_12mo = {said(row['deaths_12mo'])} adds {said(row['deaths_states'])}; never add it over corridors."
    )
    reads = ["seizures_monthly", "border_crossings_monthly", "seizures_per_crossing", "overdose_deaths_12mo"]
    chain = _start("corridor_trends", reads, row, formula)
    place = "month = $month and corridor_id = $corridor_id"
    where = f"drug_id = 'fentanyl' and {place}"
    _gather(current, chain, "seizures_monthly", _SEIZURES, where, row, ["quantity_lb", "events"])
    _gather(current, chain, "border_crossings_monthly", _CROSSINGS, f"{_ALLOWED} and {place}", row, ["crossings"])
    states = (
        "month_ending = $month and indicator_id = 'synthetic_opioids_t404' "
        "and list_contains($deaths_states, jurisdiction_id)"
    )
    _gather(current, chain, "overdose_deaths_12mo", "marts.overdose_deaths_12mo", states, row, ["deaths_reported"])
    return chain


def drug_mix(current: Current, row: Row) -> Chain:
    """A drug's share of the events of four drugs."""
    formula = (
        f"share = {said(row['events_12'])} / {said(row['total_12'])} = {said(row['share'])} over the twelve months to "
        f"{row['month']}: events of {row['drug_id']}, those of the rows below, over those of the four drugs. "
        f"share_change = {said(row['share_change'])} and hellinger = {said(row['hellinger'])} compare with the twelve "
        f"months before, where share was {said(row['share_before'])}."
    )
    chain = _start("drug_mix", ["seizures_monthly", "dim_area"], row, formula)
    where = f"drug_id = $drug_id and corridor_id = $corridor_id and {_TWELVE}"
    _gather(current, chain, "seizures_monthly", _SEIZURES, where, row, ["events"])
    return chain


def concentration(current: Current, row: Row) -> Chain:
    """Squared shares of the fixed areas."""
    formula = (
        f"hhi = {said(row['hhi'])} is the sum of the squared shares of {row['area_count']} areas in a total of "
        f"{said(row['total'])}; effective_areas = 1 / hhi. {said(row['leading_area_id'])} has "
        f"{said(row['leading_share'])}."
    )
    chain = _start("concentration", ["seizures_monthly", "dim_area"], row, formula)
    where = f"region = 'southwest' and drug_id = $drug_id and {_YEAR}"
    _gather(current, chain, "seizures_monthly", _SEIZURES, where, row, [row["measure"]])
    return chain


def dose_range(current: Current, row: Row) -> Chain:
    """The weight of a year under two assumptions."""
    formula = (
        f"pill_doses = {said(row['quantity_kg'])} kg x 1000000 / {said(row['tablet_mg'])} mg x {said(row['pill_mg'])} "
        f"mg / {said(row['dose_mg'])} mg = {said(row['pill_doses'])}; powder_doses = kg x "
        f"{said(row['powder_purity'])} x 1000000 / {said(row['dose_mg'])} mg = {said(row['powder_doses'])} "
        "(dbt_project/seeds/dose_parameters.csv)."
    )
    chain = _start("dose_range", ["seizures_monthly"], row, formula)
    where = f"drug_id = 'fentanyl' and {_YEAR}"
    _gather(current, chain, "seizures_monthly", "marts.seizures_monthly", where, row, ["quantity_lb"])
    return chain


def statutory_rate(current: Current, row: Row) -> Chain:
    """A year of OFO over the mean of five."""
    formula = f"rate = {said(row['quantity_kg'])} / {said(row['mean_prior_5_kg'])} kg = {said(row['rate'])}, OFO alone."
    chain = _start("statutory_rate", ["seizures_monthly"], row, formula)
    where = f"component = 'OFO' and drug_id = $drug_id and {_YEAR}"
    _gather(current, chain, "seizures_monthly", "marts.seizures_monthly", where, row, ["quantity_lb"])
    return chain


def centre_of_mass(current: Current, row: Row) -> Chain:
    """Mean of the areas' longitudes, an area being the mean of its ports."""
    formula = (
        "Each area stands at the mean longitude of its ports (dim_port, dbt_project/seeds/sector_ports.csv), weighted "
        f"with events ({said(row['longitude_by_events'])}) and with weight ({said(row['longitude_by_weight'])})."
    )
    chain = _start("centre_of_mass", ["seizures_monthly", "dim_area", "dim_port"], row, formula)
    where = "region = 'southwest' and drug_id = $drug_id and month = $month"
    _gather(current, chain, "seizures_monthly", _SEIZURES, where, row, ["events", "quantity_lb"])
    return chain


def fytd_pace(current: Current, row: Row) -> Chain:
    """The months to date of a fiscal year."""
    formula = (
        f"to_date = {said(row['to_date'])} adds the first {row['months_elapsed']} months of the fiscal year. A "
        "projection is to_date times full_year / to_date of earlier whole years: their median, least and greatest."
    )
    counted = "events" if row["measure"] == "events" else "quantity_lb"
    chain = _start("fytd_pace", ["seizures_monthly"], row, formula)
    months = "month < make_date($fiscal_year - 1, 10, 1) + to_months($months_elapsed)"
    where = f"drug_id = $drug_id and {_YEAR} and {months}"
    if row["scope"] == "southwest":
        where += " and region = 'southwest'"
    _gather(current, chain, "seizures_monthly", "marts.seizures_monthly", where, row, [counted])
    return chain


def reconciliation(_current: Current, row: Row) -> Chain:
    """A published total and the query that gives ours."""
    from pipelines.catalog.published_totals import load_totals

    chain = Chain(
        [
            "marts.reconciliation is written when a release is assembled (pipelines/release/reconciliation.py) from "
            "pipelines/release/published_totals.yml.",
            f"ours - published = {said(row['ours'])} - {said(row['published'])} = {said(row['difference'])} "
            f"{row['unit']}, tolerance {said(row['tolerance'])}: {row['verdict']}.",
        ]
    )
    if row["reason_en"]:
        chain.steps.append(row["reason_en"])
    query = next((t.query for t in load_totals() if t.id == row["total_id"]), None)
    if query is not None:
        chain.steps.append(f"ours comes from: {query}")
    return chain


COMPARISONS: dict[str, Resolver] = {
    "crossing_trends": crossing_trends,
    "seizures_per_crossing": seizures_per_crossing,
    "corridor_trends": corridor_trends,
    "drug_mix": drug_mix,
    "concentration": concentration,
    "dose_range": dose_range,
    "statutory_rate": statutory_rate,
    "centre_of_mass": centre_of_mass,
    "fytd_pace": fytd_pace,
    "reconciliation": reconciliation,
}
