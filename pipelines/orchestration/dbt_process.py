"""dbt as a process that ends with the run that started it: python -m pipelines.orchestration.dbt_process build …

Without this, dbt goes on writing the build file for up to its full length after its run was killed, and the
next run meets it there. dbt's temporary files go with it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from pipelines.orchestration.dbt_ready import hand_over
from pipelines.vocabulary import code_fingerprint, scratch_folder

PARENT = "DRUGFLOW_RUN_PROCESS"
_LOOK_EVERY = 0.2


def end_with(parent: int, scratch: Path) -> None:
    """Leave at once when this process is no longer the child of ``parent``; DuckDB rolls back by itself.

    scratch: a folder to remove then.
    """
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


def main() -> None:
    """Run dbt's own command line, watching the parent named in the environment.

    A dbt that is ready takes the command over, where there is one.
    """
    with scratch_folder("dbt") as scratch:
        tempfile.tempdir = str(scratch)
        threading.Thread(target=end_with, args=(int(os.environ[PARENT]), scratch), daemon=True).start()
        done = hand_over(sys.argv[1:], code_fingerprint(Path(os.environ["DBT_PROJECT_DIR"])))
        if done is not None:
            sys.exit(done)
        from dbt.cli.main import cli

        cli()


if __name__ == "__main__":
    main()
