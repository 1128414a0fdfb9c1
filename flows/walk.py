"""The walk: one answer takes a session from a step to the next one.

A session's `trail` lists the turns that count. Going back drops its last turn, a correction puts a new turn in the
place of an old one; both then replay the trail, so that the fields and the position are always what the trail makes
of them. Where a corrected answer leads elsewhere, the trail ends there and the conversation goes on from that step.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flows.answers import Given
from flows.errors import IllegalEventError
from flows.stages import (
    EXITS,
    FIRST_STEP,
    GUARDS,
    KEEP,
    ROWS,
    SELF,
    STEPS,
    Facts,
    Several,
    Stage,
    Step,
    Transition,
)
from flows.state import Position, Session, StageAnswers, Turn

Answers = dict[int, StageAnswers]

EMPTYING = frozenset({"nothing", "skip", "no_day"})
"""Buttons that answer "there is none": the field is emptied."""
PASSING = frozenset({"enough", "none"})
"""Buttons that end a list or decline: no field changes."""


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
    turn = Turn(
        n=session.turns + 1,
        step=session.position.step,
        index=session.position.index,
        text=given.text,
        value=given.value,
        choice=given.choice,
        at=at,
        question=question,
        source=source,
    )
    fields = _fields(answers)
    position = _step_on(session, session.position, fields, turn)
    session = session.evolve(position=position, trail=(*session.trail, turn.n), turns=turn.n)
    return session, _kept(answers, fields, turn)


def noted(
    session: Session, answers: Answers, text: str, *, at: datetime, question: str, source: int | None
) -> tuple[Session, Answers]:
    """What was said without answering the open question is kept beside it."""
    if session.position is None:
        raise IllegalEventError("no question is open")
    turn = Turn(
        n=session.turns + 1,
        step=session.position.step,
        index=session.position.index,
        text=text,
        at=at,
        question=question,
        source=source,
        kind="aside",
    )
    return session.evolve(turns=turn.n), _kept(answers, _fields(answers), turn)


def gone_back(session: Session, answers: Answers) -> tuple[Session, Answers]:
    """One question back. What was answered there stays as it was said and counts no more."""
    if not session.trail:
        raise IllegalEventError("there is no question before the first")
    return replayed(session, answers, session.trail[:-1])


def corrected(
    session: Session,
    answers: Answers,
    old: Turn,
    given: Given,
    *,
    at: datetime,
    source: int | None,
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
        at=at,
        question=old.question,
        source=source,
        kind="correction",
        replaces=old.n,
        parts=parts,
    )
    trail = tuple(turn.n if n == old.n else n for n in session.trail)
    session = session.evolve(turns=turn.n)
    return replayed(session, _kept(answers, _fields(answers), turn), trail)


def replayed(session: Session, answers: Answers, trail: tuple[int, ...]) -> tuple[Session, Answers]:
    """The session and fields that a trail makes, up to the first turn that the table would not ask for there."""
    by_n = {turn.n: turn for kept in answers.values() for turn in kept.turns}
    fields: dict[int, dict[str, Any]] = {stage: {} for stage in answers}
    position: Position | None = start()
    walked: list[int] = []
    for n in trail:
        turn = by_n[n]
        if position is None or (position.step, position.index) != (turn.step, turn.index):
            break
        position = _step_on(session, position, fields, turn)
        walked.append(n)
    session = session.evolve(position=position, trail=tuple(walked))
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


def facts(session: Session, answers: Answers) -> Facts:
    """What is known, for guards that are asked outside a step."""
    return Facts(fields={stage: kept.fields for stage, kept in answers.items()}, to_review=len(session.reviewing))


def open_exits(session: Session, answers: Answers) -> list[str]:
    """The exits that do not hold, of every stage before the one the session is in (of all when it is through)."""
    known = facts(session, answers)
    before = stage_of(session) if session.position else Stage.CHECK_OUT + 1
    return [rule.holds for rule in EXITS if rule.stage < before and not GUARDS[rule.holds](known)]


def _fields(answers: Answers) -> dict[int, dict[str, Any]]:
    return {stage: dict(kept.fields) for stage, kept in answers.items()}


def _kept(answers: Answers, fields: dict[int, dict[str, Any]], turn: Turn) -> Answers:
    stage = STEPS[turn.step].stage
    kept = answers.get(stage, StageAnswers())
    return {**answers, stage: StageAnswers(fields=fields.get(stage, {}), turns=(*kept.turns, turn))}


def _step_on(session: Session, position: Position, fields: dict[int, dict[str, Any]], turn: Turn) -> Position | None:
    """Put the turn's value into `fields` (in place) and say which step follows."""
    step = STEPS[position.step]
    _fill(fields.setdefault(step.stage, {}), step, turn, session)
    known = Facts(fields=fields, choice=turn.choice, value=turn.value, to_review=len(session.reviewing))
    row = next(row for row in ROWS[step.name] if row.when is None or GUARDS[row.when](known))
    target = _target(row, step, position, fields)
    return _mended(step.stage, target, known, fields)


def _target(
    row: Transition, step: Step, position: Position, fields: Mapping[int, Mapping[str, Any]]
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
    if step.fills is None or turn.choice in PASSING:
        return
    value = _value(step, turn)
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


def _value(step: Step, turn: Turn) -> Any:
    if turn.choice in EMPTYING:
        return None
    if step.name == "suggestion" or turn.value is None:
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
