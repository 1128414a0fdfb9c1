"""The shared Google calendar: entries put and removed, as a service account (the optional extra `google`).

The client blocks, so it has threads of its own: one that hangs takes none from anybody else. A call has TIMEOUT
seconds on its socket, and what it is part of PATIENCE seconds in all. Putting twice is putting once: an entry's id
follows from its session, so one that is there already is changed, and one that was removed by hand is made again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bot.settings import Settings

SCOPE = "https://www.googleapis.com/auth/calendar.events"
TIMEOUT = 10.0
PATIENCE = 30.0
"""Three calls, each with its sign-in, may go on longer than anybody waits."""
THREADS = 2
GONE, THERE_ALREADY = (404, 410), 409


class CalendarError(Exception):
    """The calendar did not do it. `str` says why, without a word of a person."""


class GoogleCalendar:
    """One calendar. Raises CalendarError where its credentials cannot be read."""

    def __init__(self, credentials: Path, calendar_id: str, api_url: str) -> None:
        from google.oauth2 import service_account
        from googleapiclient.discovery import build

        try:
            self._credentials = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
                str(credentials), scopes=[SCOPE]
            )
        except (OSError, ValueError) as error:
            words = f"GOOGLE_CREDENTIALS_FILE {credentials} is no key of a service account ({type(error).__name__})"
            raise CalendarError(words) from None
        self.calendar_id = calendar_id
        options = {"api_endpoint": f"{api_url.rstrip('/')}/calendar/v3/"}
        self._events = build(
            "calendar", "v3", http=self._http(), client_options=options, static_discovery=True, cache_discovery=False
        ).events()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="google")

    async def put(self, event_id: str, body: dict[str, Any], *, known: bool) -> None:
        """An entry is to be like this; `known`: it is most likely there. Raises CalendarError."""
        await self._run(lambda: self._put(event_id, body, known=known))

    async def remove(self, event_id: str) -> None:
        """An entry is not to be there. Raises CalendarError."""
        await self._run(lambda: self._execute(self._events.delete, GONE, eventId=event_id))

    async def check(self) -> None:
        """Whether the calendar can be read. Raises CalendarError."""
        await self._run(lambda: self._execute(self._events.list, maxResults=1))

    def close(self) -> None:
        """End the threads; one that hangs ends with its call."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], object]) -> None:
        try:
            await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._threads, work), PATIENCE)
        except TimeoutError:
            raise CalendarError("timeout") from None

    def _put(self, event_id: str, body: dict[str, Any], *, known: bool) -> None:
        if known and self._patched(event_id, body):
            return
        status = self._execute(self._events.insert, (THERE_ALREADY,), body={**body, "id": event_id})
        if status == THERE_ALREADY and not self._patched(event_id, body):
            raise CalendarError("neither there nor to be made")

    def _patched(self, event_id: str, body: dict[str, Any]) -> bool:
        """Change an entry; False where there is none."""
        return self._execute(self._events.patch, GONE, eventId=event_id, body=body) == 200

    def _execute(self, method: Callable[..., Any], fine: tuple[int, ...] = (), **args: Any) -> int:
        """Make a call; gives its status, where that is 200 or one that is `fine`."""
        from google.auth.exceptions import GoogleAuthError
        from googleapiclient.errors import Error, HttpError
        from httplib2 import HttpLib2Error

        http = self._http()
        try:
            method(calendarId=self.calendar_id, **args).execute(http=http)
        except HttpError as error:
            status = int(error.resp.status)
            if status in fine:
                return status
            raise CalendarError(f"HTTP {status}") from None
        except (GoogleAuthError, HttpLib2Error, Error, OSError, ValueError) as error:
            raise CalendarError(type(error).__name__) from None
        finally:
            http.close()
        return 200

    def _http(self) -> Any:
        """A connection of a call's own: they cannot be shared between threads."""
        import httplib2
        from google_auth_httplib2 import AuthorizedHttp

        return AuthorizedHttp(self._credentials, http=httplib2.Http(timeout=TIMEOUT))


def installed() -> bool:
    """Whether the extra is there."""
    return all(find_spec(name) is not None for name in ("googleapiclient", "google_auth_httplib2"))


def google_of(settings: Settings) -> GoogleCalendar | None:
    """The shared calendar of the settings. Raises CalendarError where there is to be one and cannot be."""
    if settings.google_credentials_file is None or settings.google_calendar_id is None:
        return None
    if not installed():
        raise CalendarError("GOOGLE_CALENDAR_ID is set, and what it takes is not installed: pip install '.[google]'")
    return GoogleCalendar(settings.google_credentials_file, settings.google_calendar_id, settings.google_api_url)
