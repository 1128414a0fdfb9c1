"""People and pairs that an operator brings in by a file: what becomes of each row, given who is there.

What is not clear is refused, with its reason, and everything else goes in. What a person said of themselves stays: a
row never changes the name, language, time zone or year of birth of somebody who is there. A file that went in once
makes no change when it comes again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from flows.changes import GuardianshipKept, RoleGranted, StandingChanged, TieKept
from flows.effects import Notify
from flows.notices import tell
from flows.people import ROLES, Other, Role, Standing, TieKind
from flows.records import Record
from flows.rights import age
from flows.times import zones

REQUIRED = ("telegram_id", "name", "role")
COLUMNS = (
    *REQUIRED,
    "language",
    "timezone",
    "birth_year",
    "coach_telegram_id",
    "tie",
    "parent_telegram_id",
)
"""What a file may say. A row is one role of a person, with one coach and one parent: several are several rows."""
DETAILS = ("name", "language", "timezone", "birth_year")
"""What is said of the person, and so has to be the same in all rows of theirs."""
LONGEST_NAME = 64
OLDEST_YEAR = 1900
GREATEST_ID = 2**52
"""Telegram's ids have fewer significant bits than this."""
TELEGRAM_ID = re.compile(r"[1-9][0-9]{0,15}")
YEAR = re.compile(r"[0-9]{4}")
UNPRINTABLE = ("Cc", "Cs", "Co", "Zl", "Zp")

Became = Literal["created", "reactivated", "changed", "there", "refused"]
BECAME: tuple[Became, ...] = get_args(Became)
Reason = Literal[
    "cells",
    "bad_id",
    "no_name",
    "long_name",
    "bad_name",
    "unknown_role",
    "unknown_language",
    "unknown_zone",
    "bad_year",
    "bad_tie",
    "not_coachee",
    "tie_alone",
    "bad_coach_id",
    "bad_parent_id",
    "own_coach",
    "own_parent",
    "duplicate",
    "differs",
    "leaving",
    "coach_unknown",
    "coach_role",
    "coach_gone",
    "parent_unknown",
    "parent_role",
    "parent_gone",
    "second_primary",
    "other_tie",
]
Added = Literal["role", "person_again", "coach", "coach_again", "parent", "parent_again", "waits"]
"""What a row did besides making a person; `waits`: for a parent, since the person is too young to agree alone."""


class Line(Record):
    """A row of the file, `number` as a spreadsheet counts it. `over`: it has more cells than the header."""

    number: int
    cells: dict[str, str]
    over: bool = False


class Asked(Record):
    """A row that can be read. `tie` is None where the file does not say."""

    number: int
    telegram_id: int
    name: str
    role: Role
    language: str | None = None
    timezone: str | None = None
    birth_year: int | None = None
    coach: int | None = None
    tie: TieKind | None = None
    parent: int | None = None


class Refused(Record):
    """A row that does not go in. `about` is what is wrong: a value of the file, or the number of another row."""

    number: int
    reason: Reason
    about: str = ""


class Done(Record):
    """What became of a row."""

    number: int
    became: Became
    added: tuple[Added, ...] = ()
    reason: Reason | None = None
    about: str = ""


class Known(Record):
    """Somebody who is there."""

    person: Other
    roles: tuple[Role, ...] = ()


class Pair(Record):
    """A coach and a coachee (`kind` says which), or a parent and a child: `first` looks after `second`."""

    pair_id: UUID
    first: UUID
    second: UUID
    active: bool
    kind: TieKind = "primary"
    agreed: bool = False


class There(Record):
    """Who is there of all that the file names, by Telegram id, and who looks after them."""

    people: dict[int, Known] = {}
    ties: tuple[Pair, ...] = ()
    families: tuple[Pair, ...] = ()


class Newcomer(Record):
    """A person to be made."""

    user_id: UUID
    telegram_id: int
    name: str
    language: str
    timezone: str
    birth_year: int | None
    standing: Standing
    view: Role


class Import(Record):
    """What becomes of each row, and what is to be kept. `notices`: to those who are in and get a coach or parent."""

    done: tuple[Done, ...]
    newcomers: tuple[Newcomer, ...] = ()
    roles: tuple[RoleGranted, ...] = ()
    standings: tuple[StandingChanged, ...] = ()
    ties: tuple[TieKept, ...] = ()
    families: tuple[GuardianshipKept, ...] = ()
    notices: tuple[Notify, ...] = ()

    def counts(self) -> dict[Became, int]:
        """How many rows became what; only what there is."""
        found = [done.became for done in self.done]
        return {became: found.count(became) for became in BECAME if became in found}


def asked(line: Line, languages: Iterable[str], year: int) -> Asked | Refused:
    """A row as it is meant. `languages`: those the product speaks; `year`: the current one."""
    said = {name: value.strip() for name, value in line.cells.items()}

    def refuse(reason: Reason, about: str = "") -> Refused:
        return Refused(number=line.number, reason=reason, about=about)

    if line.over:
        return refuse("cells")
    if (telegram_id := _id(said["telegram_id"])) is None:
        return refuse("bad_id", said["telegram_id"])
    name = " ".join(said["name"].split())
    if not any(unicodedata.category(char)[0] not in "CZ" for char in name):
        return refuse("no_name")
    if len(name) > LONGEST_NAME:
        return refuse("long_name", name)
    if any(unicodedata.category(char) in UNPRINTABLE for char in line.cells["name"].strip()):
        return refuse("bad_name")
    role = next((role for role in ROLES if role == said["role"].casefold()), None)
    if role is None:
        return refuse("unknown_role", said["role"])
    language = said.get("language", "").replace("_", "-").split("-")[0].lower()
    if language and language not in languages:
        return refuse("unknown_language", said["language"])
    zone = said.get("timezone", "")
    if zone and zone not in zones():
        return refuse("unknown_zone", zone)
    born = said.get("birth_year", "")
    if born and not (YEAR.fullmatch(born) and OLDEST_YEAR <= int(born) < year):
        return refuse("bad_year", born)
    pairs = _pairs(telegram_id, role, said)
    if isinstance(pairs, tuple):
        return refuse(*pairs)
    return pairs.evolve(
        number=line.number,
        name=name,
        language=language or None,
        timezone=zone or None,
        birth_year=int(born) if born else None,
    )


def _pairs(telegram_id: int, role: Role, said: Mapping[str, str]) -> Asked | tuple[Reason, str]:
    """The part of a row that says who looks after the person, or what is wrong with it."""
    coach, tie, parent = (said.get(name, "") for name in ("coach_telegram_id", "tie", "parent_telegram_id"))
    if role != "coachee" and (coach or tie or parent):
        return "not_coachee", role
    kind: TieKind | None = None
    if tie:
        kind = next((kind for kind in get_args(TieKind) if kind == tie.casefold()), None)
        if kind is None:
            return "bad_tie", tie
        if not coach:
            return "tie_alone", tie
    if coach and _id(coach) is None:
        return "bad_coach_id", coach
    if parent and _id(parent) is None:
        return "bad_parent_id", parent
    if _id(coach) == telegram_id:
        return "own_coach", coach
    if _id(parent) == telegram_id:
        return "own_parent", parent
    return Asked(
        number=0, telegram_id=telegram_id, name="", role=role, coach=_id(coach), tie=kind, parent=_id(parent)
    )


def _id(said: str) -> int | None:
    return int(said) if TELEGRAM_ID.fullmatch(said) and int(said) < GREATEST_ID else None


def named(rows: Iterable[Asked | Refused]) -> set[int]:
    """Everybody whom the rows name, by Telegram id."""
    return {
        telegram_id
        for row in rows
        if isinstance(row, Asked)
        for telegram_id in (row.telegram_id, row.coach, row.parent)
        if telegram_id is not None
    }


def imported(
    rows: Iterable[Asked | Refused],
    there: There,
    new_id: Callable[[], UUID],
    now: datetime,
    consent_age: Callable[[str], int],
) -> Import:
    """What becomes of each row. It is the same whether it is kept or only looked at.

    `consent_age` of a time zone: who is younger there takes part when a parent agreed. `new_id` makes an id. A coach
    may come after their coachees in the file.
    """
    return _Importing(there, new_id, now, consent_age).run(list(rows))


class _One:
    """A person while the rows are gone through."""

    def __init__(self, other: Other, roles: Iterable[Role], *, new: bool) -> None:
        self.other, self.roles, self.new = other, list(roles), new
        self.judge = new
        """Whether their standing is to be found anew."""

    @property
    def user_id(self) -> UUID:
        return self.other.user_id


class _Importing:
    def __init__(
        self, there: There, new_id: Callable[[], UUID], now: datetime, consent_age: Callable[[str], int]
    ) -> None:
        self._new_id, self._now, self._consent_age = new_id, now, consent_age
        self._there = there.people
        self._people = {number: _One(known.person, known.roles, new=False) for number, known in there.people.items()}
        self._ties = {(pair.first, pair.second): pair for pair in there.ties}
        self._families = {(pair.first, pair.second): pair for pair in there.families}
        self._primary = {pair.second for pair in there.ties if pair.active and pair.kind == "primary"}
        self._guarded = {pair.second for pair in there.families if pair.active}
        self._agreed = {pair.second for pair in there.families if pair.active and pair.agreed}
        self._said: dict[int, Asked] = {}
        """What all good rows together say of a person."""
        self._granted: list[RoleGranted] = []
        self._kept_ties: list[TieKept] = []
        self._kept_families: list[GuardianshipKept] = []
        self._telling: list[tuple[_One, _One, str]] = []
        self._done: dict[int, Done] = {}

    def run(self, rows: list[Asked | Refused]) -> Import:
        good = self._sorted_out(rows)
        for row in sorted(good, key=lambda row: row.role == "coachee"):
            self._done[row.number] = self._row(row)
        standings = self._standings()
        for row in good:
            self._mark_waiting(row)
        return Import(
            done=tuple(self._done[row.number] for row in rows),
            newcomers=tuple(self._newcomer(number, one) for number, one in self._people.items() if one.new),
            roles=tuple(self._granted),
            standings=standings,
            ties=tuple(self._kept_ties),
            families=tuple(self._kept_families),
            notices=tuple(
                notice
                for one, by, key in self._telling
                if not one.new and one.other.standing == "active"
                for notice in tell(one.other, self._now, key, name=by.other.name)
            ),
        )

    def _sorted_out(self, rows: list[Asked | Refused]) -> list[Asked]:
        """The rows that go together; the others are refused."""
        good: list[Asked] = []
        seen: dict[tuple[int, Role, int | None, int | None], int] = {}
        for row in rows:
            refusal = row if isinstance(row, Refused) else None
            if isinstance(row, Asked):
                key = (row.telegram_id, row.role, row.coach, row.parent)
                known = self._there.get(row.telegram_id)
                before = self._said.get(row.telegram_id, row)
                if key in seen:
                    refusal = Refused(number=row.number, reason="duplicate", about=str(seen[key]))
                elif (other := _differing(before, row)) is not None:
                    refusal = Refused(number=row.number, reason="differs", about=f"{other}, {before.number}")
                elif known is not None and known.person.deletion_due_at is not None:
                    refusal = Refused(number=row.number, reason="leaving")
                else:
                    seen[key] = row.number
                    self._said[row.telegram_id] = _together(before, row)
                    good.append(row)
            if refusal is not None:
                self._done[row.number] = Done(
                    number=row.number, became="refused", reason=refusal.reason, about=refusal.about
                )
        return good

    def _row(self, row: Asked) -> Done:
        refusal = self._refusal(row)
        if refusal is not None:
            return Done(number=row.number, became="refused", reason=refusal[0], about=refusal[1])
        became: Became = "there"
        added: list[Added] = []
        one = self._people.get(row.telegram_id)
        if one is None:
            one, became = self._made(row), "created"
        elif one.other.standing == "inactive":
            one.other, one.judge, became = one.other.evolve(standing="active"), True, "reactivated"
            added.append("person_again")
        if row.role not in one.roles:
            one.roles.append(row.role)
            self._granted.append(RoleGranted(user_id=one.user_id, role=row.role))
            if became != "created":
                added.append("role")
                one.judge = one.judge or row.role == "coachee"
        if row.coach is not None and (tied := self._tied(row, one)) is not None:
            added.append(tied)
        if row.parent is not None and (linked := self._linked(row, one)) is not None:
            added.append(linked)
        if became == "there" and added:
            again = any(what.endswith("_again") for what in added)
            became = "reactivated" if again else "changed"
        return Done(number=row.number, became=became, added=tuple(added))

    def _refusal(self, row: Asked) -> tuple[Reason, str] | None:
        """Why a row of a coachee cannot go in, by those whom it names."""
        if row.coach is not None:
            if reason := self._not_a("coach", row.coach):
                return reason, str(row.coach)
            if reason := self._no_tie(row):
                return reason, str(row.coach)
        if row.parent is not None and (reason := self._not_a("parent", row.parent)):
            return reason, str(row.parent)
        return None

    def _not_a(self, role: Literal["coach", "parent"], telegram_id: int) -> Reason | None:
        """Why this person cannot be the one whom the row names. Rows of coaches and parents went in before."""
        one = self._people.get(telegram_id)
        if one is None and telegram_id not in self._said:
            return "coach_unknown" if role == "coach" else "parent_unknown"
        if one is None or role not in one.roles:
            return "coach_role" if role == "coach" else "parent_role"
        if one.other.standing == "inactive" or one.other.deletion_due_at is not None:
            return "coach_gone" if role == "coach" else "parent_gone"
        return None

    def _no_tie(self, row: Asked) -> Reason | None:
        one = self._people.get(row.telegram_id)
        if one is None or row.coach is None:
            return None
        old = self._ties.get((self._people[row.coach].user_id, one.user_id))
        if old is not None and old.active:
            return "other_tie" if row.tie not in (None, old.kind) else None
        wanted = row.tie or "primary"
        return "second_primary" if wanted == "primary" and one.user_id in self._primary else None

    def _made(self, row: Asked) -> _One:
        said = self._said[row.telegram_id]
        other = Other(
            user_id=self._new_id(),
            chat_id=said.telegram_id,
            name=said.name,
            language=said.language or "en",
            timezone=said.timezone or "UTC",
            standing="joining",
            birth_year=said.birth_year,
        )
        one = self._people[row.telegram_id] = _One(other, (), new=True)
        return one

    def _tied(self, row: Asked, one: _One) -> Added | None:
        assert row.coach is not None
        coach = self._people[row.coach]
        key = (coach.user_id, one.user_id)
        old = self._ties.get(key)
        if old is not None and old.active:
            return None
        kind = row.tie or "primary"
        tie_id = old.pair_id if old is not None else self._new_id()
        self._ties[key] = Pair(pair_id=tie_id, first=coach.user_id, second=one.user_id, active=True, kind=kind)
        if kind == "primary":
            self._primary.add(one.user_id)
        self._kept_ties.append(
            TieKept(
                tie_id=tie_id, coach_id=coach.user_id, coachee_id=one.user_id, kind=kind, active=True, at=self._now
            )
        )
        self._telling.append((one, coach, "import.coach" if kind == "primary" else "import.coach_too"))
        return "coach" if old is None else "coach_again"

    def _linked(self, row: Asked, one: _One) -> Added | None:
        assert row.parent is not None
        parent = self._people[row.parent]
        key = (parent.user_id, one.user_id)
        old = self._families.get(key)
        if old is not None and old.active:
            return None
        link_id = old.pair_id if old is not None else self._new_id()
        self._families[key] = Pair(pair_id=link_id, first=parent.user_id, second=one.user_id, active=True)
        self._guarded.add(one.user_id)
        self._kept_families.append(
            GuardianshipKept(
                guardianship_id=link_id,
                parent_id=parent.user_id,
                child_id=one.user_id,
                active=True,
                agreed_at=None,  # an agreement is the parent's own word, and no file's
                withdrawn_at=None,
                at=self._now,
            )
        )
        self._telling.append((one, parent, "import.parent"))
        return "parent" if old is None else "parent_again"

    def _standings(self) -> tuple[StandingChanged, ...]:
        """Where everybody stands in the end whom a row made, brought back, or made a coachee."""
        changed: list[StandingChanged] = []
        for number, one in self._people.items():
            if not one.judge:
                continue
            one.other = one.other.evolve(standing=self._standing(one))
            if not one.new and one.other.standing != self._there[number].person.standing:
                changed.append(StandingChanged(user_id=one.user_id, standing=one.other.standing))
        return tuple(changed)

    def _standing(self, one: _One) -> Standing:
        """A coachee is in when they said who they are and, if they are too young for that, a parent agreed."""
        before = "" if one.new else self._there[one.other.chat_id].person.standing
        if before in ("joining", "waiting"):
            return one.other.standing
        if "coachee" not in one.roles:  # they too read first what this is
            return "joining" if one.new else "active"
        born = one.other.birth_year
        if (
            born is not None
            and age(born, self._now.year) < self._consent_age(one.other.timezone)
            and one.user_id not in self._agreed
        ):
            return "joining" if one.new and one.user_id in self._guarded else "waiting"
        return "joining" if one.new or born is None else "active"

    def _mark_waiting(self, row: Asked) -> None:
        done, one = self._done[row.number], self._people.get(row.telegram_id)
        if one is None or one.other.standing != "waiting" or not one.judge or row.role != "coachee":
            return
        if done.became in ("created", "reactivated", "changed"):
            self._done[row.number] = done.evolve(added=(*done.added, "waits"))

    def _newcomer(self, telegram_id: int, one: _One) -> Newcomer:
        return Newcomer(
            user_id=one.user_id,
            telegram_id=telegram_id,
            name=one.other.name,
            language=one.other.language,
            timezone=one.other.timezone,
            birth_year=one.other.birth_year,
            standing=one.other.standing,
            view=next(role for role in ROLES if role in one.roles),
        )


def _differing(one: Asked, other: Asked) -> str | None:
    """What two rows say differently of one person; a row that says nothing of it agrees."""
    for name in DETAILS:
        here, there = getattr(one, name), getattr(other, name)
        if here is not None and there is not None and here != there:
            return name
    return None


def _together(one: Asked, other: Asked) -> Asked:
    """A row, and what another one says of the person besides."""
    return one.evolve(**{name: getattr(other, name) for name in DETAILS if getattr(one, name) is None})
