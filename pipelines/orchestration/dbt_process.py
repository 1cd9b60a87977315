"""dbt as a process that ends with the run that started it: python -m pipelines.orchestration.dbt_process build …

Without this, dbt goes on writing the build file for up to its full length after its run was killed, and the
next run meets it there.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from pipelines.orchestration.dbt_ready import hand_over
from pipelines.vocabulary import code_fingerprint

PARENT = "DRUGFLOW_RUN_PROCESS"
_LOOK_EVERY = 0.2


def end_with(parent: int, leftover: Path | None = None) -> None:
    """Leave at once when this process is no longer the child of ``parent``; DuckDB rolls back by itself.

    leftover: a file to remove then.
    """
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    if leftover is not None:
        leftover.unlink(missing_ok=True)
    os._exit(1)


def main() -> None:
    """Run dbt's own command line, watching the parent named in the environment.

    A dbt that is ready takes the command over, where there is one.
    """
    threading.Thread(target=end_with, args=(int(os.environ[PARENT]),), daemon=True).start()
    done = hand_over(sys.argv[1:], code_fingerprint(Path(os.environ.get("DBT_PROJECT_DIR", "."))))
    if done is not None:
        sys.exit(done)
    from dbt.cli.main import cli

    cli()


if __name__ == "__main__":
    main()
