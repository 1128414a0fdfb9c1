"""Tokens of the model for a finished session, beside a bot that sends the whole history with every turn.

Both are counted over the same twenty sessions (`bench/evals`). Ours is what the product really sends to the local
model server and gets back: messages, JSON schemas and answers. The peer is worked out from the same conversation: for
each answer of the coachee one request with a system prompt of the same length as ours and everything said before,
which gives the coach's next message; at the end one more for the summary.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.evals.walk import begin, names, stage, walk
from bot.prompts import SUMMARY, prompt
from tests.coachee import answers, session
from tests.servers import ModelServer
from tests.summarist import session_of, true_summary

ABOUT = "tokens of the model for a finished session, beside a bot that sends the whole history each turn"
WANTED = 0.2
"""design.md section 7: at most a fifth."""
Count = Callable[[str], int]


@dataclass(frozen=True)
class Session:
    """Tokens of one session: of the summary, of the ear, and of the peer."""

    name: str
    calls: int
    summary: int
    ear: int
    peer: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none of its own."""
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure and print; 1 where it is more than design.md asks for."""
    count, how = _counter()
    found = asyncio.run(_sessions(count))
    table = Table(
        "session", "calls", "summary", "ear", "both", "history each turn", "summary ratio", "ratio with ear"
    )
    for one in found:
        both = one.summary + one.ear
        table.add_row(
            one.name,
            str(one.calls),
            f"{one.summary:,}",
            f"{one.ear:,}",
            f"{both:,}",
            f"{one.peer:,}",
            f"{one.summary / one.peer:.3f}",
            f"{both / one.peer:.3f}",
        )
    ratios = [(one.summary + one.ear) / one.peer for one in found]
    alone = median(one.summary / one.peer for one in found)
    table.caption = f"counted by {how}; median {alone:.3f} for the summary, {median(ratios):.3f} with the ear"
    Console(width=130).print(table)
    return 0 if median(ratios) <= WANTED else 1


def _counter() -> tuple[Count, str]:
    """A tokenizer of OpenAI's where one is installed (`pip install bpe-openai`), else bytes over four."""
    try:
        import bpe_openai
    except ImportError:
        return lambda text: -(-len(text.encode()) // 4), "UTF-8 bytes over four (bpe-openai is not installed)"
    encoding = bpe_openai.get_encoding("o200k_base")
    return lambda text: len(encoding.encode_ordinary(text)), "o200k_base"


async def _sessions(count: Count) -> list[Session]:
    found = []
    async with ModelServer(answer=lambda body: true_summary(session_of(body))) as model:
        settings: dict[str, Any] = {
            "openai_api_key": model.api_key,
            "openai_base_url": model.base_url,
            "openai_model": "test-model",
            "model_tokens_person_day": 0,
        }
        async with stage(**settings) as play:
            for name in names():
                asked = len(model.requests)
                person, given = await begin(play, name)
                await walk(play, person, given)
                requests = model.requests[asked:]
                spent = {"summary": 0, "reflection": 0}
                for request in requests:
                    spent[request.name or ""] += _sent(request.body, count) + count(_text(request.answer))
                shown = person.screen
                end = next(i for i, s in enumerate(shown) if any(d.endswith(":items") for d in s.buttons.values()))
                coach = [message.text for message in shown[: end + 1]]
                turns = [turn.text for kept in answers(play, person).values() for turn in kept.turns]
                assert session(play, person).summary == "written"
                peer = _history(coach, turns, count(prompt(SUMMARY).text), count)
                found.append(Session(name, len(requests), spent["summary"], spent["reflection"], peer))
    return found


def _sent(body: dict[str, Any], count: Count) -> int:
    schema = json.dumps(body["response_format"]["json_schema"]["schema"], ensure_ascii=False)
    return sum(count(message["content"]) for message in body["messages"]) + count(schema)


def _text(answer: Any) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _history(coach: list[str], turns: list[str], system: int, count: Count) -> int:
    """Tokens of the peer: with the n-th answer it sends all that was said before, and the coach's part is written.

    Its coach says as much as ours does, in as many messages as there are answers; the last of `coach` is the summary.
    """
    said = [count(text) for text in turns]
    each = sum(count(text) for text in coach[:-1]) // max(1, len(turns))
    total, before = 0, each
    for mine in said:
        total += system + before + mine + each
        before += mine + each
    return total + system + before + count(coach[-1])
