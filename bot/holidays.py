"""Public holidays: the days on which no session is planned, by the country of the planner's time zone.

HOLIDAYS says which: `auto` takes the country, `none` takes none, and a country, with one of its parts if need be
(DE, DE-BE), is taken wherever the planner is. A country that the package does not know has none.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

import holidays as package

from bot.ages import country
from flows.events import AnyEvent, ButtonPressed
from flows.planned import zone_of
from flows.series import window
from flows.session_acts import read
from flows.state import Chat

AUTO, NONE = "auto", "none"
LOOKING = ("set", "preview", "save")
"""The acts for which a plan is looked at."""


def parsed(setting: str) -> str:
    """The setting, as it is kept. Raises ValueError where it names no country or part of one."""
    if setting.casefold() in (AUTO, NONE):
        return setting.casefold()
    named = re.fullmatch(r"([A-Za-z]{2})(?:-([A-Za-z0-9]+))?", setting)
    parts = package.list_supported_countries(include_aliases=False)
    code, part = (named[1].upper(), (named[2] or "").upper()) if named else ("", "")
    if code not in parts:
        raise ValueError(
            f"says {setting!r}; it takes auto, none, or a country, with a part of it if need be: DE, DE-BE"
        )
    if part:
        known = ", ".join(sorted(parts[code])) or "none"
        part = next((name for name in parts[code] if name.upper() == part), "")
    if named and named[2] and not part:
        raise ValueError(f"says {setting!r}; the parts of {code} with holidays of their own are: {known}")
    return f"{code}-{part}" if part else code


def of_plan(chat: Chat, event: AnyEvent, setting: str) -> dict[date, str]:
    """The holidays by their names for a press that looks at a plan; none for anything else."""
    if not isinstance(event, ButtonPressed) or not event.data.startswith("b:") or chat.diary is None:
        return {}
    found, booking = read(event.data), chat.conversation.booking
    if found is None or found.act not in LOOKING or chat.person is None:
        return {}
    if booking is None or booking.first is None or booking.count is None:
        return {}
    first, last = window(booking.first, booking.weeks, booking.count)
    place = setting
    if setting == AUTO:
        place = country(zone_of(chat)) or NONE
    years = range(first.year, last.year + 1)
    return {day: name for year in years for day, name in _of_year(place, year, chat.person.language).items()}


@lru_cache(maxsize=512)
def _of_year(place: str, year: int, language: str) -> dict[date, str]:
    """The holidays of a year in a country or a part of one; in a language if the package has it, else in English."""
    code, _, part = place.partition("-")
    if place == NONE or code not in package.list_supported_countries(include_aliases=False):
        return {}
    there = package.country_holidays(code, subdiv=part or None)
    spoken = {name.partition("_")[0]: name for name in there.supported_languages}
    found = package.country_holidays(
        code, subdiv=part or None, years=year, language=spoken.get(language, spoken.get("en", there.default_language))
    )
    return dict(found.items())
