"""The two test servers keep the real ones' promises: every other test leans on them."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest
import telegram
from aiohttp import web

from tests.servers import BotApi, ModelServer
from tests.servers.base import Waiters
from tests.servers.bot_api_checks import check_text
from tests.servers.bot_api_faults import Limits
from tests.servers.bot_api_params import ApiError
from tests.servers.model_schema import SchemaError, check_strict, instance

MIRA = 5
Json = dict[str, Any]


class Client:
    """The Bot API by plain HTTP."""

    def __init__(self, api: BotApi, session: aiohttp.ClientSession) -> None:
        self._api = api
        self.session = session

    async def __call__(self, method: str, **params: Any) -> Json:
        async with self.session.post(f"{self._api.url}/bot{self._api.token}/{method}", json=params) as answer:
            body: Json = await answer.json()
            assert body.get("error_code", 200) == answer.status
            return body

    async def updates(self, offset: int = 0, **params: Any) -> list[int]:
        body = await self("getUpdates", offset=offset, **params)
        return [update["update_id"] for update in body["result"]]

    async def refused(self, method: str, **params: Any) -> tuple[int, str]:
        body = await self(method, **params)
        assert body["ok"] is False, body
        return body["error_code"], body["description"]


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.fixture
async def call(api: BotApi) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(api, session)


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[telegram.Bot]:
    async with telegram.Bot(api.token, f"{api.url}/bot", f"{api.url}/file/bot") as bot:
        yield bot


def keyboard(*buttons: tuple[str, str]) -> Json:
    return {"inline_keyboard": [[{"text": text, "callback_data": data}] for text, data in buttons]}


# -- tokens, names, parameters -----------------------------------------------------------------------


async def test_a_wrong_token_and_an_unknown_method_are_refused(api: BotApi, call: Client) -> None:
    async with call.session.get(f"{api.url}/bot1:wrong/getMe") as answer:
        assert (answer.status, (await answer.json())["description"]) == (401, "Unauthorized")
    assert (await call.refused("sendMoney"))[0] == 404


async def test_method_names_and_parameters_in_every_form(api: BotApi, call: Client) -> None:
    api.join(MIRA)
    url = f"{api.url}/bot{api.token}"
    form = {"chat_id": str(MIRA), "text": "a", "reply_markup": json.dumps(keyboard(("A", "a")))}
    async with call.session.get(f"{url}/SENDMESSAGE", params=form) as answer:
        assert answer.status == 200
    async with call.session.post(f"{url}/sendmessage", data=form) as answer:
        assert answer.status == 200
    multipart = aiohttp.FormData(form, default_to_multipart=True)
    async with call.session.post(f"{url}/sendMessage", data=multipart) as answer:
        assert answer.status == 200
    assert (await call("sendMessage", chat_id=MIRA, text="a", reply_markup=keyboard(("A", "a"))))["ok"]
    assert [m.buttons for m in api.chats[MIRA].messages] == [[("A", "a")]] * 4
    assert [(r.method, r.status) for r in api.requests] == [("sendMessage", 200)] * 4
    async with call.session.post(f"{url}/sendMessage", data={**form, "reply_markup": "{"}) as answer:
        assert "can't parse reply markup" in (await answer.json())["description"]


async def test_the_description_of_the_bot_api_is_held_against_requests(call: Client, api: BotApi) -> None:
    if api.spec is None:
        pytest.skip("the description is not here")
    api.join(MIRA)
    for params, fault in (
        ({"chat_id": MIRA}, '"text" is missing'),
        ({"chat_id": MIRA, "text": "a", "txet": "b"}, 'unknown parameter "txet"'),
        ({"chat_id": MIRA, "text": "a", "reply_markup": 3}, '"reply_markup" is of the wrong type'),
    ):
        assert fault in (await call.refused("sendMessage", **params))[1]


# -- getUpdates --------------------------------------------------------------------------------------


async def test_an_offset_acknowledges_what_is_below_it(api: BotApi, call: Client) -> None:
    ids = [api.say(MIRA, str(n)) for n in range(4)]
    assert await call.updates(limit=2) == ids[:2]
    assert await call.updates() == ids
    assert not api.acknowledged
    assert await call.updates(offset=ids[2]) == ids[2:]
    assert api.acknowledged == set(ids[:2])
    assert [api.deliveries[i] for i in ids] == [2, 2, 2, 2]
    assert await call.updates(offset=-1) == ids[3:]
    assert api.updates.dropped == {ids[2]}


async def test_a_long_poll_ends_with_the_first_update(api: BotApi, call: Client) -> None:
    polling = asyncio.create_task(call.updates(timeout=20))
    await api.wait_for(lambda: api.calls("getUpdates"))
    said = api.say(MIRA, "hello")
    assert await asyncio.wait_for(polling, 2) == [said]
    assert await call.updates(offset=said + 1, timeout=0) == []


async def test_the_older_of_two_pollers_gets_a_conflict(api: BotApi, call: Client) -> None:
    older = asyncio.create_task(call.refused("getUpdates", timeout=20))
    await api.wait_for(lambda: api.calls("getUpdates"))
    newer = asyncio.create_task(call.updates(timeout=20))
    code, description = await asyncio.wait_for(older, 2)
    assert (code, description.startswith("Conflict: terminated by other getUpdates")) == (409, True)
    said = api.say(MIRA, "hello")
    assert await asyncio.wait_for(newer, 2) == [said]


async def test_only_the_kinds_that_are_wanted_are_queued(api: BotApi, call: Client) -> None:
    await call.updates(allowed_updates=["callback_query"])
    said = api.say(MIRA, "hello")
    pressed = api.press(MIRA, 1, "x")
    assert await call.updates() == [pressed]
    assert api.updates.filtered == {said}


async def test_a_cut_long_poll_leaves_its_updates(api: BotApi, call: Client) -> None:
    polling = asyncio.create_task(call.updates(timeout=20))
    await api.wait_for(lambda: api.calls("getUpdates"))
    polling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await polling
    said = api.say(MIRA, "hello")
    assert await call.updates() == [said]
    assert not api.acknowledged


# -- what people do ----------------------------------------------------------------------------------


async def test_what_a_person_does_arrives_as_telegram_writes_it(api: BotApi, bot: telegram.Bot) -> None:
    api.say(MIRA, "/start abc", language_code="tr")
    api.edit(MIRA, 1, "hello")
    for kind in ("photo", "voice", "sticker", "document", "location", "contact"):
        api.send_media(MIRA, kind)
    api.block(MIRA, update=True)
    api.raw_update({"inline_query": {"id": "1", "from": api.chats[MIRA].person, "query": "", "offset": ""}})
    updates = await bot.get_updates(timeout=0, allowed_updates=None)
    start, edited, *media, blocked, _ = updates
    assert start.message is not None
    assert start.message.from_user is not None
    assert start.message.from_user.language_code == "tr"
    assert [(e.type, e.offset, e.length) for e in start.message.entities] == [("bot_command", 0, 6)]
    assert edited.edited_message is not None
    assert edited.edited_message.text == "hello"
    assert [bool(m.message and m.message.effective_attachment) for m in media] == [True] * 6
    assert blocked.my_chat_member is not None
    assert blocked.my_chat_member.new_chat_member.status == "kicked"
    voice = media[1].message.voice
    assert bytes(await (await bot.get_file(voice.file_id)).download_as_bytearray()) == b"content"


async def test_a_text_too_long_arrives_in_pieces_and_entities_count_utf16(api: BotApi) -> None:
    last = api.say(MIRA, "😀" * 3000)
    assert len(api.pending) == 2
    assert last == api.pending[-1]
    api.say(MIRA, "😀 /plan now")
    entities = api.chats[MIRA].messages[-1].entities
    assert entities == [{"type": "bot_command", "offset": 3, "length": 5}]


async def test_a_group_says_so(api: BotApi, bot: telegram.Bot) -> None:
    api.say(-77, "hello", chat_type="group", user_id=MIRA)
    (update,) = await bot.get_updates(timeout=0)
    assert update.effective_chat is not None
    assert update.effective_user is not None
    assert (update.effective_chat.type, update.effective_user.id) == ("group", MIRA)
    assert await bot.leave_chat(-77)
    with pytest.raises(telegram.error.Forbidden):
        await bot.send_message(-77, "hello")


# -- sending and editing -----------------------------------------------------------------------------


async def test_messages_share_one_counter_and_come_back_whole(api: BotApi, bot: telegram.Bot) -> None:
    api.say(MIRA, "hello")
    markup = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("Yes", callback_data="y")]])
    bold = [telegram.MessageEntity("bold", 2, 2)]
    sent = await bot.send_message(MIRA, "  hi Mira", entities=bold, reply_markup=markup)
    assert (sent.message_id, sent.text, sent.reply_markup) == (2, "hi Mira", markup)
    assert [(e.offset, e.length) for e in sent.entities] == [(0, 2)]
    assert sent.from_user is not None
    assert sent.from_user.id == bot.id
    assert (await api.next_message(MIRA)).data_of("Yes") == "y"
    with pytest.raises(AssertionError, match="only \\['Yes'\\]"):
        (await api.next_message(MIRA, after=1)).data_of("No")


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": " \n"}, "text must be non-empty"),
        ({"text": "a" * 4097}, "message is too long"),
        ({"text": "😀" * 2049}, "message is too long"),
        ({"text": "a", "entities": [{"type": "bold", "offset": 0, "length": 2}]}, "can't parse entities: "),
        ({"text": "a", "entities": [{"type": "loud", "offset": 0, "length": 1}]}, "can't parse entities: "),
        ({"text": "a😀", "entities": [{"type": "bold", "offset": 0, "length": 2}]}, "can't parse entities: "),
        ({"text": "a", "entities": [{"type": "text_link", "offset": 0, "length": 1}]}, "can't parse entities"),
        ({"text": "a", "reply_markup": keyboard(("A", "x" * 65))}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "reply_markup": keyboard(("A", "я" * 33))}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "reply_markup": keyboard(("A", ""))}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "reply_markup": keyboard(("", "x"))}, "can't parse inline keyboard button"),
        ({"text": "a", "reply_markup": keyboard(*[("A", "x")] * 101)}, "reply markup is too long"),
        ({"text": "a", "chat_id": 404}, "chat not found"),
        ({"text": "a", "reply_parameters": {"message_id": 99}}, "message to be replied not found"),
    ],
)
async def test_what_cannot_be_sent(api: BotApi, call: Client, params: Json, description: str) -> None:
    api.join(MIRA)
    code, said = await call.refused("sendMessage", **{"chat_id": MIRA, **params})
    assert code == 400
    assert said.startswith(f"Bad Request: {description}")
    assert not api.chats[MIRA].messages


async def test_the_limits_themselves_may_be_sent(api: BotApi, call: Client) -> None:
    api.join(MIRA)
    markup = keyboard(*[("A", "x" * 64)] * 100)
    assert (await call("sendMessage", chat_id=MIRA, text="😀" * 2048, reply_markup=markup))["ok"]


async def test_reply_keyboards_change_what_is_under_the_input_line(api: BotApi, bot: telegram.Bot) -> None:
    chat = api.join(MIRA)
    await bot.send_message(MIRA, "a", reply_markup=telegram.ReplyKeyboardMarkup([["1", "2"]]))
    assert chat.keyboard == [["1", "2"]]
    with pytest.raises(telegram.error.BadRequest, match="essage can't be edited"):
        await bot.edit_message_text("b", MIRA, 1)
    await bot.send_message(MIRA, "b", reply_markup=telegram.ReplyKeyboardRemove())
    assert chat.keyboard is None


async def test_edits_follow_the_real_rules(api: BotApi, call: Client) -> None:
    api.say(MIRA, "hello")
    await call("sendMessage", chat_id=MIRA, text="one", reply_markup=keyboard(("A", "a")))
    same = await call.refused(
        "editMessageText", chat_id=MIRA, message_id=2, text="one", reply_markup=keyboard(("A", "a"))
    )
    assert same[1].startswith("Bad Request: message is not modified: specified new message content")
    edited = await call("editMessageText", chat_id=MIRA, message_id=2, text="two")
    assert edited["result"]["text"] == "two"
    message = api.chats[MIRA].by_id[2]
    assert (message.edits, message.buttons) == (["one"], [])
    assert (await call("editMessageReplyMarkup", chat_id=MIRA, message_id=2, reply_markup=keyboard(("B", "b"))))["ok"]
    assert message.labels == ["B"]
    for message_id, description in ((1, "message can't be edited"), (9, "message to edit not found")):
        for method, params in (("editMessageText", {"text": "x"}), ("editMessageReplyMarkup", {})):
            said = await call.refused(method, chat_id=MIRA, message_id=message_id, **params)
            assert said == (400, f"Bad Request: {description}")


async def test_deleting(api: BotApi, call: Client) -> None:
    api.say(MIRA, "hello")
    assert (await call("deleteMessage", chat_id=MIRA, message_id=1))["ok"]
    assert (api.chats[MIRA].texts, [m.text for m in api.chats[MIRA].deleted]) == ([], ["hello"])
    said = await call.refused("deleteMessage", chat_id=MIRA, message_id=1)
    assert said[1] == "Bad Request: message to delete not found"


async def test_a_press_is_answered_once_and_in_time(api: BotApi, bot: telegram.Bot) -> None:
    api.join(MIRA)
    markup = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("Yes", callback_data="y")]])
    await bot.send_message(MIRA, "Ready?", reply_markup=markup)
    api.press_label(MIRA, "Yes")
    (update,) = await bot.get_updates(timeout=0)
    query = update.callback_query
    assert query is not None
    assert (query.data, query.message.text) == ("y", "Ready?")  # type: ignore[union-attr]
    assert await query.answer("ok", show_alert=True)
    assert api.chats[MIRA].alerts == [{"text": "ok", "show_alert": True}]
    with pytest.raises(telegram.error.BadRequest, match="uery is too old"):
        await query.answer()
    api.callback_seconds = 0.0
    api.press_nth(MIRA, 1)
    (late,) = await bot.get_updates(offset=update.update_id + 1, timeout=0)
    assert late.callback_query is not None
    with pytest.raises(telegram.error.BadRequest, match="uery is too old"):
        await late.callback_query.answer()


async def test_a_press_on_a_message_that_is_gone(api: BotApi, call: Client) -> None:
    api.join(MIRA)
    api.press(MIRA, 99, "forged")
    (update,) = (await call("getUpdates"))["result"]
    message = update["callback_query"]["message"]
    assert (message["message_id"], message["date"], message["chat"]["id"]) == (99, 0, MIRA)
    assert "from" not in message


async def test_blocked_chats_refuse(api: BotApi, bot: telegram.Bot) -> None:
    api.join(MIRA)
    api.block(MIRA)
    with pytest.raises(telegram.error.Forbidden, match="bot was blocked by the user"):
        await bot.send_message(MIRA, "hello")
    api.unblock(MIRA)
    await bot.send_message(MIRA, "hello")


async def test_the_smaller_methods(api: BotApi, bot: telegram.Bot) -> None:
    chat = api.join(MIRA)
    assert (await bot.get_me()).username == "waymark_test_bot"
    sent = await bot.send_document(MIRA, b"%PDF-1", caption="plan", filename="plan.pdf")
    assert sent.document is not None
    assert (sent.document.file_name, chat.messages[0].content) == ("plan.pdf", b"%PDF-1")
    await bot.send_photo(MIRA, b"png")
    assert await bot.send_chat_action(MIRA, "typing")
    assert await bot.send_message_draft(MIRA, 1, "thinking")
    assert (chat.actions, chat.draft) == (["typing"], "thinking")
    scope = telegram.BotCommandScopeChat(MIRA)
    assert await bot.set_my_commands([("start", "Begin")], language_code="tr")
    assert await bot.set_my_commands([("plan", "My plan")], scope=scope)
    assert [c["command"] for c in api.commands_for(MIRA, "tr")] == ["plan"]
    assert [c.command for c in await bot.get_my_commands(scope=scope)] == ["plan"]
    await bot.delete_my_commands(scope=scope)
    assert [c["command"] for c in api.commands_for(MIRA, "tr")] == ["start"]
    with pytest.raises(telegram.error.BadRequest, match=r"(?i)BOT_COMMAND_INVALID"):
        await bot.set_my_commands([("Plan", "My plan")])
    assert await bot.set_chat_menu_button(MIRA, telegram.MenuButtonCommands())
    assert (await bot.get_chat_menu_button(MIRA)).type == "commands"


# -- faults and limits -------------------------------------------------------------------------------


async def test_programmed_errors(api: BotApi, call: Client) -> None:
    api.join(MIRA)
    api.join(6)
    api.fault("sendMessage", 429, retry_after=7, chat_id=6)
    api.fault("sendMessage", 500, before=False)
    assert (await call.refused("sendMessage", chat_id=MIRA, text="a"))[0] == 500
    assert api.chats[MIRA].texts == ["a"]  # it was sent all the same
    body = await call("sendMessage", chat_id=6, text="a")
    assert body["description"] == "Too Many Requests: retry after 7"
    assert body["parameters"] == {"retry_after": 7}
    assert (await call("sendMessage", chat_id=6, text="a"))["ok"]


@pytest.mark.parametrize("before", [True, False])
async def test_a_connection_cut_before_or_after_the_act(api: BotApi, call: Client, before: bool) -> None:
    api.join(MIRA)
    fault = api.fault("sendMessage", drop=True, before=before)
    with pytest.raises(aiohttp.ClientError):
        await call("sendMessage", chat_id=MIRA, text="a")
    assert (len(api.chats[MIRA].messages), fault.hits) == (0 if before else 1, 1)
    assert api.requests[-1].status is None
    assert (await call("sendMessage", chat_id=MIRA, text="b"))["ok"]


async def test_a_hang_ends_with_the_client_and_with_stop(api: BotApi, call: Client) -> None:
    api.join(MIRA)
    api.fault("sendMessage", hang=float("inf"), times=2)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call("sendMessage", chat_id=MIRA, text="a"), 0.05)
    hanging = asyncio.create_task(call("sendMessage", chat_id=MIRA, text="a"))
    await api.wait_for(lambda: len(api.requests) == 2)
    await asyncio.wait_for(api.stop(), 2)
    with pytest.raises(aiohttp.ClientError):
        await hanging
    assert not api.chats[MIRA].messages


async def test_an_outage_keeps_port_and_state(api: BotApi, call: Client) -> None:
    said = api.say(MIRA, "hello")
    await api.stop()
    with pytest.raises(aiohttp.ClientError):
        await call.updates()
    await api.start()
    assert await call.updates() == [said]


async def test_real_limits(api: BotApi, call: Client) -> None:
    api.limits = Limits(per_second=3, per_chat=1)
    for chat_id in (1, 2, 3, 4):
        api.join(chat_id)
    assert (await call("sendMessage", chat_id=1, text="a"))["ok"]
    assert (await call("sendMessage", chat_id=1, text="a"))["parameters"] == {"retry_after": 1}
    assert (await call("sendMessage", chat_id=2, text="a"))["ok"]
    assert (await call("sendMessage", chat_id=3, text="a"))["ok"]
    assert (await call.refused("sendMessage", chat_id=4, text="a"))[0] == 429
    assert api.limits.refused == 2


async def test_waiting_names_what_did_not_come(api: BotApi) -> None:
    with pytest.raises(TimeoutError, match="a message of the bot in chat 5"):
        await api.next_message(MIRA, timeout=0.01)
    with pytest.raises(ZeroDivisionError):
        await api.wait_for(lambda: 1 / 0)


# -- webhook -----------------------------------------------------------------------------------------


class Hook:
    """A bot's webhook: records what comes, answers as told (200 unless the list says otherwise)."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.secrets: set[str | None] = set()
        self.statuses: list[int] = []
        self.under_way = 0
        self.most_under_way = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.url = ""
        self.waiters = Waiters()

    async def take(self, request: web.BaseRequest) -> web.Response:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            update = await request.json()
            self.secrets.add(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
            self.texts.append(update["message"]["text"])
            self.waiters.notify()
            await self.gate.wait()
            return web.Response(status=self.statuses.pop(0) if self.statuses else 200)
        finally:
            self.under_way -= 1


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    runner = web.ServerRunner(web.Server(hook.take), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/telegram"
    yield hook
    hook.gate.set()
    await runner.cleanup()


async def test_a_webhook_gets_updates_in_order_until_they_are_taken(api: BotApi, call: Client, hook: Hook) -> None:
    hook.statuses = [500, 503]
    ids = [api.say(MIRA, "one"), api.say(MIRA, "two")]
    assert (await call("setWebhook", url=hook.url, secret_token="s-1"))["ok"]
    ids.append(api.say(MIRA, "three"))
    await api.settled()
    assert hook.texts == ["one", "one", "one", "two", "three"]
    assert hook.secrets == {"s-1"}
    assert api.acknowledged == set(ids)
    assert api.deliveries[ids[0]] == 3
    info = (await call("getWebhookInfo"))["result"]
    assert (info["url"], info["pending_update_count"]) == (hook.url, 0)
    assert info["last_error_message"].startswith("Wrong response from the webhook: 503")


async def test_chats_are_served_side_by_side_but_each_in_order(api: BotApi, call: Client, hook: Hook) -> None:
    hook.gate.clear()
    await call("setWebhook", url=hook.url, max_connections=3)
    for n in range(2):
        for chat_id in range(1, 6):
            api.say(chat_id, f"{chat_id}-{n}")
    await hook.waiters.wait_for(lambda: len(hook.texts) == 3)
    await asyncio.sleep(0.05)  # nothing more comes while three are under way
    assert hook.texts == ["1-0", "2-0", "3-0"]
    hook.gate.set()
    await api.settled()
    assert hook.most_under_way == 3
    for chat_id in range(1, 6):
        assert [t for t in hook.texts if t.startswith(f"{chat_id}-")] == [f"{chat_id}-0", f"{chat_id}-1"]


async def test_polling_and_a_webhook_exclude_each_other(api: BotApi, call: Client, hook: Hook) -> None:
    polling = asyncio.create_task(call.refused("getUpdates", timeout=20))
    await api.wait_for(lambda: api.calls("getUpdates"))
    await call("setWebhook", url=hook.url)
    assert await asyncio.wait_for(polling, 2) == (409, "Conflict: terminated by setWebhook request")
    assert (await call.refused("getUpdates"))[1].startswith("Conflict: can't use getUpdates method while webhook")
    hook.gate.clear()
    said = api.say(MIRA, "hello")
    await asyncio.wait_for(call("deleteWebhook"), 2)
    assert await call.updates() == [said]
    assert (await call("deleteWebhook", drop_pending_updates=True))["ok"]
    assert (await call.updates(), api.updates.dropped) == ([], {said})


async def test_a_webhook_that_is_down_is_tried_until_it_is_up(api: BotApi, call: Client, hook: Hook) -> None:
    await call("setWebhook", url="http://127.0.0.1:9/telegram")
    said = api.say(MIRA, "hello")
    await api.wait_for(lambda: api.deliveries[said] >= 2)
    assert (await call("getWebhookInfo"))["result"]["last_error_message"] == "Connection refused"
    await call("setWebhook", url=hook.url)
    await api.settled()
    assert hook.texts == ["hello"]


async def test_webhook_urls_and_secrets_are_checked(call: Client) -> None:
    said = await call.refused("setWebhook", url="http://example.org/telegram")
    assert said[1] == "Bad Request: bad webhook: An HTTPS URL must be provided for webhook"
    said = await call.refused("setWebhook", url="http://127.0.0.1:9/", secret_token="no spaces")
    assert "secret token" in said[1]


# -- from another process ----------------------------------------------------------------------------


async def test_the_controls_over_http(api: BotApi, call: Client) -> None:
    async def post(act: str, **arguments: Any) -> Any:
        async with call.session.post(f"{api.url}/control/{act}", json=arguments) as answer:
            return (await answer.json()).get("result")

    async def get(path: str) -> Any:
        async with call.session.get(f"{api.url}/control/{path}") as answer:
            return (await answer.json()).get("result")

    said = await post("say", chat_id=MIRA, text="/start")
    assert await call.updates() == [said]
    await call.updates(offset=said + 1)
    await call("sendMessage", chat_id=MIRA, text="Ready?", reply_markup=keyboard(("Yes", "y")))
    assert (await get(f"next?chat_id={MIRA}"))["buttons"] == [["Yes", "y"]]
    assert await post("press", chat_id=MIRA, message_id=2, data="y") == said + 1
    assert await post("edit", chat_id=MIRA, message_id=1, new_text="hi") == said + 2
    await post("fault", method="sendMessage", status=500)
    assert (await call.refused("sendMessage", chat_id=MIRA, text="a"))[0] == 500
    state = await get("state")
    assert (state["acknowledged"], state["pending"]) == ([said], [said + 1, said + 2])
    assert state["counts"]["sendMessage 200"] == 1
    assert [m["text"] for m in (await get(f"chats/{MIRA}"))["messages"]] == ["hi", "Ready?"]
    async with call.session.post(f"{api.url}/control/say", json={"text": "nobody"}) as answer:
        assert answer.status == 400


@pytest.mark.processes
async def test_a_person_plays_at_the_keyboard() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.servers", "bot-api", "--token", "1:T",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None

    async def line() -> str:
        return (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()  # type: ignore[union-attr]

    try:
        url = (await line()).partition("=")[2]
        assert await line() == "TELEGRAM_BOT_TOKEN=1:T"
        process.stdin.write(b"5 /start\n")
        async with telegram.Bot("1:T", f"{url}/bot") as bot:
            (started,) = await bot.get_updates(timeout=10)
            markup = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("Yes", callback_data="y")]])
            await bot.send_message(MIRA, "Ready?", reply_markup=markup)
            assert [await line(), await line()] == ["5 < Ready?", "1[Yes]"]
            process.stdin.write(b"5 #1\n")
            (pressed,) = await bot.get_updates(offset=started.update_id + 1, timeout=10)
            assert pressed.callback_query is not None
            assert pressed.callback_query.data == "y"
    finally:
        process.stdin.close()
        process.terminate()
        await process.wait()


# -- the model ---------------------------------------------------------------------------------------

SCHEMA: Json = {
    "type": "object",
    "additionalProperties": False,
    "required": ["title", "kind", "steps", "rating", "note"],
    "properties": {
        "title": {"type": "string"},
        "kind": {"enum": ["plan", "note"]},
        "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
        "rating": {"type": "integer", "minimum": 1},
        "note": {"type": ["null", "string"]},
    },
    "$defs": {
        "step": {
            "type": "object",
            "additionalProperties": False,
            "required": ["what"],
            "properties": {"what": {"type": "string"}},
        }
    },
}
INSTANCE = {"title": "text", "kind": "plan", "steps": [{"what": "text"}], "rating": 1, "note": None}


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
async def client(model: ModelServer) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key="test-key", base_url=model.base_url, max_retries=0) as client:
        yield client


async def ask(client: openai.AsyncOpenAI, schema: Json | None = SCHEMA, **more: Any) -> Any:
    if schema is not None:
        form = {"name": "plan", "strict": True, "schema": schema}
        more["response_format"] = {"type": "json_schema", "json_schema": form}
    messages: Any = [{"role": "user", "content": "hello"}]
    return await client.chat.completions.create(model="m", messages=messages, **more)


async def test_an_answer_fits_the_schema(model: ModelServer, client: openai.AsyncOpenAI) -> None:
    answer = await ask(client)
    assert json.loads(answer.choices[0].message.content) == INSTANCE
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert (model.requests[0].prompt, model.requests[0].schema, model.requests[0].status) == ("hello", SCHEMA, 200)


async def test_the_test_says_what_the_model_answers(model: ModelServer, client: openai.AsyncOpenAI) -> None:
    model.answer = lambda request: {"said": request["messages"][0]["content"]}
    assert json.loads((await ask(client, None)).choices[0].message.content) == {"said": "hello"}

    async def slow(_request: Json) -> str:
        await asyncio.sleep(0)
        return "text of its own"

    model.answer = slow
    assert (await ask(client, None)).choices[0].message.content == "text of its own"
    cut = (await ask(client, None, max_completion_tokens=1)).choices[0]
    assert (cut.message.content, cut.finish_reason) == ("text", "length")


async def test_keys_and_models_are_checked(model: ModelServer, client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.AuthenticationError):
        await ask(client.with_options(api_key="other"))
    assert [m.id async for m in client.models.list()] == ["test-model"]
    model.models = ["other-model"]
    with pytest.raises(openai.NotFoundError) as unknown:
        await ask(client)
    assert unknown.value.code == "model_not_found"


def changed(**changes: Any) -> Json:
    return {**SCHEMA, **changes}


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        (changed(additionalProperties=True), "'additionalProperties' is required"),
        (changed(required=["title"]), "Missing 'kind'"),
        (changed(required=[*SCHEMA["required"], "more"]), "extra required key 'more'"),
        (changed(properties={**SCHEMA["properties"], "note": {"type": "string", "default": ""}}), "'default'"),
        (changed(properties={**SCHEMA["properties"], "steps": {"type": "array"}}), "missing items"),
        (changed(**{"$defs": {"step": {"type": "object"}}}), "'additionalProperties' is required"),
        ({"type": "array", "items": {"type": "string"}}, "must be a JSON Schema of 'type: \"object\"'"),
    ],
)
async def test_schemas_that_break_strict_mode(client: openai.AsyncOpenAI, schema: Json, fault: str) -> None:
    with pytest.raises(openai.BadRequestError, match="Invalid schema for response_format 'plan'") as refused:
        await ask(client, schema)
    assert fault in refused.value.message
    with pytest.raises(SchemaError):
        check_strict(schema)


async def test_modes_of_failing(model: ModelServer, client: openai.AsyncOpenAI) -> None:
    model.queue("429", retry_after=3)
    with pytest.raises(openai.RateLimitError) as limited:
        await ask(client)
    assert limited.value.response.headers["Retry-After"] == "3"
    model.queue("500", "drop", "hang")
    with pytest.raises(openai.InternalServerError):
        await ask(client)
    with pytest.raises(openai.APIConnectionError):
        await ask(client)
    with pytest.raises(openai.APITimeoutError):
        await ask(client.with_options(timeout=0.1))
    assert json.loads((await ask(client)).choices[0].message.content) == INSTANCE
    assert [r.mode for r in model.requests] == ["429", "500", "drop", "hang", "ok"]


async def test_modes_of_answering_wrong(model: ModelServer, client: openai.AsyncOpenAI) -> None:
    model.queue("garbage", "invalid", "refusal", "truncated", "empty")
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads((await ask(client)).choices[0].message.content)
    assert "title" not in json.loads((await ask(client)).choices[0].message.content)
    refusal = (await ask(client)).choices[0].message
    assert (refusal.content, bool(refusal.refusal)) == (None, True)
    cut = (await ask(client)).choices[0]
    assert cut.finish_reason == "length"
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the place it was cut at
        json.loads(cut.message.content)
    assert (await ask(client)).choices == []
    with pytest.raises(ValueError, match="no mode"):
        model.queue("confused")


async def test_a_delay_delays(model: ModelServer, client: openai.AsyncOpenAI) -> None:
    model.set_mode("delay", seconds=0.05)
    started = asyncio.get_running_loop().time()
    await ask(client)
    assert asyncio.get_running_loop().time() - started >= 0.05


async def test_streams(model: ModelServer, client: openai.AsyncOpenAI) -> None:
    stream = await ask(client, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert json.loads(text) == INSTANCE
    assert len(chunks) > 3
    assert chunks[-1].usage.total_tokens > 0
    model.queue("drop")
    with pytest.raises(openai.APIConnectionError):
        _ = [chunk async for chunk in await ask(client, stream=True)]


async def test_embeddings_and_transcription(client: openai.AsyncOpenAI) -> None:
    answer = await client.embeddings.create(
        model="m", input=["read aloud in class", "reading list", "aloud in class"]
    )
    first, far, near = (item.embedding for item in answer.data)
    assert sum(a * b for a, b in zip(first, near, strict=True)) > sum(a * b for a, b in zip(first, far, strict=True))
    heard = await client.audio.transcriptions.create(model="m", file=("a.ogg", b"sound"))
    assert heard.text == "text"


def test_an_instance_of_a_schema_that_holds_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}
    assert instance({"$ref": "#/$defs/node", "$defs": {"node": node}})["next"] is not None


def test_an_entity_that_covered_only_white_space_goes() -> None:
    text, entities = check_text(" a ", [{"type": "bold", "offset": 0, "length": 1}])
    assert (text, entities) == ("a", [])
    with pytest.raises(ApiError):
        check_text("a", [], parse_mode="HTML")
