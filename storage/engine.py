"""Connecting to a database, and what each kind is told."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import SQLAlchemyError

BUSY_SECONDS = 30
"""How long SQLite waits for another process's write before it gives up."""


def database_url(text: str) -> URL:
    """The URL of a setting. Heroku's postgres:// and plain postgresql:// both mean psycopg 3."""
    if text.startswith("postgres://"):
        text = "postgresql://" + text.removeprefix("postgres://")
    url = make_url(text)
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return url


def connect(url_text: str, *, pool_size: int = 10) -> Engine:
    """An engine for the database at a URL. JSON goes in and out through msgspec."""
    url = database_url(url_text)
    options: dict[str, Any] = {
        "hide_parameters": True,  # an error's text holds no word of a person
        "json_serializer": lambda value: msgspec.json.encode(value).decode(),
        "json_deserializer": msgspec.json.decode,
    }
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, **options)
        event.listen(engine, "connect", _sqlite_connected)
        event.listen(engine, "begin", _sqlite_begin)
    else:
        engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, **options)
    return engine


def is_sqlite(engine: Engine) -> bool:
    """Whether this is the embedded database, which one process at a time may serve."""
    return engine.dialect.name == "sqlite"


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are ours to begin, see _sqlite_begin
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")  # see `wipe`
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    """The write lock is taken at the start: a transaction that reads and then writes cannot be refused half-way."""
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def wipe(engine: Engine) -> bool:
    """See to it that SQLite's file, and its log, have nothing of what was deleted; False if a reader is in the way.

    With secure_delete, whose cost per answer is below what can be measured, SQLite writes zeros over what it deletes.
    That is not all: pages that were filled anew keep old rows in their gaps (after 6,000 writes, up to 100 copies of
    words that were deleted; 20,000 to 30,000 without it). What is clean is a file that is written anew: VACUUM, 0.8 s
    for 100 MB here, in which writers wait. So it is done after somebody was forgotten and after the purge of a day,
    not more often. The log is emptied after it, as it still has the pages as they were. On PostgreSQL that is the
    server's: autovacuum takes back the room.
    """
    if not is_sqlite(engine):
        return True
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("VACUUM")
        busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        cursor.close()
    finally:
        raw.close()
    return not busy


def alive(engine: Engine) -> bool:
    """Whether the database answers."""
    try:
        with reading(engine).begin() as connection:
            return bool(connection.execute(text("SELECT 1")).scalar() == 1)
    except SQLAlchemyError:
        return False


def reading(engine: Engine) -> Engine:
    """The same database for transactions that only read: on SQLite they do not wait for the writer."""
    return engine.execution_options(reads=True)
