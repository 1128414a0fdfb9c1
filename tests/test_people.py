"""People: links, coaches and coachees, parents, what others see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from storage import tables as t
from tests import coachee as walking
from tests.playbook import Coachee, Play
from tests.village import (
    COACH_LINK,
    accepts,
    arrived,
    button,
    coach,
    coachee,
    everything_in,
    held,
    id_of,
    means,
    operator,
    parent,
    refusals,
)

FAMILY = "Ana: /coachees\nAna: [Mira]"


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage with an operator, Olga."""
    async with Play(database) as made:
        await operator(made)
        yield made


async def coached(play: Play) -> tuple[Coachee, Coachee]:
    """Ana, whom Olga invited as coach, and Mira, whom Ana invited."""
    ana = await coach(play, "Ana")
    return ana, await coachee(play, "Mira", ana)


def texts(person: Coachee) -> str:
    """All that a person's screen says now."""
    return "\n".join(shown.text for shown in person.screen)


def set_of(play: Play, person: Coachee, **values: object) -> None:
    """Make something of a person that they did not do themselves."""
    named = update(t.users).where(t.users.c.id == id_of(play, person)).values(**values)
    with play.core.engine.begin() as connection:
        connection.execute(named)


# ---- links


async def test_a_chain_of_links_from_the_operator_to_the_coachee(play: Play) -> None:
    """Each is told what they join as and by whom, and asked before anything is bound; who invited is told."""
    ana, mira = await coached(play)
    assert "You joined as coach, invited by Olga." in texts(ana)
    assert "You joined as coachee of Ana, invited by coach Ana." in texts(mira)
    assert "Ana joined as coach." in texts(play.coachee("Olga"))
    assert texts(ana).count("You coach Mira from now on") == 1
    [tie] = play.rows(select(t.coach_coachee_mappings))
    assert (tie.coach_id, tie.coachee_id) == (id_of(play, ana), id_of(play, mira))
    assert (tie.kind, tie.active) == ("primary", True)
    assert "coachees" in play.screens.commands[ana.chat_id]


async def test_a_parent_is_told_whose_parent_and_by_whom(play: Play) -> None:
    """ "You are joining as parent of Mira, invited by coach Ana"."""
    ana, mira = await coached(play)
    paula = await arrived(play, "Paula")
    await play.script(f"{FAMILY}\nAna: [Invite a parent]\ncoach: Send the next message on to the parent")
    await paula.opens(ana.link())
    assert paula.screen[-1].text.startswith("You are joining as parent of Mira, invited by coach Ana.")
    before = held(play)
    await play.script("Paula: hm, let me think")
    assert held(play) == before
    await paula.opens(ana.link())
    await play.script("Paula: [Yes, that is right]\nPaula: /family\ncoach: One child is linked to you.")
    assert "Paula is linked to you as a parent now." in texts(mira)


async def test_a_link_works_once(play: Play) -> None:
    """Used, it is void for everybody; the audit log has who tried."""
    await coach(play, "Ana")
    ben = await arrived(play, "Ben")
    before = held(play)
    await ben.opens(play.coachee("Olga").link())
    assert "does not work any more" in ben.screen[-1].text
    assert [tuple(row) for row in refusals(play)] == [(id_of(play, ben), "open_link", None, "used")]
    assert held(play) == before


async def test_a_link_that_is_too_old_taken_back_or_guessed_is_void(play: Play) -> None:
    """Nothing is bound by any of them."""
    olga, ben = play.coachee("Olga"), await arrived(play, "Ben")
    await play.script(COACH_LINK)
    first = olga.link()
    await play.pass_time(timedelta(days=8))
    await ben.opens(first)
    await play.script(COACH_LINK)
    second = olga.link()
    await play.script("Olga: [Take the link back]\ncoach: The link does not work any more.")
    await ben.opens(second)
    await ben.says("/start " + "A" * 43)
    await ben.says("/start " + "\u202e💥" * 200)
    assert [row.reason for row in refusals(play)] == ["expired", "revoked", "unknown", "unknown"]
    assert texts(ben).count("does not work any more") == 4


async def test_a_link_that_went_stale_under_the_question_binds_nobody(play: Play) -> None:
    """Whether it still holds is asked when it is confirmed, not when it was opened."""
    olga, ben = play.coachee("Olga"), await arrived(play, "Ben")
    await play.script(COACH_LINK)
    await ben.opens(olga.link())
    await play.pass_time(timedelta(days=8))
    before = held(play)
    await play.script("Ben: [Yes, that is right]")
    assert "does not work any more" in texts(ben)
    assert held(play) == before


async def test_who_says_no_to_a_link_is_bound_to_nothing_and_can_come_back(play: Play) -> None:
    """The link goes on working."""
    olga, ben = play.coachee("Olga"), await arrived(play, "Ben")
    await play.script(COACH_LINK)
    before = held(play)
    await ben.opens(olga.link())
    await play.script("Ben: [No]")
    assert "The link goes on working" in ben.screen[-1].text
    assert held(play) == before
    await accepts(play, ben, olga.link())
    assert "coachees" in play.screens.commands[ben.chat_id]


async def test_nobody_uses_their_own_link(play: Play) -> None:
    """A coachee is not their own parent, a coach not their own coachee."""
    ana, mira = await coached(play)
    await mira.press_data(button(play, mira, "parent"))
    before = held(play)
    await mira.opens(mira.link())
    await play.script("Ana: /coachees\nAna: [Invite a coachee]\ncoach: invites you to coaching")
    await ana.opens(ana.link())
    assert all("This link is for somebody else" in texts(person) for person in (ana, mira))
    assert {name for name, rows in held(play).items() if rows != before[name]} == {"invites"}


async def test_no_token_is_kept_anywhere(play: Play) -> None:
    """Only its hash is, also of messages that were sent."""
    ana, _ = await coached(play)
    tokens = [p.link().partition("?start=")[2].split()[0] for p in (play.coachee("Olga"), ana)]
    everything = everything_in(play)
    assert all(len(token) == 43 and token not in everything for token in tokens)


async def test_two_people_with_one_link_at_the_same_moment(play: Play) -> None:
    """One is bound, the other is told that the link is used up."""
    olga = play.coachee("Olga")
    pair = [await arrived(play, "Ben"), await arrived(play, "Cleo")]
    for number in range(1, 11):
        await play.script(COACH_LINK)
        for person in pair:
            await person.opens(olga.link())
        await asyncio.gather(*(person.presses("Yes, that is right") for person in pair))
        used = play.rows(select(t.invites).where(t.invites.c.used_at.is_not(None)))
        assert len(used) == number
        assert len([r for r in refusals(play) if r.reason == "used"]) == number
    assert not play.rows(select(t.outbox).where(t.outbox.c.status == "failed"))


# ---- coaches and coachees


async def test_an_operator_gives_a_coachee_another_coach(play: Play) -> None:
    """The old coach loses access at once, everybody is told, and there is one primary coach at any time."""
    ana, mira = await coached(play)
    await coach(play, "Ben")
    await play.script(
        """
        Olga: /people mira
        coach: One person found.
        Olga: [Mira]
        Olga: [Coach]
        Olga: [Ben as coach]
        Ana: /coachees
        coach: Invite a coachee
        Ben: /coachees
        coach: You coach one person.
        """
    )
    assert "Ben is your coach now" in texts(mira)
    assert "You do not coach Mira any more" in texts(ana)
    before = held(play)
    await ana.press_data(button(play, mira, "summary"))
    assert play.screens.toasts[-1].startswith("That is not yours")
    assert held(play) == before
    assert [row.action for row in refusals(play)] == ["summary"]


async def test_a_second_coach_beside_the_first(play: Play) -> None:
    """Both see the coachee; when the operator makes the second the first, the one before ends."""
    ana, mira = await coached(play)
    ben = await coach(play, "Ben")
    olga = play.coachee("Olga")
    await olga.press_data(button(play, mira, "assist", ben))
    ties = {row.coach_id: (row.kind, row.active) for row in play.rows(select(t.coach_coachee_mappings))}
    assert ties == {id_of(play, ana): ("primary", True), id_of(play, ben): ("secondary", True)}
    await olga.press_data(button(play, mira, "assign", ben))
    await olga.press_data(button(play, mira, "assign", ben))  # a second tap
    ties = {row.coach_id: (row.kind, row.active) for row in play.rows(select(t.coach_coachee_mappings))}
    assert ties == {id_of(play, ana): ("primary", False), id_of(play, ben): ("primary", True)}
    assert texts(mira).count("Ben is your coach now") == 1


async def test_a_coach_ends_and_an_operator_takes_it_up_again(play: Play) -> None:
    """The two keep their one row."""
    ana, mira = await coached(play)
    await play.script(
        """
        Ana: /coachees
        Ana: [Mira]
        Ana: [End the coaching]
        Ana: [Yes]
        Ana: /coachees
        coach: Invite a coachee
        """
    )
    assert "Ana does not coach you any more" in texts(mira)
    [row] = play.rows(select(t.coach_coachee_mappings))
    await play.coachee("Olga").press_data(button(play, mira, "resume", ana))
    [again] = play.rows(select(t.coach_coachee_mappings))
    assert (again.id, again.active, again.ended_at, again.created_at) == (row.id, True, None, row.created_at)


async def test_somebody_who_is_paused_takes_no_part_and_comes_back(play: Play) -> None:
    """They keep their rights; what they had is there when they are back."""
    _, mira = await coached(play)
    olga = play.coachee("Olga")
    await play.script("Olga: /people mira\nOlga: [Mira]\nOlga: [Pause this person]\nOlga: [Yes]")
    assert "An operator paused your part here" in texts(mira)
    sessions = play.rows(select(t.coaching_sessions))
    await play.script("Mira: /session")
    assert play.rows(select(t.coaching_sessions)) == sessions
    await olga.press_data(button(play, mira, "on"))
    set_of(play, mira, standing="active")  # Mira was vouched for, and said no year of birth
    await play.script("Mira: /session\ncoach: Step 1 of 5")


async def test_a_coach_who_is_one_no_more_sees_nothing(play: Play) -> None:
    """The role is taken, and every tie with it."""
    ana, mira = await coached(play)
    olga = play.coachee("Olga")
    await means(olga, button(play, ana, "revoke", "coach"))
    assert "Ana does not coach you any more" in texts(mira)
    await play.script("Ana: /coachees\ncoach: That is not yours to do")
    assert [row.reason for row in refusals(play)] == ["role"]


async def test_an_operator_does_not_lock_themselves_out(play: Play) -> None:
    """Neither by pausing themselves nor by taking their own role."""
    olga = play.coachee("Olga")
    before = held(play)
    await means(olga, button(play, olga, "off"))
    await means(olga, button(play, olga, "revoke", "operator"))
    assert held(play) == before


# ---- what others see


async def test_a_coach_sees_what_the_coachee_lets_them_see(play: Play) -> None:
    """The default is summary, plan and attendance; the coachee changes it, and it holds at once."""
    ana, mira = await coached(play)
    await mira.says("/session")
    await walking.finish(play, mira)
    await play.script(
        """
        Ana: /coachees
        Ana: [Mira]
        Ana: [Summary]
        coach: Mira: summary
        Ana: [Back]
        Ana: [Plan]
        coach: Mira: plan
        """
    )
    await ana.press_data(button(play, mira, "answers"))
    assert play.screens.toasts[-1] == "They do not share that with you."
    await play.script(
        """
        Mira: /settings
        Mira: [Who sees what]
        Mira: [Coach: answers]
        Mira: [Coach: ratings]
        Mira: [Coach: plan]
        Ana: /coachees
        Ana: [Mira]
        Ana: [Answers]
        coach: Mira: answers of the last session
        """
    )
    await ana.press_data(button(play, mira, "ratings"))
    assert "• " in ana.screen[-1].text
    await ana.press_data(button(play, mira, "plan"))
    assert play.screens.toasts[-1] == "They do not share that with you."
    looked = [row.action for row in play.rows(select(t.audit_log).where(t.audit_log.c.actor_id == id_of(play, ana)))]
    assert looked.count("answers") == 2  # refused, then seen


async def test_a_parent_of_an_adult_sees_nothing_unless_they_are_let(play: Play) -> None:
    """Of a child it is when the sessions were; below thirteen the plan, too."""
    ana, mira = await coached(play)
    paula = await parent(play, "Paula", mira, ana)
    await paula.press_data(button(play, mira, "attendance"))
    assert play.screens.toasts[-1] == "They do not share that with you."
    for year, seen in ((2010, {"Attendance"}), (2015, {"Attendance", "Plan"})):
        set_of(play, mira, birth_year=year)
        await play.script("Paula: /family\nPaula: [Mira]")
        labels = set(paula.newest_with_buttons().buttons)
        assert labels & {"Summary", "Plan", "Answers", "Ratings", "Attendance", "My notes"} == seen


async def test_a_coachs_notes_are_their_own(play: Play) -> None:
    """Neither the coachee, nor another coach, nor an operator, nor the next coach reads them."""
    ana, mira = await coached(play)
    ben = await coach(play, "Ben")
    olga = play.coachee("Olga")
    await olga.press_data(button(play, mira, "assist", ben))
    await play.script(
        """
        Ana: /coachees
        Ana: [Mira]
        Ana: [My notes]
        coach: Nobody else reads them
        Ana: [Add a note]
        Ana: she looks at the door when school comes up
        coach: The note about Mira is kept
        Ana: [My notes]
        coach: she looks at the door
        """
    )
    await ben.press_data(button(play, mira, "notes"))
    assert "look at the door" not in texts(ben)
    assert "There is nothing yet" in ben.screen[-1].text
    for person in (olga, mira):
        await person.press_data(button(play, mira, "notes"))
    await means(olga, button(play, mira, "end", ana))
    await ana.press_data(button(play, mira, "notes"))
    assert all("door" not in texts(person) for person in (ben, olga, mira))
    assert texts(ana).count("she looks at the door") == 1
    await play.script("Ana: hello")


async def test_a_note_that_is_too_long_or_empty_is_not_kept(play: Play) -> None:
    """It says so, and what to do."""
    ana, mira = await coached(play)
    await ana.press_data(button(play, mira, "note"))
    await ana.says("x" * 20000)
    assert "at most 4000 characters" in ana.screen[-1].text
    assert not play.rows(select(t.coach_notes))


async def test_a_coach_whose_time_is_over_while_they_write_keeps_no_note(play: Play) -> None:
    """Whether one may is asked when the words come."""
    ana, mira = await coached(play)
    await ana.press_data(button(play, mira, "note"))
    await means(play.coachee("Olga"), button(play, mira, "end", ana))
    await ana.says("something about Mira")
    assert not play.rows(select(t.coach_notes))
    assert [row.action for row in refusals(play)] == ["note"]


# ---- several roles, reach, a person


async def test_a_person_of_two_roles_switches_the_view(play: Play) -> None:
    """Each role has its menu; a role that is not theirs has none."""
    ana, _ = await coached(play)
    await play.script(
        """
        Ana: /start
        coach: You coach one person.
        Ana: [My coaching]
        buttons: Start a session | My plan | Settings | Help | As a coach
        Ana: [As a coach]
        """
    )
    await ana.press_data("m:1:as_operator")
    assert [row.reason for row in refusals(play)] == ["unknown"]


async def test_the_coach_is_told_once_that_somebody_cannot_be_reached(play: Play) -> None:
    """And nothing more is sent there until they are back."""
    ana, mira = await coached(play)
    play.screens.blocked.add(mira.chat_id)
    await mira.says("/help")
    assert texts(ana).count("I cannot reach Mira any more") == 1
    sent = len(mira.screen)
    await means(play.coachee("Olga"), button(play, mira, "end", ana))
    assert len(mira.screen) == sent
    play.screens.blocked.clear()
    await play.script("Mira: /start\ncoach: Mira")


async def test_a_person_asks_for_a_person(play: Play) -> None:
    """The coach is told; without one the operators are; without anybody that is said."""
    ana, mira = await coached(play)
    await play.script("Mira: /human\ncoach: I told Ana")
    assert "Mira asks to talk with a person" in texts(ana)
    nina = await arrived(play, "Nina")
    await play.script("Nina: /human\ncoach: I told Olga")
    assert "Nina asks to talk" in texts(play.coachee("Olga"))
    assert nina.name not in texts(mira)


async def test_an_operator_finds_people(play: Play) -> None:
    """By a part of the name, whatever its case, or by the Telegram number; names are no markup and no pattern."""
    for name in ("Ärne 100%", "<b>Bo_b</b>", "İpek"):
        await arrived(play, name)
    for sought, found in (("ärne", "Ärne 100%"), ("100%", "Ärne 100%"), ("o_b", "<b>Bo_b</b>"), ("103", "İpek")):
        await play.script(f"Olga: /people {sought}\ncoach: One person found.")
        assert found in play.coachee("Olga").screen[-1].text, sought
    await play.script(
        """
        Olga: /people
        Olga: [Find]
        Olga: %
        coach: One person found.
        Olga: /people nobody of this name
        coach: 0 people found.
        """
    )


async def test_an_operator_sees_the_links_that_nobody_used(play: Play) -> None:
    """Of a person: those that they handed out, and those about them; none that is over."""
    ana, mira = await coached(play)
    await ana.press_data(button(play, mira, "parent"))
    for name in ("ana", "mira"):
        await play.script(f"Olga: /people {name}\nOlga: [{name.title()}]")
        assert "One link that nobody used yet." in play.coachee("Olga").newest_with_buttons().text
    await play.pass_time(timedelta(days=8))
    await play.script("Olga: /people mira\nOlga: [Mira]")
    assert "nobody used" not in play.coachee("Olga").newest_with_buttons().text
