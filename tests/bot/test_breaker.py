"""The circuit breaker: a model that is down is left alone, tried once a minute, and asked again when it is back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.breaker import MOST_FAILURES, OPEN, Breaker
from bot.model import FailureReason, Model, ModelFailedError
from tests.playbook import TestClock
from tests.servers import ModelServer

MESSAGES = [{"role": "user", "content": "{}"}]
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


class Calls:
    """Calls behind a breaker, in virtual time: how many got through, and what became of each."""

    def __init__(self) -> None:
        self.clock = TestClock()
        self.breaker = Breaker(self.clock)
        self.made = 0

    def call(self, failure: FailureReason | None = None) -> str:
        """A call that ends at once: "fine", the reason why it failed, or "left out" if it was not made."""
        made = self.made
        try:
            with self.breaker.guarding():
                self.made += 1
                if failure is not None:
                    raise ModelFailedError(failure)
        except ModelFailedError as error:
            return error.reason if self.made > made else "left out"
        return "fine"

    def fail(self, times: int = MOST_FAILURES) -> None:
        """So many calls in a row find the model down."""
        for _ in range(times):
            assert self.call("unavailable") == "unavailable"

    def wait(self, delta: timedelta) -> None:
        """Time passes."""
        self.clock.move(self.clock.now() + delta)


@pytest.fixture
def calls() -> Calls:
    """A breaker nobody has called through."""
    return Calls()


def test_after_five_failures_no_call_is_made(calls: Calls) -> None:
    """All fail at once for a minute."""
    calls.fail(4)
    assert not calls.breaker.open
    calls.fail(1)
    assert calls.breaker.open
    assert [calls.call() for _ in range(3)] == ["left out"] * 3
    calls.wait(OPEN - timedelta(microseconds=1))
    assert calls.call() == "left out"


@pytest.mark.parametrize("reason", ["unavailable", "timeout", "limited"])
def test_what_counts(calls: Calls, reason: FailureReason) -> None:
    """Away, too slow, too busy."""
    for _ in range(5):
        calls.call(reason)
    assert calls.call() == "left out"


@pytest.mark.parametrize("reason", ["refused", "truncated", "invalid", "unsupported"])
def test_what_neither_counts_nor_resets(calls: Calls, reason: FailureReason) -> None:
    """What the model says wrong does not mean that it is down, nor that it is well."""
    for _ in range(20):
        assert calls.call(reason) == reason
    calls.fail(4)
    calls.call(reason)
    assert not calls.breaker.open
    calls.fail(1)
    assert calls.call() == "left out"


def test_a_success_in_between(calls: Calls) -> None:
    """Only failures in a row count."""
    for _ in range(5):
        calls.fail(4)
        assert calls.call() == "fine"


def test_the_trial_succeeds(calls: Calls) -> None:
    """After a minute one call is made; then all are, and it takes five failures again."""
    calls.fail()
    calls.wait(OPEN)
    assert calls.call() == "fine"
    assert not calls.breaker.open
    calls.fail(4)
    assert calls.call() == "fine"


def test_the_trial_fails(calls: Calls) -> None:
    """One failure, and it is a minute more; so each minute, as long as it takes."""
    calls.fail()
    for _ in range(3):
        calls.wait(OPEN)
        assert calls.call("timeout") == "timeout"
        assert calls.call() == "left out"
        assert calls.breaker.open
    calls.wait(OPEN)
    assert calls.call() == "fine"
    assert calls.call() == "fine"


def test_only_one_is_tried(calls: Calls) -> None:
    """While the trial is under way the others fail at once."""
    calls.fail()
    calls.wait(OPEN)
    with calls.breaker.guarding():
        assert [calls.call() for _ in range(3)] == ["left out"] * 3
    assert calls.call() == "fine"


@pytest.mark.parametrize("error", [asyncio.CancelledError, RuntimeError])
def test_a_trial_that_comes_to_nothing(calls: Calls, error: type[BaseException]) -> None:
    """Cancelled, or broken by a fault of ours: the next call is the trial."""
    calls.fail()
    calls.wait(OPEN)
    with pytest.raises(error), calls.breaker.guarding():
        raise error
    assert calls.breaker.open
    assert calls.call("unavailable") == "unavailable"
    assert calls.call() == "left out"


def test_a_trial_that_says_nothing_about_it(calls: Calls) -> None:
    """An answer that is of no use: the next call is the trial."""
    calls.fail()
    calls.wait(OPEN)
    assert calls.call("invalid") == "invalid"
    assert calls.breaker.open
    assert calls.call() == "fine"
    assert not calls.breaker.open


def test_a_call_that_began_before(calls: Calls) -> None:
    """One that was under way when it opened: if it fails, nothing is longer; if it succeeds, the model is there."""
    slow, well = calls.breaker.guarding(), calls.breaker.guarding()
    slow.__enter__()
    well.__enter__()
    calls.fail()
    calls.wait(OPEN)
    failure = ModelFailedError("timeout")
    assert not slow.__exit__(ModelFailedError, failure, None)
    assert calls.call("unavailable") == "unavailable", "the minute is over"
    assert calls.call() == "left out"
    well.__exit__(None, None, None)
    assert calls.call() == "fine"


async def test_the_models_calls_share_it() -> None:
    """Summaries, reflections and transcriptions: what one finds out holds for all, and no request is made."""
    calls = Calls()

    async def show(_so_far: str) -> None:
        return None

    async with ModelServer(mode="500") as server:
        model = Model(server.api_key, server.base_url, "m", breaker=calls.breaker)
        for _ in range(5):
            with pytest.raises(ModelFailedError):
                await model.reflect(MESSAGES, SCHEMA, show, 5.0)
        assert len(server.requests) == 5
        server.set_mode("ok")
        for work in (
            model.reflect(MESSAGES, SCHEMA, show, 5.0),
            model.complete(MESSAGES, SCHEMA, name="summary", kind="summary"),
            model.transcribe(b"OggS", "voice.ogg", "en"),
        ):
            with pytest.raises(ModelFailedError) as failed:
                await work
            assert (failed.value.reason, failed.value.spent) == ("unavailable", ())
        assert (len(server.requests), server.heard) == (5, [])
        calls.wait(OPEN)
        assert (await model.transcribe(b"OggS", "voice.ogg", "en")).content == "text"
        assert (await model.complete(MESSAGES, SCHEMA, name="summary", kind="summary")).content
        await model.close()


async def test_a_cancelled_trial_of_the_model() -> None:
    """The process ends, or nobody waits any more: the next call is made all the same."""
    calls = Calls()
    calls.fail()
    calls.wait(OPEN)
    async with ModelServer(mode="hang") as server:
        model = Model(server.api_key, server.base_url, "m", breaker=calls.breaker)
        trial = asyncio.ensure_future(model.complete(MESSAGES, SCHEMA, name="summary", kind="summary"))
        await server.wait_requests(1)
        trial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trial
        server.set_mode("ok")
        assert (await model.complete(MESSAGES, SCHEMA, name="summary", kind="summary")).content
        await model.close()
