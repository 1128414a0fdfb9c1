"""One summary by the model: asked for, checked by code, and asked for once more with what did not hold.

Of two answers the one with fewer faults is served, and what fails in it is left out (`flows.writing`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime, time
from functools import partial
from typing import Any

from bot.lexicon import lexicon
from bot.model import Model, ModelFailedError
from bot.prompts import Prompt
from bot.reading import read_day
from bot.texts import words
from flows import checking, writing
from flows.checking import Checked
from flows.documents import Document, Material
from flows.effects import Text
from flows.errors import UnusableSummaryError
from flows.plainly import plainly
from flows.records import Record
from flows.spending import Spent

NOON = time(12)


class Answer(Record):
    """An answer of the model, and what code makes of it: the document (None: nothing usable), and the faults."""

    content: str
    document: Document | None
    faults: tuple[str, ...]


async def summarised(
    model: Model, found: Material, by: Prompt, spent: list[Spent], answers: list[Answer] | None = None
) -> Document:
    """The document. `spent` gets what each call cost, `answers` each answer, whatever comes of it.

    Raises ModelFailedError where nothing usable came.
    """
    answers = answers if answers is not None else []
    messages = writing.request(found, by.text)
    first = await _asked(model, messages, found, spent)
    answers.append(first)
    if first.faults:
        again = writing.asked_again(messages, first.content, first.faults)
        try:
            answers.append(await _asked(model, again, found, spent))
        except ModelFailedError as failure:
            if first.document is None:
                raise
            spent.extend(failure.spent)
    usable = [answer for answer in answers if answer.document is not None]
    if not usable:
        raise ModelFailedError("invalid")
    best = min(reversed(usable), key=lambda answer: len(answer.faults))  # of two as good, the second
    assert best.document is not None
    return best.document.evolve(prompt=by.version, model=model.name)


async def _asked(model: Model, messages: list[dict[str, str]], found: Material, spent: list[Spent]) -> Answer:
    completed = await model.complete(messages, writing.schema(), name="summary", kind="summary")
    spent.append(completed.spent)
    try:
        checked = await asyncio.to_thread(check, completed.content, found)
    except UnusableSummaryError as error:
        return Answer(content=completed.content, document=None, faults=tuple(str(why) for why in error.args))
    return Answer(content=completed.content, document=checked.document, faults=checked.faults)


def check(content: str, found: Material) -> Checked:
    """What code makes of an answer. Raises UnusableSummaryError."""
    plain_one = plainly(found, render_in(found.language))
    return checking.checked(content, found, lexicon(found.language), plain_one, partial(_day, found))


def _day(found: Material, phrase: str, said_on: date) -> date | None:
    """The date that a phrase of the coachee means, said on a day."""
    return read_day(phrase, datetime.combine(said_on, NOON), found.language)  # a wall-clock time: its date matters


def render_in(language: str) -> Callable[..., str]:
    """The plain writer's texts in a language."""

    def render(key: str, *, count: int | None = None, **args: Any) -> str:
        return words(Text(key=key, args=args, count=count), language)

    return render
