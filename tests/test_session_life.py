"""The life of a session, as coach, coachee and parent see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, update

from storage import tables as t
from tests.booking import booked, diary, happened, press, row_of, soon
from tests.playbook import Coachee, Play
from tests.village import button, coach, coachee, id_of, means, operator, parent, refusals

HOUR = timedelta(hours=1)


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage with an operator, Olga; Ana coaches Mira, whose parent is Paula."""
    async with Play(database) as made:
        await operator(made)
        ana = await coach(made, "Ana")
        mira = await coachee(made, "Mira", ana)
        await parent(made, "Paula", mira, ana)
        yield made


def cast(play: Play) -> tuple[Coachee, Coachee, Coachee]:
    """Ana, Mira, Paula."""
    return play.coachee("Ana"), play.coachee("Mira"), play.coachee("Paula")


def allows(play: Play, person: Coachee, *kinds: str) -> None:
    """A coachee lets their parents see this."""
    chosen = update(t.users).where(t.users.c.id == id_of(play, person)).values(sharing={"parent": list(kinds)})
    with play.core.engine.begin() as connection:
        connection.execute(chosen)


def texts(person: Coachee) -> str:
    """All that a person's screen says now."""
    return "\n".join(shown.text for shown in person.screen)


def new_of(person: Coachee) -> str:
    """What came to a person since a script looked last."""
    return "\n".join(shown.text for shown in person.unseen)


def look_away(play: Play) -> None:
    """Nothing that is on a screen by now is new any more."""
    for person in play.people.values():
        person.seen = len(person.screen)


async def held(play: Play, n: int = 1, **where: Any) -> UUID:
    """A session of Ana and Mira whose time came and went."""
    ana, mira, _ = cast(play)
    session = await booked(play, ana, mira, soon(play, minutes=30), n, **where)
    await play.pass_time(2 * HOUR)
    look_away(play)
    return session


# ---- completing, and the record


async def test_a_session_is_completed_and_its_record_written_and_submitted(play: Play) -> None:
    """Each part is asked for; the coach reads before that the coachee can read it; Mira hears of it once."""
    ana, mira, _ = cast(play)
    session = await held(play)
    await ana.press_data(press(session, "card"))
    await play.script(
        """
        Ana: [Complete]
        card: Record of session 1 · Mira
        buttons: Date | Topic | Notes | Submit | A note for me | Back to the session
        Ana: [Topic]
        card: Mira can read the record once you submit it
        Ana: Reading aloud
        card: Reading aloud
        Ana: [Notes]
        Ana: She looked at one friendly face.
        card: She looked at one friendly face.
        Ana: [Date]
        card: On which day was session 1?
        Ana: tomorrow
        coach: still to come
        Ana: hm
        coach: not a day I know
        Ana: yesterday
        card: Date: Sunday 22 November 2026
        """
    )
    assert row_of(play, session).record_status == "draft"
    assert "Reading aloud" not in texts(mira)
    await mira.press_data(press(session, "card"))
    assert "Reading aloud" not in texts(mira)
    assert "draft" not in texts(mira)
    look_away(play)
    await play.script(
        """
        Ana: [Submit]
        card: nobody can change it
        Ana: [Not now]
        Ana: [Submit]
        Ana: [Yes, submit it]
        card: cannot be changed any more
        buttons: Back to the session
        """
    )
    row = row_of(play, session)
    assert (row.record_status, row.record_topic) == ("submitted", "Reading aloud")
    assert row.coach_notes == "She looked at one friendly face."
    assert new_of(mira).count("The record of session 1 with Ana") == 1
    await mira.presses("Session 1")
    assert "She looked at one friendly face." in mira.screen[-1].text
    assert happened(play, session) == ["booked", "session_completed", "record"]


async def test_a_submitted_record_is_changed_by_nothing(play: Play) -> None:
    """Not by a press of an old card, not by words that were asked for before, not by taking the session back."""
    ana, mira, _ = cast(play)
    session = await held(play)
    await ana.press_data(press(session, "complete"))
    version = row_of(play, session).version
    await ana.press_data(press(session, "record", "notes"))
    await ana.press_data(press(session, "submit", str(version)))  # awaits nothing more
    look_away(play)
    before = diary(play)
    for act, argument in [
        *(("record", part) for part in ("on", "topic", "notes", "", "x")),
        *(("submit", which) for which in ("", str(version), str(version + 1), "x")),
        *(("reopen", which) for which in ("", str(version), str(version + 1))),
        ("complete", ""),
        ("absent", "coachee"),
        ("cancel", "ill"),
        ("cancelled", f"ill.{version + 1}"),
    ]:
        await ana.press_data(press(session, act, argument))
        await ana.says("Something else")
    assert diary(play) == before
    assert "The record cannot be changed any more." in play.screens.toasts
    assert new_of(mira) == ""


async def test_words_for_a_record_that_was_submitted_meanwhile_change_nothing(play: Play) -> None:
    """Ana is asked for the notes on one phone and submits on the other."""
    ana, _, _ = cast(play)
    session = await held(play)
    await ana.press_data(press(session, "complete"))
    await ana.press_data(press(session, "record", "notes"))
    submitted = update(t.scheduled_sessions).where(t.scheduled_sessions.c.id == session)
    with play.core.engine.begin() as connection:
        connection.execute(submitted.values(record_status="submitted", version=9))
    before = diary(play)
    await play.script("Ana: too late\ncoach: Nothing was changed.")
    assert diary(play) == before


async def test_what_does_not_fit_a_record_is_said_and_can_be_written_again_or_left(play: Play) -> None:
    """The limits are said; /cancel leaves it with a word."""
    ana, _, _ = cast(play)
    session = await held(play)
    await ana.press_data(press(session, "complete"))
    await play.script("Ana: [Topic]")
    await ana.says("x" * 201)
    assert "That has 201 characters; there is room for 1 to 200." in new_of(ana)
    await play.script(f"Ana: {'x' * 200}\ncard: {'x' * 200}\nAna: [Notes]")
    await ana.says("y" * 4001)
    assert "there is room for 1 to 4000" in new_of(ana)
    await play.script("Ana: /cancel\ncoach: Left. The record is as it was.\nAna: [Back to the session]")
    await play.script("Ana: [Notes]\nAna: /back\ncoach: Left. The record is as it was.")
    assert row_of(play, session).coach_notes in (None, "")
    assert row_of(play, session).record_topic == "x" * 200


async def test_a_record_as_long_as_it_may_be_is_read_whole(play: Play) -> None:
    """It does not fit a card, so it comes in messages of its own: in Ana's chat and in Mira's."""
    ana, mira, _ = cast(play)
    session = await held(play)
    notes = " ".join(f"word{n:05}" for n in range(399))
    await ana.press_data(press(session, "complete"))
    await play.script("Ana: [Notes]")
    await ana.says(notes)
    await play.script("Ana: [Submit]\nAna: [Yes, submit it]")
    assert row_of(play, session).coach_notes == notes
    look_away(play)
    await mira.presses("Session 1")
    assert all(word in new_of(mira) for word in notes.split())


# ---- sequence


async def test_a_session_waits_for_the_one_before_it_and_both_are_resolved_in_place(play: Play) -> None:
    """The refusal names session 3 and has the buttons that resolve it; from there it is one tap back to session 4."""
    ana, mira, _ = cast(play)
    three = await booked(play, ana, mira, soon(play, hours=1), 3)
    four = await booked(play, ana, mira, soon(play, hours=2), 4)
    await play.pass_time(4 * HOUR)
    await ana.press_data(press(four, "card"))
    before = diary(play)
    await play.script(
        """
        Ana: [Complete 🔒]
        card: Session 4 cannot be completed yet.
        toast: Another session has to be resolved first.
        buttons: Complete | Missed | Reschedule | Cancel it | Back to session 4
        """
    )
    assert diary(play) == before
    await play.script(
        """
        Ana: [Back to session 4]
        card: Session 4 of 4
        Ana: [Complete 🔒]
        Ana: [Complete]
        card: Record of session 3
        Ana: [Resolve session 4]
        card: Session 4 of 4
        Ana: [Complete]
        card: Record of session 4
        """
    )
    assert [row_of(play, one).status for one in (three, four)] == ["completed", "completed"]


async def test_a_forged_press_completes_nothing_out_of_order(play: Play) -> None:
    """Whatever the button shows: it is decided on the rows."""
    ana, mira, _ = cast(play)
    three = await booked(play, ana, mira, soon(play, hours=1), 3)
    four = await booked(play, ana, mira, soon(play, hours=2), 4)
    before = diary(play)
    await ana.press_data(press(three, "complete"))
    assert play.screens.toasts[-1] == "Its time has not come yet."
    await ana.press_data(press(three, "absent", "coach.tell"))
    assert diary(play) == before
    await play.pass_time(4 * HOUR)
    for how in ("missed", "cancelled", "rescheduled"):
        await ana.press_data(press(four, "complete"))
        assert row_of(play, four).status == "pending"
        assert how not in row_of(play, three).status
    await ana.press_data(press(three, "absent", "both.quiet"))
    await ana.press_data(press(four, "complete"))
    assert row_of(play, four).status == "completed"


async def test_a_session_that_another_rests_on_is_taken_back_after_it(play: Play) -> None:
    """The order holds backwards, too."""
    ana, mira, _ = cast(play)
    one = await booked(play, ana, mira, soon(play, hours=1), 1)
    two = await booked(play, ana, mira, soon(play, hours=2), 2)
    await play.pass_time(4 * HOUR)
    for session in (one, two):
        await ana.press_data(press(session, "complete"))
    before = diary(play)
    await ana.press_data(press(one, "reopen", str(row_of(play, one).version)))
    assert "Take back session 2 first." in ana.screen[-1].text
    assert diary(play) == before
    await play.script("Ana: [Session 2]\nAna: [Take it back]\ncard: Take back that session 2 was held?\nAna: [Yes]")
    assert (row_of(play, two).status, row_of(play, two).record_status) == ("pending", "draft")
    await ana.press_data(press(one, "card"))
    await play.script("Ana: [Take it back]\nAna: [Not now]\nAna: [Take it back]\nAna: [Yes]")
    assert row_of(play, one).status == "pending"
    assert happened(play, one) == ["booked", "session_completed", "reopened"]


# ---- missed


async def test_a_session_is_missed_and_the_parent_told_where_the_coach_wants_it(play: Play) -> None:
    """Paula may see when sessions take place: it is asked whether she is to be told, and she is, in her zone."""
    ana, mira, paula = cast(play)
    allows(play, mira, "attendance")
    session = await held(play)
    await ana.press_data(press(session, "card"))
    await play.script(
        """
        Ana: [Missed]
        card: Who was not there?
        buttons: The coachee | The coach | Both | Not now
        Ana: [The coachee]
        card: Shall Paula be told that it was missed?
        """
    )
    assert row_of(play, session).status == "pending"
    await play.script("Ana: [Tell them]\ncard: Absent: the coachee")
    assert (row_of(play, session).status, row_of(play, session).absent) == ("missed", "coachee")
    assert new_of(mira).count("is put down as missed") == 1
    assert new_of(paula) == (
        "Session 1 of Mira with Ana on Monday 23 November, 17:35 (Berlin) did not take place. Absent: the coachee."
        " If you want to know more, ask the coach."
    )
    look_away(play)
    await ana.press_data(press(session, "card"))
    await play.script("Ana: [Take it back]\ncard: was missed?\nAna: [Yes]\ncard: to be resolved")
    assert new_of(mira).count("It is open again") == 1
    assert new_of(paula).count("It is open again") == 1
    assert happened(play, session) == ["booked", "session_missed", "reopened"]


@pytest.mark.parametrize("shares", [(), ("attendance",)])
async def test_a_parent_who_may_not_know_or_is_not_to_be_told_hears_nothing(
    play: Play, shares: tuple[str, ...]
) -> None:
    """Not when it is missed, and not when that is taken back; where they may not know it, nothing is asked."""
    ana, mira, paula = cast(play)
    allows(play, mira, *shares)
    session = await held(play)
    await ana.press_data(press(session, "missed"))
    await play.script("Ana: [Both]")
    if shares:
        await play.script("Ana: [Do not tell them]")
    assert row_of(play, session).absent == "both"
    version = row_of(play, session).version
    await ana.press_data(press(session, "reopen", str(version)))
    assert row_of(play, session).status == "pending"
    assert new_of(paula) == ""
    assert new_of(mira).count("Session 1") == 2


# ---- what a parent hears of a session that was held


@pytest.mark.parametrize("shares", [(), ("attendance",), ("attendance", "summary"), ("summary",)])
async def test_a_parent_hears_what_the_coachee_allows_once(play: Play, shares: tuple[str, ...]) -> None:
    """That it took place; what the record says only where the coachee shares summaries, too."""
    ana, mira, paula = cast(play)
    allows(play, mira, *shares)
    session = await held(play)
    await ana.press_data(press(session, "complete"))
    await play.script("Ana: [Topic]\nAna: Reading aloud")
    assert new_of(paula) == ""
    await play.script("Ana: [Submit]\nAna: [Yes, submit it]")
    version = row_of(play, session).version
    for argument in ("", str(version), str(version - 1)):
        await ana.press_data(press(session, "submit", argument))
    said = new_of(paula)
    assert said.count("took place") == ("attendance" in shares)
    assert said.count("Reading aloud") == ({"attendance", "summary"} <= set(shares))
    look_away(play)
    await paula.press_data(press(session, "card"))
    assert ("Reading aloud" in new_of(paula)) == ({"attendance", "summary"} <= set(shares))


# ---- cancelling


async def test_a_session_is_cancelled_for_a_reason_that_everybody_reads_once(play: Play) -> None:
    """A common reason is a button, and is asked about; nobody is reminded of the session any more."""
    ana, mira, paula = cast(play)
    allows(play, mira, "attendance")
    session = await booked(play, ana, mira, soon(play, days=3))
    await ana.press_data(press(session, "card"))
    await play.script(
        """
        Ana: [Cancel it]
        card: Everybody it concerns reads the reason
        buttons: Illness | Travel | Another appointment | Another reason | Not now
        Ana: [Illness]
        card: Reason: illness.
        Ana: [Keep it]
        card: Booked
        """
    )
    assert row_of(play, session).status == "scheduled"
    await play.script("Ana: [Cancel it]\nAna: [Illness]\nAna: [Yes, cancel it]\ncard: Reason: illness")
    assert (row_of(play, session).status, row_of(play, session).cancellation_reason) == ("cancelled", "ill")
    for person in (mira, paula):
        assert new_of(person).count("is cancelled. Reason: illness") == 1
    look_away(play)
    before = diary(play)
    for act, argument in (("cancelled", "ill.1"), ("cancelled", "ill.2"), ("cancel", "travel"), ("complete", "")):
        await ana.press_data(press(session, act, argument))
        assert play.screens.toasts[-1] == "Nothing was changed. The card shows how it stands now."
    await play.pass_time(timedelta(days=5))
    assert diary(play) == before
    assert new_of(mira) + new_of(paula) == ""


async def test_a_reason_in_words_is_read_back_before_anything_is_cancelled(play: Play) -> None:
    """It has a limit, can be left, and counts on the card that asked last only."""
    ana, mira, _ = cast(play)
    session = await booked(play, ana, mira, soon(play, days=3))
    await ana.press_data(press(session, "cancel", "other"))
    await ana.says("x" * 301)
    assert "between 1 and 300" in new_of(ana)
    await play.script("Ana: /cancel\ncoach: Left. Nothing was cancelled.\nAna: [Back to the session]")
    await play.script("Ana: [Cancel it]\nAna: [Another reason]\nAna: The room is flooded\ncard: The room is flooded")
    asked = ana.newest_with_buttons().buttons["Yes, cancel it"]
    assert row_of(play, session).status == "scheduled"
    _, card, *rest = asked.split(":")
    await ana.press_data(":".join(("b", str(int(card) - 1), *rest)))
    assert "Everybody it concerns reads the reason" in texts(ana)
    assert row_of(play, session).status == "scheduled"
    await ana.press_data(asked)
    assert row_of(play, session).cancellation_reason == "The room is flooded"
    assert new_of(mira).count("Reason: The room is flooded") == 1
    await ana.press_data(asked)
    assert new_of(mira).count("is cancelled") == 1


async def test_a_yes_to_a_session_that_changed_meanwhile_asks_again(play: Play) -> None:
    """What was asked about is not what there is now; and what was moved is shown where it is."""
    ana, mira, _ = cast(play)
    session = await booked(play, ana, mira, soon(play, days=3))
    changed = update(t.scheduled_sessions).where(t.scheduled_sessions.c.id == session)
    await ana.press_data(press(session, "cancel", "ill"))
    with play.core.engine.begin() as connection:
        connection.execute(changed.values(version=4))
    await play.script("Ana: [Yes, cancel it]\ntoast: It changed meanwhile.")
    assert row_of(play, session).status == "scheduled"
    await play.script("Ana: [Yes, cancel it]\ncard: Cancelled")
    with play.core.engine.begin() as connection:
        connection.execute(changed.values(status="rescheduled", version=5))
    other = await booked(play, ana, mira, soon(play, days=4))
    with play.core.engine.begin() as connection:
        c = t.scheduled_sessions.c
        connection.execute(update(t.scheduled_sessions).where(c.id == other).values(replaces_id=session))
    await ana.press_data(press(session, "cancelled", "ill.4"))
    assert "Moved to another time" in ana.screen[-1].text
    await play.script("Ana: [Now on Fri 27 Nov, 17:05 (Berlin)]\ncard: Booked")


async def test_operators_cancel_and_coachees_ask_their_coach(play: Play) -> None:
    """By the deployment's policy; a refusal is in the audit log."""
    ana, mira, paula = cast(play)
    allows(play, mira, "attendance")
    session = await booked(play, ana, mira, soon(play, days=3))
    for person in (mira, paula):
        for act, argument in (("cancel", ""), ("cancelled", "ill.1")):
            await person.press_data(press(session, act, argument))
    assert [row.reason for row in refusals(play)] == ["policy"] * 4
    assert row_of(play, session).status == "scheduled"
    await play.coachee("Olga").press_data(press(session, "cancel", "clash"))
    await play.script("Olga: [Yes, cancel it]")
    assert row_of(play, session).status == "cancelled"
    assert texts(ana).count("is cancelled. Reason: another appointment") == 1


async def test_nobody_else_resolves_a_session(play: Play) -> None:
    """Not its coachee, a parent, an operator, another coach, nor somebody who was one."""
    _, mira, paula = cast(play)
    allows(play, mira, "attendance", "summary")
    session = await held(play)
    ben = await coach(play, "Ben")
    olga = play.coachee("Olga")
    before = diary(play)
    acts = ("complete", "record", "submit", "missed", "absent", "reopen", "mine", "brief")
    for person in (mira, paula, ben, olga):
        for act in acts:
            await person.press_data(press(session, act))
    assert diary(play) == before
    assert len([row for row in refusals(play) if row.action == "resolve_session"]) == 4 * len(acts)
    await ben.press_data(press(session, "history"))
    assert refusals(play)[-1].action == "sessions"


# ---- history and brief


async def test_the_history_tells_everything_in_order_in_the_readers_zone(play: Play) -> None:
    """Long ones come in pages, the last first; words of the record are not in it."""
    ana, mira, _ = cast(play)
    session = await held(play)
    for _ in range(6):
        await ana.press_data(press(session, "absent", "coachee"))
        await play.pass_time(timedelta(minutes=1))
        await ana.press_data(press(session, "reopen", str(row_of(play, session).version)))
        await play.pass_time(timedelta(minutes=1))
    await ana.press_data(press(session, "complete"))
    await play.pass_time(timedelta(minutes=1))
    await play.script("Ana: [Notes]\nAna: a word for Mira\nAna: [Submit]\nAna: [Yes, submit it]")
    set_zone = update(t.users).where(t.users.c.id == id_of(play, mira)).values(timezone="Asia/Kathmandu")
    with play.core.engine.begin() as connection:
        connection.execute(set_zone)
    await mira.press_data(press(session, "history"))
    last = mira.screen[-1].text
    assert last.splitlines()[-2:] == [
        "• Tuesday 24 November, 00:02: completed (coach)",
        "• Tuesday 24 November, 00:03: record submitted (coach)",
    ]
    before = next(label for label, data in mira.screen[-1].buttons.items() if data.endswith("history:0"))
    await mira.presses(before)
    first = mira.screen[-1].text
    assert "booked for Mon 23 Nov, 22:20 (Kathmandu) (coach)" in first
    assert first.count("missed. Absent: the coachee (coach)") == 5
    assert first.count("taken back, to be resolved again (coach)") == 4
    assert "a word for Mira" not in first + last


async def test_a_brief_has_what_the_coach_may_see(play: Play) -> None:
    """The last record, open items where the coachee shares them, own notes; that it was read is in the audit log."""
    ana, mira, _ = cast(play)
    first = await held(play)
    await ana.press_data(press(first, "complete"))
    await play.script("Ana: [Topic]\nAna: Reading aloud")
    await ana.press_data(button(play, mira, "note"))
    await ana.says("quiet when others look")
    second = await booked(play, ana, mira, soon(play, days=2), 2)
    look_away(play)
    await ana.press_data(press(second, "brief"))
    said = new_of(ana)
    for words in (
        "Before session 2 with Mira",
        "Session 1",
        "Reading aloud",
        "No open items.",
        "quiet when others look",
    ):
        assert words in said
    a = t.audit_log.c
    [row] = play.rows(select(a.actor_id, a.subject_id).where(a.reason == "brief"))
    assert tuple(row) == (id_of(play, ana), id_of(play, mira))
    nothing = update(t.users).where(t.users.c.id == id_of(play, mira)).values(sharing={"coach": []})
    with play.core.engine.begin() as connection:
        connection.execute(nothing)
    look_away(play)
    await ana.press_data(press(second, "brief"))
    assert "No open items." not in new_of(ana)
    assert "quiet when others look" in new_of(ana)


# ---- coaches who come and go


async def test_a_session_without_coach_is_taken_by_one_who_is_free(play: Play) -> None:
    """Who is in another session then is told so, and nothing is changed; Mira hears who coaches it."""
    ana, mira, _ = cast(play)
    tom = await coachee(play, "Tom", ana)
    at = soon(play, days=2)
    session = await booked(play, None, mira, at, 1)
    other = await booked(play, ana, tom, at + timedelta(minutes=30), 1, resource=2) if _second(play) else None
    await ana.press_data(press(session, "card"))
    before = diary(play)
    await play.script("Ana: [I coach this one]\ncard: You are in another session at that time")
    assert diary(play) == before
    assert other is not None
    await ana.press_data(press(other, "cancel", "travel"))
    await play.script("Ana: [Yes, cancel it]")
    await ana.press_data(press(session, "mine"))
    assert row_of(play, session).coach_id == id_of(play, ana)
    assert texts(mira).count("Ana coaches session 1 on") == 1
    before = diary(play)
    await ana.press_data(press(session, "mine"))
    assert diary(play) == before


async def test_completing_a_session_without_coach_makes_one_its_coach(play: Play) -> None:
    """Unless they were elsewhere."""
    ana, mira, _ = cast(play)
    tom = await coachee(play, "Tom", ana)
    at = soon(play, hours=1)
    session = await booked(play, None, mira, at)
    assert _second(play)
    other = await booked(play, ana, tom, at, 1, resource=2)
    await play.pass_time(2 * HOUR)
    await ana.press_data(press(session, "complete"))
    assert "You are in another session at that time" in ana.screen[-1].text
    assert row_of(play, session).status == "pending"
    await ana.press_data(press(other, "cancelled", f"ill.{row_of(play, other).version}"))
    await ana.press_data(press(session, "complete"))
    assert (row_of(play, session).status, row_of(play, session).coach_id) == ("completed", id_of(play, ana))


def _second(play: Play) -> bool:
    """There is a second machine."""
    values = {
        "id": UUID(int=2),
        "number": 2,
        "kind": "machine",
        "name": "",
        "created_at": play.clock.now(),
    }
    with play.core.engine.begin() as connection:
        connection.execute(t.resources.insert().values(**values))
    return True


async def test_sessions_of_a_coach_who_stops_have_none_until_the_next_one_takes_them(play: Play) -> None:
    """The operators are told where nobody is left; the new coach what there is to take."""
    ana, mira, _ = cast(play)
    session = await booked(play, ana, mira, soon(play, days=3))
    await means(ana, button(play, mira, "end", ana))
    row = row_of(play, session)
    assert (row.coach_id, row.status, row.version) == (None, "scheduled", 2)
    assert texts(play.coachee("Olga")).count("One booked session of Mira has no coach any more") == 1
    before = diary(play)
    await ana.press_data(press(session, "mine"))
    assert refusals(play)[-1].action == "resolve_session"
    assert diary(play) == before
    ben = await coach(play, "Ben")
    await play.coachee("Olga").press_data(button(play, mira, "assign", ben))
    assert texts(ben).count("One booked session of Mira has no coach yet.") == 1
    await play.script("Ben: /agenda\ncard: session 1 · Mira")
    await ben.press_data(press(session, "mine"))
    assert row_of(play, session).coach_id == id_of(play, ben)
    look_away(play)
    await play.pass_time(timedelta(days=3))
    assert "Session 1" not in new_of(ana)
    assert new_of(ben).count("Session 1 of Mira is on") == 1
    assert happened(play, session)[:3] == ["booked", "released", "coach_assigned"]


@pytest.mark.parametrize("how", ["off", "revoke", "assign"])
async def test_sessions_are_free_however_a_coach_stops(play: Play, how: str) -> None:
    """Deactivated, no coach any more, or another one in their place."""
    ana, mira, _ = cast(play)
    olga = play.coachee("Olga")
    session = await booked(play, ana, mira, soon(play, days=3))
    ben = await coach(play, "Ben")
    if how == "assign":
        await olga.press_data(button(play, mira, "assign", ben))
        assert texts(ben).count("One booked session of Mira has no coach yet.") == 1
        assert "has no coach now" not in texts(olga)
    else:
        await means(olga, button(play, ana, how, "coach" if how == "revoke" else ""))
        assert texts(olga).count("One booked session has no coach now.") == 1
    assert row_of(play, session).coach_id is None
    assert happened(play, session) == ["booked", "released"]


async def test_sessions_of_a_coachee_who_takes_no_part_stay_and_the_coach_reads_it(play: Play) -> None:
    """It is the coach's to decide on them; Mira is not told that it is time."""
    ana, mira, _ = cast(play)
    session = await booked(play, ana, mira, soon(play, days=2))
    await means(play.coachee("Olga"), button(play, mira, "off"))
    look_away(play)
    await play.pass_time(timedelta(days=2, minutes=1))
    assert row_of(play, session).status == "pending"
    assert new_of(mira) == ""
    assert new_of(ana).count("Mira takes no part here at the moment.") == 2


# ---- forgotten


async def forgotten(play: Play, person: Coachee) -> None:
    """They ask for it, and the days pass."""
    await person.says("/delete")
    await person.presses("Yes, forget me")
    look_away(play)
    await play.pass_time(timedelta(days=7, minutes=1))


async def test_a_coachee_who_is_forgotten_leaves_times_behind_and_no_name(play: Play) -> None:
    """Coach and parent are told once which times do not take place any more."""
    ana, mira, paula = cast(play)
    allows(play, mira, "attendance")
    await booked(play, ana, mira, soon(play, days=9), 1)
    await booked(play, ana, mira, soon(play, days=10), 2)
    await forgotten(play, mira)
    for person in (ana, paula):
        said = [shown.text for shown in person.unseen if "do not take place" in shown.text]
        assert len(said) == 1
        assert said[0].count("17:05 (Berlin)") == 2
        assert "Mira" not in said[0]
    assert diary(play) == []
    await play.pass_time(timedelta(days=7))
    assert "Session" not in new_of(ana).replace("These sessions", "")


async def test_a_coach_who_is_forgotten_leaves_sessions_without_one(play: Play) -> None:
    """The coachee is told once, the operators that there are some."""
    ana, mira, _ = cast(play)
    session = await booked(play, ana, mira, soon(play, days=9))
    await forgotten(play, ana)
    said = [shown.text for shown in mira.unseen if "have no coach any more" in shown.text]
    assert len(said) == 1
    assert "Ana" not in said[0]
    assert new_of(play.coachee("Olga")).count("One booked session has no coach now.") == 1
    assert (row_of(play, session).coach_id, row_of(play, session).status) == (None, "scheduled")


# ---- its time


async def test_its_time_is_told_once_to_who_takes_part_and_the_morning_after_to_the_coach(play: Play) -> None:
    """The coach has one gentle word if nobody said what became of it."""
    ana, mira, paula = cast(play)
    allows(play, mira, "attendance")
    await booked(play, ana, mira, soon(play, days=2))
    look_away(play)
    await play.pass_time(timedelta(days=2, hours=6))
    assert (new_of(mira) + new_of(ana)).count("It is time for session 1") == 2
    assert "It is time" not in new_of(paula)
    look_away(play)
    await play.script("-- until 2026-11-26 09:00")
    assert new_of(ana).count("Nobody has said yet what became of session 1 of Mira") == 1
    look_away(play)
    await play.pass_time(timedelta(days=5))
    assert new_of(ana) + new_of(mira) == ""


@pytest.mark.parametrize("how", ["complete", "absent", "cancelled"])
async def test_the_morning_after_says_nothing_of_what_is_resolved(play: Play, how: str) -> None:
    """Whatever became of it."""
    ana, _, _ = cast(play)
    session = await held(play)
    argument = {"absent": "coach", "cancelled": f"ill.{row_of(play, session).version}"}.get(how, "")
    await ana.press_data(press(session, how, argument))
    assert row_of(play, session).status in ("completed", "missed", "cancelled")
    look_away(play)
    await play.pass_time(timedelta(days=2))
    assert new_of(ana) == ""


async def test_after_an_outage_nobody_is_told_that_it_is_time_of_what_is_past(play: Play) -> None:
    """The session is pending, and its coach is told once that it is to be resolved."""
    ana, mira, _ = cast(play)
    session = await booked(play, ana, mira, soon(play, hours=2))
    look_away(play)
    play.clock.move(play.clock.now() + 7 * HOUR)  # nothing ran meanwhile
    await play.pass_time(timedelta(minutes=1))
    assert row_of(play, session).status == "pending"
    assert new_of(mira) == ""
    assert new_of(ana).count("is over. Say what became of it.") == 1
    assert "It is time" not in new_of(ana)
    assert "is on" not in new_of(ana)


# ---- whose sessions somebody sees


@pytest.mark.parametrize("shares", [(), ("attendance",)])
async def test_a_parent_sees_the_sessions_of_a_child_who_shares_the_attendance_alone(
    play: Play, shares: tuple[str, ...]
) -> None:
    """In the list and on the menu card: both or neither."""
    ana, mira, paula = cast(play)
    await booked(play, ana, mira, soon(play))
    allows(play, mira, *shares)
    look_away(play)
    await paula.says("/agenda")
    assert ("No session is booked" in new_of(paula)) == (not shares)
    await paula.says("/start")
    assert ("Next: session 1 with Mira" in new_of(paula)) == bool(shares)


async def test_the_menu_of_a_parent_who_is_a_coach_too_tells_the_next_session_of_each_role(play: Play) -> None:
    """As a parent, their child's; the earlier one of somebody they coach is in the coach's view."""
    ana, mira, paula = cast(play)
    allows(play, mira, "attendance")
    role = {"user_id": id_of(play, paula), "role": "coach", "created_at": play.clock.now()}
    with play.core.engine.begin() as connection:
        connection.execute(insert(t.user_roles).values(role))
    kim = await coachee(play, "Kim", paula)
    await booked(play, paula, kim, soon(play, days=1))
    await booked(play, ana, mira, soon(play, days=2))
    for view, told in (("parent", "Mira"), ("coach", "Kim")):
        await paula.says("/start")
        await paula.press_data(f"m:0:as_{view}")
        assert f"Next: session 1 with {told}" in paula.screen[-1].text


async def test_the_history_keeps_the_order_of_what_happened_at_one_instant(play: Play) -> None:
    """Not the order of ids, which is none."""
    ana, _, _ = cast(play)
    one = await held(play)
    for _ in range(3):
        await ana.press_data(press(one, "complete"))
        await ana.press_data(press(one, "reopen", str(row_of(play, one).version)))
    with play.core.engine.begin() as connection:
        connection.execute(update(t.learning_events).values(event_date=play.clock.now()))
    await ana.press_data(press(one, "history"))
    lines = [line for line in ana.screen[-1].text.splitlines() if "ompleted" in line or "taken back" in line]
    assert ["ompleted" in line for line in lines] == [True, False] * 3


async def test_a_brief_has_no_question_of_another_coach(play: Play) -> None:
    """What a coach asks is between them and the coachee."""
    ana, mira, paula = cast(play)
    one = await held(play)
    question = {
        "session_id": one,
        "coachee_id": id_of(play, mira),
        "status": "waiting",
        "created_at": play.clock.now(),
    }
    asked = [
        {**question, "id": uuid4(), "coach_id": id_of(play, who), "text": words}
        for who, words in ((ana, "What helped?"), (paula, "Who else knows?"))
    ]
    with play.core.engine.begin() as connection:
        connection.execute(insert(t.coach_questions), asked)
    await ana.press_data(press(one, "brief"))
    assert "What helped?" in ana.screen[-1].text
    assert "Who else knows?" not in ana.screen[-1].text
