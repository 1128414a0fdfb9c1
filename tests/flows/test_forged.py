"""Forged buttons, as decisions: whoever presses one and is nobody's coach or parent, only the audit log grows."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid5

from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows import changes
from flows.cards import CHANGING, SHOWING
from flows.changes import Audited
from flows.decide import decide
from flows.effects import Edit, Notify, Say, SendLink
from flows.events import ButtonPressed, Sender
from flows.ids import long_id, short_id
from flows.needs import Needs, needs, serial
from flows.people import Circle, Guardianship, Invite, Other, Role, Subject, Tie
from flows.state import Chat, Conversation, Held, Look, Person

SPACE = UUID(int=11)
NOW = datetime(2026, 11, 23, 16, 5, tzinfo=UTC)


def other(name: str) -> Other:
    """Somebody."""
    return Other(user_id=uuid5(SPACE, name), chat_id=len(name), name=name, birth_year=2012)


MIRA, ANA, PAULA, BEN = (other(name) for name in ("Mira", "Ana", "Paula", "Ben"))
TIE = Tie(tie_id=UUID(int=1), coach=ANA, coachee=MIRA, kind="primary", active=True)
FORMER = Tie(tie_id=UUID(int=2), coach=BEN, coachee=MIRA, kind="primary", active=False)
FAMILY = Guardianship(guardianship_id=UUID(int=3), parent=PAULA, child=MIRA, active=True, agreed_at=NOW)
MIRAS = Subject(person=MIRA, roles=("coachee",), ties=(TIE, FORMER), guardianships=(FAMILY,))
LOOK = Look(sessions=(Held(session_id=UUID(int=4), at=NOW),))
RELATING = (
    changes.TieKept,
    changes.GuardianshipKept,
    changes.RoleGranted,
    changes.RoleRevoked,
    changes.StandingChanged,
    changes.InviteMade,
    changes.InviteUsed,
    changes.InviteRevoked,
    changes.NoteKept,
    changes.PersonErased,
)
ACTS = (*SHOWING, *CHANGING, "void", "erase", "")
PRESENT = tuple(short_id(person.user_id) for person in (MIRA, ANA, PAULA, BEN))
GENUINE = st.builds(
    lambda prefix, card, person, act, last: ":".join((prefix, card, person, act, *last)),
    st.sampled_from(("p", "p", "p", "j", "h", "x", "f")),
    st.sampled_from(("0", "3", "7", "99999", "100000", "-1", "٣", "")),
    st.sampled_from((*PRESENT, "", "AAAAAAAAAAAAAAAAAAAAAA", "short")),
    st.sampled_from((*ACTS, *(f"{act}?" for act in ACTS))),
    st.sampled_from(((), *((person,) for person in PRESENT), ("coach",), ("operator",), ("3",), ("x", "y"))),
)


@st.composite
def forged(draw: st.DrawFn) -> str:
    """Data that looks like ours, changed somewhere, or that looks like nothing."""
    data = draw(GENUINE)
    match draw(st.integers(0, 4)):
        case 0:
            return draw(st.text(max_size=80))
        case 1:
            place = draw(st.integers(0, len(data)))
            return data[:place] + draw(st.text(max_size=3)) + data[place + draw(st.integers(0, 2)) :]
        case 2:
            return data[: draw(st.integers(0, len(data)))]
    return data


def pressing(data: str, roles: tuple[Role, ...], ties: tuple[Tie, ...] = ()) -> tuple[Chat, ButtonPressed]:
    """Nina, who is none of these people's, presses a button."""
    nina = Person(user_id=uuid5(SPACE, "Nina"), name="Nina", birth_year=1990)
    circle = Circle(
        roles=roles,
        ties=ties,
        subject=MIRAS,
        second=Subject(person=ANA, roles=("coach",)),
        invite=Invite(invite_id=UUID(int=5), role="coach", expires_at=NOW, by=Subject(person=ANA)),
    )
    chat = Chat(chat_id=9, person=nina, conversation=Conversation(cards=5), circle=circle, look=LOOK)
    sender = Sender(name="Nina", vouched=True)
    return chat, ButtonPressed(id=uuid5(SPACE, data), chat_id=9, sender=sender, data=data, press_id="p")


@settings(max_examples=1500, deadline=None)
@given(data=forged(), roles=st.sampled_from((("coachee",), ("coachee", "parent"), ("parent",), ("coach",))))
@example(data=f"p:3:{PRESENT[0]}:summary", roles=("coach",))
@example(data=f"p:3:{PRESENT[0]}:withdraw", roles=("parent",))
def test_who_is_nobodys_coach_or_parent_changes_and_sees_nothing_of_them(data: str, roles: tuple[Role, ...]) -> None:
    """Whatever the button says. What is nobody's affair but Nina's own is hers to change."""
    chat, event = pressing(data, roles)
    decision = decide(chat, event, NOW)
    made = [change for change in decision.changes if isinstance(change, RELATING)]
    inviting = [change for change in made if isinstance(change, changes.InviteMade)]
    assert made == inviting
    assert all(change.role == "coachee" and "coach" in roles for change in inviting)
    shown = [e.screen for e in decision.effects if isinstance(e, Say | Edit | SendLink | Notify)]
    assert not any(name in str(shown) for name in ("Mira", "Ana", "Paula", "Ben"))
    if data.startswith(("p:", "j:")) and not shown:
        assert [type(change) for change in decision.changes if isinstance(change, Audited)] == [Audited]


@settings(max_examples=500, deadline=None)
@given(data=forged())
def test_any_button_can_be_asked_what_it_takes(data: str) -> None:
    """Before anything is loaded."""
    chat, event = pressing(data, ("coachee",))
    assert isinstance(needs(chat, event), Needs)
    assert not serial(event) or data.startswith(("p:", "j:"))


@given(st.text(max_size=30))
def test_an_id_of_a_button_is_one_or_none(text: str) -> None:
    """And there is one way only to write it."""
    found = long_id(text)
    assert found is None or short_id(found) == text
