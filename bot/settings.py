"""What a deployment sets, by environment variables or a .env file. Names are fixed in the design."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot import ages, holidays
from flows.diary import Otherwise, Policy, Silence
from flows.people import ROLES, Role
from flows.state import Keeping
from storage import outbox

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Hosts to which a plain connection leaves no machine."""


def _origin(url: str) -> str | None:
    """The scheme and host of an address to which a secret may go; None where it may not."""
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return f"{parts.scheme}://{parts.netloc}" if safe and parts.netloc else None


class Settings(BaseSettings):
    """The settings, checked at the start: one that cannot be honoured stops the program with a word about it."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    telegram_bot_token: SecretStr | None = Field(None, description="from BotFather")
    telegram_api_url: str = Field("https://api.telegram.org", description="the Bot API server")
    database_url: str = Field("sqlite:///waymark.db", description="SQLite or PostgreSQL")
    openai_api_key: SecretStr | None = Field(None, description="without it the plain writer serves")
    openai_base_url: str | None = Field(None, description="any server that speaks chat completions with JSON schema")
    openai_model: str | None = Field(None, description="the model's name there")
    openai_audio_model: str | None = Field(None, description="the name of the model that writes down voice messages")
    model_listens: bool = Field(True, description="whether the model may say back what it heard during a session")
    model_tokens_person_day: int = Field(200_000, ge=0, description="tokens of one person in a UTC day; 0: no limit")
    model_tokens_day: int = Field(20_000_000, ge=0, description="tokens of all people in a UTC day; 0: no limit")
    webhook_url: str | None = Field(None, description="https://... turns polling into a webhook")
    webhook_secret: SecretStr | None = Field(None, description="Telegram sends it with every update")
    port: int = Field(8080, description="webhook, /healthz, /readyz, /metrics, calendars")
    public_url: str | None = Field(None, description="https://... of PORT, where calendars are fetched")
    access: Literal["open", "invite"] = Field("open", description="who may begin")
    session_moves: int = Field(3, ge=0, le=100, description="how often a session may be moved")
    session_move_by: str = Field("coach,coachee,parent,operator", description="who may move a session")
    session_cancel_by: str = Field("coach,operator", description="who may cancel a session, or ask for it")
    consent_hours: int = Field(48, ge=1, le=336, description="a parent's time to decide on a cancellation")
    consent_on_silence: Silence = Field("approve", description="what no answer means: approve, keep, escalate")
    consent_call_hours: int = Field(24, ge=1, le=168, description="for how long a wish to be called stops that time")
    consent_no_parent: Otherwise = Field(
        "asker",
        description="who decides for minors without a parent here: asker (nobody is asked), coachee, operator",
    )
    consent_adults: Otherwise = Field("asker", description="who decides for adults: asker, coachee, operator")
    hold_minutes: int = Field(10, ge=1, le=120, description="how long a time is held while it is chosen")
    invite_days: int = Field(7, ge=1, le=365, description="how many days a one-time link holds")
    consent_ages: str = Field("", description="DE:16,AT:14: from which age a person may agree for themselves")
    holidays: str = Field(
        "auto", description="days without planned sessions: auto (the planner's country), none, DE, DE-BE"
    )
    delete_days: int = Field(
        7, ge=0, le=30, description="days in which a person may change their mind to be forgotten"
    )
    keep_sessions_days: int = Field(
        0, ge=0, description="what was said in a session; 0: as long as the person is here"
    )
    keep_audit_days: int = Field(365, ge=1, description="who did what, without words")
    keep_invites_days: int = Field(30, ge=1, description="links that were used, revoked or have run out")
    keep_waiting_days: int = Field(30, ge=1, description="people who began to join and never got through")
    keep_letters_days: int = Field(90, ge=1, description="what could not be handled and was set aside")
    tombstones_file: Path | None = Field(None, description="who was forgotten, outside the database, for backups")
    data_keys: SecretStr | None = Field(None, description="keys for encryption at rest")
    google_credentials_file: Path | None = Field(None, description="the key of a service account, JSON")
    google_calendar_id: str | None = Field(None, description="the calendar that sessions are written to")
    google_api_url: str = Field("https://www.googleapis.com", description="where Google's API is")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")

    @model_validator(mode="after")
    def _honoured(self) -> Self:
        if self.webhook_url and not self.webhook_secret:
            raise ValueError(
                "WEBHOOK_URL is set without WEBHOOK_SECRET: anybody could post updates. Set 1-256 letters,"
                " digits, _ or -: `openssl rand -hex 32` prints one"
            )
        if (self.google_credentials_file is None) != (self.google_calendar_id is None):
            raise ValueError(
                "a shared Google calendar takes GOOGLE_CREDENTIALS_FILE and GOOGLE_CALENDAR_ID: set both, or none"
            )
        if self.data_keys:
            raise ValueError("DATA_KEYS is set, but this version does not encrypt; unset it to go on without")
        return self

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str | None) -> str | None:
        if value is not None and _origin(value) is None:
            raise ValueError(
                "PUBLIC_URL holds the private addresses of calendars: give https://your.host, without a path"
                " where PORT is served at its root"
            )
        return value

    @field_validator("consent_ages")
    @classmethod
    def _ages(cls, value: str) -> str:
        ages.parsed(value)
        return value

    @field_validator("session_move_by", "session_cancel_by")
    @classmethod
    def _roles(cls, value: str) -> str:
        _roles_of(value)
        return value

    @property
    def policy(self) -> Policy:
        """What people may do about booked sessions."""
        return Policy(
            move_by=_roles_of(self.session_move_by),
            cancel_by=_roles_of(self.session_cancel_by),
            moves=self.session_moves,
            hold_minutes=self.hold_minutes,
            feeds=self.calendars_url is not None,
            calendar=self.google_calendar_id is not None,
            consent_hours=self.consent_hours,
            on_silence=self.consent_on_silence,
            call_hours=self.consent_call_hours,
            no_parent=self.consent_no_parent,
            adults=self.consent_adults,
        )

    @field_validator("holidays")
    @classmethod
    def _holidays(cls, value: str) -> str:
        return holidays.parsed(value)

    @property
    def calendars_url(self) -> str | None:
        """Where people's calendars can be fetched: PUBLIC_URL, else the origin of WEBHOOK_URL; None: nowhere."""
        if self.public_url is not None:
            return self.public_url.rstrip("/")
        return _origin(self.webhook_url) if self.webhook_url else None

    @property
    def keeping(self) -> Keeping:
        """For how long things are kept."""
        return Keeping(
            delete=self.delete_days,
            sessions=self.keep_sessions_days,
            audit=self.keep_audit_days,
            invites=self.keep_invites_days,
            waiting=self.keep_waiting_days,
            letters=self.keep_letters_days,
            messages=outbox.KEEP.days,
        )

    @property
    def token(self) -> str:
        """The bot's token. Raises ValueError where there is none."""
        if self.telegram_bot_token is None:
            raise ValueError("TELEGRAM_BOT_TOKEN is not set: get one from @BotFather (README, Going live)")
        return self.telegram_bot_token.get_secret_value()


def _roles_of(value: str) -> tuple[Role, ...]:
    """The roles that a setting names, "coach,parent". Raises ValueError where there is no such role."""
    named = [name.strip().casefold() for name in value.split(",") if name.strip()]
    unknown = [name for name in named if name not in ROLES]
    if unknown:
        raise ValueError(f"no such role: {', '.join(unknown)}; there are {', '.join(ROLES)}, divided by commas")
    if not named:
        raise ValueError(f"name at least one role of {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in named)
