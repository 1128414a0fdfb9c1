"""What the model costs: every call counted as its API counts it, once, and no more than the budget allows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, insert, select

from bot import writer
from flows.events import MediaSent
from flows.spending import Budget
from storage import tables as t
from storage.outbox import Row
from storage.usage import Usage, spent, totals
from tests.coachee import session, step, walk
from tests.playbook import START, Coachee, Play
from tests.servers import ModelServer
from tests.summarist import THEME, stage, written
from tests.test_listening import BACK, SAID, replying

LONG = {
    "problem_statement": "i get stuck when everybody looks and then nothing comes out",
    "strengths": "with my cousin i can read a whole page without stopping once",
    "obstacles": SAID,
}
"""Answers that are long enough to be said back."""
DAY = START.date()
STOOD_IN = "The writer could not be reached, so this is put together plainly from your own answers."
OVER = "The language model has written as much as it may for today, so this is put together plainly"


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """A model that listens and writes as it should, until told otherwise."""
    async with ModelServer(answer=written(), reflection=replying(BACK)) as server:
        yield server


async def finished(play: Play, name: str = "Mira") -> Coachee:
    """Somebody who has held a whole session, the model listening."""
    person = play.coachee(name)
    await person.says("/session")
    await walk(play, person, **LONG)
    return person


async def about_to_answer(play: Play, name: str = "Mira") -> Coachee:
    """Somebody whose next answer the model would hear."""
    person = play.coachee(name)
    await person.says("/session")
    await walk(play, person, until="obstacles")
    return person


def told(person: Coachee, words: str) -> bool:
    """Whether a person got to read something."""
    return any(words in shown.text for shown in person.screen)


def used(play: Play) -> dict[str, Usage]:
    """What the operator is told of today, by kind."""
    return {usage.kind: usage for usage in totals(play.core.engine, play.clock.now().date())}


def counted(model: ModelServer, name: str) -> tuple[int, int, int, int]:
    """Calls, prompt, cached and completion of the completions under a name, as the server counted them."""
    told = [request.usage for request in model.asked(name) if request.usage]
    return (
        len(told),
        sum(usage["prompt_tokens"] for usage in told),
        sum(usage["prompt_tokens_details"]["cached_tokens"] for usage in told),
        sum(usage["completion_tokens"] for usage in told),
    )


def figures(usage: Usage) -> tuple[int, int, int, int]:
    """The same, as we did."""
    return usage.calls, usage.prompt, usage.cached, usage.completion


async def speaks(play: Play, person: Coachee) -> None:
    """A voice message."""
    play.screens.files["voice-1"] = b"OggS" * 500
    await play.happens(
        MediaSent(
            id=play.next_id(),
            chat_id=person.chat_id,
            sender=person.sender,
            kind="voice",
            file_id="voice-1",
            seconds=4,
            message_id=play.screens.number(),
        )
    )


# ---- counted


async def test_a_whole_session(database: str, model: ModelServer) -> None:
    """Its calls are in the table: whose, when, what for, by which model, and exactly what the server counted."""
    async with stage(database, model) as play:
        mira = await about_to_answer(play)
        await speaks(play, mira)
        await mira.presses("Yes, take it")
        await walk(play, mira, **LONG)
        rows = play.rows(select(t.model_usage, t.users.c.telegram_id).join_from(t.model_usage, t.users))
        assert {row.telegram_id for row in rows} == {mira.chat_id}
        assert {row.day for row in rows} == {DAY}
        assert {row.kind: row.model for row in rows} == {
            "reflect": "test-model",
            "summary": "test-model",
            "transcribe": "gpt-4o-mini-transcribe",
        }
        known = used(play)
        assert len(model.asked("reflection")) >= 3
        assert figures(known["reflect"]) == counted(model, "reflection")
        assert figures(known["summary"]) == counted(model, "summary")
        [heard] = model.heard
        assert figures(known["transcribe"]) == (1, heard.usage["input_tokens"], 0, heard.usage["output_tokens"])
        assert sum(usage.estimated_calls for usage in known.values()) == 0
        assert known["reflect"].cached > 0
        tokens = sum(usage.tokens for usage in known.values())
        assert spent(play.core.engine, rows[0].user_id, DAY) == (tokens, tokens)


@pytest.mark.parametrize("mode", ["truncated", "refusal", "garbage", "invalid"])
async def test_tries_that_failed_count(database: str, model: ModelServer, mode: str) -> None:
    """Each of the four tries of a summary that nobody could use was answered, and cost."""
    async with stage(database, model, model_listens=False) as play:
        model.set_mode(mode)
        mira = await finished(play)
        await play.pass_time(timedelta(hours=2))
        assert told(mira, STOOD_IN)
        assert len(model.requests) == (8 if mode in ("garbage", "invalid") else 4), "what fails the check, twice each"
        assert figures(used(play)["summary"]) == counted(model, "summary")


async def test_tries_that_nobody_answered_do_not(database: str, model: ModelServer) -> None:
    """A server that refuses the request has not worked on it."""
    async with stage(database, model) as play:
        model.set_mode("500", retry_after=0)
        await finished(play)
        await play.pass_time(timedelta(hours=2))
        assert model.requests
        assert used(play) == {}


async def test_a_sentence_that_may_not_be_said_counts(database: str, model: ModelServer) -> None:
    """What code leaves out was paid for."""
    async with stage(database, model) as play:
        model.reflection = replying("You should just look away.")
        mira = await about_to_answer(play)
        await mira.says(SAID)
        assert used(play)["reflect"].calls == len(model.asked("reflection")) >= 1


async def test_a_sentence_that_is_late(database: str, model: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off when its time is over: what was sent and what came count, by an estimate, marked as one."""
    async with stage(database, model) as play:
        mira = await about_to_answer(play)
        before = used(play).get("reflect")
        monkeypatch.setattr(writer, "LISTEN_SECONDS", 0.5)
        model.set_mode("stall")
        await mira.says(SAID)
        now = used(play)["reflect"]
        assert now.estimated_calls == 1
        assert now.calls == (before.calls if before else 0) + 1
        assert now.prompt > (before.prompt if before else 0) + 100
        assert step(play, mira) == "resources"


async def test_a_server_that_gives_no_figures(database: str, model: ModelServer) -> None:
    """All is estimated, and near enough for a budget."""
    async with stage(database, model) as play:
        model.set_mode("uncounted")
        await finished(play)
        for kind, name in (("reflect", "reflection"), ("summary", "summary")):
            known = used(play)[kind]
            calls, prompt, _, completion = counted(model, name)
            assert (known.calls, known.estimated_calls, known.cached) == (calls, calls, 0)
            assert known.prompt == pytest.approx(prompt, rel=0.2)
            assert known.completion == pytest.approx(completion, rel=0.2)


# ---- once


async def at_once() -> None:
    """Nothing is waited for."""


async def test_a_crash_while_the_model_writes(database: str, model: ModelServer) -> None:
    """The next process asks again: what came of that is counted, once."""
    async with stage(database, model, model_listens=False) as play:
        mira = play.coachee()
        await mira.says("/session")
        await walk(play, mira, until="next_session")
        model.set_mode("hang")
        quiet, play.core.performer.quiet = play.core.performer.quiet, at_once  # type: ignore[method-assign]
        await mira.presses("No day yet")
        await model.wait_requests(1)
        play.core.performer.quiet = quiet  # type: ignore[method-assign]
        model.set_mode("ok")
        await play.restart()
        assert len(model.requests) == 2
        assert figures(used(play)["summary"]) == counted(model, "summary")
        assert used(play)["summary"].calls == 1


async def test_a_row_that_two_carry_out(database: str, model: ModelServer) -> None:
    """Whoever is first is counted with what came of it; the other one's result is not taken, nor is its cost."""
    async with stage(database, model, model_listens=False) as play:
        mira = play.coachee()
        await mira.says("/session")
        await walk(play, mira, until="next_session")
        model.set_mode("hang")
        quiet, play.core.performer.quiet = play.core.performer.quiet, at_once  # type: ignore[method-assign]
        await mira.presses("No day yet")
        await model.wait_requests(1)
        o = t.outbox.c
        query = select(o.id, o.chat_id, o.kind, o.payload).where(o.kind == "request_summary")
        [row] = [Row(**found._mapping) for found in play.rows(query)]
        model.set_mode("ok")
        await asyncio.gather(play.core.writer.request(row), play.core.writer.request(row))
        await play.core.writer.request(row)
        assert len(model.requests) == 4
        assert used(play)["summary"].calls == 1
        play.core.performer.quiet = quiet  # type: ignore[method-assign]


# ---- within the budget


async def test_over_a_persons_budget(database: str, model: ModelServer) -> None:
    """The ear is silent, the summary comes plainly and says so, voice waits; somebody else is served as ever."""
    async with stage(database, model, model_tokens_person_day=1) as play:
        mira = await about_to_answer(play)
        await mira.says(SAID)
        assert len(model.asked("reflection")) == 1, "the first call is made, and is over the budget by itself"
        await speaks(play, mira)
        assert "I could not listen to it just now" in mira.screen[-1].text
        await walk(play, mira, **LONG)
        assert told(mira, OVER)
        assert session(play, mira).summary == "written"
        assert (len(model.requests), model.heard) == (1, [])
        tom = await about_to_answer(play, "Tom")
        await tom.says(SAID)
        assert len(model.requests) == 2
        await play.pass_time(timedelta(hours=1))
        assert len(model.requests) == 2, "nothing is tried again"


async def test_the_plan_stands_over_budget(database: str, model: ModelServer) -> None:
    """A session that was finished without the model has its plan and its summary like any other."""
    async with stage(database, model, model_tokens_person_day=1, model_listens=False) as play:
        await finished(play)
        await play.script("""
            -- 1 minute
            Mira: /session
        """)
        mira = play.coachee()
        await walk(play, mira)
        assert len(model.requests) == 1
        kept = play.rows(select(t.coaching_sessions.c.summary).order_by(t.coaching_sessions.c.created_at))
        assert [row.summary["writer"] for row in kept] == ["model", "plain"]
        assert kept[1].summary["action_plan"]


async def test_the_deployments_budget(database: str, model: ModelServer) -> None:
    """What one person's sessions cost leaves nothing for another."""
    async with stage(database, model, model_tokens_day=1) as play:
        mira = await about_to_answer(play)
        await mira.says(SAID)
        assert len(model.requests) == 1
        tom = await finished(play, "Tom")
        assert told(tom, OVER)
        assert len(model.requests) == 1


async def test_no_limit(database: str, model: ModelServer) -> None:
    """0 is as many as wanted."""
    async with stage(database, model, model_tokens_person_day=0, model_tokens_day=0) as play:
        mira = await finished(play)
        assert any(shown.text.startswith(THEME) for shown in mira.screen)


async def test_midnight(database: str, model: ModelServer) -> None:
    """A new day begins at 00:00 UTC, whatever the person's clock says."""
    async with stage(database, model, model_tokens_person_day=1) as play:
        mira = await about_to_answer(play)
        await mira.says(SAID)
        await walk(play, mira, until="future_vision")
        assert len(model.requests) == 1
        await play.script("-- until 2026-11-24 00:59")  # in Berlin, which is an hour ahead
        await mira.says("i read a page and nobody cares and i do not even notice them")
        assert len(model.requests) == 1
        await play.script("-- until 2026-11-24 01:00")
        await speaks(play, mira)
        assert len(model.heard) == 1
        assert [row.day.day for row in play.rows(select(t.model_usage.c.day).order_by(t.model_usage.c.day))] == [
            23,
            24,
        ]


async def test_a_model_that_is_down_is_left_alone(database: str, model: ModelServer) -> None:
    """Five calls find out for everybody; a minute later one more finds that it is back."""
    async with stage(database, model) as play:
        model.set_mode("500", retry_after=0)
        people = [await about_to_answer(play, name) for name in ("Mira", "Tom", "Ana", "Bo", "Cy", "Di", "Eli")]
        for person in people:
            await person.says(SAID)
            assert step(play, person) == "resources"
        assert len(model.asked("reflection")) == 5
        assert play.core.breaker.open
        await play.pass_time(timedelta(seconds=59))
        await walk(play, people[0])
        assert told(people[0], "The writer cannot be reached just now")
        assert model.asked("summary") == []
        model.set_mode("ok")
        await play.pass_time(timedelta(minutes=1))
        assert any(shown.text.startswith(THEME) for shown in people[0].screen)
        assert len(model.asked("summary")) == 1
        assert not play.core.breaker.open


# ---- what storage tells


def test_the_day_is_what_counts(engine: Engine) -> None:
    """A person's tokens, everybody's, and the kinds of a day; nothing of another day, 0 where there is nothing."""
    mira, tom = uuid4(), uuid4()
    tomorrow = DAY + timedelta(days=1)
    with engine.begin() as connection:
        for number, user in enumerate((mira, tom)):
            connection.execute(
                insert(t.users).values(
                    id=user, telegram_id=number, name="x", language="en", timezone="UTC", created_at=START
                )
            )
        for day, user, kind, tokens in (
            (DAY, mira, "summary", 10**12),
            (DAY, mira, "reflect", 100),
            (DAY, tom, "reflect", 1000),
            (tomorrow, tom, "reflect", 7),
        ):
            connection.execute(
                insert(t.model_usage).values(
                    day=day,
                    user_id=user,
                    kind=kind,
                    model="m",
                    calls=2,
                    estimated_calls=1,
                    prompt_tokens=tokens,
                    cached_tokens=3,
                    completion_tokens=5,
                )
            )
    assert spent(engine, mira, DAY) == (10**12 + 110, 10**12 + 1115)
    assert spent(engine, tom, DAY) == (1005, 10**12 + 1115)
    assert spent(engine, mira, tomorrow) == (0, 12)
    assert spent(engine, uuid4(), DAY + timedelta(days=2)) == (0, 0)
    assert totals(engine, DAY) == [
        Usage(kind="reflect", calls=4, estimated_calls=2, prompt=1100, cached=6, completion=10),
        Usage(kind="summary", calls=2, estimated_calls=1, prompt=10**12, cached=3, completion=5),
    ]
    assert totals(engine, DAY + timedelta(days=2)) == []


@pytest.mark.parametrize(
    ("person", "deployment", "by_person", "by_all", "allowed"),
    [
        (0, 0, 10**9, 10**9, True),
        (10, 0, 9, 10**9, True),
        (10, 0, 10, 10, False),
        (0, 10, 5, 9, True),
        (0, 10, 0, 10, False),
        (10, 10, 9, 10, False),
    ],
)
def test_what_a_budget_allows(person: int, deployment: int, by_person: int, by_all: int, allowed: bool) -> None:
    """A call, as long as less than the limit is spent."""
    assert Budget(person=person, deployment=deployment).allows(by_person, by_all) is allowed
