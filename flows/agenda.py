"""Sessions on cards: the door to buttons about them (`session_acts`), to /agenda, and to the words that they ask for.

Each press is asked of `rights` on committed rows, and of the deployment's policy; what may not be done is not done,
said in a word, and kept in the audit log. What an act does is in the module that `HANDLERS` names.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from flows import (
    calendars,
    consent_acts,
    hours,
    led,
    led_live,
    picking,
    planning,
    session_brief,
    session_cards,
    session_history,
    session_life,
    stock,
)
from flows.cards import refusal
from flows.effects import acknowledge
from flows.events import ButtonPressed, CommandSent, TextSent
from flows.on_card import at_the_bottom, number_for
from flows.rights import refused
from flows.session_acts import ACTS, page_of, read
from flows.session_press import Handler, Press, WordsHandler, shown, why_not
from flows.state import Chat, Decision
from flows.times import local

ACTIONS = {
    **dict.fromkeys(("card", "theirs", "history", "file", "files"), "sessions"),
    **dict.fromkeys(
        ("complete", "record", "submit", "missed", "absent", "reopen", "mine", "brief"), "resolve_session"
    ),
    **dict.fromkeys(("join", "ask", "drop"), "lead_session"),
    **dict.fromkeys(("cancel", "cancelled", "withdraw"), "cancel_session"),
    **dict.fromkeys(("approve", "keep", "call", "another", "number", "nowords", "nophone"), "decide_cancellation"),
    **dict.fromkeys(("consent", "decisions"), "sessions"),
    **dict.fromkeys(("spoke", "report"), "report_call"),
    **dict.fromkeys(("plan", "set", "preview", "save", "undo"), "plan_sessions"),
    **dict.fromkeys(("hours", "weekly", "except", "rules"), "hours"),
    **dict.fromkeys(("stock", "resource", "add", "rename", "out", "back", "delete"), "resources"),
    **dict.fromkeys(("feed", "nofeed"), "feed"),
    "move": "move_session",
    "slots": "book_session",
    "begin": "begin_session",
    "agenda": "agenda",
}
"""The action (`rights.MATRIX`) of each act. Those of choosing a time have that of what the time is chosen for."""
CHOOSING = ("month", "day", "none", "take", "book", "leave")


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press about sessions. None where the data is not one of ours."""
    found = read(event.data)
    if found is None or found.act not in HANDLERS or chat.circle is None:
        return None
    booking = chat.conversation.booking
    naming = ACTS[found.act]
    chosen = naming.names == "" and (found.act in CHOOSING or ACTIONS[found.act] == "plan_sessions")
    if chosen and (booking is None or booking.card != found.card):
        return Decision(chat=chat, effects=acknowledge(event.press_id, "toast.old_card"))
    action = ACTIONS.get(found.act, "move_session" if booking is not None and booking.session else "book_session")
    subject = chat.around.subject if naming.names in ("session", "consent", "coachee") or chosen else None
    session, consent = chat.book.session, chat.book.consent if naming.names == "consent" else None
    missing = (naming.names in ("session", "consent") and session is None) or (
        naming.names == "coachee" and subject is None
    )
    year = local(now, chat.someone.timezone).year
    reason = "relation" if missing else why_not(chat, action, subject, year)
    if reason:
        return refusal(chat, event, action, reason, now, subject)
    if not chosen:
        chat = chat.evolve(conversation=chat.conversation.evolve(awaiting=None))
    press = Press(
        event=event,
        read=found,
        card=number_for(chat, found.card),
        action=action,
        session=session,
        subject=subject,
        consent=consent,
    )
    return HANDLERS[found.act](chat, press, now)


def commanded(chat: Chat, event: CommandSent, now: datetime) -> Decision:
    """/agenda: the sessions that concern the person, on a card of its own."""
    if reason := refused("agenda", chat.someone.user_id, chat.around.roles):
        return refusal(chat, event, "agenda", reason, now)
    return at_the_bottom(chat, session_cards.agenda(chat, 0, 0, now))


def booking(chat: Chat, event: CommandSent, now: datetime) -> Decision:
    """/book: a coach says for whom."""
    if reason := refused("coachees", chat.someone.user_id, chat.around.roles):
        return refusal(chat, event, "plan_sessions", reason, now)
    return at_the_bottom(chat, session_cards.for_whom(chat))


def said(chat: Chat, event: TextSent, now: datetime) -> Decision:
    """The words that a card about sessions asked for."""
    awaited = chat.conversation.awaiting or ""
    return SAID[awaited](chat, event, now)


def _agenda(chat: Chat, press: Press, now: datetime) -> Decision:
    page = page_of(press.argument)
    return shown(chat, press, session_cards.agenda(chat, press.card, page, now, press.subject))


def _card(chat: Chat, press: Press, now: datetime) -> Decision:
    return shown(chat, press, session_cards.card_of(chat, press.card, press.about, press.whose, now))


HANDLERS: dict[str, Handler] = {
    **{"agenda": _agenda, "theirs": _agenda, "card": _card},
    **calendars.HANDLERS,
    **session_life.HANDLERS,
    **consent_acts.HANDLERS,
    **session_history.HANDLERS,
    **session_brief.HANDLERS,
    **stock.HANDLERS,
    **hours.HANDLERS,
    **picking.HANDLERS,
    **planning.HANDLERS,
    **led.HANDLERS,
    **led_live.HANDLERS,
}
"""What each act does."""
SAID: dict[str, WordsHandler] = {
    **session_life.SAID,
    **consent_acts.SAID,
    **stock.SAID,
    **hours.SAID,
    **picking.SAID,
    **planning.SAID,
    **led_live.SAID,
}
"""What each kind of awaited words does."""
LEFT: dict[str, Callable[[Chat, datetime], Decision]] = {
    **{asking: partial(session_life.left, asking=asking) for asking in session_life.SAID},
    **consent_acts.LEFT,
    **dict.fromkeys(stock.SAID, stock.left),
    **dict.fromkeys(hours.SAID, hours.left),
    **dict.fromkeys(picking.SAID, picking.leave_words),
    **dict.fromkeys(planning.SAID, planning.left),
    **dict.fromkeys(led_live.SAID, led_live.asking_left),
}
"""What /cancel does while words are awaited."""
