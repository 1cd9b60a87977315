"""Exact limits of small counts, by pipelines.analysis.rates."""


def model(dbt, session):
    """Columns: deaths (0..99), lower, upper (deaths, 95 % limits)."""
    dbt.config(materialized="table")
    from pipelines.analysis.rates import poisson_limits_table

    return poisson_limits_table(99)
