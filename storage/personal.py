"""What is kept of a person, table by table: what their copy holds, and what becomes of it when they are forgotten.

`HOLDINGS` has every table there is; a test fails on one that it does not know. It is in the order in which rows can
be deleted, each before what it refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, exists, or_, select
from sqlalchemy import update as updating
from sqlalchemy.dialects import postgresql, sqlite

from flows.changes import PersonErased
from flows.records import Record
from storage import tables as t
from storage.engine import reading

IDS_OF_OTHERS = "who another person is"
WORDS_OF_OTHERS = "what the coachee or their family said"
SECRET = "would open a link, even as a hash"
EMPTY: dict[str, Any] = {}


class Tombstone(Record):
    """That a person was forgotten, and when: nothing but the id they had here."""

    user_id: UUID
    erased_at: datetime


@dataclass(frozen=True, kw_only=True)
class Who:
    """Whose rows are looked for. `guides`: they are, or were, a coach, parent or operator, who see others."""

    user_id: UUID
    chat_id: int
    guides: bool = False


Mine = Callable[[Who], ColumnElement[bool]]


@dataclass(frozen=True, kw_only=True)
class Holding:
    """One table. `mine` are the rows about a person (None: there are none while they are here).

    `copied` are the rows that their copy has, where those are not all of them; `withheld` names columns that it has
    not, each with the reason, `of_coachee` those that only the coachee's copy has, not their coach's, and `of` those
    that only those have whom some other columns name. `erase` is None where the rows are simply deleted; where
    something stays, `stays` says what, and why.
    """

    table: Table
    mine: Mine | None
    copied: Mine | None = None
    withheld: dict[str, str] = field(default_factory=dict)
    of_coachee: dict[str, str] = field(default_factory=dict)
    of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    erase: Callable[[Connection, Who, datetime], None] | None = None
    stays: str = ""


def _of_user(table: Table, *columns: str) -> Mine:
    return lambda who: or_(*(table.c[name] == who.user_id for name in columns))


def _of_chat(table: Table) -> Mine:
    return lambda who: table.c.chat_id == who.chat_id


def _sessions(who: Who) -> Any:
    return select(t.coaching_sessions.c.id).where(t.coaching_sessions.c.user_id == who.user_id)


def _actions(who: Who) -> Any:
    return select(t.action_plans.c.id).where(t.action_plans.c.user_id == who.user_id)


def _of_session(table: Table) -> Mine:
    return lambda who: table.c.session_id.in_(_sessions(who))


def _forget_links(connection: Connection, who: Who, now: datetime) -> None:
    """Links about them go; of those they made or used it stays that they were, and none can be used any more."""
    i = t.invites.c
    connection.execute(delete(t.invites).where(i.coachee_id == who.user_id))
    open_ones = updating(t.invites).where(
        or_(i.inviter_id == who.user_id, i.coach_id == who.user_id), i.used_at.is_(None), i.revoked_at.is_(None)
    )
    connection.execute(open_ones.values(revoked_at=now))
    for name in ("inviter_id", "coach_id", "used_by"):
        connection.execute(updating(t.invites).where(i[name] == who.user_id).values({name: None}))


def _coachees(table: Table, *audited: str) -> Callable[[Connection, Who, datetime], None]:
    """Rows go with the coachee; a coach, and who is named in one of these columns, is only taken out of them."""

    def forget(connection: Connection, who: Who, now: datetime) -> None:
        connection.execute(delete(table).where(table.c.coachee_id == who.user_id))
        for name in ("coach_id", *audited):
            connection.execute(updating(table).where(table.c[name] == who.user_id).values({name: None}))

    return forget


def _forget_consents(connection: Connection, who: Who, now: datetime) -> None:
    """They go with the coachee; of who asked or decided it stays that somebody did, and in which role."""
    c = t.consents.c
    connection.execute(delete(t.consents).where(c.coachee_id == who.user_id))
    gone = {"decided_by": {"words": None}, "call_by": {"phone": None}, "asked_by": EMPTY}
    for name, theirs in gone.items():
        connection.execute(updating(t.consents).where(c[name] == who.user_id).values({name: None, **theirs}))


def _forget_updates(connection: Connection, who: Who, now: datetime) -> None:
    u = t.updates.c
    blank = {"chat_id": 0, "state": "claimed", "event": None, "reason": None}
    connection.execute(updating(t.updates).where(u.chat_id == who.chat_id).values(blank))


def _leave(connection: Connection, who: Who, now: datetime) -> None:
    """Nothing is changed."""


def _bury(connection: Connection, who: Who, now: datetime) -> None:
    add_tombstones(connection, [Tombstone(user_id=who.user_id, erased_at=now)])


PAIR = {"coachee_id": IDS_OF_OTHERS, "coach_id": IDS_OF_OTHERS}
HOLDINGS: tuple[Holding, ...] = (
    Holding(table=t.calendar_feeds, mine=_of_user(t.calendar_feeds, "user_id"), withheld={"token_hash": SECRET}),
    Holding(
        table=t.slot_holds,
        mine=_of_user(t.slot_holds, "held_by", "coach_id", "coachee_id"),
        withheld={"held_by": IDS_OF_OTHERS, **PAIR},
    ),
    Holding(
        table=t.coach_questions,
        mine=_of_user(t.coach_questions, "coach_id", "coachee_id"),
        withheld=PAIR,
        of_coachee={"answer": WORDS_OF_OTHERS},
        erase=_coachees(t.coach_questions),
        stays="what a coach asked, in their coachee's session, without saying who asked it",
    ),
    Holding(
        table=t.learning_events,
        mine=_of_user(t.learning_events, "coach_id", "coachee_id"),
        copied=_of_user(t.learning_events, "coachee_id"),
        withheld=PAIR,
        erase=_coachees(t.learning_events),
        stays="what happened in their coachees' learning, without saying who coached them",
    ),
    Holding(
        table=t.consents,
        mine=_of_user(t.consents, "coachee_id", "asked_by", "decided_by", "call_by"),
        withheld=dict.fromkeys(("coachee_id", "asked_by", "decided_by", "call_by"), IDS_OF_OTHERS),
        of={"reason": ("coachee_id", "asked_by"), "words": ("decided_by",), "phone": ("call_by",)},
        erase=_forget_consents,
        stays="that a session was to be cancelled, why, and what was decided, without saying who asked or decided",
    ),
    # The record of a session is the coachee's as much as the coach's who wrote it: both have it in their copy, and it
    # stays when the coach goes. The coach is told, before they write, that the coachee can read it.
    Holding(
        table=t.scheduled_sessions,
        mine=_of_user(t.scheduled_sessions, "coach_id", "coachee_id"),
        withheld={**PAIR, "resolved_by": IDS_OF_OTHERS},
        of_coachee={"cancellation_reason": WORDS_OF_OTHERS},
        erase=_coachees(t.scheduled_sessions, "resolved_by"),
        stays="their coachees' sessions with what is in the records of them, without saying who led them",
    ),
    Holding(
        table=t.programmes,
        mine=_of_user(t.programmes, "coach_id", "coachee_id"),
        withheld={**PAIR, "created_by": IDS_OF_OTHERS},
        erase=_coachees(t.programmes, "created_by"),
        stays="that their coachees' sessions are a series, without saying who leads it",
    ),
    Holding(table=t.availabilities, mine=_of_user(t.availabilities, "coach_id")),
    Holding(table=t.resources, mine=None, erase=_leave, stays="machines and rooms: they are about nobody"),
    Holding(table=t.milestones, mine=lambda who: t.milestones.c.action_plan_id.in_(_actions(who))),
    Holding(table=t.action_plans, mine=_of_user(t.action_plans, "user_id")),
    Holding(table=t.summaries, mine=_of_session(t.summaries)),
    Holding(table=t.stage_responses, mine=_of_session(t.stage_responses)),
    Holding(table=t.coaching_sessions, mine=_of_user(t.coaching_sessions, "user_id")),
    Holding(table=t.model_usage, mine=_of_user(t.model_usage, "user_id")),
    # A coach's private notes stay the coach's: they are the coach's own thoughts as much as the coachee's data, and
    # one who knew that they can be read would not write them. /privacy tells the coachee that there may be some, and
    # whom to ask (GDPR Art. 15(4)). They go with the coachee all the same, and with the coach.
    Holding(
        table=t.coach_notes,
        mine=_of_user(t.coach_notes, "coach_id", "coachee_id"),
        copied=_of_user(t.coach_notes, "coach_id"),
        withheld={"coachee_id": IDS_OF_OTHERS},
    ),
    Holding(
        table=t.invites,
        mine=_of_user(t.invites, "inviter_id", "coachee_id", "coach_id", "used_by"),
        withheld={
            "token_hash": SECRET,
            "inviter_id": IDS_OF_OTHERS,
            "coachee_id": IDS_OF_OTHERS,
            "coach_id": IDS_OF_OTHERS,
            "used_by": IDS_OF_OTHERS,
        },
        erase=_forget_links,
        stays="that others came by a link of theirs, without saying whose it was",
    ),
    Holding(
        table=t.guardianships,
        mine=_of_user(t.guardianships, "parent_id", "child_id"),
        withheld={"parent_id": IDS_OF_OTHERS, "child_id": IDS_OF_OTHERS},
    ),
    Holding(
        table=t.coach_coachee_mappings,
        mine=_of_user(t.coach_coachee_mappings, "coach_id", "coachee_id"),
        withheld={"coach_id": IDS_OF_OTHERS, "coachee_id": IDS_OF_OTHERS},
    ),
    Holding(table=t.user_roles, mine=_of_user(t.user_roles, "user_id"), withheld={"granted_by": IDS_OF_OTHERS}),
    Holding(table=t.outbox, mine=_of_chat(t.outbox)),
    Holding(table=t.timers, mine=_of_chat(t.timers)),
    Holding(
        table=t.updates,
        mine=_of_chat(t.updates),
        erase=_forget_updates,
        stays="the number of an update, without chat or words: an update that comes twice is known by it",
    ),
    Holding(table=t.conversations, mine=_of_user(t.conversations, "user_id")),
    Holding(
        table=t.audit_log,
        mine=_of_user(t.audit_log, "actor_id", "subject_id"),
        withheld={"actor_id": IDS_OF_OTHERS, "subject_id": IDS_OF_OTHERS},
        erase=_leave,
        stays="who did what to whom, by ids that stand for nobody any more: it shows that the rules were kept",
    ),
    Holding(
        table=t.tombstones,
        mine=None,
        erase=_bury,
        stays="the id and when: what a restored backup brings back is erased again by it",
    ),
    Holding(table=t.users, mine=_of_user(t.users, "id")),
)
"""Every table there is."""


OF_A_PAIR = ("coach_coachee_mappings", "programmes", "scheduled_sessions", "learning_events", "coach_questions")
"""Tables whose rows are about a coachee and their coach."""


def export_of(engine: Engine, user_id: UUID) -> dict[str, list[dict[str, Any]]] | None:
    """All that is kept of a person, by table, as rows of plain values; None where there is no such person.

    Of others it has the name and role of their coach and parents, and nothing else.
    """
    with reading(engine).begin() as connection:
        who = _who(connection, user_id)
        if who is None:
            return None
        found = {}
        for holding in reversed(HOLDINGS):
            if holding.mine is not None:
                found[holding.table.name] = _copied(connection, holding, who)
        return found


def person_in(engine: Engine, chat_id: int) -> UUID | None:
    """The person of a chat."""
    c = t.conversations.c
    with reading(engine).begin() as connection:
        return connection.execute(select(c.user_id).where(c.chat_id == chat_id)).scalar()


def _who(connection: Connection, user_id: UUID) -> Who | None:
    chat_id = connection.execute(select(t.users.c.telegram_id).where(t.users.c.id == user_id)).scalar()
    if chat_id is None:
        return None
    r, m, g = t.user_roles.c, t.coach_coachee_mappings.c, t.guardianships.c
    guides = or_(
        exists().where(r.user_id == user_id, r.role != "coachee"),
        exists().where(m.coach_id == user_id),
        exists().where(g.parent_id == user_id),
    )
    return Who(user_id=user_id, chat_id=chat_id, guides=bool(connection.execute(select(guides)).scalar()))


def _copied(connection: Connection, holding: Holding, who: Who) -> list[dict[str, Any]]:
    which = holding.copied or holding.mine
    assert which is not None
    table, withheld = holding.table, set(holding.withheld)
    if table is t.outbox and who.guides:
        withheld.add("payload")  # it may say what others let them see; what was sent is in their Telegram
    query = select(table).where(which(who)).order_by(*table.primary_key.columns)
    rows = []
    for row in connection.execute(query):
        values = row._mapping
        without = withheld | _not_theirs(holding, values, who)
        kept = {name: _plain(value) for name, value in values.items() if name not in without}
        rows.append(kept | _part(connection, table, values, who))
    return rows


def _not_theirs(holding: Holding, values: Any, who: Who) -> set[str]:
    """Columns of a row about several people that this one's copy has not."""
    theirs = {name for name, owners in holding.of.items() if who.user_id not in [values[one] for one in owners]}
    return theirs | (set(holding.of_coachee) if holding.of_coachee and values["coachee_id"] != who.user_id else set())


def _part(connection: Connection, table: Table, values: Any, who: Who) -> dict[str, Any]:
    """The person's own part in a row that is about several people, and the name of who guides them."""
    match table.name:
        case name if name in OF_A_PAIR and values["coachee_id"] == who.user_id:
            return {"you": "coachee", "coach": _name(connection, values["coach_id"])}
        case name if name in OF_A_PAIR:
            return {"you": "coach"}
        case "guardianships" if values["child_id"] == who.user_id:
            return {"you": "child", "parent": _name(connection, values["parent_id"])}
        case "guardianships":
            return {"you": "parent"}
        case "invites":
            parts = {"inviter_id": "inviter", "coachee_id": "coachee", "coach_id": "coach", "used_by": "user"}
        case "slot_holds":
            parts = {"held_by": "holder", "coachee_id": "coachee", "coach_id": "coach"}
        case "consents":
            parts = {"coachee_id": "coachee", "asked_by": "asker", "decided_by": "decider", "call_by": "called"}
        case "audit_log":
            parts = {"actor_id": "actor", "subject_id": "subject"}
        case _:
            return {}
    return {"you": [part for name, part in parts.items() if values[name] == who.user_id]}


def _name(connection: Connection, user_id: UUID) -> str | None:
    return connection.execute(select(t.users.c.name).where(t.users.c.id == user_id)).scalar()


def _plain(value: Any) -> Any:
    """A value without what must not leave, however deep: a letter that was set aside may hold a link's hash."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if name != "token_hash"}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def erase(connection: Connection, user_id: UUID, now: datetime) -> bool:
    """Forget a person in this transaction: every row that is about them, as `HOLDINGS` says. A tombstone stays.

    False where there is no such person; the tombstone is there all the same.
    """
    # Who writes something that refers to them (a coach's note) has either written it by now, or is refused after us.
    connection.execute(select(t.users.c.id).where(t.users.c.id == user_id).with_for_update())
    who = _who(connection, user_id)
    if who is None:
        _bury(connection, Who(user_id=user_id, chat_id=0), now)
        return False
    _unsay(connection, who)
    _let_children_wait(connection, who)
    for holding in HOLDINGS:
        if holding.erase is not None:
            holding.erase(connection, who, now)
        elif holding.mine is not None:
            connection.execute(delete(holding.table).where(holding.mine(who)))
    return True


def erase_found(connection: Connection, found: list[PersonErased], now: datetime) -> None:
    """The changes of a decision."""
    for gone in found:
        erase(connection, gone.user_id, gone.at)


def _let_children_wait(connection: Connection, who: Who) -> None:
    """Children whose only agreement goes with them take no part until another parent agrees."""
    g, u = t.guardianships.c, t.users.c
    agreed = g.active & g.agreed_at.is_not(None)
    mine = select(g.child_id).where(agreed, g.parent_id == who.user_id)
    others = select(g.child_id).where(agreed, g.parent_id != who.user_id)
    left = (u.id.in_(mine)) & (u.id.not_in(others)) & (u.standing == "active")
    connection.execute(updating(t.users).where(left).values(standing="waiting"))


def _unsay(connection: Connection, who: Who) -> None:
    """What was said of them to others is taken out of the outbox: messages that are sent need no words any more.

    To whom anything can have been said: who coached them or was coached, their family, who invited them, operators.
    """
    me, m, g, i = who.user_id, t.coach_coachee_mappings.c, t.guardianships.c, t.invites.c
    s = t.scheduled_sessions.c
    near = (
        select(m.coach_id).where(m.coachee_id == me),
        select(m.coachee_id).where(m.coach_id == me),
        select(s.coach_id).where(s.coachee_id == me),
        select(s.coachee_id).where(s.coach_id == me),
        select(g.parent_id).where(g.child_id == me),
        select(g.child_id).where(g.parent_id == me),
        select(g.parent_id).where(g.child_id.in_(select(g.child_id).where(g.parent_id == me))),
        select(i.inviter_id).where(or_(i.coachee_id == me, i.coach_id == me, i.used_by == me)),
        select(i.used_by).where(or_(i.coachee_id == me, i.coach_id == me, i.inviter_id == me)),
        select(t.user_roles.c.user_id).where(t.user_roles.c.role == "operator"),
    )
    ids = {user_id for query in near for user_id in connection.execute(query).scalars()} - {None, me}
    o = t.outbox.c
    theirs = o.chat_id.in_(select(t.users.c.telegram_id).where(t.users.c.id.in_(ids)))
    connection.execute(updating(t.outbox).where(theirs, o.status == "done").values(payload=EMPTY))
    connection.execute(delete(t.outbox).where(theirs, o.status == "failed"))
    # not what a coach is asked in a session of their own
    news = or_(o.key.is_(None), o.key.startswith("menu"), o.key.startswith("consent:"))
    connection.execute(
        delete(t.outbox).where(theirs, o.status == "pending", o.kind.in_(("say", "edit", "invitation")), news)
    )


def tombstones(engine: Engine) -> list[Tombstone]:
    """Everybody who was forgotten, in order."""
    c = t.tombstones.c
    with reading(engine).begin() as connection:
        rows = connection.execute(select(c.user_id, c.erased_at).order_by(c.erased_at, c.user_id))
        return [Tombstone(user_id=row.user_id, erased_at=row.erased_at) for row in rows]


def add_tombstones(connection: Connection, found: Sequence[Tombstone]) -> None:
    """Keep that people were forgotten. One that is known stays as it is."""
    if not found:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    adding = dialect.insert(t.tombstones).on_conflict_do_nothing()
    connection.execute(adding, [{"user_id": s.user_id, "erased_at": s.erased_at} for s in found])


def apply_tombstones(engine: Engine, found: Sequence[Tombstone], now: datetime) -> int:
    """Add these tombstones, and erase again everybody who has one and whose rows are there; gives how many."""
    with engine.begin() as connection:
        add_tombstones(connection, found)
    u, s = t.users.c, t.tombstones.c
    with reading(engine).begin() as connection:
        back = list(connection.execute(select(u.id).join_from(t.users, t.tombstones, u.id == s.user_id)).scalars())
    for user_id in back:
        with engine.begin() as connection:
            erase(connection, user_id, now)
    return len(back)
