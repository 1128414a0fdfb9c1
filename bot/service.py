"""The composition: what runs together in one process, and how it starts and stops."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from uuid import UUID, uuid5

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from telegram import Bot
from telegram.error import BadRequest, InvalidToken, TelegramError

from bot import ages
from bot.breaker import Breaker
from bot.calendar_sync import CalendarSync
from bot.clock import Clock, SystemClock
from bot.exporting import exported
from bot.feeds import Feeds
from bot.google import CalendarError, google_of
from bot.http import Server, application
from bot.intake import Intake
from bot.meters import Meters
from bot.model import model_of
from bot.nursery import Nursery
from bot.parse import ALLOWED_UPDATES, hash_of
from bot.perform import DeliveryError, Made, Messenger, Performer
from bot.runner import House, Runner
from bot.scheduler import Chores, schedule
from bot.settings import Settings
from bot.telegram.messenger import TelegramMessenger
from bot.telegram.polling import WAITS, Polling
from bot.telegram.transport import AiohttpRequest
from bot.writer import Writer
from flows.events import ChatBlocked, FeedMinted, LinkMinted
from flows.spending import Budget
from storage import migrations, outbox
from storage.calendars import held
from storage.engine import alive, connect
from storage.instance import Instance

log = structlog.get_logger()

TOKEN_BYTES = 32
WEBHOOK_CONNECTIONS = 40
STOP_SECONDS = 5.0


class CannotServeError(Exception):
    """The service cannot start, and the message says what to do."""


class LinkNotKeptError(Exception):
    """The hash of a link's token could not be kept: nobody could use the link."""


class Core:
    """What every front end has: the runner, the performer, the writer and the chores on one database."""

    def __init__(
        self, engine: Engine, messenger: Messenger, settings: Settings, clock: Clock, nursery: Nursery, *, owner: str
    ) -> None:
        self.engine, self.clock, self.owner = engine, clock, owner
        self.policy, self._calendars_url = settings.policy, settings.calendars_url
        self.performer = Performer(messenger, clock, nursery, find_sent=self._find_sent)
        self.budget = Budget(person=settings.model_tokens_person_day, deployment=settings.model_tokens_day)
        self.breaker = Breaker(clock)
        self.model = model_of(settings, self.breaker)
        self.runner = Runner(
            engine,
            self.performer,
            clock,
            nursery,
            owner=owner,
            house=House(
                model=self.model is not None,
                listens=settings.model_listens,
                access=settings.access,
                invite_days=settings.invite_days,
                keeping=settings.keeping,
                consent_ages=ages.parsed(settings.consent_ages),
                policy=self.policy,
                holidays=settings.holidays,
            ),
        )
        self.writer = Writer(engine, self.runner, messenger, self.model, budget=self.budget, clock=clock)
        self.chores = Chores(
            engine,
            self.runner,
            self.performer,
            clock,
            owner=owner,
            keeping=settings.keeping,
            tombstones=settings.tombstones_file,
        )
        try:
            self.google = google_of(settings)
        except CalendarError as error:
            raise CannotServeError(str(error)) from None
        self.calendars = CalendarSync(engine, self.runner, self.google, clock, self.performer.mark)
        self.performer.request = self._request
        self.performer.blocked = self._blocked
        self.performer.mint = self._mint
        self.performer.mint_feed = self._mint_feed
        self.performer.export = self._export

    async def _find_sent(self, chat_id: int, key: str) -> int | None:
        await self.runner.flush()
        return await self.runner.threads.run(outbox.sent_as, self.engine, chat_id, key)

    async def _request(self, row: outbox.Row) -> None:
        await (self.calendars.request(row) if row.kind == "calendar" else self.writer.request(row))

    async def _mint(self, chat_id: int, invite_id: UUID) -> str:
        """A new token for a link; only its hash is kept, and kept before anybody has the link."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        hashed = hash_of(token)
        minted = LinkMinted(id=uuid5(invite_id, hashed), chat_id=chat_id, invite_id=invite_id, token_hash=hashed)
        outcome = await self.runner.handle(minted)
        if outcome.error is not None or outcome.dropped:
            raise LinkNotKeptError(outcome.error or "nobody is there")
        return token

    async def _mint_feed(self, chat_id: int, request: UUID) -> str | None:
        """A new address of a person's calendar, as a link is made; None where it is not wanted any more."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        hashed = hash_of(token)
        minted = FeedMinted(id=uuid5(request, hashed), chat_id=chat_id, request=request, token_hash=hashed)
        outcome = await self.runner.handle(minted)
        if outcome.error is not None:
            raise LinkNotKeptError(outcome.error)
        kept = await self.runner.threads.run(held, self.engine, hashed)
        return f"{self._calendars_url}/calendar/{token}.ics" if kept else None

    async def _export(self, chat_id: int, language: str) -> Sequence[Made]:
        return await self.runner.threads.run(exported, self.engine, chat_id, language, self.clock.now())

    async def _blocked(self, chat_id: int) -> None:
        now = self.clock.now()
        await self.runner.handle(ChatBlocked(id=outbox.new_id(), chat_id=chat_id, at=now))


@asynccontextmanager
async def core(
    settings: Settings,
    messenger: Messenger,
    clock: Clock | None = None,
    *,
    ticking: bool = True,
    failed: Callable[[], None] | None = None,
) -> AsyncIterator[Core]:
    """The core at work on the database of the settings, which is brought up to date; stopped in order at the end.

    `failed` is called if a part of it crashes without which nothing works.
    """
    engine = connect(settings.database_url)
    try:
        await asyncio.to_thread(migrations.upgrade, engine)
        with Instance(engine) as instance:
            async with _at_work(
                engine, instance, settings, messenger, clock or SystemClock(), ticking, failed
            ) as made:
                yield made
    finally:
        engine.dispose()


@asynccontextmanager
async def _at_work(
    engine: Engine,
    instance: Instance,
    settings: Settings,
    messenger: Messenger,
    clock: Clock,
    ticking: bool,
    failed: Callable[[], None] | None,
) -> AsyncIterator[Core]:
    nursery = Nursery(failed)
    await asyncio.to_thread(outbox.release, engine, instance.name, clock.now())
    made = Core(engine, messenger, settings, clock, nursery, owner=instance.name)
    await made.chores.remember()  # before anything is sent to, or heard of, who is forgotten
    made.runner.start()
    scheduler = schedule(made.chores) if ticking else None
    if scheduler is not None:
        while await made.chores.take_up():
            pass
        scheduler.start()
    try:
        yield made
    finally:
        if scheduler is not None:
            scheduler.shutdown(wait=False)
        await nursery.close()
        with suppress(TimeoutError):  # a database that is away: what was sent is sent again by the next start
            await asyncio.wait_for(made.runner.flush(), STOP_SECONDS)
        made.runner.close()
        with suppress(SQLAlchemyError):
            await asyncio.to_thread(outbox.release, engine, instance.name, clock.now())  # anybody's now
        if made.google is not None:
            made.google.close()
        if made.model is not None:
            await made.model.close()


def bot_of(settings: Settings) -> Bot:
    """The Bot API client. It parses and formats; the transport is ours."""
    base = settings.telegram_api_url.rstrip("/")
    return Bot(
        settings.token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=AiohttpRequest(),
        get_updates_request=AiohttpRequest(),
    )


async def run(settings: Settings, *, updates: bool = True, work: bool = True) -> None:
    """Serve Telegram until a signal comes: by webhook where WEBHOOK_URL is set, else by polling.

    `updates` takes updates in and serves PORT, `work` fires timers and takes up what is left over; `waymark run` does
    both.
    """
    stopping = asyncio.Event()
    crashed = asyncio.Event()

    def failed() -> None:
        crashed.set()
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    if updates:
        _refuse_taken_port(settings.port)
    bot = bot_of(settings)
    messenger = TelegramMessenger(bot)
    async with core(settings, messenger, ticking=work, failed=failed) as made:
        nursery = Nursery(failed)
        server: Server | None = None
        try:
            if updates:
                intake = Intake(bot, made.runner, made.performer, made.clock)
                server = _server(settings, made, intake)
                nursery.start(server.serve(), "http", vital=True)
                nursery.start(_receive(settings, bot, messenger, intake), "updates", vital=True)
            else:
                nursery.start(_greet(bot), "greeting")
            await stopping.wait()
        finally:
            log.info("stopping")
            if server is not None:
                server.should_exit = True
                await server.stopped(STOP_SECONDS)
            await nursery.close()
    await bot.shutdown()
    if crashed.is_set():
        raise CannotServeError("a part of it crashed, see the log; everything acknowledged is kept, start it again")


def _refuse_taken_port(port: int) -> None:
    """Say at once that the port is taken, and not from somewhere inside the server."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            raise CannotServeError(f"PORT {port} is taken by another process; stop it or set another PORT") from None


def _server(settings: Settings, made: Core, intake: Intake) -> Server:
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else None
    taking = intake if settings.webhook_url else None
    meters = _metrics(made, intake)
    fetch = Feeds(made.engine, made.runner.threads, made.clock).fetch if made.policy.feeds else None
    pages = application(taking, secret, lambda: made.runner.threads.run(alive, made.engine), meters.page, fetch)
    return Server(pages, settings.port)


async def _receive(settings: Settings, bot: Bot, messenger: TelegramMessenger, intake: Intake) -> None:
    """Begin to receive updates, one way or the other, as soon as the Bot API answers."""
    await _greet(bot)
    try:
        await messenger.set_commands()
    except DeliveryError as error:
        log.warning("commands not set", error=type(error).__name__)
    if settings.webhook_url is None:
        await _insist(bot.delete_webhook)
        await Polling(bot, intake).run()
    else:
        assert settings.webhook_secret is not None
        url = settings.webhook_url.rstrip("/").removesuffix("/telegram") + "/telegram"
        secret = settings.webhook_secret.get_secret_value()
        await _insist(
            lambda: bot.set_webhook(
                url, secret_token=secret, allowed_updates=ALLOWED_UPDATES, max_connections=WEBHOOK_CONNECTIONS
            )
        )
        log.info("webhook set")


async def _greet(bot: Bot) -> None:
    """Wait for the Bot API to know us."""
    await _insist(bot.initialize)
    log.info("ready", bot=bot.username)


async def _insist(call: Callable[[], Awaitable[object]]) -> None:
    """Call until it works: a Bot API that is away, or does not know the token, is complained of and waited for."""
    for number in count():
        try:
            await call()
        except InvalidToken:
            log.error("Telegram does not know this token: check TELEGRAM_BOT_TOKEN")
        except BadRequest as error:
            log.error("Telegram refused", reason=error.message)
        except TelegramError as error:
            log.warning("Telegram did not answer", error=type(error).__name__)
        else:
            return
        await asyncio.sleep(WAITS[min(number, len(WAITS) - 1)])


def _metrics(made: Core, intake: Intake) -> Meters:
    """What an operator watches. Numbers only, of no person."""
    meters = Meters(made.engine, made.runner.threads, made.clock, made.budget)
    for name, about, value in (
        ("updates_taken", "updates received", lambda: intake.taken),
        ("events_handled", "events decided and committed", lambda: made.runner.handled),
        ("batches", "transactions written", lambda: made.runner.batches),
        ("events_set_aside", "events that could not be handled", lambda: made.runner.set_aside),
        ("messages_performed", "messages sent or edited", lambda: made.performer.performed),
        ("model_open", "1 while the model is left alone because it is down", lambda: made.breaker.open),
    ):
        meters.shows(name, about, value)
    return meters
