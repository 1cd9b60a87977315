"""Months that stand out from those before them, by pipelines.analysis.anomalies."""


def model(dbt, session):
    """Columns: series_id, family, month, observed, expected, z, p, p_adjusted, level, method, no_estimate_reason."""
    dbt.config(materialized="table")
    from pipelines.analysis.anomalies import anomalies

    return anomalies(dbt.ref("int_anomaly_series").select("series_id, family, month, value, is_count").pl())
