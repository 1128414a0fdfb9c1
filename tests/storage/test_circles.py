"""The people around a chat are loaded as they are kept, for those who need them, in a fixed number of queries."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, insert, select, update

from flows.changes import (
    ActionAdded,
    InviteRevoked,
    InviteUsed,
    NoteKept,
    ReachChanged,
    RoleGranted,
    SessionBegun,
    SessionMoved,
    StageKept,
    StandingChanged,
    SummaryKept,
)
from flows.documents import Document, Said
from flows.needs import Needs
from flows.people import PER_PAGE as PAGE
from flows.people import Circle, Guardianship, Invite, Other, Subject, Tie
from flows.state import Chat, Held, Look, Note
from storage import tables as t
from storage.circles import MOST_SESSIONS, folded
from storage.loading import load
from tests.storage.people import (
    ANA,
    BEN,
    HASH,
    MIRA,
    NAMES,
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
    loaded,
    rows,
    something,
    statements,
    tie,
    user,
)

LATER = NOW + timedelta(days=1)
EVERYBODY = (MIRA, TOM, ANA, BEN, PIA, OLGA)
NOBODY = UUID(int=999)


@pytest.fixture
def people(engine: Engine) -> Engine:
    """A database in which they all are."""
    come(engine, *EVERYBODY)
    return engine


def other(chat_id: int, **fields: Any) -> Other:
    """A person as the others know them."""
    return Other(user_id=user(chat_id), chat_id=chat_id, name=NAMES[chat_id], **fields)


def circle(engine: Engine, chat_id: int, **needs: Any) -> Circle:
    if "search" in needs:
        operates(engine, chat_id)
    return loaded(engine, chat_id, own=True, **needs).around


def operates(engine: Engine, chat_id: int) -> None:
    """Who searches is an operator: for others nothing is searched."""
    keep(engine, RoleGranted(user_id=user(chat_id), role="operator"))


def changed(engine: Engine, chat_id: int, **columns: Any) -> None:
    """What is kept of a person is another thing from now on."""
    with engine.begin() as connection:
        connection.execute(update(t.users).where(t.users.c.id == user(chat_id)).values(**columns))


def in_state(engine: Engine, chat_id: int, **fields: Any) -> None:
    """The state of a chat has these fields, and not those that are Ellipsis."""
    c = t.conversations.c
    with engine.begin() as connection:
        state = connection.execute(select(c.state).where(c.chat_id == chat_id)).scalar_one()
        kept = {name: value for name, value in {**state, **fields}.items() if value is not ...}
        connection.execute(update(t.conversations).where(c.chat_id == chat_id).values(state=kept))


# ---- the people around me


def test_who_needs_nothing_gets_nobody(people: Engine) -> None:
    keep(people, granted(MIRA, "coachee"))
    with statements(people) as found:
        assert loaded(people, MIRA).circle is None
    assert not any("user_roles" in statement or "invites" in statement for statement in found)


def test_somebody_new_has_nobody_around_them(people: Engine) -> None:
    keep(people, granted(MIRA, "coachee"), tie(ANA, MIRA))
    chat = loaded(people, 77, own=True)
    assert (chat.person, chat.circle, chat.look) == (None, Circle(), None)


def test_roles_are_those_of_the_person_of_the_chat(people: Engine) -> None:
    keep(people, granted(MIRA, "coachee"), granted(ANA, "parent"), granted(ANA, "operator"), granted(ANA, "coach"))
    assert circle(people, ANA).roles == ("coach", "operator", "parent")
    assert circle(people, MIRA).roles == ("coachee",)
    assert circle(people, TOM).roles == ()


def test_ties_are_loaded_in_both_directions_also_those_that_ended(people: Engine) -> None:
    keep(
        people,
        tie(ANA, MIRA, tie_id=UUID(int=1)),
        tie(BEN, MIRA, tie_id=UUID(int=2), active=False, at=LATER),
        tie(MIRA, TOM, tie_id=UUID(int=3), kind="secondary", at=LATER + timedelta(days=1)),
        tie(ANA, PIA, tie_id=UUID(int=4)),
    )
    mira, ana, ben, tom = (other(chat_id) for chat_id in (MIRA, ANA, BEN, TOM))
    of_ana = Tie(tie_id=UUID(int=1), coach=ana, coachee=mira, kind="primary", active=True)
    of_ben = Tie(tie_id=UUID(int=2), coach=ben, coachee=mira, kind="primary", active=False)
    of_tom = Tie(tie_id=UUID(int=3), coach=mira, coachee=tom, kind="secondary", active=True)
    around = circle(people, MIRA)
    assert around.ties == (of_ana, of_ben, of_tom)
    assert around.coaches(user(MIRA)) == (of_ana,)
    assert around.coachees(user(MIRA)) == (of_tom,)
    assert circle(people, BEN).ties == (of_ben,)
    assert circle(people, OLGA).ties == ()


def test_families_are_loaded_in_both_directions_also_those_that_ended(people: Engine) -> None:
    keep(
        people,
        family(PIA, MIRA, guardianship_id=UUID(int=1), agreed_at=NOW),
        family(BEN, MIRA, guardianship_id=UUID(int=2), active=False, agreed_at=NOW, withdrawn_at=LATER, at=LATER),
        family(MIRA, TOM, guardianship_id=UUID(int=3), at=LATER + timedelta(days=1)),
        family(PIA, OLGA, guardianship_id=UUID(int=4)),
    )
    mira, pia, ben, tom = (other(chat_id) for chat_id in (MIRA, PIA, BEN, TOM))
    of_pia = Guardianship(guardianship_id=UUID(int=1), parent=pia, child=mira, active=True, agreed_at=NOW)
    of_ben = Guardianship(
        guardianship_id=UUID(int=2), parent=ben, child=mira, active=False, agreed_at=NOW, withdrawn_at=LATER
    )
    of_tom = Guardianship(guardianship_id=UUID(int=3), parent=mira, child=tom, active=True)
    around = circle(people, MIRA)
    assert around.guardianships == (of_pia, of_ben, of_tom)
    assert around.parents(user(MIRA)) == (of_pia,)
    assert around.children(user(MIRA)) == (of_tom,)
    assert circle(people, ANA).guardianships == ()


def test_another_person_is_known_well_enough_to_be_told_something(people: Engine) -> None:
    keep(people, tie(ANA, MIRA), ReachChanged(user_id=user(ANA), unreachable_since=LATER))
    changed(
        people,
        ANA,
        telegram_id=2**52,
        name="Ana <b>& Co</b>",
        language="ar",
        timezone="Asia/Dubai",
        standing="inactive",
        birth_year=1980,
        sharing={"coach": ["summary", "plan"], "parent": []},
        deletion_due_at=NOW,
        quiet_from="22:00",
        quiet_until="07:30",
    )
    assert circle(people, MIRA).ties[0].coach == Other(
        user_id=user(ANA),
        chat_id=2**52,
        name="Ana <b>& Co</b>",
        language="ar",
        timezone="Asia/Dubai",
        standing="inactive",
        birth_year=1980,
        sharing={"coach": ("summary", "plan"), "parent": ()},
        unreachable_since=LATER,
        deletion_due_at=NOW,
        quiet_from="22:00",
        quiet_until="07:30",
    )


# ---- somebody in particular


def test_a_subject_and_a_second_person_come_with_those_around_them(people: Engine) -> None:
    keep(
        people,
        granted(MIRA, "coachee"),
        granted(BEN, "coach"),
        granted(BEN, "parent"),
        tie(ANA, MIRA, tie_id=UUID(int=1)),
        tie(BEN, TOM, tie_id=UUID(int=2), active=False),
        family(PIA, MIRA, guardianship_id=UUID(int=3)),
    )
    in_state(people, MIRA, seen="2026-11-22")
    around = circle(people, OLGA, subject=user(MIRA), second=user(BEN))
    of_ana = Tie(tie_id=UUID(int=1), coach=other(ANA), coachee=other(MIRA), kind="primary", active=True)
    of_ben = Tie(tie_id=UUID(int=2), coach=other(BEN), coachee=other(TOM), kind="primary", active=False)
    of_pia = Guardianship(guardianship_id=UUID(int=3), parent=other(PIA), child=other(MIRA), active=True)
    assert around.subject == Subject(
        person=other(MIRA), roles=("coachee",), ties=(of_ana,), guardianships=(of_pia,), last_seen="2026-11-22"
    )
    assert around.second == Subject(person=other(BEN), roles=("coach", "parent"), ties=(of_ben,))
    assert (around.roles, around.ties, around.guardianships) == ((), (), ())


@pytest.mark.parametrize("seen", [None, ...], ids=["nothing", "not there"])
def test_who_was_not_seen_yet_was_last_seen_on_no_day(people: Engine, seen: Any) -> None:
    in_state(people, MIRA, seen=seen)
    in_state(people, TOM, seen="2026-11-22")
    around = circle(people, OLGA, subject=user(MIRA), second=user(TOM))
    assert around.subject is not None
    assert around.second is not None
    assert (around.subject.last_seen, around.second.last_seen) == (None, "2026-11-22")


def test_who_has_no_conversation_is_a_subject_all_the_same(people: Engine) -> None:
    """As somebody who was imported and has not come yet."""
    row = {"name": "Eva", "language": "en", "timezone": "UTC", "standing": "joining", "created_at": NOW}
    with people.begin() as connection:
        connection.execute(insert(t.users), {"id": UUID(int=7), "telegram_id": 7, **row})
    subject = circle(people, OLGA, subject=UUID(int=7)).subject
    assert subject == Subject(person=Other(user_id=UUID(int=7), chat_id=7, name="Eva", standing="joining"))


def test_nobody_is_no_subject(people: Engine) -> None:
    around = circle(people, OLGA, subject=NOBODY, second=user(MIRA), looks=True)
    assert around.subject is None
    assert around.second is not None
    assert circle(people, OLGA, second=NOBODY).second is None


def test_i_can_be_a_subject_of_mine(people: Engine) -> None:
    keep(people, granted(MIRA, "coachee"), tie(ANA, MIRA))
    around = circle(people, MIRA, subject=user(MIRA))
    assert around.subject is not None
    assert around.subject.ties == around.ties != ()


# ---- links


def without_links(invite: Invite | None) -> Invite:
    """A link, without what is known of its people only where they are looked at: their links, when they were here."""
    assert invite is not None

    def bare(subject: Subject | None) -> Subject | None:
        return subject.evolve(links=(), last_seen=None) if subject is not None else None

    return invite.evolve(by=bare(invite.by), about=bare(invite.about), guide=bare(invite.guide))


def test_a_link_is_found_by_its_hash_and_by_its_id_with_those_it_names(people: Engine) -> None:
    keep(
        people,
        link(
            1,
            role="parent",
            kind="secondary",
            inviter_id=user(ANA),
            coachee_id=user(MIRA),
            coach_id=user(BEN),
            expires_at=LATER,
        ),
        hashed(1),
    )
    found = circle(people, TOM, token_hash=HASH).invite
    assert found is not None
    made = Invite(
        invite_id=UUID(int=1),
        role="parent",
        kind="secondary",
        by=circle(people, TOM, subject=user(ANA)).subject,
        about=circle(people, TOM, subject=user(MIRA)).subject,
        guide=circle(people, TOM, subject=user(BEN)).subject,
        expires_at=LATER,
    )
    assert (found.inviter, found.coachee, found.coach) == (other(ANA), other(MIRA), other(BEN))
    made = without_links(made)
    assert without_links(found) == made
    assert without_links(circle(people, TOM, invite_id=UUID(int=1)).invite) == made
    assert without_links(loaded(people, 77, token_hash=HASH).around.invite) == made  # somebody new
    assert made.open_at(NOW)
    assert not made.open_at(LATER)


def test_a_link_of_nobody_is_loaded_too(people: Engine) -> None:
    """As the one by which the first operator comes."""
    keep(people, link(1, role="operator"), hashed(1))
    found = circle(people, TOM, token_hash=HASH).invite
    assert found == Invite(invite_id=UUID(int=1), role="operator", expires_at=NOW.replace(year=2027))


def test_a_link_says_that_it_was_used_or_revoked(people: Engine) -> None:
    keep(people, link(1), link(2))
    keep(
        people,
        InviteUsed(invite_id=UUID(int=1), used_by=user(TOM), at=LATER),
        InviteRevoked(invite_id=UUID(int=2), at=LATER),
    )
    for number, stands in ((1, (LATER, None)), (2, (None, LATER))):
        found = circle(people, MIRA, invite_id=UUID(int=number)).invite
        assert found is not None
        assert (found.used_at, found.revoked_at) == stands
        assert not found.open_at(NOW)


def test_the_link_just_opened_counts_and_not_the_one_opened_before(people: Engine) -> None:
    keep(people, link(1), link(2), hashed(1))
    found = circle(people, TOM, token_hash=HASH, invite_id=UUID(int=2)).invite
    assert found is not None
    assert found.invite_id == UUID(int=1)
    assert circle(people, TOM, token_hash="0" * 64, invite_id=UUID(int=2)).invite is None


def test_what_is_no_link_is_none(people: Engine) -> None:
    keep(people, link(1))  # has no hash: nobody can open it
    assert circle(people, TOM, token_hash="0" * 64).invite is None
    assert circle(people, TOM, invite_id=NOBODY).invite is None
    assert circle(people, TOM).invite is None


def test_several_who_open_links_in_one_batch_get_each_their_own(people: Engine) -> None:
    keep(people, link(1), link(2), hashed(1))
    wanted = {MIRA: Needs(token_hash=HASH), TOM: Needs(invite_id=UUID(int=2)), ANA: Needs(own=True)}
    with people.begin() as connection:
        chats = load(
            connection, [something(chat_id) for chat_id in wanted], lambda chat, _: wanted[chat.chat_id], NOW
        )
    invites = {chat_id: chat.around.invite for chat_id, chat in chats.items()}
    assert {chat_id: found and found.invite_id.int for chat_id, found in invites.items()} == {
        MIRA: 1,
        TOM: 2,
        ANA: None,
    }


# ---- searching


SOUGHT = {
    1: "Änne Özdemir",
    2: "änne Straße",
    3: "50% Bob_by",
    4: "Bobby 500",
    5: "Bob\\by [x]*?",
    6: "Анна Петрова",
    7: "Ἀλέξανδρος",
    8: "Jose\u0301 Garci\u0301a",  # written with accents of their own
    9: "مُحمد علي",
    10: "İnci",
    11: "'; DROP TABLE users; --",
}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("änne", [1, 2]),
        ("ÄNNE", [1, 2]),
        ("ÖZDEM", [1]),
        ("STRASSE", [2]),
        ("straße", [2]),
        ("  nne ö ", [1]),
        ("%", [3]),
        ("_", [3]),
        ("b_b", [3]),
        ("%b", []),
        ("o%b", []),
        ("\\", [5]),
        ("*", [5]),
        ("[x]", [5]),
        ("bob", [3, 5, 4]),
        ("АННА", [6]),
        ("петр", [6]),
        ("ἈΛΈΞΑΝΔΡΟΣ", [7]),
        ("JOSÉ", [8]),
        ("jos", [8]),
        ("garcia", [8]),  # nobody is called so: as people type it
        ("ozdemir", [1]),
        ("محمد", [9]),
        ("'", [11]),
        ("nobody", []),
    ],
)
def test_people_are_found_by_a_part_of_their_name_as_people_write_it(
    engine: Engine, words: str, found: list[int]
) -> None:
    """The same on both databases, whatever they take for a letter, and nothing in it is a pattern."""
    come(engine, OLGA, *SOUGHT, names=SOUGHT)
    around = circle(engine, OLGA, search=words)
    assert sorted(subject.person.chat_id for subject in around.found) == sorted(found)
    assert around.more == len(found)


@pytest.mark.parametrize(
    ("words", "found"),
    [("500", [500]), (" 500 ", [500]), ("５００", [500]), ("50", []), ("-500", []), ("9" * 18, []), ("9" * 40, [])],
)
def test_people_are_found_by_their_telegram_id(engine: Engine, words: str, found: list[int]) -> None:
    """By the whole of it, and never by a number that a name holds."""
    come(engine, OLGA, 4, 500, names={4: "Bobby 500", 500: "Tom"})
    assert [subject.person.chat_id for subject in circle(engine, OLGA, search=words).found] == found


def test_everybody_is_found_in_pages_by_name_with_how_many_there_are(engine: Engine) -> None:
    several = {number: f"{'äA'[number % 2]}nn {number // 4:02}" for number in range(1, 2 * PAGE + 4)}
    come(engine, OLGA, *several, names=several)
    by_name = sorted([*several, OLGA], key=lambda number: (folded(several.get(number, "Olga")), user(number)))
    for page in range(4):
        around = circle(engine, OLGA, search="", page=page)
        shown = [subject.person.chat_id for subject in around.found]
        assert shown == by_name[page * PAGE : (page + 1) * PAGE]
        assert around.more == len(by_name)


def test_a_search_has_pages_too(engine: Engine) -> None:
    come(engine, OLGA, *range(1, PAGE + 3))
    last = circle(engine, OLGA, search="person", page=1)
    assert ([subject.person.chat_id for subject in last.found], last.more) == ([8, 9], PAGE + 2)


def test_who_is_found_comes_with_what_an_operator_is_shown(people: Engine) -> None:
    keep(people, granted(MIRA, "coachee"), tie(ANA, MIRA), ReachChanged(user_id=user(MIRA), unreachable_since=LATER))
    in_state(people, MIRA, seen="2026-11-22")
    [found] = circle(people, OLGA, search="mira").found
    assert (found.roles, found.last_seen, found.person.unreachable_since) == (("coachee",), "2026-11-22", LATER)
    assert [tie.coach.name for tie in found.ties] == ["Ana"]


def test_nobody_is_found_who_is_not_looked_for(people: Engine) -> None:
    around = circle(people, OLGA)
    assert (around.found, around.more, around.operators) == ((), 0, ())


# ---- operators


def test_operators_are_loaded_where_one_is_asked_for_the_first_one_first(people: Engine) -> None:
    keep(people, granted(OLGA, "operator"), now=LATER)
    keep(people, granted(TOM, "operator"), granted(ANA, "coach"))
    assert circle(people, MIRA, operators=True).operators == (other(TOM), other(OLGA))
    assert circle(people, MIRA).operators == ()


# ---- a look at somebody


def document(words: str) -> Document:
    """A summary that says little."""
    return Document(
        theme=words,
        executive_summary=(),
        key_insights=(),
        goal_statement=Said(text=words),
        action_plan=(),
        success_metrics=(),
        support=(),
        writer="plain",
    )


def a_session(number: int, of: int = MIRA, stage: int = 1, **ended: Any) -> list[Any]:
    """Session `number`, begun on day `number`, with an answer in its first stage."""
    session_id, at = UUID(int=number), NOW + timedelta(days=number)
    moved = SessionMoved(
        session_id=session_id,
        current_stage=stage,
        topic=None,
        is_complete=bool(ended),
        at=at,
        **{"ended": None, **ended},
    )
    return [
        SessionBegun(session_id=session_id, user_id=user(of), session_type="self_coaching", at=at),
        moved,
        StageKept(session_id=session_id, stage=1, fields={"presence_level": number}, turns=()),
    ]


def an_item(number: int, session: int, of: int = MIRA) -> ActionAdded:
    return ActionAdded(
        action_id=UUID(int=number),
        user_id=user(of),
        session_id=UUID(int=session),
        title=f"Item {number}",
        description="",
        goal_statement="",
        smart_criteria={},
        priority=3,
        timeline_start=date(2026, 11, 23),
        timeline_end=None,
        evidence={},
    )


def look(engine: Engine, by: int, at: int = MIRA) -> Look:
    found = loaded(engine, by, own=True, subject=user(at), looks=True).look
    assert found is not None
    return found


def note(number: int, coach: int, coachee: int = MIRA, hours: int = 0) -> NoteKept:
    at = NOW + timedelta(hours=hours)
    return NoteKept(
        note_id=UUID(int=number), coach_id=user(coach), coachee_id=user(coachee), text=f"Note {number}", at=at
    )


def test_a_look_shows_what_is_kept_of_a_person_and_of_nobody_else(people: Engine) -> None:
    keep(
        people,
        *a_session(1, stage=5, ended="completed"),
        *a_session(3, stage=2),
        *a_session(2, stage=4, ended="stopped"),
        *a_session(4, of=TOM),
    )
    keep(people, SummaryKept(session_id=UUID(int=1), document=document("first")))
    keep(people, SummaryKept(session_id=UUID(int=1), document=document("again")))
    keep(people, SummaryKept(session_id=UUID(int=4), document=document("Tom's")))
    keep(people, an_item(1, 1), an_item(2, 4, of=TOM), an_item(3, 2))
    found = look(people, ANA)
    assert found.summary is not None
    assert (found.summary.session_id, found.summary.version) == (UUID(int=1), 2)
    assert found.summary.document.theme == "again"
    assert sorted(item.title for item in found.actions) == ["Item 1", "Item 3"]
    assert {stage: answers.fields for stage, answers in found.answers.items()} == {1: {"presence_level": 3}}
    assert found.sessions == (
        Held(session_id=UUID(int=3), at=NOW + timedelta(days=3), ended=None, current_stage=2),
        Held(session_id=UUID(int=2), at=NOW + timedelta(days=2), ended="stopped", current_stage=4),
        Held(session_id=UUID(int=1), at=NOW + timedelta(days=1), ended="completed", current_stage=5),
    )


def test_a_look_shows_the_lookers_own_notes_only_the_newest_first(people: Engine) -> None:
    keep(people, note(1, ANA), note(2, BEN), note(3, ANA, TOM), note(4, ANA, hours=2), note(5, ANA, hours=1))
    assert look(people, ANA).notes == tuple(
        Note(note_id=UUID(int=number), text=f"Note {number}", at=NOW + timedelta(hours=hours))
        for number, hours in ((4, 2), (5, 1), (1, 0))
    )
    assert [found.note_id for found in look(people, BEN).notes] == [UUID(int=2)]
    assert look(people, MIRA).notes == ()  # not even the coachee's own look shows them
    assert look(people, OLGA).notes == ()


def test_a_look_at_somebody_of_whom_nothing_is_kept_is_empty(people: Engine) -> None:
    assert look(people, ANA) == Look()
    assert look(people, ANA, at=999) == Look()


def test_a_look_lists_the_newest_sessions_of_many(people: Engine) -> None:
    keep(people, *(change for number in range(1, MOST_SESSIONS + 4) for change in a_session(number)))
    found = look(people, ANA).sessions
    assert len(found) == MOST_SESSIONS
    assert [found[0].at, found[-1].at] == [NOW + timedelta(days=days) for days in (MOST_SESSIONS + 3, 4)]


@pytest.mark.parametrize(
    "needs", [{}, {"subject": user(MIRA)}, {"looks": True}, {"second": user(MIRA), "looks": True}]
)
def test_who_does_not_look_is_shown_nothing(people: Engine, needs: dict[str, Any]) -> None:
    keep(people, *a_session(1), note(1, ANA))
    assert loaded(people, ANA, own=True, **needs).look is None


# ---- how many queries


def many(engine: Engine, wanted: dict[int, Needs]) -> tuple[list[str], dict[int, Chat]]:
    """The statements that loading these chats takes, in one batch."""
    with engine.begin() as connection, statements(engine) as found:
        chats = load(
            connection, [something(chat_id) for chat_id in wanted], lambda chat, _: wanted[chat.chat_id], NOW
        )
    return found, chats


def test_the_people_around_many_chats_take_as_many_queries_as_those_around_one(engine: Engine) -> None:
    """Each with a coach, a parent, roles and a link."""
    chats = range(1, 22)
    come(engine, *chats, ANA, PIA, OLGA)
    keep(engine, granted(OLGA, "operator"))
    for number in chats:
        keep(
            engine,
            granted(number, "coachee"),
            tie(ANA, number),
            family(PIA, number),
            link(number, inviter_id=user(ANA)),
            hashed(number, f"{number:064}"),
        )
    wanted = {
        number: Needs(own=True, operators=True)
        if number % 3 == 1
        else Needs(own=True, invite_id=UUID(int=number))
        if number % 3 == 2
        else Needs(own=True, token_hash=f"{number:064}")
        for number in chats
    }
    of_one, _ = many(engine, {1: Needs(own=True, operators=True, invite_id=UUID(int=1))})
    of_many, found = many(engine, {number: want for number, want in wanted.items() if number > 1})
    assert len(of_many) == len(of_one) < 16
    for number, chat in found.items():
        assert [tie.coach.name for tie in chat.around.coaches(user(number))] == ["Ana"]
        assert [tie.parent.name for tie in chat.around.parents(user(number))] == ["Pia"]
        assert (chat.around.invite is None) == (number % 3 == 1)


def test_when_people_were_last_seen_is_one_query_for_all_who_are_looked_at(engine: Engine) -> None:
    come(engine, OLGA, *range(1, PAGE + 3))
    operates(engine, OLGA)
    of_one, _ = many(engine, {OLGA: Needs(own=True, search="person 1")})
    of_page, chats = many(engine, {OLGA: Needs(own=True, search="person", subject=user(1), second=user(2))})
    assert len(chats[OLGA].around.found) == PAGE
    assert len(of_page) == len(of_one)


def test_looking_does_not_lock_or_change_those_who_are_looked_at(people: Engine) -> None:
    keep(people, tie(ANA, MIRA), StandingChanged(user_id=user(TOM), standing="inactive"))
    before = rows(people, t.users), rows(people, t.conversations)
    with people.begin() as connection, statements(people) as found:
        load(
            connection,
            [something(ANA)],
            lambda *_: Needs(own=True, subject=user(MIRA), second=user(TOM), looks=True, search=""),
            NOW,
        )
    assert sum("FOR " in statement and "UPDATE" in statement for statement in found) <= 1
    assert (rows(people, t.users), rows(people, t.conversations)) == before
