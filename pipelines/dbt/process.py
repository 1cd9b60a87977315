"""python -m pipelines.dbt.process build …: dbt as a process that ends with the run that started it.

Without this, dbt goes on writing the build file for up to its full length after its run was killed, and the
next run meets it there. dbt's temporary files go with it.
"""

from __future__ import annotations

import os
import tempfile
import threading

from pipelines.core.files import scratch_folder
from pipelines.dbt.parent import PARENT, end_with


def main() -> None:
    """Run dbt's own command line, watching the parent named in the environment."""
    with scratch_folder("dbt") as scratch:
        tempfile.tempdir = str(scratch)
        threading.Thread(target=end_with, args=(int(os.environ[PARENT]), scratch), daemon=True).start()
        from dbt.cli.main import cli

        cli()


if __name__ == "__main__":
    main()
