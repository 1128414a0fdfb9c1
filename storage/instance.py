"""Which of the processes this one is.

An instance has a name that no living process shares, and a process that starts after a crash gets the name of the one
that died: by that it knows that the rows of that name are free. On PostgreSQL the name is an advisory lock, which
ends with the connection; on SQLite, which one process serves, it is a lock on a file beside the database.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from sqlalchemy import Connection, Engine, text

from storage.engine import is_sqlite

SLOTS = 64
LOCK_SPACE = 0x5741594D  # "WAYM": keeps our advisory locks apart from anybody else's in the same database


class AlreadyRunningError(Exception):
    """Another process serves this database."""


class Instance:
    """A name held for as long as the process lives."""

    def __init__(self, engine: Engine) -> None:
        """Take a free name. Raises AlreadyRunningError where there is none."""
        self._connection: Connection | None = None
        self._file: IO[str] | None = None
        if is_sqlite(engine):
            self.name = self._lock_file(engine)
        else:
            self.name = self._lock_slot(engine)

    def close(self) -> None:
        """Give the name up."""
        if self._connection is not None:
            self._connection.invalidate()  # closes the session, and with it the lock
            self._connection.close()
        if self._file is not None:
            self._file.close()
        self._connection = self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lock_file(self, engine: Engine) -> str:
        database = engine.url.database
        if not database or database == ":memory:":
            return "memory"
        self._file = Path(f"{database}.lock").open("w")  # noqa: SIM115 - held open for the life of the process
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise AlreadyRunningError(
                f"another Waymark is running on {database}; stop it first, or use PostgreSQL for more than one"
            ) from None
        return "local"

    def _lock_slot(self, engine: Engine) -> str:
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        for slot in range(SLOTS):
            taking = text("SELECT pg_try_advisory_lock(:space, :slot)")
            if connection.execute(taking, {"space": LOCK_SPACE, "slot": slot}).scalar():
                self._connection = connection
                return f"instance-{slot}"
        connection.close()
        raise AlreadyRunningError(f"{SLOTS} processes serve this database already")
