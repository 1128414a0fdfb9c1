"""Calendar files (RFC 5545) of sessions: entries, as the outbox keeps them, and the text that calendars read.

Times are in UTC. A session is one moment that everybody concerned reads on their own clock, and it is never repeated
by a rule, so there is nothing for which an entry would need a zone: without one there is no VTIMEZONE to get wrong,
and none that a calendar knows under another name.

No ORGANIZER and no ATTENDEE: nobody here has a mail address, and a calendar would send its answers to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from icalendar import Calendar, Event

from bot.texts import words
from flows.diary import Scheduled
from flows.effects import Text
from flows.records import Record
from flows.session_news import where

PRODUCT = "-//Waymark//Waymark//EN"
FETCHED_AGAIN = timedelta(hours=1)
"""How often a calendar is asked to fetch an address again."""
ISOLATES = {ord(mark): None for mark in "\u2066\u2067\u2068\u2069"}
"""What keeps writing directions apart in a message is shown as boxes by some calendars."""


class Entry(Record):
    """A session as a calendar shows it. `sequence` counts the changes that move it."""

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    title: str
    place: str
    cancelled: bool = False


class Invitation(Record):
    """A calendar file as the outbox keeps it. `name` has no extension."""

    name: str
    entries: tuple[Entry, ...]
    caption: str = ""


def entry(session: Scheduled, title: Text, language: str) -> Entry:
    """A session's entry, in somebody's language."""
    return Entry(
        uid=session.uid or f"{session.session_id}@waymark",
        sequence=session.sequence,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        title=words(title, language).translate(ISOLATES),
        place=words(where(session.resource), language).translate(ISOLATES),
        cancelled=session.status == "cancelled",
    )


def ics(entries: Iterable[Entry], stamped: datetime | Mapping[str, datetime], *, name: str | None = None) -> bytes:
    """Entries as a file. It calls off (METHOD:CANCEL) where all of them are cancelled, else it publishes.

    `name` is that of a calendar which is fetched again and again. `stamped` is when the file is made, or, by uid,
    when each entry was changed last: with that it is the same file as long as nothing changes.
    """
    listed = tuple(entries)
    gone = name is None and bool(listed) and all(one.cancelled for one in listed)
    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "CANCEL" if gone else "PUBLISH")
    if name is not None:
        made.add("name", name)
        made.add("x-wr-calname", name)  # what most read instead
        made.add("refresh-interval", FETCHED_AGAIN, parameters={"VALUE": "DURATION"})
        made.add("x-published-ttl", "PT1H")
    for one in listed:
        made.add_component(_event(one, stamped if isinstance(stamped, datetime) else stamped[one.uid]))
    return bytes(made.to_ical())


def _event(one: Entry, stamped: datetime) -> Event:
    made = Event()
    made.add("uid", one.uid)
    made.add("sequence", one.sequence)
    made.add("dtstamp", stamped)
    made.add("dtstart", one.starts_at)
    made.add("dtend", one.ends_at)
    made.add("summary", one.title)
    made.add("location", one.place)
    made.add("status", "CANCELLED" if one.cancelled else "CONFIRMED")
    made.add("transp", "TRANSPARENT" if one.cancelled else "OPAQUE")
    return made
