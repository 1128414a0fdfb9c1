"""The catalogues: a text of `flows` by its key, in the person's language, with that language's dates and plurals.

Catalogues are gettext files, read as they are written (no compiled copies). What a person wrote is only ever put into
a template, never read as one.
"""

from __future__ import annotations

import gettext
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from flows.comparing import plain
from flows.effects import Text

LOCALES = Path(__file__).parent / "locales"
FALLBACK = "en"
DAY_PATTERNS = ("short", "year", "month", "weekday", "name")
"""The patterns of the catalogues for dates besides the plain one."""


@cache
def languages() -> tuple[str, ...]:
    """The languages there are catalogues for."""
    return tuple(sorted(path.name for path in LOCALES.iterdir() if (path / "LC_MESSAGES" / "waymark.po").is_file()))


def language_of(code: str | None) -> str:
    """The language to speak with a person whose client says `code` ("de-AT"); English where there is no catalogue."""
    base = (code or FALLBACK).replace("_", "-").split("-")[0].lower()
    return base if base in languages() else FALLBACK


@cache
def catalogue(language: str) -> gettext.GNUTranslations:
    """The texts of a language."""
    with (LOCALES / language / "LC_MESSAGES" / "waymark.po").open("rb") as file:
        messages = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def words(text: Text | str, language: str) -> str:
    """A text in a language, or else in English. A string is somebody's words and stays as it is.

    Raises KeyError for a key that is unknown in both.
    """
    if isinstance(text, str):
        return text
    texts = catalogue(language)
    template = texts.gettext(text.key) if text.count is None else texts.ngettext(text.key, text.key, text.count)
    if template == text.key and language != FALLBACK:
        return words(text, FALLBACK)  # better than nothing at all; a test finds every text that a language has not
    if template == text.key:
        raise KeyError(text.key)
    if not text.args and text.count is None:
        return template
    args = {name: _argument(value, language) for name, value in text.args.items()}
    return template.format_map({"count": text.count, **args})


def listed(key: str, language: str) -> tuple[str, ...]:
    """The alternatives of a text that lists some, "yes|yeah|ok"; empty where the language has no such text."""
    found = catalogue(language).gettext(key)
    return () if found == key else tuple(found.split("|"))


def entries(language: str) -> tuple[tuple[str, str], ...]:
    """Every text of a language by its key; one with plural forms comes once for each."""
    with (LOCALES / language / "LC_MESSAGES" / "waymark.po").open("rb") as file:
        messages = list(read_po(file, locale=language))
    found: list[tuple[str, str]] = []
    for message in messages:
        key = message.id if isinstance(message.id, str) else message.id[0]
        texts = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        found.extend((key, text) for text in texts if key)
    return tuple(found)


@cache
def known(key: str, language: str) -> frozenset[str]:
    """The alternatives of a text that lists some, as they are compared. One may end in "*": a word's beginning."""
    names = listed(key, language)
    return frozenset(plain(name) + ("*" if name.endswith("*") else "") for name in names)


def _argument(value: Any, language: str) -> Any:
    if isinstance(value, Text):
        return isolated(words(value, language), language)
    if isinstance(value, tuple):
        return together(value, language)
    if isinstance(value, str):
        return isolated(value, language)
    if isinstance(value, datetime):
        return Moment(value, _locale(language))
    if isinstance(value, date):
        return Day(value, _locale(language))
    return value


def together(texts: Iterable[Text | str], language: str) -> str:
    """Several texts as a list: "a, b and c"."""
    return str(format_list([isolated(words(text, language), language) for text in texts], locale=_locale(language)))


def isolated(text: str, language: str) -> str:
    """A text to be put into another one: set apart where it is written the other way, so that neither is scrambled.

    Right-to-left words in an English sentence, or Latin ones in an Arabic one, stand between Unicode's isolates.
    """
    rtl = right_to_left(language)
    strong = {"L"} if rtl else {"R", "AL"}
    marks = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    if not any(unicodedata.bidirectional(char) in strong | marks for char in text):
        return text
    return f"\u2068{_balanced(text)}\u2069"


def _balanced(text: str) -> str:
    """A text whose own isolates end within it, and in which nothing ends the one that it is put into."""
    kept, depth = [], 0
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind == "PDI" and not depth:
            continue
        depth += (kind in ("LRI", "RLI", "FSI")) - (kind == "PDI")
        kept.append(char)
    return "".join(kept) + "\u2069" * depth


@cache
def right_to_left(language: str) -> bool:
    """Whether a language is written from right to left."""
    return _locale(language).character_order == "right-to-left"


@cache
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language)
    except UnknownLocaleError:
        return Locale.parse(FALLBACK)


class Day:
    """A date in a text: {day} is "Friday 27 November", {day:short} is "Fri 27 Nov", {day:year} adds the year;
    {day:month} is "November 2026", {day:weekday} "Fr".

    The patterns are the catalogue's, by Unicode's rules for dates.
    """

    def __init__(self, value: date, locale: Locale) -> None:
        self._value, self._locale = value, locale

    def __format__(self, spec: str) -> str:
        key = f"date.pattern.{spec}" if spec in DAY_PATTERNS else "date.pattern"
        pattern = catalogue(self._locale.language).gettext(key)
        return str(format_date(self._value, pattern, locale=self._locale))


class Moment:
    """A local time in a text: {at} is "Friday 27 November, 09:00 (Berlin)", {at:short} "Fri 27 Nov, 09:00 (Berlin)".

    {at:bare} and {at:brief} are these without the zone, where it stands close by.
    """

    def __init__(self, value: datetime, locale: Locale) -> None:
        self._value, self._locale = value, locale

    def __format__(self, spec: str) -> str:
        clock = format_time(self._value.timetz().replace(tzinfo=None), "HH:mm", locale=self._locale)
        day = format(Day(self._value.date(), self._locale), "short" if spec == "brief" else spec)
        zone = getattr(self._value.tzinfo, "key", "")
        place = zone.rsplit("/", 1)[-1].replace("_", " ")
        comma = "،" if right_to_left(self._locale.language) else ","
        return f"{day}{comma} {clock}" + (f" ({place})" if place and spec not in ("bare", "brief") else "")
