"""The composition: what runs together in one process, and how it starts and stops."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Engine
from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot.clock import Clock, SystemClock
from bot.http import Server, application
from bot.intake import Intake
from bot.model import Model
from bot.nursery import Nursery
from bot.parse import ALLOWED_UPDATES
from bot.perform import DeliveryError, Messenger, Performer
from bot.runner import Runner
from bot.scheduler import Chores, schedule
from bot.settings import Settings
from bot.telegram.messenger import TelegramMessenger
from bot.telegram.polling import WAITS, Polling
from bot.telegram.transport import AiohttpRequest
from bot.writer import Writer
from flows.events import ChatBlocked
from storage import migrations, outbox
from storage.engine import alive, connect
from storage.instance import Instance

log = structlog.get_logger()

WEBHOOK_CONNECTIONS = 40


class Core:
    """What every front end has: the runner, the performer, the writer and the chores on one database."""

    def __init__(
        self, engine: Engine, messenger: Messenger, settings: Settings, clock: Clock, nursery: Nursery, *, owner: str
    ) -> None:
        self.engine, self.clock = engine, clock
        self.performer = Performer(messenger, clock, nursery, find_sent=self._find_sent)
        self.runner = Runner(engine, self.performer, clock, nursery, owner=owner)
        self.model: Model | None = None
        if settings.openai_api_key is not None:
            self.model = Model(
                settings.openai_api_key.get_secret_value(), settings.openai_base_url, settings.openai_model
            )
        self.writer = Writer(engine, self.runner, messenger, self.model)
        self.chores = Chores(engine, self.runner, self.performer, clock, owner=owner)
        self.performer.request = self.writer.request
        self.performer.blocked = self._blocked

    async def _find_sent(self, chat_id: int, key: str) -> int | None:
        await self.runner.flush()
        return await asyncio.to_thread(outbox.sent_as, self.engine, chat_id, key)

    async def _blocked(self, chat_id: int) -> None:
        now = self.clock.now()
        await self.runner.handle(ChatBlocked(id=outbox.new_id(), chat_id=chat_id, at=now))


@asynccontextmanager
async def core(
    settings: Settings, messenger: Messenger, clock: Clock | None = None, *, ticking: bool = True
) -> AsyncIterator[Core]:
    """The core at work on the database of the settings, which is brought up to date; stopped in order at the end."""
    engine = connect(settings.database_url)
    await asyncio.to_thread(migrations.upgrade, engine)
    nursery = Nursery()
    with Instance(engine) as instance:
        await asyncio.to_thread(outbox.release, engine, instance.name)
        made = Core(engine, messenger, settings, clock or SystemClock(), nursery, owner=instance.name)
        made.runner.start()
        scheduler = schedule(made.chores) if ticking else None
        if scheduler is not None:
            await made.chores.take_up()
            scheduler.start()
        try:
            yield made
        finally:
            if scheduler is not None:
                scheduler.shutdown(wait=False)
            await nursery.close()
            await made.runner.flush()
            made.runner.close()
            if made.model is not None:
                await made.model.close()
    engine.dispose()


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

    `updates` takes updates in, `work` fires timers and takes up what is left over; `waymark run` does both.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    bot = bot_of(settings)
    messenger = TelegramMessenger(bot)
    async with core(settings, messenger, ticking=work) as made:
        intake = Intake(bot, made.runner, made.performer, made.clock)
        webhook = updates and settings.webhook_url is not None
        secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else None
        app = application(
            intake if webhook else None, secret, lambda: asyncio.to_thread(alive, made.engine), _metrics(made, intake)
        )
        server = Server(app, settings.port)
        nursery = Nursery()
        serving = nursery.start(server.serve(), "http")
        try:
            if await _greeted(bot, stopping) and updates:
                await _receive(settings, bot, messenger, intake, nursery, webhook)
            await _until(stopping, serving)
        finally:
            log.info("stopping")
            server.should_exit = True
            await asyncio.wait([serving], timeout=5)
            await nursery.close()
            await bot.shutdown()


async def _greeted(bot: Bot, stopping: asyncio.Event) -> bool:
    """Wait for the Bot API to know us; False if a signal came first. A token it does not know ends the program."""
    for number in range(1_000_000):
        try:
            await bot.initialize()
        except InvalidToken:
            raise SystemExit("Telegram does not know this token: check TELEGRAM_BOT_TOKEN") from None
        except TelegramError as error:
            log.warning("Telegram did not answer", error=type(error).__name__)
        else:
            log.info("ready", bot=bot.username)
            return True
        try:
            await asyncio.wait_for(stopping.wait(), WAITS[min(number, len(WAITS) - 1)])
        except TimeoutError:
            continue
        return False
    return False


async def _receive(
    settings: Settings, bot: Bot, messenger: TelegramMessenger, intake: Intake, nursery: Nursery, webhook: bool
) -> None:
    """Begin to receive updates, one way or the other."""
    try:
        await messenger.set_commands()
    except DeliveryError as error:
        log.warning("commands not set", error=type(error).__name__)
    if webhook:
        assert settings.webhook_url is not None
        assert settings.webhook_secret is not None
        await bot.set_webhook(
            settings.webhook_url.rstrip("/").removesuffix("/telegram") + "/telegram",
            secret_token=settings.webhook_secret.get_secret_value(),
            allowed_updates=ALLOWED_UPDATES,
            max_connections=WEBHOOK_CONNECTIONS,
        )
        return
    await bot.delete_webhook()
    nursery.start(Polling(bot, intake).run(), "polling")


async def _until(stopping: asyncio.Event, serving: asyncio.Task[None]) -> None:
    """Until a signal comes, or the port cannot be served."""
    stop = asyncio.ensure_future(stopping.wait())
    await asyncio.wait([stop, serving], return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if serving.done() and not stopping.is_set():
        raise SystemExit("PORT cannot be served: is another process on it?")


def _metrics(made: Core, intake: Intake) -> CollectorRegistry:
    """What an operator watches. Numbers only, of no person."""
    registry = CollectorRegistry()
    for name, about, value in (
        ("updates_taken", "updates received", lambda: intake.taken),
        ("events_handled", "events decided and committed", lambda: made.runner.handled),
        ("batches", "transactions written", lambda: made.runner.batches),
        ("events_set_aside", "events that could not be handled", lambda: made.runner.set_aside),
        ("messages_performed", "messages sent or edited", lambda: made.performer.performed),
    ):
        Gauge(f"waymark_{name}", about, registry=registry).set_function(value)
    return registry
