"""THE table of a session's life: nothing but what it says can be done; the page that shows it is current."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args
from uuid import UUID, uuid5

import pytest

from flows import life
from flows.diary import Resource, Scheduled, SessionRecord, Status
from flows.errors import IllegalMoveError
from flows.life import MOVES, Move
from flows.life_page import WHAT, page
from flows.people import Other

NOW = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
SPACE = UUID(int=13)
STATUSES: tuple[Status, ...] = get_args(Status)
ALL_MOVES: tuple[Move, ...] = get_args(Move)
PAIRS = [(status, move) for status in STATUSES for move in ALL_MOVES]
DOCS = Path(__file__).parent.parent.parent / "docs"


def other(name: str) -> Other:
    """Somebody."""
    return Other(user_id=uuid5(SPACE, name), chat_id=len(name), name=name)


def session(n: int = 1, status: Status = "scheduled", *, hours: float = 24, **more: object) -> Scheduled:
    """A session that begins so many hours from now."""
    at = NOW + timedelta(hours=hours)
    made = Scheduled(
        session_id=uuid5(SPACE, f"{n} {hours} {status}"),
        programme_id=SPACE,
        number=n,
        coachee=other("Mira"),
        coach=other("Ana"),
        resource=Resource(resource_id=SPACE, number=1),
        starts_at=at,
        ends_at=at + timedelta(minutes=45),
        status=status,
    )
    return made.evolve(**more)


@pytest.mark.parametrize(("status", "move"), PAIRS)
@pytest.mark.parametrize("hours", [24, 0, -24], ids=["to come", "now", "past"])
def test_a_session_makes_the_moves_of_the_table_and_no_other(status: Status, move: Move, hours: float) -> None:
    """One that is no move raises; a legal one is a new record, one version on, and the old one is as it was."""
    here = session(status=status, hours=hours)
    before = here.evolve()
    come = status == "scheduled" and hours <= 0
    expected = MOVES.get(("pending" if come and move != "come" else status, move))
    if move == "come" and hours > 0:
        expected = None
    assert life.legal(here, move, NOW) == (expected is not None)
    if expected is None:
        with pytest.raises(IllegalMoveError):
            life.moved(here, move, NOW, absent="coachee", reason="ill")
    else:
        after = life.moved(here, move, NOW, by=other("Ana").user_id, absent="coachee", reason="ill")
        assert (after.status, after.version) == (expected, here.version + 1)
        assert (after.session_id, after.starts_at, after.number) == (here.session_id, here.starts_at, here.number)
        assert (after.absent == "coachee") == (move == "miss")
        assert (after.reason == "ill") == (move == "cancel")
        assert (after.resolved_at == NOW) == (not after.open)
    assert here == before


def test_the_table_has_every_pair_once_and_says_what_each_move_is() -> None:
    """Every status but those that are over can be left; every move is one of the table's and is on the page."""
    assert set(MOVES) <= set(PAIRS)
    assert {move for _, move in MOVES} == set(ALL_MOVES) == set(WHAT)
    assert set(STATUSES) - {status for status, _ in MOVES} == {"rescheduled", "cancelled"}


def test_what_is_submitted_is_not_taken_back() -> None:
    """A draft is."""
    draft = SessionRecord(on=NOW.date())
    held = session(status="completed", hours=-24, record=draft)
    assert life.moved(held, "reopen", NOW).status == "pending"
    with pytest.raises(IllegalMoveError):
        life.moved(held.evolve(record=draft.evolve(status="submitted")), "reopen", NOW)


def test_what_comes_first_is_the_earliest_open_session_before_it() -> None:
    """Resolved ones, later ones, and one that was moved to a later time are in nobody's way."""
    one, two, three = (session(n, "pending", hours=n - 10) for n in (1, 2, 3))
    assert life.blocking(three, (one, two, three)) == one
    assert life.blocking(three, (one.evolve(status="missed"), two, three)) == two
    assert life.blocking(one, (one, two, three)) is None
    for status in ("completed", "missed", "rescheduled", "cancelled"):
        assert life.blocking(two, (one.evolve(status=status), two)) is None
    moved = session(1, hours=48, replaces=SPACE)
    assert life.blocking(two, (moved, two)) is None
    assert life.blocking(two, (moved.evolve(replaces=None), two)) is not None


def test_a_session_that_another_rests_on_is_not_opened_again() -> None:
    """The later one could be completed only because this one was resolved."""
    one, two = session(1, "missed", hours=-20), session(2, "completed", hours=-10)
    assert life.resting(one, (one, two)) == two
    assert life.resting(two, (one, two)) is None
    for status in ("scheduled", "pending", "missed", "cancelled"):
        assert life.resting(one, (one, two.evolve(status=status))) is None
    moved = session(1, "completed", hours=-5, replaces=SPACE)  # it was held after the other one
    assert life.resting(moved, (moved, two)) is None


def test_the_one_in_its_place_is_found_after_several_moves() -> None:
    """Each row names the one that it replaced."""
    first, second, third = (session(1, "rescheduled", hours=hours) for hours in (1, 2, 3))
    second, third = second.evolve(replaces=first.session_id), third.evolve(replaces=second.session_id)
    assert life.instead(first, (third, first, second)) == third
    assert life.instead(third, (first, second, third)) is None


def test_the_page_in_docs_is_current() -> None:
    """docs/sessions.md is what `make docs` would write."""
    assert (DOCS / "sessions.md").read_text(encoding="utf-8") == page()
