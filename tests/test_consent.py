"""A parent decides on a cancellation: each path as the coach, the coachee, the parents and the operator see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from storage import tables as t
from tests.booking import booked, diary, happened, press, row_of, soon
from tests.families import HOUR, asked, consent_of, family, message, of_age, opens_hours, pressing, stands
from tests.playbook import Play
from tests.test_session_life import look_away, new_of, texts
from tests.village import button, coach, coachee, id_of, means, parent, refusals


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """Ana coaches Mira, 15, whose parents are Paula and Rita; Olga operates."""
    async with Play(database) as made:
        await family(made)
        yield made


# ---- asking


async def test_the_coach_asks_and_everybody_reads_who_why_when_and_what_silence_means(play: Play) -> None:
    """Nothing is cancelled; the parents have four buttons, the coach a way back, the coachee knows."""
    ana, mira = play.coachee("Ana"), play.coachee("Mira")
    session = await booked(play, ana, mira, soon(play, days=7))
    look_away(play)
    await ana.press_data(press(session, "card"))
    await play.script(
        """
        Ana: [Cancel it]
        Ana: [Illness]
        card: A parent decides on this.
        card: Time to decide: until Wednesday 25 November, 17:05 (Berlin).
        card: With no answer by then the session is cancelled; everybody it concerns is told.
        card: It stays booked until there is an answer. Ask?
        buttons: Yes, ask | Keep it
        Ana: [Yes, ask]
        coach: whether it is cancelled waits for an answer
        card: Asked: Rita and Paula.
        buttons: Take it back | Session 1
        """
    )
    row, consent = row_of(play, session), consent_of(play, session)
    assert stands(play, session) == ("scheduled", "pending", "open")
    assert (row.cancellation_requested_at, row.cancellation_reason) == (play.clock.now(), "ill")
    assert row.cancellation_expires_at == consent.expires_at == play.clock.now() + 48 * HOUR
    for name in ("Paula", "Rita"):
        [shown] = play.coachee(name).unseen
        assert shown.text.startswith("Ana asks to cancel a session of Mira.")
        assert "Session 1, Monday 30 November, 17:05 (Berlin), until 17:50, machine 1." in shown.text
        assert "Reason: illness" in shown.text
        assert "until Wednesday 25 November, 17:05 (Berlin)" in shown.text
        assert list(shown.buttons) == ["Approve", "Keep the session", "Another time", "Call me"]
    assert "Ana asks to cancel session 1 on Monday 30 November" in new_of(mira)
    assert happened(play, session) == ["booked", "cancel_asked"]


async def test_each_parent_reads_it_in_their_language_and_on_their_clock(play: Play) -> None:
    await play.script("Rita: /timezone Kolkata\nRita: /language Español")
    await asked(play)
    shown = message(play.coachee("Rita"), "pide cancelar")
    assert "30 de noviembre" in shown.text
    assert "21:35 (Kolkata)" in shown.text
    assert list(shown.buttons) == ["Aprobar", "Mantener la sesión", "Otra hora", "Llámame"]
    assert "17:05 (Berlin)" in message(play.coachee("Paula")).text


async def test_what_is_asked_already_is_not_asked_twice(play: Play) -> None:
    """Neither by the coach, nor with an old card."""
    session = await asked(play)
    ana = play.coachee("Ana")
    look_away(play)
    before = diary(play)
    for data in (press(session, "cancel"), press(session, "cancelled", f"ill.{row_of(play, session).version}")):
        await ana.press_data(data)
        assert play.screens.toasts[-1] == "Whether it is cancelled is being asked already."
    await ana.press_data(press(session, "card"))
    assert "Cancel it" not in ana.screen[-1].buttons
    assert {"How it stands", "Reschedule"} < set(ana.screen[-1].buttons)
    assert diary(play) == before
    assert new_of(play.coachee("Paula")) == ""


# ---- the four answers


async def test_one_tap_approves_and_all_that_it_means_happens(play: Play) -> None:
    """Slot and machine are free, timers gone, everybody told once; both parents' buttons are the outcome."""
    session = await asked(play)
    look_away(play)
    await play.script(
        """
        Paula: [Approve]
        toast: Cancelled. Everybody it concerns is told.
        coach said nothing
        card: Approved by you, Monday 23 November, 17:05 (Berlin). Room and time are free again.
        buttons: Session 1
        """
    )
    assert stands(play, session) == ("cancelled", "approved", "approved")
    consent = consent_of(play, session)
    assert (consent.decided_as, consent.decided_by) == ("parent", id_of(play, play.coachee("Paula")))
    for name, words in (
        ("Rita", "Session 1 of Mira"),
        ("Ana", "Session 1 of Mira"),
        ("Mira", "Session 1 with Ana"),
    ):
        [news] = play.coachee(name).unseen
        assert news.text.startswith(f"{words} on Monday 30 November, 17:05 (Berlin) is cancelled. Reason: illness")
        assert "Approved by Paula, Monday 23 November, 17:05 (Berlin)." in news.text
    for name in ("Rita", "Ana"):
        closed = message(play.coachee(name), "Session 1 of Mira, Monday 30 November")
        assert "Approved by Paula" in closed.text
        assert list(closed.buttons) == ["Session 1"]
    assert happened(play, session) == ["booked", "cancel_asked", "session_cancelled"]
    ana, mira = play.coachee("Ana"), play.coachee("Mira")
    await booked(play, ana, mira, soon(play, days=7), 2)
    pending = play.rows(select(t.timers.c.kind).where(t.timers.c.state == "pending"))
    assert not [row.kind for row in pending if row.kind.startswith("consent")]


async def test_a_parent_keeps_the_session_and_adds_a_word_for_the_coach(play: Play) -> None:
    """The coach and who asked read it; the coachee and the other parent do not."""
    session = await asked(play)
    look_away(play)
    await play.script(
        """
        Paula: [Keep the session]
        coach: The session stays. If you want to add a word for Ana
        buttons: Nothing to add
        Paula: She has waited for weeks for this.
        coach: It is passed on.
        """
    )
    assert stands(play, session) == ("scheduled", "rejected", "kept")
    assert "Session 1 of Mira on Monday 30 November, 17:05 (Berlin) stays. Decided by: Paula." in new_of(
        play.coachee("Ana")
    )
    assert "She has waited for weeks for this." in new_of(play.coachee("Ana"))
    assert "stays. Decided by: Paula." in new_of(play.coachee("Mira"))
    assert "waited" not in texts(play.coachee("Mira")) + texts(play.coachee("Rita"))
    assert "Kept by Paula" in message(play.coachee("Rita"), "Session 1 of Mira, Monday").text
    for name, reads in (("Ana", True), ("Mira", False), ("Rita", False)):
        await play.coachee(name).press_data(press(session, "card"))
        shown = play.coachee(name).screen[-1].text
        assert "Kept by Paula" in shown
        assert ("She has waited" in shown) is reads
    assert happened(play, session) == ["booked", "cancel_asked", "cancel_kept"]
    await play.coachee("Ana").press_data(press(session, "cancel", "travel"))
    await play.coachee("Ana").presses("Yes, ask")
    assert stands(play, session) == ("scheduled", "pending", "open"), "it may be asked for again"


@pytest.mark.parametrize("leaving", ["[Nothing to add]", "/cancel"])
async def test_a_word_need_not_be_added(play: Play, leaving: str) -> None:
    await asked(play)
    await play.script(f"Paula: [Keep the session]\nPaula: {leaving}\ncoach: Nothing is added.")
    look_away(play)
    await play.script("Paula: hello there")
    assert new_of(play.coachee("Ana")) == ""


@pytest.mark.parametrize("words", ["x" * 501, "…", "  \u200b "])
async def test_a_word_that_is_none_or_too_long_is_asked_for_again(play: Play, words: str) -> None:
    session = await asked(play)
    await play.script("Paula: [Keep the session]")
    look_away(play)
    await play.coachee("Paula").says(words)
    assert "between 1 and 500 characters" in new_of(play.coachee("Paula"))
    assert new_of(play.coachee("Ana")) == ""
    assert consent_of(play, session).words is None


async def test_a_parent_chooses_another_time_and_that_decides(play: Play) -> None:
    """Real free times of the coach; the session moves, the request is over, everybody reads both."""
    opens_hours(play)
    session = await asked(play)
    look_away(play)
    await play.script(
        """
        Paula: [Another time]
        coach: Another time for session 1, now on
        Paula: [25]
        Paula: [10:00]
        card: Wednesday 25 November 2026, 10:00 (Berlin)
        Paula: [Move it there]
        card: Session 1 was moved
        """
    )
    assert stands(play, session) == ("rescheduled", "none", "moved")
    consent = consent_of(play, session)
    assert (consent.decided_as, consent.decided_by) == ("parent", id_of(play, play.coachee("Paula")))
    for name in ("Ana", "Mira", "Rita"):
        news = new_of(play.coachee(name))
        assert news.count("was moved from") == 1
        assert "With that, nobody is asked any more whether it is cancelled." in news
    assert "Moved to another time by you" in message(play.coachee("Paula"), "Session 1 of Mira, Monday").text
    assert "Moved to another time by Paula" in message(play.coachee("Rita"), "Session 1 of Mira, Monday").text
    [new] = play.rows(select(t.scheduled_sessions).where(t.scheduled_sessions.c.replaces_id == session))
    assert (new.status, new.cancellation_status) == ("scheduled", "none")
    assert happened(play, new.id) == ["session_rescheduled"]
    await play.coachee("Ana").press_data(press(session, "card"))
    card = play.coachee("Ana").screen[-1].text
    assert "Moved to another time by Paula" in card, "the card of what was moved says who chose that"


async def test_the_card_says_that_it_was_taken_back_while_the_session_stays(play: Play) -> None:
    session = await asked(play)
    ana = play.coachee("Ana")
    await ana.presses("Take it back")
    await ana.press_data(press(session, "card"))
    assert "Taken back by you" in ana.screen[-1].text
    of_age(play, play.coachee("Mira"), 1990)
    await ana.press_data(press(session, "cancelled", f"ill.{row_of(play, session).version}"))
    await ana.press_data(press(session, "card"))
    assert "It stays booked" not in ana.screen[-1].text, "it does not any more"


# ---- a call


async def test_a_parent_is_called_the_time_stands_still_and_the_report_decides_nothing(play: Play) -> None:
    """The number goes to the coach alone; the parent reads the report, and decides."""
    session = await asked(play)
    await play.pass_time(8 * HOUR)
    look_away(play)
    await play.script(
        """
        Paula: [Call me]
        toast: The call is asked for.
        coach: on which number?
        Paula: 030 123456
        coach: Your number goes to who calls you: +49 30 123456
        """
    )
    consent = consent_of(play, session)
    assert consent.call_until == play.clock.now() + 24 * HOUR
    assert consent.expires_at == play.clock.now() + 64 * HOUR
    assert row_of(play, session).cancellation_expires_at == consent.expires_at
    ana = play.coachee("Ana")
    assert "Paula would like a call about session 1 of Mira" in new_of(ana)
    assert "Number: +49 30 123456" in new_of(ana)
    assert "30 123456" not in texts(play.coachee("Mira")) + texts(play.coachee("Rita"))
    assert (
        "The time stands still until Wednesday 25 November, 01:05 (Berlin)."
        in message(play.coachee("Rita"), "asks to cancel").text
    )
    await play.pass_time(2 * HOUR)
    look_away(play)
    await play.script(
        """
        Ana: [What came of the call]
        buttons: Can be cancelled | It is to stay | Another time is wanted | Nobody was reached | Not now
        Ana: [Can be cancelled]
        toast: It is recorded.
        """
    )
    consent = consent_of(play, session)
    assert consent.expires_at == play.clock.now() + 40 * HOUR, "what was left of the time is left"
    assert stands(play, session) == ("scheduled", "pending", "open"), "the coach's word decides nothing"
    assert "Call: you.\n\nThe coach recorded of it: the session can be cancelled." in new_of(play.coachee("Paula"))
    assert new_of(play.coachee("Rita")) == "", "it is Paula's call"
    assert "Call: Paula." in message(play.coachee("Rita")).text
    assert "recorded" not in message(play.coachee("Rita")).text
    assert "123456" not in texts(ana), "who called needs the number no more"
    await play.script("Paula: [Decide]\nPaula: [Approve]\ncard: Approved by you")
    assert stands(play, session) == ("cancelled", "approved", "approved")
    assert consent_of(play, session).phone is None, "the number is kept no longer"
    assert happened(play, session) == [
        *("booked", "cancel_asked", "call_asked", "call_reported", "session_cancelled"),
    ]


async def test_a_call_that_nobody_reports_lets_the_time_run_again(play: Play) -> None:
    session = await asked(play)
    await play.script("Paula: [Call me]\nPaula: [Without a number]\ncoach: without a number from here")
    look_away(play)
    await play.pass_time(24 * HOUR)
    assert "Nothing was recorded of it in time, so the time to answer runs again." in new_of(play.coachee("Paula"))
    assert stands(play, session) == ("scheduled", "pending", "open")
    await play.pass_time(48 * HOUR - timedelta(seconds=1))
    assert stands(play, session) == ("scheduled", "pending", "open")
    await play.pass_time(timedelta(seconds=1))
    assert stands(play, session) == ("cancelled", "approved", "approved")


async def test_a_second_wish_to_be_called_stops_the_time_no_more(play: Play) -> None:
    session = await asked(play)
    await play.script("Paula: [Call me]\nPaula: [Without a number]")
    await play.coachee("Ana").press_data(pressing(play, session, "report", "unreached"))
    until = consent_of(play, session).expires_at
    assert until == play.clock.now() + 48 * HOUR
    await play.pass_time(HOUR)
    look_away(play)
    await play.script("Paula: [Decide]\nPaula: [Call me]\ncoach: on which number?")
    assert consent_of(play, session).expires_at == until
    assert "Paula would like a call" in new_of(play.coachee("Ana"))


async def test_a_call_ends_with_the_session_at_the_latest(play: Play) -> None:
    session = await asked(play, days=2)
    assert consent_of(play, session).expires_at == play.clock.now() + 36 * HOUR, "twelve hours before it begins"
    await play.pass_time(30 * HOUR)
    await play.coachee("Paula").press_data(pressing(play, session, "call"))
    assert consent_of(play, session).expires_at == row_of(play, session).starts_at


@pytest.mark.parametrize("words", ["my number", "12", "+49" + "1" * 60, "\u200f+٤٩٣٠١٢٣٤٥٦٧"])
async def test_what_is_no_number_is_asked_for_again(play: Play, words: str) -> None:
    session = await asked(play)
    await play.script("Paula: [Call me]")
    look_away(play)
    await play.coachee("Paula").says(words)
    phone = consent_of(play, session).phone
    if "٤٩" in words:
        assert phone == "+49 30 1234567"
    else:
        assert phone is None
        assert "no telephone number that I know" in new_of(play.coachee("Paula"))
        assert "Number:" not in new_of(play.coachee("Ana"))


# ---- taken back, and overtaken


async def test_the_coach_takes_it_back(play: Play) -> None:
    session = await asked(play)
    look_away(play)
    await play.script("Ana: [Take it back]\ntoast: Taken back. The session stays.\ncard: Taken back by you")
    assert stands(play, session) == ("scheduled", "none", "withdrawn")
    for name in ("Paula", "Rita", "Mira"):
        assert "The wish to cancel it was taken back by: Ana." in new_of(play.coachee(name))
    assert "Taken back by Ana" in message(play.coachee("Paula"), "Session 1 of Mira, Monday").text
    await play.pass_time(3 * 24 * HOUR)
    assert stands(play, session) == ("scheduled", "none", "withdrawn")


async def test_a_session_that_the_coach_moves_meanwhile_is_asked_about_no_more(play: Play) -> None:
    session = await asked(play)
    opens_hours(play)
    look_away(play)
    ana = play.coachee("Ana")
    await ana.press_data(press(session, "move"))
    await play.script("Ana: [25]\nAna: [10:00]\nAna: [Move it there]\ncard: Session 1 was moved")
    assert stands(play, session) == ("rescheduled", "none", "overtaken")
    for name in ("Paula", "Rita", "Mira"):
        assert "nobody is asked any more whether it is cancelled" in new_of(play.coachee(name))
    await play.coachee("Paula").press_data(pressing(play, session, "approve"))
    assert play.screens.toasts[-1] == "That was decided already. Here is what came of it."
    assert stands(play, session) == ("rescheduled", "none", "overtaken")


@pytest.mark.parametrize(
    ("act", "argument", "coachee_reads"),
    [("complete", "", "nobody is asked any more"), ("absent", "coachee.quiet", "put down as missed")],
)
async def test_a_session_that_is_held_all_the_same_is_asked_about_no_more(
    play: Play, act: str, argument: str, coachee_reads: str
) -> None:
    """It is completed or missed before anything looked at the deadline: nothing ran here meanwhile.

    The parents do not read that it was missed, as the coach chose."""
    session = await asked(play, hours=2)
    play.clock.move(play.clock.now() + 3 * HOUR)
    look_away(play)
    await play.coachee("Ana").press_data(press(session, act, argument))
    assert stands(play, session)[1:] == ("none", "overtaken")
    for name in ("Paula", "Rita"):
        [news] = play.coachee(name).unseen
        assert "on Monday 23 November, 19:05 (Berlin): nobody is asked any more whether it is cancelled." in news.text
        assert "missed" not in news.text
    [news] = play.coachee("Mira").unseen
    assert coachee_reads in news.text
    assert "nobody is asked any more whether it is cancelled" in news.text
    await play.pass_time(HOUR)
    assert stands(play, session)[1:] == ("none", "overtaken")


# ---- silence


async def test_no_answer_cancels_at_the_deadline_and_not_before(play: Play) -> None:
    """It is kept as no answer and told as such; nobody is said to have approved."""
    session = await asked(play)
    await play.pass_time(48 * HOUR - timedelta(seconds=1))
    assert stands(play, session) == ("scheduled", "pending", "open")
    look_away(play)
    await play.pass_time(timedelta(seconds=1))
    assert stands(play, session) == ("cancelled", "approved", "approved")
    consent = consent_of(play, session)
    assert (consent.decided_as, consent.decided_by) == ("no_answer", None)
    for name in ("Paula", "Rita", "Ana", "Mira"):
        [news] = play.coachee(name).unseen
        assert "No answer by Wednesday 25 November, 17:05 (Berlin), so it is cancelled." in news.text
        assert "Approved" not in texts(play.coachee(name))
        assert "late" not in news.text
    [event] = play.rows(
        select(t.learning_events.c.event_data).where(
            t.learning_events.c.session_id == session, t.learning_events.c.event_type == "session_cancelled"
        )
    )
    assert event.event_data["consent"] == "no_answer"
    assert "by" not in event.event_data
    [audit] = play.rows(select(t.audit_log).where(t.audit_log.c.reason == "no_answer approved"))
    assert (audit.actor_id, audit.via) == (None, "clock")
    await play.pass_time(7 * 24 * HOUR)
    assert happened(play, session) == ["booked", "cancel_asked", "session_cancelled"]


async def test_where_silence_keeps_it_stays(database: str) -> None:
    async with Play(database, consent_on_silence="keep") as play:
        await family(play)
        session = await asked(play)
        assert "With no answer by then the session stays" in message(play.coachee("Paula")).text
        look_away(play)
        await play.pass_time(48 * HOUR)
        assert stands(play, session) == ("scheduled", "rejected", "kept")
        assert consent_of(play, session).decided_as == "no_answer"
        for name in ("Paula", "Rita", "Ana", "Mira"):
            assert "stays: there was no answer by Wednesday 25 November, 17:05" in new_of(play.coachee(name))


@pytest.mark.parametrize(
    ("who", "answer", "after"),
    [
        ("Olga", "Approve", ("cancelled", "approved", "approved")),
        ("Olga", "Keep the session", ("scheduled", "rejected", "kept")),
        ("Rita", "Approve", ("cancelled", "approved", "approved")),
        (None, None, ("pending", "rejected", "kept")),
    ],
)
async def test_where_silence_asks_an_operator_they_decide_or_a_parent_still_does(
    database: str, who: str | None, answer: str | None, after: tuple[str, str, str]
) -> None:
    """Or nobody does until the session begins, and it stays."""
    async with Play(database, consent_on_silence="escalate") as play:
        await family(play)
        session = await asked(play)
        await play.coachee("Olga").press_data(pressing(play, session, "approve"))
        assert stands(play, session)[2] == "open", "it is not an operator's to decide yet"
        look_away(play)
        await play.pass_time(48 * HOUR)
        consent = consent_of(play, session)
        assert (consent.status, consent.escalated) == ("open", True)
        assert consent.expires_at == row_of(play, session).starts_at
        assert list(message(play.coachee("Olga")).buttons) == ["Approve", "Keep the session", "Another time"]
        for name in ("Paula", "Ana", "Mira"):
            assert "An operator is asked as well" in new_of(play.coachee(name))
        if who is not None and answer is not None:
            await play.coachee(who).press_data(message(play.coachee(who)).buttons[answer])
            assert consent_of(play, session).decided_as == ("operator" if who == "Olga" else "parent")
        else:
            await play.pass_time(6 * 24 * HOUR)
            assert consent_of(play, session).decided_as == "no_answer"
        assert stands(play, session) == after


async def test_nobody_else_decides(play: Play) -> None:
    """Not the coach who asked, the coachee, an operator, a parent of somebody else, or one who was."""
    cleo = await coach(play, "Cleo")
    tom = await coachee(play, "Tom", cleo)
    of_age(play, tom, 2012)
    await parent(play, "Sam", tom, cleo)
    session = await asked(play)
    await means(play.coachee("Mira"), button(play, play.coachee("Mira"), "unlink", play.coachee("Rita")))
    look_away(play)
    before = diary(play), consent_of(play, session)
    count = len(refusals(play))
    for name in ("Ana", "Mira", "Olga", "Sam", "Rita", "Cleo", "Tom"):
        for act in ("approve", "keep", "another", "call"):
            await play.coachee(name).press_data(pressing(play, session, act))
    assert (diary(play), consent_of(play, session)) == before
    assert len(refusals(play)) == count + 28
    assert new_of(play.coachee("Paula")) == ""
    await play.coachee("Paula").press_data(pressing(play, session, "approve"))
    assert stands(play, session)[0] == "cancelled"
