"""What is measured: how each bot is started, what talks with it, and where it keeps things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from bench.coachees import Coachee, WaymarkCoachee
from bench.process import free_port

ADMIN = "postgresql://postgres@127.0.0.1:5432/postgres"


class Database:
    """A database for one measurement: its URL for DATABASE_URL, and the server's processes that work for it."""

    def __init__(self, url: str, admin: str | None = None) -> None:
        self.url, self._admin = url, admin

    def backends(self) -> list[int]:
        """The processes of the database server that serve this database."""
        if self._admin is None:
            return []
        name = self.url.rpartition("/")[2]
        with psycopg.connect(self._admin, autocommit=True) as connection:
            rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", (name,)).fetchall()
        return [row[0] for row in rows]


@contextmanager
def sqlite(where: Path, _admin: str) -> Iterator[Database]:
    """A file in the measurement's directory. The product itself sets WAL and synchronous=FULL."""
    yield Database(f"sqlite:///{where}/waymark.db")


@contextmanager
def postgresql(_where: Path, admin: str) -> Iterator[Database]:
    """A new database on the server, dropped at the end."""
    name = f"waymark_bench_{uuid4().hex[:12]}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield Database(f"{admin.rpartition('/')[0]}/{name}", admin)
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def reachable(admin: str) -> bool:
    """Whether there is a PostgreSQL server."""
    try:
        psycopg.connect(admin, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


@dataclass(frozen=True)
class System:
    """One bot under test."""

    name: str
    title: str
    arguments: tuple[str, ...]
    coachee: type[Coachee] = Coachee
    database: Callable[[Path, str], AbstractContextManager[Database]] | None = None

    def settings(self, server: str, token: str, database: Database | None) -> dict[str, str]:
        """Its environment."""
        found = {"TELEGRAM_API_URL": server, "TELEGRAM_BOT_TOKEN": token}
        if database is not None:
            found |= {"DATABASE_URL": database.url, "PORT": str(free_port()), "LOG_LEVEL": "warning"}
        return found


WAYMARK = ("-m", "bot", "run")
SYSTEMS = (
    System("sqlite", "Waymark, SQLite (synchronous=FULL)", WAYMARK, WaymarkCoachee, sqlite),
    System("postgresql", "Waymark, PostgreSQL", WAYMARK, WaymarkCoachee, postgresql),
    System("conversation", "ConversationHandler + PicklePersistence", ("-m", "bench.peers.conversation")),
    System("echo", "bare echo, keeps nothing", ("-m", "bench.peers.echo")),
)
BY_NAME = {system.name: system for system in SYSTEMS}
