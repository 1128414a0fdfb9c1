"""Changes: what a decision wants kept. Each is a row, or a few columns of one; storage knows where."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from flows.diary import Consent, Hold, Hours, Programme, Resource, Scheduled
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


class ProgrammeMade(Change):
    """A new programme of sessions."""

    programme: Programme
    at: datetime


class SessionPut(Change):
    """A booked session as it is to be kept: new where `was` is None, else in the place of that version of it.

    The database refuses it where the row has another version by now, or where somebody or something is in another
    session at that time.
    """

    session: Scheduled
    was: int | None
    at: datetime


class ConsentPut(Change):
    """A consent as it is to be kept: new where `was` is None, else in the place of that version of it.

    The database refuses it where the row has another version by now, and a second one that is open for a session.
    """

    consent: Consent
    was: int | None
    at: datetime


class SessionsReleased(Change):
    """A coach coaches somebody no more: the sessions that are to come have no coach until another one takes them."""

    coach_id: UUID
    coachee_id: UUID | None
    at: datetime


class CalendarMarked(Change):
    """How a session stands in the shared calendar. It is no change of the session: its version stays."""

    session_id: UUID
    state: Literal["none", "waiting", "ok", "failed"]
    event_id: str | None = None


class HoursSet(Change):
    """When a coach can be booked."""

    coach_id: UUID
    hours: Hours
    at: datetime


class HoldPut(Change):
    """A time is held by who is choosing it, in the place of what they held before. The database refuses it where
    somebody else holds it."""

    hold: Hold
    at: datetime


class HoldEnded(Change):
    """A person holds nothing any more."""

    held_by: UUID


class ResourcePut(Change):
    """A machine or room as it is to be; it is new where its id is."""

    resource: Resource
    at: datetime


class ResourceDeleted(Change):
    """A machine or room is no more. The database refuses it where it has, or had, sessions."""

    resource_id: UUID


class Learned(Change):
    """Something happened in a coachee's learning. `content` is what is read out of it later."""

    event_id: UUID
    coachee_id: UUID
    coach_id: UUID | None
    session_id: UUID | None
    event_type: Literal["session", "session_completed", "session_cancelled", "session_rescheduled", "session_missed"]
    at: datetime
    data: dict[str, Any]
    content: str


class QuestionPut(Change):
    """A coach's own question: new, put to the coachee, answered, skipped, or dropped."""

    question_id: UUID
    session_id: UUID
    coach_id: UUID
    coachee_id: UUID
    text: str
    status: Literal["waiting", "put", "answered", "skipped", "dropped"]
    at: datetime
    answer: str | None = None


class FeedHashed(Change):
    """The token of the address of a person's calendar; one that they had before is void. None: they have none."""

    user_id: UUID
    token_hash: str | None
    at: datetime


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
    | ProgrammeMade
    | SessionPut
    | ConsentPut
    | SessionsReleased
    | CalendarMarked
    | HoursSet
    | HoldPut
    | HoldEnded
    | ResourcePut
    | ResourceDeleted
    | Learned
    | QuestionPut
    | FeedHashed
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
