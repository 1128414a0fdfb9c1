"""The one door: every event of every front end passes through `decide`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from flows import (
    agenda,
    asking,
    calendars,
    cards,
    consent_acts,
    consent_times,
    conversation,
    drafts,
    edits,
    homes,
    invites,
    joining,
    led,
    led_news,
    led_questions,
    listening,
    lookback,
    menu,
    moments,
    notices,
    opening,
    picking,
    plans,
    privacy,
    session_times,
    settling,
    sharing,
    summaries,
    voice,
)
from flows.changes import ModelUsed, ReachChanged, RoleGranted
from flows.completing import go_on
from flows.effects import Acknowledge, AnyEffect, Choice, Line, Say, Screen, ShowCommands, Text, acknowledge, say
from flows.errors import IllegalEventError, NobodyHereError
from flows.events import (
    AnyEvent,
    ButtonPressed,
    CalendarFailed,
    CalendarWritten,
    ChatBlocked,
    ChatUnblocked,
    CommandSent,
    EventFailed,
    FeedMinted,
    FromModel,
    GroupSpoken,
    InviteOpened,
    LinkMinted,
    MediaSent,
    PlaceSent,
    Reading,
    ReflectionFailed,
    ReflectionReady,
    Spoken,
    SummaryFailed,
    SummaryReady,
    TextEdited,
    TextSent,
    TimerFired,
    TranscriptFailed,
    TranscriptReady,
)
from flows.people import Circle
from flows.putting import running
from flows.state import Chat, Decision, person_changed
from flows.steps import STEPS
from flows.walk import replayed

SECOND_TAP = timedelta(seconds=10)
"""A button that begins a session does nothing more so long."""
PRESSED: dict[str, Callable[[Chat, ButtonPressed, datetime], Decision | None]] = {
    "a": conversation.button,
    "b": agenda.pressed,
    "d": drafts.pressed,
    "h": sharing.pressed,
    "i": plans.pressed,
    "j": joining.pressed,
    "k": lookback.pressed,
    "l": menu.language_pressed,
    "m": menu.pressed,
    "n": notices.pressed,
    "p": cards.pressed,
    "q": led_questions.pressed,
    "v": voice.pressed,
    "w": opening.pressed,
    "x": privacy.pressed,
    "z": menu.zone_pressed,
}
"""Whose a button is, by what its data begins with. Each gives None where the data is not one of theirs."""


def decide(chat: Chat, event: AnyEvent, now: datetime) -> Decision:
    """What follows from an event in a chat. Raises IllegalEventError where it cannot happen; nothing changes then."""
    decision = led_news.followed(chat, _decided(chat, event, now), event, now)
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
        if isinstance(event, EventFailed) and event.spoken:
            return _failed(chat, event, now)
        raise NobodyHereError(type(event).__name__)
    match event:
        case LinkMinted():
            return invites.minted(chat, event)
        case FeedMinted():
            return calendars.minted(chat, event, now)
        case CalendarWritten():
            return calendars.written(chat, event)
        case CalendarFailed():
            return calendars.failed(chat, event, now)
        case TimerFired(kind="calendar"):
            return calendars.again(chat, event)
        case TimerFired(kind="erase"):
            return privacy.erased(chat, event, now)
        case TimerFired(kind="erase_soon"):
            return privacy.reminded(chat, event)
        case TimerFired(kind="session_begin"):
            return session_times.begun(chat, event, now)
        case TimerFired(kind="session_due"):
            return session_times.due(chat, event, now)
        case TimerFired(kind="session_lead"):
            return led.called(chat, event, now)
        case TimerFired(kind="session_question"):
            return led_questions.due(chat, event, now)
        case TimerFired(kind="consent_over"):
            return consent_times.over(chat, event, now)
        case TimerFired(kind="consent_call"):
            return consent_times.call(chat, event, now)
        case TimerFired(kind="consent_soon"):
            return consent_times.soon(chat, event, now)
        case TimerFired() if chat.someone.standing != "active":
            return notices.put_off(chat, event, now)
        case FromModel() if chat.someone.standing != "active":
            return _held_back(chat, event, now)
        case TimerFired(kind=kind) if kind in notices.KINDS:
            return notices.later(chat, event, now) or notices.counted(_notified(chat, event, now), event, now)
        case TimerFired(kind="summary"):
            return summaries.again(chat, event)
        case TimerFired(kind="breath"):
            return settling.ticked(chat, event, now)
        case TimerFired(kind="resume"):
            return conversation.left_lying(chat, event, now)
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
            return cards.unreachable(notices.kept(_reach(chat, event.at), now), chat, now)
        case ChatUnblocked():
            return _reach(chat, None)
        case EventFailed():
            return _failed(chat, event, now)
    raise IllegalEventError(type(event).__name__)


def _spoken(chat: Chat, event: Spoken, now: datetime) -> Decision:
    """A person did something: met if new, reachable again if they were not."""
    if chat.person is None:
        return privacy.of_nobody(chat, event) or _met(chat, event, now)
    before = chat.someone
    chat = _seen(_up_to_date(joining.vouched(chat, event)), now)
    session = running(chat)
    if isinstance(event, ButtonPressed) and (answered := invites.answered(chat, event, now)) is not None:
        decision = _joined(*answered, now)
    elif (at_the_door := privacy.anyhow(chat, event, now) or joining.gate(chat, event, now)) is not None:
        decision = at_the_door
        if isinstance(event, ButtonPressed) and event.data.startswith(("p:", "h:", "b:")):
            decision = decision.keeping(cards.refused_at_the_door(chat, event, now))
    elif chat.someone.unreachable_since is not None and isinstance(event, TextSent) and session is not None:
        decision = conversation.missed(chat, session, event, now)
    else:
        decision = _said(chat, event, now)
    if decision.chat.someone.unreachable_since is not None:
        back = _reach(decision.chat, None)
        decision = decision.evolve(chat=back.chat).keeping(*back.changes)
    is_now = person_changed(decision.chat.someone)
    return decision if is_now == person_changed(before) else decision.evolve(changes=(is_now, *decision.changes))


def _joined(decision: Decision, yes: bool, now: datetime) -> Decision:
    """What follows the answer to a link: the rest of the way in, or the menu of the new role."""
    chat, here = decision.chat, decision.chat.conversation.joining
    if chat.someone.standing in ("joining", "waiting"):
        stays = yes or chat.access == "open" or (here is not None and here.bound)
        onward = joining.go_on(chat, now) if stays else joining.left_outside(chat)
    elif yes:
        onward = menu.show(chat, "home", now)
    else:
        return decision
    return onward.evolve(changes=(*decision.changes, *onward.changes), effects=(*decision.effects, *onward.effects))


def _held_back(chat: Chat, event: FromModel, now: datetime) -> Decision:
    """A model answers for somebody who takes no part any more: nothing of it is kept or shown. A summary is asked for
    again when they are back; the question that waited is put then."""
    if isinstance(event, SummaryReady | SummaryFailed):
        return Decision(chat=chat, effects=(summaries.later(event.session_id, now),))
    held = chat.conversation.evolve(holding=None) if chat.conversation.holding == "reflection" else chat.conversation
    return Decision(chat=chat.evolve(conversation=held))


def _notified(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """What a notification says now, if what it is about still applies."""
    if event.kind == "confirm":
        return drafts.reminded(chat, event, now)
    if event.kind == "session_soon":
        return session_times.soon(chat, event, now)
    return plans.due(chat, event, now)


def _seen(chat: Chat, now: datetime) -> Chat:
    """The day on which they were here last; and whatever came to them has found them."""
    chat = notices.answered(chat)
    day = now.astimezone(UTC).date()
    if chat.conversation.seen == day:
        return chat
    return chat.evolve(conversation=chat.conversation.evolve(seen=day))


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
    """A person nobody knew. One who is vouched for goes straight in; all others are asked who they are."""
    if not event.sender.vouched:
        return joining.met(chat, event, now)
    chat, changes = joining.known(chat, event, "active")
    chat = chat.evolve(circle=Circle(roles=("coachee",)))
    if isinstance(event, CommandSent) and event.name not in ("start", "help"):
        decision = _said(_seen(chat, now), event, now)
    else:
        card = menu.show(_seen(chat, now), "home", now)
        decision = card.evolve(effects=(say("welcome", name=chat.someone.name), *card.effects))
        if isinstance(event, ButtonPressed) and event.press_id:
            decision = decision.then(Acknowledge(press_id=event.press_id))
    granted = RoleGranted(user_id=chat.someone.user_id, role="coachee")
    return decision.evolve(changes=(*changes, granted, *decision.changes))


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
        case MediaSent(kind="contact") if chat.conversation.awaiting == "phone":
            return consent_acts.number_said(chat, event, now)
        case MediaSent():
            return voice.sent(chat, event)
        case InviteOpened():
            return invites.opened(chat, event, now)
        case PlaceSent():
            return menu.timezone(chat, Reading(zones=event.zones), now)
    raise IllegalEventError(type(event).__name__)


def _command(chat: Chat, event: CommandSent, now: datetime) -> Decision:
    asking = chat.conversation.awaiting
    if asking == "coach_answer" and event.name in ("skip", "back", "cancel") and running(chat) is not None:
        return led_questions.left(chat, event, now)
    chat = chat.evolve(conversation=chat.conversation.evolve(awaiting=None))
    match event.name:
        case "cancel" if asking == "timezone":
            return Decision(chat=chat, effects=(say("zone.left"),))
        case "cancel" | "back" if asking == "quiet":
            return notices.left(chat)
        case "cancel" | "back" if asking == "item":
            return drafts.left(chat, now)
        case "cancel" | "back" if asking in agenda.LEFT:
            return agenda.LEFT[asking](chat, now)
        case "cancel" if running(chat) is None and (left := picking.put_back(chat, now)) is not None:
            return left
        case "start" | "menu":
            return menu.show(chat, "home", now)
        case "session":
            return _coached(
                chat, event, now, lambda chat: led.offered(chat, event, now) or conversation.wanted(chat, event, now)
            )
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
        case "privacy" | "export" | "delete":
            return privacy.asked(chat, event, now)
        case "human":
            return cards.human(chat, event, now)
        case "agenda":
            return agenda.commanded(chat, event, now)
        case "book":
            return agenda.booking(chat, event, now)
        case "coachees" | "family":
            return cards.listed(chat, event, now)
        case "people" if event.argument.strip():
            return cards.searched(chat, event, event.argument, now)
        case "people":
            return cards.listed(chat, event, now)
    unknown = Line(text=Text(key="command.unknown", args={"name": event.name[:32]}))
    button = Choice(data="m:0:home", label=Text(key="button.menu"))
    return Decision(chat=chat, effects=(Say(screen=Screen(lines=(unknown,), choices=(button,))),))


def _button(chat: Chat, event: ButtonPressed, now: datetime) -> Decision:
    match event.data:
        case "s:session" if _begun_just_now(chat, now):  # a second tap
            return Decision(chat=chat, effects=acknowledge(event.press_id, "media.question_open"))
        case "s:session":
            decision: Decision | None = _coached(
                chat, event, now, lambda chat: led.offered(chat, event, now) or conversation.begin(chat, event, now)
            )
        case data if data == asking.session_data(chat, "come_back"):
            decision = conversation.come_back(chat, now)
        case data if data == asking.session_data(chat, "stop"):
            decision = conversation.stop(chat, now)
        case data if data == led.return_data(chat):
            decision = led.returned(chat, now)
        case "s:settled":
            decision = settling.pressed(chat, now)
        case data if (pressed := PRESSED.get(data.partition(":")[0])) is not None:
            return pressed(chat, event, now) or _unknown_press(chat, event, now)
        case _:
            decision = None
    if decision is None:
        return _unknown_press(chat, event, now)
    if event.press_id is None:
        return decision
    return decision.evolve(effects=(Acknowledge(press_id=event.press_id), *decision.effects))


def _coached(chat: Chat, event: Spoken, now: datetime, begin: Callable[[Chat], Decision]) -> Decision:
    """A session begins; who is here as something else becomes a coachee with it, where anybody may begin."""
    roles = homes.roles_of(chat)
    if "coachee" in roles:
        return begin(chat)
    if chat.access == "invite":
        return cards.refusal(chat, event, "session", "role", now)
    if chat.someone.birth_year is None and not event.sender.vouched:
        return joining.become(chat, event, now)
    granted = RoleGranted(user_id=chat.someone.user_id, role="coachee")
    chat = chat.evolve(circle=chat.around.evolve(roles=("coachee", *roles)))
    commands = ShowCommands(roles=("coachee", *roles))
    return begin(chat.evolve(conversation=chat.conversation.evolve(view="coachee"))).keeping(granted).then(commands)


def _begun_just_now(chat: Chat, now: datetime) -> bool:
    session = running(chat)
    return session is not None and not session.trail and now - session.begun_at < SECOND_TAP


def _unknown_press(chat: Chat, event: ButtonPressed, now: datetime) -> Decision:
    """A button that is none of ours, or of something that is no more: it is answered, and the audit log has it."""
    return cards.refusal(chat, event, "press", "unknown", now)


def _text(chat: Chat, event: TextSent, now: datetime) -> Decision:
    session = running(chat)
    if chat.conversation.awaiting == "timezone" and (session is None or event.reading.zones):
        return menu.timezone(chat, event.reading, now)
    if chat.conversation.awaiting in ("people", "note"):
        return cards.said(chat, event, now)
    if chat.conversation.awaiting == "coach_answer" and session is not None:
        if not event.ahead:
            return led_questions.answered(chat, session, event.text, event.message_id, event, now)
        event = event.evolve(ahead=False)  # written before the coach's question could be seen: for the one before it
    if chat.conversation.awaiting in agenda.SAID:
        return agenda.said(chat, event, now)
    if chat.conversation.awaiting == "quiet" and (session is None or event.reading.hours):
        return notices.said(chat, event, now)
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
