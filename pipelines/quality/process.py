"""Validation in a process of its own, so that its imports pass while others work.

What belongs here: starting, using and ending that process. What does not: validating (run).
Great Expectations takes seconds to import; on a second core they cost no time.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from pipelines.quality.run import Candidate, judge
from pipelines.quality.verdict import Exemption, Verdict
from pipelines.sources.catalog import Source
from pipelines.vocabulary import scratch_folder

_pool: ProcessPoolExecutor | None = None


@contextmanager
def own_process() -> Iterator[None]:
    """Until the end of the block, ``judged`` works in another process, which begins to import at once."""
    global _pool
    with (
        scratch_folder("quality") as scratch,
        ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(str(scratch),)
        ) as pool,
    ):
        pool.submit(_import)
        _pool = pool
        try:
            yield
        finally:
            _pool = None


def judged(source: Source, candidates: list[Candidate], folder: Path, ledger: list[Exemption]) -> list[Verdict]:
    """``judge`` in the process of its own where there is one; here where there is none or it died."""
    if _pool is not None:
        try:
            return _pool.submit(judge, source, candidates, folder, ledger).result()
        except BrokenProcessPool:
            pass
    return judge(source, candidates, folder, ledger)


def _begin(scratch: str) -> None:
    """End with the parent, however it ends: a killed refresh must leave no process and no temporary file behind."""
    tempfile.tempdir = scratch
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            shutil.rmtree(scratch, ignore_errors=True)
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _import() -> None:
    import great_expectations  # noqa: F401
