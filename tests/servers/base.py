"""What both servers stand on: a listener on 127.0.0.1 and waiters that are woken, never polled."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web
from aiohttp.web_request import BaseRequest

T = TypeVar("T")
LARGEST_BODY = 64 * 1024 * 1024


class Waiters:
    """Predicates that are looked at whenever something changed.

    They are evaluated at once, in the call that changed something, so a state that lasts one instant is
    seen too; with nobody waiting a change costs one truth test.
    """

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[Any], Callable[[], Any]] = {}

    def notify(self) -> None:
        if self._waiting:
            for future, predicate in list(self._waiting.items()):
                self._try(future, predicate)

    @staticmethod
    def _try(future: asyncio.Future[Any], predicate: Callable[[], Any]) -> None:
        if future.done():
            return
        try:
            value = predicate()
        except Exception as error:  # a broken predicate is its test's failure, not the server's
            future.set_exception(error)
        else:
            if value:
                future.set_result(value)

    async def wait_for(self, predicate: Callable[[], T | None], timeout: float = 5.0, what: str = "") -> T:  # noqa: ASYNC109
        """The first true value of the predicate; TimeoutError names what was waited for."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._try(future, predicate)
        self._waiting[future] = predicate
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise TimeoutError(f"not within {timeout} s: {what or predicate}") from None
        finally:
            del self._waiting[future]


class LocalServer:
    """An HTTP server that can be stopped and started again on the same port (an outage), keeping its state."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self._listener: asyncio.Server | None = None
        self._http: web.Server | None = None
        self._slow: set[asyncio.Task[Any]] = set()
        self.waiters = Waiters()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def start(self) -> Self:
        loop = asyncio.get_running_loop()
        # The low-level server has no router and no access log: this is load for benchmarks too.
        self._http = web.Server(
            self.handle, request_factory=_request, handler_cancellation=True, access_log=None, loop=loop
        )
        self._listener = await loop.create_server(self._http, self.host, self.port, backlog=1024)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Cut every connection; a long poll or a hang under way ends without an answer."""
        if self._listener is None or self._http is None:
            return
        self._listener.close()
        for task in list(self._slow):
            task.cancel()
        self._http.pre_shutdown()
        await self._http.shutdown(0.2)
        await self._listener.wait_closed()
        self._listener = self._http = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def handle(self, request: BaseRequest) -> web.StreamResponse:
        raise NotImplementedError

    async def pause(self, seconds: float) -> None:
        """Sleep inside a request, so that stop() does not wait for it. Infinity is for ever."""
        task = asyncio.current_task()
        assert task is not None
        self._slow.add(task)
        try:
            if seconds == float("inf"):
                await asyncio.get_running_loop().create_future()
            else:
                await asyncio.sleep(seconds)
        finally:
            self._slow.discard(task)

    async def wait_for(self, predicate: Callable[[], T | None], timeout: float = 5.0, what: str = "") -> T:  # noqa: ASYNC109
        return await self.waiters.wait_for(predicate, timeout, what)


def json_response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=body, status=status, headers={"Content-Type": "application/json", **(headers or {})})


def drop_connection(request: BaseRequest) -> web.Response:
    """Cut the connection without an answer; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> BaseRequest:
    loop = asyncio.get_running_loop()
    return BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_BODY)
