"""Requests of the outbox: slow work, done beside the chats, whose result comes back as an event.

The summary is written by the model where there is one, else plainly. The model's ear has LISTEN_SECONDS. A voice
message is fetched and written down. What a call to the model cost goes back with what came of it, so that it is
counted in the commit that takes the result: once, whoever else did the same. Over budget no call is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC
from functools import cache, partial
from typing import Any
from uuid import UUID, uuid5

import jiter
import msgspec
import structlog
from sqlalchemy import Engine

from bot.clock import Clock
from bot.model import Model, ModelFailedError
from bot.parse import clean
from bot.perform import DeliveryError, Messenger
from bot.prompts import EAR, SUMMARY, prompt
from bot.runner import Runner
from bot.summarising import render_in, summarised
from bot.texts import known, words
from flows import listening
from flows.documents import Document, Material
from flows.effects import RequestTranscript
from flows.events import (
    AnyEvent,
    ReflectionFailed,
    ReflectionReady,
    SummaryFailed,
    SummaryReady,
    TranscriptFailed,
    TranscriptReady,
)
from flows.listening import LISTEN_SECONDS, Hearing, Manner
from flows.plainly import plainly
from flows.spending import Budget, Spent
from storage.outbox import Row
from storage.sessions import chat_of, material, owner_of
from storage.unit_of_work import Claim
from storage.usage import spent as spent_by

log = structlog.get_logger()

TYPING_SECONDS = 4.5
"""Telegram shows "typing" for five seconds."""
FILES = {"voice": "voice.ogg", "audio": "audio.mp3", "video_note": "video.mp4"}
"""What a spoken message is called where its name tells how it is encoded."""


class Writer:
    """Carries out RequestSummary, RequestReflection and RequestTranscript."""

    def __init__(
        self,
        engine: Engine,
        runner: Runner,
        messenger: Messenger,
        model: Model | None,
        *,
        budget: Budget,
        clock: Clock,
    ) -> None:
        self._engine, self._runner, self._messenger, self._model = engine, runner, messenger, model
        self._budget, self._clock = budget, clock

    async def request(self, row: Row) -> None:
        """Do what a row asks for and report what came of it: once, whoever else did the same."""
        event_id = uuid5(row.id, "answer")
        match row.kind:
            case "reflect":
                event = await self._reflected(row, event_id)
            case "transcribe":
                event = await self._transcribed(row, event_id)
            case _:
                event = await self._summarised(row, event_id)
        await self._runner.handle(event, Claim(kind="request", id=row.id))

    async def _summarised(self, row: Row, event_id: UUID) -> AnyEvent:
        session_id, attempt = UUID(row.payload["session_id"]), int(row.payload["attempt"])
        found = await self._runner.threads.run(material, self._engine, session_id)
        spent: list[Spent] = []
        try:
            if found is None:
                raise ModelFailedError("invalid")
            document = await self._written(row, found, spent)
        except ModelFailedError as failure:
            log.warning("summary failed", session=str(session_id), attempt=attempt, reason=failure.reason)
            return SummaryFailed(
                id=event_id,
                chat_id=row.chat_id,
                session_id=session_id,
                attempt=attempt,
                reason=_summary(failure),
                spent=(*spent, *failure.spent),
            )
        return SummaryReady(
            id=event_id, chat_id=row.chat_id, session_id=session_id, document=document, spent=tuple(spent)
        )

    async def _written(self, row: Row, found: Material, spent: list[Spent]) -> Document:
        """The summary by whoever is to write it; `spent` gets what that cost. Raises ModelFailedError."""
        render = render_in(found.language)
        match row.payload["writer"]:
            case "model" if self._model is not None:
                owner = await self._runner.threads.run(owner_of, self._engine, found.session_id)
                if owner is None or not owner.model_help:  # they have changed their mind since
                    return plainly(found, render)
                if not await self._within_budget(owner.user_id):
                    return plainly(found, render, reason="budget")
                async with self._typing(row.chat_id):
                    return await summarised(self._model, found, prompt(SUMMARY), spent)
            case "plain" | "model":
                return plainly(found, render)
            case _:
                return plainly(found, render, reason="outage")

    async def _within_budget(self, user_id: UUID) -> bool:
        """Whether a call may be made for a person now. Calls at the same time may together go beyond by what they
        cost: the figures are known only after them."""
        today = self._clock.now().astimezone(UTC).date()
        by_person, by_all = await self._runner.threads.run(spent_by, self._engine, user_id, today)
        within = self._budget.allows(by_person, by_all)
        if not within:
            log.info("over budget", by_person=by_person, by_all=by_all)
        return within

    async def _reflected(self, row: Row, event_id: UUID) -> AnyEvent:
        """What the model heard, if it says so in time. One that was asked for by a process that died is late."""
        number = int(row.payload["number"])
        heard: dict[str, Any] | None = None
        spent: tuple[Spent, ...] = ()
        if self._model is not None and not row.again:
            heard, spent = await self._heard(self._model, row.chat_id, number)
        if heard is None:
            return ReflectionFailed(id=event_id, chat_id=row.chat_id, number=number, spent=spent)
        return ReflectionReady(id=event_id, chat_id=row.chat_id, number=number, spent=spent, **heard)

    async def _heard(
        self, model: Model, chat_id: int, number: int
    ) -> tuple[dict[str, Any] | None, tuple[Spent, ...]]:
        """What the model heard, and what that cost. All of it has LISTEN_SECONDS: the call to the model has what is
        left of them, and ends by itself, so that its cost is known."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LISTEN_SECONDS
        given = None
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                given = await self._to_be_heard(chat_id, number)
        if given is None:
            return None, ()
        manner = _manner(given.language)
        messages = listening.request(given, partial(words, language=given.language), prompt(EAR).text)
        show = partial(self._shown, chat_id, number, given, manner)
        async with self._typing(chat_id):
            try:
                completed = await model.reflect(messages, listening.schema(given), show, until - loop.time())
            except ModelFailedError as failure:
                log.info("reflection failed", reason=failure.reason)
                return None, failure.spent
        return listening.understood(completed.content, given, manner), (completed.spent,)

    async def _to_be_heard(self, chat_id: int, number: int) -> Hearing | None:
        """What the model is to hear, if it may."""
        chat = await self._runner.threads.run(chat_of, self._engine, chat_id)
        given = listening.hearing(chat, number)
        if given is None or not chat.someone.may_be_heard:
            return None
        if not listening.may_be_heard(given, _manner(given.language)):
            return None
        return given if await self._within_budget(chat.someone.user_id) else None

    async def _shown(self, chat_id: int, number: int, given: Hearing, manner: Manner, content: str) -> None:
        """Show the sentence as far as it is written, if so far it may be said."""
        try:
            partly = jiter.from_json(content.encode(), partial_mode="trailing-strings")
        except ValueError:
            return
        sentence = partly.get("reflection") if isinstance(partly, dict) else None
        if not isinstance(sentence, str) or " " not in sentence:
            return
        so_far = listening.said_back(sentence.rsplit(" ", 1)[0], given, manner)
        if not so_far:
            return
        chat = await self._runner.threads.run(chat_of, self._engine, chat_id)
        if listening.hearing(chat, number) is not None:  # they may have paused meanwhile
            with suppress(DeliveryError):
                await self._messenger.draft(chat_id, number, so_far)

    async def _transcribed(self, row: Row, event_id: UUID) -> AnyEvent:
        told = msgspec.convert(row.payload, RequestTranscript)
        spent: tuple[Spent, ...] = ()
        try:
            chat = await self._runner.threads.run(chat_of, self._engine, row.chat_id)
            if self._model is None or chat.person is None or not chat.person.may_be_heard:
                raise ModelFailedError("unsupported")
            if not await self._within_budget(chat.person.user_id):
                raise ModelFailedError("unavailable")
            async with self._typing(row.chat_id):
                audio = await self._messenger.fetch(told.file_id)
                heard = await self._model.transcribe(audio, FILES[told.kind], told.language)
        except (DeliveryError, ModelFailedError) as failure:
            reason = "unreachable"
            if isinstance(failure, ModelFailedError):
                reason, spent = failure.reason, failure.spent
            log.warning("voice message not written down", reason=reason)
            why = {"unsupported": "unsupported", "invalid": "nothing_heard"}.get(reason, "unavailable")
            return TranscriptFailed(id=event_id, chat_id=row.chat_id, reason=why, spent=spent)  # type: ignore[arg-type]
        return TranscriptReady(
            id=event_id,
            chat_id=row.chat_id,
            text=clean(heard.content),
            source=told.source,
            step=told.step,
            index=told.index,
            spent=(heard.spent,),
        )

    @asynccontextmanager
    async def _typing(self, chat_id: int) -> AsyncIterator[None]:
        """Show that something is being worked on, as long as it is."""
        typing = asyncio.ensure_future(self._type(chat_id))
        try:
            yield
        finally:
            typing.cancel()

    async def _type(self, chat_id: int) -> None:
        while True:
            try:
                await self._messenger.typing(chat_id)
            except DeliveryError:
                return
            await asyncio.sleep(TYPING_SECONDS)


@cache
def _manner(language: str) -> Manner:
    """The words by which a sentence in a language is judged."""
    return Manner(
        function=known("ear.function", language),
        negations=known("ear.negations", language),
        leads=known("ear.leads", language),
        forbidden=known("ear.forbidden", language),
        harm=known("ear.harm", language),
    )


def _summary(failure: ModelFailedError) -> Any:
    """The reason of a summary that failed; for a summary a model that is not there is one that is away."""
    return "unavailable" if failure.reason == "unsupported" else failure.reason
