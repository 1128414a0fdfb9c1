"""`waymark doctor`: is everything there that a deployment needs, and what to do about what is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from telegram.error import InvalidToken, TelegramError

from bot.clock import Clock, SystemClock
from bot.google import CalendarError, google_of
from bot.model import ModelFailedError, model_of
from bot.service import bot_of
from bot.settings import Settings
from flows.records import Record
from storage import letters, migrations, outbox, usage
from storage.calendars import not_written
from storage.engine import alive, connect


class Finding(Record):
    """One thing that was looked at. `fine` is None where it is a matter of choice."""

    about: str
    fine: bool | None
    words: str


async def examine(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Finding]:
    """Look at the database, the Bot API and the model, one after another."""
    engine = connect(settings.database_url)
    try:
        today = (clock or SystemClock()).now().astimezone(UTC).date()
        for finding in await asyncio.to_thread(_database, engine, settings, today):
            yield finding
    finally:
        engine.dispose()
    async for finding in _telegram(settings):
        yield finding
    yield await _model(settings)
    yield _addresses(settings)
    yield await _calendar(settings)


def _database(engine: Engine, settings: Settings, today: date) -> list[Finding]:
    if not alive(engine):
        where = engine.url.render_as_string(hide_password=True)
        return [Finding(about="database", fine=False, words=f"{where} does not answer: check DATABASE_URL")]
    found = [Finding(about="database", fine=True, words=f"{engine.dialect.name} answers")]
    try:
        here, head = migrations.current(engine), migrations.head()
        if here != head:
            words = f"at {here or 'nothing'}, the product needs {head}: run `waymark migrate`"
            return [*found, Finding(about="migrations", fine=False, words=words)]
        found.append(Finding(about="migrations", fine=True, words=f"at {here}"))
        aside = len(letters.letters(engine))
        words = f"{aside} set aside: see `waymark letters list`" if aside else "nothing is set aside"
        found.append(Finding(about="letters", fine=not aside, words=words))
        waiting = outbox.waiting(engine).get("pending", 0)
        found.append(Finding(about="outbox", fine=None, words=f"{waiting} waiting to be sent"))
        if lost := not_written(engine):
            words = f"{lost} sessions are not in the shared calendar as they stand: the next change tries again"
            found.append(Finding(about="calendar", fine=False, words=words))
        found.append(_budget(usage.totals(engine, today), settings.model_tokens_day))
    except SQLAlchemyError as error:
        found.append(Finding(about="migrations", fine=False, words=f"not readable ({type(error).__name__})"))
    return found


def _budget(spent: list[usage.Usage], limit: int) -> Finding:
    tokens, calls = sum(used.tokens for used in spent), sum(used.calls for used in spent)
    of = f"{tokens:,} of {limit:,}" if limit else f"{tokens:,}"
    words = f"{of} tokens spent today (UTC), {calls:,} {'call' if calls == 1 else 'calls'}"
    if limit and tokens >= limit:
        words += ": no model is asked any more; raise MODEL_TOKENS_DAY or wait until 00:00 UTC"
        return Finding(about="budget", fine=False, words=words)
    return Finding(about="budget", fine=None, words=words)


async def _telegram(settings: Settings) -> AsyncIterator[Finding]:
    if settings.telegram_bot_token is None:
        yield Finding(about="token", fine=False, words="not set: get one from @BotFather, set TELEGRAM_BOT_TOKEN")
        return
    bot = bot_of(settings)
    try:
        await bot.initialize()
        yield Finding(about="token", fine=True, words=f"@{bot.username}")
        info = await bot.get_webhook_info()
        wanted = settings.webhook_url is not None
        if wanted == bool(info.url):
            words = f"set, {info.pending_update_count} waiting" if wanted else "none, updates are fetched by polling"
            yield Finding(about="webhook", fine=True, words=words)
        else:
            words = "not set yet" if wanted else "one is set"
            yield Finding(about="webhook", fine=None, words=f"{words}: the next `waymark run` puts that right")
        if info.last_error_message:
            yield Finding(about="webhook", fine=None, words=f"last error: {info.last_error_message}")
    except InvalidToken:
        yield Finding(about="token", fine=False, words="Telegram does not know it: check TELEGRAM_BOT_TOKEN")
    except TelegramError as error:
        words = f"{settings.telegram_api_url} does not answer ({type(error).__name__}): check TELEGRAM_API_URL"
        yield Finding(about="token", fine=False, words=words)
    finally:
        await bot.shutdown()


def _addresses(settings: Settings) -> Finding:
    if settings.calendars_url is None:
        words = "no PUBLIC_URL: people get calendar files, and no addresses"
        return Finding(about="calendar addresses", fine=None, words=words)
    return Finding(about="calendar addresses", fine=True, words=f"{settings.calendars_url}/calendar/...")


async def _calendar(settings: Settings) -> Finding:
    about = "shared calendar"
    if settings.google_calendar_id is None:
        return Finding(about=about, fine=None, words="no GOOGLE_CALENDAR_ID: sessions are written to none")
    google = None
    try:
        google = google_of(settings)
        assert google is not None
        await google.check()
    except CalendarError as failure:
        hint = "check GOOGLE_CREDENTIALS_FILE, and that GOOGLE_CALENDAR_ID is shared with the service account"
        words = str(failure) if google is None else f"{settings.google_calendar_id}: {failure}: {hint}"
        return Finding(about=about, fine=False, words=words)
    finally:
        if google is not None:
            google.close()
    return Finding(about=about, fine=True, words=str(settings.google_calendar_id))


async def _model(settings: Settings) -> Finding:
    model = model_of(settings)
    if model is None:
        return Finding(about="model", fine=None, words="no OPENAI_API_KEY: summaries are put together plainly")
    try:
        await model.check()
    except ModelFailedError as failure:
        words = f"{model.name}: {failure.reason}: check OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL"
        return Finding(about="model", fine=False, words=words)
    finally:
        await model.close()
    return Finding(about="model", fine=True, words=model.name)
