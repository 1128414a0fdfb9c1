"""A file of the outbox as a PDF: a title, then lines, in any script.

The layout is `file.typ`. Words go there as data, so nothing that a person writes can be markup. The fonts beside it
(`fonts/`) write the languages of the catalogues; other scripts come from the machine's fonts, where it has them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import typst

from bot.render import File
from bot.texts import right_to_left

TEMPLATE = Path(__file__).parent / "file.typ"
FONTS = Path(__file__).parent / "fonts"
SYSTEM_FONTS = True
"""Whether fonts of the machine are used, for what ours do not write."""
ITEM = "• "
LONG = 100
"""Characters without a space between them that may be a word."""
MAY_BREAK = "\u200b"


class PdfError(Exception):
    """The PDF could not be made. Says the kind of error only: the rest may be somebody's words."""


def pdf(file: File) -> bytes:
    """The PDF. Takes a processor for tenths of a second: never to be called on the event loop. Raises PdfError."""
    cleaned = _cleaned(file, _clean)
    try:
        return _compiled(cleaned)
    except PdfError:  # the typesetter has its limits, which random marks in right-to-left text can find
        return _compiled(_cleaned(cleaned, _without_strays))


def _compiled(file: File) -> bytes:
    try:
        compiler = typst.Compiler(TEMPLATE, root=TEMPLATE.parent, font_paths=_fonts(SYSTEM_FONTS))
        made = compiler.compile(format="pdf", sys_inputs={"file": _data(file)})
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic in Rust is no Exception
        raise PdfError(type(error).__name__) from None
    assert isinstance(made, bytes)
    return made


@cache
def _fonts(system: bool) -> typst.Fonts:
    """Looked for once: there may be hundreds."""
    return typst.Fonts(include_system_fonts=system, font_paths=[FONTS])


def _data(file: File) -> str:
    """What the template is given, as JSON."""
    rtl = right_to_left(file.language)
    title = _line(" ".join(file.title.split()) or "…", "bold", rtl)
    lines = [line for text, style in file.lines for line in _lines(text, style, rtl)]
    data = {"title": title, "language": file.language, "rtl": rtl, "lines": lines}
    return msgspec.json.encode(data).decode()


def _lines(text: str, style: str, rtl: bool) -> list[dict[str, Any]]:
    """The lines of a text as the template has them: each has a direction of its own, as in a messenger."""
    if style == "bold":
        text = " ".join(text.split())
    found, apart = [], True
    for line in text.splitlines():
        if not line.strip():
            apart = True
        elif style == "plain" and line.startswith(ITEM):
            found.append(_line(line.removeprefix(ITEM), "item", rtl, apart))
        else:
            found.append(_line(line, style, rtl, apart))
            apart = False
    return found


def _line(text: str, style: str, rtl: bool, apart: bool = True) -> dict[str, Any]:
    return {"text": text, "style": style, "rtl": _towards_left(text, rtl), "apart": apart}


def _towards_left(text: str, otherwise: bool) -> bool:
    """Whether a paragraph is written from right to left: as its first letter outside isolates is (UAX #9, P2, P3)."""
    depth = 0
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in ("LRI", "RLI", "FSI"):
            depth += 1
        elif kind == "PDI":
            depth = max(depth - 1, 0)
        elif not depth and kind in ("L", "R", "AL"):
            return kind != "L"
    return otherwise


def _cleaned(file: File, clean: Callable[[str], str]) -> File:
    return file.evolve(title=clean(file.title), lines=tuple((clean(text), style) for text, style in file.lines))


def _clean(text: str) -> str:
    """Without what is no character of a text: controls other than white space, halves of surrogate pairs.

    What goes on too long without a space may be cut: shaping a pile of marks takes time by its square, and a syllable
    of 256 characters ends in a panic.
    """
    kept, run = [], 0
    for char in text:
        kind = unicodedata.category(char)
        if char.isspace():
            run = 0
        elif kind in ("Cc", "Cs"):
            continue
        elif run >= LONG and (not kind.startswith("M") or run >= 2 * LONG):
            kept.append(MAY_BREAK)
            run = 1
        else:
            run += 1
        kept.append(char)
    return "".join(kept)


def _without_strays(text: str) -> str:
    """Without marks on letters of another script, and without what is not seen or not assigned."""
    kept, base = [], ""
    for char in text:
        kind = unicodedata.category(char)
        script = unicodedata.name(char, "").split(" ")[0].replace("COMBINING", "LATIN")
        if char == MAY_BREAK or (kind not in ("Cf", "Cn", "Co") and (script == base or not kind.startswith("M"))):
            kept.append(char)
            base = script
    return "".join(kept)
