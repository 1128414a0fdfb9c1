"""`waymark invite`: a one-time link, made at the command line. The first operator and the first coach come by it."""

from __future__ import annotations

import asyncio
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine
from telegram.error import InvalidToken, TelegramError

from bot.parse import hash_of
from bot.service import TOKEN_BYTES, bot_of
from bot.settings import Settings
from flows.changes import Audited, InviteMade
from flows.people import Role, TieKind
from flows.records import Record
from storage import people
from storage.outbox import new_id

PATIENCE = 10.0
"""Seconds to wait for the Bot API to say the bot's name."""


class Link(Record):
    """A link as it is handed out: the token, which is kept nowhere, and until when it holds."""

    token: str
    expires_at: datetime


def made(
    engine: Engine,
    role: Role,
    now: datetime,
    days: int,
    *,
    coachee: UUID | None = None,
    coach: UUID | None = None,
    kind: TieKind = "primary",
) -> Link:
    """Keep a new link by its token's hash, and an entry in the audit log."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    invite = InviteMade(
        invite_id=new_id(),
        role=role,
        inviter_id=None,
        coachee_id=coachee,
        coach_id=coach,
        kind=kind,
        expires_at=now + timedelta(days=days),
        at=now,
    )
    audited = Audited(audit_id=new_id(), at=now, action=f"invite_{role}", subject_id=coachee or coach, via="command")
    people.invite(engine, invite, hash_of(token), audited)
    return Link(token=token, expires_at=invite.expires_at)


async def username(settings: Settings) -> tuple[str | None, str]:
    """The bot's name at Telegram, or None and why it is not known."""
    if settings.telegram_bot_token is None:
        return None, "TELEGRAM_BOT_TOKEN is not set"
    bot = bot_of(settings)
    try:
        await asyncio.wait_for(bot.initialize(), PATIENCE)
        return bot.username, ""
    except InvalidToken:
        return None, "Telegram does not know TELEGRAM_BOT_TOKEN"
    except (TelegramError, TimeoutError) as error:
        return None, f"{settings.telegram_api_url} does not answer ({type(error).__name__})"
    finally:
        await bot.shutdown()
