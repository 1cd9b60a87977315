"""Cleaning and judging in two processes of their own, begun as soon as a source's files are archived.

What belongs here: starting, using and ending those processes. What does not: the stages (stages).
The steps of a run follow one another, and Dagster and Great Expectations take seconds to import: beside that, two
sources are cleaned and judged at a time, and a run's step waits for its own. A first refresh of the real mirror takes
48 s in place of 54 s (seven and two runs), and its largest process 0.8 GB in place of 1.15 GB.
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
from pipelines.quality.verdict import Verdict
from pipelines.refresh.stages import clean_and_judge

if TYPE_CHECKING:
    from pipelines.clean.run import Summary

    Judged = tuple[list[Summary], list[Verdict]]

PROCESSES = 2


class Workers:
    """What a run's steps clean and judge with: here, until processes are started for it."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._begun: dict[str, Future[Judged]] = {}

    @contextmanager
    def started(self) -> Iterator[None]:
        """Until the end of the block, sources may be begun in other processes, the first of which imports at once.

        None are started where this process has Great Expectations already: waiting for its import is what they save.
        """
        if "great_expectations" in sys.modules:
            yield
            return
        with (
            scratch_folder("quality") as scratch,
            ProcessPoolExecutor(
                PROCESSES, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(str(scratch),)
            ) as pool,
        ):
            pool.submit(_import_validation)
            self._pool = pool
            try:
                yield
            finally:
                self._begun.clear()
                self._end()

    def begin(self, settings: Settings, realm: Realm, source_id: str, run: str) -> None:
        """Begin to clean and judge a source whose files are archived; nothing where there is no process for it."""
        if self._pool is not None:
            self._begun[source_id] = self._pool.submit(clean_and_judge, settings, realm, source_id, run)

    def judged(self, settings: Settings, realm: Realm, source_id: str, run: str) -> Judged:
        """Summaries and verdicts of a source: those that were begun, or made here where none were or a process died."""
        begun = self._begun.pop(source_id, None)
        if begun is not None:
            try:
                return begun.result()
            except BrokenProcessPool:
                pass
            finally:
                if not self._begun:
                    self._end()
        return clean_and_judge(settings, realm, source_id, run)

    def _end(self) -> None:
        """End the processes: each holds half a gigabyte, and what follows needs none of them."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _import_validation() -> None:
    from pipelines.quality.suite import load

    load()


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
