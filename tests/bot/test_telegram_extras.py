"""Drafts and files over real HTTP: what Telegram's answers mean for who calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from telegram import Bot

from bot.perform import Blocked, DeliveryError, Later, Refused, Unreachable
from bot.render import Message
from bot.telegram import messenger as module
from bot.telegram import transport
from bot.telegram.messenger import TelegramMessenger
from bot.telegram.transport import AiohttpRequest, TooLargeError, transport_of
from tests.servers import BotApi
from tests.servers.bot_api_params import Upload

MIRA, GROUP = 101, -7
VOICE = bytes(range(256)) * 1000


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A Bot API server in which Mira has opened a chat with the bot."""
    async with BotApi() as server:
        server.join(MIRA)
        yield server


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    """The client, as the service makes it."""
    async with Bot(
        api.token,
        base_url=f"{api.url}/bot",
        base_file_url=f"{api.url}/file/bot",
        request=AiohttpRequest(),
        get_updates_request=AiohttpRequest(),
    ) as made:
        yield made


@pytest.fixture
def messenger(bot: Bot) -> TelegramMessenger:
    """What is tested."""
    return TelegramMessenger(bot)


def spoken(api: BotApi, content: bytes = VOICE, **more: Any) -> str:
    """Mira speaks a voice message; gives the file's id."""
    api.voice(MIRA, content, **more)
    media = api.chats[MIRA].messages[-1].media
    assert media is not None
    return str(media["voice"]["file_id"])


# ---- drafts


async def test_a_draft_is_seen_and_is_no_message(api: BotApi, messenger: TelegramMessenger) -> None:
    """Each one replaces the last; the message ends it."""
    for text in ("You said", "You said that"):
        await messenger.draft(MIRA, 7, text)
    chat = api.chats[MIRA]
    assert (chat.drafts, chat.draft, chat.messages) == ([(7, "You said"), (7, "You said that")], "You said that", [])
    await messenger.send(MIRA, Message(text="You said that."), None)
    assert (chat.draft, len(chat.drafts), chat.texts) == (None, 2, ["You said that."])


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 429, "retry_after": 3}, Later),
        ({"status": 403}, Blocked),
        ({"status": 400}, Refused),
        ({"status": 500}, Unreachable),
        ({"drop": True}, Unreachable),
    ],
)
async def test_a_draft_that_is_not_taken(
    api: BotApi, messenger: TelegramMessenger, fault: dict[str, Any], error: type[DeliveryError]
) -> None:
    """It says why, and nothing is shown."""
    api.fault("sendMessageDraft", **fault)
    with pytest.raises(error):
        await messenger.draft(MIRA, 7, "You said")
    assert api.chats[MIRA].drafts == []


async def test_drafts_that_telegram_refuses(api: BotApi, messenger: TelegramMessenger) -> None:
    """Without an id, in a group, too long, to nobody."""
    api.join(GROUP, chat_type="group")
    for chat_id, draft_id, text in ((MIRA, 0, "a"), (GROUP, 7, "a"), (MIRA, 7, "a" * 4097)):
        with pytest.raises(Refused):
            await messenger.draft(chat_id, draft_id, text)
    with pytest.raises(Blocked):
        await messenger.draft(404, 7, "a")


# ---- files


async def test_a_voice_message_is_fetched(api: BotApi, messenger: TelegramMessenger) -> None:
    """As it was sent: by getFile, then by the path that it gives."""
    first, second = spoken(api), spoken(api, b"another", duration=30)
    assert await messenger.fetch(first) == VOICE
    assert await messenger.fetch(second) == b"another"
    assert [r.method for r in api.requests if r.method != "getMe"] == ["getFile", "file"] * 2
    assert "/" in api.calls("file")[0].params["file_path"]
    assert api.chats[MIRA].messages[-1].media == {
        "voice": {
            "file_id": second,
            "file_unique_id": f"u{second}",
            "file_size": 7,
            "duration": 30,
            "mime_type": "audio/ogg",
        }
    }


async def test_a_file_that_is_too_big(
    api: BotApi, messenger: TelegramMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram says so; or its size does, before a byte is loaded; or the bytes themselves, as they come."""
    with pytest.raises(Refused, match="too big"):
        await messenger.fetch(spoken(api, size=20 * 1024 * 1024 + 1))
    monkeypatch.setattr(module, "LARGEST_FILE", 1000)
    with pytest.raises(Refused, match="too big"):
        await messenger.fetch(spoken(api, b"x" * 1001))
    assert not api.calls("file")
    with pytest.raises(Refused, match="too big"):
        await messenger.fetch(spoken(api, b"x" * 1001, size=1000))
    assert len(api.calls("file")) == 1
    assert await messenger.fetch(spoken(api, b"x" * 1000)) == b"x" * 1000


@pytest.mark.parametrize("method", ["getFile", "file"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 429, "retry_after": 3}, Later),
        ({"status": 400}, Refused),
        ({"status": 401}, Unreachable),
        ({"status": 404}, Unreachable),
        ({"status": 500}, Unreachable),
        ({"drop": True}, Unreachable),
        ({"drop": True, "before": False}, Unreachable),
    ],
)
async def test_a_file_that_does_not_come(
    api: BotApi, messenger: TelegramMessenger, method: str, fault: dict[str, Any], error: type[DeliveryError]
) -> None:
    """Neither by the one call nor by the other; the next time it does."""
    file_id = spoken(api)
    programmed = api.fault(method, times=None, **fault)  # a GET that is lost is tried again by aiohttp itself
    with pytest.raises(error):
        await messenger.fetch(file_id)
    programmed.cancel()
    assert await messenger.fetch(file_id) == VOICE


async def test_a_file_that_telegram_does_not_know(api: BotApi, messenger: TelegramMessenger) -> None:
    """An id that is made up; a server that is away."""
    with pytest.raises(Refused, match="wrong file_id"):
        await messenger.fetch("made-up")
    await api.stop()
    with pytest.raises(Unreachable):
        await messenger.fetch("made-up")


async def test_what_goes_wrong_does_not_tell_the_token(
    api: BotApi, messenger: TelegramMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is in the URL of a file, and no error says it."""
    monkeypatch.setattr(transport, "DOWNLOAD_SECONDS", 0.1)
    file_id = spoken(api)
    for fault in ({"status": 404}, {"drop": True}, {"hang": 30.0}):
        programmed = api.fault("file", times=None, **fault)
        with pytest.raises(DeliveryError) as failed:
            await messenger.fetch(file_id)
        programmed.cancel()
        assert api.token not in repr(failed.value)


async def test_a_body_may_only_be_so_long(api: BotApi, bot: Bot) -> None:
    """Whether its length is said or not; what is within the limit comes whole, and the connection goes on."""
    api.files["odd"] = Upload("odd.bin", VOICE)
    url = f"{bot.base_file_url}/files/odd.bin"
    through = transport_of(bot)
    assert await through.get(url, len(VOICE)) == (200, VOICE)
    with pytest.raises(TooLargeError):
        await through.get(url, len(VOICE) - 1)
    assert await through.get(url, len(VOICE)) == (200, VOICE)

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(TooLargeError):
        await through.get(f"http://127.0.0.1:{port}/", 100_000)
    server.close()


@pytest.mark.parametrize("result", ["true", "{}", '{"file_id": "a"}', "[]", "null"])
async def test_an_answer_of_getfile_that_is_none(
    messenger: TelegramMessenger, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the file is out of reach."""

    async def odd(*_args: object) -> tuple[int, bytes]:
        return 200, f'{{"ok": true, "result": {result}}}'.encode()

    monkeypatch.setattr(AiohttpRequest, "post_json", odd)
    with pytest.raises(Unreachable):
        await messenger.fetch("a")


# ---- the server itself


async def test_a_voice_message_from_another_process(api: BotApi) -> None:
    """As the control does it."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{api.url}/control/voice", json={"chat_id": MIRA, "content": "sound", "duration": 9}) as answer,
    ):
        assert (await answer.json())["ok"]
    message = api.chats[MIRA].messages[-1]
    assert (message.kind, message.content, message.media and message.media["voice"]["duration"]) == (
        "voice",
        b"sound",
        9,
    )
