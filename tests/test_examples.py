"""What the README shows is what happens: the scripts are played, and its excerpts are found in what they print."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import Engine, select

from bot.settings import Settings
from bot.terminal import chat
from storage import tables as t

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


async def play(database: str, name: str) -> str:
    """What `waymark chat --script` prints."""
    printed = io.StringIO()
    console = Console(file=printed, width=200, highlight=False)
    await chat(Settings(_env_file=None, database_url=database), EXAMPLES / name, console)
    return printed.getvalue()


async def test_the_two_sessions(database: str, engine: Engine) -> None:
    """Both reach the summary and the confirmed plan; the second reviews the first one's items, and they move."""
    first = await play(database, "first.txt")
    assert "Step 5 of 5 · Check out" in first
    assert first.index("Executive Summary") < first.index("Support & Accountability")
    assert first.index("Support & Accountability") < first.index("Your plan is confirmed, with 2 items.")
    with engine.connect() as connection:
        made = [row.status for row in connection.execute(select(t.action_plans))]
    assert made == ["pending", "pending"]
    second = await play(database, "second.txt")
    assert "Last time you set out to: read the page to my cousin. What happened with that?" in second
    assert "And the next one: ask Ms Kaya if i can read second." in second
    assert second.index("Executive Summary") < second.index("Support & Accountability")
    assert second.index("Support & Accountability") < second.index("Your plan is confirmed, with 1 item.")
    assert "helps me here" not in first + second, "a line of the script did not fit its question"
    with engine.connect() as connection:
        titles = {row.title: row.status for row in connection.execute(select(t.action_plans))}
        stages = {row.stage_number for row in connection.execute(select(t.stage_responses))}
    assert titles == {
        "read the page to my cousin": "in_progress",
        "ask Ms Kaya if i can read second": "completed",
        "ask my cousin to bring her": "pending",
    }
    assert stages == {1, 2, 3, 4, 5}


async def test_no_item_before_the_plan_is_confirmed(database: str, engine: Engine, tmp_path: Path) -> None:
    """The first session but for its last line: both items are kept on the card, and there is none yet."""
    script = tmp_path / "unconfirmed.txt"
    script.write_text("\n".join((EXAMPLES / "first.txt").read_text().splitlines()[:-1]))
    printed = await play(database, str(script))
    assert "Nothing of this is on your plan yet." in printed
    assert "Your plan is confirmed" not in printed
    with engine.connect() as connection:
        assert list(connection.execute(select(t.action_plans))) == []
        due = select(t.timers).where(t.timers.c.kind == "action_due")
        assert list(connection.execute(due)) == []


async def test_the_readme_shows_what_happens(tmp_path: Path) -> None:
    """Each excerpt in the README stands in the output, line by line."""
    printed = await play(f"sqlite:///{tmp_path}/readme.db", "first.txt")
    excerpts = re.findall(r"<!-- conversation -->\n```text\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(excerpts) == 2
    plain = "\n".join(line.rstrip() for line in printed.splitlines())
    for excerpt in excerpts:
        assert excerpt.strip() in plain


def test_every_setting_is_in_the_readme() -> None:
    """A setting that is not written down does not exist for an operator."""
    readme = (ROOT / "README.md").read_text()
    for name in Settings.model_fields:
        assert f"`{name.upper()}`" in readme, name


@pytest.mark.parametrize("line", (ROOT / "Procfile").read_text().splitlines())
def test_the_procfile_names_commands(line: str) -> None:
    """Each process of the Procfile is a command there is."""
    from bot.cli import app

    command = line.split("waymark ")[1]
    assert command in {info.name or (info.callback and info.callback.__name__) for info in app.registered_commands}
