"""People and pairs that come by a file: who of them is there, and what is kept, in one transaction.

Statements are set-based: there are as many for ten thousand rows as for ten, but for the ids that one can name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine, Select, insert, select
from sqlalchemy.exc import IntegrityError

from flows.changes import Audited
from flows.importing import Import, Known, Pair, There
from flows.people import Role
from flows.state import Conversation
from storage import tables as t
from storage.circles import others
from storage.engine import reading
from storage.loading import one_at_a_time
from storage.outbox import Outgoing, new_id
from storage.relations import add_audit, relate

AT_ONCE = 5_000
"""How many ids a statement names: databases have a limit."""
TRIES = 3

Decide = Callable[[There], tuple[Import, Sequence[Outgoing], Audited]]


class PeopleCameError(Exception):
    """People of the file came in by themselves, again and again, while it was read in."""


def look(engine: Engine, telegram_ids: Iterable[int], decide: Decide) -> Import:
    """What would become of the file. Nothing is changed."""
    with reading(engine).begin() as connection:
        return decide(_there(connection, telegram_ids))[0]


def keep(engine: Engine, telegram_ids: Iterable[int], decide: Decide, now: datetime) -> Import:
    """What becomes of the file, kept in one commit. Raises PeopleCameError where it cannot be, and keeps nothing."""
    ids = list(telegram_ids)
    for _ in range(TRIES):
        try:
            with engine.begin() as connection:
                one_at_a_time(connection, set())
                found, outgoing, audited = decide(_there(connection, ids, lock=True))
                _save(connection, found, now)
                _outbox(connection, outgoing, now)
                add_audit(connection, [audited], now)
                return found
        except IntegrityError:
            continue
    raise PeopleCameError


def _there(connection: Connection, telegram_ids: Iterable[int], *, lock: bool = False) -> There:
    u, r = t.users.c, t.user_roles.c
    m, g = t.coach_coachee_mappings.c, t.guardianships.c
    numbers: dict[UUID, int] = {}
    for some in _some(sorted(telegram_ids)):
        query = select(u.id, u.telegram_id).where(u.telegram_id.in_(some)).order_by(u.telegram_id)
        if lock:
            query = query.with_for_update(key_share=True)
        numbers.update((row.id, row.telegram_id) for row in connection.execute(query))
    roles: dict[UUID, list[Role]] = {}
    people: dict[int, Known] = {}
    ties: list[Pair] = []
    families: list[Pair] = []
    for some in _some(list(numbers)):
        for row in connection.execute(_of(select(t.user_roles).order_by(r.role), r.user_id, some)):
            roles.setdefault(row.user_id, []).append(row.role)
        for user_id, other in others(connection, some).items():
            people[other.chat_id] = Known(person=other, roles=tuple(roles.get(user_id, ())))
        for row in connection.execute(_of(select(t.coach_coachee_mappings), m.coachee_id, some)):
            ties.append(
                Pair(pair_id=row.id, first=row.coach_id, second=row.coachee_id, active=row.active, kind=row.kind)
            )
        for row in connection.execute(_of(select(t.guardianships), g.child_id, some)):
            agreed = row.agreed_at is not None and row.withdrawn_at is None
            families.append(
                Pair(pair_id=row.id, first=row.parent_id, second=row.child_id, active=row.active, agreed=agreed)
            )
    return There(people=people, ties=tuple(ties), families=tuple(families))


def _of(query: Select[Any], column: Any, some: Sequence[UUID]) -> Select[Any]:
    return query.where(column.in_(some))


def _some(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


def _save(connection: Connection, found: Import, now: datetime) -> None:
    """People come before their conversations, and both before what refers to them."""
    new = found.newcomers
    names = ("telegram_id", "name", "language", "timezone", "birth_year", "standing")
    _add(
        connection,
        insert(t.users),
        [{"id": n.user_id, "created_at": now, **{name: getattr(n, name) for name in names}} for n in new],
    )
    _add(
        connection,
        insert(t.conversations),
        [
            {
                "chat_id": n.telegram_id,
                "user_id": n.user_id,
                "state": msgspec.to_builtins(Conversation(view=n.view)),
                "version": 0,
                "updated_at": now,
            }
            for n in new
        ],
    )
    relate(connection, (*found.roles, *found.standings, *found.ties, *found.families), now)


def _outbox(connection: Connection, outgoing: Sequence[Outgoing], now: datetime) -> None:
    """Messages that belong to no process: a running one takes them up within a second."""
    rows = [
        {
            "id": new_id(),
            "chat_id": o.chat_id,
            "kind": o.kind,
            "key": o.key,
            "payload": o.payload,
            "status": "pending",
            "attempts": 0,
            "due_at": now,
            "created_at": now,
        }
        for o in outgoing
    ]
    _add(connection, insert(t.outbox), rows)


def _add(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)
