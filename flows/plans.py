"""Action items and their reminders: what is open, what reviews make of it, and what a press on a reminder does.

Items come from `flows.drafts`, where a plan is confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from flows.changes import ActionMoved, ActionReviewed, ActionStatus
from flows.documents import LONGEST_TITLE, short
from flows.effects import (
    AnyEffect,
    CancelTimer,
    Choice,
    Edit,
    Line,
    Say,
    Screen,
    SetTimer,
    Text,
    acknowledge,
)
from flows.events import ButtonPressed, TimerFired
from flows.ids import long_id, short_id
from flows.quiet import heard_at
from flows.state import ActionItem, Chat, Decision, Review, Session
from flows.steps import Stage
from flows.times import EVENING, MORNING, at_wall, local, reminder_wall, today
from flows.walk import Answers, day

OPEN: tuple[ActionStatus, ...] = ("pending", "in_progress", "blocked")
REMINDERS = ("action_due", "check_in", "next_session")
"""The kinds of timers that are reminders; the others are the conversation's own."""
ITEM_CODES = ("done", "undo", "not_yet", "snooze", "hour", "evening", "tomorrow", "days", "week", "never")


def open_items(chat: Chat) -> tuple[ActionItem, ...]:
    """The items that are neither done nor dropped, the soonest first."""
    return by_day(chat.actions)


def by_day(actions: Iterable[ActionItem]) -> tuple[ActionItem, ...]:
    """Those of these items."""
    items = [item for item in actions if item.status in OPEN and not item.dropped]
    return tuple(sorted(items, key=lambda item: (item.due or date.max, item.title)))


def reminders(session: Session, answers: Answers, now: datetime, zone: str) -> tuple[SetTimer, ...]:
    """A timer for the next check-in, and one for the next session if a day was named."""
    due = []
    for stage, name, kind in (
        (Stage.FINISH, "next_check_in", "check_in"),
        (Stage.CHECK_OUT, "next_session", "next_session"),
    ):
        if named := day(answers[stage].fields.get(name)):
            due.append(reminder(kind, session.session_id, reminder_wall(named, now, zone), zone))
    return tuple(due)


def reminder(kind: str, subject: UUID, wall: datetime, zone: str) -> SetTimer:
    """A reminder at a wall-clock time. There is one of a kind for a subject: setting it again moves it."""
    return SetTimer(
        key=f"{kind}:{subject}",
        kind=kind,
        subject=subject,
        due_at=at_wall(wall, zone),
        wall=wall.isoformat(timespec="minutes"),
    )


REVIEWED: dict[str, ActionStatus] = {"done": "completed", "partly": "in_progress", "not_done": "pending"}
"""What a review at check in makes of an item."""


def reviews_moved(
    session: Session, before: Answers, answers: Answers, now: datetime, zone: str
) -> tuple[tuple[ActionReviewed, ...], tuple[AnyEffect, ...]]:
    """What the reviews of earlier items make of them, where that is another thing than before.

    An answer taken back puts an item back to where it was. One that is done or dropped is not reminded of any more.
    """
    if before.get(Stage.CHECK_IN) is answers.get(Stage.CHECK_IN):
        return (), ()
    changes: list[ActionReviewed] = []
    effects: list[AnyEffect] = []
    was, is_now = _reviews(before), _reviews(answers)
    for item in session.reviewing:
        old, new = (_made(item, found.get(str(item.action_id), {}), now) for found in (was, is_now))
        if old == new:
            continue
        changes.append(new.evolve(was=old.status, was_dropped=old.dropped))
        timer = f"action_due:{item.action_id}"
        if new.status == "completed" or new.dropped:
            effects.append(CancelTimer(key=timer))
        elif old.due != new.due or old.status == "completed" or old.dropped:
            effects.extend(still_due(item.action_id, new.due, now, zone) or (CancelTimer(key=timer),))
    return tuple(changes), tuple(effects)


def _reviews(answers: Answers) -> dict[str, dict[str, Any]]:
    """The reviews by the id of their item."""
    kept = answers.get(Stage.CHECK_IN)
    return {str(r.get("action_id")): r for r in (kept.fields.get("previous_actions", ()) if kept else ())}


def _made(item: Review, review: dict[str, Any], now: datetime) -> ActionReviewed:
    """What a review makes of an item; without one it is as it was."""
    choice = review.get("choice")
    changed = review.get("changed_to") if choice == "change" else None
    return ActionReviewed(
        action_id=item.action_id,
        status=REVIEWED[review["status"]] if review.get("status") else item.status,
        title=short(changed, LONGEST_TITLE) if changed else item.title,
        description=changed or item.description,
        due=day(review["new_day"]) if choice in ("keep", "change") and "new_day" in review else item.due,
        dropped=choice == "drop",
        at=now,
    )


def still_due(item_id: UUID, day: date | None, now: datetime, zone: str) -> tuple[SetTimer, ...]:
    """The reminder of an item whose day is not past."""
    if day is None or day < today(now, zone):
        return ()
    return (reminder("action_due", item_id, reminder_wall(day, now, zone), zone),)


def due(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """A reminder's time has come: what it is about is read anew, and it may not apply any more."""
    person = chat.someone
    if person.unreachable_since is not None:  # kept for their return
        wall = local(now, person.timezone).replace(tzinfo=None) + timedelta(days=1)
        return Decision(chat=chat, effects=(reminder(event.kind, event.subject, wall, person.timezone),))
    key = f"r{event.id.hex[:12]}"
    if event.kind == "action_due":
        item = _item(chat, event.subject)
        if item is None or item.status not in OPEN or item.dropped:
            return Decision(chat=chat)
        return Decision(
            chat=chat, effects=(Say(key=key, screen=_due_screen(key, item, today(now, person.timezone))),)
        )
    session = chat.conversation.session
    going = session is not None and session.phase in ("open", "paused")
    text = Text(key=f"remind.{event.kind}", args={"name": person.name})
    buttons = (
        Choice(data="s:session", label=Text(key="button.continue" if going else "button.session")),
        Choice(data="m:0:plan", label=Text(key="button.plan")),
    )
    return Decision(chat=chat, effects=(Say(key=key, screen=Screen(lines=(Line(text=text),), choices=buttons)),))


def _due_screen(key: str, item: ActionItem, day_now: date) -> Screen:
    args: dict[str, Any] = {"item": item.title}
    if item.due is None or item.due == day_now:
        text = Text(key="remind.action_due.today", args=args)
    else:
        text = Text(key="remind.action_due", args={**args, "day": item.due})
    return Screen(lines=(Line(text=text),), choices=_buttons(key, item, "done", "not_yet", "snooze"), per_row=3)


def _buttons(key: str, item: ActionItem, *codes: str) -> tuple[Choice, ...]:
    return tuple(
        Choice(data=f"i:{key}:{short_id(item.action_id)}:{code}", label=Text(key=f"item.{code}")) for code in codes
    )


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press under a reminder or in the plan. None where the data is not one of ours."""
    parts = event.data.split(":")
    if len(parts) != 4 or parts[0] != "i" or parts[3] not in ITEM_CODES:
        return None
    _, key, named_by, code = parts
    named = long_id(named_by)
    item = _item(chat, named) if named else None
    if item is None:
        return None
    if item.status == "completed" and code != "undo":
        edit = Edit(key=key, screen=_outcome("item.is_done", key, item, "undo"))
        return Decision(chat=chat, effects=(*acknowledge(event.press_id, "toast.done_already"), edit))
    return _moved(chat, event, key, item, code, now)


def _moved(chat: Chat, event: ButtonPressed, key: str, item: ActionItem, code: str, now: datetime) -> Decision:
    zone = chat.someone.timezone
    timer = f"action_due:{item.action_id}"
    ack = acknowledge(event.press_id)
    match code:
        case "done":
            change = ActionMoved(action_id=item.action_id, status="completed", at=now)
            screen = _outcome("item.is_done", key, item, "undo")
            return Decision(
                chat=chat,
                changes=(change,),
                effects=(*ack, CancelTimer(key=timer), Edit(key=key, screen=screen)),
            )
        case "undo":
            change = ActionMoved(action_id=item.action_id, status="pending", at=now)
            screen = _outcome("item.is_open", key, item, "done", "not_yet", "snooze")
            again = still_due(item.action_id, item.due, now, zone)
            return Decision(chat=chat, changes=(change,), effects=(*ack, *again, Edit(key=key, screen=screen)))
        case "not_yet":
            change = ActionMoved(action_id=item.action_id, status="in_progress", at=now)
            screen = _outcome("item.not_done", key, item, "tomorrow", "days", "week", "never", "done")
            return Decision(chat=chat, changes=(change,), effects=(*ack, Edit(key=key, screen=screen)))
        case "snooze":
            screen = _outcome("item.snooze_until", key, item, "hour", "evening", "tomorrow", "week")
            return Decision(chat=chat, effects=(*ack, Edit(key=key, screen=screen)))
        case "never":
            screen = _outcome("item.no_reminder", key, item, "done", "tomorrow")
            return Decision(chat=chat, effects=(*ack, CancelTimer(key=timer), Edit(key=key, screen=screen)))
        case _:
            wall = _later(code, local(now, zone).replace(tzinfo=None))
            timer_set = reminder("action_due", item.action_id, wall, zone)
            at = local(heard_at(chat.someone, timer_set.due_at), zone)  # in quiet hours it waits
            screen = _outcome("item.reminder_at", key, item, "done", at=at)
            return Decision(chat=chat, effects=(*ack, timer_set, Edit(key=key, screen=screen)))


def _later(code: str, here: datetime) -> datetime:
    """The wall-clock time that a snooze means. "This evening" after 18:00 is tomorrow's."""
    if code == "hour":
        return (here + timedelta(hours=1)).replace(second=0, microsecond=0)
    if code == "evening":
        wall = datetime.combine(here.date(), EVENING)
        return wall if wall > here else wall + timedelta(days=1)
    days = {"tomorrow": 1, "days": 3, "week": 7}[code]
    return datetime.combine(here.date() + timedelta(days=days), time(MORNING.hour))


def _outcome(text: str, key: str, item: ActionItem, *codes: str, **args: Any) -> Screen:
    line = Line(text=Text(key=text, args={"item": item.title, **args}))
    buttons = _buttons(key, item, *codes)
    if key.startswith("menu"):  # the plan was opened on the menu card: a way back to it
        buttons = (*buttons, Choice(data=f"m:{key.removeprefix('menu')}:plan", label=Text(key="button.plan")))
    return Screen(lines=(line,), choices=buttons, per_row=2)


def _item(chat: Chat, named: UUID) -> ActionItem | None:
    """The person's own item; anybody else's is not among those loaded."""
    return next((item for item in chat.actions if item.action_id == named), None)
