"""People at the edges: what a link, a pause, a withdrawal or a late answer must not bring about."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from bot.importing import bring_in
from flows.documents import Document
from flows.events import ReflectionFailed, SummaryReady, TranscriptReady
from flows.ids import long_id
from storage import tables as t
from storage import unit_of_work
from tests.coachee import conversation, finish, walk
from tests.playbook import Coachee, Play
from tests.servers import ModelServer
from tests.summarist import stage
from tests.test_family import TO_THE_END, family, joined, minor, newcomer, standing
from tests.test_people import coached
from tests.village import COACH_LINK, accepts, arrived, button, coach, coachee, id_of, means, operator


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage with an operator, Olga."""
    async with Play(database) as made:
        await operator(made)
        yield made


def roles(play: Play, person: Coachee) -> set[str]:
    """What somebody is here as."""
    r = t.user_roles.c
    return {row.role for row in play.rows(select(r.role).where(r.user_id == id_of(play, person)))}


async def tries(person: Coachee, link: str) -> None:
    """Open a link, and say yes if one is asked."""
    await person.opens(link)
    with suppress(AssertionError):
        await person.presses("Yes, that is right")


async def link_of(play: Play, by: Coachee, invite: str = "Invite a coachee") -> str:
    """A new link by a coach."""
    await play.script(f"{by.name}: /coachees\n{by.name}: [{invite}]\ncoach: invites you to coaching")
    return by.link()


def everything(play: Play) -> str:
    """All that is kept of anybody."""
    return str([play.rows(select(table)) for table in t.metadata.sorted_tables])


# ---- links of who may not invite any more


async def test_a_revoked_operator_does_not_come_back_by_a_link_of_their_own(play: Play) -> None:
    """What an operator handed out goes with the role."""
    olga, oskar = play.coachee("Olga"), await arrived(play, "Oskar")
    await play.script("Olga: /people\nOlga: [Invite an operator]")
    await accepts(play, oskar, olga.link())
    await play.script("Oskar: /people\nOskar: [Invite an operator]")
    link = oskar.link()
    await means(olga, button(play, oskar, "revoke", "operator"))
    await tries(oskar, link)
    assert "operator" not in roles(play, oskar)


async def test_a_link_of_a_coach_who_is_one_no_more(play: Play) -> None:
    """Nobody gets a coach who is none."""
    ana = await coach(play, "Ana")
    link = await link_of(play, ana)
    await means(play.coachee("Olga"), button(play, ana, "revoke", "coach"))
    await tries(await arrived(play, "Mira"), link)
    assert not play.rows(select(t.coach_coachee_mappings))


async def test_a_former_coach_makes_nobody_a_parent(play: Play) -> None:
    """A link for a parent goes with what let the coach make it."""
    ana = await coach(play, "Ana")
    mira = await coachee(play, "Mira", ana)
    await ana.press_data(button(play, mira, "parent"))
    link = ana.link()
    await means(play.coachee("Olga"), button(play, mira, "end", ana))
    await tries(await arrived(play, "Eve"), link)
    assert not play.rows(select(t.guardianships))


async def test_who_was_paused_under_the_question_gets_no_role(play: Play) -> None:
    """Opened before, confirmed after."""
    olga, ben = play.coachee("Olga"), await arrived(play, "Ben")
    await play.script(COACH_LINK)
    await ben.opens(olga.link())
    await means(olga, button(play, ben, "off"))
    await ben.presses("Yes, that is right")
    assert "coach" not in roles(play, ben)


# ---- what comes after a withdrawal


async def test_a_summary_that_is_ready_after_the_withdrawal(play: Play) -> None:
    """It is neither kept nor shown."""
    mira, paula = await family(play)
    await mira.says("/session")
    await finish(play, mira)
    [row] = play.rows(select(t.summaries))
    await means(paula, button(play, mira, "withdraw"))
    seen = len(mira.screen)
    document = msgspec.convert(row.document, Document).evolve(theme="another")
    await play.happens(
        SummaryReady(id=play.next_id(), chat_id=mira.chat_id, session_id=row.session_id, document=document)
    )
    assert len(mira.screen) == seen
    assert len(play.rows(select(t.summaries))) == 1


async def test_a_transcript_that_is_ready_after_the_withdrawal(play: Play) -> None:
    """The same of what was heard."""
    mira, paula = await family(play)
    await play.script("Mira: /session\nMira: 7")
    await means(paula, button(play, mira, "withdraw"))
    seen = len(mira.screen)
    heard = {"text": "my secret words", "source": 5, "step": "emotional_state", "index": 0}
    await play.happens(TranscriptReady(id=play.next_id(), chat_id=mira.chat_id, **heard))  # type: ignore[arg-type]
    assert len(mira.screen) == seen
    assert "secret words" not in everything(play)


async def test_no_model_is_called_after_the_withdrawal(database: str) -> None:
    """A summary that was asked for before it is not sent to the model after it."""
    async with ModelServer() as model, stage(database, model) as play:
        await operator(play)
        mira, paula = await family(play)
        await mira.says("/session")
        await walk(play, mira, "feedback")

        async def dies(_: object) -> None:
            """The process ends before the request is carried out."""

        play.core.performer.request = dies
        await walk(play, mira)
        await means(paula, button(play, mira, "withdraw"))
        before = len(model.requests)
        await play.restart()
        await play.pass_time(timedelta(hours=1))
        assert len(model.requests) == before


async def test_no_question_is_put_after_the_withdrawal(database: str) -> None:
    """The model was still listening when the agreement was taken back."""
    async with ModelServer() as model, stage(database, model) as play:
        await operator(play)
        mira, paula = await family(play)
        await mira.says("/session")
        await walk(play, mira, "problem_statement")

        async def listens(_: object) -> None:
            """It does not answer yet."""

        play.core.performer.request = listens
        await mira.says("that i get stuck when everybody looks at me")
        number = conversation(play, mira).asked
        assert conversation(play, mira).holding == "reflection"
        await means(paula, button(play, mira, "withdraw"))
        seen = len(mira.screen)
        await play.happens(ReflectionFailed(id=play.next_id(), chat_id=mira.chat_id, number=number))
        assert len(mira.screen) == seen


# ---- how old somebody is, and who agrees


async def test_a_parents_link_in_the_middle_does_not_save_the_question_for_the_year(play: Play) -> None:
    """Who came as a coachee is asked, whatever else they are made on the way in."""
    ana = await coach(play, "Ana")
    tom = await coachee(play, "Tom", ana)
    kid = newcomer(play, "Kid")
    await kid.opens(await link_of(play, ana))
    await kid.presses("Yes, that is right")
    await tom.press_data(button(play, tom, "parent"))
    await joined(play, kid, tom.link())
    await kid.says("/session")
    assert not play.rows(select(t.coaching_sessions))


async def test_who_came_as_a_parent_is_asked_before_a_session_of_their_own(play: Play) -> None:
    """Nobody knows how old they are."""
    tom, kid = await arrived(play, "Tom"), newcomer(play, "Kid")
    await tom.press_data(button(play, tom, "parent"))
    await joined(play, kid, tom.link())
    await kid.says("/session")
    assert not play.rows(select(t.coaching_sessions))


async def test_a_child_who_waits_is_not_let_in_by_a_pause(play: Play) -> None:
    """Also where another link made them something else besides."""
    mira, olga = await minor(play), play.coachee("Olga")
    await play.script(COACH_LINK)
    await mira.opens(olga.link())
    assert "one has to be 18 or older" in mira.screen[-1].text
    await means(olga, button(play, mira, "off"))
    await olga.press_data(button(play, mira, "on"))
    assert standing(play, mira) == "waiting"


async def test_who_may_agree_alone_takes_part_again_after_a_pause(play: Play) -> None:
    """Sixteen in Germany: nobody has to agree, and the reminders go on."""
    tom, olga = newcomer(play, "Tom"), play.coachee("Olga")
    await tom.says("/start")
    await tom.presses("English")
    await play.script(TO_THE_END.format(name="Tom"))
    await play.script("Tom: 2009")
    assert standing(play, tom) == "active"
    await means(olga, button(play, tom, "off"))
    await olga.press_data(button(play, tom, "on"))
    assert standing(play, tom) == "active"


async def test_one_parent_is_none_any_more_and_the_other_agreed(play: Play) -> None:
    """An operator takes one parent's role; the other one's agreement goes on holding."""
    mira, paula = await family(play)
    await mira.press_data(button(play, mira, "parent"))
    rita = newcomer(play, "Rita")
    await joined(play, rita, mira.link())
    await rita.press_data(button(play, mira, "agree"))
    await means(play.coachee("Olga"), button(play, paula, "revoke", "parent"))
    assert standing(play, mira) == "active"


async def test_a_parent_who_is_paused_can_still_take_the_agreement_back(play: Play) -> None:
    """At any time, whatever an operator thinks of them."""
    mira, paula = await family(play)
    await means(play.coachee("Olga"), button(play, paula, "off"))
    await means(paula, button(play, mira, "withdraw"))
    assert standing(play, mira) == "waiting"


async def test_the_year_and_the_agreement_at_the_same_moment(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL: the child's year is decided on what was there before the parent agreed. They wait for ever."""
    if database.startswith("sqlite"):
        pytest.skip("one writer")
    async with Play(database) as play:
        await operator(play)
        ana, mira, paula = await coach(play, "Ana"), newcomer(play, "Mira"), newcomer(play, "Paula")
        await mira.opens(await link_of(play, ana))
        await play.script("Mira: [Yes, that is right]")
        await ana.press_data(button(play, mira, "parent"))
        await joined(play, paula, ana.link())
        await play.script("Mira: [English]")
        await play.script(TO_THE_END.format(name="Mira"))
        loaded, agreed, load = threading.Event(), threading.Event(), unit_of_work.load

        def slowly(connection: Any, events: Sequence[Any], needs: Any, now: Any) -> Any:
            chats = load(connection, events, needs, now)
            if any(event.chat_id == mira.chat_id for event in events) and not loaded.is_set():
                loaded.set()
                agreed.wait(3)
            return chats

        monkeypatch.setattr(unit_of_work, "load", slowly)
        await mira.says("2013")
        year = asyncio.ensure_future(mira.says("2013"))
        await asyncio.to_thread(loaded.wait, 5)
        agreement = asyncio.ensure_future(paula.press_data(button(play, mira, "agree")))
        await asyncio.wait({agreement}, timeout=2)
        agreed.set()
        await asyncio.gather(year, agreement)
        await mira.says("/start")
        assert standing(play, mira) == "active"


async def test_a_withdrawn_child_is_not_purged_as_somebody_who_never_came(play: Play) -> None:
    """A parent agreed once: they did get in, and were told that they are written to when it is agreed again."""
    mira, paula = await family(play)
    await means(paula, button(play, mira, "withdraw"))
    await play.pass_time(timedelta(days=40))
    await play.core.chores.purge()
    assert play.rows(select(t.users).where(t.users.c.telegram_id == mira.chat_id))


# ---- two links on the way in


async def test_no_to_a_second_link_leaves_the_first_as_it_is(database: str) -> None:
    """By invitation only: who was let in by one link is not sent away by saying no to another."""
    async with Play(database, access="invite") as play:
        await operator(play)
        ana, ben = await coach(play, "Ana"), await coach(play, "Ben")
        mira = newcomer(play, "Mira")
        await mira.opens(await link_of(play, ana))
        await mira.presses("Yes, that is right")
        await mira.opens(await link_of(play, ben))
        await mira.presses("No")
        await mira.says("/start")
        assert "by invitation" not in mira.screen[-1].text


async def test_a_coach_who_says_no_to_a_second_link_is_still_a_coach(play: Play) -> None:
    """They are not asked for a year, nor made a coachee."""
    olga, ana = play.coachee("Olga"), newcomer(play, "Ana")
    await play.script(COACH_LINK)
    first = olga.link()
    await play.script(COACH_LINK)
    await ana.opens(first)
    await ana.presses("Yes, that is right")
    await ana.opens(olga.link())
    await play.script("Ana: [No]\nAna: [English]")
    await play.script(TO_THE_END.format(name="Ana"))
    assert standing(play, ana) == "active"


async def test_a_second_link_of_ones_own_coach_changes_nothing(play: Play) -> None:
    """The primary coach stays the primary coach."""
    ana = await coach(play, "Ana")
    mira = await coachee(play, "Mira", ana)
    await accepts(play, mira, await link_of(play, ana))
    [tie] = play.rows(select(t.coach_coachee_mappings))
    assert (tie.kind, tie.active) == ("primary", True)


async def test_a_yes_of_another_day_ends_nothing_that_began_since(play: Play) -> None:
    """The coach was asked, left it, lost the coachee and got them back; the old card's Yes is old."""
    ana, ben, olga = await coach(play, "Ana"), await coach(play, "Ben"), play.coachee("Olga")
    mira = await coachee(play, "Mira", ana)
    await play.script("Ana: /coachees\nAna: [Mira]\nAna: [End the coaching]")
    yes = ana.newest_with_buttons().buttons["Yes"]
    await olga.press_data(button(play, mira, "assign", ben))
    await olga.press_data(button(play, mira, "assign", ana))
    await play.pass_time(timedelta(days=5))
    await ana.press_data(yes)
    ties = {row.coach_id: row.active for row in play.rows(select(t.coach_coachee_mappings))}
    assert ties[id_of(play, ana)]


# ---- people who are left alone


async def test_somebody_hears_a_child_who_asks_for_a_human(play: Play) -> None:
    """Their coach is paused, or cannot be reached: the operators are asked."""
    ana, olga = await coach(play, "Ana"), play.coachee("Olga")
    mira = await coachee(play, "Mira", ana)
    await means(olga, button(play, ana, "off"))
    seen = len(olga.screen)
    await mira.says("/human")
    assert len(olga.screen) > seen


async def test_who_is_named_is_who_was_told(play: Play) -> None:
    """Ana is paused, Ben hears it."""
    ana, ben, olga = await coach(play, "Ana"), await coach(play, "Ben"), play.coachee("Olga")
    mira = await coachee(play, "Mira", ana)
    await olga.press_data(button(play, mira, "assist", ben))
    await means(olga, button(play, ana, "off"))
    await mira.says("/human")
    assert "I told Ben" in mira.screen[-1].text


async def test_a_coach_hears_that_a_parent_agreed(play: Play) -> None:
    """As they were told they would."""
    ana, mira, paula = await coach(play, "Ana"), newcomer(play, "Mira"), newcomer(play, "Paula")
    await mira.opens(await link_of(play, ana))
    await play.script("Mira: [Yes, that is right]\nMira: [English]")
    await play.script(TO_THE_END.format(name="Mira"))
    await play.script("Mira: 2013\nMira: 2013")
    assert "You will hear when they have agreed" in ana.screen[-1].text
    seen = len(ana.screen)
    await joined(play, paula, mira.link())
    await paula.press_data(button(play, mira, "agree"))
    assert len(ana.screen) > seen


async def test_who_is_here_and_becomes_a_parent_sees_the_child(play: Play) -> None:
    """The card that follows the yes is of how things stand after it."""
    mira, paula = await minor(play), await arrived(play, "Paula")
    await accepts(play, paula, mira.link())
    assert "Mira" in paula.newest_with_buttons().buttons


async def test_imported_people_are_there_when_they_come(play: Play, tmp_path: Path) -> None:
    """A file in July, the first session in September."""
    ana = await coach(play, "Ana")
    file = tmp_path / "people.csv"
    file.write_text(f"telegram_id,name,role,coach_telegram_id\n501,Kid,coachee,{ana.chat_id}\n")
    bring_in(play.core.engine, file, apply=True, ages={}, clock=play.clock)
    await play.pass_time(timedelta(days=45))
    await play.core.chores.purge()
    assert play.rows(select(t.users).where(t.users.c.telegram_id == 501))


async def test_an_imported_coach_reads_what_this_is_before_they_are_in(play: Play, tmp_path: Path) -> None:
    """They are asked where they are, not how old; the menu of a coach and its commands are at the end."""
    ana = newcomer(play, "Ana")
    file = tmp_path / "people.csv"
    file.write_text(f"telegram_id,name,role\n{ana.chat_id},Ana,coach\n")
    bring_in(play.core.engine, file, apply=True, ages={}, clock=play.clock)
    await play.script(
        """
        Ana: /coachees
        coach: Where are you?
        Ana: [Berlin]
        Ana: [Yes]
        coach: I am a machine
        Ana: [I understand]
        coach: Invite a coachee
        Ana: /coachees
        coach: Invite a coachee
        """
    )
    assert standing(play, ana) == "active"
    assert roles(play, ana) == {"coach"}
    assert "coachees" in play.screens.commands[ana.chat_id]


async def test_who_is_sent_away_is_told_the_truth(database: str) -> None:
    """By invitation only: "nothing of you is kept here" is said to nobody of whom there is a row."""
    async with Play(database, access="invite") as play:
        await operator(play)
        ana = newcomer(play, "Ana")
        await play.script(COACH_LINK)
        await ana.opens(play.coachee("Olga").link())
        await play.script("Ana: [No]")
        kept = play.rows(select(t.users).where(t.users.c.telegram_id == ana.chat_id))
        assert not kept or "Nothing of you is kept" not in ana.screen[-1].text


# ---- old cards


async def test_a_button_of_a_card_that_is_a_month_old(play: Play) -> None:
    """It does what it says, or says that it does not; it is not silent."""
    mira = await arrived(play, "Mira")
    await mira.says("/start")
    card = mira.screen[-1]
    data = card.buttons["Settings"]
    await play.pass_time(timedelta(days=31))
    await play.core.chores.prune()
    await play.restart()
    before = (len(mira.screen), card.edits, play.screens.toasts[-1:])
    await mira.press_data(data)
    assert (len(mira.screen), card.edits, play.screens.toasts[-1:]) != before
    assert len(mira.screen) > before[0] or card.edits > before[1] or play.screens.toasts[-1]


async def test_a_card_with_a_number_of_six_digits(play: Play) -> None:
    """Its buttons work like those of all others."""
    mira, c = await arrived(play, "Mira"), t.conversations.c
    olga = play.coachee("Olga")
    with play.core.engine.begin() as connection:
        state = dict(connection.execute(select(c.state).where(c.chat_id == olga.chat_id)).scalar_one())
        connection.execute(
            update(t.conversations).where(c.chat_id == olga.chat_id).values(state={**state, "cards": 123456})
        )
    await play.restart()
    await play.script(f"Olga: /people\nOlga: [{mira.name}]")
    assert "does not work any more" not in play.screens.toasts[-1]


async def test_what_a_withdrawn_child_is_told_does_not_depend_on_the_button(play: Play) -> None:
    """An old answer button is told the same as words are."""
    mira, paula = await family(play)
    await mira.says("/session")
    data = next(iter(mira.newest_with_buttons().buttons.values()))
    await means(paula, button(play, mira, "withdraw"))
    await mira.says("hello")
    told = mira.screen[-1].text
    await mira.press_data(data)
    assert mira.screen[-1].text == told


async def test_an_unanswered_link_does_not_take_a_coachs_buttons(play: Play) -> None:
    """A link that was looked at and left stands in the way of nothing."""
    ana, mira = await coached(play)
    await play.script("Olga: /people\nOlga: [Invite an operator]")
    await ana.opens(play.coachee("Olga").link())  # looks at it, and leaves it
    seen = len(ana.screen)
    await ana.press_data(button(play, mira, "card"))
    assert any("Mira" in s.text for s in ana.screen[seen:])


async def test_an_unanswered_link_does_not_empty_an_operators_list(play: Play) -> None:
    """Nor of a search."""
    olga = play.coachee("Olga")
    await coached(play)
    await play.script("Olga: /people\nOlga: [Invite a coach]")
    await olga.opens(olga.link())
    seen = len(olga.screen)
    await olga.says("/people Mira")
    assert any("Mira" in str(s.buttons) for s in olga.screen[seen:])


async def test_a_link_that_runs_out_under_the_question(play: Play) -> None:
    """The way in goes on without it."""
    await play.script("Olga: /people\nOlga: [Invite a coach]")
    kid = newcomer(play, "Kid")
    await kid.opens(play.coachee("Olga").link())
    await play.pass_time(timedelta(days=40))
    await play.script("Kid: hi\ncoach: This link does not work any more")
    assert "Español" in kid.newest_with_buttons().buttons


async def test_an_operator_who_mistypes_the_year(play: Play) -> None:
    """A year that would shut them out is asked for once more; who does not want to say it goes on as they were."""
    await play.script("Olga: /people\nOlga: [Invite an operator]")
    otto = newcomer(play, "Otto")
    await joined(play, otto, play.coachee("Olga").link())
    await play.script(
        """
        Otto: /session
        coach: In which year were you born?
        Otto: 2012
        coach: You wrote 2012. If that is right, write it once more
        Otto: /cancel
        coach: You look after who is here.
        Otto: /session
        Otto: 1992
        coach: Step 1 of 5
        """
    )
    assert standing(play, otto) == "active"


async def test_a_child_who_is_a_parent_agrees_for_another_child(play: Play) -> None:
    """Who is under age is nobody's parent here, whatever they said yes to before."""
    ana = await coach(play, "Ana")
    tom = await minor(play)  # waits
    kid = newcomer(play, "Kid")
    await play.script("Ana: /coachees\nAna: [Invite a coachee]\ncoach: invites you to coaching")
    await kid.opens(ana.link())
    await kid.presses("Yes, that is right")
    await kid.opens(tom.link())
    await kid.presses("Yes, that is right")
    await kid.presses("English")
    await play.script(TO_THE_END.format(name="Kid"))
    await play.script("Kid: 2012\nKid: 2012")
    paula = await arrived(play, "Paula")
    await accepts(play, paula, kid.link())
    await paula.press_data(button(play, kid, "agree"))
    await kid.press_data(button(play, tom, "agree"))
    assert standing(play, tom) == "waiting"
    assert "parent" not in roles(play, kid)


async def test_taking_back_a_link_takes_that_link_back(play: Play) -> None:
    """Olga looked at one of her links herself; then she takes another one back."""
    olga = play.coachee("Olga")
    await play.script(COACH_LINK)
    first = olga.link()
    await play.script(COACH_LINK)
    second = [d for s in olga.screen for d in s.buttons.values() if d.endswith(":void")][-1]
    await olga.opens(first)
    await olga.press_data(second)
    rows = play.rows(select(t.invites.c.id, t.invites.c.revoked_at))
    revoked = [row.id for row in rows if row.revoked_at is not None]
    assert revoked in ([], [long_id(second.split(":")[2])])


async def test_a_parent_who_is_asked_for_their_year_can_withdraw(play: Play) -> None:
    """At any time."""
    mira, paula = await family(play)
    await paula.says("/session")
    await means(paula, button(play, mira, "withdraw"))
    assert standing(play, mira) == "waiting"


async def test_an_unanswered_link_does_not_keep_a_parent_from_agreeing(play: Play) -> None:
    """Nor of an agreement."""
    mira = await minor(play)
    paula = newcomer(play, "Paula")
    await joined(play, paula, mira.link())
    await mira.says("hello")
    await mira.presses("A new link")
    await paula.opens(mira.link())  # the second link of an impatient child, left unanswered
    await paula.press_data(button(play, mira, "agree"))
    assert standing(play, mira) == "active"
