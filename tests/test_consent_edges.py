"""Consents at their edges: what else happens meanwhile, what is kept and shown of them, who may not touch them."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from flows.ids import short_id
from storage import tables as t
from storage.personal import export_of
from tests.booking import booked, diary, happened, press, row_of, soon
from tests.families import HOUR, asked, consent_of, family, message, of_age, opens_hours, pressing, stands
from tests.playbook import Play
from tests.test_session_life import allows, look_away, new_of, texts
from tests.village import COACH_LINK, accepts, button, coach, coachee, everything_in, id_of, means, parent, refusals

WAITS = ("scheduled", "pending", "open")


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """Ana coaches Mira, 15, whose parents are Paula and Rita; Olga operates."""
    async with Play(database) as made:
        await family(made)
        yield made


# ---- the parents' page


async def test_a_parents_page_has_the_next_session_what_is_asked_and_what_was_decided(play: Play) -> None:
    """On /family, on the child's card, and on the menu; each leads to the decision and back."""
    first = await asked(play)
    await play.script("Paula: [Keep the session]\nPaula: [Nothing to add]")
    second = await asked(play, code="travel", n=2, days=9)
    await play.script(
        """
        Paula: /family
        coach: One child is linked to you.
        card: Mira: session 1 is next, Mon 30 Nov, 17:05 (Berlin), machine 1.
        card: Time to decide: until Wed 25 Nov, 17:05 (Berlin).
        card: May session 2 of Mira on Wed 2 Dec, 17:05 (Berlin) be cancelled?
        buttons: Decide: session 2, Mira | Mira | Menu
        Paula: [Mira]
        card: What Mira lets you see: Attendance.
        card: May session 2 of Mira
        Paula: [Cancellations]
        card: Mira: what was to be cancelled
        card: Asked to cancel it: Ana. Reason: illness
        card: Kept by you, Monday 23 November, 17:05 (Berlin).
        card: It waits for an answer.
        buttons: Decide | All sessions | Mira
        Paula: [Decide]
        card: Ana asks to cancel a session of Mira.
        Paula: [Approve]
        card: Approved by you
        Paula: /family
        """
    )
    assert "May session" not in play.coachee("Paula").screen[-1].text
    assert stands(play, first)[2] == "kept"
    assert stands(play, second)[2] == "approved"
    third = await asked(play, n=3, days=11)
    await play.script("Rita: /start\ncard: Mira on Fri 4 Dec\nRita: [Decide: session 3, Mira]")
    assert "Ana asks to cancel" in message(play.coachee("Rita"), "asks to cancel").text
    assert stands(play, third) == WAITS


async def test_a_parent_from_whom_the_child_hides_the_sessions_still_decides_what_they_were_asked(play: Play) -> None:
    """They read none of it on their page; but who was asked has an answer, and no child takes it from them."""
    session = await asked(play)
    allows(play, play.coachee("Mira"), "plan")
    look_away(play)
    await play.script("Paula: /family\nPaula: [Mira]")
    assert "session 1" not in new_of(play.coachee("Paula"))
    count = len(refusals(play))
    await play.coachee("Paula").press_data(pressing(play, session, "consent"))
    await play.coachee("Paula").press_data(f"b:0:{short_id(id_of(play, play.coachee('Mira')))}:decisions")
    assert len(refusals(play)) == count + 2
    of_age(play, play.coachee("Mira"), 2007)  # she comes of age, too
    await play.coachee("Paula").press_data(pressing(play, session, "keep"))
    assert stands(play, session) == ("scheduled", "rejected", "kept")


# ---- what is kept of it


async def test_the_history_the_card_and_the_brief_tell_why_and_who_decided(play: Play) -> None:
    session = await asked(play)
    await play.pass_time(48 * HOUR)
    ana, mira = play.coachee("Ana"), play.coachee("Mira")
    await ana.press_data(press(session, "history"))
    told = ana.screen[-1].text
    assert "asked to cancel it. Reason: illness (coach)" in told
    assert "cancelled, as there was no answer. Reason: illness" in told
    await ana.press_data(press(session, "card"))
    assert "No answer by Wednesday 25 November, 17:05 (Berlin), so it is cancelled." in ana.screen[-1].text
    later = await booked(play, ana, mira, soon(play, days=10), 2)
    await ana.press_data(press(later, "brief"))
    assert "Session 1 (Mon 30 Nov, 17:05 (Berlin)) was cancelled. Reason: illness" in ana.screen[-1].text
    assert "No answer by" in ana.screen[-1].text


async def test_a_copy_has_ones_own_words_and_nobody_elses(play: Play) -> None:
    """The coachee's has that it was asked and decided; a word to it and a number are who gave them."""
    session = await asked(play)
    await play.script("Paula: [Call me]\nPaula: +49 30 123456")
    of: dict[str, str] = {}
    for name in ("Ana", "Mira", "Paula", "Rita"):
        of[name] = str(export_of(play.core.engine, id_of(play, play.coachee(name))))
    assert [name for name, copy in of.items() if "+49 30 123456" in copy] == ["Paula"]
    await play.coachee("Paula").press_data(pressing(play, session, "keep"))
    await play.script("Paula: she waited for this")
    for name in ("Ana", "Mira", "Paula", "Rita"):
        of[name] = str(export_of(play.core.engine, id_of(play, play.coachee(name)))["consents"])  # type: ignore[index]
    assert [name for name, copy in of.items() if "she waited" in copy] == ["Paula"]
    assert [name for name, copy in of.items() if "ill" in copy] == ["Ana", "Mira"]


@pytest.mark.parametrize("who", ["Mira", "Paula", "Ana"])
async def test_who_is_forgotten_meanwhile_leaves_nothing_behind_and_nobody_waiting(play: Play, who: str) -> None:
    """A coachee takes it along; without the coach or a parent it goes on, and the deadline comes."""
    session = await asked(play, days=30)
    await play.script("Paula: [Call me]\nPaula: +49 30 123456")
    with (
        play.core.engine.begin() as connection
    ):  # the call's time, and the rest, outlast the week of changing one's mind
        connection.execute(update(t.consents).values(expires_at=play.clock.now() + timedelta(days=9)))
    user = id_of(play, play.coachee(who))
    await play.script(f"{who}: /delete\n{who}: [Yes, forget me]\n-- 8 days")
    assert not play.rows(select(t.users.c.id).where(t.users.c.id == user))
    if who == "Mira":
        assert play.rows(select(t.consents)) == []
        return
    row = consent_of(play, session)
    assert row.status == "open"
    assert (row.asked_by is None) is (who == "Ana")
    assert row.phone is None, "nobody recorded the call in time"
    await play.coachee("Rita").press_data(pressing(play, session, "consent"))
    assert ("somebody who is not here any more asks" in texts(play.coachee("Rita"))) is (who == "Ana")
    await play.coachee("Rita").press_data(pressing(play, session, "keep"))
    assert stands(play, session)[1:] == ("rejected", "kept")


# ---- old, forged and doubled


async def test_a_button_of_an_old_wish_decides_nothing_about_a_new_one(play: Play) -> None:
    session = await asked(play)
    old = pressing(play, session, "approve")
    await play.coachee("Ana").presses("Take it back")
    await play.pass_time(HOUR)
    await play.coachee("Ana").press_data(press(session, "cancel", "travel"))
    await play.coachee("Ana").presses("Yes, ask")
    look_away(play)
    await play.coachee("Paula").press_data(old)
    assert play.screens.toasts[-1] == "That was decided already. Here is what came of it."
    assert stands(play, session) == WAITS
    assert "Taken back by Ana" in message(play.coachee("Paula"), "Taken back by").text
    await play.coachee("Paula").presses("Approve")
    assert stands(play, session) == ("cancelled", "approved", "approved")


async def test_two_taps_are_one_and_two_parents_are_one(play: Play) -> None:
    """The second tap shows the outcome; so does the other parent's, whatever they press."""
    session = await asked(play)
    paula, rita = play.coachee("Paula"), play.coachee("Rita")
    approve = message(paula).buttons["Approve"]
    other = dict(message(rita).buttons)
    await paula.press_data(approve)
    before = diary(play)
    await paula.press_data(approve)
    for data in other.values():
        await rita.press_data(data)
        assert play.screens.toasts[-1] == "That was decided already. Here is what came of it."
    assert diary(play) == before
    assert "Approved by Paula" in message(rita, "Session 1 of Mira, Monday").text
    assert happened(play, session) == ["booked", "cancel_asked", "session_cancelled"]


async def test_forged_and_mutated_buttons_change_nothing(play: Play) -> None:
    """Of outsiders, and of those who may decide: no data but that of a button that is meant does anything."""
    cleo = await coach(play, "Cleo")
    tom = await coachee(play, "Tom", cleo)
    of_age(play, tom, 2012)
    await parent(play, "Sam", tom, cleo)
    session = await asked(play)
    named = short_id(consent_of(play, session).id)
    nobody, itself = short_id(uuid4()), short_id(session)
    before = everything_in_consents(play)
    acts = (
        "approve",
        "keep",
        "call",
        "withdraw",
        "report",
        "report:agreed",
        "another",
        "spoke",
        "nowords",
        "nophone",
    )
    for name in ("Sam", "Cleo", "Tom", "Mira"):
        for act in acts:
            await play.coachee(name).press_data(f"b:0:{named}:{act}")
    for name in ("Paula", "Ana", "Olga", "Sam"):
        for data in (
            *(f"b:0:{target}:{act}" for target in (nobody, itself, "", "x" * 22) for act in acts),
            f"b:0:{named}:cancelled:ill.1",
            f"b:0:{named}:report:perhaps",
            f"b:-1:{named}:approve",
            f"b:0:{named}:approve:x:y",
            f"b:9999999:{named}:approve",
            f"b:0:{named.swapcase()}:approve",
            f"p:0:{named}:approve",
        ):
            await play.coachee(name).press_data(data)
    chance = random.Random(7)
    data = f"b:0:{named}:approve"
    for _ in range(150):
        at = chance.randrange(4, len(data))
        mutated = data[:at] + chance.choice("abcXYZ0129_-:") + data[at + 1 :]
        if mutated != data:
            await play.coachee("Paula").press_data(mutated)
    assert everything_in_consents(play) == before


def everything_in_consents(play: Play) -> list[str]:
    """All rows of consents and sessions."""
    tables = (t.consents, t.scheduled_sessions, t.learning_events)
    return sorted(repr(tuple(row)) for table in tables for row in play.rows(select(table)))


@pytest.mark.parametrize("words", ["ill " * 5000, "\u202eill\u202c 🤒", "اعتذر، أنا مريضة"])
async def test_a_reason_in_words_is_what_the_parents_read(play: Play, words: str) -> None:
    """One of 20,000 characters is asked for again, and nothing is asked of anybody."""
    session = await booked(play, play.coachee("Ana"), play.coachee("Mira"), soon(play, days=7))
    ana = play.coachee("Ana")
    await ana.press_data(press(session, "cancel", "other"))
    look_away(play)
    await ana.says(words)
    if len(words) > 300:
        assert "between 1 and 300 characters" in new_of(ana)
        assert row_of(play, session).cancellation_status == "none"
        return
    await ana.presses("Yes, ask")
    assert "".join(c for c in words if c.isalpha()) in "".join(
        c for c in message(play.coachee("Paula")).text if c.isalpha()
    )


# ---- what else happens meanwhile


async def test_the_coach_is_taken_away_meanwhile(play: Play) -> None:
    """The session has no coach any more; the question stands, and the next coach follows it."""
    session = await asked(play)
    ben = await coach(play, "Ben")
    olga, mira = play.coachee("Olga"), play.coachee("Mira")
    await olga.press_data(button(play, mira, "assign", ben))
    assert stands(play, session) == WAITS
    await play.coachee("Paula").press_data(pressing(play, session, "call"))
    assert "Paula would like a call" in new_of(ben)
    await ben.press_data(pressing(play, session, "report", "agreed"))
    assert consent_of(play, session).call_outcome == "agreed"
    await play.coachee("Ana").press_data(pressing(play, session, "report", "keep"))
    assert consent_of(play, session).call_outcome == "agreed", "it is Ana's no more"
    look_away(play)
    await play.coachee("Rita").press_data(pressing(play, session, "approve"))
    assert "is cancelled" in new_of(ben) + new_of(play.coachee("Ana"))
    assert stands(play, session)[0] == "cancelled"


async def test_words_that_are_awaited_do_not_take_what_is_said_elsewhere(play: Play) -> None:
    """A parent who is coached, too, goes on with a session: their answers are answers."""
    await asked(play)
    await play.script("Paula: [Keep the session]\nPaula: /session\ncoach: How present are you right now\nPaula: [7]")
    look_away(play)
    await play.script("Paula: calm")
    assert "calm" not in texts(play.coachee("Ana"))


async def test_a_decision_that_falls_while_a_number_is_awaited(play: Play) -> None:
    """The other parent keeps the session meanwhile: the number is wanted no more, and goes nowhere."""
    session = await asked(play)
    await play.script("Paula: [Call me]")
    await play.coachee("Rita").press_data(pressing(play, session, "keep"))
    look_away(play)
    await play.script("Paula: +49 30 123456\ncoach: Nobody waits for a number any more.")
    assert "123456" not in texts(play.coachee("Ana")) + everything_in(play)


@pytest.mark.parametrize("answer", ["approve", "keep", None])
async def test_nobody_hears_of_one_thing_twice(play: Play, answer: str | None) -> None:
    """One message of news each, but for who decided; also of silence."""
    session = await asked(play, days=8)
    if answer is None:
        await play.pass_time(45 * HOUR + timedelta(seconds=1))
        look_away(play)
        await play.pass_time(3 * HOUR)
    else:
        look_away(play)
        await play.coachee("Paula").press_data(pressing(play, session, answer))
    for name in ("Ana", "Mira", "Rita"):
        assert len(play.coachee(name).unseen) == 1, (name, new_of(play.coachee(name)))


async def test_a_parent_whose_link_ends_meanwhile_is_nobody_to_it(play: Play) -> None:
    """Their old buttons do nothing and tell nothing."""
    session = await asked(play)
    rita, mira = play.coachee("Rita"), play.coachee("Mira")
    await means(mira, button(play, mira, "unlink", rita))
    await play.coachee("Paula").press_data(pressing(play, session, "approve"))
    look_away(play)
    before = len(rita.screen), message(rita).text
    await rita.press_data(pressing(play, session, "approve"))
    assert play.screens.toasts[-1] == "That is not yours to do. /start shows what is."
    assert (len(rita.screen), message(rita).text) == before


# ---- a number, and a word: only of who gives it, only to whom it is for


async def test_a_number_is_of_who_gave_it_and_goes_with_their_call(play: Play) -> None:
    """The second parent's call does not carry the first one's number, and nobody gives one for somebody else."""
    session = await asked(play)
    await play.script("Paula: [Call me]\nPaula: +49 30 123456")
    await play.coachee("Ana").press_data(pressing(play, session, "report", "unreached"))
    assert "123456" not in texts(play.coachee("Ana")), "it is taken out of the message that asked to call"
    await play.script("Paula: [Decide]\nPaula: [Call me]\nRita: /help")
    await play.coachee("Ana").press_data(pressing(play, session, "report", "unreached"))
    await play.coachee("Rita").press_data(pressing(play, session, "call"))
    look_away(play)
    await play.script("Paula: +49 30 654321\ncoach: Nobody waits for a number any more.")
    assert consent_of(play, session).phone is None
    assert "There is no number of Rita here yet" in texts(play.coachee("Ana"))
    assert "654321" not in everything_in(play)
    assert "+49 30 123456" not in str(export_of(play.core.engine, id_of(play, play.coachee("Rita"))))


async def test_a_number_that_comes_from_who_was_unlinked_goes_nowhere(play: Play) -> None:
    session = await asked(play)
    mira, rita = play.coachee("Mira"), play.coachee("Rita")
    await rita.press_data(pressing(play, session, "call"))
    await means(mira, button(play, mira, "unlink", rita))
    look_away(play)
    await rita.says("+49 30 123456")
    assert new_of(play.coachee("Ana")) == ""
    assert consent_of(play, session).phone is None


async def test_a_word_that_comes_from_who_was_unlinked_goes_nowhere(play: Play) -> None:
    session = await asked(play)
    mira, rita = play.coachee("Mira"), play.coachee("Rita")
    await rita.press_data(pressing(play, session, "keep"))
    await means(mira, button(play, mira, "unlink", rita))
    look_away(play)
    await rita.says("awful things")
    assert "awful" not in texts(play.coachee("Ana"))
    assert consent_of(play, session).words is None


async def test_a_coach_who_coaches_them_no_more_reads_no_word_of_what_becomes_of_it(play: Play) -> None:
    """They asked; since then they have nothing to do with the child."""
    session = await asked(play)
    ben, olga, mira = await coach(play, "Ben"), play.coachee("Olga"), play.coachee("Mira")
    await olga.press_data(button(play, mira, "assign", ben))
    look_away(play)
    await play.coachee("Paula").press_data(pressing(play, session, "keep"))
    await play.coachee("Paula").says("She has waited for weeks.")
    assert new_of(play.coachee("Ana")) == ""
    assert "waits for an answer" in message(play.coachee("Ana"), "whether it is cancelled").text
    assert "stays. Decided by: Paula." in new_of(ben)
    assert "She has waited for weeks." in new_of(ben)


async def test_a_call_in_the_middle_of_ones_own_session_takes_no_answer_for_a_number(play: Play) -> None:
    session = await asked(play)
    await play.script("Paula: /session\ncoach: How present are you right now")
    await play.coachee("Paula").press_data(pressing(play, session, "call"))
    look_away(play)
    await play.script("Paula: 7")
    assert "telephone" not in new_of(play.coachee("Paula"))
    assert consent_of(play, session).called_at is not None


@pytest.mark.parametrize("number", ["+49 30 12345678;ext=123456789", "+49 30 123456 ext. 7", "+49 30 12345678 x99"])
async def test_a_number_with_an_extension_is_none(play: Play, number: str) -> None:
    """It may be as long as it likes, and no column is."""
    session = await asked(play)
    await play.script("Paula: [Call me]")
    await play.coachee("Paula").says(number)
    assert "no telephone number that I know" in play.coachee("Paula").screen[-1].text
    assert consent_of(play, session).phone is None


async def test_where_nobody_can_call_the_time_does_not_stop(play: Play) -> None:
    session = await asked(play)
    gone = t.users.c.telegram_id.in_([play.coachee(name).chat_id for name in ("Ana", "Olga")])
    with play.core.engine.begin() as connection:
        connection.execute(update(t.users).where(gone).values(unreachable_since=play.clock.now()))
    until = consent_of(play, session).expires_at
    await play.coachee("Paula").press_data(pressing(play, session, "call"))
    assert play.screens.toasts[-1] == "Nobody who could call you can be reached here at the moment."
    row = consent_of(play, session)
    assert (row.expires_at, row.called_at) == (until, None)


async def test_a_second_tap_does_not_lose_the_number_or_the_word(play: Play) -> None:
    """Nor does anything else that is pressed: the message has a button for the number while a call is waited for."""
    session = await asked(play)
    paula = play.coachee("Paula")
    for _ in range(2):
        await paula.press_data(pressing(play, session, "call"))
    await paula.says("+49 30 123456")
    assert consent_of(play, session).phone == "+49 30 123456"
    await play.script("Paula: /start")
    await paula.press_data(message(paula).buttons["Give a number"])
    await paula.says("+49 30 654321")
    assert consent_of(play, session).phone == "+49 30 654321"
    assert "Number: +49 30 654321" in texts(play.coachee("Ana"))
    for _ in range(2):
        await paula.press_data(pressing(play, session, "keep"))
    await paula.says("She waited for this.")
    assert consent_of(play, session).words == "She waited for this."


async def test_a_word_that_comes_much_later_is_about_something_else(play: Play) -> None:
    session = await asked(play)
    await play.script(
        "Paula: [Keep the session]\n-- 31 minutes\nPaula: my own affairs\ncoach: nothing to add a word to"
    )
    assert consent_of(play, session).words is None
    assert "affairs" not in texts(play.coachee("Ana"))


async def test_somebody_elses_contact_is_no_number(play: Play) -> None:
    await asked(play)
    await play.script("Paula: [Call me]")
    await play.coachee("Paula").sends("contact")
    assert "no telephone number that I know" in play.coachee("Paula").screen[-1].text


async def test_the_other_parent_is_not_told_that_they_are_called(play: Play) -> None:
    session = await asked(play)
    await play.pass_time(24 * HOUR)
    rita = play.coachee("Rita")
    await play.coachee("Paula").press_data(pressing(play, session, "call"))
    with_call = [shown for shown in rita.screen if "Call me" in shown.buttons]
    assert with_call == [], "reminders change with the message"
    await rita.press_data(pressing(play, session, "call"))
    assert play.screens.toasts[-1] == "Somebody else asked for a call. You can decide here."


async def test_a_call_goes_on_with_who_coaches_from_now_on(play: Play) -> None:
    """With the number; the coach before has neither any more, once it is over."""
    session = await asked(play)
    await play.script("Paula: [Call me]\nPaula: +49 30 123456")
    ben, olga, mira = await coach(play, "Ben"), play.coachee("Olga"), play.coachee("Mira")
    await olga.press_data(button(play, mira, "assign", ben))
    await ben.press_data(press(session, "mine"))
    assert "Number: +49 30 123456" in new_of(ben)
    assert "whether it is cancelled waits for an answer" in new_of(ben)
    await play.coachee("Paula").press_data(pressing(play, session, "approve"))
    assert "123456" not in texts(ben) + texts(play.coachee("Ana"))


async def test_who_is_called_does_not_record_it(play: Play) -> None:
    """A coach who is the child's parent, too."""
    ana, mira = play.coachee("Ana"), play.coachee("Mira")
    paula = play.coachee("Paula")
    await accepts(play, paula, await coach_link(play))
    await play.coachee("Olga").press_data(button(play, mira, "assist", paula))
    session = await asked(play)
    await paula.press_data(pressing(play, session, "call"))
    await paula.press_data(pressing(play, session, "report", "agreed"))
    assert consent_of(play, session).call_outcome is None
    await ana.press_data(pressing(play, session, "report", "agreed"))
    assert consent_of(play, session).call_outcome == "agreed"


async def coach_link(play: Play) -> str:
    await play.script(COACH_LINK)
    return play.coachee("Olga").link()


async def test_a_clock_that_was_set_back_hides_no_question(play: Play) -> None:
    """A second wish seems older than the first one: it is what is decided all the same."""
    session = await asked(play)
    await play.coachee("Ana").presses("Take it back")
    play.clock._now -= HOUR
    await play.coachee("Ana").press_data(press(session, "cancel", "travel"))
    await play.coachee("Ana").presses("Yes, ask")
    assert stands(play, session) == WAITS
    await play.coachee("Ana").press_data(press(session, "cancel", "ill"))
    assert play.screens.toasts[-1] == "Whether it is cancelled is being asked already."
    await play.coachee("Paula").presses("Approve")
    assert row_of(play, session).status == "cancelled"
    states = play.rows(select(t.consents.c.status).where(t.consents.c.session_id == session))
    assert sorted(row.status for row in states) == ["approved", "withdrawn"]


async def test_a_page_of_long_decisions_fits_into_one_message(play: Play) -> None:
    for n in range(1, 5):
        session = await booked(play, play.coachee("Ana"), play.coachee("Mira"), soon(play, days=7 + n), n)
        await play.coachee("Ana").press_data(press(session, "cancel", "other"))
        await play.coachee("Ana").says("r" * 300)
        await play.coachee("Ana").presses("Yes, ask")
        await play.coachee("Paula").press_data(pressing(play, session, "keep"))
        await play.coachee("Paula").says("w" * 500)
    await play.script("Paula: /family\nPaula: [Mira]\nPaula: [Cancellations]\ncard: Mira: what was to be cancelled")
    assert play.coachee("Paula").newest_with_buttons().text.count("w" * 500) == 3


# ---- nothing that is shown is untrue


async def test_reminders_of_before_and_after_a_call_are_the_outcome_all(play: Play) -> None:
    """No button of any message that asked is left, however often the deadline was moved."""
    session = await asked(play)
    await play.pass_time(25 * HOUR)
    await play.coachee("Paula").press_data(pressing(play, session, "call"))
    await play.coachee("Ana").press_data(pressing(play, session, "report", "agreed"))
    await play.pass_time(22 * HOUR)
    with_buttons = [shown for shown in play.coachee("Paula").screen if "Approve" in shown.buttons]
    assert len(with_buttons) >= 3
    await play.coachee("Rita").press_data(pressing(play, session, "keep"))
    assert [shown for shown in play.coachee("Paula").screen if "Approve" in shown.buttons] == []
    assert all("Kept by Rita" in shown.text for shown in with_buttons)


async def test_a_second_tap_changes_no_other_card(play: Play) -> None:
    """The message of a consent is no card of the menu: its buttons say so."""
    session = await asked(play)
    paula = play.coachee("Paula")
    for _ in range(2):
        await paula.press_data(pressing(play, session, "call"))
    await play.script("Paula: [Without a number]\nPaula: /family")
    page = paula.screen[-1].text
    data = message(paula).buttons["Approve"]
    assert data.startswith("b:0:")
    await paula.press_data(data)
    assert [shown.text for shown in paula.screen if shown.text.startswith("One child")] == [page]


async def test_a_session_that_was_kept_and_cancelled_later_does_not_say_that_it_takes_place(play: Play) -> None:
    session = await asked(play)
    await play.coachee("Paula").press_data(pressing(play, session, "keep"))
    of_age(play, play.coachee("Mira"), 1990)
    ana = play.coachee("Ana")
    await ana.press_data(press(session, "cancel", "travel"))
    await ana.presses("Yes, cancel it")
    assert stands(play, session) == ("cancelled", "rejected", "kept")
    await ana.press_data(press(session, "card"))
    assert "Kept by" not in ana.screen[-1].text
    later = await booked(play, ana, play.coachee("Mira"), soon(play, days=10), 2)
    await ana.press_data(press(later, "brief"))
    assert "Session 1 (Mon 30 Nov, 17:05 (Berlin)) was cancelled. Reason: travel" in ana.screen[-1].text
    assert "Kept by" not in ana.screen[-1].text


async def test_a_yes_to_asking_never_cancels(play: Play) -> None:
    """Both parents left between the question and the yes: it is asked about once more, as it is now."""
    session = await booked(play, play.coachee("Ana"), play.coachee("Mira"), soon(play, days=7))
    ana, mira = play.coachee("Ana"), play.coachee("Mira")
    await ana.press_data(press(session, "cancel", "ill"))
    for name in ("Paula", "Rita"):
        await means(mira, button(play, mira, "unlink", play.coachee(name)))
    await ana.press_data(message(ana, "A parent decides on this.").buttons["Yes, ask"])
    assert row_of(play, session).status == "scheduled"
    assert "Cancel it?" in message(ana, "Session 1 of Mira").text
    await ana.presses("Yes, cancel it")
    assert row_of(play, session).status == "cancelled"


# ---- the session's own time


async def test_a_session_whose_conversation_has_begun_is_asked_about_no_more(play: Play) -> None:
    """It is being held: all who were asked hear that, and their buttons say so."""
    session = await asked(play, minutes=8)
    look_away(play)
    await play.coachee("Mira").press_data(press(session, "begin"))
    assert consent_of(play, session).status == "overtaken"
    assert row_of(play, session).cancellation_status == "none"
    for name in ("Paula", "Rita"):
        assert "nobody is asked any more whether it is cancelled" in new_of(play.coachee(name))
    await play.coachee("Paula").press_data(pressing(play, session, "approve"))
    assert row_of(play, session).status in ("scheduled", "pending")


@pytest.mark.parametrize("who", ["Paula", None])
async def test_a_session_that_was_to_come_while_nothing_ran_is_not_cancelled_afterwards(
    play: Play, who: str | None
) -> None:
    """Two hours after its beginning it may have been held: its coach says what became of it; all hear why."""
    session = await asked(play, hours=30)
    await play.core.runner.flush()
    play.clock.move(play.clock.now() + 32 * HOUR)
    await play.restart()
    look_away(play)
    if who is not None:
        await play.coachee(who).press_data(pressing(play, session, "approve"))
        assert play.screens.toasts[-1] == "The time of the session has come, so nobody is asked any more."
    await play.pass_time(timedelta(seconds=1))
    assert stands(play, session)[1:] == ("none", "overtaken")
    assert row_of(play, session).status == "pending"
    for name in {"Paula", "Rita", "Mira"} - {who}:
        assert "nobody is asked any more whether it is cancelled" in new_of(play.coachee(name))
    ana = play.coachee("Ana")
    await ana.press_data(press(session, "complete"))
    assert row_of(play, session).status == "completed"
    await ana.press_data(press(session, "history"))
    assert "nobody is asked any more whether it is cancelled" in ana.screen[-1].text


async def test_who_asked_and_has_no_part_in_it_hears_that_it_was_moved(play: Play) -> None:
    """An operator asked; the coach moves it."""
    opens_hours(play)
    session = await asked(play, by="Olga")
    look_away(play)
    await play.coachee("Ana").press_data(press(session, "move"))
    await play.script("Ana: [25]\nAna: [10:00]\nAna: [Move it there]")
    assert new_of(play.coachee("Olga")).count("nobody is asked any more whether it is cancelled") == 1
    [new] = play.rows(select(t.scheduled_sessions.c.id).where(t.scheduled_sessions.c.replaces_id == session))
    await play.coachee("Ana").press_data(press(new.id, "history"))
    assert "whether it is cancelled is not asked any more" in play.coachee("Ana").screen[-1].text
