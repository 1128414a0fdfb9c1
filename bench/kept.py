"""What a database holds after a run: a figure for answers that were not kept would be worth nothing."""

from __future__ import annotations

from sqlalchemy import select

from storage import tables as t
from storage.engine import connect


def answers(url: str) -> int:
    """How many answers are kept, of everybody, in every session."""
    engine = connect(url)
    try:
        with engine.connect() as connection:
            found = connection.execute(select(t.stage_responses.c.responses)).scalars()
            return sum(
                1 for kept in found for turn in kept.get("turns", ()) if turn.get("kind", "answer") == "answer"
            )
    finally:
        engine.dispose()
