"""Run one of the servers in the foreground, to walk the product by hand.

    python -m tests.servers bot-api --port 8081 --token 1:T
    python -m tests.servers model --port 8082 --mode ok

The Bot API server takes lines on standard input and prints what the bot says:

    5 /start          the person with chat id 5 writes "/start"
    5 #2              presses the second inline button of the newest message with buttons
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import threading

from .bot_api import TOKEN, BotApi
from .bot_api_faults import Limits
from .model import ModelServer


class Screen:
    """Prints each thing the bot did that was not printed yet."""

    def __init__(self, server: BotApi) -> None:
        self._server = server
        self._seen: dict[tuple[int, int], str] = {}
        self._alerts: dict[int, int] = {}

    def show(self) -> None:
        for chat in self._server.chats.values():
            for message in chat.from_bot[-20:]:
                labels = "  ".join(f"{n}[{label}]" for n, label in enumerate(message.labels, 1))
                line = "\n".join(part for part in (message.text or f"({message.kind})", labels) if part)
                before = self._seen.get((chat.id, message.id))
                if line != before:
                    self._seen[chat.id, message.id] = line
                    sign = "<" if before is None else "~"
                    print(f"{chat.id} {sign} {line}", flush=True)
            for alert in chat.alerts[self._alerts.get(chat.id, 0) :]:
                print(f"{chat.id} ! {alert['text']}", flush=True)
            self._alerts[chat.id] = len(chat.alerts)


def typed(server: BotApi, line: str) -> None:
    """One line of standard input, as an act in a chat."""
    number, _, text = line.strip().partition(" ")
    if not text:
        return
    try:
        if text.startswith("#"):
            server.press_nth(int(number), int(text[1:]))
        else:
            server.say(int(number), text)
    except (ValueError, KeyError, AssertionError) as error:
        print(f"? {type(error).__name__}: {error}", flush=True)


def read_lines(server: BotApi, loop: asyncio.AbstractEventLoop) -> None:
    """In a thread: standard input may be a terminal, a pipe or a file, and not every one can be awaited."""
    for line in sys.stdin:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(typed, server, line)


async def until_stopped() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


async def run_bot_api(options: argparse.Namespace) -> None:
    limits = Limits(options.per_second, options.per_chat)
    async with BotApi(
        token=options.token,
        port=options.port,
        latency=options.latency,
        limits=limits,
        keep_requests=not options.quiet,
    ) as server:
        print(f"TELEGRAM_API_URL={server.url}\nTELEGRAM_BOT_TOKEN={server.token}", flush=True)
        if not options.quiet:
            show_changes(server)
            loop = asyncio.get_running_loop()
            threading.Thread(target=read_lines, args=(server, loop), daemon=True).start()
        await until_stopped()


def show_changes(server: BotApi) -> None:
    """Print soon after each change; a burst of changes is printed once."""
    screen = Screen(server)
    due = False
    notify = server.waiters.notify

    def print_now() -> None:
        nonlocal due
        due = False
        screen.show()

    def changed() -> None:
        nonlocal due
        notify()
        if not due:
            due = True
            asyncio.get_running_loop().call_soon(print_now)

    server.waiters.notify = changed  # type: ignore[method-assign]


async def run_model(options: argparse.Namespace) -> None:
    settings = {"mode": options.mode, "chunk_delay": options.chunk_delay, "transcript": options.transcript}
    async with ModelServer(port=options.port, api_key=options.key, **settings) as server:
        print(f"OPENAI_BASE_URL={server.base_url}\nOPENAI_API_KEY={server.api_key}", flush=True)
        await until_stopped()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description="A local server for tests.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    bot = kinds.add_parser("bot-api", help="a Bot API server; lines on standard input play the people")
    bot.add_argument("--port", type=int, default=0)
    bot.add_argument("--token", default=TOKEN)
    bot.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    bot.add_argument("--per-second", type=int, default=None, help="send limit of the bot")
    bot.add_argument("--per-chat", type=int, default=None, help="send limit of each chat")
    bot.add_argument("--quiet", action="store_true", help="for benchmarks: no printing, no standard input")
    model = kinds.add_parser("model", help="an OpenAI-compatible server")
    model.add_argument("--port", type=int, default=0)
    model.add_argument("--key", default="test-key")
    model.add_argument("--mode", default="ok", help="ok, hang, garbage, invalid, refusal, truncated, drop, 429, ...")
    model.add_argument("--chunk-delay", type=float, default=0.0, help="seconds between the pieces of a stream")
    model.add_argument("--transcript", default="text", help="what it hears in any audio")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        run = run_bot_api(options) if options.kind == "bot-api" else run_model(options)
        try:
            import uvloop
        except ImportError:
            asyncio.run(run)
        else:
            uvloop.run(run)


if __name__ == "__main__":
    main()
