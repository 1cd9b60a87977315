"""Ends a program with signal 9 at a moment that a test names.

Every Python that starts with this folder on PYTHONPATH loads this file. DRUGFLOW_TEST_STOP is a JSON list: the name
of an audit event of the interpreter (docs.python.org/3/library/audit_events.html), a regular expression that its
arguments match, which time that counts, and seconds to wait from then on. The event may come from any process of the
program; the one that was started first is killed. Nothing of the program is changed, and without the variable
nothing is watched.
"""

import json
import os
import re
import signal
import sys
import threading
import time

STOP, FIRST = "DRUGFLOW_TEST_STOP", "DRUGFLOW_TEST_FIRST_PROCESS"


def _watch(event: str, pattern: str, times: int, seconds: float) -> None:
    wanted = re.compile(pattern)
    first = int(os.environ.setdefault(FIRST, str(os.getpid())))
    seen = 0

    def end() -> None:
        time.sleep(seconds)
        os.kill(first, signal.SIGKILL)

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if name != event or not wanted.search(" ".join(map(str, arguments))):
            return
        seen += 1
        if seen == times and seconds:
            threading.Thread(target=end, daemon=True).start()
        elif seen == times:
            os.kill(first, signal.SIGKILL)

    sys.addaudithook(hook)


if STOP in os.environ:
    _watch(*json.loads(os.environ[STOP]))
