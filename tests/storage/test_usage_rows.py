"""What the model cost is added up: a row for a day, a person, what it was for and a model, whoever writes to it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any, get_args
from uuid import UUID, uuid5

import pytest
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import IntegrityError

from flows import spending
from flows.changes import ModelUsed
from flows.spending import Spent
from storage import tables as t
from storage.engine import connect, is_sqlite
from tests.storage.test_unit_of_work import ADA, FACTS, MIRA, NOW, TOM, batch, changing, count, failing, wrote

DAY = date(2026, 11, 23)
COUNTS = ("calls", "estimated_calls", "prompt_tokens", "cached_tokens", "completion_tokens")


def person(chat_id: int) -> UUID:
    """Who writes in a chat, from their first update on: the one with the chat's number."""
    return uuid5(uuid5(FACTS, str(chat_id)), "user")


def met(engine: Engine, *chat_ids: int) -> None:
    """People who are there."""
    for chat_id in chat_ids:
        batch(engine, wrote(chat_id, chat_id=chat_id))
    with engine.connect() as connection:
        assert set(connection.execute(select(t.users.c.id)).scalars()) >= {person(chat_id) for chat_id in chat_ids}


def a_call(chat_id: int = MIRA, day: date = DAY, **fields: Any) -> ModelUsed:
    """A call to the model for somebody: 100 tokens in, 40 of them known already, 7 out."""
    usual = {"kind": "summary", "model": "m", "prompt": 100, "cached": 40, "completion": 7}
    return ModelUsed(user_id=person(chat_id), day=day, spent=Spent(**usual | fields))


def used(engine: Engine) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """All counts, by chat, day, kind and model."""
    names = {person(chat_id): chat_id for chat_id in (MIRA, TOM, ADA)}
    with engine.connect() as connection:
        return {
            (names[row.user_id], row.day, row.kind, row.model): tuple(row._mapping[name] for name in COUNTS)
            for row in connection.execute(select(t.model_usage))
        }


def keep(engine: Engine, number: int, calls: Iterable[ModelUsed], chat_id: int = MIRA) -> None:
    """One batch with these changes."""
    [outcome] = batch(engine, wrote(number, chat_id=chat_id), settle=changing(*calls))
    assert outcome.error is None


def test_calls_of_one_key_in_one_batch_are_one_row(engine: Engine) -> None:
    met(engine, MIRA)
    keep(engine, 1, [a_call(), a_call(prompt=1, cached=0, completion=2, estimated=True), a_call()])
    assert used(engine) == {(MIRA, DAY, "summary", "m"): (3, 1, 201, 80, 16)}


def test_calls_of_several_batches_are_added(engine: Engine) -> None:
    met(engine, MIRA)
    for number in range(1, 4):
        keep(engine, number, [a_call(estimated=number == 2)])
    assert used(engine) == {(MIRA, DAY, "summary", "m"): (3, 1, 300, 120, 21)}


def test_the_first_call_may_be_made_for_somebody_who_is_met_in_the_same_batch(engine: Engine) -> None:
    keep(engine, MIRA, [a_call()])
    assert used(engine) == {(MIRA, DAY, "summary", "m"): (1, 0, 100, 40, 7)}


def test_days_people_kinds_and_models_are_counted_apart(engine: Engine) -> None:
    met(engine, MIRA, TOM)
    apart = [
        a_call(),
        a_call(chat_id=TOM),
        a_call(model="another"),
        a_call(day=DAY + timedelta(days=1)),
        *(a_call(kind=kind, prompt=5) for kind in ("reflect", "transcribe")),
    ]
    keep(engine, 1, apart)
    keep(engine, 2, reversed(apart))
    keys = [
        (MIRA, DAY, "summary", "m"),
        (TOM, DAY, "summary", "m"),
        (MIRA, DAY, "summary", "another"),
        (MIRA, DAY + timedelta(days=1), "summary", "m"),
    ]
    assert used(engine) == {
        **dict.fromkeys(keys, (2, 0, 200, 80, 14)),
        **{(MIRA, DAY, kind, "m"): (2, 0, 10, 80, 14) for kind in ("reflect", "transcribe")},
    }


def test_chats_of_one_batch_are_counted_each_for_its_person(engine: Engine) -> None:
    met(engine, MIRA, TOM)
    calls = {MIRA: [a_call()], TOM: [a_call(TOM, prompt=9), a_call(TOM)]}
    outcomes = batch(
        engine,
        wrote(1, chat_id=MIRA),
        wrote(2, chat_id=TOM),
        settle=lambda chat, happened: changing(*calls[chat.chat_id])(chat, happened),
    )
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert used(engine) == {
        (MIRA, DAY, "summary", "m"): (1, 0, 100, 40, 7),
        (TOM, DAY, "summary", "m"): (2, 0, 109, 80, 14),
    }


def test_every_kind_of_call_is_counted(engine: Engine) -> None:
    """The kinds of a call and those that the database takes are the same."""
    met(engine, MIRA)
    keep(engine, 1, [a_call(kind=kind) for kind in get_args(spending.Kind)])
    assert {kind for _, _, kind, _ in used(engine)} == set(get_args(spending.Kind))


def test_counts_may_grow_past_32_bits_and_a_models_name_may_be_long(engine: Engine) -> None:
    met(engine, MIRA)
    for number in (1, 2):
        keep(engine, number, [a_call(prompt=2**31, cached=2**31, completion=2**31, model="ü" * 200)] * 2)
    assert used(engine) == {(MIRA, DAY, "summary", "ü" * 128): (4, 0, 2**33, 2**33, 2**33)}


def test_a_call_is_counted_once_where_its_update_comes_again(engine: Engine) -> None:
    met(engine, MIRA)
    for _ in range(2):
        batch(engine, wrote(1), settle=changing(a_call()))
    assert used(engine) == {(MIRA, DAY, "summary", "m"): (1, 0, 100, 40, 7)}


def test_what_cannot_be_counted_takes_its_batch_with_it(engine: Engine) -> None:
    """A call of nobody is a mistake: nothing of the batch is kept, nor is it for an event that failed."""
    met(engine, MIRA, TOM)
    with pytest.raises(IntegrityError):
        keep(engine, 1, [a_call(), a_call(chat_id=999)])
    assert used(engine) == {}
    [failed, kept] = batch(engine, wrote(2, chat_id=TOM), wrote(3), settle=failing(TOM, changing(a_call())))
    assert failed.error
    assert not kept.error
    assert used(engine) == {(MIRA, DAY, "summary", "m"): (1, 0, 100, 40, 7)}


def test_many_calls_take_as_many_statements_as_one(engine: Engine) -> None:
    met(engine, MIRA)
    settle = changing(*(a_call(model=f"m{number}") for number in range(300)))
    batch(engine, wrote(1), settle=settle)
    batch(engine, wrote(2), settle=settle)
    assert list(used(engine).values()) == [(2, 0, 200, 80, 14)] * 300


# ---- several writers


def test_writers_at_once_lose_no_call(database: str, engine: Engine) -> None:
    """Two people and both their calls in each batch, in one order here and in the other there."""
    met(engine, MIRA, TOM)
    other = connect(database)
    together, rounds = Barrier(2), 15
    calls = [a_call(chat_id, model=f"m{number}") for number in range(10) for chat_id in (MIRA, TOM)]

    def work(mine: Engine, chat_id: int, first: int, mixed: list[ModelUsed]) -> None:
        together.wait(10)
        for number in range(first, first + rounds):
            keep(mine, number, mixed, chat_id=chat_id)

    with ThreadPoolExecutor(2) as pool:
        here = pool.submit(work, engine, MIRA, 1000, calls)
        there = pool.submit(work, other, TOM, 2000, calls[::-1])
        for done in (here, there):
            done.result(60)
    other.dispose()
    assert len(used(engine)) == 20
    assert set(used(engine).values()) == {(2 * rounds, 0, 200 * rounds, 80 * rounds, 14 * rounds)}


@pytest.mark.parametrize("fresh", [True, False], ids=["new-rows", "known-rows"])
def test_writers_of_the_same_rows_do_not_wait_for_each_other_in_a_circle(engine: Engine, fresh: bool) -> None:
    """Both come to the first row while it is held, whichever they were given first; let go, both get through."""
    if is_sqlite(engine):
        pytest.skip("SQLite has one writer")
    met(engine, MIRA, TOM)
    calls = [a_call(model="a"), a_call(model="b")]
    if not fresh:
        keep(engine, 1, calls)
    names = {"day": DAY, "user_id": person(MIRA), "kind": "summary", "model": "a"}
    with ThreadPoolExecutor(2) as pool:
        with engine.begin() as held:
            if fresh:
                held.execute(insert(t.model_usage), names | dict.fromkeys(COUNTS, 0))
            else:
                held.execute(select(t.model_usage).where(t.model_usage.c.model == "a").with_for_update())
            waiting = [pool.submit(keep, engine, 10, calls, MIRA)]
            until_as_many_wait(engine, 1)
            waiting.append(pool.submit(keep, engine, 20, calls[::-1], TOM))
            until_as_many_wait(engine, 2)
        for done in waiting:
            done.result(20)
    made = 2 if fresh else 3
    assert used(engine) == {
        (MIRA, DAY, "summary", model): (made, 0, 100 * made, 40 * made, 7 * made) for model in ("a", "b")
    }


def until_as_many_wait(engine: Engine, many: int) -> None:
    """Until so many wait for a lock of this PostgreSQL database."""
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watch:
        for _ in range(2000):
            if watch.execute(waits).scalar() == many:
                return
            watch.execute(text("SELECT pg_sleep(0.005)"))
    raise AssertionError("they do not wait")


def test_who_only_counts_does_not_keep_others_from_the_person(engine: Engine) -> None:
    """A row of usage refers to its person; that is no reason for their chat to wait."""
    if is_sqlite(engine):
        pytest.skip("SQLite has one writer")
    met(engine, MIRA, TOM)
    with ThreadPoolExecutor(1) as pool, engine.begin() as held:
        row = {"day": DAY, "user_id": person(MIRA), "kind": "reflect", "model": "m"}
        held.execute(insert(t.model_usage), row | dict.fromkeys(COUNTS, 1))
        [outcome] = pool.submit(batch, engine, wrote(1), settle=count, now=NOW).result(10)
    assert outcome.error is None
