"""Lines as models write them, about sessions as people hold them: true ones hold, and those that are not do not."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from bench.evals.walk import materials
from bot.lexicon import lexicon
from flows.documents import Citation, Material
from flows.grounding import Grounds, quoted


@pytest.fixture(scope="module")
def found() -> dict[str, Material]:
    """The sessions of the evaluation, walked."""
    return asyncio.run(materials())


def faults(
    material: Material, text: str, *fields: str, title: bool = False, days: tuple[date, ...] = ()
) -> list[str]:
    """What speaks against a line that cites the whole of these answers."""
    turns = [turn for field in fields if (turn := material.turn(field))]
    citations = [Citation(turn=turn.n, quote=turn.text, about=turn.step) for turn in turns]
    return Grounds(material, lexicon(material.language)).faults(text, citations, title=title, days=days)


TRUE = [
    ("en-2", "You rated where you are now at 4 out of 10.", ("current_state_rating",)),
    ("en-2", "Helping somebody and doing it for them are two separate things.", ("key_learnings",)),
    ("en-2", "You defend your team quickly and your own time slowly.", ("session_insights",)),
    ("en-2", "You will check in on Wednesday 2 December.", ("next_check_in",)),
    (
        "en-3",
        "In the driveway you make about 7 of 10, but when everyone goes quiet you rush.",
        ("strengths", "obstacles"),
    ),
    ("en-5", "You call Samir on Wednesday after eight.", ("step_what",)),
    ("es-4", "Tu compromiso es de 9 sobre 10.", ("commitment_level",)),
    ("hi-2", "आपने अपनी स्थिति को 10 में से 4 बताया।", ("current_state_rating",)),
    ("ar-3", "درجة التزامك 9 من 10.", ("commitment_level",)),
]

FALSE = [
    ("en-2", "Greg runs the complaints inbox on his own by 24 November.", ("goal_statement",)),
    ("en-2", "You ask Greg on 30 November over a coffee.", ("step_what",)),
    ("en-2", "You ask Greg by 11/24/2027.", ("step_what",)),
    ("en-2", "You will ask Greg next week.", ("step_what",)),
    ("en-2", "You told Anita that your husband is leaving you.", ("support",)),
    ("en-2", "You never want Greg to run the complaints inbox.", ("goal_statement",)),
    ("en-2", "Anita feels lonely and works nights against her will.", ("support",)),
    ("en-2", "You count the days on Monday and Wednesday.", ("measurable",)),
    ("en-2", "You rated where you are now at 9 out of 10.", ("current_state_rating",)),
    ("en-2", "You should ask Greg about the complaints inbox.", ("step_what",)),
    ("en-2", "You ask Greg, see evil.ru or write to @greg.", ("step_what",)),
    ("en-2", "You ask Greg in October.", ("step_what",)),
    ("en-5", "Samir hates you and you want to hurt yourself.", ("obstacles",)),
    ("es-4", "Tu compromiso es de 3 sobre 10.", ("commitment_level",)),
    ("hi-2", "आपने अपनी स्थिति को 10 में से 9 बताया।", ("current_state_rating",)),
    ("ar-3", "درجة التزامك 2 من 10.", ("commitment_level",)),
    ("en-2", "You rest on nothing.", ()),
]


@pytest.mark.parametrize(("name", "text", "fields"), TRUE)
def test_what_is_true_holds(found: dict[str, Material], name: str, text: str, fields: tuple[str, ...]) -> None:
    assert faults(found[name], text, *fields) == []


@pytest.mark.parametrize(("name", "text", "fields"), FALSE)
def test_what_is_not_does_not(found: dict[str, Material], name: str, text: str, fields: tuple[str, ...]) -> None:
    assert faults(found[name], text, *fields)


def test_the_title_of_a_step_is_in_its_words(found: dict[str, Material]) -> None:
    """Two words in three, and its own day beside those of what it cites."""
    material = found["en-2"]
    assert faults(material, "Ask Greg about the complaints inbox", "step_what", title=True) == []
    assert faults(material, "Give Greg the whole team and leave", "step_what", title=True)
    day = (date(2026, 11, 24),)
    assert faults(material, "Ask Greg on Tuesday 24 November", "step_what", title=True)
    assert not [f for f in faults(material, "Ask Greg on Tuesday 24 November", "step_what", days=day) if "day" in f]


@pytest.mark.parametrize(
    ("text", "quote", "found_as"),
    [
        (
            "I get  stuck,\nand everybody looks",
            "i get stuck and everybody LOOKS",
            "I get  stuck,\nand everybody looks",
        ),
        ("i start reading", "art", ""),
        ("i do it", "i", ""),
        ("7", "7", "7"),
        ("no", "no", "no"),
        ("don’t know", "DON’T know", "don’t know"),
        ("ويوم الأربعاء نتدرب", "يوم الأربعاء", "ويوم الأربعاء"),
        ("मैं पढ़ता हूँ", "पढ़ता", "पढ़ता"),
        ("yes 🎾 yes", "🎾", ""),
        ("a\u200bb c", "ab c", ""),
        ("words", "", ""),
        ("words", "...", ""),
    ],
)
def test_quotes(text: str, quote: str, found_as: str) -> None:
    """Whole words, whatever the case and the marks between them; one short word of many proves nothing."""
    assert quoted(text, quote) == found_as
