"""`waymark doctor` looks at what a deployment needs and says what to do about what is not there."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, insert

from bot.clock import Clock
from bot.doctor import examine
from bot.settings import Settings
from storage import tables as t
from storage.migrations import head
from tests.playbook import START, TestClock
from tests.servers import BotApi, ModelServer


async def findings(clock: Clock | None = None, **settings: str) -> dict[str, tuple[bool | None, str]]:
    """What the doctor says, by what it is about."""
    return {f.about: (f.fine, f.words) async for f in examine(Settings(_env_file=None, **settings), clock)}


async def test_all_is_well(database: str) -> None:
    """A migrated database, a token that is known, a model that is there."""
    async with BotApi() as api, ModelServer() as model:
        found = await findings(
            database_url=database,
            telegram_bot_token=api.token,
            telegram_api_url=api.url,
            openai_api_key=model.api_key,
            openai_base_url=model.base_url,
        )
    assert [fine for fine, _ in found.values()] == [True, True, True, None, None, True, True, True, None, None]
    assert found["webhook"][1] == "none, updates are fetched by polling"


@pytest.mark.parametrize(
    ("limit", "calls", "fine", "words"),
    [
        ("20000000", 3, None, "12,345 of 20,000,000 tokens spent today (UTC), 3 calls"),
        ("0", 1, None, "12,345 tokens spent today (UTC), 1 call"),
        (
            "12345",
            3,
            False,
            "12,345 of 12,345 tokens spent today (UTC), 3 calls: no model is asked any more;"
            " raise MODEL_TOKENS_DAY or wait until 00:00 UTC",
        ),
    ],
)
async def test_the_budget(
    database: str, engine: Engine, limit: str, calls: int, fine: bool | None, words: str
) -> None:
    """How much of it is spent, and what to do when all of it is."""
    spend(engine, START.date(), calls, 12_000, 345)
    spend(engine, START.date() + timedelta(days=1), calls, 7, 7)
    found = await findings(TestClock(), database_url=database, model_tokens_day=limit)
    assert found["budget"] == (fine, words)


def spend(engine: Engine, day: date, calls: int, prompt: int, completion: int) -> None:
    """Somebody's use of the model on a day."""
    with engine.begin() as connection:
        user = uuid4()
        connection.execute(
            insert(t.users).values(
                id=user, telegram_id=day.day, name="x", language="en", timezone="UTC", created_at=START
            )
        )
        connection.execute(
            insert(t.model_usage).values(
                day=day,
                user_id=user,
                kind="summary",
                model="m",
                calls=calls,
                estimated_calls=0,
                prompt_tokens=prompt,
                cached_tokens=0,
                completion_tokens=completion,
            )
        )


async def test_nothing_is_there(tmp_path: Path) -> None:
    """An empty database, no token, no model: each with what to do."""
    found = await findings(database_url=f"sqlite:///{tmp_path}/new.db")
    assert found["migrations"] == (False, f"at nothing, the product needs {head()}: run `waymark migrate`")
    assert "@BotFather" in found["token"][1]
    assert found["model"][0] is None


async def test_nothing_answers(tmp_path: Path) -> None:
    """A database, a Bot API and a model that are away; no password is printed."""
    found = await findings(
        database_url="postgresql://somebody:hunter2@127.0.0.1:1/none",
        telegram_bot_token="1:a",
        telegram_api_url="http://127.0.0.1:1",
        openai_api_key="k",
        openai_base_url="http://127.0.0.1:1/v1",
    )
    assert [found[about][0] for about in ("database", "token", "model")] == [False, False, False]
    assert "hunter2" not in str(found)


async def test_a_token_nobody_knows(tmp_path: Path) -> None:
    """It is the token that is wrong, and not the server."""
    async with BotApi() as api:
        found = await findings(
            database_url=f"sqlite:///{tmp_path}/x.db", telegram_bot_token="999:wrong", telegram_api_url=api.url
        )
    assert found["token"] == (False, "Telegram does not know it: check TELEGRAM_BOT_TOKEN")
