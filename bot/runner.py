"""The runner: events in, outcomes out, in batches through the unit of work.

Chats are spread over lanes, each with a writer thread of its own: one lane on SQLite, which has one writer, a few on
PostgreSQL. A lane takes whatever waits, one event of a chat at a time: a chat's events are decided in order, and a
batch grows with the load. A database that is away is waited for: nothing is acknowledged meanwhile. An event that
cannot be handled is tried again alone, then set aside with its reason, and the person is told.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Literal
from uuid import uuid5

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from bot import holidays
from bot.ages import consent_age
from bot.clock import Clock
from bot.nursery import Nursery
from bot.perform import Performer
from bot.reading import read
from bot.render import settled
from bot.texts import FALLBACK
from bot.threads import Threads
from flows.decide import decide
from flows.diary import Policy
from flows.errors import NobodyHereError
from flows.events import AnyEvent, ButtonPressed, EventFailed, Spoken
from flows.needs import needs
from flows.records import Record
from flows.state import Chat, Keeping
from storage import letters
from storage.engine import is_sqlite
from storage.outbox import Mark
from storage.unit_of_work import Claim, Incoming, Outcome, Settled, handle, reason

log = structlog.get_logger()

LARGEST_BATCH = 256
LANES = 4
"""Writer threads on PostgreSQL."""
AWAY_SECONDS = (0.1, 0.3, 1.0, 3.0, 5.0)
"""Waits while the database is away; the last one repeats."""
MARK_SECONDS = 0.05
"""How long what was performed waits for a batch to be marked in, before it is marked on its own."""


class House(Record):
    """What holds for every chat of a deployment; `consent_ages` are its own, by country."""

    model: bool = False
    listens: bool = True
    access: Literal["open", "invite"] = "open"
    invite_days: int = 7
    keeping: Keeping = Keeping()
    consent_ages: dict[str, int] = {}
    policy: Policy = Policy()
    holidays: str = "auto"


class _Waiting:
    """An event and who waits for it."""

    def __init__(self, incoming: Incoming) -> None:
        self.incoming = incoming
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()


class Runner:
    """Handles events. `serve` must be running."""

    def __init__(
        self,
        engine: Engine,
        performer: Performer,
        clock: Clock,
        nursery: Nursery,
        *,
        owner: str,
        house: House,
    ) -> None:
        self._engine, self._performer, self._clock, self._nursery = engine, performer, clock, nursery
        self._owner, self._house = owner, house
        self.threads = Threads()
        lanes = 1 if is_sqlite(engine) else LANES
        self._lanes = [_Lane(self, number) for number in range(lanes)]
        self.handled = 0
        self.batches = 0
        self.set_aside = 0

    async def handle(self, event: AnyEvent, claim: Claim | None = None) -> Outcome:
        """Decide an event and keep what follows. Returns after the commit; rows are being performed by then."""
        waiting = _Waiting(Incoming(event=event, claim=claim))
        self._lanes[event.chat_id % len(self._lanes)].put(waiting)
        return await waiting.outcome

    def start(self) -> None:
        """Begin to work."""
        for i, lane in enumerate(self._lanes):
            self._nursery.start(lane.work(), f"lane {i}", vital=True)
        self._nursery.start(self._mark_leftovers(), "marks", vital=True)

    async def flush(self) -> None:
        """Write down what was performed, now; what is being written down already is waited for."""
        for lane in self._lanes:
            await lane.run([])

    def close(self) -> None:
        """End the threads; what is being written or read is finished."""
        for lane in self._lanes:
            lane.close()
        self.threads.close()

    def settle(self, chat: Chat, event: AnyEvent) -> Settled:
        """Read, decide, render: pure, called on the writer thread with the chat locked and loaded."""
        now = self._clock.now()
        person = chat.person
        house, subject = self._house, chat.circle.subject if chat.circle is not None else None
        zone = person.timezone if person is not None else "UTC"
        subjects_zone = subject.person.timezone if subject is not None else zone
        chat = chat.evolve(
            model=house.model,
            listens=house.listens,
            access=house.access,
            invite_days=house.invite_days,
            keeping=house.keeping,
            policy=house.policy,
            holidays=holidays.of_plan(chat, event, house.holidays),
            consent_age=consent_age(zone, house.consent_ages),
            subject_consent_age=consent_age(subjects_zone, house.consent_ages),
        )
        language = event.sender.language if isinstance(event, Spoken) else FALLBACK
        try:
            return settled(decide(chat, read(event, chat, now), now), language)
        except NobodyHereError:  # what was on its way for somebody who is forgotten is dropped, and kept nowhere
            return Settled(chat=chat, dropped=True)

    def marks_of(self, lane: int) -> list[tuple[int, Mark]]:
        """What became of the rows of a lane's chats. A chat's marks are written by its own lane, in their order."""
        number = len(self._lanes)
        mine = [item for item in self._performer.marks if item[0] % number == lane]
        if mine:
            others = [item for item in self._performer.marks if item[0] % number != lane]
            self._performer.marks.clear()
            self._performer.marks.extend(others)
        return mine

    def unwritten(self, marks: Sequence[tuple[int, Mark]]) -> None:
        """Marks of which it is not known whether they were written: they are the next. Twice is as good as once."""
        self._performer.marks.extendleft(reversed(marks))

    async def _mark_leftovers(self) -> None:
        while True:
            await self._performer.marked.wait()
            self._performer.marked.clear()
            await asyncio.sleep(MARK_SECONDS)
            await self.flush()

    def write(self, batch: Sequence[Incoming], marks: Sequence[Mark]) -> list[Outcome]:
        """One transaction, on the writer thread."""
        now = self._clock.now()
        return handle(self._engine, batch, self.settle, needs, now=now, owner=self._owner, marks=marks)

    def aside(self, incoming: Incoming, why: str) -> list[Outcome]:
        """Set an event aside, on the writer thread."""
        with self._engine.begin() as connection:
            letters.set_aside(connection, incoming, why, self._clock.now())
        return []

    def unreadable(self, update_id: int, why: str) -> None:
        """Keep that an update could not be read."""
        letters.unreadable(self._engine, update_id, why, self._clock.now())

    def told(self, event: AnyEvent) -> Incoming:
        """The person is to be told that an event of theirs could not be handled."""
        press = event.press_id if isinstance(event, ButtonPressed) else None
        return Incoming(
            event=EventFailed(
                id=uuid5(event.id, "failed"), chat_id=event.chat_id, spoken=isinstance(event, Spoken), press_id=press
            )
        )

    def deliver(self, outcome: Outcome) -> None:
        """What a commit ordered is carried out."""
        self._performer.put(outcome.rows)
        for press in outcome.passing:
            self._performer.acknowledge(outcome.incoming.event.chat_id, press)


class _Lane:
    """A writer thread and the events that wait for it."""

    def __init__(self, runner: Runner, number: int) -> None:
        self._runner, self._number = runner, number
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._waiting: deque[_Waiting] = deque()
        self._something = asyncio.Event()
        self._writing = asyncio.Lock()

    def put(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self._something.set()

    def close(self) -> None:
        self._thread.shutdown(wait=True)

    async def work(self) -> None:
        while True:
            await self._something.wait()
            batch = self._next()
            outcomes = await self.run([w.incoming for w in batch])
            if outcomes is None:  # something in the batch spoils it: each on its own
                for waiting in batch:
                    await self._alone(waiting)
                continue
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if outcome.error is None:
                    self._done(waiting, outcome)
                else:
                    await self._alone(waiting)

    def _next(self) -> list[_Waiting]:
        """What waits, in order, one event of a chat; the rest waits for the next batch."""
        batch: list[_Waiting] = []
        chats: set[int] = set()
        left: deque[_Waiting] = deque()
        while self._waiting and len(batch) < LARGEST_BATCH:
            waiting = self._waiting.popleft()
            chat_id = waiting.incoming.event.chat_id
            if chat_id in chats:
                left.append(waiting)
            else:
                chats.add(chat_id)
                batch.append(waiting)
        left.extend(self._waiting)
        self._waiting = left
        if not left:
            self._something.clear()
        return batch

    async def run(self, batch: Sequence[Incoming]) -> list[Outcome] | None:
        """Write a batch, and what was performed since the last one; None if the database refuses something in it.

        Waits for a database that is away, and for what is being written.
        """
        async with self._writing:
            items = self._runner.marks_of(self._number)
            marks = [mark for _, mark in items]
            if not batch and not marks:
                return []
            try:
                return await self._written(lambda: self._runner.write(batch, marks))
            except asyncio.CancelledError:  # stopped; a thread that was busy has not begun with it
                self._runner.unwritten(items)
                raise
            except Exception as error:
                if marks:  # they are good: only what came with them can be at fault
                    await self._written(lambda: self._runner.write([], marks))
                if batch:
                    log.warning("batch spoiled", size=len(batch), reason=reason(error))
                return None

    async def _alone(self, waiting: _Waiting) -> None:
        """Try an event again by itself; if it fails, set it aside."""
        incoming = waiting.incoming
        why = "unknown"
        try:
            [outcome] = await self._written(lambda: self._runner.write([incoming], ()))
            if outcome.error is None:
                self._done(waiting, outcome)
                return
            why = outcome.error
        except Exception as error:
            why = reason(error)
        log.error("event set aside", kind=type(incoming.event).__name__, chat=incoming.event.chat_id, reason=why)
        self._runner.set_aside += 1
        try:
            await self._written(lambda: self._runner.aside(incoming, why))
        except Exception as error:  # not even that: it is not acknowledged, and comes again
            log.error("setting aside failed", reason=reason(error))
            if not waiting.outcome.done():
                waiting.outcome.set_exception(error)
            return
        try:
            for outcome in await self._written(lambda: self._runner.write([self._runner.told(incoming.event)], ())):
                self._runner.deliver(outcome)
        except Exception as error:
            log.error("the person could not be told", reason=reason(error))
        if not waiting.outcome.done():
            waiting.outcome.set_result(Outcome(incoming=incoming, error=why))

    def _done(self, waiting: _Waiting, outcome: Outcome) -> None:
        self._runner.handled += 1
        self._runner.deliver(outcome)
        if not waiting.outcome.done():
            waiting.outcome.set_result(outcome)

    async def _written(self, write: Callable[[], list[Outcome]]) -> list[Outcome]:
        """Run on the writer thread, again and again while the database is away."""
        loop = asyncio.get_running_loop()
        for number in count():
            try:
                outcomes = await loop.run_in_executor(self._thread, write)
            except (OperationalError, InterfaceError) as error:
                log.warning("database away", reason=reason(error.orig or error))
                await asyncio.sleep(AWAY_SECONDS[min(number, len(AWAY_SECONDS) - 1)])
            else:
                self._runner.batches += 1
                return outcomes
        raise AssertionError
