"""The summary of a session: what it is made of, and what a writer may use.

Every line names the coachee's own words it rests on (`Citation`); one that goes beyond them is `suggested`. Two
writers make it: `flows.writing` asks a model and checks what comes back, `flows.plainly` puts the typed fields in
order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from flows.records import Record
from flows.times import today

if TYPE_CHECKING:
    from flows.state import StageAnswers, Turn

LONGEST_TITLE = 120
LONGEST_LINE = 600
"""Characters of a line of the summary."""
MOST_LINES = 6
"""Lines of a section."""

Reason = Literal["outage", "budget"]
"""Why the plain writer stood in: the model did not deliver, or its share of the day was used up."""


class Citation(Record):
    """Words of the coachee that a line rests on: the turn they are in, by its number, and the words as they stand.

    `about` is the step that the turn answered.
    """

    turn: int
    quote: str
    about: str = ""


class Said(Record):
    """A line of the summary. `suggested`: it goes beyond what the coachee said."""

    text: str
    sources: tuple[Citation, ...] = ()
    suggested: bool = False


class Metric(Record):
    """How the coachee will see that it works: what is looked at, where it stands, where it is to be, and how it is
    seen. What is not known is empty."""

    what: str
    baseline: str = ""
    target: str = ""
    how: str = ""
    sources: tuple[Citation, ...] = ()


class PlannedMilestone(Record):
    """An in-between step that the coachee named. `due` is a day that code read from their words."""

    title: str
    due: date | None = None
    sources: tuple[Citation, ...] = ()


class PlannedItem(Record):
    """A line of the action plan. `number` counts the coachee's steps from 1, a suggestion goes on after them.

    `due` is the coachee's day, resolved by code; `priority` is 1 to 5, 5 the most urgent.
    """

    number: int
    title: str
    description: str
    due: date | None = None
    priority: int = 3
    sources: tuple[Citation, ...] = ()
    suggested: bool = False
    milestones: tuple[PlannedMilestone, ...] = ()


class Document(Record):
    """The summary. `reason`: why the plain writer wrote it although there is a model.

    `prompt` and `model` name what wrote it; `turns` are the turns that counted when it was written; `goal` and
    `smart` the coachee's own, which its items stand under; `day` is the session's.
    """

    theme: str
    executive_summary: tuple[Said, ...]
    key_insights: tuple[Said, ...]
    goal_statement: Said
    action_plan: tuple[PlannedItem, ...]
    success_metrics: tuple[Metric, ...]
    support: tuple[Said, ...]
    writer: Literal["model", "plain"]
    reason: Reason | None = None
    prompt: str | None = None
    model: str | None = None
    turns: tuple[int, ...] = ()
    day: date | None = None
    goal: str = ""
    smart: dict[str, Any] = {}


class SaidTurn(Record):
    """A turn as a writer is given it. `day` is the date that its words were resolved to, `said_on` its own."""

    n: int
    step: str
    text: str
    said_on: date
    index: int = 0
    value: int | str | tuple[str, ...] | None = None
    day: date | None = None


class Material(Record):
    """All that a writer may use: one session's typed fields by stage, and the turns that count, in their order.

    `begun_on` is the coachee's date when the session began.
    """

    session_id: UUID
    language: str
    begun_on: date
    fields: dict[int, dict[str, Any]]
    turns: tuple[SaidTurn, ...]

    def of(self, stage: int, name: str) -> Any:
        """A typed field, or None."""
        return self.fields.get(stage, {}).get(name)

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The action steps, as the coachee named them."""
        return [step for step in self.of(4, "action_steps") or [] if step.get("what")]

    def turn(self, *steps: str, index: int = 0) -> SaidTurn | None:
        """The newest turn that answered one of these steps."""
        found = [t for t in self.turns if t.step in steps and t.index == index]
        return found[-1] if found else None

    @property
    def days(self) -> frozenset[date]:
        """Every date that code resolved from what was said, and the day of the session."""
        return frozenset({self.begun_on, *(t.day for t in self.turns if t.day is not None)})


def material_of(
    session_id: UUID, language: str, timezone: str, begun_at: datetime, answers: Mapping[int, StageAnswers]
) -> Material:
    """All that a writer may use of a session. Days are those of the time zone's wall clock.

    Answers that were corrected or taken back since are left out; what was said beside a question is kept.
    """
    turns = sorted((turn for kept in answers.values() for turn in kept.turns), key=lambda turn: turn.n)
    last = {(turn.step, turn.index): turn.n for turn in turns if turn.kind != "aside"}
    return Material(
        session_id=session_id,
        language=language,
        begun_on=today(begun_at, timezone),
        fields={int(stage): dict(kept.fields) for stage, kept in answers.items()},
        turns=tuple(
            SaidTurn(
                n=t.n,
                step=t.step,
                index=t.index,
                text=t.text,
                value=t.value,
                day=_day_of(t),
                said_on=today(t.at, timezone),
            )
            for t in turns
            if t.text and (t.kind == "aside" or t.n == last[t.step, t.index])
        ),
    )


def _day_of(turn: Turn) -> date | None:
    """The date that a turn stands for, where it named one or confirmed it."""
    try:
        return iso_day(turn.value)
    except ValueError:
        return None


def iso_day(value: Any) -> date | None:
    """The date of a field."""
    return date.fromisoformat(value) if isinstance(value, str) and value else None


def short(text: str, most: int = 120) -> str:
    """A text cut to a length, at a word where there is one, and marked as cut."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    head = cut.rsplit(" ", 1)[0]
    return (head if len(head) > most // 2 else cut).rstrip(" ,;:.") + "…"
