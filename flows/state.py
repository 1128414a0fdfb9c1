"""One chat as it is loaded for a decision: the person, the conversation, and what the event at hand needs besides.

`Conversation` is what is stored as the conversation's state. The answers are not in it: they are rows of
`stage_responses`, loaded with it, and the only place where a coachee's words are kept.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from flows.changes import ActionStatus, AnyChange
from flows.documents import Document
from flows.effects import AnyEffect
from flows.records import Record


class Person(Record):
    """A user, as decisions need to know them."""

    user_id: UUID
    name: str
    language: str = "en"
    timezone: str = "UTC"
    unreachable_since: datetime | None = None


class Turn(Record):
    """Something the coachee said in a session, as it was said. Never rewritten: a corrected answer is a new turn.

    `n` counts the session's turns from 1. `kind`: an `answer` counts; a `correction` is an answer that takes the
    place of turn `replaces`; an `aside` was said but does not answer the question, and is kept all the same.
    `parts` are the messages (their source and words) that a longer answer was written in.
    `value` is the typed answer: a number, an ISO date, a code, codes; None where the words are the answer.
    `choice` is the code of the button pressed. `source` is the front end's id of the message.
    """

    n: int
    step: str
    text: str
    at: datetime
    question: str
    index: int = 0
    kind: Literal["answer", "correction", "aside"] = "answer"
    value: int | str | tuple[str, ...] | None = None
    choice: str | None = None
    source: int | None = None
    replaces: int | None = None
    parts: tuple[tuple[int | None, str], ...] = ()


class StageAnswers(Record):
    """A row of `stage_responses`: the typed fields, and the turns."""

    fields: dict[str, Any] = {}
    turns: tuple[Turn, ...] = ()


class Position(Record):
    """A step, which round of it (its `index` in a list), and where a detour returns to."""

    step: str
    index: int = 0
    returns: str | None = None


class Review(Record):
    """An earlier action that this session reviews, as it stood before."""

    action_id: UUID
    title: str
    status: ActionStatus = "pending"
    due: date | None = None


class Session(Record):
    """The coaching session that a conversation is in, or was in last.

    `trail` lists the turns that count, in order: what was answered on the way to `position`. `position` is None once
    the last question is answered. `opened` is the furthest stage whose opening was said.
    """

    session_id: UUID
    begun_at: datetime
    since: datetime
    session_type: Literal["self_coaching", "coach_led"] = "self_coaching"
    phase: Literal["open", "paused", "stopped", "complete"] = "open"
    position: Position | None = None
    trail: tuple[int, ...] = ()
    turns: int = 0
    opened: int = 0
    reviewing: tuple[Review, ...] = ()
    summary: Literal["none", "asked", "late", "written"] = "none"


class Conversation(Record):
    """The state of one chat, stored as JSON.

    `asked` numbers the questions put in this chat, for good: a button carries the number of its question, so one of
    an earlier question is recognised as old. `opening`: the open question was put with its stage's opening.
    `fresh`: it was put because of the last turn that counts, and not again after a pause or a step back.
    `picks` are the choices (code, label) marked so far where several may be chosen. `cards` counts the menu cards.
    `awaiting` names what the next words are for, outside a session.
    """

    asked: int = 0
    opening: bool = False
    fresh: bool = False
    cards: int = 0
    picks: tuple[tuple[str, str], ...] = ()
    awaiting: Literal["timezone"] | None = None
    session: Session | None = None


class ActionItem(Record):
    """An action item that is kept."""

    action_id: UUID
    session_id: UUID
    title: str
    status: ActionStatus
    due: date | None
    done_on: date | None = None


class Timer(Record):
    """A timer that has not fired."""

    key: str
    kind: str
    subject: UUID
    due_at: datetime
    wall: str | None = None
    attempt: int = 0


class Chat(Record):
    """Everything a decision may look at. `answers` maps the stage number to what was said in it.

    `model`: a language model writes the summaries here. `summary` is the person's newest one, where it is loaded.
    """

    chat_id: int
    person: Person | None = None
    conversation: Conversation = Conversation()
    answers: dict[int, StageAnswers] = {}
    model: bool = False
    summary: Document | None = None
    actions: tuple[ActionItem, ...] = ()
    timers: tuple[Timer, ...] = ()

    @property
    def someone(self) -> Person:
        """The person, where a decision can only be about a known one."""
        assert self.person is not None
        return self.person


class Decision(Record):
    """What follows from an event."""

    chat: Chat
    changes: tuple[AnyChange, ...] = ()
    effects: tuple[AnyEffect, ...] = ()

    def then(self, *effects: AnyEffect) -> Decision:
        """The same decision with more effects at its end."""
        return self.evolve(effects=self.effects + effects)

    def keeping(self, *changes: AnyChange) -> Decision:
        """The same decision with more changes at its end."""
        return self.evolve(changes=self.changes + changes)
