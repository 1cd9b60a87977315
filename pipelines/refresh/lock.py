"""One refresh at a time over one installation: the command line, the nightly run and the UI take turns.

What belongs here: taking the turn, and who has it. What does not: the lock of the build file (publish), which stays
for whatever does not come this way. Imports no Dagster.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

from filelock import FileLock, Timeout

from pipelines.core.errors import DrugflowError, why
from pipelines.core.files import recall, write_json
from pipelines.core.problem import Phrase
from pipelines.core.settings import Settings
from pipelines.core.wording import say


class BusyError(DrugflowError):
    """Another refresh has the turn and kept it too long: this one stepped aside, nothing is wrong."""


@contextlib.contextmanager
def turn(settings: Settings, who: str, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold the turn until the end of the block. who: how others name this holder; tell: hears that it waits.

    The operating system drops the lock with its process, however that ends, so nobody waits for a dead one.
    Raises BusyError after DRUGFLOW_LOCK_TIMEOUT_SECONDS, DrugflowError where the folder cannot be written.
    """
    folder = settings.data_marts
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".turn.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell(say("refresh.waits", {"holder": _holder(settings), "seconds": settings.lock_timeout_seconds}))
            lock.acquire(timeout=settings.lock_timeout_seconds)
    except Timeout as error:
        raise BusyError("stepped_aside", holder=_holder(settings), seconds=settings.lock_timeout_seconds) from error
    except OSError as error:
        raise DrugflowError("marts_folder_refused", folder=folder, why=why(error)) from error
    try:
        # Only for the sentence of whoever waits: a full disk must not stop a refresh here.
        with contextlib.suppress(OSError):
            write_json(
                folder / ".turn.json",
                {"who": who, "pid": os.getpid(), "since": settings.now().isoformat(timespec="seconds")},
            )
        yield
    finally:
        lock.release()


def _holder(settings: Settings) -> Phrase:
    """Who has the turn, as far as is known."""
    held = recall(settings.data_marts / ".turn.json")
    if not held:
        return Phrase.of("refresh.somebody_works")
    return Phrase.of("refresh.works", who=held["who"], process=held["pid"], since=f"{held['since'][:16]}Z")
