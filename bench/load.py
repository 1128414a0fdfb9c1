"""The load: our Bot API server with coachees in it who answer as soon as they are asked, and what they wait for.

A closed loop: each coachee acts, waits for the bot's next question, acts again. An answer counts when the message
that follows from it has arrived here; its latency is the time from the act to that.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from time import perf_counter
from typing import Self

from bench.coachees import Coachee
from bench.front import connections
from tests.servers import BotApi
from tests.servers.bot_api_chats import ChatMessage
from tests.servers.bot_api_params import Params

FIRST_CHAT = 1001
STUCK_SECONDS = 3.0


@dataclass(slots=True)
class Window:
    """What happened in a stretch of time."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)


class Crowd(BotApi):
    """The server and everybody who talks with the bot through it."""

    def __init__(self, kind: type[Coachee], *, typing: bool = False) -> None:
        super().__init__(keep_requests=False, spec=False)
        self.polled = asyncio.Event()
        self.transports: set[asyncio.Transport] = set()
        self.answered = 0
        self.given = 0
        self._kind, self._typing = kind, typing
        self._people: dict[int, Coachee] = {}
        self._window: Window | None = None
        self._going = True

    async def start(self) -> Self:
        """Listen, through the lean front."""
        self._working: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        made = connections(self, self.token, self._working)
        self._listener = await loop.create_server(made, self.host, self.port, backlog=1024)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Cut every connection."""
        if self._listener is None:
            return
        self._listener.close()
        for task in list(self._working):
            task.cancel()
        for transport in list(self.transports):
            transport.abort()
        await self._listener.wait_closed()
        self._listener = None

    async def wait(self, method: str, params: Params) -> bytes:
        """A method that may take its time."""
        if method == "getupdates":
            self.polled.set()
        return await self._act(method, params, {})

    def acted(self, method: str, params: Params) -> None:
        """The bot did something and has its answer: a message is seen in its chat, or that one changed."""
        if method == "sendmessage":
            self._seen(params["chat_id"], self.chats[params["chat_id"]].messages[-1], perf_counter())
        elif method == "editmessagetext" and self._people[params["chat_id"]].watches(params["message_id"]):
            changed = self.chats[params["chat_id"]].by_id[params["message_id"]]
            self._seen(params["chat_id"], changed, perf_counter())

    def grow(self, number: int) -> None:
        """So many people talk from now on."""
        for chat_id in range(FIRST_CHAT + len(self._people), FIRST_CHAT + number):
            person = self._kind(self, chat_id, typing=self._typing)
            self._people[chat_id] = person
            person.acted_at = perf_counter()
            person.begin()

    async def watch(self, seconds: float) -> Window:
        """Record what happens for a while."""
        self._window = window = Window()
        began, calls = perf_counter(), Counter(self.counts)
        await asyncio.sleep(seconds)
        self._window = None
        window.seconds = perf_counter() - began
        window.calls = self.counts - calls
        return window

    async def finish(self) -> int:
        """Nobody acts any more; gives how many never got an answer to the last thing they did."""
        self._going = False
        until = perf_counter() + STUCK_SECONDS
        while (waiting := self._waiting()) and perf_counter() < until:  # noqa: ASYNC110 - seldom, and short
            await asyncio.sleep(0.02)
        return waiting

    def _waiting(self) -> int:
        return sum(1 for person in self._people.values() if person.acted_at is not None)

    def _seen(self, chat_id: int, message: ChatMessage, at: float) -> None:
        person = self._people[chat_id]
        if person.acted_at is not None and person.is_reply(message):
            if person.answering:
                self.answered += 1
                if self._window is not None:
                    self._window.latencies.append(at - person.acted_at)
            person.acted_at = None
        if self._going and person.is_turn(message):
            person.acted_at = perf_counter()
            person.act(message)
            self.given += person.answering
