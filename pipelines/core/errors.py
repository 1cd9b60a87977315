"""The error that a user reads, and what an error of a library or the operating system says in one line."""

from __future__ import annotations

import re

LOOK_AT_THE_DISK = "Look at the disk's free space and at who may write there, then run 'drugflow refresh' again."


class DrugflowError(Exception):
    """A sentence for the person who meets it: what, which value, what was expected, what to do."""


def why(error: BaseException) -> str:
    """What an error of a library or the operating system says, in one line, without numbers of errors."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    said = (str(error).strip().splitlines() or ["no reason given"])[0]
    return re.sub(r"\[Errno -?\d+\] ?", "", said)[:200]
