"""Booked sessions as they stand: who meets whom, when, on what; and what is taken at a time.

Read from committed rows for the event at hand, as the people around a person are (`flows.people`).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid5

from flows.people import Other, Role, Subject
from flows.records import Record

Status = Literal["scheduled", "pending", "completed", "missed", "rescheduled", "cancelled"]
Absent = Literal["coachee", "coach", "both"]
CalendarState = Literal["none", "waiting", "ok", "failed"]
ResourceKind = Literal["machine", "room"]
Span = tuple[str, str]
"""From a time of day to another ("15:00", "19:00"), on a wall clock."""

OPEN: tuple[Status, ...] = ("scheduled", "pending")
"""Sessions that are still to be resolved."""
TAKES_PLACE: tuple[Status, ...] = ("scheduled", "pending", "completed", "missed")
"""Sessions that take their time: nobody in them can be elsewhere."""
ENTRIES = UUID("5a2e1f0c-6f0e-5b7a-8f8e-0c1d7b3f9a42")
"""The namespace of entries in the shared calendar."""


class Resource(Record):
    """A machine or a room, for one session at a time."""

    resource_id: UUID
    number: int
    kind: ResourceKind = "machine"
    name: str = ""
    in_service: bool = True


class SessionRecord(Record):
    """What a coach puts down of a session. A submitted one is never changed."""

    on: date
    topic: str = ""
    notes: str = ""
    status: Literal["draft", "submitted"] = "draft"


class Scheduled(Record):
    """A time of a session. `version` counts its changes, `moves` how often it was rescheduled before.

    `replaces` is the row in whose place it came, with the same `number`. `reason` says why it was cancelled.
    `conversation` is the coaching conversation that was led at it. `uid` and `sequence` are its calendar's.
    """

    session_id: UUID
    programme_id: UUID
    number: int
    coachee: Other
    coach: Other | None
    resource: Resource
    starts_at: datetime
    ends_at: datetime
    status: Status = "scheduled"
    version: int = 1
    replaces: UUID | None = None
    moves: int = 0
    absent: Absent | None = None
    resolved_at: datetime | None = None
    resolved_by: UUID | None = None
    cancellation_status: Literal["none", "pending", "approved", "rejected"] = "none"
    requested_at: datetime | None = None
    reason: str | None = None
    expires_at: datetime | None = None
    record: SessionRecord | None = None
    conversation: UUID | None = None
    uid: str = ""
    sequence: int = 0
    calendar: CalendarState = "none"
    event_id: str | None = None

    @property
    def entry_id(self) -> str:
        """The id of its entry in the shared calendar, which follows from its uid: to make it twice is to make one."""
        return uuid5(ENTRIES, self.uid).hex

    @property
    def open(self) -> bool:
        """Whether it is still to be resolved."""
        return self.status in OPEN

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.ends_at - self.starts_at


class Programme(Record):
    """A series of sessions of a coachee. Its times keep the wall clock of `timezone`."""

    programme_id: UUID
    coachee_id: UUID
    coach_id: UUID | None
    timezone: str
    minutes: int
    created_by: UUID | None = None


class Taken(Record):
    """A time at which somebody or something is taken, by a session or by who is choosing (`held_by`)."""

    starts_at: datetime
    ends_at: datetime
    coach_id: UUID | None = None
    coachee_id: UUID | None = None
    resource_id: UUID | None = None
    session_id: UUID | None = None
    held_by: UUID | None = None


class Hold(Record):
    """A time that a person is choosing: nobody else can have it until `expires_at`."""

    held_by: UUID
    coach_id: UUID | None
    coachee_id: UUID
    resource_id: UUID
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime


class Hours(Record):
    """When a coach can be booked, on their own wall clock.

    `weekly` are (weekday from 0 for Monday, span); `exceptions` are the spans of single days, none where the coach is
    off. `minutes` a session lasts, `buffer` minutes lie between two, `notice` hours lie before one at least.
    """

    weekly: tuple[tuple[int, Span], ...] = ()
    exceptions: dict[date, tuple[Span, ...]] = {}
    minutes: int = 45
    buffer: int = 0
    notice: int = 12


class Happened(Record):
    """Something that happened, as the history of a session tells it."""

    at: datetime
    event_type: str
    data: dict[str, Any] = {}
    session_id: UUID | None = None


class Question(Record):
    """A coach's own question to a coachee, in a session that they lead."""

    question_id: UUID
    session_id: UUID
    text: str
    status: Literal["waiting", "put", "answered", "skipped", "dropped"] = "waiting"
    answer: str | None = None
    coach_id: UUID | None = None


class Diary(Record):
    """What a decision about sessions is made on: what of it is loaded, `flows.needs` says.

    `session` is the one that the event names, `programme` all rows of its programme by number and time, `history`
    what happened to it and to those it replaced. `mine` are the sessions that concern the person, by time. `coach` is
    whose time is asked for, `hours` when they can be booked, `taken` what is taken in the days looked at (by anybody
    whose time is asked for, and every resource). `hold` is what the person holds. `resource` is the one that is
    named; `mine` are those to come on it then, `subjects` their coachees; it is `used` if it ever had a session.
    `to_come` is how many sessions are to come, by resource. `feed`: the person's calendar has a private address.
    """

    session: Scheduled | None = None
    programme: tuple[Scheduled, ...] = ()
    history: tuple[Happened, ...] = ()
    questions: tuple[Question, ...] = ()
    mine: tuple[Scheduled, ...] = ()
    coach: Other | None = None
    hours: Hours = Hours()
    taken: tuple[Taken, ...] = ()
    hold: Hold | None = None
    resources: tuple[Resource, ...] = ()
    resource: Resource | None = None
    subjects: tuple[Subject, ...] = ()
    used: bool = False
    to_come: dict[UUID, int] = {}
    feed: bool = False


class Policy(Record):
    """What a deployment lets people do about sessions.

    `move_by` and `cancel_by` are who may; a session is moved `moves` times at most. A time is held for `hold_minutes`
    while it is chosen. `feeds`: there is an address at which calendars can be fetched; `calendar`: there is a shared
    calendar that sessions are written to.
    """

    move_by: tuple[Role, ...] = ("coach", "coachee", "parent", "operator")
    cancel_by: tuple[Role, ...] = ("coach", "operator")
    moves: int = 3
    hold_minutes: int = 10
    feeds: bool = False
    calendar: bool = False
