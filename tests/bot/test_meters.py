"""What /metrics shows of the model: numbers, read when they are asked for, of no person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot import meters as module
from bot.meters import Meters
from bot.threads import Threads
from flows.spending import Budget
from storage.engine import connect
from tests.playbook import Play, TestClock
from tests.servers import ModelServer
from tests.summarist import stage, written
from tests.test_budget import counted, finished
from tests.test_listening import BACK, replying


def meters(play: Play) -> Meters:
    """The meters of a play."""
    made = play.core
    return Meters(made.engine, made.runner.threads, made.clock, made.budget)


async def shown(page: Meters) -> dict[str, float]:
    """Each gauge of a page and its value."""
    lines = (await page.page()).decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """A model that listens and writes."""
    async with ModelServer(answer=written(), reflection=replying(BACK)) as server:
        yield server


async def test_what_the_model_cost_today(database: str, model: ModelServer) -> None:
    """By kind, all of them; from midnight on it begins again."""
    async with stage(database, model, model_tokens_day=1_000_000) as play:
        page = meters(play)
        before = await shown(page)
        assert [
            before[f'waymark_model_tokens_today{{kind="{k}"}}'] for k in ("summary", "reflect", "transcribe")
        ] == [0] * 3
        mira = await finished(play, "Mira Nobody-Else")
        now = await shown(page)
        for kind, name in (("summary", "summary"), ("reflect", "reflection")):
            calls, prompt, _, completion = counted(model, name)
            assert now[f'waymark_model_calls_today{{kind="{kind}"}}'] == calls > 0
            assert now[f'waymark_model_tokens_today{{kind="{kind}"}}'] == prompt + completion
        assert now['waymark_model_calls_today{kind="transcribe"}'] == 0
        assert now["waymark_model_budget_tokens_per_day"] == 1_000_000
        text = (await page.page()).decode()
        assert str(mira.chat_id) not in text
        assert "Mira" not in text
        play.clock.move(play.clock.now() + timedelta(days=1))
        assert (await shown(page))['waymark_model_calls_today{kind="summary"}'] == 0


@asynccontextmanager
async def page_on(url: str) -> AsyncIterator[Meters]:
    """A page on any database."""
    threads, engine = Threads(), connect(url)
    try:
        page = Meters(engine, threads, TestClock(), Budget(deployment=7))
        page.shows("batches", "something else", lambda: 3)
        yield page
    finally:
        threads.close()
        engine.dispose()


@pytest.mark.parametrize("url", ["sqlite:///{}/no/such/place.db", "postgresql://nobody@127.0.0.1:1/none"])
async def test_a_database_that_is_away(url: str, tmp_path: Path) -> None:
    """Then most of all an operator wants the page: what is not known is left out of it."""
    async with page_on(url.format(tmp_path)) as page:
        assert await shown(page) == {"waymark_batches": 3, "waymark_model_budget_tokens_per_day": 7}


async def test_a_database_that_hangs(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page does not wait for it longer than it may, and comes back by itself."""
    async with page_on(database) as page:
        assert (await shown(page))['waymark_model_calls_today{kind="summary"}'] == 0
        monkeypatch.setattr(module, "SECONDS", 0.0)
        assert 'waymark_model_calls_today{kind="summary"}' not in await shown(page)
        monkeypatch.setattr(module, "SECONDS", 5.0)
        assert (await shown(page))['waymark_model_calls_today{kind="summary"}'] == 0
