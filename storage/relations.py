"""Who people are to each other, as rows: roles, coaches, parents, links, notes, and the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, update
from sqlalchemy.dialects import postgresql, sqlite

from flows.changes import (
    Audited,
    Change,
    GuardianshipKept,
    InviteHashed,
    InviteMade,
    InviteRevoked,
    InviteUsed,
    NoteKept,
    RoleGranted,
    RoleRevoked,
    StandingChanged,
    TieKept,
)
from storage import tables as t
from storage.statements import upsert


class LinkUsedError(Exception):
    """A link was used meanwhile: what was decided on it does not hold."""


def _standings(connection: Connection, found: list[StandingChanged], now: datetime) -> None:
    moving = update(t.users).where(t.users.c.id == bindparam("person")).values(standing=bindparam("stands"))
    connection.execute(moving, [{"person": change.user_id, "stands": change.standing} for change in found])


def _roles_granted(connection: Connection, found: list[RoleGranted], now: datetime) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    rows = [{"user_id": r.user_id, "role": r.role, "granted_by": r.by, "created_at": now} for r in found]
    connection.execute(dialect.insert(t.user_roles).on_conflict_do_nothing(), rows)


def _roles_revoked(connection: Connection, found: list[RoleRevoked], now: datetime) -> None:
    r = t.user_roles.c
    for change in found:
        connection.execute(delete(t.user_roles).where(r.user_id == change.user_id, r.role == change.role))


def _ties(connection: Connection, found: list[TieKept], now: datetime) -> None:
    """Ends come before beginnings: a coachee never has two primary coaches, not even within a statement."""
    connection.execute(
        upsert(connection, t.coach_coachee_mappings, ("coach_id", "coachee_id"), kept=("id", "created_at")),
        [
            {
                "id": tie.tie_id,
                "coach_id": tie.coach_id,
                "coachee_id": tie.coachee_id,
                "kind": tie.kind,
                "active": tie.active,
                "ended_at": None if tie.active else tie.at,
                "updated_at": tie.at,
                "created_at": tie.at,
            }
            for tie in sorted(found, key=lambda tie: (tie.active, tie.kind == "primary"))
        ],
    )


def _guardianships(connection: Connection, found: list[GuardianshipKept], now: datetime) -> None:
    connection.execute(
        upsert(connection, t.guardianships, ("parent_id", "child_id"), kept=("id", "created_at")),
        [
            {
                "id": kept.guardianship_id,
                "parent_id": kept.parent_id,
                "child_id": kept.child_id,
                "active": kept.active,
                "agreed_at": kept.agreed_at,
                "withdrawn_at": kept.withdrawn_at,
                "updated_at": kept.at,
                "created_at": kept.at,
            }
            for kept in found
        ],
    )


def _invites(connection: Connection, found: list[InviteMade], now: datetime) -> None:
    connection.execute(
        insert(t.invites),
        [
            {
                "id": i.invite_id,
                "token_hash": None,
                "role": i.role,
                "inviter_id": i.inviter_id,
                "coachee_id": i.coachee_id,
                "coach_id": i.coach_id,
                "kind": i.kind,
                "expires_at": i.expires_at,
                "created_at": i.at,
            }
            for i in found
        ],
    )


def _invites_hashed(connection: Connection, found: list[InviteHashed], now: datetime) -> None:
    i = t.invites.c
    for change in found:
        open_ones = update(t.invites).where(i.id == change.invite_id, i.used_at.is_(None))
        connection.execute(open_ones.values(token_hash=change.token_hash))


def _invites_used(connection: Connection, found: list[InviteUsed], now: datetime) -> None:
    i = t.invites.c
    for used in found:
        taking = update(t.invites).where(i.id == used.invite_id, i.used_at.is_(None), i.revoked_at.is_(None))
        if not connection.execute(taking.values(used_at=used.at, used_by=used.used_by).returning(i.id)).first():
            raise LinkUsedError


def _invites_revoked(connection: Connection, found: list[InviteRevoked], now: datetime) -> None:
    i = t.invites.c
    for change in found:
        open_ones = update(t.invites).where(i.id == change.invite_id, i.used_at.is_(None))
        connection.execute(open_ones.values(revoked_at=change.at))


def _notes(connection: Connection, found: list[NoteKept], now: datetime) -> None:
    connection.execute(
        insert(t.coach_notes),
        [
            {"id": n.note_id, "coach_id": n.coach_id, "coachee_id": n.coachee_id, "text": n.text, "created_at": n.at}
            for n in found
        ],
    )


def add_audit(connection: Connection, found: list[Audited], now: datetime) -> None:
    """Add to the audit log."""
    rows = [msgspec.structs.asdict(a) for a in found]
    connection.execute(insert(t.audit_log), [{"id": row.pop("audit_id"), **row} for row in rows])


Writer = Callable[[Connection, list[Any], datetime], None]
RELATIONS: tuple[tuple[type[Change], Writer], ...] = (
    (StandingChanged, _standings),
    (RoleGranted, _roles_granted),
    (RoleRevoked, _roles_revoked),
    (TieKept, _ties),
    (GuardianshipKept, _guardianships),
    (InviteMade, _invites),
    (InviteHashed, _invites_hashed),
    (InviteUsed, _invites_used),
    (InviteRevoked, _invites_revoked),
    (NoteKept, _notes),
)
"""In the order in which rows may refer to each other."""


def relate(connection: Connection, changes: Iterable[Change], now: datetime) -> None:
    """Save changes of these kinds, however many, with a few statements."""
    changes = list(changes)
    for kind, write in RELATIONS:
        if found := [change for change in changes if type(change) is kind]:
            write(connection, found, now)
