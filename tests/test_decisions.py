"""Every point at which the conversation turns one way or the other, played in both directions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from flows.questions import named_by
from flows.steps import STEPS
from storage import tables as t
from tests.coachee import answer, answers, finish, step, walk
from tests.playbook import Coachee, Play, Shown


def places(play: Play, name: str = "Mira") -> dict[str, Callable[[], Any]]:
    """Stage directions that say which question is open: `-- at topic`, and `-- complete`."""

    def check(where: str | None) -> None:
        assert step(play, play.people[name]) == where, f"at {step(play, play.people[name])}"

    return {"complete": lambda: check(None), **{f"at {one}": lambda one=one: check(one) for one in STEPS}}


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage on each database."""
    async with Play(database) as made:
        made.hooks = places(made)
        yield made


async def begun(play: Play, until: str, **other: str) -> Coachee:
    """Mira in a session, at a question."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until=until, **other)
    return mira


def keyed(mira: Coachee, letter: str) -> list[Shown]:
    """The messages of one kind: q(uestion), b(reaths), p(rogress)."""
    return [shown for shown in mira.screen if (shown.key or "").rstrip("0123456789") == letter]


# ---- presence, breaths


@pytest.mark.parametrize(("number", "where"), [(1, "settling_offer"), (4, "settling_offer"), (5, "emotional_state")])
async def test_presence_under_five_is_offered_breaths(play: Play, number: int, where: str) -> None:
    """Breaths are offered under 5 and not from 5 on; who just goes on is not held up."""
    mira = play.coachee()
    await mira.says("/session")
    await mira.presses(str(number))
    assert step(play, mira) == where
    if where == "settling_offer":
        await mira.presses("Just go on")
        assert answers(play, mira)[1].fields["settling"] == "go_on"
        assert keyed(mira, "b") == []
    await walk(play, mira)
    assert answers(play, mira)[1].fields["presence_level"] == number


async def test_breaths_are_one_message_that_the_clock_changes(play: Play) -> None:
    """Nine phases in one message, no other message meanwhile, and then the question comes by itself."""
    mira = await begun(play, "settling_offer", presence_level="[4]")
    await play.script("""
        Mira: [Yes]
        coach: Breath 1 of 3: in
        buttons: I am ready
    """)
    [breath], there, seen = keyed(mira, "b"), len(mira.screen), []
    for _ in range(32):
        await play.pass_time(timedelta(seconds=1))
        if breath.text not in seen:
            seen.append(breath.text)
        assert len(mira.screen) == there
        assert list(breath.buttons) == ["I am ready"]
    assert [(text[:13], text.split(": ")[1].split(",")[0].split(" ")[0]) for text in seen] == [
        (f"Breath {n} of 3", part) for n in (1, 2, 3) for part in ("in", "hold", "and")
    ]
    assert breath.edits == 8
    await play.script("""
        -- 1 minute
        coach: how present are you
        buttons: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10
        -- at presence_again
        -- 1 hour
        coach said nothing
    """)
    assert (breath.edits, breath.buttons, len(mira.screen)) == (9, {}, there + 1)


async def test_being_ready_ends_the_breaths(play: Play) -> None:
    """[I am ready] puts the question at once; the timer of the breaths does nothing after that."""
    mira = await begun(play, "settling_offer", presence_level="[4]")
    await mira.presses("Yes")
    await play.pass_time(timedelta(seconds=5))
    [breath] = keyed(mira, "b")
    assert breath.edits == 1
    await play.script("""
        Mira: [I am ready]
        coach: how present are you
        -- 1 minute
        coach said nothing
        Mira: [7]
        -- at emotional_state
        -- 1 minute
        coach said nothing
    """)
    assert (breath.edits, breath.buttons) == (2, {})


async def test_a_number_during_the_breaths_is_the_answer(play: Play) -> None:
    """Who knows the number already need not wait: it is kept as the answer to the question after the breaths."""
    mira = await begun(play, "settling_offer", presence_level="[4]")
    await play.script("""
        Mira: [Yes]
        Mira: eight
        -- at emotional_state
        -- 1 minute
        coach said nothing
    """)
    assert answers(play, mira)[1].fields["presence_level"] == 8
    assert [breath.buttons for breath in keyed(mira, "b")] == [{}]
    [turn] = [turn for turn in answers(play, mira)[1].turns if turn.step == "presence_again"]
    assert (named_by(turn.question) or ("?",))[0] == "presence_again", "the turn is kept with its own question"


async def test_breaths_go_on_after_a_restart(play: Play) -> None:
    """A process that ends in the middle of the breaths leaves them to the next one."""
    mira = await begun(play, "settling_offer", presence_level="[2]")
    await mira.presses("Yes")
    await play.pass_time(timedelta(seconds=5))
    await play.restart()
    [breath], there = keyed(mira, "b"), len(mira.screen)
    await play.pass_time(timedelta(seconds=20))
    assert breath.text.startswith("Breath 3 of 3")
    await play.script("""
        -- 1 minute
        coach: how present are you
        Mira: [6]
        -- at emotional_state
    """)
    assert (breath.edits, len(mira.screen)) == (9, there + 2)


async def test_still_under_five_is_offered_again(play: Play) -> None:
    """After breaths that changed little they are offered again; the second ones are a message of their own."""
    mira = await begun(play, "settling_offer", presence_level="[4]")
    await play.script("""
        Mira: [Yes]
        Mira: [I am ready]
        Mira: [3]
        -- at settling_offer
        buttons: Yes | Just go on
        Mira: [Yes]
        coach: Breath 1 of 3
        -- 1 minute
        -- at presence_again
        Mira: [4]
        Mira: [Just go on]
        -- at emotional_state
    """)
    assert [breath.edits for breath in keyed(mira, "b")] == [1, 9]
    kept = answers(play, mira)[1].fields
    assert (kept["presence_level"], kept["settling"]) == (4, "go_on")


async def test_pausing_during_the_breaths(play: Play) -> None:
    """Pause ends them; nothing comes until the person goes on, and then it is the question."""
    mira = await begun(play, "settling_offer", presence_level="[4]")
    await play.script("""
        Mira: [Yes]
        Mira: Pause
        coach: Paused at step 1 of 5
        -- 1 minute
        coach said nothing
        Mira: [Continue]
        coach: how present are you
        -- at presence_again
        -- 1 minute
        coach said nothing
    """)
    [breath] = keyed(mira, "b")
    assert (breath.edits, breath.buttons) == (1, {})


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("skip", "presence_again"),
        ("/back", "settling_offer"),
        ("why?", "presence_again"),
        ("/session", "presence_again"),
    ],
)
async def test_controls_during_the_breaths(play: Play, words: str, where: str) -> None:
    """Skip, back, why and /session end the breaths with one question, and their clock does nothing any more."""
    mira = await begun(play, "settling_offer", presence_level="[4]")
    await mira.presses("Yes")
    await mira.says(words)
    there = len(mira.screen)
    assert step(play, mira) == where
    assert mira.screen[-1].buttons
    await play.pass_time(timedelta(minutes=1))
    assert len(mira.screen) == there
    assert [breath.buttons for breath in keyed(mira, "b")] == [{}]
    await walk(play, mira, settling_offer="[Just go on]")


# ---- earlier actions


async def second(play: Play, day: str | None = None, **other: str) -> Coachee:
    """Mira in her second session, asked about the step of the first: confirmed, and due on Friday 27 November."""
    mira = play.coachee()
    await mira.says("/session")
    await finish(play, mira, next_check_in="[No check-in]", **other)
    if day is not None:
        await play.script(f"-- until {day}")
    return await begun(play, "review_status")


def item(play: Play) -> Any:
    """The row of the one item: its status, title, day and whether it was let go."""
    [row] = play.rows(select(t.action_plans))
    return row.status, row.title, str(row.timeline_end), row.dropped_at is not None


def due(play: Play) -> list[str]:
    """The local times of the reminders of items that are still to come."""
    rows = play.rows(select(t.timers).where(t.timers.c.kind == "action_due", t.timers.c.state == "pending"))
    return [row.wall for row in rows]


OPEN = ("pending", "read the page to my cousin", "2026-11-27", False)


async def test_done_is_celebrated(play: Play) -> None:
    """What was done is named and asked what helped; nothing is to be decided about it, and back restores it."""
    await second(play)
    assert (item(play), due(play)) == (OPEN, ["2026-11-27T09:00"])
    await play.script("""
        Mira: [Done]
        coach: "read the page to my cousin"
        -- at review_what
        Mira: my cousin was patient
        -- at readiness_score
    """)
    assert item(play) == ("completed", *OPEN[1:])
    assert due(play) == []
    await play.script("""
        Mira: /back
        Mira: /back
        -- at review_status
    """)
    assert (item(play), due(play)) == (OPEN, ["2026-11-27T09:00"])


@pytest.mark.parametrize(("said", "status"), [("Partly", "in_progress"), ("Not yet", "pending")])
async def test_not_done_is_kept(play: Play, said: str, status: str) -> None:
    """What was not done is asked about without blame; kept with its day to come, no new day is asked."""
    mira = await second(play)
    await play.script(f"""
        Mira: [{said}]
        -- at review_what
        Mira: she was ill
        -- at review_choice
        buttons: Keep it | Change it | Let it go
        Mira: [Keep it]
        -- at readiness_score
    """)
    assert (item(play), due(play)) == ((status, *OPEN[1:]), ["2026-11-27T09:00"])
    [review] = answers(play, mira)[1].fields["previous_actions"]
    assert (review["what_happened"], review["choice"]) == ("she was ill", "keep")
    await play.script("""
        Mira: /back
        Mira: /back
        Mira: /back
        -- at review_status
    """)
    assert item(play) == OPEN


async def test_kept_with_its_day_past_gets_a_new_day(play: Play) -> None:
    """A day that is past is asked anew; the row and the reminder follow, and back puts both back."""
    await second(play, "2026-11-28 12:00")
    assert (item(play), due(play)) == (OPEN, [])
    await play.script("""
        Mira: [Not yet]
        Mira: she was ill
        Mira: [Keep it]
        -- at review_when
        Mira: wednesday
        coach: Wednesday 2 December 2026, right?
        Mira: [Another day]
        -- at review_when
        Mira: thursday
        coach: Thursday 3 December 2026, right?
        Mira: [Right]
        -- at readiness_score
    """)
    assert (item(play), due(play)) == ((*OPEN[:2], "2026-12-03", False), ["2026-12-03T09:00"])
    await play.script("""
        Mira: /back 4
        -- at review_when
    """)
    assert (item(play), due(play)) == (OPEN, [])
    await play.script("""
        Mira: [Tue 1 Dec]
        -- at readiness_score
        -- until 2026-12-01 09:00
        coach: Today is the day for: read the page to my cousin.
    """)


async def test_a_day_that_is_not_right_moves_nothing(play: Play) -> None:
    """A day in words counts when it was read back and is right: before that, and if it is not, the row stays."""
    await second(play, "2026-11-28 12:00")
    await play.script("""
        Mira: [Not yet]
        Mira: she was ill
        Mira: [Keep it]
        Mira: wednesday
        coach: Wednesday 2 December 2026, right?
    """)
    unconfirmed = (item(play), due(play))
    await play.script("""
        Mira: [Another day]
        -- at review_when
    """)
    assert (item(play), due(play)) == (OPEN, []), "a day that was refused"
    assert unconfirmed == (OPEN, []), "a day that is not confirmed yet"


@pytest.mark.parametrize(
    ("where", "left", "stays"),
    [
        ("next_check_in", ("skip",), None),
        ("next_check_in", ("idk", "idk"), None),
        ("next_check_in", ("[No check-in]",), None),
        ("next_session", ("idk", "idk"), None),
        ("adjust_when", ("skip",), "2026-11-27"),
        ("adjust_when", ("idk", "idk"), "2026-11-27"),
    ],
)
async def test_a_day_that_is_not_right_does_not_count(
    play: Play, where: str, left: tuple[str, ...], stays: str | None
) -> None:
    """A day that is read back and refused is none, also when no other one is named after it."""
    other = {"commitment_level": "[3]", "commitment_choice": "[Change a step]"} if where == "adjust_when" else {}
    mira = await begun(play, where, **other)
    for words in ("wednesday", "[Another day]", *left):
        assert step(play, mira) in (where, f"{where}_check")
        await answer(mira, words)
    kept = answers(play, mira)
    found = kept[4].fields["action_steps"][0]["by_when"] if where == "adjust_when" else None
    if where != "adjust_when":
        found = kept[STEPS[where].stage].fields[where]
    assert found == stays


async def test_kept_without_a_new_day_has_none(play: Play) -> None:
    """[No day] leaves an item without a day, as it says."""
    await second(play, "2026-11-28 12:00")
    await play.script("""
        Mira: [Not yet]
        Mira: she was ill
        Mira: [Keep it]
        Mira: [No day]
        -- at readiness_score
    """)
    assert (item(play), due(play)) == ((*OPEN[:2], "None", False), [])


async def test_changed_gets_new_words_and_a_new_day(play: Play) -> None:
    """The row's title, its day and its reminder follow a change, and back restores each."""
    await second(play)
    await play.script("""
        Mira: [Partly]
        Mira: half of it
        Mira: [Change it]
        -- at review_change
        Mira: read it to the dog
        coach: read it to the dog
        -- at review_when
        Mira: [Mon 30 Nov]
        -- at readiness_score
    """)
    assert item(play) == ("in_progress", "read it to the dog", "2026-11-30", False)
    assert due(play) == ["2026-11-30T09:00"]
    await play.script("""
        -- until 2026-11-27 10:00
        Mira: /plan
        coach: read it to the dog: Monday 30 November
        -- until 2026-11-30 09:00
        coach: Today is the day for: read it to the dog.
        Mira: /back
        -- at review_when
    """)
    assert item(play) == ("in_progress", "read it to the dog", "2026-11-27", False)
    await play.script("""
        Mira: /back
        Mira: /back
        -- at review_choice
    """)
    assert item(play) == ("in_progress", *OPEN[1:])
    await play.script("""
        Mira: /back
        Mira: /back
        -- at review_status
    """)
    assert item(play) == OPEN


async def test_let_go_stays_on_record(play: Play) -> None:
    """What is let go is on no plan and not reminded of; the row stays, and back brings all of it back."""
    await second(play)
    await play.script("""
        Mira: [Not yet]
        Mira: i did not want to
        Mira: [Let it go]
        -- at readiness_score
        Mira: /plan
        coach: There are no open items.
    """)
    assert (item(play), due(play)) == ((*OPEN[:3], True), [])
    await play.script("""
        Mira: /back
        -- at review_choice
        Mira: /plan
        coach: read the page to my cousin
    """)
    assert (item(play), due(play)) == (OPEN, ["2026-11-27T09:00"])
    await play.script("""
        Mira: let it go
        -- at readiness_score
    """)
    mira = play.people["Mira"]
    await finish(play, mira, step_what="ask Ms Kaya", next_check_in="[No check-in]")
    await play.script("""
        -- until 2026-11-27 09:00
        coach: Today is the day for: ask Ms Kaya.
        -- 2 days
        coach said nothing
    """)
    await begun(play, "review_status")
    assert "ask Ms Kaya" in mira.screen[-1].text
    await play.script("""
        Mira: [Done]
        Mira: it went well
        -- at readiness_score
    """)
    assert {row.title: row.status for row in play.rows(select(t.action_plans))} == {
        "read the page to my cousin": "pending",
        "ask Ms Kaya": "completed",
    }


async def test_each_earlier_action_is_reviewed(play: Play) -> None:
    """Two items are reviewed one after the other, the soonest first, each by its own words."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="step_more")
    await play.script("""
        Mira: [Another step]
        Mira: ask Ms Kaya
        Mira: [Tue 24 Nov]
        Mira: [Nothing]
        Mira: [Just me]
    """)
    await finish(play, mira)
    await begun(play, "review_status")
    await play.script("""
        Mira: /back
        Mira: fine
        coach: ask Ms Kaya
        Mira: [Not yet]
        Mira: she was away
        Mira: [Let it go]
        coach: read the page to my cousin
        -- at review_status
        Mira: [Done]
        coach: read the page to my cousin
        Mira: he liked it
        -- at readiness_score
    """)
    reviews = answers(play, mira)[1].fields["previous_actions"]
    assert [(r["status"], r.get("choice")) for r in reviews] == [("not_done", "drop"), ("done", None)]
    rows = {row.title: (row.status, row.dropped_at is not None) for row in play.rows(select(t.action_plans))}
    assert rows == {"ask Ms Kaya": ("pending", True), "read the page to my cousin": ("completed", False)}


# ---- the topic


async def test_a_vague_topic_is_clarified_at_most_twice(play: Play) -> None:
    """Vague words are asked about once, and once more; a third time they are taken as they are."""
    mira = await begun(play, "topic")
    await play.script("""
        Mira: school
        coach: "school"
        -- at topic_clarify
        Mira: stuff
        coach: "stuff"
        -- at topic_clarify_again
        Mira: things
        -- at topic_category
    """)
    assert answers(play, mira)[2].fields["topic"] == "things"
    asked = [turn.question for turn in answers(play, mira)[2].turns]
    assert len(set(asked)) == 3


async def test_a_topic_that_becomes_clear(play: Play) -> None:
    """A vague topic that is clear when asked about is asked about once; a clear one not at all."""
    mira = await begun(play, "topic")
    await play.script("""
        Mira: school
        -- at topic_clarify
        Mira: reading out loud in class
        -- at topic_category
        Mira: /back
        Mira: /back
        -- at topic
        Mira: the noise in my room at night
        -- at topic_category
    """)
    assert answers(play, mira)[2].fields["topic"] == "the noise in my room at night"


async def test_not_clarifying_keeps_the_topic(play: Play) -> None:
    """Who skips the clarification, at either time, keeps the topic as it was said."""
    mira = await begun(play, "topic")
    await play.script("""
        Mira: school
        Mira: skip
        -- at topic_category
        Mira: /back
        Mira: stuff
        Mira: /skip
        -- at topic_category
    """)
    assert answers(play, mira)[2].fields["topic"] == "stuff"
    await play.script("""
        Mira: /back
        Mira: /back
        Mira: /skip
    """)
    assert answers(play, mira)[2].fields["topic"] == "school"


# ---- options


async def test_three_own_options_need_no_help(play: Play) -> None:
    """Three ideas of one's own are enough: no hypothetical question, no suggestion."""
    mira = await begun(play, "option")
    await play.script("""
        Mira: one
        Mira: two
        -- at option
        Mira: three
        -- at option_insights
    """)
    assert [o["origin"] for o in answers(play, mira)[3].fields["options"]] == ["own"] * 3
    assert not any(turn.step in ("what_if", "suggestion") for turn in answers(play, mira)[3].turns)


async def test_an_idea_after_a_what_if_is_ones_own(play: Play) -> None:
    """Without more ideas a hypothetical question is asked; what it brings counts as the coachee's own."""
    mira = await begun(play, "option")
    await play.script("""
        Mira: one
        Mira: [I have no more]
        -- at what_if
        buttons: Nothing more comes
        Mira: two
        -- at what_if
        Mira: three
        -- at option_insights
    """)
    assert [(o["text"], o["origin"]) for o in answers(play, mira)[3].fields["options"]] == [
        ("one", "own"),
        ("two", "own"),
        ("three", "own"),
    ]
    asked = [turn.question for turn in answers(play, mira)[3].turns if turn.step == "what_if"]
    assert len(set(asked)) == 2


async def test_suggestions_come_last_and_are_marked(play: Play) -> None:
    """With nothing more of one's own there are suggestions, called so; adopted ones are kept as suggested."""
    mira = await begun(play, "option")
    await play.script("""
        Mira: [I have no more]
        -- at what_if
        Mira: [Nothing more comes]
        coach: suggestions of mine
        -- at suggestion
        Mira: [Ask somebody who has done it]
        coach: suggestions
        buttons: Try a much smaller piece first | Watch how another person does it | Change when or where I do it | Practise where nobody sees it | None of these
        Mira: [Watch how another person does it]
        Mira: [Change when or where I do it]
        -- at option_insights
    """)  # noqa: E501
    assert {o["origin"] for o in answers(play, mira)[3].fields["options"]} == {"suggested"}


async def test_none_of_the_suggestions(play: Play) -> None:
    """None of these asks for ideas again; two of one's own and a suggestion are three."""
    mira = await begun(play, "option")
    await play.script("""
        Mira: [I have no more]
        Mira: [Nothing more comes]
        Mira: [None of these]
        -- at option
        Mira: one
        -- at option
        Mira: two
        Mira: no more
        -- at what_if
        Mira: nothing
        -- at suggestion
        Mira: practise where nobody sees it
        -- at option_insights
    """)
    assert [o["origin"] for o in answers(play, mira)[3].fields["options"]] == ["own", "own", "suggested"]


# ---- commitment


async def test_enough_commitment_goes_on(play: Play) -> None:
    """From 7 on nobody is asked what would make it a 10."""
    mira = await begun(play, "commitment_level")
    await mira.presses("7")
    assert step(play, mira) == "confidence_level"


async def test_low_commitment_may_go_on(play: Play) -> None:
    """Under 7 it is asked what would make it a 10, and then one may go on with the steps as they are."""
    mira = await begun(play, "commitment_level")
    await play.script("""
        Mira: [6]
        -- at commitment_ten
        Mira: more time
        buttons: Change a step | Go on as it is
        Mira: [Go on as it is]
        -- at confidence_level
    """)
    kept = answers(play, mira)[4].fields
    assert (kept["commitment_level"], kept["commitment_raise"], kept["commitment_choice"]) == (
        6,
        "more time",
        "go_on",
    )


async def test_one_of_two_steps_is_changed(play: Play) -> None:
    """With two steps it is asked which one; the other stays, and the commitment is asked again."""
    mira = await begun(play, "step_more")
    await play.script("""
        Mira: [Another step]
        Mira: ask Ms Kaya
        Mira: [Tue 24 Nov]
        Mira: [Nothing]
        Mira: [Just me]
    """)
    await walk(play, mira, until="commitment_level")
    await play.script("""
        Mira: [2]
        Mira: something smaller
        Mira: [Change a step]
        -- at which_step
        buttons: read the page to my cousin | ask Ms Kaya
        Mira: [ask Ms Kaya]
        coach: "ask Ms Kaya"
        Mira: write to Ms Kaya
        Mira: thursday
        coach: Thursday 26 November 2026, right?
        Mira: [Another day]
        Mira: [Thu 26 Nov]
        -- at commitment_level
        Mira: [6]
        Mira: it is fine
        Mira: [Change a step]
        Mira: [read the page to my cousin]
        Mira: /skip
        Mira: /skip
        -- at commitment_level
        Mira: [7]
        -- at confidence_level
    """)
    assert [(s["what"], s["by_when"]) for s in answers(play, mira)[4].fields["action_steps"]] == [
        ("read the page to my cousin", "2026-11-27"),
        ("write to Ms Kaya", "2026-11-26"),
    ]


# ---- SMART, days


async def test_smart_is_asked_part_by_part(play: Play) -> None:
    """Each of the five parts is a question, and its field is what was said."""
    mira = await begun(play, "goal_statement")
    await play.script("""
        Mira: read one page aloud
        -- at specific
        Mira: in the lesson
        -- at measurable
        Mira: i get to the end
        -- at achievable
        Mira: it is one page
        -- at relevant
        Mira: i want a part
        -- at time_bound
        Mira: friday
        coach: Friday 27 November 2026, right?
        Mira: [Right]
        -- at step_what
    """)
    assert answers(play, mira)[4].fields["smart"] == {
        "specific": "in the lesson",
        "measurable": "i get to the end",
        "achievable": "it is one page",
        "relevant": "i want a part",
        "time_bound": "2026-11-27",
    }


async def test_a_day_that_the_goal_names_is_read_back(play: Play) -> None:
    """A goal that names its day is not asked by when; the day is read back and counts when it is right."""
    mira = await begun(play, "relevant", goal_statement="read a page aloud by friday")
    await play.script("""
        Mira: i want a part
        coach: Friday 27 November 2026, right?
        buttons: Right | Another day
        Mira: [Right]
        -- at step_what
    """)
    kept = answers(play, mira)[4].fields
    assert kept["smart"]["time_bound"] == "2026-11-27"
    assert kept["goal_statement"] == "read a page aloud by friday"


async def test_another_day_than_the_goal_names(play: Play) -> None:
    """If it is not that day, the day is asked for, and the one given then counts."""
    mira = await begun(play, "goal_day_check", goal_statement="read a page aloud by friday")
    await play.script("""
        Mira: [Another day]
        -- at time_bound
        Mira: 3 december
        coach: Thursday 3 December 2026, right?
        Mira: [Another day]
        -- at time_bound
        Mira: [Mon 30 Nov]
        -- at step_what
    """)
    assert answers(play, mira)[4].fields["smart"]["time_bound"] == "2026-11-30"


async def test_a_goal_that_is_changed_brings_its_new_day(play: Play) -> None:
    """When the goal is changed at the end and names another day, the plan does not keep the old one unasked."""
    mira = await begun(play, "finish_readback", goal_statement="read a page aloud by friday")
    await play.script("""
        Mira: [Not quite]
        Mira: [The goal]
        Mira: read two pages aloud by 3 december
    """)
    await walk(play, mira)
    assert answers(play, mira)[4].fields["smart"]["time_bound"] == "2026-12-03"


# ---- reading back


async def test_starting_point_is_read_back(play: Play) -> None:
    """What was said is read back, what was left out is not, and a correction is read back with it."""
    mira = await begun(play, "starting_readback", strengths="skip")
    first = mira.screen[-1].text
    assert "reading out loud in class" in first
    assert "everybody looks" in first
    assert "What you bring" not in first
    await play.script("""
        Mira: [Not quite]
        -- at starting_correction
        Mira: it is about the waiting
        coach: it is about the waiting
        -- at starting_readback
        Mira: [Not quite]
        Mira: skip
        coach: it is about the waiting
        Mira: [Yes, that's it]
        -- at future_vision
    """)
    kept = answers(play, mira)[2].fields
    assert (kept["confirmed"], kept["correction"], kept.get("strengths")) == ("yes", "it is about the waiting", None)


async def test_starting_point_with_everything_skipped_is_read_back(play: Play) -> None:
    """Only what there is is read back: here, the topic and the number."""
    skipped = ("topic_category", "importance", "problem_statement", "strengths", "obstacles", "resources", "context")
    mira = await begun(play, "starting_readback", **dict.fromkeys(skipped, "skip"))
    said = mira.screen[-1].text.splitlines()[0]
    assert said == "Let me see if I have it. It is about: reading out loud in class. It stands at 3 of 10 today."


async def test_the_plan_is_read_back_and_changed(play: Play) -> None:
    """Not quite asks what to change, each way; the change is read back before it counts."""
    mira = await begun(play, "finish_readback")
    await play.script("""
        Mira: [Not quite]
        buttons: The goal | A step | Add a step | The check-in | Leave it as it is
        Mira: [Add a step]
        -- at step_what
        Mira: ask Ms Kaya
        Mira: thursday
        Mira: [Right]
        Mira: [Nothing]
        Mira: [Just me]
        Mira: [That is all]
        coach: ask Ms Kaya: Thursday 26 November
        -- at finish_readback
        Mira: [Not quite]
        Mira: [The check-in]
        Mira: [No check-in]
        -- at finish_readback
        Mira: [Not quite]
        Mira: [A step]
        Mira: [ask Ms Kaya]
        Mira: write to Ms Kaya
        Mira: skip
        coach: write to Ms Kaya: Thursday 26 November
        Mira: [Yes, that's it]
        -- at key_learnings
    """)
    kept = answers(play, mira)[4].fields
    assert [s["what"] for s in kept["action_steps"]] == ["read the page to my cousin", "write to Ms Kaya"]
    assert kept["next_check_in"] is None
