"""What the model cost: read for the budget before each call, and for the operator. It is written by `saving`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import Engine, case, func, select

from flows.changes import ModelUsed
from flows.records import Record
from flows.spending import Kind, Spent
from storage import tables as t
from storage.engine import reading
from storage.saving import add_usage


class Usage(Record):
    """A day's calls of one kind, whoever they were for, and their tokens. `cached` are part of `prompt`."""

    kind: Kind
    calls: int
    estimated_calls: int
    prompt: int
    cached: int
    completion: int

    @property
    def tokens(self) -> int:
        """What counts against the budget."""
        return self.prompt + self.completion


def spent(engine: Engine, user_id: UUID, day: date) -> tuple[int, int]:
    """The tokens of a day in UTC: the person's, and everybody's. Calls that are under way are not among them."""
    c = t.model_usage.c
    tokens = c.prompt_tokens + c.completion_tokens
    theirs = func.sum(case((c.user_id == user_id, tokens), else_=0))
    query = select(func.coalesce(theirs, 0), func.coalesce(func.sum(tokens), 0)).where(c.day == day)
    with reading(engine).begin() as connection:
        by_person, by_all = connection.execute(query).one()
    return int(by_person), int(by_all)


def totals(engine: Engine, day: date) -> list[Usage]:
    """What a day in UTC cost, by kind; none of a kind that was not called."""
    c = t.model_usage.c
    sums_of = (c.calls, c.estimated_calls, c.prompt_tokens, c.cached_tokens, c.completion_tokens)
    query = select(c.kind, *map(func.sum, sums_of)).where(c.day == day).group_by(c.kind).order_by(c.kind)
    names = ("calls", "estimated_calls", "prompt", "cached", "completion")
    with reading(engine).begin() as connection:
        return [
            Usage(kind=kind, **dict(zip(names, map(int, sums), strict=True)))
            for kind, *sums in connection.execute(query)
        ]


def count(engine: Engine, user_id: UUID, calls: Iterable[Spent], now: datetime) -> None:
    """Count calls that no event of a chat led to."""
    used = [ModelUsed(user_id=user_id, day=now.astimezone(UTC).date(), spent=spent) for spent in calls]
    if used:
        with engine.begin() as connection:
            add_usage(connection, used, now)
