"""People around a person: coaches, coachees, parents, and what was handed out to bring them in.

Everything here is read from committed rows for the event at hand, and is never a memory of them. An `Other` is known
well enough to be told something in their own language and time zone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from flows.records import Record

Role = Literal["coachee", "coach", "parent", "operator"]
Audience = Literal["coach", "parent"]
Kind = Literal["summary", "plan", "answers", "ratings", "attendance"]
Standing = Literal["joining", "waiting", "active", "inactive"]
TieKind = Literal["primary", "secondary"]

ROLES: tuple[Role, ...] = ("coachee", "coach", "parent", "operator")
AUDIENCES: tuple[Audience, ...] = ("coach", "parent")
KINDS: tuple[Kind, ...] = ("summary", "plan", "answers", "ratings", "attendance")

PER_PAGE = 8
"""People on a page of a list, or of a search."""

Sharing = dict[str, tuple[Kind, ...]]
"""What each audience may see, where the coachee has chosen; an audience that is not in it gets the default."""


class Other(Record):
    """Another person. The name is never markup. `standing` says whether they take part (see `flows.rights`)."""

    user_id: UUID
    chat_id: int
    name: str
    language: str = "en"
    timezone: str = "UTC"
    standing: Standing = "active"
    birth_year: int | None = None
    sharing: Sharing = {}
    unreachable_since: datetime | None = None
    deletion_due_at: datetime | None = None
    quiet_from: str | None = None
    quiet_until: str | None = None
    muted: tuple[str, ...] = ()


class Tie(Record):
    """A coach and a coachee: one row for the two, taken up again after it ended."""

    tie_id: UUID
    coach: Other
    coachee: Other
    kind: TieKind
    active: bool


class Guardianship(Record):
    """A parent and a child. `agreed_at`: the agreement that lets a child who is too young take part."""

    guardianship_id: UUID
    parent: Other
    child: Other
    active: bool
    agreed_at: datetime | None = None
    withdrawn_at: datetime | None = None


class Subject(Record):
    """A person who is looked at or acted on: their roles, and the people around them.

    `beside` are the other parents of their children; `links` is until when each link holds that they handed out or
    that is about them, and that nobody used; `last_seen` the day (UTC) on which they last did something, as an ISO
    date.
    """

    person: Other
    roles: tuple[Role, ...] = ()
    ties: tuple[Tie, ...] = ()
    guardianships: tuple[Guardianship, ...] = ()
    beside: tuple[Guardianship, ...] = ()
    links: tuple[datetime, ...] = ()
    last_seen: str | None = None

    @property
    def coaches(self) -> tuple[Tie, ...]:
        """The active ties to their coaches, the primary one first."""
        mine = [tie for tie in self.ties if tie.active and tie.coachee.user_id == self.person.user_id]
        return tuple(sorted(mine, key=lambda tie: tie.kind != "primary"))


class Invite(Record):
    """A one-time link: what it makes of the person who uses it, who invites them, and whom it is about.

    `by` invites; `about` is the child of an invited parent, `guide` the coach of an invited coachee: each as they
    stand to others now.
    """

    invite_id: UUID
    role: Role
    expires_at: datetime
    by: Subject | None = None
    about: Subject | None = None
    guide: Subject | None = None
    kind: TieKind = "primary"
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    def open_at(self, now: datetime) -> bool:
        """Whether it can still be used."""
        return self.used_at is None and self.revoked_at is None and now < self.expires_at

    @property
    def inviter(self) -> Other | None:
        """Who invites; None where the command line does."""
        return self.by.person if self.by else None

    @property
    def coachee(self) -> Other | None:
        """The child of an invited parent."""
        return self.about.person if self.about else None

    @property
    def coach(self) -> Other | None:
        """The coach of an invited coachee."""
        return self.guide.person if self.guide else None


class Circle(Record):
    """The people around the person of a chat, in both directions; ended ties and guardianships are among them.

    `beside` are the other parents of the person's children. `subject` is the person that the event names by id,
    `second` another one; `invite` what it opens; `found` what a search by the operator finds.
    """

    roles: tuple[Role, ...] = ()
    ties: tuple[Tie, ...] = ()
    guardianships: tuple[Guardianship, ...] = ()
    beside: tuple[Guardianship, ...] = ()
    subject: Subject | None = None
    second: Subject | None = None
    invite: Invite | None = None
    found: tuple[Subject, ...] = ()
    more: int = 0
    operators: tuple[Other, ...] = ()

    def coaches(self, me: UUID) -> tuple[Tie, ...]:
        """The active ties to my coaches, the primary one first."""
        mine = [tie for tie in self.ties if tie.active and tie.coachee.user_id == me]
        return tuple(sorted(mine, key=lambda tie: (tie.kind != "primary", tie.coach.name)))

    def coachees(self, me: UUID) -> tuple[Tie, ...]:
        """The active ties to my coachees, by name."""
        mine = [tie for tie in self.ties if tie.active and tie.coach.user_id == me]
        return tuple(sorted(mine, key=lambda tie: tie.coachee.name.casefold()))

    def parents(self, me: UUID) -> tuple[Guardianship, ...]:
        """The active ties to my parents."""
        return tuple(g for g in self.guardianships if g.active and g.child.user_id == me)

    def children(self, me: UUID) -> tuple[Guardianship, ...]:
        """The active ties to my children, by name."""
        mine = [g for g in self.guardianships if g.active and g.parent.user_id == me]
        return tuple(sorted(mine, key=lambda g: g.child.name.casefold()))
