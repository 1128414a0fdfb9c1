"""Real processes with the settings of a real deployment: how they start, refuse to start, share the work, stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import Engine, select

from storage import tables as t
from tests.arriving import arrive
from tests.servers import BotApi

pytestmark = pytest.mark.processes

RUNS = count()


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A Bot API server."""
    async with BotApi() as server:
        yield server


@contextmanager
def taken_port() -> Iterator[int]:
    """A port that somebody else serves."""
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        yield other.getsockname()[1]


def free_port() -> int:
    """A port that nobody serves."""
    with taken_port() as port:
        return port


class Process:
    """A running `waymark`."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process, self._log = process, log

    @property
    def said(self) -> str:
        """All it printed."""
        with self._log.open() as file:
            return file.read()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end; gives the exit code."""
        return await asyncio.wait_for(self._process.wait(), 20)


@asynccontextmanager
async def waymark(command: str, tmp_path: Path, **settings: str) -> AsyncIterator[Process]:
    """A `waymark` process with nothing in its environment but these settings."""
    log = tmp_path / f"{command}-{next(RUNS)}.log"
    env = {"PATH": os.environ["PATH"], **settings}
    with log.open("w") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", command),
            env=env,
            stdout=output,
            stderr=output,
            cwd=Path(__file__).parent.parent,
        )
    try:
        yield Process(process, log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def live(api: BotApi, database: str, **more: str) -> dict[str, str]:
    """The settings of a deployment on the local server."""
    return {
        "TELEGRAM_BOT_TOKEN": api.token,
        "TELEGRAM_API_URL": api.url,
        "DATABASE_URL": database,
        "PORT": str(free_port()),
        **more,
    }


async def test_starting_and_stopping(api: BotApi, database: str, tmp_path: Path) -> None:
    """It sets its commands, serves, and on SIGTERM finishes what it has and ends with 0."""
    async with waymark("run", tmp_path, **live(api, database)) as process:
        await arrive(api, 7, "/session")
        await api.wait_for(lambda: any("How present" in text for text in api.chats[7].texts), 20)
        assert {c["command"] for c in api.commands_for(7, "en")} >= {"start", "session", "pause", "cancel", "help"}
        process.signal(signal.SIGTERM)
        assert await process.ended() == 0
    assert "Traceback" not in process.said


async def test_health_and_metrics(api: BotApi, database: str, tmp_path: Path) -> None:
    """The operator's pages answer while it polls, and there is no webhook then."""
    settings = live(api, database)
    async with waymark("run", tmp_path, **settings):
        await api.wait_for(lambda: api.calls("getUpdates"), 20)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{settings['PORT']}") as client:
            for path, status, words in (
                ("healthz", 200, "ok"),
                ("readyz", 200, "ready"),
                ("metrics", 200, "waymark_"),
            ):
                async with client.get(f"/{path}") as response:
                    assert response.status == status
                    assert words in await response.text()
            async with client.post("/telegram", json={"update_id": 1}) as response:
                assert response.status == 404


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "TELEGRAM_BOT_TOKEN is not set"),
        ({"TELEGRAM_BOT_TOKEN": "1:a", "WEBHOOK_URL": "https://x.example"}, "WEBHOOK_SECRET"),
        ({"TELEGRAM_BOT_TOKEN": "1:a", "ACCESS": "nobody"}, "ACCESS"),
        ({"TELEGRAM_BOT_TOKEN": "1:a", "CONSENT_AGES": "DE:16,Austria:14"}, "CONSENT_AGES"),
        ({"TELEGRAM_BOT_TOKEN": "1:a", "DATA_KEYS": "k"}, "DATA_KEYS"),
        ({"TELEGRAM_BOT_TOKEN": "1:a", "PORT": "many"}, "PORT"),
    ],
)
async def test_settings_that_cannot_be_honoured(settings: dict[str, str], words: str, tmp_path: Path) -> None:
    """It refuses to start, in a word and without a traceback."""
    async with waymark("run", tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/x.db", **settings) as process:
        assert await process.ended() == 2
    assert words in process.said
    assert "Traceback" not in process.said


async def test_a_port_that_is_taken(api: BotApi, tmp_path: Path) -> None:
    """It says so and ends, before it takes an update."""
    with taken_port() as port:
        settings = live(api, f"sqlite:///{tmp_path}/x.db", PORT=str(port))
        async with waymark("run", tmp_path, **settings) as process:
            assert await process.ended() == 2
    assert f"PORT {port} is taken" in process.said
    assert not api.calls("getUpdates")


async def test_a_second_process_on_sqlite(api: BotApi, tmp_path: Path) -> None:
    """One process serves a SQLite database; the second is told so and ends."""
    database = f"sqlite:///{tmp_path}/x.db"
    async with waymark("run", tmp_path, **live(api, database)):
        await api.wait_for(lambda: api.calls("getUpdates"), 20)
        async with waymark("run", tmp_path, **live(api, database)) as second:
            assert await second.ended() == 2
    assert "another Waymark is running" in second.said


async def test_a_wrong_token_is_complained_of_and_waited_for(api: BotApi, tmp_path: Path) -> None:
    """The log says what to check."""
    settings = live(api, f"sqlite:///{tmp_path}/x.db", TELEGRAM_BOT_TOKEN="999:wrong")
    async with waymark("run", tmp_path, **settings) as process:
        await api.wait_for(lambda: api.counts["unauthorized"] >= 2, 20)
        process.signal(signal.SIGTERM)
        assert await process.ended() == 0
    assert "check TELEGRAM_BOT_TOKEN" in process.said


async def test_web_and_work_share_a_database(api: BotApi, database: str, engine: Engine, tmp_path: Path) -> None:
    """`web` converses by webhook; `work` delivers a reminder that is due. Both are the Procfile's, on PostgreSQL."""
    if database.startswith("sqlite"):
        pytest.skip("one process serves SQLite")
    settings = live(api, database, WEBHOOK_SECRET="a-secret")
    settings["WEBHOOK_URL"] = f"http://127.0.0.1:{settings['PORT']}"
    async with waymark("web", tmp_path, **settings), waymark("work", tmp_path, **settings):
        await api.wait_for(lambda: api.calls("setWebhook"), 20)
        await arrive(api, 7)
        await api.wait_for(lambda: any("No open items" in text for text in api.chats[7].texts), 20)
        await api.settled()
        with engine.begin() as connection:
            [user_id] = connection.execute(select(t.users.c.id)).scalars()
            heard = {"quiet_from": "00:00", "quiet_until": "00:00"}  # whatever the hour at which this is run
            connection.execute(t.users.update().values(**heard))
            connection.execute(
                t.timers.insert().values(
                    id=user_id,
                    chat_id=7,
                    key="check_in:x",
                    kind="check_in",
                    subject=user_id,
                    due_at=datetime(2026, 1, 1, tzinfo=UTC),
                    attempt=0,
                    state="pending",
                    created_at=datetime(2026, 1, 1, tzinfo=UTC),
                )
            )
        await api.wait_for(lambda: any("the day you named" in text for text in api.chats[7].texts), 20)
    with engine.connect() as connection:
        assert connection.execute(select(t.timers.c.state)).scalars().all() == ["fired"]


async def test_a_letter_is_listed_and_tried_again(api: BotApi, database: str, engine: Engine, tmp_path: Path) -> None:
    """`waymark letters list` shows it without words; `retry` has the running process deal with it."""
    settings = live(api, database)
    async with waymark("run", tmp_path, **settings):
        await arrive(api, 7)
        await api.wait_for(lambda: any("No open items" in text for text in api.chats[7].texts), 20)
        await api.settled()
        event = {
            "type": "CommandSent", "id": "00000000-0000-0000-0000-000000000001", "chat_id": 7,
            "sender": {"name": "Mira"}, "name": "session",
        }  # fmt: skip
        values = {"update_id": 5, "chat_id": 7, "claimed_at": datetime(2026, 1, 1, tzinfo=UTC)}
        with engine.begin() as connection:
            connection.execute(
                t.updates.insert().values(**values, state="failed", event=event, reason="KeyError at x")
            )
        listed = await _cli(tmp_path, settings, "letters", "list")
        assert "u5" in listed
        assert "KeyError at x" in listed
        assert "Mira" not in listed
        assert "1 to be tried again" in await _cli(tmp_path, settings, "letters", "retry", "u5")
        await api.wait_for(lambda: any("How present" in text for text in api.chats[7].texts), 20)
        assert "no letter u99" in await _cli(tmp_path, settings, "letters", "retry", "u99")
    with engine.connect() as connection:
        states = connection.execute(select(t.updates.c.state)).scalars().all()
    assert set(states) == {"claimed"}


async def _cli(tmp_path: Path, settings: dict[str, str], *arguments: str) -> str:
    """What a command prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", **settings},
        cwd=Path(__file__).parent.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 20)
    return printed.decode()
