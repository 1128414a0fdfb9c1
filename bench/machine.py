"""The machine as far as a figure depends on it: cores, pinning, CPU time, versions. No names, no paths."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("python-telegram-bot", "httpx", "aiohttp", "SQLAlchemy", "psycopg", "msgspec", "uvloop")


@dataclass(frozen=True)
class Cores:
    """One core for the bot, another for all else; None where that cannot be had."""

    bot: int | None
    rest: int | None

    @classmethod
    def choose(cls) -> Cores:
        """The first two cores this process may use."""
        if not hasattr(os, "sched_getaffinity"):
            return cls(None, None)
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], allowed[1]) if len(allowed) > 1 else cls(None, None)

    @property
    def pinned(self) -> bool:
        """Whether there are two."""
        return self.bot is not None

    def take_rest(self) -> None:
        """This process leaves the bot's core alone."""
        if self.rest is not None:
            os.sched_setaffinity(0, {self.rest})

    @contextmanager
    def starting_bot(self) -> Iterator[None]:
        """What is started in here, and every thread of it, has the bot's core."""
        if self.bot is not None:
            os.sched_setaffinity(0, {self.bot})
        try:
            yield
        finally:
            self.take_rest()

    def move_away(self, pids: Iterable[int]) -> bool:
        """Other people's processes leave the bot's core, too; False where we may not say so."""
        if self.rest is None:
            return False
        try:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(pid, {self.rest})
        except PermissionError:
            return False
        return True


def cpu_seconds(pids: Iterable[int]) -> dict[int, float]:
    """The CPU time that each process has used so far, where /proc tells."""
    found = {}
    for pid in pids:
        with suppress(OSError, IndexError, ValueError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def used(before: dict[int, float], after: dict[int, float]) -> float:
    """The CPU time in between; that of a process which ended meanwhile is not known."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def about() -> str:
    """The machine and the versions, in one line."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {versions}"
