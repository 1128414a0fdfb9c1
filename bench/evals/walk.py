"""The twenty sessions, walked in the product: what a writer is then given."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flows.documents import Material
from storage.sessions import material
from tests.coachee import conversation, session
from tests.playbook import Coachee, Play

SESSIONS = Path(__file__).parent / "sessions"
MOST_ANSWERS = 150


def names() -> list[str]:
    """The sessions there are: "ar-1" and so on."""
    return sorted(path.stem for path in SESSIONS.glob("*.json"))


def told(name: str) -> dict[str, Any]:
    """What is in a session's file: its language, the person's name, and the answers by step."""
    found: dict[str, Any] = json.loads((SESSIONS / f"{name}.json").read_text(encoding="utf-8"))
    return found


async def begin(play: Play, name: str) -> tuple[Coachee, Mapping[str, Any]]:
    """The person of a session, who has begun it, and what they answer."""
    given = told(name)
    person = play.coachee(f"{given['name']} {name}", given["language"])
    await person.says("/session")
    return person, given["answers"]


async def walk(play: Play, person: Coachee, answers: Mapping[str, Any]) -> None:
    """Answer every question until the session is complete. A step's list of answers is used one after another."""
    asked: dict[str, int] = {}
    for _ in range(MOST_ANSWERS):
        position = session(play, person).position
        if position is None:
            return
        given, turn = answers[position.step], asked.get(position.step, 0)
        asked[position.step] = turn + 1
        words = given[min(turn, len(given) - 1)] if isinstance(given, list) else given
        if words.startswith("[code:"):
            number = conversation(play, person).asked
            await person.press_data(f"a:{number}:{words[6:-1]}")
        elif words.startswith("["):
            await person.press_data(f"a:{conversation(play, person).asked}:{words[1:-1]}")
        else:
            await person.says(words)
    raise AssertionError(f"{person.name} does not come to an end")


@asynccontextmanager
async def stage(**settings: Any) -> AsyncIterator[Play]:
    """The product on a database of its own."""
    with TemporaryDirectory() as folder:
        async with Play(f"sqlite:///{folder}/evals.db", **settings) as play:
            yield play


async def materials() -> dict[str, Material]:
    """What a writer is given of each session."""
    found = {}
    async with stage() as play:
        for name in names():
            person, answers = await begin(play, name)
            await walk(play, person, answers)
            given = material(play.core.engine, session(play, person).session_id)
            assert given is not None
            found[name] = given
    return found
