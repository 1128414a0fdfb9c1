"""What words or a button mean as an answer to a step: a typed answer, or the text that says what would be one."""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta

from flows.errors import UnfitAnswerError
from flows.events import Reading
from flows.records import Record
from flows.state import Sense
from flows.steps import Day, Pick, Scale, Several, Step, Words

LONGEST_ANSWER = 4096
"""Characters; also the length of a Telegram message, so that only a pasted or forged text is longer."""
FARTHEST_DAY = timedelta(days=730)
DAY_OFFERS = (1, 3, 7, 14, 30)
"""Days from today that a day question offers as buttons."""


class Given(Record):
    """A typed answer: the raw words, the value where the words are not it, the code of the button.

    The value of a goal is the day that its words name. `sense`: the words say little.
    """

    text: str
    value: int | str | tuple[str, ...] | None = None
    choice: str | None = None
    sense: Sense | None = None


def has_words(text: str) -> bool:
    """Whether there is at least one letter or digit of any script."""
    return any(unicodedata.category(char)[0] in "LN" for char in text)


def from_text(
    step: Step, text: str, reading: Reading, today: date, picked: tuple[tuple[str, str], ...] = ()
) -> Given:
    """What a text answers. `today` is the coachee's; `picked` what they have marked so far (code, label).

    Raises UnfitAnswerError with the key of the text that says what would fit.
    """
    if len(text) > LONGEST_ANSWER:
        raise UnfitAnswerError("unfit.long")
    match step.takes:
        case Scale():
            if reading.number is None or not 1 <= reading.number <= 10:
                raise UnfitAnswerError("unfit.scale")
            return Given(text=text, value=reading.number)
        case Pick(options=options):
            if reading.choice not in options:
                raise UnfitAnswerError("unfit.pick")
            return Given(text=text, value=reading.choice, choice=reading.choice)
        case Several(options=options):
            if reading.choice == SEVERAL_DONE and picked:
                return Given(text=", ".join(label for _, label in picked), value=tuple(code for code, _ in picked))
            _refuse_wordless(text)
            own = reading.choice if reading.choice in options else text
            codes = tuple(code for code, _ in picked if code != own)
            words = ", ".join([*(label for code, label in picked if code != own), text])
            return Given(text=words, value=(*codes, own))
        case Words(instead=instead):
            if reading.choice in instead:
                return Given(text=text, choice=reading.choice)
            _refuse_wordless(text)
            named = reading.day if step.name == "goal_statement" else None
            day = named.isoformat() if named and today <= named <= today + FARTHEST_DAY else None
            return Given(text=text, value=day, sense=reading.sense)
        case Day(instead=instead):
            if reading.choice in instead:
                return Given(text=text, choice=reading.choice)
            if reading.day is None:
                raise UnfitAnswerError("unfit.day")
            return Given(text=text, value=_fitting(reading.day, today).isoformat())


def from_button(step: Step, code: str, label: str, today: date, picked: tuple[tuple[str, str], ...] = ()) -> Given:
    """What a button answers. Codes can be forged: only those the step offers count; raises UnfitAnswerError.

    `SEVERAL_DONE` answers with what was marked.
    """
    words = label or code
    match step.takes:
        case Scale():
            if code not in SCALE_CODES:
                raise UnfitAnswerError("unfit.scale")
            return Given(text=str(int(code)), value=int(code), choice=code)
        case Pick(options=options):
            if code not in options:
                raise UnfitAnswerError("unfit.pick")
            return Given(text=words, value=code, choice=code)
        case Several():
            if code != SEVERAL_DONE or not picked:
                raise UnfitAnswerError("unfit.several")
            return Given(text=", ".join(label for _, label in picked), value=tuple(code for code, _ in picked))
        case Words(instead=instead) | Day(instead=instead) if code in instead:
            return Given(text=words, choice=code)
        case Day():
            return Given(text=words, value=_fitting(_day(code), today).isoformat(), choice="day")
        case _:
            raise UnfitAnswerError("unfit.pick")


SEVERAL_DONE = "that_is_it"
SCALE_CODES = frozenset(str(n) for n in range(1, 11))


def day_code(day: date) -> str:
    """The code of a button that offers a day."""
    return day.isoformat()


def _day(code: str) -> date:
    try:
        return date.fromisoformat(code)
    except ValueError:
        raise UnfitAnswerError("unfit.day") from None


def _fitting(day: date, today: date) -> date:
    if day < today:
        raise UnfitAnswerError("unfit.past_day")
    if day > today + FARTHEST_DAY:
        raise UnfitAnswerError("unfit.far_day")
    return day


def _refuse_wordless(text: str) -> None:
    if not has_words(text):
        raise UnfitAnswerError("unfit.words")
