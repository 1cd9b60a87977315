"""Comparisons of seizures: which rows of seizures_monthly a row of them adds up.

What belongs here: the rows behind concentration, rates, doses, pace, centre of mass and mix. What does not: the
records behind those rows (chains).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from pipelines.release.explain.answer import Fact
from pipelines.release.explain.chains import Chain, Resolver, inputs, model, record_of
from pipelines.release.explain.current import Current, Row

_ROWS = {
    "concentration": "fiscal_year = $fiscal_year and drug_id = $drug_id and region = 'southwest'",
    "statutory_rate": "fiscal_year between $fiscal_year - 5 and $fiscal_year and drug_id = $drug_id "
    "and component = 'OFO'",
    "dose_range": "fiscal_year = $fiscal_year and drug_id = 'fentanyl'",
    "fytd_pace": "fiscal_year = $fiscal_year and drug_id = $drug_id and ($scope = 'national' or region = 'southwest')",
    "centre_of_mass": "month = $month and drug_id = $drug_id and region = 'southwest'",
    "drug_mix": "month > $month - interval 24 months and month <= $month and region = 'southwest' and drug_id in "
    "('fentanyl', 'heroin', 'methamphetamine', 'cocaine') and ($scope_id = 'southwest' or area_id in "
    "(select area_id from marts.dim_area where corridor_id = $scope_id))",
}
_WORDS = {
    "concentration": "hhi is the sum of the squared shares of the 13 areas in these rows",
    "statutory_rate": "rate is the last of these fiscal years over the mean of the five before",
    "dose_range": "the doses are these kilograms times the parameters of dbt_project/seeds/dose_parameters.csv",
    "fytd_pace": "to_date adds the months up to through_fiscal_month; the projection uses the closed fiscal years",
    "centre_of_mass": "each row's area stands at the mean longitude of its ports (dbt_project/seeds/area_ports.csv)",
    "drug_mix": "the shares are of the events of the last twelve of these months and of the twelve before",
}


def _comparison(table: str, current: Current, row: Row) -> Chain:
    where = _ROWS[table]
    values: dict[str, Any] = {k: v for k, v in row.items() if f"${k} " in f"{where} " or f"${k})" in where}
    facts = current.named(
        f"select * from marts.seizures_monthly where {where} "
        "order by quantity_lb desc, month, component, region, land_filter, area_id, drug_id",
        values,
    )
    counted = [f for f in facts if f["events"] or f["quantity_lb"]]
    grain = current.tables["seizures_monthly"].grain
    chain = Chain([model(table), inputs(["seizures_monthly"])], is_sum=True)
    chain.facts = [
        Fact(
            table="seizures_monthly",
            key={g: f[g] for g in grain},
            values={"events": f["events"], "quantity_lb": f["quantity_lb"]},
        )
        for f in counted or facts
    ]
    chain.fact_count, chain.nonzero_count = len(facts), len(counted)
    chain.wanted = [record_of(f, "No vintage has such a record.", "It is a filled zero.") for f in counted]
    chain.steps.append(
        f"It comes from {len(facts)} rows of seizures_monthly, {len(counted)} of which are not zero: {_WORDS[table]}."
    )
    return chain


COMPARISONS: dict[str, Resolver] = {table: partial(_comparison, table) for table in _ROWS}
