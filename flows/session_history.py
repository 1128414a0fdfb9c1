"""What happened to a session, and to those that it replaced: told from the learning events, in order."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args

from flows.diary import CallOutcome, Happened
from flows.effects import Choice, Line, Screen, Text, text_line
from flows.session_cards import button
from flows.session_news import where, why
from flows.session_press import Handler, Press, shown
from flows.state import Chat, Decision
from flows.times import local

PER_PAGE = 10
KEYS = {
    "session_rescheduled": "history.moved",
    "session_cancelled": "history.cancelled",
    "session_completed": "history.completed",
    "session_missed": "history.missed",
}
"""The text of what happened, by the event's type; one of a plain `session` is named by what was done."""
ACTS = (
    *("booked", "coach_assigned", "released", "resource_changed", "reopened", "record"),
    *("cancel_asked", "cancel_kept", "cancel_withdrawn", "cancel_over", "cancel_escalated"),
    *("call_asked", "call_reported", "call_unreported"),
)
OUTCOMES = get_args(CallOutcome)
BY = ("coachee", "coach", "parent", "operator")


def _history(chat: Chat, press: Press, now: datetime) -> Decision:
    """A page of it: the newest page last, and the last one first to be seen."""
    session, told = press.about, [line for one in chat.book.history if (line := _line(chat, one)) is not None]
    last = max(0, (len(told) - 1) // PER_PAGE)
    asked = press.argument if press.argument.isascii() and press.argument.isdigit() else str(last)
    page = min(int(asked[:4]), last)
    title = Text(key="history.title", args={"n": session.number, "name": session.coachee.name})
    lines = [Line(text=title, style="bold"), *told[page * PER_PAGE : (page + 1) * PER_PAGE]]
    if not told:
        lines.append(text_line("history.nothing"))
    buttons: list[Choice] = []
    if page > 0:
        buttons.append(button(press.card, "history", session, str(page - 1), "answers.before"))
    if page < last:
        buttons.append(button(press.card, "history", session, str(page + 1), "answers.after"))
    buttons.append(button(press.card, "card", session, label="button.session.back"))
    return shown(chat, press, Screen(lines=tuple(lines), choices=tuple(buttons), per_row=2))


def _line(chat: Chat, one: Happened) -> Line | None:
    """One thing that happened, on the reader's clock. What is not known here, or was forgotten, is left out."""
    data, zone = one.data, chat.someone.timezone
    act = data.get("act")
    key = KEYS.get(one.event_type) or (f"history.{act}" if act in ACTS else None)
    if key is None or (key in ("history.booked", "history.moved") and not _moment(data.get("starts_at"))):
        return None
    if data.get("consent") == "no_answer":
        key += ".no_answer"
    at = local(one.at, zone)
    numbered = {resource.number: where(resource) for resource in chat.book.resources}
    args: dict[str, Any] = {
        "when": _local(data.get("starts_at"), zone) or at,
        "was": _local(data.get("from"), zone) or at,
        "where": numbered.get(data.get("resource", 0), ""),
        "reason": why(data.get("reason")) or "-",
        "absent": Text(key=f"absent.{data['absent']}") if "absent" in data else "",
        "outcome": Text(key=f"button.consent.report.{data['outcome']}") if data.get("outcome") in OUTCOMES else "",
    }
    words = [Text(key=key, args={"at": at, **args})]
    if data.get("by") in BY:
        words.append(Text(key=f"history.by.{data['by']}"))
    if data.get("consent") in ("moved", "overtaken"):
        words.append(Text(key="history.consent_over"))
    return Line(text=tuple(words) if len(words) > 1 else words[0])


def _moment(written: object) -> datetime | None:
    """A moment as the event has it."""
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _local(written: object, zone: str) -> datetime | None:
    moment = _moment(written)
    return local(moment, zone) if moment is not None else None


HANDLERS: dict[str, Handler] = {"history": _history}
