"""Three guided breaths: one message that changes by the clock, then the question that waited for them."""

from __future__ import annotations

from datetime import datetime, timedelta

from flows.asking import wordings
from flows.completing import go_on
from flows.effects import Choice, Edit, Say, Screen, SetTimer, Text, text_line
from flows.events import TimerFired
from flows.putting import breath_key, running
from flows.state import Chat, Decision

BREATHS = 3
PHASES = (("in", 4), ("hold", 2), ("out", 5))
"""What to do in a breath, and for how many seconds. Half a minute in all."""
TIMER = "breath"
DONE = "s:settled"


def begin(decision: Decision, now: datetime) -> Decision:
    """The first breath. The question after it has its number, and is put when the breaths are over or not wanted."""
    conversation = decision.chat.conversation.evolve(
        asked=decision.chat.conversation.asked + 1,
        wording=wordings(decision.chat)[0],
        reflection="",
        holding="breaths",
        fresh=True,
        picks=(),
    )
    chat = decision.chat.evolve(conversation=conversation)
    return decision.evolve(chat=chat).then(Say(key=breath_key(chat), screen=_screen(0)), _timer(chat, 0, now))


def ticked(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """The next phase; after the last one the question. Nothing, where the coachee has gone on meanwhile."""
    session = running(chat)
    if session is None or session.session_id != event.subject or chat.conversation.holding != "breaths":
        return Decision(chat=chat)
    phase = event.attempt + 1
    if phase < BREATHS * len(PHASES):
        shown = Edit(key=breath_key(chat), screen=_screen(phase))
        return Decision(chat=chat, effects=(shown, _timer(chat, phase, now)))
    return over(chat, now)


def over(chat: Chat, now: datetime) -> Decision:
    """The breaths are over: the question that waited is put."""
    end = Edit(key=breath_key(chat), screen=Screen(lines=(text_line("breath.end"),)))
    return go_on(Decision(chat=chat, effects=(end,)), now, fresh=True)


def pressed(chat: Chat, now: datetime) -> Decision | None:
    """The coachee has breathed enough. None where no breaths are being taken."""
    if running(chat) is None or chat.conversation.holding != "breaths":
        return None
    return over(chat, now)


def _timer(chat: Chat, phase: int, now: datetime) -> SetTimer:
    session = chat.conversation.session
    assert session is not None
    seconds = PHASES[phase % len(PHASES)][1]
    return SetTimer(
        key=TIMER, kind=TIMER, subject=session.session_id, due_at=now + timedelta(seconds=seconds), attempt=phase
    )


def _screen(phase: int) -> Screen:
    number, part = divmod(phase, len(PHASES))
    name, seconds = PHASES[part]
    line = text_line(f"breath.{name}", n=number + 1, of=BREATHS, seconds=seconds)
    return Screen(lines=(line,), choices=(Choice(data=DONE, label=Text(key="breath.done")),))
