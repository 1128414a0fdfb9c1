"""The steps of the five stages: each question by its name, what kind of answer it takes, which field it fills.

Which step follows which, and when a stage is left, is the table in `stages`.
"""

from __future__ import annotations

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
    Steps of one `group` are asked, and asked again, together. One that may be skipped (`skip`) leaves its field
    empty; no exit stands on it. `circles` are the options that lead back to where one was: they are withheld once a
    stage has had its share of questions (`stages.CIRCLES_CLOSE`) and `patience` more. `interlude`: what comes before
    the question is put.
    """

    name: str
    stage: Stage
    takes: Answer
    fills: str | None = None
    group: str = ""
    skip: bool = False
    circles: tuple[str, ...] = ()
    patience: int = 0
    interlude: Literal["breaths"] | None = None


FEELINGS = ("calm", "hopeful", "curious", "tired", "worried", "stressed", "sad", "angry", "bored")
AREAS = ("school", "work", "people", "health", "skills", "confidence", "future", "other")
SUGGESTIONS = ("smaller", "ask", "watch", "when", "practise")
PATIENCE = 30
"""A reading back may be answered with "not quite" for longer: nobody is to confirm what is not so."""
MOST_STEPS = 9
"""Action steps that can be chosen from to change one."""


_Row = tuple[str, Answer, str | None, dict[str, Any]]
_SKIP = {"skip": True}
_READY = Pick(options=("ready", "not_yet"), per_row=2)


def _check(name: str, group: str, fills: str) -> _Row:
    """A day that was named in words is read back as a date; only then it counts."""
    return name, Pick(options=("right", "other_day"), per_row=2), fills, {"group": group}


def _steps(stage: Stage, *rows: tuple[str, Answer, str | None] | _Row) -> list[Step]:
    made = []
    for name, takes, fills, *more in rows:
        given = {"group": name, **(more[0] if more else {})}
        made.append(Step(name=name, stage=stage, takes=takes, fills=fills, **given))
    return made


STEPS: dict[str, Step] = {
    step.name: step
    for step in (
        *_steps(
            Stage.CHECK_IN,
            ("presence_level", Scale(), "presence_level"),
            ("settling_offer", Pick(options=("settle", "go_on"), per_row=2), "settling", {"circles": ("settle",)}),
            ("presence_again", Scale(), "presence_level", {"interlude": "breaths"}),
            ("emotional_state", Several(options=FEELINGS), "emotional_state", _SKIP),
            (
                "review_status",
                Pick(options=("done", "partly", "not_done"), per_row=3),
                "previous_actions[+].status",
                {"group": "review"},
            ),
            ("review_what", Words(), "previous_actions[].what_happened", {"group": "review", **_SKIP}),
            (
                "review_choice",
                Pick(options=("keep", "change", "drop"), per_row=3),
                "previous_actions[].choice",
                {"group": "review"},
            ),
            ("review_change", Words(), "previous_actions[].changed_to", {"group": "review", **_SKIP}),
            ("review_when", Day(instead=("no_day",)), "previous_actions[].new_day", {"group": "review", **_SKIP}),
            _check("review_when_check", "review", "previous_actions[].new_day"),
            ("readiness_score", Scale(), "readiness_score", _SKIP),
            ("ready_confirm", _READY, "ready", {"circles": ("not_yet",)}),
            ("ready_need", Words(), "readiness_need", _SKIP),
        ),
        *_steps(
            Stage.STARTING_POINT,
            ("topic", Words(), "topic"),
            ("topic_clarify", Words(), "topic", _SKIP),
            ("topic_clarify_again", Words(), "topic", _SKIP),
            ("topic_category", Pick(options=AREAS, per_row=2), "topic_category", _SKIP),
            ("importance", Scale(), "importance", _SKIP),
            ("problem_statement", Words(), "problem_statement", _SKIP),
            ("current_state_rating", Scale(), "current_state_rating"),
            ("strengths", Words(), "strengths", _SKIP),
            ("obstacles", Words(), "obstacles", _SKIP),
            ("resources", Words(), "resources", _SKIP),
            ("context", Words(), "context", _SKIP),
            (
                "starting_readback",
                Pick(options=("yes", "not_quite"), per_row=2),
                "confirmed",
                {"circles": ("not_quite",), "patience": PATIENCE},
            ),
            ("starting_correction", Words(), "correction", _SKIP),
        ),
        *_steps(
            Stage.CONNECT,
            ("future_vision", Words(), "future_vision", _SKIP),
            ("option", Words(instead=("enough",)), "options[+].text"),
            ("what_if", Words(instead=("enough",)), "options[+].text", {"group": "option"}),
            (
                "suggestion",
                Pick(options=(*SUGGESTIONS, "none")),
                "options[+].text",
                {"group": "option", "circles": ("none",)},
            ),
            ("option_insights", Words(), "insights"),
            ("assumptions", Words(), "assumptions", _SKIP),
            ("barriers", Words(), "barriers", _SKIP),
            ("support", Words(), "resources", _SKIP),
            ("energy_level", Scale(), "energy_level", _SKIP),
            ("ready_to_act", _READY, "ready_to_act", {"circles": ("not_yet",)}),
            ("act_need", Words(), "readiness_need", _SKIP),
        ),
        *_steps(
            Stage.FINISH,
            ("goal_statement", Words(), "goal_statement"),
            ("specific", Words(), "smart.specific"),
            ("measurable", Words(), "smart.measurable"),
            ("achievable", Words(), "smart.achievable"),
            ("relevant", Words(), "smart.relevant"),
            _check("goal_day_check", "time_bound", "smart.time_bound"),
            ("time_bound", Day(), "smart.time_bound", {"group": "time_bound"}),
            _check("time_bound_check", "time_bound", "smart.time_bound"),
            ("step_what", Words(), "action_steps[+].what", {"group": "steps"}),
            ("step_when", Day(), "action_steps[].by_when", {"group": "steps"}),
            _check("step_when_check", "steps", "action_steps[].by_when"),
            ("step_with", Words(instead=("nothing",)), "action_steps[].with_what", {"group": "steps", **_SKIP}),
            ("step_who", Words(instead=("just_me",)), "action_steps[].who", {"group": "steps", **_SKIP}),
            (
                "step_more",
                Pick(options=("another", "that_is_all"), per_row=2),
                None,
                {"group": "steps", "circles": ("another",)},
            ),
            ("step_obstacles", Words(), "obstacles", _SKIP),
            ("contingency_plans", Words(), "contingency_plans", _SKIP),
            ("commitment_level", Scale(), "commitment_level"),
            ("commitment_ten", Words(), "commitment_raise"),
            (
                "commitment_choice",
                Pick(options=("adjust", "go_on"), per_row=2),
                "commitment_choice",
                {"circles": ("adjust",)},
            ),
            ("which_step", Pick(options=tuple(str(n) for n in range(1, MOST_STEPS + 1))), None, {"group": "adjust"}),
            ("adjust_what", Words(), "action_steps[].what", {"group": "adjust", **_SKIP}),
            ("adjust_when", Day(), "action_steps[].by_when", {"group": "adjust", **_SKIP}),
            _check("adjust_when_check", "adjust", "action_steps[].by_when"),
            ("confidence_level", Scale(), "confidence_level", _SKIP),
            ("accountability_method", Words(instead=("just_me",)), "accountability_method", _SKIP),
            ("next_check_in", Day(instead=("no_day",)), "next_check_in", {"group": "check_in_day", **_SKIP}),
            _check("next_check_in_check", "check_in_day", "next_check_in"),
            (
                "finish_readback",
                Pick(options=("yes", "not_quite"), per_row=2),
                "confirmed",
                {"circles": ("not_quite",), "patience": PATIENCE},
            ),
            (
                "change_what",
                Pick(options=("goal", "step", "add", "check_in", "leave"), per_row=2),
                None,
                {"circles": ("goal", "step", "add", "check_in"), "patience": 2 * PATIENCE},
            ),
        ),
        *_steps(
            Stage.CHECK_OUT,
            ("key_learnings", Words(), "key_learnings"),
            ("session_insights", Words(), "insights", _SKIP),
            (
                "commitments",
                Pick(options=("yes", "not_quite"), per_row=2),
                "commitments_confirmed",
                {"circles": ("not_quite",), "patience": PATIENCE},
            ),
            ("session_value_rating", Scale(), "session_value_rating"),
            ("clarity_level", Scale(), "clarity_level", _SKIP),
            ("feedback", Words(instead=("skip",)), "feedback", _SKIP),
            ("next_session", Day(instead=("no_day",)), "next_session", {"group": "next_session", **_SKIP}),
            _check("next_session_check", "next_session", "next_session"),
        ),
    )
}

FIRST_STEP = "presence_level"
