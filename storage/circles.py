"""The people around the people of a batch, read from committed rows in a fixed number of queries.

Only what an event names besides (somebody's record, a search) takes queries of its own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, or_, select

from flows.comparing import plain
from flows.needs import Needs
from flows.people import PER_PAGE, Circle, Guardianship, Invite, Other, Role, Subject, Tie
from flows.state import Chat, Held, Look, Note
from storage import tables as t
from storage.kept import items_of, stage_answers, summaries_of

LONGEST_ID = 18
"""Digits of a Telegram id; more is no id, and no number that the database holds."""
MOST_SESSIONS = 50
"""Sessions that a record lists."""


def add_circles(connection: Connection, chats: dict[int, Chat], wanted: Mapping[int, Needs]) -> None:
    """Load what the events of these chats need to know of other people."""
    searched = {
        chat_id: _search(connection, want)
        for chat_id, want in wanted.items()
        if want.search is not None and _operates(connection, chats[chat_id])
    }
    mine = {chat.person.user_id for chat_id in wanted if (chat := chats[chat_id]).person is not None}
    named = {user_id for want in wanted.values() for user_id in (want.subject, want.second) if user_id is not None}
    hits = {user_id for ids, _ in searched.values() for user_id in ids}
    invites = _invites(connection, wanted)
    linked = {
        user_id
        for row in invites.values()
        if row is not None
        for user_id in (row.inviter_id, row.coachee_id, row.coach_id)
        if user_id is not None
    }
    around = _Around(connection, mine | named | hits | linked)
    operators = _operators(connection) if any(want.operators for want in wanted.values()) else ()
    people = around.people({*named, *hits, *linked, *operators})
    around.see(named | hits)
    for chat_id, want in wanted.items():
        chat = chats[chat_id]
        me = chat.person.user_id if chat.person is not None else None
        ids, count = searched.get(chat_id, ((), 0))
        circle = Circle(
            roles=around.roles.get(me, ()) if me else (),
            ties=around.ties_of(me, people) if me else (),
            guardianships=around.guardianships_of(me, people) if me else (),
            beside=around.beside(me, people) if me else (),
            subject=around.subject(want.subject, people),
            second=around.subject(want.second, people),
            invite=around.invite(invites.get(chat_id), people),
            found=tuple(s for user_id in ids if (s := around.subject(user_id, people)) is not None),
            more=count,
            operators=tuple(people[user_id] for user_id in operators if user_id in people),
        )
        look = _look(connection, me, want.subject) if me and want.looks and want.subject else None
        chats[chat_id] = chat.evolve(circle=circle, look=look)


def roles_and_subjects(
    connection: Connection, me: UUID, ids: set[UUID]
) -> tuple[tuple[Role, ...], dict[UUID, Subject]]:
    """The roles of a person, and some people with those around them."""
    found = _Around(connection, {me, *ids})
    people = found.people({*ids})
    subjects = {user_id: found.subject(user_id, people) for user_id in ids}
    return found.roles.get(me, ()), {user_id: s for user_id, s in subjects.items() if s is not None}


def subjects_of(connection: Connection, ids: set[UUID]) -> tuple[Subject, ...]:
    """Several people with those around them."""
    around = _Around(connection, ids)
    people = around.people({*ids})
    return tuple(one for user_id in sorted(ids) if (one := around.subject(user_id, people)) is not None)


class _Around:
    """The rows that say who some people are to each other."""

    def __init__(self, connection: Connection, ids: set[UUID]) -> None:
        self._connection = connection
        self.roles: dict[UUID, tuple[Role, ...]] = {}
        self._seen: dict[UUID, str] = {}
        self._links: dict[UUID, tuple[datetime, ...]] = {}
        r, m, g = t.user_roles.c, t.coach_coachee_mappings.c, t.guardianships.c
        for row in connection.execute(select(r.user_id, r.role).where(r.user_id.in_(ids)).order_by(r.role)):
            self.roles[row.user_id] = (*self.roles.get(row.user_id, ()), row.role)
        pairs = select(t.coach_coachee_mappings).where(or_(m.coach_id.in_(ids), m.coachee_id.in_(ids)))
        self._ties = list(connection.execute(pairs.order_by(m.created_at, m.id)))
        children = select(g.child_id).where(g.parent_id.in_(ids))
        families = select(t.guardianships).where(
            or_(g.parent_id.in_(ids), g.child_id.in_(ids), g.child_id.in_(children))
        )
        self._guardianships = list(connection.execute(families.order_by(g.created_at, g.id)))

    def see(self, ids: set[UUID]) -> None:
        """Find out when some people did something last, and which links are theirs."""
        if not ids:
            return
        i = t.invites.c
        whose = (i.inviter_id, i.coachee_id, i.coach_id)
        unused = select(*whose, i.expires_at).where(
            or_(*(column.in_(ids) for column in whose)), i.used_at.is_(None), i.revoked_at.is_(None)
        )
        for row in self._connection.execute(unused.order_by(i.expires_at)):
            for user_id in {row.inviter_id, row.coachee_id, row.coach_id} & ids:
                self._links[user_id] = (*self._links.get(user_id, ()), row.expires_at)
        c = t.conversations.c
        seen = c.state["seen"].as_string()
        query = select(c.user_id, seen.label("seen")).where(c.user_id.in_(ids), seen.is_not(None))
        self._seen = {row.user_id: row.seen for row in self._connection.execute(query)}

    def people(self, more: set[UUID | None]) -> dict[UUID, Other]:
        """Everybody that these rows name, and some more."""
        ids = {user_id for user_id in more if user_id is not None}
        ids.update(user_id for row in self._ties for user_id in (row.coach_id, row.coachee_id))
        ids.update(user_id for row in self._guardianships for user_id in (row.parent_id, row.child_id))
        return others(self._connection, ids)

    def ties_of(self, me: UUID, people: Mapping[UUID, Other]) -> tuple[Tie, ...]:
        return tuple(
            Tie(
                tie_id=row.id,
                coach=people[row.coach_id],
                coachee=people[row.coachee_id],
                kind=row.kind,
                active=row.active,
            )
            for row in self._ties
            if me in (row.coach_id, row.coachee_id)
        )

    def guardianships_of(self, me: UUID, people: Mapping[UUID, Other]) -> tuple[Guardianship, ...]:
        rows = [row for row in self._guardianships if me in (row.parent_id, row.child_id)]
        return tuple(_as_guardianship(row, people) for row in rows)

    def beside(self, me: UUID, people: Mapping[UUID, Other]) -> tuple[Guardianship, ...]:
        children = {row.child_id for row in self._guardianships if row.parent_id == me}
        rows = [row for row in self._guardianships if row.child_id in children and row.parent_id != me]
        return tuple(_as_guardianship(row, people) for row in rows)

    def subject(self, user_id: UUID | None, people: Mapping[UUID, Other]) -> Subject | None:
        if user_id is None or user_id not in people:
            return None
        return Subject(
            person=people[user_id],
            roles=self.roles.get(user_id, ()),
            ties=self.ties_of(user_id, people),
            guardianships=self.guardianships_of(user_id, people),
            beside=self.beside(user_id, people),
            links=self._links.get(user_id, ()),
            last_seen=self._seen.get(user_id),
        )

    def invite(self, row: Any, people: Mapping[UUID, Other]) -> Invite | None:
        if row is None:
            return None
        return Invite(
            invite_id=row.id,
            role=row.role,
            expires_at=row.expires_at,
            by=self.subject(row.inviter_id, people),
            about=self.subject(row.coachee_id, people),
            guide=self.subject(row.coach_id, people),
            kind=row.kind,
            used_at=row.used_at,
            revoked_at=row.revoked_at,
        )


def _as_guardianship(row: Any, people: Mapping[UUID, Other]) -> Guardianship:
    return Guardianship(
        guardianship_id=row.id,
        parent=people[row.parent_id],
        child=people[row.child_id],
        active=row.active,
        agreed_at=row.agreed_at,
        withdrawn_at=row.withdrawn_at,
    )


def others(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Other]:
    """People by their ids, known well enough to be told something."""
    u = t.users.c
    return {
        row.id: Other(
            user_id=row.id,
            chat_id=row.telegram_id,
            name=row.name,
            language=row.language,
            timezone=row.timezone,
            standing=row.standing,
            birth_year=row.birth_year,
            sharing={audience: tuple(kinds) for audience, kinds in row.sharing.items()},
            unreachable_since=row.unreachable_since,
            deletion_due_at=row.deletion_due_at,
            quiet_from=row.quiet_from,
            quiet_until=row.quiet_until,
            muted=tuple(row.muted),
        )
        for row in connection.execute(select(t.users).where(u.id.in_(list(ids))))
    }


def _invites(connection: Connection, wanted: Mapping[int, Needs]) -> dict[int, Any]:
    """The rows of links, by chat: of the one just opened, else of the one opened before."""
    i = t.invites.c
    hashes = {want.token_hash for want in wanted.values() if want.token_hash is not None}
    ids = {want.invite_id for want in wanted.values() if want.invite_id is not None}
    if not hashes and not ids:
        return {}
    query = select(t.invites).where(or_(i.token_hash.in_(hashes), i.id.in_(ids)))
    rows = list(connection.execute(query))
    by_hash, by_id = {row.token_hash: row for row in rows}, {row.id: row for row in rows}
    return {
        chat_id: by_id.get(want.invite_id) if want.token_hash is None else by_hash.get(want.token_hash)
        for chat_id, want in wanted.items()
    }


def _operators(connection: Connection) -> tuple[UUID, ...]:
    r = t.user_roles.c
    query = select(r.user_id).where(r.role == "operator").order_by(r.created_at, r.user_id)
    return tuple(connection.execute(query).scalars())


def _operates(connection: Connection, chat: Chat) -> bool:
    """Whether somebody may look for people: all names are read for it."""
    r = t.user_roles.c
    mine = select(r.role).where(r.user_id == chat.someone.user_id, r.role == "operator")
    return chat.person is not None and connection.execute(mine).first() is not None


def _search(connection: Connection, want: Needs) -> tuple[tuple[UUID, ...], int]:
    """The people whose name holds these words, or whose Telegram id it is; a page of them, and how many there are.

    Names are compared here and not by the database: SQLite folds ASCII letters, PostgreSQL what its locale knows.
    """
    u, sought = t.users.c, folded((want.search or "").strip())
    query = select(u.id, u.name)
    if want.role is not None:
        query = query.where(u.id.in_(select(t.user_roles.c.user_id).where(t.user_roles.c.role == want.role)))
    if sought.isascii() and sought.isdigit() and len(sought) <= LONGEST_ID:
        query = query.where(u.telegram_id == int(sought))
        found = list(connection.execute(query))
    else:
        found = _named(list(connection.execute(query)), sought)
    found.sort(key=lambda row: (folded(row.name), row.id))
    start = want.page * PER_PAGE
    return tuple(row.id for row in found[start : start + PER_PAGE]), len(found)


def _named(people: list[Any], sought: str) -> list[Any]:
    """Those whose name holds the words; where nobody's does, those whose name does without its accents and marks."""
    if not sought:
        return people
    found = [row for row in people if sought in folded(row.name)]
    if found or not all(char.isalnum() or char.isspace() for char in sought):
        return found
    letters = plain(sought)
    return [row for row in people if letters in plain(row.name)]


def folded(text: str) -> str:
    """A name as it is searched and listed: small letters, each written in one way."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _look(connection: Connection, me: UUID, user_id: UUID) -> Look:
    """What is kept of a person."""
    s, n = t.coaching_sessions.c, t.coach_notes.c
    sessions = list(
        connection.execute(
            select(s.id, s.created_at, s.ended, s.current_stage)
            .where(s.user_id == user_id)
            .order_by(s.created_at.desc(), s.id)
            .limit(MOST_SESSIONS)
        )
    )
    answers = stage_answers(connection, [sessions[0].id]) if sessions else {}
    notes = connection.execute(
        select(n.id, n.text, n.created_at)
        .where(n.coach_id == me, n.coachee_id == user_id)
        .order_by(n.created_at.desc(), n.id)
    )
    return Look(
        summary=summaries_of(connection, [user_id]).get(user_id),
        actions=items_of(connection, [user_id]).get(user_id, ()),
        answers=answers[sessions[0].id] if sessions and sessions[0].id in answers else {},
        sessions=tuple(
            Held(session_id=row.id, at=row.created_at, ended=row.ended, current_stage=row.current_stage)
            for row in sessions
        ),
        notes=tuple(Note(note_id=row.id, text=row.text, at=row.created_at) for row in notes),
    )
