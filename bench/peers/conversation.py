"""The peer: five questions in a ConversationHandler, kept by PicklePersistence, every setting at its default.

It asks for less than Waymark does (words only, no buttons to take away, five questions), and it promises less: what
was said is written to a file every 60 seconds and at the end, not before the reply.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from telegram import Update
from telegram.ext import (
    Application,
    CommandHandler,
    ContextTypes,
    ConversationHandler,
    MessageHandler,
    PicklePersistence,
    filters,
)

QUESTIONS = (
    "What would you like to be different?",
    "Where does it stand today?",
    "What could you try?",
    "What is the first step, and when do you take it?",
    "What do you take with you from today?",
)
Context = ContextTypes.DEFAULT_TYPE


async def begin(update: Update, _: Context) -> int:
    """Ask the first question."""
    assert update.message is not None
    await update.message.reply_text(QUESTIONS[0])
    return 0


def keeper(number: int) -> Callable[[Update, Context], Awaitable[int]]:
    """The handler of one question's answer: keep it, ask the next one; after the last one, the first again."""

    async def keep(update: Update, context: Context) -> int:
        assert update.message is not None
        assert context.user_data is not None
        context.user_data[number] = update.message.text
        following = (number + 1) % len(QUESTIONS)
        await update.message.reply_text(QUESTIONS[following])
        return following

    return keep


def main() -> None:
    """Poll until a signal comes."""
    builder = Application.builder().token(os.environ["TELEGRAM_BOT_TOKEN"])
    builder = builder.persistence(PicklePersistence(filepath="conversation.pickle"))
    app = builder.base_url(f"{os.environ['TELEGRAM_API_URL']}/bot").build()
    words = filters.TEXT & ~filters.COMMAND
    app.add_handler(
        ConversationHandler(
            entry_points=[CommandHandler("start", begin)],
            states={n: [MessageHandler(words, keeper(n))] for n in range(len(QUESTIONS))},
            fallbacks=[],
            name="questions",
            persistent=True,
        )
    )
    app.run_polling()


if __name__ == "__main__":
    main()
