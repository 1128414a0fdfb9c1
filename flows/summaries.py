"""The summary: asked for when a session is complete, waited for, served, and written anew when an answer changed.

What was written is kept, every version of it; to open one calls no model.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from flows import drafts
from flows.changes import SummaryKept
from flows.documents import Document, material_of
from flows.effects import Choice, Line, RequestSummary, Say, Screen, SetTimer, Text, say, text_line
from flows.events import SummaryFailed, SummaryReady, TimerFired
from flows.opening import marked, opening_data, sections, written_by
from flows.plainly import in_own_words
from flows.state import Chat, Decision, KeptSummary
from flows.times import local

RETRIES = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""How long after a failed try the next one comes. After the last, the plain writer serves."""
LATEST = timedelta(minutes=90)
"""All tries, each with the model client's own time-outs, end within this."""


def failed(chat: Chat, event: SummaryFailed, now: datetime) -> Decision:
    """The model did not deliver. The coachee is told once and gets the plan in their own words; it is tried again,
    and at last the plain writer serves."""
    if event.attempt > len(RETRIES):
        return Decision(chat=chat, effects=(RequestSummary(session_id=event.session_id, writer="outage"),))
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
    decision = Decision(chat=_marked(chat, event.session_id, "late"), effects=(told, retry))
    session = chat.conversation.session
    if session is None or session.session_id != event.session_id:
        return decision
    material = material_of(
        session.session_id, chat.someone.language, chat.someone.timezone, session.begun_at, chat.answers
    )
    return drafts.offered(decision, session.session_id, in_own_words(material), now)


def later(session_id: UUID, now: datetime) -> SetTimer:
    """A summary that could not be served is asked for once more on another day."""
    return SetTimer(
        key=f"summary:{session_id}", kind="summary", subject=session_id, due_at=now + timedelta(days=1), attempt=1
    )


def again(chat: Chat, event: TimerFired) -> Decision:
    """The time for another try; by nobody but us, if the person wants no model to take part any more."""
    asked_again = RequestSummary(session_id=event.subject, attempt=event.attempt, writer=_writer(chat))
    return Decision(chat=chat, effects=(asked_again,))


def ready(chat: Chat, event: SummaryReady, now: datetime) -> Decision:
    """The summary is kept on its session, the coachee gets to read it, and to decide about its plan."""
    kept = SummaryKept(session_id=event.session_id, document=event.document)
    before = chat.summary.version if chat.summary and chat.summary.session_id == event.session_id else 0
    summary = KeptSummary(session_id=event.session_id, version=before + 1, document=event.document)
    session = chat.conversation.session
    here = session is not None and session.session_id == event.session_id
    chat = _marked(chat, event.session_id, "written")
    if before and chat.summary and _no_better(event.document, chat.summary.document):
        return Decision(chat=chat, effects=(say("summary.not_now"),))
    if here or chat.summary is None or before:
        chat = chat.evolve(summary=summary)
    served = Say(
        screen=Screen(
            lines=lines(event.document, _taken_on(chat, summary)), choices=buttons(chat, summary), per_row=2
        )
    )
    decision = Decision(chat=chat, changes=(kept,), effects=(served,))
    return drafts.offered(decision, event.session_id, event.document, now)


def _no_better(new: Document, old: Document) -> bool:
    """Whether the plain writer stood in again, where there is a summary by a model or just the same one already."""
    return new.reason is not None and (old.writer == "model" or new == old)


def anew(chat: Chat, now: datetime) -> Decision:
    """An answer changed since the summary was written, or the plain writer had to stand in: it is asked for again."""
    session = chat.conversation.session
    if session is not None and session.summary in ("asked", "late"):
        return Decision(chat=chat, effects=(say("summary.coming"),))
    if session is None or not may_be_anew(chat):
        return Decision(chat=chat, effects=(say("summary.as_it_is"),))
    chat = chat.evolve(conversation=chat.conversation.evolve(session=session.evolve(summary="asked")))
    wanted = RequestSummary(session_id=session.session_id, writer=_writer(chat))
    return Decision(chat=chat, effects=(say("summary.anew"), wanted))


def may_be_anew(chat: Chat) -> bool:
    """Whether writing it again could make another summary."""
    session, kept = chat.conversation.session, chat.summary
    if session is None or kept is None or session.session_id != kept.session_id or session.summary != "written":
        return False
    return outdated(chat) or (kept.document.reason is not None and chat.helped)


def outdated(chat: Chat) -> bool:
    """Whether an answer was corrected since the newest summary was written."""
    session, kept = chat.conversation.session, chat.summary
    if session is None or kept is None or session.session_id != kept.session_id:
        return False
    if not kept.document.turns:  # written before that was kept
        return False
    now_said = material_of(session.session_id, "", "UTC", session.begun_at, chat.answers)
    return tuple(turn.n for turn in now_said.turns) != kept.document.turns


def shown(chat: Chat) -> tuple[tuple[Line, ...], tuple[Choice, ...]]:
    """The newest summary, to read again, and what can be done with it."""
    kept = chat.summary
    if kept is None:
        return (text_line("summary.none"),), ()
    more = (text_line("summary.outdated"),) if outdated(chat) else ()
    return (*lines(kept.document, _taken_on(chat, kept)), *more), buttons(chat, kept)


def buttons(chat: Chat, kept: KeptSummary) -> tuple[Choice, ...]:
    """What can be done with a summary: see the words it rests on, have it as a file, make items, have it anew."""
    found = [
        Choice(data=opening_data(0, kept, "0"), label=Text(key="button.words")),
        Choice(data=opening_data(0, kept, "pdf"), label=Text(key="button.pdf")),
        Choice(data=opening_data(0, kept, "items"), label=Text(key="button.items")),
    ]
    if may_be_anew(chat):
        found.append(Choice(data="m:0:anew", label=Text(key="button.anew")))
    return (*found, Choice(data="m:0:home", label=Text(key="button.menu")))


def _taken_on(chat: Chat, kept: KeptSummary) -> tuple[str, ...]:
    """The suggestions of a summary that have become items, as they are put there."""
    rows = {item.action_id: item.title for item in chat.actions if not item.dropped}
    ids = (drafts.action_id(kept.session_id, item) for item in kept.document.action_plan if item.suggested)
    return tuple(rows[named] for named in ids if named in rows)


def lines(document: Document, taken_on: tuple[str, ...] = ()) -> tuple[Line, ...]:
    """The summary as it is read: who wrote it, then the six sections. A line's small number leads to its words.

    Of its suggestions only those are in it that were `taken_on`, as they are put on the plan.
    """
    title = Text(key="summary.title", args={"theme": document.theme})
    if document.day is not None:
        title = Text(key="summary.title.dated", args={"theme": document.theme, "day": document.day})
    shown = [Line(text=title, style="bold")]
    shown.append(Line(text=Text(key=written_by(document))))
    place = 0
    for name, texts in sections(document).items():
        shown.append(Line(text=Text(key=f"summary.{name}"), style="bold"))
        several = name != "goal_statement"
        for text in texts:
            place += 1
            line = marked(text, place)
            shown.append(Line(text=Text(key="summary.line", args={"line": line}) if several else line))
        if name == "action_plan":
            texts_of = (Text(key="summary.taken_on", args={"title": title}) for title in taken_on)
            shown.extend(Line(text=Text(key="summary.line", args={"line": text})) for text in texts_of)
    return tuple(shown)


def _writer(chat: Chat) -> Literal["model", "plain"]:
    return "model" if chat.helped else "plain"


def _marked(chat: Chat, session_id: UUID, how: Literal["late", "written"]) -> Chat:
    """The conversation knows how the summary of its own session stands; an older session's is no concern of it."""
    session = chat.conversation.session
    if session is None or session.session_id != session_id:
        return chat
    return chat.evolve(conversation=chat.conversation.evolve(session=session.evolve(summary=how)))
