"""The summary by a model: what it is told, and the shape in which it answers.

Code decides, the model writes. Each line cites turns and quotes them; `checking` says what does not hold. What fails
is asked for once more, with the faults; what fails again is dropped, or stands in the coachee's own words.

The coachee's words are data: they are in the second message, as JSON, and nothing that the model gives back can do
more than be read by `checking`.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from flows.documents import (
    Material,
    SaidTurn,
)


class _Closed(BaseModel):
    """A closed object: its JSON schema allows no other property."""

    model_config = ConfigDict(extra="forbid")


class WrittenSource(_Closed):
    """A citation: the id of a turn, and words that stand in it."""

    turn: int
    quote: str


class WrittenLine(_Closed):
    """A sentence and what it rests on."""

    text: str
    sources: list[WrittenSource]


class WrittenMilestone(_Closed):
    """An in-between step that the coachee named; `when` is their phrase for its day, or ""."""

    title: str
    when: str
    sources: list[WrittenSource]


class WrittenItem(_Closed):
    """What the model writes about one step; `step` 0 is a suggestion of its own."""

    step: int
    title: str
    description: str
    due: str
    priority: int | str
    sources: list[WrittenSource]
    milestones: list[WrittenMilestone]


class WrittenMetric(_Closed):
    """How the coachee will see that it works."""

    what: str
    baseline: str
    target: str
    how: str
    sources: list[WrittenSource]


class WrittenSummary(_Closed):
    """What the model is asked for. Its JSON schema is sent as the strict response format."""

    theme: str
    executive_summary: list[WrittenLine]
    key_insights: list[WrittenLine]
    goal_statement: WrittenLine
    action_plan: list[WrittenItem]
    success_metrics: list[WrittenMetric]
    support_and_accountability: list[WrittenLine]


def request(material: Material, prompt: str) -> list[dict[str, str]]:
    """The messages for the model: the prompt, which is always the same, first; then the session as JSON."""
    session = {
        "language": material.language,
        "session_day": material.begun_on.isoformat(),
        "steps": [
            {"step": number, "what": step["what"], "due": step.get("by_when") or ""}
            for number, step in enumerate(material.steps, 1)
        ],
        "turns": [_told(turn) for turn in material.turns],
    }
    return [
        {"role": "system", "content": prompt},
        {"role": "user", "content": json.dumps(session, ensure_ascii=False, separators=(",", ":"))},
    ]


def _told(turn: SaidTurn) -> dict[str, Any]:
    """A turn: its id, the field it answers, the words, and the value or date that code made of them."""
    told: dict[str, Any] = {"id": turn.n, "field": turn.step, "text": turn.text}
    if turn.day is not None:
        told["day"] = turn.day.isoformat()
    elif isinstance(turn.value, int) and str(turn.value) != turn.text.strip():
        told["value"] = turn.value
    return told


def asked_again(messages: list[dict[str, str]], content: str, faults: tuple[str, ...]) -> list[dict[str, str]]:
    """The same request once more: what the model gave back, and what did not hold."""
    wrong = "\n".join(f"- {fault}" for fault in faults)
    return [
        *messages,
        {"role": "assistant", "content": content},
        {
            "role": "user",
            "content": "Code has checked this. Write the whole summary once more, without these faults:\n" + wrong,
        },
    ]


def schema() -> dict[str, Any]:
    """The JSON schema of what the model gives back; every object is closed and every property required."""
    return WrittenSummary.model_json_schema()
