"""How far a session is: the header of each stage, with a bar that grows in place."""

from __future__ import annotations

from functools import cache

from flows.effects import AnyEffect, Edit, Line, Say, Screen, Text, text_line
from flows.stages import ROWS
from flows.state import Chat, Header
from flows.steps import STEPS, Stage
from flows.walk import counting, stage_of

SEGMENTS = 5
BAR = ("○", "●")


@cache
def _left(step: str) -> int:
    """The fewest questions from a step, itself included, to the end of its stage."""
    stage, number, frontier, seen = STEPS[step].stage, 1, {step}, {step}
    while True:
        ways = {row.to for name in frontier for row in ROWS[name]}
        if any(to is None or STEPS[to].stage > stage for to in ways):
            return number
        frontier = {to for to in ways if to is not None} - seen
        seen |= frontier
        number += 1


def bar(chat: Chat) -> int:
    """How many of the bar's segments are filled: what was answered in the stage, of that and what is left."""
    session = chat.conversation.session
    assert session is not None
    if session.position is None:
        return SEGMENTS
    stage = stage_of(session)
    done = sum(1 for turn in counting(session, chat.answers) if STEPS[turn.step].stage == stage)
    return SEGMENTS * done // (done + _left(session.position.step))


def headed(chat: Chat) -> tuple[Chat, tuple[AnyEffect, ...]]:
    """The chat with its header as it should be: a new one where a stage opens, a longer bar where one goes on."""
    conversation = chat.conversation
    session, header = conversation.session, conversation.header
    assert session is not None
    stage, full = int(stage_of(session)), session.position is None
    if session.position is not None and session.position.returns is not None:
        return chat, ()  # a detour belongs to the stage that it comes back to
    effects: list[AnyEffect] = []
    if header is not None and (full or header.stage < stage) and header.bar < SEGMENTS:
        header = header.evolve(bar=SEGMENTS)
        effects.append(_edited(header))
    if stage > session.opened or (header is not None and header.stage != stage and not full):
        header = Header(number=conversation.asked, stage=stage, bar=bar(chat), again=bool(session.reviewing))
        effects.append(Say(key=_key(header), screen=_screen(header)))
        session = session.evolve(opened=max(session.opened, stage))
    elif header is not None and header.stage == stage and not full and (length := bar(chat)) != header.bar:
        header = header.evolve(bar=length)
        effects.append(_edited(header))
    return chat.evolve(conversation=conversation.evolve(header=header, session=session)), tuple(effects)


def _edited(header: Header) -> Edit:
    return Edit(key=_key(header), screen=_screen(header))


def _key(header: Header) -> str:
    """The key of a header's message."""
    return f"p{header.number}"


def _screen(header: Header) -> Screen:
    """Where one is, what comes and how long it takes, and the bar."""
    where = Text(key="stage.header", args={"n": header.stage, "name": Text(key=f"stage.{header.stage}")})
    length = BAR[1] * header.bar + BAR[0] * (SEGMENTS - header.bar)
    again = header.again and header.stage == Stage.CHECK_IN
    opening = text_line(f"stage.{header.stage}.opening" + (".again" if again else ""))
    return Screen(lines=(Line(text=where, style="bold"), opening, Line(text=length)))
