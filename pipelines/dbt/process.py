"""dbt as a process that ends with the run that started it: python -m pipelines.dbt.process build …

Without this, dbt goes on writing the build file for up to its full length after its run was killed, and the
next run meets it there. dbt's temporary files go with it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from pathlib import Path

from pipelines.core.files import scratch_folder
from pipelines.core.fingerprint import code_fingerprint
from pipelines.dbt.parent import PARENT, end_with
from pipelines.dbt.ready import hand_over


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
