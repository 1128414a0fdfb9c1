"""Dead letters: what could not be handled is kept with its reason, shown without words, and can be tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from sqlalchemy import Engine, select

from flows.changes import AnyChange, PersonMet
from flows.effects import SetTimer
from flows.events import AnyEvent, Sender, TextSent, TimerFired
from flows.needs import NOTHING
from flows.state import Chat, Person
from storage import letters, outbox, timers
from storage import tables as t
from storage.letters import Letter
from storage.outbox import Mark, Outgoing
from storage.unit_of_work import Claim, Incoming, Outcome, Settled, handle

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FACTS = UUID("00000000-0000-5000-8000-000000000002")
MIRA, TOM = 101, 102
SECRET = "brother hits 🤐 שלום"


# ---- what the tests are written with


class Product:
    """Says what it heard; while `broken`, it cannot decide anything."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.broken = False
        self.heard: list[AnyEvent] = []

    def settle(self, chat: Chat, event: AnyEvent) -> Settled:
        if self.broken:
            raise ValueError(SECRET)
        self.heard.append(event)
        changes: tuple[AnyChange, ...] = ()
        if chat.person is None:
            person = Person(user_id=event.derived("user"), name="Mira")
            met = PersonMet(
                user_id=person.user_id, telegram_id=chat.chat_id, name="Mira", language="en", timezone="UTC"
            )
            chat, changes = chat.evolve(person=person), (met,)
        asked = chat.conversation.asked + 1
        chat = chat.evolve(conversation=chat.conversation.evolve(asked=asked))
        say = Outgoing(chat_id=chat.chat_id, kind="say", payload={"text": SECRET})
        ask = Outgoing(chat_id=chat.chat_id, kind="request_summary", payload={"session_id": str(FACTS)})
        timer = SetTimer(key="check_in", kind="check_in", subject=FACTS, due_at=NOW)
        return Settled(chat=chat, changes=changes, outgoing=(say, ask), timers=(timer,))

    def handle(self, *incoming: Incoming, marks: Sequence[Mark] = ()) -> list[Outcome]:
        return handle(self.engine, incoming, self.settle, lambda *_: NOTHING, now=NOW, owner="me", marks=marks)

    def handle_or_set_aside(self, incoming: Incoming, now: datetime = NOW) -> Outcome:
        """As the runner does: twice, the second time alone; then it is set aside."""
        [outcome] = self.handle(incoming)
        if outcome.error is None:
            return outcome
        [outcome] = self.handle(incoming)
        if outcome.error is not None:
            with self.engine.begin() as connection:
                letters.set_aside(connection, incoming, outcome.error, now)
        return outcome

    def letters(self) -> list[Letter]:
        return letters.letters(self.engine)

    def column(self, column: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(select(column).order_by(*column.table.primary_key)).scalars())


NOBODY = UUID(int=1).hex
"""An id that nothing has."""


@pytest.fixture
def product(engine: Engine) -> Product:
    return Product(engine)


def wrote(number: int, chat_id: int = MIRA) -> Incoming:
    """Update `number`: somebody wrote."""
    sender = Sender(name="Mira", vouched=True)
    event = TextSent(id=uuid5(FACTS, str(number)), chat_id=chat_id, sender=sender, text=SECRET, message_id=2**40)
    return Incoming(event=event, claim=Claim(kind="update", id=number))


def fired(product: Product) -> Incoming:
    """The timer that is due."""
    [due] = timers.due(product.engine, NOW)
    event = TimerFired(id=uuid5(due.id, "x"), chat_id=due.chat_id, key=due.key, kind=due.kind, subject=due.subject)
    return Incoming(event=event, claim=Claim(kind="timer", id=due.id))


def finished(row: outbox.Row) -> Incoming:
    """What a row of the outbox requested is there."""
    sender = Sender(name="Mira", vouched=True)
    event = TextSent(id=uuid5(row.id, "x"), chat_id=row.chat_id, sender=sender, text=SECRET)
    return Incoming(event=event, claim=Claim(kind="request", id=row.id))


def all_kinds(product: Product) -> dict[str, Letter]:
    """One letter of each kind, by its kind; the message's is of a message that was refused."""
    [outcome] = product.handle(wrote(1))
    product.broken = True
    product.handle_or_set_aside(wrote(2))
    product.handle_or_set_aside(fired(product))
    product.broken = False
    product.handle(marks=[Mark(id=outcome.rows[0].id, outcome="failed", reason="message is too long")])
    return {letter.kind: letter for letter in product.letters()}


# ---- listed


def test_nothing_is_set_aside_at_first(product: Product) -> None:
    product.handle(wrote(1))
    assert product.letters() == []


def test_an_update_a_timer_and_a_message_are_letters_with_chat_time_and_reason(product: Product) -> None:
    found = all_kinds(product)
    assert set(found) == {"update", "timer", "message"}
    assert {letter.chat_id for letter in found.values()} == {MIRA}
    assert {letter.since for letter in found.values()} == {NOW}
    assert found["message"].reason == "message is too long"
    for kind in ("update", "timer"):
        assert found[kind].reason.startswith("ValueError at storage/test_letters.py:")


def test_a_letter_shows_no_word_of_a_person(product: Product) -> None:
    for letter in all_kinds(product).values():
        assert not any(word in repr(letter) for word in SECRET.split())


def test_letters_are_listed_the_oldest_first(product: Product) -> None:
    product.broken = True
    for number, hours in ((5, 3), (6, 1), (7, 2)):
        product.handle_or_set_aside(wrote(number), NOW + timedelta(hours=hours))
    assert [letter.id for letter in product.letters()] == ["u6", "u7", "u5"]


def test_a_request_that_cannot_be_finished_is_a_letter(product: Product) -> None:
    [outcome] = product.handle(wrote(1))
    product.broken = True
    product.handle_or_set_aside(finished(outcome.rows[1]))
    assert [(letter.kind, letter.chat_id) for letter in product.letters()] == [("message", MIRA)]


def test_an_update_that_was_set_aside_is_not_decided_when_it_comes_again(product: Product) -> None:
    product.broken = True
    product.handle_or_set_aside(wrote(2))
    product.broken = False
    [outcome] = product.handle(wrote(2))
    assert outcome.known
    assert len(product.letters()) == 1


def test_a_timer_that_was_set_aside_does_not_come_due_again(product: Product) -> None:
    all_kinds(product)
    assert timers.due(product.engine, NOW) == []


def test_what_claims_nothing_leaves_no_letter(product: Product) -> None:
    product.broken = True
    product.handle_or_set_aside(wrote(2).evolve(claim=None))
    assert product.letters() == []


# ---- tried again


def test_an_update_that_is_tried_again_is_handled_as_it_was_told(product: Product) -> None:
    letter = all_kinds(product)["update"]
    product.heard.clear()
    assert letters.retry(product.engine, letter.id, NOW)
    [incoming] = letters.to_retry(product.engine)
    assert incoming.event == wrote(2).event
    [outcome] = product.handle(incoming)
    assert (outcome.known, len(outcome.rows)) == (False, 2)
    assert product.heard == [wrote(2).event]
    assert "update" not in {left.kind for left in product.letters()}


def test_an_update_that_is_tried_again_is_handled_once(product: Product) -> None:
    letter = all_kinds(product)["update"]
    letters.retry(product.engine, letter.id, NOW)
    [incoming] = letters.to_retry(product.engine)
    product.handle(incoming)
    assert letters.to_retry(product.engine) == []
    [again] = product.handle(incoming)
    assert again.known
    [redelivered] = product.handle(wrote(2))
    assert redelivered.known


def test_the_words_of_a_letter_that_was_handled_are_not_kept_in_it(product: Product) -> None:
    letter = all_kinds(product)["update"]
    letters.retry(product.engine, letter.id, NOW)
    product.handle(*letters.to_retry(product.engine))
    assert product.column(t.updates.c.event) == [None, None]


def test_an_update_that_fails_again_is_a_letter_again_with_all_it_held(product: Product) -> None:
    letter = all_kinds(product)["update"]
    for _ in range(3):
        letters.retry(product.engine, letter.id, NOW)
        [incoming] = letters.to_retry(product.engine)
        product.broken = True
        assert product.handle_or_set_aside(incoming).error is not None
        product.broken = False
        assert letter.id in [left.id for left in product.letters()]
    letters.retry(product.engine, letter.id, NOW)
    product.heard.clear()
    product.handle(*letters.to_retry(product.engine))
    assert product.heard == [wrote(2).event]


def test_a_timer_that_is_tried_again_comes_due_and_fires(product: Product) -> None:
    letter = all_kinds(product)["timer"]
    assert letters.retry(product.engine, letter.id, NOW)
    product.heard.clear()
    [outcome] = product.handle(fired(product))
    assert not outcome.known
    assert [type(event) for event in product.heard] == [TimerFired]
    assert "timer" not in {left.kind for left in product.letters()}


def test_a_message_that_is_tried_again_is_taken_and_performed(product: Product) -> None:
    letter = all_kinds(product)["message"]
    later = NOW + timedelta(hours=1)
    assert outbox.take(product.engine, "me", later, limit=1)[0].kind == "request_summary"
    assert letters.retry(product.engine, letter.id, later)
    [row] = outbox.take(product.engine, "me", later)
    assert (row.kind, row.payload, row.attempts) == ("say", {"text": SECRET}, 0)
    product.handle(marks=[Mark(id=row.id, outcome="done", message_id=7)])
    assert outbox.sent_as(product.engine, MIRA, "nothing") is None
    assert "message" not in {left.kind for left in product.letters()}


def test_a_request_that_is_tried_again_is_asked_anew_and_finished(product: Product) -> None:
    [outcome] = product.handle(wrote(1))
    product.broken = True
    product.handle_or_set_aside(finished(outcome.rows[1]))
    product.broken = False
    [letter] = product.letters()
    assert letters.retry(product.engine, letter.id, NOW)
    [row] = outbox.take(product.engine, "me", NOW)
    [done] = product.handle(finished(row))
    assert (done.known, done.error) == (False, None)


def test_a_letter_can_be_asked_for_again_only_while_it_is_one(product: Product) -> None:
    for letter in all_kinds(product).values():
        assert letters.retry(product.engine, letter.id, NOW)
        assert not letters.retry(product.engine, letter.id, NOW), letter.kind


@pytest.mark.parametrize(
    "letter_id",
    [
        "",
        "u",
        "u999",
        "u-1",
        "ux",
        "u" + "9" * 30,
        "t",
        f"t{UUID(int=1).hex}",
        "tx",
        "m",
        f"m{UUID(int=2).hex}",
        "x7",
        "7",
    ],
)
def test_an_unknown_letter_is_none_and_nothing_changes(product: Product, letter_id: str) -> None:
    before = all_kinds(product)
    assert letters.retry(product.engine, letter_id, NOW) is False
    assert {letter.kind: letter for letter in product.letters()} == before


# ---- forgotten


def test_claims_are_forgotten_after_their_time_and_letters_never(product: Product) -> None:
    all_kinds(product)
    assert letters.prune(product.engine, NOW + letters.REMEMBER) == 0
    assert letters.prune(product.engine, NOW + letters.REMEMBER + timedelta(seconds=1)) == 1
    assert len(product.letters()) == 3
    assert product.column(t.updates.c.state) == ["failed"]
