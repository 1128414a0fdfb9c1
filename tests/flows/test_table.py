"""The transition table: whole, reachable, total; and the page that shows it is current."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.diagram import page
from flows.stages import EXITS, GUARDS, KEEP, ROWS, SELF, TRANSITIONS
from flows.steps import FIRST_STEP, STEPS, Pick, Stage

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_every_name_in_the_table_is_known() -> None:
    """Sources, targets, guards, detours and mending steps exist."""
    for row in TRANSITIONS:
        assert row.source in STEPS
        assert row.to is None or row.to in STEPS
        assert row.when is None or row.when in GUARDS
        assert row.returns is None or row.returns in STEPS or row.returns in (SELF, KEEP)
    for rule in EXITS:
        assert rule.holds in GUARDS
        assert STEPS[rule.mend].stage == rule.stage
    used = {row.when for row in TRANSITIONS} | {rule.holds for rule in EXITS}
    assert set(GUARDS) == used - {None}


@pytest.mark.parametrize("name", STEPS)
def test_every_step_has_a_way_on(name: str) -> None:
    """The last row of a step, and only that, has no guard."""
    rows = ROWS[name]
    assert rows
    assert [row.when is None for row in rows] == [False] * (len(rows) - 1) + [True]


def test_every_step_can_be_reached_and_left() -> None:
    """From the first step every step can be reached, and from every step the end."""
    ways = {name: {row.to for row in ROWS[name]} for name in STEPS}
    reached, frontier = {FIRST_STEP}, [FIRST_STEP]
    while frontier:
        for to in ways[frontier.pop()]:
            if to is not None and to not in reached:
                reached.add(to)
                frontier.append(to)
    assert reached == set(STEPS)
    ending: set[str | None] = {None}
    while more := {name for name in STEPS if name not in ending and ways[name] & ending}:
        ending |= more
    assert ending == {None, *STEPS}


def test_stages_follow_each_other() -> None:
    """The straight way never goes to an earlier stage, nor over one; only a change of the plan goes back."""
    for row in TRANSITIONS:
        if row.to is not None and row.to != "change_what" and row.source != "change_what":
            assert STEPS[row.to].stage - STEPS[row.source].stage in (0, 1)


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_has_an_exit(stage: Stage) -> None:
    """Each stage is left on a condition."""
    assert any(rule.stage == stage for rule in EXITS)


def test_guards_on_a_choice_name_one_that_is_offered() -> None:
    """Options are distinct, so that a code means one thing at a step."""
    for step in STEPS.values():
        if isinstance(step.takes, Pick):
            assert len(set(step.takes.options)) == len(step.takes.options) >= 1


def test_the_page_in_docs_is_current() -> None:
    """docs/conversation.md is what `make docs` would write."""
    assert (DOCS / "conversation.md").read_text(encoding="utf-8") == page()
