"""A bot's process: started on its core in a directory of its own, and ended with everything it started."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

from bench.machine import Cores

ROOT = Path(__file__).resolve().parents[1]
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONDONTWRITEBYTECODE")
"""Of our environment; settings of a deployment must not leak into a measurement."""
STOP_SECONDS = 8.0


class BotDied(Exception):
    """The bot's process ended, or did not begin to work. The message is the end of its log."""


class BotProcess:
    """A bot at work."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self._popen, self._log = popen, log
        self.pid = popen.pid

    def check(self) -> None:
        """Raise BotDied if it ended."""
        if self._popen.poll() is not None:
            raise BotDied(self.tail())

    def tail(self) -> str:
        """The end of its log."""
        return self._log.read_text(errors="replace")[-1500:].strip() or "it said nothing"

    async def stop(self) -> None:
        """End it: kindly, then not."""
        if self._popen.poll() is None:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._popen.wait, STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the whole process group, now."""
        self._signal(signal.SIGKILL)
        self._popen.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


@asynccontextmanager
async def bot(
    arguments: Sequence[str], settings: Mapping[str, str], where: Path, cores: Cores
) -> AsyncIterator[BotProcess]:
    """A bot as `python ARGUMENTS`, in the directory `where`."""
    log = where / "log"
    with log.open("wb") as output, cores.starting_bot():
        popen = _started(arguments, settings, where, output)
    process = BotProcess(popen, log)
    try:
        yield process
        await process.stop()
    finally:
        process.kill()


def _started(
    arguments: Sequence[str], settings: Mapping[str, str], where: Path, output: IO[bytes]
) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=where,
        env={**environment, "PYTHONPATH": str(ROOT), **settings},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
