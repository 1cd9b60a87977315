"""The next piece of work made while the one before it is used, in one thread and in order.

What belongs here: overlapping two steps over a stream. What does not: what the steps do; Polars and PyArrow leave
Python's lock while they work, so that a second core takes part.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items in the same order, one of them always in the making; errors come where the item would have."""
    end = object()
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield item  # type: ignore[misc]
