"""The bare echo: a text comes back; nothing is kept. No bot on python-telegram-bot's Application can do less."""

from __future__ import annotations

import os

from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

Context = ContextTypes.DEFAULT_TYPE


async def echo(update: Update, _: Context) -> None:
    """Say it back."""
    assert update.message is not None
    assert update.message.text is not None
    await update.message.reply_text(update.message.text)


def main() -> None:
    """Poll until a signal comes."""
    builder = Application.builder().token(os.environ["TELEGRAM_BOT_TOKEN"])
    app = builder.base_url(f"{os.environ['TELEGRAM_API_URL']}/bot").build()
    app.add_handler(MessageHandler(filters.TEXT, echo))
    app.run_polling()


if __name__ == "__main__":
    main()
