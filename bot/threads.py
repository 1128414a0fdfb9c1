"""Threads for what blocks beside the writers: queries that only read, chores. They are waited for at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

NUMBER = 4


class Threads:
    """A few threads that end before the engine whose connections they use."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(NUMBER, thread_name_prefix="reader")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run on one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Wait for what is running."""
        self._pool.shutdown(wait=True)
