"""What a coach reads before a session: who, when and where, and where the two of them are.

It has what the coachee lets this coach see at this moment, and the coach's own notes; no word goes to anybody else.
"""

from __future__ import annotations

from datetime import datetime

from flows import summaries
from flows.acts import myself
from flows.consent_news import verdict
from flows.diary import Scheduled
from flows.documents import short
from flows.effects import Line, Say, Screen, Text, acknowledge, text_line
from flows.plans import by_day
from flows.rights import refused
from flows.session_cards import button
from flows.session_news import of_record, when, where, why
from flows.session_press import Handler, Press, audited
from flows.state import Chat, Decision
from flows.times import local

MOST_NOTES = 3
MOST_ITEMS = 10
LONGEST_WORDS = 600
"""Characters of a note or a record that a brief has room for."""


def _brief(chat: Chat, press: Press, now: datetime) -> Decision:
    """The brief, as a message of its own; that it was read is in the audit log."""
    session, zone = press.about, chat.someone.timezone
    place = where(session.resource)
    lines = [
        Line(text=Text(key="brief.title", args={"n": session.number, "name": session.coachee.name}), style="bold"),
        text_line("session.when.long", where=place, **when(session, zone)),
        *_before(chat, session),
        *_cancelled(chat, session),
        *_shared(chat, press, now),
        *_own(chat),
    ]
    back = button(0, "card", session, label="button.session.back")
    log = audited(chat, press.event, press.action, press.read.act, press.subject, now)
    say = Say(screen=Screen(lines=tuple(lines), choices=(back,)))
    return Decision(chat=chat, changes=(log,), effects=(*acknowledge(press.event.press_id), say))


def _before(chat: Chat, session: Scheduled) -> list[Line]:
    """What the last session before this one left."""
    held = [one for one in chat.book.programme if one.status == "completed" and one.starts_at < session.starts_at]
    if not held:
        return [text_line("brief.first")]
    last = max(held, key=lambda one: one.starts_at)
    title = text_line("brief.last", n=last.number, at=local(last.starts_at, chat.someone.timezone))
    record = last.record
    if record is None:
        return [title]
    cut = record.evolve(notes=short(record.notes, LONGEST_WORDS))
    return [title, *(of_record(cut) or [text_line("record.empty")])]


def _cancelled(chat: Chat, session: Scheduled) -> list[Line]:
    """What was called off since the last session that was held: why, and who decided it."""
    there = [one for one in chat.book.programme if one.starts_at < session.starts_at]
    since = max((one.starts_at for one in there if one.status == "completed"), default=None)
    lines: list[Line] = []
    for one in there:
        if one.status == "cancelled" and (since is None or one.starts_at > since):
            at = local(one.starts_at, chat.someone.timezone)
            lines.append(text_line("brief.cancelled", n=one.number, at=at, reason=why(one.reason) or "-"))
            if one.consent is not None and one.consent.status == "approved":
                lines += verdict(one.consent, myself(chat).person)
    return lines


def _shared(chat: Chat, press: Press, now: datetime) -> list[Line]:
    """The newest summary's goal and the open items, as far as the coachee lets this coach see them."""
    look, me, roles = chat.look, chat.someone.user_id, chat.around.roles
    year, lines = local(now, chat.someone.timezone).year, []
    if look is None or press.whose.person.standing == "waiting":
        return []
    if not refused("plan", me, roles, press.subject, year):
        items = by_day(look.actions)[:MOST_ITEMS]
        lines.append(text_line("brief.items" if items else "brief.no_items").evolve(style="bold"))
        for n, item in enumerate(items, 1):
            title = short(item.title, 200)
            dated = text_line("plan.item.undated", n=n, title=title)
            lines.append(dated if item.due is None else text_line("plan.item", n=n, title=title, day=item.due))
    if not refused("summary", me, roles, press.subject, year) and look.summary is not None:
        lines.append(text_line("brief.summary").evolve(style="bold"))
        lines += summaries.lines(look.summary.document)
    return lines


def _own(chat: Chat) -> list[Line]:
    """The coach's own last notes, and the questions that they left for the session."""
    lines, notes = [], chat.look.notes if chat.look is not None else ()
    for note in notes[:MOST_NOTES]:
        at = local(note.at, chat.someone.timezone)
        lines.append(text_line("brief.note", at=at).evolve(style="bold"))
        lines.append(Line(text=short(note.text, LONGEST_WORDS)))
    me = chat.someone.user_id
    waiting = [q for q in chat.book.questions if q.coach_id == me and q.status in ("waiting", "put")]
    if waiting:
        lines.append(text_line("brief.questions").evolve(style="bold"))
        lines += [Line(text=f"• {short(one.text, 300)}") for one in waiting]
    return lines


HANDLERS: dict[str, Handler] = {"brief": _brief}
