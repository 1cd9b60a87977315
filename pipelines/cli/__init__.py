"""drugflow on the command line, a module for each group of commands.

What belongs here: commands, options, what a person reads, exit codes. What does not: any work; it is
imported when a command needs it, so that help and an unchanged refresh stay fast.
"""

from __future__ import annotations

import gc
import sys

from pipelines.cli.app import WRONG, app
from pipelines.console import err, plain
from pipelines.core.errors import DrugflowError, machine_refused

# Each module registers its commands; help shows the groups in this order.
# isort: off
from pipelines.cli import refresh  # noqa: F401
from pipelines.cli import read  # noqa: F401
from pipelines.cli import archive  # noqa: F401
from pipelines.cli import operate  # noqa: F401
from pipelines.cli import develop  # noqa: F401
# isort: on

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; a DrugflowError, or what the disk refuses, is a sentence and exit code 2, no traceback."""
    try:
        app()
    except DrugflowError as error:
        err.print(f"[red]drugflow:[/] {plain(str(error))}")
        sys.exit(WRONG)
    except OSError as error:
        err.print(f"[red]drugflow:[/] {plain(str(machine_refused(error)))}")
        sys.exit(WRONG)
    finally:
        # Its libraries are not searched for garbage again at the end: 0.06 s in place of 0.9 s (five runs each on an
        # idle machine, load 0.4 before them).
        gc.freeze()
