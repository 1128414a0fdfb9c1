"""PDFs: what is written is there, in every language of the catalogues, and nothing that is written can break one.

The tests are a machine without fonts: only those that ship are used. What is drawn is looked at as SVG, where each
glyph is an outline with a name.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typst
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import pdf as module
from bot.pdf import FONTS, TEMPLATE, PdfError, pdf
from bot.render import File
from bot.texts import LOCALES, languages

STYLES = ("plain", "bold", "quote")
NOWHERE = "\U0010fffd"
"""A character that no font has."""
PAGE_WIDTH = 595


@pytest.fixture(autouse=True)
def no_fonts_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYSTEM_FONTS", False)


def file(*lines: tuple[str, str], language: str = "en", title: str = "Title") -> File:
    return File(name="waymark", title=title, language=language, lines=lines)


def everywhere(text: str, language: str = "en") -> File:
    """A file with a text wherever there can be one."""
    lines = [(text, style) for style in STYLES]
    return file(*lines, (f"• {text}", "plain"), language=language, title=text)


def drawn(made: File) -> list[str]:
    """Its pages, as SVG."""
    compiler = typst.Compiler(TEMPLATE, root=TEMPLATE.parent, font_paths=module._fonts(False))
    found = compiler.compile(format="svg", sys_inputs={"file": module._data(made)})
    assert found is not None
    return [page.decode() for page in (found if isinstance(found, list) else [found])]


def outlines(made: File) -> set[str]:
    """The shapes of the glyphs that are drawn."""
    return {shape for page in drawn(made) for shape in re.findall(r'<symbol[^>]*><path d="([^"]*)"', page)}


def glyphs(text: str, language: str = "en") -> list[str]:
    """The names of the glyphs that a paragraph is drawn with, in their places."""
    nothing = len(re.findall("<use ", drawn(file(language=language))[0]))
    names = re.findall(r'<use xlink:href="#(\w+)"', drawn(file((text, "plain"), language=language))[0])
    of_title = nothing - 3  # all but "1 / 1", which comes last
    return names[of_title:-3]


def places(text: str, language: str = "en") -> list[float]:
    """How far from the left edge each line of a paragraph begins, in points."""
    found = drawn(file((text, "plain"), language=language))
    return [float(x) for page in found for x in re.findall(r'translate\(([\d.]+) [\d.]+\)"><g', page)][1:]


def characters(content: bytes) -> set[str]:
    """Those that a PDF says its glyphs stand for."""
    found = ""
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            plain = zlib.decompress(stream)
        except zlib.error:
            continue
        hexes = re.findall(rb"^<[0-9A-F]+> (?:<[0-9A-F]+> )?<([0-9A-F]+)>", plain, re.MULTILINE)
        hexes += re.findall(rb"/ActualText <FEFF([0-9A-F]+)>", plain, re.IGNORECASE)
        found += "".join(bytes.fromhex(one.decode()).decode("utf-16-be", "replace") for one in hexes)
    return set(found)


def pages(content: bytes) -> int:
    inside = [zlib.decompress(s) for s in re.findall(rb"stream\r?\n(x.*?)\r?\nendstream", content, re.DOTALL)]
    return max(
        int(n) for plain in [content, *inside] for n in re.findall(rb"/Type ?/Pages.*?/Count (\d+)", plain, re.S)
    )


# ---- the languages


def texts(language: str) -> Iterator[str]:
    """Everything that the bot says in a language, but for what stands on buttons: none of it comes into a file."""
    with (LOCALES / language / "LC_MESSAGES" / "waymark.po").open("rb") as catalogue:
        for message in read_po(catalogue, locale=language):
            key = message.id if isinstance(message.id, str) else message.id[0]
            if key and not key.startswith("button."):
                yield from [message.string] if isinstance(message.string, str) else message.string


@pytest.mark.parametrize("language", languages())
def test_a_machine_without_fonts_writes_every_text_of_a_language(language: str) -> None:
    """No letter is an empty box."""
    missing = outlines(everywhere(NOWHERE)) - outlines(everywhere(""))
    assert len(missing) == len(STYLES) + 1, "a box in each size"
    whole = file(*((text, style) for text in texts(language) for style in STYLES), language=language)
    assert not outlines(whole) & missing


SAID = {
    "en": "I kept quiet “again”, and that’s it.",
    "es": "¿Qué pasó el año pasado? ¡Pingüinos en el corazón!",
    "hi": "क्षेत्र, ज्ञान, श्री, स्त्री, विद्यार्थी, हिन्दी, कृष्ण, हूँ।",
    "ar": "كنتُ صامتًا، ثم قرّرتُ أن أتكلم؟ لا بأس؛ ٢٣",
}


@pytest.mark.parametrize("language", languages())
def test_what_is_said_is_there(language: str) -> None:
    """It can be searched and copied, too."""
    content = pdf(everywhere(SAID[language], language))
    assert content.startswith(b"%PDF-")
    assert set(SAID[language]) - {" "} <= characters(content)


def test_arabic_letters_join() -> None:
    alone = set(glyphs("ب", "ar"))
    joined = glyphs("ببب", "ar")
    assert len(set(joined)) == 3, "the one that begins, the one between, the one that ends"
    assert not alone & set(joined)


def test_devanagari_forms_conjuncts() -> None:
    assert len(glyphs("कष", "hi")) == 2
    [conjunct] = glyphs("क्ष", "hi")
    assert conjunct not in glyphs("कष", "hi")
    before, letter = glyphs("हि", "hi")
    assert glyphs("ह", "hi") == [letter], "the vowel that is spoken after it is written before it"
    assert before != letter


def test_arabic_begins_at_the_right() -> None:
    """So do the words of a person, whatever language the bot speaks; and the other way round."""
    for language in ("en", "ar"):
        assert places("مرحبا", language)[0] > PAGE_WIDTH / 2
        assert places("hello", language)[0] < PAGE_WIDTH / 2
    assert places("12", "en")[0] < PAGE_WIDTH / 2 < places("12", "ar")[0], "numbers have no direction of their own"
    assert places("\u2068Mira\u2069، مرحبا", "en")[0] > PAGE_WIDTH / 2, "a name that is put in gives none"


# ---- the layout


def test_a_list_item_has_its_bullet_once() -> None:
    bullet = glyphs("• a")
    assert len(bullet) == 2
    assert glyphs("• • a")[0] == glyphs("• • a")[1] == bullet[0], "the second one is the person's"


def test_the_lines_of_a_text_are_kept() -> None:
    assert len(places("one\ntwo\n\nthree")) == 3 + len(places(""))


def test_a_long_text_takes_many_pages() -> None:
    content = pdf(file(*((f"Answer {n}. " + "I kept quiet. " * 30, "plain") for n in range(100))))
    assert pages(content) > 5


@pytest.mark.parametrize(
    "word",
    ["W" * 300, "كلمة" * 100, "शब्द" * 100, "﷽" * 40, "https://example.com/" + "a" * 300],
    ids=["wide", "Arabic", "Hindi", "very wide", "address"],
)
def test_a_word_that_no_line_holds_is_broken(word: str) -> None:
    """All of it is there, within the margins."""
    made = file((word, "plain"), (word, "quote"), (word, "bold"), (f"• {word}", "plain"), title=word)
    shown = "".join(drawn(made))
    for place, inside in re.findall(r'translate\(([\d.]+) [\d.]+\)"><g[^>]*>(.*?)</g></g>', shown):
        ends = [float(place) + float(x) for x in re.findall(r'<use [^>]*? x="([\d.-]+)"', inside)]
        assert min(ends) > 50
        assert max(ends) < PAGE_WIDTH - 50


def test_a_word_that_a_line_holds_is_not_broken() -> None:
    """Not even by what is not seen, which would be copied with it."""
    address = "https://example.com/a/rather/long/one/that-fits"
    assert "\u200b" not in characters(pdf(file((f"See {address} for more. " * 9, "plain"))))


# ---- hostile words

HOSTILE = {
    "code": '#panic("x") #import "a": * #eval("1") #sys $x^2$ \\u{41} @ref <label> // c /* c */ [*b* _i_ `r`] = H',
    "data": '"}], "lines": [{"text": "\\u0000"',
    "controls": "".join(map(chr, range(1, 160))) + "\x7f\ufeff\ufffe\uffff",
    "halves": "\ud800 \udfff \ud83d",
    "long": "I kept quiet. " * 1400,
    "one word": "W" * 20_000,
    "one Arabic word": "مرحبا" * 4_000,
    "one syllable": "क्" * 10_000,
    "marks": "\u0301" * 20_000,
    "lines": "\n" * 10_000 + "a\u2028b\u2029c\x85d\x0be\x0cf\r\ng",
    "directions": "abc \u202eabc שלום \u2066 x \u2067\u2067 مرحبا (1) " * 100 + "\u202b" * 200 + "\u2069" * 200,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈1️⃣❤️👍🏽" * 200,
    "unseen": "\u200b\u200d\u2060\u00ad\ufe0f\U000e0061" * 500,
    "nothing": "",
    "space": " \t\u00a0\u3000",
    "every plane": "\ue000\U000f0000\U0010ffff\ufffc\ufdfd\u1100\u1161",
}


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_there_is_always_a_pdf(text: str, language: str) -> None:
    assert pdf(file((text, "plain"), (f"• {text}", "plain"), ("The end", "quote"), language=language)).startswith(
        b"%PDF-"
    )
    assert pdf(file((text[:2000], "bold"), language=language, title=text[:2000])).startswith(b"%PDF-")


def test_code_is_written_as_it_stands() -> None:
    said = "#panic(1) $x$ *b* _i_ `r` -- '' \\u{41} @a <b> ~ ..."
    assert len(glyphs(said)) == len(said) - said.count(" ")
    assert set(said) - {" "} <= characters(pdf(everywhere(said)))


@settings(max_examples=100)
@given(st.text(max_size=200), st.sampled_from(languages()))
def test_any_text_makes_a_pdf(text: str, language: str) -> None:
    assert pdf(everywhere(text, language)).startswith(b"%PDF-")


MIXED = (
    (0x20, 0x250),
    (0x300, 0x370),
    (0x590, 0x700),
    (0x900, 0x980),
    (0xE00, 0xE80),
    (0x1100, 0x1200),
    (0xFE00, 0xFFFF),
)
mixed = st.lists(st.one_of([st.integers(a, b).map(chr) for a, b in MIXED]), min_size=100, max_size=300).map("".join)


@given(mixed)
def test_letters_and_marks_of_many_scripts_make_a_pdf(text: str) -> None:
    """Some of it is too much for the typesetter, and is written without the marks."""
    assert pdf(everywhere(text, "ar")).startswith(b"%PDF-")


def test_the_same_file_is_the_same_pdf() -> None:
    assert pdf(everywhere(SAID["ar"], "ar")) == pdf(everywhere(SAID["ar"], "ar"))


def test_a_failure_says_no_word_of_the_person(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "broken.typ"
    broken.write_text("#panic(sys.inputs.file)")
    monkeypatch.setattr(module, "TEMPLATE", broken)
    with pytest.raises(PdfError) as failed:
        pdf(everywhere("a secret of mine"))
    assert str(failed.value) == "TypstError"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def test_the_fonts_ship_with_their_licence() -> None:
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text()
    assert sum(path.stat().st_size for path in FONTS.iterdir()) < 3_000_000
