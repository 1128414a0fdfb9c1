"""The plain writer: the coachee's own answers, put in order. No model takes part and nothing is inferred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flows.documents import (
    LONGEST_TITLE,
    Citation,
    Document,
    Material,
    Metric,
    PlannedItem,
    Reason,
    Said,
    SaidTurn,
    iso_day,
    short,
)

MEASURED = (
    "topic",
    "topic_clarify",
    "topic_clarify_again",
    "measurable",
    "current_state_rating",
    "goal_statement",
    "time_bound",
    "next_check_in",
    "next_session",
)
"""The steps whose answers the first metric is made of."""
LONGEST_QUOTE = 120
"""Characters of an answer inside a line: a summary is read on a phone, and each line opens to all of its words."""
Words = Callable[..., str]
"""Renders a text of the catalogue, by key and arguments, in the coachee's language."""


def plainly(material: Material, words: Words, *, reason: Reason | None = None) -> Document:
    """The summary without a model. `reason`: why it had to be, where there is one."""
    return _Plain(material, words).document(reason)


class _Plain:
    """The lines of one session, each with the turn it is made of."""

    def __init__(self, material: Material, words: Words) -> None:
        self._material, self._words = material, words

    def document(self, reason: Reason | None) -> Document:
        """All of it."""
        of, steps = self._material.of, self._material.steps
        goal = Said(text=_said(of(4, "goal_statement")), sources=self._sources("goal_statement"))
        start = [
            *self._line("topic", of(2, "topic"), "topic", "topic_clarify", "topic_clarify_again"),
            *self._line("problem", of(2, "problem_statement"), "problem_statement"),
            *self._line("rating", of(2, "current_state_rating"), "current_state_rating"),
            *self._line("correction", of(2, "correction"), "starting_correction"),
            *self._line("vision", of(3, "future_vision"), "future_vision"),
        ]
        if steps:
            text = self._words("plain.steps", count=len(steps), goal=goal.text)
            start.append(Said(text=text, sources=(*goal.sources, *self._sources("step_what", "adjust_what"))))
        start += [
            *self._line("commitment", of(4, "commitment_level"), "commitment_level"),
            *self._line("confidence", of(4, "confidence_level"), "confidence_level"),
        ]
        insights = [
            *self._line("insight", of(3, "insights"), "option_insights"),
            *self._line("learning", of(5, "key_learnings"), "key_learnings"),
            *self._line("insight", of(5, "insights"), "session_insights"),
            *self._line("assumption", of(3, "assumptions"), "assumptions"),
        ]
        support = [
            *self._line("accountable", of(4, "accountability_method"), "accountability_method"),
            *self._line("resources", of(3, "resources"), "support"),
            *self._line("obstacle", of(4, "obstacles"), "step_obstacles"),
            *self._line("contingency", of(4, "contingency_plans"), "contingency_plans"),
            *self._dated("check_in", of(4, "next_check_in"), "next_check_in", "next_check_in_check"),
        ]
        return Document(
            theme=short(_said(of(2, "topic")), 60),
            executive_summary=tuple(start),
            key_insights=tuple(insights),
            goal_statement=goal,
            action_plan=tuple(self._item(number, step) for number, step in enumerate(steps, 1)),
            success_metrics=self._metrics(),
            support=tuple(support),
            writer="plain",
            reason=reason,
            turns=tuple(turn.n for turn in self._material.turns),
            day=self._material.begun_on,
            goal=of(4, "goal_statement") or "",
            smart=dict(of(4, "smart") or {}),
        )

    def _metrics(self) -> tuple[Metric, ...]:
        """What is measured: the coachee's own measure from the rating they started at, and the steps themselves."""
        of, words, steps = self._material.of, self._words, self._material.steps
        smart = of(4, "smart") or {}
        rating, by = of(2, "current_state_rating"), iso_day(smart.get("time_bound"))
        seen_again = iso_day(of(4, "next_check_in")) or iso_day(of(5, "next_session"))
        goal = _said(of(4, "goal_statement"))
        metrics = []
        if smart.get("measurable"):
            again = words("metric.rate_again", day=seen_again) if seen_again else words("metric.rate_again.undated")
            metrics.append(
                Metric(
                    what=_said(of(2, "topic")),
                    baseline=words("metric.rating", said=_said(rating)) if rating is not None else "",
                    target=words("metric.goal_by", goal=goal, day=by) if by else goal,
                    how=f"{_said(smart['measurable'])} · {again}",
                    sources=self._sources(*MEASURED),
                )
            )
        if steps:
            last = max((day for step in steps if (day := iso_day(step.get("by_when")))), default=None)
            count = len(steps)
            metrics.append(
                Metric(
                    what=words("metric.steps"),
                    baseline=words("metric.steps_done", done=0, all=count),
                    target=words("metric.steps_by", all=count, day=last) if last else words("metric.steps_all"),
                    how=words("metric.steps_how"),
                    sources=self._sources("step_what", "adjust_what", "step_when", "adjust_when"),
                )
            )
        if (clarity := of(5, "clarity_level")) is not None:
            metrics.append(
                Metric(
                    what=words("metric.clarity"),
                    baseline=words("metric.rating", said=_said(clarity)),
                    target=words("metric.clarity_target", said=_said(clarity)),
                    how=words("metric.clarity_how"),
                    sources=self._sources("clarity_level"),
                )
            )
        return tuple(metrics)

    def _item(self, number: int, step: dict[str, Any]) -> PlannedItem:
        index = next(i for i, one in enumerate(self._material.of(4, "action_steps")) if one is step)
        named = [self._material.turn("step_what", "adjust_what", index=index)]
        more = (("step_with", "with_what"), ("step_who", "who"))
        named += [self._material.turn(name, index=index) for name, key in more if step.get(key)]
        return PlannedItem(
            number=number,
            title=short(step["what"], LONGEST_TITLE),
            description=" ".join(
                self._words(f"plain.{key}", said=_said(step[key])) for key in ("with_what", "who") if step.get(key)
            ),
            due=iso_day(step.get("by_when")),
            sources=tuple(_whole(turn) for turn in named if turn and turn.text),
        )

    def _line(self, key: str, value: Any, *steps: str) -> list[Said]:
        if value in (None, "", []):
            return []
        return [Said(text=self._words(f"plain.{key}", said=_said(value)), sources=self._sources(*steps))]

    def _dated(self, key: str, value: Any, *steps: str) -> list[Said]:
        day = iso_day(value)
        return [Said(text=self._words(f"plain.{key}", day=day), sources=self._sources(*steps))] if day else []

    def _sources(self, *steps: str) -> tuple[Citation, ...]:
        """The turns that answered these steps, in their order; of a list's rounds, each."""
        newest = {(turn.step, turn.index): turn for turn in self._material.turns if turn.step in steps and turn.text}
        return tuple(_whole(turn) for turn in newest.values())


def in_own_words(material: Material) -> Document:
    """The plan in nothing but the coachee's words, before there is a summary. Its other lines are empty."""
    return _Plain(material, lambda key, **args: "").document(None)


def _whole(turn: SaidTurn) -> Citation:
    return Citation(turn=turn.n, quote=turn.text, about=turn.step)


def _said(value: Any) -> str:
    """A coachee's words inside a sentence of ours: one line, no full stop at the end, cut if very long."""
    return short(str(value), LONGEST_QUOTE).rstrip(".") if value is not None else ""
