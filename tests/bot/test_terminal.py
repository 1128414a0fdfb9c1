"""The terminal: what a typed line means, and a conversation from its first line to the next start."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from bot.perform import Refused
from bot.render import Button
from bot.service import CannotServeError
from bot.settings import Settings
from bot.terminal import CHAT, TerminalMessenger, chat, events_of
from flows.events import ButtonPressed, CommandSent, Sender, TextSent
from tests.playbook import Play

MIRA = Sender(name="Mira")
YES_NO = (Button(text="Yes", data="a:1:yes"), Button(text="No", data="a:1:no"))
SEVERAL = (
    Button(text="calm", data="a:1:calm"),
    Button(text="sad", data="a:1:sad"),
    Button(text="Ok", data="a:1:that_is_it"),
)


async def play(tmp_path: Path, lines: str) -> str:
    """What is printed while these lines are typed."""
    script = tmp_path / "script.txt"
    script.write_text(lines)
    printed = io.StringIO()
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/chat.db")
    await chat(settings, script, Console(file=printed, width=150, highlight=False))
    return printed.getvalue()


@pytest.mark.parametrize(
    ("line", "buttons", "data"),
    [
        ("1", YES_NO, ["a:1:yes"]),
        ("2", YES_NO, ["a:1:no"]),
        ("1 2", SEVERAL, ["a:1:calm", "a:1:sad", "a:1:that_is_it"]),
        ("2,1", SEVERAL, ["a:1:sad", "a:1:calm", "a:1:that_is_it"]),
        ("3", SEVERAL, ["a:1:that_is_it"]),
    ],
)
def test_numbers_press_buttons(line: str, buttons: tuple[Button, ...], data: list[str]) -> None:
    """A number is the button in that place; several mark and confirm."""
    events = events_of(line, buttons, MIRA)
    assert [event.data for event in events if isinstance(event, ButtonPressed)] == data


@pytest.mark.parametrize(
    ("line", "buttons"), [("3", YES_NO), ("0", YES_NO), ("7", ()), ("yes", YES_NO), ("1st", YES_NO)]
)
def test_anything_else_is_words(line: str, buttons: tuple[Button, ...]) -> None:
    """A number that is on no button, and everything else, is what the person says."""
    [event] = events_of(line, buttons, MIRA)
    assert isinstance(event, TextSent)
    assert event.text == line


@pytest.mark.parametrize(("line", "name"), [("/pause", "pause"), ("back", "back"), ("/timezone Berlin", "timezone")])
def test_commands(line: str, name: str) -> None:
    """Slashes and the words of the controls are commands."""
    [event] = events_of(line, (), MIRA)
    assert isinstance(event, CommandSent)
    assert event.name == name


async def test_the_next_start_goes_on(tmp_path: Path) -> None:
    """Leaving in the middle and starting again puts the very question that was open."""
    first = await play(tmp_path, "7\ncalm\n")
    assert "How ready are you to look at something today" in first
    second = await play(tmp_path, "8\nquit\n9\n")
    assert "We are at step 1 of 5, Check in. Here is the question that was open." in second
    assert "Shall we begin?" in second
    assert "> 9" not in second, "quit ends the script"


async def test_a_card_does_not_take_the_questions_numbers(tmp_path: Path) -> None:
    """After a card was used, numbers mean the open question's buttons again."""
    printed = await play(tmp_path, "/timezone\n5\n8\n")
    assert "(Berlin)" in printed
    assert "What is it like to be you today?" in printed


async def test_markup_is_not_markup(tmp_path: Path) -> None:
    """Square brackets in words are printed as they are."""
    printed = await play(tmp_path, "7\ncalm\n8\n1\n[bold]my topic[/bold]\n8\n")
    assert 'How much does "[bold]my topic[/bold]" matter' in printed


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, which is the current one."""
    path = tmp_path / "here"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


async def test_a_file_is_written_here_and_overwrites_none(here: Path) -> None:
    """One line says where it is."""
    printed = io.StringIO()
    messenger = TerminalMessenger(Console(file=printed, width=40, highlight=False))
    (here / "waymark-3.pdf").symlink_to("nowhere")
    for content in (b"one", b"two", b"three"):
        await messenger.send_file(CHAT, "waymark.pdf", content, "[bold]Yours[/bold]\nto keep")
    names = ("waymark.pdf", "waymark-2.pdf", "waymark-4.pdf")
    assert [(here / name).read_bytes() for name in names] == [b"one", b"two", b"three"]
    assert printed.getvalue().split("\n") == [
        *("", f"{here}/waymark.pdf  [bold]Yours[/bold] to keep"),
        *("", f"{here}/waymark-2.pdf  [bold]Yours[/bold] to keep"),
        *("", f"{here}/waymark-4.pdf  [bold]Yours[/bold] to keep", ""),
    ]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../a.pdf", "a.pdf"),
        ("/etc/a.pdf", "etca.pdf"),
        (".a.pdf", "a.pdf"),
        ("..", "file"),
        ("ا 1.pdf", "ا1.pdf"),
    ],
)
async def test_a_file_stays_here(here: Path, name: str, kept: str) -> None:
    """Whatever it is called."""
    await TerminalMessenger(Console(file=io.StringIO())).send_file(CHAT, name, b"a", "")
    assert os.listdir(here) == [kept]


async def test_a_file_that_cannot_be_written_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full, or the directory is somebody else's."""

    def full(*_args: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bot.terminal.written", full)
    with pytest.raises(Refused):
        await TerminalMessenger(Console(file=io.StringIO())).send_file(CHAT, "a.pdf", b"a", "")


async def test_a_bots_database_is_refused(tmp_path: Path) -> None:
    """Other people's reminders must not come to a terminal."""
    async with Play(f"sqlite:///{tmp_path}/chat.db") as stage:
        await stage.coachee().says("/start")
    with pytest.raises(CannotServeError, match="keeps the conversations of a bot"):
        await play(tmp_path, "7\n")


async def test_the_first_run(tmp_path: Path) -> None:
    """Who is asked who they are answers with the numbers of buttons, or in words."""
    script = tmp_path / "script.txt"
    script.write_text("1\nBerlin\n1\n1\n1990\n")
    printed = io.StringIO()
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/chat.db")
    await chat(settings, script, Console(file=printed, width=150, highlight=False), first_run=True)
    for words in (
        "Which language",
        "Place: Berlin",
        "Is that your time?",
        "I am a machine.",
        "Born in 1990",
        "[1] Start",
    ):
        assert words in printed.getvalue()
