"""Files through the outbox, over real HTTP: in their place among the messages, never lost, once where that is known.

No screen sends one in these tests: to what is decided of "/nothing2" a file is added.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bot import perform
from bot.pdf import PdfError
from bot.perform import Blocked, DeliveryError, Later, Refused, Unreachable
from bot.render import File
from bot.render import settled as rendered
from bot.service import Core, bot_of
from bot.settings import Settings
from bot.telegram import messenger as module
from bot.telegram import transport
from bot.telegram.messenger import TelegramMessenger
from bot.telegram.transport import AiohttpRequest
from flows.effects import Line, SendFile, Text
from flows.events import AnyEvent, CommandSent
from flows.state import Chat, Decision
from storage import letters
from storage import tables as t
from storage.unit_of_work import Settled
from tests.bot.test_delivery import FAILURES, MIRA, TOM, column, seen, serving, settled, unreachable_since, until
from tests.playbook import Play
from tests.servers import BotApi
from tests.servers.bot_api_chats import ChatMessage

FILE = SendFile(
    name="waymark-2026-11-23",
    title=Text(key="readback.begin"),
    lines=(Line(text="My session", style="bold"), Line(text="I kept *quiet* in #meetings.", style="quote")),
    caption="Yours, <b>Mira</b>",
)


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    """A Bot API server in which Mira and Tom have opened a chat with the bot."""
    async with BotApi() as server:
        server.join(MIRA, "Mira")
        server.join(TOM, "Tom")
        yield server


def with_file(made: Core) -> None:
    """The answer to "/nothing2" is followed by a file."""
    settle = made.runner.settle

    def settle_with_file(chat: Chat, event: AnyEvent) -> Settled:
        done = settle(chat, event)
        if not isinstance(event, CommandSent) or event.name != "nothing2":
            return done
        return done.evolve(outgoing=(*done.outgoing, *rendered(Decision(chat=chat, effects=(FILE,))).outgoing))

    made.runner.settle = settle_with_file  # type: ignore[method-assign]


async def ask(made: Core, api: BotApi, chat_id: int = MIRA) -> None:
    """Three commands; a file belongs between the answers to the second and the third."""
    with_file(made)
    for number in (1, 2, 3):
        api.say(chat_id, f"/nothing{number}")


def files(api: BotApi, chat_id: int = MIRA) -> list[ChatMessage]:
    return [message for message in api.chats[chat_id].from_bot if message.kind == "document"]


async def until_last(api: BotApi, chat_id: int = MIRA) -> None:
    """Wait for the answer to the third command."""
    await api.wait_for(lambda: any("/nothing3" in text for text in seen(api, chat_id)), timeout=10)


IN_ORDER = ["/nothing1.", "/nothing2.", "Yours,", "/nothing3."]


def order(api: BotApi, chat_id: int = MIRA) -> list[str]:
    """What came, by a word of it."""
    return [text.removeprefix("I don't know ").split()[0] for text in seen(api, chat_id)]


# ---- through the outbox


async def test_a_file_comes_in_its_place_with_its_name_and_caption(database: str, api: BotApi) -> None:
    async with serving(database, api) as made:
        await ask(made, api)
        await until_last(api)
        assert order(api) == IN_ORDER
        [message] = files(api)
        assert message.content is not None
        assert message.content.startswith(b"%PDF-")
        assert (message.file_name, message.text, message.entities) == (
            "waymark-2026-11-23.pdf",
            "Yours, <b>Mira</b>",
            None,
        )
        await settled(made, api)
        assert set(column(made, t.outbox.c.status)) == {"done"}
        with made.engine.connect() as connection:
            kept = connection.execute(select(t.outbox.c.message_id).where(t.outbox.c.kind == "file")).scalar_one()
        assert kept == message.id


async def test_a_file_that_has_to_wait_comes_once_and_nothing_overtakes_it(database: str, api: BotApi) -> None:
    async with serving(database, api) as made:
        asked_to_wait = api.fault("sendDocument", 429, retry_after=1)
        await ask(made, api)
        await api.wait_for(lambda: asked_to_wait.hits)
        api.say(TOM, "/nothing3")
        await until_last(api, TOM)
        assert files(api) == []
        await until_last(api)
        assert order(api) == IN_ORDER
        assert [request.status for request in api.calls("sendDocument")] == [429, 200]


@pytest.mark.parametrize("before", [True, False], ids=["before the act", "after the act"])
@pytest.mark.parametrize("failure", FAILURES)
async def test_a_file_whose_fate_is_not_known_comes_twice_at_most(
    database: str, api: BotApi, failure: str, before: bool
) -> None:
    async with serving(database, api) as made:
        failed = api.fault("sendDocument", **FAILURES[failure], before=before)
        await ask(made, api)
        await until_last(api)
        assert failed.hits == 1
        assert order(api) == (IN_ORDER if before else [*IN_ORDER[:2], "Yours,", *IN_ORDER[2:]])
        await settled(made, api)
        assert set(column(made, t.outbox.c.status)) == {"done"}


async def test_a_process_that_dies_between_sending_and_marking_costs_one_duplicate(
    database: str, api: BotApi
) -> None:
    """It never reads the answer; the next one sends the file again, and what comes after it."""
    async with serving(database, api, ticking=False) as made:
        api.fault("sendDocument", hang=30.0, before=False, times=None)
        await ask(made, api)
        await api.wait_for(lambda: files(api))
        await api.settled()
    api.faults.programmed.clear()
    async with serving(database, api) as made:
        await until_last(api)
        assert order(api) == [*IN_ORDER[:2], "Yours,", *IN_ORDER[2:]]
        await settled(made, api)
        assert len(files(api)) == 2


async def test_a_file_for_one_who_blocked_the_bot_is_over(database: str, api: BotApi) -> None:
    async with serving(database, api) as made:
        api.say(MIRA, "/start")
        await api.wait_for(lambda: seen(api))
        api.fault("sendDocument", 403)
        await ask(made, api)
        await until(lambda: unreachable_since(made))
        await settled(made, api)
        assert set(column(made, t.outbox.c.status)) == {"done"}
        assert letters.letters(made.engine) == []
        assert files(api) == []


async def test_a_file_that_is_refused_holds_up_none_after_it(database: str, api: BotApi) -> None:
    async with serving(database, api) as made:
        api.fault("sendDocument", 400)
        await ask(made, api)
        await until_last(api)
        await settled(made, api)
        assert [letter.kind for letter in letters.letters(made.engine)] == ["message"]


async def test_a_file_that_cannot_be_made_is_set_aside_and_no_word_of_it_is_logged(
    database: str, api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(file: File) -> bytes:
        raise PdfError("PanicException")

    monkeypatch.setattr(perform, "pdf", broken)
    with capture_logs() as logs:
        async with serving(database, api) as made:
            await ask(made, api)
            await until_last(api)
            await settled(made, api)
            assert [letter.kind for letter in letters.letters(made.engine)] == ["message"]
    assert [line["error"] for line in logs if line["event"] == "message not performable"] == ["PdfError"]
    assert "quiet" not in str(logs)


async def test_files_are_made_one_after_another_and_beside_everything_else(
    database: str, api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one is being made, other chats go on."""
    begun, go_on, running, most = threading.Event(), threading.Event(), 0, 0

    def slow(file: File) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        begun.set()
        assert threading.current_thread() is not threading.main_thread()
        assert go_on.wait(10)
        running -= 1
        return b"%PDF-"

    monkeypatch.setattr(perform, "pdf", slow)
    async with serving(database, api) as made:
        await ask(made, api)
        await asyncio.to_thread(begun.wait, 10)
        for number in (2, 3):
            api.say(TOM, f"/nothing{number}")
        await api.wait_for(lambda: any("/nothing2" in text for text in seen(api, TOM)), timeout=10)
        go_on.set()
        await until_last(api)
        await until_last(api, TOM)
    assert most == 1


async def test_a_file_in_a_play(database: str) -> None:
    """The messenger of the tests keeps it; one who blocked the bot has none."""
    async with Play(database) as stage:
        with_file(stage.core)
        mira, tom = stage.coachee("Mira"), stage.coachee("Tom")
        await tom.says("/start")
        stage.screens.blocked.add(tom.chat_id)
        for person in (mira, tom):
            await person.says("/nothing2")
        [(chat_id, name, content, caption)] = stage.screens.sent_files
        assert (chat_id, name, caption) == (mira.chat_id, "waymark-2026-11-23.pdf", "Yours, <b>Mira</b>")
        assert content.startswith(b"%PDF-")


# ---- what Telegram's answers mean


@pytest.fixture
async def messenger(api: BotApi) -> AsyncIterator[TelegramMessenger]:
    """On the client as the service makes it."""
    settings = Settings(_env_file=None, telegram_bot_token=api.token, telegram_api_url=api.url)
    async with bot_of(settings) as bot:
        yield TelegramMessenger(bot)


async def test_a_file_arrives_as_it_is(api: BotApi, messenger: TelegramMessenger) -> None:
    """Its bytes, a name in any script, a caption of several lines or none."""
    content = bytes(range(256)) * 1000
    for name, caption in (("جلسة 1.pdf", 'Ein "Plan"\r\n\nüber\\mehr'), ("a.pdf", "")):
        number = await messenger.send_file(MIRA, name, content, caption)
        message = api.chats[MIRA].messages[-1]
        assert (message.id, message.kind, message.file_name) == (number, "document", name)
        assert (message.content, message.text) == (content, caption)
    [first, _] = api.calls("sendDocument")
    assert first.params["chat_id"] == MIRA


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 429, "retry_after": 3}, Later),
        ({"status": 403}, Blocked),
        ({"status": 400, "description": "Bad Request: chat not found"}, Blocked),
        ({"status": 400}, Refused),
        ({"status": 413}, Refused),
        ({"status": 401}, Unreachable),
        ({"status": 500}, Unreachable),
        ({"drop": True}, Unreachable),
        ({"drop": True, "before": False}, Unreachable),
    ],
)
async def test_a_file_that_is_not_taken(
    api: BotApi, messenger: TelegramMessenger, fault: dict[str, Any], error: type[DeliveryError]
) -> None:
    api.fault("sendDocument", **fault)
    with pytest.raises(error) as failed:
        await messenger.send_file(MIRA, "a.pdf", b"%PDF-", "")
    assert getattr(failed.value, "seconds", 3) == 3
    assert api.token not in repr(failed.value)


async def test_files_that_telegram_refuses(
    api: BotApi, messenger: TelegramMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty, with too long a caption, too big: said by us and, if we did not know, by Telegram."""
    for content, caption in ((b"", ""), (b"%PDF-", "a" * 1025)):
        with pytest.raises(Refused):
            await messenger.send_file(MIRA, "a.pdf", content, caption)
    big = bytes(module.LARGEST_UPLOAD + 1)
    with pytest.raises(Refused, match="too big"):
        await messenger.send_file(MIRA, "a.pdf", big, "")
    assert len(api.calls("sendDocument")) == 2
    monkeypatch.setattr(module, "LARGEST_UPLOAD", 2 * len(big))
    with pytest.raises(Refused, match="Too Large"):
        await messenger.send_file(MIRA, "a.pdf", big, "")
    with pytest.raises(Blocked):
        await messenger.send_file(404, "a.pdf", b"%PDF-", "")
    assert files(api) == []


async def test_a_proxy_that_finds_a_file_too_big(
    messenger: TelegramMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its page is no answer of the Bot API, and to try again would change nothing."""

    async def page(*_args: object) -> tuple[int, bytes]:
        return 413, b"<html>413 Request Entity Too Large</html>"

    monkeypatch.setattr(AiohttpRequest, "post_file", page)
    with pytest.raises(Refused):
        await messenger.send_file(MIRA, "a.pdf", b"%PDF-", "")


async def test_an_upload_does_not_last_for_ever(
    api: BotApi, messenger: TelegramMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "UPLOAD_SECONDS", 0.1)
    api.fault("sendDocument", hang=30.0)
    with pytest.raises(Unreachable):
        await messenger.send_file(MIRA, "a.pdf", b"%PDF-", "")
