"""Joinpoints of each series with the opinion of PELT, by pipelines.analysis.change_points."""


def model(dbt, session):
    """Columns: those of pipelines.analysis.change_points.SCHEMA."""
    dbt.config(materialized="table")
    import polars as pl

    from pipelines.analysis.change_points import change_points
    from pipelines.remember import by_series

    series = dbt.ref("int_change_point_series").select("series_id, month, value, is_break_affected").pl()
    # A hundred series of states are short and noisy: a fourth joinpoint costs the most time and says the least there.
    is_state = pl.col("series_id").str.starts_with("deaths/US-")
    parts = {"nation_and_border": (series.filter(~is_state), (3, 4)), "states": (series.filter(is_state), (3,))}
    return pl.concat(
        by_series(f"change_points_{name}", rows, ["series_id"], change_points, {"k_max": k_max})
        for name, (rows, k_max) in parts.items()
    )
