"""The page that shows the tables of `life` and of `consent`: their diagrams, and what each move is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows import consent
from flows.diary import OPEN, TAKES_PLACE
from flows.life import MOVES, Move

HEAD = """\
# The life of a session, as it is decided

Generated from `flows/life.py` and `flows/consent.py` by `make docs`; a test fails when this page is not current.

What is not an arrow is not a move: it raises, and nothing changes. A session whose time has come can be resolved as
if it were pending, even where the clock did not say so yet.
"""
WHAT: dict[Move, str] = {
    "come": "its time has come",
    "complete": "it was held; not before every session before it in the programme is resolved",
    "miss": "somebody was not there",
    "reschedule": "another row takes its place, with the same number",
    "cancel": "it does not take place; its time and its machine or room are free again",
    "reopen": "what was said of it is taken back; not once its record is submitted, nor where a later completed"
    " session rests on it",
}
CONSENT = """\
# The life of a consent

A session that somebody wants to cancel stays booked until who decides has agreed. The first decision stands.
"""
WHAT_OF_CONSENT: dict[consent.Move, str] = {
    "approve": "who is asked agrees, or there is no answer and that means so: the session is cancelled",
    "keep": "who is asked does not agree, or there is no answer and that means so: the session stays",
    "reschedule": "who is asked chooses another time instead",
    "withdraw": "who asked takes it back",
    "overtake": "the session was moved, held or called off meanwhile by somebody else",
    "call": "who is asked wishes to be called: the deadline stands still",
    "report": "the coach says what came of the call; who is asked still decides",
    "resume": "nobody said what came of the call: the time runs again",
    "escalate": "there was no answer: an operator is asked, too",
}


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join(
        [
            HEAD,
            *_table("scheduled: book", MOVES, WHAT, OPEN),
            f"To be resolved: {', '.join(OPEN)}. Taking their time: {', '.join(TAKES_PLACE)}.",
            "",
            CONSENT,
            *_table("open: ask", consent.MOVES, WHAT_OF_CONSENT, ("open",)),
        ]
    )


def _table(first: str, moves: Mapping[Any, str], what: Mapping[Any, str], not_over: tuple[str, ...]) -> list[str]:
    """A diagram, and what its moves are."""
    over = [status for status in dict.fromkeys(moves.values()) if status not in not_over]
    return [
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {first}",
        *(f"    {source} --> {target}: {move}" for (source, move), target in moves.items()),
        *(f"    {status} --> [*]" for status in over),
        "```",
        "",
        "| move | what it says |",
        "|---|---|",
        *(f"| {move} | {words} |" for move, words in what.items()),
        "",
    ]
