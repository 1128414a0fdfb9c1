"""A summary's score, by code alone: what it rests on, whether it is whole, its dates, its language, its length."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from bot.lexicon import lexicon
from bot.render import messages
from flows.documents import Citation, Document, Material, iso_day
from flows.effects import Screen
from flows.grounding import Grounds, in_language
from flows.summaries import lines as read_as

LONGEST_SENTENCE = 30
"""Words of a line that still reads easily."""


@dataclass(frozen=True)
class Score:
    """Of one summary. `grounded`: lines whose every quote is in the turn it names, of all `lines`. `sections` of 6.

    `dates`: no day, number or year that is not the session's, and each item has its own step's day. `language`: it is
    the coachee's. `words` of the whole, `long` lines of more than LONGEST_SENTENCE words, `messages` that it takes.
    """

    lines: int
    grounded: int
    sections: int
    dates: bool
    language: bool
    words: int
    long: int
    messages: int

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong with it."""
        whole = self.grounded == self.lines and self.sections == 6
        return whole and self.dates and self.language and self.messages == 1


def scored(document: Document, material: Material) -> Score:
    """The score of a summary of a session."""
    items = [item for item in document.action_plan if not item.suggested]
    goal_day = iso_day((material.of(4, "smart") or {}).get("time_bound"))
    lines: list[tuple[str, tuple[Citation, ...], date | None]] = [
        *((line.text, line.sources, None) for line in document.executive_summary),
        *((line.text, line.sources, None) for line in document.key_insights),
        (document.goal_statement.text, document.goal_statement.sources, goal_day),
        *((f"{item.title}. {item.description}", item.sources, item.due) for item in items),
        *((f"{m.what} {m.baseline} {m.target} {m.how}", m.sources, goal_day) for m in document.success_metrics),
        *((line.text, line.sources, None) for line in document.support),
    ]
    turns = {turn.n: _plain(turn.text) for turn in material.turns}
    sections = (
        document.executive_summary,
        document.key_insights,
        document.goal_statement.text,
        items,
        document.success_metrics,
        document.support,
    )
    grounds = Grounds(material, lexicon(material.language))
    own_days = [step.get("by_when") or None for step in material.steps]
    lengths = [len(text.split()) for text, _, _ in lines]
    said = " ".join(turn.text for turn in material.turns)
    return Score(
        lines=len(lines),
        grounded=sum(
            1 for _, rests, _ in lines if rests and all(_plain(s.quote) in turns.get(s.turn, "") for s in rests)
        ),
        sections=sum(1 for section in sections if section),
        dates=not any(grounds.dates(text, grounds.footing(rests, [day] if day else [])) for text, rests, day in lines)
        and [item.due and item.due.isoformat() for item in items] == own_days,
        language=in_language([text for text, _, _ in lines], grounds.lexicon, said),
        words=sum(lengths),
        long=sum(1 for length in lengths if length > LONGEST_SENTENCE),
        messages=len(messages(Screen(lines=read_as(document)), material.language)),
    )


def _holds(turns: dict[int, str], source: Citation) -> bool:
    return _plain(source.quote) in turns.get(source.turn, "")


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).casefold().strip()
