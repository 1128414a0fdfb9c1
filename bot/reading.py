"""What words mean in a person's language: numbers, offered choices, days, places. Nothing is decided here."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import get_day_names

from bot.texts import listed, words
from flows.asking import choices
from flows.conversation import running
from flows.corrections import said_in
from flows.effects import Choice, Text
from flows.events import AnyEvent, ButtonPressed, CommandSent, Reading, TextEdited, TextSent
from flows.stages import STEPS, Day, Scale, Step
from flows.state import Chat
from flows.times import local, today

LONGEST_PHRASE = 60
"""Characters of a phrase that may be nothing but a day or a number; longer texts are not searched for one."""


def read(event: AnyEvent, chat: Chat, now: datetime) -> AnyEvent:
    """The event with what its words mean for the question that is open in the chat."""
    if isinstance(event, CommandSent) and event.name == "timezone" and event.argument:
        return event.evolve(reading=Reading(zones=zones(event.argument)))
    if chat.person is None:
        return event
    language = chat.person.language
    match event:
        case TextSent(text=text) if chat.conversation.awaiting == "timezone" and (found := zones(text)):
            return event.evolve(reading=Reading(zones=found))
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
    if isinstance(step.takes, Day) and choice not in step.takes.instead:
        named = date.fromisoformat(choice) if choice else None  # what the button of a day says, written
        day = named or read_day(text, local(now, person.timezone), person.language)
        choice = None
    number = read_number(text, person.language) if isinstance(step.takes, Scale) else None
    return Reading(number=number, choice=choice, day=day)


def _open(chat: Chat, now: datetime) -> tuple[Choice, ...]:
    return choices(chat, today(now, chat.someone.timezone)) if running(chat) else ()


def _all(step: Step, now: datetime, chat: Chat) -> tuple[Choice, ...]:
    """The choices of a step that is not the open one: an answer to it is being edited."""
    codes = tuple(getattr(step.takes, "options", ())) + tuple(getattr(step.takes, "instead", ()))
    return tuple(Choice(data=f"a:0:{code}", label=Text(key=f"choice.{step.name}.{code}")) for code in codes)


def _edited_step(chat: Chat, message_id: int) -> Step | None:
    said = said_in(chat, message_id)
    return STEPS[said.step] if said else None


def read_number(text: str, language: str) -> int | None:
    """The one whole number a text names and says nothing besides: "7", "７", "a seven", "7/10", "maybe 7 out of 10".

    None where there is not one, or where it stands in a sentence about something else ("i slept 4 hours").
    """
    plain = unicodedata.normalize("NFKC", text).casefold().replace("−", "-").replace("’", "'").strip()
    if len(plain) > LONGEST_PHRASE or re.search(r"\d\s*[.,]\s*\d", plain):
        return None
    plain = re.sub(r"\s*/\s*10\b", " ", plain)
    for ending in listed("numbers.of_ten", language):
        plain = plain.replace(ending, " ")
    tokens = re.findall(r"[\w'-]+", plain)
    names = {name: n for n, name in enumerate(_numbers(language), 1)}
    around = listed("numbers.around", language)
    found = [int(t) if t.lstrip("-").isdigit() else names[t] for t in tokens if t.lstrip("-").isdigit() or t in names]
    others = [t for t in tokens if not t.lstrip("-").isdigit() and t not in names and t not in around]
    return found[0] if len(set(found)) == 1 and not others and abs(found[0]) < 10_000 else None


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
        if label.startswith(said + " ") and said not in listed("numbers.around", language):
            matching[code] = label
    return next(iter(matching)) if len(matching) == 1 else None


def _plain(text: str) -> str:
    """Words as they are compared: folded, without marks around them."""
    kept = "".join(c if unicodedata.category(c)[0] in "LNM" or c == "'" else " " for c in text.replace("’", "'"))
    return " ".join(unicodedata.normalize("NFKC", kept).casefold().split())


def read_day(text: str, here: datetime, language: str) -> date | None:
    """The day a phrase means, counted from the person's wall clock; None where it does not name one.

    A weekday may stand in a short phrase ("on friday, after class") and is the next one. All else goes to
    dateparser, as a phrase that is nothing but a day. It is read back before it counts.
    """
    phrase = unicodedata.normalize("NFKC", text).strip(" .!?")
    if len(phrase) > LONGEST_PHRASE or not re.search(r"[^\W\d_]|\d[./-] ?\d", phrase):
        return None  # too long, empty, or a bare number
    if (weekday := _weekday(phrase, here, language)) is not None:
        return weekday
    bare = phrase
    while len(head := bare.split(" ", 1)) == 2 and head[0].casefold() in listed("date.lead", language):
        bare = head[1].strip()
    return _parsed(phrase, here, language) or _parsed(bare, here, language)


def _parsed(phrase: str, here: datetime, language: str) -> date | None:
    """The day by dateparser: of this year if it is not past, else the next one."""
    import dateparser  # 0.3 s to import, and only those who write a day need it

    found, order = None, {}
    if dotted := re.fullmatch(r"(\d{1,2})\. ?(\d{1,2})\.? ?(\d{4}|\d{2})?", phrase):  # the day comes first
        if int(dotted[2]) > 12:
            return None
        phrase, order = "/".join(part for part in dotted.groups() if part), {"DATE_ORDER": "DMY"}
    for prefer in ("current_period", "future"):
        found = dateparser.parse(
            phrase,
            languages=[language],
            settings={
                "PREFER_DATES_FROM": prefer,
                "REQUIRE_PARTS": ["day"],  # a month alone is no day
                "RELATIVE_BASE": here.replace(tzinfo=None),
                "RETURN_AS_TIMEZONE_AWARE": False,
                "PARSERS": ["relative-time", "absolute-time"],
                **order,
            },
        )
        if found is None or found.date() >= here.date():
            break
    return found.date() if found else None


def _weekday(phrase: str, here: datetime, language: str) -> date | None:
    """The next day of the one weekday that a phrase without figures names; in "next week", the one of that week."""
    phrase = re.sub(r"\d{1,2}([:.]\d{2})?\s*(am|pm)\b|\d{1,2}:\d{2}", " ", phrase.casefold())  # a time of day
    if any(char.isdigit() for char in phrase):
        return None
    said = _plain(phrase)
    if set(said.split()) & set(listed("date.not", language)):
        return None
    found = {number for name, number in _weekdays(language).items() if re.search(rf"\b{re.escape(name)}\b", said)}
    if len(found) != 1:
        return None
    number = found.pop()
    today_here = here.date()
    if any(name in said.split() for name in listed("date.past", language)):
        return today_here - timedelta(days=(today_here.weekday() - number - 1) % 7 + 1)
    if any(name in said for name in listed("date.next_week", language)):
        return today_here + timedelta(days=7 - today_here.weekday() + number)
    return today_here + timedelta(days=(number - today_here.weekday() - 1) % 7 + 1)


@cache
def _weekdays(language: str) -> dict[str, int]:
    """The names of the weekdays, long and short; Monday is 0."""
    names = {}
    for width in ("wide", "abbreviated"):
        for number, name in get_day_names(width, locale=language).items():
            names[_plain(name)] = number
    return names


_WINTER = datetime(2026, 1, 1)  # noqa: DTZ001 - a wall-clock time, to compare zones by


@cache
def _zones_by_city() -> dict[str, tuple[str, ...]]:
    cities: dict[str, list[str]] = {}
    for name in sorted(name for name in available_timezones() if "/" in name or name == "UTC"):
        city = _plain(name.rsplit("/", 1)[-1].replace("_", " "))
        if not name.startswith(("Etc/", "posix/", "right/", "SystemV/", "US/")):
            known = cities.setdefault(city, [])
            if not any(ZoneInfo(name).utcoffset(_WINTER) == ZoneInfo(k).utcoffset(_WINTER) for k in known):
                known.append(name)
        cities[name.casefold()] = [name]
    return {city: tuple(names) for city, names in cities.items()}


def zones(text: str) -> tuple[str, ...]:
    """The time zones that a place's name can mean: an IANA name, or a city with one of its own."""
    by_city = _zones_by_city()
    place = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    city = _plain(place.split(",")[0])
    return by_city.get(text.strip().casefold()) or by_city.get(city) or ()
