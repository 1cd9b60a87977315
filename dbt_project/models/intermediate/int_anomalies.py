"""Months that stand out from those before them, by pipelines.analysis.anomalies."""


def model(dbt, session):
    """Columns: those that pipelines.analysis.anomalies.anomalies returns."""
    dbt.config(materialized="table")
    from pipelines.analysis.anomalies import anomalies
    from pipelines.core.remember import by_series

    series = dbt.ref("int_anomaly_series").select("series_id, family, month, value, is_count").pl()
    # The months of a family are judged together, so a family is the least that can be kept.
    return by_series("anomalies", series, ["family"], anomalies)
