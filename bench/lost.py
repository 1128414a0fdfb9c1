"""What is lost by a kill -9: messages that Telegram was told had arrived, and that nobody ever answers."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bench.machine import Cores
from bench.process import ROOT, bot, free_port
from tests.servers import BotApi

ABOUT = "Kill each bot once twenty people's messages are acknowledged, start it again, and count who gets no answer."
PEOPLE = 20
SLOW_SECONDS = 0.2
"""The Bot API takes so long to take a message: what is handled one after another is still waiting at the kill."""
SYSTEMS = {
    "python-telegram-bot, run_polling": ("-m", "bench.peers.conversation"),
    "Waymark, SQLite (synchronous=FULL)": ("-m", "bot", "run"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There is nothing to choose."""
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Measure each system once."""
    for title, arguments in SYSTEMS.items():
        with tempfile.TemporaryDirectory() as where:
            acknowledged, before, lost = asyncio.run(_measure(arguments, Path(where)))
        print(f"{title}: {acknowledged} acknowledged, {before} answered before the kill, {lost} never answered")
    return 0


async def _measure(arguments: tuple[str, ...], where: Path) -> tuple[int, int, int]:
    """How many messages were acknowledged, how many answered before the kill, how many never."""
    async with BotApi() as api:
        settings = {
            "TELEGRAM_BOT_TOKEN": api.token,
            "TELEGRAM_API_URL": api.url,
            "DATABASE_URL": f"sqlite:///{where}/waymark.db",
            "PORT": str(free_port()),
            "PYTHONPATH": str(ROOT),
        }
        people = range(1, PEOPLE + 1)
        async with bot(arguments, settings, where, Cores.choose()) as process:
            await api.wait_for(lambda: api.calls("getUpdates"), 30)
            api.latency = SLOW_SECONDS
            for person in people:
                api.say(person, "/start")
            await api.wait_for(lambda: len(api.acknowledged) == PEOPLE, 60)
            process.kill()
        before = sum(1 for person in people if api.chats[person].from_bot)
        api.latency = 0.0
        async with bot(arguments, settings, where, Cores.choose()):
            polls = len(api.calls("getUpdates"))
            await api.wait_for(lambda: len(api.calls("getUpdates")) > polls + 1, 60)
            api.say(PEOPLE + 1, "/start")  # once this one is answered, whoever was to be answered before is
            await api.wait_for(lambda: api.chats[PEOPLE + 1].from_bot, 60)
        lost = sum(1 for person in people if not api.chats[person].from_bot)
        return PEOPLE, before, lost


if __name__ == "__main__":
    sys.exit(run(argparse.Namespace()))
