"""How each fact is made of the publishers' records, as the dbt models say.

What belongs here: from one row of a fact to the keys of its source and the sentences between. What does not: sums over
facts (trends), lists of places and names (seeds), looking the records up (evidence).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from pipelines.catalog.dictionary import model_path
from pipelines.catalog.load import get_source, load_catalog
from pipelines.query.explain import seeds
from pipelines.query.explain.answer import Fact, Line, listed, said
from pipelines.query.explain.current import Current, Row
from pipelines.query.explain.evidence import Wanted
from pipelines.sources.shared.geography import NEW_YORK_CITY_COUNTIES

NATION_SEED = "us_t404_final_monthly"
COUNTS = ("deaths_reported", "deaths_predicted")
NEW_YORK_PARTS = ("US-NYC", "US-NY-XNYC")
_MISSING = {
    "suppressed": "the publisher shows no count because it is small",
    "low_quality": "the publisher's footnote says that the data are of low quality",
    "not_reported": "the publisher left the cell empty and gave no reason",
    "not_applicable": "nobody publishes it",
    "withdrawn": "a newer vintage no longer has it",
    "negative": "our own difference of two published totals is below zero, which is no count",
}


@dataclass
class Chain:
    """The way from a released row to its records.

    facts: released rows between, all of them (fact_count and nonzero_count count them). lines: records of seeds.
    is_sum: many records, so each is shown once and without its states' sentences.
    """

    steps: list[str] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    fact_count: int = 0
    nonzero_count: int = 0
    lines: list[Line] = field(default_factory=list)
    is_sum: bool = False


Resolver = Callable[[Current, Row], Chain]


def model(table: str, macro: str | None = None) -> str:
    """The sentence that names the SQL of a table."""
    shared = f" with the macro dbt_project/macros/{macro}.sql" if macro else ""
    return f"marts.{table} is built by {model_path(table)}{shared}."


def record_of(row: Row, absent: str, withdrawn: str, *columns: str) -> Wanted:
    """The key of the source's record for a fact that stands for one record; columns: the values that are asked for."""
    source = get_source(row["source_id"])
    return Wanted(source.id, {k: row[k] for k in source.key}, row["vintage"], absent, withdrawn, columns)


def seizures(current: Current, row: Row) -> Chain:
    """seizures_monthly and amo_seizures_monthly: one record, or a zero that nobody published."""
    table = "seizures_monthly" if row["source_id"] == "cbp_drug_seizures" else "amo_seizures_monthly"
    chain = Chain([model(table, "seizures")])
    zero = "No row in the vintage = no seizure: events and weight are a filled zero (is_filled)."
    chain.wanted.append(
        record_of(row, f"The vintage of {row['vintage']} covers {row['month']} and has no such record. {zero}", zero)
    )
    if not row["is_filled"]:
        chain.steps.append(
            f"events and quantity_lb are the publisher's. quantity_kg = {row['quantity_lb']!r} lb x 0.45359237 "
            f"= {row['quantity_kg']!r} kg (dbt_project/macros/units.sql)."
        )
        if row["quantity_lb"] == 0:
            chain.steps.append("A weight of 0 with an event is a trace that was rounded down, not an empty row.")
    if row["is_fytd"]:
        chain.steps.append(f"Fiscal year {row['fiscal_year']} is still open in the newest vintage: it can change.")
    return chain


def deaths_12mo(current: Current, row: Row) -> Chain:
    """overdose_deaths_12mo: one record and the jurisdiction's percent specified, or New York's two parts."""
    chain = death_counts(current, row, *(c for c in COUNTS if row[c] is not None))
    if row["percent_specified"] is not None:
        # A release from before the column took the percent of the figure's own vintage.
        vintage = row.get("percent_specified_vintage", row["vintage"])
        place = {**row, "indicator_id": "percent_specified", "vintage": vintage}
        chain.wanted.append(record_of(place, "No vintage has a percent specified.", "percent_specified is missing."))
        chain.steps.append(
            "percent_specified stands in a record of its own (Percent with drugs specified) of the same jurisdiction "
            f"and month, newest known from {vintage}."
        )
    return chain


def death_counts(current: Current, row: Row, *columns: str) -> Chain:
    """The same without the percent specified; columns: the counts that are asked for."""
    chain = Chain([model("overdose_deaths_12mo", "overdose_deaths")])
    if row["jurisdiction_id"] == "US-NY":
        return _new_york(current, row, chain)
    chain.steps.append("deaths_reported and deaths_predicted are the publisher's; nothing is computed.")
    _say_missing(row, chain)
    nothing = "The figure is missing, never zero."
    gone = f"{nothing} Its reason: withdrawn."
    chain.wanted.append(record_of(row, f"No vintage has such a record. {nothing}", gone, *columns))
    return chain


def _new_york(current: Current, row: Row, chain: Chain) -> Chain:
    shared = {k: row[k] for k in ("month_ending", "indicator_id")}
    parts = [r for p in NEW_YORK_PARTS for r in current.facts("overdose_deaths_12mo", {"jurisdiction_id": p, **shared})]
    for part in parts:
        nothing = "This part is missing, never zero."
        chain.wanted.append(record_of(part, "No vintage has such a record.", nothing, "deaths_reported"))
        key = {k: part[k] for k in ("jurisdiction_id", *shared)}
        values = {"deaths_reported": part["deaths_reported"], "vintage": part["vintage"]}
        chain.facts.append(Fact(table="overdose_deaths_12mo", key=key, values=values))
    chain.fact_count = len(parts)
    chain.nonzero_count = sum(bool(p["deaths_reported"]) for p in parts)
    if row["deaths_reported"] is not None:
        terms = " + ".join(f"{p['deaths_reported']} ({p['jurisdiction_id']})" for p in parts)
        chain.steps.append(
            "The publisher's NY leaves New York City (YC) out, so US-NY is the sum of its two parts: "
            f"{terms} = {row['deaths_reported']}."
        )
    else:
        chain.steps.append(
            "US-NY is the sum of US-NYC and US-NY-XNYC; one of them is missing, or they come from different vintages, "
            f"so it is missing too ({row['missing_reason']})."
        )
    chain.steps.append(
        "deaths_predicted is missing (not_applicable): nobody publishes a prediction for the whole state. "
        "percent_complete is the lower, percent_pending the higher of the parts."
    )
    return chain


def _say_missing(row: Row, chain: Chain) -> None:
    for value, reason in (("deaths_reported", "missing_reason"), ("deaths_predicted", "predicted_missing_reason")):
        if row.get(reason):
            chain.steps.append(f"{value} is missing ({row[reason]}): {_MISSING[row[reason]]}. It is never zero.")


def deaths_monthly(current: Current, row: Row) -> Chain:
    """overdose_deaths_monthly: a record of a saved query, a month it left out, or the published national series."""
    chain = Chain([model("overdose_deaths_monthly")])
    if row["source_id"] == NATION_SEED:
        line = seeds.find(NATION_SEED, {"month": row["month"].isoformat()})
        chain.lines.append(line)
        chain.steps.append(
            f"No file of the archive has this national series: the published final counts are shipped as {line.path} "
            "(where they come from is in dbt_project/seeds/README.md); vintage is the day on which it was shipped."
        )
        if seeds.differs(line, row):
            chain.steps.append(seeds.changed(line))
        return chain
    if row["source_id"] not in load_catalog() or row["basis"] == "derived":
        return other("overdose_deaths_monthly")
    absent = (
        f"The queries of the vintage of {row['vintage']} cover {row['month']} for this indicator and basis, and no "
        "file has a record of this state: it had 0 to 9 deaths, which the publisher hides or leaves out (suppressed)."
    )
    if row["missing_reason"] == "not_reported":
        absent = (
            f"No file of the vintage of {row['vintage']} has {row['month']} for this state, indicator and basis, "
            "though the figures around it are too large for a hidden month: a query was not saved or a row was lost "
            "(not_reported). Nothing is known of the count."
        )
    chain.wanted.append(record_of(row, absent, f"The figure is missing ({said(row['missing_reason'])}), never zero."))
    chain.steps.append(f"basis is {row['basis']}, as the file labels the year or month. Deaths are by residence.")
    return chain


def crossings(current: Current, row: Row) -> Chain:
    """border_crossings_monthly: one record, and the flags that are ours."""
    chain = Chain([model("border_crossings_monthly", "crossings")])
    chain.wanted.append(record_of(row, "No vintage has such a record.", "The row is left out: zero or unreported."))
    chain.steps.append("crossings is the publisher's; the port code is padded to four digits and nothing is filled in.")
    if row["is_resolved_duplicate"]:
        chain.steps.append(
            "The file has this port, month and measure twice with different figures; the larger one stays "
            "(is_resolved_duplicate, pipelines/sources/bts_border_crossings/clean.py)."
        )
    if row["is_suspect"]:
        chain.steps.append(
            "is_suspect is set by an entry of pipelines/sources/corrections.yaml, with reason and evidence there; the "
            "figure is unchanged."
        )
    if row["is_partial"]:
        chain.steps.append("is_partial: too few ports have this measure in one of the two newest months.")
    return chain


def population(current: Current, row: Row) -> Chain:
    """population_yearly: a state's record, New York City's five counties, the rest of the state, or the nation."""
    chain = Chain([model("population_yearly")])
    series, year, place = row["series"], row["year"], row["jurisdiction_id"]
    reach = "the years up to 2019" if series == "V2020" else "the years from 2020 on"
    chain.steps.append(f"{series} owns {reach}; population is the estimate for 1 July {year}.")

    def wanted(level: str, geo_id: str) -> Wanted:
        key = {"series": series, "area_level": level, "geo_id": geo_id, "year": date(year, 7, 1)}
        nothing = f"No vintage has {geo_id} in {year}."
        return Wanted("census_population", key, row["vintage"], nothing, "It is left out.")

    def one(geo_id: str) -> int | None:
        # A county is a record of the history alone: it is no jurisdiction of the released table.
        states = current.states("census_population", wanted("county", geo_id).key)
        return states[-1].values["population"] if states else None

    counties = [wanted("county", c) for c in NEW_YORK_CITY_COUNTIES]
    if place == "US-NYC":
        terms = " + ".join(f"{one(c)} ({c})" for c in NEW_YORK_CITY_COUNTIES)
        chain.wanted = counties
        chain.steps.append(f"New York City is the sum of its five counties: {terms} = {row['population']}.")
        return chain
    if place == "US-NY-XNYC":
        whole, city = (
            current.facts("population_yearly", {"jurisdiction_id": j, "year": year})[0]["population"]
            for j in ("US-NY", "US-NYC")
        )
        chain.wanted = [wanted("state", "US-NY"), *counties]
        chain.steps.append(
            "The rest of the state is New York state minus the five counties of New York City: "
            f"{whole} - {city} = {row['population']}."
        )
        return chain
    level = {"US": "country", "US-PR": "territory"}.get(place, "state")
    if place == "US" and not current.states("census_population", wanted(level, place).key):
        return _nation_from_states(current, row, chain, wanted)
    chain.wanted.append(wanted(level, place))
    chain.steps.append(f"population is the publisher's, from the column POPESTIMATE{year}, or headed {year}.")
    return chain


def _nation_from_states(current: Current, row: Row, chain: Chain, wanted: Callable[[str, str], Wanted]) -> Chain:
    everywhere = current.facts("population_yearly", {"year": row["year"], "series": row["series"]})
    outside = {"US", "US-PR", *NEW_YORK_PARTS}
    states = [r for r in everywhere if r["jurisdiction_id"] not in outside]
    chain.is_sum = True
    chain.wanted = [wanted("state", r["jurisdiction_id"]) for r in states]
    chain.facts = [_population_fact(r) for r in states]
    chain.fact_count = chain.nonzero_count = len(states)
    total = sum(r["population"] for r in states)
    chain.steps.append(
        f"No file of series {row['series']} has the nation: it is the sum of the 50 states and DC, "
        f"{len(states)} rows that add up to {total}."
    )
    return chain


def _population_fact(row: Row) -> Fact:
    key = {k: row[k] for k in ("jurisdiction_id", "year")}
    return Fact(table="population_yearly", key=key, values={"population": row["population"]})


def other(table: str) -> Chain:
    """A row that explain cannot follow further: the SQL that makes it is named."""
    chain = Chain([model(table)])
    chain.steps.append("explain goes no further for this row; the model names the tables that it reads.")
    return chain


def inputs(names: list[str]) -> str:
    """The sentence that names the tables of a model."""
    return f"It reads {listed([f'marts.{n}' for n in names])}."


FACTS: dict[str, Resolver] = {
    "seizures_monthly": seizures,
    "amo_seizures_monthly": seizures,
    "overdose_deaths_12mo": deaths_12mo,
    "overdose_deaths_monthly": deaths_monthly,
    "border_crossings_monthly": crossings,
    "population_yearly": population,
}
