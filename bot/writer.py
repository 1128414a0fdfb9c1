"""Requests of the outbox: the summary, by the model where there is one, else plainly. It comes back as an event."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import structlog
from sqlalchemy import Engine

from bot.model import Model, ModelFailedError
from bot.perform import DeliveryError, Messenger
from bot.runner import Runner
from bot.texts import words
from flows.documents import Document, Material, plainly
from flows.effects import Text
from flows.events import SummaryFailed, SummaryReady
from storage.outbox import Row
from storage.sessions import material
from storage.unit_of_work import Claim

log = structlog.get_logger()

TYPING_SECONDS = 4.5
"""Telegram shows "typing" for five seconds."""


class Writer:
    """Carries out RequestSummary."""

    def __init__(self, engine: Engine, runner: Runner, messenger: Messenger, model: Model | None) -> None:
        self._engine, self._runner, self._messenger, self._model = engine, runner, messenger, model

    async def request(self, row: Row) -> None:
        """Write a summary and report it, or report why there is none."""
        session_id, attempt = UUID(row.payload["session_id"]), int(row.payload["attempt"])
        claim = Claim(kind="request", id=row.id)
        found = await self._runner.threads.run(material, self._engine, session_id)
        event_id = uuid5(row.id, "answer")
        try:
            if found is None:
                raise ModelFailedError("invalid")
            document = await self._written(row, found)
        except ModelFailedError as failure:
            log.warning("summary failed", session=str(session_id), attempt=attempt, reason=failure.reason)
            failed = SummaryFailed(
                id=event_id, chat_id=row.chat_id, session_id=session_id, attempt=attempt, reason=failure.reason
            )
            await self._runner.handle(failed, claim)
            return
        ready = SummaryReady(id=event_id, chat_id=row.chat_id, session_id=session_id, document=document)
        await self._runner.handle(ready, claim)

    async def _written(self, row: Row, found: Material) -> Document:
        if self._model is None or row.payload["writer"] == "plain":
            stood_in = row.payload["writer"] == "plain"
            return plainly(found, partial(_words, language=found.language), stood_in=stood_in)
        typing = asyncio.ensure_future(self._typing(row.chat_id))
        try:
            return await self._model.summary(found)
        finally:
            typing.cancel()

    async def _typing(self, chat_id: int) -> None:
        while True:
            try:
                await self._messenger.typing(chat_id)
            except DeliveryError:
                return
            await asyncio.sleep(TYPING_SECONDS)


def _words(key: str, *, language: str, count: int | None = None, **args: Any) -> str:
    return words(Text(key=key, args=args, count=count), language)
