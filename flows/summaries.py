"""The summary: asked for when a session is complete, waited for, and served, whoever had to write it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from flows.changes import ActionWorded, AnyChange, SummaryKept
from flows.documents import Document, PlannedItem
from flows.effects import Choice, Line, RequestSummary, Say, Screen, SetTimer, Text, say
from flows.events import SummaryFailed, SummaryReady, TimerFired
from flows.plans import action_id
from flows.state import Chat, Decision
from flows.times import local

RETRIES = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""How long after a failed try the next one comes. After the last, the plain writer serves."""
LATEST = timedelta(minutes=90)
"""All tries, each with the model client's own time-outs, end within this."""


def failed(chat: Chat, event: SummaryFailed, now: datetime) -> Decision:
    """The model did not deliver. The coachee is told once, it is tried again, and at last the plain writer serves."""
    if event.attempt > len(RETRIES):
        return Decision(chat=chat, effects=(RequestSummary(session_id=event.session_id, writer="stand_in"),))
    retry = SetTimer(
        key=f"summary:{event.session_id}",
        kind="summary",
        subject=event.session_id,
        due_at=now + RETRIES[event.attempt - 1],
        attempt=event.attempt + 1,
    )
    if event.attempt > 1:
        return Decision(chat=chat, effects=(retry,))
    latest = local(now + LATEST, chat.someone.timezone)
    told = say("summary.late", at=latest)
    return Decision(chat=_marked(chat, event.session_id, "late"), effects=(told, retry))


def again(chat: Chat, event: TimerFired) -> Decision:
    """The time for another try; by nobody but us, if the person wants no model to take part any more."""
    writer: Literal["model", "plain"] = "model" if chat.helped else "plain"
    asked_again = RequestSummary(session_id=event.subject, attempt=event.attempt, writer=writer)
    return Decision(chat=chat, effects=(asked_again,))


def ready(chat: Chat, event: SummaryReady) -> Decision:
    """The summary is kept on its session, the items get their titles, and the coachee gets to read it."""
    changes: list[AnyChange] = [SummaryKept(session_id=event.session_id, document=event.document)]
    if event.document.writer == "model":
        changes.extend(
            ActionWorded(action_id=action_id(event.session_id, item.step), title=item.title)
            for item in event.document.action_plan
        )
    buttons = (
        Choice(data="m:0:plan", label=Text(key="button.plan")),
        Choice(data="m:0:home", label=Text(key="button.menu")),
    )
    served = Say(screen=Screen(lines=lines(event.document), choices=buttons, per_row=2))
    return Decision(chat=_marked(chat, event.session_id, "written"), changes=tuple(changes), effects=(served,))


def lines(document: Document) -> tuple[Line, ...]:
    """The summary as it is read: who wrote it, then the six sections."""
    shown = [Line(text=Text(key="summary.title", args={"theme": document.theme}), style="bold")]
    shown.append(Line(text=Text(key=_writer(document))))
    sections: dict[str, tuple[str | Text, ...]] = {
        "executive_summary": (document.executive_summary,),
        "key_insights": document.key_insights,
        "goal_statement": (document.goal_statement,),
        "action_plan": tuple(_item(item) for item in document.action_plan),
        "success_metrics": document.success_metrics,
        "support": document.support,
    }
    for name, texts in sections.items():
        shown.append(Line(text=Text(key=f"summary.{name}"), style="bold"))
        several = name not in ("executive_summary", "goal_statement")
        shown.extend(Line(text=Text(key="summary.line", args={"line": t}) if several else t) for t in texts)
    return tuple(shown)


def _writer(document: Document) -> str:
    if document.stood_in:
        return "summary.stood_in"
    return "summary.by_model" if document.writer == "model" else "summary.plain"


def _item(item: PlannedItem) -> Text:
    args: dict[str, str | int | date | datetime | Text] = {
        "title": item.title,
        "description": item.description,
    }
    key = "summary.item" if item.description and item.description != item.title else "summary.item.short"
    if item.due:
        return Text(key=key, args={**args, "day": item.due})
    return Text(key=f"{key}.undated", args=args)


def _marked(chat: Chat, session_id: UUID, how: Literal["late", "written"]) -> Chat:
    """The conversation knows how the summary of its own session stands; an older session's is no concern of it."""
    session = chat.conversation.session
    if session is None or session.session_id != session_id:
        return chat
    return chat.evolve(conversation=chat.conversation.evolve(session=session.evolve(summary=how)))
