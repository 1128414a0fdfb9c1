"""The record of a session: what a coach puts down of it. A draft from completion on; once submitted, read-only.

The coach reads, before they write, that the coachee can read it; what is for nobody else belongs in a note.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flows import bookings, life, session_cards
from flows.answers import has_words
from flows.cards import refusal
from flows.diary import Scheduled, SessionRecord
from flows.effects import Choice, Line, Say, Screen, Text, text_line
from flows.events import TextSent
from flows.ids import short_id
from flows.on_card import at_the_bottom
from flows.people import Subject
from flows.session_cards import button, resolves
from flows.session_news import of_record
from flows.session_press import (
    Handler,
    Press,
    WordsHandler,
    audited,
    done,
    meant,
    renewed,
    scene,
    shown,
    stands,
    why_not,
)
from flows.state import Booking, Chat, Decision
from flows.times import local, today

PARTS = ("on", "topic", "notes")
LONGEST_AGO = timedelta(days=366)
"""A session was not held longer before the day for which it was booked."""
LONGEST = {"topic": 200, "notes": 4000}
"""Characters."""


def writable(session: Scheduled) -> bool:
    """Whether its record can be written: it was held, and nothing is submitted yet."""
    return session.status == "completed" and session.record is not None and session.record.status == "draft"


def screen(chat: Chat, card: int, session: Scheduled, subject: Subject, now: datetime) -> Screen:
    """The record of a session that has one, with what its coach can do about it."""
    lines = [*_said(chat, session), *_about(session)]
    buttons: list[Choice] = []
    if writable(session):
        buttons += [button(card, "record", session, part, f"button.record.{part}") for part in PARTS]
        buttons += [button(card, "submit", session), _note(card, subject)]
    buttons.append(button(card, "card", session, label="button.session.back"))
    if (due := life.next_due(session, chat.book.programme, now)) is not None:
        buttons.append(resolves(card, due))
    return Screen(lines=tuple(lines), choices=tuple(buttons), per_row=2)


def _said(chat: Chat, session: Scheduled) -> list[Line]:
    record = session.record
    assert record is not None
    title = Text(key="record.title", args={"n": session.number, "name": session.coachee.name})
    words = of_record(record) or [text_line("record.empty")]
    return [Line(text=title, style="bold"), text_line("record.on", day=record.on), *words]


def _about(session: Scheduled) -> list[Line]:
    if writable(session):
        return [text_line("record.readable", name=session.coachee.name)]
    submitted = session.record is not None and session.record.status == "submitted"
    return [text_line("record.closed")] if submitted else []


def _note(card: int, subject: Subject) -> Choice:
    named = short_id(subject.person.user_id)
    return Choice(data=f"p:{card}:{named}:note", label=Text(key="button.record.note"))


def _record(chat: Chat, press: Press, now: datetime) -> Decision:
    """The record; with a part of it named, the words for that part are asked for."""
    session, part = press.about, press.argument
    if session.record is None:
        return stands(chat, press, now)
    if not part:
        return shown(chat, press, screen(chat, press.card, session, press.whose, now))
    if part not in PARTS:
        return refusal(chat, press.event, "press", "unknown", now, press.subject)
    if not writable(session):
        return _closed(chat, press, now)
    asked = Booking(card=press.card, session=session.session_id, part=part)
    chat = chat.evolve(conversation=chat.conversation.evolve(awaiting="record", booking=asked))
    lines = (
        text_line(f"record.ask.{part}", n=session.number, most=LONGEST.get(part, 0)),
        text_line("record.readable", name=session.coachee.name),
    )
    back = button(press.card, "record", session, label="button.not_now")
    return shown(chat, press, Screen(lines=lines, choices=(_note(press.card, press.whose), back), per_row=2))


def _closed(chat: Chat, press: Press, now: datetime) -> Decision:
    return shown(chat, press, screen(chat, press.card, press.about, press.whose, now), "toast.record.closed")


def _written(chat: Chat, event: TextSent, now: datetime) -> Decision:
    """The words for a part of the record."""
    subject, session, booking = chat.around.subject, chat.book.session, chat.conversation.booking
    year = local(now, chat.someone.timezone).year
    reason = "relation" if session is None else why_not(chat, "resolve_session", subject, year)
    quiet = chat.evolve(conversation=chat.conversation.evolve(awaiting=None))
    if reason or session is None or subject is None or booking is None:
        return refusal(quiet, event, "resolve_session", reason or "relation", now, subject)
    if not writable(session) or session.record is None:
        return at_the_bottom(quiet, session_cards.as_it_stands(chat, session, subject, now))
    record = _with(session.record, booking.part, event, chat, now)
    if isinstance(record, Line):
        back = button(0, "record", session, label="button.not_now")
        return Decision(chat=chat, effects=(Say(screen=Screen(lines=(record,), choices=(back,))),))
    act, kept = bookings.recorded(session, record, scene(chat, subject, event, now))
    quiet = renewed(quiet, kept)
    card = at_the_bottom(quiet, screen(quiet, 0, kept, subject, now))
    log = audited(chat, event, "resolve_session", "record", subject, now)
    return card.keeping(*act.changes, log).then(*act.effects)


def _with(record: SessionRecord, part: str, event: TextSent, chat: Chat, now: datetime) -> SessionRecord | Line:
    """The record with a part of it as it was written; or what is wrong with what was written."""
    if part == "on":
        day = event.reading.day
        if day is None or day < record.on - LONGEST_AGO:
            return text_line("record.day_unknown")
        if day > today(now, chat.someone.timezone):
            return text_line("record.day_future", day=day)
        return record.evolve(on=day)
    words = event.text.strip() if part == "notes" else " ".join(event.text.split())
    if not has_words(words) or len(words) > LONGEST[part]:
        return text_line("record.unfit", most=LONGEST[part], length=len(words))
    return record.evolve(topic=words) if part == "topic" else record.evolve(notes=words)


def _submit(chat: Chat, press: Press, now: datetime) -> Decision:
    """It is submitted, once it was asked whether that is meant: nobody can change it afterwards."""
    session = press.about
    if session.record is None:
        return stands(chat, press, now)
    if not writable(session):
        return _closed(chat, press, now)
    if not meant(press):
        ask = text_line("record.sure", name=session.coachee.name)
        yes = button(press.card, "submit", session, str(session.version), "button.record.yes")
        back = button(press.card, "record", session, label="button.not_now")
        asking = Screen(lines=(*_said(chat, session), ask), choices=(yes, back), per_row=2)
        return shown(chat, press, asking, "toast.session.changed" if press.argument else None)
    submitted = session.record.evolve(status="submitted")
    act, kept = bookings.recorded(session, submitted, scene(chat, press.whose, press.event, now))
    chat = renewed(chat, kept)
    return done(chat, press, act, screen(chat, press.card, kept, press.whose, now), now)


HANDLERS: dict[str, Handler] = {"record": _record, "submit": _submit}
SAID: dict[str, WordsHandler] = {"record": _written}
