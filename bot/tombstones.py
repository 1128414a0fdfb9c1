"""Who was forgotten, in a file outside the database, a JSON object a line: a restored backup forgets them by it.

It holds ids that mean nothing but here, and times.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import Engine

from storage.personal import Tombstone
from storage.personal import tombstones as kept

log = structlog.get_logger()


class UnreadableLineError(Exception):
    """A line is no tombstone. The argument is its number."""


def line(stone: Tombstone) -> str:
    """A tombstone as a line."""
    return msgspec.json.encode(stone).decode()


def parsed(text: str) -> list[Tombstone]:
    """The tombstones of some lines. Raises UnreadableLineError."""
    found = []
    for number, raw in enumerate(text.splitlines(), 1):
        if raw.strip():
            try:
                found.append(msgspec.json.decode(raw, type=Tombstone))
            except (msgspec.DecodeError, ValueError):
                raise UnreadableLineError(number) from None
    return found


def read(path: Path | None) -> list[Tombstone]:
    """The tombstones of a file; none where there is no file. A line that was half written is left out."""
    if path is None or not path.exists():
        return []
    found: list[Tombstone] = []
    for raw in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.extend(parsed(raw))
        except UnreadableLineError:
            log.warning("a line of the tombstones file is unreadable", file=path.name)
    return found


def add(path: Path | None, engine: Engine) -> int:
    """Append what the database has and the file has not; it is on the disk when this returns. Gives how many."""
    if path is None:
        return 0
    there = {stone.user_id for stone in read(path)}
    return append(path, [stone for stone in kept(engine) if stone.user_id not in there])


def append(path: Path, found: Sequence[Tombstone]) -> int:
    """Append tombstones to a file, on lines of their own."""
    if not found:
        return 0
    with path.open("a+b") as file:
        torn = file.tell() > 0 and not _ends_a_line(file.fileno(), file.tell())
        file.write((b"\n" if torn else b"") + "".join(f"{line(stone)}\n" for stone in found).encode())
        file.flush()
        os.fsync(file.fileno())
    return len(found)


def _ends_a_line(number: int, size: int) -> bool:
    return os.pread(number, 1, size - 1) == b"\n"
