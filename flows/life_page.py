"""The page that shows the table of `life`: its diagram, and what each move is."""

from __future__ import annotations

from flows.diary import OPEN, TAKES_PLACE
from flows.life import MOVES, Move

HEAD = """\
# The life of a session, as it is decided

Generated from `flows/life.py` by `make docs`; a test fails when this page is not current.

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


def page() -> str:
    """The whole page, in Markdown."""
    over = [status for status in dict.fromkeys(MOVES.values()) if status not in OPEN]
    return "\n".join(
        [
            HEAD,
            "```mermaid",
            "stateDiagram-v2",
            "    [*] --> scheduled: book",
            *(f"    {source} --> {target}: {move}" for (source, move), target in MOVES.items()),
            *(f"    {status} --> [*]" for status in over),
            "```",
            "",
            "| move | what it says |",
            "|---|---|",
            *(f"| {move} | {what} |" for move, what in WHAT.items()),
            "",
            f"To be resolved: {', '.join(OPEN)}. Taking their time: {', '.join(TAKES_PLACE)}.",
            "",
        ]
    )
