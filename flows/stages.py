"""The five stages: every step, every transition and every exit, in one place.

The model is ACF: A(starting point), C(onnect), F(inish), between a check in and a check out; design.md section 4 is
its source. Rules that the tables below keep:

1. One question a step. A step says what kind of answer it takes and which typed field it fills.
2. From a step, the rows of TRANSITIONS are read from the top; the first whose guard holds is taken. The last row of
   each step has no guard, so that there always is a way.
3. A guard is a named predicate over what was answered. It never looks at the clock, the model, or another person.
4. A stage is left only when its EXITS hold. An exit that does not hold names the step that mends it. On the straight
   way they hold by construction; a corrected answer may undo one, and then the conversation goes back to mend it.
5. `returns` begins a detour: the steps of one group are asked again, and leaving the group leads back to the step
   named. `SELF` is the step one comes from; `KEEP` goes on with the detour one is on.
6. `round="next"` asks a step for the next entry of its list; otherwise a group keeps its round.

docs/conversation.md is generated from these tables (`make docs`), and a test says whether it is current.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Literal

from flows.records import Record


class Stage(IntEnum):
    """The stages, by their number."""

    CHECK_IN = 1
    STARTING_POINT = 2
    CONNECT = 3
    FINISH = 4
    CHECK_OUT = 5


class Scale(Record):
    """A whole number from 1 to 10."""


class Pick(Record):
    """One of the options, by its code."""

    options: tuple[str, ...]
    per_row: int = 1


class Several(Record):
    """Any number of the options, at least one; or the coachee's own words."""

    options: tuple[str, ...]
    per_row: int = 3


class Words(Record):
    """The coachee's own words. `instead` are buttons for not having any."""

    instead: tuple[str, ...] = ()


class Day(Record):
    """A day from today on, by a button or in words. `instead` are buttons for none."""

    instead: tuple[str, ...] = ()


Answer = Scale | Pick | Several | Words | Day


class Step(Record):
    """A question. `fills` is the path of its field in the stage's record.

    `list[+].x` begins an entry of a list (and drops what stood behind it), `list[].y` is a further part of it.
    Steps of one `group` are asked, and asked again, together.
    """

    name: str
    stage: Stage
    takes: Answer
    fills: str | None = None
    group: str = ""


class Facts(Record):
    """What guards may look at: the fields of every stage, the last answer, and how many reviews are due."""

    fields: Mapping[int, Mapping[str, Any]]
    choice: str | None = None
    value: int | str | tuple[str, ...] | None = None
    to_review: int = 0

    def of(self, stage: Stage, path: str) -> Any:
        """The field at `path` in a stage, or None."""
        found: Any = self.fields.get(stage, {})
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found


Guard = Callable[[Facts], bool]
SELF = "(self)"
KEEP = "(keep)"


class Transition(Record):
    """A row of the table: from `source` to `to` (None: the session's end) if the guard named `when` holds."""

    source: str
    to: str | None
    when: str | None = None
    round: Literal["same", "next"] = "same"
    returns: str | None = None


class Exit(Record):
    """What must hold before a stage is left, and the step that mends it."""

    stage: Stage
    holds: str
    mend: str


PRESENT_ENOUGH = 5
"""Below this presence a settling exercise is offered (design.md section 4, stage 1)."""
COMMITTED_ENOUGH = 7
"""Below this commitment the coachee is asked what would make it a 10 (stage 4)."""
OPTIONS_WANTED = 3
"""So many options before one is chosen (stage 3)."""
SMART = ("specific", "measurable", "achievable", "relevant", "time_bound")

FEELINGS = ("calm", "hopeful", "curious", "tired", "worried", "stressed", "sad", "angry", "bored")
AREAS = ("school", "work", "people", "health", "skills", "confidence", "future", "other")
SUGGESTIONS = ("smaller", "ask", "watch", "when", "practise")


def _steps(stage: Stage, *rows: tuple[str, Answer, str | None] | tuple[str, Answer, str | None, str]) -> list[Step]:
    return [Step(name=r[0], stage=stage, takes=r[1], fills=r[2], group=r[3] if len(r) > 3 else r[0]) for r in rows]


STEPS: dict[str, Step] = {
    step.name: step
    for step in (
        *_steps(
            Stage.CHECK_IN,
            ("presence_level", Scale(), "presence_level"),
            ("settling_offer", Pick(options=("settle", "go_on"), per_row=2), "settling"),
            ("settling", Pick(options=("settled",)), None),
            ("presence_again", Scale(), "presence_level"),
            ("emotional_state", Several(options=FEELINGS), "emotional_state"),
            (
                "review_status",
                Pick(options=("done", "partly", "not_done"), per_row=3),
                "previous_actions[+].status",
                "review",
            ),
            ("review_what", Words(), "previous_actions[].what_happened", "review"),
            ("readiness_score", Scale(), "readiness_score"),
            ("ready_confirm", Pick(options=("ready", "not_yet"), per_row=2), "ready"),
            ("ready_need", Words(), "readiness_need"),
        ),
        *_steps(
            Stage.STARTING_POINT,
            ("topic", Words(), "topic"),
            ("topic_category", Pick(options=AREAS, per_row=2), "topic_category"),
            ("importance", Scale(), "importance"),
            ("problem_statement", Words(), "problem_statement"),
            ("current_state_rating", Scale(), "current_state_rating"),
            ("strengths", Words(), "strengths"),
            ("obstacles", Words(), "obstacles"),
            ("resources", Words(), "resources"),
            ("context", Words(), "context"),
            ("starting_readback", Pick(options=("yes", "not_quite"), per_row=2), "confirmed"),
            ("starting_correction", Words(), "correction"),
        ),
        *_steps(
            Stage.CONNECT,
            ("future_vision", Words(), "future_vision"),
            ("option", Words(instead=("enough",)), "options[+].text"),
            ("suggestion", Pick(options=(*SUGGESTIONS, "none")), "options[+].text", "option"),
            ("option_insights", Words(), "insights"),
            ("assumptions", Words(), "assumptions"),
            ("barriers", Words(), "barriers"),
            ("support", Words(), "resources"),
            ("energy_level", Scale(), "energy_level"),
            ("ready_to_act", Pick(options=("ready", "not_yet"), per_row=2), "ready_to_act"),
            ("act_need", Words(), "readiness_need"),
        ),
        *_steps(
            Stage.FINISH,
            ("goal_statement", Words(), "goal_statement"),
            ("specific", Words(), "smart.specific"),
            ("measurable", Words(), "smart.measurable"),
            ("achievable", Words(), "smart.achievable"),
            ("relevant", Words(), "smart.relevant"),
            ("time_bound", Day(), "smart.time_bound", "time_bound"),
            ("time_bound_check", Pick(options=("right", "other_day"), per_row=2), None, "time_bound"),
            ("step_what", Words(), "action_steps[+].what", "steps"),
            ("step_when", Day(), "action_steps[].by_when", "steps"),
            ("step_when_check", Pick(options=("right", "other_day"), per_row=2), None, "steps"),
            ("step_with", Words(instead=("nothing",)), "action_steps[].with_what", "steps"),
            ("step_who", Words(instead=("just_me",)), "action_steps[].who", "steps"),
            ("step_more", Pick(options=("another", "that_is_all"), per_row=2), None, "steps"),
            ("step_obstacles", Words(), "obstacles"),
            ("contingency_plans", Words(), "contingency_plans"),
            ("commitment_level", Scale(), "commitment_level"),
            ("commitment_ten", Words(), "commitment_raise"),
            ("commitment_choice", Pick(options=("adjust", "go_on"), per_row=2), "commitment_choice"),
            ("confidence_level", Scale(), "confidence_level"),
            ("accountability_method", Words(instead=("just_me",)), "accountability_method"),
            ("next_check_in", Day(instead=("no_day",)), "next_check_in", "check_in_day"),
            ("next_check_in_check", Pick(options=("right", "other_day"), per_row=2), None, "check_in_day"),
            ("finish_readback", Pick(options=("yes", "not_quite"), per_row=2), "confirmed"),
            ("change_what", Pick(options=("goal", "steps", "check_in", "leave"), per_row=2), None),
        ),
        *_steps(
            Stage.CHECK_OUT,
            ("key_learnings", Words(), "key_learnings"),
            ("session_insights", Words(), "insights"),
            ("commitments", Pick(options=("yes", "not_quite"), per_row=2), "commitments_confirmed"),
            ("session_value_rating", Scale(), "session_value_rating"),
            ("clarity_level", Scale(), "clarity_level"),
            ("feedback", Words(instead=("skip",)), "feedback"),
            ("next_session", Day(instead=("no_day",)), "next_session", "next_session"),
            ("next_session_check", Pick(options=("right", "other_day"), per_row=2), None, "next_session"),
        ),
    )
}

FIRST_STEP = "presence_level"


def _smart(part: str) -> Guard:
    return lambda f: bool(f.of(Stage.FINISH, f"smart.{part}"))


GUARDS: dict[str, Guard] = {
    "presence under 5": lambda f: (f.of(Stage.CHECK_IN, "presence_level") or 0) < PRESENT_ENOUGH,
    "wants to settle": lambda f: f.choice == "settle",
    "actions to review": lambda f: f.to_review > 0,
    "more to review": lambda f: len(f.of(Stage.CHECK_IN, "previous_actions") or ()) < f.to_review,
    "not ready yet": lambda f: f.choice == "not_yet",
    "not quite": lambda f: f.choice == "not_quite",
    "three options": lambda f: len(f.of(Stage.CONNECT, "options") or ()) >= OPTIONS_WANTED,
    "says enough": lambda f: f.choice == "enough",
    "none of these": lambda f: f.choice == "none",
    "day in words": lambda f: f.choice is None,
    "another day": lambda f: f.choice == "other_day",
    "another step": lambda f: f.choice == "another",
    "commitment under 7": lambda f: (f.of(Stage.FINISH, "commitment_level") or 0) < COMMITTED_ENOUGH,
    "adjust": lambda f: f.choice == "adjust",
    "change the goal": lambda f: f.choice == "goal",
    "change the steps": lambda f: f.choice == "steps",
    "change the check-in": lambda f: f.choice == "check_in",
    # exits
    "present, or chose to go on": lambda f: (
        (f.of(Stage.CHECK_IN, "presence_level") or 0) >= PRESENT_ENOUGH or f.of(Stage.CHECK_IN, "settling") == "go_on"
    ),
    "earlier actions reviewed": lambda f: (
        sum(1 for r in f.of(Stage.CHECK_IN, "previous_actions") or () if r.get("status")) >= f.to_review
    ),
    "ready confirmed": lambda f: f.of(Stage.CHECK_IN, "ready") == "ready",
    "topic named": lambda f: bool(f.of(Stage.STARTING_POINT, "topic")),
    "reality rated": lambda f: f.of(Stage.STARTING_POINT, "current_state_rating") is not None,
    "reading back confirmed": lambda f: f.of(Stage.STARTING_POINT, "confirmed") == "yes",
    "one insight": lambda f: bool(f.of(Stage.CONNECT, "insights")),
    "ready to act": lambda f: f.of(Stage.CONNECT, "ready_to_act") == "ready",
    **{f"SMART: {part}": _smart(part) for part in SMART},
    "a step with a date": lambda f: any(
        s.get("what") and s.get("by_when") for s in f.of(Stage.FINISH, "action_steps") or ()
    ),
    "committed, or chose to go on": lambda f: (
        (f.of(Stage.FINISH, "commitment_level") or 0) >= COMMITTED_ENOUGH
        or (bool(f.of(Stage.FINISH, "commitment_raise")) and f.of(Stage.FINISH, "commitment_choice") == "go_on")
    ),
    "plan read back": lambda f: f.of(Stage.FINISH, "confirmed") == "yes",
    "learnings given": lambda f: bool(f.of(Stage.CHECK_OUT, "key_learnings")),
    "plan confirmed": lambda f: f.of(Stage.CHECK_OUT, "commitments_confirmed") == "yes",
    "session rated": lambda f: f.of(Stage.CHECK_OUT, "session_value_rating") is not None,
}


def _row(source: str, to: str | None, when: str | None = None, **rest: Any) -> Transition:
    return Transition(source=source, to=to, when=when, **rest)


TRANSITIONS: tuple[Transition, ...] = (
    # Check In
    _row("presence_level", "settling_offer", "presence under 5"),
    _row("presence_level", "emotional_state"),
    _row("settling_offer", "settling", "wants to settle"),
    _row("settling_offer", "emotional_state"),
    _row("settling", "presence_again"),
    _row("presence_again", "settling_offer", "presence under 5"),
    _row("presence_again", "emotional_state"),
    _row("emotional_state", "review_status", "actions to review"),
    _row("emotional_state", "readiness_score"),
    _row("review_status", "review_what"),
    _row("review_what", "review_status", "more to review", round="next"),
    _row("review_what", "readiness_score"),
    _row("readiness_score", "ready_confirm"),
    _row("ready_confirm", "ready_need", "not ready yet"),
    _row("ready_confirm", "topic"),
    _row("ready_need", "ready_confirm"),
    # Starting Point
    _row("topic", "topic_category"),
    _row("topic_category", "importance"),
    _row("importance", "problem_statement"),
    _row("problem_statement", "current_state_rating"),
    _row("current_state_rating", "strengths"),
    _row("strengths", "obstacles"),
    _row("obstacles", "resources"),
    _row("resources", "context"),
    _row("context", "starting_readback"),
    _row("starting_readback", "starting_correction", "not quite"),
    _row("starting_readback", "future_vision"),
    _row("starting_correction", "starting_readback"),
    # Connect: the coachee's own options first; suggestions are offered only when there are no more of those
    _row("future_vision", "option"),
    _row("option", "option_insights", "three options"),
    _row("option", "suggestion", "says enough"),
    _row("option", "option", round="next"),
    _row("suggestion", "option_insights", "three options"),
    _row("suggestion", "option", "none of these"),
    _row("suggestion", "suggestion", round="next"),
    _row("option_insights", "assumptions"),
    _row("assumptions", "barriers"),
    _row("barriers", "support"),
    _row("support", "energy_level"),
    _row("energy_level", "ready_to_act"),
    _row("ready_to_act", "act_need", "not ready yet"),
    _row("ready_to_act", "goal_statement"),
    _row("act_need", "ready_to_act"),
    # Finish: a day in words is read back as a date before it counts
    _row("goal_statement", "specific"),
    _row("specific", "measurable"),
    _row("measurable", "achievable"),
    _row("achievable", "relevant"),
    _row("relevant", "time_bound"),
    _row("time_bound", "time_bound_check", "day in words"),
    _row("time_bound", "step_what"),
    _row("time_bound_check", "time_bound", "another day"),
    _row("time_bound_check", "step_what"),
    _row("step_what", "step_when"),
    _row("step_when", "step_when_check", "day in words"),
    _row("step_when", "step_with"),
    _row("step_when_check", "step_when", "another day"),
    _row("step_when_check", "step_with"),
    _row("step_with", "step_who"),
    _row("step_who", "step_more"),
    _row("step_more", "step_what", "another step", round="next"),
    _row("step_more", "step_obstacles"),
    _row("step_obstacles", "contingency_plans"),
    _row("contingency_plans", "commitment_level"),
    _row("commitment_level", "commitment_ten", "commitment under 7"),
    _row("commitment_level", "confidence_level"),
    _row("commitment_ten", "commitment_choice"),
    _row("commitment_choice", "step_what", "adjust", returns="commitment_level"),
    _row("commitment_choice", "confidence_level"),
    _row("confidence_level", "accountability_method"),
    _row("accountability_method", "next_check_in"),
    _row("next_check_in", "next_check_in_check", "day in words"),
    _row("next_check_in", "finish_readback"),
    _row("next_check_in_check", "next_check_in", "another day"),
    _row("next_check_in_check", "finish_readback"),
    _row("finish_readback", "change_what", "not quite", returns=SELF),
    _row("finish_readback", "key_learnings"),
    _row("change_what", "goal_statement", "change the goal", returns=KEEP),
    _row("change_what", "step_what", "change the steps", returns=KEEP),
    _row("change_what", "next_check_in", "change the check-in", returns=KEEP),
    _row("change_what", "finish_readback"),  # never followed: a detour returns to where it began
    # Check Out
    _row("key_learnings", "session_insights"),
    _row("session_insights", "commitments"),
    _row("commitments", "change_what", "not quite", returns=SELF),
    _row("commitments", "session_value_rating"),
    _row("session_value_rating", "clarity_level"),
    _row("clarity_level", "feedback"),
    _row("feedback", "next_session"),
    _row("next_session", "next_session_check", "day in words"),
    _row("next_session", None),
    _row("next_session_check", "next_session", "another day"),
    _row("next_session_check", None),
)

EXITS: tuple[Exit, ...] = (
    Exit(stage=Stage.CHECK_IN, holds="present, or chose to go on", mend="settling_offer"),
    Exit(stage=Stage.CHECK_IN, holds="earlier actions reviewed", mend="review_status"),
    Exit(stage=Stage.CHECK_IN, holds="ready confirmed", mend="ready_confirm"),
    Exit(stage=Stage.STARTING_POINT, holds="topic named", mend="topic"),
    Exit(stage=Stage.STARTING_POINT, holds="reality rated", mend="current_state_rating"),
    Exit(stage=Stage.STARTING_POINT, holds="reading back confirmed", mend="starting_readback"),
    Exit(stage=Stage.CONNECT, holds="three options", mend="option"),
    Exit(stage=Stage.CONNECT, holds="one insight", mend="option_insights"),
    Exit(stage=Stage.CONNECT, holds="ready to act", mend="ready_to_act"),
    *(Exit(stage=Stage.FINISH, holds=f"SMART: {part}", mend=part) for part in SMART),
    Exit(stage=Stage.FINISH, holds="a step with a date", mend="step_what"),
    Exit(stage=Stage.FINISH, holds="committed, or chose to go on", mend="commitment_level"),
    Exit(stage=Stage.FINISH, holds="plan read back", mend="finish_readback"),
    Exit(stage=Stage.CHECK_OUT, holds="learnings given", mend="key_learnings"),
    Exit(stage=Stage.CHECK_OUT, holds="plan confirmed", mend="commitments"),
    Exit(stage=Stage.CHECK_OUT, holds="session rated", mend="session_value_rating"),
)

ROWS: dict[str, tuple[Transition, ...]] = {
    name: tuple(row for row in TRANSITIONS if row.source == name) for name in STEPS
}
