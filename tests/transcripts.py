"""A whole session in each language, as Mira sees it: docs/transcripts/ and, with a browser, pictures of it.

    python -m tests.transcripts             writes docs/transcripts/*.md
    python -m tests.transcripts pictures    writes docs/transcripts/*.png, by the Chromium on this machine

The conversation is the product's, on a database of its own, in virtual time; only what Mira says is given
(`tests/mira/`, `tests/coachee.py`). She is not quite present at the beginning, does not know once, and corrects the
coach once.
"""

from __future__ import annotations

import asyncio
import html
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.perform import Message
from bot.texts import language_of, right_to_left
from flows.menu import LANGUAGES
from tests.coachee import ANSWERS, conversation, session, step
from tests.playbook import Coachee, Play, Screens

DOCS = Path(__file__).parent.parent / "docs" / "transcripts"
MIRA = Path(__file__).parent / "mira"
PICTURED = ("en", "ar")
NAMES = {"en": "English", "es": "Spanish", "hi": "Hindi", "ar": "Arabic"}
ENGLISH: dict[str, Any] = {
    **{name: said for name, said in ANSWERS.items() if not said.startswith("[")},
    "option": ["look at one friendly face", "ask to read second", "practise the page at home"],
    "time_bound": "next friday",
    "idk": "idk",
}
CODES: dict[str, list[str]] = {
    "presence_level": ["4"],
    "settling_offer": ["settle"],
    "presence_again": ["7"],
    "readiness_score": ["8"],
    "ready_confirm": ["ready"],
    "topic_category": ["school"],
    "importance": ["9"],
    "current_state_rating": ["3"],
    "starting_readback": ["not_quite", "yes"],
    "energy_level": ["7"],
    "ready_to_act": ["ready"],
    "step_with": ["nothing"],
    "step_more": ["that_is_all"],
    "commitment_level": ["6"],
    "commitment_choice": ["go_on"],
    "confidence_level": ["8"],
    "next_check_in": ["2026-11-26"],
    "finish_readback": ["yes"],
    "commitments": ["yes"],
    "session_value_rating": ["9"],
    "clarity_level": ["8"],
    "feedback": ["skip"],
    "next_session": ["no_day"],
}
"""The buttons that Mira presses, by step, in order; the last one again and again. Days are read back: "right"."""


@dataclass(kw_only=True)
class Line:
    """Something on the screen: what the coach says or changes a message to, or what Mira says or presses."""

    who: str
    text: str
    rows: tuple[tuple[str, ...], ...] = ()
    bold: int = 0
    changed: bool = False


class Recorded(Screens):
    """Screens that remember what appeared on them, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []

    async def send(self, chat_id: int, message: Message, key: str | None) -> int:
        """A message appears."""
        self.lines.append(_line(message))
        return await super().send(chat_id, message, key)

    async def edit(self, chat_id: int, message_id: int, message: Message, key: str) -> None:
        """A message changes. That an answered question loses its buttons is left out, and that a bar grows."""
        if key[0] in "bd":  # the breaths, and the plan
            line = _line(message)
            line.changed = True
            self.lines.append(line)
        await super().edit(chat_id, message_id, message, key)


def _line(message: Message) -> Line:
    bold = sum(entity.length for entity in message.entities if entity.type == "bold" and entity.offset == 0)
    rows = tuple(tuple(button.text for button in row) for row in message.rows)
    return Line(who="coach", text=message.text, rows=rows, bold=bold)


async def played(language: str) -> list[Line]:
    """A session from its beginning to the summary, and to the plan that Mira confirms."""
    said = ENGLISH if language == "en" else json.loads((MIRA / f"{language}.json").read_text(encoding="utf-8"))
    said = {name: list(text) if isinstance(text, list) else [text] for name, text in said.items()}
    codes = {name: list(given) for name, given in CODES.items()}
    screens = Recorded()
    with TemporaryDirectory() as folder:
        async with Play(f"sqlite:///{folder}/mira.db", screens=screens) as play:
            mira = play.coachee("Mira", language_of(language))
            screens.lines.append(Line(who="Mira", text="/session"))
            await mira.says("/session")
            helped = False
            while (here := step(play, mira)) is not None:
                if here == "presence_again" and conversation(play, mira).holding:
                    await play.script("-- 1 minute")
                    continue
                if here.endswith("_check") or here in codes:
                    given = codes.get(here, ["right"])
                    await _press(mira, screens, given.pop(0) if len(given) > 1 else given[0])
                    continue
                if here == "option" and not helped and session(play, mira).position.index == 1:  # type: ignore[union-attr]
                    helped, words = True, said["idk"][0]
                else:
                    words = said[here].pop(0) if len(said[here]) > 1 else said[here][0]
                screens.lines.append(Line(who="Mira", text=words))
                await mira.says(words)
            while (plan := conversation(play, mira).plan) is not None:
                await _press(mira, screens, "confirm" if plan.at is None else "keep")
    return screens.lines


async def _press(mira: Coachee, screens: Recorded, code: str) -> None:
    """Press the button of a code, in whatever language it is."""
    shown = mira.newest_with_buttons()
    data = next(d for d in shown.buttons.values() if d.endswith(f":{code}"))
    label = next(text for text, known in shown.buttons.items() if known == data)
    screens.lines.append(Line(who="Mira", text=f"[{label}]"))
    await mira.press_data(data)


def page(language: str, lines: list[Line]) -> str:
    """The transcript in Markdown."""
    direction = "rtl" if right_to_left(language) else "ltr"
    parts = [
        f"# A session in {NAMES[language]}",
        "",
        "Generated by `make docs` from the product itself, without a language model; a test fails when it is stale.",
        "",
        f'<div dir="{direction}">',
        "",
    ]
    for line in lines:
        if line.who == "Mira":
            parts.append(f"**Mira:** {_escaped(line.text)}")
        else:
            head = "> _(the same message)_ " if line.changed else "> "
            text = "\n> ".join(_escaped(row) + "  " if row else "" for row in line.text.split("\n"))
            buttons = "".join("\n>\n> " + " ".join(f"`[{label}]`" for label in row) for row in line.rows)
            parts.append(f"{head}{text}{buttons}")
        parts.append("")
    return "\n".join([*parts, "</div>", ""])


def _escaped(text: str) -> str:
    return html.escape(text, quote=False).replace("*", "\\*").replace("_", "\\_").replace("[", "\\[")


STYLE = """
body { margin: 0; background: #d7e3ec; width: 390px;
  font: 15px/1.35 "Noto Sans", "Noto Sans Arabic", "Noto Sans Devanagari" }
.m { margin: 5px 9px; padding: 7px 11px; border-radius: 13px; background: #fff; max-width: 300px; width: fit-content;
  white-space: pre-wrap; unicode-bidi: plaintext; text-align: start }
.me { background: #e3fcd0; margin-inline-start: auto }
.k { display: flex; gap: 4px; margin: 3px 9px; max-width: 322px }
.k span { flex: 1; background: #ffffffb0; border-radius: 8px; text-align: center; padding: 5px 2px; font-size: 13px }
"""


def drawn(language: str, lines: list[Line]) -> str:
    """A transcript as a chat on a phone, in HTML: each bubble by the direction of its first strong letter."""
    parts = [f'<!doctype html><html lang="{language}"><meta charset="utf-8"><style>{STYLE}</style><body>']
    for line in lines:
        side = "m me" if line.who == "Mira" else "m"
        bold = line.text.encode("utf-16-le")[: 2 * line.bold].decode("utf-16-le")
        rest = line.text[len(bold) :]
        parts.append(f'<div dir="auto" class="{side}"><b>{html.escape(bold)}</b>{html.escape(rest)}</div>')
        for row in line.rows:
            parts.append(
                '<div class="k">' + "".join(f'<span dir="auto">{html.escape(b)}</span>' for b in row) + "</div>"
            )
    return "".join([*parts, "</body></html>"])


def _photographed(language: str, lines: list[Line], browser: str) -> None:
    """A picture of a transcript's first screens."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "chat.html"
        file.write_text(drawn(language, lines), encoding="utf-8")
        subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *("--window-size=390,2600", f"--screenshot={DOCS / f'{language}.png'}", file.as_uri()),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )


def main(pictures: bool) -> None:
    """Write what is asked for."""
    DOCS.mkdir(parents=True, exist_ok=True)
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if pictures and browser is None:
        sys.exit("no Chromium on this machine")
    for language in PICTURED if pictures else LANGUAGES:
        lines = asyncio.run(played(language))
        if pictures and browser:
            _photographed(language, lines, browser)
        else:
            (DOCS / f"{language}.md").write_text(page(language, lines), encoding="utf-8")


if __name__ == "__main__":
    main("pictures" in sys.argv[1:])
