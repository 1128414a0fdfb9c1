"""A consent on a card and in its own message: deciding, a call, taking it back, and what was decided before.

One tap decides. A press that comes after the decision, or twice, changes nothing and shows what was decided, by whom
and when. Who may press is asked of `rights` by the door (`agenda`); whether it is theirs to decide, here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import get_args

from flows import consents, picking
from flows.acts import Act, myself
from flows.answers import has_words
from flows.cards import refusal
from flows.consent import decides_as, lapsed
from flows.consent_news import (
    Side,
    asker,
    button,
    callers,
    key_of,
    name_of,
    number_line,
    reads_words,
    reminders_of,
    screen,
    verdict,
    withdraws,
)
from flows.diary import CallOutcome, Consent, Decider, Scheduled
from flows.effects import AnyEffect, Choice, Edit, Line, Say, Screen, Text, acknowledge, text_line
from flows.events import MediaSent, TextSent
from flows.ids import short_id
from flows.notices import hears
from flows.people import Other
from flows.putting import running
from flows.rights import allowed_as
from flows.session_acts import page_of
from flows.session_cards import coachee_button
from flows.session_news import acting_as, opens, resolving, when, why
from flows.session_press import Handler, Press, WordsHandler, audited, renewed, scene, shown, why_not
from flows.state import Booking, Chat, Decision
from flows.times import local

LONGEST_WORDS = 500
WORDS_FOR = timedelta(minutes=30)
"""So long after the decision a word belongs to it; what is said later is about something else."""
PER_PAGE = 3
"""Consents on a page: with the longest reasons and words they fit into one message."""
OUTCOMES: tuple[CallOutcome, ...] = get_args(CallOutcome)


def _me(chat: Chat) -> Other:
    return myself(chat).person


def mine(chat: Chat, consent: Consent, press: Press, now: datetime) -> Decider | None:
    """As what the person of the chat decides on a consent; None where it is not theirs."""
    return decides_as(consent, chat.someone.user_id, chat.around.roles, press.whose, now)


def screen_of(chat: Chat, press: Press, session: Scheduled, consent: Consent, now: datetime, card: int) -> Screen:
    """A consent as the person of the chat reads it."""
    side: Side = mine(chat, consent, press, now) or "follows"
    return screen(session, consent, _me(chat), side, scene(chat, press.whose, press.event, now), card)


def _consent(chat: Chat, press: Press, now: datetime) -> Decision:
    """The consent, on a card."""
    return shown(chat, press, screen_of(chat, press, press.about, press.asked, now, press.card))


def _over(chat: Chat, press: Press, now: datetime) -> Decision:
    """It is decided already: what came of it, where it was pressed. A second tap leaves the question for a word."""
    over = _shown(chat, press, now, "toast.consent.over")
    booking, asked = chat.conversation.booking, press.asked
    waits = booking is not None and booking.consent == asked.consent_id and booking.part == "consent_words"
    if press.read.act == "keep" and waits and _adds(asked, chat, now):
        return over.evolve(chat=_awaiting(over.chat, press, "consent_words"))
    return over


def _adds(consent: Consent | None, chat: Chat, now: datetime) -> bool:
    """Whether the person of the chat may add a word to their decision now."""
    if consent is None or consent.status != "kept" or consent.words or consent.decided_at is None:
        return False
    mine_ = consent.decided_by is not None and consent.decided_by.user_id == chat.someone.user_id
    return mine_ and now < consent.decided_at + WORDS_FOR


def _shown(chat: Chat, press: Press, now: datetime, toast: str) -> Decision:
    """How a consent stands, on the card that was pressed; else in its own message and its reminders."""
    if 0 < press.read.card <= chat.conversation.cards:
        return shown(chat, press, screen_of(chat, press, press.about, press.asked, now, press.card), toast)
    made = screen_of(chat, press, press.about, press.asked, now, 0)
    edits = [Edit(key=key_of(press.asked, name), screen=made) for name in ("", *reminders_of(press.asked))]
    return Decision(chat=chat, effects=(*acknowledge(press.event.press_id, toast), *edits))


def _deciding(handler: Callable[[Chat, Press, Decider, datetime], Decision]) -> Handler:
    """What only who decides may do, while there is something to decide."""

    def handle(chat: Chat, press: Press, now: datetime) -> Decision:
        if not press.asked.open:
            return _over(chat, press, now)
        role = mine(chat, press.asked, press, now)
        if role is None:
            return refusal(chat, press.event, press.action, "relation", now, press.subject)
        if lapsed(press.about, press.asked, now):  # nothing ran here as its time came
            act, stays = consents.overtaken(press.about, scene(chat, press.whose, press.event, now))
            return _done(chat, press, act, stays, now, toast="toast.consent.lapsed")
        return handler(chat, press, role, now)

    return handle


def _done(
    chat: Chat, press: Press, act: Act, session: Scheduled, now: datetime, *more: AnyEffect, toast: str | None = None
) -> Decision:
    """A deed, kept in the audit log; on the card from which it came, the consent as it is after it. Its own message
    says so anyhow."""
    assert session.consent is not None
    after = renewed(chat, session)
    log = audited(after, press.event, press.action, press.read.act, press.subject, now)
    if 0 < press.read.card <= chat.conversation.cards:
        made = screen_of(after, press, session, session.consent, now, press.card)
        done = shown(after, press, made, toast)
    else:
        done = Decision(chat=after, effects=acknowledge(press.event.press_id, toast))
    return done.keeping(*act.changes, log).then(*act.effects, *more)


# ---- deciding


def _approve(chat: Chat, press: Press, role: Decider, now: datetime) -> Decision:
    act, gone = consents.approved(press.about, _me(chat), role, scene(chat, press.whose, press.event, now))
    return _done(chat, press, act, gone, now, toast="toast.consent.approved")


def _keep(chat: Chat, press: Press, role: Decider, now: datetime) -> Decision:
    """The session stays; who decided may add a word for the coach."""
    at = scene(chat, press.whose, press.event, now)
    act, stays = consents.kept(press.about, _me(chat), role, at)
    done = _done(chat, press, act, stays, now, toast="toast.consent.kept")
    people = [one for one in (asker(press.asked, at), *resolving(press.about, at)) if one is not None and hears(one)]
    names = dict.fromkeys(one.name for one in people if one.user_id != chat.someone.user_id)
    if running(chat) is not None or not names:
        return done
    who = tuple(Text(key="name.as_it_is", args={"name": name}) for name in names)
    ask = text_line("consent.ask_words", who=who, most=LONGEST_WORDS)
    no = button(0, "nowords", press.asked)
    chat = _awaiting(done.chat, press, "consent_words")
    return done.evolve(chat=chat).then(Say(screen=Screen(lines=(ask,), choices=(no,))))


def _awaiting(chat: Chat, press: Press, what: str) -> Chat:
    booking = Booking(card=press.card, session=press.about.session_id, consent=press.asked.consent_id, part=what)
    return chat.evolve(conversation=chat.conversation.evolve(awaiting=what, booking=booking))


def _another(chat: Chat, press: Press, role: Decider, now: datetime) -> Decision:
    """Another time instead: real free times at once; choosing one decides."""
    year = local(now, chat.someone.timezone).year
    if reason := why_not(chat, "move_session", press.whose, year):
        return refusal(chat, press.event, "move_session", reason, now, press.subject)
    return picking.move(chat, press.evolve(action="move_session"), now)


# ---- words


def _nothing_awaited(chat: Chat) -> Chat:
    return chat.evolve(conversation=chat.conversation.evolve(awaiting=None, booking=None))


def _left_words(chat: Chat, press: Press, now: datetime) -> Decision:
    """No word is added, or no number given."""
    ours = chat.conversation.booking is not None and chat.conversation.booking.consent == press.asked.consent_id
    if ours:
        chat = _nothing_awaited(chat)
    line = text_line("consent.no_words" if press.read.act == "nowords" else "consent.no_phone")
    told = Say(screen=Screen(lines=(line,), choices=(opens(press.about),)))
    return Decision(chat=chat, effects=(*acknowledge(press.event.press_id), told))


def _words(chat: Chat, event: TextSent, now: datetime) -> Decision:
    """The word that who kept the session adds."""
    session, subject, consent = chat.book.session, chat.around.subject, chat.book.consent
    quiet = _nothing_awaited(chat)
    if session is None or subject is None or consent is None or not _adds(consent, chat, now) or not session.open:
        return Decision(chat=quiet, effects=(_say("consent.words_late", session),))
    if reason := why_not(chat, "decide_cancellation", subject, local(now, chat.someone.timezone).year):
        return refusal(quiet, event, "decide_cancellation", reason, now, subject)
    words = event.text.strip()
    if not has_words(words) or len(words) > LONGEST_WORDS:
        return Decision(chat=chat, effects=(_say("consent.words_unfit", None, most=LONGEST_WORDS),))
    act = consents.explained(session, consent, words, scene(chat, subject, event, now))
    log = audited(chat, event, "decide_cancellation", "words", subject, now)
    told = _say("consent.words_sent" if act.effects else "consent.words_kept", session)
    return Decision(chat=quiet, changes=(*act.changes, log), effects=(told, *act.effects))


def _say(key: str, session: Scheduled | None, **args: int) -> Say:
    choices = (opens(session),) if session is not None else ()
    return Say(screen=Screen(lines=(text_line(key, **args),), choices=choices))


# ---- a call


def _call(chat: Chat, press: Press, role: Decider, now: datetime) -> Decision:
    """To be called: the deadline stands still; a number may be given."""
    if role != "parent":
        return refusal(chat, press.event, press.action, "role", now, press.subject)
    if press.asked.call_waits:
        return _number(chat, press, now)
    if now >= press.asked.expires_at:
        return _shown(chat, press, now, "toast.consent.call_late")
    at = scene(chat, press.whose, press.event, now)
    if all(one.user_id == chat.someone.user_id for one in callers(press.about, at)):
        return _shown(chat, press, now, "toast.consent.nobody_calls")
    act, waits = consents.call_wished(press.about, _me(chat), at)
    done = _done(chat, press, act, waits, now, toast="toast.consent.called")
    if running(chat) is not None:  # what they say now are answers; the message has a button for the number
        return done
    return _asks_number(done, press)


def _asks_number(decision: Decision, press: Press) -> Decision:
    ask = Say(screen=Screen(lines=(text_line("consent.ask_phone"),), choices=(button(0, "nophone", press.asked),)))
    return decision.evolve(chat=_awaiting(decision.chat, press, "phone")).then(ask)


def _calls_me(chat: Chat, consent: Consent) -> bool:
    """Whether the person of the chat is who is to be called."""
    waits = consent.call_waits and consent.call_by is not None
    return waits and consent.call_by is not None and consent.call_by.user_id == chat.someone.user_id


def _number(chat: Chat, press: Press, now: datetime) -> Decision:
    """A number is given, or another one."""
    if not _calls_me(chat, press.asked):
        return _shown(chat, press, now, "toast.consent.other_call")
    return _asks_number(Decision(chat=chat, effects=acknowledge(press.event.press_id)), press)


def number_said(chat: Chat, event: TextSent | MediaSent, now: datetime) -> Decision:
    """The number on which to call, in words or as a contact."""
    phone = event.phone if isinstance(event, MediaSent) else event.reading.phone
    session, subject = chat.book.session, chat.around.subject
    consent = session.asked if session is not None else None
    booking = chat.conversation.booking
    ours = consent is not None and booking is not None and booking.consent == consent.consent_id
    year = local(now, chat.someone.timezone).year
    if session is None or subject is None or consent is None or not (ours and _calls_me(chat, consent)):
        return Decision(chat=_nothing_awaited(chat), effects=(_say("consent.phone_late", session),))
    if reason := why_not(chat, "decide_cancellation", subject, year):
        return refusal(_nothing_awaited(chat), event, "decide_cancellation", reason, now, subject)
    if not phone:
        without = button(0, "nophone", consent)
        return Decision(
            chat=chat, effects=(Say(screen=Screen(lines=(text_line("consent.phone_unknown"),), choices=(without,))),)
        )
    act = consents.phone_given(session, phone, scene(chat, subject, event, now))
    log = audited(chat, event, "decide_cancellation", "phone", subject, now)
    line = text_line("consent.phone_sent", phone=phone)
    told = Say(screen=Screen(lines=(line,), choices=(opens(session),)))
    return Decision(chat=_nothing_awaited(chat), changes=(*act.changes, log), effects=(told, *act.effects))


def _spoke(chat: Chat, press: Press, now: datetime) -> Decision:
    """What came of the call? The coach says so; who decides reads it, and decides."""
    consent = press.asked
    if not consent.open:
        return _over(chat, press, now)
    if not consent.call_waits:
        return shown(
            chat, press, screen_of(chat, press, press.about, consent, now, press.card), "toast.consent.reported"
        )
    at = scene(chat, press.whose, press.event, now)
    asks_me = chat.someone.user_id in [one.user_id for one in callers(press.about, at)]
    who = consent.call_by.name if consent.call_by is not None else ""
    lines = [*([number_line(consent)] if asks_me else []), text_line("consent.ask_outcome", who=who)]
    answers = [button(press.card, "report", consent, said, f"button.consent.report.{said}") for said in OUTCOMES]
    back = button(press.card, "consent", consent, label="button.not_now")
    return shown(chat, press, Screen(lines=tuple(lines), choices=(*answers, back), per_row=2))


def _report(chat: Chat, press: Press, now: datetime) -> Decision:
    said = next((one for one in OUTCOMES if one == press.argument), None)
    if said is None:
        return refusal(chat, press.event, "press", "unknown", now, press.subject)
    if not press.asked.open or not press.asked.call_waits:
        return _spoke(chat, press, now)
    if _calls_me(chat, press.asked):  # a coach who is a parent, too, reports on nobody's call but others'
        return refusal(chat, press.event, press.action, "relation", now, press.subject)
    act, waits = consents.reported(press.about, said, scene(chat, press.whose, press.event, now))
    return _done(chat, press, act, waits, now, toast="toast.consent.reported")


# ---- taken back


def _withdraw(chat: Chat, press: Press, now: datetime) -> Decision:
    if not press.asked.open:
        return _over(chat, press, now)
    at = scene(chat, press.whose, press.event, now)
    if not withdraws(press.about, press.asked, _me(chat), at):
        return refusal(chat, press.event, press.action, "relation", now, press.subject)
    act, stays = consents.withdrawn(press.about, _me(chat), acting_as(press.about, at), at)
    return _done(chat, press, act, stays, now, toast="toast.consent.withdrawn")


# ---- what was decided before


def _decisions(chat: Chat, press: Press, now: datetime) -> Decision:
    """The consents of a coachee's sessions, the newest first: what was asked for, and what came of it."""
    found, me, whose = chat.book.consents, _me(chat), press.whose.person
    last = max(0, (len(found) - 1) // PER_PAGE)
    page = min(page_of(press.argument), last)
    lines: list[Line] = [Line(text=Text(key="consent.decisions", args={"name": whose.name}), style="bold")]
    buttons: list[Choice] = []
    for consent in found[page * PER_PAGE : (page + 1) * PER_PAGE]:
        session = chat.book.asked.get(consent.session_id)
        if session is None:
            continue
        title = text_line("consent.closed", n=session.number, name=whose.name, **when(session, me.timezone))
        asker = name_of(consent.asked_by, me)
        lines += [title.evolve(style="bold"), text_line("consent.asked_for", asker=asker, reason=why(consent.reason))]
        lines += verdict(consent, me) if not consent.open else [text_line("consent.open")]
        leads = bool(allowed_as("report_call", me.user_id, chat.around.roles, press.whose, 0) & {"coach"})
        if reads_words(consent, me, leads=leads):
            lines.append(Line(text=consent.words, style="quote"))
        if consent.open:
            buttons.append(button(press.card, "consent", consent))
    if not found:
        lines.append(text_line("consent.none"))
    for step, label in ((-1, "answers.before"), (1, "answers.after")):
        if 0 <= page + step <= last and page + step != page:
            data = f"b:{press.card}:{short_id(whose.user_id)}:decisions:{page + step}"
            buttons.append(Choice(data=data, label=Text(key=label)))
    buttons.append(coachee_button(press.card, whose.user_id, "theirs"))
    buttons.append(Choice(data=f"p:{press.card}:{short_id(whose.user_id)}:card", label=whose.name))
    return shown(chat, press, Screen(lines=tuple(lines), choices=tuple(buttons), per_row=2))


def left(chat: Chat, now: datetime, asking: str) -> Decision:
    """/cancel or /back where words were asked for: none come."""
    line = text_line("consent.no_words" if asking == "consent_words" else "consent.no_phone")
    return Decision(chat=_nothing_awaited(chat), effects=(Say(screen=Screen(lines=(line,))),))


HANDLERS: dict[str, Handler] = {
    "consent": _consent,
    "approve": _deciding(_approve),
    "keep": _deciding(_keep),
    "another": _deciding(_another),
    "call": _deciding(_call),
    "number": _number,
    "nowords": _left_words,
    "nophone": _left_words,
    "spoke": _spoke,
    "report": _report,
    "withdraw": _withdraw,
    "decisions": _decisions,
}
SAID: dict[str, WordsHandler] = {"consent_words": _words, "phone": number_said}
LEFT: dict[str, Callable[[Chat, datetime], Decision]] = {asking: partial(left, asking=asking) for asking in SAID}
