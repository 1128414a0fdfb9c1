"""What the coach says at a step: the question, with the coachee's own words in it, and the buttons under it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flows.answers import DAY_OFFERS, SEVERAL_DONE, day_code
from flows.documents import short
from flows.effects import Choice, Line, Screen, Text
from flows.ids import short_id
from flows.questions import candidates, family_of
from flows.stages import allowed, circles_closed
from flows.state import Chat, Position, Session, Turn
from flows.steps import STEPS, SUGGESTIONS, Day, Pick, Scale, Several, Stage, Step, Words
from flows.walk import READ_BACK, Answers, counting, day, facts

UNCHANGED = "as_it_was"
"""The button that leaves an answer as it was, while it is being changed."""
ONE_WAY_LEFT = ("settling_offer", "ready_confirm", "ready_to_act", "commitment_choice", "change_what")
"""Offers of which only going on is left once nothing leads back: they are not put as if there were a choice."""
PLAN_READ_BACK = ("finish_readback", "commitments")
"""The steps that read the plan back."""
LONGEST_PLAN = 340
"""Characters that the steps of a plan share when it is read back: a message stays under 600."""


def session_data(chat: Chat, act: str) -> str:
    """The data of a button that acts on the chat's session: one of an earlier session does nothing."""
    session = chat.conversation.session
    return f"s:{act}:{short_id(session.session_id) if session else ''}"


def turn_of(answers: Answers, number: int) -> Turn | None:
    """A turn by its number."""
    return next((turn for kept in answers.values() for turn in kept.turns if turn.n == number), None)


def position(chat: Chat) -> Position | None:
    """Where the open question is: an answer that is being changed, else where the session stands."""
    conversation = chat.conversation
    if conversation.session is None:
        return None
    if conversation.changing is not None and (old := turn_of(chat.answers, conversation.changing)):
        return Position(step=old.step, index=old.index)
    return conversation.session.position


def open_step(chat: Chat) -> Step | None:
    """The step of the open question, with the options that may be chosen as things stand."""
    session, here = chat.conversation.session, position(chat)
    if session is None or here is None:
        return None
    step = STEPS[here.step]
    return allowed(step, facts(session, chat.answers, step.stage))


def family(chat: Chat) -> str:
    """The family of wordings of the open question."""
    here = position(chat)
    assert here is not None
    found = family_of(here, {stage: kept.fields for stage, kept in chat.answers.items()}, _again(chat, here))
    if found == "review_what.not_done" and _has_time(chat, here):
        return "review_what.not_due"
    return found


def _has_time(chat: Chat, here: Position) -> bool:
    """Whether the day of the action that is reviewed is still to come."""
    session = chat.conversation.session
    item = session.reviewing[here.index] if session and here.index < len(session.reviewing) else None
    return item is not None and item.due is not None and not item.overdue


def wordings(chat: Chat) -> list[str]:
    """The keys of the texts in which the open question may be put, the best one first."""
    session = chat.conversation.session
    assert session is not None
    return candidates(session, chat.answers, family(chat))


def _again(chat: Chat, here: Position) -> bool:
    """Whether the step was answered before, for the same list."""
    return bool(adopted(chat)) if here.step == "suggestion" else here.index > 0


def screen(chat: Chat, today: date) -> Screen:
    """The message that puts the open question. The question is its last line; nothing follows but buttons."""
    step = open_step(chat)
    assert step is not None
    return Screen(
        lines=(*_lead(chat, step), *_before(step, chat.answers), question(chat)),
        choices=choices(chat, today),
        per_row=_per_row(step),
    )


def question(chat: Chat, wording: str | None = None) -> Line:
    """The open question itself, in the wording it is put in or in another one."""
    key = wording or chat.conversation.wording or wordings(chat)[0]
    step = open_step(chat)
    if step is not None and step.name in ONE_WAY_LEFT and _narrowed(chat, step):
        key = "circles.go_on"
    return Line(text=Text(key=key, args=args(chat)))


def choices(chat: Chat, today: date) -> tuple[Choice, ...]:
    """The buttons of the open question, each with the question's number and the choice's code."""
    step = open_step(chat)
    if step is None:
        return ()
    number = chat.conversation.asked
    found = [
        Choice(data=f"a:{number}:{code}", label=label, marked=marked)
        for code, label, marked in _offers(chat, step, today)
    ]
    if chat.conversation.changing is not None:
        found.append(Choice(data=f"a:{number}:{UNCHANGED}", label=Text(key=f"choice.{UNCHANGED}")))
    elif _narrowed(chat, step):
        found.append(Choice(data=session_data(chat, "stop"), label=Text(key="button.stop")))
    return tuple(found)


def _narrowed(chat: Chat, step: Step) -> bool:
    """Whether options of the step are withheld because the stage has had its share of questions."""
    session = chat.conversation.session
    if session is None or not STEPS[step.name].circles:
        return False
    known = facts(session, chat.answers, step.stage)
    return circles_closed(step.stage, known.asked - step.patience, known.to_review)


def buttons_only(chat: Chat) -> bool:
    """Whether a day has to be chosen by its button: in words it could be denied and named again for ever."""
    session, step = chat.conversation.session, open_step(chat)
    if session is None or step is None or not isinstance(step.takes, Day):
        return False
    known = facts(session, chat.answers, step.stage)
    return circles_closed(step.stage, known.asked, known.to_review)


def _offers(chat: Chat, step: Step, today: date) -> list[tuple[str, Text | str, bool]]:
    kind = "check" if step.name.endswith("_check") else step.name

    def named(code: str) -> tuple[str, Text | str, bool]:
        return code, Text(key=f"choice.{kind}.{code}"), False

    match step.takes:
        case Scale():
            return [(str(n), str(n), False) for n in range(1, 11)]
        case Pick(options=options) if step.name == "which_step":
            steps = _steps(chat.answers)
            return [(code, short(steps[int(code) - 1]["what"], 50), False) for code in options]
        case Pick(options=options):
            gone = adopted(chat) if step.name == "suggestion" else set()
            return [named(code) for code in options if code not in gone]
        case Several(options=options):
            marked = {code for code, _ in chat.conversation.picks}
            offers = [(code, Text(key=f"choice.{step.name}.{code}"), code in marked) for code in options]
            return [*offers, (SEVERAL_DONE, Text(key=f"choice.{SEVERAL_DONE}"), False)]
        case Words(instead=instead):
            return [named(code) for code in instead]
        case Day(instead=instead):
            days = [today + timedelta(days=n) for n in DAY_OFFERS]
            return [
                *((day_code(d), Text(key="choice.day", args={"day": d}), False) for d in days),
                *(named(code) for code in instead),
            ]


def adopted(chat: Chat) -> set[str]:
    """The codes of the suggestions that were adopted already."""
    session = chat.conversation.session
    assert session is not None
    turns = counting(session, chat.answers)
    changing = chat.conversation.changing
    taken = {turn.choice for turn in turns if turn.step == "suggestion" and turn.n != changing}
    return {code for code in SUGGESTIONS if code in taken}


def _per_row(step: Step) -> int:
    match step.takes:
        case Scale():
            return 5
        case Pick(per_row=per_row) | Several(per_row=per_row):
            return per_row
        case Day():
            return 2
        case _:
            return 1


def stage_name(stage: int) -> Text:
    """The name of a stage."""
    return Text(key=f"stage.{int(stage)}")


def _lead(chat: Chat, step: Step) -> list[Line]:
    """What comes first: the coach's reflection, or that an answer is being changed, or that it has been long."""
    if chat.conversation.changing is not None:
        return [Line(text=Text(key="answers.changing"))]
    if chat.conversation.reflection:
        return [Line(text=chat.conversation.reflection)]
    if _narrowed(chat, step) and step.name not in PLAN_READ_BACK:
        return [Line(text=Text(key="circles.closed"))]
    return []


def _before(step: Step, answers: Answers) -> list[Line]:
    """What is read back above the question."""
    match step.name:
        case "starting_readback":
            return [_starting_words(answers)]
        case name if name in PLAN_READ_BACK:
            return plan_lines(answers)
        case "option_insights":
            options = answers[Stage.CONNECT].fields.get("options", ())
            return [Line(text=f"{n}. {short(o['text'], 100)}", style="quote") for n, o in enumerate(options, 1)]
        case "goal_statement":
            options = answers[Stage.CONNECT].fields.get("options", ()) if Stage.CONNECT in answers else ()
            most = max(20, 300 // max(1, len(options)))
            return [Line(text=f"{n}. {short(o['text'], most)}", style="quote") for n, o in enumerate(options, 1)]
        case "goal_day_check":
            return [Line(text=Text(key="goal.names_day"))]
        case _:
            return []


LONGEST_READ_BACK = 60
"""Characters of each of them."""


def _starting_words(answers: Answers) -> Line:
    """The coachee's words so far, as one paragraph; what was skipped is left out."""
    fields = answers[Stage.STARTING_POINT].fields
    said = [Text(key="readback.begin")]
    for name in READ_BACK["starting_readback"][1]:
        if (value := fields.get(name)) not in (None, ""):
            words = short(str(value), LONGEST_READ_BACK).rstrip(".")
            said.append(Text(key=f"readback.{name}", args={"said": words}))
    return Line(text=tuple(said))


def plan_lines(answers: Answers) -> list[Line]:
    """The goal, the steps with their days and the check-in, in the coachee's words."""
    fields = answers[Stage.FINISH].fields if Stage.FINISH in answers else {}
    lines = [Line(text=Text(key="plan.goal", args={"goal": short(fields.get("goal_statement") or "", 80)}))]
    steps = _steps(answers)
    most = max(12, min(100, LONGEST_PLAN // max(1, len(steps)) - 30))
    for step in steps:
        due = day(step.get("by_when"))
        what: dict[str, Any] = {"what": short(step["what"], most)}
        key = "plan.step.undated"
        if due:
            key, what["day"] = "plan.step", due
        lines.append(Line(text=Text(key=key, args=what)))
    if check_in := day(fields.get("next_check_in")):
        lines.append(Line(text=Text(key="plan.check_in", args={"day": check_in})))
    return lines


def _steps(answers: Answers) -> list[dict[str, Any]]:
    return list(answers[Stage.FINISH].fields.get("action_steps", ())) if Stage.FINISH in answers else []


ARGUMENTS: dict[str, Callable[[dict[int, dict[str, Any]]], str | int]] = {
    "topic": lambda f: short(f.get(Stage.STARTING_POINT, {}).get("topic") or "", 80),
    "rating": lambda f: f.get(Stage.STARTING_POINT, {}).get("current_state_rating") or 0,
    "goal": lambda f: short(f.get(Stage.FINISH, {}).get("goal_statement") or "", 80),
    "commitment": lambda f: f.get(Stage.FINISH, {}).get("commitment_level") or 0,
}


def args(chat: Chat) -> dict[str, Any]:
    """What the open question may put into its text: the coachee's words so far, short."""
    session, here = chat.conversation.session, position(chat)
    assert session is not None
    assert here is not None
    fields = {stage: kept.fields for stage, kept in chat.answers.items()}
    found: dict[str, Any] = {name: value(fields) for name, value in ARGUMENTS.items()}
    if STEPS[here.step].group == "review":
        found["item"] = found["step"] = short(_reviewed(session, chat.answers, here), 80)
    else:
        steps = _steps(chat.answers)
        found["step"] = short(steps[here.index]["what"], 80) if here.index < len(steps) else ""
    if here.step.endswith("_check"):
        found["day"] = _day_in_question(session, chat.answers, here)
    return found


def _reviewed(session: Session, answers: Answers, here: Position) -> str:
    """The words of the earlier action that is being reviewed, changed ones where they were changed."""
    reviews = answers[Stage.CHECK_IN].fields.get("previous_actions", ()) if Stage.CHECK_IN in answers else ()
    changed = reviews[here.index].get("changed_to") if here.index < len(reviews) else None
    if changed:
        return str(changed)
    return session.reviewing[here.index].title if here.index < len(session.reviewing) else ""


def _day_in_question(session: Session, answers: Answers, here: Position) -> date | None:
    """The day that was just named and is now read back."""
    if here.step == "goal_day_check":
        return day(answers[Stage.FINISH].fields.get("goal_day"))
    return day(counting(session, answers)[-1].value)
