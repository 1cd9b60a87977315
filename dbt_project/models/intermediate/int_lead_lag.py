"""Correlation of deaths and seizures by lag, by pipelines.analysis.lead_lag."""


def model(dbt, session):
    """Columns: lag, first_month, last_month, months, no_estimate_reason, and three forms of the correlation."""
    dbt.config(materialized="table")
    from pipelines.analysis.lead_lag import lead_lag

    seizures = dbt.ref("int_seizure_series").filter(
        "scope = 'national' and drug_id = 'fentanyl' and measure = 'quantity_lb'"
    )
    deaths = dbt.ref("int_deaths_published").filter(
        "jurisdiction_id = 'US' and indicator_id = 'synthetic_opioids_t404' and basis = 'final'"
    )
    return lead_lag(
        seizures.select("month, value as seizures").pl(), deaths.select("month, cast(deaths as double) as deaths").pl()
    )
