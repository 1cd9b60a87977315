"""One request at a time per host and interval, over all threads and processes of an installation."""

from __future__ import annotations

import time
from pathlib import Path

from pipelines.ingest.live.deadline import Deadline


def wait_for_turn(folder: Path, host: str, interval: float, deadline: Deadline) -> None:
    """Return when the host may be asked again. The lock dies with its holder, so a kill blocks nobody.

    Raises LiveError where the time of the look is used up before.
    """
    from filelock import FileLock

    if interval <= 0:
        return
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / f"{host}.last"
    with deadline.waiting_for(FileLock(folder / f"{host}.lock")):
        age = time.time() - mark.stat().st_mtime if mark.exists() else interval
        if 0 <= age < interval:
            time.sleep(interval - age)
        mark.touch()
