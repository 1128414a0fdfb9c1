"""Changes: what a decision wants kept. Each is a row, or a few columns of one; storage knows where."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from flows.documents import Document, PlannedMilestone
from flows.people import Role, Sharing, Standing, TieKind
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
    standing: Standing = "active"


class PersonChanged(Change):
    """What we know of a person changed: all of it, as it is now."""

    user_id: UUID
    name: str
    language: str
    timezone: str
    model_help: bool
    standing: Standing
    birth_year: int | None
    sharing: Sharing
    quiet_from: str | None
    quiet_until: str | None
    daily_cap: int | None
    muted: tuple[str, ...]
    deletion_due_at: datetime | None


class StandingChanged(Change):
    """Another person's standing changed."""

    user_id: UUID
    standing: Standing


class RoleGranted(Change):
    """A person has a role from now on. `by`: who gave it, None where it was nobody's decision but theirs."""

    user_id: UUID
    role: Role
    by: UUID | None = None


class RoleRevoked(Change):
    """A person has a role no more."""

    user_id: UUID
    role: Role


class TieKept(Change):
    """A coach and a coachee, as they stand to each other now. The two have one row."""

    tie_id: UUID
    coach_id: UUID
    coachee_id: UUID
    kind: TieKind
    active: bool
    at: datetime


class GuardianshipKept(Change):
    """A parent and a child, as they stand to each other now. The two have one row."""

    guardianship_id: UUID
    parent_id: UUID
    child_id: UUID
    active: bool
    agreed_at: datetime | None
    withdrawn_at: datetime | None
    at: datetime


class InviteMade(Change):
    """A link is to be handed out. Its token's hash comes later, as it is sent."""

    invite_id: UUID
    role: Role
    inviter_id: UUID | None
    coachee_id: UUID | None
    coach_id: UUID | None
    kind: TieKind
    expires_at: datetime
    at: datetime


class InviteHashed(Change):
    """The token of a link that was not used yet; one that was sent before it is void."""

    invite_id: UUID
    token_hash: str


class InviteUsed(Change):
    """A link is used up. Once: the database refuses a second time."""

    invite_id: UUID
    used_by: UUID
    at: datetime


class InviteRevoked(Change):
    """A link is void."""

    invite_id: UUID
    at: datetime


class NoteKept(Change):
    """A coach's own note of a coachee."""

    note_id: UUID
    coach_id: UUID
    coachee_id: UUID
    text: str
    at: datetime


class Audited(Change):
    """Who did, or tried to do, what to whom. `action` and `reason` are our own words, never a person's."""

    audit_id: UUID
    at: datetime
    action: str
    actor_id: UUID | None = None
    subject_id: UUID | None = None
    outcome: Literal["done", "refused"] = "done"
    reason: str = ""
    via: Literal["chat", "command", "clock"] = "chat"


class PersonErased(Change):
    """A person is to be forgotten: every row that is about them goes, a tombstone stays."""

    user_id: UUID
    chat_id: int
    at: datetime


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
    | StandingChanged
    | RoleGranted
    | RoleRevoked
    | TieKept
    | GuardianshipKept
    | InviteMade
    | InviteHashed
    | InviteUsed
    | InviteRevoked
    | NoteKept
    | Audited
    | PersonErased
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
