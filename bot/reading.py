"""What words mean in a person's language: numbers, offered choices, days, places. Nothing is decided here."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from functools import cache
from zoneinfo import available_timezones

from bot.texts import listed, words
from flows.asking import choices
from flows.conversation import running
from flows.effects import Choice, Text
from flows.events import AnyEvent, ButtonPressed, CommandSent, Reading, TextEdited, TextSent
from flows.stages import STEPS, Day, Scale, Step
from flows.state import Chat
from flows.times import local, today

LONGEST_PHRASE = 40
"""Characters of a phrase that may be nothing but a day or a number; longer texts are not searched for one."""


def read(event: AnyEvent, chat: Chat, now: datetime) -> AnyEvent:
    """The event with what its words mean for the question that is open in the chat."""
    if chat.person is None:
        return event
    language = chat.person.language
    match event:
        case CommandSent(name="timezone", argument=argument) if argument:
            return event.evolve(reading=Reading(zones=zones(argument)))
        case TextSent(text=text) if chat.conversation.awaiting == "timezone":
            return event.evolve(reading=Reading(zones=zones(text)))
        case TextSent(text=text):
            session = running(chat)
            if session is None or session.position is None:
                return event
            step = STEPS[session.position.step]
            return event.evolve(reading=_reading(text, step, _open(chat, now), chat, now))
        case TextEdited(text=text, message_id=message_id):
            step_edited = _edited_step(chat, message_id)
            return event.evolve(reading=_reading(text, step_edited, (), chat, now)) if step_edited else event
        case ButtonPressed(data=data):
            label = next((c.label for c in _open(chat, now) if c.data == data), None)
            return event if label is None else event.evolve(label=words(label, language))
    return event


def _reading(text: str, step: Step, offered: tuple[Choice, ...], chat: Chat, now: datetime) -> Reading:
    person = chat.someone
    day = None
    choice = _choice(text, offered or _all(step, now, chat), person.language)
    if isinstance(step.takes, Day) and choice is None:
        day = read_day(text, local(now, person.timezone), person.language)
    number = read_number(text, person.language) if isinstance(step.takes, Scale) else None
    return Reading(number=number, choice=choice, day=day)


def _open(chat: Chat, now: datetime) -> tuple[Choice, ...]:
    return choices(chat, today(now, chat.someone.timezone)) if running(chat) else ()


def _all(step: Step, now: datetime, chat: Chat) -> tuple[Choice, ...]:
    """The choices of a step that is not the open one: an answer to it is being edited."""
    codes = tuple(getattr(step.takes, "options", ())) + tuple(getattr(step.takes, "instead", ()))
    return tuple(Choice(data=f"a:0:{code}", label=Text(key=f"choice.{step.name}.{code}")) for code in codes)


def _edited_step(chat: Chat, message_id: int) -> Step | None:
    said = [turn for kept in chat.answers.values() for turn in kept.turns if turn.source == message_id]
    return STEPS[said[-1].step] if said else None


def read_number(text: str, language: str) -> int | None:
    """The one whole number a text names: "7", "７", "a seven", "7/10", "7 out of 10". None where there is not one."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if len(plain) > LONGEST_PHRASE:
        return None
    plain = re.sub(r"\s*(/|out of|of)\s*10\b", " ", plain)
    if re.search(r"\d\s*[.,]\s*\d", plain):
        return None
    found = {int(n) for n in re.findall(r"(?<![\w.,])[-−]?\d{1,4}(?!\w)", plain.replace("−", "-"))}
    names = {name: n for n, name in enumerate(_numbers(language), 1)}
    found |= {names[word] for word in re.findall(r"\w+", plain) if word in names}
    return found.pop() if len(found) == 1 else None


@cache
def _numbers(language: str) -> tuple[str, ...]:
    return tuple(words(Text(key="numbers"), language).split())


def _choice(text: str, offered: tuple[Choice, ...], language: str) -> str | None:
    """The code of the one offered choice whose label, first words or other names the text is."""
    said = _plain(text)
    if not said or len(said) > LONGEST_PHRASE:
        return None
    matching = {}
    for choice in offered:
        code, label = choice.data.rsplit(":", 1)[1], _plain(words(choice.label, language))
        if said == label or said in (_plain(name) for name in listed(f"also.{code}", language)):
            return code
        if label.startswith(said + " "):
            matching[code] = label
    return next(iter(matching)) if len(matching) == 1 else None


def _plain(text: str) -> str:
    """Words as they are compared: folded, without marks around them."""
    kept = "".join(c if unicodedata.category(c)[0] in "LNM" or c == "'" else " " for c in text.replace("’", "'"))
    return " ".join(unicodedata.normalize("NFKC", kept).casefold().split())


def read_day(text: str, here: datetime, language: str) -> date | None:
    """The day a phrase means, counted from the person's wall clock; None where it is not a phrase for a day."""
    phrase = unicodedata.normalize("NFKC", text).strip(" .!?")
    if not phrase or len(phrase) > LONGEST_PHRASE or not re.search(r"[^\W\d_]|\d[./-]\d", phrase):
        return None  # a bare number is not a day
    lead = listed("date.lead", language)
    while (head := phrase.casefold().split(" ", 1)) and len(head) == 2 and head[0] in lead:
        phrase = phrase.split(" ", 1)[1].strip()
    import dateparser  # 0.3 s to import, and only those who write a day need it

    found = dateparser.parse(
        phrase,
        languages=[language],
        settings={
            "PREFER_DATES_FROM": "future",
            "RELATIVE_BASE": here.replace(tzinfo=None),
            "RETURN_AS_TIMEZONE_AWARE": False,
            "PARSERS": ["relative-time", "absolute-time"],
        },
    )
    return found.date() if found else None


@cache
def _zones_by_city() -> dict[str, tuple[str, ...]]:
    cities: dict[str, list[str]] = {}
    for name in sorted(available_timezones()):
        if "/" in name and not name.startswith(("Etc/", "posix/", "right/", "SystemV/", "US/")):
            cities.setdefault(_plain(name.rsplit("/", 1)[1].replace("_", " ")), []).append(name)
        cities.setdefault(name.casefold(), []).append(name)
    return {city: tuple(names) for city, names in cities.items()}


def zones(text: str) -> tuple[str, ...]:
    """The time zones that a place's name can mean: an IANA name, or a city with one of its own."""
    by_city = _zones_by_city()
    return by_city.get(text.strip().casefold()) or by_city.get(_plain(text)) or ()
