"""One chat as it is loaded for a decision: the person, the conversation, and what the event at hand needs besides.

`Conversation` is what is stored as the conversation's state. The answers are not in it: they are rows of
`stage_responses`, loaded with it. Besides them it holds a coachee's words only for a moment: what was heard, until it
is confirmed; what is said back with the open question; and a plan until it is confirmed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from flows.changes import ActionStatus, AnyChange, PersonChanged
from flows.diary import Diary, Policy
from flows.documents import Citation, Document, PlannedMilestone
from flows.effects import AnyEffect
from flows.people import Circle, Role, Sharing, Standing
from flows.records import Record

Sense = Literal["vague", "unsure", "empty"]
Awaited = Literal[
    "timezone",
    "item",
    "birth_year",
    "people",
    "note",
    "quiet",
    "cancel_reason",
    "record",
    "weekly",
    "except",
    "plan_time",
    "plan_day",
    "pick_time",
    "plan_count",
    "resource",
    "ask",
    "coach_answer",
    "consent_words",
    "phone",
]


class Person(Record):
    """A user, as decisions need to know them. `model_help`: a language model may be given what they say.

    `standing`: they are `joining` (have not said yet who they are), `waiting` (too young to take part without a
    parent's agreement), `active`, or `inactive` (an operator ended their part). `sharing` is what they chose that
    others may see. `quiet_from` and `quiet_until` ("22:00", their wall clock) are their quiet hours, `daily_cap` how
    many notifications a day they want at most, `muted` the kinds they want none of. `deletion_due_at`: they want to
    be forgotten then.
    """

    user_id: UUID
    name: str
    language: str = "en"
    timezone: str = "UTC"
    model_help: bool = True
    unreachable_since: datetime | None = None
    standing: Standing = "active"
    birth_year: int | None = None
    sharing: Sharing = {}
    quiet_from: str | None = None
    quiet_until: str | None = None
    daily_cap: int | None = None
    muted: tuple[str, ...] = ()
    deletion_due_at: datetime | None = None

    @property
    def may_be_heard(self) -> bool:
        """Whether a model may be given what they say: they let it, and take part."""
        return self.model_help and self.standing == "active"


def person_changed(person: Person) -> PersonChanged:
    """A person is kept as they are now."""
    return PersonChanged(
        user_id=person.user_id,
        name=person.name,
        language=person.language,
        timezone=person.timezone,
        model_help=person.model_help,
        standing=person.standing,
        birth_year=person.birth_year,
        sharing=person.sharing,
        quiet_from=person.quiet_from,
        quiet_until=person.quiet_until,
        daily_cap=person.daily_cap,
        muted=person.muted,
        deletion_due_at=person.deletion_due_at,
    )


class Turn(Record):
    """Something the coachee said in a session, as it was said. Never rewritten: a corrected answer is a new turn.

    `n` counts the session's turns from 1. `kind`: an `answer` counts; a `correction` is an answer that takes the
    place of turn `replaces`; an `aside` was said but does not answer the question, and is kept all the same.
    `parts` are the messages (their source and words) that a longer answer was written in.
    `value` is the typed answer: a number, an ISO date, a code, codes; None where the words are the answer.
    `choice` is the code of the button pressed. `source` is the front end's id of the message. `sense` is how the
    words were understood where they say little: `vague` (a topic), `unsure` ("I don't know"), `empty` (no word).
    `covers` stands for the words that a reading back confirmed.
    """

    n: int
    step: str
    text: str
    at: datetime
    question: str
    index: int = 0
    kind: Literal["answer", "correction", "aside"] = "answer"
    value: int | str | tuple[str, ...] | None = None
    choice: str | None = None
    sense: Sense | None = None
    source: int | None = None
    covers: int | None = None
    replaces: int | None = None
    parts: tuple[tuple[int | None, str], ...] = ()


class StageAnswers(Record):
    """A row of `stage_responses`: the typed fields, and the turns."""

    fields: dict[str, Any] = {}
    turns: tuple[Turn, ...] = ()


class Position(Record):
    """A step, which round of it (its `index` in a list), and where a detour returns to."""

    step: str
    index: int = 0
    returns: str | None = None


class Review(Record):
    """An earlier action that this session reviews, as it stood before."""

    action_id: UUID
    title: str
    description: str = ""
    status: ActionStatus = "pending"
    due: date | None = None
    overdue: bool = False


class Session(Record):
    """The coaching session that a conversation is in, or was in last.

    `trail` lists the turns that count, in order: what was answered on the way to `position`. `position` is None once
    the last question is answered. `spare` are turns that counted until an answer before them was changed so that
    another question came in between; each counts again as soon as its question is reached. `opened` is the furthest
    stage whose opening was said. `earlier` are the wordings that the person's last session used, by family.
    `scheduled` is the booked session at which a coach leads it, `led_by` that coach.
    """

    session_id: UUID
    begun_at: datetime
    since: datetime
    session_type: Literal["self_coaching", "coach_led"] = "self_coaching"
    phase: Literal["open", "paused", "stopped", "complete"] = "open"
    position: Position | None = None
    trail: tuple[int, ...] = ()
    spare: tuple[int, ...] = ()
    turns: int = 0
    opened: int = 0
    earlier: dict[str, tuple[int, ...]] = {}
    reviewing: tuple[Review, ...] = ()
    summary: Literal["none", "asked", "late", "written"] = "none"
    scheduled: UUID | None = None
    led_by: UUID | None = None


class Header(Record):
    """The message that opened a stage and shows how far it is: the question it came with, and its bar's length.

    `again`: there are earlier steps to review.
    """

    number: int
    stage: int
    bar: int = 0
    again: bool = False


class Heard(Record):
    """A voice message as it was understood, until the coachee says whether that is right: an answer to the question
    that was open when it was sent."""

    text: str
    source: int
    step: str
    index: int = 0


class Draft(Record):
    """What could become an action item: a line of a summary's plan, and what the coachee decided about it.

    `number` is its place in the summary's plan, `words` are those that it rests on (a suggestion's title). `goal` and
    `smart` are what it stands under.
    """

    action_id: UUID
    session_id: UUID
    number: int
    title: str
    description: str
    words: str
    due: date | None = None
    priority: int = 3
    suggested: bool = False
    changed: bool = False
    choice: Literal["open", "keep", "drop"] = "open"
    sources: tuple[Citation, ...] = ()
    milestones: tuple[PlannedMilestone, ...] = ()
    goal: str = ""
    smart: dict[str, Any] = {}


class Drafting(Record):
    """A plan that waits to be confirmed; drafts of an earlier session that were not are part of it.

    `card` numbers its message, `at` the draft that it shows by its place from 1 (None: all of them), `changing` what
    of it is being changed, `heard` the day that was named for it and is read back.
    """

    drafts: tuple[Draft, ...]
    card: int = 0
    at: int | None = None
    changing: Literal["change", "words", "day", "between"] | None = None
    heard: date | None = None


class Joining(Record):
    """A person who is finding their way in. `step` is what they are asked, `role` what they are to become, `card`
    numbers the message that asks.

    `invite` is the link they opened and have not confirmed yet; `session`: they came to begin a session; `zone` is
    the one that is read back; `place`: there is a key below the chat that sends where they are. `sent` is the link
    they have for a parent. `year` of birth waits to be written once more. `was` is where they were when they opened a
    link; `bound`: a link brought them.
    """

    step: Literal["invite", "language", "zone", "zone_check", "notice", "birth_year", "parent"]
    role: Role = "coachee"
    card: int = 0
    invite: UUID | None = None
    session: bool = False
    zone: str | None = None
    place: bool = False
    sent: UUID | None = None
    was: Joining | None = None
    bound: bool = False
    year: int | None = None


class Told(Record):
    """A notification that came, by its timer."""

    key: str
    kind: str
    subject: UUID


class Notified(Record):
    """How many notifications a person got on a day of theirs; `told` are those since they last did something."""

    day: date
    count: int
    told: tuple[Told, ...] = ()


class Sure(Record):
    """What a person was asked about, whether they mean it: what the button that says yes is about, and when."""

    data: str
    at: datetime


class Booking(Record):
    """Sessions that a person is choosing, moving or planning, on the card of this number.

    They are `coachee`'s; `session` is the one that is moved, or whose cancellation or record is being written (`part`
    says which part of it; `words` is the reason that was written, until it is confirmed). `chosen` is when it is to
    be. Of a plan: its first day and time of day on the planner's wall clock, how many weeks lie between two sessions,
    how many there are to be and for how many minutes; `resource` is the one that was wanted; `skipped` are days that
    are left out, `instead` what is taken for a time that is not free, by the day that it stands for; `saved` are its
    sessions, once they are: `part` says so, `chosen` when. `consent`: another time is chosen instead of deciding on
    it, or words are awaited that belong to it.
    """

    card: int
    coachee: UUID | None = None
    session: UUID | None = None
    part: str = ""
    chosen: datetime | None = None
    first: date | None = None
    time: str | None = None
    weeks: int = 1
    count: int | None = None
    minutes: int | None = None
    resource: UUID | None = None
    skipped: tuple[date, ...] = ()
    words: str = ""
    instead: dict[str, datetime] = {}
    saved: tuple[UUID, ...] = ()
    consent: UUID | None = None


class KeptSummary(Record):
    """A summary as it is kept: of which session, and in which version."""

    session_id: UUID
    version: int
    document: Document


class Conversation(Record):
    """The state of one chat, stored as JSON.

    `asked` numbers the questions put in this chat, for good: a button carries the number of its question, so one of
    an earlier question is recognised as old. `wording` is the key of the open question's text, `reflection` the
    sentence that was said with it. `fresh`: it was put because of the last turn that counts, and not again after a
    pause or a step back. `holding` is what the open question waits for: it has its number and is not put yet.
    `changing` is the turn whose question is asked again in its place. `picks` are the choices (code, label) marked so
    far where several may be chosen. `cards` counts the menu cards. `awaiting` names what the next words are for, if
    not for the open question. `plan` is what the last summary proposes, until it is confirmed; `let_go`
    are the drafts that were dropped, each with what stands for its words.

    `joining` is there until the person is known well enough; `view` is the role whose menu they look at; `about` is
    the person whom awaited words are about; `sure` is the act that they were asked about; `notified` counts a day's
    notifications; `seen` is the day (UTC) on which they last did something; `forgetting` is the number of the card on
    which they are asked whether they are sure that they want to be forgotten; `copied_at` is when they last asked for
    a copy; `booking` is what they are choosing or planning; `question` the coach's question that they are asked;
    `feed` the newest wish for an address of their calendar that was not taken back;
    `beside` is their own session that was put down for one that a coach leads.
    """

    asked: int = 0
    wording: str = ""
    reflection: str = ""
    fresh: bool = False
    holding: Literal["reflection", "breaths"] | None = None
    changing: int | None = None
    header: Header | None = None
    heard: tuple[Heard, ...] = ()
    cards: int = 0
    picks: tuple[tuple[str, str], ...] = ()
    awaiting: Awaited | None = None
    session: Session | None = None
    plan: Drafting | None = None
    let_go: tuple[tuple[UUID, int], ...] = ()
    joining: Joining | None = None
    view: Role = "coachee"
    about: UUID | None = None
    notified: Notified | None = None
    sure: Sure | None = None
    seen: date | None = None
    forgetting: int | None = None
    copied_at: datetime | None = None
    booking: Booking | None = None
    question: UUID | None = None
    feed: UUID | None = None
    beside: Session | None = None


class ActionItem(Record):
    """An action item that is kept. `words` are those it was made of; None where that is not known."""

    action_id: UUID
    session_id: UUID
    title: str
    status: ActionStatus
    due: date | None
    description: str = ""
    words: str | None = None
    done_on: date | None = None
    dropped: bool = False
    milestones: tuple[PlannedMilestone, ...] = ()


class Timer(Record):
    """A timer that has not fired."""

    key: str
    kind: str
    subject: UUID
    due_at: datetime
    wall: str | None = None
    attempt: int = 0


class Note(Record):
    """A coach's own note of a coachee."""

    note_id: UUID
    text: str
    at: datetime


class Held(Record):
    """A session that was held: when it began, and how it ended."""

    session_id: UUID
    at: datetime
    ended: Literal["completed", "stopped"] | None = None
    current_stage: int = 1


class Look(Record):
    """What is kept of another person, loaded to be shown to somebody who may see it. `notes` are the looker's own."""

    summary: KeptSummary | None = None
    actions: tuple[ActionItem, ...] = ()
    answers: dict[int, StageAnswers] = {}
    sessions: tuple[Held, ...] = ()
    notes: tuple[Note, ...] = ()


class Keeping(Record):
    """For how many days things are kept here. `delete`: the days in which a person can change their mind about being
    forgotten. `sessions` is 0 where what was said is kept for as long as the person is here."""

    delete: int = 7
    sessions: int = 0
    audit: int = 365
    invites: int = 30
    waiting: int = 30
    letters: int = 90
    messages: int = 30


class Chat(Record):
    """Everything a decision may look at. `answers` maps the stage number to what was said in it.

    `model`: there is a language model here; `listens`: it may listen during a session. `summary` is the person's
    newest one, where it is loaded; so is the `circle` of people around them. `access`: anyone may begin, or only who
    was invited. `consent_age` is the age from which a person may agree for themselves where they live,
    `subject_consent_age` where the circle's subject lives. A link can be
    used for `invite_days`. `keeping` says for how long things are kept. `diary` has the sessions that the event is
    about, `policy` what may be done about them here; `holidays` are the days on which nothing is planned, by name.
    `beside` are the answers of the session that was put down for one that a coach leads.
    """

    chat_id: int
    person: Person | None = None
    conversation: Conversation = Conversation()
    answers: dict[int, StageAnswers] = {}
    beside: dict[int, StageAnswers] = {}
    model: bool = False
    listens: bool = True
    summary: KeptSummary | None = None
    actions: tuple[ActionItem, ...] = ()
    timers: tuple[Timer, ...] = ()
    circle: Circle | None = None
    look: Look | None = None
    access: Literal["open", "invite"] = "open"
    consent_age: int = 16
    subject_consent_age: int = 16
    invite_days: int = 7
    keeping: Keeping = Keeping()
    diary: Diary | None = None
    policy: Policy = Policy()
    holidays: dict[date, str] = {}

    @property
    def book(self) -> Diary:
        """The sessions that the event is about; none where it is about none."""
        return self.diary if self.diary is not None else Diary()

    @property
    def around(self) -> Circle:
        """The people around the person, where a decision can only be made with them."""
        assert self.circle is not None
        return self.circle

    @property
    def helped(self) -> bool:
        """Whether a language model may take part in this person's conversation."""
        return self.model and self.person is not None and self.person.model_help

    @property
    def someone(self) -> Person:
        """The person, where a decision can only be about a known one."""
        assert self.person is not None
        return self.person


class Decision(Record):
    """What follows from an event."""

    chat: Chat
    changes: tuple[AnyChange, ...] = ()
    effects: tuple[AnyEffect, ...] = ()

    def then(self, *effects: AnyEffect) -> Decision:
        """The same decision with more effects at its end."""
        return self.evolve(effects=self.effects + effects)

    def keeping(self, *changes: AnyChange) -> Decision:
        """The same decision with more changes at its end."""
        return self.evolve(changes=self.changes + changes)
