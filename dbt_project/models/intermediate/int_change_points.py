"""Joinpoints of each series with the opinion of PELT, by pipelines.analysis.change_points."""


def model(dbt, session):
    """Columns: those of pipelines.analysis.change_points.SCHEMA."""
    dbt.config(materialized="table")
    import polars as pl

    from pipelines.analysis.change_points import change_points, parts
    from pipelines.core.remember import by_series

    series = dbt.ref("int_change_point_series").select("series_id, month, value, is_break_affected").pl()
    return pl.concat(
        by_series(f"change_points_{name}", rows, ["series_id"], change_points, {"k_max": k_max})
        for name, (rows, k_max) in parts(series).items()
    )
