"""What is kept of a coachee, as somebody reads it who may: in the reader's language, but for the coachee's words."""

from __future__ import annotations

from datetime import datetime

from flows import summaries
from flows.documents import SaidTurn, material_of, short
from flows.effects import Line, Text, text_line
from flows.lookback import CHOSEN
from flows.people import Subject
from flows.plans import by_day
from flows.state import Chat, Look
from flows.steps import STEPS, Pick, Scale
from flows.times import local

LONGEST_ANSWER = 1500
MOST_HELD = 20
"""Sessions that are listed, the newest first."""
MOST_NOTES = 10
LONGEST_NOTE = 4000


def shown(chat: Chat, kind: str, subject: Subject) -> tuple[Line, ...]:
    """A kind of what is kept of a coachee, to be read by the person of the chat."""
    assert chat.look is not None
    title = Line(text=Text(key=f"look.{kind}", args={"name": subject.person.name}), style="bold")
    match kind:
        case "summary":
            lines = _summary(chat.look)
        case "plan":
            lines = _plan(chat.look)
        case "answers":
            lines = _answers(chat.look, subject)
        case "ratings":
            lines = _ratings(chat.look, subject)
        case "attendance":
            lines = _attendance(chat, chat.look)
        case _:
            lines = _notes(chat, chat.look)
    return (title, *(lines or (text_line("look.nothing"),)))


def _summary(look: Look) -> tuple[Line, ...]:
    if look.summary is None:
        return ()
    return (text_line("look.as_written"), *summaries.lines(look.summary.document))


def _plan(look: Look) -> tuple[Line, ...]:
    found = []
    for n, item in enumerate(by_day(look.actions), 1):
        title = short(item.title, 200)
        if item.due is None:
            found.append(text_line("plan.item.undated", n=n, title=title))
        else:
            found.append(text_line("plan.item", n=n, title=title, day=item.due))
    return tuple(found)


def _turns(look: Look, subject: Subject) -> tuple[SaidTurn, ...]:
    """What counts of the newest session, in order."""
    if not look.sessions:
        return ()
    person, newest = subject.person, look.sessions[0]
    turns = material_of(newest.session_id, person.language, person.timezone, newest.at, look.answers).turns
    return tuple(turn for turn in turns if turn.step in STEPS)


def _answers(look: Look, subject: Subject) -> tuple[Line, ...]:
    lines = []
    for turn in _turns(look, subject):
        takes = STEPS[turn.step].takes
        if isinstance(takes, Scale) or (isinstance(takes, Pick) and turn.step not in CHOSEN):
            continue
        lines.append(Line(text=Text(key=f"about.{turn.step}"), style="bold"))
        lines.append(Line(text=short(turn.text, LONGEST_ANSWER), style="quote"))
    return tuple(lines)


def _ratings(look: Look, subject: Subject) -> tuple[Line, ...]:
    return tuple(
        text_line("look.rating", about=Text(key=f"about.{turn.step}"), value=turn.value)
        for turn in _turns(look, subject)
        if isinstance(STEPS[turn.step].takes, Scale) and isinstance(turn.value, int)
    )


def _attendance(chat: Chat, look: Look) -> tuple[Line, ...]:
    zone = chat.someone.timezone
    return tuple(
        text_line(f"look.held.{held.ended or 'open'}", at=local(held.at, zone), n=held.current_stage)
        for held in look.sessions[:MOST_HELD]
    )


def _notes(chat: Chat, look: Look) -> tuple[Line, ...]:
    lines = []
    for note in look.notes[:MOST_NOTES]:
        at: datetime = local(note.at, chat.someone.timezone)
        lines += [Line(text=Text(key="look.noted", args={"at": at}), style="bold"), Line(text=note.text)]
    return tuple(lines)
