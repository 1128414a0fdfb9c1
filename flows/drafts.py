"""The plan as drafts: what the summary proposes, to keep, change or drop one by one, and one Confirm for all.

Nothing is an action item before it is confirmed. What is kept rests on the coachee's own words, or was suggested and
taken on by them; a row says which. Making items again from the same summary offers only what is no item yet.
"""

from __future__ import annotations

from binascii import crc32
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

from flows.answers import FARTHEST_DAY, LONGEST_ANSWER, has_words
from flows.changes import ActionAdded
from flows.comparing import plain
from flows.documents import LONGEST_TITLE, Document, PlannedItem, PlannedMilestone, short
from flows.effects import (
    AnyEffect,
    CancelTimer,
    Choice,
    Edit,
    Say,
    Screen,
    SetTimer,
    Text,
    acknowledge,
    say,
    text_line,
)
from flows.events import ButtonPressed, Reading, TimerFired
from flows.plan_card import MOST_MILESTONES, draft_at, key, listed, longest_listed, next_open, screen
from flows.plans import reminder
from flows.putting import asked, local_day, running
from flows.quiet import heard_at
from flows.state import Chat, Decision, Draft, Drafting
from flows.times import local, reminder_wall

WAITING = "confirm"
"""The key of the timer that shows a plan again; there is one plan that waits."""
MOST_LET_GO = 60
"""Dropped drafts that are remembered; older ones are of summaries that nobody writes anew."""
MOST_MOMENTS = 6
"""Reminders that are named when a plan is confirmed."""
ASKING = ("words", "day", "between")
"""Sides of the card that wait for words."""


def action_id(session_id: UUID, item: PlannedItem) -> UUID:
    """The id of the item that a line of a session's plan becomes: the same however often it is made.

    A step is known by its number, a suggestion by its words: the next summary may suggest something else.
    """
    name = f"suggestion {plain(item.title)}" if item.suggested else f"action {item.number}"
    return uuid5(session_id, name)


def offered(
    decision: Decision, session_id: UUID, document: Document, now: datetime, *, again: bool = False
) -> Decision:
    """The decision, and a card with what could become an item; the same decision where there is nothing new.

    What waits from another session waits on. What was decided on an earlier card stays decided, as long as the words
    are the same. What was dropped is offered `again` only where the person asks for it.
    """
    chat = decision.chat
    waiting = chat.conversation.plan.drafts if chat.conversation.plan else ()
    known = {draft.action_id: draft for draft in waiting}
    let_go = () if again else chat.conversation.let_go
    drafts = {draft.action_id: draft for draft in waiting if draft.session_id != session_id}
    suggested = {plain(draft.words) for draft in drafts.values() if draft.suggested}
    for item in document.action_plan:
        draft = _draft(session_id, document, item)
        old = known.get(draft.action_id)
        if old is not None and old.words == draft.words and (old.choice != "open" or _says_no_more(draft)):
            drafts[old.action_id] = old
        elif draft.suggested and plain(draft.words) in suggested:
            continue
        elif _dropped(draft) not in let_go and not _is_item(chat, draft, again=again):
            drafts[draft.action_id] = draft
    if not any(draft.session_id == session_id for draft in drafts.values()):
        return decision
    taken_on = [draft for draft in waiting if draft.suggested and draft.choice == "keep"]
    drafts |= {draft.action_id: draft for draft in taken_on if draft.action_id not in drafts}
    zone = chat.someone.timezone
    wall = reminder_wall(local_day(chat, now) + timedelta(days=1), now, zone)
    waits = reminder("confirm", session_id, wall, zone).evolve(key=WAITING)
    return _put(decision, _going_on(chat.conversation.plan, tuple(drafts.values())), now).then(waits)


def made_again(chat: Chat, now: datetime) -> Decision:
    """ "Make items from the summary": what is no item yet is offered; the rest is there already."""
    if chat.conversation.plan is not None:
        return shown(chat, now)
    kept = chat.summary
    if kept is None:
        return Decision(chat=chat, effects=(say("summary.none"),))
    decision = offered(Decision(chat=chat), kept.session_id, kept.document, now, again=True)
    return decision if decision.effects else decision.then(say("draft.nothing_new"))


def shown(chat: Chat, now: datetime) -> Decision:
    """The card once more, at the bottom of the chat."""
    plan = chat.conversation.plan
    if plan is None:
        return Decision(chat=chat, effects=(say("draft.none"),))
    return _put(Decision(chat=chat), _going_on(plan, plan.drafts), now)


def left(chat: Chat, now: datetime) -> Decision:
    """The card asks for words no more, and nothing is changed."""
    plan = chat.conversation.plan
    if plan is None:
        return shown(chat, now)
    return _put(Decision(chat=chat), plan.evolve(changing=None, heard=None), now)


def unasked(chat: Chat, now: datetime) -> tuple[Chat, tuple[AnyEffect, ...]]:
    """The person turns to something else: the card asks for no words any more, and shows so."""
    plan = chat.conversation.plan
    if plan is None or chat.conversation.awaiting != "item":
        return chat, ()
    plan = plan.evolve(changing=None, heard=None)
    chat = chat.evolve(conversation=chat.conversation.evolve(plan=plan, awaiting=None))
    return chat, (Edit(key=key(plan), screen=screen(plan, local_day(chat, now))),)


def reminded(chat: Chat, event: TimerFired, now: datetime) -> Decision:
    """A plan that still waits to be confirmed the next morning is shown again, once."""
    plan = chat.conversation.plan
    if plan is None:
        return Decision(chat=chat)
    zone = chat.someone.timezone
    if chat.someone.unreachable_since is not None:  # kept for their return
        wall = local(now, zone).replace(tzinfo=None) + timedelta(days=1)
        return Decision(chat=chat, effects=(reminder("confirm", event.subject, wall, zone).evolve(key=WAITING),))
    again = shown(chat, now)
    return again.evolve(effects=(say("draft.waits", count=len(plan.drafts)), *again.effects))


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press on the card: `d:card:confirm`, `d:card:all`, `d:card:number:act`. None where it is none of ours."""
    parts = event.data.split(":")
    if parts[0] != "d" or len(parts) not in (3, 4) or not all(_number(part) for part in parts[1:-1]):
        return None
    plan = chat.conversation.plan
    ack = acknowledge(event.press_id)
    if plan is None:
        return Decision(chat=chat, effects=acknowledge(event.press_id, "toast.plan_settled"))
    if int(parts[1]) != plan.card:
        again = shown(chat, now)
        return again.evolve(effects=(*ack, *again.effects))
    if len(parts) == 3:
        match parts[2]:
            case "confirm":
                return _confirmed(chat, plan, event, now)
            case "all":
                return _turned(chat, plan.evolve(at=None, changing=None), now, ack)
        return None
    draft = draft_at(plan, int(parts[2]))
    turned = _acted(plan, draft, parts[3], local_day(chat, now)) if draft else None
    return _turned(chat, turned, now, ack) if turned else None


def _acted(plan: Drafting, draft: Draft, act: str, here: date) -> Drafting | None:
    """What a press makes of the plan; None where the act is none of ours."""
    match act:
        case "keep" | "drop":
            return _on(_with(plan, draft.evolve(choice=act)))
        case "look":
            return plan.evolve(at=_place(plan, draft), changing=None, heard=None)
        case "change" | "words" | "day" | "between":
            return plan.evolve(at=_place(plan, draft), changing=act, heard=None)
        case "clear":
            return _with(plan, draft.evolve(milestones=())).evolve(at=_place(plan, draft))
        case "no_day":
            return _on(_with(plan, draft.evolve(due=None, choice="keep")))
    try:
        day = date.fromisoformat(act)
    except ValueError:
        return None
    if not here <= day <= here + FARTHEST_DAY:
        return None
    on_the_way = (m.evolve(due=None) if m.due is not None and m.due > day else m for m in draft.milestones)
    return _on(_with(plan, draft.evolve(due=day, choice="keep", milestones=tuple(on_the_way))))


def said(chat: Chat, text: str, reading: Reading, now: datetime) -> Decision:
    """Words that the card asked for: an item's new words, its day, or an in-between step."""
    plan = chat.conversation.plan
    draft = draft_at(plan, plan.at) if plan else None
    if plan is None or draft is None or plan.changing not in ASKING:
        return Decision(chat=chat, effects=(say("draft.none"),))
    if plan.changing == "day":
        return _day_said(chat, plan, reading.day, now)
    if not has_words(text):
        return Decision(chat=chat, effects=(say("unfit.words"),))
    if len(text) > LONGEST_ANSWER:
        return Decision(chat=chat, effects=(say("unfit.long", said=len(text), most=LONGEST_ANSWER),))
    if plan.changing == "between":
        here, day = local_day(chat, now), reading.day
        on = day if day is not None and here <= day <= (draft.due or here + FARTHEST_DAY) else None
        more = PlannedMilestone(title=short(text, LONGEST_TITLE), due=on)
        draft = draft.evolve(milestones=(*draft.milestones, more)[:MOST_MILESTONES], choice="keep")
    else:
        draft = draft.evolve(title=short(text, LONGEST_TITLE), description=text, changed=True, choice="keep")
    decision = _put(Decision(chat=chat), _with(plan, draft), now)
    return asked(decision, now) if running(chat) is not None and not chat.conversation.holding else decision


def _day_said(chat: Chat, plan: Drafting, day: date | None, now: datetime) -> Decision:
    """A day in words is read back as a date; only its button makes it count."""
    here = local_day(chat, now)
    if day is None or not here <= day <= here + FARTHEST_DAY:
        unfit = "unfit.day" if day is None else "unfit.past_day" if day < here else "unfit.far_day"
        return Decision(chat=chat, effects=(say(unfit),))
    return _put(Decision(chat=chat), plan.evolve(heard=day), now)


def _turned(chat: Chat, plan: Drafting, now: datetime, ack: tuple[AnyEffect, ...]) -> Decision:
    """The card shows another side, in place."""
    chat = chat.evolve(conversation=chat.conversation.evolve(plan=plan, awaiting=_awaits(chat, plan)))
    return Decision(chat=chat, effects=(*ack, Edit(key=key(plan), screen=screen(plan, local_day(chat, now)))))


def _awaits(chat: Chat, plan: Drafting) -> Literal["item", "timezone"] | None:
    """What the next words are for; a place that was asked for stays asked for."""
    if plan.at is not None and plan.changing in ASKING:
        return "item"
    return "timezone" if chat.conversation.awaiting == "timezone" else None


def _put(decision: Decision, plan: Drafting, now: datetime) -> Decision:
    """The card at the bottom of the chat; the one above, if there is one, loses its buttons."""
    chat = decision.chat
    above = chat.conversation.plan
    closing = (Edit(key=key(above), screen=Screen(lines=(text_line("draft.below"),))),) if above else ()
    number = chat.conversation.cards + 1
    plan = plan.evolve(card=number)
    chat = chat.evolve(conversation=chat.conversation.evolve(plan=plan, cards=number, awaiting=_awaits(chat, plan)))
    card = Say(key=key(plan), screen=screen(plan, local_day(chat, now)))
    return decision.evolve(chat=chat).then(*closing, card)


def _confirmed(chat: Chat, plan: Drafting, event: ButtonPressed, now: datetime) -> Decision:
    """What was kept becomes action items, with their reminders. What is still open is asked about first."""
    ack = acknowledge(event.press_id)
    if (undecided := next_open(plan)) is not None:
        return _turned(chat, plan.evolve(at=undecided, changing=None), now, ack)
    person, day = chat.someone, local_day(chat, now)
    if (past := next((n for n, d in enumerate(plan.drafts, 1) if _is_past(d, day)), None)) is not None:
        return _turned(chat, plan.evolve(at=past, changing="day", heard=None), now, ack)
    rows = tuple(_row(person.user_id, draft, day) for draft in plan.drafts if draft.choice == "keep")
    timers: list[AnyEffect] = []
    zone = person.timezone
    for row in rows:
        on = row.timeline_end
        if on is not None and on >= day:
            timers.append(reminder("action_due", row.action_id, reminder_wall(on, now, zone), zone))
        else:
            timers.append(CancelTimer(key=f"action_due:{row.action_id}"))
    dropped = [_dropped(draft) for draft in plan.drafts if draft.choice == "drop"]
    let_go = tuple(dict.fromkeys((*chat.conversation.let_go, *dropped)))[-MOST_LET_GO:]
    chat = chat.evolve(conversation=chat.conversation.evolve(plan=None, awaiting=None, let_go=let_go))
    lines = [text_line("draft.confirmed", count=len(rows)) if rows else text_line("draft.none_kept")]
    for row in rows:
        lines.append(listed("•", short(row.title, longest_listed(len(rows))), row.timeline_end))
    due = {heard_at(person, timer.due_at) for timer in timers if isinstance(timer, SetTimer)}
    if moments := sorted(due)[:MOST_MOMENTS]:
        lines.append(text_line("plan.reminders"))
        lines.extend(text_line("plan.reminder", at=local(moment, person.timezone)) for moment in moments)
    buttons = (
        Choice(data="m:0:plan", label=Text(key="button.plan")),
        Choice(data="m:0:home", label=Text(key="button.menu")),
    )
    done = Edit(key=key(plan), screen=Screen(lines=tuple(lines), choices=buttons, per_row=2))
    return Decision(chat=chat, changes=rows, effects=(*ack, done, CancelTimer(key=WAITING), *timers))


def _row(user_id: UUID, draft: Draft, day: date) -> ActionAdded:
    start = min(day, draft.due) if draft.due else day
    return ActionAdded(
        action_id=draft.action_id,
        user_id=user_id,
        session_id=draft.session_id,
        title=draft.title,
        description=draft.description or draft.title,
        goal_statement=draft.goal,
        smart_criteria=draft.smart,
        priority=draft.priority,
        timeline_start=start,
        timeline_end=draft.due,
        origin="suggestion" if draft.suggested and not draft.changed else "coachee",
        milestones=draft.milestones,
        evidence={
            "number": draft.number,
            "words": draft.words,
            "changed": draft.changed,
            "sources": [{"turn": s.turn, "quote": s.quote} for s in draft.sources],
        },
    )


def _draft(session_id: UUID, document: Document, item: PlannedItem) -> Draft:
    words = item.sources[0].quote if item.sources and not item.suggested else item.title
    return Draft(
        action_id=action_id(session_id, item),
        session_id=session_id,
        number=item.number,
        title=item.title,
        description=item.description if item.suggested else words,
        words=words,
        due=item.due,
        priority=item.priority,
        suggested=item.suggested,
        sources=item.sources,
        milestones=item.milestones,
        goal=document.goal or document.goal_statement.text,
        smart=document.smart,
    )


def _says_no_more(draft: Draft) -> bool:
    """Whether a draft is nothing but the words that it rests on."""
    return not draft.milestones and draft.title == short(draft.words, LONGEST_TITLE)


def _dropped(draft: Draft) -> tuple[UUID, int]:
    """A draft as it is remembered when it was dropped: by its id and what stands for its words."""
    return draft.action_id, crc32(draft.words.encode())


def _is_past(draft: Draft, day: date) -> bool:
    """Whether it is to be kept with a day that is over."""
    return draft.choice == "keep" and draft.due is not None and draft.due < day


def _is_item(chat: Chat, draft: Draft, *, again: bool) -> bool:
    """Whether a draft is an action item already, made of the words that it rests on now.

    One that was let go since is none where the person asks for items `again`.
    """
    kept = next((action for action in chat.actions if action.action_id == draft.action_id), None)
    return kept is not None and kept.words in (None, draft.words) and not (again and kept.dropped)


def _place(plan: Drafting, draft: Draft) -> int:
    return next(n for n, one in enumerate(plan.drafts, 1) if one.action_id == draft.action_id)


def _with(plan: Drafting, draft: Draft) -> Drafting:
    drafts = tuple(draft if d.action_id == draft.action_id else d for d in plan.drafts)
    return plan.evolve(drafts=drafts, changing=None, heard=None)


def _going_on(before: Drafting | None, drafts: tuple[Draft, ...]) -> Drafting:
    """The card with these drafts: where it waited for words about one of them it still does."""
    plan = _on(Drafting(drafts=drafts))
    here = draft_at(before, before.at) if before and before.changing in ASKING else None
    if before is None or here is None or all(draft.action_id != here.action_id for draft in drafts):
        return plan
    return plan.evolve(at=_place(plan, here), changing=before.changing, heard=before.heard)


def _on(plan: Drafting) -> Drafting:
    """The card goes on to what is not decided yet, or to the whole plan."""
    return plan.evolve(at=next_open(plan), changing=None)


def _number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 10
