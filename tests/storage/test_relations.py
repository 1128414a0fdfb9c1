"""Who people are to each other, as rows: written as it was decided; the database refuses what may not be."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, Table, select
from sqlalchemy.exc import IntegrityError

from flows.changes import (
    AnyChange,
    Audited,
    InviteRevoked,
    InviteUsed,
    NoteKept,
    RoleRevoked,
    StandingChanged,
)
from flows.events import AnyEvent, ButtonPressed, Sender
from flows.needs import Needs, serial
from flows.state import Chat
from storage import tables as t
from storage.engine import connect, is_sqlite
from storage.relations import LinkUsedError
from storage.unit_of_work import Incoming, Outcome, Settled, handle
from tests.storage.people import (
    ANA,
    BEN,
    HASH,
    MIRA,
    NOW,
    OLGA,
    PIA,
    TOM,
    come,
    family,
    granted,
    hashed,
    keep,
    link,
    rows,
    something,
    tie,
    user,
)

LATER = NOW + timedelta(days=1)
EVERYBODY = (MIRA, TOM, ANA, BEN, PIA, OLGA)
OTHER_HASH = "6" * 64


@pytest.fixture
def people(engine: Engine) -> Engine:
    """A database in which they all are."""
    come(engine, *EVERYBODY)
    return engine


# ---- standing and roles


def test_another_persons_standing_changes_and_nobody_elses(people: Engine) -> None:
    keep(people, StandingChanged(user_id=user(TOM), standing="inactive"))
    assert rows(people, t.users, "id", "standing") == [
        (user(chat_id), "inactive" if chat_id == TOM else "active") for chat_id in EVERYBODY
    ]


def test_a_role_is_kept_with_who_gave_it_and_when(people: Engine) -> None:
    keep(people, granted(ANA, "coach", user(OLGA)), granted(ANA, "parent"), granted(MIRA, "coachee"), now=LATER)
    assert rows(people, t.user_roles) == [
        (user(MIRA), "coachee", None, LATER),
        (user(ANA), "coach", user(OLGA), LATER),
        (user(ANA), "parent", None, LATER),
    ]


def test_a_role_that_is_given_again_stays_as_it_was(people: Engine) -> None:
    keep(people, granted(ANA, "coach", user(OLGA)))
    keep(people, granted(ANA, "coach", user(BEN)), granted(ANA, "coach"), now=LATER)
    assert rows(people, t.user_roles) == [(user(ANA), "coach", user(OLGA), NOW)]


def test_a_role_is_taken_from_one_person_and_leaves_their_others(people: Engine) -> None:
    keep(people, *(granted(chat_id, role) for chat_id in (ANA, BEN) for role in ("coach", "parent")))
    keep(people, RoleRevoked(user_id=user(ANA), role="coach"), RoleRevoked(user_id=user(MIRA), role="coach"))
    assert rows(people, t.user_roles, "user_id", "role") == [
        (user(ANA), "parent"),
        (user(BEN), "coach"),
        (user(BEN), "parent"),
    ]


# ---- coaches and coachees


def ties(engine: Engine) -> list[tuple[Any, ...]]:
    """Who coaches whom now, and as what."""
    return [
        row[:3]
        for row in rows(engine, t.coach_coachee_mappings, "coach_id", "coachee_id", "kind", "active")
        if row[3]
    ]


def test_a_tie_is_kept_as_it_was_decided(people: Engine) -> None:
    keep(
        people, tie(ANA, MIRA, tie_id=UUID(int=1)), tie(BEN, MIRA, tie_id=UUID(int=2), kind="secondary", active=False)
    )
    assert rows(people, t.coach_coachee_mappings) == [
        (UUID(int=1), user(ANA), user(MIRA), "primary", True, None, NOW, NOW),
        (UUID(int=2), user(BEN), user(MIRA), "secondary", False, NOW, NOW, NOW),
    ]


def test_a_second_active_primary_coach_is_refused_and_nothing_of_the_decision_is_kept(people: Engine) -> None:
    keep(people, tie(ANA, MIRA))
    with pytest.raises(IntegrityError):
        keep(people, granted(BEN, "coach"), tie(BEN, MIRA))
    assert ties(people) == [(user(ANA), user(MIRA), "primary")]
    assert rows(people, t.user_roles) == []


def test_more_coaches_are_secondary_and_a_coach_is_the_primary_one_of_many(people: Engine) -> None:
    keep(people, tie(ANA, MIRA), tie(ANA, TOM), tie(BEN, MIRA, kind="secondary"), tie(OLGA, MIRA, kind="secondary"))
    assert len(ties(people)) == 4


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_a_coachee_gets_another_primary_coach_in_one_commit(people: Engine, order: tuple[int, ...]) -> None:
    """Whichever is said first: the end of the old tie or the beginning of the new one."""
    keep(people, tie(ANA, MIRA))
    moves = (tie(ANA, MIRA, active=False, at=LATER), tie(BEN, MIRA, at=LATER))
    keep(people, *(moves[i] for i in order), now=LATER)
    assert ties(people) == [(user(BEN), user(MIRA), "primary")]
    assert rows(people, t.coach_coachee_mappings, "active", "ended_at", "updated_at", "created_at") == [
        (False, LATER, LATER, NOW),
        (True, None, LATER, LATER),
    ]


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_a_primary_and_a_secondary_coach_change_places_in_one_commit(people: Engine, order: tuple[int, ...]) -> None:
    keep(people, tie(ANA, MIRA), tie(BEN, MIRA, kind="secondary"))
    moves = (tie(ANA, MIRA, kind="secondary"), tie(BEN, MIRA))
    keep(people, *(moves[i] for i in order))
    assert ties(people) == [(user(ANA), user(MIRA), "secondary"), (user(BEN), user(MIRA), "primary")]


def test_a_tie_that_is_taken_up_again_is_the_same_row_with_its_first_moment(people: Engine) -> None:
    keep(people, tie(ANA, MIRA, tie_id=UUID(int=1)))
    keep(people, tie(ANA, MIRA, tie_id=UUID(int=1), active=False, at=LATER))
    again = LATER + timedelta(days=1)
    keep(people, tie(ANA, MIRA, tie_id=UUID(int=2), kind="secondary", at=again))
    assert rows(people, t.coach_coachee_mappings) == [
        (UUID(int=1), user(ANA), user(MIRA), "secondary", True, None, again, NOW)
    ]


def test_nobody_coaches_themselves(people: Engine) -> None:
    with pytest.raises(IntegrityError):
        keep(people, tie(ANA, ANA))


# ---- families


def test_a_parent_agrees_withdraws_and_comes_again_in_one_row(people: Engine) -> None:
    first = {"guardianship_id": UUID(int=1)}
    keep(people, family(PIA, MIRA, **first))
    assert rows(people, t.guardianships) == [(UUID(int=1), user(PIA), user(MIRA), True, None, None, NOW, NOW)]
    keep(people, family(PIA, MIRA, **first, agreed_at=LATER, at=LATER))
    assert rows(people, t.guardianships) == [(UUID(int=1), user(PIA), user(MIRA), True, LATER, None, LATER, NOW)]
    last = LATER + timedelta(days=1)
    keep(people, family(PIA, MIRA, **first, active=False, agreed_at=LATER, withdrawn_at=last, at=last))
    assert rows(people, t.guardianships) == [(UUID(int=1), user(PIA), user(MIRA), False, LATER, last, last, NOW)]
    keep(people, family(PIA, MIRA, guardianship_id=UUID(int=2), at=last))
    assert rows(people, t.guardianships) == [(UUID(int=1), user(PIA), user(MIRA), True, None, None, last, NOW)]


def test_a_child_has_several_parents_and_a_parent_several_children(people: Engine) -> None:
    keep(people, family(PIA, MIRA), family(OLGA, MIRA), family(PIA, TOM))
    assert len(rows(people, t.guardianships)) == 3
    with pytest.raises(IntegrityError):
        keep(people, family(PIA, PIA))


# ---- links


def test_a_link_is_made_without_a_token_and_gets_its_hash_as_it_is_sent(people: Engine) -> None:
    about = {"inviter_id": user(ANA), "coachee_id": user(MIRA), "coach_id": user(BEN), "expires_at": LATER}
    keep(people, link(1, role="parent", kind="secondary", **about), link(2))
    keep(people, hashed(1))
    assert rows(people, t.invites) == [
        (
            *(UUID(int=1), HASH, "parent", user(ANA), user(MIRA), user(BEN), "secondary", LATER),
            *(None, None, None, NOW),
        ),
        (UUID(int=2), None, "coachee", None, None, None, "primary", NOW.replace(year=2027), None, None, None, NOW),
    ]


def test_a_new_token_makes_the_one_before_void(people: Engine) -> None:
    keep(people, link(1))
    keep(people, hashed(1))
    keep(people, hashed(1, OTHER_HASH))
    assert rows(people, t.invites, "token_hash") == [(OTHER_HASH,)]


def test_a_token_is_of_one_link(people: Engine) -> None:
    keep(people, link(1), link(2), hashed(1))
    with pytest.raises(IntegrityError):
        keep(people, hashed(2))


def used(number: int, by: int = TOM) -> InviteUsed:
    return InviteUsed(invite_id=UUID(int=number), used_by=user(by), at=LATER)


def test_a_link_is_used_once_and_whoever_is_second_gets_nothing_of_it(people: Engine) -> None:
    keep(people, link(1), link(2))
    keep(people, used(1), granted(TOM, "coachee"))
    before = rows(people, t.invites)
    with pytest.raises(LinkUsedError):
        keep(people, granted(PIA, "coachee"), used(1, PIA), tie(ANA, PIA))
    assert rows(people, t.invites) == before
    assert rows(people, t.invites, "used_at", "used_by") == [(LATER, user(TOM)), (None, None)]
    assert rows(people, t.user_roles, "user_id") == [(user(TOM),)]
    assert ties(people) == []


@pytest.mark.parametrize("number", [1, 9], ids=["revoked", "unknown"])
def test_a_link_that_is_void_is_not_used(people: Engine, number: int) -> None:
    keep(people, link(1))
    keep(people, InviteRevoked(invite_id=UUID(int=1), at=NOW))
    with pytest.raises(LinkUsedError):
        keep(people, used(number))
    assert rows(people, t.invites, "used_at", "revoked_at") == [(None, NOW)]


def test_a_link_that_was_used_gets_no_other_token_and_is_not_revoked(people: Engine) -> None:
    keep(people, link(1), hashed(1))
    keep(people, used(1))
    before = rows(people, t.invites)
    keep(people, hashed(1, OTHER_HASH), InviteRevoked(invite_id=UUID(int=1), at=LATER))
    assert rows(people, t.invites) == before


# ---- notes and the audit log


def test_notes_are_kept_each(people: Engine) -> None:
    def note(number: int, coach: int, text: str) -> NoteKept:
        return NoteKept(note_id=UUID(int=number), coach_id=user(coach), coachee_id=user(MIRA), text=text, at=LATER)

    keep(people, note(1, ANA, "Quiet today 🌧 שלום"), note(2, BEN, "'; --"), note(3, ANA, "Quiet today 🌧 שלום"))
    assert rows(people, t.coach_notes) == [
        (UUID(int=1), user(ANA), user(MIRA), "Quiet today 🌧 שלום", LATER),
        (UUID(int=2), user(BEN), user(MIRA), "'; --", LATER),
        (UUID(int=3), user(ANA), user(MIRA), "Quiet today 🌧 שלום", LATER),
    ]


def test_the_audit_log_says_who_did_what_to_whom_and_outlives_them(people: Engine) -> None:
    stranger, gone = uuid4(), uuid4()
    done = {"audit_id": UUID(int=1), "at": NOW, "action": "assign", "actor_id": user(OLGA), "subject_id": user(MIRA)}
    keep(
        people,
        Audited(**done),
        Audited(
            audit_id=UUID(int=2),
            at=LATER,
            action="note",
            actor_id=stranger,
            subject_id=gone,
            outcome="refused",
            reason="relation",
            via="chat",
        ),
        Audited(audit_id=UUID(int=3), at=LATER, action="erase", via="clock"),
        Audited(audit_id=UUID(int=4), at=LATER, action="import", via="command"),
    )
    assert rows(people, t.audit_log) == [
        (UUID(int=1), NOW, user(OLGA), "chat", "assign", user(MIRA), "done", ""),
        (UUID(int=2), LATER, stranger, "chat", "note", gone, "refused", "relation"),
        (UUID(int=3), LATER, None, "clock", "erase", None, "done", ""),
        (UUID(int=4), LATER, None, "command", "import", None, "done", ""),
    ]


# ---- nobody can be related who is not there


NOBODY = 999
REFUSED: dict[str, tuple[Table, AnyChange]] = {
    "a role": (t.user_roles, granted(NOBODY, "coach")),
    "a tie": (t.coach_coachee_mappings, tie(ANA, NOBODY)),
    "a family": (t.guardianships, family(NOBODY, MIRA)),
    "a link": (t.invites, link(1, coachee_id=user(NOBODY))),
    "a note": (
        t.coach_notes,
        NoteKept(note_id=uuid4(), coach_id=user(NOBODY), coachee_id=user(MIRA), text="", at=NOW),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_about_nobody_is_refused(people: Engine, what: str) -> None:
    table, change = REFUSED[what]
    with pytest.raises(IntegrityError):
        keep(people, change)
    assert rows(people, table) == []


# ---- one after the other


YES = "j:1:invite:yes"


def presses(chat_id: int, data: str = YES) -> Incoming:
    """Somebody presses a button that relates people."""
    happened = ButtonPressed(id=uuid4(), chat_id=chat_id, sender=Sender(name="Somebody"), data=data)
    assert serial(happened)
    return Incoming(event=happened)


def using(chat: Chat, happened: AnyEvent) -> Settled:
    """Who presses uses the link, if it is open as they see it. Whatever happens is counted in the chat."""
    chat = chat.evolve(conversation=chat.conversation.evolve(cards=chat.conversation.cards + 1))
    invite = chat.circle.invite if chat.circle is not None else None
    if invite is None or not invite.open_at(NOW):
        return Settled(chat=chat)
    use = InviteUsed(invite_id=invite.invite_id, used_by=chat.someone.user_id, at=NOW)
    return Settled(chat=chat, changes=(use, granted(chat.chat_id, invite.role)))


def of_link(number: int) -> Callable[[Chat, AnyEvent], Needs]:
    """What deciding takes: a link for a press, nothing else."""
    return lambda _, happened: Needs(invite_id=UUID(int=number)) if isinstance(happened, ButtonPressed) else Needs()


def decided(engine: Engine, number: int, *incoming: Incoming) -> list[Outcome]:
    return handle(engine, incoming, using, of_link(number), now=NOW, owner="me")


def test_of_two_who_press_in_one_batch_the_second_sees_what_the_first_did(people: Engine) -> None:
    keep(people, link(1))
    outcomes = decided(people, 1, presses(TOM), Incoming(event=something(ANA)), presses(MIRA), presses(PIA))
    assert [(o.incoming.event.chat_id, o.error, o.known) for o in outcomes] == [
        (chat_id, None, False) for chat_id in (TOM, ANA, MIRA, PIA)
    ]
    assert rows(people, t.invites, "used_by") == [(user(TOM),)]
    assert rows(people, t.user_roles, "user_id", "role") == [(user(TOM), "coachee")]
    assert counted(people) == {TOM: 1, ANA: 1, MIRA: 1, PIA: 1}


def counted(engine: Engine) -> dict[int, int]:
    """How often `using` decided something for each chat."""
    c = t.conversations.c
    with engine.connect() as connection:
        found = {row.chat_id: row.state["cards"] for row in connection.execute(select(c.chat_id, c.state))}
    return {chat_id: number for chat_id, number in found.items() if number}


def test_one_who_cannot_be_decided_does_not_stop_the_next(people: Engine) -> None:
    keep(people, link(1))

    def failing(chat: Chat, happened: AnyEvent) -> Settled:
        if chat.chat_id == TOM:
            raise ValueError
        return using(chat, happened)

    outcomes = handle(people, [presses(TOM), presses(MIRA)], failing, of_link(1), now=NOW, owner="me")
    assert [o.error is None for o in outcomes] == [False, True]
    assert rows(people, t.invites, "used_by") == [(user(MIRA),)]


ROUNDS = 200


def raced(
    database: str, engine: Engine, *sides: Callable[[Engine, int], list[Outcome]], rounds: int = ROUNDS
) -> None:
    """Each side in a process of its own, as far as the database can tell; all begin each round together."""
    others = [connect(database) for _ in sides[1:]]
    together = Barrier(len(sides))

    def work(mine: Engine, side: Callable[[Engine, int], list[Outcome]]) -> None:
        try:
            for number in range(1, rounds + 1):
                together.wait(60)
                assert [o.error for o in side(mine, number) if o.error] == []
        except BaseException:
            together.abort()
            raise

    with ThreadPoolExecutor(len(sides)) as pool:
        engines = [engine, *others]
        working = [pool.submit(work, mine, side) for mine, side in zip(engines, sides, strict=True)]
        for done in working:
            done.result()
    for other in others:
        other.dispose()


def test_of_two_processes_that_race_for_a_link_one_wins_each_time(database: str, people: Engine) -> None:
    keep(people, *(link(number) for number in range(1, ROUNDS + 1)))
    raced(
        database,
        people,
        lambda mine, number: decided(mine, number, presses(TOM)),
        lambda mine, number: decided(mine, number, presses(MIRA)),
    )
    winners = [row[0] for row in rows(people, t.invites, "used_by")]
    assert len(winners) == ROUNDS
    assert set(winners) <= {user(TOM), user(MIRA)}
    assert counted(people) == {TOM: ROUNDS, MIRA: ROUNDS}


def test_batches_of_the_same_chats_in_several_processes_do_not_wait_for_each_other_in_a_circle(
    database: str, people: Engine, deep: bool
) -> None:
    """One relates people and one does not; the chats come in either order."""
    rounds = ROUNDS if deep else ROUNDS // 5
    keep(people, *(link(number) for number in range(1, rounds + 1)))

    def wrote(chat_id: int) -> Incoming:
        return Incoming(event=something(chat_id))

    raced(
        database,
        people,
        lambda mine, number: decided(mine, number, wrote(TOM), presses(MIRA), presses(ANA)),
        lambda mine, number: decided(mine, number, wrote(MIRA), wrote(TOM), wrote(ANA)),
        lambda mine, number: decided(mine, number, presses(TOM), wrote(MIRA)),
        rounds=rounds,
    )
    assert counted(people) == {MIRA: 3 * rounds, TOM: 3 * rounds, ANA: 2 * rounds}
    assert None not in [row[0] for row in rows(people, t.invites, "used_by")]


def test_who_relates_people_waits_for_who_does_so_and_nobody_else_waits(database: str, people: Engine) -> None:
    if is_sqlite(people):
        pytest.skip("SQLite has one writer")
    keep(people, link(1))
    other = connect(database)
    with ThreadPoolExecutor(1) as pool:

        def meanwhile(chat: Chat, happened: AnyEvent) -> Settled:
            waiting.append(pool.submit(decided, other, 1, presses(MIRA)))
            [outcome] = decided(other, 1, Incoming(event=something(PIA)))  # does not wait
            assert outcome.error is None
            assert not waiting[0].done()
            return using(chat, happened)

        waiting: list[Any] = []
        [outcome] = handle(people, [presses(TOM)], meanwhile, of_link(1), now=NOW, owner="me")
        assert outcome.error is None
        waiting[0].result(20)
    other.dispose()
    assert rows(people, t.invites, "used_by") == [(user(TOM),)]
