"""The card of a plan that waits: one draft with what can be done with it, or all of them with what was decided."""

from __future__ import annotations

from datetime import date, timedelta

from flows.answers import DAY_OFFERS
from flows.documents import LONGEST_TITLE, short
from flows.effects import Choice, Line, Screen, Text, text_line
from flows.state import Draft, Drafting

MOST_MILESTONES = 5
LONGEST_SHOWN = 240
"""Characters of an item's words on the card."""
LONGEST_LISTED, SHORTEST_LISTED = 60, 8
"""Characters of a title in a list of drafts, by how many there are."""
LISTED = 340
"""Characters that the lines of such a list share: a card stays under 600."""
BUTTONS_IN_A_ROW = 5


def draft_at(plan: Drafting, place: int | None) -> Draft | None:
    """The draft at a place, counted from 1."""
    return plan.drafts[place - 1] if place is not None and 0 < place <= len(plan.drafts) else None


def next_open(plan: Drafting) -> int | None:
    """The place of the first draft that is not decided."""
    return next((n for n, draft in enumerate(plan.drafts, 1) if draft.choice == "open"), None)


def key(plan: Drafting) -> str:
    """The key of the card's message."""
    return f"d{plan.card}"


def screen(plan: Drafting, day: date) -> Screen:
    """The card as it stands; `day` is the coachee's today."""
    draft = draft_at(plan, plan.at)
    if draft is None or plan.at is None:
        return _whole(plan)
    lines = [Line(text=Text(key="draft.title", args={"n": plan.at, "all": len(plan.drafts)}), style="bold")]
    lines.extend(_item_lines(draft))
    data = f"d:{plan.card}:{plan.at}"
    if plan.changing is None:
        ours = draft.suggested and not draft.changed
        keep, drop = ("draft.take_on", "draft.leave_out") if ours else ("draft.keep", "draft.drop")
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
    ours = draft.suggested and not draft.changed
    lines = [text_line("draft.suggested")] if ours else []
    lines.append(listed("", short(draft.title, LONGEST_TITLE), draft.due))
    lines.extend(listed("•", short(m.title, LONGEST_LISTED), m.due) for m in draft.milestones)
    if ours:
        if draft.description and draft.description != draft.title:
            lines.append(Line(text=short(draft.description, LONGEST_SHOWN)))
    elif not draft.changed and draft.words != draft.title:
        lines.append(text_line("said.you_said"))
        lines.append(Line(text=short(draft.words, LONGEST_SHOWN), style="quote"))
    return lines


def longest_listed(count: int) -> int:
    """Characters of a title where so many are listed, each with its day."""
    return max(SHORTEST_LISTED, min(LONGEST_LISTED, LISTED // max(1, count) - 14))


def _whole(plan: Drafting) -> Screen:
    """All drafts with what was decided; nothing is kept before the last button is pressed."""
    lines = [Line(text=Text(key="draft.whole"), style="bold")]
    buttons = []
    for place, draft in enumerate(plan.drafts, 1):
        mark = {"keep": "✓", "drop": "✕", "open": "?"}[draft.choice]
        lines.append(listed(f"{place}. {mark}", short(draft.title, longest_listed(len(plan.drafts))), draft.due))
        buttons.append(Choice(data=f"d:{plan.card}:{place}:look", label=str(place)))
    if next_open(plan) is not None:
        lines.append(text_line("draft.still_open"))
    else:
        lines.append(text_line("draft.confirm_ask"))
        buttons.append(Choice(data=f"d:{plan.card}:confirm", label=Text(key="draft.confirm")))
    return Screen(lines=tuple(lines), choices=tuple(buttons), per_row=min(len(plan.drafts), BUTTONS_IN_A_ROW))


def listed(mark: str, title: str, due: date | None) -> Line:
    """An item in a line, with its day."""
    listed = f"{mark} {title}".strip()
    return text_line("draft.line", title=listed, day=due) if due else Line(text=listed)
