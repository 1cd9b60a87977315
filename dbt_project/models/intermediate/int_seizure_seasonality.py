"""Seasonal decomposition of each seizure series, by pipelines.analysis.seasonality."""


def model(dbt, session):
    """Columns: month, scope, scope_id, drug_id, measure, seasonal, trend, seasonal_strength."""
    dbt.config(materialized="table")
    from pipelines.analysis.seasonality import decompose

    # Pounds have the season of kilograms: decomposing them too would only cost time.
    series = dbt.ref("int_seizure_series").filter("measure <> 'quantity_lb'").pl()
    return decompose(series, by=["scope", "scope_id", "drug_id", "measure"])
