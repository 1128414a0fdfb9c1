"""People in a database, by their chats: who is there, what is kept of them, a chat with the people around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, Table, event, select

from flows.changes import AnyChange, GuardianshipKept, InviteHashed, InviteMade, PersonMet, RoleGranted, TieKept
from flows.events import AnyEvent, Sender, TextSent
from flows.needs import NOTHING, Needs
from flows.people import Role
from flows.state import Chat, Person
from storage.loading import load
from storage.unit_of_work import Incoming, Settled, handle

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MIRA, TOM, ANA, BEN, PIA, OLGA = range(101, 107)
NAMES = {MIRA: "Mira", TOM: "Tom", ANA: "Ana", BEN: "Ben", PIA: "Pia", OLGA: "Olga"}
HASH = "5" * 64


def user(chat_id: int) -> UUID:
    """Who the person of a chat is."""
    return UUID(int=chat_id)


def something(chat_id: int) -> TextSent:
    """A person wrote."""
    return TextSent(id=uuid4(), chat_id=chat_id, sender=Sender(name=NAMES.get(chat_id, "Somebody")), text="hello")


def come(engine: Engine, *chat_ids: int, names: dict[int, str] | None = None) -> None:
    """People come; each has a conversation from then on."""

    def settle(chat: Chat, happened: AnyEvent) -> Settled:
        number = happened.chat_id
        name = {**NAMES, **(names or {})}.get(number, f"Person {number}")
        person = Person(user_id=user(number), name=name)
        met = PersonMet(user_id=user(number), telegram_id=number, name=name, language="en", timezone="UTC")
        return Settled(chat=chat.evolve(person=person), changes=(met,))

    outcomes = handle(
        engine,
        [Incoming(event=something(chat_id)) for chat_id in chat_ids],
        settle,
        lambda *_: NOTHING,
        now=NOW,
        owner="me",
    )
    assert [o.error for o in outcomes] == [None] * len(chat_ids)


def keep(engine: Engine, *changes: AnyChange, by: int = OLGA, now: datetime = NOW) -> None:
    """One decision wants these changes kept. Raises what the database raises."""

    def settle(chat: Chat, _: AnyEvent) -> Settled:
        return Settled(chat=chat, changes=changes)

    handle(engine, [Incoming(event=something(by))], settle, lambda *_: NOTHING, now=now, owner="me")


def loaded(engine: Engine, chat_id: int, **needs: Any) -> Chat:
    """A chat with what `Needs` of these fields names."""
    with engine.begin() as connection:
        return load(connection, [something(chat_id)], lambda *_: Needs(**needs), NOW)[chat_id]


def rows(engine: Engine, table: Table, *columns: str) -> list[tuple[Any, ...]]:
    """All of a table, or some columns of it, by primary key."""
    wanted = [table.c[name] for name in columns] or list(table.c)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*wanted).order_by(*table.primary_key))]


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements that reach the database meanwhile."""
    found: list[str] = []

    def seen(_: Any, __: Any, statement: str, *___: Any) -> None:
        found.append(statement)

    event.listen(engine, "before_cursor_execute", seen)
    yield found
    event.remove(engine, "before_cursor_execute", seen)


def granted(chat_id: int, role: Role, by: UUID | None = None) -> RoleGranted:
    return RoleGranted(user_id=user(chat_id), role=role, by=by)


def tie(coach: int, coachee: int, **fields: Any) -> TieKept:
    """A coach and a coachee; active, primary and now where nothing else is said."""
    return TieKept(
        **{
            "tie_id": UUID(int=1000 * coach + coachee),
            "coach_id": user(coach),
            "coachee_id": user(coachee),
            "kind": "primary",
            "active": True,
            "at": NOW,
            **fields,
        }
    )


def family(parent: int, child: int, **fields: Any) -> GuardianshipKept:
    """A parent and a child; active, now, and nothing agreed where nothing else is said."""
    return GuardianshipKept(
        **{
            "guardianship_id": UUID(int=1000 * parent + child),
            "parent_id": user(parent),
            "child_id": user(child),
            "active": True,
            "agreed_at": None,
            "withdrawn_at": None,
            "at": NOW,
            **fields,
        }
    )


def link(number: int, **fields: Any) -> InviteMade:
    """Link `number`, which makes a coachee where nothing else is said."""
    return InviteMade(
        **{
            "invite_id": UUID(int=number),
            "role": "coachee",
            "inviter_id": None,
            "coachee_id": None,
            "coach_id": None,
            "kind": "primary",
            "expires_at": NOW.replace(year=2027),
            "at": NOW,
            **fields,
        }
    )


def hashed(number: int, token_hash: str = HASH) -> InviteHashed:
    return InviteHashed(invite_id=UUID(int=number), token_hash=token_hash)
