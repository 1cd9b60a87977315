"""What no recipe can say of a row: one function for each name of catalog.recipe.Hook.

A hook gets the row that is asked for and gives sentences. Write one only where the answer lies neither in the release
nor in a seed; everything else is a step of the table's recipe.
"""

from __future__ import annotations

from collections.abc import Callable

from pipelines.catalog.recipe import Hook
from pipelines.query.explain.current import Row


def published_query(row: Row) -> list[str]:
    """The query that gives our figure beside a published total; it is no column of the release."""
    from pipelines.catalog.published_totals import load_totals

    return [f"ours comes from: {total.query}" for total in load_totals() if total.id == row["total_id"]]


HOOKS: dict[Hook, Callable[[Row], list[str]]] = {"published_query": published_query}
