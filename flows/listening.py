"""The coach's ear: after an open answer a model may say it back in one sentence, and choose the wording that is next.

Code decides, the model picks and writes. Which question comes next, and in which wordings it may be put, is code; the
model names one of those. Its sentence is said only if `said_back` finds nothing against it: it is short, in the words
of the coachee, with no question, no advice and no word of its own. The question is held back for LISTEN_SECONDS at
most; with the model late, wrong, down or absent the next question comes plainly, and nobody notices.

The model is given the last answer, the few before it, and the topic. Nothing of another person is within its reach.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from flows.answers import Given
from flows.asking import position, question, wordings
from flows.comparing import alike, holds, plain
from flows.completing import go_on
from flows.effects import Line, RequestReflection, Text
from flows.events import ReflectionFailed, ReflectionReady
from flows.putting import asked, running
from flows.records import Record
from flows.state import Chat, Decision, Turn
from flows.steps import STEPS, Scale, Stage, Words
from flows.walk import counting, stage_of

LISTEN_SECONDS = 4.0
"""How long the next question waits for the model."""
LONGEST_REFLECTION = 200
FEWEST_WORDS = 3
"""A shorter answer leaves nothing to say back."""
TURNS_GIVEN = 4
"""Answers that the model is given: the last one and those just before it."""
LONGEST_GIVEN = 600
"""Characters of each of them."""


class WrittenReflection(BaseModel):
    """What the model gives back."""

    model_config = ConfigDict(extra="forbid")

    question: str
    reflection: str


class Hearing(Record):
    """What the model is given of one chat. `questions` are the wordings it may choose from, by key."""

    language: str
    topic: str
    answer: str
    before: tuple[str, ...]
    questions: dict[str, Text]


def wanted(before: Chat, chat: Chat, given: Given) -> bool:
    """Whether the model is to listen to the answer that led from one chat to the other.

    Not where the next question is another stage's, reads something back, or is a choice between buttons.
    """
    was, session = before.conversation.session, chat.conversation.session
    if (
        not (chat.helped and chat.listens)
        or was is None
        or session is None
        or was.position is None
        or session.position is None
    ):
        return False
    answered, following = STEPS[was.position.step], STEPS[session.position.step]
    open_answer = isinstance(answered.takes, Words) and given.choice is None and given.sense is None
    return (
        open_answer
        and len(given.text.split()) >= FEWEST_WORDS
        and answered.stage == following.stage == stage_of(session)
        and isinstance(following.takes, Words | Scale)
    )


def begin(decision: Decision) -> Decision:
    """The next question has its number, and is held back until the model has listened or its time is over."""
    conversation = decision.chat.conversation
    number = conversation.asked + 1
    chat = decision.chat.evolve(conversation=conversation.evolve(asked=number, holding="reflection", fresh=True))
    return decision.evolve(chat=chat).then(RequestReflection(number=number))


def hearing(chat: Chat, number: int) -> Hearing | None:
    """What the model is given; None where the question does not wait any more."""
    session = running(chat)
    if session is None or chat.conversation.holding != "reflection" or chat.conversation.asked != number:
        return None
    if not chat.someone.model_help:  # they have changed their mind since
        return None
    said = [turn.text for turn in counting(session, chat.answers) if _in_words(turn)][-TURNS_GIVEN:]
    if not said:
        return None
    starting = chat.answers.get(Stage.STARTING_POINT)
    return Hearing(
        language=chat.someone.language,
        topic=str((starting.fields.get("topic") if starting else None) or "")[:LONGEST_GIVEN],
        answer=said[-1][:LONGEST_GIVEN],
        before=tuple(text[:LONGEST_GIVEN] for text in said[:-1]),
        questions={key: _text(question(chat, key)) for key in wordings(chat)},
    )


def _text(line: Line) -> Text:
    assert isinstance(line.text, Text)
    return line.text


def _in_words(turn: Turn) -> bool:
    return isinstance(STEPS[turn.step].takes, Words) and turn.choice is None and turn.sense is None


def request(given: Hearing, words: Callable[[Text], str], prompt: str) -> list[dict[str, str]]:
    """The messages for the model: the prompt, which is always the same, first."""
    told = {
        "language": given.language,
        "topic": given.topic,
        "before": list(given.before),
        "answer": given.answer,
        "questions": [{"id": key, "text": words(text)} for key, text in given.questions.items()],
    }
    return [
        {"role": "system", "content": prompt},
        {"role": "user", "content": json.dumps(told, ensure_ascii=False)},
    ]


def schema(given: Hearing) -> dict[str, Any]:
    """The JSON schema of what the model gives back: one of the wordings, then a sentence."""
    return {
        "type": "object",
        "properties": {
            "question": {"type": "string", "enum": list(given.questions)},
            "reflection": {"type": "string"},
        },
        "required": ["question", "reflection"],
        "additionalProperties": False,
    }


class Manner(Record):
    """The words of a language by which a sentence is judged, as they are compared. An entry may end in "*".

    `function` carries no meaning of its own; `leads` are what a sentence may begin with, so that it is about the
    coachee and no order; `forbidden` begins advice, praise or judgement. Where `harm` is said, no model is asked.
    """

    function: frozenset[str]
    negations: frozenset[str]
    leads: frozenset[str]
    forbidden: frozenset[str]
    harm: frozenset[str]


def may_be_heard(given: Hearing, manner: Manner) -> bool:
    """Whether a model may be asked at all: not where somebody may come to harm, nor where orders are given to it."""
    return not any(holds(plain(part), manner.harm) for part in (given.answer, *given.before))


def understood(content: str, given: Hearing, manner: Manner) -> dict[str, str] | None:
    """The reflection, its language and the wording that the model's JSON gives; None where it cannot be used.

    A sentence that may not be said is left out ("").
    """
    try:
        written = WrittenReflection.model_validate_json(content)
    except ValidationError:
        return None
    if written.question not in given.questions:
        return None
    said = said_back(written.reflection, given, manner)
    return {"reflection": said, "wording": written.question, "language": given.language}


def said_back(sentence: str, given: Hearing, manner: Manner) -> str:
    """The sentence, if it may be said to the coachee; else "".

    Every word of it is the coachee's or carries no meaning of its own; it denies something if and only if the answer
    does; it begins as a sentence about the coachee; and it is one short sentence without a question or a link.
    """
    text = " ".join("".join(c for c in sentence if unicodedata.category(c)[0] != "C").split())
    if not text or len(text) > LONGEST_REFLECTION or any(mark in text for mark in "?？؟¿!！<>{}[]|`*_@#/\\"):
        return ""
    if len(re.findall(r"[.।。…](?:\s|$)", text)) > 1:
        return ""
    said = plain(text)
    if holds(said, manner.forbidden) or holds(said, manner.harm) or not _begins(said, manner.leads):
        return ""
    words, answer = said.split(), plain(given.answer).split()
    if any(w in manner.negations for w in words) != any(w in manner.negations for w in answer):
        return ""
    own = {word for part in (given.answer, given.topic, *given.before) for word in plain(part).split()}
    meaning = [word for word in words if word not in manner.function and word not in manner.negations]
    return text if meaning and all(any(alike(word, one) for one in own) for word in meaning) else ""


def _begins(said: str, phrases: frozenset[str]) -> bool:
    return any(said.startswith(p[:-1]) if p.endswith("*") else f"{said} ".startswith(f"{p} ") for p in phrases)


def ready(chat: Chat, event: ReflectionReady, now: datetime) -> Decision:
    """The model has listened in time: the question is put with its sentence, in the wording it chose."""
    if not _waits(chat, event.number):
        return Decision(chat=chat)
    if position(chat) is None or event.wording not in wordings(chat):  # an answer was corrected meanwhile
        return go_on(Decision(chat=chat), now, fresh=True)
    said = event.reflection if event.language == chat.someone.language else ""
    return asked(Decision(chat=chat), now, fresh=True, wording=event.wording, reflection=said)


def failed(chat: Chat, event: ReflectionFailed, now: datetime) -> Decision:
    """It has not: the next question comes plainly."""
    if not _waits(chat, event.number):
        return Decision(chat=chat)
    return go_on(Decision(chat=chat), now, fresh=True)


def _waits(chat: Chat, number: int) -> bool:
    conversation = chat.conversation
    return running(chat) is not None and conversation.holding == "reflection" and conversation.asked == number
