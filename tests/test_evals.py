"""The evaluation itself: the built-in writer passes it on all twenty sessions; a summary that is wrong does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from bench.evals.score import scored
from bench.evals.walk import materials, names
from bot.summarising import check, render_in
from flows.documents import Citation, Document, Material, Said
from flows.plainly import plainly
from flows.writing import request
from tests.summarist import true_summary


@pytest.fixture(scope="module")
def found() -> dict[str, Material]:
    """The twenty sessions, walked."""
    return asyncio.run(materials())


def test_there_are_five_sessions_in_each_language() -> None:
    languages = [name.split("-")[0] for name in names()]
    assert {language: languages.count(language) for language in languages} == {"ar": 5, "en": 5, "es": 5, "hi": 5}


def test_the_built_in_writer_passes(found: dict[str, Material]) -> None:
    for name, material in found.items():
        score = scored(plainly(material, render_in(material.language)), material)
        assert score.passed, (name, score)


def test_a_true_answer_of_a_model_passes(found: dict[str, Material]) -> None:
    """Nothing of it is left out, and it passes as it is."""
    for name, material in found.items():
        answer = true_summary(json.loads(request(material, "")[1]["content"]))
        checked = check(json.dumps(answer), material)
        assert checked.faults == (), name
        assert scored(checked.document, material).passed, name


WRONG: dict[str, Callable[[Document], dict[str, Any]]] = {
    "a quote that is in no turn": lambda d: {
        "goal_statement": Said(text=d.theme, sources=(Citation(turn=1, quote="no"),))
    },
    "a line that rests on nothing": lambda d: {"key_insights": (Said(text=d.theme),)},
    "no support": lambda d: {"support": ()},
    "a year nobody named": lambda d: {"support": (d.support[0].evolve(text=f"{d.support[0].text} 2031"),)},
    "another day": lambda d: {"action_plan": (d.action_plan[0].evolve(due=None), *d.action_plan[1:])},
    "no steps": lambda d: {"action_plan": ()},
    "too long": lambda d: {"support": d.support * 60},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_does_not_pass(found: dict[str, Material], wrong: str) -> None:
    for name in ("en-2", "ar-4"):
        document = plainly(found[name], render_in(found[name].language))
        assert not scored(document.evolve(**WRONG[wrong](document)), found[name]).passed, name
