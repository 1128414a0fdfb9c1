"""The language of the scripts is tested as what it tests is: a line that does not hold fails, and says where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.playbook import Play


@pytest.fixture
async def play(tmp_path: Path) -> AsyncIterator[Play]:
    """A stage."""
    async with Play(f"sqlite:///{tmp_path}/play.db") as made:
        yield made


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("coach: something never said", "no such message"),
        ("buttons: 1 | 2", "no such buttons, only"),
        ("coach said nothing", "but something came"),
        ("Mira: [11]", "Mira sees no [11], only ['1', '2'"),
        ("toast: anything", "no press was answered"),
        ("-- dance", "no such stage direction"),
    ],
)
async def test_a_line_that_does_not_hold(play: Play, line: str, why: str) -> None:
    """The failure names the line and shows what the person saw."""
    with pytest.raises(AssertionError) as failure:
        await play.script(f"Mira: /session\n{line}")
    assert f"line 2: {line}" in str(failure.value)
    assert why in str(failure.value)


async def test_messages_are_expected_in_order(play: Play) -> None:
    """A message that came before another cannot be expected after it."""
    with pytest.raises(AssertionError):
        await play.script("""
            Mira: /session
            coach: How present are you
            coach: This takes about fifteen minutes
        """)


async def test_what_came_before_the_last_words_is_past(play: Play) -> None:
    """A message is looked for among those since the person acted."""
    with pytest.raises(AssertionError):
        await play.script("""
            Mira: /session
            Mira: [7]
            coach: How present are you
        """)


async def test_time_passes_only_when_told(play: Play) -> None:
    """The clock stands, goes where it is told, and never back."""
    before = play.clock.now()
    await play.script("Mira: /session")
    assert play.clock.now() == before
    await play.script("-- 90 minutes\n-- until 2026-11-24 08:00")
    assert play.clock.now().isoformat() == "2026-11-24T07:00:00+00:00"
    play.clock.move(before)
    assert play.clock.now() > before
