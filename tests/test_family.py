"""Children and parents: an agreement before anything is kept, taken back at any time; newcomers come by a link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from storage import tables as t
from tests.coachee import finish, step
from tests.playbook import Coachee, Play
from tests.test_people import texts
from tests.village import COACH_LINK, arrived, button, everything_in, held, id_of, means, operator, refusals

TO_THE_END = """
    {name}: [Berlin]
    {name}: [Yes]
    {name}: [I understand]
"""


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage with an operator, Olga; all others come as people come in Telegram."""
    async with Play(database) as made:
        await operator(made)
        yield made


def newcomer(play: Play, name: str) -> Coachee:
    """Somebody who has never been here."""
    return play.coachee(name, vouched=False)


async def minor(play: Play) -> Coachee:
    """Mira, 13, who came alone and has a link for a parent."""
    mira = newcomer(play, "Mira")
    await mira.says("/start")
    await mira.presses("English")
    await play.script(TO_THE_END.format(name="Mira"))
    await play.script("Mira: 2012\ncoach: write it once more\nMira: 2012\ncoach: a parent has to agree")
    return mira


async def joined(play: Play, person: Coachee, link: str) -> None:
    """Open a link as a newcomer, say yes, and go the rest of the way in."""
    await person.opens(link)
    await person.presses("Yes, that is right")
    await person.presses("English")
    await play.script(TO_THE_END.format(name=person.name))


def standing(play: Play, person: Coachee) -> str:
    """How somebody stands."""
    [row] = play.rows(select(t.users.c.standing).where(t.users.c.telegram_id == person.chat_id))
    found: str = row.standing
    return found


async def family(play: Play) -> tuple[Coachee, Coachee]:
    """Mira, and Paula who came by her link and agreed."""
    mira, paula = await minor(play), newcomer(play, "Paula")
    await joined(play, paula, mira.link())
    await play.script(
        """
        Paula: /family
        coach: One child is linked to you.
        Paula: [Mira]
        Paula: [Read and decide]
        Paula: [I agree]
        """
    )
    return mira, paula


async def test_a_newcomer_joins_as_coach_by_a_link(play: Play) -> None:
    """The link is asked about first, then the way in without a year of birth; the coach's menu is at its end."""
    ana = newcomer(play, "Ana")
    await play.script(COACH_LINK)
    await ana.opens(play.coachee("Olga").link())
    assert ana.screen[-1].text.startswith("You are joining as coach, invited by Olga. For this you have to be 18")
    assert not play.rows(select(t.user_roles).where(t.user_roles.c.role == "coach"))
    await play.script(
        f"""
        Ana: [Yes, that is right]
        Ana: [English]
        {TO_THE_END.format(name="Ana")}
        coach: Invite a coachee
        buttons: Coachees | Sessions | Invite a coachee | Settings | Help
        """
    )
    assert standing(play, ana) == "active"
    assert play.screens.commands[ana.chat_id][:2] == ("start", "coachees")


async def test_a_newcomer_who_says_no_comes_in_as_anybody(play: Play) -> None:
    """The link goes on working for who it was meant for."""
    ana = newcomer(play, "Ana")
    await play.script(COACH_LINK)
    await ana.opens(play.coachee("Olga").link())
    await play.script("Ana: [No]\ncoach: Which language")
    assert not play.rows(select(t.invites).where(t.invites.c.used_at.is_not(None)))


async def test_by_invitation_only(database: str) -> None:
    """Nobody is met without a link, nor by one that is void; who says no to it stays outside."""
    async with Play(database, access="invite") as play:
        await operator(play)
        ana, ben = newcomer(play, "Ana"), newcomer(play, "Ben")
        await ben.says("/start")
        await ben.says("/start " + "x" * 43)
        assert "invitation" in texts(ben)
        assert not play.rows(select(t.users).where(t.users.c.telegram_id == ben.chat_id))
        await play.script(COACH_LINK)
        await ana.opens(play.coachee("Olga").link())
        await play.script("Ana: [No]\ncoach: invitation\nAna: hello\ncoach: invitation")
        await joined(play, ana, play.coachee("Olga").link())
        assert standing(play, ana) == "active"
        await play.script("Ana: /session")
        assert not play.rows(select(t.coaching_sessions))


async def test_a_minor_begins_when_a_parent_has_agreed(play: Play) -> None:
    """From the child's link to the first question, as each of the two sees it."""
    mira, paula = await family(play)
    assert standing(play, mira) == "active"
    assert "You joined as parent of Mira, invited by Mira." in texts(paula)
    await play.script(
        """
        Mira: [Start a session]
        coach: Step 1 of 5
        """
    )
    [row] = play.rows(select(t.guardianships))
    assert row.agreed_at == play.clock.now()
    log = [
        (r.action, r.outcome)
        for r in play.rows(select(t.audit_log).where(t.audit_log.c.actor_id == id_of(play, paula)))
    ]
    assert ("agree", "done") in log


async def test_without_an_agreement_a_minor_waits(play: Play) -> None:
    """A parent who is linked has not agreed yet; one who says not now has not either."""
    mira, paula = await minor(play), newcomer(play, "Paula")
    await joined(play, paula, mira.link())
    await play.script(
        """
        Paula: /family
        Paula: [Mira]
        Paula: [Read and decide]
        Paula: [Not now]
        Mira: /session
        coach: parent
        """
    )
    assert standing(play, mira) == "waiting"
    assert not play.rows(select(t.coaching_sessions))


async def test_a_parent_takes_the_agreement_back_in_the_middle(play: Play) -> None:
    """The child stops at once, is told, and keeps what was said; agreed again, it goes on where it was."""
    mira, paula = await family(play)
    await play.script("Mira: /session\nMira: [7]")
    assert step(play, mira) == "emotional_state"
    answers = play.rows(select(t.stage_responses))
    await play.script(
        """
        Paula: /family
        Paula: [Mira]
        Paula: [Take my agreement back]
        Paula: [Yes]
        Mira: a bit tired, and this is a secret
        coach: parent
        """
    )
    assert "Paula took their agreement back" in texts(mira)
    assert play.rows(select(t.stage_responses)) == answers
    assert "this is a secret" not in everything_in(play)
    await paula.press_data(button(play, mira, "agree"))
    await play.script("Mira: /session\nMira: a bit tired")
    assert play.rows(select(t.stage_responses)) != answers


async def test_reminders_wait_while_there_is_no_agreement(play: Play) -> None:
    """None is sent to a child whose parent took the agreement back; they are there when it is given again."""
    mira, paula = await family(play)
    await mira.says("/session")
    await finish(play, mira)
    await means(paula, button(play, mira, "withdraw"))
    seen = len(mira.screen)
    await play.pass_time(timedelta(days=10))
    assert len(mira.screen) == seen
    await paula.press_data(button(play, mira, "agree"))
    await play.pass_time(timedelta(days=3))
    assert len(mira.screen) > seen + 1


async def test_two_parents_and_one_takes_it_back(play: Play) -> None:
    """One agreement is enough."""
    mira, paula = await family(play)
    await mira.press_data(button(play, mira, "parent"))
    rita = newcomer(play, "Rita")
    await joined(play, rita, mira.link())
    await rita.press_data(button(play, mira, "agree"))
    await means(paula, button(play, mira, "withdraw"))
    assert standing(play, mira) == "active"
    await means(rita, button(play, mira, "leave"))
    assert standing(play, mira) == "waiting"
    before = held(play)
    await rita.press_data(button(play, mira, "agree"))
    assert held(play) == before
    assert refusals(play)[-1].reason == "relation"


async def test_a_parent_who_agreed_before_the_child_came(play: Play) -> None:
    """A coach may invite both; whoever comes first, the child does not wait twice."""
    ana, mira, paula = newcomer(play, "Ana"), newcomer(play, "Mira"), newcomer(play, "Paula")
    await play.script(COACH_LINK)
    await joined(play, ana, play.coachee("Olga").link())
    await play.script("Ana: /coachees\nAna: [Invite a coachee]\ncoach: invites you to coaching")
    await mira.opens(ana.link())
    await play.script("Mira: [Yes, that is right]")
    await ana.press_data(button(play, mira, "parent"))
    await joined(play, paula, ana.link())
    await play.script("Paula: /family\nPaula: [Mira]\nPaula: [Read and decide]\nPaula: [I agree]")
    await play.script("Mira: [English]")
    await play.script(TO_THE_END.format(name="Mira"))
    await play.script("Mira: 2013\nMira: 2013\ncoach: Mira")
    assert standing(play, mira) == "active"
    assert "Mira" in texts(ana)


OWN = "Take my agreement back | I am not their parent | Sessions | Cancellations | Family | Menu"
"""What a parent's card of a child has besides what the child shares."""


async def test_a_parents_screen_says_what_they_may_read(play: Play) -> None:
    """Of a child of 13 it is when the sessions were; more if the child lets them."""
    await family(play)
    await play.script(
        f"""
        Paula: /family
        Paula: [Mira]
        buttons: Attendance | {OWN}
        Paula: [Attendance]
        coach: There is nothing yet
        Mira: /settings
        Mira: [Who sees what]
        Mira: [Parents: plan]
        Paula: /family
        Paula: [Mira]
        buttons: Plan | Attendance | {OWN}
        """
    )


async def test_somebody_elses_parent(play: Play) -> None:
    """A parent of another family sees and does nothing here."""
    mira, _ = await family(play)
    sam, tom = newcomer(play, "Sam"), await arrived(play, "Tom")
    await tom.press_data(button(play, tom, "parent"))
    await joined(play, sam, tom.link())
    before = held(play)
    for act in ("card", "attendance", "terms", "agree", "withdraw", "withdraw?", "leave"):
        await sam.press_data(button(play, mira, act))
    assert held(play) == before
    assert [row.reason for row in refusals(play)] == ["relation"] * 7


async def test_a_parent_who_is_forgotten_takes_the_agreement_with_them(play: Play) -> None:
    """The child stops, is told without a name, and another parent can agree."""
    mira, _ = await family(play)
    await play.script("Paula: /delete\nPaula: [Yes, forget me]\n-- 8 days")
    assert standing(play, mira) == "waiting"
    assert "The parent who agreed that you take part is not here any more" in texts(mira)
    await play.script("Mira: /session\ncoach: parent")
