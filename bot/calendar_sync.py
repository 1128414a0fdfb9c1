"""Sessions brought into the shared calendar: requests of the outbox, beside the chats, never in their way.

What is written is the session as it stands when it is written; what comes of it is an event, with the stamp of what
was written, so that an entry which was written late counts for nothing. One entry is written by one call at a time.
When to try again is decided (`flows.calendars`); only where the session is forgotten there is nobody to decide it,
and the row itself waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid5
from weakref import WeakValueDictionary

import msgspec
import structlog
from sqlalchemy import Engine

from bot.calendars import entry
from bot.clock import Clock
from bot.google import CalendarError, GoogleCalendar
from bot.runner import Runner
from flows.calendars import WAITS, stamp, title
from flows.diary import Scheduled
from flows.effects import UpdateCalendar
from flows.events import AnyEvent, CalendarFailed, CalendarWritten
from storage.calendars import standing_row
from storage.outbox import Mark, Row
from storage.unit_of_work import Claim

log = structlog.get_logger()


class CalendarSync:
    """Carries out UpdateCalendar."""

    def __init__(
        self,
        engine: Engine,
        runner: Runner,
        calendar: GoogleCalendar | None,
        clock: Clock,
        mark: Callable[[int, Mark], None],
    ) -> None:
        self._engine, self._runner, self._calendar, self._clock, self._mark = engine, runner, calendar, clock, mark
        self._writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def request(self, row: Row) -> None:
        """Bring an entry up to date, and report what came of it."""
        order = msgspec.convert(row.payload, UpdateCalendar)
        name = order.event_id or order.session_id.hex
        lock = self._writing.get(name)
        if lock is None:
            lock = self._writing[name] = asyncio.Lock()
        async with lock:
            session = await self._runner.threads.run(standing_row, self._engine, order.session_id)
            try:
                await self._write(session, order)
            except CalendarError as failure:
                log.warning("calendar not reached", session=str(order.session_id), reason=str(failure))
                if session is None:
                    self._hold(row)
                    return
                event: AnyEvent = CalendarFailed(
                    id=uuid5(row.id, "answer"),
                    chat_id=row.chat_id,
                    session_id=session.session_id,
                    attempt=order.attempt,
                    stamp=stamp(session),
                )
            else:
                event = CalendarWritten(
                    id=uuid5(row.id, "answer"),
                    chat_id=row.chat_id,
                    session_id=session.session_id if session is not None else order.session_id,
                    event_id=session.event_id or session.entry_id if session is not None else "",
                    stamp=stamp(session) if session is not None else "",
                )
        await self._runner.handle(event, Claim(kind="request", id=row.id))

    async def _write(self, session: Scheduled | None, order: UpdateCalendar) -> None:
        if self._calendar is None:
            raise CalendarError("there is no calendar any more")
        if session is None:
            if order.event_id is not None:
                await self._calendar.remove(order.event_id)
        elif session.status == "cancelled":
            await self._calendar.remove(session.event_id or session.entry_id)
        else:
            event_id = session.event_id or session.entry_id
            await self._calendar.put(event_id, body(session), known=session.event_id is not None)

    def _hold(self, row: Row) -> None:
        """The row waits, and is given up after the last wait; the entry of a session that is forgotten stays then."""
        if self._calendar is None or row.attempts >= len(WAITS):
            log.error("calendar given up", row=str(row.id))
            self._mark(row.chat_id, Mark(id=row.id, outcome="failed", reason="calendar"))
            return
        due = self._clock.now() + WAITS[row.attempts]
        self._mark(row.chat_id, Mark(id=row.id, outcome="held", due_at=due))


def body(session: Scheduled) -> dict[str, Any]:
    """An entry as Google takes it, in the coach's language. Without a sequence: Google counts for itself, and refuses
    one that is lower than its own."""
    reader = session.coach or session.coachee
    shown = entry(session, title(session, "operator"), reader.language)
    return {
        "summary": shown.title,
        "location": shown.place,
        "start": _moment(shown.starts_at),
        "end": _moment(shown.ends_at),
        "status": "confirmed",
    }


def _moment(at: datetime) -> dict[str, str]:
    return {"dateTime": at.isoformat(), "timeZone": "UTC"}
