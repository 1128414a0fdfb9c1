"""The screens of booked sessions: whose sessions are to come, and one session's card."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flows import consent_news, life
from flows.acts import myself
from flows.consent import asked_of, deciders, decides_as
from flows.diary import Scheduled
from flows.effects import Choice, Line, Screen, Text, text_line
from flows.ids import short_id
from flows.people import Subject
from flows.rights import allowed_as
from flows.session_list import listed, to_come
from flows.session_news import leader, of_record, where, why
from flows.state import Chat
from flows.times import local

PER_PAGE = 6
"""Sessions on a page of a list."""
MOST_PEOPLE = 40
"""Coachees that are offered by /book; all are in /coachees."""


def button(card: int, act: str, session: Scheduled | None = None, argument: str = "", label: str = "") -> Choice:
    """A button about a session, or about none."""
    named = short_id(session.session_id) if session is not None else ""
    data = f"b:{card}:{named}:{act}" + (f":{argument}" if argument else "")
    return Choice(data=data, label=Text(key=label or f"button.session.{act}"))


def coachee_button(card: int, coachee_id: UUID, act: str, label: str = "") -> Choice:
    """A button about the sessions of a coachee."""
    return Choice(data=f"b:{card}:{short_id(coachee_id)}:{act}", label=Text(key=label or f"button.session.{act}"))


def agenda(chat: Chat, card: int, page: int, now: datetime, of: Subject | None = None) -> Screen:
    """The sessions that concern the person, or those of a coachee: what is to be resolved first, then by time."""
    mine = to_come(chat, now) if of is not None else listed(chat, now)
    zone, me = chat.someone.timezone, chat.someone.user_id
    last = max(0, (len(mine) - 1) // PER_PAGE)
    page = min(page, last)
    shown = mine[page * PER_PAGE : (page + 1) * PER_PAGE]
    whose = of.person.name if of is not None else ""
    title = Text(key="agenda.title.of", args={"name": whose}) if of is not None else Text(key="agenda.title")
    lines = [Line(text=title, style="bold")]
    for number, session in enumerate(shown, page * PER_PAGE + 1):
        over = session.status == "pending" and session.ends_at <= now
        key = "agenda.line.due" if over else "agenda.line"
        mine_own = session.coachee.user_id == me
        with_whom = _coach_name(session) if mine_own else session.coachee.name
        lines.append(
            text_line(
                key,
                i=number,
                n=session.number,
                name=with_whom,
                at=local(session.starts_at, zone),
                where=where(session.resource),
            )
        )
    if not mine:
        lines.append(text_line("agenda.none"))
    buttons = [
        Choice(
            data=f"b:{card}:{short_id(s.session_id)}:card",
            label=Text(key="agenda.button", args={"i": i, "at": local(s.starts_at, zone)}),
        )
        for i, s in enumerate(shown, page * PER_PAGE + 1)
    ]
    named, act = (short_id(of.person.user_id), "theirs") if of is not None else ("", "agenda")
    if page > 0:
        buttons.append(Choice(data=f"b:{card}:{named}:{act}:{page - 1}", label=Text(key="answers.before")))
    if page < last:
        buttons.append(Choice(data=f"b:{card}:{named}:{act}:{page + 1}", label=Text(key="answers.after")))
    return Screen(lines=tuple(lines), choices=(*buttons, *_below(chat, card, of, now)), per_row=2)


def for_whom(chat: Chat) -> Screen:
    """The coachees for whom a coach can book."""
    people = [tie.coachee for tie in chat.around.coachees(chat.someone.user_id)][:MOST_PEOPLE]
    line = text_line("book.whom") if people else text_line("coachees.none")
    buttons = [Choice(data=f"b:0:{short_id(p.user_id)}:theirs", label=p.name) for p in people]
    return Screen(
        lines=(line,), choices=(*buttons, Choice(data="m:0:home", label=Text(key="button.menu"))), per_row=2
    )


def _below(chat: Chat, card: int, of: Subject | None, now: datetime) -> list[Choice]:
    """What can be done from a list."""
    roles, me, year = chat.around.roles, chat.someone.user_id, local(now, chat.someone.timezone).year
    buttons = []
    if of is not None:
        for act, action in (("slots", "book_session"), ("plan", "plan_sessions")):
            if allowed_as(action, me, roles, of, year):
                buttons.append(coachee_button(card, of.person.user_id, act))
        buttons.append(Choice(data=f"p:{card}:{short_id(of.person.user_id)}:card", label=of.person.name))
    else:
        if "coachee" in roles and chat.around.coaches(me):
            buttons.append(coachee_button(card, me, "slots"))
        if "coach" in roles:
            buttons.append(button(card, "hours"))
        buttons.append(button(card, "feed"))
    return [*buttons, Choice(data=f"m:{card}:home", label=Text(key="button.menu"))]


def _coach_name(session: Scheduled) -> Text | str:
    return session.coach.name if session.coach is not None else Text(key="session.no_coach")


def card_of(chat: Chat, card: int, session: Scheduled, subject: Subject, now: datetime) -> Screen:
    """One session's card, with what the person of the chat may do about it.

    `chat` has the programme that the session is of, as it is now.
    """
    session = life.as_of(session, now)
    me, roles, zone = chat.someone.user_id, chat.around.roles, chat.someone.timezone
    year = local(now, zone).year
    leads = bool(allowed_as("resolve_session", me, roles, subject, year))
    total = max((s.number for s in chat.book.programme), default=session.number)
    lines = [
        Line(text=Text(key="session.head", args={"n": session.number, "total": total}), style="bold"),
        text_line("session.whose", name=session.coachee.name, coach=_coach_name(session)),
        text_line(
            "session.when",
            at=local(session.starts_at, zone),
            until=f"{local(session.ends_at, zone):%H:%M}",
            where=where(session.resource),
        ),
        *_standing(session, leads, now),
        *_asked(chat, session, subject, leads, now),
    ]
    lines += _record(chat, session, subject, leads, year)
    later = life.instead(session, chat.book.programme)
    before = life.blocking(session, chat.book.programme) if leads and session.status == "pending" else None
    buttons: list[Choice] = []
    if before is not None:
        lines.append(text_line("session.blocked", n=before.number, at=local(before.starts_at, zone)))
        buttons.append(resolves(card, before))
    if later is not None:
        moved_to = Text(key="button.session.moved_to", args={"at": local(later.starts_at, zone)})
        buttons.append(resolves(card, later).evolve(label=moved_to))
    if leads:
        buttons += _coachs(card, session, before is not None, now)
    if session.coachee.user_id == me and life.leadable(session, now) and leader(session, subject) is not None:
        buttons.append(button(card, "begin", session))
    buttons += _deciding(chat, card, session, subject, now)
    buttons += changing(chat, card, session, subject, year, now)
    if leads and not session.open and (due := life.next_due(session, chat.book.programme, now)) is not None:
        buttons.append(resolves(card, due))
    several = sum(s.open for s in chat.book.programme) > 1
    buttons += [button(card, act, session) for act in ("file", *(("files",) if several else ()), "history")]
    back = (
        button(card, "agenda")
        if session.coachee.user_id == me
        else coachee_button(card, session.coachee.user_id, "theirs")
    )
    return Screen(lines=tuple(lines), choices=(*buttons, back), per_row=2)


def as_it_stands(chat: Chat, session: Scheduled, subject: Subject, now: datetime) -> Screen:
    """The card after words that change nothing (any more)."""
    card = card_of(chat, 0, session, subject, now)
    return card.evolve(lines=(text_line("session.stands"), *card.lines))


def resolves(card: int, session: Scheduled, label: str = "button.session.resolve") -> Choice:
    """The button to another session of the programme, by its number."""
    named = Text(key=label, args={"n": session.number})
    return Choice(data=f"b:{card}:{short_id(session.session_id)}:card", label=named)


def changing(chat: Chat, card: int, session: Scheduled, subject: Subject, year: int, now: datetime) -> list[Choice]:
    """What the person of the chat may do about the time of a session that is not resolved. What is asked for already
    is not asked for again, nor once there is no time left to ask."""
    me, roles, buttons = chat.someone.user_id, chat.around.roles, []
    if session.open:
        for act, action, among in (
            ("move", "move_session", chat.policy.move_by),
            ("cancel", "cancel_session", chat.policy.cancel_by),
        ):
            if allowed_as(action, me, roles, subject, year) & set(among):
                buttons.append(button(card, act, session))
    asks = asked_of(subject, chat.around.operators, me, chat.policy, now) is not None
    if session.asked is not None or (asks and session.starts_at <= now):
        buttons = [one for one in buttons if not one.data.endswith(":cancel")]
    return buttons


def _asked(chat: Chat, session: Scheduled, subject: Subject, leads: bool, now: datetime) -> list[Line]:
    """The consent that is asked for a session, live; or what came of the last one. A word of who kept it is for who
    coaches."""
    consent, me = session.consent, myself(chat).person
    if consent is None:
        return []
    asker = consent_news.name_of(consent.asked_by, me)
    title = text_line("consent.asked_for", asker=asker, reason=why(consent.reason))
    if consent.open:
        who = tuple(one for _, one in deciders(consent, subject, chat.around.operators, now))
        return [title, *consent_news.state(consent, me, who, now)]
    if consent.status in ("kept", "withdrawn") and not session.open:  # something else became of it later
        return []
    # of a cancelled session the card has the reason already, and retention leaves none
    titled = consent.status != "approved" and consent.reason
    lines = [*([title] if titled else []), *consent_news.verdict(consent, me)]
    reads = consent_news.reads_words(consent, me, leads=leads)
    return [*lines, Line(text=consent.words, style="quote")] if reads else lines


def _deciding(chat: Chat, card: int, session: Scheduled, subject: Subject, now: datetime) -> list[Choice]:
    """To the consent that is asked for: for who decides, and who follows it."""
    consent, me = session.asked, chat.someone.user_id
    if consent is None:
        return []
    decides = decides_as(consent, me, chat.around.roles, subject, now) is not None
    label = "button.consent.consent" if decides else "button.consent.follow"
    return [consent_news.button(card, "consent", consent, label=label)]


def _record(chat: Chat, session: Scheduled, subject: Subject, leads: bool, year: int) -> list[Line]:
    """What the record of a session says, once it is submitted: to the coachee, who coaches them, and a parent who may
    read their summaries."""
    record, me, roles = session.record, chat.someone.user_id, chat.around.roles
    if record is None or record.status != "submitted":
        return []
    may = leads or session.coachee.user_id == me or "parent" in allowed_as("summary", me, roles, subject, year)
    return of_record(record) if may else []


def _standing(session: Scheduled, leads: bool, now: datetime) -> list[Line]:
    """How it stands: its status, record and calendar; why it does not take place, or who was not there."""
    on_now = session.status == "pending" and session.ends_at > now
    parts = [Text(key="session.status.now" if on_now else f"session.status.{session.status}")]
    if session.record is not None and (leads or session.record.status == "submitted"):
        parts.append(Text(key=f"session.record.{session.record.status}"))
    if session.calendar != "none":
        parts.append(Text(key=f"session.calendar.{session.calendar}"))
    lines = [Line(text=tuple(parts) if len(parts) > 1 else parts[0])]
    if session.status == "cancelled" and session.reason:
        lines.append(text_line("session.reason", reason=why(session.reason)))
    if session.absent is not None:
        lines.append(text_line("session.absent", who=Text(key=f"absent.{session.absent}")))
    return lines


def _coachs(card: int, session: Scheduled, blocked: bool, now: datetime) -> list[Choice]:
    """What a coach does about a session."""
    buttons = []
    if session.coach is None and session.open:
        buttons.append(button(card, "mine", session))
    if session.open:
        buttons.append(button(card, "brief", session))
    if session.status == "pending":
        label = "button.session.complete.blocked" if blocked else "button.session.complete"
        buttons += [button(card, "complete", session, label=label), button(card, "missed", session)]
    if session.open or session.conversation is not None:
        buttons.append(button(card, "join", session))
    if session.record is not None:
        buttons.append(button(card, "record", session))
    if life.legal(session, "reopen", now):
        buttons.append(button(card, "reopen", session))
    return buttons
