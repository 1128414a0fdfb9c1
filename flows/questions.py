"""The question bank: in how many wordings each question can be put, what each is for, and which one is next.

BANK is the data. A family is the question of a step (or of a part of it, as `option.more`); its wordings ask for the
same thing from different sides, and their texts are `ask.<family>.<number>` in the catalogues, numbered from 1 in the
order in which they stand here. `fits` names the guard of a wording that cannot always be used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from flows.records import Record
from flows.state import Position, Session
from flows.steps import STEPS, Stage
from flows.walk import Answers

Tag = Literal["opening", "clarifying", "deepening", "challenging", "future", "action", "learning"]


class Wording(Record):
    """One way to put a question: what it does, and when it can be used."""

    tags: tuple[Tag, ...]
    fits: str | None = None


def _w(*tags: Tag, fits: str | None = None) -> Wording:
    return Wording(tags=tags, fits=fits)


BANK: dict[str, tuple[Wording, ...]] = {
    # 1 Check In
    "presence_level": (_w("opening"), _w("opening"), _w("clarifying"), _w("opening")),
    "presence_again": (_w("opening"), _w("clarifying"), _w("learning"), _w("opening")),
    "settling_offer": (_w("opening"), _w("opening"), _w("action"), _w("action")),
    "emotional_state": (_w("opening"), _w("opening"), _w("clarifying"), _w("deepening"), _w("clarifying")),
    "review_status": (_w("opening"), _w("clarifying"), _w("opening"), _w("learning"), _w("clarifying")),
    "review_status.more": (_w("opening"), _w("clarifying"), _w("opening"), _w("learning")),
    "review_what.done": (_w("learning"), _w("learning"), _w("deepening"), _w("learning"), _w("deepening")),
    "review_what.partly": (_w("learning"), _w("deepening"), _w("clarifying"), _w("learning")),
    "review_what.not_done": (_w("clarifying"), _w("clarifying"), _w("deepening"), _w("learning"), _w("deepening")),
    "review_what.not_due": (_w("clarifying"), _w("learning"), _w("action"), _w("deepening")),
    "review_choice": (_w("action"), _w("clarifying"), _w("challenging"), _w("future")),
    "review_change": (_w("action"), _w("future"), _w("clarifying"), _w("challenging")),
    "review_when": (_w("action"), _w("future"), _w("clarifying"), _w("future")),
    "readiness_score": (_w("opening"), _w("clarifying"), _w("opening"), _w("deepening")),
    "ready_confirm": (_w("action"), _w("opening"), _w("action"), _w("opening")),
    "ready_need": (_w("clarifying"), _w("deepening"), _w("action"), _w("clarifying")),
    # 2 Starting Point
    "topic": (_w("opening"), _w("opening"), _w("deepening"), _w("future"), _w("opening")),
    "topic_clarify": (_w("clarifying"), _w("clarifying"), _w("deepening"), _w("clarifying"), _w("challenging")),
    "topic_category": (_w("clarifying"), _w("clarifying"), _w("opening"), _w("deepening")),
    "importance": (_w("deepening"), _w("clarifying"), _w("challenging"), _w("deepening")),
    "problem_statement": (_w("clarifying"), _w("deepening"), _w("future"), _w("challenging"), _w("clarifying")),
    "current_state_rating": (_w("clarifying"), _w("opening"), _w("clarifying"), _w("deepening")),
    "strengths": (
        _w("deepening", fits="rating over 1"),
        _w("challenging", fits="rating over 1"),
        _w("learning"),
        _w("deepening"),
        _w("clarifying"),
        _w("learning"),
    ),
    "obstacles": (_w("clarifying"), _w("clarifying"), _w("deepening"), _w("challenging")),
    "resources": (_w("opening"), _w("action"), _w("learning"), _w("deepening")),
    "context": (_w("opening"), _w("clarifying"), _w("deepening"), _w("challenging")),
    "starting_readback": (_w("clarifying"), _w("clarifying"), _w("deepening"), _w("challenging")),
    "starting_correction": (_w("clarifying"), _w("deepening"), _w("clarifying"), _w("challenging")),
    # 3 Connect
    "future_vision": (_w("future"), _w("future"), _w("future"), _w("deepening"), _w("future")),
    "option": (_w("opening"), _w("action"), _w("action"), _w("challenging")),
    "option.more": (_w("opening"), _w("action"), _w("challenging"), _w("deepening")),
    "what_if": (
        _w("challenging"),
        _w("future"),
        _w("deepening"),
        _w("challenging"),
        _w("future"),
        _w("action"),
        _w("challenging"),
    ),
    "suggestion": (_w("opening"), _w("action"), _w("challenging"), _w("clarifying")),
    "suggestion.more": (_w("action"), _w("opening"), _w("clarifying"), _w("challenging")),
    "option_insights": (_w("learning"), _w("deepening"), _w("clarifying"), _w("learning"), _w("challenging")),
    "assumptions": (_w("challenging"), _w("challenging"), _w("deepening"), _w("challenging")),
    "barriers": (_w("clarifying"), _w("clarifying"), _w("deepening"), _w("challenging")),
    "support": (_w("action"), _w("action"), _w("deepening"), _w("learning")),
    "energy_level": (_w("clarifying"), _w("deepening"), _w("clarifying"), _w("opening")),
    "ready_to_act": (_w("action"), _w("action"), _w("challenging"), _w("future")),
    "act_need": (_w("clarifying"), _w("deepening"), _w("action"), _w("clarifying")),
    # 4 Finish
    "goal_statement": (_w("future"), _w("clarifying"), _w("deepening"), _w("future")),
    "specific": (_w("clarifying"), _w("clarifying"), _w("future"), _w("deepening")),
    "measurable": (_w("clarifying"), _w("future"), _w("clarifying"), _w("deepening")),
    "achievable": (_w("clarifying"), _w("challenging"), _w("deepening"), _w("challenging")),
    "relevant": (_w("deepening"), _w("future"), _w("challenging"), _w("deepening")),
    "time_bound": (_w("future"), _w("clarifying"), _w("action"), _w("future")),
    "step_what": (_w("action"), _w("action"), _w("clarifying"), _w("challenging")),
    "step_what.more": (_w("action"), _w("action"), _w("future"), _w("clarifying")),
    "step_when": (_w("action"), _w("clarifying"), _w("future"), _w("action")),
    "step_with": (_w("clarifying"), _w("action"), _w("deepening"), _w("clarifying")),
    "step_who": (_w("opening"), _w("action"), _w("clarifying"), _w("challenging")),
    "step_more": (_w("action"), _w("action"), _w("clarifying"), _w("future")),
    "step_obstacles": (_w("challenging"), _w("future"), _w("challenging"), _w("learning")),
    "contingency_plans": (_w("action"), _w("future"), _w("action"), _w("clarifying")),
    "commitment_level": (_w("clarifying"), _w("challenging"), _w("deepening"), _w("clarifying")),
    "commitment_ten": (_w("challenging"), _w("deepening"), _w("future"), _w("challenging")),
    "commitment_choice": (_w("action"), _w("action"), _w("clarifying"), _w("challenging")),
    "which_step": (_w("clarifying"), _w("clarifying"), _w("challenging"), _w("action")),
    "adjust_what": (_w("action"), _w("clarifying"), _w("future"), _w("challenging")),
    "adjust_when": (_w("action"), _w("clarifying"), _w("future"), _w("action")),
    "confidence_level": (_w("clarifying"), _w("deepening"), _w("challenging"), _w("future")),
    "accountability_method": (_w("action"), _w("action"), _w("deepening"), _w("clarifying"), _w("clarifying")),
    "next_check_in": (_w("action"), _w("clarifying"), _w("future"), _w("action")),
    "finish_readback": (_w("clarifying"), _w("clarifying"), _w("deepening"), _w("challenging")),
    "change_what": (_w("clarifying"), _w("clarifying"), _w("action"), _w("challenging")),
    # 5 Check Out
    "key_learnings": (_w("learning"), _w("learning"), _w("future"), _w("deepening"), _w("clarifying")),
    "session_insights": (_w("learning"), _w("learning"), _w("deepening"), _w("clarifying"), _w("challenging")),
    "commitments": (_w("action"), _w("clarifying"), _w("challenging"), _w("clarifying")),
    "session_value_rating": (_w("learning"), _w("clarifying"), _w("challenging"), _w("deepening")),
    "clarity_level": (_w("clarifying"), _w("future"), _w("clarifying"), _w("deepening")),
    "feedback": (_w("learning"), _w("clarifying"), _w("challenging"), _w("future")),
    "next_session": (_w("future"), _w("action"), _w("clarifying"), _w("future")),
}

FITS = {"rating over 1": lambda f: (f.get(Stage.STARTING_POINT, {}).get("current_state_rating") or 0) > 1}
CHECK = "check"
"""The question that reads a day back. It has one wording: there is one way to say a date."""


def family_of(here: Position, fields: Mapping[int, Mapping[str, Any]], again: bool) -> str:
    """The family of a position's question. `again`: it is asked for a further entry of its list."""
    if here.step.endswith("_check"):
        return CHECK
    if here.step == "topic_clarify_again":
        return "topic_clarify"
    if here.step == "review_what":
        reviews = fields.get(Stage.CHECK_IN, {}).get("previous_actions", ())
        status = reviews[here.index]["status"] if here.index < len(reviews) else "not_done"
        return f"review_what.{status}"
    return f"{here.step}.more" if again and f"{here.step}.more" in BANK else here.step


def key(family: str, number: int) -> str:
    """The key of a wording's text."""
    return f"ask.{family}.{number}"


def named_by(wording: str) -> tuple[str, int] | None:
    """The family and number of a wording's key; None where it is not one of the bank."""
    head, _, number = wording.removeprefix("ask.").rpartition(".")
    return (head, int(number)) if head in BANK and number.isascii() and number.isdigit() else None


def candidates(session: Session, answers: Answers, family: str) -> list[str]:
    """The wordings in which a question may be put now, as keys, the next one in turn first.

    Not the one of the person's last session, nor one that was put in this session, as long as another one fits.
    """
    if family == CHECK:
        return [f"ask.{CHECK}"]
    fields = {stage: kept.fields for stage, kept in answers.items()}
    wordings = BANK[family]
    numbers = [n for n, w in enumerate(wordings, 1) if w.fits is None or FITS[w.fits](fields)]
    earlier = session.earlier.get(family, ())
    last = earlier[-1] if earlier else 0
    numbers.sort(key=lambda n: (n - last - 1) % len(wordings))
    kept = answers.get(STEPS[family.split(".")[0]].stage)
    named = [named_by(turn.question) for turn in (kept.turns if kept else ())]
    said = [found[1] for found in named if found and found[0] == family]
    for known in ({*earlier, *said}, {last, *said}, set(said), set(said[-1:])):
        if left := [n for n in numbers if n not in known]:
            return [key(family, n) for n in left]
    return [key(family, n) for n in numbers]


def used(answers: Answers) -> dict[str, tuple[int, ...]]:
    """The wordings that a session used, by family, in order: not to be repeated by the next one."""
    turns = sorted((turn for kept in answers.values() for turn in kept.turns), key=lambda turn: turn.n)
    found: dict[str, tuple[int, ...]] = {}
    for named in (named_by(turn.question) for turn in turns):
        if named:
            found[named[0]] = (*(n for n in found.get(named[0], ()) if n != named[1]), named[1])
    return found
