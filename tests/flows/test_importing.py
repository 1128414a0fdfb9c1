"""What becomes of each row of a file of people, given who is there: decided without a file and without a database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from flows.importing import Done, Import, Known, Line, Pair, There, asked, imported
from flows.people import Other, Role, Standing

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ANA, BEA, MIRA, PIA = 5, 6, 7, 8


def row(number: int, telegram_id: object, name: str, role: str, **more: object) -> Line:
    """A row of the file."""
    cells = {"telegram_id": str(telegram_id), "name": name, "role": role, **{k: str(v) for k, v in more.items()}}
    return Line(number=number, cells=cells)


def someone(telegram_id: int, *roles: Role, standing: Standing = "active", **more: Any) -> Known:
    """Somebody who is there. Their id here is their Telegram id's."""
    other = Other(user_id=UUID(int=telegram_id), chat_id=telegram_id, name=f"N{telegram_id}", standing=standing)
    return Known(person=other.evolve(**more), roles=roles)


def there(*people: Known, ties: Iterable[Pair] = (), families: Iterable[Pair] = ()) -> There:
    """Who is there."""
    return There(people={k.person.chat_id: k for k in people}, ties=tuple(ties), families=tuple(families))


def pair(first: int, second: int, *, active: bool = True, **more: Any) -> Pair:
    """Two who are there."""
    return Pair(
        pair_id=UUID(int=first * 100 + second), first=UUID(int=first), second=UUID(int=second), active=active, **more
    )


def run(lines: Iterable[Line], before: There | None = None) -> Import:
    """The whole decision."""
    numbers = count(1_000)
    rows = [asked(line, ("en", "es", "hi", "ar"), NOW.year) for line in lines]
    return imported(rows, before or There(), lambda: UUID(int=next(numbers)), NOW, lambda zone: 16)


def one(line: Line, before: There | None = None) -> Done:
    """What becomes of a single row."""
    [done] = run([line], before).done
    return done


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"telegram_id": "seven"}, "bad_id"),
        ({"telegram_id": "-7"}, "bad_id"),
        ({"telegram_id": "0"}, "bad_id"),
        ({"telegram_id": "1.2E+09"}, "bad_id"),
        ({"telegram_id": "٧"}, "bad_id"),
        ({"telegram_id": str(2**52)}, "bad_id"),
        ({"telegram_id": ""}, "bad_id"),
        ({"name": " "}, "no_name"),
        ({"name": "\u200b\u200f"}, "no_name"),
        ({"name": "x" * 65}, "long_name"),
        ({"name": "x" * 20_000}, "long_name"),
        ({"name": "Mi\x00ra"}, "bad_name"),
        ({"name": "Mi\nra"}, "bad_name"),
        ({"name": "Mi\x1b[2Jra"}, "bad_name"),
        ({"name": "Mi\ue000ra"}, "bad_name"),
        ({"role": "king"}, "unknown_role"),
        ({"role": ""}, "unknown_role"),
        ({"language": "tlh"}, "unknown_language"),
        ({"timezone": "Europe/Atlantis"}, "unknown_zone"),
        ({"timezone": "../../etc/passwd"}, "unknown_zone"),
        ({"birth_year": "1899"}, "bad_year"),
        ({"birth_year": "2026"}, "bad_year"),
        ({"birth_year": "12"}, "bad_year"),
        ({"birth_year": "٢٠١٠"}, "bad_year"),
        ({"coach_telegram_id": "Ana"}, "bad_coach_id"),
        ({"coach_telegram_id": "7"}, "own_coach"),
        ({"coach_telegram_id": "5", "tie": "third"}, "bad_tie"),
        ({"tie": "primary"}, "tie_alone"),
        ({"parent_telegram_id": "mum"}, "bad_parent_id"),
        ({"parent_telegram_id": "7"}, "own_parent"),
        ({"role": "coach", "coach_telegram_id": "5"}, "not_coachee"),
        ({"role": "parent", "parent_telegram_id": "5"}, "not_coachee"),
        ({"coach_telegram_id": "99"}, "coach_unknown"),
        ({"coach_telegram_id": "8"}, "coach_role"),
        ({"coach_telegram_id": "10"}, "coach_gone"),
        ({"coach_telegram_id": "12"}, "coach_gone"),
        ({"parent_telegram_id": "99"}, "parent_unknown"),
        ({"parent_telegram_id": "5"}, "parent_role"),
        ({"parent_telegram_id": "11"}, "parent_gone"),
        ({"telegram_id": "13"}, "leaving"),
        ({"telegram_id": "14", "coach_telegram_id": "5"}, "second_primary"),
        ({"telegram_id": "14", "coach_telegram_id": "6", "tie": "secondary"}, "other_tie"),
    ],
)
def test_what_is_refused(cells: dict[str, str], reason: str) -> None:
    """Each fault has its reason, and nothing is kept of the row."""
    before = there(
        someone(ANA, "coach"),
        someone(BEA, "coach"),
        someone(PIA, "parent"),
        someone(10, "coach", standing="inactive"),
        someone(11, "parent", standing="inactive"),
        someone(12, "coach", deletion_due_at=NOW),
        someone(13, "coachee", deletion_due_at=NOW),
        someone(14, "coachee"),
        ties=[pair(BEA, 14)],
    )
    line = row(2, MIRA, "Mira", "coachee")
    found = run([line.evolve(cells=line.cells | cells)], before)
    assert found == Import(done=found.done)
    [done] = found.done
    assert (done.number, done.became, done.reason) == (2, "refused", reason)


def test_a_row_with_too_many_cells() -> None:
    """Which cell is which is not clear."""
    assert one(row(2, MIRA, "Mira", "coachee").evolve(over=True)).reason == "cells"


def test_newcomers() -> None:
    """Each finds their way in at their first contact. Order does not matter."""
    found = run(
        [
            row(2, MIRA, " Mira  Lund ", "Coachee", coach_telegram_id=ANA, parent_telegram_id=PIA, birth_year=2014),
            row(3, ANA, "Ana", "coach", language="es-ES", timezone="Europe/Madrid"),
            row(4, PIA, "=cmd|' /C calc'!A0", "parent"),
            row(5, 9, "ليلى 👩‍👧", "operator", language="ar"),
        ]
    )
    assert [done.became for done in found.done] == ["created"] * 4
    assert found.done[0].added == ("coach", "parent")
    people = {person.telegram_id: person for person in found.newcomers}
    assert (people[MIRA].name, people[MIRA].standing, people[MIRA].view) == ("Mira Lund", "joining", "coachee")
    assert (people[ANA].standing, people[ANA].language, people[ANA].timezone) == ("joining", "es", "Europe/Madrid")
    assert people[PIA].name == "=cmd|' /C calc'!A0"
    assert (people[9].name, people[9].view) == ("ليلى 👩‍👧", "operator")
    [tie] = found.ties
    assert (tie.coach_id, tie.coachee_id, tie.kind) == (people[ANA].user_id, people[MIRA].user_id, "primary")
    [family] = found.families
    assert family.agreed_at is None
    assert found.notices == ()  # who joins is told then


def test_too_young_and_alone() -> None:
    """They wait for a parent, and the report says so."""
    found = run([row(2, MIRA, "Mira", "coachee", birth_year=2012), row(3, 9, "Olu", "coachee", birth_year=2009)])
    assert [(p.telegram_id, p.standing) for p in found.newcomers] == [(MIRA, "waiting"), (9, "joining")]
    assert [done.added for done in found.done] == [("waits",), ()]


def test_rows_of_one_file() -> None:
    """A person with several rows has what they all say; what says the same, or otherwise, is refused."""
    found = run(
        [
            row(2, ANA, "Ana", "coach"),
            row(3, BEA, "Bea", "coach"),
            row(4, MIRA, "Mira", "coachee", coach_telegram_id=ANA),
            row(5, MIRA, "Mira", "coachee", coach_telegram_id=BEA, tie="secondary", language="hi"),
            row(6, MIRA, "Mira", "coachee", coach_telegram_id=BEA),
            row(7, MIRA, "Mina", "parent"),
            row(8, MIRA, "Mira", "parent", language="ar"),
            row(9, MIRA, "Mira", "parent"),
            row(10, 9, "Olu", "coachee", coach_telegram_id=ANA),
            row(11, 9, "Olu", "coachee", coach_telegram_id=BEA),
            row(12, 10, "Tove", "coachee", coach_telegram_id=9),
        ]
    )
    assert [(d.number, d.reason, d.about) for d in found.done if d.reason] == [
        (6, "duplicate", "5"),
        (7, "differs", "name, 4"),
        (8, "differs", "language, 4"),
        (11, "second_primary", "6"),
        (12, "coach_role", "9"),
    ]
    [mira] = [person for person in found.newcomers if person.telegram_id == MIRA]
    assert (mira.language, mira.standing) == ("hi", "joining")
    assert {(role.user_id, role.role) for role in found.roles} >= {
        (mira.user_id, "coachee"),
        (mira.user_id, "parent"),
    }
    assert [(tie.kind) for tie in found.ties if tie.coachee_id == mira.user_id] == ["primary", "secondary"]


def test_what_is_there_stays() -> None:
    """Nothing of what a person said of themselves is changed, nor is a tie of the same kind."""
    before = there(someone(ANA, "coach"), someone(MIRA, "coachee"), ties=[pair(ANA, MIRA, kind="secondary")])
    line = row(
        2, MIRA, "Other", "coachee", language="es", timezone="Asia/Tokyo", birth_year=2015, coach_telegram_id=5
    )
    found = run([line], before)
    assert found == Import(done=(Done(number=2, became="there"),))


def test_what_is_taken_up_again() -> None:
    """An inactive person, an ended tie, an ended family: with the rows that they have."""
    before = there(
        someone(ANA, "coach", standing="inactive"),
        someone(PIA, "parent"),
        someone(MIRA, "coachee", standing="inactive", birth_year=2000),
        ties=[pair(ANA, MIRA, active=False)],
        families=[pair(PIA, MIRA, active=False, agreed=True)],
    )
    found = run(
        [
            row(2, MIRA, "Mira", "coachee", coach_telegram_id=ANA, parent_telegram_id=PIA),
            row(3, ANA, "Ana", "coach"),
        ],
        before,
    )
    assert [done.became for done in found.done] == ["reactivated", "reactivated"]
    assert found.done[0].added == ("person_again", "coach_again", "parent_again")
    assert {(s.user_id.int, s.standing) for s in found.standings} == {(ANA, "active"), (MIRA, "active")}
    assert [tie.tie_id for tie in found.ties] == [UUID(int=507)]
    [family] = found.families
    assert (family.guardianship_id, family.agreed_at) == (UUID(int=807), None)
    assert [notice.to.chat_id for notice in found.notices] == [MIRA, MIRA]


def test_a_child_who_comes_back_waits_for_an_agreement() -> None:
    """Only a parent's own word lets them in; an agreement that stands does."""
    child = someone(MIRA, "coachee", standing="inactive", birth_year=2014)
    found = run([row(2, MIRA, "Mira", "coachee")], there(child, someone(PIA, "parent"), families=[pair(PIA, MIRA)]))
    assert [s.standing for s in found.standings] == ["waiting"]
    agreed = there(child, someone(PIA, "parent"), families=[pair(PIA, MIRA, agreed=True)])
    assert [s.standing for s in run([row(2, MIRA, "Mira", "coachee")], agreed).standings] == ["active"]


def test_a_coachee_who_is_in_is_told_of_a_coach() -> None:
    """One who is not in yet is told by the way in."""
    before = there(someone(ANA, "coach"), someone(MIRA, "coachee"), someone(9, "coachee", standing="joining"))
    found = run(
        [
            row(2, MIRA, "Mira", "coachee", coach_telegram_id=ANA),
            row(3, 9, "Olu", "coachee", coach_telegram_id=ANA, tie="secondary"),
        ],
        before,
    )
    assert [done.became for done in found.done] == ["changed", "changed"]
    assert [notice.to.chat_id for notice in found.notices] == [MIRA]


def test_a_coach_who_becomes_a_coachee_finds_their_way_in() -> None:
    """They have not said how old they are, nor been told what is kept."""
    found = run([row(2, ANA, "Ana", "coachee")], there(someone(ANA, "coach")))
    assert found.done[0].added == ("role",)
    assert [s.standing for s in found.standings] == ["joining"]
