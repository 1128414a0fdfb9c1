"""Sessions in people's own calendars: a file in the chat, a private address, and the calendar that all share.

An entry is named by the session's uid, which a session that is moved keeps: the entry moves with it. It says when and
where, and who meets whom; no word of what is said there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from flows import life
from flows.acts import Act
from flows.bookings import entry_of
from flows.changes import CalendarMarked, FeedHashed
from flows.diary import Scheduled
from flows.effects import (
    CancelTimer,
    Choice,
    Line,
    Screen,
    SendFeed,
    SendInvitation,
    SetTimer,
    Text,
    acknowledge,
    text_line,
)
from flows.events import CalendarFailed, CalendarWritten, FeedMinted, TimerFired
from flows.session_cards import button
from flows.session_list import As, part_of, parts
from flows.session_press import Handler, Press, done, shown
from flows.state import Chat, Decision
from flows.times import local

WAITS = (
    *(timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2)),
    *(timedelta(hours=6),) * 8,
)
"""Between tries to reach the shared calendar: two days of them."""
TITLES: dict[As, str] = {"coachee": "calendar.title.coachee", "coach": "calendar.title.coach"}


def title(session: Scheduled, part: As) -> Text:
    """What an entry is called: whom a coachee or a coach meets; for all others, whose session it is."""
    coach: Text | str = session.coach.name if session.coach is not None else Text(key="session.no_coach")
    named = Text(
        key=TITLES.get(part, "calendar.title.other"),
        args={"n": session.number, "name": session.coachee.name, "coach": coach},
    )
    return Text(key="calendar.title.cancelled", args={"title": named}) if session.status == "cancelled" else named


def stamp(session: Scheduled) -> str:
    """What a calendar shows of a session, in short: it is up to date if it was written at the same stamp."""
    coach = session.coach.user_id.hex if session.coach is not None else ""
    when = f"{session.starts_at.isoformat()}/{session.ends_at.isoformat()}"
    gone = "cancelled" if session.status == "cancelled" else ""
    return " ".join((session.session_id.hex, when, gone, coach, session.resource.resource_id.hex))


def _file(chat: Chat, press: Press, now: datetime) -> Decision:
    """The session, as it stands, as a file."""
    session = _standing(chat, press.about)
    return _sent(chat, press, (session,), f"session-{session.number}", now)


def _files(chat: Chat, press: Press, now: datetime) -> Decision:
    """All sessions of its programme that are to come, in one file; where there are none, that one."""
    session = _standing(chat, press.about)
    found = tuple(s for s in chat.book.programme if s.open) or (session,)
    return _sent(chat, press, found, "sessions", now)


def _standing(chat: Chat, session: Scheduled) -> Scheduled:
    """The row that is in the place of a session now: itself, or what it was moved to."""
    return life.instead(session, chat.book.programme) or session


def _sent(chat: Chat, press: Press, sessions: tuple[Scheduled, ...], name: str, now: datetime) -> Decision:
    """Sessions of one coachee."""
    me, roles, year = chat.someone.user_id, chat.around.roles, local(now, chat.someone.timezone).year
    titles = {s.session_id: title(s, part_of(me, roles, s, press.whose, year) or "operator") for s in sessions}
    return _below(chat, press, sessions, titles, name)


def _below(
    chat: Chat, press: Press, sessions: tuple[Scheduled, ...], titles: dict[UUID, Text], name: str
) -> Decision:
    """A file below the card, which stays as it is."""
    gone = all(s.status == "cancelled" for s in sessions)
    caption = Text(key="calendar.caption.cancelled" if gone else "calendar.caption")
    order = SendInvitation(name=name, sessions=sessions, titles=titles, caption=caption)
    return Decision(chat=chat, effects=(*acknowledge(press.event.press_id, "calendar.below"), order))


def _feed(chat: Chat, press: Press, now: datetime) -> Decision:
    """The private address of the person's calendar: explained, made anew (`new`), or a file instead (`file`)."""
    if press.argument == "file" and (found := parts(chat, now)):
        titles = {s.session_id: title(s, part) for s, part in found}
        return _below(chat, press, tuple(s for s, _ in found), titles, "sessions")
    if press.argument != "new" or not chat.policy.feeds:
        return shown(chat, press, _card(chat, press.card, now, there=chat.book.feed))
    request = press.event.derived("feed")
    lines = (text_line("feed.address", link=""), text_line("feed.how"))
    void = Choice(data="b:0::nofeed", label=Text(key="button.session.nofeed"))
    order = SendFeed(request=request, screen=Screen(lines=lines, choices=(void,)))
    chat = chat.evolve(conversation=chat.conversation.evolve(feed=request))
    screen = _card(chat, press.card, now, there=True)
    return done(chat, press, Act(effects=(order,)), screen, now, "feed.below")


def _nofeed(chat: Chat, press: Press, now: datetime) -> Decision:
    """The address ends; one that is still on its way, too."""
    chat = chat.evolve(conversation=chat.conversation.evolve(feed=None))
    ended = FeedHashed(user_id=chat.someone.user_id, token_hash=None, at=now)
    return done(chat, press, Act(changes=(ended,)), _card(chat, press.card, now, there=False), now, "feed.ended")


def minted(chat: Chat, event: FeedMinted, now: datetime) -> Decision:
    """An address was made as it is sent; it holds if it is the one that the person waits for."""
    if chat.conversation.feed != event.request or chat.someone.standing != "active" or not chat.policy.feeds:
        return Decision(chat=chat)
    kept = FeedHashed(user_id=chat.someone.user_id, token_hash=event.token_hash, at=now)
    return Decision(chat=chat, changes=(kept,))


def written(chat: Chat, event: CalendarWritten) -> Decision:
    """The shared calendar has a session's entry. One that was written late, when the session had changed, is written
    again: it may have gone over a newer one."""
    session = chat.diary.session if chat.diary is not None else None
    if session is None or session.status == "rescheduled":
        return Decision(chat=chat)
    if stamp(session) != event.stamp:
        return Decision(chat=chat, effects=(entry_of(session),))
    marked = CalendarMarked(session_id=session.session_id, state="ok", event_id=event.event_id)
    return Decision(chat=chat, changes=(marked,), effects=(CancelTimer(key=_again(session)),))


def failed(chat: Chat, event: CalendarFailed, now: datetime) -> Decision:
    """The shared calendar could not be reached: what the session is stands, and it is tried again."""
    session = chat.diary.session if chat.diary is not None else None
    if session is None or session.status == "rescheduled":
        return Decision(chat=chat)
    if not chat.policy.calendar:
        return Decision(chat=chat, changes=(CalendarMarked(session_id=session.session_id, state="none"),))
    current = stamp(session) == event.stamp
    changes = (CalendarMarked(session_id=session.session_id, state="failed"),) if current else ()
    if event.attempt > len(WAITS):
        return Decision(chat=chat, changes=changes)
    later = SetTimer(
        key=_again(session),
        kind="calendar",
        subject=session.session_id,
        due_at=now + WAITS[event.attempt - 1],
        attempt=event.attempt,
    )
    return Decision(chat=chat, changes=changes, effects=(later,))


def again(chat: Chat, event: TimerFired) -> Decision:
    """Another try; where the session was moved meanwhile, its new time has tries of its own."""
    session = chat.diary.session if chat.diary is not None else None
    if session is None or session.status == "rescheduled" or not chat.policy.calendar:
        return Decision(chat=chat)
    return Decision(chat=chat, effects=(entry_of(session).evolve(attempt=event.attempt + 1),))


def _again(session: Scheduled) -> str:
    return f"calendar:{session.session_id}"


def _card(chat: Chat, card: int, now: datetime, *, there: bool) -> Screen:
    """What the address is, and what can be done about it."""
    lines = [Line(text=Text(key="feed.title"), style="bold")]
    buttons = []
    if chat.policy.feeds:
        lines += [text_line("feed.about"), text_line("feed.there" if there else "feed.none")]
        buttons.append(button(card, "feed", argument="new", label="button.feed.new" if there else "button.feed.make"))
    else:
        lines.append(text_line("feed.not_here"))
    if there:
        buttons.append(button(card, "nofeed"))
    if parts(chat, now):
        buttons.append(button(card, "feed", argument="file", label="button.session.file"))
    return Screen(lines=tuple(lines), choices=(*buttons, button(card, "agenda")), per_row=2)


HANDLERS: dict[str, Handler] = {"file": _file, "files": _files, "feed": _feed, "nofeed": _nofeed}
"""What each act does."""
