"""A consent by itself: its table, its deadline, who decides. What is not a move raises, and nothing changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.consent import (
    LEAST,
    MOVES,
    STANDS,
    Move,
    asked_of,
    called,
    deadline,
    deciders,
    decides_as,
    guardians,
    lapsed,
    meaning,
    moved,
    parents,
    reminders,
    resumed,
    stands,
    under_age,
)
from flows.diary import Consent, ConsentStatus, Policy, Resource, Scheduled, Silence
from flows.errors import IllegalConsentError
from flows.life_page import WHAT_OF_CONSENT
from flows.people import Guardianship, Other, Subject

NOW = datetime(2026, 11, 23, 16, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def person(number: int, **fields: Any) -> Other:
    return Other(user_id=UUID(int=number), chat_id=number, name=f"Person {number}", **fields)


MIRA = person(1, birth_year=2011)
ANA, PAULA, RITA, OLGA, OTTO = (person(number) for number in range(2, 7))


def session(ahead: timedelta = timedelta(days=7), **fields: Any) -> Scheduled:
    """Mira's session with Ana, so long from now."""
    made = Scheduled(
        session_id=UUID(int=11),
        programme_id=UUID(int=12),
        number=1,
        coachee=MIRA,
        coach=ANA,
        resource=Resource(resource_id=UUID(int=13), number=1),
        starts_at=NOW + ahead,
        ends_at=NOW + ahead + timedelta(minutes=45),
    )
    return made.evolve(**fields)


def consent(**fields: Any) -> Consent:
    """Ana has asked now, and there are two days."""
    made = Consent(
        consent_id=UUID(int=21),
        session_id=UUID(int=11),
        coachee_id=MIRA.user_id,
        asked_by=ANA,
        asked_as="coach",
        reason="ill",
        asked_at=NOW,
        expires_at=NOW + 48 * HOUR,
        phone="+49 30 123456",
    )
    return made.evolve(**fields)


def family(*parents_of: Other, child: Other = MIRA, active: bool = True) -> Subject:
    found = (Guardianship(guardianship_id=uuid4(), parent=one, child=child, active=active) for one in parents_of)
    return Subject(person=child, roles=("coachee",), guardianships=tuple(found))


# ---- the table


@pytest.mark.parametrize(("status", "move"), list(product(get_args(ConsentStatus), get_args(Move))))
def test_every_pair_is_a_move_or_raises(status: ConsentStatus, move: Move) -> None:
    """All that is over stays so; the number is kept only while it is open, and each change is counted."""
    over = {} if status == "open" else {"decided_at": NOW}
    before = consent(status=status, version=3, **over)
    if (status, move) not in MOVES:
        with pytest.raises(IllegalConsentError, match=f"{status} {move}"):
            moved(before, move, NOW, by=PAULA, decided_as="parent")
        return
    after = moved(before, move, NOW + HOUR, by=PAULA, decided_as="parent")
    assert (after.status, after.version) == (MOVES[status, move], 4)
    if after.open:
        assert after == before.evolve(version=4)
    else:
        assert (after.decided_at, after.decided_by, after.decided_as) == (NOW + HOUR, PAULA, "parent")
        assert after.phone == ""


def test_nothing_leads_out_of_what_is_over() -> None:
    """And every move is on the page."""
    assert {status for status, _ in MOVES} == {"open"}
    assert set(MOVES.values()) == set(get_args(ConsentStatus))
    assert {move for _, move in MOVES} == set(get_args(Move)) == set(WHAT_OF_CONSENT)


@given(st.lists(st.sampled_from(get_args(Move)), max_size=12))
def test_whatever_is_tried_the_first_decision_stands(moves: list[Move]) -> None:
    """In any order: one decision, and after it nothing changes any more."""
    here, decided = consent(), None
    for number, move in enumerate(moves):
        at = NOW + number * HOUR
        if decided is None:
            here = moved(here, move, at, by=PAULA, decided_as="parent")
            decided = None if here.open else here
        else:
            with pytest.raises(IllegalConsentError):
                moved(here, move, at, by=RITA, decided_as="parent")
            assert here == decided
    assert decided is None or decided.decided_by == PAULA


@pytest.mark.parametrize("status", get_args(ConsentStatus))
def test_the_session_says_of_it_what_follows_from_it(status: ConsentStatus) -> None:
    asked = consent(status=status)
    found = stands(session(), asked)
    said = {"open": "pending", "approved": "approved", "kept": "rejected"}.get(status, "none")
    assert (found.cancellation_status, STANDS.get(status, "none")) == (said, said)
    assert found.consent == asked
    assert found.requested_at == (NOW if said != "none" else None)
    assert found.reason == ("ill" if status in ("open", "approved") else None)
    assert found.expires_at == (asked.expires_at if status == "open" else None)
    assert (found.asked is not None) is (status == "open")


def test_when_a_sessions_time_has_come_nobody_decides_any_more() -> None:
    """A deadline that is its beginning has five minutes to be looked at; a conversation that has begun is being held,
    whatever the clock says."""
    here = session(10 * HOUR)
    for until, minutes, over in (
        *((9, minutes, over) for minutes, over in ((-60, False), (-0.1, False), (0, True), (5, True), (600, True))),
        *((10, minutes, over) for minutes, over in ((-60, False), (0, False), (5, False), (5.1, True), (600, True))),
        (11, 5, False),
    ):
        asked = consent(expires_at=NOW + until * HOUR)
        assert lapsed(here, asked, here.starts_at + timedelta(minutes=minutes)) is over
    assert lapsed(here.evolve(conversation=UUID(int=5)), consent(), NOW)


# ---- until when


@pytest.mark.parametrize(
    ("ahead", "hours", "notice", "expected"),
    [
        (168, 48, 12, 48),
        (60, 48, 12, 48),
        (59, 48, 12, 47),
        (30, 48, 0, 30),
        (13, 48, 12, 1),
        (12.5, 48, 12, 1),
        (3, 48, 12, 1),
        (0.5, 48, 12, 0.5),
        (0.5, 48, 0, 0.5),
        (168, 1, 12, 1),
        (168, 720, 24, 144),
    ],
)
def test_the_deadline(ahead: float, hours: int, notice: int, expected: float) -> None:
    """The hours that the deployment gives, or the notice before the session; an hour where there is one."""
    found = deadline(session(ahead * HOUR), Policy(consent_hours=hours), notice, NOW)
    assert found == NOW + expected * HOUR


@given(st.integers(1, 60 * 24 * 90), st.integers(1, 720), st.integers(0, 240))
def test_a_deadline_is_to_come_and_not_after_the_session_begins(minutes: int, hours: int, notice: int) -> None:
    here = session(timedelta(minutes=minutes))
    found = deadline(here, Policy(consent_hours=hours), notice, NOW)
    assert NOW < found <= here.starts_at
    assert found <= NOW + hours * HOUR
    earlier = min(NOW + hours * HOUR, here.starts_at - notice * HOUR)
    assert found == earlier or (earlier < NOW + LEAST and found == min(NOW + LEAST, here.starts_at))


@pytest.mark.parametrize(
    ("left", "expected"),
    [(48, {"half": 24, "late": 45}), (8, {"half": 4, "late": 5}), (6, {"half": 3}), (1, {"half": 0.5})],
)
def test_reminders(left: float, expected: dict[str, float]) -> None:
    """At half of the time that is left, and three hours before its end where that is later."""
    since = NOW + HOUR
    found = reminders(consent(expires_at=since + left * HOUR), since)
    assert found == {name: since + hours * HOUR for name, hours in expected.items()}


def test_a_call_stops_the_time_once() -> None:
    here, at = session(), NOW + 10 * HOUR
    wished = called(consent(), PAULA, here, Policy(call_hours=24), at)
    assert (wished.called_at, wished.call_by, wished.call_until) == (at, PAULA, at + 24 * HOUR)
    assert (wished.call_left, wished.expires_at) == (38 * 3600, at + 62 * HOUR)
    assert wished.call_waits
    again = called(wished.evolve(call_outcome="unreached", reported_at=at), RITA, here, Policy(), at + HOUR)
    assert (again.expires_at, again.call_until) == (wished.expires_at, wished.call_until)
    assert (again.call_by, again.called_at, again.call_outcome, again.reported_at) == (RITA, at + HOUR, None, None)
    assert wished.phone == again.phone == "", "a number is of who gave it"


@pytest.mark.parametrize(("ahead", "until"), [(50, 50), (30, 30), (75, 72), (49, 49)])
def test_a_call_ends_with_the_session_at_the_latest(ahead: int, until: int) -> None:
    wished = called(consent(), PAULA, session(ahead * HOUR), Policy(call_hours=24), NOW)
    assert wished.expires_at == max(NOW + 48 * HOUR, NOW + until * HOUR)
    assert wished.call_until == NOW + 24 * HOUR


def test_a_call_that_is_wished_for_after_the_deadline_stops_nothing() -> None:
    """Nothing has decided yet, and will as soon as something runs again."""
    for late in (NOW + 48 * HOUR, NOW + 50 * HOUR):
        wished = called(consent(), PAULA, session(), Policy(call_hours=24), late)
        assert (wished.call_until, wished.expires_at) == (None, NOW + 48 * HOUR)
        assert wished.called_at == late


def test_what_was_left_of_the_time_is_left_when_the_call_is_over() -> None:
    here = session()
    wished = called(consent(), PAULA, here, Policy(call_hours=24), NOW + 10 * HOUR)
    assert resumed(wished, here, NOW + 12 * HOUR).expires_at == NOW + 50 * HOUR
    assert resumed(wished, here, NOW + 12 * HOUR).call_until == NOW + 12 * HOUR
    after = NOW + 34 * HOUR
    assert resumed(wished, here, after) == wished, "it runs again already"
    assert resumed(wished, here, after + 6 * HOUR) == wished
    assert resumed(consent(), here, NOW) == consent(), "nobody wished for a call"
    near = here.evolve(starts_at=NOW + 40 * HOUR)
    assert resumed(wished, near, NOW + 12 * HOUR).expires_at == NOW + 40 * HOUR


# ---- who decides


@pytest.mark.parametrize(
    ("born", "minor"), [(2008, True), (2011, True), (2026, True), (2007, False), (1980, False), (None, False)]
)
def test_who_is_under_age(born: int | None, minor: bool) -> None:
    """Eighteen for sure is of age; who is not known is not taken for a child."""
    assert under_age(person(9, birth_year=born), NOW) is minor


def test_the_parents_who_decide() -> None:
    """Those of a minor who may see the sessions, are linked now, and are of age themselves."""
    assert parents(family(PAULA, RITA), NOW) == (PAULA, RITA)
    assert parents(family(PAULA, active=False), NOW) == ()
    for other in (person(0), person(9)):
        beside = family(PAULA).guardianships + family(RITA, child=other).guardianships
        assert guardians(family(PAULA).evolve(guardianships=beside), NOW) == (PAULA,), "not those of another child"
    assert guardians(family(PAULA, active=False), NOW) == ()
    assert parents(family(PAULA, child=person(1, birth_year=1990)), NOW) == ()
    assert parents(family(PAULA, child=person(1)), NOW) == ()
    hidden = person(1, birth_year=2011, sharing={"parent": ("plan",)})
    assert parents(family(PAULA, child=hidden), NOW) == ()
    young = PAULA.evolve(birth_year=2010)
    assert parents(family(young, RITA), NOW) == (RITA,)


@pytest.mark.parametrize("otherwise", ["asker", "coachee", "operator"])
@pytest.mark.parametrize("grown", [True, False])
def test_who_is_asked(otherwise: Any, grown: bool) -> None:
    child = person(1, birth_year=1990) if grown else MIRA
    own = {"adults" if grown else "no_parent": otherwise}
    policy, other = Policy(**own), Policy(**{"no_parent" if grown else "adults": otherwise})
    wanted = {"asker": None, "coachee": "coachee", "operator": "operator"}[otherwise]
    alone = family(child=child)
    assert asked_of(alone, (OLGA,), ANA.user_id, policy, NOW) == wanted
    assert asked_of(alone, (OLGA,), ANA.user_id, other, NOW) is None, "that is of the others"
    whole = family(PAULA, child=child)
    assert asked_of(whole, (OLGA,), ANA.user_id, policy, NOW) == (wanted if grown else "parent")
    if not grown:
        assert asked_of(whole, (OLGA,), PAULA.user_id, policy, NOW) is None, "a parent decides"
        gone = family(PAULA.evolve(unreachable_since=NOW), child=child)
        assert asked_of(gone, (OLGA,), ANA.user_id, policy, NOW) == wanted


def test_who_cannot_be_asked_is_not() -> None:
    policy = Policy(adults="coachee")
    for gone in ({"standing": "inactive"}, {"standing": "waiting"}, {"unreachable_since": NOW}):
        away = family(child=person(1, birth_year=1990, **gone))
        assert asked_of(away, (OLGA,), ANA.user_id, policy, NOW) is None
    grown = family(child=person(1, birth_year=1990))
    assert asked_of(grown, (OLGA,), MIRA.user_id, policy, NOW) is None, "who asks is who would be asked"
    for asker in (UUID(int=0), UUID(int=9)):
        assert asked_of(grown, (OLGA,), asker, policy, NOW) == "coachee"
    policy = Policy(adults="operator")
    assert asked_of(grown, (), ANA.user_id, policy, NOW) is None
    assert asked_of(grown, (OLGA.evolve(unreachable_since=NOW),), ANA.user_id, policy, NOW) is None
    assert asked_of(grown, (OLGA.evolve(unreachable_since=NOW), OTTO), ANA.user_id, policy, NOW) == "operator"
    assert asked_of(grown, (OLGA, OTTO), OLGA.user_id, policy, NOW) is None


def test_who_can_decide_now() -> None:
    """Each once, as the nearest that they are; never who asked."""
    both = family(PAULA, RITA)
    assert deciders(consent(), both, (OLGA,), NOW) == (("parent", PAULA), ("parent", RITA))
    assert deciders(consent(escalated=True), both, (OLGA, RITA), NOW) == (
        ("parent", PAULA),
        ("parent", RITA),
        ("operator", OLGA),
    )
    assert deciders(consent(decider="coachee"), both, (OLGA,), NOW) == (("coachee", MIRA),)
    assert deciders(consent(decider="operator"), both, (OLGA, OTTO), NOW) == (
        ("operator", OLGA),
        ("operator", OTTO),
    )
    assert deciders(consent(decider="operator", asked_by=OLGA), both, (OLGA, OTTO), NOW) == (("operator", OTTO),)
    assert deciders(consent(asked_by=None), both, (), NOW) == (("parent", PAULA), ("parent", RITA))


ROLES: Any = ("coachee", "coach", "parent", "operator")


@given(
    decider=st.sampled_from(["parent", "coachee", "operator"]),
    escalated=st.booleans(),
    asker=st.sampled_from([ANA, MIRA, PAULA, OLGA]),
    me=st.sampled_from([ANA, MIRA, PAULA, RITA, OLGA, OTTO]),
    operators=st.sampled_from([(), (OLGA,), (OTTO, PAULA), (OLGA, OTTO, RITA)]),
)
def test_who_is_asked_can_decide_and_nobody_else(
    decider: Any, escalated: bool, asker: Other, me: Other, operators: tuple[Other, ...]
) -> None:
    """The message and the press agree on who decides, and as what."""
    here, whole = consent(decider=decider, escalated=escalated, asked_by=asker), family(PAULA, RITA)
    roles = tuple(role for role in ROLES if role != "operator" or me in operators)
    as_what = {one.user_id: role for role, one in deciders(here, whole, operators, NOW)}
    assert decides_as(here, me.user_id, roles, whole, NOW) == as_what.get(me.user_id)


def test_a_role_that_somebody_has_no_more_decides_nothing() -> None:
    whole = family(PAULA)
    assert decides_as(consent(), PAULA.user_id, (), whole, NOW) is None
    assert decides_as(consent(), PAULA.user_id, ("parent",), whole, NOW) == "parent"
    assert decides_as(consent(decider="coachee"), MIRA.user_id, ("parent",), whole, NOW) is None
    assert decides_as(consent(decider="coachee"), MIRA.user_id, ("coachee",), whole, NOW) == "coachee"
    assert decides_as(consent(decider="operator"), OLGA.user_id, ("coach",), whole, NOW) is None
    same = UUID(str(MIRA.user_id))  # an id that was read from another row
    assert decides_as(consent(decider="coachee"), same, ("coachee",), whole, NOW) == "coachee"
    assert decides_as(consent(decider="operator", asked_by=MIRA), same, ("operator",), whole, NOW) is None
    for other in (UUID(int=0), UUID(int=9)):
        assert decides_as(consent(decider="coachee"), other, ("coachee",), whole, NOW) is None


@pytest.mark.parametrize("silence", get_args(Silence))
def test_what_no_answer_means(silence: Silence) -> None:
    """Beyond the operators there is nobody to ask."""
    policy = Policy(on_silence=silence)
    assert meaning("parent", policy) == meaning("coachee", policy) == silence
    assert meaning("operator", policy) == ("keep" if silence == "escalate" else silence)
