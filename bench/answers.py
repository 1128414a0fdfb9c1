"""Answers replied to per second with many coachees at once, and the reply's latency, alone and among many.

Systems take turns in rounds, so that what else the machine does strikes all of them; what is compared is compared
within a round. Each measurement has a process and a database of its own, which end with it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import uvloop

from bench import kept, report, systems
from bench.load import Crowd, Window
from bench.machine import Cores, cpu_seconds, used
from bench.process import BotDied, BotProcess, bot
from bench.systems import SYSTEMS, Database, System

ABOUT = "answers replied to per second by Waymark and its peers, and the reply's latency"
START_SECONDS = 30.0
SETTLE_SECONDS = 0.5
WARM_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Measured:
    """One system in one round. Latencies are in milliseconds; CPU times are shares of a core."""

    rate: float
    p50: float
    p99: float
    alone: float
    bot_cpu: float
    rest_cpu: float
    database_cpu: float
    calls: float
    by_method: dict[str, float] = field(default_factory=dict)
    stuck: int = 0
    replied: int = 0
    given: int = 0
    kept: int | None = None
    database_moved: bool = True

    def __str__(self) -> str:
        latency = f"p50 {self.p50:>6.1f} ms   p99 {self.p99:>6.1f} ms   alone {self.alone:>5.2f} ms"
        return f"{self.rate:>7.0f} answers/s   {latency}"

    @property
    def lost(self) -> bool:
        """Whether the database holds fewer answers than were replied to, or more than were given."""
        return self.kept is not None and not self.replied <= self.kept <= self.given


Rounds = list[dict[str, Measured]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--chats", type=int, default=64, help="coachees at once")
    parser.add_argument(
        "--seconds", type=float, default=10, help="seconds of load for each system in each round; a fifth of it alone"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=[s.name for s in SYSTEMS], help="not all systems")
    parser.add_argument("--typing", action="store_true", help="coachees type what buttons say and press none")
    parser.add_argument("--postgresql", default=os.environ.get("TEST_POSTGRESQL_URL", systems.ADMIN), help="its URL")
    parser.add_argument("--no-file", action="store_true", help="do not write results/")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure and report."""
    chosen = [system for system in SYSTEMS if options.only is None or system.name in options.only]
    if any(s.name == "postgresql" for s in chosen) and not systems.reachable(options.postgresql):
        print("There is no PostgreSQL server (--postgresql): measured without it.", flush=True)
        chosen = [system for system in chosen if system.name != "postgresql"]
    cores = Cores.choose()
    cores.take_rest()
    began = time.monotonic()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            rounds = runner.run(_rounds(chosen, options, cores))
    except BotDied as death:
        print(f"A bot died; the end of its log:\n{death}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("stopped", file=sys.stderr)
        return 130
    told = report.Told(chosen, rounds, options, cores, time.monotonic() - began)
    print(told.text())
    if not options.no_file and options.only is None:
        report.write("answers", told.markdown())
    return 0


async def _rounds(chosen: list[System], options: argparse.Namespace, cores: Cores) -> Rounds:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    rounds: Rounds = []
    for number in range(options.rounds):
        found: dict[str, Measured] = {}
        for system in chosen if number % 2 == 0 else reversed(chosen):
            found[system.name] = measured = await _measure(system, options, cores)
            print(f"round {number + 1}  {system.title:<40} {measured}", flush=True)
        rounds.append(found)
    return rounds


async def _measure(system: System, options: argparse.Namespace, cores: Cores) -> Measured:
    """One system, from an empty database to its end."""
    async with AsyncExitStack() as stack:
        where = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waymark-bench-")))
        keeping = system.database(where, options.postgresql) if system.database else nullcontext(None)
        database = stack.enter_context(keeping)
        crowd = await stack.enter_async_context(Crowd(system.coachee, typing=options.typing))
        settings = system.settings(crowd.url, crowd.token, database)
        async with bot(system.arguments, settings, where, cores) as process:
            await _polling(crowd, process)
            measured = await _under_load(crowd, process, database, options, cores)
            measured.stuck = await crowd.finish()
            process.check()
        measured.replied, measured.given = crowd.answered, crowd.given
        if database is not None:
            measured.kept = await asyncio.to_thread(kept.answers, database.url)
        return measured


async def _polling(crowd: Crowd, process: BotProcess) -> None:
    """Wait until the bot asks for updates."""
    until = time.monotonic() + START_SECONDS
    while not crowd.polled.is_set():
        process.check()
        if time.monotonic() > until:
            raise BotDied(f"no getUpdates in {START_SECONDS:.0f} s\n{process.tail()}")
        with suppress(TimeoutError):
            await asyncio.wait_for(crowd.polled.wait(), 0.1)


async def _under_load(
    crowd: Crowd, process: BotProcess, database: Database | None, options: argparse.Namespace, cores: Cores
) -> Measured:
    """One coachee alone, then all of them."""
    crowd.grow(1)
    await asyncio.sleep(SETTLE_SECONDS)
    alone = await crowd.watch(options.seconds * 0.2)
    crowd.grow(options.chats)
    await asyncio.sleep(WARM_SECONDS)
    moved = _away(database, cores)
    before, mine = _cpu(process, database), time.process_time()
    many = await crowd.watch(max(options.seconds * 0.8 - WARM_SECONDS, 1.0))
    after, mine = _cpu(process, database), time.process_time() - mine
    process.check()
    spent = (used(before[0], after[0]), mine, used(before[1], after[1]))
    if not many.latencies or not alone.latencies:
        raise BotDied(f"it answered nobody\n{process.tail()}")
    return _measured(many, alone, [seconds / many.seconds for seconds in spent], moved)


def _away(database: Database | None, cores: Cores) -> bool:
    return database is None or cores.move_away(database.backends())


def _cpu(process: BotProcess, database: Database | None) -> tuple[dict[int, float], dict[int, float]]:
    return cpu_seconds([process.pid]), cpu_seconds(database.backends() if database else ())


def _measured(many: Window, alone: Window, shares: list[float], moved: bool) -> Measured:
    number = len(many.latencies)
    return Measured(
        rate=number / many.seconds,
        p50=median(many.latencies) * 1000,
        p99=quantiles(many.latencies, n=100)[98] * 1000,
        alone=median(alone.latencies) * 1000,
        bot_cpu=shares[0],
        rest_cpu=shares[1],
        database_cpu=shares[2],
        calls=sum(many.calls.values()) / number,
        by_method={name.removesuffix(" 200"): count / number for name, count in many.calls.most_common()},
        database_moved=moved,
    )
