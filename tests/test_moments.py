"""Beside the straight way: leaving out, not knowing, asking why, looking back, circling, and how far it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from bot.render import Message
from bot.texts import words as text_of
from flows.asking import PLAN_READ_BACK
from flows.effects import Text
from flows.lookback import CHOSEN
from flows.moments import reason_of
from flows.questions import named_by
from flows.stages import CIRCLES_CLOSE, EXITS, GUARDS
from flows.steps import STEPS, Day, Pick, Scale, Stage
from flows.walk import READ_BACK, counting, facts
from storage import tables as t
from tests.coachee import ANSWERS, answer, answers, confirm, conversation, finish, session, step, walk
from tests.playbook import Coachee, Play
from tests.test_decisions import begun, keyed, places

LONG = 600
"""Characters of a message that nobody reads at a bus stop."""


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage on each database."""
    async with Play(database) as made:
        made.hooks = places(made)
        yield made


def question(mira: Coachee) -> str:
    """The question that is open: the last line of the newest message that puts one."""
    return keyed(mira, "q")[-1].text.splitlines()[-1]


def open_exits(play: Play, mira: Coachee) -> list[str]:
    """The exits that do not hold."""
    known = facts(session(play, mira), answers(play, mira))
    return [rule.holds for rule in EXITS if not GUARDS[rule.holds](known)]


def counted(play: Play, mira: Coachee) -> dict[tuple[str, int], Any]:
    """What counts: the text of each answer, by its step and round."""
    return {(turn.step, turn.index): turn.text for turn in counting(session(play, mira), answers(play, mira))}


def field(play: Play, mira: Coachee, name: str, index: int) -> Any:
    """What the field of a step holds."""
    path = STEPS[name].fills
    assert path is not None
    found: Any = answers(play, mira)[STEPS[name].stage].fields
    for part in path.replace("[]", "").replace("[+]", "").split("."):
        found = found.get(part) if isinstance(found, dict) else found[index].get(part)
    return found


# ---- leaving out, why, advice, not knowing


async def test_everything_that_may_be_left_out(play: Play) -> None:
    """A session in which every question is left out that may be: the others say what they are for; it completes."""
    mira = play.coachee()
    await mira.says("/session")
    left, needed = [], []
    while (here := step(play, mira)) is not None:
        index, takes = session(play, mira).position.index, STEPS[here].takes  # type: ignore[union-attr]
        shown, before = len(mira.screen), question(mira)
        await mira.says("skip")
        if STEPS[here].skip or getattr(takes, "instead", ()):
            assert (step(play, mira), session(play, mira).position) != (here, index), here
            left.append(here)
            if STEPS[here].skip:
                assert field(play, mira, here, index) is None, here
            continue
        needed.append(here)
        assert step(play, mira) == here
        told = mira.screen[shown].text
        assert told.startswith("This one I need before we can go on.\n"), here
        assert told.endswith(text_of(Text(key=f"why.{reason_of(STEPS[here])}"), "en")), here
        assert question(mira) == before
        await answer(mira, f"[{next(iter(mira.screen[-1].buttons))}]" if here == "suggestion" else ANSWERS[here])
    assert session(play, mira).phase == "complete"
    assert open_exits(play, mira) == []
    assert {"emotional_state", "step_who", "next_session"} <= set(left)
    assert {"presence_level", "topic", "option_insights", "time_bound", "key_learnings"} <= set(needed)


async def test_why_at_every_question(play: Play) -> None:
    """Why? says what a question is for, and puts the same question again in the same words; nothing counts for it."""
    mira = play.coachee()
    await mira.says("/session")
    ways = ("why?", "why do you ask?", "/why")
    while (here := step(play, mira)) is not None:
        before, shown, trail = question(mira), len(mira.screen), session(play, mira).trail
        await mira.says(ways[len(trail) % 3])
        assert mira.screen[shown].text == text_of(Text(key=f"why.{reason_of(STEPS[here])}"), "en")
        assert (question(mira), len(mira.screen)) == (before, shown + 2), here
        assert (step(play, mira), session(play, mira).trail) == (here, trail)
        await answer(mira, ANSWERS[here])
    assert open_exits(play, mira) == []


async def test_just_tell_me_what_to_do(play: Play) -> None:
    """The wish for advice is named and given back, with the same question from another side; no advice comes."""
    mira = play.coachee()
    await mira.says("/session")
    while (here := step(play, mira)) is not None:
        before, shown = question(mira), len(mira.screen)
        await mira.says("just tell me what to do")
        assert "You wish somebody would simply say it." in mira.screen[shown].text
        assert step(play, mira) == here
        assert question(mira) != before or here.endswith("_check"), f"{here}: the same words again"
        await answer(mira, ANSWERS[here])
    assert open_exits(play, mira) == []


@pytest.mark.parametrize("said", ["i don't know", "..."])
async def test_not_knowing_at_every_question(play: Play, said: str) -> None:
    """Not knowing is helped once, in another wording, and then accepted; the session completes all the same."""
    mira = play.coachee()
    await mira.says("/session")
    seen = set()
    while (here := step(play, mira)) is not None:
        takes, before, position = STEPS[here].takes, question(mira), session(play, mira).position
        assert position is not None
        if not STEPS[here].skip and isinstance(takes, Scale | Pick | Day):
            await mira.says(said)
            assert session(play, mira).position == position, here
            first = f"[{next(iter(mira.newest_with_buttons().buttons))}]"
            await answer(mira, first if here == "suggestion" else ANSWERS[here])
            continue
        shown = len(mira.screen)
        await mira.says(said)
        assert session(play, mira).position == position, here
        if said == "...":
            assert mira.screen[-1].text == "What would that be in words?"
        else:
            help_ = text_of(Text(key=f"unsure.{int(STEPS[here].stage)}"), "en")
            assert mira.screen[shown].text == help_
            assert question(mira) != before, f"{here}: the same words again"
        await mira.says(said)
        assert session(play, mira).position != position, here
        if STEPS[here].skip:
            assert field(play, mira, here, position.index) is None, here
        elif here not in ("option", "what_if"):
            assert field(play, mira, here, position.index) == said, here
        seen.add(here)
    assert open_exits(play, mira) == []
    assert {"emotional_state", "topic", "option", "what_if", "step_who"} <= seen
    assert [o["origin"] for o in answers(play, mira)[3].fields["options"]] == ["suggested"] * 3


async def test_help_begins_anew_at_the_next_question(play: Play) -> None:
    """Being helped at one question is not held against a person at the next one."""
    mira = await begun(play, "obstacles")
    await play.script("""
        Mira: no idea
        coach: It does not have to be clear yet
        Mira: everybody looks
        -- at resources
        Mira: dunno
        coach: It does not have to be clear yet
        -- at resources
        Mira: idk
        coach: We leave that one open.
        -- at context
    """)
    asked = [turn for turn in answers(play, mira)[2].turns if turn.step == "resources"]
    assert [(turn.text, turn.kind, turn.sense) for turn in asked] == [
        ("dunno", "aside", "unsure"),
        ("idk", "answer", "unsure"),
    ]
    assert asked[0].question != asked[1].question


async def test_moving_on_and_stopping_in_words(play: Play) -> None:
    """Move on leaves a question out; a wish to stop stops at once, says what is kept, and one tap comes back."""
    await begun(play, "strengths")
    await play.script("""
        Mira: can we move on?
        -- at obstacles
        Mira: move on
        -- at resources
        Mira: i want to stop
        coach: Stopped. What you said is kept.
        Mira: [Come back to it]
        -- at resources
    """)


async def test_back_by_several_questions(play: Play) -> None:
    """Back by a number of questions goes that far, and to the first one at most."""
    mira = await begun(play, "obstacles")
    await play.script("""
        Mira: /back 3
        coach: 3 questions back. Your new answers will count.
        -- at problem_statement
        Mira: that i get stuck
        -- at current_state_rating
        Mira: /back 400
        coach: questions back
        -- at presence_level
    """)
    assert session(play, mira).trail == ()
    await walk(play, mira)


# ---- my answers


async def look(play: Play, about: str, act: str | None = None, index: int = 0) -> None:
    """Open My answers, turn to the page of the answer at a step, look at it, and do something with it."""
    mira = play.people["Mira"]
    turns = counting(session(play, mira), answers(play, mira))
    shown = [turn for turn in turns if turn.step in CHOSEN or not isinstance(STEPS[turn.step].takes, Pick)]
    number = next(n for n, turn in enumerate(shown, 1) if (turn.step, turn.index) == (about, index))
    await mira.says("my answers")
    for _ in range(12):
        if str(number) in mira.newest_with_buttons().buttons:
            break
        await mira.presses("« Earlier")
    await mira.presses(str(number))
    if act is not None:
        await mira.presses(act)


async def test_looking_at_my_answers(play: Play) -> None:
    """A card lists what was said, five to a page, the last page first, and opens one in full, in place."""
    mira = await begun(play, "resources", strengths="skip", obstacles="everybody looks " * 20)
    there = len(mira.screen)
    await play.script("""
        Mira: /answers
        coach: 10 answers so far
        buttons: 6 | 7 | 8 | 9 | 10 | « Earlier | Menu
        Mira: [« Earlier]
        buttons: 1 | 2 | 3 | 4 | 5 | Later » | Menu
        Mira: [1]
        buttons: Change it | Go back to here | « All answers
        Mira: [« All answers]
        buttons: 1 | 2 | 3 | 4 | 5 | Later » | Menu
        Mira: [Later »]
    """)
    card = mira.screen[-1]
    assert len(mira.screen) == there + 1
    assert "9. What you bring: (left out)" in card.text
    assert "8. Where it stands today: 3" in card.text
    assert "everybody looks " * 20 not in card.text
    await mira.presses("10")
    assert ("everybody looks " * 20).strip() in card.text
    assert step(play, mira) == "resources"
    await mira.says("my cousin")
    assert step(play, mira) == "context"


async def test_no_answers_yet(play: Play) -> None:
    """Before the first answer the card says that there is none, and without a session how to begin one."""
    await play.script("""
        Mira: /session
        Mira: my answers
        coach: There are no answers yet.
        Mira: [7]
        -- at emotional_state
    """)


async def test_changing_a_number_and_words(play: Play) -> None:
    """The question of an answer is asked again; the new one takes its place, and the open question comes again."""
    mira = await begun(play, "context")
    before = question(mira)
    await look(play, "current_state_rating", "Change it")
    await play.script("""
        buttons: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | Leave it as it was
        Mira: [5]
        coach: Your answer is now: 5
    """)
    assert question(mira) == before
    await look(play, "topic", "Change it")
    await play.script("""
        buttons: Leave it as it was
        Mira: the play in the lesson
        coach: Your answer is now: the play in the lesson
        -- at context
    """)
    kept = answers(play, mira)[2]
    assert (kept.fields["current_state_rating"], kept.fields["topic"]) == (5, "the play in the lesson")
    assert [turn.kind for turn in kept.turns if turn.step == "topic"] == ["answer", "correction"]
    [row] = play.rows(select(t.coaching_sessions))
    assert row.topic == "the play in the lesson"


async def test_leaving_an_answer_as_it_was(play: Play) -> None:
    """The button, or back, leaves the answer and returns to the open question; unfit words change nothing."""
    mira = await begun(play, "context")
    kept, before = counted(play, mira), question(mira)
    await look(play, "current_state_rating", "Change it")
    await play.script("""
        Mira: rather a lot
        coach: A whole number from 1 to 10
        Mira: [Leave it as it was]
        coach: It stays as it was.
    """)
    assert question(mira) == before
    await look(play, "strengths", "Change it")
    await play.script("""
        Mira: /back
        coach: It stays as it was.
        -- at context
    """)
    assert (counted(play, mira), question(mira)) == (kept, before)


async def test_not_knowing_while_changing_an_answer(play: Play) -> None:
    """Not knowing, while an answer is changed, is about that answer, and is not held against the open question."""
    mira = await begun(play, "obstacles")
    await look(play, "problem_statement", "Change it")
    await play.script("""
        Mira: idk
        coach: It does not have to be clear yet
        Mira: [Leave it as it was]
    """)
    [aside] = [turn for turn in answers(play, mira)[2].turns if turn.kind == "aside"]
    assert (named_by(aside.question) or ("?",))[0] == aside.step, "kept at the question that it was said to"
    await play.script("""
        Mira: idk
        coach: It does not have to be clear yet
        -- at obstacles
    """)


async def test_changing_a_day_and_an_entry_of_a_list(play: Play) -> None:
    """The second idea, a step and its day are changed in their place; what came after them stays."""
    mira = await begun(play, "commitment_level")
    await look(play, "option", "Change it", index=1)
    await mira.says("ask to read second")
    await look(play, "step_what", "Change it")
    await mira.says("read it to the dog")
    await look(play, "step_when", "Change it")
    await play.script("""
        Mira: [Mon 30 Nov]
        coach: Your answer is now: Monday 30 November 2026
        -- at commitment_level
    """)
    kept = answers(play, mira)
    assert [o["text"] for o in kept[3].fields["options"]] == [
        "look at one friendly face",
        "ask to read second",
        "look at one friendly face",
    ]
    [made] = kept[4].fields["action_steps"]
    assert (made["what"], made["by_when"], made["who"]) == ("read it to the dog", "2026-11-30", "my cousin")


async def test_going_back_to_an_answer(play: Play) -> None:
    """Go back to here leads to that question; what came after counts no more, and stays on record."""
    mira = await begun(play, "context")
    await look(play, "problem_statement", "Go back to here")
    await play.script("""
        coach: 5 questions back. Your new answers will count.
        -- at problem_statement
        Mira: that they wait
        -- at current_state_rating
    """)
    assert answers(play, mira)[2].fields["problem_statement"] == "that they wait"
    assert "strengths" in [turn.step for turn in answers(play, mira)[2].turns]


async def test_a_card_of_answers_that_are_gone(play: Play) -> None:
    """A press on an answer that does not count any more says so and shows how the card stands now."""
    mira = await begun(play, "context")
    await mira.says("my answers")
    card = mira.screen[-1]
    old = card.buttons["11"]
    await mira.says("/back 4")
    await mira.press_data(old)
    assert "does not count any more" in play.screens.toasts[-1]
    assert card.text.startswith("7 answers so far")


async def test_presence_changed_after_many_answers(play: Play) -> None:
    """From 7 to 4 after many answers only the settling question is asked; then all that was answered counts again."""
    mira = await begun(play, "barriers")
    before = counted(play, mira)
    await look(play, "presence_level", "Change it")
    await play.script("""
        Mira: [4]
        coach: That changes what comes next
        coach: three slow breaths
        -- at settling_offer
        Mira: [Just go on]
        -- at barriers
    """)
    assert counted(play, mira) == {**before, ("presence_level", 0): "4", ("settling_offer", 0): "Just go on"}
    assert session(play, mira).spare == ()
    await walk(play, mira)
    assert open_exits(play, mira) == []


async def test_presence_changed_with_breaths_and_a_restart(play: Play) -> None:
    """Breaths taken late, in a new process: after them all that was answered counts again, too."""
    mira = await begun(play, "barriers")
    before = counted(play, mira)
    await look(play, "presence_level", "Change it")
    await play.script("""
        Mira: [2]
        -- restart
        Mira: [Yes]
        -- 1 minute
        -- at presence_again
        Mira: [6]
        -- at barriers
    """)
    assert before.items() - counted(play, mira).items() == {(("presence_level", 0), "7")}


OTHER = {
    "presence_level": "[8]",
    "emotional_state": "rather calm",
    "readiness_score": "[5]",
    "topic": "my marks in maths at school",
    "topic_category": "[Work]",
    "importance": "[4]",
    "current_state_rating": "[1]",
    "energy_level": "[2]",
    "time_bound": "[Wed 23 Dec]",
    "step_when": "[Mon 7 Dec]",
    "step_with": "the play",
    "step_who": "[Just me]",
    "goal_statement": "get a better mark",
    "commitment_level": "[10]",
    "confidence_level": "[1]",
    "next_check_in": "[No check-in]",
    "session_value_rating": "[2]",
    "clarity_level": "[3]",
    "feedback": "fewer questions",
}


async def test_changing_any_answer_loses_none(play: Play) -> None:
    """At the end of a session each answer is changed, one after the other: every other one counts all the while."""
    mira = await begun(play, "next_session", step_when="[Tue 24 Nov]")
    await mira.says("/answers")
    last = int(mira.screen[-1].text.split()[0])
    changeable = [(x, i) for x, i in counted(play, mira) if x in CHOSEN or not isinstance(STEPS[x].takes, Pick)]
    assert len(changeable) == last
    for name, index in changeable:
        before = counted(play, mira)
        await look(play, name, "Change it", index=index)
        await answer(mira, OTHER.get(name, "something quite different"))
        while step(play, mira) in READ_BACK:  # what was read back is read back again
            await mira.says("yes")
        assert step(play, mira) == "next_session", name
        after = counted(play, mira)
        assert after.keys() == before.keys(), name
        changed = {key for key in after if after[key] != before[key] and key[0] not in READ_BACK}
        assert changed == {(name, index)}, name
    await walk(play, mira)
    assert open_exits(play, mira) == []


@pytest.mark.parametrize(
    ("where", "about", "said", "asked"),
    [
        ("barriers", "topic", "school", {"topic_clarify": "reading out loud in class"}),
        ("confidence_level", "goal_statement", "read one page by friday", {"goal_day_check": "[Right]"}),
        ("confidence_level", "step_when", "saturday", {"step_when_check": "[Right]"}),
        ("feedback", "commitment_level", "[3]", {"commitment_ten": "more", "commitment_choice": "[Go on as it is]"}),
    ],
)
async def test_a_changed_answer_that_asks_more(
    play: Play, where: str, about: str, said: str, asked: dict[str, str]
) -> None:
    """Where a changed answer leads to further questions, only those are asked; everything else counts again."""
    mira = await begun(play, where, step_when="[Tue 24 Nov]")
    before = counted(play, mira)
    await look(play, about, "Change it")
    await answer(mira, said)
    for name, words in asked.items():
        assert step(play, mira) == name
        await answer(mira, words)
    assert step(play, mira) == where, "nothing else is asked again"
    gone = {key for key in before if key not in counted(play, mira)}
    assert gone <= {("time_bound", 0)}
    assert len(counted(play, mira)) >= len(before)


async def test_an_older_number_changed_keeps_what_came_of_it(play: Play) -> None:
    """A first, low commitment led to a changed step; changing that number later does not undo the step unasked."""
    mira = await begun(play, "commitment_level")
    await play.script("""
        Mira: [3]
        Mira: something smaller
        Mira: [Change a step]
        Mira: read one line
        Mira: [Tue 24 Nov]
        Mira: [9]
        -- at confidence_level
    """)
    await look(play, "commitment_level", "Change it")
    await mira.presses("8")
    [made] = answers(play, mira)[4].fields["action_steps"]
    assert (made["what"], made["by_when"]) == ("read one line", "2026-11-24")


# ---- putting it down, coming back


async def test_the_card_of_a_session_that_was_left(play: Play) -> None:
    """A day after the last answer, one card says where it is; it comes once, and one tap goes on."""
    mira = await begun(play, "obstacles")
    await play.script("""
        -- until 2026-11-24 17:04
        coach said nothing
        -- 1 minute
        coach: Your session waits at step 2 of 5, Starting point.
        buttons: Continue | My answers | Stop and keep
        coach said nothing
    """)
    assert "reading out loud in class" in mira.screen[-1].text
    await play.script("""
        -- 3 weeks
        coach said nothing
        Mira: [Continue]
        coach: On Monday 23 November we stopped at step 2 of 5
        coach: What stands in the way?
        Mira: everybody looks
        -- at resources
    """)


async def test_no_card_for_one_who_went_on(play: Play) -> None:
    """The card counts from the last answer: who answered meanwhile is left alone until a day after that."""
    mira = await begun(play, "obstacles")
    await play.script("""
        -- 20 hours
        Mira: everybody looks
        -- 20 hours
        coach said nothing
        -- 239 minutes
        coach said nothing
        -- 1 minute
        coach: Your session waits at step 2 of 5
        -- 3 weeks
        coach said nothing
    """)
    assert step(play, mira) == "resources"


@pytest.mark.parametrize("ends", ["/cancel", "complete"])
async def test_no_card_after_the_end(play: Play, ends: str) -> None:
    """A session that was stopped or is complete is not brought up again."""
    mira = await begun(play, "next_check_in")
    if ends == "complete":
        await finish(play, mira, next_check_in="[No check-in]")
        await play.script("-- until 2026-11-27 09:00")
        await mira.presses("Done")
    else:
        await mira.says(ends)
    there = len(mira.screen)
    await play.pass_time(timedelta(weeks=3))
    assert len(mira.screen) == there


async def test_the_card_of_a_session_that_was_paused(play: Play) -> None:
    """A pause starts the day anew; the card shows the answers, and stopping by its button keeps everything."""
    mira = await begun(play, "obstacles")
    await play.script("""
        -- 5 hours
        Mira: Pause
        coach: Paused at step 2 of 5
        -- until 2026-11-24 22:04
        coach said nothing
        -- 1 minute
        coach: Your session waits at step 2 of 5, Starting point.
        Mira: [My answers]
        coach: 9 answers so far
        Mira: [9]
        buttons: « All answers
        Mira: [« All answers]
        Mira: /session
        -- at obstacles
    """)
    assert mira.screen[-1].text.splitlines()[-1] == "What stands in the way?"
    await play.script("""
        -- 2 days
        coach: Your session waits
        Mira: [Stop and keep]
        coach: Stopped. What you said is kept.
        buttons: Come back to it | Start a session
        -- 3 weeks
        coach said nothing
        Mira: [Come back to it]
        -- at obstacles
    """)
    assert len(session(play, mira).trail) == 10


async def test_coming_back_after_three_days(play: Play) -> None:
    """Who comes back after days is told where it was, what it is about and the last thing they said."""
    mira = await begun(play, "obstacles")
    before = question(mira)
    await play.script("""
        -- 3 days
        coach: Your session waits
        Mira: /session
        coach: On Monday 23 November we stopped at step 2 of 5, Starting point.
    """)
    told = mira.screen[-2].text
    assert "It is about: reading out loud in class." in told
    assert "The last thing you said: with my cousin i can do it fine" in told
    assert question(mira) == before


# ---- circles


CIRCLING: dict[str, tuple[str, dict[str, str]]] = {
    "settling_offer": ("Yes", {"presence_level": "[4]", "presence_again": "4"}),
    "ready_confirm": ("Not yet", {}),
    "starting_readback": ("Not quite", {}),
    "suggestion": ("None of these", {"option": "[I have no more]"}),
    "ready_to_act": ("Not yet", {}),
    "step_more": ("Another step", {}),
    "commitment_choice": ("Change a step", {"commitment_level": "[3]"}),
    "finish_readback": ("Not quite", {}),
    "commitments": ("Not quite", {}),
}


@pytest.mark.parametrize("where", CIRCLING)
async def test_circles_close(play: Play, where: str) -> None:
    """Who goes in circles loses the way back after the stage's share of answers, may stop, and can complete."""
    label, other = CIRCLING[where]
    stage = STEPS[where].stage
    mira = await begun(play, where, **other)
    share = CIRCLES_CLOSE[stage] + STEPS[where].patience
    for _ in range(120):
        if label not in mira.newest_with_buttons().buttons:
            break
        assert "Stop and keep" not in mira.newest_with_buttons().buttons
        await mira.presses(label)
        await walk(play, mira, until=where, **other)
    in_stage = Counter(STEPS[turn.step].stage for turn in counting(session(play, mira), answers(play, mira)))
    assert share <= in_stage[stage] <= share + 6
    buttons = list(mira.screen[-1].buttons)
    assert label not in buttons
    assert len(buttons) > 1
    assert buttons[-1] == "Stop and keep"
    if where not in PLAN_READ_BACK:  # a plan needs the room
        assert "We have been at this part for a while." in mira.screen[-1].text
    assert len(mira.screen[-1].text) < LONG
    await mira.says(label)
    assert step(play, mira) == where, "not in words either"
    await mira.presses("Stop and keep")
    await mira.presses("Come back to it")
    assert label not in mira.screen[-1].buttons
    straight = {"settling_offer": "[Just go on]", "suggestion": "[Try a much smaller piece first]"}
    if where == "suggestion":
        for first in ("Ask somebody who has done it", "Watch how another person does it"):
            await mira.presses(first)
    await walk(play, mira, **{**other, **straight, "commitment_choice": "[Go on as it is]"})
    assert open_exits(play, mira) == []


@pytest.mark.parametrize("day", ["friday", "[Tue 24 Nov]"])
async def test_circles_close_at_what_to_change(play: Play, day: str) -> None:
    """Where nothing may be changed any more, stopping is offered beside leaving the plan as it is."""
    mira = await begun(play, "finish_readback", step_when=day)
    while "Not quite" in mira.screen[-1].buttons:
        await mira.presses("Not quite")
        if "The goal" not in mira.screen[-1].buttons:
            assert list(mira.screen[-1].buttons) == ["Leave it as it is", "Stop and keep"]
        await mira.presses("Leave it as it is")
    assert list(mira.screen[-1].buttons) == ["Yes, that's it", "Stop and keep"]


# ---- wordings


async def test_the_next_session_asks_in_other_words(play: Play) -> None:
    """No question is put to a person as it was put in their last session, nor as it was put before in this one."""
    mira = play.coachee()
    asked = []
    for _ in range(3):
        await mira.says("/session")
        seen = len(mira.screen)
        await walk(play, mira, next_check_in="[No check-in]")
        turns = [turn for kept in answers(play, mira).values() for turn in kept.turns]
        keys = [turn.question for turn in turns if turn.question != "ask.check"]
        assert len(keys) == len(set(keys)), "in one session"
        texts = [s.text.splitlines()[-1] for s in mira.screen[seen:] if s.key and s.key.startswith("q")]
        asked.append((set(keys), {text for text in texts if "→" not in text and "right?" not in text}))
        assert all(named_by(key) for key in keys)
    for (keys, texts), (later, later_texts) in pairwise(asked):
        assert keys & later == set()
        assert texts & later_texts == set()


async def test_asking_for_more_in_other_words(play: Play) -> None:
    """The question for a further idea is never put in the same words twice, also after help and after a step back."""
    mira = await begun(play, "option")
    await play.script("""
        Mira: one
        Mira: idk
        Mira: two
        -- at option
    """)
    asked = [turn.question for turn in answers(play, mira)[3].turns if turn.index > 0]
    asked.append(_wording(play))
    assert len(set(asked)) == len(asked) == 3
    assert all(key.startswith("ask.option.more.") for key in asked)


def _wording(play: Play) -> str:
    return conversation(play, play.people["Mira"]).wording


# ---- how far it is


async def test_each_stage_has_one_header_that_fills(play: Play) -> None:
    """Each stage opens with one message, whose bar grows in place as answers come, and ends full."""
    mira = play.coachee()
    await mira.says("/session")
    lengths: dict[str, list[int]] = {}
    while (here := step(play, mira)) is not None:
        for header in keyed(mira, "p"):
            lengths.setdefault(str(header.key), []).append(header.text.count("●"))
        await answer(mira, ANSWERS[here])
    headers = keyed(mira, "p")
    assert [header.text.splitlines()[0] for header in headers] == [
        f"Step {n} of 5 · {name}"
        for n, name in enumerate(("Check in", "Starting point", "Connect", "Finish", "Check out"), 1)
    ]
    for header in headers:
        assert header.text.splitlines()[-1] == "●●●●●"
        assert header.edits > 2
        assert not header.buttons
        grown = [n for n in lengths[str(header.key)] if n < 5]
        assert grown == sorted(grown)
        assert grown[0] == 0
    assert len({tuple(set(numbers)) for numbers in lengths.values()}) > 1


async def test_back_over_the_border_of_a_stage(play: Play) -> None:
    """Who goes back to an earlier stage sees that they are there, and forth again, too."""
    mira = await begun(play, "topic")
    await mira.says("/back")
    assert keyed(mira, "p")[-1].text.startswith("Step 1 of 5")
    await walk(play, mira, until="topic")
    assert keyed(mira, "p")[-1].text.startswith("Step 2 of 5")


async def test_a_second_session_has_headers_of_its_own(play: Play) -> None:
    """The headers of a session that is over stay full; the next one's begin empty."""
    mira = await begun(play, "readiness_score")
    await mira.says("/cancel")
    await mira.says("/session")
    await mira.presses("Start a new one")
    left, fresh = keyed(mira, "p")
    await walk(play, mira, until="readiness_score")
    assert fresh.text.count("●") == left.text.count("●") > 0
    await walk(play, mira)
    assert len(keyed(mira, "p")) == 6


def watched(play: Play) -> list[str]:
    """Every text that is shown from now on, edits too."""
    shown: list[str] = []
    send, edit = play.screens.send, play.screens.edit

    async def sending(chat_id: int, message: Message, key: str | None) -> int:
        shown.append(message.text)
        return await send(chat_id, message, key)

    async def editing(chat_id: int, message_id: int, message: Message, key: str) -> None:
        shown.append(message.text)
        await edit(chat_id, message_id, message, key)

    play.screens.send, play.screens.edit = sending, editing  # type: ignore[method-assign]
    return shown


def too_long(shown: list[str]) -> list[tuple[int, str]]:
    """The messages over 600 characters, but for the summary: how long, and how they begin and end.

    Each line of the summary ends with its small number, and no other line does.
    """
    walls = [text for text in shown if len(text) > LONG and not re.search(r"[⁰¹²³⁴-⁹]$", text, re.MULTILINE)]
    return [(len(text), f"{text[:40]} ... {text[-40:]}") for text in walls]


LONG_WORDS = ("and then they all look at me and i hear my own voice " * 80)[:4000].strip()
LONG_ANSWERS = {
    name: LONG_WORDS
    for name, words in ANSWERS.items()
    if not words.startswith("[") and not isinstance(STEPS[name].takes, Day | Pick | Scale)
}


async def change_much(mira: Coachee) -> None:
    """Change the item that the plan's card shows in every way, with as many words as there may be, and keep it."""
    await mira.presses("Change")
    await mira.presses("The words")
    await mira.says(LONG_WORDS + " still")
    while True:
        await mira.presses("Change")
        if "Add a step in between" not in mira.newest_with_buttons().buttons:
            break
        await mira.presses("Add a step in between")
        await mira.says(LONG_WORDS)
    await mira.presses("The day")
    await mira.says("next thursday")
    await mira.presses("Right")


async def test_no_wall_of_text(play: Play) -> None:
    """With answers of 4000 characters no message but the summary is over 600, however the session turns."""
    shown = watched(play)
    mira = await begun(play, "topic", **LONG_ANSWERS)
    await mira.says("stuff")
    await walk(play, mira, until="starting_readback", **LONG_ANSWERS)
    await mira.presses("Not quite")
    await walk(play, mira, until="option_insights", **LONG_ANSWERS)
    await mira.says("/answers")
    await mira.presses("« Earlier")
    await look(play, "topic", "Change it")
    await mira.says(LONG_WORDS + " again")
    await play.script("""
        -- 2 days
        Mira: /session
        Mira: why?
        Mira: just tell me what to do
    """)
    days = {"time_bound": "friday", "next_check_in": "friday", "next_session": "friday"}
    await walk(play, mira, until="step_more", **LONG_ANSWERS, **days)
    await mira.presses("Another step")
    await walk(play, mira, until="commitment_choice", commitment_level="[2]", **LONG_ANSWERS)
    await mira.presses("Change a step")
    assert step(play, mira) == "which_step"
    await mira.press_data(next(iter(mira.screen[-1].buttons.values())))
    await walk(play, mira, until="finish_readback", adjust_when="friday", **LONG_ANSWERS, **days)
    await mira.presses("Not quite")
    await mira.presses("Leave it as it is")
    await walk(play, mira, **LONG_ANSWERS, **days)
    await change_much(mira)
    await confirm(mira)
    await mira.says("/session")
    await walk(play, mira, until="review_status", **LONG_ANSWERS)
    await mira.presses("Not yet")
    await mira.says(LONG_WORDS)
    await mira.presses("Change it")
    await mira.says(LONG_WORDS)
    await walk(play, mira, until="ready_confirm", review_choice="[Change it]", review_when="friday", **LONG_ANSWERS)
    assert too_long(shown) == []


async def test_no_wall_of_text_in_a_long_plan(play: Play) -> None:
    """As many long steps as a session takes, and circles closed above them: still under 600 characters."""
    shown = watched(play)
    mira = await begun(play, "step_more", **LONG_ANSWERS)
    while "Another step" in mira.screen[-1].buttons:
        await mira.presses("Another step")
        await walk(play, mira, until="step_more", **LONG_ANSWERS)
    await walk(play, mira, until="finish_readback", **LONG_ANSWERS)
    await mira.says("Not quite")
    await mira.says("/why")
    await walk(play, mira, **LONG_ANSWERS)
    await mira.says("/plan")
    await mira.presses("Make items")
    while "Confirm plan" not in mira.newest_with_buttons().buttons:
        await change_much(mira)
    await confirm(mira)
    assert too_long(shown) == []
    await mira.says("/plan")
    assert too_long(shown) == [], "the plan card"


# ---- languages


SCRIPT = {"es": ("a", "z"), "hi": ("\u0900", "\u097f"), "ar": ("\u0600", "\u06ff")}


@pytest.mark.parametrize("language", ["es", "hi", "ar"])
@pytest.mark.parametrize("where", ["emotional_state", "obstacles", "step_when_check", "finish_readback"])
async def test_another_language_in_the_middle(play: Play, language: str, where: str) -> None:
    """The open question is put again in the language that was chosen, with its buttons, and the session goes on."""
    mira = await begun(play, where)
    position, kept = session(play, mira).position, counted(play, mira)
    labels = list(mira.screen[-1].buttons)
    await mira.says(f"/language {language}")
    assert session(play, mira).position == position
    assert counted(play, mira) == kept
    text, low, high = question(mira), *SCRIPT[language]
    assert any(low <= char <= high for char in text), text
    assert text == text_of(_open_text(play), language)
    assert list(mira.screen[-1].buttons) != labels or not labels
    data = [button for shown in mira.screen[:-1] for button in shown.buttons]
    assert data == [], "the question in the other language has no buttons any more"
    for _ in range(100):
        if (here := step(play, mira)) is None:
            break
        buttons = list(mira.screen[-1].buttons.values())
        takes = STEPS[here].takes
        if isinstance(takes, Scale | Pick | Day):
            codes = [b.rsplit(":", 1)[1] for b in buttons]
            wanted = [c for c in ("8", "ready", "yes", "right", "that_is_all", "go_on") if c in codes]
            await mira.press_data(buttons[codes.index(wanted[0]) if wanted else 0])
        else:
            await mira.says("con mi primo puedo leer bien siempre")
    assert session(play, mira).phase == "complete"
    assert open_exits(play, mira) == []


def _open_text(play: Play) -> Text:
    """The text of the question that is open, as the stored state has it."""
    mira = play.people["Mira"]
    now = conversation(play, mira)
    kept = answers(play, mira)
    finish = kept[Stage.FINISH].fields if Stage.FINISH in kept else {}
    steps = finish.get("action_steps", ())
    return Text(
        key=now.wording,
        args={
            "topic": "reading out loud in class",
            "rating": 3,
            "goal": finish.get("goal_statement", ""),
            "step": steps[0]["what"] if steps else "",
            "day": _day(finish.get("named_day")),
        },
    )


def _day(value: str | None) -> Any:
    return date.fromisoformat(value) if value else None
