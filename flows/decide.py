"""The one door: every event of every front end passes through `decide`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from flows import (
    asking,
    conversation,
    drafts,
    edits,
    listening,
    lookback,
    menu,
    moments,
    opening,
    plans,
    settling,
    summaries,
    voice,
)
from flows.changes import ModelUsed, PersonMet, ReachChanged
from flows.completing import go_on
from flows.effects import Acknowledge, AnyEffect, Choice, Line, Say, Screen, Text, acknowledge, say
from flows.errors import IllegalEventError
from flows.events import (
    AnyEvent,
    ButtonPressed,
    ChatBlocked,
    ChatUnblocked,
    CommandSent,
    EventFailed,
    FromModel,
    GroupSpoken,
    MediaSent,
    ReflectionFailed,
    ReflectionReady,
    Sender,
    Spoken,
    SummaryFailed,
    SummaryReady,
    TextEdited,
    TextSent,
    TimerFired,
    TranscriptFailed,
    TranscriptReady,
)
from flows.putting import running
from flows.state import Chat, Decision, Person
from flows.steps import STEPS
from flows.walk import replayed

SECOND_TAP = timedelta(seconds=10)
"""A button that begins a session does nothing more so long."""
COMMANDS = (
    "start",
    "session",
    "back",
    "skip",
    "why",
    "answers",
    "pause",
    "cancel",
    "plan",
    "settings",
    "language",
    "timezone",
    "help",
)
"""The commands of a coachee, in the order in which a client lists them."""

PRESSED: dict[str, Callable[[Chat, ButtonPressed, datetime], Decision | None]] = {
    "a": conversation.button,
    "d": drafts.pressed,
    "i": plans.pressed,
    "k": lookback.pressed,
    "l": menu.language_pressed,
    "m": menu.pressed,
    "v": voice.pressed,
    "w": opening.pressed,
    "z": menu.zone_pressed,
}
"""Whose a button is, by what its data begins with. Each gives None where the data is not one of theirs."""


def decide(chat: Chat, event: AnyEvent, now: datetime) -> Decision:
    """What follows from an event in a chat. Raises IllegalEventError where it cannot happen; nothing changes then."""
    decision = _decided(chat, event, now)
    if not isinstance(event, FromModel) or chat.person is None:
        return decision
    user_id, day = chat.person.user_id, now.astimezone(UTC).date()
    return decision.keeping(*(ModelUsed(user_id=user_id, day=day, spent=spent) for spent in event.spent))


def _decided(chat: Chat, event: AnyEvent, now: datetime) -> Decision:
    match event:
        case GroupSpoken():
            return Decision(chat=chat, effects=(say("group.private_only"),))
        case Spoken():
            return _spoken(chat, event, now)
    if chat.person is None:
        if isinstance(event, ChatBlocked | ChatUnblocked):
            return Decision(chat=chat)
        if isinstance(event, EventFailed):
            return _failed(chat, event, now)
        raise IllegalEventError(type(event).__name__, "nobody is known in this chat")
    match event:
        case TimerFired(kind="summary"):
            return summaries.again(chat, event)
        case TimerFired(kind="confirm"):
            return drafts.reminded(chat, event, now)
        case TimerFired(kind="breath"):
            return settling.ticked(chat, event, now)
        case TimerFired(kind="resume"):
            return conversation.left_lying(chat, event, now)
        case TimerFired():
            return plans.due(chat, event, now)
        case SummaryReady():
            return summaries.ready(chat, event, now)
        case SummaryFailed():
            return summaries.failed(chat, event, now)
        case ReflectionReady():
            return listening.ready(chat, event, now)
        case ReflectionFailed():
            return listening.failed(chat, event, now)
        case TranscriptReady():
            return voice.ready(chat, event)
        case TranscriptFailed():
            return voice.failed(chat, event)
        case ChatBlocked():
            return _reach(chat, event.at)
        case ChatUnblocked():
            return _reach(chat, None)
        case EventFailed():
            return _failed(chat, event, now)
    raise IllegalEventError(type(event).__name__)


def needs_plan(chat: Chat, event: AnyEvent) -> bool:
    """Whether deciding the event takes the person's action items and timers, too.

    Words in an open session, which are most of what happens, do not.
    """
    if isinstance(event, TextSent | TextEdited):
        return running(chat) is None or chat.conversation.awaiting is not None
    if isinstance(event, ButtonPressed):
        return not event.data.startswith("a:")
    return isinstance(event, CommandSent | TimerFired | SummaryReady | SummaryFailed)


def _spoken(chat: Chat, event: Spoken, now: datetime) -> Decision:
    """A person did something: met if new, reachable again if they were not."""
    if chat.person is None:
        return _met(chat, event, now)
    chat = _up_to_date(chat)
    session = running(chat)
    if chat.someone.unreachable_since is not None and isinstance(event, TextSent) and session is not None:
        decision = conversation.missed(chat, session, event, now)
    else:
        decision = _said(chat, event, now)
    if decision.chat.someone.unreachable_since is not None:
        back = _reach(decision.chat, None)
        decision = decision.evolve(chat=back.chat).keeping(*back.changes)
    return decision


def _up_to_date(chat: Chat) -> Chat:
    """A session that was begun when the table had other steps goes on at the first question that has no answer."""
    session = chat.conversation.session
    if session is None or session.position is None:
        return chat
    known = {turn.n for kept in chat.answers.values() for turn in kept.turns if turn.step in STEPS}
    if session.position.step in STEPS and known.issuperset(session.trail) and known.issuperset(session.spare):
        return chat
    session = session.evolve(spare=tuple(n for n in session.spare if n in known))
    session, answers = replayed(session, chat.answers, tuple(n for n in session.trail if n in known))
    return chat.evolve(answers=answers, conversation=chat.conversation.evolve(session=session))


def _met(chat: Chat, event: Spoken, now: datetime) -> Decision:
    """A person nobody knew: /session begins at once, anything else is welcomed with the menu card."""
    person = _person(event)
    met = PersonMet(
        user_id=person.user_id,
        telegram_id=chat.chat_id,
        name=person.name,
        language=person.language,
        timezone=person.timezone,
    )
    chat = chat.evolve(person=person)
    if isinstance(event, CommandSent) and event.name not in ("start", "help"):
        decision = _said(chat, event, now)
    else:
        card = menu.show(chat, "home", now)
        decision = card.evolve(effects=(say("welcome", name=person.name), *card.effects))
        if isinstance(event, ButtonPressed) and event.press_id:
            decision = decision.then(Acknowledge(press_id=event.press_id))
    return decision.evolve(changes=(met, *decision.changes))


def _person(event: Spoken) -> Person:
    sender: Sender = event.sender
    return Person(
        user_id=event.derived("user"),
        name=sender.name,
        language=sender.language,
        timezone=sender.timezone or "UTC",
    )


def _said(chat: Chat, event: Spoken, now: datetime) -> Decision:
    if _turns_away(event):
        chat, closing = drafts.unasked(chat, now)
        decision = _done(chat, event, now)
        return decision.evolve(effects=(*closing, *decision.effects)) if closing else decision
    return _done(chat, event, now)


def _turns_away(event: Spoken) -> bool:
    """Whether a person turns to something else than what the plan's card asks for."""
    if isinstance(event, CommandSent):
        return event.name not in ("cancel", "back")
    return isinstance(event, ButtonPressed) and not event.data.startswith("d:")


def _done(chat: Chat, event: Spoken, now: datetime) -> Decision:
    match event:
        case CommandSent():
            return _command(chat, event, now)
        case ButtonPressed():
            return _button(chat, event, now)
        case TextEdited():
            return edits.edited(chat, event, now)
        case TextSent():
            return _text(chat, event, now)
        case MediaSent():
            return voice.sent(chat, event)
    raise IllegalEventError(type(event).__name__)


def _command(chat: Chat, event: CommandSent, now: datetime) -> Decision:
    asking = chat.conversation.awaiting
    chat = chat.evolve(conversation=chat.conversation.evolve(awaiting=None))
    match event.name:
        case "cancel" if asking == "timezone":
            return Decision(chat=chat, effects=(say("zone.left"),))
        case "cancel" | "back" if asking == "item":
            return drafts.left(chat, now)
        case "start" | "menu":
            return menu.show(chat, "home", now)
        case "session":
            return conversation.wanted(chat, event, now)
        case "back":
            steps = event.argument if event.argument.isdecimal() else "1"
            return conversation.back(chat, now, max(1, int(steps[:4])))
        case "skip":
            return conversation.skip(chat, now)
        case "why":
            return moments.why(chat, now)
        case "advice":
            return moments.advice(chat, now)
        case "answers":
            return lookback.show(chat)
        case "pause":
            return conversation.pause(chat, now)
        case "cancel" | "stop":
            return conversation.stop(chat, now)
        case "plan":
            return menu.show(chat, "plan", now)
        case "settings":
            return menu.show(chat, "settings", now)
        case "language" if event.argument:
            return menu.language(chat, event.reading.language, now)
        case "language":
            return menu.show(chat, "language", now)
        case "timezone" if event.argument:
            return menu.timezone(chat, event.reading, now)
        case "timezone":
            return menu.show(chat, "zone", now)
        case "help":
            return menu.show(chat, "help", now)
    unknown = Line(text=Text(key="command.unknown", args={"name": event.name[:32]}))
    button = Choice(data="m:0:home", label=Text(key="button.menu"))
    return Decision(chat=chat, effects=(Say(screen=Screen(lines=(unknown,), choices=(button,))),))


def _button(chat: Chat, event: ButtonPressed, now: datetime) -> Decision:
    match event.data:
        case "s:session" if _begun_just_now(chat, now):  # a second tap
            return Decision(chat=chat, effects=acknowledge(event.press_id, "media.question_open"))
        case "s:session":
            decision: Decision | None = conversation.begin(chat, event, now)
        case data if data == asking.session_data(chat, "come_back"):
            decision = conversation.come_back(chat, now)
        case data if data == asking.session_data(chat, "stop"):
            decision = conversation.stop(chat, now)
        case "s:settled":
            decision = settling.pressed(chat, now)
        case data if (pressed := PRESSED.get(data.partition(":")[0])) is not None:
            return pressed(chat, event, now) or _unknown_press(chat, event)
        case _:
            decision = None
    if decision is None:
        return _unknown_press(chat, event)
    if event.press_id is None:
        return decision
    return decision.evolve(effects=(Acknowledge(press_id=event.press_id), *decision.effects))


def _begun_just_now(chat: Chat, now: datetime) -> bool:
    session = running(chat)
    return session is not None and not session.trail and now - session.begun_at < SECOND_TAP


def _unknown_press(chat: Chat, event: ButtonPressed) -> Decision:
    """A button that is none of ours, or of something that is no more: nothing changes, and the press is answered."""
    if event.press_id is None:
        return Decision(chat=chat)
    return Decision(chat=chat, effects=(Acknowledge(press_id=event.press_id, text=Text(key="toast.unknown")),))


def _text(chat: Chat, event: TextSent, now: datetime) -> Decision:
    session = running(chat)
    if chat.conversation.awaiting == "timezone" and (session is None or event.reading.zones):
        return menu.timezone(chat, event.reading, now)
    if chat.conversation.awaiting == "item":
        return drafts.said(chat, event.text, event.reading, now)
    if session is not None:
        return conversation.text(chat, session, event, now)
    card = menu.show(chat, "home", now)
    left = chat.conversation.session
    paused = left is not None and left.phase in ("paused", "stopped")
    return card.evolve(effects=(say("idle.paused" if paused else "idle"), *card.effects))


def _failed(chat: Chat, event: EventFailed, now: datetime) -> Decision:
    """Something of this chat could not be handled; the person is told what they need to know of it.

    A question that was held back is put: what it waited for may be what failed.
    """
    told: list[AnyEffect] = [say("failed" if event.spoken else "failed.inside")]
    if event.press_id is not None:
        told.append(Acknowledge(press_id=event.press_id))
    decision = Decision(chat=chat, effects=tuple(told))
    held = running(chat) is not None and chat.conversation.holding == "reflection"
    return go_on(decision, now, fresh=True) if held else decision


def _reach(chat: Chat, since: datetime | None) -> Decision:
    person = chat.someone
    if (person.unreachable_since is None) == (since is None):
        return Decision(chat=chat)
    change = ReachChanged(user_id=person.user_id, unreachable_since=since)
    return Decision(chat=chat.evolve(person=person.evolve(unreachable_since=since)), changes=(change,))
