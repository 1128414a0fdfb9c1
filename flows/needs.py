"""What deciding an event takes besides the chat itself, and which decisions are made one after the other.

Words in an open session, which are most of what happens, take nothing more.
"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from flows.events import (
    AnyEvent,
    ButtonPressed,
    CalendarFailed,
    CalendarWritten,
    ChatBlocked,
    CommandSent,
    FromModel,
    InviteOpened,
    LinkMinted,
    MediaSent,
    Spoken,
    SummaryFailed,
    SummaryReady,
    TextEdited,
    TextSent,
    TimerFired,
)
from flows.ids import long_id
from flows.people import KINDS, Role
from flows.putting import running
from flows.records import Record
from flows.series import window
from flows.session_acts import ACTS, EPOCH, LOOKED_AHEAD, Read, day_of, moment_of, read
from flows.state import Chat

LOOKS = (*KINDS, "notes")
"""What a button about another person may show of them."""
RELATING = (
    *("assign", "assist", "end", "resume", "off", "on", "revoke", "unlink", "agree", "withdraw", "leave", "void"),
)
"""The acts of buttons that change who people are to each other."""
LOSING = ("assign", "end", "off", "revoke")
"""Those of them after which booked sessions may have no coach."""

SESSION_TIMERS = ("session_begin", "session_soon", "session_due", "session_lead", "session_question")
"""The kinds of timers that are about booked sessions."""
CONSENT_TIMERS = ("consent_over", "consent_call", "consent_soon")
"""Those about a consent."""
SERIAL_TIMERS = ("erase", "session_begin", "session_lead", "session_question", "consent_over", "consent_call")
"""The kinds of timers that change what others rest on. A reminder of a session does not: many come at one time."""
SESSION_WORDS = (
    *("cancel_reason", "record", "weekly", "except", "plan_time", "plan_day", "plan_count", "resource", "ask"),
    *("coach_answer", "pick_time", "consent_words", "phone"),
)
"""What words are asked for by cards about sessions (`Conversation.awaiting`)."""
ELSEWHERE = ("people", "human", "coachees", "family")
"""Commands that are about other people, and take nothing of a conversation that a coach leads."""
SERIAL_WORDS = ("cancel_reason", "record", "resource", "consent_words", "phone")
"""Those of them that change what others rest on."""
NEAR = 5
"""Days before a moment that are looked through for what is near it."""


class Needs(Record):
    """What is loaded for a decision.

    `own`: the person's items, timers and newest summary, and the people around them. `subject` and `second` are
    people named by their ids; `looks`: what is kept of the subject is to be shown. `token_hash` and `invite_id` are
    of a link. `search` is what the operator looks for ("" for everybody), among people of a `role` if it is named;
    `page` counts from 0. `session` is a booked session, with its programme, its coachee being the subject; `history`
    is what happened to it; `agenda`: the sessions that concern the person, or a subject. `days`: what is taken, and
    who can be booked, from a day to another. `stock`: the sessions that are to come on a `resource`, or on any.
    `beside`: what is taken while the session is; `losing`: the sessions to come of a subject, in whatever part.
    `feed`: whether the person's calendar has an address. `consent` is asked for a session, which comes with it;
    `consents`: all those of a subject.
    """

    own: bool = False
    subject: UUID | None = None
    second: UUID | None = None
    looks: bool = False
    token_hash: str | None = None
    invite_id: UUID | None = None
    search: str | None = None
    role: Role | None = None
    page: int = 0
    operators: bool = False
    session: UUID | None = None
    agenda: bool = False
    history: bool = False
    days: tuple[date, date] | None = None
    stock: bool = False
    resource: UUID | None = None
    beside: bool = False
    losing: bool = False
    feed: bool = False
    consent: UUID | None = None
    consents: bool = False

    @property
    def booked(self) -> bool:
        """Whether it takes booked sessions."""
        named = self.session is not None or self.consent is not None
        return named or self.agenda or self.days is not None or self.stock or self.losing or self.consents


NOTHING = Needs()
OWN = Needs(own=True)


def needs(chat: Chat, event: AnyEvent) -> Needs:
    """What deciding the event takes."""
    joining, found = chat.conversation.joining, _needs(chat, event)
    about_people = isinstance(event, ButtonPressed) and event.data.startswith("p:")
    if joining is None or joining.invite is None or not isinstance(event, Spoken) or about_people:
        return found
    return found.evolve(own=True, invite_id=joining.invite)  # that of a token goes before it


def _needs(chat: Chat, event: AnyEvent) -> Needs:
    match event:
        case InviteOpened(token_hash=token_hash):
            return Needs(own=True, token_hash=token_hash)
        case LinkMinted(invite_id=invite_id):
            return Needs(invite_id=invite_id)
        case CalendarWritten(session_id=session) | CalendarFailed(session_id=session):
            return Needs(session=session)
        case TimerFired(kind="calendar", subject=session):
            return Needs(session=session)
        case ButtonPressed(data=data) if data.startswith("p:"):
            return _of_people(data)
        case ButtonPressed(data=data) if data.startswith("b:"):
            return _of_sessions(chat, data)
        case ButtonPressed(data=data) if data.startswith("m:") or data == "s:session":
            return Needs(own=True, agenda=True, session=_led(chat, event), history=True)
        case CommandSent(name="agenda" | "book" | "start" | "menu" | "session" | "family"):
            return Needs(own=True, agenda=True, session=_led(chat, event), history=True)
        case TimerFired(kind="erase"):
            return Needs(own=True, operators=True, losing=True)
        case TimerFired(kind=kind, subject=session) if kind in SESSION_TIMERS:
            return Needs(own=True, session=session, history=True, operators=kind == "session_lead")
        case TimerFired(kind=kind, subject=consent) if kind in CONSENT_TIMERS:
            return Needs(own=True, consent=consent, operators=True)
        case MediaSent(kind="contact") if chat.conversation.awaiting == "phone":
            return _of_words(chat)
        case TextSent() if chat.conversation.awaiting in SESSION_WORDS:
            return _of_words(chat)
        case Spoken() if (led := _led(chat, event)) is not None:
            return Needs(own=True, session=led, history=True)
        case ButtonPressed(data=data):
            taking_part = chat.person is not None and chat.person.standing == "active"
            return NOTHING if data.startswith("a:") and taking_part else OWN
        case CommandSent(name="people", argument=search):
            return Needs(own=True, search=search)
        case CommandSent(name="human"):
            return Needs(own=True, operators=True)
        case TextSent() if chat.conversation.awaiting == "people":
            return Needs(own=True, search=event.text)
        case TextSent() | TextEdited():
            idle = running(chat) is None or chat.conversation.awaiting is not None
            outside = chat.person is not None and chat.person.standing != "active"
            if not idle and not outside:
                return NOTHING
            return Needs(own=True, subject=chat.conversation.about, agenda=not outside)  # the menu card may be shown
        case FromModel() if (led := _led(chat, event)) is not None:
            return Needs(own=True, session=led, history=True)
        case CommandSent() | TimerFired() | SummaryReady() | SummaryFailed() | ChatBlocked():
            return OWN
        case Spoken() if chat.person is not None and chat.person.standing != "active":
            return OWN
    return NOTHING


def _of_people(data: str) -> Needs:
    """Of a button about people: `p:<card>:<person or nobody>:<act>[:<second person, or what it takes>]`."""
    parts = data.split(":")
    if len(parts) not in (4, 5):
        return OWN
    named, act, last = parts[2], _act(data), parts[4] if len(parts) == 5 else ""
    page = int(last[:4]) if last.isascii() and last.isdigit() else 0
    if act == "people":
        return Needs(own=True, search="", page=page)
    subject = long_id(named) if named else None
    if act == "void":
        return Needs(own=True, invite_id=subject)
    if act == "coaches":
        return Needs(own=True, subject=subject, search="", role="coach", page=page)
    loses = act in LOSING
    second = long_id(last) if last else None
    return Needs(
        own=True,
        subject=subject,
        second=second,
        looks=act in LOOKS,
        operators=loses,
        losing=loses,
        agenda=act in ("family", "card"),
    )


def _led(chat: Chat, event: AnyEvent) -> UUID | None:
    """The booked session at which a coach leads the conversation, where the event can be about that conversation.

    One that was put down is gone on with by a button or a command. Words that something else asked for are not its.
    """
    session, aside = chat.conversation.session, isinstance(event, ButtonPressed | CommandSent)
    if session is None or session.scheduled is None or not (running(chat) is not None or aside):
        return None
    if isinstance(event, CommandSent):
        return session.scheduled if event.name not in ELSEWHERE else None
    elsewhere = isinstance(event, TextSent) and chat.conversation.awaiting in ("people", "note")
    return None if elsewhere else session.scheduled


def _of_sessions(chat: Chat, data: str) -> Needs:
    """Of a button about sessions (`flows.session_acts`)."""
    found = read(data)
    if found is None:
        return OWN
    naming, booking = ACTS[found.act], chat.conversation.booking
    named = long_id(found.named) if found.named else None
    wanted = Needs(
        own=True,
        agenda=naming.agenda,
        history=naming.history,
        stock=naming.stock,
        beside=naming.beside,
        looks=naming.looks,
        feed=naming.feed,
        consents=naming.consents,
        operators=naming.changes or naming.names in ("session", "consent"),
    )
    match naming.names:
        case "session":
            wanted = wanted.evolve(session=named)
        case "consent":
            wanted = wanted.evolve(consent=named)
        case "coachee":
            wanted = wanted.evolve(subject=named)
        case "resource":
            wanted = wanted.evolve(resource=named)
        case _ if booking is not None and booking.card == found.card:
            wanted = wanted.evolve(subject=booking.coachee, session=booking.session)
    return wanted.evolve(days=_days(chat, found)) if naming.slots else wanted


def _days(chat: Chat, found: Read) -> tuple[date, date] | None:
    """The days in which a button about times looks: a month, what is near a moment, or where a plan may come to lie.

    Without any in it they are those from the day on which the person was here (today).
    """
    booking, today = chat.conversation.booking, chat.conversation.seen or EPOCH.date()
    if found.act in ("set", "preview", "save") and booking is not None and booking.first is not None:
        return window(booking.first, booking.weeks, booking.count or 1)
    moment = moment_of(found.argument) if found.act == "take" else None
    if found.act == "book" and booking is not None:
        moment = booking.chosen
    day = moment.date() - timedelta(days=NEAR) if moment is not None else day_of(found.argument)
    if found.act == "day" and day is not None:
        day -= timedelta(days=NEAR)
    return (day, day + timedelta(days=45)) if day is not None else (today, today + timedelta(days=LOOKED_AHEAD))


def _of_words(chat: Chat) -> Needs:
    """Of words that a card about sessions asked for."""
    booking, session = chat.conversation.booking, running(chat)
    wanted = Needs(own=True, session=session.scheduled if session is not None else None, history=True)
    if booking is None or chat.conversation.awaiting == "coach_answer":
        return wanted
    if chat.conversation.awaiting == "resource":
        return wanted.evolve(stock=True, resource=booking.resource)
    first = booking.first or chat.conversation.seen or EPOCH.date()
    if booking.part == "plan":
        return wanted.evolve(subject=booking.coachee, session=None, days=(first, first))
    days = (first, first + timedelta(days=LOOKED_AHEAD)) if booking.part == "pick" else None
    agenda = chat.conversation.awaiting in ("weekly", "except")
    return wanted.evolve(
        subject=booking.coachee,
        session=booking.session or wanted.session,
        consent=booking.consent,
        operators=True,
        days=days,
        agenda=agenda,
        looks=chat.conversation.awaiting == "ask",
    )


def _act(data: str) -> str:
    parts = data.split(":")
    return parts[3].rstrip("?") if len(parts) > 3 else ""


def serial(event: AnyEvent) -> bool:
    """Whether the decision is made with no other of its kind at the same time, in any process.

    It is where it rests on rows of others, which another decision could change meanwhile: two people with one link.
    """
    match event:
        case ButtonPressed(data=data) if data.startswith("p:"):
            return _act(data) in RELATING
        case ButtonPressed(data=data) if data.startswith("b:"):
            return (found := read(data)) is not None and ACTS[found.act].changes
        case ButtonPressed(data=data):
            return data.startswith("j:") and ":invite:" in data
        case CalendarWritten() | CalendarFailed():  # a row that is put meanwhile would take the mark back
            return True
        case TimerFired(kind=kind):
            return kind in SERIAL_TIMERS
    return False


def defers(chat: Chat, event: AnyEvent) -> bool:
    """The same of an event that shows it only beside its chat: whether somebody gets in rests on what their parents
    say at that moment; a conversation that begins may be led at a booked session."""
    person, joining = chat.person, chat.conversation.joining
    if isinstance(event, TextSent) and chat.conversation.awaiting in SERIAL_WORDS:
        return True
    if isinstance(event, MediaSent) and event.kind == "contact" and chat.conversation.awaiting == "phone":
        return True
    begins = isinstance(event, CommandSent) and event.name == "session"
    if begins or (isinstance(event, ButtonPressed) and event.data == "s:session"):
        return any(session.open and session.conversation is None for session in chat.book.mine)
    if person is None or person.standing == "active" or not isinstance(event, Spoken):
        return False
    return person.standing == "waiting" or (joining is not None and joining.step in ("notice", "birth_year"))
