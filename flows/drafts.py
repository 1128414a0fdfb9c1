"""The plan as drafts: what the summary proposes, to keep, change or drop one by one, and one Confirm for all.

Nothing is an action item before it is confirmed. What is kept rests on the coachee's own words, or was suggested and
taken on by them; a row says which. Making items again from the same summary offers only what is no item yet.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

from flows.answers import DAY_OFFERS, FARTHEST_DAY, LONGEST_ANSWER, has_words
from flows.changes import ActionAdded
from flows.comparing import plain
from flows.documents import LONGEST_TITLE, Document, PlannedItem, PlannedMilestone, short
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
    say,
    text_line,
)
from flows.events import ButtonPressed, Reading, TimerFired
from flows.plans import reminder
from flows.putting import asked, local_day, running
from flows.state import Chat, Decision, Draft, Drafting
from flows.times import local, reminder_wall

WAITING = "confirm"
"""The key of the timer that shows a plan again; there is one plan that waits."""
MOST_MILESTONES = 5
MOST_LISTED = 10
LONGEST_SHOWN = 240
"""Characters of an item's words on the card, and of a title in a list of them: a card stays under 600."""
LONGEST_LISTED = 60
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
    session = chat.conversation.session
    let_go = session.let_go if session is not None and not again else ()
    drafts = [draft for draft in waiting if draft.session_id != session_id]
    for item in document.action_plan:
        draft = _draft(session_id, document, item)
        old = known.get(draft.action_id)
        if old is not None and old.choice != "open" and old.words == draft.words:
            drafts.append(old)
        elif draft.action_id not in let_go and not _is_item(chat, draft, again=again):
            drafts.append(draft)
    if not any(draft.session_id == session_id for draft in drafts):
        return decision
    zone = chat.someone.timezone
    wall = reminder_wall(local_day(chat, now) + timedelta(days=1), now, zone)
    waits = reminder("confirm", session_id, wall, zone).evolve(key=WAITING)
    return _put(decision, _going_on(chat.conversation.plan, tuple(drafts)), now).then(waits)


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
    draft = _at(plan, int(parts[2]))
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
    return _on(_with(plan, draft.evolve(due=day, choice="keep")))


def said(chat: Chat, text: str, reading: Reading, now: datetime) -> Decision:
    """Words that the card asked for: an item's new words, its day, or an in-between step."""
    plan = chat.conversation.plan
    draft = _at(plan, plan.at) if plan else None
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
        if draft.suggested:  # it is theirs now
            draft = draft.evolve(suggested=False, words=text)
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
    chat = chat.evolve(conversation=chat.conversation.evolve(plan=plan, awaiting=_awaits(plan)))
    return Decision(chat=chat, effects=(*ack, Edit(key=_key(plan), screen=_screen(plan, local_day(chat, now)))))


def _awaits(plan: Drafting) -> Literal["item"] | None:
    return "item" if plan.at is not None and plan.changing in ASKING else None


def _put(decision: Decision, plan: Drafting, now: datetime) -> Decision:
    """The card at the bottom of the chat; the one above, if there is one, loses its buttons."""
    chat = decision.chat
    above = chat.conversation.plan
    closing = (Edit(key=_key(above), screen=Screen(lines=(text_line("draft.below"),))),) if above else ()
    number = chat.conversation.cards + 1
    plan = plan.evolve(card=number)
    chat = chat.evolve(conversation=chat.conversation.evolve(plan=plan, cards=number, awaiting=_awaits(plan)))
    card = Say(key=_key(plan), screen=_screen(plan, local_day(chat, now)))
    return decision.evolve(chat=chat).then(*closing, card)


def _confirmed(chat: Chat, plan: Drafting, event: ButtonPressed, now: datetime) -> Decision:
    """What was kept becomes action items, with their reminders. What is still open is asked about first."""
    ack = acknowledge(event.press_id)
    if (undecided := _next_open(plan)) is not None:
        return _turned(chat, plan.evolve(at=undecided, changing=None), now, ack)
    person, day = chat.someone, local_day(chat, now)
    rows = tuple(_row(person.user_id, draft, day) for draft in plan.drafts if draft.choice == "keep")
    timers: list[AnyEffect] = []
    zone = person.timezone
    for row in rows:
        on = row.timeline_end
        if on is not None and on >= day:
            timers.append(reminder("action_due", row.action_id, reminder_wall(on, now, zone), zone))
        else:
            timers.append(CancelTimer(key=f"action_due:{row.action_id}"))
    session = chat.conversation.session
    if session is not None:
        dropped = {draft.action_id for draft in plan.drafts if draft.choice == "drop"}
        session = session.evolve(let_go=(*session.let_go, *sorted(dropped - set(session.let_go))))
    chat = chat.evolve(conversation=chat.conversation.evolve(plan=None, awaiting=None, session=session))
    lines = [text_line("draft.confirmed", count=len(rows)) if rows else text_line("draft.none_kept")]
    for row in rows[:MOST_LISTED]:
        lines.append(_listed("•", short(row.title, LONGEST_LISTED), row.timeline_end))
    if moments := sorted({timer.due_at for timer in timers if isinstance(timer, SetTimer)})[:MOST_LISTED]:
        lines.append(text_line("plan.reminders"))
        lines.extend(text_line("plan.reminder", at=local(moment, person.timezone)) for moment in moments)
    buttons = (
        Choice(data="m:0:plan", label=Text(key="button.plan")),
        Choice(data="m:0:home", label=Text(key="button.menu")),
    )
    done = Edit(key=_key(plan), screen=Screen(lines=tuple(lines), choices=buttons, per_row=2))
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
        origin="suggestion" if draft.suggested else "coachee",
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


def _is_item(chat: Chat, draft: Draft, *, again: bool) -> bool:
    """Whether a draft is an action item already, made of the words that it rests on now.

    One that was let go since is none where the person asks for items `again`.
    """
    kept = next((action for action in chat.actions if action.action_id == draft.action_id), None)
    return kept is not None and kept.words in (None, draft.words) and not (again and kept.dropped)


def _at(plan: Drafting, place: int | None) -> Draft | None:
    """The draft at a place, counted from 1."""
    return plan.drafts[place - 1] if place is not None and 0 < place <= len(plan.drafts) else None


def _place(plan: Drafting, draft: Draft) -> int:
    return next(n for n, one in enumerate(plan.drafts, 1) if one.action_id == draft.action_id)


def _next_open(plan: Drafting) -> int | None:
    return next((n for n, draft in enumerate(plan.drafts, 1) if draft.choice == "open"), None)


def _with(plan: Drafting, draft: Draft) -> Drafting:
    drafts = tuple(draft if d.action_id == draft.action_id else d for d in plan.drafts)
    return plan.evolve(drafts=drafts, changing=None, heard=None)


def _going_on(before: Drafting | None, drafts: tuple[Draft, ...]) -> Drafting:
    """The card with these drafts: where it waited for words about one of them it still does."""
    plan = _on(Drafting(drafts=drafts))
    here = _at(before, before.at) if before and before.changing in ASKING else None
    if before is None or here is None or all(draft.action_id != here.action_id for draft in drafts):
        return plan
    return plan.evolve(at=_place(plan, here), changing=before.changing, heard=before.heard)


def wants_words(chat: Chat) -> bool:
    """Whether the next words are for the card: it asks for some, and no question of a session came after it."""
    plan = chat.conversation.plan
    asks = plan is not None and _awaits(plan) is not None
    return asks and (running(chat) is None or chat.conversation.awaiting == "item")


def _on(plan: Drafting) -> Drafting:
    """The card goes on to what is not decided yet, or to the whole plan."""
    return plan.evolve(at=_next_open(plan), changing=None)


def _key(plan: Drafting) -> str:
    return f"d{plan.card}"


def _screen(plan: Drafting, day: date) -> Screen:
    draft = _at(plan, plan.at)
    if draft is None or plan.at is None:
        return _whole(plan)
    lines = [Line(text=Text(key="draft.title", args={"n": plan.at, "all": len(plan.drafts)}), style="bold")]
    lines.extend(_item_lines(draft))
    data = f"d:{plan.card}:{plan.at}"
    if plan.changing is None:
        keep, drop = ("draft.take_on", "draft.leave_out") if draft.suggested else ("draft.keep", "draft.drop")
        buttons = [
            Choice(data=f"{data}:keep", label=Text(key=keep)),
            Choice(data=f"{data}:change", label=Text(key="draft.change")),
            Choice(data=f"{data}:drop", label=Text(key=drop)),
        ]
        if any(d.choice != "open" for d in plan.drafts):
            buttons.append(Choice(data=f"d:{plan.card}:all", label=Text(key="draft.all")))
        return Screen(lines=tuple(lines), choices=tuple(buttons), per_row=3)
    back = Choice(data=f"{data}:look", label=Text(key="draft.back"))
    if plan.changing == "change":
        lines.append(text_line("draft.change_what"))
        codes = ["words", "day", "between"] if len(draft.milestones) < MOST_MILESTONES else ["words", "day"]
        if draft.milestones:
            codes.append("clear")
        buttons = [Choice(data=f"{data}:{code}", label=Text(key=f"draft.change.{code}")) for code in codes]
        return Screen(lines=tuple(lines), choices=(*buttons, back), per_row=2)
    if plan.heard is not None:
        lines.append(text_line("draft.day_right", day=plan.heard))
        right = Choice(data=f"{data}:{plan.heard.isoformat()}", label=Text(key="choice.check.right"))
        other = Choice(data=f"{data}:day", label=Text(key="choice.check.other_day"))
        return Screen(lines=tuple(lines), choices=(right, other), per_row=2)
    lines.append(text_line(f"draft.ask.{plan.changing}"))
    if plan.changing != "day":
        return Screen(lines=tuple(lines), choices=(back,))
    days = [day + timedelta(days=n) for n in DAY_OFFERS]
    buttons = [Choice(data=f"{data}:{d.isoformat()}", label=Text(key="choice.day", args={"day": d})) for d in days]
    buttons.append(Choice(data=f"{data}:no_day", label=Text(key="draft.no_day")))
    return Screen(lines=tuple(lines), choices=(*buttons, back), per_row=3)


def _item_lines(draft: Draft) -> list[Line]:
    """An item as it would be kept, and the words that it rests on."""
    lines = [text_line("draft.suggested")] if draft.suggested else []
    lines.append(_listed("", short(draft.title, LONGEST_TITLE), draft.due))
    lines.extend(_listed("•", short(m.title, LONGEST_LISTED), m.due) for m in draft.milestones)
    if draft.suggested:
        if draft.description and draft.description != draft.title:
            lines.append(Line(text=short(draft.description, LONGEST_SHOWN)))
    elif not draft.changed and draft.words != draft.title:
        lines.append(text_line("said.you_said"))
        lines.append(Line(text=short(draft.words, LONGEST_SHOWN), style="quote"))
    return lines


def _whole(plan: Drafting) -> Screen:
    """All drafts with what was decided; nothing is kept before the last button is pressed."""
    lines = [Line(text=Text(key="draft.whole"), style="bold")]
    buttons = []
    for place, draft in enumerate(plan.drafts[:MOST_LISTED], 1):
        mark = {"keep": "✓", "drop": "✕", "open": "?"}[draft.choice]
        lines.append(_listed(f"{place}. {mark}", short(draft.title, LONGEST_LISTED), draft.due))
        buttons.append(Choice(data=f"d:{plan.card}:{place}:look", label=str(place)))
    if _next_open(plan) is not None:
        lines.append(text_line("draft.still_open"))
    else:
        lines.append(text_line("draft.confirm_ask"))
        buttons.append(Choice(data=f"d:{plan.card}:confirm", label=Text(key="draft.confirm")))
    return Screen(lines=tuple(lines), choices=tuple(buttons), per_row=max(1, min(len(plan.drafts), MOST_LISTED)))


def _listed(mark: str, title: str, due: date | None) -> Line:
    listed = f"{mark} {title}".strip()
    return text_line("draft.line", title=listed, day=due) if due else Line(text=listed)


def _number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 10
