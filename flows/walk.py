"""The walk: one answer takes a session from a step to the next one.

A session's `trail` lists the turns that count. Going back drops its last turns, a correction puts a new turn in the
place of an old one; both then replay the trail, so that the fields and the position are always what the trail makes
of them. Where a corrected answer leads to another question, the answers behind it are spared: each counts again as
soon as the conversation reaches its question.
"""

from __future__ import annotations

import json
from binascii import crc32
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flows.answers import Given
from flows.errors import IllegalEventError
from flows.stages import EXITS, GUARDS, KEEP, ROWS, SELF, Facts, Transition
from flows.state import Position, Sense, Session, StageAnswers, Turn
from flows.steps import FIRST_STEP, STEPS, Day, Several, Stage, Step, Words

Answers = dict[int, StageAnswers]

EMPTYING = frozenset({"nothing", "skip", "no_day"})
"""Answers that say "there is none": the field is empty."""
PASSING = frozenset({"enough", "none"})
"""Answers that end a list or decline: no field changes."""


def start() -> Position:
    """Where a session begins."""
    return Position(step=FIRST_STEP)


def answered(
    session: Session,
    answers: Answers,
    given: Given,
    *,
    at: datetime,
    question: str,
    source: int | None = None,
) -> tuple[Session, Answers]:
    """The session and answers after an answer to the open question. Raises IllegalEventError if none is open."""
    if session.position is None:
        raise IllegalEventError("no question is open")
    stage = STEPS[session.position.step].stage
    pending = _pending(session.position.step, answers[stage].fields if stage in answers else {})
    turn = Turn(
        n=session.turns + 1,
        step=session.position.step,
        index=session.position.index,
        text=given.text,
        value=pending if pending and given.choice == "right" else given.value,
        covers=_covered(session.position.step, _fields(answers)) if given.choice == "yes" else None,
        choice=given.choice,
        sense=given.sense,
        at=at,
        question=question,
        source=source,
    )
    fields = _fields(answers)
    asked = _asked(session, answers, stage)
    position = _step_on(session, session.position, fields, turn, asked)
    session = session.evolve(position=position, trail=(*session.trail, turn.n), turns=turn.n)
    answers = _kept(answers, fields, turn)
    if session.spare:
        return replayed(session, answers, session.trail, session.spare)
    return session, answers


def noted(
    session: Session,
    answers: Answers,
    text: str,
    *,
    here: Position | None,
    at: datetime,
    question: str,
    source: int | None,
    sense: Sense | None = None,
) -> tuple[Session, Answers]:
    """What was said without answering the question that is open `here` is kept beside it."""
    if here is None:
        raise IllegalEventError("no question is open")
    turn = Turn(
        n=session.turns + 1,
        step=here.step,
        index=here.index,
        text=text,
        sense=sense,
        at=at,
        question=question,
        source=source,
        kind="aside",
    )
    return session.evolve(turns=turn.n), _kept(answers, _fields(answers), turn)


def gone_back(session: Session, answers: Answers, questions: int = 1) -> tuple[Session, Answers]:
    """Some questions back, to the first one at most. What was answered stays as it was said and counts no more."""
    if not session.trail:
        raise IllegalEventError("there is no question before the first")
    return replayed(session, answers, session.trail[: -min(questions, len(session.trail))])


def corrected(
    session: Session,
    answers: Answers,
    old: Turn,
    given: Given,
    *,
    at: datetime,
    source: int | None,
    question: str | None = None,
    parts: tuple[tuple[int | None, str], ...] = (),
) -> tuple[Session, Answers]:
    """A new turn takes the place of `old`, wherever it stands in the trail."""
    if old.n not in session.trail:
        raise IllegalEventError("that turn does not count")
    turn = Turn(
        n=session.turns + 1,
        step=old.step,
        index=old.index,
        text=given.text,
        value=given.value,
        choice=given.choice,
        sense=given.sense,
        at=at,
        question=question or old.question,
        source=source,
        kind="correction",
        replaces=old.n,
        parts=parts,
    )
    trail = tuple(turn.n if n == old.n else n for n in session.trail)
    session = session.evolve(turns=turn.n)
    return replayed(session, _kept(answers, _fields(answers), turn), trail, session.spare, spare=True)


def replayed(
    session: Session, answers: Answers, trail: tuple[int, ...], behind: tuple[int, ...] = (), *, spare: bool = False
) -> tuple[Session, Answers]:
    """The session and fields that a trail makes, up to the first question that it has no turn for.

    The turns `behind` follow it. What is left of both from there on is spared where there is something `behind`, or
    where `spare` says so.
    """
    by_n = {turn.n: turn for kept in answers.values() for turn in kept.turns}
    fields: dict[int, dict[str, Any]] = {stage: {} for stage in answers}
    position: Position | None = start()
    walked: list[int] = []
    asked: dict[int, int] = {}
    left = [by_n[n] for n in (*trail, *behind)]
    while position is not None:
        here = (position.step, position.index)
        found = next((i for i, turn in enumerate(left) if (turn.step, turn.index) == here), None)
        if found is None:
            break
        turn = left.pop(found)
        stage = STEPS[turn.step].stage
        pending = _pending(turn.step, fields.get(stage, {}))
        if turn.choice == "right" and turn.value not in ("right", pending):
            break  # it confirmed another day
        other_words = turn.covers is not None and turn.covers != _covered(turn.step, fields)
        if other_words and session.phase != "complete":
            break  # they are read back again
        asked[stage] = asked.get(stage, 0) + 1
        position = _step_on(session, position, fields, turn, asked[stage])
        walked.append(turn.n)
    kept_for_later = tuple(turn.n for turn in left) if spare or behind else session.spare
    session = session.evolve(position=position, trail=tuple(walked), spare=kept_for_later if position else ())
    return session, {
        stage: kept.evolve(fields=fields.get(stage, {})) if kept.fields != fields.get(stage, {}) else kept
        for stage, kept in answers.items()
    }


def counting(session: Session, answers: Answers) -> list[Turn]:
    """The turns that count, in order."""
    by_n = {turn.n: turn for kept in answers.values() for turn in kept.turns}
    return [by_n[n] for n in session.trail]


def stage_of(session: Session) -> Stage:
    """The stage a session is in; the last one when it is through."""
    return STEPS[session.position.step].stage if session.position else Stage.CHECK_OUT


def facts(session: Session, answers: Answers, stage: Stage | None = None) -> Facts:
    """What is known, outside an answer: for exits, and for what may be chosen in a `stage`."""
    return _known(
        session,
        {number: kept.fields for number, kept in answers.items()},
        asked=_asked(session, answers, stage) - 1 if stage else 0,
    )


def _known(session: Session, fields: Mapping[int, Mapping[str, Any]], **more: Any) -> Facts:
    overdue = frozenset(i for i, review in enumerate(session.reviewing) if review.overdue)
    return Facts(fields=fields, to_review=len(session.reviewing), overdue=overdue, **more)


def _asked(session: Session, answers: Answers, stage: Stage) -> int:
    """The number in its stage of the question that is open there."""
    return 1 + sum(1 for turn in counting(session, answers) if STEPS[turn.step].stage == stage)


def _fields(answers: Answers) -> dict[int, dict[str, Any]]:
    return {stage: dict(kept.fields) for stage, kept in answers.items()}


def _kept(answers: Answers, fields: dict[int, dict[str, Any]], turn: Turn) -> Answers:
    stage = STEPS[turn.step].stage
    kept = answers.get(stage, StageAnswers())
    return {**answers, stage: StageAnswers(fields=fields.get(stage, {}), turns=(*kept.turns, turn))}


def _step_on(
    session: Session, position: Position, fields: dict[int, dict[str, Any]], turn: Turn, asked: int
) -> Position | None:
    """Put the turn's value into `fields` (in place) and say which step follows."""
    step = STEPS[position.step]
    _fill(fields.setdefault(step.stage, {}), step, turn, session)
    known = _known(session, fields, choice=turn.choice, value=turn.value, sense=turn.sense, asked=asked)
    row = next(row for row in ROWS[step.name] if row.when is None or GUARDS[row.when](known))
    target = _target(row, step, position, fields, turn)
    return _mended(step.stage, target, known, fields)


def _target(
    row: Transition, step: Step, position: Position, fields: Mapping[int, Mapping[str, Any]], turn: Turn
) -> Position | None:
    """Where a row of the table leads from a position, detours and rounds considered."""
    if row.returns == KEEP:
        returns = position.returns
    elif row.returns is not None:
        returns = step.name if row.returns == SELF else row.returns
    elif position.returns is not None and (row.to is None or STEPS[row.to].group != step.group):
        return Position(step=position.returns)  # the detour ends
    else:
        returns = position.returns
    if row.to is None:
        return None
    if row.round == "next":
        return Position(step=row.to, index=_entries(row.to, fields), returns=returns)
    if row.round == "chosen":
        return Position(step=row.to, index=int(turn.choice or 1) - 1, returns=returns)
    same = STEPS[row.to].group == step.group
    return Position(step=row.to, index=position.index if same else 0, returns=returns)


def _mended(
    stage: Stage, target: Position | None, known: Facts, fields: Mapping[int, Mapping[str, Any]]
) -> Position | None:
    """The target, or the step that mends the first exit that does not hold on the way to it."""
    beyond = STEPS[target.step].stage if target else Stage.CHECK_OUT + 1
    for rule in EXITS:
        if stage <= rule.stage < beyond and not GUARDS[rule.holds](known):
            return Position(step=rule.mend, index=_entries(rule.mend, fields))
    return target


def _entries(name: str, fields: Mapping[int, Mapping[str, Any]]) -> int:
    """How many entries the list that a step fills has; 0 where it fills none."""
    step = STEPS[name]
    if step.fills is None or "[" not in step.fills:
        return 0
    return len(fields.get(step.stage, {}).get(step.fills.split("[")[0], ()))


def _fill(stage: dict[str, Any], step: Step, turn: Turn, session: Session) -> None:
    """Put a turn's value where its step says. Lists and records are copied, never changed in place."""
    if step.name == "goal_statement":
        stage["goal_day"] = turn.value
    if isinstance(step.takes, Day) and turn.choice is None:
        stage["named_day"] = turn.value  # in words: it counts once it was read back
        return
    if step.fills is None or turn.choice in PASSING or turn.choice == "other_day":
        return
    value = _value(step, turn, stage)
    if turn.choice == "skip" and not _lacks(stage, step):
        return  # a question that is left out leaves what was there
    if "[" in step.fills:
        name, part = step.fills.split("].")
        name, opening = name.split("[")
        entries = list(stage.get(name, ()))
        if opening:
            entries = [*entries[: turn.index], {part: value, **_origin(step, turn, session)}]
        elif turn.index < len(entries):
            entries[turn.index] = {**entries[turn.index], part: value}
        stage[name] = entries
    elif "." in step.fills:
        name, part = step.fills.split(".")
        stage[name] = {**stage.get(name, {}), part: value}
    else:
        stage[step.fills] = value


def _lacks(stage: Mapping[str, Any], step: Step) -> bool:
    """Whether the field of a step is empty; parts of a list always may be set anew."""
    assert step.fills is not None
    name, _, part = step.fills.partition(".")
    if "[" in name:
        return step.group != "adjust"
    found = stage.get(name)
    return (found.get(part) if part and isinstance(found, Mapping) else found) is None


def _covered(step: str, fields: Mapping[int, Mapping[str, Any]]) -> int | None:
    """What stands for the words that a reading back confirms; None for any other step."""
    if step not in READ_BACK:
        return None
    stage, names = READ_BACK[step]
    known = {name: fields.get(stage, {}).get(name) for name in names}
    return crc32(json.dumps(known, sort_keys=True).encode())


READ_BACK = {
    "starting_readback": (
        Stage.STARTING_POINT,
        ("topic", "current_state_rating", "problem_statement", "strengths", "obstacles", "correction"),
    ),
    "finish_readback": (Stage.FINISH, ("goal_statement", "action_steps", "next_check_in")),
    "commitments": (Stage.FINISH, ("goal_statement", "action_steps", "next_check_in")),
}
"""What is read back, by the step that asks whether it is so. Where it is changed later, it is read back again."""


def _pending(step: str, stage: Mapping[str, Any]) -> str | None:
    """The day that a check reads back: it was named in words, and counts once it is confirmed."""
    if not step.endswith("_check"):
        return None
    found: str | None = stage.get("goal_day" if step == "goal_day_check" else "named_day")
    return found


def _value(step: Step, turn: Turn, stage: Mapping[str, Any]) -> Any:
    if turn.choice in EMPTYING or turn.choice == "skip":
        return None
    if step.name.endswith("_check"):
        return _pending(step.name, stage)
    if step.name == "suggestion" or isinstance(step.takes, Words) or turn.value is None:
        return turn.text
    if isinstance(step.takes, Several) and isinstance(turn.value, tuple):
        return list(turn.value)
    return turn.value


def _origin(step: Step, turn: Turn, session: Session) -> dict[str, str]:
    """What an entry of a list carries besides its words."""
    if step.group == "option":
        return {"origin": "suggested" if step.name == "suggestion" else "own"}
    if step.group == "review" and turn.index < len(session.reviewing):
        return {"action_id": str(session.reviewing[turn.index].action_id)}
    return {}


def day(value: Any) -> date | None:
    """A day kept in a field."""
    return date.fromisoformat(value) if isinstance(value, str) and value else None
