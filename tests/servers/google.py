"""A Google calendar of our own: the token endpoint and the events of the Calendar API (v3), with its refusals.

An event that is deleted stays as a cancelled one, as Google keeps it: its id is taken, and a patch brings it back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from aiohttp.web_request import BaseRequest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.servers.base import LocalServer, drop_connection, json_response

CALENDAR = "team@group.calendar.google.com"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Google(LocalServer):
    """`events` by id as they stand, `calls` in order, `faults` for the next calls: a status, "hang" or "drop"."""

    def __init__(self) -> None:
        super().__init__()
        self.events: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.faults: list[int | str] = []
        self.always: int | str | None = None
        self.tokens = 0
        self.before: Callable[[str], None] = lambda call: None

    def credentials(self, folder: Path) -> Path:
        """The key of a service account whose tokens come from here."""
        pem = KEY.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = folder / "google.json"
        path.write_text(
            json.dumps(
                {
                    "type": "service_account",
                    "client_email": "waymark@project.iam.gserviceaccount.com",
                    "private_key": pem.decode(),
                    "private_key_id": "1",
                    "token_uri": f"{self.url}/token",
                }
            )
        )
        return path

    async def handle(self, request: BaseRequest) -> web.StreamResponse:
        body = await request.read()
        if request.path == "/token":
            self.tokens += 1
            answer = {"access_token": f"token-{self.tokens}", "expires_in": 3600, "token_type": "Bearer"}
            return json_response(json.dumps(answer).encode())
        call = request.method
        self.before(call)
        self.calls.append(call)
        self.waiters.notify()
        fault = self.faults.pop(0) if self.faults else self.always
        if fault == "hang":
            await self.pause(math.inf)
        if fault == "drop":
            return drop_connection(request)
        if isinstance(fault, int):
            return _refused(fault)
        if request.headers.get("Authorization") != f"Bearer token-{self.tokens}":
            return _refused(401)
        return self._answer(call, unquote(request.path), json.loads(body) if body else {})

    def _answer(self, call: str, path: str, given: dict[str, Any]) -> web.Response:
        root = f"/calendar/v3/calendars/{CALENDAR}/events"
        if not path.startswith(root):
            return _refused(404)
        event_id = path.removeprefix(root).strip("/")
        there = self.events.get(event_id)
        match call:
            case "GET":
                return json_response(json.dumps({"items": list(self.events.values())}).encode())
            case "POST" if given["id"] in self.events:
                return _refused(409)
            case "POST":
                assert set(given["id"]) <= set("0123456789abcdefghijklmnopqrstuv")
                assert 5 <= len(given["id"]) <= 1024
                self.events[given["id"]] = given
                return json_response(json.dumps(given).encode())
            case _ if there is None:
                return _refused(404)
            case "PATCH":
                there.update(given)
                return json_response(json.dumps(there).encode())
            case "DELETE" if there["status"] == "cancelled":
                return _refused(410)
            case "DELETE":
                there["status"] = "cancelled"
                return web.Response(status=204)
        return _refused(400)


def _refused(status: int) -> web.Response:
    reason = {403: "rateLimitExceeded", 409: "duplicate", 410: "deleted"}.get(status, "backendError")
    error = {"error": {"code": status, "message": reason, "errors": [{"reason": reason}]}}
    return json_response(json.dumps(error).encode(), status)
