"""The private address of a person's calendar: /calendar/<token>.ics. Its token is kept nowhere, its hash finds it.

Who has the address reads it, and nobody is asked who they are: what is there is when somebody's sessions are, where,
and whom they meet. It is never written down who fetched it, or what.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.calendars import entry, ics
from bot.clock import Clock
from bot.parse import hash_of
from bot.texts import words
from bot.threads import Threads
from flows.calendars import title
from flows.effects import Text
from flows.session_list import part_of
from flows.times import local
from storage.calendars import Feed, feed_of

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
"""32 random bytes."""
AT_ONCE = 2
"""Calendars that are made at the same time: the threads are there for timers and leftovers, too."""
PRIVATE = {"Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
"""Nobody between the person and us may keep it; the person's own calendar asks whether it has changed."""
Fetch = Callable[[str], Awaitable[bytes | None]]
"""The calendar behind a token; None where there is none."""


class Feeds:
    """Calendars by their tokens."""

    def __init__(self, engine: Engine, threads: Threads, clock: Clock) -> None:
        self._engine, self._threads, self._clock = engine, threads, clock
        self._room = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, token: str) -> bytes | None:
        """The calendar behind a token, as it is now."""
        if not TOKEN.fullmatch(token):
            return None
        async with self._room:
            return await self._threads.run(self._made, hash_of(token))

    def _made(self, token_hash: str) -> bytes | None:
        now = self._clock.now()
        feed = feed_of(self._engine, token_hash, now)
        return calendar(feed, local(now, feed.person.timezone).year) if feed is not None else None


def calendar(feed: Feed, year: int) -> bytes:
    """The sessions that a person may see, in their language. It is the same as long as nothing changes."""
    me, language = feed.person, feed.person.language
    entries, changed = [], {}
    for session in feed.sessions:
        part = part_of(me.user_id, feed.roles, session, feed.subjects.get(session.coachee.user_id), year)
        if part is not None:
            one = entry(session, title(session, part), language)
            entries.append(one)
            changed[one.uid] = feed.changed[session.session_id]
    return ics(entries, changed, name=words(Text(key="calendar.name"), language))


def route(fetch: Fetch) -> Route:
    """The page of the addresses. What is not there is answered like what was never there."""

    async def page(request: Request) -> Response:
        try:
            content = await fetch(request.path_params["token"])
        except SQLAlchemyError:
            return PlainTextResponse("the database is away", 503, {"Retry-After": "60", **PRIVATE})
        if content is None:
            return PlainTextResponse("no calendar here", 404, PRIVATE)
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"ETag": tag, **PRIVATE}
        if _known(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers=headers)
        headers["Content-Disposition"] = 'inline; filename="sessions.ics"'
        return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)

    return Route("/calendar/{token}.ics", page, methods=["GET"])


def _known(given: str, tag: str) -> bool:
    """Whether who asks has this already (If-None-Match)."""
    tags = {part.strip().removeprefix("W/") for part in given.split(",")}
    return tag in tags or "*" in tags
