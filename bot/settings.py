"""What a deployment sets, by environment variables or a .env file. Names are fixed in the design."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


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
    data_keys: SecretStr | None = Field(None, description="keys for encryption at rest")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")

    @model_validator(mode="after")
    def _honoured(self) -> Self:
        if self.webhook_url and not self.webhook_secret:
            raise ValueError(
                "WEBHOOK_URL is set without WEBHOOK_SECRET: anybody could post updates. Set 1-256 letters,"
                " digits, _ or -: `openssl rand -hex 32` prints one"
            )
        if self.access == "invite":
            raise ValueError("ACCESS=invite needs invitations, which this version has not; use ACCESS=open")
        if self.data_keys:
            raise ValueError("DATA_KEYS is set, but this version does not encrypt; unset it to go on without")
        return self

    @property
    def token(self) -> str:
        """The bot's token. Raises ValueError where there is none."""
        if self.telegram_bot_token is None:
            raise ValueError("TELEGRAM_BOT_TOKEN is not set: get one from @BotFather (README, Going live)")
        return self.telegram_bot_token.get_secret_value()
