"""The one door: every event of every front end passes through `decide`."""

from __future__ import annotations

from datetime import datetime

from flows import conversation, corrections, menu, plans, summaries
from flows.changes import PersonMet, ReachChanged
from flows.effects import Acknowledge, AnyEffect, Choice, Line, Say, Screen, Text, say
from flows.errors import IllegalEventError
from flows.events import (
    AnyEvent,
    ButtonPressed,
    ChatBlocked,
    ChatUnblocked,
    CommandSent,
    EventFailed,
    GroupSpoken,
    MediaSent,
    Sender,
    Spoken,
    SummaryFailed,
    SummaryReady,
    TextEdited,
    TextSent,
    TimerFired,
)
from flows.state import Chat, Decision, Person

COMMANDS = ("start", "session", "back", "pause", "cancel", "plan", "timezone", "help")
"""The commands of a coachee, in the order in which a client lists them."""


def decide(chat: Chat, event: AnyEvent, now: datetime) -> Decision:
    """What follows from an event in a chat. Raises IllegalEventError where it cannot happen; nothing changes then."""
    match event:
        case GroupSpoken():
            return Decision(chat=chat, effects=(say("group.private_only"),))
        case Spoken():
            return _spoken(chat, event, now)
    if chat.person is None:
        if isinstance(event, ChatBlocked | ChatUnblocked):
            return Decision(chat=chat)
        if isinstance(event, EventFailed):
            return _failed(chat, event)
        raise IllegalEventError(type(event).__name__, "nobody is known in this chat")
    match event:
        case TimerFired(kind="summary"):
            return summaries.again(chat, event)
        case TimerFired():
            return plans.due(chat, event, now)
        case SummaryReady():
            return summaries.ready(chat, event)
        case SummaryFailed():
            return summaries.failed(chat, event, now)
        case ChatBlocked():
            return _reach(chat, event.at)
        case ChatUnblocked():
            return _reach(chat, None)
        case EventFailed():
            return _failed(chat, event)
    raise IllegalEventError(type(event).__name__)


def needs_plan(chat: Chat, event: AnyEvent) -> bool:
    """Whether deciding the event takes the person's action items and timers, too.

    Words in an open session, which are most of what happens, do not.
    """
    if isinstance(event, TextSent | TextEdited):
        return conversation.running(chat) is None or chat.conversation.awaiting is not None
    if isinstance(event, ButtonPressed):
        return not event.data.startswith("a:")
    return isinstance(event, CommandSent | TimerFired | MediaSent)


def _spoken(chat: Chat, event: Spoken, now: datetime) -> Decision:
    """A person did something: met if new, reachable again if they were not."""
    if chat.person is None:
        return _met(chat, event, now)
    session = conversation.running(chat)
    if chat.person.unreachable_since is not None and isinstance(event, TextSent) and session is not None:
        decision = conversation.missed(chat, session, event, now)
    else:
        decision = _said(chat, event, now)
    if decision.chat.someone.unreachable_since is not None:
        back = _reach(decision.chat, None)
        decision = decision.evolve(chat=back.chat).keeping(*back.changes)
    return decision


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
    match event:
        case CommandSent():
            return _command(chat, event, now)
        case ButtonPressed():
            return _button(chat, event, now)
        case TextEdited():
            return corrections.edited(chat, event, now)
        case TextSent():
            return _text(chat, event, now)
        case MediaSent():
            return _media(chat, event)
    raise IllegalEventError(type(event).__name__)


def _command(chat: Chat, event: CommandSent, now: datetime) -> Decision:
    asking_zone = chat.conversation.awaiting == "timezone"
    chat = chat.evolve(conversation=chat.conversation.evolve(awaiting=None))
    match event.name:
        case "cancel" if asking_zone:
            return Decision(chat=chat, effects=(say("zone.left"),))
        case "start":
            return menu.show(chat, "home", now)
        case "session":
            return conversation.begin(chat, event, now)
        case "back":
            return conversation.back(chat, now)
        case "pause":
            return conversation.pause(chat, now)
        case "cancel":
            return conversation.stop(chat, now)
        case "plan":
            return menu.show(chat, "plan", now)
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
        case "s:session":
            decision: Decision | None = conversation.begin(chat, event, now)
        case "s:come_back":
            decision = conversation.come_back(chat, now)
        case data if data.startswith("a:"):
            return conversation.button(chat, event, now) or _unknown_press(chat, event)
        case data if data.startswith("i:"):
            return plans.pressed(chat, event, now) or _unknown_press(chat, event)
        case data if data.startswith("m:"):
            return menu.pressed(chat, event, now) or _unknown_press(chat, event)
        case data if data.startswith("z:"):
            return menu.zone_pressed(chat, event, now) or _unknown_press(chat, event)
        case _:
            decision = None
    if decision is None:
        return _unknown_press(chat, event)
    if event.press_id is None:
        return decision
    return decision.evolve(effects=(Acknowledge(press_id=event.press_id), *decision.effects))


def _unknown_press(chat: Chat, event: ButtonPressed) -> Decision:
    """A button that is none of ours, or of something that is no more: nothing changes, and the press is answered."""
    if event.press_id is None:
        return Decision(chat=chat)
    return Decision(chat=chat, effects=(Acknowledge(press_id=event.press_id, text=Text(key="toast.unknown")),))


def _text(chat: Chat, event: TextSent, now: datetime) -> Decision:
    session = conversation.running(chat)
    if chat.conversation.awaiting == "timezone" and (session is None or event.reading.zones):
        return menu.timezone(chat, event.reading, now)
    if session is not None:
        return conversation.text(chat, session, event, now)
    card = menu.show(chat, "home", now)
    left = chat.conversation.session
    paused = left is not None and left.phase in ("paused", "stopped")
    return card.evolve(effects=(say("idle.paused" if paused else "idle"), *card.effects))


def _media(chat: Chat, event: MediaSent) -> Decision:
    """Pictures, voice and the like: kindly, what is understood today. An open question stays open."""
    key = "media.voice" if event.kind in ("voice", "audio", "video_note") else "media.other"
    said = [say(key)]
    if conversation.running(chat) is not None:
        said.append(say("media.question_open"))
    return Decision(chat=chat, effects=tuple(said))


def _failed(chat: Chat, event: EventFailed) -> Decision:
    """Something of this chat could not be handled; the person is told what they need to know of it."""
    told: list[AnyEffect] = [say("failed" if event.spoken else "failed.inside")]
    if event.press_id is not None:
        told.append(Acknowledge(press_id=event.press_id))
    return Decision(chat=chat, effects=tuple(told))


def _reach(chat: Chat, since: datetime | None) -> Decision:
    person = chat.someone
    if (person.unreachable_since is None) == (since is None):
        return Decision(chat=chat)
    change = ReachChanged(user_id=person.user_id, unreachable_since=since)
    return Decision(chat=chat.evolve(person=person.evolve(unreachable_since=since)), changes=(change,))
