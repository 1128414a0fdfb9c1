"""Changes: what a decision wants kept. Each is a row, or a few columns of one; storage knows where."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from flows.documents import Document, PlannedMilestone
from flows.records import Record
from flows.spending import Spent

ActionStatus = Literal["pending", "in_progress", "completed", "blocked"]


class Change(Record, tag=True):
    """Something to keep."""


class PersonMet(Change):
    """A new person."""

    user_id: UUID
    telegram_id: int
    name: str
    language: str
    timezone: str


class PersonChanged(Change):
    """What we know of a person changed: these three are as they are now."""

    user_id: UUID
    language: str
    timezone: str
    model_help: bool


class ReachChanged(Change):
    """The person became unreachable (since then) or reachable again (None)."""

    user_id: UUID
    unreachable_since: datetime | None


class SessionBegun(Change):
    """A coaching session began."""

    session_id: UUID
    user_id: UUID
    session_type: Literal["self_coaching", "coach_led"]
    at: datetime


class SessionMoved(Change):
    """Where a session is; `ended` says how it ended, if it did."""

    session_id: UUID
    current_stage: int
    topic: str | None
    is_complete: bool
    at: datetime
    ended: Literal["completed", "stopped"] | None


class StageKept(Change):
    """What was said in a stage: the typed fields as they stand now, and every turn as it was said."""

    session_id: UUID
    stage: int
    fields: dict[str, Any]
    turns: tuple[Any, ...]


class SummaryKept(Change):
    """The summary of a session: a new version of it, if there was one before."""

    session_id: UUID
    document: Document


class ActionAdded(Change):
    """An action item of a plan that was confirmed. `origin`: the coachee's own, or a suggestion that they took on."""

    action_id: UUID
    user_id: UUID
    session_id: UUID
    title: str
    description: str
    goal_statement: str
    smart_criteria: dict[str, Any]
    priority: int
    timeline_start: date
    timeline_end: date | None
    evidence: dict[str, Any]
    origin: Literal["coachee", "suggestion"] = "coachee"
    milestones: tuple[PlannedMilestone, ...] = ()


class ModelUsed(Change):
    """A call to the model, made for a person. The day is UTC's."""

    user_id: UUID
    day: date
    spent: Spent


class ActionMoved(Change):
    """An item's status."""

    action_id: UUID
    status: ActionStatus
    at: datetime


class ActionReviewed(Change):
    """What a review at check in made of an item. `dropped`: the coachee let it go; it stays on record.

    It holds only where the item still stands as it `was` (None: anyhow): what was done with it meanwhile is the newer
    word.
    """

    action_id: UUID
    status: ActionStatus
    title: str
    description: str
    due: date | None
    dropped: bool
    at: datetime
    was: ActionStatus | None = None
    was_dropped: bool = False


AnyChange = (
    PersonMet
    | PersonChanged
    | ReachChanged
    | SessionBegun
    | SessionMoved
    | StageKept
    | SummaryKept
    | ModelUsed
    | ActionAdded
    | ActionMoved
    | ActionReviewed
)
