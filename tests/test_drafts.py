"""The plan as drafts: what is kept, what is not, and what becomes of it when words, sessions and summaries change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from storage import tables as t
from tests.coachee import ANSWERS, answer, conversation, session, step, walk
from tests.playbook import Coachee, Play
from tests.servers import ModelServer
from tests.summarist import Json, item, stage, written


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """A model that answers as it should, until told otherwise."""
    async with ModelServer(answer=written()) as server:
        yield server


@pytest.fixture
async def play(database: str, model: ModelServer) -> AsyncIterator[Play]:
    """A stage on each database, with the model at its settings."""
    async with stage(database, model, model_listens=False) as made:
        yield made


@pytest.fixture
async def mira(play: Play) -> Coachee:
    """Mira, one answer before the end."""
    person = play.coachee()
    await person.says("/session")
    await walk(play, person, until="next_session")
    return person


def rows(play: Play) -> list[Any]:
    """The action items there are."""
    return play.rows(select(t.action_plans).order_by(t.action_plans.c.created_at, t.action_plans.c.title))


def waiting(play: Play) -> dict[str, str]:
    """The timers that wait, by kind, with their local time."""
    found = play.rows(select(t.timers).where(t.timers.c.state == "pending"))
    return {row.kind: row.wall for row in found}


def suggesting(title: str) -> Any:
    """A model that suggests something of its own beside the step."""

    def plan(told: Json) -> list[Json]:
        [step] = told["steps"]
        extra = {**item(told, step), "step": 0, "title": title, "description": title, "due": "", "sources": []}
        return [item(told, step, title="Read to my cousin"), extra]

    return written(action_plan=plan)


async def test_words_day_and_steps_in_between(play: Play, mira: Coachee) -> None:
    """Each can be changed; a day in words is read back; the way back is there; what was changed is what is kept."""
    await play.script("""
        Mira: [No day yet]
        Mira: [Change]
        buttons: The words | The day | Add a step in between | « Back
        Mira: [The words]
        Mira: 🙈
        coach: What would that be in words?
        Mira: read the page to my aunt
        coach: read the page to my aunt: Fri 27 Nov
        Mira: [Change]
        Mira: [The day]
        Mira: banana
        coach: a day
        Mira: next tuesday
        coach: Tuesday 24 November 2026, right?
        Mira: [Another day]
        buttons: Tue 24 Nov | Thu 26 Nov | Mon 30 Nov | Mon 7 Dec | Wed 23 Dec | No day | « Back
        Mira: [Mon 30 Nov]
        Mira: [1]
        Mira: [Change]
        Mira: [Add a step in between]
        Mira: ask my aunt by thursday
        coach: ask my aunt by thursday: Thu 26 Nov
        Mira: [Keep]
        Mira: [Confirm plan]
    """)
    [row] = rows(play)
    assert (row.title, row.timeline_end.isoformat()) == ("read the page to my aunt", "2026-11-30")
    assert row.evidence["changed"] is True
    [between] = play.rows(select(t.milestones))
    assert (between.title, between.due_date.isoformat()) == ("ask my aunt by thursday", "2026-11-26")
    assert waiting(play)["action_due"] == "2026-11-30T09:00"


async def test_nothing_is_kept_where_all_is_dropped(play: Play, mira: Coachee) -> None:
    """It is said, nothing is reminded of, and items can be made again from the summary."""
    await play.script("""
        Mira: [No day yet]
        Mira: [Drop]
        Mira: [Confirm plan]
    """)
    assert "Nothing was kept" in mira.screen[-1].text
    assert rows(play) == []
    assert set(waiting(play)) == {"check_in"}
    await play.script("""
        Mira: [Menu]
        Mira: [My summary]
        Mira: [Make items]
        coach: Your plan · 1 of 1
    """)


async def test_another_suggestion_is_another_item(play: Play, model: ModelServer, mira: Coachee) -> None:
    """One that was taken on stays; what the next summary suggests is asked about, and never shown as taken on."""
    model.answer = suggesting("Ask Ms Kaya for the page early")
    await play.script("""
        Mira: [No day yet]
        Mira: [Keep]
        Mira: [Take it on]
        Mira: [Confirm plan]
    """)
    model.answer = suggesting("Borrow a louder microphone")
    await play.script("""
        Mira: ✎ one face is enough => one kind face is enough
        Mira: [Write it anew]
        coach: Your plan · 1 of 1
    """)
    assert "Borrow a louder microphone" in mira.screen[-1].text
    text = next(shown.text for shown in reversed(mira.screen) if "Action Plan" in shown.text)
    assert "took on" not in text
    await play.script("""
        Mira: [Leave it out]
        Mira: [Confirm plan]
    """)
    assert [(row.title, row.origin) for row in rows(play)] == [
        ("Ask Ms Kaya for the page early", "suggestion"),
        ("Read to my cousin", "coachee"),
    ]


async def test_a_suggestion_put_in_own_words(play: Play, model: ModelServer, mira: Coachee) -> None:
    """It is theirs then."""
    model.answer = suggesting("Ask Ms Kaya for the page early")
    await play.script("""
        Mira: [No day yet]
        Mira: [Drop]
        Mira: [Change]
        Mira: [The words]
        Mira: ask ben for the page
        Mira: [Keep]
        Mira: [Confirm plan]
    """)
    assert [(row.title, row.origin) for row in rows(play)] == [("ask ben for the page", "coachee")]


async def test_a_kept_draft_whose_step_is_corrected(play: Play, mira: Coachee) -> None:
    """The new words are asked about again; the old ones are not what is kept."""
    await play.script("""
        Mira: [No day yet]
        Mira: [Keep]
        Mira: ✎ read the page to my cousin => read two pages to my dog
        Mira: [Write it anew]
        coach: read two pages to my dog
        Mira: [Keep]
        Mira: [Confirm plan]
    """)
    assert [row.description for row in rows(play)] == ["read two pages to my dog"]


async def test_an_item_that_was_done_before_its_words_changed(play: Play, mira: Coachee) -> None:
    """Confirmed with other words it is open again, and without a day nothing is reminded of."""
    await play.script("""
        Mira: [No day yet]
        Mira: [Change]
        Mira: [Add a step in between]
        Mira: ask my cousin
        Mira: [Keep]
        Mira: [Confirm plan]
        Mira: /plan
        Mira: [1: done]
        Mira: ✎ read the page to my cousin => read two pages to my uncle
        Mira: [Write it anew]
        Mira: [Change]
        Mira: [The day]
        Mira: [No day]
        Mira: [Confirm plan]
    """)
    [row] = rows(play)
    assert (row.description, row.status, row.completed_at) == ("read two pages to my uncle", "pending", None)
    assert row.timeline_end is None
    assert "action_due" not in waiting(play)
    assert play.rows(select(t.milestones)) == []


async def test_a_plan_that_waits_while_the_next_session_ends(play: Play, mira: Coachee) -> None:
    """Both sessions' items are on one card, and each is kept as its own session's."""
    await mira.presses("No day yet")
    await mira.presses("Keep")
    await mira.says("/session")
    await walk(play, mira, step_what="sing to my dog")
    await play.script("""
        Mira: [Keep]
        buttons: 1 | 2 | Confirm plan
        Mira: [Confirm plan]
        coach said nothing
    """)
    assert "Your plan is confirmed, with 2 items." in mira.screen[-1].text
    assert sorted(row.description for row in rows(play)) == ["read the page to my cousin", "sing to my dog"]
    assert len({row.session_id for row in rows(play)}) == 2
    assert all(row.smart_criteria["measurable"] == "i get to the end" for row in rows(play))


async def test_a_late_summary_and_what_was_decided_meanwhile(play: Play, model: ModelServer, mira: Coachee) -> None:
    """What was dropped and confirmed is not asked about again, unless the person asks for it."""
    model.set_mode("500")
    await play.script("""
        Mira: [No day yet]
        Mira: [Drop]
        Mira: [Confirm plan]
    """)
    model.set_mode("ok")
    await play.script("""
        -- 1 minute
        coach: One friendly face
        coach said nothing
        Mira: /start
        Mira: [My summary]
        Mira: [Make items]
        coach: Your plan · 1 of 1
    """)
    assert rows(play) == []


async def test_a_late_summary_while_words_are_waited_for(play: Play, model: ModelServer, mira: Coachee) -> None:
    """The card comes again below it, and still waits for them."""
    model.set_mode("500")
    await play.script("""
        Mira: [No day yet]
        Mira: [Change]
        Mira: [The words]
    """)
    model.set_mode("ok")
    await play.script("""
        -- 1 minute
        coach: How do you put it?
        Mira: read it to my aunt
        coach: read it to my aunt: Fri 27 Nov
    """)


async def test_a_plan_without_a_summary_is_reached_from_the_menu(
    play: Play, model: ModelServer, mira: Coachee
) -> None:
    """While the writer is away the plan waits in the coachee's own words."""
    model.set_mode("500")
    await play.script("""
        Mira: [No day yet]
        Mira: /start
        coach: Your plan waits to be confirmed: 1 item.
        Mira: [Make items]
        coach: read the page to my cousin: Fri 27 Nov
    """)


async def test_words_for_the_card_while_a_question_is_open(play: Play, mira: Coachee) -> None:
    """They are the card's, which asked last; the question is put again after them."""
    await play.script("""
        Mira: [No day yet]
        Mira: /session
        coach: Step 1 of 5
    """)
    plan = conversation(play, mira).plan
    assert plan is not None
    await mira.press_data(f"d:{plan.card}:1:words")
    before = session(play, mira)
    await play.script("""
        Mira: read it to my aunt
        coach: read it to my aunt: Fri 27 Nov
    """)
    assert session(play, mira).trail == before.trail
    assert list(mira.newest_with_buttons().buttons)[:3] == ["1", "2", "3"]
    await mira.says("7")
    assert len(session(play, mira).trail) == 1


async def test_the_way_back_from_words(play: Play, mira: Coachee) -> None:
    """/cancel and /back leave the card's question; nothing is changed, and the next words are no item's."""
    await mira.presses("No day yet")
    for command in ("/cancel", "/back"):
        await play.script(f"""
            Mira: [Change]
            Mira: [The words]
            Mira: {command}
            buttons: Keep | Change | Drop
            Mira: hello
            coach: I am here.
        """)
        plan = conversation(play, mira).plan
        assert plan is not None
        assert not plan.drafts[0].changed
        await mira.says("/start")
        await mira.presses("Make items")


async def test_a_session_begun_while_words_are_waited_for(play: Play, mira: Coachee) -> None:
    """The words are the session's."""
    await play.script("""
        Mira: [No day yet]
        Mira: [Change]
        Mira: [The words]
        Mira: /session
        Mira: 7
    """)
    assert len(session(play, mira).trail) == 1
    plan = conversation(play, mira).plan
    assert plan is not None
    assert [draft.changed for draft in plan.drafts] == [False]


@pytest.mark.parametrize(
    "data",
    [
        "d:{card}:9:keep",
        "d:{card}:0:keep",
        "d:{card}:1:explode",
        "d:{card}:1:2020-01-01",
        "d:{card}:1:2999-01-01",
        "d:{card}:1:2026-13-77",
        "d:{card}:-1:keep",
        "d:{card}:1:keep:more",
        "d:{card}:",
        "d::1:keep",
        "d:{card}:١:keep",
    ],
)
async def test_forged_presses(play: Play, mira: Coachee, data: str) -> None:
    """Nothing changes, and the press is answered."""
    await mira.presses("No day yet")
    before = conversation(play, mira)
    assert before.plan is not None
    answered = len(play.screens.toasts)
    await mira.press_data(data.format(card=before.plan.card))
    assert conversation(play, mira) == before
    assert len(play.screens.toasts) == answered + 1


async def test_buttons_of_an_earlier_card(play: Play, mira: Coachee) -> None:
    """A press on one shows how things stand; after the confirmation it says that the plan is settled."""
    await mira.presses("No day yet")
    first = conversation(play, mira).plan
    assert first is not None
    await play.script("""
        Mira: [Change]
        Mira: [The words]
        Mira: read it to my aunt
    """)
    await mira.press_data(f"d:{first.card}:1:drop")
    plan = conversation(play, mira).plan
    assert plan is not None
    assert plan.drafts[0].choice == "keep"
    await mira.press_data(f"d:{plan.card}:confirm")
    await mira.press_data(f"d:{plan.card}:confirm")
    assert "settled already" in play.screens.toasts[-1]
    assert len(rows(play)) == 1


async def test_a_crash_between_the_summary_and_the_confirmation(play: Play, mira: Coachee) -> None:
    """What was decided so far is there, and confirming it makes each item once."""
    await play.script("""
        Mira: [No day yet]
        Mira: [Keep]
        -- restart
        Mira: [Confirm plan]
        -- restart
    """)
    assert len(rows(play)) == 1


async def test_two_people(play: Play, mira: Coachee) -> None:
    """A press with another person's data is about one's own plan, or about nothing."""
    await mira.presses("No day yet")
    tom = play.coachee("Tom")
    await tom.says("/start")
    plan = conversation(play, mira).plan
    assert plan is not None
    await tom.press_data(f"d:{plan.card}:1:keep")
    await tom.press_data(f"d:{plan.card}:confirm")
    assert rows(play) == []
    after = conversation(play, mira).plan
    assert after == plan


async def test_writing_anew_where_the_model_may_not(play: Play, model: ModelServer, mira: Coachee) -> None:
    """A summary by the model is not replaced by a plain one because the day's share is used up."""
    await play.script("""
        Mira: [No day yet]
        Mira: [Keep]
        Mira: [Confirm plan]
        Mira: ✎ one face is enough => one kind face is enough
    """)
    play.core.writer._budget = play.core.budget.evolve(person=1)
    await play.script("""
        Mira: [Write it anew]
        coach: It cannot be written anew just now. The summary that you have stays as it is.
    """)
    assert [row.writer for row in play.rows(select(t.summaries))] == ["model"]


async def test_the_same_suggestion_twice(play: Play, model: ModelServer, mira: Coachee) -> None:
    """It is one."""

    def plan(told: Json) -> list[Json]:
        [step] = told["steps"]
        extra = {**item(told, step), "step": 0, "title": "Ask Ms Kaya", "description": "x", "due": "", "sources": []}
        return [item(told, step), extra, {**extra, "title": "ask ms Kaya"}]

    model.answer = written(action_plan=plan)
    await play.script("""
        Mira: [No day yet]
        Mira: [Keep]
        Mira: [Take it on]
        buttons: 1 | 2 | Confirm plan
        Mira: [Confirm plan]
    """)
    assert len(rows(play)) == 2


async def test_what_was_taken_on_stays_on_the_card(play: Play, model: ModelServer, mira: Coachee) -> None:
    """Also where the next summary suggests nothing, and in the words it was put in."""
    model.answer = suggesting("Ask Ms Kaya for the page early")
    await play.script("""
        Mira: [No day yet]
        Mira: [Keep]
        Mira: [Change]
        Mira: [The words]
        Mira: ask ben for the page
        Mira: [Keep]
        Mira: ✎ one face is enough => one kind face is enough
    """)
    model.answer = written()
    await play.script("""
        Mira: [Write it anew]
        coach: ask ben for the page
        Mira: [Confirm plan]
        Mira: /start
        Mira: [My summary]
        Mira: [Make items]
        coach: Every item of this summary is on your plan already.
    """)
    assert sorted((row.title, row.origin) for row in rows(play)) == [
        ("Read to my cousin", "coachee"),
        ("ask ben for the page", "coachee"),
    ]


async def test_a_step_corrected_while_its_card_waits(play: Play, model: ModelServer, mira: Coachee) -> None:
    """The card has the new words, whether there is a summary yet or not, and asks about them again."""
    model.set_mode("500")
    await play.script("""
        Mira: [No day yet]
        Mira: [Keep]
        Mira: ✎ read the page to my cousin => read two pages to my dog
        coach: read two pages to my dog: Fri 27 Nov
        buttons: Keep | Change | Drop
        Mira: [Keep]
        Mira: [Confirm plan]
    """)
    assert [row.description for row in rows(play)] == ["read two pages to my dog"]


@pytest.mark.parametrize("other", ["/plan", "/help", "/settings", "/language", "/start"])
async def test_turning_to_something_else(play: Play, mira: Coachee, other: str) -> None:
    """The card asks for words no more, shows so, and takes none."""
    await play.script("""
        Mira: [No day yet]
        Mira: [Change]
        Mira: [The words]
    """)
    plan = conversation(play, mira).plan
    assert plan is not None
    await mira.says(other)
    card = next(shown for shown in mira.screen if shown.key == f"d{plan.card}")
    assert "How do you put it?" not in card.text
    await mira.says("thanks")
    assert "thanks" not in str(conversation(play, mira).plan)


async def test_many_items(play: Play) -> None:
    """Each has its line and its button, and the card is no wall."""
    mira = play.coachee()
    await mira.says("/session")
    steps = 0
    while (here := step(play, mira)) is not None:
        steps += here == "step_what"
        another = "Another step" in mira.screen[-1].buttons
        more = {"step_more": "[Another step]" if another else "[That is all]"}
        await answer(mira, {**ANSWERS, **more, "step_what": f"step {steps} of the long plan"}[here])
    plan = conversation(play, mira).plan
    assert plan is not None
    assert len(plan.drafts) == steps >= 5
    for _ in plan.drafts:
        await mira.presses("Keep")
    card = next(shown for shown in mira.screen if shown.key == f"d{plan.card}")
    assert list(card.buttons) == [*map(str, range(1, steps + 1)), "Confirm plan"]
    assert len(card.text) < 600
    await mira.presses("Confirm plan")
    assert len(card.text) < 600
    assert len(rows(play)) == steps


async def test_a_plan_confirmed_after_its_day(play: Play, mira: Coachee) -> None:
    """It is asked for another day, or none, before it is kept."""
    await play.script("""
        Mira: [No day yet]
        Mira: [Keep]
        -- 9 days
        coach: still waits for you
    """)
    await mira.press_data(next(s for s in reversed(mira.screen) if s.key and s.key[0] == "d").buttons["Confirm plan"])
    card = next(s for s in reversed(mira.screen) if s.key and s.key[0] == "d")
    assert "By when?" in card.text
    assert rows(play) == []
    await mira.press_data(card.buttons["No day"])
    await mira.press_data(card.buttons["Confirm plan"])
    assert [row.timeline_end for row in rows(play)] == [None]


async def test_what_was_dropped_when_the_next_session_has_begun(
    play: Play, model: ModelServer, mira: Coachee
) -> None:
    """A late summary does not ask about it again."""
    model.set_mode("500")
    await play.script("""
        Mira: [No day yet]
        Mira: [Drop]
        Mira: [Confirm plan]
        Mira: /session
    """)
    model.set_mode("ok")
    await play.script("""
        -- 1 minute
        coach: One friendly face
        coach said nothing
    """)
    assert conversation(play, mira).plan is None


async def test_a_very_large_answer(play: Play, model: ModelServer, mira: Coachee) -> None:
    """It is not looked at; the coachee's own words are there."""
    model.answer = lambda body: '{"theme": "' + "x " * 1_000_000 + '"}'
    await mira.presses("No day yet")
    assert session(play, mira).summary == "late"
    assert mira.screen[-1].text.startswith("Your plan · 1 of 1")
