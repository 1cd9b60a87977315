"""Statistics: the released rows that an estimate was made of, and the method that made it.

What belongs here: which series a row of a statistical table reads. What does not: the facts' own records (chains), the
methods themselves (pipelines/analysis, docs/methods.md).
"""

from __future__ import annotations

from typing import Any

from pipelines.query.explain.answer import Fact, said
from pipelines.query.explain.chains import Chain, Resolver, inputs, model
from pipelines.query.explain.current import Current, Row

_SCOPE = "case when $place = 'southwest' then 'southwest' when $place in (select corridor_id from marts.dim_corridor) "
_SCOPE += "then 'corridor' else 'area' end"


def change_points(current: Current, row: Row) -> Chain:
    """The months of the series that the model was fitted to."""
    chain = Chain([model("change_points"), inputs(_tables(row))])
    chain.steps.append(
        f"The series has {row['months']} months without a gap, {_span(row)}; at most {row['k_max']} joinpoints were "
        "allowed (pipelines/analysis/joinpoint.py, change_points.py)."
    )
    if row["no_estimate_reason"]:
        chain.steps.append(f"There is no joinpoint: {row['no_estimate_reason']}.")
    else:
        others = ", ".join(row["confirmed_by"]) or "no other method"
        chain.steps.append(
            f"BIC {said(row['bic'])} chose {row['k']}; joinpoint {row['joinpoint']} is {row['month']}, found as well "
            f"by {others}. Neighbouring residuals correlate by {said(row['residual_lag1'])}: limits are too narrow."
        )
    if row["first_month"]:
        _months(chain, current, row, row["first_month"], row["last_month"])
    return chain


def anomalies(current: Current, row: Row) -> Chain:
    """The month, and the three years before it."""
    chain = Chain([model("anomalies"), inputs(_tables(row))])
    if row["no_estimate_reason"]:
        chain.steps.append(f"The month is not judged: {row['no_estimate_reason']}.")
    else:
        chain.steps.append(
            f"Method {row['method']} (pipelines/analysis/anomalies.py): the months before lead one to expect "
            f"{said(row['expected'])}; {said(row['observed'])} is {said(row['z'])} deviations away, level "
            f"{row['level']}."
        )
    _months(chain, current, row, row["month"].replace(year=row["month"].year - 3), row["month"])
    return chain


def lead_lag(current: Current, row: Row) -> Chain:
    """Two series, each of one scope and basis."""
    chain = Chain([model("lead_lag"), inputs(["seizure_trends", "overdose_deaths_monthly"])])
    chain.steps.append(
        "Seizures are seizure_trends national US fentanyl quantity_lb, deaths overdose_deaths_monthly US "
        f"synthetic_opioids_t404 final, {_span(row)}, {row['months']} months, both as logarithms "
        "(pipelines/analysis/lead_lag.py). Ask for each of these rows to see its records."
    )
    return chain


def revision_profile(current: Current, row: Row) -> Chain:
    """What releases said about months of this age, from the history."""
    chain = Chain([model("revision_profile")])
    chain.steps.append(
        f"It reads history.cdc_vsrr_overdose: {row['releases']} releases at least a year older than the newest one "
        f"gave V(release) / V(newest) for months {row['lag']} months before their own newest one "
        "(pipelines/analysis/nowcast.py)."
    )
    chain.steps.append("overdose_deaths_as_of(date) shows what any of these releases said.")
    return chain


def nowcast(current: Current, row: Row) -> Chain:
    """A figure of the newest release and the completeness of its age."""
    chain = Chain([model("nowcast"), inputs(["revision_profile"])])
    shared = {k: row[k] for k in ("jurisdiction_id", "indicator_id")}
    for profile in current.facts("revision_profile", {**shared, "lag": row["lag"]}):
        values = {k: profile[k] for k in ("releases", "completeness_median", "completeness_p10", "completeness_p90")}
        _add(chain, "revision_profile", {**shared, "lag": row["lag"]}, values)
    key = {**shared, "month_ending": row["month_ending"]}
    for fact in current.facts("overdose_deaths_12mo", key):
        _add(chain, "overdose_deaths_12mo", key, {"deaths_reported": fact["deaths_reported"]})
    if row["no_estimate_reason"]:
        chain.steps.append(f"There is no nowcast: {row['no_estimate_reason']} ({row['releases']} earlier releases).")
    else:
        chain.steps.append(
            f"nowcast = {row['deaths_reported']} / the median completeness of lag {row['lag']} = "
            f"{said(row['nowcast'])}."
        )
    return chain


def derived_month(current: Current, row: Row) -> Chain:
    """A month of basis derived: two totals and the final count of the year before."""
    chain = Chain([model("overdose_deaths_monthly"), "A derived month comes from its model int_deaths_derived.sql."])
    place = {k: row[k] for k in ("jurisdiction_id", "indicator_id")}
    before = _shifted(row["month"], -1)
    for month in (row["month"], before):
        key = {"month_ending": month, **place}
        for fact in current.facts("overdose_deaths_12mo", key):
            _add(chain, "overdose_deaths_12mo", key, {"deaths_reported": fact["deaths_reported"]})
    key = {**place, "month": _shifted(row["month"], -12), "basis": "final"}
    for fact in current.facts("overdose_deaths_monthly", key):
        _add(chain, "overdose_deaths_monthly", key, {"deaths": fact["deaths"]})
    counts = [next(iter(f.values.values())) for f in chain.facts]
    if row["deaths"] is not None and len(counts) == 3:
        now, earlier, anchor = counts
        chain.steps.append(
            f"deaths = {now} - {earlier} + {anchor} = {now - earlier + anchor}: deaths_reported of the twelve months "
            f"to {row['month']} and to {before}, both as in the vintage of {row['vintage']}, and the final deaths of "
            f"{key['month']} (anchor_vintage)."
        )
    else:
        chain.steps.append(f"There is no count: {said(row['missing_reason'])}. It is never zero.")
    chain.steps.append("Ask for each of these rows to see its records.")
    return chain


def _span(row: Row) -> str:
    return f"{said(row['first_month'])} to {said(row['last_month'])}"


def _tables(row: Row) -> list[str]:
    return ["overdose_deaths_monthly"] if row["measure"] == "deaths" else ["seizure_trends"]


def _months(chain: Chain, current: Current, row: Row, first: Any, last: Any) -> None:
    """The months of a series as released, oldest first."""
    values = {"first": first, "last": last, "place": row["place_id"], "topic": row["topic_id"]}
    if row["measure"] == "deaths":
        found = current.named(
            "select * from marts.overdose_deaths_monthly where jurisdiction_id = $place and indicator_id = $topic "
            "and basis = 'final' and month between $first and $last order by month",
            values,
        )
        table, column = "overdose_deaths_monthly", "deaths"
    else:
        found = current.named(
            "select * from marts.seizure_trends where scope_id = $place and drug_id = $topic and measure = $measure "
            f"and month between $first and $last and scope = {_SCOPE} order by month",
            {**values, "measure": row["measure"]},
        )
        table, column = "seizure_trends", "value"
    chain.is_sum = True
    grain = current.tables[table].grain
    for fact in found:
        _add(chain, table, {g: fact[g] for g in grain}, {column: fact[column]})
    chain.steps.append(f"Ask for each of these rows of {table} to see its records.")


def _add(chain: Chain, table: str, key: Row, values: dict[str, Any]) -> None:
    chain.facts.append(Fact(table=table, key=key, values=values))
    chain.fact_count += 1
    chain.nonzero_count += any(bool(v) for v in values.values())


def _shifted(month: Any, by: int) -> Any:
    count = month.year * 12 + month.month - 1 + by
    return month.replace(year=count // 12, month=count % 12 + 1)


STATISTICS: dict[str, Resolver] = {
    "change_points": change_points,
    "anomalies": anomalies,
    "lead_lag": lead_lag,
    "revision_profile": revision_profile,
    "nowcast": nowcast,
}
