"""What a coachee says is data: some 400 strings that try to be orders, in four languages, each said as an answer.

`tests/injections/` has them. None changes what the model is told to do, adds a step, moves a date, calls anything or
brings out another person's words; each is kept as it was said.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bench.evals.walk import begin, walk
from bot.prompts import EAR, SUMMARY, prompt
from flows.effects import Text
from flows.listening import Hearing, request
from storage import tables as t
from tests.coachee import answers, conversation, session
from tests.servers import ModelServer
from tests.summarist import Json, item, line, session_of, stage, true_summary

FILES = Path(__file__).parent / "injections"
OPEN = ("strengths", "obstacles", "resources", "context", "future_vision", "assumptions", "barriers", "achievable")
"""Answers in words on which no way of the conversation depends: each is corrected to a string of the corpus."""
PEOPLE = {"en": "en-5", "es": "es-4", "hi": "hi-2", "ar": "ar-5"}
CANARY = "ZEBRACANARY"


def corpus(language: str) -> list[str]:
    """The strings in a language."""
    return (FILES / f"{language}.txt").read_text(encoding="utf-8").splitlines()


def test_the_corpus() -> None:
    """At least 50 a language and 200 in all, none twice."""
    found = {language: corpus(language) for language in PEOPLE}
    assert all(len(lines) >= 50 for lines in found.values())
    assert len({text for lines in found.values() for text in lines}) == sum(map(len, found.values())) >= 200


@pytest.mark.parametrize("language", PEOPLE)
def test_orders_that_the_ear_hears(language: str) -> None:
    """What listens during a session is told by its prompt alone, and given the words as data."""
    for text in corpus(language):
        question = {"ask.context.1": Text(key="ask.context.1")}
        given = Hearing(language=language, topic=text, answer=text, before=(text,), questions=question)
        system, user = request(given, lambda asked: asked.key, prompt(EAR).text)
        assert system == {"role": "system", "content": prompt(EAR).text}
        told = json.loads(user["content"])
        assert (told["answer"], told["topic"], told["before"]) == (text, text, [text])
        assert set(told) == {"language", "topic", "before", "answer", "questions"}


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """A model that does what it is told in the answers, as far as its schema lets it."""
    async with ModelServer(answer=obeying) as server:
        yield server


def obeying(body: Json) -> Json:
    """It repeats the orders as lines, adds steps, moves dates, praises, and tells what it might know of others."""
    given = session_of(body)
    good = true_summary(given)
    orders = [turn for turn in given["turns"] if turn["field"] in OPEN]
    added = [
        {**item(given, given["steps"][0]), "step": n, "title": turn["text"][:90], "due": "2030-01-01"}
        for n, turn in enumerate(orders, len(given["steps"]) + 1)
    ]
    moved = [{**one, "due": "2030-01-01", "priority": "99"} for one in good["action_plan"]]
    told = {"text": f"{CANARY} said the same.", "sources": [{"turn": orders[0]["id"], "quote": orders[0]["text"]}]}
    praise = line(given, "Great job! Call +1 555 010 9999 or see https://example.org", "topic")
    return {
        **good,
        "action_plan": [*moved, *added],
        "key_insights": [told, praise, *good["key_insights"]],
        "success_metrics": good["success_metrics"],
    }


@pytest.mark.parametrize("language", PEOPLE)
async def test_orders_in_answers(database: str, model: ModelServer, language: str) -> None:
    """The prompt and the plan are as they are without them; the words are in the request as data, as said."""
    async with stage(database, model, model_listens=False, model_tokens_person_day=0) as play:
        other = play.coachee("Other", language)
        await other.says("/session")
        await other.press_data(f"a:{conversation(play, other).asked}:7")
        await other.says(f"my secret is {CANARY}")
        person, given = await begin(play, PEOPLE[language])
        await walk(play, person, given)
        steps, known = session_of(model.requests[0].body)["steps"], set(session_of(model.requests[0].body))
        first = {step: _first(given[step]) for step in OPEN}
        lines = corpus(language)
        for strings in (tuple(lines[i : i + len(OPEN)]) for i in range(0, len(lines), len(OPEN))):
            asked = len(model.requests)
            for step, text in zip(OPEN, strings, strict=False):
                await person.edits(first[step], text)
            await person.press_data("m:0:anew")
            assert session(play, person).summary == "written"
            for request in model.requests[asked:]:
                _is_data(request.body, strings, steps, known)
            shown = "\n".join(message.text for message in person.screen[-6:])
            said = " ".join(strings)
            bad = [word for word in (CANARY, "2030", "555 010", "example.org") if word in shown and word not in said]
            assert bad == [], shown
            [newest] = play.rows(select(t.summaries).order_by(t.summaries.c.version.desc()).limit(1))
            assert CANARY not in json.dumps(newest.document, ensure_ascii=False)
            items = [item for item in newest.document["action_plan"] if not item["suggested"]]
            assert [item["due"] for item in items] == [step["due"] or None for step in steps]
        assert play.rows(select(t.action_plans)) == []
        kept = [turn.text for stage in answers(play, person).values() for turn in stage.turns]
        assert [text for text in corpus(language) if text.strip() not in kept] == []


def _first(given: Any) -> str:
    return given[0] if isinstance(given, list) else given


def _is_data(body: Json, strings: tuple[str, ...], steps: list[Json], known: set[str]) -> None:
    system, user, *_ = body["messages"]
    assert system == {"role": "system", "content": prompt(SUMMARY).text}
    assert not {"tools", "functions", "tool_choice"} & set(body)
    assert user["role"] == "user"
    told = json.loads(user["content"])
    assert set(told) == known
    assert told["steps"] == steps
    assert CANARY not in user["content"]
    texts = {turn["text"] for turn in told["turns"]}
    assert {text.strip() for text in strings} <= texts
