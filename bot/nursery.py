"""Background tasks, in one supervised place: each is kept, each crash is logged, all end with the nursery."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from storage.unit_of_work import reason

log = structlog.get_logger()


class Nursery:
    """Starts tasks and sees them end."""

    def __init__(self, failed: Callable[[], None] | None = None) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._vital: set[asyncio.Task[Any]] = set()
        self._failed = failed

    def start(self, work: Coroutine[Any, Any, Any], name: str, *, vital: bool = False) -> asyncio.Task[Any]:
        """Start a task. A crash is logged by its name and kind of error: a log holds no words of
        a person. Without a `vital` one nothing works: then `failed` is called."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        if vital:
            self._vital.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task crashed", task=task.get_name(), reason=reason(error))
            if task in self._vital and self._failed is not None:
                self._failed()
        self._vital.discard(task)

    async def close(self) -> None:
        """Cancel what is left and wait for it."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
