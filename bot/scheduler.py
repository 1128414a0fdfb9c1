"""Ticks. APScheduler says when to look; what is due is in the database, and nothing else is remembered here.

Every chore may run at any time, any number of times, in any number of processes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date
from pathlib import Path
from uuid import UUID, uuid5

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot import tombstones
from bot.clock import Clock
from bot.perform import Performer
from bot.runner import Runner
from flows.events import TimerFired
from flows.state import Keeping
from storage import letters, outbox, timers
from storage.engine import wipe
from storage.personal import apply_tombstones
from storage.retention import purge
from storage.unit_of_work import Claim

log = structlog.get_logger()

TIMER_EVENTS = UUID("0d3f9a52-9f0b-5a4e-8a53-4f0a6c7f2b11")
"""The namespace of events that are timers: one that is taken up again is the same event."""


class Chores:
    """What is done at ticks."""

    def __init__(
        self,
        engine: Engine,
        runner: Runner,
        performer: Performer,
        clock: Clock,
        *,
        owner: str,
        keeping: Keeping,
        tombstones: Path | None = None,
    ) -> None:
        self._engine, self._runner, self._performer, self._clock = engine, runner, performer, clock
        self._owner, self._keeping, self._tombstones = owner, keeping, tombstones
        self._purged: date | None = None
        self._to_wipe = False

    async def fire(self) -> int:
        """Fire what is due; gives how many timers were seen. Each is claimed where it is decided."""
        due = await self._runner.threads.run(timers.due, self._engine, self._clock.now())
        events = [
            TimerFired(
                id=uuid5(TIMER_EVENTS, timer.id.hex),
                chat_id=timer.chat_id,
                key=timer.key,
                kind=timer.kind,
                subject=timer.subject,
                attempt=timer.attempt,
            )
            for timer in due
        ]
        claims = [Claim(kind="timer", id=timer.id) for timer in due]
        await asyncio.gather(*(self._runner.handle(e, c) for e, c in zip(events, claims, strict=True)))
        if any(timer.kind == "erase" for timer in due):
            await self._forgotten()
        elif self._to_wipe:
            await self._wipe()
        return len(due)

    async def remember(self) -> int:
        """Forget again who was forgotten and is there, as in a backup that was restored; gives how many.

        What the file of tombstones has is added to the database's, and the other way round.
        """
        found = await self._runner.threads.run(tombstones.read, self._tombstones)
        back = await self._runner.threads.run(apply_tombstones, self._engine, found, self._clock.now())
        await self._runner.threads.run(tombstones.add, self._tombstones, self._engine)
        if back:
            log.warning("forgotten again", people=back)
            await self._wipe()
        return back

    async def purge(self) -> int:
        """What is older than it may be goes: once a day, at the first tick of a day in UTC; gives how many rows."""
        today = self._clock.now().astimezone(UTC).date()
        if self._purged == today:
            return 0
        purged = await self._runner.threads.run(purge, self._engine, self._keeping, self._clock.now())
        self._purged = today
        if purged.people or purged.rows:
            log.info("purged", people=purged.people, rows=purged.rows)
            await self._forgotten()
        return purged.people + purged.rows

    async def _forgotten(self) -> None:
        """Somebody may be gone: that is kept outside, too, and no trace of them in the file."""
        await self._runner.threads.run(tombstones.add, self._tombstones, self._engine)
        await self._wipe()

    async def _wipe(self) -> None:
        self._to_wipe = True
        self._to_wipe = not await self._runner.threads.run(wipe, self._engine)

    async def take_up(self) -> int:
        """Perform what is left over: put off, or of a process that died."""
        now = self._clock.now()
        if not await self._runner.threads.run(outbox.anything_due, self._engine, now):
            return 0
        rows = await self._runner.threads.run(outbox.take, self._engine, self._owner, now)
        self._performer.put(rows)
        return len(rows)

    async def retry(self) -> int:
        """Try again what the operator wants tried again."""
        waiting = await self._runner.threads.run(letters.to_retry, self._engine)
        await asyncio.gather(*(self._runner.handle(i.event, i.claim) for i in waiting))
        return len(waiting)

    async def prune(self) -> int:
        """Forget what is no longer needed."""
        now = self._clock.now()
        gone = await self._runner.threads.run(letters.prune, self._engine, now)
        return gone + await self._runner.threads.run(outbox.prune, self._engine, now)


SECONDS = {"fire": 1, "take_up": 1, "retry": 3, "prune": 3600, "purge": 900}


def schedule(chores: Chores) -> AsyncIOScheduler:
    """A scheduler that ticks. A late tick is made up for once, and never two of a kind run at the same time."""
    scheduler = AsyncIOScheduler(
        timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    for name, seconds in SECONDS.items():
        chore = _careful(name, getattr(chores, name))
        scheduler.add_job(chore, IntervalTrigger(seconds=seconds), id=name)
    return scheduler


def _careful(name: str, chore: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        try:
            await chore()
        except asyncio.CancelledError:  # stopped in the middle: no crash, and the next process goes on
            return
        except SQLAlchemyError as error:  # the next tick tries again
            log.warning("chore failed", chore=name, error=type(error).__name__)

    return run
