"""What holds between people whatever happens at the same moment, and whichever way it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from flows.events import AnyEvent, ChatBlocked, TextSent, TranscriptReady
from flows.state import Chat, Keeping
from storage import people
from storage import tables as t
from storage.personal import Tombstone, apply_tombstones, erase
from storage.retention import purge
from storage.unit_of_work import Settled
from tests.playbook import Coachee, Play
from tests.test_family import family, joined, minor, newcomer, standing
from tests.test_people import coached
from tests.village import COACH_LINK, accepts, arrived, button, id_of, means, operator, parent, refusals


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage with an operator, Olga."""
    async with Play(database) as made:
        await operator(made)
        yield made


def roles(play: Play, person: object) -> set[str]:
    """The roles of somebody."""
    r = t.user_roles.c
    return {row.role for row in play.rows(select(r.role).where(r.user_id == id_of(play, person)))}  # type: ignore[arg-type]


async def second_operator(play: Play) -> object:
    """Otto, whom Olga invited as operator."""
    otto = await arrived(play, "Otto")
    await play.script("Olga: /people\nOlga: [Invite an operator]")
    await accepts(play, otto, play.coachee("Olga").link())
    assert "operator" in roles(play, otto)
    return otto


async def test_a_revoked_operator_cannot_come_back_by_a_link_of_their_own(play: Play) -> None:
    """A link is worth what its maker may still do when it is used."""
    otto = await second_operator(play)
    await otto.press_data("p:0::invite:operator")  # type: ignore[attr-defined]
    link = otto.link()  # type: ignore[attr-defined]
    await means(play.coachee("Olga"), button(play, otto, "revoke", "operator"))  # type: ignore[arg-type]
    assert "operator" not in roles(play, otto)
    await otto.opens(link)  # type: ignore[attr-defined]
    if "Yes, that is right" in otto.screen[-1].buttons:  # type: ignore[attr-defined]
        await otto.presses("Yes, that is right")  # type: ignore[attr-defined]
    assert "operator" not in roles(play, otto)


async def test_a_former_coach_has_no_parent_linked_to_their_former_coachee(play: Play) -> None:
    """A coach who was let go loses what they could do at once, also by a link made before."""
    ana, mira = await coached(play)
    await ana.press_data(button(play, mira, "parent"))
    link = ana.link()
    await means(play.coachee("Olga"), button(play, mira, "end", ana))
    zoe = await arrived(play, "Zoe")  # Ana's other account
    await zoe.opens(link)
    if "Yes, that is right" in zoe.screen[-1].buttons:
        await zoe.presses("Yes, that is right")
    assert not play.rows(select(t.guardianships).where(t.guardianships.c.active))


async def test_who_was_deactivated_gets_no_role_by_an_open_card(play: Play) -> None:
    """Who takes no part cannot answer a link that they opened before."""
    await play.script("Olga: /people\nOlga: [Invite an operator]")
    otto = await arrived(play, "Otto")
    await otto.opens(play.coachee("Olga").link())
    await means(play.coachee("Olga"), button(play, otto, "off"))
    assert standing(play, otto) == "inactive"
    await otto.presses("Yes, that is right")
    assert "operator" not in roles(play, otto)


async def test_a_child_goes_on_by_the_other_parent_when_one_has_the_role_no_more(play: Play) -> None:
    """One agreement is enough, however the other ends."""
    mira, _ = await family(play)
    sam = await parent(play, "Sam", mira, mira)
    await means(sam, button(play, mira, "leave"))
    sam = await parent(play, "Sam", mira, mira)
    g = t.guardianships.c
    with play.core.engine.begin() as connection:
        connection.execute(update(t.guardianships).where(g.active).values(agreed_at=play.clock.now()))
    await means(play.coachee("Olga"), button(play, sam, "revoke", "parent"))
    assert [row.agreed_at is not None for row in play.rows(select(g.agreed_at).where(g.active))] == [True]
    assert standing(play, mira) == "active"


async def test_a_coach_who_begins_a_session_is_asked_for_their_year_of_birth(play: Play) -> None:
    """Nobody becomes a coachee of whom it is not known whether they may agree to it themselves."""
    ana = newcomer(play, "Ana")
    await play.script(COACH_LINK)
    await joined(play, ana, play.coachee("Olga").link())
    await ana.says("/session")
    [row] = play.rows(select(t.users.c.birth_year).where(t.users.c.telegram_id == ana.chat_id))
    assert row.birth_year is not None or not play.rows(select(t.coaching_sessions))


async def test_a_child_does_not_get_in_by_a_parents_link(play: Play) -> None:
    """An imported child who is 13 and opens another child's link for a parent is a child all the same."""
    tom = await minor(play)
    kid = newcomer(play, "Kid")
    await kid.says("/start")
    values = {"birth_year": 2013}
    user_id = id_of(play, kid)
    with play.core.engine.begin() as connection:  # as an import leaves a guarded child: joining, with the year
        connection.execute(update(t.users).where(t.users.c.id == user_id).values(**values))
        connection.execute(t.user_roles.insert().values(user_id=user_id, role="coachee", created_at=play.clock.now()))
    await kid.opens(tom.link())
    assert "one has to be 18 or older" in str([shown.text for shown in kid.screen])
    await kid.says("/session")
    assert standing(play, kid) != "active"
    assert not play.rows(select(t.coaching_sessions))


async def test_a_child_waits_when_the_parent_is_forgotten_again(play: Play) -> None:
    """A restored backup forgets the parent again; the agreement that goes with them counts no more."""
    mira, paula = await family(play)
    stone = Tombstone(user_id=id_of(play, paula), erased_at=play.clock.now())
    assert apply_tombstones(play.core.engine, [stone], play.clock.now()) == 1
    assert not play.rows(select(t.guardianships))
    assert standing(play, mira) == "waiting"


async def test_news_of_others_can_be_switched_off(play: Play) -> None:
    """Of a kind that is off nothing comes."""
    ana, mira = await coached(play)
    await ana.press_data("n:0:off:about_others")
    [row] = play.rows(select(t.users.c.muted).where(t.users.c.telegram_id == ana.chat_id))
    assert row.muted == ["about_others"]
    seen = len(ana.screen)
    await play.core.runner.handle(ChatBlocked(id=uuid4(), chat_id=mira.chat_id, at=play.clock.now()))
    await play.core.performer.quiet()
    assert [shown.text for shown in ana.screen[seen:]] == []


async def test_a_press_of_who_takes_no_part_is_in_the_audit_log(play: Play) -> None:
    """A forged press by somebody who was deactivated is refused with an audit row like any other."""
    ana, mira = await coached(play)
    await means(play.coachee("Olga"), button(play, ana, "off"))
    before = len(refusals(play))
    await ana.press_data(button(play, mira, "summary"))
    assert len(refusals(play)) == before + 1


async def test_imported_people_are_not_forgotten_before_they_ever_wrote(play: Play) -> None:
    """A month after an import a coachee who has not written yet is still there."""
    _, mira = await coached(play)
    long_ago, user_id = play.clock.now() - timedelta(days=31), id_of(play, mira)
    with play.core.engine.begin() as connection:
        connection.execute(
            update(t.users).where(t.users.c.id == user_id).values(standing="joining", created_at=long_ago)
        )
        connection.execute(
            update(t.conversations).where(t.conversations.c.chat_id == mira.chat_id).values(updated_at=long_ago)
        )
    purge(play.core.engine, Keeping(), play.clock.now())
    assert play.rows(select(t.coach_coachee_mappings))


async def at_the_year(play: Play, agreed: bool) -> tuple[Coachee, Coachee]:
    """Kid, who is asked for the year of birth, and Paula, a parent of his who has agreed, or has not."""
    paula, kid = await arrived(play, "Paula"), newcomer(play, "Kid")
    assert paula.chat_id % 4 != kid.chat_id % 4
    await kid.says("/start")
    await kid.presses("English")
    await play.script("Kid: [Berlin]\nKid: [Yes]\nKid: [I understand]\ncoach: year")
    now, parent_id, child_id = play.clock.now(), id_of(play, paula), id_of(play, kid)
    with play.core.engine.begin() as connection:
        connection.execute(t.user_roles.insert().values(user_id=parent_id, role="parent", created_at=now))
        connection.execute(
            t.guardianships.insert().values(
                id=uuid4(),
                parent_id=parent_id,
                child_id=child_id,
                active=True,
                updated_at=now,
                created_at=now,
                agreed_at=now if agreed else None,
            )
        )
    return kid, paula


async def while_deciding(play: Play, kid: Coachee, meanwhile: Any) -> None:
    """The kid types the year; while that is being decided, something else is decided and committed."""
    await kid.says("2013")
    runner, done, begun = play.core.runner, threading.Event(), threading.Event()
    settle = runner.settle

    def slowly(chat: Chat, event: AnyEvent) -> Settled:
        if chat.chat_id == kid.chat_id and isinstance(event, TextSent) and not begun.is_set():
            begun.set()
            done.wait(3)
        return settle(chat, event)

    runner.settle = slowly  # type: ignore[method-assign]
    typing = asyncio.ensure_future(kid.says("2013"))
    await asyncio.to_thread(begun.wait, 5)
    other = asyncio.ensure_future(meanwhile())
    await asyncio.wait({other}, timeout=1)  # it is decided meanwhile, or waits for the kid's turn to end
    done.set()
    await asyncio.gather(typing, other)


async def test_an_agreement_taken_back_while_the_child_answers_is_none(play: Play) -> None:
    """Whichever comes first: the child does not take part without an agreement."""
    kid, paula = await at_the_year(play, agreed=True)
    await while_deciding(play, kid, lambda: means(paula, button(play, kid, "withdraw")))
    [row] = play.rows(select(t.guardianships.c.agreed_at))
    assert row.agreed_at is None
    assert standing(play, kid) != "active"


async def test_an_agreement_given_while_the_child_answers_counts(play: Play) -> None:
    """Whichever comes first: the child does not wait for what was given."""
    kid, paula = await at_the_year(play, agreed=False)
    await while_deciding(play, kid, lambda: paula.press_data(button(play, kid, "agree")))
    [row] = play.rows(select(t.guardianships.c.agreed_at))
    assert row.agreed_at is not None
    assert standing(play, kid) == "active"


async def test_nothing_is_kept_of_a_child_whose_parent_took_the_agreement_back(play: Play) -> None:
    """What a model was still writing down when the agreement ended is not kept."""
    mira, paula = await family(play)
    await play.script("Mira: [Start a session]\ncoach: Step 1 of 5")
    await means(paula, button(play, mira, "withdraw"))
    assert standing(play, mira) == "waiting"
    heard = TranscriptReady(
        id=uuid4(), chat_id=mira.chat_id, text="CANARY", source=1, step="presence_level", index=0, spent=()
    )
    await play.core.runner.handle(heard)
    [row] = play.rows(select(t.conversations.c.state).where(t.conversations.c.chat_id == mira.chat_id))
    assert "CANARY" not in str(row.state)


async def test_what_still_waits_to_be_sent_about_the_forgotten_is_unsaid(play: Play) -> None:
    """A message to the coach that was not marked as sent yet says nothing of the forgotten afterwards."""
    ana, mira = await coached(play)
    chat_id, user_id, now = ana.chat_id, id_of(play, mira), play.clock.now()
    with play.core.engine.begin() as connection:
        connection.execute(
            t.outbox.insert().values(
                id=uuid4(),
                chat_id=chat_id,
                kind="say",
                payload={"text": "CANARY Mira's plan"},
                status="pending",
                attempts=0,
                due_at=now,
                created_at=now,
                owner="else",
                lease_until=now + timedelta(minutes=2),
            )
        )
    with play.core.engine.begin() as connection:
        erase(connection, user_id, now)
    assert not any("CANARY" in str(row.payload) for row in play.rows(select(t.outbox.c.payload)))


async def test_an_agreement_given_again_is_one(play: Play) -> None:
    """The command line and an import see the agreement that the chat sees."""
    mira, paula = await family(play)
    await means(paula, button(play, mira, "withdraw"))
    await paula.press_data(button(play, mira, "agree"))
    assert standing(play, mira) == "active"
    shown = people.shown(play.core.engine, id_of(play, mira), play.clock.now())
    assert shown is not None
    assert shown.person.parents[0].note.startswith("agreed")


async def test_the_answer_to_human_names_who_was_told(play: Play) -> None:
    """A coach who cannot be reached was not told, and is not said to be."""
    ana, mira = await coached(play)
    ben = await arrived(play, "Ben")
    await play.script(COACH_LINK)
    await accepts(play, ben, play.coachee("Olga").link())
    await play.coachee("Olga").press_data(button(play, mira, "assist", ben))
    ana_id = id_of(play, ana)
    with play.core.engine.begin() as connection:
        connection.execute(update(t.users).where(t.users.c.id == ana_id).values(unreachable_since=play.clock.now()))
    await mira.says("/human")
    assert "Ana" not in mira.screen[-1].text, mira.screen[-1].text


async def test_a_coach_of_a_second_kind_hears_that_somebody_cannot_be_reached(play: Play) -> None:
    """Whoever coaches them is told: also where there is no primary coach."""
    ana, mira = await coached(play)
    await play.coachee("Olga").press_data(button(play, mira, "assist", ana))
    seen = len(ana.screen)
    await play.core.runner.handle(ChatBlocked(id=uuid4(), chat_id=mira.chat_id, at=play.clock.now()))
    await play.core.performer.quiet()
    assert len(ana.screen) == seen + 1


async def test_a_letter_of_a_child_who_waits_holds_no_words(play: Play) -> None:
    """What could not be handled of somebody who is not in is not kept either."""
    mira = await minor(play)
    settle = play.core.runner.settle

    def fails(chat: Chat, event: AnyEvent) -> Settled:
        if isinstance(event, TextSent):
            raise RuntimeError
        return settle(chat, event)

    play.core.runner.settle = fails  # type: ignore[method-assign]
    await mira.says("CANARY of a child")
    assert not any("CANARY" in str(row.event) for row in play.rows(select(t.updates.c.event)))
