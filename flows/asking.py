"""What the coach says at a step: the question, with the coachee's own words in it, and the buttons under it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flows.answers import DAY_OFFERS, SEVERAL_DONE, day_code
from flows.documents import short
from flows.effects import Choice, Line, Screen, Text
from flows.stages import STEPS, Day, Pick, Scale, Several, Stage, Step, Words
from flows.state import Chat, Session
from flows.walk import Answers, counting, day


def screen(chat: Chat, today: date) -> Screen:
    """The message that puts the open question. The question is its last line; nothing follows but buttons."""
    session = chat.conversation.session
    assert session is not None
    assert session.position is not None
    step = STEPS[session.position.step]
    lines = [*(_opening(step) if chat.conversation.opening else ()), *_before(step, chat.answers)]
    lines.append(Line(text=Text(key=wording(session, chat.answers), args=_args(session, chat.answers))))
    return Screen(lines=tuple(lines), choices=choices(chat, today), per_row=_per_row(step))


def wording(session: Session, answers: Answers) -> str:
    """The key of the question as it is put here."""
    assert session.position is not None
    step, index = session.position.step, session.position.index
    again = any(turn.step == step for turn in counting(session, answers)) if step == "suggestion" else index > 0
    if step in ("option", "step_what", "review_status", "suggestion") and again:
        return f"ask.{step}.more"
    if step == "review_what":
        reviews = answers[Stage.CHECK_IN].fields.get("previous_actions", [])
        return f"ask.review_what.{reviews[index]['status']}"
    return f"ask.{step}"


def choices(chat: Chat, today: date) -> tuple[Choice, ...]:
    """The buttons of the open question, each with the question's number and the choice's code."""
    session = chat.conversation.session
    if session is None or session.position is None:
        return ()
    step = STEPS[session.position.step]
    return tuple(
        Choice(data=f"a:{chat.conversation.asked}:{code}", label=label, marked=marked)
        for code, label, marked in _offers(chat, session, step, today)
    )


def _offers(chat: Chat, session: Session, step: Step, today: date) -> list[tuple[str, Text | str, bool]]:
    def named(code: str) -> tuple[str, Text | str, bool]:
        return code, Text(key=f"choice.{step.name}.{code}"), False

    match step.takes:
        case Scale():
            return [(str(n), str(n), False) for n in range(1, 11)]
        case Pick(options=options):
            gone = adopted(session, chat.answers) if step.name == "suggestion" else set()
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


def adopted(session: Session, answers: Answers) -> set[str]:
    """The codes of the suggestions that were adopted already."""
    return {turn.choice for turn in counting(session, answers) if turn.step == "suggestion" and turn.choice}


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


def _opening(step: Step) -> list[Line]:
    """Where one is, said once at the beginning of a stage."""
    where = Text(key="stage.header", args={"n": int(step.stage), "name": stage_name(step.stage)})
    return [
        Line(text=where, style="bold"),
        Line(text=Text(key=f"stage.{int(step.stage)}.opening")),
    ]


def stage_name(stage: int) -> Text:
    """The name of a stage."""
    return Text(key=f"stage.{int(stage)}")


def _before(step: Step, answers: Answers) -> list[Line]:
    """What is read back above the question."""
    match step.name:
        case "starting_readback":
            return _starting_words(answers)
        case "finish_readback" | "commitments":
            return plan_lines(answers)
        case "option_insights":
            options = answers[Stage.CONNECT].fields["options"]
            return [Line(text=f"{n}. {short(o['text'])}", style="quote") for n, o in enumerate(options, 1)]
        case _:
            return []


def _starting_words(answers: Answers) -> list[Line]:
    fields = answers[Stage.STARTING_POINT].fields
    said: dict[str, Any] = {name: short(str(fields.get(name) or "")) for name in _READ_BACK}
    lines = [Line(text=Text(key="readback.starting", args={**said, "rating": fields["current_state_rating"]}))]
    if correction := fields.get("correction"):
        lines.append(Line(text=Text(key="readback.correction", args={"correction": short(correction)})))
    return lines


_READ_BACK = ("topic", "problem_statement", "strengths", "obstacles")


def plan_lines(answers: Answers) -> list[Line]:
    """The goal, the steps with their days and the check-in, in the coachee's words."""
    fields = answers[Stage.FINISH].fields
    lines = [Line(text=Text(key="plan.goal", args={"goal": short(fields["goal_statement"])}))]
    for step in fields.get("action_steps", ()):
        due = day(step.get("by_when"))
        args: dict[str, Any] = {"what": short(step["what"])}
        key = "plan.step.undated"
        if due:
            key, args["day"] = "plan.step", due
        lines.append(Line(text=Text(key=key, args=args)))
    if check_in := day(fields.get("next_check_in")):
        lines.append(Line(text=Text(key="plan.check_in", args={"day": check_in})))
    return lines


def _args(session: Session, answers: Answers) -> dict[str, Any]:
    """What a question may put into its text: the coachee's words so far, short."""
    assert session.position is not None
    index = session.position.index
    fields = {stage: kept.fields for stage, kept in answers.items()}
    starting, finish = fields.get(Stage.STARTING_POINT, {}), fields.get(Stage.FINISH, {})
    steps = finish.get("action_steps", ())
    args: dict[str, Any] = {
        "topic": short(starting.get("topic") or "", 80),
        "rating": starting.get("current_state_rating") or 0,
        "goal": short(finish.get("goal_statement") or "", 80),
        "commitment": finish.get("commitment_level") or 0,
        "step": short(steps[index]["what"], 80) if index < len(steps) else "",
    }
    if session.position.step.startswith("review") and index < len(session.reviewing):
        args["item"] = short(session.reviewing[index].title, 80)
    if session.position.step.endswith("_check"):
        args["day"] = _day_in_question(session, answers)
    return args


def _day_in_question(session: Session, answers: Answers) -> date:
    """The day that was just named and is now read back."""
    found = day(counting(session, answers)[-1].value)
    assert found is not None
    return found
