"""What a deployment sets, by environment variables or a .env file. Names are fixed in the design."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot import ages
from flows.state import Keeping
from storage import outbox


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
    port: int = Field(8080, description="webhook, /healthz, /readyz, /metrics")
    access: Literal["open", "invite"] = Field("open", description="who may begin")
    invite_days: int = Field(7, ge=1, le=365, description="how many days a one-time link holds")
    consent_ages: str = Field("", description="DE:16,AT:14: from which age a person may agree for themselves")
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
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")

    @model_validator(mode="after")
    def _honoured(self) -> Self:
        if self.webhook_url and not self.webhook_secret:
            raise ValueError(
                "WEBHOOK_URL is set without WEBHOOK_SECRET: anybody could post updates. Set 1-256 letters,"
                " digits, _ or -: `openssl rand -hex 32` prints one"
            )
        if self.data_keys:
            raise ValueError("DATA_KEYS is set, but this version does not encrypt; unset it to go on without")
        return self

    @field_validator("consent_ages")
    @classmethod
    def _ages(cls, value: str) -> str:
        ages.parsed(value)
        return value

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
