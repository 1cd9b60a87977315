"""Completeness of earlier releases by lag, by pipelines.analysis.nowcast."""


def model(dbt, session):
    """Columns: jurisdiction_id, indicator_id, lag, releases, completeness_median, _p10 and _p90."""
    dbt.config(materialized="table")
    from pipelines.analysis.nowcast import revision_profile

    return revision_profile(dbt.ref("int_vsrr_releases").pl())
