"""A whole session, as a coachee goes through it; resuming, going back, pausing, stopping, correcting."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from flows.stages import EXITS, GUARDS
from flows.steps import STEPS
from flows.walk import facts
from storage import tables as t
from tests.coachee import answer, answers, conversation, finish, session, step, walk
from tests.playbook import Play


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage on each database."""
    async with Play(database) as made:
        yield made


def kinds(play: Play) -> list[str]:
    """What the timers that wait are for; that of the breaths ticks on and is of no account."""
    waiting = play.rows(select(t.timers.c.kind).where(t.timers.c.state == "pending"))
    return sorted(row.kind for row in waiting if row.kind != "breath")


async def test_a_whole_session(play: Play) -> None:
    """From the greeting through the five stages to the plan, the summary's six sections and the reminders."""
    await play.script("""
        Mira: /session
        coach: This takes about fifteen minutes
        coach: Step 1 of 5 · Check in
        buttons: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
        Mira: [4]
        coach: shall we take three slow breaths together?
        Mira: [Yes]
        coach: Breath 1 of 3: in, slowly
        Mira: [I am ready]
        coach: And now, from 1 to 10
        Mira: 7
        coach: What is it like to be you today?
        Mira: [tired]
        Mira: [hopeful]
        Mira: [tired]
        Mira: [worried]
        coach said nothing
        Mira: [That is it]
        coach: How ready are you
        Mira: [8]
        coach: Shall we begin?
        Mira: yes
        coach: Step 2 of 5 · Starting point
        Mira: reading out loud in class
        coach: Which part of your life
        Mira: [School, study]
        coach: How much does "reading out loud in class" matter
        Mira: [9]
        Mira: that i get stuck
        coach: where is it today?
        Mira: three
        coach: What do you bring that makes it a 3 already?
        Mira: with my cousin i can do it fine
        Mira: everybody looks
        Mira: my cousin
        Mira: the play in spring
        coach: It stands at 3 of 10 today. What you want to be different: that i get stuck
        buttons: Yes, that's it | Not quite
        Mira: [Not quite]
        coach: What would you put differently?
        Mira: it is more that they wait for it
        coach: And you put it this way: it is more that they wait for it
        Mira: [Yes, that's it]
        coach: Step 3 of 5 · Connect
        Mira: i read a page and nobody cares
        coach: What could you try?
        Mira: look at one friendly face
        coach: What else?
        Mira: [I have no more]
        coach: If nobody were watching
        Mira: [Nothing more comes]
        coach: they count only if you make one yours
        Mira: [Try a much smaller piece first]
        coach: Which other one of these
        Mira: [None of these]
        coach: What is another thing you could do?
        Mira: ask to read second
        coach: 2. Try a much smaller piece first
        Mira: i never tried just one face
        Mira: that they all listen
        Mira: being shy
        Mira: my cousin on sundays
        coach: How much energy
        Mira: [6]
        coach: ready to choose something to do?
        Mira: [Not yet]
        coach: What would have to be different
        Mira: more sleep
        coach: Would you like to choose something to do now?
        Mira: [Yes]
        coach: Step 4 of 5 · Finish
        Mira: read one page aloud
        Mira: one page of the play, in the lesson
        Mira: i get to the end
        Mira: it is only one page
        Mira: i want a part
        coach: By when do you want to have it?
        buttons: Tue 24 Nov | Thu 26 Nov | Mon 30 Nov | Mon 7 Dec | Wed 23 Dec
        Mira: [Mon 30 Nov]
        coach: What is the first step?
        Mira: read the page to my cousin
        coach: When exactly
        Mira: friday
        coach: Friday 27 November 2026, right?
        Mira: [Another day]
        coach: By which day will it be done
        Mira: tomorrow
        coach: Tuesday 24 November 2026, right?
        Mira: [Right]
        coach: What do you need for it?
        Mira: the play
        Mira: [Just me]
        coach: Is there another step?
        Mira: [Another step]
        coach: What is the next step?
        Mira: ask Ms Kaya
        Mira: [Thu 26 Nov]
        Mira: [Nothing]
        Mira: [Just me]
        Mira: [That is all]
        Mira: i might forget
        Mira: i set an alarm
        coach: How set are you
        Mira: [6]
        coach: A 6. What would make it a 10?
        Mira: if my cousin asked me
        Mira: [Go on as it is]
        Mira: [8]
        Mira: my cousin asks me
        coach: When shall I ask you how it is going?
        Mira: [Thu 26 Nov]
        coach: read the page to my cousin: Tuesday 24 November
        Mira: [Yes, that's it]
        coach: Step 5 of 5 · Check out
        Mira: one face is enough
        Mira: i can do small things
        coach: I ask how it is going on Thursday 26 November.
        Mira: [Yes]
        Mira: [9]
        Mira: [8]
        Mira: [Nothing to add]
        coach: When would you like the next session?
        Mira: [Mon 30 Nov]
        coach: That was the last question.
        coach: Put together from your own answers; no language model took part.
        coach: Your plan · 1 of 2
        buttons: Keep | Change | Drop
    """)
    mira = play.people["Mira"]
    goodbye, summary, card = mira.screen[-3].text, mira.screen[-2].text, mira.screen[-1]
    assert "\n• Thursday 26 November, 09:00 (Berlin)\n• Monday 30 November, 09:00 (Berlin)\n" in goodbye
    assert "Tuesday 24 November" not in goodbye, "the days of the steps are not reminded of yet"
    assert "read the page to my cousin" not in goodbye
    assert list(mira.screen[-2].buttons) == ["You said …", "PDF", "Make items", "Menu"]
    for section in (
        "Executive Summary",
        "Key Insights",
        "Goal Statement\nread one page aloud",
        "Action Plan",
        "Success Metrics",
        "Support & Accountability",
    ):
        assert section in summary
    assert "• read the page to my cousin (Tuesday 24 November). What it needs: the play." in summary
    assert play.rows(select(t.action_plans)) == []
    assert kinds(play) == ["check_in", "confirm", "next_session"]
    kept = answers(play, mira)
    assert kept[1].fields["emotional_state"] == ["hopeful", "worried"]
    assert kept[1].fields["presence_level"] == 7
    assert kept[3].fields["options"] == [
        {"text": "look at one friendly face", "origin": "own"},
        {"text": "Try a much smaller piece first", "origin": "suggested"},
        {"text": "ask to read second", "origin": "own"},
    ]
    assert kept[4].fields["smart"]["time_bound"] == "2026-11-30"
    assert [s["by_when"] for s in kept[4].fields["action_steps"]] == ["2026-11-24", "2026-11-26"]
    assert "three" in [turn.text for turn in kept[2].turns], "the raw words are kept"
    [row] = play.rows(select(t.coaching_sessions))
    assert (row.is_complete, row.current_stage, row.topic) == (True, 5, "reading out loud in class")
    assert row.summary["writer"] == "plain"
    await play.script("""
        Mira: [Keep]
        buttons: Keep | Change | Drop | The whole plan
        Mira: [Keep]
        buttons: 1 | 2 | Confirm plan
    """)
    assert play.rows(select(t.action_plans)) == []
    assert kinds(play) == ["check_in", "confirm", "next_session"]
    await play.script("""
        Mira: [Confirm plan]
        coach said nothing
        buttons: My plan | Menu
    """)
    assert mira.screen[-1] is card, "all of it is one message"
    assert card.text == "\n".join(
        [
            "Your plan is confirmed, with 2 items.",
            "",
            "• read the page to my cousin: Tue 24 Nov",
            "• ask Ms Kaya: Thu 26 Nov",
            "",
            "I will remind you on:",
            "• Tuesday 24 November, 09:00 (Berlin)",
            "• Thursday 26 November, 09:00 (Berlin)",
        ]
    )
    assert kinds(play) == ["action_due", "action_due", "check_in", "next_session"]
    items = play.rows(select(t.action_plans).order_by(t.action_plans.c.timeline_end))
    assert [(item.title, item.goal_statement, item.origin) for item in items] == [
        ("read the page to my cousin", "read one page aloud", "coachee"),
        ("ask Ms Kaya", "read one page aloud", "coachee"),
    ]


async def test_every_field_of_the_design_is_kept(play: Play) -> None:
    """A session through every stage fills every typed field that the steps name, and every exit holds."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira)
    kept = answers(play, mira)
    optional = {
        "settling",
        "readiness_need",
        "correction",
        "previous_actions",
        "commitment_raise",
        "commitment_choice",
    }
    for one in STEPS.values():
        if one.fills and one.fills.split("[")[0].split(".")[0] not in optional:
            assert one.fills.split("[")[0].split(".")[0] in kept[one.stage].fields, one.name
    known = facts(session(play, mira), kept)
    assert [rule.holds for rule in EXITS if not GUARDS[rule.holds](known)] == []


@pytest.mark.parametrize(
    "where",
    ["presence_level", "emotional_state", "obstacles", "option", "step_when_check", "commitments", "feedback"],
)
async def test_a_restart_loses_nothing(play: Play, where: str) -> None:
    """At each stage a new process goes on at the very same question, and /session puts it again."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until=where)
    before, asked = answers(play, mira) if where != "presence_level" else {}, mira.screen[-1].text
    await play.restart()
    await mira.says("/session")
    assert step(play, mira) == where
    again = mira.screen[-1].text
    assert again.splitlines()[-1] == asked.splitlines()[-1]
    assert (answers(play, mira) if before else {}) == before
    await walk(play, mira)
    assert session(play, mira).phase == "complete"


async def test_going_back_one_question(play: Play) -> None:
    """Back puts the question before; the new answer counts, and the old one stays in the record."""
    await play.script("""
        Mira: /session
        Mira: [7]
        Mira: fine
        Mira: [8]
        coach: Shall we begin?
        Mira: « Back
        coach: One question back. Your new answer will count.
        coach: How ready are you
        Mira: back
        coach: What is it like to be you today?
        Mira: tired, really
        coach: How ready are you
        Mira: [5]
        coach: Shall we begin?
        Mira: /back
        Mira: /back
        Mira: /back
        coach: How present are you
        Mira: /back
        coach: This is the first question
    """)
    mira = play.people["Mira"]
    assert answers(play, mira)[1].fields == {}
    await walk(play, mira, until="topic")
    kept = answers(play, mira)[1]
    assert [turn.text for turn in kept.turns if turn.step == "emotional_state"] == [
        "fine",
        "tired, really",
        "a bit nervous",
    ]
    assert kept.fields["emotional_state"] == ["a bit nervous"]


SIDE_WAYS = {
    "starting_correction",
    "topic_clarify",
    "topic_clarify_again",
    "what_if",
    "suggestion",
    "act_need",
    "change_what",
    "commitment_choice",
    "commitment_ten",
    "which_step",
    "adjust_what",
    "adjust_when",
}


@pytest.mark.parametrize(
    "where", [name for name, s in STEPS.items() if s.stage > 1 and "_check" not in name and name not in SIDE_WAYS]
)
async def test_back_works_at_every_step(play: Play, where: str) -> None:
    """From wherever one is, back leads to the question before, and answering leads on again."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until=where)
    trail = session(play, mira).trail
    await mira.says("/back")
    assert session(play, mira).trail == trail[:-1]
    assert step(play, mira) != where or where in ("option", "step_what")
    await walk(play, mira)
    assert session(play, mira).phase == "complete"


async def test_going_back_in_lists(play: Play) -> None:
    """Back in the middle of a list takes its last entry back, and only that."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="option")
    await mira.says("one")
    await mira.says("two")
    await mira.says("/back")
    assert answers(play, mira)[3].fields["options"] == [{"text": "one", "origin": "own"}]
    await mira.says("second try")
    await mira.says("three")
    assert [o["text"] for o in answers(play, mira)[3].fields["options"]] == ["one", "second try", "three"]


async def test_pausing_and_going_on(play: Play) -> None:
    """Pause puts everything down; words are not taken for answers meanwhile; one tap goes on."""
    await play.script("""
        Mira: /session
        Mira: [7]
        coach: What is it like to be you today?
        Mira: Pause
        coach: Paused at step 1 of 5, Check in. Everything you said is kept.
        buttons: Continue
        Mira: i am busy
        coach: I have not taken that as an answer
        -- 3 days
        Mira: /session
        coach: On Monday 23 November we stopped at step 1 of 5, Check in.
        coach: What is it like to be you today?
        Mira: busy
        coach: How ready are you
    """)
    assert answers(play, play.people["Mira"])[1].fields["emotional_state"] == ["busy"]


async def test_stopping_and_coming_back(play: Play) -> None:
    """Cancel stops at once and says what is kept; one tap comes back, or a new session begins."""
    await play.script("""
        Mira: /session
        Mira: [7]
        Mira: /cancel
        coach: Stopped. What you said is kept.
        buttons: Come back to it | Start a session
        Mira: [Come back to it]
        coach: What is it like to be you today?
        Mira: /cancel
        Mira: /cancel
        coach: No question is open now.
        Mira: /session
        coach: You stopped a session at step 1 of 5, Check in.
        buttons: Come back to it | Start a new one
        Mira: [Start a new one]
        coach: Step 1 of 5
        coach: How much of your attention is here
    """)
    rows = play.rows(select(t.coaching_sessions).order_by(t.coaching_sessions.c.created_at))
    assert sorted(str(row.ended) for row in rows) == ["None", "stopped"]


async def test_changing_the_plan_at_the_end(play: Play) -> None:
    """Not quite, at either reading back of the plan, asks again what is to change and returns to where one was."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="finish_readback")
    await play.script("""
        Mira: [Not quite]
        coach: What would you like to change?
        Mira: [The goal]
        coach: If you put your goal in one sentence, what does it say?
        Mira: read two pages aloud
        coach: Goal: read two pages aloud
        Mira: [Not quite]
        Mira: [Leave it as it is]
        coach: Does it say what you want to do?
        Mira: [Yes, that's it]
        coach: Step 5 of 5
    """)
    await walk(play, mira, until="commitments")
    await play.script("""
        Mira: [Not quite]
        Mira: [A step]
        coach: "read the page to my cousin"
        Mira: read it to the dog
        Mira: [Tue 24 Nov]
        coach: read it to the dog: Tuesday 24 November
        Mira: [Not quite]
        Mira: [The check-in]
        coach: Which day is right for me to ask about your plan?
        Mira: [No check-in]
        coach: Is this what you choose to do?
    """)
    assert "I ask how it is going" not in mira.screen[-1].text
    await finish(play, mira)
    [row] = play.rows(select(t.action_plans))
    assert (row.title, row.goal_statement) == ("read it to the dog", "read two pages aloud")


async def test_low_commitment_changes_a_step(play: Play) -> None:
    """Commitment under 7 asks what would make it a 10; changing the step leads back to the commitment."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="commitment_level")
    await play.script("""
        Mira: [3]
        coach: A 3. What would make it a 10?
        Mira: something smaller
        Mira: [Change a step]
        coach: It was: "read the page to my cousin".
        Mira: read one line
        coach: "read one line"
        Mira: [Tue 24 Nov]
        coach: from 1
        Mira: /back
        coach: "read one line"
        Mira: [Tue 24 Nov]
        Mira: [9]
        coach: How sure are you
    """)
    assert [s["what"] for s in answers(play, mira)[4].fields["action_steps"]] == ["read one line"]


async def test_only_the_open_question_has_buttons(play: Play) -> None:
    """An answered question shows what was chosen and can no longer be pressed."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira)
    questions = [shown for shown in mira.screen if (shown.key or "").startswith("q")]
    assert len(questions) == conversation(play, mira).asked
    assert [q.text for q in questions if q.buttons] == []
    assert questions[0].text.endswith("→ 7")


async def test_a_second_session_reviews_the_actions_of_the_first(play: Play) -> None:
    """Each open item is asked about, without blame, and its status follows; what is done is not reminded of."""
    mira = play.coachee()
    await mira.says("/session")
    await finish(play, mira)
    await play.script("""
        Mira: /session
        coach: good to go on
        Mira: [7]
        Mira: fine
        coach: Last time you set out to: read the page to my cousin. What happened with that?
        Mira: [Partly]
        coach: What did the part that worked look like?
        Mira: the first half went well
        coach: What would you like to do with it now: "read the page to my cousin"?
        Mira: [Keep it]
        coach: how ready do you feel
        Mira: /back
        Mira: /back
        Mira: /back
        coach: Last time you set out to
        Mira: [Done]
        coach: You did what you set out to do: "read the page to my cousin". What helped you do it?
        Mira: my cousin was patient
        coach: how ready do you feel
    """)
    [review] = answers(play, mira)[1].fields["previous_actions"]
    assert (review["status"], review["what_happened"]) == ("done", "my cousin was patient")
    [item] = play.rows(select(t.action_plans))
    assert (str(item.id), item.status) == (review["action_id"], "completed")
    await play.script("""
        -- until 2026-11-27 12:00
        Mira: /plan
        coach: There are no open items.
    """)
    assert not any("the day for: read the page" in shown.text for shown in mira.screen)


async def test_writing_what_a_day_button_says(play: Play) -> None:
    """A day written as its button has it is that day, read back like any other."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="time_bound")
    await play.script("""
        Mira: Mon 30 Nov
        coach: Monday 30 November 2026, right?
        Mira: [Right]
        coach: What is the first step?
    """)


async def test_answering_with_words_where_there_are_buttons(play: Play) -> None:
    """Numbers and choices may be written; the buttons go, and the raw words are the turn."""
    mira = play.coachee()
    await mira.says("/session")
    for words in ("７", "fine", "8 out of 10", "ok"):
        await answer(mira, words)
    assert step(play, mira) == "topic"
    assert [turn.text for turn in answers(play, mira)[1].turns] == ["７", "fine", "8 out of 10", "ok"]
    assert [shown.text for shown in mira.screen[:-1] if shown.buttons] == []
