"""Seasonal decomposition of each seizure series, by pipelines.analysis.seasonality."""


def model(dbt, session):
    """Columns: month, scope, scope_id, drug_id, measure, seasonal, trend, seasonal_strength."""
    dbt.config(materialized="table")
    from pipelines.analysis.seasonality import decompose
    from pipelines.core.remember import by_series

    # Pounds have the season of kilograms: decomposing them too would only cost time.
    columns = "month, scope, scope_id, drug_id, measure, value"
    series = dbt.ref("int_seizure_series").filter("measure <> 'quantity_lb'").project(columns).pl()
    by = ["scope", "scope_id", "drug_id", "measure"]
    return by_series("seizure_seasonality", series, by, decompose, {"by": by})
