"""My answers so far: a card that lists them, and from it one is changed, or gone back to."""

from __future__ import annotations

from datetime import datetime

from flows.documents import short
from flows.effects import Choice, Edit, Line, Say, Screen, Text, acknowledge, say, text_line
from flows.events import ButtonPressed
from flows.moments import nothing_running
from flows.putting import asked, closed, resaid, running
from flows.state import Chat, Decision, Session, Turn
from flows.steps import STEPS, Pick
from flows.walk import counting, gone_back

PER_PAGE = 5
"""Answers on a page: each with its question, and all together under 600 characters."""
CHOSEN = ("review_status", "review_choice", "topic_category", "suggestion", "commitment_choice")
"""Choices that say something about the coachee; the others only steer the conversation."""


def listed(chat: Chat) -> list[Turn]:
    """The answers that can be looked at and changed, in order."""
    session = chat.conversation.session
    if session is None:
        return []
    turns = {(t.step, t.index): t for t in counting(session, chat.answers)}.values()  # of two, the later one
    known = [t for t in turns if t.step in STEPS]
    return [t for t in known if t.step in CHOSEN or not isinstance(STEPS[t.step].takes, Pick)]


def show(chat: Chat) -> Decision:
    """The card, at its last page: what was said last is looked for most."""
    if not listed(chat):
        session = chat.conversation.session
        none = say("answers.none") if session is not None else nothing_running(chat)
        return Decision(chat=chat, effects=(none,))
    number = chat.conversation.cards + 1
    chat = chat.evolve(conversation=chat.conversation.evolve(cards=number))
    return Decision(chat=chat, effects=(Say(key=f"menu{number}", screen=_page(chat, number, _pages(chat) - 1)),))


def pressed(chat: Chat, event: ButtonPressed, now: datetime) -> Decision | None:
    """A press on the card: `k:card:page`, `k:card:turn:act`. None where the data is not one of ours."""
    parts = event.data.split(":")
    if parts[0] != "k" or len(parts) not in (3, 4) or not all(_number(part) for part in parts[1:3]):
        return None
    card, named = int(parts[1]), int(parts[2])
    ack = acknowledge(event.press_id)
    if not listed(chat) or not 0 < card <= chat.conversation.cards:
        shown = show(chat)
        return shown.evolve(effects=(*ack, *shown.effects))
    if len(parts) == 3:
        page = min(named, _pages(chat) - 1)
        return Decision(chat=chat, effects=(*ack, Edit(key=f"menu{card}", screen=_page(chat, card, page))))
    turn = next((t for t in listed(chat) if t.n == named), None)
    session = running(chat)
    if turn is None:
        anew = Edit(key=f"menu{card}", screen=_page(chat, card, _pages(chat) - 1))
        return Decision(chat=chat, effects=(*acknowledge(event.press_id, "toast.answer_gone"), anew))
    if parts[3] == "look":
        return Decision(chat=chat, effects=(*ack, Edit(key=f"menu{card}", screen=_one(chat, card, turn))))
    if parts[3] not in ("change", "back"):
        return None
    if session is None:
        going_on = nothing_running(chat)
        return Decision(chat=chat, effects=(*ack, going_on))
    shut = Edit(key=f"menu{card}", screen=_one(chat, card, turn, open_=False))
    done = _change(chat, turn, now) if parts[3] == "change" else _back_to(chat, session, turn, now)
    return done.evolve(effects=(*ack, shut, *done.effects))


def _change(chat: Chat, turn: Turn, now: datetime) -> Decision:
    """The question of an answer is asked again; the next answer takes its place."""
    taken = closed(chat, now)
    changing = chat.evolve(conversation=chat.conversation.evolve(changing=turn.n, reflection=""))
    return asked(Decision(chat=changing, effects=taken), now)


def _back_to(chat: Chat, session: Session, turn: Turn, now: datetime) -> Decision:
    """The conversation goes back to the question of an answer; what came after it counts no more."""
    questions = len(session.trail) - session.trail.index(turn.n)
    taken = closed(chat, now)
    unchanged = chat.evolve(conversation=chat.conversation.evolve(changing=None))
    decision = resaid(unchanged, *gone_back(session, chat.answers, questions), now)
    told = say("session.back", count=questions)
    return asked(decision.evolve(effects=(*taken, *decision.effects, told)), now)


def _pages(chat: Chat) -> int:
    return max(1, -(-len(listed(chat)) // PER_PAGE))


def _page(chat: Chat, card: int, page: int) -> Screen:
    turns = listed(chat)
    first = page * PER_PAGE
    lines = [Line(text=Text(key="answers.title", count=len(turns)), style="bold")]
    buttons = []
    for number, turn in enumerate(turns[first : first + PER_PAGE], first + 1):
        about = Text(key=f"about.{turn.step}")
        lines.append(text_line("answers.line", n=number, about=about, said=_said(turn, 60)))
        buttons.append(Choice(data=f"k:{card}:{turn.n}:look", label=str(number)))
    if page > 0:
        buttons.append(Choice(data=f"k:{card}:{page - 1}", label=Text(key="answers.before")))
    if page + 1 < _pages(chat):
        buttons.append(Choice(data=f"k:{card}:{page + 1}", label=Text(key="answers.after")))
    buttons.append(Choice(data=f"m:{card}:home", label=Text(key="button.menu")))
    return Screen(lines=tuple(lines), choices=tuple(buttons), per_row=PER_PAGE)


def _one(chat: Chat, card: int, turn: Turn, *, open_: bool = True) -> Screen:
    """One answer. On a session that runs it can be changed or gone back to."""
    lines = (
        Line(text=Text(key=f"about.{turn.step}"), style="bold"),
        Line(text=_said(turn, 450), style="quote"),
    )
    place = next(i for i, t in enumerate(listed(chat)) if t.n == turn.n)
    buttons = []
    if open_ and running(chat) is not None:
        buttons.append(Choice(data=f"k:{card}:{turn.n}:change", label=Text(key="answers.change")))
        buttons.append(Choice(data=f"k:{card}:{turn.n}:back", label=Text(key="answers.back_to")))
    buttons.append(Choice(data=f"k:{card}:{place // PER_PAGE}", label=Text(key="answers.all")))
    return Screen(lines=lines, choices=tuple(buttons), per_row=2)


def _said(turn: Turn, most: int) -> Text | str:
    if not turn.text:
        return Text(key="answers.skipped")
    return short(turn.text, most)


def _number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 10
