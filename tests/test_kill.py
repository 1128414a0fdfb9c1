"""The promise of kill -9, over real processes: nothing acknowledged is lost, nothing is applied twice.

`waymark run` serves a fleet of coachees on a real database, by polling and by webhook, and is killed and started
again at random moments: at the k-th request, while a fetched batch is handled, when Telegram has taken a message and
has not answered yet, during its own start. Then the database is compared with what each coachee said, word for word.

WAYMARK_TESTS=deep kills 100 times over 2,000 answers of 40 coachees; WAYMARK_SEED repeats a run's choices.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select

from storage import tables as t
from storage.engine import reading
from tests.fleet import Answer, Coachee, Fleet, named, original
from tests.servers import BotApi
from tests.servers.bot_api_chats import ChatMessage
from tests.servers.bot_api_faults import Fault

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0
"""Seconds a coachee waits for the next question: several lives of the process, and what it puts off."""
ANSWERS_EACH = 52
"""About how many answers a session takes; kills are spread over so many."""
KINDS = ("request", "batch", "taken", "untaken", "edit", "start", "unborn")
"""What a kill waits for: some requests, an update handed over, a message that Telegram took or did not take before
the connection hangs, the same with an edit, the first few requests of a life, and not even those."""
Way = Literal["polling", "webhook"]


class Process:
    """`waymark run` with the settings of a deployment, in a process group of its own."""

    def __init__(self, server: BotApi, way: Way, database: str, folder: Path) -> None:
        self.log = folder / "waymark.log"
        self.lives = 0
        self._server, self._folder = server, folder
        port = free_port()
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "WEBHOOK"))},
            "PYTHONPATH": str(ROOT),
            "TELEGRAM_BOT_TOKEN": server.token,
            "TELEGRAM_API_URL": server.url,
            "DATABASE_URL": database,
            "PORT": str(port),
        }
        if way == "webhook":
            self._environment["WEBHOOK_URL"] = f"http://127.0.0.1:{port}"
            self._environment["WEBHOOK_SECRET"] = "a-secret-of-the-test"
        self._running: asyncio.subprocess.Process | None = None
        self._ended: asyncio.Task[int] | None = None

    @property
    def gone(self) -> bool:
        """Whether it ended, by whatever."""
        return self._ended is None or self._ended.done()

    async def start(self) -> None:
        """Begin a life; what it writes is added to the log."""
        with self.log.open("ab") as log:
            self._running = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run"),
                cwd=self._folder,  # no .env here
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.lives += 1
        self._ended = asyncio.create_task(self._running.wait())
        self._ended.add_done_callback(lambda _: self._server.changed())

    async def end(self, number: signal.Signals) -> int:
        """Send a signal to the group and wait; gives the exit status."""
        assert self._running is not None
        assert self._ended is not None
        if not self.gone:
            os.killpg(self._running.pid, number)
        async with asyncio.timeout(30):
            return await self._ended

    async def clean(self) -> None:
        """Leave nothing behind."""
        if self._ended is not None:
            await self.end(signal.SIGKILL)


class Killer:
    """Kills the process when the fleet has said so many answers and something random happens then."""

    def __init__(self, server: BotApi, process: Process, fleet: Fleet, engine: Engine, seed: int, kills: int) -> None:
        self.server, self.process, self.fleet, self.engine = server, process, fleet, engine
        self.kills: Counter[str] = Counter()
        self.in_flight = 0
        """Messages that the server had taken and that were not marked done, summed over the kills."""
        self.most_in_flight = 0
        self.births = [0]
        """The newest message id at the beginning of each life."""
        self._choose = random.Random(seed)
        size = len(fleet.coachees)
        said = ANSWERS_EACH * size
        late = max(1, kills // 4)
        self._moments = [
            *(self._said(n) for n in sorted(self._choose.randrange(said) for _ in range(kills - late))),
            *(self._decided(n) for n in sorted(self._choose.randrange(size) for _ in range(late))),
        ]
        """When a kill may come: after so many answers; a quarter of them while plans are decided about."""
        self._faults: list[Fault] = []

    async def work(self) -> None:
        """All kills, then watch until the fleet is through."""
        for moment in self._moments:
            kind = self._choose.choice(KINDS)
            if kind == "unborn" and self.kills:  # once more, before the new life's first request
                await self._turns(self._choose.randrange(40_000), until=len(self.server.requests) + 1)
            else:
                await self._until(moment)
                await self._until(self._trigger(kind))
                await self._turns(self._choose.choice((0, 0, 1, 10, 100, 1000)))
            await self._kill(kind)
        await self._until(lambda: self.fleet.finished)

    async def _turns(self, number: int, until: int | None = None) -> None:
        """So many turns of the event loop: a moment between two requests."""
        for _ in range(number):
            if until is not None and len(self.server.requests) >= until:
                return
            await asyncio.sleep(0)

    async def _until(self, due: Callable[[], bool]) -> None:
        await self.server.wait_for(
            lambda: due() or self.fleet.finished or self.process.gone, PATIENCE * 2, "the moment of a kill"
        )
        assert not self.process.gone, "the process ended by itself"

    def _said(self, number: int) -> Callable[[], bool]:
        return lambda: self.fleet.said >= number

    def _decided(self, number: int) -> Callable[[], bool]:
        return lambda: self.fleet.decided >= number

    def _trigger(self, kind: str) -> Callable[[], bool]:
        """What a kill of a kind waits for."""
        requests, delivered = len(self.server.requests), self.server.deliveries.total()
        if kind == "batch":
            return lambda: self.server.deliveries.total() > delivered
        if kind in ("taken", "untaken", "edit"):
            method = "editMessageText" if kind == "edit" else "sendMessage"
            fault = self.server.fault(method, hang=float("inf"), before=kind == "untaken")
            self._faults.append(fault)
            return lambda: fault.hits > 0
        more = self._choose.randrange(1, 6 if kind == "start" else 60)
        return lambda: len(self.server.requests) >= requests + more

    async def _kill(self, kind: str) -> None:
        acknowledged = set(self.server.acknowledged)
        status = await self.process.end(signal.SIGKILL)
        assert status == -signal.SIGKILL, f"the process ended by itself: {status}"
        for fault in self._faults:
            fault.cancel()
        await self._turns(100)  # what it had sent arrives
        self.kills[kind] += 1
        self._look(acknowledged)
        await self.process.start()

    def _look(self, acknowledged: set[int]) -> None:
        """Between two lives: everything acknowledged is committed; count what was in flight."""
        with reading(self.engine).begin() as connection:
            claimed = set(connection.execute(select(t.updates.c.update_id)).scalars())
            query = select(t.outbox).where(t.outbox.c.kind == "say").order_by(t.outbox.c.id)
            rows = list(connection.execute(query))
        assert acknowledged <= claimed, f"acknowledged and not committed: {acknowledged - claimed}"
        flying = 0
        for coachee in self.fleet.coachees:
            mine = [row for row in rows if row.chat_id == coachee.chat_id]
            marked = {row.message_id for row in mine if row.status == "done"}
            # in this life: what an earlier one sent was counted at its end
            life = (m for m in sent_to(self.server, coachee) if m.id > self.births[-1])
            taken = Counter(original(m) for m in life if m.id not in marked)
            pending = Counter(row.payload["text"] for row in mine if row.status == "pending")
            flying += (taken & pending).total()
        self.births.append(max((chat.last_id for chat in self.server.chats.values()), default=0))
        self.in_flight += flying
        self.most_in_flight = max(self.most_in_flight, flying)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        found: int = listener.getsockname()[1]
        return found


def sent_to(server: BotApi, coachee: Coachee) -> list[ChatMessage]:
    """The coach's messages in a coachee's chat."""
    chat = server.chats.get(coachee.chat_id)
    return chat.from_bot if chat else []


class Ledger:
    """What the database holds at the end, compared with what was said and what was seen."""

    def __init__(self, engine: Engine, server: BotApi, fleet: Fleet) -> None:
        self.server, self.fleet = server, fleet
        with reading(engine).begin() as connection:
            self.sessions = list(
                connection.execute(
                    select(t.coaching_sessions, t.users.c.telegram_id).join_from(t.coaching_sessions, t.users)
                )
            )
            self.stages = list(connection.execute(select(t.stage_responses)))
            self.items = list(connection.execute(select(t.action_plans)))
            self.timers = list(connection.execute(select(t.timers).where(t.timers.c.state == "pending")))
            self.outbox = list(connection.execute(select(t.outbox).order_by(t.outbox.c.id)))
            self.updates = {
                row.update_id: row.state
                for row in connection.execute(select(t.updates.c.update_id, t.updates.c.state))
            }
            self.people = connection.execute(select(func.count()).select_from(t.users)).scalar_one()
        self.faults = [*self._updates(), *self._outbox()]
        for coachee in fleet.coachees:
            self.faults.extend(f"coachee {coachee.number}: {fault}" for fault in self._of(coachee))

    @property
    def extra(self) -> int:
        """Messages that came more than once."""
        ordered = sum(1 for row in self.outbox if row.kind == "say")
        return sum(len(sent_to(self.server, coachee)) for coachee in self.fleet.coachees) - ordered

    def copies(self, births: list[int]) -> Iterator[str]:
        """Messages that came more than once, and in which life of the process each copy came."""
        for coachee in self.fleet.coachees:
            came: dict[str, list[int]] = {}
            for message in sent_to(self.server, coachee):
                came.setdefault(original(message), []).append(message.id)
            rows = Counter(r.payload["text"] for r in self.outbox if r.kind == "say" and r.chat_id == coachee.chat_id)
            for text, ids in came.items():
                if len(ids) > rows[text]:
                    lives = [bisect_left(births, message_id) for message_id in ids]
                    yield f"coachee {coachee.number}: {text!r} as {ids}, in lives {lives}"

    def _updates(self) -> Iterator[str]:
        """Each update was acknowledged, and claimed, and none was set aside."""
        queue, sent = self.server.updates, set(self.fleet.updates)
        if queue.dropped or queue.filtered or queue.pending:
            yield f"updates dropped {queue.dropped}, filtered {queue.filtered}, pending {list(queue.pending)}"
        if sent != self.server.acknowledged:
            yield f"updates not acknowledged {sent - self.server.acknowledged}"
        if sent != set(self.updates):
            yield f"updates not claimed {sent - set(self.updates)}, claimed and not sent {set(self.updates) - sent}"
        if aside := {update_id: state for update_id, state in self.updates.items() if state != "claimed"}:
            yield f"updates set aside: {aside}"
        if self.people != len(self.fleet.coachees):
            yield f"{self.people} users"

    def _outbox(self) -> Iterator[str]:
        if left := Counter(row.status for row in self.outbox if row.status != "done"):
            yield f"outbox rows left: {dict(left)}"

    def _of(self, coachee: Coachee) -> Iterator[str]:
        """One session, complete, its turns exactly the answers that were given, in order, each to its question."""
        mine = [session for session in self.sessions if session.telegram_id == coachee.chat_id]
        if len(mine) != 1:
            yield f"{len(mine)} sessions"
            return
        [session] = mine
        if not (session.is_complete and session.ended == "completed" and session.summary):
            yield f"not complete: {session.is_complete}, {session.ended}, summary {session.summary is not None}"
        kept = [turn for stage in self.stages if stage.session_id == session.id for turn in stage.responses["turns"]]
        turns = sorted(kept, key=lambda turn: int(turn["n"]))
        if [turn["n"] for turn in turns] != list(range(1, len(turns) + 1)):
            yield f"turns are numbered {[turn['n'] for turn in turns]}"
        if others := [turn for turn in turns if turn.get("kind", "answer") != "answer"]:
            yield f"turns nobody meant: {others}"
        said = Counter(answer.text or answer.code for answer in coachee.answers if answer.source)
        counted = Counter(turn["text"] for turn in turns if turn.get("source"))
        if said != counted:
            yield f"words lost {said - counted}, words twice or changed {counted - said}"
        if len(turns) != len(coachee.answers):
            yield f"{len(coachee.answers)} answers, {len(turns)} turns"
        for turn, answer in zip(turns, coachee.answers, strict=False):
            if not same(turn, answer):
                yield f"turn {turn} is not {answer}"
                break
        yield from self._plan(coachee, session.id)
        yield from self._messages(coachee)

    def _plan(self, coachee: Coachee, session_id: UUID) -> Iterator[str]:
        """What was kept is an item, once, with its day's reminder; what was dropped is none; and nothing waits."""
        if len(coachee.plan) != len(coachee.steps):
            yield f"{len(coachee.steps)} steps, {len(coachee.plan)} of them decided about"
        wanted = Counter(step for number, step in enumerate(coachee.steps, 1) if coachee.plan.get(number))
        mine = [item for item in self.items if item.session_id == session_id]
        kept = Counter(item.title for item in mine)
        if wanted != kept:
            yield f"items lost {wanted - kept}, items twice or of nobody {kept - wanted}"
        due = Counter(f"action_due:{item.id}" for item in mine if item.timeline_end)
        set_now = Counter(timer.key for timer in self.timers if timer.chat_id == coachee.chat_id)
        if due != Counter({key: n for key, n in set_now.items() if key.startswith("action_due:")}):
            yield f"reminders wanted {due}, set {set_now}"
        if any(timer.kind == "confirm" and timer.chat_id == coachee.chat_id for timer in self.timers):
            yield "a confirmed plan is still to be brought up again"

    def _messages(self, coachee: Coachee) -> Iterator[str]:
        """Every message came, in order; what came besides is a copy of one before it."""
        ordered = [row.payload["text"] for row in self.outbox if row.kind == "say" and row.chat_id == coachee.chat_id]
        came = 0
        for message in sent_to(self.server, coachee):
            text = original(message)
            if came < len(ordered) and text == ordered[came]:
                came += 1
            elif text not in ordered[:came]:
                yield f"out of order: {text!r} after {came} of {len(ordered)} messages"
        if came != len(ordered):
            yield f"only {came} of {len(ordered)} messages came"


def same(turn: dict[str, Any], answer: Answer) -> bool:
    """Whether a turn is this answer: to the same question, by the same words or the same button."""
    if turn["question"] not in answer.keys:
        return False
    if answer.source is not None:
        return turn["text"] == answer.text and turn.get("source") == answer.source
    if answer.picks:
        return tuple(turn["value"]) == answer.picks
    return turn.get("choice") in (answer.code, "day") and answer.code in (turn.get("choice"), turn.get("value"))


@pytest.mark.processes
@pytest.mark.parametrize("way", ["polling", "webhook"])
async def test_kill_9_loses_nothing_and_applies_nothing_twice(
    way: Way, database: str, engine: Engine, deep: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kill it again and again: each coachee finishes, with every answer kept once, at its question, and every item of
    the plan that they confirmed, once."""
    size, kills = (40, 100) if deep else (12, 10)
    seed = int(os.environ.get("WAYMARK_SEED") or random.SystemRandom().randrange(1_000_000))
    began = time.monotonic()
    failure = ""
    async with BotApi(webhook_backoff=0.1, spec=False) as server:
        fleet = Fleet(server, size, seed)
        process = Process(server, way, database, tmp_path)
        killer = Killer(server, process, fleet, engine, seed, kills)
        try:
            await process.start()
            async with asyncio.timeout(60 + 6 * kills), asyncio.TaskGroup() as group:
                group.create_task(fleet.walk(PATIENCE))
                group.create_task(killer.work())
            await settled(server, engine)
            assert await process.end(signal.SIGTERM) == 0, "it does not stop in order"
        except (ExceptionGroup, TimeoutError, AssertionError) as error:
            log = process.log.read_text() if process.log.exists() else ""
            why = "\n".join(reasons(error))
            failure = f"{why}\nseed {seed}, killed at {dict(killer.kills)}\n{fleet.report()}\nlog:\n{log[-3000:]}"
        finally:
            await process.clean()
        if failure:
            pytest.fail(failure, pytrace=False)
        ledger = Ledger(engine, server, fleet)
    figures = (
        f"kill -9, {way}, {engine.dialect.name}: {killer.kills.total()} kills, {fleet.said} answers of {size}"
        f" coachees, {len(ledger.items)} items of their plans: {len(ledger.faults)} lost, twice or misplaced;"
        f" {ledger.extra} extra messages"
        f" (in flight at the kills: {killer.in_flight}, at most {killer.most_in_flight} at one)"
        f"; {time.monotonic() - began:.1f} s; seed {seed}"
    )
    with capsys.disabled():
        print(f"\n{figures}\n    {dict(killer.kills)}")
    if ledger.faults:
        pytest.fail("\n".join([figures, *ledger.faults]), pytrace=False)
    assert killer.kills.total() == kills
    assert ledger.extra <= killer.in_flight, "\n".join([figures, *ledger.copies(killer.births)])
    assert "Traceback" not in process.log.read_text(), process.log.read_text()


@pytest.mark.processes
async def test_words_said_to_a_message_whose_sending_a_kill_cut_off_are_its_answer(
    database: str, engine: Engine, tmp_path: Path
) -> None:
    """The message comes once more, after the words; they answer it all the same, and not the question before it."""
    async with BotApi(spec=False) as server:
        fleet = Fleet(server, 1, 1)
        process = Process(server, "polling", database, tmp_path)
        cut = server.fault(
            "sendMessage",
            hang=float("inf"),
            before=False,
            when=lambda params: params["text"] == named("ask.obstacles.1"),
        )
        walking = asyncio.create_task(fleet.walk(PATIENCE))
        try:
            await process.start()
            await server.wait_for(lambda: cut.hits, 20, "the question")
            await process.end(signal.SIGKILL)
            await process.start()
            await asyncio.wait_for(walking, 30)
            await settled(server, engine)
        finally:
            walking.cancel()
            await asyncio.wait([walking])
            await process.clean()
        ledger = Ledger(engine, server, fleet)
    assert ledger.faults == []
    assert ledger.extra == 1


async def settled(server: BotApi, engine: Engine) -> None:
    """Every update is acknowledged and every outbox row performed."""
    await server.settled(30)

    def left() -> int:
        with reading(engine).begin() as connection:
            waiting = select(func.count()).select_from(t.outbox).where(t.outbox.c.status == "pending")
            return int(connection.execute(waiting).scalar_one())

    async with asyncio.timeout(30):
        while await asyncio.to_thread(left):  # noqa: ASYNC110 - another process's database tells nobody
            await asyncio.sleep(0)


def reasons(error: BaseException) -> Iterator[str]:
    """What went wrong, out of its groups."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from reasons(inner)
    else:
        yield f"{type(error).__name__}: {error}"
