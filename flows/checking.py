"""What code makes of a summary that a model wrote: what holds is kept, what does not is named and left out.

Which steps the plan has, and their days, come from the typed fields alone.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Any

from pydantic import ValidationError

from flows.comparing import plain
from flows.documents import (
    LONGEST_LINE,
    LONGEST_TITLE,
    MOST_LINES,
    Citation,
    Document,
    Material,
    Metric,
    PlannedItem,
    PlannedMilestone,
    Said,
    iso_day,
    short,
)
from flows.errors import UnusableSummaryError
from flows.grounding import Grounds, Lexicon, in_language
from flows.records import Record
from flows.writing import WrittenItem, WrittenLine, WrittenMetric, WrittenMilestone, WrittenSource, WrittenSummary

LONGEST_ANSWER = 60_000
"""Characters of an answer that are looked at; a good one has a tenth of it."""
MOST_ENTRIES = 40
JOINERS = "\n\t\u200c\u200d"
"""What holds letters and emoji together, or lines and words apart."""
MOST_SUGGESTIONS = 2
MOST_MILESTONES = 5
MIDDLE_PRIORITY = 3
PRIORITIES = {
    **dict.fromkeys(("high", "highest", "urgent", "alta", "alto", "उच्च", "ऊँचा", "عالية", "عالي", "مرتفعة"), 5),
    **dict.fromkeys(("medium", "middle", "normal", "media", "medio", "मध्यम", "متوسطة", "متوسط"), 3),
    **dict.fromkeys(("low", "lowest", "baja", "bajo", "निम्न", "कम", "منخفضة", "منخفض"), 1),
}
"""Priorities that arrive as words; a model may write them in the language of the summary."""

DayOf = Callable[[str, date], date | None]
"""The date that a phrase of the coachee ("on wednesday") means, said on a day; None where it means none."""


class Checked(Record):
    """A summary with what did not hold left out, and what that was, in words for its writer."""

    document: Document
    faults: tuple[str, ...] = ()


def checked(content: str, material: Material, lexicon: Lexicon, plain_one: Document, day_of: DayOf) -> Checked:
    """What holds of the model's JSON. A section of which nothing holds is taken from the plain writer's document.

    Raises UnusableSummaryError, with what to tell the model, where it is no such JSON, is in another language, or
    where nothing of it holds.
    """
    if len(content) > LONGEST_ANSWER:
        raise UnusableSummaryError(f"it is longer than {LONGEST_ANSWER} characters")
    try:
        written = WrittenSummary.model_validate(_clean(json.loads(content)))
    except ValidationError as error:
        raise UnusableSummaryError(f"{error.error_count()} faults against the schema") from None
    except (ValueError, RecursionError):
        raise UnusableSummaryError("it is not JSON") from None
    if not in_language(_texts(written), lexicon, " ".join(turn.text for turn in material.turns)):
        raise UnusableSummaryError(f"it is not in the language {material.language}")
    return _Check(Grounds(material, lexicon), plain_one, day_of).all_of(written)


def _texts(written: WrittenSummary) -> list[str]:
    """Every text that the coachee would read."""
    several = (written.executive_summary, written.key_insights, written.support_and_accountability)
    return [
        written.goal_statement.text,
        *(line.text for lines in several for line in lines),
        *(text for item in written.action_plan for text in (item.title, item.description)),
        *(text for m in written.success_metrics for text in (m.what, m.baseline, m.target, m.how)),
    ]


class _Check:
    """One pass over what the model wrote; it gathers the faults."""

    def __init__(self, grounds: Grounds, plain_one: Document, day_of: DayOf) -> None:
        self._grounds, self._plain, self._day_of = grounds, plain_one, day_of
        self._material = grounds.material
        self._faults: list[str] = []
        self._held = 0

    def all_of(self, written: WrittenSummary) -> Checked:
        plain_one = self._plain
        goal = self._line("goal_statement", written.goal_statement, self._goal_days)
        document = Document(
            theme=self._theme(written.theme),
            executive_summary=self._lines("executive_summary", written.executive_summary)
            or plain_one.executive_summary,
            key_insights=self._lines("key_insights", written.key_insights) or plain_one.key_insights,
            goal_statement=goal or plain_one.goal_statement,
            action_plan=self._items(written.action_plan),
            success_metrics=self._metrics(written.success_metrics) or plain_one.success_metrics,
            support=self._lines("support_and_accountability", written.support_and_accountability)
            or plain_one.support,
            writer="model",
            turns=plain_one.turns,
            day=plain_one.day,
            goal=plain_one.goal,
            smart=plain_one.smart,
        )
        if not self._held:
            raise UnusableSummaryError("; ".join(self._faults[:MOST_LINES]) or "nothing of it holds")
        return Checked(document=document, faults=tuple(self._faults))

    def _fault(self, where: str, *faults: str) -> None:
        self._faults.extend(f"{where}: {fault}" for fault in faults)

    def _sources(self, where: str, written: list[WrittenSource]) -> tuple[Citation, ...]:
        found: list[Citation] = []
        for one in written:
            source = self._grounds.citation(one.turn, one.quote)
            if source is None:
                self._fault(where, f"the quote {short(one.quote, 80)!r} is not in turn {one.turn}")
            elif source not in found:
                found.append(source)
        return tuple(found)

    def _holds(
        self,
        where: str,
        text: str,
        sources: tuple[Citation, ...],
        days: tuple[date, ...] = (),
        *,
        title: bool = False,
    ) -> bool:
        if not text:
            faults = ["it is empty"]
        elif len(text) > LONGEST_LINE:
            faults = [f"it is longer than {LONGEST_LINE} characters"]
        else:
            faults = self._grounds.faults(text, sources, days=days, title=title)
        self._fault(where, *faults)
        self._held += not faults
        return not faults

    def _theme(self, written: str) -> str:
        theme = " ".join(written.split())
        faults = self._grounds.faults_of_theme(theme) if theme else ["it is empty"]
        if len(theme) > LONGEST_TITLE:
            faults.append(f"it is longer than {LONGEST_TITLE} characters")
        self._fault("theme", *faults)
        return self._plain.theme if faults else theme

    @property
    def _goal_days(self) -> tuple[date, ...]:
        """The day of the goal: it may be named wherever the goal is."""
        day = iso_day((self._material.of(4, "smart") or {}).get("time_bound"))
        return (day,) if day else ()

    def _line(self, where: str, written: WrittenLine, days: tuple[date, ...] = ()) -> Said | None:
        text = written.text.strip()
        sources = self._sources(where, written.sources)
        return Said(text=text, sources=sources) if self._holds(where, text, sources, days) else None

    def _lines(self, where: str, written: list[WrittenLine]) -> tuple[Said, ...]:
        if not written:
            self._fault(where, "it has no line")
        lines = (self._line(f"{where}[{i}]", line) for i, line in enumerate(written[:MOST_LINES]))
        return tuple(line for line in lines if line is not None)

    def _metrics(self, written: list[WrittenMetric]) -> tuple[Metric, ...]:
        if not written:
            self._fault("success_metrics", "it has no line")
        kept = []
        for i, metric in enumerate(written[:MOST_LINES]):
            where = f"success_metrics[{i}]"
            parts = [part.strip() for part in (metric.what, metric.baseline, metric.target, metric.how)]
            sources = self._sources(where, metric.sources)
            what, baseline, target, how = parts
            rated = self._rating_faults(baseline)
            self._fault(where, *rated)
            if not all(parts):
                self._fault(where, "what, baseline, target and how are all needed")
            elif self._holds(where, " · ".join(parts), sources, self._goal_days) and not rated:
                kept.append(Metric(what=what, baseline=baseline, target=target, how=how, sources=sources))
        return tuple(kept)

    def _rating_faults(self, baseline: str) -> list[str]:
        """A baseline has no other number than the rating that the session started from."""
        turn = self._material.turn("current_state_rating")
        citations = (Citation(turn=turn.n, quote=turn.text),) if turn else ()
        return self._grounds.dates(baseline, self._grounds.footing(citations))

    def _items(self, written: list[WrittenItem]) -> tuple[PlannedItem, ...]:
        """One item a step, in the coachee's order, whatever the model left out or made up; then its suggestions."""
        by_step: dict[int, WrittenItem] = {}
        suggestions = []
        for i, item in enumerate(written[:MOST_ENTRIES]):
            if item.step == 0:
                suggestions.append((f"action_plan[{i}]", item))
            elif item.step in by_step or not 1 <= item.step <= len(self._plain.action_plan):
                self._fault(f"action_plan[{i}]", f"there is no other step {item.step}; steps are not added or split")
            else:
                by_step[item.step] = item
        items = [self._item(own, by_step.get(own.number)) for own in self._plain.action_plan]
        more: dict[str, PlannedItem] = {}  # by its words: the same one twice is one
        for where, item in suggestions:
            made = self._suggestion(where, len(items) + len(more) + 1, item)
            if made is not None and len(more) < MOST_SUGGESTIONS:
                more.setdefault(plain(made.title), made)
        return (*items, *more.values())

    def _item(self, own: PlannedItem, item: WrittenItem | None) -> PlannedItem:
        """A step: worded by the model where that holds, with the coachee's day whatever the model says."""
        where = f"action_plan step {own.number}"
        if item is None:
            self._fault(where, "it is missing")
            return own
        if item.due.strip() not in ("", own.due.isoformat() if own.due else ""):
            self._fault(where, f"its day is {own.due}, not {short(item.due, 40)}")
        title, description = item.title.strip(), item.description.strip()
        sources = self._sources(where, item.sources)
        milestones = self._milestones(where, item.milestones, own.due)
        made = own.evolve(priority=_priority(item.priority), milestones=milestones)
        both, days = _joined(own.sources, sources), (own.due,) if own.due else ()
        if len(title) > LONGEST_TITLE:
            self._fault(f"{where} title", f"it is longer than {LONGEST_TITLE} characters")
            return made
        if not self._holds(f"{where} title", title, both, days, title=True):
            return made
        if not self._holds(f"{where} description", description, both, days):
            return made.evolve(title=title)
        return made.evolve(title=title, description=description, sources=both)

    def _suggestion(self, where: str, number: int, item: WrittenItem) -> PlannedItem | None:
        """What the model adds of its own: marked as that, without a day, and under the same rules but for quotes."""
        title, description = item.title.strip(), item.description.strip()
        if not title or len(title) > LONGEST_TITLE or len(description) > LONGEST_LINE:
            self._fault(where, "a suggestion has a short title and a short description")
            return None
        both = f"{title}. {description}"
        faults = self._grounds.faults_of_suggestion(both)
        if not in_language([both], self._grounds.lexicon, self._grounds.said):
            faults.append("it is in another language")
        if faults:
            self._fault(where, *faults)
            return None
        priority = _priority(item.priority)
        return PlannedItem(number=number, title=title, description=description, priority=priority, suggested=True)

    def _milestones(
        self, where: str, written: list[WrittenMilestone], due: date | None
    ) -> tuple[PlannedMilestone, ...]:
        """In-between steps that the coachee named: their days are read by code, and lie before the item's own."""
        kept = []
        for i, one in enumerate(written[:MOST_MILESTONES]):
            here, title = f"{where} milestone {i + 1}", one.title.strip()
            sources = self._sources(here, one.sources)
            if len(title) > LONGEST_TITLE or not self._holds(here, title, sources, title=True):
                continue
            day = None
            if when := one.when.strip():
                said_in = [s.turn for s in sources if self._grounds.citation(s.turn, when)]
                if said_in:
                    day = self._day_of(when, self._grounds.turns[said_in[0]].said_on)
                else:
                    self._fault(here, f"{short(when, 40)!r} is not in the turns it cites")
            if day is not None and not self._material.begun_on <= day <= (due or day):
                day = None
            kept.append(PlannedMilestone(title=title, due=day, sources=sources))
        return tuple(kept)


def _joined(first: tuple[Citation, ...], then: tuple[Citation, ...]) -> tuple[Citation, ...]:
    return tuple(dict.fromkeys((*first, *then)))


def _priority(written: int | str) -> int:
    """1 to 5, whether it came as a number, as digits or as a word; 3 where it is none of these."""
    if isinstance(written, str):
        word = written.strip().casefold()
        if word in PRIORITIES:
            return PRIORITIES[word]
        if not (word.isascii() and word.isdigit() and len(word) < 3):
            return MIDDLE_PRIORITY
        written = int(word)
    return written if 1 <= written <= 5 else MIDDLE_PRIORITY


def _clean(value: Any) -> Any:
    """JSON without what no message can hold (control characters, halves of surrogate pairs) or what would hide there:
    marks of direction, digits drawn small or in circles."""
    if isinstance(value, str):
        kept = "".join(c for c in value if c in JOINERS or unicodedata.category(c) not in ("Cc", "Cs", "Cf"))
        return " ".join(unicodedata.normalize("NFKC", kept).split())
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return value
