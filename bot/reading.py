"""What words mean in a person's language: numbers, offered choices, days, places. Nothing is decided here."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.core import get_global
from babel.dates import get_day_names

from bot.ages import country
from bot.phones import phone_in
from bot.texts import FALLBACK, known, languages, listed, words
from flows.answers import has_words
from flows.asking import choices, open_step, position
from flows.comparing import plain
from flows.edits import said_in
from flows.effects import Choice, Text
from flows.events import AnyEvent, ButtonPressed, CommandSent, Reading, TextEdited, TextSent
from flows.menu import COMMON_ZONES
from flows.putting import running
from flows.state import Chat, Sense
from flows.steps import STEPS, Day, Scale, Step
from flows.times import local, today
from flows.voice import heard_in

LONGEST_PHRASE = 60
"""Characters of a phrase that may be nothing but a day or a number; longer texts are not searched for one."""
CLEAR_TOPIC, CLEAR_TOPIC_IN = 3, {"ar": 2}
"""A topic of fewer words is asked about: "school" can mean anything. In Arabic two words say what three do else."""
DAY_MINUTES = 24 * 60
EARLIEST = 8
"""A bare hour before this one is meant in the afternoon."""
LONGEST_DEADLINE = 4
"""Words that may name the day of a goal, beside the one that says that it is a deadline."""
OTHER_NAMES = {
    "en": ("अंग्रेजी", "इंग्लिश", "انجليزي", "إنجليزي"),
    "es": ("castellano", "स्पैनिश", "اسباني", "إسباني"),
    "hi": ("हिंदी", "هندي"),
    "ar": ("عربي", "अरबिक"),
}
"""What people call our languages besides the names in the tables of Unicode."""
SHORT_NAME = 3
"""Letters of a weekday's name that are more often another word, in a whole sentence: "sat", "mar"."""


def read(event: AnyEvent, chat: Chat, now: datetime) -> AnyEvent:
    """The event with what its words mean for the question that is open in the chat."""
    match event:
        case CommandSent(name="timezone", argument=place) if place:
            return event.evolve(reading=Reading(zones=zones(place)))
        case CommandSent(name="language", argument=name) if name:
            return event.evolve(reading=Reading(language=language_named(name)))
    if chat.person is None:
        return event
    joining = chat.conversation.joining
    if joining is not None and chat.person.standing == "joining" and isinstance(event, TextSent | TextEdited):
        return event.evolve(reading=_at_the_door(event.text, joining.step, chat.person.language))
    match event:
        case CommandSent(said=typed) if typed and _choice(typed, _open(chat, now), chat.person.language):
            # what is otherwise a command is here one of the choices: "let it go" is no wish to skip
            answer = TextSent(id=event.id, chat_id=event.chat_id, sender=event.sender, text=typed)
            return answer.evolve(reading=_answer(typed, chat, now))
        case TextSent(text=text) if chat.conversation.awaiting == "timezone" and (found := zones(text)):
            return event.evolve(reading=Reading(zones=found))
        case TextSent(text=text) if chat.conversation.awaiting == "quiet" and (
            between := read_hours(text, chat.person.language)
        ):
            return event.evolve(reading=Reading(hours=between))
        case TextSent(text=text) if chat.conversation.awaiting == "weekly":
            return event.evolve(reading=Reading(hours=read_hours(text, chat.person.language, by_day=True)))
        case TextSent(text=text) if chat.conversation.awaiting == "except":
            return event.evolve(reading=_day_and_hours(text, local(now, chat.person.timezone), chat.person.language))
        case TextSent(text=text) if chat.conversation.awaiting == "pick_time":
            return event.evolve(reading=_day_and_time(text, local(now, chat.person.timezone), chat.person.language))
        case TextSent(text=text) if (chat.conversation.awaiting or "").startswith("plan_"):
            return event.evolve(reading=_of_plan(text, chat, now))
        case TextSent(text=text) if chat.conversation.awaiting == "phone":
            return event.evolve(reading=Reading(phone=phone_in(text, country(chat.person.timezone))))
        case TextSent(text=text) if chat.conversation.awaiting == "item":
            return event.evolve(reading=Reading(day=_of_item(text, chat, now)))
        case TextSent(text=text) if chat.conversation.awaiting == "record":
            booking = chat.conversation.booking
            on = booking is not None and booking.part == "on"
            return event.evolve(reading=Reading(day=_past_day(text, chat, now) if on else None))
        case TextSent(text=text) if (pressed := _about_what_was_heard(event, chat)) is not None:
            return read(pressed, chat, now)
        case TextSent(text=text):
            return event.evolve(reading=_answer(text, chat, now))
        case TextEdited(text=text, message_id=message_id):
            said = said_in(chat, message_id)
            edited = STEPS.get(said.step) if said else None
            return event.evolve(reading=_reading(text, edited, (), chat, now)) if edited else event
        case ButtonPressed(data=data) if (heard := heard_in(chat, data)) is not None:
            return event.evolve(reading=_answer(heard.text, chat, now))
        case ButtonPressed(data=data):
            label = next((c.label for c in _open(chat, now) if c.data == data), None)
            return event if label is None else event.evolve(label=words(label, chat.person.language))
    return event


def _at_the_door(text: str, step: str, language: str) -> Reading:
    """What words mean for what is asked on the way in."""
    said = plain(text)
    match step:
        case "language":
            return Reading(language=language_named(text))
        case "zone":
            return Reading(zones=zones(text))
        case "zone_check":
            for code, key in (("yes", "also.yes"), ("another", "also.another_place")):
                if said in known(key, language):
                    return Reading(choice=code)
            return Reading(zones=zones(text))
        case "notice":
            return Reading(choice="yes") if said in known("also.understood", language) else Reading()
        case "birth_year":
            return Reading(number=read_year(text))
    return Reading()


def read_year(text: str) -> int | None:
    """The one number of four figures, of any script, that a text has: "2009", "in ٢٠٠٩", "12.3.2009"."""
    found = re.findall(r"(?<!\d)\d{4}(?!\d)", _figures(unicodedata.normalize("NFKC", text[:LONGEST_PHRASE])))
    return int(found[0]) if len(found) == 1 else None


def _of_plan(text: str, chat: Chat, now: datetime) -> Reading:
    """What words mean that the card of a plan asked for."""
    person = chat.someone
    match chat.conversation.awaiting:
        case "plan_day":
            return Reading(day=read_day(text, local(now, person.timezone), person.language))
        case "plan_time":
            return Reading(time=read_clock(text, person.language))
    return Reading(number=read_number(text, person.language))


def _of_item(text: str, chat: Chat, now: datetime) -> date | None:
    """The day that words about an item name: as an answer to "by when", or somewhere in an in-between step."""
    person, plan = chat.someone, chat.conversation.plan
    here = local(now, person.timezone)
    if plan is not None and plan.changing == "day":
        return read_day(text, here, person.language)
    return read_deadline(text, here, person.language)


def _past_day(text: str, chat: Chat, now: datetime) -> date | None:
    """The day of something that is over: a weekday is the last one of it, a date without a year that of this year or
    the last one, whichever is nearer."""
    person = chat.someone
    here = local(now, person.timezone)
    phrase = _figures(unicodedata.normalize("NFKC", text))
    found = read_day(text, here, person.language)
    if found is None or found <= here.date():
        return found
    for spoken in (person.language, FALLBACK):
        if _named(plain(phrase), spoken) and _weekday(phrase, here, spoken) == found:
            return found - timedelta(days=7)
    if re.search(r"\d{4}", phrase) or not re.search(r"\d", phrase):
        return found
    with suppress(ValueError):  # the 29th of February
        before = found.replace(year=found.year - 1)
        return before if here.date() - before < found - here.date() else found
    return found


def _about_what_was_heard(event: TextSent, chat: Chat) -> ButtonPressed | None:
    """A written yes or no while a voice message waits to be confirmed is about it, as if its button were pressed."""
    here, language, said = position(chat), chat.someone.language, plain(event.text)
    waiting = chat.conversation.heard
    if not waiting or here is None or (waiting[-1].step, waiting[-1].index) != (here.step, here.index):
        return None
    codes = [code for code, key in (("yes", "also.yes"), ("no", "also.not_quite")) if said in known(key, language)]
    if not codes:
        return None
    data = f"v:{waiting[-1].source}:{codes[0]}"
    return ButtonPressed(id=event.id, chat_id=event.chat_id, sender=event.sender, data=data)


def _answer(text: str, chat: Chat, now: datetime) -> Reading:
    """What words mean as an answer to the open question."""
    step = open_step(chat) if running(chat) else None
    return _reading(text, step, _open(chat, now), chat, now) if step else Reading()


def _reading(text: str, step: Step, offered: tuple[Choice, ...], chat: Chat, now: datetime) -> Reading:
    person = chat.someone
    here = local(now, person.timezone)
    day = None
    choice = _choice(text, offered or _all(step), person.language)
    if isinstance(step.takes, Day) and choice not in step.takes.instead:
        named = _date(choice)  # what the button of a day says, written
        day = named or read_day(text, here, person.language)
        choice = None
    elif step.name == "goal_statement":
        day = read_deadline(text, here, person.language)
    number = read_number(text, person.language) if isinstance(step.takes, Scale) else None
    sense = None if choice or number or day else _sense(text, step, person.language)
    return Reading(number=number, choice=choice, day=day, sense=sense)


def _date(code: str | None) -> date | None:
    try:
        return date.fromisoformat(code or "")
    except ValueError:
        return None


def _sense(text: str, step: Step, language: str) -> Sense | None:
    """Whether words say little."""
    if not has_words(text):
        return "empty"
    said = plain(text)
    if said in known("words.unsure", language):
        return "unsure"
    if step.name.startswith("topic") and step.name != "topic_category":
        few = len(said.split()) < CLEAR_TOPIC_IN.get(language, CLEAR_TOPIC)
        return "vague" if few or said in known("words.vague", language) else None
    return None


def _open(chat: Chat, now: datetime) -> tuple[Choice, ...]:
    return choices(chat, today(now, chat.someone.timezone)) if running(chat) else ()


def _all(step: Step) -> tuple[Choice, ...]:
    """The choices of a step that is not the open one: an answer to it is being edited."""
    kind = "check" if step.name.endswith("_check") else step.name
    codes = tuple(getattr(step.takes, "options", ())) + tuple(getattr(step.takes, "instead", ()))
    if step.name == "which_step":
        return ()
    return tuple(Choice(data=f"a:0:{code}", label=Text(key=f"choice.{kind}.{code}")) for code in codes)


@cache
def _language_names() -> dict[str, str]:
    names = {}
    for code in languages():
        for other in languages():
            names[plain(Locale(code).get_display_name(other) or code)] = code
        names[code] = code
        names.update({plain(name): code for name in OTHER_NAMES[code]})
    return names


def language_named(text: str) -> str | None:
    """The code of the language that a text names, in any language we speak; None where it names none of them."""
    return _language_names().get(plain(text))


def read_number(text: str, language: str) -> int | None:
    """The one whole number a text names and says nothing besides: "7", "７", "a seven", "7/10", "maybe 7 out of 10".

    None where there is not one, or where it stands in a sentence about something else ("i slept 4 hours").
    """
    phrase = _figures(unicodedata.normalize("NFKC", text).casefold().replace("−", "-").strip())
    if len(phrase) > LONGEST_PHRASE or re.search(r"\d\s*[.,٫]\s*\d", phrase):
        return None
    phrase = re.sub(r"\s*/\s*10\b", " ", phrase)
    below = {int(n) for n in re.findall(r"(?<!\w)-(\d+)", phrase)}
    said = f" {plain(phrase)} "
    for ending in sorted(known("numbers.of_ten", language), key=len, reverse=True):
        said = said.replace(f" {ending} ", " ")
    names, around = _numbers(language), known("numbers.around", language)
    tokens = said.split()
    found = [
        -int(t) if t.isdigit() and int(t) in below else int(t) if t.isdigit() else names[t]
        for t in tokens
        if t.isdigit() or t in names
    ]
    others = [t for t in tokens if not t.isdigit() and t not in names and t not in around]
    return found[0] if len(set(found)) == 1 and not others and abs(found[0]) < 10_000 else None


def _figures(text: str) -> str:
    """Figures of any script as 0 to 9."""
    return "".join(str(unicodedata.decimal(c)) if unicodedata.category(c) == "Nd" else c for c in text)


@cache
def _numbers(language: str) -> dict[str, int]:
    """The names of 1 to 10, with the variants that the catalogue gives: "uno/una dos ..."."""
    named = words(Text(key="numbers"), language).split()
    return {plain(name): n for n, names in enumerate(named, 1) for name in names.split("/")}


def _choice(text: str, offered: tuple[Choice, ...], language: str) -> str | None:
    """The code of the one offered choice whose label, first words or other names the text is."""
    said = plain(text)
    if not said or len(said) > LONGEST_PHRASE:
        return None
    matching = {}
    for choice in offered:
        code, label = choice.data.rsplit(":", 1)[1], plain(words(choice.label, language))
        if said == label or said in known(f"also.{code}", language):
            return code
        if label.startswith(said + " ") and said not in known("numbers.around", language):
            matching[code] = label
    return next(iter(matching)) if len(matching) == 1 else None


def read_day(text: str, here: datetime, language: str) -> date | None:
    """The day a phrase means, counted from the person's wall clock; None where it does not name one.

    A weekday may stand in a short phrase ("on friday, after class") and is the next one. All else goes to
    dateparser, as a phrase that is nothing but a day. It is read back before it counts.
    """
    phrase = _figures(unicodedata.normalize("NFKC", text)).strip(" .!?؟।")
    if len(phrase) > LONGEST_PHRASE or not re.search(r"[^\W\d_]|\d[./-] ?\d", phrase):
        return None  # too long, empty, or a bare number
    for spoken in dict.fromkeys((language, FALLBACK)):  # young people name days in English, too
        if (found := _day_in(phrase, here, spoken, known("date.lead", language))) is not None:
            return found
    return None


def _day_in(phrase: str, here: datetime, language: str, lead: frozenset[str]) -> date | None:
    if (days := _near_days(language).get(plain(phrase))) is not None:
        return here.date() + timedelta(days=days)
    if (weekday := _weekday(phrase, here, language)) is not None:
        return weekday
    around, tokens = known("date.lead", language) | lead, phrase.split()
    while len(tokens) > 1 and plain(tokens[0]) in around:
        tokens = tokens[1:]
    while len(tokens) > 1 and plain(tokens[-1]) in around:
        tokens = tokens[:-1]
    bare = " ".join(tokens)
    if (days := _near_days(language).get(plain(bare))) is not None:
        return here.date() + timedelta(days=days)
    found = _parsed(phrase, here, language) or (_parsed(bare, here, language) if bare != phrase else None)
    named = _named(plain(phrase), language)
    if found is None or not named or found.weekday() in named:
        return found
    at_some_time = re.fullmatch(r"(\D+)\d{1,2}", phrase)  # "friday at 5" is not the fifth
    return _weekday(at_some_time[1], here, language) if at_some_time else None


@cache
def _near_days(language: str) -> dict[str, int]:
    """What days near today are called, and how many days away they are: "tomorrow=1"."""
    named = (entry.partition("=") for entry in listed("date.days", language))
    return {plain(name): int(days) for name, _, days in named}


def read_deadline(text: str, here: datetime, language: str) -> date | None:
    """The day that a goal names: "... by friday", "... until 3 December". It is read back before it counts.

    Only what stands beside a word for a deadline is looked at, never the whole sentence.
    """
    tokens = unicodedata.normalize("NFKC", text).strip(" .!?؟।").split()
    beside = known("words.name_day", language)
    for place in range(len(tokens) - 1, -1, -1):
        if plain(tokens[place]) not in beside:
            continue
        after = [tokens[place + 1 : end] for end in range(place + 1 + LONGEST_DEADLINE, place + 1, -1)]
        before = [tokens[start:place] for start in range(max(0, place - LONGEST_DEADLINE), place)]
        for phrase in (*after, *before):
            if (day := _deadline(phrase, here, language)) is not None and day >= here.date():
                return day
    return None


def _deadline(phrase: list[str], here: datetime, language: str) -> date | None:
    """The day that a part of a goal names. A short name of a weekday is a word of its own there: "sun", "mar"."""
    short = {name for spoken in (language, FALLBACK) for name in _weekdays(spoken) if len(name) <= SHORT_NAME}
    if not phrase or any(plain(word) in short for word in phrase):
        return None
    return read_day(" ".join(phrase), here, language)


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
    if found is None:
        return None
    day: date = found.date()
    if day < here.date() and re.fullmatch(rf"(\D*\s)?0?{day.day}", phrase):
        return None  # a number without a month, and this month's day of that number is past
    return day


def _weekday(phrase: str, here: datetime, language: str) -> date | None:
    """The next day of the one weekday that a phrase without figures names; in "next week", the one of that week."""
    phrase = re.sub(r"\d{1,2}([:.]\d{2})?\s*(am|pm)\b|\d{1,2}:\d{2}", " ", phrase.casefold())  # a time of day
    if any(char.isdigit() for char in phrase):
        return None
    said = plain(phrase)
    tokens = said.split()
    if set(tokens) & known("date.not", language):
        return None
    found = _named(said, language)
    if len(found) != 1:
        return None
    number = found.pop()
    today_here = here.date()
    if any(name in tokens for name in known("date.past", language)):
        return today_here - timedelta(days=(today_here.weekday() - number - 1) % 7 + 1)
    if any(f" {name} " in f" {said} " for name in known("date.next_week", language)):
        return today_here + timedelta(days=7 - today_here.weekday() + number)
    return today_here + timedelta(days=(number - today_here.weekday() - 1) % 7 + 1)


def _named(said: str, language: str) -> set[int]:
    """The weekdays that words name."""
    return {number for name, number in _weekdays(language).items() if f" {name} " in f" {said} "}


@cache
def _weekdays(language: str) -> dict[str, int]:
    """The names of the weekdays, long and short; Monday is 0. In Arabic also with "on", and without the article."""
    names = {}
    for number, others in enumerate(listed("date.weekdays", language)):
        names.update({plain(name): number for name in others.split("/")})
    for width in ("wide", "abbreviated"):
        for number, name in get_day_names(width, locale=language).items():
            said = plain(name)
            names[said] = number
            if said.startswith("ال"):
                names.update({said[2:]: number, f"ب{said}": number, f"ل{said[1:]}": number})
    return names


def read_hours(text: str, language: str, *, by_day: bool = False) -> tuple[str, str] | None:
    """Two times of day, from one to the other, as "22:00": "22:00 - 7:30", "10pm to 7am", "22h-7h", "2200-0730".

    None where the phrase says anything else. Hours up to 12 with no half of the day can mean two things: where they
    would make more than half a day, the first is the evening's ("10 to 7"); `by_day`, the second is the afternoon's.
    """
    phrase = _figures(unicodedata.normalize("NFKC", text).casefold()).strip()
    phrase = re.sub(r"(?<![^\W\d_])([ap])\s?\.?\s?m\b\.?", r" \1m ", phrase)
    if len(phrase) > LONGEST_PHRASE or not (found := _TWO_TIMES.fullmatch(re.sub(r"[-‐-―−~→]", " - ", phrase))):
        return None
    for spoken in dict.fromkeys((language, FALLBACK)):
        if (halves := _halves(found["before"], found["between"], found["after"], spoken)) is not None:
            if by_day and halves == (None, "pm") and _hour(found["first"]) < _hour(found["second"]):
                halves = ("pm", "pm")  # "3 to 7 pm"; "9 to 5 pm" begins in the morning
            return _between(found["first"], found["second"], halves, by_day=by_day)
    return None


def _hour(said: str) -> int:
    """The hour of a time's figures, of twelve."""
    figures = re.findall(r"\d+", said)[0]
    return int(figures[:2] if len(figures) == 4 else figures) % 12


def read_clock(text: str, language: str) -> str | None:
    """One time of day, as "17:00": "17:00", "5 pm", "5:30 in the afternoon", "1700", "17h". None where a phrase says
    anything else. An hour below 8 with no half of the day beside it is the afternoon's; "05:00" is the morning's.
    """
    phrase = _figures(unicodedata.normalize("NFKC", text).casefold()).strip()
    phrase = re.sub(r"(?<![^\W\d_])([ap])\s?\.?\s?m\b\.?", r" \1m ", phrase)
    found = re.fullmatch(rf"(\D*)({_TIME})(\D*)", phrase)
    if len(phrase) > LONGEST_PHRASE or found is None or "-" in found[1]:
        return None
    for spoken in dict.fromkeys((language, FALLBACK)):
        half = _half([*plain(found[1]).split(), *plain(found[3]).split()], spoken)
        if half is False:
            continue
        both = _between(found[2], found[2], (half, half))
        if both is None:
            return None
        early = half is None and not found[2].startswith("0") and 1 <= int(both[0][:2]) < EARLIEST
        return f"{int(both[0][:2]) + 12}{both[0][2:]}" if early else both[0]
    return None


_TIME = r"\d{1,2}\s?[:.٫h]\s?\d{2}|\d{4}|\d{1,2}"
_TWO_TIMES = re.compile(rf"(?P<before>\D*)(?P<first>{_TIME})(?P<between>\D+)(?P<second>{_TIME})(?P<after>\D*)")
_Half = Literal["am", "pm", "night"] | None


def _halves(before: str, between: str, after: str, language: str) -> tuple[_Half, _Half] | None:
    """Which half of the day stands beside each of two times; None where anything else is said."""
    until = known("hours.until", language)
    middle = ["-" if token == "-" else plain(token) for token in between.split()]
    places = [n for n, token in enumerate(middle) if token == "-" or token in until]
    if not places:
        return None
    first = _half([*plain(before).split(), *middle[: places[0]]], language)
    second = _half([*(t for t in middle[places[0] :] if t != "-"), *plain(after).split()], language)
    return None if first is False or second is False else (first, second)


def _half(tokens: list[str], language: str) -> _Half | Literal[False]:
    """The half of the day that words name, or None where they name none; False where they say anything else."""
    said, found = f" {' '.join(t for t in tokens if t)} ", set[_Half]()
    for half in ("am", "pm", "night"):
        for name in sorted(known(f"hours.{half}", language), key=len, reverse=True):
            if f" {name} " in said:
                said = said.replace(f" {name} ", " ")
                found.add(half)
    if len(found) > 1 or not set(said.split()) <= known("hours.around", language) | known("hours.until", language):
        return False
    return found.pop() if found else None


def _between(first: str, second: str, halves: tuple[_Half, _Half], *, by_day: bool = False) -> tuple[str, str] | None:
    """Two times of day from their figures and the halves of the day beside them; None where a time is none."""
    times, either = [], []  # minutes of the day; which of the two could be meant in both halves of it
    plainly = any(said.startswith("0") or len(re.sub(r"\D", " ", said).split()[0]) == 4 for said in (first, second))
    for said, half in zip((first, second), halves, strict=True):
        figures = re.findall(r"\d+", said)
        if len(figures[0]) == 4:
            figures = [said[:2], said[2:]]
        hour, minute = int(figures[0]), int(figures[1]) if len(figures) > 1 else 0
        if hour > 24 or minute > 59 or (hour == 24 and minute) or (half in ("am", "pm") and not 0 < hour <= 12):
            return None
        plainly = plainly or hour > 12
        either.append(half is None)
        if half == "am" or (half == "night" and hour == 12):
            hour %= 12
        elif half == "pm" or (half == "night" and 6 <= hour < 12):
            hour = hour % 12 + 12
        times.append(hour % 24 * 60 + minute)
    if by_day and all(either) and not plainly and times[1] <= times[0] < times[1] + DAY_MINUTES // 2:
        times[1] += DAY_MINUTES // 2  # 9-5
    for n in () if by_day else (0, 1):
        if either[n] and not plainly and (times[1] - times[0]) % DAY_MINUTES > DAY_MINUTES // 2:
            times[n] = (times[n] + DAY_MINUTES // 2) % DAY_MINUTES
    start, end = (f"{minutes // 60:02}:{minutes % 60:02}" for minutes in times)
    return start, end


def _day_and_hours(text: str, here: datetime, language: str) -> Reading:
    """A day, and the hours beside it, if there are any: "24 December", "24 Dec 9-11"."""
    for phrase, rest in _in_two(text):
        if (hours := read_hours(rest, language, by_day=True)) and (day := read_day(phrase, here, language)):
            return Reading(day=day, hours=hours)
    return Reading(day=read_day(text, here, language))


def _day_and_time(text: str, here: datetime, language: str) -> Reading:
    """A day and a time of day, in either order: "24 Nov 17:00", "5 pm on friday"."""
    for one, other in _in_two(text):
        for phrase, rest in ((one, other), (other, one)):
            if (time := read_clock(rest, language)) and (day := read_day(phrase, here, language)):
                return Reading(day=day, time=time)
    return Reading()


def _in_two(text: str) -> list[tuple[str, str]]:
    """A phrase taken apart between two of its words, in every way."""
    tokens = text[: 2 * LONGEST_PHRASE].split()
    return [(" ".join(tokens[:n]).strip(" ,:;"), " ".join(tokens[n:])) for n in range(1, len(tokens))]


_WINTER = datetime(2026, 1, 1)  # noqa: DTZ001 - a wall-clock time, to compare zones by
_SUMMER = datetime(2026, 7, 1)  # noqa: DTZ001 - the same


@cache
def _zones_by_city() -> dict[str, tuple[str, ...]]:
    cities: dict[str, list[str]] = {}
    for name in sorted(name for name in available_timezones() if "/" in name or name == "UTC"):
        city = plain(name.rsplit("/", 1)[-1].replace("_", " "))
        if not name.startswith(("Etc/", "posix/", "right/", "SystemV/", "US/")):
            known = cities.setdefault(city, [])
            if not any(ZoneInfo(name).utcoffset(_WINTER) == ZoneInfo(k).utcoffset(_WINTER) for k in known):
                known.append(name)
        cities[name.casefold()] = [name]
    return {city: tuple(names) for city, names in cities.items()}


@cache
def _zones_by_name() -> dict[str, tuple[str, ...]]:
    """The zones of cities and countries as our languages call them, from the tables of Unicode."""
    names: dict[str, dict[str, None]] = {}
    real, aliases = available_timezones(), get_global("zone_aliases")
    for language in languages():
        locale = Locale.parse(language)
        for zone, called in locale.time_zones.items():
            zone = aliases.get(zone, zone)
            if zone in real and called.get("city"):
                names.setdefault(plain(called["city"]), {})[zone] = None
        for code, called in locale.territories.items():
            if found := [zone for zone in _zones_of_country().get(code, ()) if zone in real]:
                names.setdefault(plain(called), {}).update(dict.fromkeys(_apart(found)))
    return {name: tuple(found) for name, found in names.items()}


@cache
def _zones_of_country() -> dict[str, tuple[str, ...]]:
    """The zones of each country by its code, the one where most people live first, from the tables of the zones."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    found: dict[str, tuple[str, ...]] = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            code, _, zone = line.split("\t")[:3]
            found[code] = (*found.get(code, ()), zone)
    return found


def _apart(found: list[str]) -> list[str]:
    """Of zones whose clocks go alike in winter and summer one, by preference one that is known far and wide."""
    known_well = {*COMMON_ZONES, *get_global("windows_zone_mapping").values()}
    kept: dict[tuple[timedelta | None, ...], str] = {}
    for name in sorted(found, key=lambda name: (name not in COMMON_ZONES, name not in known_well)):
        kept.setdefault(tuple(ZoneInfo(name).utcoffset(day) for day in (_WINTER, _SUMMER)), name)
    return sorted(kept.values(), key=found.index)


def zones(text: str) -> tuple[str, ...]:
    """The time zones that a place's name can mean: an IANA name, a city with one of its own, or a country."""
    by_city = _zones_by_city()
    place = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    city = plain(place.split(",")[0])
    named = plain(text.split(",")[0].split("،")[0])
    found = by_city.get(text.strip().casefold()) or by_city.get(city) or ()
    if not found and named:
        found = _zones_by_name().get(named, ()) or _large_cities().get(named, ()) or _large_cities().get(city, ())
    return found


@cache
def _large_cities() -> dict[str, tuple[str, ...]]:
    """The zones of cities that no table of others knows: bot/cities.txt."""
    zone_of: dict[str, tuple[str, ...]] = {}
    for line in (files("bot") / "cities.txt").read_text(encoding="utf-8").splitlines():
        zone, _, names = line.partition(": ")
        if not line.startswith("#"):
            zone_of.update({plain(name): (zone,) for name in names.split("|")})
    return zone_of
