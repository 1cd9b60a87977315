"""Cleaning and judging in two processes of their own, begun as soon as a source's files are archived.

What belongs here: starting, using and ending those processes. What does not: the stages (stages).
The steps of a run follow one another, and Great Expectations takes seconds to import: beside the run, two sources are
cleaned and judged at a time, and a run's step waits for its own.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from pipelines.core.files import scratch_folder
from pipelines.core.settings import Settings
from pipelines.core.types import Realm
from pipelines.quality.suite import load
from pipelines.quality.verdict import Verdict
from pipelines.refresh.stages import clean_source, judge_source

if TYPE_CHECKING:
    from pipelines.clean.run import Summary

    Cleaned = tuple[list[Summary], list[Verdict]]

PROCESSES = 2
_pool: ProcessPoolExecutor | None = None
_begun: dict[str, Future[Cleaned]] = {}


@contextmanager
def own_processes() -> Iterator[None]:
    """Until the end of the block, sources may be begun in other processes, the first of which imports at once.

    None are started where this process has Great Expectations already: waiting for its import is what they save.
    """
    global _pool
    if "great_expectations" in sys.modules:
        yield
        return
    with (
        scratch_folder("quality") as scratch,
        ProcessPoolExecutor(
            PROCESSES, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(str(scratch),)
        ) as pool,
    ):
        # The second process starts when two sources are begun; until then Dagster's import needs the core.
        pool.submit(load)
        _pool = pool
        try:
            yield
        finally:
            _begun.clear()
            _end()


def begin(settings: Settings, realm: Realm, source_id: str) -> None:
    """Begin to clean and judge a source whose files are archived; nothing where there is no process for it."""
    if _pool is not None:
        _begun[source_id] = _pool.submit(_clean_and_judge, settings, realm, source_id)


def cleaned_and_judged(settings: Settings, realm: Realm, source_id: str) -> Cleaned:
    """Summaries and verdicts of a source: those that were begun, or made here where none were or a process died."""
    begun = _begun.pop(source_id, None)
    if begun is not None:
        try:
            return begun.result()
        except BrokenProcessPool:
            pass
        finally:
            if not _begun:
                _end()
    return _clean_and_judge(settings, realm, source_id)


def _end() -> None:
    """End the processes: each holds half a gigabyte, and what follows needs none of them."""
    global _pool
    if _pool is not None:
        _pool.shutdown(wait=False, cancel_futures=True)
        _pool = None


def _clean_and_judge(settings: Settings, realm: Realm, source_id: str) -> Cleaned:
    return clean_source(settings, realm, source_id), judge_source(settings, realm, source_id)


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
    # Taking the interpreter apart costs a second of processor time, and nothing is left to be written.
    Finalize(None, os._exit, args=(0,), exitpriority=-1)
