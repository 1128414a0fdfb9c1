"""A coachee who answers every question: what they say at each step, and walking to a step or to the end.

A session that is walked to its end leaves a plan that waits; `confirm` makes items of it, and `finish` does both.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Select, select

from flows.state import Conversation, Session, StageAnswers
from storage import tables as t
from tests.playbook import Coachee, Play

ANSWERS: dict[str, str] = {
    "presence_level": "[7]",
    "settling_offer": "[Yes]",
    "presence_again": "[7]",
    "emotional_state": "a bit nervous",
    "review_status": "[Done]",
    "review_what": "i just did it",
    "review_choice": "[Keep it]",
    "review_change": "read it to the dog",
    "review_when": "[Mon 30 Nov]",
    "review_when_check": "[Right]",
    "readiness_score": "[8]",
    "ready_confirm": "[Yes, let us begin]",
    "ready_need": "a glass of water",
    "topic": "reading out loud in class",
    "topic_clarify": "the reading out loud itself",
    "topic_clarify_again": "that i have to read aloud",
    "topic_category": "[School, study]",
    "importance": "[9]",
    "problem_statement": "that i get stuck",
    "current_state_rating": "[3]",
    "strengths": "with my cousin i can do it fine",
    "obstacles": "everybody looks",
    "resources": "my cousin",
    "context": "the play in spring",
    "starting_readback": "[Yes, that's it]",
    "starting_correction": "it is more about the looks",
    "future_vision": "i read a page and nobody cares",
    "option": "look at one friendly face",
    "what_if": "[Nothing more comes]",
    "suggestion": "[Try a much smaller piece first]",
    "option_insights": "i never tried just one face",
    "assumptions": "that they all listen",
    "barriers": "being shy",
    "support": "my cousin on sundays",
    "energy_level": "[7]",
    "ready_to_act": "[Yes]",
    "act_need": "more sleep",
    "goal_statement": "read one page aloud",
    "specific": "one page of the play, in the lesson",
    "measurable": "i get to the end",
    "achievable": "it is only one page",
    "relevant": "i want a part",
    "goal_day_check": "[Right]",
    "time_bound": "[Mon 30 Nov]",
    "time_bound_check": "[Right]",
    "step_what": "read the page to my cousin",
    "step_when": "friday",
    "step_when_check": "[Right]",
    "step_with": "[Nothing]",
    "step_who": "my cousin",
    "step_more": "[That is all]",
    "step_obstacles": "i might forget",
    "contingency_plans": "i set an alarm",
    "commitment_level": "[8]",
    "commitment_ten": "if my cousin asked me",
    "commitment_choice": "[Go on as it is]",
    "which_step": "[read the page to my cousin]",
    "adjust_what": "read one line to my cousin",
    "adjust_when": "[Tue 24 Nov]",
    "adjust_when_check": "[Right]",
    "confidence_level": "[8]",
    "accountability_method": "my cousin asks me",
    "next_check_in": "[Thu 26 Nov]",
    "next_check_in_check": "[Right]",
    "finish_readback": "[Yes, that's it]",
    "change_what": "[Leave it as it is]",
    "key_learnings": "one face is enough",
    "session_insights": "i can do small things",
    "commitments": "[Yes]",
    "session_value_rating": "[9]",
    "clarity_level": "[8]",
    "feedback": "[Nothing to add]",
    "next_session": "[No day yet]",
    "next_session_check": "[Right]",
}
"""What Mira answers at each step, said on Monday 23 November 2026."""


def conversation(play: Play, person: Coachee) -> Conversation:
    """The stored state of a person's chat."""
    [row] = play.rows(select(t.conversations.c.state).where(t.conversations.c.chat_id == person.chat_id))
    return msgspec.convert(row.state, Conversation)


def session(play: Play, person: Coachee) -> Session:
    """The session of a person's chat."""
    found = conversation(play, person).session
    assert found is not None
    return found


def answers(play: Play, person: Coachee) -> dict[int, StageAnswers]:
    """What is kept of the current session, by stage."""
    query = select(t.stage_responses).where(t.stage_responses.c.session_id == session(play, person).session_id)
    return {row.stage_number: msgspec.convert(row.responses, StageAnswers) for row in play.rows(query)}


def step(play: Play, person: Coachee) -> str | None:
    """The step whose question is open."""
    position = session(play, person).position
    return position.step if position else None


async def answer(person: Coachee, words: str) -> None:
    """Answer: in words, or with a button where the words are in brackets."""
    if words.startswith("["):
        await person.presses(words[1:-1])
    else:
        await person.says(words)


async def walk(play: Play, person: Coachee, until: str | None = None, **other: str) -> None:
    """Answer question after question until a step is open, or the session is complete. `other` replaces answers."""
    for _ in range(150):
        here = step(play, person)
        if here is None or here == until:
            assert here == until, f"the session ended before {until}"
            return
        await answer(person, other.get(here, ANSWERS[here]))
    raise AssertionError(f"{until} was not reached")


async def confirm(person: Coachee) -> None:
    """Keep each item of the plan as it is, until the whole plan is shown, and confirm it.

    What was suggested is left out. Only the card that is open has these buttons.
    """
    for _ in range(50):
        labels = person.newest_with_buttons().buttons
        if "Confirm plan" in labels:
            await person.presses("Confirm plan")
            return
        await person.presses("Keep" if "Keep" in labels else "Leave it out")
    raise AssertionError("the whole plan was not reached")


async def finish(play: Play, person: Coachee, **other: str) -> None:
    """Answer to the end of the session, and confirm the plan. `other` replaces answers.

    Before the confirmation nothing of this session is an action item, nor reminded of.
    """
    before = {row.id for row in play.rows(select(t.action_plans.c.id))}
    await walk(play, person, **other)
    waits = conversation(play, person).plan
    assert waits is not None
    assert {row.id for row in play.rows(select(t.action_plans.c.id))} <= before, "no item is made before"
    named = {f"action_due:{draft.action_id}" for draft in waits.drafts}
    assert named.isdisjoint(row.key for row in play.rows(_reminded_of())), "and none is reminded of"
    await confirm(person)
    assert conversation(play, person).plan is None


def _reminded_of() -> Select[Any]:
    """The reminders of items that are set."""
    return select(t.timers.c.key).where(t.timers.c.kind == "action_due", t.timers.c.state == "pending")
