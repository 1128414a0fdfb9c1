"""The five stages: every transition and every exit, in one place. The steps themselves are in `steps`.

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
6. `round="next"` asks a step for the next entry of its list, `round="chosen"` for the entry that was chosen;
   otherwise a group keeps its round.
7. A conversation does not go on for ever: once a stage has had CIRCLES_CLOSE questions, the options that lead back
   (a step's `circles`) are no longer offered, so that what is left is the straight way, or to stop and keep it all.
   A day is then taken by its button only, which needs no reading back; what is read back can be denied for longer.

docs/conversation.md is generated from these tables (`make docs`), and a test says whether it is current.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from flows.records import Record
from flows.steps import STEPS, Pick, Stage, Step


class Facts(Record):
    """What guards may look at: the fields of every stage and the last answer.

    `to_review` counts the earlier actions that are due for a review, `overdue` are those of them whose day is past.
    `asked` counts the questions answered in the stage, this one with them. `sense`: the words were vague.
    """

    fields: Mapping[int, Mapping[str, Any]]
    choice: str | None = None
    value: int | str | tuple[str, ...] | None = None
    sense: str | None = None
    to_review: int = 0
    overdue: frozenset[int] = frozenset()
    asked: int = 0

    def of(self, stage: Stage, path: str) -> Any:
        """The field at `path` in a stage, or None."""
        found: Any = self.fields.get(stage, {})
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    @property
    def reviews(self) -> list[dict[str, Any]]:
        """The earlier actions reviewed so far, the one in question last."""
        return list(self.of(Stage.CHECK_IN, "previous_actions") or ())

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The action steps."""
        return list(self.of(Stage.FINISH, "action_steps") or ())


Guard = Callable[[Facts], bool]
SELF = "(self)"
KEEP = "(keep)"


class Transition(Record):
    """A row of the table: from `source` to `to` (None: the session's end) if the guard named `when` holds."""

    source: str
    to: str | None
    when: str | None = None
    round: Literal["same", "next", "chosen"] = "same"
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
CIRCLES_CLOSE = {
    Stage.CHECK_IN: 12,
    Stage.STARTING_POINT: 18,
    Stage.CONNECT: 20,
    Stage.FINISH: 34,
    Stage.CHECK_OUT: 14,
}
"""Answers in a stage after which nothing leads back any more; a straight way takes about half as many."""
CIRCLES_FOR_REVIEW = 7
"""So many more in Check In for each earlier action that is reviewed."""


def circles_closed(stage: Stage, asked: int, to_review: int) -> bool:
    """Whether a stage has had its share of questions."""
    more = CIRCLES_FOR_REVIEW * to_review if stage == Stage.CHECK_IN else 0
    return asked >= CIRCLES_CLOSE[stage] + more


def allowed(step: Step, facts: Facts) -> Step:
    """The step with the options that may be chosen as things stand."""
    if not isinstance(step.takes, Pick):
        return step
    closed = circles_closed(step.stage, facts.asked - step.patience, facts.to_review)
    gone = set(step.circles) if closed else set()
    if step.name == "which_step":
        gone |= set(step.takes.options[len(facts.steps) :])
    if not gone:
        return step
    kept = tuple(option for option in step.takes.options if option not in gone)
    return step.evolve(takes=step.takes.evolve(options=kept))


def _smart(part: str) -> Guard:
    return lambda f: bool(f.of(Stage.FINISH, f"smart.{part}"))


def _reviewed(f: Facts) -> dict[str, Any]:
    return f.reviews[-1] if f.reviews else {}


GUARDS: dict[str, Guard] = {
    "presence under 5": lambda f: (f.of(Stage.CHECK_IN, "presence_level") or 0) < PRESENT_ENOUGH,
    "wants to settle": lambda f: f.choice == "settle",
    "actions to review": lambda f: f.to_review > 0,
    "more to review": lambda f: len(f.reviews) < f.to_review,
    "it is not done": lambda f: _reviewed(f).get("status") != "done",
    "change it": lambda f: f.choice == "change",
    "keep it, its day past": lambda f: f.choice == "keep" and len(f.reviews) - 1 in f.overdue,
    "not ready yet": lambda f: f.choice == "not_yet",
    "topic vague": lambda f: f.sense == "vague",
    "not quite": lambda f: f.choice == "not_quite",
    "three options": lambda f: len(f.of(Stage.CONNECT, "options") or ()) >= OPTIONS_WANTED,
    "says enough": lambda f: f.choice == "enough",
    "none of these": lambda f: f.choice == "none",
    "goal names another day": lambda f: (
        f.of(Stage.FINISH, "goal_day") is not None
        and f.of(Stage.FINISH, "smart.time_bound") not in (None, f.of(Stage.FINISH, "goal_day"))
    ),
    "goal names a day": lambda f: bool(f.of(Stage.FINISH, "goal_day")),
    "day in words": lambda f: f.choice is None,
    "another day": lambda f: f.choice == "other_day",
    "skipped": lambda f: f.choice == "skip",
    "another step": lambda f: f.choice == "another",
    "commitment under 7": lambda f: (f.of(Stage.FINISH, "commitment_level") or 0) < COMMITTED_ENOUGH,
    "adjust one of several": lambda f: f.choice == "adjust" and len(f.steps) > 1,
    "adjust": lambda f: f.choice == "adjust",
    "change the goal": lambda f: f.choice == "goal",
    "change one of several steps": lambda f: f.choice == "step" and len(f.steps) > 1,
    "change the step": lambda f: f.choice == "step",
    "add a step": lambda f: f.choice == "add",
    "change the check-in": lambda f: f.choice == "check_in",
    # exits
    "present, or chose to go on": lambda f: (
        (f.of(Stage.CHECK_IN, "presence_level") or 0) >= PRESENT_ENOUGH or f.of(Stage.CHECK_IN, "settling") == "go_on"
    ),
    "earlier actions reviewed": lambda f: sum(1 for r in f.reviews if r.get("status")) >= f.to_review,
    "ready confirmed": lambda f: f.of(Stage.CHECK_IN, "ready") == "ready",
    "topic named": lambda f: bool(f.of(Stage.STARTING_POINT, "topic")),
    "reality rated": lambda f: f.of(Stage.STARTING_POINT, "current_state_rating") is not None,
    "reading back confirmed": lambda f: f.of(Stage.STARTING_POINT, "confirmed") == "yes",
    "one insight": lambda f: bool(f.of(Stage.CONNECT, "insights")),
    "ready to act": lambda f: f.of(Stage.CONNECT, "ready_to_act") == "ready",
    **{f"SMART: {part}": _smart(part) for part in SMART},
    "a step with a date": lambda f: any(s.get("what") and s.get("by_when") for s in f.steps),
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
    _row("settling_offer", "presence_again", "wants to settle"),
    _row("settling_offer", "emotional_state"),
    _row("presence_again", "settling_offer", "presence under 5"),
    _row("presence_again", "emotional_state"),
    _row("emotional_state", "review_status", "actions to review"),
    _row("emotional_state", "readiness_score"),
    _row("review_status", "review_what"),
    _row("review_what", "review_choice", "it is not done"),
    _row("review_what", "review_status", "more to review", round="next"),
    _row("review_what", "readiness_score"),
    _row("review_choice", "review_change", "change it"),
    _row("review_choice", "review_when", "keep it, its day past"),
    _row("review_choice", "review_status", "more to review", round="next"),
    _row("review_choice", "readiness_score"),
    _row("review_change", "review_when"),
    _row("review_when", "review_when_check", "day in words"),
    _row("review_when", "review_status", "more to review", round="next"),
    _row("review_when", "readiness_score"),
    _row("review_when_check", "review_when", "another day"),
    _row("review_when_check", "review_status", "more to review", round="next"),
    _row("review_when_check", "readiness_score"),
    _row("readiness_score", "ready_confirm"),
    _row("ready_confirm", "ready_need", "not ready yet"),
    _row("ready_confirm", "topic"),
    _row("ready_need", "ready_confirm"),
    # Starting Point: a topic that is vague is asked about, at most twice
    _row("topic", "topic_clarify", "topic vague"),
    _row("topic", "topic_category"),
    _row("topic_clarify", "topic_clarify_again", "topic vague"),
    _row("topic_clarify", "topic_category"),
    _row("topic_clarify_again", "topic_category"),
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
    # Connect: the coachee's own options first, then what-if questions, and suggestions only when there are no more
    _row("future_vision", "option"),
    _row("option", "option_insights", "three options"),
    _row("option", "what_if", "says enough"),
    _row("option", "option", round="next"),
    _row("what_if", "option_insights", "three options"),
    _row("what_if", "suggestion", "says enough"),
    _row("what_if", "what_if", round="next"),
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
    # Finish: a day in words is read back as a date before it counts; a day that the goal names is not asked for again
    _row("goal_statement", "goal_day_check", "goal names another day", returns=KEEP),
    _row("goal_statement", "specific"),
    _row("specific", "measurable"),
    _row("measurable", "achievable"),
    _row("achievable", "relevant"),
    _row("relevant", "goal_day_check", "goal names a day"),
    _row("relevant", "time_bound"),
    _row("goal_day_check", "time_bound", "another day"),
    _row("goal_day_check", "step_what"),
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
    _row("step_obstacles", "commitment_level", "skipped"),
    _row("step_obstacles", "contingency_plans"),
    _row("contingency_plans", "commitment_level"),
    _row("commitment_level", "commitment_ten", "commitment under 7"),
    _row("commitment_level", "confidence_level"),
    _row("commitment_ten", "commitment_choice"),
    _row("commitment_choice", "which_step", "adjust one of several", returns="commitment_level"),
    _row("commitment_choice", "adjust_what", "adjust", returns="commitment_level"),
    _row("commitment_choice", "confidence_level"),
    _row("which_step", "adjust_what", round="chosen"),
    _row("adjust_what", "adjust_when"),
    _row("adjust_when", "adjust_when_check", "day in words"),
    _row("adjust_when", "commitment_level"),
    _row("adjust_when_check", "adjust_when", "another day"),
    _row("adjust_when_check", "commitment_level"),
    _row("confidence_level", "accountability_method"),
    _row("accountability_method", "next_check_in"),
    _row("next_check_in", "next_check_in_check", "day in words"),
    _row("next_check_in", "finish_readback"),
    _row("next_check_in_check", "next_check_in", "another day"),
    _row("next_check_in_check", "finish_readback"),
    _row("finish_readback", "change_what", "not quite", returns=SELF),
    _row("finish_readback", "key_learnings"),
    _row("change_what", "goal_statement", "change the goal", returns=KEEP),
    _row("change_what", "which_step", "change one of several steps", returns=KEEP),
    _row("change_what", "adjust_what", "change the step", returns=KEEP),
    _row("change_what", "step_what", "add a step", round="next", returns=KEEP),
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
