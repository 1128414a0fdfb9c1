"""A hundred presses of all four buttons by two parents, and the deadline, at one moment: one decision, on either
database.

Each round they come at once, through real transactions of several writers: approve, keep, call me, another time; a
parent who has chosen a time already and says yes to it; the timer. WAYMARK_TESTS=deep races 1,000 rounds.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from random import Random
from threading import Barrier, Event, Lock
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, insert, select, text, update

from bot.render import settled
from flows.changes import ConsentPut, HoursSet, ProgrammeMade, SessionPut
from flows.decide import decide
from flows.diary import Consent, Hours, Programme, Resource, Scheduled
from flows.events import AnyEvent, ButtonPressed, Sender, TimerFired
from flows.ids import short_id
from flows.needs import Needs, needs
from flows.people import Other
from flows.state import Booking, Chat
from storage import tables as t
from storage.diaries import resources_of
from storage.engine import connect, is_sqlite
from storage.unit_of_work import Claim, Incoming, Settled, handle
from tests.storage.people import ANA, MIRA, NOW, OLGA, PIA, TOM, come, family, granted, keep, tie, user

PARENTS = (PIA, TOM)
EACH = 12
"""Presses of each button by each parent; with a yes to another time each, and the deadline, more than a hundred."""
EVERY_DAY = Hours(weekly=tuple((day, ("09:00", "17:00")) for day in range(7)))
OUTCOMES = ("Approved by", "Kept by", "No answer by", "Moved to another time by")
DECISIONS = ("session_cancelled", "session_rescheduled", "cancel_kept")


@pytest.fixture
def start(engine: Engine) -> Engine:
    """Ana coaches Mira, who is fifteen; Pia and Tom are her parents."""
    come(engine, ANA, MIRA, *PARENTS, OLGA)
    keep(engine, granted(ANA, "coach"), granted(MIRA, "coachee"), granted(OLGA, "operator"), tie(ANA, MIRA))
    keep(engine, *(granted(one, "parent") for one in PARENTS), *(family(one, MIRA) for one in PARENTS))
    keep(engine, HoursSet(coach_id=user(ANA), hours=EVERY_DAY, at=NOW))
    with engine.begin() as connection:
        connection.execute(update(t.users).where(t.users.c.id == user(MIRA)).values(birth_year=2011))
    return engine


class Round:
    """One session that is to be cancelled, and what each press saw of it."""

    def __init__(self, number: int) -> None:
        self.now = NOW + timedelta(days=number)
        self.session, self.consent, self.programme = uuid4(), uuid4(), uuid4()
        self.starts_at = self.now + timedelta(days=3, hours=1)
        self.instead = self.now + timedelta(days=4, hours=1)
        self.lock = Lock()
        self.timers = [uuid4(), uuid4()]
        self.won: list[str] = []
        self.lost: list[tuple[str, bool]] = []
        acts = [(parent, act) for parent in PARENTS for act in ("approve", "keep", "call", "another") * EACH]
        acts += [*((parent, "book") for parent in PARENTS), (MIRA, "deadline"), (MIRA, "deadline")]
        Random(number).shuffle(acts)
        self.acts = acts

    def begin(self, engine: Engine, resource: Resource) -> None:
        """Ana has asked, two days ago; this is the moment until which there was time."""
        ana, mira = (Other(user_id=user(one), chat_id=one, name="Somebody") for one in (ANA, MIRA))
        asked = Consent(
            consent_id=self.consent,
            session_id=self.session,
            coachee_id=user(MIRA),
            asked_by=ana,
            asked_as="coach",
            reason="ill",
            asked_at=self.now - timedelta(days=2),
            expires_at=self.now,
        )
        session = Scheduled(
            session_id=self.session,
            programme_id=self.programme,
            number=1,
            coachee=mira,
            coach=ana,
            resource=resource,
            starts_at=self.starts_at,
            ends_at=self.starts_at + timedelta(minutes=45),
            cancellation_status="pending",
            requested_at=asked.asked_at,
            reason="ill",
            expires_at=self.now,
            uid=f"{self.session}@waymark",
        )
        programme = Programme(
            programme_id=self.programme, coachee_id=user(MIRA), coach_id=user(ANA), timezone="UTC", minutes=45
        )
        keep(
            engine,
            ProgrammeMade(programme=programme, at=asked.asked_at),
            SessionPut(session=session, was=None, at=asked.asked_at),
            ConsentPut(consent=asked, was=None, at=asked.asked_at),
        )

        deadlines = [
            {
                "id": timer,
                "chat_id": MIRA,
                "key": f"consent:{short_id(self.consent)}:over" + ":again" * number,
                "kind": "consent_over",
                "subject": self.consent,
                "due_at": self.now,
                "attempt": 0,
                "state": "pending",
                "created_at": asked.asked_at,
            }
            for number, timer in enumerate(self.timers)
        ]
        with engine.begin() as connection:
            connection.execute(insert(t.timers), deadlines)

    def event(self, chat_id: int, act: str) -> AnyEvent:
        if act == "deadline":
            key = f"consent:{short_id(self.consent)}:over"
            return TimerFired(id=uuid4(), chat_id=MIRA, key=key, kind="consent_over", subject=self.consent)
        named = "" if act == "book" else short_id(self.consent)
        data = f"b:{1 if act == 'book' else 0}:{named}:{act}"
        return ButtonPressed(id=uuid4(), chat_id=chat_id, sender=Sender(name="Somebody"), data=data, press_id="press")

    def chat(self, chat: Chat) -> Chat:
        """A parent who has chosen another time on a card, and was asked about it."""
        if chat.chat_id not in PARENTS:
            return chat
        booking = Booking(
            card=1,
            coachee=user(MIRA),
            session=self.session,
            consent=self.consent,
            minutes=45,
            chosen=self.instead + timedelta(hours=PARENTS.index(chat.chat_id)),
        )
        return chat.evolve(conversation=chat.conversation.evolve(cards=1, booking=booking, awaiting=None))

    def press(self, engine: Engine, chat_id: int, act: str) -> None:
        """One of them, in a transaction of its own."""
        found: list[Settled] = []
        late = False

        def settle(chat: Chat, event: AnyEvent) -> Settled:
            nonlocal late
            late = chat.book.consent is not None and not chat.book.consent.open
            found[:] = [settled(decide(self.chat(chat), event, self.now))]
            return found[0]

        def wanted(chat: Chat, event: AnyEvent) -> Needs:
            return needs(self.chat(chat), event)

        claim = None
        if act == "deadline":  # as the worker claims it
            with self.lock:
                claim = Claim(kind="timer", id=self.timers.pop(0))
        incoming = Incoming(event=self.event(chat_id, act), claim=claim)
        [outcome] = handle(engine, [incoming], settle, wanted, now=self.now, owner="me")
        assert outcome.error is None, outcome.error
        if not found:  # the decision took the timer back before it could be claimed
            assert outcome.known
            return
        decided = any(isinstance(c, ConsentPut) and not c.consent.open for c in found[0].changes)
        shown = str([out.payload for out in found[0].outgoing if out.chat_id == chat_id])
        with self.lock:
            if decided:
                self.won.append(act)
            else:
                self.lost.append((act, any(words in shown for words in OUTCOMES)))
                assert not late or act == "deadline" or self.lost[-1][1], f"{act} came too late and does not show it"

    def check(self, engine: Engine) -> None:
        """One decision, one event of it, and whoever came too late saw what it was."""
        assert len(self.won) == 1, self.won
        late = [seen for act, seen in self.lost if act in ("approve", "keep", "book")]
        assert len(late) == 4 * EACH + 2 - (self.won[0] != "deadline")
        assert all(late), "a press that came too late does not show the outcome"
        e, c, s = t.learning_events.c, t.consents.c, t.scheduled_sessions.c
        with engine.connect() as connection:
            events = connection.execute(
                select(e.event_type, e.event_data)
                .join(t.scheduled_sessions, s.id == e.session_id)
                .where(s.programme_id == self.programme)
            ).all()
            [status] = connection.execute(select(c.status).where(c.id == self.consent)).scalars()
            rows = connection.execute(select(s.status).where(s.programme_id == self.programme)).scalars().all()
        decided = [kind for kind, data in events if kind in DECISIONS or data.get("act") in DECISIONS]
        assert len(decided) == 1, decided
        became: dict[str, Any] = {
            "approve": ("approved", ["cancelled"]),
            "deadline": ("approved", ["cancelled"]),
            "keep": ("kept", ["scheduled"]),
            "book": ("moved", ["rescheduled", "scheduled"]),
        }
        assert (status, sorted(rows)) == became[self.won[0]]


def first_of_each() -> list[int]:
    """Four rounds: in each another act, of those that decide, comes first."""
    acts = ("approve", "keep", "book", "deadline")
    return sorted(next(n for n in count() if Round(n).acts[0][1] == act) for act in acts)


def test_of_a_hundred_presses_and_the_deadline_one_decides(database: str, start: Engine, deep: bool) -> None:
    rounds = [Round(number) for number in (range(1000) if deep else first_of_each())]
    writers = 2 if is_sqlite(start) else 4
    engines = [start, *(connect(database) for _ in range(writers - 1))]
    together = Barrier(writers)
    with start.connect() as connection:
        resource = next(iter(resources_of(connection).values()))

    def work(number: int, engine: Engine) -> None:
        try:
            for race in rounds:
                if number == 0:
                    race.begin(engine, resource)
                together.wait(120)
                for chat_id, act in race.acts[number::writers]:
                    race.press(engine, chat_id, act)
                together.wait(120)
                if number == 0:
                    race.check(engine)
                    _finish(engine, race.programme)
        except BaseException:
            together.abort()
            raise

    with ThreadPoolExecutor(writers) as pool:
        for done in [pool.submit(work, number, engine) for number, engine in enumerate(engines)]:
            done.result()
    for other in engines[1:]:
        other.dispose()
    won = [act for race in rounds for act in race.won]
    assert len(won) == len(rounds)
    assert not deep or len(set(won)) == 4, "each of them wins sometimes, or it is no race"


def test_a_decision_and_the_timer_that_it_takes_back_are_not_in_each_others_way(database: str, start: Engine) -> None:
    """The timer waits for the lock before it is claimed: else each would wait for the other."""
    race, other = Round(0), connect(database)
    with start.connect() as connection:
        resource = next(iter(resources_of(connection).values()))
    race.begin(start, resource)
    deciding, waits = Event(), Event()
    decided = race.chat

    def hold(chat: Chat) -> Chat:
        if chat.chat_id == PIA and not deciding.is_set():
            deciding.set()
            assert waits.wait(20)
        return decided(chat)

    race.chat = hold  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        press = pool.submit(race.press, start, PIA, "approve")
        assert deciding.wait(20)
        timer = pool.submit(race.press, other, MIRA, "deadline")
        if not is_sqlite(start):  # until it waits for a lock of the other one's
            here = "wait_event_type = 'Lock' AND datname = current_database()"
            asked = text(f"SELECT count(*) FROM pg_stat_activity WHERE {here}")
            with start.connect() as connection:
                while not connection.execute(asked).scalar():
                    connection.rollback()
        waits.set()
        press.result()
        timer.result()
    other.dispose()
    assert race.won == ["approve"]


def _finish(engine: Engine, programme: UUID) -> None:
    """What is left booked takes nobody's time in the next round."""
    s = t.scheduled_sessions.c
    with engine.begin() as connection:
        connection.execute(
            update(t.scheduled_sessions)
            .where(s.programme_id == programme, s.status == "scheduled")
            .values(status="cancelled")
        )
