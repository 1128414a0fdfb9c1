"""Other places for the sessions of a machine or room that is taken out of service, at the times that they have.

A session can be on another machine or room in service that no session and no hold is on from its start to its end:
one of the same kind before one of the other, by number.
"""

from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from flows.diary import Diary, Resource, Scheduled
from flows.records import Record


class Place(Record):
    """A session, and where it can be instead; nowhere where `to` is None."""

    session: Scheduled
    to: Resource | None


def places(book: Diary) -> tuple[Place, ...]:
    """A place for each session that is to come on the resource of a diary, by time. None is given away twice."""
    gone = book.resource
    if gone is None:
        return ()
    others = [one for one in book.resources if one.in_service and one.resource_id != gone.resource_id]
    others.sort(key=lambda one: (one.kind != gone.kind, one.number))
    used: dict[UUID | None, list[tuple[datetime, datetime]]] = {}
    for taken in book.taken:
        used.setdefault(taken.resource_id, []).append((taken.starts_at, taken.ends_at))
    found = []
    for session in book.mine:
        to = next((one for one in others if _free(used.get(one.resource_id, []), session)), None)
        if to is not None:
            used.setdefault(to.resource_id, []).append((session.starts_at, session.ends_at))
        found.append(Place(session=session, to=to))
    return tuple(found)


def code(found: tuple[Place, ...]) -> str:
    """What stands for these places in a button: another one where a session or a place is another."""
    plain = (f"{p.session.session_id} {p.session.version} {p.to.resource_id if p.to else ''}" for p in found)
    return uuid5(NAMESPACE_OID, " ".join(plain)).hex[:8]


def _free(used: list[tuple[datetime, datetime]], session: Scheduled) -> bool:
    return not any(start < session.ends_at and session.starts_at < end for start, end in used)
