"""What follows from an answer: the next question; after the last one the summary, and with it the plan."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from flows.effects import AnyEffect, CancelTimer, RequestSummary, Say, Screen, text_line
from flows.plans import reminders
from flows.progress import headed
from flows.putting import asked, moved, with_session
from flows.state import Decision
from flows.times import local


def go_on(decision: Decision, now: datetime, *, fresh: bool = False) -> Decision:
    """The next question, or the end where there is none."""
    session = decision.chat.conversation.session
    if session is not None and session.position is None:
        return completed(decision, now)
    return asked(decision, now, fresh=fresh)


def completed(decision: Decision, now: datetime) -> Decision:
    """The last question is answered: the days that were named are remembered, and the summary is asked for."""
    chat = decision.chat
    session = chat.conversation.session
    assert session is not None
    session = session.evolve(phase="complete", summary="asked", since=now)
    person = chat.someone
    timers = reminders(session, chat.answers, now, person.timezone)
    chat, header = headed(with_session(chat, session))
    lines = [text_line("session.complete")]
    if moments := sorted({timer.due_at for timer in timers}):
        lines.append(text_line("plan.reminders"))
        lines.extend(text_line("plan.reminder", at=local(moment, person.timezone)) for moment in moments)
    if person.timezone == "UTC":
        lines.append(text_line("plan.no_timezone"))
    lines.append(text_line("summary.coming"))
    writer: Literal["model", "plain"] = "model" if chat.helped else "plain"
    effects: tuple[AnyEffect, ...] = (
        *header,
        Say(screen=Screen(lines=tuple(lines), keyboard="rest")),
        *timers,
        CancelTimer(key=f"resume:{session.session_id}"),
        RequestSummary(session_id=session.session_id, writer=writer),
    )
    return decision.evolve(chat=chat).keeping(moved(session, chat.answers, now)).then(*effects)
