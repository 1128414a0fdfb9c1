"""What buttons about sessions are called: `b:<card>:<id or nothing>:<act>[:<what the act takes>]`.

Whose the id is, what deciding the act takes, and whether it changes what others rest on, is data here; what an act
does is in `flows.agenda` and what it names. An act of choosing or planning carries no id: what it is about is in the
conversation (`Booking`), and a button of another card than that is old.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

from flows.records import Record

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LOOKED_AHEAD = 92
"""Days from today in which a time can be chosen."""


class Naming(Record):
    """How an act's button is read. `names`: whose the id is (a session comes with a consent); `changes`: decided one
    after the other with all that change; `slots`: the times that are free are looked at; `beside`: what is taken
    while the session is; the rest is what else is loaded."""

    names: Literal["session", "consent", "coachee", "resource", ""] = ""
    changes: bool = False
    slots: bool = False
    agenda: bool = False
    history: bool = False
    stock: bool = False
    feed: bool = False
    beside: bool = False
    looks: bool = False
    consents: bool = False


SESSION = Naming(names="session")
CHANGES = Naming(names="session", changes=True)
CONSENT = Naming(names="consent")
DECIDES = Naming(names="consent", changes=True)
CHOOSING = Naming(slots=True)
ACTS: dict[str, Naming] = {
    # lists and cards
    "agenda": Naming(agenda=True),
    "theirs": Naming(names="coachee", agenda=True),
    "card": SESSION,
    "history": Naming(names="session", history=True),
    "brief": Naming(names="session", history=True, looks=True),
    "file": SESSION,
    "files": SESSION,
    # what becomes of a session
    "complete": Naming(names="session", changes=True, beside=True),
    "record": SESSION,
    "submit": CHANGES,
    "missed": SESSION,
    "absent": CHANGES,
    "reopen": Naming(names="session", changes=True, history=True),
    "cancel": SESSION,
    "cancelled": CHANGES,
    "mine": Naming(names="session", changes=True, beside=True),
    # who is asked whether a session may be cancelled
    "consent": CONSENT,
    "approve": DECIDES,
    "keep": DECIDES,
    "call": DECIDES,
    "another": Naming(names="consent", slots=True),
    "number": CONSENT,
    "nowords": CONSENT,
    "nophone": CONSENT,
    "spoke": CONSENT,
    "report": DECIDES,
    "withdraw": DECIDES,
    "decisions": Naming(names="coachee", consents=True),
    # choosing a time: for a session that is moved, or a new one of a coachee
    "move": Naming(names="session", slots=True),
    "slots": Naming(names="coachee", slots=True),
    "month": CHOOSING,
    "day": CHOOSING,
    "take": Naming(slots=True, changes=True),
    "book": Naming(slots=True, changes=True),
    "leave": Naming(slots=True, changes=True),
    "none": Naming(),
    # planning several
    "plan": Naming(names="coachee", slots=True),
    "set": CHOOSING,
    "preview": CHOOSING,
    "save": Naming(slots=True, changes=True),
    "undo": Naming(slots=True, changes=True),
    # a coach's hours
    "hours": Naming(agenda=True),
    "weekly": Naming(agenda=True),
    "except": Naming(agenda=True),
    "rules": Naming(agenda=True),
    # an operator's resources
    "stock": Naming(stock=True),
    "resource": Naming(names="resource", stock=True),
    "add": Naming(stock=True, changes=True),
    "rename": Naming(names="resource", stock=True, changes=True),
    "out": Naming(names="resource", stock=True, changes=True),
    "back": Naming(names="resource", stock=True, changes=True),
    "delete": Naming(names="resource", stock=True, changes=True),
    # calendars
    "feed": Naming(agenda=True, feed=True),
    "nofeed": Naming(agenda=True, feed=True),
    # leading a conversation
    "begin": CHANGES,
    "join": Naming(names="session", changes=True, history=True, looks=True),
    "ask": Naming(names="session", history=True, looks=True),
    "drop": Naming(names="session", changes=True, history=True, looks=True),
}
"""Every act there is."""


class Read(Record):
    """The data of a button, taken apart."""

    card: int
    named: str
    act: str
    argument: str = ""


def read(data: str) -> Read | None:
    """The parts of a button's data; None where it is not one about sessions."""
    parts = data.split(":")
    if parts[0] != "b" or len(parts) not in (4, 5):
        return None
    card, named, act = parts[1:4]
    if not (card.isascii() and card.isdigit() and len(card) < 7) or act not in ACTS:
        return None
    if bool(ACTS[act].names) != bool(named):
        return None
    return Read(card=int(card), named=named, act=act, argument=parts[4] if len(parts) == 5 else "")


def page_of(argument: str) -> int:
    """The page that a button names, from 0; the first one where it names none."""
    return int(argument[:4]) if argument.isascii() and argument.isdigit() else 0


def day_code(day: date) -> str:
    """A day in a button."""
    return day.strftime("%y%m%d")


def day_of(code: str) -> date | None:
    """The day of a button; the first of a month where it names one ("2612")."""
    if not (code.isascii() and code.isdigit() and len(code) in (4, 6)):
        return None
    try:
        return date(2000 + int(code[:2]), int(code[2:4]), int(code[4:6] or "1"))
    except ValueError:
        return None


def moment_code(moment: datetime) -> str:
    """A moment in a button: minutes since 2020, written with digits and letters."""
    minutes, code = int((moment - EPOCH) / timedelta(minutes=1)), ""
    while minutes > 0:
        minutes, digit = divmod(minutes, 36)
        code = DIGITS[digit] + code
    return code or "0"


def moment_of(code: str) -> datetime | None:
    """The moment of a button, within a hundred years."""
    if not 0 < len(code) <= 6 or not all(char in DIGITS for char in code):
        return None
    minutes = int(code, 36)
    return EPOCH + timedelta(minutes=minutes) if minutes < 100 * 366 * 24 * 60 else None
