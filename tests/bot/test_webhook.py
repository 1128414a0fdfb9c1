"""The webhook answers after the commit, and only to who knows the secret; what an operator asks is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette

from bot.breaker import MOST_FAILURES
from bot.http import LARGEST_UPDATE, SECRET_HEADER, Server, application
from bot.intake import Intake
from bot.model import ModelFailedError
from bot.nursery import Nursery
from bot.service import Core, _server, bot_of, core
from bot.settings import Settings
from bot.telegram.messenger import TelegramMessenger
from storage import letters
from storage import tables as t
from storage.engine import alive, connect
from storage.outbox import Mark
from storage.unit_of_work import Incoming, Outcome
from tests.arriving import are_in
from tests.servers import BotApi

MIRA, TOM = 101, 102
SECRET = "a-secret_Of_Ours-1"
Json = dict[str, Any]


# ---- what the tests are written with


class Webhook:
    """The served application, and whoever posts to it."""

    def __init__(self, made: Core, server: Server, api: BotApi) -> None:
        self.core, self.server, self.api = made, server, api
        app = server.config.app
        assert isinstance(app, Starlette)
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://waymark")

    async def post(self, body: Json | bytes, secret: str | None = SECRET) -> int:
        """Post an update; gives the status of the answer."""
        headers = {} if secret is None else {SECRET_HEADER.encode(): secret.encode()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return (await self._client.post("/telegram", content=content, headers=headers)).status_code

    async def close(self) -> None:
        await self._client.aclose()

    async def get(self, path: str) -> httpx.Response:
        return await self._client.get(path)

    def kept(self) -> list[int]:
        """The ids of the updates that are committed."""
        with self.core.engine.connect() as connection:
            return list(connection.execute(select(t.updates.c.update_id).order_by(t.updates.c.update_id)).scalars())

    def messages(self) -> int:
        """How many messages were ordered."""
        with self.core.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(t.outbox)).scalar_one()


@asynccontextmanager
async def webhook(database: str) -> AsyncIterator[Webhook]:
    """The product with its webhook, as `waymark run` composes it, and a Bot API server for its messages."""
    async with BotApi() as api:
        for chat_id, name in ((MIRA, "Mira"), (TOM, "Tom")):
            api.join(chat_id, name)
        settings = Settings(
            _env_file=None,
            database_url=database,
            telegram_bot_token=api.token,
            telegram_api_url=api.url,
            webhook_url="http://127.0.0.1/telegram",
            webhook_secret=SECRET,
            port=0,
        )
        async with bot_of(settings) as bot, core(settings, TelegramMessenger(bot)) as made:
            are_in(made.engine, (MIRA, TOM))
            intake = Intake(bot, made.runner, made.performer, made.clock)
            hook = Webhook(made, _server(settings, made, intake), api)
            yield hook
            await made.performer.quiet()
            await hook.close()


def said(update_id: int, text: str = "/nothing", chat_id: int = MIRA) -> Json:
    """An update: somebody wrote."""
    person = {"id": chat_id, "is_bot": False, "first_name": "Mira", "language_code": "en"}
    message = {"message_id": update_id, "date": 1_790_000_000, "chat": {"id": chat_id, "type": "private"}}
    return {"update_id": update_id, "message": {**message, "from": person, "text": text}}


class SlowWriter:
    """Takes the place of the runner's writing: waits, or raises, before it writes."""

    def __init__(self, made: Core, *raising: Exception) -> None:
        self.may_write = Event()
        self.tries = 0
        self._raising = list(raising)
        if raising:
            self.may_write.set()
        self._write = made.runner.write
        made.runner.write = self.write  # type: ignore[method-assign]

    def write(self, batch: Sequence[Incoming], marks: Sequence[Mark]) -> list[Outcome]:
        if not batch:
            return self._write(batch, marks)
        self.tries += 1
        assert self.may_write.wait(10)
        if self._raising:
            raise self._raising.pop(0)
        return self._write(batch, marks)


AWAY = OperationalError("", {}, Exception("the server closed the connection"))


# ---- who may post what


async def test_an_update_is_answered_with_200_and_is_committed_by_then(database: str) -> None:
    async with webhook(database) as hook:
        assert await hook.post(said(1)) == 200
        assert hook.kept() == [1]
        await hook.api.next_message(MIRA)


async def test_the_answer_waits_for_the_commit(database: str) -> None:
    async with webhook(database) as hook:
        writer = SlowWriter(hook.core)
        posting = asyncio.create_task(hook.post(said(1)))
        while not writer.tries:  # noqa: ASYNC110 - a thread sets it
            await asyncio.sleep(0)
        assert not posting.done()
        assert hook.kept() == []
        writer.may_write.set()
        assert await posting == 200
        assert hook.kept() == [1]


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", SECRET.upper(), "ünsägbar"])
async def test_without_the_secret_nothing_is_decided(database: str, secret: str | None) -> None:
    async with webhook(database) as hook:
        assert await hook.post(said(1), secret) == 401
        assert await hook.post(b"{", secret) == 401
        assert (hook.kept(), hook.messages()) == ([], 0)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b'"update"', b"null", b"\xff\xfe", b'{"update_id": \xff}'])
async def test_what_is_not_an_update_is_refused(database: str, body: bytes) -> None:
    async with webhook(database) as hook:
        assert await hook.post(body) == 400
        assert hook.kept() == []


async def test_a_body_of_deep_brackets_is_refused(database: str) -> None:
    async with webhook(database) as hook:
        assert await hook.post(b'{"a":' + b"[" * 100_000) == 400


async def test_a_body_that_is_too_large_is_refused(database: str) -> None:
    async with webhook(database) as hook:
        assert await hook.post(said(1, "x" * LARGEST_UPDATE)) == 413
        assert hook.kept() == []
        assert await hook.post(said(2, "x" * 4096)) == 200


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1},
        {"update_id": 1, "a_kind_of_next_year": {"id": 7}},
        {"update_id": 1, "message": {"message_id": 1, "date": 0, "chat": {"id": MIRA, "type": "private"}}},
        {"update_id": "one"},
        {},
    ],
    ids=["nothing in it", "of next year", "from nobody", "a strange id", "empty"],
)
async def test_an_update_that_means_nothing_to_us_is_acknowledged_and_changes_nothing(
    database: str, update: Json
) -> None:
    """Telegram would deliver it again and again, and everything behind it would wait."""
    async with webhook(database) as hook:
        assert await hook.post(update) == 200
        assert (hook.kept(), hook.messages()) == ([], 0)


async def test_an_update_that_cannot_be_read_is_acknowledged_and_set_aside_under_its_number(database: str) -> None:
    async with webhook(database) as hook:
        for _ in range(2):
            assert await hook.post({"update_id": 1, "message": "not a message"}) == 200
        [letter] = letters.letters(hook.core.engine)
        assert (letter.id, letter.kind) == ("u1", "update")
        assert not letters.retry(hook.core.engine, letter.id, hook.core.clock.now()), "there is nothing to retry"
        assert await hook.post(said(2)) == 200


async def test_an_update_that_is_delivered_twice_is_decided_once(database: str) -> None:
    async with webhook(database) as hook:
        assert await hook.post(said(1)) == 200
        ordered = hook.messages()
        assert await hook.post(said(1)) == 200
        assert hook.messages() == ordered


async def test_an_update_that_is_delivered_twice_at_once_is_decided_once(database: str) -> None:
    async with webhook(database) as hook:
        assert await asyncio.gather(*(hook.post(said(1)) for _ in range(5))) == [200] * 5
        await hook.core.performer.quiet()
        assert sum("/nothing" in m.text for m in hook.api.chats[MIRA].from_bot) == 1


async def test_updates_may_come_in_any_order(database: str) -> None:
    async with webhook(database) as hook:
        for update_id in (9, 7, 8):
            assert await hook.post(said(update_id)) == 200
        assert hook.kept() == [7, 8, 9]


# ---- a database that refuses


async def test_while_the_database_is_away_nothing_is_acknowledged(database: str) -> None:
    async with webhook(database) as hook:
        writer = SlowWriter(hook.core, AWAY, AWAY)
        assert await hook.post(said(1)) == 200
        assert writer.tries == 3
        assert hook.kept() == [1]


async def test_an_update_that_spoiled_its_batch_is_tried_alone(database: str) -> None:
    async with webhook(database) as hook:
        SlowWriter(hook.core, RuntimeError("a defect"))
        assert await hook.post(said(1)) == 200
        assert hook.kept() == [1]
        assert letters.letters(hook.core.engine) == []


async def test_an_update_that_cannot_be_saved_is_set_aside_and_acknowledged_and_the_person_told(
    database: str,
) -> None:
    async with webhook(database) as hook:
        assert await hook.post(said(1)) == 200
        SlowWriter(hook.core, RuntimeError("a defect"), RuntimeError("a defect"))
        assert await hook.post(said(2)) == 200
        [letter] = letters.letters(hook.core.engine)
        assert (letter.id, letter.kind, letter.chat_id) == ("u2", "update", MIRA)
        await hook.core.performer.quiet()
        assert hook.api.chats[MIRA].from_bot[-1].text.startswith("Something went wrong at my end")
        assert await hook.post(said(3)) == 200


async def test_telegram_delivers_again_until_it_is_taken_and_each_chat_keeps_its_order(database: str) -> None:
    """The whole loop over HTTP: a refusal is delivered again, and is decided once."""
    async with webhook(database) as hook:
        nursery = Nursery()
        nursery.start(hook.server.serve(), "http")
        while not hook.server.started:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0)
        port = hook.server.servers[0].sockets[0].getsockname()[1]
        async with bot_of(hook_settings(hook.api)) as bot:
            await bot.set_webhook(f"http://127.0.0.1:{port}/telegram", secret_token="wrong")
            updates = [hook.api.say(chat, f"/nothing{n}") for n in range(10) for chat in (MIRA, TOM)]
            await hook.api.wait_for(lambda: hook.api.deliveries[updates[0]] >= 2)
            assert hook.kept() == []
            await bot.set_webhook(f"http://127.0.0.1:{port}/telegram", secret_token=SECRET)
            await hook.api.settled()
        assert hook.kept() == sorted(updates)
        await hook.core.performer.quiet()
        for chat in (MIRA, TOM):
            answers = [m.text.split(".")[0] for m in hook.api.chats[chat].from_bot if "/nothing" in m.text]
            assert answers == [f"I don't know /nothing{n}" for n in range(10)]
        hook.server.should_exit = True
        await hook.server.stopped(5)
        await nursery.close()


def hook_settings(api: BotApi) -> Settings:
    return Settings(_env_file=None, telegram_bot_token=api.token, telegram_api_url=api.url)


# ---- what an operator asks


async def test_without_a_webhook_there_is_nothing_to_post_to(database: str) -> None:
    async with webhook(database) as hook:
        app = application(None, None, _yes, _nothing)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://waymark") as client:
            answer = await client.post("/telegram", json=said(1), headers={SECRET_HEADER: ""})
        assert answer.status_code == 404
        assert hook.kept() == []


async def _yes() -> bool:
    return True


async def _nothing() -> bytes:
    return b""


async def test_the_pages_of_an_operator(database: str) -> None:
    async with webhook(database) as hook:
        assert (await hook.get("/healthz")).status_code == 200
        assert (await hook.get("/readyz")).status_code == 200
        assert (await hook.get("/telegram")).status_code == 405
        assert (await hook.get("/")).status_code == 404


async def test_the_metrics_count_and_name_no_person(database: str) -> None:
    async with webhook(database) as hook:
        await hook.post(said(1))
        await hook.post(said(1))
        await hook.api.next_message(MIRA)
        await hook.core.performer.quiet()
        page = (await hook.get("/metrics")).text
        assert "waymark_updates_taken 2.0" in page
        assert "waymark_messages_performed 1.0" in page
        assert "waymark_events_set_aside 0.0" in page
        assert "waymark_model_open 0.0" in page
        assert "waymark_model_budget_tokens_per_day 2e+07" in page
        assert 'waymark_model_tokens_today{kind="summary"} 0.0' in page
        assert 'waymark_model_calls_today{kind="reflect"} 0.0' in page
        assert str(MIRA) not in page


async def test_the_metrics_show_a_model_that_is_down(database: str) -> None:
    async with webhook(database) as hook:
        for _ in range(MOST_FAILURES):
            with pytest.raises(ModelFailedError), hook.core.breaker.guarding():
                raise ModelFailedError("timeout")
        assert "waymark_model_open 1.0" in (await hook.get("/metrics")).text


@pytest.mark.parametrize("url", ["sqlite:///{}/no/such/place.db", "postgresql://nobody@127.0.0.1:1/none"])
async def test_not_ready_while_the_database_is_away(url: str, tmp_path: Path) -> None:
    engine = connect(url.format(tmp_path))

    async def ready() -> bool:
        return await asyncio.to_thread(alive, engine)

    app = application(None, None, ready, _nothing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://waymark") as client:
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
    engine.dispose()
