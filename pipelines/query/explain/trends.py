"""Trends and dimensions: the released rows and the lists that they are made of.

What belongs here: which facts a row of a trend adds up. What does not: the facts' own records (chains).
"""

from __future__ import annotations

import math
from typing import Any

from pipelines.query.explain import seeds
from pipelines.query.explain.answer import Fact, said
from pipelines.query.explain.chains import Chain, Resolver, death_counts, inputs, model, population, record_of
from pipelines.query.explain.current import Current, Row

_SCOPES = {
    "national": "true",
    "southwest": "region = 'southwest'",
    "component": "component = $member",
    "corridor": "area_id in (select area_id from marts.dim_area where corridor_id = $member)",
    "area": "area_id = $member",
}


def seizure_trends(current: Current, row: Row) -> Chain:
    """value is a sum of seizures_monthly; every other column comes from the same series."""
    counted = "events" if row["measure"] == "events" else "quantity_lb"
    values = {"month": row["month"], "drug": row["drug_id"], "member": row["scope_id"]}
    # The model adds DECIMALs with six places, so that two builds are equal.
    query = (
        f'select *, cast(sum(cast("{counted}" as decimal(18, 6))) over () as double) as total '
        f"from marts.seizures_monthly where month = $month and drug_id = $drug and {_SCOPES[row['scope']]} "
        f'order by "{counted}" desc, component, region, land_filter, area_id'
    )
    facts = current.named(query, {k: v for k, v in values.items() if f"${k}" in query})
    nonzero = [f for f in facts if f[counted]]
    grain = current.tables["seizures_monthly"].grain
    chain = Chain([model("seizure_trends"), inputs(["seizures_monthly", "dim_area"])], is_sum=True)
    chain.facts = [
        Fact(table="seizures_monthly", key={g: f[g] for g in grain}, values={counted: f[counted]})
        for f in nonzero or facts
    ]
    chain.fact_count, chain.nonzero_count = len(facts), len(nonzero)
    chain.wanted = [record_of(f, "No vintage has such a record.", "It is a filled zero.", counted) for f in nonzero]
    chain.steps.append(_sum_sentence(row, counted, len(facts), len(nonzero), facts[0]["total"]))
    if not nonzero:
        chain.steps.append("Ask for each of these rows to see why it is zero: a filled zero, or a trace of no weight.")
    chain.steps.append(
        "rolling_3, rolling_12, fytd and its earlier years add this series over other months; yoy_3 and yoy_12 compare "
        "such sums; seasonal, trend and seasonal_strength are of the whole series "
        "(pipelines/analysis/seasonality.py). Ask for each month to see its records."
    )
    return chain


def _sum_sentence(row: Row, counted: str, facts: int, nonzero: int, total: float) -> str:
    factor = 0.45359237 if row["measure"] == "quantity_kg" else 1.0
    value = total * factor
    unit = "events" if counted == "events" else "lb"
    made = f"{said(total)} {unit}" if factor == 1 else f"{said(total)} lb x 0.45359237 = {said(value)} kg"
    sentence = (
        f"value is the sum of {counted} over {facts} rows of {row['month']}, {row['drug_id']}, scope {row['scope']} "
        f"{row['scope_id']}: {nonzero} are not zero; rounded to six decimals they add up to {made}."
    )
    if math.isclose(value, row["value"], rel_tol=1e-12):
        return sentence
    return f"{sentence} The released value is {said(row['value'])}: report this difference."


def overdose_trends(current: Current, row: Row) -> Chain:
    """deaths of a twelve-month total over the population of the year in the middle of its window."""
    chain = Chain([model("overdose_trends"), inputs(["overdose_deaths_12mo", "population_yearly"])])
    column = f"deaths_{row['basis']}"
    place = {"jurisdiction_id": row["jurisdiction_id"]}
    key = {**place, "month_ending": row["month_ending"], "indicator_id": row["indicator_id"]}
    (now,) = current.facts("overdose_deaths_12mo", key)
    _add(chain, "overdose_deaths_12mo", key, {column: now[column]}, death_counts(current, now, column))
    if row["deaths"] is None and now[column] is not None:
        chain.steps.append(f"{column} is {now[column]}: below 10 deaths, which is suppressed here.")
    if row["population"] is not None:
        year = {**place, "year": row["population_year"]}
        (people,) = current.facts("population_yearly", year)
        _add(chain, "population_yearly", year, {"population": people["population"]}, population(current, people))
        carried = ", the nearest year that there is" if row["is_population_carried"] else ""
        chain.steps.append(f"The middle of the twelve months falls into the year of the population{carried}.")
    if row["rate_per_100k"] is not None:
        limits = "exact Poisson limits" if row["deaths"] < 100 else "R -+ 1.96 R / sqrt(deaths)"
        chain.steps.append(
            f"rate_per_100k = {row['deaths']} / {row['population']} x 100000 = {said(row['rate_per_100k'])}; limits: "
            f"{limits}. The rate is crude, never age-adjusted."
        )
    if row["yoy_12"] is not None:
        year_before = row["month_ending"].replace(year=row["month_ending"].year - 1)
        (before,) = current.facts("overdose_deaths_12mo", {**key, "month_ending": year_before})
        old = {**key, "month_ending": year_before}
        _add(chain, "overdose_deaths_12mo", old, {column: before[column]}, death_counts(current, before, column))
        chain.steps.append(
            f"yoy_12 = ({row['deaths']} - {before[column]}) / {before[column]} = {said(row['yoy_12'])}: {column} of "
            f"the twelve months to {row['month_ending']} and to {year_before}, both as in the vintage of "
            f"{row['vintage']}."
        )
    return chain


def _add(chain: Chain, table: str, key: Row, values: dict[str, Any], part: Chain) -> None:
    """Put a fact and its own chain behind those that are there."""
    chain.facts.append(Fact(table=table, key=key, values=values))
    chain.fact_count += 1
    chain.nonzero_count += any(bool(v) for v in values.values())
    chain.steps += [s for s in part.steps if s not in chain.steps]
    chain.wanted += part.wanted
    chain.is_sum = chain.is_sum or part.is_sum


def dimension(current: Current, row: Row, table: str) -> Chain:
    """A row of a dimension: a line of a seed, a port beyond the list, or a month of the calendar."""
    chain = Chain([model(table)])
    if table == "dim_month":
        chain.steps.append(
            "No file brings it: the months go from the oldest one of any source (history.coverage) to the last month "
            "of the newest fiscal year that a source reaches. A fiscal year begins on 1 October."
        )
        return chain
    seed = seeds.SEED_OF[table]
    name = current.tables[table].grain[0]
    line = seeds.search(seed, {name: row[name]})
    if line is None and table == "dim_port":
        chain.steps.append(
            f"dbt_project/seeds/{seed}.csv does not list this port; it is here because the crossings have it "
            "(history.bts_border_crossings)."
        )
        return chain
    line = line or seeds.find(seed, {name: row[name]})
    chain.lines.append(line)
    chain.steps.append(
        f"It is line {line.line} of {line.path}, which is shipped with the project; dbt_project/seeds/README.md says "
        "where its facts come from."
    )
    if seeds.differs(line, row):
        chain.steps.append(seeds.changed(line))
    return chain


TRENDS: dict[str, Resolver] = {"seizure_trends": seizure_trends, "overdose_trends": overdose_trends}
