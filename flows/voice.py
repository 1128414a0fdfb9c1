"""A voice message: written down where there is a model that can, shown back, and counted once confirmed."""

from __future__ import annotations

from datetime import datetime

from flows.answers import LONGEST_ANSWER
from flows.asking import position
from flows.conversation import text
from flows.documents import short
from flows.effects import (
    AnyEffect,
    Choice,
    Edit,
    Line,
    RequestTranscript,
    Say,
    Screen,
    Text,
    acknowledge,
    say,
    text_line,
)
from flows.events import ButtonPressed, MediaSent, TextSent, TranscriptFailed, TranscriptReady
from flows.led_questions import answered, name_of
from flows.moments import beside
from flows.putting import running
from flows.state import Chat, Decision, Heard

SPOKEN = ("voice", "audio", "video_note")
MOST_HEARD = 5
"""Voice messages that wait to be confirmed; older ones can be sent again."""
LONGEST_SHOWN = 450
"""Characters of what was heard that are shown back; all of it counts."""
LONGEST_SECONDS = 300
"""Longer than this is a talk, and no answer to one question."""


def sent(chat: Chat, event: MediaSent) -> Decision:
    """Something other than words came. What was spoken while a question is open is listened to."""
    if event.kind not in SPOKEN:
        return _not_understood(chat, "media.other")
    if not chat.helped or event.file_id is None:
        return _not_understood(chat, "media.voice")
    if running(chat) is None:
        return Decision(chat=chat, effects=(say("voice.no_question"),))
    if event.seconds > LONGEST_SECONDS:
        return failed(chat, TranscriptFailed(id=event.id, chat_id=event.chat_id, reason="too_long"))
    here = position(chat)
    assert here is not None
    question = chat.conversation.question
    asked = RequestTranscript(
        file_id=event.file_id,
        kind=event.kind,
        language=chat.someone.language,
        source=event.message_id or 0,
        step=here.step if question is None else name_of(question),
        index=here.index,
    )
    return Decision(chat=chat, effects=(say("voice.listening"), asked))


def ready(chat: Chat, event: TranscriptReady) -> Decision:
    """What was heard is shown back."""
    if running(chat) is None:
        return Decision(chat=chat, effects=(say("voice.no_question"),))
    heard = Heard(text=event.text[:LONGEST_ANSWER], source=event.source, step=event.step, index=event.index)
    waiting = (*(h for h in chat.conversation.heard if h.source != heard.source), heard)[-MOST_HEARD:]
    buttons = (
        Choice(data=f"v:{heard.source}:yes", label=Text(key="voice.yes")),
        Choice(data=f"v:{heard.source}:no", label=Text(key="voice.no")),
    )
    lines = (
        text_line("voice.heard"),
        Line(text=short(heard.text, LONGEST_SHOWN), style="quote"),
        text_line("voice.right"),
    )
    shown = Say(key=_key(heard), screen=Screen(lines=lines, choices=buttons, per_row=2))
    return Decision(chat=chat.evolve(conversation=chat.conversation.evolve(heard=waiting)), effects=(shown,))


def _key(heard: Heard) -> str:
    """The key of the message that shows what was heard."""
    return f"v{heard.source}"


def failed(chat: Chat, event: TranscriptFailed) -> Decision:
    """It could not be written down."""
    if event.reason == "unsupported":
        return _not_understood(chat, "media.voice")
    if event.reason == "too_long":
        return Decision(chat=chat, effects=(say("voice.too_long", minutes=LONGEST_SECONDS // 60),))
    return Decision(chat=chat, effects=(say(f"voice.{event.reason}"),))


def heard_in(chat: Chat, data: str) -> Heard | None:
    """What was heard that a button is about; None where it is none of ours, or nothing waits to be confirmed."""
    parts = data.split(":")
    if len(parts) != 3 or parts[0] != "v" or parts[2] not in ("yes", "no"):
        return None
    return next((h for h in chat.conversation.heard if str(h.source) == parts[1]), None)


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """Whether it was heard right. Where another question is open by now, what was heard is kept as a note."""
    heard, session, here = heard_in(chat, event.data), running(chat), position(chat)
    if heard is None or session is None or here is None:
        return None
    left = tuple(h for h in chat.conversation.heard if h != heard)
    chat = chat.evolve(conversation=chat.conversation.evolve(heard=left))
    lines = (Line(text=short(heard.text, LONGEST_SHOWN), style="quote"),)
    taken: tuple[AnyEffect, ...] = (*acknowledge(event.press_id), Edit(key=_key(heard), screen=Screen(lines=lines)))
    if event.data.endswith(":no"):
        return Decision(chat=chat, effects=(*taken, say("voice.again")))
    question = chat.conversation.question
    if question is not None and heard.step == name_of(question):
        decision = answered(chat, session, heard.text, heard.source, event, now)
        return decision.evolve(effects=(*taken, *decision.effects))
    if (heard.step, heard.index) != (here.step, here.index) or chat.conversation.holding == "reflection":
        decision = beside(chat, session, heard.text, heard.source, now)
        return decision.evolve(effects=(*taken, *decision.effects))
    spoken = TextSent(
        id=event.id,
        chat_id=event.chat_id,
        sender=event.sender,
        text=heard.text,
        message_id=heard.source,
        reading=event.reading,
    )
    decision = text(chat, session, spoken, now)
    return decision.evolve(effects=(*taken, *decision.effects))


def _not_understood(chat: Chat, key: str) -> Decision:
    """Kindly, what is understood. An open question stays open."""
    said = [say(key)]
    if running(chat) is not None:
        said.append(say("media.question_open"))
    return Decision(chat=chat, effects=tuple(said))
