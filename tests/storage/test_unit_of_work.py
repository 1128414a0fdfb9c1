"""The unit of work: what is claimed is decided once, a batch is kept whole or not at all, rows have one performer.

`count` is the smallest product there can be: it counts a chat's events in the chat's state and says the number. Where
a test needs more, it uses the real one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any, get_args
from uuid import UUID, uuid5

import pytest
from sqlalchemy import Connection, Engine, Table, event, func, select, text, update
from sqlalchemy.exc import StatementError

from bot.parse import said
from bot.reading import read
from bot.render import settled
from flows.changes import ActionAdded, ActionMoved, ActionReviewed, AnyChange, PersonMet, SessionBegun
from flows.decide import decide
from flows.effects import AnyEffect, CancelTimer, SetTimer
from flows.errors import NaiveTimeError
from flows.events import AnyEvent, ButtonPressed, Sender, TextSent, TimerFired
from flows.needs import needs
from flows.state import ActionItem, Chat, Person, Timer, person_changed
from storage import outbox, timers
from storage import tables as t
from storage.engine import connect, is_sqlite
from storage.outbox import Mark, Outgoing, Row
from storage.unit_of_work import Claim, Incoming, Outcome, Settle, Settled, handle

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FACTS = UUID("00000000-0000-5000-8000-000000000001")
MIRA, TOM, ADA = 101, 102, 103
SENDER = Sender(name="Mira", vouched=True, timezone="Europe/Berlin")


# ---- what the tests are written with


def wrote(number: int, words: str = "hello", chat_id: int = MIRA) -> Incoming:
    """Update `number`: somebody wrote."""
    happened = said(uuid5(FACTS, str(number)), chat_id, SENDER, words, message_id=number)
    return Incoming(event=happened, claim=Claim(kind="update", id=number))


def fired(due: timers.Due) -> Incoming:
    """A timer's time has come."""
    happened = TimerFired(
        id=uuid5(FACTS, due.id.hex), chat_id=due.chat_id, key=due.key, kind=due.kind, subject=due.subject
    )
    return Incoming(event=happened, claim=Claim(kind="timer", id=due.id))


def finished(row: Row) -> Incoming:
    """What a row of the outbox requested is there."""
    happened = TextSent(id=uuid5(FACTS, row.id.hex), chat_id=row.chat_id, sender=SENDER, text="the answer")
    return Incoming(event=happened, claim=Claim(kind="request", id=row.id))


def count(chat: Chat, happened: AnyEvent) -> Settled:
    """Counts the events of a chat, and says the number under its own key."""
    changes: tuple[AnyChange, ...] = ()
    if chat.person is None:
        chat, changes = met(chat, happened)
    asked = chat.conversation.asked + 1
    chat = chat.evolve(conversation=chat.conversation.evolve(asked=asked))
    said_number = Outgoing(chat_id=chat.chat_id, kind="say", payload={"text": str(asked)}, key=f"q{asked}")
    return Settled(chat=chat, changes=changes, outgoing=(said_number,))


def met(chat: Chat, happened: AnyEvent) -> tuple[Chat, tuple[AnyChange, ...]]:
    """The chat with a person in it, and that change."""
    person = Person(user_id=happened.derived("user"), name="Mira")
    change = PersonMet(
        user_id=person.user_id, telegram_id=chat.chat_id, name=person.name, language="en", timezone="UTC"
    )
    return chat.evolve(person=person), (change,)


def coach(chat: Chat, happened: AnyEvent) -> Settled:
    """The real product."""
    return settled(decide(chat, read(happened, chat, NOW), NOW))


def ordering(*effects: SetTimer | CancelTimer | Outgoing) -> Settle:
    """Like `count`, and gives these orders."""

    def settle(chat: Chat, happened: AnyEvent) -> Settled:
        done = count(chat, happened)
        outgoing = tuple(e for e in effects if isinstance(e, Outgoing))
        return done.evolve(
            outgoing=(*done.outgoing, *outgoing), timers=tuple(e for e in effects if not isinstance(e, Outgoing))
        )

    return settle


def failing(chat_id: int, settle: Settle = count) -> Settle:
    """Like `settle`, but one chat's events cannot be decided."""

    def settle_or_fail(chat: Chat, happened: AnyEvent) -> Settled:
        if chat.chat_id == chat_id:
            raise ValueError("what Mira said in confidence")
        return settle(chat, happened)

    return settle_or_fail


def batch(
    engine: Engine,
    *incoming: Incoming,
    settle: Settle = count,
    marks: Sequence[Mark] = (),
    now: datetime = NOW,
    owner: str = "first",
) -> list[Outcome]:
    """One batch through the unit of work."""
    return handle(engine, incoming, settle, needs, now=now, owner=owner, marks=marks)


def rows(engine: Engine, table: Table, *columns: str) -> list[Any]:
    """All of a table, or some columns of it, by primary key."""
    wanted = [table.c[name] for name in columns] or list(table.c)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*wanted).order_by(*table.primary_key))]


def everything(engine: Engine) -> dict[str, list[Any]]:
    """All rows of all tables."""
    return {table.name: rows(engine, table) for table in t.metadata.sorted_tables}


def asked(engine: Engine, chat_id: int = MIRA) -> int:
    """How many events `count` has counted in a chat."""
    query = select(t.conversations.c.state).where(t.conversations.c.chat_id == chat_id)
    with engine.connect() as connection:
        return int(connection.execute(query).scalar_one()["asked"])


def a_timer(key: str = "check_in", minutes: int = 0, **fields: Any) -> SetTimer:
    return SetTimer(
        **{"key": key, "kind": "check_in", "subject": FACTS, "due_at": NOW + timedelta(minutes=minutes), **fields}
    )


def a_request(chat_id: int = MIRA) -> Outgoing:
    return Outgoing(chat_id=chat_id, kind="request_summary", payload={"session_id": str(FACTS)})


# ---- claims


def test_an_update_that_comes_again_is_known_and_not_decided_again(engine: Engine) -> None:
    first, again = batch(engine, wrote(1)), batch(engine, wrote(1))
    assert [len(first[0].rows), first[0].known] == [1, False]
    assert [len(again[0].rows), again[0].known] == [0, True]
    assert asked(engine) == 1


def test_an_update_may_be_older_than_one_that_came_before_it(engine: Engine) -> None:
    batch(engine, wrote(9))
    [late] = batch(engine, wrote(8))
    assert not late.known
    assert asked(engine) == 2


def test_known_and_new_updates_share_a_batch_and_outcomes_keep_its_order(engine: Engine) -> None:
    batch(engine, wrote(1))
    outcomes = batch(engine, wrote(2, chat_id=TOM), wrote(1), wrote(3, chat_id=ADA))
    assert [(o.incoming.event.chat_id, o.known) for o in outcomes] == [(TOM, False), (MIRA, True), (ADA, False)]


def test_an_event_without_a_claim_is_always_decided(engine: Engine) -> None:
    for _ in range(2):
        batch(engine, wrote(1).evolve(claim=None))
    assert asked(engine) == 2
    assert rows(engine, t.updates) == []


def test_a_timer_fires_once(engine: Engine) -> None:
    batch(engine, wrote(1), settle=ordering(a_timer()))
    [due] = timers.due(engine, NOW)
    outcomes = [*batch(engine, fired(due)), *batch(engine, fired(due))]
    assert [o.known for o in outcomes] == [False, True]
    assert asked(engine) == 2
    assert timers.due(engine, NOW) == []


def test_a_timer_that_was_set_anew_after_it_was_read_does_not_fire_for_its_old_time(engine: Engine) -> None:
    batch(engine, wrote(1), settle=ordering(a_timer(minutes=0)))
    [read_before] = timers.due(engine, NOW)
    batch(engine, wrote(2), settle=ordering(a_timer(minutes=60)))
    [outcome] = batch(engine, fired(read_before))
    assert outcome.known
    assert timers.due(engine, NOW) == []
    assert [due.key for due in timers.due(engine, NOW + timedelta(minutes=60))] == ["check_in"]


def test_a_timer_that_was_cancelled_after_it_was_read_does_not_fire(engine: Engine) -> None:
    batch(engine, wrote(1), settle=ordering(a_timer()))
    [read_before] = timers.due(engine, NOW)
    batch(engine, wrote(2), settle=ordering(CancelTimer(key="check_in")))
    [outcome] = batch(engine, fired(read_before))
    assert outcome.known
    assert rows(engine, t.timers, "state") == [("cancelled",)]


@pytest.mark.parametrize(
    ("orders", "due_in_minutes"),
    [
        ((a_timer(minutes=1), CancelTimer(key="check_in")), []),
        ((CancelTimer(key="check_in"), a_timer(minutes=1)), [1]),
        ((a_timer(minutes=1), a_timer(minutes=2)), [2]),
    ],
    ids=["set, cancelled", "cancelled, set", "set twice"],
)
def test_of_several_orders_for_one_timer_the_last_counts(
    engine: Engine, orders: tuple[SetTimer | CancelTimer, ...], due_in_minutes: list[int]
) -> None:
    batch(engine, wrote(1), settle=ordering(*orders))
    waiting = [(NOW + timedelta(minutes=minutes), "pending") for minutes in due_in_minutes]
    assert rows(engine, t.timers, "due_at", "state") == waiting


def test_timers_come_due_the_earliest_first_and_none_before_its_time(engine: Engine) -> None:
    late, early, not_yet = a_timer("late", -1), a_timer("early", -2), a_timer("not yet", 1)
    batch(engine, wrote(1), settle=ordering(late, early, not_yet))
    assert [due.key for due in timers.due(engine, NOW)] == ["early", "late"]
    assert [due.key for due in timers.due(engine, NOW, limit=1)] == ["early"]


def test_timers_of_the_same_name_in_two_chats_are_two(engine: Engine) -> None:
    batch(engine, wrote(1), wrote(2, chat_id=TOM), settle=ordering(a_timer()))
    batch(engine, wrote(3), settle=ordering(CancelTimer(key="check_in")))
    assert [due.chat_id for due in timers.due(engine, NOW)] == [TOM]


def test_a_request_is_answered_once_and_its_row_is_done(engine: Engine) -> None:
    [outcome] = batch(engine, wrote(1), settle=ordering(a_request()))
    request = outcome.rows[-1]
    outcomes = [*batch(engine, finished(request)), *batch(engine, finished(request))]
    assert [o.known for o in outcomes] == [False, True]
    assert asked(engine) == 2
    assert (request.id, "done", None) in rows(engine, t.outbox, "id", "status", "owner")


# ---- one transaction


def breaking_in(where: str, engine: Engine) -> Settle:
    """A settle whose second chat cannot be saved, at various depths of saving."""

    def settle(chat: Chat, happened: AnyEvent) -> Settled:
        done = count(chat, happened)
        if chat.chat_id != TOM:
            return done
        if where == "people":
            twice = PersonMet(user_id=happened.derived("x"), telegram_id=TOM, name="", language="", timezone="")
            return done.evolve(changes=(*done.changes, twice))
        if where == "sessions":
            begun = SessionBegun(session_id=FACTS, user_id=done.chat.someone.user_id, session_type="séance", at=NOW)  # type: ignore[arg-type]
            return done.evolve(changes=(*done.changes, begun))
        if where == "outbox":
            return done.evolve(outgoing=(Outgoing(chat_id=TOM, kind="shout", payload={}),))  # type: ignore[arg-type]
        if where == "commit":
            event.listen(engine, "commit", _die, once=True)
        return done

    return settle


def _die(_: Connection) -> None:
    raise RuntimeError("killed before the commit")


@pytest.mark.parametrize("where", ["people", "sessions", "outbox", "commit"])
def test_a_batch_that_breaks_while_it_is_saved_leaves_nothing_behind(engine: Engine, where: str) -> None:
    [[outcome]] = [batch(engine, wrote(1), settle=ordering(a_timer()))]
    [due] = timers.due(engine, NOW)
    mark = Mark(id=outcome.rows[0].id, outcome="done", message_id=7)
    before = everything(engine)
    incoming = [fired(due), wrote(2, chat_id=TOM), wrote(3, chat_id=ADA)]
    with pytest.raises(Exception, match=r"ck_|CHECK|UNIQUE|uq_|shout|killed"):
        batch(engine, *incoming, settle=breaking_in(where, engine), marks=[mark])
    assert everything(engine) == before
    outcomes = batch(engine, *incoming, marks=[mark])
    assert [(o.known, o.error, len(o.rows)) for o in outcomes] == [(False, None, 1)] * 3


def test_an_event_that_cannot_be_decided_does_not_spoil_its_batch(engine: Engine) -> None:
    outcomes = batch(engine, wrote(1), wrote(2, chat_id=TOM), wrote(3, chat_id=ADA), settle=failing(TOM))
    assert [len(o.rows) for o in outcomes] == [1, 0, 1]
    assert [row[0] for row in rows(engine, t.conversations)] == [MIRA, ADA]


def test_why_an_event_failed_is_told_without_a_persons_words(engine: Engine) -> None:
    [outcome] = batch(engine, wrote(1), settle=failing(MIRA))
    assert outcome.error is not None
    assert outcome.error.startswith("ValueError at storage/test_unit_of_work.py:")
    assert "confidence" not in outcome.error


def test_a_claim_is_taken_back_where_the_decision_fails(engine: Engine) -> None:
    [outcome] = batch(engine, wrote(1), settle=ordering(a_timer(), a_request()))
    [due] = timers.due(engine, NOW)
    for incoming in (wrote(2), fired(due), finished(outcome.rows[-1])):
        [failed] = batch(engine, incoming, settle=failing(MIRA))
        assert failed.error is not None
        [again] = batch(engine, incoming)
        assert not again.known, incoming.claim
        assert again.error is None


def test_what_a_decision_raises_changes_nothing(engine: Engine) -> None:
    batch(engine, wrote(1), settle=ordering(a_timer()))
    before = everything(engine)
    batch(engine, wrote(2), settle=failing(MIRA))
    assert everything(engine) == before


# ---- what is loaded is what was saved


def test_the_next_event_finds_the_chat_as_the_last_one_left_it(engine: Engine) -> None:
    left: dict[int, Chat] = {}

    def settle(chat: Chat, happened: AnyEvent) -> Settled:
        if before := left.get(chat.chat_id):
            assert chat.person == before.person
            assert chat.conversation == before.conversation
            assert chat.answers == before.answers
        done = coach(chat, happened)
        left[chat.chat_id] = done.chat
        return done

    said_in_turn = (
        "/start",
        "/timezone Berlin",
        "/session",
        "3",
        "yes",
        "I took them",
        "7",
        "calm 🌊, שלום",
        "no",
        "/back",
    )
    for number, words in enumerate((*said_in_turn, "tired", "/pause", "/session", "/cancel"), 1):
        outcomes = batch(engine, wrote(2 * number, words), wrote(2 * number + 1, words, chat_id=TOM), settle=settle)
        assert [o.error for o in outcomes] == [None, None], words
    assert left[MIRA].answers[1].turns


def test_items_and_timers_are_loaded_for_the_events_that_need_them_only(engine: Engine) -> None:
    seen: list[tuple[Any, Any]] = []

    def settle(chat: Chat, happened: AnyEvent) -> Settled:
        done = count(chat, happened)
        seen.append((chat.actions, chat.timers))
        if len(seen) > 1:
            return done
        user_id = done.chat.someone.user_id
        begun = SessionBegun(session_id=FACTS, user_id=user_id, session_type="self_coaching", at=NOW)
        item = an_item(user_id, 1).evolve(title="Call 🐈")
        return done.evolve(changes=(*done.changes, begun, item), timers=(a_timer(wall="2026-11-23T10:00"),))

    item = ActionItem(
        action_id=UUID(int=1),
        session_id=FACTS,
        title="Call 🐈",
        description="Call the vet 1",
        status="pending",
        due=date(2026, 11, 27),
    )
    timer = Timer(key="check_in", kind="check_in", subject=FACTS, due_at=NOW, wall="2026-11-23T10:00")
    batch(engine, wrote(1), settle=settle)
    batch(engine, wrote(2, "/plan"), settle=settle)
    batch(engine, pressed(3, "a:1:7"), settle=settle)
    assert seen == [((), ()), ((item,), (timer,)), ((), ())]


def changing(*changes: AnyChange) -> Settle:
    """Like `count`, and keeps these changes."""

    def settle(chat: Chat, happened: AnyEvent) -> Settled:
        done = count(chat, happened)
        return done.evolve(changes=(*done.changes, *changes))

    return settle


def loaded(engine: Engine, number: int, words: str = "/plan", chat_id: int = MIRA) -> Chat:
    """A chat as update `number` finds it, with the plan where the words need one."""
    found: list[Chat] = []

    def settle(chat: Chat, happened: AnyEvent) -> Settled:
        found.append(chat)
        return count(chat, happened)

    batch(engine, wrote(number, words, chat_id=chat_id), settle=settle)
    return found[0]


def test_what_a_person_has_set_is_loaded_as_it_was_saved_and_nobody_elses_changes(engine: Engine) -> None:
    batch(engine, wrote(1), wrote(2, chat_id=TOM))
    met_as, other = loaded(engine, 3).someone, loaded(engine, 4, chat_id=TOM).someone
    assert (met_as.language, met_as.timezone, met_as.model_help) == ("en", "UTC", True)
    for number, (language, zone, helps) in enumerate(
        (("ar", "Asia/Dubai", False), ("hi", "Asia/Kolkata", False), ("es", "America/Bogota", True)), 1
    ):
        now_as = met_as.evolve(language=language, timezone=zone, model_help=helps)
        batch(engine, wrote(10 * number), settle=changing(person_changed(now_as)))
        assert loaded(engine, 10 * number + 1, "hello").someone == now_as
    assert loaded(engine, 99, chat_id=TOM).someone == other


def planned(engine: Engine, *numbers: int) -> tuple[ActionItem, ...]:
    """A person with a session and an item of each number; the items as they are loaded."""
    batch(engine, wrote(1))
    user_id = loaded(engine, 2).someone.user_id
    begun = SessionBegun(session_id=FACTS, user_id=user_id, session_type="self_coaching", at=NOW)
    batch(engine, wrote(3), settle=changing(begun, *(an_item(user_id, number) for number in numbers)))
    return by_id(loaded(engine, 4))


def an_item(user_id: UUID, number: int) -> ActionAdded:
    """Item `number` of a plan."""
    return ActionAdded(
        action_id=UUID(int=number),
        user_id=user_id,
        session_id=FACTS,
        title=f"Call {number}",
        description=f"Call the vet {number}",
        goal_statement="A well cat",
        smart_criteria={},
        priority=3,
        timeline_start=date(2026, 11, 23),
        timeline_end=date(2026, 11, 27),
        evidence={},
    )


def by_id(chat: Chat) -> tuple[ActionItem, ...]:
    return tuple(sorted(chat.actions, key=lambda item: item.action_id))


def review(number: int, **fields: Any) -> ActionReviewed:
    """What a review makes of item `number`; where nothing else is said, it is as it was."""
    as_it_was = {
        "status": "pending",
        "title": f"Call {number}",
        "description": f"Call the vet {number}",
        "due": date(2026, 11, 27),
        "dropped": False,
    }
    return ActionReviewed(action_id=UUID(int=number), at=NOW, **{**as_it_was, **fields})


@pytest.mark.parametrize(
    ("reviewed", "as_loaded"),
    [
        ({"status": "completed"}, {"status": "completed", "done_on": NOW.date()}),
        ({"status": "in_progress"}, {"status": "in_progress"}),
        ({"title": "Ring the vet 🐈"}, {"title": "Ring the vet 🐈"}),
        ({"due": date(2026, 12, 4)}, {"due": date(2026, 12, 4)}),
        ({"due": None}, {"due": None}),
        ({"dropped": True}, {"dropped": True}),
        (
            {"status": "in_progress", "title": "اتصل", "due": date(2028, 2, 29), "dropped": True},
            {"status": "in_progress", "title": "اتصل", "due": date(2028, 2, 29), "dropped": True},
        ),
    ],
    ids=["done", "partly", "reworded", "another day", "no day", "dropped", "all at once"],
)
def test_what_a_review_makes_of_an_item_is_loaded_as_it_was_saved_and_can_be_taken_back(
    engine: Engine, reviewed: dict[str, Any], as_loaded: dict[str, Any]
) -> None:
    one, two = planned(engine, 1, 2)
    batch(engine, wrote(5), settle=changing(review(1, **reviewed)))
    assert by_id(loaded(engine, 6)) == (one.evolve(**as_loaded), two)
    batch(engine, wrote(7), settle=changing(review(1)))
    assert by_id(loaded(engine, 8)) == (one, two)


def test_of_several_reviews_of_an_item_in_a_batch_the_last_counts(engine: Engine) -> None:
    one, two, three = planned(engine, 1, 2, 3)
    reviews = (review(1, dropped=True), review(2, status="completed"), review(1, title="Ring the vet"))
    batch(engine, wrote(5), settle=changing(*reviews))
    done = two.evolve(status="completed", done_on=NOW.date())
    assert by_id(loaded(engine, 6)) == (one.evolve(title="Ring the vet"), done, three)


def test_an_item_that_is_dropped_keeps_its_words_and_when_it_was_dropped(engine: Engine) -> None:
    planned(engine, 1)
    batch(engine, wrote(5), settle=changing(review(1, title="Ring the vet", dropped=True)))
    assert rows(engine, t.action_plans, "title", "description", "dropped_at", "updated_at") == [
        ("Ring the vet", "Call the vet 1", NOW, NOW)
    ]


def test_a_review_does_not_undo_what_was_done_with_an_item_meanwhile(engine: Engine) -> None:
    """A review taken back puts an item back only if it still stands as the review left it."""
    [one] = planned(engine, 1)
    batch(engine, wrote(5), settle=changing(review(1, status="in_progress", was="pending")))
    batch(engine, wrote(6), settle=changing(ActionMoved(action_id=UUID(int=1), status="completed", at=NOW)))
    batch(engine, wrote(7), settle=changing(review(1, was="in_progress")))
    assert by_id(loaded(engine, 8)) == (one.evolve(status="completed", done_on=NOW.date()),)


def test_an_item_that_is_confirmed_anew_is_open_again(engine: Engine) -> None:
    """Its words changed since, and the coachee took it on again: it is the same item, and not let go any more."""
    [item] = planned(engine, 1)
    user_id = loaded(engine, 5).someone.user_id
    batch(engine, wrote(6), settle=changing(review(1, dropped=True)))
    batch(engine, wrote(8), settle=changing(an_item(user_id, 1)))
    assert by_id(loaded(engine, 9)) == (item,)


def pressed(number: int, data: str, chat_id: int = MIRA) -> Incoming:
    """Update `number`: somebody pressed a button."""
    happened = ButtonPressed(id=uuid5(FACTS, str(number)), chat_id=chat_id, sender=SENDER, data=data)
    return Incoming(event=happened, claim=Claim(kind="update", id=number))


def test_a_batch_of_many_takes_as_many_statements_as_a_batch_of_one(engine: Engine) -> None:
    chats = range(1, 52)
    for number, words in enumerate(("/start", "/session"), 1):
        batch(engine, *(wrote(1000 * number + c, words, chat_id=c) for c in chats), settle=coach)
    with counted(engine) as of_one:
        batch(engine, wrote(3001, "7", chat_id=1), settle=coach)
    with counted(engine) as of_fifty:
        outcomes = batch(engine, *(wrote(3000 + c, "7", chat_id=c) for c in chats if c > 1), settle=coach)
    assert all(len(o.rows) >= 2 and o.error is None for o in outcomes)
    assert of_fifty == of_one
    assert of_one.total() < 12


@contextmanager
def counted(engine: Engine) -> Iterator[Counter[str]]:
    """Counts statements, by what they do; one that is executed with many rows is one."""
    found: Counter[str] = Counter()

    def seen(_: Any, __: Any, statement: str, *___: Any) -> None:
        found[" ".join(statement.split()[:3])] += 1

    event.listen(engine, "before_cursor_execute", seen)
    yield found
    event.remove(engine, "before_cursor_execute", seen)


# ---- one chat, several processes


def test_two_processes_that_handle_one_chat_lose_none_of_its_events(database: str, engine: Engine) -> None:
    batch(engine, wrote(1))
    other = connect(database)
    together = Barrier(2)

    def work(mine: Engine, numbers: range) -> None:
        together.wait(10)
        for number in numbers:
            batch(mine, wrote(number))

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work, engine, range(10, 30)), pool.submit(work, other, range(30, 50))]:
            done.result()
    other.dispose()
    assert asked(engine) == 41
    assert len(rows(engine, t.outbox)) == 41


def test_who_waited_for_a_chat_sees_all_that_the_other_process_changed(engine: Engine) -> None:
    """The person's row changes along with the conversation: the one who waited must not read it from before."""
    if is_sqlite(engine):
        pytest.skip("SQLite has one writer")
    batch(engine, wrote(1))
    seen: list[str] = []

    def settle(chat: Chat, happened: AnyEvent) -> Settled:
        seen.append(chat.someone.timezone)
        return count(chat, happened)

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as other:
            other.execute(select(t.conversations).where(t.conversations.c.chat_id == MIRA).with_for_update())
            waiting = pool.submit(batch, engine, wrote(2), settle=settle)
            until_it_waits(engine, waiting)
            other.execute(update(t.users).values(timezone="Asia/Tokyo"))
            other.execute(update(t.conversations).values(version=t.conversations.c.version + 1))
        waiting.result(10)
    assert seen == ["Asia/Tokyo"]


def until_it_waits(engine: Engine, waiting: Future[Any]) -> None:
    """Until somebody waits for a lock of this PostgreSQL database."""
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watch:
        while not watch.execute(waits).scalar():
            assert not waiting.done(), "it did not wait"


# ---- the outbox


def said_rows(engine: Engine, how_many: int = 3, owner: str = "first") -> list[Row]:
    """Rows in the outbox, in the order in which they were written."""
    first = len(rows(engine, t.updates)) + 1
    outcomes = [batch(engine, wrote(first + n), owner=owner)[0] for n in range(how_many)]
    return [row for outcome in outcomes for row in outcome.rows]


def status(engine: Engine, row: Row) -> dict[str, Any]:
    with engine.connect() as connection:
        found = connection.execute(select(t.outbox).where(t.outbox.c.id == row.id)).one()
        return dict(found._mapping)


def after_the_lease() -> datetime:
    return NOW + outbox.LEASE["say"] + timedelta(seconds=1)


def test_marks_say_what_became_of_rows(engine: Engine) -> None:
    done, failed, held = said_rows(engine)
    until = NOW + timedelta(seconds=30)
    marks = [
        Mark(id=done.id, outcome="done", message_id=2**40),
        Mark(id=failed.id, outcome="failed", reason="refused"),
        Mark(id=held.id, outcome="held", due_at=until),
    ]
    batch(engine, marks=marks)
    was = status(engine, done)
    assert (was["status"], was["message_id"], was["done_at"], was["owner"]) == ("done", 2**40, NOW, None)
    was = status(engine, failed)
    assert (was["status"], was["reason"], was["done_at"], was["owner"]) == ("failed", "refused", NOW, None)
    was = status(engine, held)
    assert (was["status"], was["attempts"], was["due_at"], was["owner"]) == ("pending", 1, until, "first")
    assert was["lease_until"] > until
    assert outbox.waiting(engine) == {"pending": 1, "failed": 1}


def test_what_is_done_stays_done(engine: Engine) -> None:
    [row] = said_rows(engine, 1)
    batch(engine, marks=[Mark(id=row.id, outcome="done", message_id=7)])
    done = status(engine, row)
    batch(engine, marks=[Mark(id=row.id, outcome="failed", reason="too late")])
    batch(engine, marks=[Mark(id=row.id, outcome="held", due_at=NOW)])
    assert status(engine, row) == done


def test_an_edit_finds_the_message_that_was_sent_under_its_key(engine: Engine) -> None:
    first, second = said_rows(engine, 2)
    assert outbox.sent_as(engine, MIRA, "q1") is None
    batch(engine, marks=[Mark(id=first.id, outcome="done", message_id=71)])
    batch(engine, marks=[Mark(id=second.id, outcome="done", message_id=72)])
    edit = Outgoing(chat_id=MIRA, kind="edit", payload={}, key="q1")
    batch(engine, wrote(9), settle=ordering(edit))
    assert [outbox.sent_as(engine, MIRA, key) for key in ("q1", "q2", "q9")] == [71, 72, None]
    assert outbox.sent_as(engine, TOM, "q1") is None


def test_rows_are_taken_in_the_order_in_which_they_were_written(engine: Engine) -> None:
    written = said_rows(engine, 20)
    outbox.release(engine, "first", NOW)
    assert [row.id for row in outbox.take(engine, "second", NOW, limit=12)] == [row.id for row in written[:12]]
    assert [row.id for row in outbox.take(engine, "second", NOW)] == [row.id for row in written[12:]]


def test_a_row_stays_with_who_wrote_it_until_the_lease_is_over(engine: Engine) -> None:
    [row] = said_rows(engine, 1)
    assert outbox.take(engine, "second", NOW) == []
    assert not outbox.anything_due(engine, NOW)
    assert outbox.anything_due(engine, after_the_lease())
    assert outbox.take(engine, "second", after_the_lease()) == [row.evolve(again=True)]
    assert outbox.take(engine, "third", after_the_lease()) == []
    assert status(engine, row)["owner"] == "second"


def test_a_row_that_is_held_stays_with_who_holds_it_and_is_taken_up_if_they_are_gone(engine: Engine) -> None:
    [row] = said_rows(engine, 1)
    until = NOW + timedelta(seconds=30)
    batch(engine, marks=[Mark(id=row.id, outcome="held", due_at=until)])
    for moment in (until, until + outbox.LEASE["say"]):
        assert outbox.take(engine, "second", moment) == []
    lapsed = until + outbox.LEASE["say"] + timedelta(seconds=1)
    assert outbox.take(engine, "second", lapsed) == [row.evolve(attempts=1, again=True)]


def test_a_row_that_was_held_is_due_at_once_for_the_next_process(engine: Engine) -> None:
    """Else it would be overtaken by the rows of its chat that came after it."""
    first, second = said_rows(engine, 2)
    batch(engine, marks=[Mark(id=first.id, outcome="held", due_at=NOW + timedelta(hours=1))])
    outbox.release(engine, "first", NOW)
    assert [row.id for row in outbox.take(engine, "first", NOW)] == [first.id, second.id]


def test_a_new_process_frees_the_rows_of_the_dead_one_whose_name_it_has_and_of_no_other(engine: Engine) -> None:
    [mine] = said_rows(engine, 1, owner="first")
    [others] = said_rows(engine, 1, owner="second")
    outbox.release(engine, "first", NOW)
    assert [row.id for row in outbox.take(engine, "first", NOW)] == [mine.id]
    assert status(engine, others)["owner"] == "second"


def test_of_two_who_take_at_once_each_gets_rows_the_other_does_not(database: str, engine: Engine) -> None:
    written = said_rows(engine, 40)
    outbox.release(engine, "first", NOW)
    other = connect(database)
    together = Barrier(2)

    def work(mine: Engine, owner: str) -> list[UUID]:
        together.wait(10)
        return [row.id for _ in range(6) for row in outbox.take(mine, owner, NOW, limit=5)]

    with ThreadPoolExecutor(2) as pool:
        takers = [pool.submit(work, engine, "a"), pool.submit(work, other, "b")]
        taken = [taker.result() for taker in takers]
    other.dispose()
    assert sorted(taken[0] + taken[1]) == sorted(row.id for row in written)
    for mine in taken:
        assert mine == sorted(mine)


def test_taking_does_not_wait_for_a_row_that_another_is_about_to_take(engine: Engine, database: str) -> None:
    if is_sqlite(engine):
        pytest.skip("SQLite has one writer")
    written = said_rows(engine, 3)
    outbox.release(engine, "first", NOW)
    impatient = connect(f"{database}?options=-clock_timeout%3D2000")
    with engine.begin() as other:
        other.execute(select(t.outbox.c.id).where(t.outbox.c.id == written[0].id).with_for_update())
        taken = outbox.take(impatient, "second", NOW)
    impatient.dispose()
    assert [row.id for row in taken] == [row.id for row in written[1:]]


@pytest.mark.parametrize("kind", get_args(outbox.Kind))
def test_every_kind_of_row_is_kept_and_is_taken_up_once_its_lease_is_over(engine: Engine, kind: outbox.Kind) -> None:
    """A request that the process forgot, too: each kind has a lease of its own."""
    order = Outgoing(chat_id=MIRA, kind=kind, payload={"words": "שלום"})
    [outcome] = batch(engine, wrote(1), settle=ordering(order))
    [counted_number, row] = outcome.rows
    batch(engine, marks=[Mark(id=counted_number.id, outcome="done", message_id=1)])
    assert (row.kind, row.payload) == (kind, {"words": "שלום"})
    over = NOW + outbox.LEASE[kind]
    assert outbox.take(engine, "second", over) == []
    assert outbox.take(engine, "second", over + timedelta(seconds=1)) == [row.evolve(again=True)]


def test_performed_rows_are_forgotten_after_their_time_and_others_never(engine: Engine) -> None:
    done, failed, pending = said_rows(engine)
    marks = [Mark(id=done.id, outcome="done", message_id=1), Mark(id=failed.id, outcome="failed", reason="x")]
    batch(engine, marks=marks)
    assert outbox.prune(engine, NOW + outbox.KEEP) == 0
    assert outbox.prune(engine, NOW + outbox.KEEP + timedelta(seconds=1)) == 1
    assert [row[0] for row in rows(engine, t.outbox)] == [failed.id, pending.id]


# ---- moments


def test_moments_come_back_as_they_were_in_utc(engine: Engine) -> None:
    here = datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC).astimezone()
    batch(engine, wrote(1), settle=ordering(a_timer(due_at=here)))
    [(due_at,)] = rows(engine, t.timers, "due_at")
    assert (due_at, due_at.tzinfo) == (here, UTC)


NAIVE: dict[str, Callable[[Engine, datetime], object]] = {
    "handle": lambda engine, naive: batch(engine, wrote(1), now=naive),
    "take": lambda engine, naive: outbox.take(engine, "x", naive),
    "due": lambda engine, naive: timers.due(engine, naive),
    "prune": lambda engine, naive: outbox.prune(engine, naive),
}


@pytest.mark.parametrize("what", NAIVE)
def test_a_moment_without_a_time_zone_is_refused(engine: Engine, what: str) -> None:
    before = everything(engine)
    with pytest.raises(StatementError, match="no time zone"):
        NAIVE[what](engine, NOW.replace(tzinfo=None))
    assert everything(engine) == before


def test_a_record_with_a_naive_moment_cannot_be_made() -> None:
    effects: list[Callable[[], AnyEffect | Mark]] = [
        lambda: a_timer(due_at=NOW.replace(tzinfo=None)),
        lambda: Mark(id=FACTS, outcome="held", due_at=NOW.replace(tzinfo=None)),
    ]
    for make in effects:
        with pytest.raises(NaiveTimeError):
            make()


def test_nothing_to_do_is_no_work(engine: Engine) -> None:
    assert batch(engine) == []
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(t.updates)).scalar() == 0
