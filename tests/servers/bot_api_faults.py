"""Faults a test asks for, and the send limits of the real server."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .bot_api_params import ApiError, Params

DESCRIPTIONS = {
    400: "Bad Request: programmed fault",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    413: "Request Entity Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One programmed fault. ``times`` counts down (None: for ever); ``hits`` counts how often it struck.

    ``before`` True: the act is not done. False: it is done, and then the answer is wrong, late or lost.
    ``hang`` alone delays; with ``drop`` or ``status`` it delays them.
    """

    method: str
    status: int | None = None
    times: int | None = 1
    retry_after: int | None = None
    chat_id: int | None = None
    hang: float | None = None
    drop: bool = False
    before: bool = True
    description: str | None = None
    when: Callable[[Params], bool] | None = None
    hits: int = 0

    def matches(self, method: str, params: Params) -> bool:
        return (
            self.method in ("*", method)
            and (self.times is None or self.times > 0)
            and (self.chat_id is None or params.get("chat_id") == self.chat_id)
            and (self.when is None or self.when(params))
        )

    def strike(self) -> None:
        self.hits += 1
        if self.times is not None:
            self.times -= 1

    def cancel(self) -> None:
        self.times = 0

    def error(self) -> ApiError | None:
        if self.status is None:
            return None
        if self.status == 429:
            return too_many(1 if self.retry_after is None else self.retry_after)
        return ApiError(self.status, self.description or DESCRIPTIONS.get(self.status, "Internal Server Error"))


class Faults:
    def __init__(self) -> None:
        self.programmed: list[Fault] = []

    def take(self, method: str, params: Params) -> Fault | None:
        """The first fault that is meant for this request, counted."""
        for fault in self.programmed:
            if fault.matches(method, params):
                fault.strike()
                if fault.times == 0:
                    self.programmed.remove(fault)
                return fault
        return None


def too_many(retry_after: int) -> ApiError:
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after)


class Limits:
    """At most so many sends in any one second, for the bot and for each chat. None is no limit.

    A refused send does not count. The window slides; the real server's rule is not published.
    """

    def __init__(self, per_second: int | None = None, per_chat: int | None = None) -> None:
        self.per_second = per_second
        self.per_chat = per_chat
        self.refused = 0
        self._bot: deque[float] = deque()
        self._chats: dict[int, deque[float]] = {}

    def check(self, chat_id: int) -> None:
        if self.per_second is None and self.per_chat is None:
            return
        now = time.monotonic()
        windows = [(self._bot, self.per_second)]
        windows.append((self._chats.setdefault(chat_id, deque()), self.per_chat))
        for window, most in windows:
            while window and window[0] <= now - 1.0:
                window.popleft()
            if most is not None and len(window) >= most:
                self.refused += 1
                raise too_many(max(1, math.ceil(window[0] + 1.0 - now)))
        for window, _ in windows:
            window.append(now)
