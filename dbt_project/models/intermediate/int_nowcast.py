"""The newest release's figures, completed as earlier ones were, by pipelines.analysis.nowcast."""


def model(dbt, session):
    """Columns: jurisdiction_id, indicator_id, month_ending, release, lag, reported, nowcast, lower, upper, ..."""
    dbt.config(materialized="table")
    from pipelines.analysis.nowcast import nowcast

    return nowcast(dbt.ref("int_vsrr_releases").pl())
