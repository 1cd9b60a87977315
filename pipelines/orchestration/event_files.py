"""Storing the events of a run without opening the files anew for each of them.

What belongs here: connections to Dagster's SQLite files that stay for as long as a run. What does not: what the events
say, and any other storage, which has connections of its own.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dagster as dg


def keep_open(instance: dg.DagsterInstance, run_id: str) -> ExitStack:
    """Store the events of a run over connections that stay, until the stack that is returned is closed.

    Dagster makes an engine and a connection for each of a refresh's thousand events and again for each copy of one,
    3 ms a time; and SQLite copies its log into the file and waits for the disk whenever the last connection closes.
    """
    from dagster._core.storage.event_log import SqliteEventLogStorage
    from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
    from sqlalchemy import Engine, create_engine

    kept = ExitStack()
    storage: Any = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        return kept
    _hasten_events()
    storage.get_logs_for_run(run_id)  # makes the tables of a new run
    anew, engines = storage._connect, dict[str, Engine]()
    for shard in ("index", run_id):
        engines[shard] = create_engine(
            storage.conn_string_for_shard(shard),
            pool_size=1,
            max_overflow=-1,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )
        kept.callback(engines[shard].dispose)

    @contextmanager
    def connect(shard: str) -> Iterator[Any]:
        if shard in engines:
            with storage._db_lock, engines[shard].begin() as connection:
                yield connection
        else:
            with anew(shard) as connection:
                yield connection

    storage._connect = connect  # type: ignore[method-assign]
    kept.callback(setattr, storage, "_connect", anew)
    runs = sqlite3.connect(Path(os.environ["DAGSTER_HOME"]) / "history" / "runs.db", check_same_thread=False)
    kept.callback(runs.close)
    runs.execute("select count(*) from sqlite_master").fetchone()
    return kept


@cache
def _hasten_events() -> None:
    """Let SQLite wait for the disk at its checkpoints only; its files stay whole whatever happens to a process."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def set_once(connection: Any, _record: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("pragma synchronous = normal")

    event.listen(Engine, "connect", set_once)
