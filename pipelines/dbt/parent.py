"""A process that ends with the one that started it, whatever ended that one."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

PARENT = "DRUGFLOW_RUN_PROCESS"
"""Environment variable: id of the process that started this one."""
_LOOK_EVERY = 0.2


def end_with(parent: int, scratch: Path) -> None:
    """Leave at once when this process is no longer the child of ``parent``; DuckDB rolls back by itself.

    scratch: a folder to remove then.
    """
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)
