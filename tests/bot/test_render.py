"""Screens as messages: styles in Telegram's own units, nothing lost by splitting, words of a person only ever words.

And the catalogue: every text that the product can name is in it, and all that is in it is used.
"""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import render, texts
from bot.parse import CONTROLS, said
from bot.render import CONTROLS as KEYBOARDS
from bot.render import LONGEST, LONGEST_CAPTION, SHORT_LABEL, File, Message, file, messages, settled, units
from bot.texts import LOCALES, isolated, languages, words
from flows import hours, planning, planning_cards, session_history, session_life, session_news, session_record
from flows.answers import SEVERAL_DONE
from flows.asking import UNCHANGED
from flows.cards import CHANGING, UNNAMED
from flows.changes import ActionStatus
from flows.diary import (
    Absent,
    CalendarState,
    CallOutcome,
    ConsentStatus,
    Decider,
    ResourceKind,
    Silence,
    Status,
)
from flows.documents import Reason
from flows.drafts import ASKING
from flows.effects import (
    Acknowledge,
    CancelTimer,
    Choice,
    Edit,
    Line,
    RequestReflection,
    RequestSummary,
    RequestTranscript,
    Say,
    Screen,
    SendFile,
    SetTimer,
    Text,
)
from flows.events import CommandSent, Sender, TranscriptFailed
from flows.life import MOVES
from flows.lookback import CHOSEN
from flows.menu import ACTS, LANGUAGES, VIEWS
from flows.moments import reason_of
from flows.notices import ABOUT_OTHERS
from flows.notices import KINDS as NOTICES
from flows.people import AUDIENCES, KINDS, ROLES, Standing, TieKind
from flows.plans import ITEM_CODES, REMINDERS
from flows.privacy import ACTS as PRIVACY
from flows.questions import BANK, CHECK
from flows.rights import commands_of
from flows.settling import PHASES
from flows.state import Chat, Decision, Person
from flows.steps import STEPS, Pick, Scale, Stage
from flows.walk import READ_BACK
from tests.servers.bot_api_checks import check_text

ROOT = Path(__file__).parents[2]
START = datetime(2026, 11, 23, 16, 5, tzinfo=UTC)
FAMILY = "👩‍👩‍👧"
FLAG = "🏳️‍🌈"
APART, END = "\u2068", "\u2069"
"""Around words that are written the other way than the text they stand in."""
MARKS = "\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d\u202e"
"""What changes the way in which text is written."""
MARKUP = (
    "*bold* _it_ `code`",
    "<b>bold</b> &amp;",
    "[a](tg://user?id=1)",
    "{name} {count} {0} {name.__class__}",
    "%s %(name)s %",
    "$name ${name}",
    "{",
    "}}{{",
    "\\n \\",
    "@everyone /start #tag https://example.org",
    "\u202e RTL override, שלום, مرحبا",
)


def shown(screen: Screen) -> Message:
    """The one message that a screen is."""
    [message] = messages(screen, "en")
    return message


def lines(*texts: str, style: Any = "plain") -> Screen:
    return Screen(lines=tuple(Line(text=text, style=style) for text in texts))


def styled(message: Message) -> list[tuple[str, str]]:
    """The styled stretches of a message, cut out as Telegram does: by UTF-16 units."""
    raw = message.text.encode("utf-16-le")
    return [(e.type, raw[2 * e.offset : 2 * (e.offset + e.length)].decode("utf-16-le")) for e in message.entities]


def text_of(found: list[Message]) -> str:
    """All that messages say, without white space."""
    return "".join("".join(message.text for message in found).split())


# ---- styles


def test_styles_are_where_they_belong_behind_symbols_of_two_units() -> None:
    screen = Screen(
        lines=(
            Line(text=f"{FAMILY} plain 𝔘"),
            Line(text=f"bold {FLAG}", style="bold"),
            Line(text=f"{FAMILY}"),
            Line(text=f"quoted {FAMILY} words", style="quote"),
            Line(text="quoted too", style="quote"),
            Line(text="end 👍🏽"),
        )
    )
    assert styled(shown(screen)) == [
        ("bold", f"bold {FLAG}"),
        ("blockquote", f"quoted {FAMILY} words"),
        ("blockquote", "quoted too"),
    ]


some_words = st.text(
    st.one_of(st.sampled_from("ab .\n👍🏽‍שé"), st.characters(exclude_categories=["Cs", "Cc"])),
    min_size=1,
    max_size=40,
)
some_lines = st.lists(st.tuples(some_words, st.sampled_from(["plain", "bold", "quote"])), min_size=1, max_size=6)


@given(some_lines)
def test_whatever_is_said_each_style_covers_its_line_and_telegram_accepts_it(said: list[tuple[str, Any]]) -> None:
    screen = Screen(lines=tuple(Line(text=text, style=style) for text, style in said))
    message = shown(screen)
    wanted = [(render.STYLES[style], text.strip() or "…") for text, style in said if style != "plain"]
    assert styled(message) == wanted
    entities = msgspec.to_builtins(message.entities)
    accepted, _ = check_text(message.text, list(entities), None)
    assert accepted


def test_a_line_of_nothing_is_not_nothing() -> None:
    """Telegram refuses an empty message."""
    assert shown(lines(" \n ")).text == "…"


# ---- splitting


@pytest.fixture
def no_endless_cutting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that is cut for ever fails here, and does not hang."""
    left = iter(range(100_000))

    def counting(text: str) -> int:
        if next(left, None) is None:
            raise AssertionError("cut for ever")
        return units(text)

    monkeypatch.setattr(render, "units", counting)


@pytest.mark.parametrize(
    "text",
    [
        "word " * 5000,
        "x" * 10_000,
        "👍" * 2048,
        "👍" * 2049,
        "👍" * 5000,
        "x" + "👍" * 5000,
        f"{FAMILY} " * 3000,
        "x" * 4095 + "👍",
        "x" * 4096,
        "x" * 4097,
        "long line\n" * 2000,
        " " * 9000 + "end",
    ],
    ids=lambda text: f"{text[:6]!r} {len(text)}",
)
@pytest.mark.usefixtures("no_endless_cutting")
def test_a_long_text_is_several_messages_none_too_long_and_no_character_lost(text: str) -> None:
    found = messages(lines(text), "en")
    assert all(0 < units(message.text) <= LONGEST for message in found)
    assert text_of(found) == "".join(text.split())
    assert len(found) <= 2 + 2 * units(text) // LONGEST


@given(
    st.lists(st.tuples(st.sampled_from(["a", "👍", "word ", "é\n"]), st.integers(1, 3000)), min_size=1, max_size=5)
)
def test_however_long_the_lines_nothing_is_lost(said: list[tuple[str, int]]) -> None:
    texts = [piece * times for piece, times in said]
    found = messages(lines(*texts, style="bold"), "en")
    assert all(0 < units(message.text) <= LONGEST for message in found)
    assert text_of(found) == "".join("".join(texts).split())
    for message in found:
        assert "".join("".join(text for _, text in styled(message)).split()) == "".join(message.text.split())


def test_lines_that_fit_together_to_the_last_unit_are_one_message() -> None:
    assert len(messages(lines("x" * 2000, "y" * 2094), "en")) == 1
    assert len(messages(lines("x" * 2000, "y" * 2095), "en")) == 2


def test_words_are_not_cut_apart() -> None:
    found = messages(lines("wonderful " * 1000), "en")
    assert {word for message in found for word in message.text.split()} == {"wonderful"}


def test_the_buttons_are_under_the_last_part_and_an_edit_finds_that_part() -> None:
    screen = Screen(lines=(Line(text="x" * 5000),), choices=(Choice(data="a:1:yes", label="Yes"),))
    first, last = settled(Decision(chat=Chat(chat_id=1), effects=(Say(screen=screen, key="q1"),))).outgoing
    assert (first.key, msgspec.convert(first.payload, Message).rows) == (None, ())
    assert (last.key, msgspec.convert(last.payload, Message).rows[0][0].text) == ("q1", "Yes")


# ---- a person's words


@pytest.mark.parametrize("said", MARKUP)
def test_a_persons_words_stay_as_they_are(said: str) -> None:
    """Those that could scramble the text around them are set apart, and are the same words still."""
    person = Text(key="answer.chosen", args={"answer": said})
    nested = Text(key="stage.header", args={"n": 1, "name": person})
    message = shown(Screen(lines=(Line(text=said), Line(text=person), Line(text=nested))))
    apart = said if said.isascii() else f"{APART}{said}{END}"
    twice = f"→ {apart}" if said.isascii() else f"{APART}→ {apart}{END}"
    assert message.text == f"{said}\n\n→ {apart}\n\nStep 1 of 5 · {twice}"
    assert message.entities == ()


@pytest.mark.parametrize(
    ("language", "said", "apart"),
    [
        ("en", "Mira", False),
        ("en", "हिन्दी में", False),
        ("en", "¿qué? 7 ٧ 👍", False),
        ("en", "مرحبا", True),
        ("en", "read שלום today", True),
        ("en", "x\u202ey", True),
        ("en", "x\u2067y", True),
        ("ar", "مرحبا", False),
        ("ar", "مرحبا ٧ 7 👍 !?", False),
        ("ar", "Mira", True),
        ("ar", "हिन्दी", True),
        ("ar", "قرأت Python اليوم", True),
        ("ar", "مرحبا \u202b", True),
    ],
)
def test_words_written_the_other_way_than_the_language_are_set_apart_and_no_others(
    language: str, said: str, apart: bool
) -> None:
    found = isolated(said, language)
    assert (found.startswith(f"{APART}{said}") and found.endswith(END)) if apart else found == said


bidi = st.text(st.sampled_from("aب7 \u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d\u202e"), max_size=12)


@given(bidi, st.sampled_from(["en", "ar"]))
def test_whatever_a_person_writes_what_follows_it_stands_outside_of_it(said: str, language: str) -> None:
    """No mark of theirs reaches the coach's words."""
    depth = 0
    for char in isolated(said, language) if any(c in said for c in MARKS) else "":
        depth += (char in "\u2066\u2067\u2068") - (char == END)
        assert depth >= 0
        assert depth > 0 or char not in MARKS or char == END
    assert depth == 0


@pytest.mark.parametrize("said", ["help", "stage.1", "ask.topic", "failed"])
def test_words_that_happen_to_be_a_key_are_words(said: str) -> None:
    screen = Screen(lines=(Line(text=said),), choices=(Choice(data="x", label=said),))
    message = shown(screen)
    assert (message.text, message.rows[0][0].text) == (said, said)


@pytest.mark.parametrize("said", MARKUP)
def test_a_name_is_never_a_template(said: str) -> None:
    name = said if said.isascii() else f"{APART}{said}{END}"
    assert words(Text(key="welcome", args={"name": said}), "en").startswith(f"Hi {name}. I am Waymark")


def test_a_text_that_is_missing_is_an_error_and_not_its_key() -> None:
    with pytest.raises(KeyError, match=r"no\.such\.text"):
        words(Text(key="no.such.text"), "en")


def test_a_text_that_a_language_has_not_is_said_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody reads a line in English; without it they read nothing, and what they did is set aside."""
    there = texts.catalogue

    def without(language: str) -> gettext.NullTranslations:
        return there(language) if language == "en" else gettext.NullTranslations()

    monkeypatch.setattr(texts, "catalogue", without)
    assert words(Text(key="agenda.none"), "hi") == "No session is booked."


# ---- buttons and keyboards


@pytest.mark.parametrize(
    ("label", "seen"),
    [
        ("x" * SHORT_LABEL, "x" * SHORT_LABEL),
        ("x" * (SHORT_LABEL + 1), "x" * (SHORT_LABEL - 1) + "…"),
        ("👍" * 100, "👍" * (SHORT_LABEL - 1) + "…"),
    ],
)
def test_a_label_that_is_too_long_is_cut_and_shows_it(label: str, seen: str) -> None:
    button = shown(Screen(lines=(Line(text="?"),), choices=(Choice(data="a:1:b", label=label),))).rows[0][0]
    assert (button.text, button.data) == (seen, "a:1:b")


def test_what_is_chosen_is_marked() -> None:
    choices = (Choice(data="a:1:x", label="x", marked=True), Choice(data="a:1:y", label="y"))
    message = shown(Screen(lines=(Line(text="?"),), choices=choices, per_row=2))
    assert [[button.text for button in row] for row in message.rows] == [["✓ x", "y"]]


@pytest.mark.parametrize(("per_row", "rows"), [(1, [1] * 5), (2, [2, 2, 1]), (3, [3, 2]), (5, [5]), (9, [5])])
def test_so_many_buttons_stand_side_by_side(per_row: int, rows: list[int]) -> None:
    choices = tuple(Choice(data=str(n), label=str(n)) for n in range(5))
    message = shown(Screen(lines=(Line(text="?"),), choices=choices, per_row=per_row))
    assert [len(row) for row in message.rows] == rows


WALK = (("« Back", "Skip", "Why?"), ("My answers", "Pause", "Menu"))


@pytest.mark.parametrize(("keyboard", "seen"), [(None, None), ("rest", ()), ("walk", WALK)])
def test_the_keyboard_below_the_chat(keyboard: Any, seen: Any) -> None:
    """None leaves it as it is; nothing takes it away."""
    assert shown(Screen(lines=(Line(text="?"),), keyboard=keyboard)).keyboard == seen


def test_every_key_of_the_keyboard_is_understood_when_it_is_pressed() -> None:
    """A client sends the words that are on the key."""
    pressed = [said(UUID(int=1), 1, Sender(name="Mira", vouched=True), word) for row in WALK for word in row]
    commands = [event.name for event in pressed if isinstance(event, CommandSent)]
    assert commands == ["back", "skip", "why", "answers", "pause", "start"]


# ---- decisions


def test_every_effect_of_a_decision_leaves_by_its_own_way() -> None:
    session, moment = UUID(int=1), date(2026, 11, 27)
    timer = SetTimer(key="t", kind="check_in", subject=session, due_at=START)
    person = Person(user_id=session, name="Mira")
    plan = Screen(lines=(Line(text=Text(key="plan.step", args={"what": "call", "day": moment})),))
    done = settled(
        Decision(
            chat=Chat(chat_id=7, person=person),
            effects=(
                Acknowledge(press_id="p", text=Text(key="toast.answered")),
                Say(screen=plan, key="q1"),
                timer,
                Edit(screen=plan, key="q1"),
                RequestSummary(session_id=session, attempt=2),
                RequestReflection(number=4),
                RequestTranscript(file_id="voice 1", kind="voice", language="ar", source=55, step="topic"),
                SendFile(name="waymark-1", title=Text(key="readback.begin"), lines=plan.lines, caption="Yours"),
                CancelTimer(key="t"),
            ),
        )
    )
    assert [(o.kind, o.key, o.chat_id) for o in done.outgoing] == [
        ("say", "q1", 7),
        ("edit", "q1", 7),
        ("request_summary", None, 7),
        ("reflect", None, 7),
        ("transcribe", None, 7),
        ("file", None, 7),
    ]
    assert done.outgoing[0].payload["text"] == "• call: Friday 27 November"
    assert done.outgoing[2].payload == {"session_id": str(session), "attempt": 2, "writer": "model"}
    assert done.outgoing[3].payload == {"number": 4}
    asked = done.outgoing[4].payload
    assert msgspec.convert(asked, RequestTranscript).source == 55
    assert (asked["file_id"], asked["step"]) == ("voice 1", "topic")
    assert done.outgoing[5].payload == {
        "name": "waymark-1",
        "title": "Let me see if I have it.",
        "language": "en",
        "lines": (("• call: Friday 27 November", "plain"),),
        "caption": "Yours",
    }
    assert done.timers == (timer, CancelTimer(key="t"))
    assert [press.text for press in done.passing] == ["That question is answered already."]


def test_several_texts_of_a_line_follow_each_other_as_one_paragraph() -> None:
    said = (Text(key="readback.begin"), Text(key="readback.topic", args={"said": "maths"}))
    assert shown(Screen(lines=(Line(text=said),))).text == "Let me see if I have it. It is about: maths."


@given(some_lines)
def test_what_the_outbox_keeps_is_read_back_as_the_same_message(said: list[tuple[str, Any]]) -> None:
    message = shown(Screen(lines=tuple(Line(text=text, style=style) for text, style in said), keyboard="walk"))
    kept = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(message)))
    assert msgspec.convert(kept, Message) == message


# ---- files


@given(some_lines, st.sampled_from(languages()))
def test_a_files_lines_are_those_of_a_message(said: list[tuple[str, Any]], language: str) -> None:
    lines = tuple(Line(text=text, style=style) for text, style in said)
    shown_lines = [messages(Screen(lines=(line,)), language)[0].text for line in lines]
    made = file(SendFile(name="a", title="b", lines=lines), language)
    assert [text for text, _ in made.lines] == shown_lines
    assert [style for _, style in made.lines] == [style for _, style in said]
    kept = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(made)))
    assert msgspec.convert(kept, File) == made


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("waymark-2026-11-23", "waymark-2026-11-23"),
        ("../../etc/passwd", "etc-passwd"),
        ('a"; filename="b\r\n\r\nc', "a-filename-b-c"),
        ("مرحبا", "مرحبا"),
        ("a" * 300, "a" * 60),
        ("..", "waymark"),
        ("", "waymark"),
    ],
)
def test_a_files_name_is_one_everywhere(name: str, kept: str) -> None:
    assert file(SendFile(name=name, title="b", lines=()), "en").name == kept


@pytest.mark.parametrize("char", ["a", FAMILY, "मि"])
def test_a_caption_is_cut_to_what_telegram_takes(char: str) -> None:
    for number in (1024 // units(char), 1024 // units(char) + 1, 5000):
        caption = file(SendFile(name="a", title="b", lines=(), caption=char * number), "en").caption
        check_text(caption, None, longest=LONGEST_CAPTION)
        assert units(caption) > LONGEST_CAPTION - 10
        assert (caption == char * number) == (units(char) * number <= LONGEST_CAPTION)


# ---- the catalogue


def literals(*packages: str) -> set[str]:
    """Every string that is written in the sources of packages."""
    sources = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    return {
        node.value
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def named_by_steps() -> Iterator[str]:
    """Keys that `flows` makes from its table of steps and from the question bank."""
    for family, wordings in BANK.items():
        yield from (f"ask.{family}.{number}" for number in range(1, len(wordings) + 1))
    yield f"ask.{CHECK}"
    for name, step in STEPS.items():
        kind = "check" if name.endswith("_check") else name
        yield f"why.{reason_of(step)}"
        if name in CHOSEN or not isinstance(step.takes, Pick):
            yield f"about.{name}"
        if name != "which_step":  # its choices are the coachee's steps
            yield from (f"choice.{kind}.{code}" for code in codes(name))
    yield from (f"choice.{code}" for code in (SEVERAL_DONE, UNCHANGED))
    for stage in Stage:
        yield from (f"stage.{int(stage)}", f"stage.{int(stage)}.opening", f"unsure.{int(stage)}")
    yield "stage.1.opening.again"


def codes(step: str) -> tuple[str, ...]:
    """The codes of a step's choices."""
    takes = STEPS[step].takes
    return () if isinstance(takes, Scale) else (*getattr(takes, "options", ()), *getattr(takes, "instead", ()))


def named_otherwise() -> Iterator[str]:
    """Other keys that are put together."""
    yield from (f"command.{name}" for name in commands_of(("coachee", "coach", "parent", "operator")))
    yield from (f"words.{name}" for name in CONTROLS)
    yield from (key for rows in KEYBOARDS.values() for row in rows for key in row)
    yield from (f"session.{how}{more}" for how in ("paused", "stopped") for more in ("", ".next"))
    yield from (f"item.{code}" for code in ITEM_CODES)
    yield from (f"button.{'menu' if view == 'home' else view}" for view in (*VIEWS, *ACTS))
    yield from (f"remind.{kind}" for kind in REMINDERS)
    yield from (f"toast.{unfit}" for unfit in unfit_keys() if unfit not in ("unfit.words", "unfit.long"))
    yield from (f"summary.item{how}{when}" for how in ("", ".short") for when in ("", ".undated"))
    sections = ("executive_summary", "key_insights", "goal_statement", "action_plan", "success_metrics", "support")
    yield from (f"summary.{section}" for section in sections)
    yield from (f"summary.{reason}" for reason in get_args(Reason))
    written = (ROOT / "flows" / "plainly.py").read_text()
    yield from (f"plain.{key}" for key in re.findall(r'self\._(?:line|dated)\("(\w+)"', written))
    yield from ("plain.with_what", "plain.who")
    yield from (f"draft.ask.{part}" for part in ASKING)
    yield from (f"draft.change.{part}" for part in (*ASKING, "clear"))
    yield from (f"language.{code}" for code in LANGUAGES)
    yield from (f"settings.model.{how}" for how in ("on", "off"))
    yield from (f"breath.{phase}" for phase, _ in PHASES)
    yield from (f"readback.{field}" for field in READ_BACK["starting_readback"][1])
    [reasons] = (field.type for field in msgspec.structs.fields(TranscriptFailed) if field.name == "reason")
    yield from (f"voice.{reason}" for reason in get_args(reasons) if reason != "unsupported")
    yield from (f"date.pattern{spec}" for spec in ("", ".short", ".year"))
    yield from (f"sharing.button.{audience}.{kind}" for audience in AUDIENCES for kind in KINDS)
    yield from (f"{start}.{kind}" for kind in KINDS for start in ("kind", "privacy.kind", "look", "button.see"))
    yield from (f"role.{role}" for role in ROLES)
    yield from (f"how.{standing}" for standing in get_args(Standing))
    yield from (f"link{forward}.{role}" for role in ROLES for forward in ("", ".forward"))
    yield from (f"look.held.{ended}" for ended in ("completed", "stopped", "open"))
    yield from (
        f"{kept}.{kind}" for kept in ("card.coach", "told.coach", "told.coachee") for kind in get_args(TieKind)
    )
    yield from (f"ask_first.{act}" for act in CHANGING if act not in ("assign", "assist", "resume", "on", "agree"))
    yield from (f"terms.{part}" for part in ("what", "who", "rights"))
    yield from (f"button.{act}" for act in ("assign", "assist", "card", "coaches", "note", *UNNAMED[:3]))
    yield from (f"button.invite.{role}" for role in ("coach", "operator"))
    yield from (f"export.audience.{audience}" for audience in AUDIENCES)
    yield from (f"export.status.{status}" for status in (*get_args(ActionStatus), "dropped"))
    yield from (f"hours.{half}" for half in ("am", "pm", "night"))
    yield from (f"invite.by.{how}" for how in ("coach", "named", "self"))
    yield from (f"invite.{answer}" for answer in ("yes", "no"))
    yield from (f"notices.{part}.{kind}" for part in ("button", "kind") for kind in (*NOTICES, ABOUT_OTHERS))
    yield from (f"notices.{how}" for how in ("on", "off"))
    yield from (f"privacy.button.{act}" for act in PRIVACY)
    yield from (f"privacy.{audience}{more}" for audience in AUDIENCES for more in ("", "_nothing"))
    yield from (f"sharing.{audience}" for audience in AUDIENCES)
    yield from named_by_sessions()
    yield from named_by_consents()
    yield from ("look.notes", "button.see.notes", "coachees.none", "family.none", "coachees.title", "family.title")


def named_by_sessions() -> Iterator[str]:
    """Keys about booked sessions that are put together."""
    absent, reasons, kinds = get_args(Absent), session_news.REASONS, get_args(ResourceKind)
    yield from (f"{start}.{who}" for who in absent for start in ("absent", "button.absent"))
    yield from (f"{start}.{why}" for why in reasons for start in ("cancel.reason", "button.cancel"))
    yield from ("button.cancel.other", "button.parents.tell", "button.parents.quiet")
    yield from (f"session.status.{status}" for status in get_args(Status))
    yield from (f"session.record.{status}" for status in ("draft", "submitted"))
    yield from (f"session.calendar.{state}" for state in get_args(CalendarState) if state != "none")
    yield from (f"session.reopen.{status}" for status, move in MOVES if move == "reopen")
    yield from (f"session.{when}.other" for when in ("soon", "time"))
    yield from (f"button.session.{act}" for act in BUTTONS)
    yield from (f"{start}.{part}" for part in session_record.PARTS for start in ("button.record", "record.ask"))
    yield from ("record.topic", "record.notes", *(f"left.{asking}" for asking in session_life.SAID))
    yield from (f"history.{act}" for act in session_history.ACTS)
    yield from (f"history.by.{part}" for part in session_history.BY)
    yield from (f"button.hours.{rule}" for rule, _ in hours.RULES.values())
    yield from (f"pick.taken.{what}" for what in TAKEN)
    yield from (f"planning.why.{what}" for what in (*TAKEN, "past"))
    yield from (f"planning.{start}.{name}" for start in ("ask", "button") for name in planning_cards.QUESTIONS)
    yield from (
        f"planning.{start}.{asking.removeprefix('plan_')}"
        for start in ("button.other", "write", "not_read")
        for asking in planning.SAID
    )
    yield from (f"resource.{kind}" for kind in kinds)
    yield from (f"{start}.{kind}" for kind in kinds for start in ("stock", "stock.ask_name", "button.stock.add"))
    yield from (f"stock.{kind}.named" for kind in kinds)
    yield from (f"button.stock.{act}" for act in ("back", "delete", "out", "rename"))
    yield from (f"stock.button.{act}" for act in ("card", "move"))
    yield from (f"told.stock.{what}.other" for what in ("at", "there"))
    yield from (f"toast.{reason}" for reason in ("not_shared", "policy"))
    yield from (f"led.sees.{seen}" for seen in ("answers", "ratings", "none"))
    not_now = ("closed", "early", "late", "nobody")
    yield from (f"toast.led.{why}" for why in not_now)
    yield from (f"led.join.{why}" for why in (*not_now, "away"))
    yield from (f"led.live.{ended}" for ended in ("completed", "stopped"))
    yield from (f"led.asked.{status}" for status in ("waiting", "put", "answered", "skipped"))
    led = ("paused", "resumed", "stopped", "completed", "completed.over", "stage_finished")
    yield from (f"told.led.{what}" for what in led)
    yield from (f"told.ask.{why}" for why in ("away", "over"))
    yield from (f"date.pattern.{part}" for part in ("name", "month", "weekday"))
    for what in ("booked", "moved", "cancelled", "undone", "missed", "reopened", "record", "coach", "resource"):
        several = ("", ".several") if what in ("booked", "undone") else ("",)
        yield from (f"told.session.{what}{other}{more}" for other in ("", ".other") for more in several)


def named_by_consents() -> Iterator[str]:
    """Keys about cancelling a session by consent that are put together."""
    decided = [status for status in get_args(ConsentStatus) if status != "open"]
    yield from (f"consent.came.{status}{more}" for status in decided for more in ("", ".you"))
    yield from (f"consent.came.{status}.no_answer" for status in ("approved", "kept"))
    yield from (f"consent.until.{silence}" for silence in get_args(Silence))
    yield from (f"consent.reported.{outcome}" for outcome in get_args(CallOutcome))
    told = ("asked", "approved", "kept", "kept.no_answer", "withdrawn", "escalated", "over")
    yield from (f"told.consent.{what}{other}" for what in told for other in ("", ".other"))
    yield from (f"{title}.own" for title in ("P26_cancellation_request", "consent.follows", "consent.closed"))
    acts = ("approve", "keep", "another", "call", "number", "withdraw", "spoke", "consent", "nowords", "nophone")
    yield from (f"button.consent.{act}" for act in acts)
    yield from (f"button.consent.report.{outcome}" for outcome in get_args(CallOutcome))
    yield from (f"cancel.asks.{decider}" for decider in get_args(Decider))
    yield from ("history.cancelled.no_answer", "history.cancel_kept.no_answer")


TAKEN = ("coach", "coachee", "resource")


BUTTONS = (
    *("agenda", "theirs", "slots", "plan", "hours", "feed", "files", "history", "brief", "join", "ask", "begin"),
    *("mine", "missed", "record", "submit", "reopen", "move", "cancel", "decisions"),
)
"""The acts whose button has the text that is named after them, besides those that are named in full."""


def unfit_keys() -> set[str]:
    return {text for text in literals("flows") if re.fullmatch(r"unfit\.[a-z_]+", text)} - {"unfit.ahead"}


def keys(language: str = "en") -> set[str]:
    """Every key of a catalogue, as the file has it."""
    written = (LOCALES / language / "LC_MESSAGES" / "waymark.po").read_text()
    return set(re.findall(r'^msgid "(.+)"$', written, re.MULTILINE))


def put_together() -> set[str]:
    return {*named_by_steps(), *named_otherwise()}


def test_every_text_that_the_tables_name_is_in_the_catalogue() -> None:
    assert put_together() - keys() == set()


def test_every_text_that_the_sources_name_is_in_the_catalogue() -> None:
    """A literal that begins as a key does is one; but for parts of keys, and the names of files."""
    families = {key.split(".")[0] for key in keys() if "." in key}
    named = {
        text
        for text in literals("flows", "bot")
        if re.fullmatch(r"[a-z_]+(\.[a-z_0-9]+)+", text) and text.split(".")[0] in families
    }
    assert named - keys() == {"voice.ogg", "zone.tab"}


def test_every_text_in_the_catalogue_is_used() -> None:
    every_code = {*(code for step in STEPS for code in codes(step)), SEVERAL_DONE, UNCHANGED}
    used = {*literals("flows", "bot"), *put_together(), *(f"also.{code}" for code in every_code)}
    assert keys() - used == set()


def test_the_tests_of_the_catalogue_would_tell_a_key_that_is_missing_and_one_that_is_not_used() -> None:
    """Also of a family that is put together: no pattern lets all of it pass."""
    for key in (
        "ask.topic.6",
        "ask.check.1",
        "ask.review_what.1",
        "ask.which_step.more.1",
        "why.topic_clarify_again",
    ):
        assert key not in put_together()
    for key in ("about.step_more", "choice.which_step.1", "choice.time_bound_check.right", "words.unknown"):
        assert key not in put_together()
    for key in ("ask.topic.5", "ask.check", "ask.review_what.done.1", "why.topic_clarify", "choice.check.right"):
        assert key in put_together()


def test_no_key_is_written_twice() -> None:
    for language in languages():
        written = (LOCALES / language / "LC_MESSAGES" / "waymark.po").read_text()
        found = re.findall(r'^msgid "(.+)"$', written, re.MULTILINE)
        assert len(found) == len(set(found)), language


def test_a_text_that_counts_has_one_and_many() -> None:
    assert [words(Text(key="plan.title", count=n), "en") for n in (0, 1, 2)] == [
        "0 open items",
        "1 open item",
        "2 open items",
    ]
