"""The queue of updates of the bot, and what became of each: delivered how often, acknowledged, dropped."""

import asyncio
from collections import Counter, deque
from itertools import islice
from typing import Any

import msgspec

from .bot_api_params import ApiError

Json = dict[str, Any]
# As in the real server: a bot that names nothing gets everything but these.
NOT_BY_DEFAULT = frozenset(("chat_member", "message_reaction", "message_reaction_count"))
OTHER_POLLER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_SET = "Conflict: terminated by setWebhook request"


class Update(msgspec.Struct, frozen=True):
    """An update on its way. ``body`` is its JSON, made once: it may be delivered many times."""

    id: int
    kind: str
    chat_id: int
    body: bytes


class UpdateQueue:
    """Updates in the order of their ids until the bot confirms them.

    ``acknowledged``: the bot took it (a greater offset, or a webhook's 2xx).
    ``dropped``: the bot had it thrown away (negative offset, drop_pending_updates).
    ``filtered``: never queued, its kind is not in allowed_updates.
    ``deliveries``: how often each was handed to the bot.
    """

    def __init__(self, first_id: int) -> None:
        self.pending: dict[int, Update] = {}
        self.acknowledged: set[int] = set()
        self.dropped: set[int] = set()
        self.filtered: set[int] = set()
        self.deliveries: Counter[int] = Counter()
        self.allowed: list[str] = []
        self._next_id = first_id
        self._poller: asyncio.Future[str | None] | None = None

    def add(self, kind: str, chat_id: int, payload: Any) -> Update | None:
        """Queue it (None when its kind is filtered); ``last_id`` is its id either way."""
        update_id = self._next_id
        self._next_id += 1
        if kind not in self.allowed if self.allowed else kind in NOT_BY_DEFAULT:
            self.filtered.add(update_id)
            return None
        body = msgspec.json.encode({"update_id": update_id, kind: payload})
        update = Update(update_id, kind, chat_id, body)
        self.pending[update_id] = update
        self._wake(None)
        return update

    @property
    def last_id(self) -> int:
        return self._next_id - 1

    def acknowledge(self, update: Update) -> None:
        if self.pending.pop(update.id, None) is not None:
            self.acknowledged.add(update.id)

    def drop_all(self) -> None:
        self.dropped.update(self.pending)
        self.pending.clear()

    def end_poll(self, conflict: str) -> None:
        """Whoever is in a long poll gets this 409."""
        self._wake(conflict)

    def _wake(self, conflict: str | None) -> None:
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(conflict)

    def confirm(self, offset: int) -> None:
        """A positive offset acknowledges what is below it; a negative one forgets all but the last few."""
        if offset > 0:
            confirmed = []
            for update_id in self.pending:
                if update_id >= offset:
                    break
                confirmed.append(update_id)
            self.acknowledged.update(confirmed)
        elif offset < 0:
            confirmed = list(self.pending)[:offset]
            self.dropped.update(confirmed)
        else:
            return
        for update_id in confirmed:
            del self.pending[update_id]

    async def poll(self, offset: int, limit: int, seconds: float) -> list[Update]:
        """What getUpdates answers. An older poller still waiting is told about the conflict."""
        self.end_poll(OTHER_POLLER)
        self.confirm(offset)
        if not self.pending and seconds > 0:
            await self._wait(seconds)
        batch = list(islice(self.pending.values(), limit))
        self.deliveries.update(update.id for update in batch)
        return batch

    async def _wait(self, seconds: float) -> None:
        waiting: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._poller = waiting
        try:
            async with asyncio.timeout(seconds):
                conflict = await waiting
        except TimeoutError:
            conflict = None
        finally:
            if self._poller is waiting:
                self._poller = None
        if conflict is not None:
            raise ApiError(409, conflict)


class ChatLines:
    """Pending updates in one line per chat, and the chats that may be served next.

    A chat is in ``ready`` only while none of its updates is on its way: that is what keeps the order.
    """

    def __init__(self) -> None:
        self._lines: dict[int, deque[Update]] = {}
        self.ready: asyncio.Queue[int] = asyncio.Queue()

    def add(self, update: Update) -> None:
        line = self._lines.get(update.chat_id)
        if line is None:
            self._lines[update.chat_id] = deque((update,))
            self.ready.put_nowait(update.chat_id)
        else:
            line.append(update)

    def head(self, chat_id: int) -> Update:
        return self._lines[chat_id][0]

    def done(self, chat_id: int) -> None:
        line = self._lines[chat_id]
        line.popleft()
        if line:
            self.ready.put_nowait(chat_id)
        else:
            del self._lines[chat_id]
