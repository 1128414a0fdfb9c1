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
CancellationStatus = Literal["none", "pending", "approved", "rejected"]
ConsentStatus = Literal["open", "approved", "kept", "moved", "withdrawn", "overtaken"]
Decider = Literal["parent", "coachee", "operator"]
"""Who is asked whether a session may be cancelled."""
DecidedAs = Literal["parent", "coachee", "coach", "operator", "no_answer"]
Silence = Literal["approve", "keep", "escalate"]
"""What no answer by the deadline means."""
CallOutcome = Literal["agreed", "keep", "another", "unreached"]
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


class Consent(Record):
    """That a session be cancelled, asked of who decides on it (`flows.consent`), and what came of it. `version`
    counts its changes.

    `asked_by` asks, in the role `asked_as`, until `expires_at`; `decider` is who is asked, `silence` what no answer
    by then means. `escalated`: there was none, and an operator is asked, too. `decided_as` is the role of who decided
    (`decided_by`), or "no_answer"; `words` is what they wanted to add. `called_at` is when somebody (`call_by`)
    wished to be called, on `phone` if they gave it; `call_until`: so long the deadline stood still, `call_left`
    seconds before it. `call_outcome` is what the coach reported of the call, `reported_at` when.
    """

    consent_id: UUID
    session_id: UUID
    coachee_id: UUID
    asked_by: Other | None
    asked_as: Role
    reason: str
    asked_at: datetime
    expires_at: datetime
    decider: Decider = "parent"
    silence: Silence = "approve"
    status: ConsentStatus = "open"
    version: int = 1
    escalated: bool = False
    decided_at: datetime | None = None
    decided_by: Other | None = None
    decided_as: DecidedAs | None = None
    words: str = ""
    called_at: datetime | None = None
    call_by: Other | None = None
    call_until: datetime | None = None
    call_left: int = 0
    phone: str = ""
    call_outcome: CallOutcome | None = None
    reported_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it still waits for a decision."""
        return self.status == "open"

    @property
    def call_waits(self) -> bool:
        """Whether somebody wished to be called, and nothing was reported of it yet."""
        return self.open and self.called_at is not None and self.reported_at is None


class Scheduled(Record):
    """A time of a session. `version` counts its changes, `moves` how often it was rescheduled before.

    `replaces` is the row in whose place it came, with the same `number`. `reason` says why it was cancelled, or is to
    be; `consent` is the newest asked for it, where that is open, was given, or was refused, and
    `cancellation_status`, `requested_at` and `expires_at` say the same of it. `conversation` is the coaching
    conversation that was led at it. `uid` and `sequence` are its calendar's.
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
    cancellation_status: CancellationStatus = "none"
    requested_at: datetime | None = None
    reason: str | None = None
    expires_at: datetime | None = None
    consent: Consent | None = None
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
    def asked(self) -> Consent | None:
        """The consent that is being asked for it now."""
        return self.consent if self.consent is not None and self.consent.open else None

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
    `notice` is the minimum notice (hours) of who coaches the session.
    `consent` is the one that the event names, whatever became of it; `consents` are those of a coachee's sessions,
    the newest first, each with its session in `asked`.
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
    notice: int = Hours().notice
    consent: Consent | None = None
    consents: tuple[Consent, ...] = ()
    asked: dict[UUID, Scheduled] = {}


Otherwise = Literal["asker", "coachee", "operator"]
"""Who decides where no parent does; "asker": who wants to cancel a session cancels it."""


class Policy(Record):
    """What a deployment lets people do about sessions.

    `move_by` and `cancel_by` are who may; a session is moved `moves` times at most. A time is held for `hold_minutes`
    while it is chosen. `feeds`: there is an address at which calendars can be fetched; `calendar`: there is a shared
    calendar that sessions are written to.

    A parent has `consent_hours` to decide on a cancellation; `on_silence` is what no answer means; a call they wish
    for stops that time for `call_hours`. `no_parent` decides for who is under age and has no parent here who can be
    asked, `adults` for who is of age.
    """

    move_by: tuple[Role, ...] = ("coach", "coachee", "parent", "operator")
    cancel_by: tuple[Role, ...] = ("coach", "operator")
    moves: int = 3
    hold_minutes: int = 10
    feeds: bool = False
    calendar: bool = False
    consent_hours: int = 48
    on_silence: Silence = "approve"
    call_hours: int = 24
    no_parent: Otherwise = "asker"
    adults: Otherwise = "asker"
