"""A fleet of simulated coachees: each reads its chat on the test's Bot API server and answers every new question.

A coachee knows what a person knows: the messages in the chat. A question is known by its text and its buttons, which
carry its number; a copy of one (a crash may send a message twice) is the same question and is not answered again.
What each said is kept, with the question it was said to, to be compared with what the product made of it; so is what
each decided about the items of the plan, which they confirm at the end.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from bot.texts import catalogue
from tests.arriving import Arriving
from tests.servers import BotApi
from tests.servers.bot_api_chats import ChatMessage

ASTRAY = frozenset({"not_yet", "not_quite", "other_day", "adjust", "none"})
"""Buttons that lead back; a coachee who pressed them often would never finish."""
SEVERAL_DONE = "that_is_it"
MOST_STEPS = 2
"""Steps of a plan. With more, the text of one question without buttons would come twice, like a copy."""
TAP_INSTEAD = 0.5
"""How often a coachee who may tap instead of writing does, or writes a number instead of tapping it."""
WRITE_A_DAY = 0.05
DROPPED = 0.2
"""How often an item of the plan is dropped."""
DAYS = ("tomorrow", "in 3 days", "in a week")


@cache
def questions() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The catalogue's questions: their keys, and what their texts look like with anything put into them."""
    texts = catalogue("en")._catalog  # type: ignore[attr-defined]
    found = {key: text for key, text in texts.items() if isinstance(key, str) and key.startswith("ask.")}
    return tuple((key, like(text)) for key, text in found.items())


def like(template: str) -> re.Pattern[str]:
    """A pattern of the texts that a template makes."""
    parts = re.split(r"(\{[^}]*\})", template)
    return re.compile("".join(".*" if part.startswith("{") else re.escape(part) for part in parts), re.DOTALL)


def named(key: str) -> str:
    """A text of the catalogue."""
    return catalogue("en").gettext(key)


@cache
def announced() -> tuple[str, ...]:
    """Texts that ask nothing: how a session and a stage begin, and the cards of the way in, answered."""
    texts = catalogue("en")._catalog  # type: ignore[attr-defined]
    cards = (
        text
        for key, text in texts.items()
        if isinstance(key, str) and key.startswith("joining.") and not key.startswith("joining.button")
    )
    return (named("session.greeting"), named("stage.header"), *cards)


def plural(key: str, count: int) -> str:
    """A text of the catalogue that depends on a number."""
    return catalogue("en").ngettext(key, key, count)


def original(message: ChatMessage) -> str:
    """The text with which a message was sent, whatever it was changed to."""
    return message.edits[0] if message.edits else message.text


def number_of(message: ChatMessage) -> int | None:
    """The number of the question that a message's buttons belong to."""
    data = next((data for _, data in message.buttons if data.startswith("a:")), "")
    return int(data.split(":")[1]) if data else None


@dataclass(kw_only=True)
class Question:
    """A question as a coachee sees it: the keys its text may be of, and its number where it has buttons."""

    keys: tuple[str, ...]
    text: str
    number: int | None
    message: ChatMessage

    @property
    def identity(self) -> tuple[str, int | None]:
        """What a copy of it has too."""
        return self.text, self.number

    @property
    def codes(self) -> dict[str, str]:
        """The codes of its buttons, and their data."""
        return {data.split(":", 2)[2]: data for _, data in self.message.buttons if data.startswith("a:")}


@dataclass(kw_only=True)
class Answer:
    """What a coachee said, and to which question. `source` is the message id of words, `code` the button of a tap."""

    update_id: int
    keys: tuple[str, ...]
    text: str | None = None
    source: int | None = None
    code: str | None = None
    picks: tuple[str, ...] = ()


@dataclass
class Coachee:
    """One of them. `walk` goes from /session to the confirmed plan; `plan` says by number which items were kept."""

    server: BotApi
    number: int
    chat_id: int
    choose: random.Random
    answers: list[Answer] = field(default_factory=list)
    updates: list[int] = field(default_factory=list)
    plan: dict[int, bool] = field(default_factory=dict)
    copies: int = 0
    finished: bool = False
    _answered: set[tuple[str, int | None]] = field(default_factory=set)
    _looked: int = 0
    _open: Question | None = None
    _complete: bool = False
    _summarised: bool = False
    _card: bool = False
    _steps: int = 1
    _arriving: Arriving = field(init=False)

    def __post_init__(self) -> None:
        self._arriving = Arriving(self.server, self.chat_id)

    async def walk(self, patience: float) -> None:
        """Answer until the summary is there, then decide about the plan.

        AssertionError where the coach says what nobody would expect here.
        """
        self._steps = self.choose.randint(1, MOST_STEPS)
        self.updates.append(self.server.say(self.chat_id, "/session", name=f"Coachee {self.number}"))
        while True:
            await self.server.wait_for(self._news, patience, f"coachee {self.number}: news")
            question = self._open
            if question is None:
                await self._decide(patience)
                return
            self._open = None
            self._answered.add(question.identity)
            await self._answer(question, patience)

    def _news(self) -> bool:
        """Look at what came since the last look, until there is a question to answer or a plan to decide about."""
        messages = self.server.chats[self.chat_id].messages
        while self._looked < len(messages) and self._open is None:
            message = messages[self._looked]
            self._looked += 1
            if message.from_bot:
                self._read(message)
        return self._open is not None or (self._summarised and self._card)

    def _read(self, message: ChatMessage) -> None:
        text = original(message)
        last = text.rsplit("\n\n", 1)[-1]
        keys = tuple(key for key, pattern in questions() if pattern.fullmatch(last))
        if keys:
            question = Question(keys=keys, text=text, number=number_of(message), message=message)
            if self._is_copy(question):
                self.copies += 1
            else:
                self._open = question
        elif self._complete:
            # after the last question: the same once more, the summary, whose last part has the buttons, or the plan
            if named("summary.plain") in text:
                assert named("summary.executive_summary") in text, text
            self._summarised |= any(data.endswith(":items") for _, data in message.buttons)
            self._card |= any(data.startswith("d:") for _, data in message.buttons)
        elif text.startswith(named("session.complete")):
            self._complete = True
        elif self._arriving.meets(message):
            self.updates.extend(self._arriving.updates)
            self._arriving.updates.clear()
        elif any(data == "s:settled" for _, data in message.buttons):
            self.updates.append(self.server.press(self.chat_id, message.id, "s:settled"))  # breathed enough
        else:
            assert any(like(text_of).match(text) for text_of in announced()), (
                f"coachee {self.number} did not expect {text!r}; the last answer was {self.answers[-1:]}"
            )

    def _is_copy(self, question: Question) -> bool:
        """Whether this question is answered already.

        With buttons, its number says so, edited (the answered copy has none left) or not. Without, its text does:
        in a session no such question comes twice with the same text.
        """
        if question.number is None and question.message.edits:
            return True  # it had buttons and was closed before it was looked at: only an answered one is
        if question.number is not None:
            return any(number == question.number for _, number in self._answered)
        return question.identity in self._answered

    async def _answer(self, question: Question, patience: float) -> None:
        codes = question.codes
        if not codes:
            self._write(question, self._words(question))
        elif SEVERAL_DONE in codes:
            await self._several(question, patience)
        elif self._is_scale(codes):
            if self.choose.random() < TAP_INSTEAD:
                self._tap(question, self.choose.choice(list(codes)))
            else:
                self._write(question, str(self.choose.randint(1, 10)))
        elif question.keys[0].split(".")[1] in ("time_bound", "step_when", "next_check_in", "next_session"):
            if self.choose.random() < WRITE_A_DAY:
                self._write(question, self.choose.choice(DAYS))
            else:
                self._tap(question, self.choose.choice(list(codes)))
        elif self._may_be_words(question) and self.choose.random() >= TAP_INSTEAD:
            self._write(question, self._words(question))
        else:
            self._tap(question, self._forward(codes))

    @staticmethod
    def _is_scale(codes: dict[str, str]) -> bool:
        return set(codes) == {str(n) for n in range(1, 11)}

    @staticmethod
    def _may_be_words(question: Question) -> bool:
        """Buttons that only say that there are no words."""
        return set(question.codes) <= {"enough", "nothing", "just_me", "skip"}

    def _forward(self, codes: dict[str, str]) -> str:
        """A button that leads on."""
        if "another" in codes:
            self._steps -= 1
            return "another" if self._steps > 0 else "that_is_all"
        return self.choose.choice([code for code in codes if code not in ASTRAY])

    def _words(self, question: Question) -> str:
        asked = question.text.rsplit("\n\n", 1)[-1]
        return f"answer {len(self.answers) + 1} of coachee {self.number} to {asked[:40].strip()}"

    def _write(self, question: Question, text: str) -> None:
        update_id = self.server.say(self.chat_id, text)
        source = self.server.chats[self.chat_id].last_said
        self.updates.append(update_id)
        self.answers.append(Answer(update_id=update_id, keys=question.keys, text=text, source=source))

    def _tap(self, question: Question, code: str, picks: tuple[str, ...] = ()) -> None:
        update_id = self.server.press(self.chat_id, question.message.id, question.codes[code])
        self.updates.append(update_id)
        self.answers.append(Answer(update_id=update_id, keys=question.keys, code=code, picks=picks))

    async def _several(self, question: Question, patience: float) -> None:
        """Mark one or two, wait until each is seen to be marked, and say that that is it; or write a word instead."""
        if self.choose.random() >= TAP_INSTEAD:
            self._write(question, self._words(question))
            return
        wanted = self.choose.sample(
            [code for code in question.codes if code != SEVERAL_DONE], self.choose.randint(1, 2)
        )
        for code in wanted:
            self.updates.append(self.server.press(self.chat_id, question.message.id, question.codes[code]))
            marked = self._marked(question, code)
            await self.server.wait_for(marked, patience, f"coachee {self.number}: {code} is marked")
        self._tap(question, SEVERAL_DONE, tuple(wanted))

    def _marked(self, question: Question, code: str) -> Callable[[], bool]:
        """Whether some copy of the question shows the choice as marked."""
        data = question.codes[code]

        def look() -> bool:
            messages = self.server.chats[self.chat_id].messages
            return any(label.startswith("✓ ") and given == data for m in messages for label, given in m.buttons)

        return look

    async def _decide(self, patience: float) -> None:
        """Keep or drop each item as the card comes to it, and confirm the plan when the card shows all of it."""
        while (offered := await self._offered(patience))[1].endswith(":keep"):
            message, data = offered
            number = int(data.split(":")[2])
            self.plan[number] = self.choose.random() >= DROPPED
            act = data if self.plan[number] else data.removesuffix("keep") + "drop"
            self.updates.append(self.server.press(self.chat_id, message.id, act))
        message, data = offered
        self.updates.append(self.server.press(self.chat_id, message.id, data))
        await self.server.wait_for(self._settled, patience, f"coachee {self.number}: the plan is confirmed")
        self.finished = True
        self.server.changed()  # who waits for the fleet looks again

    async def _offered(self, patience: float) -> tuple[ChatMessage, str]:
        """The next thing to press: [Keep] of an item that is not decided, or [Confirm plan]. An old copy of the card
        may show an item that is decided already."""

        def found() -> tuple[ChatMessage, str] | None:
            for message in self.server.chats[self.chat_id].messages:
                for _, data in message.buttons:
                    undecided = data.endswith(":keep") and int(data.split(":")[2]) not in self.plan
                    if data.startswith("d:") and (undecided or data.endswith(":confirm")):
                        return message, data
            return None

        await self.server.wait_for(
            lambda: found() is not None, patience, f"coachee {self.number}: the card, {self.plan} decided"
        )
        offered = found()
        assert offered is not None
        return offered

    def _settled(self) -> bool:
        """Whether the card says what became of the plan."""
        kept = sum(self.plan.values())
        said = named("draft.none_kept") if not kept else plural("draft.confirmed", kept).format(count=kept)
        return any(message.text.startswith(said) for message in self.server.chats[self.chat_id].messages)

    @property
    def steps(self) -> list[str]:
        """The steps of the plan in the order they were named, in the words they were said in."""
        return [a.text for a in self.answers if a.text and a.keys[0].split(".")[1] == "step_what"]

    def where(self) -> str:
        """Where this coachee stands, for a report."""
        chat = self.server.chats.get(self.chat_id)
        waiting = [update_id for update_id in self.updates if update_id in self.server.updates.pending]
        last = (
            [("< " if m.from_bot else "> ") + m.text[-70:].replace("\n", " ") for m in chat.messages[-4:]]
            if chat
            else []
        )
        state = "finished" if self.finished else f"{len(self.answers)} answers, {len(waiting)} updates pending"
        return f"coachee {self.number}: {state}" + (
            "" if self.finished else "".join(f"\n    {line}" for line in last)
        )


class Fleet:
    """Coachees who walk side by side."""

    def __init__(self, server: BotApi, size: int, seed: int) -> None:
        self.server = server
        self.coachees = [
            Coachee(server, number, 1000 + number, random.Random(f"{seed} {number}")) for number in range(1, size + 1)
        ]

    async def walk(self, patience: float) -> None:
        """All of them, to the end."""
        async with asyncio.TaskGroup() as group:
            for coachee in self.coachees:
                group.create_task(coachee.walk(patience))

    @property
    def said(self) -> int:
        """How many answers were given."""
        return sum(len(coachee.answers) for coachee in self.coachees)

    @property
    def decided(self) -> int:
        """How many items of their plans were decided about, and plans confirmed."""
        return sum(len(coachee.plan) + coachee.finished for coachee in self.coachees)

    @property
    def finished(self) -> bool:
        """Whether everybody has their summary and their plan."""
        return all(coachee.finished for coachee in self.coachees)

    @property
    def updates(self) -> list[int]:
        """Every update they caused."""
        return [update_id for coachee in self.coachees for update_id in coachee.updates]

    def report(self) -> str:
        """Where each stands; the ones who are not through come first."""
        return "\n".join(c.where() for c in sorted(self.coachees, key=lambda c: c.finished))
