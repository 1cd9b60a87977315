"""The limit of one whole look at a source, with all its requests, tries and waits.

httpx limits each read alone, so a site that gives a byte now and then, be it in the headers, could hold a look, and
with it everybody's refresh, for days. At the end of the limit the look's connections are cut.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipelines.core.problem import Problem
from pipelines.ingest.live.problems import LiveError

if TYPE_CHECKING:
    from filelock import BaseFileLock


class Deadline:
    """Runs from its making. seconds: None for no limit. Stop it at the end of the look."""

    def __init__(self, seconds: float | None):
        self.seconds = seconds
        self._ends = float("inf") if seconds is None else time.monotonic() + seconds
        self._streams: list[Any] = []
        self._timer: threading.Timer | None = None
        if seconds is not None:
            self._timer = threading.Timer(seconds, self._cut)
            self._timer.daemon = True
            self._timer.start()

    @property
    def over(self) -> bool:
        """Whether the time is used up."""
        return time.monotonic() >= self._ends

    @property
    def problem(self) -> Problem:
        """What is wrong when it is over."""
        return Problem.of("look_took_too_long", seconds=self.seconds)

    def watch(self, event: str, said: dict[str, Any]) -> None:
        """Keep a connection that was made: httpx's extension "trace"."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._streams.append(said["return_value"])
            if self.over:
                self._cut()

    @contextlib.contextmanager
    def waiting_for(self, lock: BaseFileLock) -> Iterator[None]:
        """Hold a lock that another look may keep. Raises LiveError where the time is used up before it is free."""
        from filelock import Timeout

        left = -1 if self.seconds is None else max(0.0, self._ends - time.monotonic())
        try:
            lock.acquire(timeout=left)
        except Timeout as error:
            raise LiveError(self.problem) from error
        try:
            yield
        finally:
            lock.release()

    def stop(self) -> None:
        """Cut nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _cut(self) -> None:
        for stream in list(self._streams):
            # A connection that was closed meanwhile, or wrapped in TLS, has nothing left to cut.
            with contextlib.suppress(OSError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
