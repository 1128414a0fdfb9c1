"""What follows from each deed about a consent: rows, history, timers, who reads what. Pure, without a database.

rows       the consent's and the session's, by what changed; the history's, by its kind and data
timers     "+over 48.0 @1" is set in the chat of person 1 for 48 hours from now, "-over @1" is taken back
messages   "Paula < told.consent.kept" is told, "Paula ~ consent" is a message of theirs that changes
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from flows import bookings, consent_times, consents
from flows.acts import Act
from flows.changes import Audited, ConsentPut, Learned, SessionPut
from flows.consent_news import key_of, number_line
from flows.diary import Consent, Diary, Policy, Scheduled
from flows.effects import CancelTimer, Edit, Notify, SetTimer, Text
from flows.events import Event, TimerFired
from flows.people import Circle, Other, Subject, Tie
from flows.session_news import Scene
from flows.state import Chat, Decision, Person
from tests.flows.test_consent import ANA, HOUR, MIRA, NOW, OLGA, OTTO, PAULA, RITA, consent, family, session

NAMES = {
    one.user_id: name
    for one, name in ((MIRA, "Mira"), (ANA, "Ana"), (PAULA, "Paula"), (RITA, "Rita"), (OLGA, "Olga"), (OTTO, "Otto"))
}
NAMED = consent().consent_id
ASKED = session(cancellation_status="pending", consent=consent(phone=""), reason="ill", version=2)


def whole(*coaches: Other) -> Subject:
    """Mira with Paula and Rita, and who coaches her: Ana unless others are named."""
    ties = tuple(
        Tie(tie_id=uuid4(), coach=one, coachee=MIRA, kind="primary" if n == 0 else "secondary", active=True)
        for n, one in enumerate(coaches or (ANA,))
    )
    return family(PAULA, RITA).evolve(ties=ties)


def scene(actor: Other | None = None, after: float = 0, **fields: Any) -> Scene:
    """Somebody acts, so many hours from now."""
    made = Scene(
        subject=whole(),
        event=Event(id=UUID(int=77), chat_id=9),
        now=NOW + after * HOUR,
        actor=actor.user_id if actor is not None else None,
        operators=(OLGA,),
    )
    return made.evolve(**fields)


def key_in(screen: Any) -> str:
    text = screen.lines[0].text
    return text.key if isinstance(text, Text) else str(text)


def timers(act: Act | Decision) -> set[str]:
    found = set()
    for effect in act.effects:
        if isinstance(effect, SetTimer):
            due = (effect.due_at - NOW) / HOUR
            found.add(f"+{effect.key.rpartition(':')[2]} {due:.1f} @{effect.of}")
        elif isinstance(effect, CancelTimer):
            found.add(f"-{effect.key.rpartition(':')[2]} @{effect.of}")
    return {one for one in found if one[1:].startswith(("over", "call", "half", "late"))}


def messages(act: Act | Decision) -> list[str]:
    found = []
    for effect in act.effects:
        if isinstance(effect, Notify):
            found.append(f"{NAMES[effect.to.user_id]} < {key_in(effect.screen)}")
        elif isinstance(effect, Edit):
            assert effect.to is not None
            found.append(f"{NAMES[effect.to.user_id]} ~ {effect.key.replace(key_of(consent()), 'consent')}")
    return sorted(found)


def told(act: Act | Decision) -> list[str]:
    return [one for one in messages(act) if "<" in one]


def changed(act: Act | Decision) -> list[str]:
    return [one for one in messages(act) if "~" in one]


def rows(act: Act) -> tuple[Consent | None, Scheduled | None, list[dict[str, Any]]]:
    """The consent, the session it is of, and what the history says; each on the version that it was decided on."""
    put = [change for change in act.changes if isinstance(change, ConsentPut)]
    sessions = [change for change in act.changes if isinstance(change, SessionPut)]
    assert len(put) <= 1
    for change in put:
        assert change.was is None or change.consent.version == change.was + 1
    for one in sessions:
        assert one.was is None or (one.was == ASKED.version and one.session.version == one.was + 1)
    history = [
        {
            "type": change.event_type,
            **{k: change.data[k] for k in ("act", "reason", "consent", "outcome", "by") if k in change.data},
        }
        for change in act.changes
        if isinstance(change, Learned)
    ]
    return put[0].consent if put else None, sessions[0].session if sessions else None, history


BOTH_ASKED = {
    *("+over 48.0 @1", "+half1 24.0 @3", "+late1 45.0 @3", "+half1 24.0 @4", "+late1 45.0 @4"),
}
NOTHING_DUE = {"-over @1", "-call @1", *(f"-{name}1 @{chat}" for name in ("half", "late") for chat in (3, 4))}


def everywhere(*versions: int) -> list[str]:
    """The message of everybody who has it changes, and every reminder of those who decide."""
    ends = ("", *(f":{name}{version}" for version in versions for name in ("half", "late")))
    return sorted(["Ana ~ consent", *(f"{one} ~ consent{end}" for one in ("Paula", "Rita") for end in ends)])


ALL = ["Ana ~ consent", *(f"{one} ~ consent{end}" for one in ("Paula", "Rita") for end in ("", ":half1", ":late1"))]


def test_asking() -> None:
    act, waits = consents.asked(session(), "ill", "parent", ANA, "coach", 12, scene(ANA))
    asked, row, history = rows(Act(changes=tuple(c for c in act.changes if not isinstance(c, SessionPut))))
    assert row is None
    assert asked is not None
    assert asked.evolve(consent_id=consent().consent_id) == consent(phone="")
    assert (waits.cancellation_status, waits.version, waits.reason) == ("pending", 2, "ill")
    [put] = [change for change in act.changes if isinstance(change, SessionPut)]
    assert (put.was, put.session) == (1, waits)
    assert history == [{"type": "session", "act": "cancel_asked", "reason": "ill", "by": "coach"}]
    assert timers(act) == BOTH_ASKED
    assert told(act) == [
        "Ana < consent.follows",
        "Mira < told.consent.asked",
        "Paula < P26_cancellation_request",
        "Rita < P26_cancellation_request",
    ]
    assert {effect.key for effect in act.effects if isinstance(effect, Notify)} == {key_of(asked), None}
    assert {effect.attempt for effect in act.effects if isinstance(effect, SetTimer) and "half" in effect.key} == {1}
    short, _ = consents.asked(session(17 * HOUR), "ill", "parent", ANA, "coach", 12, scene(ANA))
    assert timers(short) == {"+over 5.0 @1", "+half1 2.5 @3", "+half1 2.5 @4"}
    assert {effect.attempt for effect in short.effects if isinstance(effect, SetTimer)} == {0}


@pytest.mark.parametrize(
    ("decider", "silence", "kept"),
    [("parent", "escalate", "escalate"), ("operator", "escalate", "keep"), ("operator", "approve", "approve")],
)
def test_what_silence_means_is_kept_as_it_was_said(decider: Any, silence: Any, kept: str) -> None:
    act, _ = consents.asked(
        session(), "ill", decider, ANA, "coach", 12, scene(ANA, policy=Policy(on_silence=silence, consent_hours=5))
    )
    asked, *_ = [change.consent for change in act.changes if isinstance(change, ConsentPut)]
    assert (asked.silence, asked.decider, asked.expires_at) == (kept, decider, NOW + 5 * HOUR)


def test_a_coachee_asks_and_the_coach_follows() -> None:
    act, _ = consents.asked(session(), "ill", "parent", MIRA, "coachee", 12, scene(MIRA))
    assert told(act) == [
        "Ana < consent.follows",
        "Mira < consent.follows.own",
        "Paula < P26_cancellation_request",
        "Rita < P26_cancellation_request",
    ]


def test_the_coachee_is_asked() -> None:
    act, _ = consents.asked(session(), "ill", "coachee", ANA, "coach", 12, scene(ANA))
    assert told(act) == [
        "Ana < consent.follows",
        "Mira < P26_cancellation_request.own",
        "Paula < told.consent.asked.other",
        "Rita < told.consent.asked.other",
    ]
    assert timers(act) == {"+over 48.0 @1", "+half1 24.0 @1", "+late1 45.0 @1"}


def test_approving() -> None:
    act, gone = consents.approved(ASKED, PAULA, "parent", scene(PAULA, 1))
    given, row, history = rows(act)
    assert given is not None
    assert row == gone.evolve(calendar="none")
    assert (given.status, given.decided_by, given.decided_as, given.decided_at) == (
        "approved",
        PAULA,
        "parent",
        NOW + HOUR,
    )
    assert (gone.status, gone.cancellation_status, gone.reason, gone.expires_at) == (
        "cancelled",
        "approved",
        "ill",
        None,
    )
    assert (gone.resolved_by, gone.resolved_at) == (PAULA.user_id, NOW + HOUR)
    assert history == [{"type": "session_cancelled", "reason": "ill", "consent": "parent", "by": "parent"}]
    assert timers(act) == NOTHING_DUE
    assert changed(act) == ALL
    assert told(act) == [
        "Ana < told.session.cancelled.other",
        "Mira < told.session.cancelled",
        "Rita < told.session.cancelled.other",
    ]


def test_approving_tells_who_asked_and_has_no_part_in_it() -> None:
    here = ASKED.evolve(consent=consent(asked_by=OLGA, asked_as="operator", phone=""))
    act, _ = consents.approved(here, PAULA, "parent", scene(PAULA, 1))
    assert "Olga < told.consent.approved.other" in told(act)
    assert "Olga ~ consent" in changed(act)
    stranger = ASKED.evolve(consent=consent(asked_by=OTTO, asked_as="coach", phone=""))
    act, _ = consents.approved(stranger, PAULA, "parent", scene(PAULA, 1))
    assert not [one for one in messages(act) if one.startswith("Otto")], "who has nothing to do with her any more"


def test_keeping() -> None:
    act, stays = consents.kept(ASKED, RITA, "parent", scene(RITA, 1))
    refused, row, history = rows(act)
    assert refused is not None
    assert row == stays
    assert (refused.status, refused.decided_by, refused.decided_as) == ("kept", RITA, "parent")
    assert (stays.status, stays.cancellation_status, stays.reason, stays.version) == (
        "scheduled",
        "rejected",
        None,
        3,
    )
    assert history == [{"type": "session", "act": "cancel_kept", "consent": "parent", "by": "parent"}]
    assert timers(act) == NOTHING_DUE
    assert changed(act) == ALL
    assert told(act) == [
        "Ana < told.consent.kept.other",
        "Mira < told.consent.kept",
        "Paula < told.consent.kept.other",
    ]


def test_taking_back_and_being_overtaken() -> None:
    act, stays = consents.withdrawn(ASKED, ANA, "coach", scene(ANA, 1))
    over, row, history = rows(act)
    assert over is not None
    assert row == stays
    assert (over.status, over.decided_by, over.decided_as, stays.cancellation_status) == (
        "withdrawn",
        ANA,
        "coach",
        "none",
    )
    assert history == [{"type": "session", "act": "cancel_withdrawn", "by": "coach"}]
    assert (timers(act), changed(act)) == (NOTHING_DUE, ALL)
    assert told(act) == [
        "Mira < told.consent.withdrawn",
        "Paula < told.consent.withdrawn.other",
        "Rita < told.consent.withdrawn.other",
    ]
    act, stays = consents.overtaken(ASKED, scene(None, 1))
    over, _, history = rows(act)
    assert over is not None
    assert (over.status, over.decided_by, over.decided_as, stays.status) == ("overtaken", None, None, "scheduled")
    assert history == [{"type": "session", "act": "cancel_over"}]
    assert [one.partition(" < ")[2] for one in told(act)] == [
        "told.consent.over.other",
        "told.consent.over",
        *["told.consent.over.other"] * 2,
    ]


def test_a_word_goes_to_the_coach_and_who_asked() -> None:
    over = consent(status="kept", decided_at=NOW, decided_by=PAULA, decided_as="parent", phone="", version=3)
    here = session(cancellation_status="rejected", consent=over)
    act = consents.explained(here, over, "She waited.", scene(PAULA))
    [put] = act.changes
    assert isinstance(put, ConsentPut)
    assert (put.was, put.consent) == (3, over.evolve(words="She waited.", version=4))
    assert told(act) == ["Ana < told.consent.words"]
    [effect] = act.effects
    assert isinstance(effect, Notify)
    assert [line.text for line in effect.screen.lines] == [
        Text(key="told.consent.words", args={"who": PAULA.name, "n": 1, "name": MIRA.name}),
        "She waited.",
    ]
    by_olga = over.evolve(asked_by=OLGA)
    assert told(consents.explained(here, by_olga, "x", scene(PAULA))) == [
        "Ana < told.consent.words",
        "Olga < told.consent.words",
    ]
    by_mira = over.evolve(asked_by=MIRA)
    assert told(consents.explained(here, by_mira, "x", scene(PAULA)))[1:] == ["Mira < told.consent.words"]


# ---- a call


def test_a_call_is_wished_for() -> None:
    act, waits = consents.call_wished(ASKED, PAULA, scene(PAULA, 8))
    wished, row, history = rows(act)
    assert wished is not None
    assert row == waits
    assert (waits.cancellation_status, waits.expires_at) == ("pending", NOW + 72 * HOUR)
    assert wished.call_waits
    assert history == [{"type": "session", "act": "call_asked", "by": "parent"}]
    assert timers(act) == {
        *NOTHING_DUE,
        *("+over 72.0 @1", "+call 32.0 @1"),
        *(f"+{name}2 {due} @{chat}" for name, due in (("half", "52.0"), ("late", "69.0")) for chat in (3, 4)),
    }
    assert changed(act) == everywhere(1, 2)
    assert told(act) == ["Ana < told.consent.call"]


def wished(**fields: Any) -> Scheduled:
    """Paula wishes to be called, eight hours after it was asked."""
    _, waits = consents.call_wished(ASKED, PAULA, scene(PAULA, 8))
    assert waits.consent is not None
    return waits.evolve(consent=waits.consent.evolve(**fields), version=ASKED.version)


def test_who_is_to_call() -> None:
    """Whoever coaches; where nobody of them can be reached the operators; never who wishes it."""
    for change, callers in (
        ({}, ["Ana"]),
        ({"subject": whole(ANA.evolve(unreachable_since=NOW))}, ["Ana"]),
        ({"operators": (OLGA, OTTO)}, ["Ana"]),
    ):
        act, _ = consents.call_wished(ASKED, PAULA, scene(PAULA, 8, **change))
        assert [one.partition(" < ")[0] for one in told(act)] == callers
    alone = ASKED.evolve(coach=None)
    act, _ = consents.call_wished(
        alone, PAULA, scene(PAULA, 8, subject=whole(ANA.evolve(unreachable_since=NOW), OTTO))
    )
    assert told(act) == ["Otto < told.consent.call"]
    away = ASKED.evolve(coach=ANA.evolve(unreachable_since=NOW))
    act, _ = consents.call_wished(away, PAULA, scene(PAULA, 8))
    assert told(act) == ["Olga < told.consent.call"]


def test_a_number_is_given() -> None:
    here = wished(version=3)
    assert here.consent is not None
    act = consents.phone_given(here, "+49 30 1", scene(PAULA, 9))
    [put] = act.changes
    assert isinstance(put, ConsentPut)
    assert (put.consent.phone, put.was, put.consent.version) == (
        "+49 30 1",
        here.consent.version,
        here.consent.version + 1,
    )
    [call] = [effect for effect in act.effects if isinstance(effect, Notify)]
    assert (call.to, call.key) == (ANA, key_of(consent(), "task"))
    assert call.screen.lines[1].text == Text(key="told.consent.phone", args={"phone": "+49 30 1"})
    assert number_line(consent(call_by=PAULA, phone="")).text == Text(
        key="told.consent.no_phone", args={"who": PAULA.name}
    )


@pytest.mark.parametrize("said", ["agreed", "keep", "another", "unreached"])
def test_a_call_is_reported(said: Any) -> None:
    act, waits = consents.reported(wished(phone="+49 30 1"), said, scene(ANA, 10))
    after, row, history = rows(act)
    assert after is not None
    assert row == waits
    assert (after.status, after.call_outcome, after.reported_at, after.phone) == ("open", said, NOW + 10 * HOUR, "")
    assert (after.call_until, after.expires_at) == (NOW + 10 * HOUR, NOW + 50 * HOUR)
    assert history == [{"type": "session", "act": "call_reported", "outcome": said, "by": "coach"}]
    assert {"+over 50.0 @1", "+half3 30.0 @3", "+late3 47.0 @4", "-call @1"} <= timers(act)
    assert not [one for one in timers(act) if one.startswith("+call")]
    assert changed(act) == sorted([*everywhere(1, 2, 3), "Ana ~ consent:task", "Olga ~ consent:task"])
    assert told(act) == ["Paula < told.consent.again"], "it is her call"
    lines = [
        line.text.key
        for e in act.effects
        if isinstance(e, Notify)
        for line in e.screen.lines
        if isinstance(line.text, Text)
    ]
    assert lines[1:4] == ["consent.called", f"consent.reported.{said}", "consent.still"]
    buttons = {c.data for e in act.effects if isinstance(e, Notify) for c in e.screen.choices}
    assert {data.rpartition(":")[0].split(":")[1] for data in buttons} == {"0"}


def test_nothing_is_reported() -> None:
    act, waits = consents.unreported(wished(), scene(None, 32))
    after, _, history = rows(act)
    assert after is not None
    assert (after.status, after.expires_at, waits.expires_at) == ("open", NOW + 72 * HOUR, NOW + 72 * HOUR)
    assert history == [{"type": "session", "act": "call_unreported"}]
    assert {"+over 72.0 @1", "+half3 52.0 @3", "+late3 69.0 @3"} <= timers(act)
    assert not [one for one in timers(act) if one.startswith("+call")]
    assert told(act) == ["Paula < told.consent.again"]
    assert not after.call_waits, "it can be wished for again"


# ---- no answer


def test_no_answer_approves() -> None:
    act, gone = consents.expired(ASKED, scene(None, 48))
    given, _, history = rows(act)
    assert given is not None
    assert (given.status, given.decided_as, given.decided_by, gone.status) == (
        "approved",
        "no_answer",
        None,
        "cancelled",
    )
    assert (gone.resolved_by, history) == (
        None,
        [{"type": "session_cancelled", "reason": "ill", "consent": "no_answer"}],
    )
    assert told(act) == [
        "Ana < told.session.cancelled.other",
        "Mira < told.session.cancelled",
        "Paula < told.session.cancelled.other",
        "Rita < told.session.cancelled.other",
    ]


def test_no_answer_keeps() -> None:
    act, stays = consents.expired(ASKED.evolve(consent=consent(silence="keep", phone="")), scene(None, 48))
    refused, _, history = rows(act)
    assert refused is not None
    assert (refused.status, refused.decided_as, stays.status) == ("kept", "no_answer", "scheduled")
    assert history == [{"type": "session", "act": "cancel_kept", "consent": "no_answer"}]
    assert [one.partition(" < ")[2] for one in told(act)].count("told.consent.kept.no_answer.other") == 3


def test_no_answer_asks_an_operator_until_the_session_begins() -> None:
    here = ASKED.evolve(consent=consent(silence="escalate", phone=""))
    act, waits = consents.expired(here, scene(None, 48))
    asked, row, history = rows(act)
    assert asked is not None
    assert row == waits
    assert (asked.status, asked.escalated, asked.expires_at) == ("open", True, here.starts_at)
    assert history == [{"type": "session", "act": "cancel_escalated"}]
    assert {"+over 168.0 @1", "+half2 108.0 @5", "+late2 165.0 @5", "+half2 108.0 @3"} <= timers(act)
    assert changed(act) == everywhere(1, 2)
    assert told(act) == [
        "Ana < told.consent.escalated.other",
        "Mira < told.consent.escalated",
        "Olga < P26_cancellation_request",
        "Paula < told.consent.escalated.other",
        "Rita < told.consent.escalated.other",
    ]
    coach_too, _ = consents.expired(here, scene(None, 48, operators=(OLGA, ANA, RITA)))
    assert "Ana ~ consent" in changed(coach_too), "who has the message does not get another one"
    assert [one for one in told(coach_too) if "P26" in one] == ["Olga < P26_cancellation_request"]


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({"escalated": True}, {}),
        ({}, {"operators": ()}),
        ({}, {"operators": (OLGA.evolve(unreachable_since=NOW),)}),
        ({"asked_by": OLGA}, {}),
        ({}, {"after": 168.0}),
    ],
    ids=["asked already", "none", "none who can be reached", "none but who asked", "too late"],
)
def test_where_no_operator_can_be_asked_it_stays(fields: dict[str, Any], change: dict[str, Any]) -> None:
    here = ASKED.evolve(consent=consent(silence="escalate", phone="", **fields))
    _, stays = consents.expired(here, scene(None, **{"after": 48, **change}))
    assert (stays.cancellation_status, stays.status) == ("rejected", "scheduled")


# ---- the timers


def chat(here: Scheduled | None, person: Other = MIRA, **fields: Any) -> Chat:
    """Somebody's chat as a timer finds it."""
    roles: Any = {MIRA.user_id: ("coachee",), OLGA.user_id: ("operator",)}.get(person.user_id, ("parent",))
    subject = whole() if here is not None else None
    made = Chat(
        chat_id=person.chat_id,
        person=Person(user_id=person.user_id, name=person.name, timezone="Europe/Berlin"),
        circle=Circle(roles=roles, guardianships=whole().guardianships, subject=subject, operators=(OLGA,)),
        diary=Diary(session=here, consent=here.consent if here is not None else None),
    )
    return made.evolve(**fields)


def fired(name: str, kind: str, attempt: int = 0, subject: UUID = NAMED) -> TimerFired:
    key = key_of(consent(), name)
    return TimerFired(id=uuid4(), chat_id=1, key=key, kind=kind, subject=subject, attempt=attempt)


def over(here: Scheduled | None, after: float, **fields: Any) -> Decision:
    return consent_times.over(chat(here), fired("over", "consent_over", **fields), NOW + timedelta(hours=after))


def became(decision: Decision) -> list[str]:
    return [change.consent.status for change in decision.changes if isinstance(change, ConsentPut)]


def test_the_deadline_comes_once_and_not_early() -> None:
    assert became(over(ASKED, 48)) == ["approved"]
    early = over(ASKED, 48 - 1 / 3600)
    assert (early.changes, timers(early)) == ((), {"+over 48.0 @None"})
    for nothing in (
        over(None, 48),
        over(session(), 48),
        over(session(consent=consent(status="kept", decided_at=NOW)), 48),
        over(ASKED, 48, subject=uuid4()),
    ):
        assert (nothing.changes, nothing.effects) == ((), ())


@pytest.mark.parametrize(
    ("silence", "after", "status", "reason"),
    [
        ("approve", 48, ["approved"], "no_answer approved"),
        ("keep", 48, ["kept"], "no_answer kept"),
        ("escalate", 48, ["open"], "no_answer escalated"),
        ("approve", 167.9, ["approved"], "no_answer approved"),
        ("approve", 168, ["overtaken"], "no_answer overtaken"),
    ],
)
def test_the_audit_log_says_what_silence_did(silence: Any, after: float, status: list[str], reason: str) -> None:
    done = over(ASKED.evolve(consent=consent(silence=silence, phone="")), after)
    [log] = [change for change in done.changes if isinstance(change, Audited)]
    assert (became(done), log.reason, log.via, log.actor_id, log.action) == (
        status,
        reason,
        "clock",
        None,
        "cancel_session",
    )
    assert (log.subject_id, log.at) == (MIRA.user_id, NOW + timedelta(hours=after))


def test_a_session_that_is_led_is_not_cancelled_by_silence() -> None:
    assert became(over(ASKED.evolve(conversation=uuid4()), 48)) == ["overtaken"]


def called_back(here: Scheduled | None, after: float) -> Decision:
    return consent_times.call(chat(here), fired("call", "consent_call"), NOW + timedelta(hours=after))


def test_the_end_of_a_calls_time() -> None:
    assert became(called_back(wished(), 32)) == ["open"]
    early = called_back(wished(), 31)
    assert (early.changes, timers(early)) == ((), {"+call 32.0 @None"})
    for nothing in (
        called_back(wished(reported_at=NOW), 32),
        called_back(wished(call_until=None), 32),
        called_back(wished(), 72),
        called_back(ASKED, 32),
        called_back(None, 32),
    ):
        assert (nothing.changes, nothing.effects) == ((), ())


def reminded(here: Scheduled | None, after: float, name: str = "half0", attempt: int = 1, **fields: Any) -> Decision:
    there = chat(here, fields.pop("person", PAULA), **fields)
    return consent_times.soon(there, fired(name, "consent_soon", attempt), NOW + timedelta(hours=after))


def test_a_reminder_is_said_while_it_is_of_use() -> None:
    """At ten in the morning: as a message of its own, with the buttons."""
    said = reminded(ASKED, 18)
    [effect] = said.effects
    assert isinstance(effect, Notify)
    assert (effect.key, effect.silent, key_in(effect.screen)) == (
        key_of(consent(), "half0"),
        False,
        "consent.reminder",
    )
    assert [choice.data.split(":")[3] for choice in effect.screen.choices] == ["approve", "keep", "another", "call"]
    late = reminded(ASKED, 45, "late0", 0)
    assert isinstance(late.effects[0], Notify)
    for nothing in (
        reminded(None, 18),
        reminded(session(), 18),
        reminded(ASKED, 48),
        reminded(ASKED, 45),
        reminded(wished(), 20),
        reminded(wished(call_until=NOW + 41 * HOUR), 40.5),
        reminded(ASKED, 18, person=OLGA),
        reminded(ASKED, 18, person=ANA),
    ):
        assert nothing.effects == ()
    away = chat(ASKED, PAULA)
    inactive = away.evolve(person=away.someone.evolve(standing="waiting"))
    assert consent_times.soon(inactive, fired("half0", "consent_soon"), NOW + 18 * HOUR).effects == ()


def test_the_only_reminder_of_a_short_time_is_said() -> None:
    here = ASKED.evolve(consent=consent(expires_at=NOW + 20 * HOUR, phone=""))
    assert isinstance(reminded(here, 17.5, "half0", 0).effects[0], Notify)
    assert reminded(here, 17.5, "half0", 1).effects == ()


def test_a_reminder_waits_for_what_it_is_about() -> None:
    """The last one for its three hours, every one for the morning, if there is time left then."""
    early = reminded(ASKED, 44, "late0", 0)
    assert timers(early) == {"+late0 45.0 @None"}
    night = reminded(ASKED, 8)  # five past one in Berlin
    [again] = night.effects
    assert isinstance(again, SetTimer)
    assert (again.due_at, again.attempt) == (NOW + timedelta(hours=13, minutes=55), 1)
    soon = ASKED.evolve(consent=consent(expires_at=NOW + 9 * HOUR, phone=""))
    [quiet] = reminded(soon, 8, "late0", 0).effects
    assert isinstance(quiet, Notify)
    assert quiet.silent


# ---- what else ends one


@pytest.mark.parametrize(
    ("actor", "status", "decided_as"),
    [
        (PAULA, "moved", "parent"),
        (ANA, "overtaken", "coach"),
        (MIRA, "overtaken", "coachee"),
        (OLGA, "overtaken", "operator"),
    ],
)
def test_moving_it(actor: Other, status: str, decided_as: str) -> None:
    """Who is asked and moves it has decided; all others overtake it."""
    act, new = bookings.rescheduled(ASKED, NOW + 200 * HOUR, ASKED.resource, scene(actor, 1))
    over_, _, history = rows(act)
    assert over_ is not None
    assert (over_.status, over_.decided_by, over_.decided_as) == (status, actor, decided_as)
    assert (new.cancellation_status, new.consent, new.reason) == ("none", None, None)
    assert history == [{"type": "session_rescheduled", "consent": status, "by": decided_as}]
    assert timers(act) >= NOTHING_DUE
    assert set(changed(act)) == set(ALL)
    others = [one for one in ("Ana", "Mira", "Paula", "Rita") if one != NAMES[actor.user_id]]
    assert [one.partition(" < ")[0] for one in told(act)] == others


def test_cancelling_completing_missing_and_beginning_it() -> None:
    later = {"after": 169}
    for act, _ in (
        bookings.cancelled(ASKED, "travel", scene(ANA, 1)),
        bookings.completed(ASKED, ANA, scene(ANA, **later)),
        bookings.missed(ASKED, "coachee", scene(ANA, **later), parents=False),
        bookings.missed(ASKED, "coachee", scene(ANA, **later), parents=True),
        bookings.conversation_begun(ASKED, uuid4(), scene(MIRA, 167.9)),
    ):
        over_, row, history = rows(act)
        assert over_ is not None
        assert row is not None
        assert (over_.status, row.cancellation_status) == ("overtaken", "none")
        assert [one.get("consent") for one in history] in (["overtaken"], [None])
        assert timers(act) >= NOTHING_DUE
        names = [one.partition(" < ")[0] for one in told(act)]
        assert len(names) == len(set(names)), "nobody hears of it twice"
        assert {"Paula", "Rita"} <= set(names)
    taken = bookings.taken_back((ASKED,), scene(ANA, 1))
    assert [c.consent.status for c in taken.changes if isinstance(c, ConsentPut)] == ["overtaken"]


def test_another_room_and_another_coach_are_on_the_message() -> None:
    act, _ = bookings.put_on(ASKED, ASKED.resource.evolve(number=2), scene(OLGA, 1))
    assert changed(act) == everywhere(1)
    act, _ = bookings.taken_over(ASKED.evolve(coach=None), ANA, scene(ANA, 1))
    assert changed(act) == everywhere(1)
    assert "Ana < consent.follows" in told(act)
    assert "Ana < told.consent.call" not in told(act)
    act, _ = bookings.taken_over(wished().evolve(coach=None), OTTO, scene(OTTO, 9, subject=whole(ANA, OTTO)))
    assert {"Otto < consent.follows", "Otto < told.consent.call"} <= set(told(act))
    act, _ = bookings.put_on(session(version=2), session().resource, scene(OLGA, 1))
    assert changed(act) == []
