"""The catalogues: a text of `flows` by its key, in the person's language, with that language's dates and plurals.

Catalogues are gettext files, read as they are written (no compiled copies). What a person wrote is only ever put into
a template, never read as one.
"""

from __future__ import annotations

import gettext
from datetime import date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from flows.effects import Text

LOCALES = Path(__file__).parent / "locales"
FALLBACK = "en"


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
    """A text in a language. A string is somebody's words and stays as it is. Raises KeyError for an unknown key."""
    if isinstance(text, str):
        return text
    texts = catalogue(language)
    counted = text.count is not None
    template = texts.ngettext(text.key, text.key, text.count or 0) if counted else texts.gettext(text.key)
    if template == text.key:
        raise KeyError(text.key)
    if not text.args and not counted:
        return template
    args = {name: _argument(value, language) for name, value in text.args.items()}
    return template.format_map({"count": text.count, **args})


def listed(key: str, language: str) -> tuple[str, ...]:
    """The alternatives of a text that lists some, "yes|yeah|ok"; empty where the language has no such text."""
    found = catalogue(language).gettext(key)
    return () if found == key else tuple(found.split("|"))


def _argument(value: Any, language: str) -> Any:
    if isinstance(value, Text):
        return words(value, language)
    if isinstance(value, datetime):
        return Moment(value, _locale(language))
    if isinstance(value, date):
        return Day(value, _locale(language))
    return value


@cache
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language)
    except UnknownLocaleError:
        return Locale.parse(FALLBACK)


class Day:
    """A date in a text: {day} is "Friday 27 November", {day:short} is "Fri 27 Nov", {day:year} adds the year."""

    def __init__(self, value: date, locale: Locale) -> None:
        self._value, self._locale = value, locale

    def __format__(self, spec: str) -> str:
        pattern = {"short": "EEE d MMM", "year": "EEEE d MMMM y"}.get(spec, "EEEE d MMMM")
        return str(format_date(self._value, pattern, locale=self._locale))


class Moment:
    """A local time in a text: {at} is "Friday 27 November, 09:00"."""

    def __init__(self, value: datetime, locale: Locale) -> None:
        self._value, self._locale = value, locale

    def __format__(self, spec: str) -> str:
        clock = format_time(self._value.timetz().replace(tzinfo=None), "HH:mm", locale=self._locale)
        day = format(Day(self._value.date(), self._locale), spec)
        zone = getattr(self._value.tzinfo, "key", "")
        place = zone.rsplit("/", 1)[-1].replace("_", " ")
        return f"{day}, {clock}" + (f" ({place})" if place and spec != "bare" else "")
