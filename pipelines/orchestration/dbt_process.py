"""dbt as a process that ends with the run that started it: python -m pipelines.orchestration.dbt_process build …

Without this, dbt goes on writing the build file for up to its full length after its run was killed, and the
next run meets it there. dbt's temporary files go with it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time

PARENT = "DRUGFLOW_RUN_PROCESS"
_LOOK_EVERY = 0.2


def _end_with(parent: int, scratch: str) -> None:
    """Leave at once when this process is no longer the child of ``parent``; DuckDB rolls back by itself."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


def main() -> None:
    """Run dbt's own command line, watching the parent named in the environment."""
    with tempfile.TemporaryDirectory(prefix="drugflow-dbt-") as scratch:
        tempfile.tempdir = scratch
        threading.Thread(target=_end_with, args=(int(os.environ[PARENT]), scratch), daemon=True).start()
        from dbt.cli.main import cli

        cli()


if __name__ == "__main__":
    main()
